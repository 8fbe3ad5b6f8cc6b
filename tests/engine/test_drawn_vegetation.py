"""Trees, hedges and shrubs of the drawn world: they fit their voxels, stand on the ground, keep off roads, and never change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from engine.spec.classes import CLASS, FREE
from engine.spec.grid import GridSpec
from engine.views.drawn import foliage
from engine.views.drawn.foliage import BASE, TIP
from engine.views.drawn.mesh import MATERIAL, RED, Material, Mesh, part
from engine.views.drawn.static_world import StaticWorld
from engine.views.drawn.surface import ANSWER, NORMAL
from engine.views.drawn.trees import SPECIES, Tree, leaf_colour
from engine.views.drawn.vegetation import OVER_ROAD_M, Grown, grow
from engine.views.drawn.vegetation_surface import foliage_surface, leaf_gap
from engine.views.drawn.wood import wood

_GRASS, _ROAD, _PLANT = CLASS["terrain"], CLASS["driveable_surface"], CLASS["vegetation"]
_GROUND = 3
"""Index of the ground's layer; its top is at z = 0.6 m."""


def _world() -> StaticWorld:
    """Lawn with a road along x, crowns beside and over it, a hedge, shrubs, ground cover and speckle."""
    world = StaticWorld(GridSpec("test", (200, 200, 16), 0.4, (-40.0, -40.0, -1.0)), np.eye(4)[None])
    labels = world.labels
    labels[:] = FREE
    labels[:, :, _GROUND] = _GRASS
    labels[:, 90:110, _GROUND] = _ROAD
    x, y = np.meshgrid(np.arange(labels.shape[0]), np.arange(labels.shape[1]), indexing="ij")
    for at, radius, low in (
        ((30, 60), 6, 9),
        ((60, 118), 7, 10),
        ((100, 60), 5, 8),
        ((108, 64), 6, 9),
        ((150, 111), 6, 9),
        ((170, 40), 4, 4),
    ):
        away = np.hypot(x - at[0], y - at[1]) + np.sin(3 * np.arctan2(y - at[1], x - at[0]))
        for k in range(low, labels.shape[2]):
            labels[:, :, k][away < radius * min(1.0, 0.5 + 0.2 * (k - low))] = _PLANT
    labels[20:60, 140:143, 4:8] = _PLANT
    labels[80:92, 140:150, 4:7] = _PLANT
    labels[110:118, 140:148, 4] = _PLANT
    labels[140, 150, 4:9] = labels[180, 100, 12] = labels[181, 160, 14] = _PLANT
    world.decided[:] = True
    return world


def _grow(world: StaticWorld, fresh: np.ndarray, grown: Grown) -> Mesh:
    height = np.full(world.decided.shape, world.origin_m[2] + (_GROUND + 1) * world.voxel_m, np.float32)
    return grow(world, fresh, height, 7, np.zeros(3), grown)


@pytest.fixture(scope="module")
def whole() -> tuple[StaticWorld, Mesh, Grown]:
    world, grown = _world(), Grown()
    return world, _grow(world, world.decided, grown), grown


