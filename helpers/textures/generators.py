"""Generators of textures: line images, and random media whose two-point statistics are known in closed form.

Images hold 0 and 1 (Cahn-Hilliard: concentrations). All are periodic but for ``poisson_lines``; the lines of ``lines``
do not reach the border. ``rng`` is a numpy Generator (default: a new one), and the same one gives the same images.
"""

from typing import NamedTuple

import numpy as np
import scipy.fft

from helpers.common import check

__all__ = [
    "GAP",
    "LENGTH",
    "ORIENTATIONS",
    "THICKNESS",
    "Lines",
    "cahn_hilliard",
    "gaussian_field",
    "lines",
    "overlapping_discs",
    "poisson_lines",
    "smallest_line_px",
]

ORIENTATIONS = ("horizontal", "vertical")
THICKNESS = (3 / 224, 5 / 56)  # of a line, of the side of the image: 3 to 20 px of 224
LENGTH = (5 / 28, 3 / 4)  # 40 to 168 px of 224
GAP = 1 / 56  # least distance of two lines, also across the border: 4 px of 224
_MOST = 6  # lines in an image: more of the longest and thickest would find no place


class Lines(NamedTuple):
    """The truth behind N line images, arrays with N rows.

    ``orientation`` 0 (horizontal) or 1 (vertical), ``count``, ``volume_fraction``; per line, padded with 0 to the most
    lines an image may have: ``thickness_px``, ``length_px``, and ``corner_px`` (row, column) of the first pixel.
    """

    orientation: np.ndarray
    count: np.ndarray
    volume_fraction: np.ndarray
    thickness_px: np.ndarray
    length_px: np.ndarray
    corner_px: np.ndarray


def lines(n_images: int, size: int = 224, n_lines=(1, 4), orientation=None, rng=None) -> tuple[np.ndarray, Lines]:
    """Return images (N, size, size) uint8 of separate lines, 1 on 0, and their ``Lines``.

    The number of lines is uniform from ``n_lines`` = (least, most), at most 6, the orientation one of ``ORIENTATIONS``
    (None: either, with probability 1/2), the same for all lines of an image. Thickness and length of each line are
    log-uniform in ``THICKNESS`` and ``LENGTH`` times ``size``, whole pixels, so that the volume fraction tells the
    number of lines in about half of the images only. Along rows or along columns lines keep a gap of ``size`` / 56,
    1 px at least, from each other, also across the border, and half of it, rounded up, from the border. All places
    that do are equally likely. ``size`` >= 28. ValueError for other input.
    """
    n_images, size = check.whole("n_images", n_images), check.whole("size", size, at_least=28)
    if np.shape(n_lines) != (2,):
        raise ValueError(f"n_lines must be (least, most), got {n_lines!r}")
    least, most = (check.whole("n_lines", n) for n in n_lines)
    if least > most or most > _MOST:
        raise ValueError(f"n_lines must be (least, most) with least <= most <= {_MOST}, got {n_lines!r}")
    if orientation is not None:
        check.choice("orientation", orientation, ORIENTATIONS)
    rng = np.random.default_rng() if rng is None else rng
    upright = rng.integers(2, size=n_images)
    if orientation is not None:
        upright[:] = ORIENTATIONS.index(orientation)
    count = rng.integers(least, most + 1, n_images)
    thick, long = (_log_uniform(limits, size, (n_images, most), rng) for limits in (THICKNESS, LENGTH))
    sides = np.stack([thick, long], axis=-1)  # (N, most, 2): rows, columns of a horizontal line
    sides[upright == 1] = sides[upright == 1][..., ::-1]
    present = np.arange(most) < count[:, None]
    sides[~present] = 0
    corner = _place(sides, present, size, max(1, round(size * GAP)), rng)
    at = np.arange(size)
    inside = (at >= corner[..., None]) & (at < (corner + sides)[..., None])  # (N, most, 2, size)
    images = np.zeros((n_images, size, size), np.uint8)
    for row, column in inside.transpose(1, 2, 0, 3):
        images |= (row[:, :, None] & column[:, None, :]).view(np.uint8)
    thick[~present], long[~present] = 0, 0
    return images, Lines(upright, count, images.mean((1, 2)), thick, long, corner)


def smallest_line_px(size: int) -> int:
    """Return the area in px of the smallest line that ``lines`` draws."""
    size = check.whole("size", size, at_least=28)
    return int(np.prod([max(1, round(size * limits[0])) for limits in (THICKNESS, LENGTH)]))


