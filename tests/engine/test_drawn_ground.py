"""The drawn ground: curves through stairs, lines through cells, holes, slopes, kerbs, and that nothing moves when the world grows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.spec.classes import CLASS, FREE
from engine.spec.grid import GridSpec
from engine.views.drawn.ground import KERB_HEIGHT_M, Ground
from engine.views.drawn.ground_surface import ground_height, ground_surface
from engine.views.drawn.mesh import Material
from engine.views.drawn.static_world import HIDDEN, StaticWorld
from engine.views.drawn.surface import ANSWER
from engine.views.drawn.surface import CLASS as ANSWER_CLASS

ROAD, FLAT, WALK, SOIL = (CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain"))
CROSSING, YELLOW, WHITE = (CLASS[name] for name in ("ped_crossing", "road_divider", "lane_divider"))
SIZE = 120
GRID = GridSpec("test", (SIZE, SIZE, 16), 0.4, (-0.2 * SIZE, -0.2 * SIZE, -3.0))


def centres(world: StaticWorld) -> tuple[np.ndarray, np.ndarray]:
    """World x and y (X, Y) of column centres."""
    i, j = np.indices(world.decided.shape)
    return world.origin_m[0] + (i + 0.5) * world.voxel_m, world.origin_m[1] + (j + 0.5) * world.voxel_m


def world_of(label: Callable[[np.ndarray, np.ndarray], np.ndarray], height: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None):
    """A world of which all but the rim is decided: one ground voxel a column, of class label(x, y), at the layer that holds height(x, y)."""
    world = StaticWorld(GRID, np.eye(4)[None])
    x, y = centres(world)
    z = np.zeros_like(x) if height is None else height(x, y)
    layer = np.floor((z - world.origin_m[2]) / world.voxel_m).astype(int)
    world.labels[:] = FREE
    np.put_along_axis(world.labels, layer[..., None], label(x, y)[..., None].astype(np.uint8), axis=2)
    world.decided[3:-3, 3:-3] = True
    world.fresh = world.decided.copy()
    world.epoch = 0
    return world


def classes(ground: Ground, x: np.ndarray, y: np.ndarray, foot: float = 0.01) -> np.ndarray:
    """Class ids (N,) at points (N,)."""
    return np.array([answer(ground, a, b, foot)[ANSWER_CLASS] for a, b in zip(x, y, strict=True)]).astype(int)


def answer(ground: Ground, x: float, y: float, foot: float = 0.01) -> np.ndarray:
    out = np.zeros(ANSWER)
    ground_surface(ground.maps, float(x), float(y), foot, out)
    return out


def street(x, y):
    """A road along x with walks and soil beside it, a crossing, a double line and lane lines."""
    off = np.abs(y)
    label = np.where(off < 7, ROAD, np.where(off < 9.2, WALK, SOIL))
    label = np.where((off < 0.25) & (x < 5), YELLOW, label)
    label = np.where((np.abs(off - 3.4) < 0.2) & (x < 5), WHITE, label)
    return np.where((x > 8) & (x < 12) & (off < 7), CROSSING, label)


@pytest.mark.parametrize("slope", [0.05, 0.13, 0.37, 0.8])
def test_a_slanted_edge_comes_out_straight(slope: float):
    ground = Ground(world_of(lambda x, y: np.where(y < slope * x + 1.1, ROAD, SOIL)), 3)
    along = np.linspace(-14, 14, 57)
    normal = np.array([-slope, 1.0]) / np.hypot(slope, 1)
    offsets = np.linspace(-0.5, 0.5, 51)
    for s in along:
        x, y = s + offsets * normal[0], slope * s + 1.1 + offsets * normal[1]
        inside = classes(ground, x, y) == ROAD
        edge = offsets[int(np.argmin(inside))]
        assert abs(edge) <= 0.1, (s, edge)


def distance_to(lines: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Metres (N,) from points (N, 2) to the nearest piece of line."""
    a, b = lines[None, :, 0:2], lines[None, :, 2:4]
    way = b - a
    t = np.clip(((points[:, None] - a) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-9), 0, 1)
    return np.linalg.norm(points[:, None] - a - t[..., None] * way, axis=-1).min(axis=1)


