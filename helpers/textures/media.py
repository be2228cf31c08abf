"""Two-point functions in closed form: what the statistics of ``generators`` must come to, averaged over many images.

Lags are in px, numbers or arrays that broadcast; what comes back are probabilities of their shape.
"""

import numpy as np

from helpers.common import check

__all__ = ["discs", "discs_lineal_path", "gaussian_field", "poisson_lines", "rectangle"]


def rectangle(lag_y, lag_x, height: int, width: int, size: int) -> np.ndarray:
    """Return f of one height x width rectangle on a periodic size x size grid, (h - |dy|)+ (w - |dx|)+ / S, S = size^2.

    Lags go round the grid, too. ValueError unless height and width are at most half of size.
    """
    height, width, size = (check.whole(n, v) for n, v in (("height", height), ("width", width), ("size", size)))
    if 2 * max(height, width) > size:
        raise ValueError(f"size must be at least twice the sides, got {size} for {height} x {width}")
    lag_y, lag_x = check.finite("lag_y", lag_y), check.finite("lag_x", lag_x)
    dy, dx = (np.abs((lag + size / 2) % size - size / 2) for lag in (lag_y, lag_x))
    return np.maximum(height - dy, 0) * np.maximum(width - dx, 0) / size**2


def discs(r, radius_px: float, phi: float) -> np.ndarray:
    """Return f(r) of the void between overlapping discs: exp(-rho A2(r)), A2 the area of two discs at distance r.

    A2 = 2 pi R^2 - 2 R^2 acos(r / 2R) + (r / 2) sqrt(4 R^2 - r^2) for r < 2R, then 2 pi R^2; rho = -log(phi) / pi R^2.
    Source: Torquato, Random Heterogeneous Materials, 2002, ch. 5.
    """
    r, R = check.non_negative("r", r), check.positive_number("radius_px", radius_px)
    near = np.minimum(r, 2 * R)
    common = 2 * R**2 * np.arccos(near / (2 * R)) - near / 2 * np.sqrt(4 * R**2 - near**2)
    return np.exp(-_intensity(phi, R) * (2 * np.pi * R**2 - common))


def discs_lineal_path(z, radius_px: float, phi: float) -> np.ndarray:
    """Return L(z) of the void between overlapping discs, phi exp(-2 R rho z); its chords have the mean 1 / (2 R rho).

    Source: Lu & Torquato 1992.
    """
    z, R = check.non_negative("z", z), check.positive_number("radius_px", radius_px)
    return _share(phi) * np.exp(-2 * R * _intensity(phi, R) * z)


def gaussian_field(lag_y, lag_x, length_px) -> np.ndarray:
    """Return f of a Gaussian field cut at its median, 1/4 + asin(g) / 2 pi, g as in ``generators.gaussian_field``.

    ``length_px`` is one length or (ly, lx). Source: Sheppard 1899.
    """
    lengths = check.positive("length_px", length_px)
    if lengths.shape not in ((), (2,)):
        raise ValueError(f"length_px must be one length or (ly, lx), got {length_px!r}")
    length_y, length_x = np.broadcast_to(lengths, 2)
    lag_y, lag_x = check.finite("lag_y", lag_y), check.finite("lag_x", lag_x)
    return 0.25 + np.arcsin(np.exp(-((lag_y / length_y) ** 2) / 2 - (lag_x / length_x) ** 2 / 2)) / (2 * np.pi)


def poisson_lines(r, mean_chord_px: float, phi: float) -> np.ndarray:
    """Return f(r) of cells between random lines, phi^2 + phi (1 - phi) exp(-r / a), a the mean chord of a cell.

    Source: Debye, Anderson & Brumberger 1957.
    """
    phi = _share(phi)
    r, chord = check.non_negative("r", r), check.positive_number("mean_chord_px", mean_chord_px)
    return phi**2 + phi * (1 - phi) * np.exp(-r / chord)


def _intensity(phi, radius):
    return -np.log(_share(phi)) / (np.pi * radius**2)


def _share(phi):
    if not 0 < (phi := check.positive_number("phi", phi)) < 1:
        raise ValueError(f"phi must lie between 0 and 1, got {phi:g}")
    return phi
