"""An edit script: close the left lane with cones, as `launch.py edit` runs it.

    python launch.py edit scene.anyscene --script examples/02_edit_script.py -o closed.anyscene
"""

from __future__ import annotations

from editor import edits
from editor.document import Document

CONES = 6
SPACING_M = 3.0


def edit(document: Document) -> Document:
    """Called with the scene, returns the new one; the given document stays as it was."""
    document = edits.add_agent("traffic_cone", 22.0, 1.0)(document)
    first = list(document.entities)[-1]
    document = edits.array(first, CONES - 1, dx=SPACING_M, dy=0.5)(document)
    return edits.set_scene(name=f"{document.name}, lane closed")(document)
