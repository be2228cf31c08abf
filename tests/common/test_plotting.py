import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from helpers.common import plotting

mpl.use("agg")


@pytest.fixture(autouse=True)
def plain():
    """Each test starts from matplotlib's own style and leaves no figure open."""
    with mpl.rc_context():
        yield
    plotting.plt.close("all")


def luminance(color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_role_has_a_second_channel():
    assert set(plotting.COLORS) == set(plotting.ROLES)
    assert len(set(plotting.COLORS.values())) == len(plotting.COLORS)
    looks = [(str(look["linestyle"]), look["marker"]) for look in plotting.ROLES.values()]
    assert len(set(looks)) == len(looks), "two roles differ by colour alone"


def test_colours_stay_apart_for_the_colour_blind():
    """Deuteranopia and protanopia after Viénot, Brettel & Mollon 1999, in linear RGB."""
    views = {
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    }
    for view in views.values():
        seen = {k: np.array(view) @ np.array(to_rgb(c)) ** 2.2 for k, c in plotting.COLORS.items()}
        for (a, one), (b, other) in itertools.combinations(seen.items(), 2):
            assert np.linalg.norm(one - other) > 0.05, f"{a} and {b} look alike"


def test_labels_are_readable_by_day_and_by_night():
    plotting.use_style()
    for page in ("#ffffff", "#121212"):
        for name in ("axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor"):
            assert contrast(mpl.rcParams[name], page) >= 3.9, (name, page)
    assert mpl.rcParams["figure.facecolor"] == mpl.rcParams["savefig.facecolor"] == "none"
    assert mpl.rcParams["axes.facecolor"] == "white"


def test_a_role_as_keywords():
    _, axes = plotting.figure()
    (line,) = axes.plot([0, 1], **plotting.role("theory", linewidth=3))
    assert (line.get_color(), line.get_linestyle(), line.get_linewidth()) == (plotting.COLORS["theory"], "--", 3)
    assert plotting.role("data", marker="")["marker"] == ""
    assert plotting.ROLES["data"]["marker"] == "o", "an override must not stick"
    with pytest.raises(ValueError, match=r"^name must be one of data, theory,.* got 'model'$"):
        plotting.role("model")


def test_the_cycle_changes_dash_with_colour():
    plotting.use_style()
    entries = list(mpl.rcParams["axes.prop_cycle"])
    looks = [(entry["color"], str(entry["linestyle"])) for entry in entries]
    assert len(set(looks)) == len(entries) >= 5


def test_a_figure_fits_a_phone():
    figure, axes = plotting.figure(1, 2, width_in=7, height_in=3)
    assert axes.shape == (2,)
    assert figure.get_size_inches().tolist() == [7, 3]
    with pytest.raises(ValueError, match=r"^width_in must be <= 7"):
        plotting.figure(width_in=7.1)


def test_an_image_with_its_bars():
    figure, axes = plotting.figure()
    image = np.arange(12.0).reshape(3, 4)
    mappable = plotting.show_image(axes, image, title="photons", vmin=-1)
    assert np.array_equal(mappable.get_array(), image)
    assert mappable.get_cmap().name == "cividis"
    assert mappable.get_clim()[0] == -1
    assert axes.get_xticks().size == axes.get_yticks().size == 0
    assert axes.get_aspect() == 1
    bar = plotting.color_bar(figure, mappable, axes, "photons / pixel")
    assert bar.ax.get_ylabel() == "photons / pixel"


@pytest.mark.parametrize("flipped", [False, True])
def test_a_scale_bar_is_as_long_as_it_says_and_changes_no_limits(flipped):
    _, axes = plotting.figure()
    plotting.show_image(axes, np.zeros((64, 64)), origin="lower" if flipped else "upper")
    limits = axes.get_xlim(), axes.get_ylim()
    plotting.scale_bar(axes, 10, "1 um")
    (line,), (text,) = axes.lines, axes.texts
    x, y = line.get_data()
    assert x[1] - x[0] == pytest.approx(10)
    assert y[0] == y[1]
    assert text.get_text() == "1 um"
    assert (axes.get_xlim(), axes.get_ylim()) == limits
    place = axes.transLimits.transform([(x[0], y[0]), (x[1], y[1]), text.get_position()])
    assert ((place > 0) & (place < 1)).all()
    assert place[0, 1] < 0.2
    assert place[2, 1] > place[0, 1], "the words stand above the bar"
