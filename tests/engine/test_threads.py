"""Threads of numba and of torch in one process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTED = """
    import os
    import threading
    {first}
    import torch

    most, done = 0, threading.Event()

    def count():
        global most
        while not done.is_set():
            most = max(most, len(os.listdir("/proc/self/task")))

    counter = threading.Thread(target=count)
    q = torch.randn(1, 8, 900, 32, dtype=torch.bfloat16)
    counter.start()
    with torch.inference_mode():
        for _ in range(20):
            torch.nn.functional.scaled_dot_product_attention(q, q, q)
    done.set()
    print(most)
"""
NUMBA = """
    import engine.spec
    import numba

    numba.get_num_threads()
    from numba.np.ufunc.parallel import _launch_threads

    _launch_threads()
"""


def most_threads(first: str) -> int:
    """Threads that lived at once while torch's attention ran."""
    script = textwrap.dedent(COUNTED).format(first=textwrap.dedent(first))
    return int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout)


def test_torch_opens_no_team_inside_a_team_beside_numbas_threads() -> None:
    """Nine threads on two cores were seen wherever numba's threads were there before torch, whose layer allows that: attention took 3 to 7 times as long."""
    assert most_threads(NUMBA) <= most_threads("") + len(os.sched_getaffinity(0)), "numba's own threads and no more"
