import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import fft, stats
from scipy.optimize import minimize, minimize_scalar

from helpers.molecules import bounds, brownian, estimators
from helpers.molecules.estimators import bayes_mean, cve, fit_msd, mle, modes

DT = 0.01
NAN = float("nan")
WIDE = estimators.log_uniform_prior(1e-3, 1e3, 200)
ALL = {
    "fit_msd": fit_msd,
    "fit_msd_origin": lambda p, dt, valid=None: fit_msd(p, dt, lags=4, intercept=False, valid=valid),
    "cve": cve,
    "cve_known": lambda p, dt, valid=None: cve(p, dt, sigma_um=0.05, valid=valid),
    "mle": mle,
    "mle_known": lambda p, dt, valid=None: mle(p, dt, sigma_um=0.05, valid=valid),
    "bayes_mean": lambda p, dt, valid=None: bayes_mean(p, dt, WIDE, valid=valid),
    "bayes_mean_known": lambda p, dt, valid=None: bayes_mean(p, dt, WIDE, sigma_um=0.05, valid=valid),
}
every = pytest.mark.parametrize("estimate", ALL.values(), ids=ALL.keys())


def tracks(n=6, n_frames=16, D=1.0, sigma=0.05, n_sub=10, ndim=2, seed=0):
    rng = np.random.default_rng(seed)
    return brownian.observe(brownian.simulate_tracks(D, n, n_frames, DT, n_sub, ndim, rng), sigma, rng)


def lose(positions, seed=0, share=0.15):
    """Return the frames that are seen of each track, and positions with NaN in the others."""
    valid = np.random.default_rng(seed).random(positions.shape[:-1]) > share
    return valid, np.where(valid[..., None], positions, NAN)


def position_covariance(frames, D, sigma, blur):
    """Return the covariance of the positions seen in ``frames``, up to the arbitrary start, from the MSD alone.

    Cov(r_a, r_b) = (V_a + V_b - MSD(b - a)) / 2 for any V; MSD(tau) = 2 D (tau - 2 R dt) + 2 sigma^2 per axis.
    """
    lag = np.abs(np.subtract.outer(frames, frames))
    msd = np.where(lag == 0, 0.0, 2 * D * DT * (lag - 2 * blur) + 2 * sigma**2)
    return 100 * D * DT - msd / 2


def log_likelihood(track, D, sigma, blur):
    """Return log p of the displacements between the frames that are seen: a multivariate normal, nothing clever."""
    frames = np.flatnonzero(np.isfinite(track[:, 0]))
    difference = np.diff(np.eye(frames.size), axis=0)
    covariance = difference @ position_covariance(frames, D, sigma, blur) @ difference.T
    steps = np.diff(track[frames], axis=0)
    return sum(stats.multivariate_normal(cov=covariance).logpdf(axis) for axis in steps.T)


# ---- every estimator ----


@every
def test_one_answer_per_track_that_depends_on_that_track_alone(estimate):
    positions = tracks(5)
    together = estimate(positions, DT)
    assert together.shape == (5,)
    assert together.dtype == float
    assert np.allclose(together, [estimate(positions[[i]], DT)[0] for i in range(5)], rtol=1e-6)
    assert np.allclose(estimate(positions[::-1], DT), together[::-1], rtol=1e-6)


@every
def test_rotation_translation_mirror_and_time_reversal_change_nothing(estimate):
    positions = tracks()
    turn = np.array([[np.cos(1.1), -np.sin(1.1)], [np.sin(1.1), np.cos(1.1)]])
    expected = estimate(positions, DT)
    for moved in (positions @ turn.T, positions + np.array([3.0, -8.0]), positions[:, ::-1], positions * [1, -1]):
        assert np.allclose(estimate(moved, DT), expected, rtol=1e-6)


