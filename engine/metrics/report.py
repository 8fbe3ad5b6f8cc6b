"""`launch.py evaluate`: one report for one or more takes, as JSON. Every score here needs no downloaded weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.metrics.instances import InstanceScores
from engine.metrics.invention import Invention
from engine.metrics.layout import Obedience
from engine.metrics.occupancy import Confusion
from engine.metrics.temporal import TemporalAgreement
from engine.spec.take import Take, TakeError


def evaluate(takes: Sequence[Path], against: Path | None = None) -> dict[str, Any]:
    """Scores of each take and of all together; with `against`, 3D scores of the first take versus that ground-truth take.

    Obedience compares generated voxels with the layout alone. Raises TakeError where a take has no occupancy.
    """
    if against is not None and len(takes) != 1:
        raise TakeError(f"--against compares one take with one ground truth, and {len(takes)} takes were given: name one.")
    opened = [Take.open(Path(folder)) for folder in takes]
    pooled = Obedience()
    report: dict[str, Any] = {"takes": []}
    for take in opened:
        report["takes"].append(_one(take, pooled))
    report["bev_versus_layout"] = pooled.scores()
    if against is not None:
        report["against"] = _versus(opened[0], Take.open(Path(against)))
    return report


def _one(take: Take, pooled: Obedience) -> dict[str, Any]:
    obedience, invention = Obedience(), Invention()
    instances, temporal = InstanceScores(take.grid), TemporalAgreement(take.grid)
    semantics, ids = take.semantics, take.instances
    if len(semantics) == 0:
        raise TakeError(f"The take {take.folder} has no occupancy to evaluate: generate it with --until occupancy or further.")
    for k in range(len(semantics)):
        layout = take.layouts[k]
        for score in (obedience, pooled):
            score.add(semantics[k], layout)
        invention.add(semantics[k], layout)
        instances.add(semantics[k], ids[k], layout, take.boxes[k])
        temporal.add(semantics[k], take.world_SE3_ego[k])
    return {
        "take": str(take.folder),
        "recipe": take.info.get("recipe", {}),
        "bev_versus_layout": obedience.scores(),
        "instances": instances.scores(),
        "invention": invention.scores(),
        "static_world": temporal.scores(),
    }


def _versus(take: Take, truth: Take) -> dict[str, Any]:
    if take.semantics.shape != truth.semantics.shape:
        raise TakeError(f"{take.folder} has occupancy {take.semantics.shape}, {truth.folder} has {truth.semantics.shape}: compare takes of the same frames and grid.")
    confusion = Confusion()
    for made, true in zip(take.semantics, truth.semantics, strict=True):
        confusion.add(made, true)
    return {"ground_truth": str(truth.folder), "occupancy": confusion.scores()}
