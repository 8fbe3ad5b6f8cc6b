"""Dropped files go when no scene refers to them, and never before."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import AppConfig
from app.workspace.dropped import keep, next_step
from app.workspace.unused import RESTS_S, tidy
from editor import commands
from editor.document import Document
from editor.entities import CameraEntity, SourcePictures
from editor.files import project
from editor.files.autosave import Autosave
from editor.session import Session

NAMES = "project", "take", "draft", "history", "open"
"""Who refers to a set each."""


def with_pictures(folder: Path) -> Document:
    session = Session(Document())
    commands.run(session, "use_rig", {"name": "nuscenes6"})
    camera = next(iter(session.document.of(CameraEntity)))
    return session.document.with_entities(replace(camera, pictures=SourcePictures(str(folder), ((0.0, "samples/a.jpg"),))))


def drop(workspace: Path, name: str) -> Path:
    """An old set."""
    folder = workspace / "dropped" / f"{name.encode().hex()[:8]:0<8}" / "log"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"x")
    os.utime(folder.parent, (1, 1))
    return folder


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    return {name: drop(tmp_path, name) for name in (*NAMES, "nobody")}


def test_what_any_scene_names_stays_and_the_rest_goes(sets: dict[str, Path], tmp_path: Path) -> None:
    project.save(with_pictures(sets["project"]), tmp_path / "mine.anyscene")
    (tmp_path / "takes" / "one").mkdir(parents=True)
    project.save(with_pictures(sets["take"]), tmp_path / "takes" / "one" / "scene.anyscene")
    session = Session(with_pictures(sets["draft"]))
    session.mark_unsaved()
    held = Session(Document())
    held.apply("Import", lambda document: with_pictures(sets["history"]))
    held.apply("Delete", lambda document: Document(name="without"))
    draft, steps = Autosave(session, tmp_path / "drafts" / "a", owner="a"), Autosave(held, tmp_path / "drafts" / "b", owner="b")
    for one in (draft, steps):
        one.flush()
    assert tidy(tmp_path, lambda: [with_pictures(sets["open"])]) == [sets["nobody"].parent.name]
    assert [name for name, folder in sets.items() if folder.exists()] == list(NAMES)
    (tmp_path / "mine.anyscene").unlink()
    assert sorted(tidy(tmp_path, list)) == sorted(sets[name].parent.name for name in ("project", "open"))
    assert not sets["project"].exists() and not sets["open"].exists() and sets["draft"].exists() and sets["history"].exists()


def test_nothing_goes_that_was_used_lately_or_while_a_scene_cannot_be_read(sets: dict[str, Path], tmp_path: Path) -> None:
    os.utime(sets["nobody"].parent, (time.time() - RESTS_S + 60,) * 2)
    (tmp_path / "broken.anyscene").write_bytes(b"PK, half of it")
    assert tidy(tmp_path, list) == [] and all(folder.exists() for folder in sets.values())
    (tmp_path / "broken.anyscene").unlink()
    assert len(tidy(tmp_path, list)) == len(NAMES) and sets["nobody"].exists()


def test_what_is_asked_about_again_counts_as_used(tmp_path: Path) -> None:
    config, told = AppConfig(workspace=tmp_path), {"name": "road.xodr", "files": [["road.xodr", 4]]}
    place = tmp_path / "dropped" / next_step(told, config)["id"].split("/")[0]
    os.utime(place, (1, 1))

    async def data():
        yield b"road"

    asyncio.run(keep(f"{place.name}/road.xodr/road.xodr", data(), config))
    assert tidy(tmp_path, list) == []
    os.utime(place, (1, 1))
    assert "import" in next_step(told, config) and tidy(tmp_path, list) == []
    os.utime(place, (1, 1))
    assert tidy(tmp_path, list) == [place.name] and not list((tmp_path / "dropped").iterdir())


def test_a_studio_tidies_at_its_start(sets: dict[str, Path], run_studio, tmp_path: Path) -> None:
    project.save(with_pictures(sets["project"]), tmp_path / "mine.anyscene")
    with run_studio(AppConfig(port=0, preset="fake", workspace=tmp_path, warm=False)):
        deadline = time.monotonic() + 30
        while sets["nobody"].exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert sets["project"].exists() and not sets["draft"].exists()
