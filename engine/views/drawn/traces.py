"""Columns of thin things ordered into chains: what is equally many steps from the end of its component, and touches, is one node."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import ndimage

from engine.views.drawn.ground_masks import patches

NODE = 2
"""Cells between nodes of a chain."""
_BRANCH = 5
"""Shorter side branches (nodes) are noise."""


def chains(mask: np.ndarray) -> list[np.ndarray]:
    """Ordered nodes (N, 2), cells, of what a mask (X, Y) of divider columns draws."""
    groups, _ = patches(mask)
    found = []
    for number, box in enumerate(ndimage.find_objects(groups), start=1):
        inside = groups[box] == number
        if inside.sum() < 3:
            continue
        offset = np.array([box[0].start, box[1].start], np.float64)
        found.extend(path + offset for path in _paths(inside))
    return found


def _paths(inside: np.ndarray) -> list[np.ndarray]:
    """Chains of one component (A, B)."""
    away = _walk(inside, *_farthest(_walk(inside, *np.argwhere(inside)[0])))
    node, total = _nodes(inside, away // NODE)
    flat = node[inside]
    cells = np.argwhere(inside).astype(np.float64)
    size = np.bincount(flat, minlength=total)
    middle = np.stack([np.bincount(flat, cells[:, k], minlength=total) / size for k in (0, 1)], axis=1)
    neighbours: list[set[int]] = [set() for _ in range(total)]
    rows, columns = inside.shape
    for di, dj in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = node[: rows - di, max(0, -dj) : columns - max(0, dj)]
        b = node[di:, max(0, dj) : columns + min(0, dj)]
        both = (a >= 0) & (b >= 0) & (a != b)
        for one, other in set(zip(a[both].tolist(), b[both].tolist(), strict=True)):
            neighbours[one].add(other)
            neighbours[other].add(one)
    left = set(range(total))
    paths = []
    while left:
        path = _longest(neighbours, left)
        left -= set(path)
        if len(path) >= (_BRANCH if paths else 2):
            line = middle[path]
            # Ends lie at the last cells, not at the last group's middle.
            ends = [cells[flat == path[k]] for k in (0, -1)]
            inwards = [line[0] - line[1], line[-1] - line[-2]]
            tips = [end[np.argmax(end @ way)] for end, way in zip(ends, inwards, strict=True)]
            tips = [line[k] + way * max(0.0, float((tip - line[k]) @ way) / float(way @ way)) for k, tip, way in zip((0, -1), tips, inwards, strict=True)]
            paths.append(np.concatenate([tips[:1], line, tips[1:]]))
    return paths


def _longest(neighbours: list[set[int]], left: set[int]) -> list[int]:
    """A longest way through what is left of one connected part of the graph."""
    start, _ = _reached(neighbours, left, min(left))
    end, before = _reached(neighbours, left, start)
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path


def _reached(neighbours: list[set[int]], left: set[int], start: int) -> tuple[int, dict[int, int]]:
    """The node that lies most steps from a start, and from which node each was reached."""
    before = {start: -1}
    order = [start]
    for one in order:
        for other in sorted(neighbours[one] & left):
            if other not in before:
                before[other] = one
                order.append(other)
    return order[-1], before


@njit(cache=True, error_model="numpy")
def _walk(inside, i, j):
    """Steps (A, B) from cell (i, j) through the mask, -1 where none lead."""
    away = np.full(inside.shape, -1, np.int32)
    queue = np.empty((inside.size, 2), np.int32)
    queue[0, 0], queue[0, 1] = i, j
    away[i, j] = 0
    head, tail = 0, 1
    while head < tail:
        i, j = queue[head, 0], queue[head, 1]
        head += 1
        for p in range(max(0, i - 1), min(inside.shape[0], i + 2)):
            for q in range(max(0, j - 1), min(inside.shape[1], j + 2)):
                if inside[p, q] and away[p, q] < 0:
                    away[p, q] = away[i, j] + 1
                    queue[tail, 0], queue[tail, 1] = p, q
                    tail += 1
    return away


def _farthest(away: np.ndarray) -> tuple[int, int]:
    return divmod(int(np.argmax(away)), away.shape[1])


@njit(cache=True, error_model="numpy")
def _nodes(inside, step):
    """Number (A, B) of the node of every cell: cells that touch and are as many steps away; and how many nodes there are."""
    node = np.full(inside.shape, -1, np.int32)
    queue = np.empty((inside.size, 2), np.int32)
    total = 0
    for a in range(inside.shape[0]):
        for b in range(inside.shape[1]):
            if not inside[a, b] or node[a, b] >= 0:
                continue
            node[a, b] = total
            queue[0, 0], queue[0, 1] = a, b
            head, tail = 0, 1
            while head < tail:
                i, j = queue[head, 0], queue[head, 1]
                head += 1
                for p in range(max(0, i - 1), min(inside.shape[0], i + 2)):
                    for q in range(max(0, j - 1), min(inside.shape[1], j + 2)):
                        if inside[p, q] and node[p, q] < 0 and step[p, q] == step[i, j]:
                            node[p, q] = total
                            queue[tail, 0], queue[tail, 1] = p, q
                            tail += 1
            total += 1
    return node, total
