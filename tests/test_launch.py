"""launch.py in a checkout of its own that needs no package, so that nothing is downloaded."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STUB = '''
import json, os, sys
def build_parser():
    import argparse
    parser = argparse.ArgumentParser(exit_on_error=True)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--views")
    parser.add_argument("--views-by")
    parser.add_argument("--procedural")
    return parser
def main(argv):
    names = ("NUMBA_THREADING_LAYER", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "LD_LIBRARY_PATH")
    print(json.dumps({"argv": argv, "prefix": sys.prefix, "cwd": os.getcwd(), **{name: os.environ.get(name) for name in names}}))
    return 3 if argv == ["three"] else 0
'''


def make_checkout(folder: Path, dependencies: list[str]) -> Path:
    (folder / "app/commands").mkdir(parents=True)
    shutil.copy(ROOT / "launch.py", folder)
    for package in ("app", "app/commands"):
        (folder / package / "__init__.py").write_text("")
    (folder / "app/commands/parser.py").write_text(STUB)
    extras = "[project.optional-dependencies]\ntest = []\nbench = []\nlite0 = []\nviews-wan = []\n"
    (folder / "pyproject.toml").write_text(f'[project]\nname = "stub"\nversion = "1"\ndependencies = {json.dumps(dependencies)}\n{extras}')
    (folder / "constraints.txt").write_text("")
    return folder


def launch(checkout: Path, *words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "GRADIO_", "HF_"))}
    command = [sys.executable, str(checkout / "launch.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=outer | environment, timeout=120)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout after its first start."""
    folder = make_checkout(tmp_path_factory.mktemp("launch") / "studio", [])
    first = launch(folder, "hello", cwd=folder.parent)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0].startswith("Installing the studio's dependencies")
    answer = json.loads(first.stdout.splitlines()[-1])
    assert answer["argv"] == ["hello"]
    assert Path(answer["prefix"]).resolve() == (folder / ".venv").resolve()
    assert answer["cwd"] == str(folder.parent), "paths on the command line are the user's, so the folder must not change"
    return folder


def test_a_second_start_installs_nothing_and_sets_the_environment(checkout: Path) -> None:
    second = launch(checkout, "a", "--b=c d")
    assert second.stdout.count("\n") == 1
    answer = json.loads(second.stdout)
    assert answer["argv"] == ["a", "--b=c d"]
    assert (answer["NUMBA_THREADING_LAYER"], answer["GRADIO_ANALYTICS_ENABLED"], answer["HF_HUB_OFFLINE"]) == ("omp", "False", "1")
    assert json.loads(launch(checkout, HF_HUB_OFFLINE="0").stdout)["HF_HUB_OFFLINE"] == "0", "what the user set stays"


def test_what_is_compiled_after_an_installation_is_there() -> None:
    found = re.search(r'^COMPILES = "(.+)"$', (ROOT / "launch.py").read_text(), re.MULTILINE)
    assert found
    assert importlib.util.find_spec(found[1]), "a module that has moved would be passed over in silence"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems find it otherwise")
def test_a_machine_without_libgomp_is_lent_the_one_that_came_with_torch(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "studio", [])
    script = (folder / "launch.py").read_text()
    assert script.count("libgomp.so.1.0.0") == 1
    (folder / "launch.py").write_text(script.replace("libgomp.so.1.0.0", "libgomp.nowhere.so"))
    launch(folder, "first")
    (packages,) = (folder / ".venv/lib").glob("python3*/site-packages")
    (packages / "torch/lib").mkdir(parents=True)
    shutil.copy(importlib.util.find_spec("_ctypes").origin, packages / "torch/lib/libgomp.so.1")  # any library that can be opened
    answer = json.loads(launch(folder, "second", LD_LIBRARY_PATH="/of/the/user").stdout)
    assert answer["LD_LIBRARY_PATH"] == f"{folder}/.venv/openmp:/of/the/user"
    inside = subprocess.run(
        [folder / ".venv/bin/python", folder / "launch.py", "third"], capture_output=True, text=True, timeout=60, cwd=folder
    )
    assert json.loads(inside.stdout)["argv"] == ["third"], inside.stderr
    found = "import ctypes; ctypes.CDLL('libgomp.nowhere.so')"
    environment = os.environ | {"LD_LIBRARY_PATH": answer["LD_LIBRARY_PATH"]}
    assert subprocess.run([sys.executable, "-c", found], env=environment, check=False).returncode == 0


def test_exit_codes_come_through(checkout: Path) -> None:
    assert launch(checkout, "three").returncode == 3


def test_a_second_start_costs_less_than_a_tenth_of_a_second(checkout: Path) -> None:
    """The price of launch.py is two starts of Python instead of one: measured against one, best of five, in processor time, which others do not take."""

    def best(command: list[str]) -> float:
        times = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    direct = best([str(checkout / ".venv/bin/python"), "-c", "import json, sys"])
    launched = best([sys.executable, str(checkout / "launch.py")])
    assert launched - direct < max(0.1, 3 * direct)


