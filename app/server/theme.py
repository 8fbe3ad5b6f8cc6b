"""What Gradio is told about looks. The application has its own style sheet; this keeps Gradio's page dark and out of sight."""

from __future__ import annotations

TITLE = "AnyScene Studio"

CSS = """
html, body, gradio-app { background: #0d1014 !important; margin: 0; overflow: hidden; }
gradio-app .gradio-container { max-width: none !important; padding: 0 !important; background: #0d1014 !important; }
gradio-app footer:not(.studio footer) { display: none !important; }
"""

HEAD = (
    '<meta name="color-scheme" content="dark"><link rel="modulepreload" href="/studio/main.js">'
    '<link rel="stylesheet" href="/studio/studio.css">'
)
