"""Pictures of lesson 08. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role

__all__ = ["ablations", "columns", "counts", "errors", "latents", "ways"]


def columns(rows: dict, width_in: float = 7) -> Figure:
    """Draw rows of images {title: (n, H, W)}, others than of 0 and 1 in colour, up to their 99.5th percentile."""
    n = max(len(images) for images in rows.values())
    fig, panels = plotting.figure(len(rows), n, width_in, 1.02 * len(rows) * width_in / max(n, 2), squeeze=False)
    for line, (title, images) in zip(panels, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            two = np.isin(image, (0, 1)).all()
            top = 1 if two else max(np.percentile(image, 99.5), 1e-9)
            plotting.show_image(axes, image, "gray" if two else "cividis", vmin=0, vmax=top)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    return fig


def ways(table: dict, guess: float, paper: float, wanted: float | None = None) -> Figure:
    """Draw the share of right counts of every way {name: (seeds,)}, that of a guess, the paper's, and a limit."""
    fig, axes = plotting.figure(1, 1, 6.6, 0.36 * len(table) + 1.1)
    for row, (name, shares) in enumerate(reversed(table.items())):
        kind = "network" if "VAE" in name else "baseline" if name.startswith("exact") else "classical"
        axes.barh(row, np.mean(shares), color=role(kind)["color"], alpha=0.35, height=0.65)
        axes.plot(shares, np.full(len(shares), row), **role(kind, linestyle="", markersize=4))
        axes.text(1.01, row, f"{np.mean(shares):.2f}", va="center")
    axes.axvline(guess, **role("baseline", marker="", linestyle="--", label="guessed from volume fraction"))
    axes.axvline(paper, **role("paper", linestyle="-", marker="", label="the paper"))
    if wanted is not None:
        axes.axvline(wanted, **role("theory", marker="", label="three lags, exact statistics"))
    axes.set(yticks=range(len(table)), yticklabels=list(reversed(table)), xlim=(0, 1.13), xlabel="lines counted right")
    fig.legend(loc="outside upper center", ncols=3)
    return fig


def counts(true, panels: dict) -> Figure:
    """Draw the number of lines counted, {title: (N,)}, against the true number, as shares of each column."""
    fig, axes = plotting.figure(1, len(panels), 7, 2.9, squeeze=False, sharey=True)
    top = 6
    for place, (title, found) in zip(axes[0], panels.items(), strict=True):
        table = np.zeros((top + 1, 4))
        np.add.at(table, (np.minimum(found, top), np.asarray(true) - 1), 1)
        share = table / table.sum(axis=0)
        place.imshow(share, origin="lower", cmap="cividis", vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(share):
            if value >= 0.005:
                place.text(column, row, f"{value:.2f}", ha="center", va="center", color="k" if value > 0.5 else "w")
        place.set(xticks=range(4), xticklabels=range(1, 5), title=title, xlabel="lines in the original")
        place.set(yticks=range(top + 1), yticklabels=[*range(top), f"{top}+"])
    axes[0, 0].set_ylabel("lines counted")
    return fig


def errors(by_way: dict, paper: float) -> Figure:
    """Draw histograms of the error of the volume fraction in percent {name: (N,)}, and the paper's mean."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.2)
    bins = np.logspace(-2, 2.5, 46)
    for (name, values), (color, line) in zip(
        by_way.items(), [("#D55E00", "-"), ("#0072B2", "--"), ("#009E73", ":")], strict=False
    ):
        axes.hist(
            np.maximum(values, bins[0]), bins, histtype="step", color=color, linestyle=line, linewidth=1.8, label=name
        )
    axes.axvline(paper, **role("paper", linestyle="-", marker="", label="the paper, mean"))
    axes.set(xscale="log", xlabel="error of the volume fraction (%)", ylabel="images")
    fig.legend(loc="outside upper center", ncols=2)
    return fig


def ablations(table: dict) -> Figure:
    """Draw what each change does: {name: (KL in nats, count right, statistics error)} as three bars side by side."""
    fig, axes = plotting.figure(1, 3, 7, 0.34 * len(table) + 0.9, sharey=True)
    titles = ("KL (nats)", "lines right", "error of f")
    for place, title, column in zip(axes, titles, np.array(list(table.values())).T, strict=True):
        place.barh(range(len(table)), column[::-1], color=COLORS["network"], alpha=0.6)
        place.set(xlabel=title)
        for row, value in enumerate(column[::-1]):
            place.text(value, row, f" {value:.2g}", va="center", fontsize=8)
        place.margins(x=0.45)
    axes[0].set(yticks=range(len(table)), yticklabels=list(reversed(table)))
    return fig


def latents(sweep: dict) -> Figure:
    """Draw right counts and the error of f against the latents, {latents: {"count": (seeds,), "error": (seeds,)}}."""
    fig, axes = plotting.figure(1, 2, 7, 2.8)
    n = [int(key) for key in sweep]
    for place, key, label in zip(axes, ("count", "error"), ("lines counted right", "error of f"), strict=True):
        rows = np.array([row[key] for row in sweep.values()])
        place.plot(n, rows.mean(axis=1), **role("network", linestyle="-"))
        place.plot(n, rows, **role("network", linestyle="", marker=".", markersize=4))
        place.set(xscale="log", xticks=n, xticklabels=n, xlabel="latents", ylabel=label, ylim=(0, 1.15 * rows.max()))
        place.minorticks_off()
    return fig
