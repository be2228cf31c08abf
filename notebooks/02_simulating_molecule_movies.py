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
#     full: the same cells with more movies, 1 minute
#     question: Where do 64 x 64 numbers come from?
#     quick_cpu_s: 20
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
# **Time.** Quick: about 20 CPU seconds, 40 with the real movies. Full: about a minute.

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
from helpers.molecules import bench, brownian, calibration, cues, detection, io, matching, movies, original
from helpers.molecules import plots, records, transfer
from helpers.molecules.widgets import Microscope

profile = profiles.get(PROFILE)
rng = np.random.default_rng(SEED)
pixel_um, psf_sigma_um, dt_s = 0.1, 0.095, 0.01

# %% [markdown]
# ## 1. From a point to a spot
#
# A molecule is a hundred times smaller than a pixel. The lens spreads its light over a spot, the {term}`point spread function`. It is close to a Gaussian of width $\sigma_\mathrm{PSF} \approx 0.21\, \lambda / \mathrm{NA}$: 95 nm for red light of the wavelength $\lambda$ = 660 nm and a lens of the {term}`numerical aperture` NA = 1.46.
# A pixel does not sample this spot at its centre. It collects all the light that falls on its area. For a Gaussian the integral over a square factorises into two differences of error functions:
#
# ```{math}
# :label: eq-pixel
# \begin{aligned}
# p_{ij} &= E_i(y_0)\,E_j(x_0), \\
# E_i(y_0) &= \tfrac12\left[\operatorname{erf}\frac{i + 1 - y_0}{\sqrt2\,\sigma_\mathrm{PSF}} - \operatorname{erf}\frac{i - y_0}{\sqrt2\,\sigma_\mathrm{PSF}}\right].
# \end{aligned}
# ```
#
# Lengths are in pixels, and pixel $i$ covers $i \dots i + 1$. Two vectors of length 64 make 4096 pixels. That is what makes the simulator fast.


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
# Three numbers follow from the integral, and each catches a different mistake. All light arrives. A molecule in the middle of a pixel gives it $\operatorname{erf}(1/\sqrt8)^2 = 14.66$ % of the light if $\sigma_\mathrm{PSF}$ is one pixel.
# And integrating over a pixel widens the spot: its variance is $\sigma_\mathrm{PSF}^2 + 1/12$ px², because a pixel is a box of variance 1/12.

# %%
centred = movies.render(np.full((1, 1, 1, 2), pixel_um / 2), 1.0, 0.1, pixel_um)[0, 0]
y = np.arange(64) + 0.5
second_moment = (centred.sum(axis=1) * (y - 32.5) ** 2).sum()
share, wider, words = erf(1 / np.sqrt(8)) ** 2, 1 + 1 / 12, "pixel integral of a Gaussian"
claim("photons-conserved", measured=theirs.sum(dtype=float), expected=1, tolerance=1e-4, source=words)
claim("central-pixel-share", measured=centred.max(), expected=share, tolerance=1e-4, source=words)
claim("pixel-widens-spot", measured=second_moment, expected=wider, tolerance=1e-4, unit="px2", source=words)

# %% [markdown]
# ## 2. From a walk to a blur
#
# While the shutter is open the molecule moves, and every place it visits gets a share of the light. Ten {term}`sub-positions <sub-position>` per frame are a good picture of the path. The next two figures show four frames of one fast molecule, as the original does.

# %%
walk = brownian.simulate_tracks(8.0, 1, n_frames=4, rng=np.random.default_rng(SEED + 7))
walk -= walk.mean(axis=(1, 2), keepdims=True)
light = movies.render(walk, photons=500.0, psf_sigma_um=psf_sigma_um, pixel_um=pixel_um, n_pixels=32)

# %% mystnb={"image": {"alt": "One continuous random path in four colours with four different markers, one per frame; dots mark the ten sub-positions of each frame, crosses the mean of each frame."}, "figure": {"name": "fig-subtracks", "caption": "A track is what is left of a path. The path of one molecule during four frames, ten sub-positions each. Crosses: the mean of each frame, which is all that a track keeps."}}
plots.paths_in_frames(walk[0])
plt.show()

# %% mystnb={"image": {"alt": "Four images of the same molecule in successive frames. A frame in which the molecule hardly moves shows a small bright spot; frames in which it moves far show dim, elongated blobs."}, "figure": {"name": "fig-four-frames", "caption": "The same light, spread differently. Expected photons of the four frames of the path above, without noise; the titles give the brightest pixel. The peak falls where the molecule moves, although every frame holds 500 photons."}}
titles = [f"peak {frame.max():.0f}" for k, frame in enumerate(light[0])]
plots.film(light, "photons / pixel", titles, bar_px=10, bar_label="1 µm")
plt.show()

# %% [markdown]
# How wide is the blob on average? The path inside one frame has variance $\tfrac13 D \Delta t\,(1 - 1/n^2)$ per axis ({doc}`lesson 01 <01_physics_of_diffusion>`). It adds to the spot:
#
# ```{math}
# :label: eq-blob
# \langle \text{variance of the image} \rangle = \sigma_\mathrm{PSF}^2 + \tfrac1{12}\,\mathrm{px}^2 + \tfrac13 D\,\Delta t\left(1 - \tfrac1{n^2}\right).
# ```
#
# So the width of a single blob already carries information on $D$, before anything is tracked.

