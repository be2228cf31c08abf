"""Precision: an error that is known is found from pairs, along each axis, beside dyes that are there by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.microgels import clouds, precision

NAN = float("nan")
ERROR_NM = np.array([18.0, 25.0, 51.0])


def gel(n, seed, temperature=53):
    return clouds.simulate(temperature, 1, np.random.default_rng(seed), n)[0]


def recordings(n_gels=8, n_dyes=1500, noise_nm=ERROR_NM, seed=0, **settings):
    rng = np.random.default_rng(seed)
    return [precision.record(gel(n_dyes, [seed, k]), noise_nm, rng, **settings) for k in range(n_gels)]


# ---- pairs ----


@given(
    frames=st.lists(st.integers(-3, 12), min_size=1, max_size=40),
    gap=st.integers(1, 5),
    seed=st.integers(0, 10**6),
)
def test_every_pair_that_is_a_gap_apart_is_there_once(frames, gap, seed):
    points = np.round(np.random.default_rng(seed).uniform(-100, 100, (len(frames), 3)), 1)
    expected = [points[j] - points[i] for i, a in enumerate(frames) for j, b in enumerate(frames) if b == a + gap]
    found = precision.successive(points, frames, gap)
    assert found.shape == (len(expected), 3)
    np.testing.assert_allclose(sorted(found.tolist()), sorted(np.reshape(expected, (-1, 3)).tolist()), atol=1e-12)


def test_a_pair_is_the_later_position_minus_the_earlier_one():
    points, frames = np.array([[7.0, 0, 1], [1.0, 0, 0], [2.0, 5, 0]]), np.array([11, 10, 13])
    np.testing.assert_array_equal(precision.successive(points, frames), [[6, 0, 1]])
    np.testing.assert_array_equal(precision.successive(points, frames, 2), [[-5, 5, -1]])
    np.testing.assert_array_equal(precision.successive(points, frames, 3), [[1, 5, 0]])
    assert precision.successive(points, frames, 4).shape == (0, 3)


# ---- the error ----


def stay_for_two_frames(distances):
    """One dye every 10 frames, at the origin, then at a distance: pairs by chance only where frames repeat."""
    distances = np.asarray(distances, float)
    points = np.zeros((2 * len(distances), 3))
    points[1::2] = distances[:, None] * [1, 2, -3]
    return points, np.repeat(10_000 * np.arange(len(distances)), 2) + np.tile([0, 1], len(distances))


@pytest.mark.parametrize(("distances", "median"), [([3], 3), ([3, -1, 2], 2), ([1, 2, -3, 4], 2), ([9, 1, 1], 1)])
def test_without_chance_it_is_the_median_distance_of_a_normal_law_of_twice_the_variance(distances, median):
    found = precision.localisation_error([stay_for_two_frames(distances)])
    assert found.chance.shape == (0, 3)
    np.testing.assert_allclose(found.sigma_nm, median * np.array([1, 2, 3]) / (0.674489750196 * np.sqrt(2)))


def test_pairs_by_chance_are_taken_off():
    """Near pairs of 1, 1, 1, 8, 9 nm; the four gaps hold four pairs of 8 nm, which is one among the near ones."""
    points, frames = stay_for_two_frames([1, 1, 1, 8, 9])
    random = np.array([[0, 0, 0], [8, 16, -24]])
    more = [(random, np.array([0, gap]) + 10**6) for gap in precision.GAPS]
    found = precision.localisation_error([(points, frames), *more])
    assert (len(found.near), len(found.chance)) == (5, 4)
    np.testing.assert_allclose(found.sigma_nm, np.array([1, 2, 3]) / (0.674489750196 * np.sqrt(2)))
    twice = precision.localisation_error([(points, frames), *more, *more, *more])  # 9 alone is left beside 1, 1, 1
    np.testing.assert_allclose(twice.sigma_nm, found.sigma_nm)
    bare = precision.localisation_error([stay_for_two_frames([1, 1, 8, 8, 9])])  # nothing taken off: 8 is the median
    assert bare.sigma_nm[0] == pytest.approx(8 * found.sigma_nm[0])


@pytest.mark.parametrize("temperature", [21, 53])
def test_a_known_error_is_found_along_each_axis(temperature):
    rng = np.random.default_rng(temperature)
    dyes = [gel(1500, [1, k], temperature) for k in range(8)]
    found = precision.localisation_error([precision.record(one, ERROR_NM, rng) for one in dyes])
    np.testing.assert_allclose(found.sigma_nm, ERROR_NM, rtol=0.05)  # a missing sqrt(2) makes 41 %
    assert len(found.near) > 20_000


def test_chance_must_be_taken_off_where_dyes_are_many():
    crowded = recordings(1, 12_000)
    found = precision.localisation_error(crowded)
    by_chance = len(found.chance) / len(precision.GAPS) / len(found.near)
    assert by_chance > 0.5
    np.testing.assert_allclose(found.sigma_nm, ERROR_NM, rtol=0.1)
    raw = np.median(np.abs(found.near), axis=0) / (0.6745 * np.sqrt(2))
    assert (raw > 1.15 * ERROR_NM).all()


def test_at_the_gaps_dyes_have_left():
    """Evenly spread dyes: as many pairs at a gap as two frames hold by chance, n^2 s^2 / T, and none of one dye."""
    rng, n, stay, n_frames = np.random.default_rng(5), 4000, 2.5, 20_000
    dyes = rng.uniform(-1e6, 1e6, (n, 3))  # so far apart that every near pair is of one dye
    found = precision.localisation_error([precision.record(dyes, 20.0, rng, n_frames, stay)])
    assert (np.abs(found.chance).max(axis=1) > 1000).all()
    expected = sum(n**2 * stay**2 / n_frames * (1 - gap / n_frames) for gap in precision.GAPS)
    assert len(found.chance) == pytest.approx(expected, rel=0.1)
    same = (np.abs(found.near).max(axis=1) < 1000).sum()
    assert same == pytest.approx(n * (stay - 1), rel=0.05)  # a stay of k frames holds k - 1 pairs


def test_places_units_and_order_do_not_matter():
    several = recordings(3, 800)
    sigma = precision.localisation_error(several).sigma_nm
    rng = np.random.default_rng(9)
    moved = []
    for points, frames in several:
        order = rng.permutation(len(frames))
        moved.append((points[order] * [2, 1, 0.5] + 4096.0, frames[order] + 77.0))
    np.testing.assert_allclose(precision.localisation_error(moved[::-1]).sigma_nm, sigma * [2, 1, 0.5], rtol=1e-9)


def test_an_error_that_stays_is_not_seen():
    """A wrong scale of 20 % and a shift of the stage are the same in both frames."""
    several = [(points * [1, 1.2, 1] + [0, 0, 500.0], frames) for points, frames in recordings(6)]
    np.testing.assert_allclose(precision.localisation_error(several).sigma_nm, ERROR_NM * [1, 1.2, 1], rtol=0.06)


# ---- the recording ----


def test_a_recording_is_made_of_stays():
    rng, dyes = np.random.default_rng(2), np.arange(60_000.0).reshape(20_000, 3)
    points, frames = precision.record(dyes, 0, rng, n_frames=500, mean_stay=2.5)
    who, first, stays = np.unique(points[:, 0], return_index=True, return_counts=True)
    assert len(who) == 20_000  # each dye is seen
    np.testing.assert_array_equal(np.unique(points, axis=0), dyes)  # no error: at its place
    assert (frames[first] < 500).all()
    assert frames[first].mean() == pytest.approx(249.5, abs=5)
    np.testing.assert_array_equal(frames, np.repeat(frames[first], stays) + np.concatenate([*map(np.arange, stays)]))
    assert stays.min() == 1
    assert stays.mean() == pytest.approx(2.5, rel=0.03)
    assert (stays == 1).mean() == pytest.approx(0.4, abs=0.015)
    assert (stays == 3).mean() == pytest.approx(0.4 * 0.6**2, abs=0.01)
    assert frames.dtype.kind == "i"


def test_every_localisation_has_its_own_error():
    rng, dyes = np.random.default_rng(3), np.tile([[100.0, -50, 7e3]], (20_000, 1))
    points, frames = precision.record(dyes, ERROR_NM, rng)
    np.testing.assert_allclose(points.mean(axis=0), dyes[0], atol=2)
    np.testing.assert_allclose(points.std(axis=0), ERROR_NM, rtol=0.02)
    steps = np.diff(points[:, 0])[np.diff(frames) == 1]
    assert steps.std() == pytest.approx(ERROR_NM[0] * np.sqrt(2), rel=0.02)
    one = precision.record(dyes[:9], 5.0, np.random.default_rng(1), mean_stay=1)
    assert one[0].shape == (9, 3)  # a stay of one frame
    again = precision.record(dyes[:9], 5.0, np.random.default_rng(1), mean_stay=1)
    np.testing.assert_array_equal(one[0], again[0])


# ---- bad input ----

CLOUD, FRAMES = gel(50, 0), np.arange(50)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: precision.successive(CLOUD[:, :2], FRAMES), "points_nm must have shape"),
        (lambda: precision.successive(CLOUD * NAN, FRAMES), "points_nm must be finite"),
        (
            lambda: precision.successive(CLOUD, FRAMES[:-1]),
            r"frames must have shape \(50,\), one per localisation, got",
        ),
        (lambda: precision.successive(CLOUD, FRAMES[:, None]), r"frames must have shape \(50,\)"),
        (lambda: precision.successive(CLOUD, FRAMES + 0.5), "frames must be whole numbers"),
        (lambda: precision.successive(CLOUD, FRAMES * NAN), "frames must be finite"),
        (lambda: precision.successive(CLOUD, FRAMES, 0), "gap must be a whole number >= 1"),
        (lambda: precision.successive(CLOUD, FRAMES, 1.5), "gap must be a whole number >= 1"),
        (lambda: precision.localisation_error([]), "recordings must be a list of"),
        (lambda: precision.localisation_error(CLOUD), "recordings must be a list of"),
        (lambda: precision.localisation_error((CLOUD, FRAMES)), r"recordings must hold pairs \(points_nm, frames\)"),
        (lambda: precision.localisation_error([CLOUD]), r"recordings must hold pairs \(points_nm, frames\)"),
        (
            lambda: precision.localisation_error([(CLOUD, FRAMES), (CLOUD[:9], FRAMES)]),
            r"frames of recordings\[1\] must have shape \(9,\)",
        ),
        (lambda: precision.localisation_error([(CLOUD * NAN, FRAMES)]), r"points_nm of recordings\[0\] must be finite"),
        (lambda: precision.localisation_error([(CLOUD, 2 * FRAMES)]), "recordings must hold dyes that stay"),
        (lambda: precision.record(CLOUD[:, 0], 20, RNG), "dyes_nm must have shape"),
        (lambda: precision.record(CLOUD, -1, RNG), "noise_nm must be >= 0"),
        (lambda: precision.record(CLOUD, [20, 51], RNG), "noise_nm must be one number or have shape"),
        (lambda: precision.record(CLOUD, 20, RNG, n_frames=0), "n_frames must be a whole number >= 1"),
        (lambda: precision.record(CLOUD, 20, RNG, mean_stay=0.5), "mean_stay must be >= 1 frame, got 0.5"),
        (lambda: precision.record(CLOUD, 20, RNG, mean_stay=0), "mean_stay must be > 0"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
