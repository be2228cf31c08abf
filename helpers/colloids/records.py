"""Recorded comparisons of trackers, too long for a lesson: ``python -m helpers bench NAME``."""

import time
from functools import partial

import numpy as np
import torch
from skimage import measure

from helpers.colloids import confocal, fit, io, optics, scoring, structure, suspension, topology, tracking, trials
from helpers.colloids import unet as networks
from helpers.common import results

__all__ = ["compare_trackers", "count_neighbours", "leave_range", "measure_speed", "try_published_setting"]

SEEDS = (0, 1, 2)
FIRST_SEED = 7_000  # of the configurations; those that settings were tuned on begin at 7900
PLACES = ["z", "y", "x"]
SOURCES = [confocal, fit, io, optics, scoring, suspension, tracking, trials, __file__]
WAYS = (
    "trackpy, default",
    "trackpy, tuned",
    "track",
    "track + refine",
    "refine, optics known",
    "U-Net",
    "U-Net + refine",
)


def fresh(case: trials.Case, seed: int, **options) -> trials.Trial:
    """Return a trial of a case that nothing was tuned or trained on."""
    known = trials.configuration(case.phi, case.polydispersity, FIRST_SEED + seed)
    return trials.cut(known, case.snr, np.random.default_rng([FIRST_SEED, seed]), **options)


def compare_trackers() -> None:
    """Record scores, icosahedra and times of every way to track, on all cases, with three seeds."""
    torch.set_num_threads(1)
    model, values = networks.load(), {}
    for case in trials.CASES:
        grid = _tuned(case)
        rows = {"grid": _rows(grid), "ways": {way: [] for way in WAYS}, "truth": []}
        for seed in SEEDS:
            trial = fresh(case, seed)
            rows["truth"].append({"icosahedra": trials.icosahedra(trial.centres, trial), "n": len(trial.centres)})
            for way, found, cpu_s in _ways(trial, model, grid.iloc[0]):
                rows["ways"][way].append(_judged(found, trial) | {"cpu_s": cpu_s})
                print(case, seed, way, rows["ways"][way][-1], flush=True)
        values[name_of(case)] = rows
    _record("trackers", values, [*SOURCES, structure, topology, networks], ["colloids"])


def name_of(case: trials.Case) -> str:
    """Return the words for a case."""
    return f"{case.phi:.2f}, SNR {case.snr:g}"


def _tuned(case):
    """Return the grid of trackpy's settings on a trial of its own."""
    return trials.trackpy_grid(fresh(case, 900))


def _rows(grid):
    return [{key: list(v) if isinstance(v, tuple) else v for key, v in row.items()} for row in grid.to_dict("records")]


def _ways(trial, model, best):
    """Yield the name, the table and the CPU time of every way."""
    image = trial.image
    kept = {}

    def timed(way, work):
        start = time.process_time()
        kept[way] = work()
        return way, kept[way], time.process_time() - start

    yield timed(WAYS[0], partial(trials.trackpy_table, image))
    yield timed(WAYS[1], partial(trials.trackpy_table, image, best["diameter"], best["separation"], best["faintest"]))
    yield timed(WAYS[2], partial(tracking.track, image))
    yield timed(WAYS[3], partial(tracking.refine, kept["track"]))
    yield timed(WAYS[4], partial(tracking.refine, kept["track"], optics=trial.optics))
    yield timed(WAYS[5], partial(networks.track, image, model))
    yield timed(WAYS[6], partial(tracking.refine, kept["U-Net"]))


def _judged(found, trial):
    """Return the score of a table, the share of its spheres in icosahedra, and what was said of the optics."""
    told = found.attrs.get("optics")
    row = trial.score(found)._asdict() | {"icosahedra": trials.icosahedra(found[PLACES].to_numpy(), trial)}
    return row | ({"optics": told._asdict()} if told is not None else {})


def count_neighbours() -> None:
    """Record the contact value of g(r) at phi = 0.45, of true and of tracked places in twelve stacks at SNR 5."""
    case, edge = trials.Case(0.45, 0.0, 5), 1.0
    r = np.arange(0.8, 2.505, 0.01)
    true, tracked, errors = [], [], []
    for seed in range(12):
        trial = fresh(case, seed)
        found = tracking.refine(tracking.track(trial.image))
        d = trial.optics.diameter_px
        window = np.array([[edge, (side - 1) / d - edge] for side in trial.image.shape])
        true.append(structure.g_of_r(trial.centres / d, r, window=window))
        tracked.append(structure.g_of_r(found[PLACES].to_numpy() / d, r, window=window))
        score = trial.score(found)
        errors.append(float(np.sqrt(2 * (2 * score.rms_xy**2 + score.rms_z**2) / 3)))
        print(seed, score, errors[-1], flush=True)
    values = {"phi": case.phi, "snr": case.snr, "r": r, "true": np.array(true), "tracked": np.array(tracked)}
    _record("contact", values | {"pair_error": errors}, [*SOURCES, structure], seeds=range(12))


PUBLISHED = (0.10, 0.25, 0.40, 0.475, 0.53)  # the middles of its five bins of volume fraction


