"""Takes in other formats: what goes in comes out where that format looks for it, and what cannot is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
import trimesh
from PIL import Image

from engine.export import OCC3D_OF_CLASS, ExportError, export_take
from engine.spec.camera import surround_cameras
from engine.spec.classes import CHANNEL, CLASS
from engine.spec.geometry import Box, Pose, rotation
from engine.spec.grid import OCC3D, GridSpec
from engine.spec.take import Take


class SmallTake(Take):
    """Arrays given instead of read."""

    layouts = world_SE3_ego = timestamps_s = semantics = instances = None  # type: ignore[assignment]


def make_take(folder: Path, grid: GridSpec = OCC3D) -> Take:
    count = 2
    boxes = [[Box(1, "car", (0, 0, 0), (4, 2, 2), 0.0)]] * count
    cameras = [replace(surround_cameras(64, 32)[0], name="front")]
    poses = cameras[0].ego_SE3_camera.matrix()[None, None].repeat(count, 0)
    take = SmallTake(folder, {}, grid, count, boxes, cameras, poses)
    semantics = np.full((count, *grid.shape), CLASS["free"], np.uint8)
    semantics[:, :, :, 2] = CLASS["driveable_surface"]
    semantics[:, 3, 4, 2] = CLASS["lane_divider"]
    semantics[1, 10:14, 6:9, 3:6] = CLASS["car"]
    layouts = np.zeros((count, 15, *grid.bev_shape), np.uint8)
    layouts[:, CHANNEL["car"], -1, 0] = 1
    poses = np.eye(4)[None].repeat(count, 0)
    poses[1] = Pose(3.0, 4.0, 0.5, 1.0).matrix()
    for name, value in (
        ("semantics", semantics),
        ("instances", np.where(semantics == CLASS["car"], 1, 0).astype(np.uint16)),
        ("layouts", layouts),
        ("world_SE3_ego", poses),
        ("timestamps_s", np.arange(count) / 12),
    ):
        object.__setattr__(take, name, value)
    return take


def test_occ3d_folds_our_classes_into_its_own(tmp_path: Path) -> None:
    take = make_take(tmp_path / "street")
    report = export_take(take, "occ3d", tmp_path / "out")
    table = json.loads((tmp_path / "out/annotations.json").read_text())
    frames = table["scene_infos"]["street"]
    assert list(frames) == ["00000", "00001"] and frames["00001"]["prev"] == "00000" and frames["00001"]["next"] == ""
    with np.load(tmp_path / "out" / frames["00001"]["gt_path"]) as labels:
        semantics = labels["semantics"]
        assert semantics.dtype == np.uint8
        for name in ("mask_lidar", "mask_camera"):
            mask = labels[name]
            assert mask.shape == OCC3D.shape and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 1}
            assert mask[120, 100, 2] and not mask[..., 0].any(), f"{name}: the road before us is seen, and nothing under it"
    assert semantics[3, 4, 2] == 11 and semantics[11, 7, 4] == 4 and semantics[0, 0, 15] == 17
    assert (semantics != 17).sum() == (take.semantics[1] != CLASS["free"]).sum(), "no voxel may appear or vanish"
    w, x, y, z = frames["00001"]["ego_pose"]["rotation"]
    assert np.allclose(rotation(1.0), rotation(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))))
    assert frames["00001"]["ego_pose"]["translation"] == [3.0, 4.0, 0.5] and frames["00001"]["timestamp"] == 83333
    assert report.files == 3 and "2 voxels of crossings and dividers" in report.dropped[0]


def test_occ3d_keeps_the_classes_that_it_shares() -> None:
    assert OCC3D_OF_CLASS[:17].tolist() == list(range(17))
    assert OCC3D_OF_CLASS[17:].tolist() == [11, 11, 11, 17]


def test_occ3d_refuses_another_grid(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="one grid"):
        export_take(make_take(tmp_path / "t", OCC3D.crop(40)), "occ3d", tmp_path / "out")


def test_voxels_lie_where_the_voxels_are(tmp_path: Path) -> None:
    take = make_take(tmp_path / "t", OCC3D.crop(40))
    assert export_take(take, "glb-voxels", tmp_path / "out").files == 2
    low, high = trimesh.load(tmp_path / "out/00001.glb").bounds
    assert np.allclose(low, (-8, -8, -0.2), atol=1e-5) and np.allclose(high, (8, 8, 1.4), atol=1e-5)
    single = export_take(take, "glb-voxels", tmp_path / "one.glb")
    assert (tmp_path / "one.glb").read_bytes() == (tmp_path / "out/00000.glb").read_bytes()
    assert any("Dropped: frame 1;" in sentence for sentence in single.dropped)


def test_png_has_forward_up_and_left_left(tmp_path: Path) -> None:
    take = make_take(tmp_path / "t", OCC3D.crop(40))
    assert export_take(take, "png", tmp_path / "out").files == 32
    car = np.asarray(Image.open(tmp_path / "out/car/00000.png"))
    # The last x is furthest ahead, the first y is furthest right.
    assert car.shape == (40, 40) and car[0, -1] == 255 and car.sum() == 255
    assert np.asarray(Image.open(tmp_path / "out/colour/00001.png")).shape == (40, 40, 3)


def test_videos_are_copied_and_unpacked(tmp_path: Path) -> None:
    take = make_take(tmp_path / "t", OCC3D.crop(40))
    with pytest.raises(ExportError, match="has no video"):
        export_take(take, "mp4", tmp_path / "out")
    (tmp_path / "t/video").mkdir(parents=True)
    with imageio.get_writer(tmp_path / "t/video/front.mp4", format="FFMPEG", fps=12, macro_block_size=2) as writer:  # type: ignore[arg-type]
        for grey in (40, 200):
            writer.append_data(np.full((32, 64, 3), grey, np.uint8))
    assert export_take(take, "mp4", tmp_path / "out").files == 1
    assert (tmp_path / "out/front.mp4").read_bytes() == (tmp_path / "t/video/front.mp4").read_bytes()
    assert export_take(take, "frames", tmp_path / "frames").files == 3
    first, second = (np.asarray(Image.open(tmp_path / f"frames/front/{k:05d}.png")) for k in range(2))
    assert first.shape == (32, 64, 3) and abs(int(first.mean()) - 40) < 6 and abs(int(second.mean()) - 200) < 6
    assert (tmp_path / "frames/timestamps.csv").read_text().splitlines()[2] == "1,0.083333"


def test_what_is_in_the_way_is_not_written_over(tmp_path: Path) -> None:
    take = make_take(tmp_path / "t", OCC3D.crop(40))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("x")
    with pytest.raises(ExportError, match="holds other things"):
        export_take(take, "png", tmp_path / "out")
    with pytest.raises(ExportError, match="is a file"):
        export_take(take, "png", tmp_path / "out/mine")
    with pytest.raises(ExportError, match="no export format 'dvd': choose occ3d"):
        export_take(take, "dvd", tmp_path / "new")


def test_nerfstudio_sees_every_point_where_our_cameras_do(tmp_path: Path) -> None:
    take = make_take(tmp_path / "t", OCC3D.crop(40))
    with pytest.raises(ExportError, match="has no video"):
        export_take(take, "transforms", tmp_path / "none")
    side = replace(surround_cameras(64, 32)[1], name="side", fx=41.0, cy=15.0)
    fish = replace(surround_cameras(64, 32)[2], name="fish", fisheye=(0.01, 0.0, 0.0, 0.0))
    blind = replace(surround_cameras(64, 32)[3], name="blind")
    take.cameras.extend((side, fish, blind))
    seen = np.stack([camera.ego_SE3_camera.matrix() for camera in take.cameras])[None].repeat(2, 0)
    object.__setattr__(take, "ego_SE3_cameras", seen)
    (tmp_path / "t/video").mkdir(parents=True)
    for name in ("front", "side", "fish"):
        with imageio.get_writer(tmp_path / f"t/video/{name}.mp4", format="FFMPEG", fps=12, macro_block_size=2) as writer:  # type: ignore[arg-type]
            for grey in (40, 200):
                writer.append_data(np.full((32, 64, 3), grey, np.uint8))
    report = export_take(take, "transforms", tmp_path / "out")
    told = json.loads((tmp_path / "out/transforms.json").read_text())
    assert report.files == 5 and told["camera_model"] == "OPENCV"
    assert any("fish" in line and "lens model" in line for line in report.dropped) and any("blind" in line for line in report.dropped)
    assert [row["file_path"] for row in told["frames"]] == [f"images/{name}/{k:05d}.png" for name in ("front", "side") for k in range(2)]
    for number, row in enumerate(told["frames"]):
        camera, k = (take.cameras[number // 2], number % 2)
        assert np.asarray(Image.open(tmp_path / "out" / row["file_path"])).mean() == pytest.approx((40, 200)[k], abs=6)
        # As nerfstudio looks: along -z of the camera, y up; a point in front of the ego's side of the picture.
        x, y, z = np.array([0.4, -0.3, 9.0])
        world = take.world_SE3_ego[k] @ camera.ego_SE3_camera.matrix() @ [x, y, z, 1.0]
        a, b, c, _ = np.linalg.inv(np.array(row["transform_matrix"])) @ world
        pixel = row["fl_x"] * a / -c + row["cx"], row["fl_y"] * -b / -c + row["cy"]
        np.testing.assert_allclose(pixel, camera.project(np.array([[x, y, z]]))[0], atol=1e-6)
        assert (row["w"], row["h"], row["time"]) == (64, 32, k / 12)


def test_nerfstudio_is_given_fisheyes_where_there_is_nothing_else(tmp_path: Path) -> None:
    take = make_take(tmp_path / "t", OCC3D.crop(40))
    take.cameras[0] = replace(take.cameras[0], fisheye=(0.01, 0.02, 0.0, -0.001))
    (tmp_path / "t/video").mkdir(parents=True)
    with imageio.get_writer(tmp_path / "t/video/front.mp4", format="FFMPEG", fps=12, macro_block_size=2) as writer:  # type: ignore[arg-type]
        for grey in (40, 200):
            writer.append_data(np.full((32, 64, 3), grey, np.uint8))
    export_take(take, "transforms", tmp_path / "out")
    told = json.loads((tmp_path / "out/transforms.json").read_text())
    assert told["camera_model"] == "OPENCV_FISHEYE" and [told["frames"][1][key] for key in ("k1", "k2", "k3", "k4")] == [0.01, 0.02, 0.0, -0.001]
