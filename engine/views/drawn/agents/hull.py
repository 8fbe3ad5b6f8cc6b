"""A vehicle's skin: horizontal outlines with rounded corners, stacked, with wheel arches cut from below. Metres, box frame.

A place on the skin is (u, z). |u| runs along half an outline: 0 the middle of the front, 1 to 2 the front corner, 2 to 3 the side,
3 to 4 the rear corner, 5 the middle of the rear; a negative u is the right side, and so is one beyond 5 (u - 10).
So a lamp that wraps round a corner is a rectangle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.views.drawn.agents.shapes import both, fan, grid, smooth_curve

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Arch:
    """A wheel's opening: the axle's x and z, and the opening's radius."""

    x: float
    z: float
    radius: float


@dataclass(frozen=True)
class Hull:
    """Curves are (from, to) pairs, smooth between them."""

    front: Curve
    """z -> x of the foremost point."""
    rear: Curve
    """z -> x of the rearmost point."""
    half_width: Curve
    """z -> half the width."""
    top: Curve
    """x -> z of the upper edge."""
    bottom: Curve
    """x -> z of the lower edge between the arches."""
    corner_front: tuple[float, float] = (0.3, 0.3)
    """The corner's extent along x and y."""
    corner_rear: tuple[float, float] = (0.3, 0.3)
    bow_front: float = 0.08
    """How far the front falls back from its middle to its corner."""
    bow_rear: float = 0.05
    arches: tuple[Arch, ...] = ()
    taper: float = 0.03
    """How much narrower it is at its ends than in its middle."""
    flare: float = 0.0
    """How far the sides stand out around the arches."""
    levels: tuple[float, ...] = ()
    """Heights of the skin's rows, where they are level; sheets on the skin are cut there too."""
    steps: tuple[int, int] = (3, 3)
    """Cuts of an end's face and of a corner."""
    blend: float = 0.06
    """Share of the side that leans with the ends; 1 lets every line across it lean in proportion."""

    @cached_property
    def _curves(self) -> tuple:
        return tuple(smooth_curve(c) for c in (self.front, self.rear, self.half_width, self.top, self.bottom))

    @cached_property
    def _side(self) -> tuple[float, float]:
        """x where the side begins and ends, at the height where the hull is longest."""
        return (
            max(x for _, x in self.front) - self.bow_front - self.corner_front[0],
            min(x for _, x in self.rear) + self.bow_rear + self.corner_rear[0],
        )

    def u_at(self, x: float) -> float:
        """The place on the left side at this x."""
        start, end = self._side
        return 2.0 + float(np.clip((start - x) / (start - end), 0.0, 1.0))

    def top_at(self, x: np.ndarray | float) -> np.ndarray:
        return self._curves[3](np.asarray(x, np.float64))

    def bottom_at(self, x: np.ndarray) -> np.ndarray:
        """The lower edge, arches included."""
        low = self._curves[4](x)
        for arch in self.arches:
            inside = np.maximum(arch.radius**2 - (x - arch.x) ** 2, 0.0)
            low = np.where(inside > 0, np.maximum(low, arch.z + np.sqrt(inside)), low)
        return low

    def points(self, u: np.ndarray, z: np.ndarray) -> np.ndarray:
        """(..., 3): places on the skin."""
        u = np.where(u > 5, u - 10, u)
        front, rear, width = self._curves[0](z), self._curves[1](z), self._curves[2](z)
        along = np.abs(u)
        start, end = self._side

        def ends(tip: np.ndarray, bow: float, corner: tuple[float, float], t: np.ndarray, sign: float) -> tuple[np.ndarray, np.ndarray]:
            """An end of the outline; t from 0 in its middle by 1 at its corner's begin to 2 at the side."""
            flat = width - corner[1]
            y_face = np.clip(t, 0, 1) * flat
            angle = np.clip(t - 1, 0, 1) * (np.pi / 2)
            y = y_face + corner[1] * np.sin(angle)
            back = bow * (y / width) ** 2 + corner[0] * (1 - np.cos(angle))
            return tip - sign * back, y

        x_front, y_front = ends(front, self.bow_front, self.corner_front, along, 1.0)
        x_rear, y_rear = ends(rear, self.bow_rear, self.corner_rear, 5 - along, -1.0)
        share = np.clip(along - 2, 0, 1)
        lean_front = front - self.bow_front - self.corner_front[0] - start
        lean_rear = rear + self.bow_rear + self.corner_rear[0] - end
        x_side = start + (end - start) * share
        x_side = x_side + lean_front * np.clip(1 - share / self.blend, 0, 1) + lean_rear * np.clip(1 - (1 - share) / self.blend, 0, 1)
        x = np.where(along < 2, x_front, np.where(along > 3, x_rear, x_side))
        y = np.where(along < 2, y_front, np.where(along > 3, y_rear, width))
        middle, half = (start + end) / 2, (start - end) / 2
        y = y * (1 - self.taper * np.clip(np.abs(x - middle) / half, 0, 1.15) ** 3)
        if self.flare:
            for arch in self.arches:
                away = np.hypot(x - arch.x, z - arch.z) / arch.radius
                y = y + self.flare * np.clip(1 - np.abs(away - 1) / 0.35, 0, 1) * (y > 0.6 * width)
        return np.stack(np.broadcast_arrays(x, np.where(u < 0, -y, y), z), axis=-1)

    def stations(self, sides: Sequence[float] = (), arch: int = 8) -> np.ndarray:
        """Places along half an outline: cuts at `sides` (x), around each arch, and so many in an end's face and corner."""
        cuts = [self.u_at(x) for x in sides]
        for opening in self.arches:
            x = opening.x + opening.radius * np.cos(np.linspace(0, np.pi, arch + 1))
            edges = opening.x + np.array([1, -1]) * (opening.radius + 0.012)
            cuts += [self.u_at(float(v)) for v in (*x, *edges)]
        ends = np.concatenate([np.linspace(0, 1, self.steps[0] + 1), np.linspace(1, 2, self.steps[1] + 1)])
        u = np.unique(np.round(np.concatenate([ends, 5 - ends, cuts]), 5))
        return u[np.concatenate([[True], np.diff(u) > 0.0015])]

    def skin(self, u: np.ndarray, rows: Sequence[float] = ()) -> np.ndarray:
        """Triangles of the whole side; `rows` are shares of the height from the lower to the upper edge, without them `levels` it is."""
        loop = np.concatenate([-u[:0:-1], u])
        edge = self._edge_x(loop)
        low, high = self.bottom_at(edge)[:, None], self.top_at(edge)[:, None]
        if len(rows):
            z = low + (high - low) * np.asarray(rows)[None]
        else:
            z = np.concatenate(
                [low, np.maximum(np.asarray(self.levels)[None], low + 0.002 * np.arange(1, len(self.levels) + 1)), high], axis=1
            )
        return grid(self.points(loop[:, None], z))

    def cells(self, u: np.ndarray, choice: np.ndarray) -> np.ndarray:
        """Parts (F,) of `skin`'s triangles from `choice` (stations - 1, rows - 1) of the left half."""
        return np.concatenate([choice[::-1], choice]).ravel().repeat(2)

    def _edge_x(self, u: np.ndarray) -> np.ndarray:
        """x of stations for looking up the edges: it does not lean."""
        start, end = self._side
        along = np.abs(u)
        return np.where(
            along < 2,
            start + (2 - along) / 2 * (self.bow_front + self.corner_front[0]),
            np.where(along > 3, end - (along - 3) / 2 * (self.bow_rear + self.corner_rear[0]), start + (end - start) * (along - 2)),
        )

    def cover_points(self, u: np.ndarray, across: np.ndarray, crown: float) -> np.ndarray:
        """(stations, columns, 3): places over the upper edge; `across` 1 is the left edge, -1 the right."""
        rim = self.points(u, self.top_at(self._edge_x(u)))
        half = rim[:, 1].max()
        lift = crown * (1 - across[None] ** 2) * np.minimum(1.0, rim[:, 1:2] / half) ** 2
        return np.stack(np.broadcast_arrays(rim[:, :1], rim[:, 1:2] * across, rim[:, 2:] + lift), axis=-1)

    def cover(self, u: np.ndarray, crown: float, across: Sequence[float] = (1.0, -1.0)) -> np.ndarray:
        """Triangles over the upper edge, raised by `crown` in the middle, with lines along it at `across`."""
        return grid(self.cover_points(u, np.asarray(across), crown))

    def cover_strip(self, u: np.ndarray, crown: float, across: float, width: float) -> np.ndarray:
        """A thin line along the cover."""
        line = self.cover_points(u, np.array([across]), crown)[:, 0]
        half = np.array([0.0, width / 2, 0.0])
        return grid(np.stack([line + half, line - half], axis=1) + (0.0, 0.0, 0.004))

    def floor(self, u: np.ndarray) -> np.ndarray:
        """Triangles under the lower edge, the arches' tunnels included."""
        rim = self.points(u, self.bottom_at(self._edge_x(u)))
        across = np.array([-1.0, 1.0])
        return grid(np.stack(np.broadcast_arrays(rim[:, :1], rim[:, 1:2] * across, rim[:, 2:]), axis=-1))

    def wheel_house(self, arch: Arch, y: float, steps: int = 10) -> np.ndarray:
        """The inner walls of an arch's tunnel, at +-y."""
        turn = np.linspace(0, np.pi, steps)
        rim = np.stack([arch.x + arch.radius * np.cos(turn), np.full(steps, y), arch.z + arch.radius * np.sin(turn)], axis=1)
        foot = rim[[-1, 0]] * (1, 1, 0) + (0, 0, 0.5 * arch.z)
        return both(fan(np.concatenate([rim, foot])[::-1]))

    def patch(self, corners: Sequence[tuple[float, float]], n: int = 1, m: int = 1, lift: float = 0.008) -> np.ndarray:
        """A sheet on the skin, `lift` above it. Corners (u, z): lower at small |u|, lower at large, upper at large, upper at small."""
        a, b, c, d = np.asarray(corners, np.float64)
        s, t = np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, m + 1), indexing="ij")
        s, t = s[..., None], t[..., None]
        place = (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * d + s * c)
        return self._lifted(place[..., 0], place[..., 1], lift)

    def _lifted(self, u: np.ndarray, z: np.ndarray, lift: float) -> np.ndarray:
        """Triangles over places (n, m), raised along the skin's normals."""
        step = 1e-3 * np.array([0, 1, -1, 0, 0])[:, None, None], 1e-3 * np.array([0, 0, 0, 1, -1])[:, None, None]
        point, u_more, u_less, z_more, z_less = self.points(u + step[0], z + step[1])
        normal = np.cross(u_more - u_less, z_more - z_less)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
        return grid(point + lift * normal)

    def band(self, u0: float, u1: float, z0: float, z1: float, n: int = 1, m: int = 1, lift: float = 0.008) -> np.ndarray:
        """A patch with level edges."""
        return self.patch([(u0, z0), (u1, z0), (u1, z1), (u0, z1)], n, m, lift)

    def sheet(self, u0: float, u1: float, z0: float, z1: float, lift: float = 0.008) -> np.ndarray:
        """A band cut where the skin is cut, so that it never dips under it."""
        face, corner = self.steps
        half = np.concatenate([np.linspace(0, 1, face + 1), np.linspace(1, 2, corner + 1)])
        marks = np.concatenate([-half, half, 5 - half, 5 + half])
        us = np.unique(np.concatenate([[u0, u1], marks[(marks > u0 + 0.02) & (marks < u1 - 0.02)]]))
        levels = np.asarray(self.levels)
        zs = np.unique(np.concatenate([[z0, z1], levels[(levels > z0) & (levels < z1)]]))
        return self._lifted(*np.meshgrid(us, zs, indexing="ij"), lift)
