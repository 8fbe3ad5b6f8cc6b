"""`python -m app.fanout.sheet -o FILE.png`: one sample of each variation seen from above, to be looked at."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from editor.clip import boxes_at, ego_pose_at, frame_count
from editor.document import Document
from editor.entities import Agent, Area, CameraEntity, Line
from editor.files import project
from editor.validate import EGO_CENTER_AHEAD_M, EGO_SIZE_M
from editor.variations import VARIATIONS, NoPlace, Variant, stream
from editor.variations.motion import motion_of, sampled, times_of
from editor.variations.variation import added
from engine.spec.classes import ASSETS, CHANNEL, CHANNEL_RGB
from engine.spec.geometry import Box, invert
from engine.spec.grid import RATE_HZ
from engine.spec.rig_geometry import half_width, heading_rad

TILE_PX, LABEL_PX, GAP_PX, ACROSS = 380, 66, 18, 6
_OVER = 3
"""Drawn so many times larger and then reduced, for smooth edges."""
_SEEN_M = 62.0
_BEHIND_M = 18.0
_PAPER, _INK, _SOFT, _EGO = (250, 250, 248), (28, 33, 39), (91, 102, 112), (20, 20, 20)
_NEW = (214, 40, 40)
_GROUND = {"drivable_area": (203, 207, 211), "walkway": (226, 222, 214), "ped_crossing": (160, 196, 190)}
_SCENES = ("crossing", "lane_closure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sheet(args.seed).save(args.out, optimize=True)


def sheet(seed: int = 0) -> Image.Image:
    """Tiles in the table's order, each with its name and what was drawn; who is new is outlined in red, with the way it takes."""
    scenes = [project.load(ASSETS / "templates" / f"{name}.anyscene") for name in _SCENES]
    samples = list(_samples(scenes, seed))
    rows = -(-len(samples) // ACROSS)
    page = Image.new("RGB", (ACROSS * (TILE_PX + GAP_PX) + GAP_PX, rows * (TILE_PX + LABEL_PX + GAP_PX) + GAP_PX), _PAPER)
    draw = ImageDraw.Draw(page)
    title, small = (ImageFont.load_default(size) for size in (19, 14))
    for k, (before, variant) in enumerate(samples):
        x = GAP_PX + k % ACROSS * (TILE_PX + GAP_PX)
        y = GAP_PX + k // ACROSS * (TILE_PX + LABEL_PX + GAP_PX)
        page.paste(_tile(before, variant), (x, y))
        draw.text((x, y + TILE_PX + 6), variant.variation.replace("_", " "), _INK, title)
        words = [f"{name} {value}" for name, value in variant.parameters.items() if value != ""]
        for n, line in enumerate(_lines(words or ["no parameters"], 54)[:2]):
            draw.text((x, y + TILE_PX + 30 + 17 * n), line, _SOFT, small)
    return page


def _samples(scenes: list[Document], seed: int) -> Iterator[tuple[Document, Variant]]:
    for one in VARIATIONS.values():
        for scene in scenes:
            try:
                yield scene, next(stream(scene, one, seed))
                break
            except NoPlace:
                continue


def _tile(before: Document, variant: Variant) -> Image.Image:
    after = variant.document
    fresh = added(before, after)
    time_s = _moment(after, fresh)
    image = Image.new("RGB", (TILE_PX * _OVER, TILE_PX * _OVER), (240, 240, 236))
    draw = ImageDraw.Draw(image)
    # The scene is held where the ego was before it was shifted, so that a shift can be seen.
    ego_SE3_world = invert(ego_pose_at(before if not fresh else after, time_s).matrix())
    scale = TILE_PX * _OVER / _SEEN_M

    def at(points: np.ndarray) -> list[tuple[float, float]]:
        local = np.c_[points, np.zeros(len(points)), np.ones(len(points))] @ ego_SE3_world.T
        return [(float(scale * (_SEEN_M / 2 - y)), float(scale * (_SEEN_M - _BEHIND_M - x))) for x, y in local[:, :2]]

    for channel, colour in _GROUND.items():
        for area in after.of(Area):
            if area.channel == channel:
                draw.polygon(at(np.array(area.exterior_m)), colour)
    for line in after.of(Line):
        draw.line(at(np.array(line.points_m)), (255, 255, 255) if line.channel == "lane_divider" else (235, 180, 60), _OVER * 2)
    way, _ = sampled(after.ego.keyframes, times_of(after))
    draw.line(at(way), (120, 130, 140), _OVER * 2)
    ids = {agent.instance_id for agent in fresh}
    for agent in fresh:
        if len(agent.keyframes) > 1:
            draw.line(at(sampled(agent.keyframes, times_of(after))[0]), _NEW, _OVER)
    for box in boxes_at(after, time_s):
        _footprint(
            draw,
            at(box.corners_bev_m()),
            tuple(int(v) for v in CHANNEL_RGB[CHANNEL[box.class_name]]),
            _NEW if box.instance_id in ids else None,
        )
    gone = {agent.instance_id for agent in before.of(Agent)} - {agent.instance_id for agent in after.of(Agent)}
    for box in boxes_at(before, time_s):
        if box.instance_id in gone:
            draw.polygon(at(box.corners_bev_m()), outline=(150, 150, 150), width=_OVER)
    if before.ego != after.ego:
        draw.polygon(at(_ego(before, time_s).corners_bev_m()), outline=(150, 150, 150), width=_OVER * 2)
    if variant.variation.startswith("rig"):
        _cameras(draw, at, before, after, time_s)
    _footprint(draw, at(_ego(after, time_s).corners_bev_m()), _EGO, (255, 255, 255))
    if variant.variation == "light_and_weather":
        draw.text((20 * _OVER, 16 * _OVER), f"“{after.prompt}”", _INK, ImageFont.load_default(20 * _OVER))
    return image.resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)


