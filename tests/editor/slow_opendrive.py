"""A second, slow reading of OpenDRIVE for the tests: small quads, every record looked up anew at every step. Shares nothing with the reader."""

from __future__ import annotations

import cmath
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import shapely

DRIVABLE = ("driving", "shoulder", "parking", "biking", "bidirectional", "bus", "entry", "exit", "stop")


def place(road: Element, s: float, inside: float) -> tuple[complex, float]:
    """Point and heading of the reference line, from lines and arcs only, on the geometry that `inside` lies on."""
    geometries = sorted(road.findall("planView/geometry"), key=lambda g: float(g.attrib["s"]))
    piece = [g for g in geometries if float(g.attrib["s"]) <= inside][-1]
    d = s - float(piece.attrib["s"])
    heading = float(piece.attrib["hdg"])
    start = complex(float(piece.attrib["x"]), float(piece.attrib["y"]))
    shape = piece[0]
    if shape.tag == "line":
        return start + d * cmath.exp(1j * heading), heading
    assert shape.tag == "arc"
    radius = 1 / float(shape.attrib["curvature"])
    centre = start + 1j * radius * cmath.exp(1j * heading)
    return centre - 1j * radius * cmath.exp(1j * (heading + d / radius)), heading + d / radius


def value(records: list[tuple[float, Element]], s: float, inside: float) -> float:
    """The cubic that holds at `inside`, at s."""
    begun = [(start, record) for start, record in records if start <= inside]
    if not begun:
        return 0.0
    start, record = max(begun, key=lambda row: row[0])
    return sum(float(record.attrib.get(name, 0)) * (s - start) ** power for power, name in enumerate("abcd"))


def lanes_at(road: Element, side: str, inside: float) -> tuple[float, list[Element]]:
    """Start of the section that holds on one side at a station, and its lanes from the middle outwards."""
    found: tuple[float, list[Element]] = (0.0, [])
    for section in sorted(road.findall("lanes/laneSection"), key=lambda x: float(x.attrib["s"])):
        lanes = section.findall(f"{side}/lane")
        if float(section.attrib["s"]) <= inside and (lanes or section.get("singleSide") != "true"):
            found = float(section.attrib["s"]), sorted(lanes, key=lambda lane: abs(int(lane.attrib["id"])))
    return found


def edges_at(road: Element, side: str, s: float, inside: float) -> list[tuple[Element, float, float]]:
    """(lane, inner t, outer t) of every lane of one side."""
    t = value([(float(o.attrib["s"]), o) for o in road.findall("lanes/laneOffset")], s, inside)
    start, lanes = lanes_at(road, side, inside)
    rows = []
    for lane in lanes:
        width = max(value([(start + float(w.attrib["sOffset"]), w) for w in lane.findall("width")], s, inside), 0.0)
        outer = t + (width if side == "left" else -width)
        rows.append((lane, t, outer))
        t = outer
    return rows


def drivable(path: Path, step: float = 0.25) -> shapely.Geometry:
    """Union of quads `step` long. Every record of the file must begin at a multiple of `step`."""
    quads = []
    for road in ElementTree.parse(path).getroot().findall("road"):
        length = max(float(g.attrib["s"]) + float(g.attrib["length"]) for g in road.findall("planView/geometry"))
        count = int(length / step)
        stations = [k * step for k in range(count + 1)] + ([length] if length - count * step > 1e-6 else [])
        for low, high in zip(stations, stations[1:], strict=False):
            inside = (low + high) / 2
            for side in ("left", "right"):
                for (lane, inner0, outer0), (_, inner1, outer1) in zip(
                    edges_at(road, side, low, inside), edges_at(road, side, high, inside), strict=True
                ):
                    if lane.get("type") not in DRIVABLE:
                        continue
                    corners = []
                    for s, lateral in ((low, inner0), (high, inner1), (high, outer1), (low, outer0)):
                        point, heading = place(road, s, inside)
                        point += 1j * lateral * cmath.exp(1j * heading)
                        corners.append((point.real, point.imag))
                    quads.append(shapely.make_valid(shapely.Polygon(corners)))
    return shapely.union_all([quad for quad in quads if quad.area > 1e-9])
