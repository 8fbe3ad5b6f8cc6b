"""Names of presets and of view models: what they stand for, and how one that means nothing, or cannot run here, is refused."""

from __future__ import annotations

import pytest

from engine import presets
from engine.api import Recipe
from engine.occupancy.fake import FakeOccupancy
from engine.views import registry
from engine.views.drawn import rays


def test_the_fake_engine_takes_the_time_it_is_given():
    engine = presets.load_occupancy("fake:0.2")
    assert isinstance(engine, FakeOccupancy) and engine.seconds_per_frame == 0.2
    assert presets.load_occupancy("fake").facts == FakeOccupancy().facts


@pytest.mark.parametrize(
    ("preset", "word"),
    [("huge", "compact"), ("fake:soon", "fake:0.2"), ("fake:-1", "between"), ("fake:nan", "between"), ("compact:3", "no argument"), ("", "choose one of")],
)
def test_a_name_that_means_nothing_is_answered_with_what_does(preset, word):
    with pytest.raises(presets.PresetError, match=word):
        presets.load_occupancy(preset)


def test_a_device_that_means_nothing_is_refused():
    with pytest.raises(presets.PresetError, match="auto, cpu, cuda"):
        presets.load_occupancy("fake", "abacus")


def test_a_preset_is_a_pair_of_which_the_views_can_be_others():
    assert presets.recipe("fake:0.2", seed=4) == Recipe("fake:0.2", "fake", 4)
    assert presets.recipe("compact", "fake").views == "fake" and presets.recipe("compact").views == presets.PRESETS["compact"].views
    with pytest.raises(registry.ViewsError, match="choose one of .*fake"):
        presets.recipe("fake", "dreams")


def test_a_view_model_that_cannot_run_here_is_refused_and_not_offered(monkeypatch):
    assert "drawn" in registry.runnable() and "fake" in registry.runnable()
    monkeypatch.setattr(rays, "why_not", lambda: "Package 'embreex' is not installed: choose another view model with --views.")
    assert "drawn" not in registry.runnable()
    for ask in (registry.check, registry.load):
        with pytest.raises(registry.ViewsError, match="embreex.*--views"):
            ask("drawn")
    assert presets.recipe("compact", "drawn").views == "drawn", "it is refused when it is to be loaded, since not every take needs it"


def test_models_are_loaded_when_they_are_asked_for(monkeypatch):
    loaded = []
    monkeypatch.setattr(presets, "load_occupancy", lambda *asked: loaded.append(asked) or FakeOccupancy())
    models = presets.RecipeModels(presets.recipe("compact", "fake"), "cpu")
    assert models.views is models.views and not loaded
    assert models.occupancy is models.occupancy and loaded == [("compact", "cpu", None)]
