"""nuScenes with Occ3D as samples of view models: a made drive whose every moment is known, and the real tables of one key frame."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from engine.data.frames import DataError
from engine.data.nuscenes_videos import NuscenesVideos, open_nuscenes
from engine.data.videos import open_videos
from engine.render.buffers import render_buffers
from engine.spec.camera import surround_cameras
from engine.spec.classes import CLASS, FREE
from engine.spec.geometry import Pose, invert, transform
from engine.spec.grid import OCC3D

ZERO_US = 1_500_000_000_000_000
CAMERAS = {name: replace(camera, name=name) for name, camera in zip(("CAM_FRONT", "CAM_FRONT_LEFT"), surround_cameras(64, 36), strict=False)}
LATE_S = {"CAM_FRONT": -0.02, "CAM_FRONT_LEFT": 0.01}
"""Cameras are not triggered at the LiDAR's time."""
CAR_M = (4.4, 2.0, 1.6)


def pose_of(row: dict[str, Any]) -> np.ndarray:
    """(4, 4) of a row's translation and quaternion, scalar first, by scipy."""
    w, x, y, z = row["rotation"]
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_quat([x, y, z, w]).as_matrix(), row["translation"]
    return pose


def ego(time_s: float) -> Pose:
    return Pose(300 + 6 * time_s, 900 + time_s, 0.0, 0.3 + 0.1 * time_s)


def car(time_s: float) -> Pose:
    """Its centre, in the world: ahead of the ego, driving across."""
    return Pose(*(ego(0).matrix() @ (14.0, -6 + 8 * time_s, 1.0, 1.0))[:3], 0.3 + np.pi / 2)


def occupancy(seen_s: float, shown_s: float) -> np.ndarray:
    """What Occ3D has of the time `seen_s`, with the car where it is at `shown_s`: every voxel asked by its centre."""
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = CLASS["driveable_surface"]
    centers = np.stack(np.meshgrid(*((np.arange(n) + 0.5) * 0.4 + o for n, o in zip(OCC3D.shape, OCC3D.origin_m, strict=True)), indexing="ij"), -1)
    world = transform(ego(seen_s).matrix(), centers.reshape(-1, 3)).reshape(centers.shape)
    semantics[(world[..., 0] > 325) & (world[..., 0] < 327) & (world[..., 2] > 0)] = CLASS["manmade"]
    local = transform(invert(car(shown_s).matrix()), world.reshape(-1, 3)).reshape(world.shape)
    semantics[(np.abs(local) <= np.array(CAR_M) / 2).all(-1)] = CLASS["car"]
    return semantics


def pose_row(pose: np.ndarray) -> dict[str, list[float]]:
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
    return {"translation": pose[:3, 3].tolist(), "rotation": [w, x, y, z]}


def colour(number: int, name: str) -> tuple[int, int, int]:
    return 40 + 5 * number, 90, 40 if name == "CAM_FRONT" else 200


