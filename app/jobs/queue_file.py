"""The queue on disk, so that a studio that is killed goes on with it: what waits, in order, what was running, and what failed.

`queue.json` names the jobs; the scene of each lies beside it as a project file, named by its hash, and a frame that was drawn anew by
its own. Each is written beside, flushed and put in place; what no job needs any more is deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from app.jobs.basis import Basis, Redrawn
from app.jobs.conditions import Conditions
from app.jobs.errand import KINDS, Errand
from app.jobs.job import Job, kept_frames
from app.jobs.request import TakeRequest
from editor.document import Document
from editor.files import project
from editor.files.document_hash import document_hash
from engine.api import OccupancyFrame, Recipe
from engine.spec.grid import GridSpec
from engine.spec.take import boxes_from_json, boxes_to_json, frames_on_disk

log = logging.getLogger("anyscene.queue")

VERSION = 1
_NAME = "queue.json"
_SCENE = ".anyscene"
_PLAIN = ("until", "start_s", "frames", "gbuffers", "world")
"""Fields of a request that JSON holds as they are; paths become texts."""
_OF_BASIS = ("frames", "seen_anew", "only_cameras", "only_frames")


class QueueFile:
    """The folder that holds it. Not for several threads: the store's lock guards it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: dict[int, tuple[Document, str]] = {}
        """By identity: hashing a long log takes its time."""

    def keep(self, request: TakeRequest | Errand) -> None:
        """Write what a request needs beside the list, before the list names it. May be called without a lock, to have it done by then."""
        if isinstance(request, Errand):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        scene = self.folder / self._scene(request.document)
        if not scene.is_file():
            project.save(request.document, scene)
        if request.basis is not None and request.basis.redrawn is not None:
            _write_redrawn(self.folder / _redrawn_name(request.basis.redrawn), request.basis.redrawn)

    def write(self, jobs: Sequence[Job]) -> None:
        """These are what there is to do, in order, and what failed."""
        for job in jobs:
            self.keep(job.request)  # what was kept ahead may be gone again: nothing named it
        rows = [
            {
                "id": job.id, "serial": job.serial, "workspace": job.workspace, "running": job.state != "queued", "item": job.item,
                "asked": job.asked, "failed": job.message if job.state == "failed" else None, **self._told(job.request),
            }
            for job in jobs
        ]  # fmt: skip
        held = {id(job.request.document) for job in jobs if isinstance(job.request, TakeRequest)}
        self._names = {key: value for key, value in self._names.items() if key in held}
        needed = {_NAME} | {row[key] for row in rows for key in ("scene", "redrawn") if row.get(key)}
        self.folder.mkdir(parents=True, exist_ok=True)
        _put(self.folder / _NAME, json.dumps({"version": VERSION, "jobs": rows}, indent=1).encode())
        for path in self.folder.iterdir():
            if path.suffix in (_SCENE, ".npz") and path.name not in needed:
                path.unlink(missing_ok=True)

    def _scene(self, document: Document) -> str:
        """Name of the file that holds it."""
        if id(document) not in self._names:
            self._names[id(document)] = document, f"{document_hash(document)[:32]}{_SCENE}"
        return self._names[id(document)][1]

    def _told(self, request: TakeRequest | Errand) -> dict[str, Any]:
        if isinstance(request, Errand):
            return {key: str(value) for key, value in asdict(request).items()}
        basis, known = request.basis, {one.name for one in fields(request)}
        plain = {key: getattr(request, key) for key in _PLAIN if key in known}
        return {
            "kind": "take", "scene": self._scene(request.document), "out": str(request.out), "recipe": asdict(request.recipe),
            **{key: str(value) if isinstance(value, Path) else value for key, value in plain.items()},
            "cameras": None if request.cameras is None else list(request.cameras),
            "anchors": {name: str(path) for name, path in request.anchors.items()},
            "basis": None if basis is None else {"folder": str(basis.folder), **{key: getattr(basis, key) for key in _OF_BASIS}},
            "redrawn": None if basis is None or basis.redrawn is None else _redrawn_name(basis.redrawn),
        }  # fmt: skip

    def read(self) -> list[Job]:
        """What `write` wrote; what ran then has failed. A job that cannot be read is left out, and the log says why."""
        try:
            rows = json.loads((self.folder / _NAME).read_text())["jobs"]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as damage:
            log.warning("%s cannot be read, so the queue begins empty: %s", self.folder / _NAME, damage)
            return []
        found = []
        for row in rows if isinstance(rows, list) else []:
            try:
                found.append(_job(row, _request(row, self.folder)))
            except Exception as damage:
                log.warning("a job of the queue cannot be read and is left out: %s", damage)
        return found


