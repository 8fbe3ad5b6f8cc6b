"""What a new take keeps of an older one: its first frames as they are, one of them perhaps with regions drawn anew.

With all frames kept it is the older take with that one frame replaced; with fewer, the frames behind them are generated from the
document as it is now. Either way it is a take beside the older one, whose folder is only read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.conditions import Conditions
from editor.clip import scene_clip
from editor.document import Document, EditError
from engine.api import OccupancyFrame
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert
from engine.spec.take import Take


@dataclass(frozen=True, eq=False)
class Redrawn:
    """The frame that takes the place of one of the kept ones."""

    frame: OccupancyFrame
    """With its index in the take, and the occupancy edits on it."""
    conditions: Conditions
    """What it was drawn for, which the document may have left since."""
    regions: tuple[dict[str, Any], ...]
    """One after the other: `region_m` (N, 2) in the world; the preset, seed and guidance that drew it; `quality` draft or frame, for its steps."""


@dataclass(frozen=True, eq=False)
class Basis:
    """The first `frames` frames of the take in `folder`."""

    folder: Path
    frames: int
    redrawn: Redrawn | None = None

    @cached_property
    def take(self) -> Take:
        """Raises TakeError where the folder is no take, EditError where it has not that many frames."""
        take = Take.open(self.folder)
        has = len(take.semantics)
        if not 1 <= self.frames <= has:
            raise EditError(f"Take '{self.folder.name}' has {has} frames of occupancy and {self.frames} were to be kept: keep 1 to {has} of them.")
        return take

    def clip(self, document: Document, frames: int, cameras: Sequence[str] | None) -> SceneClip:
        """The clip of `frames` frames: the kept ones as the take has them, those behind them, and all cameras, as the document says.

        Where every frame is kept the document has no say. Raises EditError where grids differ.
        """
        take, kept = self.take, self.frames
        told = take.info.get("recipe", {})
        layouts, boxes, poses = take.layouts[:kept].copy(), [tuple(one) for one in take.boxes[:kept]], take.world_SE3_ego[:kept].copy()
        if self.redrawn is not None:
            at, drawn_for = self.redrawn.frame.index, self.redrawn.conditions
            layouts[at], boxes[at], poses[at] = drawn_for.layout, drawn_for.boxes, drawn_for.world_SE3_ego
        start_s = float(take.timestamps_s[0])
        if frames <= kept:
            return SceneClip(
                layouts,
                tuple(boxes),
                poses,
                cameras=tuple(take.cameras),
                ego_SE3_cameras=take.ego_SE3_cameras[:kept],
                grid=take.grid,
                prompt=str(take.info.get("prompt", "")),
                document_hash=str(told.get("document_hash", "")),
                start_s=start_s,
            )
        clip = scene_clip(document, start_s, frames, cameras)
        if clip.grid.shape != take.grid.shape or clip.grid.origin_m != take.grid.origin_m:
            raise EditError(
                f"Take '{self.folder.name}' has grid '{take.grid.name}' and the scene has '{clip.grid.name}': generate the scene from its first frame."
            )
        seen = clip.ego_SE3_cameras
        if seen is not None:
            # A camera in the world stays where it is, also for an ego that stood elsewhere in the older take.
            seen = np.concatenate([(invert(poses) @ clip.world_SE3_ego[:kept])[:, None] @ seen[:kept], seen[kept:]])
        return replace(
            clip,
            layouts=np.concatenate([layouts, clip.layouts[kept:]]),
            boxes=(*boxes, *clip.boxes[kept:]),
            world_SE3_ego=np.concatenate([poses, clip.world_SE3_ego[kept:]]),
            ego_SE3_cameras=seen,
        )

    def occupancy(self) -> Iterator[OccupancyFrame]:
        """The kept frames in order."""
        for index in range(self.frames):
            if self.redrawn is not None and index == self.redrawn.frame.index:
                yield self.redrawn.frame
            else:
                yield OccupancyFrame(index, self.take.semantics[index], self.take.instances[index])

    def facts(self) -> dict[str, object]:
        """For take.json: where the kept frames come from, how that take was made, and what was drawn anew. Frames count from the take's first."""
        digest = hashlib.sha256()
        for index in range(self.frames):
            digest.update(self.take.semantics[index].tobytes())
            digest.update(self.take.instances[index].tobytes())
        kept = {"take": self.folder.name, "frames": self.frames, "sha256": digest.hexdigest(), "recipe": self.take.info.get("recipe", {})}
        if self.redrawn is None:
            return {"kept": kept}
        return {"kept": kept, "redrawn": [{"frame": self.redrawn.frame.index, **region} for region in self.redrawn.regions]}
