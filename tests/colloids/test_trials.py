"""Trials hold what they say: the spheres of a configuration, a truth for every score, a fair rival."""

import numpy as np
import pandas as pd
import pytest

from helpers.colloids import confocal, suspension, trials
from helpers.colloids.io import Configuration


@pytest.fixture(scope="module")
def known():
    positions, box = suspension.hard_spheres(500, 0.3, rng=np.random.default_rng(11))
    return Configuration(positions, box, suspension.diameters(500), 0.3)


def test_a_trial_is_as_dense_as_its_configuration_and_goes_on_beyond_its_faces(known):
    trial = trials.cut(known, None, np.random.default_rng(0), side=80)
    assert len(trial.centres) * np.pi / 6 * 10**3 / 80**3 == pytest.approx(0.3, abs=0.03)
    assert trial.image.mean() - 0.1 == pytest.approx(0.3, abs=0.03)
    alone = confocal.image(trial.centres, 10, trials.PSF_SIGMA_PX, (80,) * 3, None)
    assert np.abs(trial.image - alone)[20:-20, 12:-12, 12:-12].max() < 2e-3
    assert (trial.image - alone)[0].max() > 0.2


def test_the_truth_scores_one_and_what_is_far_from_it_nothing(known):
    trial = trials.cut(known, 10, np.random.default_rng(1), side=80)
    truth = pd.DataFrame(trial.centres, columns=["z", "y", "x"])
    score = trial.score(truth)
    assert score[:4] == (1, 1, 0, 0)
    assert score.n > 50
    assert trial.score(truth + 100).recall == 0


def test_a_seed_makes_a_trial(known):
    a, b = (trials.cut(known, 5, np.random.default_rng(2), side=40) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)


def test_configurations_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(trials.places, "BUILD", tmp_path)
    first = trials.configuration(0.2, 0.0, 5, n=100)
    assert len(list((tmp_path / "colloids").iterdir())) == 1
    np.testing.assert_array_equal(first.positions, trials.configuration(0.2, 0.0, 5, n=100).positions)


def test_trackpy_needs_a_smaller_separation_than_its_own(known):
    trial = trials.cut(known, 20, np.random.default_rng(3), side=80)
    grid = trials.trackpy_grid(trial)
    assert grid["F1"].is_monotonic_decreasing
    best = grid.iloc[0]
    own = trial.score(trials.trackpy_table(trial.image))
    assert best["recall"] > own.recall + 0.05
    again = trials.trackpy_table(trial.image, best["diameter"], best["separation"], best["faintest"])
    assert trial.score(again)[:2] == pytest.approx((best["recall"], best["precision"]))


def test_fluids_have_few_icosahedra_and_lattices_none(known):
    trial = trials.cut(known, None, np.random.default_rng(4), side=80)
    assert 0 <= trials.icosahedra(trial.centres, trial) < 0.05
    lattice = np.argwhere(np.indices((8, 8, 8)).sum(0) % 2 == 0) * 10 / np.sqrt(2)
    assert trials.icosahedra(lattice, trial) == 0
