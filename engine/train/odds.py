"""`launch.py train odds`: a sketch's last lesson, to draw as much of each class as the world holds (ours).

Cross entropy teaches how likely a code is amid true neighbours. Drawn amid its own draws, a house that was begun at one end and not at the
other is given up, and a third too little is planted and built. So whole frames are generated for layouts of training worlds, the volume
of every class where nothing is painted is set against the worlds' own, and so is the mean latent; the odds of each code are moved by the
classes that it stands for and by where it lies. A few dozen numbers are learned, one a class and one a latent channel: moved one by
one, the odds of rare codes ran away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.devices import half_precision, pick_device
from engine.occupancy.cells import painted_cells
from engine.occupancy.config import PRESETS, TokensConfig
from engine.occupancy.dice import random_dice
from engine.occupancy.flow import sample
from engine.occupancy.prior import Begun
from engine.occupancy.prior.sketch import Sketch, places_in
from engine.occupancy.prior.tokens import sketched, tokens_of
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import load_generator
from engine.spec.classes import CLASSES
from engine.spec.grid import LATENT_CELLS
from engine.train.cores import printed
from engine.train.encoded import STATIC, Encoded, encode_worlds, read_encoded, unpack_layouts, volumes_by_cell
from engine.train.loop import check_preset, write_state
from engine.weights import WEIGHTS, load_model, save_model

WORLDS = 400
DRAWN = 480
"""Frames generated in a pass; the next pass takes the next ones. Of 96 at a time vegetation came out 18 % too large, then 30 % too small."""
LOOKED_AT = 1200
"""Frames at most that tell what the codes stand for."""
TOGETHER = 32
"""Frames that are generated at once."""
PACE = (0.6, 0.5, 0.5, 0.4, 0.4, 0.3, 0.3, 0.3, 0.2, 0.2)
"""Share of the log ratio by which the odds move, pass after pass: a tree drawn calls for more of it beside it, so little does much."""
SHIFT_PACE = 0.5
"""The mean latent is followed at this share of the pace: classes come first."""
SELDOM = 2e-3
"""Share of all volume below which a class's ratio says more of chance than of the odds."""
OCCURS = 3
"""Times that a code must occur before it is said what it stands for."""
Found = dict[str, float]
"""Per class, how much of it was generated for each voxel that the worlds hold; "shift" is how far the mean latent lies off."""


def main(
    preset: str, out: Path, *, resume: bool = False, device: str = "auto", begin: Path | None = None, worlds: int | None = None, first_world: int = 0
) -> dict[str, Any]:
    """Moves the odds of the shipped sketch, or of the one at the stem `begin`, and writes `sketch.safetensors` and its card into `out`.

    Layouts and truth are those of `out`/frames, where worlds that it lacks are encoded first: a folder of `train sketch` will do.
    `resume` goes on after the last pass that `out`/odds.pt holds, where it was made of the same weights; else every run begins anew. Minutes on
    a GPU, an hour or more a pass on a CPU. Raises ValueError for a preset that has no sketch.
    """
    check_preset(preset, (name for name, each in PRESETS.items() if isinstance(each.prior, TokensConfig)), "odds")
    numbers = PRESETS[preset]
    assert isinstance(numbers.prior, TokensConfig)
    where = pick_device(device)
    generator, shas = load_generator(preset, where)
    sketch = tokens_of(generator.prior).sketch
    stem = Path(begin) if begin else WEIGHTS / preset / "sketch"
    card = load_model(sketch, stem, numbers.prior.sketch)
    folder = Path(out) / "frames"
    encode_worlds(generator.vae, folder, first_world, worlds or WORLDS, where, printed("worlds"))
    frames = read_encoded(folder)
    of = {"of": card["sha256"], "with": shas["vae"]}
    bias, passes = sketch.leave[1].bias, _moved_before(sketch, Path(out), of) if resume else []

    def after_pass(found: Found) -> None:
        print(f"volumes: {found}", flush=True)
        write_state(Path(out) / "odds.pt", of | {"bias": bias, "passes": passes})

    move_odds(generator, frames, passes, after_pass)
    facts = {key: value for key, value in card.items() if key not in ("config", "sha256", "files", "torch")}
    facts |= {"odds_moved": of | {"frames": len(frames.layouts), "drawn": DRAWN, "first_world": first_world, "passes": passes}}
    save_model(sketch, Path(out) / "sketch", numbers.prior.sketch, facts)
    (Path(out) / "odds.pt").unlink(missing_ok=True)
    return facts