# %% [markdown]
# We simulate 1600 frames and measure the variance of each image. Each path has its own extent, and that scatters the result. But we know the paths, so we can take their extent off and put its mean back: a *control variate*. It leaves no scatter at all, and the test becomes sharp.

# %%
paths = brownian.simulate_tracks(4.0, profile.pick(quick=400, full=4000), n_frames=4, rng=rng)
paths -= paths.mean(axis=2, keepdims=True)  # each frame centred: we ask for the width only
images = movies.render(paths, 1.0, psf_sigma_um, pixel_um).astype(float)
per_frame = (images.sum(axis=3) * (y - 32) ** 2).sum(axis=2)  # (n, T) px^2, along y
extent = (paths[..., 0] ** 2).mean(axis=2) / pixel_um**2
extent_expected = 4.0 * dt_s / 3 * (1 - 1 / 100) / pixel_um**2
print(f"mean extent of a path {extent.mean():.3f} px2, expected {extent_expected:.3f}")
blob = (per_frame - extent).mean() + extent_expected
theory = (psf_sigma_um / pixel_um) ** 2 + 1 / 12 + extent_expected
path, error = extent.mean(), extent.std() / np.sqrt(extent.size)
claim("blob-variance", measured=blob, expected=theory, tolerance=3e-4, unit="px2", source="PSF, pixel and path add")
claim("path-variance", measured=path, expected=extent_expected, tolerance=4 * error, unit="px2", source="lesson 01")

# %% [markdown]
# ## 3. From photons to counts
#
# Light comes in lumps. Where $\mu$ photons are expected, a {term}`Poisson <shot noise>` number of them arrives, with variance $\mu$. The camera turns it into counts:
#
# ```{math}
# :label: eq-camera
# \begin{gathered}
# \text{counts} = o + g\,(e + r\,\xi), \\
# e \sim \mathrm{Poisson}(\mu + b), \quad \xi \sim \mathcal N(0, 1),
# \end{gathered}
# ```
#
# with {term}`background` $b$, {term}`gain` $g$, {term}`offset` $o$ and {term}`read noise` $r$, given in electrons as if it were there before the gain. The mean is $o + g(\mu + b)$ and the variance $g^2(\mu + b + r^2)$.
#
# A camera with {term}`EM gain` multiplies each electron by a random number with an exponential distribution before it is read. A sum of exponential numbers has a gamma distribution, so one draw per pixel is enough. The mean stays, the variance of the light doubles: the {term}`excess factor` EF is 2 {cite}`robbins2003`.


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
for name in cameras:
    moments = [(x.mean(), x.std(), ((x - x.mean()) ** 3).mean() ** (1 / 3)) for x in (mine[name], theirs[name])]
    assert np.allclose(*moments, rtol=0.04)

# %% mystnb={"image": {"alt": "Histograms of camera counts at constant light for a plain and an EM camera. Both have their mean at 350 counts; the EM histogram is wider by a factor 1.4 and has a long right tail."}, "figure": {"name": "fig-camera", "caption": "EM gain doubles the variance and tilts the histogram. Counts of 200,000 pixels that all expect 25 photoelectrons, from the cell above (bars) and from the tested simulator (lines)."}}
plots.camera_histograms(mine, theirs, bins=np.arange(40, 700, 15))
plt.show()

# %%
mean, variance = theirs["plain"].mean(), {name: counts.var() / 10**2 for name, counts in theirs.items()}
excess = (variance["EM gain"] - 1.5**2) / 25
claim("camera-mean", measured=mean, expected=350, tolerance=0.5, unit="counts", source="o + g (mu + b)")
claim("camera-variance", measured=variance["plain"], expected=25 + 1.5**2, tolerance=0.4, source="mu + b + r^2")
claim("em-excess-factor", measured=excess, expected=2, tolerance=0.05, source="Robbins & Hadwen 2003")

# %% [markdown]
# Noise, not rendering, is what takes time: a movie has 65,536 pixels, and each needs its own random number. Two ideas help. *Superposition*: Poisson numbers add, so background and signal can be drawn apart, and the signal only where there is any.
# *A table*: the sum of background and read noise has one distribution for all dark pixels, and 65,536 of its quantiles fit in a table that a 16-bit random number looks up. Both are compared with a loop over a 320 x 320 grid, as in the original: once here, on a few movies, and once in a careful record.

# %%
recorded_speed, speed_here = results.read("movies")["values"]["rows"], bench.movies(repeats=2)["rows"]
for row, here in zip(recorded_speed, speed_here, strict=True):
    name = "speed-" + row["name"].replace(",", "").replace(" ", "-")
    print(f"{row['name']}: {here['ours_ms']:.2f} ms here, {row['ours_ms']:.2f} ms recorded")
    claim(
        name,
        measured=row["ratio"],
        at_least=row["limit"],
        interval=(row["low"], row["high"]),
        source="recorded: python -m helpers bench movies",
    )
    claim(
        f"{name}-here",
        measured=here["ratio"],
        at_least=row["limit"] / 2,
        source="a few movies; half the target, for a busy machine",
    )

