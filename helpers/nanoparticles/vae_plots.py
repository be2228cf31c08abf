"""Pictures of lesson 06. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role
from helpers.nanoparticles.trials import ANGLES_DEG

__all__ = [
    "accuracies",
    "confusions",
    "contamination",
    "distances",
    "found_angles",
    "gallery",
    "ladder",
    "landscapes",
    "latent_maps",
    "library",
    "noise",
    "pictures",
    "priors",
    "probes",
    "recalls",
    "segmented",
    "shear",
]

_LOOKS = {
    "club": ("data", "o"),
    "spade": ("classical", "s"),
    "heart": ("network", "^"),
    "diamond": ("baseline", "D"),
}
_SHADES = ("#0072B2", "#E69F00", "#009E73", "#D55E00")  # of learners side by side


def gallery(rows: dict, height_in: float | None = None) -> Figure:
    """Draw rows of images {title: (n, H, H)}, black to white from 0 to the largest value of the row."""
    n = max(len(images) for images in rows.values())
    fig, panels = plotting.figure(len(rows), n, 7, height_in or 0.95 * len(rows) + 0.2, squeeze=False)
    for line, (title, images) in zip(panels, rows.items(), strict=True):
        for axes in line[len(images) :]:
            axes.set_visible(False)
        for axes, image in zip(line, images, strict=False):
            plotting.show_image(axes, image, "gray", vmin=0, vmax=max(np.max(images), 1e-9))
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    return fig


def distances(angle_deg, own, others: dict) -> Figure:
    """Draw the distance of an image to itself turned, and to upright images of other classes."""
    fig, axes = plotting.figure()
    axes.plot(angle_deg, own, **role("data", marker="", label="the same heart, turned"))
    for (name, value), kind in zip(others.items(), ("classical", "baseline", "warning"), strict=True):
        axes.axhline(value, **role(kind, marker="", label=f"an upright {name}"))
    axes.set(xlabel="angle (°)", ylabel="difference to an upright heart", xlim=(0, 180), ylim=(0, None))
    axes.legend(loc="lower right")
    return fig


def latent_maps(maps: dict, names=tuple(_LOOKS)) -> Figure:
    """Draw where images of four classes lie in latent planes {title: (z (N, 2), labels (N,))}."""
    fig, panels = plotting.figure(1, len(maps), 7, 7 / len(maps) + 0.7, squeeze=False)
    for axes, (title, (z, labels)) in zip(panels[0], maps.items(), strict=True):
        for number, (name, (kind, marker)) in enumerate(zip(names, _LOOKS.values(), strict=True)):
            x, y = z[labels == number].T
            axes.plot(x, y, color=COLORS[kind], marker=marker, linestyle="", markersize=3, alpha=0.6, label=name)
        axes.set(title=title, xlabel="$z_1$")
    panels[0, 0].set_ylabel("$z_2$")
    fig.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, markerscale=2)
    return fig


def found_angles(rows: dict) -> Figure:
    """Draw found against true angles (rad), one row of four suits for each {title: {suit: (true, found)}}."""
    n = len(next(iter(rows.values())))
    fig, panels = plotting.figure(len(rows), n, 1 + 2.6 * n, 2.1 * len(rows), sharex=True, sharey=True, squeeze=False)
    for line, (title, suits) in zip(panels, rows.items(), strict=True):
        for axes, (suit, (true, found)) in zip(line, suits.items(), strict=True):
            wrapped = (np.degrees(found) + 180) % 360 - 180
            axes.plot(np.degrees(true), wrapped, **role("network", linestyle="", marker=".", markersize=2, alpha=0.6))
            axes.set(xticks=(-60, 0, 60), yticks=(-120, 0, 120), ylim=(-180, 180))
            axes.set_title(suit if title == next(iter(rows)) else "")
        line[0].set_ylabel(f"{title}\nfound (°)")
    for axes in panels[-1]:
        axes.set_xlabel("true (°)")
    return fig


def priors(ranges: dict) -> Figure:
    """Draw the share of angles that are off by more than 20 degrees: {range: {kind: {suit: rows of seeds}}}."""
    fig, panels = plotting.figure(1, len(ranges), 7, 3.4, sharey=True)
    for axes, (limit, kinds) in zip(panels, ranges.items(), strict=True):
        for shift, (kind, suits) in enumerate(kinds.items()):
            at = np.arange(len(suits)) + 0.2 * (shift - 1.5)
            off = np.array([[row["off"] for row in rows] for rows in suits.values()])
            bars = axes.bar(at, off.mean(axis=1), 0.18, color=_SHADES[shift], label=kind)
            axes.bar_label(bars, [f"{value:.0f}" if value == 0 else "" for value in off.max(axis=1)], padding=3)
            axes.plot(np.repeat(at, off.shape[1]), off.ravel(), **role("data", linestyle="", marker=".", markersize=3))
        axes.set(title=f"turned within ±{limit}°", xticks=range(len(suits)), xticklabels=suits, ylim=(0, 1))
    panels[0].set_ylabel("share off by > 20°")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=9)
    return fig


def landscapes(angle_deg, costs: dict) -> Figure:
    """Draw the cost of trial angles {suit: nats}, with a band as wide as half the step of eight starts."""
    fig, axes = plotting.figure()
    axes.axvspan(0, 22.5, color=COLORS["theory"], alpha=0.2, linewidth=0)
    for suit, cost in costs.items():
        kind, marker = _LOOKS[suit]
        axes.plot(angle_deg, cost, **role(kind, marker=marker, markevery=6, label=suit))
    axes.set(xlabel="trial angle (°)", ylabel="cost (nats)", xlim=(0, 180), ylim=(0, None), xticks=range(0, 181, 30))
    axes.legend()
    return fig


def pictures(columns: dict) -> Figure:
    """Draw objects over the steps of a training: {step: one grid (rows, columns, H, H) for each class}."""
    first = next(iter(columns.values()))
    n, m, _, _ = first[0].shape
    height = 7 * len(first) * n / (len(columns) * m)
    fig, panels = plotting.figure(len(first), len(columns), 7, height + 0.5, squeeze=False)
    for line, (step, grids) in zip(panels.T, columns.items(), strict=True):
        for axes, grid in zip(line, grids, strict=True):
            plotting.show_image(axes, _tiled(grid), "gray", vmin=0, vmax=1)
        line[0].set_title(f"step {step}")
    return fig


def _tiled(grid):
    """Return a grid of images (rows, columns, H, H) as one image."""
    n, m, size, _ = grid.shape
    return grid.swapaxes(1, 2).reshape(n * size, m * size)


def accuracies(learners: dict, paper: dict) -> Figure:
    """Draw accuracy against angle: {label: (role, (n_seeds, 4))} with all seeds, and the paper's {angle: accuracy}."""
    fig, axes = plotting.figure(1, 1, 6.4, 4.2)
    for shift, (label, (look, values)) in enumerate(learners.items()):
        at = np.arange(len(ANGLES_DEG)) + 0.04 * (shift - len(learners) / 2)
        mean = values.mean(axis=0)
        reach = np.abs(np.array([values.min(axis=0), values.max(axis=0)]) - mean)
        axes.errorbar(at, mean, reach, **look, label=label)
    axes.plot(range(len(ANGLES_DEG)), [paper[a] for a in ANGLES_DEG], **role("paper", linestyle="--", label="paper"))
    axes.axhline(0.25, **role("theory", label="chance"))
    axes.set(xlabel="cards lie within ± (°)", ylabel="named correctly", ylim=(0.2, 1.02))
    axes.set_xticks(range(len(ANGLES_DEG)), ANGLES_DEG)
    fig.legend(loc="outside upper center", ncols=2, fontsize=9)
    return fig


