"""Trajectory-D, the method that the original compared its networks with: fit a spot in every frame, then the MSD."""

import warnings

import numpy as np
from scipy import optimize

from helpers.common import check
from helpers.molecules import brownian, original

__all__ = ["HIGHEST", "fit_spots", "trajectory_D"]

HIGHEST = 60.0  # its answers are cut at 60 of its units
_MAX_CALLS = 800


def fit_spots(images) -> np.ndarray:
    """Return the centres (n, T, 2) px (y, x), edge coordinates, of rotated Gaussians fitted to movies (n, T, H, W).

    Seven numbers per frame (height, centre, two widths, angle, background) by least squares, started at the brightest
    pixel, as in the original. The centre may run out of the field where there is no spot. NaN where the fit does not
    converge.
    """
    images = check.finite("images", images)
    if images.ndim != 4:
        raise ValueError(f"images must have shape (n, T, H, W), got {images.shape}")
    frames = images.reshape(-1, *images.shape[2:])
    return np.array([_fit(frame) for frame in frames]).reshape(*images.shape[:2], 2)


def _fit(frame):
    """Return the centre (y, x) of the best rotated Gaussian of one frame."""
    y, x = np.indices(frame.shape) + 0.5
    top = np.unravel_index(frame.argmax(), frame.shape)
    level = np.median(frame)
    scale = max(frame.max() - level, 1e-12)

    def misfit(p):
        height, y0, x0, width_y, width_x, angle, back = p
        c, s = np.cos(angle), np.sin(angle)
        along, across = c * (y - y0) + s * (x - x0), c * (x - x0) - s * (y - y0)
        model = back + height * np.exp(-(along**2 / (2 * width_y**2 + 1e-9)) - across**2 / (2 * width_x**2 + 1e-9))
        return (model - (frame - level) / scale).ravel()

    start = [1.0, top[0] + 0.5, top[1] + 0.5, 1.7, 1.3, 0.3, 0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = optimize.least_squares(misfit, start, method="lm", max_nfev=_MAX_CALLS)
    return found.x[1:3] if found.success else (np.nan, np.nan)


def trajectory_D(positions_px) -> np.ndarray:
    """Return D of tracks (n, 16, 2) px in the original's unit: MSD at all lags, a line through the origin, cut at 60.

    A frame whose fit failed is left out of the MSD.
    """
    positions = check.numbers("positions_px", positions_px)
    if positions.ndim != 3 or positions.shape[2] != 2:
        raise ValueError(f"positions_px must have shape (n, T, 2), got {positions.shape}")
    lags, weights = brownian.slope_weights(positions.shape[1] - 1, positions.shape[1], intercept=False)
    curve = np.nan_to_num(brownian.msd(positions * original.PIXEL_NM)[:, lags - 1])
    slope_nm2_s = curve @ weights / original.FRAME_S
    return np.clip(slope_nm2_s / 4 / original.UNIT_NM2_S, 0, HIGHEST)
