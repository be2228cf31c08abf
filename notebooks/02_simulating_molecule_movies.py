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
#     full: the same cells with more movies
#     question: Where do 64 x 64 numbers come from?
#     quick_cpu_s: 40
#     title: Simulating molecule movies
# ---

# %% [markdown]
# # Simulate what a microscope records
#
# **The question.** A camera turns a walking molecule into 16 frames of 64 x 64 numbers. Where do these numbers come from, and how do we know that simulated ones are like real ones?
#
# **You will do.** Build a microscope from sub-positions to photons to counts, compare it with the generator of the original, and calibrate it on three recordings of real molecules.
#
# **You will learn.** What the point spread function, motion blur, photon noise and a camera do to an image. Why a straight line of noise against brightness is not enough to know a camera, and which number closes the gap.
# Why matching images pixel by pixel finds the wrong noise.
#
# **You need.** {doc}`01_physics_of_diffusion`; Poisson and Gaussian random numbers.
#
# **Time.** Quick: about 40 CPU seconds. Full: about 3 minutes.

# %% tags=["parameters"]
PROFILE = "quick"
SEED = 0

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import erf
from scipy.stats import poisson, spearmanr

from helpers.common import data, profiles, results
from helpers.common.claims import claim, skip
from helpers.molecules import brownian, calibration, cues, detection, io, matching, movies, original
from helpers.molecules import plots, records, transfer
from helpers.molecules.widgets import Microscope

profile = profiles.get(PROFILE)
rng = np.random.default_rng(SEED)
pixel_um, psf_sigma_um, dt_s = 0.1, 0.095, 0.01

# %% [markdown]
# ## 1. From a point to a spot
#
# A molecule is a thousand times smaller than a pixel. The lens spreads its light over a spot of the {term}`point spread function`, close to a Gaussian of width $\sigma_\mathrm{PSF} \approx 0.21\, \lambda / \mathrm{NA}$, here 95 nm.
# A pixel does not sample this spot at its centre. It collects all the light that falls on its area. For a Gaussian the integral over a square factorises into two differences of error functions:
#
# ```{math}
# :label: eq-pixel
# p_{ij} = E_i(y_0)\,E_j(x_0), \qquad E_i(y_0) = \tfrac12\left[\operatorname{erf}\frac{i + 1 - y_0}{\sqrt2\,\sigma} - \operatorname{erf}\frac{i - y_0}{\sqrt2\,\sigma}\right].
# ```
#
# Two vectors of length 64 make 4096 pixels. That is what makes the simulator fast.


# %%
def spot(y0, x0, sigma_px, n_pixels=64):
    edges = np.arange(n_pixels + 1)
    share_y, share_x = (np.diff(erf((edges - centre) / (np.sqrt(2) * sigma_px))) / 2 for centre in (y0, x0))
    return np.outer(share_y, share_x)


mine = spot(32.0 + 3.1, 32.0 - 1.7, 1.0)
still = np.array([3.1, -1.7]).reshape(1, 1, 1, 2) * pixel_um  # (n, T, n_sub, 2)
theirs = movies.render(still, photons=1.0, psf_sigma_um=0.1, pixel_um=pixel_um)[0, 0]
assert np.allclose(mine, theirs, atol=1e-6)

# %% [markdown]
# Three numbers follow from the integral, and each catches a different mistake. All light arrives. A molecule in the middle of a pixel gives it $\operatorname{erf}(1/\sqrt8)^2 = 14.66$ % of the light if $\sigma$ is one pixel.
# And integrating over a pixel widens the spot: its variance is $\sigma^2 + 1/12$ px², because a pixel is a box of variance 1/12.

# %%
centred = movies.render(np.full((1, 1, 1, 2), pixel_um / 2), 1.0, 0.1, pixel_um)[0, 0]
y = np.arange(64) + 0.5
second_moment = (centred.sum(axis=1) * (y - 32.5) ** 2).sum()
claim("photons-conserved", measured=theirs.sum(dtype=float), expected=1, tolerance=1e-4, source="Eq. eq-pixel")
claim(
    "central-pixel-share",
    measured=centred.max(),
    expected=erf(1 / np.sqrt(8)) ** 2,
    tolerance=1e-4,
    source="Eq. eq-pixel: .14663",
)
claim(
    "pixel-widens-spot",
    measured=second_moment,
    expected=1 + 1 / 12,
    tolerance=1e-4,
    unit="px2",
    source="variance of a box",
)

# %% [markdown]
# ## 2. From a walk to a blur
#
# While the shutter is open the molecule moves, and every place it visits gets a share of the light. Ten sub-positions per frame are a good picture of the path. The next two figures show four frames of one fast molecule, as the original does.

