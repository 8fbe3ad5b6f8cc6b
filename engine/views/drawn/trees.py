"""Trees: what species stand where, and crowns that fit their voxels and go on above the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage

from engine.lattice import hash01, value_noise
from engine.spec.classes import CLASS
from engine.views.drawn import foliage
from engine.views.drawn.mesh import RED, SEED, Material, part
from engine.views.drawn.vegetation_surface import (
    CLUMP_CENTRE,
    CLUMP_RADIUS,
    CROWN_CENTRE,
    CROWN_HALF_HEIGHT,
    CROWN_RADIUS,
    INNER_SHADE,
    LEAF_M,
)

VEGETATION = CLASS["vegetation"]
CUT_M = 4.4
"""A crown whose voxels reach this high above its ground is taken to go on above the grid."""
MOST_SPRAYS = 16000
"""Sprays thrown for one crown, of which about a third are outside other clumps and are kept."""
FINE_CELLS = 120
"""A crown of fewer cells is made of smaller clumps."""
DISTRICT_M = 90.0
"""Streets of one district share their commonest tree."""


@dataclass(frozen=True, slots=True)
class Species:
    """Numbers of a species; colours are linear albedo, lengths metres."""

    leaf: tuple[float, float, float]
    bark: tuple[float, float, float]
    tallest: tuple[float, float]
    """Range of heights above ground."""
    slender: float
    """Crown height over crown width where nothing else is known."""
    round: float
    """Exponent of the crown's outline above its widest place: 0.5 a ball, 1 a cone."""
    spray_m: float
    slim: float
    sprays_m2: float
    droop: float
    leaf_m: float
    banded: bool = False


SPECIES: dict[str, Species] = {
    "oak": Species((0.078, 0.132, 0.046), (0.105, 0.080, 0.060), (8.0, 12.5), 1.15, 0.6, 0.30, 0.62, 30.0, 0.15, 0.09),
    "round": Species((0.090, 0.156, 0.052), (0.120, 0.098, 0.078), (6.0, 8.5), 1.05, 0.55, 0.26, 0.62, 33.0, 0.10, 0.08),
    "poplar": Species((0.084, 0.146, 0.056), (0.150, 0.135, 0.110), (10.0, 14.0), 2.6, 0.6, 0.26, 0.54, 29.0, -0.5, 0.07),
    "birch": Species((0.112, 0.170, 0.060), (0.520, 0.500, 0.460), (8.0, 12.0), 1.8, 0.75, 0.26, 0.52, 28.0, 0.75, 0.07, True),
    "conifer": Species((0.042, 0.086, 0.046), (0.095, 0.066, 0.048), (8.0, 13.0), 2.2, 0.95, 0.38, 0.32, 29.0, 0.55, 0.05),
}
_AUTUMN = ((0.26, 0.150, 0.050), (0.185, 0.085, 0.046), (0.24, 0.195, 0.060))


@dataclass(slots=True)
class Tree:
    """One tree that stands: where, and how far its crown goes. World metres."""

    foot_m: np.ndarray
    """(3,) where the trunk meets the ground."""
    peak: tuple[int, int]
    """World cell of its crown's densest place: its dice."""
    crown_m: np.ndarray
    """(3,) centre of its crown."""
    radius_m: float
    half_height_m: float
    species: str
    leaf: np.ndarray
    """(3,) linear colour."""


def species_at(peak: tuple[int, int], low: bool, width_m: float, voxel_m: float, seed: int) -> str:
    """The species of a tree at a world cell: by district and dice; `low` where its crown begins near the ground."""
    i, j = peak
    district = (int(np.floor(i * voxel_m / DISTRICT_M)), int(np.floor(j * voxel_m / DISTRICT_M)))
    common = ("oak", "round", "birch", "oak", "round")[int(hash01(*district, seed + 901) * 5)]
    die = hash01(i, j, seed + 902)
    if low and hash01(i, j, seed + 903) < 0.45:
        return "conifer"
    if width_m < 3.2 and die < 0.35:
        return "poplar"
    if die < 0.72:
        return common
    return ("oak", "round", "birch", "oak", "birch")[int(hash01(i, j, seed + 904) * 5)]


