"""Recorded comparisons of lesson 06: too long for a lesson, made again by ``python -m helpers bench NAME``."""

import itertools
import math
import time
from functools import partial

import numpy as np
import torch

from helpers.common import checkpoints, profiles, progress, results, training
from helpers.nanoparticles import (
    angles,
    augmentation,
    cards,
    classifiers,
    particles,
    poses,
    probes,
    ssrvae,
    stress,
    trials,
    vae_objective,
    vae_parts,
)
from helpers.nanoparticles.ssrvae import SSRVAE

__all__ = [
    "bound",
    "compare_angle_priors",
    "compare_drawing",
    "compare_particles",
    "compare_suits",
    "count_labels",
    "count_stuck",
    "measure_steps",
    "probe_contents",
    "rung",
    "stress_suits",
    "train_particles",
    "train_ssrvae",
    "train_suits",
]

SEEDS = (0, 1, 2)
STUCK_SEEDS = tuple(range(100, 132))
TRAINED_AT_DEG = {"ss-rVAE": 180, "ss-rVAE, noise": 180, "CNN, pseudo-labels": 180}  # the others at 60, as the original
STRESSED = ("CNN", "CNN, noise", "ss-rVAE", "ss-rVAE, noise")
NOISE_SD = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)
DENSITIES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
INTENSITIES = (0.1, 0.3, 0.5, 0.8, 1.0)
MAP_ANGLES_DEG = (0, 30, 60, 90, 120, 150, 180)
MAP_SHEARS_DEG = (0, 5, 10, 15, 20, 25, 30)
DRAWS = (0, 1, 2, 3, 4)
LAWS = {"upright": (1, 2, 5, 15, 50, 200), "any pose": (5, 15)}  # how labelled cards lie, labels per class
LADDER = {  # what changes against the table, so that 120 trainings take 90 CPU minutes
    "CNN": {},
    "CNN, pseudo-labels": {"n_steps": 600},
    "ss-rVAE": {"n_steps": 1000, "learning_rate": 3e-3},
}
_MODEL = [angles, cards, poses, ssrvae, vae_objective, vae_parts]
_SUITS = [*_MODEL, augmentation, classifiers, trials]


def compare_suits() -> None:
    """Record how many cards of unseen sets every way to learn names correctly, over three seeds."""
    unseen, values = {angle: trials.unseen_suits(angle_deg=angle) for angle in trials.ANGLES_DEG}, {}
    for name in trials.LEARNERS:
        values[name] = [_judge_suits(_of_suits(name, seed), unseen) for seed in SEEDS]
        print(name, values[name], flush=True)
    _record("suits", {"n_each": 4000, "learners": values}, SEEDS)


def _of_suits(name, seed):
    """Return a learner trained on the cards of the original; a training that is already done is re-used."""
    lesson = trials.lesson_of_suits(TRAINED_AT_DEG.get(name, 60), seed)
    return trials.train(name, lesson, seed, run=_run_name(name))


def _judge_suits(trained, unseen):
    """Return accuracy by angle, and the confusion matrix at 60 degrees: row true, column named."""
    named = {angle: trained.classify(images).argmax(axis=1) for angle, (images, _) in unseen.items()}
    row = {"cpu_s": round(trained.cpu_s, 1), "accuracy": _accuracies(named, unseen)}
    if isinstance(trained.model, SSRVAE):
        exact = {angle: trained.model.classify(images, "exact").argmax(axis=1) for angle, (images, _) in unseen.items()}
        row["accuracy_exact"] = _accuracies(exact, unseen)
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (unseen[60][1], named[60]), 1)
    return row | {"confusion": confusion.tolist()}


def _accuracies(named, unseen):
    return {str(angle): float((named[angle] == labels).mean()) for angle, (_, labels) in unseen.items()}


def stress_suits() -> None:
    """Record what noise, contamination, shear and angle do to a network and an ss-rVAE, trained clean or with noise."""
    values = {name: [_stress(_of_suits(name, seed).classify) for seed in SEEDS] for name in STRESSED}
    grid = {"noise_sd": NOISE_SD, "density": DENSITIES, "intensity": INTENSITIES}
    grid |= {"angle_deg": MAP_ANGLES_DEG, "shear_deg": MAP_SHEARS_DEG}
    _record("stress", {"n_each": 2000, "n_each_of_map": 400, "grid": grid, "learners": values}, SEEDS)


