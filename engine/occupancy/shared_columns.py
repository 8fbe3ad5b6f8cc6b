"""Columns in which the layout paints two agents or more, a cyclist beside a digger: each of them is shown in them.

The decoder gives such a column to one class. A layout that paints both asks to see both (paper B.4), so the one that is missing stands
where the column is free at its height, else it takes a voxel of the other.
"""

from __future__ import annotations

import numpy as np

from engine.spec.classes import AGENTS, CLASS, DEFAULT_SIZE_M, FREE, IS_AGENT
from engine.spec.columns import shown_channels
from engine.spec.grid import GridSpec


def every_agent_shown(semantics: np.ndarray, layout: np.ndarray, grid: GridSpec) -> np.ndarray:
    """Semantics (X, Y, Z) in which a column shows every agent class that the layout (15, X, Y) paints in it, where it shows one of them already.

    What a column shows none of stays missing, and columns with one agent class stay as they are.
    """
    painted = layout[: len(AGENTS)] > 0                                                                   # (10, X, Y)
    shown = shown_channels(semantics)[: len(AGENTS)]                                                      # (10, X, Y)
    missing = painted & ~shown & (painted & shown).any(0)                                                 # (10, X, Y)
    out = semantics.copy()
    for channel, x, y in np.argwhere(missing):
        name = AGENTS[channel]
        layers = max(1, round(DEFAULT_SIZE_M[name][2] / grid.voxel_m))
        _show(out[x, y], CLASS[name], layers)
    return out


def _show(column: np.ndarray, label: int, layers: int) -> None:
    """Let a column (Z,) that shows an agent show another, `layers` high, and keep what it shows."""
    agents = np.flatnonzero(IS_AGENT[column])
    own = np.arange(agents[0], min(agents[0] + layers, len(column)))
    free = own[column[own] == FREE]
    if len(free):
        column[free] = label
        return
    counts = np.bincount(column[agents], minlength=256)
    spare = [z for z in own if IS_AGENT[column[z]] and counts[column[z]] > 1]
    above = np.flatnonzero(column[agents[-1] :] == FREE) + agents[-1]
    if spare:
        column[spare[-1]] = label
    elif len(above):
        column[above[0]] = label
