"""The vocabulary of the studio. Imports nothing of ours outside this package: numpy, numba and shapely only."""

import os
import sys

# numba's default threading layer aborts the process on concurrent calls; several threads render here.
os.environ.setdefault("NUMBA_THREADING_LAYER", "omp")
if sys.platform == "linux":
    # That layer lets teams of threads open teams of their own. Where torch finds the same libgomp it then does so too, and its attention takes
    # several times as long: more threads than processors are never wanted.
    os.environ.setdefault("OMP_THREAD_LIMIT", str(len(os.sched_getaffinity(0))))
