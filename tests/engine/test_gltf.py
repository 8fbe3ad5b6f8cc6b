"""The drawn world as glTF: what a viewer that knows nothing of us finds in the file."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

import engine.views.drawn.rays as rays
from engine.api import OccupancyFrame
from engine.export import ExportError, export_take
from engine.spec.classes import CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose
from engine.spec.grid import OCC3D
from engine.spec.take import Take
from engine.views.drawn.gltf import DrawnGlb
from engine.views.drawn.gltf_bake import MOST_PX, Atlas, atlas_of, ground_picture
from engine.views.drawn.gltf_parts import BUILT, Palette, materials_of
from engine.views.drawn.mesh import Glow, Material, Mesh, part
from engine.write import TakeWriter

GRID = OCC3D.crop(120)
EGO = Pose(812.3, -95.4, 31.0, 0.4)
CAR = Box(7, "car", (6.0, 1.5, 0.9), (4.6, 1.9, 1.6), 0.3)
MAN = Box(9, "pedestrian", (-4.0, 5.5, 1.05), (0.6, 0.6, 1.8), 0.0)


def _clip_and_frames() -> tuple[SceneClip, list[OccupancyFrame]]:
    """A road along the ego's x with walks, a house, a tree, and two agents that stand still while the ego creeps ahead."""
    xs, ys = GRID.cell_centers_m()
    x, y = np.meshgrid(xs, ys, indexing="ij")
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[:, :, 2] = np.where(np.abs(y) < 4, CLASS["driveable_surface"], np.where(np.abs(y) < 7, CLASS["sidewalk"], CLASS["terrain"]))
    shell = (y > 11) & (y < 19) & (x > -4) & (x < 12) & ~((y > 12) & (y < 18) & (x > -3) & (x < 11))
    semantics[shell, 2:] = CLASS["manmade"]
    away = np.hypot(x + 8, y + 11)
    semantics[away < 0.5, 3:9] = CLASS["vegetation"]
    semantics[away < 2.4, 9:15] = CLASS["vegetation"]
    instances = np.zeros(GRID.shape, np.uint16)
    for box in (CAR, MAN):
        c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)
        dx, dy = x - box.center_m[0], y - box.center_m[1]
        inside = (np.abs(c * dx + s * dy) < box.size_m[0] / 2) & (np.abs(-s * dx + c * dy) < max(box.size_m[1] / 2, 0.25))
        semantics[inside, 3:7] = CLASS[box.class_name]
        instances[inside, 3:7] = box.instance_id
    poses = np.stack([EGO.matrix()] * 2)
    clip = SceneClip(np.zeros((2, 15, *GRID.bev_shape), np.uint8), ((CAR, MAN),) * 2, poses, grid=GRID)
    return clip, [OccupancyFrame(k, semantics, instances) for k in range(2)]


@pytest.fixture(scope="module")
def drawn() -> DrawnGlb:
    clip, frames = _clip_and_frames()
    return DrawnGlb(clip, frames, 0, {0, 1})


@pytest.fixture(scope="module")
def whole(drawn: DrawnGlb) -> bytes:
    return drawn.whole(0)


@pytest.fixture(scope="module")
def scene(whole: bytes) -> trimesh.Scene:
    return trimesh.load_scene(io.BytesIO(whole), file_type="glb")


def _header(data: bytes) -> dict:
    length = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + length])


def _of_node(scene: trimesh.Scene, name: str) -> list[trimesh.Trimesh]:
    """Meshes of a node, in the scene's frame."""
    found = []
    for node in scene.graph.nodes_geometry:
        pose, geometry = scene.graph[node]
        path = [node, *(scene.graph.transforms.parents.get(node, ""),)]
        if any(str(one) == name or str(one).startswith(f"{name}_") and not str(one)[len(name) + 1 :].isdigit() for one in path):
            found.append(scene.geometry[geometry].copy().apply_transform(pose))
    return found


def test_a_node_for_every_kind_of_thing_and_every_agent(whole: bytes) -> None:
    header = _header(whole)
    names = [node["name"] for node in header["nodes"]]
    assert {"ground", "kerbs", "buildings", "vegetation", "ego", "car_7", "pedestrian_9"} <= set(names)
    assert len(names) == len(set(names)) == len(header["scenes"][0]["nodes"]), "one flat list, no node twice"
    car = header["nodes"][names.index("car_7")]
    assert car["extras"] == {"class": "car", "instance_id": 7, "size_m": [4.6, 1.9, 1.6]}
    assert header["scenes"][0]["extras"]["world_origin_m"] == pytest.approx([812.3, -95.4, 31.0])


