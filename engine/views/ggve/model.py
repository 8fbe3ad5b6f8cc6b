"""`compact`: GGVE with the weights that we ship. The drawn world shows it geometry and materials, it makes the light, weather and colours."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.api import Cancelled, Picture
from engine.devices import half_precision, pick_device
from engine.render.buffers import ray_table
from engine.spec.camera import Camera
from engine.views.drawn.world import CalledOff, DrawnWorld, Moment
from engine.views.ggve.autoencoder import CONFIGS as AUTOENCODERS
from engine.views.ggve.autoencoder import STRIDE, Autoencoder
from engine.views.ggve.carried import Cells, agreed
from engine.views.ggve.chain import Chain, Key, KeyView, Told, cells_of, fitted
from engine.views.ggve.compact import CONFIGS, CompactGGVE
from engine.views.ggve.guide import guide_of
from engine.views.ggve.levelled import Seen, levelled
from engine.views.ggve.reference import latents_of
from engine.views.ggve.shown import Shown, show
from engine.views.ggve.text import LOOK, batch_of, look_numbers
from engine.views.look import prompt_of, read_prompt, words_at
from engine.views.scene import PICTURE_PIXELS, ViewScene
from engine.views.surround import plan
from engine.weights import WEIGHTS, load_model

KEY_EVERY = 4
"""Frames from one key frame to the next, as the model learned them."""
STEPS = 12
"""Of the sampler."""


class CompactViews:
    """See engine.api.ViewModel."""

    order = "frame"
    takes_anchors = True

    def __init__(self, autoencoder: Autoencoder, model: CompactGGVE, device: torch.device, facts: dict[str, Any], pixels: int = PICTURE_PIXELS) -> None:
        self.autoencoder, self.model, self.device, self.pixels = autoencoder.eval(), model.eval(), device, pixels
        self.facts: dict[str, object] = facts
        self.steps = STEPS
        self.without: frozenset[str] = frozenset()
        """Conditions that are zeroed, to measure what each one does: of `Controls`, and "text"."""

    def size(self, camera: Camera) -> Camera:
        """See engine.api.ViewModel."""
        return camera.within(self.pixels, STRIDE)

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """See engine.api.ViewModel."""
        return read_prompt(prompt, 0)[1]

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        """The first frame at once, then key frame by key frame, the frames between with each."""
        take = _Take(self, scene)
        for index in arrived:
            try:
                if cancelled() or not take.see(index, cancelled):
                    return
            except CalledOff:
                return
            if take.key_is_due(index):
                yield from take.pictures(cancelled)
        yield from take.pictures(cancelled)


class _Take:
    """One take on its way: the drawn world, the chain of latents, and the frames that wait for their key frame."""

    def __init__(self, views: CompactViews, scene: ViewScene) -> None:
        self.views, self.scene, self.device = views, scene, views.device
        self.world = DrawnWorld(scene.clip, read_prompt(scene.prompt, scene.seed)[0])
        names = {camera.name for camera in scene.cameras}
        first = next((name for name in scene.reference if name in names), None)
        path = plan(scene.cameras, [name for name in scene.given if name in names], first)
        self.chain = Chain(views.model, path, cells_of([(one.height, one.width) for one in scene.cameras]), scene.seed, views.steps)
        self.order = sorted(self.chain.order, key=lambda name: (name not in scene.given, name not in scene.reference))
        """Every view's name: its picture is level with those before it, so what was given comes first."""
        self._seen, self._key = -1, -KEY_EVERY
        self._waiting: list[tuple[int, Key]] = []
        self._before: tuple[Key, dict[str, Tensor]] | None = None

    def see(self, index: int, cancelled: Cancelled) -> bool:
        """Takes in a frame; False where cancelled on the way."""
        clip = self.scene.clip
        for skipped in range(self._seen + 1, index):  # the world is made of every frame
            self.world.see(self.scene.frame(skipped), cancelled)
        moment, self._seen = self.world.see(self.scene.frame(index), cancelled), index
        time_s, told, views = self.world.seconds(moment), dict[str, tuple[Moment, Told]](), {}
        for number, camera in enumerate(self.scene.cameras):
            if cancelled():
                return False
            words = prompt_of(self.scene.prompt, camera.name)
            if words not in told:
                lit = self.world.relit(moment, read_prompt(words, self.scene.seed, time_s)[0])
                told[words] = lit, self._told(lit, words_at(words, time_s))
            lit, says = told[words]
            drawn = guide_of(self.world, lit, number, self.world.expose(lit, number))
            world_SE3_camera = clip.world_SE3_ego[index] @ clip.camera_pose(index, number)
            shown = drawn._asdict() | {
                "rays": np.nan_to_num(ray_table(camera)).transpose(2, 0, 1).copy(),
                "up": world_SE3_camera[2, :3].astype(np.float32),
            }
            guide = {name: torch.from_numpy(part)[None].to(self.device) for name, part in shown.items()}
            seen = Seen(camera, world_SE3_camera, shown["rays"], drawn.distance)
            views[camera.name] = KeyView(guide, Cells.of(guide, camera, world_SE3_camera, self.chain.cells), seen, says)
        self._waiting.append((index, Key(views, clip.world_SE3_ego[index])))
        return True

    def _told(self, moment: Moment, prompt: str) -> Told:
        """A moment's words and look; of a reference picture's take no look, as its light is the picture's, not the seed's."""
        silent = "text" in self.views.without
        told = np.zeros(LOOK, np.float32) if self.scene.reference or silent else look_numbers(moment.look, moment.light, np.eye(3))
        words, look = batch_of(["" if silent else prompt], [told])
        return Told(words, look, sun=not self.scene.reference, without=self.views.without - {"text"})

    def key_is_due(self, index: int) -> bool:
        """Whether a frame is a key frame: the first, each KEY_EVERY on, and the last."""
        return index - self._key >= KEY_EVERY or index + 1 == len(self.scene)

    def pictures(self, cancelled: Cancelled) -> Iterator[Picture]:
        """Of the frames that wait, the last of which is the key frame."""
        if not self._waiting:
            return
        last, key = self._waiting[-1]
        latents = self.chain.follow(key, self._known(last, key), cancelled)
        if latents is None:
            return
        cameras = {camera.name: camera for camera in self.scene.cameras}
        for index, frame in self._waiting:
            shown = self._between(index, frame, (last, key, latents))
            beside: list[tuple[np.ndarray, KeyView]] = []
            for name in self.order:
                if cancelled():
                    return
                picture, view = self._picture(cameras[name], index, frame, shown[name]), frame.views[name]
                if name not in self.scene.given:
                    others = [(other, theirs.seen) for other, theirs in beside if theirs.told is view.told]
                    picture = np.clip(np.rint(levelled(picture, view.seen, others)), 0, 255).astype(np.uint8)
                beside.append((picture, view))
                yield Picture(name, index, picture)
        self._before, self._waiting, self._key = (key, latents), [], last

    def _between(self, index: int, frame: Key, after: tuple[int, Key, dict[str, Tensor]]) -> dict[str, Tensor]:
        """Latents of every view at a frame up to the key frame `after`: what the two around it say of a point goes with the point."""
        last, key, latents = after
        if index == last:
            return latents
        before = self._before or (key, latents)
        share, mixed = (index - self._key) / (last - self._key), {}
        for name, view in frame.views.items():
            moved = [agreed(many[name], view.cells, [(many[name], there.views[name].cells)], same_moment=False) for there, many in (before, (key, latents))]
            mixed[name] = torch.lerp(*moved, share)
        return self.chain.at_one(mixed, frame.views)

    @torch.no_grad()
    def _picture(self, camera: Camera, index: int, frame: Key, latent: Tensor) -> np.ndarray:
        """uint8 (H, W, 3)."""
        given = self.scene.given.get(camera.name)
        if given is not None:
            return given(index)
        cells = (camera.height // STRIDE, camera.width // STRIDE)
        with half_precision(self.device):
            made = self.views.autoencoder.draw(fitted(latent[None], cells), self._shown(frame, camera.name))         # (1, 3, H, W)
        return (made[0].permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()

    def _shown(self, key: Key, name: str) -> Shown:
        view = key.views[name]
        albedo, sun = (torch.full((1,), float(given), device=self.device) for given in (view.told.albedo, view.told.sun))
        return show(view.guide, albedo, sun)

    @torch.no_grad()
    def _known(self, index: int, key: Key) -> dict[str, Tensor]:
        """Latents of the views that are given at a frame, and of the reference pictures at the first."""
        pictures = {name: self.scene.given[name](index) for name in self.scene.given}
        if index == 0:
            pictures |= self.scene.reference
        known = {}
        for camera in self.scene.cameras:
            if camera.name in pictures:
                sized = Image.fromarray(pictures[camera.name]).resize((camera.width, camera.height), Image.Resampling.LANCZOS)
                x = torch.from_numpy(np.array(sized)).permute(2, 0, 1)[None].to(self.device).float() / 255           # (1, 3, H, W)
                shown = self._shown(key, camera.name)
                with half_precision(self.device):
                    known[camera.name] = fitted(latents_of(self.views.autoencoder, x, shown), self.chain.cells)[0]           # (C, *cells)
        return known


def load_views(device: str = "auto", preset: str = "compact", folder: Path | None = None) -> CompactViews:
    """The shipped model, or the one in a folder that `launch.py train views` wrote. WeightsError where there are none."""
    folder, where = folder or WEIGHTS / preset, pick_device(device)
    autoencoder, model = Autoencoder(AUTOENCODERS[preset]), CompactGGVE(CONFIGS[preset])
    cards = {
        "autoencoder": load_model(autoencoder, folder / "autoencoder", AUTOENCODERS[preset]),
        "ggve": load_model(model, folder / "ggve", CONFIGS[preset]),
    }
    versions = {name: version(name) for name in ("embreex", "numba", "numpy", "torch")}
    facts = {"views": preset, "weights": {name: card["sha256"] for name, card in cards.items()}, "versions": versions}
    return CompactViews(autoencoder.to(where), model.to(where), where, facts)


