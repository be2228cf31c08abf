import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.common import check

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(values=st.lists(NUMBERS, min_size=1))
def test_numbers_pass_as_they_are_when_the_rule_holds(values):
    assert check.finite("x", values).tolist() == values
    assert check.finite("x", values).dtype == float
    for rule, holds in [(check.positive, min(values) > 0), (check.non_negative, min(values) >= 0)]:
        if holds:
            assert rule("x", values).tolist() == values
        else:
            with pytest.raises(ValueError, match=r"^x must be >=? 0, got"):
                rule("x", values)


@pytest.mark.parametrize("rule", [check.finite, check.positive, check.non_negative])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, [1.0, math.nan], None])
def test_nan_and_infinity_are_refused_by_name(rule, bad):
    with pytest.raises(ValueError, match=r"^D_um2_s must be finite"):
        rule("D_um2_s", bad)


@pytest.mark.parametrize("rule", [check.finite, check.positive, check.non_negative])
@pytest.mark.parametrize("bad", ["fast", [[1, 2], [3]], {"D": 1}, 1j, np.array([1j]), object()])
def test_what_is_no_number_is_refused_by_name(rule, bad):
    with pytest.raises(ValueError, match=r"^D_um2_s must be a number or an array of numbers"):
        rule("D_um2_s", bad)


def test_zero_is_non_negative_but_not_positive():
    assert check.non_negative("sigma_um", 0) == 0
    with pytest.raises(ValueError, match=r"^sigma_um must be > 0, got 0$"):
        check.positive("sigma_um", 0)


def test_one_number_is_one_number():
    assert check.positive_number("dt_s", np.float32(0.5)) == 0.5
    assert type(check.non_negative_number("dt_s", np.array(0))) is float
    for rule in (check.positive_number, check.non_negative_number):
        for bad in ([0.1], [0.1, 0.2], [], np.ones((2, 2))):
            with pytest.raises(ValueError, match=r"^dt_s must be one number, got an array of shape"):
                rule("dt_s", bad)
        with pytest.raises(ValueError, match=r"^dt_s must be >"):
            rule("dt_s", -1)
    with pytest.raises(ValueError, match=r"^dt_s must be > 0"):
        check.positive_number("dt_s", 0)


@given(value=st.integers(-5, 5), at_least=st.integers(-5, 5))
def test_whole_numbers_from_a_lower_limit_on(value, at_least):
    if value >= at_least:
        assert check.whole("n", value, at_least) == value
        assert type(check.whole("n", np.int32(value), at_least)) is int
    else:
        with pytest.raises(ValueError, match=rf"^n must be a whole number >= {at_least}, got {value}$"):
            check.whole("n", value, at_least)


@pytest.mark.parametrize("bad", [2.0, 1.5, True, np.True_, "3", None, [3], math.nan])
def test_only_whole_numbers_are_whole(bad):
    with pytest.raises(ValueError, match=r"^n_frames must be a whole number >= 1"):
        check.whole("n_frames", bad)


def test_a_choice_names_the_options():
    assert check.choice("method", "robust", iter(["published", "robust"])) == "robust"
    with pytest.raises(ValueError, match=r"^method must be one of 'published', 'robust', got 'best'$"):
        check.choice("method", "best", ["published", "robust"])
