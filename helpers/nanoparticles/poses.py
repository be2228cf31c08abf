"""Poses: an image turned, shifted and enlarged by numbers that gradients can pass through (a spatial transformer).

Angles turn counter-clockwise as seen, in rad; shifts are (right, down) in widths of the frame and come after the turn;
a scale above 1 enlarges. A point p of the moved image is at R(-angle) (p - shift) / scale in the image it came from.
Source: Jaderberg et al. 2015 (spatial transformer); Bepler et al. 2019 (the grid that rotates).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from helpers.common import check

__all__ = ["EDGES", "grid", "move", "pool", "quarter_turns", "sample", "starts", "turn", "upright"]

EDGES = ("zeros", "border", "reflection")


def grid(size: int) -> Tensor:
    """Return the centres of the pixels of a frame, (size, size, 2): x right and y down in widths of the frame."""
    size = check.whole("size", size)
    at = (torch.arange(size) + 0.5) / size - 0.5
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x, y], dim=-1)


def turn(points: Tensor, angle: Tensor) -> Tensor:
    """Return points (..., 2) turned counter-clockwise as seen by ``angle`` (...), y pointing down.

    (x, y) -> (x cos + y sin, -x sin + y cos). Every angle is used: pyroVED took a batch whose angles sum to zero for
    one without angles.
    """
    x, y = points.unbind(dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([x * cos + y * sin, y * cos - x * sin], dim=-1)


def upright(points: Tensor, angle: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Return where points (H, W, 2) of moved frames come from, (N, H, W, 2): R(-angle) (p - shift) / scale.

    ``angle`` (N,), ``shift`` (N, 2), ``scale`` (N,).
    """
    cos, sin = angle.cos() / scale, angle.sin() / scale
    matrix = torch.stack([torch.stack([cos, sin], dim=-1), torch.stack([-sin, cos], dim=-1)], dim=-2)  # (N, 2, 2)
    flat = points.reshape(1, -1, 2) - shift[:, None]
    return (flat @ matrix).reshape(len(angle), *points.shape)


def sample(images: Tensor, points: Tensor, edge: str = "border") -> Tensor:
    """Return images (N, H, W) read at points (N, h, w, 2) by bilinear interpolation, (N, h, w).

    ``edge`` says what lies outside of the frame: "zeros", "border" (its nearest pixel) or "reflection".
    """
    read = functional.grid_sample(images[:, None], 2 * points, padding_mode=edge, align_corners=False)
    return read[:, 0]


def move(images: Tensor, angle, shift=(0.0, 0.0), scale=1.0, edge: str = "border") -> Tensor:
    """Return images (N, H, H) turned by ``angle`` (N,), moved by ``shift`` (N, 2), enlarged by ``scale`` (N,).

    Numbers, and one pair, serve all images. A quarter turn moves pixels onto pixels: as ``np.rot90`` to rounding.
    ValueError for images that are not square, an unknown ``edge``, a scale <= 0, or shapes that do not fit.
    """
    check.choice("edge", edge, EDGES)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise ValueError(f"images must have shape (N, H, H), got {tuple(images.shape)}")
    angle, shift, scale = (
        _per_image(name, value, len(images), tail, images)
        for name, value, tail in [("angle", angle, ()), ("shift", shift, (2,)), ("scale", scale, ())]
    )
    if not (scale > 0).all():
        raise ValueError(f"scale must be > 0, got {scale.min():g}")
    return sample(images, upright(grid(images.shape[1]).to(images), angle, shift, scale), edge)


def pool(images: Tensor, size: int) -> Tensor:
    """Return images (N, H, H) as (N, size, size), each pixel the mean of (H / size)^2; ValueError unless it divides."""
    if images.ndim != 3 or images.shape[1] != images.shape[2] or images.shape[1] % size:
        raise ValueError(f"images must have shape (N, H, H) with H a multiple of {size}, got {tuple(images.shape)}")
    step = images.shape[1] // size
    return functional.avg_pool2d(images[:, None], step)[:, 0] if step > 1 else images


def quarter_turns(images: Tensor) -> Tensor:
    """Return images (N, H, H) at 0, 90, 180 and 270 degrees, (4, N, H, H): exact, as no pixel is interpolated."""
    return torch.stack([images.rot90(k, (1, 2)) for k in range(4)])


def starts(n: int) -> Tensor:
    """Return n angles that divide the circle equally, in -pi..pi, 0 first."""
    angles = 2 * math.pi * torch.arange(check.whole("n", n)) / n
    return torch.remainder(angles + math.pi, 2 * math.pi) - math.pi


def _per_image(name, value, n, tail, like):
    """Return ``value`` as a tensor (n, *tail); ValueError unless it fits and is finite."""
    tensor = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    if tensor.shape not in ((n, *tail), tail):
        raise ValueError(f"{name} must have shape {(n, *tail)} or {tail}, got {tuple(tensor.shape)}")
    if not tensor.isfinite().all():
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    return tensor.expand(n, *tail)
