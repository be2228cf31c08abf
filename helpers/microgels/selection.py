"""Selection: which gels of a set are most like all the others."""

import numpy as np

from helpers.common import check
from helpers.microgels.clouds import check_clouds, thinned
from helpers.microgels.density import toroid_density

__all__ = ["rank"]

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
