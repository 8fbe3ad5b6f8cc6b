"""What looks wrong in a scene. Nothing here blocks anything: a wrong-way driver may be the very point of the scene."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from editor import check
from editor.clip import boxes_at, ego_pose_at, frame_count, may_touch, touches_grid, world_SE3_camera_at
from editor.document import Document, EditError
from editor.entities import Agent, Area, CameraEntity, EgoPath, Keyframe, Line, PaintLayer
from editor.ground import height_at
from editor.lanes import NEAR_M, dividers_of, keeps_right, side_of_divider
from editor.track import exists_at, pose_at, speed_between
from engine.spec.geometry import Box, invert
from engine.spec.grid import GRIDS, RATE_HZ

FASTEST_M_S: dict[str, float] = {
    "barrier": 0.5,
    "traffic_cone": 0.5,
    "pedestrian": 6.0,
    "bicycle": 16.0,
    "construction_vehicle": 20.0,
    "trailer": 36.0,
    "bus": 36.0,
    "truck": 36.0,
    "motorcycle": 70.0,
    "car": 70.0,
}
EGO_FASTEST_M_S = 70.0
LOOKS = 25
"""Moments of the timeline at which agents are compared."""
EGO_SIZE_M = (4.7, 1.9, 1.7)
EGO_CENTER_AHEAD_M = 1.35
"""From the ego's origin under the rear axle to the middle of the car."""
ALLOWED_OVERLAP_M2 = 0.05
DRIVES = ("bus", "car", "construction_vehicle", "motorcycle", "truck")
"""Classes that keep to the road and to its side."""
DRIVES_M_S = 1.0
ON_THE_ROAD_M = 2.0
"""This far beside what can be driven on, a vehicle is taken to stand on its edge."""
HITCHED = {frozenset({"truck", "trailer"}), frozenset({"car", "trailer"}), frozenset({"construction_vehicle", "trailer"})}
"""Pairs that may touch: a trailer hangs on what pulls it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to look at."""

    sentence: str
    ids: tuple[str, ...] = ()
    time_s: float | None = None
    """When it is to be seen; None = at any time."""


def problems(document: Document) -> list[Problem]:
    """Everything found, gravest first; an empty list is a clean scene."""
    broken = list(_broken(document))
    if broken:
        # The other rules compute with numbers that these entities do not have.
        return broken
    boxes = [(time_s, boxes_at(document, time_s)) for time_s in _moments(document)]
    found = [
        _duplicates(document), _empty_shapes(document), _overlaps(document, boxes), _wrong_way(document), _off_the_road(document),
        _unseen(document, boxes), _speeds(document), _cameras(document), _spans(document),
    ]  # fmt: skip
    return [problem for rule in found for problem in rule]


def _broken(document: Document) -> Iterator[Problem]:
    for entity in (document.ego, *document.entities.values()):
        try:
            check.entity(entity)
        except EditError as error:
            yield Problem(str(error), (entity.id,))
    try:
        check.document(document)
    except EditError as error:
        yield Problem(str(error))


def _duplicates(document: Document) -> Iterator[Problem]:
    by_instance: dict[int, list[Agent]] = defaultdict(list)
    for agent in document.of(Agent):
        by_instance[agent.instance_id].append(agent)
    for instance, agents in by_instance.items():
        # A log's track with a gap is several agents of one id, one after another: those are told apart by time.
        ordered = sorted(agents, key=lambda agent: -np.inf if agent.appears_s is None else agent.appears_s)
        ends = [np.inf if agent.disappears_s is None else agent.disappears_s for agent in ordered]
        clashes = any((later.appears_s or 0.0) <= max(ends[: index + 1]) for index, later in enumerate(ordered[1:]))
        if clashes:
            ids = [agent.id for agent in agents]
            yield Problem(f"{_listed(ids)} share the instance id {instance}, so a generated scene cannot tell them apart.", tuple(ids))
    by_name: dict[str, list[str]] = defaultdict(list)
    for camera in document.of(CameraEntity):
        by_name[camera.camera.name].append(camera.id)
    for name, ids in by_name.items():
        if len(ids) > 1:
            yield Problem(f"{len(ids)} cameras are called '{name}', and a take keeps one folder per name: rename all but one.", tuple(ids))


