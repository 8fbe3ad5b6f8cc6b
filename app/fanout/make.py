"""One item made, measured and landed: what every executor runs where the work is done. Results stay there; a few hundred bytes go back."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.fanout.gate import Gate, Verdict, measure
from app.fanout.histograms import counts_of_take
from app.fanout.items import Item, weight_ids
from app.fanout.store import Store
from app.jobs.take_maker import make_take
from app.jobs.worker import sentence
from engine.api import Models, OccupancyModel, Recipe, ViewModel
from engine.metrics.columns import top_class
from engine.spec.classes import AGENTS, CHANNEL, CHANNEL_RGB, CLASS_RGB, FREE
from engine.spec.take import Take

THUMBNAIL_PX = 200
"""Height."""
EMPTY_RGB = (236, 236, 232)
"""Where there is nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    key: str
    failure: str = ""
    """One sentence; empty where the take has landed."""
    verdict: Verdict = "unmeasured"
    reasons: tuple[str, ...] = ()


class HeldModels:
    """Models of recipes, each loaded when it is first needed and kept for the next item of the same kind; one of a kind at a time."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._occupancy: tuple[str, OccupancyModel] | None = None
        self._views: tuple[str, ViewModel] | None = None

    def of(self, recipe: Recipe) -> Models:
        return _Held(self, recipe)

    def occupancy(self, name: str) -> OccupancyModel:
        from engine.presets import load_occupancy

        if self._occupancy is None or self._occupancy[0] != name:
            self._occupancy = None
            self._occupancy = name, load_occupancy(name, self._device)
        return self._occupancy[1]

    def views(self, name: str) -> ViewModel:
        from engine.views.registry import load

        if self._views is None or self._views[0] != name:
            self._views = None
            self._views = name, load(name, self._device)
        return self._views[1]


class _Held:
    """Answers `engine.api.Models` for one recipe."""

    def __init__(self, held: HeldModels, recipe: Recipe) -> None:
        self._held, self._recipe = held, recipe

    @property
    def occupancy(self) -> OccupancyModel:
        return self._held.occupancy(self._recipe.occupancy)

    @property
    def views(self) -> ViewModel:
        return self._held.views(self._recipe.views)


def make_item(item: Item, store: Store, models: HeldModels, gate: Gate) -> Outcome:
    """Whatever goes wrong with one item is its outcome; nothing half made is left behind."""
    folder = store.begin(item.key)
    try:
        make_take(item.request(folder), models.of(item.recipe))
        scores = measure(folder)
        verdict, reasons = gate.verdict(scores)
        row = describe(item, folder, scores) | {"verdict": verdict, "reasons": list(reasons)}
        store.land(item.key, folder, row, thumbnail(folder))
        return Outcome(item.key, "", verdict, reasons)
    except Exception as error:
        return Outcome(item.key, sentence(error))
    finally:
        store.give_up(folder)


def describe(item: Item, folder: Path, scores: dict[str, float | None]) -> dict[str, Any]:
    """The row of a take: where it comes from, how it was made, what it scores, and its files."""
    info = json.loads((folder / "take.json").read_text())
    files = _files(folder)
    return {
        "key": item.key,
        "scene": item.scene,
        "scene_sha256": item.scene_hash,
        "licence": item.licence,
        "variation": item.variation,
        "parameters": item.parameters,
        "number": item.number,
        "seed": item.recipe.seed,
        "prompt": item.document.prompt,
        "recipe": {**asdict(item.recipe), "until": item.until, "start_s": item.start_s, "frames": item.frames, "cameras": item.cameras},
        "weights": weight_ids(replace(item.recipe, seed=0)),
        "document_sha256": info["recipe"]["document_hash"],
        "frames": info["frame_count"],
        "cameras": len(json.loads((folder / "cameras.json").read_text())),
        "scores": scores,
        "seconds": info["seconds"],
        "bytes": sum(file["bytes"] for file in files),
        "files": files,
        "counts": counts_of_take(Take.open(folder)),
    }


def _files(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        rows.append({"path": path.relative_to(folder).as_posix(), "sha256": digest, "bytes": path.stat().st_size})
    return rows


def thumbnail(folder: Path) -> bytes:
    """JPEG of the middle frame: the first camera's picture, or what is seen from above of voxels or layout, ahead of the ego upwards."""
    take = Take.open(folder)
    videos = sorted((folder / "video").glob("*FRONT.mp4")) or sorted((folder / "video").glob("*.mp4"))
    picture = _of_video(videos[0], take.frame_count // 2) if videos else _from_above(take, take.frame_count // 2)
    picture.thumbnail((THUMBNAIL_PX * 16 // 9, THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _of_video(path: Path, frame: int) -> Image.Image:
    import imageio.v2 as imageio

    with imageio.get_reader(path, format="FFMPEG") as reader:  # type: ignore[arg-type]
        return Image.fromarray(next(rgb for k, rgb in enumerate(reader) if k == frame))


def _from_above(take: Take, frame: int) -> Image.Image:
    """16:9 of what is around the ego, a little more of it ahead."""
    if len(take.semantics):
        classes = top_class(take.semantics[frame])
        cells = CLASS_RGB[classes]
        cells[classes == FREE] = EMPTY_RGB
    else:
        cells = layout_cells(take.layouts[frame])
    rows = cells.shape[1] * 9 // 16
    low = max(0, round(-take.grid.origin_m[0] / take.grid.voxel_m) - rows // 3)
    return turned_up(cells[low : low + rows])


def layout_cells(layout: np.ndarray) -> np.ndarray:
    """uint8 (X, Y, 3) of a layout (15, X, Y) in its channels' colours: ground first, agents on top."""
    cells = np.full((*layout.shape[1:], 3), EMPTY_RGB, np.uint8)
    for name in ("drivable_area", "walkway", "ped_crossing", "lane_divider", "road_divider", *reversed(AGENTS)):
        cells[layout[CHANNEL[name]] > 0] = CHANNEL_RGB[CHANNEL[name]]
    return cells


def turned_up(cells: np.ndarray) -> Image.Image:
    """[x, y] cells as a picture with forward (+x) up and left (+y) left."""
    return Image.fromarray(np.ascontiguousarray(cells[::-1, ::-1]))
