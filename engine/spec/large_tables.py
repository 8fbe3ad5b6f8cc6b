"""Single rows out of a table of a gigabyte (trainval's sample_data, ego_pose, sample_annotation) without reading all of it into objects."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

LARGE_BYTES = 32 * 2**20
"""A smaller table is parsed whole within half a second."""
LONGEST_ROW = 2**16
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,200}")
"""Tokens that JSON writes in one way only."""


def rows_with(path: Path, key: str, wanted: Collection[str]) -> list[Mapping[str, Any]] | None:
    """The rows of a large table whose `key` is one of `wanted`, in the file's order; None where the table has to be parsed whole.

    Rows are found by their text. Each must then parse as one that has that value, as nuScenes' flat rows do. Raises OSError.
    """
    if path.stat().st_size < LARGE_BYTES or not all(PLAIN.fullmatch(token) for token in wanted):
        return None
    tokens = {token.encode() for token in wanted}
    decoder = json.JSONDecoder()
    found = []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for match in re.finditer(rb'"%s"\s*:\s*"([^"\\]*)"' % key.encode(), text):
            if match[1] not in tokens:
                continue
            start = text.rfind(b"{", 0, match.start())
            try:
                row = decoder.raw_decode(text[start : start + LONGEST_ROW].decode(errors="replace"))[0] if start >= 0 else None
            except (ValueError, RecursionError):
                return None
            if not isinstance(row, dict) or not isinstance(row.get("token"), str) or str(row.get(key)).encode() != match[1]:
                return None
            found.append(row)
    return found
