"""Procedural driving worlds, and the voxeliser that turns any layout with boxes into occupancy."""
