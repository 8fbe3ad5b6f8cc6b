"""The fake models: the layout, and nothing else, comes out as voxels and pictures."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api import OccupancyFrame, Recipe
from engine.occupancy.fake import FakeOccupancy
from engine.spec.camera import Camera
from engine.spec.classes import AGENTS, CHANNEL, CHANNEL_TO_CLASSES, CLASS, DEFAULT_SIZE_M, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose, invert, rotation
from engine.spec.grid import OCC3D, GridSpec
from engine.spec.layout import Layout, Polygon, Polyline
from engine.spec.raster import rasterise
from engine.views.fake import FakeViews
from engine.views.scene import ViewScene

GRID = GridSpec("small", (60, 50, 16), 0.4, (-12.0, -10.0, -1.0))
RECIPE = Recipe("fake")
FORWARD = Camera("front", 48, 32, 30.0, 30.0, 24.0, 16.0)


def never() -> bool:
    return False


def make_clip(frames: int = 3, cameras: tuple[Camera, ...] = ()) -> SceneClip:
    road = np.array([[-30.0, -4.0], [30.0, -4.0], [30.0, 4.0], [-30.0, 4.0]])
    areas = (Polygon(CHANNEL["drivable_area"], road), Polygon(CHANNEL["walkway"], road * (1, 0.5) + (0, 6.0)))
    lines = (
        Polyline(CHANNEL["lane_divider"], np.array([[-30.0, 0.0], [30.0, 0.0]])),
        Polyline(CHANNEL["road_divider"], np.array([[3.0, -9.0], [3.0, 9.0]])),
    )
    layouts, boxes, poses = [], [], []
    for k in range(frames):
        pose = Pose(0.5 * k, 0.2, 0.0, 0.1 * k).matrix()
        world = tuple(
            Box(n + 1, name, (-9.0 + 1.9 * n + 0.3 * k, (-3.0, 3.0)[n % 2], DEFAULT_SIZE_M[name][2] / 2), DEFAULT_SIZE_M[name], 0.4 * n)
            for n, name in enumerate(("car", "pedestrian", "truck", "traffic_cone", "bicycle"))
        )
        layouts.append(rasterise(Layout(areas, lines, world), GRID, pose))
        boxes.append(tuple(box.moved(invert(pose)) for box in world))
        poses.append(pose)
    return SceneClip(np.stack(layouts), tuple(boxes), np.stack(poses), cameras, grid=GRID)


def frames_of(clip: SceneClip) -> list[OccupancyFrame]:
    return list(FakeOccupancy().occupancy(clip, RECIPE, never))


def empty_clip(frames: int = 1, grid: GridSpec = GRID) -> SceneClip:
    return SceneClip(np.zeros((frames, 15, *grid.bev_shape), np.uint8), ((),) * frames, np.stack([np.eye(4)] * frames), grid=grid)


def test_every_channel_appears_where_it_is_marked_and_nowhere_else() -> None:
    clip = make_clip()
    shown = set()
    for frame in frames_of(clip):
        assert frame.semantics.shape == frame.instances.shape == GRID.shape
        assert frame.semantics.dtype == np.uint8 and frame.instances.dtype == np.uint16
        for channel in range(15):
            seen = np.isin(frame.semantics, list(CHANNEL_TO_CLASSES[channel])).any(-1)
            marked = clip.layouts[frame.index, channel] > 0
            if channel < 10:
                assert (seen & ~marked).sum() == 0 and (marked & ~seen).sum() <= 0.1 * marked.sum()
                shown |= {channel} if marked.any() else set()
        assert (frame.semantics == FREE).all(-1).sum() == (clip.layouts[frame.index] == 0).all(0).sum()
    assert len(shown) == 5


def test_ground_is_one_voxel_at_zero_and_shows_its_thinnest_channel() -> None:
    clip = empty_clip(grid=OCC3D)
    order = ("walkway", "drivable_area", "ped_crossing", "lane_divider", "road_divider")
    for k, name in enumerate(order):
        clip.layouts[0, CHANNEL[name], 10 * k :] = 1
    semantics = frames_of(clip)[0].semantics
    assert set(np.argwhere(semantics != FREE)[:, 2]) == {2}, "voxel 2 spans z in [-0.2, 0.2)"
    want = ("sidewalk", "driveable_surface", "ped_crossing", "lane_divider", "road_divider")
    assert [int(semantics[10 * k + 5, 7, 2]) for k in range(5)] == [CLASS[name] for name in want]


@pytest.mark.parametrize("class_name", AGENTS)
def test_a_box_fills_its_footprint_and_height_with_its_id(class_name: str) -> None:
    length, width, height = DEFAULT_SIZE_M[class_name]
    box = Box(321, class_name, (1.0, 0.6, height / 2), (length, width, height), 0.7)
    layout = rasterise(Layout((), (), (box,)), GRID, np.eye(4))
    frame = frames_of(SceneClip(layout[None], ((box,),), np.eye(4)[None], grid=GRID))[0]
    filled = frame.instances == 321
    np.testing.assert_array_equal(filled, frame.semantics == CLASS[class_name])
    np.testing.assert_array_equal(filled.any(-1), layout[CHANNEL[class_name]] > 0)
    heights = np.flatnonzero(filled.any((0, 1)))
    assert heights[0] == 3 and abs((heights[-1] + 1) * 0.4 - 1.0 - height) <= 0.4
    x, y = (np.argwhere(filled.any(-1)).mean(0) + 0.5) * 0.4 + GRID.origin_m[:2]
    assert np.hypot(x - 1.0, y - 0.6) < 0.35


def test_erased_cells_of_a_box_stay_empty() -> None:
    box = Box(5, "car", (0.0, 0.0, 0.85), DEFAULT_SIZE_M["car"], 0.0)
    layout = rasterise(Layout((), (), (box,)), GRID, np.eye(4))
    layout[:, 30:] = 0
    frame = frames_of(SceneClip(layout[None], ((box,),), np.eye(4)[None], grid=GRID))[0]
    assert (frame.instances[:30] == 5).any() and not frame.instances[30:].any()


def test_painted_agents_are_columns_with_ids_that_last() -> None:
    """Two painted cars stand still in the world while the ego drives past them; a box has id 9."""
    poses = np.stack([Pose(0.4 * k, 0.0, 0.0).matrix() for k in range(6)])
    layouts = np.zeros((6, 15, *GRID.bev_shape), np.uint8)
    box = Box(9, "truck", (-6.0, -6.0, 1.4), DEFAULT_SIZE_M["truck"], 0.0)
    for k in range(6):
        layouts[k] = rasterise(Layout((), (), (box,)), GRID, np.eye(4))
        layouts[k, CHANNEL["car"], 30 - k : 36 - k, 10:14] = 1
        layouts[k, CHANNEL["car"], 20 - k : 26 - k, 30:34] = 1
        layouts[k, CHANNEL["pedestrian"], 50, 40 - 7 * k] = 1  # 2.8 m a frame: nobody walks like this, so it is someone else
    frames = frames_of(SceneClip(layouts, ((box,),) * 6, poses, grid=GRID))
    for k, frame in enumerate(frames):
        first, second = frame.instances[32 - k, 12], frame.instances[22 - k, 32]
        assert set(first) == {0, 11} and set(second) == {0, 10}
        assert (first > 0).sum() == 4, "1.6 m"
        assert frame.semantics[32 - k, 12, 3] == CLASS["car"]
        assert set(np.unique(frame.instances)) == {0, 9, 10, 11, 12 + k}


def test_paint_beside_a_box_belongs_to_it() -> None:
    box = Box(3, "car", (0.0, 0.0, 0.85), DEFAULT_SIZE_M["car"], 0.0)
    layout = rasterise(Layout((), (), (box,)), GRID, np.eye(4))
    last = np.argwhere(layout[CHANNEL["car"]])[-1]
    layout[CHANNEL["car"], last[0] + 1, last[1]] = 1
    frame = frames_of(SceneClip(layout[None], ((box,),), np.eye(4)[None], grid=GRID))[0]
    assert set(np.unique(frame.instances)) == {0, 3} and (frame.instances[last[0] + 1, last[1]] == 3).any()


def test_the_lower_agent_shows_in_a_shared_column() -> None:
    boxes = (Box(1, "traffic_cone", (0.0, 0.0, 0.5), (0.8, 0.8, 1.0), 0.0), Box(2, "bus", (0.0, 0.0, 1.7), DEFAULT_SIZE_M["bus"], 0.0))
    layout = rasterise(Layout((), (), boxes), GRID, np.eye(4))
    frame = frames_of(SceneClip(layout[None], (boxes,), np.eye(4)[None], grid=GRID))[0]
    assert list(frame.instances[30, 25, 3:12]) == [1, 1, 2, 2, 2, 2, 2, 2, 0]


def test_an_id_beyond_16_bits_is_named() -> None:
    box = Box(70_000, "car", (0.0, 0.0, 0.85), DEFAULT_SIZE_M["car"], 0.0)
    clip = SceneClip(rasterise(Layout((), (), (box,)), GRID, np.eye(4))[None], ((box,),), np.eye(4)[None], grid=GRID)
    with pytest.raises(ValueError, match="70000 does not fit"):
        frames_of(clip)


def test_same_clip_same_frames_and_a_cancel_ends_them() -> None:
    clip = make_clip()
    for a, b in zip(frames_of(clip), frames_of(clip), strict=True):
        np.testing.assert_array_equal(a.semantics, b.semantics)
        np.testing.assert_array_equal(a.instances, b.instances)
    made: list[int] = []
    for frame in FakeOccupancy(seconds_per_frame=0.01).occupancy(clip, RECIPE, lambda: len(made) == 2):
        made.append(frame.index)
    assert made == [0, 1]


@pytest.mark.parametrize("order", ["frame", "camera"])
def test_views_show_every_camera_at_every_frame_in_order(order) -> None:
    looking_ahead = np.eye(4)
    looking_ahead[:3, :3] = rotation(-np.pi / 2, 0, -np.pi / 2)
    looking_ahead[:3, 3] = 0.0, 0.0, 1.6
    front = Camera("front", 48, 32, 30.0, 30.0, 24.0, 16.0, Pose.from_matrix(looking_ahead))
    clip = make_clip(2, (front, Camera("second", 48, 32, 30.0, 30.0, 24.0, 16.0, front.ego_SE3_camera)))
    views, scene = FakeViews(order=order), ViewScene(clip, RECIPE, frames_of(clip).__getitem__)
    pictures = {(p.camera, p.index): p.rgb for p in views.pictures(scene, iter(range(2)), never)}
    by_camera = [("front", 0), ("front", 1), ("second", 0), ("second", 1)]
    assert list(pictures) == (by_camera if order == "camera" else sorted(by_camera, key=lambda at: at[1]))
    assert all(rgb.shape == (32, 48, 3) and rgb.dtype == np.uint8 for rgb in pictures.values())
    np.testing.assert_array_equal(pictures["front", 0], pictures["second", 0])
    assert (pictures["front", 0] != pictures["front", 1]).any()
    seen = scene.buffers(0, 0)
    assert seen.semantic[0, 24] == 255 and seen.semantic[31, 24] in CHANNEL_TO_CLASSES[CHANNEL["drivable_area"]]


def test_a_redrawn_region_is_the_lift_and_everything_else_is_held() -> None:
    clip = make_clip(1)
    noise = np.random.default_rng(0).integers(0, 21, GRID.shape).astype(np.uint8)
    before = OccupancyFrame(0, noise, np.where(noise < 11, 900, 0).astype(np.uint16))
    region = np.zeros(GRID.bev_shape, bool)
    region[20:40, 15:30] = True
    lifted, drawn = frames_of(clip)[0], FakeOccupancy().redraw(clip, before, region, RECIPE, never)
    assert drawn is not None
    assert np.array_equal(drawn.semantics[region], lifted.semantics[region]) and np.array_equal(drawn.instances[region], lifted.instances[region])
    assert np.array_equal(drawn.semantics[~region], noise[~region]) and np.array_equal(drawn.instances[~region], before.instances[~region])
    assert FakeOccupancy().redraw(clip, before, np.zeros_like(region), RECIPE, never) is before
    assert FakeOccupancy().redraw(clip, before, region, RECIPE, lambda: True) is None


def test_a_painted_agent_of_a_redrawn_region_takes_nobodys_id() -> None:
    clip = empty_clip()
    clip.layouts[0, CHANNEL["car"], 20:30, 20:25] = 1
    before = OccupancyFrame(0, np.full(GRID.shape, FREE, np.uint8), np.zeros(GRID.shape, np.uint16))
    before.semantics[50:55, 10:14, 4], before.instances[50:55, 10:14, 4] = CLASS["car"], 1
    region = np.zeros(GRID.bev_shape, bool)
    region[15:35, 15:30] = True
    drawn = FakeOccupancy().redraw(clip, before, region, RECIPE, never)
    assert drawn is not None and set(np.unique(drawn.instances)) == {0, 1, 2}
