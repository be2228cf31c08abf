"""The camera: from expected photons to counts, with every draw made exactly or read from a table."""

from functools import lru_cache

import numpy as np
from scipy import ndimage, special

from helpers.common import check

__all__ = ["add_noise", "electrons", "electrons_from_table", "poisson_where_lit"]

_CELLS = 65536  # the tables are read with 16 random bits
_FAINT = 0.05  # photons per pixel below which photons are dealt out one by one, see poisson_where_lit
_TABLE_LIMIT = 1e4  # background (photons per pixel) up to which a table is worth building


def add_noise(expected, background=0.0, gain=1.0, offset=0.0, read_noise=0.0, rng=None, exact=True, em=False):
    """Return camera counts, float32: offset + gain (electrons + read_noise x standard normal).

    electrons = Poisson(expected + background), or with ``em`` Gamma(that number, 1), the sum of one exponential
    gain per photoelectron: twice the variance of Poisson at the same mean (excess factor 2).
    ``expected`` (..., H, W) and ``background`` are in photons per pixel, ``gain`` in counts per photon,
    ``offset`` in counts, ``read_noise`` in electrons as seen at the input (its sd in counts is gain x read_noise).

    Every pixel is drawn by itself. ``exact=False`` replaces background and read noise (and the EM gain on the
    background) by one draw from a table of 65536 equally likely values: mean right to 1e-4 sd, variance to 1e-3,
    nothing beyond about 4.3 sd; light from the molecule is drawn exactly in both. It needs one background and one
    read noise for all pixels. Sources: Robbins & Hadwen 2003 (EM gain), Janesick 2007 (photon transfer).
    """
    signal = np.ascontiguousarray(check.non_negative("expected", expected), dtype=np.float32)
    background = check.non_negative("background", background)
    read_noise = check.non_negative("read_noise", read_noise)
    gain, offset = check.positive("gain", gain), check.finite("offset", offset)
    for name, value in {"background": background, "read_noise": read_noise, "gain": gain, "offset": offset}.items():
        if not _fits(value.shape, signal.shape):
            raise ValueError(f"{name} has shape {value.shape}, which does not fit expected {signal.shape}")
        if not exact and name in ("background", "read_noise") and value.size != 1:
            raise ValueError(f"{name} must be one number where exact=False, got shape {value.shape}")
    if not exact and background > _TABLE_LIMIT:
        raise ValueError(f"background must be <= {_TABLE_LIMIT:g} where exact=False, got {background:g}")
    rng = np.random.default_rng() if rng is None else rng
    sample = electrons if exact else electrons_from_table
    counts = sample(signal, background, read_noise, rng, em)
    counts *= gain.astype(np.float32)
    counts += offset.astype(np.float32)
    return counts


def _fits(shape, into):
    """Return True if an array of this shape can be broadcast into the other."""
    return len(shape) <= len(into) and all(a in (1, b) for a, b in zip(shape[::-1], into[::-1], strict=False))


def electrons(signal, background, read_noise, rng, em):
    """Return photoelectrons plus read noise (after EM gain, input-referred), float32; input is taken as checked."""
    if np.size(background) == 1 and np.max(background) <= _TABLE_LIMIT:
        result = _poisson_constant(float(np.max(background)), signal.shape, rng)
    else:
        result = rng.poisson(np.broadcast_to(background, signal.shape)).astype(np.float32)
    noise = rng.standard_normal(signal.shape, dtype=np.float32) if np.any(read_noise) else None
    lit, counts = poisson_where_lit(signal, rng)
    result.reshape(-1)[lit] += counts
    if em:
        result = rng.standard_gamma(result, dtype=np.float32)
    if noise is not None:
        noise *= np.asarray(read_noise, dtype=np.float32)
        result += noise
    return result


def electrons_from_table(signal, background, read_noise, rng, em):
    """Return the same as ``electrons``, with background and read noise drawn from one table of quantiles."""
    table = _quantiles(float(np.max(background)), float(np.max(read_noise)), bool(em))
    result = table.take(_random_cells(signal.size, rng), mode="clip").reshape(signal.shape)
    lit, counts = poisson_where_lit(signal, rng)
    result.reshape(-1)[lit] += rng.standard_gamma(counts, dtype=np.float32) if em else counts
    return result


