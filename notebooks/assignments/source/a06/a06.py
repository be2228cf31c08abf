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
# # Assignment 06: Find the spheres, and prove it
#
# A tracker turns a confocal stack into a list of centres. In this assignment you write the smallest parts of one and, above all, what tells a good list from a bad one: the score where the truth is known, and the pair correlation $g(r)$ where it is not. You need lesson 09 (*Find every particle of a dense suspension*), and lesson 07 for correlations.
#
# Everywhere in this assignment axes are in the order $(z, y, x)$, and the first voxel of an axis has the number 0. Lengths in an image are in voxels (px), lengths in a configuration in particle diameters $a$.
#
# Put the name of your folder into the next cell. Your numbers differ from those of the others.

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import matplotlib.pyplot as plt
import numpy as np

from helpers.colloids import confocal, io, local_maxima, optics, plots, scoring, structure, suspension
from helpers.colloids.widgets import TrackedSlices, page_noise, slices_data
from helpers.course import students

rng = students.rng(STUDENT_ID, "a06")
DIAMETER_PX, PSF_SIGMA_PX = 8, (3.2, 1.2, 1.2)
lone_background = round(rng.uniform(0.2, 0.5), 2)
lone_centre = np.array([20, 11, 12]) + rng.uniform(-1.5, 1.5, 3)
lone = confocal.image([lone_centre], DIAMETER_PX, PSF_SIGMA_PX, (41, 23, 25), None, background=lone_background)

# %% [markdown]
# ## Task 1: Place a sphere between the voxels
#
# *Warm-up, 2 points, 10 minutes.*
#
# **Why.** The brightest voxel tells where a sphere is to half a voxel. The centroid of its light, $\sum \boldsymbol x\,I(\boldsymbol x)/\sum I(\boldsymbol x)$, tells it to a small part of one, because hundreds of voxels share the work. But the sum does not know which light comes from the sphere.
#
# **What.** Write `centroid(window, background)`. The window holds one sphere on a known background. Some windows are noisy. Noise lowers a voxel as often as it raises one; let it do both.
#
# The picture shows your sphere, `lone`, without noise. The self-checks use it.

# %% nbgrader={"grade_id": "lone-figure", "locked": true}
plots.planes(lone, 20, 11, {"true centre": ("warning", [lone_centre])}, DIAMETER_PX)
plt.show()


# %% nbgrader={"grade_id": "centroid", "solution": true}
def centroid(window, background):
    """Return the centroid (3,) of the light of a sphere, px, axes (z, y, x), from the first voxel of the window.

    window: grey values (Z, Y, X). background: one grey value, the light that does not come from the sphere.
    """
    ### BEGIN SOLUTION
    light = window.astype(float) - background
    axes = np.meshgrid(*[np.arange(n) for n in light.shape], indexing="ij")
    return np.array([(axis * light).sum() for axis in axes]) / light.sum()
    ### END SOLUTION


# %% nbgrader={"grade_id": "centroid-tests", "grade": true, "points": 1, "locked": true}
_one = np.zeros((5, 4, 6))
_one[3, 1, 2] = 2.0
assert np.shape(centroid(_one, 0.0)) == (3,), "a centroid has three numbers, (z, y, x)"
assert np.allclose(np.sort(centroid(_one, 0.0)), [1, 2, 3]), (
    "a single bright voxel is its own centroid, and the first voxel has the number 0"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_at = np.array(centroid(_one, 0.0), dtype=float)
assert not np.allclose(_at, [2, 1, 3]), "your centroid comes as (x, y, z), the order of the axes is (z, y, x)"
assert np.allclose(_at, [3, 1, 2]), f"the only bright voxel is at (3, 1, 2), your centroid at {_at}"
_two = np.zeros((6, 6, 6))
_two[1, 2, 3], _two[4, 2, 3] = 1, 3
_at = np.array(centroid(_two, 0.0), dtype=float)
assert not np.allclose(_at % 1, 0), "your centroid stays on whole voxels; the light of all voxels counts"
assert abs(_at[0] - 3.25) < 1e-6, (
    f"1 and 3 units of light at z = 1 and 4 have their centroid at 3.25, yours is {_at[0]:.3f}"
)
for _ in range(3):
    _c = np.array([9, 8, 10]) + _rng.uniform(-1, 1, 3)
    _grid = np.meshgrid(*[np.arange(n) for n in (19, 17, 21)], indexing="ij")
    _blob = np.exp(-sum((x - c) ** 2 / (2 * s**2) for x, c, s in zip(_grid, _c, (1.6, 1.1, 1.1), strict=True)))
    _off = np.array(centroid(_blob, 0.0)) - _c
    assert np.abs(_off).max() < 0.02, (
        f"a round blob without background has its centroid in its middle, yours is {_off} px off"
    )
    _more = np.array(centroid(7.5 * _blob, 0.0)) - _c
    assert np.allclose(_more, _off, atol=1e-6), "a brighter sphere is in the same place: divide by the sum of its light"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "centroid-tests-2", "grade": true, "points": 1, "locked": true}
