"""What lesson 03 records: every way to D on thousands of movies, its label, other lengths, real movies, and speed."""

from time import process_time

import numpy as np
import torch

from helpers.common import checkpoints, data, progress, results
from helpers.molecules import (
    bounds,
    calibration,
    comparison,
    estimators,
    io,
    localize,
    networks,
    original,
    reader,
    reader_training,
    replica_training,
    scores,
    trajectory,
    views,
    worlds,
)

__all__ = ["compare_labels", "compare_lengths", "compare_readers", "measure_speed", "read_recordings"]

EDGES_UNITS = np.array([1, 2, 4, 8, 12, 16, 20, 25, 30, 35, 40, 45, 50])  # bins of D, in units of the original
_READING = [localize, original, reader, scores, views, worlds]
_LENGTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64)


def compare_readers(n_movies: int = 5000, seed: int = 30_001) -> None:
    """Record the errors of every way to D in both worlds, on movies that no network saw, as ``readers``."""
    values, used = {"n_movies": n_movies, "edges_units": EDGES_UNITS.tolist(), "worlds": {}}, []
    prior = worlds.comparison_prior()
    for world in ("original", "physical"):
        rng = np.random.default_rng(seed)
        D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies)
        sigma_px, parts = comparison.tune_sigma(world, prior), []
        names = [name for name in checkpoints.names() if name.startswith(f"molecules-{world}-")]
        models = [networks.load(name) for name in names]
        for part in progress.track(np.array_split(D, 20), world):
            images, paths_px = worlds.film(world, part, rng)
            answers = comparison.classical(images, prior, sigma_px) | comparison.oracles(paths_px, prior)
            seen = views.look(images, worlds.WORLDS[world])
            mixed = {name: reader.mixtures(model, [seen]) for name, model in zip(names, models, strict=True)}
            mixed["three together"] = reader.pool(list(mixed.values()))
            mixed["turns"] = networks.under_all_symmetries(models[0], seen)
            answers |= {name: reader.posterior(each, models[0].prior, prior) for name, each in mixed.items()}
            parts.append(answers)
        rows = {}
        for name in parts[0]:
            answer = [np.concatenate(column) for column in zip(*(part[name] for part in parts), strict=True)]
            rows[name] = scores.errors(D, *answer) | comparison.by_bin(D, answer[0], EDGES_UNITS * worlds.UNIT)
        values["worlds"][world] = {"sigma_px": sigma_px, "rows": rows}
        used += names
    sources = [comparison, estimators, *_READING]
    command = "python -m helpers bench readers"
    print(results.record("readers", values, command=command, seeds=[seed], sources=sources, weights=used))


def compare_labels(n_movies: int = 1000, seed: int = 30_002) -> None:
    """Record who reads effective D, who reads D, and what each says of the other, as ``labels``."""
    paths_nm = replica_training.validation_tracks()
    centres = paths_nm.mean(axis=2) / original.PIXEL_NM
    names = {"D": "molecules-original-0", "effective D": "molecules-effective-0"}
    models = {target: networks.load(name) for target, name in names.items()}
    ways = {
        "trajectory-D": lambda images: trajectory.trajectory_D(trajectory.fit_spots(images)),
        "matched filter": lambda images: trajectory.trajectory_D(localize.localize(images).positions),
        "oracle: centroids": lambda images: trajectory.trajectory_D(centres),  # noqa: ARG005
        "network for effective D": lambda images: networks.read(models["effective D"], images).mean / worlds.UNIT,
        "the same, turned": lambda images: networks.read(models["effective D"], images, turns=True).mean / worlds.UNIT,
        "network for D": lambda images: networks.read(models["D"], images).mean / worlds.UNIT,
    }
    validation = {name: replica_training.validate(way) for name, way in progress.track(ways.items(), "ways")}
    scaled = {
        name: replica_training.scaled(lambda images, m=model: networks.read(m, images).mean / worlds.UNIT)
        for name, model in models.items()
    }
    rng = np.random.default_rng(seed)
    D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies)
    images, paths_px = worlds.film("original", D, rng)
    truths = {"D": D, "effective D": worlds.effective_D(paths_px)}
    cross = {}
    for target, model in models.items():
        known = networks.read(model, images)
        cross[target] = {name: scores.errors(truth, known.mean, known.log_mean) for name, truth in truths.items()}
    tracks = replica_training.source_of_tracks()
    values = {"tracks": tracks, "validation": validation, "scaled": scaled, "cross": cross}
    print({name: round(found["rmse"], 2) for name, found in validation.items()})
    print(
        results.record(
            "labels",
            values,
            command="python -m helpers bench labels",
            seeds=[seed],
            sources=[trajectory, *_READING],
            weights=list(names.values()),
        )
    )


