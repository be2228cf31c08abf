import dataclasses

import pytest

from helpers.common import profiles


def test_there_are_two_profiles():
    assert profiles.names() == ["quick", "full"]
    assert [profiles.get(name).name for name in profiles.names()] == ["quick", "full"]


def test_each_picks_its_own_value():
    assert profiles.get("quick").pick(quick=1, full=2) == 1
    assert profiles.get("full").pick(quick=1, full=2) == 2


def test_only_quick_has_a_limit_and_nobody_can_move_it():
    assert profiles.get("quick").cpu_limit_s == 120
    assert profiles.get("full").cpu_limit_s is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        profiles.get("quick").cpu_limit_s = 1e9


@pytest.mark.parametrize("name", ["fast", "Quick", "", None, 1])
def test_another_profile_is_an_error_that_names_them(name):
    with pytest.raises(ValueError, match=r"^PROFILE must be one of 'quick', 'full', got "):
        profiles.get(name)
