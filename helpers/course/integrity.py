"""Is this still the Python that the graders were written for? The last cell of every assignment asks.

Answers and graders share one kernel, so this detects replaced functions and cannot prevent them.
"""

import ast
import builtins
import hashlib
import importlib
import json
import subprocess
import sys
import types

__all__ = ["Tampered", "changed", "check", "fingerprints"]

ALWAYS = ("builtins", "math", "numpy", "numpy.linalg", "numpy.random", "numpy.testing")
OF_NOTEBOOKS = {"builtins.exit", "builtins.input", "builtins.quit"}  # a kernel brings its own
HEAP_TYPE = 1 << 9  # of a class made by Python code, unlike those of builtins


class Tampered(AssertionError):
    """A function that graders rely on is not the one that was installed."""


def check(namespace: dict) -> None:
    """Raise Tampered if a builtin is replaced or hidden by a name, or a function of numpy or helpers is another one.

    Builtins and numpy are compared with those of a fresh process, helpers with its files.
    """
    hidden = sorted(name for name in vars(builtins) if name in namespace and not name.startswith("_"))
    own = getattr(
        getattr(builtins, "get_ipython", lambda: None)(), "user_ns_hidden", {}
    )  # a notebook has its own `open`
    hidden = [name for name in hidden if namespace[name] is not own.get(name, getattr(builtins, name))]
    if hidden:
        raise Tampered(f"{', '.join(hidden)}: this name belongs to Python; give yours another name and run all again")
    here = fingerprints(ALWAYS)
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    fresh = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    other = {name for name, seen in fresh.items() if here.get(name) != seen} - OF_NOTEBOOKS
    for name in [name for name in sys.modules if name.startswith("helpers.")]:
        other.update(f"{name}.{attribute}" for attribute in changed(sys.modules[name]))
    if other:
        some = ", ".join(sorted(other)[:5])
        raise Tampered(f"{some}: replaced since Python started; restart the kernel and run all again")


def main() -> None:
    """Write the fingerprints of a process where nothing else was done."""
    print(json.dumps(fingerprints(ALWAYS)))


def changed(module: types.ModuleType) -> list[str]:
    """Return the names of functions, classes and imports of a module that are not what its file says they are."""
    loader = module.__spec__.loader
    codes = _codes(loader.get_code(module.__name__))
    tree = ast.parse(loader.get_source(module.__name__))
    found = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == "__main__"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            same = _same_function(getattr(module, node.name, None), codes[node.name], node)
            found += [] if same else [node.name]
        elif isinstance(node, ast.ClassDef):
            same = _same_class(getattr(module, node.name, None), _codes(codes[node.name]), node)
            found += [] if same else [node.name]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [name for name, value in _imported(node) if getattr(module, name, None) is not value]
    return sorted(set(found))


def _imported(node: ast.Import | ast.ImportFrom) -> list[tuple[str, object]]:
    """Return the names that a line of imports gives, and their values."""
    if isinstance(node, ast.Import):
        return [
            (a.asname or a.name.split(".")[0], sys.modules[a.name if a.asname else a.name.split(".")[0]])
            for a in node.names
        ]
    origin = vars(importlib.import_module(node.module))
    return [(alias.asname or alias.name, origin.get(alias.name)) for alias in node.names]


def _codes(code: types.CodeType) -> dict[str, types.CodeType]:
    return {inner.co_name: inner for inner in code.co_consts if isinstance(inner, types.CodeType)}


def _same_function(value, code: types.CodeType, node: ast.FunctionDef) -> bool:
    value = getattr(value, "fget", getattr(value, "__func__", value))  # of a property, of a class method
    if not node.decorator_list:
        return getattr(value, "__code__", None) == code
    layers = [value]
    while hasattr(layers[-1], "__wrapped__"):
        layers.append(layers[-1].__wrapped__)
    made_here = any(getattr(layer, "__globals__", {}).get("__name__") == "__main__" for layer in layers)
    return getattr(layers[-1], "__code__", None) == code and not made_here


def _same_class(value, codes: dict[str, types.CodeType], node: ast.ClassDef) -> bool:
    if not isinstance(value, type):
        return False
    methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
    return all(_same_function(vars(value).get(name), codes[name], part) for name, part in methods.items())


def fingerprints(modules: list[str]) -> dict[str, str]:
    """Return a hash of every function and class of some modules, by its full name."""
    found = {}
    for name in modules:
        module = importlib.import_module(name)
        for attribute, value in sorted(vars(module).items()):
            if callable(value) and not attribute.startswith("_"):
                found[f"{name}.{attribute}"] = hashlib.sha256(repr(_look(value)).encode()).hexdigest()[:16]
    return found


def _look(value, deep: bool = True):
    """Return what tells one function or class from another, the same in every process."""
    names = [type(value).__name__, *(str(getattr(value, a, "")) for a in ("__module__", "__qualname__", "__name__"))]
    if isinstance(value, type):
        members = {k: v for k, v in vars(value).items() if isinstance(v, types.FunctionType)} if deep else {}
        return [*names, value.__flags__ & HEAP_TYPE, sorted((k, _look(v)) for k, v in members.items())]
    inner = getattr(value, "__wrapped__", None)
    if deep and inner is not None:
        names.append(_look(inner, deep=False))
    code = getattr(value, "__code__", None)
    return [*names, _code(code)] if isinstance(code, types.CodeType) else names


def _code(code):
    consts = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts if not _unordered(c)]
    return [code.co_code.hex(), code.co_names, code.co_varnames, consts, code.co_filename]


def _unordered(value):
    return isinstance(value, frozenset)
