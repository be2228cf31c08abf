# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 02: Judge a network that reads diffusion
#
# A network gives a number for every movie, and the number is always there. Whether it is good depends on five things that no network tells you: which loss it was trained with, which rival it must beat, which movies it is judged on, what it must not react to, and whether its error bars are honest. You build these five tools here, without training anything.
#
# **You need.** Lesson 03 (*Read the diffusion coefficient from the movie*), and from lesson 01 the statistics of steps. As in lesson 03, lengths are in pixels and times in frames, so $D$ is in px²/frame.
#
# **Time.** About 100 minutes. **Points.** 20.
#
# First write the name of your folder into the next cell. Your data follow from it, so nobody else has your numbers.

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import warnings

import matplotlib.pyplot as plt
import numpy as np

from helpers.common import plotting
from helpers.course import students
from helpers.molecules import brownian, comparison, estimators, localize, movies, networks, views, worlds
from helpers.molecules.widgets import MoleculeReader

plotting.use_style()
rng = students.rng(STUDENT_ID, "a02")
D_shown = [float(f"{D:.2g}") for D in np.geomspace(0.7, 12, 8) * np.exp(rng.uniform(-0.1, 0.1, 8))]
photons_shown = [10 * int(rng.integers(15, 18)), 10 * int(rng.integers(50, 70))]  # dim, bright
seed_shown, seed_dim, seed_judge = (int(seed) for seed in rng.integers(2**32, size=3))
n_steps = int(rng.integers(6, 11))
prior = estimators.uniform_prior(0.5, rng.uniform(14, 22))
D_true = rng.choice(prior.D_um2_s, 400)  # px^2 per frame
paths_px = brownian.simulate_tracks(D_true, 400, n_frames=n_steps + 1, dt_s=1.0, n_sub=1, rng=rng)[:, :, 0]
D_hat = (np.diff(paths_px, axis=1) ** 2).sum(axis=2).mean(axis=1) / 4
model, known_law = networks.load("molecules-physical-0"), worlds.comparison_prior()  # D from 0.4 to 20 px^2/frame
print(f"{D_true.size} molecules, {n_steps} steps each, D between 0.5 and {prior.D_um2_s[-1]:.1f} px^2/frame")

# %% [markdown]
# ## 1. Find what a loss asks for (2 points, 10 minutes)
#
# A network that sees nothing can still learn: it learns the best constant. So the constant shows what a loss asks for, and it is the first rival of every network. Three losses are in use for a label $D$ and an answer $c > 0$:
#
# | Name | Loss |
# |---|---|
# | `"MSE"` | mean of $(c - D)^2$ |
# | `"MAE"` | mean of $\lvert c - D\rvert$ |
# | `"log-MSE"` | mean of $(\log c - \log D)^2$ |
#
# Write `best_constant`. Do not search for the minimum: find the formula. The self-checks use five labels whose answers you can compute by hand.


# %% nbgrader={"grade_id": "constant", "solution": true}
def best_constant(D, loss):
    """Return the number that has the least mean loss over the labels.

    D: (n,) array of positive labels, px^2 per frame. loss: "MSE", "MAE" or "log-MSE".
    Returns one float, px^2 per frame.
    """
    ### BEGIN SOLUTION
    D = np.asarray(D, dtype=float)
    if loss == "MSE":
        return float(D.mean())
    if loss == "MAE":
        return float(np.median(D))
    return float(np.exp(np.log(D).mean()))
    ### END SOLUTION


# %% nbgrader={"grade_id": "constant-tests", "grade": true, "points": 2, "locked": true}
_labels = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
for _loss in ("MSE", "MAE", "log-MSE"):
    assert np.ndim(best_constant(_labels, _loss)) == 0, f"{_loss}: one number is wanted for all labels together"
assert 1 <= best_constant(_labels, "log-MSE") <= 16, (
    "log-MSE: the answer must lie among the labels and be in their unit; is it still a logarithm, or of another base?"
)
assert np.isclose(best_constant(_labels, "MAE"), 4.0), "MAE: two labels lie above and two below the best constant, 4"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_D = _rng.gamma(0.7, 5.0, 301)  # skewed, in D and in log D
_losses = {
    "MSE": lambda c, D: ((c - D) ** 2).mean(),
    "MAE": lambda c, D: np.abs(c - D).mean(),
    "log-MSE": lambda c, D: (np.log(c / D) ** 2).mean(),
}
assert not np.isclose(best_constant(_D, "MSE"), np.sqrt((_D**2).mean())), (
    "MSE: you return the root of the mean square; the mean square is the loss, the question is where it is smallest"
)
for _loss, _of in _losses.items():
    _best = best_constant(_D, _loss)
    _grid = np.geomspace(_D.min(), _D.max(), 4001)
    _least = min(_of(c, _D) for c in _grid)
    assert _of(_best, _D) <= _least * (1 + 1e-6), f"{_loss}: another constant than {_best:.3g} has a smaller mean loss"
    assert np.isclose(best_constant(2.5 * _D, _loss), 2.5 * _best), (
        f"{_loss}: in another unit of length the answer differs"
    )
