"""Headings, neighbours and a camera between two."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.spec.camera import Camera, surround_cameras
from engine.spec.geometry import Pose, rotation
from engine.spec.rig_geometry import adjacent, between, heading_rad, left_to_right

AHEAD = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])  # ego_R_camera of a camera that looks along x


def camera(yaw_deg: float, *, pitch_deg: float = 0.0, focal: float = 80.0, at: tuple[float, float, float] = (0.0, 0.0, 1.5)) -> Camera:
    """Positive pitch looks down."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(math.radians(yaw_deg), math.radians(pitch_deg)) @ AHEAD, at
    return Camera(f"{yaw_deg}", 160, 90, focal, focal, 80, 45, Pose.from_matrix(pose))


@pytest.mark.parametrize("pitch_deg", [-90, -60, 0, 60, 90])
def test_a_heading_survives_any_tilt(pitch_deg: float) -> None:
    assert math.degrees(heading_rad(camera(70, pitch_deg=pitch_deg))) == pytest.approx(70)


def test_a_panorama_is_cut_where_nobody_looks() -> None:
    def order(*yaws_deg: float) -> list[float]:
        return [yaws_deg[k] for k in left_to_right([camera(yaw) for yaw in yaws_deg])]

    assert order(0, 55, -55) == [55, 0, -55]
    assert order(110, 180, -110) == [-110, 180, 110], "looking back, the car's right is on the left"
    assert order(-179, 179) == [-179, 179]
    beside = [camera(0, at=(0, -1, 1.5)), camera(0, at=(0, 1, 1.5))]
    assert left_to_right(beside) == [1, 0]


def pairs(*cameras: Camera) -> set[tuple[str, str]]:
    return {(cameras[right].name, cameras[left].name) for right, left in adjacent(cameras)}


def test_neighbours_close_a_ring_and_not_a_fan() -> None:
    assert pairs(*(camera(yaw) for yaw in (0, 120, 240))) == {("0", "120"), ("120", "240"), ("240", "0")}
    assert pairs(camera(0), camera(180)) == {("0", "180"), ("180", "0")}, "one fits in to the left and one to the right"
    assert pairs(camera(55), camera(0), camera(-55)) == {("-55", "0"), ("0", "55")}
    assert pairs(camera(0), camera(50)) == {("0", "50")}
    assert pairs(camera(0)) == set() == pairs()


def test_neighbours_leave_out_what_does_not_look_around() -> None:
    wide, long = camera(1, focal=60), camera(0, focal=600)
    assert pairs(wide, long, camera(60)) == {("1", "60")}, "of two that look the same way, the wide one"
    back = [replace(camera(180), name="a"), replace(camera(-179.9), name="b", fx=40.0)]
    assert pairs(*back, camera(90), camera(-90)) == {("90", "b"), ("b", "-90"), ("-90", "90")}
    assert pairs(camera(0), camera(60), replace(camera(30, pitch_deg=80), name="down")) == {("0", "60")}
    assert pairs(camera(0), camera(60, at=(30, 0, 5))) == set(), "one of them stands on a mast"


def test_a_camera_between_is_the_mean_of_both() -> None:
    right, left = camera(0, at=(2, 0, 1)), camera(50, pitch_deg=20, focal=120, at=(1, 1, 2))
    middle = between(right, left, ())
    a, m, b = (one.ego_SE3_camera.matrix() for one in (right, middle, left))
    assert m[:3, 3] == pytest.approx((1.5, 0.5, 1.5)) and (middle.fx, middle.fy, middle.cx) == (100, 100, 80)
    half = m[:3, :3] @ a[:3, :3].T
    assert half @ half @ a[:3, :3] == pytest.approx(b[:3, :3]), "the same turn twice"
    assert np.arccos((half.trace() - 1) / 2) < math.radians(30), "along the shortest arc"
    assert middle.name == f"VIEW_{round(math.degrees(heading_rad(middle))):03d}"


def test_half_a_circle_is_gone_counter_clockwise() -> None:
    for yaw in (0.0, 33.0, -120.0):
        for tilt in (0.0, 7.0):
            right, left = camera(yaw, pitch_deg=-tilt), camera(yaw + 180, pitch_deg=tilt)
            assert math.cos(heading_rad(between(right, left, ())) - math.radians(yaw + 90)) == pytest.approx(1, abs=1e-6)
            assert math.cos(heading_rad(between(left, right, ())) - math.radians(yaw - 90)) == pytest.approx(1, abs=1e-6)


def test_names_say_the_heading_and_stay_unique() -> None:
    right, left = camera(0), camera(55)
    assert between(right, left, ()).name == "VIEW_028" == between(right, left, ["other"]).name
    assert between(right, left, ["VIEW_028"]).name == "VIEW_028_2"
    assert between(right, left, ["VIEW_028", "VIEW_028_2"]).name == "VIEW_028_3"
    assert between(camera(-55), right, ()).name == "VIEW_333"


def test_lenses_of_two_kinds_and_sizes() -> None:
    portrait = Camera("portrait", 101, 203, 100, 100, 50, 100, camera(0).ego_SE3_camera)
    landscape = Camera("landscape", 200, 100, 100, 100, 100, 50, camera(50).ego_SE3_camera)
    middle = between(portrait, landscape, ())
    assert middle.width % 2 == middle.height % 2 == 0 and middle.width == pytest.approx(150, abs=1)
    assert middle.cx / middle.width == pytest.approx(0.5, abs=0.01), "means of sizes and of fields of view"
    one, other = (replace(camera(yaw), fisheye=k) for yaw, k in ((0, (0.2, 0.0, 0.0, 0.0)), (50, (0.0, 0.1, 0.0, 0.0))))
    assert between(one, other, ()).fisheye == (0.1, 0.05, 0.0, 0.0)
    assert between(one, landscape, ()).fisheye is None


def test_a_regular_ring_becomes_a_regular_ring() -> None:
    cameras = surround_cameras()
    inserted = [between(cameras[right], cameras[left], ()) for right, left in adjacent(cameras)]
    assert {one.name for one in inserted} == {"VIEW_030", "VIEW_090", "VIEW_150", "VIEW_210", "VIEW_270", "VIEW_330"}
