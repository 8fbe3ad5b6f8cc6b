"""The drawn world of a take as binary glTF: y up, metres, a node for every kind of thing that stands still and one for every agent.

glTF's frame is the world's, turned so that y is up, with its origin under the first frame's ego; all files of one take share it. An
agent's node stands at its box's bottom centre, x ahead: move it and the agent moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from trimesh.visual.material import PBRMaterial

from engine.api import OccupancyFrame
from engine.spec.clip import SceneClip
from engine.spec.geometry import invert, rotation
from engine.views.drawn.gltf_bake import Area, atlas_of, ground_picture, leaf_colours
from engine.views.drawn.gltf_parts import BUILT, EARTH, LEAVES, STANDING, Palette, materials_of, nodes_of
from engine.views.drawn.gltf_scene import FAR_QUALITY, GLTF_R_WORLD, GltfScene, Jpeg, Piece, material, pieces, png
from engine.views.drawn.ground_lookup import ground_height
from engine.views.drawn.mesh import Mesh
from engine.views.drawn.moving import STANDS_WITHIN_M, Placed
from engine.views.drawn.world import DrawnWorld
from engine.views.look import Look

RIM_M = 3.0
"""The fine picture of the ground goes on this far beyond what is decided."""
BEYOND, BEYOND_TEXEL_M, BEYOND_PX = "ground_beyond", 0.35, 2560
"""The land farther out: its material, the width of its texels and the largest side of its picture."""


class DrawnGlb:
    """A take's drawn world, all of its frames seen, and the agents of some of them."""

    def __init__(self, clip: SceneClip, frames: Iterable[OccupancyFrame], seed: int, keep: Collection[int]) -> None:
        """`frames` are the clip's, in order, at least one; the agents of those in `keep` are kept. Raises RaysError where Embree is missing."""
        world = DrawnWorld(clip, Look(seed=seed), forget_m=np.inf)
        self._clip, self._scene_m, self._seen = clip, world.origin_m, world.static
        self._origin_m = clip.world_SE3_ego[0][:3, 3].copy()
        self._agents: dict[int, list[Placed]] = {}
        self._still = Mesh.empty()
        for frame in frames:
            moment = world.see(frame)
            self._still = moment.world.static.mesh
            if frame.index in keep:
                self._agents[frame.index] = moment.agents
        if world.ground is None:
            raise ValueError("A drawn world needs one frame of occupancy at least.")
        self._maps = world.ground.maps

    def whole(self, frame: int) -> bytes:
        """What stands still and the agents of one frame, in one file."""
        return self._file(True, frame)

    def standing(self) -> bytes:
        """What stands still."""
        return self._file(True, None)

    def moving(self, frame: int) -> bytes:
        """The agents of one frame, to be opened beside what stands still."""
        return self._file(False, frame)

    def _file(self, still: bool, frame: int | None) -> bytes:
        agents = [] if frame is None else self._agents[frame]
        meshes = [*([self._still] if still else []), *(agent.mesh for agent in agents)]
        palette = Palette([mesh.parts for mesh in meshes])
        materials = _plain_materials(palette, [mesh.parts for mesh in meshes])
        scene = GltfScene(world_origin_m=self._origin_m.tolist(), axes="x is the world's x, y is up, z is the world's -y; metres")
        if still:
            self._stand(scene, palette, materials)
        if frame is not None:
            scene.node("ego", self._in_gltf(self._scene_SE3_ego(frame)), frame=frame)
        for agent in agents:
            assert frame is not None
            self._place(scene, agent, self._scene_SE3_ego(frame), palette, materials)
        return scene.bytes()

    def _stand(self, scene: GltfScene, palette: Palette, materials: dict[str, PBRMaterial]) -> None:
        mesh = self._still
        nodes = nodes_of(mesh)
        atlas = atlas_of(mesh, (materials_of(mesh.parts) == BUILT)[mesh.face_part])
        built = material(BUILT, baseColorTexture=Jpeg(atlas.colour), metallicRoughnessTexture=Jpeg(atlas.shine, FAR_QUALITY))
        for number, name in enumerate(STANDING):
            of_node = nodes == number
            if not of_node.any():
                continue
            scene.node(name)
            for kind, piece in pieces(mesh, of_node):
                world_m = piece.vertices + self._scene_m
                piece.vertices[:] = world_m - self._origin_m
                if kind == EARTH:
                    self._lay(scene, name, piece)
                elif kind == LEAVES:
                    tint, colours = _tinted(leaf_colours(mesh.parts, piece.part, world_m))
                    scene.add(name, piece.outward(), tint, colours=colours)
                elif kind == BUILT:
                    scene.add(name, piece, built, atlas.uv(piece.part, piece.uv_m))
                else:
                    scene.add(name, piece, materials[kind], palette.uv(mesh.parts)[piece.part])

    def _lay(self, scene: GltfScene, node: str, piece: Piece) -> None:
        """The ground, with a fine picture where the take has been and a coarse one beyond."""
        flat = piece.vertices[:, :2] + self._origin_m[:2]
        near, whole = self._decided_area(), (*(flat.min(axis=0) - 1.0).tolist(), *(flat.max(axis=0) + 1.0).tolist())
        inside = ((flat > near[:2]) & (flat < near[2:])).all(axis=1)[piece.faces].all(axis=1)
        for name, faces, area, picture in (
            (EARTH, inside, near, Jpeg(ground_picture(self._maps, near))),
            (BEYOND, ~inside, whole, Jpeg(ground_picture(self._maps, whole, BEYOND_TEXEL_M, BEYOND_PX), FAR_QUALITY)),
        ):
            part = piece.some(faces)
            uv = (part.vertices[:, :2] + self._origin_m[:2] - area[:2]) / np.subtract(area[2:], area[:2])
            if len(part.faces):
                scene.add(node, part, material(name, 0.9, 0.0, baseColorTexture=picture), uv)

    def _decided_area(self) -> Area:
        columns = np.argwhere(self._seen.decided)
        low = self._seen.origin_m[:2] + columns.min(axis=0) * self._seen.voxel_m - RIM_M
        high = self._seen.origin_m[:2] + (columns.max(axis=0) + 1) * self._seen.voxel_m + RIM_M
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def _place(
        self, scene: GltfScene, agent: Placed, scene_SE3_ego: np.ndarray, palette: Palette, materials: dict[str, PBRMaterial]
    ) -> None:
        box, pose = agent.box, self._pose(agent, scene_SE3_ego)
        name = f"{box.class_name}_{box.instance_id}"
        size_m = [float(v) for v in box.size_m]
        scene.node(name, self._in_gltf(pose), **{"class": box.class_name, "instance_id": int(box.instance_id), "size_m": size_m})
        uv = palette.uv(agent.mesh.parts)
        for kind, piece in pieces(agent.mesh.moved(invert(pose)), np.ones(len(agent.mesh.faces), bool)):
            scene.add(name, piece, materials[kind], uv[piece.part])

    def _pose(self, agent: Placed, scene_SE3_ego: np.ndarray) -> np.ndarray:
        """scene_SE3_agent (4, 4), upright, at the bottom of its box, which stands on the drawn ground where that is near."""
        box = agent.box
        ahead = scene_SE3_ego[:3, :3] @ (np.cos(box.yaw_rad), np.sin(box.yaw_rad), 0.0)
        pose = np.eye(4)
        pose[:3, :3] = rotation(float(np.arctan2(ahead[1], ahead[0])))
        pose[:3, 3] = scene_SE3_ego[:3, :3] @ box.center_m + scene_SE3_ego[:3, 3]
        pose[2, 3] -= box.size_m[2] / 2
        level = ground_height(self._maps, pose[0, 3] + self._scene_m[0], pose[1, 3] + self._scene_m[1]) - self._scene_m[2]
        if abs(level - pose[2, 3]) < STANDS_WITHIN_M:
            pose[2, 3] = level
        return pose

    def _scene_SE3_ego(self, frame: int) -> np.ndarray:
        pose = self._clip.world_SE3_ego[frame].copy()
        pose[:3, 3] -= self._scene_m
        return pose

    def _in_gltf(self, scene_SE3_thing: np.ndarray) -> np.ndarray:
        """gltf_SE3_thing (4, 4); the thing's own axes are turned as the world's are."""
        pose = np.eye(4)
        pose[:3, :3] = GLTF_R_WORLD @ scene_SE3_thing[:3, :3] @ GLTF_R_WORLD.T
        pose[:3, 3] = GLTF_R_WORLD @ (scene_SE3_thing[:3, 3] + self._scene_m - self._origin_m)
        return pose


