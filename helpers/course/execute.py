"""Execute a notebook cell by cell, and tell of each what came out; runs inside the cage.

``python -m helpers.course.execute --seconds-per-cell 30 < in.ipynb > out.jsonl``: the notebook is read before its
code runs, so that nothing of it lies in the scratch folder, and every cell is written as soon as it ends. A notebook
is plain JSON here: nbformat takes more than a second to start.
"""

import argparse
import contextlib
import json
import secrets
import subprocess
import sys
import time
from queue import Empty

from jupyter_client import KernelManager

__all__ = ["CUT", "Died", "error", "run_notebook"]

MOST_BYTES = 1_000_000  # of the output of one cell
PATIENCE_S = 5  # for a cell to end after it was interrupted
CUT = "\n... cut: one cell may put out 1 MB\n"


class Died(RuntimeError):
    """The kernel is gone."""


def run_notebook(notebook: dict, seconds_per_cell: float, tell) -> None:
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
        for index, cell in enumerate(notebook["cells"]):
            source = "".join(cell["source"])  # one string, or a list of lines
            if cell["cell_type"] == "code" and source.strip():
                try:
                    tell({"cell": index, "outputs": _run_cell(manager, client, source, seconds_per_cell)})
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
    output = {"output_type": message["msg_type"], **message["content"]}
    output.pop("transient", None)
    before, size = size, size + len(json.dumps(output))
    kind = output["output_type"]
    if size > MOST_BYTES and kind != "error":
        if before <= MOST_BYTES:
            outputs.append({"output_type": "stream", "name": "stdout", "text": CUT})
        return size
    if kind == "stream":
        output["name"] = "stdout"
        if outputs and outputs[-1]["output_type"] == "stream":
            outputs[-1]["text"] += output["text"]
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
    elif reply.get("status") != "ok" and not any(output["output_type"] == "error" for output in outputs):
        outputs.append(error(reply.get("ename", "Aborted"), reply.get("evalue", "this cell was not run")))


def error(name: str, words: str) -> dict:
    """Return an output that says that something failed."""
    lines = [f"\x1b[0;31m{name}\x1b[0m: {words}"]
    return {"output_type": "error", "ename": name, "evalue": words, "traceback": lines}


def main() -> None:
    """Read a notebook, write a line of JSON for every cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds-per-cell", type=float, required=True)
    seconds = parser.parse_args().seconds_per_cell
    run_notebook(json.load(sys.stdin), seconds, lambda record: print(json.dumps(record), flush=True))


if __name__ == "__main__":
    main()
