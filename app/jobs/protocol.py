"""What the studio and its worker say to each other: frozen messages through a pipe, and how frames and pictures travel in them."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass

import numpy as np

from app.jobs.errand import Errand
from app.jobs.request import TakeRequest
from engine.api import OccupancyFrame, Picture, Recipe
from engine.spec.clip import SceneClip


@dataclass(frozen=True, slots=True)
class Load:
    """Have both models of this recipe ready."""

    recipe: Recipe
    device: str


@dataclass(frozen=True, slots=True)
class Make:
    """Make a take. `serial` is what the shared integer holds when this job is to stop."""

    serial: int
    request: TakeRequest
    device: str


@dataclass(frozen=True, slots=True)
class Do:
    """Do an errand. `serial` as in Make."""

    serial: int
    errand: Errand


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw a draft: one frame, or a region of it with the rest held. Answered by one FrameMade, and Ended."""

    serial: int
    device: str
    recipe: Recipe
    """Without steps, a region gets the few of a draft and a whole frame the model's own."""
    clip: SceneClip
    """Of this one frame, or of two where `past` is given."""
    past: FrameMade | None = None
    """The clip's first frame: the second one is drawn with it as its history."""
    whole_steps: bool = False
    """Draw the region with the steps of a whole frame too."""
    before: FrameMade | None = None
    """The frame to start from; None draws all of it."""
    region: np.ndarray | None = None
    """bool (X, Y), given with `before`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish what is running, then end."""


Request = Load | Make | Do | Draw | Stop


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being loaded for job `serial` (0: to be warm)."""

    serial: int
    model: str
    """In words: occupancy 'compact'."""


@dataclass(frozen=True, slots=True)
class Loaded:
    serial: int
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Compiling:
    """Kernels are compiled that are not kept on disk yet; until the next answer, whatever that is."""

    serial: int = 0


@dataclass(frozen=True, slots=True)
class Progressed:
    serial: int
    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence for the user about a take that is made all the same."""

    serial: int
    sentence: str


@dataclass(frozen=True, slots=True)
class FrameMade:
    """One frame, which is on disk by now; the arrays travel deflated (they are mostly free space)."""

    serial: int
    index: int
    shape: tuple[int, int, int]
    semantics: bytes
    instances: bytes


@dataclass(frozen=True, slots=True)
class PictureMade:
    serial: int
    camera: str
    index: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """`state` is done, cancelled or failed; `sentence` says why where it failed."""

    serial: int
    state: str
    sentence: str = ""
    details: str = ""


Answer = Loading | Loaded | Compiling | Progressed | Noted | FrameMade | PictureMade | Ended


def pack(serial: int, frame: OccupancyFrame) -> FrameMade:
    return FrameMade(
        serial,
        frame.index,
        frame.semantics.shape,
        zlib.compress(np.ascontiguousarray(frame.semantics).tobytes(), 1),
        zlib.compress(np.ascontiguousarray(frame.instances).tobytes(), 1),
    )


def unpack(made: FrameMade) -> OccupancyFrame:
    semantics = np.frombuffer(zlib.decompress(made.semantics), np.uint8).reshape(made.shape)
    instances = np.frombuffer(zlib.decompress(made.instances), np.uint16).reshape(made.shape)
    return OccupancyFrame(made.index, semantics, instances)


def shown(serial: int, picture: Picture) -> PictureMade:
    return PictureMade(serial, picture.camera, picture.index, jpeg(picture))


def jpeg(picture: Picture) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture.rgb).save(data, "JPEG", quality=88)
    return data.getvalue()
