"""What graders rely on is compared with a fresh Python: clean code passes, replaced functions are named."""

import builtins
import math

import numpy as np
import pytest

from helpers.common import check
from helpers.course import integrity, students


def test_clean_code_passes():
    space = {"np": np, "students": students, "__builtins__": builtins, "sum": sum, "mine": lambda: 1, "_": 3}
    integrity.check(space)


@pytest.mark.parametrize("name", ["sum", "max", "id", "input", "open", "AssertionError", "isinstance"])
def test_a_name_that_hides_one_of_python_is_found(name):
    with pytest.raises(integrity.Tampered, match=f"{name}: this name belongs to Python"):
        integrity.check({name: 3})


def _other(*_, **__):
    return None


RELIED_ON = [
    (builtins, "isinstance"),
    (builtins, "AssertionError"),
    (math, "isclose"),
    (np, "isclose"),
    (np.testing, "assert_allclose"),
    (np.linalg, "norm"),
    (np.random, "default_rng"),
    (students, "rng"),
    (check, "positive"),
]


@pytest.mark.parametrize(("module", "name"), RELIED_ON, ids=lambda value: getattr(value, "__name__", value))
def test_a_replaced_function_looks_different(module, name, monkeypatch):
    before = integrity._look(getattr(module, name))
    with monkeypatch.context() as patch:
        patch.setattr(module, name, type(name, (Exception,), {}) if name == "AssertionError" else _other)
        after = integrity._look(getattr(module, name))
    assert before != after


def test_replaced_functions_are_named(monkeypatch):
    chosen = [(module, name) for module, name in RELIED_ON if name in ("isclose", "assert_allclose", "rng", "positive")]
    with monkeypatch.context() as patch:
        for module, name in chosen:
            patch.setattr(module, name, _other)
        with pytest.raises(integrity.Tampered, match="replaced since Python started; restart the kernel") as caught:
            integrity.check({})
    assert all(f"{module.__name__}.{name}" in str(caught.value) for module, name in chosen)


@pytest.mark.parametrize("function", [np.testing.assert_allclose, students.rng, check.positive])
def test_other_code_in_the_same_function_is_found(function, monkeypatch):
    inner = getattr(function, "__wrapped__", function)
    before = integrity._look(function)
    monkeypatch.setattr(inner, "__code__", _other.__code__)
    assert integrity._look(function) != before
    monkeypatch.undo()
    assert integrity._look(function) == before


def test_a_method_of_a_class_counts(monkeypatch):
    class Thing:
        def value(self):
            return 1

    before = integrity._look(Thing)
    monkeypatch.setattr(Thing, "value", _other)
    assert integrity._look(Thing) != before
