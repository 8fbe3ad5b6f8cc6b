"""Vegetation of the drawn world: voxels of the static world become trees, hedges, shrubs and tufts, piece by piece as it is decided."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from engine.lattice import hash01
from engine.spec.classes import CLASS
from engine.views.drawn import foliage
from engine.views.drawn.mesh import Mesh, joined
from engine.views.drawn.shrubs import undergrowth
from engine.views.drawn.static_world import StaticWorld
from engine.views.drawn.trees import VEGETATION, Tree, crown, crown_cells, leaf_colour, species_at
from engine.views.drawn.wood import wood

LOW_M = 2.2
"""Vegetation below this height above ground is shrub or hedge."""
HANGS_M = 1.2
"""A column that begins above this is crown as a whole."""
BUSH_M = 3.2
"""A column from the ground that ends below this is a tall shrub, not a crown."""
LEAFY_M = 4.0
"""A column without a gap from the ground to this height or more is a tree that is leafy to the ground."""
OVER_ROAD_M = 3.5
OVER_WALK_M = 2.3
SPECKLE = 6
"""Connected vegetation of fewer voxels is not drawn."""
SPACING_M = (2.4, 3.6)
"""Range of the least distance between two trees."""
LEAN_M = 4.5
"""A trunk stands no farther than this from its crown's centre, or the crown is not drawn."""
NEW = 10**6
ROAD = [CLASS[name] for name in ("driveable_surface", "ped_crossing", "road_divider", "lane_divider")]


@dataclass(slots=True)
class Grown:
    """What has grown so far; it never changes again."""

    trees: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plot:
    """What decides where plants may be, for the whole world; arrays (X, Y) or (X, Y, Z) of world cells."""

    cell0: np.ndarray
    """int (3,): world cell of [0, 0, 0]; all dice are thrown by world cells."""
    voxel_m: float
    height_m: np.ndarray
    """float32 (X, Y): world z of the ground."""
    above_m: np.ndarray
    """float32 (X, Y, Z): height of a voxel's centre above its ground."""
    plants: np.ndarray
    """bool (X, Y, Z): vegetation of decided columns, without speckle."""
    road: np.ndarray
    walk: np.ndarray
    wall: np.ndarray
    """bool (X, Y): columns with road, with sidewalk, with buildings."""
    decided: np.ndarray
    limits: foliage.Limits


def grow(world: StaticWorld, fresh: np.ndarray, height_m: np.ndarray, seed: int, scene_origin_m: np.ndarray, grown: Grown) -> Mesh:
    """Plants of the columns `fresh` (X, Y), in the scene frame; `height_m` float32 (X, Y) is the ground's world z."""
    plot = survey(world, height_m)
    mine = plot.plants & fresh[:, :, None]
    if not mine.any():
        return Mesh.empty()
    bottom = np.where(mine, plot.above_m, np.inf).min(axis=2)
    top = np.where(mine, plot.above_m, 0).max(axis=2)
    bushes = (bottom < HANGS_M) & (top < BUSH_M)
    leafy = (top >= LEAFY_M) & (mine.sum(axis=2) * plot.voxel_m >= 0.8 * (top - bottom + plot.voxel_m))
    crowns = mine & ((plot.above_m >= LOW_M) | (leafy | (bottom >= HANGS_M))[:, :, None]) & ~bushes[:, :, None]
    crowns &= ~plot.road[:, :, None] | (plot.above_m >= OVER_ROAD_M)
    return joined(
        [
            _trees(plot, crowns, fresh, seed, scene_origin_m, grown),
            undergrowth(plot, mine & ~crowns & (bottom < HANGS_M)[:, :, None], seed, scene_origin_m),
        ]
    )