# %% [markdown]
# ## 4. Three cues, and what bleaches them
#
# An image sequence tells about $D$ in three ways: the steps between frames (*trajectory*), the width of the blob (*shape*), and its peak (*brightness*), since spread light is dim light.
# `cues.measure` takes one number for each from every movie: the mean squared step of the centroid, the second moment of the blob, and minus its peak. We ask how well each ranks the molecules by $D$ ({term}`rank correlation`: 1 for the same order, 0 for no relation). Then we spoil the recording in five ways.


# %%
n_movies = profile.pick(quick=300, full=3000)
D_many = np.exp(rng.uniform(np.log(0.2), np.log(10), n_movies))
clean = dict(photons=800.0, background=5.0, psf_sigma_um=psf_sigma_um, brightness_spread=0.0, n_frames=16)
worlds = {
    "clean": {},
    "no blur\n(snapshots)": {"n_sub": 1},
    "brightness\nvaries": {"brightness_spread": 0.5},
    "wide PSF": {"psf_sigma_um": 0.25},
    "few\nphotons": {"photons": 100.0},
    "two\nframes": {"n_frames": 2},
}
ranking = {}
for name, change in worlds.items():
    batch = movies.simulate(D_many, n_movies, n_pixels=48, rng=np.random.default_rng(SEED + 1), **{**clean, **change})
    ranking[name] = {cue: spearmanr(value, D_many)[0] for cue, value in cues.measure(batch.images, 5.0).items()}

# %% mystnb={"image": {"alt": "Bars of rank correlation with D for trajectory, shape and brightness in six kinds of recording. All are above 0.9 in the clean one. Without blur, shape and brightness fall to nearly zero. Brightness falls to 0.4 when molecules differ in brightness; shape falls with few photons, the trajectory with two frames."}, "figure": {"name": "fig-cues", "caption": "Each cue has its own bleach. Rank correlation of three cues with the true D over movies of D = 0.2 to 10 µm²/s, in a clean recording and in five spoiled ones: snapshots instead of an open shutter, molecules that differ in brightness by 50 %, a PSF of 250 nm, 100 photons, two frames."}}
plots.cue_ranking(ranking)
plt.show()

# %% [markdown]
# In the clean recording every cue works. Take snapshots instead of an open shutter, and two of them vanish: shape and brightness *are* the blur. Let molecules differ in brightness, as real dyes do, and brightness can no longer be trusted. A wide spot hides some of the blur from both; few photons hide the width of the spot; a short movie hides the steps.
# A network trained in the clean world may lean on the cue that fails first. **The simulator decides what a network learns.**

# %%
snapshots, uneven_light = ranking["no blur\n(snapshots)"], ranking["brightness\nvaries"]
blurless = max(abs(snapshots["shape"]), abs(snapshots["brightness"]))
fading = uneven_light["brightness"] - ranking["clean"]["brightness"]
lead = uneven_light["shape"] - uneven_light["brightness"]
claim("no-blur-no-shape", measured=blurless, at_most=0.3, source="without blur D changes the steps only")
claim("brightness-cue-fades", measured=fading, at_most=-0.4, source="three cues in six worlds")
claim("shape-outlasts-brightness", measured=lead, at_least=0.3, source="three cues in six worlds")

# %% [markdown]
# Turn the knobs yourself. Which one hides the motion first?

# %% mystnb={"image": {"alt": "Live figure: a microscope with photons, point spread function, background, gain and shutter"}}
Microscope()

# %% [markdown]
# ## 5. The generator of the original
#
# The original {cite}`silly2024` draws each sub-position on a grid of 320 x 320 points, averages blocks of 5 x 5, adds a Gaussian background of $100 \pm 10$ counts, and passes the frame to a Poisson routine that expects values between 0 and 1.
# To get there it divides by the maximum of the frame. That division has a consequence that is easy to miss: the brightest pixel of *every* frame receives the same 41 photons. We rebuilt the generator, and a faster one with the same statistics. The number of photons can be read off its images: within a frame every value is a whole number of photons, divided by one gain.


# %%
def counts_per_photon(frame):
    return np.diff(np.unique(frame)).min()  # the smallest step between two values is one photon


D_units = np.array([1, 5, 20, 50])  # the original's unit, 1000 nm^2/s, is 0.40 um^2/s after its unit slip
first_frames, photons_seen, brightest = {}, {}, {}
for D in D_units:
    paths_nm = original.tracks(D, profile.pick(quick=40, full=200), rng)
    stays = np.abs(paths_nm).max(axis=(2, 3)) < 140  # frames in which the molecule is inside the field
    clean = movies.render(paths_nm, original.SIGNAL_COUNTS, *original.PSF_AND_PIXEL_NM)[stays]
    noisy = original.emulate(paths_nm, rng)
    step = np.array([counts_per_photon(frame) for frame in noisy[stays]])
    peak = clean.reshape(len(clean), -1).argmax(axis=1)
    first_frames[D], photons_seen[D] = noisy[0, 0], original.SIGNAL_COUNTS / np.median(step)
    brightest[D] = noisy[stays].reshape(len(clean), -1)[np.arange(len(clean)), peak] / step

