"""The statistics in the page are those of the package, and its textures are the media they are named after."""

import re
from base64 import b64decode
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.common.places import ROOT
from helpers.textures import generators, media, statistics, widgets

N = 64
DRAW = '(m, settings, seeds) => seeds.map((seed) => m.texture({ ...settings, seed }).join("")).join("")'


@pytest.fixture(scope="module")
def page(module):
    return module("helpers/textures/painter.js")


@pytest.fixture(scope="module")
def drawn(page):
    """Return a function that draws many textures of one kind, (M, 64, 64)."""

    def draw(generator, size=4, stretch=1, n=1, first=1):
        settings = {"generator": generator, "size": size, "stretch": stretch}
        digits = page(DRAW, settings, list(range(first, first + n)))
        return np.array(list(digits), int).reshape(n, N, N)

    return draw


def images():
    """Yield binary images and one that is grey, of several sizes."""
    rng = np.random.default_rng(0)
    for n in (2, 4, 16, 64):
        yield (rng.random((n, n)) < 0.3).astype(float)
    yield rng.random((32, 32))
    yield np.zeros((8, 8))
    yield np.ones((8, 8))
    yield generators.lines(1, N, rng=rng)[0][0].astype(float)


# --- statistics -----------------------------------------------------------------------------------------------------


def test_the_transform_is_that_of_numpy(page):
    rng = np.random.default_rng(0)
    call = "(m, re, im, inverse) => { m.fft(re, im, inverse); return [re, im]; }"
    for n in (1, 2, 8, 64):
        z = rng.normal(size=n) + 1j * rng.normal(size=n)
        there, back = (page(call, z.real.tolist(), z.imag.tolist(), inverse) for inverse in (False, True))
        np.testing.assert_allclose(np.array(there[0]) + 1j * np.array(there[1]), np.fft.fft(z), atol=1e-12)
        np.testing.assert_allclose(np.array(back[0]) + 1j * np.array(back[1]), n * np.fft.ifft(z), atol=1e-12)


@pytest.mark.parametrize("image", list(images()))
def test_statistics_and_readings_are_those_of_the_package(page, image):
    n = len(image)
    f = page("autocorrelation", image.ravel().tolist(), n)
    expected = statistics.two_point(image)
    np.testing.assert_allclose(np.reshape(f, (n, n)), expected, atol=1e-10)
    magnitude = np.fft.fftshift(np.fft.ifft2(np.abs(np.fft.fft2(image))).real)
    np.testing.assert_allclose(page("magnitudeTransform", image.ravel().tolist(), n), magnitude.ravel(), atol=1e-10)
    read = page("readings", f, n) if n > 2 else None
    if read:
        assert read["fraction"] == pytest.approx((image**2).mean(), abs=1e-10)
        assert read["surface"] == pytest.approx(statistics.specific_surface(expected), abs=1e-10)
        assert read["count"] == pytest.approx(statistics.count_lines(expected), abs=1e-7)


def test_what_the_reader_is_told_to_see_is_so(page):
    """Shifts leave f alone, swapped phases add 1 - 2 phi, the mean of f is phi^2 and that of IFFT(|F|) is phi."""
    image = np.random.default_rng(1).integers(0, 2, (N, N))
    image[:20] = 0
    given = image.ravel().tolist()
    moved = page("rolled", given, N, 5, -70)
    np.testing.assert_array_equal(np.reshape(moved, (N, N)), np.roll(image, (5, -70), (0, 1)))
    f, same, swapped = (np.array(page("autocorrelation", x, N)) for x in (given, moved, [1 - v for v in given]))
    phi = image.mean()
    np.testing.assert_allclose(same, f, atol=1e-12)
    np.testing.assert_allclose(swapped, f + 1 - 2 * phi, atol=1e-12)
    assert f.mean() == pytest.approx(phi**2)
    assert np.mean(page("magnitudeTransform", given, N)) == pytest.approx(phi)


# --- textures -------------------------------------------------------------------------------------------------------


