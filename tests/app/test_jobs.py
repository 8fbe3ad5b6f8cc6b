"""Generation through the worker process: order, progress, cancel, and what a killed worker costs."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from app.jobs.job import LIVE
from engine.spec.take import Take
from tests.app.test_draft import wait_until

SLOW, FRAMES = "fake:0.15", 12
LONG = 40
"""Frames of a job that is cut short: 6 s, so that it is still under way when the test comes to it."""


def generate(page, **fields):
    page.send("generate", **{"frames": FRAMES, "preset": "fake", "until": "occupancy", "start_frame": 0, "seed": 0, **fields})
    job = page.wait_for("job", lambda m: m["state"] in LIVE and m["id"] not in page.jobs)["id"]
    page.jobs.add(job)
    return job


def ended(page, job):
    return page.wait_for("job", lambda m: m["id"] == job and m["state"] not in LIVE)


def after_frames(page, job, count):
    return page.wait_for("job", lambda m: m["id"] == job and m["frames_kept"] >= count)


def test_a_take_arrives_frame_by_frame_and_is_shown(studio):
    with studio.page("take") as page, studio.client() as http:
        page.command("paint_stroke", channel="drivable_area", radius_m=5, points=[[-10, 0], [30, 0]])
        page.command("add_camera", name="front", mount="ego", pose=[1.5, 0, 1.6, -1.5708, 0, -1.5708], width=64, height=36, fov_deg=90)
        page.send("frame", frame=2)
        job = generate(page, until="video", frames=3, seed=7)
        take = page.wait_for("take")
        assert take["start_frame"] == 0 and take["frames"] == 3 and take["stale"] is False and take["seed"] == 7
        strip = page.wait_for("strip", lambda m: m["source"] == "take" and m["cameras"][0]["picture"])
        assert http.get(strip["cameras"][0]["picture"]).headers["content-type"] == "image/jpeg"
        done = ended(page, job)
        assert done["state"] == "done" and done["stage"] == "video" and done["seconds"] > 0
        on_disk = Take.open(done["take"])
        assert (
            on_disk.frame_count == 3
            and on_disk.info["stage"] == "video"
            and set(on_disk.info["seconds"]) == {"layout", "occupancy", "buffers", "video"}
        )
        name = done["take"].rpartition("/")[2]
        assert http.get(f"/api/takes/{name}/take.json").json()["recipe"]["seed"] == 7
        assert http.get(f"/api/takes/{name}/video/front.mp4").status_code == 200
        for outside in ("../x.anyscene", "%2e%2e/x.anyscene", "/etc/passwd", f"{name}/../../../../etc/passwd"):
            assert http.get(f"/api/takes/{outside}").status_code == 404
        page.command("add_agent", class_name="car", x=10, y=0)
        assert page.wait_for("take", lambda m: m["stale"])["id"] == job
        # What was opened from disk shows the same as what was watched arriving.
        page.send("show_take", path=done["take"])
        page.wait_for("take", lambda m: m["id"] == name)
        # Decoded from the video, so its bytes and with them its address are others.
        arrived = strip["cameras"][0]["picture"]
        assert page.wait_for("strip", lambda m: m["cameras"] and m["cameras"][0]["picture"] not in (None, arrived))["source"] == "take"


def test_a_saved_scene_comes_back_with_its_take(studio):
    with studio.page("comeback") as page:
        page.command("set_scene", name="comeback")
        page.command("add_agent", class_name="car", x=5, y=0)
        job = generate(page, until="occupancy", frames=2)
        done = ended(page, job)
        page.send("save", path="comeback")
        page.wait_for("saved")
        page.command("add_agent", class_name="bus", x=15, y=0)
        page.send("save")
        page.wait_for("saved")
        page.send("new")
        page.send("open", path="comeback.anyscene")
        found = page.wait_for("take", lambda m: m["id"] == done["take"].rpartition("/")[2])
        assert found["path"] == done["take"] and found["stale"] is True


def test_cancel_ends_a_job_within_a_step_and_keeps_its_frames(studio):
    with studio.page("cancel") as page:
        job = generate(page, preset=SLOW, frames=LONG)
        after_frames(page, job, 2)
        began = time.monotonic()
        page.send("cancel", job=job)
        end = ended(page, job)
        assert end["state"] == "cancelled" and time.monotonic() - began < 2
        assert 2 <= end["frames_kept"] < LONG and str(end["frames_kept"]) in end["message"]
        assert Take.open(end["take"]).frame_count == end["frames_kept"]
        page.send("cancel", job=job)
        assert job in page.wait_for("notice")["text"]


def test_a_killed_worker_costs_its_job_and_nothing_else(studio):
    with studio.page("crash") as page:
        page.command("add_agent", class_name="car", x=5, y=0)
        job = generate(page, preset=SLOW, frames=LONG)
        after_frames(page, job, 3)
        waiting = generate(page)
        pid = studio.workspaces.jobs.worker_pid
        os.kill(pid, signal.SIGKILL)
        end = ended(page, job)
        assert (
            end["state"] == "failed"
            and "killed" in end["message"]
            and "finished frames are kept" in end["message"]
            and "\n" not in end["message"]
        )
        take = Take.open(end["take"])
        assert take.frame_count >= 3 and (take.semantics[2] != 20).any()
        assert ended(page, waiting)["state"] == "done"
        assert studio.workspaces.jobs.worker_pid != pid
        assert page.command("add_agent", class_name="bus", x=15, y=0)["ok"]


def test_a_frame_that_a_killed_worker_wrote_without_a_word_is_kept(studio):
    with studio.page("silent") as page:
        job = generate(page, preset=SLOW, frames=LONG)
        out = Path(after_frames(page, job, 3)["take"])
        pid = studio.workspaces.jobs.worker_pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        written = Take.open(out).frame_count
        (out / "partial").mkdir(exist_ok=True)
        last = Take.open(out)
        np.savez(out / "partial" / f"{written:05d}.npz", semantics=last.semantics[-1], instances=last.instances[-1])
        os.kill(pid, signal.SIGKILL)
        end = ended(page, job)
        assert end["frames_kept"] == written + 1 == Take.open(out).frame_count and f"{written + 1} finished frames" in end["message"]
        assert page.wait_for("take", lambda m: m["frames"] == written + 1)["id"] == job
        assert studio.workspaces.get("silent").shown.occupancy(written) is not None


def test_a_worker_that_dies_idle_is_replaced_unseen(studio):
    with studio.page("idle-crash") as page:
        assert ended(page, generate(page, frames=1))["state"] == "done"
        pid = studio.workspaces.jobs.worker_pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: studio.workspaces.jobs.worker_pid != pid)
        assert ended(page, generate(page, frames=1))["state"] == "done"


def test_a_job_outlives_its_tab(studio):
    with studio.page("closed-tab") as page:
        job = generate(page, preset=SLOW)
        after_frames(page, job, 1)
    with studio.page("closed-tab") as page:
        assert page.wait_for("job", lambda m: m["id"] == job)["state"] == "running"
        assert page.wait_for("take")["id"] == job
        assert ended(page, job)["state"] == "done"


def test_jobs_run_in_the_order_of_asking_and_nobody_cancels_those_of_others(studio):
    with studio.page("line") as page, studio.page("others") as others:
        running = generate(page, preset=SLOW, frames=LONG)
        theirs, mine = generate(others, frames=1), generate(page, frames=1)
        positions = [studio.workspaces.jobs.position(studio.workspaces.jobs.get(job)) for job in (running, theirs, mine)]
        assert positions == [0, 1, 2]
        page.send("cancel", job=theirs)
        assert "not running here" in page.wait_for("notice", lambda m: m["level"] == "error")["text"]
        page.send("cancel", job=running)
        assert ended(page, mine)["state"] == "done" and ended(others, theirs)["state"] == "done"


def test_progress_tells_stage_pieces_and_time_left(studio):
    with studio.page("progress") as page:
        job = generate(page, preset=SLOW, frames=4)
        told = page.wait_for("job", lambda m: m["id"] == job and m["frames_done"] == 2)
        assert told["state"] == "running" and told["stage"] == "occupancy" and told["frames_total"] == 4
        assert 0.2 < told["eta_s"] < 20
        ended(page, job)


def test_a_preset_that_cannot_be_made_fails_with_its_own_sentence(studio):
    with studio.page("no-camera") as page:
        end = ended(page, generate(page, until="video", frames=1))
        assert end["state"] == "failed" and "camera" in end["message"] and end["take"] is None


def test_scripts_generate_over_plain_http(studio):
    with studio.client() as http:
        assert http.post("/api/ws/script/generate", json={"frames": 0}).status_code == 422
        job = http.post("/api/ws/script/generate", json={"frames": 2, "preset": "fake", "until": "occupancy"}).json()
        deadline = time.monotonic() + 120
        while (state := http.get("/api/ws/script/jobs").json()[-1])["state"] in LIVE:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert state["id"] == job["id"] and state["state"] == "done"
        assert http.post(f"/api/ws/script/jobs/{job['id']}/cancel").status_code == 404
