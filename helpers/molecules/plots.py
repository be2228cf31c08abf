"""Pictures of the molecules wing. Each function draws one figure and returns it."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role

__all__ = [
    "camera_histograms",
    "cue_ranking",
    "field_of_view",
    "film",
    "light_of_the_original",
    "objectives",
    "paths_in_frames",
    "spread_against_error",
    "statistics_beside",
    "transfer_lines",
]

_ESTIMATORS = {
    "all lags": ("warning", "X", "full"),
    "two lags": ("data", "o", "full"),
    "CVE": ("baseline", "v", "none"),
    "CVE, σ known": ("baseline", "v", "full"),
    "MLE": ("classical", "s", "none"),
    "MLE, σ known": ("classical", "s", "full"),
}


def spread_against_error(ratios, spreads: dict, fine, bounds) -> Figure:
    """Draw relative spreads {estimator: (len(ratios),)} against sigma^2 / (D dt), and two bounds over ``fine``."""
    fig, axes = plotting.figure(1, 1, 6.8, 4.2)
    axes.plot(fine, bounds[0], **role("theory", label="bound, σ known"))
    axes.plot(fine, bounds[1], **role("theory", linestyle=":", label="bound, σ unknown"))
    for name, (kind, marker, fill) in _ESTIMATORS.items():
        look = role(kind, linestyle="", marker=marker, fillstyle=fill, markersize=7, label=name)
        axes.plot(np.maximum(ratios, fine[0]), spreads[name], **look)
    axes.set(xscale="log", yscale="log", ylim=(0.2, 6), ylabel="relative sd of D (1)")
    axes.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("σ² / (D Δt)   (leftmost points: σ = 0)")
    axes.legend(ncols=2, loc="upper left")
    return fig


def paths_in_frames(walk_um) -> Figure:
    """Draw one path (T, n_sub, 2) um (y, x), frame by frame in its own colour and marker, with the mean of each."""
    fig, axes = plotting.figure(1, 1, 5.2, 4.4)
    colors = [COLORS[name] for name in ("data", "classical", "baseline", "paper")]
    for k, frame in enumerate(walk_um):
        part = np.concatenate([walk_um[k - 1, -1:], frame]) if k else frame
        color, marker = colors[k % 4], "osv^"[k % 4]
        axes.plot(
            part[:, 1], part[:, 0], color=color, marker=marker, linestyle="-", markersize=4, label=f"frame {k + 1}"
        )
        axes.plot(*frame.mean(axis=0)[::-1], "x", color=color, markersize=14, markeredgewidth=3)
    axes.set(xlabel="x (µm)", ylabel="y (µm)", aspect="equal")
    axes.invert_yaxis()
    axes.legend()
    return fig


def film(rows, unit: str, titles=(), labels=(), vmin=None, vmax=None, bar_px: float = 0, bar_label: str = "") -> Figure:
    """Draw rows of images (R, C, H, W) on one colour scale with a colour bar, titles per column, labels per row."""
    rows = np.asarray(rows)
    vmin, vmax = rows.min() if vmin is None else vmin, rows.max() if vmax is None else vmax
    fig, panels = plotting.figure(*rows.shape[:2], 6, 0.6 + 1.4 * len(rows), squeeze=False)
    for r, images in enumerate(rows):
        for c, image in enumerate(images):
            title = titles[c] if r == 0 and titles else ""
            drawn = plotting.show_image(panels[r, c], image, vmin=vmin, vmax=vmax, title=title)
        if labels:
            panels[r, 0].set_ylabel(labels[r])
    if bar_px:
        plotting.scale_bar(panels[0, 0], bar_px, bar_label)
    plotting.color_bar(fig, drawn, panels, unit)
    return fig


def camera_histograms(bars: dict, lines: dict, bins) -> Figure:
    """Draw histograms of counts of a plain and an EM camera: ``bars`` as areas, ``lines`` over them."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.4)
    for name, kind in zip(bars, ("classical", "baseline"), strict=True):
        axes.hist(bars[name], bins, density=True, color=COLORS[kind], alpha=0.35)
        density = np.histogram(lines[name], bins, density=True)[0]
        axes.plot((bins[:-1] + bins[1:]) / 2, density, **role(kind, markersize=3, label=name))
    axes.set(xlabel="counts", ylabel="density (1/count)")
    axes.legend()
    return fig


def cue_ranking(ranking: dict) -> Figure:
    """Draw rank correlations {world: {cue: value}} as grouped bars, each cue with its own hatch."""
    fig, axes = plotting.figure(1, 1, 7, 3.8)
    looks = {"trajectory": ("classical", ""), "shape": ("data", "//"), "brightness": ("baseline", "..")}
    for k, (cue, (kind, hatch)) in enumerate(looks.items()):
        places = np.arange(len(ranking)) + 0.27 * (k - 1)
        heights = [values[cue] for values in ranking.values()]
        axes.bar(places, heights, 0.25, color=COLORS[kind], hatch=hatch, edgecolor="white", label=cue)
    axes.set_xticks(range(len(ranking)), list(ranking), fontsize=9)
    axes.set(ylabel="rank correlation with D (1)", ylim=(0, 1.25))
    axes.legend(ncols=3, loc="upper right")
    return fig


