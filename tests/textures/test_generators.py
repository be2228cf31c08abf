"""Generators: lines that are as declared, random media that are periodic and of the right law, unmixing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from scipy.special import erfc

from helpers.textures import generators, statistics


def rng(seed=0):
    return np.random.default_rng(seed)


def components(image):
    """Return the number of parts of a periodic image that hang together by edges or corners."""
    parts, n = ndimage.label(image, np.ones((3, 3)))
    parent = list(range(n + 1))

    def root(k):
        while parent[k] != k:
            k = parent[k]
        return k

    for one, other in ((parts[0], parts[-1]), (parts[:, 0], parts[:, -1])):
        for shift in (-1, 0, 1):
            for a, b in zip(one, np.roll(other, shift), strict=True):
                if a and b:
                    parent[root(a)] = root(b)
    return len({root(k) for k in range(1, n + 1)})


# ---- lines ----


@settings(max_examples=25)
@given(
    size=st.sampled_from([28, 32, 45, 64, 112, 224]),
    limits=st.tuples(st.integers(1, 6), st.integers(1, 6)).map(sorted),
    orientation=st.sampled_from([None, *generators.ORIENTATIONS]),
    seed=st.integers(0, 999),
)
def test_images_are_as_declared(size, limits, orientation, seed):
    images, truth = generators.lines(6, size, tuple(limits), orientation, rng(seed))
    assert images.dtype == np.uint8
    assert images.shape == (6, size, size)
    assert set(np.unique(images)) <= {0, 1}
    assert truth.thickness_px.shape == truth.length_px.shape == (6, limits[1])
    for image, *row in zip(images, *truth, strict=True):
        upright, count, share, thick, long, corner = row
        assert limits[0] <= count <= limits[1]
        assert orientation is None or generators.ORIENTATIONS[upright] == orientation
        assert share == image.mean()
        assert not thick[count:].any()
        assert not long[count:].any()
        assert not corner[count:].any()
        drawn = np.zeros_like(image)
        for t, n, (y, x) in zip(thick[:count], long[:count], corner[:count], strict=True):
            height, width = (n, t) if upright else (t, n)
            assert t < n
            assert min(y, x) >= 1
            assert max(y + height, x + width) <= size - 1  # free of the border, so round it, too
            drawn[y : y + height, x : x + width] += 1
        np.testing.assert_array_equal(image, drawn)  # so none lies on another
        assert components(image) == count


@pytest.mark.parametrize("size", [32, 64, 224])
def test_lines_keep_the_gap_and_come_as_near_as_it(size):
    _, truth = generators.lines(150 if size == 224 else 600, size, (2, 4), "horizontal", rng(1))
    gap, nearest = max(1, round(size / 56)), []
    for count, thick, long, corner in zip(truth[1], *truth[3:], strict=True):
        for a in range(count):
            for b in range(a):
                between = []
                for axis, side in enumerate((thick, long)):
                    first, second = sorted((a, b), key=lambda k: corner[k, axis])
                    here = corner[second, axis] - corner[first, axis] - side[first]
                    round_the_border = size + corner[first, axis] - corner[second, axis] - side[second]
                    between.append(min(here, round_the_border))
                nearest.append(max(between))
    assert min(nearest) == gap


def test_an_independent_look_at_lines_across_the_border():
    assert components(np.pad(np.zeros((4, 4)), 2, constant_values=1)) == 1
    image = np.zeros((8, 8))
    image[2, :2] = image[2, 6:] = 1
    assert components(image) == 1
    image[5, 0] = image[6, 7] = 1
    assert components(image) == 2
    image[0, 0] = image[7, 4] = 1
    assert components(image) == 4


def law(size, limits):
    low, high = (max(1, round(size * limit)) for limit in limits)
    px = np.arange(low, high + 1)
    edges = np.log(np.append(px - 0.5, high + 0.5))
    return px, np.diff(edges) / (edges[-1] - edges[0])


@pytest.mark.parametrize("size", [64, 224])
def test_thickness_and_length_are_log_uniform_and_independent(size):
    truth = generators.lines(3000 if size == 64 else 400, size, (1, 4), rng=rng(2))[1]
    there = truth.length_px > 0
    for limits, values in ((generators.THICKNESS, truth.thickness_px), (generators.LENGTH, truth.length_px)):
        px, expected = law(size, limits)
        found = values[there]
        assert found.min() >= px[0]
        assert found.max() <= px[-1]
        groups = np.minimum(len(px) - 1, 12)
        bins = np.searchsorted(np.cumsum(expected), np.linspace(0, 1, groups + 1)[1:-1])
        edges = np.unique(np.concatenate([[px[0] - 0.5], px[bins] + 0.5, [px[-1] + 0.5]]))
        seen, _ = np.histogram(found, edges)
        hoped = np.histogram(px, edges, weights=expected)[0] * len(found)
        assert stats.chisquare(seen, hoped).pvalue > 1e-3
    correlation = np.corrcoef(truth.thickness_px[there], truth.length_px[there])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(there.sum())


def test_counts_orientations_and_places_are_uniform():
    truth = generators.lines(4000, 64, (1, 4), rng=rng(3))[1]
    assert stats.chisquare(np.bincount(truth.count, minlength=5)[1:]).pvalue > 1e-3
    assert stats.chisquare(np.bincount(truth.orientation)).pvalue > 1e-3
    single = truth.count == 1
    sides = np.stack([truth.thickness_px, truth.length_px], -1)[single, 0]
    sides[truth.orientation[single] == 1] = sides[truth.orientation[single] == 1][:, ::-1]
    middle = truth.corner_px[single, 0] + (sides - 1) / 2
    error = middle.std(0) / np.sqrt(single.sum())
    assert (np.abs(middle.mean(0) - 63 / 2) < 4 * error).all()  # of the image, on both axes


def test_horizontal_lines_run_along_the_columns():
    images, truth = generators.lines(20, 64, (1, 1), "horizontal", rng(4))
    for image, thick, long in zip(images, truth.thickness_px, truth.length_px, strict=True):
        rows, columns = np.nonzero(image)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (thick[0], long[0])


def test_volume_fraction_tells_the_number_of_lines_in_half_of_the_images():
    """The best guess from the volume fraction alone, by its histogram: what a count accuracy must be held against."""
    truth = generators.lines(8000, 64, rng=rng(5))[1]
    bins = np.digitize(truth.volume_fraction, np.quantile(truth.volume_fraction, np.linspace(0, 1, 41)[1:-1]))
    table = np.zeros((40, 5))
    np.add.at(table, (bins, truth.count), 1)
    assert 0.35 < table.max(1).sum() / 8000 < 0.55


@pytest.mark.parametrize("size", [28, 64, 224])
def test_the_smallest_line(size):
    truth = generators.lines(300, size, (1, 4), rng=rng(6))[1]
    area = (truth.thickness_px * truth.length_px)[truth.length_px > 0]
    smallest = generators.smallest_line_px(size)
    assert smallest == law(size, generators.THICKNESS)[0][0] * law(size, generators.LENGTH)[0][0]
    assert smallest <= area.min() <= 3 * smallest


@pytest.mark.parametrize(
    "make",
    [
        lambda g: generators.lines(3, 32, rng=g)[0],
        lambda g: generators.gaussian_field(3, 32, 3, rng=g),
        lambda g: generators.overlapping_discs(3, 32, 4, rng=g),
        lambda g: generators.poisson_lines(3, 32, rng=g),
        lambda g: generators.cahn_hilliard(3, 32, 5, rng=g),
    ],
)
def test_a_generator_decides_about_the_images(make):
    np.testing.assert_array_equal(make(rng(7)), make(rng(7)))
    assert (make(rng(7)) != make(rng(8))).any()
    images = make(None)
    assert images.shape == (3, 32, 32)
    assert images.dtype in (np.uint8, np.float32)
    assert (images[0] != images[1]).any()


# ---- random media: their two-point functions are held against theory in test_media ----


def joints(images):
    """Return the shares of unequal neighbours inside an image and across its border, along rows and columns."""
    for axis in (1, 2):
        unequal = images != np.roll(images, 1, axis)
        yield np.delete(unequal, 0, axis).mean(), np.take(unequal, 0, axis).mean()


@pytest.mark.parametrize("size", [64, 65])
def test_media_go_on_across_the_border(size):
    for images in (
        generators.gaussian_field(40, size, 6, rng=rng(9)),
        generators.overlapping_discs(40, size, 8, rng=rng(9)),
        generators.cahn_hilliard(10, size, 150, rng=rng(9)) > 0,
    ):
        for inside, across in joints(images):
            assert across == pytest.approx(inside, rel=0.25)
    cells = generators.poisson_lines(40, size, 10, rng=rng(9))
    assert all(across > 2 * inside for inside, across in joints(cells))


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.5, 2.0])
def test_volume_fraction_of_a_cut_field(level):
    each = statistics.volume_fraction(generators.gaussian_field(60, 96, 2.5, level, rng(10)))
    assert each.mean() == pytest.approx(erfc(level / np.sqrt(2)) / 2, abs=4 * each.std(ddof=1) / np.sqrt(60))
    assert each.std() < 0.03


def test_a_field_of_short_correlation_is_noise_and_a_long_one_is_refused():
    images = generators.gaussian_field(20, 64, 0.2, rng=rng(11))
    f = statistics.two_point(images).mean(0)
    away = np.delete(f.ravel(), 32 * 64 + 32)
    assert np.abs(away - 0.25).max() < 0.01
    each = statistics.volume_fraction(generators.gaussian_field(400, 16, 4, 1.0, rng(12)))  # the longest allowed
    assert each.mean() == pytest.approx(erfc(1 / np.sqrt(2)) / 2, abs=4 * each.std() / 20)
    with pytest.raises(ValueError, match="length_px must be one length"):
        generators.gaussian_field(1, 16, 4.1)


@pytest.mark.parametrize("phi", [0.2, 0.5, 0.9])
def test_void_between_discs(phi):
    each = statistics.volume_fraction(generators.overlapping_discs(60, 96, 5.5, phi, rng(13)))
    assert each.mean() == pytest.approx(phi, abs=4 * each.std(ddof=1) / np.sqrt(60))


def test_a_single_disc_is_round_and_has_its_radius():
    rare = generators.overlapping_discs(4000, 24, 7.3, 0.9, rng(14))
    area = (1 - rare).sum((1, 2))
    alone = area[(area > 0) & (area < 1.25 * np.pi * 7.3**2)]
    near = np.abs(alone - np.pi * 7.3**2) < 9
    assert near.mean() > 0.8  # else two that overlap almost as a whole
    assert alone[near].mean() == pytest.approx(np.pi * 7.3**2, abs=0.6)


@pytest.mark.parametrize("phi", [0.3, 0.8])
def test_share_of_cells(phi):
    each = statistics.volume_fraction(generators.poisson_lines(60, 96, 6, phi, rng(15)))
    assert each.mean() == pytest.approx(phi, abs=4 * each.std(ddof=1) / np.sqrt(60))
    assert set(np.unique(generators.poisson_lines(5, 8, 1e9, 0.5, rng(16)).mean((1, 2)))) <= {0, 1}  # no line at all


# ---- unmixing ----


def energy(u):
    """Return the mean of (u^2 - 1)^2 / 4 + |grad u|^2 / 4, which the equation lowers."""
    k = 2 * np.pi * np.fft.fftfreq(u.shape[-1])
    k2 = k[:, None] ** 2 + k**2
    slope = (k2 * np.abs(np.fft.fft2(u)) ** 2).sum((-2, -1)) / u[0].size ** 2
    return ((u.astype(float) ** 2 - 1) ** 2).mean((-2, -1)) / 4 + slope / 4


@pytest.mark.parametrize("mean", [0.0, -0.4])
def test_the_mean_is_conserved_and_the_energy_falls(mean):
    fields = [generators.cahn_hilliard(3, 64, n, mean, rng=rng(17)) for n in (1, 10, 50, 150, 300, 600)]
    for u in fields:
        assert u.dtype == np.float32
        np.testing.assert_allclose(u.mean((1, 2), dtype=float), mean, atol=1e-6)
    energies = np.array([energy(u) for u in fields])
    assert (np.diff(energies, axis=0) < 0).all()
    last = fields[-1]
    assert 0.95 < np.abs(last).max() < 1.2
    assert (np.abs(last) > 0.8).mean() > 0.5


def test_the_first_growth_is_that_of_small_waves():
    """A small wave of wave number k grows as exp(k^2 (1 - k^2 / 2) t) before it feels itself."""
    first, later = (generators.cahn_hilliard(4, 64, n, dt=0.01, rng=rng(18)) for n in (1, 101))
    k = 2 * np.pi * np.fft.fftfreq(64)
    k2 = k[:, None] ** 2 + k**2
    ratio = np.abs(np.fft.fft2(later) / np.fft.fft2(first)).mean(0)
    expected = np.exp(k2 * (1 - k2 / 2))
    few = (k2 > 0) & (k2 < 2)
    np.testing.assert_allclose(np.median(ratio[few] / expected[few]), 1, atol=0.05)


@pytest.mark.parametrize("dt", [0.1, 1.0, 10.0])
def test_the_scheme_is_stable(dt):
    u = generators.cahn_hilliard(2, 32, 300, dt=dt, rng=rng(19))
    assert np.isfinite(u).all()
    assert np.abs(u).max() < 1.3


def test_what_no_real_image_has_does_not_grow():
    """Round-off that the inverse transform of half a plane does not see, of which the scheme would make e^(t / 2)."""
    u = generators.cahn_hilliard(1, 16, 2500, rng=rng(21))
    assert np.isfinite(u).all()
    assert u.mean(dtype=float) == pytest.approx(0, abs=1e-6)
    U = np.fft.rfft2(rng(22).normal(size=(2, 8, 8)))
    np.testing.assert_allclose(generators._of_real(U.copy(), 8), U, atol=1e-12)
    odd = np.fft.rfft2(rng(22).normal(size=(2, 9, 9)))
    np.testing.assert_allclose(generators._of_real(odd.copy(), 9), odd, atol=1e-12)


def test_domains_grow_as_the_third_root_of_time():
    """The border per area falls as 1 / length; at these times the power is a little below 1/3."""
    times = np.array([200, 1000])
    surfaces = []
    for n in times:
        u = generators.cahn_hilliard(2, 128, int(n), dt=0.5, rng=rng(20))
        surfaces.append(statistics.specific_surface(statistics.two_point(u > 0)).mean())
    power = -np.diff(np.log(surfaces))[0] / np.diff(np.log(times))[0]
    assert 0.2 < power < 0.42


# ---- refusal ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: generators.lines(0), "n_images must be a whole number"),
        (lambda: generators.lines(1, 27), "size must be a whole number >= 28"),
        (lambda: generators.lines(1, 64, 3), "n_lines must be \\(least, most\\)"),
        (lambda: generators.lines(1, 64, (0, 3)), "n_lines must be a whole number"),
        (lambda: generators.lines(1, 64, (3, 2)), "n_lines must be \\(least, most\\) with"),
        (lambda: generators.lines(1, 64, (1, 7)), "n_lines must be \\(least, most\\) with"),
        (lambda: generators.lines(1, 64, orientation="upright"), "orientation must be one of"),
        (lambda: generators.smallest_line_px(8), "size must be a whole number"),
        (lambda: generators.gaussian_field(1, 64, 0), "length_px must be > 0"),
        (lambda: generators.gaussian_field(1, 64, (1, 2, 3)), "length_px must be one length"),
        (lambda: generators.gaussian_field(1, 64, level=[0, 1]), "level must be one number"),
        (lambda: generators.gaussian_field(1, 64, level=np.nan), "level must be finite"),
        (lambda: generators.overlapping_discs(1, 64, 33), "radius_px must be at most"),
        (lambda: generators.overlapping_discs(1, 64, 3, 1), "phi must lie between 0 and 1"),
        (lambda: generators.overlapping_discs(1, 64, 3, 0), "phi must lie between 0 and 1"),
        (lambda: generators.poisson_lines(1, 64, -1), "mean_chord_px must be > 0"),
        (lambda: generators.poisson_lines(1, 64, 5, 1), "phi must lie between 0 and 1"),
        (lambda: generators.cahn_hilliard(1, 4), "size must be a whole number >= 8"),
        (lambda: generators.cahn_hilliard(1, 64, 0), "n_steps must be a whole number"),
        (lambda: generators.cahn_hilliard(1, 64, 1, -1), "mean must lie between -1 and 1"),
        (lambda: generators.cahn_hilliard(1, 64, 1, dt=0), "dt must be > 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)
