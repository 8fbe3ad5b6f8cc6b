"""OpenDRIVE's reference line and its piecewise cubic polynomials, evaluated at many stations at once.

Where two records meet, the earlier one reaches up to the station at which the later one begins. So a station alone does not say which of
two values is meant: `inside_m` names a place within the span that is drawn, and its record counts up to both ends of that span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from editor.formats.opendrive.xml import number
from editor.formats.report import FormatError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
MOST_TURNS = 60
"""A car park's helix has ten; each turn lies over all others, and they have to be put together."""
_TABLE = 257
"""Samples of a poly3 curve from which its arc length is inverted."""
LONGEST_ROAD_M = 50_000.0
FARTHEST_M = 1e7
WIDEST_M = 1000.0
"""From the reference line to the outermost lane, or to an object beside it."""
SHARPEST_1_M = 10.0
"""Curvature of a circle of 10 cm: no road bends like that."""


@dataclass(frozen=True, slots=True)
class Cubic:
    """a + b d + c d^2 + e d^3 from station `start_m` on, with d measured from there."""

    start_m: float
    a: float
    b: float
    c: float
    e: float

    @staticmethod
    def of(element: Element, station: str, origin_m: float = 0.0) -> Cubic:
        """One <width>, <laneOffset>, ... whose start is the attribute `station`, counted from `origin_m`."""
        return Cubic(origin_m + number(element, station, 0.0), *(number(element, name, 0.0) for name in "abcd"))


def evaluate(pieces: Sequence[Cubic], stations_m: np.ndarray, inside_m: np.ndarray | None = None) -> np.ndarray:
    """Piecewise cubic at stations (N,): the last piece that has begun at `inside_m` (N,) counts; 0 before the first."""
    inside_m = stations_m if inside_m is None else inside_m
    values = np.zeros(len(stations_m))
    for piece in sorted(pieces, key=lambda piece: piece.start_m):
        begun = inside_m >= piece.start_m - 1e-9
        d = stations_m[begun] - piece.start_m
        values[begun] = piece.a + d * (piece.b + d * (piece.c + d * piece.e))
    return values


def has_geometry(road: Element) -> bool:
    """Whether a road is there at all: converters leave roads of length zero."""
    return any(number(element, "length") > 1e-6 for element in road.findall("planView/geometry"))


