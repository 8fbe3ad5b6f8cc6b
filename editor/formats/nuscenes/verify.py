"""Reads a set of tables that was made of a take, and compares the two: what `export TAKE nuscenes --verify` prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from editor.clip import boxes_at, ego_pose_at
from editor.document import Document
from editor.entities import CameraEntity
from editor.formats.nuscenes.tables import read_tables
from editor.formats.report import FormatError
from engine.spec.geometry import Box, wrap_angle
from engine.spec.rows import se3
from engine.spec.tables import Tables
from engine.spec.take import Take

FARTHEST_M = 0.01
FARTHEST_RAD = float(np.radians(0.1))
KEYS = {
    "scene": {"log_token": "log", "first_sample_token": "sample", "last_sample_token": "sample"},
    "sample": {"scene_token": "scene", "prev": "sample", "next": "sample"},
    "sample_data": {
        "sample_token": "sample", "ego_pose_token": "ego_pose", "calibrated_sensor_token": "calibrated_sensor", "prev": "sample_data",
        "next": "sample_data",
    },
    "calibrated_sensor": {"sensor_token": "sensor"},
    "sample_annotation": {
        "sample_token": "sample", "instance_token": "instance", "visibility_token": "visibility", "prev": "sample_annotation",
        "next": "sample_annotation",
    },
    "instance": {"category_token": "category", "first_annotation_token": "sample_annotation", "last_annotation_token": "sample_annotation"},
}  # fmt: skip
"""Table -> its fields that name rows of other tables; an empty one names none."""


@dataclass(slots=True)
class Verified:
    """What was compared, and how far it lies apart at most."""

    tokens: int = 0
    files: int = 0
    key_frames: int = 0
    boxes: int = 0
    corner_m: float = 0.0
    yaw_rad: float = 0.0
    ego_m: float = 0.0
    ego_rad: float = 0.0
    cameras: int = 0

    def sentences(self) -> tuple[str, ...]:
        return (
            f"Verified: {self.tokens} tokens lead to rows, {self.files} files are there, {self.cameras} cameras have the take's lenses and poses.",
            f"Verified: {self.boxes} boxes of {self.key_frames} key frames, corners within {1000 * self.corner_m:.2f} mm, headings within "
            f"{np.degrees(self.yaw_rad):.4f} degrees; the ego within {1000 * self.ego_m:.2f} mm and {np.degrees(self.ego_rad):.4f} degrees.",
        )


def verify(take: Take, folder: Path) -> Verified:
    """Raises FormatError, one sentence, at the first thing that is not as the take has it."""
    found = Verified()
    document, report = read_tables(folder, start_s=0.0, duration_s=None, map_path=None, scene_name=None)
    tables = Tables(next(path.parent for path in sorted(folder.glob("*/sample.json"))))
    _tokens(tables, found)
    _files(tables, folder, found)
    origin_m = np.array(report.origin_m)
    shift = _shift(take, document, origin_m)
    first_s = float(take.timestamps_s[0])
    stamps = sorted(int(row["timestamp"]) for row in tables.rows("sample"))
    _ego(take, document, shift, (stamps[-1] - stamps[0]) / 1e6, found)
    _poses(take, tables, shift + origin_m, stamps[0], found)
    for stamp in stamps:
        time_s = (stamp - stamps[0]) / 1e6
        frame = int(np.abs(take.timestamps_s - first_s - time_s).argmin())
        world = [box.moved(take.world_SE3_ego[frame]) for box in take.boxes[frame]]
        _boxes(f"{folder}, frame {frame}", world, boxes_at(document, time_s), shift, found)
        found.key_frames += 1
    _cameras(take, document, found)
    return found


def _tokens(tables: Tables, found: Verified) -> None:
    for table, fields in KEYS.items():
        for row in tables.rows(table):
            for field, other in fields.items():
                if row[field]:
                    tables.get(other, row[field], f"{table} '{row['token']}'")
                    found.tokens += 1


def _files(tables: Tables, folder: Path, found: Verified) -> None:
    for table in ("sample_data", "map"):
        for row in tables.rows(table):
            path = folder / row["filename"]
            if not path.is_file() or not path.stat().st_size:
                raise FormatError(f"{path} is missing or empty, and {table} '{row['token']}' names it: export the take again.")
            found.files += 1


def _shift(take: Take, document: Document, origin_m: np.ndarray) -> np.ndarray:
    """Metres (3,) from the document's world to the take's, without what rounding adds; the set's global frame lies whole metres from both."""
    pose = document.ego.keyframes[0].pose
    to_global = np.array([pose.x_m, pose.y_m, pose.z_m]) + origin_m - take.world_SE3_ego[0, :3, 3]
    return np.round(to_global) - origin_m


