"""The endpoints that scripts use, through `gradio_client`, against the real application on loopback with its guard in front."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from gradio_client import Client
from gradio_client.exceptions import AppError, AuthenticationError

from app.config import AppConfig
from app.jobs.job import LIVE
from app.server.guard import Guard
from app.server.main import build, mount_page
from editor.entities import CameraEntity
from tests.app.conftest import PATIENCE_S

pytestmark = pytest.mark.timeout(900)
ENDPOINTS = {
    "/list_takes", "/generate", "/queue_state", "/cancel", "/move", "/retry", "/carry_on", "/evaluate", "/scores", "/export", "/exports", "/restore", "/matrix",
}  # fmt: skip


@dataclass
class Script:
    """What a person's script has: the address, the token, a client."""

    url: str
    config: AppConfig
    client: Client

    def call(self, name: str, **fields: Any) -> Any:
        return self.client.predict(api_name=f"/{name}", **fields)

    def ended(self, job: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + 3 * PATIENCE_S
        while True:
            (found,) = [one for one in self.call("queue_state") if one["id"] == job["id"]]
            if found["state"] not in LIVE:
                return found
            assert time.monotonic() < deadline, f"the job is still '{found['state']}'"
            time.sleep(0.2)

    def http(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.config.token}"}, trust_env=False)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    config = AppConfig(port=0, preset="fake", workspace=tmp_path_factory.mktemp("workspace"), example="crossing", warm=False)
    app = build(config)
    desk = app.state.workspaces.get("default")
    cameras = [one.id for one in desk.document.of(CameraEntity)]
    assert desk.command("delete", {"ids": cameras[1:]}) is None, "one camera is enough"
    server = uvicorn.Server(uvicorn.Config(Guard(mount_page(app, config), config), port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline and thread.is_alive(), "the studio did not start"
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    headers = {"Authorization": f"Bearer {config.token}"}
    yield Script(url, config, Client(f"{url}/", headers=headers, httpx_kwargs={"trust_env": False}, verbose=False, analytics_enabled=False))
    server.should_exit = True
    thread.join(20)


def test_every_endpoint_tells_its_schema(script):
    told = script.client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    names = {one["parameter_name"]: one["python_type"]["type"] for one in told["/generate"]["parameters"]}
    assert names["frames"] == "int" and names["views"] == "str" and names["workspace"] == "str"
    assert set(told) == ENDPOINTS, "what the page itself calls is nobody else's"


def test_nobody_gets_in_without_the_token(script):
    for path in ("/gradio_api/info", "/config", "/gradio_api/call/list_takes", "/api/exports/x.zip", "/api/thumbnail/x"):
        assert httpx.get(f"{script.url}{path}", trust_env=False).status_code == 401
    refused = httpx.post(f"{script.url}/gradio_api/call/list_takes", json={"data": []}, trust_env=False)
    assert refused.status_code == 401
    foreign = {"Authorization": f"Bearer {script.config.token}", "Origin": "http://evil.example"}
    assert httpx.post(f"{script.url}/gradio_api/call/list_takes", json={"data": []}, headers=foreign, trust_env=False).status_code == 403


def test_a_script_generates_measures_hands_over_and_restores(script):
    job = script.call("generate", frames=2, seed=5, prompt="night")
    done = script.ended(job)
    assert done["state"] == "done" and done["kind"] == "take" and done["recipe"]["prompt"] == "night"
    (take,) = [one for one in script.call("list_takes") if one["name"] == job["name"]]
    assert take["seed"] == 5 and take["frames"] == 2 and take["state"] == "current" and take["can_restore"]
    assert script.http(take["thumbnail"]).headers["content-type"] == "image/jpeg"

    assert script.call("scores", take=take["name"]) == {}
    assert script.ended(script.call("evaluate", take=take["name"]))["state"] == "done"
    assert script.call("scores", take=take["name"])["takes"][0]["bev_versus_layout"]["miou"] == 100

    assert script.ended(script.call("export", take=take["name"], format="mp4"))["state"] == "done"
    (handed,) = script.call("exports", take=take["name"])
    with zipfile.ZipFile(io.BytesIO(script.http(handed["url"]).content)) as archive:
        assert any(name.endswith(".mp4") for name in archive.namelist()) and archive.testzip() is None

    script.call("generate", frames=1, until="layout", prompt="snow")
    (take,) = [one for one in script.call("list_takes") if one["name"] == job["name"]]
    assert take["state"] == "variant", "another prompt for the same scene"
    assert script.call("restore", take=take["name"]) == {"scene": take["scene"], "take": take["name"]}
    (take,) = [one for one in script.call("list_takes") if one["name"] == job["name"]]
    assert take["state"] == "current", "the scene is as it was when the take was made"


def test_a_matrix_is_a_job_a_cell_and_seed_and_one_of_them_can_be_called_off(script):
    slow = script.call("generate", frames=48, preset="fake:2", until="occupancy")
    words = {"weathers": ["clear", "rain"], "lights": ["day", "night"]}
    jobs = script.call("matrix", **words, seeds=3, frames=1, views="fake")
    assert len(jobs) == 12 and len({(one["item"], one["recipe"]["seed"]) for one in jobs}) == 12
    assert [one["position"] for one in jobs] == list(range(1, 13))
    assert {one["item"] for one in jobs} == {"day, clear", "day, rain", "night, clear", "night, rain"}
    assert script.call("move", job=jobs[11]["id"], place=1)[1]["id"] == jobs[11]["id"]
    script.call("cancel", job=jobs[4]["id"])
    left = [one["id"] for one in script.call("queue_state") if one["state"] == "queued" and one["item"]]
    assert len(left) == 11 and left[0] == jobs[11]["id"] and jobs[4]["id"] not in left
    # One of them is enough to be made here.
    for one in jobs[:4] + jobs[5:11]:
        script.call("cancel", job=one["id"])
    script.call("cancel", job=slow["id"])
    assert script.ended(jobs[11])["state"] == "done"
    made = {one["name"]: one for one in script.call("list_takes")}
    assert made[jobs[11]["name"]]["prompt"].endswith("night, rain") and jobs[4]["name"] not in made
    again = script.ended(script.call("retry", job=jobs[4]["id"]))
    assert again["state"] == "done" and again["item"] == jobs[4]["item"] and again["name"] != jobs[4]["name"]


@pytest.mark.parametrize(
    ("name", "fields", "word"),
    [
        ("cancel", {"job": "job-999"}, "nothing to cancel"), ("retry", {"job": "job-999"}, "There is no job"),
        ("move", {"job": "job-999", "place": 1}, "does not wait"),
        ("evaluate", {"take": "../../etc"}, "There is no take"), ("restore", {"take": "none"}, "There is no take"),
        ("generate", {"frames": -3}, "cannot be made"),
        ("generate", {"until": "tomorrow"}, "tomorrow"), ("matrix", {"weathers": [], "lights": ["day"]}, "Nothing is chosen"),
        ("list_takes", {"workspace": "../x"}, "letters, digits"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_sentence(script, name, fields, word):
    with pytest.raises(AppError, match=word):
        script.call(name, **fields)


def test_on_this_machine_the_first_visit_of_the_page_lets_a_script_in(script):
    cookies = httpx.get(script.url, trust_env=False).cookies
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    client = Client(f"{script.url}/", headers=headers, httpx_kwargs={"trust_env": False}, verbose=False, analytics_enabled=False)
    assert isinstance(client.predict(api_name="/list_takes"), list)
    with pytest.raises(AuthenticationError, match="credentials"):
        Client(f"{script.url}/", headers={"Cookie": "anyscene_0=guessed"}, httpx_kwargs={"trust_env": False}, verbose=False)
