"""A take against Occ3D-nuScenes' truth, inside its camera mask: as it is, and with nuScenes' vertical bias taken out.

In nuScenes the ego's z is 0 everywhere and so are not quite the streets: whole frames of Occ3D lie some voxels above or below the
ground that the same scene's boxes and maps tell. Moving the take by whole voxels says how much of a low score that is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.frames import DataError, check_shape, read_array, relabelled
from engine.data.occ3d import CLASS_OF_OCC3D
from engine.export import OCC3D_FREE, OCC3D_OF_CLASS
from engine.metrics.occupancy import Confusion
from engine.spec.grid import OCC3D, RATE_HZ
from engine.spec.take import Take, TakeError

PREFIX = "occ3d:"
FARTHEST = 4
"""Voxels up and down that are tried."""


def evaluate_occ3d(take: Take, where: str, progress: Callable[[str, int, int], None] = lambda stage, done, total: None) -> dict[str, Any]:
    """Scores over all frames that both have; `where` is 'occ3d:DIR', a folder above gts, a scene's, a frame's, or a labels.npz.

    'as_is' and 'aligned' hold mIoU and IoU over Occ3D's classes inside mask_camera; 'shift_voxels' and 'shift_m' say how far the take was
    moved up for the best IoU, one shift for the whole take. What is moved in from beyond the grid is not counted.
    Raises TakeError or DataError, one sentence.
    """
    if not len(take.semantics) or take.grid.shape != OCC3D.shape or not np.allclose(take.grid.origin_m, OCC3D.origin_m):
        raise TakeError(f"The take {take.folder} has no occupancy on the grid 'occ3d', which Occ3D's truth is on: generate it with that grid.")
    pairs = frames_of_both(take, Path(where.removeprefix(PREFIX)).expanduser())
    by_shift = {shift: Confusion() for shift in range(-FARTHEST, FARTHEST + 1)}
    for done, (frame, path) in enumerate(pairs):
        progress("against Occ3D", done, len(pairs))
        labels = check_shape(read_array(path, "semantics"), OCC3D.shape, f"{path}: 'semantics'")
        truth = relabelled(labels, CLASS_OF_OCC3D, str(path), f"Occ3D-nuScenes has 0 to {OCC3D_FREE}")
        mask = check_shape(read_array(path, "mask_camera"), OCC3D.shape, f"{path}: 'mask_camera'") > 0
        made = CLASS_OF_OCC3D[OCC3D_OF_CLASS[take.semantics[frame]]]
        for shift, scores in by_shift.items():
            to, source = _layers(shift)
            kept = mask[..., to]
            scores.add(made[..., source][kept], truth[..., to][kept])
    progress("against Occ3D", len(pairs), len(pairs))
    scores = {shift: confusion.scores() for shift, confusion in by_shift.items()}
    best = max(scores, key=lambda shift: (scores[shift]["iou"] or 0.0, -abs(shift)))
    return {
        "truth": where,
        "frames": len(pairs),
        "as_is": scores[0],
        "aligned": scores[best],
        "shift_voxels": best,
        "shift_m": round(best * OCC3D.voxel_m, 3),
    }


def _layers(shift: int) -> tuple[slice, slice]:
    """Layers of the truth, and those of a take that lie on them once it is moved up by `shift`."""
    height = OCC3D.shape[2]
    return slice(max(shift, 0), height + min(shift, 0)), slice(max(-shift, 0), height + min(-shift, 0))


def frames_of_both(take: Take, where: Path) -> list[tuple[int, Path]]:
    """(frame of the take, labels.npz) of every frame of the truth that is nearer than half a frame to one of the take."""
    if where.is_file():
        return [(0, where)]
    if not where.is_dir():
        raise DataError(f"There is no Occ3D truth at {where}: name its folder, or one labels.npz.")
    root = where / "gts" if (where / "gts").is_dir() else where
    found = sorted({path for pattern in ("labels.npz", "*/labels.npz", "*/*/labels.npz") for path in root.glob(pattern)})
    scenes = sorted({path.parents[1] for path in found})
    if not found:
        raise DataError(f"{where} has no labels.npz, which Occ3D-nuScenes keeps its truth in: name the folder that holds gts, or a scene's.")
    if len(scenes) > 1:
        own = str(take.info.get("recipe", {}).get("scene", ""))
        scenes = [scene for scene in scenes if scene.name == own]
        if not scenes:
            raise DataError(f"{where} holds several scenes, and none is '{own}', which the take was made of: name one scene's folder in gts.")
        found = [path for path in found if path.parents[1] == scenes[0]]
    if len(found) == 1:
        return [(0, found[0])]
    times_s = _times_s(scenes[0], found)
    pairs = []
    for time_s, path in sorted(zip(times_s, found, strict=True)):
        frame = int(np.abs(take.timestamps_s - time_s).argmin())
        if abs(float(take.timestamps_s[frame]) - time_s) <= 0.5 / RATE_HZ + 1e-6:
            pairs.append((frame, path))
    if not pairs:
        raise DataError(f"No frame of {scenes[0]} falls into the take {take.folder}: compare the scene that it was made of.")
    return pairs


def _times_s(scene: Path, paths: list[Path]) -> list[float]:
    """Seconds of frames after their scene's first one, from annotations.json."""
    table = next((folder / "annotations.json" for folder in scene.parents if (folder / "annotations.json").is_file()), None)
    if table is None:
        raise DataError(f"Nothing above {scene} is an annotations.json, which tells when frames were: put it beside gts, or name one labels.npz.")
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))["scene_infos"][scene.name]
        stamps = {token: int(row["timestamp"]) for token, row in rows.items()}
        return [(stamps[path.parent.name] - min(stamps.values())) / 1e6 for path in paths]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{table} does not tell the times of the frames of {scene.name} ({error}): restore it, or name one labels.npz.") from error