def compare_lengths(n_movies: int = 1000, seed: int = 30_003) -> None:
    """Record the error of one network on movies of 4 to 64 frames, beside the Bayes mean and the bound."""
    name, prior, rows = "molecules-frames-0", worlds.comparison_prior(), []
    model, special = networks.load(name), networks.load("molecules-physical-0")
    sigma_px = comparison.tune_sigma("physical", prior)
    for n_frames in progress.track(_LENGTHS, "lengths"):
        rng = np.random.default_rng([seed, n_frames])
        D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies)
        images, _ = worlds.film("physical", D, rng, n_frames=n_frames)
        positions, _ = localize.localize(images)
        valid = np.isfinite(positions).all(axis=2)
        track = {"positions_um": positions, "dt_s": 1.0, "prior": prior, "blur": comparison.BLUR, "valid": valid}
        seen = [views.look(images, model.unit)]
        known = {
            words: reader.posterior(reader.mixtures(each, seen), each.prior, prior)
            for words, each in (("network", model), ("16 frames only", special))
        }
        bayes = estimators.bayes_log_mean(sigma_um=sigma_px, **track)
        rows.append(
            {
                "n_frames": n_frames,
                "bound": float(bounds.cramer_rao(worlds.HIGH / 2, n_frames, 1.0, sigma_px, comparison.BLUR)),
                "Bayes mean": scores.errors(D, bayes),
                **{name: scores.errors(D, *answer) for name, answer in known.items()},
            }
        )
    command, sources = "python -m helpers bench lengths", [bounds, comparison, estimators, *_READING]
    weights = [name, "molecules-physical-0"]
    print(results.record("lengths", {"rows": rows}, command=command, seeds=[seed], sources=sources, weights=weights))


def read_recordings(seed: int = 30_004) -> None:
    """Record what the network says of three real recordings, beside the tracks, and whether it knows such movies."""
    name = "molecules-recordings-0"
    model, rng = networks.load(name), np.random.default_rng(seed)

    def draw(n):
        return worlds.film("recordings", worlds.training_D(n, rng, "recordings"), rng)[0]

    familiar = Familiar(model, draw(3000))
    values = {"network_inside": familiar.share_inside(draw(1000)), "recordings": {}}
    folder = data.fetch("molecule_movies")
    for recording in progress.track(io.recordings(folder), "recordings"):
        images = io.read_recording(folder / recording).images
        found = read_both(model, images)
        settings = calibration.calibrate(images)
        usable = found["log_mean"][found["usable"]]
        D = rng.choice(usable, 400)
        twins = calibration.simulate_recording(settings, D, 400, start_spread_px=2.0, rng=rng)
        twin = read_both(model, twins)
        values["recordings"][recording] = {
            "n_movies": len(images),
            **{key: part.tolist() for key, part in found.items()},
            "inside": familiar.share_inside(images[found["usable"]]),
            "twins_inside": familiar.share_inside(twins[twin["usable"]]),
            "difference": disagreement(found),
            "twins_difference": disagreement(twin),
            "twins_error": scores.errors(
                D[twin["usable"]], *(twin[k][twin["usable"]] for k in ("mean", "log_mean", "low", "high"))
            ),
        }
    command, sources = "python -m helpers bench recordings", [calibration, estimators, io, *_READING]
    print(results.record("recordings", values, command=command, seeds=[seed], sources=sources, weights=[name]))


