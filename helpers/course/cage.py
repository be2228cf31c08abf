"""Run the code of others: a time, a memory, a place of its own, and what walls the platform has.

On Linux a namespace of its own gives no network, other processes out of sight, chosen folders empty, and everything
but the scratch folder read-only. Where namespaces are not allowed, or on macOS, the limits of time, memory and file
size remain; ``isolation()`` says in words what is there.
"""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

import matplotlib
import psutil

from helpers.common.places import ROOT

__all__ = ["Outcome", "isolation", "run"]

FILE_MIB = 64
MEMORY_MIB = 4096
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX")
WORDS = 2000  # characters kept of what a command says

# Behind the last wall: the walls that stand cannot be taken down from a namespace inside of theirs.
INNER = ["unshare", "--user", "--map-root-user", "--mount", "--"]
OUTER = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
WALLS = {
    "no network, no other processes, nothing but the scratch folder can be written": (
        [*OUTER, "--pid", "--fork", "--kill-child", "--mount-proc", "--"],
        INNER,
    ),
    "no network, nothing but the scratch folder can be written; other processes are seen": ([*OUTER, "--"], INNER),
    "no network, nothing but the scratch folder can be written, but root can undo that; other processes are seen": (
        ["unshare", "--net", "--mount", "--"],
        [],
    ),
}
BUILD_WALLS = r"""
scratch=$1; shift
mount --bind "$scratch" "$scratch" || exit 1
while [ "$1" != -- ]; do mount -t tmpfs -o ro,size=4k hidden "$1" || exit 1; shift; done; shift
while read -r _ _ _ _ raw _; do
  place=$(printf '%b' "$raw")
  case $place in "$scratch" | /proc | /proc/* | /dev | /dev/* | /sys | /sys/*) ;;
    *) mount -o remount,bind,ro "$place" 2>/dev/null || : ;;
  esac
done < /proc/self/mountinfo
cd "$scratch" && exec "$@"
"""


class Outcome(NamedTuple):
    """How a command ended, "ok", "failed" or "too long", and the last words that it said."""

    ended: str
    words: str


def run(
    command: list[str],
    folder: Path,
    seconds: float,
    memory_mib: int = MEMORY_MIB,
    hide: tuple[Path, ...] = (),
    given: IO | None = None,
    answer: IO | None = None,
) -> Outcome:
    """Run a command in a scratch folder, with ``given`` as its input and ``answer`` as its output; kill it in time.

    ``memory_mib`` holds for each process, ``hide`` names folders that it finds empty where the platform allows that.
    Raises RuntimeError on a system that has neither limits nor groups of processes.
    """
    if sys.platform == "win32":
        raise RuntimeError("grading needs Linux or macOS; on Windows use WSL")
    folder = Path(folder).resolve()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            _walled(command, folder, hide),
            cwd=folder,
            env=_environment(folder),
            stdin=given or subprocess.DEVNULL,
            stdout=answer or words,
            stderr=words,
            start_new_session=True,
            preexec_fn=functools.partial(_limit, memory_mib),
        )
        try:
            ended = "failed" if process.wait(timeout=seconds) else "ok"
        except subprocess.TimeoutExpired:
            ended = "too long"
        finally:
            _kill(process)
        words.seek(max(0, words.tell() - WORDS))
        return Outcome(ended, words.read().decode(errors="replace").strip())


def isolation() -> str:
    """Return in words what keeps the code of others away from this machine."""
    limits = f"time, memory and file size ({FILE_MIB} MiB) are limited"
    walls = _walls()
    return f"{limits}; {walls}" if walls else f"{limits}; network and files are open, because namespaces are refused"


@functools.cache
def _walls() -> str:
    """Return the key of the best walls that stand here, found by trying; "" for none."""
    for words in WALLS if sys.platform == "linux" else ():
        with tempfile.TemporaryDirectory() as hidden, tempfile.TemporaryDirectory() as scratch:
            (Path(hidden) / "secret").touch()
            seen = f'touch here && ! test -e "{hidden}/secret" && ! touch "{hidden}/new" && ! test -w "{ROOT}"'
            command = _walled(["sh", "-c", seen], Path(scratch).resolve(), (Path(hidden),), words)
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                if subprocess.run(command, cwd=scratch, capture_output=True, timeout=20, check=False).returncode == 0:
                    return words
    return ""


def _walled(command, folder, hide, words=None):
    words = _walls() if words is None else words
    if not words:
        return command
    outer, inner = WALLS[words]
    hidden = [str(Path(path).resolve()) for path in hide if Path(path).is_dir()]
    return [*outer, "sh", "-c", BUILD_WALLS, "sh", str(folder), *hidden, "--", *inner, *command]


def _environment(folder: Path) -> dict[str, str]:
    """Return a clean environment, with every cache and setting in the scratch folder."""
    home = folder / ".home"
    fonts = home / "matplotlib"
    fonts.mkdir(parents=True, exist_ok=True)
    for known in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):  # seconds to find again
        (fonts / known.name).write_bytes(known.read_bytes())
    for cache in {path.parent for path in ROOT.glob("helpers/*/__pycache__/*.nbi")}:
        _copy_compiled(cache, home)
    in_scratch = ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **dict.fromkeys((*in_scratch, "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), str(home)),
        "MPLCONFIGDIR": str(fonts),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    }


def _copy_compiled(cache: Path, home: Path) -> None:
    """Put what numba compiled for the modules of one folder where it looks for it inside: seconds to do again."""
    from numba.core.caching import _CacheLocator

    place = home / _CacheLocator.get_suitable_cache_subpath(str(cache.parent / "module.py"))
    place.mkdir(exist_ok=True)
    for path in cache.glob("*.nb[ci]"):
        (place / path.name).write_bytes(path.read_bytes())


def _limit(memory_mib: int) -> None:
    """Limit this process, and all that it starts, before it becomes the command."""
    import resource

    memory = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    wanted = {memory: memory_mib << 20, resource.RLIMIT_FSIZE: FILE_MIB << 20, resource.RLIMIT_CORE: 0}
    for kind, most in wanted.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _kill(process: subprocess.Popen) -> None:
    """Kill a command and all that came from it, groups of their own included."""
    family = []
    if process.poll() is None:
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()
    process.wait()
