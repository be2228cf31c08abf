"""The shape of gels: how wide they are along each axis, how high for their width, and how far they reach."""

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.special import ndtri

from helpers.common import check
from helpers.microgels.clouds import centred, check_clouds, nearest
from helpers.microgels.surface import convex_vectors

__all__ = ["height_over_width", "hull_corners", "mean_arrow", "reach", "robust_width"]


def robust_width(points_nm) -> np.ndarray:
    """Return the width of a cloud (N, 3) along each axis, (3,) in nm: 1.483 median |x - median x|.

    The standard deviation of a normal law; a few far localisations do not change it. ValueError unless (N, 3).
    """
    return np.median(np.abs(centred(points_nm)), axis=0) / ndtri(0.75)


def height_over_width(gels, error_nm=0.0) -> tuple[float, float]:
    """Return the height over the width of the mean gel of a list of clouds (N, 3), and its standard error.

    q = v_z / sqrt(v_x v_y) with v^2 = w^2 - s^2: w is the mean ``robust_width`` of the gels along an axis, s the
    localisation error ``error_nm`` along it, one number or (3,), which is taken off (exact for normal laws).
    The standard error is that of the jackknife, [(n - 1) / n sum_k (q_k - mean q)^2]^(1/2), q_k without gel k: it holds
    how gels differ, not how well s is known. ValueError for fewer than 2 gels, or an error as large as the width.
    """
    gels, error = check_clouds("gels", gels, at_least=2), check.non_negative("error_nm", error_nm)
    if error.shape not in ((), (3,)):
        raise ValueError(f"error_nm must be one number or have shape (3,), got {error.shape}")
    widths, n = np.array([robust_width(one) for one in gels]), len(gels)  # (n, 3)
    means = np.concatenate([[widths.mean(axis=0)], (widths.sum(axis=0) - widths) / (n - 1)])  # all, then without one
    squares = means**2 - error**2
    if not (squares > 0).all():
        axis = int(np.argmin(squares.min(axis=0)))
        raise ValueError(
            f"error_nm must be smaller than the width of the gels, got {np.broadcast_to(error, 3)[axis]:g} nm "
            f"along {'xyz'[axis]}, where it is {widths[:, axis].mean():g} nm"
        )
    x, y, z = squares.T
    value, *without = np.sqrt(z / np.sqrt(x * y))
    return float(value), float(np.std(without) * np.sqrt(n - 1))


def mean_arrow(gels, plane: str, reference_nm: float, n_far: int = 10, keep: float = 0.99) -> float:
    """Return the mean length in nm of the convex vectors of a list of clouds (N, 3), over sectors and gels.

    Arguments and errors as ``surface.convex_vectors``; empty sectors count 0.
    """
    gels = check_clouds("gels", gels)
    lengths = [convex_vectors(one, plane, reference_nm, n_far=n_far, keep=keep).length_nm for one in gels]
    return float(np.mean(lengths))


def reach(points_nm, keep: float = 0.95) -> tuple[float, float]:
    """Return how far a cloud (N, 3) reaches from its mean, seen from the side: sideways, and up and down, in nm.

    The nearest ``keep`` of it are projected on the xz plane; the farthest point is taken in each of 45 sectors of 8
    degrees (0 in an empty one). Sideways is the mean over the sectors whose middle lies within 45 degrees of x, up and
    down over the others. It grows with the number of points: compare clouds of equal N.
    Source: the rule of the text of the original's Figures 5 and 6, measured from the mean and not from a circle.
    """
    touching = 1e-9  # nm: no circle is left out
    length, angle = convex_vectors(points_nm, "xz", touching, n_far=1, keep=keep)
    far = np.where(length > 0, length + touching, 0)
    side = np.abs(np.cos(angle)) > np.sqrt(0.5)
    return float(far[side].mean()), float(far[~side].mean())


def hull_corners(points_nm, keep: float = 0.95) -> np.ndarray:
    """Return those points (M, 3) of a cloud (N, 3), in nm about its per-axis median, that its convex hull rests on.

    The hull is that of ``surface.hull_radius``, of the ``keep`` N points nearest to the median. ValueError if fewer
    than 4 remain or they lie in a plane.
    """
    points = nearest(centred(points_nm), keep)
    if len(points) < 4:
        raise ValueError(f"points_nm must leave at least 4 points for a hull, got {len(points)}")
    try:
        return points[ConvexHull(points).vertices]
    except QhullError as error:
        raise ValueError("points_nm must not lie in a plane: their hull has no volume") from error
