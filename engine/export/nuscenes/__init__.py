"""nuScenes: tables, pictures, LiDAR sweeps, map mask and map expansion, as the devkit opens them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from PIL import Image

from engine.export.nuscenes.ground_map import WorldMap, expansion, fuse, mask
from engine.export.nuscenes.stand_in import NamedPicture, stand_in
from engine.export.nuscenes.tables import KEY_STEP, VERSION, SetWriter
from engine.export.nuscenes.words import JPEG_QUALITY, LOCATION, MAP_TOKEN, visibility_of
from engine.export.parts import ExportError, ExportReport, occupancy, pictures, videos
from engine.render.raycast import Volume
from engine.render.sight import NUSCENES_LIDAR, scan, share_in_sight, within_picture
from engine.spec.grid import RATE_HZ
from engine.spec.take import Take
from engine.spec.words import plural

__all__ = ["NamedPicture", "nuscenes", "stand_in"]

LIDAR = "LIDAR_TOP"


def nuscenes(take: Take, out: Path) -> ExportReport:
    """OUT is nuScenes' folder: `NuScenes(version="v1.0-mini", dataroot=OUT)`. Raises ExportError for a take without video."""
    occupancy(take)
    by_name = {video.stem: video for video in videos(take)}
    numbers = [n for n, camera in enumerate(take.cameras) if camera.name in by_name and camera.fisheye is None]
    if not numbers:
        raise ExportError(f"The take {take.folder} has pictures of fisheyes only, and nuScenes holds pinholes: generate it with another camera.")
    world = fuse(take.layouts, take.world_SE3_ego, take.grid)
    scene = str(take.info.get("recipe", {}).get("scene") or take.folder.resolve().name)
    tables = SetWriter(take, scene, (-float(world.low_m[0]), -float(world.low_m[1]), 0.0))
    tables.add_words()
    files, points = _sweeps(tables, out)
    for n in numbers:
        files += _pictures(tables, n, by_name[take.cameras[n].name], out)
    tables.add_annotations(points, _visibility(tables, numbers))
    files += tables.write(out / VERSION) + _maps(world, tables.seed, out)
    return ExportReport(files, tuple(_left_behind(tables, numbers)))


def _sweeps(tables: SetWriter, out: Path) -> tuple[int, dict[tuple[int, int], int]]:
    """A virtual LiDAR's sweep of every frame, and how many points lie on each instance: (frame, id) -> count."""
    take = tables.take
    tables.add_sensor(LIDAR, "lidar")
    calibrated = tables.calibrate(LIDAR, NUSCENES_LIDAR.ego_SE3_lidar(), None)
    found: dict[tuple[int, int], int] = {}
    for k in range(take.frame_count):
        volume = Volume.from_dense(take.semantics[k], take.grid, take.instances[k])
        points, voxels = scan(volume)
        path = out / tables.add_data(LIDAR, k, calibrated, "pcd.bin")
        path.parent.mkdir(parents=True, exist_ok=True)
        points.tofile(path)
        found |= {(k, id): count for id, count in Counter(volume.instances.reshape(-1)[voxels].tolist()).items()}
    return take.frame_count, found


def _pictures(tables: SetWriter, number: int, video: Path, out: Path) -> int:
    """One camera's frames as JPEG."""
    take = tables.take
    camera, poses = take.cameras[number], take.ego_SE3_cameras[:, number]
    moves = bool((poses != poses[0]).any())
    tables.add_sensor(camera.name, "camera")
    calibrated, count = "", 0
    for k, rgb in enumerate(pictures(video)):
        if k == take.frame_count:
            break
        if k == 0 or moves:
            calibrated = tables.calibrate(camera.name, poses[k], camera.intrinsics(), k)
        height, width = rgb.shape[:2]
        if (width, height) != (camera.width, camera.height):
            raise ExportError(f"{video} is {width} x {height} and its camera {camera.width} x {camera.height}: make the take again.")
        path = out / tables.add_data(camera.name, k, calibrated, "jpg", (width, height))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(path, quality=JPEG_QUALITY)
        count = k + 1
    if count < take.frame_count:
        raise ExportError(f"{video} has {count} frames and the take {take.frame_count}: make its pictures again.")
    return count


def _visibility(tables: SetWriter, numbers: list[int]) -> dict[tuple[int, int], str]:
    """Visibility of every box of the key frames, of all cameras together: (frame, id) -> token."""
    take, found = tables.take, {}
    for k in tables.key_frames():
        volume = Volume.from_dense(take.semantics[k], take.grid, take.instances[k])
        sensors = []
        for n in numbers:
            pose = take.ego_SE3_cameras[k, n]
            sensors.append((pose[:3, 3], lambda points, n=n, pose=pose: within_picture(take.cameras[n], pose, points)))
        for box in take.boxes[k]:
            found[k, box.instance_id] = visibility_of(share_in_sight(volume, box.instance_id, sensors))
    return found


def _maps(world: WorldMap, seed: str, out: Path) -> int:
    (out / "maps/expansion").mkdir(parents=True)
    Image.fromarray(mask(world)).save(out / "maps" / f"{MAP_TOKEN}.png")
    (out / "maps/expansion" / f"{LOCATION}.json").write_text(json.dumps(expansion(world, seed), allow_nan=False))
    return 2


def _left_behind(tables: SetWriter, numbers: list[int]) -> list[str]:
    take = tables.take
    last, end = tables.key_frames()[-1], take.frame_count - 1
    x, y, _ = tables.moved_m
    said = [
        "Dropped: occupancy, buffers, colours and models of agents, for which nuScenes has no place (export 'occ3d' writes the occupancy).",
        f"Dropped: boxes between the key frames, which are {KEY_STEP / RATE_HZ:g} s apart; on the straight way between two, they lie up to "
        f"{tables.off_between_m():.2f} m off.",
    ]
    if last < end:
        said.append(f"Dropped: boxes of the last {plural(end - last, 'frame')}, after the last key frame; their pictures and sweeps are there.")
    if missed := tables.never_annotated():
        said.append(f"Dropped: {missed} agents that are there at no key frame.")
    if others := [camera.name for n, camera in enumerate(take.cameras) if n not in numbers]:
        said.append(f"Dropped: {', '.join(others)}: nuScenes holds pinholes with pictures only.")
    said += [
        "Dropped: stop lines, lanes and traffic lights of the map expansion, which a layout does not have; RADAR.",
        f"Noted: the map is put together from the layouts ({take.grid.voxel_m:g} m cells) and named {LOCATION}, because the devkit opens maps of "
        "four names only; it is not that place.",
        f"Noted: the global frame is the scene's world moved by ({x:.0f}, {y:.0f}) m; times begin at a made-up moment of 2017.",
        "Noted: LiDAR sweeps are those of a virtual LiDAR in the occupancy, without intensity; points on boxes and visibility are counted in it too.",
        "Noted: attributes follow from the speed; 'vehicle.parked' and 'cycle.without_rider' stand all the time.",
    ]
    return said
