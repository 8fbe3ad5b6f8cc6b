"""Plain pictures and videos: layouts as PNG, the cameras' videos, and their frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from engine.export.parts import ExportReport, pictures, videos
from engine.render.above import layout_cells, turned_up
from engine.spec.classes import CHANNELS
from engine.spec.take import Take


def png(take: Take, out: Path) -> ExportReport:
    """The layouts: CHANNEL/%05d.png (0 or 255), and colour/%05d.png with agents on top. Up is forward, left is left."""
    for name in (*CHANNELS, "colour"):
        (out / name).mkdir(parents=True)
    for k, layout in enumerate(take.layouts):
        for channel, name in enumerate(CHANNELS):
            Image.fromarray(turned_up((layout[channel] > 0).astype(np.uint8) * 255)).save(out / name / f"{k:05d}.png")
        Image.fromarray(turned_up(layout_cells(layout, (16, 16, 16)))).save(out / "colour" / f"{k:05d}.png")
    last_x, last_y = take.grid.shape[0] - 1, take.grid.shape[1] - 1
    noted = f"Noted: one pixel is {take.grid.voxel_m:g} m, and [row, column] shows layout cell [{last_x} - row, {last_y} - column]."
    dropped = "Dropped: poses, boxes, cameras and occupancy; these are the layouts alone."
    return ExportReport(len(take.layouts) * (len(CHANNELS) + 1), (dropped, noted))


def mp4(take: Take, out: Path) -> ExportReport:
    """The cameras' videos, CAMERA.mp4."""
    found = videos(take)
    out.mkdir(parents=True, exist_ok=True)
    for video in found:
        shutil.copyfile(video, out / video.name)
    return ExportReport(len(found), ("Dropped: everything but the pictures: layouts, occupancy, geometry, poses and boxes.",))


def frames(take: Take, out: Path) -> ExportReport:
    """The videos frame by frame, CAMERA/%05d.png, and timestamps.csv."""
    written = 0
    for video in videos(take):
        folder = out / video.stem
        folder.mkdir(parents=True)
        for k, rgb in enumerate(pictures(video)):
            Image.fromarray(rgb).save(folder / f"{k:05d}.png")
            written += 1
    rows = [f"{k},{time_s:.6f}" for k, time_s in enumerate(take.timestamps_s)]
    (out / "timestamps.csv").write_text("\n".join(("frame,time_s", *rows)) + "\n")
    return ExportReport(written + 1, ("Dropped: everything but the pictures, which went through H.264 once.",))
