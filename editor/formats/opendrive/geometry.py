"""OpenDRIVE's reference line and its piecewise cubic polynomials, evaluated at many stations at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from editor.formats.opendrive.xml import number
from editor.formats.report import FormatError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_TABLE = 257
"""Samples of a poly3 curve from which its arc length is inverted."""


@dataclass(frozen=True, slots=True)
class Cubic:
    """a + b d + c d^2 + e d^3 from station `start_m` on, with d measured from there."""

    start_m: float
    a: float
    b: float
    c: float
    e: float

    @staticmethod
    def of(element: Element, station: str) -> Cubic:
        """One <width>, <laneOffset>, ... whose start is the attribute `station`."""
        return Cubic(number(element, station, 0.0), *(number(element, name, 0.0) for name in "abcd"))


def evaluate(pieces: Sequence[Cubic], stations_m: np.ndarray) -> np.ndarray:
    """Piecewise cubic at stations (N,): the last piece that has begun counts; 0 before the first."""
    values = np.zeros(len(stations_m))
    for piece in sorted(pieces, key=lambda piece: piece.start_m):
        begun = stations_m >= piece.start_m - 1e-9
        d = stations_m[begun] - piece.start_m
        values[begun] = piece.a + d * (piece.b + d * (piece.c + d * piece.e))
    return values


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

    def at(self, stations_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (N, 2) in metres and headings (N,) in radians at stations (N,)."""
        points, headings = np.zeros((len(stations_m), 2)), np.zeros(len(stations_m))
        index = np.clip(np.searchsorted(self.starts_m, stations_m + 1e-9, side="right") - 1, 0, None)
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


def _local(piece: Element, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along, left and heading (each (N,)) at distances `d` from a geometry's start, in the frame of that start."""
    shape = next(iter(piece), None)
    if shape is None:
        raise FormatError(f"A geometry at s = {piece.get('s')} m has no shape: mend the file.")
    length = number(piece, "length")
    match shape.tag:
        case "line":
            return d, np.zeros_like(d), np.zeros_like(d)
        case "arc":
            return _clothoid(d, number(shape, "curvature"), 0.0)
        case "spiral":
            start = number(shape, "curvStart")
            return _clothoid(d, start, (number(shape, "curvEnd") - start) / length)
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


def _clothoid(d: np.ndarray, curvature: float, growth: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curvature that grows linearly; Gauss-Legendre from the start to every distance (exact to 1e-9 m for turns below a circle)."""
    nodes = d[:, None] * (_NODES + 1) / 2
    theta = nodes * (curvature + growth * nodes / 2)
    half = d / 2
    return (np.cos(theta) @ _WEIGHTS) * half, (np.sin(theta) @ _WEIGHTS) * half, d * (curvature + growth * d / 2)


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
