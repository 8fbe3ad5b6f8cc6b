"""The lift: layout and occupancy agree column by column, instances follow boxes and painted blobs."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.lift import lift
from engine.data.style import WorldStyle
from engine.data.worlds import make_world
from engine.spec.classes import AGENTS, CHANNEL, CHANNEL_TO_CLASSES, CLASS, DEFAULT_SIZE_M, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose
from engine.spec.grid import GRIDS, OCC3D, GridSpec
from engine.spec.layout import Layout
from engine.spec.raster import box_footprint, rasterise

SMALL = OCC3D.crop(96)


def _clip(layout: np.ndarray, boxes: tuple[Box, ...] = (), grid: GridSpec = OCC3D, poses: np.ndarray | None = None) -> SceneClip:
    frames = 1 if poses is None else len(poses)
    poses = np.eye(4)[None] if poses is None else poses
    return SceneClip(np.broadcast_to(layout, (frames, *layout.shape)).copy(), (boxes,) * frames, poses, grid=grid)


def _agreement(clip: SceneClip, semantics: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Intersection and union (15,) of layout and occupancy, column by column."""
    inside, union = np.zeros(15), np.zeros(15)
    for layout, volume in zip(clip.layouts, semantics, strict=True):
        for channel, classes in enumerate(CHANNEL_TO_CLASSES):
            present = np.isin(volume, sorted(classes)).any(2)
            inside[channel] += (present & (layout[channel] > 0)).sum()
            union[channel] += (present | (layout[channel] > 0)).sum()
    return inside, union


def _parade() -> tuple[Box, ...]:
    return tuple(
        Box(k + 7, name, (-14.0 + 3.1 * k, 5.0 * (k % 3) - 6, DEFAULT_SIZE_M[name][2] / 2), DEFAULT_SIZE_M[name], 0.37 * k)
        for k, name in enumerate(AGENTS)
    )


def test_lift_of_worlds_agrees_with_their_layouts() -> None:
    inside, union = np.zeros(15), np.zeros(15)
    for seed in range(16):
        style = WorldStyle(topology=("cross", "tee", "curve", "grid")[seed % 4], works=True, people=2.0)
        clip = make_world(seed, style).clip(1)
        for part, total in zip(_agreement(clip, [f.semantics for f in lift(clip)]), (inside, union), strict=True):
            total += part
    assert (union > 0).all(), f"channels never seen: {np.flatnonzero(union == 0)}"
    assert (inside[:10] == union[:10]).all()
    assert inside.sum() / union.sum() > 0.99
    assert (inside / union).mean() > 0.95


@pytest.mark.parametrize("grid", [OCC3D, GRIDS["nucraft"]], ids=lambda grid: grid.name)
def test_every_box_fills_its_footprint_with_its_id(grid: GridSpec) -> None:
    boxes = _parade()
    layout = rasterise(Layout(boxes=boxes), grid, np.eye(4))
    frame = next(lift(_clip(layout, boxes, grid)))
    for box in boxes:
        columns = (frame.instances == box.instance_id).any(2)
        footprint = box_footprint(box, grid)
        assert footprint.any()
        assert (columns & footprint).sum() >= 0.9 * footprint.sum()  # a neighbour may own shared cells
        assert set(np.unique(frame.semantics[frame.instances == box.instance_id])) == {CHANNEL[box.class_name] + 1}
    assert set(np.unique(frame.instances)) == {0, *(box.instance_id for box in boxes)}


def test_agents_stand_on_ground_that_goes_on_below_them() -> None:
    boxes = _parade()
    layout = rasterise(Layout(boxes=boxes), OCC3D, np.eye(4))
    layout[CHANNEL["drivable_area"]] = 1
    frame = next(lift(_clip(layout, boxes)))
    assert (frame.semantics[:, :, 2] == CLASS["driveable_surface"]).all()
    agents = layout[:10].any(0)
    assert (frame.instances[:, :, 3][agents] > 0).all()
    assert (frame.semantics[:, :, :2] == FREE).all()


