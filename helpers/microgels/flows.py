"""Invertible layers and the densities that they make, by the change of variables.

Convention: ``forward`` maps data x to latent z and returns z with log |det dz/dx|, so that

    log p(x) = log p(z) + logdet.

``inverse`` maps z to x, which is how one samples. Papers that write the flow as a map from z to x carry a minus in
front of their log-determinant: it is the determinant of the inverse.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import check
from helpers.microgels.splines import rational_quadratic

__all__ = [
    "KINDS",
    "ActNorm",
    "AffineCoupling",
    "AutoregressiveAffine",
    "AutoregressiveSpline",
    "Flow",
    "InvertibleLinear",
    "perceptron",
    "stack",
    "standard_normal",
]

_LARGEST_LOG_SCALE = 3.0


def standard_normal(z: Tensor) -> Tensor:
    """Return the log density (n,) of independent standard normal numbers z (n, d)."""
    return -0.5 * (z**2).sum(dim=1) - 0.5 * z.shape[1] * np.log(2 * np.pi)


def perceptron(n_in: int, hidden: tuple[int, ...], n_out: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return linear layers with an activation in between; the last one starts at zero."""
    sizes = (n_in, *hidden)
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), activation())]
    last = nn.Linear(sizes[-1], n_out)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def _join(x: Tensor, context: Tensor | None) -> Tensor:
    return x if context is None else torch.cat([x, context], dim=1)


def _bounded(raw: Tensor) -> Tensor:
    """Return log-scales within +-3, equal to ``raw`` where that is small."""
    return _LARGEST_LOG_SCALE * torch.tanh(raw / _LARGEST_LOG_SCALE)


