"""The one table of what a user can do. Canvas, command line and tests run the same commands with the same JSON arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from editor import check, edits
from editor.document import Edit, EditError
from editor.edits.agents import UNCHANGED
from editor.session import Session

_REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument: how it is read from JSON, and what stands for it where it is left out."""

    read: Callable[[object, str], Any]
    default: Any = _REQUIRED
    """Left out arguments without a default are refused; `OMIT` leaves the choice to the edit."""

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED


OMIT = object()
"""Default of an argument that is simply not handed on when it is left out."""


@dataclass(frozen=True, slots=True)
class Command:
    """One verb."""

    name: str
    label: str
    """What undo shows; fields of the arguments in braces."""
    args: Mapping[str, Arg]
    edit: Callable[..., Edit] | None = None
    """Makes the edit from the arguments; None for a command that acts on the session."""
    act: Callable[..., None] | None = None
    selects_added: bool = False
    merges: bool = False
    """Whether repeats within a second on the same thing and the same fields are one step (typing, sliders)."""


def run(session: Session, name: str, args: Mapping[str, Any] | None = None) -> None:
    """Runs one command. Raises EditError, one sentence, for an unknown name, bad arguments or an edit that makes no sense."""
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        near = get_close_matches(str(name), COMMANDS, 3, 0.5)
        raise EditError(
            f"There is no command '{str(name)[:60]}': "
            + (f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(COMMANDS)}.")
        )
    values = _read(command, {} if args is None else args)
    if command.act is not None:
        command.act(session, **values)
        return
    assert command.edit is not None
    label = f"Erase {values['channel']}" if values.get("erases") else command.label.format_map(values)
    key = f"{name} {values.get('id', '')} {','.join(sorted(args or {}))}" if command.merges else None
    session.apply(label.replace("_", " "), command.edit(**values), merge_key=key, select_added=command.selects_added)


def _read(command: Command, args: object) -> dict[str, Any]:
    if not isinstance(args, Mapping):
        raise EditError(f"The arguments of '{command.name}' must be a JSON object, not {type(args).__name__}.")
    for key in args:
        if key not in command.args:
            raise EditError(f"'{command.name}' has no argument '{str(key)[:60]}': it takes {', '.join(command.args) or 'none'}.")
    values = {}
    for key, arg in command.args.items():
        if key in args and not (args[key] is None and arg.default is OMIT):
            values[key] = arg.read(args[key], f"'{key}' of '{command.name}'")
        elif arg.required:
            raise EditError(f"'{command.name}' needs the argument '{key}', which is missing.")
        elif arg.default is not OMIT:
            values[key] = arg.default
    return values


