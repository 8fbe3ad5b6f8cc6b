"""Draws docs/formats: opendrive_faults.png, what the importer makes of the small faults, and nuscenes.png, templates written as nuScenes and read again.

python -m tests.editor.draw_formats [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from editor import edits
from editor.clip import boxes_at, frame_count
from editor.document import Document
from editor.entities import Area, Line
from editor.formats import import_scene
from editor.samples import SAMPLES
from engine.export import export_take
from engine.spec.classes import CHANNEL, CHANNEL_RGB
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take
from tests.app.fakes import take as fake_take

FAULTS = Path(__file__).parent / "faults"
TARGET = Path(__file__).parents[2] / "docs/formats"
WRITTEN = ("crossing", "highway", "lane_closure", "two_way")
AROUND_M = 45.0
TILE, TITLE, GAP, ACROSS, FINER = 300, 24, 6, 4, 4
PAPER, INK, EGO = "#f7f7f5", "#16181c", "#e4572e"
FILL = {"walkway": "#e6dccb", "drivable_area": "#c9cdd4", "ped_crossing": "#6fb7a5"}
STROKE = {"road_divider": "#d19a1c", "lane_divider": "#ffffff"}


def tile(document: Document, around_m: float | None = None) -> Image.Image:
    """Top view, x to the right and y up: areas, lines, agents in the middle of the scene, the ego's path with an arrow at its end and a dot where
    it starts; all that there is, or so far around the middle of the ego's path."""
    points = np.concatenate([np.array(area.exterior_m) for area in document.of(Area)])
    if around_m is not None:
        drive = np.array([(keyframe.pose.x_m, keyframe.pose.y_m) for keyframe in document.ego.keyframes])
        points = (drive.min(0) + drive.max(0)) / 2 + np.array([[-around_m, -around_m], [around_m, around_m]])
    low, high = points.min(0), points.max(0)
    side = TILE * FINER
    scale = (0.94 if around_m is None else 1.0) * side / float((high - low).max())
    middle = (low + high) / 2

    def at(rows) -> list[tuple[float, float]]:  # noqa: ANN001 - (N, 2) metres
        return [(side / 2 + scale * (x - middle[0]), side / 2 - scale * (y - middle[1])) for x, y in rows]

    picture = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(picture)
    for channel, colour in FILL.items():
        layer = Image.new("L", (side, side), 0)
        pen = ImageDraw.Draw(layer)
        for area in document.of(Area):
            if area.channel == channel:
                own = Image.new("L", (side, side), 0)
                own_pen = ImageDraw.Draw(own)
                own_pen.polygon(at(area.exterior_m), fill=255)
                for hole in area.holes_m:
                    own_pen.polygon(at(hole), fill=0)
                pen.bitmap((0, 0), own, fill=255)
        picture.paste(colour, mask=layer)
    for channel, colour in STROKE.items():
        for line in document.of(Line):
            if line.channel == channel:
                draw.line(at(line.points_m), fill=colour, width=FINER + 1)
    for box in boxes_at(document, document.duration_s / 2):
        draw.polygon(at(box.corners_bev_m()), fill=tuple(int(v) for v in CHANNEL_RGB[CHANNEL[box.class_name]]), outline=INK)
    drive = np.array([(keyframe.pose.x_m, keyframe.pose.y_m) for keyframe in document.ego.keyframes])
    path = at(drive)
    draw.line(path, fill=EGO, width=2 * FINER, joint="curve")
    (x, y), radius = path[0], 3.5 * FINER
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=EGO)
    yaw = document.ego.keyframes[-1].pose.yaw_rad
    turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
    arrow = np.array([[14.0, 0.0], [-4.0, 7.0], [-4.0, -7.0]]) * FINER * 0.8 / scale
    draw.polygon(at(arrow @ turn + drive[-1]), fill=EGO)
    return picture.resize((TILE, TILE), Image.Resampling.LANCZOS)


def sheet(tiles: list[tuple[str, Image.Image]]) -> Image.Image:
    """Tiles with their titles, row by row."""
    rows = -(-len(tiles) // ACROSS)
    whole = Image.new("RGB", (ACROSS * (TILE + GAP) - GAP, rows * (TILE + TITLE + GAP) - GAP), "white")
    pen = ImageDraw.Draw(whole)
    for number, (title, picture) in enumerate(tiles):
        x, y = number % ACROSS * (TILE + GAP), number // ACROSS * (TILE + TITLE + GAP)
        pen.text((x + 4, y + 6), title, fill=INK)
        whole.paste(picture, (x, y + TITLE))
    return whole


def there_and_back(name: str) -> tuple[Document, Document]:
    """A template without the time after its last key frame, and what the reader makes of the nuScenes set that is written of its take."""
    made = SAMPLES[name]()
    frames = (frame_count(made) - 1) // 6 * 6 + 1
    with tempfile.TemporaryDirectory() as folder:
        take = Take.open(fake_take(made, Path(folder) / "take", frames=frames, cameras=["CAM_FRONT"]))
        export_take(take, "nuscenes", Path(folder) / "set")
        back, _ = import_scene("nuscenes", Path(folder) / "set")
    return edits.set_scene(duration_s=frames / RATE_HZ)(made), back


def main(folder: Path) -> None:
    faults = [(source.stem, tile(import_scene("opendrive", source)[0])) for source in sorted(FAULTS.glob("*.xodr"))]
    sheet(faults).save(folder / "opendrive_faults.png", optimize=True)
    pairs = [(name, there_and_back(name)) for name in WRITTEN]
    tiles = [(f"{name}: {words}", tile(pair[n], AROUND_M)) for n, words in enumerate(("the template", "read from nuScenes' tables")) for name, pair in pairs]
    sheet(tiles).save(folder / "nuscenes.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
