"""Edits of cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editor import check
from editor.clip import ego_pose_at, world_SE3_camera_at
from editor.document import Document, Edit, EditError
from editor.edits.transform import free_camera_name
from editor.entities import CameraEntity, Keyframe
from editor.files.jsonform import pose_from_json
from editor.ids import new_id
from editor.rigs import load_rig
from engine.spec.camera import Camera, Rig
from engine.spec.geometry import Pose, invert
from engine.spec.rig_geometry import adjacent, between

DEFAULT_FOV_DEG = 70.0


def add_camera(
    pose: Sequence[float] | Pose,
    width: int,
    height: int,
    *,
    mount: str = "ego",
    name: str | None = None,
    fx: float | None = None,
    fov_deg: float | None = None,
) -> Edit:
    """A pinhole with square pixels; `pose` is ego_SE3_camera on the ego, world_SE3_camera otherwise.

    Give `fx` (pixels) or `fov_deg` (horizontal), or neither for 70 degrees. A camera on a path starts with the same pose at
    both ends of the scene.
    """
    place = pose if isinstance(pose, Pose) else pose_from_json(pose, "The camera's pose")
    width, height = check.whole(width, "The width", 1, check.LARGEST_PICTURE), check.whole(height, "The height", 1, check.LARGEST_PICTURE)
    check.one_of(mount, "The mount", check.MOUNTS)
    if fx is not None and fov_deg is not None:
        raise EditError("A camera takes fx or fov_deg, not both: leave one out.")
    focal = check.number(fx, "fx", 1e-3, 1e6) if fx is not None else focal_length(width, DEFAULT_FOV_DEG if fov_deg is None else fov_deg)

    def edit(document: Document) -> Document:
        taken = {camera.camera.name for camera in document.of(CameraEntity)}
        if name in taken:
            raise EditError(f"The scene already has a camera '{name}': choose another name, because takes are sorted by it.")
        id = new_id(document, "camera")
        camera = Camera(name or free_camera_name(document, id.replace("-", "_")), width, height, focal, focal, width / 2, height / 2)
        if mount == "ego":
            return check.put(document, CameraEntity(id, replace(camera, ego_SE3_camera=place)))
        return check.put(document, CameraEntity(id, camera, mount, _keyframes(document, mount, place)))  # type: ignore[arg-type]

    return edit


def set_camera(
    id: str,
    *,
    pose: Sequence[float] | Pose | None = None,
    mount: str | None = None,
    enabled: bool | None = None,
    fov_deg: float | None = None,
    width: int | None = None,
    height: int | None = None,
    name: str | None = None,
) -> Edit:
    """Replaces what is given. Another size keeps the field of view; another mount keeps the camera where it is at the start.

    For a camera on a path, `pose` moves its first keyframe and the others with it, rigidly.
    """
    place = None if pose is None else pose if isinstance(pose, Pose) else pose_from_json(pose, "The camera's pose")
    if mount is not None:
        check.one_of(mount, "The mount", check.MOUNTS)

    def edit(document: Document) -> Document:
        entity = document.get(id, CameraEntity)
        if name is not None and any(other.camera.name == name and other.id != id for other in document.of(CameraEntity)):
            raise EditError(f"The scene already has a camera '{name}': choose another name, because takes are sorted by it.")
        after = entity if mount is None else _remounted(document, entity, mount)
        if place is not None:
            after = _moved(after, place)
        camera = after.camera
        if width is not None or height is not None:
            wide = check.whole(camera.width if width is None else width, "The width", 1, check.LARGEST_PICTURE)
            camera = camera.resized(wide, check.whole(camera.height if height is None else height, "The height", 1, check.LARGEST_PICTURE))
        if fov_deg is not None:
            focal = focal_length(camera.width, fov_deg)
            camera = replace(camera, fx=focal, fy=focal * camera.fy / camera.fx)
        camera = camera if name is None else replace(camera, name=name)
        after = replace(after, camera=camera, enabled=entity.enabled if enabled is None else enabled)
        return document if after == entity else check.put(document, after)

    return edit


def use_rig(rig: str | Rig) -> Edit:
    """Puts a rig's cameras on the ego in place of those that are there; cameras in the world stay."""
    chosen = load_rig(rig) if isinstance(rig, str) else rig

    def edit(document: Document) -> Document:
        old = tuple(camera.id for camera in document.of(CameraEntity) if camera.mount == "ego")
        kept = {camera.camera.name for camera in document.of(CameraEntity) if camera.id not in old}
        clash = next((camera.name for camera in chosen.cameras if camera.name in kept), None)
        if clash is not None:
            raise EditError(f"A camera in the world is already called '{clash}', as one of rig '{chosen.name}' is: rename it first.")
        document = document.with_entities(removed=old)
        for camera in chosen.cameras:
            document = check.put(document, CameraEntity(new_id(document, "camera"), camera))
        return document

    return edit


def insert_between(ids: Sequence[str] | None = None) -> Edit:
    """One more camera between each neighbouring pair of the ego's cameras, or of those among `ids`: the way to denser surround views.

    The others stay as they are. A gap of more than half a circle stays open (engine/spec/rig_geometry.py says who is whose neighbour).
    """

    def edit(document: Document) -> Document:
        ring = [camera.camera for camera in document.of(CameraEntity) if camera.mount == "ego" and (ids is None or camera.id in ids)]
        pairs = adjacent(ring)
        if not pairs:
            chosen = "the ego's cameras" if ids is None else "the ego's chosen cameras"
            raise EditError(f"Cameras go between neighbours, and no two of {chosen} ({len(ring)}) are such: use a rig first.")
        for right, left in pairs:
            taken = {camera.camera.name for camera in document.of(CameraEntity)}
            document = check.put(document, CameraEntity(new_id(document, "camera"), between(ring[right], ring[left], taken)))
        return document

    return edit


def focal_length(width: int, fov_deg: float) -> float:
    """fx (pixels) of a horizontal field of view."""
    return float(width / 2 / np.tan(np.deg2rad(check.number(fov_deg, "The field of view in degrees", 1.0, 170.0)) / 2))


def _keyframes(document: Document, mount: str, place: Pose) -> tuple[Keyframe, ...]:
    first = Keyframe(0.0, place)
    return (first,) if mount == "world" else (first, Keyframe(document.duration_s, place))


def _remounted(document: Document, entity: CameraEntity, mount: str) -> CameraEntity:
    if mount == entity.mount:
        return entity
    world_SE3_camera = world_SE3_camera_at(document, entity, 0.0)
    if mount == "ego":
        world_SE3_ego = ego_pose_at(document, 0.0).matrix()
        placed = Pose.from_matrix(invert(world_SE3_ego) @ world_SE3_camera)
        return replace(entity, mount="ego", keyframes=(), camera=replace(entity.camera, ego_SE3_camera=placed))
    return replace(entity, mount=mount, keyframes=_keyframes(document, mount, Pose.from_matrix(world_SE3_camera)))


def _moved(entity: CameraEntity, place: Pose) -> CameraEntity:
    if entity.mount == "ego":
        return replace(entity, camera=replace(entity.camera, ego_SE3_camera=place))
    if place == entity.keyframes[0].pose:
        return entity
    shift = place.matrix() @ invert(entity.keyframes[0].pose.matrix())
    rest = tuple(Keyframe(k.time_s, Pose.from_matrix(shift @ k.pose.matrix())) for k in entity.keyframes[1:])
    return replace(entity, keyframes=(Keyframe(entity.keyframes[0].time_s, place), *rest))
