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
# # Assignment 05: Measure what a texture knows, and ask for it back
#
# A foam, an alloy or a set of lines is the same texture wherever the window begins. Two-point statistics say what does not depend on the place. You will compute them, with and without periodic borders, read a hidden line from two numbers, price a latent number of an autoencoder, and take one step of the way back from statistics to a picture. At the end you explain what a two-point statistic does not know.
#
# You need lesson 07 (two-point statistics, borders, phase retrieval) and lesson 08 (a loss in statistics and its price). Plan 60 to 120 minutes. The computing takes a few seconds.
#
# Write the name of your folder into the next cell first. All your data follow from it, so your numbers are not those of your neighbour.

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import matplotlib.pyplot as plt
import numpy as np

from helpers.course import students
from helpers.textures import generators, media, statistics, statistics_plots
from helpers.textures.widgets import TexturePainter

rng = students.rng(STUDENT_ID, "a05")
image = generators.gaussian_field(1, 64, rng.uniform(2.5, 4.0), rng.uniform(0.2, 0.5), rng=rng)[0].astype(float)
length_px = round(rng.uniform(3.0, 4.5), 1)
windows = generators.gaussian_field(40, 96, length_px, rng=rng)[:, :48, :48].astype(float)
seen = np.ones((48, 48))
scratch = int(rng.integers(8, 14))
seen[:, scratch : scratch + 25] = 0  # a scratch over the window: 25 columns were not seen
line_seed, line_size = int(rng.integers(1, 1_000_000)), int(rng.integers(2, 7))
library = generators.lines(60, 32, rng=students.rng(STUDENT_ID, "a05-library"))[0].astype(float)
print(f"texture of 64 x 64 px with a share of white {image.mean():.3f}; windows of correlation length {length_px} px")

# %% [markdown]
# ## 1. Throw all needles at once
#
# *2 points, 15 minutes.* A needle with the vector $\boldsymbol r$ from its tail to its tip falls anywhere on a periodic picture of $S$ pixels. The two-point statistics are the share of needles whose tail falls on state 1 and whose tip falls on state 2,
#
# $$f_{12}(\boldsymbol r)=\frac1S\sum_{\boldsymbol x}m_1(\boldsymbol x)\,m_2(\boldsymbol x+\boldsymbol r).$$
#
# A loop over all lags takes $S^2$ products. The Fourier transform needs far fewer.
#
# Write `two_point(m1, m2=None)` with `np.fft`. Do not call the function of helpers. The self-checks look at the shape, the place of lag 0, and the value there.


# %% nbgrader={"grade_id": "two-point", "solution": true}
def two_point(m1, m2=None):
    """Return the periodic two-point statistics f12(r) of two pictures, (H, W), by FFT.

    ``m1``, ``m2``: arrays (H, W) of 0 and 1, or of shares between them; ``m2=None`` means m2 = m1, the autocorrelation.
    The result is real. Lag (dy, dx), in px, stands at index (H // 2 + dy, W // 2 + dx), also where H or W is odd.
    """
    ### BEGIN SOLUTION
    F1 = np.fft.fft2(m1)
    F2 = F1 if m2 is None else np.fft.fft2(m2)
    return np.fft.fftshift(np.fft.ifft2(F1.conj() * F2).real) / F1.size
    ### END SOLUTION


# %% nbgrader={"grade_id": "two-point-tests", "grade": true, "points": 1, "locked": true}
_f = two_point(image)
_largest = np.unravel_index(np.argmax(_f), _f.shape)
assert _f.shape == image.shape, f"there are as many lags as pixels, {image.shape}, but yours have the shape {_f.shape}"
assert np.isrealobj(_f), "f is a probability, so it is real: take the real part of the inverse transform"
assert _largest == (32, 32), f"lag 0 must stand in the middle, at (32, 32); your largest value stands at {_largest}"
assert not np.isclose(_f.mean(), image.mean(), rtol=1e-4), (
    "the mean of your f over all lags is φ, but two ends thrown at random both hit with φ²: did you leave out the "
    "square of |F|?"
)
assert _f[32, 32] < 2, f"f(0) = {_f[32, 32]:.4g} is a number of pairs, no probability: divide by the number of pixels S"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_m = (_rng.random((15, 22)) < _rng.uniform(0.2, 0.4)).astype(float)
_phi = _m.mean()
_f = two_point(_m)
assert abs(_f.mean()) > 1e-4, "your f is zero on average: keep the mean of the picture, far lags must come to φ²"
assert np.isclose(_f.mean(), _phi**2, rtol=1e-4), (
    f"the mean over all lags is φ² exactly, {_phi**2:.4f}; yours is {_f.mean():.4f}: check the factor 1/S"
)
assert np.isclose(_f[7, 11], _phi, rtol=1e-4), (
    f"both ends of a needle of length 0 are one point, so f(0) = φ = {_phi:.4f}; "
    f"at index (H // 2, W // 2) of a picture of 15 x 22 px yours is {_f[7, 11]:.4f}"
)
assert np.allclose(two_point(np.roll(_m, (4, -5), (0, 1))), _f, atol=1e-5), (
    "a texture is the same wherever it begins: f must not change when the picture is moved"
)
assert np.allclose(two_point(1 - _m), _f + 1 - 2 * _phi, atol=1e-5), "swapped phases must add the constant 1 - 2φ to f"
for _dy, _dx in _rng.integers(-7, 8, (6, 2)):
    _counted = (_m * np.roll(_m, (-_dy, -_dx), (0, 1))).mean()
    assert np.isclose(_f[7 + _dy, 11 + _dx], _counted, atol=1e-5), (
        f"at lag ({_dy}, {_dx}) a count of all needles gives {_counted:.4f}, your transform {_f[7 + _dy, 11 + _dx]:.4f}"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "two-point-tests-2", "grade": true, "points": 1, "locked": true}
