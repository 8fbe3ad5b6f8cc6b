"""A ScenarioNet scenario (nuScenes or Waymo) -> a Document.

Clock: the scenario's own. World frame: the scenario's, moved by whole metres. Boxes have headings only, so every pose is upright.
nuScenes: the ego's position is its rear axle on the ground. Waymo: it is the centre of its box.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from editor.document import Document
from editor.entities import EgoPath, Keyframe
from editor.formats.categories import CLASS_OF
from editor.formats.report import MALFORMED, Dropped, FormatError, ImportReport, count_entities, what_is_wrong
from editor.formats.rigs import preset_cameras
from editor.formats.scenarionet.map import read_features
from editor.formats.tracks import Track, agents_in, choose_window, keyframes_in
from editor.formats.unpickle import read_pickle
from engine.spec.geometry import Pose, wrap_angle

WAYMO_AXLE_M = 1.5
"""Rear axle of Waymo's minivan behind the centre of its 5.3 m box: half its 3.1 m wheelbase, about."""
LONG_VEHICLE_M = 7.0
"""Waymo says 'vehicle' only; from this length on it is taken for a truck."""

GENERAL: dict[str, str] = {
    "VEHICLE": "car",
    "PEDESTRIAN": "pedestrian",
    "CYCLIST": "bicycle",
    "TRAFFIC_CONE": "traffic_cone",
    "TRAFFIC_BARRIER": "barrier",
}
"""ScenarioNet type -> class, for sources without categories of their own."""


def read(source: Path, *, start_s: float, duration_s: float | None, map_path: Path | None) -> tuple[Document, ImportReport]:
    """Reads one sd_*.pkl, or a folder with exactly one. Raises FormatError with a sentence where it cannot."""
    if map_path is not None:
        raise FormatError(f"A ScenarioNet file holds its own map and cannot take {map_path}: leave --map out.")
    path = _scenario_file(source)
    scenario = _scenario(path)
    metadata = scenario["metadata"]
    is_nuscenes = str(metadata.get("dataset", "")).lower() == "nuscenes"
    try:
        times = np.asarray(metadata["ts"], np.float64).ravel()
        ego_id = metadata["sdc_id"]
        states = {key: _state(path, key, track["state"], len(times)) for key, track in scenario["tracks"].items()}
        kinds = {key: (str(track["type"]), str((track.get("metadata") or {}).get("type", ""))) for key, track in scenario["tracks"].items()}
    except FormatError:
        raise
    except MALFORMED as error:
        raise _malformed(path, error) from error
    if not len(times):
        raise FormatError(f"{path} has no frames: export the scenario again.")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise FormatError(f"{path} has {len(times)} time stamps, which do not rise from frame to frame: export the scenario again.")
    if ego_id not in states or not states[ego_id]["valid"].any():
        raise FormatError(f"{path} has no poses for its ego '{ego_id}', so where it drove is unknown: export the scenario again.")

    ego_state = states[ego_id]
    seen = np.flatnonzero(ego_state["valid"])
    zero_s = float(times[seen[0]])
    times = times - zero_s
    window = choose_window(path.name, float(times[seen[-1]]), start_s, duration_s)
    behind, below = (0.0, 0.0) if is_nuscenes else (WAYMO_AXLE_M, float(np.median(ego_state["size"][seen, 2])) / 2)
    origin = np.floor(ego_state["position"][seen[0]] - (0, 0, below))
    ego = EgoPath(keyframes=keyframes_in(window, _keyframes(ego_state, times, origin, behind, below)), source="imported")
    if not ego.keyframes:
        raise FormatError(f"{path} does not know where its ego is from {start_s:g} s on: choose another start.")

    try:
        feature_map = read_features(scenario["map_features"], origin, is_nuscenes)
    except FormatError:
        raise
    except MALFORMED as error:
        raise _malformed(path, error) from error
    if not any(area.channel == "drivable_area" for area in feature_map.areas):
        raise FormatError(f"{path} has no lanes in its map, so there is no road in it: export the scenario again with its map.")
    tracks, dropped, notes = _tracks(states, kinds, ego_id, times, origin)
    agents, outside, gaps = agents_in(window, tracks, times)
    dropped += outside
    notes += gaps
    if lights := len(scenario.get("dynamic_map_states") or ()):
        dropped.append(Dropped("traffic light", lights, "a layout has no channel for it"))
    notes.append(_ego_note(is_nuscenes, ego_state["size"][seen[0]]))

    cameras = preset_cameras("nuscenes6")
    entities = {entity.id: entity for entity in (*feature_map.areas, *feature_map.lines, *agents, *cameras)}
    origin_m = (float(origin[0]), float(origin[1]), float(origin[2]))
    name = str(scenario.get("id") or path.stem)
    report = ImportReport(
        format=f"ScenarioNet ({metadata.get('dataset', 'unknown source')})",
        source=path.name,
        duration_s=window.duration_s,
        origin_m=origin_m,
        read=count_entities(entities.values()) | {"ego keyframe": len(ego.keyframes)},
        dropped=(*dropped, *feature_map.dropped),
        notes=(
            f"World origin is at ({origin_m[0]:.0f}, {origin_m[1]:.0f}, {origin_m[2]:.0f}) m of the source's frame; "
            f"second 0 is {window.start_s + zero_s:g} s on its clock.",
            *feature_map.notes,
            *notes,
            "The source has no cameras: they are the preset rig 'nuscenes6'.",
        ),
    )
    licence = "Imported from a research data set by way of ScenarioNet: its non-commercial terms still hold."
    document = Document(name, window.duration_s, ego=ego, entities=entities, notes=(licence, *report.notes, *report.dropped_sentences()))
    return document, report


