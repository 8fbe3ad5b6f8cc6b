"""The dialog that asks for one scene in several weathers, lights and seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.results import matrix
from app.results.desk import Desk

Update = dict[str, Any]
_HEAD = (
    "<h3>Weather matrix</h3><p>The scene that is open, once for every cell and seed. "
    "Its own words of weather and light give way to those of the cell.</p>"
)

_FOCUS = """() => {{
  const look = (left) => {{
    const one = document.querySelector("{}");
    if (one?.checkVisibility()) one.focus();
    else if (left) requestAnimationFrame(() => look(left - 1));
  }};
  look(120);
}}"""
"""Into the dialog, once it stands there, and back to what opened it, for those who work by keys."""


def build(
    desk: Desk,
    here: gr.State,
    opened: gr.Button,
    again: Callable[[Update], tuple[Any, ...]],
    everything: list[Any],
    told: Callable[..., Any],
    quiet: dict[str, Any],
) -> None:
    """`opened` opens it; `again` gives the values of `everything` that the tab shows."""
    with gr.Group(visible=False, elem_id="matrix-dialog") as dialog, gr.Column(elem_id="matrix-card"):
        gr.HTML(_HEAD, apply_default_css=False, padding=False)
        cells = gr.Radio([("One", "one"), ("Four", "four"), ("All", "all")], value="one", label="Cells", elem_id="matrix-cells")
        weathers = gr.CheckboxGroup([(words, name) for name, words in matrix.WEATHERS.items()], label="Weather", value=["clear"], elem_id="matrix-weather")
        lights = gr.CheckboxGroup([(words, name) for name, words in matrix.LIGHTS.items()], label="Light", value=["day"], elem_id="matrix-light")
        with gr.Row(elem_id="matrix-numbers"):
            seeds = gr.Number(1, label="Seeds", precision=0, minimum=1, maximum=matrix.MOST_SEEDS, elem_id="matrix-seeds", min_width=80)
            frames = gr.Number(48, label="Frames (12 a second)", precision=0, minimum=1, elem_id="matrix-frames", min_width=80)
            views = gr.Dropdown([], label="View model", elem_id="matrix-views", min_width=120, filterable=False, interactive=True)
        count = gr.HTML(elem_id="matrix-count", apply_default_css=False, padding=False)
        with gr.Row(elem_id="matrix-actions"):
            close = gr.Button("Cancel", size="sm", elem_id="matrix-close")
            go = gr.Button("Queue", variant="primary", size="sm", elem_id="matrix-queue")
    chosen = [here, weathers, lights, seeds, frames, views]

    def asked(now: Update, weather: list[str], light: list[str], seed_count: float | None, frame_count: float | None, by: str | None) -> matrix.Matrix:
        return matrix.Matrix(tuple(weather or ()), tuple(light or ()), int(seed_count or 0), int(frame_count or 0), by or None)

    def open_dialog(now: Update) -> tuple[Any, ...]:
        offered = matrix.view_models()
        most = matrix.default_frames(desk, now["workspace"])
        default = gr.update(choices=offered, value=matrix.usual_views(desk.config.preset, offered))
        return gr.update(visible=True), most, default

    def counted(*values: Any) -> str:
        return matrix.sentence(desk, values[0]["workspace"], asked(*values))

    def preset(name: str) -> tuple[Any, ...]:
        return matrix.PRESETS[name]

    def queue(*values: Any) -> tuple[Any, ...]:
        matrix.queue(desk, values[0]["workspace"], asked(*values))
        return gr.update(visible=False), *again(values[0])

    opening = opened.click(told(open_dialog), [here], [dialog, frames, views], **quiet)
    opening.then(counted, chosen, count, **quiet)
    opening.then(None, None, None, js=_FOCUS.format("#matrix-cells input:checked, #matrix-cells input"))
    close.click(lambda: gr.update(visible=False), None, dialog, **quiet).then(None, None, None, js=_FOCUS.format("#matrix-open"))
    cells.input(preset, cells, [weathers, lights], **quiet).then(counted, chosen, count, **quiet)
    for one in (weathers, lights, seeds, frames, views):
        one.change(counted, chosen, count, **quiet)
    go.click(told(queue), chosen, [dialog, *everything], **quiet)
