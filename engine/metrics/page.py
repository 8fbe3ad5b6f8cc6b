"""A report as one HTML file that carries its pictures inside and asks the network for nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from engine.metrics.markup import NONE, bar, cell, figure, name_cell, number, section, table, tile
from engine.metrics.pictures import data_url, difference_picture, layout_picture, occupancy_picture
from engine.spec.classes import CLASS, CLASSES
from engine.spec.take import Take

_STYLE = Path(__file__).with_name("page.css")
_RENDERS = (
    ("camera_renders", "fid", "FID of camera renders"),
    ("camera_renders", "kid_x1000", "KID of camera renders, x 1000"),
    ("bev_renders", "fid", "FID of BEV renders"),
    ("bev_renders", "kid_x1000", "KID of BEV renders, x 1000"),
)
_KEY = (
    '<div class="key"><span><i style="background:var(--both)"></i>painted and shown</span>'
    '<span><i style="background:var(--missing)"></i>painted, missing</span>'
    '<span><i style="background:var(--extra)"></i>shown, not painted</span><span>forward is up, left is left</span></div>'
)


def render_page(report: dict[str, Any], takes: Sequence[Path], path: Path) -> None:
    """Write what `evaluate` or `evaluate_procedural` returned as a page at `path`; `takes` are the folders it was made of.

    The first and last frame of every take are pictured. Raises TakeError where a take cannot be opened, and OSError where
    `path` cannot be written.
    """
    parts = [_head(report)]
    for row, folder in zip(report["takes"], takes, strict=True):
        parts.append(_block(row, f"Take {Path(folder).name}", _pictures(Take.open(Path(folder)))))
    if "procedural" in report:
        parts.append(_block(report["procedural"], "Held-out procedural worlds", ""))
        parts.append(_truth(report["procedural"]["versus_truth"], "The true occupancy of these worlds"))
    if "scene" in report:
        parts.append(_block(report["scene"], "The engine on a scene", _speed(report["scene"]["speed"])))
    if "against" in report:
        parts.append(_truth(report["against"], f"Against {report['against']['ground_truth']}"))
    parts += [_held_out(report.get("invention_versus_held_out")), _diversity(report.get("diversity", []))]
    parts.append(_sensitivity(report.get("sensitivity")))
    parts.append(
        "<footer>AnyScene Studio, launch.py evaluate. Scores are of the occupancy as it lies in the take, edits included. "
        "A lift of the layout (boxes on flat ground) obeys perfectly and invents nothing: read obedience and invention together.</footer>"
    )
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>AnyScene evaluation</title><style>{_STYLE.read_text()}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    path = Path(path)
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _head(report: dict[str, Any]) -> str:
    scores = report["bev_versus_layout"]
    blocks = [*report["takes"], *(report[name] for name in ("procedural", "scene") if name in report)]
    tiles = [
        tile(number(scores["miou"], " %"), "BEV versus layout, mIoU over painted channels"),
        tile(number(scores["iou"], " %"), "BEV versus layout, IoU of anything painted"),
    ]
    if len(blocks) == 1:
        block = blocks[0]
        recall = block["instances"]["recall"]
        tiles += [tile(number(recall[group]["recall"], " %"), f"{_words(group)} found, of {recall[group]['asked']}") for group in recall]
        tiles += [
            tile(number(block["instances"]["phantoms_per_frame"]), "phantom agents per frame"),
            tile(number(block["static_world"]["agree_of_both"], " %"), "static voxels that agree with the frame before, of those in both"),
            tile(number(block["invention"]["specks_under_4_voxels"], " %"), "voxels in unasked specks under 4 voxels"),
        ]
    if "against" in report:
        tiles.append(tile(number(report["against"]["rayiou"]["rayiou"], " %"), "RayIoU against the truth"))
    count = sum(block["frames"] for block in blocks)
    takes = f"of {len(blocks)} {'take' if len(blocks) == 1 else 'takes'}"
    made = takes if report["takes"] else "of a scene" if "scene" in report else "of held-out procedural worlds"
    what = f"{count} frames {made}"
    return f"<h1>AnyScene evaluation</h1><p>{what}, 12 Hz. Percent unless a unit is given.</p><div class='tiles'>{''.join(tiles)}</div>"


def _pictures(take: Take) -> str:
    figures = []
    for index in sorted({0, take.frame_count - 1}):
        layout, semantics = take.layouts[index], take.semantics[index]
        figures += [
            figure(data_url(layout_picture(layout)), f"Frame {index}: layout"),
            figure(data_url(occupancy_picture(semantics)), f"Frame {index}: generated, from above"),
            figure(data_url(difference_picture(semantics, layout)), f"Frame {index}: obedience"),
        ]
    return f'<div class="pictures">{"".join(figures)}</div>{_KEY}'


def _block(row: dict[str, Any], title: str, pictures: str) -> str:
    worlds = f"{row['worlds']} worlds, frames of each: {row['frames_per_world']}; {row['data']}." if "worlds" in row else f"{row['frames']} frames."
    words = str(row.get("take", worlds))
    left = _channels(row["bev_versus_layout"]) + _horizon(row["bev_versus_layout_by_horizon"], "Obedience by horizon")
    right = _instances(row["instances"]) + _invention(row["invention"])
    head = f"<h2>{escape(title)}</h2><p>{escape(words)}</p>{pictures}"
    return f"{head}<div class='pair'><div>{left}</div><div>{right}</div></div>{_recipe(row['recipe'])}"


def _channels(scores: dict[str, Any]) -> str:
    rows = [
        [name_cell(name), bar(iou), cell(scores["recall"][name]), cell(scores["precision"][name]), cell(scores["painted_columns"][name])]
        for name, iou in scores["per_channel"].items()
    ]
    rows += [[name_cell(name), bar(None), cell(None), cell(0.0), cell(0)] for name in scores["unpainted_but_shown_columns"]]
    unasked = ", ".join(f"{_words(name)} in {count} columns" for name, count in scores["unpainted_but_shown_columns"].items())
    note = f"Shown though nowhere painted: {unasked}." if unasked else ""
    return section("BEV versus layout", table(("Channel", "IoU", "Recall", "Precision", "Columns"), rows), note)


def _horizon(rows: list[dict[str, Any]], title: str) -> str:
    if len(rows) < 2:
        return ""
    cells = ([f"<td>{row['frames']}</td>", cell(row["from_s"]), bar(row["miou"]), cell(row["iou"])] for row in rows)
    return section(title, table(("Frames", "From, s", "mIoU", "IoU"), cells))


def _instances(scores: dict[str, Any]) -> str:
    groups = table(("Group", "Found", "Asked"), ([name_cell(n), bar(r["recall"]), cell(r["asked"])] for n, r in scores["recall"].items()))
    rows = []
    for name, row in scores["recall_per_class"].items():
        error = scores["median_error"].get(name, {})
        errors = [cell(error.get(key)) for key in ("center_m", "length_m", "yaw_deg")]
        rows.append([name_cell(name), cell(row["recall"]), cell(row["asked"]), *errors, cell(scores["phantoms"].get(name, 0))])
    for name in sorted(scores["phantoms"].keys() - scores["recall_per_class"].keys()):
        rows.append([name_cell(name), cell(None), cell(0), *[cell(None)] * 3, cell(scores["phantoms"][name])])
    classes = table(("Class", "Found", "Asked", "Centre, m", "Length, m", "Yaw, °", "Phantoms"), rows)
    found = section("Instances", groups, "Found: at least half of the agent's cells show its class.")
    return found + section("Instances by class, median errors", classes)


def _invention(scores: dict[str, Any]) -> str:
    shares = sorted(scores["class_share"].items(), key=lambda item: -item[1])
    rows = [[name_cell(name), bar(share)] for name, share in shares]
    words = (
        f"Occupied: {scores['occupied_share_of_unpainted']:.1f} % of the voxels of unpainted columns. "
        f"Specks: {scores['specks_under_4_voxels']:.2f} % of voxels. "
        f"Holes in painted ground: {scores['holes_in_painted_ground']:.2f} % of drivable columns."
    )
    return section("Invented where nothing is painted", table(("Class", "Share of occupied voxels"), rows) or "<p>Nothing.</p>", words)


def _recipe(recipe: dict[str, Any]) -> str:
    rows = ([f"<td>{escape(str(key))}</td>", f'<td class="text">{escape(str(value)) or NONE}</td>'] for key, value in recipe.items())
    return f'<div class="recipe">{section("Recipe", table(("Key", "Value"), rows))}</div>'


def _truth(scores: dict[str, Any], title: str) -> str:
    volume, top, rays = scores["occupancy"], scores["bev_top_down"], scores["rayiou"]
    tiles = (
        tile(number(volume["miou"], " %"), "3D mIoU"),
        tile(number(volume["iou"], " %"), "3D IoU, occupied or free"),
        tile(number(volume["legacy_miou"], " %"), "3D mIoU, legacy: absent classes count as 100"),
        tile(number(top["miou"], " %"), "BEV top-down mIoU, lowest class of a column"),
        tile(number(top["iou"], " %"), "BEV top-down IoU"),
        *(tile(number(value, " %"), f"RayIoU within {metres} m") for metres, value in rays["at_m"].items()),
        *(tile(number(scores[key][name]), words) for key, name, words in _RENDERS if scores.get(key)),
    )
    rows = (
        [name_cell(name), bar(volume["per_class"].get(name)), cell(top["per_class"].get(name)), cell(rays["per_class"].get(name))]
        for name in sorted(volume["per_class"], key=lambda name: CLASS[name])
    )
    left = section("Per class", table(("Class", "3D IoU", "BEV IoU", "RayIoU"), rows))
    right = _horizon(scores["occupancy_by_horizon"], "3D scores by horizon")
    return f"<h2>{escape(title)}</h2><div class='tiles'>{''.join(tiles)}</div><div class='pair'><div>{left}</div><div>{right}</div></div>"


def _held_out(scores: dict[str, Any] | None) -> str:
    if scores is None:
        return ""
    labels = {
        "class_histogram_js": "Class histogram, Jensen-Shannon",
        "anyscene_ae_frechet": "Frechet, features of our autoencoder",
        "anyscene_ae_kid": "Kernel distance, features of our autoencoder",
    }
    rows, missing, paired = [], "", scores.get("same_layouts", {})
    for key, label in labels.items():
        score = scores[key]
        missing = score.get("unavailable", missing)
        parts = [cell(score.get(part)) for part in ("distance", "between_held_out_halves", "ratio")]
        rows.append([f"<td>{label}</td>", *parts, cell(paired.get(key))])
    held = scores["held_out"]
    words = f"{held['worlds']} {held['data']}. The ratio is 1 for a sample as good as another half of the reference. {missing}"
    shares = ([name_cell(name), bar(held["class_share"].get(name))] for name in CLASSES if name in held["class_share"])
    distances = table(("Distance", "To held-out", "Between halves", "Ratio", "To the truth of the same layouts"), rows)
    worlds = section("Held-out worlds, unpainted columns", table(("Class", "Share of occupied voxels"), shares))
    return f"<h2>Invention against held-out worlds</h2><p>{escape(words)}</p>{distances}{worlds}"


def _diversity(groups: list[dict[str, Any]]) -> str:
    rows = []
    for group in groups:
        names = escape(", ".join(Path(take).name for take in group["takes"]))
        shares = (bar(group["unpainted_columns_that_differ"]), bar(group["painted_columns_same_top_class"]))
        rows.append([f"<td>{names}</td>", *shares, cell(group["frames"])])
    body = table(("Takes", "Unpainted columns that differ", "Painted columns, same top class", "Frames"), rows)
    return f"<h2>Diversity over seeds</h2>{body}" if body else ""


def _speed(speed: dict[str, Any]) -> str:
    tiles = (
        tile(number(speed["seconds_per_frame"], " s"), "a frame, median"),
        tile(number(speed["resident_mib"], " MiB"), "resident memory"),
        tile(number(speed["memory_growth"], " %"), "its growth over the rollout"),
    )
    return f"<div class='tiles'>{''.join(tiles)}</div>"


def _sensitivity(scores: dict[str, Any] | None) -> str:
    if scores is None:
        return ""
    keys = ("changed_inside", "no_longer_shown", "changed_elsewhere", "painted_columns")
    rows = ([name_cell(name), bar(row[keys[0]]), *(cell(row[key]) for key in keys[1:])] for name, row in scores["per_channel"].items() if row)
    body = table(("Channel blanked", "Changed where painted", "No longer shown", "Changed elsewhere", "Columns"), rows)
    words = f"Each channel is blanked in turn, same seed, {scores['frames']} frames. A condition that does nothing would show zeros."
    return f"<h2>Sensitivity to each channel</h2><p>{words}</p>{body}"


def _words(name: str) -> str:
    return name.replace("_", " ")
