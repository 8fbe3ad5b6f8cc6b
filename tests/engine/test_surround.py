"""Calls and plans for any rig: the paper's chain for six cameras, and what holds for rigs drawn at random."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from editor.rigs import load_rig, rig_names
from engine.spec.camera import Camera, Rig, surround_cameras
from engine.spec.geometry import Pose, rotation
from engine.views.calls import Call, CallError, Plan, chunks
from engine.views.sight import Sight
from engine.views.surround import LEAST_SHARED, WIDENED, anchored, densify, plan

AHEAD = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])  # ego_R_camera of a camera that looks along x


def camera(name: str, yaw_deg: float, fov_deg: float = 65.0, *, pitch_deg: float = 0.0, at: tuple[float, float, float] = (1.0, 0.0, 1.6)) -> Camera:
    """160 x 90; positive pitch looks down."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(math.radians(yaw_deg), math.radians(pitch_deg)) @ AHEAD, at
    focal = 80 / math.tan(math.radians(fov_deg) / 2)
    return Camera(name, 160, 90, focal, focal, 80, 45, Pose.from_matrix(pose))


def fisheye(name: str, yaw_deg: float, at: tuple[float, float, float] = (1.0, 0.0, 1.0)) -> Camera:
    """190 degrees across, equidistant."""
    lens = camera(name, yaw_deg, at=at)
    focal = 80 / math.radians(95)
    return replace(lens, fx=focal, fy=focal, fisheye=(0.0, 0.0, 0.0, 0.0))


def ring(*yaws_deg: float, fov_deg: float = 65.0) -> list[Camera]:
    return [camera(f"at_{yaw:g}", yaw, fov_deg) for yaw in yaws_deg]


def edges(of: Plan) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(call.anchors, call.targets) for call in of.calls]


