"""Closed forms against what the generators make, averaged over images; axes and scales must be the right ones."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from helpers.textures import generators, media, statistics

FAR = 40  # largest lag, px


def rng(seed=0):
    return np.random.default_rng(seed)


def along(images, periodic=True):
    """Return mean and standard error of f of images at lags 0..40 along rows and columns, (2, 41) each."""
    f = statistics.two_point(images, periodic=periodic)
    row, column = f.shape[1] // 2, f.shape[2] // 2
    each = np.stack([f[:, row : row + FAR + 1, column], f[:, row, column : column + FAR + 1]], axis=1)
    return each.mean(0), each.std(0, ddof=1) / np.sqrt(len(images))


# ---- averages over images: four standard errors, and a bound for these, so that a bad one is no excuse ----


def test_discs():
    """Whole pixels stand for the points of the theory: their f is that of the points, no bias is expected."""
    phi, radius = 0.5, 10
    found, error = along(generators.overlapping_discs(16, 384, radius, phi, rng(1)))
    expected = media.discs(np.arange(FAR + 1), radius, phi)
    assert (np.abs(found - expected) < 4 * error + 1e-3).all()
    assert error.max() < 0.008
    assert np.abs(found - media.discs(np.arange(FAR + 1), 1.3 * radius, phi)).max() > 0.03


def test_gaussian_field():
    found, error = along(generators.gaussian_field(16, 384, 6, rng=rng(2)))
    expected = media.gaussian_field(np.arange(FAR + 1), 0, 6)
    assert (np.abs(found - expected) < 4 * error + 1e-3).all()
    assert error.max() < 0.006
    assert np.abs(found - media.gaussian_field(np.arange(FAR + 1), 0, 6 * 1.3)).max() > 0.02


def test_a_long_axis_is_told_from_a_short_one():
    lag, lengths = np.arange(FAR + 1), (3, 9)  # rows, columns
    found, error = along(generators.gaussian_field(16, 384, lengths, rng=rng(3)))
    expected = np.stack([media.gaussian_field(lag, 0, lengths), media.gaussian_field(0, lag, lengths)])
    assert (np.abs(found - expected) < 4 * error + 1e-3).all()
    assert error.max() < 0.006
    assert np.abs(found - expected[::-1]).max() > 0.1  # the axes exchanged
    np.testing.assert_allclose(expected[0, 3], 0.25 + np.arcsin(np.exp(-0.5)) / (2 * np.pi))
    np.testing.assert_allclose(expected[1, 9], expected[0, 3])


def test_poisson_lines():
    phi, chord = 0.3, 10
    images = generators.poisson_lines(24, 256, chord, phi, rng(4))
    found, error = along(images, periodic=False)
    expected = media.poisson_lines(np.arange(FAR + 1), chord, phi)
    assert (np.abs(found - expected) < 4 * error + 1e-3).all()
    assert error.max() < 0.012
    assert np.abs(found - media.poisson_lines(np.arange(FAR + 1), 1.6 * chord, phi)).max() > 0.025


def test_off_axis_lags_of_isotropic_media():
    """Along the diagonals, where an error of the generator's angles would show."""
    for images, law in (
        (generators.overlapping_discs(12, 256, 8, 0.4, rng(5)), lambda r: media.discs(r, 8, 0.4)),
        (generators.poisson_lines(24, 256, 8, 0.5, rng(6)), lambda r: media.poisson_lines(r, 8, 0.5)),
    ):
        f = statistics.two_point(images, periodic=False)
        steps = np.arange(1, 20)
        for sign in (1, -1):
            each = f[:, 255 + sign * steps, 255 + steps]
            error = each.std(0, ddof=1) / np.sqrt(len(each))
            assert (np.abs(each.mean(0) - law(np.sqrt(2) * steps)) < 4 * error + 1e-3).all()


# ---- exact ----


@pytest.mark.parametrize(("height", "width", "size"), [(1, 1, 5), (3, 7, 16), (8, 4, 16), (8, 8, 16), (5, 7, 15)])
def test_one_rectangle(height, width, size):
    image = np.zeros((size, size))
    image[2 : 2 + height, 1 : 1 + width] = 1
    lag = np.arange(size) - size // 2
    found = statistics.two_point(image)
    np.testing.assert_allclose(found, media.rectangle(lag[:, None], lag, height, width, size), atol=1e-15)
    round_the_grid = media.rectangle(lag[:, None] + size, lag - 3 * size, height, width, size)
    np.testing.assert_allclose(found, round_the_grid, atol=1e-15)


