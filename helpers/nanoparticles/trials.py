"""What is compared in lesson 06: the sets of images, and every way to learn from them under its name.

A set to learn from has the seed of its training; ``unseen_suits`` and ``unseen_particles`` have seeds of their own, on
which nothing was ever chosen. Whatever had to be chosen was chosen with ``validation=True``.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from helpers.common import check, training
from helpers.common.places import BUILD
from helpers.nanoparticles import cards, classifiers, particles
from helpers.nanoparticles.augmentation import Augmentation
from helpers.nanoparticles.classifiers import ImageClassifier
from helpers.nanoparticles.ssrvae import SSRVAE

__all__ = [
    "ANGLES_DEG",
    "CLEAN",
    "LEARNERS",
    "NOISY",
    "PARTICLE_LEARNERS",
    "Lesson",
    "Trained",
    "lesson_of_particles",
    "lesson_of_suits",
    "recalls",
    "train",
    "unseen_particles",
    "unseen_suits",
]

ANGLES_DEG = (30, 60, 90, 180)
CLEAN = Augmentation()
NOISY = Augmentation(noise_sd=1.0, contamination=0.5)
MICROGRAPH = Augmentation(translate=0.05, mirror=True, edge="reflection")


class Lesson(NamedTuple):
    """What may be learnt from: labelled images (N, H, H), their labels (N,), and unlabelled images (M, H, H)."""

    labelled: np.ndarray
    labels: np.ndarray
    unlabelled: np.ndarray


class Trained(NamedTuple):
    """A model, its function images (N, H, H) -> probabilities (N, C), and the CPU time of its training."""

    model: object
    classify: Callable
    cpu_s: float


def lesson_of_suits(angle_deg: float = 60, seed: int = 0, n_labels: int = 200, shifted: bool = True) -> Lesson:
    """Return the cards of the original: 200 labelled of each suit, upright within 4 degrees, and 12,000 unlabelled.

    These lie within +-``angle_deg``. ``shifted=False`` draws the labelled cards from the law of the unlabelled ones.
    """
    rng = np.random.default_rng([1, seed])
    narrow = {"angle_deg": 4, "translate": 0} if shifted else {"angle_deg": angle_deg}
    labelled, labels, _ = cards.make(n_labels, **narrow, rng=rng)
    return Lesson(labelled, labels, cards.make(3000, angle_deg, rng=rng)[0])


def unseen_suits(n_per_class: int = 1000, validation: bool = False, **disorder) -> tuple[np.ndarray, np.ndarray]:
    """Return cards never learnt from and their labels; ``disorder`` goes to ``cards.make``."""
    disorder = {"angle_deg": 60} | disorder
    seed = [2 if validation else 3, round(disorder["angle_deg"]), round(disorder.get("shear_deg", 15))]
    return cards.make(n_per_class, **disorder, rng=np.random.default_rng(seed))[:2]


def lesson_of_particles(seed: int = 0, n_labels: int = 15) -> Lesson:
    """Return simulated micrographs of 1-4 particles in the numbers of the original, 15 labelled of each class."""
    images, labels, _ = particles.make(rng=np.random.default_rng([4, seed]))
    known = np.concatenate([np.flatnonzero(labels == k)[:n_labels] for k in range(4)])
    return Lesson(images[known], labels[known], np.delete(images, known, axis=0))


def unseen_particles(n_per_class=1000, validation: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated micrographs never learnt from and their labels."""
    return particles.make(n_per_class, rng=np.random.default_rng(5 if validation else 6))[:2]


def recalls(classify: Callable, images, labels) -> np.ndarray:
    """Return the share of each class that is named correctly, (C,)."""
    named = classify(images).argmax(axis=1)
    return np.array([(named[labels == k] == k).mean() for k in np.unique(labels)])


def train(
    name: str,
    lesson: Lesson,
    seed: int = 0,
    kind: str = "suits",
    run: str | None = None,
    resume: bool = True,
    **changes,
) -> Trained:
    """Return a learner of ``LEARNERS`` (or ``PARTICLE_LEARNERS`` with kind="particles"), trained on a lesson.

    ``changes`` override the options of its ``fit``. With ``run`` the state is kept under this name, and a training
    that is done is re-used unless ``resume`` is False.
    """
    table = LEARNERS if check.choice("kind", kind, ("suits", "particles")) == "suits" else PARTICLE_LEARNERS
    make, options = table[check.choice("name", name, table)]
    options = options | changes
    if run is not None:
        options |= {"run_dir": BUILD / "runs" / f"{kind}-{run}-{seed}", "resume": resume}
    return make(lesson, seed, name, options)


