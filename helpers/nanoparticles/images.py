"""Images and labels as the models take them: checked once, as tensors."""

import numpy as np
import torch
from torch import Tensor

from helpers.nanoparticles.stress import check_images

__all__ = ["check_labels", "whole_images"]


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
