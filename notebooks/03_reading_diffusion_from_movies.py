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
#     full: the same cells with more movies and the whole training, 15 minutes and 6 GB of memory
#     question: Can a network know more than the track?
#     quick_cpu_s: 60
#     title: Reading diffusion from movies
# ---

# %% [markdown]
# # Read the diffusion coefficient from the movie
#
# **The question.** A track keeps one position per frame. The image keeps the whole spot, blur included. Can a network that sees the image know $D$ better than any method that follows the track?
#
# **You will do.** Find out what the networks of the original were asked to learn, set up strong rivals, and train a network before your eyes that has a smaller error than any tracker.
#
# **You will learn.** Why the label decides what a network learns. How to build a network around what is already known.
# How to let it answer with a distribution, how to check its error bars, and how to change its prior after training.
#
# **You need.** {doc}`01_physics_of_diffusion` for the estimators, {doc}`02_simulating_molecule_movies` for the movies; the idea of a convolution.
#
# **Time.** Quick: about 60 CPU seconds, most of them training. Full: about 15 minutes, with 6 GB of memory.

# %% tags=["parameters"]
PROFILE = "quick"
SEED = 0

# %%
import warnings
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch

# %%
from helpers.common import checkpoints, plotting, profiles, results, training
from helpers.common.claims import claim
from helpers.common.plotting import role
from helpers.molecules import (
    ablations,
    comparison,
    localize,
    movies,
    networks,
    original,
    plots,
    reader,
    reader_plots,
    trajectory,
    views,
    worlds,
)
from helpers.molecules import reader_training as recipes
from helpers.molecules.scores import errors
from helpers.molecules.widgets import MoleculeReader

# %%
profile = profiles.get(PROFILE)
rng = np.random.default_rng(SEED)
prior = worlds.comparison_prior()  # D uniform between 1 and 50 of the original's units: 0.4 to 20 px^2 per frame

# %% [markdown]
# Lengths are in pixels and times in frames here. For pixels of 100 nm and frames of 10 ms, 1 px²/frame is 1 µm²/s. One unit of the original is 0.40 px²/frame ({doc}`lesson 01 <01_physics_of_diffusion>`, exercise 1).
#
# ## 1. The label decides what you learn
#
# The original {cite}`silly2024` trained three networks on simulated movies and compared them with a trajectory method: fit the spot in every frame, compute the MSD at all lags, draw a line through the origin. It concluded that the network "does not outperform" this method.
# Look at what the networks were asked for. The label was not $D$. It was the same line through the same MSD, of the true path of each molecule: the {term}`effective D` of lesson 01. We make 3000 paths of one and the same $D$ and put the trajectory method beside it.

# %%
n_paths = profile.pick(quick=3000, full=30_000)
D_units = 15.0  # 1000 nm^2/s, the value of the original's figure
paths_nm = original.tracks(D_units, n_paths, rng)
label = original.effective_D(paths_nm)
by_trajectory = trajectory.trajectory_D(paths_nm.mean(axis=2) / original.PIXEL_NM)

# %% mystnb={"image": {"alt": "Left: histogram of effective D for molecules of one D of fifteen units, from two to fifty units, its peak near eight and a long tail; a dashed line marks the true value. Right: the trajectory method against the label, all points close to the diagonal."}, "figure": {"name": "fig-label", "caption": "The label is not D, but it is the trajectory method. Left: effective D of 3000 molecules that all have D = 15 units (dashed). Right: what the trajectory method says of the same paths, from their true centres, against the label."}}
reader_plots.label_and_method(label, by_trajectory, D_units)
plt.show()

# %%
spread, agreement = label.std() / D_units, np.corrcoef(np.log(label), np.log(by_trajectory))[0, 1]
as_estimator = np.sqrt((np.log(label / D_units) ** 2).mean())
claim("label-spread", measured=spread, expected=0.83, tolerance=0.06, paper=0.82, source="exact spread of the label")
claim(
    "label-is-the-method",
    measured=agreement,
    at_least=0.995,
    source="correlation of the logarithms: the same line, 15 lags of the centres, 159 of the path",
)
claim(
    "label-misses-d",
    measured=as_estimator,
    expected=0.845,
    tolerance=0.03,
    source="36,000 other paths of our own",
)

# %% [markdown]
# All these molecules have the same $D$, and their labels scatter by 83 %. A network that predicted this label without any error would still be wrong about $D$ by a factor of two. And the trajectory method computes the label itself, up to its localisation error.
#
# ## 2. The networks of the original, at their own task
#
# We rebuild its three {term}`convolutional networks <convolutional network>` (CNNs) from its code: ParkCNN, ResNet2D and ResNet3D. In all of them the 16 frames enter as 16 channels of one image, like the colours of a photograph. No layer slides along time, so nothing learned about frames 3 and 4 carries over to frames 7 and 8. ResNet3D is no exception: its third dimension has length 1. They learn effective D by squared error, from movies of one single $D$ of 20 units.
# The original made new movies all the time, because a network that saw the same movies again learned them by heart. That is easy to repeat: ParkCNN with 2000 movies, and with fresh ones. Its {term}`dropout` is on while it trains and off when it is tested, so its training error looks larger than it is.

# %% mystnb={"image": {"alt": "Two panels of error against training step. With a fixed set of movies the training error falls far below the error on unseen movies. With fresh movies both end near five units; the error on unseen movies jumps on the way."}, "figure": {"name": "fig-overfitting", "caption": "Fresh movies cannot be learned by heart. RMSE of ParkCNN on its training movies (dashed) and on 500 movies that it never saw (diamonds); left: the same 2000 movies again and again, right: fresh ones. The training error is a mean over 100 steps and has dropout in it."}}
learned = results.read("overfitting")["values"]
reader_plots.overfitting(learned)
plt.show()

# %%
last = {
    name: [np.mean(run[k][-5:]) for k in ("rmse_held_out", "rmse_training")] for name, run in learned["runs"].items()
}
fixed, fresh = (held_out / trained for held_out, trained in last.values())
claim("fixed-movies-overfit", measured=fixed, at_least=1.5, source="recorded: held out / training, 2000 movies")
claim("fresh-movies-do-not", measured=fresh, at_most=1.3, source="recorded: held out / training")

