"""SIGKILL of a worker and of the driver at random moments: the rerun completes, nothing whole is made twice, nothing half is listed.

One moment each here; ANYSCENE_KILL_MOMENTS=5 tries so many. tests/app/test_fan_out_ray.py kills Ray's nodes.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.fanout import Wanted, expand
from app.fanout.pool import LocalPool
from app.fanout.run import run
from app.fanout.store import Store
from editor.files import project
from engine.spec.take import Take
from tests.app.test_fan_out_run import CROSSING, PLAN, ROOT, InProcess, contents

MOMENTS = int(os.environ.get("ANYSCENE_KILL_MOMENTS", "1"))
SLOW = replace(PLAN, variations=(Wanted("original"), Wanted("hard_brake"), Wanted("rig_move")), presets=("fake:0.2",), seeds=(0, 1))
"""Six takes of 2 frames, 0.4 s each."""

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
    pytest.mark.timeout(120 + 60 * MOMENTS),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Key -> hashes of the files of its take, made one after the other."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(expand(SLOW), folder, InProcess(), SLOW.gate)
    return {item.key: contents(folder / item.key) for item in expand(SLOW).items}


def children(pid: int) -> list[int]:
    """Processes that a process started to spawn work in (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid and b"spawn_main" in (entry.parent / "cmdline").read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def stamps_of_whole_takes(store: Store) -> dict[str, int]:
    """Key -> when it was made, of all that is listed, each of which must be whole: every file that it lists, with its hash, and no other."""
    found = {}
    for key in store.landed() if (store.root / ".fanout/rows").is_dir() else ():
        folder = store.take(key)
        assert Take.open(folder).info["finished"] and store.row(key)["key"] == key
        listed = {file["path"]: file["sha256"] for file in store.files(key)}
        there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()}
        found[key] = (folder / "take.json").stat().st_mtime_ns
    return found


def check_rerun(root: Path, before: dict[str, int], undisturbed: dict[str, dict[str, str]]) -> None:
    """What a run after the kill must leave."""
    store = Store(root)
    after = stamps_of_whole_takes(store)
    assert after.keys() == undisturbed.keys() and not store.begun()
    assert all(after[key] == stamp for key, stamp in before.items()), "what was whole was made again"
    assert all(contents(store.take(key)) == undisturbed[key] for key in after)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_killed_worker_costs_the_takes_in_hand_and_they_are_made_again(moment: int, tmp_path: Path, undisturbed: dict[str, dict[str, str]]) -> None:
    store, dice = Store(tmp_path), random.Random(moment)
    store.prepare()
    before: dict[str, int] = {}
    killed: list[int] = []

    def kill_one_at_work() -> None:
        while not store.begun():
            time.sleep(0.02)
        time.sleep(dice.uniform(0.0, 1.0))
        victims = children(os.getpid())
        if victims:
            killed.append(dice.choice(victims))
            os.kill(killed[0], signal.SIGKILL)
            before.update({key: (store.take(key) / "take.json").stat().st_mtime_ns for key in store.landed()})

    killer = threading.Thread(target=kill_one_at_work)
    killer.start()
    report = run(expand(SLOW), tmp_path, LocalPool(2, "cpu"), SLOW.gate)
    killer.join()
    assert killed and report.whole and report.made == len(undisturbed)
    check_rerun(tmp_path, before, undisturbed)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_killed_driver_leaves_whole_takes_only_and_the_next_run_goes_on(
    moment: int, tmp_path: Path, undisturbed: dict[str, dict[str, str]]
) -> None:
    project.save(CROSSING, tmp_path / "crossing.anyscene")
    out, dice = tmp_path / "out", random.Random(100 + moment)
    argv = [sys.executable, "-m", "app.commands.parser", "fan-out", str(tmp_path / "crossing.anyscene"), "-o", str(out)]
    argv += ["--variations", "original,hard_brake,rig_move", "--seeds", "0,1", "--preset", "fake:0.2", "--frames", "2"]
    argv += ["--until", "occupancy", "--workers", str(1 + moment % 2)]
    driver = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL)
    store = Store(out)
    while not (out / ".fanout" / "making").is_dir() or not store.begun():
        assert driver.poll() is None
        time.sleep(0.02)
    time.sleep(dice.uniform(0.0, 2.0))
    orphans = children(driver.pid)
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in orphans), "a worker ends with its driver"
    before = stamps_of_whole_takes(store)
    again = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"6 takes, of which {len(before)} are there." in again.stdout
    check_rerun(out, before, undisturbed)
