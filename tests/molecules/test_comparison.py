"""The fair bars: in the right order, with the errors that theory gives them, and none punished for lost frames."""

import numpy as np
import pytest

from helpers.molecules import comparison, scores, worlds

PRIOR = worlds.comparison_prior()


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(0)
    D = rng.uniform(worlds.LOW, worlds.HIGH, 300)
    images, paths = worlds.film("physical", D, rng)
    answers = comparison.classical(images, PRIOR, 0.6) | comparison.oracles(paths, PRIOR)
    return D, answers


def test_every_answer_is_a_number_inside_the_prior(scene):
    D, answers = scene
    for name, answer in answers.items():
        for values in answer:
            assert values.shape == D.shape, name
            assert (values > 0.98 * worlds.LOW).all(), name
            assert (values < 1.02 * worlds.HIGH).all(), name


def test_the_methods_stand_in_the_order_of_what_they_know(scene):
    D, answers = scene
    rms_log = {name: scores.errors(D, *answer, n_resamples=2)["rms_log"] for name, answer in answers.items()}
    assert rms_log["all lags"] > 1.3 * rms_log["two lags"]
    assert rms_log["two lags"] > 1.2 * rms_log["MLE, σ known"]
    assert rms_log["MLE, σ known"] > rms_log["Bayes mean"]
    assert rms_log["Bayes mean"] > 0.95 * rms_log["oracle: centroids"]
    assert rms_log["oracle: all positions"] == pytest.approx(1 / np.sqrt(159), rel=0.15)


def test_a_movie_without_a_molecule_gets_the_mean_of_the_prior():
    empty = np.random.default_rng(1).poisson(9, (2, 16, 64, 64)).astype(np.float32)
    for name, answer in comparison.classical(empty, PRIOR, 0.5).items():
        if name != "all lags":
            assert answer.mean == pytest.approx(PRIOR.weight @ PRIOR.D_um2_s, rel=0.02), name


def test_bins_hold_their_own_errors():
    D, estimate = np.array([1.5, 1.5, 3.0, 3.0]), np.array([1.65, 1.35, 3.0, 6.0])
    found = comparison.by_bin(D, estimate, [1, 2, 4])
    assert found["by_bin"] == pytest.approx([0.1, np.sqrt(0.5)])
    assert found["mean_by_bin"] == pytest.approx([1.5, 4.5])
