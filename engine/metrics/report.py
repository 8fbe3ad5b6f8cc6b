"""`launch.py evaluate`: one report for one or more takes, as JSON. Every score here needs no downloaded weights.

`engine.metrics.page.render_page` shows it to people; `engine.metrics.procedural` makes the same report for an engine instead of takes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.metrics.diversity import Diversity
from engine.metrics.frames import LayoutScores, TruthScores
from engine.metrics.layout import Obedience
from engine.metrics.occ3d import PREFIX, evaluate_occ3d
from engine.spec.classes import FREE
from engine.spec.grid import GridSpec
from engine.spec.take import Take, TakeError


def evaluate(
    takes: Sequence[Path],
    against: Path | None = None,
    held_out: int = 0,
    inception: Path | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Scores of each take and of all together.

    `against`: 3D scores of the one take versus that ground-truth take, or 'occ3d:DIR' (`engine.metrics.occ3d`). `held_out`: compare what
    all takes together invented with this many held-out procedural worlds (4 or more; 0 leaves it out).
    `inception`: with `against`, FID and KID of renders too. Takes of one layout sequence that differ in their seed also
    give the diversity of the generator. Obedience compares generated voxels with the layout alone.
    Raises TakeError where a take has no occupancy, and ValueError where `held_out` is too small.
    """
    if against is not None and len(takes) != 1:
        raise TakeError(f"--against compares one take with one ground truth, and {len(takes)} takes were given: name one.")
    pooled = Obedience()
    report: dict[str, Any] = {"takes": []}
    for folder in takes:
        take = Take.open(Path(folder))
        row, obedience = _one(take, progress)
        report["takes"].append(row)
        pooled.merge(obedience)
        if against is not None and str(against).startswith(PREFIX):
            report["against_occ3d"] = evaluate_occ3d(take, str(against), progress)
        elif against is not None:
            truth = Take.open(Path(against))
            report["against"] = _versus(take, truth, progress)
            if inception is not None:
                report["against"] |= _rendered(take, truth, inception, progress)
    report["bev_versus_layout"] = pooled.scores()
    if varied := _over_seeds(takes):
        report["diversity"] = varied
    if held_out:
        # Here, because only this comparison needs torch and a model.
        from engine.metrics.reference import compare_invention, held_out_reference

        grid = _grid_of_all([Take.open(Path(folder)) for folder in takes])
        reference = held_out_reference(held_out, grid, progress=progress)
        # Opened one by one, so that only one take's occupancy is in memory.
        report["invention_versus_held_out"] = compare_invention((Take.open(Path(folder)) for folder in takes), reference)
    return report


def _one(take: Take, progress: Callable[[str, int, int], None]) -> tuple[dict[str, Any], Obedience]:
    semantics, ids = take.semantics, take.instances
    if len(semantics) == 0:
        raise TakeError(f"The take {take.folder} has no occupancy to evaluate: generate it with --until occupancy or further.")
    if int(semantics.max()) > FREE:
        raise TakeError(f"The take {take.folder} holds class {int(semantics.max())}, classes go from 0 to {FREE}: make the take again.")
    scores = LayoutScores(take.grid)
    for k in range(len(semantics)):
        progress(take.folder.name, k, len(semantics))
        scores.add(k, semantics[k], ids[k], take.layouts[k], take.boxes[k], take.world_SE3_ego[k])
    progress(take.folder.name, len(semantics), len(semantics))
    return {"take": str(take.folder), "recipe": take.info.get("recipe", {})} | scores.scores(), scores.obedience


def _versus(take: Take, truth: Take, progress: Callable[[str, int, int], None]) -> dict[str, Any]:
    if take.semantics.shape != truth.semantics.shape or not _same_place(take.grid, truth.grid):
        raise TakeError(
            f"{take.folder} has occupancy {take.semantics.shape} from {take.grid.origin_m}, {truth.folder} has {truth.semantics.shape} "
            f"from {truth.grid.origin_m}: compare takes of the same frames and grid."
        )
    if int(truth.semantics.max()) > FREE:
        raise TakeError(f"The truth {truth.folder} holds class {int(truth.semantics.max())}, classes go from 0 to {FREE}: make it again.")
    scores = TruthScores(take.grid)
    for k, (made, true) in enumerate(zip(take.semantics, truth.semantics, strict=True)):
        progress("against the truth", k, take.frame_count)
        scores.add(k, made, true, truth.world_SE3_ego)
    progress("against the truth", take.frame_count, take.frame_count)
    return {"ground_truth": str(truth.folder)} | scores.scores()


def _rendered(take: Take, truth: Take, inception: Path, progress: Callable[[str, int, int], None]) -> dict[str, Any]:
    """FID and KID of every frame's renders, by the cameras of `take`."""
    from engine.metrics.renders import Inception, RenderScores  # torch, which no other score of a take needs

    scores = RenderScores(Inception.load(inception))
    for k, (made, true) in enumerate(zip(take.semantics, truth.semantics, strict=True)):
        progress("renders", k, take.frame_count)
        scores.add(made, true, take.grid, take.cameras, take.ego_SE3_cameras[k])
    progress("renders", take.frame_count, take.frame_count)
    return scores.scores()


def _same_place(a: GridSpec, b: GridSpec) -> bool:
    return a.voxel_m == b.voxel_m and np.allclose(a.origin_m, b.origin_m)


def _grid_of_all(takes: Sequence[Take]) -> GridSpec:
    if any(take.grid.shape != takes[0].grid.shape or not _same_place(take.grid, takes[0].grid) for take in takes):
        raise TakeError("The takes have different grids, and one held-out reference fits one grid: evaluate them apart.")
    return takes[0].grid


def _over_seeds(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Diversity of every group of takes that were made of the same layouts and by the same recipe but for the seed."""
    groups: dict[str, dict[int, Path]] = defaultdict(dict)
    if len(folders) < 2:
        return []
    for folder in folders:
        take = Take.open(Path(folder))
        recipe = dict(take.info.get("recipe", {}))
        seed = recipe.pop("seed", None)
        key = hashlib.sha256(np.ascontiguousarray(take.layouts).tobytes() + repr(sorted(recipe.items())).encode()).hexdigest()
        if isinstance(seed, int):
            groups[key][seed] = Path(folder)
    rows = []
    for of_seed in groups.values():
        if len(of_seed) < 2:
            continue
        score, takes = Diversity(), [Take.open(folder) for folder in of_seed.values()]
        for k in range(takes[0].frame_count):
            score.add([take.semantics[k] for take in takes], takes[0].layouts[k])
        rows.append({"takes": [str(take.folder) for take in takes]} | score.scores())
    return rows
