"""The simulator is as many times faster than the original's loop as promised: recorded in one run, when idle."""

import pytest

from helpers.common import results
from helpers.molecules import bench


def test_recorded_ratios_reach_their_limits():
    rows = results.read("movies")["values"]["rows"]
    assert [row["limit"] for row in rows] == [25.0, 150.0, 1000.0]
    for row in rows:
        assert row["ratio"] >= row["limit"], row["name"]


def test_the_bench_measures_what_is_recorded():
    now, then = bench.movies(repeats=1)["rows"], results.read("movies")["values"]["rows"]
    assert [set(row) for row in now] == [set(row) for row in then]
    for row in now:
        assert row["ratio"] >= row["limit"] / 2, row["name"]  # even where other programs run
        assert row["low"] <= row["ratio"] <= row["high"]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="repeats must be a whole number"):
        bench.movies(repeats=0)
