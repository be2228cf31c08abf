"""A small 3D U-Net that finds spheres: it turns a stack into a map with a peak at every centre.

It has seen simulated stacks only (``unet_training``), of many optics, so that neither diameter nor blur has to be
known. Every layer is local, and the only statistics of a stack are two grey levels: tiles give what the whole gives.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.colloids import optics, tracking
from helpers.common import check, checkpoints

__all__ = ["HALO", "Levels", "UNet3D", "heatmap", "levels", "load", "track"]

HALO = 28  # px: what is further away does not reach a voxel of the map
THRESHOLD = 0.55  # least height of a peak that is a sphere; the highest in 140 stacks of noise, 64^3 px, has 0.53
NOISE_SHARE = 0.3  # part of the standard deviation of the noise that counts as contrast
GRID = 4  # px: two levels of halving


class Levels(NamedTuple):
    """The grey levels of a stack: what is 0 for the network, and how much is 1."""

    dark: float
    scale: float


def levels(image) -> Levels:
    """Return the ``Levels`` of a stack (Z, Y, X): its median, and sqrt(var - s^2 + (0.3 s)^2).

    s^2, the variance of the white noise, is the mean square of the second differences along all three axes, over
    216: spheres are too smooth for that. So spheres have one size at any noise, and noise alone remains noise. The
    scale is 0 for a stack of one grey value. ValueError for bad input.
    """
    image = tracking.stack("image", image)
    if image.min() == image.max():
        return Levels(float(image.min()), 0.0)
    rough = image
    for axis in range(3):
        rough = np.diff(rough, 2, axis)
    noise2 = float(np.square(rough).mean(dtype=float)) / 6**3
    contrast2 = max(float(image.var(dtype=float)) - noise2, 0.0)
    return Levels(float(np.median(image)), float(np.sqrt(contrast2 + NOISE_SHARE**2 * noise2)))


class UNet3D(nn.Module):
    """A U-Net of two levels: normalised stacks (N, Z, Y, X) to maps of the same shape, about 1 at centres, else 0."""

    def __init__(self, channels: tuple[int, int, int] = (8, 16, 32)):
        super().__init__()
        if len(channels) != 3:
            raise ValueError(f"channels must be three numbers, got {channels}")
        a, b, c = (check.whole("channels", n) for n in channels)
        self.settings = {"channels": [a, b, c]}
        self.first, self.second, self.third = _pair(1, a), _pair(a, b), _pair(b, c)
        self.back, self.last = _pair(b + c, b), _pair(a + b, a)
        self.out = nn.Conv3d(a, 1, 1)
        self.to(memory_format=torch.channels_last_3d)  # nearly twice as fast on a CPU

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps of stacks (N, Z, Y, X) of any size, which are continued to multiples of 4 by their faces."""
        sides = x.shape[1:]
        more = [(0, -side % GRID) for side in reversed(sides)]
        x = functional.pad(x[:, None], sum(more, ()), mode="replicate")
        fine = self.first(x)
        middle = self.second(functional.avg_pool3d(fine, 2))
        coarse = self.third(functional.avg_pool3d(middle, 2))
        middle = self.back(torch.cat([middle, _double(coarse)], 1))
        fine = self.last(torch.cat([fine, _double(middle)], 1))
        return self.out(fine)[:, 0, : sides[0], : sides[1], : sides[2]]


def _double(x):
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def _pair(n_in, n_out):
    """Return two convolutions, normalised by what are constants once trained: a GroupNorm would look at all voxels."""
    layers = []
    for n in (n_in, n_out):
        layers += [
            nn.Conv3d(n, n_out, 3, padding=1, padding_mode="replicate", bias=False),
            nn.BatchNorm3d(n_out, momentum=0.02),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


@torch.no_grad()
def heatmap(model: UNet3D, image, grey: Levels | None = None, tile: int = 128) -> np.ndarray:
    """Return the map (Z, Y, X) float32 of a stack, made in tiles so that memory stays bounded.

    Cores of ``tile`` px, a multiple of 4, are cut from tiles ``HALO`` px larger on all sides: the result does not
    depend on it. ``grey``: the ``Levels``, of this stack if None; a part of a stack needs those of the whole. A stack
    of one grey value gives 0. ValueError for bad input.
    """
    image = tracking.stack("image", image)
    if check.whole("tile", tile) % GRID:
        raise ValueError(f"tile must be a multiple of {GRID}, got {tile}")
    grey = levels(image) if grey is None else grey
    if not grey.scale > 0:
        return np.zeros_like(image)
    x = torch.from_numpy((image - np.float32(grey.dark)) / np.float32(grey.scale))
    found = torch.empty_like(x)
    was_training = model.training
    model.eval()
    for corner in product(*(range(0, side, tile) for side in x.shape)):
        core = tuple(slice(c, c + tile) for c in corner)
        wide = tuple(slice(max(0, c - HALO), c + tile + HALO) for c in corner)
        inner = tuple(slice(c - w.start, c - w.start + tile) for c, w in zip(corner, wide, strict=True))
        found[core] = model(x[wide][None])[0][inner]
    model.train(was_training)
    return found.numpy()


def track(image, model: UNet3D, grey: Levels | None = None, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Return a table of the spheres in a stack (Z, Y, X): the peaks of its map, ``tracking.COLUMNS``.

    ``signal`` is the value of the stack at the centre, above its median, ``mass`` the height of the peak, about 1 where
    the network is sure; sizes, diameters and errors are NaN, ``tracking.refine`` fits them. The table carries the stack
    in ``attrs``. A stack without spheres gives a table without rows. ValueError for bad input.
    """
    image = tracking.stack("image", image)
    grey = levels(image) if grey is None else grey
    threshold = check.positive_number("threshold", threshold)
    heat = heatmap(model, image, grey)
    places, height = optics.peaks(heat, threshold)
    own = np.column_stack([places, height, np.full(len(places), np.nan)])
    unknown = optics.Optics(np.nan, (np.nan,) * 3, *[np.nan] * 4)
    found = tracking.table(own, np.full_like(own, np.nan), unknown, image.shape)
    at = tuple(found[list("zyx")].to_numpy().round().astype(int).T)
    found["mass"], found["signal"] = found["signal"], image[at].astype(float) - grey.dark
    return tracking.carry(found, image, None)


def load(name: str = "colloids") -> UNet3D:
    """Return a shipped network; its settings stand in its card."""
    state, card = checkpoints.load(name)
    model = UNet3D(**card["settings"])
    model.load_state_dict(state)
    return model.eval()
