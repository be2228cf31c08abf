"""A small checkout of its own, in a folder with a space and a Greek letter: the package, four tiny lessons, no data."""

import shutil

import pytest

from helpers.book import lessons, pairs, runner
from helpers.common.places import ROOT

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   lesson: {quick_cpu_s: 3, title: A lesson}
# ---

# %% [markdown]
# # A lesson

# %% tags=["parameters"]
PROFILE = "quick"
SEED = 0

"""
GOOD = """\
# %%
import os

from helpers.common.claims import claim
from helpers.common.progress import track
from helpers.common.widgets import IntervalExplorer

total = sum(track(range(3), "steps"))
print(PROFILE, SEED, os.environ["OMP_NUM_THREADS"], os.path.basename(os.getcwd()))

# %%
claim("small-seed", measured=SEED, at_most=2)

# %%
IntervalExplorer()
"""
BAD = '# %%\nprint("before")\n\n# %%\n1 / 0\n\n# %%\nprint("never")\n'
FAST = "# %%\nprint(1)\n"
SLOW = '# %%\nimport os, pathlib, time\n\npathlib.Path("slow.pid").write_text(str(os.getpid()))\ntime.sleep(100)\n'
LESSONS = {"01_good": GOOD, "02_bad": BAD, "03_fast": FAST, "04_slow": SLOW}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Return the root of the small checkout; the tools of the book work in it while a test module runs."""
    root = tmp_path_factory.mktemp("my µ house")
    shutil.copytree(ROOT / "helpers", root / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "constraints.txt", root)
    for folder in ("notebooks", "data/checkpoints", "data/results"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "data/registry.csv", root / "data")
    for name, cells in LESSONS.items():
        (root / f"notebooks/{name}.py").write_text(HEADER + cells)
    build = root / "build"
    with pytest.MonkeyPatch.context() as patch:
        for module in (lessons, runner):
            patch.setattr(module, "ROOT", root)
        for module in (lessons, pairs):
            patch.setattr(module, "NOTEBOOKS", root / "notebooks")
        patch.setattr(lessons, "CHECKPOINTS", root / "data/checkpoints")
        patch.setattr(lessons, "RESULTS", root / "data/results")
        patch.setattr(runner, "EXPLORED", build / "explored")
        patch.setattr(pairs, "COMMITTED", build / "executed")
        patch.setattr(pairs, "BUILD", build)
        patch.setenv("HELPERS_DATA_CACHE", str(build / "no-data"))
        patch.delenv("HELPERS_DATA_MIRROR", raising=False)
        patch.delenv("HELPERS_CLAIMS", raising=False)
        patch.delenv("HELPERS_RUN_DIR", raising=False)
        yield root
