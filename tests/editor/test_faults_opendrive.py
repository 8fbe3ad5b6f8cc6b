"""What real OpenDRIVE files taught: each fault as a test of its kind, against a second, slow reading in small quads."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import shapely

from editor.entities import Area, Line
from editor.formats import FormatError, import_scene
from engine.spec.geometry import wrap_angle
from tests.editor.slow_opendrive import drivable

FAULTS = Path(__file__).parent / "faults"


class Scene(NamedTuple):
    """A scene in the map's own frame."""

    areas: dict[str, shapely.Geometry]
    lines: dict[str, shapely.Geometry]
    ego: np.ndarray
    """(N, 3): x, y, heading in degrees."""

    def __getitem__(self, channel: str) -> shapely.Geometry:  # type: ignore[override]
        return self.areas.get(channel, shapely.Polygon())


def imported(path: Path, **arguments: float) -> Scene:
    document, report = import_scene("opendrive", path, **arguments)
    ox, oy, _ = report.origin_m
    areas: dict[str, list[shapely.Geometry]] = {}
    for area in document.of(Area):
        moved = [[(x + ox, y + oy) for x, y in ring] for ring in (area.exterior_m, *area.holes_m)]
        areas.setdefault(area.channel, []).append(shapely.Polygon(moved[0], moved[1:]))
    lines: dict[str, list[shapely.Geometry]] = {}
    for line in document.of(Line):
        lines.setdefault(line.channel, []).append(shapely.LineString([(x + ox, y + oy) for x, y in line.points_m]))
    ego = np.array([(k.pose.x_m + ox, k.pose.y_m + oy, math.degrees(wrap_angle(k.pose.yaw_rad))) for k in document.ego.keyframes])
    return Scene(
        {channel: shapely.union_all(parts) for channel, parts in areas.items()},
        {channel: shapely.union_all(parts) for channel, parts in lines.items()},
        ego,
    )


def lane(id: int, *widths: tuple[float, float, float], kind: str = "driving", link: str = "", more: str = "", mark: str = "") -> str:
    """widths: (sOffset, width there, slope)."""
    rows = "".join(f'<width sOffset="{s}" a="{a}" b="{b}" c="0" d="0"/>' for s, a, b in widths or [(0, 3.5, 0)])
    return f'<lane id="{id}" type="{kind}" {more}><link>{link}</link>{rows}{mark}</lane>'


def section(s: float, left: str = "", right: str = "", more: str = "") -> str:
    sides = "".join(f"<{name}>{lanes}</{name}>" for name, lanes in (("left", left), ("right", right)) if lanes)
    return f'<laneSection s="{s}" {more}><center><lane id="0"/></center>{sides}</laneSection>'


def network(tmp_path: Path, *roads: str) -> Path:
    path = tmp_path / "network.xodr"
    path.write_text(f"<OpenDRIVE>{''.join(roads)}</OpenDRIVE>")
    return path


def road(*sections: str, shape: str = "<line/>", length: float = 120.0, offsets: str = "", objects: str = "", more: str = "") -> str:
    plan = f'<planView><geometry s="0" x="0" y="0" hdg="0" length="{length}">{shape}</geometry></planView>'
    return (
        f'<road id="1" length="{length}" junction="-1" {more}>{plan}<lanes>{offsets}{"".join(sections)}</lanes>'
        f"<objects>{objects}</objects></road>"
    )


