"""nuScenes in its two layouts, tables and infos pickles -> a Document. T4 and Lyft share the tables.

Clock: zero is the scene's first key frame. World frame: nuScenes' global frame, moved by whole metres. Its ego frame is ours: rear axle, on
the ground. Boxes are those of the key frames; between them the Document's tracks go on straight, with the shortest turn.
"""

from editor.formats.nuscenes.infos import read_infos
from editor.formats.nuscenes.tables import read_tables

__all__ = ["read_infos", "read_tables"]
