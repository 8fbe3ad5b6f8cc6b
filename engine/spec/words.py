"""Numbers in sentences."""

from __future__ import annotations


def plural(count: int, noun: str, verbs: tuple[str, str] | None = None) -> str:
    """'1 frame', '3 frames'; with `verbs` ('is', 'are') the one that goes with the number behind it."""
    words = f"{count} {noun}{'' if count == 1 else 's'}"
    return words if verbs is None else f"{words} {verbs[0] if count == 1 else verbs[1]}"
