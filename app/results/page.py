"""The Results tab: a shelf of takes, their videos, A beside B, scores, and the queue. Gradio's components over app.results.desk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from gradio.components import Component

from app.results import matrix_dialog, scores
from app.results.desk import Desk
from engine.spec.words import plural

P = ParamSpec("P")
R = TypeVar("R")
Update = dict[str, Any]

A_RGB, B_RGB = "#4f8cff", "#f0b429"
_NO_VIDEO = "This take has no videos: it was made until '{stage}'. Generate until 'video', or make its pictures in the author's view."
_HERE = "() => new URLSearchParams(location.search).get('workspace')"


def part(module: str, events: str, mount: str = "mount", elem_id: str | None = None) -> gr.HTML:
    """One of our own parts (app/canvas/results): it gets a value, and tells of `events`."""
    # Gradio lets an event be listened to only where the script names it.
    names = ", ".join(f"'{name}'" for name in events.split())
    return gr.HTML(
        html_template='<div class="results-part"></div>', apply_default_css=False, padding=False, container=False, elem_id=elem_id,
        js_on_load=f"import('/studio/results/{module}.js').then((m) => m.{mount}({{ element, props, trigger, watch }})); /* {names} */",
    )  # fmt: skip


def told(fn: Callable[P, R]) -> Callable[P, R]:
    """A refusal is one sentence in the corner of the page, not a traceback."""

    @wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return fn(*args, **kwargs)
        except ValueError as refusal:
            raise gr.Error(" ".join(str(refusal).split())[:600], title="Not done", duration=12, print_exception=False) from refusal

    return guarded


class _View:
    """What the tab shows, made of what is chosen: `here` {workspace, a, b}."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def all(self, here: Update) -> tuple[Any, ...]:
        """Values of every part, in the order of `build`'s outputs."""
        desk, name = self.desk, here["workspace"]
        takes = desk.takes(name)
        by_name = {one["name"]: one for one in takes}
        # Until somebody chooses, the newest take is the one that is shown.
        a = by_name.get(here.get("a")) if here.get("chosen") else None
        a = a or next((one for one in takes if one["views"]), takes[0] if takes else None)
        here = {**here, "a": a["name"] if a else None}
        b = by_name.get(here.get("b"))
        if a is not None and (b is None or b is a):
            b = partner(a, takes)
        here["b"] = b["name"] if b else None
        names = [(label(one), one["name"]) for one in takes]
        a_scores, b_scores = (scores.of_take(desk.scores(one["name"])) if one else None for one in (a, b))
        named = {f"{side} {short(one)}": found for side, one, found in (("A", a, a_scores), ("B", b, b_scores)) if one and found}
        exports = desk.exports(a["name"]) if a else []
        return (
            here,
            {"takes": takes, "selected": here["a"], "other": here["b"]},
            head(a),
            {"a": a, "b": None, "why": why_no_video(a)},
            gr.update(choices=names, value=here["a"]), gr.update(choices=names, value=here["b"]),
            {"a": a, "b": b, "why": why_no_video(a) if b is None or (a and not a["views"]) else why_no_video(b)},
            said(a, a_scores, b_scores),
            gr.update(value=scores.headlines(a_scores, b_scores), visible=bool(named)),
            gr.update(value=scores.channels(a_scores, b_scores), visible=bool(named)),
            gr.update(value=scores.agents(a_scores, b_scores), visible=bool(named)),
            gr.update(value=scores.channel_bars(named), visible=bool(named), color_map=colours(named)),
            gr.update(value=scores.horizon_lines(named), visible=bool(named), color_map=colours(named)),
            {"jobs": desk.queue(), "workspace": name},
            {"exports": exports},
            gr.update(interactive=bool(a and a["can_restore"])),
            gr.update(interactive=bool(a and a["frames"])),
            gr.update(visible=bool(a and not a["whole"] and not a["making"])),
        )  # fmt: skip


