"""How good answers are: errors with bootstrap intervals, and how often error bars hold the truth."""

import numpy as np

from helpers.common import check

__all__ = ["errors", "mean_interval"]


def errors(D, mean, log_mean=None, low=None, high=None, n_resamples: int = 400) -> dict:
    """Return rmse and mae of ``mean``, rms_log of ``log_mean`` (default ``mean``), coverage of [low, high], all (n,).

    Each comes with its 95 % bootstrap interval over movies, as "..._interval". rms_log is the root mean square of
    log(estimate / D), estimates below 0.001 being taken as 0.001.
    """
    D, mean = check.positive("D", D), check.finite("mean", mean)
    log_mean = mean if log_mean is None else check.finite("log_mean", log_mean)
    if not D.shape == mean.shape == log_mean.shape or D.ndim != 1:
        raise ValueError(f"D, mean and log_mean must be of one shape (n,), got {D.shape}, {mean.shape}")
    terms = {
        "rmse": ((mean - D) ** 2, np.sqrt),
        "mae": (np.abs(mean - D), np.asarray),
        "rms_log": (np.log(np.maximum(log_mean, 1e-3) / D) ** 2, np.sqrt),
    }
    if low is not None:
        terms["coverage"] = ((low <= D) & (high >= D)).astype(float), np.asarray
    found = {}
    for name, (values, finish) in terms.items():
        found[name], found[f"{name}_interval"] = mean_interval(values, finish, n_resamples)
    return found


def mean_interval(values, finish=np.asarray, n_resamples: int = 400) -> tuple[float, list[float]]:
    """Return ``finish`` of the mean of values (n,), and its 95 % bootstrap interval."""
    values = check.finite("values", values)
    picks = np.random.default_rng(0).integers(len(values), size=(n_resamples, len(values)))
    return float(finish(values.mean())), np.quantile(finish(values[picks].mean(axis=1)), [0.025, 0.975]).tolist()
