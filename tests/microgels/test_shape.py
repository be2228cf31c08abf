"""The shape: normal clouds whose widths are known, an error that is put on and taken off, a jackknife by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from helpers.common import data
from helpers.microgels import clouds, io, precision, shape, surface

NAN = float("nan")


def normal(width_nm, n=2000, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 3)) * width_nm


def gels(n=6, seed=0, temperature=35, n_points=900):
    return clouds.simulate(temperature, n, np.random.default_rng(seed), n_points)


# ---- the width ----


def test_the_width_of_a_normal_law_is_its_standard_deviation():
    np.testing.assert_allclose(shape.robust_width(normal([30, 40, 80], 100_000)), [30, 40, 80], rtol=0.01)
    five = np.array([[-7.0, 0, 1], [-1, 0, 1], [0, 0, 1], [2, 0, 1], [1000, 0, 1]])  # |x - 0| = 7, 1, 0, 2, 1000
    np.testing.assert_allclose(shape.robust_width(five), [2 / 0.674489750196, 0, 0])


@given(scale=st.floats(0.1, 10), shift=st.floats(-1e4, 1e4), seed=st.integers(0, 10**6))
def test_the_width_follows_the_scale_and_not_the_place_or_a_tail(scale, shift, seed):
    points = normal([20, 30, 50], 401, seed)
    width = shape.robust_width(points)
    np.testing.assert_allclose(shape.robust_width(points * scale + shift), width * scale, rtol=1e-6)
    far = points.copy()
    order = np.argsort(points[:, 0])
    far[order[-40:], 0] += 1e5  # the median stays where it is, a tenth of the points goes far away
    assert shape.robust_width(far)[0] == pytest.approx(width[0], rel=0.25)
    np.testing.assert_array_equal(shape.robust_width(far)[1:], width[1:])


# ---- height over width ----


def test_height_over_width_is_the_ratio_of_the_mean_widths():
    several = [normal([40, 90, 75], seed=k) * size for k, size in enumerate((0.8, 1, 1.3))]
    w = np.mean([shape.robust_width(one) for one in several], axis=0)
    value, _ = shape.height_over_width(several)
    assert value == pytest.approx(w[2] / np.sqrt(w[0] * w[1]))
    assert value == pytest.approx(75 / 60, rel=0.03)
    assert isinstance(value, float)
    turned = [one[:, [1, 0, 2]] + 1e4 for one in several]
    assert shape.height_over_width(turned)[0] == pytest.approx(value)
    scaled = [one * [3, 3, 6] for one in several]
    assert shape.height_over_width(scaled)[0] == pytest.approx(2 * value)


@pytest.mark.parametrize("true", [[60, 60, 30], [45, 55, 45], [40, 40, 80]])
def test_an_error_that_was_put_on_is_taken_off(true):
    """Normal laws: widths add in squares, so what is left is exact but for the number of points."""
    error = np.array([20.0, 25.0, 51.0])
    seen = [normal(true, 8000, seed=[1, k]) + normal(error, 8000, seed=[2, k]) for k in range(12)]
    expected = true[2] / np.sqrt(true[0] * true[1])
    assert shape.height_over_width(seen, error)[0] == pytest.approx(expected, rel=0.03)
    wrong = shape.height_over_width(seen)[0]
    w = np.sqrt(np.square(true) + error**2)
    assert wrong == pytest.approx(w[2] / np.sqrt(w[0] * w[1]), rel=0.03)
    assert wrong > 1.02 * expected


def test_one_number_is_the_same_error_along_all_axes():
    several = gels()
    assert shape.height_over_width(several, 20) == shape.height_over_width(several, [20, 20, 20])
    assert shape.height_over_width(several) == shape.height_over_width(several, 0)


def test_a_flat_gel_looks_upright_and_the_error_can_be_taken_off():
    hot = gels(20, temperature=53, n_points=5000)
    assert shape.height_over_width(hot)[0] > 1.2
    assert shape.height_over_width(hot, clouds.NOISE_NM)[0] == pytest.approx(
        0.73, abs=0.08
    )  # z_aspect of the simulator


def two_points(width):
    """A cloud whose robust width is ``width`` along each axis: half of the points at +-, half of them beyond."""
    return 0.674489750196 * np.outer([-2, -1, 0, 1, 2], width)


def test_the_standard_error_is_that_of_the_jackknife():
    heights = np.array([30.0, 50.0, 61.0, 77.0])
    some = [two_points([40, 40, h]) for h in heights]
    np.testing.assert_allclose(shape.robust_width(some[1]), [40, 40, 50])
    value, error = shape.height_over_width(some)
    assert value == pytest.approx(heights.mean() / 40)  # linear in the height: jackknife = standard error of a mean
    assert error == pytest.approx(heights.std(ddof=1) / np.sqrt(4) / 40)
    squares = [heights[k != np.arange(4)].mean() ** 2 - 30**2 for k in range(4)]  # not linear: by hand
    without = np.sqrt(squares) / np.sqrt(40**2 - 30**2)
    expected = np.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    assert shape.height_over_width(some, 30)[1] == pytest.approx(expected)
    assert shape.height_over_width([some[0]] * 5)[1] == pytest.approx(0, abs=1e-12)


def test_the_standard_error_is_the_spread_of_repetitions():
    rng = np.random.default_rng(4)
    sets = [[normal([50, 50, 40 + 8 * rng.standard_normal()], 300, seed=[k, j]) for j in range(10)] for k in range(150)]
    values, errors = np.array([shape.height_over_width(one) for one in sets]).T
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.2)


# ---- the reach ----


def ellipse(a, c, n=3600):
    """A curve in the xz plane of half axes a along x and c along z."""
    angle = (np.arange(n) + 0.5) * 2 * np.pi / n
    r = 1 / np.sqrt((np.cos(angle) / a) ** 2 + (np.sin(angle) / c) ** 2)
    return np.stack([r * np.cos(angle), 0 * r, r * np.sin(angle)], axis=1), angle, r


def test_the_reach_of_a_circle_is_its_radius_both_ways():
    circle, _, _ = ellipse(150, 150)
    np.testing.assert_allclose(shape.reach(circle + 3000.0, keep=1), [150, 150])


@pytest.mark.parametrize(("a", "c"), [(100, 160), (160, 100)])
def test_the_reach_of_an_ellipse_is_the_mean_over_its_sectors(a, c):
    points, angle, r = ellipse(a, c)
    sector = (np.degrees(angle) // 8).astype(int)
    far = np.array([r[sector == k].max() for k in range(45)])
    middle = np.arange(45) * 8 + 4
    side = np.abs((middle + 90) % 180 - 90) < 45  # the nearer axis is x
    assert side.sum() in (22, 23)
    found = shape.reach(points, keep=1)
    np.testing.assert_allclose(found, [far[side].mean(), far[~side].mean()], atol=1e-6)
    assert (found[0] > found[1]) == (a > c)
    assert all(isinstance(value, float) for value in found)


def test_the_reach_does_not_see_along_y_and_keeps_the_nearest():
    rng = np.random.default_rng(6)
    ball = clouds.fuzzy_sphere(4000, 150, 0, rng)
    wide = shape.reach(ball * [1, 1.5, 1], keep=1)
    np.testing.assert_allclose(wide, shape.reach(ball, keep=1), rtol=1e-9)
    most = np.linalg.norm(ball - ball.mean(axis=0), axis=1)
    assert max(shape.reach(ball)) <= np.quantile(most, 0.951)
    assert min(shape.reach(ball, keep=1)) > max(shape.reach(ball, keep=0.5))
    few, many = shape.reach(ball[:300]), shape.reach(ball)
    assert few[0] < many[0]  # it grows with the number of points


def test_an_empty_sector_reaches_nowhere():
    cross = np.array([[90.0, 0, 1e-3], [-90, 0, 1e-3], [0.0, 0, 40], [0.0, 0, -40 - 2e-3]])
    sideways, up_down = shape.reach(cross, keep=1)
    n_side = (np.abs(np.cos((np.arange(45) + 0.5) * np.radians(8))) > np.sqrt(0.5)).sum()
    assert sideways == pytest.approx(2 * 90 / n_side, rel=1e-6)
    assert up_down == pytest.approx((40 + 40.002) / (45 - n_side), rel=1e-4)


def test_the_mean_arrow_is_the_mean_over_sectors_and_gels():
    several = gels(3)
    lengths = [surface.convex_vectors(one, "xy", 110.0).length_nm for one in several]
    assert shape.mean_arrow(several, "xy", 110.0) == pytest.approx(np.mean(lengths))
    text = [surface.convex_vectors(one, "yz", 110.0, n_far=1, keep=0.95).length_nm.mean() for one in several]
    assert shape.mean_arrow(several, "yz", 110.0, n_far=1, keep=0.95) == pytest.approx(np.mean(text))
    circle, _, _ = ellipse(150, 150)
    assert shape.mean_arrow([circle, 2 * circle], "xz", 120.0, keep=1) == pytest.approx((30 + 180) / 2)


# ---- the corners of the hull ----


def test_the_corners_are_those_of_the_hull_of_the_nearest():
    box = np.array(np.meshgrid([-1.0, 1], [-2.0, 2], [-3.0, 3])).reshape(3, 8).T
    inside = np.random.default_rng(8).uniform(-0.9, 0.9, (200, 3))
    corners = shape.hull_corners(np.concatenate([inside, box, [[0.0, 0, 0]] * 200]) + 5000.0, keep=1)
    np.testing.assert_allclose(sorted(corners.tolist()), sorted(box.tolist()), atol=0.1)
    gel = gels(1, n_points=3000)[0] + 1e4
    corners = shape.hull_corners(gel)
    radius = np.cbrt(3 * ConvexHull(corners).volume / (4 * np.pi))
    assert radius == pytest.approx(surface.hull_radius(gel))  # the same hull, from its corners alone
    assert len(shape.hull_corners(gel, keep=0.3)) < len(gel)


def test_the_sphere_through_the_corners_of_a_ball_is_the_ball():
    ball = clouds.fuzzy_sphere(20_000, 150, 0, np.random.default_rng(9)) + np.array([300, -20, 7])
    corners = shape.hull_corners(ball, keep=1)
    centre, radius = surface.sphere_fit(corners)
    np.testing.assert_allclose(centre, [0, 0, 0], atol=5)  # about the median
    assert radius == pytest.approx(149, abs=0.7)  # corners lie a little inside


@pytest.mark.real_data
def test_the_real_gels_look_upright_when_hot_and_not_without_the_error():
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    several = io.recordings(data.fetch("microgels_paint"), 53)
    points = [one for one, _ in several]
    error = precision.localisation_error(several).sigma_nm
    np.testing.assert_allclose(error, [18.9, 17.8, 44.8], atol=0.1)
    np.testing.assert_allclose(shape.height_over_width(points), [1.282, 0.054], atol=2e-3)
    np.testing.assert_allclose(shape.height_over_width(points, error), [0.792, 0.045], atol=2e-3)


# ---- bad input ----

CLOUD = gels(1, n_points=60)[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shape.robust_width(CLOUD[:, :2]), "points_nm must have shape"),
        (lambda: shape.robust_width(CLOUD * NAN), "points_nm must be finite"),
        (lambda: shape.height_over_width([CLOUD]), "gels must hold at least 2 clouds, got 1"),
        (lambda: shape.height_over_width(CLOUD), "gels must be a list of clouds"),
        (lambda: shape.height_over_width([CLOUD, CLOUD * NAN]), r"gels\[1\] must be finite"),
        (lambda: shape.height_over_width([CLOUD] * 2, -1), "error_nm must be >= 0"),
        (lambda: shape.height_over_width([CLOUD] * 2, [20, 51]), "error_nm must be one number or have shape"),
        (
            lambda: shape.height_over_width([CLOUD] * 2, [20, 20, 999]),
            "error_nm must be smaller than .* 999 nm along z",
        ),
        (
            lambda: shape.height_over_width([CLOUD] * 2, [999, 20, 20]),
            "error_nm must be smaller than .* 999 nm along x",
        ),
        (lambda: shape.reach(CLOUD, keep=0), "keep must be > 0"),
        (lambda: shape.reach(CLOUD[0]), "points_nm must have shape"),
        (lambda: shape.mean_arrow(CLOUD, "xy", 100), "gels must be a list of clouds"),
        (lambda: shape.mean_arrow([CLOUD], "zx", 100), "plane must be one of 'xy', 'xz', 'yz', got 'zx'"),
        (lambda: shape.mean_arrow([CLOUD], "xy", 0), "reference_nm must be > 0"),
        (lambda: shape.hull_corners(CLOUD, keep=0.05), "points_nm must leave at least 4 points for a hull, got 3"),
        (lambda: shape.hull_corners(CLOUD * [1, 1, 0]), "points_nm must not lie in a plane"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
