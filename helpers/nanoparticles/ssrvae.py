"""The semi-supervised rotation-invariant VAE: classes, poses and what is left over, from few labels and many images.

An image x shows an object of class y with content z in a pose (angle, shift, scale):

    log p(x) >= sum_y q(y | x) [ log p(x | y, z, pose) - KL(z, pose) - log q(y | x) + log p(y) ],

z and pose drawn from q(. | x, y), the classes enumerated, every KL in closed form but that of the projected normal. A
labelled image has one class, and a cross-entropy for q(y | x) besides. Angles in rad, counter-clockwise as seen;
shifts in widths of the frame, right and down.
Source: Ziatdinov et al. 2024; Kingma et al. 2014 (objective); pyroVED 0.3 (the original's code).
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import check, checkpoints, training
from helpers.nanoparticles import angles, poses, vae_parts
from helpers.nanoparticles.augmentation import Augmentation
from helpers.nanoparticles.images import whole_images
from helpers.nanoparticles.vae_objective import Objective, batches
from helpers.nanoparticles.vae_parts import Pose

__all__ = ["INVARIANCES", "SSRVAE", "Latents", "load"]

INVARIANCES = ("r", "t", "s")  # rotation, translation, scale
_CHUNK = 500  # images at a time where nothing is learnt


class Latents(NamedTuple):
    """What the model finds in N images: ``y`` (N,) the class it was asked about or the most probable one; the means of
    ``angle`` (N,), ``shift`` (N, 2), ``scale`` (N,) and content ``z`` (N, latent_dim).

    Without an invariance its entries are 0, 0 and 1.
    """

    y: np.ndarray
    angle: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    z: np.ndarray


class SSRVAE(nn.Module):
    """The model. Train it by ``fit``; then ``classify``, ``encode``, ``decode``, ``manifold``, ``reconstruct``.

    ``invariances`` is any of "r", "t", "s"; none gives the plain (semi-supervised) VAE, and ``n_classes=1`` the
    unsupervised one. ``size`` is that of the images inside; larger ones, by a whole factor, are averaged down.
    ``y_encoder`` is "cnn" or the original's "mlp"; ``decoder`` "template" or the original's "coordinate"; ``angle`` one
    of ``angles.PRIORS``. Priors: angle N(0, angle_sd^2), shift N(0, shift_sd^2), log scale N(0, scale_sd^2), content
    N(0, 1). ``starts`` angles, equally spaced, the angle is sought from: the z-encoder looks at the image turned back
    by each of them, the best one counts, and ``angle_sd`` is counted from there (default pi / starts; 1 for one start).
    ``likelihood`` is "bernoulli", or "gaussian" with ``noise_sd``. ``settings`` holds all of it, for the card.
    ValueError for any other choice.
    """

    def __init__(
        self,
        n_classes: int,
        latent_dim: int = 2,
        invariances: Iterable[str] = ("r", "t"),
        size: int = 24,
        y_encoder: str = "cnn",
        decoder: str = "template",
        angle: str = "normal",
        angle_sd: float | None = None,
        shift_sd: float = 0.05,
        scale_sd: float = 0.1,
        starts: int = 1,
        likelihood: str = "bernoulli",
        noise_sd: float = 0.1,
        hidden: int = 128,
    ):
        settings = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__()
        self.invariances = tuple(check.choice("invariances", name, INVARIANCES) for name in invariances)
        if len(set(self.invariances)) < len(self.invariances):
            raise ValueError(f"invariances must name each at most once, got {self.invariances}")
        self.settings = settings | {"invariances": list(self.invariances)}
        self.n_classes, self.latent_dim = check.whole("n_classes", n_classes), check.whole("latent_dim", latent_dim)
        self.size, hidden = check.whole("size", size, at_least=8), check.whole("hidden", hidden)
        self.angle = check.choice("angle", angle, angles.PRIORS)
        self.starts = check.whole("starts", starts)
        if self.starts > 1 and ("r" not in self.invariances or angle != "normal"):
            raise ValueError(f"starts > 1 needs the invariance 'r' and a normal angle, got {invariances!r}, {angle!r}")
        self.angle_sd = math.pi / self.starts if self.starts > 1 else 1.0
        if angle_sd is not None:
            self.angle_sd = check.positive_number("angle_sd", angle_sd)
        self.shift_sd, self.scale_sd = (
            check.positive_number(name, value) for name, value in [("shift_sd", shift_sd), ("scale_sd", scale_sd)]
        )
        self.likelihood = check.choice("likelihood", likelihood, ("bernoulli", "gaussian"))
        self.noise_sd = check.positive_number("noise_sd", noise_sd)
        n_latents = sum({"r": 1, "t": 2, "s": 1}[name] for name in self.invariances) + latent_dim
        self.n_noise = n_latents + (1 if "r" in self.invariances else 2)  # two numbers kept for the angle
        make_y = vae_parts.Y_ENCODERS[check.choice("y_encoder", y_encoder, vae_parts.Y_ENCODERS)]
        make_decoder = vae_parts.DECODERS[check.choice("decoder", decoder, vae_parts.DECODERS)]
        self.y_encoder = make_y(size, n_classes) if n_classes > 1 else None
        self.z_encoder = vae_parts.ZEncoder(size, n_classes, 2 * n_latents, hidden)
        self.decoder = make_decoder(size, latent_dim, n_classes, hidden)

    # --- the model ----------------------------------------------------------------------------------------------------

    def log_q_y(self, images: Tensor) -> Tensor:
        """Return log q(y | x), (N, C)."""
        if self.y_encoder is None:
            return images.new_zeros(len(images), 1)
        return functional.log_softmax(self.y_encoder(images), dim=1)

    def split(self, raw: Tensor, noise: Tensor | None) -> tuple[Pose, Tensor, Tensor]:
        """Return pose, content (N, d) and KL (N,) for the numbers of the z-encoder (N, 2 n) and noise (N, n_noise).

        Without noise the means take the place of samples.
        """
        n = len(raw)
        draws = raw.new_zeros(n, self.n_noise) if noise is None else noise
        angle, shift, scale, kl = raw.new_zeros(n), raw.new_zeros(n, 2), raw.new_ones(n), raw.new_zeros(n)
        if "r" in self.invariances:
            known = angles.posterior(self.angle, raw[:, :2], draws[:, :2], self.angle_sd)
            angle, kl = known.mean if noise is None else known.sample, known.kl
            raw = raw[:, 2:]
        mean, width = raw.chunk(2, dim=1)
        width = angles.spread(width)
        z = mean + width * draws[:, 2 : 2 + mean.shape[1]]
        kl = kl + angles.kl_normal(mean, width).sum(dim=1)
        if "t" in self.invariances:
            shift, z = self.shift_sd * z[:, :2], z[:, 2:]
        if "s" in self.invariances:
            scale, z = (self.scale_sd * z[:, 0]).exp(), z[:, 1:]
        return Pose(angle, shift, scale), z, kl

    def bounds(self, images: Tensor, y: Tensor, noise: Tensor | None, beta: float = 1.0) -> Tensor:
        """Return log p(x | y, z, pose) - beta KL for images (N, size, size) and classes (N, m, C), (N, m).

        ``noise`` (N, m, n_noise) is standard normal; without it the means take the place of samples. Of several starts
        the best one counts, less log(starts): that is the bound for q(start | x, y) = 1 there.
        """
        return self._search(images, y, noise, beta)[0] - math.log(self.starts)

    def _search(self, images, y, noise, beta=1.0):
        """Return the bounds (N, m) from the best start of each, and pose and content with N m rows."""
        if self.starts == 1:
            return self._from(images, images[:, None], y, noise, beta, None)
        begin = poses.starts(self.starts).to(images)
        with torch.no_grad():
            turned = torch.stack([poses.move(images, -angle) for angle in begin])  # (K, N, H, H)
            each = [
                self._from(images, seen[:, None], y, noise, beta, angle.expand(y.shape[:2]))[0]
                for seen, angle in zip(turned, begin, strict=True)
            ]
            best = torch.stack(each).argmax(dim=0)  # (N, m)
        rows = torch.arange(len(images))[:, None]
        return self._from(images, turned[best, rows], y, noise, beta, begin[best])

    def _from(self, images, turned, y, noise, beta, start):
        """Return bounds (N, m), pose and content, for images turned back by start (N, m): (N, m or 1, H, H)."""
        n, m = y.shape[:2]
        raw = self.z_encoder(turned, y).flatten(0, 1)
        pose, z, kl = self.split(raw, None if noise is None else noise.flatten(0, 1))
        if start is not None:
            start = start.reshape(-1)
            pose = Pose(pose.angle + start, poses.turn(pose.shift, start), pose.scale)
        logits = self.decoder(z, y.flatten(0, 1), pose if self.invariances else None)
        likelihood = self.log_likelihood(logits.unflatten(0, (n, m)), images[:, None])
        return likelihood - beta * kl.reshape(n, m), pose, z

    def log_likelihood(self, logits: Tensor, images: Tensor) -> Tensor:
        """Return log p(x | .), (N,), summed over the pixels; the mean image is the logistic function of the logits."""
        if self.likelihood == "bernoulli":
            return (images * logits - functional.softplus(logits)).sum(dim=(-2, -1))
        squares = ((images - logits.sigmoid()) / self.noise_sd) ** 2 + math.log(2 * math.pi * self.noise_sd**2)
        return -0.5 * squares.sum(dim=(-2, -1))

    # --- training and use ---------------------------------------------------------------------------------------------

    def fit(
        self,
        labelled=None,
        labels=None,
        unlabelled=None,
        n_steps: int = 2000,
        seed: int = 0,
        batch: int = 64,
        augment: Augmentation | None = None,
        labelled_first: float = 0.0,
        multiplier: float = 30.0,
        beta: float = 1.0,
        consistency: float = 0.0,
        inference: str = "amortised",
        distil: float = 10.0,
        **options,
    ) -> training.History:
        """Train on labelled images (N, H, H) in 0..1 with labels (N,) and on unlabelled images (M, H, H).

        Every step takes ``batch`` images of each kind, however many there are; the unlabelled ones join in after the
        fraction ``labelled_first`` of the steps. Either kind may be None; with ``n_classes=1`` there are no labels.
        ``augment`` poses the labelled images of the classification term (the decoder sees them as they are). The
        weights of the terms are those of ``vae_objective.Objective``; ``options`` go to ``training.fit``.
        ValueError naming the argument for anything that does not fit, before any training.
        """
        if not 0 <= labelled_first < 1:
            raise ValueError(f"labelled_first must be a fraction in [0, 1), got {labelled_first!r}")
        n_steps = check.whole("n_steps", n_steps)
        first = math.ceil(labelled_first * n_steps) if labelled is not None else 0
        loss = Objective(multiplier, beta, consistency, inference, distil, first)
        make_batch = batches(self, labelled, labels, unlabelled, batch, augment, consistency > 0)
        options = {"learning_rate": 2e-3, "label": "ss-rVAE"} | options
        return training.fit(self, make_batch, loss, n_steps=n_steps, seed=seed, **options)

    def classify(self, images, inference: str = "amortised") -> np.ndarray:
        """Return probabilities (N, C) for images (N, H, H).

        "amortised": of the y-encoder. "exact": by Bayes' rule from the bounds of the decoder, p(y | x) ~ exp(bound_y).
        """
        check.choice("inference", inference, ("amortised", "exact"))
        with torch.no_grad():
            return torch.cat([self._class(part, inference) for part in self._parts(images)]).numpy()

    def encode(self, images, y=None) -> Latents:
        """Return the ``Latents`` of images (N, H, H), of their most probable class or of ``y`` (N,) or one number."""
        found = []
        with torch.no_grad():
            parts = self._parts(images)
            asked = None if y is None else self._classes(y, sum(len(part) for part in parts)).split(_CHUNK)
            for number, part in enumerate(parts):
                kind = self.log_q_y(part).argmax(dim=1) if asked is None else asked[number]
                _, pose, z = self._search(part, self._one_hot(kind)[:, None], None)
                found.append([kind, *pose, z])
        y, angle, shift, scale, z = (torch.cat(column).numpy() for column in zip(*found, strict=True))
        return Latents(y, angle, shift, scale, z)

    def decode(self, z, y, angle=0.0, shift=(0.0, 0.0), scale=1.0) -> np.ndarray:
        """Return mean images (N, size, size) in 0..1 of objects with content (N, latent_dim) and class y (N,).

        ``angle`` (N,), ``shift`` (N, 2), ``scale`` (N,), or one for all, as is y; one content (latent_dim,) gives N = 1
        or as many as the others. They move the object whether or not the model was trained to know this invariance.
        """
        given = {"z": (z, 1), "y": (y, 0), "angle": (angle, 0), "shift": (shift, 1), "scale": (scale, 0)}
        values = {name: check.finite(name, value) for name, (value, _) in given.items()}
        n = max([len(value) for name, value in values.items() if value.ndim > given[name][1]], default=1)
        for name, width in [("z", (self.latent_dim,)), ("y", ()), ("angle", ()), ("shift", (2,)), ("scale", ())]:
            if values[name].shape not in (width, (n, *width)):
                raise ValueError(f"{name} must have shape {width} or {(n, *width)}, got {values[name].shape}")
            values[name] = torch.as_tensor(values[name], dtype=torch.float32).expand(n, *width)
        if not (values["scale"] > 0).all():
            raise ValueError(f"scale must be > 0, got {values['scale'].min():g}")
        pose = Pose(values["angle"], values["shift"], values["scale"])
        with torch.no_grad():
            return self.decoder(values["z"], self._one_hot(self._classes(y, n)), pose).sigmoid().numpy()

    def manifold(self, y: int, n: int = 8) -> np.ndarray:
        """Return the upright objects of a class on a grid of content, (n, n, size, size).

        The first two contents take the n quantiles 0.05..0.95 of the prior, the first down the rows and the second
        along them; others are 0. With one content the rows are equal.
        """
        at = stats.norm.ppf(np.linspace(0.05, 0.95, check.whole("n", n, at_least=2)))
        z = np.zeros((n, n, self.latent_dim))
        z[..., 0] = at[:, None] if self.latent_dim > 1 else at
        if self.latent_dim > 1:
            z[..., 1] = at
        return self.decode(z.reshape(n * n, -1), y).reshape(n, n, self.size, self.size)

    def reconstruct(self, images, y=None) -> np.ndarray:
        """Return the mean images (N, size, size) that the model makes of images, of the class as in ``encode``."""
        found = self.encode(images, y)
        return self.decode(found.z, found.y, found.angle, found.shift, found.scale)

    def _class(self, images, inference):
        if inference == "amortised":
            return self.log_q_y(images).exp()
        every = torch.eye(self.n_classes).expand(len(images), -1, -1)
        return self.bounds(images, every, None).softmax(dim=1)

    def _parts(self, images):
        """Return images as the model sees them, some at a time."""
        return poses.pool(whole_images("images", images, self.size), self.size).split(_CHUNK)

    def _classes(self, y, n):
        """Return class numbers (n,) for one number or n of them."""
        array = check.finite("y", y)
        if array.shape not in ((), (n,)) or not np.isin(array, range(self.n_classes)).all():
            raise ValueError(f"y must be one class 0..{self.n_classes - 1}, or {n} of them, got {y!r}")
        return torch.as_tensor(array, dtype=torch.int64).expand(n)

    def _one_hot(self, y):
        return functional.one_hot(y, self.n_classes).float()


def load(name: str = "ssrvae") -> SSRVAE:
    """Return a shipped model; its settings stand in its card."""
    state, card = checkpoints.load(name)
    model = SSRVAE(**card["settings"])
    model.load_state_dict(state)
    return model.eval()
