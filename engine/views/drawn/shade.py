"""One camera's view of the drawn world: rays on triangles, materials, sun, sky, lamps and mirrors (numba).

Four rays a pixel find what is seen, and four more where they do not see one surface; of those that hit the same part one point is
shaded, so edges are smooth and surfaces cost one answer. Sun shadows are cast from every ray's own hit, and from eight points of the pixel
where a shadow ends in it. What of the sky a point sees is
asked with a few short rays a pixel in a 4 x 4 pattern that `finish.py` averages away. Light from the sky is kept apart for that reason.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit

from engine.spec.classes import NOTHING_HIT
from engine.views.drawn import sky as skies
from engine.views.drawn.answer import answer
from engine.views.drawn.film import Film
from engine.views.drawn.ground_lookup import GroundMaps
from engine.views.drawn.light import FOG, LAMPS_ON, Light
from engine.views.drawn.lighting import (
    OPEN_DIRECTIONS,
    SAME_FOR_ALL,
    hit_normal,
    hit_uv,
    lamp_light,
    openness,
    seen_in_mirror,
    sky_light,
    through_air,
    weather,
)
from engine.views.drawn.mesh import INSTANCE, Material
from engine.views.drawn.mesh import MATERIAL as PART_MATERIAL
from engine.views.drawn.rays import FAR, HIT_INSTANCE, HIT_PRIMITIVE, HIT_U, HIT_V, RAY, blocked, trace
from engine.views.drawn.scene import World
from engine.views.drawn.surface import ALBEDO, CLASS, DAY_GLOW, GLOW, METALLIC, MIRROR, NORMAL, ROUGHNESS, TRANSLUCENCY, smoothstep, unit
from engine.views.drawn.vegetation_surface import leaf_gap

FEW, SAMPLES = 4, 8
"""Rays of a pixel that sees one surface, and of one that sees several."""
FAR_M = 4000.0
GAPS = 3
"""Sprays that a ray may pass through between their leaflets; the next one is solid."""
FOLIAGE_OPENNESS, FOLIAGE_MEAN = 0.59, 0.6
"""Mean openness of crowns, and how much of it far ones have at the most."""
BRUSHED = 0.4
"""Metal as rough as this or rougher mirrors no pictures."""
_FOLIAGE, _METAL = int(Material.FOLIAGE), int(Material.METAL)


def shade_view(world: World, maps: GroundMaps, light: Light, rays: np.ndarray, scene_SE3_camera: np.ndarray, film: Film) -> None:
    """Fills a film with what a camera at a pose (4, 4) sees. `rays` float32 (H, W, 3) in the camera frame, NaN past a lens' reach."""
    threads = get_num_threads()

    def rows(first: int) -> None:
        # Neighbouring rows cost alike, so threads take them in turns.
        _shade_rows(
            first, threads, world.together.pointer, world.static.surfaces, world.moving.surfaces, maps, light, world.origin_m, rays,
            scene_SE3_camera, OPEN_DIRECTIONS, film,
        )  # fmt: skip

    for _ in _pool(threads).map(rows, range(threads)):
        pass


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "drawn")


@njit(cache=True, error_model="numpy", inline="always")
def _alike(key, far, place, shape, geometric, a, b, foliage, spread):
    """Whether rays a and b of a pixel hit one surface: the same part, and there the same plane (leaves: about as far away)."""
    if key[a] != key[b]:
        return False
    if key[a] < 0:
        return True
    if abs(far[b] - far[a]) > 0.4 + 0.15 * far[a]:
        return False
    if foliage:
        return True
    if shape[a, 0] * shape[b, 0] + shape[a, 1] * shape[b, 1] + shape[a, 2] * shape[b, 2] < 0.6:
        return False
    # A walk that hides the road behind its kerb is no part of that road.
    off = 0.0
    for c in range(3):
        off += geometric[a, c] * (place[b, c] - place[a, c])
    return abs(off) < 0.02 + 0.5 * spread * far[a]


@njit(cache=True, error_model="numpy")
def _one_surface(key, far, place, shape, geometric, static, moving, spread):
    """Whether the first FEW rays of a pixel all hit one."""
    foliage = key[0] >= 0 and int((static if key[0] >> 40 == 0 else moving).parts[key[0] & 0xFFFFFFFFFF, PART_MATERIAL]) == _FOLIAGE
    for s in range(1, FEW):  # noqa: SIM110
        if not _alike(key, far, place, shape, geometric, 0, s, foliage, spread):
            return False
    return True


