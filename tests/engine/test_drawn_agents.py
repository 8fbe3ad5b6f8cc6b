"""Agents' models: they fill their boxes, stand on round wheels, roll and walk by the distance, and are the same every time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from engine.spec.classes import AGENTS, CLASS, DEFAULT_SIZE_M
from engine.spec.geometry import Box
from engine.views.drawn.agents import MODELS, AgentLook, Motion, agent_mesh, cargo, motions
from engine.views.drawn.agents import palette as pal
from engine.views.drawn.agents.figure import BONES, Clothes, Figure, add_figure
from engine.views.drawn.agents.shapes import Soup
from engine.views.drawn.agents.wheels import car_wheel, spoked_wheel, truck_wheel
from engine.views.drawn.mesh import CLASS_ID, GLOW, GLOW_LEVEL, INSTANCE, MATERIAL, RED, Glow, Material, Mesh

ODD_SIZES = {
    "barrier": [(0.4, 1.2, 0.8), (0.8, 4.0, 1.1)],
    "bicycle": [(1.5, 0.5, 1.1), (2.0, 0.8, 1.9)],
    "bus": [(6.2, 2.2, 2.7), (18.0, 3.0, 3.3)],
    "car": [(3.2, 1.5, 1.4), (6.0, 2.2, 2.4), (5.4, 2.0, 1.9)],
    "construction_vehicle": [(4.5, 2.1, 2.6), (10.0, 3.2, 3.6)],
    "motorcycle": [(1.7, 0.6, 1.2), (2.4, 1.0, 1.9)],
    "pedestrian": [(0.5, 0.6, 1.8), (0.9, 0.9, 1.1)],
    "traffic_cone": [(0.3, 0.3, 0.5), (0.6, 0.6, 1.1), (0.2, 0.2, 1.0)],
    "trailer": [(3.5, 1.8, 1.6), (14.0, 2.6, 4.0), (9.0, 2.5, 1.8)],
    "truck": [(5.2, 2.0, 1.9), (12.0, 2.6, 3.8), (6.0, 2.2, 2.5)],
}
WHEELED = ("bicycle", "bus", "car", "motorcycle", "trailer", "truck")
BUDGET = {"bus": 4600, "truck": 5000, "trailer": 4600, "pedestrian": 1500, "traffic_cone": 200}
COARSE_BUDGET = {"pedestrian": 250}


def models() -> list[tuple[str, str]]:
    return [(class_name, kind) for class_name in AGENTS for kind in MODELS[class_name]]


def material(mesh: Mesh, which: Material) -> np.ndarray:
    """Vertices (n, 3) of the triangles of one material."""
    return mesh.vertices[np.unique(mesh.faces[mesh.parts[mesh.face_part, MATERIAL] == which])]


def face_normals(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


@pytest.mark.parametrize(("class_name", "kind"), models())
@pytest.mark.parametrize("coarse", [False, True])
def test_every_model_fits_every_box(class_name: str, kind: str, coarse: bool) -> None:
    for size in [DEFAULT_SIZE_M[class_name], *ODD_SIZES[class_name]]:
        mesh = agent_mesh(class_name, size, 7, 3, look=AgentLook(model=kind), coarse=coarse)
        assert np.isfinite(mesh.vertices).all() and np.isfinite(mesh.normals).all()
        assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)
        slack = np.full(3, 0.03)
        if class_name in ("bus", "car", "truck"):
            slack[1] = 0.25  # mirrors
            slack[0] = 0.06  # and a bus's wipers
        if class_name in ("bicycle", "motorcycle"):
            slack[:] = 0.15, 0.35, 1.0  # a grown rider on a small machine
        if class_name == "pedestrian":
            slack[:2] = 0.12, 0.15  # arms, a pack
        half = np.array([size[0] / 2, size[1] / 2, size[2]])
        assert (mesh.vertices.max(axis=0) <= half + slack).all(), (size, mesh.vertices.max(axis=0) - half)
        low = np.array([-size[0] / 2, -size[1] / 2, 0.0])
        assert (mesh.vertices.min(axis=0) >= low - (slack[0], slack[1], 0.03)).all(), (size, mesh.vertices.min(axis=0) - low)
        reach = mesh.vertices.max(axis=0) - mesh.vertices.min(axis=0)
        if class_name not in ("bicycle", "motorcycle", "pedestrian", "traffic_cone") and kind not in ("small", "flatbed"):
            assert (reach >= 0.85 * np.array(size)).all(), (size, reach)


@pytest.mark.parametrize(("class_name", "kind"), models())
def test_a_model_keeps_to_its_count_of_triangles(class_name: str, kind: str) -> None:
    for instance in range(4):
        look = AgentLook(model=kind)
        for size in [DEFAULT_SIZE_M[class_name], *ODD_SIZES[class_name]]:
            assert len(agent_mesh(class_name, size, instance, 5, look=look).faces) <= BUDGET.get(class_name, 3600)
            assert len(agent_mesh(class_name, size, instance, 5, look=look, coarse=True).faces) <= COARSE_BUDGET.get(class_name, 650)


@pytest.mark.parametrize(("class_name", "kind"), models())
def test_shading_normals_look_the_way_that_their_faces_do(class_name: str, kind: str) -> None:
    mesh = agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 7, 3, Motion(0.4, 1.2), AgentLook(model=kind))
    flat = face_normals(mesh)
    area = np.linalg.norm(flat, axis=1)
    agree = np.einsum("ij,ij->i", flat / area[:, None], mesh.normals[mesh.faces].mean(axis=1))
    assert (agree[area > 1e-6] > 0.2).all()


@pytest.mark.parametrize(("class_name", "kind"), models())
def test_a_body_faces_outwards(class_name: str, kind: str) -> None:
    """The volume that the triangles enclose, counted by the divergence theorem, is that of a solid and not of its inside."""
    mesh = agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 7, 3, look=AgentLook(model=kind))
    corners = mesh.vertices[mesh.faces].astype(np.float64) - mesh.vertices.mean(axis=0)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    length, width, height = DEFAULT_SIZE_M[class_name]
    assert 0.0003 < volume / (length * width * height) < 2.0


@pytest.mark.parametrize("kind", [k for k in MODELS["car"] if k != "pickup"])
def test_a_cars_paint_has_no_holes(kind: str) -> None:
    """Rays from outside towards the body's middle meet the front of a triangle first."""
    size = DEFAULT_SIZE_M["car"]
    mesh = agent_mesh("car", size, 7, 3, look=AgentLook(model=kind))
    triangles = mesh.vertices[mesh.faces].astype(np.float64)
    normals = face_normals(mesh)
    dice = np.random.default_rng(0)
    target = np.array([0.0, 0.0, 0.5 * size[2]])
    for _ in range(200):
        direction = dice.normal(size=3) * (1.0, 1.0, 0.6)
        direction[2] = abs(direction[2])
        direction /= np.linalg.norm(direction)
        aim = target + dice.uniform(-0.5, 0.5, 3) * (size[0] * 0.7, size[1] * 0.6, size[2] * 0.3)
        eye = aim + 9.0 * direction
        along = aim - eye
        denominator = normals @ along
        t = np.einsum("ij,ij->i", normals, triangles[:, 0] - eye) / np.where(np.abs(denominator) < 1e-12, np.inf, denominator)
        hit = eye + t[:, None] * along
        inside = np.ones(len(t), bool)
        for k in range(3):
            edge = triangles[:, (k + 1) % 3] - triangles[:, k]
            inside &= np.einsum("ij,ij->i", np.cross(edge, hit - triangles[:, k]), normals) >= -1e-9
        first = np.where(inside & (t > 1e-6), t, np.inf).argmin()
        assert denominator[first] < 0, (aim, direction)