def try_published_setting() -> None:
    """Record scores in the setting of Colloidoscope: radius 10 px, SNR 5, contrast-to-noise 5, 100^3, all spheres."""
    torch.set_num_threads(1)
    model, values = networks.load(), {}
    for phi in PUBLISHED:
        case = trials.Case(phi, 0.0, 5)
        make = partial(fresh, case, side=100, diameter_px=20.0, psf_sigma_px=(8.0, 3.0, 3.0))
        grid = trials.trackpy_grid(make(900), scale=2.0, edge=0.0)
        rows = {"grid": _rows(grid.head(10)), "ways": {}}
        for seed in SEEDS:
            trial = make(seed)
            half = measure.block_reduce(trial.image, 2, np.mean)
            for way, found, cpu_s in (
                ("trackpy, diameter only", *_timed(trials.trackpy_table, trial.image, 21)),
                ("trackpy, tuned", *_timed(trials.trackpy_table, trial.image, *grid.iloc[0][:3])),
                ("track + refine", *_timed(lambda image: tracking.refine(tracking.track(image)), trial.image)),
                ("U-Net", *_timed(lambda image: _double(networks.track(image, model)), half)),
            ):
                score = trial.score(found, edge=0.0)._asdict() | {"cpu_s": cpu_s}
                rows["ways"].setdefault(way, []).append(score)
                print(phi, seed, way, score, flush=True)
        values[f"{phi:g}"] = rows
    _record("published-setting", values, [*SOURCES, networks], ["colloids"])


def _double(found):
    """Return places of an image of half the voxels along each axis in voxels of the whole."""
    found[PLACES] = 2 * found[PLACES] + 0.5
    return found


def _timed(work, *arguments):
    start = time.process_time()
    return work(*arguments), time.process_time() - start


RANGE = {
    "as trained": {},
    "PSF 1.6 times wider along z": {"psf_sigma_px": (6.4, 1.5, 1.5)},
    "PSF 1.6 times wider across": {"psf_sigma_px": (4.0, 2.4, 2.4)},
    "brightness +-25 %": {"brightness_spread": 0.25},
    "half the light bleached": {"bleaching": 0.5},
    "diameter 8 px": {"diameter_px": 8.0, "side": 100},
    "diameter 12.5 px": {"diameter_px": 12.5},
    "counted photons": {"photons": True},
}


def leave_range() -> None:
    """Record what network and fit find at phi = 0.55 and SNR 5 when the microscope is another, and in noise alone."""
    torch.set_num_threads(1)
    model, values = networks.load(), {}
    for name, options in RANGE.items():
        values[name] = {"U-Net": [], "U-Net + refine": [], "track + refine": []}
        for seed in SEEDS:
            trial = fresh(trials.Case(0.55, 0.06, 5), seed, **options)
            image = tracking.preprocess(trial.image) if "bleaching" in options else trial.image
            found = networks.track(image, model)
            for way, table in (
                ("U-Net", found),
                ("U-Net + refine", tracking.refine(found)),
                ("track + refine", tracking.refine(tracking.track(image))),
            ):
                values[name][way].append(trial.score(table)._asdict())
                print(name, seed, way, values[name][way][-1], flush=True)
    values["noise alone, spheres found"] = _in_noise(model)
    _record("unet-range", values, [*SOURCES, networks], ["colloids"])


def _in_noise(model, n=60, side=64):
    """Return how many spheres are found in n stacks of white noise, and the highest peak of the network's maps."""
    rng = np.random.default_rng(FIRST_SEED)
    stacks = [rng.standard_normal((side,) * 3).astype(np.float32) for _ in range(n)]
    highest = max(float(networks.heatmap(model, stack).max()) for stack in stacks)
    return {
        "stacks": n,
        "U-Net": sum(len(networks.track(stack, model)) for stack in stacks),
        "highest peak": highest,
        "track": sum(len(tracking.track(stack)) for stack in stacks),
    }


def measure_speed() -> None:
    """Record CPU times on 125^3 voxels with about 2000 spheres, one thread: trackpy, ours; medians of three repeats."""
    torch.set_num_threads(1)
    model, trial = networks.load(), fresh(trials.Case(0.55, 0.06, 5), 0)
    found = tracking.track(trial.image)
    tracking.refine(found)
    ways = {
        "trackpy": partial(trials.trackpy_table, trial.image, (11, 7, 7), (7, 7, 7)),
        "track": partial(tracking.track, trial.image),
        "refine": partial(tracking.refine, found),
        "U-Net": partial(networks.track, trial.image, model),
    }
    times = {name: [] for name in ways}
    for _ in range(3):
        for name, way in ways.items():
            times[name].append(_timed(way)[1])
    cpu_s = {name: float(np.median(each)) for name, each in times.items()}
    print(cpu_s)
    ratios = {f"{name} / trackpy": cpu_s[name] / cpu_s["trackpy"] for name in ("track", "refine", "U-Net")}
    values = {"voxels": trial.image.size, "spheres": len(found), "cpu_s": cpu_s, "ratios": ratios, "all": times}
    _record("tracking-speed", values, [*SOURCES, networks], ["colloids"], seeds=[0])


def _record(name, values, sources, weights=(), seeds=SEEDS):
    command = f"python -m helpers bench {name}"
    print(results.record(name, values, command=command, seeds=seeds, sources=sources, weights=weights))
