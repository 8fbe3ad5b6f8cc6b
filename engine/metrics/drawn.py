"""How true and how still the drawn world is: against the voxels that it was drawn from, and from one frame to the next.

Pixels are compared where they mean the same. A drawn shape is smooth, so at a silhouette it may lie half a voxel off; it goes on above
the grid; thin paint on the road is a stripe where the voxels have a whole cell. Each kind of difference has a share of its own.

Two numbers stand beside the plain ones because voxels are 0.4 m wide. The ground is drawn through the middle of its voxels, on which agents'
boxes stand, while a camera sees the voxels' upper faces half a voxel higher: so pictures are also compared with voxels half a voxel
lower. An agent fills whole voxels: so its mask is also compared where the two differ by more than half a voxel and inside its own box.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import ndimage

from engine.api import Buffers, Recipe
from engine.metrics.consistency import Seen, colour_differences, inside, seen_again
from engine.metrics.lasting import Lasting
from engine.render.buffers import ray_table, render_buffers
from engine.spec.camera import Camera
from engine.spec.classes import CLASS, CLASSES, IS_AGENT, NOTHING_HIT
from engine.spec.geometry import Box
from engine.spec.take import Take
from engine.views.drawn.film import Film
from engine.views.drawn.mesh import Material
from engine.views.drawn.model import DrawnViews
from engine.views.drawn.scene import World, traced
from engine.views.drawn.world import DrawnWorld, Moment
from engine.views.look import read_prompt
from engine.views.scene import ViewScene, clip_of, frames_from

LEAST_PIXELS = 200
"""An agent counts where the voxels show it with so many pixels."""
ROAD = [CLASS[name] for name in ("driveable_surface", "ped_crossing", "road_divider", "lane_divider")]
VEHICLES = tuple(CLASS[name] for name in ("car", "bus", "truck", "trailer", "construction_vehicle"))
SOFTENED_PX = 0.7
"""Width (sigma) of the blur of both pictures in the softened measure of stillness."""
_BARK = int(Material.BARK) + 1


@dataclass(frozen=True)
class Sight:
    """From where a picture was drawn, and the agents' boxes of its frame: what is needed to say how large they are in it."""

    camera: Camera
    ego_SE3_camera: np.ndarray
    boxes: tuple[Box, ...]
    voxel_m: float


