"""Where a browser's eye is when it arrives, and when it dives."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from app.view3d import eye


def test_a_browser_that_tells_of_visers_own_eye_first_begins_at_home() -> None:
    """One reload of two began at the ground, 5 m behind the ego: viser's own eye was taken for one that dives."""
    moved = eye.keeper()
    camera = SimpleNamespace(position=np.array([-5.0, 0.0, -0.001]), look_at=np.zeros(3))
    moved(camera)
    assert tuple(camera.position) == eye.HOME_M and tuple(camera.look_at) == eye.HOME_LOOKS_AT_M


def test_an_eye_that_dives_is_lifted_and_looks_where_it_looked() -> None:
    moved = eye.keeper()
    moved(SimpleNamespace(position=np.array(eye.HOME_M), look_at=np.array(eye.HOME_LOOKS_AT_M)))
    camera = SimpleNamespace(position=np.array([-7.0, 2.0, -3.0]), look_at=np.array([4.0, 1.0, 0.0]))
    moved(camera)
    assert tuple(camera.position) == (-7.0, 2.0, eye.LOWEST_M) and tuple(camera.look_at) == (4.0, 1.0, 0.0)
