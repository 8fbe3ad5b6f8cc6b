"""What a workspace's 3D view shows beside the scene; no part of any document."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    follow: bool = True
    """Whether the eye goes and turns with the ego; otherwise it stays where it is in the world."""
    frusta: bool = False
    """Whether every camera is drawn; otherwise those that are selected or stand in the world."""
    clip_m: float | None = None
    """Voxels above this height (ego frame) are left out; None shows all."""
