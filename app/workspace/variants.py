"""Variants: a marked region of the frame at the playhead drawn again with other seeds, until one is kept or they are put away.

A variant is drawn for what the frame shown was made for, so that only the seed differs, and outside the region not one voxel does.
It comes with the few steps of a draft and is then drawn with those of a take's frame. Regions are marked one after the other, each
on the variant that was chosen of the one before; putting one away shows the one below.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from app.jobs.basis import Basis, Redrawn
from app.jobs.conditions import Conditions
from app.jobs.protocol import Draw, FrameMade, unpack
from app.jobs.store import JobStore
from app.jobs.take_maker import edited
from app.workspace.shot import Shot
from app.workspace.shown import ShownTake
from editor.document import Document, EditError
from engine.api import OccupancyFrame, Recipe
from engine.occupancy.region import cells_inside
from engine.spec.grid import RATE_HZ
from engine.spec.words import plural

SEEDS = 2**31
Ring = tuple[tuple[float, float], ...]
"""World metres, not closed."""


@dataclass(frozen=True, eq=False)
class _Variant:
    seed: int
    made: FrameMade
    whole: bool
    """Drawn with the steps of a take's frame, not with those of a draft."""


@dataclass(eq=False)
class _Proposal:
    """One region, and what was drawn for it."""

    take: ShownTake
    frame: int
    """Of the timeline."""
    before: FrameMade
    conditions: Conditions
    digest: bytes
    ring: Ring
    recipe: Recipe
    """The seed is that of the frame before."""
    before_whole: bool
    """Whether `before` has the quality of a take's frame."""
    earlier: tuple[dict[str, Any], ...] = ()
    """Regions that `before` holds already, for the recipe of a take."""
    variants: list[_Variant] = field(default_factory=list)
    index: int = 0
    """Of the variant shown, from 1; 0 shows what was before."""
    presses: int = 0

    @property
    def chosen(self) -> _Variant | None:
        return self.variants[self.index - 1] if self.index else None

    def regions(self) -> tuple[dict[str, Any], ...]:
        """What tells how the frame shown was drawn."""
        one = self.chosen
        if one is None:
            return self.earlier
        how = {"occupancy": self.recipe.occupancy, "seed": one.seed, "guidance": self.recipe.guidance, "quality": "frame" if one.whole else "draft"}
        return (*self.earlier, {"region_m": [list(point) for point in self.ring], **how})


