"""`gallery`: sheets of pictures of known scenes, by day and in every weather, for eyes to judge what the view model draws."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.commands.progress import ProgressBar
from app.commands.scenes import load_scene
from app.errors import CommandError

if TYPE_CHECKING:
    from PIL import Image

    from editor.document import Document
    from engine.spec.take import Take

FRAMES = 16
SHOWN = (0, 5, 10, 15)
"""Frames of a sheet by day: a row each."""
WEATHER_SCENE = "pittsburgh"
WEATHERS = ("clear day", "overcast", "sunset", "dusk", "night", "rain", "rainy night", "fog", "snow")
"""Prompts of the sheet of weathers: a row each, all of frame 5."""
LOGS = {
    "pittsburgh": ("av2", "av2/sensor_val_adcf7d18_PIT"),
    "miami": ("av2", "av2/3b3570b4_MIA"),
    "nuscenes_0061": ("scenarionet", "scenarionet_nuscenes/nuscenes_0/sd_nuscenes_v1.0-mini_scene-0061.pkl"),
    "nuscenes_0103": ("scenarionet", "scenarionet_nuscenes/nuscenes_0/sd_nuscenes_v1.0-mini_scene-0103.pkl"),
}
"""Real logs below --data, by importer; left out where they are not there."""
TEMPLATES = ("crossing", "lane_closure")
TILE_HEIGHT = 224


def gallery(args: Namespace) -> int:
    from engine import presets
    from engine.views import registry

    views = presets.recipe(args.preset, args.views).views
    registry.check(views)
    args.out.mkdir(parents=True, exist_ok=True)
    bar = ProgressBar()
    try:
        for name, document in _scenes(args.data):
            if args.scenes is not None and name not in args.scenes:
                continue
            take = _take(document, args.takes / name, args.preset, args.device, bar)
            sheets = {name: [("clear day", frame) for frame in SHOWN]}
            if name == WEATHER_SCENE:
                sheets[f"{name}_weather"] = [(prompt, 5) for prompt in WEATHERS]
            for sheet, rows in sheets.items():
                _sheet(_rows(take, views, rows, args.seed), args.out / f"{sheet}.jpg")
                print(f"Drew {args.out / sheet}.jpg.")
    finally:
        bar.close()
    return 0


def _scenes(data: Path) -> Iterator[tuple[str, Document]]:
    from editor.formats import import_scene
    from engine.spec.classes import ASSETS

    for name, (form, source) in LOGS.items():
        if (data / source).exists():
            yield name, import_scene(form, data / source, start_s=2.0 if form == "av2" else 0.0, duration_s=6.0)[0]
    for name in TEMPLATES:
        yield name, load_scene(ASSETS / "templates" / f"{name}.anyscene")


def _take(document: Document, folder: Path, preset: str, device: str, bar: ProgressBar) -> Take:
    """The scene's occupancy; that of an earlier gallery in the same folder serves again."""
    from app.jobs.request import TakeRequest
    from app.jobs.take_maker import Watch, make_take
    from engine import presets
    from engine.spec.take import Take, frames_on_disk

    if not (folder / "take.json").is_file() or frames_on_disk(folder) < FRAMES:
        recipe = presets.recipe(preset)
        request = TakeRequest(document, folder, recipe, "occupancy", 0.0, FRAMES, None, None, False)
        make_take(request, presets.RecipeModels(recipe, device), Watch(bar))
    take = Take.open(folder)
    if not take.cameras:
        raise CommandError(f"Scene '{document.name}' has no enabled camera: add a rig before drawing it.")
    return take


def _rows(take: Take, views: str, rows: Sequence[tuple[str, int]], seed: int) -> list[list[np.ndarray]]:
    """Pictures of every camera for each (prompt, frame). Frames of one prompt come in one go, in order."""
    from engine.api import Recipe
    from engine.views import registry
    from engine.views.scene import ViewScene, clip_of, frames_from

    result: dict[tuple[str, int], list[np.ndarray]] = {row: [] for row in rows}
    model = registry.load(views)
    for prompt in dict.fromkeys(prompt for prompt, _ in rows):
        clip = clip_of(take, prompt, model.size)
        wanted = sorted({frame for asked, frame in rows if asked == prompt})
        # A model that draws frame by frame reads those between without drawing them.
        arrived = wanted if model.order == "frame" else range(wanted[-1] + 1)
        scene = ViewScene(clip, Recipe(views=views, seed=seed), frames_from(take.folder))
        for picture in model.pictures(scene, iter(arrived), lambda: False):
            if (prompt, picture.index) in result:
                result[prompt, picture.index].append(picture.rgb)
    return [result[row] for row in rows]


def _sheet(rows: list[list[np.ndarray]], path: Path) -> None:
    """A row of pictures under the other, all of one height."""
    from PIL import Image

    tiles = [[_resized(rgb) for rgb in row] for row in rows]
    gap = 4
    width = max(sum(tile.width + gap for tile in row) for row in tiles) - gap
    sheet = Image.new("RGB", (width, len(tiles) * (TILE_HEIGHT + gap) - gap), (255, 255, 255))
    for number, row in enumerate(tiles):
        at = 0
        for tile in row:
            sheet.paste(tile, (at, number * (TILE_HEIGHT + gap)))
            at += tile.width + gap
    sheet.save(path, quality=88)


def _resized(rgb: np.ndarray) -> Image.Image:
    from PIL import Image

    height, width = rgb.shape[:2]
    return Image.fromarray(rgb).resize((round(width * TILE_HEIGHT / height), TILE_HEIGHT), Image.Resampling.LANCZOS)
