"""Networks that read a diffusion coefficient."""

import numpy as np
import torch
from torch import Tensor, nn

from helpers.common import check, checkpoints
from helpers.molecules.estimators import modes

__all__ = ["TrackNetwork", "load", "predict_tracks", "track_features"]


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
    """Return the shipped network called ``name`` ("tracks"), in evaluation mode."""
    builders = {"tracks": TrackNetwork}
    if name not in builders:
        raise ValueError(f"name must be one of {', '.join(builders)}, got {name!r}")
    model, (state, _) = builders[name](), checkpoints.load(name)
    model.load_state_dict(state)
    return model.eval()
