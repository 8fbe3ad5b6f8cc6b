"""Start AnyScene Studio: make .venv beside this file, install the pinned dependencies, go on inside it.

    python launch.py                 opens the studio on http://127.0.0.1:7860
    python launch.py COMMAND ...     runs a command; `python launch.py --help` lists them
    python launch.py test ...        installs what the tests need and runs pytest

Standard library only. The syntax stays that of Python 3.6, and annotations that older Pythons cannot evaluate are quoted, so
that an old Python gets a sentence instead of a SyntaxError.
"""

import contextlib
import hashlib
import os
import shutil
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PINS = (os.path.join(ROOT, "pyproject.toml"), os.path.join(ROOT, "constraints.txt"))
LOG = os.path.join(ROOT, ".venv", "install.log")
VENV_PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
EXTRAS_OF = {"test": ["views-wan", "lite0", "test"], "bench": ["bench"]}
"""Commands that need some of pyproject's extras on top."""
NEED_WAN = ("wan-", "vace-")
"""What the names of view models begin with that need the extra 'views-wan'."""

ENVIRONMENT = {
    # numba's default threading layer aborts the process on concurrent calls, and several threads render here.
    "NUMBA_THREADING_LAYER": "omp",
    "GRADIO_ANALYTICS_ENABLED": "False",
    # Nothing is fetched behind the user's back; HF_HUB_OFFLINE=0 in the environment allows it.
    "HF_HUB_OFFLINE": "1",
}
COMPILES = "app.jobs.warm"
"""The module that runs every hot path once."""
GOMP = "libgomp.so.1.0.0"
"""What numba's threads need, by the name that its wheel asks for."""
INTERRUPTED = 130
NO_NETWORK = ("NewConnectionError", "ConnectTimeout", "Name or service", "name resolution", "ProxyError", "from versions: none")


class InstallError(Exception):
    """One sentence: what failed, and what to do."""


def main(argv: "list[str]") -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return _fail(
            f"AnyScene Studio needs Python 3.11, 3.12 or 3.13 and this is Python {sys.version_info[0]}.{sys.version_info[1]}: "
            "start it with one of those, for example 'python3.11 launch.py'."
        )
    if _asks_for_help(argv):
        return _command_line(argv)
    groups = ["base"] + _extras(argv)
    if not _installed(groups):
        _check_arguments(argv)
        try:
            with _one_at_a_time():
                if not _installed(groups):
                    _install(groups)
        except InstallError as error:
            return _fail(str(error))
        except KeyboardInterrupt:
            _fail("The installation was interrupted: start again and it goes on where it stopped.")
            return INTERRUPTED
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    lent = _lent_openmp()
    os.environ.update(lent)
    if _inside_venv() and not lent:
        return _run(argv)
    return _run_inside_venv(argv)


def _extras(argv: "list[str]") -> "list[str]":
    """The extras that a command needs."""
    values = [word[len("--views=") :] for word in argv if word.startswith("--views=")]
    values += [value for word, value in zip(argv, argv[1:]) if word == "--views"]  # noqa: B905 (Python 3.9 has no strict)
    extras = [extra for name in argv[:1] for extra in EXTRAS_OF.get(name, [])]
    if argv[:1] == ["fan-out"] and any(word.split("=")[0] == "--ray" for word in argv):
        extras.append("scale")
    if argv[:1] == ["evaluate"] and any(word.split("=")[0] == "--views-by" for word in argv):
        extras.append("lite0")
    if argv[:2] == ["train", "wan"] or any(value.startswith(NEED_WAN) for value in values):
        extras.append("views-wan")
    return list(dict.fromkeys(extras))


def _run(argv: "list[str]") -> int:
    if argv[:1] != ["test"]:
        return _command_line(argv)
    import pytest

    os.chdir(ROOT)  # pytest's arguments name files of the checkout, wherever the user stands
    return int(pytest.main(argv[1:]))


def _command_line(argv: "list[str]") -> int:
    """The parser imports the standard library only, so help and bad arguments are answered before anything is installed."""
    from app.commands.parser import main as command_line

    return command_line(argv)


def _check_arguments(argv: "list[str]") -> None:
    """Exits with code 2 and a sentence where the arguments are wrong, rather than after minutes of installing."""
    if argv[:1] != ["test"]:
        from app.commands.parser import build_parser

        build_parser().parse_args(argv)


def _asks_for_help(argv: "list[str]") -> bool:
    return any(word in ("-h", "--help") for word in argv)


def _inside_venv() -> bool:
    return os.path.realpath(sys.prefix) == os.path.realpath(VENV)


def _run_inside_venv(argv: "list[str]") -> int:
    command = [VENV_PYTHON, os.path.join(ROOT, "launch.py"), *argv]
    sys.stdout.flush()
    if os.name == "nt":  # exec on Windows returns to the prompt while the program still runs
        import subprocess

        return subprocess.call(command)
    return os.execv(VENV_PYTHON, command)


# Installing. A group ('base', 'test', 'bench', 'scale', 'views-wan') is installed when its stamp holds the key of today's pins and this Python.


def _key() -> str:
    digest = hashlib.sha256("python {}.{}".format(*sys.version_info[:2]).encode())
    for path in PINS:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _stamp(group: str) -> str:
    return os.path.join(VENV, "installed-" + group)


def _installed(groups: "list[str]") -> bool:
    if not os.path.exists(VENV_PYTHON):
        return False
    key = _key()
    for group in groups:
        try:
            with open(_stamp(group), encoding="ascii") as file:
                if file.read() != key:
                    return False
        except OSError:
            return False
    return True


