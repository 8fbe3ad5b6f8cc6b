"""Groups of views for GGVE's compact model: what the appearance autoencoder makes of drawn pictures, and the calls that training samples.

A group is VIEWS cameras side by side at MOMENTS moments, four frames apart; each sample shows some of its views and moments in one of the
paper's modes (3.3): one, two or three views from geometry alone, one anchor to its neighbour, two outer anchors to the middle, each with
the first moment given or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.data import drawn_pictures
from engine.data.drawn_pictures import MOMENTS, VIEWS
from engine.devices import half_precision
from engine.train.frame_files import write_file
from engine.views.drawn.light import light_of
from engine.views.ggve.autoencoder import Autoencoder
from engine.views.ggve.conditions import FALLING, conditions
from engine.views.ggve.control import Controls
from engine.views.ggve.guide import Guide
from engine.views.ggve.shown import show
from engine.views.ggve.text import look_numbers, tokens
from engine.views.look import Look

MODES: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {
    ((), (0, 1, 2)): 3.0,
    ((), (0, 1)): 0.5, ((), (1, 2)): 0.5, ((), (0,)): 0.25, ((), (1,)): 0.25, ((), (2,)): 0.25,
    ((0,), (1,)): 0.75, ((1,), (0,)): 0.75, ((1,), (2,)): 0.75, ((2,), (1,)): 0.75,
    ((0, 2), (1,)): 1.5,
}  # fmt: skip
"""(Anchors, targets), by their place from left to right -> how often, once the mixture is balanced."""
MILESTONE = 0.3
"""Over this share of the training, groups without anchors and without a first moment fall from all to their balanced share (paper B.3)."""
FIRST_GIVEN, ONE_MOMENT = 0.5, 0.3
"""Of the samples: those whose first moment is given, those that have one moment only."""
TEXT_DROPPED, LOOK_DROPPED, ALBEDO_WITHHELD, SUN_WITHHELD = 0.1, 0.3, 0.35, 0.15
HINT_NOISE = 0.1
"""Deviation of noise on observed latents: at inference they were generated too."""
COLUMNS = ("latent", "semantic", "coordinate", "plucker", "look", "words")
"""Of an encoded file: a row is a picture, in the order of `drawn_pictures`."""
GIVEN = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Whether albedo and sun are shown: a picture has a latent for each."""


@torch.no_grad()
def encode(model: Autoencoder, folder: Path, out: Path, worlds: int, device: torch.device, at_once: int = 6) -> None:
    """Writes `out`: latents (N, len(GIVEN), C, h, w), conditions with all told (float16), look numbers and words of a folder's pictures."""
    pictures = drawn_pictures.read(folder, worlds)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    for start in range(0, len(pictures["picture"]), at_once):
        part = slice(start, start + at_once)
        guide = {name: torch.from_numpy(pictures[name][part]).to(device) for name in (*Guide._fields, "up")}
        size = pictures["picture"].shape[2:]
        rays = [drawn_pictures.ray_table(float(f), size, (0, 0, *size)) for f in pictures["focal"][part]]
        guide["rays"] = torch.from_numpy(np.stack(rays)).to(device)
        told = torch.ones(len(rays), device=device)
        known = conditions(guide, torch.from_numpy(pictures["pose"][part]).to(device), told, told)
        picture = torch.from_numpy(pictures["picture"][part]).to(device).float() / 255               # (B, 3, H, W)
        with half_precision(device):
            latents = [model.latents(picture, show(guide, albedo * told, sun * told)).float() for albedo, sun in GIVEN]
        for name, column in (known._asdict() | {"latent": torch.stack(latents, 1)}).items():
            rows[name] += list(column.cpu().numpy().astype(np.float16))
        rows["words"] += [np.array(tokens(str(caption))) for caption in pictures["caption"][part]]
    rows["look"] = list(look_rows(pictures["look"], pictures["world"], pictures["sun"]))
    write_file(out, rows)


def look_rows(fields: np.ndarray, seeds: np.ndarray, sun: np.ndarray) -> np.ndarray:
    """float32 (N, LOOK) of Look's fields (N, 10), its seeds (N,) and the sun's direction in the ego frame (N, 3), as `text.look_numbers`."""
    rows = []
    for count, row in enumerate(fields):
        if count == 0 or (row != fields[count - 1]).any() or seeds[count] != seeds[count - 1]:
            look = Look(*map(float, row), seed=int(seeds[count]))
            told = look_numbers(look, light_of(look), np.eye(3))
        rows.append(np.concatenate([sun[count], told[3:]]))
    return np.stack(rows).astype(np.float32)