# %% mystnb={"image": {"alt": "Left: photons of the molecule per frame rise from about 270 at one unit of D to about 700 at fifty units, above a dashed horizontal line. Right: four example frames of the original's generator; the background of the fast ones is grainier."}, "figure": {"name": "fig-original", "caption": "In the original's movies fast molecules get more light. Left: median number of signal photons per frame against D, and the same light at every D (dashed). Right: first frames of four of its movies, D = 1, 5, 20 and 50 units, each on its own scale."}}
plots.light_of_the_original(photons_seen, photons_seen[1], first_frames)
plt.show()

# %%
claim(
    "original-brightest-pixel",
    measured=brightest[1].mean(),
    expected=40.96,
    tolerance=4 * brightest[1].std() / np.sqrt(brightest[1].size),
    unit="photons",
    source="4096 levels / 100",
)
claim(
    "original-fast-gets-more-light",
    measured=photons_seen[50] / photons_seen[1],
    expected=2.62,
    tolerance=0.15,
    source="heights of the noiseless spots plus 100 counts",
)

# %% [markdown]
# A network trained on these movies could read $D$ from the noise of the background. In real movies it would find nothing of the kind. The rule that was broken is worth stating: **the noise of a pixel depends on the light of that pixel, and on nothing else in the image.** Our simulator is tested for it.
#
# ## 6. What the noise says about the camera
#
# To simulate a real camera we need its gain, offset and read noise. Nobody may have written them down. But the noise depends on them. By Eq. {eq}`eq-camera` a pixel with mean $m$ has variance
#
# ```{math}
# :label: eq-transfer
# \begin{gathered}
# v = \mathrm{EF}\,g\,(m - o) + g^2 r^2 = s\,(m - m_0), \\
# s = \mathrm{EF}\,g, \quad m_0 = o - \frac{g r^2}{\mathrm{EF}},
# \end{gathered}
# ```
#
# a straight line, the {term}`photon transfer` curve {cite}`janesick2007`. A line has two numbers, $s$ and $m_0$. The camera has four: gain, offset, read noise, and the excess factor (1 or 2). **Two numbers cannot give four.** First we make a recording whose truth we know, and look at its line.

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
made = calibration.simulate_recording(truth, 0.5, profile.pick(quick=30, full=100), start_spread_px=4, rng=rng)
mask = transfer.background_mask(made)  # (n, 64, 64), True where no molecule shines
line = movies.photon_transfer(made, excess=2, read_noise=0, mask=mask)
pixels = [movie[:, keep].astype(float) for movie, keep in zip(made, mask, strict=True)]  # (16, pixels) each
mean = np.concatenate([x.mean(axis=0) for x in pixels])
naive_slope, _ = np.polyfit(mean, np.concatenate([x.var(axis=0, ddof=1) for x in pixels]), 1)
print(f"true slope {2 * 55}, plain fit {naive_slope:.0f}, without bias {line.slope:.1f} ± {line.slope_se:.1f}")

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
    source="photon transfer, known truth",
)
claim(
    "transfer-level",
    measured=line.zero_variance_level,
    expected=510,
    tolerance=4 * line.zero_variance_level_se,
    unit="counts",
    source="photon transfer, known truth",
)
claim("plain-fit-is-biased", measured=naive_slope / 110, at_least=1.1, source="mean and variance from the same frames")

# %% [markdown]
# Which assumption closes the system? Here are three, for the same line:


# %%
def what_if(slope, zero_level, mean_level):
    print(f"{'assumption':38s}{'gain':>7s}{'offset':>8s}{'background':>12s}")
    for words, excess, read in [
        ("EM gain, no read noise", 2, 0.0),
        ("plain camera, no read noise", 1, 0.0),
        ("plain camera, read noise 3 electrons", 1, 3.0),
    ]:
        gain = slope / excess
        offset = zero_level + gain * read**2 / excess
        print(f"{words:38s}{gain:7.1f}{offset:8.0f}{(mean_level - offset) / gain:12.1f} photons/pixel")


what_if(line.slope, line.zero_variance_level, mean.mean())

# %% [markdown]
# The first line is close to the truth. The second has half the photons, and nothing in it looks wrong. The third is impossible: a negative background. {term}`Dark frames <dark frame>`, taken without light, would fix the offset; a data sheet would fix the read noise. We have neither, but the noise has a third number, its *skewness*: how far its histogram leans to one side.
#
# A Poisson number of electrons with mean $b$, each multiplied by a random $x$ of mean 1, has the variance $\kappa_2 = b\langle x^2\rangle$ and the third {term}`cumulant` $\kappa_3 = b\langle x^3\rangle$. In units of one electron the slope is $s = \langle x^2\rangle$. On a plain camera $x = 1$; behind EM gain $x$ is exponential. So the ratio is
#
# ```{math}
# :label: eq-skew
# \frac{\kappa_3}{\kappa_2\, s} = \frac{\langle x^3\rangle}{\langle x^2\rangle^2} = \begin{cases} 1 & \text{plain camera,} \\ 6 / 2^2 = 3/2 & \text{EM gain.} \end{cases}
# ```
#
# Read noise adds to the variance and not to the third cumulant: it multiplies the ratio by $b / (b + r^2 / \mathrm{EF})$. A ratio close to 3/2 therefore says two things: EM gain, and little read noise.