@torch.no_grad()
def move_odds(
    generator: OccupancyGenerator, frames: Encoded, found: list[Found], progress: Callable[[Found], None] = lambda found: None
) -> None:
    """Moves the bias of the sketch's last layer in place and adds to `found` what each pass found with the odds as they were before it;
    passes that are there already are not done again."""
    sketch, where = tokens_of(generator.prior).sketch, generator.device
    bias, centres = sketch.leave[1].bias, sketch.codebook.double().cpu().numpy()     # (K,), (K, C)
    order = np.random.default_rng(0).permutation(len(frames.layouts))
    stands_for, often = _meaning(sketch, frames, order[:LOOKED_AT], where)
    middle = often @ centres
    spread = (often[:, None] * (centres - middle)).T @ (centres - middle)            # (C, C)
    for turn, pace in list(enumerate(PACE))[len(found) :]:
        made, true = np.zeros(len(STATIC)), np.zeros(len(STATIC))
        shift, cells = np.zeros(centres.shape[1]), 0
        for chosen in np.array_split(order.take(range(turn * DRAWN, (turn + 1) * DRAWN), mode="wrap"), max(1, DRAWN // TOGETHER)):
            seed = turn * len(order) + int(chosen[0])
            layouts, rest = _layouts(frames, chosen, where)
            noise = torch.randn(frames.latents[chosen].shape, generator=torch.Generator(where).manual_seed(seed), device=where)
            semantics = first_frames(generator, layouts, noise, seed)                # (B, X, Y, Z)
            made += volumes_by_cell(semantics).cpu().numpy()[rest].sum(0)
            true += frames.volumes[chosen][rest].sum(0)
            with half_precision(where):
                again = generator.vae.latents(semantics).float().cpu().numpy()
            shift += (frames.latents[chosen] - again).transpose(0, 2, 3, 1)[rest].astype(np.float64).sum(0)
            cells += int(rest.sum())
        shift, seldom = shift / max(1, cells), SELDOM * true.sum()
        found.append({CLASSES[c]: round(float(a / b), 3) for c, a, b in zip(STATIC, made, true, strict=True) if b > seldom})
        found[-1]["shift"] = round(float(np.linalg.norm(shift)), 4)
        towards = (centres - middle) @ np.linalg.solve(spread + 1e-3 * np.eye(len(spread)), shift)     # (K,)
        moved = stands_for @ np.log((true + seldom) / (made + seldom)) + SHIFT_PACE * towards
        bias += torch.from_numpy(pace * moved).to(bias)
        progress(found[-1])


@torch.no_grad()
def _moved_before(sketch: Sketch, out: Path, of: dict[str, str]) -> list[Found]:
    """What the passes in `out` found whose odds the sketch takes over; none where there are none of these weights."""
    if not (out / "odds.pt").exists():
        return []
    kept = torch.load(out / "odds.pt", weights_only=True)
    if any(kept[name] != value for name, value in of.items()):
        return []
    sketch.leave[1].bias.copy_(kept["bias"])
    return kept["passes"]


@torch.no_grad()
def first_frames(generator: OccupancyGenerator, layouts: Tensor, noise: Tensor, seed: int) -> Tensor:
    """Class ids uint8 (B, X, Y, Z) of B first frames at once, under layouts (B, 15, X, Y), from noise (B, C, X/4, Y/4).

    What `OccupancyGenerator.frames` makes one by one; here a GPU draws its own random numbers, others than a CPU's.
    """
    prior, sampler, vae = tokens_of(generator.prior), generator.preset.sampler, generator.vae
    count, _, h, w = noise.shape
    known = torch.zeros(count, h, w, dtype=torch.bool, device=noise.device)
    places = places_in(h, w).to(noise.device).expand(count, -1, -1, -1)              # (B, 2, h, w)
    with half_precision(generator.device):
        dice = random_dice(seed, count, (h, w), noise.device)
        latents = sketched(prior.sketch, layouts, torch.zeros_like(noise), known, places, prior.config.rounds, dice, dice)
        begun = Begun(latents[:, None], noise[:, None], torch.ones(1, device=noise.device), prior.config.begin_at)
        velocity = generator.velocity(layouts[:, None], noise[:, None][:, :0], sampler.guidance)
        latents = sample(velocity, begun, sampler.steps)                             # (B, 1, C, h, w)
        assert latents is not None, "nobody cancels"
        voxels = vae.decode(vae.denormalise(latents[:, 0]), layouts)
    return vae.semantics(voxels, layouts)


def _meaning(sketch: Sketch, frames: Encoded, chosen: np.ndarray, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """What each code stands for where nothing is painted, shares (K, S) of the static classes, and how often it occurs there, (K,)."""
    count = sketch.config.codes
    held, occurs = np.zeros((count, len(STATIC))), np.zeros(count)
    for part in np.array_split(chosen, max(1, len(chosen) // TOGETHER)):
        _, rest = _layouts(frames, part, device)
        codes = sketch.encode(torch.from_numpy(frames.latents[part]).to(device).float()).cpu().numpy()[rest]
        np.add.at(held, codes, frames.volumes[part][rest])
        occurs += np.bincount(codes, minlength=count)
    return held / np.maximum(held.sum(1, keepdims=True), 1) * (occurs >= OCCURS)[:, None], occurs / occurs.sum()


def _layouts(frames: Encoded, chosen: np.ndarray, device: torch.device) -> tuple[Tensor, np.ndarray]:
    """Layouts uint8 (B, 15, X, Y) of chosen frames on a device, and bool (B, h, w): their cells that are not painted."""
    h, w = frames.volumes.shape[1:3]
    layouts = unpack_layouts(torch.from_numpy(frames.layouts[chosen]).to(device), (LATENT_CELLS * h, LATENT_CELLS * w))
    return layouts, ~painted_cells(layouts).cpu().numpy()
