"""The vocabulary of the studio. Imports nothing of ours outside this package: numpy, numba and shapely only."""

import os

# numba's default threading layer aborts the process on concurrent calls; several threads render here.
os.environ.setdefault("NUMBA_THREADING_LAYER", "omp")
