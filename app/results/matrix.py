"""One scene in several weathers, lights and seeds: the data engine's expansion (app.fanout), an item a job over the one queue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.results.clock import spoken
from app.workspace.bridge import free_folder
from editor.clip import frame_count
from editor.document import Document, EditError
from engine.presets import recipe
from engine.views import look, registry

if TYPE_CHECKING:
    from app.fanout.items import Item
    from app.results.desk import Desk

WEATHERS = {"clear": "Clear", "overcast": "Overcast", "rain": "Rain", "fog": "Fog", "snow": "Snow"}
LIGHTS = {"day": "Day", "dusk": "Dusk", "night": "Night"}
PRESETS = {"one": (["clear"], ["day"]), "four": (["clear", "rain"], ["day", "night"]), "all": (list(WEATHERS), list(LIGHTS))}
"""Cells that are ticked together: (weathers, lights)."""
MOST_SEEDS = 50
MOST_JOBS = 500
USUAL_FRAMES = 48


@dataclass(frozen=True)
class Matrix:
    """What is asked for."""

    weathers: tuple[str, ...]
    lights: tuple[str, ...]
    seeds: int
    """0, 1, ... so many of them."""
    frames: int
    views: str | None = None
    """None takes the preset's."""


def cells(document: Document, asked: Matrix, preset: str) -> list[tuple[str, Item]]:
    """(what it is in a few words, the item) of every job. Raises EditError where nothing is asked for, or far too much."""
    # Late, so that the page need not wait for what measures and plots there.
    from app.fanout.items import expand
    from app.fanout.plan import Plan, Source

    many = len(asked.weathers) * len(asked.lights) * asked.seeds
    if not many:
        raise EditError("Nothing is chosen: tick at least one weather and one light, and ask for at least one seed.")
    if many > MOST_JOBS or asked.seeds > MOST_SEEDS:
        raise EditError(f"{many} takes in one matrix are too many: ask for at most {MOST_JOBS}, with at most {MOST_SEEDS} seeds.")
    for one in (*asked.weathers, *asked.lights):
        if one not in look.WORDS:
            raise EditError(f"There is no weather or light '{one[:40]}': choose of {', '.join((*WEATHERS, *LIGHTS))}.")
    rest = without_look(document.prompt)
    names = {
        ", ".join(filter(None, (rest, light, weather))): f"{light}, {weather}" for light in asked.lights for weather in asked.weathers
    }  # what comes later in a prompt has the say, and a night stays one
    found = expand(
        Plan(
            (Source(document.name, document=document),), seeds=tuple(range(asked.seeds)), prompts=tuple(names), presets=(preset,),
            views=() if asked.views is None else (asked.views,), frames=asked.frames,
        )
    )  # fmt: skip
    if found.refusals:
        raise EditError(found.refusals[0].sentence)
    return [(names[item.document.prompt], item) for item in found.items]


_LEADING = frozenset((
    "a", "an", "and", "at", "by", "conditions", "dense", "during", "heavy", "in", "light", "of",
    "on", "sky", "the", "thick", "under", "very", "weather", "with",
))  # fmt: skip
"""Words that only went with a word of weather or light, where they are left at either end."""


def without_look(prompt: str) -> str:
    """A prompt without its words of weather and light, and without the small words that led to them."""
    parts = []
    for part in re.split(r"[,.;:!?]", prompt):
        words = [word for word in re.findall(r"\S+", part) if word.lower() not in look.WORDS]
        while words and words[-1].lower() in _LEADING:
            words.pop()
        while words and words[0].lower() in _LEADING:
            words.pop(0)
        if words:
            parts.append(" ".join(words))
    return ", ".join(parts)


def queue(desk: Desk, workspace: str, asked: Matrix) -> list[dict[str, Any]]:
    """Put every job in line; returns them."""
    space = desk.workspace(workspace)
    # All of them are checked before the first one is in line.
    wanted = [(name, item.request(free_folder(desk.config.takes, item.scene))) for name, item in cells(space.document, asked, desk.config.preset)]
    return [desk.workspaces.jobs.told(space.submit(request, name, shown=False)) for name, request in wanted]


def sentence(desk: Desk, workspace: str, asked: Matrix) -> str:
    """HTML: how many takes that would be, and how long they would take; or why they cannot be made."""
    try:
        wanted = cells(desk.workspace(workspace).document, asked, desk.config.preset)
        seconds = desk.workspaces.jobs.pace.whole_s(wanted[0][1].request(Path()))
    except ValueError as refusal:
        return f"<p class='refusal'>{escape(str(refusal))}</p>"
    takes = f"{len(wanted)} take{'' if len(wanted) == 1 else 's'}"
    cost = "not measured on this machine yet" if seconds is None else f"about {spoken(seconds * len(wanted))}"
    return f"<p><b>{takes}</b>, {cost}</p>"


def view_models() -> list[str]:
    """Those that run here."""
    return list(registry.runnable())


def usual_views(preset: str, offered: list[str]) -> str | None:
    """The preset's own where it runs here."""
    usual = recipe(preset).views
    return usual if usual in offered else offered[0] if offered else None


def default_frames(desk: Desk, workspace: str) -> int:
    return min(USUAL_FRAMES, frame_count(desk.workspace(workspace).document))
