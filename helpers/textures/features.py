"""Features of two-point statistics: principal components of |F| and the three lags at 0, which count and measure."""

import torch
from torch import Tensor, nn

from helpers.common import check
from helpers.textures import statistics
from helpers.textures.whole_lines import crop

__all__ = ["StatisticsFeatures"]

_CHUNK = 250  # images transformed at a time


class StatisticsFeatures(nn.Module):
    """Images (N, H, H) as K + 3 numbers and back to statistics.

    The first K are principal components of |F| at frequencies up to ``band``, together of variance 1. The last three
    are the counts of ``whole_lines.fit``, the logarithms of S [f(0) - f(e_x)], S [f(0) - f(e_y)] and S f(0), each of
    variance 1: ends of rows, ends of columns and area, which no smooth |F| tells well. Beyond the band is the mean.
    """

    def __init__(self, size: int, n_components: int = 256, band: int | None = None):
        super().__init__()
        self.size = check.whole("size", size, at_least=8)
        self.band = check.whole("band", min(48, size // 2 - 1) if band is None else band)
        if self.band >= size / 2:
            raise ValueError(f"band must be below size / 2 = {size / 2:g}, got {self.band}")
        n_frequencies = (2 * self.band + 1) * (self.band + 1)
        self.n_components = min(check.whole("n_components", n_components), n_frequencies)
        self.register_buffer("mean", torch.zeros(size, size // 2 + 1))
        self.register_buffer("components", torch.zeros(self.n_components, n_frequencies))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("count_mean", torch.zeros(3))
        self.register_buffer("count_sd", torch.ones(3))

    @property
    def n_features(self) -> int:
        """K + 3."""
        return self.n_components + 3

    def fit(self, images) -> "StatisticsFeatures":
        """Find the components of images (N, H, H), N > K."""
        A, counts = self._measure(images)
        if len(A) <= self.n_components:
            raise ValueError(f"images must be more than the {self.n_components} components, got {len(A)}")
        self.mean.copy_(A.mean(0))
        X = crop(A, self.band).flatten(1) - crop(self.mean, self.band).flatten()
        squares, V = _principal(X, self.n_components)
        self.components.copy_(V)
        self.scale.copy_((squares.sum() / len(X)).sqrt())
        self.count_mean.copy_(counts.log().mean(0))
        self.count_sd.copy_(counts.log().std(0))
        return self

    def encode(self, images) -> Tensor:
        """Return the features (N, K + 3) of images (N, H, H); every image must hold both states."""
        A, counts = self._measure(images)
        X = crop(A - self.mean, self.band).flatten(1) @ self.components.T
        return torch.cat([X / self.scale, (counts.log() - self.count_mean) / self.count_sd], dim=1)

    def decode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return |F| (N, 2 B + 1, B + 1) within the band and the counts (N, 3) of features (N, K + 3)."""
        K = self.n_components
        A = features[:, :K] * self.scale @ self.components + crop(self.mean, self.band).flatten()
        A = A.clamp_min(0).unflatten(1, (2 * self.band + 1, self.band + 1))
        return A, (features[:, K:] * self.count_sd + self.count_mean).exp()

    def amplitude(self, A: Tensor) -> Tensor:
        """Return |F| (N, H, H // 2 + 1) from that within the band, (N, 2 B + 1, B + 1); beyond it the mean."""
        whole = self.mean.expand(len(A), -1, -1).clone()
        whole[:, -self.band :, : self.band + 1] = A[:, : self.band]
        whole[:, : self.band + 1, : self.band + 1] = A[:, self.band :]
        return whole

    def _measure(self, images):
        """Return |F| (N, H, H // 2 + 1) and the counts (N, 3) of images, transformed a chunk at a time."""
        images = torch.as_tensor(images)
        if images.ndim != 3 or images.shape[1:] != (self.size, self.size):
            raise ValueError(f"images must have shape (N, {self.size}, {self.size}), got {tuple(images.shape)}")
        parts = [_counts_and_amplitude(chunk.float()) for chunk in images.split(_CHUNK)]
        A, counts = (torch.cat(part) for part in zip(*parts, strict=True))
        if not (counts > 0).all():
            raise ValueError("images must hold both states along rows and columns, but one of them is empty or full")
        return A, counts


def _principal(X, n):
    """Return the n largest squared singular values of X (N, P) and their right vectors (n, P)."""
    X = X.double()
    if len(X) >= X.shape[1]:
        squares, V = torch.linalg.eigh(X.T @ X)
        return squares[-n:].flip(0), V[:, -n:].flip(1).T
    squares, U = torch.linalg.eigh(X @ X.T)
    squares, U = squares[-n:].flip(0), U[:, -n:].flip(1)
    return squares, (X.T @ U / squares.sqrt()).T


def _counts_and_amplitude(x):
    A = statistics.amplitude(x)
    zero, along_x, along_y = statistics.three_lags(statistics.two_point(x))
    return A, torch.stack([zero - along_x, zero - along_y, zero], dim=1) * x[0].numel()
