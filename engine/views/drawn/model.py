"""`drawn`: the view model that needs no weights."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import numpy as np

from engine.api import Cancelled, GBuffers, OccupancyFrame, Picture
from engine.spec.camera import Camera, surround_cameras
from engine.spec.classes import CHANNELS, FREE, GROUND
from engine.spec.clip import SceneClip
from engine.spec.grid import OCC3D
from engine.views.drawn.film import Film
from engine.views.drawn.gbuffers import gbuffers
from engine.views.drawn.world import CalledOff, DrawnWorld, Moment
from engine.views.look import Look, prompt_of, read_prompt
from engine.views.scene import PICTURE_PIXELS, ViewScene


class DrawnViews:
    """Smooth geometry from the take's occupancy, lit and shaded by rays. See engine.api.ViewModel."""

    order = "frame"

    def __init__(self, pixels: int = PICTURE_PIXELS) -> None:
        self.pixels = pixels
        self.facts: dict[str, object] = {"views": "drawn", "versions": {name: version(name) for name in ("embreex", "numba", "numpy")}}
        self._sight: _Sight | None = None

    def size(self, camera: Camera) -> Camera:
        """See engine.api.ViewModel."""
        return camera.within(self.pixels)

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """See engine.api.ViewModel."""
        return read_prompt(prompt, 0)[1]

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        """Frame by frame, all cameras of a frame before the next one is asked for."""
        for index in arrived:
            if cancelled():
                return
            sight = self._of(scene)
            try:
                sight.see(index, cancelled)
            except CalledOff:
                self._sight = None
                return
            for number, camera in enumerate(scene.cameras):
                if cancelled():
                    return
                yield Picture(camera.name, index, sight.world.develop(sight.film(number), sight.lit(number), number))
        self._sight = None  # a worker that waits for its next take holds no world

    def gbuffers(self, scene: ViewScene, index: int) -> Iterator[tuple[str, GBuffers]]:
        """Every camera's, of a frame that is not before the last one asked for; what a picture was drawn from is not cast again."""
        sight = self._of(scene)
        sight.see(index)
        for number, camera in enumerate(scene.cameras):
            yield camera.name, gbuffers(scene.clip, index, number, sight.film(number))

    def _of(self, scene: ViewScene) -> _Sight:
        if self._sight is None or self._sight.scene is not scene:
            self._sight = _Sight(scene)
        return self._sight


def warm_up() -> None:
    """Draws a bare street once, so that the first picture of a take need not wait for kernels to be read from disk."""
    semantics = np.full(OCC3D.shape, FREE, np.uint8)
    semantics[:, :, 2] = GROUND[0]
    clip = SceneClip(np.zeros((1, len(CHANNELS), *OCC3D.bev_shape), np.uint8), ((),), np.eye(4)[None], tuple(surround_cameras(64, 32)[:1]))
    world = DrawnWorld(clip, Look())
    moment = world.see(OccupancyFrame(0, semantics, np.zeros(OCC3D.shape, np.uint16)))
    world.develop(world.expose(moment, 0), moment, 0)


class _Sight:
    """One scene's world as far as it was seen, and what the cameras saw of its latest frame."""

    def __init__(self, scene: ViewScene) -> None:
        self.scene = scene
        self.world = DrawnWorld(scene.clip, read_prompt(scene.prompt, scene.seed)[0])
        self._moment: Moment | None = None
        self._lit: dict[str, Moment] = {}
        self._films: dict[int, Film] = {}

    def see(self, index: int, cancelled: Cancelled = lambda: False) -> None:
        """Takes in a frame that is not before the one seen last; frames between are seen on the way."""
        first = 0 if self._moment is None else self._moment.index + 1
        if index < first - 1:
            raise ValueError(f"Frame {index} was asked for after frame {first - 1}: the drawn world sees frames in order.")
        for k in range(first, index + 1):
            self._moment = self.world.see(self.scene.frame(k), cancelled)
            self._films, self._lit = {}, {}

    def lit(self, camera: int) -> Moment:
        """The latest moment under what the prompt says to a camera (by number) at its time."""
        assert self._moment is not None
        words = prompt_of(self.scene.prompt, self.scene.cameras[camera].name)
        if words not in self._lit:
            look = read_prompt(words, self.scene.seed, self.world.seconds(self._moment))[0]
            self._lit[words] = self.world.relit(self._moment, look)
        return self._lit[words]

    def film(self, camera: int) -> Film:
        """What a camera (by number) sees of the latest moment."""
        if camera not in self._films:
            self._films[camera] = self.world.expose(self.lit(camera), camera)
        return self._films[camera]