@every
@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_time_runs_faster_and_D_with_it(estimate, factor):
    """D dt is what a track shows: with sigma and lengths fixed, dt -> f dt makes D -> D / f."""
    positions = tracks()
    if estimate in (ALL["bayes_mean"], ALL["bayes_mean_known"]):  # their prior holds D: it moves along
        prior = estimators.Prior(WIDE.D_um2_s / factor, WIDE.weight)
        moved = bayes_mean(positions, DT * factor, prior), bayes_mean(positions, DT, WIDE) / factor
        assert np.allclose(*moved, rtol=1e-6)
        return
    assert np.allclose(estimate(positions, DT * factor), estimate(positions, DT) / factor, rtol=1e-6)


@pytest.mark.parametrize("s", [1e-3, 0.5, 1e3])
def test_lengths_scale_and_D_with_their_square(s):
    """So that nm in place of um gives nm2/s, whatever the estimator."""
    positions, prior = tracks(), estimators.uniform_prior(0.1, 5)
    scaled = estimators.Prior(prior.D_um2_s * s**2, prior.weight)
    pairs = [
        (fit_msd(s * positions, DT), fit_msd(positions, DT)),
        (fit_msd(s * positions, DT, 5, False), fit_msd(positions, DT, 5, False)),
        (cve(s * positions, DT), cve(positions, DT)),
        (cve(s * positions, DT, sigma_um=s * 0.05), cve(positions, DT, sigma_um=0.05)),
        (mle(s * positions, DT), mle(positions, DT)),
        (mle(s * positions, DT, sigma_um=s * 0.05), mle(positions, DT, sigma_um=0.05)),
        (bayes_mean(s * positions, DT, scaled), bayes_mean(positions, DT, prior)),
        (bayes_mean(s * positions, DT, scaled, sigma_um=s * 0.05), bayes_mean(positions, DT, prior, sigma_um=0.05)),
    ]
    for ours, reference in pairs:
        assert np.allclose(ours, s**2 * reference, rtol=1e-5)


@every
def test_lost_frames_may_hold_anything_and_a_full_mask_is_no_mask(estimate):
    positions = tracks()
    assert np.array_equal(estimate(positions, DT, valid=np.ones((6, 16), bool)), estimate(positions, DT))
    valid, gone = lose(positions)
    expected = estimate(gone, DT, valid=valid)
    assert np.isfinite(expected).all()
    assert np.array_equal(estimate(np.where(valid[..., None], positions, 1e6), DT, valid=valid), expected)
    assert np.array_equal(estimate(np.where(valid[..., None], positions, np.inf), DT, valid=valid), expected)
    assert not np.isclose(expected, estimate(positions, DT), rtol=1e-6).all(), "the mask has no effect"


@every
def test_a_track_that_ends_early_is_a_short_track(estimate):
    positions, valid = tracks(), np.arange(16) < 9
    cut = estimate(positions, DT, valid=np.broadcast_to(valid, (6, 16)))
    assert np.allclose(cut, estimate(positions[:, :9], DT), rtol=1e-6)


@every
def test_lost_frames_do_not_shift_the_estimate(estimate):
    """The median stays near the truth with 15 % of the frames lost (the estimates are skewed)."""
    positions = tracks(1200, D=1.0, seed=4)
    valid, gone = lose(positions, 5)
    assert np.nanmedian(estimate(gone, DT, valid=valid)) == pytest.approx(1, abs=0.2)


@every
def test_a_track_without_steps_has_no_D_but_stops_no_other(estimate):
    positions = tracks(3)
    valid = np.ones((3, 16), bool)
    valid[1] = False
    valid[1, 4] = True
    D = estimate(positions, DT, valid=valid)
    if estimate in (ALL["bayes_mean"], ALL["bayes_mean_known"]):
        assert D[1] == pytest.approx(WIDE.D_um2_s @ WIDE.weight)
    else:
        assert np.isnan(D[1])
    assert np.allclose(D[[0, 2]], estimate(positions[[0, 2]], DT), rtol=1e-6)


@every
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_any_number_of_axes(estimate, ndim):
    positions = tracks(1200, D=1.0, ndim=ndim, seed=ndim)
    assert np.median(estimate(positions, DT)) == pytest.approx(1, abs=0.25)
    if ndim == 2:  # each axis twice says nothing new to an average over axes
        doubled = np.concatenate([positions, positions], axis=-1)[:20]
        if estimate not in (ALL["bayes_mean"], ALL["bayes_mean_known"]):
            assert np.allclose(estimate(doubled, DT), estimate(positions[:20], DT), rtol=1e-5)


