"""Which boxes of successive frames are one agent, where the source does not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from editor.formats.nuscenes.recording import Sighting

SAME_SIZE_M = 0.01
"""nuScenes gives an object one size for good: two boxes of other sizes are two objects."""
FARTHEST_M = 3.0
"""Between where a box is expected and where one of its size is; 2 Hz boxes of a braking car are off by about 1 m."""
LOST_S = 1.1
"""An agent missed for one key frame is the same one."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What one frame of a source shows, in nuScenes' global frame."""

    time_us: float
    global_SE3_ego: np.ndarray
    names: list[str]
    boxes: list[Sighting]
    velocity_m_s: np.ndarray
    """(N, 2), global; 0 where unknown."""
    ids: list[str] | None


def follow(times_s: Sequence[float], frames: Sequence[Frame]) -> list[list[str]]:
    """An id for every box of every frame. Nearest to its expected place first, one to one, among boxes of one name and size."""
    ids: list[list[str]] = []
    seen: list[_Seen] = []
    count = 0
    for time_s, frame in zip(times_s, frames, strict=True):
        seen = [one for one in seen if time_s - one.time_s <= LOST_S]
        places = np.array([box.global_SE3_box[:2, 3] for box in frame.boxes]).reshape(-1, 2)
        sizes = np.array([box.size_m for box in frame.boxes]).reshape(-1, 3)
        found: list[str | None] = [None] * len(frame.boxes)
        pairs = []
        for index, one in enumerate(seen):
            expected = one.place_m + one.velocity_m_s * (time_s - one.time_s)
            distance = np.hypot(*(places - expected).T)
            alike = (np.abs(sizes - one.size_m).max(1) < SAME_SIZE_M) & (distance < FARTHEST_M)
            pairs += [(float(distance[row]), index, int(row)) for row in np.flatnonzero(alike) if frame.names[row] == one.name]
        taken: set[int] = set()
        for _, index, row in sorted(pairs):
            if index not in taken and found[row] is None:
                taken.add(index)
                found[row] = seen[index].id
        seen = [one for index, one in enumerate(seen) if index not in taken]
        row_ids = []
        for row, name in enumerate(frame.names):
            id = found[row]
            if id is None:
                count += 1
                id = f"box-{count}"
            row_ids.append(id)
            seen.append(_Seen(id, name, time_s, places[row], sizes[row], frame.velocity_m_s[row]))
        ids.append(row_ids)
    return ids


class _Seen:
    """An agent where it was last seen."""

    __slots__ = ("id", "name", "place_m", "size_m", "time_s", "velocity_m_s")

    def __init__(self, id: str, name: str, time_s: float, place_m: np.ndarray, size_m: np.ndarray, velocity_m_s: np.ndarray) -> None:
        self.id, self.name, self.time_s = id, name, time_s
        self.place_m, self.size_m, self.velocity_m_s = place_m, size_m, velocity_m_s
