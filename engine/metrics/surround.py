"""How good a view model's surround pictures are beside its teacher, the drawn world, on worlds that neither learned from.

Both draw the same clip under the same prompt and seed. Nothing here needs a download: the teacher gives pictures, geometry and labels, and
the judge (`judge.py`) reads both models' pictures alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import ndimage

from engine.api import OccupancyFrame, Recipe, TakesAnchors, ViewModel
from engine.data.worlds import make_world
from engine.metrics.consistency import Agreement, seen_of
from engine.metrics.drawn import psnr_outside
from engine.metrics.judge import Judge, Reading, weather_of
from engine.metrics.lite import LiteDistances, LiteFeatures
from engine.spec.camera import Rig, surround_cameras
from engine.spec.classes import CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.worlds import HELD_OUT_PICTURE_SEED
from engine.views.look import read_prompt
from engine.views.scene import ViewScene
from engine.views.surround import densify

FIRST = HELD_OUT_PICTURE_SEED + 10_000
"""Worlds from here on are held out from every training, and from the autoencoder's own held-out pictures."""
PROMPTS = ("clear noon", "dusk", "night", "rain", "fog", "snow", "overcast day", "golden")
"""In turn, a world each."""
FRAMES = 5
"""Of a world: the first key frame and the next."""
EDITED = (0, 3)
"""Worlds by number, one of them by day, of which all vehicles are taken away."""
CONDITIONS = ("semantic", "coordinate", "plucker", "text")
"""That can be zeroed in turn (`CompactViews.without`)."""
ANCHORED = ("dusk", "night", "snow", "fog")
"""Prompts of the teacher's pictures that a model begins with."""
SPREAD_PX = 9
"""Pixels around what the teacher changes that may change too."""
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Scores:
    """Of one model, summed over pictures."""

    reading: Reading
    psnr_db: list[float] = field(default_factory=list)
    """Against the teacher."""
    luminance: dict[str, list[float]] = field(default_factory=dict)
    """By prompt, mean of a picture in [0, 1]."""

    def add(self, picture: np.ndarray, teacher: np.ndarray, label: np.ndarray, prompt: str) -> None:
        self.reading.add(picture, label, weather_of(read_prompt(prompt, 0)[0]))
        self.psnr_db.append(psnr_db(picture, teacher))
        self.luminance.setdefault(prompt, []).append(float(picture.mean()) / 255)

    def report(self) -> dict[str, Any]:
        finite = [value for value in self.psnr_db if np.isfinite(value)]
        return {
            "psnr_db_to_teacher": round(float(np.mean(finite)), 2) if finite else None,
            "judge_miou": round(self.reading.miou(), 4),
            "judge_weather_right": round(self.reading.weather_right() or 0.0, 4),
            "mean_luminance": {prompt: round(float(np.mean(values)), 4) for prompt, values in self.luminance.items()},
        }


