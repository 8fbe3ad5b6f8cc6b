"""Top-down pictures of layouts, occupancy and their difference, as PNG data URLs. Forward is up, left is left."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from engine.render.above import layout_cells, turned_up
from engine.spec.classes import FREE
from engine.spec.columns import shown_channels
from engine.train.pictures import top_down

BACKGROUND = (22, 26, 32)
AGREES, MISSING, EXTRA = (52, 84, 92), (255, 92, 92), (255, 196, 64)
"""Painted and shown; painted and not shown; shown and not painted."""


def layout_picture(layout: np.ndarray) -> np.ndarray:
    """uint8 (X, Y, 3) of a layout (15, X, Y)."""
    return turned_up(layout_cells(layout, BACKGROUND))


def occupancy_picture(semantics: np.ndarray) -> np.ndarray:
    """uint8 (X, Y, 3) of a volume (X, Y, Z): the highest class, darker where it lies lower."""
    picture = top_down(semantics)
    picture[turned_up((semantics == FREE).all(2))] = BACKGROUND
    return picture


def difference_picture(semantics: np.ndarray, layout: np.ndarray) -> np.ndarray:
    """uint8 (X, Y, 3): columns that obey, miss something painted, or show something that is not. Missing goes before extra."""
    shown, painted = shown_channels(semantics), layout > 0
    picture = np.empty((*layout.shape[1:], 3), np.uint8)
    picture[:] = BACKGROUND
    picture[painted.any(0)] = AGREES
    picture[(shown & ~painted).any(0)] = EXTRA
    picture[(painted & ~shown).any(0)] = MISSING
    return turned_up(picture)


def data_url(picture: np.ndarray) -> str:
    """A PNG that a page carries inside itself."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
