"""What view models learn from of nuScenes' tables: a scene's pictures with their cameras' poses, its key frames with boxes and Occ3D's labels.

Of trainval's large tables the rows of the scenes that have occupancy are read, and no others (`engine.spec.tables`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.data.frames import DataError
from engine.data.occ3d import annotations_table
from engine.spec.camera import Camera
from engine.spec.rows import se3, vector
from engine.spec.source import MALFORMED, FormatError, what_is_wrong
from engine.spec.tables import Row, Tables, camera_of, is_inside, table_folders

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
    place = next(iter(table_folders(folder)), None)
    if place is None:
        raise DataError(f"{folder} holds no nuScenes tables (scene.json, sample.json): name the folder above v1.0-trainval.")
    gts = occ3d / "gts" if (occ3d / "gts").is_dir() else occ3d
    held_out = set(annotations_table(gts.parent / "annotations.json").get("val_split", ()))
    labels = {path.parts[-2]: path for path in gts.glob("*/*/labels.npz") if path.parts[-3] not in held_out}
    try:
        found = _scenes(folder, Tables(place), labels)
    except FormatError as error:
        raise DataError(str(error)) from error
    except MALFORMED as error:
        raise DataError(f"{place} is not laid out as nuScenes' tables are ({what_is_wrong(error)}): copy the tables again.") from error
    if not found:
        raise DataError(f"No scene of {place} has occupancy in {gts} (SCENE/SAMPLE TOKEN/labels.npz) that is not held out: take both from one data set.")
    return found


def _scenes(folder: Path, tables: Tables, labels: dict[str, Path]) -> list[SceneRows]:
    samples = {row["token"]: row["scene_token"] for row in tables.rows("sample")}
    wanted = {samples[token] for token in labels if token in samples}
    scene_of = {token: scene for token, scene in samples.items() if scene in wanted}
    mounts = {row["token"]: row for row in tables.rows("calibrated_sensor")}
    channel_of = {token: tables.get("sensor", row["sensor_token"], f"calibrated_sensor '{token}'") for token, row in mounts.items()}
    data = [row for row in tables.keep("sample_data", "sample_token", scene_of) if _is_read(channel_of[row["calibrated_sensor_token"]])]
    poses = {row["token"]: se3(row, "ego_pose") for row in tables.keep("ego_pose", "token", {row["ego_pose_token"] for row in data})}
    boxes: dict[str, dict[str, tuple[np.ndarray, tuple[float, float, float]]]] = defaultdict(dict)
    for row in tables.keep("sample_annotation", "sample_token", labels) if tables.has("sample_annotation") else ():
        width, length, height = (float(v) for v in vector(row, "size", 3, "sample_annotation"))
        boxes[row["sample_token"]][row["instance_token"]] = se3(row, "sample_annotation"), (length, width, height)

    pictures: dict[str, dict[str, list[PictureRow]]] = defaultdict(lambda: defaultdict(list))
    cameras: dict[str, dict[str, Camera]] = defaultdict(dict)
    keys: dict[str, list[KeyFrame]] = defaultdict(list)
    for row in sorted(data, key=lambda row: int(row["timestamp"])):
        scene, sensor, mount = scene_of[row["sample_token"]], channel_of[row["calibrated_sensor_token"]], mounts[row["calibrated_sensor_token"]]
        time_s, token, pose = int(row["timestamp"]) / 1e6, row["sample_token"], poses[row["ego_pose_token"]]
        if sensor["modality"] == "camera":
            path = folder / row["filename"]
            if is_inside(row["filename"]) and path.is_file():
                pictures[scene][sensor["channel"]].append(PictureRow(path, time_s, token, bool(row["is_key_frame"]), pose @ se3(mount, "calibrated_sensor")))
                cameras[scene].setdefault(sensor["channel"], camera_of(sensor["channel"], row, mount))
        elif row["is_key_frame"] and token in labels:
            keys[scene].append(KeyFrame(token, time_s, pose, labels[token], boxes[token]))
    scenes = []
    for row in sorted(tables.rows("scene"), key=lambda row: str(row["name"])):
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