_moved = np.roll(image, (3, 9), axis=(0, 1))  # 3 px down, 9 px to the right
assert two_point(image, _moved).shape == image.shape, "cross-correlations stand on the grid of the pictures"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_m = (_rng.random((16, 21)) < 0.4).astype(float)
_dy, _dx = (int(_d) for _d in _rng.integers(2, 6, 2))
_f = two_point(_m, np.roll(_m, (_dy, _dx), (0, 1)))
_at = tuple(int(_i) for _i in np.unravel_index(np.argmax(_f), _f.shape))
assert _at != (8 - _dy, 10 - _dx), (
    "state 2 lies down and right of state 1, but your f12 is large up and left: the tail is on m1, so its transform is "
    "the conjugate one"
)
assert _at == (8 + _dy, 10 + _dx), (
    f"state 2 is state 1 moved by ({_dy}, {_dx}), so f12 is largest at that lag; yours is largest at "
    f"({_at[0] - 8}, {_at[1] - 10}): does your function use m2?"
)
_states = _rng.integers(0, 3, (9, 11))
_three = [(_states == _h).astype(float) for _h in range(3)]
_total = two_point(_three[0], _three[0]) + two_point(_three[0], _three[1]) + two_point(_three[0], _three[2])
assert np.allclose(_total, _three[0].mean(), atol=1e-5), (
    "every tip falls on some state: f00 + f01 + f02 must be φ0 at every lag"
)
_back = two_point(_three[2], _three[1])[::-1, ::-1]
assert np.allclose(two_point(_three[1], _three[2]), _back, atol=1e-5), (
    "a needle turned round must give f12(r) = f21(-r)"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Take the seam out
#
# *4 points, 25 minutes.* A window cut from a sample is not periodic. Needles that leave on the right and come in on the left say nothing about the material. And a scratch hides pixels: what lies under it is unknown, which is not the same as dark.
#
# So count only pairs of pixels that were both seen and do not go round the border, and divide the hits at each lag by the number of such pairs *at this lag*.
#
# Write `without_seam(m, seen)`. A margin of zeros keeps the two borders apart. Where no pair exists the answer is unknown: `np.nan`. The self-checks look at the shape and at the volume fraction. The cell after the tests draws your result beside the law that is known for these windows.


# %% nbgrader={"grade_id": "without-seam", "solution": true}
def without_seam(m, seen):
    """Return the two-point statistics of a window that is not periodic, (2H - 1, 2W - 1).

    ``m`` (H, W): 1 on the state, else 0; its values mean nothing where ``seen`` is 0. ``seen`` (H, W): 1 where a pixel
    was seen, else 0. Lag (dy, dx), in px, stands at index (H - 1 + dy, W - 1 + dx). Each value is the share of hits
    among the pairs of seen pixels with this lag; np.nan where there is no such pair.
    """
    ### BEGIN SOLUTION
    H, W = np.shape(m)

    def sums(a):
        power = np.abs(np.fft.fft2(a, s=(2 * H - 1, 2 * W - 1))) ** 2
        return np.fft.fftshift(np.fft.ifft2(power).real)

    pairs = np.round(sums(seen))
    return np.where(pairs > 0, sums(m * seen) / np.maximum(pairs, 1), np.nan)
    ### END SOLUTION


# %% nbgrader={"grade_id": "without-seam-tests", "grade": true, "points": 2, "locked": true}
_f = without_seam(windows[0], np.ones((48, 48)))
assert _f.shape == (95, 95), f"a window of 48 x 48 px has 95 x 95 lags, from -47 to 47 px; yours have {_f.shape}"
assert np.isclose(_f[47, 47], windows[0].mean(), atol=1e-4), "f(0), at index (H - 1, W - 1), is the volume fraction"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_white, _all = np.ones((9, 13)), np.ones((9, 13))
_f = without_seam(_white, _all)
assert np.allclose(_f[8, 12], 1, atol=1e-4), "in a window that is all white f(0) is 1, at index (H - 1, W - 1)"
assert np.nanmin(_f) > 0.99, (
    "in a window that is all white every needle hits, so f = 1 at every lag; yours falls at far lags: divide by the "
    "number of pairs of each lag"
)
assert np.allclose(_f, 1, atol=1e-4), "in a window that is all white f must be 1 at every lag, not more"
_corners = np.zeros((9, 13))
_corners[0, 0] = _corners[8, 12] = 1
_f = without_seam(_corners, _all)
_near = _f.copy()
_near[[0, 8, 16], [0, 12, 24]] = 0
assert np.abs(_near).max() < 1e-4, (
    "only the two opposite corners are white, but your f has hits at smaller lags than from corner to corner: needles "
    "go round the border, the margin of zeros is too small"
)
assert np.isclose(_f[16, 24], 1, atol=1e-3), "the one pair of opposite corners is white: f is 1 at the largest lag"
_m = (_rng.random((9, 13)) < 0.4).astype(float)
_f = without_seam(_m, _all)
for _dy in range(-8, 9):
    for _dx in range(-12, 13):
        _tail = _m[max(0, -_dy) : 9 - max(0, _dy), max(0, -_dx) : 13 - max(0, _dx)]
        _tip = _m[max(0, _dy) : 9 - max(0, -_dy), max(0, _dx) : 13 - max(0, -_dx)]
        assert np.isclose(_f[8 + _dy, 12 + _dx], (_tail * _tip).mean(), atol=1e-3), (
            f"at lag ({_dy}, {_dx}) a count of all pairs gives {(_tail * _tip).mean():.4f}, "
            f"yours is {_f[8 + _dy, 12 + _dx]:.4f}"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "without-seam-tests-2", "grade": true, "points": 2, "locked": true}
_f = without_seam(windows[0], seen)
assert _f.shape == (95, 95), "a scratch takes pairs away, not lags: the shape stays (2H - 1, 2W - 1)"
assert np.isclose(_f[47, 47], windows[0][seen > 0].mean(), atol=1e-4), (
    "f(0) is the share of white among the seen pixels"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_m = (_rng.random((10, 16)) < 0.5).astype(float)
_seen = np.ones((10, 16))
_seen[:, 3:13] = 0  # no pair along x between 3 and 9 px
_f = without_seam(_m, _seen)
assert np.isnan(_f[9, 15 + 5]), (
    "no two seen pixels are 5 px apart here, so f is unknown, np.nan, and not a number: count pairs as whole numbers"
)
_pairs = statistics.pair_count((10, 16), False, _seen)
assert np.isfinite(_f[_pairs > 0]).all(), "f is known wherever at least one pair of seen pixels has the lag"
assert np.isnan(_f[_pairs == 0]).all(), "f must be np.nan at every lag that no pair of seen pixels has"
_under = np.where(_seen > 0, _m, 1 - _m)
assert np.allclose(without_seam(_under, _seen), _f, atol=1e-3, equal_nan=True), (
    "what lies under the scratch was not seen, but your f changes with it: multiply the picture by seen"
)
_f = without_seam(np.ones((10, 16)), _seen)
assert np.allclose(_f[_pairs > 0], 1, atol=1e-3), (
    "a scratch over a white window must leave f = 1: you count what was not seen as dark"
)
_holes = (_rng.random((8, 7)) < 0.6).astype(float)
_holes[0, 0] = _holes[4, 3] = 1
_m = (_rng.random((8, 7)) < 0.5).astype(float)
_f = without_seam(_m, _holes)
_hits, _counts = np.zeros((15, 13)), np.zeros((15, 13))
for _a in np.argwhere(_holes > 0):
    for _b in np.argwhere(_holes > 0):
        _hits[tuple(_b - _a + (7, 6))] += _m[tuple(_a)] * _m[tuple(_b)]
        _counts[tuple(_b - _a + (7, 6))] += 1
_known = _counts > 0
assert np.allclose(_f[_known], _hits[_known] / _counts[_known], atol=1e-3), (
    "with seen pixels scattered at random a count of all pairs gives another f than yours"
)
### END HIDDEN TESTS

# %%
curves = {
    "no seam, whole window": np.mean([without_seam(m, np.ones((48, 48)))[47, 47:] for m in windows], axis=0),
    "no seam, scratched": np.mean([without_seam(m, seen)[47, 47:] for m in windows], axis=0),
    "as if periodic": np.mean([np.roll(statistics.two_point(m)[24], 24)[:48] for m in windows], axis=0),
}
fig, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
lags = np.arange(48)
axes.plot(lags, media.gaussian_field(0, lags, length_px), color="#7f7f7f", linestyle="--", label="law, not periodic")
for (name, curve), color, mark in zip(curves.items(), ("#0072B2", "#D55E00", "#009E73"), "os^", strict=True):
    axes.plot(lags, curve, color=color, marker=mark, markersize=3, linewidth=1, label=name)
axes.set(xlabel="lag along x (px)", ylabel="f, mean of 40 windows", ylim=(0.1, 0.55))
axes.legend()
plt.show()

# %% [markdown]
# Three things are to be seen. The curve without a seam stays near the law, and its noise grows with the lag, because pairs get rare. The scratched windows have a hole in their curve, where no pair was seen. The periodic curve rises again: at a lag of 47 px the needle is, round the border, 1 px long.
#
# ## 3. Read the sides of a hidden line
#
# *4 points, 20 minutes.* How much of a picture is in how few lags? The widget below draws one upright or lying line, $h$ rows high and $w$ columns wide, on $S$ = 64 x 64 pixels. Its last sentence gives the volume fraction $\phi$ and the specific surface as the widget defines it, from three lags and as if the border ran in all directions alike,
#
# $$s=\pi\Big[f(0)-\tfrac12\big(f(\boldsymbol e_x)+f(\boldsymbol e_y)\big)\Big],$$
#
# with $\boldsymbol e_x$, $\boldsymbol e_y$ one pixel along $x$ and along $y$. For one line you know $f$ in closed form, so $\phi$ and $s$ are two equations for two sides.
#
# First write `sides(phi, surface_per_px, n_pixels)`, which solves them. A square is a case of its own: rounding must not make a `nan` of it.
#
# Then read the widget. The number of your line is set already and cannot be changed by hand. Choose the texture **one line**, set **Thickness** to the value that the next cell prints, and leave shift 0, phases as drawn and $|F|^2$ as they are. Do not press *New random texture*; run the cell again if you did. Read, and set
#
# - `phi_read` and `surface_read` (1/px), as the sentence below the pictures gives them;
# - `surface_swapped_read` (1/px), the same with the phases swapped. What do you expect, before you look?
# - `height_px` and `width_px`, whole numbers, from your function; the picture says which is which;
# - `border_per_px`, the *true* length of the border of the line per area, in 1/px. It is not `surface_read`: think of the directions in which the border runs.

# %% nbgrader={"grade_id": "painter", "locked": true}
print(f"Texture: one line; Thickness: {line_size} px")
painter = TexturePainter()
painter.settings = {**painter.settings, "seed": line_seed}
painter


# %% nbgrader={"grade_id": "sides", "solution": true}
def sides(phi, surface_per_px, n_pixels):
    """Return (shorter, longer), the sides in px of one upright or lying rectangle on a periodic grid.

    ``phi`` is its share of the ``n_pixels`` pixels, ``surface_per_px`` the specific surface (1/px) from three lags,
    pi [f(0) - (f(e_x) + f(e_y)) / 2]. Both sides are smaller than the grid. Floats, not rounded.
    """
    ### BEGIN SOLUTION
    half = surface_per_px * n_pixels / np.pi  # (h + w) / 2
    root = np.sqrt(max(half**2 - phi * n_pixels, 0.0))
    return float(half - root), float(half + root)
    ### END SOLUTION


### BEGIN SOLUTION
def numbers(state, n):  # the random numbers of the widget, which the reference answer has in place of eyes
    for _ in range(n):
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ (state >> 15)) * (state | 1) % 2**32
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) % 2**32
        yield ((t ^ (t >> 14)) % 2**32 + 0.5) / 2**32


