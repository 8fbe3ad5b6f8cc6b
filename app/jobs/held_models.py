"""Models that a process holds: loaded when first needed and kept, one of a kind at a time, because two need not fit in memory together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from engine.api import OccupancyModel, Recipe, ViewModel

if TYPE_CHECKING:
    from engine.metrics.judge import Judge

Told = Callable[[str, float | None], None]
"""Hears of a model that is loaded: (words, None) before, (words, seconds) after."""
_Model = TypeVar("_Model")


def _nobody(words: str, seconds: float | None) -> None:
    pass


class HeldModels:
    """Of one process."""

    def __init__(self) -> None:
        self._occupancy: dict[tuple[str, str], OccupancyModel] = {}
        self._views: dict[tuple[str, str], ViewModel] = {}
        self._judge: Judge | None = None

    def occupancy(self, name: str, device: str, told: Told = _nobody) -> OccupancyModel:
        """Raises PresetError or WeightsError (one sentence) where it cannot be loaded."""
        from engine.presets import load_occupancy

        return _loaded(self._occupancy, f"occupancy '{name}'", (name, device), load_occupancy, told)

    def views(self, name: str, device: str, told: Told = _nobody) -> ViewModel:
        """Raises ViewsError or WeightsError (one sentence) where it cannot be loaded."""
        from engine.views.registry import load

        return _loaded(self._views, f"views '{name}'", (name, device), load, told)

    def judge(self) -> Judge:
        """Who reads pictures. Raises WeightsError where its weights are missing."""
        from engine.metrics.judge import load_judge

        if self._judge is None:
            self._judge = load_judge()
        return self._judge

    def of(self, recipe: Recipe, device: str, told: Told = _nobody) -> ModelsOfRecipe:
        return ModelsOfRecipe(self, recipe, device, told)


class ModelsOfRecipe:
    """Answers `engine.api.Models` with what is held."""

    def __init__(self, held: HeldModels, recipe: Recipe, device: str, told: Told) -> None:
        self._held, self._recipe, self._device, self._told = held, recipe, device, told

    @property
    def occupancy(self) -> OccupancyModel:
        return self._held.occupancy(self._recipe.occupancy, self._device, self._told)

    @property
    def views(self) -> ViewModel:
        return self._held.views(self._recipe.views, self._device, self._told)


def _loaded(held: dict[tuple[str, str], _Model], words: str, key: tuple[str, str], load: Callable[[str, str], _Model], told: Told) -> _Model:
    if key not in held:
        told(words, None)
        start = time.perf_counter()
        held.clear()
        held[key] = load(*key)
        told(words, time.perf_counter() - start)
    return held[key]
