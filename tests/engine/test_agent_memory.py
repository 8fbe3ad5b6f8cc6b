"""What an agent looked like: carried in its own box's frame, within what is painted, above the ground, and the same after going on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.api import OccupancyFrame, Recipe
from engine.metrics.agent_shape import AgentShape
from engine.occupancy.agent_memory import AgentMemory, own_columns
from engine.occupancy.config import PRESETS
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.static_world import all_of
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D
from engine.spec.layout import Layout, Polygon
from engine.spec.raster import box_footprint, rasterise
from tests.engine.untrained import untrained_generator

SMALL = OCC3D.crop(48)
HERE = np.eye(4)
ROAD = Layout((Polygon(CHANNEL["drivable_area"], np.array([(-200.0, -8.0), (200.0, -8.0), (200.0, 8.0), (-200.0, 8.0)])),))
CAR = CLASS["car"]


def car(x: float, y: float = 0.0, yaw: float = 0.0, number: int = 3) -> Box:
    return Box(number, "car", (x, y, 0.8), (4.0, 1.6, 1.6), yaw)


def painted(boxes: Sequence[Box]) -> np.ndarray:
    return rasterise(replace(ROAD, boxes=tuple(boxes)), SMALL, HERE)


def drawn(boxes: Sequence[Box], heights: tuple[int, int] = (4, 4), ground: int = 2) -> np.ndarray:
    """A road, and in every painted column of a box so many voxels: in its rear half and in its front half."""
    made = np.full(SMALL.shape, FREE, np.uint8)
    made[..., ground] = CLASS["driveable_surface"]
    x_m, y_m = SMALL.cell_centers_m()
    for box in boxes:
        front = np.cos(box.yaw_rad) * (x_m[:, None] - box.center_m[0]) + np.sin(box.yaw_rad) * (y_m[None, :] - box.center_m[1]) > 0
        for part, height in zip((~front, front), heights, strict=True):
            made[box_footprint(box, SMALL) & part, ground + 1 : ground + 1 + height] = CLASS[box.class_name]
    return made


def carried(first: Sequence[Box], then: Sequence[Box], shown: np.ndarray, **rest: object) -> np.ndarray:
    """The frame `shown` with `then` in it after one in which `first` were low in front."""
    memory = AgentMemory(SMALL)
    memory.learn(drawn(first, (4, 2)), own_columns(painted(first), first, SMALL))
    return memory.onto(shown, own_columns(painted(then), then, SMALL), rest.get("around"), HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize("there", [car(2.0, -2.0), car(2.0, -2.0, np.pi / 2), car(-2.4, 1.6, np.pi)])
def test_whole_voxels_further_and_turned_it_is_as_it_was(there: Box) -> None:
    assert np.array_equal(carried([car(0.0)], [there], drawn([there])), drawn([there], (4, 2)))


def test_between_voxels_it_keeps_its_columns_and_its_shape() -> None:
    shape, without, memory = AgentShape(SMALL), AgentShape(SMALL), AgentMemory(SMALL)
    dice = np.random.default_rng(0)
    for k in range(12):
        box = car(-6.0 + 0.83 * k, 0.2 + 0.31 * k, 0.13 * k)
        frame = drawn([box], tuple(dice.integers(1, 9, 2)))  # type: ignore[arg-type]
        own = own_columns(painted([box]), [box], SMALL)
        made = memory.onto(frame, own, None, HERE)
        memory.learn(made, own)
        assert np.array_equal((made == CAR).any(2), box_footprint(box, SMALL))
        assert np.array_equal(made[..., :3], frame[..., :3]), "the ground is as it was drawn"
        for scores, semantics in ((shape, made), (without, frame)):
            scores.add(semantics, np.where(semantics == CAR, 3, 0).astype(np.uint16), [box])
    assert shape.scores()["percentile_5"] > 0.9 > 0.7 > without.scores()["percentile_5"]


def test_what_it_gives_up_shows_what_stands_behind() -> None:
    there = car(2.0)
    wall = np.full(SMALL.shape, CLASS["vegetation"], np.uint8)
    made = carried([car(0.0)], [there], drawn([there]), around=all_of(wall, SMALL, HERE))
    gone = (drawn([there]) == CAR) & (drawn([there], (4, 2)) != CAR)
    assert gone.any() and (made[gone] == CLASS["vegetation"]).all() and np.array_equal(made[~gone], drawn([there], (4, 2))[~gone])


def test_the_decoder_says_how_high_it_stands() -> None:
    there = car(2.0)
    assert np.array_equal(carried([car(0.0)], [there], drawn([there], ground=4)), drawn([there], (4, 2), ground=4))


def test_another_size_another_class_and_shared_columns_stay_as_drawn() -> None:
    for there in ([replace(car(2.0), size_m=(4.4, 1.6, 1.6))], [replace(car(2.0), class_name="bus")], [car(2.0, number=4)]):
        assert np.array_equal(carried([car(0.0)], there, drawn(there)), drawn(there))
    pair = [car(2.0), car(0.0, number=9)]
    both = box_footprint(pair[0], SMALL) & box_footprint(pair[1], SMALL)
    made = carried([car(0.0)], pair, drawn(pair))
    assert both.any() and np.array_equal(made[both], drawn(pair)[both]) and not np.array_equal(made, drawn(pair))


def test_it_is_looked_at_anew_while_it_drives_into_the_grid() -> None:
    memory, edge = AgentMemory(SMALL), SMALL.upper_m[0]
    half, whole = car(edge), car(edge - 2.0)
    for box, heights in ((half, (5, 5)), (whole, (4, 2)), (car(0.0), (3, 3))):
        own = own_columns(painted([box]), [box], SMALL)
        made = memory.onto(drawn([box], heights), own, None, HERE)
        memory.learn(made, own)
    # Its rear came into view first, five high; what lay beyond the edge is as the nearest of it was.
    assert np.array_equal(made, drawn([car(0.0)], (5, 5)))
    unpainted = painted([])
    assert own_columns(unpainted, [half], SMALL) == [] and own_columns(unpainted, [car(50.0)], SMALL) == []


class Scripted(OccupancyGenerator):
    """Draws a car as high as a frame's number tells."""

    def frame(self, clip, index, past, recipe, cancelled=lambda: False, around=()):  # noqa: ANN001, ANN201
        return drawn(clip.boxes[index], (2 + index % 4, 3))


