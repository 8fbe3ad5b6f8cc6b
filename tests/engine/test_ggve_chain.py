"""The chain of calls and key frames, with an untrained model: what depends on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.spec.camera import Camera, Rig, surround_cameras
from engine.views.calls import Plan
from engine.views.ggve import chain as chain_module
from engine.views.ggve.carried import Cells
from engine.views.ggve.chain import Chain, Key, KeyView, Told, cells_of, fitted, middle_first
from engine.views.ggve.compact import CONFIGS, CompactGGVE
from engine.views.ggve.levelled import Seen
from engine.views.ggve.text import LOOK, batch_of
from engine.views.surround import densify, plan

RIG = Rig("six", tuple(surround_cameras(96, 64)))
CELLS = (4, 6)
LATENT = (8, *CELLS)


@pytest.fixture(scope="module")
def model() -> CompactGGVE:
    torch.manual_seed(0)
    return CompactGGVE(CONFIGS["tiny"]).eval()


def key_of(cameras: tuple[Camera, ...], x_m: float = 0.0, brightness: Mapping[str, int] | None = None) -> Key:
    """A key frame of an empty plain: grey ground everywhere, at a distance by the camera's own number."""
    world_SE3_ego, says = np.eye(4), told()
    world_SE3_ego[0, 3] = x_m
    views = {}
    for camera in cameras:
        plane = (1, camera.height, camera.width)
        pose = world_SE3_ego @ camera.ego_SE3_camera.matrix()
        grey = (brightness or {}).get(camera.name, 90)
        guide = {
            "albedo": torch.full((1, 3, *plane[1:]), grey, dtype=torch.uint8),
            "normal": torch.zeros((1, 3, *plane[1:]), dtype=torch.int8),
            "distance": torch.full(plane, 9.0, dtype=torch.float16),
            "label": torch.full(plane, 11, dtype=torch.uint8),
            "material": torch.ones(plane, dtype=torch.uint8),
            "surface": torch.full((1, 4, *plane[1:]), 200, dtype=torch.uint8),
            "shone": torch.zeros((1, 4, *plane[1:]), dtype=torch.uint8),
            "air": torch.zeros((1, 5, *plane[1:]), dtype=torch.uint8),
            "rays": torch.from_numpy(camera.rays().transpose(2, 0, 1).copy())[None],
        }
        seen = Seen(camera, pose, camera.rays().transpose(2, 0, 1), guide["distance"][0].numpy())
        views[camera.name] = KeyView(guide, Cells.of(guide, camera, pose, CELLS), seen, says)
    return Key(views, world_SE3_ego)


def told(prompt: str = "noon", **settings: object) -> Told:
    words, look = batch_of([prompt], [np.ones(LOOK, np.float32)])
    return replace(Told(words, look), **settings)  # type: ignore[arg-type]


def made(
    model: CompactGGVE, keys: list[Key], path: Plan, seed: int = 0, what: Told | None = None, known: Mapping[str, torch.Tensor] | None = None
) -> list[dict[str, torch.Tensor]]:
    """Latents of each key frame; `known` are observed in the first."""
    chain, every = Chain(model, path, CELLS, seed, 2), []
    for number, key in enumerate(keys):
        if what is not None:
            key = replace(key, views={name: replace(view, told=what) for name, view in key.views.items()})
        latents = chain.follow(key, (known or {}) if number == 0 else {}, lambda: False)
        assert latents is not None
        every.append(latents)
    return every


def test_every_view_is_made_at_every_key_frame_and_the_same_again(model: CompactGGVE) -> None:
    keys, path = [key_of(RIG.cameras), key_of(RIG.cameras, 3.0)], plan(RIG.cameras)
    first, again, other = (made(model, keys, path, seed) for seed in (0, 0, 1))
    for one, two, three in zip(first, again, other, strict=True):
        assert set(one) == {camera.name for camera in RIG.cameras}
        assert all(part.shape == LATENT and torch.isfinite(part).all() for part in one.values())
        assert all(torch.equal(part, two[name]) and not torch.equal(part, three[name]) for name, part in one.items())
    alone = made(model, keys[1:], path)
    assert not torch.equal(alone[0]["camera_0"], first[1]["camera_0"]), "what was made before is seen"


