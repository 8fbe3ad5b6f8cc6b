"""The example scenes, drawn by us through the same edits as everyone's. `python -m editor.samples` writes assets/templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from editor import edits
from editor.document import Document, Edit
from editor.files import project
from engine.spec.classes import ASSETS

TEMPLATES = ASSETS / "templates"
LANE_M = 3.5
WALK_M = 3.0


def blank() -> Document:
    """An empty scene with the default rig, the ego standing still."""
    return edits.compose(edits.set_scene(name="blank", prompt="A driving scene in daylight."), edits.use_rig("nuscenes6"))(Document())


def crossing() -> Document:
    """An X-junction of two two-way roads; the ego drives straight through between turning, waiting and crossing traffic."""
    half, far, corner = 2 * LANE_M, 70.0, 2 * LANE_M + 4.0
    cx = 24.0
    """The junction's middle lies this far ahead of the ego's start."""

    steps: list[Edit] = [
        edits.set_scene(
            name="crossing", duration_s=4.0, prompt="City streets in clear daylight."
        ),
        # One plus-shaped road whose inner corners are cut, as kerbs are.
        edits.add_area("drivable_area", [(cx + x, y) for x, y in _plus(half, corner, far)], name="roads"),
    ]
    for sx in (1, -1):
        for sy in (1, -1):
            block = [
                (half, far),
                (half, corner),
                (corner, half),
                (far, half),
                (far, half + WALK_M),
                (corner + 1, half + WALK_M),
                (half + WALK_M, corner + 1),
            ]
            block += [(half + WALK_M, far)]
            steps.append(edits.add_area("walkway", [(cx + sx * x, sy * y) for x, y in block], name="pavement"))
    for turn in range(4):
        across, along = corner + 1.0, corner + 4.0
        steps.append(
            edits.add_area(
                "ped_crossing", [_turned(cx, turn, *p) for p in ((across, -half), (along, -half), (along, half), (across, half))]
            )
        )
        steps.append(edits.add_line("road_divider", [_turned(cx, turn, along + 1.5, 0.0), _turned(cx, turn, far, 0.0)]))
        for side in (LANE_M, -LANE_M):
            steps.append(edits.add_line("lane_divider", [_turned(cx, turn, along + 1.5, side), _turned(cx, turn, far, side)]))
    inner, outer = -0.5 * LANE_M, -1.5 * LANE_M
    """Right-hand traffic: lanes of eastbound traffic lie at negative y."""
    steps += [
        _ego([(0.0, 0.0, inner), (4.0, 36.0, inner)]),
        _agent("car", [(0.0, 14.0, outer), (4.0, 58.0, outer)], "overtakes on the right"),
        _agent("car", [(0.0, cx + 45.0, -inner), (4.0, cx + 6.0, -inner)], "comes towards us"),
        _agent("truck", [(0.0, cx + 60.0, -outer), (4.0, cx + 26.0, -outer)], "comes towards us"),
        _agent("bus", [(0.0, cx - outer, -24.0)], "waits in the south", yaw=np.pi / 2),
        _agent("car", [(0.0, cx + inner, 22.0)], "waits in the north", yaw=-np.pi / 2),
        _agent("motorcycle", [(0.0, cx + outer, 20.0)], "waits beside it", yaw=-np.pi / 2),
        _agent("bicycle", [(0.0, -6.0, outer), (4.0, 9.0, outer)], "follows"),
        _agent("pedestrian", [(0.0, cx - 20.0, half + 1.5), (4.0, cx - 14.5, half + 1.5)], "walks on the pavement"),
        _agent("pedestrian", [(0.0, cx - 6.0, 13.5), (4.0, cx + 0.5, 13.5)], "crosses in the north"),
        _agent("pedestrian", [(0.0, cx + 5.0, -13.2), (4.0, cx - 0.6, -13.2)], "crosses in the south"),
        _agent("pedestrian", [(0.0, cx + 14.0, -(half + 1.5))], "waits at the kerb", yaw=np.pi / 2),
        _agent("construction_vehicle", [(0.0, cx - 40.0, -outer)], "parked", yaw=np.pi),
        edits.use_rig("nuscenes6"),
    ]
    return edits.compose(*steps)(Document())


def lane_closure() -> Document:
    """A straight four-lane road whose right lane is closed by cones; the ego and a car ahead move over."""
    half = 2 * LANE_M
    inner, outer = -0.5 * LANE_M, -1.5 * LANE_M
    steps: list[Edit] = [
        edits.set_scene(name="lane closure", duration_s=4.0, prompt="City street on an overcast day."),
        edits.add_area("drivable_area", [(-60.0, -half), (120.0, -half), (120.0, half), (-60.0, half)], name="road"),
        edits.add_line("road_divider", [(-60.0, 0.0), (120.0, 0.0)]),
        edits.add_line("lane_divider", [(-60.0, LANE_M), (120.0, LANE_M)]),
        edits.add_line("lane_divider", [(-60.0, -LANE_M), (120.0, -LANE_M)]),
    ]
    for side in (1, -1):
        steps.append(
            edits.add_area(
                "walkway", [(-60.0, side * half), (120.0, side * half), (120.0, side * (half + WALK_M)), (-60.0, side * (half + WALK_M))]
            )
        )
    taper = [(22.0 + 3.0 * k, -half + 0.5 + k * (LANE_M - 0.8) / 5) for k in range(6)]
    steps += [
        edits.add_agent("traffic_cone", x, y, name="taper")
        for x, y in (*taper, *((taper[-1][0] + 3.0 * k, taper[-1][1]) for k in range(1, 8)))
    ]
    steps += [
        edits.add_agent("barrier", 42.0, outer - 0.2, 0.0, name="closes the lane"),
        edits.add_agent("construction_vehicle", 50.0, outer - 0.2, 0.0, name="digs"),
        edits.add_agent("pedestrian", 45.0, outer - 0.4, np.pi, name="worker"),
        _ego([(0.0, 0.0, outer), (1.0, 7.0, outer + 0.4), (2.5, 18.0, inner - 0.3), (3.0, 22.0, inner), (4.0, 31.0, inner)]),
        _agent("car", [(0.0, 16.0, inner), (4.0, 56.0, inner)], "passes the works"),
        _agent("truck", [(0.0, 70.0, -inner), (4.0, 26.0, -inner)], "comes towards us"),
        _agent("car", [(0.0, 20.0, -outer), (4.0, -26.0, -outer)], "comes towards us"),
        _agent("car", [(0.0, -18.0, inner), (4.0, 16.0, inner)], "follows in the left lane"),
        edits.use_rig("nuscenes6"),
    ]
    return edits.compose(*steps)(Document())


def two_way() -> Document:
    """An urban two-way street with nobody on it but the ego, which drives at 8 m/s: to put a scene into."""
    lane = -0.5 * LANE_M
    return edits.compose(
        edits.set_scene(name="two-way street", duration_s=6.0, prompt="City street in clear daylight."),
        edits.add_road([(-40.0, 0.0), (110.0, 0.0)], 2, LANE_M),
        edits.add_walkways(WALK_M),
        edits.add_dividers(LANE_M),
        _ego([(0.0, 0.0, lane), (6.0, 48.0, lane)]),
        edits.use_rig("nuscenes6"),
    )(Document())


def highway() -> Document:
    """One carriageway of a highway, three lanes in one direction; the ego drives in the middle one at 20 m/s."""
    edge = 1.5 * LANE_M
    return edits.compose(
        edits.set_scene(name="highway", duration_s=4.0, prompt="Sunny afternoon."),
        edits.add_road([(-60.0, 0.0), (240.0, 0.0)], 3, LANE_M),
        edits.add_line("road_divider", [(-60.0, edge - 0.3), (240.0, edge - 0.3)]),
        *(edits.add_line("lane_divider", [(-60.0, side * LANE_M / 2), (240.0, side * LANE_M / 2)]) for side in (1, -1)),
        _ego([(0.0, 0.0, 0.0), (4.0, 80.0, 0.0)]),
        edits.use_rig("nuscenes6"),
    )(Document())


SAMPLES: Mapping[str, Callable[[], Document]] = {
    "blank": blank, "crossing": crossing, "highway": highway, "lane_closure": lane_closure, "two_way": two_way,
}  # fmt: skip


def write(folder: Path = TEMPLATES) -> None:
    """Every sample as FOLDER/NAME.anyscene."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in SAMPLES.items():
        project.save(make(), folder / f"{name}.anyscene")


