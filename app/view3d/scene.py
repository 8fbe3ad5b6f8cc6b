"""What the 3D view shows, kept in step with the shots: voxels, boxes, the ego and its path, cameras and the gizmo of the selected one.

The view's root is the ego at the playhead: voxels sit in it as they are, and everything of the world hangs under one node
that carries ego_SE3_world. So the ego stays where it is on the screen and the world moves past, and a frame switch is one message.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable

import numpy as np
import rich
import viser

from app.view3d import eye, shapes
from app.view3d.moment import Moment
from app.view3d.picking import pick
from app.view3d.settings import Settings
from editor.clip import boxes_at
from editor.document import Document
from editor.entities import Agent, CameraEntity
from engine.render.mesh import surface_mesh, to_glb
from engine.spec.geometry import Box, Pose, invert
from engine.spec.grid import RATE_HZ

log = logging.getLogger("anyscene.view")

HELD = 16
"""Frames whose voxels the browser holds; 49 of them cost it 317 MB."""
AHEAD = 11
"""Frames that are sent ahead of the playhead: fewer than are held, for the way back."""
CACHED_GLB = 64
ACCENT = (88, 196, 255)
CAMERA = (205, 212, 222)
BACKGROUND = (16, 18, 22)
EGO = (70, 176, 214)
_USUAL = Settings()


class SceneView:
    """One workspace's viser server. `update` and the callbacks run on different threads; viser locks its own state."""

    def __init__(self, on_select: Callable[[str | None, bool], None], on_camera: Callable[[str, Pose, str], None]) -> None:
        """`on_select(id, more)` hears of a click: on what, None for nothing, and whether it is chosen beside what is selected. `on_camera(id,
        pose, phase)` hears of a camera dragged by its gizmo: phase 'update' many times, then 'end'."""
        # viser announces every server on the terminal, in a box, whatever `verbose` says.
        rich.get_console().quiet = True
        self.server = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
        self.port = self.server.get_port()
        self._on_select, self._on_camera = on_select, on_camera
        self._voxels: OrderedDict[Hashable, viser.GlbHandle] = OrderedDict()
        self._glbs: OrderedDict[Hashable, bytes] = OrderedDict()
        self._number = 0
        self._cameras: dict[str, tuple[CameraEntity, bool, viser.CameraFrustumHandle]] = {}
        self._gizmo: tuple[str, viser.TransformControlsHandle] | None = None
        self._dragging = False
        self._shown_key: Hashable = None
        self._drawn: dict[str, object] = {}
        self._shot: Moment | None = None
        self._settings = Settings()
        self._set_stage()

    @property
    def watched(self) -> bool:
        """Whether any browser looks at it."""
        return bool(self.server.get_clients())

    def on_watch(self, callback: Callable[[], None]) -> None:
        """`callback` runs whenever a browser connects."""
        self.server.on_client_connect(lambda client: callback())

    def update(self, shot: Moment, key: Hashable, selection: Iterable[str], *, keep: bool, settings: Settings = _USUAL) -> None:
        """Show a shot. `key` names its voxels (equal keys, equal voxels); `keep` holds them in the browser for playback."""
        before, self._shot, self._settings = self._shot, shot, settings
        key = key, settings.clip_m
        with self.server.atomic():
            if key != self._shown_key:
                self._show_voxels(shot, key, keep)
            self._draw_world(shot, frozenset(selection))
        if before is not None and not settings.follow:
            poses = before.clip.world_SE3_ego[0], shot.clip.world_SE3_ego[0]
            if not np.array_equal(*poses):
                eye.stay_in_world(self.server, *poses)

    def go_home(self) -> None:
        """Every browser sees the scene as it did when it came."""
        eye.go_home(self.server)

    def preload(self, shot: Moment, key: Hashable) -> None:
        """Send a frame's voxels ahead of time, hidden; what was longest not wanted goes for it."""
        key = key, self._settings.clip_m
        if key not in self._voxels:
            with self.server.atomic():
                self._voxels[key] = self._add_voxels(shot, key, visible=False)
        self._wanted(key)

    def _wanted(self, key: Hashable) -> None:
        """Its voxels stay longest; of all that are held the shown ones never go."""
        self._voxels.move_to_end(key)
        self._drop([other for other in self._voxels if other != self._shown_key][: max(0, len(self._voxels) - HELD)])

    def stop(self) -> None:
        self.server.stop()

    def _set_stage(self) -> None:
        scene = self.server.scene
        scene.set_up_direction("+z")
        scene.world_axes.visible = False
        # Nothing of ours casts or takes a shadow; viser would draw three empty shadow maps with every picture.
        scene.configure_default_lights(cast_shadow=False)
        scene.set_background_image(np.full((1, 1, 3), BACKGROUND, np.uint8), format="png")
        self.server.gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False)
        eye.set_home(self.server)
        self.server.on_client_connect(lambda client: client.camera.on_update(eye.keeper()))
        scene.on_click()(lambda event: self._clicked(event, more=False))
        scene.on_click(modifier="shift")(lambda event: self._clicked(event, more=True))
        scene.add_grid(
            "/floor", 160.0, 160.0, cell_size=10.0, section_size=40.0, cell_color=(38, 42, 50), section_color=(52, 58, 68), fade_distance=150.0,
            position=(0.0, 0.0, -0.45),
        )  # fmt: skip
        self._world = scene.add_frame("/world", show_axes=False)
        for number, (middle, size) in enumerate(shapes.ego_body()):
            scene.add_box(f"/ego/{number}", EGO, tuple(size), position=tuple(middle), opacity=0.82, cast_shadow=False, receive_shadow=False)

    def _clicked(self, event: viser.SceneClickEvent, more: bool) -> None:
        if self._shot is not None:
            ray = np.asarray(event.ray_origin, np.float64), np.asarray(event.ray_direction, np.float64)
            self._on_select(pick(self._shot, *ray, self._cameras, self._settings.clip_m), more)

    def _show_voxels(self, shot: Moment, key: Hashable, keep: bool) -> None:
        before = self._voxels.get(self._shown_key)
        handle = self._voxels.get(key)
        if handle is None:
            handle = self._add_voxels(shot, key, visible=True)
            self._voxels[key] = handle
        else:
            handle.visible = True
        if before is not None and before is not handle:
            before.visible = False
        self._shown_key = key
        if not keep:
            self._drop([other for other in self._voxels if other != key])
        self._wanted(key)

    def _drop(self, keys: list[Hashable]) -> None:
        for key in keys:
            self._voxels.pop(key).remove()

    def _add_voxels(self, shot: Moment, key: Hashable, visible: bool) -> viser.GlbHandle:
        glb = self._glbs.get(key)
        if glb is None:
            glb = self._glbs[key] = to_glb(surface_mesh(shot.occupancy.semantics, shot.clip.grid, z_below_m=self._settings.clip_m))
            while len(self._glbs) > CACHED_GLB:
                self._glbs.popitem(last=False)
        self._number += 1
        return self.server.scene.add_glb(f"/voxels/{self._number}", glb, visible=visible, cast_shadow=False, receive_shadow=False)

    def _draw_world(self, shot: Moment, selection: frozenset[str]) -> None:
        document, time_s = shot.document, shot.frame / RATE_HZ
        self._world.wxyz, self._world.position = shapes.wxyz_position(invert(shot.clip.world_SE3_ego[0]))
        # Unchanged entities are the same objects, so identity says what needs drawing again.
        agents = tuple(document.of(Agent))
        self._redraw("boxes", (agents, shot.frame, document.ego), lambda: self._boxes(boxes_at(document, time_s), shot))
        chosen = {agent.instance_id for agent in agents if agent.id in selection}
        boxes = [box for box in boxes_at(document, time_s) if box.instance_id in chosen] if chosen else []
        boxes += [shapes.ego_in_world(shot.clip.world_SE3_ego[0])] if "ego" in selection else []
        self._redraw("selected", (agents, shot.frame, selection, document.ego), lambda: self._selected(boxes))
        self._redraw("path", (document.ego, document.duration_s), lambda: self._path(document))
        self._draw_cameras(shot, selection)

    def _redraw(self, name: str, inputs: tuple[object, ...], draw: Callable[[], None]) -> None:
        before = self._drawn.get(name)
        if not (isinstance(before, tuple) and _same(before, inputs)):
            self._drawn[name] = inputs
            draw()

    def _lines(self, name: str, points: np.ndarray, colours: np.ndarray | tuple[int, int, int], thickness: float) -> None:
        if len(points):
            self.server.scene.add_line_segments(f"/world/{name}", points, colours, thickness=thickness)
        else:
            self.server.scene.remove_by_name(f"/world/{name}")

    def _boxes(self, boxes: list[Box], shot: Moment) -> None:
        """Outside the window that is generated nothing fills them, so they are dimmed there."""
        within = shapes.inside(boxes, shot.clip.world_SE3_ego[0], shot.clip.grid)
        points, colours = shapes.box_edges([box for box, near in zip(boxes, within, strict=True) if near])
        self._lines("boxes", points, colours, 0.03)
        points, colours = shapes.box_edges([box for box, near in zip(boxes, within, strict=True) if not near])
        self._lines("far", points, shapes.dimmed(colours, BACKGROUND), 0.02)

    def _selected(self, boxes: list[Box]) -> None:
        self._lines("selected", shapes.box_edges(boxes)[0], ACCENT, 0.09)

    def _path(self, document: Document) -> None:
        self._lines("path", shapes.ego_track(document), ACCENT, 0.08)

    def _draw_cameras(self, shot: Moment, selection: frozenset[str]) -> None:
        wanted = (entity for entity in shot.document.of(CameraEntity) if entity.enabled)
        entities = {one.id: one for one in wanted if self._settings.frusta or one.id in selection or one.mount != "ego"}
        for gone in self._cameras.keys() - entities.keys():
            self._cameras.pop(gone)[2].remove()
        poses = {name: shot.clip.camera_pose(0, number) for number, name in enumerate(shot.camera_ids)}
        for entity in entities.values():
            if entity.id not in poses:
                continue
            wxyz, position = shapes.wxyz_position(poses[entity.id])
            chosen = entity.id in selection
            known = self._cameras.get(entity.id)
            if known is None or known[0].camera is not entity.camera or known[1] != chosen:
                handle = self._add_frustum(entity, chosen, wxyz, position)
                self._cameras[entity.id] = (entity, chosen, handle)
            else:
                known[2].wxyz, known[2].position = wxyz, position
        self._place_gizmo(entities, poses, selection)

    def _add_frustum(self, entity: CameraEntity, chosen: bool, wxyz: np.ndarray, position: np.ndarray) -> viser.CameraFrustumHandle:
        fov, aspect = shapes.frustum(entity.camera)
        return self.server.scene.add_camera_frustum(
            f"/cameras/{entity.id}", fov, aspect, scale=shapes.FRUSTUM_SCALE, thickness=0.04, color=ACCENT if chosen else CAMERA,
            wxyz=wxyz, position=position, cast_shadow=False, receive_shadow=False, variant="filled" if chosen else "wireframe",
        )  # fmt: skip

    def _place_gizmo(self, entities: dict[str, CameraEntity], poses: dict[str, np.ndarray], selection: frozenset[str]) -> None:
        """Handles on the camera that alone is selected; one on a path has its keyframes for that."""
        alone = next(iter(selection)) if len(selection) == 1 else ""
        entity = entities.get(alone)
        wanted = alone if entity is not None and entity.mount != "path" and alone in poses else None
        if self._gizmo is not None and self._gizmo[0] != wanted:
            self._gizmo[1].remove()
            self._gizmo, self._dragging = None, False
        if wanted is None:
            return
        wxyz, position = shapes.wxyz_position(poses[wanted])
        if self._gizmo is None:
            handle = self.server.scene.add_transform_controls(f"/gizmo/{wanted}", scale=1.6, wxyz=wxyz, position=position, depth_test=False)
            self._gizmo = (wanted, handle)
            handle.on_update(self._dragged)
        elif not self._dragging:
            self._gizmo[1].wxyz, self._gizmo[1].position = wxyz, position

    async def _dragged(self, event: viser.TransformControlsEvent) -> None:
        """async, because viser then keeps the phases in order."""
        if self._gizmo is None:
            return
        self._dragging = event.phase != "end"
        self._on_camera(self._gizmo[0], shapes.pose_of(event.target.wxyz, event.target.position), event.phase)


def _same(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    """Whether two inputs are the same objects, looking one level into tuples; small values by equality."""
    if len(before) != len(after):
        return False
    for a, b in zip(before, after, strict=True):
        if a is b:
            continue
        if isinstance(a, tuple) and isinstance(b, tuple):
            if len(a) != len(b) or any(x is not y for x, y in zip(a, b, strict=True)):
                return False
        elif isinstance(a, int | float | frozenset) and a == b:
            continue
        else:
            return False
    return True
