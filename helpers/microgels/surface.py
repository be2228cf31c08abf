"""The surface of a gel: a sphere through it, arrows that leave a circle, and the size of its convex hull."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from helpers.common import check
from helpers.microgels.clouds import centred, check_cloud, nearest

__all__ = ["REFERENCE_NM", "ConvexVectors", "convex_vectors", "hull_radius", "sphere_fit"]

REFERENCE_NM = {21: 180.0, 33: 150.0, 35: 120.0, 38: 110.0, 43: 110.0, 53: 110.0}  # by degC, in the original's code

_PLANES = {"xy": [0, 1], "xz": [0, 2], "yz": [1, 2]}


class ConvexVectors(NamedTuple):
    """``length_nm`` (n_sectors,) beyond the reference circle, 0 in an empty sector; ``angle_rad`` of the middles."""

    length_nm: np.ndarray
    angle_rad: np.ndarray


def sphere_fit(points) -> tuple[np.ndarray, float]:
    """Return centre (3,) and radius of the sphere nearest to points (N, 3), in the unit of the points.

    Algebraic least squares: |p|^2 = 2 c.p + (R^2 - |c|^2) is linear in c and R^2 - |c|^2. Exact without noise; with
    noise it finds too small a sphere where the points cover only a part of it. ValueError if they lie in a plane.
    Source: Coope 1993.
    """
    points = check_cloud("points", points, at_least=4)
    middle = points.mean(axis=0)
    scale = np.sqrt(((points - middle) ** 2).sum(axis=1).mean()) or 1.0
    p = (points - middle) / scale
    design = np.column_stack([2 * p, np.ones(len(p))])
    solution, _, independent, _ = np.linalg.lstsq(design, (p**2).sum(axis=1), rcond=1e-9)
    if independent < 4:
        raise ValueError("points must not lie in a plane: no sphere is determined by them")
    return middle + scale * solution[:3], float(scale * np.sqrt(solution[3] + (solution[:3] ** 2).sum()))


def convex_vectors(
    points_nm, plane: str, reference_nm: float, n_sectors: int = 45, n_far: int = 10, keep: float = 0.99
) -> ConvexVectors:
    """Return how far a cloud (N, 3) reaches beyond a circle, in each angular sector of a plane.

    The cloud is centred on its mean, the nearest ``keep`` of it are projected on ``plane``, "xy", "xz" or "yz". Sector
    k spans [k, k + 1) 2 pi / n_sectors, from the first axis towards the second. Its length is the mean of r - reference
    over its ``n_far`` farthest points with r >= reference, or over all of them if there are fewer.
    The defaults are the original's code, which truncates each distance to whole nm (not done here); its text means the
    farthest point within a confidence of 0.95: ``n_far=1, keep=0.95``. Source: the original, Figures 5 and 6.
    """
    points = check_cloud("points_nm", points_nm)
    axes = _PLANES[check.choice("plane", plane, _PLANES)]
    reference = check.positive_number("reference_nm", reference_nm)
    n_sectors, n_far = check.whole("n_sectors", n_sectors), check.whole("n_far", n_far)
    first, second = nearest(points - points.mean(axis=0), keep)[:, axes].T
    beyond = np.hypot(first, second) - reference
    turn = np.arctan2(second, first) / (2 * np.pi) % 1
    sector = np.minimum((turn * n_sectors).astype(int), n_sectors - 1)
    order = np.lexsort((-beyond, sector))
    order = order[beyond[order] >= 0]
    place = np.arange(len(order)) - np.searchsorted(sector[order], sector[order])  # 0 is the farthest of its sector
    far = order[place < n_far]
    count = np.bincount(sector[far], minlength=n_sectors)
    total = np.bincount(sector[far], weights=beyond[far], minlength=n_sectors)
    return ConvexVectors(total / np.maximum(count, 1), (np.arange(n_sectors) + 0.5) * 2 * np.pi / n_sectors)


def hull_radius(points_nm, keep: float = 0.95) -> float:
    """Return the radius in nm of the sphere that has the volume of the convex hull of a cloud (N, 3).

    R = (3 V / 4 pi)^(1/3) for the hull of the ``keep`` N points nearest to the per-axis median. A hull grows with the
    number of points: compare clouds of equal N. ValueError if fewer than 4 points remain or they lie in a plane.
    """
    points = nearest(centred(points_nm), keep)
    if len(points) < 4:
        raise ValueError(f"points_nm must leave at least 4 points for a hull, got {len(points)}")
    try:
        volume = ConvexHull(points).volume
    except QhullError as error:
        raise ValueError("points_nm must not lie in a plane: their hull has no volume") from error
    return float(np.cbrt(3 * volume / (4 * np.pi)))
