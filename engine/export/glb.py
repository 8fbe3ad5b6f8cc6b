"""Binary glTF: the drawn world, or the occupancy as coloured voxels."""

from __future__ import annotations

from pathlib import Path

from engine.export.parts import ExportError, ExportReport, occupancy, write_whole
from engine.render.mesh import surface_mesh, to_glb
from engine.spec.take import Take


def glb(take: Take, out: Path) -> ExportReport:
    """Binary glTF of the drawn world: one file for OUT.glb (the first frame); for a folder world.glb, and the agents of every frame beside it."""
    from engine.views.drawn.rays import why_not

    semantics = occupancy(take)
    if why := why_not():
        raise ExportError(f"{why.rsplit(': ', 1)[0]}: export 'glb-voxels', the occupancy as coloured voxels, which needs no rays.")
    from engine.api import OccupancyFrame
    from engine.views.drawn.gltf import DrawnGlb
    from engine.views.scene import clip_of

    single = out.suffix == ".glb"
    kept = range(1 if single else len(semantics))
    frames = (OccupancyFrame(k, semantics[k], take.instances[k]) for k in range(len(semantics)))
    drawn = DrawnGlb(clip_of(take, ""), frames, int(take.info.get("recipe", {}).get("seed", 0)), kept)
    (out.parent if single else out).mkdir(parents=True, exist_ok=True)
    if single:
        write_whole(out, drawn.whole(0))
    else:
        write_whole(out / "world.glb", drawn.standing())
        for k in kept:
            write_whole(out / f"{k:05d}.glb", drawn.moving(k))
    dropped = [
        "Dropped: sun, sky, weather and lit windows, which the viewer that opens it brings; cameras; voxels and layouts.",
        "Dropped: surfaces finer than a texel: patterns of ground, facades and roofs are pictures, what is on cars are plain colours.",
        "Dropped: motion; every agent stands as it does in its frame, as a node of its own named CLASS_ID.",
        "Noted: metres, y is up, the origin lies under the first frame's ego; x is the world's x and z is the world's -y.",
    ]
    if single and len(semantics) > 1:
        dropped.append(f"Dropped: agents of {_after_the_first(len(semantics))}; name a folder instead of a .glb file to get those of every frame.")
    return ExportReport(1 if single else len(semantics) + 1, tuple(dropped))


def glb_voxels(take: Take, out: Path) -> ExportReport:
    """Binary glTF of the occupancy's own surface, a colour a class: one file for OUT.glb (the first frame), or a folder with one per frame."""
    semantics = occupancy(take)
    single = out.suffix == ".glb"
    dropped = ["Dropped: instance ids and the inside of solid things; a mesh has class colours and surfaces."]
    (out.parent if single else out).mkdir(parents=True, exist_ok=True)
    if single and len(semantics) > 1:
        dropped.append(f"Dropped: {_after_the_first(len(semantics))}; name a folder instead of a .glb file to get every frame.")
    dropped.append("Noted: as the ego frame is, z is up: turn it by -90 degrees about x where y is to be up.")
    chosen = semantics[:1] if single else semantics
    for k, frame in enumerate(chosen):
        write_whole(out if single else out / f"{k:05d}.glb", to_glb(surface_mesh(frame, take.grid)))
    return ExportReport(len(chosen), tuple(dropped))


def _after_the_first(frame_count: int) -> str:
    return "frame 1" if frame_count == 2 else f"frames 1 to {frame_count - 1}"
