"""The drawn world as a whole: what the occupancy says is drawn, what it does not say is not, and nothing else moves."""

from dataclasses import replace

import numpy as np
import pytest

from engine.api import OccupancyFrame, Recipe
from engine.metrics.consistency import inside
from engine.metrics.drawn import Agreement, Stillness, psnr_outside
from engine.metrics.lasting import Lasting, shapes
from engine.render.buffers import render_buffers
from engine.spec.camera import surround_cameras
from engine.spec.classes import CLASS, DEFAULT_SIZE_M, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose
from engine.spec.grid import OCC3D
from engine.views.drawn.mesh import Material
from engine.views.drawn.model import DrawnViews
from engine.views.drawn.moving import agents_of
from engine.views.drawn.scene import Traced, World
from engine.views.drawn.world import DrawnWorld
from engine.views.look import read_prompt
from engine.views.scene import ViewScene

CAR, PEDESTRIAN = CLASS["car"], CLASS["pedestrian"]
GROUND_LAYER = 2
XS, YS = OCC3D.cell_centers_m()


def _street() -> np.ndarray:
    """uint8 (X, Y, Z): a road along x with walks, grass, a house on the left and trees on the right."""
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    y = np.broadcast_to(YS, OCC3D.bev_shape)
    x = np.broadcast_to(XS[:, None], OCC3D.bev_shape)
    surface = np.where(np.abs(y) < 5, CLASS["driveable_surface"], np.where(np.abs(y) < 8, CLASS["sidewalk"], CLASS["terrain"]))
    semantics[:, :, GROUND_LAYER] = surface
    house = (y > 12) & (y < 22) & (x > 4) & (x < 24)
    shell = house & ~((y > 12.8) & (y < 21.2) & (x > 4.8) & (x < 23.2))
    semantics[house] = FREE
    semantics[shell] = CLASS["manmade"]
    semantics[shell, :GROUND_LAYER] = FREE
    for tree_x in (-10.0, 8.0, 20.0):
        near = np.hypot(x - tree_x, y + 11)
        semantics[near < 0.5, GROUND_LAYER + 1 : 9] = CLASS["vegetation"]
        semantics[near < 2.4, 9:15] = CLASS["vegetation"]
    return semantics


def _with_agents(boxes: tuple[Box, ...]) -> tuple[np.ndarray, np.ndarray]:
    semantics, instances = _street(), np.zeros(OCC3D.shape, np.uint16)
    x, y = np.meshgrid(XS, YS, indexing="ij")
    for box in boxes:
        c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)
        dx, dy = x - box.center_m[0], y - box.center_m[1]
        inside = (np.abs(c * dx + s * dy) < box.size_m[0] / 2) & (np.abs(-s * dx + c * dy) < box.size_m[1] / 2)
        top = GROUND_LAYER + 1 + round(box.size_m[2] / OCC3D.voxel_m)
        semantics[inside, GROUND_LAYER + 1 : top] = CLASS[box.class_name]
        instances[inside, GROUND_LAYER + 1 : top] = box.instance_id
    return semantics, instances


def _box(number: int, name: str, x: float, y: float, yaw: float = 0.0) -> Box:
    size = DEFAULT_SIZE_M[name]
    return Box(number, name, (x, y, size[2] / 2), size, yaw)


BOXES = (_box(3, "car", 9.0, -2.5), _box(4, "car", 14.0, 3.0, np.pi), _box(5, "pedestrian", 8.0, 6.5, 0.3))


def _clip(frames: int = 1, step_m: float = 0.0, boxes: tuple[Box, ...] = BOXES) -> SceneClip:
    poses = np.stack([Pose(100.0 + k * step_m, -50.0, 0.0).matrix() for k in range(frames)])
    return SceneClip(
        np.zeros((frames, 15, *OCC3D.bev_shape), np.uint8), (boxes,) * frames, poses, tuple(surround_cameras(224, 128)[:2])
    )


def _ground(x: float, y: float) -> float:
    return 0.0


