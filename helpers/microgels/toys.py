"""Curves in the plane: data that fill no area, and how far samples lie from them. Lengths have no unit."""

from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from helpers.common import check

__all__ = ["CURVES", "coverage", "curve", "distance", "length", "sample"]

N_POINTS = 20_000  # of a curve, for nearest distances: the spacing is about 0.001


def _ring(radius):
    return lambda t: radius * np.exp(2j * np.pi * t)


def _line(start, end):
    return lambda t: start + (end - start) * t


def _spiral(first, last, sign=1):
    """Return a spiral of Archimedes between two angles, 2 at its outer end."""
    return lambda t: sign * 2 / last * (first + (last - first) * t) * np.exp(1j * (first + (last - first) * t))


def _sine(sign):
    return lambda t: 4 * t - 2 + sign * 1j * np.sin(np.pi * (4 * t - 2))


CURVES = {  # the pieces of each curve, as functions of t in [0, 1] to x + iy
    "circles": [_ring(0.8), _ring(1.6)],
    "spirals": [_spiral(1.5, 9.0), _spiral(1.5, 9.0, sign=-1)],
    "sines": [_sine(1), _sine(-1)],
    "swiss roll": [_spiral(1.5 * np.pi, 4.5 * np.pi)],
    "target": [*map(_ring, (0.7, 1.3, 1.9)), _line(-0.4, 0.4), _line(-0.4j, 0.4j)],
}


@cache
def _traced(name):
    """Return the pieces of a curve as fine polygons, and the length from the start along each."""
    pieces = [piece(np.linspace(0, 1, N_POINTS)) for piece in CURVES[check.choice("name", name, CURVES)]]
    return pieces, [np.concatenate([[0], np.abs(np.diff(points)).cumsum()]) for points in pieces]


def length(name: str) -> float:
    """Return the length of a curve of ``CURVES``, all of its pieces together."""
    return float(sum(along[-1] for along in _traced(name)[1]))


@cache
def curve(name: str) -> np.ndarray:
    """Return 20,000 points (n, 2) of a curve, equally spaced along all of its pieces."""
    pieces, lengths = _traced(name)
    ends = np.cumsum([along[-1] for along in lengths])
    wanted = (np.arange(N_POINTS) + 0.5) / N_POINTS * ends[-1]
    number = np.searchsorted(ends, wanted)
    points = np.zeros(N_POINTS, dtype=complex)
    for k, (piece, along) in enumerate(zip(pieces, lengths, strict=True)):
        points[number == k] = np.interp(wanted[number == k] - (ends[k] - along[-1]), along, piece)
    return np.stack([points.real, points.imag], axis=1)


@cache
def _tree(name):
    return cKDTree(curve(name))


def sample(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n points (n, 2) that are uniform in length along a curve."""
    return curve(name)[rng.integers(N_POINTS, size=check.whole("n", n))]


def distance(name: str, points) -> np.ndarray:
    """Return the distance (n,) of points (n, 2) from the curve."""
    return _tree(name).query(check.finite("points", points))[0]


def coverage(name: str, points, n_parts: int = 50) -> float:
    """Return how evenly points (n, 2) lie along the curve: sum_k min(share of points nearest to part k, 1 / n_parts).

    1 where every one of ``n_parts`` equal lengths has its share; 1/2 where half of the curve is empty.
    """
    nearest = _tree(name).query(check.finite("points", points))[1]
    share = np.bincount(nearest * n_parts // N_POINTS, minlength=n_parts) / len(nearest)
    return float(np.minimum(share, 1 / n_parts).sum())