class Variants:
    """One workspace's variants. Safe to use from any thread."""

    def __init__(self, workspace: str, jobs: JobStore, device: str, *, changed: Callable[[], None], failed: Callable[[str], None]) -> None:
        """`changed()` is called, without a lock, when there is something else to show or to say; `failed(sentence)` where none was drawn."""
        # A place of its own in the store, where an edit's draft does not push a variant out.
        self._slot, self._jobs, self._device = f"{workspace} variants", jobs, device
        self._changed, self._failed = changed, failed
        self._lock = threading.RLock()
        self._stack: list[_Proposal] = []
        self._drawing = 0
        """Seed of the variant that a person waits for, plus one; 0 for none."""
        self._shown = False

    def message(self) -> dict[str, object]:
        """The `variant` message."""
        with self._lock:
            top = self._stack[-1] if self._stack else None
            if top is None:
                return {"type": "variant", "frame": None}
            one = top.chosen
            return {
                "type": "variant", "frame": top.frame, "region": [list(point) for point in top.ring], "count": len(top.variants), "index": top.index,
                "seed": None if one is None else one.seed, "whole": one is not None and one.whole, "drawing": bool(self._drawing),
                "can_keep": bool(top.regions()), "shown": self._shown,
            }  # fmt: skip

    def follow(self, shot: Shot) -> Shot:
        """The shot with the variant in it that was chosen, where the frame shown is the one that it was drawn into."""
        with self._lock:
            top = self._stack[-1] if self._stack else None
            if top is not None and (shot.take is None or shot.take is not top.take):
                self._drop_all()
                top = None
            fits = top is not None and _matches(top, shot)
            told, self._shown = self._shown, fits
            made = None
            if top is not None and fits:
                made = top.before if top.chosen is None else top.chosen.made
                if top.chosen is not None or top.earlier:
                    recipe = top.recipe if top.chosen is None else replace(top.recipe, seed=top.chosen.seed)
                    shot = shot.drawn(made, recipe, top.before_whole and (top.chosen is None or top.chosen.whole))
        if told != self._shown:
            self._changed()
        return shot

    def at(self, shot: Shot) -> bool:
        """Whether there are variants of the frame of a shot."""
        with self._lock:
            return bool(self._stack) and self._stack[-1].frame == shot.frame

    def regenerate(self, shot: Shot, ring: Sequence[tuple[float, float]]) -> None:
        """Draw the region inside `ring` (world metres) once more. `shot` is what is on the screen, below any variant.

        Raises EditError where no take holds the frame or the ring marks nothing.
        """
        region: Ring = tuple((float(x), float(y)) for x, y in ring)
        if len(region) < 3 or not np.isfinite(region).all():
            raise EditError(f"A region of {plural(len(region), 'point')} encloses nothing: drag a box or a loop around what is to be drawn anew.")
        take = shot.take
        frame = take.packed(shot.frame) if take is not None else None
        made_for = take.conditions(shot.frame) if take is not None else None
        if shot.source == "lift" or take is None or frame is None or made_for is None:
            raise EditError(f"Frame {shot.frame} is in no take that is shown: generate it first, then draw parts of it anew.")
        before, conditions = shot.base or (frame, made_for)
        cells = cells_inside(np.array(region), conditions.grid, conditions.world_SE3_ego)
        if not cells.any():
            raise EditError(f"The region lies outside the window that frame {shot.frame} was generated for: mark something inside the frame line.")
        with self._lock:
            top = self._stack[-1] if self._stack else None
            if top is None or not _matches(top, shot):
                self._drop_all()
                recipe = replace(take.recipe, steps=None)
                top = _Proposal(take, shot.frame, before, conditions, conditions.digest(), region, recipe, shot.base is None or shot.whole)
                self._stack.append(top)
            elif top.ring != region:
                one, below = top.chosen, self._stack if top.index else self._stack[:-1]
                top = replace(top, ring=region, earlier=top.regions(), variants=[], index=0, presses=0)
                if one is not None:
                    seed, whole = one.seed, top.before_whole and one.whole
                    top = replace(top, before=one.made, before_whole=whole, recipe=replace(top.recipe, seed=seed))
                self._stack = [*below, top]
            top.presses += 1
            seed = (top.recipe.seed + top.presses) % SEEDS
            self._drawing = seed + 1
            self._ask(top, seed, cells, whole=False)
        self._changed()

    def choose(self, index: int) -> None:
        """Show variant `index` of the region in hand, from 1; 0 shows what was before. Raises EditError where there is none."""
        with self._lock:
            top = self._top()
            if not 0 <= index <= len(top.variants):
                raise EditError(f"There is no variant {index} of {len(top.variants)}: choose one of them, or 0 for what was before.")
            top.index = index
        self._changed()

    def discard(self) -> None:
        """Put the region in hand away with all its variants."""
        with self._lock:
            self._jobs.call_off_draft(self._slot)
            self._drawing = 0
            del self._stack[-1:]
        self._changed()

    def discard_all(self) -> None:
        """Put every region away: another document is opened, or the variant shown goes into a take."""
        with self._lock:
            self._drop_all()
        self._changed()

    def make_room(self) -> None:
        """An edit came: the engine's time is its draft's. A variant that nobody has seen yet is still drawn."""
        with self._lock:
            if not self._drawing:
                self._jobs.call_off_draft(self._slot)

    def basis(self, document: Document, carry_on: bool) -> tuple[ShownTake, Basis]:
        """The take, and what a new one keeps of it with the chosen variant inside: all of it, or with `carry_on` nothing behind that frame.

        Raises EditError where there is nothing to keep, or the take is not finished.
        """
        with self._lock:
            top = self._top()
            regions = top.regions()
            if not regions:
                raise EditError("What was before is shown, and the take has that already: choose a variant to keep.")
            take, frame, conditions = top.take, top.frame, top.conditions
            variant = unpack(top.before if top.chosen is None else top.chosen.made)
        if take.disk is None and len(take.made) < take.frames:
            raise EditError(f"The take has {len(take.made)} of {plural(take.frames, 'frame')} so far: keep the variant when it is finished.")
        own, index = take.occupancy(frame), frame - take.start_frame
        if own is None:
            raise EditError(f"The take does not hold frame {frame} any more: generate it again.")
        # The occupancy edits lie on the take's frame already; they belong on what was drawn anew as well, and nowhere else.
        drawn = ((variant.semantics != own.semantics) | (variant.instances != own.instances)).any(2)[..., None]
        clip = replace(conditions.clip(), start_s=frame / RATE_HZ)
        done = edited(OccupancyFrame(0, variant.semantics, variant.instances), document, clip)
        kept = OccupancyFrame(
            index, np.where(drawn, done.semantics, variant.semantics), np.where(drawn, done.instances, variant.instances)
        )
        return take, Basis(take.path, index + 1 if carry_on else take.frames, Redrawn(kept, conditions, regions))

    # Below: with the lock held, except where said.

    def _top(self) -> _Proposal:
        if not self._stack:
            raise EditError("No region is in hand: mark one and draw it anew first.")
        return self._stack[-1]

    def _drop_all(self) -> None:
        if self._stack:
            self._jobs.call_off_draft(self._slot)
        self._stack, self._drawing = [], 0

    def _ask(self, proposal: _Proposal, seed: int, cells: np.ndarray, whole: bool) -> None:
        recipe = replace(proposal.recipe, seed=seed)
        request = Draw(0, self._device, recipe, proposal.conditions.clip(), before=proposal.before, region=cells, whole_steps=whole)
        self._jobs.draw(self._slot, request, partial(self._arrived, proposal, seed, cells, whole))

    def _arrived(self, proposal: _Proposal, seed: int, cells: np.ndarray, whole: bool, made: FrameMade | None, sentence: str) -> None:
        """Called without the lock, by the store of jobs."""
        with self._lock:
            if self._drawing == seed + 1:
                self._drawing = 0
            if made is not None and not whole:
                proposal.variants.append(_Variant(seed, made, False))
                proposal.index = len(proposal.variants)
                if self._stack and self._stack[-1] is proposal and not self._drawing:
                    self._ask(proposal, seed, cells, whole=True)
            elif made is not None:
                proposal.variants = [_Variant(seed, made, True) if one.seed == seed else one for one in proposal.variants]
        if made is None:
            self._failed(sentence)
        self._changed()


def _matches(proposal: _Proposal, shot: Shot) -> bool:
    """Whether a shot shows the frame that a proposal was drawn into, made for the same scene."""
    if shot.take is not proposal.take or shot.frame != proposal.frame or shot.source == "lift":
        return False
    conditions = shot.base[1] if shot.base is not None else proposal.take.conditions(shot.frame)
    return conditions is not None and conditions.digest() == proposal.digest