def _stress(classify):
    images, labels = trials.unseen_suits(500)

    def share(shown, truth=labels):
        return float((classify(shown).argmax(axis=1) == truth).mean())

    noise = [share(stress.add_noise(images, sd, np.random.default_rng([7, k]))) for k, sd in enumerate(NOISE_SD)]
    contamination = [
        [share(stress.contaminate(images, density, value, np.random.default_rng([8, k]))) for value in INTENSITIES]
        for k, density in enumerate(DENSITIES)
    ]
    maps = [
        [share(*trials.unseen_suits(100, angle_deg=angle, shear_deg=shear)) for angle in MAP_ANGLES_DEG]
        for shear in MAP_SHEARS_DEG
    ]
    hard = {str(angle): share(*trials.unseen_suits(500, angle_deg=angle, shear_deg=30)) for angle in (60, 180)}
    print({"noise": noise, "contamination": contamination, "shear_30": hard}, flush=True)
    return {"noise": noise, "contamination": contamination, "map": maps, "shear_30": hard}


def probe_contents() -> None:
    """Record what stands in the latents of each of three ss-rVAEs, and the bound by which one of them is shipped."""
    images, labels, given = cards.make(500, 180, rng=np.random.default_rng(11))
    rows = []
    for seed in SEEDS:
        model = _of_suits("ss-rVAE", seed).model
        shares = probes.table(model, images, labels, given)
        rows.append({"bound": bound(model), "shares": shares.tolist()})
        print(seed, rows[-1]["bound"], shares.round(2), flush=True)
    values = {"factors": probes.FACTORS, "latents": probes.LATENTS, "seeds": rows, "particles": _probe_particles()}
    _record("contents", values, SEEDS, [*_SUITS, particles, probes])


def _probe_particles():
    """Return what the content of the ss-rVAEs of clusters tells of mean radius and background, (3 seeds, 2)."""
    images, labels, clusters = particles.make(300, rng=np.random.default_rng(12))
    true, shares = np.column_stack([clusters.radius_px, clusters.background]), []
    for seed in SEEDS:
        model = _of_particles("ss-rVAE", seed).model
        each = [probes.linear(model.encode(images[labels == y], y).z, true[labels == y]) for y in range(4)]
        shares.append(np.mean(each, axis=0).tolist())
        print("radius and background in the content:", shares[-1], flush=True)
    return shares


def bound(model: SSRVAE) -> float:
    """Return the mean bound log p(x) >= -U of the validation cards at any angle, in nats: it needs no label."""
    images = trials.unseen_suits(250, validation=True, angle_deg=180)[0]
    x = poses.pool(torch.from_numpy(images), model.size)
    noise = torch.randn(len(x), model.n_classes, model.n_noise, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        parts = zip(x.split(250), noise.split(250), strict=True)
        return -float(torch.cat([vae_objective.unlabelled(model, *part)[0] for part in parts]).mean())


def count_labels() -> None:
    """Record accuracy against the number of labels, with and without unlabelled images, upright labels or any."""
    images, labels = trials.unseen_suits(500, angle_deg=180)
    values = {law: {name: [] for name in (*LADDER, "ss-rVAE, by the decoder")} for law in LAWS}
    for law, learners in values.items():
        for n in LAWS[law]:
            rows = {name: [] for name in learners}
            for name, draw in itertools.product(LADDER, DRAWS):
                trained = rung(law, n, name, draw)
                rows[name].append(float((trained.classify(images).argmax(axis=1) == labels).mean()))
                if isinstance(trained.model, SSRVAE):
                    exact = trained.model.classify(images, "exact").argmax(axis=1)
                    rows["ss-rVAE, by the decoder"].append(float((exact == labels).mean()))
            for name, row in rows.items():
                learners[name].append(row)  # (rungs, draws)
            print(law, n, rows, flush=True)
    _record("label-ladder", {"n_labels": LAWS, "n_each": 2000, "laws": values}, DRAWS)


def rung(law: str, n_labels: int, name: str, draw: int) -> trials.Trained:
    """Return a learner that knew n labelled cards of each suit, drawn by ``law`` (one of ``LAWS``)."""
    lesson = trials.lesson_of_suits(180, 100 + draw, n_labels, shifted=law == "upright")
    run = _run_name(f"ladder-{n_labels}-{law}-{name}")
    return trials.train(name, lesson, draw, run=run, **LADDER[name])


def compare_particles() -> None:
    """Record the recall of each class of nanoparticle clusters for every way to learn, over three seeds."""
    unseen = {"balanced": trials.unseen_particles(), "as published": trials.unseen_particles((289, 78, 34, 16))}
    values = {}
    for name in trials.PARTICLE_LEARNERS:
        values[name] = [_judge_particles(name, seed, unseen) for seed in SEEDS]
        print(name, values[name], flush=True)
    _record("particles", {"learners": values}, SEEDS, [*_SUITS, particles])


def _judge_particles(name, seed, unseen):
    trained = _of_particles(name, seed)
    row = {"cpu_s": round(trained.cpu_s, 1), "recall": trials.recalls(trained.classify, *unseen["balanced"]).tolist()}
    images, labels = unseen["as published"]
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (labels, trained.classify(images).argmax(axis=1)), 1)
    return row | {"balanced_accuracy": float(np.mean(row["recall"])), "confusion": confusion.tolist()}


