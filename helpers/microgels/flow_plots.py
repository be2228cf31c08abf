"""Pictures of lesson 04: bent planes, densities, and what noise does to thin data. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role

__all__ = ["bent_squares", "densities", "losses", "noise_levels", "one_dimension", "samples", "soft_and_plain"]


def one_dimension(x, at, density, without_slope) -> Figure:
    """Draw a histogram of x beside its density, and beside the density that forgets the slope."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.4)
    axes.hist(x, np.linspace(0, at[-1], 60), density=True, color=COLORS["data"], alpha=0.25, label="samples")
    axes.plot(at, density, **role("theory", label="p(z) |dz/dx|"))
    axes.plot(at, without_slope, **role("warning", marker="", label="p(z) alone"))
    axes.set(xlabel="radius x (nm)", ylabel="density (1/nm)", xlim=(0, at[-1]))
    axes.legend()
    return fig


def bent_squares(before, after) -> Figure:
    """Draw squares (n, corners, 2) in the latent plane and where a flow carries them, coloured by their new area."""
    fig, panels = plotting.figure(1, 2, 7, 3.8, sharex=True, sharey=True)
    for axes, squares, title in zip(panels, (before, after), ("latent z", "data x"), strict=True):
        for k, square in enumerate(squares):
            color = COLORS["network"] if (k // 8 + k % 8) % 2 else COLORS["theory"]
            axes.fill(*square.T, color=color, alpha=0.5, linewidth=0)
        axes.set(title=title, xlabel=f"{title[-1]}₁", ylabel=f"{title[-1]}₂")
        axes.set_aspect("equal")
    return fig


def densities(maps: dict, reach: float, low: float = -7.0, high: float = 1.0) -> Figure:
    """Draw maps {title: log p (n, n), row 0 at the bottom} of the plane within +-reach."""
    fig, panels = plotting.figure(1, len(maps), 7, 2.8)
    for axes, (title, values) in zip(panels, maps.items(), strict=True):
        shown = plotting.show_image(
            axes, values, title=title, origin="lower", extent=(-reach, reach) * 2, vmin=low, vmax=high
        )
    plotting.color_bar(fig, shown, panels, "log p (1)")
    return fig


def samples(panels_of: dict, reach: float = 2.6, size: float = 2.0) -> Figure:
    """Draw points {title: (n, 2)} side by side, "data" in black, with a bar of length 1."""
    fig, panels = plotting.figure(1, len(panels_of), 7, 7 / len(panels_of) + 0.4)
    for axes, (title, points) in zip(panels, panels_of.items(), strict=True):
        look = role("data" if title == "data" else "network", linestyle="", marker="o")
        axes.plot(*points.T, **look, markersize=size, alpha=0.4, markeredgewidth=0)
        axes.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
        axes.set_aspect("equal")
    plotting.scale_bar(panels[0], 1, "1", color=COLORS["data"])
    return fig


def losses(runs: dict, floor: float, window: int = 25) -> Figure:
    """Draw running means of training losses {name: (n,)} of a plain and a soft flow, and the floor of the soft one."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.4)
    for (name, values), kind in zip(runs.items(), ("warning", "network"), strict=True):
        mean = np.convolve(values, np.ones(window) / window, mode="valid")
        axes.plot(np.arange(mean.size) + window, mean, **role(kind, marker="", label=name))
    axes.axhline(floor, **role("theory", label="floor of the soft objective"))
    axes.set(xlabel="training step", ylabel="negative log-likelihood (1)")
    axes.legend()
    return fig


def noise_levels(noises, medians, means) -> Figure:
    """Draw median and mean distance of samples from their curve against the noise that the flow was told."""
    fig, axes = plotting.figure(1, 1, 6.0, 3.2)
    fine = np.linspace(0, max(noises), 50)
    axes.plot(fine, fine * 0.6745, **role("theory", label="0.67 c, median of noise"))
    axes.plot(fine, fine * np.sqrt(2 / np.pi), **role("theory", linestyle=":", label="0.80 c, mean of noise"))
    axes.plot(noises, medians, **role("network", linestyle="", label="samples, median"))
    axes.plot(noises, means, **role("baseline", linestyle="", label="samples, mean"))
    axes.set(xlabel="noise c that the flow is told (1)", ylabel="distance from the curve (1)")
    axes.legend()
    return fig


def soft_and_plain(rows: list[dict], levels: dict) -> Figure:
    """Draw distance and coverage of the record ``softflow`` for every curve, plain and soft at c = 0, all seeds.

    ``levels`` are coverages to compare with: {name: one per curve}.
    """
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    curves = list(dict.fromkeys(row["curve"] for row in rows))
    fig, panels = plotting.figure(2, len(kinds), 7, 5.4, sharex=True, sharey="row")
    for column, kind in enumerate(kinds):
        for soft, shift, look in ((False, -0.12, "warning"), (True, 0.12, "network")):
            found = [row for row in rows if row["kind"] == kind and row["soft"] == soft]
            x = [curves.index(row["curve"]) + shift for row in found]
            for axes, number in zip(panels[:, column], ("distance", "coverage"), strict=True):
                values = [row["samples"][0][number] for row in found]
                axes.plot(x, values, **role(look, linestyle="", label="soft, c = 0" if soft else "plain"))
        panels[0, column].set(title=f"{kind} layers", yscale="log")
        for (name, level), dash in zip(levels.items(), ("--", ":"), strict=True):
            panels[1, column].plot(range(len(curves)), level, **role("theory", linestyle=dash, label=name))
        panels[1, column].set_xticks(range(len(curves)), curves, rotation=30, ha="right")
    panels[0, 0].set(ylabel="mean distance (1)")
    panels[1, 0].set(ylabel="coverage (1)")
    panels[0, 0].legend()
    panels[1, 0].legend(handles=panels[1, 0].lines[-len(levels) :], loc="lower left")
    return fig