@dataclass(slots=True)
class GroupBatches:
    """Batches of one call's shape each. Picklable for data workers: the file is read when the first batch is asked for."""

    path: Path
    seed: int
    batch: int
    steps: int
    """Of the whole training, for the mixture's schedule."""
    without: frozenset[str] = frozenset()
    """Conditions of `Controls` that are zeroed, of "semantic", "coordinate" and "plucker"."""
    _columns: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, step: int) -> dict[str, Tensor]:
        """ "latent" (B, V, C, F, h, w), "flags" (B, V, F) bool, "semantic", "coordinate", "plucker" likewise, "words" (B, L), "look" (B, LOOK)."""
        random = np.random.Generator(np.random.PCG64([self.seed, step]))
        balance = min(1.0, step / max(1, MILESTONE * self.steps))
        anchors, targets = self._mode(random, balance)
        views = sorted(anchors + targets)
        moments = [int(random.integers(MOMENTS))] if random.random() < ONE_MOMENT else list(range(MOMENTS))
        first = len(moments) > 1 and random.random() < FIRST_GIVEN * balance
        flags = np.array([[view in anchors or (first and moment == 0) for moment in range(len(moments))] for view in views])
        return self._rows(random, views, moments) | {"flags": torch.from_numpy(flags)[None].expand(self.batch, -1, -1)}

    def _mode(self, random: np.random.Generator, balance: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
        weights = np.array([weight if not anchors else weight * balance for (anchors, _), weight in MODES.items()])
        return list(MODES)[int(random.choice(len(MODES), p=weights / weights.sum()))]

    def _rows(self, random: np.random.Generator, views: list[int], moments: list[int]) -> dict[str, Tensor]:
        columns = self._read()
        groups = len(columns["latent"]) // (VIEWS * MOMENTS)
        chosen = random.integers(groups, size=self.batch)
        numbers = chosen[:, None, None] * VIEWS * MOMENTS + np.array(moments) * VIEWS + np.array(views)[:, None]     # (B, V, F)
        rows = {
            name: torch.from_numpy(columns[name][numbers]).float().transpose(2, 3)   # (B, V, channels, F, h, w)
            for name in ("semantic", "coordinate", "plucker")
        }
        told = torch.from_numpy(random.random((4, self.batch)) >= np.array([[TEXT_DROPPED], [LOOK_DROPPED], [ALBEDO_WITHHELD], [SUN_WITHHELD]]))
        given = (2 * told[2] + told[3].long())[:, None, None].numpy()                # (B, 1, 1)
        rows["latent"] = torch.from_numpy(columns["latent"][numbers, given]).float().transpose(2, 3)     # (B, V, C, F, h, w)
        cells = told.float()[:, :, None, None, None, None, None]                     # (4, B, 1, 1, 1, 1, 1)
        rows["semantic"][:, :, -4:] *= cells[2]
        rows["coordinate"][:, :, -FALLING:] *= cells[3]
        for name in self.without:
            rows[name].zero_()
        first = numbers[:, 0, 0]
        rows["words"] = torch.from_numpy(columns["words"][first]) * told[0, :, None]
        rows["look"] = torch.from_numpy(columns["look"][first]) * told[0, :, None] * told[1, :, None]
        return rows

    def _read(self) -> dict[str, np.ndarray]:
        if not self._columns:
            with np.load(self.path) as file:
                self._columns = {name: file[name] for name in COLUMNS}
        return self._columns


def controls_of(batch: Mapping[str, Tensor], hint_noise: Tensor | None = None) -> tuple[Controls, Tensor]:
    """The controls of a batch and its mask (B, V, 1, F, h, w); `hint_noise` like the latent is added to what is observed."""
    latent = batch["latent"]                                                         # (B, V, C, F, h, w)
    observed = batch["flags"].float()[:, :, None, :, None, None].expand(-1, -1, -1, -1, *latent.shape[4:])           # (B, V, 1, F, h, w)
    hint = latent if hint_noise is None else latent + hint_noise                     # (B, V, C, F, h, w)
    return Controls(hint * observed, observed, batch["plucker"], batch["semantic"], batch["coordinate"]), observed


