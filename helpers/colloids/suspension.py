"""Suspensions of hard spheres in a periodic box: configurations and motion, by Metropolis Monte Carlo.

A sweep is n attempts, each of a sphere drawn at random: a displacement drawn uniformly from a cube of half-side
``step`` is taken unless spheres would overlap. Lengths are in mean diameters, axes are (z, y, x), a box (3,) begins
at 0. ``rng`` is a numpy Generator (default: a new one), and the same one gives the same positions.
"""

import itertools

import numpy as np
from numba import njit
from scipy.spatial import cKDTree
from scipy.special import ndtri

from helpers.common import check

__all__ = ["diameters", "dynamics", "hard_spheres", "images_within", "overlaps", "settle"]

_LOOSE = 0.3  # volume fraction at which the lattice melts
_MELT, _LEAST, _MOST = 300, 4000, 80_000  # sweeps: to melt the lattice, to equilibrate
_ACCEPTED = 0.2  # share of the attempts that moves the spheres furthest in a time: 0.15 to 0.25 at phi 0.45 to 0.55
_STAGE = 1.01  # growth of the volume fraction in one stage of the compression
_AROUND = np.array(sorted(itertools.product((-1, 0, 1), repeat=3), key=lambda d: np.abs(d).sum()))
_ROUNDING = 1e-5  # share of a diameter by which positions rounded to float32 may overlap


def diameters(n: int, polydispersity: float = 0.0) -> np.ndarray:
    """Return n diameters (n,), the smallest first, of mean 1 and standard deviation ``polydispersity``.

    They are 1 + c z_i, z_i being the quantile of a normal distribution at (i + 1/2) / n: nothing is drawn. ValueError
    unless n >= 2 and 0 <= ``polydispersity`` <= 0.2.
    """
    n, spread = check.whole("n", n, at_least=2), check.non_negative_number("polydispersity", polydispersity)
    if spread > 0.2:
        raise ValueError(f"polydispersity must be at most 0.2, got {spread:g}")
    z = ndtri((np.arange(n) + 0.5) / n)
    return 1 + spread * (z - z.mean()) / z.std()


def hard_spheres(n: int, phi: float, polydispersity: float = 0.0, rng=None) -> tuple[np.ndarray, np.ndarray]:
    """Return an equilibrium configuration of a fluid of hard spheres, positions (n, 3), and its cubic box (3,).

    The spheres have ``diameters(n, polydispersity)``, in this order, and fill phi = sum pi d^3 / 6 V of the box. An fcc
    lattice, with spheres on random sites and others left empty, melts at phi <= 0.3 and is compressed in stages of 1 %.
    With a fixed step it is equilibrated until spheres have moved by a diameter (rms), for 4000 sweeps at least and
    80 000 at most, too few above phi = 0.55. A configuration that is a crystal, by its global Q6, is thrown away.
    ValueError unless n >= 32, 0 < phi <= 0.58 and 0 <= ``polydispersity`` <= 0.2. RuntimeError after three attempts:
    above phi = 0.54 spheres of one size may crystallise, take a ``polydispersity`` >= 0.06 there.
    """
    n, phi = check.whole("n", n, at_least=32), check.positive_number("phi", phi)
    if phi > 0.58:
        raise ValueError(f"phi must be at most 0.58, got {phi:g}")
    sizes = diameters(n, polydispersity)
    rng = np.random.default_rng() if rng is None else rng
    for _ in range(3):
        positions, box = _lattice(sizes, min(phi, _LOOSE), rng)
        step = _tuned(positions, box, sizes, _MELT, 0.3, rng)
        positions, box, step = _compressed(positions, box, sizes, phi, step, rng)
        _equilibrate(positions, box, sizes, _tuned(positions, box, sizes, _MELT, step, rng), rng)
        if not (overlaps(positions, box, sizes) or _crystalline(positions, box)):
            return positions, box
    raise RuntimeError(f"phi = {phi:g} gave no fluid in 3 attempts: take a polydispersity >= 0.06, or a smaller phi")


