"""Vehicles as a demanding person looks at them: what is under lorries, on vans' sides and rears, and their colours."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from engine.views.drawn.agents import MODELS, AgentLook, agent_mesh
from engine.views.drawn.agents import palette as pal
from engine.views.drawn.mesh import GLOW, Glow


@pytest.mark.parametrize(("class_name", "size"), [("truck", (7.0, 2.5, 2.9)), ("truck", (12.0, 2.6, 3.8)), ("trailer", (12.2, 2.9, 3.9))])
@pytest.mark.parametrize("coarse", [False, True])
def test_little_daylight_is_seen_under_a_lorry(class_name: str, size: tuple[float, float, float], coarse: bool) -> None:
    """Its voxels are full down to the road. Level rays half a metre above the road from the side, a little lower than the floor from behind."""
    length, width, _ = size
    for kind in MODELS[class_name]:
        if kind in ("pickup", "small"):
            continue
        mesh = agent_mesh(class_name, size, 7, 3, look=AgentLook(model=kind), coarse=coarse)
        solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        x, y = np.linspace(-0.33 * length, 0.2 * length, 40), np.linspace(-0.4 * width, 0.4 * width, 40)
        for start, way in (
            (np.stack([x, np.full(40, 9.0), np.full(40, 0.45)], axis=1), (0.0, -1.0, 0.0)),
            (np.stack([np.full(40, -19.0), y, np.full(40, 0.62)], axis=1), (1.0, 0.0, 0.0)),
        ):
            hit = solid.ray.intersects_any(start, np.tile(way, (40, 1)))
            assert hit.mean() > 0.8, (kind, way, hit.mean())


@pytest.mark.parametrize(("class_name", "kind", "size"), [("car", "van", (5.4, 2.0, 2.4)), ("bus", "city", (12.0, 2.55, 3.1))])
def test_tail_lamps_of_vans_and_buses_are_several_one_over_the_other(class_name: str, kind: str, size: tuple[float, float, float]) -> None:
    """What rays from behind meet up the middle of the left lamp's upper 0.45 m: red light, something else, red light again."""
    for instance in range(4):
        mesh = agent_mesh(class_name, size, instance, 3, look=AgentLook(model=kind))
        row = mesh.parts[mesh.face_part]
        lamp = mesh.vertices[mesh.faces[row[:, GLOW] == Glow.TAIL]].reshape(-1, 3)
        high = float(lamp[:, 2].max())
        upper = lamp[(lamp[:, 1] > 0) & (lamp[:, 2] > high - 0.45)]
        solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        start = np.stack([np.full(120, -19.0), np.full(120, np.median(upper[:, 1])), np.linspace(high - 0.45, high, 120)], axis=1)
        first = solid.ray.intersects_first(start, np.tile((1.0, 0.0, 0.0), (120, 1)))
        burns = np.concatenate([[False], row[first[first >= 0], GLOW] == Glow.TAIL])
        assert (np.diff(burns.astype(int)) == 1).sum() >= 2, burns


def test_a_panel_vans_side_is_no_blank_wall() -> None:
    """Above the wheels, level rays from the side meet paint, pressed panels, seams and a rail."""
    mesh = agent_mesh("car", (5.4, 2.0, 2.4), 7, 3, look=AgentLook(model="van"))
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    x, z = np.meshgrid(np.linspace(-2.3, 0.6, 240), np.linspace(0.65, 2.0, 60), indexing="ij")
    start = np.stack([x.ravel(), np.full(x.size, 9.0), z.ravel()], axis=1)
    met = mesh.face_part[solid.ray.intersects_first(start, np.tile((0.0, -1.0, 0.0), (x.size, 1)))]
    assert len(np.unique(mesh.parts[met, 1])) >= 4
    assert np.bincount(met).max() < 0.75 * len(met)


def test_cars_and_lorries_are_painted_in_muted_colours() -> None:
    for shares in (pal.CAR_PAINTS, pal.CABS, pal.CARGO, pal.SKIPS):
        for _, code in shares:
            assert np.ptp(pal.srgb(code)) < 0.36, code


@pytest.mark.parametrize(("class_name", "size"), [("truck", (7.0, 2.5, 2.9)), ("truck", (12.0, 2.6, 3.8)), ("trailer", (12.2, 2.9, 3.9))])
def test_no_road_shows_behind_the_last_wheels(class_name: str, size: tuple[float, float, float]) -> None:
    """Level rays from beside the tail of a lorry near by, above the bar that keeps cars from running under it."""
    for kind in MODELS[class_name]:
        if kind in ("pickup", "small"):
            continue
        mesh = agent_mesh(class_name, size, 7, 3, look=AgentLook(model=kind))
        solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        x = np.linspace(-0.465 * size[0], -0.44 * size[0], 30)
        start = np.stack([x, np.full(30, 9.0), np.full(30, 0.52)], axis=1)
        assert solid.ray.intersects_any(start, np.tile((0.0, -1.0, 0.0), (30, 1))).mean() > 0.9, kind
