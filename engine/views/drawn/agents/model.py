"""An agent's mesh from its class, its box and a seed: the choice of model and colours, and the store of built bodies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine.spec.classes import AGENTS, CLASS
from engine.views.drawn.agents import (
    bicycle,
    bus,
    car,
    car_bodies,
    construction,
    excavator,
    motorcycle,
    person,
    rider,
    street,
    trailer,
    truck,
    wheel_loader,
)
from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.figure import Clothes
from engine.views.drawn.agents.rig import AgentLook, Model, Motion
from engine.views.drawn.mesh import Mesh

Size = tuple[float, float, float]

MODELS: dict[str, tuple[str, ...]] = {
    "barrier": street.BARRIERS,
    "bicycle": bicycle.KINDS,
    "bus": bus.KINDS,
    "car": tuple(car_bodies.BODIES),
    "construction_vehicle": construction.KINDS,
    "motorcycle": motorcycle.KINDS,
    "pedestrian": person.KINDS,
    "traffic_cone": street.CONES,
    "trailer": trailer.KINDS,
    "truck": truck.KINDS,
}
"""Names of body kinds, what AgentLook.model may say."""
SIZE_STEP_M = 0.02
"""Bodies are built for boxes rounded to this, so that they can be shared."""


@dataclass(frozen=True)
class _Choice:
    """All that a body is built from."""

    class_name: str
    kind: str
    size_m: Size
    rgb: pal.Colour
    second: pal.Colour
    variant: int
    clothes: Clothes | None


def agent_mesh(
    class_name: str,
    size_m: Size,
    instance_id: int,
    seed: int,
    motion: Motion = Motion(),  # noqa: B008 (frozen)
    look: AgentLook = AgentLook(),  # noqa: B008 (frozen)
    coarse: bool = False,
) -> Mesh:
    """Triangles in the box frame (x forward, y left, z up, origin in the middle of the box's bottom).

    Model and colours depend on class, instance, seed and size, never on the frame; `coarse` is for agents beyond some 35 m.
    """
    length, width, height = (max(SIZE_STEP_M, round(float(v) / SIZE_STEP_M) * SIZE_STEP_M) for v in size_m)
    choice = _chosen(class_name, (length, width, height), instance_id, seed, look, motion.parked)
    return _built(choice, coarse).mesh(motion, CLASS[class_name], instance_id)


@lru_cache(maxsize=4096)
def _chosen(class_name: str, size_m: Size, instance_id: int, seed: int, look: AgentLook, parked: bool) -> _Choice:
    """What the seed says, and what the author said instead. `variant` is small where bodies should be shared."""
    dice = np.random.default_rng([seed & 0xFFFFFFFF, instance_id, AGENTS.index(class_name)])
    second, variant, clothes = (0.0, 0.0, 0.0), 0, None
    if class_name == "car":
        kind, rgb, variant = car_bodies.choose(size_m, dice), pal.car_paint(dice), int(dice.integers(6))
        if kind in ("sedan", "minivan", "estate") and dice.random() < 0.08:
            rgb = pal.srgb(pal.TAXI)
    elif class_name == "bus":
        kind = bus.choose(size_m, dice)
        main, other = pal.LIVERIES[int(dice.integers(len(pal.LIVERIES)))]
        rgb, second = pal.srgb(main), pal.srgb(other)
    elif class_name == "truck":
        kind = truck.choose(size_m, dice)
        rgb = pal.car_paint(dice) if kind == "pickup" else pal.weighed(dice, pal.CABS)
        second = pal.weighed(dice, pal.CARGO) if kind in ("box", "curtain") else pal.weighed(dice, pal.SKIPS) if kind == "tipper" else rgb
    elif class_name == "trailer":
        kind, rgb = trailer.choose(size_m, dice), pal.weighed(dice, pal.CARGO)
    elif class_name == "construction_vehicle":
        kind, rgb = construction.choose(size_m, dice), pal.pick(dice, pal.MACHINES)
    elif class_name in ("bicycle", "motorcycle"):
        kind, rgb = (bicycle if class_name == "bicycle" else motorcycle).choose(dice), pal.pick(dice, pal.BIKES)
        clothes = rider.clothes_of(dice, class_name == "motorcycle")
        if parked and (size_m[2] < 1.4 or dice.random() < 0.6):
            clothes = None
    elif class_name == "pedestrian":
        kind = look.model or person.choose(size_m, dice)
        clothes, rgb, variant = person.dress(kind, dice), (0.0, 0.0, 0.0), int(dice.integers(16))
        rgb = clothes.top
    elif class_name == "traffic_cone":
        kind, rgb = street.choose_cone(size_m, dice), street.ORANGE
    else:
        kind, rgb, variant = street.choose_barrier(size_m, dice), street.RED, int(dice.integers(8))
    rgb = rgb if look.colour is None else pal.srgb(look.colour[1:])
    return _Choice(class_name, look.model or kind, size_m, rgb, second, variant, clothes)


@lru_cache(maxsize=512)
def _built(choice: _Choice, coarse: bool) -> Model:
    kind, size_m, rgb = choice.kind, choice.size_m, choice.rgb
    match choice.class_name:
        case "car":
            return car.build(kind, size_m, rgb, choice.variant, coarse)
        case "bus":
            return bus.build(kind, size_m, rgb, choice.second, coarse)
        case "truck":
            return truck.build(kind, size_m, rgb, choice.second, coarse)
        case "trailer":
            return trailer.build(kind, size_m, rgb, coarse)
        case "construction_vehicle":
            return (excavator if kind == "excavator" else wheel_loader).build(size_m, rgb, coarse)
        case "bicycle":
            return bicycle.build(kind, size_m, rgb, choice.clothes, coarse)
        case "motorcycle":
            return motorcycle.build(kind, size_m, rgb, choice.clothes, coarse)
        case "pedestrian" if choice.clothes is not None:
            return person.build(kind, size_m, replace(choice.clothes, top=rgb), choice.variant, coarse)
        case "traffic_cone":
            return street.cone(kind, size_m, coarse)
        case _:
            return street.barrier(kind, size_m, choice.variant, coarse)
