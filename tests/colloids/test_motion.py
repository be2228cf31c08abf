"""Our tables go through trackpy's linking as they are; free walkers give 6 D t."""

import numpy as np
import pandas as pd
import pytest

from helpers.colloids import motion, suspension, tracking
from helpers.colloids.optics import Optics


def as_tables(path_px):
    """Return what ``track`` would give for a trajectory (frames, n, 3), frame after frame."""
    optics = Optics(8.0, (2.0, 1.0, 1.0), 0.0, 1.0, 0.1, 0.1)
    frames = []
    for number, places in enumerate(path_px):
        own = np.column_stack([places, np.ones(len(places)), np.full(len(places), 8.0)])
        frames.append(tracking.table(own, np.zeros_like(own), optics, (1000, 1000, 1000)).assign(frame=number))
    return pd.concat(frames, ignore_index=True)


def test_dilute_spheres_keep_their_names_and_diffuse_in_three_dimensions():
    rng = np.random.default_rng(0)
    positions, box = suspension.hard_spheres(256, 0.02, rng=rng)
    step, sweeps = 0.05, 4
    path = suspension.dynamics(positions, box, suspension.diameters(256), 60, sweeps, step, rng)
    tracks = motion.link(as_tables(8 * path + 200), search_range=4, pos_columns=["z", "y", "x"])
    lengths = tracks.groupby("particle").size()
    assert (lengths == 60).mean() > 0.99
    msd = motion.emsd(tracks, mpp=1 / 8, fps=1, max_lagtime=10, pos_columns=["z", "y", "x"])
    D = step**2 / 6 * sweeps
    assert msd.loc[1] == pytest.approx(6 * D, rel=0.03)
    assert msd.loc[10] == pytest.approx(60 * D, rel=0.1)
    assert motion.imsd(tracks, 1 / 8, 1, 10, pos_columns=["z", "y", "x"]).shape == (10, len(lengths))
