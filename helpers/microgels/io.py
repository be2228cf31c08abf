"""Reading clouds of localisations from disk."""

import math
from pathlib import Path

import numpy as np

from helpers.common import check

__all__ = ["TEMPERATURES_C", "gels", "read_3d", "recordings"]

TEMPERATURES_C = (21, 33, 35, 38, 43, 53)  # of the data set microgels_paint

_N_GELS = 20  # at each temperature
_N_COLUMNS = 5
_FEWEST = 50  # localisations


def read_3d(path: str | Path) -> np.ndarray:
    """Return the localisations of one gel, (N, 3) x, y, z in nm, in the coordinates of the stage.

    A line of the file holds five numbers separated by tabs: x, y, z, an intensity-like value, and the frame number.
    FileNotFoundError if there is no such file. ValueError that names the file, and the line, if one does not hold five
    finite numbers, or if there are fewer than 50.
    """
    return _table(path)[:, :3]


def _table(path: str | Path) -> np.ndarray:
    """Return all columns of a file, (N, 5)."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [_numbers(f"{path.name}, line {number}", line) for number, line in enumerate(lines, 1)]
    if len(rows) < _FEWEST:
        raise ValueError(f"{path.name}: holds {len(rows)} localisations, at least {_FEWEST} are needed")
    return np.array(rows)


def _numbers(place: str, line: str) -> list[float]:
    """Return the numbers of one line."""
    fields = line.split("\t")
    if len(fields) != _N_COLUMNS:
        raise ValueError(f"{place}: expected {_N_COLUMNS} columns separated by tabs, found {len(fields)}")
    try:
        row = [float(field) for field in fields]
    except ValueError as error:
        raise ValueError(f"{place}: holds something other than numbers ({line[:40]!r})") from error
    if not all(map(math.isfinite, row)):
        raise ValueError(f"{place}: holds NaN or infinity")
    return row


def gels(folder: str | Path, temperature_C: int) -> list[np.ndarray]:
    """Return the 20 gels of one of ``TEMPERATURES_C``, a list of clouds (N, 3) in nm; gel i is the file i + 1.

    ``folder`` is that of the data set microgels_paint. ValueError for another temperature; otherwise as ``read_3d``.
    """
    return [read_3d(path) for path in _paths(folder, temperature_C)]


def recordings(folder: str | Path, temperature_C: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same gels with time: a list of (points (N, 3) in nm, frames (N,), the number of the camera frame).

    ``folder`` is that of the data set microgels_paint. ValueError as ``gels``, and if a frame is no whole number.
    """
    tables = {path: _table(path) for path in _paths(folder, temperature_C)}
    for path, table in tables.items():
        broken = np.flatnonzero(table[:, 4] != np.round(table[:, 4]))
        if broken.size:
            found = table[broken[0], 4]
            raise ValueError(f"{path.name}, line {broken[0] + 1}: the frame must be a whole number, found {found:g}")
    return [(table[:, :3], table[:, 4].astype(int)) for table in tables.values()]


def _paths(folder: str | Path, temperature_C: int) -> list[Path]:
    check.choice("temperature_C", temperature_C, TEMPERATURES_C)
    return [Path(folder) / f"{temperature_C}C" / f"{number}.3d" for number in range(1, _N_GELS + 1)]