def test_unmapped_ground_stays_empty() -> None:
    frame = next(lift(_clip(np.zeros((15, 200, 200), np.uint8))))
    assert (frame.semantics == FREE).all() and (frame.instances == 0).all()
    frame = next(lift(_clip(np.zeros((15, 200, 200), np.uint8)), surroundings=True))
    assert (frame.semantics == FREE).all()


def test_painted_agents_keep_their_own_ids_while_the_ego_drives() -> None:
    poses = np.stack([Pose(0.35 * k, 0.0, 0.0, 0.02 * k).matrix() for k in range(6)])
    parked = Box(1, "car", (10.0, 4.0, 0.8), (4.5, 1.9, 1.6), 0.3)
    blobs = (Box(50, "bus", (14.0, -8.0, 0), (11.0, 2.8, 1), 0.9), Box(51, "traffic_cone", (6.0, 0.0, 0), (0.5, 0.5, 1), 0.0))
    layouts = np.stack([rasterise(Layout(boxes=(parked, *blobs)), OCC3D, pose) for pose in poses])
    boxes = tuple((parked.moved(np.linalg.inv(pose)),) for pose in poses)
    frames = list(lift(SceneClip(layouts, boxes, poses)))
    for frame, layout in zip(frames, layouts, strict=True):
        assert set(np.unique(frame.instances)) == {0, 1, 2, 3}
        bus = np.unique(frame.instances[frame.semantics == CLASS["bus"]])
        assert bus.tolist() == np.unique(frames[0].instances[frames[0].semantics == CLASS["bus"]]).tolist()
        assert ((frame.semantics == CLASS["bus"]).any(2) == (layout[CHANNEL["bus"]] > 0)).all()


def test_agents_painted_over_each_other_are_all_there() -> None:
    layout = np.zeros((15, 96, 96), np.uint8)
    layout[[CHANNEL["car"], CHANNEL["pedestrian"], CHANNEL["traffic_cone"]], 40:46, 50:53] = 1
    clip = _clip(layout, grid=SMALL)
    inside, union = _agreement(clip, [next(lift(clip)).semantics])
    assert (inside == union).all() and union.sum() == 3 * 18


def test_ground_follows_a_height_function_and_never_leaves_the_grid() -> None:
    layout = np.zeros((15, 200, 200), np.uint8)
    layout[CHANNEL["walkway"]] = 1
    frame = next(lift(_clip(layout), ground=lambda x, y: 0.05 * x + 0 * y))
    ground = np.argmax(frame.semantics == CLASS["sidewalk"], axis=2)
    assert (frame.semantics == CLASS["sidewalk"]).any(2).all()
    assert ground[190, 100] > ground[100, 100] == 2 > ground[60, 100]
    frame = next(lift(_clip(layout), ground=lambda x, y: 0.5 * x + 0 * y))
    assert (frame.semantics == CLASS["sidewalk"]).any(2).all()


def test_surroundings_stand_still_in_the_world_and_off_the_map() -> None:
    poses = np.stack([Pose(0.8 * k, 0.4 * k).matrix() for k in range(5)])  # whole cells, so that voxels must match exactly
    road = np.zeros((15, 200, 200), np.uint8)
    layouts = np.stack([road] * 5)
    for k in range(5):
        layouts[k, CHANNEL["drivable_area"], :, 90 - k : 115 - k] = 1
    clip = SceneClip(layouts, ((),) * 5, poses)
    frames = [f.semantics for f in lift(clip, seed=3, surroundings=True)]
    assert {CLASS["manmade"], CLASS["vegetation"], CLASS["terrain"]} <= set(np.unique(frames[0]))
    for k in range(1, 5):
        assert (frames[k][: -2 * k, :-k] == frames[0][2 * k :, k:]).mean() > 0.999
        assert not np.isin(frames[k][:, 90 - k : 115 - k, 3:6], [CLASS["manmade"]]).any()
    again = [f.semantics for f in lift(clip, seed=3, surroundings=True)]
    other = [f.semantics for f in lift(clip, seed=4, surroundings=True)]
    assert np.array_equal(frames, again) and not np.array_equal(frames, other)