def _vae(lesson, seed, label, options, augment=None, **settings):
    model = training.initialise(partial(SSRVAE, 4, **settings), seed)
    history = model.fit(*lesson, seed=seed, label=label, augment=augment, **options)
    return Trained(model, model.classify, history.cpu_s)


def _network(lesson, seed, label, options, unlabelled=False, size=24, network="cnn", turns=True):
    model = training.initialise(lambda: ImageClassifier(4, size, network), seed)
    more = lesson.unlabelled if unlabelled else None
    history = model.fit(lesson.labelled, lesson.labels, unlabelled=more, seed=seed, label=label, **options)
    return Trained(model, partial(model.classify, turns=turns), history.cpu_s)


def _classical(lesson, seed, label, options, kind, size=24, copies=0, augment=CLEAN):  # noqa: ARG001
    start, images, labels = time.process_time(), lesson.labelled, lesson.labels
    if copies:
        rng, labels = np.random.default_rng(seed), np.tile(labels, copies)
        images = np.concatenate([augment(torch.from_numpy(images), rng).numpy() for _ in range(copies)])
    model = classifiers.baseline(kind, images, labels, size, seed)
    return Trained(model, model.classify, time.process_time() - start)


_EIGHT = {"starts": 8}
_LATE = {"n_steps": 1500, "labelled_first": 0.4}
LEARNERS = {
    "ss-rVAE": (partial(_vae, augment=CLEAN, **_EIGHT), _LATE),
    "ss-rVAE, noise": (partial(_vae, augment=NOISY, **_EIGHT), _LATE),
    "ss-rVAE, labels as they are": (partial(_vae, **_EIGHT), _LATE),
    "ss-rVAE, consistency": (partial(_vae, **_EIGHT), _LATE | {"consistency": 10.0}),
    "ss-rVAE, one start": (_vae, _LATE),
    "ss-rVAE, as published": (partial(_vae, y_encoder="mlp"), {"n_steps": 20_000, "learning_rate": 5e-4}),
    "ss-VAE": (partial(_vae, invariances=(), y_encoder="mlp"), {"n_steps": 5_000, "learning_rate": 5e-4}),
    "CNN": (_network, {"augment": CLEAN}),
    "CNN, noise": (_network, {"augment": NOISY, "n_steps": 2400}),
    "CNN, pseudo-labels": (partial(_network, unlabelled=True), {"augment": CLEAN}),
    "CNN, labels as they are": (partial(_network, turns=False), {"augment": None}),
    "MLP": (partial(_network, network="mlp"), {"augment": CLEAN}),
    "polar features": (partial(_classical, kind="polar"), {}),
    "random forest, turned copies": (partial(_classical, kind="forest", copies=10), {}),
    "random forest": (partial(_classical, kind="forest"), {}),
    "boosted trees": (partial(_classical, kind="boosting"), {}),
    "decision tree": (partial(_classical, kind="tree"), {}),
}
_SMALL = {"augment": MICROGRAPH, "batch": 32, "n_steps": 800}
_GREY = {"size": 20, "likelihood": "gaussian", "noise_sd": 0.1}
PARTICLE_LEARNERS = {
    "ss-rVAE": (
        partial(_vae, **_GREY, **_EIGHT, augment=MICROGRAPH),
        {"n_steps": 1600, "batch": 32, "labelled_first": 0.4},
    ),
    "CNN": (partial(_network, size=20), _SMALL),
    "CNN, pseudo-labels": (partial(_network, size=20, unlabelled=True), _SMALL),
    "polar features": (partial(_classical, kind="polar"), {}),
    "random forest, turned copies": (
        partial(_classical, kind="forest", size=40, copies=30, augment=MICROGRAPH),
        {},
    ),
    "random forest": (partial(_classical, kind="forest", size=40), {}),
    "boosted trees": (partial(_classical, kind="boosting", size=40), {}),
    "decision tree": (partial(_classical, kind="tree", size=40), {}),
}
