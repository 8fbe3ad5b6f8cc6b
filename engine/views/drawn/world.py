"""The drawn world of one take: what stands still, grown as frames are seen, and what moves in the frame that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.api import Cancelled, OccupancyFrame
from engine.render.buffers import ray_table
from engine.spec.clip import SceneClip
from engine.spec.grid import RATE_HZ
from engine.views.drawn import buildings, vegetation
from engine.views.drawn.agents.motion import motions
from engine.views.drawn.film import Film, film
from engine.views.drawn.finish import finish
from engine.views.drawn.ground import Ground
from engine.views.drawn.ground_lookup import ground_height
from engine.views.drawn.lamps import lamps_of
from engine.views.drawn.light import COLOUR, LAMPS_ON, Light, light_of
from engine.views.drawn.mesh import Mesh
from engine.views.drawn.moving import Placed, agents_of
from engine.views.drawn.scene import Traced, World, scene_origin_m, traced
from engine.views.drawn.shade import shade_view
from engine.views.drawn.static_world import StaticWorld
from engine.views.look import Look

FORGOTTEN_M = 140.0
"""What lies farther behind the ego than this is no longer drawn: a long drive must not fill the memory."""


class CalledOff(Exception):
    """Somebody does not want the world any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame, ready to be looked at."""

    index: int
    world: World
    look: Look
    light: Light
    agents: list[Placed]


class DrawnWorld:
    """Frames are seen in order; a moment can be looked at until the next is seen."""

    def __init__(self, clip: SceneClip, look: Look, forget_m: float = FORGOTTEN_M) -> None:
        """`forget_m`: what lies farther behind the ego is dropped; infinite where the whole drive is wanted at once."""
        self.clip, self.look, self._forget_m = clip, look, forget_m
        self.light = light_of(look)
        self.origin_m = scene_origin_m(clip.world_SE3_ego[0][:3, 3])
        self.static = StaticWorld(clip.grid, clip.world_SE3_ego)
        self.ground: Ground | None = None
        """None before the first frame."""
        self._motions = motions(clip.boxes, clip.world_SE3_ego)
        self._built, self._grown = buildings.Built(), vegetation.Grown()
        self._pieces: list[Mesh] = []
        self._standing = Traced(Mesh.empty())

    def see(self, frame: OccupancyFrame, cancelled: Cancelled = lambda: False) -> Moment:
        """Take in the next frame. Raises CalledOff where `cancelled()` said so on the way: then nothing more may be asked of this world."""
        scene_SE3_ego = self.scene_SE3_ego(frame.index)
        if self.static.see(frame.semantics, self.clip.world_SE3_ego[frame.index]):
            self._grow(scene_SE3_ego[:2, 3], cancelled)
        agents = agents_of(
            frame, self.clip.boxes[frame.index], self.clip.grid, scene_SE3_ego, self._ground_z, self._motions[frame.index],
            self.look.seed, self.clip.looks,
        )  # fmt: skip
        standing = World(self._standing, traced([agent.mesh for agent in agents]), self.origin_m)
        return Moment(frame.index, standing, self.look, self._with_lamps(self.light, agents, scene_SE3_ego), agents)

    def relit(self, moment: Moment, look: Look) -> Moment:
        """The same moment under another look, whose seed must be this world's: what stands and drives is not decided anew."""
        if look == moment.look:
            return moment
        return replace(moment, look=look, light=self._with_lamps(light_of(look), moment.agents, self.scene_SE3_ego(moment.index)))

    def _with_lamps(self, light: Light, agents: list[Placed], scene_SE3_ego: np.ndarray) -> Light:
        """The light of a moment: street lamps and headlights burn where it is dark enough."""
        if light.numbers[LAMPS_ON] <= 0.2:
            return light
        lamps = lamps_of(self._street_lamps(), agents, scene_SE3_ego)
        lamps[:, COLOUR] *= light.numbers[LAMPS_ON] ** 2  # by day they burn, and are hardly seen to light anything
        return light._replace(lamps=lamps)

    def scene_SE3_ego(self, index: int) -> np.ndarray:
        """(4, 4) of a frame's ego in the scene frame."""
        pose = self.clip.world_SE3_ego[index].copy()
        pose[:3, 3] -= self.origin_m
        return pose

    def expose(self, moment: Moment, camera: int) -> Film:
        """All that one camera (by number) sees of a moment, before it becomes a picture."""
        lens = self.clip.cameras[camera]
        seen = film(lens.height, lens.width)
        pose = self.scene_SE3_ego(moment.index) @ self.clip.camera_pose(moment.index, camera)
        assert self.ground is not None
        shade_view(moment.world, self.ground.maps, moment.light, ray_table(lens), np.ascontiguousarray(pose), seen)
        return seen

    def develop(self, seen: Film, moment: Moment, camera: int) -> np.ndarray:
        """uint8 (H, W, 3) of what a camera saw."""
        world_R_camera = self.clip.world_SE3_ego[moment.index][:3, :3] @ self.clip.camera_pose(moment.index, camera)[:3, :3]
        return finish(seen, moment.light, ray_table(self.clip.cameras[camera]), world_R_camera, self.seconds(moment), self.look.seed)

    def seconds(self, moment: Moment) -> float:
        """Time of a moment in its scene: drops and flakes fall by it."""
        return self.clip.start_s + moment.index / RATE_HZ

    def _grow(self, ego_m: np.ndarray, cancelled: Cancelled) -> None:
        """Shape what was just decided. Earlier pieces stay as they are, until they are far behind."""
        if self.ground is None:
            self.ground = Ground(self.static, self.look.seed)
        self.ground.update()
        world, fresh, height = self.static, self.static.fresh, self.ground.height_m
        for shaped in (
            lambda: buildings.build(world, fresh, height, self.look.seed, self.origin_m, self._built),
            lambda: vegetation.grow(world, fresh, height, self.look.seed, self.origin_m, self._grown),
        ):
            if cancelled():
                raise CalledOff
            self._pieces.append(shaped())
        if cancelled():
            raise CalledOff
        self._pieces = [piece for piece in self._pieces if _nearest_m(piece, ego_m) < self._forget_m]
        self._standing = traced([self.ground.mesh(self.origin_m), *self._pieces])

    def _ground_z(self, x: float, y: float) -> float:
        assert self.ground is not None
        return ground_height(self.ground.maps, x + self.origin_m[0], y + self.origin_m[1]) - self.origin_m[2]

    def _street_lamps(self) -> np.ndarray:
        return np.asarray(self._built.lamps, np.float64).reshape(-1, 3) - self.origin_m


def _nearest_m(piece: Mesh, ego_m: np.ndarray) -> float:
    """Metres from the ego (2,) to the nearest vertex of a piece, both in the scene frame."""
    if not len(piece.vertices):
        return np.inf
    return float(np.sqrt(((piece.vertices[:, :2] - ego_m) ** 2).sum(axis=1).min()))
