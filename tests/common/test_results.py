import json
import subprocess
import types

import numpy as np
import pytest

from helpers.common import checkpoints, places, results

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout with one module, one package, one checkpoint, and no git."""
    for name in ("RESULTS", "CHECKPOINTS", "ROOT"):
        monkeypatch.setattr(places, name, tmp_path / getattr(places, name).relative_to(places.ROOT))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for path in ("wing/walk.py", "wing/__init__.py", "data/checkpoints/net.safetensors"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"one = 1\n")
    return tmp_path


@pytest.fixture
def walk(checkout):
    module = types.ModuleType("wing.walk")
    module.__file__ = str(checkout / "wing" / "walk.py")
    return module


def record(name="slope", values=None, **changes):
    options = {"command": "python -m helpers bench slope", "seeds": range(2), "sources": ["wing/walk.py"]}
    return results.record(name, {"slope": 1.0} if values is None else values, **{**options, **changes})


def test_a_record_says_where_it_comes_from(checkout, walk):
    values = {"slope": np.float32(0.5), "interval": np.array([0.25, 0.75]), "n": 3}
    path = record(values=values, sources=[walk, "wing/walk.py"], weights=["net"], note="two seeds")
    assert path == checkout / "data" / "results" / "slope.json"
    content = results.read("slope")
    assert content["values"] == {"slope": 0.5, "interval": [0.25, 0.75], "n": 3}
    assert content["command"] == "python -m helpers bench slope"
    assert content["seeds"] == [0, 1]
    assert content["note"] == "two seeds"
    assert content["commit"] == "unknown"
    assert list(content["sources"]) == ["wing/walk.py"]
    assert list(content["weights"]) == ["data/checkpoints/net.safetensors"]
    assert set(content["hardware"]) == {"cpu", "cores", "gpu", "python", "torch", "numpy"}
    assert content["hardware"]["cpu"]
    assert content["hardware"]["cores"] >= 1
    assert content["date"].startswith("20")
    assert str(checkout) not in path.read_text()
    assert results.names() == ["slope"]
    assert results.stale("slope") == []


@pytest.mark.parametrize("file", ["wing/walk.py", "data/checkpoints/net.safetensors"])
def test_a_record_goes_stale_with_what_stands_behind_it(checkout, file):
    record(weights=["net"])
    (checkout / file).write_text("one = 2\n")
    assert results.stale("slope") == [file]
    (checkout / file).unlink()
    assert results.stale("slope") == [file]


def test_line_ends_of_code_do_not_matter(checkout):
    record()
    (checkout / "wing" / "walk.py").write_bytes(b"one = 1\r\n")
    assert results.stale("slope") == []


def test_the_commit_is_recorded_and_whether_the_code_differed(checkout):
    subprocess.run([*GIT, "init", "-q"], cwd=checkout, check=True)
    subprocess.run([*GIT, "add", "."], cwd=checkout, check=True)
    subprocess.run([*GIT, "commit", "-qm", "one"], cwd=checkout, check=True)
    head = subprocess.run([*GIT, "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True)
    record("first")
    record("second")  # the first record does not make the code differ
    assert results.read("second")["commit"] == head.stdout.strip()
    (checkout / "wing" / "walk.py").write_text("one = 2\n")
    record("third")
    assert results.read("third")["commit"] == head.stdout.strip() + "+dirty"


@pytest.mark.usefixtures("checkout")
def test_a_missing_or_damaged_record_names_the_command():
    with pytest.raises(results.NoRecord, match="there is no record slope: `python -m helpers bench slope`"):
        results.read("slope")
    path = record()
    for content in (path.read_text()[:-20], "", "3", json.dumps({"values": {}})):
        path.write_text(content)
        with pytest.raises(results.NoRecord, match="the record slope is damaged: `python -m helpers bench slope`"):
            results.read("slope")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "../slope"}, "name"),
        ({"values": {}}, "values"),
        ({"values": {"slope": float("nan")}}, "values"),
        ({"values": {"slope": object()}}, "values"),
        ({"command": ""}, "command"),
        ({"sources": []}, "sources"),
        ({"sources": ["wing/run.py"]}, "sources"),
        ({"sources": ["/etc/hostname"]}, "sources"),
        ({"sources": ["wing/__init__.py"]}, "wing is a package"),
        ({"weights": ["nett"]}, "weights"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_written(checkout, change, named):
    with pytest.raises(ValueError, match=named):
        record(**change)
    assert not (checkout / "data" / "results").exists()


def test_no_shipped_record_is_stale():
    if not results.names():
        pytest.skip("no results are recorded yet")
    assert {name: files for name in results.names() if (files := results.stale(name))} == {}


def test_every_record_names_shipped_weights():
    if not results.names():
        pytest.skip("no results are recorded yet")
    shipped = {checkpoints.weights_file(name).name for name in checkpoints.names()}
    for name in results.names():
        assert {path.rsplit("/", 1)[-1] for path in results.read(name)["weights"]} <= shipped
