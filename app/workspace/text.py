"""Words that the page's server side says to people, in one place."""

from __future__ import annotations

CHANNEL_KEYS: dict[str, str] = {
    "drivable_area": "1", "ped_crossing": "2", "walkway": "3", "road_divider": "4", "lane_divider": "5",
    "car": "6", "truck": "7", "bus": "8", "pedestrian": "9", "bicycle": "0",
}  # fmt: skip
"""Key that picks a channel on the canvas; the others are picked from the palette."""

EXPORTS: dict[str, str] = {
    "nuscenes": "tables, map, pictures and sweeps of a virtual LiDAR, as the devkit reads them",
    "occ3d": "labels.npz per frame, 18 classes, with masks",
    "mp4": "one video per camera",
    "frames": "the video's pictures, one PNG each",
    "transforms": "pictures, lenses and poses, as nerfstudio reads them",
    "png": "the layout's channels, one PNG each",
    "glb": "the drawn world as one 3D file",
    "glb-voxels": "the voxels as one 3D file",
}
"""What each format of engine.export holds. The page offers them without loading the exporters."""

OUR_FAULT = "Something went wrong inside the studio ({kind}); your scene is unchanged and the terminal has the details."
UNKNOWN_MESSAGE = "The page sent '{kind}', which this studio does not know: reload the page."


def our_fault(error: BaseException) -> str:
    """The sentence for an error that nobody foresaw; the traceback goes to the log, never to the page."""
    return OUR_FAULT.format(kind=type(error).__name__)
