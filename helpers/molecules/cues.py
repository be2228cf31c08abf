"""Three numbers of a movie that tell how fast its molecule moves, measured without any model."""

import numpy as np
from scipy.ndimage import gaussian_filter

from helpers.common import check

__all__ = ["measure"]

_REACH = 6  # moments are taken in a window of 13 x 13 pixels about the brightest place of a frame


def measure(images, background: float) -> dict[str, np.ndarray]:
    """Return the three cues of movies (n, T, H, W) in photons over a known ``background``: {name: (n,)}.

    "trajectory": mean squared step of the centroid, px^2. "shape": mean second moment of the blob, both axes, px^2.
    "brightness": minus the mean peak after smoothing, photons. All three grow with D.
    """
    images, background = check.finite("images", images), check.non_negative_number("background", background)
    if images.ndim != 4 or min(images.shape[2:]) <= 2 * _REACH:
        raise ValueError(f"images must have shape (n, T, H, W) with H, W > {2 * _REACH}, got {images.shape}")
    smooth = gaussian_filter(images, (0, 0, 1, 1))
    window, y, x = _windows(images, smooth)
    weight = (window - background) * (window > background + 2 * np.sqrt(background + 1))  # (n, T, 13, 13)
    total = np.maximum(weight.sum(axis=(2, 3)), 1e-9)
    by_row, by_column = weight.sum(axis=3), weight.sum(axis=2)
    centre_y, centre_x = (by_row * y).sum(axis=2) / total, (by_column * x).sum(axis=2) / total
    spread_y = (by_row * (y - centre_y[..., None]) ** 2).sum(axis=2) / total
    spread_x = (by_column * (x - centre_x[..., None]) ** 2).sum(axis=2) / total
    return {
        "trajectory": (np.diff(centre_y, axis=1) ** 2 + np.diff(centre_x, axis=1) ** 2).mean(axis=1),
        "shape": (spread_y + spread_x).mean(axis=1),
        "brightness": -smooth.max(axis=(2, 3)).mean(axis=1),
    }


def _windows(images: np.ndarray, smooth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the window about the brightest place of each frame, (n, T, 13, 13), and its rows and columns."""
    n, n_frames, height, width = images.shape
    rows, columns = np.unravel_index(smooth.reshape(n, n_frames, -1).argmax(axis=2), (height, width))
    offsets = np.arange(-_REACH, _REACH + 1)
    y = np.clip(rows, _REACH, height - _REACH - 1)[..., None] + offsets
    x = np.clip(columns, _REACH, width - _REACH - 1)[..., None] + offsets
    movie, frame = np.arange(n)[:, None, None, None], np.arange(n_frames)[:, None, None]
    return images[movie, frame, y[..., None], x[..., None, :]], y, x
