"""The measures of two takes of one street, against plain loops and worlds whose answer is known."""

from __future__ import annotations

import numpy as np

from engine.metrics.same_world import FoundAgain, StaysTheSame, edited_cells, found_again
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.geometry import Box, Pose
from engine.spec.grid import OCC3D

SMALL = OCC3D.crop(24)
LAYOUT = np.zeros((15, *SMALL.bev_shape), np.uint8)


def random_world(seed: int) -> np.ndarray:
    """A tenth of the voxels are something, agents among them."""
    dice = np.random.default_rng(seed)
    made = np.where(dice.random(SMALL.shape) < 0.1, dice.integers(11, 20, SMALL.shape), FREE).astype(np.uint8)
    made[dice.random(SMALL.bev_shape) < 0.1, 5] = CLASS["car"]
    return made


def test_found_again_equals_a_plain_loop() -> None:
    one, other = random_world(0), random_world(1)
    pose = Pose(0.9, -0.5, 0.1, 0.2, 0.02).matrix()
    found, asked = found_again(one, other, SMALL, pose)
    slow_found, slow_asked = np.zeros_like(found), np.zeros_like(asked)
    agent = [((volume >= 1) & (volume <= 10)).any(2) for volume in (one, other)]
    for i, j, k in np.argwhere((one != FREE) & ~agent[0][..., None]):
        point = pose[:3, :3] @ ((np.array([i, j, k]) + 0.5) * 0.4 + SMALL.origin_m) + pose[:3, 3]
        at = np.floor((point - SMALL.origin_m) / 0.4).astype(int)
        if (at < 0).any() or (at >= SMALL.shape).any() or agent[1][at[0], at[1]]:
            continue
        slow_asked[i, j] += 1
        near = tuple(slice(max(0, n - 1), n + 2) for n in at)
        slow_found[i, j] += (other[near] == one[i, j, k]).any()
    assert np.array_equal(found, slow_found) and np.array_equal(asked, slow_asked)
    assert 0 < found.sum() < asked.sum()


def test_a_world_seen_from_elsewhere_is_found_and_another_is_not() -> None:
    poses = Pose().matrix(), Pose(0.8, 0.4).matrix()
    one = random_world(0)
    other = np.full_like(one, FREE)
    other[:-2, :-1] = one[2:, 1:]
    layout = LAYOUT.copy()
    layout[CHANNEL["drivable_area"], :, :12] = 1
    same, elsewhere = FoundAgain(SMALL), FoundAgain(SMALL)
    same.add(one, other, poses, (layout, layout))
    assert same.scores()["found_again"] == same.scores()["found_again_unpainted"] == 100 and same.scores()["frames"] == 1
    elsewhere.add(one, random_world(2), poses, (layout, layout))
    scores = elsewhere.scores()
    assert 0 < scores["found_again_painted"] < 40 and 0 < scores["found_again_unpainted"] < 40
    assert FoundAgain(SMALL).scores()["found_again"] is None


def test_what_stays_is_counted_far_from_the_edit_only() -> None:
    before = np.full(OCC3D.shape, FREE, np.uint8)
    before[:, :, 2] = CLASS["terrain"]
    after = before.copy()
    after[100, 100, 2] = CLASS["manmade"]
    changed = np.zeros(OCC3D.bev_shape, bool)
    changed[100, 90] = True
    near = StaysTheSame(OCC3D)
    near.add(before, after, changed)
    assert near.scores()["stay_the_same"] == 100
    slow = sum(np.hypot(i - 100, j - 90) * 0.4 > 8 for i, j in np.ndindex(*OCC3D.bev_shape))
    assert near.scores()["voxels"] == slow
    far = StaysTheSame(OCC3D)
    changed[100, 90], changed[10, 10] = False, True
    far.add(before, after, changed)
    assert far.either == near.either - far_difference(changed) and far.same == far.either - 1


def far_difference(changed: np.ndarray) -> int:
    """How many fewer cells lie more than 8 m from these than from cell (100, 90)."""
    def far(i: int, j: int) -> int:
        x, y = np.meshgrid(*(np.arange(n) for n in OCC3D.bev_shape), indexing="ij")
        return int((np.hypot(x - i, y - j) * 0.4 > 8).sum())

    (place,) = np.argwhere(changed)
    return far(100, 90) - far(*place)


def test_agents_do_not_count_and_edited_cells_are_old_and_new_places() -> None:
    before = np.full(SMALL.shape, FREE, np.uint8)
    before[3, 4, 2] = CLASS["terrain"]
    after = before.copy()
    after[3, 4, 3] = CLASS["car"]
    stays = StaysTheSame(SMALL)
    stays.add(before, after, np.zeros(SMALL.bev_shape, bool))
    assert stays.scores() == {"stay_the_same": None, "voxels": 0, "frames": 1}
    there, here = (Box(7, "car", (x, 0.0, 0.8), (2.0, 1.6, 1.6), 0.0) for x in (-3.0, 3.0))
    cells = edited_cells((LAYOUT, LAYOUT), ([there], [here]), SMALL)
    x, _ = SMALL.cell_centers_m()
    assert cells.any(1)[np.abs(x + 3) < 0.8].all() and cells.any(1)[np.abs(x - 3) < 0.8].all() and not cells.any(1)[np.abs(x) < 1.5].any()
