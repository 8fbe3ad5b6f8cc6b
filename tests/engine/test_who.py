"""Who does the work: what is taken out is out, and a run goes on where it was stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Recipe
from engine.devices import half_precision
from engine.metrics import who
from engine.occupancy.cells import touched_cells
from engine.occupancy.config import PRESETS
from engine.occupancy.dice import cell_normal, world_cells
from engine.occupancy.rollout import OccupancyGenerator
from engine.spec.classes import CHANNEL
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D
from tests.engine.untrained import untrained_generator

SMALL = OCC3D.crop(48)


@pytest.fixture(scope="module")
def generator() -> OccupancyGenerator:
    return untrained_generator(replace(PRESETS["tiny"], memory="static_frames"), 0.2)


def clip() -> SceneClip:
    layouts = np.zeros((2, 15, *SMALL.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, 16:32] = 1
    return SceneClip(layouts, ((), ()), np.stack([Pose(x_m=0.4 * k).matrix() for k in range(2)]), grid=SMALL)


def test_with_noise_as_latents_noise_is_decoded(generator: OccupancyGenerator) -> None:
    made = next(who.without(generator, "noise_as_latents").frames(clip(), Recipe(seed=4))).semantics
    cells = world_cells(clip().world_SE3_ego[0], (12, 12), SMALL.origin_m[:2])
    layouts = torch.from_numpy(clip().layouts[:1])
    painted, rest = (torch.from_numpy(cell_normal(cells, 4, seed))[None] for seed in (0, 4))
    noise = torch.where(touched_cells(layouts)[:, None], painted, rest)
    with torch.no_grad(), half_precision(generator.device):
        assert np.array_equal(made, generator.decode(noise[None], layouts[None]))


def test_only_what_is_asked_for_is_taken_out(generator: OccupancyGenerator) -> None:
    frames = {part: [frame.semantics for frame in who.without(generator, part).frames(clip(), Recipe())] for part in who.parts(generator.preset)[:5]}
    whole, *others = frames.values()
    assert all(np.array_equal(a.semantics, b) for a, b in zip(generator.frames(clip(), Recipe()), whole, strict=True))
    assert all(not np.array_equal(whole[1], other[1]) for other in others)
    assert np.array_equal(frames["without_history"][0], whole[0]), "a first frame has none"


def test_rows_are_kept_and_not_measured_again(generator: OccupancyGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes, kept = [("road", clip())], tmp_path / "who.json"
    table = who.who_does_the_work(generator, kept, 0, scenes=scenes)
    assert list(table["scenes"]) == list(who.parts(generator.preset)) and table["held_out_worlds"] == {}
    assert table["scenes"]["noise_prior"]["steps"] == who.NOISE.sampler.steps and table["scenes"]["whole"]["iou"] is not None
    rows = json.loads(kept.read_text())
    kept.write_text(json.dumps(rows[1:]))
    measured: list[str] = []
    monkeypatch.setattr(who, "_row", lambda *given: measured.append("row") or rows[0])
    assert who.who_does_the_work(generator, kept, 0, scenes=scenes) == table and measured == ["row"]


def test_distances_are_of_all_worlds_together() -> None:
    def row(part: str, histogram: list[int], truth: list[int]) -> dict[str, object]:
        features = [[float(k), 1.0] for k in range(4)]
        numbers = dict.fromkeys(("seconds", "steps", "miou", "iou", "phantoms", "specks", "static"), 1.0)
        sides = {side: {"histogram": counts + [0] * 19, "features": features} for side, counts in (("made", histogram), ("truth", truth))}
        return {"part": part, "asked": 4, "found": 3.0} | numbers | sides

    table = who.summary([row("whole", [2, 0], [1, 1]), row("whole", [0, 2], [1, 1]), row("noise_prior", [4, 0], [2, 2])])
    assert table["whole"]["class_histogram_js"] == 0.0 < table["noise_prior"]["class_histogram_js"]
    assert table["whole"]["recall"] == 75.0 and table["whole"]["frechet"] == pytest.approx(0, abs=1e-3) and table["whole"]["scenes"] == 2
