"""Confocal images of spheres: each a solid ball blurred by the point spread function of the microscope.

The profile of one sphere is 1 in the middle of a ball that is large against the blur. Positions are in voxels in the
order (z, y, x), the centre of the first voxel being the origin; the blur is an anisotropic Gaussian, wider along z.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import j0, roots_legendre

from helpers.common import check

__all__ = ["Profile", "add_noise", "ball_transform", "image", "paint", "profile"]

compiled = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")

REACH = 4.5  # standard deviations of the blur to which a profile is tabulated


class Profile(NamedTuple):
    """The image T(z, rho; d) of one blurred ball, tabulated: ``values`` (n_d, n_z, n_rho), z and rho from 0 on.

    ``diameters_px`` (n_d,), evenly spaced; ``step_px``, that of z and rho; ``rim_px`` (n,), for z = 0, step, ... the
    rho beyond which even the largest ball is not drawn.
    """

    values: np.ndarray
    diameters_px: np.ndarray
    step_px: float
    rim_px: np.ndarray


def ball_transform(k_z, k_rho, diameter_px: float, psf_sigma_px) -> np.ndarray:
    """Return the Fourier transform of a blurred ball at wave numbers k_z, k_rho (rad/px, arrays that broadcast), px^3.

    V 3 (sin q - q cos q) / q^3 exp(-(s_z^2 k_z^2 + s_rho^2 k_rho^2) / 2), q = k d / 2, V = pi d^3 / 6: its value at 0
    is the volume of the ball.
    """
    s_z, s_rho = blur(psf_sigma_px)
    q = np.maximum(np.sqrt(np.square(k_z) + np.square(k_rho)) * diameter_px / 2, 1e-2)
    form = 3 * (np.sin(q) - q * np.cos(q)) / q**3
    gaussian = np.exp(-(s_z**2 * np.square(k_z) + s_rho**2 * np.square(k_rho)) / 2)
    return np.pi / 6 * diameter_px**3 * form * gaussian


def profile(diameter_px, psf_sigma_px, step_px: float = 0.1, faint: float = 5e-4) -> Profile:
    """Return the ``Profile`` of blurred balls of one diameter, or of several evenly spaced ones.

    The inverse transform of ``ball_transform``, even in z and a Hankel transform across:
    T(z, rho) = 1 / (2 pi^2) int dk_z int dk_rho k_rho cos(k_z z) J0(k_rho rho) F(k_z, k_rho), both integrals over
    [0, 7 / s] by Gauss-Legendre quadrature. What is below a share ``faint`` of the middle is not drawn. ValueError for
    diameters or blurs that are not > 0.
    """
    diameters = np.atleast_1d(check.positive("diameter_px", diameter_px))
    s_z, s_rho = blur(psf_sigma_px)
    z, rho = (np.arange(0, diameters.max() / 2 + REACH * s + 2 * step_px, step_px) for s in (s_z, s_rho))
    (k_z, w_z), (k_rho, w_rho) = (_quadrature(7 / s, far[-1] + diameters.max()) for s, far in ((s_z, z), (s_rho, rho)))
    across = (w_rho * k_rho)[:, None] * j0(np.outer(k_rho, rho))
    along = np.cos(np.outer(z, k_z)) * w_z
    F = np.stack([ball_transform(k_z[:, None], k_rho, d, (s_z, s_rho, s_rho)) for d in diameters])
    values = along @ F @ across / (2 * np.pi**2)
    bright = np.minimum((values.max(0) > faint * values.max()).sum(1), len(rho) - 2)[: len(z) - 2]
    return Profile(values, diameters, step_px, step_px * bright[bright > 0])


def _quadrature(k_max, far):
    """Return nodes and weights on [0, k_max] that resolve waves over a length ``far``."""
    nodes, weights = roots_legendre(32 + int(k_max * far))
    return (nodes + 1) * k_max / 2, weights * k_max / 2


def blur(psf_sigma_px) -> tuple[float, float]:
    """Return (s_z, s_rho) of a point spread function (z, y, x) in px; ValueError unless > 0 and y = x."""
    sigma = check.positive("psf_sigma_px", psf_sigma_px)
    if sigma.shape != (3,) or sigma[1] != sigma[2]:
        raise ValueError(f"psf_sigma_px must be (z, y, x) with y = x, got {psf_sigma_px}")
    return float(sigma[0]), float(sigma[1])


@compiled
def fill(rows, values, d_at, per_px, z, far):
    """Write T, dT/dz and dT/d(d_at) at one z >= 0 and rho = 0, step, ... to ``rows`` (3, n_rho), as far as needed.

    Linear interpolation in z and in d_at, which counts the diameters.
    """
    i, k = int(z * per_px), int(d_at)
    a, c = z * per_px - i, d_at - k
    n = min(int(far * per_px) + 2, values.shape[2])
    for j in range(n):
        low, high = values[k, i, j], values[k, i + 1, j]
        rows[0, j], rows[1, j], rows[2, j] = low + a * (high - low), (high - low) * per_px, 0.0
    if values.shape[0] > 1:
        for j in range(n):
            low, high = values[k + 1, i, j], values[k + 1, i + 1, j]
            rows[2, j] = low + a * (high - low) - rows[0, j]
            rows[1, j] += c * ((high - low) * per_px - rows[1, j])
            rows[0, j] += c * rows[2, j]


@compiled
def within(centre, reach, side):
    """Return the range of whole numbers in [centre - reach, centre + reach] and in [0, side)."""
    return max(0, int(np.ceil(centre - reach))), min(side, int(np.floor(centre + reach)) + 1)


@compiled
def place(diameter, first, per_px, n):
    """Return where a diameter stands among n tabulated ones, the first of them ``first``, ``per_px`` of them per px."""
    return min(max((diameter - first) * per_px, 0.0), max(n - 1.001, 0.0))


@compiled
def add_sphere(volume, z0, y0, x0, amplitude, values, d_at, per_px, rim):
    """Add one sphere to a volume, in place."""
    rows = np.empty((3, values.shape[2]))
    z_lo, z_hi = within(z0, (len(rim) - 1) / per_px, volume.shape[0])
    for z in range(z_lo, z_hi):
        dz = abs(z - z0)
        far = rim[int(dz * per_px)]
        fill(rows, values, d_at, per_px, dz, far)
        y_lo, y_hi = within(y0, far, volume.shape[1])
        for y in range(y_lo, y_hi):
            dy = y - y0
            x_lo, x_hi = within(x0, np.sqrt(max(far * far - dy * dy, 0.0)), volume.shape[2])
            for x in range(x_lo, x_hi):
                rho = np.sqrt(dy * dy + (x - x0) ** 2) * per_px
                j = int(rho)
                volume[z, y, x] += amplitude * (rows[0, j] + (rho - j) * (rows[0, j + 1] - rows[0, j]))


@compiled
def add_spheres(volume, spheres, values, first, d_per_px, per_px, rim):
    """Add spheres (n, 5) to a volume, in place; the other arguments come from ``table``."""
    for n in range(len(spheres)):
        z, y, x, amplitude, diameter = spheres[n]
        add_sphere(volume, z, y, x, amplitude, values, place(diameter, first, d_per_px, len(values)), per_px, rim)


def paint(volume, spheres, shape_of: Profile) -> None:
    """Add spheres (n, 5), each z, y, x, amplitude and diameter (within those of the ``Profile``), to a volume."""
    add_spheres(volume, np.ascontiguousarray(spheres, dtype=float), *table(shape_of))


def table(shape_of: Profile) -> tuple:
    """Return the arguments of the compiled functions: values, first diameter, diameters and steps per px, rim."""
    d = shape_of.diameters_px
    d_per_px = 1 / (d[1] - d[0]) if len(d) > 1 else 0.0
    return shape_of.values, float(d[0]), float(d_per_px), 1 / shape_of.step_px, shape_of.rim_px


def image(
    positions_px,
    diameter_px,
    psf_sigma_px,
    shape: tuple[int, int, int],
    snr: float | None,
    rng: np.random.Generator | None = None,
    brightness=1.0,
    background: float = 0.1,
    bleaching: float = 0.0,
    photons: bool = False,
) -> np.ndarray:
    """Return the image (Z, Y, X), float32, of spheres at (n, 3) px; spheres outside shine in as far as they reach.

    The middle of a large sphere has the value ``brightness`` (one, or one per sphere) above the ``background``.
    ``diameter_px`` likewise. ``bleaching``: share of all light lost from the first slice to the last, exponentially.
    ``snr``: 1 / standard deviation of white noise; None for an image without noise; with ``photons`` a value of 1 is
    snr^2 photons instead, Poisson distributed. ValueError for positions that are not (n, 3), other numbers out of
    range, or a brightness or diameter that fits neither one nor all.
    """
    positions = check.finite("positions_px", positions_px).reshape(np.shape(positions_px))
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ValueError(f"positions_px must have shape (n, 3), got {positions.shape}")
    if len(shape) != 3:
        raise ValueError(f"shape must be (Z, Y, X), got {shape}")
    shape = tuple(check.whole("shape", side) for side in shape)
    d = _each("diameter_px", check.positive("diameter_px", diameter_px), len(positions))
    light = _each("brightness", check.non_negative("brightness", brightness), len(positions))
    if not 0 <= (lost := check.non_negative_number("bleaching", bleaching)) < 1:
        raise ValueError(f"bleaching must be a share in [0, 1), got {bleaching}")
    volume = np.zeros(shape)
    if len(positions):
        paint(volume, np.column_stack([positions, light, d]), profile(_tabulated(d), psf_sigma_px, 0.05, 1e-5))
    volume += check.non_negative_number("background", background)
    volume *= (1 - lost) ** (np.arange(shape[0]) / max(shape[0] - 1, 1))[:, None, None]
    return add_noise(volume, snr, rng, photons).astype(np.float32)


def add_noise(volume, snr: float | None, rng: np.random.Generator | None = None, photons: bool = False) -> np.ndarray:
    """Return a volume with the noise of ``image``."""
    if snr is None:
        return volume
    snr, rng = check.positive_number("snr", snr), rng if rng is not None else np.random.default_rng()
    if photons:
        return rng.poisson(np.maximum(volume, 0) * snr**2) / snr**2
    return volume + rng.standard_normal(volume.shape) / snr


def _each(name, value, n):
    if value.shape not in ((), (n,)):
        raise ValueError(f"{name} must be one number or {n}, one per sphere, got shape {value.shape}")
    return np.broadcast_to(value, (n,))


def _tabulated(d):
    """Return the diameters to tabulate for spheres of diameters d: one, or steps of 2 % at most."""
    if d.min() == d.max():
        return d[:1]
    return np.linspace(d.min(), d.max(), 2 + int(50 * (d.max() - d.min()) / d.mean()))
