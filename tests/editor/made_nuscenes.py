"""A small data set in nuScenes' layout, made by the tests: two scenes, a map expansion, pictures; and the same scene as infos."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

ZERO_US = 1_533_151_603_000_000
Table = list[dict[str, Any]]
CATEGORIES = {
    "animal": None,
    "human.pedestrian.adult": "pedestrian",
    "human.pedestrian.child": "pedestrian",
    "human.pedestrian.construction_worker": "pedestrian",
    "human.pedestrian.personal_mobility": "pedestrian",
    "human.pedestrian.police_officer": "pedestrian",
    "human.pedestrian.stroller": "pedestrian",
    "human.pedestrian.wheelchair": "pedestrian",
    "movable_object.barrier": "barrier",
    "movable_object.debris": None,
    "movable_object.pushable_pullable": None,
    "movable_object.trafficcone": "traffic_cone",
    "static_object.bicycle_rack": None,
    "vehicle.bicycle": "bicycle",
    "vehicle.bus.bendy": "bus",
    "vehicle.bus.rigid": "bus",
    "vehicle.car": "car",
    "vehicle.construction": "construction_vehicle",
    "vehicle.emergency.ambulance": "truck",
    "vehicle.emergency.police": "car",
    "vehicle.motorcycle": "motorcycle",
    "vehicle.trailer": "trailer",
    "vehicle.truck": "truck",
}
"""nuScenes' 23 categories, and what they have to become."""


