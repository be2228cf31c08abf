"""Microstructures beyond lines: fields, discs and spinodals of known parameters, and how well they come back."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import norm
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from helpers.common import check
from helpers.textures import generators, statistics

__all__ = ["FAMILIES", "Fidelity", "Made", "fidelity", "mixed", "share_told"]

FAMILIES = ("field", "discs", "spinodal")
_TIMES = (60, 120, 240, 480, 960)  # steps of unmixing


class Made(NamedTuple):
    """The truth behind N microstructures, (N,): ``family``, number in ``FAMILIES``, and the logarithm of a ``length``.

    Correlation length of a field, radius of the discs, both in px, time^(1/3) of a spinodal.
    """

    family: np.ndarray
    log_length: np.ndarray


class Fidelity(NamedTuple):
    """Mean errors of reconstructions: |f' - f| / |f - phi^2|; of volume fraction and specific surface, in percent."""

    statistics_error: float
    volume_fraction_error: float
    specific_surface_error: float


def mixed(n: int, size: int = 64, families=FAMILIES, rng=None) -> tuple[np.ndarray, Made]:
    """Return images (N, size, size) uint8 and the truth: every family as often, lengths uniform, phi in 0.3..0.7.

    Discs are a Poisson number, which may be zero: an image of one state alone is drawn again.
    """
    n, rng = check.whole("n", n), np.random.default_rng() if rng is None else rng
    numbers = [FAMILIES.index(check.choice("families", name, FAMILIES)) for name in families]
    family = rng.permutation(np.resize(numbers, n))
    phi, log_length = rng.uniform(0.3, 0.7, n), np.empty(n)
    images = np.empty((n, size, size), np.uint8)
    for row in np.nonzero(family == 0)[0]:
        log_length[row] = np.log(rng.uniform(1.5, 6))
        level = norm.ppf(1 - phi[row])
        images[row] = _of_both_states(generators.gaussian_field, size, np.exp(log_length[row]), level, rng)
    for row in np.nonzero(family == 1)[0]:
        log_length[row] = np.log(rng.uniform(3, 10))
        images[row] = _of_both_states(generators.overlapping_discs, size, np.exp(log_length[row]), phi[row], rng)
    spinodals = rng.permutation(np.nonzero(family == 2)[0])
    for rows, n_steps in zip(np.array_split(spinodals, len(_TIMES)), _TIMES, strict=True):
        if len(rows):
            log_length[rows] = np.log(n_steps) / 3
            images[rows] = generators.cahn_hilliard(len(rows), size, n_steps, rng=rng) > 0
    return images, Made(family, log_length)


def _of_both_states(draw, *given):
    """Return the first image that ``draw`` makes of ``given`` with both states in it."""
    while True:
        image = draw(1, *given)[0]
        if image.any() and not image.all():
            return image


def fidelity(images, found) -> Fidelity:
    """Return the ``Fidelity`` of binary reconstructions (N, H, H) of images (N, H, H)."""
    x, y = (torch.from_numpy(check.finite(name, a)).float() for name, a in (("images", images), ("found", found)))
    f, g = statistics.two_point(x), statistics.two_point(y)
    phi, psi = x.mean((1, 2)), y.mean((1, 2))
    signal = (f - phi[:, None, None] ** 2).square().sum((1, 2)).sqrt()
    error = (g - f).square().sum((1, 2)).sqrt() / signal
    surface, other = statistics.specific_surface(f), statistics.specific_surface(g)
    parts = (error, 100 * (psi / phi - 1).abs(), 100 * (other / surface - 1).abs())
    return Fidelity(*(float(part.mean()) for part in parts))


def share_told(latents, made: Made, n_train: int) -> np.ndarray:
    """Return the share of the variance of log length that latents (N, d) tell, per family, by ridge regression.

    On the latents and their squares and products; fitted on the first ``n_train`` rows, judged on the rest.
    """
    X, shares = check.finite("latents", latents), []
    train = np.arange(len(X)) < n_train
    for number in np.unique(made.family):
        own = made.family == number
        model = make_pipeline(StandardScaler(), PolynomialFeatures(2), RidgeCV(np.logspace(-3, 3, 7)))
        model.fit(X[train & own], made.log_length[train & own])
        shares.append(model.score(X[~train & own], made.log_length[~train & own]))
    return np.array(shares)
