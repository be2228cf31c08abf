"""One look for every figure: the same colour means the same thing on every page, by day and by night.

Figures are transparent around panels that stay white: black data are seen inside, and mid-grey labels outside
are readable on a light and on a dark page. Each role also has its own dash or marker, so no colour is needed.
"""

from collections.abc import Iterator
from types import MappingProxyType

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["COLORS", "ROLES", "color_bar", "figure", "role", "scale_bar", "show_image", "use_style"]

COLORS = MappingProxyType(
    {
        "data": "#000000",
        "theory": "#7f7f7f",
        "classical": "#0072B2",
        "network": "#D55E00",
        "baseline": "#009E73",
        "paper": "#CC79A7",
        "warning": "#E69F00",
    }
)
ROLES = MappingProxyType(
    {
        "data": {"linestyle": "-", "marker": "o"},
        "theory": {"linestyle": "--", "marker": ""},
        "classical": {"linestyle": "-.", "marker": "s"},
        "network": {"linestyle": "-", "marker": "^"},
        "baseline": {"linestyle": ":", "marker": "v"},
        "paper": {"linestyle": "", "marker": "D"},
        "warning": {"linestyle": (0, (3, 1, 1, 1)), "marker": "X"},
    }
)
_LABEL = "#757575"
_LEVELS = 32


def role(name: str, **changes) -> dict:
    """Return the colour, dash and marker of a role as keywords for ``Axes.plot``; ``changes`` override them."""
    if name not in COLORS:
        raise ValueError(f"name must be one of {', '.join(COLORS)}, got {name!r}")
    return {"color": COLORS[name], **ROLES[name], **changes}


def use_style() -> None:
    """Make the style of the book the default of matplotlib in this session."""
    marked = [name for name in COLORS if name not in ("theory", "paper")]
    cycle = mpl.cycler(color=[COLORS[name] for name in marked]) + mpl.cycler(
        linestyle=[ROLES[name]["linestyle"] for name in marked]
    )
    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "savefig.bbox": "tight",
            "axes.facecolor": "white",
            "axes.edgecolor": _LABEL,
            "axes.labelcolor": _LABEL,
            "axes.titlecolor": _LABEL,
            "axes.titlesize": 12,
            "axes.labelsize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycle,
            "xtick.color": _LABEL,
            "ytick.color": _LABEL,
            "xtick.labelsize": 11,
            "ytick.labelsize": 11,
            "legend.fontsize": 10,
            "legend.frameon": True,
            "legend.framealpha": 0.9,
            "legend.edgecolor": "none",
            "legend.facecolor": "white",
            "font.size": 11,
            "text.color": "#000000",
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "image.cmap": "cividis",
            "image.interpolation": "nearest",
        }
    )


def figure(n_rows: int = 1, n_columns: int = 1, width_in: float = 6.4, height_in: float = 3.6, **options):
    """Return (figure, axes) in the style of the book; at most 7 inches wide, so that it stays readable on a phone."""
    if width_in > 7:
        raise ValueError(f"width_in must be <= 7, got {width_in:g}")
    use_style()
    return plt.subplots(n_rows, n_columns, figsize=(width_in, height_in), **options)


def show_image(axes: Axes, image, cmap: str = "cividis", title: str = "", **options):
    """Draw an image with equal aspect and without ticks, in 32 levels, so that noise still makes a small file.

    Returns the mappable for a colour bar.
    """
    mappable = axes.imshow(image, cmap=mpl.colormaps[cmap].resampled(_LEVELS), **options)
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set_visible(False)
    return mappable


def color_bar(figure: Figure, mappable, axes: Axes | Iterator[Axes], label: str):
    """Add a colour bar with its unit beside ``axes``."""
    bar = figure.colorbar(mappable, ax=axes, label=label, fraction=0.05, pad=0.02)
    bar.outline.set_edgecolor(_LABEL)
    return bar


def scale_bar(axes: Axes, length_px: float, label: str, color: str = "white") -> None:
    """Draw a horizontal bar of ``length_px`` data units with its length in words at the lower left of an image."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = left + 0.06 * (right - left), bottom + 0.07 * (top - bottom)
    axes.plot([x, x + length_px], [y, y], color=color, linewidth=3, solid_capstyle="butt", marker="", linestyle="-")
    axes.text(x + length_px / 2, y + 0.03 * (top - bottom), label, color=color, ha="center", va="bottom", fontsize=10)
