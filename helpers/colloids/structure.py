"""Structure and slow motion of a suspension: g(r), S(k), hard-sphere theory, bond order, relaxation.

Positions (N, 3) in particle diameters, axes (z, y, x); r in diameters, k in 1/diameter; phi is the volume fraction.
``box``: None, or the side or three sides of a periodic box.
"""

import math

import numpy as np
from scipy import optimize, signal, special
from scipy.spatial import cKDTree

from helpers.colloids.topology import bonds, checked, clusters, pairs
from helpers.common import check

__all__ = [
    "bond_order",
    "bonds",
    "clusters",
    "compressibility_factor",
    "contact_value",
    "damage",
    "fit_vft",
    "g_of_r",
    "measured_contact_value",
    "percus_yevick_g",
    "percus_yevick_s",
    "relaxation_time",
    "self_intermediate",
    "structure_factor",
    "vft",
]

THEORIES = ("carnahan-starling", "percus-yevick")
_PART = 2048  # particles whose distances to all others are held at a time
_STEPS = 1000  # per diameter, of the Percus-Yevick g(r)


# ---- measured structure ----


def g_of_r(positions, r, box=None, window=None) -> np.ndarray:
    """Return the pair correlation g (n_bins,) between the edges r (n_bins + 1,) of bins: 1 for an ideal gas.

    g = pairs in the bin / (N (N - 1) / V^2 int 4 pi r^2 gamma dr), pairs counted both ways. Periodic box: gamma = V,
    r up to half the smallest side. Otherwise the particles of a cuboid ``window``, sides a, b, c from 0 on (one or
    three) or lower and upper bounds (3, 2), do count, and no others; gamma = V - r (ab + bc + ca) / 2
    + 2 r^2 (a + b + c) / (3 pi) - r^3 / (4 pi) is the volume that the window shares with itself moved by r, mean over
    directions, up to the smallest side. ``window=None``: the bounding box of the positions, a little too small, so
    that g is a little too low. NaN for fewer than two particles. ValueError for r that is not increasing, negative or
    too long. Source: Illian, Penttinen, Stoyan & Stoyan 2008 (isotropised set covariance).
    """
    r = check.non_negative("r", r)
    if r.ndim != 1 or len(r) < 2 or not (np.diff(r) > 0).all():
        raise ValueError(f"r must be increasing edges of bins, got {r}")
    positions, sides = checked(positions, box, r[-1], "r")
    if sides is None:
        positions, sides = _windowed(positions, window, r[-1])
    elif window is not None:
        raise ValueError("window must be None where a periodic box is given")
    n = len(positions)
    if n < 2:
        return np.full(len(r) - 1, np.nan)
    tree = cKDTree(positions, boxsize=None if box is None else sides)
    counts = np.zeros(len(r) - 1)
    for first in range(0, n, _PART):
        part = cKDTree(positions[first : first + _PART], boxsize=tree.boxsize)
        counts += np.histogram(part.sparse_distance_matrix(tree, r[-1], output_type="ndarray")["v"], r)[0]
    if r[0] == 0:
        counts[0] -= n  # of each particle with itself
    return counts * sides.prod() ** 2 / (n * (n - 1) * np.diff(_covered(r, sides, box is not None)))


def _windowed(positions, window, reach):
    """Return the particles in a window, and its sides."""
    if window is None:
        if len(positions) < 2:
            return positions[:0], None
        bounds = np.array([positions.min(0), positions.max(0)]).T
    else:
        bounds = check.finite("window", window)
        if bounds.shape not in [(), (3,), (3, 2)]:
            raise ValueError(f"window must be sides (3,) or lower and upper bounds (3, 2), got shape {bounds.shape}")
        if bounds.shape != (3, 2):
            bounds = np.stack([np.zeros(3), np.broadcast_to(bounds, 3)], axis=1)
    sides = bounds[:, 1] - bounds[:, 0]
    if not reach <= sides.min() * (1 + 1e-12):
        raise ValueError(f"r must be at most the smallest side of the window, {sides.min():g}, got {reach:g}")
    return positions[((positions >= bounds[:, 0]) & (positions <= bounds[:, 1])).all(1)], sides