# ---- MSD line ----


@given(slope=st.floats(0.1, 9), velocity=st.floats(0.1, 5), lags=st.sets(st.integers(1, 7), min_size=2))
def test_the_line_through_a_curve_is_the_line_of_least_squares(slope, velocity, lags):
    positions = velocity * np.arange(8.0)[:, None] * [[1, slope]]
    curve = velocity**2 * (1 + slope**2) * np.array(sorted(lags), float) ** 2
    k = np.array(sorted(lags), float)
    free = np.polyfit(k * DT, curve, 1)[0] / 4
    origin = (k * DT) @ curve / ((k * DT) @ (k * DT)) / 4
    assert fit_msd(positions, DT, lags) == pytest.approx(free)
    assert fit_msd(positions, DT, lags, intercept=False) == pytest.approx(origin)


@pytest.mark.parametrize(("intercept", "offset"), [(True, 0.0), (True, 0.3), (False, 0.0)])
def test_an_exact_line_gives_its_exact_slope(monkeypatch, intercept, offset):
    line = 4 * 2.5 * DT * np.arange(1, 9) + offset
    monkeypatch.setattr(estimators, "msd", lambda _, max_lag: line[:max_lag])
    for lags in ((1, 2), 8, (2, 5, 7), {1, 8}):
        assert fit_msd(np.zeros((9, 2)), DT, lags, intercept) == pytest.approx(2.5)


def test_through_the_origin_an_offset_counts_as_slope(monkeypatch):
    line = 4 * 2.5 * DT * np.arange(1, 9) + 0.3
    monkeypatch.setattr(estimators, "msd", lambda _, max_lag: line[:max_lag])
    assert fit_msd(np.zeros((9, 2)), DT, (1,), False) == pytest.approx(2.5 + 0.3 / (4 * DT))


def test_a_lag_without_pairs_gives_no_number():
    valid = np.ones((1, 6), bool)
    valid[0, 1::2] = False
    assert np.isnan(fit_msd(tracks(1, 6), DT, (1, 2), valid=valid)[0])
    assert np.isfinite(fit_msd(tracks(1, 6), DT, (2, 4), valid=valid)[0])


def test_two_lags_with_intercept_are_nearly_the_cve():
    """The slope between lags 1 and 2 is <d d'> + (<d^2>)/2 but for the ends of the track."""
    long = tracks(1, 20_000)
    assert fit_msd(long, DT, (1, 2)) == pytest.approx(cve(long, DT), rel=0.01)


# ---- CVE ----


def test_cve_in_numbers():
    positions = np.array([[0.0, 0], [1, 0], [3, 0], [4, 2]])  # steps (1,0) (2,0) (1,2)
    square, product = (1 + 4 + 1 + 4) / 6, (2 + 2 + 0) / 4
    assert cve(positions, 0.5) == pytest.approx(square / 1 + product / 0.5)
    assert cve(positions, 0.5, sigma_um=0.3) == pytest.approx((square - 0.18) / (2 * (2 / 3) * 0.5))
    assert cve(positions, 0.5, blur=0, sigma_um=0) == pytest.approx(square / (2 * 0.5))
    assert cve(positions, 0.5, blur=0.25) == cve(positions, 0.5)  # needs no R where sigma is unknown


@pytest.mark.parametrize("sigma_known", [True, False])
@pytest.mark.parametrize(("sigma", "n_sub"), [(0.0, 1), (0.05, 10), (0.1, 10), (0.2, 2)])
def test_cve_is_unbiased_and_spreads_as_theory_says(sigma, n_sub, sigma_known):
    n, blur = 20_000, brownian.blur_coefficient(n_sub)
    D = cve(tracks(n, sigma=sigma, n_sub=n_sub, seed=1), DT, blur, sigma if sigma_known else None)
    theory = bounds.cve_spread(1.0, 16, DT, sigma, sigma_known, blur)
    assert theory.mean == pytest.approx(1)
    assert D.mean() == pytest.approx(1, abs=4 * theory.sd / np.sqrt(n))
    assert D.std() == pytest.approx(theory.sd, rel=0.05)
    assert D.std() >= 0.97 * bounds.cramer_rao(1.0, 16, DT, sigma, blur, sigma_known=sigma_known)