# %% [markdown]
# Now the comparison. The original has 250 validation tracks, five per unit of effective D. Its noise was drawn once, without a seed; we draw it ten times. Beside its networks: *trajectory-D* with its Gaussian fits; the same line through positions found by a {term}`matched filter` (section 3) and through the true centres (an {term}`oracle`); and our networks of section 5, one trained for this label, one for $D$. *Turned* is the mean answer over all turns of the movie, MAE the mean absolute error.

# %%
label_record = results.read("labels")["values"]
rebuilt = {
    name: results.read(f"replica-{name}")["values"] for name in ("park", "resnet2d", "resnet3d", "resnet3d-temporal")
}
rows = dict(label_record["validation"])
for name, found in rebuilt.items():
    rows |= {f"{name}, {found['movies']:,} movies": found["validation"], f"{name}, turned": found["validation_turned"]}
for name, row in rows.items():
    low, high = row["rmse_interval"]
    draws = f"draws {min(row['rmse_draws']):.1f} to {max(row['rmse_draws']):.1f}"
    print(f"{name:26s} RMSE {row['rmse']:5.2f} [{low:5.2f}, {high:5.2f}], {draws:18s} MAE {row['mae']:5.2f}")

# %% mystnb={"image": {"alt": "Root-mean-square error in five bins of the label with intervals. The error of all methods grows with the label; our network lies lowest in every bin."}, "figure": {"name": "fig-replication", "caption": "At the original's own task our network errs less than its methods do. RMSE against effective D on its 250 tracks, ten draws of the noise, with 95 % intervals over tracks."}}
looks = {
    "trajectory-D": ("classical", "s"),
    "park, 73,600 movies": ("paper", "D"),
    "resnet2d, 73,600 movies": ("baseline", "v"),
    "network for effective D": ("network", "^"),
}
reader_plots.error_against_label({name: (*look, rows[name]["bins"]) for name, look in looks.items()})
plt.show()

# %%
reported = {"park": 6.4, "resnet2d": 5.8, "resnet3d": 7.2}
for name, limit in reported.items():
    rmse = rebuilt[name]["validation"]["rmse"]
    claim(
        f"replica-{name}",
        measured=rmse,
        at_most=limit,
        paper=limit,
        unit="units",
        source="record, its validation tracks",
    )
ours, theirs = rows["network for effective D"], rows["trajectory-D"]
for name, paper in (("rmse", 5.2), ("mae", None)):
    bound, source = theirs[name], "record, trajectory-D, same movies"
    claim(f"label-{name}", measured=ours[name], at_most=bound, paper=paper, unit="units", source=source)

# %% [markdown]
# The rebuilt networks reach smaller errors than the report of the original states; for ResNet3D, which had a quarter of the budget, the difference lies within its interval. (The loss histories in the original's repository end lower for both ResNets, at 3.7 and 5.2 units.) In RMSE the first two are about as good as trajectory-D, whose rare lost molecules cost much when they are squared; in MAE they are worse. Our network passes it in both, and its RMSE is still 1.7 times that of the oracle. (Its task was not quite the same: three in ten of its training movies had another $D$ than 20.)
# *resnet3d-temporal* is ResNet3D as the original describes it, with convolutions along time. A movie costs 7 times as much, so it saw 4,800 movies only and ends at 8.9 units: at this budget we cannot say what the third dimension is worth.
# Still, little is to be won here: trajectory-D computes almost the same number as the label.
# But what is this label good for? We ask the network that was trained for effective D about $D$, and the other way round.

# %%
for target, cross in label_record["cross"].items():
    words = ", ".join(f"rms log error {found['rms_log']:.2f} as {truth}" for truth, found in cross.items())
    print(f"trained for {target:12s} {words}")
    other = next(truth for truth in cross if truth != target)
    short = target.lower().replace(" ", "-")
    ratio = cross[other]["rms_log"] / cross[target]["rms_log"]
    claim(
        f"trained-for-{short}",
        measured=ratio,
        at_least=2.0,
        source="record, rms log error for the other number / for its own",
    )

# %% [markdown]
# A network learns what it is asked for. The label of the original asks about one path, not about the molecule. So we change the question: **how well can $D$ itself be known from 16 frames?**
#
# ## 3. Where is the molecule?
#
# Everything begins with a position in every frame. `localize` correlates each frame with a {term}`matched filter`, takes the highest response, and moves to the centroid of the light around it. Two things matter: the error, and knowing when there is nothing to see.
#
# For a molecule at rest the error has a {term}`Cramér-Rao bound`. A photon that lands in pixel $i$ tells about $x$ as far as the light $\mu_i$ expected there changes with $x$; $b$ is the background:
#
# ```{math}
# :label: eq-localisation
# \sigma_x^2 \ge \Big[\sum_i \frac{(\partial \mu_i / \partial x)^2}{\mu_i + b}\Big]^{-1}.
# ```


# %%
def bound_px(photons, background, psf_sigma_um=0.12, shift_px=0.01):
    shifts = np.array([[0, 0], [0, shift_px]]).reshape(2, 1, 1, 2) * 0.1
    here, there = movies.render(shifts, photons, psf_sigma_um)[:, 0].astype(float)
    return (((there - here) / shift_px) ** 2 / (here + background + 1e-12)).sum() ** -0.5


photons = np.array([100, 200, 500, 1000, 2000, 5000])
found, fitted = [], []
for n_photons in photons:
    still = np.broadcast_to(np.array([0.03, 0.01]), (profile.pick(quick=300, full=3000), 1, 1, 2))
    stack = movies.add_noise(movies.render(still, n_photons, 0.12), background=9.0, rng=rng)
    found.append(np.nanstd(localize.localize(stack).positions[:, 0, 1]))
    fits = trajectory.fit_spots(stack[: profile.pick(quick=80, full=800)])[:, 0, 1]
    fitted.append(np.nanstd(fits[np.abs(fits - 32.1) < 3]))  # without those that run away
limit = np.array([bound_px(n, 9.0) for n in photons])

# %% mystnb={"image": {"alt": "Localisation error against photons on logarithmic axes. The errors of centroid and Gaussian fit and the bound fall; both methods come near the bound where there is much light."}, "figure": {"name": "fig-localise", "caption": "With much light both ways to localise come near the bound. Error per axis of a molecule at rest over a background of 9 photons per pixel: our centroid, the Gaussian fit of the original (without the fits that run away by more than 3 pixels; 8 % statistical error), and the Cramér-Rao bound (dashed)."}}
fig, axes = plotting.figure(1, 1, 6.4, 3.4)
axes.loglog(photons, found, **role("classical", linestyle="", label="matched filter and centroid"))
axes.loglog(photons, fitted, **role("baseline", linestyle="", label="rotated Gaussian fit"))
axes.loglog(photons, limit, **role("theory", label="Cramér-Rao bound"))
axes.set(xlabel="photons per frame", ylabel="error per axis (px)")
axes.set_xticks([100, 300, 1000, 3000], ["100", "300", "1000", "3000"])
axes.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
axes.minorticks_off()
axes.legend()
plt.show()

