"""Cameras and pictures as nerfstudio and other reconstructions read them: transforms.json, one row a picture, each with its own lens and pose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from engine.export.parts import ExportError, ExportReport, pictures, videos, write_whole
from engine.spec.take import Take

CAMERA_SE3_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""From a camera whose x is right, y up and z backward, as the format has it, to ours (x right, y down, z forward)."""


def transforms(take: Take, out: Path) -> ExportReport:
    """images/CAMERA/%05d.png and transforms.json: poses in the scene's world (metres, z up), pixel centres at integer + 0.5, `time` in seconds."""
    found = {video.stem: video for video in videos(take)}
    filmed = [(number, camera) for number, camera in enumerate(take.cameras) if camera.name in found]
    # The file names one lens model for all of its pictures.
    pinholes = [(number, camera) for number, camera in filmed if camera.fisheye is None]
    kept = pinholes or filmed
    rows: list[dict[str, object]] = []
    for number, camera in kept:
        folder = out / "images" / camera.name
        folder.mkdir(parents=True)
        lens = {"fl_x": camera.fx, "fl_y": camera.fy, "cx": camera.cx, "cy": camera.cy, "w": camera.width, "h": camera.height}
        lens |= dict(zip(("k1", "k2", "k3", "k4"), camera.fisheye or (), strict=False))
        for k, rgb in zip(range(take.frame_count), pictures(found[camera.name]), strict=False):
            if rgb.shape[:2] != (camera.height, camera.width):
                size = f"{rgb.shape[1]} x {rgb.shape[0]}"
                raise ExportError(f"{found[camera.name]} is {size} and its camera {camera.width} x {camera.height}: make the take again.")
            path = folder / f"{k:05d}.png"
            Image.fromarray(rgb).save(path)
            pose = take.world_SE3_ego[k] @ take.ego_SE3_cameras[k, number] @ CAMERA_SE3_OPENGL
            rows.append({"file_path": path.relative_to(out).as_posix(), **lens, "transform_matrix": pose.tolist(), "time": float(take.timestamps_s[k])})
    told = {"camera_model": "OPENCV" if pinholes else "OPENCV_FISHEYE", "frames": rows}
    write_whole(out / "transforms.json", json.dumps(told, indent=1, allow_nan=False).encode())
    said = ["Dropped: layouts, boxes and occupancy. What moves is not masked: a reconstruction of a still world has to leave the agents out."]
    if others := [camera.name for number, camera in filmed if (number, camera) not in kept]:
        said.append(f"Dropped: {', '.join(others)}: the file has one lens model for all of its cameras, and most are pinholes.")
    if unseen := [camera.name for camera in take.cameras if camera.name not in found]:
        said.append(f"Dropped: {', '.join(unseen)}, which the take has no video of.")
    return ExportReport(len(rows) + 1, tuple(said))