@pytest.mark.parametrize("curve", ["slanted", "shallow", "arc"])
def test_a_line_runs_where_its_cells_lie(curve: str):
    def off(x, y):
        if curve == "arc":
            return np.abs(np.hypot(x, y - 40.0) - 40.0)
        slope = 0.4 if curve == "slanted" else 0.07
        return np.abs(y - slope * x) / np.hypot(slope, 1)

    ground = Ground(world_of(lambda x, y: np.where(off(x, y) < 0.28, WHITE, ROAD)), 3)
    s = np.linspace(-15, 15, 61)
    true = np.stack([s, 40 - np.sqrt(1600 - s**2)], 1) if curve == "arc" else np.stack([s, (0.4 if curve == "slanted" else 0.07) * s], 1)
    assert distance_to(ground.maps.lines, true - ground.maps.frame[:2]).max() < 0.15


def test_lines_are_joined_over_gaps_and_under_agents():
    def label(x, y):
        line = (np.abs(y - 0.2 * x) < 0.3) & ~((x > -4) & (x < -2.6)) & ~((x > 3) & (x < 9))
        return np.where(line, WHITE, ROAD)

    world = world_of(label)
    x, y = centres(world)
    under = (x > 3) & (x < 9) & (np.abs(y - 0.2 * x) < 1.5)
    world.labels[under] = HIDDEN
    ground = Ground(world, 3)
    s = np.linspace(-15, 15, 61)
    assert distance_to(ground.maps.lines, np.stack([s, 0.2 * s], 1) - ground.maps.frame[:2]).max() < 0.15
    assert (ground.surface[under] == ROAD).all()


def test_holes_are_filled():
    def label(x, y):
        return np.where(np.abs(y) < 7, ROAD, np.where(np.abs(y) < 9.2, WALK, SOIL))

    world = world_of(label)
    x, y = centres(world)
    pothole, yard = (np.abs(x) < 1) & (np.abs(y - 2) < 1), (x > 3) & (y > 9)
    world.labels[pothole | yard] = FREE
    ground = Ground(world, 3)
    assert (ground.surface[pothole] == ROAD).all()
    assert np.isin(ground.surface[yard & (y > 10.5)], (SOIL, FLAT)).all()
    assert np.isfinite(ground.height_m).all()


def test_classes_agree_with_their_columns():
    world = world_of(street)
    ground = Ground(world, 3)
    x, y = centres(world)
    label = street(x, y)
    inner = world.decided.copy()
    for di, dj in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        inner &= np.roll(label, (di, dj), (0, 1)) == label
    found = classes(ground, x[inner], y[inner])
    assert np.mean(found == label[inner]) >= 0.95
    assert np.mean(found[label[inner] == CROSSING] == CROSSING) >= 0.9


def test_a_slope_is_a_plane_again():
    def plane(x, y):
        return 0.06 * x - 0.02 * y

    world = world_of(lambda x, y: np.full_like(x, ROAD), plane)
    ground = Ground(world, 3)
    x, y = centres(world)
    error = (ground.height_m - plane(x, y))[world.decided] - 0.25 * world.voxel_m  # between the voxels' middles and their upper faces
    assert np.abs(error).max() < 0.2
    assert np.sqrt((error**2).mean()) < 0.07
    slope = np.diff(ground.height_m, axis=0)[20:-20, 20:-20] / world.voxel_m
    assert np.abs(slope - 0.06).max() < 0.03


def test_walks_stand_above_the_road_and_are_dropped_at_crossings():
    ground = Ground(world_of(street), 3)
    road, walk = ground_height(ground.maps, -10.0, 6.5), ground_height(ground.maps, -10.0, 7.6)
    assert walk - road == pytest.approx(KERB_HEIGHT_M, abs=0.02)
    assert ground_height(ground.maps, 10.0, 7.4) - ground_height(ground.maps, 10.0, 6.5) < 0.05


