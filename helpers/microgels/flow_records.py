"""What lesson 04 records: plain and soft flows on thin data, and the flow of its live figure."""

from functools import partial

import numpy as np
import torch

from helpers.common import checkpoints, profiles, results, training
from helpers.common.places import BUILD
from helpers.microgels import flows, softflow, splines, toys

__all__ = ["SHAPES", "build", "compare_softflow", "fit", "load", "train_spirals"]

SHAPES = {"spline": {"n_blocks": 4, "hidden": (64, 64)}, "affine": {"n_blocks": 10, "hidden": (64, 64)}}
LEARNING_RATE = {"spline": 5e-3, "affine": 2e-3}
N_STEPS, SEEDS, N_SAMPLES = 3000, (0, 1, 2), 5000
NOISES = (0.0, 0.025, 0.05, 0.1)
SPIRALS = "softflow-spirals"


def build(kind: str, soft: bool) -> flows.Flow:
    """Return an untrained flow of the plane of one ``kind`` of ``SHAPES``."""
    return flows.stack(kind, 2, context_dim=int(soft), **SHAPES[kind])


def fit(kind: str, curve: str, soft: bool, seed: int = 0, n_steps: int = N_STEPS, **options):
    """Return a flow that was trained on a toy curve, and the history of the run; ``options`` go to ``training.fit``."""
    flow, make_batch = training.initialise(partial(build, kind, soft), seed), softflow.batches(curve, soft)
    flow.initialise(*make_batch(np.random.default_rng([seed, 1]), 0))
    options = {"learning_rate": LEARNING_RATE[kind], "label": f"{curve}, {'soft' if soft else 'plain'}"} | options
    history = training.fit(flow, make_batch, softflow.negative_log_likelihood, n_steps=n_steps, seed=seed, **options)
    return flow, history


def compare_softflow() -> None:
    """Record how far samples of plain and soft flows lie from five curves, and how evenly, as ``softflow``."""
    rows = []
    for kind in SHAPES:
        for curve in toys.CURVES:
            for soft in (False, True):
                for seed in SEEDS:
                    flow, history = fit(kind, curve, soft, seed)
                    row = {"kind": kind, "curve": curve, "soft": soft, "seed": seed, "cpu_s": round(history.cpu_s)}
                    row["loss"] = float(np.mean(history.losses[-100:]))
                    row["samples"] = [_score(flow, curve, noise, seed) for noise in (NOISES if soft else (None,))]
                    rows.append(row)
                    print(kind, curve, "soft" if soft else "plain", seed, row["samples"][0], flush=True)
    command, sources = "python -m helpers bench softflow", [flows, splines, softflow, toys]
    print(
        results.record(
            "softflow", {"n_steps": N_STEPS, "rows": rows}, command=command, seeds=list(SEEDS), sources=sources
        )
    )


def _score(flow, curve, noise, seed):
    """Return mean distance, coverage, and the share of samples that are no numbers."""
    points = softflow.sample(flow, N_SAMPLES, noise, torch.Generator().manual_seed(seed))
    finite = points[np.isfinite(points).all(axis=1)]
    return {
        "noise": noise,
        "distance": float(toys.distance(curve, finite).mean()),
        "coverage": toys.coverage(curve, finite),
        "lost": 1 - len(finite) / len(points),
    }


def train_spirals(profile: str = "full", resume: bool = False) -> None:
    """Train the flow of the live figure: a soft spline flow on two spirals."""
    n_steps = profiles.get(profile).pick(quick=300, full=12_000)
    flow, history = fit(
        "spline", "spirals", True, n_steps=n_steps, run_dir=BUILD / "runs" / f"{SPIRALS}-{profile}", resume=resume
    )
    metrics = {"loss": float(np.mean(history.losses[-100:]))}
    metrics |= {f"at_noise_{noise}": _score(flow, "spirals", noise, 0) for noise in NOISES}
    print(f"two spirals: mean distance {metrics['at_noise_0.0']['distance']:.3f} at c = 0")
    if profile == "full":
        card = {
            "description": "soft spline flow on two spirals, four blocks of 64-64 (helpers.microgels.flow_records)",
            "command": f"python -m helpers train {SPIRALS} --profile full",
            "seed": 0,
            "steps": n_steps,
            "hardware": "one CPU thread",
            "cpu_s": round(history.cpu_s),
            "metrics": metrics,
            "known_failures": "A flow cannot tear the plane: thin bridges of samples join the two spirals.",
        }
        print(checkpoints.save(SPIRALS, flow, card))


def load(name: str = SPIRALS) -> flows.Flow:
    """Return the shipped flow of the live figure."""
    state, _ = checkpoints.load(name)
    flow = build("spline", True)
    flow.load_state_dict(state)
    return flow.eval()
