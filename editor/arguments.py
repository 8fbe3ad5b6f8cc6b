"""Arguments of commands: how each is read from JSON, and what a page shows to somebody who types it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from editor import check
from editor.document import EditError

_REQUIRED = object()
OMIT = object()
"""Default of an argument that is simply not handed on when it is left out."""

Fill = Literal["", "id", "ids", "x", "y", "time_s", "frame", "channel"]
"""What of the page's state stands for an argument that is not typed: the one selected, all selected, the cursor, the playhead, the channel."""


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument."""

    read: Callable[[object, str], Any]
    kind: str
    """flag, number, whole, text, choice, ids, points, rings, numbers, span: how it is typed."""
    default: Any = _REQUIRED
    """Left out arguments without a default are refused; `OMIT` leaves the choice to the edit."""
    unit: str = ""
    choices: tuple[str, ...] = ()
    fill: Fill = ""
    of: tuple[str, ...] = ()
    """Kinds of entity that `id` and `ids` may name; empty: any."""
    about: str = ""

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    def to_json(self, name: str) -> dict[str, object]:
        """As the page gets it."""
        default = None if self.default in (_REQUIRED, OMIT) or not isinstance(self.default, bool | int | float | str) else self.default
        return {
            "name": name, "kind": self.kind, "required": self.required, "default": default, "unit": self.unit, "choices": list(self.choices),
            "fill": self.fill, "about": self.about,
        }  # fmt: skip


def may(arg: Arg, default: Any = OMIT) -> Arg:
    """The same argument, which may be left out."""
    return replace(arg, default=default)


def read_all(name: str, args: Mapping[str, Arg], given: object) -> dict[str, Any]:
    """The arguments of the command `name`, read. Raises EditError, one sentence, for what is missing, unknown or wrong."""
    if not isinstance(given, Mapping):
        raise EditError(f"The arguments of '{name}' must be a JSON object, not {type(given).__name__}.")
    for key in given:
        if key not in args:
            raise EditError(f"'{name}' has no argument '{str(key)[:60]}': it takes {', '.join(args) or 'none'}.")
    values = {}
    for key, arg in args.items():
        if key in given and not (given[key] is None and arg.default is OMIT):
            values[key] = arg.read(given[key], f"'{key}' of '{name}'")
        elif arg.required:
            raise EditError(f"'{name}' needs the argument '{key}', which is missing.")
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


FLAG = Arg(_flag, "flag")
NUMBER = Arg(_number, "number")
METRES, RADIANS, SECONDS, SPEED, BRAKING = (replace(NUMBER, unit=unit) for unit in ("m", "rad", "s", "m/s", "m/s²"))
SECONDS_OR_NONE = Arg(_number_or_none, "number", unit="s")
WHOLE = Arg(_whole, "whole")
TEXT = Arg(_text, "text")
TEXT_OR_NONE = Arg(_text_or_none, "text")
POINTS = Arg(_points, "points", unit="m")
RINGS = Arg(_rings, "rings", unit="m")
POSE = Arg(_numbers(6), "numbers", about="x y z in m, yaw pitch roll in rad")
SIZE = Arg(_numbers(3), "numbers", unit="m", about="length width height")
SPAN = Arg(_span, "span", None, about="first and last frame; empty: the whole scene")
X, Y = replace(METRES, fill="x"), replace(METRES, fill="y")
TIME = replace(SECONDS, fill="time_s")


def choice(*names: str) -> Arg:
    """A text, offered as a list; whoever reads it further says what is wrong with another one."""
    return replace(TEXT, kind="choice", choices=names)


def one(*kinds: str) -> Arg:
    """The id of one thing of these kinds."""
    return replace(TEXT, fill="id", of=kinds)


def some(*kinds: str) -> Arg:
    """Ids of things of these kinds; none given: of any."""
    return Arg(_ids, "ids", fill="ids", of=kinds)