def _log_uniform(limits, size, shape, rng):
    """Return whole pixels, log-uniform between two fractions of the side of the image."""
    low, high = (max(1, round(size * limit)) for limit in limits)
    return np.clip(np.round(np.exp(rng.uniform(np.log(low - 0.5), np.log(high + 0.5), shape))), low, high).astype(int)


def _place(sides, present, size, gap, rng, tries=10_000):
    """Return first corners (N, most, 2) so that all lines keep the gap; images that find no place begin again."""
    corner, margin = np.zeros_like(sides), (gap + 1) // 2
    waiting = np.arange(len(sides))
    for _ in range(tries):
        corner[waiting] = rng.integers(margin, size - margin - sides[waiting], endpoint=True)
        waiting = waiting[_touching(corner[waiting], sides[waiting], present[waiting], gap)]
        if not len(waiting):
            return corner * present[..., None]
    raise ValueError(f"n_lines must be smaller: in {len(waiting)} images the lines found no place")


def _touching(corner, sides, present, gap):
    """Return whether any two lines of an image come nearer than the gap, along rows as well as along columns.

    Across the border none do: each keeps half of the gap from it.
    """
    far = np.abs(2 * (corner[:, :, None] - corner[:, None]) + sides[:, :, None] - sides[:, None])
    near = (far < sides[:, :, None] + sides[:, None] + 2 * gap).all(axis=-1)
    both = present[:, :, None] & present[:, None]
    both[:, np.arange(both.shape[1]), np.arange(both.shape[1])] = False
    return (near & both).any(axis=(1, 2))