def _moment(document: Document, fresh: list[Agent]) -> float:
    """When the ego is nearest to whoever is new, or a third into the scene."""
    frames = frame_count(document)
    moving = [agent for agent in fresh if len(agent.keyframes) > 1] or fresh
    if not moving:
        return frames // 3 / RATE_HZ
    ego, _ = sampled(document.ego.keyframes, times_of(document))
    away = np.min([np.where(m.exists, np.hypot(*(m.center_m - ego).T), np.inf) for m in (motion_of(a, frames) for a in moving)], axis=0)
    return max(0, int(np.argmin(away)) - 5) / RATE_HZ


def _ego(document: Document, time_s: float) -> Box:
    pose = ego_pose_at(document, time_s)
    ahead = pose.matrix()[:3, 0] * EGO_CENTER_AHEAD_M
    return Box(0, "car", (pose.x_m + float(ahead[0]), pose.y_m + float(ahead[1]), 0.0), EGO_SIZE_M, pose.yaw_rad)


def _footprint(
    draw: ImageDraw.ImageDraw, corners: list[tuple[float, float]], colour: tuple[int, ...], outline: tuple[int, int, int] | None
) -> None:
    draw.polygon(corners, colour)
    if outline is not None:
        draw.polygon(corners, outline=outline, width=_OVER * 2)


def _cameras(draw: ImageDraw.ImageDraw, at, before: Document, after: Document, time_s: float) -> None:  # noqa: ANN001
    """Each camera's field of view as a wedge: red where it is new or moved, grey outline where it is gone."""
    world_SE3_ego = ego_pose_at(after, time_s).matrix()

    def wedge(entity: CameraEntity) -> list[tuple[float, float]]:
        pose, middle, half = entity.camera.ego_SE3_camera, heading_rad(entity.camera), np.arctan(half_width(entity.camera))
        rim = [(pose.x_m + 13 * np.cos(middle + turn), pose.y_m + 13 * np.sin(middle + turn)) for turn in np.linspace(-half, half, 12)]
        points = np.array([(pose.x_m, pose.y_m), *rim])
        world = np.c_[points, np.zeros(len(points)), np.ones(len(points))] @ world_SE3_ego.T
        return at(world[:, :2])

    for entity in before.of(CameraEntity):
        if after.entities.get(entity.id) != entity:
            draw.polygon(wedge(entity), outline=(150, 150, 150), width=_OVER)
    for entity in after.of(CameraEntity):
        changed = before.entities.get(entity.id) != entity
        draw.polygon(wedge(entity), outline=_NEW if changed else (60, 110, 160), width=_OVER * 2)


def _lines(words: list[str], most: int) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) + 2 > most:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else ''}{word}"
    return lines


if __name__ == "__main__":
    main()
