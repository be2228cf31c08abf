"""The generator of the student project that lesson 02 starts from, rebuilt from its published description and code.

It draws every sub-position on a 320 x 320 grid and averages 5 x 5 blocks down to 64 x 64 pixels. Three of its
habits shape everything learned from its movies, and are kept here as they were:

- Lengths. Paths in nm are used as positions on the fine grid, so a pixel is 318/319 x 5 = 4.98 nm wide, not 100 nm.
  Its unit of diffusion is 1000 nm^2/s; with 100 nm pixels instead, 1 unit would be 0.4 um^2/s.
- Light. The noise is scaled to the brightest pixel of the frame, which always holds about 41 photons. A molecule
  that moves spreads its light, so a fast one is given more photons than a slow one.
- Labels. The target is not the D that made the path but ``effective_D``, a straight line through the origin
  fitted to the MSD of that one path at all lags.

Source: report and code of the CS-433 project "ml-project-2-big-burger" (EPFL, December 2024).
"""

from functools import lru_cache

import numpy as np
from scipy import special

from helpers.common import check
from helpers.molecules import brownian, camera, movies

__all__ = [
    "FRAME_S",
    "N_FRAMES",
    "N_PIXELS",
    "N_SUB",
    "PIXEL_NM",
    "PSF_AND_PIXEL_NM",
    "PSF_SIGMA_PX",
    "SIGNAL_COUNTS",
    "UNIT_NM2_S",
    "effective_D",
    "emulate",
    "equivalent_gain",
    "generate",
    "noise",
    "render_on_grid",
    "tracks",
    "validation_tracks",
]

N_FRAMES, N_SUB, N_PIXELS, FRAME_S = 16, 10, 64, 0.01
UNIT_NM2_S = 1000.0  # its unit of D
_BLOCK, _PEAK = 5, 100.0  # fine grid points per pixel; height of one sub-position's Gaussian, counts
_GRID_NM = np.linspace(-159.0, 159.0, N_PIXELS * _BLOCK)
_SIGMA_NM = 2.35 * 200 / 100  # FWHM 200 nm over 100 nm pixels, multiplied by 2.35 where it should be divided
PIXEL_NM = _BLOCK * (_GRID_NM[1] - _GRID_NM[0])  # 4.984
PSF_SIGMA_PX = _SIGMA_NM / PIXEL_NM  # 0.943
PSF_AND_PIXEL_NM = (_SIGMA_NM, PIXEL_NM)
SIGNAL_COUNTS = N_SUB * _PEAK * 2 * np.pi * PSF_SIGMA_PX**2  # 5587 counts per frame
_BACKGROUND, _BACKGROUND_SD, _BACKGROUND_MAX = 100.0, 10.0, 130.0  # counts
_BRIGHTEST = 4096 / 100  # photons that its noise gives to the brightest pixel of a frame
_NEAR = 60.0  # counts below the brightest pixel within which background may decide which pixel is brightest
_STEP = 0.02  # the fast noise keeps one table per 2 % of gain


