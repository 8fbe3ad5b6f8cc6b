"""How a command ends: its exit codes, and a mistake in what was asked. Standard library only."""

INTERRUPTED = 130
BAD_INPUT = 2
A_BUG = 1


class CommandError(ValueError):
    """A mistake in what was asked: one sentence."""
