"""What a glTF viewer is told of parts: to which node a triangle belongs, which material it gets, and plain colours as a palette."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from engine.spec.classes import CLASS
from engine.views.drawn.gltf_bake import srgb8
from engine.views.drawn.mesh import BLUE, CLASS_ID, GLOW, GLOW_LEVEL, MATERIAL, METALLIC, RED, ROUGHNESS, Glow, Material, Mesh

GROUND, KERBS, BUILDINGS, VEGETATION, FURNITURE = STANDING = ("ground", "kerbs", "buildings", "vegetation", "furniture")
"""Nodes of what stands still."""
EARTH, BUILT, LEAVES = "ground", "facades_and_roofs", "foliage"
"""Materials with pictures or colours of their own; all others take their colour from the palette."""
AROUND_HOUSE_M = 1.3
"""Balconies, awnings and cornices stand out no farther than this from walls and roofs."""
CELL_PX, ROW_CELLS = 4, 16
"""A colour of the palette is a square of so many texels; so many stand in a row."""
_BURNS = {
    Glow.HEADLIGHT: (1.0, 0.94, 0.80),
    Glow.TAIL: (0.12, 0.004, 0.003),
    Glow.STREET_LAMP: (1.0, 0.78, 0.47),
    Glow.WINDOW: (0.45, 0.33, 0.18),
}
"""Linear light of a lamp at its usual level; a signal burns in its own colour."""


def nodes_of(mesh: Mesh) -> np.ndarray:
    """Index (F,) into STANDING of every triangle of a static mesh. Houses' small parts are told from furniture by where they stand."""
    material, class_id = mesh.parts[:, MATERIAL].astype(int), mesh.parts[:, CLASS_ID].astype(int)
    shell = np.isin(material, (Material.FACADE, Material.ROOF))
    of_part = np.full(len(mesh.parts), STANDING.index(FURNITURE))
    of_part[_beside_shells(mesh, shell)] = STANDING.index(BUILDINGS)
    of_part[class_id == CLASS["vegetation"]] = STANDING.index(VEGETATION)
    of_part[(material == Material.CONCRETE) & (class_id == CLASS["sidewalk"])] = STANDING.index(KERBS)
    of_part[material == Material.GROUND] = STANDING.index(GROUND)
    return of_part[mesh.face_part]


def _beside_shells(mesh: Mesh, shell: np.ndarray) -> np.ndarray:
    """bool (N,): the parts `shell` (N,) themselves, and those that lie on or close around them as seen from above."""
    corners = mesh.vertices[mesh.faces, :2].astype(np.float64)
    outlines = shapely.convex_hull(shapely.multipoints(corners[shell[mesh.face_part]]))
    house = shapely.union_all(shapely.buffer(outlines, AROUND_HOUSE_M))
    shapely.prepare(house)
    others = np.flatnonzero(~np.isin(mesh.parts[mesh.face_part, MATERIAL].astype(int), (Material.GROUND, Material.FOLIAGE)))
    middle = corners[others].mean(axis=1)
    inside = np.bincount(mesh.face_part[others], shapely.contains_xy(house, middle[:, 0], middle[:, 1]), minlength=len(shell))
    count = np.bincount(mesh.face_part[others], minlength=len(shell))
    return shell | ((count > 0) & (inside > 0.9 * count))


def materials_of(parts: np.ndarray) -> np.ndarray:
    """Name (N,) of the material of every part: few, so that a user may change all glass or all paint at once."""
    names = np.array([kind.name.lower() for kind in Material])
    names[Material.GROUND], names[Material.FOLIAGE] = EARTH, LEAVES
    names[Material.FACADE] = names[Material.ROOF] = names[Material.POSTER] = "?"
    result = names.astype("<U24")[parts[:, MATERIAL].astype(int)]
    result[result == "?"] = BUILT
    for glow in Glow:
        if glow != Glow.NONE:
            result[(parts[:, GLOW].astype(int) == glow) & (result != BUILT)] = f"lamp_{glow.name.lower()}"
    return result


class Palette:
    """The plain colours of parts as squares of three small pictures: viewers agree on textures more than on colours of vertices."""

    def __init__(self, tables: Sequence[np.ndarray]) -> None:
        """Of tables of parts (N, PART); those with pictures or colours of their own are left out."""
        rows = [_looks(parts[_plain(parts)]) for parts in tables]
        self._known = np.unique(np.concatenate([np.zeros((1, 8)), *rows]), axis=0)
        self._index = {row.tobytes(): n for n, row in enumerate(self._known)}
        self._shape = (-(-len(self._known) // ROW_CELLS), ROW_CELLS)

    def uv(self, parts: np.ndarray) -> np.ndarray:
        """Middle (N, 2) of the square of every part, from the pictures' lower left corner; of the first square for parts left out."""
        cell = np.zeros(len(parts), int)
        plain = np.flatnonzero(_plain(parts))
        cell[plain] = [self._index[row.tobytes()] for row in _looks(parts[plain])]
        return np.stack([(cell % ROW_CELLS + 0.5) / self._shape[1], 1 - (cell // ROW_CELLS + 0.5) / self._shape[0]], 1)

    def pictures(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """uint8 (H, W, 3): colour in sRGB; nothing, roughness and metallic; light of its own in sRGB."""
        shine = np.concatenate([np.ones((len(self._known), 1)), self._known[:, 3:5]], 1)
        return (
            self._spread(srgb8(self._known[:, :3])),
            self._spread(np.round(255 * shine).astype(np.uint8)),
            self._spread(srgb8(self._known[:, 5:])),
        )

    def _spread(self, rgb: np.ndarray) -> np.ndarray:
        cells = np.zeros((self._shape[0] * self._shape[1], 3), np.uint8)
        cells[: len(rgb)] = rgb
        return cells.reshape(*self._shape, 3).repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)


def _looks(parts: np.ndarray) -> np.ndarray:
    """Colour, roughness, metallic and light of its own (N, 8) of every part."""
    light = np.zeros((len(parts), 3))
    glow = parts[:, GLOW].astype(int)
    for kind, rgb in _BURNS.items():
        light[glow == kind] = rgb
    signal = glow == Glow.SIGNAL
    light[signal] = parts[signal, RED : BLUE + 1]
    light *= np.clip(parts[:, GLOW_LEVEL, None], 0.0, 2.0)
    table = np.concatenate([parts[:, RED : BLUE + 1], parts[:, [ROUGHNESS, METALLIC]], light], 1).astype(np.float64)
    # Rows are compared by their bytes: no negative zeros.
    return np.round(np.clip(table, 0.0, 1.0), 4) + 0.0


def _plain(parts: np.ndarray) -> np.ndarray:
    """bool (N,): the parts that have neither picture nor colours of their own."""
    return ~np.isin(parts[:, MATERIAL].astype(int), (Material.GROUND, Material.FACADE, Material.ROOF, Material.POSTER, Material.FOLIAGE))
