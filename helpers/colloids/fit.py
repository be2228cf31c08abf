"""Joint least squares of all spheres of an image: each is fitted with all others subtracted, again and again.

A sphere has five parameters: z, y, x, amplitude, diameter. The residual, image minus model, is kept up to date.
"""

import numpy as np
from scipy.spatial import cKDTree

from helpers.colloids import confocal
from helpers.colloids.confocal import add_sphere, compiled, fill, place, within
from helpers.colloids.optics import Optics, ball_on_grid, convolve, peaks

__all__ = ["JointFit"]

SURE = 6.0  # standard errors that the amplitude of a sphere must be above 0
DIAMETERS = 9  # tabulated, over 4 standard deviations to both sides
WIDEST = 0.6  # of the mean: how far tabulated diameters lie from it, at most


@compiled
def _normal_equations(residual, own, values, d_at, d_per_px, per_px, rim, H, g):
    """Write J^T J (lower triangle) and J^T r of one sphere over the voxels that it lights."""
    J, rows = np.empty(5), np.empty((3, values.shape[2]))
    H[:], g[:] = 0.0, 0.0
    z_lo, z_hi = within(own[0], (len(rim) - 1) / per_px, residual.shape[0])
    for z in range(z_lo, z_hi):
        dz = z - own[0]
        far = rim[int(abs(dz) * per_px)]
        fill(rows, values, d_at, per_px, abs(dz), far)
        y_lo, y_hi = within(own[1], far, residual.shape[1])
        for y in range(y_lo, y_hi):
            dy = y - own[1]
            x_lo, x_hi = within(own[2], np.sqrt(max(far * far - dy * dy, 0.0)), residual.shape[2])
            for x in range(x_lo, x_hi):
                dx = x - own[2]
                rho = np.sqrt(dy * dy + dx * dx)
                j = int(rho * per_px)
                b = rho * per_px - j
                across = -own[3] * (rows[0, j + 1] - rows[0, j]) * per_px / max(rho, 1e-9)
                J[0] = -own[3] * (rows[1, j] + b * (rows[1, j + 1] - rows[1, j])) * (1.0 if dz > 0 else -1.0)
                J[1], J[2] = across * dy, across * dx
                J[3] = rows[0, j] + b * (rows[0, j + 1] - rows[0, j])
                J[4] = own[3] * (rows[2, j] + b * (rows[2, j + 1] - rows[2, j])) * d_per_px
                for p in range(5):
                    g[p] += J[p] * residual[z, y, x]
                    for q in range(p + 1):
                        H[p, q] += J[p] * J[q]


@compiled
def _cholesky(H):
    """Replace the lower triangle of H by L, H = L L^T."""
    for p in range(len(H)):
        for q in range(p + 1):
            total = H[p, q]
            for k in range(q):
                total -= H[p, k] * H[q, k]
            H[p, q] = np.sqrt(max(total, 1e-12)) if p == q else total / H[q, q]


@compiled
def _solve(L, g):
    """Replace g by the solution of L L^T x = g."""
    for p in range(len(g)):
        for k in range(p):
            g[p] -= L[p, k] * g[k]
        g[p] /= L[p, p]
    for p in range(len(g) - 1, -1, -1):
        for k in range(p + 1, len(g)):
            g[p] -= L[k, p] * g[k]
        g[p] /= L[p, p]


@compiled
def _sweep(residual, own, errors, moved, todo, mean, weight, noise, values, d0, dd, per_px, rim):
    """Fit the spheres ``todo``, one after the other; ``mean`` and ``weight`` of amplitude and diameter: their prior."""
    H, g = np.empty((5, 5)), np.empty(5)
    for n in todo:
        d_at = place(own[n, 4], d0, dd, len(values))
        _normal_equations(residual, own[n], values, d_at, dd, per_px, rim, H, g)
        for p in range(5):
            g[p] /= noise**2
            for q in range(p + 1):
                H[p, q] /= noise**2
        for p in range(2):
            H[3 + p, 3 + p] += weight[p]
            g[3 + p] += weight[p] * (mean[p] - own[n, 3 + p])
        for p in range(3):
            H[p, p] += 1e-3 / noise**2
        _cholesky(H)
        _solve(H, g)
        moved[n] = max(abs(g[0]), abs(g[1]), abs(g[2]))
        shorter = min(1.0, 1.0 / max(moved[n], 1e-12))
        add_sphere(residual, own[n, 0], own[n, 1], own[n, 2], own[n, 3], values, d_at, per_px, rim)
        for p in range(5):
            own[n, p] += shorter * g[p]
        own[n, 3] = max(own[n, 3], 0.0)
        d_at = place(own[n, 4], d0, dd, len(values))
        add_sphere(residual, own[n, 0], own[n, 1], own[n, 2], -own[n, 3], values, d_at, per_px, rim)
        for p in range(5):
            g[:] = 0.0
            g[p] = 1.0
            _solve(H, g)
            errors[n, p] = np.sqrt(g[p])


