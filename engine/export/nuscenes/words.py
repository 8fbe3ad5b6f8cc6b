"""nuScenes' own words: tokens, categories, attributes, visibility."""

from __future__ import annotations

import hashlib

CATEGORY_OF: dict[str, str] = {
    "barrier": "movable_object.barrier",
    "bicycle": "vehicle.bicycle",
    "bus": "vehicle.bus.rigid",
    "car": "vehicle.car",
    "construction_vehicle": "vehicle.construction",
    "motorcycle": "vehicle.motorcycle",
    "pedestrian": "human.pedestrian.adult",
    "traffic_cone": "movable_object.trafficcone",
    "trailer": "vehicle.trailer",
    "truck": "vehicle.truck",
}
"""The category of each agent class."""
CATEGORIES: tuple[str, ...] = (
    "animal",
    "human.pedestrian.adult",
    "human.pedestrian.child",
    "human.pedestrian.construction_worker",
    "human.pedestrian.personal_mobility",
    "human.pedestrian.police_officer",
    "human.pedestrian.stroller",
    "human.pedestrian.wheelchair",
    "movable_object.barrier",
    "movable_object.debris",
    "movable_object.pushable_pullable",
    "movable_object.trafficcone",
    "static_object.bicycle_rack",
    "vehicle.bicycle",
    "vehicle.bus.bendy",
    "vehicle.bus.rigid",
    "vehicle.car",
    "vehicle.construction",
    "vehicle.emergency.ambulance",
    "vehicle.emergency.police",
    "vehicle.motorcycle",
    "vehicle.trailer",
    "vehicle.truck",
)
ATTRIBUTES: tuple[str, ...] = (
    "vehicle.moving",
    "vehicle.stopped",
    "vehicle.parked",
    "cycle.with_rider",
    "cycle.without_rider",
    "pedestrian.sitting_lying_down",
    "pedestrian.standing",
    "pedestrian.moving",
)
VISIBILITY: tuple[tuple[str, str], ...] = (("1", "v0-40"), ("2", "v40-60"), ("3", "v60-80"), ("4", "v80-100"))
MOVING_M_S = 0.2
JPEG_QUALITY = 95
LOCATION = "boston-seaport"
"""The devkit opens maps of four names only; this one's traffic keeps right."""
MAP_TOKEN = "36092f0b03a857c6a3403e25b4b7aab3"
"""The devkit looks for that location's mask under this name."""


def token(*parts: object) -> str:
    """32 hexadecimal digits, the same for the same parts."""
    return hashlib.md5("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def attribute_of(class_name: str, speed_m_s: float, ever_moves: bool) -> str | None:
    """What nuScenes would say of an agent at a key frame; None where it has no attribute."""
    moving = speed_m_s > MOVING_M_S
    match class_name:
        case "pedestrian":
            return "pedestrian.moving" if moving else "pedestrian.standing"
        case "bicycle" | "motorcycle":
            return "cycle.with_rider" if ever_moves else "cycle.without_rider"
        case "barrier" | "traffic_cone":
            return None
        case _:
            return "vehicle.moving" if moving else "vehicle.stopped" if ever_moves else "vehicle.parked"


def visibility_of(share: float) -> str:
    """The token of the level that a visible share (0 to 1) falls into."""
    return VISIBILITY[0 if share < 0.4 else 1 if share < 0.6 else 2 if share < 0.8 else 3][0]
