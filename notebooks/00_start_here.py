# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   lesson:
#     full: the same
#     question: How do I use this book?
#     quick_cpu_s: 6
#     title: Start here
# ---

# %% [markdown]
# # Start here
#
# **The question.** How do I use this book, and why should I believe what it says?
#
# **You will do.** Check your machine, make a first claim, see which real data you have, and learn how long each lesson takes here.
#
# **You will learn.** What a profile, a claim and an interval are. They come back on every page.
#
# **You need.** A little Python. Nothing else.
#
# **Time.** Quick: about 6 CPU seconds. Full: the same.

# %% tags=["parameters"]
PROFILE = "quick"
SEED = 0

# %% [markdown]
# ## 1. One page, three ways
#
# Every lesson is one notebook. You can **read** it in the book: figures and numbers come from a run that passed all its checks, and the live figures work in the page.
# You can **run** it: `make lab` opens JupyterLab, and each notebook runs from top to bottom in about a minute. You can **change** it: the cell tagged *parameters* above holds the few numbers meant to be turned.
#
# The code that a lesson is about stands in the lesson. What is used twice, or is not the point, lives in the package `helpers`, and each piece is compared with its tested version on the spot.
#
# ## 2. Two profiles
#
# A {term}`profile` says how long a notebook may take. `quick` is the default. It takes at most 90 seconds of computing, trains something small before your eyes, and loads shipped weights where a good network takes longer.
# `full` runs the same cells with more data and longer trainings. Anything else is an error, because a mistyped profile should not pass in silence.

# %%
import os
import platform
from importlib.metadata import version

import matplotlib.pyplot as plt
import numpy as np

from helpers.book.lessons import lessons
from helpers.common import data, plotting, profiles, results, speed
from helpers.common.claims import claim
from helpers.common.plotting import role
from helpers.common.widgets import IntervalExplorer

profile = profiles.get(PROFILE)
rng = np.random.default_rng(SEED)
try:
    profiles.get("quik")
except ValueError as error:
    print(error)

# %% [markdown]
# ## 3. Your machine
#
# The lessons run on one thread each, on the CPU, without a network. No accelerator is needed.

# %%
print(f"Python {platform.python_version()} on {platform.system()}, {os.cpu_count()} cores")
for package in ("numpy", "scipy", "torch", "matplotlib"):
    print(f"{package:12s} {version(package)}")

# %% [markdown]
# How fast is it? A fixed piece of work is timed here. The ratio to the machine that recorded the book's run times predicts yours.

# %%
reference = results.read("times")["values"]
here_s = speed.calibrate()
expected_s = speed.predict(reference, here_s)
print(f"this machine needs {here_s / reference['calibration_s']:.2f} times as long as the one that recorded the book")
for lesson in lessons():
    seconds = f"{expected_s[lesson.name]:3.0f} CPU s" if lesson.name in expected_s else "not recorded yet"
    print(f"{lesson.name:32s} {seconds}")

# %% [markdown]
# ## 4. A claim
#
# A textbook says: *the variance of a random walk grows as $2Dt$*. Each walker here takes a hundred steps, left or right by the toss of a coin. A cell measures $D$ and says by how much it may differ:

# %%
D_um2_s, time_s, n_walkers, n_steps = 1.0, 0.1, 20_000, 100
step_um = np.sqrt(2 * D_um2_s * time_s / n_steps)
position_um = step_um * rng.choice([-1, 1], (n_walkers, n_steps)).sum(axis=1)
D_measured = (position_um**2).mean() / (2 * time_s)
standard_error = D_measured * np.sqrt(2 / n_walkers)
claim(
    "variance-gives-d",
    measured=D_measured,
    expected=D_um2_s,
    tolerance=4 * standard_error,
    interval=D_measured + 1.96 * standard_error * np.array([-1, 1]),
    unit="um2/s",
    source="Einstein 1905",
)

# %% [markdown]
# A {term}`claim` has a measured value, exactly one bound, and a reason for the tolerance. If it fails, the notebook stops, the tests fail, and the book is not built.
# All claims of all lessons stand on the {doc}`scoreboard </book/scoreboard>`, beside the number of the work they come from where there is one.
# When you change parameters in `make lab`, a claim that no longer holds warns you and lets you go on.
#
# ## 5. An interval
#
# The brackets in the line above are a 95 % {term}`interval`. It does not promise that the truth lies inside. It promises that of many such intervals 95 % hold the truth.
# The mean of $N$ squares of Gaussian numbers has the relative {term}`standard error` $\sqrt{2/N}$: four times the data, half the error. Repeat the measurement many times and look:

