"""Charts of the page, as SVG: what the takes' layouts hold beside the scenes that they began with, in shares of each."""

from __future__ import annotations

from html import escape

from app.fanout.histograms import SHOWN, Counts, bins

_WIDTH, _HEIGHT, _SAID = 280.0, 84.0, 32.0
"""The last is what a percentage takes of the width."""
_ROW, _NAMES = 15.0, 112.0
"""Of a chart with a name to each row: a row's height, and what the names take of the width."""


def charts(now: Counts, then: Counts) -> str:
    """A section; empty where there are no takes."""
    if not now:
        return ""
    key = "<p class=key><i class=now></i>these takes" + ("<i class=then></i>the scenes they began with" if then else "") + "</p>"
    shown = [("classes", "Boxes by class"), *SHOWN.items()]
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{(_rows if name == 'classes' else _columns)(name, now[name], then.get(name))}</figure>"
        for name, title in shown
        if sum(now[name])
    )
    return f"<section><h2>What the layouts hold</h2>{key}<div class=charts>{figures}</div></section>"


def _shares(now: list[float], then: list[float] | None) -> list[tuple[str, list[float]]]:
    """Class and shares of each series."""
    series = (("now", now), ("then", then))
    return [(name, [value / max(sum(values), 1e-9) for value in values]) for name, values in series if values is not None]


def _columns(name: str, now: list[float], then: list[float] | None) -> str:
    """A column a bin, whose label stands at its lower end; up to the last one that holds anything."""
    shares, labels = _shares(now, then), bins(name)
    count = 1 + max(k for k in range(len(labels)) if any(share[k] for _, share in shares))
    top, step = max(max(share) for _, share in shares) or 1.0, (_WIDTH - _SAID) / max(count, 5)
    parts = [f"<text x={_WIDTH:.0f} y=9 text-anchor=end>{top:.0%}</text><path d='M0 {_HEIGHT}H{_WIDTH - _SAID}M0 .5H{_WIDTH - _SAID}'/>"]
    for k in range(count):
        for n, (colour, share) in enumerate(shares):
            tall = share[k] / top * _HEIGHT
            box = f"x={k * step + step * (0.08 + 0.42 * n):.1f} y={_HEIGHT - tall:.1f} width={step * 0.4:.1f} height={tall:.1f}"
            parts.append(f"<rect class={colour} {box}><title>{escape(labels[k])}: {share[k]:.1%}</title></rect>")
        parts.append(f"<text x={k * step + 1:.1f} y={_HEIGHT + 13:.0f}>{escape(labels[k])}</text>")
    return f"<svg viewBox='0 0 {_WIDTH:.0f} {_HEIGHT + 17:.0f}' role=img>{''.join(parts)}</svg>"


def _rows(name: str, now: list[float], then: list[float] | None) -> str:
    """A row a name, of those that hold anything."""
    shares, labels = _shares(now, then), bins(name)
    held = [k for k in range(len(labels)) if any(share[k] for _, share in shares)]
    top, room = max(max(share) for _, share in shares) or 1.0, _WIDTH - _NAMES - _SAID
    parts = []
    for row, k in enumerate(held):
        parts.append(f"<text x={_NAMES - 6:.0f} y={row * _ROW + 10:.1f} text-anchor=end>{escape(labels[k])}</text>")
        for n, (colour, share) in enumerate(shares):
            box = f"x={_NAMES:.0f} y={row * _ROW + 1.5 + 6 * n:.1f} width={share[k] / top * room:.1f} height=5.4"
            parts.append(f"<rect class={colour} {box}><title>{escape(labels[k])}: {share[k]:.1%}</title></rect>")
        longest = max(share[k] for _, share in shares)
        parts.append(f"<text x={_NAMES + longest / top * room + 4:.1f} y={row * _ROW + 10:.1f}>{shares[0][1][k]:.0%}</text>")
    return f"<svg viewBox='0 0 {_WIDTH:.0f} {len(held) * _ROW:.0f}' role=img>{''.join(parts)}</svg>"