# %%
gradient = np.broadcast_to(15 * (1 + 0.15 * np.linspace(-1, 1, 20)).reshape(20, 1, 1, 1), (20, 16, 64, 64))
quiet, loud = (
    movies.photon_transfer(movies.add_noise(gradient, gain=110.0, offset=510.0, read_noise=r, rng=rng))
    for r in (0.0, 1.5)
)
expected_ratios = {"plain-camera": (quiet, 1), "em-camera": (line, 1.5), "read-noise": (loud, 15 / (15 + 1.5**2))}
for name, (fit, ratio) in expected_ratios.items():
    error = fit.skew_ratio_se
    claim(f"skew-{name}", measured=fit.skew_ratio, expected=ratio, tolerance=4 * error, source="third cumulant")
claim(
    "transfer-level-read-noise",
    measured=loud.zero_variance_level,
    expected=510 - 110 * 1.5**2,
    tolerance=4 * loud.zero_variance_level_se,
    unit="counts",
    source="photon transfer: o - g r^2 / EF",
)

# %% [markdown]
# ## 7. Three recordings of real molecules
#
# The original came with movies of the dye ATTO 647 on a lipid bilayer, three recordings of 50 movies each, 16 frames of 64 x 64 pixels, without a calibration. It divided the counts by 18,000. We ask the movies.

# %%
have_movies = data.available("molecule_movies")
recorded = results.read("calibration")["values"]
real = {}
if have_movies:
    folder = data.fetch("molecule_movies")
    real = {name: io.read_recording(folder / name).images for name in io.recordings(folder)}
    fits = {name: (calibration.calibrate(stack), calibration.motion(stack)) for name, stack in real.items()}
    found = {name: records.summary(*fit) for name, fit in fits.items()}
else:
    fits, found = {"made_by_us": (calibration.calibrate(made), calibration.motion(made))}, recorded
    print(
        "The real movies are not on this machine, so the recorded numbers are shown. "
        + data.how_to_get("molecule_movies")
    )
short = {name: name.split("_")[-2] for name in recorded} | {"made_by_us": "ours"}
print("recording         slope   zero level        skew       PSF width   photons  background")
for name, row in found.items():
    print(
        f"{short[name]:9s}{row['slope']:7.1f} ± {row['slope_se']:3.1f} {row['zero_variance_level']:7.0f} ± {row['zero_variance_level_se']:2.0f}"
        f" {row['skew_ratio']:7.2f} ± {row['skew_ratio_se']:.2f} {row['psf_sigma_px']:6.2f} ± {row['psf_sigma_px_se']:.2f} px"
        f" {row['photons']:6.0f}  {row['background']:8.1f}"
    )
first = found[next(iter(found))]
what_if(first["slope"], first["zero_variance_level"], first["background_counts"])

# %% mystnb={"image": {"alt": "Points of noise variance against mean counts on straight lines. Two recordings lie on steep lines that meet zero variance near 510 counts; the third has a flatter line and lies at three to four times their mean. Where the recordings are absent, one line of our own."}, "figure": {"name": "fig-transfer", "caption": "Each recording writes its camera into its noise. Variance against mean of the background, one point per movie, and the unbiased line, for the three recordings (or for the one that we made, where they are not on the machine)."}}
shown = real or {"made_by_us": made}
points, lines = {}, {}
for name, stack in shown.items():
    keep = transfer.background_mask(stack)
    both = [(m[:, k].mean(), m[:, k].var(axis=0, ddof=1).mean()) for m, k in zip(stack, keep, strict=True)]
    points[name], lines[name] = np.array(both), fits[name][0].transfer[0:3:2]
plots.transfer_lines({short[name]: points[name] for name in points}, {short[name]: lines[name] for name in lines})
plt.show()

# %% [markdown]
# All three skew ratios lie near 3/2: an EM camera with little read noise. So the excess factor is 2, the gain is half the slope, and the zero-variance level is the offset. Together the ratios are 3 % above 3/2, four standard errors; faint molecules that the mask missed would do that.
# Recordings 104 and 70 give the same offset, though they were never told to. Their gains differ by 5 %, again four standard errors: calibrate each recording by itself. Recording 83 was taken at half the gain with ten times the background. Its line is far from zero, so its offset is known less well.
#
# The widths of the spots differ by more than their errors too. The focus and the remaining motion enter here: we measure the width of spots that hardly moved, and call it the PSF. That is the last assumption.

# %%
for name in recorded:
    claim_name, row = f"real-skew-{short[name]}", found[name]
    if have_movies:
        error = row["skew_ratio_se"]
        claim(claim_name, measured=row["skew_ratio"], expected=1.5, tolerance=4 * error, source="EM gain")
    else:
        skip(claim_name, why="the real movies are not on this machine")
a, b = (row for name, row in found.items() if short[name] in ("104", "70"))
claim(
    "real-offsets-agree",
    measured=a["zero_variance_level"] - b["zero_variance_level"],
    expected=0,
    tolerance=3 * np.hypot(a["zero_variance_level_se"], b["zero_variance_level_se"]),
    unit="counts",
    source="two recordings, one camera" if have_movies else "recorded: python -m helpers bench calibration",
)

