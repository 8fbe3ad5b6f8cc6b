"""A take -> the rows of nuScenes' thirteen tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.export.nuscenes.words import (
    ATTRIBUTES,
    CATEGORIES,
    CATEGORY_OF,
    LOCATION,
    MAP_TOKEN,
    MOVING_M_S,
    VISIBILITY,
    attribute_of,
    token,
)
from engine.export.parts import pose_row
from engine.spec.geometry import Box
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take

TABLES = (
    "attribute", "calibrated_sensor", "category", "ego_pose", "instance", "log", "map", "sample", "sample_annotation", "sample_data", "scene",
    "sensor", "visibility",
)  # fmt: skip
VERSION = "v1.0-mini"
KEY_STEP = round(RATE_HZ / 2)
"""Frames between key frames: nuScenes annotates at 2 Hz."""
ZERO_US = 1_500_000_000_000_000
"""Where the clock of a set begins, made up: the devkit wants times of the 2010s."""
DATE = "2017-07-14"


@dataclass(slots=True)
class SetWriter:
    """The tables of one take as they fill. Frames are the take's; the global frame is its world moved by `moved_m`."""

    take: Take
    scene: str
    moved_m: tuple[float, float, float]
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in TABLES})
    _last: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def seed(self) -> str:
        """What tokens begin with: two takes of one scene share none."""
        recipe = self.take.info.get("recipe", {})
        return f"{self.take.folder.resolve().name}/{recipe.get('document_hash', '')}/{recipe.get('seed', 0)}"

    @property
    def logfile(self) -> str:
        return f"anyscene-{self.scene}"

    def key_frames(self) -> range:
        return range(0, self.take.frame_count, KEY_STEP)

    def time_us(self, frame: int) -> int:
        return ZERO_US + round(float(self.take.timestamps_s[frame]) * 1e6)

    def global_SE3_ego(self, frame: int) -> np.ndarray:
        pose = self.take.world_SE3_ego[frame].copy()
        pose[:3, 3] += self.moved_m
        return pose

    def sample_token(self, frame: int) -> str:
        """Of the sample that a frame belongs to: its own, the next one's, or the last one's where none follows."""
        key = min(-(-frame // KEY_STEP) * KEY_STEP, self.key_frames()[-1])
        return token(self.seed, "sample", key)

    def add_words(self) -> None:
        """Tables that are the same for every set, and the scene with its samples."""
        self.rows["attribute"] = [{"token": token("attribute", name), "name": name, "description": ""} for name in ATTRIBUTES]
        self.rows["category"] = [{"token": token("category", name), "name": name, "description": ""} for name in CATEGORIES]
        self.rows["visibility"] = [{"token": key, "level": level, "description": f"visible: {level[1:]} %"} for key, level in VISIBILITY]
        log, scene, keys = token(self.seed, "log"), token(self.seed, "scene"), list(self.key_frames())
        self.rows["log"] = [
            {"token": log, "logfile": self.logfile, "vehicle": "anyscene", "date_captured": DATE, "location": LOCATION}
        ]
        self.rows["map"] = [
            {"token": MAP_TOKEN, "category": "semantic_prior", "filename": f"maps/{MAP_TOKEN}.png", "log_tokens": [log]}
        ]
        self.rows["scene"] = [
            {
                "token": scene,
                "log_token": log,
                "nbr_samples": len(keys),
                "first_sample_token": self.sample_token(keys[0]),
                "last_sample_token": self.sample_token(keys[-1]),
                "name": self.scene,
                "description": str(self.take.info.get("prompt", "")),
            }
        ]
        tokens = ["", *map(self.sample_token, keys), ""]
        self.rows["sample"] = [
            {"token": tokens[n + 1], "timestamp": self.time_us(frame), "prev": tokens[n], "next": tokens[n + 2], "scene_token": scene}
            for n, frame in enumerate(keys)
        ]

    def add_sensor(self, channel: str, modality: str) -> None:
        self.rows["sensor"].append({"token": token("sensor", channel), "channel": channel, "modality": modality})

    def calibrate(self, channel: str, ego_SE3_sensor: np.ndarray, intrinsics: np.ndarray | None, variant: int = 0) -> str:
        """The token of a new row of calibrated_sensor."""
        row = {
            "token": token(self.seed, "calibrated_sensor", channel, variant),
            "sensor_token": token("sensor", channel),
            **pose_row(ego_SE3_sensor),
            "camera_intrinsic": [] if intrinsics is None else intrinsics.tolist(),
        }
        self.rows["calibrated_sensor"].append(row)
        return row["token"]

    def add_data(self, channel: str, frame: int, calibrated: str, suffix: str, size: tuple[int, int] = (0, 0)) -> str:
        """A row of sample_data with its ego_pose; the name under which its file belongs. Frames of a channel come in order."""
        own, time_us, key = token(self.seed, "sample_data", channel, frame), self.time_us(frame), frame % KEY_STEP == 0
        name = f"{'samples' if key else 'sweeps'}/{channel}/{self.logfile}__{channel}__{time_us}.{suffix}"
        before = self._last.get(channel)
        row = {
            "token": own,
            "sample_token": self.sample_token(frame),
            "ego_pose_token": own,
            "calibrated_sensor_token": calibrated,
            "timestamp": time_us,
            "fileformat": suffix.split(".")[0],
            "is_key_frame": key,
            "height": size[1],
            "width": size[0],
            "filename": name,
            "prev": before["token"] if before else "",
            "next": "",
        }
        if before:
            before["next"] = own
        self._last[channel] = row
        self.rows["sample_data"].append(row)
        self.rows["ego_pose"].append({"token": own, "timestamp": time_us, **pose_row(self.global_SE3_ego(frame))})
        return name

    def add_annotations(self, points: Mapping[tuple[int, int], int], visibility: Mapping[tuple[int, int], str]) -> None:
        """Every box of every key frame; LiDAR points on it and its visibility by (frame, instance id)."""
        keys = list(self.key_frames())
        moves = self._speeds()
        for id, seen in self._sightings(keys).items():
            class_name = seen[0][1].class_name
            instance = token(self.seed, "instance", id)
            tokens = ["", *(token(self.seed, "sample_annotation", id, frame) for frame, _ in seen), ""]
            self.rows["instance"].append(
                {
                    "token": instance,
                    "category_token": token("category", CATEGORY_OF[class_name]),
                    "nbr_annotations": len(seen),
                    "first_annotation_token": tokens[1],
                    "last_annotation_token": tokens[-2],
                }
            )
            for n, (frame, box) in enumerate(seen):
                speed = moves.get((id, frame), 0.0)
                attribute = attribute_of(class_name, speed, any(moves.get((id, k), 0.0) > MOVING_M_S for k, _ in seen))
                length, width, height = box.size_m
                yaw = box.yaw_rad / 2
                self.rows["sample_annotation"].append(
                    {
                        "token": tokens[n + 1],
                        "sample_token": self.sample_token(frame),
                        "instance_token": instance,
                        "visibility_token": visibility.get((frame, id), "1"),
                        "attribute_tokens": [token("attribute", attribute)] if attribute else [],
                        "translation": [float(v) for v in box.center_m],
                        "size": [float(width), float(length), float(height)],
                        "rotation": [float(np.cos(yaw)), 0.0, 0.0, float(np.sin(yaw))],
                        "prev": tokens[n],
                        "next": tokens[n + 2],
                        "num_lidar_pts": points.get((frame, id), 0),
                        "num_radar_pts": 0,
                    }
                )

    def boxes(self, frame: int) -> Iterator[Box]:
        """A frame's boxes in the global frame."""
        pose = self.global_SE3_ego(frame)
        for box in self.take.boxes[frame]:
            yield box.moved(pose)

    def write(self, folder: Path) -> int:
        folder.mkdir(parents=True)
        for name, rows in self.rows.items():
            (folder / f"{name}.json").write_text(json.dumps(rows, indent=0, allow_nan=False))
        return len(self.rows)

    def _sightings(self, frames: list[int]) -> dict[int, list[tuple[int, Box]]]:
        found: dict[int, list[tuple[int, Box]]] = {}
        for frame in frames:
            for box in self.boxes(frame):
                found.setdefault(box.instance_id, []).append((frame, box))
        return found

    def _speeds(self) -> dict[tuple[int, int], float]:
        """(instance id, frame) -> metres a second from the frame before to the next one."""
        places, speeds = self._places(), {}
        for id, k in places:
            a, b = (k - 1 if (id, k - 1) in places else k), (k + 1 if (id, k + 1) in places else k)
            speeds[id, k] = float(np.linalg.norm(places[id, b] - places[id, a])) * RATE_HZ / (b - a) if b > a else 0.0
        return speeds

    def _places(self) -> dict[tuple[int, int], np.ndarray]:
        """(instance id, frame) -> centre in the global frame."""
        return {(box.instance_id, k): np.array(box.center_m) for k in range(self.take.frame_count) for box in self.boxes(k)}

    def off_between_m(self) -> float:
        """How far, at most, boxes lie from the straight way between the key frames before and after them."""
        places, off = self._places(), 0.0
        for (id, k), here in places.items():
            a = k - k % KEY_STEP
            if (id, a) in places and (id, a + KEY_STEP) in places:
                straight = places[id, a] + (places[id, a + KEY_STEP] - places[id, a]) * (k - a) / KEY_STEP
                off = max(off, float(np.linalg.norm(here - straight)))
        return off

    def never_annotated(self) -> int:
        """Agents that are in the take, but at none of its key frames."""
        at = [{box.instance_id for box in boxes} for boxes in self.take.boxes]
        return len(set().union(*at) - set().union(*(at[k] for k in self.key_frames())))