def test_the_field_of_given_numbers_is_that_of_the_package(page):
    numbers = np.random.default_rng(3).standard_normal((N, N)).ravel().tolist()
    call = "(m, numbers, y, x) => { let i = 0; return m.gaussianField(() => numbers[i++], 64, y, x); }"
    for lengths in ((3.0, 3.0), (8.0, 2.0)):
        expected = generators.gaussian_field(1, N, lengths, rng=np.random.default_rng(3))[0]
        np.testing.assert_array_equal(np.reshape(page(call, numbers, *lengths), (N, N)), expected)


def test_discs_about_given_centres_are_those_of_the_package(page):
    for radius in (1.0, 4.0, 7.5):
        rng = np.random.default_rng(4)
        expected = 1 - generators.overlapping_discs(1, N, radius, 0.5, rng=np.random.default_rng(4))[0]
        centres = rng.uniform(0, N, (rng.poisson(np.log(2) / (np.pi * radius**2) * N**2), 2))
        np.testing.assert_array_equal(
            np.reshape(page("ellipses", centres.tolist(), N, radius, radius), (N, N)), expected
        )


def mean_statistics(drawn, generator, size, stretch, n=300):
    """Return the mean f over n textures and its standard error, (64, 64) each, and the lags."""
    f = statistics.two_point(drawn(generator, size, stretch, n).astype(float))
    lag = np.arange(N) - N // 2
    return f.mean(0), f.std(0) / np.sqrt(n), lag[:, None], lag


@pytest.mark.parametrize(("size", "stretch"), [(3, 1), (2, 4), (4, 0.5)])
def test_fields_have_the_mean_statistics_of_theory(drawn, size, stretch):
    mean, error, y, x = mean_statistics(drawn, "field", size, stretch)
    expected = media.gaussian_field(y, x, (size / np.sqrt(stretch), size * np.sqrt(stretch)))
    near = (abs(y) < 16) & (abs(x) < 16)
    assert (abs(mean - expected) < 5 * error + 1e-3)[near].all()
    assert mean[32, 32] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("radius", "stretch"), [(4, 1), (4, 4), (5, 0.5)])
def test_discs_have_the_mean_statistics_of_theory(drawn, radius, stretch):
    mean, error, y, x = mean_statistics(drawn, "discs", radius, stretch)
    r = np.hypot(y * np.sqrt(stretch), x / np.sqrt(stretch))
    expected = media.discs(r, radius, 0.5)  # of the void, which is half of the plane: that of the discs is the same
    near = (abs(y) < 16) & (abs(x) < 16)
    assert (abs(mean - expected) < 5 * error + 1e-3)[near].all()


def test_without_a_stretch_no_direction_is_preferred(drawn):
    for generator in ("field", "discs"):
        mean, error, *_ = mean_statistics(drawn, generator, 3, 1)
        assert (abs(mean - mean.T) < 5 * np.hypot(error, error.T) + 1e-12).all()


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("size", [1, 4, 8])
def test_lines_are_separate_and_as_thick_as_asked(page, count, size):
    call = """(m, count, size) => Array.from({ length: 200 }, (_, seed) =>
      m.separateLines(m.uniform(seed), 64, count, size))"""
    for lines in page(call, count, size):
        sides = np.array(lines)[:, 2:]
        upright = sides[0, 0] > sides[0, 1]
        assert ((sides[:, 0] > sides[:, 1]) == upright).all()
        assert (sides.min(1) >= max(1, round(0.7 * size))).all()
        assert (sides.min(1) <= round(1.5 * size)).all()
        assert (sides.max(1) >= 11).all()
        assert (sides.max(1) <= 48).all()
        painted = np.zeros((N + 1, N + 1), int)  # each line with a seam of one pixel below and to the right, periodic
        for row, column, height, width in lines:
            assert row + height <= N
            assert column + width <= N
            rows, columns = (np.arange(at, at + side + 1) % N for at, side in ((row, height), (column, width)))
            painted[np.ix_(rows, columns)] += 1
        assert painted.max() == 1


