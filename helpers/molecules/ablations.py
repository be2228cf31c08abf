"""Where the gain comes from: networks that are shown less, built otherwise, taught otherwise, all at one budget."""

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from helpers.common import checkpoints, results
from helpers.common.places import BUILD
from helpers.molecules import localize, networks, original, reader, reader_training, scores, views, worlds

__all__ = [
    "CUES",
    "N_STEPS",
    "RANGES",
    "TemporalTransformer",
    "WideBlob",
    "WithoutAnchor",
    "WithoutTime",
    "distil",
    "record",
]

N_STEPS = 1500
CUES = {
    "track": ("track",),
    "shape": ("shape",),
    "brightness": ("brightness",),
    "track and shape": ("track", "shape"),
    "all three": reader.CUES,
}
_EVALUATE = partial(reader_training.evaluate, n_movies=2000)
RANGES = {"slow": (0.1, 1.0), "middle": (1.0, 8.0), "fast": (8.0, 20.0)}  # px^2 per frame


class WithoutTime(reader.TrackAndBlob):
    """TrackAndBlob whose frames do not know their neighbours."""

    def over_time(self, frames: Tensor, seen: Tensor) -> Tensor:  # noqa: ARG002
        """Return the features as they are."""
        return frames


class WithoutAnchor(reader.TrackAndBlob):
    """TrackAndBlob that is shown the classical estimate but does not start from it: centres are measured from log 1."""

    def summary(self, *views: Tensor) -> tuple:
        """Return all that the network keeps of each movie, and 0 in place of the log of the classical estimate."""
        kept, base = super().summary(*views)
        return kept, torch.zeros_like(base)


class WideBlob(WithoutAnchor):
    """WithoutAnchor whose CNN has twice the channels: 32, 64, 96."""

    def __init__(self, width: int = 64, **options):
        super().__init__(width=width, **options)
        layers = [nn.Conv2d(1, 32, 3, 2, 1), nn.Conv2d(32, 64, 3, 2, 1), nn.Conv2d(64, 96, 3, 2, 1)]
        layers = [part for layer in layers for part in (layer, nn.SiLU())]
        self.blob = nn.Sequential(*layers, nn.Flatten(), nn.Linear(96 * (views.CROP // 8) ** 2, width))
        self.blob.to(memory_format=torch.channels_last)


class TemporalTransformer(reader.TrackAndBlob):
    """TrackAndBlob with two layers of self-attention over the frames in place of the convolutions."""

    def __init__(self, width: int = 64, **options):
        super().__init__(width=width, **options)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.time = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.order = nn.Parameter(torch.zeros(64, width))
        nn.init.normal_(self.order, std=0.02)

    def over_time(self, frames: Tensor, seen: Tensor) -> Tensor:
        """Return features (n, T, width) after attention to all frames that are seen."""
        hidden = (seen == 0) & (seen.sum(dim=1, keepdim=True) > 0)
        return self.time(frames + self.order[: frames.shape[1]], src_key_padding_mask=hidden) * seen[..., None]


def distil(teachers: list[reader.TrackAndBlob]):
    """Return a loss that teaches the mean density of other networks instead of the true D.

    L = -sum_g p_T(g) log q(g) over a grid of log D, p_T normalised there.
    """
    grid = torch.linspace(np.log(0.05), np.log(40), 160)

    def loss(model, *batch):
        *seen, _ = batch
        with torch.no_grad():
            taught = reader.log_density(reader.pool([teacher(*seen) for teacher in teachers]), grid).softmax(dim=1)
        return -(taught * reader.log_density(model(*seen), grid)).sum(dim=1).mean()

    return loss


def record(resume: bool = True) -> None:
    """Train every variant and record its errors as ``ablations``; trainings that are already done are re-used."""
    names = [name for name in checkpoints.names() if name.startswith("molecules-original-")]
    run = partial(_run, resume=resume)
    cues = {
        world: {
            words: run(world, f"{words}", build=partial(reader.TrackAndBlob, cues=shown, world=world))
            for words, shown in CUES.items()
        }
        for world in ("original", "physical")
    }
    build = {
        "no anchor": WithoutAnchor,
        "no time": WithoutTime,
        "transformer": TemporalTransformer,
        "width 128": partial(reader.TrackAndBlob, width=128),
    }
    designs = {words: run("original", words, build=partial(make, world="original")) for words, make in build.items()}
    designs["distilled"] = run("original", "distilled", loss=distil([networks.load(name) for name in names]))
    n_steps = reader_training.STEPS["original"]
    at_full_budget = {
        words: run("original", f"{words}, full", n_steps=n_steps, build=partial(make, world="original"))
        for words, make in {"no anchor": WithoutAnchor, "no anchor, wide": WideBlob}.items()
    }
    values = {
        "n_steps": N_STEPS,
        "cues": cues,
        "designs": designs,
        "n_steps_full": n_steps,
        "designs_full": at_full_budget,
        "priors": _priors(run),
    }
    sources = [localize, original, reader, reader_training, scores, views, worlds]
    command = "python -m helpers bench ablations"
    print(results.record("ablations", values, command=command, seeds=[0], sources=sources, weights=names))


def _run(task, words, resume, n_steps=N_STEPS, evaluate=_EVALUATE, **options):
    """Train one variant and return its errors."""
    run_dir = BUILD / "runs" / f"ablation-{task}-{words.replace(',', '').replace(' ', '-')}"
    model, history = reader_training.train(task, n_steps, run_dir=run_dir, resume=resume, **options)
    found = evaluate(model) | {"cpu_s": round(history.cpu_s), "parameters": sum(p.numel() for p in model.parameters())}
    print(f"{task}, {words}:", {key: round(value, 3) for key, value in found.items() if isinstance(value, float)})
    return found


def _priors(run):
    """Return the error in three ranges of D after training under three laws of D, in the physical world."""
    log_uniform = partial(worlds.training_D, world="recordings")
    laws = {
        "uniform": ("uniform", lambda n, rng: rng.uniform(worlds.LOW, worlds.HIGH, n), worlds.comparison_prior()),
        "log-uniform": ("log-uniform", log_uniform, worlds.training_prior("recordings")),
        "mixture": ("all three", worlds.training_D, worlds.training_prior()),  # the same training as above
    }
    return {
        name: run(
            "physical",
            words,
            make_batch=reader_training.batches("physical", 0, draw_D),
            evaluate=partial(_by_range, prior=prior),
        )
        for name, (words, draw_D, prior) in laws.items()
    }


def _by_range(model, prior, n_movies: int = 1000, seed: int = 30_005) -> dict:
    """Return rms log error and its interval in each range, log-uniform there, under the training prior."""
    found = {}
    for name, (low, high) in RANGES.items():
        rng = np.random.default_rng(seed)
        D = np.exp(rng.uniform(np.log(low), np.log(high), n_movies))
        seen = [views.look(worlds.film("physical", part, rng)[0], model.unit) for part in np.array_split(D, 4)]
        known = reader.posterior(reader.mixtures(model, seen), prior, prior)
        errors = scores.errors(D, known.mean, known.log_mean)
        found[name], found[f"{name}_interval"] = errors["rms_log"], errors["rms_log_interval"]
    return found
