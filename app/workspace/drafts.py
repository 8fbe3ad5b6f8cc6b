"""Drafts: the frame at the playhead drawn again after each edit, only where the edit touched it, with everything else held.

A draft starts from the take's frame or from an earlier draft of it, whichever differs in fewer cells. Once the hand has rested for
a while the whole frame takes its place, drawn as a take's frame is: with the preset's own steps, and with the take's frame before
it as its history. Where there is nothing to start from it is the first thing drawn. The newest request of a workspace replaces the
one before it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from app.jobs.conditions import Conditions
from app.jobs.protocol import Draw, FrameMade
from app.jobs.store import JobStore
from app.workspace.shot import Shot
from app.workspace.shown import ShownTake
from editor.document import Document
from engine.api import Recipe
from engine.occupancy.region import with_rim

REST_S = 0.6
"""The hand rests when it has neither edited nor moved the playhead for so long."""
WHOLE_REST_S = 1.5
"""So long a draft is looked at before the whole frame is drawn in its place: seconds of the processor that the next edit may want."""
REMEMBERED = 32
"""Drafts kept per workspace, 0.7 MB each: steps of undo that show their draft at once."""

Goal = tuple[str, int, Recipe, bytes]
"""What decides a draft: the take it is drawn into ('' for none), the frame, the recipe, and a digest of the frame's conditions."""
Wish = tuple[Goal, bool]
"""A goal, and whether the whole frame is wanted for it."""


@dataclass(frozen=True, eq=False)
class _Start:
    """A frame and what it was made for."""

    made: FrameMade
    conditions: Conditions
    drafted: Goal | None = None
    """None for a take's own frame."""
    whole: bool = False
    """Whether a draft was drawn as a whole frame."""


