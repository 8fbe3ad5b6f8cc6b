"""A scene that trimesh writes as binary glTF: pieces of one material each, pictures as JPEG or PNG, and one mesh a node."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from engine.views.drawn.gltf_parts import materials_of
from engine.views.drawn.mesh import Mesh

GLTF_R_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""glTF's y is up: its x is the world's, its z is the world's -y. Things' own axes are turned alike."""
JPEG_QUALITY = 94
"""High enough that painted lines have no fringes."""
FAR_QUALITY = 82
"""For what is seen from afar, or is no colour."""
_OF = " of "
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
"""glTF's names for what a buffer view holds: vertices, indices."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Triangles of one material; every vertex belongs to one part."""

    vertices: np.ndarray
    """float64 (V, 3), metres."""
    normals: np.ndarray
    """float32 (V, 3)."""
    faces: np.ndarray
    """int (F, 3)."""
    part: np.ndarray
    """int (V,), rows of the mesh's parts."""
    uv_m: np.ndarray
    """float32 (V, 2)."""

    def some(self, faces: np.ndarray) -> Piece:
        """The triangles for which `faces` bool (F,) is true."""
        used, index = np.unique(self.faces[faces], return_inverse=True)
        return Piece(self.vertices[used], self.normals[used], index.reshape(-1, 3), self.part[used], self.uv_m[used])

    def outward(self) -> Piece:
        """Every triangle turned so that its front looks where its normals point: a leaf is lit as its crown is, from either side."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        away = np.einsum("fi,fi->f", np.cross(b - a, c - a), self.normals[self.faces].sum(axis=1)) < 0
        return Piece(self.vertices, self.normals, np.where(away[:, None], self.faces[:, ::-1], self.faces), self.part, self.uv_m)


def pieces(mesh: Mesh, faces: np.ndarray) -> Iterator[tuple[str, Piece]]:
    """The triangles for which `faces` bool (F,) is true, by their material's name."""
    names = materials_of(mesh.parts)[mesh.face_part]
    for name in np.unique(names[faces]):
        mine = np.flatnonzero(faces & (names == name))
        key = mesh.faces[mine].astype(np.int64) * len(mesh.parts) + mesh.face_part[mine, None]
        known, index = np.unique(key, return_inverse=True)
        vertex, part = known // len(mesh.parts), known % len(mesh.parts)
        normals = mesh.normals[vertex]
        normals = np.where(np.linalg.norm(normals, axis=1, keepdims=True) > 0.1, normals, np.float32([0, 0, 1]))
        yield str(name), Piece(mesh.vertices[vertex].astype(np.float64), normals, index.reshape(-1, 3), part, mesh.uv[vertex])


class GltfScene:
    """Nodes and their meshes; `bytes` writes them."""

    def __init__(self, **extras: Any) -> None:
        """`extras` are told with the scene."""
        self._scene = trimesh.Scene(metadata=extras)

    def node(self, name: str, gltf_SE3_node: np.ndarray | None = None, **extras: Any) -> None:
        """A node, which pieces may be added to; at the origin where no pose (4, 4) is given."""
        pose = np.eye(4) if gltf_SE3_node is None else gltf_SE3_node
        self._scene.graph.update(name, self._scene.graph.base_frame, matrix=pose, metadata=extras)

    def add(self, node: str, piece: Piece, material: PBRMaterial, uv: np.ndarray | None = None, colours: np.ndarray | None = None) -> None:
        """Add a piece, in the world's axes. `uv` (V, 2) is counted from the lower left of pictures, `colours` uint8 (V, 4) are linear."""
        visual = TextureVisuals(uv=uv, material=material)
        if colours is not None:
            visual.vertex_attributes["color"] = colours
        mesh = trimesh.Trimesh(
            piece.vertices @ GLTF_R_WORLD.T, piece.faces, vertex_normals=piece.normals @ GLTF_R_WORLD.T, visual=visual, process=False
        )
        name = f"{material.name}{_OF}{node}"
        while name in self._scene.geometry:
            name += "'"
        self._scene.add_geometry(mesh, node_name=name, geom_name=name, parent_node_name=node)

    def bytes(self) -> bytes:
        """The whole as GLB."""
        return self._scene.export(file_type="glb", include_normals=True, tree_postprocessor=_tidied)  # type: ignore[return-value]


def material(name: str, roughness: float = 1.0, metallic: float = 1.0, **more: Any) -> PBRMaterial:
    """A material; roughness and metallic are factors of its picture where it has one."""
    return PBRMaterial(name=name, roughnessFactor=float(roughness), metallicFactor=float(metallic), **more)


def png(picture: np.ndarray) -> Image.Image:
    """uint8 (H, W, 3) to be stored without loss."""
    return Image.fromarray(picture)


class Jpeg:
    """uint8 (H, W, 3) as JPEG, encoded once; what trimesh takes for a picture of its own."""

    format = "JPEG"

    def __init__(self, picture: np.ndarray, quality: int = JPEG_QUALITY) -> None:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
        self._encoded = buffer.getvalue()

    def save(self, stream: BinaryIO, format: str) -> None:  # noqa: A002 - Pillow's own word
        """Write it, as Pillow's pictures do."""
        assert format == self.format
        stream.write(self._encoded)


def _tidied(tree: dict[str, Any]) -> None:
    tree["asset"]["generator"] = "AnyScene Studio, trimesh"
    _join_meshes(tree)
    _store_once(tree)
    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            for accessor in primitive["attributes"].values():
                tree["bufferViews"][tree["accessors"][accessor]["bufferView"]]["target"] = ARRAY_BUFFER
            tree["bufferViews"][tree["accessors"][primitive["indices"]]["bufferView"]]["target"] = ELEMENT_ARRAY_BUFFER


def _join_meshes(tree: dict[str, Any]) -> None:
    """trimesh writes a node for every material: make one mesh of those that belong to one node, so that a tool shows one object."""
    nodes, meshes = tree["nodes"], tree.get("meshes", [])
    at, kept, joined = {}, [], []
    for number, node in enumerate(nodes):
        if _OF not in node["name"]:
            at[number] = len(kept)
            kept.append(node)
    for node in kept:
        own = [nodes[child]["mesh"] for child in node.pop("children", [])]
        if own:
            node["mesh"] = len(joined)
            joined.append({"name": node["name"], "primitives": [meshes[mesh]["primitives"][0] for mesh in own]})
    tree["nodes"] = kept
    tree["scenes"][0]["nodes"] = [at[number] for number in tree["scenes"][0]["nodes"]]
    if joined:
        tree["meshes"] = joined


def _store_once(tree: dict[str, Any]) -> None:
    """trimesh lists the picture of several materials once for each: let them share it."""
    views = [image["bufferView"] for image in tree.get("images", [])]
    first = {view: len(views) - 1 - views[::-1].index(view) for view in views}
    order = {view: number for number, view in enumerate(dict.fromkeys(views))}
    if not views:
        return
    tree["images"] = [tree["images"][first[view]] for view in order]
    for texture in tree["textures"]:
        texture["source"] = order[views[texture["source"]]]
    sources = [texture["source"] for texture in tree["textures"]]
    tree["textures"] = [{"source": source} for source in range(len(order))]
    for one in tree["materials"]:
        for slot in [*one.values(), *one.get("pbrMetallicRoughness", {}).values()]:
            if isinstance(slot, dict) and "index" in slot:
                slot["index"] = sources[slot["index"]]