def gaussian_field(n_images: int, size: int = 128, length_px=6.0, level: float = 0.0, rng=None) -> np.ndarray:
    """Return images (N, size, size) uint8: 1 where a periodic Gaussian field of mean 0 and variance 1 is >= ``level``.

    Its correlation is g(r) = exp(-dx^2 / 2 lx^2 - dy^2 / 2 ly^2) with ``length_px`` = l, or (ly, lx), at most a quarter
    of ``size`` (from an eighth on the field feels that it is periodic). The mean volume fraction is
    erfc(level / sqrt 2) / 2; for ``level`` 0 the two-point function is 1/4 + asin(g) / 2 pi. ValueError otherwise.
    """
    n_images, size = check.whole("n_images", n_images), check.whole("size", size, at_least=4)
    level, lengths = _number("level", level), check.positive("length_px", length_px)
    if lengths.shape not in ((), (2,)) or 4 * lengths.max() > size:
        raise ValueError(f"length_px must be one length or (ly, lx), at most size / 4, got {length_px!r}")
    lengths = np.broadcast_to(lengths, 2)
    rng = np.random.default_rng() if rng is None else rng
    lag = np.minimum(np.arange(size), size - np.arange(size))
    row, column = (np.exp(-(lag**2) / (2 * length**2)) for length in lengths)
    power = np.maximum(scipy.fft.fft2(np.outer(row, column)).real, 0)
    power = (power / power.mean())[:, : size // 2 + 1]  # variance 1
    noise = scipy.fft.rfft2(rng.standard_normal((n_images, size, size)))
    return (scipy.fft.irfft2(noise * np.sqrt(power), s=(size, size)) >= level).astype(np.uint8)


def overlapping_discs(n_images: int, size: int = 128, radius_px: float = 8.0, phi: float = 0.5, rng=None) -> np.ndarray:
    """Return images (N, size, size) uint8 of discs thrown at random, 1 in the void between them (mean share ``phi``).

    Their number is Poisson of intensity rho = -log(phi) / pi R^2 per pixel; their centres lie anywhere, and a pixel is
    covered where its centre lies less than R from one. ValueError unless 0 < phi < 1 and 0 < R <= size / 2.
    """
    n_images, size = check.whole("n_images", n_images), check.whole("size", size, at_least=4)
    radius, phi = check.positive_number("radius_px", radius_px), _share("phi", phi)
    if 2 * radius > size:
        raise ValueError(f"radius_px must be at most half of size, {size / 2:g}, got {radius:g}")
    rng = np.random.default_rng() if rng is None else rng
    images = np.ones((n_images, size, size), np.uint8)
    reach = np.arange(-int(radius) - 1, int(radius) + 2)
    for image in images:
        centres = rng.uniform(0, size, (rng.poisson(-np.log(phi) / (np.pi * radius**2) * size**2), 2))
        pixel = np.round(centres).astype(int)
        rows, columns = ((pixel[:, k, None] + reach) for k in (0, 1))  # (M, 2 reach + 1)
        off_row, off_column = rows - centres[:, :1], columns - centres[:, 1:]
        covered = off_row[:, :, None] ** 2 + off_column[:, None, :] ** 2 < radius**2
        where = np.nonzero(covered)
        image[rows[where[0], where[1]] % size, columns[where[0], where[2]] % size] = 0
    return images


def poisson_lines(
    n_images: int, size: int = 128, mean_chord_px: float = 16.0, phi: float = 0.5, rng=None
) -> np.ndarray:
    """Return images (N, size, size) uint8: random straight lines cut the plane into cells, each 1 with probability phi.

    ``mean_chord_px`` = a is the mean distance of two lines along any straight path. Not periodic. The two-point
    function is phi^2 + phi (1 - phi) exp(-r / a). ValueError unless a > 0 and 0 < phi < 1.
    Source: Debye, Anderson & Brumberger 1957.
    """
    n_images, size = check.whole("n_images", n_images), check.whole("size", size, at_least=4)
    chord, phi = check.positive_number("mean_chord_px", mean_chord_px), _share("phi", phi)
    rng = np.random.default_rng() if rng is None else rng
    at = np.arange(size) - (size - 1) / 2
    reach = size / np.sqrt(2)
    images = np.empty((n_images, size, size), np.uint8)
    for image in images:
        n = rng.poisson(np.pi * reach / chord)  # the lines that meet the circle about the image
        drawn = rng.uniform(0, np.pi, n), rng.uniform(-reach, reach, n), rng.integers(2**63, size=n, dtype=np.uint64)
        cell = np.zeros((size, size), np.uint64)  # the keys of all lines that have the pixel on their far side
        for angle, distance, key in zip(*drawn, strict=True):
            cell[np.cos(angle) * at + np.sin(angle) * at[:, None] > distance] ^= key
        names, number = np.unique(cell, return_inverse=True)
        image[:] = (rng.random(len(names)) < phi)[number.reshape(size, size)]
    return images


def cahn_hilliard(
    n_images: int, size: int = 128, n_steps: int = 600, mean: float = 0.0, dt=0.1, rng=None
) -> np.ndarray:
    """Return concentrations (N, size, size) float32 of a mixture that unmixes, about -1 and 1, after n_steps.

    du/dt = laplacian(u^3 - u - laplacian u / 2) from u = ``mean`` + small noise, periodic, pixels of unit length, by a
    semi-implicit spectral scheme, in single precision. The mean is conserved. In the end the domains grow as t^(1/3),
    t = n_steps dt, and their walls are tanh(x). ``size`` >= 8. ValueError unless -1 < mean < 1.
    Source: Cahn & Hilliard 1958; Eyre 1998 for the scheme.
    """
    n_images, size = check.whole("n_images", n_images), check.whole("size", size, at_least=8)
    n_steps, dt = check.whole("n_steps", n_steps), check.positive_number("dt", dt)
    if abs(mean := _number("mean", mean)) >= 1:
        raise ValueError(f"mean must lie between -1 and 1, got {mean:g}")
    rng = np.random.default_rng() if rng is None else rng
    k = 2 * np.pi * scipy.fft.fftfreq(size)
    k2 = (k[:, None] ** 2 + k[: size // 2 + 1] ** 2).astype(np.float32)
    u = 0.05 * rng.standard_normal((n_images, size, size)).astype(np.float32)
    U = scipy.fft.rfft2(u + np.float32(mean) - u.mean((1, 2), keepdims=True))
    stiff = 1 + np.float32(dt) * k2 * (2 + k2 / 2)  # stable: the concave part -3u of u^3 - 3u is left explicit
    for _ in range(n_steps):
        u = scipy.fft.irfft2(U, s=(size, size))
        U = _of_real((U - np.float32(dt) * k2 * (scipy.fft.rfft2(u**3) - 3 * U)) / stiff, size)
    return scipy.fft.irfft2(U, s=(size, size)).astype(np.float32)


def _of_real(U, size):
    """Return half-plane spectra (..., H, H // 2 + 1) without what no real image has: nothing would stop it to grow."""
    for column in {0, size // 2 if size % 2 == 0 else 0}:
        U[..., column] = (U[..., column] + np.roll(U[..., ::-1, column], 1, axis=-1).conj()) / 2
    return U


def _number(name, value):
    if (array := check.finite(name, value)).ndim:
        raise ValueError(f"{name} must be one number, got an array of shape {array.shape}")
    return float(array)


def _share(name, value):
    if not 0 < (share := _number(name, value)) < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {share:g}")
    return share
