"""What numba keeps on disk follows the sources: it looks at a function's own file only, not at those of the functions that it calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def forget_stale(package: Path, others: Sequence[Path] = ()) -> int:
    """Removes compiled functions of a package's folder that are older than any source in it or in `others`; how many files went."""
    sources = [*package.rglob("*.py"), *others]
    newest = max(source.stat().st_mtime for source in sources)
    gone = 0
    for kept in package.rglob("__pycache__/*.nb[ic]"):
        try:
            if kept.stat().st_mtime < newest:
                kept.unlink()
                gone += 1
        except OSError:  # another process was faster, or the folder is not ours: numba writes what it can
            continue
    return gone
