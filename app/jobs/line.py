"""The line of jobs that wait: who stands where, and what is said of that."""

from __future__ import annotations

from collections.abc import Sequence

from app.jobs.job import Job
from app.jobs.pace import Pace


def message(job: Job, under_way: Sequence[Job], waiting: Sequence[Job], pace: Pace, doing: str) -> dict[str, object]:
    """A job's `job` message; `under_way` are the one that runs and, behind it, those `waiting` in order. `doing` says what the
    engine does that it was not asked for by name."""
    place = waiting.index(job) + 1 if job in waiting else 0
    before = under_way[: under_way.index(job)] if place else []
    lefts = [pace.left_s(one) if one.of_take else one.stage_left_s for one in before]
    known = [one for one in lefts if one is not None]
    return job.to_json(place, pace.left_s(job) if job.live else None, sum(known) if known and len(known) == len(before) else None, doing if job.live else "")


def moved(waiting: list[Job], job: Job, place: int) -> None:
    """Put a job that waits at `place`, from 1."""
    waiting.remove(job)
    waiting.insert(min(max(place, 1), len(waiting) + 1) - 1, job)
