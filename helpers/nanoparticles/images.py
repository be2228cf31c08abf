"""Images and labels as the models take them: checked once, as tensors."""

import numpy as np
import torch
from torch import Tensor

from helpers.common import check

__all__ = ["check_images", "check_labels", "whole_images"]


def check_images(name: str, images) -> np.ndarray:
    """Return images as float32; ValueError unless they have shape (..., H, W), at least one pixel, and are finite."""
    single = getattr(images, "dtype", None) == np.float32
    array = np.asarray(images) if single else check.finite(name, images).astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise ValueError(f"{name} must have shape (..., H, W), got {array.shape}")
    return array


def whole_images(name: str, images, size: int = 1) -> Tensor:
    """Return images as a float32 tensor (N, H, H); ValueError unless H is a multiple of ``size`` and all is finite."""
    array = check_images(name, images)
    if array.ndim != 3 or array.shape[1] != array.shape[2] or array.shape[1] % size or not len(array):
        multiple = f" with H a multiple of {size}" if size > 1 else ""
        raise ValueError(f"{name} must have shape (N, H, H){multiple}, got {array.shape}")
    return torch.from_numpy(np.ascontiguousarray(array))


def check_labels(name: str, labels, n_images: int, n_classes: int | None = None) -> np.ndarray:
    """Return labels (N,) as int64; ValueError unless there is one whole number in 0..C-1 for every image."""
    array = np.asarray(labels)
    if array.shape != (n_images,):
        raise ValueError(f"{name} must have one entry per image, {n_images}, got shape {array.shape}")
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers, got type {array.dtype}")
    if array.min() < 0 or (n_classes is not None and array.max() >= n_classes):
        upper = "" if n_classes is None else f"..{n_classes - 1}"
        raise ValueError(f"{name} must lie in 0{upper}, got {array.min()}..{array.max()}")
    return array.astype(np.int64)
