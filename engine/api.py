"""What the studio asks of an engine: an occupancy model makes frames of a layout, a view model makes pictures of those frames.

The two are chosen apart. Nothing here imports torch, so that the page can speak this language before the worker has loaded a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from engine.spec.camera import Camera
from engine.spec.clip import SceneClip
from engine.spec.take import Take

if TYPE_CHECKING:
    from engine.views.scene import ViewScene

VIEWS = "drawn"
"""The view model where nobody names another."""


@dataclass(frozen=True, slots=True, eq=False)
class OccupancyFrame:
    """One generated frame."""

    index: int
    semantics: np.ndarray
    """uint8 (X, Y, Z), class ids; 20 is free."""
    instances: np.ndarray
    """uint16 (X, Y, Z), 0 where there is no instance."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What, besides the clip, decides a take. Same clip, same recipe, same machine kind: same bytes."""

    occupancy: str = "compact"
    """Name of the occupancy model."""
    views: str = VIEWS
    """Name of the view model (`engine.views.registry`)."""
    seed: int = 0
    steps: int | None = None
    """Sampler steps of the occupancy; None takes the model's own."""
    guidance: float | None = None
    """Classifier-free guidance scale of the occupancy; None takes the model's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Buffers:
    """Geometry of one camera at one frame, all (height, width, ...)."""

    semantic: np.ndarray
    """uint8 class id, 255 = nothing hit."""
    depth: np.ndarray
    """float32 metres along the camera's z, 0 = nothing hit."""
    coordinate: np.ndarray
    """float32 (H, W, 3) hit point, metres in the ego frame of the clip's frame 0; NaN = nothing hit."""
    normal: np.ndarray
    """float32 (H, W, 3) outward face normal in the ego frame of this frame; 0 = nothing hit."""
    instance: np.ndarray
    """uint16 instance id, 0 = none."""
    plucker: np.ndarray
    """float32 (H, W, 6) [d, o x d] in the ego frame of the clip's frame 0."""


@dataclass(frozen=True, slots=True, eq=False)
class GBuffers:
    """What a view model drew of one camera at one frame, before the light: its own geometry and materials, all (height, width, ...)."""

    albedo: np.ndarray
    """uint8 (H, W, 3), sRGB."""
    normal: np.ndarray
    """float32 (H, W, 3) outward, in the ego frame of this frame; 0 = nothing."""
    depth: np.ndarray
    """float32 metres along the camera's z, 0 = sky."""
    coordinate: np.ndarray
    """float32 (H, W, 3) metres in the ego frame of the clip's frame 0; NaN = nothing."""
    roughness: np.ndarray
    """uint8, 0 mirrors, 255 is matt."""
    metallic: np.ndarray
    """uint8, 255 is metal."""
    material: np.ndarray
    """uint8, in the view model's own numbering; 0 = nothing."""
    semantic: np.ndarray
    """uint8 class id, 255 = nothing."""
    instance: np.ndarray
    """uint16 instance id, 0 = none."""
    motion: np.ndarray
    """float32 (H, W, 2) pixels (right, down) from here to where this point is in the next frame's picture; 0 in the last frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One frame of one camera's video."""

    camera: str
    index: int
    rgb: np.ndarray
    """uint8 (H, W, 3)."""


Cancelled = Callable[[], bool]
"""Asked between steps; True ends the work within one step."""


class OccupancyModel(Protocol):
    """What makes occupancy of a layout, loaded on one device."""

    facts: dict[str, object]
    """Weights' hashes, sampler, library versions: goes into take.json."""
    frame_steps: int
    """Sampler steps of a frame at full quality, where the recipe names none."""

    def occupancy(
        self,
        clip: SceneClip,
        recipe: Recipe,
        cancelled: Cancelled,
        continue_from: OccupancyFrame | None = None,
        world: Take | None = None,
        earlier: Iterable[OccupancyFrame] = (),
    ) -> Iterator[OccupancyFrame]:
        """Frames in order, each as soon as it is done; ends early where `cancelled()` says so.

        With `continue_from`, a frame of this clip at its own index, only the frames after it are made, and it is the first one's history; the
        frames `earlier` than it, in order, show what agents looked like, to a model that remembers that.
        With `world`, an earlier take, what the clip does not ask otherwise of is taken over from it. Raises ValueError where it is of another grid.
        """
        ...

    def redraw(
        self, clip: SceneClip, before: OccupancyFrame, region: np.ndarray, recipe: Recipe, cancelled: Cancelled
    ) -> OccupancyFrame | None:
        """The frame `before` with the bool `region` (X, Y) drawn anew under the layout and boxes of `clip`'s first frame.

        Outside the region not one voxel differs, neither in class nor in id. `before` must be of the clip's grid and ego pose;
        `recipe.steps` None takes the few steps of a draft. None where cancelled; an empty region gives `before` itself.
        """
        ...


class ViewModel(Protocol):
    """What makes pictures of a take's occupancy, loaded on one device."""

    facts: dict[str, object]
    """Weights' hashes, library versions: goes into take.json."""
    order: Literal["frame", "camera"]
    """Whether pictures come frame by frame (all cameras of a frame together, beside the occupancy) or camera by camera (after all of it)."""

    def size(self, camera: Camera) -> Camera:
        """The same camera at the size at which this model draws it; the buffers of a take share that size."""
        ...

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """Words of a prompt that this model does not understand, in their order, to be told to the user."""
        ...

    def pictures(self, scene: ViewScene, arrived: Iterator[int], cancelled: Cancelled) -> Iterator[Picture]:
        """Pictures of the scene's cameras; ends early where `cancelled()` says so.

        `arrived` yields the frames' indices in order, each once it is there: pulling the next one makes that frame. So a model of order
        'frame' draws all cameras of a frame before it pulls again, and a model of order 'camera' pulls to the end first.
        """
        ...


@runtime_checkable
class DrawsGBuffers(Protocol):
    """A view model that can hand over what it drew before the light."""

    def gbuffers(self, scene: ViewScene, index: int) -> Iterator[tuple[str, GBuffers]]:
        """(camera's name, G-buffers) of every camera at one frame, which has arrived."""
        ...


@runtime_checkable
class TakesAnchors(Protocol):
    """A view model that begins from pictures of the first frame (`ViewScene.reference`) and gives the other views their light and colours."""

    takes_anchors: bool


class Models(Protocol):
    """The two models of a recipe. Each is loaded when it is first asked for, so asking raises ValueError where it cannot be."""

    @property
    def occupancy(self) -> OccupancyModel: ...

    @property
    def views(self) -> ViewModel: ...
