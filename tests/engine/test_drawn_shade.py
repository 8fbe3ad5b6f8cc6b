"""What keeps edges smooth and surfaces still: which rays of a pixel are one surface, how wide a pixel is on it, what of the sky it sees."""

import numpy as np
import pytest

from engine.api import OccupancyFrame
from engine.spec.camera import surround_cameras
from engine.spec.classes import CHANNELS, CLASS, FREE, GROUND
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D
from engine.views.drawn import shade
from engine.views.drawn.answer import _along_surface
from engine.views.drawn.lighting import OPEN_DIRECTIONS, OPEN_RAYS, SAME_FOR_ALL, openness
from engine.views.drawn.mesh import Material
from engine.views.drawn.rays import RAY, Together, Triangles
from engine.views.drawn.world import DrawnWorld
from engine.views.look import Look, read_prompt

CAR = CLASS["car"]
SPREAD = 0.003


def _pixel(places: list[tuple[float, float, float]], normal: tuple[float, float, float]) -> tuple[np.ndarray, ...]:
    """Two rays from 1.5 m above the origin that hit one part at two places (2, 3)."""
    place = np.array(places)
    far = np.linalg.norm(place - (0.0, 0.0, 1.5), axis=1)
    normals = np.tile(np.array(normal), (2, 1))
    return np.array([7, 7], np.int64), far, place, normals, normals


def test_a_walk_is_no_part_of_the_road_that_it_hides():
    up = (0.0, 0.0, 1.0)
    beyond = _pixel([(12.0, 0.0, 0.15), (13.2, 0.0, 0.0)], up)
    assert not shade._alike(*beyond, 0, 1, False, SPREAD)
    same = _pixel([(12.0, 0.0, 0.0), (13.2, 0.0, 0.0)], up)
    assert shade._alike(*same, 0, 1, False, SPREAD)
    tilted = _pixel([(12.0, 0.0, 0.0), (12.6, 0.0, 0.3)], (-0.5 / np.hypot(0.5, 1), 0.0, 1 / np.hypot(0.5, 1)))
    assert shade._alike(*tilted, 0, 1, False, SPREAD), "a slope is one surface"


def test_leaves_of_one_clump_are_one_surface_whichever_way_they_turn():
    key, far, place, _, _ = _pixel([(12.0, 0.0, 2.0), (12.2, 0.1, 2.1)], (0.0, 0.0, 1.0))
    turned = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert shade._alike(key, far, place, turned, turned, 0, 1, True, SPREAD)
    assert not shade._alike(key, far, place, turned, turned, 0, 1, False, SPREAD)


def test_a_wall_seen_aslant_is_averaged_along_it_and_stays_sharp_upwards():
    wide, slant = 0.02, 0.2
    along, up = _along_surface(0.0, -1.0, 0.0, np.sqrt(1 - slant**2), slant, 0.0, wide, wide / slant)
    assert along == pytest.approx(wide / slant) and up == pytest.approx(wide)
    along, up = _along_surface(0.0, -1.0, 0.0, 0.0, slant, -np.sqrt(1 - slant**2), wide, wide / slant)
    assert along == pytest.approx(wide) and up == pytest.approx(wide / slant)
    roof = np.array([0.0, -0.6, 0.8])  # looked down at along its slope
    along, up = _along_surface(*roof, 0.0, 0.8, 0.6, wide, wide / slant)
    assert along == pytest.approx(wide) and up == pytest.approx(wide / slant)


def test_upright_faces_see_the_same_sky_however_their_normals_are_rounded():
    # A board that stands aslant beside the place: a frame turned about the normal would see another share of it.
    board = np.array([(0.4, -0.5, -3.0), (0.9, -2.5, -3.0), (0.9, -2.5, 3.0), (0.4, -0.5, 3.0)], np.float32)
    scene = Together([Triangles(board, np.array([(0, 1, 2), (0, 2, 3)], np.int32))])
    ray = np.zeros(RAY, np.float32)
    seen = [
        [openness(scene.pointer, ray, ray.view(np.uint32), 0.0, 0.0, 0.0, 0.0, -1.0, nz, cell, OPEN_DIRECTIONS) for cell in range(SAME_FOR_ALL + 1)]
        for nz in (-1e-9, 0.0, 1e-9)
    ]
    np.testing.assert_array_equal(seen[0], seen[2])
    assert min(seen[0]) < 1.0, "some of the rays meet the board"