lying, thin, wide = numbers(line_seed, 3)
low, high = max(0.7 * line_size, 1), 1.5 * line_size
short = int(low * (high / low) ** thin + 0.5)
low, high = max(0.18 * 64, 2 * short), 48
long = int(low * (high / low) ** wide + 0.5)

phi_read = float(f"{short * long / 4096:.3g}")
surface_read = float(f"{np.pi * (short + long) / 2 / 4096:.3g}")
surface_swapped_read = surface_read
shorter, longer = (int(np.round(side)) for side in sides(phi_read, surface_read, 4096))
height_px, width_px = (longer, shorter) if lying < 0.5 else (shorter, longer)
border_per_px = 2 * (height_px + width_px) / 4096
### END SOLUTION

# %% nbgrader={"grade_id": "sides-tests", "grade": true, "points": 2, "locked": true}
_found = sides(0.01, 0.01 * np.pi, 10_000)
assert np.shape(_found) == (2,), "return two numbers, the shorter and the longer side"
assert np.isfinite(_found).all(), f"your sides are {_found}: is S in both equations, h + w = 2 S s / π and h w = S φ?"
assert _found[0] <= _found[1], "the shorter side comes first"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _ in range(4):
    _size, _h, _w = (int(_n) for _n in (_rng.integers(50, 90), _rng.integers(2, 8), _rng.integers(12, 40)))
    _m = np.zeros((_size, _size))
    _m[5 : 5 + _h, 3 : 3 + _w] = 1
    _f = statistics.two_point(_m)
    _found = np.array(sides(float(_m.mean()), float(statistics.specific_surface(_f)), _size**2), float)
    _words = f"of a line of {_h} x {_w} px on {_size} x {_size} px you find {_found.round(2)}"
    assert not np.isclose(_found.sum(), 2 * (_h + _w), rtol=1e-3), (
        f"{_words}: the sides add up to twice too much. S [f(0) - f(e_x)] counts the ends of the rows of one side only"
    )
    assert not np.isclose(_found.sum(), (_h + _w) / 2, rtol=1e-3), (
        f"{_words}: the sides add up to half of what they should. h + w stands for two slopes, not for one"
    )
    assert not np.isclose(_found.sum(), np.pi / 4 * (_h + _w), rtol=1e-3), (
        f"{_words}: the sides add up to π/4 of what they should. You took s for the true border 2 (h + w) / S"
    )
    assert np.isfinite(_found).all(), f"{_words}: where do you take the root of a negative number?"
    assert _found.max() > 0.99, f"{_words}: these are shares of the picture. Sides in px need the number of pixels S"
    assert np.isclose(_found.sum(), _h + _w, rtol=1e-3), f"{_words}: the sum follows from s, h + w = 2 S s / π"
    assert np.isclose(_found.prod(), _h * _w, rtol=1e-3), f"{_words}: the product of the sides is the area, S φ"
    assert np.allclose(_found, [_h, _w], rtol=1e-3), f"{_words}: sum and product are right, the sides are not"
