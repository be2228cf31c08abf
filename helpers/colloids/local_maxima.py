"""Tracking by local maxima, as Crocker and Grier: smooth, take the brightest places, improve each by its centroid.

Lengths in voxels, axes (z, y, x); windows are ellipsoids, so that spheres stretched along z fit into them.
"""

import numpy as np
from scipy import ndimage, stats

from helpers.common import check

__all__ = ["band_pass", "centroids", "find", "typical"]


def band_pass(image, short_px, long_px) -> np.ndarray:
    """Return an image (Z, Y, X) without noise (Gaussian of standard deviation short) and without a slow background.

    The background is the mean over a box of odd sides, the nearest to ``long_px``; what is below it becomes 0.
    Lengths are one number or (z, y, x). Source: Crocker & Grier 1996.
    """
    image = check.finite("image", image)
    sides = [2 * int(side // 2) + 1 for side in np.broadcast_to(check.positive("long_px", long_px), image.ndim)]
    smooth = ndimage.gaussian_filter(image, check.positive("short_px", short_px), mode="nearest")
    return np.maximum(smooth - ndimage.uniform_filter(image, sides, mode="nearest"), 0)


def find(image, separation_px, threshold: float) -> np.ndarray:
    """Return the voxels (n, 3) above a threshold that are brightest within an ellipsoid of diameters ``separation_px``.

    Of two spheres nearer than half of it the fainter one is lost.
    """
    image = check.finite("image", image)
    top = ndimage.maximum_filter(image, footprint=_ellipsoid(separation_px), mode="nearest")
    return np.argwhere((image == top) & (image > threshold))


def centroids(image, places, diameter_px, rounds: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centroids (n, 3), masses m0 (n,) and second moments m2 (n,) in ellipsoids of diameters ``diameter_px``.

    m0 = sum I, centroid = sum x I / m0, m2 = sum rho^2 I / m0, rho the distance in units of the half axes. The
    ellipsoid moves on while the centroid is more than .6 px from its middle. Voxels outside the image count as 0; where
    all are dark the place stays, and m2 is NaN.
    """
    window = _ellipsoid(diameter_px)
    half = np.array(window.shape) // 2
    offsets = np.argwhere(window) - half
    rho2 = np.square(offsets / np.maximum(half, 0.5)).sum(1)
    padded = np.pad(check.finite("image", image), [(h, h) for h in half])
    middle = np.array(places, dtype=int).reshape(-1, 3)
    for _ in range(check.whole("rounds", rounds)):
        light = padded[tuple((middle[:, None] + offsets + half).transpose(2, 0, 1))]
        mass = light.sum(1)
        away = light @ offsets / np.maximum(mass, 1e-30)[:, None]
        move = np.where(np.abs(away) > 0.6, np.sign(away), 0).astype(int)
        moved = np.clip(middle + move, 0, np.array(image.shape) - 1)
        if (moved == middle).all():
            break
        middle = moved
    with np.errstate(invalid="ignore"):
        return middle + away, mass, np.where(mass > 0, light @ rho2 / mass, np.nan)


def typical(features, outside: float = 0.01) -> np.ndarray:
    """Return which rows of features (n, p) are like most others, (n,): the squared Mahalanobis distance decides.

    Mean and covariance are those of the half that lies closest together, so that outliers do not count (minimum
    covariance determinant, Rousseeuw 1984). Of Gaussian rows a share ``outside`` is called untypical.
    """
    from sklearn.covariance import MinCovDet

    features = check.finite("features", features)
    robust = MinCovDet(random_state=0).fit(features)
    return robust.mahalanobis(features) < stats.chi2.ppf(1 - outside, features.shape[1])


def _ellipsoid(diameter_px):
    """Return the voxels of an ellipsoid in a box of odd sides: centres at most (d - 1) / 2 from its middle."""
    half = np.maximum((np.broadcast_to(check.positive("diameter_px", diameter_px), 3) - 1) / 2, 0.5)
    axes = [np.arange(-int(h), int(h) + 1) / h for h in half]
    return sum(np.square(a) for a in np.meshgrid(*axes, indexing="ij")) <= 1
