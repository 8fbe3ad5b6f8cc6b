"""FD-lite0: features that are there without a download, and a distance that tells pictures apart as eyes do."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import linalg, ndimage

from engine.metrics.lite import LiteDistances, LiteError, LiteFeatures

pytest.importorskip("efficientnet_lite_pytorch", reason="it is in the extra lite0, which is not installed")


@pytest.fixture(scope="module")
def features() -> LiteFeatures:
    return LiteFeatures.load()


def pictures(seed: int, count: int = 6) -> list[np.ndarray]:
    """Soft blobs of colour."""
    random = np.random.default_rng(seed)
    soft = [ndimage.gaussian_filter(random.random((64, 96, 3)), (6, 6, 0)) for _ in range(count)]
    return [np.uint8(255 * (one - one.min()) / np.ptp(one)) for one in soft]


def test_noise_is_further_from_soft_pictures_than_others_of_their_kind(features: LiteFeatures) -> None:
    distances = LiteDistances(features)
    random = np.random.default_rng(9)
    for name, rows in {
        "truth": pictures(0),
        "same": pictures(0),
        "alike": pictures(1),
        "noise": [random.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(6)],
    }.items():
        for row in rows:
            distances.add(name, row)
    found = distances.to("truth")
    assert set(found) == {"same", "alike", "noise"}
    assert found["same"] < 0.01 < found["alike"] < found["noise"] / 3


def test_the_weights_are_those_of_a_network_that_has_learned(features: LiteFeatures) -> None:
    """A red disc and a blue one look alike to what was learned, less like noise; a network with random weights does not care."""
    y, x = np.mgrid[:96, :96]
    disc = (np.hypot(y - 48, x - 48) < 30)[..., None]
    red, blue = (np.where(disc, np.uint8(colour), np.uint8(200)) for colour in ((220, 30, 30), (30, 30, 220)))
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    a, b, c = (features(one.astype(np.uint8)) for one in (red, blue, noise))
    assert a.shape == (1280,)
    assert linalg.norm(a - b) < linalg.norm(a - c)


def test_without_the_packages_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(LiteError, match="lite0"):
        LiteFeatures.load()
