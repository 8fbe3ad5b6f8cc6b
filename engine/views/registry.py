"""The view models by name: what each is, how it is loaded, and why it cannot run here. Asking imports neither torch nor a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.api import ViewModel
from engine.views.cost import DRAWN, Cost


class ViewsError(ValueError):
    """A view model that does not exist or cannot run here: one sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One view model."""

    description: str
    load: Callable[[str], ViewModel]
    """Loads it on a device, 'auto', 'cpu' or 'cuda'."""
    why_not: Callable[[], str | None] = lambda: None
    """One sentence that says why it cannot run here and what to do about it; None where it can. Cheap."""
    cost: Cost | None = None
    """What its pictures cost, told without loading it; None where it does not say."""


def entry(name: str) -> Entry:
    """The entry of a name. Raises ViewsError where there is no such view model."""
    if name not in VIEWS:
        raise ViewsError(f"There is no view model '{name}': choose one of {', '.join(VIEWS)}.")
    return VIEWS[name]


def check(name: str) -> Entry:
    """The entry of a name. Raises ViewsError where there is no such view model or it cannot run here; loads nothing."""
    found = entry(name)
    reason = found.why_not()
    if reason is not None:
        raise ViewsError(reason)
    return found


def load(name: str, device: str = "auto") -> ViewModel:
    """A loaded view model. Raises ViewsError as `check`, WeightsError where its weights are damaged."""
    return check(name).load(device)


def runnable() -> dict[str, str]:
    """Name -> description of those that can run here."""
    return {name: one.description for name, one in VIEWS.items() if one.why_not() is None}


def _load_drawn(device: str) -> ViewModel:
    from engine.views.drawn.model import DrawnViews, warm_up

    warm_up()
    return DrawnViews()


def _why_not_drawn() -> str | None:
    from engine.views.drawn.rays import why_not

    return why_not()


def _load_fake(device: str) -> ViewModel:
    from engine.views.fake import FakeViews

    return FakeViews()


VIEWS: dict[str, Entry] = {
    "drawn": Entry("smooth shapes, light and weather drawn by rays, on any processor", _load_drawn, _why_not_drawn, DRAWN),
    "fake": Entry("no model: class colours, at once", _load_fake),
}
