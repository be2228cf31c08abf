"""Metrics of sets: chance where two kinds are one, certainty where they are not, and copies are seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers.microgels import clouds, metrics

NAN = float("nan")
some = hnp.arrays(float, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-100, 100))


def gels(n, seed, temperature=38, n_points=400):
    return clouds.simulate(temperature, n, np.random.default_rng(seed), n_points)


def accuracy(real, generated, n_points=128, seed=0):
    return metrics.one_nearest_neighbour_accuracy(real, generated, n_points, np.random.default_rng(seed))


@given(a=some, b=some)
def test_chamfer_is_the_mean_squared_distance_to_the_nearest_both_ways(a, b):
    square = ((a[:, None] - b) ** 2).sum(axis=-1)
    expected = square.min(axis=1).mean() + square.min(axis=0).mean()
    assert metrics.chamfer(a, b) == pytest.approx(expected, abs=1e-9)
    assert metrics.chamfer(a, b) == pytest.approx(metrics.chamfer(b, a))
    assert metrics.chamfer(a, a) == 0
    shift = np.array([3.0, 4.0, 12.0])
    assert metrics.chamfer(a[:1], a[:1] + shift) == pytest.approx(2 * 169)  # nm^2, and as the clouds lie


def test_gels_of_one_kind_cannot_be_told_apart_and_of_two_kinds_they_can():
    same = [accuracy(gels(24, 2 * seed), gels(24, 2 * seed + 1)) for seed in range(5)]
    assert np.mean(same) == pytest.approx(0.5, abs=0.1)  # 240 gels: three standard errors
    assert accuracy(gels(12, 1, 21), gels(12, 2, 43)) == 1
    assert accuracy(gels(24, 1), [gel * [1, 1, 0.5] for gel in gels(24, 2)]) > 0.9


def test_copies_are_nearest_to_what_they_copy():
    real = gels(10, 3)
    assert accuracy(real, [gel + 0.01 for gel in real], n_points=400) == 0


def test_places_do_not_matter_and_numbers_of_points_are_made_equal():
    real, generated = gels(12, 4), gels(12, 5)
    apart = [gel + np.array([1e4 * k, 5e3, -2e3]) for k, gel in enumerate(generated)]
    assert accuracy(real, apart) == pytest.approx(accuracy(real, generated))
    dense, sparse = gels(12, 6, n_points=4000), gels(12, 7, n_points=200)
    assert (
        accuracy(dense, [gel * [1, 1, 1.6] for gel in sparse], n_points=200) > 0.9
    )  # a dense gel is not near for being dense


def test_a_seed_gives_the_same_answer():
    real, generated = gels(6, 7), gels(6, 8)
    one = metrics.one_nearest_neighbour_accuracy(real, generated, 64, np.random.default_rng(1))
    assert one == metrics.one_nearest_neighbour_accuracy(real, generated, 64, np.random.default_rng(1))
    assert 0 <= metrics.one_nearest_neighbour_accuracy(real, generated, 64) <= 1


def test_a_memorised_gel_is_nearer_than_one_that_was_held_out():
    training, held_out = gels(12, 9), gels(6, 10)
    fresh = metrics.minimum_chamfer(held_out, training)
    assert fresh.shape == (6,)
    copied = metrics.minimum_chamfer([training[3] + 700.0, training[5][::-1]], training)
    np.testing.assert_allclose(copied, 0, atol=1e-9)
    rng = np.random.default_rng(11)
    blurred = metrics.minimum_chamfer([gel + 3 * rng.standard_normal(gel.shape) for gel in training[:4]], training)
    assert blurred.max() < 0.2 * fresh.min()
    centred = [clouds.centred(gel) for gel in training]
    expected = min(metrics.chamfer(clouds.centred(held_out[0]), gel) for gel in centred)
    assert fresh[0] == pytest.approx(expected)


CLOUD = np.ones((5, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.chamfer(CLOUD[:, :2], CLOUD), "a must have shape"),
        (lambda: metrics.chamfer(CLOUD, CLOUD * NAN), "b must be finite"),
        (lambda: metrics.chamfer(CLOUD, CLOUD[:0]), "b must hold at least 1"),
        (lambda: accuracy(gels(3, 0), gels(4, 1)), r"generated must hold as many clouds as real \(3\), got 4"),
        (lambda: accuracy(gels(1, 0), gels(1, 1)), "real must hold at least 2 clouds"),
        (lambda: accuracy(CLOUD, gels(2, 1)), "real must be a list of clouds"),
        (lambda: accuracy(gels(2, 0), [*gels(1, 1), CLOUD]), r"n_points must be <= the smallest cloud \(5\), got 128"),
        (lambda: accuracy(gels(2, 0), gels(2, 1), n_points=0), "n_points must be a whole number"),
        (lambda: metrics.minimum_chamfer([], gels(2, 1)), "generated must be a list of clouds"),
        (lambda: metrics.minimum_chamfer(gels(2, 1), [CLOUD * NAN]), r"training\[0\] must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
