"""What tables and infos pickles both say of one scene, and the Document that is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from editor.document import Document
from editor.entities import CameraEntity, EgoPath, Keyframe, SourcePictures
from editor.formats.categories import class_of
from editor.formats.nuscenes.ground import fit_ground
from editor.formats.nuscenes.lanelet2 import read_lanelet2
from editor.formats.nuscenes.map import SceneMap, find_map, read_map, road_of_tracks
from editor.formats.report import Dropped, FormatError, ImportReport, count_entities
from editor.formats.rigs import preset_cameras
from editor.formats.tracks import Track, Window, agents_in, choose_window, keyframes_in
from editor.source_pictures import FARTHEST_S
from engine.spec.geometry import Pose

SAME_SIZE_M = 0.005


@dataclass(frozen=True, slots=True)
class Sighting:
    """One annotated box."""

    time_s: float
    global_SE3_box: np.ndarray
    """(4, 4), at the box's centre."""
    size_m: tuple[float, float, float]
    """Length, width, height."""


@dataclass(slots=True)
class SeenObject:
    """One thing of the scene, by its key frames."""

    id: str
    category: str
    sightings: list[Sighting] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    """In the order in which they held."""


@dataclass(slots=True)
class Recording:
    """One scene in nuScenes' global frame; times in seconds after its first key frame."""

    name: str
    path: Path
    """What was read, for messages."""
    format: str
    ego: list[tuple[float, np.ndarray]]
    """(time, global_SE3_ego)"""
    length_s: float
    objects: list[SeenObject]
    cameras: tuple[CameraEntity, ...]
    location: str
    map_folder: Path | None
    """Where the data set keeps its maps."""
    lanelet2: Path | None = None
    """T4's own map."""
    dropped: list[Dropped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def build(recording: Recording, *, start_s: float, duration_s: float | None, map_path: Path | None) -> tuple[Document, ImportReport]:
    """Raises FormatError where the asked-for part or the map cannot be had."""
    if not recording.ego:
        raise FormatError(f"{recording.path} has no poses of the ego in scene '{recording.name}': export the scene again.")
    window = choose_window(f"Scene '{recording.name}'", recording.length_s, start_s, duration_s)
    origin = np.floor(recording.ego[0][1][:3, 3])
    drive = [Keyframe(time_s, _moved(pose, origin)) for time_s, pose in recording.ego]
    ego = EgoPath(keyframes=keyframes_in(window, drive[:1] if window.is_still else drive), source="imported")
    if not ego.keyframes:
        raise FormatError(f"{recording.path} does not know where its ego is from {start_s:g} s on: choose another start.")

    tracks, dropped, notes = _tracks(recording.objects, origin)
    agents, outside, gaps = agents_in(window, tracks, np.array([time_s for time_s, _ in recording.ego]))
    dropped += outside
    notes += gaps

    path_m = np.array([(keyframe.pose.x_m, keyframe.pose.y_m) for keyframe in drive])
    scene_map = _map(recording, map_path, path_m, tracks, origin)
    ground, ground_note = fit_ground(drive, [keyframe.pose for track in tracks for keyframe in track.keyframes])
    cameras = tuple(_in_window(camera, window) for camera in recording.cameras) or preset_cameras("nuscenes6")
    if not recording.cameras:
        notes.append("The source has no cameras: they are the preset rig 'nuscenes6'.")

    entities = {entity.id: entity for entity in (*scene_map.areas, *scene_map.lines, *agents, *cameras)}
    origin_m = (float(origin[0]), float(origin[1]), float(origin[2]))
    report = ImportReport(
        format=recording.format,
        source=recording.path.name,
        duration_s=window.duration_s,
        origin_m=origin_m,
        read=count_entities(entities.values()) | {"ego keyframe": len(ego.keyframes), "ground raster": int(ground is not None)},
        dropped=(*dropped, *recording.dropped, *scene_map.dropped),
        notes=(
            f"World origin is at ({origin_m[0]:.0f}, {origin_m[1]:.0f}, {origin_m[2]:.0f}) m of the global frame; "
            f"second 0 is {window.start_s:g} s after the scene's first key frame.",
            *scene_map.notes,
            ground_note,
            *notes,
            *recording.notes,
        ),
    )
    licence = (
        "Imported from a data set in nuScenes' layout: the data set's own terms still hold (nuScenes: CC BY-NC-SA 4.0, non-commercial)."
    )
    document = Document(
        recording.name,
        window.duration_s,
        ego=ego,
        entities=entities,
        ground=ground,
        notes=(licence, *report.notes, *report.dropped_sentences()),
    )
    return document, report


def _map(recording: Recording, map_path: Path | None, path_m: np.ndarray, tracks: Sequence[Track], origin_m: np.ndarray) -> SceneMap:
    found = find_map(recording.map_folder, recording.location, map_path) or recording.lanelet2
    if found is None:
        return road_of_tracks(path_m, tracks, recording.location)
    return read_lanelet2(found, path_m, origin_m) if found.suffix == ".osm" else read_map(found, path_m, origin_m)


def _tracks(objects: Sequence[SeenObject], origin_m: np.ndarray) -> tuple[list[Track], list[Dropped], list[str]]:
    """One Track per object that can be an agent, with what was dropped and what was assumed."""
    tracks: list[Track] = []
    dropped: Counter[tuple[str, str]] = Counter()
    resized = split = 0
    for seen in objects:
        class_name = class_of(seen.category)
        if class_name is None:
            dropped[seen.category, "none of the ten agent classes"] += 1
            continue
        threads = _threads(seen.sightings)
        split += len(threads) - 1
        for number, thread in enumerate(threads, 1):
            sizes = np.array([sighting.size_m for sighting in thread])
            size = np.median(sizes, axis=0)
            if (size <= 0.05).any():
                dropped[seen.category, "a box without a size"] += 1
                continue
            resized += bool(np.abs(sizes - size).max() > SAME_SIZE_M)
            keyframes = []
            for sighting in thread:
                bottom = sighting.global_SE3_box.copy()
                bottom[:3, 3] -= bottom[:3, 2] * size[2] / 2
                keyframes.append(Keyframe(sighting.time_s, _moved(bottom, origin_m)))
            id = seen.id if number == 1 else f"{seen.id} ({number})"
            name = "; ".join([f"{seen.category} {id}", *dict.fromkeys(seen.attributes), *_speed(keyframes)])
            tracks.append(Track(name[:1000], class_name, (float(size[0]), float(size[1]), float(size[2])), tuple(keyframes)))
    notes = [f"{resized} tracks change size in the source: their median size is kept."] if resized else []
    if split:
        notes.append(f"Some objects have several boxes at one time: {split} tracks more were made of them.")
    notes.append("Attributes and the greatest speed between key frames stand in the agents' names.")
    return tracks, [Dropped(category, count, reason) for (category, reason), count in dropped.items()], notes


def _threads(sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    """The sightings of one object by time; in as many rows as there are boxes at one time, each going on with what is nearest and alike."""
    by_time: dict[float, list[Sighting]] = {}
    for sighting in sightings:
        by_time.setdefault(sighting.time_s, []).append(sighting)
    threads: list[list[Sighting]] = []
    for time_s in sorted(by_time):
        left = list(by_time[time_s])
        free = list(threads)
        while left and free:
            _, thread, here = min(((_apart(thread[-1], here), thread, here) for thread in free for here in left), key=lambda row: row[0])
            thread.append(here)
            left = [one for one in left if one is not here]
            free = [one for one in free if one is not thread]
        threads += [[here] for here in left]
    return threads


def _apart(a: Sighting, b: Sighting) -> float:
    """Distance of two sightings, in which another size counts as ten times as much."""
    resized = float(np.abs(np.subtract(a.size_m, b.size_m)).max())
    return float(np.hypot(*(a.global_SE3_box[:2, 3] - b.global_SE3_box[:2, 3]))) + 10 * resized


def _speed(keyframes: Sequence[Keyframe]) -> list[str]:
    steps = [
        np.hypot(b.pose.x_m - a.pose.x_m, b.pose.y_m - a.pose.y_m) / (b.time_s - a.time_s)
        for a, b in zip(keyframes, keyframes[1:], strict=False)
    ]
    return [f"at most {max(steps):.1f} m/s"] if steps else []


def _in_window(entity: CameraEntity, window: Window) -> CameraEntity:
    """A camera with its pictures on the scene's clock; those taken long before or after it are left out."""
    if entity.pictures is None:
        return entity
    rows = tuple(
        (time_s - window.start_s, name) for time_s, name in entity.pictures.rows if -FARTHEST_S <= time_s - window.start_s <= window.duration_s + FARTHEST_S
    )
    return replace(entity, pictures=SourcePictures(entity.pictures.folder, rows) if rows else None)


def _moved(global_SE3_self: np.ndarray, origin_m: np.ndarray) -> Pose:
    moved = global_SE3_self.copy()
    moved[:3, 3] -= origin_m
    return Pose.from_matrix(moved)
