"""A take against Occ3D's truth: scores in the camera mask, the vertical bias, and which frames belong together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.data.frames import DataError
from engine.metrics.occ3d import evaluate_occ3d, frames_of_both
from engine.spec.classes import CLASS, FREE
from engine.spec.grid import OCC3D
from engine.spec.take import Take, TakeError


class SmallTake(Take):
    """Arrays given instead of read."""

    semantics = timestamps_s = None  # type: ignore[assignment]


def taken(semantics: np.ndarray, folder: Path, scene: str = "scene-0061") -> Take:
    take = SmallTake(folder, {"recipe": {"scene": scene}}, OCC3D, len(semantics), [[]] * len(semantics), [], np.zeros((len(semantics), 0, 4, 4)))
    object.__setattr__(take, "semantics", semantics)
    object.__setattr__(take, "timestamps_s", np.arange(len(semantics)) / 12)
    return take


def street(rng: np.random.Generator) -> np.ndarray:
    """Class ids: a road of three classes, boxes on it."""
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 4] = CLASS["sidewalk"]
    semantics[:, 60:140, 4] = CLASS["driveable_surface"]
    for _ in range(30):
        x, y = rng.integers(0, 190, 2)
        semantics[x : x + 10, y : y + 5, 5:9] = rng.integers(1, 11)
    return semantics


def labels(semantics: np.ndarray) -> np.ndarray:
    return np.where(semantics == FREE, 17, semantics).astype(np.uint8)


def write(path: Path, semantics: np.ndarray, mask: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, semantics=labels(semantics), mask_camera=mask.astype(np.uint8), mask_lidar=mask.astype(np.uint8))
    return path


@pytest.mark.parametrize("lower", [-3, 0, 2])
def test_a_truth_that_lies_lower_is_found_out(lower: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    made = street(rng)
    truth = np.full_like(made, FREE)
    truth[..., max(-lower, 0) : 16 - max(lower, 0)] = made[..., max(lower, 0) : 16 + min(lower, 0)]
    path = write(tmp_path / "labels.npz", truth, rng.random(OCC3D.shape) < 0.5)
    found = evaluate_occ3d(taken(made[None], tmp_path), f"occ3d:{path}")
    assert found["shift_voxels"] == -lower and found["shift_m"] == pytest.approx(-0.4 * lower)
    assert found["aligned"]["iou"] == found["aligned"]["miou"] == 100.0
    assert (found["as_is"]["iou"] == 100.0) == (lower == 0) and found["frames"] == 1


def test_only_what_the_cameras_see_counts_and_paint_is_road(tmp_path: Path) -> None:
    made = street(np.random.default_rng(3))
    mask = np.zeros(OCC3D.shape, bool)
    mask[:100] = True
    truth = made.copy()
    truth[100:] = CLASS["manmade"]
    made[20:30, 90:92, 4] = CLASS["lane_divider"]
    truth[0, 60:70, 4] = FREE
    found = evaluate_occ3d(taken(made[None], tmp_path), str(write(tmp_path / "labels.npz", truth, mask)))
    occupied = (made[:100] != FREE).sum()
    assert found["as_is"]["iou"] == pytest.approx(100 * (occupied - 10) / occupied, abs=0.01), "ten voxels of the first row are missing in the truth"


def test_frames_belong_together_by_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    take = taken(np.stack([street(rng) for _ in range(14)]), tmp_path / "take")
    mask, rows = np.ones(OCC3D.shape, bool), {}
    for token, stamp, frame in (("b", 1_000_500_000, 6), ("a", 1_000_000_000, 0), ("c", 1_001_000_000, 12), ("z", 1_009_000_000, 1)):
        write(tmp_path / "occ/gts/scene-0061" / token / "labels.npz", take.semantics[frame], mask)
        rows[token] = {"timestamp": stamp}
    write(tmp_path / "occ/gts/scene-0103/q/labels.npz", take.semantics[0], mask)
    with pytest.raises(DataError, match=r"annotations\.json"):
        evaluate_occ3d(take, f"occ3d:{tmp_path / 'occ'}")
    (tmp_path / "occ/annotations.json").write_text(json.dumps({"scene_infos": {"scene-0061": rows}}))
    pairs = frames_of_both(take, tmp_path / "occ")
    assert [(frame, path.parent.name) for frame, path in pairs] == [(0, "a"), (6, "b"), (12, "c")]
    found = evaluate_occ3d(take, f"occ3d:{tmp_path / 'occ'}")
    assert found["frames"] == 3 and found["as_is"]["iou"] == found["as_is"]["miou"] == 100.0
    with pytest.raises(DataError, match="none is 'elsewhere'"):
        frames_of_both(taken(take.semantics, tmp_path, "elsewhere"), tmp_path / "occ")
    with pytest.raises(DataError, match="no Occ3D truth"):
        frames_of_both(take, tmp_path / "nowhere")


def test_another_grid_is_refused(tmp_path: Path) -> None:
    take = SmallTake(tmp_path, {}, OCC3D.crop(40), 1, [[]], [], np.zeros((1, 0, 4, 4)))
    object.__setattr__(take, "semantics", np.zeros((1, *OCC3D.crop(40).shape), np.uint8))
    with pytest.raises(TakeError, match="grid 'occ3d'"):
        evaluate_occ3d(take, "occ3d:x")


def test_a_real_frame(shared_data: Path, tmp_path: Path) -> None:
    """Occ3D's own file, and a take that stands two voxels too high over it."""
    path = shared_data / "occ_vis_demo/3D_occupancy_data.npz"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with np.load(path) as file:
        truth = np.where(file["semantics"] == 17, FREE, file["semantics"]).astype(np.uint8)
    made = np.full_like(truth, FREE)
    made[..., 2:] = truth[..., :-2]
    found = evaluate_occ3d(taken(made[None], tmp_path), f"occ3d:{path}")
    assert found["shift_voxels"] == -2 and found["aligned"]["iou"] == 100.0 and found["as_is"]["iou"] < 25.0
