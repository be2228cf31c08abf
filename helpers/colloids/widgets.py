"""The live figure of the colloids wing."""

import numpy as np
import traitlets

from helpers.colloids import confocal
from helpers.colloids.scoring import inner
from helpers.common import check
from helpers.common.widgets import Widget

__all__ = ["TrackedSlices", "page_noise", "slices_data"]

_MOST_BYTES = 200_000
_WORD = 65535  # the largest number of 16 bits
_HIGHEST = 2.0  # higher candidates are packed as this high
_WINDOW = 4.5  # diameters: g(r) is taken up to 2.5 of them, a diameter away from all faces


def page_noise(shape, seed: int, part: tuple[int, int] | None = None) -> np.ndarray:
    """Return the standard normal noise (Z, Y, X) of the stack that ``slices.js`` paints: what both know of a seed.

    Voxel i = (z Y + y) X + x has number i of ``normal(uniform(seed))`` in ``widget.js``: of the uniform numbers u, the
    pair z = sqrt(-2 ln u_2k) (cos, sin)(2 pi u_2k+1) is that of voxels 2k and 2k + 1 (Box and Muller). ``part``:
    first slice and the one after the last, all of them if None. ValueError for a shape that is not (Z, Y, X), a seed
    beyond 32 bits, or slices that the stack does not have.
    """
    shape, seed = _stack_shape(shape), _seed(seed)
    first, last = (0, shape[0]) if part is None else part
    if not 0 <= first < last <= shape[0]:
        raise ValueError(f"part must be slices (first, last) of 0..{shape[0]}, got {part}")
    start, stop = (n * shape[1] * shape[2] for n in (first, last))
    even = 2 * np.arange(start // 2, (stop + 1) // 2)
    radius, angle = np.sqrt(-2 * np.log(_uniform(seed, even))), 2 * np.pi * _uniform(seed, even + 1)
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
    return both[start % 2 : start % 2 + stop - start].reshape(-1, *shape[1:])


def _uniform(seed, number):
    """Return the uniform numbers of a seed with these places in the stream, 0 being the first (mulberry32)."""
    t = np.array([seed], dtype=np.uint32) + (number + 1).astype(np.uint32) * np.uint32(0x6D2B79F5)
    t = (t ^ t >> 15) * (t | 1)
    t ^= t + (t ^ t >> 7) * (t | 61)
    return ((t ^ t >> 14) + 0.5) / 2**32


def slices_data(
    centres_px,
    diameters_px,
    psf_sigma_px,
    shape: tuple[int, int, int],
    background: float,
    candidates: dict,
    theory,
    seed: int = 1,
    edge: float = 1.5,
    networks=("3D U-Net",),
) -> tuple[dict, bytes]:
    """Return what ``slices.js`` needs of a stack and of the spheres found in it: its sizes, and words of 16 bits.

    The stack is ``confocal.image`` of the centres (n, 3) px with amplitude 1, of those outside too, on a background,
    plus ``page_noise(shape, seed) / snr``. All spheres have one diameter (px, a number or equal ones). ``candidates``
    maps (way, snr), every way with every snr, to places (k, 3) px and heights (k,), about 1 for a sphere; ``theory`` is
    (r, g), r in diameters. Spheres count ``edge`` diameters away from all faces. ``networks``: ways that are networks.

    Words: the profile T(z, rho) / 65535; true centres, those within the stack first; places and heights. Places are
    rounded to 1 / 65535 of their range, heights above 2 become 2. ValueError for bad input, a stack below 4.5
    diameters, fewer than two true spheres away from its faces, and more than 200 kB.
    """
    shape, centres, d = _stack_shape(shape), _places("centres_px", centres_px), _one_diameter(diameters_px)
    background, edge = check.non_negative_number("background", background), check.non_negative_number("edge", edge)
    if min(shape) - 1 < _WINDOW * d:
        raise ValueError(f"shape must be at least {_WINDOW * d + 1:g} px along each axis, got {shape}")
    table, steps = _profile(d, psf_sigma_px)
    centres, n_within = _shining(centres, shape, (np.array(table.shape) - 1) * steps)
    if inner(centres[:n_within], shape, max(edge, 1) * d).sum() < 2:
        raise ValueError(f"centres_px must hold two spheres {max(edge, 1):g} diameters away from the faces; lower edge")
    ways, snrs, found = _checked(candidates)
    everywhere = np.concatenate([centres, *(places for places, _ in found)])
    low, step = everywhere.min(), max(np.ptp(everywhere), 1.0) / _WORD
    parts = [table * _WORD, (centres - low) / step]
    for places, heights in found:
        parts += [(places - low) / step, np.clip(heights, 0, _HIGHEST) / _HIGHEST * _WORD]
    data = b"".join(np.round(part).astype("<u2").tobytes() for part in parts)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"the data must have at most {_MOST_BYTES} bytes, got {len(data)}: lower shape or candidates")
    sizes = {
        "shape": list(shape),
        "diameter": d,
        "edge": edge,
        "background": background,
        "seed": _seed(seed),
        "profile": {"rows": len(table), "columns": table.shape[1], "steps": steps},
        "centres": [n_within, len(centres)],
        "low": float(low),
        "step": float(step),
        "height_step": _HIGHEST / _WORD,
        "ways": ways,
        "snrs": [f"{float(snr):g}" for snr in snrs],
        "candidates": [len(places) for places, _ in found],
        "networks": [way for way in ways if way in networks],
        "theory": _theory(theory),
    }
    return sizes, data


