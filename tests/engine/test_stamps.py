"""Small agents painted where the world has none: on bare ground, in paint and occupancy alike, and nothing else changes."""

from __future__ import annotations

import numpy as np

from engine.data.worlds import make_world
from engine.spec.classes import CHANNEL, CLASS, FREE, GROUND
from engine.train.stamps import EDGE, HEIGHTS_VOXELS, MOST, stamp


def test_stamps_are_small_agents_on_bare_ground() -> None:
    world = make_world(600_000_000)
    clip = world.clip(1)
    before, painted = next(iter(world.occupancy(clip))).semantics, clip.layouts[0]
    counts = []
    for seed in range(20):
        semantics, layout = before.copy(), painted.copy()
        stamp(np.random.default_rng(seed), semantics, layout)
        new = (layout != painted).any(0)
        counts.append(int(new.sum()))
        assert (semantics[~new] == before[~new]).all()
        changed = semantics != before
        assert (changed.any(2) == new).all() and (before[changed] == FREE).all()
        for x, y in np.argwhere(new):
            name = next(name for name in HEIGHTS_VOXELS if layout[CHANNEL[name], x, y])
            body = np.flatnonzero(changed[x, y])
            assert HEIGHTS_VOXELS[name][0] <= len(body) <= HEIGHTS_VOXELS[name][1]
            assert (semantics[x, y, body] == CLASS[name]).all()
            assert semantics[x, y, body[0] - 1] in GROUND and body[-1] - body[0] == len(body) - 1, "it stands, in one piece"
            assert not painted[:10, max(0, x - 1) : x + 2, max(0, y - 1) : y + 2].any(), "not in an agent, nor beside one"
    assert 0 < np.mean(counts) <= max(counts) <= MOST * EDGE**2 and len(set(counts)) > 5
