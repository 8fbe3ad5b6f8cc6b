"""3 scenes x 4 variations x 2 seeds, 8 frames to buffers: what a fan-out with two workers leaves is what `generate` makes one by one.

Two small cameras here; ANYSCENE_FAN_OUT names another preset, with which all six cameras of the scenes are made.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from app.commands import parser
from app.fanout import Expansion, expand, read_plan
from app.fanout.store import Store
from editor import edits
from editor.document import Document
from editor.entities import CameraEntity
from editor.files import project
from editor.samples import SAMPLES
from tests.app.test_fan_out_run import contents

PRESET = os.environ.get("ANYSCENE_FAN_OUT", "")
SCENES, VARIATIONS, SEEDS, FRAMES = ("crossing", "highway", "lane_closure"), ("original", "hard_brake", "cut_in", "rig_move"), (0, 1), 8


def with_small_cameras(document: Document) -> Document:
    """The first two cameras, 64 x 36 pixels."""
    cameras = list(document.of(CameraEntity))
    small = [replace(entity, camera=entity.camera.resized(64, 36)) for entity in cameras[:2]]
    fewer = edits.delete([entity.id for entity in cameras[2:]])(document)
    return replace(fewer, entities={**fewer.entities, **{entity.id: entity for entity in small}})


def write_plan(folder: Path) -> Path:
    """The plan's file, with its scenes beside it."""
    for name in SCENES:
        document = SAMPLES[name]()
        project.save(document if PRESET else with_small_cameras(document), folder / f"{name}.anyscene")
    path = folder / "plan.toml"
    path.write_text(
        f'scenes = ["*.anyscene"]\nvariations = {list(VARIATIONS)}\nseeds = {list(SEEDS)}\nframes = {FRAMES}\nuntil = "buffers"\n'
        f'preset = "{PRESET or "fake"}"\nviews = "fake"\n[licences]\n"highway" = "Apache-2.0"\n'
    )
    return path


def one_by_one(expansion: Expansion, folder: Path) -> dict[str, dict[str, str]]:
    """Key -> hashes of the files of what `generate` makes of each item's scene."""
    found = {}
    for item in expansion.items:
        scene = folder / f"{item.key[:12]}.anyscene"
        project.save(item.document, scene)
        argv = ["generate", str(scene), "-o", str(folder / item.key), "--until", "buffers", "--frames", str(FRAMES), "--seed", str(item.recipe.seed)]
        assert parser.main([*argv, "--preset", PRESET or "fake", "--views", "fake"]) == 0
        found[item.key] = contents(folder / item.key)
    return found


def check_manifest(out: Path, expansion: Expansion) -> None:
    """A row an item, of which every word and hash is right."""
    store = Store(out)
    rows = {row["key"]: row for row in parquet.read_table(out / "manifest.parquet").to_pylist()}
    assert rows.keys() == {item.key for item in expansion.items} == store.landed()
    for item in expansion.items:
        row = rows[item.key]
        assert (row["scene"], row["variation"], row["seed"], row["frames"]) == (item.scene, item.variation, item.recipe.seed, FRAMES)
        assert json.loads(row["parameters"]) == item.parameters and row["verdict"] == "pass"
        assert row["licence"] == ("Apache-2.0" if item.scene == "highway" else "not stated")
        files = {path.relative_to(out / item.key).as_posix(): path for path in (out / item.key).rglob("*") if path.is_file()}
        assert {file["path"]: file["sha256"] for file in row["files"]} == {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
        }


@pytest.mark.timeout(300 if not PRESET else 7200)
def test_two_workers_make_what_generate_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = write_plan(tmp_path)
    expansion = expand(read_plan(plan))
    assert len(expansion.items) == 24 and not expansion.refusals and not expansion.alike
    assert len({(item.scene, item.variation, item.recipe.seed) for item in expansion.items}) == 24
    assert parser.main(["fan-out", str(plan), "-o", str(tmp_path / "out"), "--workers", "2"]) == 0
    assert "24 takes made, 0 were there, 0 failed (24 pass)." in capsys.readouterr().out
    check_manifest(tmp_path / "out", expansion)
    alone = one_by_one(expansion, tmp_path)
    assert {key: contents(tmp_path / "out" / key) for key in alone} == alone
