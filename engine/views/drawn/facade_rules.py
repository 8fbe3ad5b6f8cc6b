"""The numbers of a facade's part, and what styles of facade there are."""

from __future__ import annotations

import numpy as np

from engine.views.drawn.mesh import PARAMS

# Columns of a facade's part.
STYLE, WIDTH, TOP, GROUND, STOREY, BAYS, KIND, OPEN_W, OPEN_H, TRIM = range(PARAMS, PARAMS + 10)
"""Width and top of the wall, heights of ground floor and storey, number of bays, kind of ground floor, window size; TRIM.. is a colour."""
DOOR = TRIM + 3
"""Bay of the door of a HOUSE, -1 where it has none."""
SHOP, LOBBY, HOUSE, BLANK, KIOSK = 1, 2, 0, 3, 4
"""Kinds of ground floor."""
PLASTER, BRICK, STONE, BOARDS, PANEL, CURTAIN, METAL_SHEET = range(7)

# Per style: trim width around windows, sill, lintel, panes across, panes up, frame brightness, string courses, quoins.
RULES = np.array(
    [
        [0.10, 1.0, 0.0, 2, 1, 0.72, 0.5, 0.0],
        [0.00, 1.0, 1.0, 1, 2, 0.75, 1.0, 0.3],
        [0.16, 1.0, 1.0, 2, 2, 0.60, 1.0, 1.0],
        [0.11, 1.0, 0.0, 2, 2, 0.78, 0.0, 0.0],
        [0.00, 0.0, 0.0, 2, 1, 0.10, 1.0, 0.0],
        [0.00, 0.0, 0.0, 2, 1, 0.16, 0.0, 0.0],
        [0.00, 0.0, 0.0, 3, 1, 0.12, 0.0, 0.0],
    ]
)
LIT = 0.35
"""Share of rooms that are lit at night."""
