"""The 3D view: viser behind the studio's port, and what is put into its scene."""

from __future__ import annotations

import re

import numpy as np
import pytest
import viser
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.server.proxy import client_page
from app.view3d import shapes
from app.view3d.scene import AHEAD, HELD, SceneView
from app.view3d.settings import Settings
from app.workspace.images import STRIP_WIDTH, strip_camera, strip_pixels
from app.workspace.shot import ShotMaker
from app.workspace.strip import voxel_key
from editor import commands
from editor.document import Document
from editor.entities import CameraEntity
from editor.session import Session
from engine.spec.camera import Camera
from engine.spec.geometry import Box, Pose


@pytest.fixture
def session() -> Session:
    session = Session(Document())
    commands.run(session, "paint_stroke", {"channel": "drivable_area", "radius_m": 5.0, "points": [[-20, 0], [40, 0]]})
    commands.run(session, "use_rig", {"name": "nuscenes6"})
    commands.run(session, "add_agent", {"class_name": "car", "x": 8.0, "y": 0.0})
    return session


@pytest.fixture
def view():
    dragged, picked = [], []
    view = SceneView(lambda *event: picked.append(event), lambda *event: dragged.append(event))
    yield view
    view.stop()


def names(view: SceneView) -> set[str]:
    return set(view.server.scene._handle_from_node_name)


def test_the_client_page_has_our_style_and_names_no_other_site():
    page = client_page().decode()
    assert "floating-panel" in page and "document.hasFocus = () => true" in page
    assert page.index("hasFocus = () => true") < page.index("</head>")
    outside = set(re.findall(r'(?:src|href|action)=["\']?(?:https?:)?//[^"\' >]+', page))
    assert outside == set()


def test_viser_is_reached_through_the_studio_and_only_with_the_token(studio):
    headers = {"Authorization": f"Bearer {studio.config.token}"}
    with studio.page("three-d") as page, studio.client() as http:
        page.wait_for("document")
        assert b"hasFocus" in http.get("/viser/three-d/").content
        assert http.get("/viser/nobody/").status_code == 404
        url = f"ws://127.0.0.1:{studio.port}/viser/three-d"
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, subprotocols=[f"viser-v{viser.__version__}"], proxy=None)
        with connect(url, additional_headers=headers, subprotocols=[f"viser-v{viser.__version__}"], max_size=2**26, proxy=None) as socket:
            assert socket.subprotocol == f"viser-v{viser.__version__}"
            assert len(socket.recv(timeout=20)) > 0
        port = studio.workspaces.find("three-d").screen.viser_port()
        assert port != studio.port


def test_a_shot_puts_voxels_boxes_cameras_and_path_into_the_scene(view, session):
    shot = ShotMaker().shoot(session.document, 0, None)
    view.update(shot, voxel_key(shot), (), keep=False, settings=Settings(frusta=True))
    found = names(view)
    cameras = {f"/cameras/{name}" for name in shot.camera_ids}
    assert len(cameras) == 6 and cameras <= found and {"/world/boxes", "/world/path", "/floor"} <= found
    assert sum(name.startswith("/voxels/") for name in found) == 1 and not any(name.startswith("/gizmo/") for name in found)


def test_the_gizmo_sits_on_the_camera_that_alone_is_selected(view, session):
    shot = ShotMaker().shoot(session.document, 0, None)
    first, second = shot.camera_ids[:2]
    view.update(shot, "a", (first,), keep=False)
    assert f"/gizmo/{first}" in names(view)
    view.update(shot, "a", (second,), keep=False)
    assert f"/gizmo/{first}" not in names(view) and f"/gizmo/{second}" in names(view)
    view.update(shot, "a", (first, second), keep=False)
    assert not any(name.startswith("/gizmo/") for name in names(view))


def test_what_is_gone_from_the_document_is_gone_from_the_scene(view, session):
    maker = ShotMaker()
    view.update(maker.shoot(session.document, 0, None), "a", (), keep=False)
    camera = maker.shoot(session.document, 0, None).camera_ids[0]
    agent = next(key for key, entity in session.document.entities.items() if type(entity).__name__ == "Agent")
    commands.run(session, "delete", {"ids": [camera, agent]})
    view.update(maker.shoot(session.document, 0, None), "b", (), keep=False)
    assert f"/cameras/{camera}" not in names(view) and "/world/boxes" not in names(view)


def test_the_browser_holds_only_so_many_frames(view, session):
    shot = ShotMaker().shoot(session.document, 0, None)
    for frame in range(HELD + 5):
        view.update(shot, frame, (), keep=True)
    assert len(voxels_of(view)) == HELD and sum(handle.visible for handle in voxels_of(view).values()) == 1
    view.update(shot, "lift", (), keep=False)
    assert sum(name.startswith("/voxels/") for name in names(view)) == 1


def test_a_step_through_a_take_finds_its_voxels_in_the_browser_forwards_and_back(view, session):
    shot = ShotMaker().shoot(session.document, 0, None)

    def step(frame: int) -> bool:
        """Whether its voxels had to be sent for it."""
        before = set(voxels_of(view))
        view.update(shot, frame, (), keep=True)
        sent = set(voxels_of(view)) - before
        for ahead in range(frame + 1, frame + 1 + AHEAD):
            view.preload(shot, ahead)
        held = voxels_of(view)
        assert len(held) <= HELD and [handle.visible for handle in held.values()].count(True) == 1, "the shown one stays, whatever is sent ahead"
        return bool(sent)

    assert step(0)
    assert not any(step(frame) for frame in range(1, 3 * HELD))
    assert not any(step(frame) for frame in range(3 * HELD - 2, 3 * HELD - 5, -1))
    assert step(0), "what was longest not wanted has gone"


def voxels_of(view: SceneView) -> dict[str, viser.GlbHandle]:
    return {name: handle for name, handle in view.server.scene._handle_from_node_name.items() if name.startswith("/voxels/")}


def test_poses_survive_the_way_to_viser_and_back():
    pose = Pose(1.0, -2.0, 3.0, 0.4, -0.3, 2.0)
    back = shapes.pose_of(*shapes.wxyz_position(pose.matrix()))
    assert np.allclose(back.matrix(), pose.matrix())


def test_box_edges_join_the_corners_of_the_box():
    points, colours = shapes.box_edges([Box(1, "car", (10.0, 0.0, 1.0), (4.0, 2.0, 1.6), np.pi / 2)])
    assert points.shape == (12, 2, 3) and colours.shape == (12, 2, 3)
    lengths = np.sort(np.linalg.norm(points[:, 0] - points[:, 1], axis=1))
    assert np.allclose(lengths, np.repeat([1.6, 2.0, 4.0], 4), atol=1e-5)
    assert np.allclose(points[..., 1].max(), 2.0) and np.allclose(points[..., 2].min(), 0.2)


def test_a_preview_of_any_shape_has_no_more_pixels_than_a_wide_one():
    for camera in (*session_cameras("av2_ring"), *session_cameras("nuscenes6")):
        for width in (STRIP_WIDTH, 256):
            small = strip_camera(camera, width)
            assert small.width * small.height <= 1.01 * strip_pixels(width) and small.width <= width
            assert small.width / small.height == pytest.approx(camera.width / camera.height, rel=0.01)
    assert {strip_camera(camera).width for camera in session_cameras("nuscenes6")} == {STRIP_WIDTH}


def session_cameras(rig: str) -> list[Camera]:
    session = Session(Document())
    commands.run(session, "use_rig", {"name": rig})
    return [entity.camera for entity in session.document.of(CameraEntity)]
