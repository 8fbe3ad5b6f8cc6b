"""An Argoverse 2 sensor log -> a Document.

Clock: zero is the first annotated sweep (or `start_s` after it). World frame: the city frame moved by whole metres, so that the
scene starts near zero; the report and the notes say by how much. Ego frame: Argoverse 2's origin is the rear axle, ours is the
ground under it, so the ego is lowered along its own z axis by the height of its axle, measured against the ground raster.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from editor.document import Document, Ground
from editor.entities import CameraEntity, EgoPath, Keyframe
from editor.formats.argoverse2.classes import APPROXIMATE, CLASS_OF, DROPPED, RIDDEN
from editor.formats.argoverse2.map import find_map, ground_under, read_ground, read_vector_map
from editor.formats.argoverse2.tables import POSE, SIZE, read_table, se3
from editor.formats.report import Dropped, FormatError, ImportReport, count_entities
from editor.formats.rigs import preset_cameras
from editor.formats.tracks import Track, agents_in, choose_window, keyframes_in
from editor.track import pose_at
from engine.spec.camera import Camera
from engine.spec.geometry import Pose

AXLE_HEIGHT_M = 0.33
"""Height of the rear axle where a log has no ground raster: the radius of its wheels."""
SWEEP_NS = 100_000_000
"""Argoverse 2's LiDAR turns ten times a second; some logs are annotated more rarely."""
MOST_BETWEEN = 100
ANNOTATIONS = ("annotations.feather", "annotations_with_ego.feather")
RIDER_OVERLAP = 0.5
"""A rider belongs to a cycle when their boxes' centres are nearer than the cycle's half length in this part of the rider's sweeps."""


@dataclass(frozen=True, slots=True)
class Annotations:
    """All boxes of a log, one row each, ego frame."""

    time_ns: np.ndarray
    track: np.ndarray
    category: np.ndarray
    size_m: np.ndarray
    ego_SE3_box: np.ndarray


def read(source: Path, *, start_s: float, duration_s: float | None, map_path: Path | None) -> tuple[Document, ImportReport]:
    """Reads one log folder. Raises FormatError with a sentence where it cannot."""
    poses_file = source / "city_SE3_egovehicle.feather"
    annotations_file = next((source / name for name in ANNOTATIONS if (source / name).is_file()), None)
    if annotations_file is None and not poses_file.is_file():
        raise FormatError(f"{source} is no Argoverse 2 log: it must be a folder with annotations.feather and city_SE3_egovehicle.feather.")
    if not poses_file.is_file():
        raise FormatError(f"{source} has no city_SE3_egovehicle.feather, so where the ego drove is unknown: copy it from the data set.")
    if annotations_file is None:
        raise FormatError(
            f"{source} has no annotations.feather, which the data set's test logs lack: choose a log of the train or val split."
        )
    map_file = find_map(source, map_path)
    boxes = _read_annotations(annotations_file)
    sweeps_ns = np.unique(boxes.time_ns)
    moments_ns = _with_moments_between(sweeps_ns)
    city_SE3_axle = _ego_at(poses_file, moments_ns, annotations_file)

    zero_ns = sweeps_ns[0]
    window = choose_window(source.name, float(sweeps_ns[-1] - zero_ns) / 1e9, start_s, duration_s)
    origin = np.floor(city_SE3_axle[0, :3, 3])
    vector_map = read_vector_map(map_file, origin)
    ground = read_ground(map_file.parent, city_SE3_axle[:, :2, 3], origin)
    world_SE3_axle = city_SE3_axle.copy()
    world_SE3_axle[:, :3, 3] -= origin
    axle_m, axle_note = _axle_height(world_SE3_axle, ground)
    lowered = np.eye(4)
    lowered[2, 3] = -axle_m
    world_SE3_ego = world_SE3_axle @ lowered
    drive = [Keyframe(float(t - zero_ns) / 1e9, Pose.from_matrix(pose)) for t, pose in zip(moments_ns, world_SE3_ego, strict=True)]
    ego = EgoPath(keyframes=keyframes_in(window, drive), source="imported")

    tracks, dropped, notes = _tracks(boxes, dict(zip(moments_ns.tolist(), world_SE3_axle, strict=True)), zero_ns)
    agents, outside, gaps = agents_in(window, tracks, (sweeps_ns - zero_ns) / 1e9)
    dropped += outside
    notes += gaps
    cameras, camera_note = _cameras(source / "calibration", axle_m)

    entities = {entity.id: entity for entity in (*vector_map.areas, *vector_map.lines, *agents, *cameras)}
    origin_m = (float(origin[0]), float(origin[1]), float(origin[2]))
    report = ImportReport(
        format="Argoverse 2",
        source=source.name,
        duration_s=window.duration_s,
        origin_m=origin_m,
        read=count_entities(entities.values()) | {"ego keyframe": len(ego.keyframes), "ground raster": int(ground is not None)},
        dropped=(*dropped, *vector_map.dropped),
        notes=(
            f"World origin is at ({origin_m[0]:.0f}, {origin_m[1]:.0f}, {origin_m[2]:.0f}) m of the city frame; "
            f"second 0 is {window.start_s:g} s after the first annotated sweep.",
            axle_note,
            "Argoverse 2 maps have no walkways: derived as 2.5 m strips along the outside of the drivable area.",
            *notes,
            camera_note,
        ),
    )
    document = Document(
        name=source.name,
        duration_s=window.duration_s,
        ego=ego,
        entities=entities,
        ground=ground,
        notes=("Imported from Argoverse 2 (CC BY-NC-SA 4.0, non-commercial).", *report.notes, *report.dropped_sentences()),
    )
    return document, report


