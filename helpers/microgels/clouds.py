"""Clouds of localisations: the fuzzy sphere, a microgel that shrinks when it gets warm, and how clouds are handled."""

from typing import NamedTuple

import numpy as np
from scipy import special

from helpers.common import check

__all__ = [
    "NOISE_NM",
    "SIZE_SPREAD",
    "Swelling",
    "are_clouds",
    "centred",
    "check_cloud",
    "check_clouds",
    "fuzzy_sphere",
    "fuzzy_sphere_density",
    "nearest",
    "simulate",
    "swelling",
    "thinned",
]

NOISE_NM = (20.0, 20.0, 51.0)  # standard deviation of the localisation error along x, y and z
SIZE_SPREAD = 0.07  # relative standard deviation of the size from gel to gel

_TRANSITION_C, _WIDTH_C = 34.35, 2.78
_COLDEST_C, _HOTTEST_C = 15.0, 60.0
_COUNTED_C = (21, 33, 35, 38, 43, 53)
_COUNT = (3100, 1800, 2900, 3800, 5900, 6800)  # median number of localisations of a gel
_COUNT_SPREAD = (0.33, 0.34, 0.32, 0.42, 0.59, 0.64)  # standard deviation of its logarithm


class Swelling(NamedTuple):
    """The state of a microgel: ``swollen`` runs from 1 (cold) to 0 (hot), and everything else follows it.

    Radii and fuzz in nm are those in the plane; ``z_aspect`` is height over width of a gel flattened on its support.
    """

    swollen: np.ndarray
    shell_radius_nm: np.ndarray
    core_radius_nm: np.ndarray
    core_weight: np.ndarray
    fuzz_nm: np.ndarray
    z_aspect: np.ndarray


def swelling(temperature_C) -> Swelling:
    """Return the state of a simulated microgel at one or many temperatures, 15..60 degC.

    S = 1 / (1 + exp((T - 34.35) / 2.78)), and every quantity is q_hot + (q_cold - q_hot) S. The numbers are a fit to
    120 PAINT clouds of core-shell microgels at six temperatures (data set microgels_paint).
    """
    temperature = check.finite("temperature_C", temperature_C)
    if not ((temperature >= _COLDEST_C) & (temperature <= _HOTTEST_C)).all():
        raise ValueError(f"temperature_C must lie within {_COLDEST_C:g}..{_HOTTEST_C:g} degC, got {temperature_C}")
    swollen = special.expit((_TRANSITION_C - temperature) / _WIDTH_C)
    ends = [(226.0, 127.0), (147.0, 45.5), (0.08, 0.83), (54.0, 25.0), (0.61, 0.73)]
    return Swelling(swollen, *(hot + (cold - hot) * swollen for cold, hot in ends))


def fuzzy_sphere(n: int, radius_nm: float, fuzz_nm: float, rng: np.random.Generator) -> np.ndarray:
    """Return n points (n, 3) in nm of a fuzzy sphere about the origin: x = R U^(1/3) e + s g.

    U is uniform in 0..1, e a random direction, g standard normal: a box convolved with a Gaussian of width s, so that
    Rg^2 = 3 R^2 / 5 + 3 s^2. Source: Stieger et al. 2004.
    """
    n = check.whole("n", n, at_least=0)
    radius, fuzz = check.positive_number("radius_nm", radius_nm), check.non_negative_number("fuzz_nm", fuzz_nm)
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return radius * np.cbrt(rng.random((n, 1))) * direction + fuzz * rng.standard_normal((n, 3))


def fuzzy_sphere_density(r_nm, radius_nm: float, fuzz_nm: float) -> np.ndarray:
    """Return the density of a fuzzy sphere at the distances r from its centre, in 1/nm^3; it integrates to 1.

    rho(r) = 3 / (4 pi R^3) {[erf((r + R) / s sqrt 2) - erf((r - R) / s sqrt 2)] / 2
             - s / (r sqrt(2 pi)) [exp(-(r - R)^2 / 2 s^2) - exp(-(r + R)^2 / 2 s^2)]},
    with its limit at r = 0; ``fuzz_nm=0`` is the sharp sphere. Any shape of ``r_nm``. Source: Stieger et al. 2004.
    """
    r = check.non_negative("r_nm", r_nm)
    radius, fuzz = check.positive_number("radius_nm", radius_nm), check.non_negative_number("fuzz_nm", fuzz_nm)
    sharp = 3 / (4 * np.pi * radius**3)
    if fuzz < 1e-9 * radius:
        return sharp * np.heaviside(radius - r, 0.5)
    inside = special.ndtr((radius - r) / fuzz) - special.ndtr(-(radius + r) / fuzz)
    u = 2 * r * radius / fuzz**2
    ratio = np.divide(-np.expm1(-u), u, out=np.ones_like(u), where=u > 0)  # (1 - exp(-u)) / u
    edge = 2 * radius / (fuzz * np.sqrt(2 * np.pi)) * np.exp(-((r - radius) ** 2) / (2 * fuzz**2)) * ratio
    return sharp * np.maximum(inside - edge, 0)  # rounding far outside


