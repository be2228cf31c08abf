"""What the networks see of a movie: crops around the molecule, its track, and which frames count."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from helpers.common import check
from helpers.molecules.localize import Localizations, as_float32, background, localize

__all__ = ["CROP", "THRESHOLD", "UNITS", "Views", "look", "turn"]

CROP = 24  # pixels
UNITS = ("noise", "background")
THRESHOLD = 6.0  # a frame whose best score lies below it is lost


class Views(NamedTuple):
    """A batch of movies as tensors; lengths in pixels (y, x), light in the unit chosen in ``look``.

    ``crops`` (n, T, 24, 24), the background taken off; ``place`` (n, T, 2) of the molecule in its crop, from the
    middle; ``steps`` (n, T, 2) since the frame before, 0 where either is lost; ``score`` (n, T); ``seen`` (n, T), 1 or
    0. A lost frame holds zeros.
    """

    crops: Tensor
    place: Tensor
    steps: Tensor
    score: Tensor
    seen: Tensor


def look(images, unit: str = "noise", found: Localizations | None = None) -> Views:
    """Return the views of movies (n, T, H, W) in any linear scale of brightness.

    The movie's median is taken off. The rest is divided by five times its robust noise (unit "noise"): then images and
    a x images + b give the same views for any a > 0. Or it is divided by the median (unit "background"): then the
    brightness is known on the scale of the background, as it is in the original's world. ``found`` defaults to
    ``localize(images)``; give the true positions for an oracle.
    """
    check.choice("unit", unit, UNITS)
    images = as_float32("images", images)
    found = localize(images, threshold=THRESHOLD) if found is None else found
    level, noise = background(images)
    seen = np.isfinite(found.positions).all(axis=2)
    positions = np.where(seen[..., None], found.positions, 0.0)
    corner = np.rint(positions).astype(int) - CROP // 2
    scale = 5 * noise if unit == "noise" else level
    scale = np.where(scale > 0, scale, 1.0)
    crops = (_cut(images, corner) - level[:, None, None, None]) / scale[:, None, None, None]
    crops *= _inside(corner, images.shape[2:]) & seen[..., None, None]
    steps = np.diff(positions, axis=1, prepend=positions[:, :1])
    both = seen & np.concatenate([seen[:, :1], seen[:, :-1]], axis=1)
    place = (positions - corner - CROP // 2) * seen[..., None]
    parts = (crops, place, steps * both[..., None], found.score * seen, seen)
    return Views(*(torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in parts))


def _cut(images, corner):
    """Return the windows (n, T, 24, 24) whose first pixel is ``corner``; beyond the field the edge is repeated."""
    n, n_frames, height, width = images.shape
    y, x = (np.clip(corner[..., k, None] + np.arange(CROP), 0, images.shape[2 + k] - 1) for k in (0, 1))
    start = (np.arange(n * n_frames) * height * width).reshape(n, n_frames, 1, 1)
    return images.reshape(-1).take(start + y[..., :, None] * width + x[..., None, :])


def _inside(corner, size):
    y, x = ((corner[..., k, None] + np.arange(CROP)) for k in (0, 1))
    inside = [(along >= 0) & (along < length) for along, length in zip((y, x), size, strict=True)]
    return inside[0][..., :, None] & inside[1][..., None, :]


def turn(views: Views, quarter_turns: int = 0, mirror: bool = False, backwards: bool = False) -> Views:
    """Return the views of the same movies turned by 90 degrees so many times, mirrored (x), or played backwards.

    D does not change under these 16 symmetries. Backwards, a step belongs to the frame that it now leads to.
    """
    crops, place, steps, score, seen = views
    if mirror:
        crops, place, steps = crops.flip(3), place * _MIRROR, steps * _MIRROR
    for _ in range(quarter_turns % 4):  # (y, x) -> (-x, y), as torch.rot90 turns the picture
        crops = crops.rot90(1, (2, 3))
        place, steps = (torch.stack([-v[..., 1], v[..., 0]], dim=-1) for v in (place, steps))
    if backwards:
        crops, place, score, seen = crops.flip(1), place.flip(1), score.flip(1), seen.flip(1)
        steps = -torch.cat([torch.zeros_like(steps[:, :1]), steps[:, 1:].flip(1)], dim=1)
    return Views(crops, place, steps, score, seen)


_MIRROR = torch.tensor([1.0, -1.0])
