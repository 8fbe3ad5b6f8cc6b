"""Surround video of any rig as a graph of calls (paper 3.3): which views are made together, and from which. Pure, numpy only."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from engine.spec.camera import Camera, Rig
from engine.spec.rig_geometry import adjacent, between, half_width, heading_rad, left_to_right
from engine.views.calls import Call, CallError, Plan
from engine.views.sight import Sight

LEAST_SHARED = 0.015
"""Share of a view that two neighbours have in common at least: between the rear cameras of nuScenes it is 0.03."""
NEW = 0.25
"""A view that shows at least this share of something that no picture shows yet goes before those that lie between others."""
WIDENED = 2.5
"""Where a view overlaps none, those are its neighbours whose pictures would show it if they reached this much farther: over gaps of 20 degrees."""
INSIDE, MARGIN = 0.9, 0.1
"""A telephoto's view lies to this share in a wider one, and the wider one is outside it by this much more."""


def plan(cameras: Sequence[Camera], given: Collection[str] = (), start: str | None = None) -> Plan:
    """The calls that make every camera which is not `given`, each once. Poses in the ego frame, those of the first frame.

    It begins with the view ahead and its two neighbours, or with `start` and its neighbours, goes round by the views that show most of
    what no picture shows yet, and ends with those that lie between others. The order of `cameras` does not matter.
    Raises CallError where there is no camera, a name comes twice, or a named camera is not there.
    """
    names = [camera.name for camera in cameras]
    if not cameras:
        raise CallError("There is no camera to plan for: add a camera or a rig.")
    if len(set(names)) < len(names):
        raise CallError(f"Two cameras are called '{next(n for n in names if names.count(n) > 1)}': give every camera a name of its own.")
    for name in (*given, *((start,) if start else ())):
        if name not in names:
            raise CallError(f"There is no camera '{name}' in this rig: it has {', '.join(names)}.")
    return Plan(tuple(_Planner(sorted(cameras, key=_from_ahead), given).calls(start)), frozenset(given))


def anchored(rig: Rig, camera: str, picture: np.ndarray) -> Plan:
    """The plan that starts from one photograph: it is the first frame of `camera`, whose group is the first call.

    `picture` is uint8 (H, W, 3) in the camera's proportions. Raises CallError where it is not, or there is no such camera.
    """
    from_it = plan(rig.cameras, start=camera)
    shape, wanted = picture.shape, rig[camera]
    if picture.ndim != 3 or shape[2] != 3 or picture.dtype != np.uint8:
        raise CallError(f"A photograph must be uint8 (height, width, 3), this one is {picture.dtype} {shape}: convert it first.")
    if abs(shape[1] / shape[0] / (wanted.width / wanted.height) - 1) > 0.02:
        raise CallError(
            f"A photograph of {shape[1]} x {shape[0]} has not the proportions of camera '{camera}' ({wanted.width} x {wanted.height}): crop it first."
        )
    first = from_it.calls[0]
    calls = (Call(first.anchors, first.targets, True, first.group), *from_it.calls[1:])
    return Plan(calls, from_it.given, {camera: picture})


def densify(rig: Rig, before: Plan | None = None) -> tuple[Rig, Plan]:
    """One more camera between each pair of neighbours, made from both: the rig's own cameras, and the calls of its plan, stay as they are.

    `before` is the rig's plan, `plan(rig.cameras)` where it is left out; so `densify(*densify(rig))` goes on. Raises CallError where
    no two cameras are neighbours.
    """
    before = plan(rig.cameras) if before is None else before
    cameras, calls = list(rig.cameras), list(before.calls)
    pairs = adjacent(rig.cameras)
    if not pairs:
        raise CallError(f"Rig '{rig.name}' has no two neighbours that a camera could go between: add cameras that look around.")
    for right, left in pairs:
        camera = between(cameras[right], cameras[left], {one.name for one in cameras})
        calls.append(Call((cameras[left].name, cameras[right].name), (camera.name,)))
        cameras.append(camera)
    return Rig(rig.name, tuple(cameras)), Plan(tuple(calls), before.given, before.pictures)


def _from_ahead(camera: Camera) -> tuple[float, ...]:
    """Sorts cameras by what they are, never by name or order: ahead first, left before right, level before steep, wide before long."""
    heading, pose = heading_rad(camera), camera.ego_SE3_camera.matrix()
    lens = (-half_width(camera), -camera.height / camera.fy, float(camera.width))
    place = (-pose[1, 3], pose[2, 3], pose[0, 3])
    return tuple(round(float(v), 5) for v in (abs(heading), -heading, abs(pose[2, 2]), *lens, *place))


