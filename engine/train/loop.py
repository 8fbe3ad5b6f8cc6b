"""One training loop for every model: resumable to the step, bf16, EMA, several GPUs, a log, curves and a checkpoint on disk.

The batch of step n depends on (seed, n) only, so that a resumed run sees what an uninterrupted one would have seen; of several
processes (`processes.py`) each takes its own, by (seed, n, rank).
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset

from engine.data.frames import DataError
from engine.devices import half_precision
from engine.spec.take import TakeError
from engine.train import processes
from engine.train.cores import calm_worker
from engine.train.curves import draw_curves
from engine.train.processes import Processes

COSINE_FLOOR = 0.01
"""Of the rate; the paper's number was lost."""
BAD_DATA = (DataError, TakeError)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn. The rate warms up, stays, and falls to zero over the last part, or along a cosine over all of it."""

    steps: int
    batch: int
    rate: float
    warmup: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float | None = 0.999
    """Decay of the averaged weights that are shipped; None ships the last ones."""
    ema_from: int = 0
    """Step from which on they are averaged; until then they are the last ones."""
    seed: int = 0
    cosine: bool = False
    """The paper's: from the end of the warm-up to COSINE_FLOOR of the rate at the last step. `fall` is not asked then."""
    fall: float = 0.2
    """Share of the steps over which the rate falls to zero."""
    checkpoint_every_s: float = 60.0
    workers: int = 1
    """Processes that make data."""

    def factor(self, step: int) -> float:
        """Share of the full rate at a step."""
        if self.cosine and step >= self.warmup:
            done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
            return COSINE_FLOOR + (1 - COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * done))
        if self.cosine:
            return (step + 1) / self.warmup
        fall = (self.steps - step) / max(1, int(self.steps * self.fall))
        return min(1.0, (step + 1) / max(1, self.warmup), max(0.0, fall))

    def scaled(self, steps: int | None = None, batch: int | None = None, workers: int | None = None) -> Schedule:
        return replace(self, steps=steps or self.steps, batch=batch or self.batch, workers=self.workers if workers is None else workers)


def check_preset(preset: str, presets: Iterable[str], what: str) -> None:
    """Raises ValueError, one sentence, for a preset that a recipe does not train."""
    if preset not in (there := tuple(presets)):
        raise ValueError(f"There is no {what} to train for preset '{preset}': choose {', '.join(there)}.")


class StepBatches(Dataset):
    """Item n is the batch of this process at step first + n. Bad data come back as the error itself: thrown, a worker adds a traceback."""

    def __init__(self, make: Callable[[int], Mapping[str, Tensor]], first: int, last: int, among: Processes) -> None:
        self.make, self.first, self.last, self.among = make, first, last, among

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int) -> Mapping[str, Tensor] | Exception:
        try:
            return self.make(self.among.number(self.first + index))
        except BAD_DATA as error:
            return error


