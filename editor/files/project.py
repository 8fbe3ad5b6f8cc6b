"""The project file: one `.anyscene` zip with a readable project.json and, beside it, the cells and heights under layers/.

The same document gives the same bytes, so files can be compared and kept under version control. Arrays are plain .npy,
stored without compression: their honest size is their size, and a file that claims otherwise is refused.
"""

from __future__ import annotations

import io
import json
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from editor import check
from editor.document import Document, EditError, Ground
from editor.entities import EgoPath, Entity, PaintLayer
from editor.files import migrations
from editor.files.jsonform import document_head, entity_from_json, entity_to_json
from editor.tiles import packed, unpacked

FORMAT = "anyscene"
MOST_BYTES = 512 * 2**20
"""All members of a project together, unpacked."""
MOST_MEMBERS = 10_000
MOST_RATIO = 200
"""Unpacked to packed; our own JSON stays far below it."""
RATIO_COUNTS_FROM = 2**20
_DATE = (1980, 1, 1, 0, 0, 0)
_PROJECT = "project.json"
_GROUND = "layers/ground.npy"
_TOP_KEYS = {"format", "format_version", "name", "duration_s", "grid", "prompt", "ego", "notes", "entities", "ground"}


class ProjectError(ValueError):
    """A project file that cannot be read or written: one sentence, shown to the user as it is."""


