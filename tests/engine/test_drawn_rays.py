"""Embree from compiled code, against the same rays done slowly in numpy."""

import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from engine.views.drawn import rays
from engine.views.drawn.mesh import Material, Mesh, joined, part
from engine.views.drawn.rays import FAR, HIT_INSTANCE, HIT_PRIMITIVE, RAY, Together, Triangles, blocked, trace


@njit
def _cast(scene, origins, directions, far, primitive, instance, dark):
    ray = np.zeros(RAY, np.float32)
    words = ray.view(np.uint32)
    for k in range(len(origins)):
        o, d = origins[k], directions[k]
        if trace(scene, ray, words, o[0], o[1], o[2], d[0], d[1], d[2], 0.0, 1e6):
            far[k], primitive[k], instance[k] = ray[FAR], words[HIT_PRIMITIVE], words[HIT_INSTANCE]
        dark[k] = blocked(scene, ray, words, o[0], o[1], o[2], d[0], d[1], d[2], 0.0, 1e6)


def _slowly(origin, direction, vertices, faces):
    """Nearest distance by Moeller and Trumbore over all triangles, inf where there is none."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    edge_1, edge_2 = b - a, c - a
    p = np.cross(direction, edge_2)
    determinant = (edge_1 * p).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = origin - a
        u = (s * p).sum(1) / determinant
        q = np.cross(s, edge_1)
        v = (q * direction).sum(1) / determinant
        t = (q * edge_2).sum(1) / determinant
    good = (np.abs(determinant) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
    t = np.where(good, t, np.inf)
    return t.min(), int(t.argmin())


def _soup(random, count, offset):
    centers = random.uniform(-10, 10, (count, 1, 3)) + offset
    vertices = (centers + 3 * random.normal(size=(count, 3, 3))).reshape(-1, 3).astype(np.float32)
    return vertices, np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def test_two_meshes_are_hit_as_slow_rays_hit_them():
    random = np.random.default_rng(5)
    meshes = [_soup(random, 60, 0.0), _soup(random, 40, 2.0)]
    together = Together([Triangles(*mesh) for mesh in meshes])
    origins = random.uniform(-14, 14, (400, 3))
    directions = random.normal(size=(400, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    far, primitive, instance, dark = np.full(400, np.inf), np.zeros(400, int), np.full(400, -1), np.zeros(400, bool)
    _cast(together.pointer, origins, directions, far, primitive, instance, dark)
    hits = 0
    for k in range(400):
        slow = [_slowly(origins[k], directions[k], *mesh) for mesh in meshes]
        which = int(slow[1][0] < slow[0][0])
        if np.isinf(slow[which][0]):
            assert np.isinf(far[k]) and not dark[k]
            continue
        hits += 1
        assert far[k] == pytest.approx(slow[which][0], abs=2e-4) and dark[k]
        assert (instance[k], primitive[k]) == (which, slow[which][1])
    assert 100 < hits < 390


def test_a_mesh_without_triangles_is_never_hit():
    together = Together([Triangles(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))])
    far, dark = np.full(1, np.inf), np.zeros(1, bool)
    _cast(together.pointer, np.zeros((1, 3)), np.array([[1.0, 0, 0]]), far, np.zeros(1, int), np.zeros(1, int), dark)
    assert np.isinf(far[0]) and not dark[0]


def test_where_embree_is_missing_one_sentence_says_so():
    code = (
        "import sys; sys.modules['embreex'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'embreex' else find(name, *a)\n"
        "from engine.views.drawn.rays import why_not; print(why_not())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert "embreex" in told and "--views" in told and told.count(".") <= 2


def test_joined_meshes_keep_their_parts():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]], np.float32)
    up = np.tile(np.float32([0, 0, 1]), (3, 1))
    one = Mesh(square, up, np.array([[0, 1, 2]], np.int32), np.zeros(1, np.int32), part(Material.PLAIN, (0.1, 0.2, 0.3), 4, instance=7)[None])
    two = Mesh(square, up, np.array([[0, 1, 2]], np.int32), np.zeros(1, np.int32), part(Material.GLASS, (0.5, 0.5, 0.5), 15)[None])
    both = joined([one, Mesh.empty(), two])
    assert both.faces.tolist() == [[0, 1, 2], [3, 4, 5]] and both.face_part.tolist() == [0, 1]
    assert both.parts[:, 8].tolist() == [4, 15]
    turned = one.moved(np.array([[0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), scale=(2, 1, 1))
    np.testing.assert_allclose(turned.vertices[1], (5, 2, 0), atol=1e-6)


def test_this_machine_can_trace():
    assert rays.why_not() is None
