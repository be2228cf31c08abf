"""Refuse bad input before any work is done, in one sentence that names the argument."""

from collections.abc import Iterable

import numpy as np

__all__ = [
    "choice",
    "finite",
    "interval",
    "non_negative",
    "non_negative_number",
    "numbers",
    "positive",
    "positive_number",
    "whole",
]


def numbers(name: str, value) -> np.ndarray:
    """Return ``value`` as a float array, NaN and infinity included; ValueError if it does not hold real numbers."""
    try:
        if np.iscomplexobj(value):
            raise TypeError("complex")
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number or an array of numbers, got {value!r}") from error


def finite(name: str, value) -> np.ndarray:
    """Return ``value`` as a float array; ValueError if it is not numeric or holds NaN or infinity."""
    array = numbers(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    return array


def positive(name: str, value) -> np.ndarray:
    """Return ``value`` as a float array; ValueError unless every entry is finite and > 0."""
    array = finite(name, value)
    if not (array > 0).all():
        raise ValueError(f"{name} must be > 0, got {array.min():g}")
    return array


def non_negative(name: str, value) -> np.ndarray:
    """Return ``value`` as a float array; ValueError unless every entry is finite and >= 0."""
    array = finite(name, value)
    if not (array >= 0).all():
        raise ValueError(f"{name} must be >= 0, got {array.min():g}")
    return array


def positive_number(name: str, value) -> float:
    """Return ``value`` as a float; ValueError unless it is one finite number > 0."""
    return _one(name, positive(name, value))


def non_negative_number(name: str, value) -> float:
    """Return ``value`` as a float; ValueError unless it is one finite number >= 0."""
    return _one(name, non_negative(name, value))


def _one(name: str, array: np.ndarray) -> float:
    if array.ndim:
        raise ValueError(f"{name} must be one number, got an array of shape {array.shape}")
    return float(array)


def interval(name: str, value, kind=finite) -> tuple[float, float]:
    """Return a pair (lowest, highest); ValueError unless it is two numbers of this ``kind``, the first not larger."""
    pair = kind(name, value)
    if pair.shape != (2,) or pair[0] > pair[1]:
        raise ValueError(f"{name} must be a pair (lowest, highest), got {value!r}")
    return float(pair[0]), float(pair[1])


def whole(name: str, value, at_least: int = 1) -> int:
    """Return ``value`` as an int; ValueError unless it is a whole number >= ``at_least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(f"{name} must be a whole number >= {at_least}, got {value!r}")
    return int(value)


def choice(name: str, value, options: Iterable) -> object:
    """Return ``value``; ValueError unless it is one of ``options``."""
    options = list(options)
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value
