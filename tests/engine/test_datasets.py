"""Other people's data as training frames: what lies in the files comes out in our classes, and what is odd is said in one sentence."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.api import OccupancyFrame
from engine.data.datasets import LayoutFrames, TakeFrames, open_datasets
from engine.data.frames import DataError, Dataset
from engine.data.nucraft import LIDARSEG, ArrayFrames
from engine.data.occ3d import Occ3dFrames
from engine.export import OCC3D_OF_CLASS, export_take
from engine.spec.classes import CHANNEL, CHANNEL_TO_CLASSES, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.columns import classes_in_columns, holds
from engine.spec.geometry import Pose
from engine.spec.grid import GRIDS, OCC3D, GridSpec
from engine.spec.take import Take
from engine.train.batches import OccupancyBatches
from engine.train.sources import pick
from engine.write import TakeWriter

SMALL = GridSpec("small", (24, 20, 16), 0.4, (-4.8, -4.0, -1.0))
STEP_CELLS = 2
"""The ego drives two voxels a frame, so that a warped past is a shifted one."""


def write_take(folder: Path, frames: int = 3, grid: GridSpec = SMALL) -> np.ndarray:
    """A take whose ego drives straight; returns its semantics."""
    rng = np.random.default_rng(frames)
    semantics = np.where(rng.random((frames, *grid.shape)) < 0.2, rng.integers(0, FREE, (frames, *grid.shape)), FREE).astype(np.uint8)
    poses = np.stack([Pose(5.0 + k * STEP_CELLS * grid.voxel_m, -2.0, 0.0, 0.0).matrix() for k in range(frames)])
    layouts = rng.integers(0, 2, (frames, 15, *grid.bev_shape), np.uint8)
    writer = TakeWriter(folder, SceneClip(layouts, ((),) * frames, poses, grid=grid), {})
    for k in range(frames):
        writer.add_occupancy(OccupancyFrame(k, semantics[k], np.zeros(grid.shape, np.uint16)))
    writer.finish({})
    return semantics


def shifted(past: np.ndarray) -> np.ndarray:
    """What a past frame must look like from STEP_CELLS further on, without agents."""
    expected = np.full_like(past, FREE)
    expected[:-STEP_CELLS] = past[STEP_CELLS:]
    expected[(expected >= 1) & (expected <= 10)] = FREE
    return expected


def occ3d_labels() -> np.ndarray:
    labels = np.full(OCC3D.shape, 17, np.uint8)
    labels[:, :, 2] = 11
    labels[20:30, 50:55, 3:6] = 4
    labels[:, :20, 3] = 13
    labels[100, 100, 3:9] = np.arange(6)
    return labels


def write_occ3d(gts: Path, scene: str, frame: str, labels: np.ndarray, **others: np.ndarray) -> Path:
    folder = gts / scene / frame
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "labels.npz", **({"semantics": labels} | others))
    return folder / "labels.npz"


def test_occ3d_labels_become_our_classes_and_a_layout(tmp_path: Path) -> None:
    labels, mask = occ3d_labels(), np.ones(OCC3D.shape, np.uint8)
    write_occ3d(tmp_path / "gts", "scene-0001", "b" * 32, labels, mask_lidar=mask, mask_camera=mask)
    write_occ3d(tmp_path / "gts", "scene-0001", "a" * 32, np.full(OCC3D.shape, 17, np.uint8))
    for folder in (tmp_path, tmp_path / "gts"):
        frames: Dataset = Occ3dFrames(folder)
        assert len(frames) == 2 and frames.grid == OCC3D
        semantics, layout, past = frames[1]
        assert past is None and semantics.dtype == layout.dtype == np.uint8
        assert np.array_equal(OCC3D_OF_CLASS[semantics], labels) and (semantics == FREE).sum() == (labels == 17).sum()
        assert layout.shape == (15, 200, 200) and layout[CHANNEL["car"]].sum() == 10 * 5 + 1
        assert layout[CHANNEL["drivable_area"]].all() and layout[CHANNEL["walkway"]].sum() == 200 * 20
        assert not layout[[CHANNEL["ped_crossing"], CHANNEL["lane_divider"]]].any()
        assert (frames[0].semantics == FREE).all() and not frames[0].layout.any()
        again = pickle.loads(pickle.dumps(frames))
        assert np.array_equal(again[1].semantics, semantics)
        with pytest.raises(IndexError):
            frames[2]


def test_what_we_export_as_occ3d_is_read_with_its_past(tmp_path: Path) -> None:
    semantics = write_take(tmp_path / "take", 2, OCC3D)
    export_take(Take.open(tmp_path / "take"), "occ3d", tmp_path / "occ3d")
    frames = Occ3dFrames(tmp_path / "occ3d")
    folded = semantics.copy()
    folded[(folded >= 17) & (folded < FREE)] = CLASS["driveable_surface"]
    assert list(frames.past_of) == [-1, 0] and frames[0].past is None
    assert np.array_equal(frames[1].semantics, folded[1])
    past = frames[1].past
    assert past is not None and np.array_equal(past, shifted(folded[0])) and (past != FREE).any()


def test_scenes_to_measure_on_are_not_trained_on(tmp_path: Path) -> None:
    for scene in ("scene-1", "scene-2"):
        write_occ3d(tmp_path / "gts", scene, "f", occ3d_labels())
    table = {"train_split": ["scene-1"], "val_split": ["scene-2"], "scene_infos": {}}
    (tmp_path / "annotations.json").write_text(json.dumps(table))
    frames = Occ3dFrames(tmp_path)
    assert len(frames) == 1 and "scene-1" in str(frames.paths[0])
    (tmp_path / "annotations.json").write_text(json.dumps(table | {"val_split": ["scene-1", "scene-2"]}))
    with pytest.raises(DataError, match="All 2 frames .* val_split"):
        Occ3dFrames(tmp_path)


def test_a_real_occ3d_frame(tmp_path: Path, shared_data: Path) -> None:
    real = shared_data / "occ_vis_demo/3D_occupancy_data.npz"
    if not real.is_file():
        pytest.skip(f"the Occ3D frame is not at {real}")
    (tmp_path / "gts/scene/frame").mkdir(parents=True)
    shutil.copy(real, tmp_path / "gts/scene/frame/labels.npz")
    semantics, layout, past = Occ3dFrames(tmp_path)[0]
    labels = np.load(real)["semantics"]
    assert past is None and np.array_equal(OCC3D_OF_CLASS[semantics], labels)
    for name, channel in (("car", "car"), ("sidewalk", "walkway"), ("driveable_surface", "drivable_area")):
        columns = (labels == CLASS[name]).any(2)
        assert columns.sum() > 20 and np.array_equal(layout[CHANNEL[channel]] > 0, columns), name


def test_arrays_of_both_grids_with_poses_layouts_and_a_class_map(tmp_path: Path) -> None:
    grid = GRIDS["nucraft"]
    rng = np.random.default_rng(0)
    volumes = np.where(rng.random((2, *grid.shape)) < 0.1, rng.integers(0, FREE, (2, *grid.shape)), FREE).astype(np.uint8)
    layout = rng.integers(0, 2, (15, *grid.bev_shape), np.uint8)
    scene = tmp_path / "wide/scene-7"
    scene.mkdir(parents=True)
    np.savez_compressed(scene / "000.npz", semantics=volumes[0], layout=layout * 255)
    np.save(scene / "001.npy", volumes[1].astype(np.int32))
    np.save(scene / "poses.npy", np.stack([Pose(k * STEP_CELLS * grid.voxel_m, 0, 0, 0).matrix() for k in range(2)]))
    frames: Dataset = ArrayFrames(tmp_path / "wide")
    assert frames.grid == grid and list(frames.past_of) == [-1, 0]
    assert np.array_equal(frames[0].semantics, volumes[0]) and np.array_equal(frames[0].layout, layout)
    assert np.array_equal(frames[1].semantics, volumes[1]) and frames[1].layout[CHANNEL["car"]].sum() == (volumes[1] == 4).any(2).sum()
    past = frames[1].past
    assert past is not None and np.array_equal(past, shifted(volumes[0]))

    (tmp_path / "flat").mkdir()
    labels = np.full(OCC3D.shape, 255, np.uint8)
    labels[:, :, 2], labels[5, 5, 3] = 24, 17
    np.save(tmp_path / "flat/x.npy", labels)
    (tmp_path / "flat/classes.json").write_text('"lidarseg"')
    semantics, derived, past = ArrayFrames(tmp_path / "flat")[0]
    assert past is None and (semantics[:, :, 2] == CLASS["driveable_surface"]).all() and semantics[5, 5, 3] == CLASS["car"]
    assert (semantics == FREE).sum() == (labels == 255).sum() and derived[CHANNEL["car"]].sum() == 1
    assert np.array_equal(ArrayFrames(tmp_path / "flat", LIDARSEG)[0].semantics, semantics)
    assert set(LIDARSEG) == {*range(32), 255}


def test_takes_come_with_their_layouts_and_pasts(tmp_path: Path) -> None:
    first, second = write_take(tmp_path / "a", 3), write_take(tmp_path / "b", 2)
    frames: Dataset = TakeFrames(tmp_path)
    assert len(frames) == 5 and list(frames.past_of) == [-1, 0, 1, -1, 3]
    layouts = Take.open(tmp_path / "a").layouts
    assert np.array_equal(frames[2].semantics, first[2]) and np.array_equal(frames[2].layout, layouts[2])
    past = frames[4].past
    assert past is not None and np.array_equal(past, shifted(second[0])) and frames[3].past is None
    assert len(TakeFrames(tmp_path / "b")) == 2
    both = open_datasets(f"takes:{tmp_path / 'a'}, takes:{tmp_path / 'b'}")
    assert [len(dataset) for dataset in both] == [3, 2] and both[0].name == f"takes:{tmp_path / 'a'}"


def test_layouts_are_lifted_amid_surroundings_that_stand_still(tmp_path: Path) -> None:
    layouts = np.zeros((2, 15, *OCC3D.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, 90:110] = 1
    poses = np.stack([Pose(k * STEP_CELLS * OCC3D.voxel_m).matrix() for k in range(2)])
    TakeWriter(tmp_path / "t", SceneClip(layouts, ((),) * 2, poses), {}).finish({})
    frames = LayoutFrames(tmp_path)
    semantics, layout, past = frames[1]
    assert past is not None and np.array_equal(layout, layouts[1])
    assert holds(classes_in_columns(semantics), [CLASS["driveable_surface"]])[:, 90:110].all()
    beside = semantics[:, :90]
    assert (beside == CLASS["manmade"]).any() and (beside == CLASS["vegetation"]).any() and (beside == CLASS["terrain"]).any()
    inside = np.s_[:-STEP_CELLS]
    assert np.array_equal(semantics[inside], past[inside]), "the ego moves by whole voxels, the world does not"


def test_a_town_of_open_licence_is_learned_from(tmp_path: Path, shared_data: Path) -> None:
    town = next((shared_data / "carla_xodr").rglob("Town02.xodr"))
    from editor.clip import scene_clip
    from editor.formats import import_scene

    document, _ = import_scene("opendrive", town)
    TakeWriter(tmp_path / "town", scene_clip(document, frames=2), {}).finish({})
    batches = pick(f"layouts:{tmp_path}", OccupancyBatches(seed=1, batch=2, crop=64, history=True), share=1.0)
    batch = batches(0)
    assert batch["past"].shape == batch["semantics"].shape == (2, 64, 64, 16)
    (dataset,) = open_datasets(f"layouts:{tmp_path}")
    road = dataset.alone(0)[1][CHANNEL["drivable_area"]].astype(bool)
    shown = holds(classes_in_columns(dataset.alone(0)[0]), CHANNEL_TO_CLASSES[CHANNEL["drivable_area"]])
    assert road.sum() > 500 and shown[road].mean() > 0.999


def odd_occ3d(**arrays: np.ndarray) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        np.savez(_made(folder / "gts/s/f") / "labels.npz", **arrays)
        return Occ3dFrames(folder)[0]

    return read


def odd_arrays(*volumes: np.ndarray, classes: str = "") -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        for k, volume in enumerate(volumes):
            np.save(folder / f"{k}.npy", volume)
        if classes:
            (folder / "classes.json").write_text(classes)
        return [ArrayFrames(folder)[k] for k in range(len(volumes))]

    return read


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _torn(folder: Path) -> object:
    path = write_occ3d(folder / "gts", "s", "f", occ3d_labels())
    path.write_bytes(path.read_bytes()[:500])
    return Occ3dFrames(folder)[0]


def _half_annotated(folder: Path) -> object:
    write_occ3d(folder / "gts", "s", "f", occ3d_labels())
    (folder / "annotations.json").write_text('{"scene_infos": {"s": {"f": {"prev": ""}}}}')
    return Occ3dFrames(folder)


def _pose_missing(folder: Path) -> object:
    np.save(folder / "0.npy", np.full(OCC3D.shape, FREE, np.uint8))
    np.save(folder / "poses.npy", np.zeros((2, 4, 4)))
    return ArrayFrames(folder)


def _only_layout(folder: Path) -> object:
    clip = SceneClip(np.zeros((1, 15, *SMALL.bev_shape), np.uint8), ((),), np.eye(4)[None], grid=SMALL)
    TakeWriter(folder / "t", clip, {}).finish({})
    return TakeFrames(folder)


def _two_grids(folder: Path) -> object:
    write_take(folder / "a", 1)
    write_take(folder / "b", 1, GridSpec("other", (16, 16, 16), 0.4, (0, 0, 0)))
    return TakeFrames(folder)


FREE_VOLUME = np.full(OCC3D.shape, FREE, np.uint8)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (Occ3dFrames, "no gts/SCENE/FRAME/labels.npz"),
        (odd_occ3d(labels=occ3d_labels()), "no array 'semantics', only labels"),
        (odd_occ3d(semantics=np.zeros((200, 200, 8), np.uint8)), r"\(200, 200, 8\), it must be \(200, 200, 16\)"),
        (odd_occ3d(semantics=FREE_VOLUME), "label 20, Occ3D-nuScenes has 0 to 17"),
        (odd_occ3d(semantics=np.zeros(OCC3D.shape, np.float32)), "float32, labels are whole numbers"),
        (_torn, "labels.npz cannot be read"),
        (_half_annotated, "'ego_pose'"),
        (ArrayFrames, "no .npz or .npy files"),
        (odd_arrays(np.zeros((64, 64, 16), np.uint8)), r"\(64, 64, 16\), known grids have \(200, 200, 16\) or \(256, 256, 20\)"),
        (odd_arrays(FREE_VOLUME, np.zeros(GRIDS["nucraft"].shape, np.uint8)), r"it must be \(200, 200, 16\)"),
        (odd_arrays(FREE_VOLUME + 1), "label 21, without classes.json .* our ids 0 to 20"),
        (odd_arrays(FREE_VOLUME.astype(np.int32) * 1000), "label 20000"),
        (odd_arrays(FREE_VOLUME, classes='{"0": "car"}'), "label 20, the class map of .* knows 0:"),
        (odd_arrays(FREE_VOLUME, classes='{"0": "cart"}'), "label 0 to 'cart'"),
        (odd_arrays(FREE_VOLUME, classes="[1"), "not a class map"),
        (_pose_missing, r"\(2, 4, 4\), it must be \(1, 4, 4\)"),
        (TakeFrames, "no take and holds none"),
        (_only_layout, "no occupancy to learn from"),
        (_two_grids, "keep them apart"),
        (lambda folder: open_datasets(f"kitti:{folder}"), "format of occ3d, nucraft, takes, layouts"),
        (lambda folder: open_datasets(f"occ3d:{folder}/none"), "no folder"),
        (lambda folder: open_datasets("occ3d"), "not FORMAT:DIR"),
    ],
)
def test_what_is_odd_is_one_sentence(tmp_path: Path, read: Callable[[Path], object], words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        read(tmp_path)
    text = str(refused.value)
    assert "\n" not in text and text.endswith(".") and ": " in text and isinstance(pickle.loads(pickle.dumps(refused.value)), DataError)
