"""One workspace: a session on a document, the playhead, the take that is shown, and everybody who watches.

Commands come from sockets, camera drags from viser's threads, frames from the worker's thread: one lock orders them all.
Messages are handed to the watchers while it is held, so that every browser sees revisions in order.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import messages, text
from app.bridge import Shot, ShotMaker, ShownTake, take_request
from app.config import AppConfig
from app.drafts import Drafter
from app.images import ImageCache
from app.jobs import Job, JobStore
from app.protocol import Answer, FrameMade, PictureMade
from app.strip import Strip, voxel_key
from app.variants import Variants
from app.view.live import Live
from editor.clip import ego_pose_at, frame_count
from editor.commands import run
from editor.document import Document, EditError
from editor.entities import CameraEntity, Keyframe
from editor.files import autosave
from editor.files.autosave import Autosave
from editor.session import Session
from engine.presets import check
from engine.spec.geometry import Pose
from engine.spec.grid import RATE_HZ

if TYPE_CHECKING:
    from app.view.scene import SceneView

Send = Callable[[Mapping[str, object]], None]
"""Hands one message to one browser; returns at once and never raises."""


class Workspace:
    """Safe to use from any thread."""

    def __init__(self, name: str, document: Document, config: AppConfig, jobs: JobStore) -> None:
        self.name = name
        self.config = config
        self.jobs = jobs
        self.images = ImageCache()
        self.lock = threading.RLock()
        self.rev = 0
        self.frame = 0
        self.saved_path: Path | None = None
        self.shown: ShownTake | None = None
        self.log = logging.getLogger(f"anyscene.workspace.{name}")
        self.last_used = time.monotonic()
        self._watchers: frozenset[Send] = frozenset()
        self._last_notice = ("", 0.0)
        self._dragged: Document | None = None
        self._view: SceneView | None = None
        self._shots = ShotMaker()
        self._take_told: dict[str, object] | None = None
        self._strip = Strip(name, self.images)
        self._begin(document, saved=True)
        self._live = Live(self._show, f"anyscene-live-{name}")
        self.drafter = Drafter(name, jobs, config.device, changed=self._live.ask, failed=self._drafts_failed)
        self.variants = Variants(name, jobs, config.device, changed=self._tell_variants, failed=partial(self.notice, "warn"))
        self.on_screen: Shot | None = None
        """What was shown last, below any variant."""

    # Watchers.

    def join(self, send: Send) -> None:
        """A browser arrives: it gets the whole document, the jobs under way, the take and the strip."""
        with self.lock:
            self._watchers |= {send}
            self.last_used = time.monotonic()
            send(messages.document(self))
            for job in self.jobs.of(self.name):
                if job.live:
                    send(job.to_json(self.jobs.position(job)))
            if self.shown is not None:
                send(self._take_message())
            send({"type": "live", "on": self.drafter.on})
            send(self.variants.message())
        self._live.ask()

    def leave(self, send: Send) -> None:
        with self.lock:
            self._watchers -= {send}
            self.last_used = time.monotonic()

    @property
    def watched(self) -> bool:
        return bool(self._watchers)

    def broadcast(self, message: Mapping[str, object]) -> None:
        """To every browser. Takes no lock: the writer of drafts calls it, and whoever holds the lock may wait for that one."""
        for send in self._watchers:
            send(message)

    def notice(self, level: str, sentence: str) -> None:
        """One sentence to everybody; the same one not twice in five seconds."""
        now = time.monotonic()
        if self._last_notice[0] == sentence and now - self._last_notice[1] < 5:
            return
        self._last_notice = (sentence, now)
        self.broadcast({"type": "notice", "level": level, "text": sentence})

    # Editing.

    @property
    def document(self) -> Document:
        return self.session.document

    def command(self, name: str, args: Mapping[str, object], reply: Callable[[str | None], None] = lambda error: None) -> str | None:
        """Run one command of editor.commands. `reply` gets None or the sentence of a refusal before anybody gets the patch."""
        with self.lock:
            before, selection = self.session.document, self.session.selection
            error = None
            try:
                run(self.session, name, dict(args))
            except EditError as refusal:
                error = str(refusal)
            except Exception as fault:
                self.log.exception("command '%s' failed", name)
                error = text.our_fault(fault)
            changed = self.session.document is not before or self.session.selection != selection
            if changed:
                self.rev += 1
            reply(error)
            if changed:
                self.broadcast(messages.patch(self, before))
                self._after_edit(before)
        return error

    def select(self, ids: list[str]) -> None:
        self.command("select", {"ids": ids})

    def move_playhead(self, frame: int) -> None:
        with self.lock:
            self.frame = min(max(int(frame), 0), frame_count(self.document) - 1)
        self._live.ask()

    def replace(self, document: Document, *, path: Path | None, saved: bool) -> None:
        """Go on with another document; the one before stays in the drafts where it was not saved."""
        with self.lock:
            self._end_drafts()
            self.drafter.forget()
            self.saved_path = path
            self._begin(document, saved)
            self.shown, self._take_told, self.frame, self._dragged = None, None, 0, None
            self.rev += 1
            self.broadcast(messages.document(self))
            self.broadcast({"type": "take", "id": None})
        self.variants.discard_all()

    def saved_to(self, path: Path, document: Document) -> None:
        with self.lock:
            self.saved_path = path
            self.session.mark_saved(document)
            self._autosave.saved_as(str(path))
            self.rev += 1
            self.broadcast(messages.patch(self, self.document))
            self.broadcast({"type": "saved", "path": str(path), "at": time.time()})

    def _after_edit(self, before: Document) -> None:
        if self.session.document is not before:
            self.frame = min(self.frame, frame_count(self.document) - 1)
            self._tell_take()
            self.variants.make_room()
        self._live.ask()

    def _begin(self, document: Document, saved: bool) -> None:
        self.session = Session(document)
        if saved:
            self.session.mark_saved()
        else:
            self.session.mark_unsaved()
        # A folder for each run and each document: what an earlier run left stays on offer until somebody tidies up.
        self._draft_folder = self.config.drafts / f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        path = str(self.saved_path) if self.saved_path is not None else None
        self._autosave = Autosave(self.session, self._draft_folder, owner=self.name, project_path=path, on_status=self._draft_status)

    def poll(self) -> None:
        """Write a draft if one is due; called about twice a second."""
        with self.lock:
            self._autosave.poll()

    def _draft_status(self, level: str, sentence: str) -> None:
        """Called by the thread that writes drafts."""
        if level == "info":
            self.broadcast({"type": "autosaved", "at": time.time()})
        else:
            self.log.warning("%s", sentence)
            self.notice(level, sentence)

    def _end_drafts(self) -> None:
        self._autosave.close()
        if not any(self._draft_folder.glob(autosave.PATTERN)):
            shutil.rmtree(self._draft_folder, ignore_errors=True)

    # Generation.

    def generate(self, message: Mapping[str, object]) -> Job:
        """Put a job in line. Raises ValueError (one sentence) for a request that makes no sense."""
        with self.lock:
            document, shown = self.document, self.shown
        request = take_request(document, message, self.config, shown)
        self.drafter.call_off()
        return self.jobs.submit(self.name, request)

    def _tell_variants(self) -> None:
        self.broadcast(self.variants.message())
        self._live.ask()

    def set_live(self, on: bool, preset: str, seed: int) -> None:
        """Whether edits are answered with drafts, and what draws them. Raises PresetError where there is no such preset."""
        check(preset)
        self.drafter.switch(on, preset, seed)
        self.broadcast({"type": "live", "on": on})

    def _drafts_failed(self, sentence: str) -> None:
        """Called by the drafter, which has switched itself off."""
        self.broadcast({"type": "live", "on": False})
        self.notice("warn", f"Live drafts are switched off. {sentence}")

    def on_job(self, job: Job, message: Mapping[str, object], answer: Answer | None) -> None:
        """News of a job of ours, in order, from the store's thread."""
        with self.lock:
            self.last_used = time.monotonic()
            self.broadcast(message)
            if isinstance(answer, FrameMade):
                if self.shown is None or self.shown.id != job.id:
                    self.shown = ShownTake.of_job(job)
                self.shown.made[answer.index] = answer
            shown = self.shown
            if shown is None or shown.id != job.id:
                return
            if isinstance(answer, PictureMade):
                shown.pictures[answer.camera, answer.index] = answer.jpeg
            shown.stage = str(message["stage"]) or shown.stage
            if not job.live:
                shown.frames = job.frames_kept or shown.frames
                self._settle(job, shown)
            self._tell_take()
            here = self.frame - shown.start_frame
        if isinstance(answer, FrameMade | PictureMade) and answer.index == here or not job.live:
            self._live.ask()

    def _settle(self, job: Job, shown: ShownTake) -> None:
        """Where its folder knows more than we do, the folder is shown: what each frame was made from, a frame that nobody told of."""
        if shown.made and (job.request.basis is not None or len(shown.made) < shown.frames):
            try:
                shown.settle()
            except ValueError as damage:
                self.notice("warn", str(damage))

    def show_take(self, path: Path) -> None:
        """Show a take of the folder of takes."""
        taken = ShownTake.from_folder(path)
        with self.lock:
            self.shown = taken
            self._tell_take()
        self._live.ask()

    def _take_message(self) -> dict[str, object]:
        shown = self.shown
        if shown is None:
            return {"type": "take", "id": None}
        return {
            "type": "take", "id": shown.id, "path": str(shown.path), "frames": shown.frames, "start_frame": shown.start_frame, "stage": shown.stage,
            "stale": shown.is_stale(self.document), "seed": shown.recipe.seed,
        }  # fmt: skip

    def _tell_take(self) -> None:
        message = self._take_message()
        if self.shown is not None and message != self._take_told:
            self._take_told = message
            self.broadcast(message)

    # The live view: 3D and camera strip.

    def viser_port(self) -> int:
        """Port of this workspace's 3D view, which is started on first use."""
        with self.lock:
            if self._view is None:
                from app.view.scene import SceneView

                self._view = SceneView(self._picked, self._camera_dragged)
                self._view.on_watch(self._live.ask)
            return self._view.port

    def _picked(self, entity_id: str) -> None:
        self.select([entity_id])

    def _camera_dragged(self, entity_id: str, ego_SE3_camera: Pose, phase: str) -> None:
        """A gizmo moves: the strip follows, and the release is one command."""
        with self.lock:
            entity = self.document.entities.get(entity_id)
            if not isinstance(entity, CameraEntity):
                return
            pose = ego_SE3_camera
            if entity.mount == "world":
                pose = Pose.from_matrix(ego_pose_at(self.document, self.frame / RATE_HZ).matrix() @ pose.matrix())
            if phase == "end":
                self._dragged = None
                error = self.command(
                    "set_camera", {"id": entity_id, "pose": [pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad, pose.pitch_rad, pose.roll_rad]}
                )
                if error:
                    self.notice("error", error)
            elif phase == "update":
                in_world = entity.mount == "world"
                change = {"keyframes": (Keyframe(0.0, pose),)} if in_world else {"camera": replace(entity.camera, ego_SE3_camera=pose)}
                self._dragged = self.document.with_entities(replace(entity, **change))
        self._live.ask()

    def _show(self, superseded: Callable[[], bool]) -> None:
        """Body of the live thread."""
        try:
            with self.lock:
                document, frame, shown = self._dragged or self.document, self.frame, self.shown
                selection, view = self.session.selection, self._view
            watched_3d = view is not None and view.watched
            if not self.watched and not watched_3d:
                return
            shot = self._shots.shoot(document, frame, shown)
            if shot is None:
                return
            shot = self.on_screen = self.drafter.follow(shot, whole=not self.variants.at(shot))
            shot = self.variants.follow(shot)
            voxels = voxel_key(shot)
            if view is not None and watched_3d:
                view.update(shot, voxels, selection, keep=shot.source != "lift")
            if self.watched:
                self._send_strip(shot, voxels)
            if view is not None and watched_3d and shot.source == "take":
                self._preload(view, shot, superseded)
        except ValueError as error:
            self.notice("warn", str(error))
        except Exception as error:
            self.log.exception("the live view failed")
            self.notice("error", text.our_fault(error))

    def _send_strip(self, shot: Shot, voxels: Hashable) -> None:
        for message in self._strip.messages(shot, voxels):
            self.broadcast(message)

    def _preload(self, view: SceneView, shot: Shot, superseded: Callable[[], bool]) -> None:
        """Have the frames after the playhead in the browser before they are played."""
        shown = shot.take
        if shown is None:
            return
        for frame in range(shot.frame + 1, shown.start_frame + shown.frames):
            if superseded() or not shown.holds(frame):
                return
            ahead = self._shots.shoot(shot.document, frame, shown)
            if ahead is None or not view.preload(ahead, voxel_key(ahead)):
                return

    def rest(self) -> None:
        """Give back what an unwatched workspace does not need; the session stays."""
        with self.lock:
            view, self._view = self._view, None
        if view is not None:
            view.stop()

    def close(self) -> None:
        with self.lock:
            self._end_drafts()
        self.drafter.forget()
        self._live.close()
        self.rest()