# %% mystnb={"image": {"alt": "Relative standard deviation of D against the number of walkers, both axes logarithmic. The points lie on the dashed line, the square root of two over N, from 0.45 at ten walkers to 0.014 at ten thousand."}, "figure": {"name": "fig-error", "caption": "Half the error costs four times the data. Relative standard deviation of D over 1000 repeated measurements (points) against the number of walkers, with the law (dashed)."}}
counts = np.array([10, 30, 100, 300, 1000, 3000, 10_000])
repeated = [np.std([(rng.standard_normal(n) ** 2).mean() for _ in range(1000)]) for n in counts]
fig, axes = plotting.figure(1, 1, 6.4, 3.4)
axes.loglog(counts, repeated, **role("data", linestyle="", label="measured"))
axes.loglog(counts, np.sqrt(2 / counts), **role("theory", label=r"$\sqrt{2/N}$"))
axes.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
axes.set_yticks([], minor=True)
axes.set(xlabel="number of walkers N", ylabel="relative sd of D (1)")
axes.legend()
plt.show()

# %%
slope, _ = np.polyfit(np.log(counts), np.log(repeated), 1)
claim("error-law", measured=slope, expected=-0.5, tolerance=0.02, source="variance of a mean of squares")

# %% [markdown]
# Press the button and move the slider. About two of forty intervals should miss, whether there are a hundred walkers or thousands.

# %% mystnb={"image": {"alt": "Live figure: forty measurements with their intervals"}}
IntervalExplorer()

# %% [markdown]
# ## 6. Real data
#
# Every lesson works on simulated data whose physics is known. Four sets of real data go with the book. They stay at their sources; we only say where they are and check that each file is whole.
# A lesson that finds its data on your machine uses them. One that does not says so, and goes on.

# %%
for name in data.datasets():
    print(f"{name:18s} {'on this machine' if data.available(name) else data.how_to_get(name)}")

# %% [markdown]
# What the sets show, where they come from and under which licence stands in the {doc}`data cards </book/data_cards>`.
#
# ## Exercises
#
# ```{exercise} Break a claim
# :label: ex-break-a-claim
# Which change to the cell of section 4 makes the claim fail? Name one that is a mistake in physics, and one that is bad luck. How often does bad luck strike?
# ```
#
# ````{solution-start} ex-break-a-claim
# :class: dropdown
# ````

# %% tags=["nbval-check-output"]
from scipy.stats import norm

print(f"4 standard errors are passed by chance once in {1 / (2 * norm.sf(4)):,.0f} runs")

# %% [markdown]
# Write `4 * D * t` for `2 * D * t`, and the claim fails every time. Another seed makes it fail once in about 16,000 runs. Seeds are fixed, so on one machine a claim about random numbers that passes today passes tomorrow.
#
# ````{solution-end}
# ````
#
# ```{exercise} Read an interval
# :label: ex-read-an-interval
# A lesson reports $D = 1.00\ [0.93, 1.07]$ µm²/s from $N$ walkers along one axis. How large was $N$?
# ```
#
# ````{solution-start} ex-read-an-interval
# :class: dropdown
# ````

# %% tags=["nbval-check-output"]
half_width = 0.07
print(f"about {2 * (1.96 / half_width) ** 2:,.0f} walkers")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Measure your machine
# :label: ex-measure
# Run the calibration while another program keeps the machine busy. Does the number change? Why does it count CPU seconds and not the clock on the wall?
# ```
#
# ````{solution} ex-measure
# :class: dropdown
# The clock on the wall also counts the time in which other programs run. CPU seconds count only our own work. They still grow a little on a busy machine, because caches and memory are shared.
# ````
#
# ## Summary
#
# How do you use this book? Read a page, run it, change a number. Why believe it? Because each claim is measured in the run that made the page, or read from a record that a command makes again, and is held to a bound. A page whose claims fail is not published.
#
# **Next:** {doc}`01_physics_of_diffusion`. How fast does a molecule move, and how well can that be known?
