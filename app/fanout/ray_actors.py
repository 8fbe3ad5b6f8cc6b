"""The same work on a Ray cluster: actors that hold models make items; Ray places them and starts them again.

Where there are GPUs and the pictures need none, an item is made in two places: its occupancy by an actor on a GPU, the rest by an actor on
cores, which gets the frames from Ray's object store. Every node must see this checkout, and the folder that takes land in unless it is a URL,
at the same path, and have the extra `scale` installed. Results are written where they are made; a few hundred bytes an item come back.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.fanout.apart import Recorded
from app.fanout.gate import Gate
from app.fanout.items import Item
from app.fanout.make import Maker, Outcome
from app.fanout.store import Store

RETRIES = 3
"""An item whose actor or node died is tried again so often."""
AHEAD = 2
"""Items whose occupancy is made ahead, for each actor that makes the rest."""
ON_CORES = ("fake", "drawn")
"""View models that need no GPU."""
ROOT = Path(__file__).resolve().parents[2]


class ScaleError(ValueError):
    """A cluster that cannot be used: one sentence."""


class Actor:
    """Body of an actor: models loaded once, one item at a time."""

    def __init__(self, store: Store, gate: Gate, device: str) -> None:
        self._maker = Maker(store, gate, device)

    def ready(self) -> None:
        """Answers once the actor is there."""

    def make(self, item: Item, recorded: Recorded | None = None) -> Outcome:
        """A whole take, or what remains of one once its occupancy was recorded elsewhere."""
        # The try before this one may have landed it, and died before it could say so.
        return self._maker.made(item) or self._maker.make(item, recorded)

    def record(self, item: Item) -> tuple[str, Recorded]:
        """An item's key, which goes to the driver, and its occupancy, which goes to whoever makes the rest."""
        return item.key, self._maker.record(item)


@dataclass(slots=True)
class _Task:
    """An item on its way."""

    item: Item
    item_ref: Any
    recorded: Any = None
    """Reference of its occupancy, once an actor has made it."""
    tries: int = 0


class _Crew:
    """Actors of one kind: who is idle, who is at work on what, and who is being started again."""

    def __init__(self, ray: Any, count: int, resources: dict[str, Any], body: tuple[Any, ...]) -> None:
        self._ray = ray
        start = ray.remote(Actor).options(max_restarts=-1, **resources)
        self.actors = [start.remote(*body) for _ in range(count)]
        self.idle = list(self.actors)
        self.busy: dict[Any, tuple[Any, _Task]] = {}
        self._mending: dict[Any, Any] = {}

    def waited_for(self) -> list[Any]:
        return [*self.busy, *self._mending]

    def mended(self, ref: Any) -> bool:
        """Whether this was an actor that is there again."""
        if ref not in self._mending:
            return False
        self.idle.append(self._mending.pop(ref))
        return True

    def done(self, ref: Any) -> _Task:
        """The task of a reference; its actor is idle again."""
        actor, task = self.busy.pop(ref)
        self.idle.append(actor)
        return task

    def mend(self, ref: Any) -> None:
        """An actor's process or its node died: it comes back when Ray has started it again."""
        actor, _ = self.busy[ref]
        self._mending[actor.ready.options(max_task_retries=-1).remote()] = actor

    def lost(self, ref: Any) -> _Task:
        _, task = self.busy.pop(ref)
        return task


class RayActors:
    """Runs items on a cluster: its address, 'auto' for the one that this machine belongs to, or 'local' for one of this process."""

    def __init__(self, address: str, actors: int | None = None, device: str = "auto") -> None:
        self._address, self._actors, self._device = address, actors, device

    def run(self, items: Sequence[Item], store: Store, gate: Gate) -> Iterator[Outcome]:
        """An outcome for each item, in the order in which they end."""
        try:
            import ray  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ScaleError(
                "--ray needs Ray, which is not installed: run `python launch.py fan-out --ray ...`, which installs the extra 'scale'."
            ) from None
        if not items:
            return
        self._join(ray)
        there = ray.cluster_resources()
        gpus = int(there.get("GPU", 0)) if self._device != "cpu" else 0
        cores = max(1, int(there.get("CPU", 1)))
        body = store, gate, self._device
        apart = bool(gpus) and cores > gpus and all(goes_apart(item) for item in items)
        first = _Crew(ray, min(gpus, len(items)), {"num_cpus": 1, "num_gpus": 1}, body) if apart else None
        count = self._actors or (cores - gpus if apart else gpus or cores)
        whole = {"num_cpus": 1, "num_gpus": 1 if gpus and not apart else 0}
        last = _Crew(ray, min(count, len(items)), whole, (store, gate, "cpu" if apart else self._device))
        try:
            yield from _through(ray, deque(_Task(item, ray.put(item)) for item in items), first, last)
        finally:
            for actor in (*last.actors, *(first.actors if first is not None else ())):
                ray.kill(actor)

    def _join(self, ray) -> None:  # noqa: ANN001
        """Joins the cluster, unless this process belongs to one already. Raises ScaleError where it cannot be reached."""
        if ray.is_initialized():
            return
        variables = {
            "PYTHONPATH": str(ROOT),
            "NUMBA_THREADING_LAYER": "omp",
            **{name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
        }
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        local = self._address == "local"
        try:
            ray.init(
                **({} if local else {"address": self._address}),
                runtime_env={"env_vars": variables},
                include_dashboard=False if local else None,
                configure_logging=False,
                log_to_driver=False,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())[:200].rstrip(".")
            raise ScaleError(
                f"The Ray cluster at '{self._address}' cannot be joined ({said}): check its address with `ray status`."
            ) from None


def goes_apart(item: Item) -> bool:
    """Whether an item's occupancy gains by a GPU and what comes after it does not."""
    return item.until != "layout" and (item.until == "occupancy" or item.recipe.views in ON_CORES)


def _through(ray: Any, queue: deque[_Task], first: _Crew | None, last: _Crew) -> Iterator[Outcome]:
    """Tasks through one crew, or through two of which the first makes occupancy; those of the dead go to others."""
    recorded: deque[_Task] = deque()
    while True:
        while first is not None and first.idle and queue and len(recorded) + len(first.busy) < AHEAD * len(last.actors):
            actor, task = first.idle.pop(), queue.popleft()
            key, task.recorded = actor.record.options(num_returns=2).remote(task.item_ref)
            first.busy[key] = actor, task
        waiting = queue if first is None else recorded
        while last.idle and waiting:
            actor, task = last.idle.pop(), waiting.popleft()
            more = () if task.recorded is None else (task.recorded,)
            last.busy[actor.make.remote(task.item_ref, *more)] = actor, task
        crews = [crew for crew in (first, last) if crew is not None]
        if not queue and not recorded and not any(crew.busy for crew in crews):
            return
        (ref, *_), _ = ray.wait([one for crew in crews for one in crew.waited_for()], num_returns=1)
        crew = next(crew for crew in crews if ref in crew.waited_for())
        if crew.mended(ref):
            continue
        try:
            outcome = ray.get(ref)
        except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
            if isinstance(error, ray.exceptions.RayActorError):
                crew.mend(ref)
                task = crew.lost(ref)
            else:  # its occupancy lay on a node that is gone
                task = crew.done(ref)
            task.recorded, task.tries = None, task.tries + 1
            if task.tries <= RETRIES:
                queue.append(task)
                continue
            why = f"The cluster gave this take up after {RETRIES} tries ({type(error).__name__}): see Ray's own log."
            yield Outcome(task.item.key, why)
            continue
        task = crew.done(ref)
        if crew is first:
            recorded.append(task)
        else:
            yield outcome
