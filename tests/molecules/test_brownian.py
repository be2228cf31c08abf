import numpy as np
import pandas as pd
import pytest
import trackpy  # the oracle
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers.molecules import brownian

DT = 0.01


def table(track):
    return pd.DataFrame({"x": track[:, 0], "y": track[:, 1], "frame": range(len(track)), "particle": 0})


# ---- paths ----


@pytest.mark.parametrize(("n_sub", "ndim"), [(1, 1), (10, 2), (4, 3)])
def test_every_sub_step_has_variance_2_D_dt_over_n_on_every_axis(n_sub, ndim):
    D = 1.7
    tracks = brownian.simulate_tracks(D, 4000, 5, DT, n_sub, ndim, np.random.default_rng(1))
    assert tracks.shape == (4000, 5, n_sub, ndim)
    path = np.concatenate([np.zeros((4000, 1, ndim)), tracks.reshape(4000, -1, ndim)], axis=1)
    steps = np.diff(path, axis=1)  # continuous across frames, and 0 before the first step
    expected = 2 * D * DT / n_sub
    n = steps[..., 0].size
    assert np.allclose(steps.var(axis=(0, 1)), expected, rtol=5 * np.sqrt(2 / n))
    assert abs(steps.mean()) < 5 * np.sqrt(expected / (n * ndim))
    for place in (0, 1, n_sub % steps.shape[1], -1):  # also the step from frame to frame
        assert steps[:, place].var() == pytest.approx(expected, rel=5 * np.sqrt(2 / (4000 * ndim)))
    flat = steps.reshape(4000, -1)
    assert abs(np.corrcoef(flat, rowvar=False) - np.eye(flat.shape[1])).max() < 5 / np.sqrt(4000)


def test_the_variance_of_the_place_grows_as_2_D_t():
    tracks = brownian.simulate_tracks(0.5, 4000, 8, 0.02, 5, 2, np.random.default_rng(2)).reshape(4000, -1, 2)
    time = np.arange(1, 41) * 0.02 / 5
    assert np.allclose(tracks.var(axis=0) / (2 * 0.5 * time[:, None]), 1, atol=5 * np.sqrt(2 / 4000))


def test_every_track_has_its_own_D():
    D = np.array([0.1, 1.0, 10.0])
    long = brownian.simulate_tracks(D, 3, 4000, DT, 1, 2, np.random.default_rng(3))[:, :, 0]
    assert np.allclose(np.diff(long, axis=1).var(axis=(1, 2)) / (2 * D * DT), 1, atol=5 * np.sqrt(2 / 8000))
    one = brownian.simulate_tracks(1.0, 3, 6, rng=np.random.default_rng(4))
    each = brownian.simulate_tracks(D, 3, 6, rng=np.random.default_rng(4))
    assert np.allclose(each, one * np.sqrt(D).reshape(-1, 1, 1, 1))  # the same kicks, each scaled


