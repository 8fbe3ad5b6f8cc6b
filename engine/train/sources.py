"""Training batches from data sets, with procedural worlds beside them: the batch of step n is a function of (seed, n).

A recipe makes its `OccupancyBatches` as ever and passes them through `pick`: without data they come back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.data.datasets import open_datasets
from engine.data.frames import DataError, Dataset
from engine.spec.grid import GridSpec
from engine.train.batches import OccupancyBatches

DATA_SHARE = 0.8
"""Share of crops that come from the data. The rest is procedural, so that channels which the data never paint (in Occ3D crossings and
dividers) are not forgotten."""
PROCEDURAL = "engine.data procedural worlds"


class Batches(Protocol):
    """Makes the batch of a step; picklable for data workers."""

    def __call__(self, step: int) -> Mapping[str, Tensor]: ...


def pick(data: str | None, procedural: OccupancyBatches, share: float | None = None) -> OccupancyBatches | MixedBatches:
    """`procedural` itself, or with `data` ('occ3d:DIR[,takes:DIR ...]') batches of which `share` (default DATA_SHARE) comes from there.

    Seed, batch, crop, history and heights are those of `procedural`. Raises DataError where the data do not fit them.
    """
    if data is None:
        return procedural
    share = DATA_SHARE if share is None else share
    if not 0 < share <= 1:
        raise DataError(f"A share of {share:g} of the data was asked for, it is above 0 and at most 1: leave the data out to train without.")
    datasets = open_datasets(data)
    for dataset in datasets:
        _check(dataset, procedural)
    return MixedBatches(datasets, procedural, share)


def describe(batches: OccupancyBatches | MixedBatches) -> str:
    """What a card says that a model has learned from."""
    return batches.description() if isinstance(batches, MixedBatches) else PROCEDURAL


@dataclass(frozen=True, slots=True)
class MixedBatches:
    """Square crops of frames of data sets, and of procedural worlds; the same tensors as `OccupancyBatches`."""

    datasets: tuple[Dataset, ...]
    """Frames are drawn evenly from all of them together, so a larger set counts for more."""
    procedural: OccupancyBatches
    share: float
    """Of the rows; a batch has the whole number below or above, so that over the steps the share is exact."""

    def __call__(self, step: int) -> dict[str, Tensor]:
        """semantics uint8 (B, X, Y, Z), layouts uint8 (B, 15, X, Y), and in steps with history: past uint8 (B, X, Y, Z)."""
        history = self.procedural.history and step % self.procedural.history_every == 0
        rows = self._rows_from_data(step)
        if history and not self._with_past():
            rows = 0                                                                 # no poses: what a past is, procedural worlds must teach
        parts = []
        if rows:
            columns = zip(*self._crops(step, rows, history), strict=True)
            names = ("semantics", "layouts", "past") if history else ("semantics", "layouts")
            parts.append({name: torch.from_numpy(np.stack(column)) for name, column in zip(names, columns, strict=True)})
        if rows < self.procedural.batch:
            parts.append(replace(self.procedural, batch=self.procedural.batch - rows)(step))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def description(self) -> str:
        """Names, counts and the share, in one line."""
        names = ", ".join(f"{dataset.name} ({len(dataset)} frames)" for dataset in self.datasets)
        rest = f", the rest {PROCEDURAL}" if self.share < 1 else ""
        no_past = "" if self._with_past() else "; no poses there, so frames with a past are all procedural"
        return f"{self.share:.0%} {names}{rest}{no_past}"

    def _rows_from_data(self, step: int) -> int:
        wanted = self.procedural.batch * self.share
        return int((step + 1) * wanted + 1e-6) - int(step * wanted + 1e-6)

    def _with_past(self) -> bool:
        return any((dataset.past_of >= 0).any() for dataset in self.datasets)

    def _crops(self, step: int, rows: int, history: bool) -> list[tuple[np.ndarray, ...]]:
        """`rows` crops, each of another frame drawn with replacement: (semantics, layout) and with history the past."""
        random = np.random.default_rng([self.procedural.seed, step])
        choices = [np.flatnonzero(dataset.past_of >= 0) if history else np.arange(len(dataset)) for dataset in self.datasets]
        ends = np.cumsum([len(choice) for choice in choices])
        crops = []
        for drawn in random.integers(0, ends[-1], rows):
            which = int(np.searchsorted(ends, drawn, "right"))
            dataset, index = self.datasets[which], int(choices[which][drawn - ends[which]])
            semantics, layout, past = dataset[index] if history else (*dataset.alone(index), None)
            x, y = (int(random.integers(0, n - self.procedural.crop + 1)) for n in dataset.grid.bev_shape)
            heights = _heights(dataset.grid, self.procedural.grid)
            window = slice(x, x + self.procedural.crop), slice(y, y + self.procedural.crop)
            volumes = [semantics] if past is None else [semantics, past]
            now, *before = (np.ascontiguousarray(volume[*window, heights]) for volume in volumes)
            crops.append((now, np.ascontiguousarray(layout[:, *window]), *before))
        return crops


def _heights(have: GridSpec, wanted: GridSpec) -> slice:
    """Which heights of a grid are those of the model's: the nearest whole voxels, of two equally near the lower ones.

    'nucraft' lies half a voxel beside 'occ3d', so its ground is 0.2 m lower in the model's volume than Occ3D's.
    """
    first = int(np.ceil((wanted.origin_m[2] - have.origin_m[2]) / have.voxel_m - 0.5 - 1e-6))
    return slice(first, first + wanted.shape[2])


def _check(dataset: Dataset, procedural: OccupancyBatches) -> None:
    """DataError, one sentence, where crops of `dataset` cannot be what the model is trained on."""
    have, wanted, crop = dataset.grid, procedural.grid, procedural.crop
    if not np.isclose(have.voxel_m, wanted.voxel_m):
        raise DataError(f"{dataset.name} has voxels of {have.voxel_m:g} m, the model has {wanted.voxel_m:g} m: resample it.")
    if crop % 8 or crop > min(have.bev_shape):
        raise DataError(f"{dataset.name} has {have.bev_shape} columns and crops of {crop} were asked for: take a multiple of 8 that fits.")
    heights = _heights(have, wanted)
    if heights.start < 0 or heights.stop > have.shape[2]:
        its, models = (f"{grid.origin_m[2]:g} to {grid.upper_m[2]:g} m" for grid in (have, wanted))
        raise DataError(f"{dataset.name} has heights of {its}, the model of {models}: fill it up with free voxels.")
