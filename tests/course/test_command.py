"""``python -m helpers course``: four actions that say what they do, and what they have done."""

import pytest

from helpers.__main__ import parser
from helpers.course import cage, command


@pytest.fixture
def call(capsys):
    """Return a function that takes a command line and gives what was printed."""

    def run(*words):
        command.run(parser().parse_args(["course", *map(str, words)]))
        return capsys.readouterr().out

    return run


@pytest.mark.usefixtures("small")
def test_the_actions_print_what_they_made(call, answers, hand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(cage, "run", lambda *_: cage.Outcome("failed", "this is a test"))
    printed = call("release", "--into", tmp_path / "release", "--zip", tmp_path / "all.zip")
    release = tmp_path / "release" / "a90" / "a90.ipynb"
    assert printed.splitlines() == [str(release), str(tmp_path / "all.zip")]
    handed_in, course = hand_in(release, "anna", answers["good"]), ("--course", tmp_path / "class")
    printed = call("autograde", "a90", handed_in, *course)
    assert printed.startswith("Grading: time, memory and file size (64 MiB) are limited; ")
    assert "anna                 0 of 10, written question to be marked" in printed
    assert "| unchecked: grading broke off, this is a test" in printed
    assert call("feedback", "a90", *course).strip().endswith("feedback")
    assert call("export", *course).strip() == str(tmp_path / "class" / "marks.csv")


@pytest.mark.parametrize("words", [(), ("grade",), ("autograde", "a01"), ("feedback",), ("export", "a01")])
def test_a_wrong_command_line_ends_with_the_usage(words, call, capsys):
    with pytest.raises(SystemExit):
        call(*words)
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "value"), [("seconds", -1), ("seconds-per-cell", 0), ("memory-mib", -5), ("seconds", "nan")]
)
def test_a_limit_that_nobody_could_keep_is_refused_before_anything_is_done(call, tmp_path, limit, value):
    with pytest.raises(ValueError, match=f"--{limit} must be a positive number"):
        call("autograde", "a01", tmp_path, f"--{limit}", value)
