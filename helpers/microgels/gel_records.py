"""What lesson 05 records: generated gels against gels held out, at temperatures seen and not seen, and what matters."""

from functools import partial

import numpy as np
import torch
from scipy import stats
from scipy.spatial.transform import Rotation

from helpers.common import checkpoints, profiles, results
from helpers.common.places import BUILD
from helpers.microgels import clouds, density, flows, generation, metrics, softpointflow, splines, surface

__all__ = [
    "N_STEPS",
    "compare_gels",
    "leave_out",
    "mixture",
    "show_condition",
    "train_microgels",
    "unit_box",
    "watched",
]

N_STEPS = 1500
SPLITS = (0, 1, 2, 3, 4)
N_GENERATED = 40
N_RIVALS = 200  # gels of each law that is compared at a temperature left out, so that their number does not matter
N_SIMULATED = 100  # gels at each temperature
INTERIOR_C = (33, 35, 38, 43)
_SOURCES = [clouds, density, flows, generation, metrics, softpointflow, splines, surface]


def compare_gels() -> None:
    """Record how far generated gels are from gels held out, over five random splits, real and simulated."""
    values = {"n_steps": N_STEPS, "sources": {}}
    for source in generation.SOURCES:
        gels = generation.collect(source, N_SIMULATED)
        values["sources"][source] = [_one_split(gels, seed, f"{source}, split {seed}") for seed in SPLITS]
    _record("microgels", values, seeds=SPLITS)


def _one_split(gels, seed, label):
    train_on, held_out = generation.split(gels, seed)
    model, history = _train(train_on, seed, label)
    generator, found, generated = torch.Generator().manual_seed(seed), {}, {}
    for T in gels:
        generated[T] = model.sample(T, generation.N_POINTS, N_GENERATED, generator=generator)
        found[T] = generation.judge(generated[T], held_out[T], train_on[T])
        print(label, T, {key: round(value, 3) for key, value in found[T].items()}, flush=True)
    return {"cpu_s": round(history.cpu_s), "temperatures": found, **_as_sets(generated, held_out, train_on, seed)}


def _as_sets(generated, held_out, train_on, seed):
    """Return 1-NNA of generated against held-out gels, and the distance to the nearest training gel of both kinds.

    1-NNA also with every gel turned about z at random: the model knows no directions, but the data hold some.
    """
    thin = partial(clouds.thinned, n_points=generation.N_POINTS, rng=np.random.default_rng(seed))
    held = [thin(cloud) for T in held_out for cloud in held_out[T][:8]]
    new = [thin(cloud) for T in held_out for cloud in generated[T][: len(held_out[T][:8])]]
    known = [thin(cloud) for T in train_on for cloud in train_on[T][:12]]
    nearest = {name: metrics.minimum_chamfer(kind, known) for name, kind in (("generated", new), ("held_out", held))}
    rng = np.random.default_rng(seed)
    accuracy = metrics.one_nearest_neighbour_accuracy(held, new, rng=rng)
    turned = metrics.one_nearest_neighbour_accuracy(
        *([_turned(gel, rng) for gel in kind] for kind in (held, new)), rng=rng
    )
    accuracies = {"one_nearest_neighbour": accuracy, "one_nearest_neighbour_turned": turned}
    return {**accuracies, "n_each": len(held), "nearest": nearest}


def _turned(cloud, rng):
    """Return a cloud (N, 3) about its median, turned about z by a random angle."""
    return Rotation.from_euler("z", rng.uniform(0, 2 * np.pi)).apply(clouds.centred(cloud))


def _train(gels, seed, label):
    """Return a model and its history; a training that is already done is re-used."""
    run_dir = BUILD / "runs" / f"gels-{label.replace(', ', '-').replace(' ', '-')}"
    return generation.train(gels, N_STEPS, seed, run_dir=run_dir, resume=True, label=label)


def watched(gels, seed: int, n_batches: int = 4):
    """Return ``evaluate`` for ``generation.train``: the means of the three terms over fixed batches of these gels."""
    pairs = [(cloud, T) for T, some in gels.items() for cloud in some]
    make_batch = softpointflow.batches(*zip(*pairs, strict=True), shape_dim=4, largest_noise_nm=20.0)
    drawn = [make_batch(np.random.default_rng([seed, step]), step) for step in range(n_batches)]

    def evaluate(model):
        means = np.mean([[float(term.detach().mean()) for term in model(*batch)] for batch in drawn], axis=0)
        return dict(zip(softpointflow.Terms._fields, means.tolist(), strict=True)) | {"loss": -means.sum()}

    return evaluate


def leave_out() -> None:
    """Record generated gels at temperatures that training did not see, beside a mixture of the neighbours."""
    values = {"n_steps": N_STEPS, "sources": {}}
    for source in generation.SOURCES:
        gels, rows = generation.collect(source, N_SIMULATED), []
        for hidden in (*((T,) for T in INTERIOR_C), (21, 53)):
            words = " and ".join(map(str, hidden))
            model, _ = _train({T: some for T, some in gels.items() if T not in hidden}, 0, f"{source}, without {words}")
            rows += [_judge_hidden(model, gels, T, hidden) for T in hidden]
            print(source, rows[-len(hidden) :], flush=True)
        values["sources"][source] = rows
    _record("hidden-temperatures", values, seeds=(0,))