def evaluate_surround(
    model: ViewModel, teacher: ViewModel, judge: Judge, worlds: int, progress: Progress = lambda *_: None, features: LiteFeatures | None = None
) -> dict[str, Any]:
    """Scores of both on `worlds` held-out worlds, six cameras, FRAMES frames, and the share of the teacher's reading that the model reaches.

    With `features`, FD-lite0 to the teacher's pictures: of the model's, and of the teacher's own under another seed (other suns and colours).
    """
    apart = None if features is None else LiteDistances(features)
    scores = {"model": Scores(Reading(judge)), "teacher": Scores(Reading(judge))}
    agreement = {"model": Agreement(), "teacher": Agreement()}
    for number in range(worlds):
        progress("worlds", number, worlds)
        clip, frames = held_out_clip(number)
        drawn = dict(_pictures(teacher, clip, frames))
        made = dict(_pictures(model, clip, frames))
        labels = _labels(clip, frames)
        seen = seen_of(clip, frames, (max(0, len(clip) - 2), len(clip) - 1)) if len(clip) > 1 else {}
        for name, pictures in (("model", made), ("teacher", drawn)):
            if seen:
                agreement[name].add(pictures, seen)
        if apart is not None:
            sets = {"teacher": drawn, "model": made, "teacher_under_another_seed": dict(_pictures(teacher, clip, frames, seed=1))}
            for name, pictures in sets.items():
                for picture in pictures.values():
                    apart.add(name, picture)
        for (camera, index), picture in made.items():
            for name, one in (("model", picture), ("teacher", drawn[camera, index])):
                scores[name].add(one, drawn[camera, index], labels[camera, index], clip.prompt)
    progress("worlds", worlds, worlds)
    report = {name: one.report() | agreement[name].report() for name, one in scores.items()}
    adherence = report["model"]["judge_miou"] / max(1e-9, report["teacher"]["judge_miou"])
    return report | {
        "worlds": worlds,
        "adherence": round(adherence, 4),
        "vehicles_removed_psnr_db_elsewhere": [_removal(model, teacher, number) for number in EDITED],
        "sensitivity": sensitivity(model) if hasattr(model, "without") else None,
        "anchored": anchoring(model, teacher) if isinstance(model, TakesAnchors) else None,
        "inserted_views_psnr_db": inserted(model, teacher),
        "fd_lite0_to_the_teacher": None if apart is None else apart.to("teacher"),
    }


def first_frames(model: ViewModel, teacher: ViewModel, worlds: int) -> float:
    """Mean dB to the teacher of the first frames of `worlds` held-out worlds, six cameras."""
    score: list[float] = []
    for number in range(worlds):
        clip, frames = held_out_clip(number, 1)
        truth, made = (dict(_pictures(one, clip, frames)) for one in (teacher, model))
        score += [psnr_db(made[key], truth[key]) for key in truth]
    return round(float(np.mean(score)), 2)


def sensitivity(model: Any) -> dict[str, float]:
    """Mean absolute change of the pictures of world 1, of 255, with each of CONDITIONS zeroed."""
    clip, frames = held_out_clip(1, 1)
    usual, changes = dict(_pictures(model, clip, frames)), {}
    for name in CONDITIONS:
        model.without = frozenset({name})
        try:
            other = dict(_pictures(model, clip, frames))
        finally:
            model.without = frozenset()
        changes[name] = round(float(np.mean([np.abs(usual[key].astype(int) - other[key]).mean() for key in usual])), 2)
    return changes


def anchoring(model: ViewModel, teacher: ViewModel) -> dict[str, float]:
    """Distance of colours to the teacher's, in [0, 2], of the five views beside a picture of the teacher's that the first one begins with.

    The model is told no word; without the picture it draws an ordinary day. Means over ANCHORED, first frame.
    """
    distances: dict[str, list[float]] = {"without_picture": [], "with_picture": []}
    for number, prompt in enumerate(ANCHORED):
        clip, frames = held_out_clip(number, 1, prompt)
        truth, silent = dict(_pictures(teacher, clip, frames)), replace(clip, prompt="")
        first = clip.cameras[0].name
        for name, reference in (("without_picture", {}), ("with_picture", {first: truth[first, 0]})):
            made = dict(_pictures(model, silent, frames, reference))
            others = [key for key in made if key[0] != first]
            distances[name] += [colour_distance(made[key], truth[key]) for key in others]
    return {name: round(float(np.mean(values)), 4) for name, values in distances.items()}


def inserted(model: ViewModel, teacher: ViewModel) -> dict[str, float]:
    """Mean dB to the teacher's of views inserted between six that are kept, and of the same views made in one take with the six; worlds of EDITED."""
    score: dict[str, list[float]] = {"between": [], "directly": []}
    for number in EDITED:
        clip, frames = held_out_clip(number, 1)
        dense = replace(clip, cameras=densify(Rig("six", clip.cameras))[0].cameras)
        six = dict(_pictures(model, clip, frames))
        given = {name: partial(lambda picture, index: picture, picture) for (name, _), picture in six.items()}
        truth, directly = (dict(_pictures(one, dense, frames)) for one in (teacher, model))
        between = dict(_pictures(model, dense, frames, given=given))
        for name, made in (("between", between), ("directly", directly)):
            score[name] += [psnr_db(made[key], truth[key]) for key in truth if key not in six]
    return {name: round(float(np.mean(values)), 2) for name, values in score.items()}