_lost = np.append(_D, 1e6)
assert best_constant(_lost, "MAE") < 1.2 * best_constant(_D, "MAE"), (
    "MAE: one lost molecule must hardly move the answer"
)
_back = 1 / best_constant(1 / _D, "log-MSE")
assert np.isclose(_back, best_constant(_D, "log-MSE")), (
    "log-MSE: D and 1/D must have the same answer, one over the other"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Use the prior as the network does (4 points, 20 minutes)
#
# A network trained on molecules of some law of $D$ knows this law. A rival that does not know it starts with a handicap. The fair rival is the posterior mean.
#
# Your molecules walk in two dimensions. Their positions are exact snapshots: no localisation error, no blur. Each coordinate of a step is Gaussian with mean 0 and variance $2 D \Delta t$, with $\Delta t = 1$ frame. The estimate is $\hat D = \langle \Delta r^2 \rangle / 4$, the mean being over the `n_steps` steps of one molecule.
#
# Write down the log-likelihood of all coordinates of all steps of one molecule. Up to a constant it depends on $D$, $\hat D$ and `n_steps` only. Then sum over the grid of the prior. Return two answers: the posterior mean of $D$, and the exponential of the posterior mean of $\log D$ (task 1 says which loss asks for which).
#
# The self-checks look at shapes, at a molecule that was followed for 2000 steps, and at the order of the two answers.


# %% nbgrader={"grade_id": "posterior", "solution": true}
def posterior_means(D_hat, n_steps, D_grid, weight):
    """Return the posterior mean of D and exp of the posterior mean of log D, one per molecule.

    D_hat: (n,) mean squared steps over 4, px^2 per frame. n_steps: number of steps in two dimensions behind each.
    D_grid: (G,) values of D that are possible, px^2 per frame. weight: (G,) prior probability of each; it need not
    sum to 1. Returns mean (n,) and log_mean (n,), both px^2 per frame.
    """
    ### BEGIN SOLUTION
    D_hat = np.asarray(D_hat, dtype=float)[:, None]
    log_likelihood = -n_steps * (np.log(D_grid) + D_hat / D_grid)  # (n, G)
    posterior = weight * np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    return posterior @ D_grid, np.exp(posterior @ np.log(D_grid))
    ### END SOLUTION


# %% [markdown]
# Draw it. The points of $\hat D$ scatter about the diagonal. The posterior means are pulled towards the middle of the prior: a large $\hat D$ is more often a lucky molecule than a very fast one. This is regression to the mean, and it makes the error smaller.

# %%
mean_D, log_mean_D = posterior_means(D_hat, n_steps, prior.D_um2_s, prior.weight)
fig, axes = plotting.figure(1, 2, 7, 3.4)
parts = (("no prior", D_hat, "classical"), ("posterior mean", mean_D, "baseline"))
for panel, (words, answer, look) in zip(axes, parts, strict=True):
    rmse = np.sqrt(((answer - D_true) ** 2).mean())
    panel.plot(D_true, answer, **plotting.role(look, linestyle="", markersize=3, label=f"RMSE {rmse:.1f} px²/frame"))
    panel.plot([0, D_true.max()], [0, D_true.max()], **plotting.role("theory"))
    panel.set(title=words, xlabel="true D (px²/frame)", ylabel="answer (px²/frame)", ylim=(0, D_hat.max()))
    panel.legend(loc="upper left")
plt.show()

# %% nbgrader={"grade_id": "posterior-tests", "grade": true, "points": 2, "locked": true}
_grid = np.linspace(0.5, 20, 400)
_both = posterior_means(np.array([2.0, 5.0, 9.0]), 2000, _grid, np.ones(400))
assert len(_both) == 2, "two answers per molecule are wanted: the mean, and exp of the mean logarithm"
assert np.shape(_both[0]) == (3,), f"one mean per molecule is wanted, three molecules gave shape {np.shape(_both[0])}"
assert np.isfinite(_both[0]).all(), "2000 steps: the likelihood underflows; take its largest logarithm off before exp"
assert np.allclose(_both[0], [2, 5, 9], rtol=0.01), "after 2000 steps the prior is forgotten: the mean must be D_hat"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_n, _x = int(_rng.integers(4, 9)), float(_rng.uniform(1.0, 1.8))


def _log_odds(share, n):
    _mean = posterior_means(np.array([_x]), n, np.array([1.0, 2.0]), np.array([share, 1 - share]))[0][0]
    return np.log((2 - _mean) / (_mean - 1)) if 1 < _mean < 2 else np.inf


_ratio = (_log_odds(0.5, 2 * _n) - _log_odds(0.5, _n)) / (_n * (np.log(2) - _x / 2))
assert np.isfinite(_ratio), "two values of D are possible: the posterior mean lies between them, yours does not"
assert np.isclose(_ratio, 1, rtol=1e-3), (
    f"evidence: the log odds of D = 1 against 2 grow by log 2 - D_hat/2 per step in two dimensions, yours by {_ratio:.2f} times that"
)
_change = _log_odds(0.8, _n) - _log_odds(0.5, _n)
assert np.isclose(_change, np.log(4), rtol=1e-3), (
    f"prior: weights of 0.8 and 0.2 multiply the odds by 4, yours by {np.exp(_change):.2f}"
)
_axis = np.geomspace(1e-3, 1e4, 6000)
_flat = posterior_means(np.array([_x]), _n + 4, _axis, np.gradient(_axis))[0][0]
assert np.isclose(_flat, _x * (_n + 4) / (_n + 2), rtol=0.005), (
    "a flat, unlimited prior has the closed form n D_hat / (n - 2) for n steps; does a grid of uneven spacing mislead yours?"
)
_paths = brownian.simulate_tracks(3.0, 5, n_frames=_n + 1, dt_s=1.0, n_sub=1, rng=_rng)[:, :, 0]
_hat = (np.diff(_paths, axis=1) ** 2).sum(axis=2).mean(axis=1) / 4
_law = estimators.uniform_prior(0.5, 9.0)
_other = estimators.bayes_mean(_paths, 1.0, _law, blur=0.0, sigma_um=0.0)
assert np.allclose(posterior_means(_hat, _n, *_law)[0], _other, rtol=1e-4), (
    "not the posterior mean of helpers for the same tracks"
)
_D = _rng.choice(_law.D_um2_s, 6000)
_m = posterior_means(_D * _rng.gamma(_n, 1 / _n, 6000), _n, *_law)[0]
_pull = (_D - _m) * (_m - _law.D_um2_s.mean())
assert abs(_pull.mean()) < 5 * _pull.std() / np.sqrt(6000), (
    "regression to the mean: your answers can still be improved by shrinking"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "posterior-tests-2", "grade": true, "points": 2, "locked": true}
_mean, _log_mean = posterior_means(np.array([1.0, 3.0]), 6, np.linspace(0.5, 20, 400), np.ones(400))
assert np.shape(_log_mean) == (2,), f"one log mean per molecule is wanted, two molecules gave {np.shape(_log_mean)}"
assert (_log_mean > 0.5).all(), "exp of the mean logarithm lies inside the prior; did you return the logarithm itself?"
assert (_log_mean < _mean).all(), "exp of the mean logarithm lies below the mean; are the two answers in order?"
### BEGIN HIDDEN TESTS
from scipy.special import digamma as _digamma

_rng = np.random.default_rng()
_n, _x = int(_rng.integers(5, 12)), float(_rng.uniform(1.0, 4.0))
_axis = np.geomspace(1e-3, 1e4, 6000)
_log_flat = posterior_means(np.array([_x]), _n, _axis, np.ones(6000))[1][0]
assert np.isclose(_log_flat, _x * _n * np.exp(-_digamma(_n)), rtol=0.003), (
    "a prior even in log D has the closed form log(n D_hat) - digamma(n) for the mean of log D; the mean must be taken over the posterior"
)
_law = estimators.uniform_prior(0.5, 15.0)
_D = _rng.choice(_law.D_um2_s, 8000)
_best = posterior_means(_D * _rng.gamma(_n, 1 / _n, 8000), _n, *_law)[1]
_error = np.log(_best / _D)
assert abs(_error.mean()) < 5 * _error.std() / np.sqrt(8000), (
    "the mean of log(answer / D) over the molecules of the prior must be 0"
)
assert np.allclose(posterior_means([100 * _x], _n, 100 * _axis, np.ones(6000))[1], 100 * _log_flat, rtol=1e-6), (
    "in a unit of length ten times smaller D must be 100 times larger"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Judge on movies that were never seen (3 points, 20 minutes)
#
# Recordings are long, and networks want short movies. So one molecule is cut into many movies. These movies are not independent: they share the molecule, its brightness and its surroundings. A network that trained on one of them has met the molecule already, and a hundred movies of ten molecules are worth little more than ten movies.
#
# Two functions. `split` chooses whole *molecules* for the test, at random. `rmse_interval` gives the RMSE over all movies and its bootstrap interval: draw as many *molecules* as there are, with replacement, each with all its movies, take the RMSE over the movies drawn, repeat, and take the quantiles that leave equal shares outside.


# %% nbgrader={"grade_id": "judge", "solution": true}
def split(molecule, share, rng):
    """Return which movies are for the test: a bool array (n,), True for the test, False for training.

    molecule: (n,) whole numbers, the molecule that each movie shows. share: the part of the molecules (not of the
    movies) that goes to the test, rounded to whole molecules. rng: numpy Generator, the only source of chance.
    """
    ### BEGIN SOLUTION
    names = np.unique(molecule)
    chosen = rng.permutation(names)[: round(share * names.size)]
    return np.isin(molecule, chosen)
    ### END SOLUTION


def rmse_interval(D, answer, molecule, rng, level=0.95, n_resamples=1000):
    """Return the root mean square error over all movies and its bootstrap interval over molecules.

    D, answer: (n,) px^2 per frame. molecule: (n,) whole numbers. rng: numpy Generator. level: probability of the
    interval. Returns rmse, low, high: three floats, px^2 per frame.
    """
    ### BEGIN SOLUTION
    square = (np.asarray(answer) - np.asarray(D)) ** 2
    names, which = np.unique(molecule, return_inverse=True)
    total, count = np.bincount(which, square), np.bincount(which)  # per molecule
    picks = rng.integers(names.size, size=(n_resamples, names.size))
    drawn = np.sqrt(total[picks].sum(axis=1) / count[picks].sum(axis=1))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(np.sqrt(square.mean())), float(low), float(high)
    ### END SOLUTION


# %% [markdown]
# Compare the two rivals of task 2 with it. Here every molecule has one movie. Do the intervals overlap?

# %%
fair_rival = estimators.bayes_mean(paths_px, 1.0, prior, blur=0.0, sigma_um=0.0)
for words, answer in (("no prior", D_hat), ("posterior mean", fair_rival)):
    rmse, low, high = rmse_interval(D_true, answer, np.arange(D_true.size), np.random.default_rng(seed_judge))
    print(f"{words:15s} RMSE {rmse:.2f} [{low:.2f}, {high:.2f}] px²/frame")

# %% nbgrader={"grade_id": "judge-tests", "grade": true, "points": 1, "locked": true}
_molecule = np.repeat(np.arange(20), 5)
_test = split(_molecule, 0.25, np.random.default_rng(1))
assert np.shape(_test) == (100,), f"one value per movie is wanted, 100 movies gave shape {np.shape(_test)}"
assert np.asarray(_test).dtype == bool, "True and False are wanted, one per movie, not the numbers of the movies"
assert 0 < np.sum(_test) < 100, "both sides need movies"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_count = _rng.integers(1, 9, 40)
_molecule = _rng.permutation(np.repeat(_rng.permutation(1000)[:40], _count))
_seed = int(_rng.integers(2**32))
_test = split(_molecule, 0.3, np.random.default_rng(_seed))
_both = np.intersect1d(_molecule[_test], _molecule[~_test]).size
assert _both == 0, f"{_both} of 40 molecules have movies on both sides: the test shows molecules that training has met"
_n_test = np.unique(_molecule[_test]).size
assert _n_test != 28, "True must mark the test, with 30 % of the molecules; yours marks the training set"
assert abs(_n_test - 12) <= 1, (
    f"30 % of 40 molecules are 12 for the test, yours are {_n_test}: count molecules, not movies"
)
assert np.array_equal(_test, split(_molecule, 0.3, np.random.default_rng(_seed))), (
    "the same rng must give the same split"
)
_sorted = np.repeat(np.arange(200), 3)
_tests = [split(_sorted, 0.5, np.random.default_rng(_seed + k)) for k in range(2)]
assert not np.array_equal(*_tests), "another rng must give another split: molecules are often sorted by D or by day"
_middle = [np.median(_sorted[_one]) for _one in _tests]
assert 60 < np.mean(_middle) < 140, "the test must be drawn from all molecules, not from one end of the list"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "judge-tests-2", "grade": true, "points": 2, "locked": true}
_D, _answer = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0])
_found = rmse_interval(_D, _answer, np.arange(4), np.random.default_rng(0))
assert len(_found) == 3, "three numbers are wanted: rmse, low, high"
assert np.allclose(_found, 1.0), (
    "every answer is wrong by 1: RMSE and both ends of its interval are 1, in the unit of D"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_count = _rng.integers(4, 13, 300)
_molecule = np.repeat(np.arange(300), _count)
_D = _rng.uniform(1, 20, 300)[_molecule]
_answer = _D + 0.5 + _rng.normal(0, 2, 300)[_molecule] + _rng.normal(0, 0.5, _D.size)
_square = (_answer - _D) ** 2
_rmse, _low, _high = rmse_interval(_D, _answer, _molecule, _rng, n_resamples=2000)
assert not np.isclose(_rmse, (_answer - _D).std(), rtol=1e-4), (
    "RMSE: a constant error of 0.5 counts, too; you take the scatter about the mean error"
)
assert np.isclose(_rmse, np.sqrt(_square.mean())), (
    "RMSE: the root of the mean over all movies, molecules with more movies counting more"
)
assert _low < _rmse < _high, (
    f"the interval [{_low:.2f}, {_high:.2f}] must hold the RMSE {_rmse:.2f}: is it in the unit of D?"
)


def _width(level):
    _sums = np.bincount(_molecule, _square - _square.mean())
    _se = np.sqrt((_sums**2).sum()) / _D.size / (2 * np.sqrt(_square.mean()))
    return 2 * {0.95: 1.960, 0.8: 1.2816}[level] * _se


_ratio = (_high - _low) / _width(0.95)
assert _ratio > 0.6, (
    f"your 95 % interval is {_ratio:.2f} times as wide as it should be: movies of one molecule are not independent, draw molecules"
)
assert _ratio < 1.8, (
    f"your 95 % interval is {_ratio:.2f} times as wide as it should be: draw as many molecules as there are"
)
assert 0.89 < _ratio < 1.11, (
    f"your 95 % interval is {_ratio:.2f} times as wide as it should be: 2.5 % must lie outside on either side"
)
_, _low, _high = rmse_interval(_D, _answer, _molecule, _rng, level=0.8, n_resamples=2000)
_ratio = (_high - _low) / _width(0.8)
assert 0.89 < _ratio < 1.11, (
    f"level = 0.8: your interval is {_ratio:.2f} times as wide as an 80 % interval; is 95 % written into it?"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Take out what cannot matter (3 points, 15 minutes)
#
# $D$ is a property of a molecule. It does not change when the movie is turned by a quarter, mirrored, or played backwards. Together these are 16 symmetries: 8 turns and mirrors of the image, each forwards and backwards. A network obeys them only approximately. Its *average* over all of them obeys them exactly, and by the convexity of the square the average cannot have a larger mean square error than the 16 answers have on average.
#
# Write `average_over_symmetries`. It gets any reader: a function that takes movies $(n, T, H, W)$ with $H = W$ and returns one positive $D$ per movie. The errors of $D$ are relative, so average $\log D$. The self-checks use a reader that already obeys all symmetries, and one that does not know up from right.


# %% nbgrader={"grade_id": "symmetry", "solution": true}
def average_over_symmetries(read, stack):
    """Return exp of the mean of log D over the 16 symmetries of a movie, one per movie.

    read: function, movies (n, T, H, W) -> D (n,), px^2 per frame. stack: movies (n, T, H, W), H = W.
    Returns (n,), px^2 per frame.
    """
    ### BEGIN SOLUTION
    logs = []
    for mirrored in (stack, stack[..., ::-1]):
        for quarter in range(4):
            turned = np.rot90(mirrored, quarter, axes=(2, 3))
            logs += [np.log(read(turned)), np.log(read(turned[:, ::-1]))]
    return np.exp(np.mean(logs, axis=0))
    ### END SOLUTION


# %% [markdown]
# Now ask the shipped network of lesson 03. It never saw a symmetry written down, only turned movies in training.

# %%
bright = movies.simulate(4.0, 8, rng=np.random.default_rng(seed_judge), **worlds.PHYSICAL).images
turned = np.rot90(bright, axes=(2, 3))


def ask(stack):
    return networks.read(model, np.ascontiguousarray(stack), prior=known_law).log_mean


for words, answer in (
    ("the network alone", ask),
    ("its average", lambda stack: average_over_symmetries(ask, stack)),
):
    change = np.abs(np.log(answer(turned) / answer(bright))).max()
    print(f"{words}: a quarter turn changes D by up to {100 * change:.2g} %")


# %% nbgrader={"grade_id": "symmetry-tests", "grade": true, "points": 2, "locked": true}
def _reader(weight):
    """Return a reader that weighs every pixel of every frame; weight (T, H, W)."""

    def _read(stack):
        stack = np.asarray(stack)
        assert stack.ndim == 4, "the reader must get whole movies, (n, T, H, W)"
        assert stack.shape[1:] == weight.shape, (
            f"the reader got movies of shape {stack.shape[1:]} for {weight.shape}: turn about the axes of the image, 2 and 3"
        )
        return np.exp((stack * weight).sum(axis=(1, 2, 3)))

    return _read


_stack = np.random.default_rng(5).random((3, 4, 6, 6))
_even = average_over_symmetries(_reader(np.full((4, 6, 6), 0.02)), _stack)
assert np.shape(_even) == (3,), f"one D per movie is wanted, three movies gave shape {np.shape(_even)}"
assert np.allclose(_even, np.exp(0.02 * _stack.sum(axis=(1, 2, 3)))), (
    "a reader that obeys all symmetries must keep its answer"
)
_lopsided = _reader(np.broadcast_to(np.arange(6) / 60, (4, 6, 6)))  # knows left from right
_answer = average_over_symmetries(_lopsided, _stack)
_turned = average_over_symmetries(_lopsided, np.rot90(_stack, axes=(2, 3)))
assert np.allclose(_answer, _turned), "the answer must not change when the movie is turned by a quarter"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_weight = _rng.normal(0, 0.3, (5, 7, 7))
_weight = _weight + _weight[::-1]  # blind to the direction of time
_stack = _rng.random((4, 5, 7, 7))
_read = _reader(_weight)
_answer = average_over_symmetries(_read, _stack)
_flips = {
    "turned by a quarter": np.rot90(_stack, axes=(2, 3)),
    "mirrored, left for right": _stack[..., ::-1],
    "mirrored, up for down": _stack[:, :, ::-1],
    "mirrored about a diagonal": _stack.swapaxes(2, 3),
}
for _words, _same in _flips.items():
    assert np.allclose(average_over_symmetries(_read, _same), _answer), f"the answer changes when the movie is {_words}"
_inverse = average_over_symmetries(lambda stack: 1 / _read(stack), _stack)
assert np.allclose(_inverse * _answer, 1), (
    "log D is to be averaged: a reader of 1/D must get one over the answer of the reader of D"
)
_eight = [_w[:, ::_i, ::_j] for _w in (_weight, _weight.swapaxes(1, 2)) for _i in (1, -1) for _j in (1, -1)]
assert np.allclose(_answer, _reader(np.mean(_eight, axis=0))(_stack)), "each of the 8 turns and mirrors must count once"
_bent = average_over_symmetries(lambda stack: np.exp(np.sin(np.log(_read(stack)))), _stack)
_logs = [np.sin(np.log(_reader(_w)(_stack))) for _w in _eight]
assert np.allclose(np.log(_bent), np.mean(_logs, axis=0)), "the answers are to be averaged, not the movies"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "symmetry-tests-2", "grade": true, "points": 1, "locked": true}
_stack = np.random.default_rng(6).random((2, 4, 6, 6))
_ramp = np.broadcast_to((np.arange(4) / 60)[:, None, None], (4, 6, 6))  # later frames count more


def _late(stack):
    return np.exp((stack * _ramp).sum(axis=(1, 2, 3)))


_forwards = average_over_symmetries(_late, _stack)
assert np.shape(_forwards) == (2,), f"one D per movie is wanted, two movies gave shape {np.shape(_forwards)}"
### BEGIN HIDDEN TESTS
_backwards = average_over_symmetries(_late, _stack[:, ::-1])
assert np.allclose(_forwards, _backwards), "the answer must not change when the movie is played backwards"
_rng = np.random.default_rng()
_weight, _stack = _rng.normal(0, 0.3, (5, 7, 7)), _rng.random((3, 5, 7, 7))


def _any(stack):
    return np.exp(np.sin((stack * _weight).sum(axis=(1, 2, 3))))


_same = [
    movie[:, ::_k, ::_i, ::_j]
    for movie in (_stack, _stack.swapaxes(2, 3))
    for _i in (1, -1)
    for _j in (1, -1)
    for _k in (1, -1)
]
_expected = np.mean([np.log(_any(movie)) for movie in _same], axis=0)
assert np.allclose(np.log(average_over_symmetries(_any, _stack)), _expected), (
    "each of the 16 symmetries, forwards and backwards, must count once"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Ask error bars whether they are honest (4 points, 20 minutes)
#
# The shipped network of lesson 03 states a 68 % interval for $D$. It was trained on movies of about 500 photons per frame. The next cell films molecules in bright and in dim light and has them read by this network. The widget shows them: eight true $D$, two lights. Below the pictures it says what the truth is and between which two numbers the network puts it, all with two digits. The bar in the right picture is the same interval; the points without a bar are the trackers. No truth lies exactly on an end.
#
# **a) Read the widget (2 points).** Go through all eight $D$ in both lights. Count how often the interval of the network holds the truth. Set `inside_dim` and `inside_bright`. Look also where the trackers lie when the network is wrong.

# %% nbgrader={"grade_id": "molecules", "locked": true}
shown, crops = [], []
for photons in photons_shown:
    light = {**worlds.PHYSICAL, "photons": photons, "brightness_spread": 0.0}
    # A molecule that is not seen, or lies on the edge of its interval, is filmed again.
    D_takes = np.repeat(D_shown, 12)
    stack = movies.simulate(D_takes, D_takes.size, rng=np.random.default_rng([seed_shown, photons]), **light).images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the network says how many movies are too dark for it
        told = np.array([[float(f"{x:.2g}") for x in part] for part in networks.read(model, stack, prior=known_law)])
    usable = np.isfinite(told).all(axis=0) & (told[2:] != D_takes).all(axis=0)
    takes = [int(np.flatnonzero(usable & (D_takes == D))[0]) for D in D_shown]
    rivals = comparison.classical(stack[takes], known_law, sigma_px=0.4)
    track = localize.localize(stack[takes]).positions
    crops.append(views.look(stack[takes]).crops.numpy())
    for k, take in enumerate(takes):
        lines = [[name, *3 * [float(rivals[name].log_mean[k])]] for name in ("CVE", "MLE, σ known", "Bayes mean")]
        lines.append(["network", *told[1:, take].tolist()])
        path = track[k][np.isfinite(track[k]).all(axis=1)].round(2).tolist()
        shown.append({"D": D_shown[k], "photons": photons, "track": path, "answers": lines})
grey = np.clip(np.concatenate(crops) * 25 + 40, 0, 255).astype(np.uint8)
MoleculeReader(molecules=shown, data=grey.tobytes(), settings={"speed": 4, "light": 2})

# %% [markdown]
# Eight molecules are few. So the next cell films more of them in the dim light. What the network says is in `dim`: for every movie in which it saw a molecule the true `D`, its answer `centre`, and its interval from `low` to `high` (px²/frame).

# %% nbgrader={"grade_id": "dim", "locked": true}
draw = np.random.default_rng(seed_dim)
D_dim = draw.uniform(worlds.LOW, worlds.HIGH, 300)
dim_stack = movies.simulate(D_dim, 300, rng=draw, **{**worlds.PHYSICAL, "photons": photons_shown[0]}).images
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    told = networks.read(model, dim_stack, prior=known_law)
seen = np.isfinite(told.log_mean)
dim = {"D": D_dim[seen], "centre": told.log_mean[seen], "low": told.low[seen], "high": told.high[seen]}
print(f"{photons_shown[0]} photons: {seen.sum()} of {seen.size} movies answered")

# %% [markdown]
# **b) Measure and repair (2 points).** Write two functions.
#
# `coverage`: the share of truths inside their intervals, and the standard error of this share, as of a count of independent yes and no.
#
# `stretch`: the one factor by which all intervals must be stretched to hold the share `level` of the truths. Stretch about `centre` on the axis of $\log D$, each side for itself: the upper end goes to $\log c + s\,(\log h - \log c)$, the lower one to $\log c - s\,(\log c - \log l)$. So for every movie there is a smallest $s$ that just reaches the truth; you need the right one of these. A factor below 1 means that the network was too modest.


# %% nbgrader={"grade_id": "calibration", "solution": true}
def coverage(D, low, high):
    """Return the share of truths inside [low, high], and its standard error.

    D, low, high: (n,) px^2 per frame. Returns share (0 to 1) and standard error, two floats.
    """
    ### BEGIN SOLUTION
    share = np.mean((low <= D) & (high >= D))
    return float(share), float(np.sqrt(share * (1 - share) / np.size(D)))
    ### END SOLUTION


def stretch(D, centre, low, high, level=0.68):
    """Return the factor by which all intervals must be stretched about centre, in log D, to hold the share level.

    D, centre, low, high: (n,) px^2 per frame, low < centre < high. Returns one float: 1 for honest intervals.
    """
    ### BEGIN SOLUTION
    side = np.where(centre < D, high, low)
    return float(np.quantile(np.log(D / centre) / np.log(side / centre), level))
    ### END SOLUTION


# inside_dim and inside_bright: in how many of the eight molecules does the interval of the network hold the truth?
### BEGIN SOLUTION
inside = [one["answers"][-1][2] < one["D"] < one["answers"][-1][3] for one in shown]  # as the eye reads it
inside_dim, inside_bright = sum(inside[:8]), sum(inside[8:])
### END SOLUTION

# %% [markdown]
# Repair the error bars with one half of the dim movies, and check them on the other half. Why not on the same half? Look also at the answers: in dim light most are too large. A stretch pays for such a shift with width. The cure is a network that was trained in this light.

# %%
half = np.arange(dim["D"].size) % 2 == 0
first, other = ({name: part[side] for name, part in dim.items()} for side in (half, ~half))
factor = stretch(**first)
wider = [other["centre"] * (other[end] / other["centre"]) ** factor for end in ("low", "high")]
for words, ends in (("as stated", (other["low"], other["high"])), (f"stretched {factor:.2f} times", wider)):
    share, error = coverage(other["D"], *ends)
    print(f"{words}: {100 * share:.0f} ± {100 * error:.0f} % of the truths in the 68 % interval")

# %%
levels = np.linspace(0.05, 0.9, 18)
fig, axes = plotting.figure(1, 1, 5, 3.4)
factors = [stretch(**dim, level=level) for level in levels]
axes.plot(factors, 100 * levels, **plotting.role("network", label="dim light"))
axes.axvline(1, **plotting.role("theory", label="the interval as stated"))
axes.axhline(68, color="0.7", linewidth=1)
axes.set(xlabel="intervals stretched by", ylabel="truths inside (%)", xlim=(0, None), ylim=(0, 100))
axes.legend()
plt.show()

# %% nbgrader={"grade_id": "calibration-tests", "grade": true, "points": 2, "locked": true}
for _name, _count in (("inside_dim", inside_dim), ("inside_bright", inside_bright)):
    assert _count in range(9), f"{_name}: a whole number from 0 to 8 is wanted, you have {_count}"
### BEGIN HIDDEN TESTS
_draw = students.rng(STUDENT_ID, "a02")
_values = [float(f"{D:.2g}") for D in np.geomspace(0.7, 12, 8) * np.exp(_draw.uniform(-0.1, 0.1, 8))]
_lights = [10 * int(_draw.integers(15, 18)), 10 * int(_draw.integers(50, 70))]
_seed, _held = int(_draw.integers(2**32)), []
_net, _law = networks.load("molecules-physical-0"), worlds.comparison_prior()
for _photons in _lights:
    _takes = np.repeat(_values, 12)
    _light = {**worlds.PHYSICAL, "photons": _photons, "brightness_spread": 0.0}
    _stack = movies.simulate(_takes, 96, rng=np.random.default_rng([_seed, _photons]), **_light).images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _told = np.array([[float(f"{x:.2g}") for x in part] for part in networks.read(_net, _stack, prior=_law)])
    _good = np.isfinite(_told).all(axis=0) & (_told[2:] != _takes).all(axis=0)
    _first = [np.flatnonzero(_good & (_takes == _one))[0] for _one in _values]
    _held.append(int(((_told[2] < _takes) & (_told[3] > _takes))[_first].sum()))
assert (inside_dim, inside_bright) == tuple(_held) or (inside_bright, inside_dim) != tuple(_held), (
    "the two counts are exchanged: the dim light is the left end of the slider of photons"
)
assert (8 - inside_dim, 8 - inside_bright) != tuple(_held) or (inside_dim, inside_bright) == tuple(_held), (
    "you counted the intervals that miss the truth"
)
assert inside_bright == _held[1], (
    f"bright light: {inside_bright} is not the number of intervals that hold the truth; read all eight again"
)
assert inside_dim == _held[0], (
    f"dim light: {inside_dim} is not the number of intervals that hold the truth; read all eight again"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "calibration-tests-2", "grade": true, "points": 2, "locked": true}
_share, _error = coverage(np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 1.5), np.full(4, 3.5))
assert np.isclose(_share, 0.5), "two of four truths lie inside: the share is 0.5"
assert np.isclose(_error, 0.25), "half of four: the standard error of the share is 0.25"
_factor = stretch(np.full(5, 4.0), np.ones(5), np.full(5, 0.5), np.full(5, 2.0))
assert np.isclose(_factor, 2), "an interval from 1/2 to 2 about 1 must be stretched twice in log D to reach 4"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_n, _up, _down = 4000, _rng.uniform(0.15, 0.25), _rng.uniform(0.3, 0.4)
_centre = _rng.uniform(1, 20, _n)
_low, _high = _centre * np.exp(-_down), _centre * np.exp(_up)
_z = 1.7 * _rng.standard_t(3, _n)  # heavy tails: the standard deviation says little about the middle 68 %
_D = _centre * np.exp(np.where(_z > 0, _up, _down) * _z)
_inside = (_low < _D) & (_high > _D)
_share, _error = coverage(_D, _low, _high)
assert np.isclose(_share, _inside.mean()), "coverage: a truth counts if it lies above low and below high"
assert np.isclose(_error, _inside.std() / np.sqrt(_n), rtol=0.01), (
    "coverage: the standard error of a share p is sqrt(p (1 - p) / n)"
)
_above = stretch(_centre * np.exp(_up * np.abs(_z)), _centre, _low, _high)
assert not np.isclose(_above / np.quantile(np.abs(_z), 0.68), 2 * _up / (_up + _down), rtol=0.02), (
    "stretch: all truths lie above the centre, so the lower ends must not matter; each side has its own width"
)
_factor = stretch(_D, _centre, _low, _high)
assert not np.isclose(1 / _factor, np.quantile(np.abs(_z), 0.68), rtol=0.02), (
    "stretch: your factor makes intervals that are too short even shorter, it is one over the right one"
)
_held = coverage(_D, _centre * (_low / _centre) ** _factor, _centre * (_high / _centre) ** _factor)[0]
assert np.isclose(_held, 0.68, atol=0.005), (
    f"stretch: with your factor {100 * _held:.0f} % of the truths lie inside instead of 68 %: take the 68 % quantile of what each truth needs"
)
assert np.isclose(_above, np.quantile(np.abs(_z), 0.68), rtol=0.02), (
    "stretch: all truths lie above the centre, so the upper ends alone decide"
)
_held = np.quantile(np.abs(_z), 0.9)
assert np.isclose(stretch(_D, _centre, _low, _high, level=0.9), _held, rtol=0.02), (
    "stretch: level = 0.9 is not reached; is 68 % written into it?"
)
_narrow = stretch(_D, _centre, np.sqrt(_low * _centre), np.sqrt(_high * _centre))
assert np.isclose(_narrow, 2 * _factor, rtol=0.01), (
    "stretch: error bars of half the length must be stretched twice as much"
)
assert np.isclose(stretch(0.01 * _D, 0.01 * _centre, 0.01 * _low, 0.01 * _high), _factor), (
    "stretch: the factor must not depend on the unit of D"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Has a network that ties failed? (4 points by hand, 15 minutes)
#
# Three groups report that their network "does not outperform" a trajectory method. The numbers are those of lesson 03, in the noise of the original; *rms log* is the root mean square of $\log(\hat D / D)$.
#
# * **A.** The networks of the original, trained for *effective D*, the line through the MSD of the one path. RMSE 5.8 units at best, the trajectory method 5.2.
# * **B.** A network that is shown the track only, trained for $D$: rms log 0.24. The Bayes mean of the track under the same prior: 0.25. With the true centres of all frames: 0.24.
# * **C.** Imagine a network that is shown the whole movie, trained for $D$: rms log 0.25, too. The Bayes mean of the track: 0.25. With all positions within the frames: 0.08.
#
# Has the network failed, in A, in B, in C? For each say what it is compared with, and what the information that both get allows at best. Then say what you must know before you believe that there is a tie at all. Use at least one number that you found in tasks 2, 3 or 5. About 200 words.

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# **A** does not tell. The label is the number that the trajectory method computes: with exact positions the two agree with a correlation of 0.99. The rival gives the definition of the right answer, up to its localisation error, and only this error can be won (with the true centres it is wrong by 1.1 units, our network by 1.9). Even a network without any error would know $D$ only within a factor of two, because the label of one molecule scatters by 83 %. The question was wrong, not the network.
#
# **B** has succeeded. It saw positions only, and under this prior nobody who sees positions of frames only does better than the posterior mean with exact centres, 0.24. It has found the best tracker by itself. Nothing is left to win from this input. Without the prior the rival would look worse (in task 2 the RMSE falls when the prior is used), and the network would seem to win by what it knows of the molecules, not of the movie.
#
# **C** has failed, although its score is that of B. Its input holds the shape of the blob, and the path within a frame allows 0.08. A network that sees the shape alone reaches 0.16 after a short training. So it lost what it was given.
#
# A tie is a statement with an error bar. Both must read the same movies, of molecules that were not in training, under the same prior. The interval of the *difference*, over molecules, must be small against the gain one hopes for: intervals of the two scores that overlap show nothing. In task 3 the interval of an RMSE reaches 5 to 15 % to either side, with 400 molecules. A tie in RMSE may also hide a difference in honesty: my intervals held fewer than 68 % in dim light.
#
# **Marking scheme.** 1 point for A: the rival computes the label itself, and the label is not $D$. 1 point for B: at the bound of what positions of frames hold, under the same prior. 1 point for C: same score, but the input holds more (the shape within the frame); the bound is 0.08. 1 point for the tie: same movies, unseen molecules, same prior, and an interval of the difference (two of these four are enough), with a number of the student's own. Half points are possible. An answer that compares scores only, without saying what each method was shown, gets at most 2.

# %% [markdown]
# ## How marks are given
#
# The tests that you see look at shapes, units and simple limits. More tests run when you hand in; they check laws that any right solution obeys, on new random numbers, and the feedback says which law was broken. 16 points are given by these tests: 2 for the loss, 4 for the prior, 3 for the judge, 3 for the symmetries, 4 for the error bars. 4 points are given by hand for task 6. The last cell asks whether Python and helpers are unchanged; it gives no points. Before you hand in, restart the kernel and run all cells.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
