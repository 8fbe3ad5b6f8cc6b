"""The whole application with its Gradio page: what is served where, and what is never loaded."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

import pytest
from starlette.testclient import TestClient

from app.config import AppConfig, ConfigError
from app.server.guard import Guard
from app.server.main import _listen, build, mount_page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    config = AppConfig(preset="fake", workspace=tmp_path_factory.mktemp("page"), warm=False)
    app = mount_page(build(config), config)
    with TestClient(Guard(app, config), base_url="http://127.0.0.1:7860") as client:
        yield client


def test_the_page_opens_at_once_on_loopback_and_asks_no_other_site_for_anything(browser):
    page = browser.get("/", headers={"Sec-Fetch-Site": "none"})
    assert page.status_code == 200 and "gradio" in page.text and "/studio/" in page.text
    loaded = re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//([^"'/]+)""", page.text)
    assert set(loaded) <= {"127.0.0.1:7860"}, f"the page loads from {loaded}"


def test_our_routes_are_not_shadowed_by_the_page(browser):
    browser.get("/")
    assert browser.get("/api/health").json() == {"ok": True, "engine": "off"}
    script = browser.get("/studio/main.js")
    assert script.status_code == 200 and script.headers["content-type"].startswith("text/javascript")
    assert browser.get("/config").status_code == 200, "Gradio's own routes must stay reachable"
    for outside in (
        "/studio/node_modules/typescript/package.json",
        "/studio/../config.py",
        "/studio/%2e%2e/config.py",
        "/studio/package.json~",
        "/studio/",
    ):
        assert browser.get(outside).status_code == 404, outside


def test_a_studio_that_nobody_asks_for_anything_rests(tmp_path):
    code = (
        "import pathlib, time\nfrom starlette.testclient import TestClient\nfrom app.config import AppConfig\nfrom app.server.main import build, mount_page\n"
        f"config = AppConfig(preset='fake', workspace=pathlib.Path({str(tmp_path)!r}), warm=False)\n"
        "with TestClient(mount_page(build(config), config)) as client:\n"
        "    client.get('/api/health')\n"
        "    time.sleep(1.0)\n"
        "    before = time.process_time()\n"
        "    time.sleep(3.0)\n"
        "    print((time.process_time() - before) / 3.0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert float(answer.stdout) < 0.025, "of a core; Gradio's queue alone took 0.055"


def test_gradio_and_everything_else_is_behind_the_guard(browser):
    browser.cookies.clear()
    for path in ("/config", "/gradio_api/info", "/studio/main.js", "/api/takes/x", "/viser/default/", "/api/ws/default/jobs"):
        assert browser.get(path).status_code == 401, path


def test_a_port_that_is_taken_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="another --port"):
            _listen(AppConfig(port=taken.getsockname()[1]))


def test_accepted_connections_send_at_once():
    """Without the protocol's number asyncio leaves Nagle's delay on, and acknowledgements take 45 ms."""
    listener = _listen(AppConfig(port=0))
    assert listener.proto == socket.IPPROTO_TCP
    listener.close()


def test_the_page_process_never_loads_torch(tmp_path):
    code = (
        "import sys, pathlib\nfrom app.config import AppConfig\nfrom app.server import main\n"
        f"config = AppConfig(port=0, preset='fake', workspace=pathlib.Path({str(tmp_path)!r}), warm=False)\n"
        "app = main.build(config)\napp.state.workspaces.get('default').screen.viser_port()\n"
        "import engine.render; engine.render.warm_up()\n"
        "print('torch' in sys.modules)\napp.state.workspaces.close()"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert answer.stdout.split() == ["False"], answer.stderr[-2000:]
