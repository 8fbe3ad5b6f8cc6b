"""The 3D view's eye, its clicks and what it leaves out: against geometry worked out by hand."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from app.view3d import eye, shapes
from app.view3d.picking import enters, enters_pyramid, pick
from app.view3d.scene import SceneView
from app.view3d.settings import Settings
from app.workspace.shot import Shot, ShotMaker
from editor import commands
from editor.document import Document
from editor.session import Session
from engine.spec.classes import CLASS
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import GRIDS

DOWN = np.array([0.0, 0.0, -1.0])


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session(Document())
    commands.run(session, "add_area", {"channel": "drivable_area", "exterior": [[-30, -8], [90, -8], [90, 8], [-30, 8]]})
    commands.run(session, "add_line", {"channel": "lane_divider", "points": [[-30, -4], [90, -4]]})
    commands.run(session, "use_rig", {"name": "nuscenes6"})
    commands.run(session, "add_agent", {"class_name": "car", "x": 12.0, "y": 3.0, "yaw": 0.5})
    commands.run(session, "add_agent", {"class_name": "truck", "x": 70.0, "y": 0.0})
    commands.run(session, "move", {"ids": ["ego"], "dx": 2.0, "dy": 0.0})
    return session


@pytest.fixture(scope="module")
def shot(session: Session) -> Shot:
    found = ShotMaker().shoot(session.document, 0, None)
    assert found is not None
    return found


def ego_of(shot: Shot, x: float, y: float, z: float = 0.0) -> np.ndarray:
    """A point of the world in the ego frame."""
    return (invert(shot.clip.world_SE3_ego[0]) @ np.array([x, y, z, 1.0]))[:3]


def test_a_box_is_met_where_it_begins():
    low, high = np.array([-1.0, -1.0, -1.0]), np.array([1.0, 1.0, 1.0])
    assert enters(np.array([-5.0, 0.5, 0.0]), np.array([1.0, 0.0, 0.0]), low, high) == pytest.approx(4.0)
    assert enters(np.array([-5.0, 1.5, 0.0]), np.array([1.0, 0.0, 0.0]), low, high) is None
    assert enters(np.array([5.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]), low, high) is None, "it lies behind"
    assert enters(np.zeros(3), np.array([1.0, 0.0, 0.0]), low, high) == 0.0


def test_a_pyramid_is_met_where_it_begins_and_not_beside_its_tip():
    shape = 2.0, 1.0, 4.0
    assert enters_pyramid(np.array([0.0, 0.0, -3.0]), np.array([0.0, 0.0, 1.0]), *shape) == pytest.approx(3.0)
    assert enters_pyramid(np.array([0.0, -9.0, 2.0]), np.array([0.0, 1.0, 0.0]), *shape) == pytest.approx(8.5)
    assert enters_pyramid(np.array([0.0, -9.0, 4.5]), np.array([0.0, 1.0, 0.0]), *shape) is None, "behind its end"
    assert enters_pyramid(np.array([1.5, -9.0, 1.0]), np.array([0.0, 1.0, 0.0]), *shape) is None, "within its box, beside its tip"
    assert enters_pyramid(np.array([0.0, 9.0, 2.0]), np.array([0.0, 1.0, 0.0]), *shape) is None, "it lies behind"
    assert enters_pyramid(np.array([0.1, 0.0, 2.0]), np.array([1.0, 0.0, 0.0]), *shape) == 0.0


def test_above_the_bonnet_there_is_no_ego(shot):
    eye_at, bonnet = np.array([0.0, 15.0, 4.0]), np.array([3.3, 0.0, 1.4])
    found = pick(shot, eye_at, bonnet - eye_at)
    assert found is not None and found.startswith("area"), "the ego's box is met there, its body is not"
    assert pick(shot, eye_at, np.array([3.3, 0.0, 0.9]) - eye_at) == "ego"


@pytest.mark.parametrize(
    ("x", "y", "kind"),
    [
        (12.0, 3.0, "car"), (13.6, 3.9, "car"), (12.0, 6.0, "area"), (12.0, -4.2, "line"), (12.0, -4.6, "area"),
        (3.3, 0.0, "ego"), (70.0, 1.0, "truck"), (0.0, 30.0, None),
    ],  # fmt: skip
)
def test_a_click_from_above_finds_what_lies_there(shot, x, y, kind):
    found = pick(shot, ego_of(shot, x, y, 20.0), DOWN)
    assert found == kind or (kind is not None and found is not None and found.startswith(kind))


def test_what_is_hidden_is_not_met(shot):
    semantics = shot.occupancy.semantics.copy()
    start, car = ego_of(shot, -10.0, 3.0, 1.0), ego_of(shot, 12.0, 3.0, 1.0)
    assert pick(shot, start, car - start) == "car-1"
    semantics[100:104, :, :] = CLASS["manmade"]
    walled = replace(shot, occupancy=replace(shot.occupancy, semantics=semantics))
    assert pick(walled, start, car - start) != "car-1"
    assert pick(walled, start, car - start, clip_m=0.0) == "car-1", "a wall that is cut away hides nothing"


def test_a_camera_is_met_where_its_pyramid_is_drawn_and_only_then(shot):
    front = shot.camera_ids[0]
    pose = shot.clip.camera_pose(0, 0)
    inside = pose[:3, 3] + 0.3 * pose[:3, 2]
    start = inside + np.array([0.0, 0.0, 15.0])
    assert pick(shot, start, DOWN, cameras=[front]) == front
    assert pick(shot, start, DOWN) == "ego"


def test_an_eye_below_the_ground_is_lifted_and_looks_where_it_looked():
    @dataclass
    class Camera:
        position: np.ndarray
        look_at: np.ndarray = field(default_factory=lambda: np.array([9.0, 1.0, 0.0]))

    high, low = Camera(np.array([1.0, 2.0, 3.0])), Camera(np.array([1.0, 2.0, -3.0]))
    eye.stay_above_ground(high)
    eye.stay_above_ground(low)
    assert high.position.tolist() == [1, 2, 3] and low.position.tolist() == [1, 2, eye.LOWEST_M] and low.look_at.tolist() == [9, 1, 0]


def test_an_eye_that_does_not_follow_stays_in_the_world():
    before, after = Pose(5.0, 1.0, 0.0, 0.4).matrix(), Pose(9.0, -2.0, 0.0, -0.7).matrix()
    at = np.array([-21.0, 0.0, 15.0])
    camera = SimpleNamespace(position=at, look_at=np.array([9.0, 0.0, -1.0]))
    client = SimpleNamespace(camera=camera, atomic=nullcontext)
    eye.stay_in_world(SimpleNamespace(get_clients=lambda: {0: client}), before, after)
    now = camera.position
    assert np.allclose((after @ [*now, 1.0])[:3], (before @ [*at, 1.0])[:3]) and not np.allclose(now, at)


def test_boxes_outside_the_window_are_dimmed(session, shot):
    view = SceneView(lambda *event: None, lambda *event: None)
    try:
        view.update(shot, "a", (), keep=False)
        far, near = (view.server.scene.get_handle_by_name(f"/world/{name}") for name in ("far", "boxes"))
        assert far is not None and near is not None
        assert far.points[..., 0].mean() == pytest.approx(70.0, abs=0.1) and near.points[..., 0].mean() == pytest.approx(12.0, abs=0.1)
        assert far.colors.max() < 0.6 * near.colors.max()
    finally:
        view.stop()
    boxes = [Box(1, "car", (39.0, 0.0, 0.5), (4.0, 2.0, 1.5), 0.0), Box(2, "car", (41.0, 0.0, 0.5), (4.0, 2.0, 1.5), 0.0)]
    assert shapes.inside(boxes, np.eye(4), GRIDS["occ3d"]) == [True, False]


def test_frusta_come_on_demand_and_voxels_are_cut_at_a_height(shot, monkeypatch):
    view = SceneView(lambda *event: None, lambda *event: None)
    heights: list[float | None] = []
    try:
        import app.view3d.scene as scene

        whole = scene.surface_mesh
        monkeypatch.setattr(scene, "surface_mesh", lambda *args, **more: heights.append(more["z_below_m"]) or whole(*args, **more))
        for settings, drawn in ((Settings(), 0), (Settings(frusta=True), 6), (Settings(clip_m=1.0), 0)):
            view.update(shot, "a", (), keep=False, settings=settings)
            assert len(view._cameras) == drawn
        view.update(shot, "a", shot.camera_ids[:1], keep=False)
        assert list(view._cameras) == list(shot.camera_ids[:1]), "the one that is selected"
        assert heights == [None, 1.0], "cut voxels are other voxels; those of before are at hand"
    finally:
        view.stop()


def test_the_page_sets_the_view_and_a_wrong_height_is_refused(studio):
    with studio.page("views") as page:
        page.wait_for("document")
        page.send("view3d", follow=False, frusta=True, clip_m=2.2)
        page.send("view3d", clip_m="high")
        assert "height in metres" in page.wait_for("notice", lambda m: m["level"] == "error")["text"]
        assert studio.workspaces.find("views").screen.settings == Settings(False, True, 2.2)


def test_a_click_selects_and_with_shift_adds_and_takes_away(studio):
    with studio.page("clicks") as page:
        page.wait_for("document")
        for x in (10, 20):
            page.command("add_agent", class_name="car", x=x, y=0)
        screen = studio.workspaces.find("clicks").screen
        for click, selected in ((("car-1", False), ["car-1"]), (("car-2", True), ["car-1", "car-2"]), (("car-1", True), ["car-2"]), ((None, False), [])):
            screen._picked(*click)
            page.wait_for("patch", lambda m, selected=selected: m["selection"] == selected)


def test_whoever_steps_through_a_layout_finds_the_next_frames_there_and_an_edit_sends_none_ahead(studio, monkeypatch):
    sent: list[tuple[int, bool]] = []

    class View(SceneView):
        watched = True

        def update(self, shot, key, selection, *, keep, settings):
            sent.append((shot.frame, keep))

        def preload(self, shot, key):
            sent.append((shot.frame, False))

    with studio.page("ahead") as page:
        page.wait_for("document")
        page.command("set_scene", duration_s=1.0)
        workspace = studio.workspaces.find("ahead")
        screen = workspace.screen
        screen._live.close()
        screen._live = None  # this thread draws
        monkeypatch.setattr("app.view3d.scene.SceneView", View)
        screen.viser_port()

        def shown(frame: int) -> list[tuple[int, bool]]:
            """What is sent when the playhead goes there."""
            sent.clear()
            workspace.move_playhead(frame)
            screen._show(lambda: False)
            return list(sent)

        shown(0)
        assert shown(1) == [(1, True), (2, False), (3, False)]
        assert shown(9) == [(9, True)], "a jump says nothing of where the next one goes"
        assert shown(10) == [(10, True), (11, False)], "there are 12 frames"
        assert shown(9) == [(9, True), (8, False), (7, False)]
        page.command("add_agent", class_name="car", x=10, y=0)
        assert shown(9) == [(9, False)]
