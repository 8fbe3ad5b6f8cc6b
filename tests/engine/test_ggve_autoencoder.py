"""The appearance autoencoder: its latent is small and reaches every stage, it begins at the lit albedo, and its training is a function of the seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import OccupancyFrame
from engine.data import drawn_pictures
from engine.data.looks import LIGHTS, WEATHERS, random_look
from engine.spec.camera import surround_cameras
from engine.spec.classes import CHANNELS, CLASS, FREE, GROUND, NOTHING_HIT
from engine.spec.clip import SceneClip
from engine.spec.grid import OCC3D
from engine.spec.worlds import HELD_OUT_PICTURE_SEED, HELD_OUT_SEED, PICTURE_SEED
from engine.train import view_ablations
from engine.train import views as recipe
from engine.train.frame_files import write_file
from engine.train.groups import GroupBatches
from engine.train.loop import train
from engine.views.drawn.light import RAIN, SNOW
from engine.views.drawn.world import DrawnWorld
from engine.views.ggve.autoencoder import CONFIGS, STRIDE, Autoencoder, Block
from engine.views.ggve.compact import CONFIGS as COMPACT
from engine.views.ggve.compact import CompactGGVE
from engine.views.ggve.guide import CLOUD, FALLS, LAND, OPENNESS, SKY, SUNLIT, guide_of
from engine.views.ggve.reference import DOUBT, latents_of
from engine.views.ggve.shown import FEATURES, GREY, Shown, show
from engine.views.look import read_prompt
from engine.weights import WeightsError, begun, load_model, save_model

CPU = torch.device("cpu")
TINY = CONFIGS["tiny"]
HEIGHT, WIDTH = 64, 64


def pictures(folder: Path, count: int = 3) -> Path:
    """A folder of pictures that cost nothing: noise above, sky below."""
    random = np.random.default_rng(0)
    for name in ("train", "held_out"):
        (folder / name).mkdir(parents=True)
        rows: dict[str, list[np.ndarray]] = {column: [] for column in drawn_pictures.COLUMNS}
        for _ in range(count):
            hit = (np.arange(HEIGHT) < HEIGHT // 2)[:, None] & np.ones((1, WIDTH), bool)
            made = {
                "albedo": random.integers(0, 256, (3, HEIGHT, WIDTH)).astype(np.uint8) * hit,
                "normal": random.integers(-70, 70, (3, HEIGHT, WIDTH)).astype(np.int8) * hit,
                "distance": (random.uniform(2, 60, (HEIGHT, WIDTH)) * hit).astype(np.float16),
                "label": np.where(hit, 11, NOTHING_HIT).astype(np.uint8),
                "material": np.where(hit, 4, 0).astype(np.uint8),
                "surface": random.integers(0, 256, (4, HEIGHT, WIDTH)).astype(np.uint8) * hit,
                "shone": random.integers(0, 256, (4, HEIGHT, WIDTH)).astype(np.uint8) * hit,
                "air": np.concatenate([random.integers(0, 256, (3, HEIGHT, WIDTH)), 0 * hit[None], 255 * ~hit[None]]).astype(np.uint8),
                "picture": random.integers(0, 256, (3, HEIGHT, WIDTH)).astype(np.uint8),
                "focal": np.float32(40),
                "up": np.array([0, -1, 0], np.float32),
                "pose": np.eye(4, dtype=np.float32),
                "sun": np.array([0, 0, 1], np.float32),
                "look": np.zeros(10, np.float32),
                "caption": "noon",
                "world": 1,
            }
            for column, value in made.items():
                rows[column].append(np.asarray(value))
        write_file(folder / name / "000000.npz", rows)
    return folder


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> recipe.PictureBatches:
    return recipe.PictureBatches(pictures(tmp_path_factory.mktemp("pictures")) / "train", 4, 0, 2, (32, 48))


def shown_of(batch: dict[str, torch.Tensor], albedo: float = 1.0, sun: float = 1.0) -> Shown:
    return show(batch, torch.full((2,), albedo), torch.full((2,), sun))


def woken(model: Autoencoder) -> Autoencoder:
    """As after some steps: the last layer is not zero any more."""
    torch.manual_seed(1)
    torch.nn.init.normal_(model.decoder.leave.weight, std=0.1)
    return model


def test_a_latent_is_at_most_eight_numbers_for_16_by_16_pixels_whatever_the_size(batches: recipe.PictureBatches) -> None:
    batch = batches(0)
    for config in (TINY, CONFIGS["compact"]):
        model = Autoencoder(config)
        picture = batch["picture"].float() / 255
        latent = model.encoder(picture, shown_of(batch))
        assert latent.shape == (2, config.latent, 32 // STRIDE, 48 // STRIDE) and config.latent <= 8
        assert torch.allclose(latent.square().mean(1), torch.ones(2, 2, 3), atol=1e-3)
        assert model(picture, shown_of(batch)).shape == picture.shape
        model.latent_mean.fill_(0.3), model.latent_std.fill_(2.0)
        assert torch.allclose(model.draw(model.latents(picture, shown_of(batch)), shown_of(batch)), model(picture, shown_of(batch)).clamp(0, 1), atol=1e-5)
    assert 1e6 < sum(p.numel() for p in Autoencoder(CONFIGS["compact"]).parameters()) < 4e6


def test_an_untrained_decoder_draws_the_lit_albedo_and_grey_where_there_is_none(batches: recipe.PictureBatches) -> None:
    batch, model = batches(0), Autoencoder(TINY)
    shown, latent = shown_of(batch), torch.randn(2, 8, 2, 3)
    made = model.decoder(latent, shown)
    hit = (batch["distance"] > 0)[:, None].expand_as(made)
    openness = batch["surface"][:, OPENNESS : OPENNESS + 1] / 255
    assert torch.allclose(made[hit], (batch["albedo"] / 255 * (0.5 + 0.5 * openness))[hit]) and (made[~hit] == GREY).all()
    assert (model.decoder(latent, shown_of(batch, albedo=0)) == GREY).all()


def test_of_a_picture_of_another_place_only_the_light_is_taken(batches: recipe.PictureBatches) -> None:
    batch, model = {name: column[:1] for name, column in batches(0).items()}, Autoencoder(TINY).eval()
    batch["label"][:, :16], batch["label"][:, 16:] = NOTHING_HIT, GROUND[0]
    shown = show(batch, torch.ones(1), torch.ones(1))
    rendered = shown.lit.clamp(0, 1)  # what an untrained decoder draws
    assert torch.equal(latents_of(model, rendered, shown), model.latents(rendered, shown))
    photograph = 1 - rendered
    taken, cells = latents_of(model, photograph, shown), model.latents(photograph, shown)
    assert taken.shape == cells.shape and (taken - taken[..., :1]).abs().max() < 1e-6, "one for the sky, one for the ground"
    wrong = torch.nn.functional.avg_pool2d((model.draw(cells, shown) - photograph).square().mean(1, keepdim=True), STRIDE)
    for row in range(2):  # the slow way: sky above, ground below
        weights = [1 / (float(wrong.detach()[0, 0, row, column]) + DOUBT) ** 2 for column in range(3)]
        mean = sum(w * cells[0, :, row, column] for column, w in enumerate(weights)) / sum(weights)
        assert torch.allclose(taken[0, :, row, 0], mean, atol=1e-4)


def test_what_is_withheld_is_not_shown(batches: recipe.PictureBatches) -> None:
    batch = batches(0)
    other = batch | {"albedo": 255 - batch["albedo"]}
    sunless = batch | {"surface": batch["surface"].clone(), "shone": 255 - batch["shone"], "air": batch["air"].clone()}
    sunless["surface"][:, SUNLIT], sunless["air"][:, :LAND] = 0, 255 - batch["air"][:, :LAND]
    whole, blind = shown_of(batch), shown_of(batch, albedo=0, sun=0)
    assert whole.features.shape == (2, FEATURES, 32, 48) and whole.features.abs().max() < 4
    assert torch.equal(blind.features, shown_of(other, albedo=0, sun=0).features) and not torch.equal(whole.lit, shown_of(other).lit)
    assert torch.equal(blind.features, shown_of(sunless, albedo=0, sun=0).features) and not torch.equal(whole.features, shown_of(sunless).features)
    assert torch.equal(blind.label, whole.label) and torch.equal(blind.material, whole.material), "class and material are always told"


def test_the_latent_modulates_every_stage(batches: recipe.PictureBatches) -> None:
    shown, model = shown_of(batches(0)), woken(Autoencoder(TINY))
    blocks = [*model.decoder.down, *model.decoder.up]
    assert len(blocks) == 2 * len(TINY.widths) - 1
    for alone in blocks:
        latent = torch.randn(2, 8, 2, 3, requires_grad=True)
        assert isinstance(alone, Block)
        taken = {block: block.modulate for block in blocks if block is not alone}
        for block in taken:
            block.modulate = None
        model.decoder(latent, shown).square().sum().backward()
        for block, modulate in taken.items():
            block.modulate = modulate
        assert latent.grad is not None and (latent.grad != 0).all()


def test_cuts_and_their_mirror_images_fit_their_rays(batches: recipe.PictureBatches) -> None:
    first, again = batches(7), batches(7)
    assert all(torch.equal(first[name], again[name]) for name in first) and not torch.equal(first["picture"], batches(8)["picture"])
    held = drawn_pictures.read(batches.folder, 4)
    plain, mirrored = (recipe.sample(held, 0, (8, 16, 32, 48), flag) for flag in (False, True))
    assert (plain["picture"] == held["picture"][0, :, 8:40, 16:64]).all() and (mirrored["picture"][..., ::-1] == plain["picture"]).all()
    assert (mirrored["normal"][0, :, ::-1] == -plain["normal"][0]).all() and (mirrored["rays"][1:, :, ::-1] == plain["rays"][1:]).all()
    right = plain["rays"] @ np.eye(48)[:, -1]
    assert np.allclose(right[0] / right[2], (16 + 47.5 - WIDTH / 2) / 40)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path, batches: recipe.PictureBatches) -> None:
    schedule = replace(recipe.SCHEDULES["tiny"], steps=4, warmup=1, checkpoint_every_s=0.0)

    class Enough(Exception):
        pass

    def stops_after_two(step: int) -> dict[str, torch.Tensor]:
        if step == 2:
            raise Enough
        return batches(step)

    def run(out: str, make: object = batches, resume: bool = False) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = Autoencoder(TINY)
        train(model, recipe.autoencoder_loss, make, schedule, tmp_path / out, device=CPU, resume=resume)  # type: ignore[arg-type]
        return model.state_dict()

    whole = run("whole")
    with pytest.raises(Enough):
        run("cut", stops_after_two)
    resumed = run("cut", resume=True)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_the_recipe_says_what_it_costs_and_writes_weights_that_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recipe, "PictureBatches", lambda *settings: _SMALL(*settings, (32, 48)))
    facts = recipe.main("tiny", tmp_path / "out", device="cpu", pictures=pictures(tmp_path / "pictures", 6))
    told = capsys.readouterr().out
    assert "s a step on cpu" in told and "hours" in told
    assert set(facts["autoencoder"]["measured"]) == {"psnr_db", "psnr_db_without_albedo", "psnr_db_without_sun", "psnr_db_with_neither", "pictures"}
    model = Autoencoder(TINY)
    assert load_model(model, tmp_path / "out" / "autoencoder", TINY)["finished"]
    assert (model.latent_std != 1).all() and list((tmp_path / "out" / "views_run").glob("sample_*.png"))
    assert facts["ggve"]["finished"] and set(facts["ggve"]["measured"]) == {"rmse", "rmse_of_mean"}
    surround = CompactGGVE(COMPACT["tiny"])
    load_model(surround, tmp_path / "out" / "ggve", COMPACT["tiny"])
    again = recipe.main("tiny", tmp_path / "out", device="cpu", phase=2, resume=True, pictures=tmp_path / "pictures")
    assert set(again) == {"ggve"} and again["ggve"]["measured"] == facts["ggve"]["measured"]
    with pytest.raises(ValueError, match="no phase 3"):
        recipe.main("tiny", tmp_path / "out", phase=3)
    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="lacks pictures of 4 of 8 worlds"):
        recipe.main("tiny", tmp_path, worlds=8, pictures=tmp_path / "pictures")
    with pytest.raises(ValueError, match="choose tiny, compact, paper"):
        recipe.main("fake", tmp_path)


def test_table_5_takes_conditions_away_in_training_and_when_it_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "PictureBatches", lambda *settings: _SMALL(*settings, (32, 48)))
    recipe.main("tiny", tmp_path / "begin", device="cpu", pictures=pictures(tmp_path / "pictures", 6))
    judged: list[frozenset[str]] = []
    monkeypatch.setattr(view_ablations, "first_frames", lambda model, teacher, worlds: judged.append(model.without) or 20.0)
    monkeypatch.setattr(view_ablations, "HELD_OUT", 4)
    settings = {"device": "cpu", "steps": 2, "worlds": 4, "begin": tmp_path / "begin", "pictures": tmp_path / "pictures"}
    table = view_ablations.main("tiny", tmp_path / "out", **settings)
    assert judged == [frozenset(), {"semantic"}, {"coordinate"}, {"semantic", "coordinate"}] and list(table) == list(view_ablations.VARIANTS)
    assert len({row["rmse"] for row in table.values()}) == 4 and all(row["began_from"] for row in table.values())
    assert json.loads((tmp_path / "out" / "table5.json").read_text()).keys() == table.keys()
    batches = [GroupBatches(tmp_path / "out" / "encoded_train.npz", 0, 2, 10, without)(0) for without in (frozenset[str](), frozenset({"semantic"}))]
    assert batches[0]["semantic"].any() and not batches[1]["semantic"].any() and torch.equal(batches[0]["coordinate"], batches[1]["coordinate"])


_SMALL = recipe.PictureBatches


def test_looks_have_every_light_and_weather_and_the_words_that_ask_for_them() -> None:
    random = np.random.default_rng(0)
    drawn = [random_look(random, 5) for _ in range(400)]
    words = {word for _, caption in drawn for word in caption.split()}
    assert words == {word for kinds in (LIGHTS, WEATHERS) for phrase in kinds for word in phrase.split()}
    for look, caption in drawn:
        assert look.seed == 5 and 0 <= look.cloud <= 1 and 0 < look.sun_elevation_rad < np.pi / 2
        assert (look.night == 1) == ("night" in caption) and (look.rain > 0) <= (look.wet > 0)
    assert len({look.sun_azimuth_rad for look, _ in drawn}) == len(drawn)


def test_pictures_are_a_function_of_the_seed(tmp_path: Path) -> None:
    assert HELD_OUT_PICTURE_SEED >= HELD_OUT_SEED > PICTURE_SEED + 10**8
    first, again = (list(drawn_pictures.world_pictures(PICTURE_SEED + 1, 32, 48, 2)) for _ in range(2))
    assert len(first) == len(again) > 0
    for one, other in zip(first, again, strict=True):
        assert set(one) == set(drawn_pictures.COLUMNS)
        assert all(np.array_equal(np.asarray(one[name]), np.asarray(other[name])) for name in one)
    assert len(first) % (drawn_pictures.VIEWS * drawn_pictures.MOMENTS) == 0
    for start in range(0, len(first), drawn_pictures.VIEWS * drawn_pictures.MOMENTS):
        group = first[start : start + drawn_pictures.VIEWS * drawn_pictures.MOMENTS]
        assert all((row["look"] == group[0]["look"]).all() and row["caption"] == group[0]["caption"] for row in group)
        yaw = np.unwrap([np.arctan2(row["pose"][1, 2], row["pose"][0, 2]) for row in group[: drawn_pictures.VIEWS]])
        assert (np.diff(yaw) < 0).all(), "views go from left to right"
        assert np.allclose(group[0]["pose"][:3, :3] @ group[0]["pose"][:3, :3].T, np.eye(3), atol=1e-5)
    picture = first[0]
    sky = picture["label"] == NOTHING_HIT
    assert picture["picture"].shape == (3, 32, 48) and picture["surface"].shape == (4, 32, 48) and sky.any() and (~sky).any()
    assert (picture["distance"][sky] == 0).all() and (picture["distance"][~sky] > 0).all() and not picture["surface"][:SUNLIT, sky].any()
    length = np.linalg.norm(picture["normal"].astype(float), axis=0)[~sky] / 127
    assert np.abs(length - 1).max() < 0.02 and np.isclose(np.linalg.norm(picture["up"]), 1, atol=1e-5)


def test_each_group_is_drawn_in_its_own_light(monkeypatch: pytest.MonkeyPatch) -> None:
    day, night = (read_prompt(words, 7)[0] for words in ("noon clear", "night"))
    given = iter([(day, "noon clear"), (night, "night")])
    monkeypatch.setattr(drawn_pictures, "random_look", lambda random, seed: next(given))
    monkeypatch.setattr(drawn_pictures, "TOO_CLOSE_M", 0.0)
    rows = list(drawn_pictures.world_pictures(PICTURE_SEED + 1, 32, 48, 2))
    bright, dark = (np.mean([row["picture"] for row in rows if row["caption"] == words]) for words in ("noon clear", "night"))
    assert dark < bright / 2


def test_the_air_of_a_guide_is_what_the_picture_shows_of_it() -> None:
    camera = surround_cameras(96, 54)[0]
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = GROUND[0]
    clip = SceneClip(np.zeros((1, len(CHANNELS), *OCC3D.bev_shape), np.uint8), ((),), np.eye(4)[None], (camera,))
    world = DrawnWorld(clip, read_prompt("cloudy", 5)[0])
    day = world.see(OccupancyFrame(0, semantics, np.zeros(OCC3D.shape, np.uint16)))
    for words, number in (("downpour", RAIN), ("snow", SNOW)):
        moment = world.relit(day, read_prompt(words, 5)[0])
        seen = world.expose(moment, 0)
        still = moment.light.numbers.copy()
        still[number] = 0
        calm = replace(moment, light=moment.light._replace(numbers=still))
        with_it, without = (world.develop(seen, one, 0).astype(int) for one in (moment, calm))
        falls = guide_of(world, moment, 0, seen).air[FALLS]
        changed = np.abs(with_it - without).max(-1)
        assert 0.002 < (falls > 20).mean() < 0.5 and changed[falls == 0].max() <= 3, "but for what glows and is rounded"
        assert (changed[falls > 20] > 0).mean() > 0.8, words
    assert not guide_of(world, day, 0, world.expose(day, 0)).air[FALLS].any()
    broken, bare = (world.relit(day, replace(read_prompt("clear", 5)[0], cloud=cloud)) for cloud in (0.8, 0.0))
    bare = replace(bare, light=bare.light._replace(numbers=broken.light.numbers))  # one exposure
    skies, guides = [], []
    for moment in (broken, bare):
        seen = world.expose(moment, 0)
        skies.append(world.develop(seen, moment, 0).astype(int))
        guides.append(guide_of(world, moment, 0, seen))
    sky, cloud = guides[0].label == NOTHING_HIT, guides[0].air[CLOUD]
    assert not guides[0].air[:, guides[0].air[SKY] == 0].any() and guides[0].air[SKY][sky].all() and not guides[1].air[CLOUD].any()
    changed = np.abs(skies[0] - skies[1]).max(-1)
    assert (cloud[sky] > 60).mean() > 0.02 and (changed[sky & (cloud > 60)] > 0).mean() > 0.9
    above = sky & (np.arange(54) < 18)[:, None]  # the town on the horizon has the light of the cover
    assert (changed[above & (cloud == 0)] > 2).mean() < 0.02, "the picture reads its sky between the map's cells"


def test_noise_on_the_latent_is_little_in_most_and_of_single_cells_or_of_many() -> None:
    cells = (400, 8, 10, 18)
    noise = recipe.latent_noise(cells, torch.Generator().manual_seed(0))
    size = noise.std((1, 2, 3))
    assert noise.shape == cells and size.max() < 1.3 * recipe.NOISE and size.median() < 0.35 * recipe.NOISE < size.max()
    alike = torch.stack([torch.corrcoef(torch.stack([one[..., 1:].flatten(), one[..., :-1].flatten()]))[0, 1] for one in noise])
    assert ((alike < 0.2) | (alike > 0.6)).all() and 0.35 < (alike > 0.6).float().mean() < 0.65


def test_a_training_goes_on_from_weights_and_says_from_which(tmp_path: Path) -> None:
    first, second, third = woken(Autoencoder(TINY)), Autoencoder(TINY), Autoencoder(TINY)
    assert begun(second, None, "autoencoder", TINY) == {}
    save_model(first, tmp_path / "one" / "autoencoder", TINY, {"steps": 7, "data": "some worlds"})
    facts = begun(second, tmp_path / "one", "autoencoder", TINY)
    assert torch.equal(second.decoder.leave.weight, first.decoder.leave.weight.half().float())
    assert [(past["steps"], past["data"]) for past in facts["began_from"]] == [(7, "some worlds")]
    save_model(second, tmp_path / "two" / "autoencoder", TINY, {"steps": 5} | facts)
    assert [past["steps"] for past in begun(third, tmp_path / "two", "autoencoder", TINY)["began_from"]] == [7, 5]
    with pytest.raises(WeightsError, match="launch.py train"):
        begun(third, tmp_path / "three", "autoencoder", TINY)


def test_the_edges_of_a_guide_are_those_of_the_picture_and_the_far_land_is_told() -> None:
    """Under one even light a picture is its guide's albedo, at outlines too, where a pixel is part of this and part of that."""
    camera = surround_cameras(96, 54)[0]
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = GROUND[0]
    semantics[130:134, 90:110, 3:8] = CLASS["manmade"]
    clip = SceneClip(np.zeros((1, len(CHANNELS), *OCC3D.bev_shape), np.uint8), ((),), np.eye(4)[None], (camera,))
    world = DrawnWorld(clip, read_prompt("noon", 5)[0])
    moment = world.see(OccupancyFrame(0, semantics, np.zeros(OCC3D.shape, np.uint16)))
    seen = world.expose(moment, 0)
    guide, slow = guide_of(world, moment, 0, seen), np.zeros((54, 96))
    land, sky = guide.air[LAND] / 255, guide.air[SKY] / 255
    assert np.allclose(sky, seen.sky, atol=0.003) and (land <= sky + 0.003).all()
    mixed = (sky > 0.05) & (sky < 0.95)
    assert mixed.sum() > 30, "outlines against the sky"
    assert 0.01 < (land > 0.9).mean() < 0.2 and guide.albedo[:, land > 0.9].any(0).all() and not guide.albedo[:, (sky == 1) & (land == 0)].any()
    picture = world.develop(seen, moment, 0).mean(-1)
    for v, u in np.argwhere((land > 0.9) & (sky == 1)):  # darker than the sky right above it
        above = np.flatnonzero(land[:v, u] == 0)
        slow[v, u] = picture[above[-1], u] - picture[v, u] if len(above) else 0
    assert (slow[(land > 0.9) & (sky == 1)] > 0).mean() > 0.8
