"""Angles as latent variables: three posteriors q(angle | x), each with a prior, a sample and its divergence from it.

A posterior is made from two numbers (u, v) of a network and draws from two standard normal numbers, so that the caller
keeps hold of the randomness. Angles in rad, divergences in natural units, everything for batches.

- ``Normal``: N(u, softplus(v)^2) on the line against N(0, sd^2), as in the original: 350 degrees is far from 0.
- ``VonMises``: density exp(kappa cos(angle - mu)) / (2 pi I0(kappa)) against the uniform one on the circle.
- ``ProjectedNormal``: the direction of a point drawn from N((u, v), 1) in the plane, against the uniform one.

Source: Ziatdinov et al. 2024 (normal; the projected normal is only named there); Davidson et al. 2018 (circle);
Figurnov et al. 2018 (gradients of samples).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from helpers.common import check

__all__ = [
    "PRIORS",
    "Angle",
    "errors",
    "kl_normal",
    "kl_von_mises",
    "log_projected_normal",
    "posterior",
    "projected_normal",
    "sample_von_mises",
    "spread",
]

PRIORS = ("normal", "von mises", "projected normal")
_MOST = 1e4  # largest concentration: an sd of 0.6 degrees
_NODES, _WEIGHTS = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(48))


class Angle(NamedTuple):
    """What is known of N angles, (N,) each: the mean direction, one sample, and the divergence from the prior."""

    mean: Tensor
    sample: Tensor
    kl: Tensor


def posterior(kind: str, raw: Tensor, noise: Tensor, sd: float = 1.0) -> Angle:
    """Return the ``Angle`` for numbers of a network (N, 2) and standard normal numbers (N, 2).

    ``kind`` is one of ``PRIORS``; ``sd`` is that of the normal prior, the others are uniform. The divergences of normal
    and von Mises are exact, that of the projected normal is log q(sample) - log p(sample), right on average.
    """
    return _KINDS[check.choice("kind", kind, PRIORS)](raw, noise, sd)


def spread(raw: Tensor) -> Tensor:
    """Return a positive standard deviation for any number: softplus, at least 1e-4."""
    return functional.softplus(raw) + 1e-4


def kl_normal(mean: Tensor, sd: Tensor, prior_sd: float | Tensor = 1.0) -> Tensor:
    """Return KL(N(mean, sd^2) || N(0, s^2)) = log(s / sd) + (sd^2 + mean^2) / (2 s^2) - 1/2, elementwise."""
    ratio = sd / prior_sd
    return 0.5 * (ratio**2 + (mean / prior_sd) ** 2 - 1) - ratio.log()


def kl_von_mises(kappa: Tensor) -> Tensor:
    """Return KL(von Mises(., kappa) || uniform) = kappa I1(kappa) / I0(kappa) - log I0(kappa), elementwise.

    Near 0 it is kappa^2 / 4, for large kappa log(2 pi kappa) / 2 - 1/2.
    """
    k = kappa.double()  # the terms are large and cancel
    scaled = torch.special.i0e(k)  # exp(-k) I0(k)
    return (k * torch.special.i1e(k) / scaled - scaled.log() - k).to(kappa.dtype)


def sample_von_mises(kappa: Tensor, uniform: Tensor) -> Tensor:
    """Return theta with F(theta; kappa) = uniform in 0..1, (N,) each: a sample of the von Mises distribution about 0.

    Gradients follow from the same equation: d theta / d kappa = -(dF / d kappa) / (dF / d theta).
    Found by bisection, F by Gauss-Legendre quadrature from 0, the top of the density.
    """
    return _VonMisesSample.apply(kappa, uniform)


class _VonMisesSample(torch.autograd.Function):
    @staticmethod
    def forward(ctx, kappa, uniform):
        k = kappa.double()
        area = (uniform.double() - 0.5).abs() * 2 * math.pi * torch.special.i0e(k)
        low = torch.zeros_like(k)
        high = torch.minimum(9 / k.clamp(min=1e-9).sqrt(), torch.full_like(k, math.pi))  # beyond lies less than 1e-7
        for _ in range(36):
            middle = (low + high) / 2
            below = _integral(middle, lambda t: (k[..., None] * (t.cos() - 1)).exp()) < area
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        theta = (low + high) / 2 * (uniform - 0.5).sign()
        ctx.save_for_backward(k, theta)
        return theta.to(kappa.dtype)

    @staticmethod
    def backward(ctx, gradient):
        kappa, theta = ctx.saved_tensors
        k, mean = kappa[..., None], (torch.special.i1e(kappa) / torch.special.i0e(kappa))[..., None]
        top = theta.cos()[..., None]
        slope = _integral(theta, lambda t: (t.cos() - mean) * (k * (t.cos() - top)).exp())
        return (gradient * -slope).to(gradient.dtype), None


def _integral(upto: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the integral of a function from 0 to each of (N,); the function takes and returns (N, n)."""
    half = upto[..., None] / 2
    return (function(half * (_NODES + 1)) * _WEIGHTS * half).sum(dim=-1)


