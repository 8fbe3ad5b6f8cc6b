"""One person's open document and everything about it that changes. Four doors: apply, gesture, undo, redo.

Not thread-safe on purpose: the workspace that owns a session holds a lock around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from editor.document import Document, Edit, EditError
from editor.history import History, Step, Tape

Listener = Callable[[Document, Document], None]


class Gesture:
    """A change while the pointer is down. What is previewed is shown to listeners, and nothing is recorded until the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._start = session.document

    def preview(self, edit: Edit) -> None:
        """Shows `edit` of the document at the gesture's start, in place of what was shown (a drag: start plus total movement)."""
        self._session._show(edit(self._start))

    def extend(self, edit: Edit) -> None:
        """Adds `edit` to what is shown (a brush: one more piece of the stroke)."""
        self._session._show(edit(self._session.document))


class Session:
    """A document with its selection, its history and those who watch it."""

    def __init__(self, document: Document, *, history: History | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """`history` is that of an earlier session which ended at `document`."""
        self._document = document
        self._saved = document
        self._selection: tuple[str, ...] = ()
        self._history = History() if history is None else history
        self._listeners: list[Listener] = []
        self._now = now
        self._open_label: str | None = None

    @property
    def document(self) -> Document:
        return self._document

    @property
    def selection(self) -> tuple[str, ...]:
        """Selected ids in the order in which they were picked; every one of them exists."""
        return self._selection

    @property
    def dirty(self) -> bool:
        """Whether the document is another than the one last saved. Undoing back to that one makes it clean again."""
        return self._document is not self._saved

    @property
    def in_gesture(self) -> bool:
        return self._open_label is not None

    @property
    def can_undo(self) -> str | None:
        """Label of the step that undo would take back."""
        return self._history.done[-1].label if self._history.done else None

    @property
    def can_redo(self) -> str | None:
        """Label of the step that redo would do again."""
        return self._history.undone[-1].label if self._history.undone else None

    @property
    def undo_steps(self) -> int:
        """How many steps undo can take back."""
        return len(self._history.done)

    @property
    def undo_limit(self) -> int:
        """How many steps are kept."""
        return self._history.limit

    @property
    def undo_at_depth(self) -> bool:
        """Whether undo has gone back as far as it is kept, while older steps came before."""
        return self._history.at_depth

    def tape(self) -> Tape:
        """The whole history as it stands, immutable."""
        history = self._history
        first = history.done[0].before if history.done else self._document
        return Tape(first, (*history.done, *reversed(history.undone)), len(history.done), history.dropped, self._saved, self._selection)

    def apply(self, label: str, edit: Edit, *, merge_key: str | None = None, select_added: bool = False) -> bool:
        """Changes the document by one step and returns whether it changed; inside a gesture it joins that gesture.

        An EditError leaves everything as it was. `select_added` selects what the edit added.
        """
        before, selection_before = self._document, self._selection
        after = edit(before)
        if after is before:
            return False
        added = tuple(name for name in after.entities if name not in before.entities) if select_added else ()
        selection = added or self._selection
        if self.in_gesture:
            self._show(after, selection)
            return True
        self._show(after, selection)
        self._history.record(Step(label, before, after, selection_before, self._selection, self._now(), merge_key), self._saved)
        return True

    @contextmanager
    def gesture(self, label: str) -> Iterator[Gesture]:
        """A drag or a stroke: one step if it ends well and changed something; any exception puts the start back and goes on."""
        if self._open_label is not None:
            raise EditError(f"'{label}' cannot begin while '{self._open_label}' is still going on: finish it first.")
        before, selection_before = self._document, self._selection
        self._open_label = label
        try:
            yield Gesture(self)
        except BaseException:
            # GeneratorExit too: closing a tool's generator is how Escape cancels.
            self._open_label = None
            self._show(before, selection_before)
            raise
        self._open_label = None
        if self._document is not before:
            self._history.record(Step(label, before, self._document, selection_before, self._selection, self._now()))

    def undo(self) -> str | None:
        """Takes the last step back; returns its label, or None where there is none. Refused during a gesture."""
        self._refuse_in_gesture("Undo")
        step = self._history.undo()
        if step is None:
            return None
        self._show(step.before, step.selection_before)
        return step.label

    def redo(self) -> str | None:
        """Does the last undone step again; returns its label, or None where there is none. Refused during a gesture."""
        self._refuse_in_gesture("Redo")
        step = self._history.redo()
        if step is None:
            return None
        self._show(step.after, step.selection_after)
        return step.label

    def select(self, ids: Iterable[str]) -> None:
        """Replaces the selection; no step, not dirty. Ids that do not exist are left out."""
        self._selection = _pruned(ids, self._document)

    def mark_saved(self, document: Document | None = None) -> None:
        """Notes that `document` (default: the current one) is what the file holds."""
        self._saved = self._document if document is None else document

    def mark_unsaved(self) -> None:
        """Notes that no file holds the current document: it was restored or imported."""
        self._saved = Document()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener(before, after)` after every change of the document; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _show(self, document: Document, selection: Iterable[str] | None = None) -> None:
        before, self._document = self._document, document
        self._selection = _pruned(self._selection if selection is None else selection, document)
        if before is not document:
            for listener in tuple(self._listeners):
                listener(before, document)

    def _refuse_in_gesture(self, what: str) -> None:
        if self._open_label is not None:
            raise EditError(f"{what} has to wait until '{self._open_label}' is finished.")


def _pruned(ids: Iterable[str], document: Document) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in ids if name == "ego" or name in document.entities))