# %%
excess = np.array(found) / limit
without = np.sqrt(1.2**2 + 1 / 12) / np.sqrt(1000)
claim(
    "bound-without-background",
    measured=bound_px(1000, 0.0),
    expected=without,
    tolerance=0.001,
    unit="px",
    source="√(σ² + 1/12) / √N",
)
claim("no-error-below-bound", measured=excess.min(), at_least=0.9, source="Cramér-Rao bound")
claim("centroid-near-bound", measured=excess[photons >= 500].max(), at_most=2.2, source="from 500 photons on")

# %% [markdown]
# For a molecule at rest the fit is the better one: it knows the shape of the spot. At 100 photons a third of the fits run away, and nothing says so, while `localize` gives half of these frames up.
# A fast molecule walks by a pixel or more per frame. Against that an error of 0.15 pixels is small: better localisation is not where $D$ is won. Lost frames are another matter. A molecule that leaves the field must not be followed into the noise, or the noise will look like a very fast molecule. A score below 6 noise sigmas means "not seen".
#
# ## 4. Rivals with a fair chance
#
# From here on we need a name for ways to make noise. The *original* world is the generator of the original. The *physical* world, from section 7 on, is a camera with photons. We film molecules with $D$ uniform in the range of the original, in its own world, and ask the methods of lesson 01. All get the same positions. Answers outside the range of the prior are moved to its end. The Bayes mean uses the prior in full: a network learns the law of its training data, so its rival must know it, too. The methods with known σ get 0.3 px, with which the Bayes mean does best on other movies. Two oracles see what no camera shows: the true centre of every frame, and all ten sub-positions.
#
# We score with two numbers. RMSE is in units of $D$ and is ruled by fast molecules. The *rms log error* is the root mean square of $\log(\hat D / D)$; where it is small, it is the relative error. Each score has its own best answer, the mean of $D$ for the first and the exponential of the mean of $\log D$ for the second, so each method gives both.

# %%
n_test = profile.pick(quick=500, full=5000)
D_test = rng.uniform(worlds.LOW, worlds.HIGH, n_test)
images, paths_px = worlds.film("original", D_test, np.random.default_rng(SEED + 1))  # (n, 16, 64, 64)
answers = comparison.classical(images, prior, sigma_px=0.3) | comparison.oracles(paths_px, prior)


def report(name, answer):
    e = errors(D_test, *answer, n_resamples=200)
    low, high = e["rms_log_interval"]
    print(f"{name:24s} RMSE {e['rmse'] / worlds.UNIT:5.2f} units   rms log {e['rms_log']:.3f} [{low:.3f}, {high:.3f}]")
    return e["rms_log"]


rms_log = {name: report(name, answer) for name, answer in answers.items()}

# %%
bayes, oracle = rms_log["Bayes mean"], rms_log["oracle: centroids"]
claim("prior-helps", measured=bayes / rms_log["MLE, σ known"], at_most=0.95, source="same movies")
claim(
    "tracks-end-here", measured=oracle, expected=0.235, tolerance=0.03, source="the number in the record, 5000 movies"
)
claim(
    "all-positions",
    measured=rms_log["oracle: all positions"],
    expected=159**-0.5,
    tolerance=0.012,
    source="159 steps on two axes: 1/√159",
)

# %% [markdown]
# Under this prior no method that sees only positions can have a smaller mean error than the oracle of the true centres: 0.24. But an oracle that knows all sub-positions reaches 0.08. What lies between is in the path *within* each frame, and the path leaves its shape in the image. (The 0.08 belongs to a simulator with ten sub-positions per frame, not to nature.)
#
# ## 5. A network built around what is known
#
# A large network that gets the raw movie must first discover that there is a molecule, then that it moves, then what a step means. We know all that. So the network `TrackAndBlob` starts from it:
#
# 1. **Track.** `localize` gives positions and a score; lost frames are marked.
# 2. **Blob.** Around each position a window of 24 x 24 pixels is cut. One small CNN, the same for every frame, turns it into 64 numbers. Size, elongation and light of the spot are computed by hand and added.
# 3. **Time.** These numbers and the steps run through two convolutions along time. Then we take the mean and the maximum over the frames that are seen.
# 4. **Answer.** A distribution of $\log D$: two weights, two corrections to the classical estimate, two widths.

# %%
network = training.initialise(partial(reader.TrackAndBlob, world="original"), SEED)
view = views.look(images, network.unit)
print({name: tuple(part.shape) for name, part in zip(view._fields, view, strict=True)})
print(f"{sum(p.numel() for p in network.parameters()):,} parameters; the networks of the original have 2 to 5 million")

# %% mystnb={"image": {"alt": "Two rows of five windows. Above, a slow molecule: compact spots. Below, a fast one: wide, irregular, elongated blobs."}, "figure": {"name": "fig-views", "caption": "The shape of the blob tells the speed. Five windows of a slow molecule (top, 1 px²/frame) and of a fast one (bottom, 15 px²/frame), as the network sees them: light in units of the background."}}
pair = [np.argmin(np.abs(D_test - D)) for D in (1, 15)]
plots.film(view.crops[pair, :5].numpy(), "light / background", labels=["slow", "fast"])
plt.show()

# %% [markdown]
# The classical estimate is the mean squared step, corrected for blur: $\hat D_\mathrm{track} = \langle \Delta r^2 \rangle / [4(1 - 2R)]$ with $\Delta t = 1$ frame. (It keeps the localisation error, so it is a little too large for slow molecules.) The network returns a mixture of two Gaussians in $\log D$,
#
# ```{math}
# :label: eq-mixture
# q(\log D \mid \text{movie}) = \sum_{k=1}^{2} w_k\, \mathcal N\!\left(\log D;\ \log \hat D_\mathrm{track} + \delta_k,\ \omega_k^2\right), \qquad w_1 + w_2 = 1,
# ```
#
# and is trained by the negative log-likelihood of the true $D$, $\mathcal L = -\log q(\log D)$. On average this loss is smallest when $q$ is the true posterior: a width that is too small costs much when the truth lies outside, and a width that is too large costs a little every time. One Gaussian would be symmetric, two can be skewed. Before training the mean correction is zero, so the first answer is the classical estimate. The next cell writes both by hand.


