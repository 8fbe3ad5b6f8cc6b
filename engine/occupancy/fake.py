"""The occupancy model of tests and previews: the layout lifted into voxels, at once and always the same. No model, no torch.

The ground is one voxel thick, in the voxel that holds z = 0 (index floor((0 - origin_z) / voxel), 2 on the `occ3d` grid), as
in the procedural worlds that the models learn from. Agents stand above it. A cell of several map channels shows the
thinnest: dividers, then crossing, drivable area, walkway. Cells that the layout does not mark stay free.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from engine.api import Cancelled, OccupancyFrame, Recipe
from engine.spec.classes import AGENTS, CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import GridSpec
from engine.spec.raster import box_footprint
from engine.spec.take import Take

GROUND = (
    ("walkway", "sidewalk"),
    ("drivable_area", "driveable_surface"),
    ("ped_crossing", "ped_crossing"),
    ("lane_divider", "lane_divider"),
    ("road_divider", "road_divider"),
)
"""Channel and class of the ground, each over the ones before it."""
PAINTED_HEIGHT_M = 1.6
"""Height of agents that are painted and have no box."""
SAME_AGENT_M = 2.0
"""A painted agent keeps its id if its centre moves no farther than this in the world from one frame to the next."""


@dataclass(frozen=True)
class FakeOccupancy:
    """Answers `engine.api.OccupancyModel` from the clip alone."""

    seconds_per_frame: float = 0.0
    """Pause before every frame of occupancy, so that tests can cancel or kill in the middle."""
    facts: dict[str, object] = field(default_factory=lambda: {"versions": {"numpy": np.__version__}})
    frame_steps: int = 1

    def occupancy(
        self,
        clip: SceneClip,
        recipe: Recipe,
        cancelled: Cancelled,
        continue_from: OccupancyFrame | None = None,
        world: Take | None = None,
        earlier: Iterable[OccupancyFrame] = (),
    ) -> Iterator[OccupancyFrame]:
        """Frames in order; painted agents of `continue_from` keep their ids. Raises ValueError where an instance id does not fit 16 bits.

        The layout alone decides, so there is nothing to remember of another `world`.
        """
        highest = max((box.instance_id for boxes in clip.boxes for box in boxes), default=0)
        first = 0
        if continue_from is not None:
            first, highest = continue_from.index + 1, max(highest, int(continue_from.instances.max()))
        painted = _PaintedAgents(highest + 1)
        if continue_from is not None:
            _, unowned = _boxed(clip.layouts[continue_from.index], clip.boxes[continue_from.index], clip.grid)
            painted.recognise(continue_from.instances, clip.grid, clip.world_SE3_ego[continue_from.index], unowned)
        for index in range(first, len(clip)):
            if self._pause(cancelled):
                return
            yield OccupancyFrame(index, *_lift(clip.layouts[index], clip.boxes[index], clip.grid, clip.world_SE3_ego[index], painted))

    def redraw(
        self, clip: SceneClip, before: OccupancyFrame, region: np.ndarray, recipe: Recipe, cancelled: Cancelled
    ) -> OccupancyFrame | None:
        """The lift inside the region. Agents without a box get ids above every id of `before`."""
        if not region.any():
            return before
        if self._pause(cancelled):
            return None
        highest = max([int(before.instances.max()), *(box.instance_id for box in clip.boxes[0])])
        lifted = _lift(clip.layouts[0], clip.boxes[0], clip.grid, clip.world_SE3_ego[0], _PaintedAgents(highest + 1))
        semantics, instances = before.semantics.copy(), before.instances.copy()
        semantics[region], instances[region] = lifted[0][region], lifted[1][region]
        return OccupancyFrame(before.index, semantics, instances)

    def _pause(self, cancelled: Cancelled) -> bool:
        """As long as a frame takes; True where it was cancelled."""
        until = time.monotonic() + self.seconds_per_frame
        while not cancelled() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
        return cancelled()


@dataclass(frozen=True, eq=False)
class _Column:
    """The cells of one agent, and what it fills above them."""

    instance_id: int
    class_name: str
    cells: np.ndarray
    """bool (X, Y)."""
    bottom_m: float
    top_m: float


class _PaintedAgents:
    """Ids of agents that are painted and have no box, held through the frames."""

    def __init__(self, first_id: int) -> None:
        self._next = first_id
        self._last: list[tuple[int, str, np.ndarray]] = []

    def recognise(self, instances: np.ndarray, grid: GridSpec, world_SE3_ego: np.ndarray, unowned: dict[str, np.ndarray]) -> None:
        """Go on from a frame that somebody else made: its ids (X, Y, Z) under the masks (X, Y) by class."""
        for name, cells, center in _components(unowned, grid, world_SE3_ego):
            ids = instances[cells]
            if ids.any():
                self._last.append((int(np.bincount(ids[ids > 0]).argmax()), name, center))

    def columns(self, unowned: dict[str, np.ndarray], grid: GridSpec, world_SE3_ego: np.ndarray) -> list[_Column]:
        """One column per 4-connected component of the masks (X, Y) by class."""
        before, self._last, columns = self._last, [], []
        for name, cells, center in _components(unowned, grid, world_SE3_ego):
            near = [(float(np.hypot(*(center - c))), k) for k, (_, known, c) in enumerate(before) if known == name]
            if near and min(near)[0] <= SAME_AGENT_M:
                instance_id = before.pop(min(near)[1])[0]
            else:
                instance_id, self._next = self._next, self._next + 1
            self._last.append((instance_id, name, center))
            columns.append(_Column(instance_id, name, cells, 0.0, PAINTED_HEIGHT_M))
        return columns


def _components(unowned: dict[str, np.ndarray], grid: GridSpec, world_SE3_ego: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Class, cells (X, Y) and centre (x, y) in world metres of every 4-connected component of the masks."""
    for name, mask in unowned.items():
        components, count = ndimage.label(mask)  # pyright: ignore[reportGeneralTypeIssues]
        for number in range(1, count + 1):
            cells = components == number
            center_ego = np.append((np.argwhere(cells).mean(axis=0) + 0.5) * grid.voxel_m + grid.origin_m[:2], (0.0, 1.0))
            yield name, cells, (world_SE3_ego @ center_ego)[:2]


