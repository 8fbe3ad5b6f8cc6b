"""nuScenes' tables, and those of T4 and Lyft, which have the same shape -> a Recording of one scene."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from editor.check import names_a_picture
from editor.document import Document
from editor.entities import CameraEntity, SourcePictures
from editor.formats.nuscenes.recording import Recording, SeenObject, Sighting, build
from editor.formats.report import MALFORMED, Dropped, FormatError, ImportReport, SeveralScenes, listed, what_is_wrong
from engine.spec.rows import se3, vector
from engine.spec.tables import Row, Tables, camera_of, is_inside, read_table, table_folders

NEEDED = ("scene", "sample", "sample_data", "ego_pose", "calibrated_sensor", "sensor")
WANTED = ("sample_annotation", "instance", "category", "attribute", "log", "map")
"""Read where they are there."""
CLOSEST_S, FARTHEST_S = 1e-3, 60.0
"""Between key frames of any set."""
HOLDS_TABLES = "a folder with scene.json and the other tables, or the data set's folder above it"


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """One row of sample_data that is a picture."""

    channel: str
    time_s: float
    """After the scene's first key frame."""
    name: str
    """As the table has it: relative to the data set's folder."""
    width: int
    height: int
    is_key_frame: bool


def read_tables(
    source: Path, *, start_s: float, duration_s: float | None, map_path: Path | None, scene_name: str | None
) -> tuple[Document, ImportReport]:
    """Reads one scene of a table set. Raises FormatError with a sentence where it cannot."""
    folder, scene = choose_scene(source, scene_name)
    tables = Tables(folder)
    try:
        recording = _recording(tables, scene, source)
    except FormatError:
        raise
    except MALFORMED as error:
        raise FormatError(f"{folder} is not laid out as nuScenes' tables are ({what_is_wrong(error)}): copy the tables again.") from error
    return build(recording, start_s=start_s, duration_s=duration_s, map_path=map_path)


def choose_scene(source: Path, scene_name: str | None) -> tuple[Path, Row]:
    """The folder of tables that holds a scene, and the scene's row; of several the one that `scene_name` (or its token) names."""
    folders = table_folders(source)
    if not folders:
        raise FormatError(f"{source} holds no nuScenes tables: point at {HOLDS_TABLES}.")
    # Links, and mini beside trainval, hold one scene twice.
    by_token: dict[str, tuple[Path, Row]] = {}
    for folder in folders:
        for row in read_table(folder / "scene.json"):
            by_token.setdefault(row["token"], (folder, row))
    found = list(by_token.values())
    if not found:
        raise FormatError(f"{folders[0] / 'scene.json'} has no scenes: copy the tables again.")
    scenes = {str(row.get("name") or row["token"]): str(row.get("description") or "") for _, row in found}
    if scene_name is None:
        if len(found) > 1:
            raise SeveralScenes(source, dict(sorted(scenes.items())))
        return found[0]
    for folder, row in found:
        if scene_name in (row.get("name"), row["token"]):
            return folder, row
    raise FormatError(f"{source} has no scene '{scene_name}': choose one with --scene: {listed(sorted(scenes))}.")


