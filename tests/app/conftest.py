"""A studio without its Gradio page, on a real port, with the fake engine: everything but the page is what the user gets."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from websockets.sync.client import ClientConnection, connect

from app.config import AppConfig
from app.server.guard import Guard
from app.server.main import build
from app.workspace.workspaces import Workspaces

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.app.actions import Actions
    from tests.app.browser_driver import StudioProcess

DEVKIT = "nuscenes-devkit==1.2.0"
PATIENCE_S = 120.0
"""Reached only where something hangs: starting the engine's process took 30 s on two cores that 14 others wanted."""


@dataclass
class Page:
    """What a browser tab is to the server."""

    socket: ClientConnection
    seq: int = 0
    unread: list[dict[str, Any]] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    """Those it asked for."""

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def wait_for(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        """The oldest unread message of that type that fits, now or to come; the others stay unread."""
        deadline = time.monotonic() + PATIENCE_S
        at = 0
        while True:
            if at == len(self.unread):
                self.unread.append(json.loads(self.socket.recv(timeout=deadline - time.monotonic())))
            if self.unread[at]["type"] == kind and fits(self.unread[at]):
                return self.unread.pop(at)
            at += 1

    def command(self, verb: str, /, **args: Any) -> dict[str, Any]:
        self.seq += 1
        self.send("command", seq=self.seq, name=verb, args=args)
        return self.wait_for("ack", lambda message: message["seq"] == self.seq)


@dataclass
class Studio:
    config: AppConfig
    workspaces: Workspaces
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.config.token}"}, trust_env=False)

    @contextlib.contextmanager
    def page(self, workspace: str = "test") -> Iterator[Page]:
        """A tab that has said hello."""
        headers = {"Authorization": f"Bearer {self.config.token}", "Origin": self.url}
        with connect(f"ws://127.0.0.1:{self.port}/ws/{workspace}", additional_headers=headers, max_size=2**26, proxy=None) as socket:
            page = Page(socket)
            page.send("hello")
            yield page


@contextlib.contextmanager
def running(config: AppConfig) -> Iterator[Studio]:
    app = build(config)
    server = uvicorn.Server(uvicorn.Config(Guard(app, config), port=0, log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline and thread.is_alive(), "the studio did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Studio(config, app.state.workspaces, port)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the studio did not stop"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for a module; tests use workspaces of their own."""
    folder: Path = tmp_path_factory.mktemp("workspace")
    with running(AppConfig(port=0, preset="fake", workspace=folder, example=None, warm=False)) as running_studio:
        yield running_studio


@pytest.fixture
def run_studio() -> Callable[[AppConfig], contextlib.AbstractContextManager[Studio]]:
    """For tests that start and end a studio of their own."""
    return running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file's tests."""
    from playwright.sync_api import sync_playwright

    from tests.app.browser_driver import chromium

    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture
def act(browser: Browser, studio: StudioProcess, request: pytest.FixtureRequest) -> Iterator[Actions]:
    """Somebody at the file's own studio, whose actions are counted."""
    from tests.app.actions import acting

    with acting(browser, studio, request.node.name.removeprefix("test_")) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def devkit(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with the devkit: ANYSCENE_DEVKIT names one, or is 1 to have it made."""
    asked = os.environ.get("ANYSCENE_DEVKIT")
    if not asked:
        pytest.skip(f"set ANYSCENE_DEVKIT=1 to install {DEVKIT} into an environment of its own, or to a Python that has it")
    if asked != "1":
        return asked
    folder = tmp_path_factory.mktemp("devkit")
    made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True, check=False)
    python = str(folder / "bin/python")
    if made.returncode == 0:
        made = subprocess.run([python, "-m", "pip", "install", "-q", DEVKIT], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"{DEVKIT} cannot be installed here: {made.stderr[-300:]}")
    return python
