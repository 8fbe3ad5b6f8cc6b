"""Reports of takes and of engines, and the page that shows them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from engine.api import OccupancyFrame, Recipe
from engine.metrics.page import render_page
from engine.metrics.pictures import AGREES, BACKGROUND, EXTRA, MISSING, difference_picture
from engine.metrics.procedural import evaluate_procedural
from engine.metrics.report import evaluate
from engine.metrics.scene import Watch, evaluate_scene
from engine.occupancy.fake import FakeOccupancy
from engine.spec.classes import CHANNEL, CLASS, FREE
from engine.spec.clip import SceneClip
from engine.spec.geometry import Box
from engine.spec.grid import OCC3D
from engine.spec.take import TakeError
from engine.write import TakeWriter

GRID = OCC3D.crop(40)


def clip(frames: int = 3) -> SceneClip:
    layouts = np.zeros((frames, 15, *GRID.bev_shape), np.uint8)
    layouts[:, CHANNEL["drivable_area"], :, :20] = 1
    layouts[:, CHANNEL["car"], 10:20, 5:10] = 1
    car = Box(7, "car", (-2.0, -5.0, 0.8), (4.0, 2.0, 1.6), 0.0)
    return SceneClip(layouts, ((car,),) * frames, np.tile(np.eye(4), (frames, 1, 1)), grid=GRID)


def write(folder: Path, seed: int = 0, spoil: bool = False, frames: int = 3, preset: str = "fake") -> Path:
    """A take of the lift; `spoil` takes the car away and builds a house."""
    scene = clip(frames)
    writer = TakeWriter(folder, scene, {"preset": preset, "seed": seed})
    for frame in FakeOccupancy().occupancy(scene, Recipe(), lambda: False):
        semantics = frame.semantics.copy()
        if spoil:
            semantics[semantics == CLASS["car"]] = FREE
            semantics[30:34, 30:34, 2:8] = CLASS["manmade"]
        writer.add_occupancy(OccupancyFrame(frame.index, semantics, frame.instances))
    writer.stage("occupancy")
    writer.finish({})
    return folder


def test_a_take_is_scored_and_set_against_the_truth(tmp_path: Path) -> None:
    report = evaluate([write(tmp_path / "made", spoil=True)], against=write(tmp_path / "truth"))
    (take,) = report["takes"]
    assert take["bev_versus_layout"]["per_channel"] == {"car": 0.0, "drivable_area": 100.0}
    assert report["bev_versus_layout"] == take["bev_versus_layout"]
    assert take["instances"]["recall"]["vehicles"] == {"asked": 3, "recall": 0.0}
    assert take["invention"]["class_share"] == {"manmade": 100.0}
    assert take["bev_versus_layout_by_horizon"] == [{"frames": "0-7", "from_s": 0.0, "miou": 50.0, "iou": 100.0}]
    versus = report["against"]
    assert versus["occupancy"]["per_class"] == {"car": 0.0, "driveable_surface": 100.0}
    assert versus["bev_top_down"]["per_class"] == {"driveable_surface": 100.0}
    assert 0 < versus["rayiou"]["rayiou"] < 100 and versus["rayiou"]["per_class"]["car"] == 0
    assert versus["occupancy_by_horizon"][0]["miou"] == 50.0
    assert json.loads(json.dumps(report)) == report
    perfect = evaluate([tmp_path / "truth"], against=tmp_path / "truth")["against"]
    assert perfect["occupancy"]["miou"] == perfect["rayiou"]["rayiou"] == perfect["bev_top_down"]["iou"] == 100


def test_takes_that_differ_in_their_seed_alone_give_diversity(tmp_path: Path) -> None:
    a, b, other = write(tmp_path / "a", 0), write(tmp_path / "b", 1, spoil=True), write(tmp_path / "c", 2, preset="another")
    (group,) = evaluate([a, b, other])["diversity"]
    assert group["takes"] == [str(a), str(b)]
    assert group["unpainted_columns_that_differ"] == 2.0 and group["painted_columns_same_top_class"] == 93.75
    assert "diversity" not in evaluate([a, other])


def test_what_cannot_be_compared_is_refused_in_a_sentence(tmp_path: Path) -> None:
    a, longer = write(tmp_path / "a"), write(tmp_path / "longer", frames=4)
    with pytest.raises(TakeError, match="compare takes of the same frames"):
        evaluate([a], against=longer)
    with pytest.raises(TakeError, match="name one"):
        evaluate([a, longer], against=a)
    with pytest.raises(ValueError, match="4 or more"):
        evaluate([a], held_out=2)
    empty = TakeWriter(tmp_path / "empty", clip(), {})
    empty.finish({})
    with pytest.raises(TakeError, match="no occupancy to evaluate"):
        evaluate([tmp_path / "empty"])


def test_the_difference_map_tells_missing_from_extra() -> None:
    layout = np.zeros((15, *GRID.bev_shape), np.uint8)
    layout[CHANNEL["walkway"], :2] = 1
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[1:3, :, 2] = CLASS["sidewalk"]
    picture = difference_picture(semantics, layout)[::-1, ::-1]
    assert [tuple(picture[x, 0]) for x in range(4)] == [MISSING, AGREES, EXTRA, BACKGROUND]


def test_the_page_is_self_contained_and_escapes_what_a_take_says(tmp_path: Path) -> None:
    made = write(tmp_path / "made", preset="<script>alert(1)</script>", spoil=True)
    report = evaluate([made], against=write(tmp_path / "truth"), held_out=4)
    page = tmp_path / "page.html"
    render_page(report, [made], page)
    text = page.read_text()
    assert text.count('src="data:image/png;base64,') == text.count("<img") == 6
    assert not re.search(r'(src|href)="(?!data:)|@import|url\(|https?://', text)
    assert "<script" not in text and "&lt;script&gt;" in text
    for words in ("BEV versus layout", "vehicles", "Recipe", "RayIoU", "legacy", "Invention against held-out worlds"):
        assert words in text
    render_page(evaluate([made, tmp_path / "truth"]), [made, tmp_path / "truth"], page)
    assert page.read_text().count("<img") == 12 and list(tmp_path.glob(".*")) == []


def test_an_engine_is_measured_on_worlds_never_trained_on(tmp_path: Path) -> None:
    asked: list[SceneClip] = []
    seeds: list[int] = []

    class Watched(FakeOccupancy):
        def occupancy(self, clip, recipe, cancelled):  # type: ignore[no-untyped-def]
            asked.append(clip)
            seeds.append(recipe.seed)
            return super().occupancy(clip, recipe, cancelled)

    steps: list[tuple[str, int, int]] = []
    report = evaluate_procedural(
        Watched(), frames=5, frames_per_world=2, held_out=4, grid=GRID, progress=lambda *step: steps.append(step)
    )
    result = report["procedural"]
    assert seeds == [0, 1, 2], "no two worlds are drawn with the same dice"
    assert [len(clip) for clip in asked] == [2, 2, 1] and result["worlds"] == 3 and result["frames"] == 5
    assert result["bev_versus_layout"]["miou"] > 97  # the lift obeys, which is why this number never stands alone
    assert result["versus_truth"]["occupancy"]["miou"] < 90
    assert report["invention_versus_held_out"]["class_histogram_js"]["distance"] == 1  # it invents nothing
    assert report["invention_versus_held_out"]["same_layouts"]["class_histogram_js"] == 1
    assert "occupancy" not in result["recipe"] and result["recipe"]["seed"] == 0
    assert steps[-1] == ("procedural", 5, 5)
    render_page(report, [], tmp_path / "page.html")
    assert "Held-out procedural worlds" in (tmp_path / "page.html").read_text()
    with pytest.raises(ValueError, match="at least 1"):
        evaluate_procedural(FakeOccupancy(), frames=0)


def test_an_engine_is_measured_on_a_scene(tmp_path: Path) -> None:
    report = evaluate_scene(FakeOccupancy(), clip(3), Recipe(), seeds=(0, 1), with_sensitivity=True)
    scene = report["scene"]
    assert scene["frames"] == 3 and scene["bev_versus_layout"]["miou"] > 97 and scene["static_world"]["agree_of_both"] is not None
    assert scene["speed"]["seconds_per_frame"] > 0
    assert report["diversity"][0]["seeds"] == 2 and report["diversity"][0]["painted_columns_same_top_class"] == 100
    assert report["sensitivity"]["frames"] == 2 and any(report["sensitivity"]["per_channel"].values())
    render_page(report, [], tmp_path / "page.html")
    for words in ("Sensitivity to each channel", "Diversity over seeds", "a frame, median"):
        assert words in (tmp_path / "page.html").read_text()
    with pytest.raises(ValueError, match="all different"):
        evaluate_scene(FakeOccupancy(), clip(3), Recipe(), seeds=(1, 1))


def test_memory_growth_is_counted_from_when_it_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([50, *[100] * 18, 110])
    monkeypatch.setattr("engine.metrics.scene.resident_bytes", lambda: next(sizes) * 2**20)
    watch = Watch()
    for _ in range(20):
        watch.begin()
        watch.end()
    assert watch.scores(1) | {"seconds_per_frame": 0} == {
        "seconds_per_frame": 0, "resident_mib": 100, "highest_resident_mib": 110, "memory_growth": 10.0,
    }  # fmt: skip
