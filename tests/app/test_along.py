"""The take once more, from another path of the ego: one command shifts the path, as a step, and makes the take of it."""

from __future__ import annotations

import numpy as np
import pytest

from editor.clip import ego_pose_at
from engine.spec.take import Take


def made(page) -> dict:
    job = page.wait_for("job", lambda m: m["kind"] == "take" and m["state"] in ("done", "failed"))
    assert job["state"] == "done", job["message"]
    return job


def test_a_take_is_driven_once_more_along_another_path(studio):
    with studio.page("along") as page:
        page.wait_for("document")
        assert "No finished take" in page.command("novel_path", left_m=1.0)["error"]
        page.command("use_rig", name="nuscenes6")
        page.command("paint_stroke", channel="drivable_area", radius_m=6.0, points=[[-20, 0], [60, 0]])
        page.command("add_agent", class_name="car", x=14, y=0)
        page.send("generate", frames=2, preset="fake", until="video", seed=7)
        first = Take.open(made(page)["take"])
        assert "metres to the left" in page.command("novel_path", left_m=0.0)["error"]
        before = ego_pose_at(studio.workspaces.find("along").document, 0.0)
        assert page.command("novel_path", left_m=2.0, forward_m=-1.0)["ok"]
        patch = page.wait_for("patch", lambda m: m["can_undo"] == "Drive +2 m left, -1 m ahead")
        assert patch["ego"]["keyframes"][0][1:3] == pytest.approx([before.x_m - 1.0, before.y_m + 2.0])
        second = Take.open(made(page)["take"])
        told = second.info["recipe"]
        assert (told["occupancy"], told["seed"], told["world"]["take"], second.frame_count) == ("resampled", 7, first.folder.name, 2)
        np.testing.assert_allclose(second.world_SE3_ego[:, :2, 3] - first.world_SE3_ego[:, :2, 3], [[-1.0, 2.0]] * 2)
        # What stood 14 m ahead on the middle stands 15 m ahead and 2 m to the right: no new street.
        car = [np.argwhere(take.instances[0] > 0).mean(0) for take in (first, second)]
        np.testing.assert_allclose((car[1] - car[0])[:2] * 0.4, [1.0, -2.0], atol=0.45)
        assert {path.name for path in (second.folder / "video").iterdir()} == {path.name for path in (first.folder / "video").iterdir()}

        assert page.command("novel_path", left_m=1.0)["ok"]
        third = Take.open(made(page)["take"])
        assert third.info["recipe"]["world"]["take"] == first.folder.name, "the street is that of the first, not a copy of a copy"
        page.command("move", ids=["car-1"], dx=3, dy=0)
        assert "The scene has changed" in page.command("novel_path", left_m=1.0)["error"]
