"""Stacks whose spheres are known, to try trackers on: hard spheres at rest, seen by a simulated confocal microscope.

A trial is cut from a periodic configuration, so that spheres beyond its faces shine in, as in a real sample.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.colloids import confocal, suspension, topology
from helpers.colloids.io import Configuration
from helpers.colloids.optics import Optics
from helpers.colloids.scoring import Score, inner, score
from helpers.common import atomic, places

__all__ = ["CASES", "Case", "Trial", "configuration", "cut", "icosahedra", "trackpy_grid", "trackpy_table"]

DIAMETER_PX = 10.0
PSF_SIGMA_PX = (4.0, 1.5, 1.5)
SIDE = 125
BACKGROUND = 0.1


class Case(NamedTuple):
    """A volume fraction, a polydispersity, a signal-to-noise ratio."""

    phi: float
    polydispersity: float
    snr: float


CASES = (Case(0.45, 0.0, 20), Case(0.52, 0.0, 5), Case(0.55, 0.06, 20), Case(0.55, 0.06, 5), Case(0.55, 0.06, 2))


class Trial(NamedTuple):
    """A stack (Z, Y, X), and what is in it: centres (n, 3) px within the stack, diameters (n,) px, true ``Optics``."""

    image: np.ndarray
    centres: np.ndarray
    diameters_px: np.ndarray
    optics: Optics

    def score(self, found: pd.DataFrame, edge: float = 1.5) -> Score:
        """Return the ``Score`` of a table."""
        where = found[["z", "y", "x"]].to_numpy()
        return score(where, self.centres, self.optics.diameter_px, self.image.shape, edge)


def configuration(phi: float, polydispersity: float, seed: int, n: int = 2048) -> Configuration:
    """Return hard spheres that belong to a seed; made once (up to a minute) and kept in the build folder."""
    path = places.BUILD / "colloids" / f"trial-{n}-{phi:g}-{polydispersity:g}-{seed}.npz"
    if not path.is_file():
        positions, box = suspension.hard_spheres(n, phi, polydispersity, np.random.default_rng(seed))
        atomic.write(path, lambda to: _save(to, positions, box))
    with np.load(path) as kept:
        return Configuration(kept["positions"], kept["box"], suspension.diameters(n, polydispersity), phi)


def _save(path, positions, box):
    with path.open("wb") as stream:
        np.savez(stream, positions=positions, box=box)


def cut(
    known: Configuration,
    snr: float | None,
    rng: np.random.Generator,
    side: int = SIDE,
    diameter_px: float = DIAMETER_PX,
    psf_sigma_px=PSF_SIGMA_PX,
    brightness_spread: float = 0.0,
    **options,
) -> Trial:
    """Return a trial: a cube of ``side`` px at a random place of a configuration; ``options`` go to the image."""
    margin = 0.5 * known.diameters.max() + confocal.REACH * np.array(psf_sigma_px) / diameter_px
    low = rng.random(3) * known.box
    index, where = suspension.images_within(
        known.positions, known.box, low - margin, low + (side - 1) / diameter_px + margin
    )
    centres, sizes = (where - low) * diameter_px, known.diameters[index] * diameter_px
    light = np.maximum(1 + brightness_spread * rng.standard_normal(len(centres)), 0.2)
    options = {"background": BACKGROUND, "brightness": light} | options
    image = confocal.image(centres, sizes, psf_sigma_px, (side,) * 3, snr, rng, **options)
    seen = ((centres >= -0.5) & (centres <= side - 0.5)).all(1)
    mean, spread = float(np.mean(sizes)), float(np.std(sizes) / np.mean(sizes))
    noise = 0.0 if snr is None else 1 / snr
    optics = Optics(
        mean, tuple(psf_sigma_px), options["background"], 1.0, noise, known.phi, max(brightness_spread, 0.01), spread
    )
    return Trial(image, centres[seen], sizes[seen], optics)


def icosahedra(where, trial: Trial, edge: float = 1.5) -> float:
    """Return the share of the places (n, 3) px, away from the faces, that are in a defective icosahedron (10B)."""
    where = np.reshape(where, (-1, 3))
    members = topology.clusters(where / trial.optics.diameter_px).members["10B"]
    away = inner(where, trial.image.shape, edge * trial.optics.diameter_px)
    return float(members[away].mean()) if away.any() else 0.0


# ---- the classical tracker ----

DIAMETERS = ((9, 5, 5), (11, 5, 5), (11, 7, 7), (13, 7, 7), (11, 9, 9), (11, 11, 11))
SEPARATIONS = ((6, 5, 5), (7, 6, 6), (7, 7, 7), (8, 8, 8), (9, 8, 8))
FAINTEST = (0.0, 0.3, 0.5)  # of the median mass


def trackpy_table(image, diameter=(11, 7, 7), separation=None, faintest: float = 0.0) -> pd.DataFrame:
    """Return what trackpy finds in a stack; spheres lighter than ``faintest`` times the median mass are left out.

    ``separation=None`` is trackpy's own: the diameter + 1 in each direction.
    """
    import trackpy

    trackpy.quiet()
    found = trackpy.locate(image, diameter, separation=separation)
    return found[found["mass"] >= faintest * found["mass"].median()]


def trackpy_grid(trial: Trial, scale: float = 1.0, edge: float = 1.5) -> pd.DataFrame:
    """Return recall and precision of every setting, best F1 = 2 / (1 / recall + 1 / precision) first.

    ``scale`` multiplies the lengths of the grid, for spheres of another diameter than 10 px. ``edge`` as in ``score``.
    """
    rows = []
    for diameter, separation in product(DIAMETERS, SEPARATIONS):
        diameter = tuple(2 * int(scale * side / 2) + 1 for side in diameter)
        separation = tuple(float(scale * side) for side in separation)
        whole = trackpy_table(trial.image, diameter, separation)
        for faintest in FAINTEST:
            found = whole[whole["mass"] >= faintest * whole["mass"].median()]
            recall, precision = trial.score(found, edge)[:2]
            f1 = 2 * recall * precision / max(recall + precision, 1e-9)
            rows.append((diameter, separation, faintest, recall, precision, f1))
    columns = ["diameter", "separation", "faintest", "recall", "precision", "F1"]
    return pd.DataFrame(rows, columns=columns).sort_values("F1", ascending=False, ignore_index=True)
