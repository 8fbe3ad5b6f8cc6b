"""From an expansion to a folder of takes: what is there is skipped, what is missing is made, and manifest and page say what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.fanout.gate import Gate
from app.fanout.items import Expansion, Item
from app.fanout.make import Outcome
from app.fanout.manifest import NAME, is_current, write_manifest
from app.fanout.page import write_page
from app.fanout.store import Store
from editor.document import Document
from engine.spec.words import plural


class Executor(Protocol):
    """Where items are made: worker processes here (`pool.LocalPool`), or actors of a Ray cluster (`ray_actors.RayActors`)."""

    def run(self, items: Sequence[Item], store: Store, gate: Gate) -> Iterator[Outcome]: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a plan."""

    made: int
    kept: int
    """Takes that were there already."""
    failures: tuple[tuple[Item, str], ...]
    """Items without a take, each with its sentence."""
    refusals: tuple[str, ...]
    """What the plan asked for and could not be expanded."""
    verdicts: Mapping[str, int]
    """Of all the plan's takes."""
    rejected: tuple[tuple[Item, str], ...]

    @property
    def whole(self) -> bool:
        """Whether everything that was asked for is there and was not rejected."""
        return not (self.failures or self.refusals or self.rejected)

    def lines(self) -> Iterator[str]:
        """One line for each thing that went wrong, and one that counts."""
        for sentence in self.refusals:
            yield f"refused   {sentence}"
        for item, sentence in self.failures:
            yield f"failed    {named(item)}: {sentence}"
        for item, sentence in self.rejected:
            yield f"rejected  {named(item)}: {sentence}."
        verdicts = ", ".join(f"{count} {word}" for word, count in sorted(self.verdicts.items()))
        yield f"{plural(self.made, 'take')} made, {self.kept} were there, {len(self.failures)} failed{f' ({verdicts})' if verdicts else ''}."


def named(item: Item) -> str:
    """A few words for a line of a report."""
    return f"{item.scene}, {item.variation}, seed {item.recipe.seed} ({item.key[:12]})"


def run(
    expansion: Expansion,
    store: Store | Path,
    executor: Executor,
    gate: Gate,
    sources: Mapping[str, Document] | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Report:
    """Makes what of the expansion is not in the store yet (a Path is the folder of one), then writes manifest.parquet and index.html there.

    `sources`: the scenes by name, for the page's histograms. One that is interrupted leaves whole takes only, and a later run goes on.
    Raises StoreError where another is at work in the same folder.
    """
    store = Store(store) if isinstance(store, Path) else store
    store.prepare()
    with store.locked():
        store.sweep()
        landed = store.landed()
        todo = [item for item in expansion.items if item.key not in landed]
        by_key = {item.key: item for item in expansion.items}
        failures, done = [], 0
        try:
            for outcome in executor.run(todo, store, gate):
                done += 1
                progress("takes", done, len(todo))
                if outcome.failure:
                    failures.append((by_key[outcome.key], outcome.failure))
        finally:
            if not is_current(store):
                rows = write_manifest(store)
                write_page(store, rows, expansion.items, sources or {})
                store.publish((NAME, "index.html"))
        rejected, verdicts = _judged(store, by_key)
    return Report(
        len(todo) - len(failures),
        len(expansion.items) - len(todo),
        tuple(failures),
        tuple(refusal.sentence for refusal in expansion.refusals),
        verdicts,
        rejected,
    )


def _judged(store: Store, by_key: Mapping[str, Item]) -> tuple[tuple[tuple[Item, str], ...], Counter[str]]:
    """Rejected takes of the plan and how often each verdict was given, as the manifest has them."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(store.root / NAME, columns=["key", "verdict", "reasons"]).to_pylist()
    mine = [row for row in table if row["key"] in by_key]
    rejected = tuple((by_key[row["key"]], ", ".join(row["reasons"])) for row in mine if row["verdict"] == "reject")
    return rejected, Counter(row["verdict"] for row in mine)
