"""Precision: the localisation error of a recording, read off dyes that are localised in successive frames."""

from typing import NamedTuple

import numpy as np
from scipy import special

from helpers.common import check
from helpers.microgels.clouds import check_cloud

__all__ = ["GAPS", "LocalisationError", "localisation_error", "record", "successive"]

GAPS = (1000, 1010, 1020, 1030)  # frames: after so many nearly every dye has left, and pairs are chance

_HALF = special.ndtri(0.75)  # half of a standard normal law lies within +-0.674


class LocalisationError(NamedTuple):
    """``sigma_nm`` (3,) along x, y and z; the pairs it is read off, ``near`` (n, 3) one frame and ``chance`` (m, 3)
    ``GAPS`` apart, later minus earlier in nm. Of the n pairs about m / len(GAPS) are there by chance.
    """

    sigma_nm: np.ndarray
    near: np.ndarray
    chance: np.ndarray


def successive(points_nm, frames, gap: int = 1) -> np.ndarray:
    """Return x_j - x_i, (n_pairs, 3) in nm, of all pairs of localisations with frame_j = frame_i + gap.

    ``points_nm`` (N, 3) and their ``frames`` (N,), whole numbers, in any order; a frame may hold many localisations.
    ValueError if the lengths differ or a frame is no whole number.
    """
    points, frames = _recording("points_nm", points_nm, "frames", frames)
    gap = check.whole("gap", gap)
    order = np.argsort(frames, kind="stable")
    points, frames = points[order], frames[order]
    first, end = (np.searchsorted(frames, frames + gap, side) for side in ("left", "right"))
    partners = end - first  # of each localisation
    place = np.arange(partners.sum()) - np.repeat(np.cumsum(partners) - partners, partners)  # 0, 1.. for each
    return points[np.repeat(first, partners) + place] - np.repeat(points, partners, axis=0)


def _recording(points_name: str, points_nm, frames_name: str, frames) -> tuple[np.ndarray, np.ndarray]:
    points, frames = check_cloud(points_name, points_nm), check.finite(frames_name, frames)
    if frames.shape != (len(points),):
        raise ValueError(f"{frames_name} must have shape ({len(points)},), one per localisation, got {frames.shape}")
    if not (frames == np.round(frames)).all():
        raise ValueError(f"{frames_name} must be whole numbers")
    return points, frames


def localisation_error(recordings) -> LocalisationError:
    """Return the standard deviation of the localisation error along each axis of a list of (points_nm, frames).

    A dye that stays for two frames is localised twice: x_j - x_i is normal with variance 2 sigma^2. Other dyes in
    successive frames are pairs by chance, as frequent ``GAPS`` apart. With n(<d) pairs of |x_j - x_i| < d,
    the median d of n_near(<d) - n_chance(<d) / len(GAPS) is 0.674 sqrt(2) sigma. All recordings are pooled.
    Errors that are the same in both frames (a wrong scale, drift) are not seen, and a recording of T frames holds fewer
    pairs at a gap, by gap / T: it must be long. ValueError if successive frames hold no more pairs than chance.
    Source: the idea of Endesfelder et al. 2014, who fit the law of the distances.
    """
    if not isinstance(recordings, list | tuple) or not recordings:
        raise ValueError("recordings must be a list of (points_nm, frames), at least one")
    if not all(isinstance(one, list | tuple) and len(one) == 2 for one in recordings):
        raise ValueError("recordings must hold pairs (points_nm, frames)")
    names = [(f"points_nm of recordings[{k}]", f"frames of recordings[{k}]") for k in range(len(recordings))]
    checked = [_recording(a, one[0], b, one[1]) for (a, b), one in zip(names, recordings, strict=True)]
    near = np.concatenate([successive(*one) for one in checked])
    chance = np.concatenate([successive(*one, gap) for one in checked for gap in GAPS])
    if len(near) * len(GAPS) <= len(chance):
        raise ValueError("recordings must hold dyes that stay: successive frames have no more pairs than chance")
    weight = np.repeat([1.0, -1 / len(GAPS)], [len(near), len(chance)])
    distances = np.abs(np.concatenate([near, chance])).T
    return LocalisationError(np.array([_median(d, weight) for d in distances]) / (_HALF * np.sqrt(2)), near, chance)


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the first value below which half of the weight lies; with weights of 1 the lower median."""
    order = np.argsort(values, kind="stable")
    return values[order[np.argmax(np.cumsum(weight[order]) >= weight.sum() / 2 - 1e-9)]]


def record(
    dyes_nm, noise_nm, rng: np.random.Generator, n_frames: int = 20_000, mean_stay: float = 2.5
) -> tuple[np.ndarray, np.ndarray]:
    """Return a simulated recording of dyes (N, 3): localisations (M, 3) in nm, and their frames (M,).

    Each dye binds in one of ``n_frames`` frames, drawn evenly, and stays for a geometric number of frames >= 1 of mean
    ``mean_stay``: it leaves after each with probability 1 / mean_stay. In every one of them it is localised, with a
    new normal error of standard deviation ``noise_nm``, one number or (3,). ValueError if ``mean_stay`` is below 1.
    """
    dyes, noise = check_cloud("dyes_nm", dyes_nm), check.non_negative("noise_nm", noise_nm)
    n_frames, mean_stay = check.whole("n_frames", n_frames), check.positive_number("mean_stay", mean_stay)
    if noise.shape not in ((), (3,)):
        raise ValueError(f"noise_nm must be one number or have shape (3,), got {noise.shape}")
    if mean_stay < 1:
        raise ValueError(f"mean_stay must be >= 1 frame, got {mean_stay:g}")
    stays = rng.geometric(1 / mean_stay, len(dyes))
    later = np.arange(stays.sum()) - np.repeat(np.cumsum(stays) - stays, stays)  # 0, 1.. for each dye
    frames = np.repeat(rng.integers(0, n_frames, len(dyes)), stays) + later
    return np.repeat(dyes, stays, axis=0) + noise * rng.standard_normal((len(frames), 3)), frames
