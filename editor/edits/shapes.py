"""Edits of drawn map shapes: areas and lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from editor import check
from editor.document import Document, Edit
from editor.entities import Area, Line, Point
from editor.ids import new_id


def add_area(channel: str, exterior: Sequence[Point], holes: Sequence[Sequence[Point]] = (), *, name: str = "") -> Edit:
    """A polygon (world metres, not closed) of a map channel."""
    check.map_channel(channel)
    ring = _open_ring(check.points(exterior, "An area", 3))
    inner = tuple(_open_ring(check.points(hole, "A hole", 3)) for hole in holes)
    return lambda document: check.put(document, Area(new_id(document, "area"), channel, ring, inner, name=name))


def add_line(channel: str, points: Sequence[Point], width_m: float = 0.4, *, name: str = "") -> Edit:
    """A polyline (world metres) of a map channel."""
    check.map_channel(channel)
    way = check.points(points, "A line", 2)
    width = check.number(width_m, "A line's width", 0.01, 100.0)
    return lambda document: check.put(document, Line(new_id(document, "line"), channel, way, width, name=name))


def set_area(
    id: str,
    *,
    channel: str | None = None,
    exterior: Sequence[Point] | None = None,
    holes: Sequence[Sequence[Point]] | None = None,
    name: str | None = None,
) -> Edit:
    """Replaces what is given; this is how a vertex is moved."""

    def edit(document: Document) -> Document:
        area = document.get(id, Area)
        after = replace(
            area,
            channel=area.channel if channel is None else check.map_channel(channel),
            exterior_m=area.exterior_m if exterior is None else _open_ring(check.points(exterior, "An area", 3)),
            holes_m=area.holes_m if holes is None else tuple(_open_ring(check.points(hole, "A hole", 3)) for hole in holes),
            name=area.name if name is None else name,
        )
        return document if after == area else check.put(document, after)

    return edit


def set_line(
    id: str, *, channel: str | None = None, points: Sequence[Point] | None = None, width_m: float | None = None, name: str | None = None
) -> Edit:
    """Replaces what is given; this is how a vertex is moved."""

    def edit(document: Document) -> Document:
        line = document.get(id, Line)
        after = replace(
            line,
            channel=line.channel if channel is None else check.map_channel(channel),
            points_m=line.points_m if points is None else check.points(points, "A line", 2),
            width_m=line.width_m if width_m is None else check.number(width_m, "A line's width", 0.01, 100.0),
            name=line.name if name is None else name,
        )
        return document if after == line else check.put(document, after)

    return edit


def _open_ring(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Without a last point that repeats the first: some sources close their rings, we do not."""
    return points[:-1] if len(points) > 3 and points[0] == points[-1] else points