class JointFit:
    """All spheres of an image: ``own`` (n, 5) with standard ``errors`` (n, 5), and the ``residual`` (Z, Y, X).

    ``optics`` says how a sphere looks and how much amplitudes and diameters vary: the width of their prior. Errors are
    those of a sphere whose neighbours are known.
    """

    def __init__(self, image, optics: Optics, seeds_px):
        self.image = np.ascontiguousarray(image, dtype=np.float32)
        n = len(seeds_px)
        self.own = np.column_stack([seeds_px, np.full(n, optics.gain), np.full(n, optics.diameter_px)]).astype(float)
        self.errors, self.moved = np.full((n, 5), np.inf), np.full(n, np.inf)
        self.take(optics)

    def take(self, optics: Optics) -> None:
        """Go on with other optics; amplitudes and diameters keep their ratio to the mean."""
        if hasattr(self, "optics"):
            self.own[:, 3] *= optics.gain / self.optics.gain
            self.own[:, 4] *= optics.diameter_px / self.optics.diameter_px
        self.optics = optics
        self._table = confocal.table(confocal.profile(optics.diameter_px * around(optics), optics.psf_sigma_px))
        self.residual = self.image - np.float32(optics.background)
        self._paint(self.own, -1)

    def sweep(self, n: int = 1, tolerance_px: float = 0.0) -> None:
        """Fit every sphere that moved by more than the tolerance last time, n times over."""
        o = self.optics
        mean = np.array([o.gain, o.diameter_px])
        weight = 1 / (mean * np.maximum([o.brightness_spread, o.diameter_spread], [1e-3, 1e-4])) ** 2
        for _ in range(n):
            todo = np.flatnonzero(self.moved > tolerance_px)
            _sweep(self.residual, self.own, self.errors, self.moved, todo, mean, weight, o.noise, *self._table)

    def prune(self, amplitude: float = 0.5, distance: float = 0.65) -> None:
        """Drop spheres fainter than a share of the mean or not surely there, and the fainter of pairs too close.

        ``distance`` in diameters.
        """
        self._drop((self.own[:, 3] < amplitude * self.optics.gain) | (self.own[:, 3] < SURE * self.errors[:, 3]))
        while len(self.own):
            close = cKDTree(self.own[:, :3]).query_pairs(distance * self.optics.diameter_px, output_type="ndarray")
            if not len(close):
                return
            fainter = np.where(self.own[close[:, 0], 3] < self.own[close[:, 1], 3], close[:, 0], close[:, 1])
            once = np.setdiff1d(fainter, close.sum(1) - fainter)
            gone = np.zeros(len(self.own), dtype=bool)
            gone[once if len(once) else fainter[:1]] = True
            self._drop(gone)

    def add(self, amplitude: float = 0.5) -> int:
        """Add a sphere wherever one with at least this share of the mean amplitude is left; return how many.

        The best amplitude of a sphere at x is (T * r)(x) / (T^2 * 1)(x): matched filter over what of it is inside.
        """
        o, T = self.optics, ball_on_grid(self.optics)
        pad = [side // 2 for side in T.shape]
        fits = convolve(np.pad(self.residual, [(p, p) for p in pad]), T)
        whole = convolve(np.pad(np.ones(self.image.shape, np.float32), [(p, p) for p in pad]), T**2)
        best = fits / np.maximum(whole, 0.2 * (T**2).sum())
        found = peaks(best, amplitude * o.gain)[0]
        found -= pad
        if len(self.own) and len(found):
            found = found[cKDTree(self.own[:, :3]).query(found)[0] > 0.5 * o.diameter_px]
        n = len(found)
        new = np.column_stack([found, np.full(n, amplitude * o.gain), np.full(n, o.diameter_px)])
        self._paint(new, -1)
        self.own = np.concatenate([self.own, new])
        self.errors = np.concatenate([self.errors, np.full((n, 5), np.inf)])
        self.moved = np.concatenate([self.moved, np.full(n, np.inf)])
        return n

    def _drop(self, gone):
        self._paint(self.own[gone], 1)
        self.moved[self._close_to(self.own[gone, :3])] = np.inf
        self.own, self.errors, self.moved = self.own[~gone], self.errors[~gone], self.moved[~gone]

    def _close_to(self, places):
        if not len(places):
            return np.zeros(len(self.own), dtype=bool)
        return cKDTree(places).query(self.own[:, :3])[0] < 2 * self.optics.diameter_px

    def _paint(self, spheres, sign):
        confocal.add_spheres(self.residual, spheres * [1, 1, 1, sign, 1], *self._table)


def around(optics: Optics) -> np.ndarray:
    """Return the diameters to tabulate, in units of the mean: from 0.4 to 1.6 where they differ most."""
    spread = min(4 * optics.diameter_spread, WIDEST)
    return np.linspace(1 - spread, 1 + spread, DIAMETERS) if spread > 0 else np.ones(1)


INNER = 4.5  # side, in diameters, of the piece of an image that optics are calibrated on
OPTICS = ("background", "gain", "s_z", "s_rho", "diameter")  # what is calibrated, s being the blur


def calibrate(image, optics: Optics, seeds_px, free=OPTICS, n_rounds: int = 8) -> Optics:
    """Return better ``Optics``: what a piece of the image (Z, Y, X) says when its spheres are fitted, too.

    In turn: a ``step`` of the ``free`` numbers with spheres held, and two sweeps over the spheres. The piece is the
    middle of the image, 4.5 diameters wide, with a margin of spheres that shine into it.
    """
    rim = np.array(ball_on_grid(optics).shape) // 2 + 1
    half = int(INNER * optics.diameter_px / 2)
    middle = np.array(image.shape) // 2
    low, high = np.maximum(middle - half - rim, 0), np.minimum(middle + half + rim, image.shape)
    seeds = seeds_px - low
    near = ((seeds > -optics.diameter_px / 2) & (seeds < high - low + optics.diameter_px / 2)).all(1)
    fit = JointFit(image[tuple(map(slice, low, high))], optics._replace(brightness_spread=0.3), seeds[near])
    fit.sweep(3)
    fit.prune(0.5, 0.6)
    fit.take(fit.optics._replace(brightness_spread=0.05))
    for turn in range(n_rounds):
        fit.take(step(fit, free))
        fit.sweep(2)
        if turn % 2:
            fit.prune(0.5, 0.65)
            fit.add()
    return fit.optics


def step(fit: JointFit, free=OPTICS) -> Optics:
    """Return the optics after one Gauss-Newton step, of 5 % at most, in the middle of a fit, 4.5 diameters wide.

    Spheres keep their places, and their amplitudes and diameters in units of the mean.
    """
    o = fit.optics
    half = int(INNER * o.diameter_px / 2)
    core = tuple(slice(max(0, n // 2 - half), min(n, n // 2 + half)) for n in fit.image.shape)
    now = dict(zip(OPTICS, (o.background, o.gain, *o.psf_sigma_px[:2], o.diameter_px), strict=True))
    size = {name: 1e-2 * (o.gain if name == "background" else now[name]) for name in free}
    share = fit.own / [1, 1, 1, o.gain, o.diameter_px]
    share[:, :3] -= [part.start for part in core]
    sides = np.array([part.stop - part.start for part in core])
    share = share[(np.abs(share[:, :3] - sides / 2) < sides / 2 + np.array(ball_on_grid(o).shape) / 2).all(1)]

    def model(**changes):
        v = now | changes
        shape_of = confocal.profile(v["diameter"] * around(o), (v["s_z"], v["s_rho"], v["s_rho"]))
        volume = np.full(sides, v["background"])
        confocal.paint(volume, share * [1, 1, 1, v["gain"], v["diameter"]], shape_of)
        return volume.ravel()

    here = model()
    J = np.stack([(model(**{name: now[name] + size[name]}) - here) for name in free], axis=1)
    change = np.linalg.lstsq(J, fit.image[core].ravel() - here, rcond=None)[0]
    change *= min(1, 5 / np.abs(change).max())
    v = now | {name: now[name] + part * size[name] for name, part in zip(free, change, strict=True)}
    return o._replace(
        diameter_px=v["diameter"],
        psf_sigma_px=(v["s_z"], v["s_rho"], v["s_rho"]),
        background=v["background"],
        gain=v["gain"],
        noise=1.4826 * float(np.median(np.abs(fit.residual[core]))),
    )
