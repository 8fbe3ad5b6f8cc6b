"""What layouts look like, counted: to say how far procedural worlds are from scenes that were recorded.

Counts are taken once a second of a clip (a layout hardly changes in a twelfth), speeds over the half second that follows, so that the
centimetres by which annotations tremble do not count as motion. A clip shorter than that has no speeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from engine.metrics.invention import jensen_shannon
from engine.metrics.road_shape import lane_widths, line_directions, road_arms
from engine.spec.classes import AGENTS, CHANNEL, CHANNELS
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import RATE_HZ

EVERY_FRAMES = round(RATE_HZ)
SPEED_FRAMES = round(RATE_HZ / 2)
STANDING_M_S = 0.5
"""Slower than this is standing."""
VEHICLES = ("car", "truck", "bus", "trailer", "construction_vehicle", "motorcycle")
EGO = "ego"
"""Stands for the ego's drive among what a source may not know."""
_LINE_REACH_CELLS = 20
"""A vehicle's road direction is that of the nearest divider, up to this far away."""
_FEWEST_SIZES = 5
"""Instances of a class below which its sizes are not compared."""

_SPEED_EDGES = (0.0, 0.5, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, np.inf)
EDGES: dict[str, tuple[float, ...]] = {
    "ego_speed_m_s": _SPEED_EDGES,
    "moving_vehicle_speed_m_s": _SPEED_EDGES[1:],
    "agent_distance_m": (0, 5, 10, 15, 20, 25, 30, 35, 40, np.inf),
    "vehicle_heading_off_road_deg": (0, 5, 10, 20, 40, 70, 90.1),
    "lane_width_m": (2.0, 2.4, 2.8, 3.2, 3.6, 4.0, 4.4, 4.8, 5.4, 6.0, np.inf),
    "divider_to_kerb_m": (2.0, 2.8, 3.6, 4.4, 5.2, 6.0, 6.8, np.inf),
    "agents_in_frame": (0, 1, 5, 10, 15, 20, 30, 40, 60, 90, np.inf),
    "drivable_share": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 1.01),
    "road_arms": (0, 1, 2, 3, 4, 5, np.inf),
}
"""Bins per distribution."""


