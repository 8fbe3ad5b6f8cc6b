"""The 30 annotation categories of Argoverse 2 and what each becomes here."""

from __future__ import annotations

CLASS_OF: dict[str, str] = {
    "REGULAR_VEHICLE": "car",
    "LARGE_VEHICLE": "truck",
    "TRUCK": "truck",
    "BOX_TRUCK": "truck",
    "TRUCK_CAB": "truck",
    "BUS": "bus",
    "ARTICULATED_BUS": "bus",
    "SCHOOL_BUS": "bus",
    "VEHICULAR_TRAILER": "trailer",
    "MESSAGE_BOARD_TRAILER": "trailer",
    "TRAFFIC_LIGHT_TRAILER": "trailer",
    "BICYCLE": "bicycle",
    "MOTORCYCLE": "motorcycle",
    "WHEELED_DEVICE": "bicycle",
    "BICYCLIST": "bicycle",
    "MOTORCYCLIST": "motorcycle",
    "WHEELED_RIDER": "bicycle",
    "PEDESTRIAN": "pedestrian",
    "OFFICIAL_SIGNALER": "pedestrian",
    "STROLLER": "pedestrian",
    "WHEELCHAIR": "pedestrian",
    "CONSTRUCTION_CONE": "traffic_cone",
    "CONSTRUCTION_BARREL": "traffic_cone",
    "BOLLARD": "barrier",
}

APPROXIMATE: dict[str, str] = {
    "WHEELED_DEVICE": "a scooter or board, nearest to a bicycle",
    "STROLLER": "pushed by a person, kept as one",
    "WHEELCHAIR": "a person sits in it",
    "CONSTRUCTION_BARREL": "guides traffic as a cone does",
    "BOLLARD": "keeps vehicles out as a barrier does",
}
"""Mapped categories that no class of ours names, and why they went where they went."""

DROPPED: dict[str, str] = {
    "ANIMAL": "none of the ten agent classes is an animal",
    "DOG": "none of the ten agent classes is an animal",
    "SIGN": "a fixed sign, which a layout does not hold",
    "STOP_SIGN": "a fixed sign, which a layout does not hold",
    "MOBILE_PEDESTRIAN_CROSSING_SIGN": "a sign, which a layout does not hold",
    # Not a category of the data set: some tools add the ego's own box to the annotations.
    "EGO_VEHICLE": "the ego's own box, which its path already says",
    "RAILED_VEHICLE": "none of the ten agent classes runs on rails",
}

RIDDEN: dict[str, tuple[str, ...]] = {
    "BICYCLIST": ("BICYCLE",),
    "MOTORCYCLIST": ("MOTORCYCLE",),
    "WHEELED_RIDER": ("WHEELED_DEVICE",),
}
"""Rider -> what it rides. Our boxes of cycles hold their rider, as nuScenes' do."""
