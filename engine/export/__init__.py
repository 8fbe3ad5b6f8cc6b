"""Takes in other people's formats. Each exporter writes what its format can hold and says in sentences what it dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.export.glb import glb, glb_voxels
from engine.export.nuscenes import nuscenes
from engine.export.occ3d import OCC3D_FREE, OCC3D_OF_CLASS, occ3d
from engine.export.parts import ExportError, ExportReport
from engine.export.plain import frames, mp4, png
from engine.export.transforms import transforms
from engine.spec.take import Take

__all__ = ["FORMATS", "OCC3D_FREE", "OCC3D_OF_CLASS", "ExportError", "ExportReport", "export_take"]

FORMATS: Mapping[str, Callable[[Take, Path], ExportReport]] = {
    "occ3d": occ3d,
    "nuscenes": nuscenes,
    "glb": glb,
    "glb-voxels": glb_voxels,
    "png": png,
    "mp4": mp4,
    "frames": frames,
    "transforms": transforms,
}


def export_take(take: Take, format: str, out: Path) -> ExportReport:  # noqa: A002 - the command line's own word
    """Writes `take` to `out`. Raises ExportError for an unknown format, a stage that the take has not reached, or an `out` in use."""
    if format not in FORMATS:
        raise ExportError(f"There is no export format '{format}': choose {', '.join(FORMATS)}.")
    if out.is_dir() and any(out.iterdir()):
        raise ExportError(f"{out} holds other things already: export into a new folder.")
    if out.is_file() and out.suffix != ".glb":
        raise ExportError(f"{out} is a file and '{format}' is a folder: choose another name.")
    return FORMATS[format](take, out)
