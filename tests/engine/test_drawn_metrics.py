"""What is measured of drawn pictures: stillness that does not count its own reading, and masks without what voxels explain."""

import numpy as np
import pytest

from engine.api import Buffers
from engine.metrics.drawn import Agreement, Sight, Stillness, _silhouette
from engine.render.buffers import ray_table
from engine.spec.camera import Camera, surround_cameras
from engine.spec.classes import CLASS, NOTHING_HIT
from engine.spec.geometry import Box
from engine.views.drawn.film import Film, film
from engine.views.drawn.mesh import Material

CAMERA: Camera = surround_cameras(224, 128)[0]
EGO_SE3_CAMERA = CAMERA.ego_SE3_camera.matrix()
VOXEL_M = 0.4
CAR = Box(3, "car", (12.0, 0.0, 0.8), (4.6, 1.9, 1.6), 0.0)
PERSON = Box(5, "pedestrian", (10.0, 0.0, 0.9), (0.7, 0.7, 1.8), 0.0)


def _wall(depth_m: float) -> Film:
    """A wall that fills the picture, `depth_m` in front of the camera."""
    seen = film(CAMERA.height, CAMERA.width)
    seen.depth[:] = depth_m / ray_table(CAMERA)[..., 2]
    seen.label[:] = CLASS["manmade"]
    seen.material[:] = 1
    return seen


def _pattern(shift_px: float, period_px: float) -> np.ndarray:
    """uint8 (H, W, 3): stripes on the wall, each pixel averaged exactly, as the camera sees them after it moved."""
    edges = (np.arange(CAMERA.width + 1) + shift_px) * 2 * np.pi / period_px
    mean = (np.sin(edges[1:]) - np.sin(edges[:-1])) / np.diff(edges)
    return np.broadcast_to(np.round(128 + 80 * mean)[None, :, None], (CAMERA.height, CAMERA.width, 3)).astype(np.uint8)


def _stillness(period_px: float, wrong: int = 0) -> dict[str, float]:
    """Of stripes that are right in both pictures, or `wrong` levels brighter in the second; the camera moves by half a pixel to the right."""
    depth_m, shift = 10.0, 0.5
    moved = np.eye(4)
    moved[0, 3] = shift * depth_m / CAMERA.fx
    still = Stillness()
    second = np.clip(_pattern(shift, period_px).astype(int) + wrong, 0, 255).astype(np.uint8)
    still.add(CAMERA, (_wall(depth_m), _pattern(0.0, period_px), np.eye(4)), (_wall(depth_m), second, moved))
    return still.report()


def test_stripes_that_are_right_in_both_pictures_are_still_once_softened():
    fine = _stillness(4.0)
    assert fine["points"] > 20_000
    assert fine["mean"] > 8, "reading between pixels flattens fine stripes, though both pictures are right"
    assert fine["softened_mean"] < 0.6 * fine["mean"]
    broad = _stillness(40.0)
    assert broad["mean"] < 1 and broad["softened_mean"] < 1


def test_what_changes_over_more_than_a_pixel_is_not_softened_away():
    assert _stillness(40.0, wrong=10)["softened_mean"] == pytest.approx(10, abs=0.5)


def _buffers(mask: np.ndarray, name: str, number: int) -> Buffers:
    semantic = np.where(mask, CLASS[name], CLASS["driveable_surface"]).astype(np.uint8)
    depth = np.full(mask.shape, 10.0, np.float32)
    nothing = np.zeros((*mask.shape, 3), np.float32)
    return Buffers(semantic, depth, nothing, nothing, np.where(mask, number, 0).astype(np.uint16), np.zeros((*mask.shape, 6), np.float32))


def _film(mask: np.ndarray, name: str, number: int) -> Film:
    seen = _wall(10.0)
    seen.label[:] = np.where(mask, CLASS[name], CLASS["driveable_surface"])
    seen.instance[:] = np.where(mask, number, 0)
    return seen


def _agreement(of_voxels: np.ndarray, of_drawn: np.ndarray, box: Box) -> dict[str, float]:
    agreement = Agreement()
    sight = Sight(CAMERA, EGO_SE3_CAMERA, (box,), VOXEL_M)
    agreement.add(_film(of_drawn, box.class_name, box.instance_id), _buffers(of_voxels, box.class_name, box.instance_id), sight=sight)
    return agreement.report()


def test_the_silhouette_of_a_box_is_where_its_corners_are():
    seen = np.argwhere(_silhouette(CAR, Sight(CAMERA, EGO_SE3_CAMERA, (CAR,), VOXEL_M)))
    corners = np.array([(12 + a * 2.3, b * 0.95, 0.8 + c * 0.8, 1.0) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    pixels = CAMERA.project((corners @ np.linalg.inv(EGO_SE3_CAMERA).T)[:, :3])
    np.testing.assert_allclose(seen.min(axis=0)[::-1], pixels.min(axis=0), atol=1.0)
    np.testing.assert_allclose(seen.max(axis=0)[::-1] + 1, pixels.max(axis=0), atol=1.0)


def test_voxels_that_are_larger_than_their_agent_are_explained_and_an_agent_elsewhere_is_not():
    own = _silhouette(PERSON, Sight(CAMERA, EGO_SE3_CAMERA, (PERSON,), VOXEL_M))
    rows, columns = np.nonzero(own)
    body = own.copy()
    body[:, : columns.min() + 2] = body[:, columns.max() - 1 :] = False
    voxels = own.copy()
    voxels[rows.min() : rows.max() + 1, columns.min() - 5 : columns.max() + 6] = True
    report = _agreement(voxels, body, PERSON)
    assert report["agent_iou_median"] < 0.6, "the plain number counts the voxels' own size"
    assert report["agent_iou_without_explained_median"] > 0.95
    assert report["pedestrian_iou_median"] == report["agent_iou_median"] and report["pedestrian_masks"] == 1
    assert report["vehicle_iou_median"] is None
    beside = _agreement(voxels, np.roll(body, 30, axis=1), PERSON)
    assert beside["agent_iou_without_explained_median"] < 0.1


def test_a_trunk_under_a_crown_and_voxels_half_a_voxel_lower_have_their_own_numbers():
    empty = np.zeros((CAMERA.height, CAMERA.width), bool)
    seen = _film(empty, "car", 0)
    seen.label[:, 100:104], seen.material[:, 100:104] = CLASS["vegetation"], int(Material.BARK) + 1
    truth, lower = _buffers(empty, "car", 0), _buffers(empty, "car", 0)
    truth.semantic[:40], lower.semantic[:50] = NOTHING_HIT, NOTHING_HIT
    agreement = Agreement()
    agreement.add(seen, truth, lower)
    report = agreement.report()
    share = 4 * (CAMERA.height - 40) / empty.size
    assert report["differs_by_trunks"] == pytest.approx(share, abs=1e-3) and report["differs_otherwise"] == pytest.approx(0.0, abs=1e-3)
    assert report["drawn_beyond_the_grid"] == pytest.approx(40 / CAMERA.height, abs=1e-3)
    below = 1 - 4 / CAMERA.width
    assert report["same_where_voxels_do_not_end"] == pytest.approx(below, abs=1e-3) == report["the_same_half_a_voxel_lower"]
