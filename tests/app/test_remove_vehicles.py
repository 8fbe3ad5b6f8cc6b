"""All vehicles out of the occupancy (S4): in every frame, ground closed, the rest as it was; the pictures alone are made again."""

from __future__ import annotations

import numpy as np

from app.jobs.basis import Basis
from app.workspace.shot import ShotMaker
from app.workspace.shown import ShownTake
from editor import commands
from editor.edits.occupancy import VEHICLES
from editor.samples import crossing
from editor.session import Session
from engine.spec.classes import CLASS, FREE
from engine.spec.take import Take
from engine.views.fake import FakeViews
from tests.app.fakes import Refused, take

IDS = [CLASS[name] for name in VEHICLES]


class OnlyViews(Refused):
    views = FakeViews()


def test_all_vehicles_leave_every_frame_and_the_pictures_alone_are_made_again(tmp_path) -> None:
    session = Session(crossing())
    first = Take.open(take(session.document, tmp_path / "first", frames=2, cameras=("CAM_FRONT",)))
    vehicles = np.isin(first.semantics, IDS)
    assert vehicles.any()
    commands.run(session, "remove_vehicles", {})
    assert session.undo_steps == 1 and len(session.document.entities) == len(crossing().entities) + len(VEHICLES)
    shot = ShotMaker().shoot(session.document, 0, ShownTake.from_folder(first.folder))
    assert not np.isin(shot.occupancy.semantics, IDS).any() and not shot.stale, "seen at once"
    assert shot.picture("CAM_FRONT").stale, "which the picture still lacks"

    again = take(
        session.document, tmp_path / "again", first_recipe(first), frames=2, cameras=("CAM_FRONT",), models=OnlyViews(),
        basis=Basis(first.folder, 2, seen_anew=True),
    )  # fmt: skip
    seen = Take.open(again)
    assert not np.isin(seen.semantics, IDS).any()
    ground = first.semantics[:, :, :, 2] != FREE
    assert (seen.semantics[:, :, :, 2] != FREE)[ground].all(), "the ground is closed under them"
    column = vehicles.any(3, keepdims=True) & np.ones_like(vehicles)
    assert np.array_equal(seen.semantics[~column], first.semantics[~column]), "elsewhere not a voxel changed"
    fresh = ShotMaker().shoot(session.document, 0, ShownTake.from_folder(again))
    assert not fresh.picture("CAM_FRONT").stale
    session.undo()
    assert session.document == crossing()


def first_recipe(made: Take):
    from engine.presets import recipe_of

    return recipe_of(made.info["recipe"])
