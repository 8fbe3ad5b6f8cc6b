"""One take, from Document to folder. The command line makes it in process, the studio in its worker process.

The stages go on side by side over one writer: whoever draws pulls the next frame, so a frame's pictures and buffers are made before
the next frame's occupancy, and nothing but the frame in hand is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path

from app.jobs.basis import occupancy_digest
from app.jobs.job import kept_frames
from app.jobs.request import SEEN, STAGES, TakeRequest
from app.jobs.stopwatch import Stopwatch
from editor.clip import occupancy_edits_at
from editor.document import Document, EditError
from editor.entities import OccupancyEdit
from editor.files import project
from engine.api import Buffers, Cancelled, DrawsGBuffers, Models, OccupancyFrame, Picture, TakesAnchors, ViewModel
from engine.render.edits import apply_occupancy_edits
from engine.spec.clip import SceneClip
from engine.spec.grid import RATE_HZ
from engine.spec.take import TakeError
from engine.views.look import parts
from engine.views.scene import ViewScene, frames_from
from engine.write import TakeWriter

SCENE = "scene.anyscene"
"""The document that a take was asked of, in its folder."""
_WATCHING = "watching"
"""No stage: seconds of whoever looks on are no seconds of the take."""
Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total) after each piece of a stage: a frame ('layout', 'occupancy'), or one camera at one frame
('buffers', 'video'). Occupancy is told of until the first piece of the last stage is there, from then on that stage: it has the last word."""


class TakeCancelled(Exception):
    """The work was called off. What was finished is in `folder`, which opens as a shorter take."""

    def __init__(self, folder: Path, frames: int) -> None:
        super().__init__(f"Cancelled: {kept_frames(frames)} in {folder}.")
        self.folder = folder
        self.frames = frames


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Watch:
    """Who is told what while a take is made, and who calls it off."""

    progress: Progress = _nothing
    cancelled: Cancelled = lambda: False
    on_clip: Callable[[SceneClip], None] = _nothing
    """Gets what is to be made, before the first frame."""
    on_frame: Callable[[OccupancyFrame], None] = _nothing
    """Gets each frame with the occupancy edits on it, once it is on disk."""
    on_picture: Callable[[Picture], None] = _nothing
    """Gets each picture, once it is on disk."""
    note: Callable[[str], None] = _nothing
    """Gets a sentence for the user about a take that is made all the same."""


_NOBODY = Watch()


def make_take(request: TakeRequest, models: Models, watch: Watch = _NOBODY) -> Path:
    """Write one take and return its folder; every frame is on disk before the next is computed.

    A model is asked for only where it has something to make: views of a finished take need no occupancy model. Raises ValueError (one
    sentence) before anything is written for a request that makes no sense or a model that cannot run here; TakeCancelled where
    `watch.cancelled()` said so.
    """
    making = _Making(request, models, watch)
    if request.until != "layout":
        frames = making.arriving()
        if request.until == "video":
            making.draw(frames)
        for _ in frames:
            pass  # what no view model pulled is made for its own sake
    return making.finish()