def _random_cells(size, rng):
    """Return ``size`` uniform 16-bit integers, four from each 64-bit draw."""
    return rng.bit_generator.random_raw(-(-size // 4)).view(np.uint16)[:size]


def poisson_where_lit(signal, rng):
    """Return (flat indices of pixels with signal > 0, float32 Poisson counts there).

    Pixels above ``_FAINT`` are drawn one by one. Below, the total is Poisson and each of its photons picks its
    pixel with probability proportional to the signal: the same joint distribution, at the cost of a few photons.
    """
    flat = signal.reshape(-1)
    lit = np.flatnonzero(flat > 0)
    rate = flat[lit]
    faint = rate <= _FAINT
    counts = np.zeros(rate.size, dtype=np.float32)
    counts[~faint] = rng.poisson(rate[~faint])
    if faint.any():
        edges = np.cumsum(rate[faint], dtype=np.float64)
        picks = np.searchsorted(edges, edges[-1] * rng.random(rng.poisson(edges[-1])), side="right")
        counts[faint] = np.bincount(np.minimum(picks, edges.size - 1), minlength=edges.size)
    return lit, counts


def _poisson_constant(rate, shape, rng):
    """Return Poisson(rate) numbers, float32, by inversion with a guide table, exact to double precision.

    The top 16 bits of the uniform number settle nearly every draw; cells that a step of the distribution
    function crosses hold -1, and only there the remaining bits are drawn and the step is searched for.
    """
    if rate == 0:
        return np.zeros(shape, dtype=np.float32)
    guide, first, cdf = _guide(rate)
    size = int(np.prod(shape))
    cells = _random_cells(size, rng)
    result = guide.take(cells, mode="clip")
    open_cells = np.flatnonzero(result < 0)
    uniform = (cells[open_cells] + rng.random(open_cells.size)) / _CELLS
    result[open_cells] = first + np.searchsorted(cdf, uniform, side="right")
    return result.reshape(shape)


@lru_cache(maxsize=32)
def _guide(rate):
    """Return the guide table of Poisson(rate), the first count it may give, and the distribution function."""
    reach = 12 * np.sqrt(rate) + 30
    first = max(0, int(rate - reach))
    cdf = special.pdtr(np.arange(first, int(rate + reach) + 1), rate)
    edges = np.searchsorted(cdf, np.arange(_CELLS + 1) / _CELLS, side="right")
    guide = np.where(edges[:-1] == edges[1:], first + edges[:-1], -1).astype(np.float32)
    return guide, first, cdf


@lru_cache(maxsize=32)
def _quantiles(background, read_noise, em):
    """Return the 65536 mid-cell quantiles of background photoelectrons (after EM gain) plus read noise, float32."""
    middles = (np.arange(_CELLS) + 0.5) / _CELLS
    if not em and read_noise == 0:
        _, first, cdf = _guide(background)
        return (first + np.searchsorted(cdf, middles, side="right")).astype(np.float32)
    width = np.sqrt((1 + em) * background + read_noise**2)
    x = np.linspace(max(-6 * read_noise, background - 7 * width), background + 8 * width + 16 * (background > 0), 16385)
    cdf = _em_distribution(x, background, read_noise) if em else _distribution(x, background, read_noise)
    return np.interp(middles, np.maximum.accumulate(cdf), x).astype(np.float32)


def _distribution(x, background, read_noise):
    """Return P(Poisson(background) + read_noise z <= x), a sum of Gaussian steps."""
    _, first, cdf = _guide(background)
    result = np.zeros_like(x)
    for count, weight in enumerate(np.diff(cdf, prepend=0.0), start=first):
        if weight > 1e-9:
            result += weight * special.ndtr((x - count) / read_noise)
    return result


def _em_distribution(x, background, read_noise):
    """Return P(Gamma(Poisson(background), 1) + read_noise z <= x).

    Without read noise: an atom exp(-b) at 0 and the density sqrt(b / x) exp(-b - x) I1(2 sqrt(b x)) above it.
    """
    above = np.maximum(x, 1e-12)
    root = np.sqrt(background / above)
    density = root * np.exp(-((np.sqrt(above) - np.sqrt(background)) ** 2)) * special.i1e(2 * above * root) * (x > 0)
    step = x[1] - x[0]
    smooth = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) * step / 2)])
    smooth *= -np.expm1(-background) / max(smooth[-1], 1e-300)
    if read_noise == 0:
        return smooth + np.exp(-background) * (x >= 0)
    smooth = ndimage.gaussian_filter1d(smooth, read_noise / step, mode="nearest", truncate=6)
    return smooth + np.exp(-background) * special.ndtr(x / read_noise)
