"""The drawn world: smooth geometry from a take's occupancy, lit and shaded by rays, the same in every frame and from every camera."""

from pathlib import Path

import engine.lattice
from engine.compiled import forget_stale

# Its kernels call one another across files.
forget_stale(Path(__file__).parent, [Path(engine.lattice.__file__)])
