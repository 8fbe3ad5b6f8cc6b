"""Damaged sources: every one ends in a scene or in one sentence, soon and without much memory.

A few hundred here; ANYSCENE_MUTATIONS=10000 tries so many of each format.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from editor.formats import FormatError, import_scene
from editor.formats.unpickle import INFOS, read_pickle
from tests.editor.made_logs import argoverse_log
from tests.editor.made_nuscenes import expansion, infos, tables, write_t4, write_tables

FAULTS = Path(__file__).parent / "faults"
NASTY = (
    b"nan", b"inf", b"-1", b"0", b"1e308", b"1e-320", b"99999999999999999999", b"-1e9", b"1e5", b"", b'"', b"[", b"null", b"{}", b"\x00", b"../../x", b"true",
)  # fmt: skip
NUMBER = re.compile(rb"-?\d+\.?\d*(?:e-?\d+)?")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, lost, doubled or cut off, and numbers that become something else."""
    result = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        if not result:
            break
        at, kind = rng.randrange(len(result)), rng.randrange(6)
        numbers = [match.span() for match in NUMBER.finditer(result, max(0, at - 2000), at + 2000)] if kind < 3 else []
        if numbers:
            first, last = rng.choice(numbers)
            result[first:last] = rng.choice(NASTY)
        elif kind == 3:
            result[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 4:
            del result[at : at + rng.choice([1, 4, 400])]
        elif rng.random() < 0.3:
            del result[at:]
        else:
            again = rng.randrange(len(result))
            result[at:at] = result[again : again + rng.choice([1, 8, 80])]
    return bytes(result)


def made(folder: Path) -> dict[str, tuple[Path, list[Path]]]:
    """What to import of each format, and the files of it that may be damaged."""
    write_tables(folder / "set" / "v1.0-mini", tables(3))
    (folder / "set" / "maps").mkdir()
    (folder / "set" / "maps" / "boston-seaport.json").write_text(json.dumps(expansion()))
    argoverse_log(folder / "log")
    (folder / "infos.pkl").write_bytes(pickle.dumps(infos(tables(3), "old")))
    (folder / "scenario.pkl").write_bytes((FAULTS / "hz1.pkl").read_bytes())
    (folder / "network.xodr").write_bytes((FAULTS / "V_self_crossing.xodr").read_bytes())
    whole = {"nuscenes": folder / "set", "t4": write_t4(folder / "t4"), "av2": folder / "log"}
    alone = {"nuscenes-infos": folder / "infos.pkl", "scenarionet": folder / "scenario.pkl", "opendrive": folder / "network.xodr"}
    found = {name: (source, sorted(path for path in source.rglob("*") if path.is_file())) for name, source in whole.items()}
    return {**found, **{name: (source, [source]) for name, source in alone.items()}}


MUTATIONS = int(os.environ.get("ANYSCENE_MUTATIONS", "60"))


@pytest.mark.timeout(60 + MUTATIONS)
@pytest.mark.parametrize("format", ["nuscenes", "t4", "av2", "nuscenes-infos", "scenarionet", "opendrive"])
def test_damaged_sources_end_in_a_sentence(format: str, tmp_path: Path) -> None:
    source, files = made(tmp_path)[format]
    reader = "nuscenes" if format == "t4" else format
    import_scene(reader, source)
    refused, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(MUTATIONS):
        rng = random.Random(f"{format} {seed}")
        path = rng.choice(files)
        whole = path.read_bytes()
        path.write_bytes(mutated(whole, rng))
        started = time.process_time()
        try:
            import_scene(reader, source)
        except FormatError as error:
            refused += 1
            assert "\n" not in str(error) and str(error).endswith(".") and len(str(error)) < 1000, seed
            assert not re.search(r"\b\w+(Error|Exception)\b", str(error)), f"{seed}: an internal error serves as the reason: {error}"
        except BaseException as error:
            raise AssertionError(f"{format} {seed}: {type(error).__name__} came through") from error
        assert time.process_time() - started < 5.0, seed
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 2**20, f"{seed}: {grown_kib / 2**20:.1f} GB"
        path.write_bytes(whole)
    assert refused > MUTATIONS / 6


@pytest.mark.parametrize("format", ["scenarionet", "nuscenes-infos"])
def test_no_pickle_runs_anything(format: str, tmp_path: Path) -> None:
    """Everything that a module offers by name is refused, before it is called."""
    path, made_by_it = tmp_path / "hostile.pkl", tmp_path / "made"
    calls: dict[str, Callable[[str], bytes]] = {
        "posix.mkdir": lambda name: f"cposix\nmkdir\n(V{name}\ntR.".encode(),
        "os.system": lambda name: f"cos\nsystem\n(Vmkdir {name}\ntR.".encode(),
        "builtins.open": lambda name: f"cbuiltins\nopen\n(V{name}\nVw\ntR.".encode(),
        "builtins.exec": lambda name: f"cbuiltins\nexec\n(Vimport os; os.mkdir('{name}')\ntR.".encode(),
        "numpy.load": lambda name: f"cnumpy\nload\n(V{name}\ntR.".encode(),
        "numpy.memmap": lambda name: f"cnumpy\nmemmap\n(V{name}\nVuint8\nVw+\nI0\nI4\ntR.".encode(),
        "instance": lambda name: f"(V{name}\nios\nmkdir\n.".encode(),
    }
    for what, call in calls.items():
        path.write_bytes(call(str(made_by_it)))
        with pytest.raises(FormatError, match="asks for"):
            import_scene(format, path)
        assert not made_by_it.exists(), what


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    np.array([True, False]),
    np.array("one of them"),
    np.array([["a", "\u00e9\u4e2d"], ["", "longer"]]),
    np.array([b"x", b"yz"]),
    np.array([1, None, "three"], object),
    np.zeros((0, 7), np.float32),
    np.float64(2.5),
    np.int64(-3),
    np.bool_(True),
]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_come_out_as_numpy_itself_reads_them(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "arrays.pkl"
    content = {"arrays": ARRAYS, "again": [ARRAYS[0], ARRAYS[0]]}
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    ours, theirs = read_pickle(path, "this test", INFOS), pickle.loads(path.read_bytes())
    for one, other in zip(ours["arrays"], theirs["arrays"], strict=True):
        assert type(one) is type(other) and one.shape == other.shape
        assert one.dtype.newbyteorder("=") == other.dtype.newbyteorder("=")  # numpy turns numbers round while it reads
        np.testing.assert_array_equal(one, other)
    assert ours["again"][0] is ours["again"][1] is ours["arrays"][0], "one array became several"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ((1, (10**9,), np.dtype("f8"), False, b""), "shorter or longer"),
        ((1, (2,), np.dtype("U1"), False, b"\xff" * 8), "text that is none"),
        ((1, (2,), np.dtype("O"), False, [1]), "shorter or longer"),
        ((1, (-1,), np.dtype("f8"), False, b""), "proper shape"),
        ((1, (1,), np.dtype([("a", "f8")]), False, b"12345678"), "something else than numbers"),
        ((1, (1,), np.dtype("M8[s]"), False, b"12345678"), "something else than numbers"),
        ((1, (1,), "f8", False, b"12345678"), "proper shape or kind"),
    ],
)
def test_arrays_of_parts_that_do_not_fit(state: tuple[object, ...], says: str, tmp_path: Path) -> None:
    class Forged:
        def __reduce__(self) -> tuple[object, ...]:
            make = np.zeros(0).__reduce__()[0]
            return make, (np.ndarray, (0,), b"b"), state

    path = tmp_path / "forged.pkl"
    path.write_bytes(pickle.dumps(Forged()))
    with pytest.raises(FormatError, match=says):
        read_pickle(path, "this test")
