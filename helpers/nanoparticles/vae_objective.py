"""The objective of the rotation-invariant VAE and the batches it is computed on, labelled and unlabelled together.

    L = U(unlabelled) + L(labelled) + multiplier * cross-entropy(labelled) + consistency * cross-entropy(two views),

each a mean over its images, in natural units per image. Every step holds as many labelled as unlabelled images,
whichever there are more of. Source: Kingma et al. 2014, eqs. 6 to 9; Ziatdinov et al. 2024 (multiplier).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import check
from helpers.nanoparticles import poses
from helpers.nanoparticles.augmentation import Augmentation
from helpers.nanoparticles.images import check_labels, whole_images

__all__ = ["INFERENCES", "Batch", "Objective", "batches", "labelled", "unlabelled"]

INFERENCES = ("amortised", "exact")
_ANY_POSE = Augmentation()


class Batch(NamedTuple):
    """What a step is shown, n rows each; parts that are not used have no columns.

    ``seen`` unlabelled images and ``again``, the same in another pose; ``given`` labelled images with labels ``y``, and
    ``posed``, the same as the classification term sees them (n, size, size); standard normal numbers for both,
    (n, C, n_noise) and (n, 1, n_noise); the number of the ``step``.
    """

    seen: Tensor
    again: Tensor
    given: Tensor
    posed: Tensor
    y: Tensor
    noise_seen: Tensor
    noise_given: Tensor
    step: Tensor


@dataclass(frozen=True)
class Objective:
    """The weights of the terms, a loss for ``training.fit``.

    ``inference`` says who weighs the classes of an unlabelled image. "amortised", as in the original: the y-encoder,
    U = sum_y q(y | x) [log q(y | x) - bound_y - log p(y)]. "exact": Bayes' rule, U = -log sum_y p(y) exp(bound_y), the
    least value that U can take; the y-encoder learns these weights by cross-entropy, times ``distil``.
    Unlabelled images count from step ``first`` on.
    """

    multiplier: float = 30.0
    beta: float = 1.0
    consistency: float = 0.0
    inference: str = "amortised"
    distil: float = 10.0
    first: int = 0

    def __post_init__(self):
        for name in ("multiplier", "beta", "consistency", "distil"):
            check.non_negative_number(name, getattr(self, name))
        check.choice("inference", self.inference, INFERENCES)

    def __call__(self, model: nn.Module, *parts: Tensor) -> Tensor:
        """Return L for the parts of a ``Batch``."""
        batch = Batch(*parts)
        total = batch.given.new_zeros(())
        if batch.given.ndim == 3:
            total = total + labelled(model, batch.given, batch.y, batch.noise_given, self.beta).mean()
            total = total + self.multiplier * functional.nll_loss(model.log_q_y(batch.posed), batch.y)
        if batch.seen.ndim == 3 and batch.step[0] >= self.first:
            loss, log_q, weight = unlabelled(model, batch.seen, batch.noise_seen, self.beta, self.inference)
            total = total + loss.mean()
            if self.inference == "exact":
                total = total - self.distil * (weight * log_q).sum(dim=1).mean()
            if self.consistency:
                total = total - self.consistency * (weight * model.log_q_y(batch.again)).sum(dim=1).mean()
        return total


def unlabelled(
    model: nn.Module, images: Tensor, noise: Tensor, beta: float = 1.0, inference: str = "amortised"
) -> tuple[Tensor, Tensor, Tensor]:
    """Return U (N,), log q(y | x) of the y-encoder (N, C), and the weights of the classes, without gradient (N, C).

    Images (N, size, size), noise (N, C, n_noise).
    """
    log_q = model.log_q_y(images)
    every = torch.eye(model.n_classes).to(images).expand(len(images), -1, -1)
    bounds = model.bounds(images, every, noise, beta)
    if inference == "exact":
        return math.log(model.n_classes) - bounds.logsumexp(dim=1), log_q, bounds.detach().softmax(dim=1)
    loss = (log_q.exp() * (log_q - bounds)).sum(dim=1) + math.log(model.n_classes)
    return loss, log_q, log_q.detach().exp()


def labelled(model: nn.Module, images: Tensor, y: Tensor, noise: Tensor, beta: float = 1.0) -> Tensor:
    """Return -bound_y - log p(y), (N,), of images (N, size, size) with labels (N,) and noise (N, 1, n_noise)."""
    kind = functional.one_hot(y, model.n_classes).to(images)[:, None]
    return math.log(model.n_classes) - model.bounds(images, kind, noise, beta)[:, 0]


def batches(
    model: nn.Module,
    images=None,
    labels=None,
    unlabelled_images=None,
    n: int = 64,
    augment: Augmentation | None = None,
    two_views: bool = False,
) -> Callable[[np.random.Generator, int], Batch]:
    """Return ``make_batch(rng, step)`` for labelled images with labels and unlabelled images, either of them None.

    ``augment`` poses the labelled images of the classification term; ``two_views`` shows unlabelled images twice, the
    second time posed by ``augment``, or anyhow. ValueError naming the argument for images without labels or the
    other way round, wrong shapes or labels, or nothing at all.
    """
    n, size = check.whole("batch", n), model.size
    if (images is None) != (labels is None):
        raise ValueError("labelled and labels must be given together")
    if images is None and unlabelled_images is None:
        raise ValueError("labelled or unlabelled images must be given")
    if images is None and model.n_classes > 1:
        raise ValueError("labelled must be given for more than one class: without labels classes have no names")
    if images is not None and model.n_classes == 1:
        raise ValueError("labels must be left out with n_classes=1")
    known = None if images is None else whole_images("labelled", images, size)
    names = None if images is None else torch.from_numpy(check_labels("labels", labels, len(known), model.n_classes))
    unknown = None if unlabelled_images is None else whole_images("unlabelled", unlabelled_images, size)
    if model.likelihood == "bernoulli":
        for name, stored in [("labelled", known), ("unlabelled", unknown)]:
            if stored is not None and (stored.min() < 0 or stored.max() > 1):
                raise ValueError(f"{name} must lie in 0..1 for a Bernoulli likelihood, got {_range(stored)}")

    def noise(rng, m):
        return torch.from_numpy(rng.standard_normal((n, m, model.n_noise), np.float32))

    def make_batch(rng, step):
        nothing = torch.zeros(n, 0)
        seen = again = given = posed = noise_seen = noise_given = nothing
        y = nothing.long()
        if unknown is not None:
            full = unknown[rng.integers(len(unknown), size=n)]
            seen, noise_seen = poses.pool(full, size), noise(rng, model.n_classes)
            again = poses.pool((augment or _ANY_POSE)(full, rng), size) if two_views else nothing
        if known is not None:
            rows = rng.integers(len(known), size=n)
            full, y = known[rows], names[rows]
            given, noise_given = poses.pool(full, size), noise(rng, 1)
            posed = given if augment is None else poses.pool(augment(full, rng), size)
        return Batch(seen, again, given, posed, y, noise_seen, noise_given, torch.full((n,), step))

    return make_batch


def _range(images):
    return f"{images.min():.3g}..{images.max():.3g}"
