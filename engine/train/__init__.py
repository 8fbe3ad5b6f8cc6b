"""The recipes that made the shipped weights. Importable with torch, numpy and numba alone."""
