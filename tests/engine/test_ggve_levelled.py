"""Pictures levelled along their overlaps, on a plain whose every point has one known colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.spec.camera import Camera
from engine.spec.geometry import Pose, invert
from engine.views.ggve.levelled import EVERY, Seen, levelled, seen_again

SIZE = (160, 288)
MOUNT = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""Camera frame of one that looks along x."""
LENS = Camera("one", SIZE[1], SIZE[0], 160.0, 160.0, SIZE[1] / 2, SIZE[0] / 2)


def view(yaw_rad: float) -> tuple[np.ndarray, Seen]:
    """What a camera 1.5 m above an endless plain shows, of 255, and sees."""
    world_SE3_camera = Pose(0.0, 0.0, 1.5, yaw_rad).matrix() @ MOUNT
    rays = LENS.rays().astype(np.float64)
    world = rays @ world_SE3_camera[:3, :3].T
    with np.errstate(divide="ignore"):
        distance = np.where(world[..., 2] < -0.03, -1.5 / world[..., 2], 0.0)
    ground = world * distance[..., None]
    pattern = 120 + 40 * np.stack([np.sin(ground[..., 0]), np.cos(ground[..., 1]), np.sin(ground[..., 0] + ground[..., 1])], -1)
    picture = np.where(distance[..., None] > 0, pattern, 200 + 30 * world)
    return picture.astype(np.float32), Seen(LENS, world_SE3_camera, rays.transpose(2, 0, 1), distance.astype(np.float16))


def near(seen: Seen) -> np.ndarray:
    """bool (H, W): sky, and ground near enough that its pattern is not finer than pixels."""
    return (seen.far_m < 8) | (seen.far_m > 1e4)


def overlap(seen: Seen, other: Seen) -> np.ndarray:
    """bool (H, W): what the other sees too, and fine enough."""
    there, _ = seen_again(seen, other)
    return np.kron(there, np.ones((EVERY, EVERY), bool)) & near(seen)


def test_a_view_takes_the_colour_of_the_one_beside_it_where_both_show_the_same():
    (left, left_seen), (right, right_seen) = view(0.6), view(0.0)
    rows, columns = np.indices(SIZE)
    cast = np.stack([12 + 8 * np.sin(columns / 30), np.full(SIZE, -15), 9 * np.cos(rows / 25)], -1)
    made = levelled(right + cast, right_seen, [(left, left_seen)])
    both, wrong = overlap(right_seen, left_seen), np.abs(made - right).mean(-1)
    assert 0.1 < both.mean() < 0.6
    assert wrong[both].mean() < 0.15 * np.abs(cast)[both].mean()
    away = columns > 250
    assert np.abs(made - right - cast)[away].mean() < 1.5, "far from the overlap nothing changes"
    steps = np.abs(np.diff(made - right, axis=1))
    assert steps[near(right_seen)[:, 1:]].max() < 6, "and on the way there is no seam"


def test_equal_colours_stay_and_views_that_share_nothing_do_not_speak():
    (left, left_seen), (right, right_seen), (behind, behind_seen) = view(0.6), view(0.0), view(np.pi)
    assert np.abs(levelled(right, right_seen, [(left, left_seen)]) - right)[near(right_seen)].mean() < 0.5
    assert (levelled(right, right_seen, [(behind, behind_seen)]) == right).all()
    assert (levelled(right, right_seen, []) == right).all()


def test_what_stands_in_front_of_a_point_says_nothing_of_it():
    (left, left_seen), (right, right_seen) = view(0.6), view(0.0)
    box = slice(90, 150), slice(180, 288)
    distance = np.where(left_seen.far_m > 1e4, 0, left_seen.far_m)
    distance[box] = 1.5
    left[box] = 255, 0, 0
    hidden = Seen(LENS, left_seen.world_SE3_camera, LENS.rays().transpose(2, 0, 1), distance)
    assert overlap(right_seen, hidden).sum() < 0.9 * overlap(right_seen, left_seen).sum()
    assert np.abs(levelled(right, right_seen, [(left, hidden)]) - right)[near(right_seen)].mean() < 0.6


@pytest.mark.parametrize("yaw_rad", [0.3, 0.8])
def test_where_a_point_is_seen_again_against_one_point_at_a_time(yaw_rad):
    _, one = view(0.0)
    _, other = view(yaw_rad)
    there, at = seen_again(one, other)
    found = np.full((*there.shape, 2), np.nan)
    found[there] = at.T
    random, camera_SE3_world, checked = np.random.Generator(np.random.PCG64(1)), invert(other.world_SE3_camera), 0
    for row, column in random.integers(0, there.shape, (300, 2)):
        v, u = EVERY * row + EVERY // 2, EVERY * column + EVERY // 2
        far = float(one.far_m[v, u])
        x, y, z = (camera_SE3_world @ one.world_SE3_camera @ np.array([*(LENS.rays()[v, u] * far), 1]))[:3]
        across, down = (160 * x / z + 144, 160 * y / z + 80) if z > 0 else (-1, -1)
        if not (1 < across < 287 and 1 < down < 159):
            assert not there[row, column]
        elif there[row, column]:
            assert found[row, column] == pytest.approx([down - 0.5, across - 0.5], abs=0.02)
            checked += 1
        elif abs(v - 80) > 15:  # away from the horizon nothing is an outline, and nothing hides the plain
            raise AssertionError(f"{row}, {column} is seen again, and was not found")
    assert checked > 50


def test_a_lens_that_shows_nothing_in_its_corners_levels_the_rest():
    picture, seen = view(0.0)
    rays = LENS.rays().transpose(2, 0, 1).copy()
    rays[:, :40, :40] = 0
    holed = Seen(replace(LENS, name="holed"), seen.world_SE3_camera, rays, np.where(seen.far_m > 1e4, 0, seen.far_m))
    made = levelled(picture - 10, holed, [(picture, seen)])
    assert np.isfinite(made).all() and np.abs(made - picture)[60:, 60:].mean() < 1