# %% [markdown]
# ## 8. Matching images, pixel by pixel?
#
# The original adjusted its noise until a simulated image resembled a real one: by mean squared error, by peak signal-to-noise ratio ({term}`PSNR`, its logarithm), or by structural similarity ({term}`SSIM`, which compares the local mean, width and correlation of two images {cite}`wang2004`). It tried Gaussian and Laplace noise, with new random numbers at every trial.
# We test its idea on a background of known level and width. Two objectives of our own stand beside its: the {term}`likelihood <maximum likelihood>` of the pixels, and *quantiles*, the squared distance between the sorted pixels of both images.

# %%
patch = rng.normal(1000, 150, (8, 48, 48))  # the "recorded" background: mean 1000, sd 150
table = {}
print(f"{'noise':9s} {'objective':11s}{'width':>7s}  with new numbers at every trial")
for model in ("gaussian", "laplace"):
    for objective in ("likelihood", "quantiles", "mse", "ssim"):
        best = matching.match_noise(patch, model, objective, rng=np.random.default_rng(SEED))
        table[model, objective], again = best.scale, ""
        if objective != "likelihood":
            redrawn = matching.match_noise(patch, model, objective, redraw=True, rng=np.random.default_rng(SEED))
            again = f"{redrawn.scale:8.1f}"
        print(f"{model:9s} {objective:11s}{best.scale:7.1f}{again}")

# %% mystnb={"image": {"alt": "Objective against the trial width of the noise in four panels. Likelihood and quantile distance have their minimum at the true width of 150 counts; mean squared error and minus SSIM rise from the smallest width on. Dots from redrawn numbers scatter about the lines."}, "figure": {"name": "fig-objectives", "caption": "Pixel-by-pixel objectives ask for almost no noise. Four objectives against the trial width of the noise, scaled to their range, averaged over eight sets of common random numbers (lines) and with new numbers at each trial (dots). Grey: the true width."}}
scales = np.linspace(15, 330, 36)
eight = [matching.standard_noise("gaussian", patch.shape, rng) for _ in range(8)]
smooth, rough = {}, {}
for name in ("likelihood", "quantiles", "mse", "ssim"):
    values = np.array([[matching.noise_objective(patch, 1000, w, "gaussian", name, z) for w in scales] for z in eight])
    smooth[name] = values.mean(axis=0)
    rough[name] = values[rng.integers(8, size=36), np.arange(36)]
plots.objectives(scales, smooth, rough, truth=150, good=("likelihood", "quantiles"))
plt.show()

# %% [markdown]
# Two images with independent noise never agree pixel by pixel. The mean squared error of the pair is the sum of both variances, so it is least when the simulated noise is zero, and PSNR with it. SSIM wants little noise, too; where it stops depends on the draw.
# The right question is not "is this pixel the same?" but "could these pixels come from this distribution?". Likelihood and quantiles ask it. {term}`Common random numbers <common random numbers>`, one set of draws stretched and shifted at every trial, make the second a smooth function; with new draws the optimiser follows the noise.
#
# The Laplace likelihood finds 170, not 150, on Gaussian noise. It measures $\sqrt2\,\langle\lvert x\rvert\rangle$, and for Gaussian numbers that is $150 \times 2 / \sqrt\pi$ = 169: a good objective with the wrong shape of noise gives a wrong width, too.

# %%
width_error = 150 / np.sqrt(2 * patch.size)
error, laplace, words = 4 * width_error, 150 * 2 / np.sqrt(np.pi), "var(a - b) = var a + var b"
width = {objective: table["gaussian", objective] for objective in ("likelihood", "mse", "ssim")}
claim("likelihood-finds-noise", measured=width["likelihood"], expected=150, tolerance=error, source="known truth")
claim("laplace-finds-too-much", measured=table["laplace", "likelihood"], expected=laplace, tolerance=1.2 * error)
claim("mse-wants-no-noise", measured=width["mse"] / 150, at_most=0.02, source=words)
claim("ssim-wants-less-noise", measured=width["ssim"] / 150, at_most=0.5, source="known truth")

# %% [markdown]
# Which shape does the recording itself have? We ask the likelihood for the background of one movie, in {term}`nats <nat>` per pixel. Each model has one free number, its width; the EM model is also told the offset of section 6. On the real movie it wins: the physics of the camera beats the shape that happens to be in the toolbox. (Where the real movies are not on the machine, the movie is one that we made with EM gain, and the answer is no surprise.)

# %%
movie = real[next(iter(real))][0] if real else made[0]
level = first["zero_variance_level"] if real else line.zero_variance_level
background = movie[:, transfer.background_mask(movie)]  # (16, pixels)
nats = {}
for model in matching.MODELS:
    best = matching.match_noise(background, model, "likelihood", offset=level)
    nats[model] = best.value
    print(f"{model:9s} negative log-likelihood {best.value:.4f} nats per pixel, width {best.scale:.0f} counts")
gain_nats = nats["gaussian"] - nats["em"]
if real:
    claim("em-fits-better", measured=gain_nats, at_least=0.01, unit="nats", source="background of a real movie")
else:
    skip("em-fits-better", why="the real movies are not on this machine")