NUMBERS = {
    "A_offset_step": 1400.0,
    "B_single_side": 1090.0,
    "E_direction_reversed": 350.0,
    "J_sections_past_end": 700.0,
    "L_helix": math.pi * (13.5**2 - 10**2),
    "O_taper": 3.5 * 50 + 3.5 * 50 / 2,
    "O2_merge": 700.0,
    # 60 m, three quarters of a circle of 30 m and 100 m, 7 m wide, less the square where they cross.
    "V_self_crossing": 7 * (160 + 1.5 * math.pi * 30) - 49,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_drivable_area_of_the_faults(name: str) -> None:
    path = FAULTS / f"{name}.xodr"
    started = time.process_time()
    ours = imported(path)["drivable_area"]
    assert time.process_time() - started < 3.0
    assert ours.area == pytest.approx(NUMBERS[name], rel=2e-3)
    slow = drivable(path)
    assert slow.area == pytest.approx(NUMBERS[name], rel=2e-3)
    assert ours.symmetric_difference(slow).area < 3e-3 * slow.area


def random_network(rng: random.Random, tmp_path: Path) -> Path:
    """Everything begins at multiples of 0.25 m, as the slow reading wants it."""

    def cut(low: float, high: float) -> float:
        return round(rng.uniform(low, high) * 4) / 4

    def lanes(side: int, span: float) -> str:
        rows = []
        for number in range(rng.randint(1, 3)):
            knot = cut(1.0, max(span - 1.0, 1.25))
            widths = [
                (0.0, rng.choice([0.0, 3.0, 3.5]), rng.choice([0.0, 0.05, 0.1])),
                (knot, rng.choice([0.0, 2.5, 4.0]), rng.choice([-0.1, 0.0, 0.05])),
            ]
            rows.append(lane(side * (number + 1), *widths, kind=rng.choice(["driving", "driving", "shoulder", "sidewalk", "none"])))
        return "".join(rows)

    length = float(rng.choice([60, 90, 150]))
    starts = sorted({0.0, *(cut(5, length + 20) for _ in range(rng.randint(0, 4)))})
    sections = []
    for index, start in enumerate(starts):
        span = ([*starts, length][index + 1]) - start
        single = index > 0 and rng.random() < 0.4
        chosen = rng.choice(["left", "right"])
        sections.append(
            section(
                start,
                left=lanes(1, span) if not single or chosen == "left" else "",
                right=lanes(-1, span) if not single or chosen == "right" else "",
                more='singleSide="true"' if single else "",
            )
        )
    offsets = "".join(
        f'<laneOffset s="{s}" a="{rng.uniform(-4, 4):.2f}" b="{rng.choice([0, 0.03])}" c="0" d="0"/>'
        for s in sorted({0.0, cut(1, length), cut(1, length)})
    )
    curve = rng.choice(["<line/>", f'<arc curvature="{rng.choice([-1, 1]) * rng.uniform(0.01, 0.4):.3f}"/>'])
    # A lane that is always there, so that there is something to drive on.
    path = network(tmp_path, road(*sections, shape=curve, length=length, offsets=offsets))
    extra = road(section(0, right=lane(-1)), length=20.0).replace('id="1"', 'id="2"', 1).replace('x="0" y="0"', 'x="900" y="900"')
    path.write_text(path.read_text().replace("</OpenDRIVE>", extra + "</OpenDRIVE>"))
    return path


@pytest.mark.parametrize("seed", range(12))
def test_drivable_area_of_random_roads(seed: int, tmp_path: Path) -> None:
    """Sections of one side, offset steps, tapers, and bends sharper than the road is wide."""
    path = random_network(random.Random(seed), tmp_path)
    ours, slow = imported(path)["drivable_area"], drivable(path)
    # Slits of up to 4 cm are closed, and outlines are smoothed by up to 1 cm.
    assert ours.symmetric_difference(slow.buffer(0.021).buffer(-0.021)).area < 0.02 + 0.012 * slow.length


def test_a_step_of_the_lane_offset_bends_no_line() -> None:
    scene = imported(FAULTS / "A_offset_step.xodr")
    np.testing.assert_allclose(scene.ego[:, 1], -5.25, atol=1e-6)
    np.testing.assert_allclose(scene.ego[:, 2], 0.0, atol=1e-6)
    outer = shapely.LineString([(0, -7), (100, -7)])
    lanes = scene.lines["lane_divider"]
    assert outer.difference(lanes.buffer(0.02)).length < 0.1
    assert lanes.intersection(shapely.box(49.5, -6.9, 50.5, -3.6)).length == 0, "a line runs across the road where the offset steps"


def test_crosswalks_have_all_their_outlines() -> None:
    crossing = imported(FAULTS / "C_two_outlines.xodr")["ped_crossing"]
    assert crossing.area == pytest.approx(40.0)
    assert crossing.symmetric_difference(shapely.union(shapely.box(40, 1, 44, 6), shapely.box(50, -6, 54, -1))).area < 1e-6


BOTH = section(0, lane(1, (0, 6, 0)), lane(-1, (0, 6, 0)))
LOCAL = "".join(f'<cornerLocal u="{u}" v="{v}" z="0"/>' for u, v in ((-1, 3), (1, 3), (1, -3), (-1, -3)))
ACROSS = "".join(f'<cornerRoad s="{s}" t="{t}"/>' for s, t in ((9, 3), (11, 3), (11, -3), (9, -3)))


@pytest.mark.parametrize(
    ("inside", "right"),
    [
        (f'<repeat s="20" length="60" distance="20"/><outline>{LOCAL}</outline>', [(s - 1, -3, s + 1, 3) for s in (20, 40, 60, 80)]),
        (
            f'<repeat s="20" length="60" distance="20"/><outlines><outline>{ACROSS}</outline></outlines>',
            [(s - 1, -3, s + 1, 3) for s in (20, 40, 60, 80)],
        ),
        ('<repeat s="20" length="30" distance="30" tStart="2" tEnd="-2"/>', [(18, 0, 22, 4), (48, -4, 52, 0)]),
        ('<repeat s="20" length="0" distance="5"/>', [(18, -2, 22, 2)]),
        ('<repeat s="20" length="40" distance="0" widthStart="2" widthEnd="2"/>', [(20, -1, 60, 1)]),
        (
            '<repeat s="20" length="10" distance="10"/><repeat s="70" length="10" distance="10"/>',
            [(s - 2, -2, s + 2, 2) for s in (20, 30, 70, 80)],
        ),
        (
            f'<outlines><outline>{ACROSS}</outline><outline outer="false">{ACROSS.replace("3", "1")}</outline></outlines>',
            [(9, -3, 11, -1), (9, 1, 11, 3)],
        ),
        (
            '<outline><cornerRoad s="40" t="6"/><cornerRoad s="40" t="-6"/></outline><markings><marking width="3"/></markings>',
            [(38.5, -6, 41.5, 6)],
        ),
    ],
)
def test_every_copy_of_a_crosswalk(inside: str, right: list[tuple[float, float, float, float]], tmp_path: Path) -> None:
    one = f'<object type="crosswalk" id="1" s="10" t="0" hdg="0" length="4" width="4">{inside}</object>'
    crossing = imported(network(tmp_path, road(BOTH, objects=one)))["ped_crossing"]
    assert crossing.symmetric_difference(shapely.union_all([shapely.box(*corners) for corners in right])).area < 1e-6


@pytest.mark.parametrize(
    ("told", "is_one"),
    [
        ('type="crosswalk" name="x"', True),
        ('type="-1" name="CContinentalCrosswalk"', True),
        ('type="none" name="SimpleCrosswalk"', True),
        ('type="roadMark" name="Zebra 3"', True),
        ('type="roadMark" subtype="pedestrianCrossing" name="a"', True),
        ('name="Ladder_CrossWalk_2"', True),
        ('type="-1" name="StopLine"', False),
        ('type="none" name="LevelCrossing"', False),
        ('type="pole" name="CrosswalkSign"', False),
    ],
)
def test_what_is_a_crosswalk(told: str, is_one: bool, tmp_path: Path) -> None:
    one = f'<object {told} id="1" s="10" t="0" hdg="0" length="4" width="7"/>'
    crossing = imported(network(tmp_path, road(BOTH, objects=one)))["ped_crossing"]
    assert crossing.area == pytest.approx(28.0 if is_one else 0.0)
    assert imported(FAULTS / "W_crosswalk_minus1.xodr")["ped_crossing"].area == pytest.approx(28.0)


@pytest.mark.parametrize(
    ("name", "lateral", "heading"),
    [
        ("E_direction_reversed", -1.75, 180.0),
        ("F2_traveldir", -1.75, 180.0),
        ("F3_lht_mixed", -1.75, 0.0),
        ("J_sections_past_end", -1.75, 0.0),
    ],
)
def test_direction_of_the_drive(name: str, lateral: float, heading: float) -> None:
    ego = imported(FAULTS / f"{name}.xodr").ego
    np.testing.assert_allclose(ego[:, 1], lateral, atol=1e-6)
    np.testing.assert_allclose(np.abs(ego[:, 2]), heading, atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "more", "along"),
    [
        ("RHT", "", 1),
        ("LHT", "", -1),
        ("RHT", 'direction="reversed"', -1),
        ("LHT", 'direction="reversed"', 1),
        ("RHT", 'direction="standard"', 1),
        ("LHT", 'direction="both"', -1),
    ],
)
def test_rule_and_direction_decide_together(rule: str, more: str, along: int, tmp_path: Path) -> None:
    ego = imported(network(tmp_path, road(section(0, right=lane(-1, more=more)), more=f'rule="{rule}"'))).ego
    assert np.sign(ego[-1, 0] - ego[0, 0]) == along
    np.testing.assert_allclose(np.cos(np.radians(ego[:, 2])), along, atol=1e-9)


