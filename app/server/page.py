"""The Gradio page. It holds one empty element that the canvas application (app/canvas) fills from edge to edge."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.config import AppConfig
from app.server.theme import CSS, HEAD, TITLE

_MOUNT = """<link rel="stylesheet" href="/studio/studio.css">
<div data-anyscene data-workspace="{workspace}" style="position:fixed;inset:0;z-index:50;background:#0d1014"></div>"""
# The template is constant: Gradio renders it once, and a second rendering would wipe what the script built.
_START = "import('/studio/main.js').then((studio) => element.querySelectorAll('[data-anyscene]').forEach(studio.mount));"


def build_page(config: AppConfig, workspace: str = "default") -> gr.Blocks:
    """The studio's page. `workspace` names the session that a browser joins where its address has no `?workspace=NAME`."""
    del config  # The page itself has no settings: everything it shows comes over the WebSocket.
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        gr.HTML(
            html_template=_MOUNT.format(workspace=escape(workspace, quote=True)), js_on_load=_START, elem_id="studio-mount",
            padding=False, container=False, apply_default_css=False,
        )  # fmt: skip
    # Gradio takes these where the page is mounted; app.server.main hands them on.
    page.css, page.head = CSS, HEAD
    return page
