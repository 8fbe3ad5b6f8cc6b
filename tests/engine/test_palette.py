"""Colours of classes are told apart by people who see no green, too."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from engine.spec.classes import CHANNEL_RGB, CHANNELS, CLASS_RGB, CLASSES

DEUTERANOPE = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
"""Linear RGB as a deuteranope sees it, as linear RGB: Machado, Oliveira and Fernandes 2009, severity 1."""
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = np.array([0.95047, 1.0, 1.08883])
LEAST = 12.0
"""CIE 1976 difference; 2.3 is just noticed where two fields touch."""
NOWHERE = {"free", "others"}
"""Not drawn, and in no scene of ours."""


def linear(rgb: np.ndarray) -> np.ndarray:
    """sRGB 0 to 255 as linear 0 to 1."""
    c = np.asarray(rgb) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    ratio = XYZ @ np.clip(linear_rgb, 0, 1) / WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_white_is_white_and_red_and_green_fall_together():
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=0.02)
    assert np.ones(3) == pytest.approx(DEUTERANOPE @ np.ones(3), abs=1e-5)
    far, near = (np.linalg.norm(lab(m @ linear([200, 80, 60])) - lab(m @ linear([110, 120, 50]))) for m in (np.eye(3), DEUTERANOPE))
    assert near < 0.5 * far


@pytest.mark.parametrize(("names", "colours"), [(CHANNELS, CHANNEL_RGB), (CLASSES, CLASS_RGB)], ids=["channels", "classes"])
@pytest.mark.parametrize("eye", [np.eye(3), DEUTERANOPE], ids=["everybody", "deuteranope"])
def test_no_two_classes_look_alike(names, colours, eye):
    """Any two of them may lie next to each other: a bus on a divider, a bicycle before a wall."""
    seen = {name: lab(eye @ linear(colour)) for name, colour in zip(names, colours, strict=True) if name not in NOWHERE}
    close = {(a, b): round(float(far), 1) for a, b in combinations(seen, 2) if (far := np.linalg.norm(seen[a] - seen[b])) < LEAST}
    assert not close, close