def _covered(r, sides, periodic):
    """Return int_0^r 4 pi s^2 gamma(s) ds for a periodic box or a window."""
    whole = 4 * np.pi / 3 * sides.prod() * r**3
    if periodic:
        return whole
    a, b, c = sides
    return whole - np.pi / 2 * (a * b + b * c + c * a) * r**4 + 8 / 15 * (a + b + c) * r**5 - r**6 / 6


def structure_factor(positions, box, k_max: float, width: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return k and S(k) of particles in a periodic box, (n_shells,) each, mean over shells of wave vectors.

    S = |sum_j exp(-i k.r_j)|^2 / N for all k = 2 pi n / L, 0 < |k| <= k_max, in 1/diameter. A shell holds the vectors
    of one length or, with ``width``, those of a range of lengths [m width, (m + 1) width); k is the mean length. NaN
    without particles. ValueError for no box, or a k_max below the first vector. Source: Hansen & McDonald 2013.
    """
    k_max = check.positive_number("k_max", k_max)
    width = None if width is None else check.positive_number("width", width)
    if box is None:
        raise ValueError("box must be the side or three sides of a periodic box, got None")
    positions, sides = checked(positions, box)
    if k_max < 2 * np.pi / sides.max():
        raise ValueError(f"k_max must be at least 2 pi / {sides.max():g}, the shortest wave vector, got {k_max:g}")
    most = np.floor(k_max * sides / (2 * np.pi) * (1 + 1e-12)).astype(int)
    nz, ny, nx = np.arange(most[0] + 1), np.arange(-most[1], most[1] + 1), np.arange(-most[2], most[2] + 1)
    wave_y, wave_x = (np.exp(-2j * np.pi * positions[:, i, None] / sides[i] * m) for i, m in ((1, ny), (2, nx)))
    power = np.empty((len(nz), len(ny), len(nx)))
    for m in nz:
        wave_z = np.exp(-2j * np.pi * positions[:, 0] / sides[0] * m)
        power[m] = np.abs((wave_z[:, None] * wave_y).T @ wave_x) ** 2
    n2 = [(2 * np.pi * m / side) ** 2 for m, side in zip((nz, ny, nx), sides, strict=True)]
    k = np.sqrt(n2[0][:, None, None] + n2[1][:, None] + n2[2])
    twice = np.broadcast_to(np.where(nz > 0, 2.0, 1.0)[:, None, None], k.shape)  # -k is as k
    kept = (k > 0) & (k <= k_max * (1 + 1e-12))
    return _shells(k[kept], power[kept] / (len(positions) or np.nan), twice[kept], width)


def _shells(k, S, weight, width):
    """Return the mean k and S of shells of equal k, or of a width."""
    order = np.argsort(k)
    k, S, weight = k[order], S[order], weight[order]
    edge = np.diff(k) > 1e-9 * k[1:] if width is None else np.diff(np.floor(k / width)) > 0
    shell = np.concatenate([[0], np.cumsum(edge)])
    total = np.bincount(shell, weight)
    return np.bincount(shell, weight * k) / total, np.bincount(shell, weight * S) / total


def bond_order(positions, l: int = 6, r_cut: float = 1.4, box=None) -> float:  # noqa: E741
    """Return the global bond-orientational order Q_l of all pairs at most r_cut apart; NaN without any.

    Q_l = [4 pi / (2 l + 1) sum_m |<Y_lm>|^2]^(1/2), <> the mean over all bonds: of order n_bonds^(-1/2) in a fluid,
    Q_6 = 0.5745 in fcc, 0.4848 in hcp, 0.5107 in bcc (14 bonds), 0.3536 in sc. ValueError unless l is even (a bond has
    no direction), and as ``pairs``. Source: Steinhardt, Nelson & Ronchetti 1983.
    """
    if check.whole("l", l, at_least=0) % 2:
        raise ValueError(f"l must be even, got {l}")
    _, step = pairs(positions, r_cut, box)
    length = np.linalg.norm(step, axis=1)
    step, length = step[length > 0], length[length > 0]
    if not len(step):
        return float("nan")
    cosine, angle = step[:, 0] / length, np.arctan2(step[:, 1], step[:, 2])
    total = 0.0
    for m in range(l + 1):
        mean = (special.lpmv(m, l, cosine) * np.exp(1j * m * angle)).mean()
        total += (2 if m else 1) * math.factorial(l - m) / math.factorial(l + m) * abs(mean) ** 2
    return float(np.sqrt(total))


def damage(positions, missing: float, error, rng: np.random.Generator) -> np.ndarray:
    """Return positions (n, 3) without a share ``missing`` (0..1, rounded to whole particles), and with an error.

    The error is Gaussian, its RMS in diameters one number or one per axis (z, y, x). The rest keep their order.
    ValueError for a share outside 0..1, or a negative error.
    """
    positions, _ = checked(positions)
    missing, error = check.non_negative_number("missing", missing), check.non_negative("error", error)
    if missing > 1:
        raise ValueError(f"missing must be a share 0..1, got {missing:g}")
    if error.shape not in [(), (3,)]:
        raise ValueError(f"error must be one number or one per axis, got shape {error.shape}")
    n = len(positions)
    kept = np.sort(rng.permutation(n)[: n - round(missing * n)])
    return positions[kept] + error * rng.standard_normal((len(kept), 3))


# ---- hard spheres in theory ----


def percus_yevick_s(k, phi: float) -> np.ndarray:
    """Return the Percus-Yevick S(k) of hard spheres, shape of k >= 0 in 1/diameter.

    S = 1 / (1 - rho c), rho c = -24 phi int_0^1 (A + 6 phi B r + phi A r^3 / 2) r^2 sin(kr) / (kr) dr with
    A = (1 + 2 phi)^2 / (1 - phi)^4, B = -(1 + phi / 2)^2 / (1 - phi)^4; S(0) = 1 / A. ValueError unless 0 < phi < 1.
    Source: Wertheim 1963, Thiele 1963.
    """
    k, phi = check.non_negative("k", k), _one_phi(phi)
    A, B = (1 + 2 * phi) ** 2 / (1 - phi) ** 4, -((1 + phi / 2) ** 2) / (1 - phi) ** 4
    return 1 / (1 + 24 * phi * (A * _moment(2, k) + 6 * phi * B * _moment(3, k) + phi / 2 * A * _moment(5, k)))


def _moment(p, k):
    """Return int_0^1 r^p sin(kr) / (kr) dr: in closed form, or by its power series where that cancels."""
    series, term = np.zeros_like(k), np.ones_like(k)
    small = np.minimum(k, 2.0)
    for j in range(16):
        series += term / (p + 2 * j + 1)
        term = -term * small**2 / ((2 * j + 2) * (2 * j + 3))
    large = np.maximum(k, 2.0)
    wave, power = np.exp(1j * large), (np.exp(1j * large) - 1) / (1j * large)
    for q in range(1, p):  # int_0^1 r^q exp(ikr) dr, by parts
        power = (wave - q * power) / (1j * large)
    return np.where(k < 2, series, power.imag / large)


def percus_yevick_g(r, phi: float) -> np.ndarray:
    """Return the Percus-Yevick g(r) of hard spheres, shape of r >= 0 in diameters: 0 for r < 1, the contact value at 1.

    r h(r) = 12 phi int_0^1 q(t) (r - t) h(r - t) dt for r > 1, h = g - 1, with q = a (t^2 - 1) / 2 + b (t - 1),
    a = (1 + 2 phi) / (1 - phi)^2, b = -3 phi / (2 (1 - phi)^2), solved from r = 1 outwards by the trapezoid rule
    with two steps, whose errors of second order are taken out. ValueError unless 0 < phi < 1.
    Source: Baxter 1968; Perram 1975.
    """
    r, phi = check.non_negative("r", r), _one_phi(phi)
    n = math.ceil(_STEPS * max(r.max(initial=1.0) - 1, 1)) + 1
    rg = (4 * _perram(phi, 2 * _STEPS, 2 * n)[::2] - _perram(phi, _STEPS, n)) / 3
    return np.where(r < 1, 0.0, np.interp(r, 1 + np.arange(n + 1) / _STEPS, rg) / np.maximum(r, 1.0))


def _perram(phi, steps, n):
    """Return r g(r) at r = 1, 1 + 1 / steps, ... 1 + n / steps, a recursive filter with one diameter of memory."""
    a, b = (1 + 2 * phi) / (1 - phi) ** 2, -1.5 * phi / (1 - phi) ** 2
    t = np.arange(steps + 1) / steps
    kernel = 12 * phi / steps * (a / 2 * (t**2 - 1) + b * (t - 1))
    kernel[0] /= 2
    source = a * (1 + np.arange(n + 1) / steps) - 12 * phi * (a / 8 + b / 6)  # from h = -1 inside
    first = source[0]
    source[: steps + 1] -= kernel * first / 2  # the end of the integral counts half until r = 2
    source[0] = first * (1 - kernel[0])
    return signal.lfilter([1.0], np.concatenate([[1 - kernel[0]], -kernel[1:]]), source)


def contact_value(phi, theory: str = "carnahan-starling"):
    """Return g at contact of hard spheres, shape of phi.

    Carnahan-Starling (1 - phi / 2) / (1 - phi)^3, Percus-Yevick (1 + phi / 2) / (1 - phi)^2. ValueError for another
    theory, or phi outside (0, 1). Source: Carnahan & Starling 1969.
    """
    phi = _inside("phi", phi)
    if check.choice("theory", theory, THEORIES) == "percus-yevick":
        return (1 + phi / 2) / (1 - phi) ** 2
    return (1 - phi / 2) / (1 - phi) ** 3


def compressibility_factor(phi, theory: str = "carnahan-starling"):
    """Return Z = P V / (N k_B T) = 1 + 4 phi g(contact), shape of phi. ValueError as ``contact_value``."""
    return 1 + 4 * _inside("phi", phi) * contact_value(phi, theory)


def measured_contact_value(r_centres, g, fit: tuple[float, float] = (1.0, 1.1)) -> tuple[float, float]:
    """Return g extrapolated to r = 1, and its standard error: a quadratic in r - 1 through ln g of the bins in ``fit``.

    r_centres and g (n,), r in diameters. The error comes from the scatter about the fit; NaN for three bins. Where
    positions have errors, begin the fit beyond the blurred contact, at 1.05. ValueError for fewer than three bins, or
    g <= 0 in one of them.
    """
    r, g = check.finite("r_centres", r_centres), check.numbers("g", g)
    low, high = check.interval("fit", fit)
    if r.ndim != 1 or r.shape != g.shape:
        raise ValueError(f"g must have the shape (n,) of r_centres, got {g.shape} and {r.shape}")
    inside = (r >= low) & (r <= high)
    if inside.sum() < 3 or not (g[inside] > 0).all():
        raise ValueError(f"g must be > 0 in three or more bins with centres in {low:g}..{high:g}, got {g[inside]}")
    design = np.vander(r[inside] - 1, 3, increasing=True)
    value = np.log(g[inside])
    inverse = np.linalg.pinv(design)
    rest = value - design @ (inverse @ value)
    free = len(value) - 3
    error = math.sqrt((rest @ rest) / free * (inverse[0] @ inverse[0])) if free else math.nan
    contact = math.exp(inverse[0] @ value)
    return contact, contact * error


def _inside(name, phi):
    """Return volume fractions, checked."""
    phi = check.finite(name, phi)
    if not ((phi > 0) & (phi < 1)).all():
        raise ValueError(f"{name} must lie between 0 and 1, got {phi}")
    return phi


def _one_phi(phi):
    if np.ndim(phi):
        raise ValueError(f"phi must be one number, got an array of shape {np.shape(phi)}")
    return float(_inside("phi", phi))


# ---- slow motion ----


def self_intermediate(trajectory, k: float, lags) -> np.ndarray:
    """Return F_s(k, t) = <sin(k d) / (k d)> at whole lags in frames, (n_lags,), d the length of a displacement.

    trajectory (frames, N, 3), not wrapped into a box; the mean runs over particles, all starting frames and the
    directions of k (1 / unit of the trajectory). Free Brownian motion: exp(-k^2 D t). ValueError for lags that the
    trajectory does not have. Source: Hansen & McDonald 2013.
    """
    trajectory, k = check.finite("trajectory", trajectory), check.positive_number("k", k)
    if trajectory.ndim != 3 or trajectory.shape[2] != 3 or not trajectory.size:
        raise ValueError(f"trajectory must have shape (frames, N, 3), got {trajectory.shape}")
    frames, lags = len(trajectory), check.finite("lags", lags)
    if lags.ndim != 1 or ((lags < 0) | (lags >= frames) | (lags % 1 > 0)).any():
        raise ValueError(f"lags must be whole numbers of frames, 0..{frames - 1}, got {lags}")
    F = []
    for lag in lags.astype(int):
        length = np.linalg.norm(trajectory[lag:] - trajectory[: frames - lag], axis=2)
        F.append(np.sinc(k * length / np.pi).mean())
    return np.array(F)


def relaxation_time(lags, F) -> float:
    """Return the first lag at which F (n,) falls to 1/e, linear in log lag (from lag 0: in lag); NaN if it does not.

    The unit is that of lags (n,), >= 0 and increasing; NaN too where F starts below 1/e. ValueError for other lags.
    """
    lags, value = check.non_negative("lags", lags), check.finite("F", F)
    if lags.ndim != 1 or not (np.diff(lags) > 0).all():
        raise ValueError(f"lags must be increasing, got {lags}")
    if value.shape != lags.shape:
        raise ValueError(f"F must have the shape of lags, {lags.shape}, got {value.shape}")
    level = math.exp(-1)
    below = np.flatnonzero(value <= level)
    if not len(below) or (not below[0] and value[0] < level):
        return math.nan
    if not below[0]:
        return float(lags[0])
    last = below[0] - 1
    t0, t1 = lags[last : last + 2]
    share = (value[last] - level) / (value[last] - value[last + 1])
    return float(t0 * (t1 / t0) ** share if t0 else t1 * share)


def vft(phi, tau0: float, delta: float, phi0: float):
    """Return tau = tau0 exp(delta phi / (phi0 - phi)), shape of phi, in the unit of tau0; infinite from phi0 on.

    The Vogel-Fulcher-Tammann law with phi for 1 / T: the smaller delta, the more fragile. ValueError for numbers <= 0
    or phi outside (0, 1). Source: Angell 1995; for hard spheres Brambilla et al. 2009.
    """
    phi, tau0 = _inside("phi", phi), check.positive_number("tau0", tau0)
    delta, phi0 = check.positive_number("delta", delta), check.positive_number("phi0", phi0)
    gap = np.where(phi < phi0, phi0 - phi, np.nan)
    return np.where(phi < phi0, tau0 * np.exp(delta * phi / gap), np.inf)[()]


def fit_vft(phi, tau) -> tuple[float, float, float]:
    """Return (tau0, delta, phi0) of ``vft`` by least squares on ln tau, with max(phi) < phi0 <= 1.

    phi and tau (n,), at least three different phi. For each phi0 the rest is a straight line. ValueError for fewer.
    """
    phi, tau = _inside("phi", phi), check.positive("tau", tau)
    if phi.ndim != 1 or phi.shape != tau.shape:
        raise ValueError(f"tau must have the shape (n,) of phi, got {tau.shape} and {phi.shape}")
    if len(np.unique(phi)) < 3:
        raise ValueError(f"phi must hold three different values or more, got {phi}")
    top, value = phi.max(), np.log(tau)

    def line(log_gap):
        x = phi / (top + math.exp(log_gap) - phi)
        delta = np.cov(x, value)[0, 1] / x.var(ddof=1)
        start = value.mean() - delta * x.mean()
        return ((value - start - delta * x) ** 2).sum(), start, delta

    grid = np.linspace(math.log(1e-5), math.log(1 - top), 200)
    best = int(np.argmin([line(log_gap)[0] for log_gap in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        lambda log_gap: line(log_gap)[0], bounds=around, method="bounded", options={"xatol": 1e-10}
    )
    _, start, delta = line(found.x)
    return float(np.exp(start)), float(delta), float(top + math.exp(found.x))