def write(folder: Path, sweeps: bool = True) -> tuple[Path, Path]:
    """A drive of 1 s: three key frames, pictures at 12 Hz or at key frames only. nuScenes' folder and Occ3D's."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ("sample", "sample_data", "ego_pose", "sample_annotation")}
    found["scene"] = [{"token": "s", "name": "scene-0001", "description": "A car drives across", "first_sample_token": "k0", "nbr_samples": 3}]
    found["sensor"] = [{"token": name, "channel": name, "modality": "lidar" if name == "LIDAR_TOP" else "camera"} for name in ("LIDAR_TOP", *CAMERAS)]
    found["calibrated_sensor"] = [{"token": "c-LIDAR_TOP", "sensor_token": "LIDAR_TOP", **pose_row(np.eye(4)), "camera_intrinsic": []}]
    for name, camera in CAMERAS.items():
        mount = pose_row(camera.ego_SE3_camera.matrix())
        found["calibrated_sensor"].append({"token": f"c-{name}", "sensor_token": name, **mount, "camera_intrinsic": camera.intrinsics().tolist()})

    def data(name: str, sample: int, time_s: float, is_key: bool) -> Path:
        token = f"{name}-{time_s:.4f}"
        kind = "samples" if is_key else "sweeps"
        found["ego_pose"].append({"token": token, **pose_row(ego(time_s).matrix())})
        found["sample_data"].append(
            {
                "token": token, "sample_token": f"k{sample}", "ego_pose_token": token, "calibrated_sensor_token": f"c-{name}", "width": 64, "height": 36,
                "timestamp": ZERO_US + round(time_s * 1e6), "is_key_frame": is_key, "filename": f"{kind}/{name}/{token}.png",
            }
        )  # fmt: skip
        return folder / "set" / kind / name / f"{token}.png"

    for k in range(3):
        found["sample"].append({"token": f"k{k}", "timestamp": ZERO_US + 500_000 * k, "scene_token": "s"})
        data("LIDAR_TOP", k, k / 2, True)
        width, length, height = CAR_M[1], CAR_M[0], CAR_M[2]
        row = {"token": f"a{k}", "sample_token": f"k{k}", "instance_token": "car", "size": [width, length, height]}
        found["sample_annotation"].append({**row, **pose_row(car(k / 2).matrix())})
        path = folder / "occ3d" / "gts" / "scene-0001" / f"k{k}" / "labels.npz"
        path.parent.mkdir(parents=True)
        semantics = occupancy(k / 2, k / 2)
        np.savez_compressed(path, semantics=np.where(semantics == FREE, 17, semantics).astype(np.uint8))
    for name in CAMERAS:
        for number in range(13):
            if sweeps or number % 6 == 0:
                path = data(name, min(2, (number + 3) // 6), number / 12 + LATE_S[name], number % 6 == 0)
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (64, 36), colour(number, name)).save(path)
    for table, rows in found.items():
        place = folder / "set" / "v1.0-mini" / f"{table}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(rows))
    return folder / "set", folder / "occ3d"


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> NuscenesVideos:
    (video,) = open_nuscenes(*write(tmp_path_factory.mktemp("drive")))
    return video


def test_a_drive_at_12_hz(drive: NuscenesVideos) -> None:
    assert (drive.frames, drive.rate_hz, drive.prompt) == (13, 12.0, "A car drives across")
    names = [camera.name for camera in drive.cameras]
    assert [tuple(names[n] for n in pair) for pair in drive.pairs] == [("CAM_FRONT_LEFT", "CAM_FRONT")] and drive.triplets == []
    clip = pickle.loads(pickle.dumps(drive)).clip(drive.numbers, 2, 5, 1, (36, 64))
    shapes = {name: (value.shape, value.dtype.name) for name, value in clip.items()}
    assert shapes == {
        "picture": ((2, 5, 36, 64, 3), "uint8"), "semantic": ((2, 5, 36, 64), "uint8"), "coordinate": ((2, 5, 36, 64, 3), "float32"),
        "rays": ((2, 36, 64, 3), "float32"), "pose": ((2, 5, 4, 4), "float32"),
    }  # fmt: skip
    for place, name in enumerate(names):
        for k in range(5):
            number = 2 + k
            time_s = number / 12 + LATE_S[name]
            assert tuple(clip["picture"][place, k, 18, 32]) == colour(number, name)
            seen_s = round(2 * time_s) / 2
            ego0_SE3_camera = invert(ego(0).matrix()) @ ego(time_s).matrix() @ CAMERAS[name].ego_SE3_camera.matrix()
            np.testing.assert_allclose(clip["pose"][place, k], ego0_SE3_camera, atol=1e-4)
            seen_SE3_camera = invert(ego(seen_s).matrix()) @ ego(time_s).matrix() @ CAMERAS[name].ego_SE3_camera.matrix()
            true = render_buffers(occupancy(seen_s, time_s), None, OCC3D, CAMERAS[name], seen_SE3_camera, np.eye(4))
            agree = clip["semantic"][place, k] == true.semantic
            assert agree.mean() > 0.97, (name, number)
            if name == "CAM_FRONT":
                is_car = true.semantic == CLASS["car"]
                assert is_car.sum() > 10 and (agree & is_car).sum() / (is_car | (clip["semantic"][place, k] == CLASS["car"])).sum() > 0.7


def test_coordinates_lie_on_the_rays(drive: NuscenesVideos) -> None:
    """In the ego frame of the origin's key frame, whichever key frame a picture was seen from."""
    clip = drive.clip((0, 1), 0, 13, 12, (36, 64))
    for place in range(2):
        for k in (0, 4, 12):
            points, pose, rays = clip["coordinate"][place, k], clip["pose"][place, k], clip["rays"][place]
            hit = np.isfinite(points).all(-1)
            assert np.array_equal(hit, clip["semantic"][place, k] != 255) and hit.mean() > 0.3
            towards, along = points[hit] - pose[:3, 3], rays[hit] @ pose[:3, :3].T
            assert np.linalg.norm(np.cross(towards, along / np.linalg.norm(along, axis=-1, keepdims=True)), axis=-1).max() < 0.02
    # The road is flat and the ego stands on it, so its top is at the same height for all.
    road = clip["coordinate"][clip["semantic"] == CLASS["driveable_surface"]]
    assert np.percentile(np.abs(road[:, 2] - 0.2), 95) < 0.01


def test_key_frames_alone(tmp_path: Path) -> None:
    (video,) = open_nuscenes(*write(tmp_path, sweeps=False))
    assert (video.frames, video.rate_hz) == (3, 2.0)
    clip = video.clip((0,), 0, 3, 0, (18, 32))
    assert [tuple(picture[0, 0]) for picture in clip["picture"][0]] == [colour(number, video.cameras[0].name) for number in (0, 6, 12)]


