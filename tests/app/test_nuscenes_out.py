"""Document -> take -> nuScenes -> Document, with generated Documents; and what nuScenes' own devkit says of such a set."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.commands.parser import main
from editor.clip import boxes_at, ego_pose_at, scene_clip
from editor.document import Document
from editor.entities import Agent, Area, CameraEntity, EgoPath, Keyframe, Line
from editor.formats import FormatError, import_scene
from editor.formats.categories import CLASS_OF
from editor.formats.nuscenes.verify import verify
from editor.samples import crossing
from engine.api import OccupancyFrame, Picture
from engine.export import ExportError, export_take
from engine.export.nuscenes.words import CATEGORIES, CATEGORY_OF
from engine.spec.camera import surround_cameras
from engine.spec.classes import AGENTS, CLASS, DEFAULT_SIZE_M, FREE
from engine.spec.geometry import Pose, wrap_angle
from engine.spec.take import Take
from engine.write import TakeWriter
from tests.app.fakes import take
from tests.editor.made_nuscenes import CATEGORIES as MADE_CATEGORIES

FRAMES = 13
KEY_TIMES = (0.0, 0.5, 1.0)


def angles() -> st.SearchStrategy[float]:
    return st.floats(-3.14, 3.14)


@st.composite
def agents(draw: st.DrawFn, number: int) -> Agent:
    """Stands or drives within 30 m of the world's origin, over key frames, and is there for some of them."""
    class_name = draw(st.sampled_from(AGENTS))
    count = draw(st.integers(1, 3))
    near = st.floats(-30.0, 30.0)
    poses = [Pose(draw(near), draw(near), draw(st.floats(-0.5, 0.5)), draw(angles())) for _ in range(count)]
    first, last = sorted((draw(st.integers(0, 2)), draw(st.integers(0, 2))))
    scale = draw(st.floats(0.7, 1.3))
    size = DEFAULT_SIZE_M[class_name]
    return Agent(
        f"agent-{number}",
        number,
        class_name,
        (size[0] * scale, size[1] * scale, size[2] * scale),
        tuple(Keyframe(KEY_TIMES[k], pose) for k, pose in enumerate(poses)),
        appears_s=None if first == 0 else KEY_TIMES[first],
        disappears_s=None if last == 2 else KEY_TIMES[last],
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    start = Pose(draw(st.floats(-900, 900)), draw(st.floats(-900, 900)), draw(st.floats(-3, 3)), draw(angles()))
    drive = [
        Keyframe(
            time_s,
            Pose(
                start.x_m + draw(st.floats(-3, 3)) * k,
                start.y_m + draw(st.floats(-3, 3)) * k,
                start.z_m + 0.1 * k,
                start.yaw_rad + draw(st.floats(-0.3, 0.3)) * k,
                draw(st.floats(-0.02, 0.02)),
                draw(st.floats(-0.02, 0.02)),
            ),
        )
        for k, time_s in enumerate(KEY_TIMES)
    ]
    around = [draw(agents(number)) for number in range(1, draw(st.integers(1, 5)) + 1)]
    moved = [
        Agent(
            a.id, a.instance_id, a.class_name, a.size_m,
            tuple(
                Keyframe(k.time_s, Pose(k.pose.x_m + start.x_m, k.pose.y_m + start.y_m, k.pose.z_m + start.z_m, k.pose.yaw_rad))
                for k in a.keyframes
            ),
            a.appears_s, a.disappears_s,
        )
        for a in around
    ]  # fmt: skip
    camera = replace(surround_cameras(64, 32)[draw(st.integers(0, 5))], name="camera")
    x, y = start.x_m, start.y_m
    road = Area("road", "drivable_area", ((x - 60, y - 8), (x + 60, y - 8), (x + 60, y + 8), (x - 60, y + 8)))
    line = Line("line", "road_divider", ((x - 60, y), (x + 60, y)))
    entities = {entity.id: entity for entity in (road, line, *moved, CameraEntity("camera", camera))}
    return Document("made", FRAMES / 12, ego=EgoPath(keyframes=tuple(drive)), entities=entities)


def written(document: Document, folder: Path) -> Path:
    """A take of a document with a road and nothing else in its occupancy, and grey pictures: all that is compared comes from the document."""
    clip = scene_clip(document, frames=FRAMES)
    writer = TakeWriter(folder, clip, {"seed": 1, "scene": document.name})
    semantics, instances = np.full(clip.grid.shape, FREE, np.uint8), np.zeros(clip.grid.shape, np.uint16)
    semantics[:, :, 2] = CLASS["driveable_surface"]
    for k in range(FRAMES):
        writer.add_occupancy(OccupancyFrame(k, semantics, instances))
        writer.add_picture(Picture("camera", k, np.full((32, 64, 3), 90, np.uint8)))
    writer.finish({})
    return folder


@settings(
    max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(document=documents())
def test_there_and_back(document: Document) -> None:
    """Every box within 1 cm and 0.1 degree at the key frames and, since tracks are straight between them, at 12 Hz; the ego at 12 Hz."""
    with tempfile.TemporaryDirectory() as folder:
        made, out = Take.open(written(document, Path(folder) / "take")), Path(folder) / "set"
        export_take(made, "nuscenes", out)
        found = verify(made, out)
        back, report = import_scene("nuscenes", out)
        assert found.key_frames == 3 and found.cameras == 1
    first = document.ego.keyframes[0].pose
    shift = np.round(np.array([back.ego.keyframes[0].pose.x_m, back.ego.keyframes[0].pose.y_m]) - (first.x_m, first.y_m), 6)
    assert np.allclose(np.array(report.origin_m[:2]) + shift, np.round(np.array(report.origin_m[:2]) + shift), atol=1e-5)
    # Seen at one key frame only, an agent is taken to be there for half the time to the next as well.
    once = {agent.instance_id for agent in back.of(Agent) if len(agent.keyframes) == 1}
    compared = 0
    for k in range(FRAMES):
        time_s = k / 12
        here, there = ego_pose_at(document, time_s), ego_pose_at(back, time_s)
        assert np.hypot(there.x_m - here.x_m - shift[0], there.y_m - here.y_m - shift[1]) < 0.01 and abs(there.z_m - here.z_m - back_z(report)) < 0.01
        for angle in ("yaw_rad", "pitch_rad", "roll_rad"):
            assert abs(wrap_angle(getattr(here, angle) - getattr(there, angle))) < np.radians(0.1)
        ours, theirs = boxes_at(document, time_s), boxes_at(back, time_s)
        if k % 6 == 0:
            assert len(ours) == len(theirs), "an agent came or went"
        for box in theirs:
            if k % 6 and box.instance_id in once:
                continue
            other = min(ours, key=lambda one: float(np.hypot(one.center_m[0] + shift[0] - box.center_m[0], one.center_m[1] + shift[1] - box.center_m[1])))
            assert other.class_name == box.class_name and np.allclose(other.size_m, box.size_m, atol=1e-6)
            assert np.linalg.norm(np.subtract(box.center_m, other.center_m) - (*shift, back_z(report))) < 0.01
            assert abs(wrap_angle(box.yaw_rad - other.yaw_rad)) < np.radians(0.1)
            compared += 1
    assert compared


def back_z(report) -> float:  # noqa: ANN001
    """The imported world's zero lies whole metres above or below the set's."""
    return -report.origin_m[2]


@pytest.fixture(scope="module")
def crossing_set(tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, Path]:
    folder = tmp_path_factory.mktemp("crossing")
    made = Take.open(take(crossing(), folder / "take", frames=8, cameras=["CAM_FRONT", "CAM_BACK"]))
    export_take(made, "nuscenes", folder / "set")
    return made, folder / "set"


def test_the_map_comes_back_as_it_was_painted(crossing_set: tuple[Take, Path]) -> None:
    """Areas and lines of the expansion, drawn into the first frame's cells again."""
    import shapely

    from engine.spec.classes import CHANNEL

    made, folder = crossing_set
    back, report = import_scene("nuscenes", folder)
    assert "no walkways" not in report.text()
    pose, first = back.ego.keyframes[0].pose.matrix(), made.grid
    x, y = first.cell_centers_m()
    cells = np.stack(np.meshgrid(x, y, indexing="ij"), -1).reshape(-1, 2)
    world = cells @ pose[:2, :2].T + pose[:2, 3]
    for channel in ("drivable_area", "ped_crossing", "walkway", "road_divider", "lane_divider"):
        shapes = [shapely.Polygon(a.exterior_m, a.holes_m) for a in back.of(Area) if a.channel == channel]
        shapes += [shapely.LineString(line.points_m).buffer(0.2) for line in back.of(Line) if line.channel == channel]
        covered = shapely.contains_xy(shapely.union_all(shapes).buffer(0), *world.T).reshape(first.bev_shape)
        painted = made.layouts[0, CHANNEL[channel]] > 0
        overlap = (covered & painted).sum() / (covered | painted).sum()
        assert overlap > (0.5 if "divider" in channel else 0.95), f"{channel}: {overlap:.2f}"
    mask = np.asarray(Image.open(next((folder / "maps").glob("*.png"))))
    ego = back.ego.keyframes[0].pose
    row = mask.shape[0] - int((ego.y_m + report.origin_m[1]) / 0.1)
    assert mask[row, int((ego.x_m + report.origin_m[0]) / 0.1)] == 255 and mask[0, 0] == 0


def test_files_have_nuscenes_own_names(crossing_set: tuple[Take, Path]) -> None:
    made, folder = crossing_set
    rows = json.loads((folder / "v1.0-mini/sample_data.json").read_text())
    assert len(rows) == 3 * 8 and sum(row["is_key_frame"] for row in rows) == 3 * 2
    for row in rows:
        kind, channel, name = row["filename"].split("/")
        assert kind == ("samples" if row["is_key_frame"] else "sweeps")
        assert name.split(".")[0].split("__") == ["anyscene-crossing", channel, str(row["timestamp"])]
        if channel.startswith("CAM"):
            assert Image.open(folder / row["filename"]).size == (row["width"], row["height"])
    annotations = json.loads((folder / "v1.0-mini/sample_annotation.json").read_text())
    assert max(row["num_lidar_pts"] for row in annotations) > 5 and {row["visibility_token"] for row in annotations} >= {"1", "4"}


def test_every_class_has_a_category_that_reads_back() -> None:
    assert set(CATEGORY_OF) == set(AGENTS) and all(CLASS_OF[category] == name for name, category in CATEGORY_OF.items())
    assert set(CATEGORIES) == set(MADE_CATEGORIES), "nuScenes has 23 categories"


def test_verify_finds_what_was_damaged(crossing_set: tuple[Take, Path], tmp_path: Path) -> None:
    import shutil

    made, folder = crossing_set
    for table, key, value, says in (
        ("sample_annotation", "translation", [0.0, 0.0, 0.0], "report this export"),
        ("sample_annotation", "visibility_token", "9", "has no row"),
        ("sample_data", "filename", "samples/none.jpg", "missing or empty"),
        ("calibrated_sensor", "translation", [9.0, 0.0, 0.0], "another lens or pose"),
        ("ego_pose", "rotation", [0.0, 0.0, 0.0, 1.0], "The ego read back lies"),
    ):
        copy = tmp_path / table / key
        shutil.copytree(folder, copy)
        path = copy / f"v1.0-mini/{table}.json"
        rows = json.loads(path.read_text())
        rows[-1][key] = value
        path.write_text(json.dumps(rows))
        with pytest.raises(FormatError, match=says):
            verify(made, copy)


def test_a_take_with_one_key_frame_is_verified_to_its_last_pose(tmp_path: Path) -> None:
    """Its set is read as a moment that stands still, while the ego of its tables drives on."""
    made = Take.open(take(crossing(), tmp_path / "take", frames=2, cameras=["CAM_FRONT"]))
    assert np.linalg.norm(made.world_SE3_ego[1, :3, 3] - made.world_SE3_ego[0, :3, 3]) > 0.1, "the ego drives"
    export_take(made, "nuscenes", tmp_path / "set")
    found = verify(made, tmp_path / "set")
    assert found.key_frames == 1 and found.boxes > 0 and found.ego_m < 0.01
    path = tmp_path / "set/v1.0-mini/ego_pose.json"
    rows = json.loads(path.read_text())
    rows[-1]["translation"][0] += 0.05
    path.write_text(json.dumps(rows))
    with pytest.raises(FormatError, match="The ego read back lies 0.05"):
        verify(made, tmp_path / "set")


def test_the_command_line(crossing_set: tuple[Take, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, folder = crossing_set
    assert main(["export", str(made.folder), "nuscenes", "-o", str(tmp_path / "set"), "--verify"]) == 0
    said = capsys.readouterr().out
    assert "Verified: " in said and "Dropped: boxes between the key frames" in said and "made-up moment" in said
    for path in folder.rglob("*.json"):
        assert path.read_bytes() == (tmp_path / "set" / path.relative_to(folder)).read_bytes(), "same take, same tables"
    # W-CODA: this take's pictures under the names of a set, here its own.
    assert main(["export", str(made.folder), "nuscenes", "-o", str(tmp_path / "tree"), "--like", str(folder)]) == 0
    theirs = {path.relative_to(folder) for path in folder.rglob("*.jpg")}
    assert {path.relative_to(tmp_path / "tree") for path in (tmp_path / "tree").rglob("*") if path.is_file()} == theirs and len(theirs) == 16
    for name in theirs:
        assert (tmp_path / "tree" / name).read_bytes() == (folder / name).read_bytes()
    assert main(["export", str(made.folder), "occ3d", "-o", str(tmp_path / "no"), "--verify"]) != 0
    assert "for the format 'nuscenes'" in capsys.readouterr().err


def test_pictures_stand_in_by_time_and_inside_of_the_folder(crossing_set: tuple[Take, Path], tmp_path: Path) -> None:
    from engine.export.nuscenes import NamedPicture, stand_in

    made, _ = crossing_set
    for name in ("../x.jpg", "/tmp/x.jpg", "samples/x.sh"):
        with pytest.raises(ExportError, match="no picture inside"):
            stand_in(made, [NamedPicture("CAM_FRONT", 0.0, name, 64, 32)], tmp_path / "out")
    early = [NamedPicture("CAM_FRONT", time_s, f"samples/{n}.jpg", 32, 16) for n, time_s in enumerate((-0.05, 0.0, -0.2))]
    report = stand_in(made, early, tmp_path / "early")
    assert sorted(path.name for path in (tmp_path / "early/samples").iterdir()) == ["0.jpg", "1.jpg"], "a key frame's cameras come a little early"
    assert "up to 50 ms" in report.dropped[0] and "Dropped: 1 pictures" in report.dropped[1]
    assert Image.open(tmp_path / "early/samples/0.jpg").size == (32, 16)
    with pytest.raises(ExportError, match="None of the set's pictures"):
        stand_in(made, [NamedPicture("CAM_FRONT", 99.0, "samples/x.jpg", 64, 32)], tmp_path / "out")


@pytest.mark.timeout(1200)
def test_the_devkit_opens_it(devkit: str, crossing_set: tuple[Take, Path], tmp_path: Path) -> None:
    """It finds every token and file, reads boxes, points and map, and draws a sample."""
    made, folder = crossing_set
    oracle = Path(__file__).with_name("devkit_oracle.py")
    pictures = Path(os.environ.get("ANYSCENE_DEVKIT_PICTURES", tmp_path / "pictures"))
    ran = subprocess.run([devkit, oracle, folder, pictures], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["tokens"] > 100 and said["in_pictures"] > 0 and said["ego_on_road"] and said["ego_on_prior"]
    assert all(share > 0 for share in said["map_share"])
    assert (pictures / "sample.png").stat().st_size > 10_000 and (pictures / "lidar.png").is_file()
    back, report = import_scene("nuscenes", folder)
    for n, boxes in enumerate(said["boxes"].values()):
        ours = sorted(
            [CATEGORY_OF[box.class_name], *np.add(box.center_m, report.origin_m), box.size_m[1], box.size_m[0], box.size_m[2], box.yaw_rad]
            for box in boxes_at(back, n / 2)
        )
        assert [row[0] for row in ours] == [row[0] for row in boxes]
        for one, other in zip(ours, boxes, strict=True):
            assert np.allclose(one[1:7], other[1:7], atol=1e-4) and abs(wrap_angle(one[7] - other[7])) < 1e-4
