"""TrackAndBlob: a network that reads D from the track and from the shape of the blob in every frame.

It returns a distribution of log D, so that every answer has an error bar and any prior can be put in afterwards.
D is in px^2 per frame.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import check
from helpers.molecules import worlds
from helpers.molecules.estimators import Prior
from helpers.molecules.views import CROP, Views

__all__ = [
    "TARGETS",
    "Posterior",
    "TrackAndBlob",
    "anchor",
    "log_density",
    "mixtures",
    "negative_log_likelihood",
    "pool",
    "posterior",
]

CUES = ("track", "shape", "brightness")
TARGETS = ("D", "effective D")
_WITHOUT_LIGHT = torch.tensor([1.0, 1.0, 1.0, 0.0])
_FACTOR = 4 * (1 - 2 * 0.165)  # mean squared step of frame means with ten sub-positions: 4 D (1 - 2 R)
_FLOOR = 0.02  # px^2 per frame, the least D of the classical estimate
_AXIS = torch.arange(CROP) - (CROP - 1) / 2
_WINDOW = torch.exp(-(_AXIS[:, None] ** 2 + _AXIS**2) / 72)  # moments are taken under a Gaussian of width 6 px


class Posterior(NamedTuple):
    """What is known of D of each movie, (n,) each, px^2 per frame.

    ``mean`` of D, the best guess for a small squared error; ``log_mean``, exp of the mean of log D, the best one for a
    small relative error; ``low`` and ``high``, the 16 and 84 % quantiles.
    """

    mean: np.ndarray
    log_mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def anchor(views: Views, target: str = "D") -> Tensor:
    """Return the log of the classical estimate of ``target`` from the track, (n,), px^2 per frame.

    "D": mean squared step / (4 (1 - 2 R)). "effective D", the label of the original: a quarter of the slope through the
    origin of the MSD at all lags. A movie without two successive frames that are seen gets log 1.
    """
    if target == "effective D":
        slope, count = _all_lag_slope(views)
        D = slope / 4
    else:
        count = (views.seen[:, 1:] * views.seen[:, :-1]).sum(dim=1)
        D = (views.steps**2).sum(dim=(1, 2)) / count.clamp(min=1) / _FACTOR
    return torch.where(count > 0, D.clamp(min=_FLOOR).log(), torch.zeros_like(D))


def _all_lag_slope(views: Views) -> tuple[Tensor, Tensor]:
    """Return the slope through the origin of the MSD at all lags with a pair, (n,), and the number of such lags."""
    path, seen = views.steps.cumsum(dim=1), views.seen
    top = bottom = count = torch.zeros(len(seen), device=seen.device)
    for lag in range(1, seen.shape[1]):
        pairs = seen[:, lag:] * seen[:, :-lag]
        n_pairs = pairs.sum(dim=1)
        msd = (((path[:, lag:] - path[:, :-lag]) ** 2).sum(dim=2) * pairs).sum(dim=1) / n_pairs.clamp(min=1)
        some = (n_pairs > 0).float()
        top, bottom, count = top + lag * msd, bottom + lag**2 * some, count + some
    return top / bottom.clamp(min=1), count


def _light(crops: Tensor) -> Tensor:
    """Return the light above a fifth of the unit under a Gaussian window, as an image."""
    return functional.relu(crops - 0.2) * _WINDOW.to(crops.device)


def _moments(crops: Tensor) -> Tensor:
    """Return size, two elongations and light of every blob, (n, T, 4): log variance, (yy - xx, 2 xy) / size, log."""
    weight, axis = _light(crops), _AXIS.to(crops.device)
    light = weight.sum(dim=(2, 3)).clamp(min=1)
    row, column = weight.sum(dim=3) / light[..., None], weight.sum(dim=2) / light[..., None]
    y, x = row @ axis, column @ axis
    yy, xx = row @ axis**2 - y**2, column @ axis**2 - x**2
    xy = torch.einsum("ntyx,y,x->nt", weight, axis, axis) / light - y * x
    size = (yy + xx).clamp(min=0.5)
    return torch.stack([size.log() - 1.5, 2 * (yy - xx) / size, 4 * xy / size, light.log() - 4], dim=2)


class TrackAndBlob(nn.Module):
    """From ``Views`` of (n, T) frames to a mixture of two Gaussians in log D.

    Each crop goes through a shared CNN (1 -> 16 -> 32 -> 48 channels, stride 2) and gives its moments. With the steps,
    in pixels and in units of the classical estimate, they run through two residual temporal convolutions. Means and
    maxima over the frames seen give weights, centres and widths of the Gaussians; the centres are the log of the
    classical estimate plus a learned correction. Any number of frames.

    ``cues`` says what is shown: "track", "shape" of the blobs, their "brightness". ``world`` is the one whose movies
    it is trained on; it decides the ``unit`` of light of its views, see ``views.look``, and its ``prior``. ``target``
    is the number that it reads, see ``anchor``.
    """

    def __init__(self, cues: tuple[str, ...] = CUES, world: str = "physical", target: str = "D", width: int = 64):
        super().__init__()
        self.world, self.target = check.choice("world", world, worlds.WORLDS), check.choice("target", target, TARGETS)
        self.unit, self.prior = worlds.WORLDS[world], worlds.training_prior(world, target)
        self.cues = tuple(check.choice("cues", cue, CUES) for cue in cues)
        layers = [nn.Conv2d(1, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1), nn.Conv2d(32, 48, 3, 2, 1)]
        layers = [part for layer in layers for part in (layer, nn.SiLU())]
        self.blob = nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * (CROP // 8) ** 2, width))
        self.blob.to(memory_format=torch.channels_last)
        self.frame = nn.Linear(width + 14, width)
        self.time = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(2))
        self.head = nn.Sequential(nn.Linear(2 * width + 3, width), nn.SiLU(), nn.Linear(width, 6))
        nn.init.zeros_(self.head[-1].weight)  # so the first answer is the classical estimate, 40 % wide
        with torch.no_grad():
            self.head[-1].bias.copy_(torch.tensor([0.0, 0.0, -0.1, 0.1, -1.0, -1.0]))

    def forward(self, *views: Tensor) -> Tensor:
        """Return log-weights, centres and log-widths of the mixture, (n, 3, 2)."""
        summary, base = self.summary(*views)
        weights, centres, widths = self.head(summary).chunk(3, dim=1)
        return torch.stack([weights.log_softmax(dim=1), base[:, None] + centres, widths.clamp(-5, 2)], dim=1)

    def summary(self, crops: Tensor, place: Tensor, steps: Tensor, score: Tensor, seen: Tensor) -> tuple:
        """Return all that the network keeps of each movie, (n, 2 width + 3), and the log of the classical estimate."""
        base = anchor(Views(crops, place, steps, score, seen), self.target)
        if "track" not in self.cues:
            steps, place, base = torch.zeros_like(steps), torch.zeros_like(place), torch.zeros_like(base)
        frames = functional.silu(self.frame(self._describe(crops, place, steps, score, seen, base)))
        frames = self.over_time(frames * seen[..., None], seen)
        count = seen.sum(dim=1, keepdim=True)
        pooled = [frames.sum(dim=1) / count.clamp(min=1), frames.amax(dim=1)]
        numbers = [0.3 * base[:, None], torch.log1p(count) - 2.5, count / seen.shape[1]]
        return torch.cat([*pooled, *numbers], dim=1), base

    def over_time(self, frames: Tensor, seen: Tensor) -> Tensor:
        """Return features (n, T, width) that know their neighbours in time."""
        frames, seen = frames.transpose(1, 2), seen[:, None]
        for convolution in self.time:
            frames = (frames + functional.silu(convolution(frames))) * seen
        return frames.transpose(1, 2)

    def _describe(self, crops, place, steps, score, seen, base):
        """Return the features of every frame, (n, T, width + 14)."""
        moments, without_light = _moments(crops), _WITHOUT_LIGHT.to(crops.device)
        if "brightness" not in self.cues:
            crops = 100 * crops / _light(crops).sum(dim=(2, 3), keepdim=True).clamp(min=1)
            moments, score = moments * without_light, torch.zeros_like(score)
        if "shape" not in self.cues:
            crops, moments = torch.zeros_like(crops), moments * (1 - without_light)
        blob = self.blob(crops.reshape(-1, 1, CROP, CROP)).reshape(*seen.shape, -1)
        later = torch.cat([steps[:, 1:], torch.zeros_like(steps[:, :1])], dim=1)
        relative = steps / (2 * (0.5 * base).exp()[:, None, None])
        track = [torch.asinh(steps), torch.asinh(later), relative, place]
        return torch.cat([blob, moments, *track, torch.log1p(score)[..., None], seen[..., None]], dim=2)


def log_density(mixture: Tensor, log_D: Tensor) -> Tensor:
    """Return the log density of log D, (n, G), under mixtures (n, 3, K) at ``log_D`` (n, G) or (G,)."""
    log_weight, centre, log_width = (part[:, None] for part in mixture.unbind(dim=1))  # (n, 1, K)
    z = (log_D[..., None] - centre) * (-log_width).exp()
    return torch.logsumexp(log_weight - log_width - z**2 / 2, dim=2) - 0.5 * np.log(2 * np.pi)


def negative_log_likelihood(model: TrackAndBlob, *batch: Tensor) -> Tensor:
    """Return the mean negative log density of the true log D; the batch is the five views and D, (n,)."""
    *views, D = batch
    return -log_density(model(*views), D.log()[:, None]).mean()


def mixtures(model: TrackAndBlob, parts: Iterable[Views], at_once: int = 250) -> Tensor:
    """Return the mixtures (n, 3, 2) of all movies in a sequence of views, so many movies at a time."""
    model.eval()
    with torch.no_grad():
        chunks = (
            Views(*(part[first : first + at_once] for part in views))
            for views in parts
            for first in range(0, len(views.seen), at_once)
        )
        return torch.cat([model(*chunk) for chunk in chunks])


def pool(mixtures: list[Tensor]) -> Tensor:
    """Return the mean of several mixtures (n, 3, K) of the same movies, as one of more Gaussians."""
    pooled = torch.cat(mixtures, dim=2)
    pooled[:, 0] -= np.log(len(mixtures))
    return pooled


def posterior(mixture: Tensor, trained_under: Prior, prior: Prior) -> Posterior:
    """Return what mixtures (n, 3, K) say of D under another prior than the one of the training movies.

    p(D | movie, prior) ~ q(D | movie) prior(D) / trained(D): a network that was trained by its likelihood learns the
    posterior q under the prior of its training movies, and Bayes' rule exchanges that prior. Both priors are given on
    the same D; the training prior must be > 0 wherever the other is.
    """
    D = torch.as_tensor(check.positive("prior.D_um2_s", prior.D_um2_s), dtype=torch.float32)
    if not np.array_equal(prior.D_um2_s, trained_under.D_um2_s):
        raise ValueError("prior and trained_under must hold the same D_um2_s")
    trained, wanted = (torch.as_tensor(p.weight, dtype=torch.float32) for p in (trained_under, prior))
    if ((trained <= 0) & (wanted > 0)).any():
        raise ValueError("trained_under must be > 0 wherever prior is: the network never saw such D")
    log_q = log_density(mixture, D.log()) - D.log() + torch.gradient(D)[0].log()  # probability of each cell
    weight = torch.softmax(
        log_q + torch.where(wanted > 0, (wanted / trained.clamp(min=1e-30)).log(), -torch.inf), dim=1
    )
    below = weight.cumsum(dim=1) - weight / 2
    low, high = (D[(below > q).float().argmax(dim=1)] for q in (0.16, 0.84))
    parts = (weight @ D, (weight @ D.log()).exp(), low, high)
    return Posterior(*(part.double().numpy() for part in parts))
