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
# # Judge a model that turns its pictures
#
# A rotation-invariant VAE splits an image into a class, an angle, a shift and a content. You build what this needs: a grid that turns, the price of an angle in nats, means and errors on a circle. You read the latent plane of a trained model. Then you judge a claim: were the unlabelled images worth their trouble? You need lesson 06 (the rotation-invariant VAE), and from lesson 05 what a latent variable is.
#
# | Task | Points | Minutes |
# |---|---|---|
# | 1. Turn a grid | 3 | 10 |
# | 2. Pay for an angle | 3 | 20 |
# | 3. Average on a circle | 3 | 20 |
# | 4. Read the latent plane | 3 | 10 |
# | 5. Score the rivals | 4 | 30 |
# | 6. Name the fair baseline (written) | 4 | 15 |
#
# Set your name first: the numbers below are yours alone. Below each task stand checks that you can run. Others are run when your work is marked.

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import ndimage

from helpers.common import plotting
from helpers.common.plotting import role
from helpers.course import students
from helpers.nanoparticles import angles, cards, particles, poses, ssrvae
from helpers.nanoparticles.widgets import LatentPlane, decoder_weights

rng = students.rng(STUDENT_ID, "a04")
card_suit = str(rng.choice(["club", "spade", "heart"]))
card_pose = {
    "angle_deg": float(rng.integers(20, 160)),
    "shift": (float(rng.uniform(-0.1, 0.1)), float(rng.uniform(-0.1, 0.1))),
    "scale": float(rng.uniform(1.0, 1.2)),
}
print(f"a {card_suit}, turned by {card_pose['angle_deg']:.0f}°, shifted by {np.round(card_pose['shift'], 3)}", end=" ")
print(f"widths of the frame, enlarged {card_pose['scale']:.2f} times")

# %% [markdown]
# ## 1. Turn a grid (3 points)
#
# The decoder draws a template that always lies the same way round. A grid that is turned reads it. For every pixel of the image you want the point of the template that it shows: the point $\boldsymbol u'$ of the image has the value of the template at
#
# $$ \boldsymbol u=\frac{1}{s}\,R(-\varphi)\,(\boldsymbol u'-\boldsymbol t). $$
#
# So the object is enlarged by $s$, turned by $\varphi$ counter-clockwise as you see it, and then shifted by $\boldsymbol t$. Points are (x, y) in widths of the frame, x to the right and y **down**, zero in the middle of the frame. A pixel is asked at its centre, not at its corner.
#
# The angle comes in degrees here. The first checks look at the centres of the pixels. 2 points are for the turn, 1 for shift and scale.


# %% nbgrader={"grade_id": "grid", "solution": true}
def turned_grid(size, angle_deg, shift=(0.0, 0.0), scale=1.0):
    """Return where the pixels of a turned image come from in the upright template, (size, size, 2).

    The first axis counts rows from the top, the second columns from the left; the last holds (x, y) in widths of the
    frame, x to the right, y down, 0 in the middle. ``angle_deg`` in degrees, counter-clockwise as seen; ``shift``
    (right, down) in widths of the frame, after the turn; ``scale`` > 1 enlarges the object.
    """
    ### BEGIN SOLUTION
    at = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(at - shift[0], at - shift[1])
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1) / scale
    ### END SOLUTION


