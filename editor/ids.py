"""New ids, counted from the document itself, so that the same edit on the same document gives the same scene."""

from __future__ import annotations

from editor.check import LARGEST_INSTANCE
from editor.document import Document, EditError
from editor.entities import Agent


def new_id(document: Document, prefix: str, taken: frozenset[str] | set[str] = frozenset()) -> str:
    """`prefix-N` with the N after the largest one in use in the document or in `taken`."""
    numbers = (name.rpartition("-")[2] for name in (*document.entities, *taken) if name.startswith(prefix + "-"))
    # isascii too: '²'.isdigit() holds and int('²') does not.
    return (
        f"{prefix}-{1 + max((int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 10), default=0)}"
    )


def new_instance_id(document: Document, taken: frozenset[int] | set[int] = frozenset()) -> int:
    """The id after the largest one in use; the smallest free one once 65535 is reached."""
    used = {agent.instance_id for agent in document.of(Agent)} | taken
    following = max(used, default=0) + 1
    if following <= LARGEST_INSTANCE:
        return following
    free = next((number for number in range(1, LARGEST_INSTANCE + 1) if number not in used), None)
    if free is None:
        raise EditError(f"The scene has {len(used)} agents and every instance id is taken: delete some first.")
    return free
