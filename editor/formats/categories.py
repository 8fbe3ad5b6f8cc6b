"""The words of nuScenes and of those who share its layout -> agent classes."""

from __future__ import annotations

CLASS_OF: dict[str, str] = {
    "vehicle.car": "car",
    "vehicle.emergency.police": "car",
    "vehicle.emergency.ambulance": "truck",
    "vehicle.truck": "truck",
    "vehicle.bus.rigid": "bus",
    "vehicle.bus.bendy": "bus",
    "vehicle.trailer": "trailer",
    "vehicle.construction": "construction_vehicle",
    "vehicle.motorcycle": "motorcycle",
    "vehicle.bicycle": "bicycle",
    "human.pedestrian.adult": "pedestrian",
    "human.pedestrian.child": "pedestrian",
    "human.pedestrian.construction_worker": "pedestrian",
    "human.pedestrian.police_officer": "pedestrian",
    "human.pedestrian.personal_mobility": "pedestrian",
    "human.pedestrian.stroller": "pedestrian",
    "human.pedestrian.wheelchair": "pedestrian",
    "movable_object.trafficcone": "traffic_cone",
    "movable_object.barrier": "barrier",
}
"""19 of nuScenes' 23 categories. The other four are no agents: animal, movable_object.debris, movable_object.pushable_pullable,
static_object.bicycle_rack."""

SIMPLE_CLASS_OF: dict[str, str] = {
    **{name: name for name in dict.fromkeys(CLASS_OF.values())},
    # T4 and Lyft
    "emergency_vehicle": "car",
    "ambulance": "truck",
    "fire_truck": "truck",
    "police_car": "car",
    "semi_trailer": "trailer",
    "tractor_unit": "truck",
    "other_vehicle": "truck",
    "motorbike": "motorcycle",
    "stroller": "pedestrian",
    "wheelchair": "pedestrian",
    "personal_mobility": "pedestrian",
    "construction_worker": "pedestrian",
    "police_officer": "pedestrian",
}
"""Names without dots: detection classes of the infos pickles, and what T4 and Lyft call things."""


def class_of(category: str) -> str | None:
    """The agent class of a source's category; None where it is no agent."""
    if category in CLASS_OF:
        return CLASS_OF[category]
    return SIMPLE_CLASS_OF.get(category.replace("-", "_").lower())
