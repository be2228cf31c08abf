"""Reading an archive of labelled nanoparticle images from disk, such as a reader's own."""

import hashlib
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.common import check
from helpers.nanoparticles.particles import COUNTS

__all__ = ["Report", "read_archive"]

_DAMAGED = (OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)


class Report(NamedTuple):
    """What an archive holds: the shape and type of its images, their range as stored, and images per class 1..4.

    ``sha256`` is that of the file; ``as_published`` says whether the classes have the counts of the original.
    """

    shape: tuple[int, int, int]
    dtype: str
    lowest: float
    highest: float
    counts: tuple[int, int, int, int]
    sha256: str
    as_published: bool


def read_archive(path: str | Path, first_label: int | None = None) -> tuple[np.ndarray, np.ndarray, Report]:
    """Return images (N, H, W) float32, labels (N,) int64 in 0..3 for 1-4 particles, and a ``Report``.

    The file is an npz with the arrays ``images`` (N, H, W) and ``labels`` (N,). Labels may count from 0 or from 1;
    where neither 0 nor 4 occurs, ``first_label`` has to say which. Images of an unsigned integer type are divided by
    the largest value of the type, others are returned as they are.
    FileNotFoundError if there is no such file. ValueError of one line that names the file if it is damaged, lacks an
    array, or holds wrong shapes, other labels, NaN or infinity.
    """
    path = Path(path)
    check.choice("first_label", first_label, [None, 0, 1])
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file")
    stored, labels = _arrays(path)
    if stored.ndim != 3 or 0 in stored.shape:
        raise ValueError(f"{path.name}: images must have shape (N, H, W), found {stored.shape}")
    if labels.shape != stored.shape[:1]:
        raise ValueError(f"{path.name}: labels must have shape {stored.shape[:1]}, found {labels.shape}")
    if stored.dtype.kind not in "uif":
        raise ValueError(f"{path.name}: images must be real numbers, found type {stored.dtype}")
    if not np.isfinite(stored).all():
        raise ValueError(f"{path.name}: images hold NaN or infinity")
    labels = _from_zero(path.name, labels, first_label)
    counts = tuple(np.bincount(labels, minlength=len(COUNTS)).tolist())
    lowest, highest = float(stored.min()), float(stored.max())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    report = Report(stored.shape, str(stored.dtype), lowest, highest, counts, digest, counts == COUNTS)
    full = np.iinfo(stored.dtype).max if stored.dtype.kind == "u" else 1
    return (stored / np.float64(full)).astype(np.float32), labels, report


def _arrays(path):
    """Return the arrays images and labels of an npz file."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name}: not a readable npz file (it is no archive)")
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in ("images", "labels") if key not in archive.files]
            arrays = None if missing else tuple(np.asarray(archive[key]) for key in ("images", "labels"))
            found = ", ".join(archive.files) or "nothing"
    except _DAMAGED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:80]
        raise ValueError(f"{path.name}: not a readable npz file ({reason})") from error
    if missing:
        raise ValueError(f"{path.name}: holds no array {missing[0]!r}, found {found}")
    return arrays


def _from_zero(name, labels, first):
    """Return labels as int64 that count from 0."""
    try:
        with np.errstate(invalid="ignore"):
            whole = labels.astype(np.int64)
        same = labels.dtype.kind in "uif" and np.array_equal(whole, labels)
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ValueError(f"{name}: labels must be whole numbers, 1..4 or 0..3")
    lowest, highest = int(whole.min()), int(whole.max())
    if first is None and lowest >= 1 and highest <= 3:
        raise ValueError(f"{name}: labels {lowest}..{highest} may count from 0 or from 1; give first_label")
    if first is None:
        first = int(lowest > 0)
    if lowest < first or highest > first + 3:
        raise ValueError(f"{name}: labels must lie within {first}..{first + 3}, found {lowest}..{highest}")
    return whole - first
