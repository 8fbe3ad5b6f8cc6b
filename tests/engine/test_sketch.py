"""The masked-token model: what it holds, what it draws, what the flow makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import Recipe
from engine.occupancy.cells import any_cells, stale_cells, whole_cells
from engine.occupancy.config import PRESETS, SketchConfig, TokensConfig
from engine.occupancy.dice import Dice, random_dice
from engine.occupancy.flow import euler_times, sample
from engine.occupancy.prior import Begun, free_cells
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.prior.sketch import Sketch, places_in
from engine.occupancy.prior.tokens import TokenPrior, sketched
from engine.occupancy.redraw import redraw
from engine.occupancy.region import changed_region
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.occupancy.warp import seen_columns
from engine.spec.classes import CHANNEL, CLASS, CLASSES, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D

CONFIG = SketchConfig(latent=4, codes=8, width=32, fine_width=32, blocks=1, heads=1)
PLACES = places_in(12, 12)[None]
LAYOUTS = torch.zeros(1, 15, 48, 48)
SMALL = OCC3D.crop(48)
CPU = torch.device("cpu")


@pytest.fixture
def sketch() -> Sketch:
    torch.manual_seed(0)
    made = Sketch(CONFIG)
    made.codebook.copy_(torch.randn(8, 4))
    return made


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dice(seed: int, frames: int = 1) -> Dice:
    return random_dice(seed, frames, (12, 12), torch.device("cpu"))


def test_codes_and_back(sketch: Sketch) -> None:
    codes = torch.randint(0, 8, (2, 6, 6), generator=random(1))
    latents = sketch.decode(codes)
    assert latents.shape == (2, 4, 6, 6)
    assert torch.equal(sketch.encode(latents), codes)
    noisy = latents + 0.01 * torch.randn(latents.shape, generator=random(2))
    slow = (noisy.permute(0, 2, 3, 1)[..., None, :] - sketch.codebook).square().sum(-1).argmin(-1)
    assert torch.equal(sketch.encode(noisy), slow)


def test_what_is_known_is_held_and_the_rest_is_a_function_of_the_seed(sketch: Sketch) -> None:
    codes = torch.randint(0, 8, (1, 12, 12), generator=random(3))
    known = torch.zeros(1, 12, 12, dtype=torch.bool)
    known[:, :5] = True
    drawn = [sketch.draw(codes, known, ~known, LAYOUTS, PLACES, 4, dice(seed)) for seed in (7, 7, 8)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert all(torch.equal(each[known], codes[known]) for each in drawn)
    other = torch.randint(0, 8, (1, 12, 12), generator=random(4))
    elsewhere = torch.where(known, codes, other)
    assert torch.equal(sketch.draw(elsewhere, known, ~known, LAYOUTS, PLACES, 4, dice(7)), drawn[0]), "what is unknown is not looked at"


def test_it_draws_as_often_as_it_was_taught(sketch: Sketch) -> None:
    """Samples, not the likeliest guess: a code of 30 % fills 30 % of the cells."""
    shares = torch.tensor([0.3, 0.6, 0.1])
    with torch.no_grad():
        sketch.leave[1].weight.zero_()  # type: ignore[union-attr]
        sketch.leave[1].bias.fill_(-1e4)  # type: ignore[union-attr]
        sketch.leave[1].bias[:3] = shares.log()  # type: ignore[union-attr]
    start, nothing = torch.zeros(1, 12, 12, dtype=torch.long), torch.zeros(1, 12, 12, dtype=torch.bool)
    drawn = [sketch.draw(start, nothing, ~nothing, LAYOUTS, PLACES, 3, dice(k)) for k in range(20)]
    counts = torch.bincount(torch.stack(drawn).flatten(), minlength=8)
    assert (counts[:3] / counts.sum() - shares).abs().max() < 0.03 and counts[3:].sum() == 0


def test_a_cell_is_drawn_the_same_whatever_else_is_wanted(sketch: Sketch) -> None:
    """With odds that look at nothing, the draw of a cell is its own; rounds may not shift it."""
    with torch.no_grad():
        sketch.leave[1].weight.zero_()  # type: ignore[union-attr]
    codes, nothing = torch.zeros(1, 12, 12, dtype=torch.long), torch.zeros(1, 12, 12, dtype=torch.bool)
    some = torch.rand(1, 12, 12, generator=random(1)) < 0.3
    whole, part = (sketch.draw(codes, nothing, wanted, LAYOUTS, PLACES, 4, dice(2)) for wanted in (~nothing, some))
    assert torch.equal(whole[some], part[some]) and (part[~some] == 0).all() and len(whole.unique()) == 8


def test_sketched_keeps_the_latents_that_are_known(sketch: Sketch) -> None:
    latents = torch.randn(1, 4, 12, 12, generator=random(5))
    known = torch.rand(1, 12, 12, generator=random(6)) < 0.5
    begun = sketched(sketch, LAYOUTS, latents, known, PLACES, 4, dice(9), dice(9))
    held = known[:, None].expand_as(latents)
    assert torch.equal(begun[held], latents[held]) and not torch.equal(begun, latents)
    assert torch.isin(sketch.encode(begun)[~known], torch.arange(8)).all()
    assert torch.equal(sketched(sketch, LAYOUTS, latents, torch.ones_like(known), PLACES, 4, dice(9), dice(9)), latents)


def test_what_is_painted_does_not_change_with_the_seed_of_the_rest(sketch: Sketch) -> None:
    latents, nothing = torch.zeros(1, 4, 12, 12), torch.zeros(1, 12, 12, dtype=torch.bool)
    layouts = LAYOUTS.clone()
    layouts[:, 10, :, :20] = 1
    one, two = (sketched(sketch, layouts, latents, nothing, PLACES, 4, dice(seed), dice(3)) for seed in (1, 2))
    assert torch.equal(one[..., :5], two[..., :5]) and not torch.equal(one[..., 5:], two[..., 5:])
    assert not torch.equal(sketched(sketch, layouts, latents, nothing, PLACES, 4, dice(1), dice(4))[..., :5], one[..., :5])
    layouts[:, 10, :, 20] = 1  # a quarter of the next cells: not painted, but what stands in them shows from above on paint
    one, two = (sketched(sketch, layouts, latents, nothing, PLACES, 4, dice(seed), dice(3)) for seed in (1, 2))
    assert torch.equal(one[..., :6], two[..., :6]) and not torch.equal(one[..., 6:], two[..., 6:])


def test_the_flow_begins_from_the_sketch_under_noise() -> None:
    clean, noise = torch.full((1, 1, 2, 2, 2), 3.0), torch.randn(1, 1, 2, 2, 2, generator=random(7))
    assert euler_times(3, 0.6) == pytest.approx([0.6, 0.4, 0.2, 0.0])
    free = torch.ones(1, 1, 1, 2, 2)
    made = sample(lambda x, t: noise - clean, Begun(clean, noise, free, 0.6), 3)
    assert made is not None
    torch.testing.assert_close(made, clean)
    asked: list[float] = []
    sample(lambda x, t: asked.append(t) or x, Begun(clean, noise, free), 2)  # type: ignore[func-returns-value]
    assert asked == [1.0, 0.5], "the other prior begins from noise"


def test_columns_that_were_seen_are_those_of_the_warp() -> None:
    pose = Pose(2.3, -1.1, 0.0, 0.3).matrix()
    semantics = np.full(SMALL.shape, CLASS["terrain"], np.uint8)
    semantics[20:24, 20:24, 3] = CLASS["car"]
    seen = seen_columns(semantics, SMALL, pose)
    from engine.occupancy.warp import warp_static

    marked = np.where((semantics >= 1) & (semantics <= 10), FREE, semantics)
    whole = warp_static(marked, SMALL, pose)[:, :, 8] != FREE
    agents = warp_static(np.where((semantics >= 1) & (semantics <= 10), CLASS["manmade"], FREE).astype(np.uint8), SMALL, pose)[:, :, 3] != FREE
    assert np.array_equal(seen, whole & ~agents)
    assert 0 < seen.sum() < seen.size


def test_cells_of_columns() -> None:
    columns = np.zeros((8, 8), bool)
    columns[:4, :4] = columns[5, 5] = True
    assert whole_cells(columns).tolist() == [[True, False], [False, False]]
    assert any_cells(columns).tolist() == [[True, False], [False, True]]
    layout = np.zeros((15, 8, 8), np.uint8)
    shown = np.zeros((15, 8, 8), bool)
    shown[CHANNEL["drivable_area"], :2, :3] = True
    assert stale_cells(shown, layout).tolist() == [[True, False], [False, False]]
    layout[CHANNEL["drivable_area"], :2, :2] = 1
    assert not stale_cells(shown, layout).any(), "an edge that is a column off is no edit"


@pytest.fixture
def generator() -> OccupancyGenerator:
    torch.manual_seed(0)
    preset = replace(PRESETS["tiny"], prior=TokensConfig(CONFIG, rounds=4))
    vae, dit, sketch = OccupancyVae(preset.vae), StOccDit(preset.dit), Sketch(CONFIG)
    sketch.codebook.copy_(torch.randn(8, 4))
    return OccupancyGenerator(preset, vae, dit, TokenPrior(TokensConfig(CONFIG, rounds=4), sketch), torch.device("cpu"))


def clip(frames: int) -> SceneClip:
    layouts = np.zeros((frames, 15, *SMALL.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, 16:32] = 1
    return SceneClip(layouts, ((),) * frames, np.stack([Pose(x_m=0.5 * k).matrix() for k in range(frames)]), grid=SMALL)


def test_rollouts_and_regions_begin_from_sketches(generator: OccupancyGenerator) -> None:
    frames, again = (list(generator.frames(clip(3), Recipe(seed=1))) for _ in range(2))
    assert all(np.array_equal(a.semantics, b.semantics) for a, b in zip(frames, again, strict=True))
    rest = list(generator.frames(clip(3), Recipe(seed=1), first=2, past=frames[1]))
    assert np.array_equal(rest[0].semantics, frames[2].semantics)
    generator.prior = NoisePrior()
    assert not np.array_equal(next(iter(generator.frames(clip(1), Recipe(seed=1)))).semantics, frames[0].semantics)


def test_a_region_is_drawn_from_a_sketch_and_the_rest_is_held(generator: OccupancyGenerator) -> None:
    before = next(iter(generator.frames(clip(1), Recipe(seed=1))))
    painted = clip(1)
    painted.layouts[0, CHANNEL["walkway"], 20:24, 20:24] = 1
    region = changed_region(clip(1).layouts[0], painted.layouts[0])
    after = redraw(generator, painted, before, region, Recipe(seed=2))
    assert after is not None and np.array_equal(after.semantics[~region], before.semantics[~region])
    assert after.semantics.max() < len(CLASSES)


def test_what_a_rollout_remembers_is_not_noised_and_drawn_anew(generator: OccupancyGenerator) -> None:
    remembered, noise = (torch.randn(1, 1, 4, 12, 12, generator=random(seed)) for seed in (1, 2))
    known = np.zeros((12, 12), bool)
    known[:, :5] = True
    layouts = torch.from_numpy(clip(1).layouts)[None]
    velocity = generator.velocity(layouts, noise[:, :0], 1.0)
    with torch.no_grad():
        made = sample(velocity, Begun(remembered, noise, free_cells(known, CPU), 0.6), 2)
    assert made is not None
    torch.testing.assert_close(made[..., :5], remembered[..., :5])
    assert not torch.allclose(made[..., 5:], remembered[..., 5:], atol=1e-2)


def test_frames_drawn_together_keep_to_themselves(sketch: Sketch) -> None:
    """What is known of one frame says nothing about the others."""
    layouts, places = (each.expand(2, -1, -1, -1) for each in (LAYOUTS, PLACES))
    codes, known = torch.zeros(2, 12, 12, dtype=torch.long), torch.zeros(2, 12, 12, dtype=torch.bool)
    known[1, :6] = True

    def drawn(code: int) -> torch.Tensor:
        codes[1] = code
        return sketch.draw(codes, known, ~known, layouts, places, 3, dice(1, 2))

    first, second = drawn(2), drawn(5)
    assert torch.equal(first[0], second[0]) and not torch.equal(first[1], second[1])
    assert (first[1, :6] == 2).all() and (second[1, :6] == 5).all()