@dataclass(slots=True)
class LayoutStatistics:
    """Counts over frames; rates and distributions are asked of it."""

    frames: int = 0
    known_frames: np.ndarray = field(default_factory=lambda: np.zeros(len(CHANNELS), np.int64))
    """(15,): frames whose source says anything about the channel, be it that there is none."""
    cell_share: np.ndarray = field(default_factory=lambda: np.zeros(len(CHANNELS)))
    """(15,): summed over those frames."""
    agents: np.ndarray = field(default_factory=lambda: np.zeros(len(AGENTS), np.int64))
    """(10,): boxes over all frames."""
    timed: np.ndarray = field(default_factory=lambda: np.zeros(len(AGENTS), np.int64))
    """(10,): of those, the ones whose speed is known."""
    moving: np.ndarray = field(default_factory=lambda: np.zeros(len(AGENTS), np.int64))
    sizes_m: dict[str, list[tuple[float, float, float]]] = field(default_factory=lambda: {name: [] for name in AGENTS})
    """Length, width, height of every instance, once per clip."""
    crossings: int = 0
    frames_with_crossing: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in EDGES})
    """Everything that a distribution of EDGES is made of."""

    def add(self, clip: SceneClip, unknown: Iterable[str] = ()) -> None:
        """One clip. `unknown` names channels, and 'ego', that its source does not hold: not the same as there being none.

        Raises ValueError for a name that is neither.
        """
        unknown = set(unknown)
        if strange := unknown - {*CHANNELS, EGO}:
            raise ValueError(f"{sorted(strange)[0]!r} cannot be unknown: name layout channels or '{EGO}'.")
        known = np.array([name not in unknown for name in CHANNELS])
        seen: set[int] = set()
        for k in range(0, len(clip), EVERY_FRAMES):
            layout, boxes = clip.layouts[k], clip.boxes[k]
            self.frames += 1
            self.known_frames += known
            self.cell_share += np.where(known, layout.mean((1, 2)), 0.0)
            self._add_roads(layout, clip, bool(known[CHANNEL["ped_crossing"]]))
            self._add_speeds(clip, k, EGO not in unknown)
            if known[: len(AGENTS)].any():
                self.values["agents_in_frame"].append(len(boxes))
            self.values["agent_distance_m"] += [float(np.hypot(*box.center_m[:2])) for box in boxes]
            self.values["vehicle_heading_off_road_deg"] += _off_road_deg(layout, boxes, clip)
            for box in boxes:
                self.agents[CHANNEL[box.class_name]] += 1
                if box.instance_id not in seen:
                    seen.add(box.instance_id)
                    self.sizes_m[box.class_name].append(box.size_m)

    def _add_roads(self, layout: np.ndarray, clip: SceneClip, crossings_known: bool) -> None:
        between, to_kerb = lane_widths(layout, clip.grid)
        self.values["lane_width_m"] += between.tolist()
        self.values["divider_to_kerb_m"] += to_kerb.tolist()
        self.values["road_arms"].append(road_arms(layout, clip.grid))
        self.values["drivable_share"].append(float(layout[CHANNEL["drivable_area"]].mean()))
        if crossings_known:
            _, count = ndimage.label(layout[CHANNEL["ped_crossing"]], np.ones((3, 3)))  # type: ignore[misc]
            self.crossings += count
            self.frames_with_crossing += count > 0

    def _add_speeds(self, clip: SceneClip, k: int, ego_known: bool) -> None:
        later = k + SPEED_FRAMES
        if later >= len(clip):
            return
        seconds = SPEED_FRAMES / RATE_HZ
        here, there = clip.world_SE3_ego[k], clip.world_SE3_ego[later]
        if ego_known:
            self.values["ego_speed_m_s"].append(float(np.hypot(*(there - here)[:2, 3])) / seconds)
        after = {box.instance_id: there @ (*box.center_m, 1.0) for box in clip.boxes[later]}
        for box in clip.boxes[k]:
            if box.instance_id in after:
                speed = float(np.hypot(*(after[box.instance_id] - here @ (*box.center_m, 1.0))[:2])) / seconds
                self.timed[CHANNEL[box.class_name]] += 1
                self.moving[CHANNEL[box.class_name]] += speed > STANDING_M_S
                if speed > STANDING_M_S and box.class_name in VEHICLES:
                    self.values["moving_vehicle_speed_m_s"].append(speed)

    def merge(self, other: LayoutStatistics) -> None:
        """Take the counts of `other` in."""
        for name in ("frames", "known_frames", "cell_share", "agents", "timed", "moving", "crossings", "frames_with_crossing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in AGENTS:
            self.sizes_m[name] = self.sizes_m[name] + other.sizes_m[name]
        for name in EDGES:
            self.values[name] = self.values[name] + other.values[name]

    def rates(self) -> dict[str, float]:
        """Name -> value; what no frame knows is left out. Shares are of 1, sizes are medians over instances in metres."""
        out = {f"cells {n}": self.cell_share[c] / self.known_frames[c] for c, n in enumerate(CHANNELS) if self.known_frames[c]}
        if self.known_frames[CHANNEL["ped_crossing"]]:
            out["crossings a frame"] = self.crossings / self.known_frames[CHANNEL["ped_crossing"]]
            out["frames with a crossing"] = self.frames_with_crossing / self.known_frames[CHANNEL["ped_crossing"]]
        if self.frames:
            out |= {f"agents a frame {n}": self.agents[c] / self.known_frames[c] for c, n in enumerate(AGENTS) if self.known_frames[c]}
            out["frames where roads meet"] = float(np.mean(np.array(self.values["road_arms"]) >= 3))
        out |= {f"moving {name}": self.moving[c] / self.timed[c] for c, name in enumerate(AGENTS) if self.timed[c] >= _FEWEST_SIZES}
        for name, size in self.sizes().items():
            out |= {f"{side} {name}": size[1, k] for k, side in enumerate(("length", "width", "height"))}
        return {name: float(value) for name, value in out.items()}

    def sizes(self) -> dict[str, np.ndarray]:
        """Class -> (3, 3): rows 10, 50 and 90 percentile, columns length, width, height in metres; classes with few are left out."""
        return {name: np.percentile(rows, (10, 50, 90), axis=0) for name, rows in self.sizes_m.items() if len(rows) >= _FEWEST_SIZES}

    def distribution(self, name: str) -> np.ndarray:
        """Shares per bin of EDGES[name]; values outside count for the first or last bin, zeros where nothing was seen."""
        edges = np.array(EDGES[name], np.float64)
        index = np.clip(np.searchsorted(edges, self.values[name], "right") - 1, 0, len(edges) - 2)
        counts = np.bincount(index, minlength=len(edges) - 1).astype(np.float64)
        return counts / max(counts.sum(), 1.0)

    def median(self, name: str) -> float:
        """Middle of a distribution's values, NaN where nothing was seen."""
        return float(np.median(self.values[name])) if self.values[name] else float("nan")


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of a comparison."""

    name: str
    a: float
    b: float
    """The rates, or the medians of the distributions."""
    log2_ratio: float | None
    """Of b over a; None for a distribution."""
    distance: float
    """0 = alike, 1 = nothing in common: 1 - smaller / larger of two rates, Jensen-Shannon distance of two distributions."""


_FLOORS = {"cells": 2e-4, "agents": 0.1, "crossings": 0.1, "frames": 0.05, "moving": 0.05}
"""Added to both rates of a ratio, by the first word of their name: less than this is not worth a difference."""


def compare(a: LayoutStatistics, b: LayoutStatistics) -> tuple[Difference, ...]:
    """What differs, most first; rates and distributions that one side does not know are left out."""
    rows = []
    rates_a, rates_b = a.rates(), b.rates()
    for name in rates_a.keys() & rates_b.keys():
        floor = _FLOORS.get(name.split()[0], 0.0)
        ratio = float(np.log2((rates_b[name] + floor) / (rates_a[name] + floor)))
        rows.append(Difference(name, rates_a[name], rates_b[name], ratio, 1 - 2 ** -abs(ratio)))
    for name in EDGES:
        if a.values[name] and b.values[name]:
            distance = jensen_shannon(a.distribution(name), b.distribution(name))
            rows.append(Difference(name, a.median(name), b.median(name), None, distance))
    return tuple(sorted(rows, key=lambda row: (-row.distance, row.name)))


def _off_road_deg(layout: np.ndarray, boxes: tuple[Box, ...], clip: SceneClip) -> list[float]:
    """Angle (0 to 90 degrees) of every vehicle to the nearest divider; vehicles far from one are left out."""
    cells, directions = line_directions(layout)
    out: list[float] = []
    for box in boxes:
        if box.class_name in VEHICLES and len(cells):
            away = np.hypot(*(cells + 0.5 - (np.array(box.center_m[:2]) - clip.grid.origin_m[:2]) / clip.grid.voxel_m).T)
            nearest = int(np.argmin(away))
            if away[nearest] < _LINE_REACH_CELLS:
                cosine = abs(float(directions[nearest] @ (np.cos(box.yaw_rad), np.sin(box.yaw_rad))))
                out.append(float(np.degrees(np.arccos(min(cosine, 1.0)))))
    return out