# %%
def density(mixture, log_D):
    log_weight, centre, log_width = mixture  # (2,) each
    z = (log_D[:, None] - centre) / log_width.exp()
    return ((log_weight - log_width).exp() * torch.exp(-(z**2) / 2)).sum(dim=1) / np.sqrt(2 * np.pi)


untrained = reader.mixtures(network, [view])
log_D = torch.linspace(-3, 4, 500)
assert torch.allclose(density(untrained[0], log_D), reader.log_density(untrained[:1], log_D).exp()[0], atol=1e-5)
steps, both = (view.steps**2).sum(dim=2), view.seen[:, 1:] * view.seen[:, :-1]
by_hand = (steps.sum(dim=1) / both.sum(dim=1) / (4 * (1 - 2 * comparison.BLUR))).log()
first = (untrained[:, 0].exp() * untrained[:, 1]).sum(dim=1)
assert (first - by_hand)[both.sum(dim=1) > 0].abs().max() < 0.01

# %% [markdown]
# ## 6. Train it
#
# A step takes 32 movies, computes the loss and changes the weights a little. Movies are cheap, so none is kept: 512 are simulated and localised at a time. Each is used a few times, every time turned, mirrored or played backwards at random, and is then thrown away. Every few steps we measure the error on 300 movies of section 4. We only look: nothing is chosen by this curve.
# One change to the list above: the network that we train here is shown the classical estimate, but does not start from it. That makes it learn faster; section 8 tells why.

# %%
part = slice(0, 300)
watched = views.Views(*(x[part] for x in view))


def watch(model):
    known = reader.posterior(reader.mixtures(model, [watched]), worlds.training_prior(), prior)
    return {"loss": float(np.sqrt((np.log(known.log_mean / D_test[part]) ** 2).mean()))}


learner = training.initialise(partial(ablations.WithoutAnchor, world="original"), SEED)
history = training.fit(
    learner,
    recipes.batches("original", SEED, uses=profile.pick(quick=4, full=3)),
    reader.negative_log_likelihood,
    n_steps=profile.pick(quick=600, full=15_000),
    learning_rate=recipes.LEARNING_RATE,
    seed=SEED,
    evaluate=watch,
    evaluate_every=profile.pick(quick=40, full=500),
    label="TrackAndBlob",
)

# %% mystnb={"image": {"alt": "Error of the network against training step. It falls below the lines of the MSD fit, of maximum likelihood, of the Bayes mean and of the oracle that knows the true centres, and ends below 0.18."}, "figure": {"name": "fig-training", "caption": "The network passes the best tracker after a few hundred steps. Root-mean-square error of log D on 300 movies that it is never trained on, beside the classical methods on the same movies."}}
curve = np.array([(step["step"], step["loss"]) for step in history.evaluations])
bars = {name: float(np.sqrt((np.log(answers[name].log_mean[part] / D_test[part]) ** 2).mean())) for name in answers}
reader_plots.learning_curve(
    curve, {name: bars[name] for name in ("two lags", "MLE, σ known", "Bayes mean", "oracle: centroids")}
)
plt.show()

# %%
live = reader.posterior(reader.mixtures(learner, [view]), worlds.training_prior(), prior)
rms_log["trained here"] = report("trained here", live)
claim("live-run", measured=rms_log["trained here"], at_most=0.20, source="no movie of the test in training")
claim("live-run-beats-bayes", measured=rms_log["trained here"] / bayes, at_most=0.9, source="same movies, same prior")

# %% [markdown]
# ## 7. The shipped networks
#
# The same network, trained for 15,000 steps, is shipped for two worlds: the noise of the original, and the photons of a camera (500 photons with 30 % spread between molecules, 9 photons per pixel of background, read noise). In the second one its windows are in units of the movie's own noise, so it never sees counts, and the gain drops out.
# The table and the figure come from a record: 5000 movies per world that no network saw. `molecules-original-0` to `-2` are three trainings from different random numbers. *Three together* is the mean of their distributions, *turns* the mean of the first network over four turns, mirror and time reversal.

# %%
record = results.read("readers")["values"]
names = ("all lags", "CVE", "MLE, σ known", "Bayes mean", "oracle: centroids", "oracle: all positions")
for world, content in record["worlds"].items():
    rows = content["rows"]
    shipped = [name for name in rows if name.startswith("molecules")]
    print(f"{world}: {record['n_movies']} movies")
    for name in (*names, *shipped, "three together", "turns"):
        row = rows[name]
        low, high = (bound / worlds.UNIT for bound in row["rmse_interval"])
        print(
            f"  {name:24s} RMSE {row['rmse'] / worlds.UNIT:5.2f} [{low:5.2f}, {high:5.2f}]   rms log {row['rms_log']:.3f}"
        )

# %% mystnb={"image": {"alt": "Two panels, the noise of the original and of a camera: relative error against true D. The fit of all lags lies highest, then maximum likelihood, the Bayes mean and the oracle of centroids close together, then the network below, least so for the slowest molecules, and lowest the oracle of all positions."}, "figure": {"name": "fig-central", "caption": "The network lies below everything that only follows the track. Relative root-mean-square error against the true D in the noise of the original (left) and of a camera (right). The oracles know the true centres (dashed) and all sub-positions (dotted). The network, the Bayes mean and the oracles answer with the mean under the prior, which draws slow molecules up; maximum likelihood does not."}}
reader_plots.error_against_D(record)
plt.show()

# %%
limits = {"original": (4.3, 0.155), "physical": (4.9, 0.18)}
for world, (rmse_limit, log_limit) in limits.items():
    rows = record["worlds"][world]["rows"]
    for name in (name for name in rows if name.startswith("molecules")):
        units, words = rows[name]["rmse"] / worlds.UNIT, "recorded: python -m helpers bench readers"
        short = name.removeprefix("molecules-")
        claim(f"rmse-{short}", measured=units, at_most=rmse_limit, unit="units", source=words)
        claim(f"rms-log-{short}", measured=rows[name]["rms_log"], at_most=log_limit, source=words)
    gain = (
        max(rows[name]["rms_log"] for name in rows if name.startswith("molecules"))
        / rows["oracle: centroids"]["rms_log"]
    )
    claim(
        f"beats-oracle-{world}",
        measured=gain,
        at_most=0.8,
        source="record, against a tracker that knows the true centres",
    )

