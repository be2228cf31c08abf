"""Lessons through papermill. A kernel takes seconds to start: six of them start here, an actor plays all else."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import ClassVar

import nbformat
import pytest

from helpers.book import lessons, pairs, runner


def into(house):
    return house / "build/executed"


def lesson(name):
    return lessons.find([name])[0]


@pytest.fixture(scope="module")
def first_run(house):
    """Run a good and a failing lesson (two kernels); return the message of the failure."""
    with pytest.raises(runner.NotebookFailed) as caught:
        runner.run(["01", "02"], into=into(house))
    return str(caught.value)


class Actor:
    """Stands in for the process that executes a lesson: says its lines and ends."""

    lines, stderr_text, code = ("cell 1 2", "cpu 1.5"), "", 0
    started: ClassVar[list] = []

    def __init__(self, command, stderr=None, **options):
        self.command, self.options = command, options
        self.stdout = io.StringIO("".join(f"{line}\n" for line in self.lines))
        stderr.write(self.stderr_text)
        stderr.flush()
        type(self).started.append(self)
        output = command[4]
        with open(output, "w", encoding="utf-8") as stream:
            stream.write("{}")

    def wait(self):
        return self.code

    def terminate(self):
        pass


@pytest.fixture
def actor(house, monkeypatch, tmp_path):
    """Let an actor run the lessons, into an empty folder; return it."""
    play = type("Play", (Actor,), {"started": []})
    monkeypatch.setattr(runner.subprocess, "Popen", play)
    monkeypatch.setattr(runner, "EXPLORED", tmp_path / "explored")
    play.into = tmp_path / "executed"
    assert house.exists()
    return play


# ---- with kernels ----


def test_a_good_lesson_is_executed_and_remembered(house, first_run):
    assert "01_good" not in first_run
    folder = into(house) / "01_good"
    facts = runner.executed(lesson("01"), into(house))
    assert (facts["notebook"], facts["profile"], facts["values"]) == ("01_good", "quick", {"PROFILE": "quick"})
    assert facts["cpu_s"] > 0.2
    assert facts["wall_s"] > 0.2
    assert facts["key"] == lessons.cache_key(lesson("01"), "quick", {"PROFILE": "quick"})
    notebook = nbformat.read(folder / "01_good.ipynb", as_version=4)
    printed = [o.text for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"]
    assert printed == ["quick 0 1 notebooks\n", "claim small-seed holds: 0, at most 2\n"]  # no bar, one thread
    (claim,) = json.loads((folder / "claims.json").read_text())
    assert (claim["name"], claim["verdict"]) == ("small-seed", "pass")


def test_a_failing_lesson_names_cell_error_and_path_and_leaves_nothing_to_reuse(house, first_run):
    assert "02_bad: cell " in first_run
    assert " raised ZeroDivisionError: division by zero\n  see build/executed/02_bad/02_bad.ipynb" in first_run
    number = int(first_run.split("cell ")[1].split()[0])
    executed = nbformat.read(into(house) / "02_bad/02_bad.ipynb", as_version=4)
    own = [cell for cell in executed.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    assert own[number - 1].source == "1 / 0"
    assert "before" in str(executed.cells)
    assert runner.executed(lesson("02"), into(house)) is None
    assert not (into(house) / "02_bad/run.json").exists()


@pytest.mark.usefixtures("first_run")
def test_the_second_call_reuses_the_first(house, monkeypatch, capsys):
    monkeypatch.setattr(runner.subprocess, "Popen", None)
    before = (into(house) / "01_good/01_good.ipynb").stat().st_mtime_ns
    assert runner.run(["01"], into=into(house)) == 1
    assert "01_good: unchanged, re-used" in capsys.readouterr().out
    assert (into(house) / "01_good/01_good.ipynb").stat().st_mtime_ns == before


@pytest.mark.usefixtures("first_run")
def test_changed_parameters_are_explored_and_not_asserted(house):
    kept = (into(house) / "01_good/run.json").read_bytes()
    assert runner.run(["01"], changes={"SEED": 7}, into=into(house)) == 1
    folder = house / "build/explored/01_good"
    (claim,) = json.loads((folder / "claims.json").read_text())
    assert (claim["measured"], claim["at_most"], claim["verdict"]) == (7, 2, "explored")
    assert "quick 7 1 notebooks" in (folder / "01_good.ipynb").read_text()
    assert (into(house) / "01_good/run.json").read_bytes() == kept, "the book reads this one"


@pytest.mark.usefixtures("first_run")
def test_refresh_writes_outputs_and_nothing_of_the_run(house, monkeypatch):
    monkeypatch.setenv("HELPERS_DATA_MIRROR", "")  # refresh changes the environment: this restores it
    assert pairs.refresh(["01"]) == 1
    path = lesson("01").ipynb
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert pairs.differences(lesson("01")) == []
    assert "widgets" not in notebook.metadata
    assert "papermill" not in notebook.metadata
    for number, cell in enumerate(notebook.cells):
        assert set(cell.metadata) <= {"tags", "mystnb"}
        assert "injected-parameters" not in cell.metadata.get("tags", [])
        assert cell.id == f"cell-{number:03d}"
    text = path.read_text(encoding="utf-8")
    assert "quick 0 1 notebooks" in text
    assert str(house) not in text
    assert text.endswith("}\n")
    before = path.read_bytes()
    pairs.refresh(["01"])
    assert path.read_bytes() == before, "the same run gives the same file"
    path.unlink()


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks for processes in /proc")
@pytest.mark.parametrize("reach", ["terminal", "process"])
def test_ctrl_c_keeps_what_is_finished_and_leaves_no_kernel(house, reach):
    """A terminal sends Ctrl-C to every process in front of it, ``kill -INT`` to one."""
    pid_file, finished = house / "notebooks/slow.pid", into(house) / "03_fast/run.json"
    pid_file.unlink(missing_ok=True)
    run = subprocess.Popen(
        [sys.executable, "-m", "helpers", "run", "03", "04"],
        cwd=house,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not (finished.exists() and pid_file.exists() and pid_file.read_text()):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)
    kernel = int(pid_file.read_text())
    assert alive(kernel)
    (os.killpg if reach == "terminal" else os.kill)(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert "Traceback" not in out + err
    assert [line for line in err.splitlines() if line] == ["stopped; what was finished is kept"]
    assert "03_fast: " in out
    assert finished.exists()
    assert not (into(house) / "04_slow/run.json").exists()
    end = time.monotonic() + 10
    while alive(kernel) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(kernel), "a kernel goes on in the background"


# ---- without ----


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"changes": {"SEEED": 1}}, r"^01_good has no parameter SEEED; it has PROFILE, SEED$"),
        ({"changes": {"SEED": 1, "b": 1, "a": 1}}, r"has no parameter a, b; it has"),
        ({"changes": {"PROFILE": "full"}}, r"--profile, not with --param$"),
        ({"changes": {"SEED": {1, 2}}}, r"SEED must be a number, a word or a list, got \{1, 2\}$"),
        ({"profile": "fast"}, r"^PROFILE must be one of 'quick', 'full', got 'fast'$"),
        ({"names": ["05"]}, r"^there is no notebook '05'"),
    ],
)
def test_a_wrong_call_is_refused_before_any_kernel_starts(monkeypatch, arguments, message):
    monkeypatch.setattr(runner.subprocess, "Popen", None)
    with pytest.raises(ValueError, match=message):
        runner.run(**{"names": ["01"], **arguments})


def test_no_lesson_at_all_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path)
    with pytest.raises(ValueError, match=r"^there is no notebook to run$"):
        runner.run()


def test_a_lesson_runs_on_one_thread_into_its_folder(actor):
    runner.run(["03"], into=actor.into)
    (process,) = actor.started
    environment = process.options["env"]
    assert environment["HELPERS_RUN_DIR"] == str(actor.into / "03_fast")
    assert environment["HELPERS_CLAIMS"] == "assert"
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS")} == {"1"}
    assert json.loads(process.command[5]) == {"PROFILE": "quick"}


def test_every_change_runs_again_and_force_too(actor, house):
    def runs(**options):
        actor.started.clear()
        assert runner.run(["03"], into=actor.into, **options) == 1
        return len(actor.started)

    assert runs() == 1
    assert runs() == 0
    assert runs(force=True) == 1
    assert (runs(changes={"SEED": 1}), runs(changes={"SEED": 1}), runs(changes={"SEED": 2})) == (1, 0, 1)
    assert (runs(profile="full"), runs(profile="full")) == (1, 0)
    assert runs() == 0, "neither exploring nor the full profile touches the quick run"
    path = house / "notebooks/03_fast.py"
    text = path.read_text()
    try:
        path.write_text(text + "print(2)\n")
        assert (runs(), runs()) == (1, 0)
    finally:
        path.write_text(text)
    assert (runs(), runs()) == (1, 0), "the cache holds one run, and it was of other code"
    (actor.into / "03_fast/03_fast.ipynb").unlink()
    assert runs() == 1, "the executed copy is gone"
    (actor.into / "03_fast/run.json").unlink()
    assert runs() == 1


@pytest.mark.parametrize(
    ("lines", "stderr", "code", "message"),
    [
        (["cell 1 2"], "first\nKernel died\n", 1, "03_fast: stopped: Kernel died"),
        (["cell 1 2"], "", 137, "03_fast: stopped: exit code 137"),
        (["cell 1 2"], "", 0, "03_fast: stopped: exit code 0"),
        (["cell 1 2", "cpu 3.0"], "boom", 1, "03_fast: stopped: boom"),
        (["cpu 121"], "", 0, "03_fast: took 121 CPU s; the profile 'quick' allows 120"),
        (
            ["cell 3 4", 'error {"cell": 3, "name": "ClaimFailed", "value": "claim a FAILS"}'],
            "",
            1,
            "03_fast: cell 3 raised ClaimFailed: claim a FAILS\n  see ",
        ),
    ],
)
def test_a_run_that_fails_is_reported_and_not_remembered(actor, lines, stderr, code, message):
    runner.run(["03"], into=actor.into)
    assert runner.executed(lesson("03"), actor.into)
    actor.lines, actor.stderr_text, actor.code = lines, stderr, code
    with pytest.raises(runner.NotebookFailed) as caught:
        runner.run(["03"], force=True, into=actor.into)
    assert str(caught.value).startswith(message)
    assert runner.executed(lesson("03"), actor.into) is None, "an older success must not hide a failure"
    assert not (actor.into / "03_fast/claims.json").exists()


def test_full_has_no_limit(actor):
    actor.lines = ["cpu 5000"]
    assert runner.run(["03"], profile="full", into=actor.into) == 1


def test_one_lesson_that_fails_stops_no_other_and_all_failures_are_told(actor):
    actor.code = 1
    with pytest.raises(runner.NotebookFailed) as caught:
        runner.run([], into=actor.into)
    assert len(actor.started) == 4
    assert sorted(line.split(":")[0] for line in str(caught.value).splitlines()) == [
        "01_good",
        "02_bad",
        "03_fast",
        "04_slow",
    ]


def test_a_lesson_named_twice_runs_once(actor):
    assert runner.run(["03", "03_fast", "notebooks/03_fast.py"], into=actor.into) == 1
    assert len(actor.started) == 1


def test_much_on_stderr_does_not_block_a_run(house, monkeypatch, tmp_path):
    """A pipe nobody reads is full after 64 kB, and then the lesson would wait for ever."""
    real = subprocess.Popen
    talk = "import sys; sys.stderr.write('x' * 300_000); sys.stderr.write('\\nlast words\\n'); sys.exit(3)"

    def popen(_command, **options):
        process = real([sys.executable, "-c", talk], **options)
        timer = threading.Timer(20, process.kill)
        timer.daemon = True
        timer.start()
        return process

    monkeypatch.setattr(runner.subprocess, "Popen", popen)
    with pytest.raises(runner.NotebookFailed, match=r"03_fast: stopped: last words$"):
        runner.run(["03"], into=tmp_path)
    assert house.exists()
