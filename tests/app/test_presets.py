"""Names of engines."""

from __future__ import annotations

import pytest

from engine import presets
from engine.fake import FakeEngine


def test_the_fake_engine_takes_the_time_it_is_given():
    engine = presets.load("fake:0.2")
    assert isinstance(engine, FakeEngine) and engine.seconds_per_frame == 0.2
    assert presets.load("fake").recipe_facts == FakeEngine().recipe_facts


@pytest.mark.parametrize(
    ("preset", "word"),
    [("huge", "compact"), ("fake:soon", "fake:0.2"), ("fake:-1", "between"), ("fake:nan", "between"), ("compact:3", "no argument"), ("", "choose one of")],
)
def test_a_name_that_means_nothing_is_answered_with_what_does(preset, word):
    with pytest.raises(presets.PresetError, match=word):
        presets.load(preset)


def test_a_device_that_means_nothing_is_refused():
    with pytest.raises(presets.PresetError, match="auto, cpu, cuda"):
        presets.load("fake", "abacus")