# %% [markdown]
# Every network is better than a tracker with perfect positions. This is the answer to the question of this lesson, and it was hidden by the label.
# The three trainings make almost the same errors, and neither their mean nor the mean over symmetries helps much. So the error that is left is not chance in the training. Whether another kind of network could do better, this does not show.
#
# ## 8. Where does the gain come from?
#
# A movie holds the three cues of {doc}`lesson 02 <02_simulating_molecule_movies>`: the *track*, the *shape* of the blob, and its *brightness*. We train networks that are shown only some of them, all for 1500 steps. In the noise of the original brightness helps, because its noise gives a fast molecule more photons. In the physical world molecules differ in brightness by 30 %, whatever their $D$.

# %%
recorded = results.read("ablations")["values"]
bars = {world: record["worlds"][world]["rows"]["Bayes mean"]["rms_log"] for world in recorded["cues"]}

# %% mystnb={"image": {"alt": "Bars of the error for five sets of cues in two worlds. Track alone is near the Bayes mean; shape alone, and every set with shape in it, lies clearly lower; brightness alone is useful in the original world and worse than the track in the physical one."}, "figure": {"name": "fig-gain", "caption": "The shape of the blob makes the gain. Root-mean-square error of log D of networks that see only some cues, in two worlds; the lines are the Bayes mean of the track."}}
reader_plots.cue_errors(recorded["cues"], bars)
plt.show()

# %%
for world, cues in recorded["cues"].items():
    track, shape, both = (cues[words]["rms_log"] for words in ("track", "shape", "track and shape"))
    claim(f"track-alone-{world}", measured=track / bars[world], expected=1, tolerance=0.1, source="record, Bayes mean")
    claim(f"shape-alone-{world}", measured=shape / track, at_most=0.85, source="record, shape / track, 1500 steps")
    claim(
        f"shape-helps-{world}",
        measured=both / track,
        at_most=0.85,
        source="record, track and shape / track, 1500 steps",
    )

# %% [markdown]
# Why does the shape know so much? A path within a frame is a sum of independent waves. Wave $k$ of $n$ sub-positions has a mean square in proportion to $D / \sin^2(k\pi/2n)$, and the spread of the sub-positions about their centre adds up all of them. So $D$ could be read off 16 spreads, if they were known exactly, with a relative error of
#
# ```{math}
# :label: eq-waves
# \frac{1}{\sqrt{16}}\, \frac{\big(\sum_k \sin^{-4}(k\pi/2n)\big)^{1/2}}{\sum_k \sin^{-2}(k\pi/2n)} = 0.16, \qquad n = 10 .
# ```
#
# The 15 exact steps between the centres give $1/\sqrt{15} = 0.26$. The blob is the better source.

# %%
within = ((paths_px - paths_px.mean(axis=2, keepdims=True)) ** 2).sum(axis=3).mean(axis=(1, 2)) / D_test
waves = np.sin(np.arange(1, 10) * np.pi / 20) ** -2.0
by_size = np.sqrt((waves**2).sum() / 16) / waves.sum()
claim(
    "exact-sizes",
    measured=within.std() / within.mean(),
    expected=by_size,
    tolerance=0.02,
    source="independent waves of a path",
)

# %%
designs = {"as shipped": recorded["cues"]["original"]["all three"]} | recorded["designs"]
for name, found in designs.items():
    low, high = found["rms_log_interval"]
    print(f"{name:12s} {found['parameters']:8,} parameters  rms log {found['rms_log']:.3f} [{low:.3f}, {high:.3f}]")

for name in ("no anchor", "distilled"):
    gain = designs[name]["rms_log"] / designs["as shipped"]["rms_log"]
    claim(
        f"{name.replace(' ', '-')}-helps", measured=gain, at_most=0.95, source="record, against the network as shipped"
    )

# %%
print(f"after {recorded['n_steps_full']:,} steps")
longer = {"as shipped": record["worlds"]["original"]["rows"]["molecules-original-0"]} | recorded["designs_full"]
for name, found in longer.items():
    low, high = found["rms_log_interval"]
    print(
        f"{name:15s} RMSE {found['rmse'] / worlds.UNIT:.2f} units   rms log {found['rms_log']:.3f} [{low:.3f}, {high:.3f}]"
    )
    if name != "as shipped":
        gain = found["rms_log"] / longer["as shipped"]["rms_log"]
        claim(
            f"long-{name.replace(', ', '-').replace(' ', '-')}",
            measured=gain,
            expected=1,
            tolerance=0.05,
            source="record, as shipped",
        )

# %% [markdown]
# With the track alone the network does as well as the Bayes mean: it has found the best tracker again. The shape alone knows more than the track. Brightness alone is as good as the track in the noise of the original, and worse than the track (0.31 against 0.25) where molecules differ in brightness.
# The table asks for a better design at the same budget. Without convolutions along time, with a {term}`transformer` in their place, or with 128 instead of 64 numbers per frame: none of this helps. Two things do. A network that is shown the classical estimate, but does not *start* from it ("no anchor"), learns faster: the estimate of the track has a large error of its own, and who starts from it must first unlearn it. This is also why shape alone looks better here than shape with the track. And a network that is taught the mean distribution of the three shipped ones ("distilled") learns faster than from the true $D$ alone: a distribution says more about a movie than one number.
# After ten times as many steps the head start is gone. With or without the anchor, and with twice the channels in the CNN, the error ends at about 0.14. The anchor costs time, not accuracy, and we have not found a design that goes clearly further.
#
# ## 9. Can it be trusted?
#
# Four questions to any network that gives a number. *Are its error bars honest?* A 68 % interval must hold the truth in 68 % of the cases. *Does it respect what we know?* $D$ does not change when the movie is turned, mirrored or played backwards. *Does a faster molecule get a larger answer?* *Does it ignore what does not matter?* A recording with twice the gain shows the same molecule.

# %%
n_check = profile.pick(quick=300, full=3000)
D_check = rng.uniform(worlds.LOW, worlds.HIGH, n_check)
stack, _ = worlds.film("physical", D_check, np.random.default_rng(SEED + 2))
model = networks.load("molecules-physical-0")
plain = networks.read(model, stack, prior=prior)
turned = networks.read(model, np.rot90(stack, axes=(2, 3))[..., ::-1].copy(), prior=prior)
both = [networks.read(model, x[:50], turns=True, prior=prior) for x in (stack, np.rot90(stack, axes=(2, 3)).copy())]
brighter = networks.read(model, 2 * stack + 100, prior=prior)

