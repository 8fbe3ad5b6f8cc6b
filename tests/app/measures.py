"""What stories measure of what they made: a take's layouts against the scene's shapes, and the canvas in a deuteranope's eyes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import shapely
from playwright.sync_api import Page

from editor.clip import boxes_at, ego_pose_at
from editor.document import Document
from editor.entities import Agent, Area, Line
from engine.spec.classes import CHANNEL
from engine.spec.take import Take
from tests.app.actions import Actions
from tests.app.browser_driver import Point
from tests.engine.test_palette import lab, linear

LEAST = 8.0
"""CIE 1976 difference of two fields on the canvas, where areas let some of the ground through; 2.3 is just noticed where two touch."""
ORDER = ("drivable_area", "walkway", "ped_crossing")
"""Areas, the lower ones first."""
LOOKED_AT_M = 30.0


def shape_of(scene: Document, channel: str) -> shapely.Geometry:
    """All areas of a channel, in the world."""
    return shapely.union_all([shapely.make_valid(shapely.Polygon(a.exterior_m, a.holes_m)) for a in scene.of(Area) if a.channel == channel])


def unlike_drawn(take: Take, index: int, scene: Document, channel: str) -> tuple[int, int]:
    """(cells whose layout differs from the scene's areas, cells inside of those) at a frame of a take; cells on an edge are left out."""
    shape, voxel_m = shape_of(scene, channel), take.grid.voxel_m
    i, j = np.meshgrid(*(np.arange(n) for n in take.grid.bev_shape), indexing="ij")
    x, y = (take.grid.origin_m[axis] + (cells + 0.5) * voxel_m for axis, cells in enumerate((i, j)))
    world = np.stack([x, y, np.zeros_like(x), np.ones_like(x)], -1) @ take.world_SE3_ego[index].T
    inside = shapely.contains_xy(shape, world[..., 0], world[..., 1])
    clear = shapely.distance(shapely.points(world[..., :2]), shape.boundary) > 1.5 * voxel_m
    return int((inside != (take.layouts[index, CHANNEL[channel]] > 0))[clear].sum()), int(inside[clear].sum())


def as_a_deuteranope(page: Page) -> None:
    """From now on the page is drawn as somebody sees it who has no green cones."""
    page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": "deuteranopia"})


def told_apart(act: Actions, scene: Document) -> None:
    """On the canvas, at the first frame: the ego, each class of agent and each kind of ground are seen to be different things."""
    tab = act.tab
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Home")
    px = tab.find_places()
    tab.page.mouse.move(2, 2)
    tab.settle()
    seen = tab.pixels(tab.page)
    colours = {}
    for name, place, reach in _places(scene):
        x, y = (round(v) for v in px(place))
        patch = seen[y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3)
        colours[name] = lab(linear(patch).mean(0))
    assert len(colours) >= 3, sorted(colours)
    close = {(a, b): round(far, 1) for a, b in combinations(colours, 2) if (far := float(np.linalg.norm(colours[a] - colours[b]))) < LEAST}
    assert not close, close


def _places(scene: Document) -> Iterator[tuple[str, Point, int]]:
    """(what, where in the world, pixels to each side) of what is on the canvas."""
    boxes = {box.instance_id: box for box in boxes_at(scene, 0.0)}
    taken = [shapely.Polygon(box.corners_bev_m()).buffer(1.0) for box in boxes.values()]
    for agent in scene.of(Agent):
        box = boxes.get(agent.instance_id)
        if box is not None and max(abs(v) for v in box.center_m[:2]) < LOOKED_AT_M:
            # Behind its middle, where no arrow and no name lies.
            back = 0.25 * box.size_m[0]
            yield agent.class_name, (box.center_m[0] - back * np.cos(box.yaw_rad), box.center_m[1] - back * np.sin(box.yaw_rad)), 1
    ego = ego_pose_at(scene, 0.0)
    yield "ego", (ego.x_m - 0.3 * np.cos(ego.yaw_rad), ego.y_m - 0.3 * np.sin(ego.yaw_rad)), 1
    taken.append(shapely.Point(ego.x_m, ego.y_m).buffer(7.0))
    tracks = [one.keyframes for one in (scene.ego, *scene.of(Agent)) if len(one.keyframes) > 1]
    lines = [shapely.LineString([(k.pose.x_m, k.pose.y_m) for k in keys]) for keys in tracks] + [shapely.LineString(one.points_m) for one in scene.of(Line)]
    taken += [line.buffer(0.6) for line in lines]
    for number, channel in enumerate(ORDER):
        above = [shape_of(scene, other) for other in ORDER[number + 1 :]]
        free = shapely.difference(shape_of(scene, channel), shapely.union_all([*taken, *above]))
        free = shapely.intersection(free, shapely.box(-LOOKED_AT_M, -LOOKED_AT_M, LOOKED_AT_M, LOOKED_AT_M)).buffer(-0.7)
        if free.area > 0.5:
            x, y = max(shapely.get_parts(free), key=lambda one: one.area).representative_point().coords[0]
            yield channel, (x, y), 5
