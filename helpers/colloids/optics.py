"""How a sphere looks in an image, estimated from the image itself, and where spheres may be.

The power spectrum of a suspension is that of one blurred ball times the structure factor of the centres, plus noise.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage, optimize, special

from helpers.colloids import confocal
from helpers.colloids.structure import percus_yevick_s
from helpers.common import check

__all__ = [
    "Optics",
    "ball_on_grid",
    "convolve",
    "deconvolve",
    "estimate",
    "expected_spectrum",
    "inverse_kernel",
    "middle_of_ball",
    "peaks",
    "spectrum",
]

STARTS = (0.5, 0.7, 1.0, 1.4, 2.0)  # diameters to begin the search with, in units of a guess
SIDE = 128  # px: the spectrum is taken from the middle of larger images
KERNEL = 3.0  # diameters from its middle to its face that the inverse kernel reaches
SHARPEST = 0.6  # px: standard deviation of the narrowest blur; one narrower could not be told from noise
EVIDENCE = 100.0  # log likelihood that spheres must gain over white noise
TRUST = 0.02  # relative error of what grey values tell about amplitude and background
FADED = 0.35  # least T(0): a ball blurred to less could be any shape
RANGE = 1.05  # amplitude of one sphere over that range: blur fills gaps, and neighbours shine into each other
DEEPEST = 3e-5  # part of the power of one ball below which no wave is amplified


_LEGENDRE = special.roots_legendre(48)


class Optics(NamedTuple):
    """How spheres look: lengths in px, ``psf_sigma_px`` (z, y, x), grey values of the image.

    ``gain``: amplitude of a sphere, the value that the middle of a large one has above the ``background``. ``noise``:
    standard deviation. ``phi``: volume fraction. The spreads are relative standard deviations of a Gaussian prior.
    """

    diameter_px: float
    psf_sigma_px: tuple[float, float, float]
    background: float
    gain: float
    noise: float
    phi: float
    brightness_spread: float = 0.1
    diameter_spread: float = 0.0


def spectrum(image, n_bins: int = 36) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return k_z, k_rho (rad/px), the power per voxel and the number of waves, by bins, of an image (Z, Y, X).

    |FFT(w (I - mean))|^2 / sum w^2 with Hann windows w; white noise of standard deviation s has power s^2 everywhere.
    Waves longer than 2.5 bins, of pi / n_bins each, and the corners beyond pi across are left out.
    """
    windows = [np.hanning(n + 2)[1:-1].astype(np.float32) for n in image.shape]
    w = windows[0][:, None, None] * windows[1][:, None] * windows[2]
    power = np.abs(fft.rfftn((image - np.average(image, weights=w)) * w)) ** 2 / np.square(w).sum()
    k_z, k_y, k_x = _waves(image.shape)
    k_z, k_rho = np.broadcast_arrays(np.abs(k_z), np.hypot(k_y, k_x))
    width = np.pi / n_bins
    used = (k_rho <= np.pi) & (np.hypot(k_z, k_rho) > 2.5 * width)
    index = ((k_z / width + 0.5).astype(int) * (n_bins + 1) + (k_rho / width + 0.5).astype(int))[used]
    n = np.bincount(index)
    means = [np.bincount(index, a[used])[n > 0] / n[n > 0] for a in (k_z, k_rho, power)]
    return *means, n[n > 0]


def _waves(shape):
    """Return k_z (Z, 1, 1), k_y (Y, 1) and k_x of a half transform."""
    k_z, k_y = (2 * np.pi * fft.fftfreq(n) for n in shape[:2])
    return k_z[:, None, None], k_y[:, None], 2 * np.pi * fft.rfftfreq(shape[2])


def expected_spectrum(k_z, k_rho, optics: Optics) -> np.ndarray:
    """Return the expected power per voxel: A^2 n S(k d) F(k_z, k_rho)^2 + noise^2.

    n = phi / V spheres per voxel, V = pi d^3 / 6, F the transform of one blurred ball, S that of Percus and Yevick.
    """
    d, k = optics.diameter_px, np.hypot(k_z, k_rho)
    F = confocal.ball_transform(k_z, k_rho, d, optics.psf_sigma_px)
    density = optics.phi / (np.pi / 6 * d**3)
    return optics.gain**2 * density * percus_yevick_s(k * d, optics.phi) * F**2 + optics.noise**2


