"""Which files of this machine the page may name, and what lies in the workspace folder."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from pathlib import Path

from app.config import AppConfig
from editor.document import Document, EditError
from editor.files import project
from editor.files.document_hash import document_hash
from engine.spec.classes import ASSETS

log = logging.getLogger("anyscene.files")

SUFFIX = ".anyscene"
LONGEST_NAME = 120
"""Bytes of a file's name that is made from a scene's; file systems take 255."""
TEMPLATES = ASSETS / "templates"


def project_to_open(path: str, config: AppConfig) -> Path:
    """An existing project in the workspace folder, or one of ours. EditError for any other path."""
    found = _located(path, config)
    if not any(found.is_relative_to(root.resolve()) for root in (config.workspace, TEMPLATES)):
        raise EditError(f"'{path}' lies outside the workspace folder {config.workspace}: copy it there, then open it.")
    if not found.is_file():
        raise EditError(f"There is no project '{path}' in {config.workspace}: choose one of the list.")
    return found


def project_to_save(path: str | None, name: str, config: AppConfig) -> Path:
    """Where to save: the path named, or a free one made from the scene's name. EditError outside the workspace folder."""
    if path is None:
        slug = _file_name(name)
        number = 1
        while (free := config.workspace / f"{slug}{'' if number == 1 else f'-{number}'}{SUFFIX}").exists():
            number += 1
        return free
    wanted = _located(path, config)
    if wanted.suffix != SUFFIX:
        wanted = wanted.with_name(wanted.name + SUFFIX)
    if not wanted.is_relative_to(config.workspace.resolve()) or wanted.is_relative_to(config.drafts.resolve()):
        raise EditError(f"Projects are saved inside the workspace folder {config.workspace}: give a name there, not '{path}'.")
    return wanted


def _file_name(name: str) -> str:
    """A scene's name as a file's, in whatever script: letters, digits, dots, dashes; so short that a number and the suffix fit beside it."""
    words = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name))
    words = re.sub(r"\.{2,}", ".", words).encode()[:LONGEST_NAME].decode(errors="ignore")
    return words.strip("-.") or "scene"


def source_to_import(source: str, config: AppConfig) -> Path:
    """A log or map to read: anywhere where only this machine reaches the studio, else inside the workspace folder."""
    found = _located(source, config)
    if not config.loopback and not found.is_relative_to(config.workspace.resolve()):
        raise EditError(
            f"'{source}' lies outside the workspace folder {config.workspace}: a studio that other machines reach imports from there only."
        )
    if not found.exists():
        raise EditError(f"There is nothing at '{source}': check the path.")
    return found


def take_folder(path: str, config: AppConfig) -> Path:
    """A take of the workspace folder. EditError for any other path."""
    found = _located(path, config)
    if not found.is_relative_to(config.takes.resolve()) or not (found / "take.json").is_file():
        raise EditError(f"There is no take '{path}' in {config.takes}: choose one of the list.")
    return found


def take_file(path: str, config: AppConfig) -> Path | None:
    """A file inside a take of the workspace, `path` relative to the folder of takes; None where there is no such file."""
    found = (config.takes / path).resolve()
    return found if found.is_relative_to(config.takes.resolve()) and found.is_file() else None


def projects(config: AppConfig) -> list[dict[str, object]]:
    """The workspace's projects, newest first."""
    return _listed(config.workspace)


def templates() -> list[dict[str, object]]:
    return sorted(_listed(TEMPLATES), key=lambda entry: str(entry["name"]))


def takes(config: AppConfig) -> list[dict[str, object]]:
    """The workspace's takes, newest first."""
    folders = [path.parent for path in config.takes.glob("*/take.json")] if config.takes.is_dir() else []
    entries = [{"path": str(folder), "name": folder.name, "modified": (folder / "take.json").stat().st_mtime} for folder in folders]
    return sorted(entries, key=lambda entry: -float(entry["modified"]))  # type: ignore[arg-type]


def take_of(document: Document, config: AppConfig) -> Path | None:
    """The newest take of exactly this document, else the newest of a scene of its name, else None."""
    wanted, of_its_name = document_hash(document), None
    for entry in takes(config):
        folder = Path(str(entry["path"]))
        try:
            recipe = json.loads((folder / "take.json").read_text()).get("recipe", {})
        except (OSError, ValueError):
            continue
        if recipe.get("document_hash") == wanted:
            return folder
        if of_its_name is None and recipe.get("scene") == document.name:
            of_its_name = folder
    return of_its_name


def first_document(config: AppConfig) -> Document:
    """What a new workspace shows: the example, or a blank scene."""
    if config.example is None:
        return Document()
    template = TEMPLATES / f"{config.example}{SUFFIX}"
    try:
        return project.load(template)
    except (ValueError, OSError) as error:
        log.warning("template %s cannot be read: %s", template, error)
        return Document()


def _listed(folder: Path) -> list[dict[str, object]]:
    if not folder.is_dir():
        return []
    found = [(path, path.stat().st_mtime) for path in folder.glob(f"*{SUFFIX}") if path.is_file()]
    return [{"path": str(path), "name": path.stem, "modified": modified} for path, modified in sorted(found, key=lambda row: -row[1])]


def _located(path: str, config: AppConfig) -> Path:
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise EditError("No path was given: name a file.")
    # An absolute path replaces the folder it is joined to.
    return (config.workspace / Path(path).expanduser()).resolve()