def _placed(frame: OccupancyFrame, boxes: tuple[Box, ...]) -> dict[int, object]:
    return {one.box.instance_id: one for one in agents_of(frame, boxes, OCC3D, np.eye(4), _ground, {}, 0)}


def test_an_agent_whose_voxels_were_removed_is_gone():
    semantics, instances = _with_agents(BOXES)
    assert set(_placed(OccupancyFrame(0, semantics, instances), BOXES)) == {3, 4, 5}
    semantics[instances == 3], instances[instances == 3] = FREE, 0
    assert set(_placed(OccupancyFrame(0, semantics, instances), BOXES)) == {4, 5}


def test_an_agent_that_was_cut_into_is_drawn_as_what_is_left():
    semantics, instances = _with_agents(BOXES)
    whole = _placed(OccupancyFrame(0, semantics, instances), BOXES)[3]
    front = (instances == 3) & (XS[:, None, None] > 9.0)
    semantics[front], instances[front] = FREE, 0
    left = _placed(OccupancyFrame(0, semantics, instances), BOXES)[3]
    corners = left.mesh.vertices[left.mesh.faces].mean(axis=1)
    assert 0.2 * len(whole.mesh.faces) < len(left.mesh.faces) < 0.8 * len(whole.mesh.faces)
    assert corners[:, 0].max() < 9.6 < whole.mesh.vertices[:, 0].max() - 1.0


@pytest.mark.parametrize(("name", "yaw"), [("car", 0.0), ("car", 0.6), ("bus", -1.2), ("pedestrian", 0.0)])
def test_an_agent_without_a_box_is_fitted_to_its_voxels(name, yaw):
    box = _box(9, name, 6.0, -1.0, yaw)
    semantics, instances = _with_agents((box,))
    found = _placed(OccupancyFrame(0, semantics, instances), ())[9].box
    assert found.class_name == name
    np.testing.assert_allclose(found.center_m[:2], box.center_m[:2], atol=0.4)
    np.testing.assert_allclose(found.size_m, box.size_m, atol=0.85)
    if name != "pedestrian":
        assert abs(np.sin(found.yaw_rad - yaw)) < 0.15


def test_agents_stand_on_the_ground_they_are_over():
    semantics, instances = _with_agents(BOXES)
    placed = agents_of(OccupancyFrame(0, semantics, instances), BOXES, OCC3D, np.eye(4), lambda x, y: 0.3, {}, 0)
    for one in placed:
        assert one.mesh.vertices[:, 2].min() == pytest.approx(0.3, abs=0.06)


@pytest.fixture(scope="module")
def seen():
    """The street's world, its moment, and the films and pictures of both cameras."""
    clip = _clip()
    world = DrawnWorld(clip, read_prompt("clear day", 0)[0])
    moment = world.see(OccupancyFrame(0, *_with_agents(BOXES)))
    films = [world.expose(moment, camera) for camera in range(2)]
    return clip, world, moment, films, [world.develop(film, moment, k) for k, film in enumerate(films)]


def test_where_a_shadow_ends_a_pixel_asks_for_the_sun_at_eight_points(seen):
    _, _, _, films, _ = seen
    eighths = np.concatenate([(8 * film.sunlit / film.sunlit[_open_road(film)].max())[_open_road(film)] for film in films])
    shared = eighths[(eighths > 0.5) & (eighths < 7.5)]
    assert len(shared) > 50
    np.testing.assert_allclose(shared, np.round(shared), atol=0.1)
    assert 0.3 < (np.round(shared) % 2).mean() < 0.8, "four rays know quarters alone"


def _open_road(film) -> np.ndarray:
    """bool (H, W): level road that fills the pixel and its neighbours."""
    return inside(film) & (film.label == CLASS["driveable_surface"]) & (film.normal[..., 2] > 0.9999)


