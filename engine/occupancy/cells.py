"""Latent cells of a grid: which of them are painted, hold an agent, are known, or show what is no longer painted."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from engine.spec.classes import AGENTS, CHANNEL
from engine.spec.grid import LATENT_CELLS

AREAS = [CHANNEL[name] for name in ("drivable_area", "walkway", "ped_crossing")]
STALE_SHARE = 0.25
"""Share of a latent cell's columns that may show other ground than is painted before it is drawn anew: the paint was edited."""
NEAR_AGENTS = 2
"""Latent cells around an agent whose memory is not shown to the sketch while it draws the agent."""


def painted_cells(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): latent cells at least half painted, or with an agent in them, of layouts (B, 15, 4h, 4w)."""
    return (F.avg_pool2d(layouts.amax(1, keepdim=True).float(), LATENT_CELLS)[:, 0] >= 0.5) | agent_cells(layouts)


def touched_cells(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): latent cells with anything painted in them or right beside them, of layouts (B, 15, 4h, 4w). What stands there leans over
    what is painted."""
    painted = F.max_pool2d(layouts.amax(1, keepdim=True).float(), LATENT_CELLS)             # (B, 1, h, w)
    return F.max_pool2d(painted, 3, 1, 1)[:, 0] > 0


def agent_cells(layouts: Tensor) -> Tensor:
    """Bool (B, h, w): latent cells that an agent is painted in, of layouts (B, 15, 4h, 4w)."""
    return F.max_pool2d(layouts[:, [CHANNEL[name] for name in AGENTS]].amax(1, keepdim=True).float(), LATENT_CELLS)[:, 0] > 0


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
    return columns.reshape(columns.shape[0] // LATENT_CELLS, LATENT_CELLS, -1, LATENT_CELLS)