def test_trees_stand_on_the_ground_beside_the_road(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    world, mesh, grown = whole
    assert 5 <= len(grown.trees) <= 12
    bark = np.unique(mesh.faces[mesh.parts[mesh.face_part, MATERIAL] == Material.BARK])
    ground = world.origin_m[2] + (_GROUND + 1) * world.voxel_m
    feet = mesh.vertices[bark][mesh.vertices[bark, 2] < ground]
    for tree in grown.trees:
        assert np.linalg.norm(feet[:, :2] - tree.foot_m[:2], axis=1).min() < 0.6
        i, j, _ = np.floor((tree.foot_m - world.origin_m) / world.voxel_m).astype(int)
        assert world.labels[i, j, _GROUND] == _GRASS
        assert np.linalg.norm(tree.crown_m[:2] - tree.foot_m[:2]) < 4.6


def test_speckle_is_dropped_and_voxels_are_covered(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    world, mesh, _ = whole
    centres = mesh.vertices[mesh.faces].mean(axis=1)
    near = cKDTree(np.concatenate([mesh.vertices, centres]))
    plants = world.labels == _PLANT
    speckle = np.zeros_like(plants)
    speckle[140, 150], speckle[180:182] = plants[140, 150], plants[180:182]
    spots = world.origin_m + (np.argwhere(plants & ~speckle) + 0.5) * world.voxel_m
    assert (near.query(spots)[0] <= 0.8).mean() >= 0.9
    spots = world.origin_m + (np.argwhere(speckle) + 0.5) * world.voxel_m
    assert near.query(spots)[0].min() > 1.5


def test_what_grows_stays_near_its_voxels(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    world, mesh, _ = whole
    leaves = np.unique(mesh.faces[mesh.parts[mesh.face_part, MATERIAL] == Material.FOLIAGE])
    spots = mesh.vertices[leaves]
    spots = spots[spots[:, 2] < world.origin_m[2] + world.labels.shape[2] * world.voxel_m]
    voxels = cKDTree(world.origin_m + (np.argwhere(world.labels == _PLANT) + 0.5) * world.voxel_m)
    away = voxels.query(spots)[0]
    assert np.percentile(away, 95) < 0.75 and away.max() < 1.3


def test_nothing_hangs_low_over_the_road(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    world, mesh, _ = whole
    cells = np.floor((mesh.vertices - world.origin_m) / world.voxel_m).astype(int)
    above = mesh.vertices[:, 2] - world.origin_m[2] - (_GROUND + 1) * world.voxel_m
    road = (cells[:, 1] >= 90) & (cells[:, 1] < 110)
    assert road.any()
    assert above[road].min() >= OVER_ROAD_M - 0.01


def test_growing_in_two_steps_changes_no_earlier_tree(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    world, mesh, grown = _world(), whole[1], Grown()
    first = np.zeros(world.decided.shape, bool)
    first[:104] = True
    world.decided = first.copy()
    piece = _grow(world, first, grown)
    before = [(tree.peak, tree.species, tree.foot_m.copy()) for tree in grown.trees]
    world.decided[:] = True
    rest = _grow(world, ~first, grown)
    assert len(rest.faces) and len(grown.trees) > len(before)
    for (peak, species, foot), tree in zip(before, grown.trees, strict=False):
        assert tree.peak == peak and tree.species == species and np.array_equal(tree.foot_m, foot)
    # Away from the seam the same trees and leaves stand as grow at once.
    seam = world.origin_m[0] + 104 * world.voxel_m
    at_once = {tree.peak: tree.species for tree in whole[2].trees if abs(tree.foot_m[0] - seam) > 8}
    in_steps = {tree.peak: tree.species for tree in grown.trees if abs(tree.foot_m[0] - seam) > 8}
    assert at_once == in_steps
    for side, part_of_it in ((-1, piece), (1, rest)):
        far = [m.vertices[(m.vertices[:, 0] - seam) * side > 10] for m in (mesh, part_of_it)]
        assert np.array_equal(*(np.unique(vertices, axis=0) for vertices in far))


def test_same_seed_same_bytes_and_the_scene_frame(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    world, mesh, _ = whole
    again = _grow(world, world.decided, Grown())
    for name in ("vertices", "normals", "faces", "face_part", "parts"):
        assert np.array_equal(getattr(mesh, name), getattr(again, name))
    assert len(mesh.faces) < 250_000
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)
    height = np.full(world.decided.shape, 0.6, np.float32)
    moved = grow(world, world.decided, height, 7, np.array([64.0, -64.0, 0.0]), Grown())
    assert np.allclose(moved.vertices + [64.0, -64.0, 0.0], grow(world, world.decided, height, 7, np.zeros(3), Grown()).vertices, atol=1e-3)


def test_near_by_a_ray_passes_between_the_leaflets_of_a_spray() -> None:
    dice = np.random.default_rng(5)
    side, along = dice.uniform(-1, 1, 20000), dice.uniform(BASE, TIP, 20000)
    across = side * (TIP - along)
    gaps = np.array([leaf_gap(a, b, 0.005) for a, b in zip(along, across, strict=True)])
    assert gaps.mean() == pytest.approx(1 - np.pi / 4, abs=0.01), "leaflets are half ellipses"
    assert not gaps[np.abs(side) < 0.14].any(), "the stalk goes through"
    middle = np.array([leaf_gap(a, b, 0.022) for a, b in zip(along, across, strict=True)])
    assert 0 < middle.mean() < gaps.mean() and not (middle & ~gaps).any()
    assert not any(leaf_gap(a, b, 0.035) for a, b in zip(along, across, strict=True)), "far away it is one surface"
    assert not leaf_gap(0.0, 0.0, 0.001), "what has no surface coordinates is solid"


def test_sprays_have_coordinates_along_and_across(whole: tuple[StaticWorld, Mesh, Grown]) -> None:
    mesh = whole[1]
    foliage = mesh.parts[mesh.face_part][:, MATERIAL] == int(Material.FOLIAGE)
    corners = mesh.uv[mesh.faces[foliage]]
    sprays = corners[:, :, 0].max(axis=1) > 0.5
    assert 0.5 < sprays.mean() < 1.0, "the rest are cores"
    assert np.allclose(np.sort(corners[sprays][:, :, 1], axis=1), (-1, 0, 1))
    assert np.allclose(np.sort(corners[sprays][:, :, 0], axis=1), (BASE, BASE, TIP), atol=1e-6)
    assert (corners[~sprays] == 0).all()


def test_leaves_keep_their_mean_colour_however_wide_a_pixel_is() -> None:
    row = part(Material.FOLIAGE, (0.07, 0.14, 0.04), _PLANT, params=(0, 0, 0, 1.0, 0, 0, 0, 3.0, 3.0, 0.3, 0.1))
    dice = np.random.default_rng(3)
    directions = dice.normal(size=(4000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    means = []
    for footprint in (0.001, 0.1, 5.0):
        answers = np.zeros((len(directions), ANSWER))
        for answer, (x, y, z) in zip(answers, directions, strict=True):
            answer[NORMAL + 2] = 1.0
            foliage_surface(row, x, y, z, footprint, answer)
        assert np.allclose(np.linalg.norm(answers[:, NORMAL : NORMAL + 3], axis=1), 1, atol=1e-6)
        means.append(answers[:, :3].mean(axis=0))
    assert np.allclose(means[0], means[2], rtol=0.06) and np.allclose(means[1], means[2], rtol=0.06)
    assert (means[0] > 0.4 * row[RED : RED + 3]).all()


def test_autumn_is_russet_not_orange() -> None:
    colours = np.array([leaf_colour(name, (i, j), 3) for name in SPECIES for i in range(60) for j in range(60)])
    turned = colours[:, 0] > 1.15 * colours[:, 1]
    assert 0.005 < turned.mean() < 0.06
    assert np.ptp(colours, axis=1).max() < 0.25


def test_a_clipped_hedge_is_even_and_darker_than_the_lawn() -> None:
    """What a pixel from across the street sees of a hedge: leaves and what is between them differ little, and it is greener than light."""
    world = _world()
    world.labels[:, :, _GROUND + 1 :] = FREE
    world.labels[20:60, 140:143, 4:8] = _PLANT
    mesh = _grow(world, world.decided, Grown())
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    parts = np.unique(mesh.face_part)
    assert len(parts) == 2 and np.median(area) < 0.005  # leaves no wider than a hand
    seen = []
    for part_row in parts:
        middles = corners[mesh.face_part == part_row].mean(axis=1)[::7]
        answers = np.zeros((len(middles), ANSWER))
        for answer, (x, y, z) in zip(answers, middles, strict=True):
            answer[NORMAL + 2] = 1.0
            foliage_surface(mesh.parts[part_row], x, y, z, 0.06, answer)
        seen.append(answers[:, :3])
    means = np.array([answers.mean(axis=0) for answers in seen])
    assert 1.1 < means[:, 1].max() / means[:, 1].min() < 1.5
    assert max(float(answers[:, 1].std() / answers[:, 1].mean()) for answers in seen) < 0.08
    assert means[:, 1].max() < 0.11 and (means[:, 1] > 1.25 * means[:, 0]).all() and (means[:, 1] > 2.0 * means[:, 2]).all()


def test_a_crown_whose_peak_was_decided_earlier_and_found_no_place_still_grows() -> None:
    world = _world()
    world.labels[:] = FREE
    world.labels[:, :, _GROUND] = _ROAD  # nowhere to stand
    world.labels[92:100, 96:104, 9:15] = _PLANT
    world.labels[100:112, 99:101, 9:12] = _PLANT
    grown = Grown()
    first = np.zeros_like(world.decided)
    first[:100] = True
    world.decided[:] = first
    assert not len(_grow(world, first, grown).faces) and not grown.trees
    world.labels[106:, :, _GROUND] = _GRASS
    world.decided[:] = True
    assert len(_grow(world, ~first, grown).faces) > 0


def test_no_bare_branch_reaches_across_the_open() -> None:
    """A clump beside the crown and lower than its fork is a shrub's: a white arm reached for it from a birch's trunk."""
    tree = Tree(np.zeros(3), (3, 4), np.array([0.0, 0.0, 6.0]), 2.0, 2.5, "birch", np.ones(3))
    clumps = np.zeros((9, foliage.CLUMP))
    angle = np.arange(8) * np.pi / 4
    clumps[:8, :3] = np.stack([1.2 * np.cos(angle), 1.2 * np.sin(angle), np.full(8, 6.0)], axis=1)
    clumps[:, foliage.RADIUS] = 0.7
    clumps[8, :3] = 5.0, 0.0, 2.6
    reach = np.abs(wood(tree, clumps, 1.6, 5, np.zeros(3)).vertices[:, :2]).max()
    assert reach < 2.0
    clumps[8, :3] = 2.4, 0.0, 6.5
    assert np.abs(wood(tree, clumps, 1.6, 5, np.zeros(3)).vertices[:, :2]).max() > 1.0, "branches within the crown stay"
