"""A picture of the drawn world beside what one would otherwise write in Python: trimesh and its Embree rays, shaded in numpy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.api import OccupancyFrame
from engine.render.buffers import ray_table
from engine.spec.clip import SceneClip
from engine.views.drawn.mesh import BLUE, RED
from engine.views.drawn.world import DrawnWorld, Moment
from engine.views.look import Look

ROUNDS = 7
LARGE = 1600, 900


def bench_views(clip: SceneClip, frame: OccupancyFrame) -> dict[str, float | int]:
    """Milliseconds (medians, interleaved) of the clip's first camera at one frame: ours, four rays a pixel with materials, shadows, sky light and
    finish; theirs, one ray a pixel and one to the sun, flat part colours."""
    import trimesh

    started = time.perf_counter()
    world = DrawnWorld(clip, Look())
    moment = world.see(frame)
    set_up_s = time.perf_counter() - started
    standing, moving = moment.world.static.mesh, moment.world.moving.mesh
    vertices = np.concatenate([standing.vertices, moving.vertices])
    faces = np.concatenate([standing.faces, moving.faces + len(standing.vertices)])
    parts = np.concatenate([standing.parts, moving.parts])
    face_part = np.concatenate([standing.face_part, moving.face_part + len(standing.parts)])
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    colours = parts[face_part, RED : BLUE + 1]

    def ours() -> None:
        world.develop(world.expose(moment, 0), moment, 0)

    def theirs() -> None:
        _plain(mesh, colours, world, clip, moment)

    ours(), theirs()
    taken: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        for name, draw in (("ours", ours), ("theirs", theirs)):
            started = time.perf_counter()
            draw()
            taken[name].append(1000 * (time.perf_counter() - started))
    ours_ms, theirs_ms = (float(np.median(taken[name])) for name in ("ours", "theirs"))
    camera = clip.cameras[0]
    return {
        "pixels": camera.width * camera.height, "triangles": len(faces), "set_up_s": set_up_s, "ours_ms": ours_ms, "trimesh_ms": theirs_ms,
        "trimesh_ratio": theirs_ms / ours_ms,
    }  # fmt: skip


def bench_take(clip: SceneClip, frames: Sequence[OccupancyFrame]) -> dict[str, float]:
    """Every camera at every frame of a clip: set-up with the first picture, the median picture and all of them; then the first frame's at 1600 x 900,
    against the same pictures before."""
    started = time.perf_counter()
    world = DrawnWorld(clip, Look())
    taken = []
    for frame in frames:
        moment = world.see(frame)
        for number in range(len(clip.cameras)):
            taken.append(_seconds(world, moment, number))
            if len(taken) == 1:
                set_up_s = time.perf_counter() - started
    large = replace(clip, cameras=tuple(camera.resized(*LARGE) for camera in clip.cameras))
    world = DrawnWorld(large, Look())
    moment = world.see(frames[0])
    large_s = [_seconds(world, moment, number) for number in range(len(large.cameras))]
    like_for_like = float(np.median([many / one for many, one in zip(large_s, taken, strict=False)]))
    return {
        "take: set-up and first picture s": set_up_s, "take: picture ms": 1000 * float(np.median(taken)), f"take: {len(taken)} pictures s": sum(taken),
        "take: 1600 x 900 ms": 1000 * float(np.median(large_s)), "take: 1600 x 900 ratio": like_for_like,
    }  # fmt: skip


def _seconds(world: DrawnWorld, moment: Moment, camera: int) -> float:
    started = time.perf_counter()
    world.develop(world.expose(moment, camera), moment, camera)
    return time.perf_counter() - started


def _plain(mesh, colours: np.ndarray, world: DrawnWorld, clip: SceneClip, moment: Moment) -> np.ndarray:
    """float32 (H, W, 3): colour of the triangle that is hit, by the cosine to the sun where nothing is in the way."""
    camera = clip.cameras[0]
    pose = world.scene_SE3_ego(moment.index) @ clip.camera_pose(moment.index, 0)
    directions = ray_table(camera).reshape(-1, 3) @ pose[:3, :3].T
    origins = np.broadcast_to(pose[:3, 3], directions.shape)
    triangle = mesh.ray.intersects_first(origins, directions)
    hit = triangle >= 0
    normals = mesh.face_normals[triangle[hit]]
    corner = mesh.triangles[triangle[hit], 0]
    along = ((corner - origins[hit]) * normals).sum(1) / (directions[hit] * normals).sum(1)
    places = origins[hit] + along[:, None] * directions[hit] + 1e-2 * normals
    sun = moment.light.sun_xyz
    lit = np.maximum(normals @ sun, 0) * ~mesh.ray.intersects_any(places, np.broadcast_to(sun, places.shape))
    rgb = np.full((len(directions), 3), 0.6, np.float32)
    rgb[hit] = colours[triangle[hit]] * (0.3 + lit)[:, None]
    return rgb.reshape(camera.height, camera.width, 3)