def test_lines_between_directions_are_road_dividers(tmp_path: Path) -> None:
    mark = '<roadMark sOffset="0" type="solid" color="white"/>'
    lanes = lane(-1, mark=mark, more='direction="reversed"') + lane(-2, mark=mark) + lane(-3, mark=mark)
    scene = imported(network(tmp_path, road(section(0, right=lanes))))
    assert scene.lines["road_divider"].bounds == pytest.approx((0, -3.5, 120, -3.5), abs=1e-6)
    assert {round(y, 2) for _, y in shapely.get_coordinates(scene.lines["lane_divider"])} == {-7.0, -10.5}


def test_a_lane_that_tapers_from_nothing_is_driven_where_it_is_wide() -> None:
    scene = imported(FAULTS / "O_taper.xodr")
    widths = np.minimum(scene.ego[:, 0] * 0.07, 3.5)
    np.testing.assert_allclose(scene.ego[:, 1], -widths / 2, atol=0.02)
    assert widths.min() > 1.7 and scene.ego[-1, 0] > 90


def heading_is_gentle(scene: Scene, road_heading: float = 0.0) -> None:
    turned = np.abs([math.degrees(wrap_angle(math.radians(heading - road_heading))) for heading in scene.ego[:, 2]])
    assert turned.max() < 15.0
    assert all(scene["drivable_area"].buffer(0.05).covers(shapely.Point(x, y)) for x, y, _ in scene.ego)


