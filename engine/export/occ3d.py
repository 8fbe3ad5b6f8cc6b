"""Occ3D-nuScenes: labels with masks of what sensors see, and annotations.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.export.parts import ExportError, ExportReport, occupancy, pose_row
from engine.render.raycast import Volume
from engine.render.sight import NUSCENES_LIDAR, camera_mask, lidar_mask
from engine.spec.camera import Camera
from engine.spec.classes import CLASS, FREE
from engine.spec.geometry import invert, transform
from engine.spec.grid import OCC3D, RATE_HZ
from engine.spec.take import Take

OCC3D_FREE = 17
STOP_M = 4.0
OCC3D_OF_CLASS = np.arange(FREE + 1, dtype=np.uint8)
"""Occ3D's label of each of our classes: what we paint on the road is road there, and 'free' is 17."""
OCC3D_OF_CLASS[[CLASS["ped_crossing"], CLASS["road_divider"], CLASS["lane_divider"]]] = CLASS["driveable_surface"]
OCC3D_OF_CLASS[FREE] = OCC3D_FREE


def occ3d(take: Take, out: Path) -> ExportReport:
    """Occ3D-nuScenes: gts/SCENE/TOKEN/labels.npz and annotations.json, with our frames as tokens."""
    semantics = occupancy(take)
    if take.grid.shape != OCC3D.shape or take.grid.voxel_m != OCC3D.voxel_m or not np.allclose(take.grid.origin_m, OCC3D.origin_m):
        raise ExportError(f"Occ3D has one grid of {OCC3D.shape} and this take's is {take.grid.shape}: generate it with the grid 'occ3d'.")
    scene = take.folder.resolve().name
    count = len(semantics)
    tokens = [f"{k:05d}" for k in range(count)]
    infos: dict[str, Any] = {}
    stops_m = _stops_m(take.world_SE3_ego)
    for k, token in enumerate(tokens):
        folder = out / "gts" / scene / token
        folder.mkdir(parents=True)
        elsewhere_m = transform(invert(take.world_SE3_ego[k]), stops_m)
        masks = seen_masks(Volume.from_dense(semantics[k], take.grid), take.cameras, take.ego_SE3_cameras[k], elsewhere_m)
        np.savez_compressed(folder / "labels.npz", semantics=OCC3D_OF_CLASS[semantics[k]], **masks)
        world_SE3_ego = take.world_SE3_ego[k]
        infos[token] = {
            "timestamp": round(float(take.timestamps_s[k]) * 1e6),
            "ego_pose": pose_row(world_SE3_ego),
            "camera_sensor": {
                f"{token}_{camera.name}": {
                    "img_path": f"imgs/{camera.name}/{token}.png",
                    "intrinsics": camera.intrinsics().tolist(),
                    "extrinsic": pose_row(take.ego_SE3_cameras[k, n]),
                    "ego_pose": pose_row(world_SE3_ego),
                }
                for n, camera in enumerate(take.cameras)
            },
            "gt_path": f"gts/{scene}/{token}/labels.npz",
            "prev": tokens[k - 1] if k else "",
            "next": tokens[k + 1] if k + 1 < count else "",
        }
    table = {"train_split": [scene], "val_split": [], "scene_infos": {scene: infos}}
    (out / "annotations.json").write_text(json.dumps(table, indent=1))
    folded = int(np.isin(semantics, (CLASS["ped_crossing"], CLASS["road_divider"], CLASS["lane_divider"])).sum())
    return ExportReport(
        count + 1,
        (
            f"Dropped: {folded} voxels of crossings and dividers became 'driveable_surface', which is all that Occ3D has.",
            "Dropped: instance ids and boxes, for which Occ3D has no place.",
            "Noted: mask_lidar is what a virtual LiDAR where nuScenes has its own has in sight, occupied voxels from all along the take's drive; "
            "mask_camera what of it the take's cameras have in sight in that frame.",
            f"Noted: frames are {RATE_HZ:g} Hz (Occ3D's keyframes are 2 Hz); pictures are not copied, export 'frames' writes them.",
        ),
    )


def seen_masks(
    volume: Volume, cameras: Sequence[Camera], ego_SE3_cameras: np.ndarray, elsewhere_m: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """mask_lidar and mask_camera, uint8 (X, Y, Z) of 0 and 1, of one frame; camera poses (N, 4, 4), other places of the LiDAR (M, 3) in the ego frame.

    As in Occ3D, what the cameras see counts only where the LiDAR knows of it.
    """
    by_lidar = lidar_mask(volume, elsewhere_m=elsewhere_m)
    by_cameras = np.zeros(volume.grid.shape, bool)
    for camera, pose in zip(cameras, ego_SE3_cameras, strict=True):
        by_cameras |= camera_mask(volume, camera, pose)
    return {"mask_lidar": by_lidar.astype(np.uint8), "mask_camera": (by_cameras & by_lidar).astype(np.uint8)}


def _stops_m(world_SE3_ego: np.ndarray) -> np.ndarray:
    """Where the LiDAR was (N, 3), in the world: at the first frame of a take and each time it had come STOP_M farther, poses (T, 4, 4)."""
    places = world_SE3_ego @ np.append(NUSCENES_LIDAR.ego_xyz_m, 1.0)
    stops = [places[0, :3]]
    for place in places[1:, :3]:
        if np.linalg.norm(place - stops[-1]) >= STOP_M:
            stops.append(place)
    return np.array(stops)
