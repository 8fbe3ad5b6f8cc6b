"""What view models learn from of nuScenes' tables: a scene's pictures with their cameras' poses, its key frames with boxes and Occ3D's labels.

The editor has a reader of its own, which makes scenes; this one reads many scenes at once, and no map. Tables of trainval are read whole, which
takes some 10 GB of memory while they are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from engine.data.frames import DataError
from engine.data.occ3d import annotations_table, pose_of
from engine.spec.camera import Camera
from engine.spec.geometry import Pose

Row = dict[str, Any]
REFERENCE = "LIDAR_TOP"
"""Occ3D's grid lies in the ego frame of this sensor's key frame."""


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One picture that is there."""

    path: Path
    time_s: float
    sample: str
    is_key_frame: bool
    world_SE3_camera: np.ndarray


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One key frame with occupancy."""

    sample: str
    time_s: float
    world_SE3_ego: np.ndarray
    labels: Path
    boxes: dict[str, tuple[np.ndarray, tuple[float, float, float]]]
    """Instance -> world_SE3_box (4, 4) at its centre, and length, width, height."""


@dataclass(frozen=True, slots=True)
class SceneRows:
    name: str
    folder: Path
    description: str
    cameras: list[Camera]
    pictures: list[list[PictureRow]]
    """Of every camera, by time."""
    keys: list[KeyFrame]
    """By time; one at least."""


def scenes_of(folder: Path, occ3d: Path) -> list[SceneRows]:
    """Scenes by name that have both, but for those of annotations.json's val_split. DataError where there is none or a table is damaged."""
    tables = next((place for place in (folder, *sorted(folder.glob("*/"))) if (place / "scene.json").is_file() and (place / "sample.json").is_file()), None)
    if tables is None:
        raise DataError(f"{folder} holds no nuScenes tables (scene.json, sample.json): name the folder above v1.0-trainval.")
    gts = occ3d / "gts" if (occ3d / "gts").is_dir() else occ3d
    held_out = set(annotations_table(gts.parent / "annotations.json").get("val_split", ()))
    labels = {path.parts[-2]: path for path in gts.glob("*/*/labels.npz") if path.parts[-3] not in held_out}
    try:
        found = _scenes(folder, tables, labels)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{tables} is not laid out as nuScenes' tables are ({type(error).__name__}: {error}): copy the tables again.") from error
    if not found:
        raise DataError(f"No scene of {tables} has occupancy in {gts} (SCENE/SAMPLE TOKEN/labels.npz) that is not held out: take both from one data set.")
    return found


def _scenes(folder: Path, tables: Path, labels: dict[str, Path]) -> list[SceneRows]:
    samples = {row["token"]: row for row in _rows(tables, "sample")}
    wanted = {samples[token]["scene_token"] for token in labels if token in samples}
    scene_of = {token: row["scene_token"] for token, row in samples.items() if row["scene_token"] in wanted}
    sensors = {row["token"]: row for row in _rows(tables, "sensor")}
    mounts = {row["token"]: row for row in _rows(tables, "calibrated_sensor")}
    channel_of = {token: sensors[row["sensor_token"]] for token, row in mounts.items()}
    data = [row for row in _rows(tables, "sample_data") if row["sample_token"] in scene_of and _is_read(channel_of[row["calibrated_sensor_token"]])]
    needed = {row["ego_pose_token"] for row in data}
    poses = {row["token"]: pose_of(row) for row in _rows(tables, "ego_pose") if row["token"] in needed}
    boxes: dict[str, dict[str, tuple[np.ndarray, tuple[float, float, float]]]] = defaultdict(dict)
    for row in _rows(tables, "sample_annotation") if (tables / "sample_annotation.json").is_file() else ():
        if row["sample_token"] in labels:
            width, length, height = (float(v) for v in row["size"])
            boxes[row["sample_token"]][row["instance_token"]] = pose_of(row), (length, width, height)

    pictures: dict[str, dict[str, list[PictureRow]]] = defaultdict(lambda: defaultdict(list))
    cameras: dict[str, dict[str, Camera]] = defaultdict(dict)
    keys: dict[str, list[KeyFrame]] = defaultdict(list)
    for row in sorted(data, key=lambda row: int(row["timestamp"])):
        scene, sensor, mount = scene_of[row["sample_token"]], channel_of[row["calibrated_sensor_token"]], mounts[row["calibrated_sensor_token"]]
        time_s, token, pose = int(row["timestamp"]) / 1e6, row["sample_token"], poses[row["ego_pose_token"]]
        if sensor["modality"] == "camera":
            path = folder / row["filename"]
            if _is_inside(row["filename"]) and path.is_file():
                pictures[scene][sensor["channel"]].append(PictureRow(path, time_s, token, bool(row["is_key_frame"]), pose @ pose_of(mount)))
                cameras[scene].setdefault(sensor["channel"], _camera(sensor["channel"], row, mount))
        elif row["is_key_frame"] and token in labels:
            keys[scene].append(KeyFrame(token, time_s, pose, labels[token], boxes[token]))
    scenes = []
    for row in sorted(_rows(tables, "scene"), key=lambda row: str(row["name"])):
        token = row["token"]
        if keys[token]:
            names = sorted(cameras[token])
            zero_s = keys[token][0].time_s
            shown = [[replace(picture, time_s=picture.time_s - zero_s) for picture in pictures[token][name]] for name in names]
            seen = [replace(key, time_s=key.time_s - zero_s) for key in keys[token]]
            scenes.append(SceneRows(str(row["name"]), folder, str(row.get("description", "")), [cameras[token][name] for name in names], shown, seen))
    return scenes


def _is_read(sensor: Row) -> bool:
    return sensor["modality"] == "camera" or sensor["channel"] == REFERENCE


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _camera(channel: str, row: Row, mount: Row) -> Camera:
    lens = np.array(mount["camera_intrinsic"], np.float64).reshape(3, 3)
    numbers = (float(lens[0, 0]), float(lens[1, 1]), float(lens[0, 2]), float(lens[1, 2]))
    return Camera(channel, int(row["width"]), int(row["height"]), *numbers, Pose.from_matrix(pose_of(mount)))


def _rows(tables: Path, table: str) -> list[Row]:
    path = tables / f"{table}.json"
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): copy it again from the data set.") from error
    if not isinstance(rows, list):
        raise DataError(f"{path} is no list of rows: copy it again from the data set.")
    return rows
