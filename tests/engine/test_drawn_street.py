"""Small things of a street as a demanding person looks at them: signs, benches, rows of tiles."""

from __future__ import annotations

import numpy as np
import pytest

from engine.spec.classes import CLASS
from engine.views.drawn.mesh import CLASS_ID, Material, part
from engine.views.drawn.poles import SIGNS, sign
from engine.views.drawn.roofs import SLATE, TILES, roof_surface
from engine.views.drawn.solids import Solids
from engine.views.drawn.surface import ALBEDO, ANSWER
from tests.engine.test_drawn_buildings import GROUND_K, MANMADE, built_from, empty_world

OTHERS, VEGETATION = CLASS["others"], CLASS["vegetation"]


def test_every_sign_has_a_mark_within_its_face() -> None:
    for corners, _, *_, strokes in SIGNS:
        inner = (0.33 if corners == 8 else 0.30) * np.cos(np.pi / corners)
        for left, low, right, high in strokes:
            assert left < right and low < high
            assert np.hypot(max(-left, right), max(-low, high)) <= (0.30 if corners in (4, 8, 16) else inner + 0.02)


def test_a_parking_sign_reads_from_left_to_right() -> None:
    """Its P has its stem to the left of its bowl for whoever stands before it."""
    for dice in range(200):
        solids = Solids(np.zeros(3))
        sign(solids, np.zeros(3), np.array([0.0, 1.0]), dice, 2.6)
        mesh = solids.mesh()
        mark = mesh.face_part == mesh.face_part.max()
        if mark.sum() != 2 * len(SIGNS[1][5]):
            continue
        corners = mesh.vertices[mesh.faces[mark]]
        out = np.cross(corners[0, 1] - corners[0, 0], corners[0, 2] - corners[0, 0])
        right = np.cross([0.0, 0.0, 1.0], out / np.linalg.norm(out))
        across = corners.reshape(-1, 3) @ right
        tall = np.ptp(corners[..., 2], axis=1)
        stem = corners[tall > 0.99 * tall.max()].reshape(-1, 3) @ right
        assert stem.mean() < (across.min() + across.max()) / 2
        return
    raise AssertionError("no dice of 200 threw a parking sign")


@pytest.mark.parametrize("before", ["nothing", "shrubs", "a mast"])
def test_nobody_sits_in_a_shrub_or_against_a_mast(before: str) -> None:
    world = empty_world()
    world.labels[100:104, 118, GROUND_K + 1] = OTHERS
    if before == "shrubs":
        world.labels[102:108, 118:121, GROUND_K + 1 : GROUND_K + 4] = VEGETATION
        world.labels[100:104, 118, GROUND_K + 1] = OTHERS
    elif before == "a mast":
        world.labels[101, 119, GROUND_K + 1 : GROUND_K + 12] = MANMADE
    mesh, _ = built_from(world)
    drawn = (mesh.parts[mesh.face_part, CLASS_ID] == OTHERS).sum()
    assert (drawn > 0) == (before == "nothing")


@pytest.mark.parametrize("kind", [TILES, SLATE])
def test_rows_of_tiles_do_not_beat_with_the_pixels(kind: int) -> None:
    """Rows hardly wider than a pixel show next to nothing of themselves: sampled, they were rings on far roofs."""
    row = part(Material.ROOF, (0.2, 0.2, 0.2), MANMADE, params=(float(kind),))
    rows, out = (0.30 if kind == TILES else 0.20), np.zeros(ANSWER)
    seen = np.zeros((10, 300))
    for phase in range(10):
        for k in range(300):
            roof_surface(row, 3.0, (k + phase / 10) * rows, 0.85 * rows, 0.85 * rows, out)
            seen[phase, k] = out[ALBEDO]
    assert np.ptp(seen.mean(axis=1)) < 0.025 * seen.mean()
