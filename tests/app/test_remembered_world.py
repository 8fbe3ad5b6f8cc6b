"""`generate --world TAKE`: an earlier take is handed to the model as the memory of the next, and take.json says which."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from app.commands.parser import build_parser
from app.config import AppConfig
from app.jobs.basis import Basis, occupancy_digest
from app.jobs.request import TakeRequest
from app.workspace.bridge import take_request
from app.workspace.shown import ShownTake
from editor.document import Document, EditError
from editor.entities import OccupancyEdit
from engine.occupancy.fake import FakeOccupancy
from engine.spec.take import Take, TakeError
from tests.app.fakes import RECIPE, FakeModels, take

DOCUMENT = Document(name="street")


@dataclass(frozen=True)
class Told(FakeOccupancy):
    """Says what it was given."""

    given: list[Any] = field(default_factory=list)

    def occupancy(self, clip, recipe, cancelled, continue_from=None, world=None, earlier=()):  # noqa: ANN001, ANN201
        self.given.append(world)
        return super().occupancy(clip, recipe, cancelled, continue_from, world)


def test_the_model_gets_the_take_and_the_recipe_says_which(tmp_path: Path) -> None:
    first = take(DOCUMENT, tmp_path / "first", until="occupancy", frames=2)
    model = Told()
    second = take(DOCUMENT, tmp_path / "second", models=FakeModels(model), until="occupancy", frames=3, world=first)
    (given,) = model.given
    assert isinstance(given, Take) and given.folder == first
    told = json.loads((second / "take.json").read_text())["recipe"]
    assert told["world"] == {"take": "first", "sha256": occupancy_digest(first, 2)}
    assert "world" not in json.loads((first / "take.json").read_text())["recipe"]
    anew = Told()
    take(DOCUMENT, tmp_path / "third", models=FakeModels(anew), until="occupancy", frames=1)
    assert anew.given == [None]


def test_what_cannot_be_remembered_is_said_before_anything_is_written(tmp_path: Path) -> None:
    first = take(DOCUMENT, tmp_path / "first", until="occupancy", frames=2)
    plan = take(DOCUMENT, tmp_path / "plan", until="layout", frames=2)
    for asked, words in (
        ({"world": plan, "until": "occupancy"}, "has no occupancy to remember"),
        ({"world": first, "until": "layout"}, "has no world to remember"),
        ({"world": first, "until": "occupancy", "basis": Basis(first, 1)}, "stays in its world"),
    ):
        with pytest.raises(EditError, match=words):
            take(DOCUMENT, tmp_path / "out", frames=2, **asked)  # type: ignore[arg-type]
    with pytest.raises(TakeError, match="There is no take"):
        take(DOCUMENT, tmp_path / "out", until="occupancy", frames=1, world=tmp_path / "nowhere")
    with pytest.raises(EditError, match="a folder of its own"):
        TakeRequest(DOCUMENT, first, RECIPE, world=first).remembered()
    assert not (tmp_path / "out").exists()


def test_the_command_line_knows_it() -> None:
    args = build_parser().parse_args(["generate", "a.anyscene", "-o", "b", "--world", "c"])
    assert args.world == Path("c")


def test_edits_that_were_undone_stay_and_that_is_said(tmp_path: Path) -> None:
    edit = OccupancyEdit("cut", "remove_class", class_name="vegetation")
    first = take(DOCUMENT.with_entities(edit), tmp_path / "first", until="occupancy", frames=1)
    notes: list[str] = []
    take(DOCUMENT, tmp_path / "second", until="occupancy", frames=1, world=first, note=notes.append)
    assert notes == [
        "The world of take 'first' has 1 edit of occupancy that the scene has no more and that stays: leave the world out to be rid of that."
    ]
    take(DOCUMENT.with_entities(edit), tmp_path / "third", until="occupancy", frames=1, world=first, note=notes.append)
    assert len(notes) == 1


def test_the_page_goes_on_in_the_world_of_the_take_shown(tmp_path: Path) -> None:
    config = AppConfig(workspace=tmp_path)
    first = take(DOCUMENT, tmp_path / "first", until="occupancy", frames=2)
    shown, moved = ShownTake.from_folder(first), Document(name="street, a car moved")
    usual = {"preset": "fake", "seed": shown.recipe.seed, "until": "occupancy", "frames": 2}
    assert take_request(moved, usual, config, shown).world == first
    for other in ({"world": False}, {"seed": shown.recipe.seed + 1}, {"preset": "compact"}, {"until": "layout"}, {"from_frame": 1}):
        assert take_request(moved, usual | other, config, shown).world is None, other
    assert take_request(moved, usual, config, None).world is None
    assert take_request(moved, usual, config, replace(shown, frames=3, disk=None)).world is None, "it is still being made"


def test_what_was_undone_since_is_not_remembered(tmp_path: Path) -> None:
    edit = OccupancyEdit("e1", kind="remove_class", class_name="manmade")
    first = take(DOCUMENT.with_entities(edit), tmp_path / "first", until="occupancy", frames=1)
    asked = {"preset": "fake", "seed": RECIPE.seed, "until": "occupancy", "frames": 1}
    shown, config = ShownTake.from_folder(first), AppConfig(workspace=tmp_path)
    assert take_request(DOCUMENT.with_entities(edit), asked, config, shown).world == first
    assert take_request(DOCUMENT, asked, config, shown).world is None
