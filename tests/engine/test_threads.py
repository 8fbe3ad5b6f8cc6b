"""Threads of numba and of torch in one process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEASURED = """
    import time
    {first}
    import torch

    q = torch.randn(1, 8, 900, 32, dtype=torch.bfloat16)
    times = []
    with torch.inference_mode():
        for _ in range(20):
            start = time.perf_counter()
            torch.nn.functional.scaled_dot_product_attention(q, q, q)
            times.append(time.perf_counter() - start)
    print(min(times))
"""
NUMBA = """
    import engine.spec
    import numba

    numba.get_num_threads()
    from numba.np.ufunc.parallel import _launch_threads

    _launch_threads()
"""


def attention_s(first: str) -> float:
    script = textwrap.dedent(MEASURED).format(first=textwrap.dedent(first))
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout)


def test_numbas_threads_do_not_slow_torchs() -> None:
    """They did, by 3 to 7 times on two cores, wherever numba's threads were there before torch: its layer allows teams inside teams."""
    assert attention_s(NUMBA) < 2.5 * attention_s("")