# %%
D_um2_s, n_movies = 8.0, 1
walk = brownian.simulate_tracks(D_um2_s, 1, n_frames=4, rng=np.random.default_rng(SEED + 7))
walk -= walk.mean(axis=(1, 2), keepdims=True)
light = movies.render(walk, photons=500.0, psf_sigma_um=psf_sigma_um, pixel_um=pixel_um, n_pixels=32)

# %% mystnb={"image": {"alt": "One continuous random path in four colours with four different markers, one per frame; dots mark the ten sub-positions of each frame, crosses the mean of each frame."}, "figure": {"name": "fig-subtracks", "caption": "A track is what is left of a path. The path of one molecule during four frames, ten sub-positions each. Crosses: the mean of each frame, which is all that a track keeps."}}
plots.paths_in_frames(walk[0])
plt.show()

# %% mystnb={"image": {"alt": "Four images of the same molecule in successive frames. A frame in which the molecule hardly moves shows a small bright spot; frames in which it moves far show dim, elongated blobs."}, "figure": {"name": "fig-four-frames", "caption": "The same light, spread differently. Expected photons of the four frames of the path above, without noise. The peak falls where the molecule moves, although every frame holds 500 photons."}}
titles = [f"frame {k + 1}: {frame.max():.0f}" for k, frame in enumerate(light[0])]
plots.film(light, "photons / pixel", titles, bar_px=10, bar_label="1 µm")
plt.show()

# %% [markdown]
# How wide is the blob on average? The path inside one frame has variance $\tfrac13 D \Delta t\,(1 - 1/n^2)$ per axis (lesson 01). It adds to the spot:
#
# ```{math}
# :label: eq-blob
# \langle \text{variance of the image} \rangle = \sigma_\mathrm{PSF}^2 + \tfrac1{12}\,\mathrm{px}^2 + \tfrac13 D\,\Delta t\left(1 - \tfrac1{n^2}\right).
# ```
#
# So the width of a single blob already carries information on $D$, before anything is tracked.

# %%
paths = brownian.simulate_tracks(4.0, profile.pick(quick=400, full=4000), n_frames=4, rng=rng)
paths -= paths.mean(axis=2, keepdims=True)  # each frame centred: we ask for the width only
images = movies.render(paths, 1.0, psf_sigma_um, pixel_um).astype(float)
per_frame = (images.sum(axis=3) * (y - 32) ** 2).sum(axis=2)  # (n, T) px^2
expected = (psf_sigma_um / pixel_um) ** 2 + 1 / 12 + 4.0 * dt_s / 3 * (1 - 1 / 100) / pixel_um**2
error = per_frame.std() / np.sqrt(per_frame.size)
claim(
    "blob-variance",
    measured=per_frame.mean(),
    expected=expected,
    tolerance=4 * error,
    unit="px2",
    interval=per_frame.mean() + 1.96 * error * np.array([-1, 1]),
    source="Eq. eq-blob",
)

# %% [markdown]
# ## 3. From photons to counts
#
# Light comes in lumps. Where $\mu$ photons are expected, a {term}`Poisson <shot noise>` number of them arrives, with variance $\mu$. The camera turns it into counts:
#
# ```{math}
# :label: eq-camera
# \text{counts} = o + g\,(e + r\,\xi), \qquad e \sim \mathrm{Poisson}(\mu + b), \quad \xi \sim \mathcal N(0, 1),
# ```
#
# with background $b$, gain $g$, offset $o$ and read noise $r$. A camera with {term}`EM gain` multiplies each electron by a random number with an exponential distribution before it is read. The mean stays $g\mu$, the variance doubles: the {term}`excess factor` is 2 {cite}`robbins2003`.


# %%
def camera(expected, background, gain, offset, read_noise, rng, em=False):
    electrons = rng.poisson(expected + background).astype(float)
    if em:
        electrons = np.where(electrons > 0, rng.gamma(np.maximum(electrons, 1)), 0.0)
    return offset + gain * (electrons + read_noise * rng.standard_normal(electrons.shape))


flat = np.full((200_000,), 20.0)
cameras = {"plain": dict(em=False), "EM gain": dict(em=True)}
mine = {name: camera(flat, 5, 10, 100, 1.5, rng, **kind) for name, kind in cameras.items()}
theirs = {name: movies.add_noise(flat, 5, 10, 100, 1.5, rng, **kind) for name, kind in cameras.items()}

# %% mystnb={"image": {"alt": "Histograms of camera counts at constant light for a plain and an EM camera. Both have their mean at 350 counts; the EM histogram is wider by a factor 1.4 and has a long right tail."}, "figure": {"name": "fig-camera", "caption": "EM gain doubles the variance and tilts the histogram. Counts of 200,000 pixels that all expect 25 photoelectrons, from the cell above (bars) and from the tested simulator (lines)."}}
plots.camera_histograms(mine, theirs, bins=np.arange(40, 900, 15))
plt.show()

