"""The presets by name, each a pair of models, and what turns a name into a recipe and a recipe into loaded models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api import VIEWS, OccupancyModel, Recipe, ViewModel
from engine.occupancy.config import PRESETS as SIZES
from engine.occupancy.config import weights_folder
from engine.spec.classes import ASSETS
from engine.views import registry


@dataclass(frozen=True, slots=True)
class Preset:
    """A pair of models; the occupancy model has the preset's own name."""

    description: str
    views: str = VIEWS


PRESETS: dict[str, Preset] = {
    "compact": Preset("small models with shipped weights, seconds per frame on a laptop"),
    "tiny": Preset("the smallest models, for trying things out"),
    "paper": Preset("the paper's size, on a CUDA GPU with weights of your own"),
    "noise": Preset("compact's models without its sketch: STOccDiT decides, from noise alone as in the paper"),
    "sequences": Preset("compact's size, from noise alone and with three frames of history, with weights of your own"),
    "resampled": Preset("no model: the occupancy of a take along another path of the ego (with a world)"),
    "fake": Preset("no model: boxes and ground straight from the layout, at once", views="fake"),
}


def offered() -> tuple[str, ...]:
    """The presets that can be used as they are: those whose weights are here, and the one that needs none."""
    trained = [name for name in SIZES if (ASSETS / "weights" / weights_folder(name) / "stoccdit.card.json").exists()]
    return tuple(name for name in PRESETS if name == "fake" or name in trained)


DEVICES = ("auto", "cpu", "cuda")


class PresetError(ValueError):
    """A preset that does not exist or cannot be loaded here: one sentence."""


def check(preset: str) -> str:
    """The preset's name without its argument. Raises PresetError where it is unknown; loads nothing."""
    name, _, argument = preset.partition(":")
    if name not in PRESETS:
        raise PresetError(f"There is no preset '{preset}': choose one of {', '.join(PRESETS)}.")
    if argument and name != "fake":
        raise PresetError(f"Preset '{name}' takes no argument, but '{preset}' gives it '{argument}': leave it out.")
    if argument:
        _seconds(preset, argument)
    return name


def recipe(preset: str, views: str | None = None, *, seed: int = 0, steps: int | None = None, guidance: float | None = None) -> Recipe:
    """The recipe of a preset's pair, with another view model where `views` names one.

    Raises PresetError or ViewsError where a name is unknown; whether the models can run here is asked when they are loaded.
    """
    name = check(preset)
    if views is not None:
        registry.entry(views)
    return Recipe(preset, views or PRESETS[name].views, seed, steps, guidance)


def recipe_of(told: Mapping[str, Any]) -> Recipe:
    """The recipe that the 'recipe' of a take.json tells of. Takes from before views were chosen apart name a preset, whose pair it was."""
    occupancy = str(told.get("occupancy") or told.get("preset") or "")
    usual = PRESETS.get(occupancy.partition(":")[0])
    views = str(told.get("views") or (usual.views if usual else ""))
    return Recipe(occupancy, views, int(told.get("seed", 0)), told.get("steps"), told.get("guidance"))


class RecipeModels:
    """Answers `engine.api.Models` for one recipe on one device."""

    def __init__(self, recipe: Recipe, device: str = "auto", weights: Path | None = None) -> None:
        """`weights` are those of `load_occupancy`."""
        self._recipe, self._device, self._weights = recipe, device, weights
        self._occupancy: OccupancyModel | None = None
        self._views: ViewModel | None = None

    @property
    def occupancy(self) -> OccupancyModel:
        if self._occupancy is None:
            self._occupancy = load_occupancy(self._recipe.occupancy, self._device, self._weights)
        return self._occupancy

    @property
    def views(self) -> ViewModel:
        if self._views is None:
            self._views = registry.load(self._recipe.views, self._device)
        return self._views


def load_occupancy(preset: str, device: str = "auto", weights: Path | None = None) -> OccupancyModel:
    """A preset's occupancy model, loaded. 'fake:0.2' is the fake one that takes 0.2 s a frame, for tests of everything around the model.

    `weights` is the folder that `train` wrote into, where they are not the shipped ones.

    Raises PresetError for an unknown preset or device, WeightsError where there are no weights.
    """
    name = check(preset)
    if device not in DEVICES:
        raise PresetError(f"There is no device '{device}': choose one of {', '.join(DEVICES)}.")
    if name == "fake":
        if weights is not None:
            raise PresetError("Preset 'fake' has no weights: leave --weights out, or name the preset that they were trained for.")
        from engine.occupancy.fake import FakeOccupancy

        argument = preset.partition(":")[2]
        return FakeOccupancy(_seconds(preset, argument) if argument else 0.0)
    if name == "resampled":
        from engine.occupancy.resampled import Resampled

        return Resampled()
    from engine.occupancy.model import load_model

    return load_model(name, device, weights)


def _seconds(preset: str, argument: str) -> float:
    try:
        seconds = float(argument)
    except ValueError as error:
        raise PresetError(
            f"Preset '{preset}' needs seconds per frame after the colon, not '{argument}': write for example fake:0.2."
        ) from error
    if not 0 <= seconds <= 3600:
        raise PresetError(f"Preset '{preset}' asks for {argument} s a frame: give a number between 0 and 3600.")
    return seconds