def test_cve_with_lost_frames_stays_unbiased():
    positions = tracks(20_000, seed=2)
    valid, gone = lose(positions, 3)
    for sigma in (None, 0.05):
        D = cve(gone, DT, 0.165, sigma, valid)
        D = D[np.isfinite(D)]
        assert D.mean() == pytest.approx(1, abs=4 * D.std() / np.sqrt(D.size))


def test_every_track_may_have_its_own_sigma():
    positions, sigma = tracks(4), np.array([0.0, 0.02, 0.05, 0.1])
    for estimate in (cve, mle):
        one_by_one = [estimate(positions[[i]], DT, sigma_um=s)[0] for i, s in enumerate(sigma)]
        assert np.allclose(estimate(positions, DT, sigma_um=sigma), one_by_one, rtol=1e-6)


# ---- modes ----


@given(positions=hnp.arrays(float, (3, 9, 2), elements=st.floats(-5, 5)))
def test_modes_of_a_full_track_are_its_sine_transform(positions):
    split = modes(positions)
    amplitude = fft.dst(np.diff(positions, axis=1), type=1, norm="ortho", axis=1)
    assert np.allclose(split.square, (amplitude**2).mean(axis=-1), atol=1e-9)
    assert np.allclose(split.lam, 2 - 2 * np.cos(np.pi * np.arange(1, 9) / 9))
    assert split.used.all()
    assert split.ndim == 2


@given(positions=hnp.arrays(float, (4, 9, 3), elements=st.floats(-5, 5)), valid=hnp.arrays(bool, (4, 9)))
def test_modes_keep_the_sum_of_squares_of_the_steps_per_gap(positions, valid):
    split = modes(positions, valid)
    for track, seen, square, used in zip(positions, valid, split.square, split.used, strict=True):
        frames = np.flatnonzero(seen)
        steps = np.diff(track[frames], axis=0)
        assert used.sum() == max(frames.size - 1, 0)
        expected = ((steps**2).sum(axis=1) / np.diff(frames)).sum() / 3
        assert (square * used).sum() == pytest.approx(expected, abs=1e-9)
        assert np.isfinite(square).all()


@pytest.mark.parametrize("lost", [[], [3], [1, 2, 6], [0, 8]])
def test_modes_are_independent_with_the_variance_they_claim(lost):
    """Through the covariance itself: the transform must make it diagonal, whatever D, sigma and R."""
    frames = np.setdiff1d(np.arange(9), lost)
    eigenvalues, transform = estimators._diagonalise(np.diff(frames))
    difference = np.diff(np.eye(frames.size), axis=0)
    for D, sigma, blur in itertools.product([0.5, 3.0], [0.0, 0.2], [0.0, 1 / 6]):
        covariance = difference @ position_covariance(frames, D, sigma, blur) @ difference.T
        diagonal = transform.T @ covariance @ transform
        split = estimators.Modes(np.zeros(0), eigenvalues, np.zeros(0), 2)
        assert np.allclose(diagonal, np.diag(split.variance(D * DT, sigma**2, blur)), atol=1e-12)
        if not lost:
            assert np.allclose(covariance, bounds.displacement_covariance(D, 9, DT, sigma, blur), atol=1e-12)


