"""Geometry to pictures (paper 3.3): the view models."""
