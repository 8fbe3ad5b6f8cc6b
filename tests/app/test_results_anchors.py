"""Pictures that videos begin from, as the studio keeps them; and the outlines that lie over a picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app.config import AppConfig
from app.workspace import anchors
from app.workspace.bridge import take_request
from app.workspace.outlines import NOTHING, edges
from editor.document import EditError
from editor.samples import SAMPLES
from engine.api import TakesAnchors
from engine.spec.classes import CLASS_RGB
from engine.views import registry

PNG = io.BytesIO()
Image.new("RGB", (8, 6), (9, 99, 199)).save(PNG, "PNG")


def test_a_picture_is_kept_once_and_goes_into_the_request(tmp_path):
    config = AppConfig(workspace=tmp_path)
    name = anchors.keep(PNG.getvalue(), config)
    assert anchors.keep(PNG.getvalue(), config) == name and len(list((tmp_path / "anchors").iterdir())) == 1
    asked = {"preset": "compact", "views": "compact", "frames": 1, "anchors": {"CAM_FRONT": name}}
    request = take_request(SAMPLES["crossing"](), asked, config)
    assert request.anchor_pictures()["CAM_FRONT"][0, 0].tolist() == [9, 99, 199]


@pytest.mark.parametrize("data", [b"", b"GIF89a", PNG.getvalue()[:20], b"<svg/>"])
def test_what_is_no_picture_is_refused(tmp_path, data):
    with pytest.raises(EditError, match="no PNG or JPEG"):
        anchors.keep(data, AppConfig(workspace=tmp_path))
    assert not list((tmp_path / "anchors").glob("*")) if (tmp_path / "anchors").exists() else True


@pytest.mark.parametrize(
    ("asked", "views", "word"),
    [({"A": "x"}, "drawn", "begins from no picture"), ({"A": "../../etc/passwd"}, "compact", "drop it again"), (["x"], "compact", "must be an object")],
)
def test_an_anchor_that_cannot_be_is_refused_in_a_sentence(tmp_path, asked, views, word):
    with pytest.raises(EditError, match=word):
        anchors.named(asked, views, AppConfig(workspace=tmp_path))


def test_the_registry_says_truly_who_begins_from_a_picture():
    said = {name: registry.VIEWS[name].takes_anchors for name in ("fake", "compact")}
    assert said == {name: isinstance(registry.load(name, "cpu"), TakesAnchors) for name in said}


def test_outlines_are_one_pixel_wide_and_belong_to_what_is_nearer():
    semantic, instance = np.full((6, 8), NOTHING, np.uint8), np.zeros((6, 8), np.uint16)
    semantic[3:], semantic[2:5, 2:5], instance[2:5, 2:5] = 11, 4, 7
    drawn = edges(semantic, instance)
    marked = drawn[..., 3] > 0
    assert marked[2, 2:5].all() and marked[2:5, 2].all() and marked[2:5, 4].all() and not marked[3, 3], "the agent's rim, not its middle"
    assert marked[3, 0] and marked[3, 7] and not marked[:2].any(), "the horizon belongs to the ground; the sky has no line"
    assert (drawn[2, 3, :3] == CLASS_RGB[4]).all() and not marked[5].any()