def _of_particles(name, seed):
    """Return a learner trained on clusters in the numbers of the original; one that is done is re-used."""
    return trials.train(name, trials.lesson_of_particles(seed), seed, "particles", run=_run_name(name))


def compare_angle_priors() -> None:
    """Record how well the angle of each suit is found without labels, for three priors and for eight starts."""
    kinds = {name: {"angle": name} for name in angles.PRIORS} | {"normal, eight starts": {"starts": 8}}
    values = {}
    for angle in (60, 180):
        values[str(angle)] = {kind: {} for kind in kinds}
        for kind, settings in kinds.items():
            for suit in cards.SUITS:
                rows = [_find_angles(suit, angle, settings, seed, f"{suit}, {kind}") for seed in SEEDS]
                values[str(angle)][kind][suit] = rows
                print(angle, kind, suit, rows, flush=True)
    _record("angle-priors", {"n_each": 1000, "ranges": values}, SEEDS, _MODEL)


def _find_angles(suit, angle_deg, settings, seed, label):
    """Return the median error of the angle of one suit (degrees), its share above 20 degrees, and the loss."""
    fresh, true = _turned(suit, 1000, angle_deg, 10)
    model = training.initialise(partial(SSRVAE, 1, **settings), seed)
    history = model.fit(unlabelled=_turned(suit, 2000, angle_deg, 20 + seed)[0], n_steps=600, seed=seed, label=label)
    error = angles.errors(model.encode(fresh).angle, true, cards.FOLD[suit])
    found = {"median_deg": float(np.degrees(np.median(error))), "off": float((error > math.radians(20)).mean())}
    return found | {"loss": float(np.mean(history.losses[-100:]))}


def compare_drawing() -> None:
    """Record how well unseen images are drawn from five numbers, three of them a pose or none, and at what cost.

    Cards, few and many, and clusters; two lengths of training each, about equal in CPU time.
    """
    kinds = {"plain VAE": ({"latent_dim": 5, "invariances": ()}, (1000, 8000)), "rVAE": ({"starts": 8}, (200, 1500))}
    values = {}
    for world, draw in WORLDS.items():
        values[world] = {kind: {str(n): [] for n in lengths} for kind, (_, lengths) in kinds.items()}
        for seed, (kind, (settings, lengths)) in itertools.product(SEEDS, kinds.items()):
            for n in lengths:
                values[world][kind][str(n)].append(_drawn(draw, settings, n, seed, f"{world}, {kind}"))
        print(world, values[world], flush=True)
    _record("drawing", {"worlds": values}, SEEDS, [*_MODEL, particles, trials])


def _drawn(draw, settings, n_steps, seed, label):
    """Return the root-mean-square error of a pixel of unseen images, and the CPU time of the training."""
    images, unseen, options = draw(seed)
    model = training.initialise(partial(SSRVAE, 1, **options, **settings), seed)
    history = model.fit(unlabelled=images, n_steps=n_steps, seed=seed, label=label)
    truth = poses.pool(torch.from_numpy(unseen), model.size).numpy()
    error = np.sqrt(((model.reconstruct(unseen) - truth) ** 2).mean())
    return {"error": float(error), "cpu_s": round(history.cpu_s, 1)}


def _cards_to_draw(n, seed):
    images, unseen = (cards.make(m, 60, rng=np.random.default_rng([k, seed]))[0] for m, k in ((n, 13), (1000, 14)))
    return images, unseen, {}


def _clusters_to_draw(seed):
    unseen = trials.unseen_particles(250)[0]
    return trials.lesson_of_particles(seed).unlabelled, unseen, {"size": 20, "likelihood": "gaussian"}


WORLDS = {
    "3000 cards": partial(_cards_to_draw, 750),  # of each suit
    "12,000 cards": partial(_cards_to_draw, 3000),
    "417 clusters": _clusters_to_draw,
}


def count_stuck() -> None:
    """Record the wrong angles and the loss of two short trainings from eight starts, for each of 32 sets of cards."""
    values = {}
    for suit in ("club", "heart"):
        pairs = progress.track(STUCK_SEEDS, suit, len(STUCK_SEEDS))
        values[suit] = [[_train_shortly(suit, seed, first) for first in (2 * seed, 2 * seed + 1)] for seed in pairs]
    _record("stuck-trainings", {"n_steps": 150, "suits": values}, STUCK_SEEDS, _MODEL)


