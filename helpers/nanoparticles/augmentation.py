"""Augmentation: every image in another random pose, with other noise, whenever it is shown in training.

It acts at full resolution, before any pooling: a pooled image that is turned is blurred twice, and a network trained
on such images fails on those that were blurred once.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from helpers.common import check
from helpers.nanoparticles import poses

__all__ = ["Augmentation", "noisy"]


@dataclass(frozen=True)
class Augmentation:
    """What may happen to an image: each is a range, from which every image draws its own value.

    A turn within +-``angle_deg``, a shift within +-``translate`` widths of the frame along both axes, a scale uniform
    in the pair ``scale``, a mirror image with probability 1/2 where ``mirror``; then ``noisy`` with ``noise_sd`` and
    ``contamination``. ``edge``, as in ``poses.move``, says what is seen beyond the frame.
    """

    angle_deg: float = 180.0
    translate: float = 0.1
    scale: tuple[float, float] = (1.0, 1.0)
    mirror: bool = False
    noise_sd: float = 0.0
    contamination: float = 0.0
    edge: str = "border"

    def __post_init__(self):
        for name in ("angle_deg", "translate", "noise_sd", "contamination"):
            check.non_negative_number(name, getattr(self, name))
        check.interval("scale", self.scale, check.positive)
        if self.contamination > 1:
            raise ValueError(f"contamination must be <= 1 (a share of the pixels), got {self.contamination:g}")
        check.choice("edge", self.edge, poses.EDGES)

    def __call__(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Return images (N, H, H), each in a new pose and with new noise."""
        n = len(images)
        angle = np.radians(self.angle_deg) * rng.uniform(-1, 1, n)
        shift = self.translate * rng.uniform(-1, 1, (n, 2))
        scale = rng.uniform(*self.scale, n)
        if self.mirror:
            flipped = torch.from_numpy(rng.random(n) < 0.5)
            images = torch.where(flipped[:, None, None], images.flip(2), images)
        moved = poses.move(images, *(torch.as_tensor(part) for part in (angle, shift, scale)), edge=self.edge)
        return noisy(moved, self.noise_sd, self.contamination, rng)


def noisy(images: Tensor, sd: float, density: float, rng: np.random.Generator) -> Tensor:
    """Return images (N, H, W), a third of them with Gaussian noise and a third with contaminated pixels.

    The sd of an image is uniform in 0..``sd``, the share of its replaced pixels uniform in 0..``density``, the value
    they get uniform in 0..1. Nothing is drawn where both are 0.
    """
    if sd == 0 and density == 0:
        return images
    n, kind = len(images), rng.integers(3, size=len(images))
    widths = (kind == 1) * rng.uniform(0, sd, n)
    shares = (kind == 2) * rng.uniform(0, density, n)
    values = rng.uniform(0, 1, n)
    noise, hit = rng.standard_normal(images.shape, np.float32), rng.random(images.shape, np.float32)
    per_image = (torch.as_tensor(part, dtype=images.dtype)[:, None, None] for part in (widths, shares, values))
    widths, shares, values = per_image
    return torch.where(torch.from_numpy(hit) < shares, values, images + widths * torch.from_numpy(noise))
