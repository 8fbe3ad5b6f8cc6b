"""The camera strip and the view from above of what is shown, as messages; rendered again only when the voxels differ."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence

import numpy as np

from app.bridge import Shot
from app.images import ImageCache, render_strip, strip_key, top_down


class Strip:
    """Of one workspace. Not safe for several threads: the live thread owns it."""

    def __init__(self, workspace: str, images: ImageCache) -> None:
        self.workspace, self.images = workspace, images
        self._key: Hashable = None
        self._messages: Sequence[dict[str, object]] = ()

    def messages(self, shot: Shot, voxels: Hashable) -> Sequence[dict[str, object]]:
        """A `strip` and a `bev` message of a shot with these voxels."""
        # While a draft is drawn the scene is another and the voxels are not: rendering them again would take the engine's time.
        key = strip_key(shot, voxels)
        if key != self._key:
            self._key, self._messages = key, self._rendered(shot)
        return self._messages

    def _rendered(self, shot: Shot) -> Sequence[dict[str, object]]:
        cameras = [
            {
                "name": one.name, "id": one.entity_id, "semantic": self._url(one.semantic), "depth": self._url(one.depth),
                "picture": self._url(one.picture) if one.picture else None,
            }
            for one in render_strip(shot)
        ]  # fmt: skip
        grid, ego = shot.clip.grid, shot.clip.world_SE3_ego[0]
        recipe = None if shot.recipe is None else {"occupancy": shot.recipe.occupancy, "seed": shot.recipe.seed, "steps": shot.recipe.steps}
        strip: dict[str, object] = {
            "type": "strip", "frame": shot.frame, "source": shot.source, "whole": shot.whole, "recipe": recipe, "cameras": cameras,
        }  # fmt: skip
        bev: dict[str, object] = {
            "type": "bev", "frame": shot.frame, "source": shot.source, "url": self._url(top_down(shot)),
            "origin_m": list(grid.origin_m[:2]), "size_m": [grid.shape[0] * grid.voxel_m, grid.shape[1] * grid.voxel_m],
            "ego": [float(ego[0, 3]), float(ego[1, 3]), float(np.arctan2(ego[1, 0], ego[0, 0]))],
        }  # fmt: skip
        return strip, bev

    def _url(self, data: bytes) -> str:
        return f"/api/ws/{self.workspace}/image/{self.images.put(data)}"


def voxel_key(shot: Shot) -> Hashable:
    """Equal for equal voxels, whatever they came from."""
    return hashlib.blake2b(np.ascontiguousarray(shot.occupancy.semantics), digest_size=16).digest()
