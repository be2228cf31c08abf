"""Classifiers without a generative model: a small network on the labelled images alone, trees, and invariant features.

They are the honest baselines of the rotation-invariant VAE. The network is told that pose does not matter in the
cheapest way there is: it never sees an image in the same pose twice. Images (N, H, H) in 0..1, labels whole numbers.
"""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import check, checkpoints, training
from helpers.nanoparticles import poses
from helpers.nanoparticles.augmentation import Augmentation
from helpers.nanoparticles.images import check_labels, whole_images
from helpers.nanoparticles.vae_parts import Y_ENCODERS

__all__ = ["FEATURES", "ImageClassifier", "baseline", "load", "over_turns", "polar_fourier"]

FEATURES = ("tree", "forest", "boosting", "polar")
_CHUNK = 500  # images at a time where nothing is learnt


class ImageClassifier(nn.Module):
    """A small network that names an image: three convolutions, 33,000 weights for four classes of 24 px images.

    ``size`` is that of the images inside; larger ones, by a whole factor, are averaged down. ``network`` is "cnn" or
    "mlp", the y-encoders of the VAE. Train it by ``fit``; then ``classify``.
    """

    def __init__(self, n_classes: int, size: int = 24, network: str = "cnn"):
        super().__init__()
        self.n_classes, self.size = check.whole("n_classes", n_classes, at_least=2), check.whole("size", size, 8)
        self.settings = {"n_classes": n_classes, "size": size, "network": network}
        make = Y_ENCODERS[check.choice("network", network, Y_ENCODERS)]
        self.network = make(self.size, self.n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, C) for images (N, size, size)."""
        return self.network(images)

    def fit(
        self,
        images,
        labels,
        augment: Augmentation | None = Augmentation(),  # noqa: B008 (immutable)
        unlabelled=None,
        n_steps: int = 800,
        seed: int = 0,
        batch: int = 64,
        smoothing: float = 0.05,
        confident: float = 0.9,
        labelled_first: float = 0.4,
        **options,
    ) -> training.History:
        """Train on images (N, H, H) with labels (N,); every step shows ``batch`` of them, each class as often.

        ``augment`` acts before the images are averaged down; None shows them as they are. ``smoothing`` of the labels
        as in Szegedy et al. 2016; ``options`` go to ``training.fit``.
        With ``unlabelled`` images (M, H, H), ``batch`` of them join each step after the fraction ``labelled_first``:
        where the four turns of an image agree on a class with a probability above ``confident``, the network is to
        name the augmented image so too (pseudo-labels, as in Sohn et al. 2020).
        ValueError naming the argument for wrong shapes, labels outside of 0..C-1 or fractions outside of 0..1.
        """
        stored = whole_images("images", images, self.size)
        labels = check_labels("labels", labels, len(stored), self.n_classes)
        more = None if unlabelled is None else whole_images("unlabelled", unlabelled, self.size)
        rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        check.whole("batch", batch)
        for name, value in [("smoothing", smoothing), ("confident", confident), ("labelled_first", labelled_first)]:
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be a fraction in [0, 1), got {value!r}")

        def pose(given, rng):
            return poses.pool(given if augment is None else augment(given, rng), self.size)

        def make_batch(rng, step):
            kinds = rng.permutation(np.arange(batch) % len(rows))
            chosen = np.array([rng.choice(rows[kind]) for kind in kinds])
            parts = pose(stored[chosen], rng), torch.from_numpy(labels[chosen])
            if more is None or step < labelled_first * n_steps:
                return parts
            seen = more[rng.integers(len(more), size=batch)]
            return *parts, poses.pool(seen, self.size), pose(seen, rng)

        def loss(model, shown, y, *views):
            value = functional.cross_entropy(model(shown), y, label_smoothing=smoothing)
            if not views:
                return value
            seen, again = views
            with torch.no_grad():
                sure, name = over_turns(model.probabilities, seen).max(dim=1)
            each = functional.cross_entropy(model(again), name, label_smoothing=smoothing, reduction="none")
            return value + ((sure > confident) * each).mean()

        options = {"learning_rate": 3e-3, "label": "classifier"} | options
        return training.fit(self, make_batch, loss, n_steps=n_steps, seed=seed, **options)

    def probabilities(self, images: Tensor) -> Tensor:
        """Return probabilities (N, C) for images (N, size, size)."""
        return self(images).softmax(dim=1)

    def classify(self, images, turns: bool = True) -> np.ndarray:
        """Return probabilities (N, C) for images (N, H, H); with ``turns`` the mean over four quarter turns.

        That mean does not change when an image is turned by 90 degrees.
        """
        x = poses.pool(whole_images("images", images, self.size), self.size)

        ask = (lambda part: over_turns(self.probabilities, part)) if turns else self.probabilities
        with torch.no_grad():
            return torch.cat([ask(part) for part in x.split(_CHUNK)]).numpy()


def over_turns(ask, images: Tensor) -> Tensor:
    """Return the mean over four quarter turns of ``ask(images) -> (N, C)`` for images (N, H, H).

    The four answers are added in the order of their size, so that not even rounding depends on where a turn begins.
    """
    answers = torch.stack([ask(turned) for turned in poses.quarter_turns(images)])
    return answers.sort(dim=0).values.sum(dim=0) / 4


def polar_fourier(images, n_rings: int = 12, n_angles: int = 64, n_orders: int = 13) -> np.ndarray:
    """Return features (N, n_rings n_orders) of images (N, H, H) that hardly change when the object is turned or moved.

    About the centroid and in units of the rms radius r, the image is read on rings at 0.2 r .. 2 r; |FFT| along a ring
    forgets where the ring begins. Of each ring the orders 0..n_orders-1, divided by the mean of order 0.
    ValueError for an empty (black) image.
    """
    x = whole_images("images", images).numpy()
    size = x.shape[-1]
    mass = x.sum(axis=(1, 2))
    if not (mass > 0).all():
        raise ValueError("images must not be black: they have no centroid")
    at = np.arange(size)
    row, column = (x.sum(axis=axis) @ at / mass for axis in (2, 1))
    square = (at - row[:, None]) ** 2, (at - column[:, None]) ** 2
    radius = np.sqrt((np.einsum("nij,ni->n", x, square[0]) + np.einsum("nij,nj->n", x, square[1])) / mass)
    ring = np.linspace(0.2, 2, check.whole("n_rings", n_rings))[:, None]
    angle = 2 * np.pi * np.arange(check.whole("n_angles", n_angles)) / n_angles
    down, right = ring * np.sin(angle), ring * np.cos(angle)  # (rings, angles)
    points = np.stack(
        np.broadcast_arrays(
            np.arange(len(x))[:, None, None],
            row[:, None, None] + radius[:, None, None] * down,
            column[:, None, None] + radius[:, None, None] * right,
        )
    )
    read = ndimage.map_coordinates(x, points, order=1, mode="constant")
    size_of_order = np.abs(np.fft.rfft(read, axis=2))[..., : check.whole("n_orders", n_orders)]
    return (size_of_order / size_of_order[:, :, :1].mean(axis=1, keepdims=True)).reshape(len(x), -1)


class _Fitted:
    """A classifier of scikit-learn behind a function that turns images into features."""

    def __init__(self, features, model):
        self._features, self._model = features, model

    def classify(self, images) -> np.ndarray:
        """Return probabilities (N, C) for images (N, H, H)."""
        return self._model.predict_proba(self._features(images))


def baseline(kind: str, images, labels, size: int = 24, seed: int = 0) -> _Fitted:
    """Return a classical classifier trained on images (N, H, H) with labels (N,); ask it by ``classify``.

    "tree", "forest" (300 trees) and "boosting" (gradient-boosted trees) look at the pixels, averaged down to ``size``;
    "polar" is a support vector machine with a Gaussian kernel on ``polar_fourier``. The columns of ``classify`` are the
    classes that occur, in order. ValueError for another kind.
    """
    check.choice("kind", kind, FEATURES)
    labels = check_labels("labels", labels, len(whole_images("images", images)))
    from sklearn import calibration, ensemble, pipeline, preprocessing, svm, tree

    make = {
        "tree": lambda: tree.DecisionTreeClassifier(random_state=seed),
        "forest": lambda: ensemble.RandomForestClassifier(300, random_state=seed),
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(random_state=seed),
        "polar": lambda: calibration.CalibratedClassifierCV(
            pipeline.make_pipeline(preprocessing.StandardScaler(), svm.SVC(C=10)), ensemble=False
        ),
    }[kind]

    def pixels(given):
        return poses.pool(whole_images("images", given, size), size).flatten(1).numpy()

    features = polar_fourier if kind == "polar" else pixels
    return _Fitted(features, make().fit(features(images), labels))


def load(name: str) -> ImageClassifier:
    """Return a shipped classifier; its settings stand in its card."""
    state, card = checkpoints.load(name)
    model = ImageClassifier(**card["settings"])
    model.load_state_dict(state)
    return model.eval()
