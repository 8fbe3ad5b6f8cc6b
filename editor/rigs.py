"""The camera rigs that come with the studio: assets/rigs/NAME.json."""

from __future__ import annotations

import json

from editor import check
from editor.files.jsonform import camera_from_json
from engine.spec.camera import Rig
from engine.spec.classes import ASSETS


def rig_names() -> tuple[str, ...]:
    """Names that `load_rig` knows."""
    return tuple(sorted(path.stem for path in (ASSETS / "rigs").glob("*.json")))


def load_rig(name: str) -> Rig:
    """A rig by name, its cameras in the order of the surround chain. Raises EditError where there is none of that name."""
    check.one_of(name, "The rig", rig_names())
    data = json.loads((ASSETS / "rigs" / f"{name}.json").read_text())
    return Rig(name, tuple(camera_from_json(camera) for camera in data["cameras"]))