def _recording(tables: Tables, scene: Row, source: Path) -> Recording:
    for table in NEEDED:
        if not tables.has(table):
            tables.rows(table)
    name = str(scene.get("name") or scene["token"])
    samples = sorted((row for row in tables.rows("sample") if row["scene_token"] == scene["token"]), key=lambda row: int(row["timestamp"]))
    if not samples:
        raise FormatError(f"{tables.folder / 'sample.json'} has no samples of scene '{name}': copy the tables again.")
    zero_us = int(samples[0]["timestamp"])
    _check_microseconds(tables, [int(row["timestamp"]) for row in samples])
    times = {row["token"]: (int(row["timestamp"]) - zero_us) / 1e6 for row in samples}
    data, channels = data_of_scene(tables, times)
    recording = Recording(
        name=name,
        path=tables.folder,
        format="nuScenes tables",
        ego=_ego(tables, data, channels, zero_us),
        length_s=times[samples[-1]["token"]],
        objects=_objects(tables, times),
        cameras=(),
        location=_location(tables, scene),
        map_folder=tables.folder.parent if not (tables.folder / "maps").is_dir() else tables.folder,
    )
    told = scene.get("nbr_samples")
    if isinstance(told, int) and told != len(samples):
        recording.notes.append(f"The scene has {told} key frames and the tables hold {len(samples)} of them.")
    _add_cameras(recording, tables, data, channels)
    _add_pictures(recording, source if source.is_dir() else tables.folder, tables.folder, pictures_in(data, channels, zero_us))
    recording.lanelet2 = _lanelet2(tables, source if source.is_dir() else tables.folder)
    others = sorted({channel for channel, modality in channels.values() if modality != "camera"})
    if others:
        count = sum(channels[row["token"]][1] != "camera" for row in data)
        recording.dropped.append(Dropped("LiDAR or RADAR sweep", count, "a scene holds no points"))
    return recording


def _check_microseconds(tables: Tables, stamps_us: list[int]) -> None:
    """FormatError where key frames lie so near or so far apart that the time stamps are of another unit."""
    moments = len(set(stamps_us))
    step_s = (stamps_us[-1] - stamps_us[0]) / 1e6 / (moments - 1) if moments > 1 else CLOSEST_S
    if not CLOSEST_S <= step_s <= FARTHEST_S:
        raise FormatError(
            f"{tables.folder / 'sample.json'} has key frames {step_s:.3g} s apart if its timestamps are microseconds, as nuScenes' are: "
            "write them in microseconds."
        )


def data_of_scene(tables: Tables, sample_tokens: Collection[str]) -> tuple[list[Row], dict[str, tuple[str, str]]]:
    """The rows of sample_data of a scene's samples, and by their tokens their channel and modality."""
    data = tables.keep("sample_data", "sample_token", sample_tokens)
    return data, {row["token"]: _channel(tables, row) for row in data}


def pictures_in(data: Sequence[Mapping[str, Any]], channels: Mapping[str, tuple[str, str]], zero_us: int) -> list[SourcePicture]:
    """The rows of sample_data that are pictures; channels by their tokens, as (channel, modality)."""
    found = [
        SourcePicture(
            channels[row["token"]][0],
            (int(row["timestamp"]) - zero_us) / 1e6,
            str(row.get("filename", "")),
            int(row["width"]),
            int(row["height"]),
            bool(row.get("is_key_frame", True)),
        )
        for row in data
        if channels[row["token"]][1] == "camera"
    ]
    return sorted(found, key=lambda picture: (picture.channel, picture.time_s))


def _channel(tables: Tables, data: Row) -> tuple[str, str]:
    """Channel and modality of a sample_data row."""
    calibrated = tables.get("calibrated_sensor", data["calibrated_sensor_token"], f"sample_data '{data['token']}'")
    sensor = tables.get("sensor", calibrated["sensor_token"], f"calibrated_sensor '{calibrated['token']}'")
    return str(sensor["channel"]), str(sensor["modality"])


def _ego(tables: Tables, data: Sequence[Row], channels: Mapping[str, tuple[str, str]], zero_us: int) -> list[tuple[float, np.ndarray]]:
    """The ego's poses at the sweeps of the LiDAR, or of everything where there is none."""
    sweeps = [row for row in data if channels[row["token"]][1] == "lidar"] or list(data)
    tables.keep("ego_pose", "token", {row["ego_pose_token"] for row in sweeps})
    poses: dict[int, np.ndarray] = {}
    for row in sweeps:
        pose = tables.get("ego_pose", row["ego_pose_token"], f"sample_data '{row['token']}'")
        poses.setdefault(int(row["timestamp"]), se3(pose, "ego_pose"))
    return [((timestamp - zero_us) / 1e6, poses[timestamp]) for timestamp in sorted(poses)]


