"""Houses and street furniture of the drawn world, from synthetic voxels: straight, within what was seen, and never changed afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from PIL import Image, ImageDraw, ImageFont
from scipy.spatial import KDTree

from engine.spec.classes import CLASS, FREE
from engine.spec.grid import OCC3D
from engine.views.drawn import facade_rules, furniture_mesh, house_look, posters
from engine.views.drawn.buildings import Built, build
from engine.views.drawn.facade_rules import TOP, WIDTH
from engine.views.drawn.facades import facade_surface
from engine.views.drawn.mesh import Material, Mesh, part
from engine.views.drawn.roofs import concrete_surface, roof_surface
from engine.views.drawn.sign_words import COVER, KIOSKS, SLOGANS, STARTS, WORDS, draw
from engine.views.drawn.signs import word_of
from engine.views.drawn.solids import Solids
from engine.views.drawn.static_world import StaticWorld
from engine.views.drawn.surface import ALBEDO, ANSWER, MIRROR

MANMADE, ROAD, WALK, TERRAIN = (CLASS[name] for name in ("manmade", "driveable_surface", "sidewalk", "terrain"))
VOXEL = OCC3D.voxel_m
GROUND_K = 2
"""Layer of the ground; its upper face is the world's z = 0.2."""


def empty_world() -> StaticWorld:
    """An 80 m square of void with a road and a sidewalk along x, 12 m wide, and soil beside them; all decided."""
    world = StaticWorld(OCC3D, np.eye(4)[None])
    world.labels[:] = FREE
    world.decided[:] = True
    y = middles(world)[1]
    for label, far in ((TERRAIN, 14.0), (WALK, 8.0), (ROAD, 6.0)):
        world.labels[:, np.abs(y) < far, GROUND_K] = label
    return world


def middles(world: StaticWorld) -> tuple[np.ndarray, np.ndarray]:
    """World x and y of the columns' middles."""
    x, y = (world.origin_m[a] + (np.arange(world.labels.shape[a]) + 0.5) * VOXEL for a in (0, 1))
    return x, y


def put_walls(world: StaticWorld, corners: np.ndarray, top: int = 16, missing: float = 0.0, seed: int = 0, closed: bool = True) -> None:
    """Voxels along a polygon (N, 2) in world metres, some of them missing; no ground is seen inside it."""
    rng = np.random.default_rng(seed)
    for a, b in zip(corners, np.roll(corners, -1, axis=0) if closed else corners[1:], strict=False):
        for t in np.arange(0.0, float(np.hypot(*(b - a))), 0.15):
            p = a + (b - a) * t / np.hypot(*(b - a)) + rng.normal(0.0, 0.06, 2)
            i, j = np.floor((p - world.origin_m[:2]) / VOXEL).astype(int)
            if rng.random() < 1.0 - missing:
                world.labels[i, j, GROUND_K : top + 1] = MANMADE
    if closed:
        x, y = middles(world)
        points = np.stack(np.meshgrid(x, y, indexing="ij"), -1)
        inside = np.ones(points.shape[:2], bool)
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            inside &= (b[0] - a[0]) * (points[..., 1] - a[1]) - (b[1] - a[1]) * (points[..., 0] - a[0]) > 0
        soil = np.isin(world.labels[..., GROUND_K], (TERRAIN, WALK, ROAD))
        world.labels[inside & soil, GROUND_K] = FREE