def tracks(D_units, n_tracks: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return paths (n, 16, 10, 2) in its "nm", for D in units of 1000 nm^2/s (one number or one per track)."""
    D_um2_s = check.positive("D_units", D_units) * UNIT_NM2_S * 1e-6
    return 1e3 * brownian.simulate_tracks(D_um2_s, n_tracks, N_FRAMES, FRAME_S, N_SUB, rng=rng)


def validation_tracks(rng: np.random.Generator | None = None) -> np.ndarray:
    """Return 250 tracks (250, 16, 10, 2) like the original's validation set: 5 per unit of effective D from 0 to 50.

    Tracks of D = 20 units (0.5 for the first bin) are drawn until every bin is full.
    """
    rng = np.random.default_rng() if rng is None else rng
    chosen = [[] for _ in range(50)]
    while min(map(len, chosen)) < 5:
        D = np.repeat([0.5, 20.0], [20, 400])
        drawn = tracks(D, D.size, rng)
        for source, label, track in zip(D, effective_D(drawn), drawn, strict=True):
            place = int(label)
            if place < 50 and len(chosen[place]) < 5 and (source < 1) == (place == 0):
                chosen[place].append(track)
    return np.stack([track for place in chosen for track in place])


def render_on_grid(tracks_nm) -> np.ndarray:
    """Return noiseless images (n, T, 64, 64) the way the original makes them: a loop over the fine grid.

    Each sub-position adds exp(-r^2 / (2 sigma^2)) of height 100 at 320 x 320 points; 5 x 5 blocks are averaged.
    """
    positions = _checked(tracks_nm)
    y, x = np.meshgrid(_GRID_NM, _GRID_NM, indexing="ij")
    images = np.empty((*positions.shape[:2], N_PIXELS, N_PIXELS))
    for n, movie in enumerate(positions):
        for t, frame in enumerate(movie):
            fine = np.zeros_like(x)
            for y0, x0 in frame:
                fine += _PEAK * np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / (2 * _SIGMA_NM**2))
            images[n, t] = fine.reshape(N_PIXELS, _BLOCK, N_PIXELS, _BLOCK).mean(axis=(1, 3))
    return images


def generate(tracks_nm, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return movies (n, T, 64, 64) as the original generates them: ``noise(render_on_grid(tracks_nm))``."""
    return noise(render_on_grid(tracks_nm), rng)


def emulate(tracks_nm, rng: np.random.Generator | None = None, exact: bool = True) -> np.ndarray:
    """Return movies (n, T, 64, 64) with the same statistics as ``generate``, at a small part of its cost.

    The PSF is integrated over each pixel (error functions) instead of averaged over 25 points of it; the two differ
    by less than 0.5 % of the brightest pixel. ``exact`` as in ``noise``.
    """
    return noise(_render(tracks_nm), rng, exact)


def noise(images, rng: np.random.Generator | None = None, exact: bool = True) -> np.ndarray:
    """Return images (..., H, W) with the original's background and noise.

    I = image + clip(N(100, 10), 0, 130), then Poisson(g I) / g with g = 40.96 / max(I) of each frame.
    ``exact=False`` draws the background's photons from tables of 65536 quantiles, all else as before, about three
    times faster (float32; mean and variance right to 1e-3).
    """
    rng = np.random.default_rng() if rng is None else rng
    images = check.non_negative("images", images)
    if images.ndim < 2:
        raise ValueError(f"images must have shape (..., H, W), got {images.shape}")
    if not exact:
        frames = images.astype(np.float32).reshape(-1, images.shape[-2] * images.shape[-1])
        return _noise_from_tables(frames, rng).reshape(images.shape)
    lit = images + _background(images.shape, rng)
    gain = equivalent_gain(lit)[..., None, None]
    return rng.poisson(gain * lit) / gain


def _background(shape, rng):
    return rng.normal(_BACKGROUND, _BACKGROUND_SD, shape).clip(0, _BACKGROUND_MAX)


def _noise_from_tables(frames, rng):
    """Return noisy frames (m, H W). Pixels that may be the brightest are drawn exactly; they set the gain.

    Elsewhere Poisson(g (s + B)) = Poisson(g s) + Poisson(g' B) + Poisson((g - g') 100), with g' the gain of the
    nearest table below and the last term a few photons thrown at random.
    """
    row, column = np.nonzero(frames > frames.max(axis=1, keepdims=True) - _NEAR)
    lit = frames[row, column] + _background(row.shape, rng)
    brightest = np.zeros(len(frames))
    np.maximum.at(brightest, row, lit)
    gain = (_BRIGHTEST / brightest).astype(np.float32)
    photons = np.empty(frames.shape, dtype=np.float32)
    cells = rng.bit_generator.random_raw(-(-frames.size // 4)).view(np.uint16)[: frames.size].reshape(frames.shape)
    for photon, cell, g in zip(photons, cells, gain, strict=True):
        number = int(np.floor(np.log(g) / _STEP))
        _table(number).take(cell, mode="clip", out=photon)
        rest = rng.poisson(max(0.0, g - np.exp(number * _STEP)) * _BACKGROUND * photon.size)
        photon += np.bincount(rng.integers(photon.size, size=rest), minlength=photon.size)
    where, counts = camera.poisson_where_lit(frames * gain[:, None], rng)
    photons.reshape(-1)[where] += counts
    photons[row, column] = rng.poisson(gain[row] * lit)
    photons /= gain[:, None]
    return photons


@lru_cache(maxsize=256)
def _table(number):
    """Return the 65536 mid-cell quantiles of Poisson(g B), B the random background, g = exp(0.02 number)."""
    z, weight = np.polynomial.hermite_e.hermegauss(40)
    rate = np.exp(number * _STEP) * (_BACKGROUND + _BACKGROUND_SD * z).clip(0, _BACKGROUND_MAX)
    counts = np.arange(int(rate.max() + 12 * np.sqrt(rate.max()) + 20))
    cdf = special.pdtr(counts[:, None], rate) @ weight / weight.sum()
    return np.searchsorted(cdf, (np.arange(65536) + 0.5) / 65536).astype(np.float32)


def equivalent_gain(images) -> np.ndarray:
    """Return the photons that the original's noise gives to one count, 40.96 / max of each frame (...)."""
    return _BRIGHTEST / np.asarray(images).max(axis=(-2, -1))


def effective_D(tracks_nm) -> np.ndarray:
    """Return the original's label (n,), in units of 1000 nm^2/s.

    The slope through the origin of MSD(tau) over all lags of all sub-positions (159 for 16 x 10), divided by 4.
    """
    positions = _checked(tracks_nm)
    positions = positions.reshape(len(positions), -1, 2)
    n = positions.shape[1]
    lags, weights = brownian.slope_weights(n - 1, n, intercept=False)
    slope_nm2_s = brownian.msd(positions)[:, lags - 1] @ weights / (FRAME_S / N_SUB)
    return slope_nm2_s / 4 / UNIT_NM2_S


def _checked(tracks_nm) -> np.ndarray:
    positions = check.finite("tracks_nm", tracks_nm)
    if positions.ndim != 4 or positions.shape[2:] != (N_SUB, 2):
        raise ValueError(f"tracks_nm must have shape (n, T, {N_SUB}, 2), got {positions.shape}")
    return positions


def _render(tracks_nm) -> np.ndarray:
    return movies.render(_checked(tracks_nm), SIGNAL_COUNTS, PSF_SIGMA_PX * PIXEL_NM, PIXEL_NM, N_PIXELS)
