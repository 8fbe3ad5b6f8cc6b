"""The camera strip and the view from above of what is shown, as messages; rendered again only when the voxels differ."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from app.workspace.images import STRIP_WIDTH, ImageCache, render_strip, strip_key, top_down
from app.workspace.recorded import recorded_jpeg, recorded_pictures
from app.workspace.shot import Shot

KEPT = 3
"""Frames whose pictures are kept: what is shown, what comes next, and what was before."""

Pictures = tuple[list[dict[str, object]], str]
"""The cameras of a `strip` message, and the address of the view from above."""


class Strip:
    """Of one workspace. Not safe for several threads: the live thread owns it."""

    def __init__(self, workspace: str, images: ImageCache) -> None:
        self.workspace, self.images = workspace, images
        self._kept: OrderedDict[Hashable, Pictures] = OrderedDict()

    def messages(self, shot: Shot, voxels: Hashable, edits: int, width: int = STRIP_WIDTH) -> Sequence[dict[str, object]]:
        """A `strip` and a `bev` message of a shot with these voxels, of the document after so many edits; pictures of 16:9 `width` pixels wide."""
        drawn = self.pictures(shot, voxels, width)
        assert drawn is not None, "nothing cancels it"
        cameras, above = drawn
        grid, ego = shot.clip.grid, shot.clip.world_SE3_ego[0]
        what = {"frame": shot.frame, "source": shot.source, "edits": edits, "stale": shot.stale, "pending": shot.pending}
        return (
            {"type": "strip", **what, "whole": shot.whole, "recipe": _recipe(shot), "take": _take(shot), "cameras": cameras},
            {
                "type": "bev", **what, "url": above,
                "origin_m": list(grid.origin_m[:2]), "size_m": [grid.shape[0] * grid.voxel_m, grid.shape[1] * grid.voxel_m],
                "ego": [float(ego[0, 3]), float(ego[1, 3]), float(np.arctan2(ego[1, 0], ego[0, 0]))],
            },
        )  # fmt: skip

    def pictures(self, shot: Shot, voxels: Hashable, width: int = STRIP_WIDTH, cancelled: Callable[[], bool] = lambda: False) -> Pictures | None:
        """Those of the messages, drawn unless they are kept, which may be before they are shown; None once `cancelled()`."""
        # While a draft is drawn the scene is another and the voxels are not: rendering them again would take the engine's time.
        key = strip_key(shot, voxels), recorded_pictures(shot), width
        if key not in self._kept:
            cameras = self._rendered(shot, width, cancelled)
            if cameras is None:
                return None
            self._kept[key] = cameras, self._url(top_down(shot))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _rendered(self, shot: Shot, width: int, cancelled: Callable[[], bool]) -> list[dict[str, object]] | None:
        recorded = {name: jpeg for name, path in recorded_pictures(shot) if (jpeg := recorded_jpeg(path)) is not None}
        cameras: list[dict[str, object]] = []
        for one in render_strip(shot, width):
            if cancelled():
                return None
            cameras.append({
                "name": one.name, "id": one.entity_id, "semantic": self._url(one.semantic), "depth": self._url(one.depth),
                "picture": self._url(one.picture.jpeg) if one.picture else None, "picture_stale": one.picture is not None and one.picture.stale,
                "recorded": self._url(recorded[one.name]) if one.name in recorded else None,
                "views": one.picture.take.recipe.views if one.picture else None, "take": one.picture.take.path.name if one.picture else None,
            })  # fmt: skip
        return cameras

    def _url(self, data: bytes) -> str:
        return f"/api/ws/{self.workspace}/image/{self.images.put(data)}"


def _recipe(shot: Shot) -> dict[str, object] | None:
    """Of a draft."""
    return None if shot.recipe is None else {"occupancy": shot.recipe.occupancy, "seed": shot.recipe.seed, "steps": shot.recipe.steps}


def _take(shot: Shot) -> dict[str, object] | None:
    """What the voxels are of, or were drawn into."""
    take = shot.take
    if take is None or shot.source == "lift":
        return None
    return {"name": take.path.name, "occupancy": take.recipe.occupancy, "views": take.recipe.views, "seed": take.recipe.seed}


def voxel_key(shot: Shot) -> Hashable:
    """Equal for equal voxels, whatever they came from."""
    return hashlib.blake2b(np.ascontiguousarray(shot.occupancy.semantics), digest_size=16).digest()
