"""Scoring: lines are counted across the border, by a rule that was fixed before any test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.textures import generators, scoring


def images(*boxes, size=56):
    image = np.zeros((size, size), np.uint8)
    for row, column, height, width in boxes:
        image[np.ix_((row + np.arange(height)) % size, (column + np.arange(width)) % size)] = 1
    return image[None]


@given(st.integers(0, 55), st.integers(0, 55))
def test_the_count_does_not_change_when_an_image_is_moved_round_the_border(down, right):
    made, truth = generators.lines(8, 56, rng=np.random.default_rng(1))
    moved = np.roll(made, (down, right), (1, 2))
    assert (scoring.count(moved) == truth.count).all()
    assert (scoring.orientation(moved) == truth.orientation).all()


def test_parts_join_across_borders_and_corners():
    assert scoring.components(images((50, 10, 12, 3))[0]).tolist() == [36]
    assert scoring.components(images((50, 50, 12, 12))[0]).tolist() == [144]
    corner = np.zeros((8, 8), int)
    corner[0, 0] = corner[7, 7] = 1  # diagonal neighbours on the torus
    assert scoring.components(corner).tolist() == [2]
    assert sorted(scoring.components(images((0, 0, 2, 5), (10, 10, 3, 3))[0])) == [9, 10]
    assert scoring.components(np.zeros((4, 4), int)).size == 0


def test_parts_below_half_of_the_smallest_line_are_no_lines():
    half = generators.smallest_line_px(56) / 2
    assert half == 5  # 1 x 10 px
    assert scoring.count(images((5, 5, 1, 4))) == 0
    assert scoring.count(images((5, 5, 1, 5))) == 1
    assert scoring.count(images((5, 5, 1, 5)), cut=2) == 0
    assert scoring.count(images((5, 5, 1, 3)), cut=0.5) == 1


def test_scores_of_known_pairs():
    original = images((5, 5, 2, 30), (20, 5, 2, 30))
    assert scoring.score(original, original) == (np.array([True]), np.array([True]), np.array([0.0]))
    worse = scoring.score(original, images((5, 5, 2, 45)))
    assert (worse.orientation[0], worse.count[0]) == (True, False)
    assert worse.volume_fraction_error[0] == pytest.approx(25)
    assert not scoring.score(original, original.transpose(0, 2, 1)).orientation[0]


@pytest.mark.parametrize(
    ("original", "found", "word"),
    [
        (np.zeros((1, 56, 56)), np.zeros((1, 56, 56)), "original must hold lines"),
        (images((5, 5, 2, 30)), np.zeros((2, 56, 56)), "shape of original"),
        (images((5, 5, 2, 30)) * 0.5, images((5, 5, 2, 30)), "only 0 and 1"),
    ],
)
def test_what_cannot_be_scored_is_refused(original, found, word):
    with pytest.raises(ValueError, match=word):
        scoring.score(original, found)


def test_the_threshold_says_which_side_it_keeps():
    assert scoring.threshold([[0.0, 0.05], [0.5, 1.0]]).tolist() == [[0, 1], [1, 1]]
    assert scoring.threshold([[0.0, 0.05], [0.5, 1.0]], 0.6).tolist() == [[0, 0], [0, 1]]


def test_the_wilson_interval_of_the_paper_and_its_limits():
    assert scoring.wilson(63, 100) == pytest.approx((0.532, 0.718), abs=0.001)
    assert scoring.wilson(0, 10)[0] == pytest.approx(0)
    assert scoring.wilson(10, 10)[1] == pytest.approx(1)
    with pytest.raises(ValueError, match="successes"):
        scoring.wilson(11, 10)
