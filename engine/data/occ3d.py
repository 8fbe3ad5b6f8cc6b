"""Occ3D-nuScenes as training data: gts/SCENE/FRAME/labels.npz, and annotations.json beside gts where it is there.

Three things that Occ3D is not. It has **no layout**: ours is derived from the occupancy (`frames.derived_layout`), so crossings
and dividers are never painted, which is a reason to train on procedural worlds beside it. Voxels that **nobody observed** are free in
it like air; its masks tell them apart and are not used, because the losses have no place for 'unknown'. And its frames are 0.5 s
apart, so a past is older than the 1/12 s of procedural worlds; static as it is, it is warped all the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.frames import LABELS, UNKNOWN, DataError, PosedFrames, check_shape, read_array, relabelled
from engine.export import OCC3D_FREE
from engine.spec.classes import FREE
from engine.spec.grid import OCC3D
from engine.spec.rows import se3

CLASS_OF_OCC3D = np.full(LABELS, UNKNOWN, np.uint8)
"""Our class of each of Occ3D's labels: the first 17 are the same, 17 is free. The inverse of engine.export folds three into one."""
CLASS_OF_OCC3D[:OCC3D_FREE] = np.arange(OCC3D_FREE)
CLASS_OF_OCC3D[OCC3D_FREE] = FREE


class Occ3dFrames(PosedFrames):
    """The frames of an Occ3D folder, scenes by name. Scenes of annotations.json's `val_split` are left out, to be measured on."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds gts, or is gts. Raises DataError where it has no frames or its annotations.json cannot be read."""
        gts = folder / "gts" if (folder / "gts").is_dir() else folder
        table = annotations_table(gts.parent / "annotations.json")
        held_out = set(table.get("val_split", ()))
        found = sorted(gts.glob("*/*/labels.npz"))
        if not found:
            raise DataError(f"{folder} has no gts/SCENE/FRAME/labels.npz, which is how Occ3D-nuScenes lies on disk: name the folder that holds gts.")
        self.paths = tuple(path for path in found if path.parts[-3] not in held_out)
        if not self.paths:
            raise DataError(f"All {len(found)} frames of {folder} are in annotations.json's val_split, which is not trained on: add scenes of train_split.")
        self.name, self.grid = f"occ3d:{folder}", OCC3D
        self.past_of, self.world_SE3_ego = _histories(self.paths, table, gts.parent / "annotations.json")

    def semantics(self, index: int) -> np.ndarray:
        path = self.paths[index]
        labels = check_shape(read_array(path, "semantics"), OCC3D.shape, f"{path}: 'semantics'")
        return relabelled(labels, CLASS_OF_OCC3D, str(path), f"Occ3D-nuScenes has 0 to {OCC3D_FREE}")


def annotations_table(path: Path) -> dict[str, Any]:
    """The table, or {} where there is none: labels alone are enough for single frames."""
    if not path.is_file():
        return {}
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON ({error}): restore it, or take it away to train without poses.") from error
    if not isinstance(table, dict) or not isinstance(table.get("scene_infos"), dict):
        raise DataError(f"{path} has no 'scene_infos', which Occ3D-nuScenes keeps its poses in: restore it, or take it away.")
    return table


def _histories(paths: tuple[Path, ...], table: dict[str, Any], where: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Numbers of the frames before (N,) and world_SE3_ego (N, 4, 4), from `prev` and `ego_pose`."""
    past_of = np.full(len(paths), -1, np.int64)
    if not table:
        return past_of, None
    poses = np.tile(np.eye(4), (len(paths), 1, 1))
    number = {path.parts[-3:-1]: index for index, path in enumerate(paths)}
    for (scene, frame), index in number.items():
        try:
            row = table["scene_infos"].get(scene, {}).get(frame)
            if row is not None:
                poses[index] = se3(row["ego_pose"], "ego_pose")
                past_of[index] = number.get((scene, row["prev"]), -1)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{where}: frame {frame} of {scene} has no usable 'ego_pose' and 'prev' ({error}): restore it, or take the file away."
            ) from error
    known = np.array([frame in table["scene_infos"].get(scene, {}) for scene, frame in number])
    past_of[(past_of >= 0) & ~known[past_of]] = -1                                   # a frame before that has no pose itself
    return past_of, poses
