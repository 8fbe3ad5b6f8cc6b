"""A SceneClip: everything per frame that the engine is given. Derived from a Document, never stored inside one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.spec.camera import Camera
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D, RATE_HZ, GridSpec
from engine.spec.layout import Layout
from engine.spec.looks import AgentLook


@dataclass(frozen=True, slots=True, eq=False)
class SceneClip:
    """T frames at 12 Hz."""

    layouts: np.ndarray
    """uint8 (T, 15, X, Y), 0 or 1, each in its own frame's ego frame."""
    boxes: tuple[tuple[Box, ...], ...]
    """Per frame, in that frame's ego frame; those whose footprint touches the grid."""
    world_SE3_ego: np.ndarray
    """float64 (T, 4, 4)."""
    cameras: tuple[Camera, ...] = ()
    """Every camera's intrinsics, and its pose at frame 0."""
    ego_SE3_cameras: np.ndarray | None = None
    """float64 (T, N, 4, 4), camera poses per frame; None where they all sit still on the ego."""
    grid: GridSpec = OCC3D
    prompt: str = ""
    document_hash: str = ""
    start_s: float = 0.0
    looks: Mapping[int, AgentLook] = field(default_factory=dict)
    """Instance id -> what was chosen of its look; the seed decides the rest. Occupancy does not depend on it."""
    ground: tuple[Layout, ...] | None = None
    """Per frame, in the world frame: what `layouts` show of areas, lines and paint, for whoever looks at them from elsewhere. None where only
    the layouts are known."""
    timestamps_s: np.ndarray = field(init=False)
    """float64 (T,)."""

    def __post_init__(self) -> None:
        count = len(self.layouts)
        if self.layouts.shape[1:] != (15, *self.grid.bev_shape):
            raise ValueError(
                f"Layouts of shape {self.layouts.shape} do not fit grid '{self.grid.name}': they must be (T, 15, {self.grid.shape[0]}, {self.grid.shape[1]})."
            )
        if len(self.boxes) != count or self.world_SE3_ego.shape != (count, 4, 4):
            raise ValueError(
                f"{count} layouts came with {len(self.boxes)} frames of boxes and poses of shape {self.world_SE3_ego.shape}: "
                "there must be one of each per frame."
            )
        if self.ground is not None and len(self.ground) != count:
            raise ValueError(f"{count} layouts came with the ground of {len(self.ground)} frames: there must be one per frame.")
        if not np.isfinite(self.world_SE3_ego).all():
            raise ValueError("The ego path has a pose that is not a number: mend the path before generating.")
        object.__setattr__(self, "timestamps_s", self.start_s + np.arange(count) / RATE_HZ)

    def __len__(self) -> int:
        return len(self.layouts)

    def camera_pose(self, frame: int, camera: int) -> np.ndarray:
        """ego_SE3_camera (4, 4) of one camera at one frame."""
        if self.ego_SE3_cameras is None:
            return self.cameras[camera].ego_SE3_camera.matrix()
        return self.ego_SE3_cameras[frame, camera]