def _plain_materials(palette: Palette, tables: list[np.ndarray]) -> dict[str, PBRMaterial]:
    """Those that take colour, roughness, metallic and light of their own from the palette."""
    colour, shine, light = (png(picture) for picture in palette.pictures())
    names = {str(name) for parts in tables for name in materials_of(parts)} - {EARTH, BUILT, LEAVES}
    lamp = {"emissiveTexture": light, "emissiveFactor": [1.0, 1.0, 1.0]}
    return {
        name: material(name, baseColorTexture=colour, metallicRoughnessTexture=shine, **(lamp if name.startswith("lamp") else {}))
        for name in sorted(names)
    }


def _tinted(linear: np.ndarray) -> tuple[PBRMaterial, np.ndarray]:
    """The material of leaves and colours of its vertices uint8 (V, 4). The material alone is the mean green: not every viewer reads colours."""
    bright = np.ceil(255 * np.clip(np.percentile(linear, 99.5, axis=0), 0.02, 1.0)).astype(np.uint8)
    share = np.clip(linear / (bright / 255.0), 0.0, 1.0)
    colours = np.concatenate([np.round(255 * share), np.full((len(share), 1), 255)], 1).astype(np.uint8)
    return material(LEAVES, 0.8, 0.0, doubleSided=True, baseColorFactor=np.array([*bright, 255], np.uint8)), colours
