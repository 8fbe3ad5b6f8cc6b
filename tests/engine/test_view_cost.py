"""What a plan costs: the notes' numbers for Wan 2.1, and how minutes and memory follow from the calls."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from editor.rigs import load_rig
from engine.spec.camera import surround_cameras
from engine.views import registry
from engine.views.cost import DRAWN, WAN_1_3B, WAN_14B, ModelCost, estimate
from engine.views.surround import plan

SIMPLE = ModelCost(
    tokens_per_latent=10,
    flop_per_token=2.0,
    flop_per_pair=1.0,
    passes=3,
    flop_per_s=1.0,
    fixed_bytes=1000.0,
    bytes_per_token=1.0,
    basis="a test",
    seconds_per_picture=5.0,
    chunk_frames=9,
)


def test_wan_costs_what_the_notes_computed() -> None:
    chain = plan(load_rig("nuscenes6").cameras)
    assert WAN_14B.tokens(3, 49) == WAN_1_3B.tokens(3, 49) == 60_840
    assert WAN_14B.pass_flop(60_840) == pytest.approx(5.4e15, rel=0.02) and WAN_1_3B.pass_flop(60_840) == pytest.approx(1.0e15, rel=0.02)
    four_steps = estimate(chain, 49, WAN_14B)
    once_through = sum(one.flop / one.passes for one in four_steps.calls)
    assert once_through == pytest.approx(17.5e15, rel=0.08), "the notes count every weight as if all tokens met it"
    assert four_steps.seconds / 60 == pytest.approx(3, rel=0.1) and four_steps.memory_bytes == pytest.approx(50e9, rel=0.02)
    assert estimate(chain, 49, replace(WAN_14B, passes=2 * 50)).seconds / 60 == pytest.approx(73, rel=0.08)


def test_a_call_is_counted_by_hand() -> None:
    chain = plan(load_rig("nuscenes6").cameras)
    told = estimate(chain, 9, SIMPLE)
    three = 3 * 10 * 3  # views x tokens x latent frames
    assert (told.calls[0].tokens, told.calls[0].passes, told.calls[0].chunks) == (three, 3, 1)
    assert told.calls[0].flop == 3 * (2 * three + three**2)
    assert told.calls[0].seconds == told.calls[0].flop + 27 * 5 and told.calls[0].memory_bytes == 1000 + three
    assert told.seconds == sum(one.seconds for one in told.calls)
    assert told.calls[3].seconds == told.calls[3].flop + 9 * 5, "anchors are run along, and not drawn again"
    first, second, third, last = (one.seconds for one in told.calls)
    assert second == third and told.side_by_side_s == first + second + last, "the two sides at once, then the back"


def test_long_videos_take_longer_and_no_more_memory() -> None:
    chain = plan(load_rig("nuscenes6").cameras)
    lengths = [estimate(chain, frames, SIMPLE) for frames in (9, 13, 17, 21, 200)]
    assert [one.calls[0].chunks for one in lengths] == [1, 2, 3, 4, 49]
    assert all(a.seconds < b.seconds and a.memory_bytes == b.memory_bytes for a, b in itertools.pairwise(lengths))


def test_a_plan_with_nothing_to_make_costs_nothing() -> None:
    rig = load_rig("nuscenes6")
    told = estimate(plan(rig.cameras, given=[one.name for one in rig.cameras]), 9, SIMPLE)
    assert (told.calls, told.seconds, told.side_by_side_s, told.memory_bytes) == ((), 0, 0, 1000)


def test_pictures_are_counted_at_the_size_at_which_they_are_drawn() -> None:
    small, large, huge = (DRAWN.seconds(surround_cameras(*size), 10) for size in ((224, 128), (448, 256), (1600, 900)))
    assert large == huge == pytest.approx(0.9 + 60 * 0.17) and small == pytest.approx(0.9 + 15 * 0.17)


def test_the_cost_of_drawn_is_known_by_name_and_of_the_sizes_that_it_draws() -> None:
    assert registry.entry("drawn").cost is DRAWN
    from engine.views.drawn.model import DrawnViews

    assert all(DrawnViews().size(one).width * DrawnViews().size(one).height <= DRAWN.most_pixels for one in load_rig("nuscenes6").cameras)