_side = int(_rng.integers(3, 30))
_phi, _s = _side**2 / 4096, float(np.nextafter(np.pi * _side / 4096, 0))
_found = np.array(sides(_phi, _s * (1 - 1e-12), 4096), float)
assert np.allclose(_found, _side, rtol=1e-3), (
    f"a square of {_side} px comes out as {_found}: rounding makes the root slightly negative, and that root is 0"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "sides-tests-2", "grade": true, "points": 2, "locked": true}
assert 0 < phi_read < 0.5, "phi_read is the share of bright pixels, as drawn"
assert 0 < surface_read < 0.2, "surface_read is in 1/px, as the sentence gives it"
assert height_px != width_px, "the line is longer than it is thick"
assert min(height_px, width_px, border_per_px) > 0, "sides and border are positive"
### BEGIN HIDDEN TESTS
_settings = students.rng(STUDENT_ID, "a05")
generators.gaussian_field(1, 64, _settings.uniform(2.5, 4.0), _settings.uniform(0.2, 0.5), rng=_settings)
generators.gaussian_field(40, 96, round(_settings.uniform(3.0, 4.5), 1), rng=_settings)
_settings.integers(8, 14)
_state, _size = int(_settings.integers(1, 1_000_000)), int(_settings.integers(2, 7))
_drawn = []
for _ in range(3):  # the first random numbers of the widget
    _state = (_state + 0x6D2B79F5) % 2**32
    _t = (_state ^ (_state >> 15)) * (_state | 1) % 2**32
    _t ^= (_t + (_t ^ (_t >> 7)) * (_t | 61)) % 2**32
    _drawn.append(((_t ^ (_t >> 14)) % 2**32 + 0.5) / 2**32)
