"""Distances between two sets of feature vectors, in numpy: Frechet (as in FID, Heusel et al. 2017) and kernel (KID, Binkowski et al. 2018).

Neither is called FID or KID in a report of ours: those names belong to Inception's features of pictures. Ours are of
`engine.metrics.features`, the studio's own autoencoder, and are called `anyscene_ae_frechet` and `anyscene_ae_kid`.
"""

from __future__ import annotations

import numpy as np

KID_ROWS = 2000
"""The kernel distance looks at this many rows of each set, evenly spread: its cost grows with their square."""


def frechet_distance(a: np.ndarray, b: np.ndarray, shrink: bool = True) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A B)^1/2) of features (N, D) and (M, D), squared feature units.

    `shrink` estimates the covariances A and B by Ledoit-Wolf, which keeps small sets usable; both sets of a comparison, and any
    distance that it is set in proportion to, should have the same number of rows. Raises ValueError on unlike or too few features.
    """
    _check(a, b)
    a, b = a.astype(np.float64), b.astype(np.float64)
    first, second = _covariance(a, shrink), _covariance(b, shrink)
    # tr (A B)^1/2 = tr (A^1/2 B A^1/2)^1/2, and that matrix is symmetric: no complex roots, no rounding of imaginary parts.
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    apart = a.mean(0) - b.mean(0)
    return float(max(0.0, apart @ apart + np.trace(first) + np.trace(second) - 2 * cross))


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy under k(x, y) = (x . y / D + 1)^3. Around 0, and also below, for alike sets."""
    _check(a, b)
    a, b = _spread(a).astype(np.float64), _spread(b).astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: np.ndarray) -> float:
        table = kernel(x, x)
        return float((table.sum() - np.trace(table)) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())


def _covariance(x: np.ndarray, shrink: bool) -> np.ndarray:
    """(D, D); with `shrink` drawn towards a multiple of the identity (Ledoit and Wolf 2004) by as much as the sample is small."""
    count, size = x.shape
    centred = x - x.mean(0)
    if not shrink:
        return centred.T @ centred / (count - 1)
    sample = centred.T @ centred / count
    level = np.trace(sample) / size
    spread = (sample**2).sum() - size * level**2
    noise = ((centred**2).sum(1) ** 2).sum() / count**2 - (sample**2).sum() / count
    weight = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0, 1))
    return (1 - weight) * sample + weight * level * np.eye(size)


def _spread(x: np.ndarray) -> np.ndarray:
    return x if len(x) <= KID_ROWS else x[np.linspace(0, len(x) - 1, KID_ROWS).astype(int)]


def _check(a: np.ndarray, b: np.ndarray) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            f"Feature sets of shape {a.shape} and {b.shape} cannot be compared: give (N, D) and (M, D) with at least two rows each."
        )
