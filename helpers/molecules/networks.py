"""Networks that read a diffusion coefficient: load them, and ask them."""

import warnings
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from helpers.common import check, checkpoints
from helpers.molecules import replicas, worlds
from helpers.molecules.estimators import Prior, modes
from helpers.molecules.localize import as_float32
from helpers.molecules.reader import Posterior, TrackAndBlob, mixtures, pool, posterior
from helpers.molecules.replicas import ParkCNN, ResNet2D, ResNet3D
from helpers.molecules.views import Views, look, turn

__all__ = [
    "ParkCNN",
    "ResNet2D",
    "ResNet3D",
    "TrackAndBlob",
    "TrackNetwork",
    "load",
    "predict",
    "predict_tracks",
    "read",
    "track_features",
    "under_all_symmetries",
]


class TrackNetwork(nn.Module):
    """A small network from the 15 mode energies of a 16-frame track to D: trained by squared error, it learns the
    posterior mean under the prior of its training tracks.

    Input: ``track_features``, (N, 15). Output: D in um^2/s, (N,), positive. About 5,000 parameters.
    """

    def __init__(self, n_modes: int = 15, width: int = 64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_modes, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return D, (N,), for features (N, 15); ValueError for any other shape."""
        n_modes = self.layers[0].in_features
        if features.ndim != 2 or features.shape[1] != n_modes:
            raise ValueError(f"features must have shape (N, {n_modes}), got {tuple(features.shape)}")
        return nn.functional.softplus(self.layers(features)[:, 0])


def track_features(positions_um, dt_s: float) -> Tensor:
    """Return log(1 + e_k / (2 dt)) per mode, (n, T-1) float32; e_k is the mean square amplitude in um^2."""
    dt = check.positive_number("dt_s", dt_s)
    return torch.as_tensor(np.log1p(modes(positions_um).square / (2 * dt)), dtype=torch.float32)


def predict_tracks(model: TrackNetwork, positions_um, dt_s: float) -> np.ndarray:
    """Return D in um^2/s, one per track (n, 16, 2); ValueError for another number of frames or axes."""
    positions = check.numbers("positions_um", positions_um)
    n_frames = model.layers[0].in_features + 1
    if positions.shape[1:] != (n_frames, 2):
        raise ValueError(f"positions_um must have shape (n, {n_frames}, 2), got {positions.shape}")
    with torch.no_grad():
        return model(track_features(positions, dt_s)).numpy().astype(float)


def load(name: str) -> nn.Module:
    """Return the shipped network called ``name`` in evaluation mode: "tracks", or "molecules-TASK-SEED"."""
    state, _ = checkpoints.load(name)
    if name == "tracks":
        model = TrackNetwork()
    else:
        task = worlds.TASKS[name.split("-")[1]]
        model = TrackAndBlob(world=task.world, target=task.target)
    model.load_state_dict(state)
    return model.eval()


def predict(
    model: nn.Module, images, turns: bool = False, pixel_um: float = 0.1, dt_s: float = 0.01, prior: Prior | None = None
) -> np.ndarray:
    """Return D in um^2/s, one per movie (n, T, H, W): the posterior mean, or what a network of the original answers.

    ``turns=True`` averages over the symmetries that leave D as it is: for ``TrackAndBlob`` four turns, mirror and time
    reversal, for the networks of the original four turns, as it did. ``prior`` (on ``worlds.GRID``) replaces the prior
    of the training movies in the answer of ``TrackAndBlob``. A movie in which no two successive frames show a molecule
    gives NaN and a warning.
    """
    scale = check.positive_number("pixel_um", pixel_um) ** 2 / check.positive_number("dt_s", dt_s)
    if isinstance(model, TrackAndBlob):
        return scale * read(model, images, turns, prior).mean
    movies = torch.from_numpy(as_float32("images", images) / np.float32(replicas.COUNTS))
    if movies.max() > 100:
        raise ValueError("images must be counts of the original's generator, about 0..2000; scale other movies first")
    turned = [movies.rot90(k, (2, 3)) for k in range(4 if turns else 1)]
    with torch.no_grad():
        answers = [torch.cat([model.eval()(part) for part in each.split(64)]) for each in turned]
    return scale * worlds.UNIT * torch.stack(answers).mean(dim=0).numpy().astype(float)


def read(model: TrackAndBlob, images, turns: bool = False, prior: Prior | None = None) -> Posterior:
    """Return what ``TrackAndBlob`` knows of D of movies (n, T, H, W), in px^2 per frame; arguments as in ``predict``.

    With ``turns`` the densities under the 16 symmetries are averaged, so that the answer does not change under any.
    """
    views = look(images, model.unit)
    blind = ~((views.seen[:, 1:] * views.seen[:, :-1]).sum(dim=1) > 0).numpy()
    if blind.any():
        words = f"{blind.sum()} of {blind.size} movies show no molecule in two successive frames; their D is NaN"
        warnings.warn(words, stacklevel=2)
    mixture = under_all_symmetries(model, views) if turns else mixtures(model, [views])
    known = posterior(mixture, model.prior, prior or model.prior)
    return Posterior(*(np.where(blind, np.nan, part) for part in known))


def under_all_symmetries(model: TrackAndBlob, views: Views) -> Tensor:
    """Return the mean of the mixtures under four turns, mirror and time reversal, (n, 3, 32)."""
    symmetries = product(range(4), (False, True), (False, True))
    return pool([mixtures(model, [turn(views, *symmetry)]) for symmetry in symmetries])