_low, _high = max(0.7 * _size, 1), 1.5 * _size
_thick = int(np.floor(_low * (_high / _low) ** _drawn[1] + 0.5))
_low, _high = max(0.18 * 64, 2 * _thick), 48
_long = int(np.floor(_low * (_high / _low) ** _drawn[2] + 0.5))
_h, _w = (_long, _thick) if _drawn[0] < 0.5 else (_thick, _long)
_m = np.zeros((64, 64))
_m[:_h, :_w] = 1
_phi, _s = _m.mean(), float(statistics.specific_surface(statistics.two_point(_m)))
assert np.isclose(phi_read, _phi, rtol=0.011), (
    f"phi_read = {phi_read} is not what the widget shows for your line: texture 'one line', thickness {_size} px, "
    "phases as drawn, no new random texture"
)
assert np.isclose(surface_read, _s, rtol=0.011), (
    f"surface_read = {surface_read} is not the specific surface of the sentence, in 1/px"
)
assert not np.isclose(surface_swapped_read, surface_read * phi_read / (1 - phi_read), rtol=0.05), (
    "surface_swapped_read is scaled with the share of the phase: read it, do not guess it"
)
assert np.isclose(surface_swapped_read, _s, rtol=0.011), (
    "surface_swapped_read: swapped phases share one border, so its length per area cannot change"
)
assert not (abs(height_px - _w) <= 1 and abs(width_px - _h) <= 1), (
    "height and width are exchanged: the height counts rows, along y, and the width columns, along x"
)
assert abs(height_px - _h) <= 1, (
    f"height_px = {height_px} does not follow from φ and s of your line: look at the picture"
)
assert abs(width_px - _w) <= 1, f"width_px = {width_px} does not follow from φ and s of your line: look at the picture"
_true = 2 * (_h + _w) / 4096
assert not np.isclose(border_per_px, _true * 4096, rtol=0.03), "border_per_px is a length per area: divide by S"
assert not np.isclose(border_per_px, np.pi / 4 * _true, rtol=0.03), (
    "border_per_px is the reading s, which takes a border that runs in all directions alike; that of a rectangle runs "
    "along the pixels, and s finds π/4 of it"
)
assert np.isclose(border_per_px, _true, rtol=0.05), "border_per_px is the whole border, all four sides, per S pixels"
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Price the numbers that hold the statistics
#
# *3 points, 20 minutes.* Lesson 07 shortens statistics to scores of principal components, lesson 08 to latents of an autoencoder with the loss
#
# $$\mathcal L=\alpha\sum_{\boldsymbol r}\big(f_{x'}(\boldsymbol r)-f_x(\boldsymbol r)\big)^2+\beta\,\mathrm{KL}.$$
#
# A latent has a price, its KL. What can it earn? If every picture is drawn with the mean statistics, the first sum is the variance of $f$. A score along a component lowers it by the variance $v$ along that component, that is by $\alpha v$. A linear latent is worth its price only where $\alpha v>\beta/2$ (lesson 08, exercise *The price of a bit*).
#
# 1. Write `scores(images, k)`: principal components of the statistics of many pictures. Use `statistics.two_point(images)` of helpers, which takes a whole batch.
# 2. Set `alpha_nine`: for your `library` of line pictures and $\beta=1$, the $\alpha$ above which all of the first nine scores are worth their price.
#
# The self-checks look at shapes, the order and the mean.


# %% nbgrader={"grade_id": "scores", "solution": true}
def scores(images, k):
    """Return z (N, k) and v (k,): scores of N pictures in the first k principal components, and what each saves.

    ``images`` (N, H, W). The components are those of the periodic autocorrelations of these pictures, orthonormal over
    the H W lags, in the order of falling variance; their signs are free. z are the statistics less their mean over the
    pictures, projected on the components. v is the mean of z^2 over the pictures, for every component.
    """
    ### BEGIN SOLUTION
    f = statistics.two_point(images).reshape(len(images), -1)
    U, size, _ = np.linalg.svd(f - f.mean(axis=0), full_matrices=False)
    z = U[:, :k] * size[:k]
    return z, (z**2).mean(axis=0)
    ### END SOLUTION


### BEGIN SOLUTION
alpha_nine = 1 / (2 * scores(library, 9)[1][8])
### END SOLUTION

