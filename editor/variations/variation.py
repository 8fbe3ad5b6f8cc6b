"""What a variation is: a name, parameters with ranges, a pure function of a Document and dice, and a guarantee that is checked on every result."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from editor import check
from editor.document import Document, EditError
from editor.entities import Agent
from editor.ids import new_id, new_instance_id

Values = Mapping[str, Any]
"""Drawn parameters by name."""
ATTEMPTS = 16
"""Draws of parameters before a scene is told to have no place."""
MOST_OF_A_KIND = 100_000


class NoPlace(EditError):
    """A scene that has no place for a variation: one sentence."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, evenly; a plan may ask for any part of `least` to `most`."""

    low: float
    high: float
    about: str
    """What it is, with its unit."""
    least: float = 0.0
    most: float = 1000.0
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float | int:
        if self.whole:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        return round(float(rng.uniform(self.low, self.high)), 3)

    def narrowed(self, name: str, asked: Any) -> Range:
        """To one number or [low, high]. Raises EditError (one sentence) where that makes no sense."""
        ends = asked if isinstance(asked, list | tuple) else (asked, asked)
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) and np.isfinite(end) for end in ends)
        if (
            len(ends) != 2
            or not numbers
            or not self.least <= ends[0] <= ends[1] <= self.most
            or (self.whole and any(end != int(end) for end in ends))
        ):
            kind = "a whole number" if self.whole else "a number"
            raise EditError(
                f"'{name}' ({self.about}) must be {kind}, or [low, high], between {self.least:g} and {self.most:g}, not {asked!r}."
            )
        return Range(ends[0], ends[1], self.about, self.least, self.most, self.whole)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, each as likely."""

    options: tuple[str, ...]
    about: str

    def draw(self, rng: np.random.Generator) -> str:
        return self.options[int(rng.integers(len(self.options)))]

    def narrowed(self, name: str, asked: Any) -> Choice:
        """To one word or a list of them. Raises EditError (one sentence) where one is unknown."""
        words = tuple(asked) if isinstance(asked, list | tuple) else (asked,)
        if not words or any(word not in self.options for word in words):
            raise EditError(f"'{name}' ({self.about}) must be one or more of {', '.join(self.options)}, not {asked!r}.")
        return Choice(words, self.about)


Parameter = Range | Choice


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What a variation builds in: a scene, drawn parameters, dice, and the seconds in which it should happen."""

    document: Document
    values: Values
    rng: np.random.Generator
    window_s: tuple[float, float]

    def moments(self, first_s: float, last_s: float, step_s: float = 0.25) -> list[float]:
        """Times (s, each of a frame) from first to last at which something may happen: in the window first, thrown by the dice."""
        if last_s < first_s:
            return []
        times = np.round(np.arange(first_s, last_s + 1e-9, step_s) * 12) / 12
        outside = np.maximum(0.0, np.maximum(self.window_s[0] - times, times - self.window_s[1]))
        order = np.lexsort((self.rng.random(len(times)), outside))
        return [float(times[index]) for index in order if first_s - 0.05 <= times[index] <= last_s + 0.05]


@dataclass(frozen=True, slots=True)
class Variation:
    """One way to make other scenes of a scene."""

    name: str
    about: str
    """What it does, one sentence."""
    guarantee: str
    """What holds on every Document that it yields, one sentence; `check` measures it."""
    parameters: Mapping[str, Parameter]
    make: Callable[[Setting], Document]
    """Raises NoPlace, or EditError where an edit refuses."""
    check: Callable[[Document, Document, Values], str | None]
    """(before, after, parameters) -> what does not hold, None where all does."""
    dice: bool = True
    """Whether seeds give different Documents; without, every seed and number gives the same one."""


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One Document that a variation yielded, and how."""

    document: Document
    variation: str
    seed: int
    number: int
    """Its place in the stream of the seed, from 0."""
    parameters: Values = field(default_factory=dict)


def narrowed(variation: Variation, asked: Mapping[str, Any]) -> dict[str, Parameter]:
    """A variation's parameters with the asked ranges. Raises EditError, one sentence, for an unknown name or a bad range."""
    for name in asked:
        if name not in variation.parameters:
            has = ", ".join(variation.parameters) or "none"
            raise EditError(f"Variation '{variation.name}' has no parameter '{name}': it has {has}.")
    return {name: one.narrowed(name, asked[name]) if name in asked else one for name, one in variation.parameters.items()}


def stream(
    document: Document,
    variation: Variation,
    seed: int = 0,
    asked: Mapping[str, Any] | None = None,
    window_s: tuple[float, float] | None = None,
) -> Iterator[Variant]:
    """Documents without end, the k-th a function of (document, asked ranges, window, seed, k) alone.

    `window_s`: where on the timeline it should happen, if it can be (default: anywhere). Raises NoPlace, one sentence, where the
    scene has no place for it, and EditError for ranges that make no sense.
    """
    parameters = narrowed(variation, asked or {})
    window = (0.0, document.duration_s) if window_s is None else window_s
    for number in range(MOST_OF_A_KIND):
        yield _one(document, variation, parameters, seed, number, window)


def _one(
    document: Document, variation: Variation, parameters: Mapping[str, Parameter], seed: int, number: int, window_s: tuple[float, float]
) -> Variant:
    rng = np.random.default_rng([seed, number, zlib.crc32(variation.name.encode())])
    reason = ""
    for _ in range(ATTEMPTS):
        values = {name: parameter.draw(rng) for name, parameter in parameters.items()}
        try:
            after = variation.make(Setting(document, values, rng, window_s))
        except EditError as error:
            reason = str(error)
            continue
        broken = "Nothing in it would change." if after == document else variation.check(document, after, values)
        if broken is None:
            return Variant(after, variation.name, seed, number, values)
        reason = broken
    raise NoPlace(f"'{variation.name}' has no place in '{document.name}': {reason[:1].lower()}{reason[1:]}")


def added(before: Document, after: Document) -> list[Agent]:
    """Agents of `after` that `before` has not."""
    return [agent for agent in after.of(Agent) if agent.id not in before.entities]


def put_agents(document: Document, *agents: Agent, removed: Sequence[str] = ()) -> Document:
    """The document with new agents, whose ids and instance ids are made here, and without those that are `removed`, whose ids stay free."""
    taken_ids, taken_instances = set[str](), set[int]()
    named = []
    for agent in agents:
        id = new_id(document, agent.class_name, taken_ids)
        instance = new_instance_id(document, taken_instances)
        taken_ids.add(id)
        taken_instances.add(instance)
        named.append(
            Agent(id, instance, agent.class_name, agent.size_m, agent.keyframes, agent.appears_s, agent.disappears_s, name=agent.name)
        )
    return check.put(document, *named, removed=tuple(removed))
