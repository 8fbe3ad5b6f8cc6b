"""Wan as a view model: the whole path on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.spec.camera import Camera, Rig, surround_cameras
from engine.views.surround import densify

pytest.importorskip("diffusers", reason="diffusers is in the extra views-wan, which is not installed")
pytest.importorskip("transformers", reason="transformers is in the extra views-wan, which is not installed")

from engine.views.ggve.wan.latents import pictures_of  # noqa: E402
from engine.views.ggve.wan.settings import Settings  # noqa: E402
from tests.engine.wan.tiny import QUICK, SIX, Street, drawn, plain, views_of  # noqa: E402


def test_a_surround_take_is_made_call_by_call(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.views.ggve.wan import model as module

    modes = []
    real = module._Take._run
    monkeypatch.setattr(module._Take, "_run", lambda self, call, *rest: modes.append(call.mode) or real(self, call, *rest))
    street = Street(SIX, 1)
    made = drawn(views_of(home), street.scene())
    assert set(made) == {c.name for c in SIX} and all(video.shape == (1, 16, 32, 3) for video in made.values())
    assert modes == ["three views", "neighbour", "neighbour", "middle"]


def test_the_seed_decides_and_nothing_else(home: Path) -> None:
    views, street = views_of(home), Street(SIX[:1], 1)
    one, again, other = (drawn(views, street.scene(seed=seed))["camera_0"] for seed in (0, 0, 1))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.mark.parametrize(("given", "mode"), [((), "two views"), (("camera_1",), "neighbour")])
def test_other_modes(home: Path, given: tuple[str, ...], mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.views.ggve.wan import model as module

    modes = []
    real = module._Take._run
    monkeypatch.setattr(module._Take, "_run", lambda self, call, *rest: modes.append(call.mode) or real(self, call, *rest))
    kept = np.random.default_rng(1).integers(0, 256, (1, 16, 32, 3)).astype(np.uint8)
    made = drawn(views_of(home), Street(SIX[:2], 1).scene(given={name: lambda index: kept[index] for name in given}))
    assert modes == [mode] and set(made) == {"camera_0", "camera_1"}
    for name in given:
        assert np.array_equal(made[name], kept), "a view that is given comes back as it is"


def test_a_camera_put_between_two_is_made_from_both_and_leaves_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.views.ggve.wan import model as module

    seen = []
    real = module._Take._run
    monkeypatch.setattr(module._Take, "_run", lambda self, call, *rest: seen.append(call) or real(self, call, *rest))
    rig, dense = densify(Rig("pair", SIX[:2]))
    kept = np.random.default_rng(1).integers(0, 256, (2, 16, 32, 3)).astype(np.uint8)
    given = {camera.name: lambda index, picture=kept[k]: picture for k, camera in enumerate(SIX[:2])}
    made = drawn(views_of(home), Street(rig.cameras, 1).scene(given=given))
    assert [call.mode for call in seen] == ["middle"] and seen[0].targets == dense.calls[-1].targets
    assert all(np.array_equal(made[camera.name][0], kept[k]) for k, camera in enumerate(SIX[:2]))
    assert made[seen[0].targets[0]].std() > 1


def test_an_anchor_and_a_first_picture_steer_what_is_made(home: Path) -> None:
    random = np.random.default_rng(2)
    one, two = (random.integers(0, 256, (16, 32, 3)).astype(np.uint8) for _ in range(2))
    street, loud = Street(SIX[:2], 5), plain(home)
    for linear in (loud.control.proj_in, *loud.control.proj_out):
        linear.weight *= 10                                                          # a random decoder hides small differences
    views = views_of(home, model=loud)
    by_anchor = [drawn(views, street.scene(given={"camera_1": lambda index, picture=p: picture}))["camera_0"] for p in (one, two)]
    assert not np.array_equal(*by_anchor)
    free = drawn(views, street.scene())["camera_0"]
    first = drawn(views, street.scene(reference={"camera_0": one}))["camera_0"]
    assert np.array_equal(first[0], one) and not np.array_equal(first[1:], free[1:])


def test_chunks_carry_their_last_pictures_over(home: Path) -> None:
    settings, seen = replace(QUICK, chunk_frames=9, carried_frames=5), []
    views = views_of(home, settings)
    encode = views.latents.encode
    views.latents.encode = lambda video: seen.append(video) or encode(video)  # type: ignore[method-assign]
    made = drawn(views, Street(SIX[:1], 13).scene())["camera_0"]
    carried = [video for video in seen if video.shape[2] == 5 and np.array_equal(pictures_of(video[0]), made[4:9])]
    assert made.shape[0] == 13 and carried, "the next chunk is given the last five pictures"


def test_cameras_of_different_sizes_go_together(home: Path) -> None:
    cameras = (SIX[0], surround_cameras(16, 32)[1])
    made = drawn(views_of(home), Street(cameras, 1).scene())
    assert made["camera_0"].shape == (1, 16, 32, 3) and made["camera_1"].shape == (1, 32, 16, 3)


def test_frames_are_pulled_chunk_by_chunk_and_a_cancel_keeps_what_is_finished(home: Path) -> None:
    scene, pulled = Street(SIX[:1], 9).scene(), []

    def arrived() -> Iterator[int]:
        for index in range(9):
            pulled.append(index)
            yield index

    pictures = views_of(home).pictures(scene, arrived(), lambda: len(pulled) > 5)
    assert [picture.index for picture in pictures] == [0, 1, 2, 3, 4] and pulled == [0, 1, 2, 3, 4, 5]


def test_every_size_is_one_of_whole_tokens(home: Path) -> None:
    views = views_of(home, Settings())
    sized = views.size(Camera("a", 1600, 900, 1266, 1266, 800, 450))
    assert (sized.width, sized.height) == (848, 480) and views.unknown_words("zebra in the rain") == ()
