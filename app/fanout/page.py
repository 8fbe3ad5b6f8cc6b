"""index.html: thumbnails, scores, and what the data hold now beside the scenes they began with. One file, no script from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from app.fanout.estimate import size_words
from app.fanout.histograms import SHOWN, Counts, added_up, bins, counts_of_scenes
from app.fanout.items import Item
from app.fanout.store import Store, put
from editor.document import Document
from engine.spec.words import plural

MOST_SHOWN = 2000
"""Takes with a thumbnail on the page, the worst first; all are in the manifest."""
_ORDER = {"reject": 0, "flag": 1, "pass": 2, "unmeasured": 3}
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
        _table(rows),
        _charts(now, then),
        _gallery(rows),
    ]
    put(store.root / "index.html", "\n".join(body).encode())


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    frames, seconds, size = (
        sum(value) for value in ((r["frames"] for r in rows), (sum(r["seconds"].values()) for r in rows), (r["bytes"] for r in rows))
    )
    verdicts = Counter(row["verdict"] for row in rows)
    words = ", ".join(f"{verdicts[word]} {word}" for word in _ORDER if verdicts[word])
    return f"{plural(frames, 'frame')} at 12 Hz, {size_words(size)}, {seconds / 60:.1f} minutes of making. {words}. Every row is in manifest.parquet."


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Verdicts by variation."""
    by: dict[str, Counter[str]] = {}
    for row in rows:
        by.setdefault(row["variation"], Counter())[row["verdict"]] += 1
    head = "".join(f"<th class=n>{word}" for word in _ORDER)
    lines = [
        f"<tr><td>{escape(name.replace('_', ' '))}" + "".join(f"<td class=n>{counts[word] or ''}" for word in _ORDER)
        for name, counts in sorted(by.items())
    ]
    return f"<h2>By variation</h2><table><tr><th>Variation{head}{''.join(lines)}</table>"


def _charts(now: Counts, then: Counts) -> str:
    if not now:
        return ""
    key = "<p class=key><i style='background:var(--now)'></i>these takes" + (
        "<i style='background:var(--then)'></i>the scenes they began with" if then else ""
    )
    names = {"classes": "Boxes by class", **SHOWN}
    charts = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{_bars(name, now[name], then.get(name))}</figure>"
        for name, title in names.items()
        if sum(now[name])
    )
    return f"<h2>What the layouts hold</h2>{key}</p><div class=charts>{charts}</div>"


def _bars(name: str, now: list[float], then: list[float] | None) -> str:
    """Shares of each, side by side."""
    labels, width, height = bins(name), 360.0, 120.0
    shares = [[value / max(sum(values), 1e-9) for value in values] for values in (now, then) if values is not None]
    top = max(max(share) for share in shares) or 1.0
    step = width / len(labels)
    parts = []
    for k, label in enumerate(labels):
        for n, (share, colour) in enumerate(zip(shares, ("now", "then"), strict=False)):
            tall = share[k] / top * height
            x = k * step + step * (0.1 + 0.4 * n)
            bar = f"x={x:.1f} y={height - tall:.1f} width={step * 0.38:.1f} height={tall:.1f} fill='var(--{colour})'"
            parts.append(f"<rect {bar}><title>{escape(label)}: {share[k]:.1%}</title></rect>")
        anchor, turn = ("end", f" transform='rotate(-35 {(k + 0.5) * step:.1f} 132)'") if name == "classes" else ("middle", "")
        parts.append(f"<text x={(k + 0.5) * step:.1f} y=132 text-anchor={anchor}{turn}>{escape(label)}</text>")
    return f"<svg viewBox='-24 -4 {width + 28:.0f} {196 if name == 'classes' else 144}' role=img>{''.join(parts)}</svg>"


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that need a look most."""
    order = sorted(rows, key=lambda row: (_ORDER[row["verdict"]], row["scene"], row["variation"], row["seed"], row["number"], row["key"]))
    return order[:MOST_SHOWN]


def _gallery(rows: Sequence[dict[str, Any]]) -> str:
    cards = []
    for row in _shown(rows):
        scores = row["scores"]
        measured = f"obedience {scores['obedience_miou']:g} %" if scores.get("obedience_miou") is not None else "nothing to measure"
        drawn = ", ".join(f"{name} {value}" for name, value in row["parameters"].items() if value != "")
        why = f" ({escape(', '.join(row['reasons']))})" if row["reasons"] else ""
        cards.append(
            f"<div class=take><a href='{row['key']}/'><img loading=lazy src='thumbnails/{row['key']}.jpg' alt=''>"
            f"<b>{escape(row['scene'])}: {escape(row['variation'].replace('_', ' '))}</b></a>"
            f"<small><span class={row['verdict']}>{row['verdict']}</span>{why}, {measured}</small>"
            f"<small>seed {row['seed']}{', ' + escape(drawn) if drawn else ''}{', “' + escape(row['prompt']) + '”' if row['prompt'] else ''}</small></div>"
        )
    note = f"<p>The {MOST_SHOWN} that need a look most; all {len(rows)} are in manifest.parquet.</p>" if len(rows) > MOST_SHOWN else ""
    return f"<h2>Takes</h2>{note}<div class=takes>{''.join(cards)}</div>"
