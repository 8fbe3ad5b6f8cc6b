"""What the engine's process is busy with that nobody asked for by name: loading a model, compiling. Whoever waits is told why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.jobs.protocol import Answer, Compiling, Ended, Loaded, Loading

COMPILES = "The engine compiles its kernels, once after an installation or an update: that can take minutes."


def hear_compiling(told: Callable[[], None]) -> None:
    """Have `told` called whenever numba begins to compile in this process, and not where it finds a kernel in its cache."""
    from numba.core.event import Event, Listener, register

    class Heard(Listener):
        def on_start(self, event: Event) -> None:
            told()

        def on_end(self, event: Event) -> None:
            pass

    register("numba:compile", Heard())


@dataclass
class Doing:
    """Of one process, from what it says."""

    loads: str = ""
    """In words: views 'drawn'."""
    compiles: bool = False

    def hear(self, answer: Answer) -> bool:
        """Take an answer in; True where there is something else to say since."""
        before = self.sentence
        self.compiles = isinstance(answer, Compiling)
        if isinstance(answer, Loading):
            self.loads = answer.model
        elif isinstance(answer, Loaded | Ended):
            self.loads = ""
        return self.sentence != before

    @property
    def sentence(self) -> str:
        """Why whoever waits for the engine waits; empty where it does what it was asked for."""
        return COMPILES if self.compiles else f"The engine loads {self.loads}." if self.loads else ""