def test_an_agent_stands_where_its_box_does_with_y_up(whole: bytes, scene: trimesh.Scene) -> None:
    node = next(node for node in _header(whole)["nodes"] if node["name"] == "car_7")
    pose = np.array(node["matrix"]).reshape(4, 4).T
    c, s = np.cos(0.4), np.sin(0.4)
    x, y = c * 6.0 - s * 1.5, s * 6.0 + c * 1.5
    assert pose[[0, 2], 3] == pytest.approx([x, -y], abs=1e-6), "metres; glTF's z is the world's -y"
    assert abs(pose[1, 3]) < 0.35 and pose[:3, 1] == pytest.approx([0, 1, 0], abs=1e-9), "upright, on the ground"
    assert pose[:3, 0] == pytest.approx([np.cos(0.7), 0, -np.sin(0.7)], abs=1e-9), "its x looks ahead"
    local = trimesh.util.concatenate([mesh.copy().apply_transform(np.linalg.inv(pose)) for mesh in _of_node(scene, "car_7")])
    low, high = local.bounds
    assert high - low == pytest.approx([4.9, 1.85, 2.15], abs=0.45), "length, height and width"
    assert abs(low[1]) < 0.12 and low[0] + high[0] == pytest.approx(0, abs=0.3)


def test_few_materials_and_each_picture_once(whole: bytes) -> None:
    header = _header(whole)
    names = [one["name"] for one in header["materials"]]
    assert len(names) == len(set(names)) <= 24 and {"ground", "foliage", "facades_and_roofs", "glass", "paint"} <= set(names)
    views = [image["bufferView"] for image in header["images"]]
    assert len(views) == len(set(views)) <= 7
    lamps = [one for one in header["materials"] if one["name"].startswith("lamp")]
    assert lamps and all("emissiveTexture" in one for one in lamps)
    assert all(one["pbrMetallicRoughness"]["roughnessFactor"] <= 1 for one in header["materials"])
    assert all({"POSITION", "NORMAL"} <= set(primitive["attributes"]) for mesh in header["meshes"] for primitive in mesh["primitives"])


def test_the_ground_is_dark_grey_where_the_road_is_and_green_beside_it(scene: trimesh.Scene) -> None:
    near = next(mesh for mesh in _of_node(scene, "ground") if mesh.visual.material.name == "ground")
    picture = np.asarray(near.visual.material.baseColorTexture.convert("RGB")).astype(int)
    assert 1000 < max(picture.shape[:2]) <= MOST_PX

    def seen(ahead: float, left: float) -> np.ndarray:
        """Mean colour around a point of the ego frame, found by the uv of the vertex that is nearest."""
        c, s = np.cos(0.4), np.sin(0.4)
        at = np.array([c * ahead - s * left, -(s * ahead + c * left)])
        vertex = np.linalg.norm(near.vertices[:, [0, 2]] - at, axis=1).argmin()
        u, v = near.visual.uv[vertex]
        row, column = int((1 - v) * picture.shape[0]), int(u * picture.shape[1])
        return picture[row - 8 : row + 8, column - 8 : column + 8].reshape(-1, 3).mean(axis=0)

    road, walk, grass = seen(8, -2), seen(8, 5.5), seen(-14, 15)
    assert np.ptp(road) < 14 and 50 < road.mean() < 140
    assert walk.mean() > road.mean() + 25 and grass[1] > grass[2] + 25


def test_what_stands_still_has_as_many_triangles_as_what_is_drawn(drawn: DrawnGlb, scene: trimesh.Scene) -> None:
    still = trimesh.load_scene(io.BytesIO(drawn.standing()), file_type="glb")
    agents = trimesh.load_scene(io.BytesIO(drawn.moving(1)), file_type="glb")
    count = [sum(len(mesh.faces) for mesh in one.geometry.values()) for one in (still, agents, scene)]
    assert count[0] == len(drawn._still.faces) and count[0] + count[1] == count[2] and count[1] > 2000
    assert sum(len(mesh.faces) for mesh in _of_node(scene, "vegetation")) > 5000
    tall = trimesh.util.concatenate(_of_node(scene, "buildings")).bounds
    assert tall[1, 1] > 4 and 14 < np.ptp(tall[:, 0]) < 30, "the house is as wide as its voxels"