@pytest.mark.parametrize("class_name", WHEELED)
def test_wheels_are_round_and_stand_on_the_ground(class_name: str) -> None:
    for size in [DEFAULT_SIZE_M[class_name], *ODD_SIZES[class_name]]:
        look = AgentLook(model={"trailer": "box", "truck": "box"}.get(class_name))
        mesh = agent_mesh(class_name, size, 7, 3, Motion(parked=True), look)
        tyres = material(mesh, Material.RUBBER)
        assert abs(tyres[:, 2].min()) < 0.012
        left = tyres[tyres[:, 1] >= 0] if class_name in WHEELED[1:] else tyres
        rear = left[left[:, 0] < left[:, 0].min() + 2.1 * (left[:, 2].max() / 2)]
        radius = np.ptp(rear[:, 2]) / 2
        assert np.ptp(rear[:, 0]) == pytest.approx(2 * radius, rel=0.06), size


@pytest.mark.parametrize(("coarse", "least"), [(False, 0.99), (True, 0.96)])
@pytest.mark.parametrize("make", [car_wheel, truck_wheel, spoked_wheel])
def test_a_wheels_outline_is_a_circle(make: Callable, coarse: bool, least: float) -> None:
    """The middles of its outline's edges are nearly as far from the axle as its corners: 12 segments give 0.966, 16 give 0.981."""
    radius = 0.5
    settings = {car_wheel: (0.2, 5), truck_wheel: (0.3,), spoked_wheel: (0.04, 12)}[make]
    tyre = make(radius, *settings, coarse)[0][0].reshape(-1, 3)
    reach = np.hypot(tyre[:, 0], tyre[:, 2])
    tread = tyre[reach > 0.999 * reach.max()]
    angles = np.unique(np.round(np.arctan2(tread[:, 2], tread[:, 0]), 4))
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    assert np.cos(gaps.max() / 2) > least


