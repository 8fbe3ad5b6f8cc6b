"""For a process that is started with this folder in PYTHONPATH: whatever lies under ANYSCENE_HIDDEN is not on its disk."""

import os
import sys

_HIDDEN = os.path.abspath(os.environ["ANYSCENE_HIDDEN"])
_LOOKS = ("open", "os.listdir", "os.scandir")


def _refuse(event, args):
    if event in _LOOKS and isinstance(args[0], str | bytes | os.PathLike) and os.path.abspath(os.fsdecode(args[0])).startswith(_HIDDEN):
        raise FileNotFoundError(2, "hidden from this test", os.fsdecode(args[0]))


sys.addaudithook(_refuse)
