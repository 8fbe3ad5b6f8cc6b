"""`launch.py bench studio`: what a person waits for, measured over the page's own socket against a studio of its own, and in the page."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.commands.bench_browser import in_the_page
from app.errors import CommandError

ROUNDS = 50
OPENINGS = 10
IDLE_S = 20.0
STROKES, STROKES_S = 1000, 120.0
LOG_S, LOG_AGENTS = 20.0, 100
LARGE_AGENTS, LARGE_ELEMENTS, LARGE_EDITS = 2000, 5000, 1000
PATIENCE_S = 120.0

Row = dict[str, float | int | str]


def studio() -> Row:
    """Medians of 50 (of 10 where a log is opened), on a machine that should be doing nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        workspace.mkdir()
        _write_log(workspace / "log.anyscene")
        _write_large(workspace / "large.anyscene")
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "app.commands.parser", "--port", "0", "--preset", "fake", "--workspace", str(workspace)],
            cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            return _measured(process, began)
        finally:
            process.terminate()
            process.wait(20)


def _measured(process: subprocess.Popen[str], began: float) -> Row:
    assert process.stdout is not None
    found = re.search(r"http://[\d.]+:\d+/", process.stdout.readline())
    if found is None:
        raise CommandError("The studio did not start: start it with 'launch.py' and read what it says.")
    url = found.group()
    page = _Page(url)
    row: Row = {"page ready s": time.perf_counter() - began} | _edits(page)
    times = [_seconds(lambda: page.open("log.anyscene")) for _ in range(OPENINGS)]
    row[f"log of {LOG_S:.0f} s and {LOG_AGENTS} agents open s"] = statistics.median(times)
    page.open("log.anyscene")
    strokes = _strokes(page)
    row[f"slowdown over {STROKES} strokes in {STROKES_S:.0f} s"] = statistics.median(strokes[-100:]) / statistics.median(strokes[:100])
    row["memory of the studio MB"] = _memory_mb(process.pid)
    row["large: open s"] = _seconds(lambda: page.open("large.anyscene"))
    for k in range(LARGE_EDITS):
        page.command("paint_stroke", channel="walkway", radius_m=1.0, points=[[k % 90, -9], [k % 90 + 3, 0]])
    row |= {f"large: {name}": took for name, took in _edits(page).items()}
    row["large: memory of the studio MB"] = _memory_mb(process.pid)
    page.send(type="new", template="crossing")
    page.wait("document", lambda message: message["name"] == "crossing")
    page.socket.close()
    row |= in_the_page(url)
    time.sleep(2.0)  # what was under way ends
    before, at = _cpu_s(process.pid), time.perf_counter()
    time.sleep(IDLE_S)
    row["idle processor %"] = 100 * (_cpu_s(process.pid) - before) / (time.perf_counter() - at)
    return row


def _edits(page: _Page) -> Row:
    """What an edit of the scene that is open costs."""
    page.command("paint_stroke", channel="walkway", radius_m=1.0, points=[[0, 0], [1, 1]])
    row: Row = {}
    row["stroke acknowledged ms"] = _median_ms(
        lambda k: page.command("paint_stroke", channel="drivable_area", radius_m=2.0, points=[[k / 5, -6], [k / 5 + 8, 6]])
    )
    car = page.command("add_agent", class_name="car", x=5.0, y=0.0)["made"]
    row["agent drag acknowledged ms"] = _median_ms(lambda k: page.command("move", ids=[car], dx=0.1, dy=0.0))
    row["undo ms"] = _median_ms(lambda k: page.command("undo"))
    row["scrub to another frame, strip drawn ms"] = _median_ms(lambda k: page.scrub(k % 40 + 1))
    return row


def _strokes(page: _Page) -> list[float]:
    """As fast as a hurried person paints: without a pause a hundred of them are over in 0.1 s, and tell what else the machine did just then."""
    took, began = [], time.perf_counter()
    for k in range(STROKES):
        time.sleep(max(0.0, began + k * STROKES_S / STROKES - time.perf_counter()))
        took.append(
            _seconds(lambda k=k: page.command("paint_stroke", channel="walkway", radius_m=1.0, points=[[k % 40, 0], [k % 40 + 3, 9]]))
        )
    return took


