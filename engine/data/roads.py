"""Road networks by topology, and the layout shapes they make."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon
from shapely.geometry import Polygon as Shape

from engine.data import curves
from engine.data.network import WORLD_HALF_M, Lot, Network, Road
from engine.data.routes import add_routes
from engine.data.style import WorldStyle
from engine.spec.classes import CHANNEL
from engine.spec.layout import Polygon, Polyline

_STEP_M = 2.0


def build_network(rng: np.random.Generator, style: WorldStyle) -> Network:
    """Everything that a map holds, by the style's topology."""
    network = Network()
    network.roads = _plan(rng, style)
    if not network.roads:
        if rng.random() < 0.5:
            network.lots.append(Lot(0.0, 0.0, float(rng.uniform(0, np.pi)), float(rng.uniform(30, 90)), float(rng.uniform(20, 60))))
    elif style.topology == "lot" or rng.random() < style.roads.lots:
        _add_lots(rng, network, 1 if rng.random() < 0.7 else 2)
    _draw(rng, style, network)
    add_routes(rng, network)
    return network


def _plan(rng: np.random.Generator, style: WorldStyle) -> list[Road]:
    heading = rng.uniform(-np.pi, np.pi)
    across = heading + np.pi / 2 + rng.choice([0.0, rng.normal(0, 0.06), rng.uniform(-0.6, 0.6)], p=[0.4, 0.35, 0.25])
    near = rng.uniform(-12, 12, 2)
    bend = rng.uniform(0.004, 0.02) * rng.choice([-1, 1])
    gentle = 0.0 if rng.random() < 0.5 else rng.normal(0, 0.002)
    topology = style.topology
    if topology == "empty":
        return []
    if topology == "straight":
        roads = [_through(rng, style, near, heading, gentle, major=True)]
        if rng.random() < 0.3:
            beside = near + 26 * np.array([-np.sin(heading), np.cos(heading)]) * rng.choice([-1, 1]) * rng.uniform(1, 1.6)
            roads.append(_through(rng, style, beside, heading + rng.normal(0, 0.03), gentle))
        return roads
    if topology in ("curve", "lot"):
        return [_through(rng, style, near, heading, bend if topology == "curve" else gentle, major=True)]
    if topology == "tee":
        return [_through(rng, style, near, heading, gentle, major=True), _stem(rng, style, near, across, gentle)]
    if topology == "cross":
        roads = [_through(rng, style, near, heading, gentle, major=True), _through(rng, style, near, across, rng.normal(0, 0.001))]
        if rng.random() < 0.3:
            roads.append(_stem(rng, style, near + 48 * np.array([np.cos(heading), np.sin(heading)]) * rng.choice([-1, 1]), across, 0.0))
        return roads
    if topology == "grid":
        along, side = np.array([np.cos(heading), np.sin(heading)]), np.array([np.cos(across), np.sin(across)])
        gap, gap2 = rng.uniform(45, 85), rng.uniform(45, 85)
        roads = [_through(rng, style, near, heading, 0.0, major=True), _through(rng, style, near, across, 0.0)]
        if rng.random() < 0.8:
            roads.append(_through(rng, style, near + gap * side * rng.choice([-1, 1]), heading, 0.0))
        roads.append(_through(rng, style, near + gap2 * along * rng.choice([-1, 1]), across, 0.0))
        return roads
    if topology == "roundabout":
        return _roundabout(rng, style, near, heading)
    split = near + rng.uniform(-20, 20) * np.array([np.cos(heading), np.sin(heading)])
    ramp = _stem(rng, style, split, heading + rng.uniform(0.2, 0.5) * rng.choice([-1, 1]), bend * 0.5, lanes=1)
    return [_through(rng, style, near, heading, gentle, major=True, walk=False), ramp]


