"""The queue: order, estimates, retry, and what of it a studio that was killed finds again. The worker is a stand-in that answers as it is told."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.jobs import store as store_module
from app.jobs.basis import Basis, Redrawn
from app.jobs.conditions import Conditions
from app.jobs.errand import Errand
from app.jobs.job import Job
from app.jobs.pace import Pace
from app.jobs.protocol import Answer, Do, Ended, FrameMade, Loaded, Loading, Make, PictureMade
from app.jobs.queue_file import QueueFile
from app.jobs.request import TakeRequest
from app.jobs.store import JobStore
from editor.entities import CameraEntity
from editor.samples import SAMPLES
from engine.api import OccupancyFrame, Recipe
from engine.spec.grid import OCC3D
from tests.app.test_draft import wait_until

DOCUMENT = SAMPLES["crossing"]()
RECIPE = Recipe("fake", "fake", seed=3)


class Worker:
    """Takes requests, and gives the answers that a test puts in."""

    started: list[Worker] = []

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.told: SimpleQueue[Answer | None] = SimpleQueue()
        self.process = SimpleNamespace(is_alive=lambda: True, pid=0)
        self.cancelled: list[int] = []
        Worker.started.append(self)

    def send(self, request: Any) -> bool:
        self.sent.append(request)
        return True

    def cancel(self, serial: int) -> None:
        self.cancelled.append(serial)

    def answers(self) -> Any:
        while (answer := self.told.get()) is not None:
            yield answer

    def close(self) -> None:
        self.told.put(None)


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WorkerProcess", Worker)
    Worker.started = []


def store(folder: Path) -> JobStore:
    return JobStore(lambda job, message, answer: None, "fake", "cpu", folder / "queue")


def request(folder: Path, name: str = "take", **fields: Any) -> TakeRequest:
    return TakeRequest(DOCUMENT, folder / name, RECIPE, **{"until": "occupancy", "frames": 4, **fields})


def plain(asked: TakeRequest | Errand) -> Any:
    """All of a request as values that can be compared; a basis compares by identity."""
    basis = getattr(asked, "basis", None)
    held = {one.name: getattr(asked, one.name) for one in fields(asked)}
    return held if basis is None else held | {"basis": (basis.folder, basis.frames, basis.seen_anew)}


def order(jobs: JobStore) -> list[str]:
    return [str(row["id"]) for row in jobs.all() if row["state"] in ("queued", "running")]


def test_jobs_run_in_order_and_the_order_can_be_changed(tmp_path):
    jobs = store(tmp_path)
    first, *rest = [jobs.submit("a", request(tmp_path, f"take{k}")) for k in range(4)]
    assert first.state == "running" and [jobs.position(job) for job in rest] == [1, 2, 3]
    assert jobs.move(rest[2].id, 1) and order(jobs) == [first.id, rest[2].id, rest[0].id, rest[1].id]
    assert jobs.move(rest[2].id, 99) and order(jobs) == [first.id, rest[0].id, rest[1].id, rest[2].id]
    assert not jobs.move(first.id, 1), "what runs stands in no queue"
    Worker.started[0].told.put(Ended(first.serial, "done"))
    wait_until(lambda: rest[0].state == "running")
    assert [one.serial for one in Worker.started[0].sent if isinstance(one, Make)] == [first.serial, rest[0].serial]
    jobs.close()


def test_cancel_mine_leaves_the_others(tmp_path):
    jobs = store(tmp_path)
    running = jobs.submit("a", request(tmp_path, "one"))
    mine, theirs = jobs.submit("a", request(tmp_path, "two")), jobs.submit("b", request(tmp_path, "three"))
    assert jobs.cancel_all("a") == 2
    assert mine.state == "cancelled" and running.cancelling and theirs.state == "queued" and not theirs.cancelling
    Worker.started[0].told.put(Ended(running.serial, "cancelled"))
    wait_until(lambda: theirs.state == "running")
    assert running.state == "cancelled"
    jobs.close()


def test_a_job_that_failed_is_run_again_into_a_folder_of_its_own(tmp_path):
    jobs = store(tmp_path)
    job = jobs.submit("a", request(tmp_path, "one"), item="rain")
    assert jobs.retry(job.id, tmp_path / "two") is None, "it runs yet"
    Worker.started[0].told.put(Ended(job.serial, "failed", "No memory."))
    wait_until(lambda: job.state == "failed")
    again = jobs.retry(job.id, tmp_path / "two")
    assert again is not None and again.request.out == tmp_path / "two" and again.item == "rain" and again.state == "running"
    assert isinstance(again.request, TakeRequest) and again.request.document is DOCUMENT and jobs.get(job.id) is None
    jobs.close()


@pytest.mark.parametrize("way", ["killed", "closed"])
def test_the_queue_outlives_the_studio(tmp_path, way):
    jobs = store(tmp_path)
    asked = [
        request(tmp_path, "take1", cameras=("CAM_FRONT",), anchors={"CAM_FRONT": tmp_path / "a.png"}, start_s=0.25, until="video"),
        request(tmp_path, "take2", basis=Basis(tmp_path / "older", 3, seen_anew=True), gbuffers=True, until="video"),
    ]
    running = jobs.submit("a", request(tmp_path))
    waiting = [jobs.submit("a", one, item=f"item {k}") for k, one in enumerate(asked)]
    errand = jobs.submit("b", Errand("export", tmp_path / "older", tmp_path / "x.zip", "occ3d"))
    jobs.move(waiting[1].id, 1)
    if way == "closed":
        jobs.close()

    again = store(tmp_path)
    back = {str(row["id"]): row for row in again.all()}
    assert order(again) == [waiting[1].id, waiting[0].id, errand.id], "what waited waits again, in its order"
    assert back[running.id]["state"] == "failed" and "studio ended" in str(back[running.id]["message"]).lower()
    assert not Worker.started[1:], "nothing begins by itself before the page is up"
    for old in (*waiting, errand):
        new = again.get(old.id)
        assert new is not None and plain(new.request) == plain(old.request) and (new.workspace, new.item) == (old.workspace, old.item)
    again.resume()
    first = again.get(waiting[1].id)
    assert first is not None and first.state == "running"
    later = again.submit("a", request(tmp_path, "take3"))
    assert later.serial > errand.serial, "no name is given twice"
    again.close()
    jobs.close()


def test_what_failed_can_be_run_again_by_a_later_studio_and_what_is_done_has_no_row(tmp_path):
    jobs = store(tmp_path)
    bad, good, unwanted = [jobs.submit("a", request(tmp_path, name), item=name) for name in ("bad", "good", "unwanted")]
    jobs.cancel(unwanted.id)
    Worker.started[0].told.put(Ended(bad.serial, "failed", "No memory."))
    wait_until(lambda: good.state == "running")
    Worker.started[0].told.put(Ended(good.serial, "done"))
    wait_until(lambda: good.state == "done")
    jobs.close()
    for _ in range(2):
        again = store(tmp_path)
        assert [(row["id"], row["state"], row["message"], row["item"]) for row in again.all()] == [(bad.id, "failed", "No memory.", "bad")]
        again.resume()
        again.submit("a", request(tmp_path, "other"))  # writes the list again
        again.cancel_all("a")
        Worker.started[-1].told.put(Ended(max(job.serial for job in again.of("a")), "cancelled"))
        wait_until(lambda again=again: order(again) == [])
        again.close()
    last = store(tmp_path)
    retried = last.retry(bad.id, tmp_path / "anew")
    assert retried is not None and retried.state == "running" and last.get(bad.id) is None
    last.close()


def test_a_frame_that_was_drawn_anew_comes_back_bit_for_bit(tmp_path):
    rng = np.random.default_rng(1)
    frame = OccupancyFrame(2, rng.integers(0, 21, OCC3D.shape, np.uint8), rng.integers(0, 9, OCC3D.shape, np.uint16))
    clip = request(tmp_path).clip()
    redrawn = Redrawn(frame, Conditions.of(clip, 2), ({"region_m": [[0.0, 1.0], [2.0, 3.0], [4.0, 0.0]], "seed": 4, "quality": "draft"},))
    asked, file = request(tmp_path, basis=Basis(tmp_path / "older", 4, redrawn)), QueueFile(tmp_path / "queue")
    file.keep(asked)
    file.write([Job("job-1", 1, "a", asked)])
    (job,) = file.read()
    assert isinstance(job.request, TakeRequest) and job.request.basis is not None
    back = job.request.basis.redrawn
    assert back is not None and back.regions == redrawn.regions and back.frame.index == 2
    assert (back.frame.semantics == frame.semantics).all() and (back.frame.instances == frame.instances).all()
    assert back.conditions.digest() == redrawn.conditions.digest()
    next((tmp_path / "queue").glob("*.anyscene")).unlink()
    file.write([Job("job-1", 1, "a", asked)])
    assert len(file.read()) == 1, "what the list names is there, whatever became of what was kept ahead"
    file.write([])
    assert [path.name for path in (tmp_path / "queue").iterdir()] == ["queue.json"], "what no job needs is deleted"


def test_a_damaged_queue_costs_only_what_is_damaged(tmp_path, caplog):
    file = QueueFile(tmp_path / "queue")
    jobs = [Job(f"job-{k}", k, "a", request(tmp_path, f"take{k}")) for k in (1, 2)]
    file.keep(jobs[0].request)
    file.write(jobs)
    listed = json.loads((tmp_path / "queue" / "queue.json").read_text())
    listed["jobs"][0]["recipe"] = {"nonsense": 1}
    (tmp_path / "queue" / "queue.json").write_text(json.dumps(listed))
    assert [job.id for job in file.read()] == ["job-2"] and "left out" in caplog.text
    (tmp_path / "queue" / "queue.json").write_text("{")
    assert file.read() == [] and "begins empty" in caplog.text


def test_an_errand_waits_in_the_same_line(tmp_path):
    jobs = store(tmp_path)
    job = jobs.submit("a", Errand("evaluate", tmp_path / "take", tmp_path / "scores.json"))
    assert isinstance(Worker.started[0].sent[-1], Do)
    message = jobs.told(job)
    assert message["kind"] == "evaluate" and message["name"] == "take" and message["recipe"] is None
    Worker.started[0].told.put(Ended(job.serial, "done"))
    wait_until(lambda: job.state == "done")
    jobs.close()


def take_json(
    folder: Path, frames: int, seconds: dict[str, float], cameras: int = 2, first_seconds: dict[str, float] | None = None, **recipe: Any
) -> None:
    folder.mkdir(parents=True)
    told = {"occupancy": "fake", "views": "fake", "steps": None, **recipe}
    (folder / "take.json").write_text(json.dumps({"frame_count": frames, "seconds": seconds, "first_seconds": first_seconds or {}, "recipe": told}))
    (folder / "cameras.json").write_text(json.dumps([{}] * cameras))


def test_the_pace_is_learned_from_takes_and_from_nothing_else(tmp_path):
    pace = Pace()
    asked = request(tmp_path, "new", until="video", frames=10)
    assert pace.whole_s(asked) is None, "nothing is guessed"
    take_json(tmp_path / "takes" / "a", 4, {"occupancy": 8.0, "buffers": 1.0, "video": 3.0})
    pace.learn_from(tmp_path / "takes")
    cameras = len([one for one in DOCUMENT.of(CameraEntity) if one.enabled])
    assert pace.whole_s(asked) == pytest.approx(10 * 2.0 + 10 * cameras * 0.5)
    assert pace.whole_s(request(tmp_path, until="occupancy", frames=10)) == pytest.approx(20.0)
    kept = request(tmp_path, until="occupancy", frames=10, basis=Basis(tmp_path / "a", 6))
    assert pace.whole_s(kept) == pytest.approx(8.0), "frames that are kept take no time"
    take_json(tmp_path / "takes" / "b", 4, {"occupancy": 16.0}, steps=30)
    pace.learn(tmp_path / "takes" / "b")
    assert pace.frame_s == {"fake": 2.0, "fake/30": 4.0}, "other steps, another pace"
    (tmp_path / "takes" / "c").mkdir()
    (tmp_path / "takes" / "c" / "take.json").write_text("[1")
    pace.learn_from(tmp_path / "takes")


def test_the_take_that_compiled_the_kernels_says_nothing_of_the_next_one(tmp_path):
    pace = Pace()
    take_json(tmp_path / "cold", 3, {"occupancy": 244.0, "buffers": 0.0, "video": 62.5}, first_seconds={"occupancy": 240.0, "video": 60.0})
    pace.learn(tmp_path / "cold")
    assert pace.frame_s == {"fake": 2.0} and pace.picture_s == {"fake": 0.5}
    pace = Pace()
    take_json(tmp_path / "warm", 3, {"occupancy": 8.0, "video": 6.0}, first_seconds={"occupancy": 4.0, "video": 3.0})
    pace.learn(tmp_path / "warm")
    assert pace.frame_s == {"fake": pytest.approx(8 / 3)} and pace.picture_s == {"fake": 1.0}, "a first frame costs a little more on any machine"


def test_a_single_first_frame_may_have_compiled_kernels_and_is_not_learned_from(tmp_path):
    pace = Pace()
    take_json(tmp_path / "a", 1, {"occupancy": 240.0})
    pace.learn(tmp_path / "a")
    assert pace.frame_s == {}, "the kernels' compiling would be expected of every frame"
    take_json(tmp_path / "b", 1, {"occupancy": 4.0})
    pace.learn(tmp_path / "b")
    assert pace.frame_s == {"fake": 4.0}, "the second one tells what a frame takes"
    take_json(tmp_path / "c", 1, {"occupancy": 240.0})
    pace.learn(tmp_path / "c")
    assert pace.frame_s == {"fake": 4.0}, "compiled again, after an update"
    take_json(tmp_path / "d", 1, {"occupancy": 8.0})
    pace.learn(tmp_path / "d")
    assert pace.frame_s == {"fake": 6.0}
    take_json(tmp_path / "e", 1, {"occupancy": 5.0}, steps=30)
    take_json(tmp_path / "f", 3, {"occupancy": 9.0}, steps=30)
    pace.learn(tmp_path / "e")
    pace.learn(tmp_path / "f")
    assert pace.frame_s == {"fake": 6.0, "fake/30": 3.0}, "several frames need no second take"


def test_the_estimate_converges_on_what_a_job_really_takes(tmp_path, monkeypatch):
    pace, now = Pace(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace.frame_s["fake"] = 1.0
    job = Job("job-1", 1, "a", request(tmp_path, frames=40), state="running", started=100.0, work_started=100.0)
    assert pace.left_s(job) == pytest.approx(40.0)
    errors = []
    for made in range(1, 41):
        # It takes three times what was known.
        now[0], job.frames_kept = 100.0 + 3.0 * made, made
        left = pace.left_s(job)
        assert left is not None
        errors.append(abs(left - 3.0 * (40 - made)))
    assert errors[-1] == 0 and errors[20] < 0.15 * 60 and errors[-2] < 1.0 and errors[0] > errors[10] > errors[30]


def test_a_first_piece_is_expected_to_take_its_time(tmp_path, monkeypatch):
    pace, now = Pace(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace.frame_s["fake"] = 20.0
    job = Job("job-1", 1, "a", request(tmp_path, frames=2), state="running", started=100.0, work_started=100.0)
    for seconds in (5.0, 10.0, 15.0):
        now[0] = 100.0 + seconds
        assert pace.left_s(job) == pytest.approx(40.0 - seconds), "nothing was slow so far"
    now[0] = 160.0  # three times as long as it should: the other one will need as much
    assert pace.left_s(job) == pytest.approx(63 / 21 * 22)


def test_an_unknown_pace_is_told_once_a_frame_and_its_pictures_are_there(tmp_path, monkeypatch):
    """Pictures are far quicker than the first frame, of which so many pieces as slow would be hours."""
    pace, now = Pace(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    asked = request(tmp_path, until="video", frames=4)
    cameras = len([one for one in DOCUMENT.of(CameraEntity) if one.enabled])
    job = Job("job-1", 1, "a", asked, state="running", started=100.0, work_started=100.0)
    now[0], job.frames_kept = 300.0, 1
    assert pace.left_s(job) is None
    now[0], job.pictures_made = 301.0, cameras - 1
    assert pace.left_s(job) is None
    now[0], job.pictures_made = 320.0, cameras
    assert pace.left_s(job) == pytest.approx(3 * 220.0)


def test_positions_and_times_are_told(tmp_path):
    jobs = store(tmp_path)
    jobs.pace.frame_s["fake"] = 2.0
    running, waiting = jobs.submit("a", request(tmp_path, "one")), jobs.submit("a", request(tmp_path, "two", frames=6))
    worker = Worker.started[0]
    worker.told.put(Loading(running.serial, "occupancy 'fake'"))
    worker.told.put(Loaded(running.serial, "occupancy 'fake'", 5.0))
    worker.told.put(FrameMade(running.serial, 0, (1, 1, 1), b"", b""))
    worker.told.put(PictureMade(running.serial, "CAM", 0, b""))
    wait_until(lambda: running.pictures_made == 1)
    message = jobs.told(waiting)
    assert message["position"] == 1 and message["eta_s"] == pytest.approx(12.0)
    starts, left = message["starts_in_s"], jobs.told(running)["eta_s"]
    assert isinstance(starts, float) and 0 < starts <= 8.0 and starts == pytest.approx(left, abs=0.5)
    jobs.close()