def test_what_is_drawn_has_the_labels_of_the_voxels(seen):
    clip, _, _, films, _ = seen
    semantics, instances = _with_agents(BOXES)
    agreement = Agreement()
    for number, camera in enumerate(clip.cameras):
        agreement.add(films[number], render_buffers(semantics, instances, OCC3D, camera, clip.camera_pose(0, number), np.eye(4)))
    report = agreement.report()
    assert report["same_label_road_as_one"] + report["drawn_beyond_the_grid"] > 0.9
    assert report["agents"] >= 1 and report["agent_iou_median"] > 0.7


def test_a_removed_car_changes_its_pixels_and_its_shadow_only(seen):
    clip, _, _, films, pictures = seen
    semantics, instances = _with_agents(BOXES)
    semantics[instances == 3], instances[instances == 3] = FREE, 0
    world = DrawnWorld(clip, read_prompt("clear day", 0)[0])
    moment = world.see(OccupancyFrame(0, semantics, instances))
    film = world.expose(moment, 0)
    after = world.develop(film, moment, 0)
    own = films[0].instance == 3
    assert own.sum() > 100 and not (film.instance == 3).any()
    changed = np.abs(pictures[0].astype(int) - after.astype(int)).max(axis=2) > 8
    assert changed[own].mean() > 0.5
    from scipy.ndimage import binary_dilation

    # Its shadow, the sky it hid from the road beside it, and its image in other cars.
    touched = binary_dilation(own, iterations=14) | (np.abs(films[0].direct - film.direct).max(axis=2) > 0.02)
    assert touched.mean() < 0.5
    assert psnr_outside(pictures[0], after, touched) > 45


def test_same_frames_same_bytes():
    pictures = []
    for _ in range(2):
        scene = ViewScene(_clip(2, 0.5), Recipe(views="drawn", seed=4), lambda k: OccupancyFrame(k, *_with_agents(BOXES)))
        pictures.append([(p.camera, p.index, p.rgb) for p in DrawnViews().pictures(scene, iter(range(2)), lambda: False)])
    assert [one[:2] for one in pictures[0]] == [(camera, k) for k in range(2) for camera in ("camera_0", "camera_1")]
    for first, second in zip(*pictures, strict=True):
        np.testing.assert_array_equal(first[2], second[2])


def test_the_weather_changes_while_driving():
    """Each frame of a prompt that names times is to the byte the one of the weather that it has then."""
    def pictures(prompt):
        scene = ViewScene(replace(_clip(2, 0.5), prompt=prompt), Recipe(views="drawn"), lambda k: OccupancyFrame(k, *_with_agents(BOXES)))
        return [p.rgb for p in DrawnViews().pictures(scene, iter(range(2)), lambda: False) if p.camera == "camera_0"]

    changing, noon, rain = (pictures(prompt) for prompt in ("clear noon, at 0.08 s rain", "clear noon", "rain"))
    np.testing.assert_array_equal(changing[0], noon[0])
    np.testing.assert_array_equal(changing[1], rain[1])
    assert np.abs(noon[1].astype(int) - rain[1]).mean() > 10


def test_a_prompt_may_speak_to_one_camera():
    def pictures(prompt):
        scene = ViewScene(replace(_clip(1, 0.5), prompt=prompt), Recipe(views="drawn"), lambda k: OccupancyFrame(k, *_with_agents(BOXES)))
        return {p.camera: p.rgb for p in DrawnViews().pictures(scene, iter(range(1)), lambda: False)}

    both, noon, night = (pictures(prompt) for prompt in ("clear noon | camera_1: night", "clear noon", "night"))
    np.testing.assert_array_equal(both["camera_0"], noon["camera_0"])
    np.testing.assert_array_equal(both["camera_1"], night["camera_1"])


def test_the_street_holds_still_while_the_ego_drives():
    clip = _clip(2, 0.6, ())
    world, still, shown = DrawnWorld(clip, read_prompt("overcast", 0)[0]), Stillness(), []
    for k in range(2):
        moment = world.see(OccupancyFrame(k, _street(), np.zeros(OCC3D.shape, np.uint16)))
        film = world.expose(moment, 0)
        shown.append((film, world.develop(film, moment, 0), clip.world_SE3_ego[k] @ clip.camera_pose(k, 0)))
    still.add(clip.cameras[0], *shown)
    report = still.report()
    assert report["points"] > 3000 and report["mean"] < 3.0


