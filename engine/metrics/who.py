"""Who does the work: the same worlds drawn by a whole generator and by ones that lack a part of it (`launch.py evaluate --who`).

One row of numbers for each part taken out and each world, kept in a JSON file as they come, so that a run goes on where it was stopped.
The world's truth is only compared with, as everywhere.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.api import OccupancyFrame, Recipe
from engine.data.worlds import make_world
from engine.metrics.features import AutoencoderFeatures
from engine.metrics.frames import LayoutScores
from engine.metrics.frechet import frechet_distance
from engine.metrics.invention import Invention, jensen_shannon
from engine.occupancy.config import PRESETS, OccupancyPreset, TokensConfig
from engine.occupancy.prior import Begun, Canvas, Prior
from engine.occupancy.prior.noise import NoisePrior
from engine.occupancy.rollout import OccupancyGenerator
from engine.spec.clip import SceneClip
from engine.spec.grid import OCC3D
from engine.spec.worlds import HELD_OUT_SEED

NOISE = PRESETS["noise"]
"""How the noise prior is sampled; in fewer or more steps where it has to take as long as the whole."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Held:
    """A prior of which nothing is free: what the flow begins from is what comes out, or the noise that it would have begun under."""

    prior: Prior
    noise: bool = False

    def to(self, device: torch.device) -> None:
        """See Prior."""
        self.prior.to(device)

    def begin(self, canvas: Canvas, seed: int, painted_seed: int) -> Begun:
        """See Prior."""
        begun = self.prior.begin(canvas, seed, painted_seed)
        return Begun(begun.noise if self.noise else begun.latents, begun.noise, torch.zeros_like(begun.free), 0.0)


def parts(preset: OccupancyPreset) -> tuple[str, ...]:
    """What can be taken out of a preset, or told to its flow that it is not told; a prior of tokens has the noise prior beside it."""
    told = (f"{'without' if part in preset.flow_sees else 'told'}_{part}" for part in ("layout", "history"))
    beside = ("noise_prior", "noise_prior_same_seconds") if isinstance(preset.prior, TokensConfig) else ()
    return ("whole", "without_stoccdit", *told, "noise_as_latents", *beside)


def without(generator: OccupancyGenerator, part: str, steps: int | None = None) -> OccupancyGenerator:
    """The generator without one of its `parts`; what is left of it is shared. `steps` are those of the noise prior."""
    preset, prior = generator.preset, generator.prior
    what, _, name = part.partition("_")
    if part in ("without_stoccdit", "noise_as_latents"):
        prior = Held(prior, noise=part == "noise_as_latents")
    elif part in ("noise_prior", "noise_prior_same_seconds"):
        prior = NoisePrior()
        sampler = NOISE.sampler if steps is None or part == "noise_prior" else replace(NOISE.sampler, steps=steps)
        preset = replace(preset, sampler=sampler, flow_sees=NOISE.flow_sees)
    elif what == "told":
        preset = replace(preset, flow_sees=(*preset.flow_sees, name))
    elif what == "without":
        # Without a layout there is nothing to guide by.
        sampler = replace(preset.sampler, guidance=1.0) if name == "layout" else preset.sampler
        preset = replace(preset, sampler=sampler, flow_sees=tuple(seen for seen in preset.flow_sees if seen != name))
    return OccupancyGenerator(preset, generator.vae, generator.dit, prior, generator.device)


