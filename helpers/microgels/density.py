"""Density of localisations: in toroids about the axis of a gel, in shells about its centre, and cumulated over r."""

import numpy as np

from helpers.common import check
from helpers.microgels.clouds import are_clouds, centred, check_cloud, check_clouds, nearest

__all__ = ["cmf_distance", "radial_cmf", "radial_profile", "toroid_density", "toroid_volumes"]


def toroid_volumes(n_rings: int = 40, n_slabs: int = 80, bin_nm: float = 10.0) -> np.ndarray:
    """Return the volumes (n_rings, n_slabs) in nm^3 of toroids of square section: V = pi (r_out^2 - r_in^2) h.

    All together they fill a cylinder of radius ``n_rings`` bins and height ``n_slabs`` bins. Source: the original,
    Algorithm 2.
    """
    edges = _edges("n_rings", n_rings, bin_nm)
    ring = np.pi * np.diff(edges**2) * bin_nm
    return np.repeat(ring[:, None], check.whole("n_slabs", n_slabs), axis=1)


def toroid_density(points_nm, n_rings: int = 40, n_slabs: int = 80, bin_nm: float = 10.0) -> np.ndarray:
    """Return the localisations per nm^3 in every toroid about the z axis of a cloud (N, 3), (n_rings, n_slabs).

    The centre is the per-axis median; d = sqrt(dx^2 + dy^2), h = dz + half the height of the cylinder. Bins are
    (a, b]: a point on an inner edge belongs to the bin before, so one at d = 0 or h = 0, like those outside the
    cylinder, is left out. Counts are divided by volumes, not by N. Source: the original, Algorithm 2.
    """
    volumes = toroid_volumes(n_rings, n_slabs, bin_nm)
    points = centred(points_nm)
    ring = _right_closed(np.sqrt(points[:, 0] ** 2 + points[:, 1] ** 2), _edges("n_rings", n_rings, bin_nm))
    slab = _right_closed(points[:, 2] + n_slabs * bin_nm / 2, _edges("n_slabs", n_slabs, bin_nm))
    inside = (ring >= 0) & (ring < n_rings) & (slab >= 0) & (slab < n_slabs)
    counts = np.bincount(ring[inside] * n_slabs + slab[inside], minlength=volumes.size)
    return counts.reshape(volumes.shape) / volumes


def _edges(name: str, n_bins: int, bin_nm: float) -> np.ndarray:
    return np.arange(check.whole(name, n_bins) + 1) * check.positive_number("bin_nm", bin_nm)


def _right_closed(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the number of the bin (a, b] of each value: -1 below, len(edges) - 1 above."""
    return np.searchsorted(edges, values, side="left") - 1


def radial_profile(points_nm, bin_nm: float = 25.0, n_shells: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Return r (n_shells,) in nm and the density per localisation in shells about the median, in 1/nm^3.

    rho = n / (N 4 pi / 3 (b^3 - a^3)). r is the mean radius of the volume of a shell, 3/4 (b^4 - a^4) / (b^3 - a^3).
    ``points_nm`` is one cloud (N, 3), or a list of clouds: each has its own centre, then all are pooled.
    """
    edges = _edges("n_shells", n_shells, bin_nm)
    distances = _distances("points_nm", points_nm)
    cubes = np.diff(edges**3)
    counts = np.histogram(distances, edges)[0]
    return 0.75 * np.diff(edges**4) / cubes, counts / (len(distances) * 4 / 3 * np.pi * cubes)


def radial_cmf(points_nm, keep: float = 0.99) -> tuple[np.ndarray, np.ndarray]:
    """Return the cumulative mass function of the distance from the mean of a cloud (N, 3): r_nm (n + 1,) and F.

    The n = ``keep`` N points nearest to the mean, sorted; F_j = j / n at r_j, beginning at (0, 0) and ending at 1.
    Source: the original's notebooks, which count j from 0 (F is lower by 1/n) and centre what is kept once more
    (which moves it by about 1 nm).
    """
    points = check_cloud("points_nm", points_nm)
    distances = np.linalg.norm(nearest(points - points.mean(axis=0), keep), axis=1)
    return np.concatenate([[0.0], distances]), np.arange(len(distances) + 1) / len(distances)


def cmf_distance(a, b) -> float:
    """Return max_r |F_a(r) - F_b(r)|, 0..1, between the cumulative mass functions of two gels or sets of gels.

    ``a`` and ``b`` are clouds (N, 3), or lists of clouds that are pooled. Each cloud is centred on its per-axis median:
    the tail of a real gel, which moves the mean, must not shift its core. No point is left out. Both lengths in nm.
    """
    first, second = np.sort(_distances("a", a)), np.sort(_distances("b", b))
    places = np.concatenate([first, second])
    difference = [np.searchsorted(r, places, side="right") / len(r) for r in (first, second)]
    return float(np.abs(difference[0] - difference[1]).max())


def _distances(name: str, clouds) -> np.ndarray:
    """Return the distances of all points of one cloud, or of a list of clouds, from the median of their own cloud."""
    clouds = check_clouds(name, clouds) if are_clouds(clouds) else [check_cloud(name, clouds)]
    return np.concatenate([np.linalg.norm(centred(cloud), axis=1) for cloud in clouds])
