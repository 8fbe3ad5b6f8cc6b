"""The same work on a Ray cluster: actors that hold models make items; Ray places them and starts them again.

Every node must see the folder that takes land in and this checkout, both at the same path, and have the extra `scale` installed.
Results are written where they are made; a few hundred bytes an item come back.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.fanout.gate import Gate
from app.fanout.items import Item
from app.fanout.make import HeldModels, Outcome, make_item
from app.fanout.store import Store

RETRIES = 3
"""An item whose actor or node died is tried again so often."""
ROOT = Path(__file__).resolve().parents[2]


class ScaleError(ValueError):
    """A cluster that cannot be used: one sentence."""


class Maker:
    """Body of an actor: models loaded once, one item at a time."""

    def __init__(self, root: Path, gate: Gate, device: str) -> None:
        self._store, self._models, self._gate = Store(root), HeldModels(device), gate

    def ready(self) -> None:
        """Answers once the actor is there."""

    def make(self, item: Item) -> Outcome:
        if item.key in self._store.landed_of([item.key]):  # the try before this one landed it, and died before it could say so
            row = self._store.row(item.key)
            return Outcome(item.key, "", row["verdict"], tuple(row["reasons"]))
        return make_item(item, self._store, self._models, self._gate)


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
        self._join(ray)
        gpus = int(ray.cluster_resources().get("GPU", 0)) if self._device != "cpu" else 0
        wanted = self._actors or gpus or max(1, int(ray.cluster_resources().get("CPU", 1)))
        resources = {"num_cpus": 1, "num_gpus": 1 if gpus else 0, "max_restarts": -1}
        maker = ray.remote(Maker).options(**resources)
        actors = [maker.remote(store.root.resolve(), gate, self._device) for _ in range(min(wanted, max(1, len(items))))]
        idle, queue, tries = list(actors), deque(items), Counter[str]()
        busy: dict[object, tuple[object, Item]] = {}
        mending: dict[object, object] = {}
        try:
            while True:
                while idle and queue:
                    actor, item = idle.pop(), queue.popleft()
                    busy[actor.make.remote(ray.put(item))] = actor, item  # pyright: ignore[reportAttributeAccessIssue]
                if not busy and not queue:
                    return
                (done, *_), _ = ray.wait([*busy, *mending], num_returns=1)
                if done in mending:
                    idle.append(mending.pop(done))
                    continue
                actor, item = busy.pop(done)
                try:
                    outcome = ray.get(done)
                except ray.exceptions.RayActorError as error:
                    # Its process or its node died: others take the item over, and it comes back when Ray has started it again.
                    tries[item.key] += 1
                    mending[actor.ready.options(max_task_retries=-1).remote()] = actor  # pyright: ignore[reportAttributeAccessIssue]
                    if tries[item.key] <= RETRIES:
                        queue.append(item)
                        continue
                    why = f"The cluster gave this take up after {RETRIES} tries ({type(error).__name__}): see Ray's own log."
                    outcome = Outcome(item.key, why)
                else:
                    idle.append(actor)
                yield outcome
        finally:
            for actor in actors:
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
