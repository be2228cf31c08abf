"""Recorded contact value of hard spheres from many frames: ``python -m helpers bench contact-frames``."""

import numpy as np

from helpers.colloids import structure, suspension
from helpers.common import results

__all__ = ["count_frames"]

N, PHI, FRAMES, SWEEPS, STEP = 2000, 0.45, 60, 100, 0.08


def count_frames() -> None:
    """Record g(r) near contact, of true places at phi = 0.45: 60 frames, 100 sweeps apart."""
    rng = np.random.default_rng([8_500, 45])
    positions, box = suspension.hard_spheres(N, PHI, rng=rng)
    path = suspension.dynamics(positions, box, suspension.diameters(N), FRAMES, SWEEPS, STEP, rng)
    r = np.arange(1.0, 1.305, 0.01)
    g = np.array([structure.g_of_r(frame % box, r, box) for frame in path])
    middles = (r[1:] + r[:-1]) / 2
    value = structure.measured_contact_value(middles, g.mean(0))[0]
    blocks = [structure.measured_contact_value(middles, part.mean(0))[0] for part in np.array_split(g, 10)]
    spread = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
    moved = float(np.sqrt(np.square(path[1:] - path[:-1]).sum(-1).mean()))
    print(f"contact value {value:.3f}({spread:.3f}), theory {structure.contact_value(PHI):.3f}; {moved:.2f} per frame")
    values = {"phi": PHI, "spheres": N, "frames": FRAMES, "r": r, "g": g, "value": value, "standard_error": spread}
    values |= {"rms_step_per_frame": moved}
    command = "python -m helpers bench contact-frames"
    print(
        results.record(
            "contact-frames", values, command=command, seeds=[8_500], sources=[structure, suspension, __file__]
        )
    )