# %%
difference = np.sqrt(np.nanmean(np.log(turned.log_mean / plain.log_mean) ** 2))
averaged = np.abs(np.log(both[0].log_mean / both[1].log_mean)).max()
scaled = np.nanmax(np.abs(np.log(brighter.log_mean / plain.log_mean)))
claim("no-answer", measured=np.isnan(plain.log_mean).mean(), at_most=0.003, source="share of movies, no spot found")
claim("symmetry-before-averaging", measured=difference, at_most=0.08, source="turned and mirrored movies")
claim("symmetry-after-averaging", measured=averaged, at_most=0.001, source="mean over all 16 symmetries")
claim("blind-to-gain", measured=scaled, at_most=0.02, source="counts times 2 plus 100")
for content in record["worlds"].values():
    shipped = {name: row for name, row in content["rows"].items() if name.startswith("molecules")}
    for name, row in shipped.items():
        short, rise = name.removeprefix("molecules-"), np.diff(row["mean_by_bin"]).min() / worlds.UNIT
        claim(
            f"coverage-{short}",
            measured=row["coverage"],
            expected=0.68,
            tolerance=0.04,
            source="record, 68 % intervals",
        )
        claim(
            f"monotone-{short}",
            measured=rise,
            at_least=0.0,
            unit="units",
            source="record, least rise from bin to bin of D",
        )

# %%
print("median answer (units) to the same movies, all counts multiplied by a factor")
answers_to = {name: found["scaled"] for name, found in rebuilt.items()} | {
    "ours": label_record["scaled"]["effective D"]
}
for name, scaled in answers_to.items():
    once = next(row["median"] for row in scaled if row["factor"] == 1)
    print(f"{name:10s}", "  ".join(f"x {row['factor']}: {row['median']:6.1f}" for row in scaled))
    moves = max(abs(row["median"] / once - 1) for row in scaled)
    bound = {"at_most": 0.02} if name == "ours" else {"at_least": 0.2}
    claim(f"gain-{name}", measured=moves, source="record, largest relative change of the median answer", **bound)

# %% [markdown]
# A camera with another gain would deliver these counts, and the molecule is the same. The networks of the original take the gain for motion, down to negative answers. Ours divides by the background or the noise of the movie first, so it cannot react to gain.

# %% [markdown]
# ## 10. Change the prior after training
#
# The training movies had their own distribution of $D$, wider than the one we test with. A network that returns a distribution learns approximately $q(D \mid \text{movie}) \propto p(\text{movie} \mid D)\, p_\mathrm{train}(D)$. Bayes' rule lets us take the old prior out and put another one in, without touching a weight. Per unit of $D$ the density of the network is $q(\log D)/D$:
#
# ```{math}
# :label: eq-new-prior
# p(D \mid \text{movie}) \propto q(D \mid \text{movie})\, \frac{p(D)}{p_\mathrm{train}(D)}.
# ```
#
# Suppose we know that our molecules are slow: $D$ between 0.4 and 2 px²/frame.


# %%
def put_in(mixture, new_prior):
    old_prior = worlds.training_prior()
    D, trained = torch.as_tensor(new_prior.D_um2_s), old_prior.weight > 0
    ratio = torch.as_tensor(np.divide(new_prior.weight, old_prior.weight, out=np.zeros(len(D)), where=trained))
    weight = reader.log_density(mixture, D.log().float()).exp() / D * torch.gradient(D)[0] * ratio  # (n, G)
    return (weight @ D / weight.sum(dim=1)).numpy()


D_slow = rng.uniform(0.4, 2.0, profile.pick(quick=200, full=2000))
slow, _ = worlds.film("physical", D_slow, rng)
mixture = reader.mixtures(model, [views.look(slow)])
priors = {"wide prior": prior, "right prior": worlds.comparison_prior(0.4, 2.0)}
rmse = {words: float(np.sqrt(((put_in(mixture, p) - D_slow) ** 2).mean())) for words, p in priors.items()}
assert np.allclose(put_in(mixture, prior), networks.read(model, slow, prior=prior).mean, rtol=2e-3)
print({words: f"RMSE {value:.3f} px²/frame" for words, value in rmse.items()})
claim(
    "right-prior-helps",
    measured=rmse["right prior"] / rmse["wide prior"],
    at_most=0.95,
    source="same network, same movies",
)

# %% [markdown]
# This works inside the training prior only. We train three networks under three laws of $D$: uniform from 0.4 to 20, log-uniform from 0.02 to 25, and our mixture of both. The test molecules are slow (0.1 to 1), middle (1 to 8) or fast (8 to 20 px²/frame). A network that never saw $D$ below 0.4 cannot answer it.

# %%
for law, found in recorded["priors"].items():
    words = ", ".join(f"{name} {found[name]:.2f}" for name in ("slow", "middle", "fast"))
    print(f"trained on {law:12s} rms log error of molecules that are {words}")
outside, inside = (recorded["priors"][law]["slow"] for law in ("uniform", "log-uniform"))
claim(
    "outside-the-prior",
    measured=outside / inside,
    at_least=1.5,
    source="record, slow molecules, D from 0.1 to 1 px^2/frame",
)

# %% [markdown]
# The number of frames may change, too: convolutions and means over frames take any length. A network that was trained on 4 to 64 frames lies below the Bayes mean of the same movies at every length. For long movies this is not the shape alone. Within 64 frames three molecules of four leave the field, as the next but one cell counts, and a track ends or goes astray there. The dashed bound assumes that the molecule stays.

# %% mystnb={"image": {"alt": "Error against the number of frames on logarithmic axes. The network for all lengths lies below the Bayes mean at every length."}, "figure": {"name": "fig-lengths", "caption": "One network for all lengths. Root-mean-square error of log D against the number of frames in the physical world; dashed: the Cramér-Rao bound of the track for a molecule in the middle of the range, without a prior."}}
lengths = results.read("lengths")["values"]["rows"]
reader_plots.error_against_length(lengths)
plt.show()

