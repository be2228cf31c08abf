"""Pictures of lesson 09. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role

__all__ = [
    "arrangement",
    "damage",
    "moments",
    "one_line",
    "pair_correlations",
    "planes",
    "power",
    "scoreboard",
    "separations",
    "slices",
    "slowing_down",
]


def slices(stacks: dict, y: int, marks: dict | None = None, diameter_px: float = 10, cmap: str = "gray") -> Figure:
    """Draw the plane (z, x) at one y of stacks {title: (Z, Y, X)}, z downwards, with one bar of a diameter.

    ``marks``: {name: (role, (n, 3) px)}, drawn in all where they are nearer than a quarter of a diameter to the plane;
    the role "data" in white.
    """
    fig, panels = plotting.figure(1, len(stacks), 7, 7 / len(stacks) + 0.55, squeeze=False)
    for axes, (title, stack) in zip(panels[0], stacks.items(), strict=True):
        low, high = np.percentile(stack, (0.5, 99.5))
        plotting.show_image(axes, stack[:, y], cmap, title, vmin=low, vmax=high)
        _mark(axes, marks or {}, 1, y, diameter_px)
    plotting.scale_bar(panels[0, 0], diameter_px, "$a$")
    panels[0, 0].set_ylabel("$z$ downwards")
    return fig


def planes(stack, z: int, y: int, marks: dict, diameter_px: float) -> Figure:
    """Draw the planes (y, x) at one z and (z, x) at one y of a stack (Z, Y, X), with marks as ``slices``."""
    fig, panels = plotting.figure(1, 2, 7, 4.2)
    low, high = np.percentile(stack, (0.5, 99.5))
    for axes, image, axis, at, title in (
        (panels[0], stack[z], 0, z, "across: $y$, $x$"),
        (panels[1], stack[:, y], 1, y, "along: $z$, $x$"),
    ):
        plotting.show_image(axes, image, "gray", title, vmin=low, vmax=high)
        _mark(axes, marks, axis, at, diameter_px)
    plotting.scale_bar(panels[0], diameter_px, "$a$")
    return fig


def _mark(axes, marks, axis, at, diameter_px):
    for name, (kind, places) in marks.items():
        places = np.reshape(places, (-1, 3))
        near = places[np.abs(places[:, axis] - at) < diameter_px / 4]
        ring = {"color": "white", "marker": "o"} if kind == "data" else {}
        style = role(kind, linestyle="", label=name, markersize=9, markerfacecolor="none", markeredgewidth=1.3)
        axes.plot(near[:, 2], near[:, 1 - axis], **style | ring)


def one_line(x_px, lines: dict) -> Figure:
    """Draw grey values along a line {name: (kind, (n,))} against the place on it, in px."""
    fig, axes = plotting.figure(1, 1, 6, 3)
    for name, (kind, values) in lines.items():
        axes.plot(x_px, values, **role(kind, marker="", label=name))
    axes.set(xlabel="place on the line through both centres (px)", ylabel="grey value", ylim=(0, None))
    axes.legend()
    return fig


def separations(table, default_px: float) -> Figure:
    """Draw recall and precision of local maxima against the separation: rows (separation px, recall, precision)."""
    fig, axes = plotting.figure(1, 1, 6, 3.2)
    s, recall, precision = np.array(table).T
    axes.plot(s, recall, **role("classical", label="recall"))
    axes.plot(s, precision, **role("baseline", label="precision"))
    axes.axvline(default_px, **role("theory", marker="", label="diameter + 1, the usual default"))
    axes.set(xlabel="separation (px)", ylabel="share", ylim=(0, 1.03))
    fig.legend(loc="outside upper center", ncols=3)
    return fig


def moments(panels: dict) -> Figure:
    """Draw {title: (m0, m2, true, kept)}: true and false places in the plane of the moments, those kept filled."""
    fig, axes = plotting.figure(1, len(panels), 7, 3.4, squeeze=False)
    for place, (title, (m0, m2, true, kept)) in zip(axes[0], panels.items(), strict=True):
        for name, mask, kind in (("a sphere", true, "classical"), ("none", ~true, "warning")):
            style = role(kind, linestyle="", markersize=4)
            place.plot(m0[mask & kept], m2[mask & kept], **style, label=f"{name}, kept")
            place.plot(m0[mask & ~kept], m2[mask & ~kept], **style, markerfacecolor="none", label=f"{name}, dropped")
        place.set(title=title, xlabel="$m_0$ / median", ylabel="$m_2$")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def power(panels: dict) -> Figure:
    """Draw {title: (k, measured, expected)}: the power of waves along one direction, and that of the fitted model."""
    fig, axes = plotting.figure(1, len(panels), 7, 3, squeeze=False, sharey=True)
    for place, (title, (k, measured, expected)) in zip(axes[0], panels.items(), strict=True):
        place.semilogy(k, measured, **role("data", linestyle="", label="measured"))
        place.semilogy(k, expected, **role("classical", marker="", label="fitted"))
        place.set(title=title, xlabel="$k$ (rad/px)")
    axes[0, 0].set_ylabel("power per voxel")
    axes[0, 0].legend()
    return fig


KINDS = {"trackpy": "baseline", "track": "classical", "refine": "classical", "U-Net": "network"}


def scoreboard(rows: dict, required: dict) -> Figure:
    """Draw, per case, what each way misses and how far it is off: {case: {way: (missed %, error in z)}}, one dot each.

    ``required``: {case: (missed %, error in z)}, drawn as the corner that has to be reached. What is below 0.05 % is
    drawn there.
    """
    fig, axes = plotting.figure(1, len(rows), 7, 3.6, squeeze=False, sharex=True, sharey=True)
    for place, (case, ways) in zip(axes[0], rows.items(), strict=True):
        for way, (missed, error) in ways.items():
            style = role(KINDS[way.split(",")[0].split(" ")[0]], linestyle="", label=way, markersize=7)
            style |= {"markerfacecolor": "none"} if "refine" not in way and "tuned" not in way else {}
            place.loglog(max(missed, 0.05), error, **style)
        if case in required:
            missed, error = required[case]
            place.plot([0.03, missed, missed], [error, error, 0.004], **role("theory", marker=""))
        place.set(title=case.replace(", ", "\n"), xlim=(0.03, 80))
    axes[0, 0].set_ylabel("rms error along $z$ (diameters)")
    fig.supxlabel("spheres missed (%)", fontsize=12, color="#757575")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def pair_correlations(r, curves: dict, top: float | None = None) -> Figure:
    """Draw g(r) of {name: (kind, (n,))}."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.4)
    for name, (kind, g) in curves.items():
        axes.plot(r, g, **role(kind, marker="", label=name))
    axes.axhline(1, color="#bbbbbb", linewidth=0.8, linestyle="-")
    axes.set(xlabel="$r/a$", ylabel="$g(r)$", ylim=(0, top))
    axes.legend()
    return fig


