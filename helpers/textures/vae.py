"""Autoencoders of textures that are judged in the space of two-point statistics, or, to compare, by pixels."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import check, checkpoints, training
from helpers.textures import resnet, retrieval, scoring, statistics, whole_lines
from helpers.textures.features import StatisticsFeatures

__all__ = ["COUNT_WEIGHT", "DECODERS", "ENCODERS", "LOSSES", "StatisticsVAE", "image_loss", "kl_divergence", "load"]

DECODERS = ("image", "statistics")
ENCODERS = ("small", "resnet152")
LOSSES = ("f", "amplitude", "pixels")
SEES = ("amplitude", "image")
COUNT_WEIGHT = 0.4  # of the three lags in the loss, all components of |F| together weighing 1
_START = -3.0  # logit of the first drawings: lines cover 5 %, and from mid grey the way to black is long
_SEEN = 64  # pixels along each side that the convolutions see, averaged from the image
_POOLED = 4  # pixels along each side that the convolutional encoder ends with


class StatisticsVAE(nn.Module):
    """A variational autoencoder of square images (N, H, H) with ``latent_dim`` Gaussian latents.

    The encoder sees the features of ``StatisticsFeatures`` (``sees="amplitude"``), or the image: ``small`` is a few
    layers, ``resnet152`` the published network with ``weights`` (None: random, and trained; a path, or "imagenet",
    which is downloaded: frozen). The decoder draws an image in grey (``decoder="image"``, as the original), or emits
    features, from which the image is retrieved (``decoder="statistics"``). The objective, a mean over images:

        alpha loss + beta KL [+ greyness mean y (1 - y)],  KL = sum (mu^2 + s^2 - log s^2 - 1) / 2.

    ``loss`` of an image decoder: "f", sum over lags of the squared difference of the autocorrelations; "amplitude",
    sum (|F'| - |F|)^2 / sum |F|^2; "pixels", the cross-entropy, sum over pixels. A statistics decoder is trained on its
    features. ``anneal``: beta rises from 0 over this fraction of the steps.
    """

    def __init__(
        self,
        size: int,
        latent_dim: int = 9,
        decoder: str = "statistics",
        encoder: str = "small",
        weights: str | None = None,
        sees: str = "amplitude",
        loss: str = "amplitude",
        alpha: float = 1.0,
        beta: float = 1e-4,
        greyness: float = 0.0,
        anneal: float = 0.0,
        n_components: int = 256,
        band: int | None = None,
        hidden: int = 512,
    ):
        settings = {name: value for name, value in locals().items() if name not in ("self", "__class__", "weights")}
        super().__init__()
        self.settings = settings
        self.size, self.latent_dim = check.whole("size", size, at_least=28), check.whole("latent_dim", latent_dim)
        self.decoder_kind, self.loss = check.choice("decoder", decoder, DECODERS), check.choice("loss", loss, LOSSES)
        self.encoder_kind, self.sees = check.choice("encoder", encoder, ENCODERS), check.choice("sees", sees, SEES)
        self.alpha, self.beta = check.positive_number("alpha", alpha), check.non_negative_number("beta", beta)
        self.greyness = check.non_negative_number("greyness", greyness)
        if not 0 <= anneal < 1:
            raise ValueError(f"anneal must be a fraction in [0, 1), got {anneal!r}")
        if encoder == "resnet152" and sees != "image":
            raise ValueError("sees must be 'image' with the encoder 'resnet152'")
        if weights is not None and encoder != "resnet152":
            raise ValueError("weights go with the encoder 'resnet152' only")
        self.anneal, hidden = anneal, check.whole("hidden", hidden)
        uses_features = decoder == "statistics" or sees == "amplitude"
        self.features = StatisticsFeatures(size, n_components, band) if uses_features else None
        if sees == "amplitude":
            self.encoder = _mlp(self.features.n_features, hidden, 2, 2 * latent_dim)
        elif encoder == "small":
            self.encoder = _convolutions(2 * latent_dim)
        else:
            frozen = resnet.ImageNetEncoder(weights, frozen=weights is not None)
            self.encoder = nn.Sequential(frozen, _mlp(2048, hidden, 1, 2 * latent_dim))
        if decoder == "statistics":
            self.decoder = _mlp(latent_dim, hidden, 3, self.features.n_features)
        else:
            self.decoder = ImageDecoder(latent_dim, size)

    def fit(
        self,
        images,
        n_steps: int,
        batch: int = 256,
        n_images: int = 20_000,
        seed: int = 0,
        learning_rate: float = 2e-3,
        **options,
    ) -> training.History:
        """Train on images (N, H, H) of 0 and 1, or on ``images(n, rng)``, a generator that returns n of them.

        A generator gives ``n_images``, in chunks, to a statistics decoder, which keeps their features only, and fresh
        ones in every step to an image decoder. ``options`` go to ``training.fit``.
        """
        draw = images if callable(images) else _from(images)
        if self.features is not None and not self.features.components.any():
            self.features.fit(draw(4 * self.features.n_features + 500, np.random.default_rng([seed, 1])))
        if self.decoder_kind == "statistics" and self.sees == "amplitude":
            pool = self._pool(images, n_images, seed)

            def given(rng):
                return pool[rng.integers(len(pool), size=batch)]
        else:

            def given(rng):
                return torch.as_tensor(draw(batch, rng))

        def make_batch(rng, step):
            rise = min(1.0, (step + 1) / (self.anneal * n_steps)) if self.anneal else 1.0
            noise = rng.standard_normal((batch, self.latent_dim), np.float32)
            return given(rng), torch.from_numpy(noise), torch.full((batch,), rise)

        def objective(model, given, noise, rise):
            return model.objective(given, noise, rise)

        return training.fit(
            self, make_batch, objective, n_steps=n_steps, learning_rate=learning_rate, seed=seed, **options
        )

    def objective(self, given: Tensor, noise: Tensor, rise: float | Tensor = 1.0) -> Tensor:
        """Return the mean objective of images (N, H, H), or of features (N, K + 3) where these are all it needs.

        ``noise`` (N, latent_dim) is standard normal, ``rise`` the share of beta (one number or (N,)).
        """
        features = given if given.ndim == 2 else self._features(given)
        mean, log_variance = self._posterior(given, features)
        z = mean + (log_variance / 2).exp() * noise
        out = self.decoder(z)
        if self.decoder_kind == "statistics":
            K = self.features.n_components
            error = (out - features).square()
            loss = error[:, :K].sum(1) + COUNT_WEIGHT * error[:, K:].sum(1)
        else:
            loss = image_loss(out, given.float(), self.loss)
            if self.greyness:
                grey = torch.sigmoid(out)
                loss = loss + self.greyness * (grey * (1 - grey)).mean((1, 2)) / self.alpha
        return (self.alpha * loss + rise * self.beta * kl_divergence(mean, log_variance)).mean()

    @torch.no_grad()
    def encode(self, images) -> Tensor:
        """Return the mean latents (N, latent_dim) of images (N, H, H)."""
        return self.posterior(images)[0]

    @torch.no_grad()
    def posterior(self, images) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the latents of images (N, H, H), (N, latent_dim) each."""
        parts = [self._posterior(x, self._features(x)) for x in torch.as_tensor(np.asarray(images)).split(100)]
        return tuple(torch.cat(part) for part in zip(*parts, strict=True))

    @torch.no_grad()
    def decode(self, z) -> tuple[Tensor, Tensor] | Tensor:
        """Return |F| (N, 2 B + 1, B + 1) and counts (N, 3) of latents (N, latent_dim), or images in grey, 0..1."""
        out = self.decoder(torch.as_tensor(z, dtype=torch.float32))
        return self.features.decode(out) if self.decoder_kind == "statistics" else torch.sigmoid(out)

    def draw(self, z, prior: str = "lines", level: float = 0.5, seed: int = 0) -> np.ndarray:
        """Return binary images (N, H, H) uint8 of latents (N, latent_dim).

        An image decoder's is cut at ``level``. From statistics: "lines", the ``whole_lines`` that come nearest;
        "binary", phase retrieval that knows the volume fraction only.
        """
        if self.decoder_kind == "image":
            return scoring.threshold(self.decode(z).numpy(), level)
        check.choice("prior", prior, ("lines", "binary"))
        A, counts = self.decode(z)
        if prior == "lines":
            return whole_lines.retrieve(A, counts, self.size, seed)
        n_on = counts[:, 2].round().clamp(0, self.size**2).numpy()
        return retrieval.retrieve(self.features.amplitude(A).numpy(), n_on, rng=np.random.default_rng(seed))

    def reconstruct(self, images, **options) -> np.ndarray:
        """Return ``draw`` of the mean latents of images (N, H, H)."""
        return self.draw(self.encode(images), **options)

    def _posterior(self, given, features):
        out = self.encoder(features if self.sees == "amplitude" else given.float())
        mean, log_variance = out.chunk(2, dim=1)
        return mean, log_variance.clamp(-14, 4)

    def _features(self, images):
        return None if self.features is None else self.features.encode(images)

    def _pool(self, images, n_images, seed):
        """Return the features of all images, made in chunks where they come from a generator."""
        if not callable(images):
            return self.features.encode(images)
        rng, chunks = np.random.default_rng([seed, 2]), [500] * (n_images // 500) + [n_images % 500]
        return torch.cat([self.features.encode(images(n, rng)) for n in chunks if n])


class ImageDecoder(nn.Module):
    """The decoder of the original: 64 maps of 4 x 4, three transposed convolutions to 39 x 39, bilinear to the size."""

    def __init__(self, latent_dim: int, size: int):
        super().__init__()
        self.size = size
        self.first = nn.Sequential(nn.Linear(latent_dim, 256), nn.ReLU(), nn.Linear(256, 64 * 16), nn.ReLU())
        self.maps = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 3, 2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 8, 3, 2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, 2),
        )
        nn.init.constant_(self.maps[-1].bias, _START)

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits of images (N, H, H) of latents (N, d)."""
        maps = self.maps(self.first(z).unflatten(1, (64, 4, 4)))
        return functional.interpolate(maps, (self.size, self.size), mode="bilinear")[:, 0]


def image_loss(logits: Tensor, images: Tensor, kind: str) -> Tensor:
    """Return the loss (N,) of drawn images, given as logits (N, H, H), see ``StatisticsVAE``."""
    if kind == "pixels":
        return functional.binary_cross_entropy_with_logits(logits, images, reduction="none").sum((1, 2))
    drawn = torch.sigmoid(logits)
    if kind == "f":
        return (statistics.two_point(drawn) - statistics.two_point(images)).square().sum((1, 2))
    A = statistics.amplitude(images)
    return (statistics.amplitude(drawn) - A).square().sum((1, 2)) / A.square().sum((1, 2))


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(q || N(0, 1)) = sum (mu^2 + s^2 - log s^2 - 1) / 2 over the last axis, in nats."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(-1)


def load(name: str = "textures") -> StatisticsVAE:
    """Return a shipped model; its settings stand in its card."""
    state, card = checkpoints.load(name)
    model = StatisticsVAE(**card["settings"])
    model.load_state_dict(state)
    return model.eval()


def _mlp(n_in, hidden, n_layers, n_out):
    widths = [n_in] + [hidden] * n_layers
    layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*layers, nn.Linear(hidden, n_out))


def _convolutions(n_out):
    widths = [1, 16, 32, 64, 64]
    layers = [part for a, b in pairwise(widths) for part in (nn.Conv2d(a, b, 5, 2, 2), nn.BatchNorm2d(b), nn.ReLU())]
    pooled = [nn.AdaptiveAvgPool2d(_POOLED), nn.Flatten(), nn.Linear(64 * _POOLED**2, n_out)]
    return nn.Sequential(_Channel(), nn.AdaptiveAvgPool2d(_SEEN), *layers, *pooled)


class _Channel(nn.Module):
    def forward(self, x):
        return x[:, None]


def _from(images):
    """Return a generator that draws from given images (N, H, H)."""
    images = np.asarray(images)

    def draw(n, rng):
        return images[rng.integers(len(images), size=n)]

    return draw
