"""The command line: every verb explains itself; what goes wrong is one line and an exit code."""

import argparse
import os
import subprocess
import sys

import pytest

from helpers import __main__ as command_line
from helpers import doctor, gates
from helpers.book import pairs, runner, site, speeds
from helpers.common import checkpoints as weights
from helpers.common import data as real_data
from helpers.common import places

VERBS = [
    "bench",
    "book",
    "check",
    "checkpoints",
    "course",
    "data",
    "doctor",
    "faults",
    "lab",
    "mutants",
    "new",
    "notebooks",
    "run",
    "test",
    "train",
]


def verbs():
    (action,) = [a for a in command_line.parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return action.choices


def call(*arguments):
    """Return the exit code of ``python -m helpers ARGUMENTS``, in this process."""
    try:
        return command_line.main(list(arguments))
    except SystemExit as stop:
        return stop.code


@pytest.fixture
def calls(monkeypatch):
    """Note what the verbs would do instead of doing it."""
    notes = []

    def note(name, result=None):
        return lambda *given, **named: notes.append((name, given, named)) or result

    monkeypatch.setattr(runner, "run", note("run", 1))
    monkeypatch.setattr(site, "build", note("site", "build/site"))
    monkeypatch.setattr(gates, "run_gates", note("gates"))
    monkeypatch.setattr(pairs, "refresh", note("refresh", 1))
    monkeypatch.setattr(command_line.subprocess, "call", note("lab", 0))
    return notes


def test_the_verbs_of_the_design_are_there():
    assert set(VERBS) <= set(verbs())


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_and_option_explains_itself(verb, capsys):
    assert call(verb, "--help") == 0
    out, err = capsys.readouterr()
    assert err == ""
    parser = verbs()[verb]
    assert len(parser.description) > 15
    assert " ".join(parser.description.split()) in " ".join(out.split())
    assert verb in out.splitlines()[0]


def test_the_top_lists_every_verb(capsys):
    assert call("--help") == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in VERBS)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("run", "--param", "SEED"),
        ("run", "--param", "=1"),
        ("run", "--param", "two words=1"),
        ("run", "--speed", "fast"),
        ("data",),
        ("data", "steal"),
        ("checkpoints", "fetch"),
        ("train",),
        ("lab", "--port", "door"),
    ],
)
def test_a_wrong_command_line_is_two(arguments, capsys):
    assert call(*arguments) == 2
    err = capsys.readouterr().err
    assert "usage: python -m helpers" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nothing"), "there is no notebook 'nothing'; the lessons are 0"),
        (("run", "01", "--profile", "fast"), "PROFILE must be one of 'quick', 'full', got 'fast'"),
        (("run", "01", "--param", "SPEED=1"), "has no parameter SPEED; it has PROFILE, SEED"),
        (("run", "01", "--param", "PROFILE=full"), "set the profile with --profile"),
        (("run", "01", "--param", "SEED={1, 2}"), "SEED must be a number, a word or a list"),
        (("notebooks", "nothing"), "there is no notebook 'nothing'"),
        (("check", "nothing"), "there is no notebook 'nothing'"),
        (("new", "01_light", "Light"), "number 01 is taken by 01_physics_of_diffusion"),
        (("train", "nothing"), "there is no training 'nothing'; there are tracks"),
        (("train", "tracks", "--profile", "fast"), "PROFILE must be one of 'quick', 'full', got 'fast'"),
        (("bench", "nothing"), "there is no benchmark 'nothing'; there are "),
        (("data", "fetch", "nothing"), "dataset must be one of "),
        (("data", "verify", "nothing"), "dataset must be one of "),
        (("data", "list", "nothing"), "dataset must be one of "),
    ],
)
def test_an_unknown_name_is_one_line_and_one(arguments, words, capsys, monkeypatch):
    monkeypatch.setattr(runner.subprocess, "Popen", None)  # nothing is started
    for name in ("HELPERS_DATA_MIRROR", "HELPERS_DATA_CACHE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # `notebooks` hides the data: restored after the test
    assert call(*arguments) == 1
    out, err = capsys.readouterr()
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1, err
    assert words in err
    assert out == ""


def test_data_that_are_not_here_say_how_to_get_them(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("HELPERS_DATA_MIRROR", raising=False)
    monkeypatch.setenv("HELPERS_DATA_CACHE", str(tmp_path))
    name = real_data.datasets()[0]
    assert call("data", "list") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(real_data.datasets())
    assert call("data", "verify", name) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"python -m helpers data fetch {name}" in line
    monkeypatch.setenv("HELPERS_DATA_MIRROR", str(tmp_path / "missing"))
    assert call("data", "list") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "HELPERS_DATA_MIRROR must name a folder" in line


def test_a_damaged_checkpoint_is_one(capsys, monkeypatch):
    assert call("checkpoints", "verify") == 0
    assert "tracks" in capsys.readouterr().out
    rows = [("tracks", True, "fine"), ("other", False, "damaged; rebuild it with X")]
    monkeypatch.setattr(weights, "verify", lambda: rows)
    assert call("checkpoints", "verify") == 1
    out, err = capsys.readouterr()
    assert "damaged; rebuild it with X" in out
    assert len(err.splitlines()) == 1


def test_book_runs_the_lessons_and_says_where_it_is(calls, capsys):
    assert call("book") == 0
    assert [name for name, *_ in calls] == ["run", "site"]
    assert "build/site" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ([], "quick", {}, False)),
        (("01", "02", "--force"), (["01", "02"], "quick", {}, True)),
        (("--profile", "full"), ([], "full", {}, False)),
        (
            (
                "01",
                "--param",
                "A=1",
                "--param",
                "B=-2.5e-3",
                "--param",
                "C=word",
                "--param",
                "D=[1, 2]",
                "--param",
                "E='1'",
            ),
            (["01"], "quick", {"A": 1, "B": -2.5e-3, "C": "word", "D": [1, 2], "E": "1"}, False),
        ),
        (("--param", "A=b=c", "--param", "F=True"), ([], "quick", {"A": "b=c", "F": True}, False)),
    ],
)
def test_run_hands_on_what_was_typed(calls, arguments, expected):
    assert call("run", *arguments) == 0
    ((name, given, named),) = calls
    assert (name, given, named) == ("run", expected, {})


