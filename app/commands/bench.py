"""`launch.py bench`: ours beside what one would otherwise use, interleaved in one process.

Ratios are theirs over ours: above 1, ours is faster.
"""

from __future__ import annotations

import json
import statistics
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from app.errors import CommandError
from engine.api import OccupancyFrame, Recipe

ROUNDS = 15
STROKES = 20

Row = dict[str, float | int | str]


def main(args: Namespace) -> int:
    if args.name is not None and args.name not in BENCHES:
        raise CommandError(f"There is no bench '{args.name}': choose {', '.join(BENCHES)}.")
    rows = {name: bench() for name, bench in BENCHES.items() if args.name in (None, name)}
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for name, row in rows.items():
        print(name)
        for key, value in row.items():
            print(f"  {key:<22} {value:.4g}" if isinstance(value, float) else f"  {key:<22} {value}")
    return 0


def raycast() -> Row:
    """Geometry of one camera: ours, a plain voxel walk, Embree on the mesh."""
    from engine.render.bench import bench_raycast

    return bench_raycast()


def raster() -> Row:
    """15 layout channels of one frame of a procedural city block: ours, and rasterio.features.rasterize channel by channel."""
    try:
        from rasterio.features import rasterize
    except ImportError as error:
        raise CommandError("This bench needs rasterio, which 'python launch.py bench' installs: start it that way.") from error
    import shapely
    from affine import Affine

    from engine.spec.classes import CHANNEL, CHANNELS
    from engine.spec.grid import OCC3D
    from engine.spec.raster import rasterise

    layout = _street_layout()
    shapes: list[list[Any]] = [[] for _ in CHANNELS]
    for polygon in layout.polygons:
        shapes[polygon.channel].append(shapely.Polygon(polygon.exterior_m, [*polygon.holes_m]))
    for line in layout.polylines:
        shapes[line.channel].append(shapely.LineString(line.points_m).buffer(max(line.width_m, OCC3D.voxel_m) / 2))
    for box in layout.boxes:
        shapes[CHANNEL[box.class_name]].append(shapely.Polygon(box.corners_bev_m()))
    # rasterio takes (column, row) points: its rows are our x, its columns our y.
    swapped = [[shapely.transform(shape, lambda p: p[:, ::-1]) for shape in channel] for channel in shapes]
    cell_to_world = Affine(OCC3D.voxel_m, 0, OCC3D.origin_m[1], 0, OCC3D.voxel_m, OCC3D.origin_m[0])
    empty = np.zeros(OCC3D.bev_shape, np.uint8)

    def theirs() -> np.ndarray:
        return np.stack([rasterize(rows, OCC3D.bev_shape, transform=cell_to_world, dtype="uint8") if rows else empty for rows in swapped])

    def ours() -> np.ndarray:
        return rasterise(layout, OCC3D, np.eye(4))

    same = float((ours() == theirs()).mean())
    return {"shapes": sum(map(len, shapes)), "cells_agreeing": same, **_side_by_side(ours, theirs, "rasterio")}


def draft() -> Row:
    """The compact preset answers strokes: layout difference, redraw of the region, the rest held; beside the whole frame drawn anew."""
    from engine.occupancy.region import changed_region
    from engine.presets import load_occupancy
    from engine.spec.classes import CHANNEL
    from engine.spec.clip import SceneClip
    from engine.spec.grid import OCC3D
    from engine.spec.raster import rasterise

    try:
        model = load_occupancy("compact")
    except ValueError as error:
        return {"skipped": str(error)}
    still, recipe, outside = _street_layout(), Recipe("compact"), 0

    def clip(layout: np.ndarray) -> SceneClip:
        return SceneClip(layout[None], (still.boxes,), np.eye(4)[None])

    def whole(layout: np.ndarray) -> OccupancyFrame:
        return next(iter(model.occupancy(clip(layout), recipe, lambda: False)))

    layout = rasterise(still, OCC3D, np.eye(4))
    frame = whole(layout)
    draft_ms, whole_ms = [], []
    rng = np.random.default_rng(3)
    for stroke in range(STROKES):
        painted = layout.copy()
        x, y = rng.integers(20, 180, 2)
        painted[CHANNEL[("walkway", "drivable_area")[stroke % 2]], x - 12 : x + 12, y - 3 : y + 3] = 1
        started = time.perf_counter()
        region = changed_region(layout, painted)
        drawn = model.redraw(clip(painted), frame, region, recipe, lambda: False)
        draft_ms.append(1000 * (time.perf_counter() - started))
        assert drawn is not None
        outside += int((drawn.semantics != frame.semantics)[~region].sum())
        if stroke % 4 == 0:
            started = time.perf_counter()
            whole(painted)
            whole_ms.append(1000 * (time.perf_counter() - started))
        layout, frame = painted, drawn
    median, whole_median = statistics.median(draft_ms), statistics.median(whole_ms)
    return {
        "strokes": STROKES, "median_ms": median, "p95_ms": float(np.percentile(draft_ms, 95)), "voxels_changed_outside": outside,
        "whole_frame_ms": whole_median, "whole_frame_ratio": whole_median / median,
    }  # fmt: skip


