"""One training in several processes: the first of them speaks and writes, the others only compute."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

__all__ = ["first", "one_voice"]


def first() -> bool:
    """Return True in the first process that torchrun or ``fabric run`` has started, and where there is only one."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def one_voice() -> Iterator[None]:
    """Silence what the other processes print; errors are heard from each."""
    if first():
        yield
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield
