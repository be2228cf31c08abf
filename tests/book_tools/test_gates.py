import pytest

from helpers import gates


@pytest.fixture
def passed(monkeypatch):
    """Replace the gates by three that note when they are passed; return the list of notes and the gates."""
    notes = []
    table = {name: lambda name=name: notes.append(name) or 3 for name in ("first", "second", "third")}
    monkeypatch.setattr(gates, "GATES", table)
    return notes, table


def test_gates_are_passed_in_order_and_timed(passed, capsys):
    gates.run_gates()
    assert passed[0] == ["first", "second", "third"]
    out = capsys.readouterr().out
    assert "all gates passed in" in out
    assert out.count("3 checked") == 6  # one line as it happens, one in the summary


@pytest.mark.parametrize("nothing", [0, None])
def test_a_gate_that_checks_nothing_fails(passed, nothing):
    notes, table = passed
    table["second"] = lambda: nothing
    with pytest.raises(gates.GateFailed, match=r"gate 'second' checked nothing"):
        gates.run_gates()
    assert notes == ["first"]


def test_no_gate_comes_after_one_that_fails(passed, capsys):
    notes, table = passed

    def fail():
        raise gates.GateFailed("drift")

    table["first"] = fail
    with pytest.raises(gates.GateFailed, match=r"^drift$"):
        gates.run_gates()
    assert notes == []
    assert "all gates passed" not in capsys.readouterr().out


def test_tests_that_pass_are_counted_and_failing_ones_stop_the_gate(tmp_path):
    suite = tmp_path / "test_suite.py"
    suite.write_text("import os\ndef test_a(): assert os.environ['OMP_NUM_THREADS'] == '1'\ndef test_b(): pass\n")
    assert gates._pytest(str(suite), "-p", "no:cacheprovider") == 2
    suite.write_text("def test_a(): pass\ndef test_b(): assert False\n")
    with pytest.raises(gates.GateFailed, match=r"`python -m pytest -q \.\.\.` failed"):
        gates._pytest(str(suite), "-p", "no:cacheprovider")


def test_a_suite_of_skipped_tests_checks_nothing(tmp_path):
    suite = tmp_path / "test_suite.py"
    suite.write_text("import pytest\ndef test_a(): pytest.skip('no browser')\n")
    assert gates._pytest(str(suite), "-p", "no:cacheprovider") == 0


def test_the_output_of_a_gate_is_shown_and_returned(capfd):
    assert gates._call("-c", "import sys; print('out'); print('err', file=sys.stderr)").splitlines() == ["out", "err"]
    assert "err" in capfd.readouterr().out


def test_every_gate_of_the_design_is_there():
    order = list(gates.GATES)
    wanted = ["lint", "unit tests", "pairs", "notebooks", "outputs", "book", "browser"]
    assert [name for name in order if name in wanted] == wanted