def confusions(matrices: dict, names) -> Figure:
    """Draw confusion matrices {title: (C, C)}, row true, column named, as shares of each row."""
    fig, panels = plotting.figure(1, len(matrices), 7, 7 / len(matrices) + 0.6, sharey=True, squeeze=False)
    for axes, (title, matrix) in zip(panels[0], matrices.items(), strict=True):
        share = np.array(matrix, float)
        share /= share.sum(axis=1, keepdims=True)
        axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
        for i, row in enumerate(share):
            for j, value in enumerate(row):
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color="black" if value > 0.5 else "white")
        axes.set(title=title, xlabel="named", xticks=range(len(names)), yticks=range(len(names)))
        axes.set_xticklabels(names, rotation=35, ha="right")
        axes.set_yticklabels(names)
        axes.spines[:].set_visible(False)
    panels[0, 0].set_ylabel("true")
    return fig


def noise(sd, learners: dict, paper: dict) -> Figure:
    """Draw accuracy against the sd of noise: {label: (role, (n_seeds, n_sd))}, and the paper's {sd: accuracy}."""
    fig, axes = plotting.figure()
    for label, (look, values) in learners.items():
        axes.plot(sd, values.mean(axis=0), **look, label=label)
    axes.plot(paper.keys(), paper.values(), **role("paper", linestyle="--", label="paper (trained clean)"))
    axes.axhline(0.25, **role("theory"))
    axes.set(xlabel="standard deviation of the noise", ylabel="named correctly", ylim=(0.2, 1.02), xlim=(0, 2.05))
    axes.legend()
    return fig


