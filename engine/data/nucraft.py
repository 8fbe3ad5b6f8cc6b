"""Dense semantic occupancy in plain numpy files, as the nuCraft family would be brought to us.

What is known: nuCraft 1.0 is published as sparse TOKEN.bin files (int16 x, y, z, label at 0.1 m in the **LiDAR** frame, labels 0-31 of
nuScenes-lidarseg); nuCraftv2, which the paper trains on, is not published, and the formula of its panoptic labels is lost in the
stored text. So this reads what either is voted down to at 0.4 m, and **assumes**:

* DIR/*.npz, DIR/*.npy, or the same one folder deeper (a folder is a scene, names sort by time), in the **ego** frame, indexed [x, y, z];
* 256 x 256 x 20 is our grid 'nucraft' (x, y in [-51.2, 51.2), z in [-2, 6)), 200 x 200 x 16 is 'occ3d';
* an .npz has `semantics` and may have `layout` (15, X, Y); without one the layout is derived from the occupancy (`frames.derived_layout`);
* labels are class ids (no instance in them): ours, or what DIR/classes.json says, {"label": "name of one of our 21 classes"}, or the
  one word "lidarseg" in it for nuScenes-lidarseg's 32;
* SCENE/poses.npy (T, 4, 4) float, world_SE3_ego of the scene's files in their order; without it frames have no past.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.data.frames import LABELS, UNKNOWN, DataError, PosedFrames, check_layout, check_shape, read_array, relabelled
from engine.spec.classes import CLASS
from engine.spec.grid import GRIDS

POSES, CLASS_MAP = "poses.npy", "classes.json"
LIDARSEG: dict[int, str] = {
    **dict.fromkeys((0, 1, 5, 7, 8, 10, 11, 13, 19, 20, 29, 31), "others"),
    **dict.fromkeys((2, 3, 4, 6), "pedestrian"),
    **{9: "barrier", 12: "traffic_cone", 14: "bicycle", 15: "bus", 16: "bus", 17: "car", 18: "construction_vehicle"},
    **{21: "motorcycle", 22: "trailer", 23: "truck", 24: "driveable_surface", 25: "other_flat", 26: "sidewalk", 27: "terrain"},
    **{28: "manmade", 30: "vegetation", 255: "free"},
}
"""nuScenes-lidarseg's labels folded as its own 16-class challenge folds them, what that ignores as 'others'; it has no label for air, 255 is ours."""


class ArrayFrames(PosedFrames):
    """The files of a folder, each one frame; see the module's first lines for what is assumed."""

    def __init__(self, folder: Path, classes: Mapping[int, str] | None = None) -> None:
        """`classes` names our class of each label; by default DIR/classes.json, else the labels are our ids. Raises DataError."""
        self.paths = tuple(path for pattern in ("*", "*/*") for path in sorted(folder.glob(pattern)) if _is_frame(path))
        if not self.paths:
            sparse = any(folder.glob("*.bin")) or any(folder.glob("*/*.bin"))
            step = "vote nuCraft's sparse .bin files down to dense arrays at 0.4 m" if sparse else "name the folder that holds them"
            raise DataError(f"{folder} has no .npz or .npy files of occupancy: {step}.")
        self.table, self.expected = _table(classes if classes is not None else _class_map(folder / CLASS_MAP), folder)
        first = read_array(self.paths[0], "semantics")
        grids = {grid.shape: grid for grid in GRIDS.values()}
        if first.shape not in grids:
            known = " or ".join(str(shape) for shape in grids)
            raise DataError(f"{self.paths[0]} has shape {first.shape}, known grids have {known}: resample it to 0.4 m.")
        self.name, self.grid = f"nucraft:{folder}", grids[first.shape]
        self.past_of, self.world_SE3_ego = _histories(self.paths)

    def semantics(self, index: int) -> np.ndarray:
        path = self.paths[index]
        labels = check_shape(read_array(path, "semantics"), self.grid.shape, str(path))
        return relabelled(labels, self.table, str(path), self.expected)

    def layout(self, index: int, semantics: np.ndarray) -> np.ndarray:
        path = self.paths[index]
        if path.suffix == ".npz" and "layout" in _names(path):
            return check_layout(read_array(path, "layout"), self.grid, f"{path}: 'layout'")
        return super().layout(index, semantics)


def _is_frame(path: Path) -> bool:
    return path.suffix in (".npz", ".npy") and path.name != POSES and path.is_file()


def _names(path: Path) -> list[str]:
    with np.load(path, allow_pickle=False) as archive:
        return archive.files


def _class_map(path: Path) -> Mapping[int, str] | None:
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return LIDARSEG if said == "lidarseg" else {int(label): str(name) for label, name in said.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is not a class map like {{\"0\": \"free\"}} or \"lidarseg\" ({error}): correct it.") from error


def _table(classes: Mapping[int, str] | None, folder: Path) -> tuple[np.ndarray, str]:
    """Our class of each label (256,), and in words which labels there are."""
    table = np.full(LABELS, UNKNOWN, np.uint8)
    if classes is None:
        table[: len(CLASS)] = np.arange(len(CLASS))
        return table, f"without {CLASS_MAP} in {folder} labels are our ids 0 to {len(CLASS) - 1}"
    for label, name in classes.items():
        if not 0 <= label < LABELS or name not in CLASS:
            raise DataError(
                f"The class map of {folder} takes label {label} to '{name}': labels are 0 to {LABELS - 1} and classes are {', '.join(CLASS)}."
            )
        table[label] = CLASS[name]
    return table, f"the class map of {folder} knows {', '.join(str(label) for label in sorted(classes))}"


def _histories(paths: tuple[Path, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """Numbers of the frames before (N,) and world_SE3_ego (N, 4, 4), for the scenes that have poses.npy."""
    past_of = np.full(len(paths), -1, np.int64)
    poses = np.tile(np.eye(4), (len(paths), 1, 1))
    for scene in sorted({path.parent for path in paths if (path.parent / POSES).is_file()}):
        numbers = [index for index, path in enumerate(paths) if path.parent == scene]
        poses[numbers] = check_shape(read_array(scene / POSES), (len(numbers), 4, 4), f"{scene / POSES}, one pose a file,")
        past_of[numbers[1:]] = numbers[:-1]
    return past_of, poses if (past_of >= 0).any() else None
