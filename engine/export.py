"""Takes in other people's formats. Each exporter writes what its format can hold and says in sentences what it dropped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.render.mesh import surface_mesh, to_glb
from engine.spec.classes import CHANNEL_RGB, CHANNELS, CLASS, FREE
from engine.spec.grid import OCC3D, RATE_HZ
from engine.spec.take import Take

OCC3D_FREE = 17
OCC3D_OF_CLASS = np.arange(FREE + 1, dtype=np.uint8)
"""Occ3D's label of each of our classes: what we paint on the road is road there, and 'free' is 17."""
OCC3D_OF_CLASS[[CLASS["ped_crossing"], CLASS["road_divider"], CLASS["lane_divider"]]] = CLASS["driveable_surface"]
OCC3D_OF_CLASS[FREE] = OCC3D_FREE


class ExportError(ValueError):
    """A take that cannot be handed over as asked: one sentence."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and what it left behind."""

    files: int
    dropped: tuple[str, ...]
    """One sentence each."""


def export_take(take: Take, format: str, out: Path) -> ExportReport:  # noqa: A002 - the command line's own word
    """Writes `take` to `out`. Raises ExportError for an unknown format, a stage that the take has not reached, or an `out` in use."""
    if format not in FORMATS:
        raise ExportError(f"There is no export format '{format}': choose {', '.join(FORMATS)}.")
    if out.is_dir() and any(out.iterdir()):
        raise ExportError(f"{out} holds other things already: export into a new folder.")
    if out.is_file() and out.suffix != ".glb":
        raise ExportError(f"{out} is a file and '{format}' is a folder: choose another name.")
    return FORMATS[format](take, out)


def occ3d(take: Take, out: Path) -> ExportReport:
    """Occ3D-nuScenes: gts/SCENE/TOKEN/labels.npz and annotations.json, with our frames as tokens."""
    semantics = _occupancy(take)
    if take.grid.shape != OCC3D.shape or take.grid.voxel_m != OCC3D.voxel_m or not np.allclose(take.grid.origin_m, OCC3D.origin_m):
        raise ExportError(f"Occ3D has one grid of {OCC3D.shape} and this take's is {take.grid.shape}: generate it with the grid 'occ3d'.")
    scene = take.folder.resolve().name
    count = len(semantics)
    tokens = [f"{k:05d}" for k in range(count)]
    seen = np.ones(OCC3D.shape, np.uint8)
    infos: dict[str, Any] = {}
    for k, token in enumerate(tokens):
        folder = out / "gts" / scene / token
        folder.mkdir(parents=True)
        np.savez_compressed(folder / "labels.npz", semantics=OCC3D_OF_CLASS[semantics[k]], mask_lidar=seen, mask_camera=seen)
        world_SE3_ego = take.world_SE3_ego[k]
        infos[token] = {
            "timestamp": round(float(take.timestamps_s[k]) * 1e6),
            "ego_pose": _pose(world_SE3_ego),
            "camera_sensor": {
                f"{token}_{camera.name}": {
                    "img_path": f"imgs/{camera.name}/{token}.png",
                    "intrinsics": camera.intrinsics().tolist(),
                    "extrinsic": _pose(take.ego_SE3_cameras[k, n]),
                    "ego_pose": _pose(world_SE3_ego),
                }
                for n, camera in enumerate(take.cameras)
            },
            "gt_path": f"gts/{scene}/{token}/labels.npz",
            "prev": tokens[k - 1] if k else "",
            "next": tokens[k + 1] if k + 1 < count else "",
        }
    table = {"train_split": [scene], "val_split": [], "scene_infos": {scene: infos}}
    (out / "annotations.json").write_text(json.dumps(table, indent=1))
    folded = int(np.isin(semantics, (CLASS["ped_crossing"], CLASS["road_divider"], CLASS["lane_divider"])).sum())
    return ExportReport(
        count + 1,
        (
            f"Dropped: {folded} voxels of crossings and dividers became 'driveable_surface', which is all that Occ3D has.",
            "Dropped: instance ids and boxes, for which Occ3D has no place.",
            "Noted: mask_lidar and mask_camera are all ones, because every voxel of a take is known.",
            f"Noted: frames are {RATE_HZ:g} Hz (Occ3D's keyframes are 2 Hz); pictures are not copied, export 'frames' writes them.",
        ),
    )


def glb(take: Take, out: Path) -> ExportReport:
    """Binary glTF of the drawn world: one file for OUT.glb (the first frame); for a folder world.glb, and the agents of every frame beside it."""
    from engine.views.drawn.rays import why_not

    semantics = _occupancy(take)
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
        _write(out, drawn.whole(0))
    else:
        _write(out / "world.glb", drawn.standing())
        for k in kept:
            _write(out / f"{k:05d}.glb", drawn.moving(k))
    dropped = [
        "Dropped: sun, sky, weather and lit windows, which the viewer that opens it brings; cameras; voxels and layouts.",
        "Dropped: surfaces finer than a texel: patterns of ground, facades and roofs are pictures, what is on cars are plain colours.",
        "Dropped: motion; every agent stands as it does in its frame, as a node of its own named CLASS_ID.",
        "Noted: metres, y is up, the origin lies under the first frame's ego; x is the world's x and z is the world's -y.",
    ]
    if single and len(semantics) > 1:
        dropped.append(f"Dropped: agents of frames 1 to {len(semantics) - 1}; name a folder instead of a .glb file to get those of every frame.")
    return ExportReport(1 if single else len(semantics) + 1, tuple(dropped))