# %% nbgrader={"grade_id": "scores-tests", "grade": true, "points": 2, "locked": true}
_z, _v = scores(library, 5)
assert np.shape(_z) == (60, 5), f"60 pictures have scores of shape (60, 5) in 5 components; yours have {np.shape(_z)}"
assert np.shape(_v) == (5,), f"v holds one number for each component, shape (5,), not {np.shape(_v)}"
assert (np.diff(_v) < 1e-12).all(), "the components come in the order of falling variance"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_lengths = _rng.uniform(1.0, 3.0, 24)
_images = np.concatenate(
    [generators.gaussian_field(1, 16, _l, _rng.normal(0, 0.4), rng=_rng) for _l in _lengths]
).astype(float)
_z, _v = scores(_images, 6)
_f = statistics.two_point(_images).reshape(24, -1)
_spread = ((_f - _f.mean(axis=0)) ** 2).sum() / 24
_moved = np.array([np.roll(_m, _rng.integers(0, 16, 2), (0, 1)) for _m in _images])
assert np.allclose(np.abs(scores(_moved, 3)[0]), np.abs(_z[:, :3]), atol=1e-3 * np.abs(_z).max()), (
    "moved pictures have other scores in yours: take the components of the statistics, not of the pixels"
)
assert np.allclose(_z.mean(axis=0), 0, atol=1e-4 * np.abs(_z).max()), (
    "your scores do not average to 0: take the mean over the pictures away, lag by lag"
)
assert not np.allclose((_z**2).mean(axis=0), 1, rtol=0.05), (
    "all your scores have the variance 1: they must keep the units of f, or none earns more than another"
)
_all = scores(_images, 23)[0]
_far = np.linalg.norm(_f[:, None] - _f[None], axis=-1)
_near = np.linalg.norm(_all[:, None] - _all[None], axis=-1)
assert np.allclose(_near, _far, rtol=1e-3, atol=1e-4 * _far.max()), (
    "all scores together must keep the distances between the statistics: orthonormal components, lags not rescaled"
)
_cross = _z.T @ _z
assert np.allclose(_cross - np.diag(np.diag(_cross)), 0, atol=1e-3 * _cross.max()), (
    "scores of different principal components are not correlated over the pictures; yours are"
)
assert not np.isclose(_v[0], np.sqrt(24 * (_z[:, 0] ** 2).mean()), rtol=0.03), (
    "v are your singular values; what a score saves is the mean of its square"
)
assert not np.isclose(_v[0], (_z[:, 0] ** 2).mean() / _spread, rtol=0.03) or np.isclose(_spread, 1, rtol=0.1), (
    "v are shares of the variance; the loss is paid in squares of f, so give the variance itself"
)
assert np.allclose(_v, (_z**2).mean(axis=0), rtol=0.06), "v is the mean of z² over the pictures, for every component"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "scores-tests-2", "grade": true, "points": 1, "locked": true}
assert np.ndim(alpha_nine) == 0, "alpha_nine is one number"
assert alpha_nine > 0, "alpha_nine is positive"
### BEGIN HIDDEN TESTS
_own = generators.lines(60, 32, rng=students.rng(STUDENT_ID, "a05-library"))[0].astype(float)
_f = statistics.two_point(_own).reshape(60, -1)
_v = np.linalg.eigvalsh((_f - _f.mean(axis=0)) @ (_f - _f.mean(axis=0)).T / 60)[::-1]
assert not np.isclose(alpha_nine, 1 / _v[8], rtol=0.03), (
    "alpha_nine is twice too large: a linear latent pays from αv = β/2 on"
)
assert not np.isclose(alpha_nine, 1 / (2 * _v[:9].sum()), rtol=0.03), (
    "alpha_nine comes from the nine variances added up, but each latent has to pay its own price"
)
assert not np.isclose(alpha_nine, 1 / (2 * _v[0]), rtol=0.03), (
    "at this α only the first score is worth its price: the ninth, which saves least of the nine, decides"
)
_right = np.isclose(alpha_nine, 1 / (2 * _v[8]), rtol=0.03)
_tenth = np.isclose(alpha_nine, 1 / (2 * _v[9]), rtol=0.03)
assert _right or not _tenth, "this is the α of the tenth score: Python counts from 0"
assert _right, f"at α = {alpha_nine:.4g} and β = 1 the ninth score is not at the edge αv = β/2"
### END HIDDEN TESTS

# %%
z, v = scores(library, 9)
fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
left.semilogy(np.arange(1, 10), v, "o-", color="#0072B2", label="saved by each score")
left.axhline(0.5, color="#7f7f7f", linestyle="--", label=r"price at $\alpha=\beta=1$")
left.set(xlabel="principal component", ylabel=r"saved at $\alpha=1$ (nats)")
left.legend()
right.plot(library.mean(axis=(1, 2)), z[:, 0], "o", color="#D55E00", markersize=4)
right.set(xlabel="volume fraction", ylabel="first score")
plt.show()

# %% [markdown]
# The gap between the points and the dashed line is the posterior collapse of lesson 08, seen before any training: at $\alpha=\beta=1$ no score of these lines earns its price. And look at the right panel before you call the first score a discovery.
#
# ## 5. Take one step back to the picture
#
# *3 points, 20 minutes.* The statistics hold $|F|$ and not the phases. But the picture holds only 0 and 1, and its volume fraction says how many ones. So there are two sets of pictures: those with the right $|F|=A$, and those with exactly $n$ ones. The oldest search, *error reduction*, goes to the nearest picture of the first set, then to the nearest of the second, again and again. The error
#
# $$E(x)=\sqrt{\sum_{\boldsymbol k}\big(|F_x(\boldsymbol k)|-A(\boldsymbol k)\big)^2\Big/\sum_{\boldsymbol k}A(\boldsymbol k)^2}$$
#
# can then never rise, because each picture is the nearest one that its set offers. Write
#
# 1. `keep_amplitude(x, A)`: the picture nearest to $x$ with the amplitudes $A$. It has the phases of $x$. Where $F_x=0$ there is no phase; the result must stay finite.
# 2. `step(x, A, n_on)`: `keep_amplitude`, then the nearest picture of 0 and 1 with exactly `n_on` ones.
#
# The self-checks look at shapes, at $|F|$ and at the number of ones. The cell after the tests lets your search run.


# %% nbgrader={"grade_id": "error-reduction", "solution": true}
def keep_amplitude(x, A):
    """Return the real picture (H, W) nearest to x whose Fourier amplitudes |F| are A.

    ``x`` (H, W) real; ``A`` (H, W) as from np.abs(np.fft.fft2(picture)), frequency 0 at index (0, 0).
    """
    ### BEGIN SOLUTION
    return np.fft.ifft2(A * np.exp(1j * np.angle(np.fft.fft2(x)))).real
    ### END SOLUTION