def settle(positions, box, diameters, n_sweeps: int, step: float = 0.1, rng=None) -> np.ndarray:
    """Return positions (n, 3), all within the box, after ``n_sweeps`` more sweeps. Errors as of ``dynamics``."""
    positions, box, sizes = _apart(positions, box, diameters)
    n_sweeps, step = check.whole("n_sweeps", n_sweeps), _allowed(step, box)
    _run(positions, box, sizes, n_sweeps, step, np.random.default_rng() if rng is None else rng)
    return positions


def dynamics(
    positions, box, diameters, n_frames: int, sweeps_per_frame: int, step: float = 0.05, rng=None
) -> np.ndarray:
    """Return a trajectory (n_frames, n, 3) that begins at ``positions`` (n, 3) and does not jump at the border.

    Where every displacement is taken (phi -> 0) the mean squared displacement in t sweeps is 6 D t, D = ``step``^2 / 6.
    At finite phi, of short ones the share 6 phi g(1) <l> is refused (equal spheres), <l> = 0.9606 ``step`` being their
    mean length; so short steps approach Brownian motion without hydrodynamics, D being that of a single sphere.
    ValueError unless all is finite, ``diameters`` (n,) and ``box`` (3,) are positive, the box has two of the largest
    diameters along each axis, ``step`` is at most half of it, and no spheres overlap by more than 1e-5 diameters.
    Source: Sanz & Marenduzzo 2010.
    """
    inside, box, sizes = _apart(positions, box, diameters)
    n_frames, between = check.whole("n_frames", n_frames), check.whole("sweeps_per_frame", sweeps_per_frame)
    step, rng = _allowed(step, box), np.random.default_rng() if rng is None else rng
    path = np.empty((n_frames, *inside.shape))
    path[0] = positions
    for before, after in itertools.pairwise(path):
        after[:] = before
        _run(inside, box, sizes, between, step, rng, after)
    return path


def images_within(positions, box, low, high) -> tuple[np.ndarray, np.ndarray]:
    """Return index (m,) and place (m, 3) of all periodic images of positions (n, 3) from ``low`` to ``high``, (3,).

    The cuboid may be larger than the box, and lie anywhere.
    """
    positions, box = check.finite("positions", positions), np.broadcast_to(check.positive("box", box), 3)
    low, high = np.broadcast_to(check.finite("low", low), 3), np.broadcast_to(check.finite("high", high), 3)
    first, last = np.floor(low / box).astype(int), np.floor(high / box).astype(int)
    shifts = np.array(list(itertools.product(*(range(a, b + 1) for a, b in zip(first, last, strict=True)))))
    inside = positions % box
    places = (inside[None] + (shifts * box)[:, None]).reshape(-1, 3)
    kept = np.flatnonzero(((places >= low) & (places <= high)).all(1))
    return kept % len(positions), places[kept]


def overlaps(positions, box, diameters, tolerance: float = 0.0) -> int:
    """Return the number of pairs of spheres nearer than (1 - ``tolerance``) (d_i + d_j) / 2, across the border too.

    Errors as of ``dynamics``, but spheres may overlap.
    """
    positions, box, sizes = _spheres(positions, box, diameters)
    share = 1 - check.non_negative_number("tolerance", tolerance)
    pairs = cKDTree(positions, boxsize=box).query_pairs(sizes.max(), output_type="ndarray")
    apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    apart -= box * np.round(apart / box)
    return int((np.linalg.norm(apart, axis=1) < share * sizes[pairs].mean(axis=1)).sum())


# --- input ----------------------------------------------------------------------------------------------------------


def _spheres(positions, box, diameters):
    """Return copies of the positions, moved into the box, the box, and the diameters."""
    positions, box, sizes = (
        check.finite("positions", positions),
        check.positive("box", box),
        check.positive("diameters", diameters),
    )
    if positions.ndim != 2 or positions.shape[1] != 3 or not len(positions):
        raise ValueError(f"positions must have shape (n, 3), got {positions.shape}")
    if sizes.shape != (len(positions),):
        raise ValueError(f"diameters must have one entry per position ({len(positions)}), got shape {sizes.shape}")
    if box.shape != (3,) or box.min() < 2 * sizes.max():
        raise ValueError(f"box must be three sides of two largest diameters or more, {2 * sizes.max():g}, got {box}")
    inside = positions - box * np.floor(positions / box)
    inside[inside >= box] = 0  # -1e-20 plus the side is the side
    return inside, box.copy(), sizes.copy()


