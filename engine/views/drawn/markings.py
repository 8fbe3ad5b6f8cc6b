"""Painted lines, found in the columns that dividers left: centre lines traced, joined over gaps, smoothed, cut into pieces.

Columns of one component are ordered by how far they lie from its end; what lies equally far and together is one node of a chain, so a
fork becomes two chains. A line that was drawn keeps its nodes for ever: what comes later joins its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.views.drawn.curves import resampled, smoothed
from engine.views.drawn.traces import NODE

DASHED, SOLID, DOUBLE = 0, 1, 2
LINE = 12
"""Numbers in a piece of line: x0 y0 x1 y1 (metres from column [0, 0]'s centre), metres along the line at its start, style, epoch, whether
the line begins and ends here, class id."""
_CUTOFF = 40.0
"""Shortest waves (cells) that stay in a line: a lane swerves in no less."""
_LIMIT = 1.0
"""How far (cells) smoothing may move a node."""
_STRAIGHT = 0.9
"""A chain that stays so near (cells) to a straight line is one."""
_STRAY, _BESIDE = 8.0, 3.5
"""A chain no longer than the first (cells) that lies within the second of a longer one is noise of that one."""
_SOLID_END = 22.0
"""So many cells before a crossing a dashed line is solid."""
_SHORT = 40.0
"""Lines no longer than this (cells) take the street's direction where they stay straight then."""
_SWING = 30.0
"""Within so many cells a line that was drawn swings over to where it turned out to run."""
_GAP, _HIDDEN_GAP = 8.0, 36.0
"""Gaps (cells) that are joined where lines run on, in the open and under agents."""


@dataclass(slots=True)
class Chain:
    """One drawn line: nodes (N, 2) in cells of the world, its class id and style."""

    nodes: np.ndarray
    label: int
    style: int
    start: float
    """Cells along the line at its first node."""
    runs_on: tuple[bool, bool]
    """Whether the line goes on beyond its first and its last node."""
    traced: np.ndarray
    """The nodes (M, 2) as they were traced, and those of the line that this one goes on."""
    stops: tuple[bool, bool] = (False, False)
    """Whether a crossing lies beyond its first and its last node."""


def way_out(nodes: np.ndarray, side: int) -> np.ndarray:
    """Unit direction in which a chain leaves its first (0) or last (1) node."""
    order = nodes if side else nodes[::-1]
    way = order[-1] - order[max(len(order) - 6, 0)]
    return way / max(float(np.hypot(*way)), 1e-9)


def joined_up(found: list[np.ndarray], hidden: np.ndarray) -> list[np.ndarray]:
    """Chains of which those that run on into each other over a gap are one; hidden (X, Y): columns under agents."""
    costs = []
    for a in range(len(found)):
        for b in range(a + 1, len(found)):
            for end_a in (0, 1):
                for end_b in (0, 1):
                    cost = fits(found[a], end_a, found[b], end_b, hidden)
                    if np.isfinite(cost):
                        costs.append((cost, 2 * a + end_a, 2 * b + end_b))
    partner: dict[int, int] = {}
    group = list(range(len(found)))
    for _, one, other in sorted(costs):
        if one in partner or other in partner or group[one // 2] == group[other // 2]:
            continue
        partner[one], partner[other] = other, one
        was, now = group[other // 2], group[one // 2]
        group = [now if number == was else number for number in group]
    result = []
    for number in sorted(set(group)):
        members = [n for n in range(len(found)) if group[n] == number]
        end = next(2 * n + e for n in members for e in (0, 1) if 2 * n + e not in partner)
        whole: list[np.ndarray] = []
        while True:
            piece = found[end // 2][::-1] if end % 2 else found[end // 2]
            if whole:
                # Ends that overlap: the second begins where the first ends.
                ahead = (piece - whole[-1][-1]) @ way_out(whole[-1], 1) > 0.5
                piece = piece[int(np.argmax(ahead)) :] if ahead.any() else piece[-1:]
            whole.append(piece)
            end ^= 1
            if end not in partner:
                break
            end = partner[end]
        result.append(np.concatenate(whole))
    lengths = [np.hypot(*np.diff(one, axis=0).T).sum() for one in result]
    keep = []
    for one, length in zip(result, lengths, strict=True):
        longer = [other for other, others in zip(result, lengths, strict=True) if others > max(length, _STRAY)]
        beside = any(np.hypot(*(resampled(other, 0.5)[:, None] - one[None]).T).min(axis=1).max() < _BESIDE for other in longer)
        if length > _STRAY or not beside:
            keep.append(one)
    return keep


def fits(one: np.ndarray, end_a: int, other: np.ndarray, end_b: int, hidden: np.ndarray | None = None) -> float:
    """How unlikely it is that two chains' ends belong to one line; inf where they do not. `hidden` allows long gaps under agents."""
    a, b = one[-end_a], other[-end_b]
    gap = b - a
    length = float(np.hypot(*gap))
    if length > (_GAP if hidden is None else _HIDDEN_GAP):
        return np.inf
    out_a, out_b = way_out(one, end_a), way_out(other, end_b)
    if float(out_a @ out_b) > -0.8:
        return np.inf
    sideways = max(abs(float(out_a[0] * gap[1] - out_a[1] * gap[0])), abs(float(out_b[0] * gap[1] - out_b[1] * gap[0])))
    if sideways > 2.0 + 0.25 * length or float(out_a @ gap) < -2.0:
        return np.inf
    if length > _GAP and hidden is not None:
        t = np.linspace(0, 1, int(length) + 2)[1:-1, None]
        at = np.round(a + t * gap).astype(int)
        if hidden[at[:, 0], at[:, 1]].mean() < 0.5:
            return np.inf
    return length + 2 * sideways


def drawn_out(nodes: np.ndarray, street: np.ndarray) -> np.ndarray:
    """Traced nodes (N, 2) as a smooth line; one that is nearly straight is straight, a short one in the street's direction (2,)."""
    nodes = resampled(nodes, NODE)
    weights = np.ones(len(nodes))
    moved = smoothed(nodes, weights, _CUTOFF, NODE) - nodes
    moved *= np.minimum(1.0, _LIMIT / np.maximum(np.hypot(*moved.T), 1e-9))[:, None]
    line = smoothed(nodes + moved, weights, 0.4 * _CUTOFF, NODE)
    middle = nodes.mean(axis=0)
    way = np.linalg.svd(nodes - middle, full_matrices=False)[2][0]
    if len(nodes) * NODE < _SHORT and np.abs((nodes - middle) @ np.array([-street[1], street[0]])).max() < _STRAIGHT:
        way = street
    off = (nodes - middle) @ np.array([-way[1], way[0]])
    if np.abs(off).max() < _STRAIGHT:
        along = (line - middle) @ way
        line = middle + along[:, None] * way
    return line


def taken_up(line: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The line (N, 2) from where one that is drawn already (M, 2) ends: it begins there and swings over to its own course."""
    end, way = drawn[-1], way_out(drawn, 1)
    ahead = line[(line - end) @ way > 1.0]
    if not len(ahead):
        return end[None]
    behind = line[(line - end) @ way <= 1.0]
    course = np.concatenate([behind[-1:], ahead]) if len(behind) else ahead
    side = np.array([-way[1], way[0]])
    on = course[1] - course[0] if len(course) > 1 else way
    # How far the course passes beside the end.
    t = float((end - course[0]) @ way) / max(float(on @ way), 1e-6)
    beside = float((end - course[0] - t * on) @ side)
    fade = np.clip((ahead - end) @ way / _SWING, 0.0, 1.0)
    fade = fade * fade * (3 - 2 * fade)
    return np.concatenate([end[None], ahead + ((1 - fade) * beside)[:, None] * side])


def pieces(chain: Chain, cell_m: float, epoch: int) -> np.ndarray:
    """float32 (N, LINE) of a chain."""
    nodes = chain.nodes
    lengths = np.hypot(*np.diff(nodes, axis=0).T)
    result = np.zeros((len(nodes) - 1, LINE), np.float32)
    result[:, 0:2], result[:, 2:4] = nodes[:-1] * cell_m, nodes[1:] * cell_m
    result[:, 4] = (chain.start + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])) * cell_m
    result[:, 5], result[:, 6], result[:, 9] = chain.style, epoch, chain.label
    result[0, 7], result[-1, 8] = not chain.runs_on[0], not chain.runs_on[1]
    if chain.style == DASHED:
        # Before a crossing or a stop dashes become one.
        middle = np.concatenate([[0.0], np.cumsum(lengths)[:-1]]) + 0.5 * lengths
        near = np.zeros(len(lengths), bool)
        for side, away in ((0, middle), (1, lengths.sum() - middle)):
            if chain.stops[side]:
                near |= away < _SOLID_END
        result[near, 5] = SOLID
    return result