def _empty_shapes(document: Document) -> Iterator[Problem]:
    for area in document.of(Area):
        if shapely.make_valid(shapely.Polygon(area.exterior_m, area.holes_m)).area < 1e-3:
            yield Problem(f"Area '{area.id}' ({area.channel}) covers nothing: its corners lie on one line.", (area.id,))
    for line in document.of(Line):
        if shapely.LineString(line.points_m).length < 1e-3:
            yield Problem(f"Line '{line.id}' ({line.channel}) has no length.", (line.id,))


def _overlaps(document: Document, boxes_of: Sequence[tuple[float, list[Box]]]) -> Iterator[Problem]:
    names = {agent.instance_id: agent.id for agent in document.of(Agent)}
    still = {agent.id for agent in document.of(Agent) if len(agent.keyframes) == 1}
    seen: set[tuple[str, str]] = set()
    for time_s, those in boxes_of:
        ego = ego_pose_at(document, time_s)
        ahead = ego.matrix()[:3, 0] * EGO_CENTER_AHEAD_M
        ego_box = Box(0, "car", (ego.x_m + ahead[0], ego.y_m + ahead[1], ego.z_m + EGO_SIZE_M[2] / 2), EGO_SIZE_M, ego.yaw_rad)
        boxes = [ego_box, *those]
        shapes = shapely.polygons(np.array([box.corners_bev_m() for box in boxes]))
        for a, b in zip(*shapely.STRtree(shapes).query(shapes, predicate="intersects"), strict=True):
            one, other = boxes[a], boxes[b]
            pair = (names.get(one.instance_id, "ego"), names.get(other.instance_id, "ego"))
            if a >= b or pair in seen or frozenset({one.class_name, other.class_name}) in HITCHED:
                continue
            apart = abs(one.center_m[2] - other.center_m[2]) >= (one.size_m[2] + other.size_m[2]) / 2
            if not apart and shapely.intersection(shapes[a], shapes[b]).area > ALLOWED_OVERLAP_M2:
                seen.add(pair)
                what = "stand in each other" if still.issuperset(pair) else f"run into each other at {time_s:.1f} s"
                yield Problem(f"{pair[0]} and {pair[1]} {what}.", pair, time_s)


def _wrong_way(document: Document) -> Iterator[Problem]:
    """Vehicles that have the road divider on the other side than the ego has it."""
    dividers = dividers_of(document)
    if not len(dividers):
        return
    own, moments = 1 if keeps_right(document) else -1, _moments(document)
    for agent in document.of(Agent):
        if agent.class_name not in DRIVES or len(agent.keyframes) < 2:
            continue
        votes = []
        here = [(time_s, pose_at(agent.keyframes, time_s)) for time_s in moments if exists_at(agent, time_s)]
        # One question for the whole way: most places of a large map have no divider near.
        near = dividers.query_nearest(shapely.points([(pose.x_m, pose.y_m) for _, pose in here]), max_distance=NEAR_M, all_matches=False)[0]
        for time_s, pose in (here[index] for index in near):
            after = pose_at(agent.keyframes, time_s + 0.5)
            if np.hypot(after.x_m - pose.x_m, after.y_m - pose.y_m) > DRIVES_M_S * 0.5:
                way = float(np.arctan2(after.y_m - pose.y_m, after.x_m - pose.x_m))
                votes.append((side_of_divider(dividers, pose.x_m, pose.y_m, way) * own, time_s))
        against = [time_s for vote, time_s in votes if vote < 0]
        if against and len(against) > 0.7 * sum(vote != 0 for vote, _ in votes):
            yield Problem(f"{agent.id} drives against the traffic from {against[0]:.1f} s on.", (agent.id,), against[0])


