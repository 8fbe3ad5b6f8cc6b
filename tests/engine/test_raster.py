"""The BEV rasteriser against its slow twin, against rasterio, and against what the user expects to see."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from rasterio.features import rasterize
from scipy import ndimage
from shapely import transform as transform_shape
from shapely.geometry import Point
from shapely.geometry import Polygon as ShapelyPolygon

from engine.spec.classes import AGENTS, CHANNEL, DEFAULT_SIZE_M, SMALL_AGENTS
from engine.spec.geometry import Box, Pose, invert, transform
from engine.spec.grid import OCC3D, GridSpec
from engine.spec.layout import PAINT_CELL_M, PAINT_TILE, Layout, Paint, Polygon, Polyline
from engine.spec.raster import box_footprint, rasterise, rasterise_slow

SMALL_GRID = GridSpec("small", (30, 26, 4), 0.4, (-6.0, -5.2, -1.0))
LINE = CHANNEL["lane_divider"]
AREA = CHANNEL["drivable_area"]


def random_pose(rng: np.random.Generator, far: float = 1000.0, tilt: float = 0.1) -> np.ndarray:
    return Pose(*rng.uniform(-far, far, 2), rng.uniform(-3, 3), rng.uniform(-4, 4), *rng.uniform(-tilt, tilt, 2)).matrix()


def star(rng: np.random.Generator, radius: float, count: int) -> np.ndarray:
    """A simple polygon that holds the disc of a fifth of its radius around (0, 0)."""
    angles = (np.arange(count) + rng.uniform(0, 0.5, count)) * 2 * np.pi / count
    return np.stack([np.cos(angles), np.sin(angles)], -1) * rng.uniform(0.5 * radius, radius, (count, 1))


def in_world(ego_xy: np.ndarray, world_SE3_ego: np.ndarray) -> np.ndarray:
    return transform(world_SE3_ego, np.column_stack([ego_xy, np.zeros(len(ego_xy))]))[:, :2]


def random_box(rng: np.random.Generator, class_name: str, pose: np.ndarray, span: float) -> Box:
    center = transform(pose, np.array([[*rng.uniform(-span, span, 2), 0.8]]))[0]
    size = np.array(DEFAULT_SIZE_M[class_name]) * rng.uniform(0.3, 1.2)
    return Box(1, class_name, tuple(center.tolist()), tuple(size.tolist()), float(rng.uniform(-4, 4)))


def paint_disc(center: tuple[float, float], radius_m: float, channel: int = AREA, erases: bool = False) -> Paint:
    """Paint cells whose centre lies in a disc."""
    tiles: dict[tuple[int, int], np.ndarray] = {}
    reach = int(radius_m / PAINT_CELL_M) + 2
    a0, b0 = (int(np.floor(c / PAINT_CELL_M)) for c in center)
    for a in range(a0 - reach, a0 + reach + 1):
        for b in range(b0 - reach, b0 + reach + 1):
            if np.hypot((a + 0.5) * PAINT_CELL_M - center[0], (b + 0.5) * PAINT_CELL_M - center[1]) <= radius_m:
                tile = tiles.setdefault((a // PAINT_TILE, b // PAINT_TILE), np.zeros((PAINT_TILE, PAINT_TILE), bool))
                tile[a % PAINT_TILE, b % PAINT_TILE] = True
    return Paint(channel, erases, tiles)


@pytest.mark.parametrize("seed", range(6))
def test_rasterise_equals_its_slow_twin_on_everything_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose = random_pose(rng)
    shift = rng.uniform(-5, 5, (12, 2))
    polygons = tuple(
        Polygon(10 + k % 3, in_world(star(rng, 5, 9) + shift[k], pose), (in_world(star(rng, 1.4, 5) + shift[k], pose),)) for k in range(6)
    )
    lines = tuple(Polyline(13 + k % 2, in_world(rng.normal(0, 4, (k + 1, 2)), pose), float(rng.uniform(0, 1.5))) for k in range(6))
    boxes = tuple(random_box(rng, name, pose, 7) for name in AGENTS)
    center = in_world(rng.uniform(-4, 4, (2, 2)), pose)
    paint = (paint_disc(tuple(center[0]), 1.3), paint_disc(tuple(center[1]), 0.7, AREA, True), paint_disc(tuple(center[1]), 0.15, LINE))
    layout = Layout(polygons, lines, boxes, paint)
    fast = rasterise(layout, SMALL_GRID, pose)
    assert fast.shape == (15, 30, 26) and fast.dtype == np.uint8 and fast.max() == 1
    assert (fast[10:].reshape(5, -1).any(1)).sum() >= 4
    np.testing.assert_array_equal(fast, rasterise_slow(layout, SMALL_GRID, pose))


@pytest.mark.parametrize("seed", range(8))
def test_areas_with_holes_are_the_cells_of_rasterio(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    pose = random_pose(rng, far=50_000.0, tilt=0.0)
    shapes, polygons = [], []
    for _ in range(6):
        center = rng.uniform(-45, 45, 2)
        exterior, holes = star(rng, 25, 12) + center, [star(rng, 4, 7) + center]
        shapes.append(ShapelyPolygon(exterior, holes))
        assert shapes[-1].is_valid
        polygons.append(Polygon(AREA, in_world(exterior, pose), tuple(in_world(hole, pose) for hole in holes)))
    x0, y0, _ = OCC3D.origin_m
    # rasterio's columns are our y, so the shapes go in mirrored at the diagonal.
    mirrored = [(transform_shape(shape, lambda xy: xy[:, ::-1]), 1) for shape in shapes]
    theirs = rasterize(mirrored, out_shape=OCC3D.bev_shape, transform=Affine(OCC3D.voxel_m, 0, y0, 0, OCC3D.voxel_m, x0), all_touched=False)
    ours = rasterise(Layout(tuple(polygons)), OCC3D, pose)[AREA]
    assert 0.05 < theirs.mean() < 0.95
    xs, ys = OCC3D.cell_centers_m()
    for i, j in np.argwhere(ours != theirs):
        assert min(shape.boundary.distance(Point(xs[i], ys[j])) for shape in shapes) < 1e-9


def test_area_takes_centres_and_even_odd_leaves_the_overlap_empty() -> None:
    square = np.array([[-2.0, -2.0], [2.0, -2.0], [2.0, 2.0], [-2.0, 2.0]])
    mask = rasterise(Layout((Polygon(AREA, square, (square * 0.55,)),)), OCC3D, np.eye(4))[AREA]
    xs, ys = OCC3D.cell_centers_m()
    reach = np.maximum(np.abs(xs)[:, None], np.abs(ys)[None])
    np.testing.assert_array_equal(mask, (reach < 2.0) & (reach > 1.1))


def test_ego_frame_turns_the_world_left() -> None:
    """Something 10 m north of an ego that looks north is 10 m ahead of it."""
    pose = Pose(100.0, 50.0, 0.0, np.pi / 2).matrix()
    square = np.array([[98.9, 58.9], [101.1, 58.9], [101.1, 61.1], [98.9, 61.1]])
    cells = np.argwhere(rasterise(Layout((Polygon(AREA, square),)), OCC3D, pose)[AREA])
    np.testing.assert_allclose(OCC3D.cell_centers_m()[0][cells[:, 0]].mean(), 10.0, atol=1e-6)
    np.testing.assert_allclose(OCC3D.cell_centers_m()[1][cells[:, 1]].mean(), 0.0, atol=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_line_of_any_width_is_one_unbroken_chain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose = random_pose(rng)
    steps = rng.normal(0, 1, (60, 2)) * rng.uniform(0.02, 1.0) + rng.uniform(-0.5, 0.5, 2)
    chain = np.clip(np.cumsum(steps, 0), -38, 38)
    mask = rasterise(Layout((), (Polyline(LINE, in_world(chain, pose), float(rng.choice([0.0, 0.1, 0.3]))),)), OCC3D, pose)[LINE]
    assert mask.any() and ndimage.label(mask, np.ones((3, 3)))[1] == 1


def test_line_covers_the_round_ended_band_of_its_width() -> None:
    chain = np.array([[-10.0, 3.1], [5.0, -4.2], [12.0, 8.3]])
    mask = rasterise(Layout((), (Polyline(LINE, chain, 3.0),)), OCC3D, np.eye(4))[LINE]
    xs, ys = OCC3D.cell_centers_m()
    centers = np.stack(np.meshgrid(xs, ys, indexing="ij"), -1)

    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        t = np.clip((centers - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        return np.linalg.norm(a + t[..., None] * (b - a) - centers, axis=-1)

    np.testing.assert_array_equal(mask, np.minimum(distance(chain[0], chain[1]), distance(chain[1], chain[2])) <= 1.5)


@pytest.mark.parametrize("points", [[[0.0, 0.0]], [[0.01, 0.01], [0.02, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
def test_the_shortest_line_still_shows(points: list[list[float]]) -> None:
    assert rasterise(Layout((), (Polyline(LINE, np.array(points), 0.1),)), OCC3D, np.eye(4))[LINE].any()


@pytest.mark.parametrize("class_name", AGENTS)
def test_every_agent_sets_a_cell_wherever_it_touches_the_grid(class_name: str) -> None:
    rng = np.random.default_rng(AGENTS.index(class_name))
    x0, y0, _ = SMALL_GRID.origin_m
    bounds = ShapelyPolygon([(x0, y0), (x0, -y0), (-x0, -y0), (-x0, y0)])
    touching = outside = 0
    for _ in range(300):
        size = (float(rng.uniform(0.01, 6)), float(rng.uniform(0.01, 1.5)), 1.5)
        box = Box(1, class_name, (*rng.uniform(-8, 8, 2).tolist(), 0.8), size, float(rng.uniform(-4, 4)))
        mask = rasterise(Layout((), (), (box,)), SMALL_GRID, np.eye(4))
        overlap = bounds.intersection(ShapelyPolygon(box.corners_bev_m())).area
        assert not np.delete(mask, CHANNEL[class_name], 0).any()
        if overlap > 1e-6:
            touching += 1
            assert mask.any(), box
        elif overlap == 0:
            outside += 1
            assert not mask.any(), box
        np.testing.assert_array_equal(mask[CHANNEL[class_name]], box_footprint(box, SMALL_GRID))
    assert touching > 100 and outside > 10


@pytest.mark.parametrize("class_name", AGENTS)
def test_agents_keep_their_area_whatever_their_heading(class_name: str) -> None:
    """Centre and coverage rules are close to unbiased: on average a footprint has the cells that its area needs."""
    rng = np.random.default_rng(7)
    boxes = [
        Box(1, class_name, (*rng.uniform(-3, 3, 2).tolist(), 0.8), DEFAULT_SIZE_M[class_name], float(rng.uniform(-4, 4)))
        for _ in range(200)
    ]
    grid = OCC3D.crop(60)
    ratio = np.mean([box_footprint(box, grid).sum() for box in boxes]) * 0.16 / np.prod(DEFAULT_SIZE_M[class_name][:2])
    assert 0.95 < ratio < 1.05 if class_name not in SMALL_AGENTS else 1.0 < ratio < 2.0


def test_box_follows_the_full_pose_of_a_tilted_ego() -> None:
    pose = Pose(5.0, -3.0, 12.0, 0.7, 0.08, -0.05).matrix()
    box_ego = Box(4, "truck", (11.0, 6.0, 1.5), DEFAULT_SIZE_M["truck"], 0.4)
    seen = rasterise(Layout((), (), (box_ego.moved(pose),)), OCC3D, pose)[CHANNEL["truck"]]
    np.testing.assert_array_equal(seen, box_footprint(box_ego.moved(pose).moved(invert(pose)), OCC3D))
    assert seen.sum() == pytest.approx(7.0 * 2.5 / 0.16, rel=0.08)


@pytest.mark.parametrize("radius", [0.1, 0.15, 0.2, 0.3])
def test_the_smallest_dab_of_paint_never_vanishes(radius: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        pose = random_pose(rng, far=300.0)
        a, b = np.floor(in_world(rng.uniform(-30, 30, (1, 2)), pose)[0] / PAINT_CELL_M)
        center = ((a + 0.5) * PAINT_CELL_M, (b + 0.5) * PAINT_CELL_M)
        mask = rasterise(Layout((), (), (), (paint_disc(center, radius),)), OCC3D, pose)[AREA]
        assert 1 <= mask.sum() <= 9
        cell = np.argwhere(mask).mean(0)
        ego_xy = (transform(invert(pose), np.array([[*center, pose[2, 3]]]))[0, :2] - OCC3D.origin_m[:2]) / OCC3D.voxel_m - 0.5
        assert np.abs(cell - ego_xy).max() < 1.5


def test_a_broad_stroke_keeps_its_area_at_any_heading() -> None:
    paint = paint_disc((3.0, 2.0), 6.0)
    painted_m2 = sum(tile.sum() for tile in paint.tiles.values()) * PAINT_CELL_M**2
    for yaw in np.linspace(0, 3, 7):
        mask = rasterise(Layout((), (), (), (paint,)), OCC3D, Pose(1.03, 0.41, 0.0, yaw).matrix())[AREA]
        assert mask.sum() * 0.16 == pytest.approx(painted_m2, rel=0.04)
        assert ndimage.label(1 - mask)[1] == 1 and ndimage.label(mask)[1] == 1


def test_a_thin_stroke_is_unbroken_at_any_heading() -> None:
    """A 0.4 m brush: paint cells whose centre lies within 0.2 m of the stroke."""
    rng = np.random.default_rng(5)
    for _ in range(25):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-1, 1)
        normal = np.array([-np.sin(angle), np.cos(angle)])
        a, b = np.meshgrid(np.arange(-64, 64), np.arange(-64, 64), indexing="ij")
        x, y = (a + 0.5) * PAINT_CELL_M, (b + 0.5) * PAINT_CELL_M
        near = (np.abs(x * normal[0] + y * normal[1] - offset) <= 0.2) & (np.hypot(x, y) < 12)
        tiles = {(i, j): near[64 * (i + 1) : 64 * (i + 2), 64 * (j + 1) : 64 * (j + 2)] for i in (-1, 0) for j in (-1, 0)}
        mask = rasterise(
            Layout((), (), (), (Paint(AREA, False, tiles),)), OCC3D, Pose(*rng.uniform(-5, 5, 2), 0.0, rng.uniform(-4, 4)).matrix()
        )[AREA]
        assert ndimage.label(mask, np.ones((3, 3)))[1] == 1


def test_paint_adds_to_and_erases_from_what_lies_below_in_its_order() -> None:
    square = np.array([[-4.0, -4.0], [4.0, -4.0], [4.0, 4.0], [-4.0, 4.0]])
    add, erase = paint_disc((6.0, 0.0), 2.0), paint_disc((4.0, 0.0), 2.0, erases=True)
    box = Box(1, "car", (4.0, 0.0, 0.8), DEFAULT_SIZE_M["car"], 0.0)
    middle = (int((4.2 + 40) / 0.4), 100)

    def drawn(*paint: Paint) -> np.ndarray:
        return rasterise(Layout((Polygon(AREA, square),), (), (box,), paint), OCC3D, np.eye(4))

    assert drawn(add)[AREA].sum() > drawn()[AREA].sum() > drawn(erase)[AREA].sum()
    assert drawn(erase, add)[AREA][middle] == 1 and drawn(add, erase)[AREA][middle] == 0
    np.testing.assert_array_equal(drawn(erase)[:10], drawn()[:10])
    assert not drawn(paint_disc((4.0, 0.0), 4.0, CHANNEL["car"], erases=True))[CHANNEL["car"]].any()


def test_nothing_and_things_far_away_draw_nothing() -> None:
    far = np.array([[1e6, 1e6], [1e6 + 5, 1e6], [1e6, 1e6 + 5]])
    box = Box(1, "car", (1e6, -1e6, 0.0), DEFAULT_SIZE_M["car"], 0.3)
    layout = Layout(
        (Polygon(AREA, far),),
        (Polyline(LINE, far, 2.0), Polyline(LINE, np.zeros((0, 2)))),
        (box,),
        (paint_disc((1e6, 0.0), 1.0), Paint(AREA, False, {})),
    )
    assert not rasterise(layout, OCC3D, np.eye(4)).any()
    assert not rasterise(Layout(), OCC3D, np.eye(4)).any()


def test_an_area_around_everything_fills_the_grid() -> None:
    huge = np.array([[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]])
    layout = Layout((Polygon(AREA, huge),), (Polyline(LINE, huge, 5e9),), (Box(1, "bus", (0.0, 0.0, 0.0), (1e9, 1e9, 3.0), 0.2),))
    channels = rasterise(layout, OCC3D, np.eye(4))
    assert channels[[AREA, LINE, CHANNEL["bus"]]].all()


@pytest.mark.parametrize(
    ("layout", "pose", "sentence"),
    [
        (Layout((Polygon(AREA, np.full((3, 2), np.nan)),)), np.eye(4), "A polygon has points"),
        (Layout((), (Polyline(LINE, np.zeros((3, 3))),)), np.eye(4), "A line has points"),
        (Layout((Polygon(15, np.zeros((3, 2))),)), np.eye(4), "channel 15"),
        (Layout((), (), (Box(7, "car", (np.nan, 0.0, 0.0), (4.0, 2.0, 1.0), 0.0),)), np.eye(4), "Box 7"),
        (Layout((), (), (Box(7, "zebra", (0.0, 0.0, 0.0), (4.0, 2.0, 1.0), 0.0),)), np.eye(4), "zebra"),
        (Layout((), (), (), (Paint(3, False, {(0, 0): np.ones((2, 2), bool)}),)), np.eye(4), "paint tile"),
        (Layout(), np.full((4, 4), np.nan), "ego pose"),
        (Layout(), Pose(roll_rad=2.0).matrix(), "tilted by 115 degrees"),
    ],
)
def test_what_cannot_be_drawn_is_named(layout: Layout, pose: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        rasterise(layout, OCC3D, pose)
