"""Matches are one to one and nearest first; counted is what is away from the faces."""

import numpy as np
import pytest

from helpers.colloids import scoring

CENTRES = np.array([[20, 20, 20], [20, 20, 30], [2, 20, 20], [30, 30, 30.0]])
FOUND = np.array([[20, 20, 21], [20, 22, 20], [20, 20, 30], [2, 20, 20.0]])


def test_matches_are_one_to_one_and_the_nearest_come_first():
    pairs = scoring.match(FOUND, CENTRES, 5)
    assert pairs.tolist() == [[0, 0], [2, 1], [3, 2]]
    assert scoring.match(FOUND[::-1], CENTRES, 5).tolist() == [[3, 0], [1, 1], [0, 2]]


def test_a_pair_further_apart_than_the_reach_is_none():
    assert not len(scoring.match([[0, 0, 5.1]], [[0, 0, 0]], 5))
    assert len(scoring.match([[0, 0, 4.9]], [[0, 0, 0]], 5)) == 1


def test_the_score_counts_away_from_the_faces_and_one_to_one():
    s = scoring.score(FOUND, CENTRES, 10, (50, 50, 50), edge=1)
    assert s[:2] == pytest.approx((2 / 3, 2 / 3))
    assert (s.n, s.n_found, s.rms_z) == (3, 3, 0)
    assert s.rms_xy == pytest.approx(np.sqrt(0.1**2 / 2 / 2))


@pytest.mark.parametrize(("off_diameters", "recall"), [(0.45, 1), (0.55, 0), (0.95, 0)])
def test_a_sphere_is_found_within_half_a_diameter_of_its_place(off_diameters, recall):
    there = np.full((1, 3), 30.0)
    assert scoring.score(there + np.array([0, 0, 10 * off_diameters]), there, 10, (61, 61, 61)).recall == recall


def test_nothing_found_is_no_recall_and_no_error():
    s = scoring.score(np.zeros((0, 3)), CENTRES, 10, (50, 50, 50))
    assert s[:2] == (0, 0)
    assert np.isnan(s.rms_xy)


def test_depth_is_the_first_axis():
    s = scoring.score([[25, 20, 20]], [[24, 20, 20]], 10, (60, 60, 60), edge=1)
    assert (s.rms_z, s.rms_xy) == (pytest.approx(0.1), 0)


def test_a_sphere_known_from_beyond_the_border_of_counting_is_a_hit():
    s = scoring.score([[14.9, 30, 30]], [[15.1, 30, 30]], 10, (60, 60, 60))
    assert (s.recall, s.n, s.n_found) == (1, 1, 0)