# %%
variance = {name: counts.var() / 10**2 for name, counts in theirs.items()}
claim(
    "camera-mean",
    measured=theirs["plain"].mean(),
    expected=100 + 10 * 25,
    tolerance=0.5,
    unit="counts",
    source="Eq. eq-camera",
)
claim(
    "camera-variance",
    measured=variance["plain"],
    expected=25 + 1.5**2,
    tolerance=0.4,
    unit="e2",
    source="Eq. eq-camera",
)
claim(
    "em-excess-factor",
    measured=(variance["EM gain"] - 1.5**2) / 25,
    expected=2,
    tolerance=0.05,
    source="Robbins & Hadwen 2003",
)

# %% [markdown]
# Noise, not rendering, is what takes time: a movie has 65,536 pixels, and each needs its own random number. Two ideas help. *Superposition*: Poisson numbers add, so background and signal can be drawn apart, and the signal only where there is any.
# *A table*: the sum of background and read noise has one distribution for all dark pixels, and 65,536 of its quantiles fit in a table that a 16-bit random number looks up. The record below compares both with a loop over a 320 x 320 grid, as in the original.

# %%
speed = results.read("movies")["values"]["rows"]
for row in speed:
    print(
        f"recorded: {row['name']:32s} {row['ours_ms']:6.2f} ms, the original's loop {row['baseline_ms']:4.0f} ms: x {row['ratio']:.0f}"
    )
for row in speed:
    name = row["name"].replace(",", "").replace(" ", "-")
    claim(
        f"speed-{name}",
        measured=row["ratio"],
        at_least=row["limit"],
        interval=(row["low"], row["high"]),
        source="recorded: python -m helpers bench movies",
    )

# %% [markdown]
# ## 4. Three cues, and what bleaches them
#
# An image sequence tells about $D$ in three ways: the steps between frames (*trajectory*), the width of the blob (*shape*), and its peak (*brightness*), since spread light is dim light.
# `cues.measure` takes one number for each from every movie: the mean squared step of the centroid, the second moment of the blob, and minus its peak. We ask how well each ranks the molecules by $D$. Then we spoil the recording in three ways.


# %%
n_movies = profile.pick(quick=300, full=3000)
D_many = np.exp(rng.uniform(np.log(0.2), np.log(10), n_movies))
clean = dict(photons=800.0, background=5.0, psf_sigma_um=psf_sigma_um, brightness_spread=0.0, n_frames=16)
worlds = {
    "clean": {},
    "molecules differ in\nbrightness (50 %)": {"brightness_spread": 0.5},
    "wide PSF\n(250 nm)": {"psf_sigma_um": 0.25},
    "few photons (100)": {"photons": 100.0},
    "two frames": {"n_frames": 2},
}
ranking = {}
for name, change in worlds.items():
    batch = movies.simulate(D_many, n_movies, n_pixels=48, rng=np.random.default_rng(SEED + 1), **{**clean, **change})
    ranking[name] = {cue: spearmanr(value, D_many)[0] for cue, value in cues.measure(batch.images, 5.0).items()}

# %% mystnb={"image": {"alt": "Bars of rank correlation with D for trajectory, shape and brightness in five kinds of recording. All cues are above 0.8 in the clean recording; brightness falls when molecules differ in brightness, shape falls with a wide point spread function and few photons, the trajectory falls with two frames."}, "figure": {"name": "fig-cues", "caption": "Each cue has its own bleach. Rank correlation of three cues with the true D over movies of D = 0.2 to 10 µm²/s, in a clean recording and in four spoiled ones."}}
plots.cue_ranking(ranking)
plt.show()

# %% [markdown]
# In the clean recording every cue works, the brightest pixel too. Let molecules differ in brightness, as real dyes do, and brightness can no longer be trusted. A wide spot hides the blur; few photons hide the width of the spot; a short movie hides the steps.
# A network trained in the clean world would lean on the cue that fails first. **The simulator decides what a network learns.**

# %%
worst = "molecules differ in\nbrightness (50 %)"
claim(
    "brightness-cue-fades",
    measured=ranking[worst]["brightness"] - ranking["clean"]["brightness"],
    at_most=-0.1,
    source="fig-cues",
)
claim(
    "shape-outlasts-brightness",
    measured=ranking[worst]["shape"] - ranking[worst]["brightness"],
    at_least=0.2,
    source="fig-cues",
)
claim(
    "psf-hides-shape",
    measured=ranking["wide PSF\n(250 nm)"]["shape"] - ranking["clean"]["shape"],
    at_most=-0.05,
    source="fig-cues",
)

# %% [markdown]
# Turn the knobs yourself. Which one hides the motion first?

# %% mystnb={"image": {"alt": "Live figure: a microscope with photons, point spread function, background, gain and shutter"}}
Microscope()

