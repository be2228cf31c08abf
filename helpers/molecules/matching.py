"""Matching simulated noise to recorded noise: which objective finds the right width, and which is fooled.

The original adjusted the noise of its simulator until a simulated image resembled a recorded one pixel by pixel
(mean squared error, peak signal-to-noise ratio, structural similarity), with new random numbers at every trial. Two
images with independent noise never agree pixel by pixel, and the least disagreement is reached with no noise at all.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special
from skimage.metrics import structural_similarity

from helpers.common import check

__all__ = ["MODELS", "OBJECTIVES", "NoiseMatch", "match_noise", "noise_likelihood", "noise_objective", "standard_noise"]

MODELS = ("gaussian", "laplace", "em")
OBJECTIVES = ("likelihood", "quantiles", "mse", "psnr", "ssim")


class NoiseMatch(NamedTuple):
    """The best ``level`` and ``scale`` (mean and standard deviation, counts), the objective there, and its cost."""

    level: float
    scale: float
    value: float
    n_evaluations: int


def standard_noise(model: str, shape, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return independent draws of mean 0 and variance 1: "gaussian" or "laplace" (of width 1 / sqrt 2)."""
    check.choice("model", model, MODELS[:2])
    rng = np.random.default_rng() if rng is None else rng
    return rng.standard_normal(shape) if model == "gaussian" else rng.laplace(0.0, np.sqrt(0.5), shape)


def noise_likelihood(counts, level: float, scale: float, model: str = "gaussian", offset: float | None = None) -> float:
    """Return the negative log-likelihood per pixel (nats) of background counts with this mean and this sd.

    "gaussian": z^2 / 2 + log(sqrt(2 pi) s). "laplace": sqrt(2) |z| + log(sqrt(2) s). "em": photoelectrons behind an
    EM gain above ``offset``, p(e) = sqrt(b / e) exp(-b - e) I1(2 sqrt(b e)) for e = (counts - offset) / g, with
    g = s^2 / (2 (level - offset)) and b = (level - offset) / g; counts below the offset share exp(-b) over one g.
    Source of "em": Hirsch et al. 2013.
    """
    counts, scale, level = check.finite("counts", counts), float(check.positive("scale", scale)), float(level)
    check.choice("model", model, MODELS)
    z = (counts - level) / scale
    if model == "gaussian":
        return float(np.mean(z**2) / 2 + np.log(np.sqrt(2 * np.pi) * scale))
    if model == "laplace":
        return float(np.sqrt(2) * np.mean(np.abs(z)) + np.log(np.sqrt(2) * scale))
    if offset is None or not offset < level:
        raise ValueError(f"offset must be given, and be below the level {level:g}, for the em model, got {offset}")
    gain = scale**2 / (2 * (level - offset))
    b, e = (level - offset) / gain, np.maximum((counts - offset) / gain, 1e-9)
    log_density = np.log(b / e) / 2 - (np.sqrt(e) - np.sqrt(b)) ** 2 + np.log(special.i1e(2 * np.sqrt(b * e)))
    return float(np.log(gain) - np.mean(np.where(counts > offset, log_density, -b)))


def noise_objective(counts, level, scale, model="gaussian", objective="likelihood", draws=None, offset=None) -> float:
    """Return one objective, to be minimised, for noise of this mean and sd against counts (H, W) or (n, H, W).

    "likelihood" needs no simulation. The others compare with level + scale x ``draws`` (from ``standard_noise``):
    "quantiles", the mean squared difference of the sorted values; "mse", of the pixels; "psnr", minus the peak
    signal-to-noise ratio (dB); "ssim", minus the structural similarity, averaged over images.
    """
    check.choice("objective", objective, OBJECTIVES)
    if objective == "likelihood":
        return noise_likelihood(counts, level, scale, model, offset)
    counts, draws = check.finite("counts", counts), check.finite("draws", draws)
    if counts.ndim not in (2, 3) or draws.shape != counts.shape:
        raise ValueError(f"counts must have shape (H, W) or (n, H, W), as draws, got {counts.shape}, {draws.shape}")
    simulated = level + scale * draws
    if objective == "quantiles":
        return float(np.mean((np.sort(simulated, axis=None) - np.sort(counts, axis=None)) ** 2))
    peak = np.ptp(counts)
    if objective == "ssim":
        pairs = zip(*(a.reshape(-1, *counts.shape[-2:]) for a in (counts, simulated)), strict=True)
        return -float(np.mean([structural_similarity(a, b, data_range=peak) for a, b in pairs]))
    error = np.mean((simulated - counts) ** 2)
    return float(error if objective == "mse" else 10 * np.log10(error / peak**2))


def match_noise(
    counts, model="gaussian", objective="likelihood", *, redraw=False, offset=None, start=None, rng=None
) -> NoiseMatch:
    """Return the level and scale that minimise ``noise_objective`` (Nelder-Mead from ``start``, a pair).

    One set of draws serves every trial, so the objective is a smooth function of level and scale (common random
    numbers). ``redraw=True`` draws new ones at every trial, as the original did: the search then follows the noise.
    ``start`` defaults to 0.9 of the mean and half the standard deviation, as a guess that is wrong on purpose.
    """
    counts = check.finite("counts", counts)
    check.choice("objective", objective, OBJECTIVES)
    check.choice("model", model, MODELS if objective == "likelihood" else MODELS[:2])
    if counts.ndim not in (2, 3) or np.ptp(counts) == 0:
        raise ValueError(f"counts must be images (H, W) or (n, H, W) that are not constant, got shape {counts.shape}")
    rng = np.random.default_rng() if rng is None else rng
    fixed = standard_noise(model, counts.shape, rng) if objective != "likelihood" else None
    mean, sd = counts.mean(), counts.std()
    start = (0.9 * mean, 0.5 * sd) if start is None else check.finite("start", start)
    if np.shape(start) != (2,) or start[1] <= 0:
        raise ValueError(f"start must be a pair (level, scale > 0), got {start}")

    if model == "em" and (offset is None or offset >= start[0]):
        raise ValueError(f"offset must be given, and be below the start level {start[0]:g}, for em, got {offset}")

    def value(p):
        level, scale = mean + sd * p[0], sd * np.exp(p[1])
        if model == "em" and level <= offset:
            return np.inf
        draws = standard_noise(model, counts.shape, rng) if redraw and fixed is not None else fixed
        return noise_objective(counts, level, scale, model, objective, draws, offset)

    first = np.array([(start[0] - mean) / sd, np.log(start[1] / sd)])
    simplex = first + np.array([[0, 0], [0.3, 0], [0, 0.3]])
    options = {"initial_simplex": simplex, "xatol": 1e-4, "fatol": 1e-9, "maxfev": 400}
    best = optimize.minimize(value, first, method="Nelder-Mead", options=options)
    return NoiseMatch(float(mean + sd * best.x[0]), float(sd * np.exp(best.x[1])), float(best.fun), int(best.nfev))