def quaternion(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> list[float]:
    """Scalar first, of the turns about z, then y, then x."""
    result = np.array([1.0, 0, 0, 0])
    for angle, axis in ((yaw, 3), (pitch, 2), (roll, 1)):
        step = np.zeros(4)
        step[0], step[axis] = math.cos(angle / 2), math.sin(angle / 2)
        w, x, y, z = result
        a, b, c, d = step
        result = np.array(
            [w * a - x * b - y * c - z * d, w * b + x * a + y * d - z * c, w * c - x * d + y * a + z * b, w * d + x * c - y * b + z * a]
        )
    return [float(v) for v in result]


def rotated(q: list[float], points: np.ndarray) -> np.ndarray:
    """Points (N, 3) turned by a quaternion, through q p q*."""

    def left(a: Any) -> np.ndarray:
        return np.array([[a[0], -a[1], -a[2], -a[3]], [a[1], a[0], -a[3], a[2]], [a[2], a[3], a[0], -a[1]], [a[3], -a[2], a[1], a[0]]])

    conjugate = np.array([q[0], -q[1], -q[2], -q[3]])
    rows = []
    for point in points:
        p = left(np.array(q)) @ np.array([0.0, *point])
        rows.append((left(p) @ conjugate)[1:])
    return np.array(rows)


def tables(frames: int = 9, scene: str = "scene-0001", step_us: int = 500_000) -> dict[str, Table]:
    """One scene at 2 Hz or another rate, with jitter, sweeps at 10 Hz, one object of every category, some of which come late, leave or turn through pi."""
    rng = np.random.default_rng(4)
    stamps = [ZERO_US + int(step_us * (k + rng.uniform(-0.04, 0.04) * (k > 0))) for k in range(frames)]
    found: dict[str, Table] = {name: [] for name in ("scene", "sample", "sample_data", "ego_pose", "sample_annotation", "instance")}
    found["sensor"] = [
        {"token": "s-lidar", "channel": "LIDAR_TOP", "modality": "lidar"},
        {"token": "s-front", "channel": "CAM_FRONT", "modality": "camera"},
        {"token": "s-back", "channel": "CAM_BACK", "modality": "camera"},
    ]
    intrinsic = [[1266.4, 0.0, 816.3], [0.0, 1266.4, 491.5], [0.0, 0.0, 1.0]]
    found["calibrated_sensor"] = [
        {
            "token": "c-lidar",
            "sensor_token": "s-lidar",
            "translation": [0.94, 0, 1.84],
            "rotation": quaternion(-1.57, 0.02, 0.01),
            "camera_intrinsic": [],
        },
        {
            "token": "c-front",
            "sensor_token": "s-front",
            "translation": [1.7, 0.0, 1.5],
            "rotation": [0.5, -0.5, 0.5, -0.5],
            "camera_intrinsic": intrinsic,
        },
        {
            "token": "c-back",
            "sensor_token": "s-back",
            "translation": [0.0, 0.0, 1.6],
            "rotation": [0.5, -0.5, -0.5, 0.5],
            "camera_intrinsic": intrinsic,
        },
    ]
    found["category"] = [{"token": f"cat-{name}", "name": name, "description": ""} for name in CATEGORIES]
    found["attribute"] = [{"token": f"a-{name}", "name": name} for name in ("vehicle.moving", "vehicle.parked", "pedestrian.moving")]
    found["visibility"] = [{"token": "1", "level": "v0-40"}]
    found["log"] = [{"token": "log", "logfile": "x", "location": "boston-seaport"}]
    found["map"] = [{"token": "map", "log_tokens": ["log"], "category": "semantic_prior", "filename": "maps/x.png"}]
    names = [f"{scene}-sample-{k}" for k in range(frames)]
    found["scene"].append(
        {"token": f"{scene}-token", "log_token": "log", "nbr_samples": frames, "name": scene, "first_sample_token": names[0]}
    )
    for k, (name, stamp) in enumerate(zip(names, stamps, strict=True)):
        before, after = names[k - 1] if k else "", names[k + 1] if k + 1 < frames else ""
        found["sample"].append({"token": name, "timestamp": stamp, "scene_token": f"{scene}-token", "prev": before, "next": after})
        nexts = stamps[k + 1] if k + 1 < frames else stamp
        sweeps = [stamp] if nexts == stamp else [stamp + (nexts - stamp) * j // 5 for j in range(5)]
        for channel, key in (("LIDAR_TOP", "c-lidar"), ("CAM_FRONT", "c-front"), ("CAM_BACK", "c-back")):
            for j, moment in enumerate(sweeps if channel == "LIDAR_TOP" else [stamp - 30_000]):
                token = f"{name}-{channel}-{j}"
                t = (moment - ZERO_US) / 1e6
                found["ego_pose"].append(
                    {
                        "token": token,
                        "timestamp": moment,
                        "translation": [1000 + 6 * t, 500 + t * t, 0.0],
                        "rotation": quaternion(0.1 * t, 0.01, -0.02),
                    }
                )
                found["sample_data"].append(
                    {
                        "token": token,
                        "sample_token": name,
                        "ego_pose_token": token,
                        "calibrated_sensor_token": key,
                        "timestamp": moment,
                        "is_key_frame": j == 0,
                        "width": 1600 if channel != "LIDAR_TOP" else 0,
                        "height": 900 if channel != "LIDAR_TOP" else 0,
                        "filename": f"{'samples' if j == 0 else 'sweeps'}/{channel}/{token}.{'bin' if channel == 'LIDAR_TOP' else 'jpg'}",
                    }
                )
    for index, category in enumerate(CATEGORIES):
        token = f"{scene}-instance-{index}"
        found["instance"].append({"token": token, "category_token": f"cat-{category}"})
        first, last = (2, frames) if index % 5 == 1 else (0, frames - 2) if index % 5 == 2 else (0, frames)
        size = [float(v) for v in np.round((0.5 + index / 10, 1.0 + index / 5, 1.0 + index / 20), 3)]
        for k in range(first, last):
            t = (stamps[k] - ZERO_US) / 1e6
            place = [1010 + 3 * index + (index % 4) * t, 495 + index + 0.3 * t * t, -0.2 + 0.02 * index + size[2] / 2]
            found["sample_annotation"].append(
                {
                    "token": f"{token}-{k}",
                    "sample_token": names[k],
                    "instance_token": token,
                    "attribute_tokens": ["a-vehicle.parked" if k < 3 else "a-vehicle.moving"] if category == "vehicle.car" else [],
                    "visibility_token": "1",
                    "translation": place,
                    "size": size,
                    "rotation": quaternion(3.0 + 0.1 * k + index),
                    "num_lidar_pts": 5,
                }
            )
    return found


def expansion() -> dict[str, Any]:
    """A map with a road that has a hole in it, a crossing, a walkway and two lines, and a second road far away."""
    nodes: dict[tuple[float, float], str] = {}

    def ring(*points: tuple[float, float]) -> list[str]:
        return [nodes.setdefault(point, f"node-{len(nodes)}") for point in points]

    def box(x0: float, y0: float, x1: float, y1: float) -> list[str]:
        return ring((x0, y0), (x1, y0), (x1, y1), (x0, y1))

    polygons = {
        "road": {"exterior_node_tokens": box(980, 480, 1060, 520), "holes": [{"node_tokens": box(1000, 505, 1010, 510)}]},
        "far": {"exterior_node_tokens": box(5000, 5000, 5050, 5050), "holes": []},
        "zebra": {"exterior_node_tokens": box(1020, 480, 1024, 520), "holes": []},
        "pavement": {"exterior_node_tokens": box(980, 520, 1060, 523), "holes": []},
    }
    lines = {"middle": ring((980, 500), (1060, 500)), "lane": ring((980, 490), (1060, 490))}
    return {
        "version": "1.3",
        "polygon": [{"token": token, **row} for token, row in polygons.items()],
        "line": [{"token": token, "node_tokens": row} for token, row in lines.items()],
        "drivable_area": [{"token": "d", "polygon_tokens": ["road", "far"]}],
        "ped_crossing": [{"token": "p", "polygon_token": "zebra"}],
        "walkway": [{"token": "w", "polygon_token": "pavement"}],
        "road_divider": [{"token": "r", "line_token": "middle"}],
        "lane_divider": [{"token": "l", "line_token": "lane"}],
        "road_segment": [{"token": "rs", "polygon_token": "road"}],
        "lane": [],
        "stop_line": [{"token": "st", "polygon_token": "zebra"}],
        "node": [{"token": token, "x": x, "y": y} for (x, y), token in nodes.items()],
    }


def lanelet2() -> str:
    """Two lanes one way and one the other, a crossing, a walkway drawn backwards, and a bus stop, as T4 has its maps."""
    nodes, ways, relations = [], [], []

    def way(*points: tuple[float, float]) -> int:
        for x, y in points:
            number = len(nodes) + 1
            tags = f'<tag k="local_x" v="{x}"/><tag k="local_y" v="{y}"/><tag k="ele" v="3"/>'
            nodes.append(f'<node id="{number}" lat="0" lon="0">{tags}</node>')
        refs = "".join(f'<nd ref="{number}"/>' for number in range(len(nodes) - len(points) + 1, len(nodes) + 1))
        ways.append(f'<way id="{len(ways) + 500}">{refs}<tag k="type" v="line_thin"/></way>')
        return len(ways) + 499

    def lanelet(subtype: str, left: int, right: int) -> None:
        sides = f'<member type="way" role="left" ref="{left}"/><member type="way" role="right" ref="{right}"/>'
        relations.append(f'<relation id="{len(relations) + 900}">{sides}<tag k="type" v="lanelet"/><tag k="subtype" v="{subtype}"/></relation>')

    middle, lane, south, north = (way((980, y), (1060, y)) for y in (500, 496, 492, 504))
    lanelet("road", middle, lane)
    lanelet("road", lane, south)
    lanelet("road", middle, north)
    lanelet("crosswalk", way((1020, 492), (1020, 504)), way((1024, 492), (1024, 504)))
    lanelet("walkway", way((980, 507), (1060, 507)), way((1060, 504), (980, 504)))
    lanelet("bus_stop", north, north)
    return '<?xml version="1.0"?><osm generator="test">' + "".join((*nodes, *ways, *relations)) + "</osm>"


def write_t4(folder: Path) -> Path:
    """The same tables as T4 lays them out, with its map."""
    write_tables(folder / "annotation", tables(3))
    (folder / "annotation/map.json").write_text(json.dumps([{"token": "m", "log_tokens": ["log"], "filename": "map/lanelet2_map.osm"}]))
    (folder / "map").mkdir()
    (folder / "map/lanelet2_map.osm").write_text(lanelet2())
    return folder


LYFT_CATEGORIES = {
    "animal": None,
    "bicycle": "bicycle",
    "bus": "bus",
    "car": "car",
    "emergency_vehicle": "car",
    "motorcycle": "motorcycle",
    "other_vehicle": "truck",
    "pedestrian": "pedestrian",
    "truck": "truck",
}
"""Lyft Level 5's nine categories, and what they have to become."""
LYFT_ALTITUDE_M = -21.5


def lyft(frames: int = 6) -> dict[str, Table]:
    """A scene as Lyft Level 5 has it: key frames at 5 Hz and nothing else, times with parts of microseconds, plain category names, no visibility,
    heights that are real ones, sizes of points left out, and a picture of the map in place of an expansion."""
    found = tables(frames, "host-a101-lidar0-1241893239199111666-1241893264098084346", 200_000)
    found["category"] = [{"token": f"cat-{name}", "name": name, "description": ""} for name in LYFT_CATEGORIES]
    for row, name in zip(found["instance"], [*LYFT_CATEGORIES, "car"] * 3, strict=False):
        row["category_token"] = f"cat-{name}"
    found["attribute"] = [{"token": f"a-{name}", "name": name} for name in ("object_action_parked", "object_action_driving_straight_forward")]
    found["visibility"] = []
    found["log"] = [{"token": "log", "logfile": "", "vehicle": "a101", "location": "Palo Alto"}]
    found["map"] = [{"token": "map", "log_tokens": ["log"], "category": "semantic_prior", "filename": "maps/map_raster_palo_alto.png"}]
    found["sample_data"] = [row for row in found["sample_data"] if row["is_key_frame"]]
    for row in found["sample_data"]:
        lidar = row["token"].endswith("LIDAR_TOP-0")
        row["timestamp"] += 0.33398438
        row["filename"] = f"{'lidar' if lidar else 'images'}/host-a101_{row['token']}.{'bin' if lidar else 'jpeg'}"
        if lidar:
            row |= {"width": None, "height": None}
    for row in found["sample"]:
        row["timestamp"] += 0.25
    for row in found["ego_pose"]:
        row["timestamp"] += 0.33398438
        row["translation"][2] += LYFT_ALTITUDE_M
    for row in found["sample_annotation"]:
        row["translation"][2] += LYFT_ALTITUDE_M
        row |= {"attribute_tokens": ["a-object_action_parked"], "visibility_token": "", "num_lidar_pts": -1}
    return found


def write_lyft(folder: Path) -> Path:
    """The data set's folder, with the pictures that its tables name."""
    found = lyft()
    write_tables(folder / "v1.01-train", found)
    (folder / "images").mkdir()
    for row in found["sample_data"]:
        if row["filename"].startswith("images/"):
            (folder / row["filename"]).write_bytes(b"a picture")
    return folder


def write_tables(folder: Path, *sets: dict[str, Table]) -> Path:
    """The tables of some scenes in one folder, rows that they share once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sets[0]:
        rows = {row["token"]: row for each in sets for row in each[name]}
        (folder / f"{name}.json").write_text(json.dumps(list(rows.values())))
    return folder


def infos(source: dict[str, Table], layout: str) -> dict[str, Any]:
    """The same scene as a converter writes it: 'old' boxes (width first), 'v1' (length first), or 'v2' (data_list)."""
    calibrated = {row["token"]: row for row in source["calibrated_sensor"]}
    lidar2ego = calibrated["c-lidar"]
    poses = {row["token"]: row for row in source["ego_pose"]}
    category = {row["token"]: row["category_token"][4:] for row in source["instance"]}
    names = list(CATEGORIES)
    rows = []
    for sample in source["sample"]:
        data = next(row for row in source["sample_data"] if row["sample_token"] == sample["token"] and row["token"].endswith("LIDAR_TOP-0"))
        ego = poses[data["ego_pose_token"]]
        to_global = matrix(ego) @ matrix(lidar2ego)
        boxes, labels = [], []
        for row in source["sample_annotation"]:
            if row["sample_token"] != sample["token"]:
                continue
            centre = np.linalg.inv(to_global) @ np.array([*row["translation"], 1.0])
            turned = to_global[:3, :3].T @ rotated(row["rotation"], np.eye(3)).T
            yaw = math.atan2(-turned[0, 1], turned[0, 0])  # pyquaternion's yaw_pitch_roll[0]
            width, length, height = row["size"]
            old = [*centre[:3], width, length, height, -yaw - math.pi / 2]
            boxes.append(old if layout == "old" else [*centre[:3], length, width, height, yaw])
            labels.append(category[row["instance_token"]])
        row = {"token": sample["token"], "scene_token": sample["scene_token"]}
        if layout == "v2":
            row |= {
                "timestamp": sample["timestamp"] / 1e6,
                "ego2global": matrix(ego).tolist(),
                "lidar_points": {"lidar2ego": matrix(lidar2ego).tolist()},
            }
            row["instances"] = [{"bbox_3d": box, "bbox_label_3d": names.index(label)} for box, label in zip(boxes, labels, strict=True)]
            front = {"cam2img": calibrated["c-front"]["camera_intrinsic"], "cam2ego": matrix(calibrated["c-front"]).tolist()}
            row["images"] = {"CAM_FRONT": front}
        else:
            row |= {"timestamp": sample["timestamp"], "gt_boxes": np.array(boxes), "gt_names": np.array(labels)}
            for key, told in (("ego2global", ego), ("lidar2ego", lidar2ego)):
                row |= {f"{key}_translation": told["translation"], f"{key}_rotation": told["rotation"]}
            front = {"cam_intrinsic": np.array(calibrated["c-front"]["camera_intrinsic"])}
            front |= {f"sensor2ego_{key}": calibrated["c-front"][key] for key in ("translation", "rotation")}
            row["cams"] = {"CAM_FRONT": front}
        rows.append(row)
    if layout == "v2":
        return {"metainfo": {"categories": {name: index for index, name in enumerate(names)}}, "data_list": rows}
    return {"infos": rows, "metadata": {"version": "v1.0-mini"}}


def matrix(row: dict[str, Any]) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = rotated(row["rotation"], np.eye(3)).T
    pose[:3, 3] = row["translation"]
    return pose