@pytest.fixture(scope="module")
def generator() -> Scripted:
    made = untrained_generator(PRESETS["tiny"])
    return Scripted(made.preset, made.vae, made.dit, made.prior, made.device)


def scene(frames: int) -> SceneClip:
    boxes = tuple((car(-6.0 + 0.7 * k, 0.2 + 0.2 * k, 0.1 * k),) for k in range(frames))
    return SceneClip(np.stack([painted(each) for each in boxes]), boxes, np.stack([HERE] * frames), grid=SMALL)


def test_a_rollout_keeps_its_agents_and_so_does_the_rest_of_it(generator: Scripted) -> None:
    whole = list(generator.frames(scene(6), Recipe()))
    assert all(np.array_equal((frame.semantics == CAR).any(2), box_footprint(scene(6).boxes[frame.index][0], SMALL)) for frame in whole)
    assert np.array_equal(whole[0].semantics, drawn(scene(1).boxes[0], (2, 3)))
    assert not np.array_equal(whole[2].semantics, drawn(scene(3).boxes[2], (4, 3))), "as in frame 0, not as it was drawn"
    rest = list(generator.frames(scene(6), Recipe(), first=4, past=whole[3], earlier=whole[:4]))
    assert all(np.array_equal(a.semantics, b.semantics) for a, b in zip(whole[4:], rest, strict=True))
    raised = OccupancyFrame(3, drawn(scene(4).boxes[3], (6, 6)), whole[3].instances)
    alone = next(generator.frames(scene(6), Recipe(), first=4, past=raised))
    assert (alone.semantics == CAR).sum() > (whole[4].semantics == CAR).sum(), "without the earlier ones it looks as in the frame gone on from"


def test_frames_that_remember_frames_remember_agents_themselves(generator: Scripted) -> None:
    frames = Scripted(replace(generator.preset, memory="frames"), generator.vae, generator.dit, generator.prior, generator.device)
    made = list(frames.frames(scene(3), Recipe()))
    assert np.array_equal(made[2].semantics, drawn(scene(3).boxes[2], (4, 3)))
