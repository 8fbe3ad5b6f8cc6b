"""The camera rig of a source that brings no cameras of its own."""

from __future__ import annotations

from editor.entities import CameraEntity
from editor.rigs import load_rig


def preset_cameras(name: str) -> tuple[CameraEntity, ...]:
    """The cameras of a preset rig, mounted on the ego. Raises EditError where there is no such rig."""
    return tuple(CameraEntity(f"camera-{number}", camera, source="derived") for number, camera in enumerate(load_rig(name).cameras, 1))