class _Making:
    """A take in the making: one writer, and the stages that write through it."""

    def __init__(self, request: TakeRequest, models: Models, watch: Watch) -> None:
        self.request, self.watch = request, watch
        self.recipe = request.recipe if request.basis is None else request.basis.recipe(request.recipe)
        self.clock = Stopwatch()
        with self.clock.of("layout"):
            clip = request.clip()
        # Both models before the first byte: a take that cannot be finished is not begun.
        self.views = models.views if request.until in SEEN else None
        self.occupancy = models.occupancy if request.makes_occupancy else None
        if request.gbuffers and not isinstance(self.views, DrawsGBuffers):
            raise EditError(f"View model '{self.recipe.views}' draws no G-buffers: leave them out, or choose another view model.")
        if request.anchors and not isinstance(self.views, TakesAnchors):
            raise EditError(f"View model '{self.recipe.views}' begins from no picture: leave the anchor out, or choose 'compact'.")
        anchors, self.world = request.anchor_pictures(), request.remembered()
        if self.world is not None and (self.world.grid.shape, self.world.grid.origin_m) != (clip.grid.shape, clip.grid.origin_m):
            raise EditError(f"Take '{self.world.folder.name}' is of grid '{self.world.grid.name}' and the scene of '{clip.grid.name}': leave the world out.")
        if self.world is not None and (undone := undone_edits(self.world.folder, request.document)):
            one = undone == 1
            are = "edit of occupancy that the scene has no more and that stays" if one else "edits of occupancy that the scene has no more and that stay"
            watch.note(f"The world of take '{self.world.folder.name}' has {undone} {are}: leave the world out to be rid of that.")
        with self.clock.of("layout"):
            if self.views is not None:
                clip = replace(clip, cameras=tuple(self.views.size(camera) for camera in clip.cameras))
            self.kept = None if request.basis is None or request.until != "video" else request.basis.pictures(clip)
            clip = clip if self.kept is None else self.kept.clip(clip)
            self.clip = clip
            self.writer = TakeWriter(request.out, clip, self._facts(self._not_understood()))
            # What it was made from travels with it, to be opened again.
            project.save(request.document, request.out / SCENE)
            given = {} if self.kept is None else self.kept.given
            self.scene = ViewScene(clip, self.recipe, frames_from(request.out), reference=anchors, given=given, on_cast=self._keep)
        self.frames = self.pieces = 0
        self.written: set[tuple[int, int]] = set()
        self.pictures = len(clip) * len(clip.cameras) if self.kept is None else self.kept.made
        watch.on_clip(clip)
        watch.progress("layout", len(clip), len(clip))

    def arriving(self) -> Iterator[int]:
        """Every frame, once it is on disk. What else a frame needs is made when the next one is asked for."""
        self.watch.progress("occupancy", 0, len(self.clip))
        for frame in self.clock.each("occupancy", self._occupancy()):
            with self.clock.of("occupancy"):
                self.writer.add_occupancy(frame)
            self.frames += 1
            with self.clock.of(_WATCHING):
                self.watch.on_frame(frame)
            if self.pieces == 0:
                self.watch.progress("occupancy", self.frames, len(self.clip))
            yield frame.index
            if self.views is not None:
                with self.clock.of("buffers"):
                    self._look(frame.index, self.views)
        if self.frames == len(self.clip):
            self.writer.stage("occupancy")
        if self.request.until == "video" and self.pieces == 0:
            self.watch.progress("video", 0, self.pictures)

    def draw(self, frames: Iterator[int]) -> None:
        """Pictures in the order in which the view model draws them."""
        assert self.views is not None
        drawn = self._drawn(self.views, frames)
        for picture, new in self.clock.each("video", ((one, True) for one in drawn) if self.kept is None else self.kept.merged(drawn)):
            if self.watch.cancelled():
                return
            with self.clock.of("video"):
                self.writer.add_picture(picture)
            if new:
                self.watch.on_picture(picture)
                self._told("video")

    def _drawn(self, views: ViewModel, frames: Iterator[int]) -> Iterator[Picture]:
        """What the view model draws. One that draws frame by frame is shown the cameras and frames alone that are made anew; any other sees what
        is kept too, to agree with it."""
        if self.kept is None or views.order != "frame" or isinstance(views, TakesAnchors):
            return views.pictures(self.scene, frames, self.watch.cancelled)
        numbers = [number for number, camera in enumerate(self.clip.cameras) if camera.name in self.kept.drawn]
        poses = None if self.clip.ego_SE3_cameras is None else self.clip.ego_SE3_cameras[:, numbers]
        clip = replace(self.clip, cameras=tuple(self.clip.cameras[number] for number in numbers), ego_SE3_cameras=poses)
        read = frames_from(self.request.out)
        scene = ViewScene(clip, self.recipe, read, on_cast=lambda index, at, seen: self._keep(index, numbers[at], seen))
        return views.pictures(scene, islice(frames, self.kept.end), self.watch.cancelled)

    def finish(self) -> Path:
        """Close the take. Raises TakeCancelled where it was called off."""
        if self.watch.cancelled():
            self._close()
            raise TakeCancelled(self.request.out, self.frames)
        if self.request.until in SEEN and self.pieces < self.pictures:
            raise TakeError(
                f"View model '{self.recipe.views}' stopped after {self.pieces} of {self.pictures} pictures: report this view model."
            )
        self.writer.stage(self.request.until)
        self._close()
        if self.kept is not None:
            self.kept.copy_whole(self.request.out)
        return self.request.out

    def _close(self) -> None:
        self.writer.finish(self.clock.seconds(STAGES), self.clock.first_pieces(STAGES))

    def _occupancy(self) -> Iterator[OccupancyFrame]:
        """Kept frames, then generated ones with the document's occupancy edits on them. Frames that are only seen anew get those too."""
        kept, request = None, self.request
        for kept in request.basis.occupancy() if request.basis is not None else ():
            if self.watch.cancelled():
                return
            yield edited(kept, request.document, self.clip) if request.basis is not None and request.basis.seen_anew else kept
        if self.occupancy is not None:
            earlier = () if request.basis is None else request.basis.occupancy()
            for frame in self.occupancy.occupancy(self.clip, self.recipe, self.watch.cancelled, kept, self.world, earlier):
                yield edited(frame, request.document, self.clip)

    def _look(self, index: int, views: ViewModel) -> None:
        """Buffers of every camera at one frame, those that the view model did not ask for; and G-buffers where they are wanted."""
        for number in range(len(self.clip.cameras)):
            if self.watch.cancelled():
                return
            if (index, number) not in self.written:
                self.scene.buffers(index, number)
        if self.request.gbuffers and isinstance(views, DrawsGBuffers):
            for camera, drawn in views.gbuffers(self.scene, index):
                if self.watch.cancelled():
                    return
                self.writer.add_gbuffers(camera, index, drawn)

    def _keep(self, index: int, number: int, buffers: Buffers) -> None:
        """A camera was cast, for whomever: it goes to disk at once, so that it need not be cast again for that."""
        if (index, number) in self.written:
            return
        self.written.add((index, number))
        with self.clock.of("buffers"):
            self.writer.add_buffers(self.clip.cameras[number].name, index, buffers)
        if self.request.until == "buffers":
            self._told("buffers")

    def _told(self, stage: str) -> None:
        self.pieces += 1
        self.watch.progress(stage, self.pieces, self.pictures)

    def _not_understood(self) -> tuple[str, ...]:
        """Words of the prompt that change nothing, told to the user."""
        if self.views is None or self.request.until != "video":
            return ()
        words, names = self.views.unknown_words(self.clip.prompt), [camera.name for camera in self.clip.cameras]
        if strangers := [name for name in parts(self.clip.prompt)[1] if name not in names]:
            told = " and ".join(f"'{name}'" for name in strangers)
            self.watch.note(f"The prompt speaks to camera {told}, which this take does not have ({', '.join(names)}): that part is not used.")
        if words:
            told = ", ".join(f"'{word}'" for word in dict.fromkeys(words))
            self.watch.note(f"View model '{self.recipe.views}' does not understand {told} in the prompt: it draws as if that were not there.")
        return words

    def _facts(self, not_understood: tuple[str, ...]) -> dict[str, object]:
        """For take.json: what was asked for, and the facts of each model that had a part in it."""
        request = self.request
        models: dict[str, object] = {}
        if self.occupancy is not None:
            models["occupancy"] = self.occupancy.facts
        if self.views is not None:
            models["views"] = self.views.facts | ({"words_not_understood": not_understood} if not_understood else {})
        asked: dict[str, object] = {"scene": request.document.name, "start_s": self.clip.start_s, "frames": len(self.clip), "until": request.until}
        if self.kept is not None:
            asked["kept_pictures"] = {"take": self.kept.folder.name, "cameras": self.kept.whole, "made_frames": [self.kept.first, self.kept.end]}
        if self.world is not None:
            asked["world"] = {"take": self.world.folder.name, "sha256": occupancy_digest(self.world.folder, self.world.frame_count)}
        if request.anchors:
            asked["anchors"] = {name: sha256(path.read_bytes()).hexdigest() for name, path in request.anchors.items()}
        return {**asdict(self.recipe), "models": models, **asked, **(request.basis.facts() if request.basis is not None else {})}


def undone_edits(world: Path, document: Document) -> int:
    """How many edits of occupancy are on the frames of an earlier take and not in the document; 0 where the take does not say."""
    try:
        before = project.load(world / SCENE).of(OccupancyEdit)
    except project.ProjectError:
        return 0
    return len(set(before) - set(document.of(OccupancyEdit)))


def edited(frame: OccupancyFrame, document: Document, clip: SceneClip) -> OccupancyFrame:
    """One generated frame with the document's occupancy edits replayed on top, those whose span holds it."""
    at = round(clip.start_s * RATE_HZ) + frame.index
    semantics, instances = apply_occupancy_edits(
        frame.semantics, frame.instances, occupancy_edits_at(document, at / RATE_HZ), at, clip.grid, clip.world_SE3_ego[frame.index]
    )
    return replace(frame, semantics=semantics, instances=instances)
