"""Named ways to make many scenes of one: pure functions of a Document, parameters and a seed, each with a guarantee that is checked.

    for variant in islice(vary(document, "cut_in", seed=3, ttc_s=[1.0, 1.5]), 10): ...

`VARIATIONS` is the one table; the command line, plans and the page read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from editor.document import Document, EditError
from editor.variations import pedestrians, rigs, roadside, vehicles, whole_scene
from editor.variations.variation import Choice, NoPlace, Range, Variant, Variation, narrowed, stream

__all__ = ["VARIATIONS", "Choice", "NoPlace", "Range", "Variant", "Variation", "narrowed", "stream", "variation", "vary"]

VARIATIONS: Mapping[str, Variation] = {
    one.name: one
    for one in (
        pedestrians.JAYWALKER,
        pedestrians.CROWD,
        roadside.LANE_CLOSURE,
        roadside.CYCLIST_QUEUE,
        vehicles.CUT_IN,
        vehicles.HARD_BRAKE,
        vehicles.WRONG_WAY,
        whole_scene.LEFT_HAND,
        whole_scene.EGO_LATERAL,
        whole_scene.EGO_LONGITUDINAL,
        whole_scene.THINNED,
        whole_scene.DOUBLED,
        whole_scene.LOOKS,
        rigs.RIG_ADD,
        rigs.RIG_DROP,
        rigs.RIG_MOVE,
        rigs.RIG_DENSIFY,
    )
}


def variation(name: str) -> Variation:
    """Raises EditError (one sentence) where there is none of that name."""
    if name not in VARIATIONS:
        near = get_close_matches(name, VARIATIONS, 2, 0.5)
        raise EditError(
            f"There is no variation '{name}': "
            + (f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(VARIATIONS)}.")
        )
    return VARIATIONS[name]


def vary(document: Document, name: str, seed: int = 0, **asked: Any) -> Iterator[Variant]:
    """Documents without end by the variation of a name; see `stream`."""
    return stream(document, variation(name), seed, asked)
