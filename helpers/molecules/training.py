"""How the networks of the molecules wing are trained: their batches, losses, commands and cards."""

import platform
import time

import numpy as np
import torch

from helpers.common import checkpoints, profiles, training
from helpers.common.places import BUILD
from helpers.molecules import brownian, estimators
from helpers.molecules.networks import TrackNetwork, predict_tracks, track_features

__all__ = ["HIGH_UM2_S", "LOW_UM2_S", "SIGMA_UM", "squared_error", "track_batch", "train_tracks"]

LOW_UM2_S, HIGH_UM2_S, SIGMA_UM, DT_S = 0.4, 20.0, 0.05, 0.01


def simulate(n_tracks: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return observed tracks (n, 16, 2) um and their true D (n,): D uniform in 0.4..20 um^2/s, sigma 50 nm, blurred."""
    D = rng.uniform(LOW_UM2_S, HIGH_UM2_S, n_tracks)
    return brownian.observe(brownian.simulate_tracks(D, n_tracks, dt_s=DT_S, rng=rng), SIGMA_UM, rng), D


def track_batch(rng: np.random.Generator, _step: int, size: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (size, 15) and true D (size,) of fresh tracks."""
    positions, D = simulate(size, rng)
    return track_features(positions, DT_S), torch.as_tensor(D, dtype=torch.float32)


def squared_error(model: TrackNetwork, features: torch.Tensor, D: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of D, um^4/s^2: its minimiser is the posterior mean."""
    return ((model(features) - D) ** 2).mean()


def train_tracks(profile: str = "full", resume: bool = False, seed: int = 0) -> None:
    """Train the network "tracks". The full profile writes it with its card to data/checkpoints; quick only reports."""
    n_steps = profiles.get(profile).pick(quick=400, full=20_000)
    start = time.process_time()
    model = training.initialise(TrackNetwork, seed)
    training.fit(
        model,
        track_batch,
        squared_error,
        n_steps=n_steps,
        learning_rate=3e-3,
        seed=seed,
        run_dir=BUILD / "runs" / f"tracks-{profile}",
        resume=resume,
        accelerator="auto",
        label="tracks",
    )
    metrics = _evaluate(model)
    print(f"RMSE {metrics['rmse_um2_s']:.3f} um2/s; Bayes mean {metrics['rmse_bayes_um2_s']:.3f}")
    if profile != "full":
        return
    card = {
        "description": "D of a 16-frame track from its mode energies; prior uniform 0.4..20 um2/s, sigma 50 nm",
        "command": "python -m helpers train tracks --profile full",
        "seed": seed,
        "steps": n_steps,
        "hardware": f"{platform.machine()}, one CPU thread",
        "cpu_s": round(time.process_time() - start),
        "metrics": metrics,
        "known_failures": "Only for 16 frames of 10 ms with sigma 50 nm, an open shutter and no lost frame; outside "
        "0.4..20 um2/s it answers with the nearest end of the prior.",
    }
    print(checkpoints.save("tracks", model, card))


def _evaluate(model: TrackNetwork, n_tracks: int = 20_000, seed: int = 20_001) -> dict:
    """Return RMSE on tracks that the network never saw, with 95 % bootstrap intervals, beside the Bayes mean."""
    rng = np.random.default_rng(seed)
    positions, D = simulate(n_tracks, rng)
    prior = estimators.uniform_prior(LOW_UM2_S, HIGH_UM2_S)
    blur = estimators.blur_coefficient(10)
    squared = {
        "rmse": (predict_tracks(model, positions, DT_S) - D) ** 2,
        "rmse_bayes": (estimators.bayes_mean(positions, DT_S, prior, blur, SIGMA_UM) - D) ** 2,
    }
    metrics = {"n_tracks": n_tracks, "test_seed": seed}
    picks = [rng.integers(n_tracks, size=n_tracks) for _ in range(200)]
    for name, values in squared.items():
        metrics[f"{name}_um2_s"] = round(float(np.sqrt(values.mean())), 4)
        metrics[f"{name}_interval"] = [
            round(float(q), 4) for q in np.quantile([np.sqrt(values[i].mean()) for i in picks], [0.025, 0.975])
        ]
    return metrics
