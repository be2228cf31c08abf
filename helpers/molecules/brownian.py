"""Brownian motion: how a molecule walks, and how far it has come after a given time."""

from collections.abc import Iterable

import numpy as np

from helpers.common import check

__all__ = [
    "blur_coefficient",
    "check_blur",
    "frame_positions",
    "msd",
    "msd_theory",
    "observe",
    "simulate_tracks",
    "slope_weights",
]


def blur_coefficient(n_sub: int | None = None, shutter: float = 1.0) -> float:
    """Return the motion-blur coefficient R of an exposure.

    R = shutter (1 - 1/n^2) / 6 for a frame that averages n equally spaced positions of an exposure that fills
    the first ``shutter`` (0..1] of the frame time; ``n_sub=None`` is the continuous limit, shutter / 6.
    R = 0 is a snapshot, R = 1/6 a shutter that never closes. Source: Berglund 2010, Eqs 5-6.
    """
    shutter = check.positive_number("shutter", shutter)
    if shutter > 1:
        raise ValueError(f"shutter must be <= 1 (the part of the frame time it is open), got {shutter:g}")
    fraction = 1.0 if n_sub is None else 1.0 - 1.0 / check.whole("n_sub", n_sub) ** 2
    return shutter * fraction / 6


def simulate_tracks(
    D_um2_s,
    n_tracks: int,
    n_frames: int = 16,
    dt_s: float = 0.01,
    n_sub: int = 10,
    ndim: int = 2,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Return Brownian paths in um, shape (n_tracks, n_frames, n_sub, ndim).

    Each sub-step is Gaussian with variance 2 D dt / n_sub per axis. The path is continuous across frames and
    starts at 0 before its first step. ``D_um2_s`` is one number or one per track. Source: Einstein 1905.
    """
    D = check.positive("D_um2_s", D_um2_s)
    n_tracks, n_frames = check.whole("n_tracks", n_tracks), check.whole("n_frames", n_frames)
    n_sub, ndim = check.whole("n_sub", n_sub), check.whole("ndim", ndim)
    dt = check.positive_number("dt_s", dt_s)
    if D.shape not in [(), (1,), (n_tracks,)]:
        raise ValueError(f"D_um2_s must be one number or one per track ({n_tracks}), got shape {D.shape}")
    rng = np.random.default_rng() if rng is None else rng
    step_um = np.sqrt(2 * D * dt / n_sub).reshape(-1, 1, 1)
    steps = rng.standard_normal((n_tracks, n_frames * n_sub, ndim)) * step_um
    return np.cumsum(steps, axis=1).reshape(n_tracks, n_frames, n_sub, ndim)


def frame_positions(tracks_um) -> np.ndarray:
    """Return what a frame sees of each path: the mean over its sub-positions, (..., T, n, d) -> (..., T, d)."""
    tracks = check.numbers("tracks_um", tracks_um)
    if tracks.ndim < 3:
        raise ValueError(f"tracks_um must have shape (..., T, n_sub, ndim), got {tracks.shape}")
    return tracks.mean(axis=-2)


def observe(tracks_um, sigma_um: float, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return measured positions (..., T, d): frame means plus a Gaussian localisation error sigma per axis."""
    sigma = check.non_negative_number("sigma_um", sigma_um)
    positions = frame_positions(tracks_um)
    rng = np.random.default_rng() if rng is None else rng
    return positions + sigma * rng.standard_normal(positions.shape)


def msd(positions_um, max_lag: int | None = None) -> np.ndarray:
    """Return the time-averaged mean squared displacement, shape (..., max_lag), in um^2.

    MSD(k) = < |r(j + k) - r(j)|^2 > over all T - k overlapping pairs, k = 1..max_lag (default T - 1).
    ``positions_um`` has shape (..., T, ndim); a pair with a NaN end is left out, and a lag without pairs is NaN.
    """
    positions = check.numbers("positions_um", positions_um)
    if positions.ndim < 2 or positions.shape[-2] < 2:
        raise ValueError(f"positions_um must have shape (..., T, ndim) with T >= 2, got {positions.shape}")
    if np.isinf(positions).any():
        raise ValueError("positions_um must not hold infinity")
    n_frames = positions.shape[-2]
    max_lag = n_frames - 1 if max_lag is None else check.whole("max_lag", max_lag)
    if max_lag >= n_frames:
        raise ValueError(f"max_lag must be < the number of frames ({n_frames}), got {max_lag}")
    result = np.empty((*positions.shape[:-2], max_lag))
    for k in range(1, max_lag + 1):
        squared = ((positions[..., k:, :] - positions[..., :-k, :]) ** 2).sum(axis=-1)
        seen = np.isfinite(squared)
        count = seen.sum(axis=-1)
        total = np.where(seen, squared, 0.0).sum(axis=-1)
        result[..., k - 1] = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return result


def msd_theory(D_um2_s, lag_s, dt_s: float, sigma_um: float = 0.0, blur: float = 0.0, ndim: int = 2) -> np.ndarray:
    """Return the expected MSD at the times ``lag_s``: 2 d D (tau - 2 R dt) + 2 d sigma^2, in um^2.

    Valid for tau >= dt. Localisation error lifts the line, motion blur lowers it. Source: Michalet 2010, Eq. 10.
    """
    return 2 * ndim * (np.asarray(D_um2_s) * (np.asarray(lag_s) - 2 * blur * dt_s) + sigma_um**2)


def slope_weights(lags: int | Iterable[int], n_frames: int, intercept: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return lags (L,) and the weights (L,) whose product with MSD(lags) is its least-squares slope per frame.

    ``lags`` is a set of lags, or an int k for 1..k. With an intercept w = (k - <k>) / sum (k - <k>)^2; through the
    origin w = k / sum k^2. ValueError if a lag does not fit into ``n_frames`` or too few are given.
    """
    check.choice("intercept", intercept, [True, False])
    given = range(1, lags + 1) if isinstance(lags, (int, np.integer)) else lags
    given = set(given) if isinstance(given, Iterable) else {None}
    if len(given) < 1 + intercept or not all(isinstance(k, (int, np.integer)) and 1 <= k < n_frames for k in given):
        raise ValueError(
            f"lags must be at least {1 + intercept} different whole numbers from 1 to {n_frames - 1}, got {lags!r}"
        )
    lags = np.array(sorted(given), dtype=int)
    centred = lags - lags.mean() if intercept else lags.astype(float)
    return lags, centred / (centred @ lags)


def check_blur(blur) -> float:
    """Return the blur coefficient as a float; ValueError unless 0 <= R <= 1/4, the range an exposure can have."""
    value = check.non_negative_number("blur", blur)
    if value > 1 / 4:
        raise ValueError(f"blur must be between 0 and 1/4, got {value:g}")
    return value
