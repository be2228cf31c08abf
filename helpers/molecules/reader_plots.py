"""Pictures of lesson 03: labels, errors and answers of those who read D. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role

__all__ = [
    "cue_errors",
    "error_against_D",
    "error_against_label",
    "error_against_length",
    "label_and_method",
    "learning_curve",
    "overfitting",
    "recorded_answers",
]


def label_and_method(label, by_trajectory, D: float) -> Figure:
    """Draw the histogram of the original's label at one true D, and its trajectory method against the label."""
    fig, (left, right) = plotting.figure(1, 2, 7, 3.3)
    left.hist(label, np.linspace(0, 4 * D, 41), color=COLORS["paper"], alpha=0.6)
    left.axvline(D, **role("theory", label="true D"))
    left.set(xlabel="effective D (units)", ylabel="molecules")
    left.legend()
    right.plot(label, by_trajectory, **role("classical", linestyle="", markersize=2, alpha=0.3, zorder=1))
    right.plot([0, 4 * D], [0, 4 * D], **role("theory", zorder=2))
    right.set(xlabel="label (units)", ylabel="trajectory-D (units)", xlim=(0, 4 * D), ylim=(0, 4 * D))
    return fig


def learning_curve(curve, bars: dict) -> Figure:
    """Draw the error of a network against training step, (n, 2), beside fixed methods {name: error}."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.6)
    axes.plot(*curve.T, **role("network", label="network"))
    looks = {"two": "warning", "MLE": "classical", "Bayes": "baseline", "oracle": "theory"}
    for name, error in bars.items():
        kind = next(kind for word, kind in looks.items() if name.startswith(word))
        axes.axhline(error, **role(kind, marker="", label=name))
    axes.set(xlabel="training step", ylabel="rms error of log D (1)", yscale="log")
    axes.set_yticks([0.15, 0.2, 0.3, 0.5, 1.0], ["0.15", "0.2", "0.3", "0.5", "1"])
    axes.minorticks_off()
    axes.legend()
    return fig


def error_against_D(record: dict) -> Figure:
    """Draw the relative error against true D of the record ``readers``, one panel per world."""
    looks = {
        "all lags": role("warning"),
        "MLE, σ known": role("classical"),
        "Bayes mean": role("baseline"),
        "oracle: centroids": role("theory"),
        "oracle: all positions": role("theory", linestyle=":"),
    }
    edges = np.array(record["edges_units"])
    middle = np.sqrt(edges[1:] * edges[:-1])
    fig, panels = plotting.figure(1, len(record["worlds"]), 7, 4.2, sharey=True)
    for axes, (world, content) in zip(panels, record["worlds"].items(), strict=True):
        rows = content["rows"]
        for name, look in looks.items():
            axes.loglog(middle, rows[name]["by_bin"], **{**look, "markersize": 4}, label=name)
        seeds = [row["by_bin"] for name, row in rows.items() if name.startswith("molecules")]
        axes.loglog(middle, np.mean(seeds, axis=0), **role("network", label="network"))
        axes.fill_between(middle, np.min(seeds, axis=0), np.max(seeds, axis=0), color=COLORS["network"], alpha=0.3)
        axes.set(xlabel="true D (units)", title=world, ylim=(0.05, 2))
        axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axes.set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2], ["0.05", "0.1", "0.2", "0.5", "1", "2"])
        axes.minorticks_off()
    panels[0].set_ylabel("relative error of D (1)")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def overfitting(record: dict) -> Figure:
    """Draw the record ``overfitting``: errors on training and on held-out movies, by training set."""
    fig, panels = plotting.figure(1, 2, 7, 3, sharey=True)
    for axes, (name, run) in zip(panels, record["runs"].items(), strict=True):
        axes.plot(run["steps"], run["rmse_training"], **role("data", linestyle="--", label="training movies"))
        axes.plot(run["steps"], run["rmse_held_out"], **role("paper", label="movies never seen"))
        axes.set(xlabel="training step", title=f"{name} movies", ylim=(0, None))
    panels[0].set_ylabel("RMSE (units)")
    panels[1].legend()
    return fig


def error_against_label(rows: dict) -> Figure:
    """Draw RMSE in bins of the label, with intervals: {name: (role, marker, bins of ``validate``)}."""
    fig, axes = plotting.figure(1, 1, 7, 3.8)
    for k, (name, (kind, marker, bins)) in enumerate(rows.items()):
        middle = 5 + 10 * np.arange(len(bins)) + 0.8 * (k - (len(rows) - 1) / 2)
        value = np.array([part["rmse"] for part in bins])
        low, high = np.array([part["rmse_interval"] for part in bins]).T
        look = role(kind, linestyle="", marker=marker, markersize=6, label=name)
        axes.errorbar(middle, value, [np.maximum(value - low, 0), np.maximum(high - value, 0)], **look)
    axes.set(xlabel="effective D, the label (units)", ylabel="RMSE (units)", ylim=(0, None), xticks=range(0, 51, 10))
    axes.legend(fontsize=9)
    return fig


def cue_errors(cues: dict, bars: dict) -> Figure:
    """Draw rms log errors with intervals {world: {cues: errors}} and the error of the Bayes mean {world: error}."""
    fig, axes = plotting.figure(1, 1, 7, 3.6)
    names = list(next(iter(cues.values())))
    for k, (world, kind) in enumerate(zip(cues, ("paper", "network"), strict=True)):
        value = np.array([cues[world][name]["rms_log"] for name in names])
        low, high = np.array([cues[world][name]["rms_log_interval"] for name in names]).T
        places = np.arange(len(names)) + 0.36 * (k - 0.5)
        look = {"color": COLORS[kind], "hatch": ("", "//")[k], "edgecolor": "white", "error_kw": {"ecolor": "gray"}}
        axes.bar(places, value, 0.34, yerr=[value - low, high - value], label=f"{world} world", **look)
        axes.axhline(bars[world], color=COLORS[kind], linestyle=("--", ":")[k], label=f"Bayes mean, {world}")
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="rms error of log D (1)", ylim=(0, None))
    axes.legend(fontsize=9)
    return fig


def error_against_length(rows: list[dict]) -> Figure:
    """Draw the rows of the record ``lengths``: rms log error against the number of frames, beside the bound."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.8)
    frames = [row["n_frames"] for row in rows]
    axes.loglog(frames, [row["bound"] for row in rows], **role("theory", label="bound of the track"))
    looks = {"Bayes mean": role("baseline"), "16 frames only": role("data", linestyle="--"), "network": role("network")}
    for name, look in looks.items():
        value = np.array([row[name]["rms_log"] for row in rows])
        low, high = np.array([row[name]["rms_log_interval"] for row in rows]).T
        words = {"network": "network, 4 to 64 frames", "16 frames only": "network, 16 frames"}.get(name, name)
        axes.errorbar(frames, value, [value - low, high - value], **look, label=words)
    axes.set(xlabel="frames", ylabel="rms error of log D (1)")
    axes.set_xticks(frames, [str(n) for n in frames])
    axes.set_yticks([0.1, 0.2, 0.3, 0.5], ["0.1", "0.2", "0.3", "0.5"])
    axes.minorticks_off()
    axes.legend()
    return fig


def recorded_answers(recordings: dict) -> Figure:
    """Draw network (68 % bars) against the MLE of the track for the usable movies of each recording."""
    fig, panels = plotting.figure(1, len(recordings), 7, 3, sharey=True, squeeze=False)
    for axes, (name, found) in zip(panels[0], recordings.items(), strict=True):
        parts = {key: np.array(found[key]) for key in ("mle", "log_mean", "low", "high", "usable")}
        used = parts["usable"].astype(bool) & (parts["mle"] > 1e-3)
        x, y, low, high = (parts[key][used] for key in ("mle", "log_mean", "low", "high"))
        bars = [np.maximum(y - low, 0), np.maximum(high - y, 0)]
        axes.errorbar(x, y, bars, **role("network", linestyle="", markersize=3, elinewidth=0.8, alpha=0.8))
        axes.plot([0.02, 25], [0.02, 25], **role("theory"))
        axes.set(xscale="log", yscale="log", xlim=(0.01, 40), ylim=(0.01, 40), aspect="equal", title=name)
        axes.set_xlabel("MLE of the track")
    panels[0, 0].set_ylabel("network (px²/frame)")
    return fig