# %%
own = np.random.default_rng(SEED)
steps = np.sqrt(2 * own.uniform(worlds.LOW, worlds.HIGH, (2000, 1, 1))) * own.standard_normal((2000, 64, 2))  # px
stays = np.logical_and.accumulate((np.abs(steps.cumsum(axis=1)) < 32).all(axis=2), axis=1).mean(axis=0)
print("still in the field:", ", ".join(f"after {n} frames {stays[n - 1]:.0%}" for n in (16, 32, 64)))
for row in lengths:
    ratio = row["network"]["rms_log"] / row["Bayes mean"]["rms_log"]
    claim(f"frames-{row['n_frames']}", measured=ratio, at_most=0.95, source="record, network / Bayes mean, same movies")

# %% [markdown]
# ## 11. Real molecules
#
# Lesson 02 calibrated three recordings. A network trained in a world of such microscopes (electron-multiplying noise, PSF of 0.9 to 1.5 pixels, much or little background) reads them. Nobody knows the true $D$, so we ask three other things. Does the network agree with the track where the track is good? Does it disagree more than on simulated *twins* of the recording? And do the movies look familiar? For that we take the 131 numbers from which the network makes its answer, and measure their {term}`Mahalanobis distance` from those of the training movies. A movie is *usable* if at least 12 frames show a molecule and no step is longer than 8 pixels. This rule selects, as in lesson 01: a step from one frame to the next has the variance $\tfrac43D$ along each axis, so it is longer than 8 pixels with the probability $e^{-24/D}$ ($D$ in px²/frame), and one such step in fifteen is enough.

# %%
real = results.read("recordings")["values"]["recordings"]
short = {name: name.removeprefix("blocks_64x64x16_") for name in real}
for name, found in real.items():
    usable = sum(found["usable"])
    middle = np.median(np.array(found["log_mean"])[np.array(found["usable"])])
    print(f"{short[name]}: {usable} of {found['n_movies']} movies usable, D {middle:.2f} px²/frame")
    for words, key in (("recording", ""), ("twins", "twins_")):
        difference, inside = found[f"{key}difference"], found[f"{key}inside"]
        spread = f"network / MLE {np.exp(difference['median']):.2f}, spread {difference['spread']:.2f}"
        print(f"  {words:9s} {spread}; familiar {100 * inside:.0f} % (training movies 95 %)")
    both = np.array(found["usable"]) & (np.array(found["mle"]) > 1e-3)
    ratios = np.log(np.array(found["log_mean"])[both] / np.array(found["mle"])[both])
    again = np.random.default_rng(SEED).choice(ratios, (2000, len(ratios)))
    low, high = np.quantile(np.diff(np.quantile(again, [0.16, 0.84], axis=1), axis=0)[0] / 2, [0.025, 0.975])
    print(f"  {both.sum()} with D > 0 on the track; 95 % interval of the recording's spread {low:.2f} to {high:.2f}")
print("pass the rule:", ", ".join(f"D = {D}: {(1 - np.exp(-24 / D)) ** 15:.2f}" for D in (5, 8, 12)))

# %% mystnb={"image": {"alt": "Three panels, one per recording: what the network says against the maximum likelihood estimate of the track, on logarithmic axes. Most points lie along the diagonal; at small D the network lies above the track with wide error bars."}, "figure": {"name": "fig-real", "caption": "Network and track agree on which real molecules are fast. D of each usable movie whose track gives D > 0: the network, with its 68 % interval, against the maximum likelihood estimate (px²/frame). The network has a log-uniform prior, the estimate none."}}
reader_plots.recorded_answers({short[name]: found for name, found in real.items()})
plt.show()

# %%
for name, found in real.items():
    real_one, twin = found["difference"], found["twins_difference"]
    gap, two_errors = abs(real_one["median"] - twin["median"]), 2 * 1.25 * real_one["spread"] / real_one["n"] ** 0.5
    key = short[name].replace("_", "-")
    claim(
        f"real-like-twin-{key}",
        measured=gap,
        at_most=two_errors,
        source="record, twice the standard error of the median",
    )
    claim(
        f"twins-coverage-{key}",
        measured=found["twins_error"]["coverage"],
        expected=0.68,
        tolerance=0.08,
        source="record, twins",
    )

# %% [markdown]
# Two thirds of the movies are usable. Most hold one of two kinds of molecules: some hardly move, with $D$ below 0.3 px²/frame, the others have about 6. This 6 is no property of the sample alone: the rule lets half of the molecules with $D$ = 8 pass, and one in nine of those with 12. Of 99 usable movies, 16 have a track that gives $D$ = 0, so no ratio.
# Network and track agree on who is who. In the median the network reads 6 to 29 % more than the track, on the twins 10 to 15 %: the estimate that must find $\sigma$ as well comes out low. On the twins, whose $D$ is known, the intervals of the network hold the truth.
# With 17 to 36 movies per recording, a difference of a quarter between recording and twins would not be seen. Nor would a larger scatter: all intervals of the spread hold the value of the twins. So these recordings do not show where the simulator falls short. It knows one molecule with one $D$, an even background and a fixed focus; a real one may stick for a while, or pass another. In recording 104 three movies of 35 do not look like the training movies, where chance gives two. Look at such movies before you use their answers.
#
# ## 12. What it costs
#
# A network of this size is trained on one core in 7 to 20 CPU minutes. The numbers below are CPU times of the shipped trainings; for the energy we take 10 W for a busy core. The last lines say where the time goes; no step loops over movies in Python.
# The risk is not the energy. It is a number that looks the same when the world is another one: another PSF, two molecules in a window, a molecule that is confined. The network is asked for one $D$ and will give one, with an error bar that is honest only in the world of its training. So compare with the track, look at the familiarity, and simulate your own microscope.

# %%
cost = {name: checkpoints.load(name)[1]["cpu_s"] for name in checkpoints.names() if name.startswith("molecules")}
cost |= {name: found["cpu_s"] for name, found in rebuilt.items()}
watts = 10.0  # of one busy core of a server, with its share of memory and cooling
for name, cpu_s in cost.items():
    print(f"{name:24s} {cpu_s / 3600:5.2f} CPU hours, about {1000 * cpu_s / 3.6e6 * watts:4.1f} Wh")
speed = results.read("reading-speed")["values"]["rows"]
for world, found in speed.items():
    print(f"{world}:", ", ".join(f"{name} {row['ms']:.2f} ms" for name, row in found.items()), "per movie")
    per_second = 1000 / found["read, all in all"]["ms"]
    claim(f"throughput-{world}", measured=per_second, at_least=500, unit="movies/s", source="record, one thread")

