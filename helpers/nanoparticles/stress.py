"""Stress: what a classifier may meet after training, noise on every pixel or a wrong value in some of them."""

import numpy as np

from helpers.common import check
from helpers.nanoparticles.images import check_images

__all__ = ["add_noise", "contaminate"]


def add_noise(images, sd: float, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return images (..., H, W) float32 plus independent Gaussian noise of this standard deviation, not clipped.

    The original adds its noise in the same way, so that values leave 0..1. Source: Ziatdinov et al. 2024, fig. 4.
    """
    images, sd = check_images("images", images), check.non_negative_number("sd", sd)
    rng = np.random.default_rng() if rng is None else rng
    return images + np.float32(sd) * rng.standard_normal(images.shape, dtype=np.float32)


def contaminate(images, density: float, intensity: float, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return images (..., H, W) float32 where each pixel is replaced by ``intensity`` with probability ``density``.

    Of n pixels a binomial number is hit, n density on average. The original says "added", but its code replaces.
    Source: Ziatdinov et al. 2024, fig. 4.
    """
    images, density = check_images("images", images), check.non_negative_number("density", density)
    intensity = check.finite("intensity", intensity)
    if density > 1:
        raise ValueError(f"density must be <= 1 (the share of the pixels that is hit), got {density:g}")
    if intensity.ndim:
        raise ValueError(f"intensity must be one number, got an array of shape {intensity.shape}")
    rng = np.random.default_rng() if rng is None else rng
    return np.where(rng.random(images.shape, dtype=np.float32) < density, np.float32(intensity), images)
