"""Surface meshes of occupancy: exposed voxel faces, merged greedily into rectangles of one class, and their GLB.

Meshes are made per chunk of 32 x 32 columns (12.8 m at 0.4 m), so that an edit re-meshes its own chunks only.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit

from engine.render.raycast import FACE_SHADE
from engine.spec.classes import CLASS, CLASS_RGB, FREE
from engine.spec.grid import GridSpec

CHUNK = 32
"""Columns along a chunk's edge."""
QUADS_PER_PRIMITIVE = 65536 // 4
"""Quads whose corners 16-bit indices can count."""

UINT8, UINT16 = 5121, 5123
"""glTF's names for component types."""

Chunk = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """N axis-aligned rectangles on the voxel lattice, each one class and seen from one side."""

    grid: GridSpec
    corner: np.ndarray
    """uint16 (N, 3) lattice corner with the smallest coordinates, in voxels from the grid's origin."""
    extent: np.ndarray
    """uint16 (N, 3) size in voxels; 0 along the rectangle's own axis."""
    face: np.ndarray
    """uint8 (N,) face code, as in raycast.FACE_NORMALS."""
    class_id: np.ndarray
    """uint8 (N,)."""

    def __len__(self) -> int:
        return len(self.face)

    def vertices(self) -> np.ndarray:
        """uint16 (N, 4, 3) lattice corners, counter-clockwise seen from outside."""
        axis = self.face >> 1
        rows = np.arange(len(self))
        sides = []
        # The two axes in the plane, in cyclic order, span a rectangle that faces along +axis; swapped, along -axis.
        for turn in (np.where(self.face & 1, 1, 2), np.where(self.face & 1, 2, 1)):
            side = np.zeros_like(self.corner)
            along = (axis + turn) % 3
            side[rows, along] = self.extent[rows, along]
            sides.append(side)
        first, second = sides
        return np.stack([self.corner, self.corner + first, self.corner + first + second, self.corner + second], 1)

    def area_m2(self) -> np.ndarray:
        """Area of every rectangle (N,), square metres."""
        size = np.where(self.extent == 0, 1, self.extent).astype(np.int64)
        return size.prod(1) * self.grid.voxel_m**2