def train(
    model: nn.Module,
    loss: Callable[[nn.Module, Mapping[str, Tensor], torch.Generator], dict[str, Tensor]],
    make_batch: Callable[[int], Mapping[str, Tensor]],
    schedule: Schedule,
    out: Path,
    *,
    device: torch.device,
    resume: bool,
    groups: Callable[[nn.Module], list[dict[str, Any]]] | None = None,
    picture: Callable[[nn.Module, int], None] | None = None,
) -> dict[str, Any]:
    """Trains `model` in place (its averaged weights where the schedule has an EMA) and returns facts for the card.

    `loss` returns a dict whose "total" is minimised. Stops early, with a checkpoint, on SIGTERM or SIGINT. Of several processes only
    the first writes; `schedule.batch` is what each of them takes.
    """
    among = processes.current(device.type)
    out.mkdir(parents=True, exist_ok=True)
    model.to(device)
    if all(p.dim() < 5 for p in model.parameters()):  # torch has another order of memory for video
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    among.share_start(model)
    average = AveragedModel(model, multi_avg_fn=partial(_follow, schedule.ema), use_buffers=True).eval() if schedule.ema else None
    parameters = groups(model) if groups else [{"params": [p for p in model.parameters() if p.requires_grad]}]
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.99), fused=True)
    rates = [group["lr"] for group in optimiser.param_groups]
    step, spent = 0, 0.0
    checkpoint = out / "checkpoint.pt"
    if resume and checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        if average is not None:
            average.module.load_state_dict(state["average"])
            average.n_averaged.fill_(max(0, min(state["step"], state["step"] - schedule.ema_from + 1)))
        step, spent = state["step"], state["seconds"]
    for group, full in zip(optimiser.param_groups, rates, strict=True):
        group["initial_lr"] = group["lr"] = full
    rate = LambdaLR(optimiser, schedule.factor, last_epoch=step - 1)

    asked_to_stop = False

    def ask_to_stop(*_: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    previous = {name: signal.signal(name, ask_to_stop) for name in (signal.SIGTERM, signal.SIGINT)}
    started = saved = time.monotonic()

    def save() -> None:
        state = {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "step": step,
            "seconds": spent + time.monotonic() - started,
        }
        if average is not None:
            state["average"] = average.module.state_dict()
        write_state(checkpoint, state)

    batches = DataLoader(
        StepBatches(make_batch, step, schedule.steps, among),
        batch_size=None,
        num_workers=schedule.workers,
        prefetch_factor=4 if schedule.workers else None,
        worker_init_fn=calm_worker,
        multiprocessing_context="spawn" if schedule.workers else None,
    )
    model.train()
    smooth: dict[str, float] = {}
    begun_at, warm = step, 0.0
    with (out / "log.jsonl" if among.writes else Path(os.devnull)).open("a") as log:
        for batch in batches:
            if isinstance(batch, BAD_DATA):
                raise batch
            moved = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
            generator = torch.Generator(device).manual_seed(schedule.seed * 1_000_003 + among.number(step))
            with half_precision(device):
                terms = loss(model, moved, generator)
            optimiser.zero_grad(set_to_none=True)
            terms["total"].backward()
            terms, stop = among.average(model, terms, asked_to_stop)
            norm = nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
            optimiser.step()
            rate.step()
            step += 1
            if average is not None:
                if step <= schedule.ema_from:
                    average.n_averaged.zero_()                                       # the next one is taken over as it is
                average.update_parameters(model)
            for key, value in (terms | {"norm": norm}).items():
                smooth[key] = 0.95 * smooth.get(key, float(value)) + 0.05 * float(value)
            now = time.monotonic()
            if step == begun_at + 1:  # it compiles and fills caches
                warm = now
            elif step == begun_at + 3 and among.writes:
                print(cost(model, schedule, schedule.steps - step, (now - warm) / 2, device), flush=True)
            if step % 20 == 0 or step == schedule.steps:
                row = {"step": step, "seconds": round(spent + now - started, 1)} | {key: round(value, 5) for key, value in smooth.items()}
                log.write(json.dumps(row) + "\n")
                log.flush()
                if among.writes:
                    print(" ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            if among.writes and (stop or now - saved > schedule.checkpoint_every_s or step == schedule.steps):
                save()
                saved = now
                draw_curves(out / "log.jsonl", out / "curves.png")
                if picture is not None:
                    picture(average.module if average is not None else model, step)
            if stop:
                break
    for name, handler in previous.items():
        signal.signal(name, handler)
    if average is not None:
        model.load_state_dict(average.module.state_dict())
    model.eval()
    return {
        "steps": step,
        "finished": step >= schedule.steps,
        "hours": round((spent + time.monotonic() - started) / 3600, 3),
        "schedule": asdict(schedule),
        "hardware": hardware(device, among),
    }


def cost(model: nn.Module, schedule: Schedule, left: int, seconds: float, device: torch.device) -> str:
    """A sentence that says what `left` steps of so many seconds will take."""
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    return (
        f"{millions:.1f} M parameters, {left} steps of {schedule.batch}: about {seconds:.2f} s a step on {device}, "
        f"{left * seconds / 3600:.1f} hours as busy as this machine is now; kill -TERM keeps a checkpoint, --resume goes on."
    )


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """What a run goes on from: written beside `path`, then renamed."""
    beside = path.with_suffix(".tmp")
    torch.save(state, beside)
    os.replace(beside, path)


def hardware(device: torch.device, among: Processes) -> str:
    """The card, or the processor and its threads, and how many processes had one each."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    return name if among.count == 1 else f"{among.count} x {name}"


def _follow(decay: float, averages: Any, latest: Any, count: Any) -> None:
    """Moves averaged tensors a step towards the latest ones, the `count`-th that they follow: at first by more, when an average means little."""
    if averages[0].is_floating_point():
        torch._foreach_lerp_(averages, latest, 1 - min(decay, (int(count) + 2) / (int(count) + 11)))  # type: ignore[reportPrivateImportUsage]
    else:
        torch._foreach_copy_(averages, latest)  # type: ignore[reportPrivateImportUsage]
