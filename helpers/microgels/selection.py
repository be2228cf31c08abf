"""Selection: which gels of a set are most like all the others, and which odd gels a ranking finds."""

from collections.abc import Callable

import numpy as np

from helpers.common import check
from helpers.microgels.clouds import check_clouds, simulate, thinned
from helpers.microgels.density import toroid_density

__all__ = ["PUBLISHED", "SPOILS", "plant", "rank"]

PUBLISHED = {  # by degC: highest and lowest sum of correlations, the ten gels selected (from 1); the authors' files
    21: (11.2595558596271, 7.89457152229301, (16, 11, 6, 8, 9, 3, 17, 15, 7, 1)),
    33: (12.8769770504368, 10.507834704063, None),
    35: (16.0050285897988, 13.7498021217714, (20, 17, 16, 10, 15, 19, 3, 4, 12, 6)),
    38: (17.8683275375425, 15.2282343580361, None),
    43: (18.7398392666843, 16.9970822653963, None),
    53: (18.9380389476814, 17.1150358980071, (10, 11, 7, 4, 8, 9, 13, 12, 2, 14)),
}

_FEWEST = 500  # localisations; fewer make a density of noise


def rank(clouds, method: str = "published", rng: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of n clouds (N, 3) in nm, most representative first, and the sum of correlations of each.

    sum_i = sum_j Pearson(feature_i, feature_j), j = i included. ``order`` (n,) counts from 0 (files count from 1);
    ``sums`` (n,) belongs to the clouds as given, so that ``sums[order]`` falls. The feature is the flattened toroid
    density, 400 nm in radius and 800 nm in height:
    "published": in 10 nm bins. Source: the original, Algorithm 1. It prefers gels with many localisations.
    "robust": every cloud is thinned to the size of the smallest, but to no less than 500 points; 20 nm bins; square
    root, which makes counting noise equal along each ring. ``rng`` draws the points (default: seed 0, always the same).
    ValueError for fewer than 3 clouds, or one whose localisations all lie outside.
    """
    clouds = check_clouds("clouds", clouds, at_least=3)
    if check.choice("method", method, ["published", "robust"]) == "published":
        features = [toroid_density(cloud) for cloud in clouds]
    else:
        rng = np.random.default_rng(0) if rng is None else rng
        n_points = max(_FEWEST, min(map(len, clouds)))
        features = [np.sqrt(toroid_density(thinned(cloud, n_points, rng), 20, 40, 20.0)) for cloud in clouds]
    empty = [number for number, feature in enumerate(features) if not feature.any()]
    if empty:
        raise ValueError(f"clouds[{empty[0]}] has no localisation within 400 nm of its axis and its middle height")
    sums = np.corrcoef([feature.ravel() for feature in features]).sum(axis=0)
    return np.argsort(-sums, kind="stable"), sums


def _two_gels(points: np.ndarray, _rng) -> np.ndarray:
    return np.concatenate([points, points + np.array([250.0, 0, 0])])


def _in_background(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = int(0.3 * len(points))
    return np.concatenate([points[n:], rng.uniform(-400, 400, (n, 3))])


SPOILS = {  # what is done to a cloud (N, 3) about the origin, given a generator; the last leaves the shape as it is
    "half as high": lambda points, _rng: points * [1, 1, 0.5],
    "two thirds as large": lambda points, _rng: points * 2 / 3,
    "1.5 times as large": lambda points, _rng: points * 1.5,
    "two gels": _two_gels,
    "30 % background": _in_background,
    "800 localisations": lambda points, _rng: points[:800],
}


def plant(kind: str, method: str | Callable = "published", n_trials: int = 8, seed: int = 0) -> tuple[float, float]:
    """Return how many of 3 spoilt gels among 20 end among the last 3, and in the top 10: means over trials, 0..3.

    In each trial 20 gels are simulated at 35 degC and three of them spoilt as ``SPOILS[kind]`` does. ``method`` ranks
    them: a name that ``rank`` knows, or a function that takes a list of clouds (N, 3) and returns their sums (n,),
    the highest for the most typical. By chance 0.45 and 1.5. ValueError for an unknown kind or method.
    """
    spoil = SPOILS[check.choice("kind", kind, SPOILS)]
    if not callable(method):
        check.choice("method", method, ["published", "robust"])
    counts = []
    for trial in range(check.whole("n_trials", n_trials)):
        rng = np.random.default_rng([seed, trial])
        gels = simulate(35, 17, rng) + [spoil(points, rng) for points in simulate(35, 3, rng)]
        sums = np.asarray(method(gels) if callable(method) else rank(gels, method)[1])
        if sums.shape != (20,):
            raise ValueError(f"method must return one number for each of 20 gels, got shape {sums.shape}")
        planted = np.argsort(-sums, kind="stable") >= 17
        counts.append((planted[-3:].sum(), planted[:10].sum()))
    last, top = np.mean(counts, axis=0)
    return float(last), float(top)
