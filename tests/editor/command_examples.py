"""Valid arguments for every command, drawn for a given scene: what the law tests and the command tests run on."""

from __future__ import annotations

import random
from typing import Any

import shapely

from editor import edits
from editor.closeness import crossing_of
from editor.document import Document, EditError
from editor.edits.agents import tracked
from editor.entities import Agent, Area, CameraEntity, Line
from engine.spec.classes import AGENTS, CHANNELS, CLASSES, MAP_CHANNELS
from engine.spec.looks import COLOURED, MODELS


def _sticks_out(document: Document, area: Area) -> bool:
    left = shapely.make_valid(shapely.Polygon(area.exterior_m)).intersection(edits.roads.drivable(document)).area
    return 0.5 < left < shapely.Polygon(area.exterior_m).area - 0.5


def _meets(document: Document, agent: Agent) -> bool:
    crossing = crossing_of(document, agent)
    return crossing is not None and crossing.ego_s <= document.duration_s


def _may_reach(document: Document, agent: Agent) -> bool:
    try:
        return edits.reach_ttc(agent.id, 1.5)(document) is not document
    except EditError:
        return False


NEEDS = {
    "set_area": Area, "set_line": Line, "set_agent": Agent, "set_look": Agent, "array": Agent, "set_camera": CameraEntity,
    "array_along": Agent, "reach_ttc": Agent, "meet": Agent, "fill_agent": Agent,
}  # fmt: skip


