"""Gradio's looks, in the tokens of our own style sheet (app/canvas/css/tokens.css), so that both tabs of the page are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base

TITLE = "AnyScene Studio"

CSS = """
html, body, gradio-app { background: #0d1014 !important; margin: 0; }
gradio-app footer:not(.studio footer) { display: none !important; }
"""
"""The rest is in app/canvas/css/results.css."""

HEAD = (
    '<meta name="color-scheme" content="dark"><link rel="modulepreload" href="/studio/main.js">'
    '<link rel="stylesheet" href="/studio/studio.css">'
)

_BG0, _BG1, _BG2, _BG3, _BG4, _LINE = "#0d1014", "#14181e", "#1a1f27", "#222933", "#2c3541", "#262d37"
_TEXT, _TEXT2, _TEXT3, _ACCENT, _STRONG = "#e3e8ef", "#b3bcc9", "#949fae", "#4f8cff", "#2f6fed"
_TOKENS = {
    "body_background_fill": _BG0, "body_text_color": _TEXT, "body_text_color_subdued": _TEXT3, "body_text_size": "12px",
    "background_fill_primary": _BG1, "background_fill_secondary": _BG2, "border_color_primary": _LINE, "border_color_accent": _ACCENT,
    "color_accent": _ACCENT, "color_accent_soft": _BG3, "link_text_color": "#7eacff", "link_text_color_hover": "#9cc4ff",
    "link_text_color_visited": "#7eacff", "link_text_color_active": "#7eacff",
    "block_background_fill": _BG1, "block_border_color": _LINE, "block_border_width": "0px", "block_radius": "5px", "block_padding": "0px",
    "block_shadow": "none", "block_label_background_fill": _BG2, "block_label_text_color": _TEXT2, "block_label_text_size": "11px",
    "block_label_border_width": "0px", "block_title_text_color": _TEXT2, "block_title_text_size": "11px", "block_title_text_weight": "500",
    "block_info_text_color": _TEXT3, "block_info_text_size": "11px", "panel_background_fill": _BG1, "panel_border_width": "0px",
    "container_radius": "5px", "form_gap_width": "0px", "layout_gap": "8px", "section_header_text_size": "12px",
    "checkbox_background_color": _BG0, "checkbox_background_color_selected": _STRONG, "checkbox_background_color_hover": _BG3,
    "checkbox_background_color_focus": _BG0, "checkbox_border_color": "#46515f", "checkbox_border_color_selected": _ACCENT,
    "checkbox_border_color_hover": _ACCENT, "checkbox_border_color_focus": _ACCENT, "checkbox_label_background_fill": _BG3,
    "checkbox_label_background_fill_hover": _BG4, "checkbox_label_background_fill_selected": "#24364f", "checkbox_label_text_color": _TEXT,
    "checkbox_label_text_color_selected": _TEXT, "checkbox_label_text_size": "12px", "checkbox_label_border_color": _LINE,
    "checkbox_label_border_color_selected": _ACCENT, "checkbox_label_padding": "4px 9px", "checkbox_label_shadow": "none", "checkbox_shadow": "none",
    "input_background_fill": _BG0, "input_background_fill_focus": _BG0, "input_background_fill_hover": _BG0, "input_border_color": _LINE,
    "input_border_color_focus": _ACCENT, "input_border_color_hover": "#37414f", "input_border_width": "1px", "input_padding": "4px 8px",
    "input_placeholder_color": _TEXT3, "input_radius": "5px", "input_shadow": "none", "input_shadow_focus": "none", "input_text_size": "12px",
    "table_border_color": _LINE, "table_even_background_fill": _BG1, "table_odd_background_fill": _BG2, "table_radius": "5px",
    "table_text_color": _TEXT, "table_row_focus": _BG3, "slider_color": _ACCENT, "loader_color": _ACCENT, "stat_background_fill": _ACCENT,
    "error_background_fill": "#3a1f24", "error_border_color": "#6b2f37", "error_text_color": "#ffb3b3", "error_icon_color": "#ff9a9a",
    "button_border_width": "1px", "button_small_padding": "3px 10px", "button_small_radius": "5px", "button_small_text_size": "12px",
    "button_small_text_weight": "500", "button_medium_padding": "4px 12px", "button_medium_radius": "5px", "button_medium_text_size": "12px",
    "button_large_padding": "5px 14px", "button_large_radius": "5px", "button_large_text_size": "12px",
    "button_primary_background_fill": _STRONG, "button_primary_background_fill_hover": "#275fd0", "button_primary_border_color": _STRONG,
    "button_primary_border_color_hover": _STRONG, "button_primary_text_color": "#ffffff", "button_primary_text_color_hover": "#ffffff",
    "button_secondary_background_fill": _BG3, "button_secondary_background_fill_hover": _BG4, "button_secondary_border_color": _LINE,
    "button_secondary_border_color_hover": "#37414f", "button_secondary_text_color": _TEXT, "button_secondary_text_color_hover": _TEXT,
    "button_primary_shadow": "none", "button_secondary_shadow": "none", "button_primary_shadow_hover": "none", "button_secondary_shadow_hover": "none",
}  # fmt: skip


def theme() -> Base:
    """Our tokens, whether the browser asks for light or dark; no font is fetched."""
    import inspect

    from gradio.themes import Base

    sans, mono = ("system-ui", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif"), ("ui-monospace", "Cascadia Mono", "DejaVu Sans Mono", "monospace")
    base = Base(font=sans, font_mono=mono, text_size="sm", spacing_size="sm", radius_size="sm")
    known = inspect.signature(base.set).parameters
    return base.set(**_TOKENS, **{dark: value for name, value in _TOKENS.items() if (dark := f"{name}_dark") in known})
