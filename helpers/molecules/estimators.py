"""The diffusion coefficient from a track: the classical estimators."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from helpers.common import check
from helpers.molecules.bounds import cramer_rao
from helpers.molecules.brownian import blur_coefficient, check_blur, msd, slope_weights

__all__ = [
    "Prior",
    "bayes_log_mean",
    "bayes_mean",
    "blur_coefficient",
    "cramer_rao",
    "cve",
    "fit_msd",
    "log_uniform_prior",
    "mle",
    "modes",
    "uniform_prior",
]


class Prior(NamedTuple):
    """What is believed of D before the track is seen: a grid of values and the weight of each (they sum to 1)."""

    D_um2_s: np.ndarray
    weight: np.ndarray


def uniform_prior(low_um2_s: float, high_um2_s: float, n: int = 256) -> Prior:
    """Return the prior with equal density in D between the two limits, as the midpoints of ``n`` equal cells."""
    low, high = _limits(low_um2_s, high_um2_s)
    edges = np.linspace(low, high, check.whole("n", n) + 1)
    return Prior((edges[1:] + edges[:-1]) / 2, np.full(n, 1 / n))


def log_uniform_prior(low_um2_s: float, high_um2_s: float, n: int = 256) -> Prior:
    """Return the prior with equal density in log D between the two limits, as the midpoints of ``n`` equal cells."""
    low, high = _limits(low_um2_s, high_um2_s)
    edges = np.linspace(np.log(low), np.log(high), check.whole("n", n) + 1)
    return Prior(np.exp((edges[1:] + edges[:-1]) / 2), np.full(n, 1 / n))


def _limits(low, high) -> tuple[float, float]:
    low, high = check.positive_number("low_um2_s", low), check.positive_number("high_um2_s", high)
    if low >= high:
        raise ValueError(f"low_um2_s must be < high_um2_s, got {low:g} and {high:g}")
    return low, high


def fit_msd(positions_um, dt_s: float, lags: int | Iterable[int] = (1, 2), intercept: bool = True, valid=None):
    """Return D from a straight line through the MSD, one per track: slope / (2 d), in um^2/s.

    Unweighted least squares over the given lags (an int k means 1..k), with a free intercept or through the origin.
    ``positions_um`` (..., T, d); ``valid`` (..., T) marks the frames that count. NaN where a lag has no pair.
    """
    positions, _ = _masked(positions_um, valid)
    dt = check.positive_number("dt_s", dt_s)
    lags, weight = slope_weights(lags, positions.shape[-2], intercept)
    curve = msd(positions, int(lags.max()))[..., lags - 1]
    return curve @ weight / (2 * positions.shape[-1] * dt)


def cve(positions_um, dt_s: float, blur: float = 1 / 6, sigma_um: float | None = None, valid=None):
    """Return the covariance-based estimate of D, one per track, in um^2/s.

    With d_j the displacements between successive frames, averaged over time and axes:
    D = <d_j^2> / (2 dt) + <d_j d_(j+1)> / dt                        where sigma is unknown,
    D = (<d_j^2> - 2 sigma^2) / (2 (1 - 2 R) dt)                     where sigma and R are known.
    Unbiased, and may be negative. Source: Vestergaard, Blainey & Flyvbjerg 2014, Eqs 14 and 16.
    """
    positions, _ = _masked(positions_um, valid)
    dt, blur = check.positive_number("dt_s", dt_s), check_blur(blur)
    steps = np.diff(positions, axis=-2)
    square = _mean(steps**2)
    if sigma_um is not None:
        return (square - 2 * _sigma2(sigma_um, square.shape)) / (2 * (1 - 2 * blur) * dt)
    return square / (2 * dt) + _mean(steps[..., 1:, :] * steps[..., :-1, :]) / dt


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over frames and axes of the finite entries; NaN where there are none."""
    seen = np.isfinite(values)
    count = seen.sum(axis=(-2, -1))
    total = np.where(seen, values, 0.0).sum(axis=(-2, -1))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


class Modes(NamedTuple):
    """Independent pieces of a track: mode k has variance 2 D dt (1 - R lambda_k) + sigma^2 lambda_k per axis."""

    square: np.ndarray  # (n, K) mean over the axes of the squared amplitude, um^2
    lam: np.ndarray  # (n, K)
    used: np.ndarray  # (n, K) bool: a track with lost frames has fewer modes
    ndim: int

    def variance(self, D_dt, sigma2, blur: float):
        """Return the variance of every mode for D dt and sigma^2 that broadcast against (n, K)."""
        return 2 * D_dt * (1 - blur * self.lam) + sigma2 * self.lam