# %% [markdown]
# ## 5. The generator of the original
#
# The original {cite}`silly2024` draws each sub-position on a grid of 320 x 320 points, averages blocks of 5 x 5, adds a Gaussian background of $100 \pm 10$ counts, and passes the frame to a Poisson routine that expects values between 0 and 1.
# To get there it divides by the maximum of the frame. That division has a consequence that is easy to miss: the brightest pixel of *every* frame receives the same 41 photons. We rebuilt the generator, and a faster one with the same statistics. The number of photons can be read off its images: every value is a whole number of photons divided by the same gain.


# %%
def photons_of_the_molecule(frame):
    levels = np.unique(frame)  # whole numbers of photons, divided by the gain of this frame
    return original.SIGNAL_COUNTS / np.diff(levels).min()


D_units = np.array([1, 5, 20, 50])  # the original's unit, 1000 nm^2/s, is 0.40 um^2/s after its unit slip
frames, photons_seen = {}, {}
for D in D_units:
    paths_nm = original.tracks(D, profile.pick(quick=40, full=200), rng)
    frames[D] = original.emulate(paths_nm, rng)
    stays = np.abs(paths_nm).max(axis=(2, 3)) < 140  # frames in which the molecule is inside the field
    photons_seen[D] = np.median([photons_of_the_molecule(frame) for frame in frames[D][stays]])

# %% mystnb={"image": {"alt": "Left: photons of the molecule per frame rise from about 300 at one unit of D to about 700 at fifty units. Right: four example frames of the original's generator from slow to fast."}, "figure": {"name": "fig-original", "caption": "In the original's movies fast molecules get more light. Left: median number of signal photons per frame against D, for its generator and for nature. Right: first frames of four of its movies, D = 1, 5, 20 and 50 units."}}
examples = {D: stack[0, 0] for D, stack in frames.items()}
plots.light_of_the_original(photons_seen, photons_seen[1], examples)
plt.show()

# %%
claim(
    "original-fast-gets-more-light",
    measured=photons_seen[50] / photons_seen[1],
    at_least=2,
    source="photons counted in the images of its generator",
)

# %% [markdown]
# A network trained on these movies can read $D$ from the noise of the background. It would be lost on real ones. The rule that was broken is worth stating: **the noise of a pixel depends on the light of that pixel, and on nothing else in the image.** Our simulator is tested for it.
#
# ## 6. What the noise says about the camera
#
# To simulate a real camera we need its gain, offset and read noise. Nobody may have written them down. But noise is a messenger: in Eq. {eq}`eq-camera` a pixel with mean $m$ has variance
#
# ```{math}
# :label: eq-transfer
# v = F g\,(m - o) + g^2 r^2 = s\,(m - m_0), \qquad s = F g, \quad m_0 = o - \frac{g r^2}{F},
# ```
#
# a straight line, the {term}`photon transfer` curve {cite}`janesick2007`. A line has two numbers, $s$ and $m_0$. The camera has four: gain, offset, read noise, and the excess factor $F$ (1 or 2). **Two numbers cannot give four.** First, let us make a recording whose truth we know and look at its line.

# %%
known = dict(
    photons=360.0,
    brightness_spread=0.5,
    background=15.0,
    psf_sigma_um=0.12,
    pixel_um=0.1,
    gain=55.0,
    offset=510.0,
    read_noise=0.0,
    em=True,
)
uneven = calibration.Background(level=510 + 55 * 15, level_se=0, between_movies=0.07, within_movies=0.013)
truth = calibration.Calibration(None, None, uneven, known)
made = calibration.simulate_recording(truth, 1.0, profile.pick(quick=30, full=100), rng=rng)  # (n, 16, 64, 64)
mask = transfer.background_mask(made)
line = movies.photon_transfer(made, excess=2, read_noise=0, mask=mask)
pairs = [
    (movie[:, keep].mean(axis=0), movie[:, keep].var(axis=0, ddof=1)) for movie, keep in zip(made, mask, strict=True)
]
mean, var = np.concatenate([m for m, _ in pairs]), np.concatenate([v for _, v in pairs])
naive_slope, naive_intercept = np.polyfit(mean, var, 1)
print(
    f"true slope {2 * 55}, plain fit pixel by pixel {naive_slope:.0f}, without bias {line.slope:.1f} +- {line.slope_se:.1f}"
)

# %% [markdown]
# The plain fit of pixel variances against pixel means is badly off. Mean and variance of a pixel come from the same 16 numbers. After EM gain their distribution is skewed: a pixel that caught one large value has both a large mean and a large variance. The fit mistakes this for the camera.
# `photon_transfer` avoids it by taking mean and variance from different frames and averaging over blocks. Its line agrees with the truth:

