"""Phase retrieval: the image back from the amplitudes of its Fourier transform, up to a shift and a point inversion."""

import numpy as np
import torch
from torch import Tensor

from helpers.common import check

__all__ = ["BETA", "EXACT", "binary", "misfit", "relaxed_reflections", "retrieve", "with_amplitude"]

BETA = 0.8  # relaxation
EXACT = 1e-6  # misfit below which an image is done; one pixel that moved away costs more
_EVERY = 20  # iterations between two looks at the misfit


def retrieve(amplitude, n_on, n_starts: int = 1, n_iterations: int = 400, rng=None) -> np.ndarray:
    """Return binary images (N, H, H) uint8 with ``n_on`` (N,) pixels at 1 and |F| near ``amplitude``.

    ``amplitude`` (N, H, H // 2 + 1) as from ``statistics.amplitude``; one image may come without the first axis.
    ``relaxed_reflections`` from ``n_starts`` random images each; the result of the smallest misfit is kept, and an
    image that is found exactly needs no further start. Arrays or CPU tensors; one ``n_on`` may stand for all images; it
    is rounded. ValueError for other shapes and numbers < 0 or not finite.
    """
    A, n_on = (x.detach() if isinstance(x, Tensor) else x for x in (amplitude, n_on))
    A = check.non_negative("amplitude", A).astype(np.float32)
    single, A = A.ndim == 2, torch.from_numpy(A[None] if A.ndim == 2 else A)
    if A.ndim != 3 or A.shape[2] != A.shape[1] // 2 + 1:
        raise ValueError(f"amplitude must have shape (N, H, H // 2 + 1), got {np.shape(amplitude)}")
    size = A.shape[1]
    n_on = np.round(check.finite("n_on", n_on)).astype(int)
    if n_on.shape not in ((), (1,), (len(A),)):
        raise ValueError(f"n_on must be one number or {len(A)}, one of each image, got shape {n_on.shape}")
    n_on = np.broadcast_to(n_on, len(A))
    if not ((n_on >= 0) & (n_on <= size**2)).all():
        raise ValueError(f"n_on must lie between 0 and {size**2}, got {n_on.min()} to {n_on.max()}")
    n_starts, n_iterations = check.whole("n_starts", n_starts), check.whole("n_iterations", n_iterations)
    rng = np.random.default_rng() if rng is None else rng
    best, least = torch.zeros((len(A), size, size)), torch.full((len(A),), torch.inf)
    for _ in range(n_starts):
        todo = torch.nonzero(least > EXACT)[:, 0]
        if not len(todo):
            break
        start = torch.from_numpy(rng.random((len(todo), size, size), np.float32))
        found, error = relaxed_reflections(A[todo], n_on[todo.numpy()], start, n_iterations)
        better = error < least[todo]
        best[todo[better]], least[todo[better]] = found[better], error[better]
    images = best.numpy().astype(np.uint8)
    return images[0] if single else images


def relaxed_reflections(A: Tensor, n_on, start: Tensor, n_iterations: int = 400) -> tuple[Tensor, Tensor]:
    """Return binary images (N, H, H) of the least misfit on the way, and that misfit (N,).

    With P_A the projection on the images of amplitudes A, P_B that on the binary ones and R = 2 P - 1 reflections,

        x <- beta / 2 (R_B R_A + 1) x + (1 - beta) P_A x.

    It wanders where both cannot be met and stops where they are; every 20 iterations and at the end P_B P_A x is looked
    at. Images found exactly leave the loop. ``A`` (N, H, W // 2 + 1), ``n_on`` (N,), ``start`` (N, H, W).
    ValueError if their shapes differ. Source: Luke 2005.
    """
    n_iterations = check.whole("n_iterations", n_iterations)
    if len(n_on) != len(start) or A.shape != (*start.shape[:2], start.shape[-1] // 2 + 1):
        shapes = f"{tuple(A.shape)}, {len(n_on)} and {tuple(start.shape)}"
        raise ValueError(f"A, n_on and start must be (N, H, W // 2 + 1), (N,) and (N, H, W), got {shapes}")
    n_on, x = np.asarray(n_on), start.clone()
    best, least = torch.zeros_like(x), torch.full((len(x),), torch.inf)
    rows = torch.arange(len(x))
    for step in range(1, n_iterations + 1):
        near = with_amplitude(x, A[rows])
        reflected = 2 * near - x
        x = BETA / 2 * (2 * binary(reflected, n_on[rows.numpy()]) - reflected + x) + (1 - BETA) * near
        if step % _EVERY == 0 or step == n_iterations:
            found = binary(near, n_on[rows.numpy()])
            error = misfit(found, A[rows])
            better = error < least[rows]
            best[rows[better]], least[rows[better]] = found[better], error[better]
            open_ = error > EXACT
            rows, x = rows[open_], x[open_]
            if not len(rows):
                break
    return best, least


def with_amplitude(x: Tensor, A: Tensor) -> Tensor:
    """Return the images (N, H, W) nearest to x whose |F| is A (N, H, W // 2 + 1): the phases stay."""
    return torch.fft.irfft2(A * torch.sgn(torch.fft.rfft2(x)), s=x.shape[-2:])


def binary(x: Tensor, n_on) -> Tensor:
    """Return the binary images nearest to x (N, H, W) with ``n_on`` (N,) pixels at 1: those that are largest in x."""
    values = x.detach().flatten(1).numpy()
    pixels = values.shape[1]
    found = np.zeros_like(values)
    for row, n, out in zip(values, n_on, found, strict=True):
        if n:
            out[np.argpartition(row, pixels - n)[pixels - n :]] = 1
    return torch.from_numpy(found).reshape(x.shape)


def misfit(x: Tensor, A: Tensor) -> Tensor:
    """Return sum (|F| - A)^2 / sum A^2 of images (N, H, W), (N,), over half of the plane."""
    return (torch.fft.rfft2(x).abs() - A).square().sum((1, 2)) / A.square().sum((1, 2)).clamp_min(1e-12)
