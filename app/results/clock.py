"""Seconds as a person says them."""

from __future__ import annotations


def spoken(seconds: float) -> str:
    """'8 s', '12 min', '3.4 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