# %%
claim(
    "transfer-slope",
    measured=line.slope,
    expected=110,
    tolerance=4 * line.slope_se,
    interval=line.slope + 1.96 * line.slope_se * np.array([-1, 1]),
    unit="counts",
    source="Eq. eq-transfer, known truth",
)
claim(
    "transfer-level",
    measured=line.zero_variance_level,
    expected=510,
    tolerance=4 * line.zero_variance_level_se,
    unit="counts",
    source="Eq. eq-transfer, known truth",
)
claim("plain-fit-is-biased", measured=naive_slope / 110, at_least=1.1, source="mean and variance from the same frames")

# %% [markdown]
# Which assumption closes the system? Here are three, for the same line:

# %%
print("assumption                          gain    offset   background")
for words, excess, read in [
    ("EM gain, no read noise (the truth)", 2, 0.0),
    ("plain camera, no read noise", 1, 0.0),
    ("plain camera, read noise 3 electrons", 1, 3.0),
]:
    gain = line.slope / excess
    offset = line.zero_variance_level + gain * read**2 / excess
    print(
        f"{words:36s}{gain:6.1f}  {offset:8.0f}  {(made[:, :, mask.all(axis=0)].mean() - offset) / gain:6.1f} photons/pixel"
    )

# %% [markdown]
# The same movies, and the number of photons differs by a factor of two. The last line is impossible, a negative background; the first two are not. Dark frames would fix the offset; a data sheet would fix the read noise. We have neither, but we have a third number. The *skewness* of the noise knows how the electrons were multiplied:
# the third cumulant divided by variance times slope is 1 for Poisson light on a plain camera and 3/2 behind an EM gain.

# %%
uneven_light = 15 * (1 + 0.15 * np.linspace(-1, 1, 20)).reshape(20, 1, 1, 1) * np.ones((1, 16, 64, 64))
plain = movies.add_noise(uneven_light, gain=110.0, offset=510.0, rng=rng)
skew = movies.photon_transfer(plain)
claim(
    "skew-plain-camera",
    measured=skew.skew_ratio,
    expected=1,
    tolerance=4 * skew.skew_ratio_se,
    source="third cumulant of a Poisson number",
)
claim(
    "skew-em-camera",
    measured=line.skew_ratio,
    expected=1.5,
    tolerance=4 * line.skew_ratio_se,
    source="third cumulant after EM gain",
)

# %% [markdown]
# ## 7. Three recordings of real molecules
#
# The original came with movies of ATTO 647 on a lipid bilayer, three recordings, 16 frames of 64 x 64 pixels each, without a calibration. It divided the counts by 18,000. We ask the movies.

# %%
have_movies = data.available("molecule_movies")
recorded = results.read("calibration")["values"]
real = {}
if have_movies:
    folder = data.fetch("molecule_movies")
    real = {name: io.read_recording(folder / name).images for name in io.recordings(folder)}
    found = {name: records.summary(stack) for name, stack in real.items()}
else:
    found = recorded
    print(
        "The real movies are not on this machine, so the recorded numbers are shown. "
        + data.how_to_get("molecule_movies")
    )
print("recording               slope        zero level     skew        PSF sigma    photons  background")
for name, row in found.items():
    print(
        f"{name.split('_')[-2]:20s}{row['slope']:6.1f} +- {row['slope_se']:3.1f}  {row['zero_variance_level']:5.0f} +- {row['zero_variance_level_se']:2.0f}   {row['skew_ratio']:.2f} +- {row['skew_ratio_se']:.2f}"
        f"  {row['psf_sigma_px']:.2f} +- {row['psf_sigma_px_se']:.2f} px {row['photons']:6.0f}  {row['background']:8.1f}"
    )

# %% mystnb={"image": {"alt": "Three groups of points of noise variance against mean counts, each with a straight line. Two recordings share one steep line that meets zero variance near 510 counts; the third has a flatter line and lies at three times the mean."}, "figure": {"name": "fig-transfer", "caption": "Each recording writes its camera into its noise. Variance against mean of the background, one point per movie (real movies where present, else the recording that we made), with the unbiased line."}}
shown = {name.split("_")[-2]: (real[name], found[name]) for name in real} or {
    "made by us": (made, records.summary(made))
}
points = {}
for name, (stack, _) in shown.items():
    keep = transfer.background_mask(stack)
    both = [(m[:, k].mean(), m[:, k].var(axis=0, ddof=1).mean()) for m, k in zip(stack, keep, strict=True)]
    points[name] = np.array(both)
lines = {name: (row["slope"], row["zero_variance_level"]) for name, (_, row) in shown.items()}
plots.transfer_lines(points, lines)
plt.show()