def survey(world: StaticWorld, height_m: np.ndarray) -> Plot:
    """Reads the world once: which voxels are plants, and where foliage may hang."""
    labels = world.labels
    decided = world.decided
    plants = (labels == VEGETATION) & decided[:, :, None]
    group = _groups(plants)
    plants &= (np.bincount(group.ravel()) >= SPECKLE)[group]
    levels: np.ndarray = world.origin_m[2] + (np.arange(labels.shape[2]) + 0.5) * world.voxel_m
    above = (levels - height_m[:, :, None]).astype(np.float32)
    road = np.any(np.isin(labels, ROAD), axis=2)
    walk = np.any(labels == CLASS["sidewalk"], axis=2)
    built = labels == CLASS["manmade"]
    wall = built.sum(axis=2) >= 3
    planted = np.any(plants, axis=2)
    floor = np.full(labels.shape[:2], -np.inf, np.float32)
    beside = np.asarray(ndimage.binary_dilation(planted, np.ones((3, 3), bool)), bool)
    floor = np.where(walk & ~beside, height_m + OVER_WALK_M, floor)
    floor = np.where(road, height_m + OVER_ROAD_M, floor)
    wall_top = np.where(built, levels + 0.5 * world.voxel_m, -np.inf).max(axis=2)
    floor = np.where(wall & ~planted, np.where(wall_top - height_m >= 4.0, np.inf, wall_top), floor).astype(np.float32)
    cell0 = np.round(world.origin_m / world.voxel_m).astype(np.int64)
    limits = foliage.Limits(floor, world.origin_m.astype(np.float64), world.voxel_m)
    return Plot(cell0, world.voxel_m, height_m, above, plants, road, walk, wall, decided, limits)


def _groups(mask: np.ndarray) -> np.ndarray:
    """Labels of what hangs together, by sides, edges and corners; 0 is nothing."""
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(mask, np.ones((3,) * mask.ndim, bool), output=labels)
    return labels


def _trees(plot: Plot, crowns: np.ndarray, fresh: np.ndarray, seed: int, scene_origin_m: np.ndarray, grown: Grown) -> Mesh:
    """Trees for crown voxels (X, Y, Z): each column goes to the nearest peak of its canopy, or to an earlier tree that reaches it."""
    count = crowns.sum(axis=2)
    columns = np.argwhere(count)
    if not len(columns):
        return Mesh.empty()
    owner = _owners(plot, crowns, columns, seed, grown)
    new: list[Mesh] = []
    for number in np.unique(owner[owner >= 0]):
        mine = columns[owner == number]
        voxels = np.argwhere(crowns[mine[:, 0], mine[:, 1]])
        cells = np.column_stack([mine[voxels[:, 0]], voxels[:, 1]])
        new.append(_tree(plot, cells, grown.trees[number] if number < NEW else None, seed, scene_origin_m, grown))
    return joined(new)


def _owners(plot: Plot, crowns: np.ndarray, columns: np.ndarray, seed: int, grown: Grown) -> np.ndarray:
    """For each crown column (N, 2) the tree that it belongs to: an index into grown.trees, or NEW and more for new ones."""
    canopy = (plot.plants & (plot.above_m >= LOW_M)).sum(axis=2)
    density = ndimage.gaussian_filter(canopy.astype(np.float64), 1.5)
    group = _groups(ndimage.binary_dilation(canopy > 0))
    peaks = (density >= ndimage.maximum_filter(density, 5)) & (crowns.any(axis=2))
    candidates = np.argwhere(peaks)
    candidates = candidates[np.lexsort([*candidates.T, -density[peaks]])]
    spots, groups, names, reach = [], [], [], []

    def known(at: np.ndarray, name: int, cells: float) -> None:
        spots.append(at)
        groups.append(group[tuple(at)])
        names.append(name)
        reach.append(cells)

    for n, tree in enumerate(grown.trees):
        at = np.array(tree.peak) - plot.cell0[:2]
        known(at, n, tree.radius_m / plot.voxel_m + 2.0)

    for at in candidates:
        i, j = at + plot.cell0[:2]
        spacing = (SPACING_M[0] + (SPACING_M[1] - SPACING_M[0]) * hash01(i, j, seed + 961)) / plot.voxel_m
        near = [np.hypot(*(at - spot)) for spot, g in zip(spots, groups, strict=True) if g == group[tuple(at)]]
        if not near or min(near) >= spacing:
            known(at, NEW + len(spots), np.inf)
    def densest(of: np.ndarray) -> np.ndarray:
        return of[np.lexsort([*of.T, -density[tuple(of.T)]])[0]]

    if not spots:  # its peaks lie in what was decided earlier, where no tree could stand
        known(densest(columns), NEW, np.inf)
    while True:
        far = np.linalg.norm(columns[:, None] - np.array(spots)[None], axis=2)
        far[group[tuple(columns.T)][:, None] != np.array(groups)[None]] = np.inf
        far[far > np.array(reach)[None]] = np.inf
        best = far.argmin(axis=1)
        lost = np.isinf(far.min(axis=1))
        if not lost.any():
            return np.array(names)[best]
        known(densest(columns[lost]), NEW + len(spots), np.inf)