def test_more_cameras_change_nothing_of_those_that_were_there(model: CompactGGVE) -> None:
    twelve, path = densify(RIG)
    assert len(twelve.cameras) == 12
    before = made(model, [key_of(RIG.cameras)], plan(RIG.cameras))[0]
    after = made(model, [key_of(twelve.cameras)], path)[0]
    assert len(after) == 12 and all(torch.equal(after[name], part) for name, part in before.items())
    brighter = made(model, [key_of(twelve.cameras, brightness={"camera_0": 255})], path)[0]
    call = next(call for call in path.calls if "camera_0" in call.anchors and len(call.targets) == 1 and call.targets[0] not in before)
    assert not torch.equal(brighter[call.targets[0]], after[call.targets[0]]), "a view between two sees them"


def test_what_is_observed_stays_and_is_seen_by_the_others(model: CompactGGVE) -> None:
    path = plan(RIG.cameras, start="camera_0")
    anchor = torch.randn(LATENT, generator=torch.Generator().manual_seed(1))
    plain, steered = (made(model, [key_of(RIG.cameras)], path, known=known)[0] for known in ({}, {"camera_0": anchor}))
    assert torch.equal(steered["camera_0"], anchor)
    assert all(not torch.equal(steered[name], plain[name]) for name in path.calls[0].group)


def test_every_condition_is_seen_and_can_be_taken_away(model: CompactGGVE) -> None:
    key, path = key_of(RIG.cameras), plan(RIG.cameras)
    usual = made(model, [key], path)[0]["camera_0"]
    for name in ("semantic", "coordinate", "plucker"):
        assert not torch.equal(made(model, [key], path, what=told(without=frozenset({name})))[0]["camera_0"], usual)
    assert not torch.equal(made(model, [key], path, what=told("night"))[0]["camera_0"], usual)
    assert not torch.equal(made(model, [key], path, what=told(albedo=False))[0]["camera_0"], usual)
    assert not torch.equal(made(model, [key], path, what=told(sun=False))[0]["camera_0"], usual)


def test_coordinates_are_in_the_ego_frame_of_the_key_frame_before(model: CompactGGVE, monkeypatch: pytest.MonkeyPatch) -> None:
    poses: list[torch.Tensor] = []
    real = chain_module.conditions
    monkeypatch.setattr(chain_module, "conditions", lambda guide, pose, *given: poses.append(pose[0]) or real(guide, pose, *given))
    camera = RIG.cameras[:1]
    made(model, [key_of(camera, 500.0), key_of(camera, 503.0)], plan(camera))
    mount = torch.from_numpy(camera[0].ego_SE3_camera.matrix()).float()
    assert len(poses) == 3 and torch.allclose(poses[0], mount) and torch.allclose(poses[1], mount)
    assert torch.allclose(poses[2][:3, 3], mount[:3, 3] + torch.tensor([3.0, 0, 0]), atol=1e-4), "far from the start numbers stay small"


def test_cancelling_ends_within_a_step(model: CompactGGVE) -> None:
    asked: list[bool] = []
    chain = Chain(model, plan(RIG.cameras), CELLS, 0, 4)
    assert chain.follow(key_of(RIG.cameras), {}, lambda: bool(asked.append(True)) or len(asked) > 2) is None and len(asked) == 3


def test_fitting_keeps_what_fits_and_means() -> None:
    x = torch.randn(1, 3, *CELLS)
    assert fitted(x, CELLS) is x
    assert torch.allclose(fitted(torch.ones(1, 2, 16, 28), CELLS), torch.ones(1, 2, *CELLS), atol=1e-6)
    halves = fitted(torch.cat([torch.zeros(1, 1, 20, 18), torch.ones(1, 1, 20, 18)], -1), (10, 18))
    assert halves[..., :8].max() < 0.05 and halves[..., 10:].min() > 0.95
    assert cells_of([(256, 448), (256, 448), (384, 288)]) == (16, 28) and cells_of([(16, 16)]) == (2, 2) and cells_of([(144, 304)]) == (4 * 2, 10 * 2)


def test_a_view_that_is_told_something_else_is_made_as_if_all_were_told_so_and_speaks_to_nobody(model: CompactGGVE) -> None:
    path, day = plan(RIG.cameras), key_of(RIG.cameras)
    odd = path.calls[0].group[middle_first(path.calls[0].group)[0]]
    at_night, in_snow = (
        made(model, [replace(day, views=day.views | {odd: replace(day.views[odd], told=told(words))})], path)[0] for words in ("night", "snow")
    )
    assert torch.equal(at_night[odd], made(model, [day], path, what=told("night"))[0][odd]) and not torch.equal(at_night[odd], in_snow[odd])
    assert len(at_night) == 6 and all(torch.equal(at_night[name], in_snow[name]) for name in at_night if name != odd)
    assert not torch.equal(made(model, [day], path)[0][path.calls[0].group[0]], at_night[path.calls[0].group[0]]), "told the same, they are at one"
