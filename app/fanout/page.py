"""index.html: thumbnails, scores, and what the data hold now beside the scenes they began with. One file, no script from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from app.fanout.charts import charts
from app.fanout.estimate import size_words
from app.fanout.histograms import added_up, counts_of_scenes
from app.fanout.items import Item
from app.fanout.manifest import NAME
from app.fanout.store import Store, put
from editor.document import Document
from engine.spec.words import plural

MOST_SHOWN = 2000
"""Takes with a thumbnail on the page, the worst first; all are in the manifest."""
_ORDER = {"reject": 0, "flag": 1, "pass": 2, "unmeasured": 3}
_UNITS = {"_m_s": " m/s", "_s": " s", "_m": " m", "_deg": "°"}
"""By the ends of parameters' names."""
_STYLE = (Path(__file__).parent / "page.css").read_text()


def write_page(store: Store, rows: Sequence[dict[str, Any]], items: Sequence[Item], sources: Mapping[str, Document]) -> None:
    """From the rows of all takes that have landed."""
    store.fetch_thumbnails(row["key"] for row in _shown(rows))
    now = added_up(row["counts"] for row in rows)
    then = counts_of_scenes(items, sources)
    body = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{plural(len(rows), 'take')}</title><style>{_STYLE}</style>",
        f"<h1>{plural(len(rows), 'take')}</h1><p>{_summary(rows)}</p>",
        f"<div class=sides>{_table(rows)}{charts(now, then)}</div>",
        _gallery(rows),
    ]
    put(store.root / "index.html", "\n".join(body).encode())


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    """What there is of each kind, and how it stands the gate."""
    kinds = ", ".join(plural(len({row[key] for row in rows}), word) for key, word in (("scene", "scene"), ("variation", "variation"), ("seed", "seed")))
    frames, size = sum(row["frames"] for row in rows), sum(row["bytes"] for row in rows)
    minutes = sum(sum(row["seconds"].values()) for row in rows) / 60
    verdicts = Counter(row["verdict"] for row in rows)
    words = ", ".join(f"<span class={word}>{verdicts[word]} {word}</span>" for word in _ORDER if verdicts[word])
    made = f"{plural(frames, 'frame')} at 12 Hz, {size_words(size)}, {minutes:.1f} minutes of making"
    return f"{kinds}: {words}. {made}. Every row is in <a href='{NAME}'>{NAME}</a>."


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Verdicts by variation; of the verdicts those that were given."""
    by: dict[str, Counter[str]] = {}
    for row in rows:
        by.setdefault(row["variation"], Counter())[row["verdict"]] += 1
    given = [word for word in _ORDER if any(counts[word] for counts in by.values())]
    head = "".join(f"<th class='n {word}'>{word}" for word in given)
    lines = [
        f"<tr><td>{escape(name.replace('_', ' '))}" + "".join(f"<td class=n>{counts[word] or '–'}" for word in given) for name, counts in sorted(by.items())
    ]
    return f"<section><h2>Takes by variation</h2><table><tr><th>Variation{head}{''.join(lines)}</table></section>"


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that need a look most."""
    order = sorted(rows, key=lambda row: (_ORDER[row["verdict"]], row["scene"], row["variation"], row["seed"], row["number"], row["prompt"], row["key"]))
    return order[:MOST_SHOWN]


def _gallery(rows: Sequence[dict[str, Any]]) -> str:
    cards = []
    for row in _shown(rows):
        scores = row["scores"]
        told = {"obedience": scores.get("obedience_miou"), "pictures": scores.get("adherence_miou")}
        measured = ", ".join(f"{word} {value:.3g} %" for word, value in told.items() if value is not None) or "nothing to measure"
        why = f" ({escape(', '.join(row['reasons']))})" if row["reasons"] else ""
        drawn = ", ".join(_parameter(name, value) for name, value in row["parameters"].items() if value != "")
        prompt = f"“{escape(row['prompt'])}”, " if row["prompt"] else ""
        cards.append(
            f"<div class=take><a href='{row['key']}/'><img loading=lazy src='thumbnails/{row['key']}.jpg' alt=''>"
            f"<b>{escape(row['scene'])}: {escape(row['variation'].replace('_', ' '))}</b></a>"
            f"<small>{prompt}seed {row['seed']}</small>"
            f"<small><span class={row['verdict']}>{row['verdict']}</span>{why}, {measured}</small>"
            f"{f'<small>{escape(drawn)}</small>' if drawn else ''}</div>"
        )
    note = f"<p>The {MOST_SHOWN} that need a look most; all {len(rows)} are in {NAME}.</p>" if len(rows) > MOST_SHOWN else ""
    about = "Obedience: mIoU of layout and voxels. Pictures: mIoU of what the judge reads in them and the buffers."
    return f"<h2>Takes</h2>{note}<p>{about}</p><div class=takes>{''.join(cards)}</div>"


def _parameter(name: str, value: object) -> str:
    """Its name without its unit, a number of three digits, and the unit."""
    unit = next((ending for ending in _UNITS if name.endswith(ending)), "")
    said = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{name.removesuffix(unit).replace('_', ' ')} {said}{_UNITS.get(unit, '')}"