# %% nbgrader={"grade_id": "grid-tests", "grade": true, "points": 2, "locked": true}
_grid = np.asarray(turned_grid(4, 0.0))
assert _grid.shape == (4, 4, 2), f"the grid must have shape (size, size, 2), yours has {_grid.shape}"
assert _grid[0, -1, 0] > _grid[0, 0, 0], "the last axis must hold x first, and x grows along a row, from left to right"
assert _grid[-1, 0, 1] > _grid[0, 0, 1], "y grows downwards, with the number of the row"
assert np.allclose(_grid[0, :, 0], [-0.375, -0.125, 0.125, 0.375]), (
    f"the centres of four pixels lie at -0.375, -0.125, 0.125, 0.375 widths of the frame, yours at {_grid[0, :, 0]}"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_n, _a, _b = int(_rng.integers(9, 20)), *_rng.uniform(15, 75, 2)
_flat = {a: np.asarray(turned_grid(_n, a)).reshape(-1, 2) for a in (0.0, 360.0, 90.0, _a, -_a, _b, _a + _b)}
_ask = {a: np.linalg.lstsq(_flat[0.0], points, rcond=None)[0].T for a, points in _flat.items()}  # u = M u'
assert np.allclose(_flat[360.0], _flat[0.0], atol=1e-6), (
    "a full turn of 360° must lead back to where it began: cos and sin of numpy want radians"
)
assert np.allclose(_ask[_a] @ _ask[_a].T, np.eye(2), atol=1e-6), (
    "a turn keeps all lengths and right angles; yours stretches or shears the grid (signs of the two sines?)"
)
assert np.linalg.det(_ask[_a]) > 0, "your map is a mirror image, not a turn (signs of the two sines?)"
assert np.allclose(_ask[_a] @ _ask[_b], _ask[_a + _b], atol=1e-6), "two turns one after the other must add their angles"
assert np.allclose(_ask[_a] @ _ask[-_a], np.eye(2), atol=1e-6), "turning back must undo the turn"
_above = _ask[90.0] @ [0.0, -0.3]  # a point above the middle shows what was on the right
assert _above[0] > 0, (
    f"you turn clockwise: after a quarter turn counter-clockwise as seen, the point above the middle shows what was on "
    f"the right of the template; yours shows x = {_above[0]:+.2f} (y points down, and the grid is turned back)"
)
_image = _rng.random((_n, _n))
_at = np.round((np.asarray(turned_grid(_n, 90.0)) + 0.5) * _n - 0.5).astype(int)
assert np.array_equal(_image[_at[..., 1], _at[..., 0]], np.rot90(_image)), (
    "read through your grid at 90°, an image is not the one that np.rot90 gives"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "grid-tests-2", "grade": true, "points": 1, "locked": true}
_still, _moved = np.asarray(turned_grid(8, 0.0)), np.asarray(turned_grid(8, 0.0, shift=(0.125, 0.0)))
assert np.allclose(_moved[:, 1:], _still[:, :-1]), (
    "shifted to the right by one of eight pixels, every pixel must show what its left neighbour showed (sign of the shift)"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_n, _angle, _s = int(_rng.integers(9, 20)), float(_rng.uniform(20, 160)), float(_rng.uniform(1.1, 1.6))
_t = _rng.uniform(-0.2, 0.2, 2)
_where = (np.arange(_n) + 0.5) / _n - 0.5
_X = np.column_stack([*(c.ravel() for c in np.meshgrid(_where, _where)), np.ones(_n * _n)])
_fit = np.linalg.lstsq(_X, np.asarray(turned_grid(_n, _angle, tuple(_t), _s)).reshape(-1, 2), rcond=None)[0]
_area = abs(np.linalg.det(_fit[:2])) * _s**2
assert not np.isclose(_area, _s**4), "scale > 1 must enlarge the object, so the grid that reads it must shrink"
assert np.isclose(_area, 1), f"an object of scale s covers s² times the area; with your grid {1 / _area:.2f} s² times"
_middle = np.linalg.solve(_fit[:2].T, -_fit[2])
assert np.allclose(_middle, _t, atol=1e-6), (
    f"the middle of the template must appear at the shift, {_t.round(3)}, whatever the angle and scale; yours appears at "
    f"{_middle.round(3)} (the object is turned and enlarged first and shifted then, so the shift is taken off first)"
)
### END HIDDEN TESTS

# %% [markdown]
# Look at your card. The middle picture is the left one, read through your grid. It must look like the right one, which was drawn in this pose at once.


# %%
def read(template, points):
    """Return a template (H, H) read at points (h, w, 2) by linear interpolation, 0 outside of it."""
    column_row = (points + 0.5) * len(template) - 0.5
    return ndimage.map_coordinates(template, np.moveaxis(column_row[..., ::-1], -1, 0), order=1)


upright = cards.draw(card_suit)
right, down = card_pose["shift"]
direct = cards.draw(card_suit, card_pose["angle_deg"], shift_x=right, shift_y=down, scale=card_pose["scale"])
fig, panels = plotting.figure(1, 3, 7, 2.6)
pictures = {"template": upright, "through your grid": read(upright, turned_grid(48, **card_pose)), "drawn": direct}
for axes, (name, picture) in zip(panels, pictures.items(), strict=True):
    plotting.show_image(axes, picture, "gray", title=name, vmin=0, vmax=1)
plt.show()

# %% [markdown]
# ## 2. Pay for an angle (3 points)
#
# The bound pays for every number that the encoder writes down: the divergence of what it believes, $q=N(\mu,\sigma^2)$, from what was believed before, $p=N(\mu_p,\sigma_p^2)$,
#
# $$ \mathrm{KL}(q\,\|\,p)=\langle\log q-\log p\rangle_q . $$
#
# For two normal laws the mean can be written down. Derive it, for any $\mu_p$ and $\sigma_p$, and write it as `kl_normal`. The lesson has the case $\mu_p=0$, $\sigma_p=1$. Two limits help: equal laws cost nothing, and no pair of laws has a negative cost.
#
# A prior of the angle that is too narrow makes every large angle expensive, and the model would rather not turn. One that is too wide charges for angles that never occur. `best_prior_sd` returns the width between them: of all normal priors with mean 0, the one with the least mean KL over a whole set of angles. Set the slope of that mean to zero.
#
# 2 points are for `kl_normal`, 1 for `best_prior_sd`.

# %% nbgrader={"grade_id": "angles-found", "locked": true}
limit_deg = int(rng.integers(40, 170))
mean_rad = np.radians(rng.uniform(-limit_deg, limit_deg, 400))  # mean of q for 400 images
sd_rad = np.radians(rng.uniform(4, 8, 400))  # width of q
print(f"400 images, turned within ±{limit_deg}°, their angles known to ±{np.degrees(sd_rad.mean()):.1f}°")


# %% nbgrader={"grade_id": "kl", "solution": true}
def kl_normal(mean, sd, prior_mean=0.0, prior_sd=1.0):
    """Return KL(N(mean, sd²) || N(prior_mean, prior_sd²)) in nats.

    All four are numbers or arrays that fit each other; the result has their common shape. ``sd`` and ``prior_sd`` are
    standard deviations, in the unit of the means.
    """
    ### BEGIN SOLUTION
    ratio = sd / prior_sd
    return 0.5 * (ratio**2 + ((mean - prior_mean) / prior_sd) ** 2 - 1) - np.log(ratio)
    ### END SOLUTION


def best_prior_sd(mean, sd):
    """Return the standard deviation S, a number, for which the mean of KL(N(mean, sd²) || N(0, S²)) is least.

    ``mean`` (N,) and ``sd`` (N,) in the same unit, which is that of S, too.
    """
    ### BEGIN SOLUTION
    return np.sqrt(np.mean(np.square(mean) + np.square(sd)))
    ### END SOLUTION


# %% nbgrader={"grade_id": "kl-tests", "grade": true, "points": 2, "locked": true}
assert np.isclose(kl_normal(0.3, 1.0, 0.3, 1.0), 0), "two equal laws differ by nothing: their KL is 0"
assert np.isclose(kl_normal(1.0, 1.0), 0.5), (
    f"one standard deviation between the means of laws of width 1 costs half a nat, yours {kl_normal(1.0, 1.0):.3f} "
    "(factor 1/2, natural logarithm)"
)
assert np.shape(kl_normal(np.zeros(5), np.ones(5))) == (5,), "for arrays (5,) the result must have the shape (5,)"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_m, _s, _m0, _s0 = (_rng.uniform(low, high, 200) for low, high in ((-2, 2), (0.1, 3), (-2, 2), (0.1, 3)))
_kl = np.asarray(kl_normal(_m, _s, _m0, _s0))
assert np.allclose(kl_normal(_m, _s, _m, _s), 0, atol=1e-9), "two equal laws differ by nothing, whatever their width"
assert np.allclose(kl_normal(_m + 5, _s, _m0 + 5, _s0), _kl), "only the distance of the two means counts"
assert (_kl > -1e-9).all(), f"no KL is negative, one of yours is {_kl.min():.2f} (sign of the logarithm?)"
assert np.allclose(kl_normal(57.3 * _m, 57.3 * _s, 57.3 * _m0, 57.3 * _s0), _kl), (
    "in degrees the same laws must cost as much as in radians: yours depends on the unit (variance for standard deviation?)"
)
_narrow = kl_normal(0.0, 1e-3 / np.e) - kl_normal(0.0, 1e-3)
assert np.isclose(_narrow, 1, atol=1e-3), (
    f"an angle known e times better costs one nat more, yours {_narrow:.3g} (the mean is over q and not over the prior)"
)
for _case in range(3):
    _z = _m[_case] + _s[_case] * _rng.standard_normal(50_000)
    _gap = ((_z - _m0[_case]) / _s0[_case]) ** 2 / 2 - ((_z - _m[_case]) / _s[_case]) ** 2 / 2
    _gap += np.log(_s0[_case] / _s[_case])
    assert abs(_gap.mean() - _kl[_case]) < 6 * _gap.std() / np.sqrt(len(_gap)) + 1e-9, (
        f"50,000 samples of log q - log p have the mean {_gap.mean():.3f}, your KL is {_kl[_case]:.3f}"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "kl-tests-2", "grade": true, "points": 1, "locked": true}
assert np.ndim(best_prior_sd(np.zeros(3), np.ones(3))) == 0, "best_prior_sd must return one number"
assert np.isclose(best_prior_sd(np.zeros(3), np.full(3, 0.2)), 0.2), (
    "if every q is N(0, 0.2²), the best prior is that law itself, so S = 0.2: the widths of q count, too, and S is a "
    "standard deviation, not a variance"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_m, _s = _rng.uniform(-0.5, 2.5, 300), _rng.uniform(0.05, 0.6, 300)
_S = float(best_prior_sd(_m, _s))
assert np.isclose(best_prior_sd(57.3 * _m, 57.3 * _s), 57.3 * _S), (
    "in degrees the best width must be 57.3 times the number in radians: a standard deviation, not a variance"
)


def _price(width):
    return np.mean((_s**2 + _m**2) / (2 * width**2) + np.log(width / _s) - 0.5)


assert not np.isclose(_S, np.sqrt(_m.var() + np.mean(_s**2))), (
    "the prior has mean 0, so an angle costs by its distance from 0, not from the mean of all angles"
)
assert _price(_S) < min(_price(0.98 * _S), _price(1.02 * _S)), (
    f"a prior 2 % wider or narrower than yours costs less: {_price(1.02 * _S):.4f} or {_price(0.98 * _S):.4f} nats, "
    f"yours {_price(_S):.4f}"
)
### END HIDDEN TESTS

# %% [markdown]
# Look at the price of your angles. Left of the minimum it rises like $1/\sigma_p^2$, right of it by one nat for every factor $e$. If you must guess, guess too wide.

# %%
widths_deg = np.geomspace(10, 400, 60)
price = [kl_normal(mean_rad, sd_rad, 0.0, np.radians(width)).mean() for width in widths_deg]
best_deg = np.degrees(best_prior_sd(mean_rad, sd_rad))
fig, axes = plotting.figure()
axes.plot(widths_deg, price, **role("data", marker=""))
axes.axvline(best_deg, **role("theory", label=f"best width, {best_deg:.0f}°"))
axes.set(xlabel="standard deviation of the prior (°)", ylabel="cost of an angle (nats)", xscale="log", ylim=(0, 12))
axes.legend()
plt.show()

# %% [markdown]
# ## 3. Average on a circle (3 points)
#
# The mean of 350° and 10° is 0° and not 180°. Angles are averaged as arrows: the direction of $\langle e^{i\varphi}\rangle$.
#
# Some objects look the same before a full turn is done. A square of four spheres repeats after 90°, a diamond after 180°, a heart after 360°; it is $n$-fold with $n$ = 4, 2, 1. Its angle is only known modulo $2\pi/n$. Multiplied by $n$, such angles become ordinary ones.
#
# Write `circular_mean`, and with it `angle_errors`, which compares found and true angles. Nobody told the model which way up its template stands, so one offset, the same for all images, is free: take off the circular mean of found − true. What is left counts modulo the symmetry, so no error can be larger than $\pi/n$.
#
# All angles are in radians here. 1 point is for the mean, 2 for the errors.

# %% nbgrader={"grade_id": "squares", "locked": true}
true_rad = rng.uniform(-np.pi, np.pi, 300)
offset_rad = float(rng.uniform(-np.pi, np.pi))
found_rad = true_rad + offset_rad + np.radians(5) * rng.standard_normal(300)
found_rad = found_rad + np.pi / 2 * rng.integers(4, size=300)  # a square may be found at any of four angles
found_rad = np.where(rng.random(300) < 0.1, rng.uniform(-np.pi, np.pi, 300), found_rad)  # some are lost
found_rad = (found_rad + np.pi) % (2 * np.pi) - np.pi


# %% nbgrader={"grade_id": "circle", "solution": true}
def circular_mean(angle, n_fold=1):
    """Return the mean direction of angles (N,) of an n-fold object, a number in radians, 0 <= mean < 2 pi / n_fold.

    ``angle`` in radians, in any turn of the circle.
    """
    ### BEGIN SOLUTION
    arrow = np.exp(1j * n_fold * np.asarray(angle)).mean()
    return np.angle(arrow) / n_fold % (2 * np.pi / n_fold)
    ### END SOLUTION


def angle_errors(found, true, n_fold=1):
    """Return the errors of angles (N,) of an n-fold object, in radians, 0 <= error <= pi / n_fold, (N,).

    The offset, the circular mean of found - true, is taken off; ``found`` and ``true`` (N,) in radians, in any turn.
    """
    ### BEGIN SOLUTION
    period = 2 * np.pi / n_fold
    gap = np.asarray(found) - np.asarray(true)
    gap = gap - circular_mean(gap, n_fold)
    return np.abs((gap + period / 2) % period - period / 2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "circle-tests", "grade": true, "points": 1, "locked": true}
_mean = float(circular_mean(np.radians([350.0, 10.0])))
assert abs((_mean + np.pi) % (2 * np.pi) - np.pi) < 1e-6, (
    f"the mean of 350° and 10° is 0°, yours {np.degrees(_mean):.0f}°: average arrows, not numbers"
)
assert 0 <= float(circular_mean(np.radians([50.0, 80.0]), 4)) < np.pi / 2, (
    "the angle of a 4-fold object is counted from 0 to 90°"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _n in (1, 2, 4, 3):
    _period = 2 * np.pi / _n
    _spread = 0.1 * _rng.standard_normal(40) / _n
    _middle = _rng.uniform(0, 2 * np.pi, 12)
    _off = np.array([float(circular_mean(m + _spread, _n)) - m for m in _middle])
    _off = (_off + _period / 2) % _period - _period / 2
    assert np.ptp(_off) < 1e-6, (
        f"if all angles of a {_n}-fold object grow by δ, so must the mean, all around the circle; yours does not "
        "(radians? divided by n at the end? quadrant of the arrow?)"
    )
    assert abs(_off[0]) < abs(_spread.mean()) + 0.003, (
        f"narrow angles about {_middle[0]:.2f} have another mean ({_n}-fold)"
    )
    _turns = _period * _rng.integers(_n if _n > 1 else 3, size=40)
    _again = float(circular_mean(_middle[0] + _spread + _turns, _n)) - _middle[0]
    assert abs((_again - _off[0] + _period / 2) % _period - _period / 2) < 1e-6, (
        f"a {_n}-fold object looks the same after {360 / _n:.0f}°, so such turns of single objects must not change the mean"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "circle-tests-2", "grade": true, "points": 2, "locked": true}
_errors = np.asarray(angle_errors(np.radians([10.0, 350.0, 5.0]), np.radians([350.0, 10.0, 5.0])))
assert _errors.shape == (3,), f"there must be one error for each angle, the shape (3,), yours is {_errors.shape}"
assert (_errors >= 0).all(), "an error is an absolute value, never negative"
assert np.allclose(np.degrees(_errors), [20, 20, 0]), (
    f"10° for 350°, 350° for 10° and 5° for 5° are off by 20°, 20°, 0°, yours by {np.degrees(_errors).round(1)}: "
    "across 0° the circle goes on"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _n in (1, 2, 4):
    _period = 2 * np.pi / _n
    _true, _noise = _rng.uniform(-np.pi, np.pi, 400), np.radians(4) * _rng.standard_normal(400)
    _errors = np.asarray(angle_errors(_true + _noise, _true, _n))
    _same = np.asarray(angle_errors(_true + _noise + _period * _rng.integers(-4, 5, 400), _true, _n))
    assert np.allclose(_same, _errors, atol=1e-6), (
        f"a {_n}-fold object found {360 / _n:.0f}° further is found rightly; yours gets other errors for it"
    )
    assert _errors.max() < np.radians(30), (
        f"angles found to ±4° are off by up to {np.degrees(_errors.max()):.0f}°: "
        f"the error of a {_n}-fold object is counted modulo {360 / _n:.0f}°"
    )
    _turned = np.asarray(angle_errors(_true + _noise + _rng.uniform(0.5, 6.0), _true, _n))
    assert np.allclose(_turned, _errors, atol=1e-6), "one offset for all is free: it must not change the errors"
    assert np.median(np.abs(_errors - angles.errors(_true + _noise, _true, _n))) < np.radians(1), (
        "errors of angles found to ±4° differ from those for the best of 720 offsets"
    )
    _lost = np.asarray(angle_errors(_rng.uniform(-np.pi, np.pi, 4000), _rng.uniform(-np.pi, np.pi, 4000), _n))
    assert _lost.max() <= np.pi / _n + 1e-9, f"no error of a {_n}-fold object can be larger than {180 / _n:.0f}°"
    _mean = np.degrees(_lost.mean()) * _n / 90
    assert abs(_mean - 1) < 0.06, (
        f"blind guesses for a {_n}-fold object are off by {90 / _n:g}° on average, yours by {_mean * 90 / _n:.1f}°"
    )
### END HIDDEN TESTS

# %% [markdown]
# Look at the errors of 300 squares, a tenth of which the model has lost. Taken for an object without symmetry, most good answers seem wrong. Taken for what they are, a lost square still lies within 20° of the truth in 20 of 45 cases, by luck.

# %%
fig, panels = plotting.figure(1, 2, 7, 3)
for axes, n_fold in zip(panels, (1, 4), strict=True):
    error_deg = np.degrees(angle_errors(found_rad, true_rad, n_fold))
    axes.hist(error_deg, bins=np.linspace(0, 180, 37), color=plotting.COLORS["classical"])
    axes.set(xlabel="error (°)", title=f"as {n_fold}-fold: {(error_deg > 20).mean():.0%} off by > 20°", xlim=(0, 180))
panels[0].set_ylabel("squares")
plt.show()

# %% [markdown]
# ## 4. Read the latent plane (3 points)
#
# This is the decoder of the shipped ss-rVAE, alive. Put class and both latents to the values printed below; the arrow keys move a slider by one step. Then read and set three numbers.
#
# - `covered_percent`: the share of the frame that the object covers, in percent, to one decimal. The sentence below the pictures says it.
# - `scale`: how much larger the object is than an upright card of scale 1, in length, not in area. `one` is such a card, and its mean is the share of the frame that it covers. The determinant of the map of a card is $s^2$.
# - `angle_deg`: the angle of the slider, from −180 to 180, at which the object lies as the card printed below does, to within 10°. Nothing in the objective says which way is up, so the template itself may be tilted.
#
# 2 points are for the area, 1 for the angle.

# %% nbgrader={"grade_id": "decoder", "locked": true}
suit = str(rng.choice(["club", "spade", "heart"]))
first, second = round(float(rng.uniform(0.7, 1.4)), 1), round(-float(rng.uniform(0.1, 0.5)), 1)
wanted_deg = int(rng.choice([-1, 1]) * 5 * rng.integers(5, 32))  # of the card, counter-clockwise from upright
one = cards.draw(suit)
sizes, weights = decoder_weights(ssrvae.load("ssrvae"))
print(f"class {suit}, first latent {first:+.1f}, second latent {second:+.1f}")
fig, axes = plotting.figure(1, 1, 2.6, 2.8)
plotting.show_image(axes, cards.draw(suit, wanted_deg, size=72, scale=1.15), "gray", f"the {suit} should lie so")
plt.show()

# %% nbgrader={"grade_id": "plane-widget", "locked": true}
LatentPlane(sizes=sizes, data=weights)

# %% nbgrader={"grade_id": "plane", "solution": true}
### BEGIN SOLUTION
trial_deg = np.arange(-180, 180, 5)
content = torch.tensor([[first, second]])
logits = ssrvae.load("ssrvae").decoder(content, torch.eye(4)[[cards.SUITS.index(suit)]], None).detach()
points = torch.stack([torch.from_numpy(turned_grid(72, float(a))) for a in trial_deg]).float()
seen = poses.sample(logits.expand(len(trial_deg), -1, -1), points).sigmoid().numpy()
covered_percent = round(100 * float(seen[36].mean()), 1)
scale = np.sqrt(covered_percent / 100 / one.mean())
asked = cards.draw(suit, wanted_deg, size=72, scale=scale)
angle_deg = int(trial_deg[((seen - asked) ** 2).sum(axis=(1, 2)).argmin()])
### END SOLUTION

# %% nbgrader={"grade_id": "plane-tests", "grade": true, "points": 2, "locked": true}
assert np.isfinite(float(covered_percent)), "covered_percent must be one number"
assert np.isfinite(float(scale)), "scale must be one number"
assert float(covered_percent) > 1, f"covered_percent must be in percent, {covered_percent:.3g} % is next to nothing"
assert 0.5 < float(scale) < 2, (
    f"cards are between 1 and 1.3 times as large as an upright one, your scale is {scale:.2f}"
)
### BEGIN HIDDEN TESTS
_kind = torch.eye(4)[[cards.SUITS.index(suit)]]
_logits = ssrvae.load("ssrvae").decoder(
    torch.tensor([[first, second], [second, first], [0.0, 0.0]]), _kind.expand(3, -1), None
)
_shown = poses.sample(_logits, poses.grid(72).expand(3, -1, -1, -1)).sigmoid().mean(dim=(1, 2)).detach().numpy() * 100
assert abs(covered_percent - _shown[1]) > 0.11, "the two latents are exchanged: the first one is z₁, the second z₂"
assert abs(covered_percent - _shown[2]) > 0.11, (
    "this is the area at (0, 0): move both sliders to the values printed above"
)
assert abs(covered_percent - _shown[0]) < 0.15, (
    f"for your {suit} at ({first:+.1f}, {second:+.1f}) the widget does not say {covered_percent:.1f} % (class? both sliders?)"
)
_one = cards.draw(suit).mean()
_ratio = _shown[0] / 100 / _one
assert abs(scale / _ratio - 1) > 0.01, "this is the ratio of the areas; lengths grow with its root, det A = s²"
assert abs(scale / np.sqrt(_ratio) - 1) < 0.015, (
    f"an object that covers {_shown[0]:.1f} % where an upright card covers {100 * _one:.1f} % is not {scale:.2f} times as "
    "large in length"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "plane-tests-2", "grade": true, "points": 1, "locked": true}
assert -180 <= float(angle_deg) <= 180, "angle_deg is a value of the slider, from -180 to 180 degrees"
### BEGIN HIDDEN TESTS
_model, _y, _trial = ssrvae.load("ssrvae"), cards.SUITS.index(suit), np.arange(-180, 180, 2)
_all = _model.decode(np.tile([first, second], (180, 1)), _y, np.radians(_trial))
_size = np.sqrt(_all[90].mean() / cards.draw(suit).mean())


def _lies(target_deg):
    """Return the angle of the slider at which the object lies like a card turned by target_deg."""
    target = cards.draw(suit, target_deg, size=24, scale=_size)
    return float(_trial[((_all - target) ** 2).sum(axis=(1, 2)).argmin()])


def _far(value):
    return abs((float(angle_deg) - value + 180) % 360 - 180)


_hints = {
    "it lies upright there, and the card asked for does not": _lies(0),
    "at angle 0 the template is not upright, so its own tilt must be added": wanted_deg,
    "turned the wrong way: positive angles turn counter-clockwise as seen": _lies(-wanted_deg),
    "it lies upside down there": _lies(wanted_deg) + 180,
    "is this in radians? the slider is in degrees": np.radians(_lies(wanted_deg)),
}
_near = "; ".join(words for words, value in _hints.items() if _far(value) < 4)
assert _far(_lies(wanted_deg)) <= 15, (
    f"at {float(angle_deg):.0f}° the {suit} does not lie as asked, it is off by {_far(_lies(wanted_deg)):.0f}°. {_near}"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Score the rivals (4 points)
#
# Gold spheres lie in clusters of one to four. You have 15 named images of each kind, and 417 without a name that are to be named, in the numbers of the original: 289, 78, 34 and 16. Two traps wait.
#
# **The rare class is cheap to lose.** Who always answers "one" is right in 289 of 417 cases. So we give each class the same weight: the *balanced accuracy* is the mean of the recalls $r_c=k_c/n_c$, where $k_c$ of the $n_c$ images of class $c$ are named rightly. It is only as sure as its rarest class. Its standard error is
#
# $$ \mathrm{se}=\frac1C\sqrt{\sum_c\frac{\tilde r_c(1-\tilde r_c)}{n_c}},\qquad \tilde r_c=\frac{k_c+1}{n_c+2}, $$
#
# where $\tilde r$ replaces $r$ because sixteen right answers of sixteen do not prove that the seventeenth will be right.
#
# **The rival must know what the model knows.** The simplest classifier has no parameter: an image gets the name of the labelled image that is nearest to it, by the sum of the squared differences of the pixels. It can be told of symmetry, too: show it turned copies of the labelled images.
#
# Write `nearest_label` and `scores`. 1 point is for the first, 2 for confusion and balanced accuracy, 1 for the standard error.

# %% nbgrader={"grade_id": "clusters", "locked": true}
named_images, labels, _ = particles.make(15, rng=rng)
unseen_images, truth, _ = particles.make((289, 78, 34, 16), rng=rng)


def prepared(images):
    """Return images (N, 40, 40) smoothed, averaged down and without their mean, (N, 20, 20)."""
    smooth = ndimage.gaussian_filter(images, (0, 1, 1)).reshape(-1, 20, 2, 20, 2).mean(axis=(2, 4))
    return smooth - smooth.mean(axis=(1, 2), keepdims=True)


def turned_copies(images, n):
    """Return n copies of images (N, 40, 40), turned by multiples of 360° / n, (n N, 40, 40), the upright ones first."""
    stack = torch.from_numpy(images)
    return torch.cat([poses.move(stack, 2 * np.pi * k / n, edge="reflection") for k in range(n)]).numpy()


unseen = prepared(unseen_images)
upright_templates = prepared(named_images)  # (60, 20, 20), named by labels (60,)
turned_templates = prepared(turned_copies(named_images, 16))  # (960, 20, 20), named by np.tile(labels, 16)


# %% nbgrader={"grade_id": "rivals", "solution": true}
def nearest_label(images, templates, template_labels):
    """Return for each of N images the label of its nearest template, (N,).

    ``images`` (N, H, W), ``templates`` (T, H, W), ``template_labels`` (T,). Nearest is what has the least sum of
    squared differences. Take one image at a time, or expand the square: an array (N, T, H, W) may not fit into memory.
    """
    ### BEGIN SOLUTION
    nearest = [((templates - image) ** 2).sum(axis=(1, 2)).argmin() for image in images]
    return np.asarray(template_labels)[nearest]
    ### END SOLUTION


def scores(true, named, n_classes):
    """Return the confusion matrix (C, C), the balanced accuracy and its standard error.

    ``true`` and ``named`` (N,) are whole numbers 0..C-1; every class occurs in ``true``, maybe not in ``named``.
    Entry (i, j) of the matrix counts the images of class i that were named j.
    """
    ### BEGIN SOLUTION
    confusion = np.zeros((n_classes, n_classes), int)
    np.add.at(confusion, (true, named), 1)
    n, right = confusion.sum(axis=1), np.diag(confusion)
    careful = (right + 1) / (n + 2)
    return confusion, (right / n).mean(), np.sqrt((careful * (1 - careful) / n).sum()) / n_classes
    ### END SOLUTION


# %% nbgrader={"grade_id": "rivals-tests", "grade": true, "points": 1, "locked": true}
_templates = np.array([[[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [[3.0, 3.0], [3.0, 3.0]]])
_names = np.asarray(
    nearest_label(np.array([[[0.9, 1.1], [0.8, 1.0]], [[0.1, 0.0], [0.0, 0.2]]]), _templates, np.array([7, 4, 9]))
)
assert _names.shape == (2,), f"there must be one label for each image, the shape (2,), yours is {_names.shape}"
assert set(_names.tolist()) <= {7, 4, 9}, "return the labels of the templates, not their numbers"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_templates, _kinds = _rng.standard_normal((60, 6, 6)), np.tile([2, 0, 5], 20)
_some = _templates[:30] + 0.05 * _rng.standard_normal((30, 6, 6))
_got = np.asarray(nearest_label(_some, _templates, _kinds))
assert (_got == _kinds[:30]).all(), (
    f"images that are templates with a little noise must get their label, {(_got == _kinds[:30]).mean():.0%} of yours do "
    "(one label for each template; a mean over a class would blur them)"
)
_loud = _templates * np.where(_kinds == 5, 20, 1)[:, None, None]
assert (np.asarray(nearest_label(_some, _loud, _kinds))[_kinds[:30] != 5] != 5).all(), (
    "bright templates attract all images: the distance counts, and not the product"
)
_order = _rng.permutation(60)
assert (np.asarray(nearest_label(_some, _templates[_order], _kinds[_order])) == _got).all(), (
    "the order of the templates must not matter"
)
_even, _spot = np.full((1, 6, 6), 0.3), np.zeros((1, 6, 6))
_spot[0, 0, 0] = 4.0
assert np.asarray(nearest_label(np.zeros((1, 6, 6)), np.concatenate([_even, _spot]), np.array([1, 2])))[0] == 1, (
    "one large difference of 4 is farther than 36 differences of 0.3 each: differences are squared before they are summed"
)
_flip = np.indices((6, 6)).sum(axis=0) % 2 * 2.0 - 1
assert np.asarray(nearest_label(np.zeros((1, 6, 6)), np.stack([_flip, _even[0]]), np.array([1, 2])))[0] == 2, (
    "differences of both signs cancel in your distance; square them before you sum"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "rivals-tests-2", "grade": true, "points": 2, "locked": true}
_confusion, _balanced, _ = scores(np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 1, 1]), 3)
assert np.shape(_confusion) == (3, 3), f"three classes need a matrix (3, 3), yours is {np.shape(_confusion)}"
assert np.sum(_confusion) == 7, "every image must be counted once in the confusion matrix"
assert np.ndim(_balanced) == 0, "the balanced accuracy is one number"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_n = _rng.permutation([150, 60, 25, 9, 40])
_true = _rng.permutation(np.repeat(np.arange(5), _n))
_named = np.where(_rng.random(len(_true)) < 0.7, _true, _rng.integers(4, size=len(_true)))  # hardly ever class 4
_confusion, _balanced, _ = scores(_true, _named, 5)
_confusion = np.asarray(_confusion)
assert not np.array_equal(_confusion.sum(axis=0), _n), (
    "rows are what the images are, columns what they were named; yours are exchanged"
)
assert np.array_equal(_confusion.sum(axis=1), _n), "each row must add up to the number of images of that class"
assert np.array_equal(np.sum(_confusion, axis=0), np.bincount(_named, minlength=5)), (
    "each column must count what was named so"
)
assert np.trace(_confusion) == (_true == _named).sum(), "the diagonal must count the images that are named rightly"
_always = scores(_true, np.full(len(_true), int(_n.argmax())), 5)
assert np.isclose(_always[1], 0.2), (
    f"who always names the commonest of five classes has a balanced accuracy of 1/5, yours is {_always[1]:.3f} "
    "(the mean of the recalls, and a class that is never named counts with recall 0)"
)
assert np.isclose(scores(_true, _true, 5)[1], 1), "who names all rightly has a balanced accuracy of 1"
_more = np.concatenate([np.arange(len(_true)), *[np.flatnonzero(_true == 0)] * 7])
assert np.isclose(scores(_true[_more], _named[_more], 5)[1], _balanced), (
    "with eight copies of every image of one class its recall is the same, and so is the balanced accuracy; yours changes "
    "(recall: divide by the row, not by the column)"
)
_swap = _rng.permutation(5)
assert np.isclose(scores(_swap[_true], _swap[_named], 5)[1], _balanced), (
    "other numbers for the classes must change nothing"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "rivals-tests-3", "grade": true, "points": 1, "locked": true}
_error = scores(np.arange(4), np.arange(4), 4)[2]
assert np.ndim(_error) == 0, "the standard error is one number"
assert _error > 0, (
    "four right answers of four prove nothing: the standard error must use (k + 1) / (n + 2), so it is not 0"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_order = _rng.permutation(4)
_n = np.array([900, 350, 160, 110])[_order]
_k = np.round(_n * (np.array([0.87, 0.8, 0.73, 0.65]) + _rng.uniform(-0.05, 0.05, 4))[_order]).astype(int)
_true = np.repeat(np.arange(4), _n)
_named = np.concatenate(
    [np.where(np.arange(n) < k, c, (c + 1) % 4) for c, (n, k) in enumerate(zip(_n, _k, strict=True))]
)
_error = float(scores(_true, _named, 4)[2])
_scatter = (_rng.binomial(_n, _k / _n, (20_000, 4)) / _n).mean(axis=1).std()
assert not 0.9 < _error / (4 * _scatter) < 1.1, (
    "the mean of four recalls is surer than their sum: divide by the number of classes"
)
assert not 0.9 < _error / (2 * _scatter) < 1.1, "the sum of four variances is divided by 4², its root by 4 and not by 2"
assert not 0.8 < _error / _scatter**2 < 1.25, (
    "this is the variance of the balanced accuracy; its root is the standard error"
)
assert 0.9 < _error / _scatter < 1.1, (
    f"in 20,000 repeated tests the balanced accuracy scatters by {_scatter:.4f}, your standard error is {_error:.4f} "
    "(each class with its own number of images)"
)
_often = float(scores(np.tile(_true, 4), np.tile(_named, 4), 4)[2])
assert 0.48 < _often / _error < 0.52, (
    f"four times the images halve the error, yours becomes {_often / _error:.2f} of it"
)
### END HIDDEN TESTS

# %% [markdown]
# Compare three rivals that never saw an unlabelled image: one that always says "one", the nearest of 60 labelled images, and the nearest of their 960 turned copies.

# %%
answers = {
    'always "one"': np.zeros(len(truth), int),
    "nearest, as they are": nearest_label(unseen, upright_templates, labels),
    "nearest, 16 turns": nearest_label(unseen, turned_templates, np.tile(labels, 16)),
}
fig, panels = plotting.figure(1, 3, 7, 3, sharey=True)
for axes, (name, answer) in zip(panels, answers.items(), strict=True):
    confusion, balanced, error = scores(truth, answer, 4)
    print(f"{name:22s} accuracy {(answer == truth).mean():.3f}, balanced {balanced:.3f} ± {1.96 * error:.3f} (95 %)")
    share = confusion / confusion.sum(axis=1, keepdims=True)
    axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(share):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color="black" if value > 0.5 else "white", fontsize=9)
    axes.set(title=name, xlabel="named (particles)", xticks=range(4), xticklabels=[1, 2, 3, 4])
panels[0].set(ylabel="true (particles)", yticks=range(4), yticklabels=[1, 2, 3, 4])
plt.show()

# %% [markdown]
# ## 6. Name the fair baseline (4 points, marked by hand)
#
# A draft of a paper says: "Our ss-rVAE learnt from 60 labelled clusters and from 417 unlabelled ones. Its accuracy on 417 others is 0.99. A random forest, trained on the same 60 images as they are, has 0.77. This shows the power of semi-supervised learning."
#
# In at most 250 words: (a) Why does this comparison not show that the *unlabelled* images helped? (b) Which baseline makes the claim fair, and what exactly must be equal and what different between it and the model? (c) Which number, with which uncertainty, would you ask for instead of 0.99 against 0.77? Use your own results of task 5. (d) Name one thing for which the ss-rVAE may be worth its price even if the fair baseline names the clusters as well.

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# (a) Two things differ between model and forest: the model saw unlabelled images, and it knows that the angle does not matter. The forest was told of no symmetry. The gain may come from the symmetry alone. In task 5 the nearest labelled image rises by about 0.2 in balanced accuracy when it is shown turned copies, without any unlabelled image. Besides, a network is compared with a forest, so the kind of the learner differs, too.
#
# (b) The same classifier (network, optimiser, steps, tuning on the same validation images) trained on the same 60 labelled images with the same random turns and shifts, and on no unlabelled image. Only the unlabelled images, with the terms of the objective that use them, may differ. A simple rival with turned copies, as in task 5, shows how much needs no network at all. A second fair pair is both without turned labels: there the unlabelled images may help.
#
# (c) The balanced accuracy, since always "one" has an accuracy of 0.69 and a balanced accuracy of 0.25. Its difference between the two learners with a 95 % interval, over several draws of the labelled images and several seeds, on one and the same test set. From 417 images alone the interval of my turned copies is about ±0.07, most of it due to the sixteen clusters of four. So my turned copies cannot be told from the 0.94 that lesson 06 has for the ss-rVAE and for the CNN, and no gain of a few hundredths can.
#
# (d) It gives angle, shift and content of every cluster, draws new ones, and can learn where the labelled images were not turned.
#
# **Marking scheme.** 1 point for (a): symmetry and unlabelled images are changed together. 1 point for (b): the same labels, the same turns (augmentation) and the same kind of learner without unlabelled images; half a point if only "a better classifier" or only "the same labels" is named. 1 point for (c): balanced accuracy (or recall of each class) and an interval of the difference, over draws or seeds, with own numbers; half a point without the interval or without own numbers. 1 point for (d): any of angle, shift, content, generation, labels that were not turned.

# %% [markdown]
# ## How marks are given
#
# Tasks 1 to 5 are marked by tests, those you see and others: 16 points. The tests make numbers of their own, so a result that is typed in earns nothing. Task 6 is read by a person: 4 points. The last cell asks whether Python is still the one the tests were written for; it gives no points, but it must pass. Before you hand in: restart the kernel, run all cells.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
