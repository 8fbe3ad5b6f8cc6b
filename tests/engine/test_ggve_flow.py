"""Text, conditions, flow and the groups that GGVE's compact model learns from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data import drawn_pictures
from engine.data.drawn_pictures import MOMENTS, VIEWS
from engine.data.looks import LIGHTS, WEATHERS
from engine.spec.classes import FREE, NOTHING_HIT
from engine.spec.grid import OCC3D
from engine.train.frame_files import write_file
from engine.train.groups import COLUMNS, GIVEN, MODES, GroupBatches, controls_of, encode, look_rows
from engine.views.drawn.light import light_of
from engine.views.ggve.autoencoder import CONFIGS, STRIDE, Autoencoder
from engine.views.ggve.conditions import COORDINATE, FALLING, RAYS, SEMANTIC, conditions
from engine.views.ggve.flow import ANCHOR_WEIGHT, flow_loss, sample, sigmas
from engine.views.ggve.guide import LAND, OPENNESS, SKY, SUNLIT, Guide
from engine.views.ggve.shown import show
from engine.views.ggve.text import LENGTH, LOOK, VOCABULARY, TextConfig, TextEncoder, batch_of, look_numbers, tokens
from engine.views.look import WORDS, read_prompt

SHAPE = (2, 3, 4, 2, 5, 6)
"""B, V, C, F, h, w."""


def test_every_word_that_the_drawn_world_knows_has_a_token_and_like_words_share_it() -> None:
    assert {word for kinds in (LIGHTS, WEATHERS) for phrase in kinds for word in phrase.split()} == set(VOCABULARY)
    silent = {word for word in WORDS if not any(tokens(word))}
    assert silent == {"dry"}, "a dry road is the usual one"
    assert tokens("Snowy  NIGHT, zebra") == [1 + VOCABULARY.index("snow"), 1 + VOCABULARY.index("night"), *[0] * (LENGTH - 2)]
    assert tokens("twilight") == tokens("dusk") or WORDS["twilight"] != WORDS["dusk"]
    assert len(tokens("rain " * 20)) == LENGTH and tokens("") == [0] * LENGTH
    assert tokens("fog fog fog fog fog fog night")[-1] == 1 + VOCABULARY.index("night"), "the last words hold"


def test_a_look_is_told_in_the_ego_frame() -> None:
    look = read_prompt("sunset drizzle", 3)[0]
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    light = light_of(look)
    numbers = look_numbers(look, light, turn)
    assert numbers.shape == (LOOK,) and np.allclose(turn @ numbers[:3], look.sun_direction(), atol=1e-6)
    fields = [look.sun_azimuth_rad, look.sun_elevation_rad, look.sun, look.cloud, look.night, look.fog_per_m, look.wet, look.rain, look.snow, look.warmth]
    rows = look_rows(np.array([fields] * 2, np.float32), np.array([3, 3]), np.stack([look.sun_direction() @ turn] * 2).astype(np.float32))
    assert np.allclose(rows, numbers, atol=1e-5), "training and use tell a look in the same numbers"
    grey = np.expm1(numbers[12:15]) * max(np.sin(look.sun_elevation_rad), 0.0) + np.expm1(numbers[15:18])
    assert 0.5 < grey.mean() < 3, "sun and sky under their exposure light level ground to a middle tone"
    torch.manual_seed(0)
    read = TextEncoder(TextConfig(16, 2))(*batch_of(["night", "noon"], [numbers, 0 * numbers]))
    assert read.shape == (2, LENGTH + 1, 16) and not torch.allclose(read[0], read[1])


def one_view(height: int = 32, width: int = 48) -> dict[str, torch.Tensor]:
    random = np.random.default_rng(1)
    hit = random.random((1, height, width)) < 0.7
    rays = random.normal(size=(1, 3, height, width))
    return {
        "albedo": torch.from_numpy((random.integers(0, 256, (1, 3, height, width)) * hit[:, None]).astype(np.uint8)),
        "normal": torch.from_numpy((random.integers(-127, 128, (1, 3, height, width)) * hit[:, None]).astype(np.int8)),
        "distance": torch.from_numpy((random.uniform(1, 90, (1, height, width)) * hit).astype(np.float16)),
        "label": torch.from_numpy(np.where(hit, random.integers(0, FREE, (1, height, width)), NOTHING_HIT).astype(np.uint8)),
        "surface": torch.from_numpy((random.integers(0, 256, (1, 4, height, width)) * hit[:, None]).astype(np.uint8)),
        "shone": torch.from_numpy((random.integers(0, 256, (1, 4, height, width)) * hit[:, None]).astype(np.uint8)),
        "air": torch.from_numpy(random.integers(0, 256, (1, 5, height, width)).astype(np.uint8)),
        "rays": torch.from_numpy((rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)),
    }


def test_conditions_are_what_a_cell_shows_on_average() -> None:
    guide, pose = one_view(), np.eye(4, dtype=np.float32)
    angle = 0.7
    pose[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    pose[:3, 3] = 1.5, -0.5, 1.6
    made = conditions(guide, torch.from_numpy(pose)[None], torch.ones(1), torch.ones(1))
    assert [part.shape for part in made] == [(1, n, 2, 3) for n in (SEMANTIC, COORDINATE, RAYS)]
    pixels = [(v, u) for v in range(STRIDE, 2 * STRIDE) for u in range(STRIDE, 2 * STRIDE)]
    semantic, coordinate, directions = np.zeros(SEMANTIC), np.zeros(COORDINATE), np.zeros(3)
    half = np.array(OCC3D.shape) * OCC3D.voxel_m / 2
    for v, u in pixels:  # the slow way, cell (1, 1)
        label, far = int(guide["label"][0, v, u]), float(guide["distance"][0, v, u])
        ray = pose[:3, :3] @ guide["rays"][0, :, v, u].numpy()
        semantic[FREE if label == NOTHING_HIT else label] += 1
        semantic[FREE + 1 : FREE + 4] += guide["albedo"][0, :, v, u].numpy() / 255
        directions += ray
        if far > 0:
            point = pose[:3, 3] + ray * far
            coordinate[0] += 1
            coordinate[1:4] += np.clip((point - np.array(OCC3D.origin_m)) / half - 1, -2, 2)
            coordinate[4:7] += pose[:3, :3] @ guide["normal"][0, :, v, u].numpy() / 127
            coordinate[[7, 10]] += guide["surface"][0, [OPENNESS, SUNLIT], v, u].numpy() / 255
            coordinate[11:15] += guide["shone"][0, :, v, u].numpy() / 255
        coordinate[8:10] += guide["air"][0, [LAND, SKY], v, u].numpy() / 255
        coordinate[15:] += guide["air"][0, :LAND, v, u].numpy() / 255
    semantic[-1] = len(pixels)
    d = directions / np.linalg.norm(directions)
    for part, slow in zip(made, (semantic / len(pixels), coordinate / len(pixels), np.concatenate([d, np.cross(pose[:3, 3], d)])), strict=True):
        assert np.allclose(part[0, :, 1, 1], slow, atol=1e-4)
    withheld = conditions(guide, torch.from_numpy(pose)[None], torch.zeros(1), torch.zeros(1))
    assert not withheld.semantic[:, -4:].any() and not withheld.coordinate[:, -FALLING:].any()
    assert torch.equal(withheld.semantic[:, :-4], made.semantic[:, :-4]) and torch.equal(withheld.coordinate[:, :-FALLING], made.coordinate[:, :-FALLING])


def test_the_sampler_follows_a_flow_to_its_end_and_keeps_what_is_observed() -> None:
    clean, noise, known = torch.randn(SHAPE), torch.randn(SHAPE), torch.randn(SHAPE)
    observed = torch.zeros(2, 3, 1, 2, 5, 6)
    observed[:, 1] = 1
    seen: list[torch.Tensor] = []

    def velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return noise - clean  # the straight way

    for times in (sigmas(1), sigmas(5), sigmas(4, 3.0)):
        made = sample(velocity, noise, known, observed, times, lambda: False)
        assert made is not None and torch.allclose(made[:, ::2], clean[:, ::2], atol=1e-5) and torch.equal(made[:, 1], known[:, 1])
        at = times[-2]
        assert torch.allclose(seen[-1][:, 1], (1 - at) * known[:, 1] + at * noise[:, 1]), "the model sees it under the step's own noise"
    assert sigmas(4) == [1, 0.75, 0.5, 0.25, 0] and sigmas(4, 3.0)[1] == pytest.approx(0.9)
    asked = iter([False, True])
    assert sample(velocity, noise, known, observed, sigmas(5), lambda: next(asked)) is None


def test_a_shift_moves_times_towards_the_noise() -> None:
    clean, seen = torch.zeros(4000, 1, 1, 1, 1, 1), list[torch.Tensor]()

    def velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append(t)
        return x

    for shift in (1.0, 3.0):
        flow_loss(velocity, clean, torch.zeros_like(clean), torch.Generator().manual_seed(0), shift)
    plain, moved = seen
    assert torch.allclose(moved, 3 * plain / (1 + 2 * plain)) and abs(float(plain.median()) - 0.5) < 0.02 and abs(float(moved.median()) - 0.75) < 0.02


def test_the_loss_is_nothing_for_the_right_velocity_and_weighs_anchors_down() -> None:
    clean, observed = torch.randn(SHAPE), torch.zeros(2, 3, 1, 2, 5, 6)
    observed[:, 0] = 1

    def off(part: slice, by: float) -> float:
        def velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            at = t[:, None, None, None, None, None]
            right = (x - clean) / at  # x = clean + t (noise - clean)
            right[:, part] += by
            return right

        return float(flow_loss(velocity, clean, observed, torch.Generator().manual_seed(0)))

    assert off(slice(0, 0), 0.0) == pytest.approx(0, abs=1e-6)
    assert off(slice(0, 1), 1.0) / off(slice(1, 2), 1.0) == pytest.approx(ANCHOR_WEIGHT, rel=1e-3)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("groups")
    random = np.random.default_rng(0)
    count = 3 * VIEWS * MOMENTS
    rows = {
        "latent": np.arange(count)[:, None, None, None, None] + np.arange(4)[:, None, None, None] / 8 * np.ones((1, 4, 8, 4, 6)),
        "semantic": random.random((count, SEMANTIC, 4, 6)) + 1,
        "coordinate": random.random((count, COORDINATE, 4, 6)) + 1,
        "plucker": random.random((count, RAYS, 4, 6)),
        "look": random.random((count, LOOK)).astype(np.float32) + 1,
        "words": random.integers(1, 9, (count, LENGTH)),
    }
    write_file(folder / "encoded.npz", {name: list(column) for name, column in rows.items()})
    return folder / "encoded.npz"


def test_groups_come_in_every_mode_once_the_mixture_is_balanced(encoded: Path) -> None:
    batches = GroupBatches(encoded, 3, 4, 1000)
    early, late = ([batches(step) for step in steps] for steps in (range(8), range(600, 800)))
    assert all(not batch["flags"].any() for batch in early[:1]), "training begins with geometry and text alone"
    seen: Counter[tuple[int, int, bool]] = Counter()
    for batch in late:
        flags = batch["flags"][0].numpy()
        anchors = flags.all(1)
        seen[int(anchors.sum()), int((~anchors).sum()), bool(flags[~anchors].any())] += 1
        latent = batch["latent"]
        assert latent.shape[:3] == (4, len(flags), 8) and latent.shape[3] == flags.shape[1]
        number = latent[:, :, 0, :, 0, 0].numpy().astype(int)  # of each picture
        group, moment, view = number // (VIEWS * MOMENTS), number // VIEWS % MOMENTS, number % VIEWS
        assert (group == group[:, :1, :1]).all() and (np.diff(view, axis=1) > 0).all() and (np.diff(moment, axis=2) > 0).all()
    assert {(len(a), len(t)) for a, t in MODES} == {(a, t) for a, t, _ in seen}
    assert any(first for *_, first in seen) and torch.equal(batches(700)["latent"], GroupBatches(encoded, 3, 4, 1000)(700)["latent"])
    whole = {name: sum(bool(batch[name].any()) for batch in late) for name in ("words", "look")}
    assert whole["words"] > whole["look"] > 0 or whole["words"] == len(late)


def test_what_is_withheld_is_zero_and_what_is_unknown_is_no_hint(encoded: Path) -> None:
    batches = GroupBatches(encoded, 3, 16, 10)
    batch = batches(9)
    told = batch["semantic"][:, 0, -4:, 0].flatten(1)
    assert ((told == 0).all(1) | (told > 0).all(1)).all() and 0 < (told > 0).all(1).float().mean() < 1
    albedo, sun = told[:, 0] > 0, batch["coordinate"][:, 0, -1, 0, 0, 0] > 0
    assert torch.equal(batch["latent"][:, 0, 0, 0, 0, 0] % 1 * 8, 2.0 * albedo + sun), "the latent is that of what is told"
    assert (batch["coordinate"][:, :, :-FALLING] > 0).all() and not sun.all()
    assert (batch["semantic"][:, :, :-4] > 0).all() and not batch["look"][(batch["words"] == 0).all(1)].any()
    noise = torch.ones_like(batch["latent"])
    controls, observed = controls_of(batch, noise)
    assert observed.shape == (*batch["latent"].shape[:2], 1, *batch["latent"].shape[3:])
    assert torch.equal(controls.hint, (batch["latent"] + 1) * observed) and torch.equal(controls.observed, observed)


def test_encoding_keeps_every_picture_in_its_place(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    height, width, rows = 32, 48, {name: [] for name in drawn_pictures.COLUMNS}
    guides = {name: column.numpy()[0] for name, column in one_view(height, width).items()}
    for number in range(7):
        made = guides | {
            "material": np.zeros((height, width), np.uint8),
            "picture": random.integers(0, 256, (3, height, width)).astype(np.uint8),
            "focal": np.float32(30 + number), "up": np.array([0, -1, 0], np.float32), "pose": np.eye(4, dtype=np.float32),
            "sun": np.array([0, 0, 1], np.float32), "look": np.full(10, number, np.float32), "caption": "night fog", "world": 1,
        }  # fmt: skip
        for name, column in rows.items():
            column.append(np.asarray(made[name]))
    (tmp_path / "train").mkdir()
    write_file(tmp_path / "train" / "000000.npz", rows)
    torch.manual_seed(0)
    model = Autoencoder(CONFIGS["tiny"]).eval()
    encode(model, tmp_path / "train", tmp_path / "encoded.npz", 4, torch.device("cpu"), at_once=3)
    with np.load(tmp_path / "encoded.npz") as file:
        columns = {name: file[name] for name in COLUMNS}
    assert {len(column) for column in columns.values()} == {7} and (columns["look"][:, 3] == np.arange(7)).all()
    assert (columns["words"] == tokens("night fog")).all()
    guide = {name: torch.from_numpy(np.stack(rows[name][5:6])) for name in (*Guide._fields, "up")}
    guide["rays"] = torch.from_numpy(drawn_pictures.ray_table(35.0, (height, width), (0, 0, height, width)))[None]
    for number, (albedo, sun) in enumerate(GIVEN):
        shown = show(guide, torch.tensor([float(albedo)]), torch.tensor([float(sun)]))
        alone = model.latents(torch.from_numpy(rows["picture"][5])[None].float() / 255, shown)[0]
        assert np.abs(columns["latent"][5, number] - alone.detach().numpy()).max() < 0.1
