"""The infos pickles of mmdet3d and its family -> a Recording of one scene.

Three layouts: `infos` with boxes [x, y, z, width, length, height, -yaw - pi/2] (before mmdet3d 1.0, and everything that was built on it,
MagicDrive's 12 Hz infos too), `infos` with [x, y, z, length, width, height, yaw] (1.0), and `data_list` (1.1 and later). Boxes are in the
LiDAR's frame, their centre is their middle. Sizes tell the first from the second: what drives is longer than it is wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from editor.document import Document
from editor.entities import CameraEntity
from editor.formats.categories import class_of
from editor.formats.nuscenes.identity import Frame, follow
from editor.formats.nuscenes.recording import Recording, SeenObject, Sighting, build
from editor.formats.report import MALFORMED, Dropped, FormatError, ImportReport, SeveralScenes, listed, what_is_wrong
from editor.formats.unpickle import INFOS, read_pickle
from engine.spec.camera import Camera
from engine.spec.geometry import Pose
from engine.spec.rows import matrix, se3, vector
from engine.spec.words import plural

WRITER = "mmdet3d's create_data.py"
PICTURE = (1600, 900)
"""Size of nuScenes' pictures, which infos do not tell."""
NEW_SCENE_S = 5.0
"""Infos without tokens of scenes: frames farther apart than this belong to two."""
LONG = frozenset(("car", "truck", "bus", "trailer", "construction_vehicle", "motorcycle", "bicycle"))
IDENTITIES = ("instance_tokens", "gt_instance_tokens", "instance_inds", "gt_inds", "gt_ids", "box_ids", "track_ids", "instance_ids")


def read_infos(
    source: Path, *, start_s: float, duration_s: float | None, map_path: Path | None, scene_name: str | None
) -> tuple[Document, ImportReport]:
    """Reads one scene of an infos pickle. Raises FormatError with a sentence where it cannot."""
    if source.is_dir():
        raise FormatError(f"{source} is a folder: point at one infos .pkl in it.")
    content = read_pickle(source, WRITER, INFOS)
    rows = content.get("infos", content.get("data_list")) if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise FormatError(
            f"{source} holds no infos, which are a list of frames under 'infos' or 'data_list': give an infos .pkl of nuScenes."
        )
    try:
        scene, chosen = _choose(source, rows, scene_name)
        metadata = content.get("metainfo") if isinstance(content, dict) else None
        recording = _recording(source, scene, chosen, metadata or {})
    except FormatError:
        raise
    except MALFORMED as error:
        raise FormatError(f"{source} is not laid out as infos are ({what_is_wrong(error)}): make it again with {WRITER}.") from error
    return build(recording, start_s=start_s, duration_s=duration_s, map_path=map_path)


def _microseconds(row: Mapping[str, Any]) -> float:
    """Timestamps are microseconds in the old layouts and seconds in the new one."""
    stamp = float(row["timestamp"])
    if not 0 <= stamp < 1e17:
        raise FormatError(f"Frame '{str(row.get('token', '?'))[:60]}' has timestamp {stamp:g}: make the infos again.")
    return stamp if stamp > 1e12 else stamp * 1e6


def _choose(source: Path, rows: Sequence[Mapping[str, Any]], scene_name: str | None) -> tuple[str, list[Mapping[str, Any]]]:
    scenes: dict[str, list[Mapping[str, Any]]] = {}
    last: tuple[str, float] | None = None
    for row in rows:
        token = row.get("scene_name") or row.get("scene_token")
        if token is None:
            time_us = _microseconds(row)
            goes_on = last is not None and 0 <= time_us - last[1] < NEW_SCENE_S * 1e6
            token = last[0] if last is not None and goes_on else f"scene {len(scenes) + 1}"
            last = (str(token), time_us)
        scenes.setdefault(str(token), []).append(row)
    if scene_name is None and len(scenes) > 1:
        raise SeveralScenes(source, {name: plural(len(frames), "frame") for name, frames in scenes.items()})
    chosen = next(iter(scenes)) if scene_name is None else scene_name
    if chosen not in scenes:
        raise FormatError(f"{source} has no scene '{scene_name}': choose one with --scene: {listed(scenes)}.")
    return chosen, sorted(scenes[chosen], key=_microseconds)


