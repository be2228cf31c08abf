"""Every student has numbers of their own, the same on every machine."""

import numpy as np
import pytest

from helpers.course import students


def test_the_numbers_follow_from_student_and_assignment():
    first = students.rng("anna", "a01").random(5)
    np.testing.assert_array_equal(first, students.rng("anna", "a01").random(5))
    others = [students.rng("ben", "a01"), students.rng("anna", "a02"), students.rng("Anna", "a01")]
    assert all(not np.isclose(first, other.random(5)).any() for other in others)


def test_the_numbers_stay_the_same_over_the_years():
    assert students.rng("reference", "a01").integers(1_000_000) == NUMBER


NUMBER = 911902


@pytest.mark.parametrize("good", ["ab", "anna.b-c_1", "7x", "a" * 40])
def test_names_of_folders_are_ids(good):
    assert students.check_id(good) == good


@pytest.mark.parametrize(
    "bad", ["", "a", " anna", "anna b", "../x", ".hidden", "a/b", "a" * 41, "änne", "x\n", None, 7]
)
def test_what_is_no_name_of_a_folder_is_refused(bad):
    with pytest.raises(ValueError, match="STUDENT_ID must be the name of your folder"):
        students.rng(bad, "a01")
