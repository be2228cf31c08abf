"""The networks of the original at their own task: effective D, on fresh movies of one D, scored on its tracks."""

from functools import partial
from itertools import pairwise

import numpy as np

from helpers.common import check, data, profiles, results, training
from helpers.common.places import BUILD
from helpers.molecules import io, networks, original, replicas, scores, worlds

__all__ = [
    "MOVIES",
    "NETWORKS",
    "overfit",
    "scaled",
    "source_of_tracks",
    "train_park",
    "train_replica",
    "train_resnet2d",
    "train_resnet3d",
    "train_resnet3d_temporal",
    "validate",
    "validation_tracks",
]

NETWORKS = {
    "park": replicas.ParkCNN,
    "resnet2d": replicas.ResNet2D,
    "resnet3d": replicas.ResNet3D,
    "resnet3d-temporal": partial(replicas.ResNet3D, temporal=True),
}
MOVIES = {"park": 73_600, "resnet2d": 73_600, "resnet3d": 18_400, "resnet3d-temporal": 4_800}  # 73,600 was its budget
PRECISION = {"park": "32-true"}  # the others compute in 16 bits: half the time
BINS = np.arange(0, 60, 10)  # bins of the label, units
FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)


def train_replica(name: str, profile: str = "full", resume: bool = False, seed: int = 0) -> None:
    """Train one network of the original as it was: fresh movies of D = 20 units, batches of 16, effective D.

    The full profile records its errors on the original's validation tracks; the weights (up to 20 MB) stay in
    build/runs and are not shipped.
    """
    full = profiles.get(profile).pick(quick=False, full=True)
    n_movies = MOVIES[check.choice("name", name, MOVIES)] if full else 320
    model = training.initialise(NETWORKS[name], seed)
    history = training.fit(
        model,
        replicas.batches(),
        replicas.squared_error,
        n_steps=n_movies // 16,
        learning_rate=1e-3,
        seed=seed,
        run_dir=BUILD / "runs" / f"{name}-{profile}",
        resume=resume,
        save_every=100,
        accelerator="auto",
        precision=PRECISION.get(name, "bf16-mixed"),
        label=name,
    )

    def answer(images, turns=False):
        return networks.predict(model, images, turns) / worlds.UNIT

    values = {
        "movies": n_movies,
        "parameters": sum(part.numel() for part in model.parameters()),
        "tracks": source_of_tracks(),
        "cpu_s": round(history.cpu_s),
        "training_losses": [float(part.mean()) for part in np.array_split(np.array(history.losses), 20)],
        "validation": validate(answer),
        "validation_turned": validate(partial(answer, turns=True)),
        "scaled": scaled(answer),
    }
    print(
        f"{name}: effective D with RMSE {values['validation']['rmse']:.3g}, turned "
        f"{values['validation_turned']['rmse']:.3g}, MAE {values['validation']['mae']:.3g} units"
    )
    if full:
        command, sources = f"python -m helpers train {name} --profile full", [original, replicas, scores]
        print(results.record(f"replica-{name}", values, command=command, seeds=[seed], sources=sources))


def source_of_tracks() -> str:
    """Return whose tracks ``validation_tracks`` returns: "the original's" or "simulated"."""
    return "the original's" if data.available("molecule_movies") else "simulated"


def validation_tracks() -> np.ndarray:
    """Return the original's 250 tracks where they are on this machine, else as many of our own with the same labels."""
    if source_of_tracks() == "the original's":
        return io.read_validation(data.fetch("molecule_movies"))
    return original.validation_tracks(np.random.default_rng(50_001))


def validate(answer, n_draws: int = 10, paths_nm=None) -> dict:
    """Return errors of ``answer(images)`` (n,) against effective D, in its units, over draws of the noise.

    rmse and mae with 95 % intervals over tracks, both for each draw, and both in bins of the label.
    """
    paths_nm = validation_tracks() if paths_nm is None else paths_nm
    label = original.effective_D(paths_nm)
    movies = (original.emulate(paths_nm, np.random.default_rng([50_002, draw])) for draw in range(n_draws))
    answers = np.array([answer(images) for images in movies])
    bins = [(label >= low) & (label < high) for low, high in pairwise(BINS)]
    draws = [_errors(label, found[None]) for found in answers]
    return {
        **_errors(label, answers),
        "rmse_draws": [found["rmse"] for found in draws],
        "mae_draws": [found["mae"] for found in draws],
        "bins": [_errors(label[inside], answers[:, inside]) for inside in bins if inside.any()],
    }


def _errors(label, answers):
    """Return rmse and mae of answers (draws, n), with intervals over the tracks."""
    found = {}
    for name, loss, finish in (("rmse", np.square, np.sqrt), ("mae", np.abs, np.asarray)):
        found[name], found[f"{name}_interval"] = scores.mean_interval(loss(answers - label).mean(axis=0), finish)
    return found


def scaled(answer) -> list[dict]:
    """Return how ``answer`` moves when the same movies are recorded brighter: factor, median answer, rmse."""
    paths_nm = validation_tracks()
    label, images = original.effective_D(paths_nm), original.emulate(paths_nm, np.random.default_rng(50_003))
    rows = []
    for factor in FACTORS:
        found = answer(factor * images)
        rmse = float(np.sqrt(((found - label) ** 2).mean()))
        rows.append({"factor": factor, "median": float(np.median(found)), "rmse": rmse})
    return rows


def overfit(n_fixed: int = 2000, n_steps: int = 1500, seed: int = 0) -> None:
    """Record the errors of ParkCNN while it trains on a fixed set of movies, or on fresh ones, as ``overfitting``."""
    held_out = replicas.batches(size=500)(np.random.default_rng(50_004), 0)
    runs = {}
    for name, fixed in (("fixed", n_fixed), ("fresh", None)):
        history = training.fit(
            training.initialise(replicas.ParkCNN, seed),
            replicas.batches(n_fixed=fixed),
            replicas.squared_error,
            n_steps=n_steps,
            learning_rate=1e-3,
            seed=seed,
            evaluate=lambda model: {"loss": replicas.squared_error(model, *held_out)},
            evaluate_every=n_steps // 15,
            label=f"park, {name} movies",
        )
        runs[name] = {
            "steps": [entry["step"] for entry in history.evaluations],
            "rmse_training": [float(np.sqrt(part.mean())) for part in np.array_split(np.array(history.losses), 15)],
            "rmse_held_out": [float(np.sqrt(entry["loss"])) for entry in history.evaluations],
        }
    values = {"n_fixed": n_fixed, "runs": runs}
    command, sources = "python -m helpers bench overfitting", [original, replicas]
    print(results.record("overfitting", values, command=command, seeds=[seed], sources=sources))


train_park, train_resnet2d, train_resnet3d, train_resnet3d_temporal = (
    partial(train_replica, name) for name in NETWORKS
)