claim(
    "laplace-fits-worse", measured=nats["laplace"] - nats["gaussian"], at_least=0.01, unit="nats", source="same pixels"
)

# %% [markdown]
# ## 9. Simulated beside recorded
#
# A calibration earns trust when it predicts what it was not fitted to. Two numbers are still open: how many molecules, and how fast? `calibration.motion` counts the spots of each frame, and takes one $D$ per movie from their squared steps. The recorded windows were cut out around a molecule, so ours starts near the centre.
# Then we make a twin of each recording. Beside it stands a floor: the same camera without any molecule. A comparison that the floor passes tells nothing about molecules.


# %%
def contents(stack):
    groups = stack.reshape(10, -1, *stack.shape[1:])  # neighbours in a recording often show one molecule
    parts = [calibration.image_statistics(group) for group in groups]
    power, k = np.array([part.power for part in parts]), parts[0].frequency
    bands = np.array([power[:, band].mean(axis=1) for band in (k < 0.06, (k > 0.06) & (k < 0.15), k > 0.3)])
    mean, error = bands.mean(axis=1), bands.std(axis=1, ddof=1) / np.sqrt(10)
    return np.array([*mean, np.quantile(stack, 0.999)]), error / mean


beside = {}
for name, stack in shown.items():
    fit, moves = fits[name]
    slowest, D_typical, fastest = np.nanquantile(moves.D_px2_frame, [0.1, 0.5, 0.9])
    D_movies = np.nan_to_num(moves.D_px2_frame, nan=D_typical) * pixel_um**2 / dt_s
    D_movies, start = np.tile(D_movies, 4), dict(start_spread_px=4, rng=rng)  # four for one: chance counts half
    n_molecules = max(1, round(moves.spots_per_frame))
    twin = calibration.simulate_recording(fit, D_movies, len(D_movies), n_molecules=n_molecules, **start)
    empty = calibration.simulate_recording(fit, D_movies, len(D_movies), n_molecules=0, **start)
    beside[short[name]] = (stack, twin, empty)
    print(
        f"{short[name]:5s}{moves.spots_per_frame:.2f} spots per frame, D from {slowest:.2f} to {fastest:.1f} px²/frame"
    )

# %%
print("ratio to the recording    low frequencies          middle    high  99.9 % quantile")
for name, three in beside.items():
    truly, its_error = contents(three[0])
    for words, other in zip(("twin", "no molecules"), three[1:], strict=True):
        found, error = contents(other)
        low, middle, high, bright = found / truly
        low_error, middle_error, _ = found[:3] / truly[:3] * np.hypot(error, its_error)
        print(
            f"{name:5s}{words:15s}{low:12.2f} ± {low_error:.2f}{middle:9.2f} ± {middle_error:.2f}{high:8.3f}{bright:14.2f}"
        )
        if words == "twin":
            tolerance = min(3 * low_error, 0.35)  # far from the camera alone
            claim(f"twin-{name}", measured=low, expected=1, tolerance=tolerance, source="low frequencies")
            claim(f"spots-{name}", measured=middle, at_most=1.6, source="middle frequencies; 1 for the right sharpness")
            claim(f"grain-{name}", measured=high, expected=1, tolerance=0.08, source="high frequencies")
        else:
            claim(f"no-molecules-{name}", measured=low, at_most=0.85, source="low frequencies of the camera alone")
if not real:
    for name in recorded:
        for what in ("twin", "spots", "grain", "no-molecules"):
            skip(f"{what}-{short[name]}", why="the real movies are not on this machine")

# %% mystnb={"image": {"alt": "Histograms of counts above, power spectra below, one column per recording. Recorded and simulated curves lie close together, but for the middle frequencies of two recordings, where the twin has about a third more power; the dotted curve of the camera without molecules has the same high frequencies and falls short at low frequencies and in the bright tail."}, "figure": {"name": "fig-sim-real", "caption": "The camera is right, the light of the molecules roughly. Histograms of all pixels (top) and radial power spectra (bottom) of each recording, of its twin, and of the same camera without molecules."}}
plots.statistics_beside({name: [calibration.image_statistics(x) for x in three] for name, three in beside.items()})
plt.show()

# %% mystnb={"image": {"alt": "Two rows of four frames, recorded above and simulated below, on the same colour scale: one bright spot near the centre of a grainy background, with the same grain in both rows."}, "figure": {"name": "fig-side-by-side", "caption": "Same grain, different molecules. Frames of four movies of a recording (top) and of its twin (bottom), same colour scale."}}
name = "70" if real else "ours"
stack, twin, _ = beside[name]
chosen = np.linspace(0, len(stack) - 1, 4).astype(int)
low, high = np.quantile(stack, [0.01, 0.9995])
labels = [f"recorded ({name})" if real else "made by us", "its twin"]
plots.film([source[chosen, 5] for source in (stack, twin)], "counts", labels=labels, vmin=low, vmax=high)
plt.show()

# %%
lit = calibration.calibrate(made).settings["photons"] / known["photons"]
claim("only-bright-spots-count", measured=lit, expected=1.25, tolerance=0.2, source="photons found / true, made by us")