class Drafter:
    """One workspace's drafts. `follow` belongs to the live thread, the rest to any."""

    def __init__(self, workspace: str, jobs: JobStore, device: str, *, changed: Callable[[], None], failed: Callable[[str], None]) -> None:
        """`changed()` is called when there is something else to show, `failed(sentence)` when drafts were switched off by a fault."""
        self._workspace, self._jobs, self._device = workspace, jobs, device
        self._changed, self._failed = changed, failed
        self._lock = threading.RLock()
        self.on = False
        self._preset, self._seed = "", 0
        self._known: OrderedDict[Goal, _Start] = OrderedDict()
        self._asked: Wish | None = None
        self._resting: tuple[Wish, threading.Timer] | None = None
        self._rested: Wish | None = None
        self._seen: tuple[Document, int] | None = None
        self._as_opened: set[str] = set()
        """Takes in view that nobody edited under: one just opened is shown as it is. A scene without a take is drawn as soon as it is open."""
        self._met: set[str] = set()
        self._of_take: tuple[ShownTake, int, Conditions] | None = None

    def switch(self, on: bool, preset: str, seed: int) -> None:
        """Turn drafts on or off. `preset` draws them; `seed` is for frames that no take holds, the others keep their take's."""
        with self._lock:
            self.on, self._preset, self._seed = on, preset, seed
            if not on:
                self._stop()
        self._changed()

    def call_off(self) -> None:
        """Nobody waits for the draft that is under way. If it is still wanted when the view is shown again, it is asked for again."""
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """Another document is opened."""
        with self._lock:
            self._stop()
            self._known.clear()
            self._seen, self._of_take = None, None
            self._as_opened, self._met = set(), set()

    def edited_under(self, take_ids: Iterable[str]) -> None:
        """The scene was edited under these takes before they came into view: it was restored."""
        with self._lock:
            self._met.update(take_ids)

    def follow(self, shot: Shot, whole: bool = True) -> Shot:
        """The shot as it should be shown; asks for a draft where the scene is no longer what the shot was made for.

        `whole` says whether whole frames may take the place of drafts.
        """
        with self._lock:
            seen, self._seen = self._seen, (shot.document, shot.frame)
            was_edited = seen is not None and seen[0] is not shot.document
            if not (self._touched(shot, was_edited) and self.on):
                return shot
            now = Conditions.of(shot.clip)
            start = self._take_start(shot)
            cells = None if start is None else now.changed_cells(start.conditions)
            if cells is not None and not cells.any():
                self._stop()
                return shot
            take_id = shot.take.id if shot.take is not None and start is not None else ""
            recipe = Recipe(self._preset, seed=shot.take.recipe.seed if shot.take is not None and take_id else self._seed)
            goal = (take_id, shot.frame, recipe, now.digest())
            known = self._known.get(goal)
            if known is not None:
                self._known.move_to_end(goal)
                if known.whole or not whole:
                    self._stop()
                elif self._asked != (goal, True):
                    self._ask_at_rest((goal, True), WHOLE_REST_S, lambda: self._ask(goal, shot, now, None, None))
                return _with_draft(shot, known, recipe, known.whole)
            start, cells = self._nearest(goal, now, start, cells)
            wish = goal, start is None
            if wish != self._asked:
                self._ask_at_rest(wish, 0.0 if was_edited and start is not None else REST_S, lambda: self._ask(goal, shot, now, start, cells))
            shot = replace(shot, pending=True)
            # An earlier draft lacks the newest edit, whatever steps it was drawn with.
            return _with_draft(shot, start, recipe, whole=False) if start is not None and start.drafted is not None else shot

    # Below: with the lock held, except where said.

    def _touched(self, shot: Shot, was_edited: bool) -> bool:
        """Whether the document is another than when the take of the shot came into view."""
        if was_edited:
            self._as_opened.clear()
        take = shot.take
        if take is None:
            return True
        if take.id not in self._met:
            made_of_another = take.document is not None and take.document is not shot.document
            if not made_of_another and not was_edited:
                self._as_opened.add(take.id)
            self._met.add(take.id)
        return take.id not in self._as_opened

    def _take_start(self, shot: Shot) -> _Start | None:
        """The take's own frame, where the shot shows it."""
        take = shot.take
        made = take.packed(shot.frame) if take is not None and shot.source == "take" else None
        if take is None or made is None:
            return None
        if self._of_take is None or self._of_take[:2] != (take, shot.frame):
            conditions = take.conditions(shot.frame)
            if conditions is None:
                return None
            self._of_take = take, shot.frame, conditions
        return _Start(made, self._of_take[2])

    def _nearest(
        self, goal: Goal, now: Conditions, start: _Start | None, cells: np.ndarray | None
    ) -> tuple[_Start | None, np.ndarray | None]:
        """Of the take's frame and the drafts for this take, frame and recipe, the one with the fewest cells to draw, and those."""
        best, fewest = (start, cells) if cells is not None else (None, None), np.inf if cells is None else cells.sum()
        for key, draft in self._known.items():
            if key[:3] == goal[:3]:
                changed = now.changed_cells(draft.conditions)
                if changed is not None and changed.sum() < fewest:
                    best, fewest = (draft, changed), changed.sum()
        return best

    def _ask_at_rest(self, wish: Wish, rest_s: float, ask: Callable[[], None]) -> None:
        """Ask once the hand has rested for so long, which is seen when the view is shown again then."""
        if self._rested == wish or not rest_s:
            self._stop()
            self._asked = wish
            ask()
        elif self._resting is None or self._resting[0] != wish:
            self._stop()
            timer = threading.Timer(rest_s, self._rest, args=(wish,))
            timer.daemon = True
            self._resting = wish, timer
            timer.start()

    def _ask(self, goal: Goal, shot: Shot, now: Conditions, start: _Start | None, cells: np.ndarray | None) -> None:
        clip = replace(shot.clip, cameras=(), ego_SE3_cameras=None)
        request = Draw(0, self._device, goal[2], clip)
        if start is not None and cells is not None:
            request = replace(request, before=start.made, region=with_rim(cells))
        elif goal[0] and shot.take is not None:
            past, made_for = shot.take.packed(shot.frame - 1), shot.take.conditions(shot.frame - 1)
            if past is not None and made_for is not None and made_for.grid == now.grid:
                request = replace(request, past=past, clip=made_for.clip(now))
        self._jobs.draw(self._workspace, request, partial(self._arrived, (goal, start is None), now))

    def _stop(self) -> None:
        if self._asked is not None:
            self._jobs.call_off_draft(self._workspace)
        if self._resting is not None:
            self._resting[1].cancel()
        self._asked = self._resting = self._rested = None

    def _rest(self, wish: Wish) -> None:
        """Called without the lock, by the timer."""
        with self._lock:
            if self._resting is None or self._resting[0] != wish:
                return
            self._resting, self._rested = None, wish
        self._changed()

    def _arrived(self, wish: Wish, conditions: Conditions, made: FrameMade | None, sentence: str) -> None:
        """Called without the lock, by the store of jobs."""
        goal, whole = wish
        with self._lock:
            if self._asked == wish:
                self._asked = None
            if made is not None:
                self._known[goal] = _Start(made, conditions, goal, whole)
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            else:
                # Asked again at every edit it would fail at every edit.
                self.on = False
        if made is None:
            self._failed(sentence)
        self._changed()


def _with_draft(shot: Shot, draft: _Start, recipe: Recipe, whole: bool) -> Shot:
    return replace(shot.drawn(draft.made, recipe, whole), base=(draft.made, draft.conditions))