def leaf_colour(species: str, cell: tuple[int, int], seed: int) -> np.ndarray:
    """Linear colour (3,) of one plant: its species', a little lighter, darker, yellower or bluer; rarely an early autumn."""
    i, j = cell
    rgb = np.array(SPECIES[species].leaf)
    if species != "conifer" and hash01(i, j, seed + 911) < 0.05:
        tint = np.array(_AUTUMN[int(hash01(i, j, seed + 912) * 3)])
        rgb = rgb + (tint - rgb) * (0.5 + 0.35 * hash01(i, j, seed + 913))
    warm = hash01(i, j, seed + 914) - 0.5
    return rgb * (0.86 + 0.3 * hash01(i, j, seed + 915)) * np.array([1 + 0.36 * warm, 1.0, 1 - 0.3 * warm])


def crown_cells(cells: np.ndarray, ground: np.ndarray, species: str, peak: tuple[int, int], voxel_m: float, seed: int) -> np.ndarray:
    """Cells (M, 3) of a whole crown from its voxels (N, 3) in world cells; `ground` (N,) is the ground's height there in cells.

    Gaps between voxels of a column are filled. Where the voxels reach the grid's top, the crown goes on and is rounded off: a column
    rises as far as its distance from the crown's edge allows.
    """
    low = cells.min(axis=0)
    shape = cells.max(axis=0) - low + 1
    solid = np.zeros(shape, bool)
    solid[tuple((cells - low).T)] = True
    solid = ndimage.binary_closing(solid, np.ones((1, 1, 3), bool)) | solid
    foot = solid.any(axis=2)
    top = np.where(foot, shape[2] - 1 - solid[:, :, ::-1].argmax(axis=2), -1)
    base = float(np.median(ground))
    kind = SPECIES[species]
    width = 2 * np.sqrt(foot.sum() / np.pi)
    peak_top = float(np.percentile(top[foot], 90)) + low[2] + 1 - base
    lowest = float(np.percentile(solid.argmax(axis=2)[foot], 20)) + low[2] - base
    edge = np.empty(np.add(foot.shape, 2))
    ndimage.distance_transform_edt(np.pad(foot, 1), distances=edge)
    edge = edge[1:-1, 1:-1]
    out = [np.argwhere(solid) + low]
    if peak_top * voxel_m >= CUT_M:
        die = hash01(*peak, seed + 921)
        height = kind.tallest[0] + (kind.tallest[1] - kind.tallest[0]) * die
        height = min(max(height, 6.0), lowest * voxel_m + width * voxel_m * kind.slender * (0.9 + 0.3 * hash01(*peak, seed + 922)) + 0.8)
        rise = max(height / voxel_m - peak_top, 1.0)
        inward = np.clip((edge - 0.6) / max(edge.max() - 0.6, 0.6), 0, 1)
        bumps = _bumps(low[0], low[1], shape[0], shape[1], seed + 923)
        crest = peak_top + rise * (1 - (1 - inward) ** (1 / kind.round)) ** kind.round * (0.8 + 0.35 * bumps)
        crest = ndimage.gaussian_filter(np.where(foot, crest, 0.0), 0.7) / np.maximum(
            ndimage.gaussian_filter(foot.astype(np.float64), 0.7), 0.05
        )
        # Only columns that themselves reach the top go on: elsewhere free space says where the crown ends.
        cut = foot & (top + low[2] + 1 - base >= peak_top - 2.5)
        for i, j in np.argwhere(cut):
            levels = np.arange(int(top[i, j]) + 1, int(np.ceil(crest[i, j] + base - low[2])))
            out.append(np.column_stack([np.full(len(levels), i), np.full(len(levels), j), levels]) + low)
    return np.concatenate(out)


