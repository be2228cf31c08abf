"""How TrackAndBlob is trained: fresh movies without end, each used a few times under the symmetries of the plane."""

import platform
from functools import lru_cache, partial

import numpy as np
import torch

from helpers.common import check, checkpoints, profiles, training
from helpers.common.places import BUILD
from helpers.molecules import reader, scores, worlds
from helpers.molecules.views import Views, look, turn

__all__ = [
    "SEEDS",
    "STEPS",
    "batches",
    "evaluate",
    "train",
    "train_effective",
    "train_frames",
    "train_molecules",
    "train_original",
    "train_physical",
    "train_recordings",
    "train_task",
]

BATCH, POOL, USES = 32, 512, 3  # movies per step; movies simulated at a time; times that each is used
SEEDS = (0, 1, 2)
STEPS = {"original": 15_000, "physical": 15_000, "effective": 8_000, "frames": 8_000, "recordings": 8_000}
LEARNING_RATE = 3e-3


def batches(task: str, seed: int, draw_D=None, uses: int = USES):
    """Return ``make_batch(rng, step)`` for ``training.fit``: five views and the target of 32 movies, px^2 per frame.

    ``task`` is one of ``worlds.TASKS``. D comes from ``draw_D(n, rng)``, by default from the prior of the task.
    512 movies at a time are simulated and localised. Each is used ``uses`` times, in another order and under another of
    the 16 symmetries (four turns, mirror, time reversal) that leave D as it is.
    """
    world, target, (fewest, most) = worlds.TASKS[check.choice("task", task, worlds.TASKS)]
    draw_D = draw_D or _law(world, target)
    per_pool = POOL * check.whole("uses", uses) // BATCH

    @lru_cache(maxsize=1)
    def pool(number):
        rng = np.random.default_rng([seed, number, 1])
        D = draw_D(POOL, rng)
        n_frames = round(np.exp(rng.uniform(np.log(fewest), np.log(most))))
        images, paths_px = worlds.film(world, D, rng, exact=False, n_frames=n_frames)
        D = D if target == "D" else worlds.effective_D(paths_px)
        views = look(images, worlds.WORLDS[world])
        order = np.concatenate([rng.permutation(POOL) for _ in range(uses)])
        return views, torch.as_tensor(D, dtype=torch.float32), order

    def make_batch(rng, step):
        views, D, order = pool(step // per_pool)
        start = step % per_pool * BATCH
        index = order[start : start + BATCH]
        mirror, backwards = rng.random(2) < 0.5
        return *turn(Views(*(part[index] for part in views)), int(rng.integers(4)), mirror, backwards), D[index]

    return make_batch


def _law(world, target):
    """Return ``draw_D(n, rng)`` of the training movies."""
    return worlds.effective_training_D if target == "effective D" else partial(worlds.training_D, world=world)


def train(task: str, n_steps: int, seed: int = 0, build=None, make_batch=None, loss=None, **options):
    """Train one network for a task by its negative log-likelihood; return it with the history of the run.

    ``build()``, ``make_batch`` and ``loss`` replace the network, its movies and its loss; ``options`` go to
    ``training.fit``.
    """
    world, target, _ = worlds.TASKS[check.choice("task", task, worlds.TASKS)]
    model = training.initialise(build or partial(reader.TrackAndBlob, world=world, target=target), seed)
    history = training.fit(
        model,
        make_batch or batches(task, seed),
        loss or reader.negative_log_likelihood,
        n_steps=n_steps,
        learning_rate=LEARNING_RATE,
        seed=seed,
        label=f"{task}, seed {seed}",
        **options,
    )
    return model, history


def evaluate(model: reader.TrackAndBlob, n_movies: int = 5000, seed: int = 30_001) -> dict:
    """Return errors with 95 % intervals on movies with exact noise that no network saw.

    Networks for D in the worlds of the comparison get D uniform in 1..50 units and this prior, others their own.
    """
    rng, n_movies = np.random.default_rng(seed), check.whole("n_movies", n_movies, at_least=20)
    fair = model.target == "D" and model.world != "recordings"
    D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies) if fair else _law(model.world, model.target)(n_movies, rng)
    truth, parts = [], []
    for part in np.array_split(D, 20):
        images, paths_px = worlds.film(model.world, part, rng)
        truth.append(part if model.target == "D" else worlds.effective_D(paths_px))
        parts.append(look(images, model.unit))
    prior = worlds.comparison_prior() if fair else model.prior
    known = reader.posterior(reader.mixtures(model, parts), model.prior, prior)
    return {"n_movies": n_movies, "test_seed": seed, **scores.errors(np.concatenate(truth), known.mean, *known[1:])}


def train_task(task: str, profile: str = "full", resume: bool = False) -> None:
    """Train the networks of one task; the full profile writes them with their cards, quick only reports one."""
    seeds = SEEDS if task in worlds.WORLDS and task != "recordings" else SEEDS[:1]
    n_steps, seeds = profiles.get(profile).pick(quick=(900, SEEDS[:1]), full=(STEPS[task], seeds))
    for seed in seeds:
        run_dir = BUILD / "runs" / f"reader-{task}-{profile}-{seed}"
        model, history = train(task, n_steps, seed, run_dir=run_dir, resume=resume, accelerator="auto")
        metrics = evaluate(model)
        print(
            f"{task}, seed {seed}: "
            + ", ".join(f"{k} {metrics[k]:.4g}" for k in ("rmse", "mae", "rms_log", "coverage"))
        )
        if profile == "full":
            print(
                checkpoints.save(f"molecules-{task}-{seed}", model, _card(task, seed, n_steps, history.cpu_s, metrics))
            )


def _card(task, seed, n_steps, cpu_s, metrics):
    world, target, (fewest, most) = worlds.TASKS[task]
    frames = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return {
        "description": f"{target} of a movie of {frames} frames as a distribution, trained in the world {world!r} "
        "(helpers.molecules.worlds); px^2 per frame",
        "command": f"python -m helpers train molecules-{task} --profile full",
        "seed": seed,
        "steps": n_steps,
        "hardware": f"{platform.machine()}, one CPU thread",
        "cpu_s": round(cpu_s),
        "metrics": metrics,
        "known_failures": "Trained on one molecule near the middle of the field, an open shutter, the D, photons and "
        "PSF of its world. Two molecules in a window, or another PSF, shift the answer without a warning.",
    }


train_original, train_physical, train_effective, train_frames, train_recordings = (
    partial(train_task, task) for task in worlds.TASKS
)


def train_molecules(profile: str = "full", resume: bool = False) -> None:
    """Train the networks of all tasks."""
    for task in worlds.TASKS:
        train_task(task, profile, resume)