def _stack_shape(shape):
    if np.shape(shape) != (3,):
        raise ValueError(f"shape must be (Z, Y, X), got {shape}")
    return tuple(check.whole("shape", side) for side in shape)


def _seed(seed):
    if check.whole("seed", seed, at_least=0) >= 2**32:
        raise ValueError(f"seed must be below 2^32, got {seed}")
    return int(seed)


def _places(name, value):
    places = check.finite(name, value)
    if places.ndim != 2 or places.shape[1] != 3:
        raise ValueError(f"{name} must have shape (n, 3), got {places.shape}")
    return places


def _one_diameter(diameters_px):
    d = np.ravel(check.positive("diameters_px", diameters_px))
    if not len(d) or np.ptp(d) > 1e-6 * d[0]:
        raise ValueError("diameters_px must be the same for all spheres: the page knows one profile")
    return float(d[0])


def _profile(d, psf_sigma_px):
    """Return T (n_z, n_rho) of one sphere, 0 <= T <= 1, and the steps of z and rho in px: a twelfth of the blur."""
    s_z, s_rho = confocal.blur(psf_sigma_px)
    fine = s_rho / 12
    every = max(1, int(s_z / 12 / fine))
    shape_of = confocal.profile(d, psf_sigma_px, fine, 1e-4)
    n_rho = int(shape_of.rim_px.max() / fine) + 2
    table = shape_of.values[0, : len(shape_of.rim_px) + every : every, :n_rho]
    return np.clip(table, 0, 1), [every * fine, fine]


def _shining(centres, shape, reach):
    """Return the centres that are seen in a stack, (n, 3), those within it first, and the number of these."""
    last = np.array(shape) - 1
    far = reach[[0, 1, 1]]
    seen = centres[((centres > -far) & (centres < last + far)).all(1)]
    within = ((seen >= -0.5) & (seen <= last + 0.5)).all(1)
    return np.concatenate([seen[within], seen[~within]]), int(within.sum())


def _checked(candidates):
    """Return the ways, the SNRs, and (places, heights) of every way with every SNR, in the order of the page."""
    keys = list(candidates)
    if not keys or any(not isinstance(key, tuple) or len(key) != 2 for key in keys):
        raise ValueError(f"candidates must map (way, snr) to (places, heights), got the keys {keys}")
    ways, snrs = (list(dict.fromkeys(column)) for column in zip(*keys, strict=True))
    for snr in snrs:
        check.positive_number("snr", snr)
    if missing := [(way, snr) for way in ways for snr in snrs if (way, snr) not in candidates]:
        raise ValueError(f"candidates must hold every way with every snr, {missing[0]} is missing")
    found = []
    for key in ((way, snr) for way in ways for snr in snrs):
        places, heights = _places(f"places of {key}", candidates[key][0]), check.finite("heights", candidates[key][1])
        if heights.shape != places.shape[:1]:
            raise ValueError(f"heights of {key} must have shape {places.shape[:1]}, got {heights.shape}")
        found.append((places, heights))
    return ways, snrs, found


def _theory(theory):
    r, g = (check.finite("theory", column) for column in theory)
    if r.ndim != 1 or r.shape != g.shape:
        raise ValueError(f"theory must be (r, g) of one length, got shapes {r.shape} and {g.shape}")
    return {"r": np.round(r, 4).tolist(), "g": np.round(g, 4).tolist()}


class TrackedSlices(Widget):
    """A slice of a confocal stack with the spheres found in it, recall and precision, and g(r), in the page.

    ``sizes`` and ``data`` come from ``slices_data``. ``way`` and ``snr`` name candidates, those below ``threshold``
    (0..1 of what one sphere gives) are left out; ``z`` is the slice (px).
    """

    script = "slices.js"
    settings = traitlets.Dict({"way": "deconvolution", "snr": "5", "threshold": 0.5, "z": 40}).tag(sync=True)
    sizes = traitlets.Dict().tag(sync=True)
