"""What a reconstruction of a line image kept: orientation, number of lines, volume fraction."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from helpers.common import check
from helpers.textures.generators import smallest_line_px

__all__ = ["Scores", "components", "count", "orientation", "score", "threshold", "wilson"]


class Scores(NamedTuple):
    """What N pairs of images have in common, arrays (N,): two of truths, and the relative error in percent."""

    orientation: np.ndarray
    count: np.ndarray
    volume_fraction_error: np.ndarray


def score(original, reconstruction, cut: float = 1.0) -> Scores:
    """Return the ``Scores`` of binary reconstructions (N, H, H) of originals (N, H, H), lines being 1.

    Right orientation; right number of lines, both counted by ``count``, the original with cut 1; and
    100 |phi' - phi| / phi. ValueError for an original without lines.
    """
    original, reconstruction = _binary("original", original), _binary("reconstruction", reconstruction)
    if original.shape != reconstruction.shape:
        raise ValueError(f"reconstruction must have the shape of original, {original.shape}")
    phi = original.mean((1, 2))
    if not (phi > 0).all():
        raise ValueError("original must hold lines in every image")
    right = count(reconstruction, cut) == count(original)
    error = 100 * np.abs(reconstruction.mean((1, 2)) / phi - 1)
    return Scores(orientation(reconstruction) == orientation(original), right, error)


def count(images, cut: float = 1.0) -> np.ndarray:
    """Return the number of lines of binary images (N, H, H), (N,): the rule that was fixed before any test.

    A line is a periodic 8-connected part of at least ``cut`` / 2 of the area of the smallest line of the generator.
    """
    images = _binary("images", images)
    least = check.non_negative_number("cut", cut) * smallest_line_px(images.shape[-1]) / 2
    return np.array([(areas >= least).sum() for areas in map(components, images)], int)


def components(image) -> np.ndarray:
    """Return the areas in px of the 8-connected parts of a binary image (H, W) whose borders meet each other."""
    label, n = ndimage.label(image, np.ones((3, 3)))
    wrapped = np.pad(label, 1, mode="wrap")
    seams = [(wrapped[0], wrapped[1]), (wrapped[:, 0], wrapped[:, 1])]  # each side beside the one it meets
    pairs = [(a, np.roll(b, step)) for a, b in seams for step in (-1, 0, 1)]
    a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
    both = (a > 0) & (b > 0)
    joined = coo_array((np.ones(both.sum()), (a[both] - 1, b[both] - 1)), shape=(n, n))
    n, name = connected_components(joined, directed=False)
    return np.bincount(name[label[label > 0] - 1], minlength=n)


def orientation(images) -> np.ndarray:
    """Return 0 (horizontal) or 1 (vertical) for binary images (N, H, W): along which axis fewer neighbours differ."""
    images = _binary("images", images)
    along_x, along_y = ((images != np.roll(images, 1, axis)).sum((1, 2)) for axis in (2, 1))
    return (along_x > along_y).astype(int)


def threshold(image, level: float = 0.05) -> np.ndarray:
    """Return where an image is at least ``level`` as uint8, the lines being 1.

    The original draws lines in black, and calls black what is below 0.05 of white: level 0.95 here.
    """
    return (check.finite("image", image) >= float(check.finite("level", level))).astype(np.uint8)


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson interval of a share: successes of n, 95 % by default. Source: Wilson 1927."""
    n, successes = check.whole("n", n), check.whole("successes", successes, at_least=0)
    if successes > n:
        raise ValueError(f"successes must be at most n = {n}, got {successes}")
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(middle - half), float(middle + half)


def _binary(name, images):
    images = np.asarray(images)
    if images.ndim != 3 or not np.isin(images, (0, 1)).all():
        raise ValueError(f"{name} must have shape (N, H, W) and hold only 0 and 1, got shape {images.shape}")
    return images
