"""The feather tables of an Argoverse 2 log -> checked numpy columns and SE(3) matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather

from editor.formats.report import FormatError, what_is_wrong

POSE = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
SIZE = ("length_m", "width_m", "height_m")


def read_table(path: Path, numbers: tuple[str, ...], words: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Columns of one feather file by name: `numbers` as they are stored, `words` as str objects.

    Raises FormatError where the file is broken, a column is missing, a number is not finite or an entry is empty.
    """
    try:
        table = feather.read_table(path, memory_map=False)
        # Offsets that lead out of a damaged buffer are found here, not by following them.
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FormatError(f"{path} is not a whole feather file ({_first_line(error)}): copy it again from the data set.") from error
    missing = [name for name in (*numbers, *words) if name not in table.column_names]
    if missing:
        raise FormatError(
            f"{path} has no column {', '.join(missing)}, only {', '.join(table.column_names)!r:.200}: copy it again from the data set."
        )
    try:
        return {name: _column(path, table.column(name), name, name in words) for name in (*numbers, *words)}
    except (pa.ArrowException, UnicodeError, SystemError, OverflowError) as error:
        raise FormatError(f"{path} is damaged ({what_is_wrong(error)}): copy it again from the data set.") from error


def _column(path: Path, column: pa.ChunkedArray, name: str, is_words: bool) -> np.ndarray:
    if column.null_count:
        raise FormatError(f"{path} has {column.null_count} empty entries in column {name}: mend or remove those rows.")
    if is_words:
        return np.array([str(value) for value in column.to_pylist()], object)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise FormatError(f"{path} holds {column.type} in column {name}, not numbers: copy it again from the data set.")
    values = column.to_numpy()
    broken = ~np.isfinite(values)
    if broken.any():
        where = f"{path} row {int(np.argmax(broken))} holds {name} = {values[broken][0]}"
        raise FormatError(f"{where}, which is not a finite number: mend or remove {int(broken.sum())} such rows.")
    return values


def se3(columns: dict[str, np.ndarray], path: Path) -> np.ndarray:
    """(N, 4, 4) float64 of the quaternion (scalar first) and translation columns; FormatError for a zero quaternion."""
    q = np.stack([columns[name] for name in POSE[:4]], -1).astype(np.float64)
    norm = np.linalg.norm(q, axis=1, keepdims=True)
    if (norm < 1e-6).any():
        raise FormatError(f"{path} row {int(np.argmin(norm))} holds a quaternion of length zero: mend or remove the row.")
    w, x, y, z = (q / norm).T
    poses = np.zeros((len(q), 4, 4))
    poses[:, 0, :3] = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1)
    poses[:, 1, :3] = np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1)
    poses[:, 2, :3] = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1)
    poses[:, :3, 3] = np.stack([columns[name] for name in POSE[4:]], -1)
    poses[:, 3, 3] = 1.0
    return poses


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
