"""The drawn world: smooth geometry from a take's occupancy, lit and shaded by rays, the same in every frame and from every camera."""
