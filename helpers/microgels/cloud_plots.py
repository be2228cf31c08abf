"""Pictures of lesson 05: clouds, density maps, rankings, surfaces and shapes. Each function draws one figure."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from helpers.common import plotting
from helpers.common.plotting import COLORS, role
from helpers.microgels.clouds import fuzzy_sphere_density
from helpers.microgels.density import radial_profile
from helpers.microgels.precision import GAPS, LocalisationError
from helpers.microgels.surface import convex_vectors

__all__ = [
    "convex_arrows",
    "curves",
    "density_maps",
    "gels_in_space",
    "pair_distances",
    "planted_outliers",
    "ranked_maps",
    "ranks_against_count",
    "shells",
    "sizes",
    "through_a_lens",
    "two_shapes",
]

_DEGREES = "temperature (°C)"


def shells(points, radius_nm: float, fuzz_nm: float) -> Figure:
    """Draw the density of points (N, 3) of a fuzzy sphere in shells of 25 nm, its closed form, and a sharp ball."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.4)
    end = radius_nm + 4 * fuzz_nm
    fine = np.linspace(0, end, 1000)
    axes.plot(fine, 1e9 * fuzzy_sphere_density(fine, radius_nm, fuzz_nm), **role("theory", label="closed form"))
    sharp = 1e9 * fuzzy_sphere_density(fine, radius_nm, 0)
    axes.plot(fine, sharp, **role("theory", linestyle=":", label="sharp edge"))
    n_shells = int(np.ceil(end / 25))
    r, found = radial_profile(points, 25.0, n_shells)
    counts = np.histogram(np.linalg.norm(points, axis=1), 25.0 * np.arange(n_shells + 1))[0]
    error = 1e9 * found / np.sqrt(np.maximum(counts, 1))
    axes.errorbar(r, 1e9 * found, error, **role("data", linestyle="", label="sampled"))
    axes.set(xlabel="distance from the centre r (nm)", ylabel="density (10⁻⁹ / nm³)", xlim=(0, end))
    axes.legend()
    return fig


def sizes(temperatures, size: dict) -> Figure:
    """Draw the median distance of gels {source: (n_temperatures, n)}: simulated as mean and sd, real ones as dots."""
    fig, axes = plotting.figure(1, 1, 6.4, 3.6)
    at = np.asarray(temperatures)
    mean, sd = size["simulated"].mean(axis=1), size["simulated"].std(axis=1)
    axes.plot(at, mean, **role("theory", label="simulated, mean and sd"))
    axes.fill_between(at, mean - sd, mean + sd, color=COLORS["theory"], alpha=0.25, linewidth=0)
    for temperature, values in zip(at, size.get("real", ()), strict=False):
        x = temperature + np.linspace(-0.5, 0.5, len(values))
        label = "real gels" if temperature == at[0] else None
        axes.plot(x, values, **role("data", linestyle="", markersize=3, alpha=0.6, label=label))
    axes.set(xlabel=_DEGREES, ylabel="median distance (nm)", ylim=(0, None))
    axes.legend()
    return fig


