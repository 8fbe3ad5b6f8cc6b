"""Our prior: latents that a masked-token model sketches over a codebook (`sketch.py`), under noise. Its calibration is `engine/train/odds.py`."""

from __future__ import annotations

from hashlib import sha256

import torch
from torch import Tensor

from engine.occupancy.cells import near_agents, painted_cells, touched_cells
from engine.occupancy.config import TokensConfig
from engine.occupancy.dice import Dice, cell_dice
from engine.occupancy.prior import Begun, Canvas, Prior, free_cells
from engine.occupancy.prior.noise import cell_noise
from engine.occupancy.prior.sketch import Sketch

DICE = 0x6469636500000000
"""Added to a seed for the sketch's dice, so that they are not those of the noise."""
PAINTED_ROUNDS = 2
"""Rounds for what is painted: the layout leaves little open, and each round more follows the errors of those before it (docs/models.md)."""
TOUCHED_ROUNDS = 6
"""Rounds for what stands beside it."""
GOING_ON = 0.5
"""Share of a frame that is known from which on fewer rounds will do: little is unknown, and what is has neighbours."""
FEWER = 4
"""By so much they are divided then."""


class TokenPrior:
    """Answers `engine.occupancy.prior.Prior`. Where something is painted dice and noise are those of `painted_seed`: seeds are for the rest."""

    def __init__(self, config: TokensConfig, sketch: Sketch) -> None:
        self.config, self.sketch = config, sketch.eval()
        self._from_nothing: tuple[bytes, Tensor] | None = None
        """The last canvas that nothing was known of, and its sketch: most of a first frame's work, and one that was called off is often asked for again."""

    def to(self, device: torch.device) -> None:
        """See Prior."""
        self._from_nothing = None
        self.sketch.to(device)
        if device.type == "cpu":
            self.sketch.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def begin(self, canvas: Canvas, seed: int, painted_seed: int) -> Begun:
        """See Prior."""
        layouts, device = canvas.layouts[0], canvas.latents.device
        noise = torch.where(touched_cells(layouts)[:, None, None], cell_noise(canvas, painted_seed), cell_noise(canvas, seed))
        return Begun(self._latents(canvas, seed, painted_seed)[None], noise, free_cells(canvas.known, device), self.config.begin_at)

    def _latents(self, canvas: Canvas, seed: int, painted_seed: int) -> Tensor:
        """The sketch (1, C, h, w) of a canvas; where nothing is known of it and it was the last such one, as it was."""
        layouts, device = canvas.layouts[0], canvas.latents.device
        asked = b"" if canvas.known.any() else _digest(canvas, seed, painted_seed)
        if asked and self._from_nothing is not None and self._from_nothing[0] == asked:
            return self._from_nothing[1]
        dice, painted_dice = (cell_dice(canvas.cells, each + DICE) for each in (seed, painted_seed))
        given, places = torch.from_numpy(canvas.known).to(device)[None], canvas.places.to(device)[None]
        latents = sketched(self.sketch, layouts, canvas.latents, given, places, self.config.rounds, dice, painted_dice)
        if asked:
            self._from_nothing = asked, latents
        return latents


def _digest(canvas: Canvas, *seeds: int) -> bytes:
    """Of everything that decides the sketch of a canvas that nothing is known of."""
    told = repr((seeds, canvas.cells.shape)).encode()
    for part in (canvas.layouts.cpu().numpy(), canvas.cells, canvas.places.cpu().numpy()):
        told += part.tobytes()
    return sha256(told).digest()


def tokens_of(prior: Prior) -> TokenPrior:
    """The same, for what teaches a token prior or learns from one. Raises ValueError where it is another."""
    if not isinstance(prior, TokenPrior):
        raise ValueError("This preset begins from noise, as the paper does, and has no sketch: choose one that begins from tokens.")
    return prior


@torch.no_grad()
def sketched(
    sketch: Sketch,
    layouts: Tensor,
    latents: Tensor,
    known: Tensor,
    places: Tensor,
    rounds: int,
    dice: Dice,
    painted_dice: Dice,
) -> Tensor:
    """Normalised latents (B, C, h, w): those given where `known` (B, h, w), sketched ones under layouts (B, 15, 4h, 4w) elsewhere.

    `places` (B, 2, h, w) says which part of a frame this is; `rounds` are those of a whole frame. What is painted is drawn first,
    then cells with a little paint in or beside them, by dice of their own: what stands beside it has to suit it, and where two recipes share
    those it is the same in both.
    """
    codes = sketch.encode(latents)                                                   # (B, h, w)
    painted, touched = painted_cells(layouts), touched_cells(layouts)                # (B, h, w) each
    fewer = FEWER if float(known.float().mean()) > GOING_ON else 1
    apart, anywhere = ~near_agents(layouts), torch.ones_like(known)                  # (B, h, w) each
    seen = known                                                                     # (B, h, w)
    for part, looks_at, most, own in (
        (painted, apart, PAINTED_ROUNDS, painted_dice),
        (touched, anywhere, TOUCHED_ROUNDS, painted_dice),
        (anywhere, anywhere, rounds, dice),
    ):
        wanted = part & ~seen                                                        # (B, h, w)
        if wanted.any():
            codes = sketch.draw(codes, seen & looks_at, wanted, layouts, places, max(1, most // fewer), own)
            seen = seen | wanted
    return torch.where(known[:, None], latents, sketch.decode(codes))