def colour_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Sum of absolute differences of the shares of 8 x 8 x 8 colours in pictures uint8 (H, W, 3): 0 is the same, 2 has none in common."""
    shares = [np.bincount((rgb.reshape(-1, 3) >> 5) @ np.array([64, 8, 1]), minlength=512) / rgb[..., 0].size for rgb in (one, other)]
    return float(np.abs(shares[0] - shares[1]).sum())


def _removal(model: ViewModel, teacher: ViewModel, number: int) -> float:
    """dB between pictures with and without vehicles where the teacher's stay the same: beside vehicles, shadows and reflections."""
    clip, frames = held_out_clip(number, 1, "clear noon")
    bare = [OccupancyFrame(frame.index, *without_vehicles(frame.semantics, frame.instances)) for frame in frames]
    before, after = (dict(_pictures(model, clip, part)) for part in (frames, bare))
    right, left = (dict(_pictures(teacher, clip, part)) for part in (frames, bare))
    square, count = 0.0, 0
    for key, picture in before.items():
        kept = ndimage.minimum_filter((right[key] == left[key]).all(-1).astype(np.uint8), SPREAD_PX) > 0
        square += float(((picture[kept].astype(np.float64) - after[key][kept]) ** 2).sum())
        count += int(3 * kept.sum())
    return round(float(10 * np.log10(255.0**2 * max(1, count) / max(square, 1e-9))), 2)


def without_vehicles(semantics: np.ndarray, instances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copies of occupancy (X, Y, Z) with every vehicle free."""
    vehicle = np.isin(semantics, [CLASS[name] for name in ("bus", "car", "construction_vehicle", "motorcycle", "trailer", "truck")])
    return np.where(vehicle, FREE, semantics).astype(np.uint8), np.where(vehicle, 0, instances).astype(np.uint16)


def held_out_clip(number: int, frames: int = FRAMES, prompt: str | None = None) -> tuple[SceneClip, list[OccupancyFrame]]:
    """A clip of a world that nothing learned from, and its true occupancy."""
    world = make_world(FIRST + number)
    clip = replace(world.clip(frames), cameras=tuple(surround_cameras()), prompt=PROMPTS[number % len(PROMPTS)] if prompt is None else prompt)
    return clip, list(world.occupancy(clip))


def psnr_db(picture: np.ndarray, truth: np.ndarray) -> float:
    """dB between pictures uint8 (H, W, 3); infinite where they are equal."""
    return psnr_outside(picture, truth, np.zeros(picture.shape[:2], bool))


def _pictures(
    model: ViewModel,
    clip: SceneClip,
    frames: list[OccupancyFrame],
    reference: Mapping[str, np.ndarray] = MappingProxyType({}),
    given: Mapping[str, Callable[[int], np.ndarray]] = MappingProxyType({}),
    seed: int = 0,
) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    sized = replace(clip, cameras=tuple(model.size(camera) for camera in clip.cameras))
    scene = ViewScene(sized, Recipe(seed=seed), lambda index: frames[index], reference=reference, given=given)
    for picture in model.pictures(scene, iter(range(len(clip))), lambda: False):
        yield (picture.camera, picture.index), picture.rgb


def _labels(clip: SceneClip, frames: list[OccupancyFrame]) -> dict[tuple[str, int], np.ndarray]:
    """The paper's voxel semantic buffers."""
    scene = ViewScene(clip, Recipe(), lambda index: frames[index])
    return {
        (camera.name, index): scene.buffers(index, number).semantic for index in range(len(clip)) for number, camera in enumerate(clip.cameras)
    }