def clumps_of(cells: np.ndarray, size: int, voxel_m: float, seed: int, fill: float = 0.95) -> np.ndarray:
    """Clumps (N, foliage.CLUMP) for world cells (M, 3): one for each lattice cell of `size` voxels, where its voxels are.

    Fills place, radius and squash. The lattice is the world's; its stacks are shifted up by dice, so that no layers show.
    """
    stack = cells[:, :2] // size
    low = stack.min(axis=0)
    shift = _dice(stack[:, 0], stack[:, 1], seed + 930) * size
    lattice = np.column_stack([stack - low, (cells[:, 2] + shift.astype(np.int64)) // size + 4096])
    key = (lattice[:, 0] * 8192 + lattice[:, 1]) * 8192 + lattice[:, 2]
    unique, which, count = np.unique(key, return_inverse=True, return_counts=True)
    clumps = np.zeros((len(unique), foliage.CLUMP))
    for axis in range(3):
        clumps[:, axis] = (np.bincount(which.ravel(), cells[:, axis]) / count + 0.5) * voxel_m
    i, j = unique // 8192**2 + low[0], unique // 8192 % 8192 + low[1]
    dice = [_dice(i + 4096 * (unique % 8192), j, seed + 931 + q) for q in range(4)]
    clumps[:, foliage.X] += (dice[0] - 0.5) * 0.36 * size * voxel_m
    clumps[:, foliage.Y] += (dice[1] - 0.5) * 0.36 * size * voxel_m
    clumps[:, foliage.Z] += (dice[2] - 0.5) * 0.30 * size * voxel_m
    radius = (count * voxel_m**3 * 0.75 / np.pi) ** (1 / 3) * fill * (0.8 + 0.45 * dice[3])
    clumps[:, foliage.RADIUS] = np.maximum(radius, 0.34)
    clumps[:, foliage.SQUASH] = 0.9
    return clumps


@njit(cache=True, error_model="numpy")
def _bumps(x0, y0, nx, ny, seed):
    """Smooth noise in [0, 1) over world cells (nx, ny) from x0, y0, with features about four cells wide."""
    out = np.empty((nx, ny))
    for i in range(nx):
        for j in range(ny):
            out[i, j] = value_noise(x0 + i, y0 + j, 4.0, seed)
    return out


@njit(cache=True, error_model="numpy")
def _dice(i, j, seed):
    """Uniform in [0, 1) for lattice points i, j (N,)."""
    out = np.empty(len(i))
    for n in range(len(i)):
        out[n] = hash01(i[n], j[n], seed)
    return out


def crown(tree: Tree, cells: np.ndarray, voxel_m: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clumps (N, foliage.CLUMP) of cells (M, 3) of a tree's crown, and a part for each."""
    kind = SPECIES[tree.species]
    fine = len(cells) < FINE_CELLS or tree.radius_m < 1.4 or tree.species == "poplar"
    clumps = clumps_of(cells, 2 if fine else 3, voxel_m, seed, 1.05)
    clumps[:, foliage.SPRAY_M], clumps[:, foliage.SLIMNESS] = kind.spray_m, kind.slim
    clumps[:, foliage.SPRAYS_M2], clumps[:, foliage.DROOP] = kind.sprays_m2, kind.droop
    # A large crown has larger sprays, fewer on a square metre.
    if tree.species == "poplar":
        clumps[:, foliage.SQUASH] = 1.3
    many = max(1.0, float((4 * np.pi * clumps[:, foliage.RADIUS] ** 2).sum()) * kind.sprays_m2 / MOST_SPRAYS)
    clumps[:, foliage.SPRAYS_M2] /= many
    clumps[:, foliage.SPRAY_M] *= min(many**0.5, 1.5)
    return clumps, leaf_parts(clumps, tree.crown_m, tree.radius_m, tree.half_height_m, tree.leaf, kind.leaf_m, 0.32, seed)


def leaf_parts(
    clumps: np.ndarray, crown_m: np.ndarray, radius_m: float, half_height_m: float, leaf: np.ndarray, leaf_m: float, shade: float, seed: int
) -> np.ndarray:
    """Sets the clumps' crown, and gives them parts (N, PART) of one plant's colour, each a little its own."""
    clumps[:, foliage.CROWN : foliage.CROWN + 3] = crown_m
    i = np.floor(clumps[:, foliage.X] * 20).astype(np.int64)
    j = np.floor(clumps[:, foliage.Y] * 20 + clumps[:, foliage.Z] * 400).astype(np.int64)
    tone, warm = 0.84 + 0.32 * _dice(i, j, seed + 941), _dice(i, j, seed + 942) - 0.5
    parts = np.repeat(part(Material.FOLIAGE, class_id=VEGETATION)[None], len(clumps), axis=0)
    parts[:, RED : RED + 3] = leaf * tone[:, None] * np.stack([1 + 0.26 * warm, np.ones(len(warm)), 1 - 0.2 * warm], axis=1)
    parts[:, SEED] = np.floor(_dice(i, j, seed + 943) * 4096)
    parts[:, CLUMP_CENTRE : CLUMP_CENTRE + 3] = clumps[:, :3]
    parts[:, CLUMP_RADIUS] = clumps[:, foliage.RADIUS]
    parts[:, CROWN_CENTRE : CROWN_CENTRE + 3] = crown_m
    parts[:, CROWN_RADIUS], parts[:, CROWN_HALF_HEIGHT] = max(radius_m, 0.5), max(half_height_m, 0.5)
    parts[:, INNER_SHADE], parts[:, LEAF_M] = shade, leaf_m
    return parts