def _recording(source: Path, scene: str, rows: list[Mapping[str, Any]], metainfo: Mapping[str, Any]) -> Recording:
    is_new = "ego2global" in rows[0] or "instances" in rows[0]
    wide_first = False if is_new else _is_wide_first(rows)
    frames = [_new_frame(row, metainfo) if is_new else _old_frame(row, wide_first) for row in rows]
    zero_us = frames[0].time_us
    times = [(frame.time_us - zero_us) / 1e6 for frame in frames]
    if any(b <= a for a, b in zip(times, times[1:], strict=False)):
        raise FormatError(f"{source} has two frames of scene '{scene}' at one time: make it again with {WRITER}.")
    told = all(frame.ids is not None for frame in frames)
    ids = [frame.ids or [] for frame in frames] if told else follow(times, frames)
    objects: dict[str, SeenObject] = {}
    for frame, time_s, names in zip(frames, times, ids, strict=True):
        for name, id, box in zip(frame.names, names, frame.boxes, strict=True):
            seen = objects.setdefault(id, SeenObject(id, name))
            seen.sightings.append(Sighting(time_s, box.global_SE3_box, box.size_m))
    cameras, unusual = _cameras(rows[0], is_new)
    layout = "data_list" if is_new else "infos, boxes by width, length, height" if wide_first else "infos, boxes by length, width, height"
    recording = Recording(
        name=scene if scene != "scene 1" else source.stem,
        path=source,
        format=f"nuScenes infos ({layout})",
        ego=[(time_s, frame.global_SE3_ego) for time_s, frame in zip(times, frames, strict=True)],
        length_s=times[-1],
        objects=list(objects.values()),
        cameras=cameras,
        location=str(next((rows[0][key] for key in ("map_location", "location") if isinstance(rows[0].get(key), str)), "")),
        map_folder=source.parent,
    )
    if not told:
        recording.notes.append(
            f"The source does not say which boxes are of one agent: {len(objects)} agents were followed from frame to frame by place, velocity and size."
        )
    if cameras:
        recording.notes.append(
            f"Cameras come from the first frame; infos do not tell a picture's size, which was taken to be {PICTURE[0]} x {PICTURE[1]}."
        )
    if unusual:
        recording.dropped.append(Dropped("camera", unusual, "without intrinsics of 3 x 3"))
    return recording


