"""View models on public weights, behind the same interface."""