@njit(cache=True, error_model="numpy", inline="always")
def _through_leaves(static, ray, words, spread):
    """Whether a ray that hit what stands still goes on between leaflets."""
    primitive = words[HIT_PRIMITIVE]
    if int(static.parts[static.face_part[primitive], PART_MATERIAL]) != _FOLIAGE:
        return False
    along, across = hit_uv(static, primitive, np.float64(ray[HIT_U]), np.float64(ray[HIT_V]))
    return leaf_gap(along, across, ray[FAR] * spread)


@njit(cache=True, error_model="numpy", inline="always")
def _way(rays, pose, v, u, s):
    """Direction of ray s of a pixel."""
    u1, v1 = (u + 1 if u + 1 < rays.shape[1] else u - 1), (v + 1 if v + 1 < rays.shape[0] else v - 1)
    a = (-0.125, 0.375, -0.375, 0.125, -0.25, 0.25, -0.5, 0.0)[s] * (u1 - u)
    b = (-0.375, -0.125, 0.125, 0.375, -0.5, -0.25, 0.0, 0.25)[s] * (v1 - v)
    rx = rays[v, u, 0] + a * (rays[v, u1, 0] - rays[v, u, 0]) + b * (rays[v1, u, 0] - rays[v, u, 0])
    ry = rays[v, u, 1] + a * (rays[v, u1, 1] - rays[v, u, 1]) + b * (rays[v1, u, 1] - rays[v, u, 1])
    rz = rays[v, u, 2] + a * (rays[v, u1, 2] - rays[v, u, 2]) + b * (rays[v1, u, 2] - rays[v, u, 2])
    return unit(
        pose[0, 0] * rx + pose[0, 1] * ry + pose[0, 2] * rz,
        pose[1, 0] * rx + pose[1, 1] * ry + pose[1, 2] * rz,
        pose[2, 0] * rx + pose[2, 1] * ry + pose[2, 2] * rz,
    )


@njit(cache=True, error_model="numpy", inline="always")
def _own_normal(shape, s, ax, ay, az):
    """Normal where ray s of a pixel hit, tilted by (ax, ay, az) as the pixel's material tilts their mean."""
    return unit(shape[s, 0] + ax, shape[s, 1] + ay, shape[s, 2] + az)