def _flag(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise EditError(f"{what} must be true or false, not {value!r:.60}.")
    return value


def _number(value: object, what: str) -> float:
    return check.number(value, what)


def _number_or_none(value: object, what: str) -> float | None:
    return None if value is None else check.number(value, what)


def _whole(value: object, what: str) -> int:
    return check.whole(value, what, -(10**6), 10**6)


def _text(value: object, what: str) -> str:
    return check.text(value, what)


def _text_or_none(value: object, what: str) -> str | None:
    return None if value is None else check.text(value, what, 200)


def _ids(value: object, what: str) -> tuple[str, ...]:
    return tuple(check.text(name, f"Each id in {what}", 200) for name in check.items(value, what))


def _points(value: object, what: str) -> tuple[tuple[float, float], ...]:
    return check.points(value, what, 1)


def _rings(value: object, what: str) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(check.points(ring, f"Each ring in {what}", 3) for ring in check.items(value, what))


def _span(value: object, what: str) -> tuple[int, int] | None:
    return check.span(value)


def _numbers(count: int) -> Callable[[object, str], tuple[float, ...]]:
    return lambda value, what: tuple(check.number(v, f"Each value of {what}") for v in check.items(value, what, count))


FLAG, NUMBER, WHOLE, TEXT = Arg(_flag), Arg(_number), Arg(_whole), Arg(_text)
IDS, POINTS, POSE, SIZE = Arg(_ids), Arg(_points), Arg(_numbers(6)), Arg(_numbers(3))
SPAN = Arg(_span, None)


def _may(arg: Arg, default: Any = OMIT) -> Arg:
    return Arg(arg.read, default)


def _undo(session: Session) -> None:
    at_depth = session.undo_at_depth
    if session.undo() is None:
        raise EditError(
            f"Undo keeps {session.undo_limit} steps and all of them are taken back: open a saved file to go further back."
            if at_depth
            else "There is nothing to undo."
        )


def _redo(session: Session) -> None:
    if session.redo() is None:
        raise EditError("There is nothing to redo.")


def _select(session: Session, ids: tuple[str, ...]) -> None:
    session.select(ids)


_LIST = (
    Command(
        "paint_stroke",
        "Brush {channel}",
        {"channel": TEXT, "erases": _may(FLAG, False), "radius_m": NUMBER, "points": POINTS, "span": SPAN},
        edits.paint_stroke,
    ),
    Command(
        "fill",
        "Fill {channel}",
        {"channel": TEXT, "erases": _may(FLAG, False), "x": NUMBER, "y": NUMBER, "span": SPAN, "frame": _may(WHOLE, 0)},
        edits.fill,
    ),
    Command(
        "paint_polygon",
        "Lasso {channel}",
        {"channel": TEXT, "erases": _may(FLAG, False), "points": POINTS, "span": SPAN},
        edits.paint_polygon,
    ),
    Command(
        "add_area",
        "Add {channel}",
        {"channel": TEXT, "exterior": POINTS, "holes": Arg(_rings, ()), "name": _may(TEXT)},
        edits.add_area,
        selects_added=True,
    ),
    Command(
        "add_line",
        "Add {channel}",
        {"channel": TEXT, "points": POINTS, "width_m": _may(NUMBER, 0.4), "name": _may(TEXT)},
        edits.add_line,
        selects_added=True,
    ),
    Command(
        "set_area",
        "Change area",
        {"id": TEXT, "channel": _may(TEXT), "exterior": _may(POINTS), "holes": Arg(_rings, OMIT), "name": _may(TEXT)},
        edits.set_area,
        merges=True,
    ),
    Command(
        "set_line",
        "Change line",
        {"id": TEXT, "channel": _may(TEXT), "points": _may(POINTS), "width_m": _may(NUMBER), "name": _may(TEXT)},
        edits.set_line,
        merges=True,
    ),
    Command(
        "add_agent",
        "Add {class_name}",
        {
            "class_name": TEXT,
            "x": NUMBER,
            "y": NUMBER,
            "yaw": _may(NUMBER, 0.0),
            "time_s": _may(NUMBER),
            "size": _may(SIZE),
            "name": _may(TEXT),
        },
        edits.add_agent,
        selects_added=True,
    ),
    Command(
        "set_agent",
        "Change {id}",
        {
            "id": TEXT,
            "class_name": _may(TEXT),
            "size": _may(SIZE),
            "name": _may(TEXT),
            # None means something here: from the start, to the end.
            "appears_s": Arg(_number_or_none, UNCHANGED),
            "disappears_s": Arg(_number_or_none, UNCHANGED),
        },
        edits.set_agent,
        merges=True,
    ),
    Command(
        "set_look",
        "Change look of {id}",
        # None means something here too: from the seed.
        {"id": TEXT, "colour": Arg(_text_or_none, UNCHANGED), "model": Arg(_text_or_none, UNCHANGED)},
        edits.set_look,
        merges=True,
    ),
    Command(
        "add_waypoint",
        "Add waypoint of {id}",
        {"id": TEXT, "time_s": NUMBER, "x": NUMBER, "y": NUMBER, "yaw": _may(NUMBER)},
        edits.add_waypoint,
    ),
    Command(
        "move_waypoint",
        "Move waypoint of {id}",
        {"id": TEXT, "index": WHOLE, "x": NUMBER, "y": NUMBER, "yaw": _may(NUMBER), "time_s": _may(NUMBER)},
        edits.move_waypoint,
    ),
    Command("delete_waypoint", "Delete waypoint of {id}", {"id": TEXT, "index": WHOLE}, edits.delete_waypoint),
    Command("shift_track", "Shift {id}", {"id": TEXT, "forward_m": _may(NUMBER, 0.0), "left_m": _may(NUMBER, 0.0)}, edits.shift_track),
    Command("move", "Move", {"ids": IDS, "dx": NUMBER, "dy": NUMBER}, edits.move),
    Command("rotate", "Rotate", {"ids": IDS, "angle": NUMBER, "x": _may(NUMBER), "y": _may(NUMBER)}, edits.rotate),
    Command("delete", "Delete", {"ids": IDS}, edits.delete),
    Command("duplicate", "Duplicate", {"ids": IDS, "dx": _may(NUMBER, 0.0), "dy": _may(NUMBER, 0.0)}, edits.duplicate, selects_added=True),
    Command(
        "array",
        "Array of {id}",
        {"id": TEXT, "count": WHOLE, "dx": _may(NUMBER, 0.0), "dy": _may(NUMBER, 0.0), "delay_s": _may(NUMBER, 0.0)},
        edits.array,
        selects_added=True,
    ),
    Command("mirror", "Mirror traffic", {}, edits.mirror),
    Command(
        "add_camera",
        "Add camera",
        {
            "name": _may(TEXT),
            "mount": _may(TEXT, "ego"),
            "pose": POSE,
            "width": WHOLE,
            "height": WHOLE,
            "fx": _may(NUMBER),
            "fov_deg": _may(NUMBER),
        },
        edits.add_camera,
        selects_added=True,
    ),
    Command(
        "set_camera",
        "Change camera",
        {
            "id": TEXT,
            "pose": _may(POSE),
            "mount": _may(TEXT),
            "enabled": _may(FLAG),
            "fov_deg": _may(NUMBER),
            "width": _may(WHOLE),
            "height": _may(WHOLE),
            "name": _may(TEXT),
        },
        edits.set_camera,
        merges=True,
    ),
    Command("use_rig", "Use rig {name}", {"name": TEXT}, lambda name: edits.use_rig(name)),
    Command("insert_cameras", "Insert cameras between", {"ids": _may(IDS)}, edits.insert_between),
    Command(
        "set_scene",
        "Change scene",
        {"name": _may(TEXT), "prompt": _may(TEXT), "duration_s": _may(NUMBER), "grid": _may(TEXT)},
        edits.set_scene,
        merges=True,
    ),
    Command(
        "add_occupancy_edit",
        "Edit occupancy",
        {"kind": TEXT, "class_name": _may(TEXT), "instance_id": _may(WHOLE), "pose": _may(POSE), "size": _may(SIZE), "span": SPAN},
        edits.add_occupancy_edit,
        selects_added=True,
    ),
    Command("remove_vehicles", "Remove all vehicles", {"span": SPAN}, edits.remove_vehicles),
    Command("undo", "Undo", {}, act=_undo),
    Command("redo", "Redo", {}, act=_redo),
    Command("select", "Select", {"ids": IDS}, act=_select),
)

COMMANDS: Mapping[str, Command] = {command.name: command for command in _LIST}
