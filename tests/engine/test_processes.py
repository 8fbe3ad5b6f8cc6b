"""Several processes learn as one with the larger batch, and only the first of them writes; the curves that it draws."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.train.curves import draw_curves, read_log

ROOT = Path(__file__).resolve().parents[2]
LEARNER = '''
import os, signal, sys
from dataclasses import dataclass
from pathlib import Path
import torch
from torch import nn
from engine.train import processes
from engine.train.loop import Schedule, train

class Net(nn.Module):
    """Convolutions, a parameter that odd batches alone reach, and one that nothing reaches."""
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 1, 3))
        self.sometimes, self.never = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))

def loss(model, batch, generator):
    with torch.autocast("cpu", enabled=False):
        total = (model.body(batch["x"]).mean((1, 2, 3)) - batch["x"].mean((1, 2, 3))).square().mean()
        if batch["odd"].any():
            total = total + (batch["odd"][:, None] * (model.sometimes - 3).square()).mean()
    return {"total": total}

@dataclass
class Batches:
    """Batch n of two rows; `doubled` gives 2 n and 2 n + 1 together; `kills` stops this process while it makes that one."""
    doubled: bool = False
    kills: int = -1
    def __call__(self, number):
        if self.doubled:
            parts = [Batches()(2 * number), Batches()(2 * number + 1)]
            return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        if number == self.kills:
            os.kill(os.getpid(), signal.SIGTERM)
        x = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(number))
        return {"x": x, "odd": torch.full((2,), float(number % 2))}

def learn(out, batches, resume=False):
    among = processes.current("cpu")
    torch.manual_seed(among.rank)  # only the first process's start may count
    model = Net()
    schedule = Schedule(steps=20, batch=2, rate=1e-2, warmup=3, ema=0.9, workers=0, weight_decay=0.1)
    facts = train(model, loss, batches, schedule, Path(out), device=torch.device("cpu"), resume=resume)
    if among.writes:
        torch.save(model.state_dict() | {"steps": torch.tensor(facts["steps"])}, Path(out) / "end.pt")
    return facts

if __name__ == "__main__":
    torch.set_num_threads(1)
    out = sys.argv[1]
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        learn(out + "/one", Batches(doubled=True))
    else:
        learn(out + "/two", Batches())
        learn(out + "/cut", Batches(kills=2 * 6 + 1))  # the second process's batch of step 6
        learn(out + "/cut", Batches(), resume=True)
        processes.leave()
'''


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders one, two and cut: one process with the doubled batch; two as torchrun starts them; those two stopped by a signal and resumed."""
    folder = tmp_path_factory.mktemp("processes")
    script = folder / "learner.py"
    script.write_text(LEARNER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = os.environ | {"PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    started = []
    for words in ({"RANK": "0", "WORLD_SIZE": "2"}, {"RANK": "1", "WORLD_SIZE": "2"}, {"WORLD_SIZE": "1"}):
        command = [sys.executable, str(script), str(folder)]
        started.append(subprocess.Popen(command, env=shared | words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=240)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    return folder


def test_two_processes_learn_as_one_with_the_doubled_batch(runs: Path) -> None:
    one, two = (torch.load(runs / name / "end.pt") for name in ("one", "two"))
    assert one["steps"] == two["steps"] == 20
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-6, msg=name)
    assert (one["never"] == 1).all(), "what has no gradient anywhere must not decay"
    assert (one["sometimes"] != 1).all(), "a gradient in the second process alone must count"


def test_only_the_first_process_writes_and_what_it_logs_is_of_all(runs: Path) -> None:
    rows = {name: [json.loads(line) for line in (runs / name / "log.jsonl").read_text().splitlines()] for name in ("one", "two")}
    assert [row["step"] for row in rows["two"]] == [20]
    for key in ("total", "norm"):
        assert rows["two"][0][key] == pytest.approx(rows["one"][0][key], rel=1e-3)
    assert {path.name for path in (runs / "two").iterdir()} == {"log.jsonl", "curves.png", "checkpoint.pt", "end.pt"}


def test_a_signal_to_one_process_stops_all_at_one_step_and_they_resume(runs: Path) -> None:
    whole, resumed = (torch.load(runs / name / "end.pt") for name in ("two", "cut"))
    for name, tensor in whole.items():
        assert torch.equal(resumed[name], tensor), name


def test_curves_show_what_was_logged(tmp_path: Path) -> None:
    log, picture = tmp_path / "log.jsonl", tmp_path / "curves.png"
    log.write_text("")
    draw_curves(log, picture)
    assert not picture.exists(), "nothing was logged, so there is nothing to show"
    rows = [{"step": 20 * k, "seconds": 1.0, "total": 10.0 / (k + 1), "kl": -0.5 * k, "norm": 1.0, "lovasz": float("nan")} for k in range(900)]
    log.write_text("\n".join(json.dumps(row) for row in rows) + '\n{"step": 40, "total": 7.0}\n{"step": 18')
    curves = read_log(log)
    assert set(curves) == {"total", "kl", "norm"} and len(curves["total"]) == 900
    assert curves["total"][2] == (40, 7.0), "a step that was logged again counts as it was then"
    draw_curves(log, picture)
    with Image.open(picture) as drawn:
        blue = sum(count for count, colour in drawn.getcolors(1 << 16) or [] if colour == (52, 116, 214))
        assert drawn.width == 3 * 420 and blue > 3 * 300
    assert picture.stat().st_size < 60_000 and list(tmp_path.glob("*.tmp")) == []