class ReferenceLine:
    """The plan view of one road."""

    def __init__(self, road: Element) -> None:
        """Raises FormatError where the road has no geometry that can be drawn."""
        found = [element for element in road.findall("planView/geometry") if number(element, "length") > 1e-6]
        if not found:
            raise FormatError(f"Road '{road.get('id')}' has no geometry in its planView: mend the file.")
        self.pieces = sorted(found, key=lambda element: number(element, "s"))
        self.starts_m = np.array([number(piece, "s") for piece in self.pieces])
        last = self.pieces[-1]
        self.length_m = number(last, "s") + number(last, "length")
        if not (self.starts_m[0] >= 0 and self.length_m <= LONGEST_ROAD_M):
            raise FormatError(
                f"Road '{road.get('id')}' runs from {self.starts_m[0]:g} to {self.length_m:g} m, outside of 0 to {LONGEST_ROAD_M:g} m: mend the file."
            )

        turned = np.cumsum([_local(piece, np.array([number(piece, "length")]))[2][0] for piece in self.pieces])
        if np.ptp([0.0, *turned]) > MOST_TURNS * 2 * np.pi:
            raise FormatError(f"Road '{road.get('id')}' winds more than {MOST_TURNS} times round: mend its curvature.")

    def at(self, stations_m: np.ndarray, inside_m: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Points (N, 2) in metres and headings (N,) in radians at stations (N,), on the geometries that `inside_m` (N,) lies in."""
        inside_m = stations_m if inside_m is None else inside_m
        points, headings = np.zeros((len(stations_m), 2)), np.zeros(len(stations_m))
        index = np.clip(np.searchsorted(self.starts_m, inside_m + 1e-9, side="right") - 1, 0, None)
        for i, piece in enumerate(self.pieces):
            mine = index == i
            if not mine.any():
                continue
            u, v, turn = _local(piece, stations_m[mine] - self.starts_m[i])
            start = number(piece, "hdg")
            c, s = np.cos(start), np.sin(start)
            points[mine] = np.stack([number(piece, "x") + c * u - s * v, number(piece, "y") + s * u + c * v], -1)
            headings[mine] = start + turn
        return points, headings


def sideways(points_m: np.ndarray, headings_rad: np.ndarray, lateral_m: np.ndarray) -> np.ndarray:
    """Points (N, 2) moved to their left by lateral (N,). Raises FormatError where that leads off any road, or off any map."""
    if not (np.abs(lateral_m) <= WIDEST_M).all():
        raise FormatError(
            f"A road reaches {np.abs(lateral_m).max():g} m to its side, and at most {WIDEST_M:g} m are read: mend its widths and offsets."
        )
    moved = points_m + lateral_m[:, None] * np.stack([-np.sin(headings_rad), np.cos(headings_rad)], -1)
    if not (np.abs(moved) < FARTHEST_M).all():
        raise FormatError(f"A road leads more than {FARTHEST_M:g} m away from the map's origin: mend its numbers.")
    return moved


def _local(piece: Element, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along, left and heading (each (N,)) at distances `d` from a geometry's start, in the frame of that start."""
    shape = next((child for child in piece if child.tag != "userData"), None)
    if shape is None:
        raise FormatError(f"A geometry at s = {piece.get('s')} m has no shape: mend the file.")
    length = number(piece, "length")
    match shape.tag:
        case "line":
            return d, np.zeros_like(d), np.zeros_like(d)
        case "arc":
            return _arc(d, _curvature(shape, "curvature"))
        case "spiral":
            start = _curvature(shape, "curvStart")
            return _clothoid(d, start, (_curvature(shape, "curvEnd") - start) / length)
        case "poly3":
            return _poly3(d, [number(shape, name) for name in "abcd"], length)
        case "paramPoly3":
            scale = length if shape.get("pRange", "normalized") == "normalized" else 1.0
            p = d / scale
            (u, du), (v, dv) = (_polynomial([number(shape, name + axis) for name in "abcd"], p) for axis in "UV")
            return u, v, np.arctan2(dv, du)
        case other:
            raise FormatError(
                f"A geometry at s = {piece.get('s')} m is '{other}', not line, arc, spiral, poly3 or paramPoly3: mend the file."
            )


def _curvature(shape: Element, name: str) -> float:
    value = number(shape, name)
    if abs(value) > SHARPEST_1_M:
        raise FormatError(f"<{shape.tag}> has {name}='{value:g}', and no road bends by more than {SHARPEST_1_M:g} 1/m: mend the file.")
    return value


def _arc(d: np.ndarray, curvature: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if abs(curvature) < 1e-12:
        return d, np.zeros_like(d), np.zeros_like(d)
    turn = d * curvature
    return np.sin(turn) / curvature, 2 * np.sin(turn / 2) ** 2 / curvature, turn


def _clothoid(d: np.ndarray, curvature: float, growth: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curvature that grows linearly; Gauss-Legendre from station to station, each step well below a circle (exact to 1e-9 m)."""
    order = np.argsort(d, kind="stable")
    ends = d[order]
    # Steps of at most half a turn, so that the nodes see every one of them.
    sharpest = max(abs(curvature), abs(curvature + growth * float(np.abs(d).max(initial=0.0))), 1e-9)
    longest = np.pi / sharpest
    knots = np.concatenate([[min(0.0, float(ends[0]))], ends, [0.0]]) if len(ends) else np.zeros(1)
    knots = np.unique(np.concatenate([knots, np.arange(knots.min(), knots.max(), longest)]))
    lows, steps = knots[:-1], np.diff(knots)
    nodes = lows[:, None] + steps[:, None] * (_NODES + 1) / 2
    theta = nodes * (curvature + growth * nodes / 2)
    sums = [np.concatenate([[0.0], np.cumsum((part(theta) @ _WEIGHTS) * steps / 2)]) for part in (np.cos, np.sin)]
    zero = int(np.searchsorted(knots, 0.0))
    at = np.searchsorted(knots, d)
    u, v = (values[at] - values[zero] for values in sums)
    return u, v, d * (curvature + growth * d / 2)


def _poly3(d: np.ndarray, coefficients: list[float], length: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """v is a cubic of u; u at a distance comes from the curve's own arc length."""
    u = np.linspace(0.0, length, _TABLE)
    _, slope = _polynomial(coefficients, u)
    speed = np.hypot(1.0, slope)
    along = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(u))])
    u = np.interp(d, along, u)
    v, slope = _polynomial(coefficients, u)
    return u, v, np.arctan(slope)


def _polynomial(coefficients: list[float], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and slope of a + b x + c x^2 + d x^3."""
    a, b, c, d = coefficients
    return a + x * (b + x * (c + x * d)), b + x * (2 * c + x * 3 * d)