def test_walls_are_baked_as_their_function_says() -> None:
    plain = part(Material.ROOF, (0.2, 0.1, 0.05), roughness=0.7, params=(1,))
    corners = np.array([[0, 0, 0], [6, 0, 0], [6, 3, 0], [0, 3, 0]], np.float32)
    mesh = Mesh(
        corners, np.tile(np.float32([0, 0, 1]), (4, 1)), np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.zeros(2, np.int32), plain[None],
        corners[:, :2],
    )  # fmt: skip
    atlas: Atlas = atlas_of(mesh, np.ones(2, bool), texel_m=0.1)
    assert atlas.colour.shape[1] >= 60 and atlas.texel_m == 0.1
    uv = atlas.uv(np.zeros(4, int), mesh.uv)
    assert np.allclose(np.ptp(uv, axis=0) * atlas.colour.shape[1::-1], (60, 30)) and uv[3, 1] > uv[0, 1], "v goes up"
    row, column = int((1 - uv[:, 1].mean()) * atlas.colour.shape[0]), int(uv[:, 0].mean() * atlas.colour.shape[1])
    assert atlas.colour[row, column, 0] > atlas.colour[row, column, 2] + 30 and abs(int(atlas.shine[row, column, 1]) - 178) < 3
    assert atlas_of(mesh, np.ones(2, bool), texel_m=0.1, most_px=40).texel_m > 0.1, "coarser where there is no room"


def test_a_poster_is_baked_as_its_function_says() -> None:
    """Its material has the walls' pictures, and its words are there for any viewer."""
    row = part(Material.POSTER, class_id=CLASS["manmade"], params=(3.9, 2.3, 5, 0))
    corners = np.array([[0, 0, 0], [3.9, 0, 0], [3.9, 2.3, 0], [0, 2.3, 0]], np.float32)
    mesh = Mesh(
        corners, np.tile(np.float32([0, 0, 1]), (4, 1)), np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.zeros(2, np.int32), row[None],
        corners[:, :2],
    )  # fmt: skip
    assert materials_of(row[None]).tolist() == [BUILT]
    colour = atlas_of(mesh, np.ones(2, bool)).colour.astype(int)
    red = (colour[..., 0] > colour[..., 1] + 80).mean()
    pale = (colour.min(axis=2) > 180).mean()
    assert 0.3 < red < 0.7 and 0.25 < pale < 0.65, "pale letters and a pale band on red"


def test_the_palette_knows_every_plain_colour() -> None:
    table = np.stack([part(Material.PAINT, (0.5, 0.01, 0.01)), part(Material.METAL, (0.2, 0.2, 0.2), metallic=1.0), part(Material.FOLIAGE)])
    lamp = part(Material.PLAIN, (0.0, 0.6, 0.1), glow=Glow.SIGNAL)[None]
    palette = Palette([table, lamp])
    colour, shine, light = palette.pictures()
    (u, v), metal = palette.uv(table[:2])
    assert colour[int((1 - v) * len(colour)), int(u * colour.shape[1])].tolist() == [188, 25, 25]
    assert shine[int((1 - metal[1]) * len(shine)), int(metal[0] * shine.shape[1]), 2] == 255
    u, v = palette.uv(lamp)[0]
    assert light[int((1 - v) * len(light)), int(u * light.shape[1])].argmax() == 1
    assert materials_of(np.concatenate([table, lamp])).tolist() == ["paint", "metal", "foliage", "lamp_signal"]


def test_a_large_ground_gets_wider_texels(drawn: DrawnGlb) -> None:
    assert ground_picture(drawn._maps, (780.0, -130.0, 844.0, -114.0), 0.1, 128).shape == (32, 128, 3)


def test_export_writes_one_file_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, frames = _clip_and_frames()
    writer = TakeWriter(tmp_path / "take", clip, {})
    for frame in frames:
        writer.add_occupancy(frame)
    writer.finish({})
    take = Take.open(tmp_path / "take")
    report = export_take(take, "glb", tmp_path / "world.glb")
    assert report.files == 1 and (tmp_path / "world.glb").stat().st_size < 30e6
    assert any("sun, sky, weather" in sentence for sentence in report.dropped) and any("agents of frame 1;" in one for one in report.dropped)
    assert export_take(take, "glb", tmp_path / "all").files == 3
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["00000.glb", "00001.glb", "world.glb"]
    monkeypatch.setattr(rays, "why_not", lambda: "Embree is not here: choose another view model with --views.")
    with pytest.raises(ExportError, match="Embree is not here: export 'glb-voxels'"):
        export_take(take, "glb", tmp_path / "other.glb")