def rectangle(x: float, y: float, width: float, depth: float, degrees: float = 0.0) -> np.ndarray:
    """Corners (4, 2), counter-clockwise, of a rectangle around (x, y)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    local = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, depth / 2]
    return local @ np.array([[c, s], [-s, c]]) + [x, y]


def built_from(world: StaticWorld, fresh: np.ndarray | None = None, built: Built | None = None) -> tuple[Mesh, Built]:
    built = built or Built()
    height = np.full(world.decided.shape, 0.2, np.float32)
    return build(world, world.decided if fresh is None else fresh, height, 5, np.zeros(3), built), built


@pytest.mark.parametrize("degrees", [0.0, 23.0, -38.0])
def test_broken_walls_become_one_straight_house(degrees: float) -> None:
    world = empty_world()
    corners = rectangle(2.0, 21.0, 14.0, 9.0, degrees)
    put_walls(world, corners, missing=0.45)
    mesh, built = built_from(world)
    assert len(built.rects) == 1
    rect = built.rects[0]
    turn = (np.degrees(np.arctan2(rect.along[1], rect.along[0])) - degrees + 45) % 90 - 45
    assert abs(turn) < 1.5
    # Every corner of the true house is at one of its own: walls are drawn half a voxel outside their columns' middles.
    away = np.hypot(*(rect.corners()[:, None] - corners[None]).transpose(2, 0, 1)).min(axis=0)
    assert away.max() < 0.65
    middle = rect.corners().mean(axis=0)
    assert np.abs(middle - [2.0, 21.0]).max() < 0.3
    assert len(mesh.faces) < 4000 and np.isfinite(mesh.vertices).all()


def test_a_front_alone_reaches_into_the_void_behind_it() -> None:
    world = empty_world()
    put_walls(world, np.array([[-9.0, 14.6], [9.0, 14.6]]), missing=0.3, closed=False)
    _, built = built_from(world)
    assert len(built.rects) == 1
    corners = built.rects[0].corners()
    assert abs(corners[:, 1].min() - 14.4) < 0.4 and 4.0 < corners[:, 1].max() - 14.4 < 14.5
    assert abs(np.ptp(corners[:, 0]) - 18.0) < 1.0


def test_nothing_stands_over_paved_columns() -> None:
    world = empty_world()
    world.labels[:, middles(world)[1] > 8.0] = FREE
    for x in (-28.0, -9.0, 8.0, 27.0):
        put_walls(world, np.array([[x - 6.0, 8.6], [x + 6.0, 8.6]]), missing=0.3, closed=False)
        put_walls(world, rectangle(x, -13.0, 11.0, 9.0, 10.0), missing=0.4)
    _, built = built_from(world)
    assert len(built.rects) >= 6
    x, y = middles(world)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), -1)
    paved = np.isin(world.labels[..., GROUND_K], (ROAD, WALK))
    for rect in built.rects:
        assert not rect.holds(points[paved], -0.3).any()


def test_what_was_built_stays_and_a_wall_goes_on_in_line() -> None:
    world = empty_world()
    put_walls(world, np.array([[-22.0, 15.0], [22.0, 15.2]]), missing=0.3, closed=False)
    x = middles(world)[0]
    first = np.zeros_like(world.decided)
    first[x < 1.0] = True
    world.decided = first.copy()
    before, built = built_from(world, first)
    earlier = list(built.rects)
    shapes = [rect.corners().copy() for rect in earlier]
    assert len(earlier) == 1 and len(before.faces)
    world.decided = np.ones_like(first)
    after, built = built_from(world, ~first, built)
    assert built.rects[: len(earlier)] == earlier and len(built.rects) == 2
    assert all(np.array_equal(a.corners(), b) for a, b in zip(built.rects, shapes, strict=False))
    seam = built.rects[1].corners()
    assert np.abs(built.rects[0].local(seam)[:, 1]).min() < 1e-6 and built.rects[1].family == built.rects[0].family
    assert len(after.faces) and after.vertices[:, 0].min() > before.vertices[:, 0].max() - 4.0
    nothing, _ = built_from(world, np.zeros_like(first), built)
    assert len(nothing.faces) == 0


def test_the_same_world_gives_the_same_bytes() -> None:
    meshes = []
    for _ in range(2):
        world = empty_world()
        put_walls(world, rectangle(-12.0, 20.0, 18.0, 9.0, 4.0), missing=0.4)
        put_walls(world, np.array([[10.0, 9.5], [18.0, 9.5]]), top=5, closed=False)
        meshes.append(built_from(world)[0])
    for name in ("vertices", "normals", "faces", "face_part", "parts", "uv"):
        assert np.array_equal(getattr(meshes[0], name), getattr(meshes[1], name))


def test_poles_walls_and_boxes_are_found_by_shape() -> None:
    world = empty_world()
    for x in range(-30, 31, 6):
        i, j = (int((q - o) / VOXEL) for q, o in zip((x, 7.3), world.origin_m, strict=False))
        world.labels[i, j, GROUND_K:16] = MANMADE
    put_walls(world, np.array([[-20.0, -10.0], [-8.0, -10.0]]), top=5, closed=False)
    mesh, built = built_from(world)
    assert not built.rects
    high = mesh.vertices[mesh.vertices[:, 2] > 2.0]
    for x in range(-30, 31, 6):
        assert np.hypot(high[:, 0] - x, high[:, 1] - 7.3).min() < 0.8
    assert 3 <= len(built.lamps) <= 11
    assert (np.abs(built.lamps[:, 1]) < 7.3).all() and (built.lamps[:, 2] > 5.0).all()
    wall = mesh.vertices[(np.abs(mesh.vertices[:, 1] + 10.0) < 0.6) & (mesh.vertices[:, 0] < -7.0)]
    assert wall[:, 0].min() < -19.5 and wall[:, 0].max() > -8.6 and wall[:, 2].max() < 2.2


def test_what_stands_high_is_near_something_built() -> None:
    world = empty_world()
    rng = np.random.default_rng(3)
    for n, x in enumerate((-30.0, -12.0, 7.0, 27.0)):
        put_walls(world, rectangle(x, 20.0 + rng.random(), 10.0 + 4.0 * rng.random(), 9.0, 6.0), missing=0.4, seed=n)
        put_walls(world, rectangle(x, -21.0, 12.0, 8.0, -5.0), missing=0.5, seed=9 + n, top=12)
        put_walls(world, np.array([[x, 9.2], [x + 0.5, 9.2]]), closed=False)
    mesh, _ = built_from(world)
    high = (world.labels == MANMADE).sum(axis=2) * VOXEL >= 3.0
    x, y = middles(world)
    i, j = np.nonzero(high)
    away, _ = KDTree(on_triangles(mesh)).query(np.stack([x[i], y[j]], axis=1))
    near = away < 0.8
    assert np.mean(near) >= 0.9


def on_triangles(mesh: Mesh) -> np.ndarray:
    """Points (N, 2) along two edges of every triangle."""
    a, b, c = (mesh.vertices[mesh.faces[:, k], :2] for k in range(3))
    spots = []
    for u in np.linspace(0, 1, 41):
        for p, q in ((a, b), (b, c)):
            spots.append(p + (q - p) * u)
    return np.concatenate(spots)


@pytest.mark.parametrize("style", range(7))
@pytest.mark.parametrize("kind", [facade_rules.HOUSE, facade_rules.SHOP, facade_rules.LOBBY])
def test_a_facade_keeps_its_mean_colour_from_far_away(style: int, kind: int) -> None:
    row = part(
        Material.FACADE, (0.4, 0.3, 0.25), MANMADE, seed=88,
        params=(style, 15.0, 12.6, 3.6, 3.0, 5, kind, 1.3, 1.7, 0.6, 0.58, 0.52),
    )  # fmt: skip
    near, far = mean_of(row, 0.03), mean_of(row, 2.5)
    assert np.abs(near[:3] / far[:3] - 1.0).max() < 0.12
    assert 0.02 < near[3] < 0.9 and abs(near[3] - far[3]) < 0.05
    once, again = np.zeros(ANSWER), np.zeros(ANSWER)
    facade_surface(row, 3.3, 4.4, 0.02, 0.02, once)
    facade_surface(row, 3.3, 4.4, 0.02, 0.02, again)
    assert np.array_equal(once, again) and np.isfinite(once).all() and once[:3].min() > 0.0 and once[:3].max() < 1.0


@njit
def mean_of(row, footprint_m):
    """Mean albedo and share of panes over a wall (4,)."""
    out, total, count = np.zeros(ANSWER), np.zeros(4), 0
    step = 0.0613
    for i in range(int(row[WIDTH] / step)):
        for j in range(int(row[TOP] / step)):
            facade_surface(row, (i + 0.5) * step, (j + 0.5) * step, footprint_m, footprint_m, out)
            total[:3] += out[ALBEDO : ALBEDO + 3]
            total[3] += out[MIRROR]
            count += 1
    return total / count


def test_a_shops_sign_is_a_word_that_can_be_read() -> None:
    """The sign's pixels are those of its word as Pillow writes it, upright and not mirrored; seen from farther they keep their mean."""
    row = shops_row(width=12.6)
    for shop in range(3):
        word = WORDS[word_of(shop, False, 88)]
        sign = sign_of(row, shop * 4.2 + 0.35, 3.5, 0.01)
        letters = np.abs(sign - np.median(sign)) > 0.1
        assert 0.02 < letters.mean() < 0.4
        written = drawn_word(word, letters)
        same, other = np.corrcoef(letters.ravel(), written.ravel())[0, 1], np.corrcoef(letters.ravel(), written[:, ::-1].ravel())[0, 1]
        assert same > 0.75 and same > other + 0.3, (word, same, other)
        assert sign_of(row, shop * 4.2 + 0.35, 3.5, 0.3, step=0.01).mean() == pytest.approx(sign.mean(), rel=0.15)
    pipe = sign_of(shops_row(12.6, seed=84), 0.0, 0.4, 0.01)
    assert pipe.min() > 0.03  # a rain pipe beside a board takes nothing from it
    assert len({word_of(shop, False, 88) for shop in range(23)}) == 23
    assert WORDS[word_of(0, True, 88)] in KIOSKS