def _job(row: dict[str, Any], request: TakeRequest | Errand) -> Job:
    total = request.frames if isinstance(request, TakeRequest) else 1
    job = Job(str(row["id"]), int(row["serial"]), str(row["workspace"]), request, total=total, item=str(row.get("item", "")), asked=str(row.get("asked", "")))
    if row["running"]:
        job.frames_kept = frames_on_disk(request.out) if isinstance(request, TakeRequest) else 0
        kept = f" {kept_frames(job.frames_kept)}." if job.frames_kept else ""
        why = row.get("failed") or f"The studio ended while this ran.{kept} Retry makes it again."
        job.state, job.ended, job.message = "failed", time.monotonic(), str(why)
    return job


def _request(row: dict[str, Any], folder: Path) -> TakeRequest | Errand:
    if row["kind"] in KINDS:
        return Errand(row["kind"], Path(row["take"]), Path(row["out"]), row["format"])
    basis = row["basis"]
    if basis is not None:
        redrawn = None if row["redrawn"] is None else _read_redrawn(folder / row["redrawn"])
        lists = {key: None if basis[key] is None else tuple(basis[key]) for key in ("only_cameras", "only_frames")}
        basis = Basis(Path(basis["folder"]), int(basis["frames"]), redrawn, bool(basis["seen_anew"]), **lists)
    known = {one.name: one for one in fields(TakeRequest)}
    plain = {key: row[key] for key in _PLAIN if key in known and key in row}
    if plain.get("world") is not None:
        plain["world"] = Path(plain["world"])
    return TakeRequest(
        project.load(folder / row["scene"]), Path(row["out"]), Recipe(**row["recipe"]), basis=basis, **plain,
        cameras=None if row["cameras"] is None else tuple(row["cameras"]), anchors={name: Path(path) for name, path in row["anchors"].items()},
    )  # fmt: skip


def _redrawn_name(redrawn: Redrawn) -> str:
    digest = hashlib.sha256(redrawn.frame.semantics.tobytes() + redrawn.frame.instances.tobytes() + redrawn.conditions.digest())
    return f"{digest.hexdigest()[:32]}.npz"


def _write_redrawn(path: Path, redrawn: Redrawn) -> None:
    if path.is_file():
        return
    frame, made_for = redrawn.frame, redrawn.conditions
    words = {"index": frame.index, "boxes": boxes_to_json([made_for.boxes]), "regions": list(redrawn.regions), "grid": asdict(made_for.grid)}
    beside = path.with_name(f".{path.stem}.tmp.npz")
    np.savez_compressed(
        beside, semantics=frame.semantics, instances=frame.instances, layout=made_for.layout, world_SE3_ego=made_for.world_SE3_ego, words=json.dumps(words)
    )
    _flush(beside)
    os.replace(beside, path)


def _read_redrawn(path: Path) -> Redrawn:
    with np.load(path, allow_pickle=False) as held:
        words = json.loads(str(held["words"]))
        row = words["grid"]
        grid = GridSpec(row["name"], tuple(row["shape"]), row["voxel_m"], tuple(row["origin_m"]))
        conditions = Conditions(held["layout"], tuple(boxes_from_json(words["boxes"])[0]), held["world_SE3_ego"], grid)
        return Redrawn(OccupancyFrame(int(words["index"]), held["semantics"], held["instances"]), conditions, tuple(words["regions"]))


def _put(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_bytes(data)
    _flush(beside)
    os.replace(beside, path)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