def step(x, A, n_on):
    """Return the picture (H, W) of 0 and 1 with exactly ``n_on`` ones that is nearest to keep_amplitude(x, A)."""
    ### BEGIN SOLUTION
    near = keep_amplitude(x, A)
    found = np.zeros(near.size)
    found[np.argsort(near, axis=None)[near.size - n_on :]] = 1
    return found.reshape(near.shape)
    ### END SOLUTION


# %% nbgrader={"grade_id": "error-reduction-tests", "grade": true, "points": 1, "locked": true}
_A = np.abs(np.fft.fft2(image))
_x = keep_amplitude(np.roll(image[::-1], 5, axis=0), _A)
assert _x.shape == image.shape, "keep_amplitude returns a picture of the shape of x"
assert np.isrealobj(_x), "keep_amplitude returns a real picture: take the real part of the inverse transform"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_m, _x = (_rng.random((14, 17)) < 0.4).astype(float), _rng.random((14, 17))
_A, _F = np.abs(np.fft.fft2(_m)), np.fft.fft2(_x)
_found = keep_amplitude(_x, _A)
_got = np.abs(np.fft.fft2(_found))
assert not np.allclose(_got, np.abs(_F), rtol=1e-3), "your picture keeps the |F| of x; it must have the given A"
assert not np.allclose(_got, _A**2, rtol=1e-3), "the amplitudes of your picture are A squared: give it A itself"
assert not np.allclose(_found, _m, atol=1e-3), "your picture has phases that x does not have"
assert np.allclose(_got, _A, atol=1e-3 * _A.max()), "|F| of your picture is not A: only the phases come from x"
_turn = np.fft.fft2(_found) * _F.conj()
assert np.allclose(_turn, np.abs(_turn), atol=1e-3 * np.abs(_turn).max()), (
    "the phases of x must stay: the nearest picture with given amplitudes keeps every phase"
)
_way = np.sqrt(((np.abs(_F) - _A) ** 2).sum() / _F.size)
assert np.isclose(np.linalg.norm(_found - _x), _way, rtol=1e-3), (
    "your picture is farther from x than it need be: by Parseval the nearest lies at sqrt(sum (|F| - A)² / S)"
)
assert np.allclose(keep_amplitude(_m, _A), _m, atol=1e-3), "a picture that has the amplitudes A already must stay"
_spot = np.zeros((8, 8))
_spot[::2, ::2] = 1  # most of its F is exactly 0
assert np.isfinite(keep_amplitude(_spot, np.abs(np.fft.fft2(_rng.random((8, 8)))))).all(), (
    "where F of x is 0 your result is not finite: there is no phase to divide out, choose any"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "error-reduction-tests-2", "grade": true, "points": 2, "locked": true}
_n = int(image.sum())
_x = step(np.roll(image[::-1], 5, axis=0), np.abs(np.fft.fft2(image)), _n)
assert _x.shape == image.shape, "step returns a picture of the shape of x"
assert np.isin(_x, (0, 1)).all(), "step ends on a picture of 0 and 1: keep_amplitude comes first, the ones last"
assert _x.sum() == _n, f"step must give exactly n_on = {_n} ones; yours gives {_x.sum():.0f}"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()


def _error(x, A):
    return np.sqrt(((np.abs(np.fft.fft2(x)) - A) ** 2).sum() / (A**2).sum())


for _size in (12, 15, 24):
    _m = generators.gaussian_field(1, _size, 2.0, 0.3, rng=_rng)[0].astype(float)
    _A, _n = np.abs(np.fft.fft2(_m)), int(_m.sum())
    if not 3 < _n < _m.size - 3:
        continue
    assert np.allclose(step(_m, _A, _n), _m), "the true picture belongs to both sets, so a step must leave it alone"
    _moved = np.roll(_m, (3, 5), (0, 1))
    assert np.allclose(step(_moved, _A, _n), _moved), "the true picture at another place has the same |F|: it must stay"
    _x = np.zeros(_m.size)
    _x[_rng.permutation(_m.size)[:_n]] = 1
    _x = _x.reshape(_m.shape)
    _before = _error(_x, _A)
    for _ in range(20):
        _x = np.asarray(step(_x, _A, _n), float)
        _after = _error(_x, _A)
        assert _x.sum() == _n, "the number of ones must be n_on after every step"
        assert _after <= _before + 1e-4, (
            f"the error rises from {_before:.4f} to {_after:.4f} in a step; between nearest pictures it cannot: are "
            "your ones the largest values of keep_amplitude(x, A)?"
        )
        _before = _after
_x = step(_rng.random((6, 6)), np.abs(np.fft.fft2(np.eye(6))), 0)
assert _x.sum() == 0, "with n_on = 0 the picture is empty: beware of a slice [-0:], which takes everything"
### END HIDDEN TESTS

# %%
target = library[0]
A, n_on = np.abs(np.fft.fft2(target)), int(target.sum())
errors, last = [], []
for _ in range(3):
    x, fall = rng.random(target.shape), []
    for _ in range(60):
        x = step(x, A, n_on)
        fall.append(np.sqrt(((np.abs(np.fft.fft2(x)) - A) ** 2).sum() / (A**2).sum()))
    errors.append(fall)
    last.append(x)
fig, axes = plt.subplots(figsize=(6.4, 3), layout="constrained")
for fall, color, dash in zip(errors, ("#0072B2", "#D55E00", "#009E73"), ("-", "--", ":"), strict=True):
    axes.plot(np.arange(1, 61), fall, color=color, linestyle=dash)
