"""What the molecules wing records: long measurements, and those of data that not everyone has."""

import numpy as np

from helpers.common import checkpoints, data, progress, results
from helpers.molecules import (
    bench,
    calibration,
    comparison,
    detection,
    estimators,
    io,
    localize,
    original,
    reader,
    scores,
    transfer,
    views,
    worlds,
)

__all__ = ["calibrate_recordings", "compare_readers", "measure_movies", "summary"]

EDGES_UNITS = np.array([1, 2, 4, 8, 12, 16, 20, 25, 30, 35, 40, 45, 50])  # bins of D, in units of the original


def measure_movies() -> None:
    """Record how many times faster movies are made than by the original's loop, as ``movies``."""
    values = bench.movies()
    for row in values["rows"]:
        print(
            f"{row['name']:32s} {row['ours_ms']:8.3f} ms against {row['baseline_ms']:8.1f} ms: "
            f"x {row['ratio']:.0f} [{row['low']:.0f}, {row['high']:.0f}], to reach {row['limit']:.0f}"
        )
    print(results.record("movies", values, command="python -m helpers bench movies", seeds=[0], sources=bench.SOURCES))


def calibrate_recordings() -> None:
    """Record what photon transfer and spot fits say about three real recordings, as ``calibration``."""
    folder, values = data.fetch("molecule_movies"), {}
    for name in progress.track(io.recordings(folder), "recordings"):
        movies = io.read_recording(folder / name).images
        values[name] = summary(calibration.calibrate(movies), calibration.motion(movies))
    sources = [calibration, detection, io, transfer]
    print(
        results.record("calibration", values, command="python -m helpers bench calibration", seeds=[], sources=sources)
    )


def compare_readers(n_movies: int = 5000, seed: int = 30_001) -> None:
    """Record the errors of every way to D in both worlds, on movies that no network saw, as ``readers``."""
    values, used = {"n_movies": n_movies, "edges_units": EDGES_UNITS.tolist(), "worlds": {}}, []
    prior = worlds.comparison_prior()
    for world in worlds.WORLDS:
        rng = np.random.default_rng(seed)
        D = rng.uniform(worlds.LOW, worlds.HIGH, n_movies)
        sigma_px, parts = comparison.tune_sigma(world, prior), []
        names = [name for name in checkpoints.names() if name.startswith(f"molecules-{world}-")]
        for part in progress.track(np.array_split(D, 20), world):
            images, paths_px = worlds.film(world, part, rng)
            answers = comparison.classical(images, prior, sigma_px) | comparison.oracles(paths_px, prior)
            answers |= {name: comparison.network(name, images, prior) for name in names}
            answers["turns"] = comparison.network(names[0], images, prior, turns=True)
            parts.append(answers)
        rows = {}
        for name in parts[0]:
            answer = [np.concatenate(column) for column in zip(*(part[name] for part in parts), strict=True)]
            rows[name] = scores.errors(D, *answer) | {
                "by_bin": comparison.by_bin(D, answer[0], EDGES_UNITS * worlds.UNIT)
            }
        values["worlds"][world] = {"sigma_px": sigma_px, "rows": rows}
        used += names
    sources = [comparison, estimators, localize, original, reader, scores, views, worlds]
    command = "python -m helpers bench readers"
    print(results.record("readers", values, command=command, seeds=[seed], sources=sources, weights=used))


def summary(found: calibration.Calibration, moves: calibration.Motion) -> dict:
    """Return calibration and motion of one recording as numbers by name, with standard errors."""
    line, spots, background = found.transfer, found.spots, found.background
    slowest, typical, fastest = np.nanquantile(moves.D_px2_frame, [0.1, 0.5, 0.9])
    return {
        "n_movies": len(moves.D_px2_frame),
        "slope": line.slope,
        "slope_se": line.slope_se,
        "zero_variance_level": line.zero_variance_level,
        "zero_variance_level_se": line.zero_variance_level_se,
        "skew_ratio": line.skew_ratio,
        "skew_ratio_se": line.skew_ratio_se,
        "psf_sigma_px": spots.sigma_px,
        "psf_sigma_px_se": spots.sigma_px_se,
        "background_counts": background.level,
        "gain": found.settings["gain"],
        "photons": found.settings["photons"],
        "background": found.settings["background"],
        "spots_per_frame": moves.spots_per_frame,
        "D_px2_frame_slowest_tenth": float(slowest),
        "D_px2_frame": float(typical),
        "D_px2_frame_fastest_tenth": float(fastest),
    }
