"""Every way to D on the same movies: the original's, the classical ones with a fair chance, oracles, and networks."""

from typing import NamedTuple

import numpy as np

from helpers.common import check
from helpers.molecules import brownian, estimators, localize, original, worlds
from helpers.molecules.estimators import Prior

__all__ = ["BLUR", "Answers", "by_bin", "classical", "oracles", "tune_sigma"]

BLUR = estimators.blur_coefficient(original.N_SUB)


class Answers(NamedTuple):
    """What one estimator says of D, (n,) each: its best guess for a small squared and for a small relative error."""

    mean: np.ndarray
    log_mean: np.ndarray


def classical(images, prior: Prior, sigma_px: float) -> dict[str, Answers]:
    """Return what trackers say of D of movies (n, 16, H, W), px^2 per frame, by estimator.

    All work on the same track: matched filter and centroid, lost frames left out. "all lags" is the MSD fit of the
    original, "two lags" the best fit with an intercept, "CVE" knows nothing, the others know the blur coefficient and
    sigma, and "Bayes mean" the prior. Where an estimator has too few frames or leaves the range of the prior, the mean
    or the end of the prior is its answer: no estimator is punished for what everybody knows.
    """
    positions, _ = localize.localize(images)
    valid = np.isfinite(positions).all(axis=2)
    track = {"positions_um": positions, "valid": valid, "dt_s": 1.0}  # px and frames: D in px^2 per frame
    known = {"blur": BLUR, "sigma_um": check.non_negative_number("sigma_px", sigma_px)}
    found = {
        "all lags": _all_lags(positions),
        "two lags": estimators.fit_msd(**track, lags=2),
        "CVE": estimators.cve(**track, blur=BLUR),
        "CVE, σ known": estimators.cve(**track, **known),
        "MLE, σ known": estimators.mle(**track, **known),
    }
    found = {name: Answers(*2 * (_within(D, prior),)) for name, D in found.items()}
    return found | {"Bayes mean": _bayes(prior=prior, **track, **known)}


def _bayes(**track):
    return Answers(estimators.bayes_mean(**track), estimators.bayes_log_mean(**track))


def _all_lags(positions):
    """Return D from the slope through the origin of the MSD at all lags that have a pair."""
    curve = brownian.msd(positions)
    lag = np.arange(1, positions.shape[1])
    seen = np.isfinite(curve)
    top = (np.where(seen, curve, 0) * lag).sum(axis=1)
    return top / np.maximum((seen * lag**2).sum(axis=1), 1) / 4


def _within(D, prior):
    """Return D inside the limits of a prior, and its mean where there is no answer."""
    support = prior.D_um2_s[prior.weight > 0]
    mean = prior.weight @ prior.D_um2_s / prior.weight.sum()
    return np.clip(np.where(np.isfinite(D), D, mean), support.min(), support.max())


def oracles(paths_px, prior: Prior) -> dict[str, Answers]:
    """Return the Bayes estimates from the true frame centroids and from all true sub-positions (n, T, n_sub, 2)."""
    paths = check.finite("paths_px", paths_px)
    n, n_frames, n_sub, _ = paths.shape
    every, nothing_hidden = paths.reshape(n, n_frames * n_sub, 2), {"prior": prior, "sigma_um": 0.0}
    return {
        "oracle: centroids": _bayes(positions_um=paths.mean(axis=2), dt_s=1.0, blur=BLUR, **nothing_hidden),
        "oracle: all positions": _bayes(positions_um=every, dt_s=1.0 / n_sub, blur=0.0, **nothing_hidden),
    }


def tune_sigma(world: str, prior: Prior, n_movies: int = 1000, seed: int = 40_001) -> float:
    """Return the localisation error (px) with which the Bayes mean does best on movies made for this purpose."""
    rng = np.random.default_rng(seed)
    D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies)
    positions, _ = localize.localize(worlds.film(world, D, rng)[0])
    valid = np.isfinite(positions).all(axis=2)
    sigmas = np.linspace(0.1, 1.5, 15)
    loss = [((estimators.bayes_mean(positions, 1.0, prior, BLUR, s, valid) - D) ** 2).mean() for s in sigmas]
    return float(sigmas[int(np.argmin(loss))])


def by_bin(D, estimate, edges) -> dict:
    """Return, in bins of D, the relative root-mean-square error of an estimate and its mean."""
    estimate, which = np.asarray(estimate), np.digitize(D, edges) - 1
    relative, bins = (estimate / D - 1) ** 2, range(len(edges) - 1)
    return {
        "by_bin": [float(np.sqrt(relative[which == k].mean())) for k in bins],
        "mean_by_bin": [float(estimate[which == k].mean()) for k in bins],
    }
