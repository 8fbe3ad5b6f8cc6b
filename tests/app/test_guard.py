"""Who gets in: names, origins, cookies, tokens, passwords and one-time links."""

from __future__ import annotations

import base64

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.config import AppConfig, ConfigError
from app.server.guard import Guard


async def _anything(request: Request) -> PlainTextResponse:
    return PlainTextResponse("in")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("in")
    await socket.close()


def client(config: AppConfig, host: str = "127.0.0.1:7860", links: list[str] | None = None) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", _anything, methods=["GET", "POST"]), WebSocketRoute("/ws/x", _socket)])
    guard = Guard(app, config, on_entry=(links.append if links is not None else lambda url: None))
    test_client = TestClient(guard, base_url=f"http://{host}", follow_redirects=False)
    test_client.guard = guard  # type: ignore[attr-defined]
    return test_client


SOCKET = "ws://127.0.0.1:7860/ws/x"
LOCAL = AppConfig(token="the-token")
REMOTE = AppConfig(host="0.0.0.0", token="the-token")


def test_a_plain_visit_of_the_page_is_handed_the_cookie_and_is_in_from_then_on():
    browser = client(LOCAL)
    assert browser.get("/api/jobs").status_code == 401
    first = browser.get("/", headers={"Sec-Fetch-Site": "none"})
    assert first.status_code == 200 and "HttpOnly" in first.headers["set-cookie"] and "SameSite=Lax" in first.headers["set-cookie"]
    assert browser.get("/api/jobs").text == "in"
    with browser.websocket_connect(SOCKET, headers={"origin": "http://127.0.0.1:7860"}) as socket:
        assert socket.receive_text() == "in"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:7860", "10.0.0.7:7860", "", "localhost@evil.example", "localhost;x"]
)
def test_another_host_name_is_refused_even_with_the_cookie(host):
    reply = client(LOCAL).get("/", headers={"host": host, "Authorization": "Bearer the-token"})
    assert reply.status_code == 403 and "set-cookie" not in reply.headers


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "localhost:8022", "[::1]:7860"])
def test_every_loopback_name_is_answered_whatever_port_a_tunnel_gives_it(host):
    assert client(LOCAL, host).get("/").status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:7860"])
def test_another_origin_is_refused_with_cookie_over_http_and_socket(origin):
    browser = client(LOCAL)
    browser.get("/")
    assert browser.post("/api/x", headers={"Origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(SOCKET, headers={"origin": origin}) as socket:
        socket.receive_text()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_does_not_get_the_cookie(site):
    reply = client(LOCAL).get("/", headers={"Sec-Fetch-Site": site})
    assert reply.status_code == 401 and "set-cookie" not in reply.headers


def test_a_socket_without_cookie_is_refused():
    with pytest.raises(WebSocketDisconnect), client(LOCAL).websocket_connect(SOCKET) as socket:
        socket.receive_text()


def test_a_bearer_token_lets_scripts_in_and_a_wrong_one_does_not():
    assert client(LOCAL).get("/api/x", headers={"Authorization": "Bearer the-token"}).status_code == 200
    assert client(LOCAL).get("/api/x", headers={"Authorization": "Bearer the-tokem"}).status_code == 401


def test_the_cookie_of_another_run_does_not_fit():
    assert client(LOCAL).get("/api/x", headers={"Cookie": "anyscene_7860=of-yesterday"}).status_code == 401


def test_a_studio_for_other_machines_hands_nothing_to_a_plain_visit():
    reply = client(REMOTE, "192.168.1.5:7860").get("/", headers={"Sec-Fetch-Site": "none"})
    assert reply.status_code == 401 and "set-cookie" not in reply.headers


def test_a_one_time_link_works_once_and_the_next_one_is_announced():
    links: list[str] = []
    browser = client(REMOTE, "192.168.1.5:7860", links)
    path = browser.guard.entry_path()  # type: ignore[attr-defined]
    reply = browser.get(path)
    assert reply.status_code == 303 and reply.headers["location"] == "/"
    assert browser.get("/").text == "in"
    browser.cookies.clear()
    assert browser.get(path).status_code == 401
    assert len(links) == 1 and links[0] != path
    assert browser.get(links[0]).status_code == 303


def test_user_and_password_are_asked_for_even_on_loopback():
    browser = client(AppConfig(auth="ann:se:cret", token="the-token"))
    asked = browser.get("/")
    assert asked.status_code == 401 and asked.headers["www-authenticate"].startswith("Basic")
    wrong = base64.b64encode(b"ann:guess").decode()
    assert browser.get("/", headers={"Authorization": f"Basic {wrong}"}).status_code == 401
    assert browser.get("/", headers={"Authorization": "Basic %%%"}).status_code == 401
    right = base64.b64encode(b"ann:se:cret").decode()
    assert browser.get("/", headers={"Authorization": f"Basic {right}"}).text == "in"
    # The cookie carries on, because browsers do not send passwords with sockets.
    with browser.websocket_connect(SOCKET) as socket:
        assert socket.receive_text() == "in"


def test_the_page_may_load_nothing_from_elsewhere():
    policy = client(LOCAL).get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'self'" in policy and "http:" not in policy.replace("ws://", "")


def test_health_needs_no_cookie_but_the_right_name():
    assert client(LOCAL).get("/api/health").status_code == 200
    assert client(LOCAL).get("/api/health", headers={"host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("setting", "word"), [({"auth": "nobody"}, "USER:PASSWORD"), ({"auth": ":x"}, "USER:PASSWORD"), ({"port": 70000}, "70000")]
)
def test_settings_that_make_no_sense_are_one_sentence(setting, word):
    with pytest.raises(ConfigError, match=word):
        AppConfig(**setting)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("studio.lan", False)],
)
def test_which_addresses_only_this_machine_reaches(host, loopback):
    assert AppConfig(host=host).loopback is loopback
