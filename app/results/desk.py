"""What can be done with takes and the queue: the same functions for the page and for scripts. Each raises ValueError with one sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.config import AppConfig
from app.jobs.errand import Errand
from app.jobs.job import LIVE
from app.jobs.request import TakeRequest
from app.jobs.take_maker import SCENE
from app.results import takes
from app.workspace import files
from app.workspace.bridge import free_folder
from app.workspace.workspace import Workspace
from app.workspace.workspaces import Workspaces
from editor.document import EditError
from editor.files import project

FORMATS = ("mp4", "frames", "png", "nuscenes", "occ3d", "glb", "glb-voxels", "transforms")
"""What a take can be handed over as; a test holds it against engine.export, which the page's process need not load."""

Row = dict[str, Any]


class Desk:
    """Safe to use from any thread."""

    def __init__(self, workspaces: Workspaces) -> None:
        self.workspaces = workspaces

    @property
    def config(self) -> AppConfig:
        return self.workspaces.config

    def workspace(self, name: str) -> Workspace:
        return self.workspaces.get(name or "default")

    def takes(self, workspace: str) -> list[Row]:
        """Every take, newest first, marked against the scene that is open, and whether a job is making it."""
        document = self.workspace(workspace).document
        found = takes.cards(self.config, document)
        making = {job["name"] for job in self.queue() if job["kind"] == "take" and job["state"] in LIVE}
        for one in found:
            one["making"] = one["name"] in making
        return found

    def take(self, name: str) -> Path:
        """The folder of a take by its name."""
        return files.take_folder(str(self.config.takes / Path(str(name)).name), self.config)

    def queue(self, workspace: str | None = None) -> list[Row]:
        """What runs, what waits in order, and what ended; of one workspace, or of all."""
        return [job for job in self.workspaces.jobs.all() if workspace is None or job["workspace"] == workspace]

    def generate(self, workspace: str, asked: Mapping[str, object]) -> Row:
        """Put a take of the scene that is open in line; `asked` as the socket's `generate` message."""
        return self.workspaces.jobs.told(self.workspace(workspace).generate(asked))

    def cancel(self, job: str) -> None:
        if not self.workspaces.jobs.cancel(job):
            raise EditError(f"Job '{job[:40]}' is not under way any more: there is nothing to cancel.")

    def cancel_mine(self, workspace: str) -> int:
        """Every job of a workspace; returns how many those were."""
        return self.workspaces.jobs.cancel_all(workspace)

    def move(self, job: str, place: int) -> None:
        """To that place among those that wait, from 1."""
        if not self.workspaces.jobs.move(job, place):
            raise EditError(f"Job '{job[:40]}' does not wait any more: only what waits can be put elsewhere.")

    def retry(self, job: str) -> Row:
        """Once more, into a folder of its own."""
        found = self.workspaces.jobs.get(job)
        if found is None:
            raise EditError(f"There is no job '{job[:40]}': look into the queue for its name.")
        request = found.request
        out = free_folder(self.config.takes, request.document.name) if isinstance(request, TakeRequest) else request.out
        again = self.workspaces.jobs.retry(job, out)
        if again is None:
            raise EditError(f"Job '{job[:40]}' is under way: cancel it first, or wait.")
        return self.workspaces.jobs.told(again)

    def evaluate(self, workspace: str, take: str) -> Row:
        """Measure a take in the engine's process; its scores are there when the job is done."""
        folder = self.take(take)
        return self._errand(workspace, Errand("evaluate", folder, self.config.scores / f"{folder.name}.json"))

    def scores(self, take: str) -> Row | None:
        """What `evaluate` found; None where the take was not measured, or was written since."""
        folder = self.take(take)
        path = self.config.scores / f"{folder.name}.json"
        try:
            old = path.stat().st_mtime < (folder / "take.json").stat().st_mtime
            return None if old else json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as damage:
            raise EditError(f"The scores of '{take}' cannot be read ({damage}): evaluate it again.") from damage

    def export(self, workspace: str, take: str, format: str) -> Row:  # noqa: A002 - the command line's own word
        """Hand a take over as one file, which is there when the job is done."""
        folder = self.take(take)
        if format not in FORMATS:
            raise EditError(f"There is no export format '{format[:40]}': choose one of {', '.join(FORMATS)}.")
        suffix = "glb" if format.startswith("glb") else "zip"
        return self._errand(workspace, Errand("export", folder, self.config.exports / f"{folder.name}-{format}.{suffix}", format))

    def exports(self, take: str) -> list[Row]:
        """Finished exports of a take, those of scripts and those of the page's dialog: {format, name, bytes, url}."""
        found = self.config.exports.glob(f"{Path(str(take)).name}-*") if self.config.exports.is_dir() else []
        pattern = re.compile(rf"{re.escape(Path(str(take)).name)}-({'|'.join(FORMATS)})\.(zip|glb)")
        named = [(path, match) for path in sorted(found) if (match := pattern.fullmatch(path.name))]
        rows = [{"format": match[1], "name": path.name, "bytes": path.stat().st_size, "url": f"/api/exports/{path.name}"} for path, match in named]
        return rows + [_written(part) for folder in self._export_folders(take) for part in sorted(folder.iterdir()) if not part.name.startswith(".")]

    def _export_folders(self, take: str) -> list[Path]:
        """Where the page's dialog wrote that take, oldest first."""
        name = Path(str(take)).name
        number = re.compile(rf"{re.escape(name)}(-\d{{1,3}})?")
        found = self.config.exports.iterdir() if self.config.exports.is_dir() else []
        return sorted((path for path in found if path.is_dir() and number.fullmatch(path.name)), key=lambda path: path.stat().st_mtime)

    def carry_on(self, workspace: str, take: str) -> Row:
        """Make what a take lacks that was broken off, in a take beside it."""
        return self.workspaces.jobs.told(self.workspace(workspace).carry_on(self.take(take)))

    def restore(self, workspace: str, take: str) -> Row:
        """Open the document that a take was made from, with the take in view; what was open stays among the drafts."""
        folder, desk = self.take(take), self.workspace(workspace)
        if not (folder / SCENE).is_file():
            raise EditError(f"Take '{folder.name}' was made before takes kept their scene, or comes from elsewhere: it has no scene to open.")
        desk.replace(project.load(folder / SCENE), path=None, saved=False)
        desk.show_take(folder)
        return {"scene": desk.document.name, "take": folder.name}

    def show(self, workspace: str, take: str) -> None:
        """Show a take over the scene that is open."""
        self.workspace(workspace).show_take(self.take(take))

    def _errand(self, workspace: str, errand: Errand) -> Row:
        return self.workspaces.jobs.told(self.workspaces.jobs.submit(self.workspace(workspace).name, errand))


def _written(part: Path) -> Row:
    """A row of `Desk.exports` for one format in a folder of the dialog's."""
    files = [part] if part.is_file() else [path for path in part.rglob("*") if path.is_file()]
    kind = part.stem if part.is_file() else part.name
    name = f"{part.parent.name}-{part.name}" if part.is_file() else f"{part.parent.name}-{part.name}.zip"
    return {"format": kind, "name": name, "bytes": sum(path.stat().st_size for path in files), "url": f"/api/exports/{part.parent.name}/{part.name}"}