def modes(positions_um, valid=None) -> Modes:
    """Split tracks (n, T, d) into modes that are statistically independent.

    The displacements between the frames that are seen have the covariance 2 D dt (K - R B) + sigma^2 B, with K the
    diagonal matrix of the gaps in frames and B tridiagonal (2 on the diagonal, -1 beside it). The eigenvectors of
    K^(-1/2) B K^(-1/2) make both parts diagonal at once, whatever D, sigma and R. Without a lost frame K = 1,
    the transform is the discrete sine transform and lambda_k = 2 - 2 cos(k pi / T), k = 1..T-1. Source: Berglund 2010.
    """
    positions, seen = _masked(positions_um, valid)
    if positions.ndim != 3:
        raise ValueError(f"positions_um must have shape (n, T, ndim), got {positions.shape}")
    n, n_frames, ndim = positions.shape
    square, lam = np.zeros((n, n_frames - 1)), np.ones((n, n_frames - 1))
    used = np.zeros((n, n_frames - 1), dtype=bool)
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for index, pattern in enumerate(patterns):
        frames = np.flatnonzero(pattern)
        if frames.size < 2:
            continue
        rows = np.flatnonzero(which.ravel() == index)
        eigenvalues, transform = _diagonalise(np.diff(frames))
        amplitude = np.einsum("jk,njd->nkd", transform, np.diff(positions[rows][:, frames], axis=1))
        k = frames.size - 1
        square[rows, :k], lam[rows, :k], used[rows, :k] = (amplitude**2).mean(axis=-1), eigenvalues, True
    return Modes(square, lam, used, ndim)