def test_a_seed_gives_the_same_paths_and_another_one_others():
    a, b, c = (brownian.simulate_tracks(1, 2, rng=np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(a, b)
    assert not np.isclose(a, c).any()
    assert a.shape == (2, 16, 10, 2)
    assert not np.array_equal(brownian.simulate_tracks(1, 2), brownian.simulate_tracks(1, 2))


def test_a_frame_sees_the_mean_of_its_sub_positions():
    tracks = np.arange(2 * 3 * 4 * 2.0).reshape(2, 3, 4, 2)
    expected = [[np.mean(tracks[i, t], axis=0) for t in range(3)] for i in range(2)]
    assert np.array_equal(brownian.frame_positions(tracks), expected)
    assert np.array_equal(brownian.frame_positions(tracks[0]), expected[0])


@pytest.mark.parametrize("n_sub", [1, 2, 3, 10])
def test_displacements_of_frame_means_follow_the_blur_coefficient(n_sub):
    """Var = 2 D dt (1 - 2 R) + 2 s^2, covariance of neighbours 2 R D dt - s^2, with R = (1 - 1/n^2) / 6."""
    D, sigma, n = 2.0, 0.1, 40_000
    rng = np.random.default_rng(7)
    seen = brownian.observe(brownian.simulate_tracks(D, n, 4, DT, n_sub, rng=rng), sigma, rng)
    assert seen.shape == (n, 4, 2)
    steps = np.diff(seen, axis=1)
    R = (1 - 1 / n_sub**2) / 6
    variance = 2 * D * DT * (1 - 2 * R) + 2 * sigma**2
    error = 5 * variance / np.sqrt(2 * n)
    assert steps[:, 1].var() == pytest.approx(variance, abs=error * np.sqrt(2))
    assert (steps[:, 0] * steps[:, 1]).mean() == pytest.approx(2 * R * D * DT - sigma**2, abs=error)
    assert (steps[:, 0] * steps[:, 2]).mean() == pytest.approx(0, abs=error)


@pytest.mark.parametrize("n_sub", [1, 2, 5, 10])
@pytest.mark.parametrize("steps_per_frame", [10, 20])
def test_blur_coefficient_is_exact_for_any_shutter(n_sub, steps_per_frame):
    """R D dt = minus the covariance that a frame's mean adds between its two neighbouring displacements, over 2."""
    shutter = n_sub / steps_per_frame  # the first n_sub of the equally spaced positions of a frame are averaged
    kicks = 3 * steps_per_frame
    walk = np.tril(np.ones((kicks, kicks)))  # position after each kick, as a function of the kicks
    means = np.stack([walk[f * steps_per_frame : f * steps_per_frame + n_sub].mean(axis=0) for f in range(3)])
    first, second = np.diff(means, axis=0)  # of unit kicks: 2 D dt = steps_per_frame
    assert first @ second / steps_per_frame == pytest.approx(brownian.blur_coefficient(n_sub, shutter))
    assert first @ first / steps_per_frame == pytest.approx(1 - 2 * brownian.blur_coefficient(n_sub, shutter))


def test_blur_coefficient_has_its_limits():
    assert brownian.blur_coefficient(10) == pytest.approx(0.165)
    assert brownian.blur_coefficient(1) == 0
    assert brownian.blur_coefficient() == brownian.blur_coefficient(None) == pytest.approx(1 / 6)
    assert brownian.blur_coefficient(shutter=0.5) == pytest.approx(1 / 12)
    assert brownian.blur_coefficient(10**6) == pytest.approx(1 / 6)


# ---- MSD ----


@given(velocity=hnp.arrays(float, 2, elements=st.floats(-3, 3)), n_frames=st.integers(2, 20))
def test_a_straight_flight_has_the_msd_of_its_distance(velocity, n_frames):
    positions = velocity * DT * np.arange(n_frames)[:, None] + 7
    lag = np.arange(1, n_frames)
    assert np.allclose(brownian.msd(positions), (velocity @ velocity) * (lag * DT) ** 2, atol=1e-12)


@given(positions=hnp.arrays(float, (3, 9, 2), elements=st.floats(-5, 5)), lost=hnp.arrays(bool, (3, 9)))
def test_msd_is_the_mean_over_all_overlapping_pairs_that_are_seen(positions, lost):
    positions = np.where(lost[..., None], np.nan, positions)
    curve = brownian.msd(positions, 5)
    assert curve.shape == (3, 5)
    for i, track in enumerate(positions):
        for k in range(1, 6):
            pairs = [((track[j + k] - track[j]) ** 2).sum() for j in range(9 - k) if not lost[i, [j, j + k]].any()]
            expected = np.mean(pairs) if pairs else np.nan
            assert np.isclose(curve[i, k - 1], expected, atol=1e-12, equal_nan=True)


def test_tracks_of_a_batch_do_not_see_each_other():
    rng = np.random.default_rng(8)
    positions = rng.normal(size=(4, 3, 7, 3))
    one_by_one = [[brownian.msd(track) for track in row] for row in positions]
    assert np.allclose(brownian.msd(positions), one_by_one)
    assert brownian.msd(positions).shape == (4, 3, 6)
    assert np.allclose(brownian.msd(positions, 2), brownian.msd(positions)[..., :2])
    assert np.allclose(brownian.msd(positions), sum(brownian.msd(positions[..., [axis]]) for axis in range(3)))


def test_a_half_lost_place_is_a_lost_place():
    positions = np.cumsum(np.ones((6, 2)), axis=0)
    positions[2, 0] = np.nan
    assert np.allclose(brownian.msd(positions), 2 * np.arange(1, 6) ** 2)


def test_trackpy_finds_the_same_msd():
    tracks = brownian.simulate_tracks(1, 3, 40, rng=np.random.default_rng(9))
    positions = brownian.observe(tracks, 0.05, np.random.default_rng(10))
    ours = brownian.msd(positions, 20)
    for track, curve in zip(positions, ours, strict=True):
        theirs = trackpy.motion.msd(table(track), mpp=1, fps=1 / DT, max_lagtime=20)["msd"]
        assert np.allclose(curve, theirs, rtol=1e-9)
    many = [table(track).assign(particle=i) for i, track in enumerate(positions)]
    together = pd.concat(many)
    single = trackpy.motion.imsd(together, mpp=1, fps=1 / DT, max_lagtime=20)
    assert np.allclose(ours.T, single.to_numpy(), rtol=1e-9)
    mean = trackpy.motion.emsd(together, mpp=1, fps=1 / DT, max_lagtime=20)
    assert np.allclose(ours.mean(axis=0), mean.to_numpy(), rtol=1e-9)  # all tracks are equally long


def test_trackpy_finds_the_same_msd_of_a_track_with_lost_frames():
    positions = brownian.observe(brownian.simulate_tracks(1, 1, 30, rng=np.random.default_rng(11)), 0)[0]
    positions[[3, 4, 11, 20]] = np.nan
    theirs = trackpy.motion.msd(table(positions).dropna(), mpp=1, fps=1, max_lagtime=10, detail=False)["msd"]
    assert np.allclose(brownian.msd(positions, 10), theirs, rtol=1e-9)


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(("sigma", "n_sub"), [(0.0, 1), (0.1, 10)])
def test_msd_of_walkers_lies_on_the_line_of_theory(ndim, sigma, n_sub):
    D, n, lags = 1.5, 20_000, np.arange(1, 6)
    rng = np.random.default_rng(12)
    positions = brownian.observe(brownian.simulate_tracks(D, n, 6, DT, n_sub, ndim, rng), sigma, rng)
    curves = brownian.msd(positions)
    theory = brownian.msd_theory(D, lags * DT, DT, sigma, brownian.blur_coefficient(n_sub), ndim)
    assert np.all(np.abs(curves.mean(axis=0) - theory) < 5 * curves.std(axis=0) / np.sqrt(n))


def test_theory_in_closed_form():
    assert brownian.msd_theory(1, 1, 1, 0, 0, 2) == 4
    assert brownian.msd_theory(1, 1, 1, 0, 0, 3) == 6
    assert brownian.msd_theory(2, 3, 1, 0.5, 1 / 6, 1) == pytest.approx(2 * (2 * (3 - 1 / 3) + 0.25))


@given(n_frames=st.integers(4, 30), intercept=st.booleans(), data=st.data())
def test_slope_weights_are_those_of_least_squares(n_frames, intercept, data):
    lags = data.draw(st.sets(st.integers(1, n_frames - 1), min_size=2))
    curve = data.draw(hnp.arrays(float, len(lags), elements=st.floats(-5, 5)))
    k, weight = brownian.slope_weights(lags, n_frames, intercept)
    assert k.tolist() == sorted(lags)
    design = np.stack([k, np.ones(len(k))][: 1 + intercept], axis=1).astype(float)
    assert weight @ curve == pytest.approx(np.linalg.lstsq(design, curve, rcond=None)[0][0], abs=1e-9)


def test_a_number_of_lags_means_the_first_ones():
    assert brownian.slope_weights(3, 10)[0].tolist() == [1, 2, 3]
    assert brownian.slope_weights(np.int64(3), 10)[0].tolist() == [1, 2, 3]
    assert brownian.slope_weights((3, 1, 3), 10)[0].tolist() == [1, 3]


# ---- bad input ----

NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        *[({"D_um2_s": bad}, "D_um2_s") for bad in (0, -1, NAN, [1, 2], [[1, 1, 1]], "fast", None)],
        *[({"n_tracks": bad}, "n_tracks") for bad in (0, -1, 1.5, None, True)],
        *[({"n_frames": bad}, "n_frames") for bad in (0, 2.0)],
        *[({"n_sub": bad}, "n_sub") for bad in (0, "10")],
        *[({"ndim": bad}, "ndim") for bad in (0, 2.5)],
        *[({"dt_s": bad}, "dt_s") for bad in (0, -0.01, NAN, float("inf"), [0.01, 0.02])],
    ],
)
def test_paths_refuse_bad_input_by_name(changes, name):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        brownian.simulate_tracks(**{"D_um2_s": 1, "n_tracks": 3, **changes})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: brownian.blur_coefficient(0), "n_sub"),
        (lambda: brownian.blur_coefficient(1.5), "n_sub"),
        (lambda: brownian.blur_coefficient(10, 0), "shutter"),
        (lambda: brownian.blur_coefficient(10, 1.01), "shutter"),
        (lambda: brownian.blur_coefficient(10, NAN), "shutter"),
        (lambda: brownian.check_blur(0.26), "blur"),
        (lambda: brownian.check_blur(-0.01), "blur"),
        (lambda: brownian.check_blur([0.1, 0.1]), "blur"),
        (lambda: brownian.frame_positions(np.zeros((3, 2))), "tracks_um"),
        (lambda: brownian.frame_positions("track"), "tracks_um"),
        (lambda: brownian.observe(np.zeros((3, 2, 2)), -1), "sigma_um"),
        (lambda: brownian.observe(np.zeros((3, 2, 2)), [1, 2]), "sigma_um"),
        (lambda: brownian.msd(np.zeros(5)), "positions_um"),
        (lambda: brownian.msd(np.zeros((1, 2))), "positions_um"),
        (lambda: brownian.msd([[0, 0], [np.inf, 0]]), "positions_um"),
        (lambda: brownian.msd([[0, 0], [1]]), "positions_um"),
        (lambda: brownian.msd(np.zeros((5, 2)), 5), "max_lag"),
        (lambda: brownian.msd(np.zeros((5, 2)), 0), "max_lag"),
        (lambda: brownian.msd(np.zeros((5, 2)), 1.0), "max_lag"),
    ],
)
def test_bad_input_is_refused_by_name(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        call()


@pytest.mark.parametrize("lags", [0, 1, 10, -1, (), (1,), (0, 1), (1, 10), (1.5, 2.5), "12", None, (1, None), 2.0])
def test_lags_must_fit_into_the_track(lags):
    with pytest.raises(ValueError, match=r"^lags must be at least 2 different whole numbers from 1 to 9"):
        brownian.slope_weights(lags, 10, intercept=True)


def test_the_intercept_is_there_or_not():
    assert brownian.slope_weights(1, 10, intercept=False)[1].tolist() == [1]
    with pytest.raises(ValueError, match=r"^intercept must be one of True, False"):
        brownian.slope_weights(2, 10, intercept="no")