def estimate(image, diameter_px: float | None = None, psf_sigma_px=None) -> Optics:
    """Return the ``Optics`` of an image (Z, Y, X) from its power spectrum; what is given is not fitted.

    Maximum likelihood of the power of independent waves: sum n (ln P + p / P) is smallest, p measured and P expected
    (Whittle). The spectrum alone knows A^2 n S better than A; so the middle of a sphere, A T(0), is held to reach
    from the darkest to the brightest grey, and the background to lie at most that far below the darkest. The search
    begins with several diameters. The mean gives the background; a spectrum that white noise explains as well gives a
    gain of 0. ValueError for bad input.
    """
    middle = tuple(slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in image.shape)
    image = image[middle]
    k_z, k_rho, power, n = spectrum(image)
    given = [np.nan] * 6
    if diameter_px is not None:
        given[0] = np.log(check.positive_number("diameter_px", diameter_px))
    if psf_sigma_px is not None:
        given[1:3] = np.log(confocal.blur(psf_sigma_px))

    def optics_of(x):
        x = np.where(np.isnan(given), x, given)
        d, s_z, s_rho, gain, noise = (float(v) for v in np.exp(x[:5]))
        return Optics(d, (s_z, s_rho, s_rho), 0.0, gain, noise, float(0.6 / (1 + np.exp(-x[5]))))

    level, dark, spread = float(np.mean(image)), *_grey_levels(image)

    def surprise(x):
        o = optics_of(x)
        P = expected_spectrum(k_z, k_rho, o)
        T0 = middle_of_ball(o.diameter_px, o.psf_sigma_px)
        below = (dark - level + o.gain * o.phi) / spread  # of the background, in ranges below the darkest grey
        off = np.log(o.gain * T0 / (RANGE * spread)) ** 2 + max(-below, below - 1, 0) ** 2
        off += max(np.log(FADED / T0), 0) ** 2
        return float(((n * (np.log(P) + power / P)).sum() + off / TRUST**2 / 2) / n.sum())

    longest, power_level = np.log(min(image.shape) / 2), np.log(float(image.std()))
    bounds = [
        (np.log(3), longest),
        *[(np.log(SHARPEST), longest)] * 2,
        (power_level - 7, power_level + 4),
        (power_level - 7, power_level + 1),
        (-3, 3.5),
    ]
    first = 10.0 if diameter_px is None else diameter_px
    starts = [first * s for s in STARTS if np.log(first * s) < longest] if diameter_px is None else [first]
    found = [
        optimize.minimize(
            surprise,
            _inside([*np.log([d, 0.35 * d, 0.15 * d]), power_level, power_level - 1, 1.0], bounds),
            method="L-BFGS-B",
            bounds=bounds,
        )
        for d in starts
    ]
    best = min(found, key=lambda r: r.fun)
    white = np.average(power, weights=n)
    optics = optics_of(best.x)
    P = expected_spectrum(k_z, k_rho, optics)
    if (n * (np.log(white) + 1 - np.log(P) - power / P)).sum() < EVIDENCE:
        return optics._replace(gain=0.0, background=level, noise=float(np.std(image)))
    return optics._replace(background=level - optics.gain * optics.phi)


def _grey_levels(image):
    """Return the darkest grey, and how far it is to the brightest: quantiles .01, .999 of the smoothed image."""
    dark, bright = np.quantile(ndimage.gaussian_filter(image, (2, 1, 1)), (0.01, 0.999))
    return float(dark), max(float(bright - dark), 1e-12 + 1e-9 * abs(float(bright)))


def middle_of_ball(diameter_px: float, psf_sigma_px) -> float:
    """Return T(0), the value of a blurred ball of amplitude 1 at its middle: 1 for one large against the blur.

    The share of the point spread function within the ball: int dz N(z; s_z) (1 - exp((z^2 - R^2) / (2 s_rho^2))).
    """
    s_z, s_rho = confocal.blur(psf_sigma_px)
    nodes, weights = _LEGENDRE
    z = nodes * diameter_px / 2
    along = np.exp(-(z**2) / (2 * s_z**2)) / (s_z * np.sqrt(2 * np.pi))
    across = -np.expm1((z**2 - diameter_px**2 / 4) / (2 * s_rho**2))
    return float((weights * along * across).sum() * diameter_px / 2)


def _inside(x, bounds):
    return [min(max(v, low), high) for v, (low, high) in zip(x, bounds, strict=True)]


