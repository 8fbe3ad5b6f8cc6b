"""Geometry from occupancy: rays, camera buffers, surface meshes, and edits replayed on generated voxels. No torch here."""

from __future__ import annotations


def warm_up() -> None:
    """Compile (or load from numba's cache) what the first frame needs, so that the first user does not wait for it."""
    import numpy as np

    from engine.render import buffers, mesh, preview, raycast
    from engine.spec.camera import Camera
    from engine.spec.columns import top_class
    from engine.spec.grid import OCC3D

    grid = OCC3D.crop(40)
    semantics = np.full(grid.shape, 20, np.uint8)
    semantics[:, :, 2] = 11
    camera = Camera("warm_up", 8, 6, 4.0, 4.0, 4.0, 3.0)
    rendered = buffers.render_buffers(semantics, np.zeros(grid.shape, np.uint16), grid, camera, np.eye(4), np.eye(4))
    buffers.colorise(rendered.semantic, rendered.normal)
    buffers.depth_to_rgb(rendered.depth)
    preview.preview_pictures(raycast.Volume.from_dense(semantics, grid), camera, np.eye(4))
    top_class(semantics)
    mesh.surface_mesh(semantics, grid)