def simulate(
    temperature_C: float, n_gels: int, rng: np.random.Generator | None = None, n_points: int | None = None
) -> list[np.ndarray]:
    """Return simulated microgels, a list of clouds (N, 3) in nm about the origin, at one temperature, 15..60 degC.

    Each localisation belongs to a fuzzy sphere, the core with probability ``core_weight``, else the shell; both share
    the fuzz of ``swelling``, and both, fuzz included, are flattened along z by ``z_aspect``. The gel as a whole is
    larger or smaller by a factor 1 + 0.07 g, g standard normal; then the error ``NOISE_NM`` is added. N is log-normal
    with the median and the spread of the 120 real clouds, interpolated between their temperatures and kept within two
    standard deviations, or it is ``n_points``.
    Against the real clouds the mean of the median r is right to 4 nm at all six temperatures; the width along z is 10 %
    too large at 38 and too small at 43 degC, and hot gels differ less in size than real ones. The model is symmetric
    about z and its localisations are independent; real ones are neither quite.
    """
    temperature = check.finite("temperature_C", temperature_C)
    if temperature.ndim:
        raise ValueError(f"temperature_C must be one number, got an array of shape {temperature.shape}")
    state, n_gels = swelling(temperature), check.whole("n_gels", n_gels)
    rng = np.random.default_rng() if rng is None else rng
    if n_points is None:
        median = np.exp(np.interp(temperature, _COUNTED_C, np.log(_COUNT)))
        spread = np.interp(temperature, _COUNTED_C, _COUNT_SPREAD)
        typical = np.clip(rng.standard_normal(n_gels), -2, 2)
        counts = np.rint(median * np.exp(spread * typical)).astype(int)
    else:
        counts = np.full(n_gels, check.whole("n_points", n_points))
    sizes = 1 + SIZE_SPREAD * rng.standard_normal(n_gels)
    return [_gel(state, int(n), size, rng) for n, size in zip(counts, sizes, strict=True)]


def _gel(state: Swelling, n: int, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return one cloud (n, 3), core and shell in random order."""
    n_core = rng.binomial(n, state.core_weight)
    core = fuzzy_sphere(n_core, state.core_radius_nm, state.fuzz_nm, rng)
    shell = fuzzy_sphere(n - n_core, state.shell_radius_nm, state.fuzz_nm, rng)
    points = size * rng.permutation(np.concatenate([core, shell])) * [1, 1, state.z_aspect]
    return points + rng.standard_normal((n, 3)) * NOISE_NM


def centred(points_nm) -> np.ndarray:
    """Return a cloud (N, 3) moved so that its per-axis median lies at the origin.

    A few far localisations move the mean of a gel, but not its median.
    """
    points = check_cloud("points_nm", points_nm)
    return points - np.median(points, axis=0)


def nearest(points_nm, keep: float) -> np.ndarray:
    """Return those ``keep`` N (rounded up) rows of a cloud (N, 3) that lie nearest to the origin, nearest first."""
    points, keep = check_cloud("points_nm", points_nm), check.positive_number("keep", keep)
    if keep > 1:
        raise ValueError(f"keep must be <= 1 (the share of the points that is kept), got {keep:g}")
    order = np.argsort(np.linalg.norm(points, axis=1), kind="stable")
    return points[order[: int(np.ceil(keep * len(points) - 1e-9))]]


def thinned(points_nm, n_points: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``n_points`` rows of a cloud (N, 3), drawn at random without repetition; all of them if it has no more."""
    points = check_cloud("points_nm", points_nm)
    n_points = min(check.whole("n_points", n_points), len(points))
    return rng.choice(points, n_points, replace=False, shuffle=False)


def check_cloud(name: str, points_nm, at_least: int = 1) -> np.ndarray:
    """Return a cloud as floats; ValueError unless it has shape (N, 3), ``at_least`` points, and is finite."""
    points = check.finite(name, points_nm)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"{name} must have shape (N, 3), got {points.shape}")
    if len(points) < at_least:
        raise ValueError(f"{name} must hold at least {at_least} points, got {len(points)}")
    return points


def are_clouds(value) -> bool:
    """Return True for a list (or an array) of clouds, False for one cloud and for anything else."""
    if isinstance(value, list | tuple):
        return len(value) > 0 and np.ndim(value[0]) == 2
    return np.ndim(value) == 3


def check_clouds(name: str, clouds, at_least: int = 1) -> list[np.ndarray]:
    """Return a list of clouds; ValueError unless it is a list (or an array) of at least so many clouds (N, 3)."""
    if not are_clouds(clouds):
        raise ValueError(f"{name} must be a list of clouds of shape (N, 3)")
    if len(clouds) < at_least:
        raise ValueError(f"{name} must hold at least {at_least} clouds, got {len(clouds)}")
    return [check_cloud(f"{name}[{number}]", cloud) for number, cloud in enumerate(clouds)]
