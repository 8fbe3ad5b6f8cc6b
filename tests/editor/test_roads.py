"""Stamps of streets: roads read back from their corners, a T-junction, crossings, walkways, and a lane that is closed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from editor import edits
from editor.document import Document, EditError
from editor.edits.roads import drivable, ribbon_of
from editor.entities import Agent, Area, Line
from editor.samples import lane_closure


def t_junction() -> Document:
    return edits.compose(edits.add_road([(-60, 0), (0, 0)]), edits.add_road([(0, 0), (60, 0)]), edits.add_road([(0, -60), (0, 0)]))(Document())


def polygons(document: Document, channel: str) -> shapely.Geometry:
    return shapely.union_all([shapely.Polygon(a.exterior_m, a.holes_m) for a in document.of(Area) if a.channel == channel])


@pytest.mark.parametrize("points", [[(0, 0), (50, 0)], [(0, 0), (20, 5), (40, 20), (45, 50)], [(3, 2), (3, -40)]])
def test_a_road_is_read_back_from_its_corners(points: list[tuple[float, float]]) -> None:
    (road,) = edits.add_road(points, lanes=3)(Document()).of(Area)
    ribbon = ribbon_of(road)
    assert ribbon is not None
    np.testing.assert_allclose(ribbon.centre, points, atol=1e-9)
    assert ribbon.width_m == pytest.approx(10.5, rel=0.05)


def test_what_is_no_road_is_not_taken_for_one() -> None:
    shapes = [[(0, 0), (9, 0), (9, 9)], [(0, 0), (30, 0), (30, 2), (20, 9), (5, 9), (0, 2)], [(0, 0), (4, 0), (4, 9), (0, 9)]]
    found = [ribbon_of(Area("a", "drivable_area", tuple(map(tuple, ring)))) for ring in shapes]  # type: ignore[arg-type]
    assert found[:2] == [None, None] and ribbon_of(Area("a", "walkway", ((0, 0), (9, 0), (9, 2), (0, 2)))) is None


def test_a_t_junction_has_dividers_up_to_it_and_walkways_around_it() -> None:
    scene = edits.compose(edits.add_crosswalk(0, -20), edits.add_walkways(2.5), edits.add_dividers())(t_junction())
    road = drivable(scene)
    walk = polygons(scene, "walkway")
    assert walk.intersection(road).area < 1e-6 and walk.length > 200
    assert not walk.intersects(shapely.LineString([(-61, 0), (-60.5, 0)])), "no pavement across the end of a road"
    assert walk.contains(shapely.LineString([(-50, 4.5), (50, 4.5)])), "one pavement along the side that no road joins"
    lines = list(scene.of(Line))
    assert {line.channel for line in lines} == {"road_divider"} and all(road.buffer(0.1).contains(shapely.LineString(line.points_m)) for line in lines)
    assert not any(shapely.LineString(line.points_m).intersects(shapely.Point(0, 0).buffer(2.0)) for line in lines), "none in the junction"
    assert not any(shapely.LineString(line.points_m).intersects(shapely.Point(0, -20).buffer(1.0)) for line in lines), "none on the crossing"
    again = edits.compose(edits.add_walkways(2.5), edits.add_dividers())(scene)
    assert len(again.entities) == len(scene.entities), "what is made anew takes the place of what was made"


def test_a_crosswalk_lies_across_its_road_from_kerb_to_kerb() -> None:
    scene = edits.compose(edits.add_road([(0, 0), (30, 30)]), edits.add_crosswalk(10, 11, 4))(Document())
    crossing = next(a for a in scene.of(Area) if a.channel == "ped_crossing")
    ring = shapely.Polygon(crossing.exterior_m)
    assert ring.area == pytest.approx(4 * 7) and ring.difference(drivable(scene)).area < 1e-6
    with pytest.raises(EditError, match="no stamped road here"):
        edits.add_crosswalk(10, -20)(scene)


def test_clipped_to_the_road_a_crossing_ends_at_the_kerb() -> None:
    scene = edits.compose(edits.add_road([(0, 0), (60, 0)]), edits.add_area("ped_crossing", [(20, -6), (23, -6), (23, 6), (20, 6)]))(Document())
    (crossing,) = [a.id for a in scene.of(Area) if a.channel == "ped_crossing"]
    clipped = edits.clip_to_road([crossing])(scene)
    assert shapely.Polygon(clipped.get(crossing, Area).exterior_m).bounds == pytest.approx((20, -3.5, 23, 3.5))
    with pytest.raises(EditError, match="lies on the road"):
        edits.compose(edits.move([crossing], 0, 40), edits.clip_to_road([crossing]))(scene)


@pytest.mark.parametrize("side", ["right", "left"])
def test_cones_close_a_lane_and_leave_the_next_one_free(side: str) -> None:
    middle = -5.25 if side == "right" else 5.25
    before = lane_closure()
    scene = edits.close_lane([(0, middle), (45, middle)], side, 3.5, 3.0, 15.0)(before)
    cones = np.array([a.keyframes[0].pose.matrix()[:2, 3] for a in scene.of(Agent) if a.id not in before.entities])
    assert len(cones) == 16 and abs(cones[:, 1]).max() < 7.0 and abs(cones[:, 1]).min() > 3.5
    np.testing.assert_allclose(np.diff(cones[:, 0]), 3.0, atol=1e-6)
    towards = np.abs(cones[:, 1])
    assert (np.diff(towards[:6]) < -0.5).all() and np.ptp(towards[5:]) < 1e-6, "a taper, then along the lane's inner edge"
    assert list(scene.of(Line)) == list(before.of(Line))
    with pytest.raises(EditError, match="no room for cones"):
        edits.close_lane([(0, 0), (1, 0)])


def test_a_road_gets_other_lanes_and_all_that_was_stamped_on_it_goes_along() -> None:
    scene = edits.compose(edits.add_road([(-60, 0), (60, 0)]), edits.add_crosswalk(10, 0), edits.add_walkways(2.0), edits.add_dividers())(Document())
    wide = edits.set_road("area-1", lanes=4)(scene)
    road, crossing = wide.get("area-1", Area), next(a for a in wide.of(Area) if a.channel == "ped_crossing")
    assert shapely.Polygon(road.exterior_m).bounds == pytest.approx((-60, -7, 60, 7)) and road.name == "road, 4 lanes"
    assert shapely.Polygon(crossing.exterior_m).bounds == pytest.approx((8.5, -7, 11.5, 7)), "from kerb to kerb again"
    walkways = [shapely.Polygon(a.exterior_m) for a in wide.of(Area) if a.channel == "walkway"]
    assert sum(shape.area for shape in walkways) == pytest.approx(2 * 120 * 2.0, rel=0.02) and min(s.distance(shapely.Point(0, 0)) for s in walkways) > 6.9
    heights = {round(line.points_m[0][1], 3) for line in wide.of(Line)}
    assert heights == {-3.5, 0.0, 3.5} and {line.channel for line in wide.of(Line) if line.points_m[0][1] == 0} == {"road_divider"}
    assert edits.set_road("area-1", lanes=2, lane_width_m=3.5)(wide).get("area-1", Area) == scene.get("area-1", Area)


def test_a_bent_road_keeps_its_centre_line_and_another_shape_is_refused() -> None:
    scene = edits.add_road([(0, 0), (40, 0), (40, 40)], lanes=3, lane_width_m=3.0)(Document())
    narrow = edits.set_road("area-1", lane_width_m=2.5)(scene)
    before, after = (edits.roads.ribbon_of(one.get("area-1", Area)) for one in (scene, narrow))
    assert before is not None and after is not None
    assert np.allclose(before.centre, after.centre) and (before.width_m, after.width_m) == pytest.approx((9.0, 7.5))
    assert narrow.get("area-1", Area).name == "road, 3 lanes", "its lanes are read from its name, not guessed from its width"
    triangle = edits.add_area("drivable_area", [(0, 0), (9, 0), (0, 9)])(Document())
    with pytest.raises(EditError, match="no road with a centre line"):
        edits.set_road("area-1", lanes=2)(triangle)


def cones_of(scene: Document, number: int) -> list[Agent]:
    return [one for one in scene.of(Agent) if one.closure is not None and one.closure.number == number]


def test_cones_that_were_copied_or_deleted_do_not_bend_a_closed_lane() -> None:
    scene = edits.close_lane([(0, 0), (30, 0)])(Document())
    cones = cones_of(scene, 1)
    odd = edits.compose(edits.delete([cones[0].id, cones[4].id]), edits.duplicate([cones[2].id], dx=3.0, dy=7.0))(scene)
    again = edits.set_closure(cones[1].id, taper_m=9.0)(odd)
    wanted = edits.close_lane([(0, 0), (30, 0)], taper_m=9.0)(Document())
    assert [one.keyframes[0].pose for one in cones_of(again, 1)] == [one.keyframes[0].pose for one in cones_of(wanted, 1)]
    assert len([one for one in again.of(Agent) if one.closure is None]) == 1, "the copy stays"


def test_mirrored_traffic_has_its_lane_closed_on_the_other_side() -> None:
    scene = edits.close_lane([(0, 5), (30, 5)], "right")(Document())
    mirrored = edits.mirror()(scene)
    assert {one.closure.side for one in mirrored.of(Agent) if one.closure} == {"left"} and edits.mirror()(mirrored).entities == scene.entities
    first = next(mirrored.of(Agent)).id
    back = edits.set_closure(first, taper_m=15.0, spacing_m=2.0)(mirrored)
    assert max(one.keyframes[0].pose.y_m for one in back.of(Agent)) < -3.0


def test_a_closed_lane_is_laid_out_anew_by_its_numbers() -> None:
    bend, numbers = [(0.0, 0.0), (30.0, 0.0), (50.0, 20.0)], {"spacing_m": 2.0, "taper_m": 8.0, "lane_width_m": 3.0, "side": "left"}
    scene = edits.compose(edits.close_lane([(0, 40), (20, 40)]), edits.close_lane(bend))(Document())
    cone = next(one for one in scene.of(Agent) if one.closure is not None and one.closure.number == 2)
    assert (cone.name, cone.closure.side, cone.closure.station_m) == ("", "right", 0.0)  # type: ignore[union-attr]
    changed = edits.set_closure(cone.id, **numbers)(scene)  # type: ignore[arg-type]
    wanted = [one for one in edits.close_lane(bend, "left", 3.0, 2.0, 8.0)(Document()).of(Agent)]
    made = cones_of(changed, 2)
    assert len(made) == len(wanted) == 30 and len({replace(lane, station_m=0) for one in made if (lane := one.closure)}) == 1
    places = [[(one.keyframes[0].pose.x_m, one.keyframes[0].pose.y_m) for one in cones] for cones in (made, wanted)]
    np.testing.assert_allclose(*places, atol=0.35)  # a corner is read back from the cones beside it
    assert cones_of(changed, 1) == cones_of(scene, 1)
    back = edits.set_closure(made[0].id, side="right", spacing_m=3.0, taper_m=15.0, lane_width_m=3.5)(changed)
    assert {one.closure for one in back.of(Agent)} == {one.closure for one in scene.of(Agent)}
    assert edits.set_closure(cone.id, spacing_m=3.0)(scene) is scene
    with pytest.raises(EditError, match="no room for cones 50 m apart"):
        edits.set_closure(next(scene.of(Agent)).id, spacing_m=50)(scene)
    free = edits.add_agent("traffic_cone", 0, 0)(scene)
    with pytest.raises(EditError, match="is no cone of a lane that was closed"):
        edits.set_closure(list(free.of(Agent))[-1].id, spacing_m=2)(free)


def test_a_crossing_is_moved_and_widened_by_numbers() -> None:
    scene = edits.compose(edits.add_road([(0, 0), (0, 50)]), edits.add_crosswalk(0, 10))(Document())
    moved = edits.set_crosswalk("area-2", width_m=5.0, at_m=30.0)(scene).get("area-2", Area)
    assert shapely.Polygon(moved.exterior_m).bounds == pytest.approx((-3.5, 27.5, 3.5, 32.5))
    assert edits.set_crosswalk("area-2")(scene) is scene
    with pytest.raises(EditError, match=r"50\.0 m long"):
        edits.set_crosswalk("area-2", at_m=80)(scene)
    with pytest.raises(EditError, match="not stamped across a road"):
        edits.set_crosswalk("area-1", width_m=4)(scene)
    with pytest.raises(EditError, match="gone or has no centre line"):
        edits.set_crosswalk("area-2", width_m=4)(edits.delete(["area-1"])(scene))
