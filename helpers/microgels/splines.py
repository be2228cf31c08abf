"""Monotone rational-quadratic splines with a closed-form inverse (Durkan et al. 2019, section 3.1)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["rational_quadratic"]

_LEAST = 1e-3  # least width and height of a bin as a share of the whole, and least slope


def rational_quadratic(x: Tensor, parameters: Tensor, bound: float, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """Return y and log |dy/dx| for x of any shape, under parameters (..., 3 K - 1) for K bins.

    In the bin between the knots (x_k, y_k) and (x_k+1, y_k+1) with slopes d_k, d_k+1, mean slope s, and t from 0 to 1:
    y = y_k + (y_k+1 - y_k) [s t^2 + d_k t (1-t)] / [s + (d_k+1 + d_k - 2 s) t (1-t)]  (eq. 4).
    Outside +-``bound`` y = x. Parameters 0 give the identity. ``inverse`` solves the quadratic equation for x.
    """
    K = (parameters.shape[-1] + 1) // 3
    inside = (x > -bound) & (x < bound)
    start = torch.where(inside, x, torch.zeros_like(x))
    xs, ys, slopes = _knots(parameters, K, bound)
    bin_ = torch.searchsorted((ys if inverse else xs)[..., 1:-1].contiguous(), start[..., None], right=True)

    def pick(values, shift=0):
        return values.gather(-1, bin_ + shift)[..., 0]

    x0, y0, width, height = pick(xs), pick(ys), pick(xs, 1) - pick(xs), pick(ys, 1) - pick(ys)
    d0, d1, s = pick(slopes), pick(slopes, 1), height / width
    bend = d0 + d1 - 2 * s
    t = _position(start - y0, height, d0, s, bend) if inverse else (start - x0) / width
    base = s + bend * t * (1 - t)
    log_slope = 2 * s.log() + (d1 * t**2 + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2).log() - 2 * base.log()
    y = x0 + width * t if inverse else y0 + height * (s * t**2 + d0 * t * (1 - t)) / base
    log_slope = torch.where(inside, -log_slope if inverse else log_slope, torch.zeros_like(x))
    return torch.where(inside, y, x), log_slope


def _position(rise: Tensor, height: Tensor, d0: Tensor, s: Tensor, bend: Tensor) -> Tensor:
    """Return t where the spline has risen by ``rise`` in its bin: a t^2 + b t + c = 0, solved without cancellation."""
    a = height * (s - d0) + rise * bend
    b = height * d0 - rise * bend
    c = -s * rise
    return 2 * c / (-b - (b**2 - 4 * a * c).clamp(min=0).sqrt())


def _knots(parameters: Tensor, K: int, bound: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return knots x and y (..., K + 1) between -bound and bound, and the slopes there, 1 at both ends."""
    widths, heights, raw = parameters.split([K, K, K - 1], dim=-1)
    xs, ys = (_cumulative(part, bound) for part in (widths, heights))
    zero = np.log(np.expm1(1 - _LEAST))  # softplus of this, plus the least slope, is 1
    slopes = functional.pad(_LEAST + functional.softplus(raw + zero), (1, 1), value=1.0)
    return xs, ys, slopes


def _cumulative(raw: Tensor, bound: float) -> Tensor:
    share = _LEAST + (1 - _LEAST * raw.shape[-1]) * raw.softmax(dim=-1)
    inner = 2 * bound * share.cumsum(dim=-1)[..., :-1] - bound
    return functional.pad(functional.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)
