"""The shelf's cards, what is done with takes, the matrix's cells, and the rows of the scores: without a server."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app.config import AppConfig
from app.results import matrix, scores, takes
from app.results.desk import FORMATS, Desk
from app.results.page import label, partner
from editor.document import EditError
from editor.files import project
from editor.files.document_hash import document_hash
from editor.samples import SAMPLES
from engine.views.look import read_prompt
from tests.app.fakes import RECIPE, take

DOCUMENT = replace(SAMPLES["crossing"](), prompt="city street, sunny afternoon")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> AppConfig:
    folder = tmp_path_factory.mktemp("workspace")
    config = AppConfig(workspace=folder, preset="fake", warm=False)
    take(DOCUMENT, config.takes / "a", frames=3, cameras=("CAM_FRONT",))
    take(replace(DOCUMENT, duration_s=3.0), config.takes / "b", replace(RECIPE, seed=9), frames=2, until="occupancy")
    return config


def test_a_card_says_what_a_take_was_made_of(config):
    found = {one["name"]: one for one in takes.cards(config, DOCUMENT)}
    a, b = found["a"], found["b"]
    assert (a["frames"], a["length_s"], a["seed"], a["views"], a["stage"], a["state"]) == (3, 0.25, 3, "fake", "video", "current")
    assert a["prompt"] == DOCUMENT.prompt and a["scene"] == DOCUMENT.name and a["cameras"][0] | {"video": True} == a["cameras"][0]
    assert (b["frames"], b["seed"], b["views"], b["state"]) == (2, 9, "", "stale")
    other = takes.cards(config, replace(DOCUMENT, name="another scene"))
    assert {one["name"]: one["state"] for one in other} == {"a": "current", "b": "other scene"}


def test_a_take_is_no_more_stale_for_a_new_name_of_its_scene(config):
    renamed = replace(DOCUMENT, name="Kreuzung 7")
    assert {one["name"]: one["state"] for one in takes.cards(config, renamed)}["a"] == "current"
    edited = replace(renamed, duration_s=1.0)
    assert {one["name"]: one["state"] for one in takes.cards(config, edited)}["a"] == "other scene"


def test_a_take_of_another_prompt_is_a_variant_and_not_stale(config):
    night = replace(DOCUMENT, prompt="night, rain")
    assert {one["name"]: one["state"] for one in takes.cards(config, night)} == {"a": "variant", "b": "stale"}
    edited = replace(night, duration_s=1.0)
    assert {one["name"]: one["state"] for one in takes.cards(config, edited)}["a"] == "stale"


def test_a_take_that_is_being_made_has_the_frames_it_has(config, tmp_path):
    unfinished = AppConfig(workspace=tmp_path)
    take(DOCUMENT, unfinished.takes / "a", frames=3, until="occupancy")
    told = json.loads((unfinished.takes / "a" / "take.json").read_text())
    (unfinished.takes / "a" / "take.json").write_text(json.dumps({**told, "finished": False, "frame_count": 48}))
    (card,) = takes.cards(unfinished, DOCUMENT)
    assert card["frames"] == 3 and not card["whole"]
    (unfinished.takes / "a" / "take.json").write_text("{")
    assert takes.cards(unfinished, DOCUMENT) == [], "what is no take is no card"


def test_a_thumbnail_is_a_small_picture_with_video_or_without(config):
    for name in ("a", "b"):
        data = takes.thumbnail(config, name)
        assert data is not None and Image.open(io.BytesIO(data)).width == takes.THUMBNAIL_PX
    assert takes.thumbnail(config, "none") is None and takes.thumbnail(config, "../a") is not None, "only the last part of a path counts"


def test_a_take_carries_the_scene_it_was_made_from(config):
    assert document_hash(project.load(config.takes / "a" / takes.SCENE)) == document_hash(DOCUMENT)


def test_formats_are_those_that_the_engine_knows():
    from engine.export import FORMATS as known

    assert set(FORMATS) == set(known)


def test_every_cell_is_a_scene_of_its_own_whose_words_are_understood():
    asked = matrix.Matrix(("clear", "rain"), ("day", "night"), 3, 48)
    cells = matrix.cells(DOCUMENT, asked, "fake")
    assert len(cells) == 12 and len({(item.document.prompt, item.recipe.seed) for _, item in cells}) == 12
    for weather in matrix.WEATHERS:
        for light in matrix.LIGHTS:
            ((name, item),) = matrix.cells(DOCUMENT, matrix.Matrix((weather,), (light,), 1, 1), "fake")
            scene = item.document
            assert name == f"{light}, {weather}" and item.until == "video" and item.frames == 1
            look, unknown = read_prompt(scene.prompt, 0)
            assert not unknown and "sunny" not in scene.prompt and "city street" in scene.prompt
            assert (look.night > 0.9) == (light == "night") and (look.rain > 0) == (weather == "rain") and (look.snow > 0) == (weather == "snow")
            assert replace(scene, prompt=DOCUMENT.prompt) == DOCUMENT, "only the words differ"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"weathers": ()}, "Nothing is chosen"), ({"seeds": 0}, "Nothing is chosen"), ({"seeds": 51}, "too many"), ({"lights": ("noir",)}, "noir"),
        ({"frames": 999}, "48 frames"),
    ],
)
def test_a_matrix_that_makes_no_sense_is_refused_in_a_sentence(change, word):
    asked = replace(matrix.Matrix(("clear",), ("day",), 1, 48), **change)
    with pytest.raises(EditError, match=word):
        matrix.cells(DOCUMENT, asked, "fake")


def test_takes_of_one_scene_and_seed_are_told_apart_at_the_head_of_their_row():
    """A list beside another one is narrow; what is cut off there is the end."""
    same = {"scene": "crossing", "views": "drawn", "occupancy": "compact", "seed": 0, "prompt": "City streets in clear daylight, and more words."}
    rows = [label(same | {"name": f"crossing-20261129-{name}"}) for name in ("211242", "211242-2", "210912")]
    assert len({row[:20] for row in rows}) == 3 and rows[1].startswith("crossing · 211242-2 · drawn · seed 0 · City")
    assert label(same | {"name": "by hand", "prompt": ""}) == "crossing · by hand · drawn · seed 0"


def test_the_partner_shows_what_another_view_model_makes_of_the_same_scene():
    def one(name, views, scene="s", digest="h"):
        return {"name": name, "views": views, "scene": scene, "document_hash": digest}

    a, b, c, d = one("a", "drawn"), one("b", "drawn"), one("c", "compact"), one("d", "compact", digest="other")
    assert partner(a, [d, a, b, c]) is c and partner(a, [a, b, d]) is b and partner(a, [a, d]) is d and partner(a, [a]) is None
    assert partner(a, [a, one("e", "", digest="h")]) is None, "what has no video is no partner"


def test_scores_of_two_takes_stand_beside_each_other(config):
    from engine.metrics.report import evaluate

    a = scores.of_take(json.loads(json.dumps(evaluate([config.takes / "a"]), default=float)))
    assert a is not None
    top = dict((row[0].split(",")[0], row[1:]) for row in scores.headlines(a, None))
    assert top["mIoU of the painted channels"][0] == pytest.approx(100, abs=1) and top["mIoU of the painted channels"][1] is None
    rows = scores.channels(a, a)
    assert {row[0] for row in rows} >= {"drivable area", "car"} and all(row[1:4] == row[4:] for row in rows)
    assert all(len(row) == 9 for row in scores.agents(a, None))
    bars = scores.channel_bars({"A": a, "B": a})
    assert len(bars["data"]) == 2 * len(rows) and list(bars["datatypes"]) == bars["columns"]
    assert scores.horizon_lines({"A": a})["data"][0][0] == 0.0
    assert scores.headlines(None, None)[0][1:] == [None, None] and scores.channels(None, None) == []


def test_exports_of_one_take_are_not_those_of_another_whose_name_begins_alike(config):
    desk = Desk.__new__(Desk)
    desk.workspaces = type("W", (), {"config": config})()
    config.exports.mkdir(exist_ok=True)
    for name in ("a-mp4.zip", "a-2-mp4.zip", "a-glb.glb", ".a-mp4.part.zip", "a-mp4.txt"):
        (config.exports / name).write_bytes(b"x")
    assert [one["name"] for one in desk.exports("a")] == ["a-glb.glb", "a-mp4.zip"] and desk.exports("a")[0]["bytes"] == 1
    assert Path(desk.exports("a")[0]["url"]).name == "a-glb.glb"
    (config.exports / "a").mkdir()
    (config.exports / "a" / "glb.glb").write_bytes(b"xx")
    written = desk.exports("a")[-1]
    assert (written["name"], written["url"]) == ("a-glb.glb", "/api/exports/a/glb.glb"), "the page's dialog calls it as a script does"


@pytest.mark.parametrize(
    ("prompt", "rest"),
    [
        ("City streets in clear daylight.", "City streets"), ("City street on an overcast day.", "City street"), ("Dense fog; school", "school"),
        ("A street at night, in light rain", "street"), ("Sunny afternoon.", ""), ("", ""), ("Tram stop, rain, tall houses", "Tram stop, tall houses"),
    ],
)  # fmt: skip
def test_a_prompt_without_its_look_is_still_a_phrase(prompt: str, rest: str) -> None:
    assert matrix.without_look(prompt) == rest
