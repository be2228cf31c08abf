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
#     full: the same cells with ten times the measurements, 5 s
#     question: How long must we look at a faint lamp?
#     quick_cpu_s: 3
#     title: Count photons
# ---

# %% [markdown]
# # Count photons
#
# **The question.** A lamp is so faint that a camera sees nine photons per frame. How many frames tell its brightness to 1 %?
#
# **You will do.** Build a photon counter from a row of short slots, average its counts, and measure how far the averages scatter.
#
# **You will learn.** Why counts of light have a variance equal to their mean. Why four times the light halves the error.
#
# **You need.** Mean and variance of random numbers; NumPy arrays. Helpful: {doc}`00_start_here` on profiles and claims.
#
# **Time.** Quick: about 3 CPU seconds. Full: about 5 seconds.

# %% tags=["parameters"]
PROFILE = "quick"
SEED = 0
PHOTONS = 9.0

# %%
import matplotlib.pyplot as plt
import numpy as np

from helpers.common import plotting, profiles
from helpers.common.claims import claim
from helpers.common.plotting import role
from helpers.common.widgets import IntervalExplorer

profile = profiles.get(PROFILE)
rng = np.random.default_rng(SEED)
n_measurements = profile.pick(quick=2000, full=20_000)

# %% [markdown]
# ## 1. From slots to a law
#
# Cut the exposure of one frame into $m$ slots, so short that a slot holds one photon or none. Photons of a lamp come independently of each other, so each slot holds one with the same probability $p = N_\gamma/m$.
# A slot has the mean $p$ and the variance $p - p^2$. Means add up, and for independent slots variances add up, too. The count $k$ of a frame has
#
# ```{math}
# :label: eq-photon-variance
# \langle k \rangle = m p = N_\gamma, \qquad \operatorname{var} k = m\,(p - p^2) = N_\gamma\,(1 - N_\gamma/m) \to N_\gamma \quad \text{for } m \to \infty .
# ```
#
# Counts of light have a variance equal to their mean. Average $N$ frames, and the variance falls by $N$:
#
# ```{math}
# :label: eq-photon-mean
# \operatorname{var} \bar k = N_\gamma / N .
# ```


# %%
def count_photons(n_frames, n_slots=1000):
    photons = rng.random((n_frames, n_slots), dtype=np.float32) < PHOTONS / n_slots
    return photons.sum(axis=1)


counts = count_photons(4000)
print(f"mean {counts.mean():.2f}, variance {counts.var():.2f}, expected {PHOTONS:.2f} for both")

# %% [markdown]
# ## 2. Average the counts
#
# With infinitely many slots the count follows the Poisson law, which NumPy draws at once. We average $N$ frames, many times over, and compare the scatter with {eq}`eq-photon-mean`.

# %% mystnb={"image": {"alt": "Standard deviation of the mean count against the number of frames, both axes logarithmic. The points fall from 3 photons at one frame to 0.19 at 256 frames and lie on the dashed line of the law."}, "figure": {"name": "fig-photon-mean", "caption": "Four times the frames, half the error. Standard deviation of the mean count over many measurements (points) against the number of frames, with the law (dashed)."}}
n_frames = 4 ** np.arange(5)
means = {n: rng.poisson(PHOTONS, (n_measurements, n)).mean(axis=1) for n in n_frames}
fig, axes = plotting.figure(1, 1, 6.4, 3.4)
axes.loglog(n_frames, [means[n].std() for n in n_frames], **role("data", linestyle="", label="measured"))
axes.loglog(n_frames, np.sqrt(PHOTONS / n_frames), **role("theory", label=r"$\sqrt{N_\gamma/N}$"))
axes.set(xlabel="number of frames N", ylabel="sd of the mean (photons)")
axes.legend()
plt.show()

# %% [markdown]
# A variance from $M$ measurements has the relative standard error $\sqrt{2/M}$. The tolerance is four of them.

# %%
ratio = means[256].var() / (PHOTONS / 256)
error = np.sqrt(2 / n_measurements)
claim(
    "mean-of-photon-counts",
    measured=ratio,
    expected=1,
    tolerance=4 * error,
    interval=ratio * (1 + error * np.array([-1.96, 1.96])),
    source="Poisson law, variance of a mean",
)

# %% [markdown]
# Move the slider: the law is the same for whatever is averaged. Four times the data, half the interval.

# %% mystnb={"image": {"alt": "Live figure: forty measurements with their intervals"}}
IntervalExplorer()

# %% [markdown]
# ## Exercises
#
# ```{exercise} Look long enough
# :label: ex-photon-frames
# How many frames with nine photons each give the brightness to 1 %?
# ```
#
# ````{solution-start} ex-photon-frames
# :class: dropdown
# ````

# %% tags=["nbval-check-output"]
print(f"{1 / (9.0 * 0.01**2):.0f} frames, which is 10,000 photons in all")

# %% [markdown]
# The relative error is $1/\sqrt{N_\gamma N}$: only the number of all photons counts.
#
# ````{solution-end}
# ````
#
# ```{exercise} Lose half
# :label: ex-photon-loss
# The camera misses every second photon, by chance. Is the variance still equal to the mean?
# ```
#
# ````{solution} ex-photon-loss
# :class: dropdown
# Yes. A slot now holds a photon with probability $p/2$, and the derivation goes through. The relative error grows by $\sqrt 2$.
# ````
#
# ```{exercise} Find the gain
# :label: ex-photon-gain
# The camera writes $g$ grey levels for each photon. What do the variance and the mean of its grey levels tell?
# ```
#
# ````{solution} ex-photon-gain
# :class: dropdown
# The mean is $g N_\gamma$, the variance $g^2 N_\gamma$. Their ratio is the gain $g$: a camera can be calibrated with nothing but light.
# ````
#
# ## Summary
#
# How long must we look? Until 10,000 photons came: photons are counted with a variance equal to their mean, and averages of $N$ frames scatter by $\sqrt{N_\gamma/N}$.
