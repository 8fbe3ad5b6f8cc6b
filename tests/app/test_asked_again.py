"""What a page asks for again after a broken link, or of a studio that was started anew, is done once."""

from __future__ import annotations

import json
from typing import Any

from app.config import AppConfig
from app.workspace.heard import Asked, Heard
from tests.app.conftest import Page


def ask(page: Page, number: int, kind: str, **fields: Any) -> dict[str, Any]:
    """As the page's own script does."""
    page.send(kind, page="mine", seq=number, **fields)
    return page.wait_for("ack", lambda message: message["seq"] == number)


def car(page: Page, number: int, session: str, x: float) -> dict[str, Any]:
    return ask(page, number, "command", session=session, name="add_agent", args={"class_name": "car", "x": x, "y": 0})


def agents(document: dict[str, Any]) -> list[str]:
    return sorted(entity["id"] for entity in document["entities"] if entity["kind"] == "agent")


def test_a_command_that_is_sent_again_is_answered_again_and_done_once(studio):
    with studio.page("again") as before:
        session = before.wait_for("document")["session"]
        first = car(before, 1, session, 0.0)
        assert first["ok"] and first["rev"] == 1
        refused = ask(before, 2, "command", session=session, name="move", args={"ids": ["nobody"], "dx": 1, "dy": 0})
        assert not refused["ok"]
    with studio.page("again") as after:
        document = after.wait_for("document")
        assert document["session"] == session and document["heard"] == {"mine": 2} and agents(document) == ["car-1"]
        assert car(after, 1, session, 0.0)["ok"]
        assert ask(after, 2, "command", session=session, name="move", args={})["error"] == refused["error"]
        assert studio.workspaces.find("again").rev == 1
        assert car(after, 3, session, 10.0)["rev"] == 2
        # Another page numbers for itself.
        after.send("command", page="theirs", seq=1, session=session, name="undo", args={})
        assert after.wait_for("ack", lambda m: m["seq"] == 1)["ok"]
        assert studio.workspaces.find("again").rev == 3


def test_what_was_meant_for_another_scene_is_not_done_in_this_one(studio):
    with studio.page("other-scene") as page:
        session = page.wait_for("document")["session"]
        car(page, 1, session, 0.0)
        ask(page, 2, "new")
        assert page.wait_for("document", lambda m: m["session"] != session)["entities"] == []
        late = car(page, 3, session, 10.0)
        assert not late["ok"] and "Another scene" in late["error"]
        assert ask(page, 2, "new")["ok"] and len(studio.workspaces.find("other-scene").document.entities) == 0


def test_a_take_that_is_asked_for_twice_is_made_once(studio):
    with studio.page("twice") as page:
        session = page.wait_for("document")["session"]
        for _ in range(2):
            ask(page, 1, "generate", session=session, frames=1, until="layout")
        assert len([job for job in studio.workspaces.jobs.of("twice")]) == 1


def test_a_studio_that_was_started_again_knows_what_the_restored_scene_holds(run_studio, tmp_path):
    config = AppConfig(port=0, preset="fake", workspace=tmp_path, warm=False)
    with run_studio(config) as before, before.page("desk") as page:
        page.wait_for("document")
        page.send("new")
        session = page.wait_for("document", lambda m: m["rev"] > 0)["session"]
        for number in (1, 2):
            assert car(page, number, session, 10.0 * number)["ok"]
    for lock in config.drafts.glob("*/owner.json"):  # as of an earlier process
        lock.write_text(json.dumps({**json.loads(lock.read_text()), "pid": 1}))
    with run_studio(config) as after, after.page("desk") as page:
        assert page.wait_for("document")["session"] != session
        page.send("restore", which=page.wait_for("recovery")["drafts"][0]["path"])
        restored = page.wait_for("document", lambda m: m["rev"] > 0)
        assert restored["session"] == session and restored["heard"] == {"mine": 2} and agents(restored) == ["car-1", "car-2"]
        for number in (1, 2, 3):
            assert car(page, number, session, 10.0 * number)["ok"]
        assert agents({"entities": page.wait_for("patch", lambda m: m["set"])["set"]}) == ["car-3"]
        assert len(after.workspaces.find("desk").document.entities) == 3


def test_what_is_under_way_is_known_and_only_what_is_done_goes_into_the_draft():
    heard = Heard.from_facts({"mine": 4, "odd": "x"})
    assert heard.take(Asked("mine", 3)) is not None and heard.take(Asked("mine", 5)) is None
    assert heard.facts() == {"mine": 4}
    assert heard.take(Asked("mine", 5)) is not None
    heard.answer(Asked("mine", 5), "No.")
    known = heard.take(Asked("mine", 5))
    assert known is not None and known.error == "No." and heard.facts() == {"mine": 5}
