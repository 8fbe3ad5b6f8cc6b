"""Draws docs/formats/opendrive_faults.png, what the importer makes of the small faults: python -m tests.editor.draw_formats [OUT.png]"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from editor.document import Document
from editor.entities import Area, Line
from editor.formats import import_scene

FAULTS = Path(__file__).parent / "faults"
TARGET = Path(__file__).parents[2] / "docs/formats/opendrive_faults.png"
TILE, TITLE, GAP, ACROSS, FINER = 300, 24, 6, 4, 4
PAPER, INK, EGO = "#f7f7f5", "#16181c", "#e4572e"
FILL = {"walkway": "#e6dccb", "drivable_area": "#c9cdd4", "ped_crossing": "#6fb7a5"}
STROKE = {"road_divider": "#d19a1c", "lane_divider": "#ffffff"}


def tile(document: Document) -> Image.Image:
    """Top view, x to the right and y up: areas, lines, the ego's path with an arrow at its end and a dot where it starts."""
    points = np.concatenate([np.array(area.exterior_m) for area in document.of(Area)])
    low, high = points.min(0), points.max(0)
    side = TILE * FINER
    scale = 0.94 * side / float((high - low).max())
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


def sheet(sources: list[Path]) -> Image.Image:
    rows = -(-len(sources) // ACROSS)
    whole = Image.new("RGB", (ACROSS * (TILE + GAP) - GAP, rows * (TILE + TITLE + GAP) - GAP), "white")
    pen = ImageDraw.Draw(whole)
    for number, source in enumerate(sources):
        x, y = number % ACROSS * (TILE + GAP), number // ACROSS * (TILE + TITLE + GAP)
        document, _ = import_scene("opendrive", source)
        pen.text((x + 4, y + 6), source.stem, fill=INK)
        whole.paste(tile(document), (x, y + TITLE))
    return whole


if __name__ == "__main__":
    sheet(sorted(FAULTS.glob("*.xodr"))).save(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET, optimize=True)