def _wander(rng: np.random.Generator, start: np.ndarray, heading: float, bend: float, length: float) -> np.ndarray:
    count = int(length / _STEP_M)
    curvature = bend * np.ones(count) + (curves.smooth_noise(rng, count, 15, 0.002) if rng.random() < 0.5 else 0.0)
    yaw = heading + np.cumsum(curvature) * _STEP_M
    steps = np.stack([np.cos(yaw), np.sin(yaw)], -1) * _STEP_M
    return np.concatenate([start[None], start + np.cumsum(steps, 0)])


def _through(
    rng: np.random.Generator, style: WorldStyle, point: np.ndarray, heading: float, bend: float, major: bool = False, walk: bool = True
) -> Road:
    ahead = _wander(rng, point, heading, bend, WORLD_HALF_M)
    behind = _wander(rng, point, heading + np.pi, -bend, WORLD_HALF_M)
    return _road(rng, style, np.concatenate([behind[::-1], ahead[1:]]), major=major, walk=walk)


def _stem(rng: np.random.Generator, style: WorldStyle, point: np.ndarray, heading: float, bend: float, lanes: int | None = None) -> Road:
    road = _road(rng, style, _wander(rng, point, heading, bend, WORLD_HALF_M), lanes=lanes)
    road.closed_start = True
    return road


def _road(
    rng: np.random.Generator, style: WorldStyle, center: np.ndarray, major: bool = False, walk: bool = True, lanes: int | None = None
) -> Road:
    width = float(rng.uniform(*style.roads.lane_m))
    side = 1.0 if style.left_hand else -1.0
    one_way = lanes == 1 or rng.random() < (0.1 if major else 0.2)
    median = 0.0
    if one_way:
        count = lanes or int(rng.integers(1, 4))
        direction = int(rng.choice([1, -1]))
        offsets = [((k - (count - 1) / 2) * width, direction) for k in range(count)]
    else:
        count = int(rng.choice([1, 2, 3, 4], p=style.roads.major_lanes if major else [0.7, 0.27, 0.03, 0.0]))
        other = max(1, count + int(rng.choice([-1, 0], p=[0.15, 0.85])))
        medians = [0.0, rng.uniform(0.3, 1.0), rng.uniform(1.5, 5.0)]
        median = float(rng.choice(medians, p=[0.6, 0.15, 0.25] if count > 1 else [0.92, 0.05, 0.03]))
        offsets = [(side * (median / 2 + (k + 0.5) * width), 1) for k in range(count)]
        offsets += [(-side * (median / 2 + (k + 0.5) * width), -1) for k in range(other)]
    lowest = min(o for o, _ in offsets) - width / 2
    highest = max(o for o, _ in offsets) + width / 2
    parking = bool(rng.random() < style.roads.parking) and walk, bool(rng.random() < style.roads.parking) and walk
    shoulders = [rng.uniform(2.1, 2.6) if p else rng.uniform(0.0, 0.9) for p in parking]
    walks = []
    for _ in range(2):
        verge = float(rng.uniform(0.0, 2.5)) if rng.random() < 0.4 else 0.0
        walks.append((verge, float(rng.uniform(1.6, 6.0)) if walk and rng.random() < style.walkways else 0.0))
    return Road(
        center, offsets, width, median, lowest - shoulders[0], highest + shoulders[1], parking, (walks[0], walks[1]),
        speed=float(rng.uniform(8, 17) if major else rng.uniform(5, 12)),
    )  # fmt: skip