def _objects(tables: Tables, times_s: Mapping[str, float]) -> list[SeenObject]:
    """Everything annotated in the scene's samples, by first appearance."""
    attributes = {row["token"]: str(row["name"]) for row in tables.rows("attribute")} if tables.has("attribute") else {}
    objects: dict[str, SeenObject] = {}
    rows = tables.keep("sample_annotation", "sample_token", times_s) if tables.has("sample_annotation") else []
    for row in sorted(rows, key=lambda row: times_s[row["sample_token"]]):
        token = row["instance_token"]
        if token not in objects:
            instance = tables.get("instance", token, f"sample_annotation '{row['token']}'")
            category = tables.get("category", instance["category_token"], f"instance '{token}'")
            objects[token] = SeenObject(str(token), str(category["name"]))
        width, length, height = (float(v) for v in vector(row, "size", 3, "sample_annotation"))
        objects[token].sightings.append(Sighting(times_s[row["sample_token"]], se3(row, "sample_annotation"), (length, width, height)))
        for attribute in row.get("attribute_tokens") or ():
            if attribute not in attributes:
                raise FormatError(
                    f"{tables.folder / 'attribute'}.json has no row '{str(attribute)[:60]}', which sample_annotation '{row['token']}' "
                    "points to: copy the tables again."
                )
            objects[token].attributes.append(attributes[attribute])
    return list(objects.values())


def _location(tables: Tables, scene: Row) -> str:
    if not tables.has("log"):
        return ""
    return str(tables.get("log", scene["log_token"], f"scene '{scene['token']}'").get("location", ""))


def _lanelet2(tables: Tables, source: Path) -> Path | None:
    """T4's map, where the table names one inside of the data set."""
    for row in tables.rows("map") if tables.has("map") else ():
        name = str(row.get("filename", ""))
        if name.endswith(".osm") and is_inside(name):
            for root in (source, tables.folder, tables.folder.parent):
                if (root / name).is_file():
                    return root / name
    return None


def _add_cameras(recording: Recording, tables: Tables, data: Sequence[Row], channels: Mapping[str, tuple[str, str]]) -> None:
    """The scene's cameras as its first pictures have them."""
    cameras: dict[str, CameraEntity] = {}
    distorted = 0
    for row in sorted(data, key=lambda row: int(row["timestamp"])):
        channel, modality = channels[row["token"]]
        if modality != "camera" or channel in cameras:
            continue
        calibrated = tables.get("calibrated_sensor", row["calibrated_sensor_token"], f"sample_data '{row['token']}'")
        camera = camera_of(channel, row, calibrated)
        distorted += bool(np.any(np.array(calibrated.get("camera_distortion") or [0.0], np.float64)))
        cameras[channel] = CameraEntity(f"camera-{channel}", camera, source="imported")
    recording.cameras = tuple(cameras[channel] for channel in sorted(cameras))
    if cameras:
        recording.notes.append(f"Cameras come from the scene's calibration{', as pinholes without its distortion' if distorted else ''}.")


def _add_pictures(recording: Recording, source: Path, folder: Path, pictures: Sequence[SourcePicture]) -> None:
    """Refers the cameras to their pictures where these lie, and says which are missing; a name that leads out of the data set counts as such."""
    found: dict[str, list[tuple[float, str]]] = {}
    for root in dict.fromkeys(path.resolve() for path in (source, folder, folder.parent)):
        for one in pictures:
            if names_a_picture(one.name) and (root / one.name).is_file():
                found.setdefault(one.channel, []).append((one.time_s, one.name))
        if found:
            cameras = []
            for entity in recording.cameras:
                rows = tuple(found.get(entity.camera.name, ()))
                cameras.append(replace(entity, pictures=SourcePictures(str(root), rows)) if rows else entity)
            recording.cameras = tuple(cameras)
            break
    there = sum(map(len, found.values()))
    if there:
        recording.notes.append(f"The scene refers to {there} pictures of its cameras where they lie; they are not copied into it.")
    if there < len(pictures):
        keys = sum(one.is_key_frame for one in pictures)
        recording.notes.append(f"{len(pictures) - there} of the {len(pictures)} pictures that the tables name ({keys} of key frames) are not there.")
