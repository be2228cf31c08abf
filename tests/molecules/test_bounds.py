import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.molecules import bounds, brownian, estimators
from helpers.molecules.bounds import cramer_rao, cve_spread, displacement_covariance, fit_msd_spread

DT = 0.01
NAN = float("nan")


def information(D, n_frames, sigma, blur, ndim):
    """Return the Fisher information of (D, sigma^2) from finite differences of the covariance of displacements.

    I_ab = d/2 tr(C^-1 dC/da C^-1 dC/db); C is put together from the MSD of the positions, not from a formula for C.
    """

    def covariance(D, sigma2):
        lag = np.abs(np.subtract.outer(np.arange(n_frames), np.arange(n_frames)))
        msd = np.where(lag == 0, 0.0, 2 * D * DT * (lag - 2 * blur) + 2 * sigma2)
        difference = np.diff(np.eye(n_frames), axis=0)
        return -difference @ msd @ difference.T / 2

    s2 = sigma**2
    steps = [(1e-4 * D, 0.0), (0.0, 1e-4 * (D * DT + s2))]
    slopes = [(covariance(D + a, s2 + b) - covariance(D - a, s2 - b)) / (2 * (a + b)) for a, b in steps]
    inverse = np.linalg.inv(covariance(D, s2))
    return ndim / 2 * np.array([[np.trace(inverse @ a @ inverse @ b) for b in slopes] for a in slopes])


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(
    ("D", "n_frames", "sigma", "blur"),
    [(1.0, 16, 0.05, 1 / 6), (4.0, 8, 0.2, 0.0), (0.3, 30, 0.01, 0.165), (1.0, 3, 0.1, 0.25), (2.0, 16, 0.0, 1 / 6)],
)
def test_the_bound_is_the_inverse_of_the_numerical_fisher_information(D, n_frames, sigma, blur, ndim):
    fisher = information(D, n_frames, sigma, blur, ndim)
    known = cramer_rao(D, n_frames, DT, sigma, blur, ndim)
    unknown = cramer_rao(D, n_frames, DT, sigma, blur, ndim, sigma_known=False)
    assert known == pytest.approx(1 / np.sqrt(fisher[0, 0]) / D, rel=1e-6)
    assert unknown == pytest.approx(np.sqrt(np.linalg.inv(fisher)[0, 0]) / D, rel=1e-6)


def test_the_information_is_the_variance_of_the_score():
    """One more step down: the score of the multivariate normal itself, by simulation."""
    rng = np.random.default_rng(0)
    covariance = displacement_covariance(1.0, 6, DT, 0.05, 0.1)
    steps = rng.multivariate_normal(np.zeros(5), covariance, 20_000)
    up, down = (stats.multivariate_normal(cov=displacement_covariance(D, 6, DT, 0.05, 0.1)) for D in (1.001, 0.999))
    score = (up.logpdf(steps) - down.logpdf(steps)) / 0.002
    assert cramer_rao(1.0, 6, DT, 0.05, 0.1, ndim=1) == pytest.approx(1 / score.std(), rel=0.03)


# Relative sd of D for 16 frames in two dimensions against x = sigma^2 / (D dt), within .002 of the published curves.
PUBLISHED = {
    (1 / 6, True): {0: 0.258, 0.01: 0.264, 0.1: 0.303, 0.5: 0.398, 1: 0.466, 5: 0.716},
    (1 / 6, False): {0: 0.383, 0.01: 0.387, 0.1: 0.411, 0.5: 0.483, 1: 0.541, 5: 0.780},
}


@pytest.mark.parametrize(("blur", "known"), PUBLISHED)
def test_the_bound_of_sixteen_frames_has_its_published_values(blur, known):
    for x, expected in PUBLISHED[blur, known].items():
        assert cramer_rao(1.0, 16, DT, np.sqrt(x * DT), blur, sigma_known=known) == pytest.approx(expected, abs=0.002)


SNAPSHOT = {
    True: {0.01: 0.261, 0.1: 0.282, 0.5: 0.357, 1: 0.422, 5: 0.686},
    False: {0.01: 0.459, 0.1: 0.473, 0.5: 0.524, 1: 0.572, 5: 0.794},
}


@pytest.mark.parametrize("known", [True, False])
def test_the_bound_of_snapshots_has_its_published_values(known):
    for x, expected in SNAPSHOT[known].items():
        assert cramer_rao(1.0, 16, DT, np.sqrt(x * DT), 0, sigma_known=known) == pytest.approx(expected, abs=0.002)


@given(D=st.floats(0.01, 100), dt=st.floats(1e-4, 10), sigma=st.floats(0, 2), n_frames=st.integers(3, 60))
def test_the_bound_depends_on_sigma2_over_D_dt_only(D, dt, sigma, n_frames):
    for known in (True, False):
        bound = cramer_rao(D, n_frames, dt, sigma, sigma_known=known)
        unit = cramer_rao(1, n_frames, 1, sigma / np.sqrt(D * dt), sigma_known=known)
        assert bound == pytest.approx(unit, rel=1e-6)


@given(x=st.floats(0, 3), n_frames=st.integers(3, 40), blur=st.floats(0, 0.25), ndim=st.integers(1, 4))
def test_the_bound_moves_the_right_way(x, n_frames, blur, ndim):
    bound = cramer_rao(1, n_frames, 1, x, blur, ndim)
    assert bound * np.sqrt(ndim) == pytest.approx(cramer_rao(1, n_frames, 1, x, blur, 1))
    assert cramer_rao(1, n_frames + 1, 1, x, blur, ndim) < bound
    assert cramer_rao(1, n_frames, 1, x + 0.1, blur, ndim) > bound
    assert cramer_rao(1, n_frames, 1, x, blur, ndim, sigma_known=False) >= bound
    assert bound >= np.sqrt(2 / (ndim * (n_frames - 1))) * (1 - 1e-12)


