"""Reading recorded movies from disk."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile

__all__ = ["Recording", "read_movie", "read_recording", "read_validation", "recordings"]


class Recording(NamedTuple):
    """Movies of one recording: counts (n, T, H, W) float32, the file names they came from, and why others were not."""

    images: np.ndarray
    names: list[str]
    skipped: dict[str, str]


def read_movie(path: str | Path, shape: tuple[int, int, int] | None = None) -> np.ndarray:
    """Return the counts of one greyscale tif stack, (T, H, W) float32.

    FileNotFoundError if there is no such file; a damaged one, or one that is not a stack of ``shape`` (default: any
    T, H, W), is a ValueError of one line that names it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file")
    try:
        with tifffile.TiffFile(path) as file:
            pages = [(page.shape, page.dtype) for page in file.pages]
            movie = file.asarray()
    except Exception as error:  # tifffile raises many kinds on damaged files
        raise ValueError(f"{path.name}: not a readable tif file ({str(error).splitlines()[0][:80]})") from error
    if len(set(pages)) != 1 or movie.ndim != 3 or len(pages[0][0]) != 2:
        raise ValueError(f"{path.name}: expected a greyscale stack (T, H, W), found shape {movie.shape}")
    if shape is not None and movie.shape != tuple(shape):
        raise ValueError(f"{path.name}: expected shape {tuple(shape)}, found {movie.shape}")
    return movie.astype(np.float32)


def read_recording(folder: str | Path, shape: tuple[int, int, int] = (16, 64, 64)) -> Recording:
    """Return all movies of this shape in a folder, in the order of their names; others are named, not read.

    ValueError if the folder holds none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder.name}: no such folder")
    movies, skipped = {}, {}
    for path in _stacks(folder):
        try:
            movies[path.name] = read_movie(path, shape)
        except ValueError as error:
            skipped[path.name] = str(error)
    if not movies:
        raise ValueError(f"{folder.name}: holds no movie of shape {tuple(shape)}" + _first(skipped))
    return Recording(np.stack(list(movies.values())), list(movies), skipped)


def read_validation(folder: str | Path) -> np.ndarray:
    """Return the 250 validation tracks of the original, (250, 16, 10, 2) in its "nm" (y, x).

    FileNotFoundError if the file is not there; ValueError if it holds anything else.
    """
    path = Path(folder) / "validation_trajectories.npy"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file")
    try:
        tracks = np.load(path)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path.name}: not a readable array ({str(error).splitlines()[0][:80]})") from error
    if tracks.shape != (50, 5, 160, 2) or not np.isfinite(tracks).all():
        raise ValueError(f"{path.name}: expected finite numbers of shape (50, 5, 160, 2), found {tracks.shape}")
    return tracks.reshape(250, 16, 10, 2).astype(float)


def recordings(folder: str | Path) -> list[str]:
    """Return the names of the folders inside ``folder`` that hold tif stacks, sorted."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder.name}: no such folder")
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and any(_stacks(path)))


def _stacks(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".tif", ".tiff"))


def _first(skipped: dict[str, str]) -> str:
    return f" ({next(iter(skipped.values()))})" if skipped else ""