def contamination(densities, intensities, learners: dict, paper: dict) -> Figure:
    """Draw accuracy against the share of wrong pixels: {label: (n_seeds, n_densities, n_intensities)}.

    One panel for each learner, one curve for each intensity; ``paper`` is {intensity: {density: accuracy}}.
    """
    fig, panels = plotting.figure(1, len(learners), 7, 3.4, sharey=True)
    shown = {value: shade for value, shade in zip((0.3, 0.5, 1.0), ("baseline", "classical", "network"), strict=True)}
    for axes, (label, values) in zip(panels, learners.items(), strict=True):
        mean = np.mean(values, axis=0)
        for value, kind in shown.items():
            curve = mean[:, list(intensities).index(value)]
            axes.plot(densities, curve, **role(kind, label=f"intensity {value:g}"))
            hollow = {"color": COLORS["paper"], "marker": "D", "linestyle": "", "markerfacecolor": COLORS[kind]}
            if value in paper:
                axes.plot(paper[value].keys(), paper[value].values(), **hollow, label=f"paper, {value:g}")
        axes.set(title=label, xlabel="share of wrong pixels", ylim=(0.2, 1.02))
        axes.axhline(0.25, **role("theory"))
    panels[0].set_ylabel("named correctly")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9)
    return fig


def shear(angles, shears, values, paper: dict) -> Figure:
    """Draw accuracy (n_shears, n_angles) as a map, and its rows at the shears of the paper: {shear: {angle: value}}."""
    fig, (left, right) = plotting.figure(1, 2, 7, 3.2)
    mappable = left.imshow(values, cmap="cividis", vmin=0.5, vmax=1, origin="lower", aspect="auto")
    left.set_xticks(range(len(angles))[::2], list(angles)[::2])
    left.set_yticks(range(len(shears)), shears)
    left.set(xlabel="angle within ± (°)", ylabel="shear within ± (°)")
    plotting.color_bar(fig, mappable, left, "named correctly")
    for (degrees, curve), dash, marker in zip(paper.items(), ("-", "--"), ("^", "o"), strict=True):
        row = values[list(shears).index(degrees)]
        right.plot(angles, row, **role("network", linestyle=dash, marker=marker, label=f"ours, shear {degrees}°"))
        right.plot(curve.keys(), curve.values(), **role("paper", linestyle=dash, label=f"paper, shear {degrees}°"))
    right.set(xlabel="angle within ± (°)", ylim=(0.4, 1.02), xticks=range(0, 181, 60))
    right.legend(fontsize=9, loc="lower left")
    return fig


