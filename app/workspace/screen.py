"""What a workspace's browsers see of its scene: the 3D view, the camera strip and the view from above, drawn by one thread, newest wins."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from app.view3d.live import Live
from app.view3d.settings import Settings
from app.workspace import text
from app.workspace.images import STRIP_WIDTH
from app.workspace.shot import Shot, ShotMaker
from app.workspace.strip import Strip, voxel_key
from editor import validate
from editor.clip import ego_pose_at, frame_count
from editor.document import Document
from editor.entities import CameraEntity, Keyframe
from engine.spec.geometry import Pose
from engine.spec.grid import RATE_HZ

if TYPE_CHECKING:
    from app.view3d.scene import SceneView
    from app.workspace.workspace import Send, Workspace


QUIET_S = 0.4
"""How long nothing may have changed before a scene is checked."""
LAYOUTS_AHEAD = 2
"""Frames of a layout that are sent to the 3D view before somebody comes to them."""
BROWSER_DRAWS_S = 0.15
"""What a browser needs for what it was sent, on the same processor: what is drawn ahead waits for it."""


class Screen:
    """Of one workspace, whose lock guards it."""

    def __init__(self, desk: Workspace) -> None:
        self._desk = desk
        self._view: SceneView | None = None
        self._shots = ShotMaker()
        self._strip = Strip(desk.name, desk.images)
        self._strip_widths: dict[Send, int] = {}
        """Of every browser that shows the workspace."""
        self._dragged: Document | None = None
        """The scene while a camera's gizmo is held."""
        self._beside = ThreadPoolExecutor(1, f"anyscene-3d-{desk.name}")
        """Updates the 3D view while the live thread draws the strip."""
        self._live: Live | None = None
        self._checks: Live | None = None
        self._checked: Document | None = None
        self._stood: tuple[Document, int] | None = None
        """The scene and the frame that were shown last."""
        self.problems: list[dict[str, object]] = []
        """What looks wrong in the scene that was checked last, as the page gets it."""
        self.settings = Settings()
        self.below: Shot | None = None
        """What was shown last, below any variant."""

    def start(self) -> None:
        """Once the workspace is complete."""
        self._live = Live(self._show, f"anyscene-live-{self._desk.name}")
        self._checks = Live(self._check, f"anyscene-checks-{self._desk.name}")

    def ask(self) -> None:
        """There is something else to show."""
        if self._live is not None:
            self._live.ask()
        if self._checks is not None:
            self._checks.ask()

    def seen_by(self, send: Send, strip_width: int = STRIP_WIDTH) -> None:
        """A browser shows the strip's pictures of 16:9 so many pixels wide."""
        with self._desk.lock:
            self._strip_widths[send] = min(max(strip_width, 1), STRIP_WIDTH)
        self.ask()

    def left_by(self, send: Send) -> None:
        with self._desk.lock:
            self._strip_widths.pop(send, None)

    def _check(self, superseded: Callable[[], bool]) -> None:
        """Body of the thread that looks for what is wrong in the scene."""
        with self._desk.lock:
            document = self._desk.document
        if document is self._checked or not self._desk.watched:
            return
        # While somebody drags, the answer would be late and in the way: it is looked for once they pause.
        time.sleep(QUIET_S)
        if superseded():
            return
        try:
            found = validate.problems(document)
        except Exception:
            self._desk.log.exception("the checks of the scene failed")
            return
        with self._desk.lock:
            self._checked = document
            self.problems = [{"sentence": one.sentence, "ids": list(one.ids), "time_s": one.time_s} for one in found]
            self._desk.broadcast({"type": "problems", "problems": self.problems})

    def viser_port(self) -> int:
        """Port of this workspace's 3D view, which is started on first use."""
        with self._desk.lock:
            if self._view is None:
                from app.view3d.scene import SceneView

                self._view = SceneView(self._picked, self.camera_dragged)
                self._view.on_watch(self.ask)
            return self._view.port

    def _picked(self, entity_id: str | None, more: bool) -> None:
        """A click in the 3D view; with `more` it adds to what is selected, or takes it away again."""
        chosen = [] if entity_id is None else [entity_id]
        before = list(self._desk.session.selection) if more else []
        self._desk.select([one for one in before if one not in chosen] + [one for one in chosen if one not in before])

    def set_view(self, follow: bool, frusta: bool, clip_m: float | None, *, home: bool = False) -> None:
        """What the 3D view shows beside the scene (app.view3d.settings); `home` takes every eye back to where it began."""
        with self._desk.lock:
            self.settings, view = Settings(follow, frusta, clip_m), self._view
        if home and view is not None:
            view.go_home()
        self.ask()

    def camera_dragged(self, entity_id: str, ego_SE3_camera: Pose, phase: str) -> None:
        """A gizmo moves: the strip follows, and the release is one command."""
        with self._desk.lock:
            entity = self._desk.document.entities.get(entity_id)
            if not isinstance(entity, CameraEntity):
                return
            pose = ego_SE3_camera
            if entity.mount == "world":
                pose = Pose.from_matrix(ego_pose_at(self._desk.document, self._desk.frame / RATE_HZ).matrix() @ pose.matrix())
            if phase == "end":
                self._dragged = None
                error = self._desk.command(
                    "set_camera", {"id": entity_id, "pose": [pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad, pose.pitch_rad, pose.roll_rad]}
                )
                if error:
                    self._desk.notice("error", error)
            elif phase == "update":
                in_world = entity.mount == "world"
                change = {"keyframes": (Keyframe(0.0, pose),)} if in_world else {"camera": replace(entity.camera, ego_SE3_camera=pose)}
                self._dragged = self._desk.document.with_entities(replace(entity, **change))
        self.ask()

    def _show(self, superseded: Callable[[], bool]) -> None:
        """Body of the live thread."""
        try:
            with self._desk.lock:
                document, frame, edits = self._dragged or self._desk.document, self._desk.frame, self._desk.edits
                shown, behind = self._desk.shelf.at(frame), self._desk.shelf.takes
                selection, view = self._desk.session.selection, self._view
                width = max(self._strip_widths.values(), default=STRIP_WIDTH)
            watched_3d = view is not None and view.watched
            if not self._desk.watched and not watched_3d:
                return
            shot = self._shots.shoot(document, frame, shown, behind=behind)
            if shot is None:
                return
            shot = self.below = self._desk.drafter.follow(shot, whole=not self._desk.variants.at(shot))
            shot = self._desk.variants.follow(shot)
            voxels = voxel_key(shot)
            step = self._step(document, frame)
            # Side by side: neither waits for the other, and a browser draws what comes first while the rest is made.
            in_3d = None
            if view is not None and watched_3d:
                in_3d = self._beside.submit(view.update, shot, voxels, selection, keep=bool(step) or shot.source != "lift", settings=self.settings)
            try:
                if self._desk.watched:
                    for message in self._strip.messages(shot, voxels, edits, width):
                        self._desk.broadcast(message)
            finally:
                if in_3d is not None:
                    in_3d.result()
            if view is not None and watched_3d:
                self._preload(view, shot, step, superseded)
            if self._desk.watched and abs(step) == 1 and shot.source != "draft":
                self._draw_ahead(shot, shot.frame + step, width, superseded)
        except ValueError as error:
            self._desk.notice("warn", str(error))
        except Exception as error:
            self._desk.log.exception("the live view failed")
            self._desk.notice("error", text.our_fault(error))

    def _step(self, document: Document, frame: int) -> int:
        """How many frames the playhead went since what was shown before; 0 if the scene is another."""
        before, self._stood = self._stood, (document, frame)
        return frame - before[1] if before is not None and before[0] is document else 0

    def _preload(self, view: SceneView, shot: Shot, step: int, superseded: Callable[[], bool]) -> None:
        """Have the frames that come next in the browser before they are shown: of a take those that would be played, of the layout those
        that somebody who goes through it frame by frame comes to."""
        from app.view3d.scene import AHEAD

        if shot.source == "take":
            ahead = range(shot.frame + 1, shot.frame + 1 + AHEAD)
        elif shot.source == "lift" and abs(step) == 1:
            ahead = range(shot.frame + step, shot.frame + (LAYOUTS_AHEAD + 1) * step, step)
        else:
            return
        for frame in ahead:
            if superseded() or not 0 <= frame < frame_count(shot.document):
                return
            following = self._shots.shoot(shot.document, frame, shot.take, superseded)
            if following is None or following.source != shot.source:
                return
            view.preload(following, voxel_key(following))

    def _draw_ahead(self, shot: Shot, frame: int, width: int, superseded: Callable[[], bool]) -> None:
        """The strip of the frame that somebody who goes through them one by one comes to next, drawn while they look at this one."""
        if not 0 <= frame < frame_count(shot.document) or self._live is None or not self._live.rests(BROWSER_DRAWS_S):
            return
        following = self._shots.shoot(shot.document, frame, shot.take, superseded, shot.behind)
        if following is not None and following.source == shot.source:
            self._strip.pictures(following, voxel_key(following), width, superseded)

    def clear(self) -> None:
        """Another document is opened."""
        self._dragged = None

    def close(self) -> None:
        """Ends after the work in hand."""
        if self._live is not None:
            self._live.close()
        if self._checks is not None:
            self._checks.close()
        self.rest()

    def rest(self) -> None:
        """Give back what an unwatched workspace does not need; the session stays."""
        with self._desk.lock:
            view, self._view = self._view, None
        if view is not None:
            view.stop()
