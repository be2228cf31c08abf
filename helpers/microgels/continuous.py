"""Flows in continuous time: a velocity field that carries noise (t = 0) to data (t = 1).

dx/dt = v(x, t),        d log p(x(t)) / dt = -tr(dv/dx)        (Chen et al. 2018, theorem 1).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from helpers.common import check
from helpers.microgels.flows import perceptron

__all__ = ["ContinuousBlock", "exact_trace", "flow_matching", "hutchinson_trace", "runge_kutta"]

_SHARPNESS = 4.0  # inputs of the velocity network are scaled by it, which lets it learn small structures sooner


def runge_kutta(slope: Callable, state: tuple[Tensor, ...], start: float, end: float, n_steps: int) -> tuple:
    """Return the state at time ``end`` of d state / dt = slope(state, t), by ``n_steps`` classical steps of order 4."""
    h = (end - start) / check.whole("n_steps", n_steps)

    def moved(by, rates):
        return tuple(part + by * rate for part, rate in zip(state, rates, strict=True))

    for step in range(n_steps):
        t = start + step * h
        k1 = slope(state, t)
        k2 = slope(moved(h / 2, k1), t + h / 2)
        k3 = slope(moved(h / 2, k2), t + h / 2)
        k4 = slope(moved(h, k3), t + h)
        state = moved(h / 6, [a + 2 * b + 2 * c + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True)])
    return state


def exact_trace(velocity: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return v(x) (n, d) and tr(dv/dx) (n,), by one derivative per axis."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        v = velocity(x)
        rows = [torch.autograd.grad(v[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1])]
    return v, torch.stack(rows).sum(dim=0)


def hutchinson_trace(velocity: Callable[[Tensor], Tensor], x: Tensor, probe: Tensor) -> tuple[Tensor, Tensor]:
    """Return v(x) (n, d) and an estimate e^T (dv/dx) e of the trace (n,), by one derivative for any d.

    ``probe`` e (n, d) holds independent numbers of mean 0 and variance 1; the estimate is right on average. For signs
    its variance is sum_(i != j) J_ij (J_ij + J_ji) (Hutchinson 1989).
    """
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        v = velocity(x)
        (product,) = torch.autograd.grad(v, x, probe, create_graph=True)
    return v, (product * probe).sum(dim=1)


class ContinuousBlock(nn.Module):
    """A flow whose velocity is a small network of x, t and context; a block like any other for ``flows.Flow``."""

    def __init__(self, dim: int, context_dim: int = 0, hidden: tuple[int, ...] = (64, 64), n_steps: int = 20):
        super().__init__()
        self.n_steps = check.whole("n_steps", n_steps)
        self.network = perceptron(dim + 1 + context_dim, hidden, dim, activation=nn.SiLU)  # smooth

    def velocity(self, x: Tensor, t: float | Tensor, context: Tensor | None = None) -> Tensor:
        """Return v (n, d) at places x (n, d) and time t, a number or (n, 1)."""
        parts = [_SHARPNESS * x, torch.as_tensor(_SHARPNESS * t, dtype=x.dtype, device=x.device).expand(len(x), 1)]
        return self.network(torch.cat(parts if context is None else [*parts, context], dim=1))

    def forward(self, x: Tensor, context: Tensor | None = None, probe: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z (n, d), where x comes from, and logdet = -int_0^1 tr(dv/dx) dt (n,).

        The trace is exact, or Hutchinson's estimate where ``probe`` (n, d) is given.
        """

        def slope(state, t):
            def at_t(places):
                return self.velocity(places, t, context)

            return exact_trace(at_t, state[0]) if probe is None else hutchinson_trace(at_t, state[0], probe)

        start = (x, torch.zeros(len(x), dtype=x.dtype, device=x.device))
        z, total = runge_kutta(slope, start, 1.0, 0.0, self.n_steps)
        return (z, total) if torch.is_grad_enabled() else (z.detach(), total.detach())

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return x (n, d), where z is carried to."""
        return runge_kutta(lambda state, t: (self.velocity(state[0], t, context),), (z,), 0.0, 1.0, self.n_steps)[0]


def flow_matching(block: ContinuousBlock, x: Tensor, z: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
    """Return mean |v(x_t, t) - (x - z)|^2 with x_t = (1 - t) z + t x (Lipman et al. 2023).

    Data x (n, d), independent standard normal z (n, d), t (n, 1) uniform in [0, 1]. No equation is solved.
    """
    return ((block.velocity((1 - t) * z + t * x, t, context) - (x - z)) ** 2).sum(dim=1).mean()
