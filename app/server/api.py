"""Plain HTTP beside the socket: health, pictures, files of takes, and JSON endpoints for scripts (bearer token or password)."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.background import BackgroundTask

from app.jobs.errand import pack
from app.results import takes
from app.server.proxy import client_page
from app.server.theme import TITLE
from app.workspace import anchors, dropped, files
from app.workspace.outlines import outlines
from app.workspace.recorded import recorded_bytes
from app.workspace.workspace import Workspace
from app.workspace.workspaces import Workspaces

CANVAS = Path(__file__).parents[1] / "canvas"
STATIC_TYPES = {
    ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2", ".json": "application/json",
    ".html": "text/html",
}  # fmt: skip
"""Kinds of files of app/canvas that the page is given, with their types: the system's own table may be wrong about JavaScript."""
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
REVALIDATE = {"Cache-Control": "no-cache"}


def router(workspaces: Workspaces) -> APIRouter:
    """Every route of ours but the sockets and the page."""
    routes = APIRouter()

    @routes.get("/api/health")
    def health() -> dict[str, object]:
        return {"ok": True, "engine": workspaces.jobs.engine_state}

    @routes.get("/manifest.json")
    def manifest() -> dict[str, str]:
        """Gradio's page names it."""
        return {"name": TITLE, "start_url": "/", "display": "browser"}

    @routes.get("/api/ws/{workspace}/image/{name}")
    def image(workspace: str, name: str) -> Response:
        data = _existing(workspaces, workspace).images.get(name)
        if data is None:
            raise HTTPException(404, "That picture is not kept any more: the next one has another address.")
        return Response(data, media_type="image/png" if data[:4] == b"\x89PNG" else "image/jpeg", headers=FOREVER)

    @routes.get("/api/takes/{path:path}")
    def take_file(path: str) -> Response:
        found = files.take_file(path, workspaces.config)
        if found is None:
            raise HTTPException(404, f"There is no file '{path[:200]}' among the takes of this workspace folder.")
        return FileResponse(found, headers=REVALIDATE)

    @routes.get("/api/ws/{workspace}/outlines/{camera}")
    def outlines_of(workspace: str, camera: str) -> Response:
        """Of what is shown now."""
        shot = _existing(workspaces, workspace).screen.below
        found = None if shot is None else outlines(shot, camera)
        if found is None:
            raise HTTPException(404, f"Nothing is shown through a camera '{camera[:100]}'.")
        return Response(found, media_type="image/png", headers=REVALIDATE)

    @routes.post("/api/anchors")
    async def anchor(request: Request) -> dict[str, str]:
        """A picture, PNG or JPEG, as the body; answers with the name that `generate` takes."""
        data = b""
        async for chunk in request.stream():
            data += chunk
            if len(data) > anchors.MOST_BYTES:
                break
        try:
            return {"name": await asyncio.to_thread(anchors.keep, data, workspaces.config)}
        except ValueError as refusal:
            raise HTTPException(422, str(refusal)) from refusal

    @routes.post("/api/ws/{workspace}/anchors/{camera}")
    async def recorded_anchor(workspace: str, camera: str) -> dict[str, str]:
        """What the log's own camera took at the playhead becomes a picture that `generate` begins from; answers as /api/anchors does."""
        found = _existing(workspaces, workspace)
        try:
            data = await asyncio.to_thread(recorded_bytes, found.document, camera, found.frame)
            return {"name": await asyncio.to_thread(anchors.keep, data, workspaces.config)}
        except (ValueError, OSError) as refusal:
            raise HTTPException(422, str(refusal)) from refusal

    @routes.get("/api/dropped")
    def dropped_rules() -> dict[str, object]:
        return dropped.RULES

    @routes.post("/api/dropped")
    async def dropped_folder(told: Annotated[Any, Body()] = None) -> dict[str, Any]:
        """{name, files [[path, size], ..], source?, scene?, has_pictures?} of what was dropped; answers with what to do with it (`dropped.next_step`),
        or {refused: sentence}."""
        try:
            return await asyncio.to_thread(dropped.next_step, told, workspaces.config)
        except ValueError as refusal:
            return {"refused": str(refusal)}

    @routes.put("/api/dropped/{path:path}")
    async def dropped_part(path: str, request: Request) -> dict[str, object]:
        """One file that was asked for, as ID/PATH, as the body."""
        try:
            await dropped.keep(path, request.stream(), workspaces.config)
        except ValueError as refusal:
            raise HTTPException(422, str(refusal)) from refusal
        return {"ok": True}

    @routes.get("/api/thumbnail/{take}")
    def thumbnail(take: str) -> Response:
        found = takes.thumbnail(workspaces.config, take)
        if found is None:
            raise HTTPException(404, f"There is no picture of a take '{take[:200]}'.")
        return Response(found, media_type="image/jpeg", headers=FOREVER)

    @routes.get("/api/exports/{name}")
    def export_file(name: str) -> Response:
        found = (workspaces.config.exports / name).resolve()
        if not found.is_relative_to(workspaces.config.exports.resolve()) or not found.is_file() or name.startswith("."):
            raise HTTPException(404, f"There is no export '{name[:200]}' in this workspace folder.")
        return FileResponse(found, filename=name, headers=REVALIDATE)

    @routes.get("/api/exports/{folder}/{name}")
    def export_part(folder: str, name: str) -> Response:
        """What the page's dialog wrote: a file as it is, a folder as a zip."""
        found = (workspaces.config.exports / folder / name).resolve()
        if found.parent.parent != workspaces.config.exports.resolve() or not found.exists() or folder.startswith(".") or name.startswith("."):
            raise HTTPException(404, f"There is no export '{folder[:200]}/{name[:40]}' in this workspace folder.")
        if found.is_file():
            return FileResponse(found, filename=f"{folder}-{name}", headers=REVALIDATE)
        with tempfile.NamedTemporaryFile(dir=workspaces.config.exports, prefix=".", suffix=".zip", delete=False) as file:
            beside = Path(file.name)
        pack(found, beside)
        return FileResponse(beside, filename=f"{folder}-{name}.zip", headers=REVALIDATE, background=BackgroundTask(beside.unlink, missing_ok=True))

    @routes.post("/api/ws/{workspace}/generate")
    async def generate(workspace: str, request: Annotated[dict[str, Any] | None, Body()] = None) -> dict[str, object]:
        """The `generate` message of the socket as a body; answers with the job."""
        try:
            job = await asyncio.to_thread(lambda: workspaces.get(workspace).generate(request or {}))
        except ValueError as refusal:
            raise HTTPException(422, str(refusal)) from refusal
        return workspaces.jobs.told(job)

    @routes.get("/api/ws/{workspace}/jobs")
    def jobs(workspace: str) -> list[dict[str, object]]:
        return [workspaces.jobs.told(job) for job in workspaces.jobs.of(workspace)]

    @routes.post("/api/ws/{workspace}/jobs/{job}/cancel")
    def cancel(workspace: str, job: str) -> dict[str, object]:
        if not workspaces.jobs.cancel(job, workspace):
            raise HTTPException(404, f"Job '{job[:40]}' is not running in workspace '{workspace[:64]}'.")
        return {"ok": True}

    @routes.get("/viser/{workspace}")
    @routes.get("/viser/{workspace}/")
    def viewer(workspace: str, request: Request) -> Response:
        _existing(workspaces, workspace)
        return HTMLResponse(client_page(), headers=REVALIDATE)

    @routes.get("/studio/{path:path}")
    def static(path: str) -> Response:
        found = (CANVAS / path).resolve()
        kind = STATIC_TYPES.get(found.suffix)
        hidden = (
            any(part.startswith(".") or part == "node_modules" for part in found.relative_to(CANVAS).parts)
            if found.is_relative_to(CANVAS)
            else True
        )
        if kind is None or hidden or not found.is_file():
            raise HTTPException(404, f"The studio has no file '{path[:200]}'.")
        return FileResponse(found, media_type=kind, headers=REVALIDATE)

    return routes


def _existing(workspaces: Workspaces, name: str) -> Workspace:
    workspace = workspaces.find(name)
    if workspace is None:
        raise HTTPException(404, f"Nobody has opened workspace '{name[:64]}': open the studio's page first.")
    return workspace