def random_rig(rng: np.random.Generator) -> list[Camera]:
    """1 to 9 cameras: most look around, some up, down or the same way, a telephoto, a fisheye, one on a mast."""
    cameras = []
    for k in range(int(rng.integers(1, 10))):
        place = tuple(rng.uniform((-1, -1, 0.5), (3, 1, 2.5)))
        kind = rng.choice(["around", "around", "around", "tilted", "telephoto", "fisheye", "away", "twin"])
        yaw = float(rng.uniform(-180, 180))
        if kind == "fisheye":
            cameras.append(fisheye(f"c{k}", yaw, place))
        elif kind == "twin" and cameras:
            like = cameras[-1]
            beside = like.ego_SE3_camera.matrix() @ np.array([[1, 0, 0, 0.3], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
            cameras.append(replace(like, name=f"c{k}", ego_SE3_camera=Pose.from_matrix(beside)))
        elif kind == "away":
            cameras.append(camera(f"c{k}", yaw, 70, pitch_deg=20, at=(*rng.uniform(-40, 40, 2), 8.0)))
        else:
            pitch = float(rng.uniform(-90, 90)) if kind == "tilted" else float(rng.uniform(-10, 10))
            cameras.append(camera(f"c{k}", yaw, 12.0 if kind == "telephoto" else float(rng.uniform(40, 120)), pitch_deg=pitch, at=place))
    return cameras


RIGS = [random_rig(np.random.default_rng(seed)) for seed in range(24)]


# Calls and plans.


def test_a_call_is_one_of_the_five_modes() -> None:
    calls = [Call((), ("a",)), Call((), ("a", "b")), Call((), ("a", "b", "c"), True), Call(("a",), ("b",)), Call(("a", "c"), ("b",))]
    assert [call.mode for call in calls] == ["one view", "two views", "three views", "neighbour", "middle"]
    assert calls[4].group == ("a", "b", "c"), "the target of two anchors lies between them"
    assert Call(("a",), ("b",), group=("b", "a")).group == ("b", "a")


@pytest.mark.parametrize(
    ("anchors", "targets", "group", "words"),
    [
        ((), (), (), "0 anchors and 0 targets"),
        ((), ("a", "b", "c", "d"), (), "4 targets"),
        (("a",), ("b", "c"), (), "1 anchors and 2 targets"),
        (("a", "b", "c"), ("d",), (), "3 anchors"),
        (("a",), ("a",), (), "names a camera twice"),
        (("a",), ("b",), ("a", "c"), "must hold the call's own views"),
    ],
)
def test_other_calls_are_refused(anchors: tuple[str, ...], targets: tuple[str, ...], group: tuple[str, ...], words: str) -> None:
    with pytest.raises(CallError, match=words):
        Call(anchors, targets, group=group)


def test_a_plan_makes_each_camera_once_and_anchors_first() -> None:
    first, second = Call((), ("a",)), Call(("a",), ("b",))
    assert Plan((first, second)).needs == ((), (0,))
    with pytest.raises(CallError, match="'a' would be made twice"):
        Plan((first, first))
    with pytest.raises(CallError, match="'a' would be made twice"):
        Plan((first,), frozenset("a"))
    with pytest.raises(CallError, match="'a' is an anchor of b before it is made"):
        Plan((second, first))
    assert Plan((second,), frozenset("a")).ready(()) == (0,)


# The rigs that come with the studio.


def test_six_nuscenes_cameras_are_the_papers_four_calls() -> None:
    chain = plan(load_rig("nuscenes6").cameras)
    left, ahead, right = "CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT"
    assert chain.calls[0] == Call((), (left, ahead, right))
    assert set(chain.calls[1:3]) == {
        Call((left,), ("CAM_BACK_LEFT",), group=("CAM_BACK_LEFT", left)),
        Call((right,), ("CAM_BACK_RIGHT",), group=(right, "CAM_BACK_RIGHT")),
    }
    # Seen from the middle of the picture backwards, the car's right is on the left.
    assert chain.calls[3:] == (Call(("CAM_BACK_RIGHT", "CAM_BACK_LEFT"), ("CAM_BACK",)),)
    assert chain.needs == ((), (0,), (0,), (1, 2)) and chain.waves() == ((0,), (1, 2), (3,))
    assert chain.ready([0, 1]) == (2,)


def test_seven_and_twelve_cameras_go_round_both_ways_and_close_with_both() -> None:
    seven = plan(load_rig("av2_ring").cameras)
    assert seven.calls[0].targets == ("ring_front_left", "ring_front_center", "ring_front_right")
    assert [call.mode for call in seven.calls[1:]] == ["neighbour", "neighbour", "neighbour", "middle"]
    twelve = plan(load_rig("surround12").cameras)
    assert twelve.calls[-1] == Call(("VIEW_210", "VIEW_150"), ("VIEW_180",)) and len(twelve.waves()) == 6


# Rigs of every kind.


def test_a_fan_is_not_closed_and_one_or_two_cameras_are_one_call() -> None:
    assert edges(plan(ring(0))) == [((), ("at_0",))]
    assert edges(plan(ring(-50, 0))) == [((), ("at_0", "at_-50"))]
    assert edges(plan(ring(-100, -50, 0, 50, 100))) == [
        ((), ("at_50", "at_0", "at_-50")),
        (("at_50",), ("at_100",)),
        (("at_-50",), ("at_-100",)),
    ]


def test_a_telephoto_follows_the_wide_view_around_it() -> None:
    cameras = [camera("tele", 0, 15), camera("wide", 1, 90), camera("left", 70, 70), camera("right", -70, 70)]
    assert edges(plan(cameras)) == [((), ("left", "wide", "right")), (("wide",), ("tele",))]
    assert edges(plan(cameras, start="tele"))[:2] == [((), ("tele",)), (("tele",), ("wide",))], "asked for, it may begin"


def test_two_cameras_that_look_the_same_way_are_made_one_from_the_other() -> None:
    stereo = [camera("left", 0, at=(1, 0.2, 1.5)), camera("right", 0, at=(1, -0.2, 1.5))]
    assert edges(plan(stereo)) == [((), ("left",)), (("left",), ("right",))]
    assert plan(stereo).calls[1].group == ("left", "right"), "equal headings stand as they are mounted"


def test_views_with_gaps_follow_the_nearest_and_far_ones_stand_alone() -> None:
    four = plan(ring(0, 90, 180, -90, fov_deg=70))
    assert edges(four) == [((), ("at_0",)), (("at_0",), ("at_90",)), (("at_0",), ("at_-90",)), (("at_-90", "at_90"), ("at_180",))]
    two = plan(ring(0, 180, fov_deg=60))
    assert edges(two) == [((), ("at_0",)), ((), ("at_180",))] and two.waves() == ((0, 1),)
    on_a_mast = plan([*ring(0, 55), camera("mast", 180, 60, pitch_deg=10, at=(120, 0, 8))])
    assert ((), ("mast",)) in edges(on_a_mast), "it sees the other side of what the front camera sees"


def test_four_fisheyes_and_cameras_that_look_up_and_down() -> None:
    car = [fisheye("front", 0, (3, 0, 0.7)), fisheye("left", 90, (1, 1, 1)), fisheye("back", 180, (-1, 0, 1)), fisheye("right", -90, (1, -1, 1))]
    assert edges(plan(car)) == [((), ("left", "front", "right")), (("right", "left"), ("back",))]
    steep = [*ring(0, 55, -55), camera("up", 0, 90, pitch_deg=-60), camera("down", 0, 90, pitch_deg=90)]
    assert edges(plan(steep)) == [
        ((), ("at_55", "at_0", "at_-55")),  # neighbours stand side by side, not one over the other
        (("at_55", "at_0"), ("up",)),
        ((), ("down",)),  # under the bonnet nobody else looks
    ]


@pytest.mark.parametrize("cameras", RIGS, ids=range(len(RIGS)))
def test_random_rigs_are_covered_once_and_anchored_on_what_they_see(cameras: list[Camera]) -> None:
    made = plan(cameras)  # Plan itself refuses a camera made twice and an anchor that is not there yet
    names = [one.name for one in cameras]
    assert sorted(name for call in made.calls for name in call.targets) == sorted(names)
    assert sorted(itertools.chain(*made.waves())) == list(range(len(made.calls)))
    sight, wide = Sight(cameras), Sight(cameras, WIDENED)
    there: set[int] = set()
    for call in made.calls:
        targets, anchors = ([names.index(name) for name in part] for part in (call.targets, call.anchors))
        for k in targets:
            really = [m for m in there if sight.overlap(k, m) >= LEAST_SHARED]
            if not anchors and really:
                pytest.fail(f"{call.targets} begins anew, though {names[k]} overlaps {[names[m] for m in really]}")
            for m in anchors:
                assert (sight if really else wide).overlap(k, m) >= LEAST_SHARED, f"{names[m]} shows nothing of {names[k]}"
        there.update(targets)


@pytest.mark.parametrize("cameras", RIGS[:12], ids=range(12))
def test_neither_names_nor_order_decide(cameras: list[Camera]) -> None:
    rng = np.random.default_rng(len(cameras))
    made = plan(cameras)
    assert plan(cameras) == made
    assert plan([cameras[k] for k in rng.permutation(len(cameras))]) == made
    other = {one.name: f"x{k}" for k, one in zip(rng.permutation(len(cameras)), cameras, strict=True)}

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(other[name] for name in names)

    expected = [(renamed(c.anchors), renamed(c.targets), renamed(c.group)) for c in made.calls]
    again = plan([replace(one, name=other[one.name]) for one in cameras])
    assert [(c.anchors, c.targets, c.group) for c in again.calls] == expected


@pytest.mark.parametrize("cameras", RIGS[:12], ids=range(12))
def test_only_what_is_missing_is_made_anew(cameras: list[Camera]) -> None:
    rng = np.random.default_rng(7 + len(cameras))
    given = {one.name for one in cameras if rng.random() < 0.5}
    made = plan(cameras, given)
    assert sorted(name for call in made.calls for name in call.targets) == sorted({one.name for one in cameras} - given)


def test_a_camera_made_again_stands_between_its_neighbours() -> None:
    rig = load_rig("nuscenes6")
    again = plan(rig.cameras, given={one.name for one in rig.cameras} - {"CAM_BACK_LEFT"})
    assert edges(again) == [(("CAM_BACK", "CAM_FRONT_LEFT"), ("CAM_BACK_LEFT",))]


@pytest.mark.parametrize(
    ("cameras", "more", "words"),
    [
        ([], {}, "no camera to plan for"),
        (ring(0, 0), {}, "Two cameras are called 'at_0'"),
        (ring(0), {"given": ["x"]}, "no camera 'x' in this rig: it has at_0"),
        (ring(0), {"start": "y"}, "no camera 'y'"),
    ],
)
def test_what_cannot_be_planned_is_said(cameras: list[Camera], more: dict, words: str) -> None:
    with pytest.raises(CallError, match=words):
        plan(cameras, **more)


# One photograph.


@pytest.mark.parametrize("name", [one.name for one in load_rig("nuscenes6").cameras])
def test_a_photograph_begins_the_plan(name: str) -> None:
    rig = load_rig("nuscenes6")
    picture = np.zeros((90, 160, 3), np.uint8)
    made = anchored(rig, name, picture)
    assert name in made.calls[0].targets and made.calls[0].mode == "three views" and made.pictures[name] is picture
    assert [call.first_frame for call in made.calls] == [True] + [False] * (len(made.calls) - 1)
    assert sorted(target for call in made.calls for target in call.targets) == sorted(one.name for one in rig.cameras)


def test_a_photograph_ahead_keeps_the_usual_chain() -> None:
    rig = load_rig("nuscenes6")
    made = anchored(rig, "CAM_FRONT", np.zeros((900, 1600, 3), np.uint8))
    assert edges(made) == edges(plan(rig.cameras))


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros((90, 160, 3)), "must be uint8"),
        (np.zeros((90, 160), np.uint8), "must be uint8"),
        (np.zeros((90, 90, 3), np.uint8), "90 x 90 has not the proportions of camera 'CAM_BACK'"),
    ],
)
def test_a_photograph_that_does_not_fit_is_refused(picture: np.ndarray, words: str) -> None:
    with pytest.raises(CallError, match=words):
        anchored(load_rig("nuscenes6"), "CAM_BACK", picture)