# %% [markdown]
# The skew ratio says 1.5 for all three: an EM camera. So the excess factor is 2 and the gain is half the slope. Behind a large EM gain the read noise of the chip is divided by that gain and drops out, so the zero-variance level *is* the offset.
# Two recordings then agree on the same camera, 55 to 58 counts per photoelectron and an offset of 510 counts, though they were never told to. The third was taken at half the gain with ten times the background. Its line is far from zero, so its offset is known less well.
#
# One assumption stays: that the spot width is the PSF. It is measured on bright spots that hardly moved, but they moved a little.

# %%
if have_movies:
    for name, row in found.items():
        short, error = name.split("_")[-2], 4 * np.hypot(row["slope_se"], recorded[name]["slope_se"])
        claim(
            f"real-skew-{short}",
            measured=row["skew_ratio"],
            expected=1.5,
            tolerance=4 * row["skew_ratio_se"],
            source="EM gain",
        )
        claim(
            f"real-slope-{short}",
            measured=row["slope"],
            expected=recorded[name]["slope"],
            tolerance=error,
            unit="counts",
            source="the record: python -m helpers bench calibration",
        )
else:
    for name in recorded:
        skip(f"real-skew-{name.split('_')[-2]}", why="the real movies are not on this machine")

# %%
same = [row for name, row in found.items() if "83" not in name]
gap = same[0]["zero_variance_level"] - same[1]["zero_variance_level"]
gap_se = np.hypot(same[0]["zero_variance_level_se"], same[1]["zero_variance_level_se"])
claim(
    "real-offsets-agree",
    measured=gap,
    expected=0,
    tolerance=3 * gap_se,
    unit="counts",
    source="two recordings, one camera" if have_movies else "recorded: python -m helpers bench calibration",
)

# %% [markdown]
# ## 8. Matching images, pixel by pixel?
#
# The original adjusted its noise until a simulated image resembled a real one, by structural similarity (SSIM) {cite}`wang2004`, mean squared error or peak signal-to-noise ratio (PSNR), with Gaussian and Laplace noise, and with new random numbers at every trial. We repeat the experiment on background of known level and width.

# %%
patch = rng.normal(1000, 150, (8, 48, 48))  # the "recorded" background: mean 1000, sd 150
table = {}
for model in ("gaussian", "laplace"):
    for objective in matching.OBJECTIVES:
        best = matching.match_noise(patch, model, objective, rng=np.random.default_rng(SEED))
        redrawn = matching.match_noise(patch, model, objective, redraw=True, rng=np.random.default_rng(SEED))
        table[model, objective] = best.scale
        print(
            f"{model:9s} {objective:11s} width {best.scale:6.1f}   with new numbers at every trial {redrawn.scale:6.1f}"
        )

# %% mystnb={"image": {"alt": "Objective against the trial width of the noise. The likelihood and the quantile distance have their minimum at the true width of 150 counts; the mean squared error and one minus SSIM rise from zero width on. With redrawn numbers the curves are jagged."}, "figure": {"name": "fig-objectives", "caption": "Pixel-by-pixel objectives ask for no noise at all. Four objectives against the trial width of the noise, scaled to their range, with common random numbers (lines) and with new numbers at each trial (dots). Grey: the true width."}}
scales = np.linspace(15, 330, 36)
fixed = matching.standard_noise("gaussian", patch.shape, rng)
smooth, rough = {}, {}
for name in ("likelihood", "quantiles", "mse", "ssim"):
    smooth[name] = np.array([matching.noise_objective(patch, 1000, s, "gaussian", name, fixed) for s in scales])
    fresh = (matching.standard_noise("gaussian", patch.shape, rng) for _ in scales)
    rough[name] = [
        matching.noise_objective(patch, 1000, s, "gaussian", name, z) for s, z in zip(scales, fresh, strict=True)
    ]
plots.objectives(scales, smooth, rough, truth=150, good=("likelihood", "quantiles"))
plt.show()

# %% [markdown]
# Two images with independent noise never agree pixel by pixel. The mean squared error of the pair is the sum of both variances, so it is least when the simulated noise is zero. PSNR is its logarithm, SSIM its cousin, and both have the same wish.
# The right question is not "is this pixel the same?" but "could these pixels come from this distribution?". The {term}`likelihood <maximum likelihood>` asks it, and so does the distance between sorted values.
# *Common random numbers*, one set of draws stretched and shifted at every trial, make the second one a smooth function; with new draws the optimiser follows the noise.

# %%
sd_error = 150 / np.sqrt(2 * patch.size)
claim(
    "likelihood-finds-noise",
    measured=table["gaussian", "likelihood"],
    expected=150,
    tolerance=5 * sd_error,
    unit="counts",
    source="known truth",
)
claim("mse-wants-no-noise", measured=table["gaussian", "mse"] / 150, at_most=0.2, source="var(a - b) = var a + var b")
claim("ssim-wants-less-noise", measured=table["gaussian", "ssim"] / 150, at_most=0.5, source="known truth")

