"""What an author may say of how an agent looks, in names; what the names look like is the view model's business."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MODELS: dict[str, tuple[str, ...]] = {
    "barrier": ("water_filled", "concrete", "board"),
    "bicycle": ("city_bike", "racer"),
    "bus": ("city", "coach", "minibus"),
    "car": ("sedan", "hatchback", "estate", "suv", "minivan", "van", "pickup"),
    "construction_vehicle": ("excavator", "wheel_loader"),
    "motorcycle": ("motorcycle", "scooter"),
    "pedestrian": ("man", "woman", "child"),
    "traffic_cone": ("cone", "drum", "bollard"),
    "trailer": ("box", "curtain", "container", "flatbed", "tank", "small"),
    "truck": ("box", "curtain", "flatbed", "tipper", "pickup"),
}
"""Of every agent class. The drawn views have a body for each, and no other (a test compares)."""
COLOURED = tuple(name for name in MODELS if name not in ("barrier", "traffic_cone"))
"""Classes whose main colour can be chosen; cones and barriers are made in the colours of their model."""

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


def is_colour(value: object) -> bool:
    """Whether it is sRGB written as #rrggbb."""
    return isinstance(value, str) and _COLOUR.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class AgentLook:
    """What the author chose for an agent; None leaves it to the seed."""

    model: str | None = None
    """One of MODELS of its class."""
    colour: str | None = None
    """Main colour, sRGB as #rrggbb."""

    def __bool__(self) -> bool:
        return self.model is not None or self.colour is not None

    def fitting(self, class_name: str) -> AgentLook:
        """As much of it as an agent of that class can have."""
        model = self.model if self.model in MODELS.get(class_name, ()) else None
        return replace(self, model=model, colour=self.colour if class_name in COLOURED else None)