def _roundabout(rng: np.random.Generator, style: WorldStyle, point: np.ndarray, heading: float) -> list[Road]:
    radius, lanes = rng.uniform(10, 19), int(rng.integers(1, 3))
    turn = -1.0 if style.left_hand else 1.0
    angles = heading + turn * np.linspace(0, 2 * np.pi, 49)
    ring = _road(rng, style, point + radius * np.stack([np.cos(angles), np.sin(angles)], -1), walk=False)
    width = ring.lane_width = float(rng.uniform(3.4, 4.2))
    ring.lanes = [((k - (lanes - 1) / 2) * width, 1) for k in range(lanes)]
    ring.median, ring.parking, ring.ring, ring.speed = 0.0, (False, False), True, float(rng.uniform(4, 8))
    ring.right, ring.left = -lanes * width / 2 - 0.4, lanes * width / 2 + 0.4
    arms = int(rng.integers(3, 5))
    roads = [ring]
    for k in range(arms):
        angle = heading + 2 * np.pi * k / arms + rng.normal(0, 0.12)
        arm = _stem(rng, style, point + (radius - 1) * np.array([np.cos(angle), np.sin(angle)]), angle, rng.normal(0, 0.002))
        roads.append(arm)
    return roads


def _add_lots(rng: np.random.Generator, network: Network, count: int) -> None:
    for _ in range(count):
        road = network.roads[int(rng.integers(len(network.roads)))]
        if road.ring:
            continue
        lengths = curves.arc_lengths(road.center)
        s = float(lengths[-1] * (rng.uniform(0.35, 0.65) if not road.closed_start else rng.uniform(0.25, 0.5)))
        yaw = float(curves.heading_at(road.center, lengths, s, 4.0)[0])
        length, width = float(rng.uniform(22, 70)), float(rng.uniform(16, 46))
        gap = rng.uniform(3, 7)
        left = road.left + gap + width / 2 if rng.random() < 0.5 else road.right - gap - width / 2
        x, y = curves.at_length(road.center, lengths, s)[0] + left * np.array([-np.sin(yaw), np.cos(yaw)])
        network.lots.append(Lot(float(x), float(y), yaw, length, width))


def _draw(rng: np.random.Generator, style: WorldStyle, network: Network) -> None:
    """Layout shapes of the planned roads and lots."""
    roads = network.roads
    outlines = [_outline(rng, road, style) for road in roads]
    areas = list(outlines)
    junctions = []
    for i, a in enumerate(outlines):
        for j in range(i):
            meet = a.intersection(outlines[j])
            for part in getattr(meet, "geoms", [meet]):
                if part.area > 4:
                    junctions.append(part)
    fillet = float(rng.uniform(2.0, 7.0))
    zones = shapely.union_all([part.convex_hull.buffer(fillet * 0.7 + 0.5, quad_segs=2) for part in junctions]) if junctions else Shape()
    for part in getattr(zones, "geoms", [zones]):
        if not part.is_empty:
            x, y = part.centroid.coords[0]
            network.junctions.append((x, y, float(np.sqrt(part.area / np.pi))))
    for lot in network.lots:
        areas.append(Shape(_rough(rng, curves.rectangle(lot.x, lot.y, lot.yaw, lot.length, lot.width), style.jitter_m)))
        areas += _lot_access(lot, roads)
    areas += _driveways(rng, roads)
    drivable = shapely.union_all(areas) if areas else Shape()
    if roads:
        joins = {"quad_segs": 3} if rng.random() < 0.65 else {"join_style": "mitre", "mitre_limit": 1.2}  # rounded or cut corners
        drivable = drivable.buffer(fillet, **joins).buffer(-fillet, **joins)
    islands = []
    for road in roads:
        if road.median > 1.2:
            band = Shape(curves.ribbon(road.center, -road.median / 2 + 0.2, road.median / 2 - 0.2))
            islands += _parts(band.buffer(0).difference(zones.buffer(1.5)))
        if road.ring:
            islands += _parts(Shape(curves.offset(road.center, road.left if not style.left_hand else road.right)).buffer(0))
    if islands:
        drivable = drivable.difference(shapely.union_all(islands))
        network.islands = [np.asarray(part.exterior.coords)[:-1] for part in islands]
    _add_area(rng, network, drivable, CHANNEL["drivable_area"], style.jitter_m)
    _walkways(rng, style, network, drivable)
    _crossings(rng, style, network, zones)
    _dividers(rng, network, zones)


