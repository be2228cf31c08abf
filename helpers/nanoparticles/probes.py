"""Probes: which true factor stands in which latent, measured by least squares on one half of the images.

An affine map has more than one description. Turn and shear are told apart by the polar decomposition A = R(phi) s P,
with P symmetric and of determinant 1: a shear along x and an equal one along y, of opposite sign, are a turn.
"""

import numpy as np

from helpers.common import check
from helpers.nanoparticles import cards
from helpers.nanoparticles.cards import Factors
from helpers.nanoparticles.ssrvae import SSRVAE

__all__ = ["FACTORS", "LATENTS", "factors", "linear", "table"]

FACTORS = ("angle", "shift x", "shift y", "scale", "shear")
LATENTS = ("angle", "shift x", "shift y", "content")


def factors(given: Factors) -> np.ndarray:
    """Return phi (rad), shift x, shift y, s and the off-diagonal entry of P, (N, 5), of N cards with A = R(phi) s P."""
    A = cards.affine(given.angle_deg, given.shear_x_deg, given.shear_y_deg, given.scale)
    U, stretch, V = np.linalg.svd(A)
    R, scale = U @ V, np.sqrt(stretch.prod(axis=1))
    P = np.einsum("nji,nj,njk->nik", V, stretch, V) / scale[:, None, None]
    angle = np.arctan2(R[:, 1, 0], R[:, 0, 0])
    return np.column_stack([angle, given.shift_x, given.shift_y, scale, P[:, 0, 1]])


def linear(latents, true) -> np.ndarray:
    """Return the share of the variance of each factor (N, F) that latents (N, d) predict, (F,).

    That is 1 - residual / variance. Fitted on the first half, judged on the second, it may be a little below 0.
    """
    X, true = check.finite("latents", latents), check.finite("true", true)
    if X.ndim != 2 or true.ndim != 2 or len(X) != len(true) or len(X) < 4:
        raise ValueError(f"latents and true must have shapes (N, d) and (N, F), N >= 4, got {X.shape} and {true.shape}")
    X, half = np.column_stack([X, np.ones(len(X))]), len(X) // 2
    weights = np.linalg.lstsq(X[:half], true[:half], rcond=None)[0]
    residual = ((X[half:] @ weights - true[half:]) ** 2).mean(axis=0)
    return 1 - residual / true[half:].var(axis=0)


def table(model: SSRVAE, images, labels, given: Factors) -> np.ndarray:
    """Return the shares of ``linear``, ``LATENTS`` x ``FACTORS``, (4, 5), the mean over the suits (each class told).

    The factor is the sine of the angle, of twice the angle for the diamond, which looks the same after half a turn; the
    latent angle enters by sine and cosine, as a template may stand at any angle.
    """
    tables = []
    for y, suit in enumerate(cards.SUITS):
        rows, fold = labels == y, cards.FOLD[suit]
        true = factors(Factors(*(factor[rows] for factor in given)))
        true[:, 0] = np.sin(fold * true[:, 0])
        found = model.encode(images[rows], y)
        turned = np.column_stack([np.sin(fold * found.angle), np.cos(fold * found.angle)])
        parts = (turned, found.shift[:, :1], found.shift[:, 1:], found.z)
        tables.append([linear(part, true) for part in parts])
    return np.mean(tables, axis=0)
