"""What this machine brings: versions, threads, data, disk, and the quick times to expect."""

import importlib.metadata
import os
import platform
import shutil
import sys

import torch

from helpers.book.lessons import lessons
from helpers.common import data, results, speed
from helpers.common.places import ROOT

__all__ = ["report"]

_PACKAGES = ["numpy", "scipy", "torch", "matplotlib", "jupyterlab", "jupyter-book", "papermill", "anywidget"]


def report() -> str:
    """Return the report that ``make doctor`` prints."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    lines = [
        f"Python        {platform.python_version()} on {platform.system()} {platform.machine()}",
        *(f"{name:<13} {importlib.metadata.version(name)}" for name in _PACKAGES),
        f"threads       {os.cpu_count()} cores; torch uses {torch.get_num_threads()}; lessons run on one each",
        f"accelerator   {torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'none (not needed)'}",
        f"disk          {free_gb:.0f} GB free here" + (" (at least 3 GB are needed)" if free_gb < 3 else ""),
        f"browser       {browser() or 'none: tests of the built pages are skipped; install chromium'}",
        f"environment   {sys.prefix}",
    ]
    for name in data.datasets():
        lines.append(f"data          {name}: {'here' if data.available(name) else data.how_to_get(name)}")
    here = speed.calibrate()
    lines.append(f"speed         calibration {here:.3f} CPU s")
    try:
        expected = speed.predict(results.read("times")["values"], here)
    except results.NoRecord as missing:
        return "\n".join([*lines, f"quick time    {missing}"])
    lines += [
        f"quick time    {lesson.name}: about {expected[lesson.name]:.0f} CPU s"
        for lesson in lessons()
        if lesson.name in expected
    ]
    return "\n".join(lines)


def browser() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    found = [path for name in names if (path := shutil.which(name))]
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return (found + ([mac] if os.path.exists(mac) else []) + [None])[0]
