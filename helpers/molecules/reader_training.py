"""How TrackAndBlob is trained: fresh movies without end, each used a few times under the symmetries of the plane."""

import platform
from functools import lru_cache, partial

import numpy as np
import torch

from helpers.common import checkpoints, data, profiles, results, training
from helpers.common.places import BUILD
from helpers.molecules import io, networks, original, reader, replicas, scores, worlds
from helpers.molecules.views import Views, look, turn

__all__ = [
    "SEEDS",
    "batches",
    "evaluate",
    "train",
    "train_molecules",
    "train_original",
    "train_physical",
    "train_world",
]

BATCH, POOL, USES = 32, 512, 3  # movies per step; movies simulated at a time; times that each is used
SEEDS = (0, 1, 2)
REPLICA_MOVIES = 73_600
REPLICAS = {"park": replicas.ParkCNN, "resnet2d": replicas.ResNet2D, "resnet3d": replicas.ResNet3D}
LEARNING_RATE = 3e-3


def batches(world: str, seed: int, target: str = "D"):
    """Return ``make_batch(rng, step)`` for ``training.fit``: five views and the target of 32 movies, px^2 per frame.

    "D" comes from the training prior; "effective D" is the label of the original, from the D that it is trained on.
    512 movies at a time are simulated and localised. Each is used three times, in another order and under another of
    the 16 symmetries (four turns, mirror, time reversal) that leave D as it is.
    """
    per_pool = POOL * USES // BATCH

    @lru_cache(maxsize=1)
    def pool(number):
        rng = np.random.default_rng([seed, number, 1])
        D = (worlds.training_D if target == "D" else worlds.effective_training_D)(POOL, rng)
        images, paths_px = worlds.film(world, D, rng, exact=False)
        D = D if target == "D" else worlds.effective_D(paths_px)
        views = look(images, worlds.WORLDS[world])
        order = np.concatenate([rng.permutation(POOL) for _ in range(USES)])
        return views, torch.as_tensor(D, dtype=torch.float32), order

    def make_batch(rng, step):
        views, D, order = pool(step // per_pool)
        start = step % per_pool * BATCH
        index = order[start : start + BATCH]
        mirror, backwards = rng.random(2) < 0.5
        return *turn(Views(*(part[index] for part in views)), int(rng.integers(4)), mirror, backwards), D[index]

    return make_batch


def train(world: str, n_steps: int, seed: int = 0, cues=reader.CUES, target="D", run_dir=None, resume: bool = False):
    """Train one network in one world by its negative log-likelihood; return it with the history of the run."""
    build = partial(reader.TrackAndBlob, cues=cues, unit=worlds.WORLDS[world], target=target)
    model = training.initialise(build, seed)
    history = training.fit(
        model,
        batches(world, seed, target),
        reader.negative_log_likelihood,
        n_steps=n_steps,
        learning_rate=LEARNING_RATE,
        seed=seed,
        run_dir=run_dir,
        resume=resume,
        label=f"{world}, seed {seed}",
    )
    return model, history


def evaluate(model: reader.TrackAndBlob, world: str, n_movies: int = 5000, seed: int = 30_001) -> dict:
    """Return errors with 95 % intervals on movies with exact noise that no network saw; D uniform, 1..50 units."""
    rng = np.random.default_rng(seed)
    D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies)
    parts = [look(worlds.film(world, part, rng)[0], worlds.WORLDS[world]) for part in np.array_split(D, 20)]
    known = reader.posterior(reader.mixtures(model, parts), worlds.training_prior(), worlds.comparison_prior())
    return {"n_movies": n_movies, "test_seed": seed, **scores.errors(D, known.mean, *known[1:])}


