"""Where the browsers' eyes are: at home behind the ego, above the ground, and with the ego or fixed in the world. Ego frame, metres."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.spec.geometry import invert, transform

HOME_M = (-21.0, 0.0, 15.0)
HOME_LOOKS_AT_M = (9.0, 0.0, -1.0)
FOV_RAD = float(np.radians(55))
LOWEST_M = 0.4
"""No eye is below this height."""


def set_home(server: Any) -> None:
    """Where a browser that arrives begins."""
    server.initial_camera.position, server.initial_camera.look_at, server.initial_camera.fov = HOME_M, HOME_LOOKS_AT_M, FOV_RAD


def go_home(server: Any) -> None:
    """Every browser's eye back to where it began."""
    for client in server.get_clients().values():
        with client.atomic():
            client.camera.position, client.camera.look_at = HOME_M, HOME_LOOKS_AT_M


def stay_above_ground(camera: Any) -> None:
    """Called whenever somebody orbits: an eye that has dived is lifted again; it goes on looking where it looked."""
    lifted = above_ground(np.asarray(camera.position, np.float64))
    if lifted is not None:
        looked_at = np.asarray(camera.look_at, np.float64)
        camera.position = lifted
        camera.look_at = looked_at


def keeper() -> Callable[[Any], None]:
    """For one browser, called whenever its eye moves: it stays above the ground.

    A browser that arrives may tell of viser's own eye first, which lies in the ground 5 m behind the ego. Nobody orbited there: lifted, it
    would stay there in place of home.
    """
    was_home = False

    def moved(camera: Any) -> None:
        nonlocal was_home
        position = np.asarray(camera.position, np.float64)
        was_home = was_home or np.allclose(position, HOME_M, atol=0.1)
        if was_home:
            stay_above_ground(camera)
        elif above_ground(position) is not None:
            camera.position, camera.look_at = HOME_M, HOME_LOOKS_AT_M

    return moved


def above_ground(position_m: np.ndarray) -> np.ndarray | None:
    """The position (3,) that an eye there is lifted to; None where it may stay."""
    return None if position_m[2] >= LOWEST_M else np.array([*position_m[:2], LOWEST_M])


def stay_in_world(server: Any, before_SE3: np.ndarray, after_SE3: np.ndarray) -> None:
    """Every eye stays where it is in the world while the ego, which the view hangs on, goes from `before_SE3` to `after_SE3` (world_SE3_ego)."""
    after_SE3_before = invert(after_SE3) @ before_SE3
    for client in server.get_clients().values():
        with client.atomic():
            position, looked_at = (transform(after_SE3_before, np.asarray(point)) for point in (client.camera.position, client.camera.look_at))
            client.camera.position, client.camera.look_at = position, looked_at
