"""One item made, measured and landed: what every executor runs where the work is done. Results stay there; a few hundred bytes go back."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.fanout.apart import PlayedModels, Recorded, record
from app.fanout.gate import Gate, Verdict
from app.fanout.items import Item, weight_ids
from app.fanout.measured import Measured
from app.fanout.store import Store
from app.jobs.held_models import HeldModels
from app.jobs.take_maker import make_take
from app.jobs.worker import sentence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    key: str
    failure: str = ""
    """One sentence; empty where the take has landed."""
    verdict: Verdict = "unmeasured"
    reasons: tuple[str, ...] = ()


class Maker:
    """Makes items in one process, with the models that it holds."""

    def __init__(self, store: Store, gate: Gate, device: str) -> None:
        self._store, self._gate, self._device = store, gate, device
        self._held = HeldModels()

    def make(self, item: Item, recorded: Recorded | None = None) -> Outcome:
        """Whatever goes wrong with one item is its outcome; nothing half made is left behind. `recorded`: its occupancy, made elsewhere."""
        if recorded is not None and recorded.failure:
            return Outcome(item.key, recorded.failure)
        folder = self._store.begin(item.key)
        try:
            models = self._held.of(item.recipe, self._device)
            measured = Measured(self._held.judge if item.recipe.views != "fake" else None)  # the judge has never seen class colours
            make_take(item.request(folder), models if recorded is None else PlayedModels(recorded, models), measured.watch())
            made = time.perf_counter()
            row = describe(item, folder, measured)
            verdict, reasons = self._gate.verdict(row["scores"])
            row |= {"verdict": verdict, "reasons": list(reasons)}
            if recorded is not None:
                row["seconds"]["occupancy"] = round(row["seconds"].get("occupancy", 0.0) + recorded.seconds, 3)
            picture = measured.thumbnail()
            row["around_s"] = round(measured.seconds + time.perf_counter() - made, 3)
            self._store.land(item.key, folder, row, picture)
            return Outcome(item.key, "", verdict, reasons)
        except Exception as error:
            return Outcome(item.key, sentence(error))
        finally:
            self._store.give_up(folder)

    def made(self, item: Item) -> Outcome | None:
        """The outcome of an item that has landed; None of one that has not."""
        if not self._store.landed_of([item.key]):
            return None
        row = self._store.row(item.key)
        return Outcome(item.key, "", row["verdict"], tuple(row["reasons"]))

    def record(self, item: Item) -> Recorded:
        """The item's occupancy alone, for another process that makes the rest."""
        try:
            return record(item, self._held.occupancy(item.recipe.occupancy, self._device))
        except Exception as error:
            return Recorded((), failure=sentence(error))


def describe(item: Item, folder: Path, measured: Measured) -> dict[str, Any]:
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
        "cameras": len(measured.clip.cameras),
        "scores": measured.scores(folder),
        "seconds": info["seconds"],
        "bytes": sum(file["bytes"] for file in files),
        "files": files,
        "counts": measured.counts(),
    }


def _files(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        rows.append({"path": path.relative_to(folder).as_posix(), "sha256": digest, "bytes": path.stat().st_size})
    return rows
