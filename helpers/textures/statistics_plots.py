"""Pictures of lesson 07. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role

__all__ = [
    "closed_forms",
    "counts",
    "gallery",
    "linkage",
    "maps",
    "needles",
    "plane",
    "reading",
    "recovered",
    "rings",
    "runs",
]

_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h", "d")
_SHADES = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f7f7f")
_DASHES = ("-", "--", ":", "-.")


def needles(image, start, needle, hits, length_px, thrown, error, exact) -> Figure:
    """Draw needles from ``start`` (N, 2) to ``start + needle`` on an image, hits in colour, and the share of hits.

    ``thrown`` and ``error`` (K,) are that share at each length and its standard error, ``exact`` (K,) the truth.
    """
    fig, (left, right) = plotting.figure(1, 2, 7, 3.3)
    plotting.show_image(left, 1 - 0.35 * np.asarray(image), "gray", vmin=0, vmax=1)
    for hit, kind, width in ((False, "theory", 0.8), (True, "network", 1.8)):
        rows = start[hits == hit]
        x, y = rows[:, 1] + np.array([[0], [needle[1]]]), rows[:, 0] + np.array([[0], [needle[0]]])
        left.plot(x, y, color=COLORS[kind], linewidth=width, linestyle="-", marker=".", markersize=3)
    left.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
    right.plot(length_px, exact, **role("theory", label="all pairs of pixels"))
    right.errorbar(length_px, thrown, 2 * error, **role("data", linestyle="", markersize=4), label="needles, ± 2 s.e.")
    right.set(xlabel="length of the needle (px)", ylabel="both ends on a line", ylim=(0, None))
    right.legend()
    return fig


def maps(panels: dict, label: str = "") -> Figure:
    """Draw images and statistics side by side: {title: (array, kind)}, kind "phases", "holes" or "statistics".

    Statistics are drawn against the lag, each with a colour bar; in them and in "holes" what is NaN is orange.
    """
    fig, places = plotting.figure(1, len(panels), 7, 7 / len(panels) + 0.75, squeeze=False)
    for axes, (title, (array, kind)) in zip(places[0], panels.items(), strict=True):
        axes.set_facecolor(COLORS["warning"])
        if kind != "statistics":
            plotting.show_image(axes, np.ma.masked_invalid(array), "gray", title, vmin=0, vmax=max(np.nanmax(array), 1))
            continue
        height, width = array.shape
        reach = (-(width // 2) - 0.5, (width - 1) // 2 + 0.5, (height - 1) // 2 + 0.5, -(height // 2) - 0.5)
        mappable = plotting.show_image(axes, np.ma.masked_invalid(array), "cividis", title, extent=reach)
        edge = width // 2 // 10 * 10 or width // 4
        axes.set(xticks=(-edge, 0, edge), yticks=(-edge, 0, edge), xlabel="lag (px)")
        fig.colorbar(mappable, ax=axes, orientation="horizontal", label=label, shrink=0.9, pad=0.03)
    return fig


def reading(lag_px, f, phi: float, slope: float, plateau: float) -> Figure:
    """Draw a radial average with what its first value, its first slope and its end say."""
    fig, axes = plotting.figure()
    axes.plot(lag_px, f, **role("data", marker=".", label="radial average"))
    far = phi / slope
    axes.plot((0, far), (phi, 0), **role("theory", label="tangent at 0: $-s/\\pi$"))
    axes.axhline(plateau, **role("baseline", marker="", label="$\\phi^2$"))
    axes.annotate("$f(0)=\\phi$", (0, phi), (0.16 * lag_px[-1], phi), va="center", arrowprops={"arrowstyle": "->"})
    axes.set(xlabel="lag (px)", ylabel="$f$", xlim=(-0.4, lag_px[-1]), ylim=(0.85 * plateau, 1.05 * phi))
    axes.legend()
    return fig


def closed_forms(media: dict) -> Figure:
    """Draw theory over data: {title: {curve: (lag_px, mean, error, theory)}}, one panel for each medium."""
    fig, panels = plotting.figure(2, -(-len(media) // 2), 7, 5.4)
    for axes, (title, curves) in zip(panels.ravel(), media.items(), strict=True):
        for (name, (lag, mean, error, theory)), shade, mark in zip(
            curves.items(), ("data", "classical"), "os", strict=False
        ):
            axes.fill_between(lag, mean - 2 * error, mean + 2 * error, color=COLORS[shade], alpha=0.25, linewidth=0)
            look = {"linestyle": "", "markersize": 4, "color": COLORS[shade], "marker": mark}
            axes.plot(lag, mean, **look, markevery=2, label=name or "mean of the images")
            axes.plot(lag, theory, **role("theory", label="" if name in list(curves)[1:] else "theory"))
        axes.set(title=title, xlabel="lag (px)", ylabel="$f$")
        axes.legend()
    return fig


def runs(distance_px, path, path_theory, length_px, share, share_theory) -> Figure:
    """Draw a lineal path and the law of chord lengths, both over theory, on logarithmic axes."""
    fig, (left, right) = plotting.figure(1, 2, 7, 3.2)
    left.plot(distance_px, path, **role("data", linestyle="", markersize=4, label="images"))
    left.plot(distance_px, path_theory, **role("theory", label="theory"))
    left.set(xlabel="length of the path (px)", ylabel="whole path in the void", yscale="log")
    right.plot(length_px, share, **role("data", linestyle="", markersize=4, label="images"))
    right.plot(length_px, share_theory, **role("theory", label="theory"))
    right.set(xlabel="length of a chord (px)", ylabel="share of the chords", yscale="log")
    for axes in (left, right):
        axes.legend()
    return fig


def counts(groups: dict) -> Figure:
    """Draw estimated against true numbers of lines: {title: (true (N,), estimate (N,))}, dots side by side."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.4)
    looks = (role("classical", linestyle="", markersize=4), role("network", linestyle="", markersize=3, alpha=0.6))
    most = max(true.max() for true, _ in groups.values())
    for n in range(1, most + 1):
        axes.plot((n - 0.4, n + 0.4), (n, n), **role("theory"))
        axes.fill_between((n - 0.4, n + 0.4), n - 0.5, n + 0.5, color=COLORS["theory"], alpha=0.12, linewidth=0)
    for shift, ((title, (true, estimate)), look) in enumerate(zip(groups.items(), looks, strict=True)):
        rank = np.argsort(np.argsort(estimate)) / len(estimate)
        axes.plot(true + 0.36 * shift - 0.33 + 0.3 * rank, estimate, **look, label=title)
    axes.set(xlabel="lines in the image", ylabel="lines by three lags", xticks=range(1, most + 1))
    axes.legend(loc="upper left")
    return fig


