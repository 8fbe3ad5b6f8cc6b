"""OpenDRIVE networks: geometry against closed forms, Town02 and esmini's roads against their own numbers."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely

from editor.document import Document
from editor.entities import Agent, Area, Line
from editor.formats import import_scene
from editor.formats.opendrive.geometry import Cubic, ReferenceLine, evaluate
from engine.spec.geometry import wrap_angle

ROAD = """
<OpenDRIVE><road id="1" length="100" junction="-1" {rule}>
  <planView><geometry s="0" x="10" y="20" hdg="0" length="100"><line/></geometry></planView>
  <lanes><laneSection s="0">
    <left><lane id="2" type="sidewalk"><width sOffset="0" a="2" b="0" c="0" d="0"/></lane>
          <lane id="1" type="driving"><width sOffset="0" a="3" b="0" c="0" d="0"/></lane></left>
    <center><lane id="0"><roadMark sOffset="0" type="solid" color="yellow"/></lane></center>
    <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/><roadMark sOffset="0" type="broken" color="white"/></lane>
           <lane id="-2" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/><roadMark sOffset="40" type="solid" color="white"/></lane>
    </right></laneSection></lanes>
  <objects><object type="crosswalk" id="9" s="50" t="0" hdg="0"><outline>
    <cornerRoad s="48" t="3"/><cornerRoad s="52" t="3"/><cornerRoad s="52" t="-7"/><cornerRoad s="48" t="-7"/></outline></object></objects>