def _ego(take: Take, document: Document, shift_m: np.ndarray, length_s: float, found: Verified) -> None:
    """The ego of the scene, up to the last key frame: a set with one key frame is read as a moment that stands still."""
    for frame, time_s in enumerate(take.timestamps_s - take.timestamps_s[0]):
        if time_s > length_s + 1e-6:
            break
        _same_ego(take.world_SE3_ego[frame], ego_pose_at(document, float(time_s)).matrix(), shift_m, found)


def _poses(take: Take, tables: Tables, shift_m: np.ndarray, zero_us: int, found: Verified) -> None:
    """The rows of ego_pose, which go on behind the last key frame. `shift_m` (3,) leads from the take's world to the global frame."""
    times_s = take.timestamps_s - take.timestamps_s[0]
    for row in tables.rows("ego_pose"):
        frame = int(np.abs(times_s - (int(row["timestamp"]) - zero_us) / 1e6).argmin())
        _same_ego(take.world_SE3_ego[frame], se3(row, "ego_pose"), shift_m, found)


def _same_ego(ours: np.ndarray, read: np.ndarray, shift_m: np.ndarray, found: Verified) -> None:
    """Poses (4, 4)."""
    found.ego_m = max(found.ego_m, float(np.linalg.norm(ours[:3, 3] + shift_m - read[:3, 3])))
    found.ego_rad = max(found.ego_rad, _turned(ours, read))
    if found.ego_m > FARTHEST_M or found.ego_rad > FARTHEST_RAD:
        raise FormatError(f"The ego read back lies {found.ego_m:.3f} m and {np.degrees(found.ego_rad):.2f} degrees off: report this export.")


def _boxes(where: str, world: list[Box], read: list[Box], shift_m: np.ndarray, found: Verified) -> None:
    if len(world) != len(read):
        raise FormatError(f"{where}: {len(read)} boxes were read back and the take has {len(world)}: report this export.")
    left = list(read)
    for box in world:
        there = np.array(box.center_m) + shift_m
        alike = [other for other in left if other.class_name == box.class_name]
        if not alike:
            raise FormatError(f"{where}: no {box.class_name} is left for agent {box.instance_id}: report this export.")
        other = min(alike, key=lambda one: float(np.linalg.norm(np.array(one.center_m) - there)))
        left.remove(other)
        off = float(np.linalg.norm(np.array(other.center_m) - there)) + float(np.linalg.norm(np.subtract(other.size_m, box.size_m))) / 2
        turned = abs(wrap_angle(other.yaw_rad - box.yaw_rad))
        corner = off + turned * float(np.hypot(*box.size_m[:2])) / 2
        if corner > FARTHEST_M or turned > FARTHEST_RAD:
            raise FormatError(
                f"{where}: {box.class_name} {box.instance_id} was read back {corner:.3f} m and {np.degrees(turned):.2f} degrees off: report this export."
            )
        found.boxes, found.corner_m, found.yaw_rad = found.boxes + 1, max(found.corner_m, corner), max(found.yaw_rad, turned)


def _cameras(take: Take, document: Document, found: Verified) -> None:
    cameras = {camera.name: (n, camera) for n, camera in enumerate(take.cameras)}
    for entity in document.of(CameraEntity):
        if entity.source == "imported" and entity.camera.name in cameras:
            number, camera = cameras[entity.camera.name]
            read, pose = entity.camera, take.ego_SE3_cameras[0, number]
            same = np.allclose(read.intrinsics(), camera.intrinsics()) and (read.width, read.height) == (camera.width, camera.height)
            mount = read.ego_SE3_camera.matrix()
            if not same or np.linalg.norm(mount[:3, 3] - pose[:3, 3]) > FARTHEST_M or _turned(mount, pose) > FARTHEST_RAD:
                raise FormatError(f"Camera {camera.name} was read back with another lens or pose: report this export.")
            found.cameras += 1


def _turned(a: np.ndarray, b: np.ndarray) -> float:
    """The angle (rad) between two poses (4, 4)."""
    return 2 * float(np.arcsin(min(1.0, np.linalg.norm(a[:3, :3] - b[:3, :3]) / np.sqrt(8))))
