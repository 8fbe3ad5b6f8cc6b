"""Two stories in the page: left-hand traffic (S3), and all vehicles out of the occupancy with the pictures alone made again (S4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import shapely

pytest.importorskip("playwright")

from playwright.sync_api import expect

from editor.clip import boxes_at, ego_pose_at
from editor.document import Document
from editor.edits.occupancy import VEHICLES
from editor.entities import Agent, CameraEntity, Line
from editor.lanes import keeps_right
from editor.track import pose_at
from editor.validate import DRIVES
from engine.render.edits import voxels_in_box
from engine.spec.classes import CLASS, FREE
from engine.spec.geometry import Pose, invert
from engine.spec.take import Take
from tests.app.actions import Actions, nothing_wrong, scene_of, settings, undone
from tests.app.browser_driver import StudioProcess, in_a_browser, same_scene
from tests.app.measures import as_a_deuteranope, told_apart

pytestmark = in_a_browser(900)
IDS = [CLASS[name] for name in VEHICLES]
NEAR_M = 8.0
"""An agent that far from a divider drives along it, unless it crosses a junction."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    studio = StudioProcess(tmp_path_factory.mktemp("traffic") / "workspace", preset="fake").start()
    yield studio
    studio.stop()


def off_their_lanes(scene: Document) -> list[float]:
    """Degrees between each vehicle's heading and the line that runs beside it, at the start."""
    lines = [shapely.LineString(line.points_m) for line in scene.of(Line) if line.channel in ("lane_divider", "road_divider")]
    found = []
    for agent in scene.of(Agent):
        pose = pose_at(agent.keyframes, 0.0)
        place = shapely.Point(pose.x_m, pose.y_m)
        line = min(lines, key=lambda one: one.distance(place))
        if agent.class_name in DRIVES and line.distance(place) < NEAR_M:
            at = line.project(place)
            (ax, ay), (bx, by) = (line.interpolate(max(0.0, at - 0.5)).coords[0], line.interpolate(at + 0.5).coords[0])
            angle = math.degrees(pose.yaw_rad - math.atan2(by - ay, bx - ax)) % 180
            found.append(min(angle, 180 - angle))
    return found


def test_scenario_s3_traffic_keeps_to_the_other_side(act: Actions) -> None:
    tab = act.tab
    as_a_deuteranope(act.tab.page)
    before = tab.document()
    assert keeps_right(scene_of(before))
    act.click("mirror")
    after = undone(tab, "Mirror traffic")
    take = Take.open(act.generate()["take"])
    assert act.count <= 3
    nothing_wrong(tab)
    old, new = scene_of(before), scene_of(after)
    assert not keeps_right(new) and list(new.of(CameraEntity)) == list(old.of(CameraEntity)), "the rig keeps its names and sides"
    assert len(off_their_lanes(new)) >= 3 and max(off_their_lanes(new)) < 15
    np.testing.assert_allclose(take.world_SE3_ego[0], ego_pose_at(new, 0.0).matrix(), atol=1e-6)
    told_apart(act, new)
    tab.at("mirror").click()
    tab.until_document("and back, to the bit", lambda d: d["undo_steps"] == 2 and same_scene(d, before))


@pytest.mark.parametrize("preset", ["fake", "compact"])
def test_scenario_s4_all_vehicles_leave_the_result(act: Actions, preset: str) -> None:
    tab = act.tab
    as_a_deuteranope(act.tab.page)
    before, scene = tab.document(), scene_of(tab.document())
    settings(tab, 2 if preset == "fake" else 1, "video", preset)
    first = Take.open(act.make("generate")["take"])
    act.count = 0
    vehicles = np.isin(first.semantics, IDS)
    assert vehicles.any((1, 2, 3)).all()

    act.click("remove-vehicles")
    undone(tab, "Remove all vehicles")
    expect(tab.at("before").first).to_be_visible()
    expect(tab.at("strip-badge")).to_contain_text("Before edit")
    tab.shot(f"traffic_before_{preset}")
    take = Take.open(act.make("pictures-again")["take"])
    assert act.count <= 5
    expect(tab.at("strip-badge")).to_contain_text("Take, ")
    expect(tab.at("before").first).to_be_hidden()
    expect(tab.at("stale")).to_be_hidden()
    tab.shot(f"traffic_after_{preset}")

    assert not np.isin(take.semantics, IDS).any() and take.frame_count == first.frame_count
    full = first.semantics != FREE
    level = int(np.median(full.argmax(3)[full.any(3)]))
    assert (take.semantics[:, :, :, : level + 2] != FREE).any(3)[vehicles.any(3)].mean() > 0.99, "the ground goes on under them"
    for k in range(first.frame_count):
        near = np.zeros(first.semantics[k].shape, bool)
        for box in boxes_at(scene, k / 12):
            world_SE3_ego = ego_pose_at(scene, k / 12).matrix()
            size = tuple(side + 4.0 for side in box.size_m)
            block, inside = voxels_in_box(first.grid, invert(world_SE3_ego) @ Pose(*box.center_m, box.yaw_rad).matrix(), size)
            near[block] |= inside
        elsewhere = ~near & ~np.isin(first.semantics[k], IDS)
        assert (take.semantics[k] == first.semantics[k])[elsewhere].mean() > 0.9999, "elsewhere nothing changed"
    told_apart(act, scene)
    tab.page.keyboard.press("Control+z")
    tab.until_document("as it was", lambda d: same_scene(d, before))
