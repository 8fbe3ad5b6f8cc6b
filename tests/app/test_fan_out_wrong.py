"""What goes wrong is one line each in the report, the rest goes on, and the exit code says so: by the command, on a disk that is full for real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.commands import parser
from app.fanout import expand, read_plan
from app.fanout.run import run
from app.fanout.store import Store
from editor.files import project
from editor.samples import SAMPLES
from tests.app.test_fan_out_kill import stamps_of_whole_takes
from tests.app.test_fan_out_run import ROOT, InProcess, contents

SCENES = ("crossing", "highway", "lane_closure")


def test_each_kind_of_trouble_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scene that cannot be read, one that is gone, a variation without a place, a take that fails its gate."""
    for name in ("crossing", "blank"):
        project.save(SAMPLES[name](), tmp_path / f"{name}.anyscene")
    (tmp_path / "broken.anyscene").write_bytes(b"PK no zip")
    (tmp_path / "plan.toml").write_text(
        'scenes = ["*.anyscene", "gone.anyscene"]\nvariations = ["original", "hard_brake"]\nframes = 2\nuntil = "occupancy"\npreset = "fake"\n'
        "[gate]\nobedience_iou = { flag = 100.2, reject = 100.1 }\n"
    )
    code = parser.main(["fan-out", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "out"), "--workers", "1"])
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert code == 3 and "Traceback" not in told.err
    refused = [line for line in lines if line.startswith("refused")]
    assert len(refused) == 3 and all(line.endswith(".") for line in refused)
    assert sum("broken.anyscene" in line for line in refused) == sum("gone.anyscene" in line for line in refused) == 1
    assert sum("'hard_brake' has no place in" in line for line in refused) == 1
    rejected = [line for line in lines if line.startswith("rejected")]
    assert len(rejected) == 2 and all("below 100.1" in line for line in rejected), "the blank page has nothing to measure"
    assert any(line.startswith("3 takes made, 0 were there, 0 failed (") for line in lines)
    assert len(Store(tmp_path / "out").landed()) == 3


def mounts(*more: str) -> list[str] | None:
    """A command that runs a shell in a mount namespace of its own; None where this machine does not let us."""
    for how in (["unshare", "-m"], ["unshare", "-rm"]):
        try:
            if subprocess.run([*how, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0:
                return [*how, "sh", "-c", *more]
        except OSError:
            return None
    return None


@pytest.mark.timeout(300)
def test_a_full_disk_costs_the_takes_that_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    for name in SCENES:
        project.save(SAMPLES[name](), tmp_path / f"{name}.anyscene")
    (tmp_path / "plan.toml").write_text('scenes = ["*.anyscene"]\nframes = 12\nuntil = "occupancy"\npreset = "fake"\n')
    fan = f'"{sys.executable}" -m app.commands.parser fan-out "{tmp_path}/plan.toml" -o "{tmp_path}/disk/out" --workers 1'
    script = (
        f'cd "{ROOT}"; mount -t tmpfs -o size=260k tmpfs "{tmp_path}/disk" || exit 9\n'
        f'{fan} > "{tmp_path}/first" 2>&1; echo $? > "{tmp_path}/code"; cp -r "{tmp_path}/disk/out" "{tmp_path}/full"\n'
        f'mount -o remount,size=64m "{tmp_path}/disk"\n'
        f'{fan} > "{tmp_path}/second" 2>&1; echo $? >> "{tmp_path}/code"; cp -r "{tmp_path}/disk/out" "{tmp_path}/whole"'
    )
    command = mounts(script)
    if command is None:
        pytest.skip("this machine lets nobody mount a small disk")
    assert subprocess.run(command, check=False).returncode == 0
    first, second = (tmp_path / "first").read_text(), (tmp_path / "second").read_text()
    assert (tmp_path / "code").read_text().split() == ["3", "0"], first + second
    failed = [line for line in first.splitlines() if line.startswith("failed")]
    assert failed and all("No space left on device" in line for line in failed) and "Traceback" not in first, first
    before = stamps_of_whole_takes(Store(tmp_path / "full"))
    assert len(before) + len(failed) == len(SCENES) and before, "some fit"
    assert f"{len(failed)} takes made, {len(before)} were there, 0 failed" in second.replace("1 take made", "1 takes made")
    plan = read_plan(tmp_path / "plan.toml")
    run(expand(plan), tmp_path / "roomy", InProcess(), plan.gate)
    for item in expand(plan).items:
        assert contents(tmp_path / "whole" / item.key) == contents(tmp_path / "roomy" / item.key)
