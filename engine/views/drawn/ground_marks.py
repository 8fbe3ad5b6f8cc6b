"""All paint of the ground: lines and crossings found as columns are decided, and lines that run on over the apron."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from engine.spec.classes import CLASS
from engine.views.drawn.crossings import STRIP, strips
from engine.views.drawn.markings import DASHED, DOUBLE, LINE, SOLID, Chain, drawn_out, fits, joined_up, pieces, taken_up, way_out
from engine.views.drawn.traces import chains

_NEVER = 65535
_NEAR_EDGE_M = 1.35
"""A lane line that runs so near to the road's edge is solid."""
_SHORT = 22.0
"""And one that is no longer than this (cells): as dashes it might vanish."""
_ON_M, _ON_STEP = 220.0, 16.0
"""Lines run on so far over the apron, in pieces of so many cells."""
_TAIL = 40
"""A line that goes on is fitted together with so many nodes of the one before it."""
_STOP = 14
"""A line that ends so near (cells) to a crossing stops for it."""


class Marks:
    """Lines and crossings in metres from column [0, 0]'s centre."""

    def __init__(self, cell_m: float) -> None:
        self.cell_m = cell_m
        self._chains: list[Chain] = []
        self._lines = np.zeros((0, LINE), np.float32)
        self.strips = np.zeros((0, STRIP), np.float32)
        """float32 (S, STRIP); see crossings.py."""

    def take_in(
        self,
        offset: np.ndarray,
        label: np.ndarray,
        new: np.ndarray,
        decided: np.ndarray,
        hidden: np.ndarray,
        road_m: np.ndarray,
        degrees: np.ndarray,
        epoch: int,
    ) -> None:
        """Find what fresh columns `new` (X, Y) of a crop are painted with; `offset` (2,) is the crop's first column.

        label: class ids; decided: with what came earlier; hidden: under agents; road_m: metres to the road's edge; degrees: the street's direction.
        """
        found = [self._lines]
        crossing = new & (label == CLASS["ped_crossing"])
        stop = ndimage.binary_dilation(decided & (label == CLASS["ped_crossing"]), iterations=_STOP)
        for name in ("road_divider", "lane_divider"):
            mask = new & (label == CLASS[name])
            if not mask.any():
                continue
            for piece in joined_up(chains(mask), hidden):
                chain = self._drawn(piece + offset, CLASS[name], decided, road_m, degrees, offset)
                if chain is not None:
                    at = np.clip(np.round(chain.nodes[[0, -1]] - offset).astype(int), 0, np.array(new.shape) - 1)
                    chain.stops = bool(stop[at[0, 0], at[0, 1]]), bool(stop[at[1, 0], at[1, 1]])
                    self._chains.append(chain)
                    found.append(pieces(chain, self.cell_m, epoch))
        self._lines = np.concatenate(found)
        if crossing.any():
            across = np.radians(degrees.astype(np.float64)) + np.pi / 2
            fresh = strips(crossing, across, self.cell_m, epoch, _shifted(self.strips, -offset * self.cell_m))
            self.strips = np.concatenate([self.strips, _shifted(fresh, offset * self.cell_m)])

    def lines(self, taken: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """float32 (L, LINE): all pieces, and those that run on where `taken` (X, Y) ends, along the road edges (`ends`, as in Fields)."""
        found = [self._lines]
        for chain in self._chains:
            for side in (0, 1):
                tip, way = chain.nodes[-side], way_out(chain.nodes, side)
                if not _leaves(tip, way, taken):
                    continue
                if len(ends):
                    near = int(np.argmin(np.hypot(*(ends[:, :2] - tip).T)))
                    if float(ends[near, 2:] @ way) > 0.95:
                        way = ends[near, 2:]
                steps = np.arange(0.0, _ON_M / self.cell_m, _ON_STEP)[:, None]
                length = float(np.hypot(*np.diff(chain.nodes, axis=0).T).sum())
                on = Chain(tip + steps * way, chain.label, chain.style, chain.start + length if side else -chain.start, (True, True), tip[None])
                found.append(pieces(on, self.cell_m, _NEVER))
        return np.concatenate(found)

    def _drawn(self, nodes, label: int, decided, road_m, degrees, offset) -> Chain | None:
        """The line that traced nodes (N, 2) make, as the continuation of one that stands where there is one."""
        old, side, nodes = self._continued(nodes, label)
        at = np.clip(np.round(nodes[len(nodes) // 2] - offset).astype(int), 0, np.array(road_m.shape) - 1)
        angle = np.radians(float(degrees[at[0], at[1]]))
        street = np.array([np.cos(angle), np.sin(angle)])
        traced, runs_on = nodes, [old is not None, False]
        if old is None:
            line = drawn_out(nodes, street)
        else:
            before = old.traced if side else old.traced[::-1]
            # What of the new nodes lies beside the old ones is the same paint.
            ahead = (nodes - before[-1]) @ way_out(before, 1) > 0.5
            if not ahead.any():
                return None
            traced = np.concatenate([before[-_TAIL:], nodes[int(np.argmax(ahead)) :]])
            line = taken_up(drawn_out(traced, street), old.nodes if side else old.nodes[::-1])
        if len(line) < 2:
            return None
        for end in (0, 1):
            way = way_out(line, end)
            if not runs_on[end] and _leaves(line[-end] - offset, way, decided):
                # Drawn out to where the apron begins.
                line = np.concatenate([line, line[-1:] + 4.0 * way]) if end else np.concatenate([line[:1] + 4.0 * way, line])
                runs_on[end] = True
        if old is not None:
            # Metres go on being counted in the old line's direction.
            length = float(np.hypot(*np.diff(old.nodes if side else line, axis=0).T).sum())
            if not side:
                return Chain(line[::-1], label, old.style, old.start - length, (runs_on[1], True), traced[::-1])
            return Chain(line, label, old.style, old.start + length, (True, runs_on[1]), traced)
        style = DOUBLE
        if label == CLASS["lane_divider"]:
            i, j = np.clip(np.round(line - offset).astype(int).T, 0, np.array(road_m.shape)[:, None] - 1)
            length = float(np.hypot(*np.diff(line, axis=0).T).sum())
            style = SOLID if (length < _SHORT and not any(runs_on)) or np.mean(road_m[i, j] < _NEAR_EDGE_M) > 0.5 else DASHED
        # Dashes are counted from the world's zero, in the line's direction, so that neighbouring lines and other drives agree.
        way = (line[-1] - line[0]) / max(float(np.hypot(*(line[-1] - line[0]))), 1e-9)
        if abs(float(way @ street)) < 0.9:
            angle = np.radians(np.round(np.degrees(np.arctan2(way[1], way[0])) / 3) * 3)
            street = np.array([np.cos(angle), np.sin(angle)])
        if float(way @ street) < 0:
            line, runs_on, traced = line[::-1], runs_on[::-1], traced[::-1]
        return Chain(line, label, style, float(line[0] @ street), (runs_on[0], runs_on[1]), traced)

    def _continued(self, nodes: np.ndarray, label: int) -> tuple[Chain | None, int, np.ndarray]:
        """The line that nodes (N, 2) go on, at which of its ends, and the nodes turned to lead away from there; None where there is none."""
        best, result = np.inf, (None, 0, nodes)
        for old in self._chains:
            if old.label == label:
                for side in (0, 1):
                    for end in (0, 1):
                        cost = fits(old.traced, side, nodes, end)
                        if cost < best:
                            best, result = cost, (old, side, nodes[::-1] if end else nodes)
        return result


def _leaves(tip: np.ndarray, way: np.ndarray, decided: np.ndarray) -> bool:
    """Whether a line that ends at `tip` (cells) in this direction ends because nothing is decided farther on."""
    i, j = np.round(tip + 5.0 * way).astype(int)
    return not (0 <= i < decided.shape[0] and 0 <= j < decided.shape[1] and decided[i, j])


def _shifted(rows: np.ndarray, by_m: np.ndarray) -> np.ndarray:
    """Crossings moved by (2,) metres."""
    moved = rows.copy()
    moved[:, :2] += by_m.astype(np.float32)
    return moved
