"""Procedural worlds by seed: a layout, traffic, an ego drive, and the true occupancy around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engine.api import OccupancyFrame
from engine.data.blocks import build_statics
from engine.data.dropout import thin_out
from engine.data.ground import Ground
from engine.data.lift import occupy
from engine.data.network import Network
from engine.data.painted import paint_over
from engine.data.roads import build_network
from engine.data.style import WorldStyle
from engine.data.tracks import Track
from engine.data.traffic import build_traffic
from engine.data.voxelise import StaticMap
from engine.spec.classes import CHANNELS
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box, invert
from engine.spec.grid import OCC3D, RATE_HZ, GridSpec
from engine.spec.layout import Layout
from engine.spec.raster import rasterise

HORIZON_S = 8.0
"""Agents are kept from overlapping for this long, or longer where `make_world` is told so."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A standing world with moving agents. Everything is in the world frame and a function of time."""

    seed: int
    style: WorldStyle
    network: Network
    statics: StaticMap
    ground: Ground
    ego: Track
    agents: tuple[Track, ...]
    _map: Layout = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_map", Layout(tuple(self.network.polygons), tuple(self.network.polylines)))

    def layout(self, boxes: tuple[Box, ...]) -> Layout:
        """The map with these agents on it."""
        return Layout(self._map.polygons, self._map.polylines, boxes)

    def clip(self, frames: int, grid: GridSpec = OCC3D, start: float = 0.0, seen_from: int | None = None) -> SceneClip:
        """What a user would have authored: layouts, boxes and ego poses of `frames` frames from `start` seconds on.

        `seen_from` a frame, all of them lie on the grid of the ego of that one.
        """
        times = start + np.arange(frames) / RATE_HZ
        ego = self.ego.poses(times).copy()
        ego[:, 2] += self.style.ego_yaw_rad
        if seen_from is not None:
            ego = np.repeat(ego[seen_from][None], frames, 0)
        return self._seen_from(ego, times, grid, start)

    def snapshots(self, count: int, grid: GridSpec = OCC3D) -> SceneClip:
        """`count` frames that do not follow each other: any moment, anywhere near the middle of the world, any lane.

        Cheap variety for training on single frames: making a world costs as much as 20 frames of it.
        """
        rng = np.random.Generator(np.random.PCG64([self.seed, 1]))
        times = rng.uniform(0, HORIZON_S, count)
        ego = np.zeros((count, 3))
        for k in range(count):
            others = np.array([track.poses(times[k : k + 1])[0, :2] for track in self.agents]).reshape(-1, 2)
            for _ in range(8):
                ego[k] = self._somewhere(rng)
                if not len(others) or np.hypot(*(others - ego[k, :2]).T).min() > 3.5:
                    break
        return self._seen_from(ego, times, grid, 0.0)

    def _somewhere(self, rng: np.random.Generator) -> tuple[float, float, float]:
        if not self.network.routes or rng.random() < 0.1:
            return float(rng.uniform(-30, 30)), float(rng.uniform(-30, 30)), float(rng.uniform(-np.pi, np.pi))
        points = self.network.routes[int(rng.integers(len(self.network.routes)))].points
        near = np.flatnonzero(np.hypot(*points[1:-1].T) < 45)
        k = int(rng.choice(near)) + 1 if len(near) else len(points) // 2
        ahead = points[k + 1] - points[k - 1]
        turn = rng.uniform(-np.pi, np.pi) if rng.random() < 0.1 else rng.normal(0, 0.05)
        return float(points[k, 0]), float(points[k, 1]), float(np.arctan2(ahead[1], ahead[0]) + turn)

    def _seen_from(self, ego: np.ndarray, times: np.ndarray, grid: GridSpec, start: float) -> SceneClip:
        poses = self.ground.poses(ego)
        tracks = [track.poses(times) for track in self.agents]
        layouts, boxes = [], []
        reach = np.hypot(*grid.upper_m[:2]) + 8.0
        for k in range(len(ego)):
            world_boxes = tuple(
                _box(track, at[k], self.ground)
                for track, at in zip(self.agents, tracks, strict=True)
                if abs(at[k, 0] - ego[k, 0]) < reach and abs(at[k, 1] - ego[k, 1]) < reach
            )
            layouts.append(rasterise(self.layout(world_boxes), grid, poses[k]))
            ego_SE3_world = invert(poses[k])
            boxes.append(tuple(b for b in (box.moved(ego_SE3_world) for box in world_boxes) if _touches(b, grid)))
        return SceneClip(np.stack(layouts), tuple(boxes), poses, grid=grid, start_s=start, ground=(self._map,) * len(poses))

    def occupancy(self, clip: SceneClip) -> Iterator[OccupancyFrame]:
        """The true occupancy of a clip of this world, frame by frame."""
        for frame in occupy(clip, self.statics, self.ground.height if self.ground.waves else None):
            if self.style.dropout > 0:
                thin_out(frame.semantics, frame.instances, clip, frame.index, self.style.dropout, self.seed)
            yield frame


def make_world(seed: int, style: WorldStyle | None = None, horizon_s: float = HORIZON_S, mix: str = "usual") -> World:
    """The world of a seed; the same seed, style and mix (one of style.MIXES, where no style is given) give the same world on every machine."""
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = WorldStyle.sample(rng, mix)
    style = style or drawn
    network = build_network(rng, style)
    if style.painted:
        paint_over(rng, network)
    statics = build_statics(rng, style, network)
    network.polygons = [p for p in network.polygons if CHANNELS[p.channel] not in style.missing]
    network.polylines = [p for p in network.polylines if CHANNELS[p.channel] not in style.missing]
    ground = Ground.sample(rng, style.slope_m)
    ego, agents = build_traffic(rng, style, network, max(horizon_s, HORIZON_S))
    return World(seed, style, network, statics, ground, ego, tuple(agents))


def sample_clip(
    seed: int, frames: int, grid: GridSpec = OCC3D, style: WorldStyle | None = None, mix: str = "usual"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One training sample.

    Returns layouts uint8 (T, 15, X, Y), semantics uint8 (T, X, Y, Z), instances uint16 (T, X, Y, Z) and world_SE3_ego
    float64 (T, 4, 4).
    """
    world = make_world(seed, style, horizon_s=frames / RATE_HZ, mix=mix)
    return _arrays(world, world.clip(frames, grid))


def sample_snapshots(
    seed: int, count: int, grid: GridSpec = OCC3D, style: WorldStyle | None = None, mix: str = "usual"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Like `sample_clip`, of `World.snapshots`: frames of one world that do not follow each other."""
    world = make_world(seed, style, mix=mix)
    return _arrays(world, world.snapshots(count, grid))


def _arrays(world: World, clip: SceneClip) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    frames = list(world.occupancy(clip))
    return clip.layouts, np.stack([f.semantics for f in frames]), np.stack([f.instances for f in frames]), clip.world_SE3_ego


def _box(track: Track, pose: np.ndarray, ground: Ground) -> Box:
    x, y, yaw = (float(v) for v in pose)
    return Box(track.instance_id, track.class_name, (x, y, ground.height(x, y) + track.size_m[2] / 2), track.size_m, yaw)


def _touches(box: Box, grid: GridSpec) -> bool:
    corners = box.corners_bev_m()
    low, high = corners.min(0), corners.max(0)
    return bool((high[0] > grid.origin_m[0]) and (high[1] > grid.origin_m[1]) and (low[0] < grid.upper_m[0]) and (low[1] < grid.upper_m[1]))
