"""What the 3D view draws over the voxels: poses for viser, box edges, the ego's path. Metres, radians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from viser import transforms

from editor.clip import ego_pose_at
from editor.document import Document
from editor.validate import EGO_CENTER_AHEAD_M, EGO_SIZE_M
from engine.spec.camera import Camera
from engine.spec.classes import CHANNEL, CHANNEL_RGB
from engine.spec.geometry import Box, Pose, invert, transform
from engine.spec.grid import RATE_HZ, GridSpec

_EDGES = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]])


def wxyz_position(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quaternion (w, x, y, z) and position of a (4, 4) pose, as viser wants them."""
    return transforms.SO3.from_matrix(pose[:3, :3]).wxyz, pose[:3, 3].copy()


def pose_of(wxyz: np.ndarray, position: np.ndarray) -> Pose:
    """The inverse of `wxyz_position`."""
    matrix = np.eye(4)
    matrix[:3, :3] = transforms.SO3(np.asarray(wxyz, np.float64)).as_matrix()
    matrix[:3, 3] = position
    return Pose.from_matrix(matrix)


def box_edges(boxes: Sequence[Box]) -> tuple[np.ndarray, np.ndarray]:
    """Segments float32 (12 N, 2, 3) of boxes in their own frame, and their colours uint8 (12 N, 2, 3)."""
    if not boxes:
        return np.zeros((0, 2, 3), np.float32), np.zeros((0, 2, 3), np.uint8)
    corners = np.empty((len(boxes), 8, 3))
    for row, box in zip(corners, boxes, strict=True):
        row[:4, :2] = row[4:, :2] = box.corners_bev_m()
        row[:4, 2] = box.center_m[2] - box.size_m[2] / 2
        row[4:, 2] = box.center_m[2] + box.size_m[2] / 2
    colours = CHANNEL_RGB[[CHANNEL[box.class_name] for box in boxes]]
    return corners[:, _EDGES].reshape(-1, 2, 3).astype(np.float32), np.repeat(colours, 24, axis=0).reshape(-1, 2, 3)


def inside(boxes: Sequence[Box], world_SE3_ego: np.ndarray, grid: GridSpec) -> list[bool]:
    """Whether each box (world frame) has its middle in the window that is generated."""
    if not boxes:
        return []
    centres = transform(invert(world_SE3_ego), np.array([box.center_m for box in boxes], np.float64))
    return list(((centres >= grid.origin_m) & (centres < grid.upper_m)).all(1))


def dimmed(colours: np.ndarray, background: tuple[int, int, int], share: float = 0.3) -> np.ndarray:
    """Colours of which only a share is left over the background."""
    return np.round(share * colours + (1 - share) * np.asarray(background)).astype(np.uint8)


def ego_box() -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (3,) of the ego's body, in its own frame."""
    length, width, height = EGO_SIZE_M
    low = np.array([EGO_CENTER_AHEAD_M - length / 2, -width / 2, 0.0])
    return low, low + (length, width, height)


def ego_in_world(world_SE3_ego: np.ndarray) -> Box:
    """The ego's body as a box of the world."""
    low, high = ego_box()
    middle = transform(world_SE3_ego, (0.5 * (low + high))[None])[0]
    return Box(0, "car", tuple(middle.tolist()), EGO_SIZE_M, float(np.arctan2(world_SE3_ego[1, 0], world_SE3_ego[0, 0])))


def ego_body() -> list[tuple[np.ndarray, np.ndarray]]:
    """Middles and sizes (3,) of the boxes that make the ego's body: the car, and its cabin."""
    low, high = ego_box()
    length, width, height = high - low
    return [
        (np.array([EGO_CENTER_AHEAD_M, 0.0, 0.2 + 0.25 * height]), np.array([length, width, 0.5 * height])),
        (np.array([EGO_CENTER_AHEAD_M - 0.06 * length, 0.0, 0.2 + 0.67 * height]), np.array([0.55 * length, 0.88 * width, 0.34 * height])),
    ]


def ego_track(document: Document, every: int = 3) -> np.ndarray:
    """Segments float32 (N, 2, 3) along the ego's path, just above the ground, world frame."""
    last = max(1, round(document.duration_s * RATE_HZ) - 1)
    frames = [*range(0, last, every), last]
    poses = [ego_pose_at(document, frame / RATE_HZ) for frame in frames]
    points = np.array([[pose.x_m, pose.y_m, pose.z_m + 0.1] for pose in poses], np.float32)
    return np.stack([points[:-1], points[1:]], 1)


def frustum(camera: Camera) -> tuple[float, float]:
    """Vertical field of view (rad) and aspect of the pyramid that stands for a camera; a fisheye's is cut at 120 degrees."""
    fov = 2 * np.arctan2(camera.height / 2, camera.fy)
    return float(min(fov, np.radians(120.0))), float(camera.width / camera.fx * camera.fy / camera.height)


FRUSTUM_SCALE = 0.5
"""Of viser's pyramids: their volume is the same for every lens."""


def frustum_m(camera: Camera) -> tuple[float, float, float]:
    """Half width, half height and depth of the pyramid that viser draws for a camera."""
    fov, aspect = frustum(camera)
    up = float(np.tan(fov / 2))
    size = FRUSTUM_SCALE / np.cbrt(aspect * up * up / 3)
    return up * aspect * size, up * size, size
