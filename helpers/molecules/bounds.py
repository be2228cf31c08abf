"""How well can D be known at all: the Cramer-Rao bound, and the exact spread of estimators quadratic in the track."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import toeplitz

from helpers.common import check
from helpers.molecules.brownian import check_blur, slope_weights

__all__ = ["Spread", "cramer_rao", "cve_spread", "displacement_covariance", "fit_msd_spread"]


def displacement_covariance(D_um2_s: float, n_frames: int, dt_s: float, sigma_um: float, blur: float) -> np.ndarray:
    """Return the covariance (T-1, T-1) of the displacements along one axis, um^2.

    Diagonal 2 D dt (1 - 2 R) + 2 sigma^2; beside it 2 R D dt - sigma^2; zero elsewhere. Source: Berglund 2010.
    """
    D_um2_s, dt_s = check.positive_number("D_um2_s", D_um2_s), check.positive_number("dt_s", dt_s)
    sigma_um, blur = check.non_negative_number("sigma_um", sigma_um), check_blur(blur)
    row = np.zeros(check.whole("n_frames", n_frames, 2) - 1)
    row[0] = 2 * D_um2_s * dt_s * (1 - 2 * blur) + 2 * sigma_um**2
    row[1:2] = 2 * blur * D_um2_s * dt_s - sigma_um**2
    return toeplitz(row)


def cramer_rao(
    D_um2_s, n_frames: int, dt_s: float, sigma_um, blur: float = 1 / 6, ndim: int = 2, sigma_known: bool = True
):
    """Return the smallest relative standard deviation that an unbiased estimate of D can have.

    The displacements have T - 1 independent modes of variance v_k = 2 D dt (1 - R l_k) + sigma^2 l_k with
    l_k = 2 - 2 cos(k pi / T). The Fisher information is I_ab = d/2 sum_k (dv_k/da)(dv_k/db) / v_k^2 for a, b in
    (D, sigma^2). Known sigma: sd = I_DD^(-1/2); unknown: sd^2 = (I^-1)_DD. ``D_um2_s`` and ``sigma_um`` broadcast.
    Source: Michalet & Berglund 2012.
    """
    D, sigma = check.positive("D_um2_s", D_um2_s)[..., None], check.non_negative("sigma_um", sigma_um)[..., None]
    n_frames, dt, blur = check.whole("n_frames", n_frames, 2), check.positive_number("dt_s", dt_s), check_blur(blur)
    lam = 2 - 2 * np.cos(np.pi * np.arange(1, n_frames) / n_frames)
    variance = 2 * D * dt * (1 - blur * lam) + sigma**2 * lam
    by_D, by_sigma2 = 2 * dt * (1 - blur * lam) / variance, lam / variance
    factor = check.whole("ndim", ndim) / 2
    information = factor * (by_D**2).sum(axis=-1)
    if not sigma_known:
        if n_frames < 3:
            raise ValueError("n_frames must be >= 3 where sigma is unknown")
        mixed, other = factor * (by_D * by_sigma2).sum(axis=-1), factor * (by_sigma2**2).sum(axis=-1)
        information = information - mixed**2 / other
    return 1 / (D[..., 0] * np.sqrt(information))


class Spread(NamedTuple):
    """Mean and standard deviation of an estimate, both in units of the true D."""

    mean: float
    sd: float


def fit_msd_spread(
    D_um2_s: float, n_frames: int, dt_s: float, sigma_um: float, lags, intercept=True, blur=1 / 6, ndim=2
) -> Spread:
    """Return mean and sd of ``estimators.fit_msd`` for Brownian tracks, exactly.

    MSD(k) of one axis is the quadratic form d' M_k d of its displacements d. So is the slope, with Q = sum w_k M_k,
    and a quadratic form of a Gaussian vector with covariance C has mean tr(QC) and variance 2 tr(QCQC).
    """
    covariance = displacement_covariance(D_um2_s, n_frames, dt_s, sigma_um, blur)
    lags, weight = slope_weights(lags, n_frames, intercept)
    form = sum(w * _msd_form(k, n_frames) for k, w in zip(lags, weight, strict=True)) / (2 * dt_s)
    return _spread(form, covariance, D_um2_s, ndim)


def cve_spread(D_um2_s: float, n_frames: int, dt_s: float, sigma_um: float, sigma_known=False, blur=1 / 6, ndim=2):
    """Return mean and sd of ``estimators.cve`` for Brownian tracks, exactly (see ``fit_msd_spread``)."""
    covariance = displacement_covariance(D_um2_s, n_frames, dt_s, sigma_um, blur)
    n = check.whole("n_frames", n_frames, 2 if sigma_known else 3) - 1
    if sigma_known:
        form = np.eye(n) / (2 * n * (1 - 2 * blur) * dt_s)
        spread = _spread(form, covariance, D_um2_s, ndim)
        return Spread(spread.mean - sigma_um**2 / ((1 - 2 * blur) * dt_s * D_um2_s), spread.sd)
    form = np.eye(n) / (2 * n * dt_s) + (np.eye(n, k=1) + np.eye(n, k=-1)) / (2 * (n - 1) * dt_s)
    return _spread(form, covariance, D_um2_s, ndim)


def _msd_form(lag: int, n_frames: int) -> np.ndarray:
    """Return M with d' M d = the time-averaged MSD of one axis at this lag, (T-1, T-1)."""
    windows = np.array([np.eye(n_frames - 1)[j : j + lag].sum(axis=0) for j in range(n_frames - lag)])
    return windows.T @ windows / len(windows)


def _spread(form: np.ndarray, covariance: np.ndarray, D: float, ndim: int) -> Spread:
    product, ndim = form @ covariance, check.whole("ndim", ndim)
    return Spread(float(np.trace(product) / D), float(np.sqrt(2 * np.trace(product @ product) / ndim) / D))
