"""The composition root: one FastAPI application on one port, with the guard in front of everything.

torch is never imported in this process: the worker has it. Gradio takes most of the start, so it is the last to be loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket as sockets
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, WebSocket

from app.config import AppConfig, ConfigError
from app.server.guard import Guard

if TYPE_CHECKING:
    from app.workspace.workspaces import Workspaces

log = logging.getLogger("anyscene")

LARGEST_MESSAGE = 64 * 1024 * 1024
PATIENT_S = 120.0
"""A browser, or this process while kernels compile on a machine that has no core to spare, may be silent that long before the link is given up."""
POLL_S = 0.5
SWEEP_EVERY = 60
"""Polls between two sweeps."""
QUEUE_REST_S = 0.05
"""Between two looks into Gradio's queue and its progress; by itself it looks a thousand times a second, which takes six percent of a core."""
WARM_AFTER_S = 1.0
"""The page comes first: warming up begins this long after it is up."""


def build(config: AppConfig) -> FastAPI:
    """The application without its guard. Its `state.workspaces` holds everything that lives."""
    from app.server import api
    from app.server.proxy import pass_through
    from app.server.socket import serve as serve_socket
    from app.workspace.workspaces import Workspaces

    workspaces = Workspaces(config)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_tend(workspaces)), asyncio.create_task(_warm(workspaces, config.warm))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.to_thread(workspaces.close)

    app = FastAPI(title="AnyScene Studio", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.workspaces = workspaces
    app.include_router(api.router(workspaces))

    @app.websocket("/ws/{workspace}")
    async def studio(socket: WebSocket) -> None:
        await serve_socket(socket, workspaces)

    @app.websocket("/viser/{workspace}")
    @app.websocket("/viser/{workspace}/")
    async def viewer(socket: WebSocket) -> None:
        workspace = workspaces.find(socket.path_params["workspace"])
        if workspace is None:
            await socket.close(1008)
            return
        await pass_through(socket, await asyncio.to_thread(workspace.screen.viser_port))

    return app


def mount_page(app: FastAPI, config: AppConfig) -> FastAPI:
    """Gradio's page at /, behind our own routes."""
    # Nothing of ours goes out: no usage counts, no version check.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import gradio as gr

    from app.server.page import build_page

    page = build_page(app.state.workspaces)
    mounted = gr.mount_gradio_app(
        app, page, path="/", server_name=config.host, server_port=config.port,
        css=page.css, head=page.head, theme=page.theme, footer_links=[], run_history=False,
        show_error=config.debug, ssr_mode=False, pwa=False, max_file_size="1gb",
    )  # fmt: skip
    page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = QUEUE_REST_S
    return mounted


def serve(config: AppConfig) -> None:
    """Run the studio until Ctrl-C. Raises ConfigError, one sentence, where it cannot start."""
    logging.basicConfig(
        level=logging.DEBUG if config.debug else logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr
    )
    for noisy in ("httpx", "websockets", "asyncio", "matplotlib", "PIL", "numba", "multipart"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    listener = _listen(config)
    port = listener.getsockname()[1]
    host = f"[{config.host}]" if ":" in config.host else config.host
    shown = "127.0.0.1" if config.host in ("0.0.0.0", "::") else host
    app = mount_page(build(config), config)

    def entry(path: str) -> None:
        print(f"Link for another browser, works once: http://{shown}:{port}{path}", flush=True)

    guard = Guard(app, config, on_entry=entry)
    server = uvicorn.Server(
        uvicorn.Config(
            guard, log_level="warning", ws_max_size=LARGEST_MESSAGE, ws_per_message_deflate=False, ws_ping_timeout=PATIENT_S,
            timeout_graceful_shutdown=2, proxy_headers=False, server_header=False,
        )
    )  # fmt: skip
    if config.loopback and config.auth is None:
        print(f"AnyScene Studio is at http://{shown}:{port}/", flush=True)
    elif config.auth is not None:
        print(f"AnyScene Studio is at http://{shown}:{port}/ and asks for the user and password you gave.", flush=True)
    else:
        print(f"AnyScene Studio: this link lets one browser in, once: http://{shown}:{port}{guard.entry_path()}", flush=True)
    if not config.loopback:
        print("Other machines can reach this port, unencrypted: use it in a network you trust, or behind a proxy with HTTPS.", flush=True)
    print(f"Workspace folder: {config.workspace}", flush=True)
    # uvicorn ends its work on Ctrl-C and then raises it once more.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _listen(config: AppConfig) -> sockets.socket:
    family = sockets.AF_INET6 if ":" in config.host else sockets.AF_INET
    # asyncio turns Nagle's delay off only where it reads TCP here: without it every second acknowledgement takes 45 ms.
    listener = sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The studio cannot listen on {config.host}:{config.port} ({error.strerror}): choose another --port, or end what uses this one."
        ) from error
    listener.set_inheritable(False)
    return listener


async def _tend(workspaces: Workspaces) -> None:
    """Dropped files once, drafts twice a second, the sweep now and then."""
    try:
        await asyncio.to_thread(workspaces.tidy)
    except Exception:
        log.exception("tidying dropped files failed")
    for tick in itertools.count(1):
        await asyncio.sleep(POLL_S)
        try:
            await asyncio.to_thread(workspaces.poll)
            if tick % SWEEP_EVERY == 0:
                await asyncio.to_thread(workspaces.sweep)
        except Exception:
            log.exception("tending the workspaces failed")


async def _warm(workspaces: Workspaces, models: bool) -> None:
    """First what this process draws with (numba), then the worker, so that two cores are not asked for both at once; last what waits in the queue."""
    from engine.render import warm_up

    await asyncio.sleep(WARM_AFTER_S)
    if models:
        await asyncio.to_thread(warm_up)
        await asyncio.to_thread(workspaces.jobs.warm)
    await asyncio.to_thread(workspaces.jobs.resume)
