"""Pictures of the generative half of lesson 05: generated gels beside gels held out. Each function draws one figure."""

import numpy as np
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role
from helpers.microgels.softpointflow import N_FULL, Terms
from helpers.microgels.surface import convex_vectors

__all__ = ["distances", "hidden", "hulls", "in_numbers", "terms"]

_DEGREES = "temperature (°C)"


def terms(evaluations: list[dict], limit: float) -> Figure:
    """Draw the terms of the objective over the steps of a training, and KL(q || p) beside a ``limit`` in nats."""
    fig, panels = plotting.figure(1, 3, 7, 3.0)
    steps = [row["step"] for row in evaluations]
    points, shape, entropy = (np.array([row[name] for row in evaluations]) for name in Terms._fields)
    panels[0].plot(steps, points, **role("network", marker=""))
    panels[1].plot(steps, N_FULL * shape, **role("network", marker="", label="log p(s | ϑ)"))
    panels[1].plot(steps, N_FULL * entropy, **role("network", marker="", linestyle="--", label="entropy H"))
    panels[2].plot(steps, -N_FULL * (shape + entropy), **role("network", marker="", label="−(log p + H)"))
    panels[2].axhline(limit, **role("theory", label="size alone"))
    panels[0].set(title="points", ylabel="nats per point")
    panels[1].set(title="shape, entropy", ylabel="nats per gel")
    panels[2].set(title="both together", ylim=(0, None))
    for axes in panels:
        axes.set(xlabel="step", xlim=(0, None))
    for axes in panels[1:]:
        axes.legend(fontsize=9)
    return fig


def distances(temperatures, found: dict, authors: dict) -> Figure:
    """Draw CMF distances {source: (generated (n_splits, n_T), floor (n_splits, n_T))}, and those of the authors."""
    fig, panels = plotting.figure(1, len(found), 7, 3.4, sharey=True)
    at = np.asarray(temperatures)
    for axes, (source, (generated, floor)) in zip(panels, found.items(), strict=True):
        for values, kind, shift, label in (
            (floor, "theory", -0.5, "training gels"),
            (generated, "network", 0.5, "generated"),
        ):
            look = role(kind, linestyle="", marker="o", markersize=3, alpha=0.7)
            axes.plot(np.tile(at + shift, (len(values), 1)).T, values.T, **look)
            axes.plot(at + shift, values.mean(axis=0), **role(kind, marker="", label=label))
        if source == "real":
            axes.plot(authors.keys(), authors.values(), **role("paper", linestyle="", label="the original's clouds"))
        axes.set(title=f"{source} gels", xlabel=_DEGREES, ylim=(0, None))
    panels[0].set_ylabel("largest difference of F (1)")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def hulls(held_out: dict, generated: dict, reach_nm: float = 290.0) -> Figure:
    """Draw the mean ends of convex vectors of gels {degC: clouds}, seen from above and from the side."""
    fig, panels = plotting.figure(2, len(held_out), 7, 4.0, squeeze=False)
    for line, plane, view in zip(panels, ("xy", "xz"), ("from above", "from the side"), strict=True):
        for axes, temperature in zip(line, held_out, strict=True):
            for gels, look, label in (
                (held_out[temperature], role("data", marker=""), "held out"),
                (generated[temperature], role("network", marker="", linestyle="--"), "generated"),
            ):
                vectors = [convex_vectors(one, plane, 10.0, n_far=1, keep=0.95) for one in gels]
                angle = np.append(vectors[0].angle_rad, vectors[0].angle_rad[0])
                ends = 10 + np.mean([one.length_nm for one in vectors], axis=0)
                ends = np.append(ends, ends[0])
                axes.plot(ends * np.cos(angle), ends * np.sin(angle), **look, label=label)
            axes.set(xlim=(-reach_nm, reach_nm), ylim=(-reach_nm, reach_nm), xticks=[], yticks=[], aspect="equal")
            axes.spines[:].set_visible(False)
            if plane == "xy":
                axes.set_title(f"{temperature} °C")
        line[0].set_ylabel(view)
    plotting.scale_bar(panels[-1, -1], 200, "200 nm", color=COLORS["data"])
    fig.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def hidden(found: dict) -> Figure:
    """Draw CMF distances at temperatures that were left out: {source: rows of the record "hidden-temperatures"}."""
    fig, panels = plotting.figure(1, len(found), 7, 3.4, sharey=True)
    kinds = {
        "nearest": ("nearest temperature", "theory"),
        "mixture": ("mixture by temperature", "classical"),
        "mixture_of_states": ("mixture by state", "baseline"),
        "generated": ("generated", "network"),
    }
    for axes, (source, rows) in zip(panels, found.items(), strict=True):
        at = np.arange(len(rows))
        for shift, (name, (label, kind)) in zip((-0.24, -0.08, 0.08, 0.24), kinds.items(), strict=True):
            value = np.array([row[name] for row in rows])
            error = np.abs(np.array([row[f"{name}_interval"] for row in rows]).T - value)
            marker = {"marker": "_"} if name == "nearest" else {}
            axes.errorbar(at + shift, value, error, **role(kind, linestyle="", **marker, label=label))
        words = [f"{row['temperature_C']}" + ("*" if len(row["hidden"]) > 1 else "") for row in rows]
        axes.set(
            title=f"{source} gels", xlabel="temperature left out (°C)", xticks=at, xticklabels=words, ylim=(0, None)
        )
    panels[0].set_ylabel("largest difference of F (1)")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def in_numbers(clouds: dict, reach_nm: float = 300.0) -> Figure:
    """Draw clouds {title: (N, 3)} from the side, z upwards, in one row; many points are drawn fainter."""
    fig, panels = plotting.figure(1, len(clouds), 7, 2.2)
    for axes, (title, points) in zip(panels, clouds.items(), strict=True):
        faint = min(1, 30 / np.sqrt(len(points)))
        axes.plot(points[:, 0], points[:, 2], **role("network", linestyle="", marker=",", alpha=faint))
        axes.set(title=title, xlim=(-reach_nm, reach_nm), ylim=(-reach_nm, reach_nm), xticks=[], yticks=[])
        axes.set_aspect("equal")
        axes.spines[:].set_visible(False)
    plotting.scale_bar(panels[0], 200, "200 nm", color=COLORS["data"])
    return fig
