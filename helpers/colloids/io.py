"""Reading configurations of hard spheres, and stacks of confocal images."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile

from helpers.colloids import suspension
from helpers.colloids.samples import SAMPLES
from helpers.common import check, data, places

__all__ = ["STACKS", "Configuration", "configuration", "confocal_stack"]

STACKS = {name: f"{name}.tiff" for name in ("katherine", "abraham")} | {
    "small_confocal_image": "small_confocal_image.tif"
}


class Configuration(NamedTuple):
    """Spheres in a periodic box, lengths in mean diameters: ``positions`` (n, 3), ``box`` (3,), ``diameters`` (n,).

    ``phi`` is the share of the box that they fill.
    """

    positions: np.ndarray
    box: np.ndarray
    diameters: np.ndarray
    phi: float


def configuration(name: str) -> Configuration:
    """Return one of the configurations of hard spheres in ``data/samples``, named in ``samples.SAMPLES``.

    No spheres overlap, though positions are rounded to float32. FileNotFoundError if the file is missing, ValueError if
    it is damaged or holds other spheres, each in one line that says how to make it again; ValueError for another name.
    """
    sample = SAMPLES[check.choice("name", name, SAMPLES)]
    path = places.SAMPLES / f"{name}.npz"
    again = f"make it again with helpers.colloids.samples.make({name!r})"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file; {again}")
    try:
        with np.load(path) as file:
            found = [file[key].astype(float) for key in ("positions", "box", "diameters")]
            n_pairs = suspension.overlaps(*found)
    except Exception as error:  # numpy and zipfile raise many kinds on damaged files
        raise ValueError(f"{path.name}: damaged ({str(error).splitlines()[0][:80]}); {again}") from error
    phi = float(np.pi / 6 * (found[2] ** 3).sum() / found[1].prod())
    if n_pairs or len(found[0]) != sample.n or abs(phi - sample.phi) > 1e-6:
        raise ValueError(
            f"{path.name}: expected {sample.n} spheres at phi = {sample.phi:g} without overlaps, "
            f"found {len(found[0])} at {phi:.6g} with {n_pairs}; {again}"
        )
    return Configuration(*found, phi)


def confocal_stack(path_or_name: str | Path) -> np.ndarray:
    """Return a stack of confocal images (Z, Y, X), uint8 or uint16: a tif file, or one of ``STACKS`` by name.

    Those are of the data set confocal, taken from this machine or downloaded; errors as of ``data.fetch``.
    FileNotFoundError if there is no such file; ValueError of one line that names it if it is damaged or no such stack.
    """
    path = Path(path_or_name)
    if str(path_or_name) in STACKS:
        path = data.fetch("confocal") / STACKS[str(path_or_name)]
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file, and none of the stacks {', '.join(STACKS)}")
    try:
        with tifffile.TiffFile(path) as file:
            flat = all(len(page.shape) == 2 for page in file.pages)
            stack = file.asarray()
    except Exception as error:  # tifffile raises many kinds on damaged files
        raise ValueError(f"{path.name}: not a readable tif file ({str(error).splitlines()[0][:80]})") from error
    if not flat or stack.ndim != 3 or stack.dtype not in (np.uint8, np.uint16):
        found = f"{stack.dtype} {stack.shape}"
        raise ValueError(f"{path.name}: expected a grey uint8 or uint16 stack (Z, Y, X), found {found}")
    return stack