# Denser rigs.


@pytest.mark.parametrize("name", rig_names())
def test_six_become_twelve_become_twenty_four(name: str) -> None:
    rig = load_rig(name)
    count = len(rig.cameras)
    twice, plan_2 = densify(rig)
    fourfold, plan_4 = densify(twice, plan_2)
    assert (len(twice.cameras), len(fourfold.cameras)) == (2 * count, 4 * count)
    for before, after in ((rig, twice), (twice, fourfold)):
        assert all(a is b for a, b in zip(before.cameras, after.cameras, strict=False)), "what was there stays, the same objects"
    first = plan(rig.cameras)
    assert plan_2.calls[: len(first.calls)] == first.calls and plan_4.calls[: len(plan_2.calls)] == plan_2.calls
    assert all(call.mode == "middle" for call in plan_4.calls[len(first.calls) :])
    names = [one.name for one in fourfold.cameras]
    assert len(set(names)) == len(names) and densify(*densify(rig))[0] == fourfold
    sight = Sight(twice.cameras)
    at = {one.name: k for k, one in enumerate(twice.cameras)}
    for call in plan_2.calls[len(first.calls) :]:
        for anchor in call.anchors:
            assert sight.covered(at[call.targets[0]], (at[anchor],)) > 0.3, call


def test_a_document_of_the_denser_rig_has_the_same_first_calls() -> None:
    """Originals stay what they were even where nobody remembers which cameras were inserted."""
    for rig in (load_rig("nuscenes6"), load_rig("av2_ring"), Rig("six", tuple(surround_cameras()))):
        denser, wanted = densify(rig)
        made, chain = plan(denser.cameras), plan(rig.cameras)
        assert made.calls[: len(chain.calls)] == chain.calls and set(made.calls) == set(wanted.calls)