def _tree(plot: Plot, cells: np.ndarray, known: Tree | None, seed: int, scene_origin_m: np.ndarray, grown: Grown) -> Mesh:
    """One tree of crown voxels (N, 3), or what an earlier tree gains by them."""
    world_cells = cells + plot.cell0
    ground = plot.height_m[cells[:, 0], cells[:, 1]] / plot.voxel_m
    if known is not None:
        clumps, parts = crown(known, world_cells, plot.voxel_m, seed)
        return _leafed(plot, clumps, parts, seed, scene_origin_m)
    if len(cells) < SPECKLE:
        return Mesh.empty()
    middle = np.unique(cells[:, :2], axis=0).mean(axis=0)
    peak_cell = cells[np.lexsort([cells[:, 1], cells[:, 0], np.linalg.norm(cells[:, :2] - middle, axis=1)])[0], :2]
    peak = (int(peak_cell[0] + plot.cell0[0]), int(peak_cell[1] + plot.cell0[1]))
    foot = _foot(plot, middle)
    if foot is None:
        return Mesh.empty()
    width = 2 * np.sqrt(len(np.unique(cells[:, :2], axis=0)) / np.pi) * plot.voxel_m
    low = bool(np.percentile(plot.above_m[tuple(cells.T)], 5) < LOW_M + 0.5)
    species = species_at(peak, low, width, plot.voxel_m, seed)
    whole = crown_cells(world_cells, ground, species, peak, plot.voxel_m, seed)
    level = 0.5 * (whole[:, 2].min() + whole[:, 2].max())
    centre = np.array([*(middle + plot.cell0[:2] + 0.5), level + 0.5]) * plot.voxel_m
    half = 0.5 * (np.ptp(whole[:, 2]) + 1) * plot.voxel_m
    foot_m = np.array([*((foot + plot.cell0[:2] + 0.5) * plot.voxel_m), plot.height_m[tuple(foot)]])
    tree = Tree(foot_m, peak, centre, width / 2, half, species, leaf_colour(species, peak, seed))
    clumps, parts = crown(tree, whole, plot.voxel_m, seed)
    grown.trees.append(tree)
    return joined([_leafed(plot, clumps, parts, seed, scene_origin_m), wood(tree, clumps, 1.6, seed, scene_origin_m)])


def _leafed(plot: Plot, clumps: np.ndarray, parts: np.ndarray, seed: int, scene_origin_m: np.ndarray) -> Mesh:
    clumps[:, foliage.PART_ROW] = np.arange(len(clumps))
    clumps[:, foliage.FIRST], clumps[:, foliage.LAST] = 0, len(clumps)
    return foliage.leaves(clumps, plot.limits, seed, scene_origin_m).mesh(parts)


def _foot(plot: Plot, middle: np.ndarray) -> np.ndarray | None:
    """The column (2,) nearest to a crown's middle where a trunk may stand, or None."""
    reach = int(np.ceil(LEAN_M / plot.voxel_m))
    low = np.maximum(np.floor(middle).astype(int) - reach, 0)
    high = np.minimum(np.floor(middle).astype(int) + reach + 1, plot.decided.shape)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    free = plot.decided[window] & ~plot.road[window] & ~plot.wall[window]
    spots = np.argwhere(free) + low
    distance = np.linalg.norm(spots - middle, axis=1)
    if not len(spots) or distance.min() * plot.voxel_m > LEAN_M:
        return None
    return spots[np.lexsort([spots[:, 1], spots[:, 0], np.round(distance, 6)])[0]]
