"""What graders rely on is compared with a fresh Python: clean code passes, replaced functions are named."""

import builtins
import functools
import importlib
import math
import pkgutil
import types

import numpy as np
import pytest

import helpers
from helpers.common import check
from helpers.common.widgets import Widget
from helpers.course import cage, grading, integrity, students


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
]


@pytest.mark.parametrize(("module", "name"), RELIED_ON, ids=lambda value: getattr(value, "__name__", value))
def test_a_replaced_function_looks_different(module, name, monkeypatch):
    before = integrity._look(getattr(module, name))
    with monkeypatch.context() as patch:
        patch.setattr(module, name, type(name, (Exception,), {}) if name == "AssertionError" else _other)
        after = integrity._look(getattr(module, name))
    assert before != after


MODULES = [
    module.name for module in pkgutil.walk_packages(helpers.__path__, "helpers.") if "__main__" not in module.name
]


def test_every_module_of_helpers_is_what_its_file_says():
    assert len(MODULES) > 100
    assert {name: found for name in MODULES if (found := integrity.changed(importlib.import_module(name)))} == {}


def _wrapped(function):
    """Return a function of a notebook that says it wraps another and does not call it."""
    space = {"__name__": "__main__"}
    exec("def cheat():\n    return 'walls'", space)
    return functools.wraps(function)(space["cheat"])


OF_HELPERS = [
    (students, "rng", _other, "rng"),
    (check, "positive", _other, "positive"),
    (check, "positive", check.finite, "positive"),  # another one of the same file
    (cage, "_walls", _other, "_walls"),
    (cage, "_walls", _wrapped(cage._walls), "_walls"),
    (students, "np", types.SimpleNamespace(random=np.random), "np"),
    (grading, "atomic", types.SimpleNamespace(), "atomic"),
    (Widget, "__repr__", _other, "Widget"),
    (Widget, "__init_subclass__", classmethod(_other), "Widget"),
]


@pytest.mark.parametrize(("place", "name", "other", "named"), OF_HELPERS)
def test_other_code_in_helpers_is_found(place, name, other, named, monkeypatch):
    module = place if isinstance(place, types.ModuleType) else importlib.import_module(place.__module__)
    monkeypatch.setattr(place, name, other)
    assert integrity.changed(module) == [named]
    monkeypatch.undo()
    assert integrity.changed(module) == []


def test_replaced_functions_are_named(monkeypatch):
    chosen = [(module, name) for module, name in RELIED_ON if name in ("isclose", "assert_allclose", "rng", "positive")]
    with monkeypatch.context() as patch:
        for module, name in chosen:
            patch.setattr(module, name, _other)
        with pytest.raises(integrity.Tampered, match="replaced since Python started; restart the kernel") as caught:
            integrity.check({})
    assert all(f"{module.__name__}.{name}" in str(caught.value) for module, name in chosen)


@pytest.mark.parametrize("function", [students.rng, check.positive])
def test_other_code_in_the_same_function_is_found(function, monkeypatch):
    monkeypatch.setattr(function, "__code__", _other.__code__)
    assert integrity.changed(importlib.import_module(function.__module__)) == [function.__name__]


def test_other_code_in_a_function_of_numpy_is_found(monkeypatch):
    before = integrity._look(np.testing.assert_allclose)
    monkeypatch.setattr(np.testing.assert_allclose, "__code__", _other.__code__)
    assert integrity._look(np.testing.assert_allclose) != before


def test_a_method_of_a_class_counts(monkeypatch):
    class Thing:
        def value(self):
            return 1

    before = integrity._look(Thing)
    monkeypatch.setattr(Thing, "value", _other)
    assert integrity._look(Thing) != before
