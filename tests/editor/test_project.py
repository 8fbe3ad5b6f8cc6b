"""The project file: what goes in comes out, byte for byte, and what is not one is refused in a sentence."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from editor import edits
from editor.document import Document, Ground
from editor.files import migrations, project
from editor.files.project import ProjectError
from editor.samples import crossing


def full_scene() -> Document:
    heights = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4).copy()
    heights[1, 1] = np.nan
    return edits.compose(
        edits.paint_stroke("walkway", [(-20, 3.3), (25, -8)], 1.7),
        edits.paint_stroke("walkway", [(0, 0)], 4.0, erases=True, span=(3, 9)),
        edits.add_camera([1, 2, 3, 0.1, 0.2, 0.3], 320, 200, mount="path", name="drone"),
        edits.add_occupancy_edit("fill_box", class_name="truck", instance_id=7, pose=[5, 5, 1, 0, 0, 0], size=[7, 2.5, 3], span=(0, 4)),
        edits.set_agent("car-1", appears_s=0.5, disappears_s=2, name='Überholer "A"\n'),
        edits.set_ground(Ground((-1.5, 2.0), 0.5, heights)),
        edits.set_scene(prompt="雨 in the evening"),
    )(crossing())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "scene.anyscene"
    project.save(full_scene(), target)
    return target


def rewrite(path: Path, *, change=None, members=None, drop=(), add=()) -> None:
    """The same zip with project.json run through `change`, and members replaced, dropped or added as (ZipInfo or name, bytes)."""
    with zipfile.ZipFile(path) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    if change is not None:
        data = json.loads(contents["project.json"])
        result = change(data)
        contents["project.json"] = json.dumps(data if result is None else result).encode()
    contents.update(members or {})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (*((k, v) for k, v in contents.items() if k not in drop), *add):
            archive.writestr(name, data)


def refused(path: Path, says: str) -> None:
    with pytest.raises(ProjectError, match=says) as caught:
        project.load(path)
    sentence = str(caught.value)
    assert path.name in sentence and sentence.endswith(".") and "\n" not in sentence and len(sentence) < 500


def test_what_goes_in_comes_out(path: Path) -> None:
    scene = full_scene()
    loaded = project.load(path)
    assert loaded == scene and list(loaded.entities) == list(scene.entities)
    assert loaded.ground == scene.ground and not loaded.ground.height_m.flags.writeable
    assert all(not tile.flags.writeable for tile in loaded.entities["paint-1"].tiles.values())


def test_saving_again_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.anyscene"
    project.save(project.load(path), again)
    assert again.read_bytes() == path.read_bytes() == project.to_bytes(full_scene())


def test_project_json_reads_well(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        text = archive.read("project.json").decode()
    data = json.loads(text)
    assert data["format_version"] == migrations.FORMAT_VERSION
    assert list(data) == sorted(data) and [e["id"] for e in data["entities"]] == list(full_scene().entities)
    assert len(text.splitlines()) == len(data["entities"]) + len(data) + 3 and "雨" in text


def test_saving_replaces_whole_and_leaves_nothing_beside(path: Path) -> None:
    project.save(Document(), path)
    assert project.load(path) == Document() and os.listdir(path.parent) == [path.name]


def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()
    scene = full_scene()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProjectError, match="No space left on device.*save it to another place"):
        project.save(scene, path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name] and scene == full_scene()


def test_a_folder_that_cannot_be_written_is_said(path: Path) -> None:
    with pytest.raises(ProjectError, match="could not be saved"):
        project.save(Document(), path / "inside.anyscene")
    with pytest.raises(ProjectError, match="could not be saved"):
        project.save(Document(), path.parent / "no" / "such" / "folder.anyscene")


def test_a_missing_file_a_folder_and_a_picture_are_refused(path: Path) -> None:
    refused(path.parent / "none.anyscene", "No such file")
    refused(path.parent, "could not be opened")
    path.write_bytes(b"\x89PNG not a zip at all")
    refused(path, "not a project file")
    path.write_bytes(b"")
    refused(path, "not a project file")


def test_a_file_cut_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for share in np.linspace(0, 0.99, 23):
        path.write_bytes(whole[: int(len(whole) * share)])
        refused(path, "cannot be opened")


def test_a_flipped_byte_never_passes_as_another_scene(path: Path) -> None:
    whole, scene = path.read_bytes(), full_scene()
    outcomes = set()
    for at in np.random.default_rng(1).integers(0, len(whole), 150):
        data = bytearray(whole)
        data[at] ^= 0x5A
        path.write_bytes(data)
        try:
            assert project.load(path) == scene
            outcomes.add("harmless")
        except ProjectError:
            outcomes.add("refused")
    assert "refused" in outcomes


def test_a_newer_version_says_update(path: Path) -> None:
    newer = migrations.FORMAT_VERSION + 1
    rewrite(path, change=lambda data: data.update(format_version=newer))
    refused(path, f"format version {newer} and this program reads up to {newer - 1}: update")


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "C:\\evil", "layers/../../evil", "..\\evil", "\\\\server\\share"])
def test_members_that_climb_out_are_refused(path: Path, name: str) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    rewrite(path, add=[(info, b"x")])
    refused(path, "points out of the file")


def test_links_and_repeated_members_are_refused(path: Path) -> None:
    link = zipfile.ZipInfo("layers/link.npy")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    link.create_system = 3
    whole = path.read_bytes()
    rewrite(path, add=[(link, b"/etc/passwd")])
    refused(path, "is a link")
    path.write_bytes(whole)
    with pytest.warns(UserWarning, match="Duplicate"):
        rewrite(path, add=[("project.json", b"{}")])
    refused(path, "twice")


def test_zip_bombs_are_refused_by_ratio_and_by_size(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = path.read_bytes()
    rewrite(path, add=[("layers/bomb.npy", bytes(8 * 2**20))])
    refused(path, "times its size")
    path.write_bytes(whole)
    monkeypatch.setattr(project, "MOST_BYTES", 1000)
    refused(path, "MiB")
    monkeypatch.undo()
    monkeypatch.setattr(project, "MOST_MEMBERS", 1)
    refused(path, "members")


def test_a_header_that_lies_about_the_size_is_caught_while_reading(path: Path) -> None:
    rewrite(path, members={"project.json": bytes(4 * 2**20) + b"{}"}, add=[])
    data = bytearray(path.read_bytes())
    true, lie = (4 * 2**20 + 2).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert data.count(true) == 2, "once in the local header, once in the directory"
    path.write_bytes(data.replace(true, lie))
    refused(path, "damaged|another size")


def test_pickles_and_object_arrays_are_refused(path: Path) -> None:
    whole = path.read_bytes()

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(path.parent / "owned"),))

    objects = io.BytesIO()
    np.save(objects, np.array([Evil()], object), allow_pickle=True)
    for payload in (pickle.dumps(Evil()), objects.getvalue()):
        rewrite(path, members={"layers/paint-0000.npy": payload})
        refused(path, "paint-1")
        path.write_bytes(whole)
    assert not (path.parent / "owned").exists()


def test_an_array_that_claims_another_shape_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    huge = b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999, 512), }"
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + huge.ljust(117) + b"\n"
    for member in (header, header[:20], _npy(np.zeros((1, 512), np.uint8)), _npy(np.random.default_rng(0).random((64, 64)))):
        rewrite(path, members={"layers/paint-0000.npy": member})
        refused(path, "paint-1")
        path.write_bytes(whole)
    heights = np.full((3, 4), np.inf, np.float32)
    rewrite(path, members={"layers/ground.npy": _npy(heights)})
    refused(path, "infinite height")


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _put(*keys, value):
    def change(data) -> None:
        at = data
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


def _index(kind: str) -> int:
    from editor.files.jsonform import KINDS

    return next(i for i, e in enumerate(full_scene().entities.values()) if KINDS[type(e)] == kind)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_put("ego", "keyframes", value=[[0, float("nan"), 0, 0, 0, 0, 0]]), "NaN"),
        (_put("ego", "keyframes", value=[[0, float("-inf"), 0, 0, 0, 0, 0]]), "Infinity"),
        (_put("ego", "keyframes", value=[]), "at least 1"),
        (_put("ego", "keyframes", value=[[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]), "must rise"),
        (_put("ego", "keyframes", value=[[0, 0, 0]]), "7 values"),
        (_put("ego", "kind", value="area"), "missing"),
        (_put("entities", 0, "kind", value="dragon"), "'dragon' is not known"),
        (_put("entities", 0, "kind", value=["area"]), "is not known"),
        (_put("entities", 1, "id", value="area-1"), "two things in it have the id 'area-1'"),
        (_put("entities", 0, "id", value="ego"), "lists the ego"),
        (_put("entities", 0, "id", value=7), "An id must be text"),
        (_put("entities", 0, "channel", value="lava"), "channel of a shape must be one of"),
        (_put("entities", 0, "exterior_m", value=[[0, 0], [1, 1]]), "at least 3"),
        (_put("entities", 0, "exterior_m", value=[[0, 0], [1, "x"], [2, 2]]), "must be a number"),
        (_put("entities", 0, "colour", value="red"), "'colour'.*not known"),
        (_put("entities", value={"a": 1}), "must be a list"),
        (_put("entities", 0, value="area"), "JSON object"),
        (_put("entities", _index("agent"), "instance_id", value=0), "instance id"),
        (_put("entities", _index("agent"), "instance_id", value=True), "must be a number"),
        (_put("entities", _index("agent"), "size_m", value=[1, 2, -3]), "outside"),
        (_put("entities", _index("agent"), "class_name", value={}), "class must be one of"),
        (_put("entities", _index("camera"), "camera", "fx", value=10**400), "finite"),
        (_put("entities", _index("camera"), "camera", "name", value="../x"), "another name"),
        (_put("entities", _index("camera"), "mount", value="moon"), "mount must be one of"),
        (_put("entities", _index("camera"), "enabled", value=1), "true or false"),
        (_put("entities", _index("paint"), "cells", value="layers/none.npy"), "missing"),
        (_put("entities", _index("paint"), "tiles", value=[[0, 0]]), "must be uint8"),
        (_put("entities", _index("occupancy_edit"), "edit", value="explode"), "must be one of"),
        (_put("duration_s", value=0), "outside"),
        (_put("grid", value="infinite"), "grid must be one of"),
        (_put("format", value="other"), "does not say that it is a scene"),
        (_put("surprise", value=1), "'surprise'"),
        (lambda data: data.pop("prompt") and None, "lacks the field 'prompt'"),
        (lambda data: data["entities"][0].pop("channel") and None, "'channel' is missing in the area 'area-1'"),
        (lambda data: [1, 2], "not a JSON object"),
    ],
)
def test_every_kind_of_wrong_content_is_named(path: Path, change, says: str) -> None:
    rewrite(path, change=change)
    refused(path, says)


def test_missing_members_and_broken_json_are_named(path: Path) -> None:
    whole = path.read_bytes()
    rewrite(path, drop=["project.json"])
    refused(path, "'project.json' is missing")
    path.write_bytes(whole)
    rewrite(path, drop=["layers/ground.npy"])
    refused(path, "'layers/ground.npy' is missing")
    for text, says in (
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"a": 1, "a": 2}', "one field twice"),
        (b"[" * 100_000, "nested|not valid"),
    ):
        rewrite(path, members={"project.json": text})
        refused(path, says)
        path.write_bytes(whole)


def test_an_older_version_is_brought_up_step_by_step(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(data):
        data["prompt"] = data.pop("text")
        return data

    def old(data) -> None:
        data["format_version"] = 0
        data["text"] = data.pop("prompt")

    rewrite(path, change=old)
    refused(path, "format version 0.*older than any")
    monkeypatch.setitem(migrations.MIGRATIONS, 0, rename)
    assert project.load(path) == full_scene()
    monkeypatch.setitem(migrations.MIGRATIONS, 0, lambda data: data["nothing"])
    refused(path, "failed")


def test_a_closed_lane_whose_numbers_are_in_names_is_read(path: Path) -> None:
    scene = edits.compose(edits.close_lane([(0, 0), (20, 0)], "left", 3.25, 2.0, 8.0), edits.add_agent("traffic_cone", 0, 9, name="closed lane 1"))(Document())

    def old(data) -> None:
        data["format_version"] = 1
        for row in data["entities"]:
            if (lane := row.pop("closure", None)) is not None:
                row["name"] = f"closed lane {lane['number']}: {lane['side']}, {lane['length_m']:.12g} m, lane 3.25 m, every 2 m, taper 8 m"

    project.save(scene, path)
    rewrite(path, change=old)
    assert project.load(path) == scene


def test_migrations_run_in_order() -> None:
    table = {n: (lambda data, n=n: {**data, "seen": [*data.get("seen", []), n]}) for n in range(4)}
    assert migrations.migrate({}, 1, 4, table) == {"seen": [1, 2, 3]}


def test_the_shipped_table_reaches_the_current_version() -> None:
    assert sorted(migrations.MIGRATIONS) == list(range(1, migrations.FORMAT_VERSION))
