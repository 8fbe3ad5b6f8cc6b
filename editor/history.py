"""Undo as a list of whole documents: they share what did not change, so a step costs what it changed and needs no inverse."""

from __future__ import annotations

from dataclasses import dataclass, field

from editor.document import Document

LIMIT = 200
MERGE_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """One undoable change."""

    label: str
    before: Document
    after: Document
    selection_before: tuple[str, ...] = ()
    selection_after: tuple[str, ...] = ()
    time_s: float = 0.0
    merge_key: str | None = None
    """Steps of one key within a second are one (typing, a slider, a held arrow key); strokes have none."""


@dataclass(frozen=True, slots=True)
class Tape:
    """A history at one moment, for whoever writes it down: all steps in one row, and how far along it the session stands."""

    first: Document
    """Before the first step."""
    steps: tuple[Step, ...]
    """What was done, then what was undone in the order in which redo brings it back."""
    at: int
    """How many of the steps are done."""
    dropped: int
    """Steps before the first that are no longer kept."""
    saved: Document
    """What the project file holds."""
    selection: tuple[str, ...]

    @property
    def documents(self) -> tuple[Document, ...]:
        """`first` and the document after each step."""
        return (self.first, *(step.after for step in self.steps))

    @property
    def document(self) -> Document:
        return self.documents[self.at]

    @property
    def saved_at(self) -> int | None:
        """Index in `documents` of what the project file holds; None where no file holds any of them."""
        return next((index for index, document in enumerate(self.documents) if document is self.saved), None)


@dataclass(slots=True)
class History:
    """Two stacks. Recording drops what was undone."""

    limit: int = LIMIT
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)
    dropped: int = 0
    """Steps that undo no longer reaches, because `limit` newer ones came."""

    def record(self, step: Step, saved: Document | None = None) -> None:
        """Adds a step, or widens the last one where both have the same merge key within a second.

        A step whose result is the saved document is never widened: undo must be able to come back to it.
        """
        self.undone.clear()
        last = self.done[-1] if self.done else None
        if (
            last is not None
            and step.merge_key is not None
            and last.merge_key == step.merge_key
            and step.time_s - last.time_s <= MERGE_WITHIN_S
            and last.after is step.before
            and last.after is not saved
        ):
            self.done[-1] = Step(
                last.label, last.before, step.after, last.selection_before, step.selection_after, step.time_s, step.merge_key
            )
            return
        self.done.append(step)
        self.dropped += max(0, len(self.done) - self.limit)
        del self.done[: -self.limit]

    @property
    def at_depth(self) -> bool:
        """Whether undo has gone back as far as it is kept, and there was more before that."""
        return not self.done and self.dropped > 0

    def undo(self) -> Step | None:
        """The step to take back, moved to the other stack; None where there is none."""
        if not self.done:
            return None
        self.undone.append(self.done.pop())
        return self.undone[-1]

    def redo(self) -> Step | None:
        """The step to do again; None where there is none."""
        if not self.undone:
            return None
        step = self.undone.pop()
        # A step that comes back must not swallow a later edit that happens to share its key.
        step = Step(step.label, step.before, step.after, step.selection_before, step.selection_after, step.time_s)
        self.done.append(step)
        return step
