"""What a world is asked to be. Every field that is None or left out is drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.data.habits import RoadHabits, TrafficHabits, real_roads, real_traffic
from engine.spec.classes import MAP_CHANNELS

TOPOLOGIES = ("straight", "curve", "tee", "cross", "grid", "roundabout", "lot", "ramp", "empty")
_TOPOLOGY_WEIGHTS = (0.17, 0.14, 0.17, 0.18, 0.12, 0.07, 0.08, 0.05, 0.02)
_REAL_TOPOLOGY_WEIGHTS = (0.15, 0.09, 0.16, 0.26, 0.18, 0.03, 0.10, 0.02, 0.01)

MIXES = ("usual", "real", "both")
"""What styles can be drawn as: the usual mix, one nearer to recorded scenes (docs/data.md), or either with even odds."""


@dataclass(frozen=True, slots=True)
class WorldStyle:
    """Densities are factors: 0 = none, 1 = usual, 2 = crowded."""

    topology: str = "straight"
    left_hand: bool = False
    """Traffic keeps to the left: the mirror image of the usual world."""
    slope_m: float = 0.0
    """Height of the hills; 0 = flat."""
    walkways: float = 1.0
    """Share of the road sides that have one (0: as in maps that draw no walkway)."""
    buildings: float = 1.0
    greenery: float = 1.0
    traffic: float = 1.0
    parked: float = 1.0
    people: float = 1.0
    works: bool = False
    """A work zone: cones, barriers, construction vehicles."""
    jitter_m: float = 0.15
    """Irregularity of kerbs and area outlines."""
    ego_yaw_rad: float = 0.0
    """Heading of the ego relative to its path."""
    dropout: float = 0.0
    """Share of voxels that lidar-like incompleteness takes away far from the ego; 0 = complete."""
    painted: bool = False
    """Blobs, strokes and agents all over, as a hand would paint them."""
    missing: tuple[str, ...] = ()
    """Map channels that this world's map does not show."""
    roads: RoadHabits = field(default=RoadHabits())
    driving: TrafficHabits = field(default=TrafficHabits())

    @staticmethod
    def sample(rng: np.random.Generator, mix: str = "usual") -> WorldStyle:
        """A style as the training set mixes them. Raises ValueError for a mix that is none of MIXES."""
        if mix not in MIXES:
            raise ValueError(f"There is no mix of worlds '{mix}': choose {', '.join(MIXES)}.")
        if mix == "real" or (mix == "both" and rng.random() < 0.5):
            return _sample_real(rng)

        def level(none: float, high: float = 1.8) -> float:
            return 0.0 if rng.random() < none else float(rng.uniform(0.3, high))

        topology = str(rng.choice(TOPOLOGIES, p=_TOPOLOGY_WEIGHTS))
        tilt = rng.random()
        painted = bool(rng.random() < 0.08)
        if painted and rng.random() < 0.6:
            topology = "empty"
        return WorldStyle(
            topology=topology,
            left_hand=bool(rng.random() < 0.5),
            slope_m=float(rng.uniform(0.4, 2.0)) if rng.random() < 0.2 else 0.0,
            walkways=0.0 if rng.random() < 0.2 else float(rng.uniform(0.5, 1.0)),
            buildings=level(0.15, 1.5),
            greenery=level(0.08),
            traffic=level(0.1),
            parked=level(0.25),
            people=level(0.15, 2.0),
            works=bool(rng.random() < 0.5),
            jitter_m=float(rng.uniform(0.0, 0.35)),
            ego_yaw_rad=float(rng.uniform(-np.pi, np.pi)) if tilt < 0.08 else (float(rng.normal(0, 0.15)) if tilt < 0.3 else 0.0),
            painted=painted,
            missing=tuple(n for n in MAP_CHANNELS if rng.random() < 0.4) if rng.random() < 0.06 else (),
        )


def _sample_real(rng: np.random.Generator) -> WorldStyle:
    """More junctions, parked vehicles and people than usual, and what `habits` says; the rare and the odd stay in, only rarer."""

    def level(none: float, low: float, high: float) -> float:
        return 0.0 if rng.random() < none else float(rng.uniform(low, high))

    return WorldStyle(
        topology=str(rng.choice(TOPOLOGIES, p=_REAL_TOPOLOGY_WEIGHTS)),
        left_hand=bool(rng.random() < 0.5),
        slope_m=float(rng.uniform(0.4, 2.0)) if rng.random() < 0.2 else 0.0,
        walkways=level(0.08, 0.6, 1.0),
        buildings=level(0.15, 0.3, 1.5),
        greenery=level(0.08, 0.3, 1.8),
        traffic=level(0.04, 0.25, 1.4),
        parked=level(0.1, 0.4, 1.8),
        people=level(0.06, 0.3, 2.9),
        works=bool(rng.random() < 0.4),
        jitter_m=float(rng.uniform(0.0, 0.35)),
        ego_yaw_rad=float(rng.normal(0, 0.15)) if rng.random() < 0.15 else 0.0,
        painted=bool(rng.random() < 0.03),
        missing=tuple(n for n in MAP_CHANNELS if rng.random() < 0.4) if rng.random() < 0.06 else (),
        roads=real_roads(rng),
        driving=real_traffic(rng),
    )