def build(desk: Desk, blocks: gr.Blocks, workspace: str) -> None:
    """Lay the tab out. `workspace` is the one of a page whose address names none."""
    view = _View(desk)
    here = gr.State({"workspace": workspace, "a": None, "b": None})
    asked_for = gr.Textbox(visible=False)
    to_export = gr.Textbox(visible=False)
    refresh = gr.Button("Refresh", elem_id="results-refresh", visible="hidden")
    with gr.Row(elem_id="results", equal_height=True):
        with gr.Column(elem_id="results-shelf", scale=0, min_width=296):
            shelf = part("shelf", "pick compare")
            matrix = gr.Button("Weather matrix…", elem_id="matrix-open", size="sm")
        with gr.Column(elem_id="results-main", scale=1, min_width=320):
            with gr.Row(elem_id="results-bar"):
                title = gr.HTML(elem_id="results-title", apply_default_css=False, padding=False)
                carry_on = gr.Button("Continue", size="sm", elem_id="take-continue", variant="primary", visible=False)
                show = gr.Button("Show in Author", size="sm", elem_id="take-show")
                restore = gr.Button("Restore scene", size="sm", elem_id="take-restore")
                measure = gr.Button("Evaluate", size="sm", elem_id="take-evaluate")
                hand_over = gr.Button("Export…", size="sm", elem_id="take-export")
            downloads = part("queue", "act", "mountDownloads", "results-downloads")
            with gr.Tabs(elem_id="results-tabs", selected="videos"):
                with gr.Tab("Videos", id="videos", elem_id="tab-videos"):
                    player = part("player", "act", elem_id="player")
                with gr.Tab("Compare", id="compare", elem_id="tab-compare"):
                    with gr.Row(elem_id="compare-bar"):
                        take_a = gr.Dropdown([], label="A", elem_id="take-a", interactive=True, filterable=False)
                        take_b = gr.Dropdown([], label="B", elem_id="take-b", interactive=True, filterable=False)
                    versus = part("player", "act", elem_id="versus")
                with gr.Tab("Scores", id="scores", elem_id="tab-scores"):
                    words = gr.HTML(elem_id="scores-words", apply_default_css=False, padding=False)
                    tables = score_tables()
        with gr.Column(elem_id="results-side", scale=0, min_width=288):
            queue = part("queue", "act", elem_id="queue")
    everything = [
        here, shelf, title, player, take_a, take_b, versus, words, *tables, queue, downloads, restore, hand_over, carry_on
    ]  # fmt: skip

    def again(here: Update, **change: Any) -> tuple[Any, ...]:
        return view.all({**here, **change})

    def pick(here: Update, event: gr.EventData) -> tuple[Any, ...]:
        return again(here, a=event.take, chosen=True, b=here.get("b") if here.get("b") != event.take else None)

    def compare(here: Update, event: gr.EventData) -> tuple[Any, ...]:
        return again(here, b=event.take, chosen=True)

    def act(here: Update, event: gr.EventData) -> tuple[Any, ...]:
        if event.what == "cancel":
            desk.cancel(event.job)
        elif event.what == "retry":
            desk.retry(event.job)
        elif event.what == "carry_on":
            desk.carry_on(here["workspace"], event.take)
        elif event.what == "move":
            desk.move(event.job, int(event.place))
        else:
            desk.cancel_mine(here["workspace"])
        return again(here)

    def done(doing: Callable[[Update], object]) -> Callable[[Update], tuple[Any, ...]]:
        def run(here: Update) -> tuple[Any, ...]:
            if not here.get("a"):
                raise ValueError("No take is selected: choose one on the shelf.")
            doing(here)
            return again(here)

        return run

    quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    all_of = {"inputs": [here], "outputs": everything, **quiet}
    arrive = told(lambda name, now: view.all({**now, "workspace": name or workspace}))
    blocks.load(arrive, [asked_for, here], everything, js=f"(_, now) => [({_HERE})(), now]", **quiet)
    refresh.click(told(again), **all_of)
    shelf.pick(told(pick), **all_of)
    shelf.compare(told(compare), **all_of)
    queue.act(told(act), **all_of)
    take_a.input(told(lambda here, name: again(here, a=name, chosen=True)), [here, take_a], everything, **quiet)
    take_b.input(told(lambda here, name: again(here, b=name, chosen=True)), [here, take_b], everything, **quiet)
    to_author = "() => document.dispatchEvent(new CustomEvent('anyscene:author'))"
    carry_on.click(told(done(lambda here: desk.carry_on(here["workspace"], here["a"]))), **all_of)
    show.click(told(done(lambda here: desk.show(here["workspace"], here["a"]))), **all_of).success(None, js=to_author)
    restore.click(told(done(lambda here: desk.restore(here["workspace"], here["a"]))), **all_of).success(None, js=to_author)
    measure.click(told(done(lambda here: desk.evaluate(here["workspace"], here["a"]))), **all_of)
    to_dialog = "(take) => document.dispatchEvent(new CustomEvent('anyscene:export', { detail: JSON.parse(take) }))"
    hand_over.click(told(lambda here: _to_export(desk, here)), [here], [to_export], **quiet).success(None, [to_export], js=to_dialog)
    matrix_dialog.build(desk, here, matrix, lambda now: view.all(now), everything, told, quiet)


