"""How roads are built and how people drive, as numbers: the habits of the usual worlds, and of worlds nearer to recorded scenes.

The usual numbers are fixed: seeds that models were trained and measured on depend on every one of them. The real ones follow what
`examples/06_compare_layouts.py` counts in recorded logs (docs/data.md), held back where six logs are too few to follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DRIVEN = ("car", "truck", "bus", "trailer", "motorcycle", "bicycle")
PARKED = ("car", "truck", "motorcycle", "bicycle", "trailer", "bus")
ODDS = ("bicycle", "motorcycle", "traffic_cone", "barrier", "construction_vehicle", "pedestrian")


@dataclass(frozen=True, slots=True)
class RoadHabits:
    """Shares are probabilities; a pair is the range that a number is drawn from."""

    lane_m: tuple[float, float] = (2.8, 3.9)
    major_lanes: tuple[float, float, float, float] = (0.28, 0.42, 0.23, 0.07)
    """Shares of 1 to 4 lanes a direction on the main road."""
    parking: float = 0.33
    """Share of the road sides with a parking lane."""
    lots: float = 0.25
    """Share of the worlds with a parking lot beside a road."""
    crossing_m: tuple[float, float] = (2.2, 5.0)
    """Breadth of a pedestrian crossing."""
    crossings_everywhere: float = 0.35
    """Share of the towns where nearly every arm of a junction has a crossing."""


@dataclass(frozen=True, slots=True)
class TrafficHabits:
    """Shares are probabilities; a pair is the range that a number is drawn from."""

    driven: tuple[float, ...] = (0.832, 0.065, 0.018, 0.013, 0.03, 0.042)
    """Shares of DRIVEN among what drives or waits on a lane."""
    parked: tuple[float, ...] = (0.92, 0.04, 0.02, 0.012, 0.008, 0.0)
    """Shares of PARKED along kerbs."""
    odds: tuple[float, ...] = (0.15, 0.12, 0.27, 0.29, 0.03, 0.14)
    """Shares of ODDS among the rows and clusters that stand about."""
    pace: tuple[float, float] = (0.5, 1.1)
    """Speed of a lane's traffic as a part of what its road is built for."""
    red: float = 0.4
    """Share of the roads that wait at their stop lines."""
    ego_stands: float = 0.18
    ego_m_s: tuple[float, float] = (1.0, 17.0)


def real_roads(rng: np.random.Generator) -> RoadHabits:
    """Lanes of 3.0 to 3.7 m, more of them; broad crossings at most junctions; more parking."""
    narrow = bool(rng.random() < 0.8)
    return RoadHabits(
        lane_m=(3.0, 3.7) if narrow else (3.4, 4.4),
        major_lanes=(0.24, 0.42, 0.25, 0.09),
        parking=float(rng.choice([0.1, 0.35, 0.65])),
        lots=0.5,
        crossing_m=(3.4, 7.4),
        crossings_everywhere=0.8,
    )


def real_traffic(rng: np.random.Generator) -> TrafficHabits:
    """More lorries and buses, most of them standing; few motorcycles; half of the towns crawl."""
    crawls = bool(rng.random() < 0.5)
    return TrafficHabits(
        driven=(0.906, 0.05, 0.022, 0.006, 0.002, 0.014),
        parked=(0.778, 0.150, 0.012, 0.006, 0.002, 0.052),
        odds=(0.14, 0.04, 0.16, 0.45, 0.08, 0.13),
        pace=(0.06, 0.5) if crawls else (0.35, 1.0),
        red=0.55 if crawls else 0.4,
        ego_stands=0.07,
        ego_m_s=(1.0, 10.0) if crawls else (3.0, 13.0),
    )