def test_the_ego_moves_over_where_its_lane_ends() -> None:
    scene = imported(FAULTS / "O2_merge.xodr")
    heading_is_gentle(scene)
    before, after = scene.ego[scene.ego[:, 0] < 60], scene.ego[scene.ego[:, 0] > 90]
    np.testing.assert_allclose(before[:, 1], -5.25, atol=0.02)
    np.testing.assert_allclose(after[:, 1], -1.75, atol=0.02)


# Where the inner lane ends within 5 m, the lane that stays is itself bent by more than 15 degrees.
@pytest.mark.parametrize("rule", ["RHT", "LHT"])
@pytest.mark.parametrize(
    ("lost", "taper"), [("outer", t) for t in (0.0, 5.0, 15.0, 40.0, 60.0)] + [("inner", t) for t in (0.0, 15.0, 40.0, 60.0)]
)
def test_merges_of_every_length(lost: str, taper: float, rule: str, tmp_path: Path) -> None:
    """One of two lanes ends 60 m before the road does; whichever the ego was in, it goes on along the other one."""
    ends = 100.0 if rule == "RHT" else 60.0  # with left-hand traffic the right lanes run against the road
    closing = [(0.0, 3.5, 0.0), (ends - taper, 3.5, -3.5 / taper), (ends, 0.0, 0.0)] if taper else [(0.0, 3.5, 0.0), (ends, 0.0, 0.0)]
    opening = [(0.0, 0.0, 0.0), (ends, 0.0, 3.5 / taper), (ends + taper, 3.5, 0.0)] if taper else [(0.0, 0.0, 0.0), (ends, 3.5, 0.0)]
    widths = closing if rule == "RHT" else opening
    lanes = lane(-1, *(widths if lost == "inner" else [])) + lane(-2, *(widths if lost == "outer" else []))
    path = network(tmp_path, road(section(0, right=lanes), length=160.0, more=f'rule="{rule}"'))
    scene = imported(path, duration_s=15.0)
    heading_is_gentle(scene, 0.0 if rule == "RHT" else 180.0)
    assert np.ptp(scene.ego[:, 0]) > 100
    np.testing.assert_allclose(scene.ego[-1, 1], -1.75, atol=0.02)


@pytest.mark.parametrize("to", [-1, -2])
@pytest.mark.parametrize("told", ["successor", "predecessor"])
def test_lane_links_decide_where_geometry_cannot(to: int, told: str, tmp_path: Path) -> None:
    """A 6 m lane becomes two of 3 m, both as far aside: the link says which one the drive follows."""
    ahead = f'<successor id="{to}"/>' if told == "successor" else ""
    back = '<predecessor id="-1"/>' if told == "predecessor" else ""
    first = section(0, right=lane(-1, (0, 6, 0), link=ahead))
    second = section(60, right="".join(lane(id, (0, 3, 0), link=back if id == to else "") for id in (-1, -2)))
    scene = imported(network(tmp_path, road(first, second)))
    assert scene.ego[0, 1] == pytest.approx(-3.0, abs=0.02) and scene.ego[-1, 1] == pytest.approx(-1.5 if to == -1 else -4.5, abs=0.02)
    heading_is_gentle(scene)


