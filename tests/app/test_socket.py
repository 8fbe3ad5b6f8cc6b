"""The protocol of /ws/{workspace}, over a real port."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.config import AppConfig
from editor.entities import Agent
from editor.files import recovery
from engine.spec.classes import CHANNELS
from engine.spec.geometry import Pose

ROAD = {"channel": "drivable_area", "radius_m": 4.0, "points": [[-10, 0], [30, 0]]}


def test_hello_is_answered_with_everything_a_page_needs(studio):
    with studio.page("hello") as page:
        document = page.wait_for("document")
        assert document["rev"] == 0 and document["dirty"] is False and document["can_undo"] is None
        assert [channel["name"] for channel in document["channels"]] == list(CHANNELS)
        assert document["frames"] == round(document["duration_s"] * 12)
        assert document["viser_url"] == "/viser/hello/" and {"name": "fake", "views": "fake"} in document["presets"] and "nuscenes6" in document["rigs"]
        assert document["grid"]["shape"] == [200, 200, 16]
        assert document["ego"]["kind"] == "ego"


def test_a_stroke_is_acknowledged_to_its_sender_and_shown_to_every_tab(studio):
    with studio.page("two-tabs") as mine, studio.page("two-tabs") as theirs:
        mine.wait_for("document"), theirs.wait_for("document")
        ack = mine.command("paint_stroke", **ROAD)
        assert ack["ok"] and ack["rev"] == 1 and ack["error"] is None
        for page in (mine, theirs):
            patch = page.wait_for("patch")
            assert patch["rev"] == 1 and patch["dirty"] and "drivable area" in patch["can_undo"]
            assert [(entity["kind"], entity["channel"]) for entity in patch["set"]] == [("paint", "drivable_area")]
        layer = patch["set"][0]["id"]
        theirs.command("undo")
        patch = mine.wait_for("patch")
        assert patch["removed"] == [layer] and patch["can_undo"] is None and patch["can_redo"] and patch["dirty"] is False


def test_a_patch_holds_what_changed_and_nothing_else(studio):
    with studio.page("patches") as page:
        page.command("add_agent", class_name="car", x=5, y=0)
        page.command("add_agent", class_name="bus", x=15, y=0)
        bus = page.wait_for("patch", lambda m: m["rev"] == 2)["selection"][0]
        page.command("move", ids=[bus], dx=1, dy=0)
        patch = page.wait_for("patch", lambda m: m["rev"] == 3)
        assert (
            [entity["id"] for entity in patch["set"]] == [bus] and patch["removed"] == [] and not {"ego", "order", "fields"} & patch.keys()
        )
        page.command("set_scene", duration_s=2.0)
        fields = page.wait_for("patch", lambda m: "fields" in m)["fields"]
        assert fields["duration_s"] == 2.0 and fields["frames"] == 24


def test_a_refused_command_changes_nothing_and_says_why(studio):
    with studio.page("refusals") as page:
        ack = page.command("paint_strok")
        assert not ack["ok"] and "paint_stroke" in ack["error"] and ack["rev"] == 0
        ack = page.command("paint_stroke", channel="lava", radius_m=1, points=[[0, 0]])
        assert not ack["ok"] and "lava" in ack["error"]
        assert studio.workspaces.find("refusals").rev == 0


@pytest.mark.parametrize(
    "line",
    ["not json", "[]", "3", '{"type": "dance"}', '{"type": ["x"]}', '{"type": "frame", "frame": "soon"}', '{"type": "frame", "frame": NaN}',
     '{"type": "select", "ids": 3}',
     '{"type": "generate", "frames": 0}', '{"type": "generate", "preset": "huge"}', '{"type": "generate", "cameras": "front"}',
     '{"type": "generate", "steps": -1}',
     '{"type": "generate", "until": "tomorrow"}', '{"type": "cancel", "job": "job-99"}', '{"type": "open", "path": "/etc/passwd"}', '{"type": "open"}',
     '{"type": "save", "path": "../../outside"}', '{"type": "import", "format": "av2", "source": "/nowhere"}', '{"type": "restore", "which": "/etc/passwd"}',
     '{"type": "show_take", "path": "/etc"}', '{"type": "new", "template": "../../etc/passwd"}'],
)  # fmt: skip
def test_nonsense_is_answered_with_one_sentence_and_the_socket_lives(studio, line):
    with studio.page("nonsense") as page:
        page.wait_for("document")
        page.socket.send(line)
        text = page.wait_for("notice", lambda m: m["level"] in ("warn", "error"))["text"]
        assert "\n" not in text and "Traceback" not in text and "went wrong inside" not in text and text.endswith((".", "?"))
        assert page.command("add_agent", class_name="car", x=0, y=0)["ok"]


def test_an_error_nobody_foresaw_is_a_sentence_for_the_page_and_a_traceback_for_the_log(studio, monkeypatch, caplog):
    def break_down(*args: object) -> None:
        raise ZeroDivisionError("a secret path /home/ann")

    monkeypatch.setattr("app.workspace.workspace.run", break_down)
    with studio.page("breakdown") as page:
        error = page.command("undo")["error"]
    assert "ZeroDivisionError" in error and "secret" not in error
    assert any("secret" in (record.exc_text or "") and record.name.endswith("breakdown") for record in caplog.records)


def test_the_strip_follows_the_playhead_and_its_pictures_are_there(studio):
    with studio.page("strip") as page, studio.client() as http:
        page.command("paint_stroke", **ROAD)
        page.command("use_rig", name="nuscenes6")
        page.command("add_waypoint", id="ego", time_s=3.0, x=15, y=0)
        page.send("frame", frame=12)
        strip = page.wait_for("strip", lambda m: m["frame"] == 12 and m["cameras"])
        assert strip["source"] == "lift" and len(strip["cameras"]) == 6 and all(camera["picture"] is None for camera in strip["cameras"])
        for kind in ("semantic", "depth"):
            reply = http.get(strip["cameras"][0][kind])
            assert reply.status_code == 200 and "immutable" in reply.headers["cache-control"]
            assert np.asarray(Image.open(io.BytesIO(reply.content))).std() > 5, "the picture is one flat colour"
        bev = page.wait_for("bev", lambda m: m["frame"] == 12)
        assert Image.open(io.BytesIO(http.get(bev["url"]).content)).size == (200, 200)
        assert bev["ego"][0] == pytest.approx(5.0)
        assert http.get("/api/ws/strip/image/nothing").status_code == 404


def test_the_strips_pictures_are_as_large_as_somebody_shows_them(studio):
    def size(strip) -> tuple[int, int]:
        return Image.open(io.BytesIO(http.get(strip["cameras"][0]["semantic"]).content)).size

    with studio.page("large") as page, studio.client() as http:
        page.command("use_rig", name="nuscenes6")
        whole = page.wait_for("strip", lambda m: m["cameras"])
        assert size(whole) == (384, 216)
        page.send("strip_width", px=128)
        small = page.wait_for("strip", lambda m: m["cameras"] and m["cameras"][0]["semantic"] != whole["cameras"][0]["semantic"])
        assert size(small) == (128, 72)
        with studio.page("large") as other:  # it says nothing
            assert size(
                other.wait_for("strip", lambda m: m["cameras"] and m["cameras"][0]["semantic"] != small["cameras"][0]["semantic"])
            ) == (384, 216)
            other.send("strip_width", px=10_000)
            other.send("strip_width", px=0)
            assert "from 1" in other.wait_for("notice")["text"]
        page.send("frame", frame=3)
        assert size(page.wait_for("strip", lambda m: m["frame"] == 3)) == (128, 72), "the other one is gone"


def test_the_playhead_stays_on_the_timeline(studio):
    with studio.page("timeline") as page:
        page.send("frame", frame=10**6)
        assert page.wait_for("strip", lambda m: m["frame"] > 0)["frame"] == 47


def test_save_open_and_new_keep_the_scene(studio):
    with studio.page("files") as page:
        page.command("add_agent", class_name="truck", x=3, y=1)
        page.send("save", path="my scene")
        path = page.wait_for("saved")["path"]
        assert path.endswith("my scene.anyscene")
        page.send("list_files")
        assert path in [entry["path"] for entry in page.wait_for("files")["projects"]]
        page.send("new")
        assert page.wait_for("document", lambda m: m["rev"] > 1)["entities"] == []
        page.send("open", path="my scene.anyscene")
        opened = page.wait_for("document", lambda m: m["saved_path"] == path)
        assert [entity["class_name"] for entity in opened["entities"]] == ["truck"] and opened["dirty"] is False


def test_the_first_save_never_overwrites_a_project_of_the_same_name(studio):
    names = set()
    for workspace in ("first-save", "second-save"):
        with studio.page(workspace) as page:
            page.command("set_scene", name="crossing")
            page.send("save")
            names.add(page.wait_for("saved")["path"])
    assert len(names) == 2


def test_a_gizmo_drag_is_one_command_on_release(studio):
    with studio.page("gizmo") as page:
        page.command("use_rig", name="nuscenes6")
        camera = page.wait_for("patch", lambda m: m["set"])["set"][0]
        workspace = studio.workspaces.find("gizmo")
        rev = workspace.rev
        for height in (1.6, 1.8, 2.0):
            workspace.screen.camera_dragged(camera["id"], Pose(1.0, 0.0, height), "update")
        assert workspace.rev == rev
        workspace.screen.camera_dragged(camera["id"], Pose(1.0, 0.0, 2.2), "end")
        patch = page.wait_for("patch", lambda m: m["rev"] == rev + 1)
        assert patch["set"][0]["camera"]["ego_SE3_camera"][2] == pytest.approx(2.2)
        page.command("undo")
        assert workspace.document.entities[camera["id"]].camera.ego_SE3_camera.z_m == pytest.approx(camera["camera"]["ego_SE3_camera"][2])


def test_without_token_or_from_another_origin_there_is_no_socket(studio):
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{studio.port}/ws/x", proxy=None)
    headers = {"Authorization": f"Bearer {studio.config.token}", "Origin": "http://evil.example"}
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{studio.port}/ws/x", additional_headers=headers, proxy=None)


def test_messages_are_strict_json(studio):
    with studio.page("strict") as page:
        page.command("add_agent", class_name="car", x=0, y=0)

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} in a message")

        page.send("hello")
        for _ in range(3):
            json.loads(page.socket.recv(timeout=20), parse_constant=refuse)


def as_of_an_earlier_run(config):
    """The studios of a test are one process; drafts are offered at once to another one alone."""
    for lock in config.drafts.glob("*/owner.json"):
        lock.write_text(json.dumps({**json.loads(lock.read_text()), "pid": 1}))


def test_unsaved_work_of_an_earlier_run_is_offered_and_goes_on_with_its_history(run_studio, tmp_path):
    config = AppConfig(port=0, preset="fake", workspace=tmp_path, warm=False)
    with run_studio(config) as before, before.page("desk") as page:
        page.wait_for("document")
        page.send("new")
        page.command("add_agent", class_name="bus", x=3, y=1)
        page.command("add_agent", class_name="car", x=13, y=1)
        page.command("undo")
    as_of_an_earlier_run(config)
    with run_studio(config) as after, after.page("desk") as page, after.client() as http:
        assert page.wait_for("document")["entities"] == [], "no example hides what is offered"
        (offered,) = page.wait_for("recovery")["drafts"]
        assert offered["name"] == "untitled" and offered["crashed"] is False and offered["lost"] == "1 unsaved step: Add bus."
        assert Image.open(io.BytesIO(http.get(offered["picture"]).content)).size == (200, 200)
        page.send("restore", which=offered["path"])
        restored = page.wait_for("document")
        assert [entity["class_name"] for entity in restored["entities"]] == ["bus"] and restored["dirty"] is True
        assert (restored["can_undo"], restored["can_redo"], restored["undo_steps"]) == ("Add bus", "Add car", 1)
        page.command("redo")
        assert {one["class_name"] for one in page.wait_for("patch")["set"]} == {"car"}
        page.send("list_files")
        assert page.wait_for("files")["recovery"] == [], "it is open now"


def test_what_earlier_runs_left_is_looked_through_once_for_a_workspace(run_studio, tmp_path, monkeypatch):
    config = AppConfig(port=0, preset="fake", workspace=tmp_path, warm=False)
    with run_studio(config) as before, before.page("desk") as page:
        page.command("add_agent", class_name="bus", x=3, y=1)
    as_of_an_earlier_run(config)
    looked, left_behind = [], recovery.left_behind
    monkeypatch.setattr(recovery, "left_behind", lambda root: looked.append(root) or left_behind(root))
    with run_studio(config) as after:
        assert len(after.workspaces.get("desk").document.entities) == 0 and looked == [config.drafts]


def test_what_is_declined_stays_on_offer_until_it_is_discarded(run_studio, tmp_path):
    config = AppConfig(port=0, preset="fake", workspace=tmp_path, warm=False)
    with run_studio(config) as before, before.page("desk") as page:
        page.command("add_agent", class_name="bus", x=3, y=1)
    as_of_an_earlier_run(config)
    with run_studio(config) as after, after.page("desk") as page, after.page("desk") as second:
        which = page.wait_for("recovery")["drafts"][0]["path"]
        second.wait_for("recovery")
        page.send("decline")
        assert page.wait_for("document", lambda m: m["rev"] > 0)["name"] == "crossing", "the example of a first start"
        page.send("list_files")
        assert [row["path"] for row in page.wait_for("files")["recovery"]] == [which]
        page.send("discard_draft", which=which)
        assert page.wait_for("files")["recovery"] == []
        page.send("restore", which=which)
        assert "not there any more" in page.wait_for("notice")["text"]


def test_a_scene_that_was_saved_is_open_again_where_it_was(run_studio, tmp_path):
    config = AppConfig(port=0, preset="fake", workspace=tmp_path, warm=False)
    with run_studio(config) as before, before.page("desk") as page:
        page.command("add_agent", class_name="trailer", x=3, y=1)
        page.send("new")  # what was before stays unsaved
        page.wait_for("document", lambda m: m["rev"] > 1)
        page.command("add_agent", class_name="bus", x=3, y=1)
        page.command("add_agent", class_name="car", x=13, y=1)
        page.command("undo")
        page.send("save", path="found")
        page.wait_for("saved")
        page.send("frame", frame=7)
        page.command("select", ids=["bus-1"])
        session = before.workspaces.find("desk").session_name
    as_of_an_earlier_run(config)
    for _ in range(2):
        with run_studio(config) as after, after.page("desk") as page:
            found = page.wait_for("document")
            assert (found["session"], found["frame"], found["dirty"], found["selection"]) == (session, 7, False, ["bus-1"])
            assert (found["can_undo"], found["can_redo"], Path(found["saved_path"]).name) == ("Add bus", "Add car", "found.anyscene")
            assert page.wait_for("notice")["text"] == "Unsaved work of before is under Open: 1 draft."
            assert "recovery" not in {message["type"] for message in page.unread}
            with after.page("another") as other:
                assert other.wait_for("recovery")["drafts"][0]["lost"] == "1 unsaved step: Add trailer.", "in a workspace of its own nothing was open"
        as_of_an_earlier_run(config)
    with run_studio(config) as after, after.page("desk") as page:
        page.command("undo")
        page.send("open", path="found.anyscene")
        assert page.wait_for("document", lambda m: m["rev"] > 2)["can_undo"] is None
    as_of_an_earlier_run(config)
    assert len(list(config.drafts.glob("*/*.anyscene"))) == 3, "the trailer, what was taken back, and the one that is open"
    with run_studio(config) as after, after.page("desk") as page:
        assert page.wait_for("document")["can_undo"] is None, "the newest is opened"


def test_tabs_of_one_scene_know_of_each_other(studio):
    with studio.page("tabs") as mine:
        assert mine.wait_for("tabs")["count"] == 1
        with studio.page("tabs") as theirs:
            assert mine.wait_for("tabs", lambda m: m["count"] == 2) and theirs.wait_for("tabs")["count"] == 2
            theirs.send("new")
            assert "Another tab" in mine.wait_for("notice")["text"]
        assert mine.wait_for("tabs")["count"] == 1


def test_undo_that_has_reached_its_depth_says_how_deep(studio, monkeypatch):
    with studio.page("depth") as page:
        page.wait_for("document")
        monkeypatch.setattr(studio.workspaces.find("depth").session._history, "limit", 3)
        for x in range(5):
            page.command("add_agent", class_name="car", x=6 * x, y=0)
        for _ in range(3):
            page.command("undo")
        told = page.wait_for("patch", lambda m: m["undo_at_depth"])
        assert told["undo_steps"] == 0 and told["undo_limit"] == 3
        assert "keeps 3 steps" in page.command("undo")["error"]


def test_opening_another_scene_keeps_the_unsaved_one_as_a_draft(studio):
    with studio.page("drafted") as page:
        page.command("add_agent", class_name="trailer", x=3, y=1)
        page.send("new")
        page.wait_for("document", lambda m: m["rev"] > 1)
        page.send("list_files")
        newest = page.wait_for("files", lambda m: m["recovery"])["recovery"][0]
        with studio.page("beside") as other:
            other.wait_for("variant"), other.send("list_files"), other.wait_for("files")
            assert "recovery" not in {message["type"] for message in other.unread}, "what was put away on purpose is not pressed on anybody"
        assert newest["lost"] == "1 unsaved step: Add trailer."
        found = {draft.path: draft for draft in recovery.drafts(studio.config.drafts)}[newest["path"]]
        assert [agent.class_name for agent in recovery.restore(found).session.document.of(Agent)] == ["trailer"]