def gels_in_space(gels: dict, reach_nm: float = 260.0, n_points: int = 700) -> Figure:
    """Draw one centred cloud (N, 3) per temperature {degC: cloud} over the same square, the nearer points darker."""
    fig, panels = plotting.figure(2, 3, 7, 5, subplot_kw={"projection": "3d"})
    elevation, azimuth = np.radians([15, -60])
    towards = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    corner = reach_nm * np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, -1]])
    for axes, (temperature, points) in zip(panels.flat, gels.items(), strict=True):
        shown = points[np.linspace(0, len(points) - 1, min(n_points, len(points))).astype(int)]
        shown = shown[np.abs(shown).max(axis=1) < reach_nm]
        greys = np.clip(np.round(0.35 * (1 - shown @ towards / (0.6 * reach_nm)), 1), 0, 0.7)
        look = {"s": 3, "linewidths": 0, "depthshade": False, "antialiased": False}
        axes.scatter(*shown.T, c=[str(grey) for grey in greys], **look)
        axes.plot(*corner.T, "-", color=COLORS["theory"], linewidth=0.8)
        bar = [-reach_nm, 200 - reach_nm], [-reach_nm] * 2, [-reach_nm] * 2
        axes.plot(*bar, "-", color=COLORS["data"], linewidth=3)
        axes.set(xlim=(-reach_nm, reach_nm), ylim=(-reach_nm, reach_nm), zlim=(-reach_nm, reach_nm))
        axes.set(xticks=[], yticks=[], zticks=[], title=f"{temperature} °C")
        axes.set_box_aspect((1, 1, 1), zoom=1.2)
        axes.view_init(elev=15, azim=-60)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.set_pane_color((1, 1, 1, 0))
            axis.line.set_visible(False)
    panels[0, 0].text2D(0.02, 0.01, "200 nm", transform=panels[0, 0].transAxes, fontsize=9)
    return fig


def through_a_lens(seen: dict, extent_nm: float = 400.0, n_bins: int = 53) -> Figure:
    """Draw side views of clouds {(degC, kind): (N, 3)}, z upwards, each scaled to its maximum: a row per degC."""
    rows, columns = (list(dict.fromkeys(key[k] for key in seen)) for k in (0, 1))
    fig, panels = plotting.figure(len(rows), len(columns), 7, 4.6, squeeze=False)
    edges = np.linspace(-extent_nm, extent_nm, n_bins + 1)
    for (temperature, kind), points in seen.items():
        axes = panels[rows.index(temperature), columns.index(kind)]
        image = np.histogram2d(points[:, 2], points[:, 0], edges)[0]
        place = {"origin": "lower", "extent": (-extent_nm, extent_nm) * 2, "vmin": 0, "vmax": 1}
        shown = plotting.show_image(axes, image / image.max(), **place)
        if temperature == rows[0]:
            axes.set_title(kind)
        if kind == columns[0]:
            axes.set_ylabel(f"{temperature} °C")
    plotting.scale_bar(panels[0, 0], 200, "200 nm")
    plotting.color_bar(fig, shown, panels, "density / its maximum (1)")
    return fig


def density_maps(rows: dict, bin_nm: float = 10.0, reach_nm: float = 350.0, limits=(3e-5, 6e-3)) -> Figure:
    """Draw toroid densities {row: {title: (n_rings, n_slabs)}} in 1/nm^3, mirrored about the axis; empty is white."""
    fig, panels = plotting.figure(len(rows), len(next(iter(rows.values()))), 7, 3.7, squeeze=False)
    for line, (name, maps) in zip(panels, rows.items(), strict=True):
        for axes, (title, density) in zip(line, maps.items(), strict=True):
            cut = np.concatenate([density[::-1], density]).T  # (n_slabs, 2 n_rings), height upwards
            half = np.array(cut.shape[::-1]) * bin_nm / 2
            place = {"origin": "lower", "extent": (-half[0], half[0], -half[1], half[1])}
            seen = np.ma.masked_equal(cut, 0)
            shown = plotting.show_image(axes, seen, title=title, norm=LogNorm(*limits), **place)
            axes.set(xlim=(-reach_nm, reach_nm), ylim=(-1.2 * reach_nm, reach_nm))  # room for the bar
        line[0].set_ylabel(name)
    plotting.scale_bar(panels[-1, -1], 300, "300 nm", color=COLORS["data"])
    plotting.color_bar(fig, shown, panels, "localisations / nm³").ax.minorticks_off()
    return fig


def ranked_maps(temperatures, maps, sums, chosen=(0, 2, 4, 5)) -> Figure:
    """Draw the maps of the first and of the last but one gel by sum of correlations, at some of the temperatures.

    ``maps`` (n_temperatures, n_gels, n_rings, n_slabs) in 1/nm^3, ``sums`` (n_temperatures, n_gels).
    """
    rows = {}
    for words, place in (("selected", 0), ("dropped", -2)):
        gels = np.argsort(-sums, axis=1, kind="stable")[:, place]
        rows[words] = {f"{temperatures[k]} °C, {gels[k] + 1}": maps[k, gels[k]] for k in chosen}
    return density_maps(rows)


