"""Retrieval of whole lines: the few upright rectangles whose Fourier amplitudes come nearest to given ones.

``retrieval.retrieve`` knows only that an image is binary; where the amplitudes are inexact it breaks lines to pieces.
Here the image is known to be made of lines, and how many is read off three lags of the autocorrelation.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from helpers.common import check
from helpers.textures.generators import GAP, LENGTH, THICKNESS

__all__ = ["Rectangles", "crop", "draw", "fit", "number_of_lines", "retrieve", "spectrum"]

_COARSE, _COARSE_STEPS, _FINE_STEPS = 12, 150, 100  # largest frequency of the first stage; steps of each
_AT_A_TIME = 50  # images, for memory
_KEPT = 2  # starts that go on to the second stage
_LAG_WEIGHT, _OVERLAP_WEIGHT = 3.0, 0.3


def retrieve(A: Tensor, counts: Tensor, size: int, seed: int = 0, n_starts: int = 16) -> np.ndarray:
    """Return binary images (M, size, size) uint8 of the lines nearest to A, with sides as in ``generators.lines``.

    ``A`` (M, 2 B + 1, B + 1) and ``counts`` (M, 3) as for ``fit``.
    """
    limits = [[max(1, round(size * limit)) for limit in pair] for pair in (THICKNESS, LENGTH)]
    parts = zip(A.split(_AT_A_TIME), counts.split(_AT_A_TIME), strict=True)
    return np.concatenate([draw(fit(*part, size, limits, max(1, size * GAP), n_starts, seed), size) for part in parts])


class Rectangles(NamedTuple):
    """M sets of up to n rectangles: centres (M, n, 2) and sides (M, n, 2) in px, (row, column); the others have side 0.

    ``misfit`` (M,) is sum (|F| - A)^2 / sum A^2 over the frequencies that were given.
    """

    centres_px: Tensor
    sides_px: Tensor
    misfit: Tensor


def number_of_lines(counts) -> Tensor:
    """Return the nearest whole number >= 1 to rows x columns / area of ``counts`` (M, 3), as in ``fit``."""
    counts = torch.as_tensor(counts)
    return (counts[:, 0] * counts[:, 1] / counts[:, 2]).round().clamp_min(1).long()


def spectrum(centres_px: Tensor, sides_px: Tensor, size: int, band: int) -> Tensor:
    """Return F (..., 2 band + 1, band + 1) of rectangles (..., n, 2) on a periodic grid, frequencies as of ``crop``.

    The sum over rectangles of exp(-2 pi i k c / N) sin(pi k h / N) / sin(pi k / N) along each axis: exact for whole
    pixels, smooth between.
    """
    row = _along(torch.arange(-band, band + 1.0), centres_px[..., 0], sides_px[..., 0], size)
    column = _along(torch.arange(0, band + 1.0), centres_px[..., 1], sides_px[..., 1], size)
    return row.transpose(-1, -2) @ column


def _along(k, centre, side, size):
    angle = math.pi / size * k
    kernel = torch.where(k == 0, side[..., None], torch.sin(angle * side[..., None]) / torch.sin(angle + (k == 0)))
    return kernel * torch.exp(-2j * centre[..., None] * angle)


def crop(amplitude: Tensor, band: int) -> Tensor:
    """Return |F| (..., H, H // 2 + 1), frequency 0 first, at -band..band and 0..band: (..., 2 band + 1, band + 1)."""
    return torch.cat([amplitude[..., -band:, : band + 1], amplitude[..., : band + 1, : band + 1]], dim=-2)


def fit(
    A: Tensor, counts: Tensor, size: int, limits_px, gap_px: float, n_starts: int = 16, seed: int = 0
) -> Rectangles:
    """Return the ``Rectangles`` whose |F| comes nearest to A (M, 2 B + 1, B + 1) on a grid of ``size``, see ``crop``.

    ``counts`` (M, 3) are what the lags say: S [f(0) - f(e_x)] = sum of heights, S [f(0) - f(e_y)] = sum of widths and
    S f(0) = area, in px. They fix the number of rectangles and enter the objective,

        sum (|F| - A)^2 / sum A^2 + 3 |log counts - log counts of the rectangles|^2 + overlap / area,

    minimised by Adam from ``n_starts`` random places, first on frequencies up to 12, then, the best two, on all.
    Rectangles overlap where they come nearer than ``gap_px``. ``limits_px`` = ((thinnest, thickest), (shortest,
    longest)); lines are long along the axis that the counts name. At the end thicknesses are whole and lengths scaled
    to the area.
    """
    check.whole("n_starts", n_starts)
    if A.ndim != 3 or A.shape[1] != 2 * A.shape[2] - 1 or counts.shape != (len(A), 3):
        raise ValueError(f"A and counts must be (M, 2 B + 1, B + 1) and (M, 3), got {A.shape} and {counts.shape}")
    number = number_of_lines(counts)
    n, band = int(number.max()), A.shape[2] - 1
    there = (torch.arange(n) < number[:, None]).float()[:, None]  # (M, 1, n)
    upright = counts[:, 0] > counts[:, 1]
    limits = torch.tensor(limits_px, dtype=torch.float32).log()  # (thickness or length, low or high)
    limits = torch.where(upright[:, None, None], limits.flip(0), limits)[:, None, None]  # (M, 1, 1, axis, low or high)
    generator = torch.Generator().manual_seed(seed)
    shape = (len(A), n_starts, n, 2)
    centres = torch.rand(shape, generator=generator)
    mean = (counts[:, :2] / number[:, None]).log()[:, None, None]
    sides = mean + 0.3 * torch.randn(shape, generator=generator)
    for reach, n_steps, rate in ((min(_COARSE, band), _COARSE_STEPS, 0.02), (band, _FINE_STEPS, 0.004)):
        near = A[:, None, band - reach : band + reach + 1, : reach + 1]

        def objective(centres, sides, near=near, reach=reach):
            s = _inside(sides, limits).exp() * there[..., None]
            error = _misfit(spectrum(centres * size, s, size, reach), near)
            return error + _LAG_WEIGHT * _lags(s, counts) + _OVERLAP_WEIGHT * _overlap(centres, s, size, gap_px), error

        centres, sides, loss, error = _descend(objective, centres, sides, n_steps, rate)
        best = loss.topk(min(_KEPT, loss.shape[1]), dim=1, largest=False).indices
        rows = torch.arange(len(A))[:, None]
        centres, sides, error = centres[rows, best], sides[rows, best], error[rows, best]
    sides = _inside(sides, limits)[:, 0].exp() * there[:, 0, :, None]
    return Rectangles(centres[:, 0] % 1 * size, _to_area(sides, counts[:, 2], upright), error[:, 0])


def draw(rectangles: Rectangles, size: int) -> np.ndarray:
    """Return binary images (M, size, size) uint8, periodic, of rectangles rounded to whole pixels."""
    centres, sides = (part.numpy() for part in rectangles[:2])
    sides = np.round(sides).astype(int)
    first = np.round(centres - (sides - 1) / 2).astype(int)
    inside = (np.arange(size) - first[..., None]) % size < sides[..., None]  # (M, n, axis, size)
    return (inside[:, :, 0, :, None] & inside[:, :, 1, None]).any(axis=1).astype(np.uint8)


def _descend(objective, centres, sides, n_steps, rate):
    """Return places, logarithms of sides, and the two values of the objective (M, starts) after steps of Adam."""
    centres, sides = centres.clone().requires_grad_(), sides.clone().requires_grad_()
    adam = torch.optim.Adam([{"params": [centres], "lr": rate}, {"params": [sides], "lr": 2 * rate}], betas=(0.9, 0.95))
    cool = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 0.97 ** max(0, step - n_steps // 2))
    for _ in range(n_steps):
        adam.zero_grad()
        objective(centres, sides)[0].sum().backward()
        adam.step()
        cool.step()
    with torch.no_grad():
        return centres.detach(), sides.detach(), *objective(centres, sides)


def _inside(sides, limits):
    return torch.minimum(torch.maximum(sides, limits[..., 0]), limits[..., 1])


def _misfit(F, A):
    return (F.abs() - A).square().sum((-1, -2)) / A.square().sum((-1, -2))


def _lags(sides, counts):
    """Return the squared distance of the logarithms of sum of heights, sum of widths and area, (M, starts)."""
    found = torch.stack([sides[..., 0].sum(-1), sides[..., 1].sum(-1), sides.prod(-1).sum(-1)], dim=-1)
    return (found.log() - counts[:, None].log()).square().sum(-1)


def _overlap(centres, sides, size, gap):
    """Return the area that pairs of rectangles, and the gap between them, have in common, per area (M, starts)."""
    apart = centres[..., :, None, :] - centres[..., None, :, :]
    apart = (apart - apart.round()).abs() * size
    reach = (sides[..., :, None, :] + sides[..., None, :, :]) / 2 + gap
    area = sides.prod(-1)
    both = (area[..., :, None] * area[..., None, :]) > 0
    common = (reach - apart).clamp_min(0).prod(-1) * both
    return torch.triu(common, 1).sum((-1, -2)) / area.sum(-1).detach()


def _to_area(sides, area, upright):
    """Return sides (M, n, 2) with whole thicknesses, their lengths scaled so that the areas add up."""
    rows, thin = torch.arange(len(sides)), upright.long()
    thick = sides[rows, :, thin].round()
    long = sides[rows, :, 1 - thin]
    long = long * (area / (thick * long).sum(-1))[:, None]
    return torch.stack([torch.where(upright[:, None], long, thick), torch.where(upright[:, None], thick, long)], dim=-1)
