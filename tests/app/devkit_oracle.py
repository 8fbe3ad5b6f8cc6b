"""Run by the Python of nuscenes-devkit's own environment: DATAROOT [PICTURES]. Opens a set with the devkit and prints what it found as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np  # noqa: E402
from nuscenes.map_expansion.map_api import NuScenesMap  # noqa: E402
from nuscenes.nuscenes import NuScenes  # noqa: E402
from nuscenes.tests.assert_download import verify_setup  # noqa: E402
from nuscenes.utils.data_classes import LidarPointCloud  # noqa: E402

POINTS_TO = {
    "scene": {"log_token": "log", "first_sample_token": "sample", "last_sample_token": "sample"},
    "sample": {"scene_token": "scene", "prev": "sample", "next": "sample"},
    "sample_data": {
        "sample_token": "sample", "ego_pose_token": "ego_pose", "calibrated_sensor_token": "calibrated_sensor", "prev": "sample_data",
        "next": "sample_data",
    },
    "calibrated_sensor": {"sensor_token": "sensor"},
    "sample_annotation": {
        "sample_token": "sample", "instance_token": "instance", "visibility_token": "visibility", "prev": "sample_annotation",
        "next": "sample_annotation",
    },
    "instance": {"category_token": "category", "first_annotation_token": "sample_annotation", "last_annotation_token": "sample_annotation"},
}  # fmt: skip


def main(root: str, pictures: str | None) -> None:
    nusc = NuScenes(version="v1.0-mini", dataroot=root, verbose=False)
    verify_setup(nusc)
    tokens = 0
    for table, fields in POINTS_TO.items():
        for row in getattr(nusc, table):
            for field, other in fields.items():
                if row[field]:
                    nusc.get(other, row[field])
                    tokens += 1
    for row in nusc.sample_annotation:
        for token in row["attribute_tokens"]:
            nusc.get("attribute", token)
            tokens += 1
    boxes, in_pictures = {}, 0
    for sample in nusc.sample:
        seen_boxes = map(nusc.get_box, sample["anns"])
        rows = ([box.name, *box.center.tolist(), *box.wlh.tolist(), box.orientation.yaw_pitch_roll[0]] for box in seen_boxes)
        boxes[sample["timestamp"]] = sorted(rows)
        for channel, token in sample["data"].items():
            path, seen, _ = nusc.get_sample_data(token)
            assert Path(path).is_file(), path
            if channel == "LIDAR_TOP":
                assert LidarPointCloud.from_file(path).nbr_points() > 0
            else:
                in_pictures += len(seen)
    velocities = [float(np.linalg.norm(nusc.box_velocity(row["token"])[:2])) for row in nusc.sample_annotation]
    name = nusc.log[0]["location"]
    layers = NuScenesMap(dataroot=root, map_name=name)
    ego = nusc.get("ego_pose", nusc.sample_data[0]["ego_pose_token"])["translation"]
    patch = layers.get_map_mask((ego[0], ego[1], 60.0, 60.0), 0.0, ["drivable_area", "ped_crossing", "walkway", "road_divider", "lane_divider"], (300, 300))
    prior = nusc.map[0]["mask"].is_on_mask(ego[0], ego[1])
    if pictures:
        Path(pictures).mkdir(parents=True, exist_ok=True)
        nusc.render_sample(nusc.sample[-1]["token"], out_path=f"{pictures}/sample.png", verbose=False)
        nusc.render_pointcloud_in_image(nusc.sample[-1]["token"], pointsensor_channel="LIDAR_TOP", out_path=f"{pictures}/lidar.png", verbose=False)
    print(json.dumps({
        "tokens": tokens, "boxes": boxes, "in_pictures": in_pictures, "fastest_m_s": float(np.nanmax(velocities)),
        "ego_on_road": bool(patch[0, 150, 150]), "ego_on_prior": bool(prior[0]), "map_share": patch.mean((1, 2)).tolist(),
    }))  # fmt: skip


main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
