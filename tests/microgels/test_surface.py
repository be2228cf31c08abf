"""The surface: spheres, circles and balls whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial import ConvexHull

from helpers.common import data
from helpers.microgels import clouds, io, surface

NAN = float("nan")


def on_sphere(n, seed=0):
    directions = np.random.default_rng(seed).standard_normal((n, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


# ---- the sphere ----


@given(
    centre=st.tuples(*[st.floats(-1e4, 1e4)] * 3),
    radius=st.floats(1, 1e3),
    n=st.integers(6, 60),
    seed=st.integers(0, 10**6),
)
def test_a_sphere_without_noise_is_found_exactly(centre, radius, n, seed):
    found, size = surface.sphere_fit(np.array(centre) + radius * on_sphere(n, seed))
    np.testing.assert_allclose(found, centre, atol=1e-6 * radius)
    assert size == pytest.approx(radius, rel=1e-6)
    assert isinstance(size, float)


def test_four_points_make_a_sphere_and_a_cap_is_enough():
    found, size = surface.sphere_fit([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(found, 0, atol=1e-12)
    assert size == pytest.approx(1)
    directions = on_sphere(5000)
    cap = directions[directions[:, 2] > 0.9] * 170 + [7, 8, 9]
    found, size = surface.sphere_fit(cap)
    np.testing.assert_allclose(found, [7, 8, 9], atol=1e-6)
    assert size == pytest.approx(170)


def test_with_noise_a_whole_sphere_is_found_and_a_cap_is_taken_for_a_smaller_one():
    rng = np.random.default_rng(1)
    directions = on_sphere(4000, 2)
    noisy = 150 * directions + 5 * rng.standard_normal((4000, 3)) + [1e3, 0, -1e3]
    found, size = surface.sphere_fit(noisy)
    np.testing.assert_allclose(found, [1e3, 0, -1e3], atol=1)
    assert size == pytest.approx(150, abs=1)
    geometric = least_squares(lambda p: np.linalg.norm(noisy - p[:3], axis=1) - p[3], [1e3, 0, -1e3, 100.0]).x
    assert size == pytest.approx(geometric[3], abs=0.5)
    _, cap = surface.sphere_fit(noisy[directions[:, 2] > 0.8])
    assert cap < 140


# ---- the arrows ----


def flat(radii, plane, n=3600):
    """A curve in one plane, radius as a function of the angle, symmetric about its centre."""
    angle = (np.arange(n) + 0.5) * 2 * np.pi / n
    points = np.zeros((n, 3))
    axes = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}[plane]
    points[:, axes[0]], points[:, axes[1]] = radii(angle) * np.cos(angle), radii(angle) * np.sin(angle)
    return points


@pytest.mark.parametrize("plane", ["xy", "xz", "yz"])
def test_the_arrows_of_a_circle_are_what_it_exceeds_the_reference_by(plane):
    circle = flat(lambda angle: 150.0 + 0 * angle, plane)
    found = surface.convex_vectors(circle + 1000.0, plane, 120.0, keep=1)
    np.testing.assert_allclose(found.length_nm, 30)
    np.testing.assert_allclose(np.degrees(found.angle_rad), np.arange(45) * 8 + 4)
    assert surface.convex_vectors(circle, plane, 150.0 + 1e-6, keep=1).length_nm.max() == 0
    np.testing.assert_allclose(surface.convex_vectors(circle, plane, 149.5, keep=1).length_nm, 0.5)  # not truncated
    for other in {"xy", "xz", "yz"} - {plane}:  # seen from its side the circle is a line: most sectors are empty
        assert (surface.convex_vectors(circle, other, 120.0, keep=1).length_nm > 0).sum() <= 4


@pytest.mark.parametrize("plane", ["xy", "xz", "yz"])
def test_angles_begin_at_the_first_axis_and_turn_towards_the_second(plane):
    ellipse = flat(lambda angle: 100 + 50 * np.sin(angle) ** 2 + 20 * np.sin(2 * angle), plane)
    found = surface.convex_vectors(ellipse, plane, 50.0, n_sectors=360, n_far=10, keep=1)
    expected = 50 + 50 * np.sin(found.angle_rad) ** 2 + 20 * np.sin(2 * found.angle_rad)
    np.testing.assert_allclose(found.length_nm, expected, atol=0.1)


def test_the_farthest_of_a_sector_are_averaged_and_fewer_where_there_are_fewer():
    centre = np.zeros((2000, 3))
    arrows = np.concatenate([np.arange(101.0, 121.0), [200.0]])  # beyond 100: 1..20 at 21 degrees, 100 at 201
    angle = np.radians(np.concatenate([np.full(20, 21.0), [201.0]]))
    points = np.stack([arrows * np.cos(angle), arrows * np.sin(angle), 0 * arrows], axis=1)
    points = np.concatenate([centre, points, -points])  # the mirror image keeps the mean where it is
    found = surface.convex_vectors(points, "xy", 100.0, keep=1)
    expected = np.zeros(45)
    expected[21 // 8] = expected[201 // 8] = (100 + sum(range(12, 21))) / 10
    np.testing.assert_allclose(found.length_nm, expected, atol=1e-9)
    farthest = surface.convex_vectors(points, "xy", 100.0, n_far=1, keep=1)
    assert farthest.length_nm.max() == pytest.approx(100)
    everyone = surface.convex_vectors(points, "xy", 100.0, n_far=500, keep=1)
    assert everyone.length_nm.max() == pytest.approx((100 + sum(range(1, 21))) / 21)
    assert surface.convex_vectors(points, "xy", 100.0, n_far=1, keep=0.999).length_nm.max() == pytest.approx(20)


def test_a_point_on_the_circle_counts_and_the_mean_is_the_centre():
    points = np.array([[3.0, 0, 0], [-3.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0], [0.0, 2, 0], [0.0, -2, 0]])
    found = surface.convex_vectors(points, "xy", 3.0, n_sectors=4, keep=1)
    np.testing.assert_array_equal(found.length_nm, 0)  # r - reference = 0 of two of them: sectors with one of length 0
    lopsided = np.concatenate([np.zeros((9, 3)), [[100.0, 0, 0]]])
    found = surface.convex_vectors(lopsided, "xy", 5.0, n_sectors=4, n_far=1, keep=1)  # the mean lies at x = 10
    assert found.length_nm[0] == pytest.approx(85)
    assert found.length_nm[[1, 2]].max() == pytest.approx(5)


def test_the_share_that_is_kept_is_the_nearest_in_space():
    rng = np.random.default_rng(4)
    points = clouds.fuzzy_sphere(4000, 150, 40, rng)
    r = np.linalg.norm(points - points.mean(axis=0), axis=1)
    text = surface.convex_vectors(points, "xz", 100.0, n_far=1, keep=0.95).length_nm
    code = surface.convex_vectors(points, "xz", 100.0).length_nm
    assert text.max() <= np.quantile(r, 0.951) - 100
    assert (code > 0).all()
    assert surface.convex_vectors(points, "xz", 100.0, keep=1).length_nm.mean() > code.mean()


@given(seed=st.integers(0, 10**6), n_sectors=st.integers(1, 90), n_far=st.integers(1, 12))
def test_no_sector_is_lost_or_counted_twice(seed, n_sectors, n_far):
    points = np.round(clouds.fuzzy_sphere(300, 100, 30, np.random.default_rng(seed)), 1)
    lengths, angles = surface.convex_vectors(points, "yz", 60.0, n_sectors, n_far, keep=1)
    centred = points - points.mean(axis=0)
    r, angle = np.hypot(*centred[:, 1:].T), np.degrees(np.arctan2(centred[:, 2], centred[:, 1])) % 360
    for k in range(n_sectors):
        mine = np.sort(r[(np.floor(angle * n_sectors / 360) == k) & (r >= 60)])[::-1][:n_far]
        assert lengths[k] == pytest.approx(mine.mean() - 60 if len(mine) else 0)
    assert angles.shape == lengths.shape == (n_sectors,)


def test_the_reference_radii_are_those_of_the_code():
    assert surface.REFERENCE_NM == {21: 180, 33: 150, 35: 120, 38: 110, 43: 110, 53: 110}


# ---- the hull ----


def test_the_hull_of_a_dense_ball_has_nearly_its_radius():
    ball = clouds.fuzzy_sphere(100_000, 150, 0, np.random.default_rng(5)) + 3000.0
    assert surface.hull_radius(ball, keep=1) == pytest.approx(150, rel=0.005)
    assert surface.hull_radius(ball) == pytest.approx(150 * 0.95 ** (1 / 3), rel=0.005)


def test_the_hull_of_a_box_and_of_a_squashed_ball_has_its_volume():
    corners = np.array(np.meshgrid([0, 2.0], [0, 3.0], [0, 4.0])).reshape(3, 8).T
    assert surface.hull_radius(corners, keep=1) == pytest.approx((24 * 3 / (4 * np.pi)) ** (1 / 3))
    ball = clouds.fuzzy_sphere(2000, 100, 0, np.random.default_rng(6))
    whole = surface.hull_radius(ball, keep=1)
    assert surface.hull_radius(ball * [1, 1, 0.5], keep=1) == pytest.approx(whole * 0.5 ** (1 / 3))
    assert surface.hull_radius(ball * 3, keep=0.95) == pytest.approx(3 * surface.hull_radius(ball, keep=0.95))


def test_the_hull_is_that_of_the_points_nearest_to_the_median():
    rng = np.random.default_rng(7)
    tail = clouds.fuzzy_sphere(200, 80, 0, rng) + np.array([300.0, 0, 0])  # moves the mean by 27 nm
    points = np.concatenate([clouds.fuzzy_sphere(2000, 100, 0, rng), tail])
    centred = points - np.median(points, axis=0)
    order = np.argsort(np.linalg.norm(centred, axis=1))
    hull = ConvexHull(centred[order[:1540]])
    assert surface.hull_radius(points, keep=0.7) == pytest.approx((3 * hull.volume / (4 * np.pi)) ** (1 / 3))


@pytest.mark.real_data
@pytest.mark.parametrize(("temperature", "radius"), [(21, 255.1), (38, 161.0), (53, 132.4)])
def test_the_hulls_of_the_real_gels(temperature, radius):
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    real = io.gels(data.fetch("microgels_paint"), temperature)
    assert np.mean([surface.hull_radius(gel) for gel in real]) == pytest.approx(radius, abs=0.1)


# ---- bad input ----

CLOUD = clouds.fuzzy_sphere(50, 100, 10, np.random.default_rng(8))
FLAT = CLOUD * [1, 1, 0]
TILTED = CLOUD @ np.array([[1, 0, 0.3], [0, 1, -0.7], [0, 0, 0]]) + 2e4  # flat but for rounding


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: surface.sphere_fit(CLOUD[:3]), "points must hold at least 4 points"),
        (lambda: surface.sphere_fit(CLOUD[:, :2]), "points must have shape"),
        (lambda: surface.sphere_fit(FLAT), "points must not lie in a plane"),
        (lambda: surface.sphere_fit(TILTED), "points must not lie in a plane"),
        (lambda: surface.sphere_fit(np.ones((9, 3))), "points must not lie in a plane"),
        (lambda: surface.sphere_fit(CLOUD * NAN), "points must be finite"),
        (lambda: surface.convex_vectors(CLOUD, "zx", 100), "plane must be one of 'xy', 'xz', 'yz', got 'zx'"),
        (lambda: surface.convex_vectors(CLOUD, "xy", 0), "reference_nm must be > 0"),
        (lambda: surface.convex_vectors(CLOUD, "xy", [1, 2]), "reference_nm must be one number"),
        (lambda: surface.convex_vectors(CLOUD, "xy", 100, n_sectors=0), "n_sectors must be a whole number"),
        (lambda: surface.convex_vectors(CLOUD, "xy", 100, n_far=0), "n_far must be a whole number"),
        (lambda: surface.convex_vectors(CLOUD, "xy", 100, keep=2), "keep must be <= 1"),
        (lambda: surface.convex_vectors(CLOUD[0], "xy", 100), "points_nm must have shape"),
        (lambda: surface.hull_radius(CLOUD, keep=0), "keep must be > 0"),
        (lambda: surface.hull_radius(CLOUD, keep=0.05), "points_nm must leave at least 4 points"),
        (lambda: surface.hull_radius(FLAT), "points_nm must not lie in a plane"),
        (lambda: surface.hull_radius(CLOUD * NAN), "points_nm must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