def _lift(
    layout: np.ndarray, boxes: tuple[Box, ...], grid: GridSpec, world_SE3_ego: np.ndarray, painted: _PaintedAgents
) -> tuple[np.ndarray, np.ndarray]:
    """Semantics uint8 and instances uint16, both (X, Y, Z), of one frame."""
    semantics = np.full(grid.shape, FREE, np.uint8)
    instances = np.zeros(grid.shape, np.uint16)
    ground = min(max(int(np.floor(-grid.origin_m[2] / grid.voxel_m + 1e-6)), 0), grid.shape[2] - 2)
    for channel, class_name in GROUND:
        semantics[layout[CHANNEL[channel]] > 0, ground] = CLASS[class_name]

    columns, unowned = _boxed(layout, boxes, grid)
    columns += painted.columns(unowned, grid, world_SE3_ego)
    # Tall before low, so that what stands lower in the same column can be seen.
    for column in sorted(columns, key=lambda column: -column.top_m):
        if column.instance_id > np.iinfo(np.uint16).max:
            raise ValueError(f"Instance id {column.instance_id} does not fit occupancy, which holds ids to 65535: renumber the agents.")
        # Voxels whose centres lie within the agent's height; at least one, above the ground and below the ceiling.
        low = int(np.ceil((column.bottom_m - grid.origin_m[2]) / grid.voxel_m - 0.5 - 1e-6))
        high = int(np.floor((column.top_m - grid.origin_m[2]) / grid.voxel_m + 0.5 + 1e-6))
        low = min(max(low, ground + 1), grid.shape[2] - 1)
        semantics[column.cells, low : max(high, low + 1)] = CLASS[column.class_name]
        instances[column.cells, low : max(high, low + 1)] = column.instance_id
    return semantics, instances


def _boxed(layout: np.ndarray, boxes: tuple[Box, ...], grid: GridSpec) -> tuple[list[_Column], dict[str, np.ndarray]]:
    """Columns of the boxes, and by class the marked cells (X, Y) that no box explains.

    A box takes the cells that the layout marks inside its footprint and right beside it; what paint erased stays empty.
    """
    columns, unowned = [], {}
    for channel, name in enumerate(AGENTS):
        marked = layout[channel] > 0
        if not marked.any():
            continue
        owner = np.zeros(grid.bev_shape, np.int64)
        for number, box in enumerate(boxes, start=1):
            if box.class_name == name:
                owner[box_footprint(box, grid) & marked & (owner == 0)] = number
        rest = marked & (owner == 0)
        if rest.any():
            owner[rest] = ndimage.grey_dilation(owner, size=(3, 3))[rest]
            unowned[name] = marked & (owner == 0)
        for number in np.unique(owner[owner > 0]):
            box = boxes[number - 1]
            half_height = box.size_m[2] / 2
            columns.append(_Column(box.instance_id, name, owner == number, box.center_m[2] - half_height, box.center_m[2] + half_height))
    return columns, unowned
