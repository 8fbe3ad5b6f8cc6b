"""What a new take keeps of an older one: its first frames as they are, one of them perhaps with regions drawn anew.

With all frames kept it is the older take with that one frame replaced, or the older take seen anew: through the document's cameras,
under its prompt. With fewer, the frames behind them are generated from the document as it is now. Either way it is a take beside the
older one, whose folder is only read, a frame at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.jobs.conditions import Conditions
from app.jobs.kept_pictures import KeptPictures
from editor.clip import scene_clip
from editor.document import Document, EditError
from editor.entities import Agent
from engine.api import OccupancyFrame, Recipe
from engine.presets import recipe_of
from engine.spec.clip import SceneClip
from engine.spec.frames import FrameReader
from engine.spec.geometry import invert
from engine.spec.take import Take, frames_on_disk
from engine.spec.words import plural


@dataclass(frozen=True, eq=False)
class Redrawn:
    """The frame that takes the place of one of the kept ones."""

    frame: OccupancyFrame
    """With its index in the take, and the occupancy edits on it."""
    conditions: Conditions
    """What it was drawn for, which the document may have left since."""
    regions: tuple[dict[str, Any], ...]
    """One after the other: `region_m` (N, 2) in the world; the occupancy model, seed and guidance that drew it; `quality` draft or frame, for its steps."""


@dataclass(frozen=True, eq=False)
class Basis:
    """The first `frames` frames of the take in `folder`."""

    folder: Path
    frames: int
    redrawn: Redrawn | None = None
    seen_anew: bool = False
    """Whether cameras and prompt are the document's also where every frame is kept."""
    only_cameras: tuple[str, ...] | None = None
    """Of a take seen anew: cameras whose pictures are made, the others keep theirs; None makes those of all."""
    only_frames: tuple[int, int] | None = None
    """Of a take seen anew: frames [first, behind the last) of the take whose pictures are made; None makes those of all."""

    @cached_property
    def take(self) -> Take:
        """Raises TakeError where the folder is no take, EditError where it has not that many frames."""
        take = Take.open(self.folder)
        has = frames_on_disk(self.folder)
        if not 1 <= self.frames <= has:
            raise EditError(f"Take '{self.folder.name}' has {plural(has, 'frame')} of occupancy and {self.frames} were to be kept: keep 1 to {has} of them.")
        return take

    def clip(self, document: Document, frames: int, cameras: Sequence[str] | None) -> SceneClip:
        """The clip of `frames` frames: the kept ones as the take has them, those behind them, and all cameras, as the document says.

        Where every frame is kept, and not seen anew, the document has no say. Raises EditError where grids differ.
        """
        kept, start_s = self._kept_clip(), float(self.take.timestamps_s[0])
        if frames <= self.frames and not self.seen_anew:
            return kept
        clip = scene_clip(document, start_s, max(frames, self.frames), cameras)
        if clip.grid.shape != kept.grid.shape or clip.grid.origin_m != kept.grid.origin_m:
            raise EditError(
                f"Take '{self.folder.name}' has grid '{kept.grid.name}' and the scene has '{clip.grid.name}': generate the scene from its first frame."
            )
        # Whoever left the scene since looks as before; all others as the scene says now.
        present = {agent.instance_id for agent in document.of(Agent)}
        looks = {id: look for id, look in kept.looks.items() if id not in present} | dict(clip.looks)
        seen, poses = clip.ego_SE3_cameras, kept.world_SE3_ego
        if seen is not None:
            # A camera in the world stays where it is, also for an ego that stood elsewhere in the older take.
            seen = np.concatenate([(invert(poses) @ clip.world_SE3_ego[: self.frames])[:, None] @ seen[: self.frames], seen[self.frames :]])
        if len(clip) == self.frames:
            # What fills the voxels was made from another document, unless that one asked for the same.
            same = _same_conditions(clip, kept)
            made_from = clip.document_hash if same else kept.document_hash
            return replace(kept, cameras=clip.cameras, ego_SE3_cameras=seen, prompt=clip.prompt, document_hash=made_from, looks=looks)
        # In place, because layouts are the largest thing that a long take has in memory.
        clip.layouts[: self.frames], clip.world_SE3_ego[: self.frames] = kept.layouts, poses
        return replace(clip, boxes=(*kept.boxes, *clip.boxes[self.frames :]), ego_SE3_cameras=seen, looks=looks)

    def _kept_clip(self) -> SceneClip:
        """The kept frames as the take has them, one of them as it was drawn anew."""
        take, kept = self.take, self.frames
        layouts, boxes, poses = take.layouts[:kept], [tuple(one) for one in take.boxes[:kept]], take.world_SE3_ego[:kept]
        if self.redrawn is not None:
            layouts, poses = layouts.copy(), poses.copy()
            at, drawn_for = self.redrawn.frame.index, self.redrawn.conditions
            layouts[at], boxes[at], poses[at] = drawn_for.layout, drawn_for.boxes, drawn_for.world_SE3_ego
        return SceneClip(
            layouts,
            tuple(boxes),
            poses,
            cameras=tuple(take.cameras),
            ego_SE3_cameras=take.ego_SE3_cameras[:kept],
            grid=take.grid,
            prompt=str(take.info.get("prompt", "")),
            document_hash=str(take.info.get("recipe", {}).get("document_hash", "")),
            start_s=float(take.timestamps_s[0]),
            looks=take.looks,
        )

    def conditions(self, index: int) -> Conditions | None:
        """What a kept frame was made for; None for those behind them."""
        if not 0 <= index < self.frames:
            return None
        if self.redrawn is not None and self.redrawn.frame.index == index:
            return self.redrawn.conditions
        return Conditions(self.take.layouts[index], tuple(self.take.boxes[index]), self.take.world_SE3_ego[index], self.take.grid)

    def pictures(self, clip: SceneClip) -> KeptPictures | None:
        """What is kept of the older take's pictures, None where all are made anew. Raises EditError where that cannot be."""
        if not self.seen_anew or (self.only_cameras is None and self.only_frames is None):
            return None
        return KeptPictures(self.take, clip, self.only_cameras, self.only_frames)

    def recipe(self, asked: Recipe) -> Recipe:
        """The recipe that was asked for; of a take that is only seen anew, the occupancy is made as it was made."""
        if not self.seen_anew:
            return asked
        made_by = recipe_of(self.take.info.get("recipe", {}))
        return replace(asked, occupancy=made_by.occupancy, steps=made_by.steps, guidance=made_by.guidance)

    def occupancy(self) -> Iterator[OccupancyFrame]:
        """The kept frames in order."""
        for frame in self._on_disk():
            yield self.redrawn.frame if self.redrawn is not None and frame.index == self.redrawn.frame.index else frame

    def facts(self) -> dict[str, object]:
        """For take.json: where the kept frames come from, how that take was made, and what was drawn anew. Frames count from the take's first."""
        digest = occupancy_digest(self.folder, self.frames)
        kept = {"take": self.folder.name, "frames": self.frames, "sha256": digest, "recipe": self.take.info.get("recipe", {})}
        if self.redrawn is None:
            return {"kept": kept}
        return {"kept": kept, "redrawn": [{"frame": self.redrawn.frame.index, **region} for region in self.redrawn.regions]}

    def _on_disk(self) -> Iterator[OccupancyFrame]:
        """The kept frames in order, as the take has them."""
        with closing(FrameReader(self.folder)) as reader:
            for index, (semantics, instances) in enumerate(reader.frames(self.frames)):
                yield OccupancyFrame(index, semantics, instances)


def occupancy_digest(folder: Path, frames: int) -> str:
    """SHA-256 of the first `frames` frames of a take's occupancy: semantics and instances, one frame after the other."""
    digest = hashlib.sha256()
    with closing(FrameReader(folder)) as reader:
        for semantics, instances in reader.frames(frames):
            digest.update(semantics.tobytes())
            digest.update(instances.tobytes())
    return digest.hexdigest()


def _same_conditions(clip: SceneClip, other: SceneClip) -> bool:
    """Whether two clips ask for the same occupancy."""
    return (
        all(np.array_equal(one, two) for one, two in zip(clip.layouts, other.layouts, strict=True))
        and clip.boxes == other.boxes
        and np.array_equal(clip.world_SE3_ego, other.world_SE3_ego)
    )