def test_a_rig_without_neighbours_cannot_be_denser() -> None:
    with pytest.raises(CallError, match="Rig 'lone' has no two neighbours"):
        densify(Rig("lone", tuple(ring(0))))


# Long videos.


@pytest.mark.parametrize(("size", "carried"), [(17, 5), (49, 5), (17, 0), (5, 1), (9, 5), (1, 0)])
def test_chunks_cover_every_frame_once(size: int, carried: int) -> None:
    for frames in range(1, 130):
        pieces = chunks(frames, size, carried)
        made = [k for piece in pieces for k in range(piece.start + piece.carried, piece.stop)]
        assert made == list(range(frames))
        for before, piece in itertools.pairwise(pieces):
            assert piece.carried == carried and piece.start == before.stop - carried and before.length == size
        for piece in pieces:
            assert piece.length % 4 == 1 % 4 or size == 1
            assert piece.carried + piece.new <= piece.length <= min(size, piece.carried + piece.new + 3)
        assert pieces[0].carried == 0


def test_chunks_of_the_notes_add_twelve_and_forty_four() -> None:
    assert [(c.start, c.new) for c in chunks(17 + 12 * 2, 17, 5)] == [(0, 17), (12, 12), (24, 12)]
    assert [c.new for c in chunks(49 + 44, 49, 5)] == [49, 44]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((0, 17, 5), "0 frames"), ((9, 16, 5), "A chunk cannot be 16"), ((9, 17, 4), "carried over cannot be 4"), ((9, 5, 5), "make nothing new")],
)
def test_chunks_that_cannot_be_are_refused(arguments: tuple[int, int, int], words: str) -> None:
    with pytest.raises(CallError, match=words):
        chunks(*arguments)
