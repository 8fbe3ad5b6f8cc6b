"""Rays on triangles: Embree, called from compiled code.

The wheel of embreex brings the Embree library itself. Its C functions are called through ctypes to build scenes, and by name from
inside numba kernels to trace, so that a kernel traces and shades without returning to Python, on all cores.

A ray is the first 12 float32 of a `RAY` buffer (Embree's RTCRayHit): origin, near, direction, time, far, mask, id, flags; behind
them the hit: normal, u, v, primitive, geometry, instance.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import llvmlite.binding
import numpy as np
from numba import njit, types

import engine.spec  # noqa: F401  (sets numba's threading layer before numba compiles anything)

RAY = 32
"""float32 words of a ray with its hit: 80 bytes of Embree's, rounded up to two cache lines."""
FAR, HIT_U, HIT_V, HIT_PRIMITIVE, HIT_GEOMETRY, HIT_INSTANCE = 8, 15, 16, 17, 18, 19
NONE = np.uint32(0xFFFFFFFF)

_TRIANGLES, _INSTANCE = 0, 121
_INDICES, _VERTICES = 0, 1
_UINT3, _FLOAT3 = 0x5003, 0x9003


class RaysError(RuntimeError):
    """Embree is not here, or refused something: one sentence."""


def why_not() -> str | None:
    """One sentence where rays cannot be traced on this machine, None where they can."""
    try:
        _library()
    except RaysError as error:
        return str(error)
    return None


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    spec = importlib.util.find_spec("embreex")
    if spec is None or not spec.submodule_search_locations:
        raise RaysError(
            "The drawn views trace rays with Embree, and its package 'embreex' is not installed (it has wheels for Linux and Windows on x86-64 "
            "and for macOS): choose another view model with --views."
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    places = (package.parent / "embreex.libs", package / ".dylibs", package)
    files = [path for place in places if place.is_dir() for path in sorted(place.iterdir()) if "embree4" in path.name.lower()]
    if not files:
        raise RaysError(f"Package 'embreex' in {package} brings no Embree library: install embreex again, or choose another view model.")
    try:
        import embreex.rtcore_scene  # noqa: F401  (loads the libraries that Embree itself needs)

        library = ctypes.CDLL(str(files[0]))
    except (ImportError, OSError) as error:
        raise RaysError(f"Embree could not be loaded ({error}): install embreex again, or choose another view model.") from error
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("rtcNewDevice", pointer, [ctypes.c_char_p]),
        ("rtcGetDeviceError", ctypes.c_int, [pointer]),
        ("rtcNewScene", pointer, [pointer]),
        ("rtcReleaseScene", None, [pointer]),
        ("rtcNewGeometry", pointer, [pointer, ctypes.c_int]),
        ("rtcReleaseGeometry", None, [pointer]),
        ("rtcSetSharedGeometryBuffer", None, [pointer, ctypes.c_int, ctypes.c_uint, ctypes.c_int, pointer, size, size, size]),
        ("rtcSetGeometryInstancedScene", None, [pointer, pointer]),
        ("rtcCommitGeometry", None, [pointer]),
        ("rtcAttachGeometry", ctypes.c_uint, [pointer, pointer]),
        ("rtcCommitScene", None, [pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    for name in ("rtcIntersect1", "rtcOccluded1"):
        # By name, not by address, so that numba may keep the compiled kernels on disk.
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        llvmlite.binding.add_symbol(name, address)
    return library


@lru_cache(maxsize=1)
def _device() -> int:
    device = _library().rtcNewDevice(b"")
    if not device:
        raise RaysError("Embree found no processor that it can use (it needs SSE2): choose another view model with --views.")
    return device


if why_not() is None:
    _library()
_SIGNATURE = types.void(types.uintp, types.uintp, types.uintp)
_intersect = types.ExternalFunction("rtcIntersect1", _SIGNATURE)
_occluded = types.ExternalFunction("rtcOccluded1", _SIGNATURE)


class _Scene:
    """An Embree scene of geometries, given back when it is forgotten."""

    def __init__(self) -> None:
        self.pointer: int = _library().rtcNewScene(_device())

    def _attach(self, geometry: int) -> None:
        library = _library()
        library.rtcCommitGeometry(geometry)
        library.rtcAttachGeometry(self.pointer, geometry)
        library.rtcReleaseGeometry(geometry)

    def _commit(self) -> None:
        _library().rtcCommitScene(self.pointer)
        _check()

    def __del__(self) -> None:
        if pointer := getattr(self, "pointer", None):
            _library().rtcReleaseScene(pointer)


class Triangles(_Scene):
    """One mesh; keeps the arrays that Embree reads."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        """vertices float32 (V, 3), faces int32 (F, 3)."""
        super().__init__()
        # Embree reads 16 bytes at a vertex of 12, so one more stands behind the last.
        self._vertices = np.concatenate([np.ascontiguousarray(vertices, np.float32), np.zeros((1, 3), np.float32)])
        self._faces = np.ascontiguousarray(faces, np.uint32)
        if len(self._faces):
            geometry = _library().rtcNewGeometry(_device(), _TRIANGLES)
            buffers = ((_VERTICES, _FLOAT3, self._vertices, len(vertices)), (_INDICES, _UINT3, self._faces, len(faces)))
            for kind, form, array, count in buffers:
                _library().rtcSetSharedGeometryBuffer(geometry, kind, 0, form, array.ctypes.data, 0, 12, count)
            self._attach(geometry)
        self._commit()


class Together(_Scene):
    """Several meshes as one scene to trace; a hit's instance says which of them."""

    def __init__(self, parts: Sequence[Triangles]) -> None:
        super().__init__()
        self._parts = tuple(parts)
        for one in self._parts:
            geometry = _library().rtcNewGeometry(_device(), _INSTANCE)
            _library().rtcSetGeometryInstancedScene(geometry, one.pointer)
            self._attach(geometry)
        self._commit()


def _check() -> None:
    code = _library().rtcGetDeviceError(_device())
    if code:
        reason = {2: "an invalid argument", 3: "an invalid operation", 4: "no memory left", 5: "a processor without support"}.get(code, f"error {code}")
        raise RaysError(f"Embree refused a scene ({reason}): report this scene.")


@njit(error_model="numpy", inline="always")
def _fill(ray, words, ox, oy, oz, dx, dy, dz, near, far):
    ray[0], ray[1], ray[2], ray[3] = ox, oy, oz, near
    ray[4], ray[5], ray[6], ray[7] = dx, dy, dz, 0.0
    ray[8] = far
    words[9], words[10], words[11] = NONE, np.uint32(0), np.uint32(0)


@njit(error_model="numpy", inline="always")
def trace(scene, ray, words, ox, oy, oz, dx, dy, dz, near, far):
    """Nearest hit of a ray; True where there is one. `words` is `ray.view(np.uint32)`; distances count in lengths of the direction."""
    _fill(ray, words, ox, oy, oz, dx, dy, dz, near, far)
    words[HIT_PRIMITIVE] = words[HIT_GEOMETRY] = words[HIT_INSTANCE] = NONE
    _intersect(scene, ray.ctypes.data, np.uint64(0))
    return words[HIT_GEOMETRY] != NONE


@njit(error_model="numpy", inline="always")
def blocked(scene, ray, words, ox, oy, oz, dx, dy, dz, near, far):
    """Whether anything stands on a ray."""
    _fill(ray, words, ox, oy, oz, dx, dy, dz, near, far)
    _occluded(scene, ray.ctypes.data, np.uint64(0))
    return ray[FAR] < 0.0
