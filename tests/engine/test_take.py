"""The take on disk: what the writer writes comes back, whatever stops it, and damaged takes are named in a sentence."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from engine.api import Buffers, OccupancyFrame, Picture
from engine.png import decode_png, encode_png
from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose
from engine.spec.grid import GridSpec
from engine.spec.take import Take, TakeError
from engine.write import TakeWriter, coordinate_box_m, quantise_coordinates, restore_coordinates

GRID = GridSpec("small", (12, 10, 6), 0.4, (-2.4, -2.0, -1.0))
FRAMES = 5


def make_clip(frames: int = FRAMES, moving_camera: bool = False) -> SceneClip:
    rng = np.random.default_rng(1)
    poses = np.stack([Pose(0.5 * k, 0.1, 0.0, 0.05 * k).matrix() for k in range(frames)])
    cameras = (
        Camera("front", 31, 20, 20.0, 21.0, 15.0, 10.0, Pose(1.0, 0.0, 1.5, 0.1)),
        Camera("fish", 16, 16, 5.0, 5.0, 8.0, 8.0, Pose(0.0, 0.0, 2.0), (0.1, -0.02, 0.003, 0.0)),
    )
    camera_poses = None
    if moving_camera:
        camera_poses = np.stack(
            [np.stack([Pose(1.0, 0.2 * k, 1.5, 0.1).matrix(), cameras[1].ego_SE3_camera.matrix()]) for k in range(frames)]
        )
    boxes = tuple((Box(7, "car", (1.0 - 0.5 * k, 0.25, 0.8), (4.6, 1.9, 1.7), 0.3),) for k in range(frames))
    layouts = rng.integers(0, 2, (frames, 15, 12, 10), np.uint8)
    return SceneClip(layouts, boxes, poses, cameras, camera_poses, GRID, "a quiet street", "abc123", 0.5)


def occupancy(index: int) -> OccupancyFrame:
    rng = np.random.default_rng(100 + index)
    return OccupancyFrame(index, rng.integers(0, 21, GRID.shape, np.uint8), rng.integers(0, 60_000, GRID.shape, np.uint16))


def written(folder: Path, frames: int, clip: SceneClip | None = None) -> TakeWriter:
    writer = TakeWriter(folder, clip or make_clip(), {"preset": "fake", "seed": 3, "start_s": 0.5})
    for index in range(frames):
        writer.add_occupancy(occupancy(index))
    return writer


def assert_frames(take: Take, count: int) -> None:
    clip = make_clip()
    assert take.frame_count == len(take.semantics) == len(take.instances) == len(take.layouts) == len(take.boxes) == count
    assert take.semantics.dtype == np.uint8 and take.instances.dtype == np.uint16
    for index in range(count):
        np.testing.assert_array_equal(take.semantics[index], occupancy(index).semantics)
        np.testing.assert_array_equal(take.instances[index], occupancy(index).instances)
    np.testing.assert_array_equal(take.layouts, clip.layouts[:count])
    np.testing.assert_array_equal(take.world_SE3_ego, clip.world_SE3_ego[:count])
    np.testing.assert_array_equal(take.timestamps_s, clip.timestamps_s[:count])
    assert take.boxes == [list(boxes) for boxes in clip.boxes[:count]]
    assert take.ego_SE3_cameras.shape == (count, 2, 4, 4)


@pytest.mark.parametrize("moving", [False, True])
def test_a_whole_take_comes_back_as_it_was(tmp_path: Path, moving: bool) -> None:
    clip = make_clip(moving_camera=moving)
    writer = written(tmp_path / "take", FRAMES, clip)
    writer.stage("occupancy")
    writer.finish({"layout": 0.1, "occupancy": 2.5})
    take = Take.open(tmp_path / "take")
    assert_frames(take, FRAMES)
    assert take.grid == GRID
    assert take.info["recipe"] == {"document_hash": "abc123", "preset": "fake", "seed": 3, "start_s": 0.5}
    assert take.info["stage"] == "occupancy" and take.info["seconds"] == {"layout": 0.1, "occupancy": 2.5}
    for have, want in zip(take.cameras, clip.cameras, strict=True):
        np.testing.assert_allclose(have.ego_SE3_camera.matrix(), want.ego_SE3_camera.matrix(), atol=1e-12)
        assert replace(have, ego_SE3_camera=want.ego_SE3_camera) == want
    for frame, number in np.ndindex(FRAMES, 2):
        np.testing.assert_array_equal(take.ego_SE3_cameras[frame, number], clip.camera_pose(frame, number))
    names = {path.name for path in (tmp_path / "take").iterdir()}
    assert names == {"take.json", "layouts.npz", "occupancy.npz", "poses.npz", "boxes.json", "cameras.json"}
    rows = json.loads((tmp_path / "take" / "cameras.json").read_text())
    assert ["ego_SE3_camera_per_frame" in row for row in rows] == [moving, False] and len(rows[1]["fisheye"]) == 4


def test_a_take_that_stopped_at_its_layout_has_no_occupancy(tmp_path: Path) -> None:
    writer = written(tmp_path / "take", 0)
    writer.finish({})
    take = Take.open(tmp_path / "take")
    assert take.frame_count == FRAMES and take.layouts.shape == (FRAMES, 15, 12, 10)
    assert take.semantics.shape == (0, *GRID.shape) and take.instances.shape == (0, *GRID.shape)


@pytest.mark.parametrize("count", range(1, FRAMES))
def test_a_killed_writer_leaves_its_finished_frames(tmp_path: Path, count: int) -> None:
    written(tmp_path / "take", count)  # no finish: as if killed
    (tmp_path / "take" / "partial" / f".{count:05d}.npz.tmp").write_bytes(b"half a frame")
    assert_frames(Take.open(tmp_path / "take"), count)
    with zipfile.ZipFile(tmp_path / "take" / "occupancy.npz") as archive:  # gathered at 1, 2, 4 frames
        assert sorted(archive.namelist()) == ["instances.npy", "semantics.npy"]
    (tmp_path / "take" / "occupancy.npz").unlink()
    assert_frames(Take.open(tmp_path / "take"), count)


def test_a_gap_in_the_partial_frames_ends_the_take(tmp_path: Path) -> None:
    written(tmp_path / "take", 5)
    (tmp_path / "take" / "occupancy.npz").unlink()
    (tmp_path / "take" / "partial" / "00002.npz").unlink()
    assert_frames(Take.open(tmp_path / "take"), 2)


def test_a_cancelled_take_is_trimmed_to_what_it_has(tmp_path: Path) -> None:
    written(tmp_path / "take", 3).finish({})
    assert_frames(Take.open(tmp_path / "take"), 3)
    with np.load(tmp_path / "take" / "layouts.npz") as archive:
        assert len(archive["layouts"]) == 3
    assert json.loads((tmp_path / "take" / "take.json").read_text())["frame_count"] == 3
    assert not (tmp_path / "take" / "partial").exists()


def test_the_same_take_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name, FRAMES).finish({"occupancy": 1.0})
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_an_older_take_stays_until_the_new_one_is_finished(tmp_path: Path) -> None:
    folder, aside = tmp_path / "take", tmp_path / ".take.old"
    written(folder, FRAMES).finish({})
    written(folder, 2)  # killed
    assert_frames(Take.open(folder), 2)
    assert_frames(Take.open(aside), FRAMES)
    writer = written(folder, 3)  # the next one does not let the killed one push the finished one out
    assert_frames(Take.open(aside), FRAMES)
    writer.finish({})
    assert_frames(Take.open(folder), 3)
    assert not aside.exists()


@pytest.mark.parametrize("foreign", ["thesis.txt", "take/notes.txt"])
def test_a_folder_with_other_things_is_not_written_over(tmp_path: Path, foreign: str) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    if "/" in foreign:
        written(folder, 1).finish({})
    (folder / Path(foreign).name).write_text("years of work")
    with pytest.raises(TakeError, match=Path(foreign).name):
        TakeWriter(folder, make_clip(), {})
    assert (folder / Path(foreign).name).read_text() == "years of work"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "take"):
        with pytest.raises(TakeError, match="file") as caught:
            TakeWriter(folder, make_clip(), {})
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_a_sentence_and_keeps_the_finished_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = written(tmp_path / "take", 3)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("engine.write.os.fsync", full)
    with pytest.raises(TakeError, match=r"No space left on device\). The 3 finished frames are kept"):
        writer.add_occupancy(occupancy(3))
    assert not list((tmp_path / "take").rglob("*.tmp"))
    assert_frames(Take.open(tmp_path / "take"), 3)


def test_frames_out_of_order_are_refused(tmp_path: Path) -> None:
    writer = written(tmp_path / "take", 1)
    for index in (0, 2):
        with pytest.raises(TakeError, match=f"Frame {index} .* frame 1 of 5"):
            writer.add_occupancy(occupancy(index))


@pytest.mark.parametrize("name", ["a/b", "..", "", 'sa"y'])
def test_a_camera_that_cannot_name_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    clip = make_clip()
    clip = replace(clip, cameras=(replace(clip.cameras[0], name=name), clip.cameras[1]))
    with pytest.raises(TakeError, match="cannot name a folder"):
        TakeWriter(tmp_path / "take", clip, {})
    assert not (tmp_path / "take").exists()


def test_buffers_come_back_within_their_precision(tmp_path: Path) -> None:
    clip = make_clip()
    rng = np.random.default_rng(5)
    semantic = rng.integers(0, 21, (20, 31), np.uint8)
    depth = rng.uniform(0, 60, (20, 31)).astype(np.float32)
    coordinate = rng.uniform(-2, 2, (20, 31, 3)).astype(np.float32)
    semantic[:5], depth[:5], coordinate[:5] = 255, 0, np.nan
    rest = np.zeros((20, 31, 3), np.float32)
    writer = written(tmp_path / "take", 0)
    writer.add_buffers(
        "front", 4, Buffers(semantic, depth, coordinate, rest, rest[..., 0].astype(np.uint16), np.zeros((20, 31, 6), np.float32))
    )
    at = tmp_path / "take" / "buffers" / "front"
    np.testing.assert_array_equal(iio.imread(at / "semantic" / "00004.png"), semantic)
    np.testing.assert_array_equal(np.load(at / "depth" / "00004.npy"), depth)
    box = np.array(json.loads((tmp_path / "take" / "take.json").read_text())["coordinate_box_m"])
    np.testing.assert_array_equal(box, coordinate_box_m(clip))
    back = restore_coordinates(decode_png((at / "coordinate" / "00004.png").read_bytes()), box)
    np.testing.assert_allclose(back, coordinate, atol=float((box[1] - box[0]).max()) / 65534)
    with pytest.raises(TakeError, match="'rear' is not one of"):
        writer.add_buffers("rear", 0, None)  # type: ignore[arg-type]


def test_coordinates_hold_the_doubled_grid_and_wherever_the_ego_goes() -> None:
    still = replace(make_clip(2), world_SE3_ego=np.stack([np.eye(4)] * 2))
    np.testing.assert_allclose(coordinate_box_m(still), [[-4.8, -4.0, -2.2], [4.8, 4.0, 2.6]])
    away = np.stack([Pose(100.0, 50.0, 0.0, np.pi / 2).matrix(), Pose(100.0, 80.0, 0.0, np.pi / 2).matrix()])
    np.testing.assert_allclose(coordinate_box_m(replace(still, world_SE3_ego=away)), [[-4.8, -4.0, -2.2], [32.4, 4.0, 2.6]])
    np.testing.assert_array_equal(
        quantise_coordinates(np.array([[[-9.0, 0, 0], [9, 0, 0]]]), np.array([[-4.0] * 3, [4.0] * 3]))[..., 0], [[1, 65535]]
    )


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 33)])
def test_png_round_trip_and_pillow_agrees(tmp_path: Path, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, shape, np.uint8), rng.integers(0, 65536, (*shape, 3), np.uint16)
    np.testing.assert_array_equal(decode_png(encode_png(grey)), grey)
    np.testing.assert_array_equal(decode_png(encode_png(colour)), colour)
    np.testing.assert_array_equal(iio.imread(encode_png(grey), extension=".png"), grey)
    assert np.abs(iio.imread(encode_png(colour), extension=".png").astype(int) - (colour >> 8)).max() <= 1
    with pytest.raises(ValueError, match="float64"):
        encode_png(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="no PNG"):
        decode_png(b"GIF89a")


def test_videos_have_every_frame_and_even_sizes(tmp_path: Path) -> None:
    writer = written(tmp_path / "take", FRAMES)
    video = tmp_path / "take" / "video"
    for index in range(FRAMES):
        writer.add_picture(Picture("front", index, np.full((20, 31, 3), 40 * index + 20, np.uint8)))
    assert (video / "front.mp4").is_file(), "complete before finish"
    for index in range(2):
        writer.add_picture(Picture("fish", index, np.zeros((16, 16, 3), np.uint8)))
    assert [path.name for path in video.glob("*.mp4")] == ["front.mp4"], "what is being written is no video yet"
    with pytest.raises(TakeError, match="picture 4 where 2 was due"):
        writer.add_picture(Picture("fish", 4, np.zeros((16, 16, 3), np.uint8)))
    writer.finish({})
    assert sorted(path.name for path in video.iterdir()) == ["fish.mp4", "front.mp4"]
    frames = iio.imread(video / "front.mp4", plugin="FFMPEG")
    assert frames.shape == (FRAMES, 20, 32, 3)
    np.testing.assert_allclose(frames.mean((1, 2, 3)), 40 * np.arange(FRAMES) + 20, atol=3)
    facts = iio.immeta(video / "front.mp4", plugin="FFMPEG")
    assert facts["fps"] == 12.0 and facts["codec"] == "h264" and facts["pix_fmt"].startswith("yuv420p")
    assert len(iio.imread(video / "fish.mp4", plugin="FFMPEG")) == 2


def test_a_video_that_the_disk_has_no_room_for_is_no_video(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    dice, before = np.random.default_rng(0), resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (10_000, 60_000):  # the encoder holds so few frames back that it learns of it at its end alone
        writer = written(tmp_path / f"take{room}", FRAMES)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
            with pytest.raises(TakeError, match=r"front.mp4 cannot be written \(the video encoder did not finish"):
                for index in range(FRAMES):
                    writer.add_picture(Picture("front", index, dice.integers(0, 256, (128, 192, 3), np.uint8)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert not (tmp_path / f"take{room}/video/front.mp4").exists()


def _save(folder: Path, name: str, **arrays: np.ndarray) -> None:
    np.savez(folder / name, **arrays)


def _info(folder: Path, **changes: object) -> None:
    path = folder / "take.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


DAMAGES = {
    "no take.json": (lambda f: (f / "take.json").unlink(), "has no take.json"),
    "take.json cut": (lambda f: (f / "take.json").write_text('{"grid"'), "take.json cannot be read"),
    "take.json is a list": (lambda f: (f / "take.json").write_text("[]"), "does not describe a take"),
    "another format": (lambda f: _info(f, format="zarr"), "does not describe a take"),
    "newer": (lambda f: _info(f, version=9), "format 9.*up to format 1: update"),
    "no frames": (lambda f: _info(f, frame_count=0), "'frame_count' must be a positive whole number, not 0"),
    "grid of text": (lambda f: _info(f, grid={"shape": "big"}), "'shape' must be 3 finite numbers"),
    "no grid": (lambda f: _info(f, grid=None), "'grid' is missing"),
    "grid of another size": (
        lambda f: _info(f, grid={"shape": [3, 3, 3], "voxel_m": 0.4, "origin_m": [0, 0, 0]}),
        "occupancy.npz: 'semantics'",
    ),
    "wrong rate": (lambda f: _info(f, rate_hz=10), "10 Hz"),
    "layouts missing": (lambda f: (f / "layouts.npz").unlink(), "has no layouts.npz"),
    "layouts short": (lambda f: _save(f, "layouts.npz", layouts=np.zeros((2, 15, 12, 10), np.uint8)), "has 2 frames, the take has 5"),
    "layouts float": (lambda f: _save(f, "layouts.npz", layouts=np.zeros((5, 15, 12, 10))), "is float64"),
    "a pickle": (lambda f: _save(f, "layouts.npz", layouts=np.array([{"a": 1}], object)), "layouts.npz"),
    "other arrays": (lambda f: _save(f, "poses.npz", poses=np.eye(4)), "no readable array 'world_SE3_ego'"),
    "not a zip": (lambda f: (f / "occupancy.npz").write_bytes(b"hello"), "occupancy.npz has no readable array"),
    "zip cut": (
        lambda f: (f / "occupancy.npz").write_bytes((f / "occupancy.npz").read_bytes()[:-400]),
        "occupancy.npz has no readable array",
    ),
    "boxes cut": (lambda f: (f / "boxes.json").write_text("[[], []]"), "boxes.json has 2 frames, the take has 5"),
    "boxes odd": (lambda f: (f / "boxes.json").write_text('[[{"class": "car", "id": 1}]]'), "frame 0: 'center_m' must be 3 finite numbers"),
    "box class": (lambda f: (f / "boxes.json").write_text('[[{"class": "zebra", "id": 1}]]'), "class 'zebra'"),
    "cameras odd": (lambda f: (f / "cameras.json").write_text('[{"name": "front"}]'), "camera 'front': 'intrinsics' must be 3 x 3"),
    "camera path": (lambda f: (f / "cameras.json").write_text('[{"name": "../../etc"}]'), "cannot name a folder"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_take_is_one_sentence(tmp_path: Path, damage: str) -> None:
    written(tmp_path / "take", FRAMES).finish({})
    spoil, sentence = DAMAGES[damage]
    spoil(tmp_path / "take")
    with pytest.raises(TakeError, match=sentence) as caught:
        Take.open(tmp_path / "take")
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_bytes_that_rot_inside_are_found_when_they_are_read(tmp_path: Path) -> None:
    written(tmp_path / "take", FRAMES).finish({})
    path = tmp_path / "take" / "occupancy.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 200] = bytes(200)
    path.write_bytes(bytes(data))
    take = Take.open(tmp_path / "take")
    with pytest.raises(TakeError, match="cannot be read to its end"):
        _ = take.semantics, take.instances


def test_there_is_no_take_where_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="There is no take at"):
        Take.open(tmp_path / "nothing")
