"""`launch.py train odds`: a sketch's last lesson, to draw as much of each class as the world holds (ours).

Cross entropy teaches how likely a code is amid true neighbours. Drawn amid its own draws, a house that was begun at one end and not at the
other is given up, and a third too little is planted and built. So whole frames are generated for layouts of training worlds, the volume
of every class where nothing is painted is set against the worlds' own, and the odds of each code are moved by the classes that it
stands for. A handful of numbers is learned, one a class: moved one by one, the odds of rare codes ran away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.api import Recipe
from engine.data.worlds import make_world
from engine.devices import half_precision, pick_device
from engine.occupancy.begin import painted_cells
from engine.occupancy.config import PRESETS
from engine.occupancy.rollout import OccupancyGenerator
from engine.occupancy.shipped import load_generator
from engine.occupancy.sketch import CELLS
from engine.spec.classes import AGENTS, CLASSES, FREE
from engine.spec.clip import SceneClip
from engine.train.encoded import FIRST_SEED
from engine.weights import WEIGHTS, load_model, save_model

WORLDS = 400
"""Whose true volumes are asked for."""
DRAWN = 96
"""Frames generated in a pass; the next pass takes the next worlds."""
PACE = (0.5, 0.4, 0.4, 0.3, 0.3, 0.2)
"""Share of the log ratio by which the odds move, pass after pass: a tree drawn calls for more of it beside it, so little does much."""
SELDOM = 2e-3
"""Share of all volume below which a class's ratio says more of chance than of the odds."""
OCCURS = 3
"""Times that a code must occur before it is said what it stands for."""
STATIC = np.array([c for c in range(FREE) if CLASSES[c] not in AGENTS])
Volumes = dict[str, float]
"""Per class, how much of it was generated for each voxel that the worlds hold."""


def main(
    preset: str, out: Path, *, resume: bool = False, device: str = "auto", begin: Path | None = None, worlds: int | None = None, first_world: int = 0
) -> dict[str, Any]:
    """Moves the odds of the shipped sketch, or of the one at the stem `begin`, and writes `sketch.safetensors` and its card into `out`.

    Raises ValueError for a preset that has no sketch. There is nothing to resume: it takes minutes.
    """
    numbers = PRESETS[preset]
    if numbers.sketch is None:
        raise ValueError(f"Preset '{preset}' begins from noise, as the paper does, and has no odds to move.")
    where = pick_device(device)
    generator, shas = load_generator(preset, where)
    assert generator.sketch is not None
    stem = Path(begin) if begin else WEIGHTS / preset / "sketch"
    card = load_model(generator.sketch, stem, numbers.sketch)
    passes = move_odds(generator, FIRST_SEED + first_world, worlds or WORLDS, lambda made: print(f"volumes: {made}", flush=True))
    facts = {key: value for key, value in card.items() if key not in ("config", "sha256", "files", "torch")}
    facts |= {"odds_moved": {"of": card["sha256"], "with": shas["vae"], "worlds": worlds or WORLDS, "first_world": first_world, "passes": passes}}
    save_model(generator.sketch, Path(out) / "sketch", numbers.sketch, facts)
    return facts


@torch.no_grad()
def move_odds(generator: OccupancyGenerator, first_seed: int, worlds: int, progress: Callable[[Volumes], None]) -> list[Volumes]:
    """Moves the bias of the sketch's last layer in place; returns what each pass found, with the odds as they were before it."""
    sketch = generator.sketch
    assert sketch is not None
    bias = sketch.leave[1].bias
    clips: list[SceneClip] = []
    held = np.zeros((sketch.config.codes, len(STATIC)))
    occurs, true = np.zeros(sketch.config.codes), np.zeros(len(STATIC))
    for number in range(worlds):
        world = make_world(first_seed + number)
        clip = world.clip(1)
        semantics = next(iter(world.occupancy(clip))).semantics
        with half_precision(generator.device):
            latents = generator.vae.latents(torch.from_numpy(semantics).to(generator.device)[None])
        rest = _unpainted(clip)
        codes, volumes = sketch.encode(latents.float())[0].cpu().numpy()[rest], _by_cell(semantics)[rest]
        np.add.at(held, codes, volumes)
        occurs += np.bincount(codes, minlength=len(occurs))
        true += volumes.sum(0) / worlds
        clips.append(clip)
    stands_for = held / np.maximum(held.sum(1, keepdims=True), 1) * (occurs >= OCCURS)[:, None]        # (K, S)
    seldom, found = SELDOM * true.sum(), []
    for turn, pace in enumerate(PACE):
        made = np.zeros_like(true)
        for number in range(turn * DRAWN, (turn + 1) * DRAWN):
            clip = clips[number % worlds]
            frame = next(generator.frames(clip, Recipe(seed=turn)))
            made += _by_cell(frame.semantics)[_unpainted(clip)].sum(0) / DRAWN
        found.append({CLASSES[c]: round(float(a / b), 3) for c, a, b in zip(STATIC, made, true, strict=True) if b > seldom})
        progress(found[-1])
        bias += torch.from_numpy(pace * stands_for @ np.log((true + seldom) / (made + seldom))).to(bias)
    return found


def _unpainted(clip: SceneClip) -> np.ndarray:
    """Bool (X/4, Y/4): latent cells of the first frame that are not painted."""
    return ~painted_cells(torch.from_numpy(clip.layouts[0])[None])[0].numpy()


def _by_cell(semantics: np.ndarray) -> np.ndarray:
    """Voxels (X/4, Y/4, S) of each static class in every latent cell of class ids (X, Y, Z)."""
    x, y = (size // CELLS for size in semantics.shape[:2])
    return np.stack([(semantics == c).sum(2).reshape(x, CELLS, y, CELLS).sum((1, 3)) for c in STATIC], -1)