</road></OpenDRIVE>
"""


def surface(document: Document, channel: str) -> shapely.Geometry:
    return shapely.union_all([shapely.Polygon(area.exterior_m, area.holes_m) for area in document.of(Area) if area.channel == channel])


def line_of(shape: str, length: float, hdg: float = 0.3) -> ReferenceLine:
    geometry = f'<geometry s="0" x="5" y="-2" hdg="{hdg}" length="{length}">{shape}</geometry>'
    return ReferenceLine(ElementTree.fromstring(f'<road id="1"><planView>{geometry}</planView></road>'))


def test_an_arc_is_a_circle() -> None:
    line = line_of('<arc curvature="0.05"/>', 60.0)
    points, headings = line.at(np.linspace(0, 60, 31))
    centre = np.array([5, -2]) + 20 * np.array([-math.sin(0.3), math.cos(0.3)])
    np.testing.assert_allclose(np.linalg.norm(points - centre, axis=1), 20, atol=1e-9)
    np.testing.assert_allclose(headings, 0.3 + np.linspace(0, 60, 31) / 20, atol=1e-12)


@pytest.mark.parametrize(
    "shape",
    [
        '<spiral curvStart="0" curvEnd="0.08"/>',
        '<spiral curvStart="-0.05" curvEnd="0.05"/>',
        '<poly3 a="0" b="0" c="0.01" d="0.0002"/>',
        '<paramPoly3 pRange="arcLength" aU="0" bU="1" cU="0" dU="-0.00005" aV="0" bV="0" cV="0.004" dV="0"/>',
        '<paramPoly3 pRange="normalized" aU="0" bU="40" cU="0" dU="-2" aV="0" bV="0" cV="6" dV="1"/>',
    ],
)
def test_headings_are_the_slope_of_the_points(shape: str) -> None:
    """A reference line whose heading and points come from different formulas must agree with itself."""
    stations = np.linspace(0, 39.9, 4000)
    points, headings = line_of(shape, 40.0).at(stations)
    steps = np.diff(points, axis=0)
    slope = np.arctan2(steps[:, 1], steps[:, 0])
    middle = (headings[1:] + headings[:-1]) / 2
    assert np.abs([wrap_angle(float(a)) for a in slope - middle]).max() < 1e-3
    np.testing.assert_allclose(points[0], (5, -2), atol=1e-9)
    if "Poly" not in shape:
        np.testing.assert_allclose(np.linalg.norm(steps, axis=1), np.diff(stations), rtol=5e-3)


def test_a_spiral_against_small_steps() -> None:
    points, headings = line_of('<spiral curvStart="0.02" curvEnd="-0.1"/>', 50.0, hdg=0.0).at(np.array([50.0]))
    s = (np.arange(200_000) + 0.5) * 50 / 200_000
    theta = 0.02 * s + (-0.12 / 50) * s * s / 2
    np.testing.assert_allclose(points[0], (5 + np.cos(theta).mean() * 50, -2 + np.sin(theta).mean() * 50), atol=1e-6)
    assert headings[0] == pytest.approx(0.02 * 50 - 0.06 * 50)


def test_cubics_change_over_where_the_next_begins() -> None:
    pieces = [Cubic(10.0, 5.0, 0.0, 0.0, 1.0), Cubic(0.0, 1.0, 2.0, 0.0, 0.0)]
    np.testing.assert_allclose(evaluate(pieces, np.array([0.0, 4.0, 10.0, 12.0])), [1.0, 9.0, 5.0, 13.0])


def test_a_straight_road_in_numbers(tmp_path: Path) -> None:
    path = tmp_path / "road.xodr"
    path.write_text(ROAD.format(rule=""))
    document, report = import_scene("opendrive", path, duration_s=5.0)
    ox, oy, _ = report.origin_m
    assert document.duration_s == pytest.approx(5.0)
    assert surface(document, "drivable_area").symmetric_difference(shapely.box(10 - ox, 13 - oy, 110 - ox, 23 - oy)).area < 0.5
    assert surface(document, "walkway").symmetric_difference(shapely.box(10 - ox, 23 - oy, 110 - ox, 25 - oy)).area < 0.5
    assert surface(document, "ped_crossing").symmetric_difference(shapely.box(58 - ox, 13 - oy, 62 - ox, 23 - oy)).area < 1e-6
    dividers = {(line.channel, round(line.points_m[0][1] + oy, 2)): shapely.LineString(line.points_m).length for line in document.of(Line)}
    assert dividers == pytest.approx({("road_divider", 20.0): 100.0, ("lane_divider", 16.5): 100.0, ("lane_divider", 13.0): 60.0}, abs=0.6)
    start, end = document.ego.keyframes[0].pose, document.ego.keyframes[-1].pose
    assert start.y_m + oy == pytest.approx(14.75) and end.x_m - start.x_m == pytest.approx(40.0) and start.yaw_rad == pytest.approx(0.0)


def test_left_hand_traffic_drives_the_other_way(tmp_path: Path) -> None:
    path = tmp_path / "road.xodr"
    path.write_text(ROAD.format(rule='rule="LHT"'))
    document, _ = import_scene("opendrive", path)
    start, end = document.ego.keyframes[0].pose, document.ego.keyframes[-1].pose
    assert end.x_m < start.x_m - 50 and abs(wrap_angle(start.yaw_rad - math.pi)) < 1e-6


def lane_area(path: Path, kinds: set[str]) -> float:
    """Sum over lanes of width times length along the reference line, straight from the file: exact where a road does not bend."""
    total = 0.0
    for road in ElementTree.parse(path).getroot().findall("road"):
        sections = road.findall("lanes/laneSection")
        starts = [float(section.get("s", "0")) for section in sections]
        for section, start, end in zip(sections, starts, [*starts, float(road.get("length", "0"))][1:], strict=True):
            for lane in section.iter("lane"):
                widths = lane.findall("width")
                if lane.get("type") in kinds and widths:
                    s = np.linspace(0, end - start, 50)
                    cubics = [Cubic.of(width, "sOffset") for width in widths]
                    total += float(evaluate(cubics, s).mean()) * (end - start)
    return total


def test_town02(shared_data: Path) -> None:
    path = shared_data / "carla_xodr" / "OpenDrive" / "Town02.xodr"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    document, report = import_scene("opendrive", path)
    assert not list(document.of(Agent)) and document.duration_s == pytest.approx(8.0)
    assert report.read["road"] == 68
    drivable, walkway = surface(document, "drivable_area"), surface(document, "walkway")
    assert drivable.intersection(walkway).area < 1.0
    # Junction lanes overlap, so the union is smaller than the sum; bends even out.
    assert 0.4 * lane_area(path, {"driving", "shoulder"}) < drivable.area < lane_area(path, {"driving", "shoulder"})
    assert walkway.area == pytest.approx(lane_area(path, {"sidewalk"}), rel=0.1)
    assert len(shapely.get_parts(drivable.buffer(0.05))) == 1, "Town02's roads all meet"
    for keyframe in document.ego.keyframes:
        assert drivable.contains(shapely.Point(keyframe.pose.x_m, keyframe.pose.y_m))
    divider = shapely.union_all([shapely.LineString(line.points_m) for line in document.of(Line) if line.channel == "road_divider"])
    ego = [shapely.Point(keyframe.pose.x_m, keyframe.pose.y_m) for keyframe in document.ego.keyframes]
    assert all(1.0 < divider.distance(point) < 3.5 for point in ego), "the ego is not in the middle of its lane"
    k = document.ego.keyframes[0].pose
    left = shapely.Point(k.x_m - 2 * math.sin(k.yaw_rad), k.y_m + 2 * math.cos(k.yaw_rad))
    assert divider.distance(left) < divider.distance(ego[0]), "with right-hand traffic the centre line is on the left"


ESMINI = [
    "crest-curve", "curve_r100", "curves_elevation", "e6mini", "e6mini-lht", "fabriksgatan", "jolengatan", "multi_intersections", "parking_demo",
    "soderleden", "straight_500m", "straight_500m_roadmarks", "tunnels", "two_plus_one",
]  # fmt: skip


@pytest.mark.parametrize("name", ESMINI)
def test_esmini_roads(name: str, shared_data: Path) -> None:
    path = shared_data / "esmini" / "xodr" / f"{name}.xodr"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    document, report = import_scene("opendrive", path)
    drivable = surface(document, "drivable_area")
    assert drivable.is_valid and drivable.area > 1000
    assert all(drivable.buffer(0.1).contains(shapely.Point(k.pose.x_m, k.pose.y_m)) for k in document.ego.keyframes)
    assert list(document.of(Line)) and not surface(document, "walkway").is_empty
    steps = np.diff([(k.pose.x_m, k.pose.y_m) for k in document.ego.keyframes], axis=0)
    assert np.linalg.norm(steps, axis=1).max() < 2.1, "the ego jumps"
    if name == "parking_demo":
        assert report.read["ped_crossing"] == 3
