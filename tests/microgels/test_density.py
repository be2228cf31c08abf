"""Density: toroids, shells and cumulative mass against counting by hand and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from helpers.common import data
from helpers.microgels import clouds, density, io

NAN = float("nan")


def cloud(n=4000, seed=0):
    return clouds.simulate(38, 1, np.random.default_rng(seed), n_points=n)[0]


def around(points):
    """Surround points by two far ones per axis and three at the origin, so that the median of each axis is 0."""
    far = np.concatenate([s * 1e6 * np.eye(3) for s in (1, -1) for _ in range(len(points) + 1)])
    return np.concatenate([points, far, np.zeros((3, 3))])


# ---- toroids ----


@given(n_rings=st.integers(1, 60), n_slabs=st.integers(1, 90), bin_nm=st.floats(0.5, 50))
def test_the_toroids_fill_the_cylinder(n_rings, n_slabs, bin_nm):
    volumes = density.toroid_volumes(n_rings, n_slabs, bin_nm)
    assert volumes.shape == (n_rings, n_slabs)
    assert volumes.sum() == pytest.approx(np.pi * (n_rings * bin_nm) ** 2 * n_slabs * bin_nm)
    assert volumes[0, 0] == pytest.approx(np.pi * bin_nm**3)
    np.testing.assert_allclose(volumes[:, -1], (2 * np.arange(n_rings) + 1) * volumes[0, 0])


def test_every_point_in_the_cylinder_is_counted_once():
    points = cloud()
    counts = density.toroid_density(points) * density.toroid_volumes()
    centred = points - np.median(points, axis=0)
    d, h = np.hypot(centred[:, 0], centred[:, 1]), centred[:, 2] + 400
    assert counts.sum() == pytest.approx(((d <= 400) & (h > 0) & (h <= 800)).sum())
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    expected = np.histogram2d(d, h, bins=[np.arange(0, 401, 10), np.arange(0, 801, 10)])[0]
    np.testing.assert_allclose(counts, expected, atol=1e-9)  # no point of this cloud lies on an edge
    assert density.toroid_density(points).shape == (40, 80)
    coarse = density.toroid_density(points, 20, 40, 20.0) * density.toroid_volumes(20, 40, 20.0)
    np.testing.assert_allclose(coarse, counts.reshape(20, 2, 40, 2).sum(axis=(1, 3)), atol=1e-9)


@pytest.mark.parametrize(
    ("point", "toroid"),
    [
        ((5.0, 0.0, 5.0), (0, 40)),
        ((10.0, 0.0, 5.0), (0, 40)),  # on the outer edge of the first ring: inside it
        ((10.001, 0.0, 5.0), (1, 40)),
        ((6.0, 8.0, 5.0), (0, 40)),  # d = 10 exactly
        ((5.0, 0.0, 10.0), (0, 40)),  # on the upper edge of its slab
        ((5.0, 0.0, 10.001), (0, 41)),
        ((5.0, 0.0, 0.0), (0, 39)),  # h = 400 belongs to the slab below
        ((400.0, 0.0, 400.0), (39, 79)),
        ((3.0, 4.0, -399.999), (0, 0)),
        ((400.001, 0.0, 5.0), None),
        ((5.0, 0.0, -400.0), None),  # h = 0
        ((5.0, 0.0, 400.001), None),
        ((0.0, 0.0, 5.0), None),  # d = 0
    ],
)
def test_bins_are_closed_on_the_right(point, toroid):
    counts = density.toroid_density(around(np.array([point]))) * density.toroid_volumes()
    assert counts.sum() == pytest.approx(0 if toroid is None else 1)
    if toroid is not None:
        assert counts[toroid] == pytest.approx(1)


def test_the_centre_is_the_median_of_each_axis():
    """One far point moves the mean by 50 nm, which is five bins, and the median by next to nothing."""
    points = cloud(1000)
    moved = np.concatenate([points, [[5e4, -5e4, 5e4]]])
    here, there = (density.toroid_density(gel, 20, 40, 20.0).ravel() for gel in (points, moved))
    assert stats.pearsonr(here, there).statistic > 0.95


@pytest.mark.parametrize("shift", [(1e4, 0, 0), (0, -2e4, 0), (0, 0, 1024.0), (2048.0, 512.0, -4096.0)])
def test_moving_a_gel_changes_nothing(shift):
    points = np.round(cloud() * 1024) / 1024  # so that the sum is exact
    moved = points + shift
    assert np.array_equal(density.toroid_density(moved), density.toroid_density(points))
    for ours, theirs in zip(density.radial_profile(moved), density.radial_profile(points), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    np.testing.assert_allclose(density.radial_cmf(moved)[0], density.radial_cmf(points)[0], atol=1e-8)
    assert density.cmf_distance(moved, points) < 1 / len(points)


def test_turning_about_z_keeps_the_rings_and_tilting_does_not():
    points = clouds.simulate(21, 1, np.random.default_rng(2), n_points=20_000)[0]
    centred = points - np.median(points, axis=0)
    z_profile = density.toroid_density(points).sum(axis=0)
    swapped = density.toroid_density(centred[:, [2, 1, 0]]).sum(axis=0)
    turned = density.toroid_density(centred[:, [1, 0, 2]])
    np.testing.assert_array_equal(turned, density.toroid_density(centred))
    assert stats.pearsonr(z_profile, swapped).statistic < 0.98
    height = np.arange(80) * 10 - 395.0
    weights = density.toroid_density(points) * density.toroid_volumes()
    sigma_z = np.sqrt((weights.sum(axis=0) * height**2).sum() / weights.sum())
    assert sigma_z == pytest.approx(points[:, 2].std(), rel=0.01)  # the second axis is z, not x


def test_a_uniform_cylinder_has_a_flat_density():
    rng, n = np.random.default_rng(3), 400_000
    d, angle = 400 * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    points = np.stack([d * np.cos(angle), d * np.sin(angle), rng.uniform(-400, 400, n)], axis=1)
    found = density.toroid_density(points, 8, 16, 50.0)
    expected = n / (np.pi * 400**2 * 800)
    counts = expected * density.toroid_volumes(8, 16, 50.0)
    inner = np.s_[:7, 1:-1]  # the centre is estimated, so the outermost bins may lose some
    assert (np.abs(found - expected)[inner] < 5 * (expected / np.sqrt(counts))[inner]).all()


# ---- shells ----


@pytest.mark.parametrize(("radius", "fuzz"), [(200.0, 50.0), (120.0, 30.0)])
def test_the_profile_of_fuzzy_spheres_lies_on_their_density(radius, fuzz):
    rng = np.random.default_rng(4)
    gels = [clouds.fuzzy_sphere(20_000, radius, fuzz, rng) for _ in range(5)]
    r, found = density.radial_profile(gels, bin_nm=10.0, n_shells=30)
    assert r.shape == found.shape == (30,)
    edges = np.arange(31) * 10.0
    volume = 4 / 3 * np.pi * np.diff(edges**3)
    theory = clouds.fuzzy_sphere_density(r, radius, fuzz)
    error = np.sqrt(np.maximum(theory * volume * 100_000, 1)) / (volume * 100_000)
    assert (np.abs(found - theory) < 4.5 * error + 0.005 * theory.max()).all()
    assert (found * volume).sum() == pytest.approx(1, abs=0.01)


def test_the_radius_of_a_shell_is_the_mean_over_its_volume():
    r, _ = density.radial_profile(np.ones((3, 3)), bin_nm=25.0, n_shells=4)
    assert r[0] == pytest.approx(0.75 * 25)
    distances = 25 * np.cbrt(1 + 7 * (np.arange(10**5) + 0.5) / 10**5)  # uniform in the second shell
    assert r[1] == pytest.approx(distances.mean(), rel=1e-6)


def test_a_profile_counts_localisations_beyond_its_end_too():
    points = around(np.array([[10.0, 0, 0]] * 5))
    r, found = density.radial_profile(points, bin_nm=100.0, n_shells=2)
    assert found[0] * 4 / 3 * np.pi * 100**3 == pytest.approx(8 / len(points))
    assert found[1] == 0
    assert len(r) == 2


# ---- cumulative mass ----


def test_the_cumulative_mass_begins_at_zero_and_ends_at_one_with_the_nearest():
    points = cloud(1000)
    r, F = density.radial_cmf(points)
    assert (r[0], F[0], F[-1]) == (0, 0, 1)
    assert len(r) == len(F) == 991
    expected = np.sort(np.linalg.norm(points - points.mean(axis=0), axis=1))
    np.testing.assert_allclose(r[1:], expected[:990])
    np.testing.assert_allclose(F, np.arange(991) / 990)
    assert len(density.radial_cmf(points, keep=0.95)[0]) == 951
    assert len(density.radial_cmf(points, keep=1)[0]) == 1001


def test_the_cumulative_mass_is_about_the_mean_and_the_distance_about_the_median():
    lopsided = np.concatenate([np.zeros((9, 3)), [[100.0, 0, 0]]])
    assert density.radial_cmf(lopsided, keep=1)[0][1] == pytest.approx(10)  # the mean lies at x = 10
    assert density.cmf_distance(lopsided, np.zeros((10, 3))) == pytest.approx(0.1)  # the median does not


def test_a_ball_has_its_cumulative_mass():
    r, F = density.radial_cmf(clouds.fuzzy_sphere(50_000, 100, 0, np.random.default_rng(5)), keep=1)
    assert np.abs(F - (r / 100) ** 3).max() < 0.012


few = hnp.arrays(float, st.tuples(st.integers(2, 25), st.just(3)), elements=st.integers(-4, 4))


@given(a=few, b=few)
def test_the_distance_is_that_of_kolmogorov_and_smirnov(a, b):
    r_a, r_b = (np.linalg.norm(points - np.median(points, axis=0), axis=1) for points in (a, b))
    found = density.cmf_distance(a, b)
    assert found == pytest.approx(stats.ks_2samp(r_a, r_b, method="asymp").statistic)
    assert found == density.cmf_distance(b, a)
    assert 0 <= found <= 1
    assert density.cmf_distance(a, a) == 0


def test_clouds_of_a_list_are_centred_one_by_one_and_pooled():
    gels = [cloud(500, seed) for seed in range(4)]
    moved = [gel + 1000.0 * k for k, gel in enumerate(gels)]
    other = cloud(700, 9)
    assert density.cmf_distance(moved, other) == pytest.approx(density.cmf_distance(gels, other), abs=1e-3)
    pooled = np.concatenate([np.linalg.norm(gel - np.median(gel, axis=0), axis=1) for gel in gels])
    r_other = np.linalg.norm(other - np.median(other, axis=0), axis=1)
    assert density.cmf_distance(gels, [other]) == pytest.approx(stats.ks_2samp(pooled, r_other).statistic)
    assert density.cmf_distance(np.stack(gels), other) == density.cmf_distance(gels, other)


def test_the_distance_of_two_balls_is_known():
    rng = np.random.default_rng(6)
    small, large = (clouds.fuzzy_sphere(40_000, radius, 0, rng) for radius in (80, 100))
    assert density.cmf_distance(small, large) == pytest.approx(1 - 0.8**3, abs=0.015)


@pytest.mark.real_data
@pytest.mark.parametrize(("temperature", "central"), [(21, 35), (33, 99), (35, 151), (38, 362), (43, 502), (53, 725)])
def test_the_core_of_the_real_gels_grows_denser(temperature, central):
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    real = io.gels(data.fetch("microgels_paint"), temperature)
    assert 1e9 * density.radial_profile(real)[1][0] == pytest.approx(central, abs=0.6)


# ---- bad input ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: density.toroid_density(np.zeros((5, 2))), "points_nm must have shape"),
        (lambda: density.toroid_density(np.full((5, 3), NAN)), "points_nm must be finite"),
        (lambda: density.toroid_density(np.zeros((0, 3))), "points_nm must hold at least 1"),
        (lambda: density.toroid_density(cloud(9), n_rings=0), "n_rings must be a whole number"),
        (lambda: density.toroid_density(cloud(9), n_slabs=2.5), "n_slabs must be a whole number"),
        (lambda: density.toroid_density(cloud(9), bin_nm=-1), "bin_nm must be > 0"),
        (lambda: density.toroid_volumes(bin_nm=[1, 2]), "bin_nm must be one number"),
        (lambda: density.radial_profile(cloud(9), bin_nm=0), "bin_nm must be > 0"),
        (lambda: density.radial_profile(cloud(9), n_shells=0), "n_shells must be a whole number"),
        (lambda: density.radial_profile([cloud(9), np.zeros((2, 2))]), r"points_nm\[1\] must have shape"),
        (lambda: density.radial_cmf(np.zeros(3)), "points_nm must have shape"),
        (lambda: density.radial_cmf(cloud(9), keep=1.5), "keep must be <= 1"),
        (lambda: density.radial_cmf(cloud(9), keep=0), "keep must be > 0"),
        (lambda: density.cmf_distance(cloud(9), []), "b must have shape"),
        (lambda: density.cmf_distance("cloud", cloud(9)), "a must be a number or an array"),
        (lambda: density.cmf_distance([cloud(9), cloud(9) * NAN], cloud(9)), r"a\[1\] must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
