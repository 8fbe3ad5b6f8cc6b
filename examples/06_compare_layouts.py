"""How far are procedural worlds from recorded scenes? Prints what layouts are made of, and ranks what differs.

    .venv/bin/python -m examples.06_compare_layouts 200 "logs=a.anyscene,b.anyscene" c.anyscene

The number says how many held-out worlds of each mix to count. Every other word is a column: a scene, or several under a name; the
first column is what the worlds are compared with. Rows: shares are of 1, distributions show their median.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from editor.clip import frame_count, scene_clip
from editor.document import Document
from editor.entities import Agent, Area
from editor.files import project
from engine.data.worlds import HORIZON_S, make_world
from engine.metrics.layout_statistics import EDGES, EGO, SPEED_FRAMES, LayoutStatistics, compare
from engine.spec.classes import AGENTS
from engine.spec.grid import RATE_HZ

FIRST_SEED = 1_500_000_000
"""Held out: training takes seeds below 1,000,000,000."""
MIXES = ("usual", "real")


def unknown_to(document: Document) -> list[str]:
    """What the scene's source does not hold: map channels that we derived or that are nowhere, agents and the drive of a bare map."""
    recorded = {area.channel for area in document.of(Area) if area.source != "derived"}
    channels = [name for name in ("ped_crossing", "walkway") if name not in recorded]
    bare = not any(True for _ in document.of(Agent))
    return channels + list(AGENTS if bare else ()) + ([EGO] if document.ego.source == "derived" else [])


@cache
def of_scene(path: Path) -> LayoutStatistics:
    document = project.load(path)
    statistics = LayoutStatistics()
    statistics.add(scene_clip(document, frames=frame_count(document), cameras=()), unknown_to(document))
    return statistics


def of_worlds(mix: str, count: int) -> LayoutStatistics:
    """One moment each of `count` held-out worlds."""
    statistics = LayoutStatistics()
    for number in range(count):
        world = make_world(FIRST_SEED + number, mix=mix)
        start_s = (number % 8) / 8 * (HORIZON_S - SPEED_FRAMES / RATE_HZ)
        statistics.add(world.clip(SPEED_FRAMES + 1, start=start_s), world.style.missing)
    return statistics


def pooled(paths: Iterable[Path]) -> LayoutStatistics:
    together = LayoutStatistics()
    for path in paths:
        together.merge(of_scene(path))
    return together


def main(words: list[str], worlds: int) -> None:
    columns: dict[str, LayoutStatistics] = {}
    for word in words:
        name, _, files = word.rpartition("=")
        columns[name or Path(files).stem] = pooled(Path(file) for file in files.split(","))
    reference = next(iter(columns.values()))
    columns |= {f"{mix} worlds": of_worlds(mix, worlds) for mix in MIXES}
    ranked = [compare(reference, columns[f"{mix} worlds"]) for mix in MIXES]
    distance = [{row.name: row.distance for row in rows} for rows in ranked]
    print("| | " + " | ".join([*columns, *(f"distance of {mix}" for mix in MIXES)]) + " |")
    print("|---|" + "---|" * (len(columns) + len(MIXES)))
    print("| frames | " + " | ".join(str(column.frames) for column in columns.values()) + " | | |")
    values = [column.rates() | {name: column.median(name) for name in EDGES if column.values[name]} for column in columns.values()]
    for row in ranked[0]:
        shown = [f"{held[row.name]:.3g}" if row.name in held else "" for held in values]
        far = [f"{rows[row.name]:.2f}" if row.name in rows else "" for rows in distance]
        print("| " + " | ".join([row.name.replace("_", " "), *shown, *far]) + " |")
    shared = distance[0].keys() & distance[1].keys()
    means = [sum(rows[name] for name in shared) / max(len(shared), 1) for rows in distance]
    print(f"Mean distance over {len(shared)} rows: " + ", ".join(f"{mix} {mean:.3f}" for mix, mean in zip(MIXES, means, strict=True)) + ".")


if __name__ == "__main__":
    main(sys.argv[2:], int(sys.argv[1]))
