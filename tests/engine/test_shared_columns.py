"""A column that is painted for two agents shows both, loses neither, and no other column changes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api import Recipe
from engine.occupancy.config import PRESETS
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shared_columns import every_agent_shown
from engine.spec.classes import AGENTS, CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D
from engine.spec.raster import box_footprint
from tests.engine.untrained import untrained_generator

GRID = OCC3D.crop(4)
ROAD = CLASS["driveable_surface"]


def one_column(above_road: dict[int, str], *paint: str) -> list[str | None]:
    """What stands over the road in a column painted like that, from the ground up, after `every_agent_shown`."""
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[..., 2] = ROAD
    for layer, name in above_road.items():
        semantics[1, 1, 3 + layer] = CLASS[name]
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    for name in paint:
        layout[CHANNEL[name], 1, 1] = 1
    out = every_agent_shown(semantics, layout, GRID)
    elsewhere = np.ones(GRID.bev_shape, bool)
    elsewhere[1, 1] = False
    assert np.array_equal(out[elsewhere], semantics[elsewhere]) and (out[1, 1, :3] == semantics[1, 1, :3]).all()
    names = {CLASS[name]: name for name in AGENTS}
    return [names.get(int(label)) for label in out[1, 1, 3:]]


@pytest.mark.parametrize(
    ("above_road", "paint", "wanted"),
    [
        ({0: "barrier", 1: "barrier"}, ("barrier", "construction_vehicle"), ["barrier"] * 2 + ["construction_vehicle"] * 6),
        (dict.fromkeys(range(5), "truck"), ("truck", "bicycle"), ["truck"] * 2 + ["bicycle"] + ["truck"] * 2),
        ({0: "pedestrian"}, ("pedestrian", "traffic_cone"), ["pedestrian", "traffic_cone"]),
        ({0: "car", 1: "car"}, ("car",), ["car"] * 2),
        ({}, ("car", "bicycle"), []),
    ],
    ids=["the taller above the lower", "the lower within the taller", "one voxel each", "one agent", "nothing shown"],
)
def test_a_column(above_road: dict[int, str], paint: tuple[str, ...], wanted: list[str]) -> None:
    shown = one_column(above_road, *paint)
    assert shown[: len(wanted)] == wanted and not any(shown[len(wanted) :])


@pytest.mark.parametrize("seed", range(20))
def test_any_column_shows_what_it_is_painted_for_and_loses_nothing(seed: int) -> None:
    dice = np.random.default_rng(seed)
    semantics = np.where(dice.random(GRID.shape) < 0.5, dice.integers(1, 11, GRID.shape), FREE).astype(np.uint8)
    layout = (dice.random((15, *GRID.bev_shape)) < 0.2).astype(np.uint8)
    out = every_agent_shown(semantics, layout, GRID)
    for x, y in np.ndindex(GRID.bev_shape):
        painted = {CLASS[AGENTS[c]] for c in range(10) if layout[c, x, y]}
        before, after = ({int(label) for label in volume[x, y]} for volume in (semantics, out))
        if len(painted) < 2 or not painted & before:
            assert np.array_equal(out[x, y], semantics[x, y])
        elif len(painted | before) <= 6:
            assert painted <= after and before - {FREE} <= after


class OnlyTheTruck(OccupancyGenerator):
    """Draws the first box of a frame and nothing of the others."""

    def frame(self, clip, index, past, recipe, cancelled=lambda: False, around=()):  # noqa: ANN001, ANN201
        made = np.full(clip.grid.shape, FREE, np.uint8)
        made[box_footprint(clip.boxes[index][0], clip.grid), 3:8] = CLASS["truck"]
        return made


def test_a_rollout_shows_a_cyclist_beside_a_truck_in_every_column() -> None:
    made, grid = untrained_generator(PRESETS["tiny"]), OCC3D.crop(48)
    truck, cyclist = Box(1, "truck", (0.0, 0.0, 1.5), (7.0, 2.4, 3.0), 0.0), Box(2, "bicycle", (0.0, 1.0, 0.7), (1.8, 0.7, 1.4), 0.0)
    layout = np.zeros((15, *grid.bev_shape), np.uint8)
    for box in (truck, cyclist):
        layout[CHANNEL[box.class_name]] |= box_footprint(box, grid).astype(np.uint8)
    generator = OnlyTheTruck(made.preset, made.vae, made.dit, made.prior, made.device)
    clip = SceneClip(np.stack([layout] * 3), ((truck, cyclist),) * 3, np.stack([np.eye(4)] * 3), grid=grid)
    shared = box_footprint(truck, grid) & box_footprint(cyclist, grid)
    assert shared.sum() > 4
    for frame in generator.frames(clip, Recipe()):
        assert (frame.semantics[shared] == CLASS["bicycle"]).any(1).all() and (frame.semantics[shared] == CLASS["truck"]).any(1).all()
