"""Principal components of two-point statistics, as the field does it, and the way back to an image."""

import numpy as np
import torch
from scipy.sparse.linalg import svds

from helpers.common import check
from helpers.textures import statistics
from helpers.textures.retrieval import retrieve

__all__ = ["KINDS", "StatisticsPCA"]

KINDS = ("f", "amplitude")  # the autocorrelation, or |F|

_PART = 256  # images that are transformed at a time


class StatisticsPCA:
    """The first components of the autocorrelation ("f") or of |F| ("amplitude") of images (N, H, H).

    statistic ~ mean + scores @ components, by a singular value decomposition of the centred statistics. "f" is taken on
    the whole grid of P = H^2 lags, "amplitude" on half of the plane, P = H (H // 2 + 1).
    After ``fit``: ``mean`` (P,), ``components`` (K, P), orthonormal, ``explained`` (K,), the share of the variance of
    each, falling. Source: Niezgoda, Kanjarla & Kalidindi 2013.
    """

    def __init__(self, n_components: int = 9, of: str = "f"):
        self.n_components, self.of = check.whole("n_components", n_components), check.choice("of", of, KINDS)
        self.size = None

    def fit(self, images) -> "StatisticsPCA":
        """Find mean and components of the statistics of images (N, H, H), return self.

        ValueError unless N > K, P >= K, and the statistics differ.
        """
        X = self._statistics(images)
        if len(X) <= self.n_components or X.shape[1] < self.n_components:
            raise ValueError(f"images must be more than n_components = {self.n_components}, got {np.shape(images)}")
        mean = X.mean(axis=0, dtype=float)
        X = (X - mean).astype(np.float32)
        variance = np.square(X, dtype=float).sum()
        if not variance > 1e-10 * len(X) * np.square(mean).sum():  # of single precision
            raise ValueError("images must differ in their statistics, but all are alike up to shifts and inversions")
        values, V = _leading(X, self.n_components)
        self.size, self.mean, self.components = np.shape(images)[-1], mean, V
        self.explained = values.astype(float) ** 2 / variance
        return self

    def encode(self, images) -> np.ndarray:
        """Return the scores (N, K) of images (N, H, H). ValueError for images of another size, or before ``fit``."""
        self._fitted()
        X = self._statistics(images)
        if np.shape(images)[-1] != self.size:
            raise ValueError(f"images must have shape (N, {self.size}, {self.size}), got {np.shape(images)}")
        return (X - self.mean) @ self.components.T

    def decode(self, scores) -> np.ndarray:
        """Return |F| (N, H, H // 2 + 1) of scores (N, K).

        Of "f" it is sqrt(S FFT(f)); what is negative counts as 0. ValueError for another K, or before ``fit``.
        """
        self._fitted()
        scores = check.finite("scores", scores)
        if scores.ndim != 2 or scores.shape[1] != self.n_components:
            raise ValueError(f"scores must have shape (N, {self.n_components}), got {scores.shape}")
        X = scores @ self.components + self.mean
        if self.of == "amplitude":
            return np.maximum(X, 0).reshape(len(X), self.size, -1)
        f = np.fft.ifftshift(X.reshape(len(X), self.size, self.size), axes=(1, 2))
        return self.size * np.sqrt(np.maximum(np.fft.rfft2(f).real, 0))

    def reconstruct(self, images, rng=None, **options) -> np.ndarray:
        """Return binary images (N, H, H) retrieved from the components of images; ``options`` as for ``retrieve``.

        The number of pixels at 1 is not known but taken from |F(0)|, too.
        """
        A = self.decode(self.encode(images))
        n_on = np.clip(np.round(A[:, 0, 0]), 0, self.size**2)
        return retrieve(A, n_on, rng=rng, **options)

    def _fitted(self):
        if self.size is None:
            raise ValueError("StatisticsPCA knows no components yet: call fit first")

    def _statistics(self, images):
        """Return the statistics of images as rows (N, P), float32."""
        images = check.finite("images", images)
        if images.ndim != 3 or images.shape[1] != images.shape[2] or not images.size:
            raise ValueError(f"images must have shape (N, H, H), got {images.shape}")
        of = statistics.two_point if self.of == "f" else statistics.amplitude
        parts = torch.from_numpy(images.astype(np.float32)).split(_PART)
        return torch.cat([of(part).flatten(1) for part in parts]).numpy()


def _leading(X, k):
    """Return the k largest singular values of X, falling, and their right vectors (k, P), their largest entry > 0."""
    if 4 * k > min(X.shape):
        _, values, V = np.linalg.svd(X, full_matrices=False)
    else:
        start = np.random.default_rng(0).standard_normal(min(X.shape)).astype(X.dtype)
        _, values, V = svds(X, k=k, v0=start)
    order = np.argsort(-values)[:k]
    V = V[order]
    largest = np.abs(V).argmax(axis=1, keepdims=True)
    return values[order], V * np.sign(np.take_along_axis(V, largest, axis=1))
