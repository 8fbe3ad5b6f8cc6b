"""The Gradio page. The author's tab is one empty element that the canvas application (app/canvas) fills from edge to edge; the results' tab,
below it, is Gradio's (app/results)."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.results import endpoints, page
from app.results.desk import Desk
from app.server.theme import CSS, HEAD, TITLE, theme
from app.workspace.workspaces import Workspaces

_MOUNT = """<link rel="stylesheet" href="/studio/studio.css">
<div data-anyscene data-workspace="{workspace}" style="position:fixed;inset:0;z-index:50;background:#0d1014"></div>"""
# The template is constant: Gradio renders it once, and a second rendering would wipe what the script built.
_START = "import('/studio/main.js').then((studio) => element.querySelectorAll('[data-anyscene]').forEach(studio.mount));"


def build_page(workspaces: Workspaces, workspace: str = "default") -> gr.Blocks:
    """The studio's page. `workspace` names the session that a browser joins where its address has no `?workspace=NAME`."""
    desk = Desk(workspaces)
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as blocks:
        gr.HTML(
            html_template=_MOUNT.format(workspace=escape(workspace, quote=True)), js_on_load=_START, elem_id="studio-mount",
            padding=False, container=False, apply_default_css=False,
        )  # fmt: skip
        page.build(desk, blocks, workspace)
        endpoints.build(desk, workspace)
    # Gradio takes these where the page is mounted; app.server.main hands them on.
    blocks.css, blocks.head, blocks.theme = CSS, HEAD, theme()
    return blocks
