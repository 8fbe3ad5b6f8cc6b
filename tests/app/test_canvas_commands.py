"""The page's side of the table of commands: one key, one command; what cannot run says the same as in Python."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from editor.commands import COMMANDS, GROUPS, KINDS, described, needed, why_not
from editor.document import Document
from editor.samples import crossing
from editor.session import Session
from engine.spec.classes import CHANNELS
from tests.app.test_canvas_types import needs_node, run_module

APP = """
const disk = {};
globalThis.localStorage = { getItem: (k) => disk[k] ?? null, setItem: (k, v) => { disk[k] = v; }, removeItem: (k) => { delete disk[k]; } };
const { Store } = await import('./store.js');
const store = new Store();
store.scene = { commands: given.commands, channels: given.channels, entities: new Map() };
const app = { store, tools: {}, clipboard: [] };
const { commandsOf, enough } = await import('./commands.js');
const { MENUS } = await import('./commands.js');
const { conflict, keysOf, nameOf, remap, remapped } = await import('./bindings.js');
const commands = commandsOf(app);
const say = (value) => console.log(JSON.stringify(value));
"""
GIVEN: dict[str, Any] = {"commands": described(), "channels": [{"name": name, "key": "", "rgb": [0, 0, 0]} for name in CHANNELS]}


@needs_node
def test_every_command_of_the_document_is_in_the_page_s_table_under_a_menu_that_there_is() -> None:
    rows = run_module(f"{APP} say(commands.map((c) => [c.id, c.title, c.group, MENUS.includes(c.group)]));", given=GIVEN)
    assert isinstance(rows, list)
    ids, titles = [row[0] for row in rows], [row[1] for row in rows]
    assert set(COMMANDS) <= set(ids) and len(set(ids)) == len(ids) and len(set(titles)) == len(titles)
    assert all(row[3] for row in rows) and {command.group for command in COMMANDS.values()} <= set(GROUPS)


@needs_node
def test_no_key_does_two_things_and_a_taken_one_is_refused() -> None:
    script = f"""{APP}
    const clashes = commands.flatMap((c) => keysOf(c).filter((k) => conflict(commands, c, k)).map((k) => `${{c.id}} ${{k}}`));
    const save = commands.find((c) => c.id === 'save');
    const refused = remap(commands, save, 'Ctrl+O')?.id, kept = keysOf(save);
    const free = remap(commands, save, 'Ctrl+Alt+S'), now = keysOf(save);
    const open = commands.find((c) => c.id === 'open');
    remap(commands, open, 'Ctrl+S');
    const back = remap(commands, save, null)?.id;
    say([clashes, refused, kept, free, now, back, remapped()]);"""
    clashes, refused, kept, free, now, back, changed = run_module(script, given=GIVEN)  # type: ignore[misc]
    assert clashes == []
    assert (refused, kept, free, now) == ("open", ["Ctrl+S"], None, ["Ctrl+Alt+S"])
    assert back == "open" and changed == {"save": ["Ctrl+Alt+S"], "open": ["Ctrl+S"]}, "its own key is taken by then, so it keeps the other"


@needs_node
def test_presses_have_the_names_that_the_table_uses() -> None:
    presses = [("z", "KeyZ", "c"), ("Z", "KeyZ", "cs"), ("?", "Slash", "s"), ("!", "Digit1", "s"), ("1", "Digit1", ""), ("ArrowLeft", "ArrowLeft", "ca"),
               (" ", "Space", ""), ("Enter", "Enter", "cs"), ("Shift", "ShiftLeft", "s"), ("[", "BracketLeft", ""), ("e", "KeyE", "")]  # fmt: skip
    script = """const { nameOf } = await import('./bindings.js');
    const press = ([key, code, m]) => ({ key, code, ctrlKey: m.includes('c'), metaKey: false, altKey: m.includes('a'), shiftKey: m.includes('s') });
    console.log(JSON.stringify(given.map((one) => nameOf(press(one)))));"""
    names = ["Ctrl+Z", "Ctrl+Shift+Z", "?", "Shift+1", "1", "Ctrl+Alt+ArrowLeft", "Space", "Ctrl+Shift+Enter", None, "[", "E"]
    assert run_module(script, given=presses) == names


@needs_node
def test_what_cannot_run_is_told_as_in_python() -> None:
    session = Session(crossing())
    ids = ["ego", "car-1", "car-2", *(next(n for n, e in session.document.entities.items() if KINDS[type(e)] == kind) for kind in ("camera", "area", "line"))]
    kinds = {name: "ego" if name == "ego" else KINDS[type(session.document.entities[name])] for name in ids}
    cases = [[], *([name] for name in ids), *map(list, itertools.combinations(ids, 2))]
    expected = []
    for chosen in cases:
        session.select(chosen)
        expected.append({name: why_not(session, name) for name, command in COMMANDS.items() if needed(command)})
    script = f"""{APP}
    const told = (kinds) => (c) => [c.name, enough(c.needs, kinds) ? null : c.needs.sentence];
    say(given.cases.map((kinds) => Object.fromEntries(given.commands.filter((c) => c.needs).map(told(kinds)))));"""
    found = run_module(script, given={**GIVEN, "cases": [[kinds[name] for name in chosen] for chosen in cases]})
    assert found == expected
    assert all(row["delete"] == "Select something other than the ego first." for row in expected[:2]) and expected[2]["array"] is None


def test_undo_says_why_it_cannot() -> None:
    assert why_not(Session(Document()), "undo") == "There is nothing to undo." and why_not(Session(Document()), "mirror") is None


@needs_node
def test_time_to_collision_is_drawn_as_it_is_solved() -> None:
    from editor.closeness import time_to_collision_s
    from editor.entities import Agent
    from editor.files.jsonform import entity_to_json
    from tests.editor.test_motion import cut_in

    scene = cut_in()
    car = scene.get("car-1", Agent)
    script = """const { timeToCollision } = await import('./closeness.js');
    const agent = { appears_s: null, disappears_s: null, ...given.car };
    const found = timeToCollision(given.ego.keyframes, agent, 72);
    console.log(JSON.stringify(found.map((t) => (t === Infinity ? null : t))));"""
    found = run_module(script, given={"ego": entity_to_json(scene.ego), "car": entity_to_json(car)})
    expected = time_to_collision_s(scene, car)
    assert np.isfinite(expected).any()
    np.testing.assert_allclose([np.inf if value is None else value for value in found], expected, atol=1e-6)  # type: ignore[union-attr]


@needs_node
def test_a_number_is_taken_as_typed_or_refused_with_what_is_taken() -> None:
    """A seed of 3.7 was shown as 4 and sent as 3.7, and letters were put back without a word."""
    cases: list[tuple[str, dict[str, Any], Any]] = [
        ("4", {"digits": 0, "min": 0}, 4), ("3,5", {"digits": 2}, 3.5), ("  ", {"digits": 0}, None), ("1e3", {"digits": 0, "max": 4000}, 1000),
        ("3.7", {"digits": 0, "min": 0, "max": 9}, "N takes whole numbers, so 3.7 was not set."),
        ("abc", {"min": 0, "max": 9, "unit": "m"}, "N takes a number, 0 to 9 m, so abc was not set."),
        ("abc", {}, "N takes a number, so abc was not set."), ("Infinity", {}, "N takes a number, so Infinity was not set."),
        ("-2", {"min": 0.1, "max": 100, "unit": "s"}, "N takes 0.1 to 100 s, so -2 was not set."),
        ("-2", {"min": 0}, "N takes at least 0, so -2 was not set."), ("8", {"max": 7}, "N takes at most 7, so 8 was not set."),
    ]  # fmt: skip
    script = """const { numberTyped } = await import('./dom.js');
    console.log(JSON.stringify(given.map(([typed, spec]) => numberTyped(typed, { label: 'n', name: 'N', ...spec }))));"""
    assert run_module(script, given=[case[:2] for case in cases]) == [case[2] for case in cases]


@needs_node
def test_angles_of_a_command_are_typed_and_shown_in_degrees() -> None:
    """The inspector shows degrees, and the table of commands takes radians: 90 typed for a new agent's yaw turned it by 116 degrees."""
    from editor.table import TABLE

    args = [arg.to_json(name) for command in TABLE for name, arg in command.args.items() if arg.unit == "rad"]
    assert args
    script = """const { readArgument, written } = await import('./panels/form.js');
    console.log(JSON.stringify(given.map((arg) => [readArgument(arg, '90'), written(Math.PI / 6, arg)])));"""
    assert run_module(script, given=args) == [[pytest.approx(np.pi / 2), "30"]] * len(args)