def test_takes_and_logs_together_and_what_is_refused(tmp_path: Path) -> None:
    folder, occ3d = write(tmp_path)
    assert len(open_videos(f"nuscenes:{folder},occ3d:{occ3d}")) == 1
    for data, says in (
        (f"nuscenes:{folder}", "put Occ3D's behind it"),
        (f"occ3d:{occ3d}", "put nuScenes' before it"),
        (f"nuscenes:{occ3d},occ3d:{occ3d}", "holds no nuScenes tables"),
        (f"nuscenes:{folder},occ3d:{folder}", "No scene of"),
        ("nuscenes:/nowhere,occ3d:/x", "no folder to learn from"),
    ):
        with pytest.raises(DataError, match=says):
            open_videos(data)
    (occ3d / "annotations.json").write_text(json.dumps({"val_split": ["scene-0001"], "scene_infos": {}}))
    with pytest.raises(DataError, match="not held out"):
        open_nuscenes(folder, occ3d)
    (occ3d / "annotations.json").unlink()
    shutil.rmtree(folder / "samples" / "CAM_FRONT")
    with pytest.raises(DataError, match="no key frame with occupancy and a picture of every camera"):
        open_nuscenes(folder, occ3d)
    rows = json.loads((folder / "v1.0-mini/sample_data.json").read_text())
    rows[0].pop("timestamp")
    (folder / "v1.0-mini/sample_data.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match="not laid out as nuScenes' tables"):
        open_nuscenes(folder, occ3d)


@pytest.mark.parametrize(
    ("table", "damage", "says"),
    [
        ("ego_pose", {"rotation": [0, 0, 0, 0]}, "rotation of length zero"),
        ("ego_pose", {"translation": [1e300, 0, 0]}, "no translation of 3 numbers"),
        ("calibrated_sensor", {"camera_intrinsic": [[1, 2], [3]]}, "not laid out as nuScenes' tables"),
        ("calibrated_sensor", {"sensor_token": "nowhere"}, "has no row 'nowhere'"),
        ("sample_annotation", {"size": ["a", 1, 1]}, "no size of 3 numbers"),
        ("sample", {"token": 7}, "not a list of rows with tokens"),
    ],
)
def test_a_damaged_row_is_a_sentence(table: str, damage: dict[str, Any], says: str, tmp_path: Path) -> None:
    folder, occ3d = write(tmp_path)
    path = folder / "v1.0-mini" / f"{table}.json"
    path.write_text(json.dumps([{**row, **damage} for row in json.loads(path.read_text())]))
    with pytest.raises(DataError, match=says):
        open_nuscenes(folder, occ3d)


def test_of_large_tables_rows_are_found_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, occ3d = write(tmp_path)
    whole = pickle.dumps(open_nuscenes(folder, occ3d))
    monkeypatch.setattr("engine.spec.large_tables.LARGE_BYTES", 0)
    assert pickle.dumps(open_nuscenes(folder, occ3d)) == whole


def test_real_tables(shared_data: Path, tmp_path: Path) -> None:
    """scene-0061's first key frame with its six pictures, and an occupancy that is its annotations: where a box is, its pixel says so."""
    source = shared_data / "derived_nuscenes_tables/scene-0061_keyframe0_with_sensors"
    tables = source / "v1.0-mini"
    if not tables.is_dir():
        pytest.skip(f"{tables} is not there")
    rows = {name: json.loads((tables / f"{name}.json").read_text()) for name in ("sample", "sample_data", "sample_annotation", "ego_pose")}
    lidar = next(row for row in rows["sample_data"] if "LIDAR_TOP" in row["filename"])
    world_SE3_ego = pose_of(next(row for row in rows["ego_pose"] if row["token"] == lidar["ego_pose_token"]))
    centers = np.stack(np.meshgrid(*((np.arange(n) + 0.5) * 0.4 + o for n, o in zip(OCC3D.shape, OCC3D.origin_m, strict=True)), indexing="ij"), -1)
    world = transform(world_SE3_ego, centers.reshape(-1, 3))
    labels, boxes = np.full(OCC3D.shape, 17, np.uint8), []
    for row in rows["sample_annotation"]:
        width, length, height = row["size"]
        inside = (np.abs(transform(invert(pose_of(row)), world)) <= np.array([length, width, height]) / 2).all(-1).reshape(OCC3D.shape)
        labels[inside] = CLASS["car"]
        boxes.append((pose_of(row)[:3, 3], int(inside.sum())))
    path = tmp_path / "occ3d" / "gts" / "scene-0061" / rows["sample"][0]["token"] / "labels.npz"
    path.parent.mkdir(parents=True)
    np.savez_compressed(path, semantics=labels)
    (video,) = open_nuscenes(source, tmp_path / "occ3d")
    assert video.frames == 1 and len(video.cameras) == 6 and len(video.pairs) == 6 and len(video.triplets) == 6
    clip = video.clip(video.numbers, 0, 1, 0, (225, 400))
    looked = 0
    for number, camera in enumerate(video.cameras):
        assert clip["picture"][number, 0].std() > 10
        pose = clip["pose"][number, 0].astype(float)
        for center, voxels in boxes:
            seen = transform(invert(pose), transform(invert(world_SE3_ego), center[None]))
            column, line = camera.resized(400, 225).project(seen)[0]
            if seen[0, 2] > 2 and voxels > 60 and 0 <= column < 400 and 0 <= line < 225:
                looked += 1
                assert clip["semantic"][number, 0, int(line), int(column)] == CLASS["car"], camera.name
    assert looked >= 4