# %%
sample = next(iter(real.values())) if real else made
dark = sample[:4, :8][:, :, :24, :24].reshape(-1, 24, 24)
level = line.zero_variance_level if not real else next(iter(found.values()))["zero_variance_level"]
for model in matching.MODELS:
    best = matching.match_noise(dark, model, "likelihood", offset=level - 60)
    print(f"{model:9s} negative log-likelihood {best.value:.4f} nats per pixel, width {best.scale:.0f} counts")

# %% [markdown]
# On a corner of the recording itself the EM model fits better than the Gaussian, and the Laplace noise that the original also tried is the worst. The physics of the camera beats the shape that happens to be in the toolbox.
#
# ## 9. Simulated beside recorded
#
# Now the test that counts. Take the calibration, simulate, and compare what was not used to calibrate: the histogram, the power spectrum, and the pictures.

# %%
name, stack = ("70_01", real["blocks_64x64x16_70_01"]) if real else ("made by us", made)
fit = calibration.calibrate(stack)
ours = calibration.simulate_recording(fit, 1.0, len(stack), n_molecules=2, rng=rng)
theirs_stats = calibration.image_statistics(stack)
ours_stats = calibration.image_statistics(ours, edges=theirs_stats.edges)
overlap = np.minimum(theirs_stats.histogram, ours_stats.histogram).sum() / theirs_stats.histogram.sum()
high = theirs_stats.frequency > 0.3
noise_ratio = ours_stats.power[high].mean() / theirs_stats.power[high].mean()
rows = [
    ("median (counts)", np.median(stack), np.median(ours)),
    ("standard deviation (counts)", stack.std(), ours.std()),
    ("99.9 % quantile (counts)", np.quantile(stack, 0.999), np.quantile(ours, 0.999)),
    ("noise floor of the spectrum", theirs_stats.power[high].mean(), ours_stats.power[high].mean()),
    ("spot width (px)", fit.spots.sigma_px, calibration.psf_width(ours).sigma_px),
]
for words, recorded_value, simulated_value in rows:
    print(f"{words:30s} recorded {recorded_value:9.2f}   simulated {simulated_value:9.2f}")
print(f"overlap of the histograms: {100 * overlap:.0f} %")

# %% mystnb={"image": {"alt": "Left: histograms of counts of recorded and simulated movies, nearly on top of each other with a long tail of bright pixels. Right: power spectra of both, equal at high frequency and close at low frequency."}, "figure": {"name": "fig-sim-real", "caption": "The calibrated simulator agrees where it was not tuned. Histogram of all pixels and radial power spectrum of one recording and of its simulation."}}
plots.statistics_beside(theirs_stats, ours_stats, f"recorded ({name})" if real else name)
plt.show()

# %% mystnb={"image": {"alt": "Two rows of four frames, recorded above and simulated below, with the same colour scale: bright spots on a grainy background of the same grain."}, "figure": {"name": "fig-side-by-side", "caption": "Which row is real? Four frames of the recording (top) and of the simulation (bottom), same colour scale."}}
pictures = [source[[0, 3, 6, 9], 5] for source in (stack, ours)]
low, high = np.quantile(stack, [0.01, 0.9995])
plots.film(pictures, "counts", labels=["recorded" if real else "made by us", "simulated"], vmin=low, vmax=high)
plt.show()

# %%
claim("histogram-overlap", measured=overlap, at_least=0.9, source="calibration used background and bright spots only")
claim(
    "noise-floor", measured=noise_ratio, expected=1, tolerance=0.1, source="power spectrum above 0.3 cycles per pixel"
)

# %% [markdown]
# Where they still differ is instructive: real molecules come in a mixture of speeds and numbers that we did not calibrate, so the low frequencies and the brightest pixels are only close. Lesson 03 meets this gap again.
#
# ## 10. From a full field to single movies
#
# A microscope does not deliver 64 x 64 movies with one molecule in the middle. It delivers a field with many. We find the spots with a {term}`matched filter`, a Gaussian of the width of the spot minus a wider one, and cut a window around each.

# %%
field = detection.simulate_field(
    0.5, 10, n_pixels=200, photons=800.0, background=9.0, psf_sigma_um=0.12, rng=np.random.default_rng(SEED + 3)
)
spots = detection.detect(field.images[0], psf_sigma_px=1.2, threshold=6)
cut = detection.crop(field.images, spots.positions)
truth_px = field.tracks_px[:, 0].mean(axis=1)
visible = ((truth_px > 2) & (truth_px < 198)).all(axis=1)
pairs = detection.match(spots.positions, truth_px[visible])
recall, precision = len(pairs) / visible.sum(), len(pairs) / len(spots.positions)
print(
    f"{len(spots.positions)} spots, {len(pairs)} of {visible.sum()} molecules, {len(cut.images)} windows lie inside the field"
)

