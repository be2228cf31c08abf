"""What the molecules wing records: long measurements, and those of data that not everyone has."""

import numpy as np

from helpers.common import data, progress, results
from helpers.molecules import bench, calibration, detection, io, transfer

__all__ = ["calibrate_recordings", "measure_movies", "summary"]


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
