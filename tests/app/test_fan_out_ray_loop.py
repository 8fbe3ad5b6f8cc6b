"""What is done when an actor dies, with a stand-in for Ray that dies on demand (tests/app/test_fan_out_ray.py has the real one)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.fanout import Plan, Source, Wanted, expand
from app.fanout.ray_actors import RETRIES, RayActors
from app.fanout.run import run
from app.fanout.store import Store
from editor.samples import SAMPLES
from tests.app.test_fan_out_run import InProcess, contents

PLAN = Plan(
    (Source("crossing", document=SAMPLES["crossing"]()),), (Wanted("original"),), (0, 1, 2), presets=("fake",), until="layout", frames=1
)


class ActorDied(Exception):
    pass


class ObjectLost(Exception):
    pass


class Call:
    """A call that runs when it is waited for, once."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._function, self._args, self._done = function, args, False

    def get(self, part: int | None = None) -> Any:
        if not self._done:
            self._answer = self._function(*(arg() if isinstance(arg, partial) else arg for arg in self._args))
            self._done = True
        return self._answer if part is None else self._answer[part]


def stand_in(deaths: dict[int, int], made_by: list[int], resources: dict[str, float], lost: list[str] | None = None) -> SimpleNamespace:
    """A module like ray whose n-th actor dies the first `deaths[n]` times that it makes something. Objects of the items in `lost` are lost once."""
    actors: list[Any] = []

    def start(body: Any, *args: Any) -> Any:
        number, actor = len(actors), body(*args)

        def make(item: Any, recorded: Any = None) -> Any:
            if deaths.get(number, 0) > 0:
                deaths[number] -= 1
                raise ActorDied
            if lost and recorded is not None and item.key in lost:
                lost.remove(item.key)
                raise ObjectLost
            made_by.append(number)
            return actor.make(item, recorded)

        def record(item: Any) -> Any:
            if deaths.get(number, 0) > 0:
                deaths[number] -= 1
                raise ActorDied
            return actor.record(item)

        def method(function: Callable[..., Any]) -> SimpleNamespace:
            def remote(*args: Any, num_returns: int = 1) -> Any:
                call = Call(function, args)
                return partial(call.get) if num_returns == 1 else tuple(partial(call.get, part) for part in range(num_returns))

            return SimpleNamespace(remote=remote, options=lambda num_returns=1, **_: SimpleNamespace(remote=partial(remote, num_returns=num_returns)))

        actors.append(SimpleNamespace(make=method(make), record=method(record), ready=method(actor.ready)))
        return actors[-1]

    return SimpleNamespace(
        is_initialized=lambda: True,
        cluster_resources=lambda: resources,
        remote=lambda body: SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *args: start(body, *args))),
        put=lambda value: value,
        wait=lambda refs, num_returns: (refs[:1], refs[1:]),
        get=lambda ref: ref(),
        kill=lambda actor: None,
        exceptions=SimpleNamespace(RayActorError=ActorDied, ObjectLostError=ObjectLost),
    )


CORES = {"CPU": 2.0}
WITH_GPU = {"CPU": 3.0, "GPU": 1.0}


@pytest.mark.parametrize("deaths", [{}, {0: 1}, {0: 2, 1: 1}, {0: RETRIES}])
def test_others_take_over_and_the_actor_comes_back(deaths: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by: list[int] = []
    monkeypatch.setitem(sys.modules, "ray", stand_in(dict(deaths), made_by, CORES))
    report = run(expand(PLAN), tmp_path, RayActors("anywhere", None, "cpu"), PLAN.gate)
    assert report.whole and report.made == len(made_by) == 3


@pytest.mark.parametrize("deaths", [{}, {0: 1}, {1: 2, 2: 1}, {0: 1, 1: 1}])
def test_occupancy_is_made_on_the_gpu_and_the_rest_on_cores(deaths: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Actor 0 has the GPU. What is made in two places has the bytes of what is made in one."""
    plan = replace(PLAN, until="buffers", cameras=("CAM_FRONT",))
    lost = [expand(plan).items[1].key]
    made_by: list[int] = []
    monkeypatch.setitem(sys.modules, "ray", stand_in(dict(deaths), made_by, WITH_GPU, lost))
    report = run(expand(plan), tmp_path / "ray", RayActors("anywhere", None, "auto"), plan.gate)
    assert report.whole and report.made == 3 and set(made_by) <= {1, 2} and not lost
    run(expand(plan), tmp_path / "here", InProcess(), plan.gate)
    for item in expand(plan).items:
        assert contents(Store(tmp_path / "ray").take(item.key)) == contents(Store(tmp_path / "here").take(item.key))


def test_an_item_that_always_kills_its_actor_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", stand_in({0: 10**6, 1: 10**6}, [], CORES))
    report = run(expand(PLAN), tmp_path, RayActors("anywhere", None, "cpu"), PLAN.gate)
    assert len(report.failures) == 3 and all(f"after {RETRIES} tries" in sentence for _, sentence in report.failures)


def test_occupancy_that_fails_is_the_items_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.occupancy.fake import FakeOccupancy

    def fails(self: FakeOccupancy, *_: object) -> None:
        raise ValueError("No memory for this one.")

    monkeypatch.setattr(FakeOccupancy, "occupancy", fails)
    monkeypatch.setitem(sys.modules, "ray", stand_in({}, [], WITH_GPU))
    plan = replace(PLAN, until="occupancy")
    report = run(expand(plan), tmp_path, RayActors("anywhere", None, "auto"), plan.gate)
    assert [sentence for _, sentence in report.failures] == ["No memory for this one."] * 3
