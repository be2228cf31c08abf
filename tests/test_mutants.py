"""The list of planted bugs is about the code as it is; ``make mutants`` plants them."""

import ast
import re

import pytest

from helpers import mutants
from helpers.book.lessons import find
from helpers.common.places import ROOT

ALL = mutants.listed()
WINGS = {"colloids", "microgels", "molecules", "nanoparticles", "textures"}


def test_there_are_forty_over_all_wings():
    assert len(ALL) >= 40
    assert {re.match(r"helpers/(\w+)/", mutant.file)[1] for mutant in ALL} >= WINGS
    assert len({mutant.bug + mutant.file for mutant in ALL}) == len(ALL)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: f"{mutant.file}: {mutant.bug}")
def test_a_bug_can_be_planted_and_is_still_python(mutant):
    ast.parse(mutants.plant(mutant))
    assert mutant.line != mutant.becomes
    assert (ROOT / mutant.tests).is_file()
    assert len(find([mutant.lesson])) == 1


def test_a_line_that_is_gone_is_an_error():
    with pytest.raises(ValueError, match="stands there 0 times"):
        mutants.plant(ALL[0]._replace(line="no such line"))
