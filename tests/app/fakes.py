"""Takes made by the fake models, in process."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from app.jobs.request import TakeRequest
from app.jobs.take_maker import Watch, make_take
from editor.document import Document
from engine.api import OccupancyModel, Recipe, ViewModel
from engine.occupancy.fake import FakeOccupancy
from engine.views.fake import FakeViews

RECIPE = Recipe("fake", "fake", seed=3)
_WATCHED = {one.name for one in fields(Watch)}


@dataclass
class FakeModels:
    occupancy: OccupancyModel = field(default_factory=FakeOccupancy)
    views: ViewModel = field(default_factory=FakeViews)


class Refused:
    """Models that must not be asked for."""

    @property
    def occupancy(self) -> OccupancyModel:
        raise AssertionError("nobody needs an occupancy model here")

    @property
    def views(self) -> ViewModel:
        raise AssertionError("nobody needs a view model here")


def take(document: Document, out: Path, recipe: Recipe = RECIPE, *, models: Any = None, **asked: Any) -> Path:
    """`make_take`, with the fields of its request and of its watch side by side."""
    watch = Watch(**{name: asked.pop(name) for name in list(asked) if name in _WATCHED})
    return make_take(TakeRequest(document, out, recipe, **asked), models or FakeModels(), watch)