def save(document: Document, path: str | os.PathLike[str]) -> None:
    """Writes beside `path`, flushes to the disk, then replaces: whatever happens, the old file or the new one is there, whole.

    Raises ProjectError where the folder or the disk does not take it.
    """
    target = Path(path)
    data = to_bytes(document)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777 if target.exists() else 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProjectError(
            f"'{target.name}' could not be saved in {target.parent} ({reason}): the scene is still open, save it to another place."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Document:
    """The document of a project file. Raises ProjectError, one sentence, for anything that is not one."""
    source = Path(path)
    try:
        with open(source, "rb") as file:
            return from_file(file)
    except OSError as error:
        raise ProjectError(f"'{source.name}' could not be opened ({error.strerror or error}): check the path.") from error
    except (_Unfit, EditError, RecursionError) as error:
        reason = "its JSON is nested too deeply" if isinstance(error, RecursionError) else str(error).rstrip(".")
        raise ProjectError(f"'{source.name}' cannot be opened: {reason}.") from error


def to_bytes(document: Document) -> bytes:
    """The file's bytes. Raises ProjectError where the document holds something that is not a number."""
    members: dict[str, bytes] = {}
    rows = []
    for entity in document.entities.values():
        row = entity_to_json(replace(entity, tiles={}) if isinstance(entity, PaintLayer) else entity)
        if isinstance(entity, PaintLayer):
            keys = sorted(entity.tiles)
            member = f"layers/paint-{sum(name.startswith('layers/paint-') for name in members):04d}.npy"
            members[member] = _npy(np.stack([packed(entity.tiles[key]) for key in keys]) if keys else np.zeros((0, 512), np.uint8))
            row |= {"tiles": [list(key) for key in keys], "cells": member}
        rows.append(row)
    ground = None
    if document.ground is not None:
        members[_GROUND] = _npy(np.ascontiguousarray(document.ground.height_m, "<f4"))
        ground = {"origin_m": [float(v) for v in document.ground.origin_m], "cell_m": float(document.ground.cell_m), "heights": _GROUND}
    head = {**document_head(document), "format": FORMAT, "format_version": migrations.FORMAT_VERSION, "ground": ground}
    try:
        text = _readable(head, rows)
    except ValueError as error:
        raise ProjectError("The scene holds a value that is not a number and cannot be saved: undo the last change.") from error
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in ((_PROJECT, text.encode()), *members.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED if name == _PROJECT else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return buffer.getvalue()


def from_file(file: Any) -> Document:
    """The document in an open binary file; the reasons that `load` wraps come as `_Unfit` or EditError."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise _Unfit("it is not a project file, or it was cut off on its way here") from error
    with archive:
        members = _checked_members(archive)
        data = _json(_read(archive, members, _PROJECT))
        version = data.get("format_version")
        if data.get("format") != FORMAT or isinstance(version, bool) or not isinstance(version, int) or version < 0:
            raise _Unfit(f"its {_PROJECT} does not say that it is a scene of this studio")
        if version > migrations.FORMAT_VERSION:
            raise _Unfit(f"it has format version {version} and this program reads up to {migrations.FORMAT_VERSION}: update the studio")
        if version < migrations.FORMAT_VERSION:
            try:
                data = migrations.migrate(data, version)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise _Unfit(
                    f"it has format version {version}, and bringing it up to {migrations.FORMAT_VERSION} failed ({error})"
                ) from error
        return _document(data, archive, members)


class _Unfit(Exception):
    """Why a file is refused, as the middle of a sentence."""


def _document(data: dict[str, Any], archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Document:
    for key in sorted(_TOP_KEYS - data.keys()):
        raise _Unfit(f"its {_PROJECT} lacks the field '{key}'")
    for key in sorted(data.keys() - _TOP_KEYS):
        raise _Unfit(f"its {_PROJECT} has a field '{key[:60]}' that this version does not know")
    ego = entity_from_json(data["ego"])
    if not isinstance(ego, EgoPath):
        raise _Unfit(f"its ego is of kind {type(ego).__name__}")
    entities: dict[str, Entity] = {}
    for row in check.items(data["entities"], "The list of entities"):
        entity = _entity(row, archive, members)
        if isinstance(entity, EgoPath) or entity.id == "ego":
            raise _Unfit("it lists the ego among the other entities")
        if entity.id in entities:
            raise _Unfit(f"two things in it have the id '{entity.id}'")
        entities[entity.id] = entity
    return check.document(
        Document(
            name=data["name"],
            duration_s=check.duration(data["duration_s"]),
            grid=data["grid"],
            prompt=data["prompt"],
            ego=ego,
            entities=entities,
            ground=_ground(data["ground"], archive, members),
            notes=tuple(check.text(note, "A note") for note in check.items(data["notes"], "The notes")),
        )
    )


def _entity(row: object, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Entity:
    if not (isinstance(row, dict) and row.get("kind") == "paint"):
        return entity_from_json(row)
    layer = entity_from_json({key: value for key, value in row.items() if key not in ("tiles", "cells")})
    assert isinstance(layer, PaintLayer)
    keys = []
    for key in check.items(row.get("tiles"), f"The tiles of '{layer.id}'"):
        i, j = (check.whole(v, "A paint tile's index", -(10**6), 10**6) for v in check.items(key, "A paint tile's index", 2))
        keys.append((i, j))
    if len(set(keys)) != len(keys):
        raise _Unfit(f"paint layer '{layer.id}' lists a tile twice")
    rows = _array(_read(archive, members, row.get("cells")), np.dtype(np.uint8), (len(keys), 512), f"the cells of '{layer.id}'")
    return replace(layer, tiles={key: unpacked(cells) for key, cells in zip(keys, rows, strict=True)})


def _ground(data: object, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Ground | None:
    if data is None:
        return None
    if not isinstance(data, dict) or data.keys() != {"origin_m", "cell_m", "heights"}:
        raise _Unfit("its ground must have exactly origin_m, cell_m and heights")
    x, y = (check.coordinate(v, "The ground's origin") for v in check.items(data["origin_m"], "The ground's origin", 2))
    cell = check.number(data["cell_m"], "The ground's cell", 0.01, 1000.0)
    heights = _array(_read(archive, members, data["heights"]), np.dtype("<f4"), None, "the ground")
    if np.isinf(heights).any():
        raise _Unfit("its ground has an infinite height")
    return Ground((x, y), cell, heights)


def _checked_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Members by name, after every one of them passed for harmless by its header."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise _Unfit(f"it has {len(infos)} members, more than the {MOST_MEMBERS} that a project may have")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        # orig_filename is what the archive says; ZipInfo.filename has been tidied already.
        name = info.orig_filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name:
            raise _Unfit(f"its member '{name[:80]}' points out of the file")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _Unfit(f"its member '{name[:80]}' is a link")
        if info.flag_bits & 0x1:
            raise _Unfit(f"its member '{name[:80]}' is encrypted")
        if info.filename in members:
            raise _Unfit(f"it has the member '{name[:80]}' twice")
        if info.file_size > RATIO_COUNTS_FROM and info.file_size > MOST_RATIO * max(info.compress_size, 1):
            raise _Unfit(f"its member '{name[:80]}' would unpack to {info.file_size / max(info.compress_size, 1):.0f} times its size")
        members[info.filename] = info
    total = sum(info.file_size for info in infos)
    if total > MOST_BYTES:
        raise _Unfit(f"it would unpack to {total / 2**20:.0f} MiB, and a project may have {MOST_BYTES / 2**20:.0f}")
    return members


def _read(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: object) -> bytes:
    if not isinstance(name, str) or name not in members:
        raise _Unfit(f"its member '{str(name)[:80]}' is missing")
    info = members[name]
    try:
        with archive.open(info) as member:
            # One byte more than the header promises is enough to catch a header that lies.
            data = member.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, UnicodeDecodeError) as error:
        raise _Unfit(f"its member '{name[:80]}' is damaged") from error
    if len(data) != info.file_size:
        raise _Unfit(f"its member '{name[:80]}' has another size than it says")
    return data


def _json(data: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise _Unfit(f"its {_PROJECT} holds {constant}, which is not a number")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise _Unfit(f"its {_PROJECT} gives one field twice")
        return result

    try:
        parsed = json.loads(data.decode(), parse_constant=refuse, object_pairs_hook=unique)
    except (ValueError, UnicodeDecodeError) as error:
        raise _Unfit(f"its {_PROJECT} is not valid JSON ({error})") from error
    if not isinstance(parsed, dict):
        raise _Unfit(f"its {_PROJECT} is not a JSON object")
    return parsed


def _array(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...] | None, what: str) -> np.ndarray:
    """A read-only array of a .npy member. The header is read and judged before anything of its claimed size is made."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        found_shape, fortran, found = np.lib.format.read_array_header_1_0(stream) if version == (1, 0) else ((), True, None)
    except (ValueError, TypeError, SyntaxError, KeyError) as error:
        raise _Unfit(f"{what} is not a plain array") from error
    body = data[stream.tell() :]
    if found != dtype or fortran or len(found_shape) != 2 or (shape is not None and found_shape != shape):
        raise _Unfit(f"{what} must be {dtype} {'(X, Y)' if shape is None else shape} and is {found} {found_shape}")
    if len(body) != dtype.itemsize * int(found_shape[0]) * int(found_shape[1]):
        raise _Unfit(f"{what} is {len(body)} bytes long, which its shape {found_shape} does not fit")
    return np.frombuffer(body, dtype).reshape(found_shape)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _readable(head: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """JSON with one top-level field and one entity per line: short to read, short to compare."""

    def line(value: object) -> str:
        return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)

    def lines() -> Iterator[str]:
        for key in sorted((*head, "entities")):
            if key == "entities":
                yield '"entities": [' + ",".join(f"\n  {line(row)}" for row in rows) + ("\n ]" if rows else "]")
            else:
                yield f"{line(key)}: {line(head[key])}"

    return "{\n " + ",\n ".join(lines()) + "\n}\n"


def _sync_folder(folder: Path) -> None:
    """Makes the replaced name itself last; not every file system lets a folder be opened for that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