def light_of_the_original(photons: dict, at_rest: float, images: dict) -> Figure:
    """Draw the signal photons {D: median} of the original's generator beside four of its frames {D: image}."""
    plotting.use_style()
    fig, panels = plt.subplot_mosaic("AABC;AADE", figsize=(7, 3.4), width_ratios=[1, 1, 0.9, 0.9])
    left = panels.pop("A")
    left.plot(list(photons), list(photons.values()), **role("paper", linestyle="-", label="the original's generator"))
    left.axhline(at_rest, **role("theory", label="the same light at every D"))
    left.set(xlabel="D (1000 nm²/s)", ylabel="signal photons / frame", ylim=(0, 850))
    left.legend(loc="lower right")
    for axes, (D, image) in zip(panels.values(), images.items(), strict=True):
        plotting.show_image(axes, image, title=f"D = {D}")
    return fig


def transfer_lines(points: dict, lines: dict) -> Figure:
    """Draw (mean, variance) points {name: (n, 2)} and lines {name: (slope, zero-variance level)}."""
    fig, axes = plotting.figure(1, 1, 6.6, 3.9)
    for (name, point), kind in zip(points.items(), ("classical", "baseline", "data"), strict=False):
        slope, level = lines[name]
        axes.plot(*point.T, **role(kind, linestyle="", markersize=4, label=name))
        ends = np.array([level, point[:, 0].max()])
        axes.plot(ends, slope * (ends - level), **role("theory"))
    axes.set(xlabel="mean (counts)", ylabel="variance (counts²)", ylim=(0, None))
    axes.legend()
    return fig


def objectives(scales, smooth: dict, rough: dict, truth: float, good: tuple) -> Figure:
    """Draw objectives {name: (len(scales),)} scaled to their range: common random numbers as lines, others as dots."""
    fig, panels = plotting.figure(1, len(smooth), 7, 2.7, sharey=True)
    for axes, (name, values) in zip(panels, smooth.items(), strict=True):
        low, high = values.min(), np.quantile(values, 0.9)
        axes.plot(
            scales,
            (values - low) / (high - low),
            **role("baseline" if name in good else "warning", marker="", linestyle="-"),
        )
        axes.plot(scales, (rough[name] - low) / (high - low), **role("data", linestyle="", markersize=2))
        axes.axvline(truth, **role("theory"))
        axes.set(xlabel="width (counts)", title=name, ylim=(-0.1, 1.3), xticks=[0, truth, 2 * truth])
    panels[0].set_ylabel("objective (scaled)")
    return fig


def statistics_beside(three: dict) -> Figure:
    """Draw histograms over power spectra, a column per recording: {name: (recorded, simulated, camera alone)}.

    Each of the three is a ``calibration.ImageStatistics``.
    """
    fig, panels = plotting.figure(2, len(three), 7, 5, squeeze=False, sharey="row")
    looks = {"recorded": ("data", "-"), "simulated": ("classical", "--"), "no molecules": ("theory", ":")}
    for (upper, lower), (name, statistics) in zip(panels.T, three.items(), strict=True):
        for stats, (words, (kind, dash)) in zip(statistics, looks.items(), strict=True):
            look = role(kind, marker="", linestyle=dash, label=words)
            seen = stats.histogram > 0
            upper.semilogy(((stats.edges[1:] + stats.edges[:-1]) / 2)[seen], stats.histogram[seen], **look)
            lower.loglog(stats.frequency, stats.power, **look)
        upper.set(title=name, xlabel="counts")
        lower.set(xlabel="frequency (1/px)")
        lower.set_xticks([0.02, 0.1, 0.5], ["0.02", "0.1", "0.5"])
        lower.set_xticks([], minor=True)
    panels[0, 0].set_ylabel("density (1/count)")
    panels[1, 0].set_ylabel("power (counts²)")
    panels[1, -1].legend(loc="upper right")
    return fig


def field_of_view(image, positions_px, corners, size: int, bar_px: float, bar_label: str) -> Figure:
    """Draw a field with a ring around each position (m, 2) px (y, x) and a square of ``size`` px at each corner."""
    fig, axes = plotting.figure(1, 1, 4.4, 3.7)
    drawn = plotting.show_image(axes, image, vmax=np.quantile(image, 0.9995))
    axes.plot(positions_px[:, 1] - 0.5, positions_px[:, 0] - 0.5, "o", color="white", fillstyle="none", markersize=9)
    for top, left in corners:
        square = plt.Rectangle(
            (left - 0.5, top - 0.5), size, size, fill=False, edgecolor=COLORS["warning"], linewidth=1
        )
        axes.add_patch(square)
    plotting.scale_bar(axes, bar_px, bar_label)
    plotting.color_bar(fig, drawn, axes, "counts")
    return fig
