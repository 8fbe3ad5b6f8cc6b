"""Hand a take over: Occ3D labels for training, a mesh for a viewer, and what each of them could not hold.

    .venv/bin/python -m examples.05_hand_over take exported
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.export import export_take
from engine.spec.take import Take


def main(folder: Path, out: Path) -> None:
    take = Take.open(folder)
    for format in ("occ3d", "glb", "png"):
        report = export_take(take, format, out / format)
        print(f"{format}: {report.files} files")
        for sentence in report.dropped:
            print(f"  {sentence}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
