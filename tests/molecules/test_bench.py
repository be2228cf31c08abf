"""The simulator is as many times faster than the original's loop as promised, in one run."""

import pytest

from helpers.molecules import bench


def test_ratios_reach_their_limits():
    values = bench.movies(repeats=2)
    assert [row["limit"] for row in values["rows"]] == [25.0, 150.0, 1000.0]
    for row in values["rows"]:
        assert row["ratio"] >= row["limit"], row["name"]
        assert row["low"] <= row["ratio"] <= row["high"]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="repeats must be a whole number"):
        bench.movies(repeats=0)
