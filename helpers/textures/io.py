"""Reading segmented micrographs."""

from pathlib import Path

import numpy as np

from helpers.common import check, data

__all__ = ["MICROGRAPHS", "SIDE", "micrographs", "read_micrograph", "regions"]

MICROGRAPHS = ("alloy", "carbonate", "ceramics", "composite", "copolymer", "pmma", "sandstone")
SIDE = 256  # pixels along each side of a micrograph


def micrographs() -> dict[str, np.ndarray]:
    """Return the seven segmented micrographs by name, (256, 256) uint8 each, a pixel being the number of its phase.

    They are those of the data set micrographs, taken from this machine or downloaded. Errors as of ``data.fetch`` and
    ``read_micrograph``.
    """
    folder = data.fetch("micrographs")
    return {name: read_micrograph(folder / f"{name}_resized.npy") for name in MICROGRAPHS}


def read_micrograph(path: str | Path) -> np.ndarray:
    """Return one segmented micrograph, (256, 256) uint8, a pixel being the number of its phase.

    FileNotFoundError if there is no such file; ValueError of one line that names it if it holds anything else, or
    phases that are not numbered 0, 1, ... without a gap.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file")
    try:
        image = np.load(path)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path.name}: not a readable array ({str(error).splitlines()[0][:80]})") from error
    if getattr(image, "shape", None) != (SIDE, SIDE) or image.dtype != np.uint8:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else "an archive of arrays"
        raise ValueError(f"{path.name}: expected uint8 numbers of shape ({SIDE}, {SIDE}), found {found}")
    phases = np.unique(image)
    if len(phases) < 2 or phases[-1] != len(phases) - 1:
        raise ValueError(f"{path.name}: expected phases 0, 1, ..., found {', '.join(map(str, phases[:8]))}")
    return image


def regions(image, size: int) -> np.ndarray:
    """Return the square pieces of an image (H, W) that do not overlap, (n, size, size), row by row from the top left.

    What is left at the right and at the bottom is dropped. The first pieces are the upper ones, so ``[: n // 2]`` and
    ``[n // 2 :]`` are separate regions where the number of rows of pieces is even. ValueError if no piece fits.
    """
    image = np.asarray(image)
    if image.ndim != 2:
        raise ValueError(f"image must have shape (H, W), got {image.shape}")
    size = check.whole("size", size)
    rows, columns = (side // size for side in image.shape)
    if not rows * columns:
        raise ValueError(f"size must be at most the sides of the image, {image.shape}, got {size}")
    pieces = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return pieces.swapaxes(1, 2).reshape(-1, size, size)