def _train_shortly(suit, seed, first):
    """Return the share of unseen cards off by more than 20 degrees, and the loss of the last steps."""
    images, true = _turned(suit, 1500, 60, seed)
    model = training.initialise(partial(SSRVAE, 1, starts=8), first)
    history = model.fit(unlabelled=images[:1200], n_steps=150, seed=first, label=f"{suit} {first}")
    error = angles.errors(model.encode(images[1200:]).angle, true[1200:])
    return {"off": float((error > math.radians(20)).mean()), "loss": float(np.mean(history.losses[-20:]))}


def _turned(suit, n, angle_deg, seed):
    """Return n images of a suit, turned within +-angle_deg and shifted, and their angles in rad."""
    rng = np.random.default_rng(seed)
    angle, (right, down) = rng.uniform(-angle_deg, angle_deg, n), rng.uniform(-0.1, 0.1, (2, n))
    return cards.draw(suit, angle, shift_x=right, shift_y=down), np.radians(angle)


def measure_steps() -> None:
    """Record the CPU time of a training step with the coordinate decoder and with the template, in one run."""
    torch.set_num_threads(1)  # two threads beside another busy process wait for each other
    values = {}
    for size, n_steps in ((24, 6), (48, 3)):
        images, labels, _ = cards.make(16, 60, size=size, rng=np.random.default_rng(0))
        cost = {}
        for decoder, repeat in (("coordinate", 1), ("template", 20)):
            model = training.initialise(lambda: SSRVAE(4, size=size, decoder=decoder, y_encoder="mlp"), 0)  # noqa: B023
            model.fit(images, labels, images, n_steps=1)
            start = time.process_time()
            model.fit(images, labels, images, n_steps=n_steps * repeat)
            cost[decoder] = (time.process_time() - start) / (n_steps * repeat)
        values[str(size)] = cost | {"ratio": cost["coordinate"] / cost["template"]}
        print(size, values[str(size)], flush=True)
    _record("vae-steps", {"sizes": values, "threads": torch.get_num_threads()}, (0,), _MODEL)


# --- shipped weights --------------------------------------------------------------------------------------------------


def train_ssrvae(profile: str = "full", resume: bool = False) -> None:
    """Train the ss-rVAE of the card suits from three seeds, and ship the one with the highest bound."""
    lesson, seeds = trials.lesson_of_suits, SEEDS if profile == "full" else SEEDS[:1]
    models = [_train("ss-rVAE", lesson(180, seed), seed, profile, resume) for seed in seeds]
    best = int(np.argmax([bound(trained.model) for trained in models]))
    words = "Joint ss-rVAE of card suits at any angle, eight starts, 24 px; of three seeds that with the highest bound."
    _ship("ssrvae", models[best], best, profile, words, trials.unseen_suits(angle_deg=180))


def train_suits(profile: str = "full", resume: bool = False) -> None:
    """Train the shipped classifier of card suits, with noise."""
    trained = _train("CNN, noise", trials.lesson_of_suits(60), 0, profile, resume)
    words = "Network on 800 labelled upright cards, posed and disturbed at random, 24 px."
    _ship("suits", trained, 0, profile, words, trials.unseen_suits(angle_deg=180))


def train_particles(profile: str = "full", resume: bool = False) -> None:
    """Train the shipped classifier of nanoparticle clusters."""
    trained = _train("CNN, pseudo-labels", trials.lesson_of_particles(), 0, profile, resume, "particles")
    words = "Network on 60 labelled and 417 unlabelled simulated clusters of gold spheres, 20 px."
    _ship("particles", trained, 0, profile, words, trials.unseen_particles())


def _train(name, lesson, seed, profile, resume, kind="suits"):
    """Return a learner, trained again unless its state is to be resumed; in quick for 20 steps."""
    short = {} if profiles.get(profile).name == "full" else {"n_steps": 20}
    run = _run_name(name) + ("" if profile == "full" else "-quick")
    return trials.train(name, lesson, seed, kind, run=run, resume=resume, **short)


def _ship(name, trained, seed, profile, description, unseen):
    recall = trials.recalls(trained.classify, *unseen)
    print(name, "recall of each class on unseen images:", recall.round(3))
    if profile != "full":
        return
    card = {
        "description": description,
        "command": f"python -m helpers train {name} --profile full",
        "seed": seed,
        "cpu_s": round(trained.cpu_s),
        "hardware": "one CPU thread",
        "settings": trained.model.settings,
        "metrics": {"recall": recall.tolist(), "balanced_accuracy": float(recall.mean())},
        "known_failures": "Learned from drawn or simulated images; others are named, too, and as confidently.",
    }
    print(checkpoints.save(name, trained.model, card))


def _run_name(name):
    return name.replace(", ", "-").replace(" ", "-")


def _record(name, values, seeds, sources=_SUITS):
    print(results.record(name, values, command=f"python -m helpers bench {name}", seeds=list(seeds), sources=sources))
