"""What is done when an actor dies, with a stand-in for Ray that dies on demand (tests/app/test_fan_out_ray.py has the real one)."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.fanout import Plan, Source, Wanted, expand
from app.fanout.ray_actors import RETRIES, RayActors
from app.fanout.run import run
from editor.samples import SAMPLES

PLAN = Plan(
    (Source("crossing", document=SAMPLES["crossing"]()),), (Wanted("original"),), (0, 1, 2), presets=("fake",), until="layout", frames=1
)


class ActorDied(Exception):
    pass


def stand_in(deaths: dict[int, int], made_by: list[int]) -> SimpleNamespace:
    """A module like ray whose n-th actor dies the first `deaths[n]` times that it makes something; calls run when they are waited for."""
    actors: list[Any] = []

    def start(maker: Any, *args: Any) -> Any:
        number, body = len(actors), maker(*args)

        def make(item: Any) -> Any:
            if deaths.get(number, 0) > 0:
                deaths[number] -= 1
                raise ActorDied
            made_by.append(number)
            return body.make(item)

        def call(function: Any) -> SimpleNamespace:
            method = SimpleNamespace(remote=lambda *args: lambda: function(*args))
            method.options = lambda **_: method
            return method

        actors.append(SimpleNamespace(make=call(make), ready=call(body.ready)))
        return actors[-1]

    return SimpleNamespace(
        is_initialized=lambda: True,
        cluster_resources=lambda: {"CPU": 2.0},
        remote=lambda maker: SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *args: start(maker, *args))),
        put=lambda value: value,
        wait=lambda refs, num_returns: (refs[:1], refs[1:]),
        get=lambda ref: ref(),
        kill=lambda actor: None,
        exceptions=SimpleNamespace(RayActorError=ActorDied),
    )


@pytest.mark.parametrize("deaths", [{}, {0: 1}, {0: 2, 1: 1}, {0: RETRIES}])
def test_others_take_over_and_the_actor_comes_back(deaths: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by: list[int] = []
    monkeypatch.setitem(sys.modules, "ray", stand_in(dict(deaths), made_by))
    report = run(expand(PLAN), tmp_path, RayActors("anywhere", None, "cpu"), PLAN.gate)
    assert report.whole and report.made == len(made_by) == 3


def test_an_item_that_always_kills_its_actor_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", stand_in({0: 10**6, 1: 10**6}, []))
    report = run(expand(PLAN), tmp_path, RayActors("anywhere", None, "cpu"), PLAN.gate)
    assert len(report.failures) == 3 and all(f"after {RETRIES} tries" in sentence for _, sentence in report.failures)