def test_rays_to_the_sky_are_spread_over_a_cosine_hemisphere():
    assert OPEN_DIRECTIONS.shape == ((SAME_FOR_ALL + 1) * OPEN_RAYS, 3)
    np.testing.assert_allclose(np.linalg.norm(OPEN_DIRECTIONS, axis=1), 1.0, atol=1e-9)
    for rays in (OPEN_DIRECTIONS[: SAME_FOR_ALL * OPEN_RAYS], OPEN_DIRECTIONS[SAME_FOR_ALL * OPEN_RAYS :]):
        assert rays[:, 2].mean() == pytest.approx(2 / 3, abs=0.03)
        assert np.abs(rays[:, :2].mean(axis=0)).max() < 0.2


def test_gloss_is_the_mean_of_what_the_rays_of_a_pixel_see():
    """A car near by against the same picture four times as large, averaged; mirrored once a pixel it was 6.4 and 146 (of 255), a row of dots on the bonnet."""
    small, _ = _car_drawn(1)
    large, instance = _car_drawn(4)
    height, width = small.shape[:2]
    averaged = large.reshape(height, 4, width, 4, 3).mean((1, 3))
    car = (instance.reshape(height, 4, width, 4) == 1).all((1, 3))
    off = np.abs(small - averaged).max(-1)[car]
    assert car.sum() > 1000
    assert off.mean() < 5.9 and off.max() < 110


def _car_drawn(scale: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) of a car 7 m ahead on a bare street under a clear sky, and its instances (H, W)."""
    box = Box(1, "car", (7.0, 0.5, 0.7), (4.6, 1.9, 1.5), 0.6)
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = GROUND[0]
    semantics[112:122, 99:103, 3:6] = CAR
    instances = np.where(semantics == CAR, box.instance_id, 0).astype(np.uint16)
    ahead = max(surround_cameras(112 * scale, 64 * scale), key=lambda camera: camera.ego_SE3_camera.matrix()[0, 2])
    clip = SceneClip(np.zeros((1, len(CHANNELS), *OCC3D.bev_shape), np.uint8), ((box,),), np.eye(4)[None], (ahead,))
    world = DrawnWorld(clip, Look())
    moment = world.see(OccupancyFrame(0, semantics, instances))
    seen = world.expose(moment, 0)
    return world.develop(seen, moment, 0).astype(np.float64), seen.instance


def test_every_row_of_the_pattern_looks_all_around() -> None:
    """What is narrow in a picture is seen in one row of pixels. Beside a wall that hides half the sky a row saw all of it, the next none."""
    pattern = OPEN_DIRECTIONS[: SAME_FOR_ALL * OPEN_RAYS].reshape(4, 4, OPEN_RAYS, 3)
    for angle in np.linspace(0, 2 * np.pi, 64):
        free = pattern @ np.array([np.cos(angle), np.sin(angle), 0.0]) > 0
        for rows in (free.mean(axis=(1, 2)), free.mean(axis=(0, 2))):
            assert np.abs(rows - 0.5).max() < 0.13


def test_dull_metal_mirrors_no_pictures() -> None:
    """A lamp's mast under clouds: one mirrored ray a pixel speckled it."""
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = GROUND[0]
    semantics[108, 98, 3:] = semantics[120, 104, 3:] = CLASS["manmade"]
    ahead = max(surround_cameras(224, 128), key=lambda camera: camera.ego_SE3_camera.matrix()[0, 2])
    clip = SceneClip(np.zeros((1, len(CHANNELS), *OCC3D.bev_shape), np.uint8), ((),), np.eye(4)[None], (ahead,))
    world = DrawnWorld(clip, read_prompt("overcast", 0)[0])
    moment = world.see(OccupancyFrame(0, semantics, np.zeros(OCC3D.shape, np.uint16)))
    seen = world.expose(moment, 0)
    metal = seen.material == Material.METAL + 1
    assert metal.sum() > 50 and (seen.roughness[metal] >= shade.BRUSHED).all()
    assert seen.shone[metal].max() < 1e-6 and seen.ambient[metal].min() > 0