# %% [markdown]
# Read single simulated molecules yourself. Where do the methods disagree? Does the interval of the network hold the truth?

# %%
D_shown, photons_shown = np.array([0.5, 1, 2, 5, 10, 18]), [350, 500, 700]
shown, crops = [], []
for n_photons in photons_shown:
    light = {**worlds.PHYSICAL, "photons": n_photons, "brightness_spread": 0.0}
    batch = movies.simulate(D_shown, len(D_shown), rng=np.random.default_rng(SEED + 5), **light)
    told = comparison.classical(batch.images, prior, sigma_px=0.4)
    known, track = networks.read(model, batch.images, prior=prior), localize.localize(batch.images).positions
    crops.append(views.look(batch.images).crops.numpy())
    for k, D in enumerate(D_shown):
        lines = [[name, float(told[name].mean[k])] for name in ("all lags", "CVE", "MLE, σ known", "Bayes mean")]
        lines = [[*line, line[1], line[1]] for line in lines]
        lines.append(["network", *(float(part[k]) for part in (known.log_mean, known.low, known.high))])
        path = track[k][np.isfinite(track[k]).all(axis=1)].round(2).tolist()
        shown.append({"D": float(D), "photons": n_photons, "track": path, "answers": lines})
grey = np.clip(np.concatenate(crops) * 25 + 40, 0, 255).astype(np.uint8)

# %% mystnb={"image": {"alt": "Live figure: windows and track of a simulated molecule, and the estimates of all methods"}}
MoleculeReader(molecules=shown, data=grey.tobytes())

# %% [markdown]
# ## What the paper said and what we found
#
# | The original {cite}`silly2024` | Its number | Ours | Why they differ |
# |---|---|---|---|
# | Label of the networks | effective D; spread 82 % at one $D$ | 83 %; as a measure of $D$ wrong by 0.85 in the logarithm | the all-lag fit of one path is not $D$ ({numref}`fig-label`) |
# | "Does not outperform trajectory-D" | RMSE 5.8 and more against 5.2 units | rebuilt networks 4.1 to 6.9 against 4.9; ours 1.9 | a label that the trajectory method computes by itself |
# | Networks | 2 to 5 million parameters, frames as channels | 85,000 parameters around a track | known structure, more movies, another loss |
# | $D$ itself | not asked | see the table of section 7: below a tracker with perfect positions | the shape of the blob ({numref}`fig-gain`) |
#
# ## Exercises
#
# ```{exercise} A network that knows nothing
# :label: ex-constant
# Answer 25.5 units for every movie, the mean of the prior. What is the RMSE? Which methods of section 4 does this beat?
# ```
#
# ````{solution-start} ex-constant
# :class: dropdown
# ````

# %%
constant = 49 / np.sqrt(12)
assert abs((D_test / worlds.UNIT).std() - constant) < 0.8
worse = [
    name for name, answer in answers.items() if errors(D_test, *answer, n_resamples=2)["rmse"] > constant * worlds.UNIT
]
print(f"RMSE {constant:.1f} units, better than: {', '.join(worse) or 'none of them'}")

# %% [markdown]
# The RMSE of a constant is the standard deviation of the prior, 49/√12 = 14.1 units. Only the fit of all lags does worse, although its answers were cut to the range of the prior. A small RMSE alone proves little: compare it with that of the prior.
#
# ````{solution-end}
# ````
#
# ```{exercise} How much light does shape need?
# :label: ex-light-needed
# Film molecules with 150 instead of 500 photons per frame and read them with the shipped network. In how many movies can it answer at all? How large is its error in the others, and do its error bars notice?
# ```
#
# ````{solution-start} ex-light-needed
# :class: dropdown
# ````

# %%
faint = movies.simulate(D_check, n_check, rng=np.random.default_rng(SEED + 3), **{**worlds.PHYSICAL, "photons": 150.0})
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says how many movies are too dark, and so do we
    dim = networks.read(model, faint.images, prior=prior)
for words, known in (("500 photons", plain), ("150 photons", dim)):
    told = np.isfinite(known.mean)
    e = errors(D_check[told], *(part[told] for part in known), n_resamples=2)
    inside = f"{100 * e['coverage']:.0f} % inside the 68 % interval"
    print(f"{words}: {told.sum()} of {told.size} movies answered, rms log {e['rms_log']:.2f}, {inside}")

# %% [markdown]
# About a third of the movies show no molecule in two successive frames, and the network says so. In the others the error grows more than threefold, and fewer than half of the truths lie in the 68 % interval: the network never saw so little light. An error bar is honest in the world of the training movies, and nowhere else. Calibrate the simulator first (lesson 02), then train.
#
# ````{solution-end}
# ````
#
# ```{exercise} What does the network correct?
# :label: ex-correction
# Take the network of section 6 and the movies of section 4. Compare its correction $\log(\hat D / \hat D_\mathrm{track})$ with the error of the track, $\log(\hat D_\mathrm{track} / D)$: their correlation, and the slope of a line. Do the same for the Bayes mean and for a constant.
# ```
#
# ````{solution-start} ex-correction
# :class: dropdown
# ````

# %%
start = reader.anchor(view).exp().numpy()
error_before = np.log(start / D_test)
guesses = {"network": live.log_mean, "Bayes mean": answers["Bayes mean"].log_mean, "constant": np.full(n_test, 10.0)}
for name, guess in guesses.items():
    change = np.log(guess / start)
    slope = np.polyfit(error_before, change, 1)[0]
    print(f"{name:10s} correlation {np.corrcoef(error_before, change)[0, 1]:.2f}, slope {slope:.2f}")

# %% [markdown]
# A perfect method has a correlation of -1 and a slope of -1. Even a constant has a negative correlation, because the estimate of the track stands in both numbers. The network is closest to -1 in both together: it knows from the blob which tracks are misleading.
#
# ````{solution-end}
# ````
#
# ## Summary
#
# Can a network know more than the track? Yes, because the image holds more than the track: the path within a frame leaves its shape in the blob. The network that reads it is small. What makes it strong is the question it is asked, the physics it starts from, and a loss that asks for a distribution.
#
# One number per molecule can be learned, with its error bar. **Can we learn a whole distribution, of shapes instead of numbers?** That is lesson 04: {doc}`04_normalizing_flows`.
#
# ## References
#
# The works cited here stand in the {doc}`bibliography </book/bibliography>`. Read first {cite}`silly2024`, the project that this lesson answers, and {cite}`mortensen2010` on what limits localisation.