@pytest.mark.parametrize("size", [DEFAULT_SIZE_M["truck"], *ODD_SIZES["truck"]])
def test_a_tippers_sides_and_tailgate_stand_upright(size: tuple[float, float, float]) -> None:
    """Cut level through its body low and high, it is as wide and reaches as far back."""
    body = Soup()
    low, high = 0.3 * size[2], size[2]
    cargo.body(body, "tipper", (-size[0] / 2, 0.2 * size[0]), (size[1] / 2, low, high), (0.3, 0.3, 0.3), False)
    mesh = body.rigged().mesh
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    top = low + min(0.75 * (high - low), 2.1)
    cuts = [trimesh.intersections.mesh_plane(solid, (0, 0, 1), (0, 0, low + share * (top - low))).reshape(-1, 3) for share in (0.3, 0.85)]
    assert abs(np.ptp(cuts[0][:, 1]) - np.ptp(cuts[1][:, 1])) < 0.02 * size[1]
    assert abs(cuts[0][:, 0].min() - cuts[1][:, 0].min()) < 0.05


@pytest.mark.parametrize("class_name", WHEELED)
def test_wheels_turn_by_the_distance_and_the_body_stays(class_name: str) -> None:
    def at(distance: float) -> Mesh:
        return agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 7, 3, Motion(distance, 5.0, parked=True))

    start = at(0.0)
    moved = np.linalg.norm(at(0.1).vertices - start.vertices, axis=1)
    radius = material(start, Material.RUBBER)[:, 2].max() / 2
    turning = moved > 1e-5
    assert 0.02 < turning.mean() < 0.98
    # What rolls turns about its axle: a point on the tread moves by the chord of distance / radius.
    assert moved.max() == pytest.approx(2 * radius * np.sin(0.05 / radius), rel=0.08)
    around = at(2 * np.pi * radius)
    assert np.abs(around.vertices - start.vertices).max() < 0.25 * radius or class_name == "bicycle"


def test_front_wheels_steer() -> None:
    straight = agent_mesh("car", DEFAULT_SIZE_M["car"], 7, 3).vertices
    turned = agent_mesh("car", DEFAULT_SIZE_M["car"], 7, 3, Motion(steer_rad=0.3)).vertices
    moved = np.linalg.norm(straight - turned, axis=1) > 1e-4
    assert moved.any() and (straight[moved, 0] > 0.5).all()
    # To the left: the front of the left front wheel goes left.
    tip = np.where(moved & (straight[:, 1] > 0.5), straight[:, 0], -np.inf).argmax()
    assert turned[tip, 1] > straight[tip, 1]