def test_without_localisation_error_each_step_is_one_measurement_of_the_variance():
    assert cramer_rao(3.0, 16, DT, 0, 1 / 6) == pytest.approx(np.sqrt(1 / 15))
    assert cramer_rao(3.0, 16, DT, 0, 0, ndim=1) == pytest.approx(np.sqrt(2 / 15))


def test_the_bound_broadcasts_over_D_and_sigma():
    D, sigma = np.array([[0.5], [1.0], [2.0]]), np.array([0.0, 0.05])
    table = cramer_rao(D, 16, DT, sigma)
    assert table.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        assert table[i, j] == cramer_rao(D[i, 0], 16, DT, sigma[j])


# ---- exact spreads ----


def test_covariance_in_numbers():
    expected = [[3.5, 0.5, 0], [0.5, 3.5, 0.5], [0, 0.5, 3.5]]  # 2 D dt = 4.5, R = 1/6, sigma^2 = 0.25
    assert np.allclose(displacement_covariance(2.25, 4, 1, 0.5, 1 / 6), expected)
    assert np.allclose(displacement_covariance(1, 2, 1, 0, 0), [[2]])


def test_all_lags_through_the_origin_are_the_worst_choice():
    spread = fit_msd_spread(1, 160, 1, 0, 159, intercept=False, blur=0)
    assert spread.sd == pytest.approx(0.8255, abs=0.0005)
    assert spread.mean == pytest.approx(1)
    best = fit_msd_spread(1, 160, 1, 0, 1, intercept=False, blur=0)
    assert best.sd == pytest.approx(np.sqrt(1 / 159))


@pytest.mark.parametrize(("s2", "expected"), [(0, 0.409), (0.25, 0.444), (1.0, 0.587)])
def test_cve_spread_has_its_published_values(s2, expected):
    """s2 = sigma^2 / (D dt), with N = 15 displacements in two dimensions, R = .165."""
    assert cve_spread(1, 16, 1, np.sqrt(s2), blur=0.165).sd == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(("lags", "intercept"), [((1, 2), True), (5, True), (5, False), ((2, 4), False), (15, False)])
@pytest.mark.parametrize(("sigma", "n_sub", "ndim"), [(0.0, 1, 2), (0.1, 10, 2), (0.05, 10, 3)])
def test_the_spread_of_a_line_is_that_of_simulated_tracks(lags, intercept, sigma, n_sub, ndim):
    n, rng = 10_000, np.random.default_rng(1)
    positions = brownian.observe(brownian.simulate_tracks(1.0, n, 16, DT, n_sub, ndim, rng), sigma, rng)
    D = estimators.fit_msd(positions, DT, lags, intercept)
    theory = fit_msd_spread(1.0, 16, DT, sigma, lags, intercept, brownian.blur_coefficient(n_sub), ndim)
    assert D.mean() == pytest.approx(theory.mean, abs=4 * theory.sd / np.sqrt(n))
    assert D.std() == pytest.approx(theory.sd, rel=0.05)


@given(x=st.floats(0, 2), blur=st.floats(0, 0.25), n_frames=st.integers(4, 30), known=st.booleans())
def test_cve_is_unbiased_and_never_better_than_the_bound(x, blur, n_frames, known):
    spread = cve_spread(1, n_frames, 1, x, known, blur)
    assert spread.mean == pytest.approx(1)
    assert spread.sd >= cramer_rao(1, n_frames, 1, x, blur, sigma_known=known) * (1 - 1e-9)


@pytest.mark.parametrize("intercept", [True, False])
def test_a_line_with_intercept_is_unbiased_and_one_without_is_not(intercept):
    mean = fit_msd_spread(1, 16, 1, 0.5, 4, intercept, blur=0).mean
    k = np.arange(1, 5)
    assert mean == pytest.approx(1 if intercept else 1 + 0.25 * k.sum() / (k @ k))


# ---- bad input ----

GOOD = {"D_um2_s": 1.0, "n_frames": 16, "dt_s": DT, "sigma_um": 0.05}
BAD = [
    *[("D_um2_s", bad) for bad in (0, -1, NAN, "fast")],
    *[("n_frames", bad) for bad in (1, 0, 16.0, None)],
    *[("dt_s", bad) for bad in (0, -1, NAN, [1, 2])],
    *[("sigma_um", bad) for bad in (-1, NAN, "small")],
    *[("blur", bad) for bad in (-0.1, 0.3, NAN)],
]


@pytest.mark.parametrize(("name", "bad"), [*BAD, ("ndim", 0), ("ndim", 2.0)])
def test_every_bound_refuses_bad_input_by_name(name, bad):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        cramer_rao(**{**GOOD, name: bad})
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        fit_msd_spread(**{**GOOD, "lags": (1, 2), name: bad})
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        cve_spread(**{**GOOD, name: bad})
    if name != "ndim":
        with pytest.raises(ValueError, match=rf"^{name} must be"):
            displacement_covariance(**{**GOOD, "blur": 0, name: bad})


def test_two_unknowns_need_three_frames():
    for bound in (cramer_rao, cve_spread):
        assert bound(1, 2, DT, 0.05, sigma_known=True)
        with pytest.raises(ValueError, match=r"^n_frames must be"):
            bound(1, 2, DT, 0.05, sigma_known=False)
    with pytest.raises(ValueError, match=r"^lags must be"):
        fit_msd_spread(1, 4, DT, 0.05, (1, 4))


def test_what_is_public_exists():
    assert all(hasattr(bounds, name) for name in bounds.__all__)
    assert all(hasattr(estimators, name) for name in estimators.__all__)
    assert all(hasattr(brownian, name) for name in brownian.__all__)