def arguments(rng: random.Random, name: str, document: Document) -> dict[str, Any] | None:
    """JSON arguments that command `name` takes on this document; None where the document has nothing to run it on."""

    def xy() -> list[float]:
        return [round(rng.uniform(-30, 30), 2), round(rng.uniform(-30, 30), 2)]

    def points(count: int) -> list[list[float]]:
        return [xy() for _ in range(count)]

    def span() -> list[int] | None:
        first = rng.randrange(20)
        return None if rng.random() < 0.5 else [first, first + rng.randrange(10)]

    ids = list(document.entities)
    fitting = [e.id for e in document.entities.values() if isinstance(e, NEEDS[name])] if name in NEEDS else ids
    tracks = ["ego", *(a.id for a in document.of(Agent))]
    if (name in NEEDS or name in ("delete", "duplicate")) and not fitting:
        return None
    id = rng.choice(fitting) if fitting else ""
    track = rng.choice(tracks)
    keyframes = document.ego.keyframes if track == "ego" else document.get(track, Agent).keyframes
    movable = ["ego", *(e.id for e in document.entities.values() if not (isinstance(e, CameraEntity) and e.mount == "ego"))]
    some = rng.sample(movable, min(len(movable), rng.randint(1, 3)))
    x, y = xy()
    look = {"id": id, "model": rng.choice(MODELS[document.get(id, Agent).class_name])} if name == "set_look" else {}
    if look and document.get(id, Agent).class_name in COLOURED:
        look["colour"] = f"#{rng.randrange(1 << 24):06x}"
    roads = [a for a in document.of(Area) if a.channel == "drivable_area"]
    named = {f"crossing of {area.id}" for area in roads if edits.roads.ribbon_of(area)}
    crossings = [a.id for a in document.of(Area) if a.name in named]
    closed = [a.id for a in document.of(Agent) if a.closure is not None]
    ribbons = [ribbon for a in roads if (ribbon := edits.roads.ribbon_of(a))]
    on_road = ribbons and shapely.LineString(ribbons[0].centre).interpolate(0.4, normalized=True).coords[0]
    sticking = [a.id for a in document.of(Area) if _sticks_out(document, a)]
    movers = [name for name in tracks if len(tracked(document, name).keyframes) > 1]
    crossers = [a.id for a in document.of(Agent) if _meets(document, a)]
    ahead = [a.id for a in document.of(Agent) if _may_reach(document, a)] if name == "reach_ttc" else []
    hasty = [name for name in movers if edits.brake_within(name, 0.5)(document) is not document] if name == "brake_within" else []
    paint = {"channel": rng.choice(CHANNELS), "erases": rng.random() < 0.4, "span": span()}
    return {
        "paint_stroke": lambda: {**paint, "radius_m": rng.uniform(0.2, 4), "points": points(rng.randint(1, 4))},
        "fill": lambda: {**paint, "x": document.ego.keyframes[0].pose.x_m, "y": document.ego.keyframes[0].pose.y_m, "frame": 0},
        "paint_polygon": lambda: {**paint, "points": points(4)},
        "add_area": lambda: {"channel": rng.choice(MAP_CHANNELS), "exterior": points(4), "holes": []},
        "add_line": lambda: {"channel": rng.choice(MAP_CHANNELS), "points": points(3), "width_m": 0.3},
        "set_area": lambda: {"id": id, "exterior": points(5), "name": "square"},
        "set_line": lambda: {"id": id, "points": points(2), "width_m": rng.uniform(0.1, 2)},
        "add_agent": lambda: {
            "class_name": rng.choice(AGENTS),
            "x": x,
            "y": y,
            "yaw": rng.uniform(-3, 3),
            "time_s": rng.choice([0.0, 1.5]),
        },
        "set_agent": lambda: {
            "id": id,
            "class_name": rng.choice(AGENTS),
            "appears_s": rng.choice([None, 0.5]),
            "disappears_s": rng.choice([None, 3.0]),
        },
        "set_look": lambda: look,
        "add_waypoint": lambda: {"id": track, "time_s": round(rng.uniform(0, 4), 3), "x": x, "y": y},
        "move_waypoint": lambda: {"id": track, "index": rng.randrange(len(keyframes)), "x": x, "y": y},
        "delete_waypoint": lambda: {"id": track, "index": 0} if len(keyframes) > 1 else None,
        "shift_track": lambda: {"id": track, "forward_m": rng.uniform(-3, 3), "left_m": 1.0},
        "move": lambda: {"ids": some, "dx": x / 10, "dy": y / 10},
        "rotate": lambda: {"ids": some, "angle": rng.uniform(-3, 3), **rng.choice([{}, {"x": 1.0, "y": 2.0}])},
        "delete": lambda: {"ids": [rng.choice(ids)]},
        "duplicate": lambda: {"ids": [rng.choice(ids)], "dx": 2.0, "dy": -1.0},
        "array": lambda: {"id": id, "count": 2, "dx": 3.0, "dy": 0.0, "delay_s": 0.25},
        "mirror": lambda: {},
        "add_camera": lambda: {
            "mount": rng.choice(["ego", "world", "path"]),
            "pose": [1, 0, 1.5, -1.57, 0, -1.57],
            "width": 640,
            "height": 400,
            "fov_deg": 80,
        },
        "set_camera": lambda: {
            "id": id,
            "mount": rng.choice(["ego", "world", "path"]),
            "fov_deg": rng.uniform(30, 120),
            "width": 320,
            "enabled": False,
        },
        "use_rig": lambda: {"name": "av2_ring"},
        "insert_cameras": lambda: {} if sum(c.mount == "ego" for c in document.of(CameraEntity)) in range(2, 13) else None,
        "set_scene": lambda: {
            "name": f"scene {rng.random()}",
            "prompt": "fog",
            "duration_s": rng.uniform(1, 9),
            "grid": rng.choice(["occ3d", "nucraft"]),
        },
        "add_occupancy_edit": lambda: {"kind": "clear_box", "pose": [x, y, 1, 0, 0, 0], "size": [3, 2, 2], "span": span()},
        "add_road": lambda: {"points": points(2), "lanes": rng.randint(1, 4)},
        "set_road": lambda: {"id": rng.choice([a.id for a in roads if edits.roads.ribbon_of(a)]), "lanes": rng.choice([2, 3, 5])} if ribbons else None,
        "set_crosswalk": lambda: {"id": rng.choice(crossings), "width_m": round(rng.uniform(1, 6), 2)} if crossings else None,
        "add_crosswalk": lambda: {"x": on_road[0], "y": on_road[1]} if on_road else None,
        "add_walkways": lambda: {"width_m": rng.uniform(1, 3)} if roads else None,
        "add_dividers": lambda: {} if any(edits.roads.ribbon_of(a) for a in document.of(Area)) else None,
        "clip_to_road": lambda: {"ids": sticking} if sticking else None,
        "close_lane": lambda: {"points": [[0, 0], [30, 1]], "side": rng.choice(["left", "right"]), "spacing_m": 5, "taper_m": 10},
        "novel_path": lambda: {"left_m": rng.uniform(-3, 3), "forward_m": rng.uniform(-5, 5)},
        "set_closure": lambda: {"id": rng.choice(closed), "spacing_m": rng.choice([2, 4, 8])} if closed else None,
        "array_along": lambda: {"id": id, "count": 2, "spacing_m": document.get(id, Agent).size_m[0] + 1.5, "jitter_s": 0.2},
        "set_speed": lambda: {"id": rng.choice(movers), "speed_m_s": rng.uniform(1, 9)} if movers else None,
        "meet": lambda: {"id": rng.choice(crossers), "gap_s": rng.uniform(0.2, 2)} if crossers else None,
        "reach_ttc": lambda: {"id": ahead[0], "min_ttc_s": 1.5} if ahead else None,
        "brake_within": lambda: {"id": rng.choice(hasty), "limit_m_s2": 0.5} if hasty else None,
        "follow_lane": lambda: {"id": "ego", "distance_m": 20, "speed_m_s": 5} if roads else None,
        "remove_class": lambda: {"class_name": rng.choice(CLASSES), "span": span()},
        "stroke_voxels": lambda: {"points": points(3), "class_name": rng.choice(["", "car"]), "span": span()},
        "fill_agent": lambda: {"id": id, "span": span()},
        "remove_vehicles": lambda: {"span": span()},
        "undo": lambda: {},
        "redo": lambda: {},
        "select": lambda: {"ids": rng.sample(ids, min(2, len(ids)))},
    }[name]()