def who_does_the_work(
    generator: OccupancyGenerator,
    kept: Path,
    worlds: int,
    frames: int = 3,
    scenes: Sequence[tuple[str, SceneClip]] = (),
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """The table by part, over `worlds` held-out procedural worlds of `frames` frames each, and one over the other scenes.

    `kept` holds the rows of all runs; those that are there are not measured again. Delete it after weights or code have changed.
    """
    rows = json.loads(kept.read_text()) if kept.exists() else []
    there = {(row["part"], row["scene"]) for row in rows}
    extractor = AutoencoderFeatures(generator.vae, generator.device, {})
    own = parts(generator.preset)
    total, done = (worlds + len(scenes)) * len(own), 0
    for name, clip, truths in _scenes(worlds, frames, scenes):
        missing = [part for part in own if (part, name) not in there]
        truth = _invented([frame.semantics for frame in truths()], clip, extractor) if missing and truths is not None else {}
        for part in own:
            progress("who", done, total)
            done += 1
            if part not in missing:
                continue
            steps = _as_long_as_the_whole(rows, name)
            rows.append({"part": part, "scene": name, "procedural": truths is not None} | _row(without(generator, part, steps), clip, extractor, truth))
            beside = kept.with_suffix(".tmp")
            beside.write_text(json.dumps(rows))
            os.replace(beside, kept)
    return {
        "held_out_worlds": summary([row for row in rows if row["procedural"]]),
        "scenes": summary([row for row in rows if not row["procedural"]]),
    }


def _scenes(
    worlds: int, frames: int, scenes: Sequence[tuple[str, SceneClip]]
) -> Iterator[tuple[str, SceneClip, Callable[[], Iterator[OccupancyFrame]] | None]]:
    yield from ((name, clip, None) for name, clip in scenes)
    for number in range(worlds):
        world = make_world(HELD_OUT_SEED + number)
        clip = world.clip(frames, OCC3D)
        yield f"world {number}", clip, lambda world=world, clip=clip: world.occupancy(clip)


def _as_long_as_the_whole(rows: Sequence[dict[str, Any]], scene: str) -> int | None:
    """Steps in which noise takes as long as the whole does, by the processor seconds of this scene's rows."""
    seconds = {row["part"]: row["seconds"] for row in rows if row["scene"] == scene}
    if not {"whole", "noise_prior"} <= seconds.keys():
        return None
    return max(1, round(NOISE.sampler.steps * seconds["whole"] / seconds["noise_prior"]))


def _row(generator: OccupancyGenerator, clip: SceneClip, extractor: AutoencoderFeatures, truth: dict[str, Any]) -> dict[str, Any]:
    scores, made = LayoutScores(clip.grid), []
    seconds, started = 0.0, time.process_time()
    for frame in generator.frames(clip, Recipe()):
        seconds += time.process_time() - started
        layout = clip.layouts[frame.index]
        scores.add(frame.index, frame.semantics, frame.instances, layout, clip.boxes[frame.index], clip.world_SE3_ego[frame.index])
        made.append(frame.semantics)
        started = time.process_time()
    told = scores.scores()
    recall = told["instances"]["recall"].values()
    return {
        "steps": generator.preset.sampler.steps,
        "seconds": seconds / len(clip),
        "miou": told["bev_versus_layout"]["miou"],
        "iou": told["bev_versus_layout"]["iou"],
        "asked": sum(group["asked"] for group in recall),
        "found": sum(group["asked"] * (group["recall"] or 0) / 100 for group in recall),
        "phantoms": told["instances"]["phantoms_per_frame"],
        "specks": told["invention"]["specks_under_4_voxels"],
        "static": told["static_world"]["agree_of_either"],
        "made": _invented(made, clip, extractor),
        "truth": truth,
    }


def _invented(frames: Sequence[np.ndarray], clip: SceneClip, extractor: AutoencoderFeatures) -> dict[str, Any]:
    """Class counts of unpainted columns, and features of the first frame: those between look almost the same."""
    invention = Invention()
    for semantics, layout in zip(frames, clip.layouts, strict=True):
        invention.add(semantics, layout)
    return {"histogram": invention.histogram.tolist(), "features": np.round(extractor(frames[0]).astype(float), 4).tolist()}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By part: means over scenes, recall over all agents; for worlds with a truth its distances, the class histogram's and the features'."""
    table: dict[str, Any] = {}
    for part in dict.fromkeys(row["part"] for row in rows):
        own = [row for row in rows if row["part"] == part]
        numbers = "seconds", "steps", "miou", "iou", "phantoms", "specks", "static"
        table[part] = {"scenes": len(own)} | {name: _mean(row[name] for row in own) for name in numbers}
        asked = sum(row["asked"] for row in own)
        table[part]["recall"] = round(100 * sum(row["found"] for row in own) / asked, 2) if asked else None
        if all(row["truth"] for row in own):
            made, true = (np.sum([row[side]["histogram"] for row in own], 0)[:-1] for side in ("made", "truth"))
            table[part]["class_histogram_js"] = round(jensen_shannon(made / max(1, made.sum()), true / max(1, true.sum())), 4)
            features = (np.concatenate([np.asarray(row[side]["features"]) for row in own]) for side in ("made", "truth"))
            table[part]["frechet"] = round(frechet_distance(*features), 4)
    return table


def _mean(values: Iterator[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(float(np.mean(there)), 3) if there else None