def _apart(positions, box, diameters):
    """Return the same as ``_spheres``; ValueError if spheres overlap by more than float32 positions may."""
    if n_pairs := overlaps(positions, box, diameters, _ROUNDING):
        raise ValueError(f"positions must not overlap, but {n_pairs} pairs are nearer than their diameter")
    return _spheres(positions, box, diameters)


def _allowed(step, box):
    if (step := check.positive_number("step", step)) > box.min() / 2:
        raise ValueError(f"step must be at most half of the box, {box.min() / 2:g}, got {step:g}")
    return step


# --- from a lattice to a fluid --------------------------------------------------------------------------------------


def _box(sizes, phi):
    return np.full(3, np.cbrt(np.pi / 6 * (sizes**3).sum() / phi))


def _lattice(sizes, phi, rng):
    """Return spheres on random sites of an fcc lattice with a tenth of them empty or more, and the box, at most phi."""
    cells = int(np.ceil(np.cbrt(1.1 * len(sizes) / 4)))
    box = np.maximum(_box(sizes, phi), 1.01 * np.sqrt(2) * cells * sizes.max())  # neighbours: a cell / sqrt 2
    corners = np.stack(np.meshgrid(*3 * [np.arange(cells)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sites = (corners + np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2).reshape(-1, 3)
    return rng.permutation(sites)[: len(sizes)] * box / cells, box


def _tuned(positions, box, sizes, n_sweeps, step, rng):
    """Move the spheres, and return the step with which about a fifth of the attempts is accepted."""
    for _ in range(0, n_sweeps, 5):
        accepted = _run(positions, box, sizes, 5, step, rng)
        step = min(step * np.clip(accepted / _ACCEPTED, 0.8, 1.25), box[0] / 2)
    return step


def _compressed(positions, box, sizes, phi, step, rng, most=200):
    """Return the spheres at phi, their box, and the tuned step; each stage shrinks the box, then the overlaps go."""
    smallest = _box(sizes, phi)
    while box[0] > smallest[0]:
        to = np.maximum(box / np.cbrt(_STAGE), smallest)
        positions, box = positions * (to / box), to
        for _ in range(most):
            step = _tuned(positions, box, sizes, 5, step, rng)
            if not overlaps(positions, box, sizes):
                break
    return positions, box, step


def _equilibrate(positions, box, sizes, step, rng, block=500):
    moved = np.zeros_like(positions)
    for done in range(block, _MOST + 1, block):
        _run(positions, box, sizes, block, step, rng, moved)
        if done >= _LEAST and (moved**2).sum(axis=1).mean() >= 1:
            return


def _crystalline(positions, box):
    """Return whether the global Q6 of the bonds to 12 neighbours is more than that of a fluid.

    By the addition theorem Q6^2 is the mean of P6(cos) over all pairs of bonds; the means of cos^2, cos^4 and cos^6
    are squared norms of the mean tensors of rank 2, 4 and 6. Independent bonds give Q6^2 = 1 / number, fcc 0.575^2.
    """
    near = cKDTree(positions, boxsize=box).query(positions, 13)[1][:, 1:]
    bonds = positions[near] - positions[:, None]
    bonds = (bonds - box * np.round(bonds / box)).reshape(-1, 3)
    u = bonds / np.linalg.norm(bonds, axis=1, keepdims=True)
    pairs = (u[:, :, None] * u[:, None]).reshape(-1, 9)
    triples = (pairs[:, :, None] * u[:, None]).reshape(-1, 27)
    m2, m4, m6 = ((((t.T @ t) / len(t)) ** 2).sum() for t in (u, pairs, triples))
    return np.sqrt((231 * m6 - 315 * m4 + 105 * m2 - 5) / 16) > max(0.06, 5 / np.sqrt(len(u)))


# --- Monte Carlo ----------------------------------------------------------------------------------------------------


def _run(positions, box, sizes, n_sweeps, step, rng, path=None):
    """Make sweeps in place, add every displacement to ``path`` (n, 3), and return the share of attempts accepted."""
    path = np.empty_like(positions) if path is None else path
    most = max(3, int(np.cbrt(4 * len(sizes))))
    grid = np.minimum(box // sizes.max(), most).astype(np.int64)
    return _sweeps(positions, path, box, sizes, grid, n_sweeps, step, rng) / (n_sweeps * len(sizes))


@njit(cache=True)
def _sweeps(positions, path, box, sizes, grid, n_sweeps, step, rng):
    """Return the number of attempts accepted. The cells of the grid are at least as large as the largest sphere."""
    n = len(positions)
    near = _neighbours(grid)
    first, following = np.full(len(near), -1), np.full(n, -1)  # the spheres of a cell are a chain
    for i in range(n):
        _enter(i, _cell(positions[i], box, grid), first, following)
    accepted, move, new = 0, np.empty(3), np.empty(3)
    for _ in range(n_sweeps * n):
        i = int(n * rng.random())
        for k in range(3):
            move[k] = step * (2 * rng.random() - 1)
            new[k] = positions[i, k] + move[k]
            if new[k] < 0:
                new[k] += box[k]
            if new[k] >= box[k]:
                new[k] -= box[k]
        to = _cell(new, box, grid)
        if _blocked(i, new, positions, box, sizes, near[to], first, following):
            continue
        accepted += 1
        at = _cell(positions[i], box, grid)
        if at != to:
            _leave(i, at, first, following)
            _enter(i, to, first, following)
        for k in range(3):
            positions[i, k] = new[k]
            path[i, k] += move[k]
    return accepted


@njit(cache=True)
def _blocked(i, new, positions, box, sizes, near, first, following):
    """Return whether sphere i, put at ``new``, would overlap another and come nearer to it than it is.

    So spheres that overlap part, and those that do not never will.
    """
    for cell in near:
        j = first[cell]
        while j >= 0:
            if j != i:
                contact = (sizes[i] + sizes[j]) ** 2 / 4
                r2 = _distance2(new, positions[j], box)
                if r2 < contact and r2 < _distance2(positions[i], positions[j], box):
                    return True
            j = following[j]
    return False


@njit(cache=True)
def _distance2(a, b, box):
    """Return the squared distance of the nearest images of two points in the box."""
    r2 = 0.0
    for k in range(3):
        d = abs(a[k] - b[k])
        r2 += min(d, box[k] - d) ** 2
    return r2


@njit(cache=True)
def _cell(point, box, grid):
    """Return the number of the cell that holds a point; rounding may not lead out of the grid."""
    number = 0
    for k in range(3):
        number = number * grid[k] + min(int(point[k] * grid[k] / box[k]), grid[k] - 1)
    return number


@njit(cache=True)
def _neighbours(grid):
    """Return the numbers of the 27 cells in and around each cell (cells, 27); a small grid names some of them twice."""
    near = np.empty((grid[0] * grid[1] * grid[2], 27), np.int64)
    for cell in range(len(near)):
        z, y, x = cell // (grid[1] * grid[2]), cell // grid[2] % grid[1], cell % grid[2]
        for m in range(27):
            dz, dy, dx = _AROUND[m]
            near[cell, m] = ((z + dz) % grid[0] * grid[1] + (y + dy) % grid[1]) * grid[2] + (x + dx) % grid[2]
    return near


@njit(cache=True)
def _enter(i, cell, first, following):
    first[cell], following[i] = i, first[cell]


@njit(cache=True)
def _leave(i, cell, first, following):
    if first[cell] == i:
        first[cell] = following[i]
        return
    j = first[cell]
    while following[j] != i:
        j = following[j]
    following[j] = following[i]