def train_world(world: str, profile: str = "full", resume: bool = False) -> None:
    """Train three networks in one world; the full profile writes them with their cards, quick only reports one."""
    n_steps, seeds = profiles.get(profile).pick(quick=(900, SEEDS[:1]), full=(15_000, SEEDS))
    for seed in seeds:
        run_dir = BUILD / "runs" / f"reader-{world}-{profile}-{seed}"
        model, history = train(world, n_steps, seed, run_dir=run_dir, resume=resume)
        metrics = evaluate(model, world)
        print(
            f"{world}, seed {seed}: "
            + ", ".join(f"{k} {metrics[k]:.4g}" for k in ("rmse", "mae", "rms_log", "coverage"))
        )
        if profile != "full":
            continue
        card = {
            "description": f"D of a 16-frame movie as a distribution, trained in the {world} world (helpers.molecules"
            ".worlds); D in px^2 per frame",
            "command": f"python -m helpers train molecules-{world} --profile full",
            "seed": seed,
            "steps": n_steps,
            "hardware": f"{platform.machine()}, one CPU thread",
            "cpu_s": round(history.cpu_s),
            "metrics": metrics,
            "known_failures": "Trained on 16 frames of one molecule near the middle of the field, an open shutter, D "
            "from 0.1 to 25 px^2 per frame and one width of the PSF. Two molecules in a window, or another PSF, shift "
            "the answer without a warning.",
        }
        print(checkpoints.save(f"molecules-{world}-{seed}", model, card))


train_original, train_physical = partial(train_world, "original"), partial(train_world, "physical")


def train_replica(name: str, profile: str = "full", resume: bool = False, seed: int = 0) -> None:
    """Train one network of the original as it was: 73,600 fresh movies of D = 20 units, batches of 16, effective D.

    The full profile records its errors on the original's validation tracks; the weights (up to 20 MB) stay in
    build/runs and are not shipped.
    """
    full = profiles.get(profile).pick(quick=False, full=True)
    n_movies = REPLICA_MOVIES if full else 320
    model = training.initialise(REPLICAS[name], seed)
    history = training.fit(
        model,
        replicas.batches(),
        replicas.squared_error,
        n_steps=n_movies // 16,
        learning_rate=1e-3,
        seed=seed,
        run_dir=BUILD / "runs" / f"{name}-{profile}",
        resume=resume,
        accelerator="auto",
        label=name,
    )
    values = {
        "movies": n_movies,
        "cpu_s": round(history.cpu_s),
        "training_losses": [float(part.mean()) for part in np.array_split(np.array(history.losses), 20)],
        "validation": validate(lambda images: networks.predict(model, images) / worlds.UNIT),
        "validation_turned": validate(lambda images: networks.predict(model, images, turns=True) / worlds.UNIT),
    }
    rmse, mae = (np.mean([draw[key] for draw in values["validation"]]) for key in ("rmse", "mae"))
    print(f"{name}: effective D with RMSE {rmse:.3g}, MAE {mae:.3g} units on the validation tracks")
    if full:
        command, sources = f"python -m helpers train {name} --profile full", [original, replicas, scores]
        print(results.record(f"replica-{name}", values, command=command, seeds=[seed], sources=sources))


def validate(answer, n_draws: int = 10) -> list[dict]:
    """Return errors of ``answer(images)`` (n,) against effective D, in its units, for draws of the noise.

    The tracks are the original's 250 where they are on this machine, else as many of our own with the same labels.
    """
    if data.available("molecule_movies"):
        paths_nm = io.read_validation(data.fetch("molecule_movies"))
    else:
        paths_nm = original.validation_tracks(np.random.default_rng(50_001))
    label, found = original.effective_D(paths_nm), []
    for draw in range(n_draws):
        images = original.emulate(paths_nm, np.random.default_rng([50_002, draw]))
        found.append(scores.errors(label, answer(images)))
    return found


train_park, train_resnet2d, train_resnet3d = (partial(train_replica, name) for name in ("park", "resnet2d", "resnet3d"))


def train_molecules(profile: str = "full", resume: bool = False) -> None:
    """Train the networks of both worlds."""
    train_original(profile, resume)
    train_physical(profile, resume)
