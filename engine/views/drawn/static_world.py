"""What stands still, decided once in world coordinates: frames vote on the cells of a world-aligned grid, and decided columns stay.

The first frame decides all that it sees, so that the first picture need not wait. From then on columns that come into sight are
voted on by every frame (a running majority), and decided together each time the ego has come `EPOCH_M` farther: between two such
moments nothing that stands still can change, and what was decided never does. Frames are seen in order, so the world at
frame k is a function of frames 0 to k, whoever asks.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from engine.spec.classes import FREE, IS_AGENT
from engine.spec.geometry import invert
from engine.spec.grid import GridSpec

UNSEEN = 255
"""Label of a cell that no frame has shown."""
HIDDEN = 254
"""Label of a cell of which frames showed nothing but an agent."""
EPOCH_M = 8.0
"""New columns are decided each time the ego has come this far."""
EPOCH_RAD = 0.3
"""Or has turned by this much: the corners of its window sweep faster than it drives."""
RIM = 2
"""Columns at the window's rim that do not count: they are the least certain and come into sight again."""


class StaticWorld:
    """Labels of world-aligned voxels around a whole ego path, filled as frames are seen."""

    def __init__(self, grid: GridSpec, world_SE3_ego: np.ndarray) -> None:
        """`world_SE3_ego` (T, 4, 4) are the poses of every frame to come: memory is theirs, not the frames'."""
        corners = np.array([[x, y, z, 1.0] for x in _ends(grid, 0) for y in _ends(grid, 1) for z in _ends(grid, 2)])
        reach = np.einsum("tij,cj->tci", world_SE3_ego, corners)[..., :3].reshape(-1, 3)
        # Layers are those of the first frame: a street that is flat for the ego is flat here, not split between two layers.
        level_m = np.array([0.0, 0.0, world_SE3_ego[0, 2, 3] + grid.origin_m[2]])
        low = np.floor((reach.min(axis=0) - level_m) / grid.voxel_m + 1e-6)
        high = np.ceil((reach.max(axis=0) - level_m) / grid.voxel_m - 1e-6)
        self.grid, self.voxel_m = grid, grid.voxel_m
        self.origin_m = level_m + low * grid.voxel_m
        """World coordinates of the lowest corner of cell [0, 0, 0]; x and y in whole voxels, so that any drive finds the same columns."""
        shape = tuple(int(n) for n in high - low)
        self.labels = np.full(shape, UNSEEN, np.uint8)
        """uint8 (X, Y, Z): class ids, HIDDEN or UNSEEN; agents' own classes never stand here."""
        self.decided = np.zeros(shape[:2], bool)
        """bool (X, Y): columns whose labels are final."""
        self.fresh = np.zeros(shape[:2], bool)
        """bool (X, Y): those decided last."""
        self._votes = np.zeros(shape, np.uint8)
        self._at: np.ndarray | None = None
        self.epoch = -1
        """Counts the decisions; -1 before the first frame."""

    def see(self, semantics: np.ndarray, world_SE3_ego: np.ndarray) -> bool:
        """Let one frame (X, Y, Z) at its ego pose (4, 4) vote; True where columns were decided by it (then `fresh` says which)."""
        world_SE3_world_grid = np.eye(4)
        world_SE3_world_grid[:3, 3] = self.origin_m
        ego_SE3_cells = invert(world_SE3_ego) @ world_SE3_world_grid
        inside = np.zeros(self.decided.shape, bool)
        _vote(
            semantics, np.array(self.grid.origin_m), self.voxel_m, ego_SE3_cells, IS_AGENT, RIM, self.decided, self.labels, self._votes, inside
        )
        if self._at is not None:
            moved = invert(self._at) @ world_SE3_ego
            if np.hypot(moved[0, 3], moved[1, 3]) < EPOCH_M and abs(np.arctan2(moved[1, 0], moved[0, 0])) < EPOCH_RAD:
                return False
        self._at = world_SE3_ego.copy()
        self.fresh = inside & ~self.decided
        if not self.fresh.any():
            return False
        self.decided |= self.fresh
        self.epoch += 1
        return True


def _ends(grid: GridSpec, axis: int) -> tuple[float, float]:
    return grid.origin_m[axis], grid.upper_m[axis]


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _vote(semantics, origin, voxel, pose, agent, rim, decided, labels, votes, inside):
    """Boyer and Moore's running majority in every undecided cell that the frame shows; `inside` marks the columns that it shows."""
    nx, ny, nz = semantics.shape
    wx, wy, wz = labels.shape
    for i in prange(wx):
        for j in range(wy):
            if decided[i, j]:
                continue
            x, y = (i + 0.5) * voxel, (j + 0.5) * voxel
            # Whether a column lies inside is asked at the ego's own height: tilt moves it by centimetres.
            middle = -pose[2, 3] - pose[2, 0] * x - pose[2, 1] * y
            a = np.floor((pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * middle + pose[0, 3] - origin[0]) / voxel)
            b = np.floor((pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * middle + pose[1, 3] - origin[1]) / voxel)
            if a < rim or b < rim or a >= nx - rim or b >= ny - rim:
                continue
            inside[i, j] = True
            for k in range(wz):
                z = (k + 0.5) * voxel
                p = int(np.floor((pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3] - origin[0]) / voxel))
                q = int(np.floor((pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3] - origin[1]) / voxel))
                r = int(np.floor((pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3] - origin[2]) / voxel))
                if p < 0 or q < 0 or r < 0 or p >= nx or q >= ny or r >= nz:
                    if labels[i, j, k] == UNSEEN:
                        labels[i, j, k] = FREE
                    continue
                label = semantics[p, q, r]
                if agent[label]:
                    if votes[i, j, k] == 0:
                        labels[i, j, k] = HIDDEN
                elif votes[i, j, k] == 0:
                    labels[i, j, k] = label
                    votes[i, j, k] = 1
                elif labels[i, j, k] == label:
                    votes[i, j, k] = min(votes[i, j, k] + 1, 200)
                else:
                    votes[i, j, k] -= 1
