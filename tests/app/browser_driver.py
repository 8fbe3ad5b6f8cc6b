"""The studio as a person meets it: the real server process, and a real browser that is driven by mouse and keys.

Nothing here reaches into the page's code. Places on the canvas are found as a person finds them, from the coordinates
that the status bar shows under the cursor.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Playwright, WebSocket, expect, sync_playwright

from app.commands.bench_browser import ARGS, CHROMIUM, SIZE

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_DATA = Path(__file__).with_name("without_data")
SHOTS = os.environ.get("ANYSCENE_BROWSER_SHOTS")
"""Folder for a picture of every step; none are taken where it is unset."""
PRESET = os.environ.get("ANYSCENE_BROWSER_PRESET", "fake")
PATIENCE_S = 60.0 if PRESET == "fake" else 900.0
"""Nothing takes that long; it is reached only where something hangs."""
POLL_S = 0.05

LOOK = "?look"
"""Marks a socket that is opened to look at the document; it is none of the page's."""

Point = tuple[float, float]


def in_a_browser(timeout_s: float) -> list[pytest.MarkDecorator]:
    """Marks of a file whose tests need a real browser."""
    return [
        pytest.mark.browser,
        pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
        pytest.mark.timeout(timeout_s),
    ]


def until(what: str, holds: Callable[[], Any], page: Page | None = None, patience_s: float = PATIENCE_S) -> Any:
    """The first truthy answer of `holds`; the browser's events are served meanwhile where its page is given."""
    deadline = time.monotonic() + patience_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"it did not happen within {patience_s:.0f} s: {what}"
        page.wait_for_timeout(POLL_S * 1000) if page else time.sleep(POLL_S)
    return answer


