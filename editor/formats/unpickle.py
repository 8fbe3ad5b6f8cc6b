"""ScenarioNet pickles, read so that a hostile file can build arrays and containers and nothing else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from editor.formats.report import FormatError

_CORE = np.ndarray(0).__reduce__()[0]  # numpy's own array maker; its module's name differs between numpy 1 and 2
ALLOWED = {
    **{(module, "_reconstruct"): _CORE for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, "scalar"): np.float64(0).__reduce__()[0] for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise FormatError(f"it asks for {module}.{name}, and only numpy arrays and plain containers are let in")
        return ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise FormatError("it points to objects outside itself")


def read_pickle(path: Path) -> dict[str, Any]:
    """The scenario's dict. Raises FormatError where the file is broken, hostile, or not a ScenarioNet scenario."""
    try:
        with path.open("rb") as file:
            scenario = _Unpickler(file).load()
    except FormatError as error:
        raise FormatError(f"{path} was not opened: {error}; export the scenario again with ScenarioNet.") from error
    # A broken pickle can fail inside any opcode, so anything it raises means the same thing.
    except Exception as error:
        raise FormatError(
            f"{path} is not a whole pickle ({type(error).__name__}: {error}): copy it again, or give a ScenarioNet .pkl."
        ) from error
    needed = ("tracks", "map_features", "metadata")
    if not isinstance(scenario, dict) or any(not isinstance(scenario.get(key), dict) for key in needed):
        raise FormatError(f"{path} is no ScenarioNet scenario, which is a dict with {', '.join(needed)}: give an sd_*.pkl file.")
    return scenario
