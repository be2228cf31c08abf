"""SoftPointFlow: a distribution of shapes, and for every shape a distribution of points, both told the temperature.

A gel with points X at temperature T has a hidden shape s:

    p(X | T) = int p(s | T) prod_i p(x_i | s, T) ds.

PriorFlow is p(s | T), DecoderFlow is p(x | s, T, c) with the noise c of SoftFlow, and an encoder q(s | X) makes
training possible. Lengths are in nm outside and in units of 100 nm inside; clouds are centred on their per-axis median.
Source: Kim et al. 2020 (SoftFlow), section 4.2; the objective is Eq. 12 of the original.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from helpers.common import check, checkpoints, training
from helpers.microgels import flows
from helpers.microgels.clouds import centred, check_cloud

__all__ = ["Encoder", "SoftPointFlow", "Terms", "batches", "collapse", "load", "negative_bound"]

UNIT_NM = 100.0
N_FULL = 2500  # points of a typical gel: so many share one shape
N_GELS, N_SEEN, N_POINTS = 12, 1000, 256  # gels in a step; points of each for the encoder, and for DecoderFlow
_COLLAPSE_C, _STEP_C = 33.0, 4.0  # where water becomes a poor solvent of pNIPAM, and over how wide a range


class Terms(NamedTuple):
    """The three terms of the objective per gel and per point, (n,) each: its negative sum is what is minimised.

    ``points``, the mean of log p(x | s, T, c); ``shape``, log p(s | T) / N; ``entropy``, H[q(s | X)] / N with N = 2500.
    """

    points: Tensor
    shape: Tensor
    entropy: Tensor


class Encoder(nn.Module):
    """q(s | X): the same small network for every point, then mean and maximum over the points (PointNet).

    The order of the points cannot matter, and any number of them can be given.
    """

    def __init__(self, shape_dim: int, width: int = 64):
        super().__init__()
        self.point = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.cloud = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 2 * shape_dim))

    def forward(self, clouds: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation of s, (n, shape_dim) each, for clouds (n, M, 3)."""
        points = self.point(clouds)
        mean, log_sd = self.cloud(torch.cat([points.mean(dim=1), points.amax(dim=1)], dim=1)).chunk(2, dim=1)
        return mean, log_sd.clamp(-7, 2)

    def initialise(self, clouds: Tensor) -> None:
        """Scale the means to mean 0 and standard deviation 1 over clouds (n, M, 3).

        So shapes tell gels apart from the first step. Where they do not, the decoder learns to do without them, and
        they never will (posterior collapse).
        """
        last = self.cloud[-1]
        with torch.no_grad():
            sd, middle = torch.std_mean(self(clouds)[0], dim=0)
            weight, bias = last.weight[: len(sd)], last.bias[: len(sd)]
            weight /= sd[:, None]
            bias.sub_(middle).div_(sd)