# ---- maximum likelihood ----


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_likelihood_is_that_of_a_multivariate_normal(share):
    positions = tracks(4, 10, seed=6)
    valid, gone = lose(positions, 1, share)
    split = modes(gone, valid)
    points = [(0.5, 0.02, 0.0), (1.0, 0.05, 0.165), (4.0, 0.2, 1 / 6), (2.0, 0.0, 0.1)]
    ours = np.stack([-estimators._cost(split, split.variance(D * DT, s**2, R)) for D, s, R in points], axis=1)
    brute = np.array([[log_likelihood(track, *point) for point in points] for track in gone])
    constant = (ours - brute)[:, :1]  # may differ from track to track, not from D to D
    assert np.allclose(ours - brute, constant, atol=1e-8)


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.2])
def test_mle_is_the_maximum_of_the_brute_force_likelihood(share, sigma):
    positions = tracks(5, 12, sigma=sigma, seed=7)
    valid, gone = lose(positions, 2, share)
    D = mle(gone, DT, 0.165, sigma, valid)
    for track, ours in zip(gone, D, strict=True):

        def cost(log_D, track=track):
            return -log_likelihood(track, np.exp(log_D), sigma, 0.165)

        start = min(np.linspace(-5, 4, 37), key=cost)
        best = minimize_scalar(cost, bounds=(start - 0.3, start + 0.3), method="bounded", options={"xatol": 1e-7})
        assert cost(np.log(ours)) <= best.fun + 1e-6
        if start > -4:
            assert np.log(ours) == pytest.approx(best.x, abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_mle_with_unknown_sigma_is_the_maximum_over_both(share):
    positions = tracks(6, 14, sigma=0.1, seed=8)
    valid, gone = lose(positions, 3, share)
    D = mle(gone, DT, 0.165, valid=valid)
    for track, ours in zip(gone, D, strict=True):

        def cost(p, track=track):
            return -log_likelihood(track, np.exp(p[0]), np.exp(p[1]), 0.165)

        starts = [(0, -3), (0, -9), (-2, -2), (1, -2.5)]
        best = min((minimize(cost, start, method="Nelder-Mead") for start in starts), key=lambda r: r.fun)
        profile = minimize_scalar(lambda s: cost((np.log(ours), s)), bounds=(-12, 1), method="bounded")  # noqa: B023
        assert profile.fun <= best.fun + 1e-4
        if best.x[0] > -3:
            assert ours == pytest.approx(np.exp(best.x[0]), rel=0.02)


@given(positions=hnp.arrays(float, (2, 8, 2), elements=st.floats(-5, 5)))
@settings(max_examples=30)
def test_without_error_and_blur_the_mle_is_the_mean_square(positions):
    expected = (np.diff(positions, axis=1) ** 2).sum(axis=(1, 2)) / (7 * 2 * 2 * DT)
    D = mle(positions, DT, blur=0, sigma_um=0)
    assert np.allclose(D[expected > 1e-9], expected[expected > 1e-9], rtol=1e-6)


def test_gaps_without_error_and_blur_count_by_their_length():
    positions, valid = tracks(1, 6), np.array([[True, False, False, True, True, True]])
    p = positions[0]
    expected = (((p[3] - p[0]) ** 2).sum() / 3 + ((p[4] - p[3]) ** 2).sum() + ((p[5] - p[4]) ** 2).sum()) / (3 * 4 * DT)
    assert mle(positions, DT, 0, 0, valid) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("sigma", "known"), [(0.0, True), (0.05, True), (0.1, True), (0.05, False), (0.1, False)])
def test_mle_reaches_the_bound_on_long_tracks(sigma, known):
    n, n_frames = 1500, 96
    D = mle(tracks(n, n_frames, sigma=sigma, seed=9), DT, 0.165, sigma if known else None)
    bound = bounds.cramer_rao(1.0, n_frames, DT, sigma, 0.165, sigma_known=known)
    assert D.mean() == pytest.approx(1, abs=0.02)
    assert D.std() == pytest.approx(bound, rel=0.05 + 2 / np.sqrt(2 * n))


def test_mle_spreads_as_the_bound_on_short_tracks_with_known_sigma():
    D = mle(tracks(6000, seed=10), DT, 0.165, 0.05)
    assert D.std() == pytest.approx(bounds.cramer_rao(1.0, 16, DT, 0.05, 0.165), rel=0.05)
    assert D.mean() == pytest.approx(1, abs=0.02)


