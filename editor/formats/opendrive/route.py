"""A drive along one OpenDRIVE road: lane after lane by their links, over to the neighbour where a lane ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from editor.formats.opendrive.lanes import RIGHT, Lane, steady

SEAMLESS_M = 0.05
LINKED_M = 4.0
"""Farther apart than a lane is wide, a link is a mistake."""
NEIGHBOUR_M = 8.0
ENOUGH_M = 2.0
"""A car needs a lane this wide; lanes that are never twice as wide are driven while they have half of their width."""
NARROWEST_M = 0.1
AHEAD_M = 1.0
"""A lane worth moving over to goes on for more than this."""
JOINED_M = 1.0
"""The end of one road and the start of the next are this near each other."""
GENTLE = 10.0
"""Metres forward for each metre aside: at most 8.5 degrees in the middle of the move."""
NEARLY = 0.95
MOST_MOVES = 100


@dataclass(frozen=True, slots=True)
class Route:
    """A drive along one road, in the direction of travel."""

    points_m: np.ndarray
    """(N, 2)"""
    length_m: float
    direction: int
    """1 along the road, -1 against it."""
    last: Lane
    """The lane that it ends in."""


@dataclass(frozen=True, slots=True)
class _Leg:
    """An unbroken stretch of one lane; arrays rise in the direction of travel."""

    lane: Lane
    along_m: np.ndarray
    """Station times direction."""
    centre_m: np.ndarray
    width_m: np.ndarray


@dataclass(frozen=True, slots=True)
class _Chain:
    """Legs that go over into each other without a step."""

    first: Lane
    last: Lane
    along_m: np.ndarray
    centre_m: np.ndarray
    is_open: np.ndarray
    """(N,) bool: wide enough to drive."""
    width_m: np.ndarray

    def open_until(self, along_m: float) -> int | None:
        """Last row of the open stretch that holds a station; None where the lane is closed there."""
        here = np.flatnonzero(self.is_open & (np.abs(self.along_m - along_m) < 0.01))
        if not len(here):
            inside = int(np.searchsorted(self.along_m, along_m))
            if not 0 < inside < len(self.along_m) or not self.is_open[inside - 1 : inside + 1].all():
                return None
            here = np.array([inside])
        closed = np.flatnonzero(~self.is_open[here[-1] :])
        return int(here[-1] + closed[0] - 1) if len(closed) else len(self.along_m) - 1

    def at(self, along_m: np.ndarray) -> np.ndarray:
        """Centre (N, 2) at stations within the chain."""
        return np.stack([np.interp(along_m, self.along_m, self.centre_m[:, axis]) for axis in (0, 1)], -1)


def find_route(lanes: list[Lane], left_hand: bool) -> Route | None:
    """The longest drive along a road's lanes; of several as long, the outermost lane of the right side. None without a lane."""
    found = []
    for direction in (1, -1):
        chains = _chains(lanes, direction)
        for chain in chains:
            if (route := _drive(chain, chains, direction)) is not None:
                standard = direction == (-chain.first.side if not left_hand else chain.first.side)
                found.append(((chain.first.side == RIGHT, abs(chain.first.id), standard), route))
    longest = max((route.length_m for _, route in found), default=0.0)
    if longest < NARROWEST_M:
        return None
    return max((row for row in found if row[1].length_m >= NEARLY * longest), key=lambda row: row[0])[1]


def go_on(lanes: list[Lane], direction: int, from_m: np.ndarray, lane_id: int | None) -> Route | None:
    """The drive along a further road from where another one ended; `lane_id` is the lane that the link names, None where it names none."""
    chains = _chains(lanes, direction)
    near = [(_distance(from_m, chain.centre_m[0]), chain) for chain in chains if chain.is_open[0]]
    near = [row for row in near if row[0] < JOINED_M and lane_id in (None, row[1].first.id)]
    return _drive(min(near, key=lambda row: row[0])[1], chains, direction) if near else None


def _legs(lane: Lane, direction: int) -> list[_Leg]:
    legs = []
    for piece in steady(lane):
        arrays = (lane.stations_m[piece] * direction, lane.centre_m[piece], lane.width_m[piece])
        if len(arrays[0]) > 1:
            legs.append(_Leg(lane, *(array[::direction] for array in arrays)))
    return legs


def _chains(lanes: list[Lane], direction: int) -> list[_Chain]:
    """Every drive along linked legs, one from each leg that no other one leads to."""
    legs = [leg for lane in lanes if lane.driven and direction in lane.ways for leg in _legs(lane, direction)]
    following = {id(leg): after for leg in legs if (after := _next(leg, legs, direction)) is not None}
    led_to = {id(after) for after in following.values()}
    chains = []
    for leg in legs:
        if id(leg) in led_to:
            continue
        row = [leg]
        while (after := following.get(id(row[-1]))) is not None:
            row.append(after)
        width = np.concatenate([part.width_m for part in row])
        widest = float(width.max())
        if widest > NARROWEST_M:
            along, centre = (np.concatenate([getattr(part, name) for part in row]) for name in ("along_m", "centre_m"))
            chains.append(_Chain(leg.lane, row[-1].lane, along, centre, width >= min(ENOUGH_M, widest / 2), width))
    return chains


