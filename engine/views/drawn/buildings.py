"""Houses and street furniture of the drawn world, from what stands in its voxels; what was built never changes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from engine.spec.classes import CLASS
from engine.views.drawn.footprints import HARD, REACH_M, UNKNOWN, WALL, Columns, Segment, columns, direction_of, segments
from engine.views.drawn.fronts import fronts
from engine.views.drawn.furniture import Site
from engine.views.drawn.house_mesh import draw_house
from engine.views.drawn.houses import rectangles
from engine.views.drawn.mesh import Mesh
from engine.views.drawn.rects import Rect, left_over, sides_seen
from engine.views.drawn.solids import Solids
from engine.views.drawn.static_world import StaticWorld

MARGIN_M = 18.0
"""Columns this far around fresh ones are looked at too."""
SHRUB_M = 2.2
"""Vegetation lower than this above the ground hides what is behind it from the street."""
_ROAD = tuple(CLASS[name] for name in ("driveable_surface", "ped_crossing", "road_divider", "lane_divider"))


@dataclass(slots=True, eq=False)
class Built:
    """What was built so far; `build` adds to it."""

    rects: list[Rect] = field(default_factory=list)
    lamps: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    """float64 (N, 3), world: light of street lamps."""
    angles: list[tuple[float, float, float]] = field(default_factory=list)
    """World x, y and direction of neighbourhoods."""
    waiting: np.ndarray | None = None
    """bool (X, Y): shreds at the rim that wait for the columns beside them."""


def build(world: StaticWorld, fresh: np.ndarray, height_m: np.ndarray, seed: int, scene_origin_m: np.ndarray, built: Built) -> Mesh:
    """What stands in columns just decided, `fresh` bool (X, Y), on ground at world z `height_m` (X, Y); in the scene frame."""
    if built.waiting is None:
        built.waiting = np.zeros(fresh.shape, bool)
    todo = (fresh | built.waiting) & world.decided
    if not todo.any():
        return Mesh.empty()
    solids = Solids(scene_origin_m)
    margin = int(MARGIN_M / world.voxel_m)
    where = np.argwhere(todo)
    low = np.maximum(where.min(axis=0) - margin, 0)
    high = np.minimum(where.max(axis=0) + margin + 1, fresh.shape)
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    labels, decided, feet = world.labels[window], world.decided[window], np.asarray(height_m[window], np.float32)
    feet = np.where(np.isfinite(feet), feet, np.float32(np.nanmedian(feet) if np.isfinite(feet).any() else 0.0))
    corner_m = world.origin_m + np.array([low[0], low[1], 0]) * world.voxel_m
    cols = columns(labels, decided, corner_m, world.voxel_m, feet)
    cells = (cols.kind >= WALL) & todo[window]
    cells = left_over(cols, cells, built.rects)
    found, waits = _walls(cols, cells, built, built.waiting[window])
    built.waiting[:] = False
    built.waiting[window] = waits
    rects = rectangles(cols, found, built.rects, feet, seed)
    leaves = labels == CLASS["vegetation"]
    level = corner_m[2] + (np.arange(labels.shape[2]) + 0.5) * world.voxel_m
    shrubs = (leaves & (level < feet[:, :, None] + SHRUB_M)).any(axis=2)
    others = (labels == CLASS["others"]).any(axis=2) & (cols.kind < WALL)
    before = fronts(cols, shrubs, others, feet, [*built.rects, *rects])
    for rect in rects:
        i, j = cols.at(rect.corners())
        middle = rect.corner_m + rect.along * rect.width_m / 2
        a, b = cols.at(middle[None])
        seen = sides_seen(cols, rect, [*built.rects, *rects])
        draw_house(solids, rect, feet[i, j], float(cols.paved[a[0], b[0]]), seen, before, seed)
    built.rects.extend(rects)
    rest = left_over(cols, cells & ~waits, built.rects)
    others = left_over(cols, others & fresh[window], built.rects)
    site = Site(solids, cols, _road(labels, decided, world.voxel_m), feet, built.angles, leaves.any(axis=2), shrubs, seed)
    site.furnish(rest, others)
    built.lamps = np.concatenate([built.lamps, np.array(site.lamps).reshape(-1, 3)])
    return solids.mesh()


def _walls(cols: Columns, cells: np.ndarray, built: Built, waited: np.ndarray) -> tuple[list[Segment], np.ndarray]:
    """Straight runs of wall among `cells` (X, Y), and which of them wait: short shreds beside what is not decided yet."""
    walls = cells & (cols.kind == WALL)
    waits = np.zeros_like(cells)
    if not walls.any():
        return [], waits
    reach = int(REACH_M / cols.voxel_m)
    labels, _ = ndimage.label(ndimage.binary_dilation(walls, iterations=reach), np.ones((3, 3)))  # type: ignore[misc]
    beside = ndimage.binary_dilation(cols.kind == UNKNOWN, iterations=3)
    prior = _district(cols, walls)
    found: list[Segment] = []
    for index, box in enumerate(ndimage.find_objects(labels)):
        inside = (labels[box] == index + 1) & walls[box]
        where = np.argwhere(inside) + [box[0].start, box[1].start]
        i, j = where.T
        points = cols.low_m + (where + 0.5) * cols.voxel_m
        long = float(np.hypot(*np.ptp(points, axis=0)))
        if long < 3.5 and beside[i, j].any() and not waited[i, j].all():
            waits[i, j] = True
            continue
        if len(points) < 4:
            continue
        x, y = points[0]
        nearest = min(built.angles, key=lambda at: np.hypot(at[0] - x, at[1] - y), default=None)
        near = nearest is not None and np.hypot(nearest[0] - x, nearest[1] - y) < 40.0
        angle = direction_of(points, nearest[2] if nearest is not None and near else prior)
        found.extend(segments(points, cols.top_m[i, j], angle, index))
        if len(points) > 20:
            built.angles.append((float(points[:, 0].mean()), float(points[:, 1].mean()), angle))
    return found, waits


def _district(cols: Columns, walls: np.ndarray) -> float | None:
    """The direction that walls and kerbs of a whole window share."""
    paved = np.asarray(cols.kind == HARD)
    inner, rim = ndimage.binary_erosion(paved), ndimage.binary_dilation(cols.kind == UNKNOWN, iterations=2)
    kerb = paved & np.logical_not(inner) & np.logical_not(rim)
    where = np.concatenate([np.argwhere(walls), np.argwhere(kerb)[::2]])
    if len(where) < 30:
        return None
    return direction_of(where * cols.voxel_m, None)


def _road(labels: np.ndarray, decided: np.ndarray, voxel_m: float) -> np.ndarray:
    """float (X, Y, 3): metres to the nearest roadway and the unit vector towards it."""
    table = np.zeros(256, bool)
    table[list(_ROAD)] = True
    road = table[labels].any(axis=2) & decided
    result = np.zeros((*road.shape, 3))
    if not road.any():
        result[..., 0] = 99.0
        return result
    distance, nearest = ndimage.distance_transform_edt(~road, return_indices=True)  # type: ignore[misc]
    here = np.stack(np.meshgrid(*(np.arange(n) for n in road.shape), indexing="ij"))
    away = nearest - here
    result[..., 0] = distance * voxel_m
    result[..., 1:] = np.moveaxis(away / np.maximum(distance, 1e-6), 0, -1)
    return result
