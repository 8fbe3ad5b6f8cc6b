"""Variations of the cameras on the ego: one more, one fewer, all moved a little, twice as many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from editor import check, edits
from editor.document import Document
from editor.entities import CameraEntity
from editor.variations.variation import NoPlace, Range, Setting, Values, Variation
from engine.spec.geometry import Pose
from engine.spec.rig_geometry import adjacent


def _on_ego(document: Document) -> list[CameraEntity]:
    return [camera for camera in document.of(CameraEntity) if camera.mount == "ego" and camera.enabled]


def _rig(setting: Setting, fewest: int) -> list[CameraEntity]:
    cameras = _on_ego(setting.document)
    if len(cameras) < fewest:
        raise NoPlace(f"It takes {fewest} cameras on the ego, and this scene has {len(cameras)}: use a rig first.")
    return cameras


def _only_cameras(before: Document, after: Document) -> str | None:
    if before.ego != after.ego or before.prompt != after.prompt or before.duration_s != after.duration_s:
        return "Something other than cameras changed."
    for key in before.entities.keys() | after.entities.keys():
        one, other = before.entities.get(key), after.entities.get(key)
        if one is not other and one != other and not isinstance(one or other, CameraEntity):
            return f"'{key}' changed, which is no camera."
    names = [camera.camera.name for camera in after.of(CameraEntity)]
    return None if len(set(names)) == len(names) else "Two cameras share a name."


def _changed(before: Document, after: Document) -> tuple[list[CameraEntity], list[CameraEntity], list[CameraEntity]]:
    """Cameras that are new, gone, and different."""
    new = [camera for camera in after.of(CameraEntity) if camera.id not in before.entities]
    gone = [camera for camera in before.of(CameraEntity) if camera.id not in after.entities]
    other = [camera for camera in after.of(CameraEntity) if camera.id in before.entities and before.entities[camera.id] != camera]
    return new, gone, other


def _add(setting: Setting) -> Document:
    cameras = _rig(setting, 2)
    pairs = adjacent([camera.camera for camera in cameras])
    if not pairs:
        raise NoPlace("No two cameras on the ego are neighbours, so there is no place between them.")
    right, left = pairs[int(setting.rng.integers(len(pairs)))]
    return edits.insert_between([cameras[right].id, cameras[left].id])(setting.document)


def _add_holds(before: Document, after: Document, values: Values) -> str | None:
    new, gone, other = _changed(before, after)
    if broken := _only_cameras(before, after):
        return broken
    return (
        None
        if 1 <= len(new) <= 2 and not gone and not other
        else "It takes one more camera, or two between two that look apart, and the others stay."
    )


def _drop(setting: Setting) -> Document:
    cameras = _rig(setting, 2)
    chosen = setting.rng.permutation(len(cameras))[: min(setting.values["cameras"], len(cameras) - 1)]
    return edits.delete([cameras[index].id for index in sorted(chosen)])(setting.document)


def _drop_holds(before: Document, after: Document, values: Values) -> str | None:
    new, gone, other = _changed(before, after)
    if broken := _only_cameras(before, after):
        return broken
    wanted = min(values["cameras"], len(_on_ego(before)) - 1)
    return None if len(gone) == wanted and not new and not other else f"{len(gone)} cameras are gone, not {wanted}."


def _move(setting: Setting) -> Document:
    document, values = setting.document, setting.values
    for entity in _rig(setting, 1):
        pose = entity.camera.ego_SE3_camera
        shift = setting.rng.uniform(-1, 1, 3) * values["metres"] / np.sqrt(3)
        turn = np.radians(values["degrees"]) * float(setting.rng.uniform(-1, 1))
        moved = Pose(
            *(float(v) for v in np.array([pose.x_m, pose.y_m, pose.z_m]) + shift), pose.yaw_rad + turn, pose.pitch_rad, pose.roll_rad
        )
        document = check.put(document, replace(entity, camera=replace(entity.camera, ego_SE3_camera=moved)))
    return document


def _move_holds(before: Document, after: Document, values: Values) -> str | None:
    new, gone, other = _changed(before, after)
    if broken := _only_cameras(before, after):
        return broken
    if new or gone or len(other) != len(_on_ego(before)):
        return "Every camera on the ego moves, and none comes or goes."
    for entity in other:
        was = before.get(entity.id, CameraEntity).camera
        if replace(entity.camera, ego_SE3_camera=was.ego_SE3_camera) != was:
            return f"More than the place of camera '{was.name}' changed."
        one, two = was.ego_SE3_camera.matrix(), entity.camera.ego_SE3_camera.matrix()
        turned = np.degrees(np.arccos(np.clip((np.trace(one[:3, :3].T @ two[:3, :3]) - 1) / 2, -1.0, 1.0)))
        if np.linalg.norm(one[:3, 3] - two[:3, 3]) > values["metres"] + 1e-6 or turned > values["degrees"] + 1e-4:
            return f"Camera '{was.name}' moved farther than asked."
    return None


def _densify(setting: Setting) -> Document:
    _rig(setting, 2)
    return edits.insert_between()(setting.document)


def _densify_holds(before: Document, after: Document, values: Values) -> str | None:
    new, gone, other = _changed(before, after)
    if broken := _only_cameras(before, after):
        return broken
    pairs = len(adjacent([camera.camera for camera in before.of(CameraEntity) if camera.mount == "ego"]))
    return None if len(new) == pairs and not gone and not other else f"{len(new)} cameras were added between {pairs} pairs of neighbours."


RIG_ADD = Variation(
    "rig_add",
    "One more camera on the ego, half-way between two neighbours.",
    "All cameras that were there are untouched, one is added (two where the two neighbours look exactly apart), with a name of its own; nothing else changes.",
    {},
    _add,
    _add_holds,
)
RIG_DROP = Variation(
    "rig_drop",
    "Some of the ego's cameras are gone, as when they fail.",
    "`cameras` of them are gone, at least one stays, and all else is untouched.",
    {"cameras": Range(1, 2, "how many go", 1, 50, whole=True)},
    _drop,
    _drop_holds,
)
RIG_MOVE = Variation(
    "rig_move",
    "Every camera on the ego sits a little elsewhere and looks a little elsewhere, as on another car.",
    "Each moves by at most `metres` and turns by at most `degrees`, keeps its lens and its name, and nothing else changes.",
    {
        "metres": Range(0.05, 0.3, "most that a camera moves, metres", 0.0, 3.0),
        "degrees": Range(1.0, 6.0, "most that it turns to the side, degrees", 0.0, 45.0),
    },
    _move,
    _move_holds,
)
RIG_DENSIFY = Variation(
    "rig_densify",
    "One more camera between each two neighbours on the ego.",
    "All cameras that were there are untouched, and one is added for each pair of neighbours; nothing else changes.",
    {},
    _densify,
    _densify_holds,
    dice=False,
)