def test_mle_needs_two_seen_frames_or_three():
    positions, valid = tracks(3, 6), np.zeros((3, 6), bool)
    valid[0, [0]], valid[1, [1, 4]], valid[2, [0, 1, 5]] = True, True, True
    assert np.isfinite(mle(positions, DT, sigma_um=0.01, valid=valid)).tolist() == [False, True, True]
    assert np.isfinite(mle(positions, DT, valid=valid)).tolist() == [False, False, True]


# ---- Bayes ----


def brute_mean(track, prior, sigma, blur):
    like = np.array([log_likelihood(track, D, sigma, blur) for D in prior.D_um2_s])
    posterior = np.exp(like - like.max()) * prior.weight
    return posterior @ prior.D_um2_s / posterior.sum()


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("make", [estimators.uniform_prior, estimators.log_uniform_prior])
def test_bayes_mean_is_the_brute_force_integral(make, share):
    positions, prior = tracks(4, 9, seed=11), make(0.2, 5, 40)
    valid, gone = lose(positions, 4, share)
    ours = bayes_mean(gone, DT, prior, 0.165, 0.05, valid)
    assert np.allclose(ours, [brute_mean(track, prior, 0.05, 0.165) for track in gone], rtol=1e-9)


def test_bayes_mean_with_unknown_sigma_averages_over_it():
    positions, prior = tracks(3, 9, seed=12), estimators.uniform_prior(0.2, 5, 20)
    ratios = np.geomspace(1e-3, 10, 24)
    for track, ours in zip(positions, bayes_mean(positions, DT, prior, 0.165), strict=True):
        like = [[log_likelihood(track, D, np.sqrt(r * D * DT), 0.165) for r in ratios] for D in prior.D_um2_s]
        weight = np.exp(like - np.max(like)).sum(axis=1) * prior.weight
        assert ours == pytest.approx(weight @ prior.D_um2_s / weight.sum(), rel=1e-9)


@given(s=st.floats(1e-3, 1e3), low=st.floats(0.1, 2), width=st.floats(0.1, 9))
@settings(max_examples=20)
def test_bayes_mean_stays_inside_the_prior(s, low, width):
    prior = estimators.uniform_prior(low, low + width, 64)
    for D in (bayes_mean(s * tracks(3), DT, prior, sigma_um=0.05), bayes_mean(s * tracks(3), DT, prior)):
        assert D.min() >= low
        assert D.max() <= low + width


def test_a_long_track_overrules_the_prior_and_a_blurred_one_leaves_it():
    prior = estimators.uniform_prior(0.1, 5, 512)
    long = tracks(3, 800, seed=13)
    assert np.allclose(bayes_mean(long, DT, prior, 0.165, 0.05), mle(long, DT, 0.165, 0.05), rtol=0.01)
    noisy = bayes_mean(tracks(3, sigma=50, seed=14), DT, prior, 0.165, 50)
    assert np.allclose(noisy, prior.D_um2_s @ prior.weight, rtol=0.01)


def test_nothing_has_a_smaller_mean_square_error_under_its_prior():
    rng = np.random.default_rng(15)
    D = rng.uniform(0.5, 5, 3000)
    positions = brownian.observe(brownian.simulate_tracks(D, 3000, rng=rng), 0.05, rng)
    prior = estimators.uniform_prior(0.5, 5)
    bayes = bayes_mean(positions, DT, prior, 0.165, 0.05)
    error = ((bayes - D) ** 2).mean()
    for other in (mle(positions, DT, 0.165, 0.05), cve(positions, DT, 0.165, 0.05), 0.97 * bayes, 1.03 * bayes):
        assert error < ((other - D) ** 2).mean()
    assert (bayes - D).mean() == pytest.approx(0, abs=4 * (bayes - D).std() / np.sqrt(3000))


def test_priors_are_midpoints_of_equal_cells():
    flat, log = estimators.uniform_prior(1, 5, 4), estimators.log_uniform_prior(1, 16, 4)
    assert np.allclose(flat.D_um2_s, [1.5, 2.5, 3.5, 4.5])
    assert np.allclose(log.D_um2_s, 2 ** np.array([0.5, 1.5, 2.5, 3.5]))
    for prior in (flat, log, estimators.uniform_prior(1, 2)):
        assert prior.weight.sum() == pytest.approx(1)
        assert np.ptp(prior.weight) == 0