@njit(cache=True, error_model="numpy", inline="always")
def _in_sun(scene, ray, words, light, s, x, y, z, gx, gy, gz, far, near, leaves):
    """Whether a point `far` from the eye sees the sun. It is a disc: each ray s of a pixel asks for another part. Leaves are lit from behind as well."""
    ax = light.sun_xyz[0] + (0.003, -0.005, 0.005, -0.003)[s & 3]
    ay = light.sun_xyz[1] + (-0.005, -0.003, 0.003, 0.005)[s & 3]
    az = light.sun_xyz[2]
    if not leaves and gx * ax + gy * ay + gz * az <= 0.0:
        return False
    away = 0.004 + 2e-4 * far
    return not blocked(scene, ray, words, x + gx * away, y + gy * away, z + gz * away, ax, ay, az, near, 400.0)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def _shade_rows(first, step, scene, static, moving, maps, light, origin, rays, pose, directions, film):
    """Every `step`-th row of a view."""
    height, width = film.depth.shape
    ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
    ray = np.zeros(RAY, np.float32)
    words = ray.view(np.uint32)
    out, box, rgb, air = np.zeros(16), np.zeros(3), np.zeros(3), np.zeros(3)
    place, shape, geometric = np.zeros((SAMPLES, 3)), np.zeros((SAMPLES, 3)), np.zeros((SAMPLES, 3))
    sight = np.zeros((SAMPLES, 3))
    texture = np.zeros((SAMPLES, 2))
    far, key = np.zeros(SAMPLES), np.zeros(SAMPLES, np.int64)
    for v in range(first, height, step):
        for u in range(width):
            u1, v1 = (u + 1 if u + 1 < width else u - 1), (v + 1 if v + 1 < height else v - 1)
            if math.isnan(rays[v, u, 0] + rays[v, u1, 0] + rays[v1, u, 0]):
                film.label[v, u] = NOTHING_HIT
                film.openness[v, u] = film.sky[v, u] = 1.0
                continue
            spread = math.sqrt(
                (rays[v, u1, 0] - rays[v, u, 0]) ** 2 + (rays[v, u1, 1] - rays[v, u, 1]) ** 2 + (rays[v, u1, 2] - rays[v, u, 2]) ** 2
            )
            samples = SAMPLES
            for s in range(SAMPLES):
                if s == FEW and _one_surface(key, far, place, shape, geometric, static, moving, spread):
                    samples = FEW
                    break
                dx, dy, dz = _way(rays, pose, v, u, s)
                sight[s, 0], sight[s, 1], sight[s, 2] = dx, dy, dz
                hit = trace(scene, ray, words, ox, oy, oz, dx, dy, dz, 0.05, FAR_M)
                for _ in range(GAPS):
                    if not hit or words[HIT_INSTANCE] != 0 or not _through_leaves(static, ray, words, spread):
                        break
                    hit = trace(scene, ray, words, ox, oy, oz, dx, dy, dz, ray[FAR] + 1e-3, FAR_M)
                if not hit:
                    key[s], far[s] = -1, 0.0
                    continue
                far[s] = ray[FAR]
                instance, primitive = words[HIT_INSTANCE], words[HIT_PRIMITIVE]
                surfaces = static if instance == 0 else moving
                key[s] = np.int64(instance) << 40 | np.int64(surfaces.face_part[primitive])
                gx, gy, gz = unit(np.float64(ray[12]), np.float64(ray[13]), np.float64(ray[14]))
                hit_u, hit_v = np.float64(ray[HIT_U]), np.float64(ray[HIT_V])
                nx, ny, nz = hit_normal(surfaces, primitive, hit_u, hit_v)
                if int(surfaces.parts[surfaces.face_part[primitive], PART_MATERIAL]) == _FOLIAGE:
                    # Leaves have no sides of their own: they are lit as the crown is that they belong to.
                    gx, gy, gz = nx, ny, nz
                elif gx * dx + gy * dy + gz * dz > 0:
                    gx, gy, gz = -gx, -gy, -gz
                if nx * gx + ny * gy + nz * gz < 0:
                    nx, ny, nz = -nx, -ny, -nz
                place[s, 0], place[s, 1], place[s, 2] = ox + far[s] * dx, oy + far[s] * dy, oz + far[s] * dz
                shape[s, 0], shape[s, 1], shape[s, 2] = nx, ny, nz
                geometric[s, 0], geometric[s, 1], geometric[s, 2] = gx, gy, gz
                texture[s, 0], texture[s, 1] = hit_uv(surfaces, primitive, hit_u, hit_v)
            taken = 0
            most = 0
            for first in range(samples):
                if taken >> first & 1:
                    continue
                count = group = 0
                x = y = z = nx = ny = nz = gx = gy = gz = tu = tv = distance = dx = dy = dz = lit = 0.0
                foliage = False
                if key[first] >= 0:
                    surfaces = static if key[first] >> 40 == 0 else moving
                    foliage = int(surfaces.parts[key[first] & 0xFFFFFFFFFF, PART_MATERIAL]) == _FOLIAGE
                for s in range(first, samples):
                    if taken >> s & 1 or not _alike(key, far, place, shape, geometric, first, s, foliage, spread):
                        continue
                    group |= 1 << s
                    count += 1
                    dx, dy, dz = dx + sight[s, 0], dy + sight[s, 1], dz + sight[s, 2]
                    if key[s] < 0:
                        continue
                    x, y, z = x + place[s, 0], y + place[s, 1], z + place[s, 2]
                    nx, ny, nz = nx + shape[s, 0], ny + shape[s, 1], nz + shape[s, 2]
                    gx, gy, gz = gx + geometric[s, 0], gy + geometric[s, 1], gz + geometric[s, 2]
                    tu, tv, distance = tu + texture[s, 0], tv + texture[s, 1], distance + far[s]
                    if light.sun_rgb[0] > 0.0:
                        # Leaves that shade their neighbours closer than some pixels are part of the crown's colour.
                        near = min(0.3, 0.02 + 2.5 * far[s] * spread) if foliage else 0.005
                        if _in_sun(
                            scene, ray, words, light, s, place[s, 0], place[s, 1], place[s, 2],
                            geometric[s, 0], geometric[s, 1], geometric[s, 2], far[s], near, foliage,
                        ):  # fmt: skip
                            lit += 1.0
                taken |= group
                weight = count / samples
                dx, dy, dz = unit(dx, dy, dz)
                if key[first] < 0:
                    skies.sample(light.sky, dx, dy, dz, rgb)
                    film.sky[v, u] += weight
                    for c in range(3):
                        film.direct[v, u, c] += weight * rgb[c]
                    if count > most:
                        most = count
                        film.label[v, u], film.depth[v, u], film.material[v, u] = NOTHING_HIT, 0.0, 0
                    continue
                x, y, z, tu, tv, distance = x / count, y / count, z / count, tu / count, tv / count, distance / count
                nx, ny, nz = unit(nx, ny, nz)
                hit_nx, hit_ny, hit_nz = nx, ny, nz
                gx, gy, gz = unit(gx, gy, gz)
                asked = count
                if samples == FEW and not foliage and 0.0 < lit < count:
                    # The edge of a shadow runs through the pixel: the points of its other rays on the surface's plane ask for the sun, too.
                    for s in range(FEW, SAMPLES):
                        ax, ay, az = _way(rays, pose, v, u, s)
                        facing = gx * ax + gy * ay + gz * az
                        if facing > -0.02:
                            continue
                        away = (gx * (x - ox) + gy * (y - oy) + gz * (z - oz)) / facing
                        asked += 1
                        if _in_sun(scene, ray, words, light, s, ox + away * ax, oy + away * ay, oz + away * az, gx, gy, gz, away, 0.005, False):
                            lit += 1.0
                lit /= asked
                surfaces = static if key[first] >> 40 == 0 else moving
                row = surfaces.parts[key[first] & 0xFFFFFFFFFF]
                slant = max(0.06, abs(gx * dx + gy * dy + gz * dz))
                # One answer stands for all rays of the surface: it is averaged over the pixel.
                wide = distance * spread
                footprint = wide / math.sqrt(slant)
                wx, wy, wz = x + origin[0], y + origin[1], z + origin[2]
                answer(row, maps, wx, wy, wz, tu, tv, nx, ny, nz, dx, dy, dz, wide, wide / slant, out)
                weather(light, out, wx, wy, wz, footprint)
                nx, ny, nz = unit(out[NORMAL], out[NORMAL + 1], out[NORMAL + 2])
                if count > most:
                    most = count
                    film.depth[v, u] = distance
                    film.label[v, u] = np.uint8(out[CLASS])
                    film.instance[v, u] = np.uint16(row[INSTANCE])
                    film.material[v, u] = np.uint8(row[PART_MATERIAL]) + 1
                    film.roughness[v, u], film.metallic[v, u] = out[ROUGHNESS], out[METALLIC]
                    film.normal[v, u, 0], film.normal[v, u, 1], film.normal[v, u, 2] = nx, ny, nz
                    film.albedo[v, u, 0], film.albedo[v, u, 1], film.albedo[v, u, 2] = out[ALBEDO], out[ALBEDO + 1], out[ALBEDO + 2]
                    away = 0.01 + 3e-4 * distance
                    film.openness[v, u] = openness(
                        scene, ray, words, x + gx * away, y + gy * away, z + gz * away, gx, gy, gz,
                        SAME_FOR_ALL if foliage else (v & 3) * 4 + (u & 3), directions
                    )
                    if foliage:
                        # Far away, what leaves hide of the sky from one another goes over into its mean.
                        share = FOLIAGE_MEAN * smoothstep(0.02, 0.07, wide)
                        film.openness[v, u] += share * (FOLIAGE_OPENNESS - film.openness[v, u])
                sun = nx * light.sun_xyz[0] + ny * light.sun_xyz[1] + nz * light.sun_xyz[2]
                through = out[TRANSLUCENCY]
                # Leaves scatter: their light wraps around, and some comes through.
                shone = max(0.0, sun) if through == 0.0 else max(0.0, (sun + 0.35) / 1.35) * (1 - 0.5 * through) + through * 0.45 * max(0.0, 0.5 - 0.5 * sun)
                sky_light(light, nx, ny, nz, box)
                mirror = out[MIRROR]
                head_on = min(1.0, max(0.0, -(nx * dx + ny * dy + nz * dz)))
                fresnel = 0.0
                if mirror > 0.0:
                    base = 0.04 + 0.5 * out[METALLIC]
                    fresnel = mirror * (base + (1 - base) * (1 - head_on) ** 5)
                keep = math.exp(-light.numbers[FOG] * distance)
                glow = max(light.numbers[LAMPS_ON], out[DAY_GLOW])
                film.sunlit[v, u] += weight * shone * lit
                for c in range(3):
                    film.mixed[v, u, c] += weight * out[ALBEDO + c]
                    colour = out[ALBEDO + c] * (1 - fresnel)
                    rgb[c] = colour * shone * lit * light.sun_rgb[c] + out[GLOW + c] * glow
                    film.shone[v, u, c] += weight * out[GLOW + c] * glow
                    film.ambient[v, u, c] += weight * keep * colour * box[c]
                if mirror > 0.0 and lit > 0.0 and sun > 0.0:
                    # The sun itself in the gloss.
                    hx, hy, hz = unit(light.sun_xyz[0] - dx, light.sun_xyz[1] - dy, light.sun_xyz[2] - dz)
                    sharp = 40.0 + 260.0 * (1 - out[ROUGHNESS])
                    # Every ray's own normal answers: on a crease narrower than the pixel their mean would shine where no ray does, as a row of dots.
                    gloss = 0.0
                    for s in range(samples):
                        if group >> s & 1:
                            ax, ay, az = _own_normal(shape, s, nx - hit_nx, ny - hit_ny, nz - hit_nz)
                            gloss += max(0.0, ax * hx + ay * hy + az * hz) ** sharp / count
                    for c in range(3):
                        glint = min(2.0, gloss * fresnel * 22.0) * lit * light.sun_rgb[c]
                        rgb[c] += glint
                        film.shone[v, u, c] += weight * glint
                if light.numbers[LAMPS_ON] > 0.2:
                    lamp_light(scene, ray, words, light, x, y, z, nx, ny, nz, through, air)
                    film.lamps[v, u] += weight * (air[0] + air[1] + air[2]) / 3
                    for c in range(3):
                        rgb[c] += out[ALBEDO + c] * (1 - fresnel) * air[c]
                rough = out[ROUGHNESS]
                if fresnel > 0.015 and rough >= BRUSHED and int(row[PART_MATERIAL]) == _METAL:
                    # What dull metal mirrors is spread out: one ray a pixel would speckle it.
                    along = 2 * (nx * dx + ny * dy + nz * dz)
                    sky_light(light, dx - along * nx, dy - along * ny, dz - along * nz, box)
                    for c in range(3):
                        film.ambient[v, u, c] += weight * keep * fresnel * box[c]
                elif fresnel > 0.015:
                    flat = gx * nx + gy * ny + gz * nz
                    wet_ground = rough > 0.2 and flat > 0.9 and nz > 0.9
                    # An agent's skin bends within a pixel: every ray is mirrored where it hit. Elsewhere one stands for all.
                    bent = key[first] >> 40 != 0 and not wet_ground
                    casts = 3 if wet_ground else count if bent else 1
                    wanted = group if bent else (1 << casts) - 1
                    for k in range(samples):
                        if not wanted >> k & 1:
                            continue
                        mx, my, mz, px, py, pz, ix, iy, iz = nx, ny, nz, x, y, z, dx, dy, dz
                        if wet_ground:
                            # A wet road is rough along the line of sight: reflections are drawn out upright.
                            tilt = (k - 1) * 0.5 * rough
                            mx, my, mz = unit(nx + tilt * dx * 0.35, ny + tilt * dy * 0.35, nz)
                        elif bent:
                            mx, my, mz = _own_normal(shape, k, nx - hit_nx, ny - hit_ny, nz - hit_nz)
                            px, py, pz = place[k, 0], place[k, 1], place[k, 2]
                            ix, iy, iz = sight[k, 0], sight[k, 1], sight[k, 2]
                        along = mx * ix + my * iy + mz * iz
                        rx, ry, rz = ix - 2 * along * mx, iy - 2 * along * my, iz - 2 * along * mz
                        if rx * gx + ry * gy + rz * gz < 0.01:
                            rx, ry, rz = unit(rx + gx * 0.05, ry + gy * 0.05, rz + gz * 0.05)
                        seen_in_mirror(
                            scene, static, moving, maps, light, origin, ray, words, px + gx * 0.02, py + gy * 0.02, pz + gz * 0.02, rx, ry, rz,
                            spread * 2 + 0.02 * rough, out, box, air,
                        )  # fmt: skip
                        for c in range(3):
                            mirrored = fresnel * min(air[c], 6.0) / casts
                            rgb[c] += mirrored
                            film.shone[v, u, c] += weight * mirrored
                through_air(light, dx, dy, distance, rgb)
                for c in range(3):
                    film.direct[v, u, c] += weight * rgb[c]
