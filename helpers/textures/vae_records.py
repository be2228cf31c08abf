"""Recorded comparisons of lesson 08: too long for a lesson, made again by ``python -m helpers bench NAME``."""

import time
from functools import partial

import numpy as np
import torch

from helpers.common import checkpoints, profiles, results, training
from helpers.textures import (
    features,
    generators,
    io,
    microstructures,
    pca,
    retrieval,
    scoring,
    statistics,
    vae,
    vae_trials,
    whole_lines,
)

__all__ = ["ablate", "compare_lines", "compare_microstructures", "train_textures", "train_textures_wide"]

SEEDS = (0, 1, 2)
TEST_MATERIALS = 8_000_003  # seed of microstructures that no training sees
COMPARED = {  # learner and latents
    "statistics VAE, 9": ("statistics", 9),
    "statistics VAE, 32": ("statistics", 32),
    "image VAE, 9": ("image", 9),
    "image VAE as published, 9": ("image, as published", 9),
    "pixel VAE, 9": ("pixels", 9),
}
_SOURCES = [features, generators, pca, retrieval, scoring, statistics, vae, vae_trials, whole_lines]


def compare_lines() -> None:
    """Record what comes back of 500 unseen line images of 224 px, for every way and three seeds."""
    images = vae_trials.line_images()
    n = scoring.count(images)
    values = {"true": n.tolist(), "ways": {}}
    for name, (learner, latent_dim) in COMPARED.items():
        values["ways"][name] = []
        for seed in SEEDS:
            model, history = vae_trials.train(learner, latent_dim, seed=seed)
            row = (
                _judged(images, model.reconstruct(images))
                | {"cpu_s": round(history.cpu_s, 1)}
                | _latents(model, images)
            )
            values["ways"][name].append(row)
            _tell(name, row)
    values["nearest"] = _nearest(images, vae_trials.train("statistics")[0])
    for seed in SEEDS:
        for name, found in vae_trials.principal(images[:100], seed=seed).items():
            values["ways"].setdefault(f"PCA, 9 of {name}", []).append(_judged(images[:100], found))
            _tell(name, values["ways"][f"PCA, 9 of {name}"][-1])
    values["ways"]["exact |F|"] = [_judged(images, vae_trials.exact(images))]
    _tell("exact", values["ways"]["exact |F|"][0])
    values["by_volume_fraction"] = [float((vae_trials.by_volume_fraction(images, seed=s) == n).mean()) for s in SEEDS]
    three = statistics.count_lines(statistics.two_point(images))
    values["by_three_lags"] = float((np.round(three) == n).mean())
    print(values["by_volume_fraction"], values["by_three_lags"], flush=True)
    _record("line-images", values)


def _judged(images, found):
    return vae_trials.judge(images, found)._asdict()


def _latents(model, images):
    """Return the mean KL in nats, what a probe reads of the latents, and the orientation from shuffled ones."""
    mean, log_variance = model.posterior(images)
    shuffled = model.draw(mean[torch.randperm(len(mean), generator=torch.Generator().manual_seed(0))][:200])
    kept = scoring.orientation(shuffled) == scoring.orientation(images[:200])
    told = vae_trials.probe(model, images) == scoring.count(images)
    kl = float(vae.kl_divergence(mean, log_variance).mean())
    return {"kl_nats": kl, "probe": float(told.mean()), "shuffled_orientation": float(kept.mean())}


def _nearest(images, model):
    """Return the lines counted in the image nearest to each among 3000 others, by statistics and by pixels."""
    others = generators.lines(3000, model.size, rng=np.random.default_rng(6))[0]
    seen = (model.features.encode(images), model.features.encode(others))
    pixels = (torch.from_numpy(x).flatten(1).float() for x in (images, others))
    return {
        name: scoring.count(others[torch.cdist(*pair).argmin(1).numpy()]).tolist()
        for name, pair in {"statistics": seen, "pixels": pixels}.items()
    }


def _tell(name, row):
    shown = ("orientation", "count", "count_of", "volume_fraction_error", "statistics_error", "kl_nats", "probe")
    print(name, {key: row[key] for key in shown if key in row}, flush=True)


ABLATIONS = {  # of the image decoder at 64 px: what changes against the first
    "amplitude loss, sees |F|": {},
    "as published: loss in f, sees the image, beta 1": {"loss": "f", "sees": "image", "beta": 1.0},
    "loss in f, sees the image": {"loss": "f", "sees": "image"},
    "loss in f": {"loss": "f"},
    "sees the image": {"sees": "image"},
    "beta 1": {"beta": 1.0},
    "beta 0.01": {"beta": 0.01},
    "beta 0.01, annealed": {"beta": 0.01, "anneal": 0.5},
    "no greyness penalty": {"greyness": 0.0},
    "pixel loss, sees the image": {"loss": "pixels", "sees": "image", "beta": 1.0},
}
LATENTS = (4, 9, 16, 32)
LEVELS = (0.05, 0.5, 0.95)