def occupancy() -> Row:
    """Frames per second of the compact preset, beside UniScene's published configuration with random weights."""
    from engine.occupancy.bench import bench_occupancy, standing
    from engine.weights import WeightsError

    try:
        return bench_occupancy(standing(_street_layout()))
    except WeightsError as error:
        return {"skipped": str(error)}


def views() -> Row:
    """A picture of the drawn world, beside trimesh's Embree rays with shading in numpy; then six cameras of a take of 16 frames."""
    from engine.data.worlds import make_world
    from engine.spec.camera import surround_cameras
    from engine.views.drawn.bench import bench_take, bench_views
    from engine.views.drawn.rays import why_not

    if (reason := why_not()) is not None:
        return {"skipped": reason}
    world = make_world(7)
    clip = replace(world.clip(16), cameras=tuple(surround_cameras()))
    frames = list(world.occupancy(clip))
    return bench_views(clip, frames[0]) | bench_take(clip, frames)


def studio() -> Row:
    """What a person waits for in the page, by the socket of a studio of its own."""
    from app.commands.bench_studio import studio as measured

    return measured()


def fan_out() -> Row:
    """Overhead of a fan-out over plain takes, what a second worker brings, and 10,000 items."""
    from app.fanout.bench import bench

    return bench()


BENCHES: Mapping[str, Callable[[], Row]] = {
    "raycast": raycast, "raster": raster, "draft": draft, "occupancy": occupancy, "views": views, "studio": studio, "fan-out": fan_out,
}  # fmt: skip


def _street_layout() -> Any:
    """A crossing with walkways, lane lines and 40 agents, the same every time."""
    from engine.spec.classes import CHANNEL, DEFAULT_SIZE_M
    from engine.spec.geometry import Box
    from engine.spec.layout import Layout, Polygon, Polyline

    def strip(channel: str, y_from_m: float, y_to_m: float, turned: bool) -> Polygon:
        corners = np.array([[-60.0, y_from_m], [60, y_from_m], [60, y_to_m], [-60, y_to_m]])
        return Polygon(CHANNEL[channel], corners[:, ::-1] if turned else corners)

    areas, lines = [], []
    for turned in (False, True):
        for channel, y_from_m, y_to_m in (("drivable_area", -7, 7), ("walkway", 7, 10), ("walkway", -10, -7), ("ped_crossing", 10, 13)):
            areas.append(strip(channel, y_from_m, y_to_m, turned))
        for channel, y_m in (("road_divider", 0.0), ("lane_divider", 3.5), ("lane_divider", -3.5)):
            wave = np.stack([np.linspace(-60, 60, 60), y_m + 0.3 * np.sin(np.linspace(0, 9, 60))], 1)
            lines.append(Polyline(CHANNEL[channel], wave[:, ::-1] if turned else wave))
    rng = np.random.default_rng(3)
    names = ("car", "truck", "pedestrian", "bicycle", "bus")
    boxes = []
    for k in range(40):
        name = names[k % len(names)]
        x_m, y_m, yaw_rad = (float(v) for v in rng.uniform((-35, -35, -3), (35, 35, 3)))
        boxes.append(Box(k + 1, name, (x_m, y_m, 0.8), DEFAULT_SIZE_M[name], yaw_rad))
    return Layout(tuple(areas), tuple(lines), tuple(boxes))


def _side_by_side(ours: Callable[[], object], theirs: Callable[[], object], name: str) -> Row:
    """Medians of interleaved rounds, so that a busy machine slows both alike."""
    ours(), theirs()  # compiled and cached
    ours_ms, theirs_ms = [], []
    for _ in range(ROUNDS):
        for run, times in ((ours, ours_ms), (theirs, theirs_ms)):
            started = time.perf_counter()
            run()
            times.append(1000 * (time.perf_counter() - started))
    ours_median, theirs_median = statistics.median(ours_ms), statistics.median(theirs_ms)
    return {"ours_ms": ours_median, f"{name}_ms": theirs_median, f"{name}_ratio": theirs_median / ours_median}