def ranks_against_count(counts, sums: dict) -> Figure:
    """Draw the place by sum of correlations against the place by count, both (n_sets, n): {method: sums}; 1 is most."""
    fig, panels = plotting.figure(1, len(sums), 7, 3.5, sharey=True)
    by_count = 1 + _places(counts)
    for axes, (method, values), kind in zip(panels, sums.items(), ("paper", "classical"), strict=True):
        place = 1 + _places(values)
        axes.plot(by_count.ravel(), place.ravel(), **role(kind, linestyle="", markersize=4, alpha=0.6))
        axes.plot([1, place.max()], [1, place.max()], **role("theory"))
        axes.set(xlabel="place by localisations", title=method, xticks=[1, 5, 10, 15, 20], yticks=[1, 5, 10, 15, 20])
        axes.set_aspect("equal")
    panels[0].set_ylabel("place in the ranking")
    return fig


def _places(values) -> np.ndarray:
    """Return the place of each value in its row, 0 for the largest."""
    return np.argsort(np.argsort(-np.asarray(values), axis=1), axis=1)


def planted_outliers(found: dict) -> Figure:
    """Draw how many of 3 planted gels end among the last 3 and in the top 10: {kind: {method: (last, top)}}."""
    fig, panels = plotting.figure(1, 2, 7, 3.8, sharey=True)
    for axes, number, title in zip(panels, (0, 1), ("among the last 3", "in the top 10"), strict=True):
        for k, (method, kind) in enumerate((("published", "paper"), ("robust", "classical"))):
            y = np.arange(len(found)) + 0.36 * (k - 0.5)
            values = [row[method][number] for row in found.values()]
            look = {"color": COLORS[kind], "hatch": ("", "//")[k], "edgecolor": "white"}
            axes.barh(y, values, 0.34, label=method, **look)
        axes.set(xlabel="planted gels, mean of 3", title=title, xlim=(0, 3.05), xticks=range(4))
    panels[0].set_yticks(range(len(found)), list(found))
    panels[0].invert_yaxis()
    panels[1].legend(loc="center right")
    return fig


