"""``make test``: every gate a change has to pass, in order, each timed, none allowed to check nothing."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable

from helpers.book import pairs, real_data, runner, site
from helpers.common.places import BUILD, NOTEBOOKS, ROOT

__all__ = ["GateFailed", "run_gates"]


class GateFailed(RuntimeError):
    """A gate found something, or found nothing to check."""


def run_gates() -> None:
    """Pass every gate in order; GateFailed names the first that does not hold."""
    start, times = time.monotonic(), []
    for name, gate in GATES.items():
        print(f"\n== {name}", flush=True)
        begin = time.monotonic()
        count = gate()
        if not count:
            raise GateFailed(f"gate '{name}' checked nothing; a gate that checks nothing is a bug")
        times.append(f"{name:<12} {count:>5} checked {time.monotonic() - begin:7.1f} s")
        print(f"== {times[-1]}", flush=True)
    print("\n".join(["", *times, f"all gates passed in {time.monotonic() - start:.0f} s"]), flush=True)


def _call(*arguments: str, environment: dict | None = None) -> str:
    """Run ``python ARGUMENTS`` in the checkout, showing and returning its output; GateFailed if it fails."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    if process.wait():
        raise GateFailed(f"`python {' '.join(arguments[:3])} ...` failed; its output stands above")
    return "".join(lines)


def _pytest(*arguments: str, environment: dict | None = None) -> int:
    """Run pytest on one thread a worker and return how many tests passed."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    output = _call("-m", "pytest", "-q", *arguments, environment={**os.environ, **threads, **(environment or {})})
    match = re.findall(r"(\d+) passed", output)
    return int(match[-1]) if match else 0


def _lint() -> int:
    """Check style, format and the layers of the package; return how many import contracts hold."""
    _call("-m", "ruff", "check", ".")
    _call("-m", "ruff", "format", "--check", ".")
    contracts = _call("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    return len(re.findall(r"\bKEPT\b", contracts))


def _unit() -> int:
    return _pytest("-n", "2", "--dist", "worksteal", "tests", "--ignore=tests/book", "--ignore=tests/course")


def _notebooks() -> int:
    """Run every lesson; where the real data are, what is recorded of them must belong to what the lessons claim."""
    count = runner.run()
    print(f"claims on real data whose record holds: {real_data.check() or 'not looked at, the data are not here'}")
    return count


def _stored_outputs() -> int:
    """Execute the committed notebooks again and compare the cells tagged ``nbval-check-output``."""
    stored = [str(path.relative_to(ROOT)) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    if not stored:
        return 0
    recorded = runner.environment(BUILD / "nbval")
    return _pytest(
        "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", "--nbval-lax", *stored, environment=recorded
    )


def _site() -> int:
    return len(list(site.build().parent.rglob("*.html")))


def _browser() -> int:
    return _pytest("tests/book")


def _course() -> int:
    return _pytest("-n", "2", "--dist", "loadgroup", "tests/course")


GATES: dict[str, Callable[[], int]] = {
    "lint": _lint,
    "unit tests": _unit,
    "pairs": pairs.check,
    "notebooks": _notebooks,
    "outputs": _stored_outputs,
    "book": _site,
    "browser": _browser,
    "course": _course,
}
