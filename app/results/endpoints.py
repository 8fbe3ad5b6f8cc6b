"""What a script can ask of the studio: named endpoints with their schemas, for `gradio_client` and for HTTP. The page's guard stands before them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr
from gradio.events import api

from app.results import matrix as matrices
from app.results.desk import Desk
from app.results.matrix import Matrix

P = ParamSpec("P")
R = TypeVar("R")


def build(desk: Desk, workspace: str) -> None:
    """Add them to the Blocks that is being made. `workspace` is the session of a call that names none."""

    def list_takes(workspace: str = workspace) -> list[dict]:
        """Every take of the workspace folder, newest first, marked against the scene that is open: 'current', 'variant' (of another prompt), 'stale' or
        'other scene'."""
        return desk.takes(workspace)

    def generate(
        frames: int = 0,
        start_frame: int = 0,
        seed: int = 0,
        views: str = "",
        preset: str = "",
        until: str = "video",
        prompt: str = "",
        workspace: str = workspace,
    ) -> dict:
        """Put a take of the open scene in line and answer with its job. 0 frames: to the end of the scene; a prompt is written into the scene
        first, as an edit that can be undone."""
        space = desk.workspace(workspace)
        if prompt and (refusal := space.command("set_scene", {"prompt": prompt})):
            raise ValueError(refusal)
        asked: dict[str, object] = {"start_frame": start_frame, "seed": seed, "views": views, "until": until}
        return desk.generate(workspace, asked | ({"frames": frames} if frames else {}) | ({"preset": preset} if preset else {}))

    def queue_state() -> list[dict]:
        """Every job: what runs, what waits in order, what ended, newest first. `eta_s` is what a job needs yet, null where nothing is known."""
        return desk.queue()

    def cancel(job: str) -> dict:
        """Call a job off; its finished frames stay."""
        desk.cancel(job)
        return {"job": job}

    def move(job: str, place: int) -> list[dict]:
        """Put a waiting job at a place in the line, from 1; answers with the queue."""
        desk.move(job, place)
        return desk.queue()

    def retry(job: str) -> dict:
        """Run a job that ended once more; answers with the new job."""
        return desk.retry(job)

    def carry_on(take: str, workspace: str = workspace) -> dict:
        """Make what a take lacks that was cancelled, failed or killed, in a take beside it; answers with the job."""
        return desk.carry_on(workspace, take)

    def evaluate(take: str, workspace: str = workspace) -> dict:
        """Measure a take in the engine's process; answers with the job, whose end makes `scores` answer."""
        return desk.evaluate(workspace, take)

    def scores(take: str) -> dict:
        """What `evaluate` found, {} where the take was not measured yet."""
        return desk.scores(take) or {}

    def export(take: str, format: str = "mp4", workspace: str = workspace) -> dict:  # noqa: A002 - the command line's own word
        """Hand a take over as one file; answers with the job, whose end makes `exports` list it."""
        return desk.export(workspace, take, format)

    def exports(take: str) -> list[dict]:
        """Finished exports of a take: {format, name, bytes, url}."""
        return desk.exports(take)

    def restore(take: str, workspace: str = workspace) -> dict:
        """Open the scene that a take was made from; what was open stays among the drafts."""
        return desk.restore(workspace, take)

    def matrix(
        weathers: list[str], lights: list[str], seeds: int = 1, frames: int = matrices.USUAL_FRAMES, views: str = "", workspace: str = workspace
    ) -> list[dict]:
        """One job for every weather, light and seed of the open scene; answers with the jobs."""
        return matrices.queue(desk, workspace, Matrix(tuple(weathers), tuple(lights), seeds, frames, views or None))

    for fn in (list_takes, generate, queue_state, cancel, move, retry, carry_on, evaluate, scores, export, exports, restore, matrix):
        api(_told(fn), api_name=fn.__name__, api_description=" ".join((fn.__doc__ or "").split()), queue=False)


def _told(fn: Callable[P, R]) -> Callable[P, R]:
    """A refusal reaches the script as its sentence."""

    @wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return fn(*args, **kwargs)
        except ValueError as refusal:
            raise gr.Error(str(refusal), print_exception=False) from refusal

    return guarded
