"""Every cell is run or says why it was not; what it puts out is kept, cut where it is too much."""

import json

import nbformat
import pytest

from helpers.course import execute, outcome


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Return a function that runs some cells in one kernel and gives the notebook and what else was told."""
    monkeypatch.chdir(tmp_path)

    def run(*sources, seconds=20):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        told = []
        execute.run_notebook(json.loads(nbformat.writes(notebook)), seconds, told.append)
        (tmp_path / "told").write_text("\n".join(json.dumps(record) for record in told))
        return notebook, outcome.collect(notebook, tmp_path / "told", "ok")

    return run


def errors(notebook):
    return [[output.ename for output in cell.outputs if output.output_type == "error"] for cell in notebook.cells]


def test_outputs_errors_and_warnings(play):
    notebook, rest = play(
        "x = 2\nx + 1", "1 / 0", "", "import warnings\nwarnings.warn('careful')", "print(x)\nprint(x)"
    )
    assert notebook.cells[0].outputs[0]["data"]["text/plain"] == "3"
    assert errors(notebook) == [[], ["ZeroDivisionError"], [], [], []]
    (warned,) = notebook.cells[3].outputs
    assert (warned.name, "careful" in warned.text) == ("stdout", True)  # or nbgrader would give no points
    assert notebook.cells[4].outputs[0].text == "2\n2\n"
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, None, 3, 4]
    assert rest == {"sound": True, "twice": False}


def test_a_cell_is_interrupted_and_the_next_goes_on(play):
    notebook, _ = play("import time\nx = 1\ntime.sleep(60)", "x", seconds=2)
    assert errors(notebook) == [["KeyboardInterrupt", "TooLong"], []]


def test_a_cell_that_does_not_listen_ends_the_kernel(play, monkeypatch):
    monkeypatch.setattr(execute, "PATIENCE_S", 1)
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    notebook, rest = play("1", stubborn, "3", "", seconds=2)
    assert errors(notebook) == [[], ["Died"], ["NotRun"], []]
    assert "could not be interrupted" in rest["words"]


@pytest.mark.parametrize("code", ["import os\nos._exit(0)", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"])
def test_cells_after_the_end_of_the_kernel_say_that_they_were_not_run(play, code):
    notebook, rest = play("1", code, "3")
    assert errors(notebook) == [[], ["Died"], ["NotRun"]]
    assert rest["died"] == 1


def test_too_much_output_is_cut_and_errors_are_kept(play):
    notebook, _ = play(
        "for i in range(30):\n    print('x' * 100_000, flush=True)\n1 / 0", "print('y' * 10_000_000)", "1"
    )
    assert all(len(json.dumps(cell.outputs)) < 1.1 * execute.MOST_BYTES for cell in notebook.cells)
    assert [execute.CUT in json.dumps(cell.outputs).replace("\\n", "\n") for cell in notebook.cells] == [
        True,
        True,
        False,
    ]
    assert errors(notebook)[0] == ["ZeroDivisionError"]


@pytest.mark.parametrize(
    "code",
    [
        "get_ipython().showtraceback = lambda *a, **k: None",
        "get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)",
    ],
)
def test_an_error_cannot_be_hidden(play, code):
    notebook, rest = play(code, "assert False, 'seen'")
    assert errors(notebook)[1] or not rest["sound"]


def test_a_kernel_that_passes_every_assertion_is_not_sound(play):
    code = """
import ast
class Pass(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Pass())
"""
    notebook, rest = play(code, "assert False")
    assert (errors(notebook), rest) == ([[], []], {"sound": False, "twice": False})


def test_what_was_cut_off_by_the_clock_was_not_run(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(str(i)) for i in range(3)])
    whole = json.dumps({"cell": 0, "outputs": []})
    (tmp_path / "told").write_text(whole + "\n" + json.dumps({"cell": 1, "outputs": []})[:10])
    assert outcome.collect(notebook, tmp_path / "told", "too long") == {"twice": False}
    assert errors(notebook) == [[], ["NotRun"], ["NotRun"]]
    assert "ran too long" in notebook.cells[2].outputs[0].evalue