def read_both(model, images, max_step_px: float = 8.0, min_frames: int = 12) -> dict[str, np.ndarray]:
    """Return what network and track say of movies (n, 16, H, W): mean, log_mean, low, high, mle (n,), and ``usable``.

    A movie is usable if at least ``min_frames`` frames show a molecule and it never jumps by more than ``max_step_px``
    from one frame to the next, as it would between two molecules.
    """
    positions, _ = localize.localize(images)
    valid = np.isfinite(positions).all(axis=2)
    steps = np.linalg.norm(np.diff(positions, axis=1), axis=2)
    usable = (valid.sum(axis=1) >= min_frames) & (np.nan_to_num(steps) <= max_step_px).all(axis=1)
    mle = estimators.mle(positions, 1.0, 1 / 6, None, valid)
    known = reader.posterior(reader.mixtures(model, [views.look(images, model.unit)]), model.prior, model.prior)
    return {**known._asdict(), "mle": np.nan_to_num(mle), "usable": usable}


def disagreement(found: dict) -> dict:
    """Return median and half the 16-84 % width of log(network / MLE) over usable movies whose track gives D > 0."""
    both = found["usable"] & (found["mle"] > 1e-3)
    low, middle, high = np.percentile(np.log(found["log_mean"][both] / found["mle"][both]), [16, 50, 84])
    return {"n": int(both.sum()), "median": float(middle), "spread": float((high - low) / 2)}


class Familiar:
    """Whether movies look to a network like those of its training: Mahalanobis distance of its own summary of them.

    The limit is the distance that 95 % of the movies given at the start keep.
    """

    def __init__(self, model: reader.TrackAndBlob, images):
        self.model = model
        half = len(images) // 2
        described = self._describe(images)
        self.mean = described[:half].mean(axis=0)
        self.inverse = np.linalg.pinv(np.cov(described[:half].T) + 1e-6 * np.eye(described.shape[1]))
        self.limit = np.quantile(self.distance(described[half:]), 0.95)

    def _describe(self, images):
        with torch.no_grad():
            return self.model.summary(*views.look(images, self.model.unit))[0].double().numpy()

    def distance(self, described) -> np.ndarray:
        """Return the Mahalanobis distance of each row (n, k)."""
        gap = described - self.mean
        return np.sqrt(np.einsum("nk,kl,nl->n", gap, self.inverse, gap))

    def share_inside(self, images) -> float:
        """Return the share of movies (n, T, H, W) closer than the limit."""
        return float((self.distance(self._describe(images)) <= self.limit).mean())


def measure_speed(repeats: int = 7, n_movies: int = 256, seed: int = 0) -> None:
    """Record the CPU time per movie of simulating, training and reading, on one thread, as ``reading-speed``."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    D = worlds.training_D(n_movies, rng)
    rows = {}
    try:
        for world in ("original", "physical"):
            images, _ = worlds.film(world, D, rng, exact=False)
            model = networks.load(f"molecules-{world}-0")
            make_batch = reader_training.batches(world, seed)
            batch = make_batch(rng, 0)
            train = reader.TrackAndBlob(world=world)
            adam = torch.optim.Adam(train.parameters(), lr=1e-3, fused=True)

            def step(train=train, adam=adam, batch=batch):
                adam.zero_grad()
                reader.negative_log_likelihood(train, *batch).backward()
                adam.step()

            work = {
                "simulate": (lambda world=world: worlds.film(world, D, rng, exact=False), n_movies),
                "localise and cut": (lambda images=images, model=model: views.look(images, model.unit), n_movies),
                "training step": (step, len(batch[-1])),
                "read, all in all": (lambda images=images, model=model: networks.read(model, images), n_movies),
            }
            rows[world] = {name: _milliseconds(call, n, repeats) for name, (call, n) in work.items()}
    finally:
        torch.set_num_threads(threads)
    for world, found in rows.items():
        print(world, {name: f"{row['ms']:.2f} ms" for name, row in found.items()})
    command = "python -m helpers bench reading-speed"
    print(results.record("reading-speed", {"rows": rows}, command=command, seeds=[seed], sources=_READING))


def _milliseconds(call, n_movies, repeats):
    """Return the median CPU time per movie and its range over repeats, the first round dropped."""
    times = []
    for _ in range(repeats + 1):
        start = process_time()
        call()
        times.append(1000 * (process_time() - start) / n_movies)
    return {"ms": float(np.median(times[1:])), "low": min(times[1:]), "high": max(times[1:])}