# %% [markdown]
# The noise agrees within a few per cent, and the power at low frequencies, where the molecules are, within its error. Without molecules it fails. The test is not sharp: in two recordings the error is a fifth.
# It also shows the limit. What follows holds for the three recordings; where they are not on the machine, the lines above give the ratios recorded with them. Real molecules are a mixture: the fast tenth of the movies moves more than fifty times faster than the slow tenth. In 104 and 70 the twins have 30 to 40 % too much power at middle frequencies, in 104 by two of its errors, in 70 by one. A part of it is our own doing. In the recording that we made we know the light, and the calibration finds a quarter too many photons: it takes the median over spots that stand out, and faint ones do not. The rest would mean that the spots of the twins are sharper than the real ones, which go out of focus, change their speed, come and go. Fifty movies of so few molecules cannot settle it. A network trained on twins will meet such molecules; lesson 03 does.
#
# ## 10. From a full field to single movies
#
# A microscope does not deliver 64 x 64 movies with one molecule in the middle. It delivers a field with many. We find the spots with a {term}`matched filter`, a Gaussian of the width of the spot minus a wider one. We cut a window around each, and keep those that lie inside the field and hold no second spot.

# %%
scene = dict(n_pixels=256, photons=800.0, background=9.0, psf_sigma_um=0.12)
field = detection.simulate_field(0.5, 8, rng=np.random.default_rng(SEED + 3), **scene)
spots = detection.detect(field.images[0], psf_sigma_px=1.2, threshold=6)
cut = detection.crop(field.images, spots.positions)
offsets = np.abs(spots.positions[:, None] - spots.positions).max(axis=2)
alone = ((offsets < 32).sum(axis=1) == 1)[cut.kept]
single = cut.images[alone]  # (m, 16, 64, 64), ready for a network
print(
    f"8 molecules, {len(spots.positions)} spots, {cut.kept.sum()} windows inside the field, {len(single)} with one spot"
)

# %% mystnb={"image": {"alt": "A field of 256 by 256 pixels with bright spots, each ringed; squares of 64 pixels are drawn around those that lie inside and are alone."}, "figure": {"name": "fig-field", "caption": "Find, then cut. First frame of a simulated field of 26 µm; rings: detected spots; squares: the 64 x 64 windows that lie inside the field and hold one spot."}}
plots.field_of_view(field.images[0], spots.positions, cut.corners[alone], 64, bar_px=50, bar_label="5 µm")
plt.show()

# %% [markdown]
# How many molecules are found, and how many spots are molecules? One field cannot tell. Here are twenty; molecules within 3 px of the edge are not counted as missed.

# %%
visible_found, visible_all, true_spots, all_spots = 0, 0, 0, 0
for _ in range(20):
    one = detection.simulate_field(0.5, 10, n_frames=1, rng=rng, **scene)
    truth_px = one.tracks_px[:, 0].mean(axis=1)
    visible = ((truth_px > 3) & (truth_px < 253)).all(axis=1)
    seen = detection.detect(one.images[0], psf_sigma_px=1.2, threshold=6).positions
    pairs = detection.match(seen, truth_px)
    visible_found, visible_all = visible_found + visible[pairs[:, 1]].sum(), visible_all + visible.sum()
    true_spots, all_spots = true_spots + len(pairs), all_spots + len(seen)
claim(
    "detection-recall", measured=visible_found / visible_all, at_least=0.96, source="800 photons over a background of 9"
)
claim("detection-precision", measured=true_spots / all_spots, at_least=0.98, source="same fields")

# %% [markdown]
# ## What the paper said and what we found
#
# | The original {cite}`silly2024` | Its number | Ours | Why they differ |
# |---|---|---|---|
# | Time to make a movie | "an expensive process"; 90 to 100 ms for our copy of its loop | 1.1 ms, or 0.5 to 0.6 ms from a table | separable error functions; noise drawn only where there is light |
# | PSF width | $2.35 \times 200/100$ = 4.7 nm: 0.943 px of 4.98 nm, from a full width at half maximum (FWHM) of 200 nm and pixels of 100 nm | FWHM / 2.355: 0.85 px for its 200 nm | the factor stands on the wrong side, and a number of pixels is taken as nm: close by luck |
# | Background | $100 \pm 10$ counts, cut at 130 | a Poisson number per pixel | a camera's background has the noise of its light |
# | Photons in the brightest pixel | 41 in every frame | as many as arrive | its noise is scaled by the maximum of the frame ({numref}`fig-original`) |
# | Noise of real movies | matched by SSIM, MSE, PSNR, and then not used in training | read off the noise itself | pixel-by-pixel objectives want no noise ({numref}`fig-objectives`) |
# | Scale of real movies | counts / 18,000 | gain 55 to 58 and 24 counts per photoelectron, offsets 510 and 600 | photon transfer and skewness ({numref}`fig-transfer`) |
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
# The image holds three cues on $D$, and a track keeps one of them. **Can the blur itself be read?** That is lesson 03: {doc}`03_reading_diffusion_from_movies`.
#
# ## References
#
# The works cited here stand in the {doc}`bibliography </book/bibliography>`. Read first {cite}`janesick2007` on photon transfer, {cite}`robbins2003` on the noise of EM gain, and {cite}`thompson2002` on what photons say about a position.