def _is_wide_first(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether sizes are width, length, height: by what is longer than wide, over all frames."""
    difference = 0.0
    for row in rows:
        for name, size in zip(row.get("gt_names", ()), _boxes(row), strict=True):
            if class_of(str(name)) in LONG:
                difference += float(np.sign(size[4] - size[3]))
    return difference >= 0


def _boxes(row: Mapping[str, Any]) -> np.ndarray:
    """(N, 7) or wider; a frame without any writes them in whatever shape is empty."""
    boxes = np.asarray(row.get("gt_boxes", ()), np.float64)
    return boxes if boxes.size else np.zeros((0, 7))


def _old_frame(row: Mapping[str, Any], wide_first: bool) -> Frame:
    token = str(row.get("token", "?"))
    where = {**row, "token": token}
    ego = se3(where, "frame", "ego2global_translation", "ego2global_rotation")
    lidar = ego @ se3(where, "frame", "lidar2ego_translation", "lidar2ego_rotation")
    rows = _boxes(row)
    if rows.ndim != 2 or rows.shape[1] < 7 or not np.isfinite(rows[:, :7]).all():
        raise FormatError(f"Frame '{token[:60]}' has gt_boxes of shape {rows.shape}, not rows of 7 numbers: make the infos again.")
    names = [str(name) for name in row.get("gt_names", ())]
    boxes = []
    for x, y, z, first, second, height, angle in rows[:, :7]:
        size = (second, first, height) if wide_first else (first, second, height)
        boxes.append(_sighting(lidar, (x, y, z), size, -angle - np.pi / 2 if wide_first else angle))
    if len(names) != len(boxes):
        raise FormatError(f"Frame '{token[:60]}' has {len(boxes)} boxes and {len(names)} names: make the infos again.")
    ids = next((row[key] for key in IDENTITIES if key in row and len(row[key]) == len(boxes)), None)
    velocity = _velocity(lidar, row.get("gt_velocity"), len(boxes))
    return Frame(_microseconds(row), ego, names, boxes, velocity, None if ids is None else [str(id) for id in ids])


def _new_frame(row: Mapping[str, Any], metainfo: Mapping[str, Any]) -> Frame:
    token = str(row.get("token", row.get("sample_idx", "?")))
    ego = matrix({**row, "token": token}, "ego2global", "frame")
    lidar = ego @ matrix({**row["lidar_points"], "token": token}, "lidar2ego", "frame")
    categories = metainfo.get("categories") or {}
    named = (
        {int(index): str(name) for name, index in categories.items()}
        if isinstance(categories, Mapping)
        else dict(enumerate(map(str, categories)))
    )
    named = named or dict(enumerate(map(str, metainfo.get("classes") or ())))
    names, boxes, velocities, ids = [], [], [], []
    for instance in row.get("instances") or ():
        x, y, z, length, width, height, yaw = vector({"bbox_3d": list(instance["bbox_3d"])[:7], "token": token}, "bbox_3d", 7, "frame")
        label = int(instance["bbox_label_3d"])
        names.append(named.get(label, f"label {label}"))
        boxes.append(_sighting(lidar, (x, y, z), (length, width, height), yaw))
        velocities.append(instance.get("velocity") or (0.0, 0.0))
        ids.append(next((str(instance[key]) for key in ("instance_token", "track_id", "instance_id") if key in instance), None))
    velocity = _velocity(lidar, velocities, len(boxes))
    return Frame(_microseconds(row), ego, names, boxes, velocity, [str(id) for id in ids] if boxes and None not in ids else None)


def _sighting(global_SE3_lidar: np.ndarray, centre_m: Sequence[float], size_m: Sequence[float], yaw_rad: float) -> Sighting:
    """A box of the LiDAR's frame, upright in the global one.

    The angle that converters write is the last of three turns, so that what it is counted from is the LiDAR's x axis as seen from above.
    """
    heading = yaw_rad + float(np.arctan2(global_SE3_lidar[1, 0], global_SE3_lidar[0, 0]))
    pose = Pose(*(float(v) for v in global_SE3_lidar[:3, :3] @ centre_m + global_SE3_lidar[:3, 3]), heading).matrix()
    length, width, height = (float(v) for v in size_m)
    return Sighting(0.0, pose, (length, width, height))


def _velocity(global_SE3_lidar: np.ndarray, values: Any, count: int) -> np.ndarray:
    """(N, 2) in the global frame."""
    if values is None or not count:
        return np.zeros((count, 2))
    velocity = np.nan_to_num(np.asarray(values, np.float64).reshape(count, -1)[:, :2])
    return velocity @ global_SE3_lidar[:2, :2].T


def _cameras(row: Mapping[str, Any], is_new: bool) -> tuple[tuple[CameraEntity, ...], int]:
    """The cameras of one frame, and how many of them cannot be used."""
    cameras, unusual = [], 0
    for name, told in sorted((row.get("images" if is_new else "cams") or {}).items()):
        where = {**told, "token": str(name)}
        intrinsics = told.get("cam2img" if is_new else "cam_intrinsic", told.get("camera_intrinsics"))
        lens = np.asarray(intrinsics, np.float64) if intrinsics is not None else np.zeros(0)
        if lens.shape != (3, 3) or not np.isfinite(lens).all() or (is_new and "cam2ego" not in told):
            unusual += 1
            continue
        pose = matrix(where, "cam2ego", "camera") if is_new else se3(where, "camera", "sensor2ego_translation", "sensor2ego_rotation")
        numbers = (float(lens[0, 0]), float(lens[1, 1]), float(lens[0, 2]), float(lens[1, 2]))
        cameras.append(CameraEntity(f"camera-{name}", Camera(str(name), *PICTURE, *numbers, Pose.from_matrix(pose)), source="imported"))
    return tuple(cameras), unusual