def gallery(rows: dict, titles=(), height_in: float | None = None) -> Figure:
    """Draw rows of images {title: list of (H, W)}; NaN leaves a place empty. ``titles`` stand over the columns."""
    n = max(len(images) for images in rows.values())
    fig, panels = plotting.figure(len(rows), n, 7, height_in or len(rows) * 5.9 / n + 0.4, squeeze=False)
    for line, (title, images) in zip(panels, rows.items(), strict=True):
        for axes in line[len(images) :]:
            axes.set_visible(False)
        for axes, image in zip(line, images, strict=False):
            smooth = np.min(image) < np.max(image) and len(np.unique(image)) > 4
            span = {} if smooth else {"vmin": 0, "vmax": max(np.max(image), 1)}
            plotting.show_image(axes, image, "cividis" if smooth else "gray", **span)
            axes.spines[:].set_visible(True)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    for axes, title in zip(panels[0], titles, strict=False):
        axes.set_title(title, fontsize=10)
    return fig


def rings(curves: dict, reach_px: int) -> Figure:
    """Draw normalised radial correlations {name: (lag_px, correlation)}, 1 at 0 and 0 far away, to a largest lag."""
    fig, axes = plotting.figure()
    for number, (name, (lag, correlation)) in enumerate(curves.items()):
        look = {"color": _SHADES[number % 8], "linestyle": _DASHES[number % 4], "marker": _MARKS[number]}
        axes.plot(lag[: reach_px + 1], correlation[: reach_px + 1], **look, markersize=4, markevery=3, label=name)
    axes.axhline(0, **role("theory"))
    axes.set(xlabel="lag (px)", ylabel="$(f-\\phi^2)/(\\phi-\\phi^2)$", xlim=(0, reach_px))
    axes.legend(ncols=2)
    return fig


def plane(scores: dict, explained) -> Figure:
    """Draw the first two scores of microstructures {name: (n, K)} as dots."""
    fig, axes = plotting.figure(1, 1, 7, 4.4)
    for number, (name, z) in enumerate(scores.items()):
        look = {"color": _SHADES[number % 8], "marker": _MARKS[number % 12], "linestyle": ""}
        axes.plot(z[:, 0], z[:, 1], **look, markersize=5, alpha=0.75, label=name)
    axes.set(xlabel=f"score 1 ({explained[0]:.0%} of the variance)", ylabel=f"score 2 ({explained[1]:.0%})")
    fig.legend(loc="outside right upper", fontsize=9)
    return fig


def linkage(tasks: dict) -> Figure:
    """Draw shares of variance {task: {learner: (n_splits,)}}: bars for means, dots for splits."""
    fig, axes = plotting.figure(1, 1, 7, 3.8)
    names = list(next(iter(tasks.values())))
    width = 0.8 / len(names)
    shades = ("#009E73", "#0072B2", "#D55E00", "#E69F00", "#CC79A7")
    for number, name in enumerate(names):
        at = np.arange(len(tasks)) + width * (number - (len(names) - 1) / 2)
        values = np.array([rows[name] for rows in tasks.values()])
        axes.bar(at, np.maximum(values.mean(axis=1), 0), 0.9 * width, color=shades[number], label=name)
        dots = role("data", linestyle="", marker=".", markersize=3)
        axes.plot(np.repeat(at, values.shape[1]), np.maximum(values, -0.05).ravel(), **dots)
    axes.set(xticks=range(len(tasks)), ylabel="share of variance, unseen", ylim=(-0.08, 1.02))
    axes.set_xticklabels(tasks)
    fig.legend(loc="outside upper center", ncols=3, fontsize=9)
    return fig


def recovered(media: dict, budgets) -> Figure:
    """Draw the share of images found exactly over the iterations: {medium: {kind: (n_budgets,)}}."""
    fig, panels = plotting.figure(1, len(next(iter(media.values()))), 7, 3.4, sharey=True)
    for axes, kind in zip(panels, next(iter(media.values())), strict=True):
        for number, (name, kinds) in enumerate(media.items()):
            look = {"color": _SHADES[number], "linestyle": _DASHES[number % 4], "marker": _MARKS[number]}
            axes.plot(np.arange(len(budgets)) + 0.03 * (number - 2), kinds[kind], **look, label=name)
        axes.set(title=kind, xlabel="iterations", xticks=range(len(budgets)), ylim=(-0.05, 1.05))
        axes.set_xticklabels(budgets)
    panels[0].set_ylabel("found exactly")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize=9)
    return fig
