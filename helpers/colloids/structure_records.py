"""Recorded structure and slow motion of hard spheres: ``python -m helpers bench NAME``."""

import numpy as np

from helpers.colloids import io, structure, suspension, topology
from helpers.common import results

__all__ = ["damage_icosahedra", "slow_down"]

PHI = (0.40, 0.44, 0.47, 0.49, 0.505, 0.515, 0.525, 0.535, 0.545)
N, POLYDISPERSITY = 1000, 0.06
STEP = 0.05
WAVE_NUMBER = 7.0  # 1 / diameter: the first peak of S(k)
FRAMES = 240
SNAPSHOTS = 8
ERRORS = {"true": 0.0, "0.03 diameters": 0.03, "0.05 diameters": 0.05}
SEEDS = (0, 1, 2)


def slow_down() -> None:
    """Record the relaxation time and the share of spheres in icosahedra from phi = 0.40 to 0.545, three seeds."""
    rows = {}
    for phi in PHI:
        rows[f"{phi:g}"] = [_at(phi, seed) for seed in SEEDS]
        print(phi, [(row["tau"], row["icosahedra"]) for row in rows[f"{phi:g}"]], flush=True)
    values = {
        "n": N,
        "polydispersity": POLYDISPERSITY,
        "step": STEP,
        "wave_number": WAVE_NUMBER,
        "free_tau": 1 / WAVE_NUMBER**2,
        "phi": rows,
    }
    _record("slow-motion", values, [structure, suspension, topology, __file__], SEEDS)


def _at(phi, seed):
    """Return tau in units of d^2 / D of a free sphere, F_s, and the icosahedra of one suspension."""
    rng = np.random.default_rng([8_000, seed, round(1000 * phi)])
    sizes = suspension.diameters(N, POLYDISPERSITY)
    positions, box = suspension.hard_spheres(N, phi, POLYDISPERSITY, rng)
    lags, sweeps = np.arange(FRAMES // 2), 2
    while True:
        path = suspension.dynamics(positions, box, sizes, FRAMES, sweeps, STEP, rng)
        F = structure.self_intermediate(path, WAVE_NUMBER, lags)
        tau = structure.relaxation_time(lags, F)
        if not np.isnan(tau):
            break
        positions, sweeps = path[-1], 3 * sweeps
    unit = sweeps * STEP**2 / 6
    snapshots = path[np.linspace(0, FRAMES - 1, SNAPSHOTS).astype(int)]
    return {
        "tau": tau * unit,
        "frame": unit,
        "F": F,
        "icosahedra": {name: _share(snapshots, error, box, rng) for name, error in ERRORS.items()},
        "bond_order": structure.bond_order(snapshots[-1] % box, box=box),
    }


def _share(snapshots, error, box, rng):
    found = [
        topology.clusters(structure.damage(places, 0, error, rng) % box, box=box).fractions["10B"]
        for places in snapshots
    ]
    return float(np.mean(found))


MISSING = (0.0, 0.01, 0.02, 0.05, 0.10)
BLURRED = (0.0, 0.01, 0.02, 0.03, 0.05, 0.10)
REPEATS = 5


def damage_icosahedra() -> None:
    """Record what is left of the icosahedra when spheres are missing and places are off, five times each."""
    values = {}
    for name in ("phi52", "phi55"):
        sample, rng = io.configuration(name), np.random.default_rng(8_100)

        def left(missing, error, sample=sample, rng=rng):
            shares = []
            for _ in range(REPEATS if missing or error else 1):
                places = structure.damage(sample.positions, missing, error, rng) % sample.box
                shares.append(topology.clusters(places, box=sample.box).fractions["10B"])
            return shares

        values[name] = {
            "phi": sample.phi,
            "true": left(0, 0)[0],
            "missing": {f"{share:g}": left(share, 0) for share in MISSING},
            "error": {f"{error:g}": left(0, error) for error in BLURRED},
            "both": {f"{error:g}": left(0.05, error) for error in BLURRED},
        }
        print(name, values[name], flush=True)
    _record("damage", values, [io, structure, suspension, topology, __file__], [8_100])


def _record(name, values, sources, seeds):
    command = f"python -m helpers bench {name}"
    print(results.record(name, values, command=command, seeds=seeds, sources=sources))