_off = np.array(centroid(lone, lone_background)) - lone_centre
assert np.isfinite(_off).all(), "the centroid of the lone sphere is not a number"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_grid = np.meshgrid(*[np.arange(n) for n in (23, 21, 19)], indexing="ij")
_middle = np.array([11, 10, 9])
for _ in range(3):
    _c, _b = _middle + _rng.uniform(1.5, 3, 3) * _rng.choice([-1, 1], 3), _rng.uniform(0.1, 0.6)
    _blob = np.exp(-sum((x - c) ** 2 / (2 * s**2) for x, c, s in zip(_grid, _c, (1.6, 1.1, 1.1), strict=True)))
    _pull = np.linalg.norm(np.subtract(centroid(_blob + _b, _b), centroid(_blob, 0.0)))
    assert _pull < 0.05, (
        f"a background of {_b:.2f} pulls your centroid by {_pull:.2f} px to the middle of the window: "
        "the background still counts as light"
    )
_grid = np.meshgrid(*[np.arange(11)] * 3, indexing="ij")
_blob = np.exp(-sum((x - c) ** 2 for x, c in zip(_grid, (5, 5, 7), strict=True)) / 2.88)
_noisy = [_blob + 0.3 + 0.05 * _rng.standard_normal(_blob.shape) for _ in range(200)]
_pull = np.linalg.norm(np.mean([centroid(w, 0.3) for w in _noisy], axis=0) - centroid(_blob, 0.0))
assert _pull < 0.2, (
    f"with noise your centroid is pulled by {_pull:.2f} px on average: if voxels darker than the background become 0, "
    "the noise leaves 0.4 of its standard deviation of light in every voxel"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: Count what was found
#
# *4 points, 25 minutes.*
#
# **Why.** "The tracker finds 95 %" means nothing without a rule that says when a sphere is found. Recall is the share of the true spheres that were found, precision the share of the found ones that are there. A generous rule makes any tracker look good.
#
# **What.** Write `recall_precision(found, centres, diameter_px, shape, edge_px)` with this rule:
#
# - A found place and a true centre may be a pair if they are at most half a diameter apart, in three dimensions.
# - Pairs are one to one: each place and each centre belongs to one pair at most, the nearest first. Hard spheres cannot come nearer than a diameter; so no place has two possible centres, and any sensible way of matching gives the same pairs.
# - Near a face a tracker sees half a sphere, and that is not its fault. Recall counts only true centres that are `edge_px` or more from all six faces, precision only found places that are. The *partner* of a counted one may lie nearer to the face.
# - The centres of the outermost voxels are the faces: a side of $n$ voxels reaches from 0 to $n-1$.
# - Where nothing is to be counted, the share is 0.
#
# The self-checks try one stack with no error and one with nothing found. Do not use `helpers.colloids.scoring` here; it is what you re-build.


# %% nbgrader={"grade_id": "score", "solution": true}
def recall_precision(found, centres, diameter_px, shape, edge_px):
    """Return (recall, precision), shares from 0 to 1.

    found (n, 3) and centres (m, 3): places in px, axes (z, y, x). diameter_px: of a sphere, px. shape: (Z, Y, X) of
    the stack, voxels. edge_px: only what is as far from all faces or farther is counted, px.
    """
    ### BEGIN SOLUTION
    found, centres = np.reshape(found, (-1, 3)), np.reshape(centres, (-1, 3))
    distance = np.linalg.norm(found[:, None] - centres, axis=2)
    used, taken = np.zeros(len(found), dtype=bool), np.zeros(len(centres), dtype=bool)
    for k in np.argsort(distance, axis=None):
        i, j = np.unravel_index(k, distance.shape)
        if distance[i, j] > diameter_px / 2:
            break
        if not used[i] and not taken[j]:
            used[i] = taken[j] = True

    def counted(places):
        return ((places >= edge_px) & (places <= np.array(shape) - 1 - edge_px)).all(1)

    wanted, reported = counted(centres), counted(found)
    return taken[wanted].sum() / max(1, wanted.sum()), used[reported].sum() / max(1, reported.sum())
    ### END SOLUTION


# %% nbgrader={"grade_id": "score-tests", "grade": true, "points": 2, "locked": true}
_lattice = np.stack(np.meshgrid(*[10.0 + 20 * np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
_lattice[:, 2] += _lattice[:, 0] / 3
_pair = recall_precision(_lattice, _lattice, 10, (81, 81, 81), 0)
assert np.shape(_pair) == (2,), "return two numbers, recall and precision"
assert np.allclose(_pair, 1), "who reports exactly the truth has recall 1 and precision 1 (shares, not per cent)"
assert np.allclose(recall_precision(np.zeros((0, 3)), _lattice, 10, (81, 81, 81), 0), 0), (
    "who finds nothing has recall 0, and precision 0 by our convention"
)
### BEGIN HIDDEN TESTS
from helpers.colloids import io as _io

_rng = np.random.default_rng()
_known = _io.configuration("phi45")
_shape = (60, 66, 72)
_true = ((_known.positions + _rng.random(3) * _known.box) % _known.box) * 10
_true = _true[((_true >= 1) & (_true <= np.array(_shape) - 2)).all(1)]
_n = len(_true)
_seen = _true + _rng.uniform(-0.8, 0.8, _true.shape)
for _step, _says in (
    ((11, 0, 0), "places 11 px off along z count as found: the distance has three components, z, y and x"),
    ((0, 0, 6), "places 6 px off count as found at a diameter of 10 px: at most half a diameter is allowed"),
    ((3.5, 3.5, 3.5), "places 6.1 px off in space count as found: the distance counts, not each axis by itself"),
):
    assert max(recall_precision(_lattice + _step, _lattice, 10, (81, 81, 81), 0)) == 0, _says
assert min(recall_precision(_lattice + np.full(3, 2.6), _lattice, 10, (81, 81, 81), 0)) > 0.999, (
    "places 4.5 px off count as missed at a diameter of 10 px: half a diameter is 5 px"
)
_some = _rng.permutation(_n)[20:]
_low = _some[_true[_some, 0] < 40][:30]
_r, _p = recall_precision(_seen[_some], _true, 10, _shape, 0)
assert not (abs(_r - 1) < 1e-9 and _p < 1), (
    "with spheres missing, your precision falls and your recall stays 1: they are swapped"
)
assert abs(_r - (_n - 20) / _n) < 1e-9, f"{_n - 20} of {_n} spheres were found, your recall is {_r:.4f}"
assert abs(_p - 1) < 1e-9, f"all that was found is there, your precision is {_p:.4f}: it is a share of the found ones"
_twice = np.concatenate([_seen[_some], _true[_low] + [1.8, 0, 0]])
_order = _rng.permutation(len(_twice))
_r, _p = recall_precision(_twice[_order], _true, 10, _shape, 0)
assert abs(_p - (_n - 20) / (_n + 10)) < 1e-9, (
    f"30 spheres were reported twice, precision is {(_n - 20) / (_n + 10):.4f}, yours {_p:.4f}: pairs are one "
    "to one, the second place in one sphere is a false one"
)
assert abs(_r - (_n - 20) / _n) < 1e-9, (
    f"30 spheres were reported twice, recall stays {(_n - 20) / _n:.4f}, yours is {_r:.4f}: a true sphere is "
    "found once at most"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "score-tests-2", "grade": true, "points": 2, "locked": true}
_deep = np.stack(np.meshgrid([18.0, 30], [18.0, 30, 42], [18.0, 30, 42, 54], indexing="ij"), -1).reshape(-1, 3)
_r, _p = recall_precision(_deep, _deep, 10, (50, 60, 70), 12)
assert (_r, _p) == (1, 1), "all these spheres are 12 px or more from the faces, and all are found"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_true = _deep + _rng.uniform(-1, 1, _deep.shape)
_seen = _true + _rng.uniform(-1, 1, _deep.shape)
_low, _high = ([[z, y, x] for y in (10, 30, 50) for x in (10, 35, 60)] for z in (5.0, 45.0))
_side = [[24.0, 5.0, 30.0], [24.0, 54.0, 30.0], [24.0, 30.0, 4.0], [24.0, 30.0, 65.0]]
_says = "{} changes by what lies within the edge: there, near any of the six faces, nothing is counted"
for _near in (_low, _high, _side):
    _r = recall_precision(_seen, np.concatenate([_true, _near]), 10, (50, 60, 70), 12)[0]
    assert abs(_r - 1) < 1e-9, _says.format("recall")
    _p = recall_precision(np.concatenate([_seen, _near]), _true, 10, (50, 60, 70), 12)[1]
    assert abs(_p - 1) < 1e-9, _says.format("precision")
_inside, _outside = [[12.4, 24, 24]], [[11.6, 24, 24]]
_r = recall_precision(np.concatenate([_seen, _outside]), np.concatenate([_true, _inside]), 10, (50, 60, 70), 12)[0]
assert abs(_r - 1) < 1e-9, (
    "a counted sphere whose place was found 0.8 px nearer to the face is lost: its partner may lie within the "
    "edge, so match first and count then"
)
_p = recall_precision(np.concatenate([_seen, _inside]), np.concatenate([_true, _outside]), 10, (50, 60, 70), 12)[1]
assert abs(_p - 1) < 1e-9, (
    "a counted place whose sphere is 0.8 px nearer to the face is called false: its partner may lie within "
    "the edge, so match first and count then"
)
for _axis, _side in enumerate((50, 60, 70)):
    _last = np.array([[24.0, 24.0, 24.0]])
    _last[0, _axis] = _side - 1 - 12 + 0.5
    _r = recall_precision(_seen, np.concatenate([_true, _last]), 10, (50, 60, 70), 12)[0]
    assert abs(_r - 1) < 1e-9, (
        "a sphere 11.5 px from the far face is counted at an edge of 12 px: a side of n voxels ends at n - 1"
    )
    _last[0, _axis] -= 1
    _r = recall_precision(_seen, np.concatenate([_true, _last]), 10, (50, 60, 70), 12)[0]
    assert abs(_r - 24 / 25) < 1e-9, (
        "a sphere 12.5 px from the far face is missed and must be counted at an edge of 12 px"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: Set the threshold of a tracker
#
# *2 points, 15 minutes.*
#
# **Why.** Every tracker has a knob: how high must a peak be to count as a sphere? Turned up it loses spheres, turned down it invents some.
#
# **What.** The next two cells make a stack of $48^3$ voxels, cut from a hard-sphere fluid of $\phi=0.52$, and find candidates in it in two ways, local maxima and deconvolution. The live figure shows a slice of the very same stack, $g(r)$, and recall and precision at all thresholds; the line of text below the title gives the two numbers and the counts behind them. It uses the rule of task 2, with an edge of 1.05 diameters.
#
# Move the controls, also through the depth. Then read off, with the settings printed below:
#
# 1. `recall_read`, `precision_read`: of the method local maxima, at signal to noise 2, at the threshold printed below. As shares, with two decimals.
# 2. `threshold_90`: of the method deconvolution, at signal to noise 2: the highest setting of the slider at which recall is still 0.90 or more.

# %% nbgrader={"grade_id": "stack", "locked": true}
SIDE, SEED = 48, int(rng.integers(1, 10_000))
EDGE = 1.05  # diameters, 8.4 px: between two voxels, so that none lies on the border
fluid = io.configuration("phi52")
corner = rng.random(3) * fluid.box
rim = 0.5 + confocal.REACH * np.array(PSF_SIGMA_PX) / DIAMETER_PX
shining = suspension.images_within(fluid.positions, fluid.box, corner - rim, corner + (SIDE - 1) / DIAMETER_PX + rim)[1]
shining = (shining - corner) * DIAMETER_PX
within = shining[((shining >= -0.5) & (shining <= SIDE - 0.5)).all(1)]
clean = confocal.image(shining, DIAMETER_PX, PSF_SIGMA_PX, (SIDE,) * 3, None, background=0.1)
options = {}
for snr in (20, 2):
    noisy = (clean + page_noise((SIDE,) * 3, SEED) / snr).astype(np.float32)
    flat = local_maxima.band_pass(noisy, 1.2, (17, 11, 11))
    peaks = local_maxima.find(flat, 6, 0.1 * np.quantile(flat, 0.99))
    height = flat[tuple(peaks.T)]
    options["local maxima", snr] = peaks, np.minimum(0.6 * height / np.median(height), 1)
    seen_through = optics.Optics(DIAMETER_PX, PSF_SIGMA_PX, 0.1, 1.0, 1 / snr, fluid.phi)
    peaks, height = optics.peaks(optics.deconvolve(noisy, seen_through), 0.1)
    options["deconvolution", snr] = peaks, 0.8 * height  # one sphere gives about 0.8, so that the slider shows them all
r_page = np.linspace(0.5, 2.5, 201)
page_theory = r_page, structure.percus_yevick_g(r_page, fluid.phi)
sizes, packed = slices_data(
    shining, DIAMETER_PX, PSF_SIGMA_PX, (SIDE,) * 3, 0.1, options, page_theory, seed=SEED, edge=EDGE
)

_levels, _page = np.arange(101) / 100, {}
for _way in ("local maxima", "deconvolution"):
    _places, _heights = options[_way, 2]
    _page[_way] = np.array(
        [scoring.score(_places[_heights >= t], within, DIAMETER_PX, (SIDE,) * 3, EDGE)[:2] for t in _levels]
    )
_apart = np.abs(np.subtract(*_page["local maxima"].T))
_clear = np.abs(options["local maxima", 2][1][:, None] - _levels).min(0) > 1e-4
_apart[(_page["local maxima"].min(1) < 0.3) | ~_clear] = 0
threshold_asked = float(rng.choice(_levels[np.argsort(_apart)[-6:]]))

# %% nbgrader={"grade_id": "widget", "locked": true}
print(f"task 3.1: local maxima, signal to noise 2, threshold {threshold_asked:.2f}")
TrackedSlices(sizes=sizes, data=packed, settings={"way": "deconvolution", "snr": "20", "threshold": 0.2, "z": 24})

# %% nbgrader={"grade_id": "reading", "solution": true}
# recall_read = ...     at task 3.1's settings, a share with two decimals
# precision_read = ...  likewise
# threshold_90 = ...    task 3.2's, a setting of the slider, 0 to 1
### BEGIN SOLUTION
places, heights = options["local maxima", 2]
shown = scoring.score(places[heights >= threshold_asked], within, DIAMETER_PX, (SIDE,) * 3, EDGE)
recall_read, precision_read = round(shown.recall, 2), round(shown.precision, 2)
places, heights = options["deconvolution", 2]
settings = np.arange(101) / 100
recalls = [scoring.score(places[heights >= t], within, DIAMETER_PX, (SIDE,) * 3, EDGE).recall for t in settings]
threshold_90 = settings[np.array(recalls) >= 0.90].max()
### END SOLUTION

# %% nbgrader={"grade_id": "reading-tests", "grade": true, "points": 1, "locked": true}
assert 0 <= recall_read <= 1, "recall is a share between 0 and 1, not per cent"
assert 0 <= precision_read <= 1, "precision is a share between 0 and 1, not per cent"
### BEGIN HIDDEN TESTS
_r, _p = _page["local maxima"][round(threshold_asked * 100)]
_read = np.array([recall_read, precision_read], dtype=float)
assert np.abs(_read - [_p, _r]).max() > 0.011, "recall and precision are swapped: the sentence names recall first"
assert not np.abs(_read - _page["deconvolution"][round(threshold_asked * 100)]).max() < 0.011, (
    "these are the numbers of the other method; set Method to local maxima"
)
assert abs(_read[0] - _r) < 0.016, f"at these settings the figure shows a recall of {_r:.2f}, you have {_read[0]:.2f}"
assert abs(_read[1] - _p) < 0.016, (
    f"at these settings the figure shows a precision of {_p:.2f}, you have {_read[1]:.2f}"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "reading-tests-2", "grade": true, "points": 1, "locked": true}
assert 0 <= threshold_90 <= 1, "the slider goes from 0 to 1"
### BEGIN HIDDEN TESTS
_recall = _page["deconvolution"][:, 0]
_first, _last = (_levels[_recall >= least].max() for least in (0.905, 0.895))
_wrong = _levels[_page["local maxima"][:, 0] >= 0.90].max(initial=0)
assert threshold_90 < _last + 0.025, (
    f"at your threshold of {threshold_90:.2f} recall has fallen to "
    f"{_recall[round(100 * float(threshold_90))]:.2f}, below 0.90"
)
assert threshold_90 > _first - 0.025 or abs(threshold_90 - _wrong) > 0.015, (
    "this is the threshold of the other method; set Method to deconvolution"
)
assert threshold_90 > _first - 0.025, (
    f"the threshold can be turned up further than {threshold_90:.2f} before recall falls below 0.90; the "
    "highest such setting is asked for"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: Measure the pair correlation
#
# *4 points, 25 minutes.*
#
# **Why.** $g(r)$ compares the number of pairs at a distance $r$ with that in an ideal gas of the same density, where places know nothing of each other. It needs no truth: only the list of places. So it is the first thing to ask a tracker's list.
#
# **What.** Write `g_of_r(positions, r, box)` for a *periodic* box. `r` holds the edges of the bins. Count in each bin the pairs, from each sphere to all others, and divide by what an ideal gas has there: $N\,(N-1)/V$ times the volume of the shell in three dimensions, $V$ being the volume of the box. What leaves the box on one side comes back on the other, so of each pair the nearest images count.
#
# Python loops over all pairs take minutes; take one sphere and all others at a time, or all at once, with arrays. The self-checks look at the shape and at hard spheres that must not overlap. An ideal gas (uniform random numbers) is the check that you can make yourself. Do not use `structure.g_of_r` or another finished $g(r)$ here.


# %% nbgrader={"grade_id": "pairs", "solution": true}
def g_of_r(positions, r, box):
    """Return the pair correlation (n_bins,) of a periodic box.

    positions (N, 3) in diameters, axes (z, y, x), each from 0 to the side of the box. r (n_bins + 1,): edges of the
    bins, in diameters, at most half of the smallest side. box (3,): sides in diameters.
    """
    ### BEGIN SOLUTION
    box, n = np.asarray(box, dtype=float), len(positions)
    counts = np.zeros(len(r) - 1)
    for i in range(n):
        step = np.delete(positions, i, axis=0) - positions[i]
        step -= box * np.round(step / box)
        counts += np.histogram(np.sqrt((step**2).sum(1)), r)[0]
    shell = 4 / 3 * np.pi * np.diff(np.asarray(r) ** 3)
    return counts / (n * (n - 1) / box.prod() * shell)
    ### END SOLUTION


# %% nbgrader={"grade_id": "pairs-tests", "grade": true, "points": 2, "locked": true}
_block = np.stack(np.meshgrid(*[1.1 * np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 3)
_block += np.array([18.0, 20.0, 22.0])
_edges = np.array([0, 0.5, 1.0, 1.2, 1.4, 1.7])
_g = np.array(g_of_r(_block, _edges, np.array([40.0, 44.0, 48.0])))
assert _g.shape == (5,), "six edges make five bins"
assert _g[1] == 0, "the spheres of this block are 1.1 diameters apart, so no pair is nearer than 1"
### BEGIN HIDDEN TESTS
assert _g[0] == 0, "g(r) has pairs at r = 0: a sphere is not its own neighbour"
_rng = np.random.default_rng()
for _ in range(2):
    _box = _rng.uniform(30, 50, 3)
    _g = np.array(g_of_r(_block - _block.mean(0) + _box / 2, _edges, _box))
    _shell = 4 / 3 * np.pi * np.diff(_edges**3)
    _ratio = _g[[2, 4]] * 125 * 124 * _shell[[2, 4]] / _box.prod() / [600, 960]
    _text = f"of the g(r) of a block of 125 spheres you get the shares {_ratio.round(3)}"
    assert not np.allclose(_ratio, 0.5, rtol=0.02), f"{_text}: each pair is counted once, but it is a neighbour of both"
    assert not np.allclose(_ratio * _box.prod() / 124, 1, rtol=0.1), f"{_text}: divide by the density"
    _flat = _shell / (np.pi * np.diff(_edges**2))
    assert not np.allclose(_ratio, _flat[[2, 4]], rtol=0.05), (
        f"{_text}: that is a ring in a plane; in three dimensions it is a shell, 4 pi r^2 dr"
    )
    _inner = _shell / (4 * np.pi * _edges[:-1].clip(1e-9) ** 2 * np.diff(_edges))
    assert not np.allclose(_ratio, _inner[[2, 4]], rtol=0.03), (
        f"{_text}: a shell has the volume between its two radii, not 4 pi r^2 dr at its inner one"
    )
    assert np.ptp(_ratio) < 0.03 * _ratio.mean(), f"{_text}: the two bins must agree, the volume of the shells is wrong"
    assert np.allclose(_ratio, 1, rtol=0.03), f"{_text}: the density is wrong, divide by N (N - 1) / V"
_g = np.array(g_of_r(_block, _edges, [40.0, 44.0, 48.0]))
_nm = np.array(g_of_r(500 * _block, 500 * _edges, [20e3, 22e3, 24e3]))
assert np.allclose(_g, _nm, rtol=0.01), "g(r) is a pure number; yours changes with the unit of length"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "pairs-tests-2", "grade": true, "points": 2, "locked": true}
from helpers.colloids import io as _io
from helpers.colloids import structure as _structure

_known = _io.configuration("phi45")
_g = np.array(g_of_r(_known.positions, np.array([0.5, 0.8, 0.99, 1.1]), _known.box))
assert np.allclose(_g[:2], 0), "hard spheres do not overlap: g is 0 below one diameter"
assert _g[2] > 0, "hard spheres touch: g is not 0 just above one diameter"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_box = np.array([5.0, 6.0, 7.0])
_two = [[0.05, 3, 3.5], [4.95, 3, 3.5], [2.5, 0.1, 3.5], [2.5, 5.9, 3.5], [2.5, 3, 0.2], [2.5, 3, 6.8]]
_met = np.array(g_of_r(np.array(_two), np.array([0.05, 0.15, 0.25, 0.35, 0.45]), _box)) > 0
assert _met.any(), "pairs through the faces of the periodic box are missing"
assert _met.tolist() == [True, True, False, True], (
    "three pairs are 0.1, 0.2 and 0.4 apart through the faces z, y and x of a box with three different sides, "
    "your distances are others: each axis has its own side"
)
_edges = np.linspace(0.5, 2.5, 21)
_gas = np.mean([g_of_r(_rng.random((300, 3)) * _box, _edges, _box) for _ in range(12)], axis=0)
_near, _far = _gas[:5].mean(), _gas[-5:].mean()
assert max(abs(_near - 1), abs(_far - 1)) < 0.06, (
    f"an ideal gas has g = 1, yours has {_near:.3f} at small and {_far:.3f} at large r"
)
_edges = np.arange(1, 1.51, 0.02)
_moved = (_known.positions + _rng.random(3) * _known.box) % _known.box
_g = np.array(g_of_r(_moved, _edges, _known.box))
_contact = _structure.measured_contact_value((_edges[1:] + _edges[:-1]) / 2, _g)[0]
_theory = _structure.contact_value(_known.phi)
assert abs(_contact - _theory) < 0.5, (
    f"at contact your g(r) of hard spheres of phi 0.45 goes to {_contact:.2f}, Carnahan and Starling have {_theory:.2f}"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: Read the error of the places from $g(r)$
#
# *4 points, 25 minutes.*
#
# **Why.** Nobody tells how far a tracker is off in a real sample. But hard spheres have a sharp edge: no pair below one diameter. An error of the places smears that edge, and the smear can be measured without any truth.
#
# Let each place have a Gaussian error of standard deviation $\sigma$ along each axis, independent of all others. A pair at the true distance $r'$ is then seen at $r$. Averaged over all directions, it is not $g$ but $r\,g(r)$ that is blurred, because the shells grow with $r$:
#
# $$
# r\,g_\mathrm{seen}(r)=\int_{0}^{\infty} r'g(r')\,\big[G_s(r-r')-G_s(r+r')\big]\,\mathrm dr',\qquad G_s(u)=\frac{\mathrm e^{-u^2/2s^2}}{\sqrt{2\pi}\,s}.
# $$
#
# The second term only matters near $r=0$. The width $s$ is that of one component of a *distance*. How is it related to $\sigma$?
#
# **What.** First write `blurred_g(r, g, sigma_a)`. Then find `sigma_a`, the $\sigma$ of *your* tracker, in diameters, to about 10 %: compare `g_tracked`, the pair correlation of its list, with the blurred `g_simulated`, that of a simulation of the same fluid. Both have bins of 0.01 diameters with the centres `r_centres`. One sphere in twenty is also missing in the list, any by chance; does that matter?
#
# The figure shows both. The dotted curve is the simulation with one sphere in ten taken away by chance.

# %% nbgrader={"grade_id": "tracked", "locked": true}
simulated = io.configuration("phi45")
sample = suspension.settle(simulated.positions, simulated.box, simulated.diameters, 600, rng=rng)
tracked = structure.damage(sample, 0.05, students.rng(STUDENT_ID, "a06-error").uniform(0.02, 0.05), rng) % simulated.box
fewer = structure.damage(simulated.positions, 0.1, 0, rng)
bins = np.arange(301) / 100
r_centres = (bins[1:] + bins[:-1]) / 2
g_simulated, g_tracked, g_fewer = (
    structure.g_of_r(p, bins, box=simulated.box) for p in (simulated.positions, tracked, fewer)
)

# %% nbgrader={"grade_id": "tracked-figure", "locked": true}
curves = {
    "simulation": ("data", g_simulated),
    "your tracker": ("warning", g_tracked),
    "simulation, 10 % missing": ("baseline", g_fewer),
}
plots.pair_correlations(r_centres, curves, top=6)
plt.show()


# %% nbgrader={"grade_id": "blur", "solution": true}
def blurred_g(r, g, sigma_a):
    """Return g(r) as it is seen with errors of the places, (n,): the blurred r g(r), divided by r.

    r (n,): evenly spaced centres of bins from near 0 on, in diameters. g (n,): the true g(r). sigma_a: standard
    deviation of the error of a place along one axis, in diameters. What comes near the last r need not be right.
    """
    ### BEGIN SOLUTION
    s, width = np.sqrt(2) * sigma_a, r[1] - r[0]

    def gauss(u):
        return np.exp(-(u**2) / (2 * s**2)) / (np.sqrt(2 * np.pi) * s)

    return (gauss(r[:, None] - r) - gauss(r[:, None] + r)) @ (r * g) * width / r
    ### END SOLUTION


# sigma_a = ...  of your tracker, in diameters
### BEGIN SOLUTION
tries = np.arange(0.005, 0.1, 0.0005)
near = (r_centres > 0.8) & (r_centres < 1.4)
misfit = [np.square((blurred_g(r_centres, g_simulated, t) - g_tracked)[near]).sum() for t in tries]
sigma_a = tries[np.argmin(misfit)]
### END SOLUTION

# %% nbgrader={"grade_id": "blur-tests", "grade": true, "points": 2, "locked": true}
_r = (np.arange(400) + 0.5) / 100
_out = np.array(blurred_g(_r, np.ones(400), 0.04))
assert _out.shape == (400,), "blurred_g returns one value per r"
assert np.allclose(_out[60:300], 1, atol=0.01), "an ideal gas stays an ideal gas when its places are smeared: g = 1"
### BEGIN HIDDEN TESTS
from helpers.colloids import io as _io
from helpers.colloids import structure as _structure

_rng = np.random.default_rng()
_part = (_r > 0.7) & (_r < 3.2)
for _sigma in _rng.uniform(0.03, 0.06, 2):
    _k = 1 / _sigma
    _wave = np.sin(_k * _r) / (_k * _r)
    _kept = np.dot(blurred_g(_r, _wave, _sigma)[_part], _wave[_part]) / np.dot(_wave[_part], _wave[_part])
    _text = f"of the wave sin(kr)/kr with k = 1/sigma the share {_kept:.3f} is left, exp(-k^2 sigma^2) = 0.368 must be"
    assert abs(_kept - np.exp(-0.5)) > 0.06, f"{_text}: two places belong to a distance, and both have errors"
    assert abs(_kept - np.exp(-2)) > 0.06, f"{_text}: you blur by 2 sigma; errors add in the squares"
    assert abs(_kept - np.exp(-1)) < 0.03, f"{_text}: the width of the blur is wrong"
_step = np.where(_r > 1, 1.0, 0.0) / _r
_out = np.array(blurred_g(_r, _step, 0.12)) * _r
assert abs(_out[_r < 1].sum() / 100 - 0.12 / np.sqrt(np.pi)) < 0.002, (
    "r g(r) that is a step at contact spills s / sqrt(2 pi) below it, yours does not: it is r g(r) that is "
    "blurred, not g(r), and divided by r afterwards"
)
_known = _io.configuration("phi45")
_bins = np.arange(201) / 100
_mid = (_bins[1:] + _bins[:-1]) / 2
_true = _structure.g_of_r(_known.positions, _bins, box=_known.box)
_seen = _structure.g_of_r(_structure.damage(_known.positions, 0, 0.05, _rng) % _known.box, _bins, box=_known.box)
_off = (np.array(blurred_g(_mid, _true, 0.05)) - _seen)[85:150].reshape(-1, 13).mean(1)
assert np.abs(_off).max() < 0.2, "hard spheres whose places have errors do not have the g(r) that yours says"
assert np.allclose(blurred_g(_mid, 3 * _true, 0.05), 3 * np.array(blurred_g(_mid, _true, 0.05))), (
    "the blur is linear in g"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "blur-tests-2", "grade": true, "points": 2, "locked": true}
assert np.ndim(sigma_a) == 0, "sigma_a is one number"
assert sigma_a > 0, "sigma_a is positive"
assert sigma_a < 0.2, "sigma_a is in diameters; yours is so large that no peak would be left"
### BEGIN HIDDEN TESTS
_sigma = students.rng(STUDENT_ID, "a06-error").uniform(0.02, 0.05)
_ratio = float(sigma_a) / _sigma
assert abs(_ratio - 2**0.5) > 0.2, (
    f"your sigma is {_ratio:.2f} of the true one: that is the error of a distance, sqrt(2) of that of a place"
)
assert _ratio > 0.25, f"your sigma is {_ratio:.2f} of the true one: is it a standard deviation, and not a variance?"
assert abs(_ratio - 0.5**0.5) > 0.1, (
    f"your sigma is {_ratio:.2f} of the true one: the factor sqrt(2) between place and distance is applied "
    "twice or the wrong way round"
)
assert abs(_ratio - 3**0.5) > 0.13, (
    f"your sigma is {_ratio:.2f} of the true one: it is asked along one axis, not in space"
)
assert abs(_ratio - 1) < 0.18, (
    f"your sigma is {_ratio:.2f} of the true one; does the blurred simulation lie on g_tracked between 0.8 and 1.4?"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: Trust a list without a truth
#
# *4 points, by hand, 15 minutes.*
#
# You get a confocal stack of a real sample of hard spheres whose volume fraction is known to be about 0.45, and the list of centres that a tracker found in it. There is no list of true centres. How do you find out whether the tracker worked?
#
# Describe three checks of different kinds. Say for each what it can see and what it cannot see. Use what task 5 showed: which of the two, missing spheres or wrong places, does $g(r)$ give away, and which not? About 200 words.

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# **Model answer.** First, the list itself must be possible. Hard spheres do not overlap, so $g(r)$ must vanish below one diameter and rise to the Carnahan-Starling value at contact, 4.66 at $\phi=0.45$. Errors of the places, and false spheres between two true ones, put pairs below contact and round the peak; from the smear I even get $\sigma$. But spheres that are missing by chance leave $g(r)$ as it is, because it is divided by the density that was found: the curve with 10 % missing lies on the full one. Second, therefore, the density: the number found times $\pi a^3/6$ over the volume must be 0.45. It sees missing and false spheres, but not if they cancel, and no errors of the places; and $a$ must be known, its error counts three times. Third, the image: I simulate the image of the list with the point spread function and subtract it. What is left must be noise with the standard deviation of the noise. A missing sphere leaves a bright ball, a false one a dark one, a shift a pair. It is blind to what a wrong model of the image explains equally well, as two spheres for one that is stretched. Fourth, stacks with known spheres, simulated with the same optics, noise and density: recall and precision can then be counted. They hold for the sample only as far as the simulation is like it. Last, the slices themselves, with the list drawn into them, above all along the depth.
#
# **Marking scheme.** 1 point for each of three checks of different kinds that would work in practice, with what it sees (pairs below contact or contact value of $g(r)$; density; difference between image and simulation; simulated stacks or added spheres with known truth; two independent trackers or two stacks of the same place; looking at slices counts only if it is said where and what for). Half a point where the check is named but not what it sees. 1 point for what the checks are blind to: that spheres missing by chance leave $g(r)$ unchanged while errors of the places blur it, or an equally clear statement for two checks. No point for recall and precision of the real stack itself: they need the truth.

# %% [markdown]
# ## How marks are given
#
# Tasks 1 to 5 are graded by tests: those that you see, and others that stay hidden and use fresh numbers. Each cell of tests gives its points in full or not at all; what a hidden test found is said in your feedback. Task 6 is marked by hand. In all 20 points: 2 + 4 + 2 + 4 + 4 + 4.
#
# Before you hand in, restart the kernel and run all cells from the first. The next cell looks whether Python is still itself.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