def test_help_needs_no_installation(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "studio", [])
    for name in ("app/commands/parser.py", "app/errors.py"):
        shutil.copy(ROOT / name, folder / name)
    answer = launch(folder, "--help")
    assert answer.returncode == 0 and "generate" in answer.stdout
    for command in ("test", "import", "generate", "edit", "export", "evaluate", "train", "bench"):
        assert launch(folder, command, "--help").stdout.startswith(f"usage: launch.py {command}")
    wrong = launch(folder, "generate", "scene.anyscene")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1 and "-o" in wrong.stderr
    assert not (folder / ".venv").exists()


def test_a_changed_pin_installs_again_and_an_extra_has_its_own_stamp(checkout: Path) -> None:
    (checkout / "constraints.txt").write_text("# another day\n")
    assert launch(checkout).stdout.startswith("Installing")
    assert not launch(checkout).stdout.startswith("Installing")
    assert launch(checkout, "bench").stdout.startswith("Installing what 'bench' needs")
    assert not launch(checkout, "bench").stdout.startswith("Installing")


def test_view_models_on_wan_bring_their_extra(checkout: Path) -> None:
    assert not launch(checkout, "generate", "--views", "drawn").stdout.startswith("Installing")
    assert launch(checkout, "generate", "--views", "vace-14b").stdout.startswith("Installing what 'views-wan' needs")
    for words in (("generate", "--views=wan-1.3b"), ("train", "wan")):
        assert not launch(checkout, *words).stdout.startswith("Installing"), "it is there by now"
    (checkout / ".venv/installed-views-wan").unlink()
    assert launch(checkout, "train", "wan").stdout.startswith("Installing what 'views-wan' needs")


def test_measuring_a_view_model_brings_its_extra(checkout: Path) -> None:
    assert not launch(checkout, "evaluate", "take").stdout.startswith("Installing")
    assert launch(checkout, "evaluate", "--procedural", "1", "--views-by", "compact").stdout.startswith("Installing what 'lite0' needs")


def test_a_half_installed_package_is_installed_again(checkout: Path) -> None:
    """pip takes a package whose installation was cut off for installed, so launch.py must take it away first."""
    packages = next((checkout / ".venv/lib").glob("python3*")) / "site-packages"
    (packages / "cut-1.0.dist-info").mkdir()
    (packages / "cut-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: cut\nVersion: 1.0\n")
    whole = list(packages.glob("pip-*.dist-info"))
    (checkout / ".venv/installed-base").unlink()
    assert launch(checkout).returncode == 0
    assert not (packages / "cut-1.0.dist-info").exists()
    assert whole and all(path.exists() for path in whole)


def test_a_venv_whose_creation_was_cut_off_is_made_again(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "studio", [])
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(tmp_path / "python-that-is-gone")
    assert json.loads(launch(folder, "hello").stdout.splitlines()[-1])["argv"] == ["hello"]


def test_two_first_starts_at_once_install_once(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "studio", [])
    command = [sys.executable, str(folder / "launch.py"), "hello"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Installed in" in out for out, _ in said) == 1
    assert all('"argv": ["hello"]' in out for out, _ in said)


def test_no_network_is_one_sentence(checkout: Path) -> None:
    pyproject = checkout / "pyproject.toml"
    before = pyproject.read_text()
    pyproject.write_text(before.replace("dependencies = []", 'dependencies = ["x-not-here"]'))
    # Port 9 of this machine: nothing listens there, so the connection is refused at once.
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    answer = launch(checkout, **nowhere)
    pyproject.write_text(before)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "could not be reached" in answer.stderr and "start again" in answer.stderr


def test_ctrl_c_while_installing_is_one_sentence_and_the_next_start_goes_on(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "studio", [])
    started = subprocess.Popen([sys.executable, str(folder / "launch.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (folder / ".venv/bin").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    assert said == "launch.py: The installation was interrupted: start again and it goes on where it stopped.\n"
    assert launch(folder).returncode == 0


def test_an_old_python_gets_a_sentence(tmp_path: Path) -> None:
    """Whatever this Python is, main() is told that it is 3.9."""
    code = "import sys, launch; sys.version_info = (3, 9, 1); sys.exit(launch.main([]))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 2
    assert answer.stderr.startswith("launch.py: AnyScene Studio needs Python 3.11, 3.12 or 3.13 and this is Python 3.9")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "studio", [])
    (folder / ".launch.lock").mkdir()  # root may write into any folder, but not into this file
    answer = launch(folder)
    assert answer.returncode == 2 and answer.stderr.count("\n") == 1 and "cannot be written" in answer.stderr