class _Planner:
    """Makes the calls, cameras by number in the order `_from_ahead`."""

    def __init__(self, cameras: Sequence[Camera], given: Collection[str]) -> None:
        self.cameras = cameras
        self.sight = Sight(cameras)
        self.made = [k for k, camera in enumerate(cameras) if camera.name in given]
        self.left = [k for k, camera in enumerate(cameras) if camera.name not in given]

    def calls(self, start: str | None) -> list[Call]:
        calls: list[Call] = []
        wide: Sight | None = None
        if start is not None:
            middle = next(k for k, camera in enumerate(self.cameras) if camera.name == start)
            if middle in self.left:
                calls.append(self._begin(middle))
        while self.left:
            level = self._level(self.sight, NEW)
            if not level and any(self._new(k) >= NEW for k in self.left):
                # Nothing left to show overlaps what is made: the nearest goes on for its light and colours, or another group begins.
                wide = wide or Sight(self.cameras, WIDENED)
                level = self._level(wide, NEW) or [self._begin(self._middle())]
            calls += level or self._level(self.sight, 0.0)
        return calls

    def _new(self, k: int) -> float:
        """Share of a view that no picture shows yet."""
        return round(1 - self.sight.covered(k, self.made), 3)

    def _level(self, sight: Sight, least_new: float) -> list[Call]:
        """Calls that may run side by side: no two of them make the same place up, each on its own; nor does any take the place of one
        that shows more and waits."""
        new = {k: self._new(k) for k in self.left}
        beside = [k for k in self.left if new[k] >= least_new and any(sight.overlap(k, m) >= LEAST_SHARED for m in self.made)]
        beside.sort(key=lambda k: (-new[k], k))
        chosen = [k for at, k in enumerate(beside) if not any(self._would_both_invent(sight, k, other) for other in beside[:at])]
        calls = [self._call(self._anchors(sight, k), [k]) for k in chosen]
        self._are_made(chosen)
        return calls

    def _would_both_invent(self, sight: Sight, k: int, other: int) -> bool:
        """Whether two views share something that no picture shows yet."""
        pairs = ((k, other), (other, k))
        return any(by.shared_anew(*pair, self.made) >= LEAST_SHARED for by in (sight, self.sight) for pair in pairs)

    def _anchors(self, sight: Sight, k: int) -> list[int]:
        """The view that shows most of view `k`, and the one that adds most to it, if one does."""
        near = [m for m in self.made if sight.overlap(k, m) >= LEAST_SHARED]
        first = max(near, key=lambda m: (round(sight.covered(k, (m,)), 3), round(sight.overlap(k, m), 3), -m))
        alone = sight.covered(k, (first,))
        added = {m: round(sight.covered(k, (first, m)) - alone, 3) for m in near if m != first}
        second = max(added, key=lambda m: (added[m], round(sight.covered(k, (m,)), 3), -m), default=first)
        return [first, second] if second != first and added[second] >= LEAST_SHARED else [first]

    def _middle(self) -> int:
        """Where a new group begins: with neighbours on both sides if there are such, as far ahead as can be, never inside a wider view."""
        new = [k for k in self.left if self._new(k) >= NEW]
        outer = [k for k in new if not any(self._inside(k, other) for other in self.left if other != k)]
        return min(outer or new, key=lambda k: (-sum(side is not None for side in self._sides(k)), k))

    def _inside(self, k: int, other: int) -> bool:
        in_other, other_in = self.sight.covered(k, (other,)), self.sight.covered(other, (k,))
        return in_other >= INSIDE and in_other - other_in >= MARGIN

    def _begin(self, middle: int) -> Call:
        views = [middle, *(side for side in self._sides(middle) if side is not None)]
        self._are_made(views)
        return self._call([], views)

    def _sides(self, middle: int) -> tuple[int | None, int | None]:
        """The neighbours of a view that show most beside what it shows, to its left and to its right."""
        camera_R_ego = self.cameras[middle].ego_SE3_camera.matrix()[:3, :3].T
        sides: list[int | None] = []
        for sign in (-1, 1):
            best: tuple[float, int] | None = None
            for k in self.left:
                x, y, _ = camera_R_ego @ self.cameras[k].ego_SE3_camera.matrix()[:3, 2]
                beside = k != middle and sign * x > abs(y) and LEAST_SHARED <= self.sight.overlap(k, middle) < INSIDE
                shown = round(1 - self.sight.covered(k, (*self.made, middle, *(s for s in sides if s is not None))), 3)
                if beside and shown >= NEW and (best is None or shown > best[0]):
                    best = shown, k
            sides.append(best[1] if best else None)
        return sides[0], sides[1]

    def _call(self, anchors: Sequence[int], targets: Sequence[int]) -> Call:
        active = [*anchors, *targets]
        group = [active[k] for k in left_to_right([self.cameras[k] for k in active])]
        name = {k: self.cameras[k].name for k in active}
        in_order = [[name[k] for k in group if k in part] for part in (anchors, targets, active)]
        return Call(tuple(in_order[0]), tuple(in_order[1]), group=tuple(in_order[2]))

    def _are_made(self, views: Sequence[int]) -> None:
        self.made += views
        self.left = [k for k in self.left if k not in views]