# ---- bad input ----

GOOD = np.cumsum(np.ones((2, 6, 2)), axis=1)


@every
@pytest.mark.parametrize(
    ("positions", "dt", "valid", "name"),
    [
        (np.zeros(6), DT, None, "positions_um"),
        (np.zeros((2, 1, 2)), DT, None, "positions_um"),
        ("track", DT, None, "positions_um"),
        ([[[0, 0], [1]]], DT, None, "positions_um"),
        (np.where(np.arange(6)[:, None] == 3, NAN, GOOD), DT, None, "positions_um"),
        (np.where(np.arange(6)[:, None] == 3, np.inf, GOOD), DT, None, "positions_um"),
        (np.full((2, 6, 2), NAN), DT, np.eye(2, 6, dtype=bool), "positions_um"),
        (GOOD, 0, None, "dt_s"),
        (GOOD, -DT, None, "dt_s"),
        (GOOD, NAN, None, "dt_s"),
        (GOOD, [DT, DT], None, "dt_s"),
        (GOOD, DT, np.ones((2, 5), bool), "valid"),
        (GOOD, DT, np.ones(6, bool), "valid"),
        (GOOD, DT, np.ones((2, 6)), "valid"),
    ],
)
def test_every_estimator_refuses_bad_input_by_name(estimate, positions, dt, valid, name):
    with pytest.raises(ValueError, match=rf"^{name} (must|holds)"):
        estimate(positions, dt, valid=valid)


@pytest.mark.parametrize("blur", [-0.01, 0.26, NAN, [0.1, 0.1], "none"])
@pytest.mark.parametrize("estimate", [cve, mle, lambda p, dt, blur: bayes_mean(p, dt, WIDE, blur)])
def test_blur_must_be_possible(estimate, blur):
    with pytest.raises(ValueError, match=r"^blur must be"):
        estimate(GOOD, DT, blur=blur)


@pytest.mark.parametrize("sigma", [-0.01, NAN, [0.1, 0.1, 0.1], [[0.1, 0.1]], "small"])
@pytest.mark.parametrize("estimate", [cve, mle, lambda p, dt, sigma_um: bayes_mean(p, dt, WIDE, 0, sigma_um)])
def test_sigma_must_be_possible(estimate, sigma):
    with pytest.raises(ValueError, match=r"^sigma_um must be"):
        estimate(GOOD, DT, sigma_um=sigma)


@pytest.mark.parametrize("lags", [0, 6, (1, 6), (0, 1), (), (1.5, 2), None])
def test_lags_must_fit(lags):
    with pytest.raises(ValueError, match=r"^lags must be"):
        fit_msd(GOOD, DT, lags=lags)


@pytest.mark.parametrize(
    "prior",
    [
        3,
        None,
        "flat",
        estimators.Prior(np.ones(3), np.ones(2)),
        estimators.Prior(np.array([0.0, 1]), np.ones(2)),
        estimators.Prior(np.ones(2), np.array([-1.0, 2])),
        estimators.Prior(np.ones(2), np.zeros(2)),
        estimators.Prior(np.ones(2), np.array([NAN, 1])),
    ],
)
def test_a_prior_must_be_one(prior):
    with pytest.raises(ValueError, match=r"^prior"):
        bayes_mean(GOOD, DT, prior)


@pytest.mark.parametrize("make", [estimators.uniform_prior, estimators.log_uniform_prior])
@pytest.mark.parametrize(
    ("values", "name"),
    [((0, 1), "low_um2_s"), ((-1, 1), "low_um2_s"), ((2, 1), "low_um2_s"), ((1, NAN), "high_um2_s"), ((1, 2, 0), "n")],
)
def test_a_prior_refuses_bad_limits(make, values, name):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        make(*values)


def test_modes_take_a_batch_of_tracks():
    with pytest.raises(ValueError, match=r"^positions_um must have shape \(n, T, ndim\)"):
        modes(GOOD[0])
    with pytest.raises(ValueError, match=r"^positions_um must have shape \(n, T, ndim\)"):
        mle(GOOD[None], DT)
