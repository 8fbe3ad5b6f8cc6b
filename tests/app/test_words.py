"""Numbers in sentences are said by one function of each language, so that nobody reads of '1 frames'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.spec.words import plural

ROOT = Path(__file__).resolve().parents[2]
NOUNS = "frames|pictures|jobs|takes|files|keyframes|points|steps"
COUNTED = re.compile(rf"\}} (?:finished |new |more )?(?:{NOUNS})\b(?! [*/@])")
"""A number that is put into a text, with a plural behind it. What is left after `of {n}` or a limit that is never 1 is listed below."""
NEVER_ONE = ("MOST_", "KEYS_SHOWN", "undo_limit", "{spec.name ?? spec.label} takes", "what.slice(1)", "{self.pictures} pictures", "{session.undo_limit}")
TEXTS = sorted([*ROOT.glob("app/**/*.js"), *ROOT.glob("app/**/*.py")])


@pytest.mark.parametrize(("count", "words"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames")])
def test_one_is_one(count, words):
    assert plural(count, "frame") == words
    assert plural(count, "frame", ("is", "are")) == f"{words} {'is' if count == 1 else 'are'}"


def test_no_text_of_the_studio_puts_a_plural_behind_a_number_by_itself():
    found = []
    for path in TEXTS:
        if "node_modules" in path.parts or "fanout" in path.parts:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.strip()
            if code.startswith(("/**", "*", "#", '"""')) or "/**" in code.split("}")[0]:
                continue
            if (seen := COUNTED.search(re.sub(r"/\*\*.*?\*/", "", line))) and not any(word in line for word in NEVER_ONE):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[max(0, seen.start() - 40) : seen.end()].strip()}")
    assert not found, "say it with `plural`:\n" + "\n".join(found)