def projected_normal(mean: Tensor, noise: Tensor) -> Tensor:
    """Return the directions (N,) of the points mean + noise, (N, 2) each, x first."""
    point = mean + noise
    return torch.atan2(point[..., 1], point[..., 0])


def log_projected_normal(angle: Tensor, mean: Tensor) -> Tensor:
    """Return log q(angle) of the direction of N(mean, 1), (N,) for means (N, 2).

    q = exp(-|m|^2 / 2) / (2 pi) [1 + a Phi(a) / phi(a)] with a = m . (cos, sin), Phi and phi of the standard normal.
    """
    cos, sin, m = angle.double().cos(), angle.double().sin(), mean.double()
    along, across = m[..., 0] * cos + m[..., 1] * sin, m[..., 1] * cos - m[..., 0] * sin
    ahead, behind = along.clamp(min=0), along.clamp(max=0)  # both forms are finite on their side
    density = (-0.5 * ahead**2).exp() / math.sqrt(2 * math.pi) + ahead * torch.special.ndtr(ahead)  # phi + a Phi
    ratio = 1 + behind * math.sqrt(math.pi / 2) * torch.special.erfcx(-behind / math.sqrt(2))  # 1 + a Phi / phi
    tail = -0.5 * behind**2 - 0.5 * math.log(2 * math.pi) + ratio.log()
    log_q = torch.where(along > 0, density.log(), tail) - 0.5 * across**2 - 0.5 * math.log(2 * math.pi)
    return log_q.to(mean.dtype)


def errors(found, true, n_fold: int = 1) -> np.ndarray:
    """Return |found - true - offset| of N angles, (N,) in 0..pi / n_fold, for the offset that suits most of them.

    Without labels a template may stand at any angle, so one offset, the same for all, is free; ``n_fold`` is the
    symmetry of the object, which looks the same after 2 pi / n_fold. The offset is one of 720 equally spaced ones, that
    with the least sum of errors, each counted as 20 degrees at most.
    """
    period = 2 * math.pi / check.whole("n_fold", n_fold)
    offsets = period * np.arange(720)[:, None] / 720
    gaps = check.finite("found", found) - check.finite("true", true) - offsets  # (720, N)
    gaps = np.abs((gaps + period / 2) % period - period / 2)
    return gaps[np.minimum(gaps, math.radians(20)).sum(axis=1).argmin()]


def _normal(raw, noise, sd):
    mean, width = raw[..., 0], spread(raw[..., 1])
    return Angle(mean, mean + width * noise[..., 0], kl_normal(mean, width, sd))


def _von_mises(raw, noise, sd):  # noqa: ARG001
    """The direction of (u, v) is the mean, its squared length the concentration."""
    mean, kappa = torch.atan2(raw[..., 1], raw[..., 0]), (raw**2).sum(dim=-1).clamp(1e-4, _MOST)
    return Angle(mean, mean + sample_von_mises(kappa, torch.special.ndtr(noise[..., 0])), kl_von_mises(kappa))


def _projected_normal(raw, noise, sd):  # noqa: ARG001
    angle = projected_normal(raw, noise)
    kl = log_projected_normal(angle, raw) + math.log(2 * math.pi)
    return Angle(torch.atan2(raw[..., 1], raw[..., 0]), angle, kl)


_KINDS = {"normal": _normal, "von mises": _von_mises, "projected normal": _projected_normal}
