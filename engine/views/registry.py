"""The view models by name: what each is, how it is loaded, and why it cannot run here. Asking imports neither torch nor a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from engine.api import ViewModel
from engine.spec.classes import ASSETS
from engine.views.cost import COMPACT, DRAWN, WAN_1_3B, WAN_14B, Cost, ModelCost, wan_cost
from engine.views.ggve.wan.settings import passes


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
    takes_anchors: bool = False
    """Whether it is an `engine.api.TakesAnchors`, told without loading it."""


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


def _load_compact(device: str) -> ViewModel:
    from engine.views.drawn.model import warm_up
    from engine.views.ggve.model import load_views

    warm_up()
    return load_views(device)


def _why_not_compact() -> str | None:
    card = ASSETS / "weights" / "compact" / "ggve.card.json"
    if not card.exists():
        return f"View model 'compact' has no weights at {card.parent}: train them with `launch.py train views`, or choose 'drawn'."
    return _why_not_drawn()


def _load_wan(name: str, device: str) -> ViewModel:
    from engine.views.ggve.wan.model import load_views

    return load_views(name, device)


def _load_vace(name: str, device: str) -> ViewModel:
    from engine.views.external.vace import load_views

    return load_views(name, device)


def _why_not_wan(name: str) -> str | None:
    from engine.views.ggve.wan.places import why_not

    return why_not(name)


def _on_wan(name: str, description: str, load: Callable[[str, str], ViewModel], cost: ModelCost) -> Entry:
    return Entry(description, partial(load, name), partial(_why_not_wan, name), replace(cost, passes=passes(name)))


_VACE_1_3B = wan_cost(1536, 8960, 30, 15, 4.8e9)
VIEWS: dict[str, Entry] = {
    "drawn": Entry("smooth shapes, light and weather drawn by rays, on any processor", _load_drawn, _why_not_drawn, DRAWN),
    "compact": Entry("GGVE with shipped weights: light, weather and colours over the drawn world's geometry", _load_compact, _why_not_compact, COMPACT, True),
    "fake": Entry("no model: class colours, at once", _load_fake),
    "wan-1.3b": _on_wan("wan-1.3b", "GGVE on Wan 2.1 of 1.3 billion, with a branch of your own", _load_wan, WAN_1_3B),
    "wan-14b": _on_wan("wan-14b", "GGVE on Wan 2.1 of 14 billion, the paper's size, with a branch of your own", _load_wan, WAN_14B),
    "vace-1.3b": _on_wan("vace-1.3b", "public weights of Wan 2.1 VACE, 1.3 billion, driven by the drawn world", _load_vace, _VACE_1_3B),
    "vace-14b": _on_wan("vace-14b", "public weights of Wan 2.1 VACE, 14 billion, driven by the drawn world", _load_vace, WAN_14B),
}
