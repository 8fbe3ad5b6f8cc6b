"""A scene is saved under its own name, in whatever script it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import AppConfig
from app.workspace.files import project_to_save


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Crossing, north", "Crossing-north"),
        ("Kreuzung 十字路口 🚧", "Kreuzung-十字路口"),
        ("十字路口", "十字路口"),
        ("Stra\u00dfe / Allee", "Straße-Allee"),
        ("e\u0301cole", "école"),
        ("../../etc/passwd", "etc-passwd"),
        ("🚧", "scene"),
        ("路" * 300, "路" * 40),
    ],
)
def test_it_is_the_scenes_name_without_what_files_cannot_have(tmp_path: Path, name: str, file: str) -> None:
    config = AppConfig(port=0, preset="fake", workspace=tmp_path, example=None, warm=False)
    path = project_to_save(None, name, config)
    assert path == tmp_path / f"{file}.anyscene"
    path.write_text("")
    assert project_to_save(None, name, config) == tmp_path / f"{file}-2.anyscene"
