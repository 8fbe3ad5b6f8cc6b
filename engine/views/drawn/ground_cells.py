"""What each column of the ground is: heights and classes read off the voted voxels, holes filled, speckle dropped.

Four surfaces are told apart here (ROAD, FLAT, WALK, SOIL): crossings and dividers lie on the road and are drawn on it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.spec.classes import CLASS, CLASSES, GROUND
from engine.views.drawn.ground_masks import away, grown, nearest, patches
from engine.views.drawn.static_world import HIDDEN

ROAD, FLAT, WALK, SOIL, NOTHING = 0, 1, 2, 3, 255
KIND = np.full(256, NOTHING, np.uint8)
"""Surface of an occupancy class; NOTHING where it is no ground."""
KIND[[CLASS[name] for name in ("driveable_surface", "ped_crossing", "road_divider", "lane_divider")]] = ROAD
KIND[CLASS["other_flat"]], KIND[CLASS["sidewalk"]], KIND[CLASS["terrain"]] = FLAT, WALK, SOIL
CLASS_OF_KIND = np.array([CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain")], np.uint8)
_IS_GROUND = np.array([label in GROUND for label in range(len(CLASSES))] + [False] * (256 - len(CLASSES)))

SPECKLE = 10
"""Patches of fewer columns are taken for noise."""
SMALL_HOLE = 60
"""Holes of fewer columns take what lies around them; larger ones are yards."""


@njit(cache=True, nogil=True, error_model="numpy")
def read_columns(labels, wanted, is_ground, manmade, hidden, layer, label, masked, built):
    """Lowest ground voxel of every wanted column: its layer (int16, -1 where there is none) and label; who hides or stands on it."""
    nx, ny, nz = labels.shape
    for i in range(nx):
        for j in range(ny):
            if not wanted[i, j]:
                continue
            layer[i, j], label[i, j] = -1, 255
            for k in range(nz):
                value = labels[i, j, k]
                if is_ground[value] and layer[i, j] < 0:
                    layer[i, j], label[i, j] = k, value
                elif value == hidden:
                    masked[i, j] = True
                elif value == manmade:
                    built[i, j] = True


class Columns:
    """Layers and labels of one crop of the world, complete wherever a column is decided."""

    def __init__(self, labels: np.ndarray, decided: np.ndarray, fresh: np.ndarray, surface: np.ndarray) -> None:
        """labels (X, Y, Z), masks (X, Y) of the crop; `surface` (X, Y) holds the classes that are final: those of `decided & ~fresh`."""
        shape = fresh.shape
        self.layer = np.full(shape, -1, np.int16)
        label = np.full(shape, 255, np.uint8)
        masked, built = np.zeros(shape, bool), np.zeros(shape, bool)
        read_columns(labels, decided, _IS_GROUND, CLASS["manmade"], HIDDEN, self.layer, label, masked, built)
        old = decided & ~fresh
        label[old] = surface[old]
        label = _filled(label, decided, fresh, masked, built)
        label = _without_speckle(label, decided, fresh)
        self.label = label
        """uint8 (X, Y): final class ids of decided columns, the nearest one's elsewhere."""
        self.hidden = masked
        """bool (X, Y): columns in which an agent stood."""
        self.kind = KIND[label]
        """uint8 (X, Y): ROAD, FLAT, WALK or SOIL."""


def _filled(label, decided, fresh, masked, built) -> np.ndarray:
    """Labels with every hole filled: under agents and in small gaps what lies around, in large ones soil, or paving beside buildings."""
    # What lies under a house's walls says nothing of its yard.
    known = decided & (KIND[label] != NOTHING) & ~(fresh & built & (KIND[label] == FLAT))
    if not known.any():
        return np.full_like(label, CLASS["terrain"])
    rows, columns = nearest(known)
    around = label[rows, columns]
    hole = fresh & ~known
    groups, count = patches(hole)
    size = np.bincount(groups.ravel(), minlength=count + 1)[groups]
    yard = hole & ~masked & (size >= SMALL_HOLE) & (away(known) > 1.5) & np.isin(KIND[around], (ROAD, WALK))
    beside_buildings = grown(built, 6)
    filled = np.where(known, label, around)
    # A divider does not grow into a hole: under a car it is joined as a line.
    filled[hole & (KIND[filled] == ROAD) & (filled != CLASS["ped_crossing"])] = CLASS["driveable_surface"]
    filled[yard] = np.where(beside_buildings, CLASS["other_flat"], CLASS["terrain"])[yard]
    rows, columns = nearest(decided)
    return filled[rows, columns]


def _without_speckle(label, decided, fresh) -> np.ndarray:
    """Labels of which small patches took the surface around them."""
    kind = KIND[label]
    noise = np.zeros(label.shape, bool)
    for one in (ROAD, FLAT, WALK, SOIL):
        groups, count = patches(decided & (kind == one), corners=False)
        size = np.bincount(groups.ravel(), minlength=count + 1)
        open_ended = np.zeros(count + 1, bool)
        open_ended[groups[grown(~decided, 1)]] = True
        noise |= ((size < SPECKLE) & ~open_ended)[groups] & (groups > 0) & fresh
    if not noise.any():
        return label
    rows, columns = nearest(decided & ~noise)
    taken = label[rows, columns]
    taken[KIND[taken] == ROAD] = CLASS["driveable_surface"]
    return np.where(noise, taken, label)
