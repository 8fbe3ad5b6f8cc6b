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
    """One more camera between each neighbouring pair of the ego's cameras, all round: the way to denser surround views."""

    def edit(document: Document) -> Document:
        ring = [camera for camera in document.of(CameraEntity) if camera.mount == "ego" and (ids is None or camera.id in ids)]
        if len(ring) < 2:
            raise EditError(f"Cameras go between neighbours, and the ego has {len(ring)} of those chosen: use a rig first.")
        ring.sort(key=lambda camera: _heading(camera.camera))
        for left, right in zip(ring, [*ring[1:], ring[0]], strict=True):
            middle = _between(left.camera, right.camera, free_camera_name(document, f"{left.camera.name}_TO_{right.camera.name}"))
            document = check.put(document, CameraEntity(new_id(document, "camera"), middle))
        return document

    return edit


def focal_length(width: int, fov_deg: float) -> float:
    """fx (pixels) of a horizontal field of view."""
    return float(width / 2 / np.tan(np.deg2rad(check.number(fov_deg, "The field of view in degrees", 1.0, 170.0)) / 2))


def _heading(camera: Camera) -> float:
    """Direction (rad) in the ego's ground plane in which the camera looks."""
    forward = camera.ego_SE3_camera.matrix()[:3, 2]
    return float(np.arctan2(forward[1], forward[0]))


def _between(a: Camera, b: Camera, name: str) -> Camera:
    """Half-way in place, looking level along the middle of the angle from `a` round to `b`, as wide as the wider of the two."""
    start = _heading(a)
    yaw = start + ((_heading(b) - start) % (2 * np.pi) or 2 * np.pi) / 2
    pa, pb = a.ego_SE3_camera, b.ego_SE3_camera
    place = Pose((pa.x_m + pb.x_m) / 2, (pa.y_m + pb.y_m) / 2, (pa.z_m + pb.z_m) / 2, float(yaw - np.pi / 2), 0.0, -np.pi / 2)
    wider = min((a, b), key=lambda camera: camera.fx / camera.width)
    return replace(wider, name=name, ego_SE3_camera=place)


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
