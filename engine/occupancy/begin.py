"""Where the flow begins: the frame's sketch, with what is remembered or held in its place."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.occupancy.dice import Dice
from engine.occupancy.sketch import CELLS, Sketch
from engine.spec.classes import AGENTS, CHANNEL

AREAS = [CHANNEL[name] for name in ("drivable_area", "walkway", "ped_crossing")]
STALE_SHARE = 0.25
"""Share of a latent cell's columns that may show other ground than is painted before it is drawn anew: the paint was edited."""
PAINTED_ROUNDS = 2
"""Rounds for what is painted: the layout leaves little open, and each round more follows the errors of those before it (docs/models.md)."""
TOUCHED_ROUNDS = 6
"""Rounds for what stands beside it."""
NEAR_AGENTS = 2
"""Latent cells around an agent whose memory is not shown to the sketch while it draws the agent."""
GOING_ON = 0.5
"""Share of a frame that is known from which on fewer rounds will do: little is unknown, and what is has neighbours."""
FEWER = 4
"""By so much they are divided then."""


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


def painted_cells(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): latent cells at least half painted, or with an agent in them, of layouts (B, 15, 4h, 4w)."""
    return (F.avg_pool2d(layouts.amax(1, keepdim=True).float(), CELLS)[:, 0] >= 0.5) | agent_cells(layouts)


def touched_cells(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): latent cells with anything painted in them or right beside them, of layouts (B, 15, 4h, 4w). What stands there leans over
    what is painted."""
    painted = F.max_pool2d(layouts.amax(1, keepdim=True).float(), CELLS)             # (B, 1, h, w)
    return F.max_pool2d(painted, 3, 1, 1)[:, 0] > 0


def agent_cells(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): latent cells that an agent is painted in, of layouts (B, 15, 4h, 4w)."""
    return F.max_pool2d(layouts[:, [CHANNEL[name] for name in AGENTS]].amax(1, keepdim=True).float(), CELLS)[:, 0] > 0


def near_agents(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): cells beside painted agents. Remembered ones show a street that the agent was taken out of, and a sketch that
    saw them would conclude that none stands there."""
    return F.max_pool2d(agent_cells(layouts)[:, None].float(), 2 * NEAR_AGENTS + 1, 1, NEAR_AGENTS)[:, 0] > 0


def whole_cells(columns: np.ndarray) -> np.ndarray:
    """Bool (h, w): latent cells all of whose columns (4h, 4w) are set."""
    return _by_cell(columns).all((1, 3))


def any_cells(columns: np.ndarray) -> np.ndarray:
    """Bool (h, w): latent cells any of whose columns (4h, 4w) is set."""
    return _by_cell(columns).any((1, 3))


def stale_cells(shown: np.ndarray, layout: np.ndarray) -> np.ndarray:
    """Bool (h, w): latent cells whose remembered ground, shown channels (15, 4h, 4w), is not what the layout paints there now."""
    differs = (shown[AREAS] != layout[AREAS].astype(bool)).any(0)
    return _by_cell(differs).mean((1, 3)) > STALE_SHARE


def _by_cell(columns: np.ndarray) -> np.ndarray:
    """(h, 4, w, 4) of (4h, 4w)."""
    return columns.reshape(columns.shape[0] // CELLS, CELLS, -1, CELLS)
