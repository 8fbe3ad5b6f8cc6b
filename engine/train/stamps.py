"""Small agents painted where the world has none, with what they look like: a decoder learns to obey paint over latents (ours).

A bollard on a sidewalk is one column wide, and neither the procedural worlds nor the latents that were generated for a layout without it
know of it. To the decoder, which sees the layout, that must make no difference.
"""

from __future__ import annotations

import numpy as np

from engine.spec.classes import AGENTS, CHANNEL, CLASS, FREE, GROUND

HEIGHTS_VOXELS = {"barrier": (2, 3), "traffic_cone": (2, 3), "pedestrian": (4, 5)}
"""Lowest and highest."""
MOST = 12
"""Stamps in a crop."""
EDGE = 2
"""Columns along a stamp's side, at most."""


def stamp(rng: np.random.Generator, semantics: np.ndarray, layout: np.ndarray) -> None:
    """Stamps up to MOST small agents, in place: class ids (X, Y, Z) and layout (15, X, Y). Only on bare ground with no agent beside it."""
    agents = layout[: len(AGENTS)]  # a view: what was stamped is an agent too         (10, X, Y)
    for _ in range(int(rng.integers(0, MOST + 1))):
        name = str(rng.choice(list(HEIGHTS_VOXELS)))
        high = int(rng.integers(HEIGHTS_VOXELS[name][0], HEIGHTS_VOXELS[name][1] + 1))
        sides = rng.integers(1, EDGE + 1, 2)
        x, y = (int(rng.integers(1, size - side)) for size, side in zip(semantics.shape[:2], sides, strict=True))
        place = (slice(x, x + sides[0]), slice(y, y + sides[1]))
        around = (slice(x - 1, x + sides[0] + 1), slice(y - 1, y + sides[1] + 1))
        columns = semantics[place].reshape(-1, semantics.shape[2])                   # (n, Z)
        ground = (columns != FREE).argmax(1)                                         # (n,)
        rows = np.arange(len(columns))[:, None]
        body = ground[:, None] + 1 + np.arange(high)                                 # (n, high)
        if agents[(slice(None), *around)].any() or body.max() >= semantics.shape[2]:
            continue
        if not np.isin(columns[rows[:, 0], ground], GROUND).all() or (columns[rows, body] != FREE).any():
            continue
        columns[rows, body] = CLASS[name]
        semantics[place] = columns.reshape(*semantics[place].shape)
        layout[CHANNEL[name]][place] = 1