class ActNorm(nn.Module):
    """z = (x - shift) exp(-log_scale), one shift and one scale per axis (Kingma & Dhariwal 2018, section 3.1).

    ``initialise(x)`` sets both so that z has mean 0 and standard deviation 1 on that batch.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.shift, self.log_scale = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.zeros(dim))

    def initialise(self, x: Tensor) -> None:
        """Set shift and scale to mean and standard deviation of x (n, d)."""
        with torch.no_grad():
            self.shift.copy_(x.mean(dim=0))
            self.log_scale.copy_(x.std(dim=0).clamp(min=1e-6).log())

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return z (n, d) and log |det dz/dx| (n,)."""
        return (x - self.shift) * (-self.log_scale).exp(), (-self.log_scale.sum()).expand(len(x))

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return x (n, d)."""
        return z * self.log_scale.exp() + self.shift


class InvertibleLinear(nn.Module):
    """z = W x with W = P L (U + diag s): the determinant is the product of s (Kingma & Dhariwal 2018, section 3.2).

    P is a fixed permutation, L has ones on its diagonal, U none. W starts as a random rotation.
    """

    def __init__(self, dim: int):
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(nn.init.orthogonal_(torch.empty(dim, dim)))
        scale = upper.diagonal()
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", scale.sign())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_scale = nn.Parameter(scale.abs().log())

    def _factors(self) -> tuple[Tensor, Tensor]:
        one = torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        return self.lower.tril(-1) + one, self.upper.triu(1) + torch.diag(self.sign * self.log_scale.exp())

    def matrix(self) -> Tensor:
        """Return W (d, d)."""
        lower, upper = self._factors()
        return self.permutation @ lower @ upper

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return z (n, d) and log |det dz/dx| (n,)."""
        return x @ self.matrix().T, self.log_scale.sum().expand(len(x))

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return x (n, d), by two triangular systems."""
        lower, upper = self._factors()
        half = torch.linalg.solve_triangular(lower, self.permutation.T @ z.T, upper=False, unitriangular=True)
        return torch.linalg.solve_triangular(upper, half, upper=True).T


class AffineCoupling(nn.Module):
    """The first half of the axes stays and tells a network how to shift and scale the others (Dinh et al. 2017, eq. 4).

    z1 = x1, z2 = (x2 - shift(x1)) exp(-log_scale(x1)). ``context`` (n, context_dim) is shown to the network, too.
    """

    def __init__(self, dim: int, context_dim: int = 0, hidden: tuple[int, ...] = (64, 64)):
        super().__init__()
        self.n_kept = dim // 2
        self.network = perceptron(self.n_kept + context_dim, hidden, 2 * (dim - self.n_kept))

    def _conditions(self, kept: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        shift, raw = self.network(_join(kept, context)).chunk(2, dim=1)
        return shift, _bounded(raw)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z (n, d) and log |det dz/dx| (n,)."""
        kept, moved = x[:, : self.n_kept], x[:, self.n_kept :]
        shift, log_scale = self._conditions(kept, context)
        return torch.cat([kept, (moved - shift) * (-log_scale).exp()], dim=1), -log_scale.sum(dim=1)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return x (n, d)."""
        kept, moved = z[:, : self.n_kept], z[:, self.n_kept :]
        shift, log_scale = self._conditions(kept, context)
        return torch.cat([kept, moved * log_scale.exp() + shift], dim=1)


class _MaskedLinear(nn.Linear):
    """A linear layer that sees only what its mask (n_out, n_in) lets through."""

    def __init__(self, mask: Tensor):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight * self.mask, self.bias)


class _Autoregressive(nn.Module):
    """Axis i is transformed by parameters that depend on the axes before it and on the context, all in one pass.

    Masks do this (Germain et al. 2015): every hidden unit has a degree k in 0..d-1 and sees the axes 1..k; the
    parameters of axis i see the units of degree < i. The inverse goes axis by axis, d passes.
    """

    n_parameters: int

    def __init__(self, dim: int, context_dim: int = 0, hidden: tuple[int, ...] = (64, 64)):
        super().__init__()
        self.dim = dim
        degrees = torch.cat([torch.arange(1, dim + 1), torch.zeros(context_dim, dtype=torch.long)])
        layers = []
        for size in hidden:
            new = torch.arange(size) % dim
            layers += [_MaskedLinear((new[:, None] >= degrees).float()), nn.ReLU()]
            degrees = new
        axes = torch.arange(1, dim + 1).repeat_interleave(self.n_parameters)
        last = _MaskedLinear((axes[:, None] > degrees).float())
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(*layers, last)

    def _conditions(self, x: Tensor, context: Tensor | None) -> Tensor:
        return self.network(_join(x, context)).reshape(len(x), self.dim, self.n_parameters)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z (n, d) and log |det dz/dx| (n,)."""
        z, log_slope = self._transform(x, self._conditions(x, context))
        return z, log_slope.sum(dim=1)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return x (n, d)."""
        x = torch.zeros_like(z)
        for axis in range(self.dim):
            parameters = self._conditions(x, context)[:, axis]
            x = torch.cat([x[:, :axis], self._undo(z[:, axis], parameters)[:, None], x[:, axis + 1 :]], dim=1)
        return x


class AutoregressiveAffine(_Autoregressive):
    """z_i = (x_i - shift_i) exp(-log_scale_i), both functions of x_1 .. x_(i-1) and of the context.

    The layer of SoftPointFlow's decoder (Kim et al. 2020), a masked autoregressive flow (Papamakarios et al. 2017).
    """

    n_parameters = 2

    def _transform(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = parameters[..., 0], _bounded(parameters[..., 1])
        return (x - shift) * (-log_scale).exp(), -log_scale

    def _undo(self, z: Tensor, parameters: Tensor) -> Tensor:
        return z * _bounded(parameters[..., 1]).exp() + parameters[..., 0]


class AutoregressiveSpline(_Autoregressive):
    """Every axis goes through a monotone rational-quadratic spline whose knots depend on the axes before it.

    Between -``bound`` and ``bound``, with ``n_bins`` bins; outside it is the identity (Durkan et al. 2019).
    """

    def __init__(
        self,
        dim: int,
        context_dim: int = 0,
        hidden: tuple[int, ...] = (64, 64),
        n_bins: int = 8,
        bound: float = 4.0,
    ):
        self.n_parameters = 3 * n_bins - 1
        super().__init__(dim, context_dim, hidden)
        self.bound = check.positive_number("bound", bound)

    def _transform(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return rational_quadratic(x, parameters, self.bound)

    def _undo(self, z: Tensor, parameters: Tensor) -> Tensor:
        return rational_quadratic(z, parameters, self.bound, inverse=True)[0]


class Flow(nn.Module):
    """Blocks one after the other, from data to standard normal numbers: their log-determinants add up."""

    def __init__(self, blocks: list[nn.Module], dim: int, context_dim: int = 0):
        super().__init__()
        self.blocks, self.dim, self.context_dim = nn.ModuleList(blocks), dim, context_dim

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z (n, d) and log |det dz/dx| (n,) for data x (n, d) under ``context`` (n, context_dim)."""
        self._check("x", x, context)
        total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for block in self.blocks:
            x, logdet = block(x, context)
            total = total + logdet
        return x, total

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the data x (n, d) that ``forward`` maps to z."""
        self._check("z", z, context)
        for block in reversed(self.blocks):
            z = block.inverse(z, context)
        return z

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return log p(x) = log N(z; 0, 1) + log |det dz/dx|, (n,), in natural units."""
        z, logdet = self(x, context)
        return standard_normal(z) + logdet

    def sample(self, n: int, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return n samples (n, d), each under its row of ``context``."""
        like = next(self.parameters())
        z = torch.randn(check.whole("n", n), self.dim, generator=generator, dtype=like.dtype, device=like.device)
        with torch.no_grad():
            return self.inverse(z, context)

    def initialise(self, x: Tensor, context: Tensor | None = None) -> None:
        """Set every ActNorm from one batch of data, as it arrives there."""
        with torch.no_grad():
            for block in self.blocks:
                if isinstance(block, ActNorm):
                    block.initialise(x)
                x, _ = block(x, context)

    def _check(self, name: str, x: Tensor, context: Tensor | None) -> None:
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"{name} must have shape (n, {self.dim}), got {tuple(x.shape)}")
        found = (len(x), 0) if context is None else tuple(context.shape)
        if found != (len(x), self.context_dim):
            raise ValueError(f"context must have shape ({len(x)}, {self.context_dim}), got {found}")


KINDS: dict[str, Callable[..., nn.Module]] = {
    "coupling": AffineCoupling,
    "affine": AutoregressiveAffine,
    "spline": AutoregressiveSpline,
}


def stack(
    kind: str, dim: int, n_blocks: int, context_dim: int = 0, hidden: tuple[int, ...] = (64, 64), **options
) -> Flow:
    """Return a flow of ``n_blocks`` times ActNorm, InvertibleLinear and a layer that sees the context.

    ``kind`` is "coupling", "affine" or "spline" (the last two are autoregressive); ``options`` go to that layer.
    """
    make = partial(KINDS[check.choice("kind", kind, KINDS)], dim, context_dim, hidden, **options)
    blocks = [
        block
        for _ in range(check.whole("n_blocks", n_blocks))
        for block in (ActNorm(dim), InvertibleLinear(dim), make())
    ]
    return Flow(blocks, dim, context_dim)
