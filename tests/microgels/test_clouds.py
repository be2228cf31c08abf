"""Clouds: the fuzzy sphere against its closed form, the simulated microgel against 120 real ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import integrate, special, stats

from helpers.common import data
from helpers.microgels import clouds, io
from helpers.microgels.density import cmf_distance

NAN = float("nan")
radii = st.floats(10, 400)
shares = st.floats(0.05, 1.5)


def widths(points):
    """Return the standard deviations along x, y and z."""
    return points.std(axis=0)


# ---- the fuzzy sphere ----


@given(radius=radii, share=shares)
def test_the_density_integrates_to_one_and_has_the_radius_of_gyration(radius, share):
    fuzz = share * radius
    r = np.linspace(0, radius + 12 * fuzz, 20_001)
    shell = 4 * np.pi * r**2 * clouds.fuzzy_sphere_density(r, radius, fuzz)
    assert integrate.simpson(shell, x=r) == pytest.approx(1, abs=1e-7)
    gyration2 = integrate.simpson(shell * r**2, x=r)
    assert gyration2 == pytest.approx(3 * radius**2 / 5 + 3 * fuzz**2, rel=1e-6)


@pytest.mark.parametrize("fuzz", [15.0, 60.0, 300.0])
def test_the_density_is_a_box_convolved_with_a_gaussian(fuzz):
    """The convolution along the line through the centre, by quadrature over the box in cylindrical slices."""
    radius, r = 100.0, np.array([0.0, 1e-9, 3.0, 70.0, 100.0, 130.0, 250.0])
    x = np.linspace(-radius, radius, 20_001)
    slice_weight = -np.expm1(-(radius**2 - x**2) / (2 * fuzz**2))  # of a disc, seen from its axis
    line = stats.norm.pdf(r[:, None], x, fuzz) * slice_weight
    expected = integrate.simpson(line, x=x) * 3 / (4 * np.pi * radius**3)
    np.testing.assert_allclose(clouds.fuzzy_sphere_density(r, radius, fuzz), expected, rtol=1e-6)


@given(radius=radii, share=shares, at=st.floats(1e-3, 3))
def test_the_density_is_the_formula_where_that_is_safe_and_smooth_at_the_centre(radius, share, at):
    fuzz, r = share * radius, at * radius
    root = fuzz * np.sqrt(2)
    step = (special.erf((r + radius) / root) - special.erf((r - radius) / root)) / 2
    bumps = np.exp(-(((r - radius) / root) ** 2)) - np.exp(-(((r + radius) / root) ** 2))
    formula = step - fuzz / (r * np.sqrt(2 * np.pi)) * bumps
    box = 3 / (4 * np.pi * radius**3)
    assert clouds.fuzzy_sphere_density(r, radius, fuzz) == pytest.approx(box * formula, abs=1e-9 * box)
    near = clouds.fuzzy_sphere_density(np.array([0.0, 1e-12, 1e-6, 1e-3]) * radius, radius, fuzz)
    assert np.isfinite(near).all()
    np.testing.assert_allclose(near, near[0], rtol=1e-3)


@given(radius=radii, share=st.floats(0, 10), at=st.floats(0, 1e3))
def test_the_density_is_finite_and_not_negative_anywhere(radius, share, at):
    density = clouds.fuzzy_sphere_density(at * radius, radius, share * radius)
    assert 0 <= density < 1 / radius**3


def test_without_fuzz_the_density_is_the_box():
    r, box = np.array([0.0, 50.0, 99.0, 101.0, 300.0]), 3 / (4 * np.pi * 100.0**3)
    expected = box * (r < 100)
    np.testing.assert_array_equal(clouds.fuzzy_sphere_density(r, 100, 0), expected)
    np.testing.assert_allclose(clouds.fuzzy_sphere_density(r, 100, 1e-3), expected, rtol=1e-4, atol=1e-12)
    assert clouds.fuzzy_sphere_density(100.0, 100, 0) == box / 2
    assert clouds.fuzzy_sphere_density(np.ones((2, 3)), 100, 5).shape == (2, 3)


@pytest.mark.parametrize(("radius", "fuzz"), [(100.0, 0.0), (200.0, 60.0), (40.0, 80.0)])
def test_points_follow_the_density_in_every_direction(radius, fuzz):
    n = 40_000
    points = clouds.fuzzy_sphere(n, radius, fuzz, np.random.default_rng(1))
    assert points.shape == (n, 3)
    distance = np.linalg.norm(points, axis=1)
    r = np.linspace(1e-9, radius + 8 * fuzz + 1, 8001)
    shell = 4 * np.pi * r**2 * clouds.fuzzy_sphere_density(r, radius, fuzz)
    mass = integrate.cumulative_simpson(shell, x=r, initial=0)
    assert stats.kstest(distance, lambda x: np.interp(x, r, mass)).pvalue > 1e-3
    cosines = points / distance[:, None]
    for k in range(3):  # the cosine with any axis is uniform
        assert stats.kstest(cosines[:, k], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    gyration2 = 3 * radius**2 / 5 + 3 * fuzz**2
    spread = (distance**2).std() / np.sqrt(n)
    assert (distance**2).mean() == pytest.approx(gyration2, abs=5 * spread)


def test_a_seed_gives_the_same_points_and_none_may_be_asked_for():
    one, other = (clouds.fuzzy_sphere(5, 100, 20, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)
    assert clouds.fuzzy_sphere(0, 100, 20, np.random.default_rng(3)).shape == (0, 3)


# ---- the microgel ----


def test_swelling_runs_from_cold_to_hot():
    cold, middle, hot = (clouds.swelling(T) for T in (15, 34.35, 60))
    assert middle.swollen == pytest.approx(0.5)
    assert middle.shell_radius_nm == pytest.approx((226 + 127) / 2)
    assert cold == pytest.approx((1, 226, 147, 0.08, 54, 0.61), rel=2e-2)
    assert hot == pytest.approx((0, 127, 45.5, 0.83, 25, 0.73), rel=2e-2, abs=2e-3)
    slope = (clouds.swelling(34.36).swollen - clouds.swelling(34.34).swollen) / 0.02
    assert slope == pytest.approx(-1 / (4 * 2.78), rel=1e-4)
    curve = clouds.swelling(np.linspace(15, 60, 46))
    assert all(quantity.shape == (46,) for quantity in curve)
    assert (np.diff(curve.shell_radius_nm) < 0).all()
    assert (np.diff(curve.core_weight) > 0).all()
    np.testing.assert_allclose(curve.core_radius_nm[20], clouds.swelling(35).core_radius_nm)


@pytest.mark.parametrize("temperature", [15, 33, 37.5, 60])
def test_the_second_moments_of_a_microgel_are_those_of_its_parts(temperature):
    """Per axis: aspect^2 (w Rc^2/5 + (1 - w) Rs^2/5 + s^2) <size^2> + noise^2, noise added after everything else."""
    n = 40
    gels = clouds.simulate(temperature, n, np.random.default_rng(5), n_points=3000)
    state = clouds.swelling(temperature)
    ball2 = state.core_weight * state.core_radius_nm**2 + (1 - state.core_weight) * state.shell_radius_nm**2
    network2 = (ball2 / 5 + state.fuzz_nm**2) * (1 + 0.07**2)
    expected = np.array([network2 + 20**2, network2 + 20**2, network2 * state.z_aspect**2 + 51**2])
    found = np.array([(gel**2).mean(axis=0) for gel in gels])
    assert np.all(np.abs(found.mean(axis=0) - expected) < 5 * found.std(axis=0) / np.sqrt(n))
    assert np.abs(np.mean(gels, axis=(0, 1))).max() < 5 * np.sqrt(expected.max() / (n * 3000))


def test_gels_differ_in_size_by_seven_per_cent_and_in_number_as_the_real_ones():
    """At 15 degC noise is a small part, so that the spread of the widths is nearly that of the sizes."""
    gels = clouds.simulate(15, 400, np.random.default_rng(6))
    numbers = np.array([len(gel) for gel in gels])
    assert np.median(numbers) == pytest.approx(3100, rel=0.08)
    assert np.log(numbers).std() == pytest.approx(0.33 * 0.96, rel=0.12)  # 0.96: the tails are cut at two sigma
    assert numbers.max() <= 3100 * np.exp(2 * 0.33) + 1
    across = np.array([widths(gel)[:2].mean() for gel in gels])
    assert across.std() / across.mean() == pytest.approx(0.07, rel=0.15)


def test_every_part_of_a_cloud_is_like_the_whole():
    """Core and shell are mixed: the first points of a cloud are a fair sample of it."""
    (gel,) = clouds.simulate(38, 1, np.random.default_rng(7), n_points=8000)
    r = np.linalg.norm(gel, axis=1)
    assert stats.ks_2samp(r[:4000], r[4000:]).pvalue > 1e-3


def test_numbers_of_points_seeds_and_generators():
    gels = clouds.simulate(40.0, 3, np.random.default_rng(8), n_points=70)
    assert [gel.shape for gel in gels] == [(70, 3)] * 3
    again = clouds.simulate(40.0, 3, np.random.default_rng(8), n_points=70)
    assert all(np.array_equal(a, b) for a, b in zip(gels, again, strict=True))
    assert not np.array_equal(gels[0], gels[1])
    assert not np.array_equal(clouds.simulate(40, 1, n_points=9)[0], clouds.simulate(40, 1, n_points=9)[0])


# median r, p95 of r, and width in z over width in the plane without the far 5 %, mean over the 20 real gels
REAL = {
    21: (171.1, 280.6, 0.79),
    33: (128.4, 232.0, 0.89),
    35: (112.0, 209.6, 0.92),
    38: (88.6, 176.5, 1.00),
    43: (78.1, 156.5, 1.37),
    53: (71.5, 145.7, 1.28),
}


@pytest.mark.parametrize("temperature", REAL)
def test_simulated_gels_have_the_sizes_of_the_real_ones(temperature):
    gels = clouds.simulate(temperature, 60, np.random.default_rng(9), n_points=1500)
    found = []
    for gel in gels:
        centred = clouds.centred(gel)
        r = np.linalg.norm(centred, axis=1)
        width = widths(clouds.nearest(centred, 0.95))
        found.append((np.median(r), np.quantile(r, 0.95), width[2] / width[:2].mean()))
    median, far, aspect = np.mean(found, axis=0)
    real_median, real_far, real_aspect = REAL[temperature]
    assert median == pytest.approx(real_median, abs=5)
    assert far == pytest.approx(real_far, abs=10)
    assert aspect == pytest.approx(real_aspect, abs=0.14)


@pytest.mark.real_data
@pytest.mark.parametrize("temperature", REAL)
def test_simulated_gels_are_as_near_to_the_real_ones_as_half_of_those_to_the_other_half(temperature):
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    real = io.gels(data.fetch("microgels_paint"), temperature)
    medians = [np.median(np.linalg.norm(clouds.centred(gel), axis=1)) for gel in real]
    assert np.mean(medians) == pytest.approx(REAL[temperature][0], abs=0.1)
    twin = clouds.simulate(temperature, 100, np.random.default_rng(10), n_points=1000)
    assert cmf_distance(twin, real) < 0.05


# ---- handling clouds ----

some = hnp.arrays(float, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-500, 500))


@given(points=some, keep=st.floats(0.01, 1))
def test_nearest_keeps_the_nearest_and_centred_has_its_median_at_the_origin(points, keep):
    kept = clouds.nearest(points, keep)
    r = np.linalg.norm(points, axis=1)
    assert keep * len(points) - 1e-6 < len(kept) < keep * len(points) + 1
    assert np.allclose(np.linalg.norm(kept, axis=1), np.sort(r)[: len(kept)])
    assert len(clouds.nearest(points, 1)) == len(points)
    assert np.allclose(np.median(clouds.centred(points), axis=0), 0, atol=1e-9)


def test_a_share_of_a_whole_number_of_points_is_exact():
    points = np.arange(300.0).reshape(100, 3)
    assert [len(clouds.nearest(points, keep)) for keep in (0.99, 0.95, 0.07, 0.1)] == [99, 95, 7, 10]


@given(points=some, n=st.integers(1, 40), seed=st.integers(0, 99))
def test_thinning_draws_without_repetition(points, n, seed):
    points = points + np.arange(len(points))[:, None] * 1e4  # no two alike
    drawn = clouds.thinned(points, n, np.random.default_rng(seed))
    assert len(drawn) == min(n, len(points))
    assert len(np.unique(drawn, axis=0)) == len(drawn)
    assert set(drawn[:, 0]) <= set(points[:, 0])


def test_lists_and_arrays_of_clouds_are_told_from_one_cloud():
    cloud = np.zeros((4, 3))
    assert all(map(clouds.are_clouds, ([cloud], (cloud, cloud[:2]), np.zeros((5, 4, 3)))))
    assert not any(map(clouds.are_clouds, (cloud, [], 3, "cloud", cloud.tolist(), None)))
    assert len(clouds.check_clouds("gels", np.zeros((5, 4, 3)))) == 5


# ---- bad input ----

RNG = np.random.default_rng(0)
CLOUD = np.ones((5, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        *[(lambda T=T: clouds.swelling(T), "temperature_C must lie within") for T in (14.9, 60.1, [20, 80], -300)],
        (lambda: clouds.swelling(NAN), "temperature_C must be finite"),
        (lambda: clouds.swelling("warm"), "temperature_C must be a number"),
        (lambda: clouds.simulate(61, 1), "temperature_C must lie within"),
        (lambda: clouds.simulate([21, 33], 2), "temperature_C must be one number"),
        (lambda: clouds.simulate(21, 0), "n_gels must be a whole number"),
        (lambda: clouds.simulate(21, 2, n_points=0), "n_points must be a whole number"),
        (lambda: clouds.simulate(21, 2, n_points=10.5), "n_points must be a whole number"),
        (lambda: clouds.fuzzy_sphere(-1, 100, 10, RNG), "n must be a whole number"),
        (lambda: clouds.fuzzy_sphere(9, 0, 10, RNG), "radius_nm must be > 0"),
        (lambda: clouds.fuzzy_sphere(9, 100, -1, RNG), "fuzz_nm must be >= 0"),
        (lambda: clouds.fuzzy_sphere(9, [100, 90], 1, RNG), "radius_nm must be one number"),
        (lambda: clouds.fuzzy_sphere_density([-1.0], 100, 10), "r_nm must be >= 0"),
        (lambda: clouds.fuzzy_sphere_density(NAN, 100, 10), "r_nm must be finite"),
        (lambda: clouds.fuzzy_sphere_density(1, -100, 10), "radius_nm must be > 0"),
        (lambda: clouds.fuzzy_sphere_density(1, 100, NAN), "fuzz_nm must be finite"),
        (lambda: clouds.centred(np.zeros((4, 2))), r"points_nm must have shape \(N, 3\)"),
        (lambda: clouds.centred(np.zeros((0, 3))), "points_nm must hold at least 1 points"),
        (lambda: clouds.centred(CLOUD * NAN), "points_nm must be finite"),
        *[(lambda k=k: clouds.nearest(CLOUD, k), "keep must be") for k in (0, -0.1, 1.01, NAN)],
        (lambda: clouds.thinned(CLOUD, 0, RNG), "n_points must be a whole number"),
        (lambda: clouds.check_clouds("gels", CLOUD), "gels must be a list of clouds"),
        (lambda: clouds.check_clouds("gels", [CLOUD], at_least=2), "gels must hold at least 2 clouds"),
        (lambda: clouds.check_clouds("gels", [CLOUD, CLOUD[:, :2]]), r"gels\[1\] must have shape"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