def _to_export(desk: Desk, here: Update) -> str:
    """What the page's export dialog needs to know of the take that is selected, as JSON."""
    take = next((one for one in desk.takes(here["workspace"]) if one["name"] == here.get("a")), None)
    if take is None:
        raise ValueError("No take is selected: choose one on the shelf.")
    told = {"name": take["name"], "path": str(desk.take(take["name"])), "frames": take["frames"], "stage": take["stage"]}
    return json.dumps({**told, "stale": take["state"] == "stale"})


def score_tables() -> list[Component]:
    """Tables and plots, hidden until there are scores: what says most, channels, agents, IoU by channel, mIoU by time."""
    hidden: dict[str, Any] = {"visible": False}
    table: dict[str, Any] = {"interactive": False, **hidden}
    by_side = [f"{side}: {first}" if at == 0 else first for side in "AB" for at, first in enumerate(("IoU %", "recall %", "precision %"))]
    of_agents = [f"{side}: {first}" if at == 0 else first for side in "AB" for at, first in enumerate(("asked", "appear %", "centre m", "yaw °"))]
    with gr.Row():
        main = gr.Dataframe(headers=["Score", "A", "B"], label="In short", column_widths=["64%", "18%", "18%"], elem_id="scores-main", **table)
        lines = gr.LinePlot(x="seconds", y="mIoU", color="take", title="mIoU by time, %", y_lim=[0, 100], height=270, elem_id="scores-lines", **hidden)
    bars = gr.BarPlot(
        x="channel", y="IoU", color="take", title="IoU by channel, %", y_lim=[0, 100], height=260, x_label_angle=-40, elem_id="scores-bars", **hidden
    )
    channels = gr.Dataframe(headers=["Channel", *by_side], label="Painted channels", elem_id="scores-channels", **table)
    agents = gr.Dataframe(headers=["Class", *of_agents], label="Agents", elem_id="scores-agents", **table)
    return [main, channels, agents, bars, lines]


def partner(a: Update, takes: list[Update]) -> Update | None:
    """The take to compare with: of the same scene, best one that differs in its view model or its look; else the newest other one."""
    others = [one for one in takes if one["name"] != a["name"] and one["views"]]
    same = [one for one in others if one["document_hash"] == a["document_hash"]] or [one for one in others if one["scene"] == a["scene"]]
    return next((one for one in same if one["views"] != a["views"]), same[0] if same else others[0] if others else None)


def short(take: Update) -> str:
    return f"{take['views'] or take['occupancy']} · seed {take['seed']}"


def label(take: Update) -> str:
    """Of a take in a list of choices: what tells it from the others comes first, for a narrow list cuts off the end."""
    made = re.search(r"(?<=-)\d{6}(-\d+)?$", take["name"])
    return " · ".join(filter(None, [take["scene"], made[0] if made else take["name"], short(take), take["prompt"][:40]]))


def why_no_video(take: Update | None) -> str:
    return "No take is selected." if take is None else _NO_VIDEO.format(stage=take["stage"])


def colours(named: Update) -> dict[str, str]:
    return {name: A_RGB if name.startswith("A ") else B_RGB for name in named}


def head(take: Update | None) -> str:
    """HTML of the line above the videos."""
    from html import escape

    if take is None:
        return "<p class='nothing'>No take yet.</p>"
    mark = f"<span class='mark {take['state']}'>{take['state']}</span>" if take["state"] in ("current", "stale", "variant") else ""
    mark += "" if take["whole"] else f"<span class='mark unfinished'>{'in the making' if take['making'] else 'unfinished'}</span>"
    seconds = sum(float(value) for value in take["seconds"].values())
    told = [f"{plural(take['frames'], 'frame')}, {take['length_s']:.1f} s"]
    if not take["whole"]:
        told = [f"{take['frames']} of {plural(take['asked_frames'] or take['frames'], 'frame')}, {take['stage']} of {take['until']}"]
    told += [f"{take['occupancy']}{' + ' + take['views'] if take['views'] else ''}", f"seed {take['seed']}"]
    facts = " · ".join(told + ([f"made in {seconds:.0f} s"] if seconds else []))
    return (
        f"<h2>{escape(take['scene'] or take['name'])}</h2>{mark}"
        f"<p title='{escape(take['prompt'], quote=True)}'>{escape(take['prompt'] or 'no prompt')}</p><p class='faint'>{escape(facts)}</p>"
    )


def said(take: Update | None, a: object, b: object) -> str:
    """HTML of the sentence above the scores."""
    if take is None:
        return "<p class='nothing'>No take is selected.</p>"
    if a is None and b is None:
        return "<p class='nothing'>Not measured yet. Evaluate compares what was generated with what was painted; the scores come here when the job is done.</p>"
    missing = "" if a is not None else " Take A is not measured yet: press Evaluate."
    return f"<p class='faint'>Generated voxels against the painted layout and the placed agents.{missing}</p>"