def test_lab_warns_where_a_claim_fails(calls):
    assert call("lab", "--port", "9999") == 0
    ((_, (command,), named),) = calls
    assert command[1:] == ["-m", "jupyterlab", "--port=9999"]
    assert named["env"]["HELPERS_CLAIMS"] == "warn"
    assert named["cwd"] == places.NOTEBOOKS


def test_lab_that_cannot_start_is_one(calls, monkeypatch, capsys):
    monkeypatch.setattr(command_line.subprocess, "call", lambda *_, **__: 1)
    assert call("lab") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert calls == []


def test_notebooks_and_test_do_what_they_say(calls):
    assert call("notebooks", "01") == call("test") == 0
    assert calls == [("refresh", (["01"],), {}), ("gates", (), {})]


def test_every_training_and_bench_exists():
    for kind, table in (("training", command_line.TRAININGS), ("benchmark", command_line.BENCHES)):
        for name in table:
            assert callable(command_line._registered(kind, table, name))


def test_train_and_bench_hand_on_their_options(monkeypatch):
    notes = []
    monkeypatch.setattr(
        command_line, "_registered", lambda kind, _, name: lambda **options: notes.append((kind, name, options))
    )
    monkeypatch.setitem(speeds.NEEDS, "two-point", "no_such_package")
    assert call("train", "tracks", "--resume") == call("train", "tracks", "--profile", "quick") == call("bench") == 0
    assert notes == [
        ("training", "tracks", {"profile": "full", "resume": True}),
        ("training", "tracks", {"profile": "quick", "resume": False}),
        *[("benchmark", name, {}) for name in speeds.MEASURED if name != "two-point"],
    ]


def test_what_another_command_writes_elsewhere_needs_no_checkout_that_can_be_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command_line.os, "access", lambda *_: False)
    monkeypatch.setattr("helpers.course.command.run", lambda options: print(options.action))
    assert call("course", "export", "--course", str(tmp_path)) == 0
    assert call("course", "export") == 1
    assert capsys.readouterr().err.startswith("RuntimeError: this checkout cannot be written to")


@pytest.mark.parametrize("error", [ValueError, RuntimeError, OSError, ZeroDivisionError])
def test_what_goes_wrong_is_one_line(monkeypatch, capsys, error):
    monkeypatch.setattr(doctor, "report", lambda: (_ for _ in ()).throw(error("the disk is full")))
    assert call("doctor") == 1
    assert capsys.readouterr().err == f"{error.__name__}: the disk is full\n"


def test_a_bug_is_not_hidden(monkeypatch):
    monkeypatch.setattr(doctor, "report", lambda: {}["no such key"])
    with pytest.raises(KeyError):
        call("doctor")


def test_ctrl_c_is_130_and_says_what_is_kept(monkeypatch, capsys):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "report", stop)
    assert call("doctor") == 130
    assert [line for line in capsys.readouterr().err.splitlines() if line] == ["stopped; what was finished is kept"]


def test_it_works_from_another_folder(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "checkpoints", "verify"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "tracks" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_exit_codes_reach_the_shell(tmp_path):
    wrong = [sys.executable, "-m", "helpers", "run", "nothing"]
    done = subprocess.run(wrong, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "there is no notebook 'nothing'" in done.stderr
    done = subprocess.run([sys.executable, "-m", "helpers"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage: python -m helpers" in done.stderr
