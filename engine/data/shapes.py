"""How high an agent of each class stands over each point of its footprint."""

from __future__ import annotations

from numba import njit

from engine.spec.classes import CHANNEL

_BICYCLE, _BUS, _CAR = CHANNEL["bicycle"], CHANNEL["bus"], CHANNEL["car"]
_CONSTRUCTION, _MOTORCYCLE, _PEDESTRIAN = CHANNEL["construction_vehicle"], CHANNEL["motorcycle"], CHANNEL["pedestrian"]
_CONE, _TRAILER, _TRUCK = CHANNEL["traffic_cone"], CHANNEL["trailer"], CHANNEL["truck"]


@njit(cache=True)
def agent_span(
    channel: int, forward_m: float, left_m: float, length_m: float, width_m: float, height_m: float, instance: int
) -> tuple[float, float]:
    """Bottom and top (metres above the ground) of the agent over a point of its own frame (x forward, y left, centre 0).

    `instance` picks among the builds of a class (saloon, estate, pick-up, van), so that an agent keeps its shape.
    """
    u = min(max(2 * forward_m / length_m, -1.0), 1.0)
    side = min(abs(2 * left_m / width_m), 1.0)
    build = (instance * 7919) % 10
    if channel == _CAR:
        return 0.0, height_m * _car_profile(u, build, height_m)
    if channel == _TRUCK:
        return 0.0, height_m * _truck_profile(u, length_m, build)
    if channel == _BUS:
        return 0.0, height_m
    if channel == _TRAILER:
        return 0.0, height_m * (0.45 if build < 2 else 1.0)
    if channel == _CONSTRUCTION:
        return _construction_span(u, side, height_m, build)
    if channel == _BICYCLE or channel == _MOTORCYCLE:
        ridden = build < 6
        if -0.45 < u < 0.25:
            return 0.0, height_m if ridden else 0.75 * height_m
        return 0.0, (0.75 if u > 0.25 and u < 0.6 else 0.55) * height_m
    if channel == _CONE:
        # only a cone much wider than a cell shows its taper
        return 0.0, height_m if max(abs(forward_m), abs(left_m)) < 0.3 else 0.4 * height_m
    if channel == _PEDESTRIAN:
        return 0.0, height_m if max(abs(forward_m), abs(left_m)) < 0.45 else 0.6 * height_m
    return 0.0, height_m


@njit(cache=True)
def _car_profile(u: float, build: int, height_m: float) -> float:
    if height_m > 2.1 or build == 9:  # van
        return 1.0 if u < 0.62 else 0.62
    if u > 0.5:
        return 0.6
    if u > 0.25:
        return 0.6 + 0.4 * (0.5 - u) / 0.25
    if build < 4 and u < -0.72:  # saloon: the boot
        return 0.68
    if build == 4 and u < -0.25:  # pick-up: the bed
        return 0.62
    return 1.0


@njit(cache=True)
def _truck_profile(u: float, length_m: float, build: int) -> float:
    if length_m < 6.2:  # large pick-up or delivery van
        if build < 5:
            return 0.62 if u > 0.45 else (1.0 if u > -0.15 else 0.6)
        return 0.7 if u > 0.75 else 1.0
    cab = 1.0 - 2 * 2.1 / length_m
    if u > cab:
        return 0.82
    if u > cab - 0.06:
        return 0.45
    return 0.4 if build == 0 else 1.0  # a flat bed now and then


@njit(cache=True)
def _construction_span(u: float, side: float, height_m: float, build: int) -> tuple[float, float]:
    if build < 6:  # digger: tracks, house, boom that rises and falls towards the front
        if u > 0.25:
            if side < 0.4:
                return (0.25 * height_m if u < 0.75 else 0.0), height_m * (1.0 if u < 0.6 else 0.75)
            return 0.0, 0.22 * height_m
        return 0.0, height_m * (0.85 if u > -0.5 else 0.6)
    # wheel loader: bucket, bonnet, cab
    if u > 0.6:
        return 0.0, 0.35 * height_m
    if -0.3 < u < 0.3 and side < 0.8:
        return 0.0, height_m
    return 0.0, 0.55 * height_m