def ball_on_grid(optics: Optics) -> np.ndarray:
    """Return the image of one sphere of amplitude 1 in the middle of a volume of odd sides that holds all of it."""
    shape_of = confocal.profile(optics.diameter_px, optics.psf_sigma_px)
    half = np.ceil([len(shape_of.rim_px) * shape_of.step_px, *[shape_of.rim_px.max()] * 2]).astype(int)
    volume = np.zeros(2 * half + 1, dtype=np.float32)
    confocal.paint(volume, [[*half, 1.0, optics.diameter_px]], shape_of)
    return volume


def inverse_kernel(optics: Optics) -> np.ndarray:
    """Return Wiener's filter as a kernel of odd sides, of 3 diameters to all sides; one sphere gives a peak of 1.

    conj(F) C / (F^2 C + noise^2) with C = A^2 n S(k), the spectrum of the centres: 1 / F where the signal is above the
    noise. Waves in which one ball has less than 0.00003 of its power at k = 0 are held back in any case.
    """
    d, volume = optics.diameter_px, np.pi / 6 * optics.diameter_px**3
    half = int(np.ceil(KERNEL * d))
    side = fft.next_fast_len(int(3.4 * half), real=True)
    k_z, k_y, k_x = _waves((side,) * 3)
    k_rho = np.hypot(k_y, k_x)
    F = confocal.ball_transform(k_z, k_rho, d, optics.psf_sigma_px)
    C = optics.gain**2 * optics.phi / volume * percus_yevick_s(np.hypot(k_z, k_rho) * d, optics.phi)
    filtered = F * C / (F**2 * C + DEEPEST * volume**2 * C + optics.noise**2)
    middle = slice(side // 2 - half, side // 2 + half + 1)
    kernel = fft.fftshift(fft.irfftn(filtered, (side,) * 3))[middle, middle, middle]
    taper = np.cos(np.linspace(-1, 1, 2 * half + 3)[1:-1] * np.pi / 2) ** 0.25
    kernel *= taper[:, None, None] * taper[:, None] * taper
    ball = ball_on_grid(optics)
    reach = [min(half, side // 2) for side in ball.shape]
    at = [tuple(slice(n // 2 - r, n // 2 + r + 1) for n, r in zip(a.shape, reach, strict=True)) for a in (kernel, ball)]
    return kernel / (optics.gain * (kernel[at[0]] * ball[at[1]]).sum())


def deconvolve(image, optics: Optics) -> np.ndarray:
    """Return where the spheres of an image (Z, Y, X) have their centres: its convolution with ``inverse_kernel``.

    The image is continued by its faces. Rounded to 0.00001, so that a piece of an image gives what the whole gives.
    """
    kernel = inverse_kernel(optics)
    pad = kernel.shape[0] // 2
    level = optics.background + optics.gain * optics.phi
    padded = np.pad(np.asarray(image, dtype=float) - level, pad, mode="edge")
    return np.round(convolve(padded, kernel)[pad:-pad, pad:-pad, pad:-pad], 5)


def convolve(volume, kernel) -> np.ndarray:
    """Return the convolution with a kernel of odd sides, as large as the volume and 0 outside of it, by FFT."""
    sides = [fft.next_fast_len(n + k - 1, real=True) for n, k in zip(volume.shape, kernel.shape, strict=True)]
    product = fft.rfftn(volume, sides) * fft.rfftn(kernel.astype(volume.dtype), sides)
    cut = tuple(slice(k // 2, k // 2 + n) for n, k in zip(volume.shape, kernel.shape, strict=True))
    return fft.irfftn(product, sides)[cut]


def peaks(volume, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the local maxima above a threshold, (n, 3) px by a parabola along each axis, and their heights."""
    at = np.argwhere((volume == ndimage.maximum_filter(volume, 3)) & (volume > threshold))
    places = at.astype(float)
    for axis in range(3):
        inner = (at[:, axis] > 0) & (at[:, axis] < volume.shape[axis] - 1)
        step = np.eye(3, dtype=int)[axis]
        left, middle, right = (volume[tuple((at[inner] + k * step).T)].astype(float) for k in (-1, 0, 1))
        bend = left - 2 * middle + right
        places[inner, axis] += np.clip((left - right) / 2 / np.where(bend < 0, bend, -np.inf), -0.5, 0.5)
    return places, volume[tuple(at.T)].astype(float)
