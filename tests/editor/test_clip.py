"""Document -> SceneClip: everything per frame follows from the one world-frame scene."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from editor import edits
from editor.clip import _layout, frame_count, layout_at, may_touch, scene_clip, touches_grid
from editor.document import Document, EditError
from editor.files.document_hash import document_hash
from editor.samples import crossing
from engine.spec.classes import CHANNEL
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import GRIDS, OCC3D
from engine.spec.raster import rasterise


def moving(*more) -> Document:
    return edits.compose(edits.add_waypoint("ego", 4, 48, 0), *more)(Document())


def test_a_clip_is_the_plain_loop() -> None:
    scene = crossing()
    clip = scene_clip(scene, start_s=0.5, frames=3)
    assert len(clip) == 3 and clip.prompt == scene.prompt and clip.document_hash == document_hash(scene)
    assert clip.timestamps_s == pytest.approx([0.5, 0.5 + 1 / 12, 0.5 + 2 / 12])
    for k in range(3):
        layout = _layout(scene, 6 + k, 0.5 + k / 12)
        assert np.array_equal(clip.layouts[k], rasterise(layout, OCC3D, clip.world_SE3_ego[k])) and clip.layouts[k].any()
        inside = [box.moved(invert(clip.world_SE3_ego[k])) for box in layout.boxes]
        assert list(clip.boxes[k]) == [box for box in inside if touches_grid(box, OCC3D)] and 0 < len(clip.boxes[k]) < len(layout.boxes)


def test_the_ego_frame_moves_and_the_world_stays() -> None:
    scene = moving(edits.add_agent("car", 30, 2), edits.add_area("walkway", [(20, -5), (24, -5), (24, 5), (20, 5)]))
    clip = scene_clip(scene, frames=13)
    assert clip.world_SE3_ego[12, 0, 3] == pytest.approx(12.0)
    assert [b.center_m[0] for frame in clip.boxes for b in frame] == pytest.approx([30 - k for k in range(13)])
    first, last = clip.layouts[0, CHANNEL["walkway"]], clip.layouts[12, CHANNEL["walkway"]]
    assert first.sum() == last.sum() == 250 and np.array_equal(first[30:], last[:-30])


def test_paint_holds_in_its_span_only() -> None:
    scene = moving(edits.paint_stroke("walkway", [(0, 0)], 2, span=(2, 3)), edits.paint_stroke("ped_crossing", [(0, 0)], 2))
    assert [len(layout_at(scene, frame).paint) for frame in range(5)] == [1, 1, 2, 2, 1]
    assert (scene_clip(scene, start_s=2 / 12, frames=3).layouts[:, CHANNEL["walkway"]].sum((1, 2)) > 0).tolist() == [True, True, False]


def test_cameras_on_the_ego_sit_still() -> None:
    clip = scene_clip(moving(edits.use_rig("nuscenes6")), frames=3)
    assert clip.ego_SE3_cameras is None and [c.name for c in clip.cameras][1] == "CAM_FRONT" and len(clip.cameras) == 6


def test_a_world_camera_moves_against_the_ego_and_a_path_camera_along_its_path() -> None:
    pose = [10, 0, 5, 0, 0, 0]
    scene = moving(
        edits.use_rig("nuscenes6"),
        edits.add_camera(pose, 64, 48, mount="world", name="pole"),
        edits.add_camera(pose, 64, 48, mount="path", name="drone"),
        edits.add_waypoint("camera-8", 4, 58, 0),
    )
    clip = scene_clip(scene, frames=13, cameras=["pole", "CAM_FRONT", "drone"])
    assert clip.ego_SE3_cameras is not None and clip.ego_SE3_cameras.shape == (13, 3, 4, 4)
    assert clip.ego_SE3_cameras[:, 0, 0, 3] == pytest.approx([10 - k for k in range(13)])
    assert np.ptp(clip.ego_SE3_cameras[:, 1], axis=0).max() == 0
    assert clip.ego_SE3_cameras[:, 2, 0, 3] == pytest.approx([10] * 13)
    assert clip.cameras[0].ego_SE3_camera.matrix() == pytest.approx(clip.ego_SE3_cameras[0, 0])
    only_drone = scene_clip(scene, frames=13, cameras=["drone"])
    assert only_drone.ego_SE3_cameras is None, "it keeps its distance to the ego"


def test_a_camera_that_is_off_is_left_out_and_an_unknown_one_is_named() -> None:
    scene = moving(edits.use_rig("nuscenes6"), edits.set_camera("camera-2", enabled=False))
    assert "CAM_FRONT" not in [c.name for c in scene_clip(scene, frames=1).cameras]
    assert len(scene_clip(scene, frames=1, cameras=["CAM_FRONT"]).cameras) == 1
    with pytest.raises(EditError, match="CAM_BACK"):
        scene_clip(scene, frames=1, cameras=["CAM_BAK"])
    with pytest.raises(EditError, match="at least one frame"):
        scene_clip(scene, frames=0)


def test_remounting_keeps_a_camera_in_its_place() -> None:
    scene = moving(edits.move_waypoint("ego", 0, 3, 4, yaw=0.5), edits.use_rig("nuscenes6"))
    free = edits.set_camera("camera-3", mount="world")(scene)
    back = edits.set_camera("camera-3", mount="ego")(free)
    before, after = (s.entities["camera-3"].camera.ego_SE3_camera.matrix() for s in (scene, back))
    assert after == pytest.approx(before) and free.entities["camera-3"].mount == "world"


def test_inserted_cameras_lie_between_their_neighbours() -> None:
    rig = edits.use_rig("nuscenes6")(Document())
    scene = edits.insert_between()(rig)
    forward = {e.camera.name: e.camera.ego_SE3_camera.matrix()[:3, 2] for e in scene.entities.values()}
    assert len(forward) == 12 and all(scene.entities[id] is camera for id, camera in rig.entities.items()), "the others stay untouched"
    middle = forward["VIEW_028"]
    assert np.rad2deg(np.arctan2(middle[1], middle[0])) == pytest.approx(27.5, abs=0.01) and abs(middle[2]) < 1e-6
    assert len(edits.insert_between()(scene).entities) == 24


def test_cameras_are_inserted_between_the_chosen_ones_only() -> None:
    rig = edits.use_rig("nuscenes6")(Document())
    chosen = [id for id, e in rig.entities.items() if e.camera.name in ("CAM_FRONT", "CAM_FRONT_LEFT")]
    assert [e.camera.name for id, e in edits.insert_between(chosen)(rig).entities.items() if id not in rig.entities] == ["VIEW_028"]
    with pytest.raises(EditError, match="no two of the ego's chosen cameras \\(1\\)"):
        edits.insert_between(chosen[:1])(rig)
    with pytest.raises(EditError, match="no two of the ego's cameras \\(0\\)"):
        edits.insert_between()(Document())


@pytest.mark.parametrize("name", sorted(GRIDS))
def test_touching_the_grid_is_the_overlap_of_two_rectangles(name: str) -> None:
    import shapely

    grid = GRIDS[name]
    area = shapely.box(*grid.origin_m[:2], *grid.upper_m[:2])
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(400):
        x, y = rng.uniform(-60, 60, 2)
        box = Box(1, "car", (float(x), float(y), 0.0), (12.0, 3.0, 2.0), float(rng.uniform(-4, 4)))
        expected = shapely.Polygon(box.corners_bev_m()).intersection(area).area > 1e-9
        assert touches_grid(box, grid) == expected, box
        seen.add(expected)
    assert seen == {True, False}


def test_the_hash_is_of_everything_authored() -> None:
    scene = crossing()
    variants = [
        scene,
        edits.move(["car-1"], 0.001, 0)(scene),
        edits.paint_stroke("walkway", [(0, 0)], 1)(scene),
        edits.set_scene(prompt="night")(scene),
        replace(scene, ego=replace(scene.ego, keyframes=(replace(scene.ego.keyframes[0], pose=Pose(1)),))),
    ]
    assert len({document_hash(v) for v in variants}) == len(variants)
    assert document_hash(crossing()) == document_hash(scene)


def test_frames_on_the_timeline() -> None:
    assert [frame_count(replace(Document(), duration_s=s)) for s in (1 / 12, 1.0, 49 / 12, 1.01)] == [1, 12, 49, 13]


def test_sixteen_frames_are_quick() -> None:
    scene = crossing()
    scene_clip(scene, frames=1)
    start = time.process_time()  # work, not the wait for a busy processor
    scene_clip(scene, frames=16)
    assert time.process_time() - start < 1.0


def test_a_box_that_touches_the_grid_is_never_passed_over() -> None:
    dice, met, far = np.random.default_rng(5), 0, 0
    for _ in range(400):
        ego = Pose(*dice.uniform(-50, 50, 2), 0.0, *dice.uniform(-3, 3, 1), *dice.uniform(-0.1, 0.1, 2)).matrix()
        box = Box(1, "bus", (*(ego[:2, 3] + dice.uniform(-150, 150, 2)), 1.0), (12.0, 3.0, 3.0), float(dice.uniform(-3, 3)))
        touches = touches_grid(box.moved(invert(ego)), OCC3D)
        met, far = met + touches, far + (not may_touch(box, ego, OCC3D))
        assert may_touch(box, ego, OCC3D) or not touches
    assert met > 40 and far > 40