def test_the_kept_words_are_what_pillow_draws() -> None:
    cover, starts = draw()
    assert np.array_equal(starts, STARTS)
    assert np.abs(cover.astype(int) - COVER).mean() < 3.0


def shops_row(width: float, seed: int = 88) -> np.ndarray:
    return part(
        Material.FACADE, (0.4, 0.3, 0.25), MANMADE, seed=seed,
        params=(facade_rules.PLASTER, width, 12.6, 4.0, 3.0, 5, facade_rules.SHOP, 1.3, 1.7, 0.6, 0.58, 0.52),
    )  # fmt: skip


def sign_of(row: np.ndarray, left_m: float, span_m: float, footprint_m: float, step: float = 0.01) -> np.ndarray:
    """Brightness (rows from above, columns) of the middle of a sign, sampled every `step` metres."""
    out = np.zeros(ANSWER)
    picture = np.zeros((int(0.44 / step), int(span_m / step)))
    for j in range(picture.shape[0]):
        for i in range(picture.shape[1]):
            facade_surface(row, left_m + (i + 0.5) * step, 3.78 - (j + 0.5) * step, footprint_m, footprint_m, out)
            picture[j, i] = out[ALBEDO : ALBEDO + 3].mean()
    return picture


def drawn_word(word: str, like: np.ndarray) -> np.ndarray:
    """A word in Pillow's typeface, stretched to the rectangle that the ink of `like` (H, W) fills."""
    rows, columns = np.flatnonzero(like.any(axis=1)), np.flatnonzero(like.any(axis=0))
    font = ImageFont.load_default(200)
    tile = Image.new("L", (3000, 400))
    ImageDraw.Draw(tile).text((20, 20), word, 255, font, stroke_width=7)
    ink = tile.crop(tile.getbbox()).resize((int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1), Image.Resampling.BOX)
    result = np.zeros(like.shape, bool)
    result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = np.asarray(ink) > 127
    return result


