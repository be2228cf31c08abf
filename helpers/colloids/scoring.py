"""What a tracker found against what is there: recall, precision and errors of position."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from helpers.common import check

__all__ = ["Score", "inner", "match", "score"]


class Score(NamedTuple):
    """Spheres found against true ones, away from the faces; errors are rms in diameters, across (one axis) and in z.

    ``n`` true spheres were looked for, ``n_found`` were reported: the numbers behind ``recall`` and ``precision``.
    """

    recall: float
    precision: float
    rms_xy: float
    rms_z: float
    n: int
    n_found: int


def match(found, centres, reach_px: float) -> np.ndarray:
    """Return pairs (k, 2) of indices into found (n, 3) and centres (m, 3), px: nearest first, one to one.

    Pairs are at most ``reach_px`` apart.
    """
    found, centres = np.reshape(found, (-1, 3)), np.reshape(centres, (-1, 3))
    reach_px = check.positive_number("reach_px", reach_px)
    near = cKDTree(found).sparse_distance_matrix(cKDTree(centres), reach_px, output_type="ndarray")
    partner, taken = {}, set()
    for i, j, _ in np.sort(near, order="v"):
        if i not in taken and j not in partner:
            partner[j] = i
            taken.add(i)
    return np.array([(i, j) for j, i in sorted(partner.items())], dtype=int).reshape(-1, 2)


def inner(places, shape, edge_px: float) -> np.ndarray:
    """Return which places (n, 3) px are ``edge_px`` or more from all faces of a stack, (n,)."""
    places = np.reshape(places, (-1, 3))
    return ((places >= edge_px) & (places <= np.array(shape) - 1 - edge_px)).all(1)


def score(found, centres, diameter_px: float, shape, edge: float = 1.5) -> Score:
    """Return the ``Score`` of positions (n, 3) against centres (m, 3), px, matched within half a diameter.

    Counted is what is ``edge`` diameters or more from all faces; its partner may be nearer to them. Shares are 0 and
    errors NaN where there is nothing.
    """
    found, centres = np.reshape(found, (-1, 3)), np.reshape(centres, (-1, 3))
    pairs = match(found, centres, diameter_px / 2)
    wanted, reported = (inner(p, shape, edge * diameter_px) for p in (centres, found))
    hits = pairs[wanted[pairs[:, 1]]]
    error = (found[hits[:, 0]] - centres[hits[:, 1]]) / diameter_px
    z, y, x = np.sqrt(np.square(error).mean(0)) if len(hits) else [np.nan] * 3
    n, n_found = int(wanted.sum()), int(reported.sum())
    shares = len(hits) / max(1, n), int(reported[pairs[:, 0]].sum()) / max(1, n_found)
    return Score(*shares, float(np.hypot(y, x) / np.sqrt(2)), float(z), n, n_found)