def test_a_person_walks_by_the_distance_and_stands_at_ease() -> None:
    size = DEFAULT_SIZE_M["pedestrian"]

    def at(distance: float, speed: float) -> np.ndarray:
        return agent_mesh("pedestrian", size, 7, 3, Motion(distance, speed)).vertices

    assert np.array_equal(at(0.0, 0.0), at(3.0, 0.0))
    poses = np.stack([at(d, 1.3) for d in np.linspace(0, 3, 40)])
    assert (np.abs(np.diff(poses, axis=0)).max(axis=(1, 2)) > 0.01).all()
    assert np.abs(poses[:, :, 2].min(axis=1)).max() < 0.05
    assert np.ptp(poses[:, :, 0].max(axis=1)) > 0.1
    assert np.ptp(poses[:, :, 2].max(axis=1)) < 0.08
    # Smooth: a centimetre moves no point by more than a few.
    assert np.abs(at(1.0, 1.3) - at(1.01, 1.3)).max() < 0.06


def test_pedals_turn_under_the_rider() -> None:
    size = (1.8, 0.6, 1.7)
    a, b = (agent_mesh("bicycle", size, 7, 3, Motion(d, 4.0)) for d in (0.0, 0.6))
    cloth = np.unique(a.faces[a.parts[a.face_part, MATERIAL] == Material.CLOTH])
    moved = np.linalg.norm(a.vertices[cloth] - b.vertices[cloth], axis=1)
    assert (moved > 0.05).any() and (moved < 1e-6).any()


def test_a_parked_bicycle_may_stand_there_alone() -> None:
    def has_rider(instance: int, parked: bool) -> bool:
        mesh = agent_mesh("bicycle", (1.8, 0.6, 1.7), instance, 3, Motion(parked=parked))
        return bool((mesh.parts[:, MATERIAL] == Material.CLOTH).any())

    assert all(has_rider(k, False) for k in range(10))
    assert 0 < sum(has_rider(k, True) for k in range(20)) < 20


@pytest.mark.parametrize("class_name", AGENTS)
def test_rows_carry_class_and_instance_and_the_same_comes_out_again(class_name: str) -> None:
    size = DEFAULT_SIZE_M[class_name]
    mesh = agent_mesh(class_name, size, 41, 9, Motion(2.0, 1.0))
    assert (mesh.parts[:, CLASS_ID] == CLASS[class_name]).all() and (mesh.parts[:, INSTANCE] == 41).all()
    agent_mesh(class_name, size, 42, 9, Motion(5.0, 2.0))
    again = agent_mesh(class_name, size, 41, 9, Motion(2.0, 1.0))
    for name in ("vertices", "normals", "faces", "face_part", "parts"):
        assert np.array_equal(getattr(mesh, name), getattr(again, name))


@pytest.mark.parametrize("class_name", ["car", "bus", "pedestrian", "bicycle", "motorcycle", "barrier", "construction_vehicle"])
def test_seeds_vary_what_is_seen(class_name: str) -> None:
    meshes = [agent_mesh(class_name, DEFAULT_SIZE_M[class_name], k, 1) for k in range(24)]
    assert len({(len(m.faces), m.parts[:, 1:4].tobytes()) for m in meshes}) > 4
    other_take = agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 0, 2), agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 1, 2)
    assert any(m.parts.tobytes() != o.parts.tobytes() for m, o in zip(meshes, other_take, strict=False))