@pytest.mark.parametrize("before", ["nothing", "shrubs", "fence"])
def test_no_shop_opens_behind_shrubs_or_a_fence(before: str) -> None:
    kinds: set[int] = set()
    for n in range(6):
        world = empty_world()
        for x in (-24.0, 0.0, 24.0):
            put_walls(world, rectangle(x, 14.0, 12.0, 9.0), missing=0.3, seed=n)
        x, y = middles(world)
        if before == "shrubs":
            world.labels[:, (y > 7.8) & (y < 8.8), GROUND_K + 1 : GROUND_K + 4] = CLASS["vegetation"]
        elif before == "fence":
            world.labels[np.abs(x % 24.0 - 12.0) > 7.0, np.argmin(np.abs(y - 7.9)), GROUND_K + 1 : GROUND_K + 5] = MANMADE
        height = np.full(world.decided.shape, 0.2, np.float32)
        mesh = build(world, world.decided, height, n, np.zeros(3), Built())
        fronts = mesh.parts[mesh.face_part[(mesh.normals[mesh.faces[:, 0], 1] < -0.9)]]
        kinds |= {int(row[facade_rules.KIND]) for row in fronts if row[0] == Material.FACADE}
    assert (facade_rules.SHOP in kinds) == (before == "nothing")


def test_nothing_stands_before_a_door() -> None:
    """A cabinet where the door was, or columns there that are not decided yet: the door is in another bay; a wall along the whole front: none."""

    def door_of(things: np.ndarray, n: int, unseen: float = np.inf) -> float | None:
        """World x of the middle of the front's door; columns before the front around `unseen` are not decided."""
        world = empty_world()
        put_walls(world, rectangle(0.0, 19.0, 13.0, 9.0), seed=3)
        x, y = middles(world)
        for at in things:
            world.labels[np.abs(x - at) < 0.45, np.argmin(np.abs(y - 13.0)), GROUND_K + 1 : GROUND_K + 4] = MANMADE
        world.decided[np.ix_(np.abs(x - unseen) < 0.9, (y > 12.4) & (y < 13.8))] = False
        mesh = build(world, world.decided, np.full(world.decided.shape, 0.2, np.float32), n, np.zeros(3), Built())
        fronts = mesh.face_part[mesh.normals[mesh.faces[:, 0], 1] < -0.9]
        fronts = [p for p in np.unique(fronts) if mesh.parts[p, 0] == Material.FACADE and mesh.parts[p, WIDTH] > 9.0]
        row = mesh.parts[fronts[0]]
        if row[facade_rules.KIND] != facade_rules.HOUSE or row[facade_rules.DOOR] < 0:
            return None
        left = mesh.vertices[mesh.faces[mesh.face_part == fronts[0]]][..., 0].min()
        return float(left + (row[facade_rules.DOOR] + 0.5) * row[WIDTH] / row[facade_rules.BAYS])

    moved = 0
    for n in range(5):
        free = door_of(np.zeros(0), n)
        if free is None:
            continue  # an office
        kept = door_of(np.array([free]), n)
        assert kept is None or abs(kept - free) > 1.0, (n, free, kept)
        later = door_of(np.zeros(0), n, free)
        assert later is not None and abs(later - free) > 1.0, (n, free, later)
        moved += kept is not None
        assert door_of(np.arange(-8.0, 8.1, 0.8), n) is None
    assert moved >= 2