axes.set(xlabel="steps", ylabel="error E", ylim=(0, None), title="error reduction from three random starts")
plt.show()
by_helpers = statistics.retrieve(statistics.amplitude(target), n_on, n_starts=4, rng=rng)
statistics_plots.gallery({"": [target, last[0], by_helpers]}, ["picture", "error reduction", "retrieve"])
plt.show()

# %% [markdown]
# Your search falls fast and then stands still, mostly far from 0. The search of lesson 07, `retrieve`, steps over such places. It has learned nothing either.
#
# ## 6. Say what the statistics do not know
#
# *4 points, 20 minutes, marked by hand.* The next cell takes your 48 x 48 windows and asks `retrieve` for them twice: from periodic statistics, and with a margin of zeros. What comes back is moved and turned to where it fits best. "Stranger" is *another* window of the same material, moved to where it fits best, too.


# %% nbgrader={"grade_id": "way-back", "locked": true}
def best_overlap(original, found):
    """Return the share of pixels that agree after the best shift and inversion, in the first 48 x 48 pixels."""
    shares = []
    for turned in (found, found[::-1, ::-1]):
        overlap = statistics.two_point(turned, original, shift=False)
        moved = np.roll(turned, np.unravel_index(overlap.argmax(), overlap.shape), axis=(0, 1))
        shares.append((moved == original)[:48, :48].mean())
    return max(shares)


table = {"periodic": [], "with a margin": [], "stranger": []}
for m, other in zip(windows[:6], windows[6:12], strict=True):
    wide = np.pad(m, ((0, 48), (0, 48)))
    for name, known in (("periodic", m), ("with a margin", wide)):
        amplitude = statistics.amplitude(known)
        came = statistics.retrieve(amplitude, known.sum(), n_iterations=600, rng=rng)
        table[name].append(best_overlap(known, came))
    table["stranger"].append(best_overlap(m, other))
for name, row in table.items():
    print(f"{name:14s} share of pixels that agree:", "  ".join(f"{share:.2f}" for share in row))

# %% [markdown]
# Answer in 200 to 300 words.
#
# (a) What does the periodic two-point statistic of a black and white picture not know? Name three things that differ between pictures of equal statistics, and say for each whether it *always* can differ or only in some pictures.
#
# (b) Somebody says: "Statistics cannot be turned back into a picture." How do you test this for a given material? Say what you compute, what you compare with what, and which control you need. Use your table.
#
# (c) Your search fails. What does that prove, and what would you try next?

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# **Model answer.** (a) Where the picture lies: a shift leaves every needle as it was, so it is always lost. Whether it stands on its head: $f(\boldsymbol r)=f(-\boldsymbol r)$ holds for every autocorrelation, so point inversion is always lost (a mirror image is in general another matter). Which phase is the white one: the negative differs by the constant $1-2\phi$, so that it is lost at $\phi=1/2$ only. In some pictures more is lost: homometric pairs, such as ones at 0, 1, 4, 6 and at 0, 1, 3, 7 on a ring of 12, have equal $f$ without being shifted or inverted copies; three-point statistics tell them apart. In terms of information the phases of $F$ are missing, but "0 or 1" and the number of ones make up for much of them. Whether a region hangs together is not read off from $f$ directly.
#
# (b) Take pictures that are known, compute $|F|$ from them, forget the pictures, and search from several random starts with the constraint that holds (0 and 1, number of ones, a margin if the window has one). Undo shift and inversion by the highest cross-correlation, then compare pixel by pixel with the original and count the pictures found *exactly*. A small error of the statistics is not enough: another picture may have nearly the same. Controls: another picture of the same material, aligned in the same way, since aligned strangers agree in far more than half of the pixels; noise; and a start near the truth. In the table the periodic rows agree little better than strangers, and with a margin some or all windows come back with 1.00. So the sentence is wrong for this material with a margin. It also matters how many numbers are kept: nine components of $f$ lose what all lags hold.
#
# (c) Failure proves nothing about the statistics. The picture may be unique and only hard to find. A start from the truth with 20 % of its pixels flipped tells the two apart: if the search goes home, the information is there and the start was missing. Next: more starts and iterations, reflections instead of error reduction, a margin of zeros (it makes more known values than unknown pixels), prior knowledge such as "whole lines". Success for one picture proves that one picture can be found, not uniqueness for all.
#
# **Marking scheme.** 1 point for (a): shift and inversion, always, and one more (negative at $\phi=1/2$, homometric pairs) with its condition. Half a point if a condition is missing or wrong. 2 points for (b): 1 for a test that compares pixels after alignment and not only statistics, 1 for a control (stranger, noise or start near the truth) and a conclusion that fits the own table. 1 point for (c): a failed search is no proof of loss, and one sensible next step. Take half a point off for "the phases are lost, so the picture is lost" without the constraint that the picture is binary.

# %% [markdown]
# ## How marks are given
#
# | Task | Points | Marked |
# |---|---|---|
# | 1 Throw all needles at once | 1 + 1 | by tests |
# | 2 Take the seam out | 2 + 2 | by tests |
# | 3 Read the sides of a hidden line | 2 + 2 | by tests: the function, your readings |
# | 4 Price the numbers that hold the statistics | 2 + 1 | by tests: the function, your number |
# | 5 Take one step back to the picture | 1 + 2 | by tests |
# | 6 Say what the statistics do not know | 4 | by hand |
#
# The tests that you see are a part of those that grade. The others use fresh pictures and ask for what must hold for every picture. If one of them fails, the feedback says what is wrong in words. No task needs your answer to another one. The next cell gives no points; it checks that Python and helpers are as they were.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
