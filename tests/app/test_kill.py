"""SIGKILL of the real server in the middle of a scripted session: each start after it offers the work, and nothing older than a second is missing.

ANYSCENE_KILL_MOMENTS=20 kills it at that many moments; the suite does three. The moments are seeded.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

pytest.importorskip("playwright")

from app.config import AppConfig
from app.jobs.job import LIVE
from editor.files.jsonform import canonical
from engine.spec.take import Take, frames_on_disk
from tests.app.browser_driver import StudioProcess, until
from tests.app.conftest import PATIENCE_S, Page

MOMENTS = int(os.environ.get("ANYSCENE_KILL_MOMENTS", "3"))
LOST_S = 1.0
"""The most that may be missing: what was done in the last second."""
LONGEST_S = 6.0
"""The latest moment of a kill after the session has begun."""
SAVED = 0.3
"""How often all of it is saved when the kill comes: then the scene is to be open again without a question."""
SLOW = "fake:0.15"
WORK = ("name", "prompt", "duration_s", "ego", "entities")

pytestmark = pytest.mark.timeout(200 + 100 * MOMENTS)


@dataclass
class Work:
    """What the page knows of its scene: the document as it was after every step, and when the studio said that it was done."""

    scene: dict[str, Any] = field(default_factory=dict)
    states: list[tuple[float, str]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "document":
            self.scene = {**message, "entities": {one["id"]: one for one in message["entities"]}}
        elif kind == "patch":
            self.scene.update(message.get("fields", {}))
            self.scene.update({key: message[key] for key in ("ego", "can_undo", "can_redo", "edits", "undo_steps", "rev") if key in message})
            for name in message["removed"]:
                self.scene["entities"].pop(name, None)
            self.scene["entities"].update({one["id"]: one for one in message["set"]})
        elif kind == "job":
            self.jobs[message["id"]] = message
        if kind in ("document", "patch"):
            self.states.append((time.monotonic(), told(self.scene)))


def told(scene: dict[str, Any]) -> str:
    """All that was authored, and where undo stands, in one spelling."""
    entities = scene["entities"].values() if isinstance(scene["entities"], dict) else scene["entities"]
    work = {key: scene[key] for key in WORK} | {"entities": sorted(entities, key=lambda one: one["id"])}
    return canonical([work, scene["can_undo"], scene["can_redo"]])


@dataclass
class Tab(Page):
    """A tab that takes note of what it hears."""

    work: Work = field(default_factory=Work)

    def wait_for(self, kind: str, fits: Any = lambda message: True) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            message = json.loads(self.socket.recv(timeout=deadline - time.monotonic()))
            self.work.hear(message)
            if message["type"] == kind and fits(message):
                return message


def arrive(studio: StudioProcess) -> Tab:
    cookies = httpx.get(studio.url, trust_env=False).cookies
    socket: ClientConnection = connect(
        f"{studio.url.replace('http', 'ws', 1)}ws/default", proxy=None, max_size=2**26, origin=studio.url.rstrip("/"),  # type: ignore[arg-type]
        additional_headers={"Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())},
    )  # fmt: skip
    tab = Tab(socket)
    tab.send("hello")
    tab.wait_for("document")
    return tab


def edit(tab: Tab, rng: random.Random) -> None:
    """One thing that a person does: a stroke, an agent, a drag, an undo, a redo, a name, a save."""
    x, y = rng.uniform(-20, 20), rng.uniform(-20, 20)
    cars = [one["id"] for one in tab.work.scene["entities"].values() if one["kind"] == "agent"]
    what = rng.choice(("stroke", "stroke", "agent", "drag", "undo", "redo", "name", "erase", "save"))
    if what in ("stroke", "erase"):
        points = [[x, y], [x + rng.uniform(-15, 15), y + rng.uniform(-15, 15)]]
        tab.command("paint_stroke", channel=rng.choice(("walkway", "drivable_area")), erases=what == "erase", radius_m=1.5, points=points)
    elif what == "agent" or (what == "drag" and not cars):
        tab.command("add_agent", class_name="car", x=x, y=y)
    elif what == "drag":
        tab.command("move", ids=[rng.choice(cars)], dx=x / 10, dy=y / 10)
    elif what == "save":
        tab.send("save", path="work")
    elif what == "name":
        tab.command("set_scene", name=f"scene {rng.randrange(1000)}")
    else:
        tab.command(what)


def play(studio: StudioProcess, tab: Tab, rng: random.Random) -> float:
    """Work until the studio is killed at a random moment, with a job under way; returns when that was."""
    until("the engine is ready", lambda: httpx.get(f"{studio.url}api/health", trust_env=False).json()["engine"] == "ready", patience_s=PATIENCE_S)
    began, moment = time.monotonic(), rng.uniform(0.3, LONGEST_S)
    asked = rng.uniform(0.0, moment / 2)
    try:
        while time.monotonic() < began + moment:
            edit(tab, rng)
            if asked is not None and time.monotonic() > began + asked:
                tab.send("generate", frames=24, preset=SLOW, until="video")
                asked = None
            time.sleep(rng.uniform(0.0, 0.15))
    except (ConnectionClosed, TimeoutError) as gone:
        raise AssertionError("the studio went before it was killed") from gone
    if rng.random() < SAVED:
        tab.send("save", path="work")
        tab.wait_for("saved")
    at = time.monotonic()
    studio.kill()
    return at


def drain(tab: Tab) -> None:
    """What had been sent before the end."""
    try:
        while True:
            tab.work.hear(json.loads(tab.socket.recv(timeout=2)))
    except (ConnectionClosed, TimeoutError):
        tab.socket.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[StudioProcess]:
    studio = StudioProcess(tmp_path / "workspace", preset=SLOW).start()
    yield studio
    if studio.process.poll() is None:
        studio.stop()


def test_a_killed_studio_offers_everything_but_the_last_second(studio: StudioProcess) -> None:
    rng = random.Random(13)
    takes = AppConfig(workspace=studio.workspace).takes
    tab, promised = arrive(studio), {}
    tab.send("generate", frames=2, preset="fake", until="occupancy")
    done = tab.wait_for("job", lambda message: message["state"] not in LIVE)
    promised[done["take"]] = 2
    for moment in range(MOMENTS):
        edit(tab, rng)
        killed = play(studio, tab, rng)
        drain(tab)
        for job in tab.work.jobs.values():
            if job["take"]:
                promised[job["take"]] = max(promised.get(job["take"], 0), job["frames_kept"])
        states = tab.work.states
        safe = max(index for index, (when, _) in enumerate(states) if when <= killed - LOST_S or index == 0)
        acceptable = [state for _, state in states[safe:]]
        trail = [state for _, state in states]

        studio.start()
        tab = arrive(studio)
        again = tab.work.scene["rev"] > 0
        if again:
            assert not tab.work.scene["dirty"], "what no file holds is offered, not opened"
        else:
            assert not tab.work.scene["entities"], "nothing is shown before what was lost is offered"
            offered = tab.wait_for("recovery")["drafts"][0]
            assert offered["crashed"] and offered["lost"] and offered["picture"], offered
            tab.send("restore", which=offered["path"])
            tab.wait_for("document", lambda message: message["rev"] > 0)
        found = tab.work.states[-1][1]
        missing = len(trail) - 1 - max((index for index, state in enumerate(trail) if state == found), default=-1)
        assert found in acceptable, f"moment {moment}: what came back is {missing} steps old"
        print(f"moment {moment}: killed after {len(trail)} steps, {missing} of them missing, {len(promised)} takes, {'open again' if again else 'offered'}")

        shown = tab.work.scene["edits"]
        strip = tab.wait_for("strip", lambda message, shown=shown: message["edits"] == shown and message["cameras"])
        assert httpx.get(f"{studio.url.rstrip('/')}{strip['cameras'][0]['semantic']}", trust_env=False, cookies=cookies(studio)).status_code == 200
        steps = tab.work.scene["undo_steps"]
        for verb in ["undo"] * min(3, steps) + ["redo"] * min(3, steps):
            done = tab.command(verb)
            assert done["ok"], f"{verb} goes on"
            while tab.work.scene["rev"] < done["rev"]:
                tab.wait_for("patch")
        assert canonical(json.loads(found)[0]) == canonical(json.loads(told(tab.work.scene))[0]), "there and back again"
        for folder, frames in promised.items():
            until(f"the take in {folder} has its {frames} frames", lambda folder=folder, frames=frames: frames_on_disk(Path(folder)) >= frames)
            assert Take.open(folder).frame_count >= frames
        tab.send("list_files")
        listed = {row["path"] for row in tab.wait_for("files")["takes"]}
        assert {str(takes / Path(folder).name) for folder in promised} <= listed, "no take is lost"
        assert not [job for job in tab.work.jobs.values() if job["state"] in LIVE]
    tab.socket.close()


def cookies(studio: StudioProcess) -> dict[str, str]:
    return dict(httpx.get(studio.url, trust_env=False).cookies)