# %% mystnb={"image": {"alt": "A field of 200 by 200 pixels with ten bright spots, each ringed; squares of 64 pixels are drawn around those that lie fully inside."}, "figure": {"name": "fig-field", "caption": "Find, then cut. First frame of a simulated field; rings: detected spots; squares: the 64 x 64 windows that lie fully inside. Overlapping windows hold two molecules."}}
plots.field_of_view(field.images[0], spots.positions, cut.corners, 64)
plt.show()

# %%
claim("detection-recall", measured=recall, at_least=0.85, source="simulated field, 800 photons over a background of 9")
claim("detection-precision", measured=precision, at_least=0.9, source="same field")

# %% [markdown]
# ## What the paper said and what we found
#
# | The original {cite}`silly2024` | Its number | Ours | Why they differ |
# |---|---|---|---|
# | Time to make a movie | 180 ms, "an expensive process" | 1.3 ms, or 0.6 ms from a table | separable error functions; noise drawn once ({numref}`fig-camera` and the record above) |
# | PSF width | $2.35 \times$ FWHM: 0.943 px | FWHM / 2.355: 0.85 px for its 200 nm | the factor stands on the wrong side; close by luck |
# | Photons in the brightest pixel | 41 in every frame | as many as arrive | its noise is scaled by the maximum of the frame |
# | Noise of real movies | guessed by SSIM, MSE, PSNR | read off the noise itself | pixel-by-pixel objectives want no noise ({numref}`fig-objectives`) |
# | Scale of real movies | counts / 18,000 | gain 55 and 24 counts per photoelectron, offsets 510 and 600 | photon transfer and skewness ({numref}`fig-transfer`) |
#
# ## Exercises
#
# ```{exercise} Where is the light?
# :label: ex-light
# A molecule sits exactly on the edge of the field. How much of its light is recorded? And in a corner? Check with `movies.render`.
# ```
#
# ````{solution-start} ex-light
# :class: dropdown
# ````

# %%
edge = movies.render(np.zeros((1, 1, 1, 2)), 1.0, 0.1, pixel_um, start_um=(3.2, 0)).sum()
corner = movies.render(np.zeros((1, 1, 1, 2)), 1.0, 0.1, pixel_um, start_um=(3.2, 3.2)).sum()
assert np.isclose(edge, 0.5, atol=1e-4)
assert np.isclose(corner, 0.25, atol=1e-4)

# %% [markdown]
# One half, and one quarter. Nothing wraps around to the other side.
#
# ````{solution-end}
# ````
#
# ```{exercise} The dimmest detectable molecule
# :label: ex-dim
# With a background of 9 photons per pixel and $\sigma_\mathrm{PSF}$ = 1.2 px, how many photons must a molecule send so that its central pixel stands three standard deviations above the background?
# ```
#
# ````{solution-start} ex-dim
# :class: dropdown
# ````

# %% tags=["nbval-check-output"]
share = erf(0.5 / (np.sqrt(2) * 1.2)) ** 2
print(f"about {3 * np.sqrt(9) / share:.0f} photons; a false alarm per pixel: {poisson.sf(9 + 9 - 1, 9):.4f}")

# %% [markdown]
# A whole frame has 4096 pixels, so three standard deviations give many false alarms. The matched filter collects the light of the whole spot and does better.
#
# ````{solution-end}
# ````
#
# ```{exercise} Read noise or offset?
# :label: ex-read-noise
# A plain camera has gain 2 counts per electron, offset 100 and read noise 5 electrons. Where does its photon transfer line meet zero variance? What would you need to tell offset and read noise apart?
# ```
#
# ````{solution-start} ex-read-noise
# :class: dropdown
# ````

# %% tags=["nbval-check-output"]
print(f"zero-variance level {100 - 2 * 5**2:.0f} counts, not 100")

# %% [markdown]
# At 50 counts. Frames with a closed shutter give the offset directly: their mean is $o$ and their variance $g^2 r^2$.
#
# ````{solution-end}
# ````
#
# ## Summary
#
# Where do 64 x 64 numbers come from? From a path, spread by a lens, cut by pixels, thinned to photons, multiplied and shifted by a camera. Each step has a closed form, and each is checked.
# A simulator is a theory that you can sample. Calibrate it before you trust it: the noise of the background knows the camera, and its skewness knows what kind of camera.
#
# The image holds three cues on $D$, and a track keeps one of them. **Can the blur itself be read?** That is lesson 03.
#
# ## References
#
# The works cited here stand in the {doc}`bibliography </book/bibliography>`. Read first {cite}`janesick2007` on photon transfer, {cite}`robbins2003` on the noise of EM gain, and {cite}`thompson2002` on what photons say about a position.
