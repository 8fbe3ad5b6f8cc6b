"""Greedy surface meshes against a brute-force count of exposed faces, and GLBs as trimesh reads them."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest

from engine.render import bench, mesh
from engine.render.raycast import FACE_NORMALS, FACE_SHADE
from engine.spec.classes import CLASS, CLASS_RGB, FREE
from engine.spec.grid import OCC3D, GridSpec

GRID = GridSpec("odd", (45, 70, 9), 0.4, (-9.0, -14.0, -1.0))


def speckled(filled: float = 0.3, seed: int = 0, classes: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(GRID.shape) < filled, rng.integers(0, classes, GRID.shape), FREE).astype(np.uint8)


def exposed_faces(semantics: np.ndarray) -> np.ndarray:
    """(21, 6) counts of voxel faces with nothing in front of them, by class and face code."""
    padded = np.pad(semantics, 1, constant_values=FREE)
    counts = np.zeros((21, 6), int)
    for face in range(6):
        ahead = np.roll(padded, -1 if face & 1 else 1, face >> 1)[1:-1, 1:-1, 1:-1]
        counts[:, face] = np.bincount(semantics[(semantics != FREE) & (ahead == FREE)], minlength=21)
    return counts


def area_in_faces(surface: mesh.Surface) -> np.ndarray:
    counts = np.zeros((21, 6))
    np.add.at(counts, (surface.class_id, surface.face), surface.area_m2() / surface.grid.voxel_m**2)
    return counts


@pytest.mark.parametrize("filled", [0.0, 0.02, 0.3, 0.9, 1.0])
def test_area_by_class_and_direction(filled: float) -> None:
    semantics = speckled(filled)
    surface = mesh.surface_mesh(semantics, GRID)
    np.testing.assert_allclose(area_in_faces(surface), exposed_faces(semantics), rtol=1e-12)
    assert (len(surface) > 0) == (filled > 0)


def test_every_exposed_face_is_covered_once() -> None:
    semantics = speckled(0.5, classes=2)
    surface = mesh.surface_mesh(semantics, GRID)
    covered = np.zeros((6, *(n + 1 for n in GRID.shape)), int)
    for corner, extent, face, class_id in zip(surface.corner, surface.extent, surface.face, surface.class_id, strict=True):
        low, high = corner.astype(int), corner.astype(int) + np.maximum(extent, 1)
        block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        covered[face][block] += 1
        behind = list(block)
        axis = face >> 1
        behind[axis] = slice(low[axis] - (face & 1), low[axis] - (face & 1) + 1)
        assert (semantics[tuple(behind)] == class_id).all()
    assert covered.max() == 1 and covered.sum() == exposed_faces(semantics).sum()


def test_greedy_merges() -> None:
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[2:10, 3:20, 1:4] = 5
    box = mesh.surface_mesh(semantics, GRID)
    assert len(box) == 6
    assert box.area_m2().sum() == pytest.approx(2 * 0.16 * (8 * 17 + 8 * 3 + 17 * 3))


def test_corners_turn_outward() -> None:
    surface = mesh.surface_mesh(speckled(0.1), GRID)
    corners = surface.vertices().astype(float)
    turn = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    np.testing.assert_allclose(turn / np.linalg.norm(turn, axis=1, keepdims=True), FACE_NORMALS[surface.face])
    np.testing.assert_allclose(np.linalg.norm(turn, axis=1) * 0.16, surface.area_m2())


def test_hidden_classes_and_height_clip_close_the_surface() -> None:
    semantics = speckled(0.6)
    surface = mesh.surface_mesh(semantics, GRID, hidden=("barrier",), z_below_m=0.9)
    kept = np.where(semantics == CLASS["barrier"], FREE, semantics)
    kept[:, :, 5:] = FREE  # centres at -0.8, -0.4, 0, 0.4, 0.8 stay
    np.testing.assert_allclose(area_in_faces(surface), exposed_faces(kept))
    assert len(mesh.surface_mesh(semantics, GRID, z_below_m=-5.0)) == 0
    assert len(mesh.surface_mesh(semantics, GRID, z_below_m=50.0)) == len(mesh.surface_mesh(semantics, GRID))
    with pytest.raises(KeyError, match="hovercraft"):
        mesh.surface_mesh(semantics, GRID, hidden=("hovercraft",))
    with pytest.raises(ValueError, match="'occ3d'"):
        mesh.surface_mesh(semantics, OCC3D)


def test_an_edit_changes_only_the_chunks_it_touches() -> None:
    before = speckled(0.4)
    rng = np.random.default_rng(1)
    remeshed = 0
    for x0, x1, y0, y1 in [(31, 32, 5, 9), (32, 34, 32, 33), (0, 3, 63, 65), (10, 12, 40, 44), (44, 45, 69, 70)]:
        after = before.copy()
        after[x0:x1, y0:y1] = np.where(rng.random((x1 - x0, y1 - y0, 9)) < 0.5, FREE, 7)
        touched = mesh.chunks_touched(GRID, (x0, x1), (y0, y1))
        remeshed += len(touched)
        patched = mesh.surface_chunks(before, GRID) | mesh.surface_chunks(after, GRID, touched)
        for chunk, surface in mesh.surface_chunks(after, GRID).items():
            for name in ("corner", "extent", "face", "class_id"):
                np.testing.assert_array_equal(getattr(patched[chunk], name), getattr(surface, name))
    assert remeshed < 5 * len(mesh.chunks_of(GRID))
    assert mesh.surface_chunks(before, GRID, []) == {}


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning:trimesh.*")
@pytest.mark.parametrize("grid", [GRID, GridSpec("wide", (300, 20, 6), 0.5, (1.0, 2.0, 3.0))], ids=lambda grid: grid.name)
def test_glb_as_trimesh_reads_it(grid: GridSpec) -> None:
    trimesh = pytest.importorskip("trimesh")
    rng = np.random.default_rng(2)
    semantics = np.where(rng.random(grid.shape) < 0.35, rng.integers(0, 20, grid.shape), FREE).astype(np.uint8)
    surface = mesh.surface_mesh(semantics, grid)
    data = mesh.to_glb(surface)
    scene = trimesh.load(io.BytesIO(data), file_type="glb")
    parts = list(scene.geometry.values())
    assert len(parts) == -(-len(surface) // mesh.QUADS_PER_PRIMITIVE)
    assert sum(len(part.faces) for part in parts) == 2 * len(surface)
    np.testing.assert_allclose(scene.bounds, [grid.origin_m, grid.upper_m], atol=1e-5)
    assert sum(part.area for part in parts) * grid.voxel_m**2 == pytest.approx(surface.area_m2().sum(), rel=1e-5)
    # Outward: the enclosed volume is that of the voxels.
    assert sum(part.volume for part in parts) == pytest.approx((semantics != FREE).sum(), rel=1e-5)

    colours = np.concatenate([part.visual.vertex_attributes["color"] for part in parts]).reshape(-1, 4, 4)
    assert (colours == colours[:, :1]).all() and (colours[..., 3] == 255).all()
    srgb = CLASS_RGB[surface.class_id] / 255 * FACE_SHADE[surface.face, None]
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(colours[:, 0, :3] / 255, linear, atol=0.003)


def test_glb_layout() -> None:
    surface = mesh.surface_mesh(bench.street(OCC3D, 1)[0], OCC3D)
    data = mesh.to_glb(surface)
    magic, version, length = struct.unpack("<4sII", data[:12])
    size = struct.unpack("<I", data[12:16])[0]
    header = json.loads(data[20 : 20 + size])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    assert header["extensionsRequired"] == ["KHR_mesh_quantization"] and "KHR_materials_unlit" in header["materials"][0]["extensions"]
    assert header["accessors"][0]["componentType"] == 5121 and "normalized" not in header["accessors"][0]
    assert all(view["byteOffset"] % 4 == 0 and view.get("byteStride", 4) % 4 == 0 for view in header["bufferViews"])
    assert len(data) < 48 * len(surface)


def test_an_empty_surface_is_a_valid_file() -> None:
    trimesh = pytest.importorskip("trimesh")
    surface = mesh.surface_mesh(np.full(GRID.shape, FREE, np.uint8), GRID)
    scene = trimesh.load(io.BytesIO(mesh.to_glb(surface)), file_type="glb")
    assert len(scene.geometry) == 0
