"""The one table of what a user can do. Canvas, command line and tests run the same commands with the same JSON arguments."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from editor.arguments import read_all
from editor.document import EditError
from editor.entities import Agent, Area, CameraEntity, EgoPath, Line, OccupancyEdit, PaintLayer
from editor.session import Session
from editor.table import GROUPS, TABLE, Command

__all__ = ["COMMANDS", "GROUPS", "Command", "described", "run", "why_not"]

COMMANDS: Mapping[str, Command] = {command.name: command for command in TABLE}

KINDS = {Agent: "agent", EgoPath: "ego", CameraEntity: "camera", Area: "area", Line: "line", PaintLayer: "paint", OccupancyEdit: "occupancy_edit"}
DRAGGED = frozenset({"exterior", "holes", "points"})
"""Fields that a drag sets: each drag is a step of its own."""
_SPOKEN = {"ego": "the ego", "occupancy_edit": "edit of the result", "paint": "paint layer"}


def run(session: Session, name: str, args: Mapping[str, Any] | None = None) -> None:
    """Runs one command. Raises EditError, one sentence, for an unknown name, bad arguments or an edit that makes no sense."""
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        near = get_close_matches(str(name), COMMANDS, 3, 0.5)
        raise EditError(
            f"There is no command '{str(name)[:60]}': "
            + (f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(COMMANDS)}.")
        )
    values = read_all(name, command.args, {} if args is None else args)
    if command.act is not None:
        command.act(session, **values)
        return
    assert command.edit is not None
    label = f"Erase {values['channel']}" if values.get("erases") else command.label.format_map(values)
    typed = command.merges and not DRAGGED & set(args or {})
    key = f"{name} {values.get('id', '')} {','.join(sorted(args or {}))}" if typed else None
    session.apply(label.replace("_", " "), command.edit(**values), merge_key=key, select_added=command.selects_added)


def needed(command: Command) -> tuple[str, tuple[str, ...], str] | None:
    """What has to be selected for it: how many ('one' or 'some'), of which kinds (none: any), and the sentence that asks for it."""
    for arg in command.args.values():
        if arg.fill not in ("id", "ids") or not arg.required:
            continue
        words = [_SPOKEN.get(kind, f"{'an' if kind[0] in 'aeio' else 'a'} {kind}") for kind in arg.of]
        if arg.fill == "id":
            listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "one thing"
            return "one", arg.of, f"Select {listed} first, and only one."
        return "some", arg.of, "Select what this is for first." if "ego" in arg.of or not arg.of else "Select something other than the ego first."
    return None


def why_not(session: Session, name: str) -> str | None:
    """The sentence that says why a command cannot run on what is selected now, or None where it can."""
    command = COMMANDS[name]
    if command.lacks is not None and (sentence := command.lacks(session)) is not None:
        return sentence
    wanted = needed(command)
    if wanted is None:
        return None
    count, kinds, sentence = wanted
    chosen = [KINDS[type(session.document.ego if id == "ego" else session.document.entities[id])] for id in session.selection]
    fitting = [kind for kind in chosen if not kinds or kind in kinds]
    return None if (len(fitting) == 1 and len(chosen) == 1 if count == "one" else fitting) else sentence


def described() -> list[dict[str, object]]:
    """The table as the page gets it: it makes menus, palette, keys and forms of that."""
    rows = []
    for command in TABLE:
        wanted = needed(command)
        rows.append({
            "name": command.name, "title": command.title, "group": command.group, "keys": list(command.keys), "asks": command.asks, "of_take": command.of_take,
            "needs": None if wanted is None else {"count": wanted[0], "kinds": list(wanted[1]), "sentence": wanted[2]},
            "args": [arg.to_json(name) for name, arg in command.args.items()],
        })  # fmt: skip
    return rows