@dataclass
class StudioProcess:
    """`launch.py` without the installing: the command line's own studio in a process of its own."""

    workspace: Path
    preset: str = PRESET
    port: int = 0
    """0 takes any free one, and keeps it when it is started again."""
    url: str = ""
    answered_s: float = 0.0
    """From the start of the process to the first answer."""
    cpu_s: float = 0.0
    """Processor time that the process itself had used by then: what a machine that does nothing else would wait."""
    hidden: Path | None = None
    """A folder that is not there for the studio and its engine."""
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> StudioProcess:
        began = time.monotonic()
        command = [sys.executable, "-m", "app.commands.parser", "--port", str(self.port), "--workspace", str(self.workspace), "--preset", self.preset]
        log = (self.workspace.parent / f"{self.workspace.name}.log").open("a")
        path = os.pathsep.join(filter(None, (str(WITHOUT_DATA), os.environ.get("PYTHONPATH"))))
        env = None if self.hidden is None else {**os.environ, "PYTHONPATH": path, "ANYSCENE_HIDDEN": str(self.hidden)}
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
        assert self.process.stdout is not None
        words = self.process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+/", words)
        assert found, f"the studio said '{words.strip()}' in place of its address"
        self.url = found.group()
        self.port = int(self.url.rsplit(":", 1)[1].strip("/"))
        until("the studio answers", self._answers)
        self.answered_s, self.cpu_s = time.monotonic() - began, self._cpu_seconds()
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}api/health", trust_env=False).status_code == 200
        return False

    def _cpu_seconds(self) -> float:
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def engine_pid(self) -> int:
        """Process id of the engine."""
        pids = [int(word) for path in Path(f"/proc/{self.process.pid}/task").glob("*/children") for word in path.read_text().split()]
        engines = [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(engines) == 1, f"the studio has the engine processes {engines}"
        return engines[0]

    def kill_engine(self) -> None:
        os.kill(self.engine_pid, signal.SIGKILL)

    def kill(self) -> None:
        """The studio itself, as the kernel does it: without a word to anybody."""
        self.process.kill()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
    yield browser
    browser.close()


class Tab:
    """One tab with the studio's page in it. Points on the canvas are metres in the world."""

    def __init__(self, browser: Browser, studio: StudioProcess) -> None:
        self.studio = studio
        self.context = browser.new_context(viewport=SIZE)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        self.faults: list[str] = []
        """Errors on the console, exceptions of the page, and requests to anybody but the studio."""
        self.jobs: list[dict[str, Any]] = []
        """Every `job` message that the page got."""
        self.edits = 0
        """How often the page was told that the document is another."""
        self.page.on("console", lambda message: self.faults.append(f"console: {message.text}") if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        self.page.on("request", lambda request: self._own(request.url))
        self.page.on("websocket", self._listen)

    def _own(self, url: str) -> None:
        if not url.startswith((self.studio.url, self.studio.url.replace("http", "ws", 1), "data:", "blob:")):
            self.faults.append(f"request: {url}")

    def _listen(self, socket: WebSocket) -> None:
        self._own(socket.url)
        if "/ws/" in socket.url and not socket.url.endswith(LOOK):
            socket.on("framereceived", self._hear)

    def _hear(self, payload: str | bytes) -> None:
        if not isinstance(payload, str):
            return
        if payload.startswith('{"type": "job"'):
            self.jobs.append(json.loads(payload))
        elif payload.startswith(('{"type": "patch"', '{"type": "document"')):
            self.edits += 1

    def open(self) -> Tab:
        self.page.goto(self.studio.url)
        self.connected()
        return self

    def connected(self) -> None:
        expect(self.at("connection")).to_have_text("Connected")
        expect(self.at("scene-name")).not_to_have_value("")

    def at(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def shot(self, step: str) -> None:
        """Keep a picture of the page, where pictures are wanted."""
        if SHOTS:
            self.settle()
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"session_{step}.png")

    def settle(self) -> None:
        """Everything that was caused has been drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def document(self) -> dict[str, Any]:
        """What the studio holds, as it tells a page that arrives."""
        return self.page.evaluate(
            """(look) => new Promise((done, fail) => {
                const socket = new WebSocket(`ws://${location.host}/ws/default${look}`);
                socket.onopen = () => socket.send(JSON.stringify({ type: "hello" }));
                socket.onerror = () => fail(new Error("no answer"));
                socket.onmessage = ({ data }) => {
                    const message = JSON.parse(data);
                    if (message.type !== "document") return;
                    socket.close();
                    done(message);
                };
            })""",
            LOOK,
        )

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        return until(what, holds, self.page)

    def until_document(self, what: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first document for which that is so; it is fetched whenever the page heard of another one."""
        looked = -1

        def look() -> dict[str, Any] | None:
            nonlocal looked
            if looked == self.edits:
                return None
            looked = self.edits
            found = self.document()
            return found if holds(found) else None

        return self.until(what, look)

    # The canvas.

    @property
    def box(self) -> dict[str, float]:
        box = self.at("bev-canvas").bounding_box()
        assert box is not None
        return dict(box)

    def _under(self, px: Point) -> Point:
        self.page.mouse.move(*px)
        self.settle()
        found = re.fullmatch(r"x (-?[\d.]+) +y (-?[\d.]+) m", self.at("cursor").inner_text().strip())
        assert found, f"the status bar shows '{self.at('cursor').inner_text()}' for a cursor on the canvas"
        return float(found[1]), float(found[2])

    def find_places(self) -> Callable[[Point], Point]:
        """World metres to pixels of the page, until the view is moved."""
        box = self.box
        one = (box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
        other = (box["x"] + 0.8 * box["width"], box["y"] + 0.7 * box["height"])
        a, b = self._under(one), self._under(other)
        scale = (other[0] - one[0]) / (b[0] - a[0])
        assert abs((other[1] - one[1]) / (a[1] - b[1]) / scale - 1) < 0.01, "a metre must be as wide as it is high"

        def place(world: Point) -> Point:
            px = one[0] + (world[0] - a[0]) * scale, one[1] - (world[1] - a[1]) * scale
            assert 0 < px[0] - box["x"] < box["width"] and 0 < px[1] - box["y"] < box["height"], f"{world} is off the canvas"
            return px

        return place

    def click(self, px: Point) -> None:
        self.page.mouse.move(*px)
        self.page.mouse.click(*px)

    def drag(self, *path: Point, before_release: Callable[[], None] = lambda: None) -> None:
        self.page.mouse.move(*path[0])
        self.page.mouse.down()
        for point in path[1:]:
            self.page.mouse.move(*point, steps=6)
        before_release()
        self.page.mouse.up()

    def zoom_in(self, px: Point, factor: float) -> None:
        """With the wheel, about a point that stays where it is."""
        self.page.mouse.move(*px)
        while factor > 1.05:
            step = min(factor, 1.6)
            self.page.mouse.wheel(0, -float(np.log(step)) / 0.0016)
            factor /= step
        self.settle()

    def pixels(self, target: Locator | Page | None = None, clip: tuple[float, float, float, float] | None = None) -> np.ndarray:
        """RGB (height, width, 3) of an element, or of the page's `clip` (x, y, width, height)."""
        if target is not None:
            data = target.screenshot()
        else:
            assert clip is not None
            data = self.page.screenshot(clip=dict(zip(("x", "y", "width", "height"), clip, strict=True)))  # type: ignore[arg-type]
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    # Panels.

    def pick_file(self, name: str) -> None:
        """A row of the open dialog."""
        self.at("open").click()
        self.at("open-dialog").locator(f'[data-testid=file][title$="/{name}.anyscene"]').click()

    def generate(self, **settings: int | str) -> None:
        for name, value in settings.items():
            control = self.at(name)
            if name in ("until", "preset", "views"):
                control.select_option(str(value))
            else:
                control.fill(str(value))
                control.press("Enter")
        self.jobs.clear()
        self.at("generate").click()

    def until_job(self, what: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The newest news of the job, once that is so."""
        return self.until(what, lambda: self.jobs and holds(self.jobs[-1]) and self.jobs[-1])

    def seek(self, frame: int) -> None:
        """With the arrow keys; nothing may be selected, or they would nudge it."""
        shown = self.at("frame-label")
        self.settle()
        now = int(shown.inner_text().split()[1])
        for _ in range(abs(frame - now)):
            self.page.keyboard.press("ArrowRight" if frame > now else "ArrowLeft")
        expect(shown).to_have_text(re.compile(rf"frame {frame} /"))

    def close(self) -> None:
        self.context.close()


@contextlib.contextmanager
def studio_tab(workspace: Path, last_shot: str = "", preset: str = "fake") -> Iterator[Tab]:
    """A tab of a studio of its own; whatever it complained of fails the test."""
    studio = StudioProcess(workspace, preset=preset).start()
    with sync_playwright() as playwright, chromium(playwright) as browser:
        tab = Tab(browser, studio).open()
        try:
            yield tab
            assert tab.faults == []
        finally:
            if last_shot:
                tab.shot(last_shot)
            tab.close()
            studio.stop()


def is_picture(pixels: np.ndarray) -> bool:
    """Whether something is to be seen there: several colours, none of them nearly everywhere."""
    coarse = (pixels // 16).reshape(-1, 3).astype(np.int64) @ (256, 16, 1)
    shares = np.sort(np.bincount(coarse) / coarse.size)[::-1]
    return shares[0] < 0.97 and (shares > 0.002).sum() >= 4


def same_scene(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two `document` messages hold the same scene, whatever their revisions and paths."""
    return all(one[key] == other[key] for key in ("name", "duration_s", "frames", "prompt", "grid", "notes", "ego", "entities"))