def _read_annotations(path: Path) -> Annotations:
    columns = read_table(path, ("timestamp_ns", *SIZE, *POSE), ("track_uuid", "category"))
    if not len(columns["timestamp_ns"]):
        raise FormatError(f"{path} has no rows, so the log has no sweep to start from: choose a log of the train or val split.")
    size = np.stack([columns[name] for name in SIZE], -1).astype(np.float64)
    if (size <= 0).any():
        raise FormatError(f"{path} row {int(np.argmax((size <= 0).any(1)))} holds a box without a size: mend or remove it.")
    return Annotations(columns["timestamp_ns"].astype(np.int64), columns["track_uuid"], columns["category"], size, se3(columns, path))


def _with_moments_between(sweeps_ns: np.ndarray) -> np.ndarray:
    """The annotated sweeps' times and, where they are far apart, times between them: the ego's own poses are known there too."""
    # In whole nanoseconds: a float64 is too coarse for time stamps of this size.
    counts = np.clip((np.diff(sweeps_ns) + SWEEP_NS // 2) // SWEEP_NS, 1, MOST_BETWEEN)
    steps = [a + (b - a) * np.arange(count) // count for a, b, count in zip(sweeps_ns, sweeps_ns[1:], counts, strict=False)]
    return np.unique(np.concatenate([*steps, sweeps_ns]))


def _ego_at(path: Path, sweeps_ns: np.ndarray, annotations_file: Path) -> np.ndarray:
    """city_SE3_axle (N, 4, 4) at the sweeps' times: the pose of that very time where there is one, else between its neighbours."""
    columns = read_table(path, ("timestamp_ns", *POSE))
    time_ns, first = np.unique(columns["timestamp_ns"].astype(np.int64), return_index=True)
    poses = se3(columns, path)[first]
    if len(time_ns) < 2:
        raise FormatError(f"{path} has {len(time_ns)} poses, which is no drive: copy it again from the data set.")
    outside = (sweeps_ns < time_ns[0]) | (sweeps_ns > time_ns[-1])
    if outside.any():
        raise FormatError(
            f"{int(outside.sum())} of {len(sweeps_ns)} sweeps of {annotations_file.name} are at times that {path} does not cover: "
            "take both files from the same log."
        )
    known = [Keyframe(float(t - time_ns[0]) / 1e9, Pose.from_matrix(pose)) for t, pose in zip(time_ns, poses, strict=True)]
    return np.stack([pose_at(known, float(sweep - time_ns[0]) / 1e9).matrix() for sweep in sweeps_ns])


def _axle_height(world_SE3_axle: np.ndarray, ground: Ground | None) -> tuple[float, str]:
    """Height of the rear axle over the ground: one number for the drive, since the raster's centimetres would shake the ego."""
    if ground is not None:
        heights = world_SE3_axle[:, 2, 3] - ground_under(ground, world_SE3_axle[:, :2, 3])
        if np.isfinite(heights).any():
            median = float(np.nanmedian(heights))
            return median, f"The ego's origin was lowered by {median:.3f} m from the rear axle to the ground (median over its raster)."
    return AXLE_HEIGHT_M, f"There is no ground raster under the ego path: its rear axle was taken to be {AXLE_HEIGHT_M} m above ground."


def _tracks(boxes: Annotations, world_SE3_ego: dict[int, np.ndarray], zero_ns: int) -> tuple[list[Track], list[Dropped], list[str]]:
    """One Track per annotated object, by first appearance, with what was dropped and what was assumed."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in np.argsort(boxes.time_ns, kind="stable").tolist():
        rows_of[boxes.track[row]].append(row)
    dropped: Counter[tuple[str, str]] = Counter()
    approximate: Counter[str] = Counter()
    notes: list[str] = []
    tracks: list[Track] = []
    category_of: list[str] = []
    resized = 0
    for name, rows in rows_of.items():
        category = boxes.category[rows[0]]
        if category not in CLASS_OF:
            reason = DROPPED.get(category, "not a category of Argoverse 2 that we know")
            dropped[category, reason] += 1
            continue
        if category in APPROXIMATE:
            approximate[category] += 1
        size = np.median(boxes.size_m[rows], axis=0)
        resized += bool(np.abs(boxes.size_m[rows] - size).max() > 0.005)
        keyframes: list[Keyframe] = []
        for row in rows:
            time_ns = int(boxes.time_ns[row])
            time_s = (time_ns - zero_ns) / 1e9
            if keyframes and time_s <= keyframes[-1].time_s:
                raise FormatError(f"Track {name} has two boxes at {time_ns} ns: remove one of them from the annotations.")
            bottom = boxes.ego_SE3_box[row].copy()
            bottom[:3, 3] -= bottom[:3, 2] * size[2] / 2
            # The whole rotation is kept: the ego's tilt moves a long box's corners by centimetres.
            keyframes.append(Keyframe(time_s, Pose.from_matrix(world_SE3_ego[time_ns] @ bottom)))
        tracks.append(Track(f"{category} {name}", CLASS_OF[category], (float(size[0]), float(size[1]), float(size[2])), tuple(keyframes)))
        category_of.append(category)
    tracks, merged = _merge_riders(tracks, category_of)
    if merged:
        notes.append(f"{merged} riders were merged into the cycle they ride, whose box grew to their height.")
    notes += [f"{count} x {category} became {CLASS_OF[category]} ({APPROXIMATE[category]})." for category, count in approximate.items()]
    if resized:
        notes.append(f"{resized} tracks change size in the source: their median size is kept.")
    return tracks, [Dropped(category, count, reason) for (category, reason), count in dropped.items()], notes


def _merge_riders(tracks: list[Track], category_of: list[str]) -> tuple[list[Track], int]:
    """Tracks without the riders that sit on a cycle; that cycle is as high as its rider. A rider alone stays, as its cycle."""
    kept = list(tracks)
    gone = set()
    for index, category in enumerate(category_of):
        mounts = RIDDEN.get(category, ())
        rider = _by_moment(tracks[index])
        for other, other_category in enumerate(category_of):
            if other_category not in mounts or other in gone:
                continue
            mount = _by_moment(tracks[other])
            reach = tracks[other].size_m[0] / 2
            shared = [t for t in rider if t in mount and np.hypot(rider[t].x_m - mount[t].x_m, rider[t].y_m - mount[t].y_m) < reach]
            if len(shared) < RIDER_OVERLAP * len(rider):
                continue
            top = float(np.median([rider[t].z_m - mount[t].z_m for t in shared])) + tracks[index].size_m[2]
            length, width, height = kept[other].size_m
            kept[other] = replace(kept[other], size_m=(length, width, max(height, top)))
            gone.add(index)
            break
    return [track for index, track in enumerate(kept) if index not in gone], len(gone)


def _by_moment(track: Track) -> dict[float, Pose]:
    return {round(keyframe.time_s, 6): keyframe.pose for keyframe in track.keyframes}


def _cameras(folder: Path, axle_m: float) -> tuple[tuple[CameraEntity, ...], str]:
    """The log's own cameras, or the ring preset where it has no calibration."""
    intrinsics_file, poses_file = folder / "intrinsics.feather", folder / "egovehicle_SE3_sensor.feather"
    if not (intrinsics_file.is_file() and poses_file.is_file()):
        return preset_cameras("av2_ring"), "There is no calibration in the log: its cameras are the preset rig 'av2_ring'."
    columns = read_table(intrinsics_file, ("fx_px", "fy_px", "cx_px", "cy_px", "width_px", "height_px"), ("sensor_name",))
    sensors = read_table(poses_file, POSE, ("sensor_name",))
    axle_SE3_camera = dict(zip(sensors["sensor_name"], se3(sensors, poses_file), strict=True))
    cameras = []
    for row, name in enumerate(columns["sensor_name"]):
        if name not in axle_SE3_camera:
            raise FormatError(f"{poses_file} has no pose for camera '{name}' of {intrinsics_file.name}: take both files from the same log.")
        pose = axle_SE3_camera[name].copy()
        pose[2, 3] += axle_m
        fx, fy, cx, cy = (float(columns[key][row]) for key in ("fx_px", "fy_px", "cx_px", "cy_px"))
        camera = Camera(name, int(columns["width_px"][row]), int(columns["height_px"][row]), fx, fy, cx, cy, Pose.from_matrix(pose))
        cameras.append(CameraEntity(f"camera-{name}", camera, enabled=name.startswith("ring"), source="imported"))
    return tuple(cameras), "Cameras come from the log's calibration, as pinholes without its radial terms; the stereo pair is off."
