"""GGVE: surround video of a drawn world, grounded in its geometry (paper 3.3)."""
