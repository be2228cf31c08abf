"""SoftFlow (Kim et al. 2020): thicken thin data by noise of a known size, and tell the flow that size.

x' = x + c v,   v ~ N(0, 1),   c ~ U[0, c_max];   the flow learns log p(x' | c) and is sampled at any c.
"""

import numpy as np
import torch
from torch import Tensor

from helpers.common import check
from helpers.microgels import toys
from helpers.microgels.flows import Flow

__all__ = ["LARGEST_NOISE", "batches", "lowest_loss", "negative_log_likelihood", "sample", "shown"]

LARGEST_NOISE = 0.1  # c_max of the toys, as in the paper
BATCH = 256


def shown(noise: Tensor, largest: float = LARGEST_NOISE) -> Tensor:
    """Return the number that a flow is shown for noise c: 2 c / c_max, (n, 1)."""
    return (2 * noise / largest).reshape(-1, 1)


def batches(name: str, soft: bool, size: int = BATCH):
    """Return ``make_batch(rng, step)`` for ``training.fit``: points of a toy curve; if ``soft``, noisy ones and c."""

    def make_batch(rng, step):  # noqa: ARG001
        x = torch.as_tensor(toys.sample(name, size, rng), dtype=torch.float32)
        if not soft:
            return (x,)
        noise = torch.as_tensor(LARGEST_NOISE * rng.random((size, 1)), dtype=torch.float32)
        return x + noise * torch.as_tensor(rng.standard_normal(x.shape), dtype=torch.float32), shown(noise)

    return make_batch


def negative_log_likelihood(flow: Flow, x: Tensor, context: Tensor | None = None) -> Tensor:
    """Return -mean log p(x | context), in natural units."""
    return -flow.log_prob(x, context).mean()


def lowest_loss(length: float, largest: float = LARGEST_NOISE) -> float:
    """Return the least objective that a soft flow can reach on curves of a total length, in natural units.

    The noisy curve is a band of entropy log(length) + 1/2 log(2 pi e c^2) at noise c, if c is small beside all bends,
    gaps and ends; its mean over c ~ U[0, c_max] is log(length) + 1/2 log(2 pi e) + log(c_max) - 1. Without noise there
    is no such floor.
    """
    length, largest = check.positive_number("length", length), check.positive_number("largest", largest)
    return float(np.log(length) + 0.5 * np.log(2 * np.pi * np.e) + np.log(largest) - 1)


def sample(flow: Flow, n: int, noise: float | None, generator: torch.Generator) -> np.ndarray:
    """Return n points (n, d) of a soft flow at noise c, or of a plain one (None)."""
    if noise is None:
        return flow.sample(n, None, generator).numpy()
    check.non_negative_number("noise", noise)
    return flow.sample(n, shown(torch.full((n,), float(noise))), generator).numpy()
