"""Is what was invented like the world? Compared with held-out procedural scenes, and put beside how much those differ among themselves.

Two halves of held-out worlds, none of them ever trained on, say how far apart two honest samples lie. The distances of a take are given
with that as their unit: 1 is as good as another half, 3 is three times as far. Procedural scenes are the reference because the
shipped weights were trained on such; for layouts of real logs, part of any distance is that real streets are not procedural.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.data.worlds import make_world
from engine.metrics.features import AutoencoderFeatures, load_features
from engine.metrics.frechet import frechet_distance, kernel_distance
from engine.metrics.invention import Invention, jensen_shannon
from engine.spec.grid import OCC3D, GridSpec
from engine.spec.take import Take
from engine.spec.worlds import REFERENCE_SEED

EVERY = 4
"""Features are taken of every fourth frame of a sequence: the ones between look almost the same, and the encoder is what costs."""


@dataclass(slots=True)
class Sample:
    """What a set of frames invented: counts, and features where there is an autoencoder."""

    extractor: AutoencoderFeatures | None
    invention: Invention = field(default_factory=Invention)
    features: list[np.ndarray] = field(default_factory=list)

    def add(self, semantics: np.ndarray, layout: np.ndarray, with_features: bool = True) -> None:
        """One frame: semantics (X, Y, Z), layout (15, X, Y)."""
        self.invention.add(semantics, layout)
        if self.extractor is not None and with_features:
            self.features.append(self.extractor(semantics))

    def rows(self, count: int) -> np.ndarray:
        """`count` feature vectors, evenly spread over the frames."""
        every = np.concatenate(self.features)
        return every[np.linspace(0, len(every) - 1, count).astype(int)]

    @property
    def row_count(self) -> int:
        return sum(len(rows) for rows in self.features)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Two halves of held-out procedural frames, one frame a world."""

    halves: tuple[Sample, Sample]
    extractor: AutoencoderFeatures | None
    no_features: str
    """Why there is no autoencoder; empty where there is one."""


def held_out_reference(
    worlds: int,
    grid: GridSpec = OCC3D,
    extractor: AutoencoderFeatures | str | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Reference:
    """The truth of `worlds` held-out scenes, alternately into the two halves. Raises ValueError for fewer than 4 worlds.

    `extractor` is a loaded autoencoder, or a sentence why there is none; None looks for the shipped one.
    """
    if worlds < 4:
        raise ValueError(f"A held-out reference of {worlds} worlds cannot be halved and compared: ask for 4 or more.")
    found = load_features() if extractor is None else extractor
    encoder = None if isinstance(found, str) else found
    halves = (Sample(encoder), Sample(encoder))
    for number in range(worlds):
        progress("held-out reference", number, worlds)
        world = make_world(REFERENCE_SEED + number)
        clip = world.clip(1, grid)
        for frame in world.occupancy(clip):
            halves[number % 2].add(frame.semantics, clip.layouts[0])
    progress("held-out reference", worlds, worlds)
    return Reference(halves, encoder, found if isinstance(found, str) else "")


def compare_invention(takes: Iterable[Take], reference: Reference) -> dict[str, Any]:
    """`compare` for everything that these takes show."""
    sample = Sample(reference.extractor)
    for take in takes:
        for index, semantics in enumerate(take.semantics):
            sample.add(semantics, take.layouts[index], index % EVERY == 0)
    return compare(sample, reference)


def compare(sample: Sample, reference: Reference, truth: Sample | None = None) -> dict[str, Any]:
    """Distances of a sample to the held-out halves (the mean over both), between the halves, and the ratio of the two.

    class_histogram_js: Jensen-Shannon distance, 0 to 1, of the classes in unpainted columns. anyscene_ae_frechet, anyscene_ae_kid: in
    features of the studio's own autoencoder, equally many rows on every side; `unavailable` says why where there are none.
    `truth`, the true occupancy of the very layouts that the sample was made of, adds "same_layouts": other worlds differ in their layouts
    too (two halves of 64 worlds lie 0.17 apart in their histograms), this distance is of what was invented alone.
    """
    a, b = reference.halves
    shares = [part.invention.shares() for part in (sample, a, b)]
    to_a, to_b = jensen_shannon(shares[0], shares[1]), jensen_shannon(shares[0], shares[2])
    merged = Invention()
    merged.merge(a.invention)
    merged.merge(b.invention)
    result: dict[str, Any] = {
        "class_histogram_js": _ratio((to_a + to_b) / 2, jensen_shannon(shares[1], shares[2])),
        "held_out": {"worlds": merged.frames, "data": "procedural worlds, seeds never trained on"} | merged.scores(),
    }
    if truth is not None:
        result["same_layouts"] = {"class_histogram_js": round(jensen_shannon(shares[0], truth.invention.shares()), 5)}
    names = ("anyscene_ae_frechet", "anyscene_ae_kid")
    count = min(sample.row_count, a.row_count, b.row_count)
    if count < 2:
        return result | {name: {"unavailable": reference.no_features or "The sample has no frame to take features of."} for name in names}
    rows, first, second = (part.rows(count) for part in (sample, a, b))
    assert reference.extractor is not None
    for name, distance in zip(names, (frechet_distance, kernel_distance), strict=True):
        ours = (distance(rows, first) + distance(rows, second)) / 2
        result[name] = _ratio(ours, distance(first, second)) | {"rows": count} | reference.extractor.facts
        if truth is not None and truth.row_count >= 2:
            result["same_layouts"][name] = round(distance(rows, truth.rows(min(count, truth.row_count))), 5)
    return result


def _ratio(distance: float, between_halves: float) -> dict[str, Any]:
    """No ratio where the halves are not measurably apart (the kernel distance can be 0 or less)."""
    ratio = round(distance / between_halves, 3) if between_halves > 1e-9 else None
    return {"distance": round(distance, 5), "between_held_out_halves": round(between_halves, 5), "ratio": ratio}
