"""What is wired in must matter: a generator from which STOccDiT, its history or its layout tokens are taken draws something else.

Random weights: this says that each part reaches the voxels, not how much it does there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import Recipe
from engine.occupancy.config import PRESETS
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.spec.classes import CHANNEL
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import OCC3D
from engine.spec.layout import Layout, Polygon
from engine.spec.raster import rasterise
from tests.engine.untrained import untrained_generator

SMALL = OCC3D.crop(48)
ROAD = Layout((Polygon(CHANNEL["drivable_area"], np.array([(-200.0, -4.0), (200.0, -4.0), (200.0, 4.0), (-200.0, 4.0)])),))
CAR = Box(7, "car", (4.0, 1.0, 0.8), (4.0, 1.8, 1.6), 0.0)


def generator() -> OccupancyGenerator:
    return untrained_generator(PRESETS["tiny"], 0.2)


def drawn(made_by: OccupancyGenerator) -> list[np.ndarray]:
    poses = np.stack([Pose(x_m=0.5 * k).matrix() for k in range(2)])
    layouts = np.stack([rasterise(Layout(ROAD.polygons, boxes=(CAR,)), SMALL, pose) for pose in poses])
    clip = SceneClip(layouts, tuple((CAR.moved(invert(pose)),) for pose in poses), poses, grid=SMALL, ground=(ROAD,) * 2)
    return [frame.semantics for frame in made_by.frames(clip, Recipe(seed=2))]


def without_flow(made_by: OccupancyGenerator, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(made_by, "velocity", lambda *asked: lambda x, t: torch.zeros_like(x))


def without_history(made_by: OccupancyGenerator, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StOccDit, "remembers", False)


def without_layout_tokens(made_by: OccupancyGenerator, patch: pytest.MonkeyPatch) -> None:
    dit = made_by.dit
    patch.setattr(dit, "read_layout", lambda layouts, drop=None: dit.null_state(1, layouts.shape[-2] // 8, layouts.shape[-1] // 8))


@pytest.mark.parametrize("bypass", [without_flow, without_history, without_layout_tokens])
def test_every_part_reaches_the_voxels(bypass: Callable[[OccupancyGenerator, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    whole, made_by = drawn(generator()), generator()
    bypass(made_by, monkeypatch)
    for there, gone in zip(whole, drawn(made_by), strict=True):
        assert (there != gone).mean() > 1e-3


def test_the_same_twice_is_the_same() -> None:
    assert all(np.array_equal(a, b) for a, b in zip(drawn(generator()), drawn(generator()), strict=True))


def test_what_a_preset_does_not_tell_its_flow_is_left_out() -> None:
    made_by = generator()
    noise, road, blank = torch.randn(1, 1, 4, 12, 12), torch.zeros(1, 1, 15, 48, 48), torch.zeros(1, 1, 15, 48, 48)
    road[:, :, CHANNEL["drivable_area"], :, 16:32] = 1
    history = torch.randn(1, 1, 4, 12, 12)

    @torch.no_grad()
    def velocity(told: tuple[str, ...], layouts: torch.Tensor, past: torch.Tensor, guidance: float = 1.0) -> torch.Tensor:
        made_by.preset = replace(PRESETS["tiny"], flow_sees=told)
        return made_by.velocity(layouts, past, guidance)(noise, 0.5)

    assert torch.equal(velocity((), road, history), velocity((), blank, history[:, :0])), "neither is looked at"
    assert not torch.equal(velocity(("layout",), road, history), velocity(("layout",), blank, history))
    assert torch.equal(velocity(("layout",), road, history), velocity(("layout",), road, history[:, :0]))
    assert not torch.equal(velocity(("history",), road, history), velocity(("history",), road, history[:, :0]))
    assert not torch.equal(velocity((), road, history, 2.0), velocity((), blank, history, 2.0)), "whoever guides by the layout has it read"
