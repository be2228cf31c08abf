"""The three networks of the original, layer by layer, and how it trained them: effective D, squared error, Adam.

Inputs are its 16 x 64 x 64 counts divided by 1000, outputs D in its unit. Source: code of the CS-433 project
"ml-project-2-big-burger" (EPFL, December 2024); ParkCNN after Park et al. 2023.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.molecules import original

__all__ = ["COUNTS", "ParkCNN", "ResNet2D", "ResNet3D", "batches", "squared_error"]

COUNTS = 1000.0  # its images are divided by this number
_TRAINING_D = 20.0  # its unit; all of its training movies have this one D


class ParkCNN(nn.Module):
    """Four convolutions (16, 32, 64, 64 channels; BN, Swish) with the 16 frames as channels; 2,160,145 parameters."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(16, 16), nn.MaxPool2d(2), *_convolution(16, 32), nn.MaxPool2d(2),
            *_convolution(32, 64), *_convolution(64, 64), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(64 * 16 * 16, 128), nn.SiLU(), nn.Linear(128, 1),
        )  # fmt: skip

    def forward(self, movies: Tensor) -> Tensor:
        """Return D in the original's unit, (n,), for movies (n, 16, 64, 64)."""
        return self.layers(_checked(movies))[:, 0]


class ResNet2D(nn.Module):
    """Four residual blocks (64, 128, 256, 512 channels; BN, ReLU), frames as channels; 4,908,993 parameters."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(16, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.ReLU(),
            _Residual(64, 64), _Residual(64, 128), _Residual(128, 256), _Residual(256, 512),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1),
        )  # fmt: skip

    def forward(self, movies: Tensor) -> Tensor:
        """Return D in the original's unit, (n,), for movies (n, 16, 64, 64)."""
        return self.layers(_checked(movies))[:, 0]


class ResNet3D(nn.Module):
    """Three residual blocks of 3D convolutions (64, 128, 256 channels).

    As it was (``temporal=False``; 3,611,841 parameters): the frames are the channels of a volume of depth 1, so that no
    kernel ever sees two frames side by side. As it was meant (``temporal=True``): one channel, time as the depth, and
    a stem of stride 2 in the plane, without which a movie costs ten times as much.
    """

    def __init__(self, temporal: bool = False):
        super().__init__()
        self.temporal = temporal
        stem = nn.Conv3d(1, 64, 3, (1, 2, 2), 1) if temporal else nn.Conv3d(16, 64, 3, 1, 1)
        self.layers = nn.Sequential(
            stem, nn.BatchNorm3d(64), nn.ReLU(),
            _Residual(64, 64, 3), _Residual(64, 128, 3), _Residual(128, 256, 3),
            nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(256, 1),
        )  # fmt: skip

    def forward(self, movies: Tensor) -> Tensor:
        """Return D in the original's unit, (n,), for movies (n, 16, 64, 64)."""
        return self.layers(_checked(movies).unsqueeze(1 if self.temporal else 2))[:, 0]


class _Residual(nn.Module):
    """Two convolutions and a shortcut; where the channels change, the stride is 2 and the shortcut a 1 x 1 kernel."""

    def __init__(self, n_in: int, n_out: int, ndim: int = 2):
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[ndim]
        norm = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[ndim]
        stride = 1 if n_in == n_out else 2
        self.body = nn.Sequential(
            convolution(n_in, n_out, 3, stride, 1),
            norm(n_out),
            nn.ReLU(),
            convolution(n_out, n_out, 3, 1, 1),
            norm(n_out),
        )
        self.shortcut = nn.Identity()
        if n_in != n_out:
            self.shortcut = nn.Sequential(convolution(n_in, n_out, 1, stride), norm(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(body(x) + shortcut(x))."""
        return functional.relu(self.body(x) + self.shortcut(x))


def _convolution(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(n_in, n_out, 3, 1, 1), nn.BatchNorm2d(n_out), nn.SiLU()


def _checked(movies: Tensor) -> Tensor:
    if movies.ndim != 4 or tuple(movies.shape[1:]) != (16, 64, 64):
        raise ValueError(f"movies must have shape (n, 16, 64, 64), got {tuple(movies.shape)}")
    return movies


def batches(size: int = 16, n_fixed: int | None = None, seed: int = 0):
    """Return ``make_batch(rng, step)``: movies (size, 16, 64, 64) / 1000 at D = 20 units and their effective D.

    Fresh movies at every step; or, with ``n_fixed``, the same ``n_fixed`` movies again and again, as in its first
    trainings.
    """
    fixed = _movies(n_fixed, np.random.default_rng([seed, 2])) if n_fixed else None

    def make_batch(rng, _step):
        if fixed is None:
            return _movies(size, rng)
        index = rng.integers(n_fixed, size=size)
        return fixed[0][index], fixed[1][index]

    return make_batch


def _movies(n, rng):
    paths_nm = original.tracks(_TRAINING_D, n, rng)
    images = original.emulate(paths_nm, rng, exact=False) / COUNTS
    return torch.as_tensor(images, dtype=torch.float32), torch.as_tensor(
        original.effective_D(paths_nm), dtype=torch.float32
    )


def squared_error(model: nn.Module, movies: Tensor, effective_D: Tensor) -> Tensor:
    """Return the mean squared error of D, in its unit squared."""
    return ((model(movies) - effective_D) ** 2).mean()