def _install(groups: "list[str]") -> None:
    import tomllib

    with open(PINS[0], "rb") as file:
        project = tomllib.load(file)["project"]
    requirements = list(project["dependencies"])
    for group in groups[1:]:
        requirements += project["optional-dependencies"][group]
    started = time.monotonic()
    if not _inside_venv() and not _venv_is_sound():
        _make_venv()
    _remove_half_installed()
    what = "the studio's dependencies" if groups == ["base"] else f"what '{groups[-1]}' needs"
    print(f"Installing {what} into {VENV}: once, a few minutes.", flush=True)
    if requirements:
        _pip_install(requirements)
    for group in groups:
        with open(_stamp(group), "w", encoding="ascii") as file:
            file.write(_key())
    _compile()
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def _compile() -> None:
    """Runs what numba compiles once, so that the first scene need not wait for it. Where that fails, it is compiled when needed."""
    import subprocess

    _status("compiling, a minute or two")
    subprocess.run([VENV_PYTHON, "-m", COMPILES], cwd=ROOT, capture_output=True, check=False, env=dict(os.environ, **_lent_openmp()))
    _status("")


def _lent_openmp() -> "dict[str, str]":
    """Where the machine has no libgomp, as slim containers have none, the environment in which numba finds the one that came with torch.

    The loader reads LD_LIBRARY_PATH when a process starts: what is started from here on finds it.
    """
    folder = os.path.join(VENV, "openmp")
    paths = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if sys.platform != "linux" or folder in paths:
        return {}
    import ctypes
    import glob

    try:
        ctypes.CDLL(GOMP)
        return {}
    except OSError:
        brought = glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", "torch*", "lib*", "libgomp*"))
    if not brought:
        return {}
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, GOMP)
    if os.path.realpath(link) != os.path.realpath(brought[0]):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(link)
        with contextlib.suppress(FileExistsError):  # another start was faster
            os.symlink(brought[0], link)
    return {"LD_LIBRARY_PATH": ":".join([folder, *filter(None, paths)])}


def _venv_is_sound() -> bool:
    """Whether .venv has this Python's version and a pip: an interrupted creation has not."""
    import subprocess

    probe = [VENV_PYTHON, "-c", "import pip, sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(probe, capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return answer.split() == [str(number) for number in sys.version_info[:2]]


def _make_venv() -> None:
    import importlib.util
    import subprocess

    if importlib.util.find_spec("ensurepip") is None:
        version = "{}.{}".format(*sys.version_info[:2])
        raise InstallError(f"This Python cannot make a .venv, for it has no ensurepip: on Debian, apt install python{version}-venv.")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if made.returncode:
        lines = (made.stdout + made.stderr).strip().splitlines()
        why = lines[-1] if lines else "no reason was given"
        raise InstallError(f"Python could not make {VENV} ({why}): remove the folder and start again.")


def _remove_half_installed() -> None:
    """pip writes a package's RECORD last: one without it was cut off, yet pip would take it for installed."""
    import glob

    for folder in glob.glob(os.path.join(VENV, "[Ll]ib*", "**", "site-packages", "*.dist-info"), recursive=True):
        if not os.path.exists(os.path.join(folder, "RECORD")):
            shutil.rmtree(folder, ignore_errors=True)


def _pip_install(requirements: "list[str]") -> None:
    """Raises InstallError. Everything that pip says goes to the log; a terminal sees one changing line."""
    import subprocess

    command = [VENV_PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["-c", PINS[1], *requirements]
    doing = "starting"
    lines = []
    with open(LOG, "w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=dict(os.environ, PIP_USER="0")
        )
        try:
            for line in pip.stdout or ():
                log.write(line)
                log.flush()
                lines.append(line)
                if line.startswith(("Collecting", "  Downloading", "Installing collected")):
                    doing = " ".join(line.split()[:2]) if line.startswith("Coll") else " ".join(line.split())
                    _status(doing)
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
        finally:
            _status("")
    if pip.wait():
        raise InstallError(_why_pip_failed("".join(lines), doing))


def _why_pip_failed(said: str, doing: str) -> str:
    if "No space left on device" in said:
        return f"The disk is full before everything was in {VENV}: make room (a torch with CUDA takes 8 GB) and start again."
    if any(sign in said for sign in NO_NETWORK):
        return f"The package index could not be reached or lacks a package ({doing}): check the network and start again; details in {LOG}."
    errors = [line[len("ERROR: ") :] for line in said.splitlines() if line.startswith("ERROR: ")]
    return f"pip could not install the dependencies ({errors[0].rstrip('.') if errors else doing}): details in {LOG}."


def _status(text: str) -> None:
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print("\r\x1b[K" + text[:width], end="", flush=True)


@contextlib.contextmanager
def _one_at_a_time():
    """Holds a lock beside .venv: of several starts at once, one installs and the others wait for it."""
    path = os.path.join(ROOT, ".launch.lock")
    try:
        lock = open(path, "a+", encoding="ascii")  # noqa: SIM115 (closed below, which releases the lock)
    except OSError as error:
        raise InstallError(f"{ROOT} cannot be written ({error.strerror}): copy the studio to a folder of yours first.") from error
    with lock:
        if not _lock(lock, wait=False):
            print("Another start is installing already: waiting for it.", flush=True)
            _lock(lock, wait=True)
        yield


def _lock(file, wait: bool) -> bool:
    """Released when the file is closed or the process dies."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                    return True
                except OSError:
                    if not wait:
                        return False
                    time.sleep(0.5)
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _fail(sentence: str) -> int:
    print("launch.py: " + sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