def test_the_mesh_covers_the_land_once_and_faces_up():
    ground = Ground(world_of(street), 3)
    mesh = ground.mesh(np.zeros(3))
    sheet = mesh.parts[mesh.face_part, 0] == Material.GROUND
    a, b, c = (mesh.vertices[mesh.faces[sheet, k]].astype(np.float64) for k in range(3))
    area = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    assert area.min() > -1e-3
    nodes = np.array(ground.maps.far_base_m.shape) - 1
    assert area.sum() == pytest.approx(np.prod(nodes * ground.maps.frame[5]), rel=1e-5)
    assert sheet.sum() < 200_000
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)


def test_nothing_moves_when_the_world_grows():
    whole = world_of(street)
    x, y = centres(whole)
    early = whole.decided & (x + 0.3 * y < 3)
    world = world_of(street)
    world.decided = early.copy()
    ground = Ground(world, 3)
    rng = np.random.default_rng(1)
    rows = np.argwhere(early)[rng.integers(0, early.sum(), 3000)]
    points = np.stack([x[tuple(rows.T)], y[tuple(rows.T)]], 1) + rng.uniform(-0.199, 0.199, (3000, 2))
    before = np.array([answer(ground, *point, 0.03) for point in points])
    height, surface = ground.height_m[early].copy(), ground.surface[early].copy()
    old = {tuple(vertex) for vertex in ground.mesh(np.zeros(3)).vertices}
    world.decided = whole.decided.copy()
    ground.update()
    after = np.array([answer(ground, *point, 0.03) for point in points])
    assert np.array_equal(before, after)
    assert np.array_equal(height, ground.height_m[early])
    assert np.array_equal(surface, ground.surface[early])
    new = {tuple(vertex) for vertex in ground.mesh(np.zeros(3)).vertices}
    kept = [vertex for vertex in old if np.abs(vertex[0]) < 20 and np.abs(vertex[1]) < 20 and vertex[0] + 0.3 * vertex[1] < 2]
    assert sum(vertex in new for vertex in kept) == len(kept) > 1000


def test_it_is_the_same_every_time_and_anchored_in_the_world():
    first, second = Ground(world_of(street), 3), Ground(world_of(street), 3)
    for one, other in zip(first.maps, second.maps, strict=True):
        assert np.array_equal(one, other)
    elsewhere = np.eye(4)
    elsewhere[0, 3] = -8.0
    rest = StaticWorld(GRID, np.stack([np.eye(4), elsewhere]))
    rest.labels[:] = FREE
    rest.decided[3:-3, 3:-3] = True
    x, y = centres(rest)
    np.put_along_axis(rest.labels, np.full((*x.shape, 1), 2), street(x, y)[..., None].astype(np.uint8), axis=2)
    longer = Ground(rest, 3)
    for point in ((-5.03, 2.2), (0.37, 8.1), (-3.0, 12.0), (10.2, 1.0)):
        assert np.allclose(answer(first, *point)[:3], answer(longer, *point)[:3], atol=0.02)


@pytest.mark.parametrize("label", [ROAD, FLAT, WALK, SOIL])
def test_far_away_a_texture_is_its_mean(label: int):
    ground = Ground(world_of(lambda x, y: np.full_like(x, label)), 3)
    rng = np.random.default_rng(2)
    points = rng.uniform(-12, 12, (6000, 2))
    near = np.array([answer(ground, *point, 0.002)[:3] for point in points]).mean(axis=0)
    far = np.array([answer(ground, *point, 2.0)[:3] for point in points[:2000]])
    beside = np.array([answer(ground, *point, 2.0)[:3] for point in points[:2000] + 0.3])
    assert np.allclose(far.mean(axis=0), near, rtol=0.1)
    assert (np.abs(far - beside).mean(axis=0) / near).max() < 0.03


def test_a_line_fades_by_what_it_covers():
    ground = Ground(world_of(lambda x, y: np.where(np.abs(y) < 0.25, YELLOW, ROAD)), 3)
    rng = np.random.default_rng(4)
    points = np.stack([rng.uniform(-10, 10, 8000), rng.uniform(-1, 1, 8000)], 1)
    near = np.array([answer(ground, *point, 0.01)[:3] for point in points]).mean(axis=0)
    far = np.array([answer(ground, *point, 0.6)[:3] for point in points]).mean(axis=0)
    assert np.allclose(far, near, rtol=0.08)