def damage(record: dict, tracked: dict) -> Figure:
    """Draw what share of the icosahedra is left: without spheres, with errors (a record), and of trackers.

    ``tracked``: {name: (kind, share)}.
    """
    fig, axes = plotting.figure(1, 3, 7, 3.3, sharey=True)
    for name, kind in (("phi52", "theory"), ("phi55", "data")):
        values = record[name]
        for place, key, unit in ((axes[0], "missing", 100), (axes[1], "error", 1)):
            x = [unit * float(step) for step in values[key]]
            y = np.array([np.mean(shares) for shares in values[key].values()]) / values["true"]
            place.plot(x, y, **role(kind, marker="o", label=rf"$\phi$ = {values['phi']:.2f}"))
    axes[0].set(xlabel="spheres missing (%)", ylabel="10B left, of the true share")
    axes[1].set(xlabel="error per axis ($a$)")
    for at, (name, (kind, share)) in enumerate(tracked.items()):
        axes[2].bar(at, share, color=COLORS[kind], alpha=0.6)
        axes[2].text(at, 0.03, name, rotation=90, ha="center", va="bottom", fontsize=10)
    axes[2].axhline(1, **role("theory", marker=""))
    axes[2].set(xticks=[], title="tracked,\n" r"$\phi$ = 0.55, SNR 5", ylim=(0, 1.15))
    axes[0].legend()
    return fig


def slowing_down(phi, tau, vft, fraction: dict) -> Figure:
    """Draw relaxation times (n_phi, seeds) with a VFT curve (phi, tau), and shares of 10B, {name: (kind, the same)}."""
    fig, (left, right) = plotting.figure(1, 2, 7, 3.4)
    left.semilogy(phi, tau, **role("data", linestyle=""))
    left.semilogy(*vft, **role("theory", marker="", label="VFT"))
    left.set(xlabel=r"$\phi$", ylabel=r"$\tau_\alpha D_0/a^2$")
    left.legend()
    for name, (kind, shares) in fraction.items():
        mean = np.mean(shares, axis=1)
        right.errorbar(phi, mean, np.std(shares, axis=1, ddof=1), **role(kind, label=name), capsize=2)
    right.set(xlabel=r"$\phi$", ylabel="share of spheres in 10B", ylim=(0, None))
    right.legend()
    return fig


def arrangement(places, members) -> Figure:
    """Draw places (n, 3) in diameters in 3D, members (n,) coloured and large, the others small and grey."""
    fig, axes = plotting.figure(1, 1, 5.2, 4.6, subplot_kw={"projection": "3d"})
    z, y, x = np.asarray(places).T
    axes.scatter(x[~members], y[~members], z[~members], s=8, color="#bbbbbb", depthshade=True, label="other")
    axes.scatter(x[members], y[members], z[members], s=55, color=COLORS["network"], edgecolor="k", linewidth=0.3)
    axes.set(xlabel="$x/a$", ylabel="$y/a$", zlabel="$z/a$")
    axes.set_box_aspect((np.ptp(x), np.ptp(y), np.ptp(z)))
    return fig