def _scenario_file(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(path for path in source.glob("*.pkl") if path.name not in ("dataset_summary.pkl", "dataset_mapping.pkl"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:5]) or "none"
        raise FormatError(f"{source} holds {len(found)} scenario files ({names}): point at one sd_*.pkl.")
    return found[0]


def _scenario(path: Path) -> dict[str, Any]:
    scenario = read_pickle(path, "ScenarioNet")
    needed = ("tracks", "map_features", "metadata")
    if not isinstance(scenario, dict) or any(not isinstance(scenario.get(key), dict) for key in needed):
        raise FormatError(f"{path} is no ScenarioNet scenario, which is a dict with {', '.join(needed)}: give an sd_*.pkl file.")
    return scenario


def _malformed(path: Path, error: Exception) -> FormatError:
    return FormatError(f"{path} is not laid out as ScenarioNet writes it ({what_is_wrong(error)}): export the scenario again.")


def _state(path: Path, key: Any, state: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
    """valid (T,), position (T, 3), heading (T,), size (T, 3) of one track; FormatError where a valid frame is not a number."""
    valid = np.asarray(state["valid"]).astype(bool).ravel()
    position = np.asarray(state["position"], np.float64).reshape(len(valid), 3)
    heading = np.asarray(state["heading"], np.float64).ravel()
    size = np.stack([np.asarray(state[name], np.float64).ravel() for name in ("length", "width", "height")], -1)
    if not len(valid) == len(heading) == len(size) == count:
        raise ValueError(f"track '{key}' does not have one state for each of {count} time stamps")
    broken = valid & ~np.isfinite(np.column_stack([position, heading, size])).all(1)
    if broken.any():
        raise FormatError(
            f"{path} has a pose that is not a number in frame {int(np.argmax(broken))} of track '{key}': export the scenario again."
        )
    return {"valid": valid, "position": position, "heading": heading, "size": size}


def _keyframes(
    state: Mapping[str, np.ndarray], times_s: np.ndarray, origin_m: np.ndarray, behind_m: float, below_m: float
) -> list[Keyframe]:
    """World poses of a point `behind_m` and `below_m` of a track's position, at its valid frames."""
    keyframes = []
    for frame in np.flatnonzero(state["valid"]):
        x, y, z = state["position"][frame] - origin_m
        heading = float(state["heading"][frame])
        x, y = x - behind_m * np.cos(heading), y - behind_m * np.sin(heading)
        keyframes.append(Keyframe(float(times_s[frame]), Pose(float(x), float(y), float(z - below_m), wrap_angle(heading))))
    return keyframes


def _tracks(
    states: Mapping[Any, Mapping[str, np.ndarray]],
    kinds: Mapping[Any, tuple[str, str]],
    ego_id: Any,
    times_s: np.ndarray,
    origin_m: np.ndarray,
) -> tuple[list[Track], list[Dropped], list[str]]:
    """One Track per object in the source's order, with what was dropped and what was assumed."""
    tracks: list[Track] = []
    dropped: Counter[tuple[str, str]] = Counter()
    long_vehicles = resized = 0
    for key, state in states.items():
        kind, category = kinds[key]
        rows = state["valid"].nonzero()[0]
        if key == ego_id:
            continue
        if not len(rows):
            dropped[category or kind, "not valid in any frame"] += 1
            continue
        size = np.median(state["size"][rows], axis=0)
        class_name = CLASS_OF.get(category) if "." in category else GENERAL.get(kind)
        if class_name is None:
            dropped[category or kind, "none of the ten agent classes"] += 1
            continue
        if (size <= 0.05).any():
            dropped[category or kind, "a box without a size"] += 1
            continue
        if kind == "VEHICLE" and "." not in category and size[0] >= LONG_VEHICLE_M:
            class_name = "truck"
            long_vehicles += 1
        resized += bool(np.abs(state["size"][rows] - size).max() > 0.005)
        keyframes = tuple(_keyframes(state, times_s, origin_m, 0.0, float(size[2]) / 2))
        tracks.append(Track(f"{category or kind} {key}", class_name, (float(size[0]), float(size[1]), float(size[2])), keyframes))
    notes = []
    if long_vehicles:
        notes.append(
            f"{long_vehicles} vehicles of {LONG_VEHICLE_M:g} m and more became trucks: the source does not say which kind they are."
        )
    if resized:
        notes.append(f"{resized} tracks change size in the source: their median size is kept.")
    return tracks, [Dropped(category, count, reason) for (category, reason), count in dropped.items()], notes


def _ego_note(is_nuscenes: bool, size_m: np.ndarray) -> str:
    if not is_nuscenes:
        return f"The ego's origin was put {WAYMO_AXLE_M} m behind the centre of its box, at its bottom: the source does not say where its rear axle is."
    swapped = f" Its length and width are swapped in the source ({size_m[0]:g} x {size_m[1]:g} m)." if size_m[0] < size_m[1] else ""
    return f"The ego's positions are its rear axle on flat ground without tilt, so distant boxes may stand above or below it.{swapped}"