@needs_node
def test_a_camera_rides_on_the_ego_near_by_and_stands_in_the_world_elsewhere_unless_told() -> None:
    script = """
    const { mountAt } = await import('./tools/camera.js');
    console.log(JSON.stringify(given.map(([chosen, ego, at]) => mountAt(chosen, ego, at))));"""
    ego = [100.0, 50.0, 0.0, np.pi / 2]  # looks along y
    near, behind, beside, ahead = [100.5, 52.0], [100.0, 46.0], [104.0, 51.0], [100.0, 64.0]
    given = [["place", ego, near], ["place", ego, behind], ["place", ego, beside], ["place", ego, ahead], ["ego", ego, ahead], ["world", ego, near]]
    assert run_module(script, given=given) == ["ego", "world", "world", "world", "ego", "world"]


@needs_node
def test_what_cannot_run_is_refused_in_the_same_words_by_the_page_and_the_studio() -> None:
    script = """
    globalThis.window = { addEventListener() {} };
    const { whyNot } = await import('./keys.js');
    console.log(JSON.stringify([whyNot({ title: 'Undo' }, 'There is nothing to undo.'), whyNot({ title: 'Mirror' }, 'Select an agent first.')]));"""
    nothing = Session(Document())
    assert run_module(script, given=None) == [COMMANDS["undo"].lacks(nothing), "Mirror: select an agent first."]


@needs_node
def test_a_take_whose_frames_are_all_there_lacks_pictures() -> None:
    script = "const { brokenOff } = await import('./panels/timeline.js'); console.log(JSON.stringify(given.map(([k, n]) => brokenOff(k, n))));"
    assert run_module(script, given=[[1, 4], [4, 4], [0, 1]]) == ["unfinished, 1 of 4 frames", "unfinished, pictures are missing", "unfinished, 0 of 1 frame"]
