"""What the page asks of variants: draw a region anew, show another one, keep it, put it away. Each raises one sentence where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.jobs.request import TakeRequest
from app.workspace.bridge import free_folder
from app.workspace.workspace import Send, Workspace
from editor.document import EditError
from engine.spec.grid import RATE_HZ

Message = Mapping[str, Any]
MOST_POINTS = 2000
"""Of a region's outline; a loop drawn by hand has a few hundred."""


def regenerate(workspace: Workspace, message: Message, send: Send) -> None:
    region = message.get("region")
    if not isinstance(region, list) or len(region) > MOST_POINTS or not all(_is_point(point) for point in region):
        raise EditError(f"A region is a list of at most {MOST_POINTS} points [x, y] in metres: mark it again.")
    with workspace.lock:
        shot = workspace.screen.below
        if shot is None or shot.frame != workspace.frame:
            raise EditError(f"Frame {workspace.frame} is not on the screen yet: try again in a moment.")
    workspace.drafter.call_off()
    workspace.variants.regenerate(shot, [(float(x), float(y)) for x, y in region])


def variant(workspace: Workspace, message: Message, send: Send) -> None:
    index = message.get("index")
    if isinstance(index, bool) or not isinstance(index, int):
        raise EditError(f"A variant is chosen by its number, not by {index!r}: reload the page.")
    workspace.variants.choose(index)


def keep(workspace: Workspace, message: Message, send: Send) -> None:
    """A new take with the variant in it; with `carry_on` the frames behind it are generated from it."""
    with workspace.lock:
        document = workspace.document
    take, basis = workspace.variants.basis(document, message.get("carry_on") is True)
    until = take.stage if take.stage in ("buffers", "video") else "occupancy"
    out = free_folder(workspace.config.takes, document.name)
    workspace.variants.discard_all()
    start_s = take.start_frame / RATE_HZ
    workspace.submit(TakeRequest(document, out, take.recipe, until, start_s, take.frames, None, basis))


def discard(workspace: Workspace, message: Message, send: Send) -> None:
    workspace.variants.discard()


def _is_point(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)


HANDLERS: dict[str, Callable[[Workspace, Message, Send], None]] = {
    "regenerate": regenerate,
    "variant": variant,
    "keep": keep,
    "discard": discard,
}