@dataclass
class Agreement:
    """Labels of drawn pictures against the paper's voxel semantic buffers, summed over pictures."""

    pixels: int = 0
    same: int = 0
    same_road: int = 0
    """The same, where the carriageway and its paint count as one."""
    above_grid: int = 0
    """The voxels end there (sky, or what lies behind), and the drawing goes on: the crown or storey above the grid, the land beyond it."""
    silhouette: int = 0
    """Different, but the other's label lies within three pixels."""
    trunks: int = 0
    """Different, because a trunk stands under a crown that hangs in the air in the voxels."""
    lower: list[int] = field(default_factory=lambda: [0, 0])
    """Against voxels half a voxel lower: same_road and above_grid."""
    ious: list[float] = field(default_factory=list)
    """Of agents' masks."""
    classes: list[int] = field(default_factory=list)
    """Their class ids."""
    fair_ious: list[float] = field(default_factory=list)
    """Of those with a box in `Sight`: without what voxels and smoothing explain; see `_unexplained`."""

    def add(self, seen: Film, buffers: Buffers, lower: Buffers | None = None, sight: Sight | None = None) -> None:
        """One picture; `lower` are the buffers of the same voxels half a voxel lower."""
        truth, drawn = buffers.semantic, seen.label
        one = _road_as_one()
        same = truth == drawn
        road = one[truth] == one[drawn]
        beyond = (truth == NOTHING_HIT) & (drawn != NOTHING_HIT)
        self.pixels += truth.size
        self.same += int(same.sum())
        self.same_road += int(road.sum())
        self.above_grid += int((beyond & ~road).sum())
        rest = ~road & ~beyond
        if rest.any():
            near = np.zeros_like(rest)
            for label in np.unique(one[drawn[rest]]):
                near |= (one[drawn] == label) & ndimage.maximum_filter(one[truth] == label, 7)
            self.silhouette += int((near & rest).sum())
            self.trunks += int((rest & ~near & (seen.material == _BARK) & (drawn == CLASS["vegetation"])).sum())
        if lower is not None:
            self.lower[0] += int((one[lower.semantic] == one[drawn]).sum())
            self.lower[1] += int(((lower.semantic == NOTHING_HIT) & (drawn != NOTHING_HIT)).sum())
        boxes = {} if sight is None else {box.instance_id: box for box in sight.boxes}
        for number in np.unique(buffers.instance[IS_AGENT[truth]]):
            of_voxels = (buffers.instance == number) & IS_AGENT[truth]
            if number and of_voxels.sum() > LEAST_PIXELS:
                of_drawn = (seen.instance == number) & IS_AGENT[drawn]
                both = int((of_voxels & of_drawn).sum())
                self.ious.append(both / int((of_voxels | of_drawn).sum()))
                self.classes.append(int(np.bincount(truth[of_voxels]).argmax()))
                if sight is not None and number in boxes:
                    left = _unexplained(of_voxels, of_drawn, boxes[number], sight)
                    self.fair_ious.append(both / max(1, both + left))

    def report(self) -> dict[str, Any]:
        """Shares of all pixels, and the masks' IoU."""
        total = max(1, self.pixels)
        result: dict[str, Any] = {
            "pixels": self.pixels,
            "same_label": round(self.same / total, 4),
            "same_label_road_as_one": round(self.same_road / total, 4),
            "drawn_beyond_the_grid": round(self.above_grid / total, 4),
            "same_where_voxels_do_not_end": round(self.same_road / max(1, self.pixels - self.above_grid), 4),
            "the_same_half_a_voxel_lower": round(self.lower[0] / max(1, self.pixels - self.lower[1]), 4) if any(self.lower) else None,
            "differs_within_3_pixels_of_it": round(self.silhouette / total, 4),
            "differs_by_trunks": round(self.trunks / total, 4),
            "differs_otherwise": round((self.pixels - self.same_road - self.above_grid - self.silhouette - self.trunks) / total, 4),
            "agents": len(self.ious),
            "agent_iou_median": _median(self.ious),
            "vehicle_iou_median": _median([iou for iou, kind in zip(self.ious, self.classes, strict=True) if kind in VEHICLES]),
            "agent_iou_without_explained_median": _median(self.fair_ious),
        }
        for kind in sorted(set(self.classes)):
            ious = [iou for iou, other in zip(self.ious, self.classes, strict=True) if other == kind]
            result[f"{CLASSES[kind]}_iou_median"], result[f"{CLASSES[kind]}_masks"] = _median(ious), len(ious)
        return result


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 4) if values else None


def _road_as_one() -> np.ndarray:
    one = np.arange(256, dtype=np.uint8)
    one[ROAD] = ROAD[0]
    return one


def _unexplained(of_voxels: np.ndarray, of_drawn: np.ndarray, box: Box, sight: Sight) -> int:
    """Pixels (H, W) that differ by more than half a voxel from the other mask's outline, voxels outside the agent's own box left out."""
    if not of_drawn.any():
        return int(of_voxels.sum())
    half_px = 0.5 * sight.voxel_m * sight.camera.fx / max(1.0, float(np.linalg.norm(box.center_m - sight.ego_SE3_camera[:3, 3])))
    only_voxels = of_voxels & ~of_drawn & _silhouette(box, sight)
    only_drawn = of_drawn & ~of_voxels
    too_far = only_voxels & (_pixels_from(of_drawn) > half_px) | only_drawn & (_pixels_from(of_voxels) > half_px)
    return int(too_far.sum())


def _pixels_from(mask: np.ndarray) -> np.ndarray:
    """Distance (H, W) to the nearest pixel of a mask."""
    distance = np.empty(mask.shape)
    ndimage.distance_transform_edt(~mask, distances=distance)
    return distance


def _silhouette(box: Box, sight: Sight) -> np.ndarray:
    """bool (H, W): pixels whose rays pass through a box, whatever stands before it."""
    c, s = np.cos(box.yaw_rad), np.sin(box.yaw_rad)
    box_R_ego = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    start = box_R_ego @ (sight.ego_SE3_camera[:3, 3] - box.center_m)  # (3,)
    ways = ray_table(sight.camera) @ (box_R_ego @ sight.ego_SE3_camera[:3, :3]).T  # (H, W, 3)
    half = np.array(box.size_m) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-half - start) / ways, (half - start) / ways
        enters, leaves = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
        return (enters < leaves) & (leaves > 0)


class Stillness:
    """Colours of points of the static world in one frame and the next, of one camera.

    The second picture is read between its pixels, which alone changes a colour where pixels differ from their neighbours, however
    well both are drawn. So both are also compared after a blur of `SOFTENED_PX`, where that hardly counts.
    """

    def __init__(self) -> None:
        self.differences: list[np.ndarray] = []
        self.softened: list[np.ndarray] = []

    def add(
        self, camera: Camera, first: tuple[Film, np.ndarray, np.ndarray], second: tuple[Film, np.ndarray, np.ndarray]
    ) -> None:
        """Each frame is its film, its picture uint8 (H, W, 3) and world_SE3_camera (4, 4)."""
        film, picture, pose = first
        later, later_picture, later_pose = second
        one, two = Seen(camera, pose, film.depth, inside(film)), Seen(camera, later_pose, later.depth, inside(later))
        again = seen_again(one, two)
        for blur_px, found in ((0.0, self.differences), (SOFTENED_PX, self.softened)):
            found.append(colour_differences(one, _blurred(picture, blur_px), _blurred(later_picture, blur_px), *again))

    def report(self) -> dict[str, Any]:
        """Differences of colour, of 255."""
        worst = max((float(one.mean()) for one in self.differences if len(one) > LEAST_PIXELS), default=0.0)
        result: dict[str, Any] = {"points": sum(map(len, self.differences)), "pairs": len(self.differences), "worst_pair_mean": round(worst, 3)}
        for name, found in (("", self.differences), ("softened_", self.softened)):
            every = np.concatenate(found) if found else np.zeros(1)
            result[f"{name}mean"] = round(float(every.mean()), 3)
            result[f"{name}percentile_99"] = round(float(np.percentile(every, 99)), 2)
        return result


def _blurred(picture: np.ndarray, width_px: float) -> np.ndarray:
    """float32 (H, W, 3)."""
    values = picture.astype(np.float32)
    return ndimage.gaussian_filter(values, (width_px, width_px, 0)) if width_px else values


def psnr_outside(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """dB between pictures uint8 (H, W, 3) outside a bool mask (H, W); infinite where they are equal there."""
    square = (before.astype(np.float64) - after.astype(np.float64)) ** 2
    error = float(square[np.logical_not(mask)].mean())
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def evaluate_drawn(take: Take, prompt: str = "clear day", every: int = 5, every_pair: bool = False) -> dict[str, Any]:
    """The take's world drawn anew, all cameras: agreement in every `every`-th frame, stillness from that frame to the next (or from each frame
    to the next), and what lasts from the first frame to the last.

    Stillness is that of the static world alone: agents are left out, since their shadows and mirror images are not still.
    The take must have cameras. Its own prompt does not count: shares are those of one light.
    """
    model = DrawnViews()
    clip = clip_of(take, prompt, model.size)
    scene = ViewScene(clip, Recipe(views="drawn"), frames_from(take.folder))
    world = DrawnWorld(clip, read_prompt(prompt, 0)[0], forget_m=np.inf)
    agreement, stillness, lasting = Agreement(), Stillness(), Lasting(world)
    before: dict[int, tuple[Film, np.ndarray, np.ndarray]] = {}
    for index in range(len(clip)):
        moment = world.see(scene.frame(index))
        lasting.add(moment)
        asked, follows = index % every == 0, every_pair or (index - 1) % every == 0
        if not asked and not follows:
            continue
        alone = _without_agents(moment)
        for number, camera in enumerate(clip.cameras):
            pose = clip.camera_pose(index, number)
            if asked:
                sight = Sight(camera, pose, clip.boxes[index], clip.grid.voxel_m)
                agreement.add(world.expose(moment, number), scene.buffers(index, number), _half_a_voxel_lower(scene, index, number), sight)
            seen = world.expose(alone, number)
            shot = seen, world.develop(seen, alone, number), clip.world_SE3_ego[index] @ pose
            if follows and number in before:
                stillness.add(camera, before[number], shot)
            before[number] = shot
    return {"agreement": agreement.report(), "stillness": stillness.report(), "lasting": lasting.report()}


def _without_agents(moment: Moment) -> Moment:
    world = World(moment.world.static, traced([]), moment.world.origin_m)
    return replace(moment, world=world, agents=[])


def _half_a_voxel_lower(scene: ViewScene, index: int, number: int) -> Buffers:
    """A camera's buffers with all voxels half a voxel lower: what it sees from half a voxel higher."""
    pose = scene.clip.camera_pose(index, number).copy()
    pose[2, 3] += scene.clip.grid.voxel_m / 2
    return render_buffers(scene.volume(index), None, scene.clip.grid, scene.cameras[number], pose, scene.ego0_SE3_ego(index))