def ablate() -> None:
    """Record what each trick of the training changes, at 64 px, one training each, and the number of latents, two."""
    images, values = vae_trials.line_images(300, 64), {"image": {}, "statistics": {}}
    options = {"n_steps": 1000, "batch": 64, "hidden": 256}
    for name, changes in ABLATIONS.items():
        values["image"][name] = []
        for seed in SEEDS[:1]:
            model, _ = vae_trials.train("image", 9, 64, seed, **(options | changes))
            grey = model.decode(model.encode(images)).numpy()
            rows = {str(level): _short(images, scoring.threshold(grey, level)) for level in LEVELS}
            row = {"greyness": float(4 * (grey * (1 - grey)).mean()), "levels": rows} | _latents(model, images)
            values["image"][name].append(row)
            print(name, row["levels"]["0.5"], row["greyness"], row["kl_nats"], flush=True)
    for latent_dim in LATENTS:
        values["statistics"][str(latent_dim)] = []
        for seed in SEEDS[:2]:
            model, _ = vae_trials.train("statistics", latent_dim, 64, seed, n_steps=1500)
            row = _short(images, model.reconstruct(images)) | _latents(model, images)
            values["statistics"][str(latent_dim)].append(row)
            print(latent_dim, row, flush=True)
    _record("texture-ablations", values, SEEDS[:2])


def _short(images, found):
    row = _judged(images, found)
    return {key: row[key] for key in ("orientation", "count", "volume_fraction_error", "statistics_error")}


MATERIALS = {  # learners of microstructures of 64 px
    "statistics VAE, 9": {},
    "image VAE, 9": {"decoder": "image", "greyness": 0.3},
    "pixel VAE, 9": {"decoder": "image", "sees": "image", "loss": "pixels", "beta": 1.0},
}


def compare_microstructures() -> None:
    """Record what comes back of unseen fields, discs, spinodals and regions of micrographs, and what latents tell."""
    regions = {name: io.regions(image == 1, 64) for name, image in io.micrographs().items()}
    upper, lower = (np.concatenate([part[rows] for part in regions.values()]) for rows in (np.s_[:8], np.s_[8:]))
    upper, lower = (part[part.any((1, 2)) & ~part.all((1, 2))].astype(np.uint8) for part in (upper, lower))
    values = {}
    for seed in SEEDS:
        many = np.concatenate([microstructures.mixed(1500, rng=np.random.default_rng([seed, 0]))[0], *[upper] * 2])
        unseen, made = microstructures.mixed(600, rng=np.random.default_rng(TEST_MATERIALS))
        for name, encoder, cpu_s in _material_learners(many, seed):
            given = {} if isinstance(encoder, vae.StatisticsVAE) else {"rng": np.random.default_rng(seed)}
            given |= {"prior": "binary"} if name == "statistics VAE, 9" else {}
            row = {"cpu_s": round(cpu_s, 1)}
            for what, images in (("simulated", unseen[:120]), ("micrographs", lower)):
                row[what] = microstructures.fidelity(images, encoder.reconstruct(images, **given))._asdict()
            row["told"] = microstructures.share_told(np.asarray(encoder.encode(unseen)), made, 300).tolist()
            values.setdefault(name, []).append(row)
            print(name, row, flush=True)
    values = {"families": microstructures.FAMILIES, "n": [120, len(lower)], "learners": values}
    _record("microstructures", values, sources=[*_SOURCES, io, microstructures])


def _material_learners(many, seed):
    """Yield (name, what encodes and reconstructs, CPU seconds of its training)."""
    for name, settings in MATERIALS.items():
        model = training.initialise(partial(vae.StatisticsVAE, 64, 9, n_components=128, hidden=128, **settings), seed)
        options = {"n_steps": 1000, "batch": 64, "learning_rate": 5e-3}
        if name == "statistics VAE, 9":
            options = {"n_steps": 1000, "batch": 128}
        yield name, model, model.fit(many, seed=seed, label=name, **options).cpu_s
    for of in pca.KINDS:
        start = time.process_time()
        yield f"PCA, 9 of {of}", pca.StatisticsPCA(9, of).fit(many), time.process_time() - start


# --- shipped weights --------------------------------------------------------------------------------------------------


def train_textures(profile: str = "full", resume: bool = False) -> None:
    """Train the shipped statistics VAE of line images with 9 latents."""
    _ship("textures", 9, profile, resume)


def train_textures_wide(profile: str = "full", resume: bool = False) -> None:
    """Train the shipped statistics VAE of line images with 32 latents."""
    _ship("textures-wide", 32, profile, resume)


def _ship(name, latent_dim, profile, resume):
    short = {} if profiles.get(profile).name == "full" else {"n_steps": 20}
    model, history = vae_trials.train("statistics", latent_dim, resume=resume, **short)
    images = vae_trials.line_images(100, validation=True)
    metrics = _short(images, model.reconstruct(images))
    print(name, metrics)
    if profile != "full":
        return
    card = {
        "description": f"Statistics VAE of line images, 224 px, {latent_dim} latents; weights in 16 bits.",
        "command": f"python -m helpers train {name} --profile full",
        "seed": 0,
        "cpu_s": round(history.cpu_s),
        "hardware": "one CPU thread",
        "settings": model.settings,
        "metrics": metrics,
        "known_failures": "Knows 1-4 separate lines of one orientation; of anything else it makes such lines.",
    }
    state = {key: value.half() for key, value in model.state_dict().items()}
    print(checkpoints.save(name, state, card))


def _record(name, values, seeds=SEEDS, sources=_SOURCES):
    print(results.record(name, values, command=f"python -m helpers bench {name}", seeds=list(seeds), sources=sources))