def _outline(rng: np.random.Generator, road: Road, style: WorldStyle) -> Shape:
    """Kerb to kerb; kerbs wander a little, with a bay or a bulge now and then."""
    count = len(road.center)
    sides = []
    for kerb in (road.right, road.left):
        wander = np.abs(curves.smooth_noise(rng, count, 6, style.jitter_m)) * (0.0 if road.ring else 1.0)
        if not road.ring and rng.random() < 0.25:
            start, length = int(rng.integers(0, count)), int(rng.integers(5, 18))
            wander[start : start + length] += rng.uniform(0.8, 3.0)
        sides.append(kerb + np.sign(kerb) * wander)
    return Shape(curves.ribbon(road.center, sides[0], sides[1])).buffer(0)


def _lot_access(lot: Lot, roads: list[Road]) -> list[Shape]:
    if not roads:
        return []
    nearest = min((road.center for road in roads), key=lambda c: float(np.min(np.hypot(*(c - (lot.x, lot.y)).T))))
    target = nearest[int(np.argmin(np.hypot(*(nearest - (lot.x, lot.y)).T)))]
    return [LineString([(lot.x, lot.y), target]).buffer(3.2, cap_style="flat")]


def _driveways(rng: np.random.Generator, roads: list[Road]) -> list[Shape]:
    shapes = []
    for road in roads:
        if road.ring:
            continue
        for _ in range(int(rng.poisson(1.2))):
            k = int(rng.integers(len(road.center) // 4, len(road.center)))
            left = rng.random() < 0.5
            reach = rng.uniform(4, 14)
            edge = road.left if left else road.right
            n = curves.normals(road.center)[k]
            a, b = road.center[k] + n * edge * 0.8, road.center[k] + n * (edge + reach * (1 if left else -1))
            shapes.append(LineString([a, b + rng.normal(0, 1.0, 2)]).buffer(rng.uniform(1.5, 3.5), cap_style="flat"))
    return shapes


def _parts(shape: Shape | MultiPolygon) -> list[Shape]:
    return [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon" and part.area > 1.5]


def _rough(rng: np.random.Generator, ring: np.ndarray, sigma: float) -> np.ndarray:
    """The ring with a vertex every 3 m or so, each moved a little."""
    if sigma < 0.02:
        return ring
    closed = curves.resample(np.concatenate([ring, ring[:1]]), 3.0)[:-1]
    if len(closed) < 4:
        return ring
    return closed + rng.normal(0, sigma * 0.6, closed.shape)


def _add_area(rng: np.random.Generator, network: Network, shape: Shape | MultiPolygon, channel: int, jitter: float) -> None:
    for part in _parts(shape):
        rings = [np.asarray(part.exterior.coords)[:-1]] + [np.asarray(r.coords)[:-1] for r in part.interiors if Shape(r).area > 2]
        rings = [ring + rng.normal(0, jitter * 0.3, ring.shape) for ring in rings]
        network.polygons.append(Polygon(channel, rings[0], tuple(rings[1:])))


def _walkways(rng: np.random.Generator, style: WorldStyle, network: Network, drivable: Shape) -> None:
    bands = []
    for road in network.roads:
        for index, (verge, width) in enumerate(road.walk):
            if width == 0:
                continue
            sign, kerb = (-1, road.right) if index == 0 else (1, road.left)
            inner, outer = kerb + sign * (verge - 0.2), kerb + sign * (verge + width)
            wobble = curves.smooth_noise(rng, len(road.center), 8, 0.35 * width if rng.random() < 0.3 else 0.1)
            bands.append(Shape(curves.ribbon(road.center, inner, outer + sign * np.abs(wobble))).buffer(0))
            network.walks.append(curves.offset(road.center, kerb + sign * (verge + width / 2)))
    if bands:
        area = shapely.union_all(bands).difference(drivable)
        _add_area(rng, network, area, CHANNEL["walkway"], style.jitter_m)


def _crossings(rng: np.random.Generator, style: WorldStyle, network: Network, zones: Shape) -> None:
    """At the arms of junctions (in some towns at every one), and in mid-block."""
    everywhere = rng.random() < style.roads.crossings_everywhere
    for road in network.roads:
        if road.ring:
            continue
        lengths = curves.arc_lengths(road.center)
        inside = shapely.contains_xy(zones, *road.center.T)
        places = []
        for k in np.flatnonzero(np.diff(inside.astype(np.int8))):
            if rng.random() < (0.95 if everywhere else 0.55):
                places.append(lengths[k] + (1 if inside[k] else -1) * rng.uniform(0.0, 1.0 if everywhere else 4.0))
        if rng.random() < 0.25:
            places.append(lengths[-1] * rng.uniform(0.35, 0.65))
        for s in places:
            if not 0 < s < lengths[-1]:
                continue
            point = curves.at_length(road.center, lengths, s)[0]
            yaw = float(curves.heading_at(road.center, lengths, s, 2.0)[0]) + rng.normal(0, 0.04)
            along, n = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
            wide, over = rng.uniform(*style.roads.crossing_m), rng.uniform(-0.3, 1.2, 2)
            a, b = point + n * (road.right - over[0]), point + n * (road.left + over[1])
            corners = np.array([a - along * wide / 2, a + along * wide / 2, b + along * wide / 2, b - along * wide / 2])
            network.polygons.append(Polygon(CHANNEL["ped_crossing"], corners + rng.normal(0, 0.2, corners.shape)))
            network.crossings.append(np.stack([a, b]))


def _dividers(rng: np.random.Generator, network: Network, zones: Shape) -> None:
    """Lines between lanes, up to the junctions; some start late, some shift sideways where a lane is added."""
    clear = zones.buffer(0.5)
    unmarked, gappy, edged = rng.random() < 0.07, rng.random() < 0.3, rng.random() < 0.2
    for road in network.roads:
        for left, channel in _lines(rng, road, edged):
            if unmarked and rng.random() < 0.8:
                continue
            offset = np.full(len(road.center), left)
            if rng.random() < 0.12 and not road.ring:
                at, over = rng.uniform(0.2, 0.8) * len(offset), rng.uniform(2, 8)
                offset += rng.uniform(-1.6, 1.6) * np.clip((np.arange(len(offset)) - at) / over, 0, 1)
            points = curves.offset(road.center, offset)
            if rng.random() < 0.15:
                cut = int(rng.integers(len(points) // 4, 3 * len(points) // 4))
                points = points[cut:] if rng.random() < 0.5 else points[:cut]
            line = LineString(points).simplify(0.05).difference(clear)
            for part in getattr(line, "geoms", [line]):
                if not part.is_empty and part.length > 3 and not (gappy and rng.random() < 0.2):
                    network.polylines.append(Polyline(channel, np.asarray(part.coords)))


def _lines(rng: np.random.Generator, road: Road, edged: bool) -> list[tuple[float, int]]:
    """(offset, channel) of a road's markings: between lanes, around medians, along parking lanes and kerbs."""
    lane, divider = CHANNEL["lane_divider"], CHANNEL["road_divider"]
    lines = []
    for a, way_a in road.lanes:
        for b, way_b in road.lanes:
            if 0 < b - a < road.lane_width * 1.01 + (road.median if way_a != way_b else 0):
                if way_a != way_b and road.median > 1.2 and rng.random() < 0.5:
                    lines += [(a + road.lane_width / 2, divider), (b - road.lane_width / 2, divider)]
                else:
                    lines.append(((a + b) / 2, lane if way_a == way_b else divider))
    for has, kerb, inwards in ((road.parking[0], road.right, 1), (road.parking[1], road.left, -1)):
        if has and rng.random() < 0.3:
            lines.append((kerb + inwards * 2.3, lane))
        elif edged and rng.random() < 0.7:
            lines.append((kerb + inwards * rng.uniform(0.2, 0.5), lane))
    return lines
