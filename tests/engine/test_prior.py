"""What a flow begins from: the generator's frames against the same spelled out by hand, for either prior; what the two share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import Recipe
from engine.devices import half_precision
from engine.occupancy.cells import touched_cells
from engine.occupancy.config import PRESETS, NoiseConfig, TokensConfig
from engine.occupancy.dice import cell_dice, cell_normal, world_cells
from engine.occupancy.prior import Prior, prior_without_weights
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.prior.sketch import Sketch, places_in
from engine.occupancy.prior.tokens import DICE, TokenPrior, sketched, tokens_of
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.stoccdit import StOccDit
from engine.occupancy.vae import OccupancyVae
from engine.spec.classes import CHANNEL
from engine.spec.clip import SceneClip
from engine.spec.geometry import Pose
from engine.spec.grid import OCC3D

SMALL = OCC3D.crop(48)
TINY = PRESETS["tiny"]
assert isinstance(TINY.prior, TokensConfig)
TOKENS = TINY.prior
CPU = torch.device("cpu")


def token_prior() -> TokenPrior:
    sketch = Sketch(TOKENS.sketch)
    sketch.codebook.copy_(torch.randn(sketch.codebook.shape))
    return TokenPrior(TOKENS, sketch)


def generator(prior: Prior) -> OccupancyGenerator:
    preset = TINY if isinstance(prior, TokenPrior) else replace(TINY, prior=NoiseConfig())
    vae, dit = OccupancyVae(preset.vae), StOccDit(preset.dit)
    with torch.no_grad():
        for parameter in dit.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return OccupancyGenerator(preset, vae, dit, prior, CPU)


def clip() -> SceneClip:
    layouts = np.zeros((1, 15, *SMALL.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, 16:32] = 1
    return SceneClip(layouts, ((),), np.stack([Pose(x_m=3.0).matrix()]), grid=SMALL)


@pytest.mark.parametrize("tokens", [True, False])
@torch.no_grad()
def test_a_first_frame_is_what_its_prior_and_the_flow_say(tokens: bool) -> None:
    """By hand, as it was before there was a prior to choose: takes made then come out again."""
    torch.manual_seed(0)
    prior = token_prior() if tokens else NoisePrior()
    made_by, seed = generator(prior), 3
    made = made_by.frame(clip(), 0, (), Recipe(seed=seed))

    with half_precision(CPU):
        cells = world_cells(clip().world_SE3_ego[0], (12, 12), SMALL.origin_m[:2])
        layouts = torch.from_numpy(clip().layouts)[None]
        noise = torch.from_numpy(cell_normal(cells, 4, seed))[None, None]
        x, begin_at = noise, 1.0
        if isinstance(prior, TokenPrior):
            noise = torch.where(touched_cells(layouts[0])[:, None, None], torch.from_numpy(cell_normal(cells, 4, 0))[None, None], noise)
            nothing = torch.zeros(1, 12, 12, dtype=torch.bool)
            dice = cell_dice(cells, seed + DICE), cell_dice(cells, DICE)
            begun = sketched(prior.sketch, layouts[0], torch.zeros(1, 4, 12, 12), nothing, places_in(12, 12)[None], TOKENS.rounds, *dice)[None]
            begin_at = 0.6
            x = 0.4 * begun + 0.6 * noise
        velocity = made_by.velocity(layouts, noise[:, :0], 1.0)
        for now, after in ((begin_at, begin_at / 2), (begin_at / 2, 0.0)):
            x = x + (after - now) * velocity(x, now)
    assert np.array_equal(made, made_by.decode(x, layouts))


def test_a_prior_with_weights_is_not_made_of_nothing() -> None:
    assert isinstance(prior_without_weights(PRESETS["paper"]), NoisePrior)
    with pytest.raises(ValueError, match="begins from tokens"):
        prior_without_weights(TINY)
    with pytest.raises(ValueError, match="begins from noise"):
        tokens_of(NoisePrior())


@torch.no_grad()
def test_guidance_pushes_away_from_no_layout_and_only_at_high_noise() -> None:
    """By hand: null + guidance * (given - null) from `guided_from` on, the given velocity below."""
    torch.manual_seed(0)
    made_by = generator(NoisePrior())
    made_by.preset = replace(made_by.preset, sampler=replace(made_by.preset.sampler, guided_from=0.5))
    layouts, x = torch.from_numpy(clip().layouts)[None], torch.randn(1, 1, 4, 12, 12)
    guided, past = made_by.velocity(layouts, x[:, :0], 3.0), made_by.dit.read_history(x[:, :0])
    for t, guidance in ((0.75, 3.0), (0.5, 3.0), (0.25, 1.0)):
        times = torch.full((1, 1), t)
        given = made_by.dit.denoise(x, times, made_by.dit.read_layout(layouts), past)
        null = made_by.dit.denoise(x, times, made_by.dit.null_state(1, 6, 6), past)
        assert not torch.allclose(given, null, atol=1e-3), "an untrained model that ignores its layout would prove nothing"
        assert torch.allclose(guided(x, t), null + guidance * (given - null), atol=1e-5)
