"""Progress bars, all through one door, so that a recorded run stays free of them."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

__all__ = ["bar", "silent", "track"]

T = TypeVar("T")


def silent() -> bool:
    """Return True where output is recorded (``HELPERS_RUN_DIR`` is set): no bar is drawn there."""
    return bool(os.environ.get("HELPERS_RUN_DIR"))


def bar(label: str, total: int | None = None, unit: str = "it", initial: int = 0) -> tqdm:
    """Return a progress bar to be moved by hand with ``.update(n)`` and closed with ``.close()``."""
    return tqdm(
        desc=label, total=total, unit=unit, initial=initial, disable=silent(), file=sys.stdout, dynamic_ncols=True
    )


def track(iterable: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items of ``iterable`` behind a progress bar called ``label``."""
    yield from tqdm(iterable, desc=label, total=total, disable=silent(), file=sys.stdout, dynamic_ncols=True)
