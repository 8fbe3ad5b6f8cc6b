"""Occupancy edits: what they remove, give back and fill, with scipy as the oracle of 'nearest'."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.render import bench
from engine.render.edits import OccupancyEditError, apply_occupancy_edits, voxels_in_box
from engine.spec.classes import CLASS, CLASSES, FREE
from engine.spec.geometry import Pose, transform
from engine.spec.grid import OCC3D, GridSpec

GRID = GridSpec("small", (40, 50, 8), 0.4, (-8.0, -10.0, -1.0))
ROAD, WALK, CAR, DIVIDER = CLASS["driveable_surface"], CLASS["sidewalk"], CLASS["car"], CLASS["lane_divider"]
GROUND = [
    CLASS[name] for name in ("driveable_surface", "other_flat", "sidewalk", "terrain", "ped_crossing", "road_divider", "lane_divider")
]


@dataclass(frozen=True)
class Edit:
    kind: str
    span: tuple[int, int] | None = None
    class_name: str = ""
    instance_id: int = 0
    box_pose: Pose = field(default_factory=Pose)
    box_size_m: tuple[float, float, float] = (0.0, 0.0, 0.0)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Road (y < 25) and pavement; two cars that stand in the ground layer, as Occ3D's do."""
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[:, :25, 1], semantics[:, 25:, 2] = ROAD, WALK
    semantics[:, 12, 1] = DIVIDER
    instances = np.zeros(GRID.shape, np.uint16)
    semantics[5:15, 3:8, 1:5], instances[5:15, 3:8, 1:5] = CAR, 7
    semantics[20:30, 30:35, 2:6], instances[20:30, 30:35, 2:6] = CAR, 9
    return semantics, instances