def test_a_lane_that_opens_inside_changes_no_course(tmp_path: Path) -> None:
    """Lane ids shift where a turning lane opens; the drive stays in its lane, with links and without."""
    for link in ("", '<successor id="-2"/>'):
        first = section(0, right=lane(-1, link=link))
        second = section(60, right=lane(-1, (0, 0, 0.1), (30, 3, 0)) + lane(-2))
        offsets = '<laneOffset s="0" a="0" b="0" c="0" d="0"/><laneOffset s="60" a="0" b="0.1" c="0" d="0"/><laneOffset s="90" a="3" b="0" c="0" d="0"/>'
        ego = imported(network(tmp_path, road(first, second, offsets=offsets))).ego
        np.testing.assert_allclose(ego[:, 1], -1.75, atol=0.02)


def linked(id: str, x: float, y: float, heading: float, length: float, links: str, junction: str = "-1", rule: str = "RHT") -> str:
    plan = f'<planView><geometry s="0" x="{x}" y="{y}" hdg="{heading}" length="{length}"><line/></geometry></planView>'
    lanes = section(0, left=lane(1, (0, 3, 0)), right=lane(-1, (0, 3, 0)))
    return f'<road id="{id}" length="{length}" junction="{junction}" rule="{rule}"><link>{links}</link>{plan}<lanes>{lanes}</lanes></road>'


@pytest.mark.parametrize("rule", ["RHT", "LHT"])
def test_the_drive_goes_on_along_the_roads_that_follow(rule: str, tmp_path: Path) -> None:
    """50 m, a junction with a way straight on and one that turns off, 40 m the other way round; against them with left-hand traffic."""
    junction = '<successor elementType="junction" elementId="j"/>'
    comes = '<predecessor elementType="road" elementId="1" contactPoint="end"/>'
    straight = linked("3", 50, 0, 0, 20, comes + '<successor elementType="road" elementId="2" contactPoint="end"/>', "j", rule)
    turn = linked("4", 50, 0, 0.5, 20, comes, "j", rule)
    last = linked("2", 110, 0, math.pi, 40, junction, "-1", rule)
    ways = "".join(
        f'<connection id="{k}" incomingRoad="{a}" connectingRoad="{b}" contactPoint="{contact}"><laneLink from="{lane_from}" to="{lane_to}"/></connection>'
        for k, (a, b, contact, lane_from, lane_to) in enumerate(
            [
                ("1", "4", "start", -1, -1),
                ("1", "3", "start", -1, -1),
                ("1", "3", "start", 1, 1),
                ("2", "3", "end", 1, -1),
                ("2", "3", "end", -1, 1),
            ]
        )
    )
    path = network(tmp_path, linked("1", 0, 0, 0, 50, junction, "-1", rule), turn, straight, last, f'<junction id="j">{ways}</junction>')
    scene = imported(path, duration_s=12.0)
    along = scene.ego[:, 0]
    if rule == "RHT":
        # Lane -1 of road 1, then of road 3, then lane 1 of road 2, which runs the other way.
        np.testing.assert_allclose(scene.ego[:, 1], -1.5, atol=0.02)
        assert along[-1] - along[0] == pytest.approx(96, abs=2) and (np.diff(along) > 0).all()
    else:
        # The right lane is driven against the road here, so road 1 comes last and there is nothing behind it.
        assert (np.diff(along) < 0).all() and along[0] == pytest.approx(50, abs=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (road(section(0, right=lane(-1)), shape='<arc curvature="1e9"/>'), "bends"),
        (road(section(0, right=lane(-1)), length=1e12), "runs from"),
        (road(section(0, right=lane(-1)), shape='<arc curvature="0.1"/>', length=20_000.0), "times round"),
        (road(section(0, right=lane(-1, (0, 1e5, 0)))), "to its side"),
        (road(section(0, right=lane(-1))).replace('x="0"', 'x="1e9"'), "away from the map's origin"),
        (road(BOTH, objects='<object type="crosswalk" id="1" s="1" t="0"><repeat length="1e9" distance="1e-3"/></object>'), "more often"),
    ],
)
def test_numbers_that_make_no_road(text: str, says: str, tmp_path: Path) -> None:
    path = network(tmp_path, text)
    started = time.process_time()
    with pytest.raises(FormatError, match=says) as caught:
        import_scene("opendrive", path)
    assert time.process_time() - started < 2.0
    assert str(path) in str(caught.value)