def _diagonalise(gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues (K,) and the matrix (K, K) whose columns turn displacements into unit-gap modes."""
    scale = 1 / np.sqrt(gaps)
    band = 2 * np.eye(gaps.size) - np.eye(gaps.size, k=1) - np.eye(gaps.size, k=-1)
    eigenvalues, vectors = np.linalg.eigh(scale[:, None] * band * scale)
    return eigenvalues, scale[:, None] * vectors


def mle(positions_um, dt_s: float, blur: float = 1 / 6, sigma_um: float | None = None, valid=None):
    """Return the maximum-likelihood D of every track (n, T, d), in um^2/s.

    Maximises L = -1/2 sum_k d [log v_k + e_k / v_k] over D > 0 with the modes' mean squares e_k and variances v_k.
    ``sigma_um=None`` maximises over sigma >= 0 as well. Tracks with fewer than 2 (3) seen frames give NaN.
    Source: Berglund 2010; Michalet & Berglund 2012.
    """
    split, dt, blur = modes(positions_um, valid), check.positive_number("dt_s", dt_s), check_blur(blur)
    if sigma_um is not None:
        sigma2, scale = _sigma2(sigma_um, split.square.shape[:1]), _scale(split)

        def cost(log_D_dt):
            return _cost(split, split.variance(scale * np.exp(log_D_dt), np.reshape(sigma2, (-1, 1)), blur))

        D_dt = scale[:, 0] * np.exp(_minimise(cost, np.linspace(-12, 5, 69)))
        enough = split.used.sum(axis=1) >= 1
    else:

        def profile(log_ratio):
            shape = split.variance(1.0, _ratio(log_ratio), blur)
            return _cost(split, shape * _best_scale(split, shape))

        ratio = _ratio(_minimise(profile, np.linspace(-8, 8, 65))[:, None])
        D_dt = _best_scale(split, split.variance(1.0, ratio, blur))[:, 0]
        enough = split.used.sum(axis=1) >= 2
    return np.where(enough, D_dt / dt, np.nan)


def _ratio(log_ratio):
    """Return sigma^2 / (D dt) from its logarithm; the lowest grid point stands for sigma = 0."""
    return np.where(log_ratio <= -8, 0.0, np.exp(log_ratio))


def _scale(split: Modes) -> np.ndarray:
    """Return a rough D dt per track, (n, 1): the mean square of its modes."""
    count = np.maximum(split.used.sum(axis=1, keepdims=True), 1)
    return np.maximum((split.square * split.used).sum(axis=1, keepdims=True) / (2 * count), np.finfo(float).tiny)


def _best_scale(split: Modes, shape: np.ndarray) -> np.ndarray:
    """Return the factor (n, 1) by which the variances ``shape`` fit best: the mean of e_k / shape_k."""
    count = np.maximum(split.used.sum(axis=1, keepdims=True), 1)
    return np.maximum((split.square / shape * split.used).sum(axis=1, keepdims=True) / count, np.finfo(float).tiny)


def _cost(split: Modes, variance: np.ndarray) -> np.ndarray:
    """Return -log likelihood per track (n,), up to a constant."""
    terms = np.log(variance) + split.square / variance
    return split.ndim / 2 * np.where(split.used, terms, 0.0).sum(axis=-1)


def _minimise(cost, grid: np.ndarray, n_refine: int = 36) -> np.ndarray:
    """Minimise one function per track: the best point of a common grid, then golden sections around it."""
    values = np.stack([cost(point) for point in grid])
    best = values.argmin(axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, grid.size - 1)]
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(n_refine):
        left, right = high - golden * (high - low), low + golden * (high - low)
        keep_left = cost(left[:, None]) < cost(right[:, None])
        low, high = np.where(keep_left, low, left), np.where(keep_left, right, high)
    return np.where(values.min(axis=0) < cost(((low + high) / 2)[:, None]), grid[best], (low + high) / 2)


def bayes_mean(positions_um, dt_s: float, prior: Prior, blur: float = 1 / 6, sigma_um: float | None = None, valid=None):
    """Return the posterior mean of D of every track (n, T, d), in um^2/s: the least mean squared error there is.

    <D> = sum_D D p(track | D) p(D) / sum_D p(track | D) p(D). ``sigma_um=None`` averages over an unknown sigma, too:
    sigma^2 / (D dt) log-uniform between 10^-3 and 10, at 24 values. A track with no step gives the prior mean.
    """
    D, posterior = _posterior(positions_um, dt_s, prior, blur, sigma_um, valid)
    return posterior @ D


def bayes_log_mean(
    positions_um, dt_s: float, prior: Prior, blur: float = 1 / 6, sigma_um: float | None = None, valid=None
):
    """Return exp of the posterior mean of log D of every track: the least mean squared relative error (of log D).

    Arguments as in ``bayes_mean``.
    """
    D, posterior = _posterior(positions_um, dt_s, prior, blur, sigma_um, valid)
    return np.exp(posterior @ np.log(D))


def _posterior(positions_um, dt_s, prior, blur, sigma_um, valid):
    """Return D (G,) of the prior and the posterior weights (n, G), which sum to 1."""
    split, dt, blur = modes(positions_um, valid), check.positive_number("dt_s", dt_s), check_blur(blur)
    if not isinstance(prior, Prior):
        raise ValueError(f"prior must be a Prior, such as uniform_prior(low, high), got {type(prior).__name__}")
    D = check.positive("prior.D_um2_s", prior.D_um2_s)
    weight = check.non_negative("prior.weight", prior.weight)
    if D.shape != weight.shape or D.ndim != 1 or weight.sum() == 0:
        raise ValueError("prior must be two arrays of one length, the weights not all zero")
    if sigma_um is not None:
        log_likelihood = _log_likelihood(
            split, D * dt, np.full((1, 1), check.non_negative_number("sigma_um", sigma_um) ** 2), blur
        )
    else:
        sigma2 = np.geomspace(1e-3, 10, 24)[:, None] * D * dt
        log_likelihood = _log_likelihood(split, D * dt, sigma2, blur)
    posterior = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)) * weight
    return D, posterior / posterior.sum(axis=1, keepdims=True)


def _log_likelihood(split: Modes, D_dt: np.ndarray, sigma2: np.ndarray, blur: float) -> np.ndarray:
    """Return log p(track | D), (n, len(D)), averaged over the rows of sigma2, (S, len(D) or 1)."""
    result = np.full((split.square.shape[0], D_dt.size), -np.inf)
    for row in sigma2:
        part = np.stack(
            [
                -_cost(split, split.variance(d, s, blur))
                for d, s in zip(D_dt, np.broadcast_to(row, D_dt.shape), strict=True)
            ],
            axis=1,
        )
        result = np.logaddexp(result, part)
    return result


def _sigma2(sigma_um, tracks: tuple) -> np.ndarray:
    """Return sigma^2, one number or one per track; ``tracks`` is the shape of the results."""
    sigma = check.non_negative("sigma_um", sigma_um)
    if sigma.shape not in [(), tracks]:
        raise ValueError(f"sigma_um must be one number or one per track {tracks}, got shape {sigma.shape}")
    return sigma**2


def _masked(positions_um, valid) -> tuple[np.ndarray, np.ndarray]:
    """Return positions with NaN in the frames that do not count, and the frames that count, (..., T)."""
    positions = check.numbers("positions_um", positions_um)
    if positions.ndim < 2 or positions.shape[-2] < 2:
        raise ValueError(f"positions_um must have shape (n, T, ndim) with T >= 2, got {positions.shape}")
    seen = np.ones(positions.shape[:-1], dtype=bool) if valid is None else np.asarray(valid)
    if seen.dtype != bool or seen.shape != positions.shape[:-1]:
        raise ValueError(f"valid must be bool with shape {positions.shape[:-1]}, got {seen.dtype} {seen.shape}")
    if not np.isfinite(positions[seen]).all():
        raise ValueError("positions_um holds NaN or infinity in frames that count; mark them with valid=False")
    return np.where(seen[..., None], positions, np.nan), seen
