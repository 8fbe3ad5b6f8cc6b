"""How good a take is, without any downloaded weights."""
