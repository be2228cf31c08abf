"""Trials of lesson 08: ways from a line image to a few numbers and back, their training, and how they are judged."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from helpers.common import check, training
from helpers.common.places import BUILD
from helpers.textures import generators, retrieval, scoring, statistics, vae, whole_lines
from helpers.textures.features import StatisticsFeatures
from helpers.textures.pca import StatisticsPCA
from helpers.textures.vae import StatisticsVAE

__all__ = ["CUTS", "LEARNERS", "Verdict", "by_volume_fraction", "judge", "line_images", "principal", "probe", "train"]

CUTS = (0.5, 1.0, 2.0)
TEST, VALIDATION = 8_000_001, 8_000_002  # seeds of images that no training sees

_IMAGE = {"decoder": "image"}
_SHORT = {"batch": 32}
LEARNERS = {  # settings of the model, options of its training
    "statistics": ({"n_components": 96, "band": 24, "hidden": 192}, {"n_steps": 4000}),
    "image": (_IMAGE | {"greyness": 0.3}, _SHORT | {"n_steps": 2000, "learning_rate": 5e-3}),
    "image, as published": (_IMAGE | {"sees": "image", "loss": "f", "beta": 1.0}, _SHORT | {"n_steps": 800}),
    "pixels": (_IMAGE | {"sees": "image", "loss": "pixels", "beta": 1.0}, _SHORT | {"n_steps": 2000}),
}


class Verdict(NamedTuple):
    """How well N images came back: shares of right ``orientation`` and ``count`` (by cut), mean errors, and per image.

    ``count_of`` maps the true number of lines to the share of right counts; ``volume_fraction_error`` in percent;
    ``statistics_error``, mean of |f' - f| / |f|; ``counted`` and ``errors`` are per image.
    """

    orientation: float
    count: dict
    count_of: dict
    volume_fraction_error: float
    statistics_error: float
    counted: list
    errors: list


def line_images(n: int = 500, size: int = 224, validation: bool = False) -> np.ndarray:
    """Return line images (N, size, size) never trained on; another set to make choices by."""
    return generators.lines(n, size, rng=np.random.default_rng(VALIDATION if validation else TEST))[0]


def train(name: str, latent_dim: int = 9, size: int = 224, seed: int = 0, resume: bool = True, **changes):
    """Return a model of ``LEARNERS`` trained on line images, and its history; one that is done is re-used.

    ``changes`` override settings of the model and options of its ``fit``.
    """
    settings, options = LEARNERS[check.choice("name", name, LEARNERS)]
    of_fit = {
        key: changes.pop(key) for key in list(changes) if key in ("n_steps", "batch", "n_images", "learning_rate")
    }
    words = "-".join([*(f"{key}-{value}" for key, value in sorted((changes | of_fit).items())), str(seed)])
    run = BUILD / "runs" / f"lines-{size}-{name.replace(', ', '-').replace(' ', '-')}-{latent_dim}-{words}"
    model = training.initialise(partial(StatisticsVAE, size, latent_dim, **(settings | changes)), seed)
    history = model.fit(
        partial(_lines, size=size), seed=seed, label=name, run_dir=run, resume=resume, **(options | of_fit)
    )
    return model, history


def _lines(n, rng, size):
    return generators.lines(n, size, rng=rng)[0]


def judge(images, reconstructed) -> Verdict:
    """Return the ``Verdict`` on reconstructions (N, H, H) of line images (N, H, H)."""
    n, scores = scoring.count(images), scoring.score(images, reconstructed)
    f, found = (statistics.two_point(torch.from_numpy(np.asarray(x)).float()) for x in (images, reconstructed))
    error = (found - f).square().sum((1, 2)).sqrt() / f.square().sum((1, 2)).sqrt()
    return Verdict(
        float(scores.orientation.mean()),
        {str(cut): float(scoring.score(images, reconstructed, cut).count.mean()) for cut in CUTS},
        {str(k): float(scores.count[n == k].mean()) for k in np.unique(n)},
        float(scores.volume_fraction_error.mean()),
        float(error.mean()),
        scoring.count(reconstructed).tolist(),
        scores.volume_fraction_error.round(2).tolist(),
    )


def by_volume_fraction(images, size: int = 224, n: int = 4000, seed: int = 0) -> np.ndarray:
    """Return the number of lines of images (N, size, size) guessed from the volume fraction alone, by boosted trees."""
    made, truth = generators.lines(n, size, rng=np.random.default_rng([seed, 3]))
    guess = HistGradientBoostingClassifier(max_depth=3, random_state=0).fit(made.mean((1, 2))[:, None], truth.count)
    return guess.predict(np.asarray(images).mean((1, 2))[:, None])


def probe(model: StatisticsVAE, images, n: int = 4000, seed: int = 0) -> np.ndarray:
    """Return the number of lines of images (N, H, H) that boosted trees read from the latents of a model."""
    made, truth = generators.lines(n, model.size, rng=np.random.default_rng([seed, 4]))
    trees = HistGradientBoostingClassifier(random_state=0).fit(model.encode(made).numpy(), truth.count)
    return trees.predict(model.encode(images).numpy())


def principal(images, n_components: int = 9, size: int = 224, n: int = 3000, seed: int = 0) -> dict[str, np.ndarray]:
    """Return reconstructions of images (N, size, size) from principal components, by what they are components of.

    "f" and "|F|": phase retrieval from components of either; "features, whole lines": of the features that a
    statistics VAE sees, weighted as in its loss, with the same retrieval as it has.
    """
    made = generators.lines(n, size, rng=np.random.default_rng([seed, 5]))[0]
    found = {}
    for name, of in (("f", "f"), ("|F|", "amplitude")):
        found[name] = StatisticsPCA(n_components, of).fit(made).reconstruct(images, rng=np.random.default_rng(seed))
    features = StatisticsFeatures(size).fit(made)
    weight = torch.ones(features.n_features)
    weight[-3:] = vae.COUNT_WEIGHT**0.5
    X, given = (features.encode(x) * weight for x in (made, images))
    mean = X.mean(0)
    V = torch.linalg.svd(X - mean, full_matrices=False)[2][:n_components]
    A, counts = features.decode(((given - mean) @ V.T @ V + mean) / weight)
    found["features, whole lines"] = whole_lines.retrieve(A, counts, size, seed)
    return found


def exact(images) -> np.ndarray:
    """Return images (N, H, H) retrieved from their own |F| and volume fraction, no network between."""
    images = np.asarray(images)
    parts = [
        retrieval.retrieve(statistics.amplitude(x), x.sum((1, 2)), 4, rng=np.random.default_rng(0))
        for x in np.array_split(images, max(1, len(images) // 50))
    ]
    return np.concatenate(parts)