class SoftPointFlow(nn.Module):
    """Clouds of points at a temperature, from a learned distribution of shapes.

    ``kind`` and ``n_blocks`` choose the layers of DecoderFlow, see ``flows.stack``; the paper's are "affine".
    ``largest_noise_nm`` is c_max. Train it by ``fit``; then ``sample`` and ``log_prob``.
    """

    def __init__(
        self,
        shape_dim: int = 4,
        kind: str = "spline",
        n_blocks: int = 3,
        hidden: tuple[int, ...] = (64, 64),
        largest_noise_nm: float = 20.0,
    ):
        super().__init__()
        self.shape_dim = check.whole("shape_dim", shape_dim, at_least=2)
        self.largest_noise_nm = check.positive_number("largest_noise_nm", largest_noise_nm)
        self.encoder = Encoder(shape_dim)
        self.prior_flow = flows.stack("affine", shape_dim, 3, context_dim=1)
        self.decoder_flow = flows.stack(kind, 3, n_blocks, context_dim=shape_dim + 2, hidden=hidden)
        self.register_buffer("trained_C", torch.tensor([torch.nan, torch.nan]))

    def fit(
        self, clouds_nm: Sequence, temperature_C: Sequence[float], n_steps: int = 3000, seed: int = 0, **options
    ) -> training.History:
        """Train on clouds, a list of (N, 3), and the temperature of each; ``options`` go to ``training.fit``.

        ValueError for a cloud with fewer than 50 points, NaN, or other than three columns.
        """
        make_batch = batches(clouds_nm, temperature_C, self.shape_dim, self.largest_noise_nm)
        self.trained_C = torch.tensor([min(temperature_C), max(temperature_C)], dtype=torch.float32)
        self._initialise(make_batch(np.random.default_rng([seed, 1]), 0))
        options = {"learning_rate": 3e-3, "label": "SoftPointFlow"} | options
        return training.fit(self, make_batch, negative_bound, n_steps=n_steps, seed=seed, **options)

    def _initialise(self, batch):
        """Set the encoder and the ActNorm layers from one batch."""
        clouds, noisy, noise, temperature, eps = batch
        self.encoder.initialise(clouds)
        with torch.no_grad():
            mean, log_sd = self.encoder(clouds)
            shape = mean + log_sd.exp() * eps
            self.prior_flow.initialise(shape, temperature)
            self.decoder_flow.initialise(noisy.flatten(0, 1), self._context(shape, temperature, noise).flatten(0, 1))

    @staticmethod
    def _context(shape: Tensor, temperature: Tensor, noise: Tensor) -> Tensor:
        """Return what DecoderFlow is told of every point, (n, M, shape_dim + 2)."""
        n, n_points, _ = noise.shape
        told = torch.cat([shape, temperature], dim=1)[:, None].expand(n, n_points, -1)
        return torch.cat([told, noise], dim=2)

    def forward(self, clouds: Tensor, noisy: Tensor, noise: Tensor, temperature: Tensor, eps: Tensor) -> Terms:
        """Return the terms of the objective for a batch of ``batches``."""
        mean, log_sd = self.encoder(clouds)
        shape = mean + log_sd.exp() * eps  # reparametrisation: s ~ q(s | X)
        context = self._context(shape, temperature, noise).flatten(0, 1)
        points = self.decoder_flow.log_prob(noisy.flatten(0, 1), context).reshape(noise.shape[:2]).mean(dim=1)
        entropy = (log_sd + 0.5 * np.log(2 * np.pi * np.e)).sum(dim=1)
        return Terms(points, self.prior_flow.log_prob(shape, temperature) / N_FULL, entropy / N_FULL)

    def sample(
        self,
        temperature_C: float,
        n_points: int,
        n_gels: int = 1,
        noise: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> list[np.ndarray]:
        """Return ``n_gels`` new clouds (n_points, 3) in nm at a temperature, each with a shape of its own.

        ``noise`` is c in nm. A temperature outside the trained range is a UserWarning: the model extrapolates.
        """
        n_points, n_gels = check.whole("n_points", n_points), check.whole("n_gels", n_gels)
        told = self._told(temperature_C).expand(n_gels, 1)
        c = 2 * check.non_negative_number("noise", noise) / self.largest_noise_nm
        shape = self.prior_flow.sample(n_gels, told, generator)
        context = self._context(shape, told, torch.full((n_gels, n_points, 1), c)).flatten(0, 1)
        points = self.decoder_flow.sample(n_gels * n_points, context, generator)
        return list(UNIT_NM * points.reshape(n_gels, n_points, 3).double().numpy())

    def log_prob(
        self, points_nm, temperature_C: float, n_draws: int = 64, generator: torch.Generator | None = None
    ) -> float:
        """Return an estimate of log p(X | T) / N of a cloud (N, 3) at c = 0, in natural units and 1/nm^3.

        log p(X | T) = log mean_k p(X | s_k, T) p(s_k | T) / q(s_k | X) over shapes s_k ~ q; a lower bound on average.
        """
        cloud = torch.as_tensor(_scaled("points_nm", points_nm), dtype=torch.float32)
        told = self._told(temperature_C)
        with torch.no_grad():
            mean, log_sd = self.encoder(cloud[None])
            eps = torch.randn(check.whole("n_draws", n_draws), self.shape_dim, generator=generator)
            shapes = mean + log_sd.exp() * eps
            weight = self.prior_flow.log_prob(shapes, told.expand(n_draws, 1))
            weight = weight - (flows.standard_normal(eps) - log_sd.sum())
            zero = torch.zeros(1, len(cloud), 1)
            for k, shape in enumerate(shapes):
                weight[k] += self.decoder_flow.log_prob(cloud, self._context(shape[None], told, zero)[0]).sum()
        return float((weight.logsumexp(dim=0) - np.log(n_draws)) / len(cloud) - 3 * np.log(UNIT_NM))

    def _told(self, temperature_C: float) -> Tensor:
        """Return what the flows are shown of a temperature, (1, 1)."""
        value = float(check.finite("temperature_C", temperature_C))
        low, high = self.trained_C.tolist()
        if not low <= value <= high:
            words = f"trained from {low:g} to {high:g} degC" if low <= high else "not trained"
            warnings.warn(f"temperature_C = {value:g} is extrapolated: the model was {words}", stacklevel=3)
        return torch.tensor([[collapse(value)]], dtype=torch.float32)


def collapse(temperature_C):
    """Return what the flows are told of temperatures: tanh((T - 33) / 8) / 2, from -1/2 swollen to 1/2 collapsed.

    Gels of pNIPAM collapse near 33 degC within some kelvin and hardly change elsewhere, so equal steps of this number,
    not of temperature, are equal steps of the gel: what lies between two known temperatures is then nearly linear.
    """
    return 0.5 * np.tanh((np.asarray(temperature_C, float) - _COLLAPSE_C) / (2 * _STEP_C))


def _scaled(name: str, points_nm) -> np.ndarray:
    """Return a cloud (N, 3) about its per-axis median, in units of 100 nm."""
    return centred(check_cloud(name, points_nm, at_least=50)) / UNIT_NM


def batches(clouds_nm: Sequence, temperature_C: Sequence[float], shape_dim: int, largest_noise_nm: float):
    """Return ``make_batch(rng, step)``: 12 gels, spread evenly over the temperatures.

    Every gel is turned about z by a random angle and mirrored at random, for the surface below it has no direction.
    The batch is 1000 points of each gel (n, 1000, 3), 256 of them with noise (n, 256, 3), its 2 c / c_max (n, 256, 1),
    temperature (n, 1), and normal numbers (n, d).
    """
    clouds = [_scaled(f"clouds_nm[{k}]", cloud) for k, cloud in enumerate(clouds_nm)]
    temperature = check.finite("temperature_C", temperature_C)
    if temperature.shape != (len(clouds),) or not clouds:
        raise ValueError(f"temperature_C must have one value per cloud, {len(clouds)}, got shape {temperature.shape}")
    groups = [np.flatnonzero(temperature == value) for value in np.unique(temperature)]
    told = collapse(temperature)[:, None]

    def make_batch(rng, step):
        turn = (step * N_GELS + np.arange(N_GELS)) % len(groups)
        chosen = np.array([rng.choice(groups[group]) for group in turn])
        points = np.stack([clouds[k][rng.integers(len(clouds[k]), size=N_SEEN)] for k in chosen])
        points = _turned(points, rng)
        c = rng.random((N_GELS, N_POINTS, 1))
        noisy = points[:, :N_POINTS] + c * (largest_noise_nm / UNIT_NM) * rng.standard_normal((N_GELS, N_POINTS, 3))
        parts = points, noisy, 2 * c, told[chosen], rng.standard_normal((N_GELS, shape_dim))
        return tuple(torch.as_tensor(part, dtype=torch.float32) for part in parts)

    return make_batch


def _turned(points, rng):
    """Return clouds (n, M, 3), each turned about z by a random angle and mirrored at random."""
    angle, sign = 2 * np.pi * rng.random(len(points)), rng.choice([-1.0, 1.0], len(points))
    cos, sin, zero, one = np.cos(angle), np.sin(angle), 0 * angle, 1 + 0 * angle
    turn = np.array([[cos, -sin, zero], [sign * sin, sign * cos, zero], [zero, zero, one]])  # (3, 3, n)
    return np.einsum("abn,nmb->nma", turn, points)


def negative_bound(model: SoftPointFlow, *batch: Tensor) -> Tensor:
    """Return the objective to be minimised: minus the mean of all three terms together."""
    return -sum(model(*batch)).mean()


def load(name: str = "microgels") -> SoftPointFlow:
    """Return a shipped SoftPointFlow; its settings stand in its card."""
    state, card = checkpoints.load(name)
    model = SoftPointFlow(**card["settings"])
    model.load_state_dict(state)
    return model.eval()
