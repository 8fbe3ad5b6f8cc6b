"""What pages have asked for, by the numbers that they gave it: what is asked again, after the link broke, is answered and not done twice.

Every page names itself and numbers what it sends. What changes a scene belongs to a session (one document with its history): its numbers go
into the draft with the steps, so that a studio which is started again knows what the restored scene holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST = 1000
"""Numbers that are remembered of a page."""
MOST_PAGES = 50

OTHER_SCENE = "Another scene was opened here before this was done, so it was not done; the scene that it was meant for is under Open, as a draft."


@dataclass(frozen=True, slots=True)
class Asked:
    """By whom, and the how manieth."""

    page: str
    number: int
    session: str | None = None
    """The one that it is meant for; None: whichever is open."""

    @classmethod
    def of(cls, message: Mapping[str, object]) -> Asked | None:
        """None for a message that nobody would send twice."""
        page, number, session = message.get("page"), message.get("seq"), message.get("session")
        if not isinstance(page, str) or not 0 < len(page) <= 64 or isinstance(number, bool) or not isinstance(number, int):
            return None
        return cls(page, number, session if isinstance(session, str) else None)


@dataclass(frozen=True, slots=True)
class Known:
    """It was asked before."""

    error: str | None
    """What was answered; None also while it is under way."""


@dataclass
class Heard:
    """Whoever holds it holds a lock around it."""

    before: dict[str, int] = field(default_factory=dict)
    """Highest number of each page that an earlier run had done."""
    _answers: OrderedDict[str, OrderedDict[int, str | None]] = field(default_factory=OrderedDict)
    _done: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_facts(cls, facts: object) -> Heard:
        """As `facts` told them."""
        rows = facts.items() if isinstance(facts, Mapping) else ()
        return cls({str(page): number for page, number in rows if isinstance(number, int)})

    def facts(self) -> dict[str, int]:
        """What was done, for the draft."""
        return dict(list({**self.before, **self._done}.items())[-MOST_PAGES:])

    def take(self, asked: Asked) -> Known | None:
        """None where it is new: whoever asks does it now, and tells `answer` once it is done."""
        answers = self._answers.setdefault(asked.page, OrderedDict())
        if asked.number in answers:
            return Known(answers[asked.number])
        if asked.number <= self.before.get(asked.page, -1):
            return Known(None)
        answers[asked.number] = None
        self._answers.move_to_end(asked.page)
        while len(answers) > MOST:
            answers.popitem(last=False)
        while len(self._answers) > MOST_PAGES:
            self._answers.popitem(last=False)
        return None

    def answer(self, asked: Asked, error: str | None) -> None:
        """It is done, or was refused."""
        if asked.number not in self._answers.get(asked.page, ()):
            return  # another scene was opened meanwhile
        self._answers[asked.page][asked.number] = error
        self._done[asked.page] = max(self._done.get(asked.page, -1), asked.number)
