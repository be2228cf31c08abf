"""The recorded comparison with PyMKS reaches what was promised; without PyMKS the bench says how to install it."""

import importlib.util

import pytest

from helpers.common import results
from helpers.textures import statistics_records


def test_the_record_holds_what_was_promised():
    values = results.read("two-point")["values"]
    assert (values["n_images"], values["size"], values["threads"]) == (64, 224, 1)
    ratios = values["ratios"]
    assert ratios["ours / bare, float32"] <= 2.5
    assert ratios["PyMKS / ours float64"] >= 1.8
    assert ratios["PyMKS / ours float32"] >= 6
    assert ratios["PyMKS / ours float32, not periodic"] >= 15
    assert values["largest_difference"] < 1e-12
    assert results.stale("two-point") == []


@pytest.mark.skipif(importlib.util.find_spec("pymks") is not None, reason="PyMKS is installed here")
def test_without_pymks_the_bench_says_how_to_get_it():
    with pytest.raises(RuntimeError, match=r"^PyMKS cannot be imported .* pip install pymks 'setuptools<81'"):
        statistics_records.measure_two_point()