def test_lines_are_sums_of_shifted_triangles():
    """f of n lines: for all pairs, the cross-correlation of two rectangles, a product of two trapezoids."""
    images, truth = generators.lines(4, 64, (1, 4), "horizontal", rng(7))
    for image, count, thick, long, corner in zip(
        images, truth.count, truth.thickness_px, truth.length_px, truth.corner_px, strict=True
    ):
        expected = np.zeros((64, 64))
        for a in range(count):
            for b in range(count):
                rows, columns = np.zeros(64), np.zeros(64)
                for lag in range(-63, 64):
                    for out, side, axis in ((rows, thick, 0), (columns, long, 1)):
                        low = max(corner[a, axis], corner[b, axis] - lag)
                        high = min(corner[a, axis] + side[a], corner[b, axis] + side[b] - lag)
                        out[lag % 64] += max(0, high - low)
                expected += np.outer(rows, columns)
        found = statistics.two_point(image, shift=False)
        np.testing.assert_allclose(found, expected / 64**2, atol=1e-12)


def test_ends_of_the_closed_forms():
    assert media.discs(0, 5, 0.3) == pytest.approx(0.3)
    np.testing.assert_allclose(media.discs([10, 11, 1e3], 5, 0.3), 0.09)
    assert media.gaussian_field(0, 0, 4) == pytest.approx(0.5)
    assert media.gaussian_field(60, 0, 4) == pytest.approx(0.25)
    assert media.poisson_lines(0, 7, 0.3) == pytest.approx(0.3)
    assert media.poisson_lines(1e3, 7, 0.3) == pytest.approx(0.09)
    assert media.discs_lineal_path(0, 5, 0.3) == pytest.approx(0.3)
    r = np.linspace(0, 20, 200)
    for law in (media.discs(r, 5, 0.3), media.poisson_lines(r, 5, 0.3), media.discs_lineal_path(r, 5, 0.3)):
        assert (np.diff(law) <= 0).all()


def test_slopes_at_zero_are_the_border_per_area():
    """-s / pi: discs have the border 2 phi rho pi R, cells of random lines 2 phi (1 - phi) tau, tau = pi / 2 a."""
    phi, tiny = 0.3, 1e-6
    slope = (media.discs(0, 5, phi) - media.discs(tiny, 5, phi)) / tiny
    assert slope == pytest.approx(2 * phi * -np.log(phi) / 5 / np.pi, rel=1e-4)
    slope = (media.poisson_lines(0, 5, phi) - media.poisson_lines(tiny, 5, phi)) / tiny
    assert slope == pytest.approx(2 * phi * (1 - phi) * np.pi / (2 * 5) / np.pi, rel=1e-4)
    slope = (media.discs_lineal_path(0, 5, phi) - media.discs_lineal_path(tiny, 5, phi)) / tiny
    assert slope == pytest.approx(-2 * 5 * np.log(phi) / (np.pi * 25) * phi, rel=1e-4)


def test_the_union_of_two_discs_by_counting_points():
    R, at = 5.0, np.stack(np.meshgrid(*2 * [(np.arange(600) + 0.5) / 30 - 6]), -1).reshape(-1, 2)
    rho = -np.log(0.4) / (np.pi * R**2)
    for r in (0.0, 3.0, 8.0):
        covered = (cdist(at, [[0, 0], [r, 0]]) < R).any(1).mean() * 400
        assert media.discs(r, R, 0.4) == pytest.approx(np.exp(-rho * covered), rel=2e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: media.rectangle(0, 0, 9, 2, 16), "size must be at least twice"),
        (lambda: media.rectangle(np.nan, 0, 2, 2, 16), "lag_y must be finite"),
        (lambda: media.rectangle(0, 0, 0, 2, 16), "height must be a whole number"),
        (lambda: media.discs(-1, 5, 0.5), "r must be >= 0"),
        (lambda: media.discs(1, 0, 0.5), "radius_px must be > 0"),
        (lambda: media.discs(1, 5, 1), "phi must lie between 0 and 1"),
        (lambda: media.discs_lineal_path(1, 5, 0), "phi must be > 0"),
        (lambda: media.gaussian_field(0, 0, (1, 2, 3)), "length_px must be one length"),
        (lambda: media.poisson_lines(1, 5, 2), "phi must lie between 0 and 1"),
        (lambda: media.poisson_lines(1, 0, 0.5), "mean_chord_px must be > 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
