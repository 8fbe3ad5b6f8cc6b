"""curves.png beside log.jsonl: every logged value over the steps, for a person who watches a training run."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

PANEL = (420, 220)
MARGIN_LEFT, MARGIN, POINTS = 64, 28, 400
PAPER, INK, PALE, LINE = (252, 252, 250), (40, 44, 52), (218, 220, 224), (52, 116, 214)
NOT_CURVES = ("step", "seconds")


def read_log(path: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of every logged name, by step; of a step that was logged twice, before and after a resume, the later.

    Lines that a killed run left half written are passed over.
    """
    curves: dict[str, dict[int, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            step = int(row["step"])
        except (ValueError, KeyError, TypeError):
            continue
        for name, value in row.items():
            if name not in NOT_CURVES and isinstance(value, int | float) and math.isfinite(value):
                curves.setdefault(name, {})[step] = float(value)
    return {name: sorted(points.items()) for name, points in curves.items()}


def draw_curves(log: Path, picture: Path) -> None:
    """One panel per name of log.jsonl; positive values on a logarithmic axis. Nothing is written where nothing was logged yet."""
    curves = read_log(log)
    if not curves:
        return
    columns = min(3, len(curves))
    sheet = Image.new("RGB", (columns * PANEL[0], math.ceil(len(curves) / columns) * PANEL[1]), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (name, points) in enumerate(curves.items()):
        _panel(draw, name, points, (number % columns * PANEL[0], number // columns * PANEL[1]))
    beside = picture.with_suffix(".tmp")
    sheet.save(beside, "PNG")
    os.replace(beside, picture)


def _panel(draw: ImageDraw.ImageDraw, name: str, points: Sequence[tuple[int, float]], corner: tuple[int, int]) -> None:
    left, top = corner[0] + MARGIN_LEFT, corner[1] + MARGIN
    right, bottom = corner[0] + PANEL[0] - MARGIN // 2, corner[1] + PANEL[1] - MARGIN
    points = _thinned(points)
    values = [value for _, value in points]
    scaled = math.log10 if min(values) > 0 else float
    low, high = scaled(min(values)), scaled(max(values))
    first, last = points[0][0], points[-1][0]
    draw.rectangle((left, top, right, bottom), outline=PALE)
    draw.text((left, corner[1] + 8), f"{name}  {values[-1]:.4g}{'  (log)' if scaled is math.log10 else ''}", INK)
    for value, height in {max(values): top, min(values): bottom - 10}.items():
        draw.text((corner[0] + 6, height), f"{value:.3g}", INK)
    draw.text((left, bottom + 6), f"{first}", INK)
    draw.text((right, bottom + 6), f"step {last}", INK, anchor="ra")

    def place(step: int, value: float) -> tuple[float, float]:
        across = (step - first) / max(1, last - first)
        up = (scaled(value) - low) / (high - low) if high > low else 0.5
        return left + across * (right - left), bottom - up * (bottom - top)

    line = [place(*point) for point in points]
    draw.line(line if len(line) > 1 else line * 2, LINE, 2)
    draw.ellipse((line[-1][0] - 3, line[-1][1] - 3, line[-1][0] + 3, line[-1][1] + 3), LINE)


def _thinned(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """At most POINTS of them, the last always: a run of 200,000 steps logs 10,000."""
    every = math.ceil(len(points) / POINTS)
    return points[:: -every][::-1] if every > 1 else points