def _next(leg: _Leg, legs: list[_Leg], direction: int) -> _Leg | None:
    """The leg that begins where this one ends: the linked one before any other."""
    ends = [other for other in legs if other is not leg and abs(other.along_m[0] - leg.along_m[-1]) < 1e-3]
    gaps = [(not _linked(leg.lane, other.lane, direction), _distance(leg.centre_m[-1], other.centre_m[0]), other) for other in ends]
    gaps = [row for row in gaps if row[1] < SEAMLESS_M]
    return min(gaps, key=lambda row: row[:2])[2] if gaps else None


def _linked(lane: Lane, other: Lane, direction: int) -> bool:
    """Whether the file says that a lane goes on as another one, at either of their ends."""
    if lane is other:
        return True
    ahead, back = ("successor", "predecessor") if direction > 0 else ("predecessor", "successor")
    return lane.side == other.side and (lane.links.get(ahead) == other.id or other.links.get(back) == lane.id)


def _drive(chain: _Chain, chains: list[_Chain], direction: int) -> Route | None:
    """From where a chain is first wide enough to where nothing goes on."""
    if not chain.is_open.any():
        return None
    here = float(chain.along_m[np.argmax(chain.is_open)])
    pieces: list[np.ndarray] = []
    for _ in range(MOST_MOVES):
        last = chain.open_until(here)
        if last is None:
            break
        closes = float(chain.along_m[last])
        target = _neighbour(chain, chains, closes, direction)
        if target is None:
            pieces.append(_between(chain, here, closes))
            break
        begin, end = _move(chain, target, last, here)
        pieces += [_between(chain, here, begin), _moved(chain, target, begin, end)]
        chain, here = target, end
    points = np.concatenate(pieces) if pieces else np.zeros((0, 2))
    if len(points) < 2:
        return None
    return Route(points, float(np.hypot(*np.diff(points, axis=0).T).sum()), direction, chain.last)


def _neighbour(chain: _Chain, chains: list[_Chain], closes_m: float, direction: int) -> _Chain | None:
    """The nearest lane that goes on where this one closes, one that it is linked with first."""
    here = chain.at(np.array([closes_m]))[0]
    found = []
    for other in chains:
        last = other.open_until(closes_m) if other is not chain else None
        if last is None or other.along_m[last] < closes_m + AHEAD_M:
            continue
        distance = _distance(here, other.at(np.array([closes_m]))[0])
        is_next = _linked(chain.last, other.first, direction) and abs(other.along_m[0] - chain.along_m[-1]) < 1e-3
        if distance < NEIGHBOUR_M:
            found.append((not (is_next and distance < LINKED_M), distance, other))
    return min(found, key=lambda row: row[:2])[2] if found else None


def _move(chain: _Chain, target: _Chain, last: int, here_m: float) -> tuple[float, float]:
    """Where to begin and to end moving over: while the lane narrows, or earlier where that is too short a way."""
    first, narrowest = last, last
    while first > 0 and chain.width_m[first - 1] > chain.width_m[first] + 1e-6:
        first -= 1
    while narrowest + 1 < len(chain.width_m) and chain.width_m[narrowest + 1] < chain.width_m[narrowest] - 1e-6:
        narrowest += 1
    begin, closes = float(chain.along_m[first]), float(chain.along_m[last])
    way = GENTLE * _distance(chain.centre_m[last], target.at(chain.along_m[[last]])[0])
    goes_on = target.open_until(closes)
    latest = min(float(chain.along_m[narrowest]), float(target.along_m[-1 if goes_on is None else goes_on]))
    end = min(max(closes, begin + way), latest)
    return max(here_m, min(begin, end - way)), end


def _moved(chain: _Chain, target: _Chain, begin_m: float, end_m: float) -> np.ndarray:
    along = np.linspace(begin_m, end_m, max(int(np.ceil((end_m - begin_m) / 0.5)), 1) + 1)
    part = (along - begin_m) / max(end_m - begin_m, 1e-9)
    weight = (part * part * (3 - 2 * part))[:, None]
    mine = chain.at(along)
    # Before the other lane begins, it is thought to lie as far aside as where it does.
    start = target.along_m[[0]]
    theirs = np.where(along[:, None] < start, mine + target.at(start) - chain.at(start), target.at(along))
    return (1 - weight) * mine + weight * theirs


def _between(chain: _Chain, begin_m: float, end_m: float) -> np.ndarray:
    rows = (chain.along_m >= begin_m - 1e-9) & (chain.along_m <= end_m + 1e-9)
    return chain.centre_m[rows]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.hypot(*(a - b)))
