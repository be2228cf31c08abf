"""Training and judging models of gels: which gels are held out, and how far generated ones are from them."""

import numpy as np

from helpers.common import check, data, training
from helpers.microgels import clouds, io, surface
from helpers.microgels.density import cmf_distance, toroid_density
from helpers.microgels.softpointflow import SoftPointFlow

__all__ = ["SOURCES", "collect", "judge", "median_radius", "split", "train"]

SOURCES = ("real", "simulated")
N_POINTS = 1000  # points of every gel that is judged, so that each gel counts once

Gels = dict[int, list[np.ndarray]]


def collect(source: str, n_gels: int = 20, seed: int = 0) -> Gels:
    """Return gels at the six temperatures: the 20 real ones of each, or ``n_gels`` simulated ones."""
    if check.choice("source", source, SOURCES) == "real":
        folder = data.fetch("microgels_paint")
        return {T: io.gels(folder, T) for T in io.TEMPERATURES_C}
    return {T: clouds.simulate(T, n_gels, np.random.default_rng([seed, T])) for T in io.TEMPERATURES_C}


def split(gels: Gels, seed: int, share: float = 0.6) -> tuple[Gels, Gels]:
    """Return gels to train on, ``share`` of those at each temperature drawn at random, and the gels held out."""
    train_on, held_out, rng = {}, {}, np.random.default_rng(seed)
    for T, some in gels.items():
        order, n = rng.permutation(len(some)), round(share * len(some))
        train_on[T], held_out[T] = ([some[k] for k in part] for part in (order[:n], order[n:]))
    return train_on, held_out


def train(gels: Gels, n_steps: int, seed: int = 0, build=SoftPointFlow, **options):
    """Return a model that was trained on all of these gels, and the history of the run."""
    model = training.initialise(build, seed)
    pairs = [(cloud, T) for T, some in gels.items() for cloud in some]
    return model, model.fit(*zip(*pairs, strict=True), n_steps=n_steps, seed=seed, **options)


def median_radius(cloud) -> float:
    """Return the median distance of the points of a cloud (N, 3) from its per-axis median."""
    return float(np.median(np.linalg.norm(clouds.centred(cloud), axis=1)))


def judge(generated: list, held_out: list, train_on: list) -> dict:
    """Return how far generated gels of one temperature are from gels held out, and how far the training gels are.

    "cmf", the largest difference of the cumulative mass functions; "median_radius" and "hull_radius", relative errors
    of the pooled median and of the mean hull; "density", the correlation of toroid densities in 20 nm; each for the
    generated gels, and "floor_..." for the training gels. "spread", the standard deviation of the median radius over
    the generated gels divided by that over all given ones. Every gel is thinned to 1000 points, so each counts once.
    """
    generated, held_out, train_on = (
        [clouds.thinned(cloud, N_POINTS, np.random.default_rng(k)) for k, cloud in enumerate(gels)]
        for gels in (generated, held_out, train_on)
    )
    found = {}
    for prefix, gels in (("", generated), ("floor_", train_on)):
        found[f"{prefix}cmf"] = cmf_distance(gels, held_out)
        for name, size in (("median_radius", _pooled_median), ("hull_radius", _mean_hull)):
            found[f"{prefix}{name}"] = abs(size(gels) / size(held_out) - 1)
        found[f"{prefix}density"] = float(np.corrcoef(_map(gels), _map(held_out))[0, 1])
    given = [median_radius(cloud) for cloud in (*held_out, *train_on)]
    found["spread"] = float(np.std([median_radius(cloud) for cloud in generated]) / np.std(given, ddof=1))
    return found


def _pooled_median(gels):
    return np.median(np.concatenate([np.linalg.norm(clouds.centred(cloud), axis=1) for cloud in gels]))


def _mean_hull(gels):
    return np.mean([surface.hull_radius(cloud) for cloud in gels])


def _map(gels):
    """Return the mean toroid density per localisation of several gels, as one row of numbers."""
    return np.mean([toroid_density(cloud, 20, 40, 20.0) / len(cloud) for cloud in gels], axis=0).ravel()