@pytest.mark.parametrize("design", posters.DESIGNS)
def test_a_poster_keeps_its_mean_colour_from_far_away(design: int) -> None:
    for size in ((3.9, 2.3), (0.85, 1.55)):
        near, far = poster_of(design, size, size[0] / 150), poster_of(design, size, size[0] / 20)
        assert np.abs(near.mean(axis=(0, 1)) - far.mean(axis=(0, 1))).max() < 0.04
        assert near.std(axis=(0, 1)).max() > 0.1 and near.min() >= 0.0 and near.max() < 0.95


def test_a_posters_words_are_those_that_pillow_writes() -> None:
    """Upright and not mirrored, and of their size."""
    assert len(posters.DESIGNS) == len(SLOGANS)
    for design, slogan in enumerate(SLOGANS):
        for which, word in enumerate(slogan):
            sheet, rgb = np.zeros((40, 520)), np.zeros(3)
            for j, i in np.ndindex(sheet.shape):
                rgb[:] = 0.0
                number = WORDS.index(SLOGANS[0][0]) + 2 * design + which
                posters.words_on(number, (i + 0.5) / 100, (39.5 - j) / 100, 0.01, 0.01, 2.6, 0.10, 0.20, 5.0, rgb, 1.0, 1.0, 1.0)
                sheet[j, i] = rgb[1]
            letters = sheet > 0.5
            written = drawn_word(word, letters)
            same, other = np.corrcoef(letters.ravel(), written.ravel())[0, 1], np.corrcoef(letters.ravel(), written[:, ::-1].ravel())[0, 1]
            assert same > 0.7 and same > other + 0.2, (word, same, other)
            rows = np.flatnonzero(letters.any(axis=1))
            assert 8 <= rows[0] <= 11 and 28 <= rows[-1] <= 31


