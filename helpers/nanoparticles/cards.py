"""Cards: four suits as analytic shapes, moved by a random affine map and drawn without resampling an image."""

import math
from typing import NamedTuple

import numpy as np

from helpers.common import check

__all__ = ["FOLD", "FRAME_PX", "SUITS", "Factors", "affine", "draw", "make", "outline"]

SUITS = ("club", "spade", "heart", "diamond")  # the class numbers 0..3
FRAME_PX = 48  # width of the frame in the lengths of the shapes below, whatever the size of the image
FOLD = {"club": 1, "spade": 1, "heart": 1, "diamond": 2}  # turns that leave it as it is, the full one included

_FINE = 4  # sub-samples of a pixel along each axis
_CHUNK = 128  # images drawn at a time: the work space stays within the processor's cache


class Factors(NamedTuple):
    """How each of N cards lies, arrays (N,): everything but its suit. ``draw(suit, *factors)`` draws them again.

    ``angle_deg`` turns counter-clockwise as seen; ``shear_x_deg`` leans the card to the right, ``shear_y_deg`` lifts
    its right side; ``shift_x`` and ``shift_y`` move it right and down, in widths of the frame; ``scale`` enlarges it.
    """

    angle_deg: np.ndarray
    shear_x_deg: np.ndarray
    shear_y_deg: np.ndarray
    shift_x: np.ndarray
    shift_y: np.ndarray
    scale: np.ndarray


def make(
    n_per_class, angle_deg, shear_deg=15, translate=0.1, scale=(1, 1.3), size=FRAME_PX, rng=None
) -> tuple[np.ndarray, np.ndarray, Factors]:
    """Return images (N, size, size) float32 in 0..1, labels (N,) in the order of ``SUITS``, and the ``Factors``.

    N = 4 n_per_class, in random order: batches sorted by class mislead networks with BatchNorm. Uniform and independent
    are the angle within +-``angle_deg`` (0..180), both shears within +-``shear_deg`` (0..60), both shifts within
    +-``translate`` widths of the frame, and the scale within the pair ``scale``. The labelled cards of the original
    have ``translate=0``.
    Source: Ziatdinov et al. 2024, as its code ran (shear in degrees, shifts to both sides); the suits are our own.
    """
    n = check.whole("n_per_class", n_per_class)
    angle, shear = _up_to("angle_deg", angle_deg, 180), _up_to("shear_deg", shear_deg, 60)
    translate, size = _up_to("translate", translate, 1), check.whole("size", size)
    scale = check.interval("scale", scale, check.positive)
    rng = np.random.default_rng() if rng is None else rng
    labels = rng.permutation(np.repeat(np.arange(len(SUITS)), n))
    bounds = [
        (-angle, angle),
        (-shear, shear),
        (-shear, shear),
        (-translate, translate),
        (-translate, translate),
        scale,
    ]
    factors = Factors(*(rng.uniform(low, high, len(labels)) for low, high in bounds))
    images = np.empty((len(labels), size, size), np.float32)
    for label, suit in enumerate(SUITS):
        rows = labels == label
        images[rows] = draw(suit, *(factor[rows] for factor in factors), size=size)
    return images, labels, factors


def draw(suit, angle_deg=0, shear_x_deg=0, shear_y_deg=0, shift_x=0, shift_y=0, scale=1, size=FRAME_PX) -> np.ndarray:
    """Return a suit as images (..., size, size) float32 in 0..1: the covered share of each pixel, on 4 x 4 points.

    The factors are numbers or arrays that fit each other, as in ``Factors``. A point p of the image belongs to the suit
    if ``outline`` is negative at A^-1 (p - t), with A of ``affine``, so nothing is interpolated. What leaves the frame
    is lost.
    """
    check.choice("suit", suit, SUITS)
    size = check.whole("size", size)
    names = ("angle_deg", "shear_x_deg", "shear_y_deg", "shift_x", "shift_y", "scale")
    given = [angle_deg, shear_x_deg, shear_y_deg, shift_x, shift_y, scale]
    values = [check.finite(name, value) for name, value in zip(names, given, strict=True)]
    try:
        angle, shear_x, shear_y, shift_x, shift_y, scale = np.broadcast_arrays(*values)
    except ValueError as error:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in zip(names, values, strict=True))
        raise ValueError(f"the factors must be numbers or arrays that fit each other, got {shapes}") from error
    inverse = np.linalg.inv(affine(angle, shear_x, shear_y, scale)).reshape(-1, 2, 2)
    shift = FRAME_PX * np.stack([shift_x, -shift_y], axis=-1).reshape(-1, 2)
    images = np.empty((len(inverse), size, size), np.float32)
    for first in range(0, len(inverse), _CHUNK):
        part = slice(first, first + _CHUNK)
        images[part] = _covered(suit, inverse[part], shift[part], size)
    return images.reshape(*angle.shape, size, size)


def affine(angle_deg=0.0, shear_x_deg=0.0, shear_y_deg=0.0, scale=1.0) -> np.ndarray:
    """Return A = s R(phi) [[1, 0], [tan b, 1]] [[1, tan a], [0, 1]], (..., 2, 2), for columns (x, y) with y upwards.

    The card is sheared along x (a), then along y (b), enlarged and turned; det A = s^2. Source: kornia's RandomAffine.
    """
    angle = np.radians(check.finite("angle_deg", angle_deg))
    a, b = (_slope(name, value) for name, value in [("shear_x_deg", shear_x_deg), ("shear_y_deg", shear_y_deg)])
    scale = check.positive("scale", scale)
    angle, a, b, scale = np.broadcast_arrays(angle, a, b, scale)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1)
    shear = np.stack([np.ones_like(a), a, b, 1 + a * b], axis=-1)
    return scale[..., None, None] * (turn.reshape(*a.shape, 2, 2) @ shear.reshape(*a.shape, 2, 2))