def _plus(half: float, corner: float, far: float) -> list[tuple[float, float]]:
    arm = [(far, -half), (far, half), (corner, half), (half, corner)]
    return [_turned(0.0, turn, x, y) for turn in range(4) for x, y in arm]


def _turned(cx: float, quarters: int, x: float, y: float) -> tuple[float, float]:
    for _ in range(quarters):
        x, y = -y, x
    return cx + x, y


def _ego(track: list[tuple[float, float, float]]) -> Edit:
    (_, x, y), *rest = track
    return edits.compose(edits.move_waypoint("ego", 0, x, y), *(edits.add_waypoint("ego", t, px, py) for t, px, py in rest))


def _agent(class_name: str, track: list[tuple[float, float, float]], name: str, yaw: float | None = None) -> Edit:
    """An agent along (time, x, y) waypoints; one that stands still is given its heading."""
    (_, x, y), *rest = track
    heading = yaw if yaw is not None else float(np.arctan2(track[1][2] - y, track[1][1] - x))

    def edit(document: Document) -> Document:
        after = edits.add_agent(class_name, x, y, heading, name=name)(document)
        id = next(key for key in after.entities if key not in document.entities)
        return edits.compose(*(edits.add_waypoint(id, t, px, py) for t, px, py in rest))(after)

    return edit


if __name__ == "__main__":
    write()
