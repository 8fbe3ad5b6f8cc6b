"""The judge of pictures, and the scores that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Cancelled, Picture
from engine.data import drawn_pictures
from engine.metrics import surround
from engine.metrics.judge import KINDS, WEATHERS, Judge, JudgeConfig, Reading, kinds_of, weather_of
from engine.spec.camera import Camera
from engine.spec.classes import CLASS, FREE, NOTHING_HIT
from engine.train import judge as recipe
from engine.train.frame_files import write_file
from engine.views.fake import FakeViews
from engine.views.look import read_prompt
from engine.views.scene import ViewScene


class KnowsAll(Judge):
    """Reads a class from the red channel and the weather from the green one."""

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kinds = (picture[:, 0] * 255).round().long()
        weather = (picture[:, 1].mean((1, 2)) * 255).round().long()
        return torch.nn.functional.one_hot(kinds, KINDS).permute(0, 3, 1, 2).float(), torch.nn.functional.one_hot(weather, len(WEATHERS)).float()


def shown(kinds: np.ndarray, weather: str) -> np.ndarray:
    return np.stack([kinds, np.full_like(kinds, WEATHERS.index(weather)), kinds], -1).astype(np.uint8)


def test_miou_is_the_mean_over_classes_that_are_there() -> None:
    label = np.array([[3, 3, 3, 3], [11, 11, NOTHING_HIT, NOTHING_HIT]], np.uint8)
    read = np.array([[3, 3, 3, 11], [11, 11, FREE, 4]])
    reading = Reading(KnowsAll(JudgeConfig((4, 4, 4, 4))))
    reading.add(shown(read, "rain"), label, "rain")
    assert reading.miou() == pytest.approx((3 / 4 + 2 / 3 + 1 / 2) / 3)
    reading.add(shown(kinds_of(label), "fog"), label, "snow")
    assert reading.weather_right() == 0.5 and reading.miou() == pytest.approx((7 / 8 + 4 / 5 + 3 / 4) / 3)
    assert Reading(reading.judge).weather_right() is None


def test_weathers_have_the_names_of_the_words_that_ask_for_them() -> None:
    said = {"clear noon": "dry", "overcast": "dry", "night": "dry", "haze": "dry"}
    said |= {"fog": "fog", "mist": "fog", "rain": "rain", "drizzle": "rain", "snow": "snow"}
    assert {prompt: weather_of(read_prompt(prompt, 0)[0]) for prompt in said} == said


def test_it_learns_two_colours(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("train", "held_out"):
        rows: dict[str, list[np.ndarray]] = {column: [np.zeros(1)] * 4 for column in drawn_pictures.COLUMNS}
        label = np.where(random.random((4, 16, 24)) < 0.5, 11, NOTHING_HIT).astype(np.uint8)
        rows["label"] = list(label)
        rows["picture"] = list(np.where(label == 11, 40, 220)[:, None].repeat(3, 1).astype(np.uint8))
        rows["look"] = list(np.zeros((4, 10), np.float32))
        (tmp_path / "pictures" / name).mkdir(parents=True)
        write_file(tmp_path / "pictures" / name / "000000.npz", rows)
    facts = recipe.main("tiny", tmp_path / "out", device="cpu", steps=150, batch=4, pictures=tmp_path / "pictures")
    assert facts["measured"]["miou"] > 0.9 and facts["measured"]["weather"] == 1 and (tmp_path / "out" / "judge.safetensors").exists()
    with pytest.raises(ValueError, match="train views"):
        recipe.main("tiny", tmp_path, pictures=tmp_path / "none")


class Darker:
    """The fake views, darker by a number."""

    def __init__(self, by: int) -> None:
        self.fake, self.by = FakeViews(), by

    def size(self, camera: Camera) -> Camera:
        return camera.resized(64, 32)

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        for picture in self.fake.pictures(scene, arrived, cancelled):
            yield Picture(picture.camera, picture.index, np.maximum(picture.rgb, self.by) - np.uint8(self.by))


def test_a_model_is_scored_beside_its_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surround, "FRAMES", 1)
    real = surround.held_out_clip
    small = lambda number, frames=1, prompt=None: (lambda clip, made: (_small(clip), made))(*real(number, 1, prompt))  # noqa: E731
    monkeypatch.setattr(surround, "held_out_clip", small)
    report = surround.evaluate_surround(Darker(10), Darker(0), Judge(JudgeConfig((4, 4, 4, 4))), 2)  # type: ignore[arg-type]
    assert report["worlds"] == 2 and report["teacher"]["psnr_db_to_teacher"] is None
    assert 28 < report["model"]["psnr_db_to_teacher"] < 32, "ten of 255 are 28 dB, less where it is dark already"
    assert set(report["model"]["mean_luminance"]) == set(surround.PROMPTS[:2])
    assert np.isfinite(report["adherence"]) and report["sensitivity"] is None
    between, directly = report["inserted_views_psnr_db"].values()
    assert 28 < between == directly < 32, "the fake views draw each camera by itself"
    assert min(report["vehicles_removed_psnr_db_elsewhere"]) > 90, "the fake views change nothing elsewhere"


def _small(clip):  # noqa: ANN001, ANN202
    from dataclasses import replace

    return replace(clip, cameras=tuple(camera.resized(64, 32) for camera in clip.cameras))


def test_vehicles_are_taken_away_and_people_stay() -> None:
    semantics = np.array([[[CLASS["car"], CLASS["pedestrian"], CLASS["truck"], CLASS["terrain"]]]], np.uint8)
    bare, numbers = surround.without_vehicles(semantics, np.array([[[1, 2, 3, 0]]], np.uint16))
    assert bare.tolist() == [[[FREE, CLASS["pedestrian"], FREE, CLASS["terrain"]]]] and numbers.tolist() == [[[0, 2, 0, 0]]]


def test_colours_are_near_where_pictures_have_the_same_ones() -> None:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    assert surround.colour_distance(picture, picture[::-1, ::-1]) == 0
    assert surround.colour_distance(np.zeros_like(picture), np.full_like(picture, 255)) == 2
    half = np.zeros_like(picture)
    half[:16] = 255
    assert surround.colour_distance(half, np.zeros_like(half)) == pytest.approx(1.0)
