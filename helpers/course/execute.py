"""Execute a notebook cell by cell, and tell of each what came out; runs inside the cage.

``python -m helpers.course.execute --seconds-per-cell 30 < in.ipynb > out.jsonl``: the notebook is read before its
code runs, so that nothing of it lies in the scratch folder, and every cell is written as soon as it ends.
``collect`` puts the outputs back into the notebook, and an error into every cell that was not run: nbgrader gives full
marks to a silent cell.
"""

import argparse
import contextlib
import json
import secrets
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty

import nbformat
from jupyter_client import KernelManager

__all__ = ["Died", "collect", "error", "fail", "run_notebook"]

MOST_BYTES = 1_000_000  # of the output of one cell
PATIENCE_S = 5  # for a cell to end after it was interrupted
CUT = "\n... cut: one cell may put out 1 MB\n"


class Died(RuntimeError):
    """The kernel is gone."""


def run_notebook(notebook, seconds_per_cell: float, tell) -> None:
    """Run all cells of code in one kernel and call ``tell(record)`` after each, until all are run or the kernel dies.

    A last assertion, which no cell can know, has to fail: a kernel in which it passes grades nothing.
    """
    manager = KernelManager(kernel_name="python3", transport="ipc", ip="kernel", connection_file="kernel.json")
    nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager.start_kernel(extra_arguments=["--HistoryManager.hist_file=:memory:"], **nothing)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and cell.source.strip():
                try:
                    tell({"cell": index, "outputs": _run_cell(manager, client, cell.source, seconds_per_cell)})
                except Died as error:
                    tell({"died": index, "words": str(error)})
                    return
        word = secrets.token_hex(8)
        with contextlib.suppress(Died):
            last = _run_cell(manager, client, f"assert False, {word!r}", seconds_per_cell)
            tell({"sound": any(o.get("ename") == "AssertionError" and o.get("evalue") == word for o in last)})
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _run_cell(manager, client, source: str, seconds: float) -> list[dict]:
    """Run one cell and return its outputs; the cell is interrupted in time, a kernel that does not listen is ended."""
    request = client.execute(source, allow_stdin=False, stop_on_error=False)
    outputs, size, late = [], 0, False
    deadline = time.monotonic() + seconds
    while True:
        if time.monotonic() > deadline:
            if late:
                manager.shutdown_kernel(now=True)
                raise Died(f"it ran longer than {seconds:g} s and could not be interrupted")
            late, deadline = True, time.monotonic() + PATIENCE_S
            manager.interrupt_kernel()
        try:
            message = client.get_iopub_msg(timeout=0.5)
        except Empty:
            if not manager.is_alive():
                raise Died("the kernel died: out of memory, or ended by the code") from None
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            break
        if kind in ("stream", "display_data", "execute_result", "error"):
            size = _keep(outputs, message, size)
    _note_error(outputs, _reply(manager, client, request), seconds if late else None)
    return outputs


def _keep(outputs: list[dict], message: dict, size: int) -> int:
    """Append an output unless the cell has put out too much already; return the bytes of all until now.

    What goes to stderr goes to stdout: a warning is no error, but nbgrader counts it as one.
    """
    output = nbformat.v4.output_from_msg(message)
    before, size = size, size + len(json.dumps(output))
    if size > MOST_BYTES and output.output_type != "error":
        if before <= MOST_BYTES:
            outputs.append(nbformat.v4.new_output("stream", text=CUT))
        return size
    if output.output_type == "stream":
        output.name = "stdout"
        if outputs and outputs[-1].output_type == "stream":
            outputs[-1].text += output.text
            return size
    outputs.append(output)
    return size


def _reply(manager, client, request: str) -> dict:
    for _ in range(20):
        with contextlib.suppress(Empty):
            message = client.get_shell_msg(timeout=0.5)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]
        if not manager.is_alive():
            break
    raise Died("the kernel died: out of memory, or ended by the code")


def _note_error(outputs: list[dict], reply: dict, late: float | None) -> None:
    """See to it that a cell which failed, or was interrupted, holds an error, whatever its code did to hide that."""
    if late:
        outputs.append(error("TooLong", f"this cell ran longer than {late:g} s and was interrupted"))
    elif reply.get("status") != "ok" and not any(output.output_type == "error" for output in outputs):
        outputs.append(error(reply.get("ename", "Aborted"), reply.get("evalue", "this cell was not run")))


def error(name: str, words: str):
    """Return an output that says that something failed."""
    return nbformat.v4.new_output("error", ename=name, evalue=words, traceback=[f"\x1b[0;31m{name}\x1b[0m: {words}"])


def fail(notebook, name: str, words: str, graded_only: bool = False) -> None:
    """Put an error into every cell of code, or only into those that give points."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (not graded_only or cell.metadata.get("nbgrader", {}).get("grade")):
            cell.outputs = [*cell.outputs, error(name, words)]


def collect(notebook, told: Path, ended: str) -> dict:
    """Put what ``run_notebook`` told into a notebook; return what else it told: "died", "words", "sound", "twice".

    A cell that was not run gets an error that says so; ``ended`` is how the cage ended. A cell told "twice" was told
    by someone else, too.
    """
    seen, rest = {}, {"twice": False}
    for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):  # the last line may be cut
            record = json.loads(line)
            if "cell" in record:
                rest["twice"] |= record["cell"] in seen
                seen[record["cell"]] = [nbformat.from_dict(output) for output in record["outputs"]]
            else:
                rest |= {key: record[key] for key in ("died", "words", "sound") if key in record}
    why = {"too long": "the notebook ran too long and was ended"}.get(ended, "the kernel was gone")
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs = seen.get(index, [])
        if index == rest.get("died"):
            cell.outputs = [error("Died", rest["words"])]
        elif index in seen:
            cell.execution_count = 1 + sum(i < index for i in seen)
        elif cell.source.strip():
            cell.outputs = [error("NotRun", f"this cell was not run, because {why}")]
    nbformat.validate(notebook)
    return rest


def main() -> None:
    """Read a notebook, write a line of JSON for every cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds-per-cell", type=float, required=True)
    seconds = parser.parse_args().seconds_per_cell
    notebook = nbformat.reads(sys.stdin.read(), as_version=4)
    run_notebook(notebook, seconds, lambda record: print(json.dumps(record), flush=True))


if __name__ == "__main__":
    main()