def ladder(n_labels: dict, laws: dict, looks: dict) -> Figure:
    """Draw accuracy against labels per class {law: rungs}: {law: {learner: (n_rungs, n_draws)}}; dots are draws."""
    fig, panels = plotting.figure(1, len(laws), 7, 3.6, sharey=True)
    for axes, (law, learners) in zip(panels, laws.items(), strict=True):
        for shift, (name, values) in enumerate(learners.items()):
            at, values = np.array(n_labels[law]) * 1.06 ** (shift - 1.5), np.array(values)
            axes.plot(at, values.mean(axis=1), **{**looks[name], "marker": ""}, label=name)
            dots = {**looks[name], "linestyle": "", "markersize": 3, "alpha": 0.6}
            axes.plot(np.repeat(at, values.shape[1]), values.ravel(), **dots)
        axes.set(title=f"labelled cards: {law}", xlabel="labels per class", xscale="log", ylim=(0.2, 1.02))
        axes.set_xticks(n_labels[law], n_labels[law])
        axes.minorticks_off()
        axes.axhline(0.25, **role("theory"))
    panels[0].set_ylabel("named correctly")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def probes(tables: dict, latents, factors) -> Figure:
    """Draw tables of shares of variance {title: (n_latents, n_factors)}."""
    fig, panels = plotting.figure(1, len(tables), 7, 2.9, sharey=True, squeeze=False)
    for axes, (title, table) in zip(panels[0], tables.items(), strict=True):
        mappable = axes.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        for i, row in enumerate(table):
            for j, value in enumerate(row):
                shown = f"{max(value, 0):.2f}"
                axes.text(j, i, shown, ha="center", va="center", color="black" if value > 0.5 else "white", fontsize=9)
        axes.set(title=title, xticks=range(len(factors)), yticks=range(len(latents)))
        axes.set_xticklabels(factors, rotation=35, ha="right")
        axes.set_yticklabels(latents)
        axes.spines[:].set_visible(False)
    plotting.color_bar(fig, mappable, panels[0], "share of variance")
    return fig


def recalls(learners: dict) -> Figure:
    """Draw the recall of each class of clusters {label: (n_seeds, 4)}: bars for means, dots for seeds."""
    fig, axes = plotting.figure(1, 1, 7, 3.6)
    width = 0.8 / len(learners)
    shades = ("#D55E00", "#009E73", "#56B4E9", "#0072B2", "#8C510A", "#E69F00", "#999999", "#F0E442")
    for number, (label, values) in enumerate(learners.items()):
        at = np.arange(4) + width * (number - (len(learners) - 1) / 2)
        axes.bar(at, values.mean(axis=0), 0.92 * width, color=shades[number], label=label)
        dots = role("data", linestyle="", marker=".", markersize=3)
        axes.plot(np.tile(at, len(values)), values.ravel(), **dots)
    axes.set(xticks=range(4), ylabel="recall", ylim=(0, 1.02))
    axes.set_xticklabels([f"{n + 1} particle{'s' if n else ''}" for n in range(4)])
    fig.legend(loc="outside upper center", ncols=4, fontsize=9)
    return fig


def segmented(image, centres_px, named, size: int = 40) -> Figure:
    """Draw a micrograph with a frame of ``size`` about each patch, its style that of the class it is named (0..3)."""
    fig, axes = plotting.figure(1, 1, 3.4, 3.9)
    plotting.show_image(axes, image, "gray", vmin=0, vmax=1)
    looks = [("#56B4E9", "-"), ("#E69F00", "--"), ("#009E73", ":"), ("#CC79A7", "-.")]
    for number, (color, dash) in enumerate(looks):
        for k, (row, column) in enumerate(centres_px[named == number]):
            across = np.array([-1, 1, 1, -1, -1]) * size / 2
            along = np.array([-1, -1, 1, 1, -1]) * size / 2
            words = {"label": f"{number + 1}"} if k == 0 else {}
            axes.plot(column + across, row + along, color=color, linestyle=dash, linewidth=1.5, **words)
    fig.legend(loc="outside upper center", ncols=4, title="particles")
    return fig


def library(shelves: dict, angle_deg: dict, n: int = 10) -> Figure:
    """Draw the library {class: patches (n_k, H, H), sorted}: every class a row, ``n`` of them evenly chosen.

    Above each stands its angle, from {class: angles (n_k,) or None}.
    """
    chosen = {name: np.unique(np.linspace(0, len(row) - 1, n).round().astype(int)) for name, row in shelves.items()}
    fig = gallery({name: shelves[name][rows] for name, rows in chosen.items()}, 1.1 * len(shelves) + 0.2)
    panels = np.array(fig.axes).reshape(len(shelves), -1)
    for line, (name, rows) in zip(panels, chosen.items(), strict=True):
        for axes, row in zip(line, rows, strict=False):
            if angle_deg[name] is not None:
                axes.set_title(f"{angle_deg[name][row]:.0f}°", fontsize=8)
    return fig