def _off_the_road(document: Document) -> Iterator[Problem]:
    """Vehicles that drive where nothing can be driven on; a scene whose road is painted or missing says nothing of it."""
    areas = [area for area in document.of(Area) if area.channel == "drivable_area"]
    if not areas or any(layer.channel == "drivable_area" for layer in document.of(PaintLayer)):
        return
    road = shapely.union_all([shapely.make_valid(shapely.Polygon(area.exterior_m, area.holes_m)) for area in areas]).buffer(ON_THE_ROAD_M)
    shapely.prepare(road)
    for agent in document.of(Agent):
        # What a log recorded did happen, on ground that its map leaves out.
        if agent.class_name not in DRIVES or len(agent.keyframes) < 2 or agent.source == "imported":
            continue
        for time_s in _moments(document):
            pose = pose_at(agent.keyframes, time_s)
            if exists_at(agent, time_s) and not shapely.contains_xy(road, pose.x_m, pose.y_m):
                yield Problem(f"{agent.id} drives beside the road at {time_s:.1f} s.", (agent.id,), time_s)
                break


def _unseen(document: Document, boxes_of: Sequence[tuple[float, list[Box]]]) -> Iterator[Problem]:
    grid = GRIDS[document.grid]
    never = {agent.instance_id: agent.id for agent in document.of(Agent)}
    for time_s, boxes in boxes_of:
        world_SE3_ego = ego_pose_at(document, time_s).matrix()
        ego_SE3_world = invert(world_SE3_ego)
        for box in boxes:
            if box.instance_id in never and may_touch(box, world_SE3_ego, grid) and touches_grid(box.moved(ego_SE3_world), grid):
                del never[box.instance_id]
    for id in never.values():
        yield Problem(f"{id} is never inside the grid around the ego while it exists, so no frame shows it.", (id,))


def _speeds(document: Document) -> Iterator[Problem]:
    tracks: list[tuple[str, str, float, tuple[Keyframe, ...]]] = [
        (agent.id, agent.class_name, FASTEST_M_S[agent.class_name], agent.keyframes) for agent in document.of(Agent)
    ]
    ego: EgoPath = document.ego
    for id, kind, limit, keyframes in (("ego", "ego", EGO_FASTEST_M_S, ego.keyframes), *tracks):
        fastest = max(((speed_between(a, b), a.time_s) for a, b in zip(keyframes, keyframes[1:], strict=False)), default=(0.0, 0.0))
        if fastest[0] > limit:
            what = "the ego" if kind == "ego" else f"a {kind.replace('_', ' ')}"
            yield Problem(
                f"{id} goes {fastest[0]:.1f} m/s after {fastest[1]:.1f} s, and {what} is expected to stay below {limit:g} m/s.", (id,), fastest[1]
            )


def _cameras(document: Document) -> Iterator[Problem]:
    for camera in document.of(CameraEntity):
        for time_s in _moments(document):
            x, y, z = world_SE3_camera_at(document, camera, time_s)[:3, 3]
            ground = height_at(document, float(x), float(y), time_s)
            if z < ground:
                yield Problem(f"Camera '{camera.camera.name}' is {ground - z:.1f} m inside the ground at {time_s:.1f} s.", (camera.id,), time_s)
                break


def _spans(document: Document) -> Iterator[Problem]:
    frames = frame_count(document)
    for layer in document.of(PaintLayer):
        if layer.span is not None and layer.span[0] >= frames:
            yield Problem(
                f"Paint '{layer.id}' ({layer.channel}) begins at frame {layer.span[0]}, after the scene's last frame {frames - 1}.",
                (layer.id,),
            )
    for agent in document.of(Agent):
        if agent.appears_s is not None and agent.appears_s > document.duration_s:
            yield Problem(f"{agent.id} appears at {agent.appears_s:g} s, after the scene's end at {document.duration_s:g} s.", (agent.id,))


def _moments(document: Document) -> list[float]:
    count = frame_count(document)
    frames = np.unique(np.linspace(0, count - 1, min(count, LOOKS)).round())
    return [float(frame / RATE_HZ) for frame in frames]


def _listed(ids: list[str]) -> str:
    return ", ".join(ids[:-1]) + f" and {ids[-1]}"
