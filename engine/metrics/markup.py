"""The few pieces of HTML that a report page is made of. Everything that comes from a take is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from engine.spec.classes import CHANNEL, CHANNEL_RGB, CLASS, CLASS_RGB

NONE = "–"


def number(value: Any, unit: str = "") -> str:
    """A number for people; a dash where there is none."""
    if value is None:
        return NONE
    if isinstance(value, int):
        return escape(f"{value:,}".replace(",", " ") + unit)
    return escape((f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}".rstrip("0").rstrip(".")) + unit)


def bar(percent: Any) -> str:
    """A cell that shows percent as a number and as a bar."""
    if percent is None:
        return f'<td class="none">{NONE}</td>'
    width = min(max(float(percent), 0), 100)
    return f'<td><span class="bar"><u style="width:{width:.1f}%"></u></span><span class="of">{float(percent):.1f}</span></td>'


def cell(value: Any, unit: str = "") -> str:
    return f"<td>{number(value, unit)}</td>" if value is not None else f'<td class="none">{NONE}</td>'


def name_cell(name: str) -> str:
    """A name in the first column, with its colour where it is a channel or a class."""
    rgb = CHANNEL_RGB[CHANNEL[name]] if name in CHANNEL else CLASS_RGB[CLASS[name]] if name in CLASS else None
    mark = "" if rgb is None else '<i style="background:rgb({},{},{})"></i>'.format(*rgb)
    return f"<td>{mark}{escape(name.replace('_', ' '))}</td>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """`rows` are lists of finished cells."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def tile(value: str, label: str) -> str:
    return f'<div class="tile"><b>{value}</b><span>{escape(label)}</span></div>'


def section(title: str, body: str, words: str = "") -> str:
    """Nothing where there is no body."""
    note = f"<p>{escape(words)}</p>" if words else ""
    return f"<section><h3>{escape(title)}</h3>{note}{body}</section>" if body else ""


def figure(url: str, caption: str) -> str:
    return f'<figure><img src="{url}" alt="{escape(caption, quote=True)}"><figcaption>{escape(caption)}</figcaption></figure>'
