"""What layouts hold, counted so that counts of many takes add up: of a take where it is made, and of the scenes it all began with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from app.fanout.items import Item
from editor.clip import scene_clip
from editor.document import Document
from engine.metrics.layout_statistics import EDGES, LayoutStatistics
from engine.spec.classes import AGENTS
from engine.spec.clip import SceneClip

SHOWN: Mapping[str, str] = {
    "ego_speed_m_s": "Speed of the ego, m/s",
    "moving_vehicle_speed_m_s": "Speed of moving vehicles, m/s",
    "agent_distance_m": "Distance of agents, m",
    "agents_in_frame": "Agents in a frame",
    "vehicle_heading_off_road_deg": "Vehicles turned off the road, degrees",
    "drivable_share": "Share of the grid that is drivable",
}
Counts = dict[str, list[float]]
"""Name of a distribution, or 'classes', -> counts per bin, or boxes per agent class."""


def counts_of_scenes(items: Iterable[Item], documents: Mapping[str, Document]) -> Counts:
    """Of the scenes (by name) before any variation, over the frames that the items have of them."""
    spans = {(item.scene, item.start_s, item.frames) for item in items if item.scene in documents}
    return added_up(counts_of_clip(scene_clip(documents[scene], start_s, frames, ())) for scene, start_s, frames in sorted(spans))


def added_up(many: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for counts in many:
        for name, values in counts.items():
            before = total.get(name)
            total[name] = values if before is None else [a + b for a, b in zip(before, values, strict=True)]
    return total


def counts_of_clip(clip: SceneClip) -> Counts:
    statistics = LayoutStatistics()
    statistics.add(clip)
    counts: Counts = {"classes": statistics.agents.tolist()}
    for name in SHOWN:
        edges = np.array(EDGES[name], float)
        index = np.clip(np.searchsorted(edges, statistics.values[name], "right") - 1, 0, len(edges) - 2)
        counts[name] = np.bincount(index, minlength=len(edges) - 1).tolist()
    return counts


def bins(name: str) -> list[str]:
    """A label for each count of a name."""
    if name == "classes":
        return [word.replace("_", " ") for word in AGENTS]
    edges = EDGES[name]
    return [f"{low:g}+" if np.isinf(high) else f"{low:g}" for low, high in zip(edges, edges[1:], strict=False)]
