"""What shines and what stands on the horizon: beams of headlights, the far land of the sky's map."""

from __future__ import annotations

import numpy as np
import pytest

from engine.views.drawn import sky as skies
from engine.views.drawn.horizon import HIGHEST_RAD, far_land
from engine.views.drawn.lamps import lamps_of
from engine.views.drawn.light import light_of
from engine.views.drawn.lighting import lamp_light
from engine.views.drawn.rays import RAY, Together, Triangles
from engine.views.look import Look


def _lit(height_m: float, ahead_m: float, aside_m: float = 0.0) -> float:
    """Light of the ego's own two beams on something that faces the ego's middle at lamp height, nothing in between."""
    light = light_of(Look(night=1.0, sun=0.0))._replace(lamps=lamps_of(np.zeros((0, 3)), [], np.eye(4)))
    empty = Together([Triangles(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))])
    ray, out = np.zeros(RAY, np.float32), np.zeros(3)
    place = np.array([3.6 + ahead_m, aside_m, height_m])
    normal = np.array([3.6, 0.0, 0.65]) - place
    normal /= np.linalg.norm(normal)
    lamp_light(empty.pointer, ray, ray.view(np.uint32), light, *place, *normal, 0.0, out)
    return float(out.mean())


def test_a_beam_is_wider_than_tall_and_ends_soon_above_its_aim():
    ahead = _lit(0.3, 10.0)
    aside = np.tan(np.radians(25)) * 10
    assert _lit(0.3, 10.0, aside) > 0.02 * ahead, "25 degrees to the side the kerb is seen"
    assert _lit(0.65 + aside, 10.0) == 0.0, "25 degrees up nothing is lit"
    assert 0.1 * ahead < _lit(1.0, 10.0) < 0.75 * ahead, "the back of a car in front is lit, and not dazzling"
    assert _lit(0.3, 10.0, 3.0) == pytest.approx(_lit(0.3, 10.0, -3.0), rel=1e-4)


def _over(azimuth: float, elevation: float, sky: float = 1.0, **light: float) -> np.ndarray:
    """A sky of one grey behind the far land in one direction."""
    names = ("sun", "cloud", "night", "fog", "warmth", "snow", "rain")
    rgb = np.full(3, sky)
    far_land(azimuth, elevation, np.array([light.get(name, 0.0) for name in names]), 5, np.full(3, sky), rgb)
    return rgb


def test_far_land_stands_on_the_horizon_and_leaves_the_sky_alone():
    around = np.linspace(-np.pi, np.pi, 720, endpoint=False)
    below = np.array([_over(azimuth, -0.01, sun=1.0) for azimuth in around])
    assert (below.max(axis=1) < 0.5).all(), "no gap between the land and what stands on it"
    assert all((_over(azimuth, HIGHEST_RAD + 1e-6) == 1.0).all() for azimuth in around[::40])
    heights = np.array([max(e for e in np.linspace(0, HIGHEST_RAD, 40) if _over(a, e, sun=1.0)[1] < 0.9) for a in around])
    assert 0.01 < np.median(heights) < 0.05 and heights.std() > 0.004, "roofs and crowns of many heights"
    assert heights.max() < HIGHEST_RAD - 0.002, "nothing is cut off at the top"


def test_far_land_drowns_in_fog_and_burns_at_night():
    around = np.linspace(-np.pi, np.pi, 400, endpoint=False)
    fog = np.array([_over(a, 0.012, sky=0.55, cloud=1.0, fog=0.04) for a in around])
    assert np.abs(fog - 0.55).max() < 0.02
    grid = [(a, e) for a in np.linspace(-np.pi, np.pi, 3000) for e in (0.014, 0.017, 0.020)]
    night = np.array([_over(a, e, sky=0.02, night=1.0) for a, e in grid]).max(axis=1)
    assert 0.0005 < (night > 0.1).mean() < 0.1, "some windows are lit, most are not"
    assert np.median(night) <= 0.02


def test_the_far_land_is_in_the_map_of_the_sky():
    sky = skies.sky_map(Look(cloud=0.0))
    rgb, high = np.zeros(3), np.zeros(3)
    skies.sample(sky, 1.0, 0.0, -0.02, rgb)
    skies.sample(sky, np.cos(0.2), 0.0, np.sin(0.2), high)
    assert rgb.mean() < 0.6 * high.mean()