def test_facades_and_crowns_of_the_first_frame_are_those_of_the_last():
    clip = _clip(48, 2 * OCC3D.voxel_m, ())
    world, shown = DrawnWorld(clip, read_prompt("overcast", 0)[0]), {}
    for k in (*range(0, 47, 6), 47):
        # The street stays where it is in the world; what leaves it behind comes in again in front.
        frame = OccupancyFrame(k, np.roll(_street(), -2 * k, axis=0), np.zeros(OCC3D.shape, np.uint16))
        shown[k] = world.see(frame).world.static.mesh
    assert world.static.epoch >= 4, "new columns were decided on the way"
    for material in (Material.FACADE, Material.ROOF, Material.FOLIAGE, Material.BARK):
        first, last = shapes(shown[0], material), shapes(shown[47], material)
        assert first and first <= last
    assert len(shapes(shown[47], Material.FOLIAGE)) > len(shapes(shown[0], Material.FOLIAGE)), "the world grew"


def test_what_was_drawn_lasts_and_what_does_not_is_counted():
    clip = _clip(3, 4.8)
    world = DrawnWorld(clip, read_prompt("overcast", 0)[0])
    lasting = Lasting(world)
    for k in range(3):
        semantics, instances = _with_agents(BOXES)
        moment = world.see(OccupancyFrame(k, semantics, instances))
        lasting.add(moment)
    report = lasting.report()
    assert report["triangles"] > 1000 and report["cells"] > 10_000 and report["agents"] == 3 and world.static.epoch > 0
    assert report["triangles_gone"] == report["cells_changed"] == report["agents_changed"] == 0
    world.static.labels[np.unravel_index(np.flatnonzero(world.static.decided)[0], world.static.decided.shape)] += 1
    agent = moment.agents[0]
    repainted = replace(agent, mesh=replace(agent.mesh, parts=agent.mesh.parts + 0.1))
    standing = moment.world.static.mesh
    cut = Traced(replace(standing, faces=standing.faces[:-7], face_part=standing.face_part[:-7]))
    lasting.add(replace(moment, world=World(cut, moment.world.moving, moment.world.origin_m), agents=[repainted]))
    report = lasting.report()
    assert report["triangles_gone"] == 7 and report["cells_changed"] == OCC3D.shape[2] and report["agents_changed"] == 1


def test_g_buffers_are_those_of_the_picture(seen):
    clip, _, _, films, _ = seen
    scene = ViewScene(_clip(), Recipe(views="drawn"), lambda k: OccupancyFrame(k, *_with_agents(BOXES)))
    pieces = dict(DrawnViews().gbuffers(scene, 0))
    front = pieces["camera_0"]
    np.testing.assert_array_equal(front.semantic, films[0].label)
    hit = front.depth > 0
    assert hit.mean() > 0.4 and np.isnan(front.coordinate[~hit]).all()
    road = front.semantic == CLASS["driveable_surface"]
    assert np.percentile(np.abs(front.coordinate[road][:, 2] - 0.1), 99) < 0.05, "the road is flat, a quarter of a voxel above its voxels' middle at 0"
    np.testing.assert_allclose(np.linalg.norm(front.normal[hit], axis=1), 1.0, atol=1e-3)
    assert (front.motion == 0).all()  # one frame: there is no next one
    assert set(np.unique(front.instance)) <= {0, 3, 4, 5}


@pytest.mark.parametrize("prompt", ["night", "rain", "fog", "snow", "dusk", "overcast"])
def test_every_weather_draws_a_picture_with_something_on_it(prompt):
    clip = _clip()
    world = DrawnWorld(clip, read_prompt(prompt, 0)[0])
    moment = world.see(OccupancyFrame(0, *_with_agents(BOXES)))
    picture = world.develop(world.expose(moment, 0), moment, 0)
    assert picture.std() > 8
    assert picture.mean() < 75 if prompt == "night" else picture.mean() > 75