def chunks_of(grid: GridSpec) -> list[Chunk]:
    """Every chunk of a grid, in row order."""
    nx, ny, _ = grid.shape
    return [(i, j) for i in range(-(-nx // CHUNK)) for j in range(-(-ny // CHUNK))]


def chunks_touched(grid: GridSpec, x_cells: tuple[int, int], y_cells: tuple[int, int]) -> list[Chunk]:
    """The chunks whose mesh can change when columns [x0, x1) x [y0, y1) do: a voxel also exposes its neighbours' faces."""
    (x0, x1), (y0, y1) = x_cells, y_cells
    rows = range((x0 - 1) // CHUNK, x1 // CHUNK + 1)
    columns = range((y0 - 1) // CHUNK, y1 // CHUNK + 1)
    return [(i, j) for i, j in chunks_of(grid) if i in rows and j in columns]


def surface_chunks(
    semantics: np.ndarray,
    grid: GridSpec,
    chunks: Iterable[Chunk] | None = None,
    hidden: Collection[str] = (),
    z_below_m: float | None = None,
) -> dict[Chunk, Surface]:
    """The mesh of class ids (X, Y, Z), chunk by chunk (all of them, or those named).

    Voxels of the classes named in `hidden`, and those whose centre is at or above `z_below_m` metres in the ego frame, are
    as if they were free, so what they covered is closed. Raises ValueError on a shape that does not fit the grid, and
    KeyError on a class that is not in the table.
    """
    if semantics.shape != grid.shape:
        raise ValueError(
            f"The semantics of shape {semantics.shape} do not fit grid '{grid.name}' of shape {grid.shape}: "
            "pass the grid that they were made with."
        )
    shown = np.zeros(256, np.bool_)
    shown[:FREE] = True
    shown[[CLASS[name] for name in hidden]] = False
    layers = grid.shape[2]
    if z_below_m is not None:
        layers = int(np.clip(np.ceil((z_below_m - grid.origin_m[2]) / grid.voxel_m - 0.5), 0, layers))
    volume = np.ascontiguousarray(semantics, np.uint8)
    surfaces = {}
    for i, j in chunks_of(grid) if chunks is None else chunks:
        rows = _greedy(volume, shown, layers, i * CHUNK, j * CHUNK)
        surfaces[i, j] = Surface(grid, rows[:, :3], rows[:, 3:6], rows[:, 6].astype(np.uint8), rows[:, 7].astype(np.uint8))
    return surfaces


def surface_mesh(semantics: np.ndarray, grid: GridSpec, hidden: Collection[str] = (), z_below_m: float | None = None) -> Surface:
    """The whole surface at once; parameters and errors as in `surface_chunks`."""
    return join(surface_chunks(semantics, grid, hidden=hidden, z_below_m=z_below_m).values())


def join(surfaces: Iterable[Surface]) -> Surface:
    """Surfaces of one grid as one."""
    parts = list(surfaces)
    columns = ((part.corner, part.extent, part.face, part.class_id) for part in parts)
    return Surface(parts[0].grid, *(np.concatenate(column) for column in zip(*columns, strict=True)))


@njit(cache=True, nogil=True)
def _greedy(semantics, shown, layers, x0, y0):
    """Rows of (corner, extent, face, class), uint16 (N, 8), of one chunk."""
    nx, ny, nz = semantics.shape
    low = (x0, y0, 0)
    cells = (min(CHUNK, nx - x0), min(CHUNK, ny - y0), layers)
    # The chunk with a rim of its neighbours, what is not shown being free: one flat array, so that a face costs two reads.
    strides = ((cells[1] + 2) * (layers + 2), layers + 2, 1)
    local = np.full((cells[0] + 2) * strides[0], FREE, np.uint8)
    # Above and below its own voxels a chunk has no face.
    lowest, highest = layers, -1
    for x in range(max(x0 - 1, 0), min(x0 + cells[0] + 1, nx)):
        for y in range(max(y0 - 1, 0), min(y0 + cells[1] + 1, ny)):
            base = (x - x0 + 1) * strides[0] + (y - y0 + 1) * strides[1] + 1
            for z in range(layers):
                class_id = semantics[x, y, z]
                if shown[class_id]:
                    local[base + z] = class_id
                    lowest, highest = min(lowest, z), max(highest, z)
    begin, end = (0, 0, lowest), (cells[0], cells[1], highest + 1)
    rows = np.empty((256, 8), np.uint16)
    count = 0
    longest = max(CHUNK, layers)
    pending = np.empty((longest, longest), np.uint8)
    for face in range(6):
        axis = face >> 1
        u, v = (axis + 1) % 3, (axis + 2) % 3
        ahead = strides[axis] if face & 1 else -strides[axis]
        begin_u, begin_v, nu, nv, stride_v = begin[u], begin[v], end[u], end[v], strides[v]
        for depth in range(begin[axis], end[axis]):
            exposed = False
            for i in range(begin_u, nu):
                at = (depth + 1) * strides[axis] + (i + 1) * strides[u] + (begin_v + 1) * stride_v
                for j in range(begin_v, nv):
                    class_id = local[at]
                    if class_id != FREE and local[at + ahead] != FREE:
                        class_id = np.uint8(FREE)
                    exposed |= class_id != FREE
                    pending[i, j] = class_id
                    at += stride_v
            if not exposed:
                continue
            for i in range(begin_u, nu):
                j = begin_v
                while j < nv:
                    class_id = pending[i, j]
                    if class_id == FREE:
                        j += 1
                        continue
                    wide = 1
                    while j + wide < nv and pending[i, j + wide] == class_id:
                        wide += 1
                    tall = 1
                    while i + tall < nu:
                        same = True
                        for k in range(j, j + wide):
                            if pending[i + tall, k] != class_id:
                                same = False
                                break
                        if not same:
                            break
                        pending[i + tall, j : j + wide] = FREE
                        tall += 1
                    if count == len(rows):
                        grown = np.empty((2 * count, 8), np.uint16)
                        grown[:count] = rows
                        rows = grown
                    row = rows[count]
                    row[axis], row[u], row[v] = low[axis] + depth + (face & 1), low[u] + i, low[v] + j
                    row[3 + axis], row[3 + u], row[3 + v] = 0, tall, wide
                    row[6], row[7] = face, class_id
                    count += 1
                    j += wide
    return rows[:count].copy()


def to_glb(surface: Surface, colours: np.ndarray | None = None) -> bytes:
    """Binary glTF of a surface: unlit vertex colours, quantised positions; its one node places it in the ego frame, metres.

    `colours` uint8 (21, 3) sRGB per class, or None for the class table's. Light is baked in by face direction. Parts of up to
    16384 rectangles share one index buffer, because every part counts its corners in the same way.
    """
    grid = surface.grid
    small = max(grid.shape) <= 255
    # glTF wants every attribute on a multiple of 4 bytes.
    colour_at = 4 if small else 8
    position = ("u1" if small else "<u2", 3)
    record = np.dtype(
        {"names": ["position", "colour"], "formats": [position, ("u1", 4)], "offsets": [0, colour_at], "itemsize": colour_at + 4}
    )
    vertices = np.zeros((len(surface), 4), record)
    vertices["position"] = surface.vertices()
    vertices["colour"] = _linear_colours(CLASS_RGB if colours is None else colours)[surface.class_id, surface.face][:, None]

    first = np.arange(min(len(surface), QUADS_PER_PRIMITIVE), dtype=np.uint32)[:, None] * 4
    indices = (first + np.array([0, 1, 2, 0, 2, 3], np.uint32)).astype("<u2").tobytes()
    indices += bytes(-len(indices) % 4)
    body = vertices.tobytes() + indices

    accessors, primitives = [], []
    for begin in range(0, len(surface), QUADS_PER_PRIMITIVE):
        part = vertices[begin : begin + QUADS_PER_PRIMITIVE]
        corners = part["position"].reshape(-1, 3)
        offset = begin * 4 * record.itemsize
        at = len(accessors)
        accessors += [
            {"bufferView": 0, "byteOffset": offset, "componentType": UINT8 if small else UINT16, "count": part.size, "type": "VEC3"}
            | {"min": corners.min(0).tolist(), "max": corners.max(0).tolist()},
            {
                "bufferView": 0,
                "byteOffset": offset + colour_at,
                "componentType": UINT8,
                "count": part.size,
                "type": "VEC4",
                "normalized": True,
            },
            {"bufferView": 1, "componentType": UINT16, "count": 6 * len(part), "type": "SCALAR"},
        ]
        primitives.append({"attributes": {"POSITION": at, "COLOR_0": at + 1}, "indices": at + 2, "material": 0})
    scene: dict[str, object] = {"asset": {"version": "2.0", "generator": "AnyScene Studio"}, "scene": 0, "scenes": [{"nodes": []}]}
    if primitives:
        scene |= {
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0, "name": "occupancy", "scale": [grid.voxel_m] * 3, "translation": list(grid.origin_m)}],
            "meshes": [{"primitives": primitives}],
            "materials": [
                {"extensions": {"KHR_materials_unlit": {}}, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}
            ],
            "extensionsUsed": ["KHR_mesh_quantization", "KHR_materials_unlit"],
            "extensionsRequired": ["KHR_mesh_quantization"],
            "accessors": accessors,
            "bufferViews": [
                {"buffer": 0, "byteOffset": 0, "byteLength": vertices.nbytes, "byteStride": record.itemsize, "target": 34962},
                {"buffer": 0, "byteOffset": vertices.nbytes, "byteLength": len(indices), "target": 34963},
            ],
            "buffers": [{"byteLength": len(body)}],
        }
    text = json.dumps(scene, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if body:
        chunks += struct.pack("<I4s", len(body), b"BIN\0") + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _linear_colours(srgb: np.ndarray) -> np.ndarray:
    """(classes, 6, 4) uint8: linear-light colour of each class on each face, as glTF's COLOR_0 wants it."""
    shaded = srgb[:, None, :].astype(np.float64) / 255 * FACE_SHADE[:, None]
    linear = np.where(shaded <= 0.04045, shaded / 12.92, ((shaded + 0.055) / 1.055) ** 2.4)
    return np.concatenate([np.round(255 * linear), np.full((*linear.shape[:2], 1), 255)], -1).astype(np.uint8)