def outline(suit: str, x, y) -> np.ndarray:
    """Return f(x, y): negative inside the upright suit, zero on its outline, and never larger than the distance to it.

    ``x`` (right) and ``y`` (up) are in 1/48 of the width of the frame, from its centre. Discs and half-planes are such
    functions (distance - radius; distance to the line), and so are the smaller and the larger of two of them (union
    and intersection). Extents, width x height: club 31 x 30, spade 25 x 29, heart 26 x 27, diamond 22 x 28.
    """
    check.choice("suit", suit, SUITS)
    return _OUTLINES[suit](np.abs(x), np.asarray(y))  # every suit is its own mirror image


def _covered(suit, inverse, shift, size):
    """Return images (n, size, size): centres decide, except in pixels that the outline may cross."""
    pixel = FRAME_PX / size
    at = ((np.arange(size) + 0.5) * pixel - FRAME_PX / 2).astype(np.float32)
    offset = np.einsum("nij,nj->ni", inverse, shift).astype(np.float32)[..., None, None]
    reach = (pixel / np.sqrt(2) * np.linalg.norm(inverse, 2, axis=(1, 2))).astype(np.float32)  # of half a diagonal
    inverse = inverse.astype(np.float32)[..., None, None]
    x = inverse[:, 0, 0] * at + (inverse[:, 0, 1] * -at[:, None] - offset[:, 0])  # (n, H, W)
    y = inverse[:, 1, 0] * at + (inverse[:, 1, 1] * -at[:, None] - offset[:, 1])
    f = outline(suit, x, y)
    images = (f < 0).astype(np.float32)
    image, row, column = np.nonzero(np.abs(f) <= 1.001 * reach[:, None, None])
    within = ((np.arange(_FINE) + 0.5) / _FINE - 0.5).astype(np.float32) * np.float32(pixel)
    right, up = (fine.ravel() for fine in np.meshgrid(within, -within))
    matrix = inverse[image, ..., 0]  # (edges, 2, 2, 1)
    x = x[image, row, column, None] + matrix[:, 0, 0] * right + matrix[:, 0, 1] * up  # (edges, 16)
    y = y[image, row, column, None] + matrix[:, 1, 0] * right + matrix[:, 1, 1] * up
    images[image, row, column] = (outline(suit, x, y) < 0).mean(axis=-1)
    return images


# --- the shapes, for x >= 0 -------------------------------------------------------------------------------------------


def _disc(x, y, centre, radius):
    return np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2) - radius


def _side(x, y, point, normal):
    """Return the distance from the line through a point, positive where the normal points to."""
    length = math.hypot(*normal)
    return (x - point[0]) * (normal[0] / length) + (y - point[1]) * (normal[1] / length)


def _both(*functions):
    return np.maximum.reduce(functions)


def _either(*functions):
    return np.minimum.reduce(functions)


def _pointed(x, y, lobe, radius, depth):
    """Return two lobes, discs about (+-c, h), and all between them and their tangents through the point (0, -depth)."""
    to_lobe = math.atan2(lobe[1] + depth, lobe[0])
    edge = to_lobe - math.asin(radius / math.hypot(lobe[0], lobe[1] + depth))  # direction of the tangent
    along, across = (math.cos(edge), math.sin(edge)), (math.sin(edge), -math.cos(edge))
    wedge = _both(_side(x, y, (0, -depth), across), _side(x, y, lobe, along), y - lobe[1])
    return _either(_disc(x, y, lobe, radius), wedge)


def _stem(x, y, bottom, top, waist=1.0, foot=5.0):
    """Return a stem between two heights, its sides arcs of circles: half as wide as ``foot`` below, ``waist`` above."""
    height, flare = top - bottom, foot - waist
    radius = (height**2 + flare**2) / (2 * flare)
    outside = -_disc(x, y, (waist + radius, top), radius)
    return _both(outside, x - foot, bottom - y, y - top)


def _club(x, y):
    leaf, top, radius = (8.0, -3.2), (0.0, 7.5), 7.5
    between = _both(_side(x, y, top, (top[1] - leaf[1], leaf[0])), leaf[1] - y)
    leaves = _either(_disc(x, y, leaf, radius), _disc(x, y, top, radius))
    return _either(leaves, between, _stem(x, y, -15.0, -3.0))


def _spade(x, y):
    return _either(_pointed(x, -y, (5.9, 3.4), 6.6, 14.5), _stem(x, y, -14.5, -3.0))


def _heart(x, y):
    return _pointed(x, y, (6.0, 6.5), 7.0, 13.5)


def _diamond(x, y):
    return _side(x, np.abs(y), (11.0, 0.0), (14.0, 11.0))


_OUTLINES = {"club": _club, "spade": _spade, "heart": _heart, "diamond": _diamond}


# --- checks -----------------------------------------------------------------------------------------------------------


def _up_to(name, value, highest):
    value = check.non_negative_number(name, value)
    if value > highest:
        raise ValueError(f"{name} must be <= {highest}, got {value:g}")
    return value


def _slope(name, value):
    degrees = check.finite(name, value)
    if (np.abs(degrees) >= 90).any():
        raise ValueError(f"{name} must lie within -90..90 degrees, got {value!r}")
    return np.tan(np.radians(degrees))