def curves(real: dict, simulated: dict, ylabel: str, log=False, limits=None, labels=("real", "simulated")) -> Figure:
    """Draw curves {degC: (r, y)}, a panel per temperature: real ones as dots or lines over simulated ones."""
    fig, panels = plotting.figure(2, 3, 7, 4.6, sharex=True, sharey=True)
    first = next(iter(simulated.values()))
    for axes, (temperature, (r, y)) in zip(panels.flat, simulated.items(), strict=True):
        axes.plot(*first, color=COLORS["theory"], linewidth=0.8, label=f"{labels[1]}, 21 °C")
        axes.plot(r, y, **role("theory", label=labels[1]))
        if temperature in real:
            x, values = real[temperature]
            look = {"linestyle": "", "markersize": 3} if len(x) < 40 else {"marker": "", "linewidth": 1.2}
            axes.plot(x, values, **role("data", **look, label=labels[0]))
        axes.set(title=f"{temperature} °C", yscale="log" if log else "linear", ylim=limits, xlim=(0, 350))
    fig.supxlabel("distance from the centre r (nm)", color=COLORS["theory"], fontsize=12)
    fig.supylabel(ylabel, color=COLORS["theory"], fontsize=12)
    fig.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def convex_arrows(gels: dict, circles: dict, plane: str, reach_nm: float = 320.0, n_points: int = 1500) -> Figure:
    """Draw one centred cloud (N, 3) per temperature {degC: cloud} in a plane, with its circle and its arrows."""
    fig, panels = plotting.figure(2, 3, 7, 4.9)
    around, both = np.linspace(0, 2 * np.pi, 200), {"xy": [0, 1], "xz": [0, 2], "yz": [1, 2]}[plane]
    for axes, (temperature, points) in zip(panels.flat, gels.items(), strict=True):
        circle, vectors = circles[temperature], convex_vectors(points, plane, circles[temperature])
        axes.plot(*points[:: len(points) // n_points + 1, both].T, ",", color=COLORS["theory"])
        axes.plot(circle * np.cos(around), circle * np.sin(around), "-", color=COLORS["paper"], linewidth=1.5)
        directions = np.array([np.cos(vectors.angle_rad), np.sin(vectors.angle_rad)])
        tail, length = circle * directions, vectors.length_nm * directions
        scale = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.008, "headwidth": 3.5, "headlength": 4}
        axes.quiver(*tail, *length, color=COLORS["classical"], **scale)
        axes.set(xlim=(-reach_nm, reach_nm), ylim=(-reach_nm, reach_nm), xticks=[], yticks=[])
        axes.set(title=f"{temperature} °C", aspect="equal")
        axes.spines[:].set_visible(False)
    plotting.scale_bar(panels[-1, -1], 200, "200 nm", color=COLORS["data"])
    return fig


def pair_distances(found: LocalisationError) -> Figure:
    """Draw the distances of pairs along x and z that a localisation error is read off, and the normal law of it."""
    fig, panels = plotting.figure(1, 2, 7, 3.4, sharey=True)
    edges = np.arange(-200, 201, 10)
    middle, fine = (edges[1:] + edges[:-1]) / 2, np.linspace(-200, 200, 400)
    for axes, axis in zip(panels, "xz", strict=True):
        k = "xyz".index(axis)
        chance = np.histogram(found.chance[:, k], edges)[0] / len(GAPS)
        counts = np.histogram(found.near[:, k], edges)[0]
        wide = np.sqrt(2) * found.sigma_nm[k]
        law = np.exp(-(fine**2) / (2 * wide**2)) / (wide * np.sqrt(2 * np.pi))
        total = (counts - chance).sum() * 10
        axes.plot(middle, counts / 1e3, **role("data", linestyle="", markersize=3, label="next frame"))
        axes.fill_between(middle, chance / 1e3, color=COLORS["warning"], alpha=0.5, label="by chance")
        background = np.interp(fine, middle, chance)
        label = f"σ = {found.sigma_nm[k]:.0f} nm"
        axes.plot(fine, (total * law + background) / 1e3, **role("theory", label=label))
        axes.set(xlabel=f"distance along {axis} (nm)", ylim=(0, None))
        axes.legend(fontsize=9, loc="upper right")
    panels[0].set_ylabel("pairs / 10 nm (thousands)")
    return fig


def two_shapes(temperatures, reach: dict, ratios: dict) -> Figure:
    """Draw the reach {source: (n, 2)}, sideways and up and down, and height over width {source: (2, n)} with errors."""
    fig, (left, right) = plotting.figure(1, 2, 7, 4.2)
    sectors = ("sideways", {"marker": "o", "linestyle": "-"}), ("up and down", {"marker": "^", "linestyle": "--"})
    for source, values in reach.items():
        kind = "data" if source == "real" else "theory"
        for (sector, look), far in zip(sectors, values.T, strict=True):
            left.plot(temperatures, far, **role(kind, **look, markersize=4, label=f"{source}, {sector}"))
    looks = {
        "real": role("data"),
        "real, error taken off": role("classical"),
        "simulated": role("theory"),
        "simulated, error 20 nm": role("theory", linestyle=":"),
    }
    for name, (values, errors) in ratios.items():
        right.errorbar(temperatures, values, errors, **looks[name], label=name)
    right.axhline(1, color=COLORS["theory"], linewidth=0.8)
    left.set(xlabel=_DEGREES, ylabel="reach (nm)", ylim=(0, None))
    right.set(xlabel=_DEGREES, ylabel="height over width (1)", ylim=(0, None))
    for axes in (left, right):
        axes.legend(fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return fig
