"""Which of our templates have a place for a variation: what a refusal can offer instead."""

from __future__ import annotations

from functools import cache

from editor.samples import SAMPLES
from editor.variations import NoPlace, stream, variation


@cache
def templates_with_a_place(name: str) -> tuple[str, ...]:
    """Names of the templates in which a variation happens with seed 0, by trying."""
    found = []
    for template, make in SAMPLES.items():
        try:
            next(stream(make(), variation(name)))
            found.append(template)
        except NoPlace:
            continue
    return tuple(found)


def where_instead(name: str) -> str:
    """A half-sentence, '; of the templates, A and B have one'; empty where none has."""
    found = templates_with_a_place(name)
    if not found:
        return ""
    return f"; of the templates, {' and '.join(filter(None, (', '.join(found[:-1]), found[-1])))} {'has' if len(found) == 1 else 'have'} one"