def test_lorries_are_mostly_white_and_grey_and_seldom_green() -> None:
    """Of the largest painted or plain surface of many lorries and trailers."""
    for class_name, size in (("truck", (8.0, 2.5, 3.4)), ("trailer", (12.0, 2.5, 3.8))):
        colours = []
        for k in range(160):
            mesh = agent_mesh(class_name, size, k, 1, coarse=True)
            corners = mesh.vertices[mesh.faces].astype(np.float64)
            area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
            area[~np.isin(mesh.parts[mesh.face_part, MATERIAL], (Material.PAINT, Material.PLAIN, Material.CLOTH))] = 0.0
            colours.append(mesh.parts[np.bincount(mesh.face_part, area).argmax(), 1:4])
        red, green, blue = np.array(colours, np.float64).T
        high, low = np.max([red, green, blue], axis=0), np.min([red, green, blue], axis=0)
        vivid = (high - low) / high
        is_green = (green >= high) & (vivid > 0.15)
        assert (vivid < 0.35).mean() > 0.55, class_name
        assert is_green.mean() < 0.12 and (vivid[is_green] < 0.5).all(), class_name
        assert len({tuple(colour) for colour in colours}) >= 6


def test_the_author_may_choose_model_and_colour() -> None:
    look = AgentLook("pickup", "#c01020")
    mesh = agent_mesh("car", DEFAULT_SIZE_M["car"], 7, 3, look=look)
    paint = mesh.parts[mesh.parts[:, MATERIAL] == Material.PAINT]
    assert np.allclose(paint[:, 1:4], pal.srgb("c01020"))
    pickup = agent_mesh("car", DEFAULT_SIZE_M["car"], 8, 3, look=look)
    assert np.allclose(mesh.vertices.min(axis=0), pickup.vertices.min(axis=0), atol=0.02)


@pytest.mark.parametrize("class_name", ["car", "bus", "truck", "trailer", "motorcycle", "bicycle"])
@pytest.mark.parametrize("coarse", [False, True])
def test_vehicles_have_lamps_that_brake(class_name: str, coarse: bool) -> None:
    level = {}
    for braking in (False, True):
        mesh = agent_mesh(class_name, DEFAULT_SIZE_M[class_name], 7, 3, Motion(braking=braking), coarse=coarse)
        tails = mesh.parts[mesh.parts[:, GLOW] == Glow.TAIL]
        if coarse and class_name == "bicycle":
            return
        level[braking] = set(tails[:, GLOW_LEVEL].tolist())
        front = mesh.parts[mesh.face_part, GLOW] == Glow.HEADLIGHT
        if class_name != "trailer":
            assert mesh.vertices[mesh.faces[front]][..., 0].min() > 0
        rear = mesh.parts[mesh.face_part, GLOW] == Glow.TAIL
        assert mesh.vertices[mesh.faces[rear]][..., 0].max() < 0
    assert level[False] == {np.float32(pal.TAIL_LEVEL)} and level[True] == {np.float32(pal.BRAKE_LEVEL)}


def test_posing_costs_a_fraction_of_building() -> None:
    """Bodies are kept: a frame poses what is there already."""
    agents = [(AGENTS[k % 10], k) for k in range(60)]

    def frame(distance: float) -> float:
        start = time.process_time()
        for class_name, instance in agents:
            agent_mesh(class_name, DEFAULT_SIZE_M[class_name], instance, 77, Motion(distance, 1.0))
        return time.process_time() - start

    agent_mesh("car", DEFAULT_SIZE_M["car"], 0, 1, Motion(1.0, 1.0))  # compiles
    built = frame(0.0)
    assert min(frame(0.5 * k) for k in range(1, 6)) < built / 8


def track(positions: np.ndarray, yaw: np.ndarray, class_name: str = "car") -> list[list[Box]]:
    size = DEFAULT_SIZE_M[class_name]
    return [[Box(5, class_name, (float(x), float(y), 0.8), size, float(a))] for (x, y), a in zip(positions, yaw, strict=True)]


def still_ego(count: int) -> np.ndarray:
    return np.tile(np.eye(4), (count, 1, 1))