class _Page:
    """What a browser tab is to the studio."""

    def __init__(self, url: str) -> None:
        from websockets.sync.client import connect

        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                    cookie = answer.headers["Set-Cookie"].split(";")[0]
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise CommandError("The studio did not answer: start it with 'launch.py' and read what it says.") from None
                time.sleep(0.02)
        self.socket = connect(
            f"{url.replace('http', 'ws', 1)}ws/default", proxy=None, max_size=2**26, origin=url.rstrip("/"),  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
        )  # fmt: skip
        self.seq = 0
        self.send(type="hello")
        self.wait("document")

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def wait(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if message["type"] == kind and fits(message):
                return message

    def command(self, name: str, **args: Any) -> dict[str, Any]:
        """The acknowledgement; `made` is the id of an agent that it added."""
        self.seq += 1
        self.send(type="command", seq=self.seq, name=name, args=args)
        ack = self.wait("ack", lambda message: message["seq"] == self.seq)
        if not ack["ok"]:
            raise CommandError(f"The studio refused '{name}': {ack['error']}")
        if name == "add_agent":
            ack["made"] = self.wait("patch", lambda message: message["rev"] >= ack["rev"])["set"][0]["id"]
        return ack

    def scrub(self, frame: int) -> None:
        self.send(type="frame", frame=frame)
        self.wait("strip", lambda message: message["frame"] == frame)

    def open(self, path: str) -> None:
        self.send(type="open", path=path)
        self.wait("document", lambda message: message["name"] == path.removesuffix(".anyscene"))


def _write_log(path: Path) -> None:
    """A street with many agents on it, each with a keyframe a second."""
    from dataclasses import replace

    from editor.entities import Agent, Keyframe
    from editor.files import project
    from editor.samples import SAMPLES
    from engine.spec.geometry import Pose

    scene = replace(SAMPLES["crossing"](), name="log", duration_s=LOG_S)
    agents = []
    for number in range(LOG_AGENTS):
        x, y = -60.0 + 1.3 * number, (-1.75, 1.75, 5.25)[number % 3]
        keyframes = tuple(Keyframe(float(second), Pose(x + 2.0 * second, y)) for second in range(round(LOG_S)))
        agents.append(Agent(f"log-{number}", 1000 + number, "car", (4.5, 1.9, 1.6), keyframes, name=f"car {number}"))
    project.save(scene.with_entities(*agents), path)


def _write_large(path: Path) -> None:
    """A town of many agents and map elements, most of them beyond the generated window."""
    from dataclasses import replace

    from editor.entities import Agent, Area, Keyframe, Line
    from editor.files import project
    from editor.samples import SAMPLES
    from engine.spec.geometry import Pose

    made: list[Agent | Area | Line] = []
    for number in range(LARGE_AGENTS):
        x, y = 8.0 * (number % 50) - 200.0, 8.0 * (number // 50) - 160.0
        track = Keyframe(0.0, Pose(x, y)), Keyframe(4.0, Pose(x + 6.0, y))
        made.append(Agent(f"agent-{number}", 1000 + number, "car", (4.5, 1.9, 1.6), track, name=f"car {number}"))
    for number in range(LARGE_ELEMENTS):
        x, y = 6.0 * (number % 70) - 210.0, 6.0 * (number // 70) - 210.0
        if number % 2:
            made.append(Line(f"line-{number}", "lane_divider", ((x, y), (x + 5.0, y + 0.5))))
        else:
            made.append(Area(f"area-{number}", "walkway", ((x, y), (x + 4.0, y), (x + 4.0, y + 3.0), (x, y + 3.0))))
    project.save(replace(SAMPLES["crossing"](), name="large").with_entities(*made), path)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _median_ms(work: Callable[[int], object]) -> float:
    return 1000 * statistics.median(_seconds(lambda k=k: work(k)) for k in range(ROUNDS))


def _cpu_s(pid: int) -> float:
    """Processor seconds of the studio's process; its engine's are its own."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1000  # type: ignore[union-attr]