def test_a_billboards_poster_reads_from_left_to_right_and_faces_the_road() -> None:
    for kind, make in (("billboard", furniture_mesh.billboard), ("shelter", furniture_mesh.shelter)):
        solids = Solids(np.zeros(3))
        out = np.array([0.6, -0.8])
        make(solids, np.zeros(3), out, 3.6, 77)
        mesh = solids.mesh()
        sheets = np.flatnonzero(mesh.parts[mesh.face_part, 0] == Material.POSTER)
        assert len(sheets) == (2 if kind == "billboard" else 4)
        for face in sheets:
            corners, uv = mesh.vertices[mesh.faces[face]].astype(float), mesh.uv[mesh.faces[face]].astype(float)
            along_u, along_v = (np.linalg.lstsq(uv[1:] - uv[0], corners[1:] - corners[0], rcond=None)[0][k] for k in (0, 1))
            normal = mesh.normals[mesh.faces[face, 0]]
            assert np.allclose(np.cross(along_u, along_v), normal, atol=1e-4) and np.allclose(along_v, (0.0, 0.0, 1.0), atol=1e-4)
            if kind == "billboard":
                assert normal[:2] @ out > 0.99


def poster_of(design: int, size_m: tuple[float, float], step_m: float) -> np.ndarray:
    """Linear colour (rows from above, columns, 3) of a poster in pixels `step_m` wide."""
    row = part(Material.POSTER, class_id=MANMADE, params=(*size_m, design, 0))
    picture = np.zeros((round(size_m[1] / step_m), round(size_m[0] / step_m), 3))
    out = np.zeros(ANSWER)
    for j, i in np.ndindex(picture.shape[:2]):
        posters.poster_surface(row, (i + 0.5) * step_m, size_m[1] - (j + 0.5) * step_m, step_m, step_m, out)
        picture[j, i] = out[ALBEDO : ALBEDO + 3]
    return picture


def test_a_small_building_at_the_walk_is_no_garden_shed() -> None:
    """At a walk stand kiosks and stations, which look at the road; sheds of boards stand in gardens."""
    styles = {}
    for y in (9.4, 13.2):
        for x in np.arange(-30.0, 31.0, 10.0):
            world = empty_world()
            put_walls(world, rectangle(float(x), y, 2.6, 2.6), top=8)
            mesh, _ = built_from(world)
            facades = mesh.parts[mesh.face_part]
            boards = (facades[:, 0] == Material.FACADE) & (facades[:, facade_rules.STYLE] == facade_rules.BOARDS)
            styles.setdefault(y, []).append(bool(boards.any()))
            selling = np.flatnonzero((facades[:, 0] == Material.FACADE) & (facades[:, facade_rules.KIND] == facade_rules.KIOSK))
            assert (mesh.normals[mesh.faces[selling, 0], 1] < -0.9).all()
            walls = mesh.normals[mesh.faces[facades[:, 0] == Material.FACADE, 0]]
            assert (np.abs(walls[:, :2]).max(axis=1) > 0.99).all()  # along the road and across it, as nothing else says how it stands
    assert not any(styles[9.4]) and all(styles[13.2])


def test_a_vivid_wall_of_one_colour_is_dark() -> None:
    """In the sun a red of 0.4 is a pink house, and one of 0.24 a red toy; bricks are broken up by their mortar."""
    for style, walls in house_look._WALLS.items():
        for rgb in walls:
            if style != facade_rules.BRICK and np.ptp(rgb) / max(rgb) > 0.5:
                assert max(rgb) < 0.2, (style, rgb)


def test_roofs_and_concrete_stay_near_their_colour() -> None:
    out = np.zeros(ANSWER)
    for kind in range(4):
        row = part(Material.ROOF, (0.2, 0.1, 0.08), MANMADE, seed=3, params=(kind,))
        for f in (0.01, 3.0):
            total = np.zeros(3)
            for u in np.arange(0.0, 8.0, 0.083):
                for v in np.arange(0.0, 3.0, 0.031):
                    roof_surface(row, u, v, f, f, out)
                    total += out[:3]
            assert np.abs(total / (97 * 97) / [0.2, 0.1, 0.08] - 1.0).max() < 0.08
    concrete_surface(part(Material.CONCRETE, (0.4, 0.4, 0.38), MANMADE), 1.0, 2.0, 3.0, 0.05, out)
    assert np.abs(out[:3] / [0.4, 0.4, 0.38] - 1.0).max() < 0.3