def _judge_hidden(model, gels, T, hidden):
    """Return the CMF distance of generated gels, of the mixture, and of the nearest temperature, with intervals."""
    rng, known = np.random.default_rng(T), {t: some for t, some in gels.items() if t not in hidden}
    nearest = min(known, key=lambda t: abs(t - T))
    ways = {
        "generated": model.sample(T, generation.N_POINTS, N_RIVALS, generator=torch.Generator().manual_seed(T)),
        "mixture": mixture(known, T, rng),
        "mixture_of_states": mixture(known, T, rng, scale=softpointflow.collapse),
        "nearest": known[nearest],
    }
    row = {"temperature_C": T, "hidden": list(hidden)}
    for name, way in ways.items():
        thin = [[clouds.thinned(c, generation.N_POINTS, rng) for c in some] for some in (way, gels[T])]
        row[name] = density.cmf_distance(*thin)
        row[f"{name}_interval"] = _bootstrap(*thin, rng)
    return row


def mixture(gels: dict, temperature_C: float, rng, n_gels: int = N_RIVALS, scale=float) -> list[np.ndarray]:
    """Return gels that mix the points of the two neighbouring temperatures, weighted by their distance.

    The distance is that of ``scale(temperature)``. Outside of the range the nearest temperature stands alone.
    """
    below = max((T for T in gels if temperature_C >= T), default=min(gels))
    above = min((T for T in gels if temperature_C <= T), default=max(gels))
    here, low, high = (float(scale(T)) for T in (temperature_C, below, above))
    share = 0.0 if below == above else (here - low) / (high - low)
    mixed = []
    for _ in range(n_gels):
        n_above = rng.binomial(generation.N_POINTS, share)
        pairs = ((below, generation.N_POINTS - n_above), (above, n_above))
        drawn = [rng.choice(clouds.centred(gels[T][rng.integers(len(gels[T]))]), n) for T, n in pairs]
        mixed.append(np.concatenate(drawn))
    return mixed


def _bootstrap(some, others, rng, n_resamples=100):
    """Return a 95 % interval of the CMF distance over gels drawn with repetition from both lists."""
    draws = [
        density.cmf_distance(*([gels[k] for k in rng.integers(len(gels), size=len(gels))] for gels in (some, others)))
        for _ in range(n_resamples)
    ]
    return [float(q) for q in np.quantile(draws, [0.025, 0.975])]


def show_condition() -> None:
    """Record whether temperature changes the shape of generated clouds after their size is taken away."""
    rows = {}
    for source in generation.SOURCES:
        gels = generation.collect(source, N_SIMULATED)
        rng = np.random.default_rng(0)
        pool = [cloud for some in gels.values() for cloud in some]
        order, sizes = rng.permutation(len(pool)), [len(some) for some in gels.values()]
        parts = np.split(order, np.cumsum(sizes)[:-1])
        shuffled = {T: [pool[k] for k in part] for T, part in zip(gels, parts, strict=True)}
        pair = [np.concatenate([clouds.centred(cloud) for cloud in gels[T]]) for T in (21, 53)]
        rows[source] = {"data": _box_distance(pair, rng)}
        for name, given in (("conditioned", gels), ("shuffled", shuffled)):
            model, _ = _train(given, 0, f"{source}, {name}")
            generator = torch.Generator().manual_seed(0)
            pair = [np.concatenate(model.sample(T, 200, N_GENERATED, generator=generator)) for T in (21, 53)]
            rows[source][name] = _box_distance(pair, rng)
        print(source, rows[source], flush=True)
    _record("condition", {"n_steps": N_STEPS, "sources": rows}, seeds=(0,))


def unit_box(points: np.ndarray) -> np.ndarray:
    """Return the nearest 99 % of points (N, 3), moved and scaled per axis to the unit box, as the original does."""
    points = clouds.nearest(clouds.centred(points), 0.99)
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - low) / (high - low)


def _box_distance(pair, rng, n_points=3000, n_draws=40):
    """Return the Kolmogorov-Smirnov distance of the radius in the unit box between two clouds, at equal N.

    Mean and standard deviation over draws of points: the box hangs on the farthest of them.
    """
    found = []
    for _ in range(n_draws):
        boxes = [unit_box(clouds.thinned(points, n_points, rng)) for points in pair]
        radii = [np.linalg.norm(box - np.median(box, axis=0), axis=1) for box in boxes]
        found.append(stats.ks_2samp(*radii).statistic)
    return {"mean": float(np.mean(found)), "sd": float(np.std(found))}


def train_microgels(profile: str = "full", resume: bool = False) -> None:
    """Train the shipped model on 100 simulated gels at each of the six temperatures."""
    n_steps = profiles.get(profile).pick(quick=300, full=5000)
    gels = generation.collect("simulated", N_SIMULATED)
    run_dir = BUILD / "runs" / f"microgels-{profile}"
    model, history = generation.train(gels, n_steps, 0, run_dir=run_dir, resume=resume)
    held_out, generator = generation.collect("simulated", 40, seed=1), torch.Generator().manual_seed(0)
    found = {
        T: generation.judge(model.sample(T, 1000, N_GENERATED, generator=generator), held_out[T], gels[T]) for T in gels
    }
    print("CMF distance:", {T: round(row["cmf"], 3) for T, row in found.items()})
    if profile == "full":
        card = {
            "description": "SoftPointFlow of microgels from 21 to 53 degC, trained on the simulator; nm",
            "command": "python -m helpers train microgels --profile full",
            "seed": 0,
            "steps": n_steps,
            "hardware": "one CPU thread",
            "cpu_s": round(history.cpu_s),
            "settings": {},
            "metrics": {"temperatures": found},
            "known_failures": "Learned from the simulator, whose hot gels differ less from each other than real ones.",
        }
        print(checkpoints.save("microgels", model, card))


def _record(name, values, seeds):
    command = f"python -m helpers bench {name}"
    print(results.record(name, values, command=command, seeds=list(seeds), sources=_SOURCES))