def test_motion_of_steady_speed_forwards_and_backwards() -> None:
    t = np.arange(36) / 12
    for sign in (1.0, -1.0):
        boxes = track(np.stack([3.0 + sign * 6.0 * t, np.zeros(36)], axis=1), np.zeros(36))
        found = [frame[5] for frame in motions(boxes, still_ego(36))]
        assert found[0].distance_m == 0 and found[-1].distance_m == pytest.approx(sign * 6.0 * 35 / 12)
        assert all(m.speed_m_s == pytest.approx(6.0) and not m.braking and not m.parked for m in found)


def test_motion_is_measured_in_the_world() -> None:
    """A car that stands while the ego drives past it stands."""
    count = 24
    ego = still_ego(count)
    ego[:, 0, 3] = np.arange(count) * 0.9
    boxes = track(np.stack([20.0 - np.arange(count) * 0.9, np.full(count, 3.0)], axis=1), np.zeros(count))
    for frame in motions(boxes, ego):
        assert frame[5].parked and frame[5].distance_m == 0 and frame[5].speed_m_s == 0 and not frame[5].braking


def test_jitter_stands_still_and_a_slow_roll_does_not() -> None:
    dice = np.random.default_rng(0)
    jitter = track(dice.uniform(-0.012, 0.012, (48, 2)), np.zeros(48))
    assert all(frame[5].distance_m == 0 and frame[5].parked for frame in motions(jitter, still_ego(48)))
    roll = track(np.stack([0.02 * np.arange(48), np.zeros(48)], axis=1), np.zeros(48))
    assert motions(roll, still_ego(48))[-1][5].distance_m == pytest.approx(0.02 * 47, rel=0.02)


def test_braking_while_slowing_and_while_standing_afterwards() -> None:
    t = np.arange(96) / 12
    speed = np.clip(8.0 - 2.5 * np.maximum(t - 1.0, 0), 0, None)
    x = np.concatenate([[0], np.cumsum(speed[:-1] / 12)])
    found = [frame[5] for frame in motions(track(np.stack([x, 0 * x], axis=1), 0 * x), still_ego(96))]
    assert not found[4].braking
    assert all(m.braking for m in found[18:70])
    # It stood still at 4.2 s; four seconds later the foot comes off.
    assert (
        found[90].braking
        and not motions(track(np.stack([np.append(x, [x[-1]] * 24), np.zeros(120)], axis=1), np.zeros(120)), still_ego(120))[-1][5].braking
    )


def test_steering_follows_the_curve() -> None:
    t = np.arange(36) / 12
    rate, speed = 0.3, 5.0
    yaw = rate * t
    centre = np.stack([speed / rate * np.sin(yaw), speed / rate * (1 - np.cos(yaw))], axis=1)
    found = [frame[5] for frame in motions(track(centre, yaw), still_ego(36))]
    wheelbase = 0.6 * DEFAULT_SIZE_M["car"][0]
    assert found[18].steer_rad == pytest.approx(np.arctan2(wheelbase * rate, speed), rel=0.05)
    right = [frame[5] for frame in motions(track(centre * (1, -1), -yaw), still_ego(36))]
    assert right[18].steer_rad == pytest.approx(-found[18].steer_rad, rel=0.05)


def test_an_agent_seen_once_is_parked() -> None:
    found = motions(track(np.zeros((1, 2)), np.zeros(1)), still_ego(1))
    assert found == [{5: Motion(parked=True)}]


def test_hair_leaves_the_forehead_free() -> None:
    """Its edge is less than 0.08 m below the crown of the head over the face; level all around, at 0.10 m, it was a cap."""
    soup, hair = Soup(), (0.11, 0.07, 0.03)
    add_figure(soup, Figure(1.75), Clothes((0.1, 0.1, 0.4), (0.1, 0.1, 0.1), (0.0, 0.0, 0.0), (0.5, 0.3, 0.2), hair), False)
    rigged = soup.rigged(1 + BONES)
    mine = np.isclose(rigged.mesh.parts[rigged.mesh.face_part, RED], hair[0])
    at = rigged.mesh.vertices[rigged.mesh.faces[mine]].reshape(-1, 3)
    front = at[:, 0] > 0.75 * at[:, 0].max()
    assert at[:, 2].max() - at[front, 2].min() < 0.08
