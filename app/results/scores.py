"""The scores of one take, or of two beside each other, as rows for tables and plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

HEADLINES = (
    ("mIoU of the painted channels", "%", ("bev_versus_layout", "miou")),
    ("IoU of what is painted", "%", ("bev_versus_layout", "iou")),
    ("Vehicles that appear", "%", ("instances", "recall", "vehicles", "recall")),
    ("People and two-wheelers that appear", "%", ("instances", "recall", "vulnerable", "recall")),
    ("Cones and barriers that appear", "%", ("instances", "recall", "small_static", "recall")),
    ("Agents that nobody placed, a frame", "", ("instances", "phantoms_per_frame")),
    ("Static voxels that stay as they are", "%", ("static_world", "agree_of_either")),
)


def headlines(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> list[list[Any]]:
    """[what, A, B] of the numbers that say most; B is empty where there is no second take."""
    return [[f"{what}{f', {unit}' if unit else ''}", _shown(_at(a, *path)), _shown(_at(b, *path))] for what, unit, path in HEADLINES]


def channels(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> list[list[Any]]:
    """[channel, IoU, recall, precision of A, the same of B], in per cent, of every channel that either has painted."""
    names = dict.fromkeys(name for one in (a, b) for name in (_at(one, "bev_versus_layout", "per_channel") or {}))
    columns = [(one, key) for one in (a, b) for key in ("per_channel", "recall", "precision")]
    return [[name.replace("_", " "), *(_shown(_at(one, "bev_versus_layout", key, name)) for one, key in columns)] for name in names]


def agents(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> list[list[Any]]:
    """[class, asked for, appear in %, centre error m, yaw error deg of A, the same of B]."""
    names = dict.fromkeys(name for one in (a, b) for name in (_at(one, "instances", "recall_per_class") or {}))
    rows = []
    for name in names:
        row: list[Any] = [name.replace("_", " ")]
        for one in (a, b):
            told, errors = _at(one, "instances", "recall_per_class", name), _at(one, "instances", "median_error", name)
            row += [_at(told, "asked"), _shown(_at(told, "recall")), _shown(_at(errors, "center_m")), _shown(_at(errors, "yaw_deg"))]
        rows.append(row)
    return rows


def channel_bars(named: Mapping[str, Mapping[str, Any]]) -> Row:
    """A bar plot as Gradio's component takes it: a channel's IoU by take, bars of two takes beside each other; `named` are the takes' scores
    by a short name that begins with the take's letter."""
    rows = [
        [f"{channel.replace('_', ' ')}{f' {name[0]}' if len(named) > 1 else ''}", float(value), name]
        for name, one in named.items()
        for channel, value in (_at(one, "bev_versus_layout", "per_channel") or {}).items()
        if value is not None
    ]
    return _plot("bar", {"channel": "nominal", "IoU": "quantitative", "take": "nominal"}, rows)


def horizon_lines(named: Mapping[str, Mapping[str, Any]]) -> Row:
    """A line plot: mIoU by the time since the take began."""
    rows = [
        [float(row["from_s"]), float(row["miou"]), name]
        for name, one in named.items()
        for row in one.get("bev_versus_layout_by_horizon") or []
        if row.get("miou") is not None
    ]
    return _plot("line", {"seconds": "quantitative", "mIoU": "quantitative", "take": "nominal"}, rows)


def _plot(mark: str, kinds: Row, rows: list[list[Any]]) -> Row:
    return {"columns": list(kinds), "data": rows, "datatypes": kinds, "mark": mark}


def of_take(report: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The scores of the one take of a report."""
    found = (report or {}).get("takes") or []
    return found[0] if found else None


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> Any:
    return round(float(value), 2) if isinstance(value, int | float) and not isinstance(value, bool) else None