def glb_voxels(take: Take, out: Path) -> ExportReport:
    """Binary glTF of the occupancy's own surface, a colour a class: one file for OUT.glb (the first frame), or a folder with one per frame."""
    semantics = _occupancy(take)
    single = out.suffix == ".glb"
    dropped = ["Dropped: instance ids and the inside of solid things; a mesh has class colours and surfaces."]
    (out.parent if single else out).mkdir(parents=True, exist_ok=True)
    if single and len(semantics) > 1:
        dropped.append(f"Dropped: frames 1 to {len(semantics) - 1}; name a folder instead of a .glb file to get every frame.")
    dropped.append("Noted: as the ego frame is, z is up: turn it by -90 degrees about x where y is to be up.")
    chosen = semantics[:1] if single else semantics
    for k, frame in enumerate(chosen):
        _write(out if single else out / f"{k:05d}.glb", to_glb(surface_mesh(frame, take.grid)))
    return ExportReport(len(chosen), tuple(dropped))


def png(take: Take, out: Path) -> ExportReport:
    """The layouts: CHANNEL/%05d.png (0 or 255), and colour/%05d.png with agents on top. Up is forward, left is left."""
    for name in (*CHANNELS, "colour"):
        (out / name).mkdir(parents=True)
    for k, layout in enumerate(take.layouts):
        picture = np.full((*layout.shape[1:], 3), 16, np.uint8)
        # Map channels first, so that agents lie on top of the road.
        for channel in (*range(10, 15), *range(10)):
            on = layout[channel] > 0
            picture[on] = CHANNEL_RGB[channel]
            Image.fromarray(_map_view(on.astype(np.uint8) * 255)).save(out / CHANNELS[channel] / f"{k:05d}.png")
        Image.fromarray(_map_view(picture)).save(out / "colour" / f"{k:05d}.png")
    last_x, last_y = take.grid.shape[0] - 1, take.grid.shape[1] - 1
    noted = f"Noted: one pixel is {take.grid.voxel_m:g} m, and [row, column] shows layout cell [{last_x} - row, {last_y} - column]."
    dropped = "Dropped: poses, boxes, cameras and occupancy; these are the layouts alone."
    return ExportReport(len(take.layouts) * (len(CHANNELS) + 1), (dropped, noted))


def mp4(take: Take, out: Path) -> ExportReport:
    """The cameras' videos, CAMERA.mp4."""
    videos = _videos(take)
    out.mkdir(parents=True, exist_ok=True)
    for video in videos:
        shutil.copyfile(video, out / video.name)
    return ExportReport(len(videos), ("Dropped: everything but the pictures: layouts, occupancy, geometry, poses and boxes.",))


def frames(take: Take, out: Path) -> ExportReport:
    """The videos frame by frame, CAMERA/%05d.png, and timestamps.csv."""
    import imageio.v2 as imageio

    written = 0
    for video in _videos(take):
        folder = out / video.stem
        folder.mkdir(parents=True)
        with imageio.get_reader(video, format="FFMPEG") as reader:  # type: ignore[arg-type]
            for k, rgb in enumerate(reader):
                Image.fromarray(rgb).save(folder / f"{k:05d}.png")
                written += 1
    rows = [f"{k},{time_s:.6f}" for k, time_s in enumerate(take.timestamps_s)]
    (out / "timestamps.csv").write_text("\n".join(("frame,time_s", *rows)) + "\n")
    return ExportReport(written + 1, ("Dropped: everything but the pictures, which went through H.264 once.",))


FORMATS: Mapping[str, Callable[[Take, Path], ExportReport]] = {
    "occ3d": occ3d,
    "glb": glb,
    "glb-voxels": glb_voxels,
    "png": png,
    "mp4": mp4,
    "frames": frames,
}


def _occupancy(take: Take) -> np.ndarray:
    """uint8 (T, X, Y, Z)."""
    if not len(take.semantics):
        raise ExportError(f"The take {take.folder} has no occupancy: generate it with --until occupancy or further.")
    return take.semantics


def _videos(take: Take) -> list[Path]:
    videos = sorted((take.folder / "video").glob("*.mp4"))
    if not videos:
        raise ExportError(f"The take {take.folder} has no video: generate it with --until video.")
    return videos


def _map_view(cells: np.ndarray) -> np.ndarray:
    """[x, y] cells as a picture with forward (+x) up and left (+y) left."""
    return np.ascontiguousarray(cells[::-1, ::-1])


def _pose(a_SE3_b: np.ndarray) -> dict[str, list[float]]:
    """nuScenes' way: translation in metres and a unit quaternion [w, x, y, z]."""
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(a_SE3_b[:3, :3]).as_quat(canonical=True)
    return {"translation": [float(v) for v in a_SE3_b[:3, 3]], "rotation": [float(v) for v in (w, x, y, z)]}


def _write(path: Path, content: bytes) -> None:
    """All or nothing, so that a viewer that watches the file never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