@pytest.mark.parametrize(("generator", "count", "spread"), [("one", 1, 1e-9), ("four", 4, 0.6)])
def test_three_lags_count_the_lines(drawn, generator, count, spread):
    found = drawn(generator, 4, n=100)
    counts = statistics.count_lines(statistics.two_point(found.astype(float)))
    np.testing.assert_allclose(counts, count, atol=spread)
    along_x = found.any(2).sum(1) < found.any(1).sum(1)
    if count == 1:
        assert 0.3 < along_x.mean() < 0.7, "both orientations are drawn"


def test_the_other_textures(page, drawn):
    board = drawn("board", 4)[0]
    np.testing.assert_array_equal(board, (np.indices((N, N)) // 4).sum(0) % 2)
    for size in range(1, 9):
        for stretch in (0.25, 0.5, 1, 2, 4):
            height, width = page("cell", size, stretch)
            assert N % (2 * height) == N % (2 * width) == 0
            for side, wish in ((height, size / np.sqrt(stretch)), (width, size * np.sqrt(stretch))):
                assert side == 1 or 2**-0.51 <= side / wish <= 2**0.51
            assert width == stretch * height or 1 in (width, height)
            texture = drawn("board", size, stretch)[0]
            assert (np.roll(texture, height, 0) == 1 - texture).all()
            assert (np.roll(texture, width, 1) == 1 - texture).all()
    noise = drawn("noise", n=50)
    assert noise.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(noise.size))
    assert abs(statistics.two_point(noise.astype(float)).mean(0) - 0.25)[0, 0] < 0.005
    assert not drawn("blank").any()


@pytest.mark.parametrize("generator", ["one", "four", "discs", "field", "noise"])
def test_a_texture_belongs_to_its_seed_and_is_binary(drawn, generator):
    one, other = drawn(generator, n=2)
    assert set(np.unique(one)) == {0, 1}
    assert (one == drawn(generator)[0]).all()
    assert (one != other).any()


# --- the pen --------------------------------------------------------------------------------------------------------

PAINT = "(m, from, to, d, value, start) => { const i = start; m.paint(i, 64, from, to, d, value); return i; }"


def test_a_stroke_covers_the_pixels_under_the_brush_and_wraps(page):
    at = np.arange(N) + 0.5
    for diameter in (1, 4, 9):
        x, y = 30.3, 12.8
        found = np.reshape(page(PAINT, [x, y], [x, y], diameter, 1, [0] * N * N), (N, N))
        expected = np.hypot(at - x, (at - y)[:, None]) <= diameter / 2
        expected[12, 30] = True
        np.testing.assert_array_equal(found, expected)
        wrapped = page(PAINT, [x - 94, y + 52], [x - 94, y + 52], diameter, 1, [0] * N * N)
        np.testing.assert_array_equal(np.reshape(wrapped, (N, N)), np.roll(expected, (52, -94), (0, 1)))
    stroke = np.reshape(page(PAINT, [10, 10], [50, 40], 3, 1, [0] * N * N), (N, N))
    distance = abs((at - 10) * 30 - (at - 10)[:, None] * 40) / 50
    inside = ((at - 10) * 40 + (at - 10)[:, None] * 30 > 0) & ((at - 50) * 40 + (at - 40)[:, None] * 30 < 0)
    assert stroke[(distance < 1.3) & inside].all(), "a fast stroke leaves gaps"
    assert not stroke[distance > 1.55].any()
    erased = np.reshape(page(PAINT, [10, 10], [50, 40], 3, 0, [1] * N * N), (N, N))
    np.testing.assert_array_equal(erased, 1 - stroke)


# --- the figure -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(use):
    start = widgets.TexturePainter().settings
    return lambda *steps: use("helpers/textures/painter.js", {"settings": start}, steps)


def pixels(url):
    """Return the grey levels of a picture on a page; white and black are 255 apart."""
    return 255 * plt.imread(BytesIO(b64decode(url.partition(",")[2])))[..., :3]


def fraction(seen):
    return float(re.search(r"f\(0\) = ([\d.]+)", seen["words"])[1])


def test_the_reader_paints_and_erases(live):
    blank, line, moved, two, erased, white = live(
        {"generator": "blank", "brush": 4},
        {"drag": [[0.2, 0.5], [0.8, 0.5]]},
        {"shift": 20},
        {"drag": [[0.2, 0.5], [0.8, 0.5]]},
        {"pen": "erase", "brush": 15, "phase": "swapped"},
        {"drag": [[0.01 * k, 0.02 * (j + (k % 2))] for j in range(51) for k in (0, 100, 99, 1)]},
    )[1:]
    assert fraction(blank) == 0
    assert fraction(line) == pytest.approx(4 * 42 / N**2, rel=0.05)  # a brush of 4 pixels drawn along 0.6 of 64
    assert fraction(moved) == fraction(line), "a shift changes the volume fraction"
    assert moved["pictures"][0] != line["pictures"][0]
    for (words, before), (same, after) in zip(line["pictures"][1:], moved["pictures"][1:], strict=True):
        assert words == same, "a shift changes the statistics"
        assert np.abs(pixels(before) - pixels(after)).mean() < 0.1, "but for rounding, a shift changes the picture"
    assert fraction(two) == pytest.approx(2 * fraction(line), rel=0.05), "a shifted texture is painted where it is seen"
    assert fraction(erased) == pytest.approx(1 - fraction(two), abs=1e-3), "swapped phases"
    assert fraction(white) == 0, "all is erased that is seen as bright"


def test_every_generator_shows_its_sliders_and_something_new(live):
    names = ["field", "discs", "board", "one", "four", "noise", "blank"]
    seen = live(*({"generator": name} for name in names))[1:]
    labels = [[label for label, _ in at["sliders"]] for at in seen]
    shown = {n: [re.sub(r"[\d:× ]+(px)?$", "", label) for label in at] for n, at in zip(names, labels, strict=True)}
    assert shown["field"] == ["Correlation length", "Anisotropy, x : y", "Shift, right and down", "Brush"]
    assert shown["discs"][:2] == ["Radius", "Anisotropy, x : y"]
    assert shown["board"][:2] == ["Cells", "Anisotropy, x : y"]
    assert shown["one"] == shown["four"] == ["Thickness", "Shift, right and down", "Brush"]
    assert shown["noise"] == shown["blank"] == ["Shift, right and down", "Brush"]
    assert len({at["pictures"][0][1] for at in seen}) == len(names)
    assert all(len(words) > 30 and "e-1" not in words for at in seen for words, _ in at["pictures"])
    assert "n = 1.00" in seen[3]["words"]


def test_every_control_changes_a_picture(live):
    changes = [
        {"size": 6},
        {"stretch": 2},
        {"shift": 9},
        {"phase": "swapped"},
        {"transform": "magnitude"},
        {"brush": 9},
    ]
    first, *seen = live(*changes, "New random texture", {"generator": "discs"})
    for before, after in zip([first, *seen], seen, strict=False):
        assert before["pictures"] != after["pictures"], after["settings"]
    assert seen[6]["settings"]["seed"] == first["settings"]["seed"] + 1
    assert "no probability" not in seen[3]["words"]
    assert "no probability" in seen[4]["words"]


def test_a_texture_without_random_numbers_is_only_cleared(live):
    clear = "Clear what was painted"
    first, painted, cleared = live({"generator": "board"}, {"drag": [(0.2, 0.2), (0.8, 0.7)]}, clear)[1:]
    assert painted["pictures"][1] != first["pictures"][1] == cleared["pictures"][1]  # the statistics


def test_the_scripts_controls_have_start_values():
    script = (ROOT / "helpers/textures" / widgets.TexturePainter.script).read_text(encoding="utf-8")
    controls = re.findall(r"panel\.(?:range|select)\(\{ name: \"(\w+)\"", script)
    assert sorted([*controls, "seed"]) == sorted(widgets.TexturePainter().settings)
    assert repr(widgets.TexturePainter()) == "TexturePainter()"
