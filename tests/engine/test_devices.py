"""What the process does with memory that it has freed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.devices import hand_memory_back

FREES = """
import sys
import numpy as np
from engine.devices import hand_memory_back
from engine.metrics.scene import resident_bytes
if sys.argv[1] == "back":
    assert hand_memory_back()
np.ones(3 << 20)  # 24 MB freed: from here on glibc, left alone, takes such blocks from its heap
before = resident_bytes()
blocks, pins = [], []
for _ in range(10):
    blocks.append(np.ones(2 << 20))  # 16 MB
    pins.append(np.ones(1 << 13))    # 64 KB that stays, so that the heap cannot shrink
del blocks
print((resident_bytes() - before) >> 20)
"""


@pytest.mark.skipif(not hand_memory_back(), reason="the allocator is not glibc's")
def test_memory_that_is_freed_goes_back_to_the_system() -> None:
    kept = {how: int(subprocess.run([sys.executable, "-c", FREES, how], capture_output=True, text=True, check=True).stdout) for how in ("left", "back")}
    assert kept["back"] < 20 < 100 < kept["left"]
