"""The picture of the README; ``python -m helpers.book.picture`` draws it again.

Left: four frames of one simulated molecule, with its path so far. Right: what such movies are for, the mean squared
displacement of many molecules on the line of Einstein's law.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from helpers.common import plotting
from helpers.common.places import BOOK
from helpers.common.plotting import role
from helpers.molecules import brownian, movies

__all__ = ["PICTURE", "draw"]

PICTURE = BOOK / "images" / "molecule.png"
D_UM2_S, DT_S, PIXEL_UM, N_PIXELS, N_LAGS = 1.0, 0.01, 0.1, 24, 8


def draw(path: Path = PICTURE, seed: int = 2) -> Path:
    """Simulate molecules with D = 1 um2/s and frames of 10 ms, draw the picture, and return its path."""
    rng = np.random.default_rng(seed)
    optics = {"dt_s": DT_S, "pixel_um": PIXEL_UM, "n_pixels": N_PIXELS, "background": 2.0}
    movie = movies.simulate(D_UM2_S, 1, rng=rng, **optics)
    tracks_um = brownian.simulate_tracks(D_UM2_S, 4000, dt_s=DT_S, rng=rng)
    plotting.use_style()
    figure = plt.figure(figsize=(7, 2.9))
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.4))
    for part in (left, right):
        part.set_facecolor("none")
    _frames(left.subplots(2, 2).flat, movie)
    _msd(right.subplots(), tracks_um)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)
    return path


def _frames(panels, movie: movies.Movies) -> None:
    """Draw every fifth frame, and the positions in all frames up to then."""
    y, x = movie.tracks_um[0].mean(axis=1).T / PIXEL_UM + (N_PIXELS - 1) / 2  # (T,) each
    for frame, axes in zip(range(0, 16, 5), panels, strict=True):
        plotting.show_image(axes, movie.images[0, frame], vmin=0, vmax=movie.images[0].max())
        axes.plot(x[: frame + 1], y[: frame + 1], color="white", linewidth=1, linestyle="-")
        axes.set_title(f"{1e3 * DT_S * frame:.0f} ms", fontsize=10)


def _msd(axes, tracks_um: np.ndarray) -> None:
    """Draw the MSD of the positions at which frames end: 40 molecules, the mean of all, and the law."""
    curves = brownian.msd(tracks_um[:, :, -1], max_lag=N_LAGS)
    lag_ms = 1e3 * DT_S * np.arange(1, N_LAGS + 1)
    axes.plot(lag_ms, curves[:40].T, color=plotting.COLORS["classical"], alpha=0.3, linewidth=0.8, linestyle="-")
    axes.plot(lag_ms, 4 * D_UM2_S * DT_S * np.arange(1, N_LAGS + 1), **role("theory", label="Einstein's law, $4Dt$"))
    axes.plot(lag_ms, curves.mean(axis=0), **role("data", linestyle="", label="mean of 4,000 molecules"))
    axes.set(xlabel="time (ms)", ylabel="mean squared\ndisplacement (µm²)", ylim=(0, 0.8))
    axes.legend(loc="upper left")


if __name__ == "__main__":
    print(draw())