def apply(
    semantics: np.ndarray, instances: np.ndarray, *edits: Edit, frame: int = 0, pose: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    kept = semantics.copy(), instances.copy()
    result = apply_occupancy_edits(semantics, instances, edits, frame, GRID, np.eye(4) if pose is None else pose)
    np.testing.assert_array_equal(semantics, kept[0])
    np.testing.assert_array_equal(instances, kept[1])
    assert result[0].dtype == np.uint8 and result[1].dtype == np.uint16
    return result


def test_removing_an_instance_gives_its_own_ground_back() -> None:
    semantics, instances = scene()
    after, ids = apply(semantics, instances, Edit("remove_instance", instance_id=7))
    assert (after[5:15, 3:8, 1] == ROAD).all() and (after[5:15, 3:8, 2:] == FREE).all()
    assert set(np.unique(ids)) == {0, 9}
    untouched = instances != 7
    np.testing.assert_array_equal(after[untouched], semantics[untouched])
    for nothing in (0, 8):
        same, _ = apply(semantics, instances, Edit("remove_instance", instance_id=nothing))
        assert same is semantics


def test_removing_a_class_takes_every_one_of_it() -> None:
    semantics, instances = scene()
    after, ids = apply(semantics, instances, Edit("remove_class", class_name="car"))
    assert (after != CAR).all() and (ids == 0).all()
    assert (after[5:15, 3:8, 1] == ROAD).all() and (after[20:30, 30:35, 2] == WALK).all()


def test_removed_markings_leave_road_and_removed_road_leaves_nothing() -> None:
    semantics, instances = scene()
    after, _ = apply(semantics, instances, Edit("remove_class", class_name="lane_divider"))
    assert (after[:, 12, 1] == ROAD).all()
    after, _ = apply(semantics, instances, Edit("remove_class", class_name="driveable_surface"))
    assert ((semantics == ROAD) <= (after == FREE)).all() and (after[:, 12, 1] == DIVIDER).all()


def test_refill_is_from_the_nearest_ground_column() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(3)
    for filled in (0.001, 0.05, 0.4):
        semantics = np.full(GRID.shape, FREE, np.uint8)
        grounded = rng.random(GRID.bev_shape) < filled
        grounded[17, 33] = True
        # Height and class of the ground tell its column's distance apart from any other's, within the tie.
        semantics[grounded, 1] = rng.choice(GROUND, grounded.sum())
        semantics[~grounded, 1:4] = CAR
        after, _ = apply(semantics, np.zeros(GRID.shape, np.uint16), Edit("remove_class", class_name="car"))
        distance = ndimage.distance_transform_edt(~grounded)
        cells = np.argwhere(grounded)
        for x, y in np.argwhere(~grounded):
            apart = np.hypot(*(cells - (x, y)).T)
            assert apart.min() == pytest.approx(distance[x, y])
            nearest = cells[np.isclose(apart, apart.min())]
            assert after[x, y, 1] in semantics[nearest[:, 0], nearest[:, 1], 1]
            assert (after[x, y, 2:] == FREE).all()


def test_without_any_ground_nothing_is_invented() -> None:
    semantics = np.full(GRID.shape, FREE, np.uint8)
    semantics[3, 3, 3] = CAR
    after, _ = apply(semantics, np.zeros(GRID.shape, np.uint16), Edit("remove_class", class_name="car"))
    assert (after == FREE).all()


def test_boxes_take_the_centres_that_they_contain() -> None:
    rng = np.random.default_rng(0)
    centers = np.stack(np.meshgrid(*(GRID.origin_m[a] + (np.arange(GRID.shape[a]) + 0.5) * 0.4 for a in range(3)), indexing="ij"), -1)
    world_SE3_ego = Pose(100.0, -50.0, 2.0, 0.8, 0.05, -0.02).matrix()
    semantics, instances = scene()
    taken = 0
    for _ in range(25):
        pose = Pose(*(rng.uniform(-1, 1, 3) * (9, 11, 3) + (100, -50, 2)), *rng.uniform(-3, 3, 3))
        size = tuple(rng.uniform(0.5, 6, 3))
        local = transform(np.linalg.inv(pose.matrix()), transform(world_SE3_ego, centers.reshape(-1, 3))).reshape(centers.shape)
        inside = (np.abs(local) <= np.array(size) / 2).all(-1)
        taken += inside.sum()
        filled, ids = apply(
            semantics, instances, Edit("fill_box", class_name="bus", instance_id=55, box_pose=pose, box_size_m=size), pose=world_SE3_ego
        )
        if inside.any():
            np.testing.assert_array_equal(filled == CLASS["bus"], inside)
            np.testing.assert_array_equal(ids == 55, inside)
        cleared, ids = apply(filled, ids, Edit("clear_box", box_pose=pose, box_size_m=size), pose=world_SE3_ego)
        assert (cleared[inside] == FREE).all() and (ids[inside] == 0).all()
        np.testing.assert_array_equal(cleared[~inside & (filled != CLASS["bus"])], semantics[~inside & (filled != CLASS["bus"])])
    assert taken > 1000


def test_thin_boxes_and_boxes_elsewhere() -> None:
    block, inside = voxels_in_box(GRID, Pose(0.1, 0.1, 0.1).matrix(), (0.05, 0.05, 0.05))
    assert inside.sum() == 1
    semantics, instances = scene()
    for where in (Pose(500.0, 0.0, 0.0), Pose(0.0, 0.0, -30.0), Pose(-8.5, -10.5, 0.0)):
        after, _ = apply(semantics, instances, Edit("fill_box", class_name="bus", box_pose=where, box_size_m=(0.3, 0.3, 0.3)))
        np.testing.assert_array_equal(after, semantics)


def test_order_and_span() -> None:
    semantics, instances = scene()
    fill = Edit("fill_box", span=(2, 4), class_name="truck", box_pose=Pose(0.0, 0.0, 1.0), box_size_m=(2, 2, 2))
    clear = Edit("clear_box", box_pose=Pose(0.0, 0.0, 1.0), box_size_m=(2, 2, 2))
    for frame, present in ((1, False), (2, True), (4, True), (5, False)):
        assert (apply(semantics, instances, clear, fill, frame=frame)[0] == CLASS["truck"]).any() == present
        assert not (apply(semantics, instances, fill, clear, frame=frame)[0] == CLASS["truck"]).any()
    assert apply(semantics, instances, fill, frame=9)[0] is semantics


def test_errors_are_sentences() -> None:
    semantics, instances = scene()
    with pytest.raises(OccupancyEditError, match="'melt'.*remove_instance"):
        apply(semantics, instances, Edit("melt"))
    for kind in ("remove_class", "fill_box"):
        with pytest.raises(OccupancyEditError, match=f"'{kind}' names class 'hovercraft'"):
            apply(semantics, instances, Edit(kind, class_name="hovercraft"))
    assert "free" in CLASSES
    apply(semantics, instances, Edit("melt", span=(3, 4)))


def test_a_street_without_cars() -> None:
    semantics, instances = bench.street(OCC3D, 2)
    after, ids = apply_occupancy_edits(semantics, instances, [Edit("remove_class", class_name="car")], 0, OCC3D, np.eye(4))
    assert (semantics == CAR).any() and not (after == CAR).any() and not ids.any()
    assert np.isin(after, GROUND).any(2).all()
