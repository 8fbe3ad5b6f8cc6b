"""Several GPUs: one process each, started by `torchrun` or `accelerate launch`, which both say who is who in the environment.

    .venv/bin/torchrun --nproc-per-node 8 launch.py train vae --preset paper -o DIR

Every process takes its own batches and the gradients are averaged, so N processes with batch B learn as one with batch N B does.
All see one folder DIR (resuming reads its checkpoint in every process); only the first writes into it.

This is plain torch.distributed, and neither DistributedDataParallel nor `accelerate` (which wraps the former): both synchronise in
`forward`, and our losses call a model's parts (encode, decode, read_layout, denoise) instead; it also saves a dependency.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Processes:
    """Which of how many processes this is; with one, nothing here communicates."""

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process may write logs, checkpoints, pictures and weights: the first one."""
        return self.rank == 0

    def number(self, step: int) -> int:
        """Which batch and which noise this process takes at a step: between them the processes use 0, 1, 2, ... once each."""
        return step * self.count + self.rank

    def share_start(self, model: nn.Module) -> None:
        """Every process begins with the first one's weights."""
        if self.count > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)

    def average(self, model: nn.Module, terms: Mapping[str, Tensor], stop: bool) -> tuple[dict[str, Tensor], bool]:
        """Averages gradients in place; returns the loss terms averaged, and whether any process was asked to stop.

        A parameter that had no gradient in any process keeps none (its moments and decay rest); one that had it somewhere counts as 0
        where it had none, as it would in the larger batch.
        """
        if self.count == 1:
            return {name: term.detach() for name, term in terms.items()}, stop
        parameters = [p for p in model.parameters() if p.requires_grad]
        device = parameters[0].device
        told = torch.tensor([float(stop), *(float(p.grad is not None) for p in parameters)], device=device)
        told = torch.cat([torch.stack([term.detach().float() for term in terms.values()]), told])
        dist.all_reduce(told)
        means, (stops, *had) = told[: len(terms)] / self.count, told[len(terms) :].tolist()
        gradients = []
        for parameter, anywhere in zip(parameters, had, strict=True):
            if anywhere:
                parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                gradients.append(parameter.grad)
        for work in [dist.all_reduce(gradient, async_op=True) for gradient in gradients]:
            if work is not None:
                work.wait()
        torch._foreach_div_(gradients, self.count)  # type: ignore[reportPrivateImportUsage]
        return dict(zip(terms, means, strict=True)), stops > 0


def current(device: str = "auto") -> Processes:
    """This process among those that its launcher started; the first call joins them. On CUDA it takes the card LOCAL_RANK.

    Call it before anything is put on 'cuda', which means card 0 until then. Raises ValueError where there are fewer cards than processes.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes()
    if not dist.is_initialized():
        cuda = device != "cpu" and torch.cuda.is_available()
        if cuda:
            local, cards = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
            if local >= cards:
                raise ValueError(f"The launcher started process {local} on a machine of {cards} cards: start as many as there are cards.")
            torch.cuda.set_device(local)
        dist.init_process_group("nccl" if cuda else "gloo")
    return Processes(dist.get_rank(), count)


def wait() -> None:
    """Until every process has come here."""
    if dist.is_initialized():
        dist.barrier()


def leave() -> None:
    """Waits for the other processes and, where there are any, ends this one with status 0: call it last.

    Ended by hand, because the communication's threads race with the end of the interpreter and now and then abort a process that
    had done its work ("terminate called without an active exception", seen on a busy machine).
    """
    if dist.is_initialized():
        dist.barrier()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
