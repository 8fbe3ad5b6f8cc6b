"""How long 20 s scenes take to come in, beside reading their files alone: python -m tests.editor.bench_import [SHARED_DATA]

Best of five, in seconds of the clock and of the processor; the last column, for tables, is the import over `json.loads` of the same files.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from editor.formats import import_scene
from tests.editor.made_nuscenes import expansion, tables, write_tables

REAL = {
    "nuscenes, scene-0103": ("nuscenes", "derived_nuscenes_tables/scene-0103_tables_only"),
    "nuscenes-infos, scene-0103": ("nuscenes-infos", "nuscenes_infos_0103_0916/infos_scene-0103.pkl"),
    "scenarionet, scene-0103": ("scenarionet", "scenarionet_nuscenes/nuscenes_0/sd_nuscenes_v1.0-mini_scene-0103.pkl"),
}


def best(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor of the fastest of five."""
    measured = []
    for _ in range(5):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        measured.append((time.perf_counter() - clock, time.process_time() - processor))
    return min(measured)


def read(source: Path) -> None:
    for path in source.rglob("*.json"):
        json.loads(path.read_bytes())


def main(shared: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tables(root / "v1.0-mini", tables(41))
        (root / "maps").mkdir()
        (root / "maps/boston-seaport.json").write_text(json.dumps(expansion()))
        sources = {"nuscenes, made, with a map": ("nuscenes", root)}
        sources |= {name: (form, shared / place) for name, (form, place) in REAL.items() if (shared / place).exists()}
        for name, (form, source) in sources.items():
            clock, processor = best(lambda: import_scene(form, source))  # noqa: B023 - called at once
            ratio = f"{clock / best(lambda: read(source))[0]:7.1f} x" if source.is_dir() else ""  # noqa: B023
            print(f"{name:<28} {clock:6.2f} s  {processor:6.2f} s  {ratio}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data"))
