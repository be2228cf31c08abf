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
# # Assignment 03: Account for volume, and ask a model whether it listens
#
# A density is probability per volume. Bend space, and the volume changes; count in boxes, and the boxes have volumes; train a model of densities, and it may ignore what you tell it. You write one density and one layer of a flow, you count the localisations of a microgel in boxes of equal volume, and you build the test that shows whether a temperature reaches a model.
#
# **You need** lesson 04 (change of variables, affine coupling) and lesson 05 (toroids, the cumulative mass function $F(r)$, the shuffled control).
#
# **Time** about 100 minutes. All cells together compute for less than 20 s.
#
# | Task | Points | Minutes |
# |---|---|---|
# | 1. Write down the density of a volume | 2 | 10 |
# | 2. Build a layer that can be inverted | 4 | 20 |
# | 3. Count in toroids of equal volume | 3 | 20 |
# | 4. Read a gel that is heated | 2 | 10 |
# | 5. Ask four models whether they listen | 5 | 25 |
# | 6. Say why nobody noticed | 4 | 15 |
#
# Enter the name of your folder. All your numbers follow from it, so run everything again after a change.

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import matplotlib.pyplot as plt
import numpy as np
import torch

from helpers.common import plotting
from helpers.course import students
from helpers.microgels import clouds, density, softpointflow
from helpers.microgels.widgets import GelExplorer, flow_weights

plotting.use_style()
rng = students.rng(STUDENT_ID, "a03")

gel, other_gel = (int(number) for number in 2 + rng.choice(11, 2, replace=False))  # task 4
cold_C, hot_C = int(rng.integers(21, 25)), int(rng.integers(48, 54))  # task 4, degC
r0_nm, h = rng.uniform(80, 160), rng.uniform(0.15, 0.25)  # task 1
first, second = rng.standard_normal((3, 8)), 0.3 * rng.standard_normal((8, 4))  # task 2
cloud_nm = clouds.simulate(rng.uniform(33, 37), 1, rng, 4000)[0] + rng.uniform(-900, 900, 3)  # task 3
temperatures_C = np.repeat([21, 33, 35, 38, 43, 53], 120)  # task 5
gels_nm = np.array([clouds.simulate(T, 1, rng, 100)[0] for T in temperatures_C])  # (720, 100, 3)

# %% [markdown]
# ## 1. Write down the density of a volume (2 points, 10 minutes)
#
# Radii of particles are often log-normal: $r = r_0\,e^{h z}$ with $z$ standard normal. But an instrument that weighs particles sees volumes, $v = \tfrac43 \pi r^3$. The density of $v$ is not the density of $r$ at the same particle: on the way from $z$ to $v$ the axis is stretched twice.
#
# Write `log_density`. It returns the natural logarithm of $p(v)$, a density per nm³. The self-checks look at the shape and at the order of magnitude. The hidden tests double $r_0$, add the density up, and take its mean.


# %% nbgrader={"grade_id": "volume", "solution": true}
def log_density(v_nm3, r0_nm, h):
    """Return log p(v), natural logarithm, p in 1/nm^3, in the shape of v_nm3.

    v_nm3: volumes in nm^3, an array of any shape; r0_nm: median radius in nm; h: standard deviation of log r.
    """
    ### BEGIN SOLUTION
    z = np.log(np.cbrt(3 * v_nm3 / (4 * np.pi)) / r0_nm) / h
    return -(z**2) / 2 - np.log(2 * np.pi) / 2 - np.log(3 * h * v_nm3)  # dz/dv = 1 / (3 h v)
    ### END SOLUTION


# %% nbgrader={"grade_id": "volume-tests", "grade": true, "points": 1, "locked": true}
_v = 4 / 3 * np.pi * r0_nm**3 * np.exp(np.linspace(-1, 1, 12)).reshape(3, 4)
_mine = np.asarray(log_density(_v, r0_nm, h))
assert _mine.shape == (3, 4), f"one value per volume is wanted, shape (3, 4), yours has the shape {_mine.shape}"
assert np.isfinite(_mine).all(), "the log-density must be finite at every positive volume"
assert not ((_mine > 0) & (_mine < 1e-3)).all(), "the logarithm is wanted, near -16; this is the density itself"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_r, _h = _rng.uniform(50, 200), _rng.uniform(0.1, 0.3)
_v = 4 / 3 * np.pi * _r**3 * np.exp(_rng.uniform(-0.3, 0.3, 20))
_fall = np.asarray(log_density(8 * _v, 2 * _r, _h)) - np.asarray(log_density(_v, _r, _h))
_words = "double every radius, and each nm^3 holds one eighth of the particles: log p must fall by log 8"
assert not np.allclose(_fall, 0), f"{_words}; yours does not change: the stretch dz/dv is missing"
assert not np.allclose(_fall, np.log(8)), f"{_words}; yours rises by it: the log-determinant has the wrong sign"
assert not np.allclose(_fall, -np.log(2)), f"{_words}; yours falls by log 2: it is a density per nm of radius"
assert not np.allclose(_fall, -np.log10(8)), f"{_words}; yours falls by log10(8): take the natural logarithm"
assert np.allclose(_fall, -np.log(8), atol=1e-4), f"{_words}; yours changes by {_fall.mean():.3f}"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "volume-tests-2", "grade": true, "points": 1, "locked": true}
_v = np.linspace(0.01, 20, 40_000) * 4 / 3 * np.pi * r0_nm**3
_p = np.exp(np.asarray(log_density(_v, r0_nm, h), float))
assert np.isfinite(_p).all(), "exp(log p) must be finite: a density has no poles here"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _h in _rng.uniform(0.1, 0.3, 3):
    _r = _rng.uniform(50, 200)
    _v = 4 / 3 * np.pi * _r**3 * np.exp(3 * _h * np.linspace(-8, 8, 4001))
    _p = np.exp(np.asarray(log_density(_v, _r, _h), float))
    _mass = np.trapezoid(_p, _v)
    assert abs(_mass - 1) < 1e-3, f"a density has mass 1, yours has {_mass:.3g} for h = {_h:.2f}: look at dz/dv"
    _mean, _expected = np.trapezoid(_v * _p, _v), 4 / 3 * np.pi * _r**3 * np.exp(4.5 * _h**2)
    assert abs(_mean / _expected - 1) < 1e-3, (
        f"the mean volume is that of r0 times exp(9 h^2 / 2), yours is {_mean / _expected:.3f} of it: look at z"
    )
### END HIDDEN TESTS

# %% [markdown]
# Your density on volumes that were drawn by the recipe. On a linear axis a histogram is a density per nm³; on a logarithmic axis it would not be.

# %% nbgrader={"grade_id": "volume-figure", "locked": true}
drawn_nm3 = 4 / 3 * np.pi * (r0_nm * np.exp(h * np.random.default_rng(1).standard_normal(20_000))) ** 3
at_nm3 = np.linspace(0.02, 6, 400) * 4 / 3 * np.pi * r0_nm**3
fig, ax = plotting.figure(1, 1, 5.5, 3.2)
ax.hist(drawn_nm3, bins=np.linspace(0, at_nm3[-1], 60), density=True, color="#c9c9c9", label="drawn")
ax.plot(at_nm3, np.exp(log_density(at_nm3, r0_nm, h)), **plotting.role("theory", label="your density"))
ax.set(xlabel="volume (nm³)", ylabel="density (1/nm³)")
ax.legend()
plt.show()

# %% [markdown]
# ## 2. Build a layer that can be inverted (4 points, 20 minutes)
#
# A coupling layer leaves the first axes alone, $\boldsymbol z_1 = \boldsymbol x_1$. A network reads $\boldsymbol x_1$ and the condition $c$, and says how to shift and scale the others:
#
# $$ \boldsymbol z_2 = (\boldsymbol x_2 - \boldsymbol t)\,e^{-\boldsymbol a}, \qquad (\boldsymbol t, \boldsymbol a) = \mathrm{network}(\boldsymbol x_1, c). $$
#
# Write both directions in numpy, and $\log\lvert\det \partial \boldsymbol z/\partial \boldsymbol x\rvert$ for every point. The first `d // 2` of the `d` axes stay. The layer must work for any network of this kind and any `d` from 2 on. The network below, with your numbers, is for `d = 4`. The self-checks see whether the layer comes back. The hidden tests bring their own networks, and compute the determinant from differences.


# %% nbgrader={"grade_id": "network", "locked": true}
def my_network(kept, c):
    """Return shift and log-scale (n, 2) of the moved axes, from the kept ones (n, 2) and the condition c (n, 1)."""
    shift, raw = np.split(np.tanh(np.concatenate([kept, c], axis=1) @ first) @ second, 2, axis=1)
    return shift, 2 * np.tanh(raw / 2)


some_x, some_c = np.random.default_rng(2).standard_normal((6, 4)), np.random.default_rng(3).random((6, 1))


# %% nbgrader={"grade_id": "coupling", "solution": true}
def forward(x, c, network):
    """Return z (n, d) and log |det dz/dx| (n,) for points x (n, d) under the condition c (n, 1).

    network(kept, c) returns shift and log-scale, each (n, d - d // 2), from the first d // 2 axes, kept (n, d // 2).
    """
    ### BEGIN SOLUTION
    kept, moved = np.split(x, [x.shape[1] // 2], axis=1)
    shift, log_scale = network(kept, c)
    return np.concatenate([kept, (moved - shift) * np.exp(-log_scale)], axis=1), -log_scale.sum(axis=1)
    ### END SOLUTION


def inverse(z, c, network):
    """Return the points x (n, d) that forward(x, c, network) maps to z (n, d)."""
    ### BEGIN SOLUTION
    kept, moved = np.split(z, [z.shape[1] // 2], axis=1)
    shift, log_scale = network(kept, c)
    return np.concatenate([kept, moved * np.exp(log_scale) + shift], axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "coupling-tests", "grade": true, "points": 2, "locked": true}
_z, _ = forward(some_x.copy(), some_c, my_network)
assert _z.shape == (6, 4), f"z must have the shape of x, (6, 4), yours has {_z.shape}"
assert np.allclose(_z[:, :2], some_x[:, :2]), "the first d // 2 axes must stay as they are"
assert np.allclose(inverse(_z, some_c, my_network), some_x, atol=1e-4), (
    "the way back must end where the way there began: undo its steps in the opposite order, with the same t and a"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _d in (2, 3, 5):
    _first, _second = _rng.standard_normal((_d // 2 + 1, 6)), 0.5 * _rng.standard_normal((6, 2 * (_d - _d // 2)))

    def _network(kept, c, first=_first, second=_second):
        assert kept.shape[1] == len(first) - 1, "the network reads the first d // 2 axes, and no others"
        return np.split(np.tanh(np.concatenate([kept, c], axis=1) @ first) @ second, 2, axis=1)

    _x, _c = _rng.standard_normal((50, _d)), _rng.random((50, 1))
    _z, _ = forward(_x.copy(), _c, _network)
    assert np.allclose(_z[:, : _d // 2], _x[:, : _d // 2]), f"the first d // 2 axes must stay, also for d = {_d}"
    assert np.allclose(inverse(_z.copy(), _c, _network), _x, atol=1e-4), f"inverse(forward(x)) is not x for d = {_d}"
    _t, _a = _network(_x[:, : _d // 2], _c)
    _moved, _wanted = _z[:, _d // 2 :], (_x[:, _d // 2 :] - _t) * np.exp(-_a)
    assert not np.allclose(_moved, _wanted * np.exp(2 * _a), atol=1e-4), (
        "the way to z divides by the scale e^a; yours multiplies"
    )
    assert not np.allclose(_z, forward(_x.copy(), _c + 1, _network)[0]), (
        "another condition c must give another z: show c to the network"
    )
    assert np.allclose(_moved, _wanted, atol=1e-4), "z2 = (x2 - t) exp(-a): shift first, then divide by e^a"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "coupling-tests-2", "grade": true, "points": 2, "locked": true}
_, _logdet = forward(some_x.copy(), some_c, my_network)
assert np.shape(_logdet) == (6,), f"every point has its own determinant: 6 numbers are wanted, not {np.shape(_logdet)}"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _d in (2, 3, 5):
    _first, _second = _rng.standard_normal((_d // 2 + 1, 6)), 0.5 * _rng.standard_normal((6, 2 * (_d - _d // 2)))

    def _network(kept, c, first=_first, second=_second):
        return np.split(np.tanh(np.concatenate([kept, c], axis=1) @ first) @ second, 2, axis=1)

    _x, _c, _step = _rng.standard_normal((20, _d)), _rng.random((20, 1)), 1e-2
    _moves = [(forward(_x + s, _c, _network)[0] - forward(_x - s, _c, _network)[0]) for s in _step * np.eye(_d)]
    _exact = np.linalg.slogdet(np.stack(_moves, axis=2) / (2 * _step))[1]
    _logdet = np.asarray(forward(_x.copy(), _c, _network)[1])
    assert not np.allclose(_logdet, -_exact, atol=5e-3), (
        "your log-determinant is that of dx/dz: z shrinks where the scale is large, so the sign is minus"
    )
    assert not (_d > 2 and np.allclose(_logdet * (_d - _d // 2), _exact, atol=5e-3)), (
        "your log-determinant is a mean over the axes: factors of volume multiply, so logarithms add up"
    )
    assert np.allclose(_logdet, _exact, atol=5e-3), (
        f"your log-determinant is not that of differences of your z, off by up to {np.abs(_logdet - _exact).max():.2g}"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Count in toroids of equal volume (3 points, 20 minutes)
#
# The original counts in rings of equal *width*. The innermost ring then has a small volume and few counts, so the density on the axis is the noisiest of all. Take rings of equal *volume*: every toroid then holds as many localisations where the density is the same.
#
# Write `equal_toroids` for a cylinder of radius `reach_nm`, from `-reach_nm` to `+reach_nm` along $z$, about the per-axis median of the cloud. It is cut into `n_rings` rings of equal volume and `n_slabs` slabs of equal height. Return the edges of the rings and the density in localisations per nm³ (not divided by $N$). Localisations outside of the cylinder belong to no toroid.
# The self-checks look at shapes and ends. The hidden tests get the localisations back from your density, move and stretch the cloud, and fill the cylinder evenly.


# %% nbgrader={"grade_id": "toroids", "solution": true}
def equal_toroids(points_nm, reach_nm, n_rings, n_slabs):
    """Return edges in nm (n_rings + 1,), from 0 to reach_nm, and the density (n_rings, n_slabs) in 1/nm^3.

    points_nm: a cloud (N, 3) of x, y, z in nm, anywhere in space.
    """
    ### BEGIN SOLUTION
    x, y, z = (points_nm - np.median(points_nm, axis=0)).T
    edges = reach_nm * np.sqrt(np.arange(n_rings + 1) / n_rings)
    slabs = np.linspace(-reach_nm, reach_nm, n_slabs + 1)
    counts, _, _ = np.histogram2d(np.hypot(x, y), z, bins=(edges, slabs))
    volume = np.pi * reach_nm**2 * 2 * reach_nm / (n_rings * n_slabs)
    return edges, counts / volume
    ### END SOLUTION


# %% nbgrader={"grade_id": "toroids-tests", "grade": true, "points": 1, "locked": true}
_edges, _density = equal_toroids(cloud_nm.copy(), 300.0, 6, 10)
assert np.shape(_edges) == (7,), f"6 rings have 7 edges, yours have the shape {np.shape(_edges)}"
assert np.shape(_density) == (6, 10), f"6 rings and 10 slabs are wanted, shape (6, 10), yours is {np.shape(_density)}"
assert np.isclose(_edges[0], 0), "the innermost ring begins on the axis, at 0 nm"
assert np.isclose(_edges[-1], 300), "the outermost ring ends at reach_nm"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
for _n in _rng.integers(3, 12, 3):
    _reach = _rng.uniform(200, 500)
    _edges = np.asarray(equal_toroids(100 * _rng.standard_normal((100, 3)), _reach, int(_n), 4)[0])
    _widths, _areas = np.diff(_edges), np.diff(_edges**2)
    assert not np.allclose(_widths, _widths[0]), (
        f"your rings have equal width, so the outermost holds {_areas[-1] / _areas[0]:.0f} times the innermost"
    )
    assert not np.allclose(np.diff(_edges**3), _edges[-1] ** 3 / _n), (
        "your edges cut a ball into equal shells; rings of one height need equal areas, r^2"
    )
    assert np.allclose(_areas, _reach**2 / _n, rtol=1e-3), "the areas between your edges are not equal"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "toroids-tests-2", "grade": true, "points": 2, "locked": true}
_, _density = equal_toroids(cloud_nm.copy(), 300.0, 6, 10)
assert (np.asarray(_density) >= 0).all(), "a density is not negative"
assert np.sum(_density) > 0, "no localisation was counted: centre the cloud on every axis"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_reach, _rings, _slabs = _rng.uniform(200, 300), int(_rng.integers(4, 8)), int(_rng.integers(5, 9))
_volume = np.pi * _reach**2 * 2 * _reach / (_rings * _slabs)
_cloud = clouds.simulate(25, 1, _rng, 1000)[0]
_cloud = np.concatenate([_cloud, -_cloud])  # its median and its mean are the origin
_inside = ((np.hypot(_cloud[:, 0], _cloud[:, 1]) < _reach) & (abs(_cloud[:, 2]) < _reach)).sum()
_found = np.sum(equal_toroids(_cloud.copy(), _reach, _rings, _slabs)[1]) * _volume
_words = f"density times volume, added up, must give the {_inside} of 2000 localisations inside"
assert not np.isclose(_found, 2 * _inside), f"{_words}; yours gives twice as many: the cylinder is 2 reach_nm high"
assert not np.isclose(_found, 1), f"{_words}; yours gives 1: do not divide by N"
assert not np.isclose(_found, 2000), f"{_words}; yours gives all: those outside belong to no toroid"
assert not np.isclose(_found, _inside * _volume), f"{_words}; yours are counts: divide by the volume"
assert np.isclose(_found, _inside, atol=4), f"{_words}; yours gives {_found:.4g}"
_moved = np.sum(equal_toroids(_cloud + 700, _reach, _rings, _slabs)[1]) * _volume
assert np.isclose(_moved, _inside, atol=4), "a gel that lies elsewhere is the same gel: centre the cloud on every axis"
_stray = np.concatenate([_cloud, [[4000.0, 3000.0, -5000.0]] * 60])
_moved = np.sum(equal_toroids(_stray, _reach, _rings, _slabs)[1]) * _volume
assert np.isclose(_moved, _inside, rtol=0.03), "3 % of far localisations must not move the centre: take the median"
_even = _rng.uniform(-1.5, 1.5, (200_000, 3)) * _reach
_even = np.concatenate([_even, -_even])  # its median is the origin
_flat = np.asarray(equal_toroids(_even, _reach, _rings, _slabs)[1])
_expected, _counts = len(_even) / (3 * _reach) ** 3, len(_even) / (3 * _reach) ** 3 * _volume
_low, _high = _flat.min() / _expected, _flat.max() / _expected
assert max(1 - _low, _high - 1) < 7 * np.sqrt(2 / _counts), (
    f"localisations that fill space evenly have one density everywhere, yours runs from {_low:.2f} to {_high:.2f} of it"
)
_tall = _even[np.abs(_even[:, 2] - 0.75 * _reach) < 0.75 * _reach]
_tall = np.concatenate([_tall - [0, 0, 0.5 * _reach], [[0, 0, -1.4 * _reach]] * (len(_tall) // 2)])
_z = _tall[:, 2] - np.median(_tall[:, 2])
_expected = np.histogram(_z[np.hypot(*_tall[:, :2].T) < _reach], _slabs, (-_reach, _reach))[0] / _volume
_found = np.asarray(equal_toroids(_tall, _reach, _rings, _slabs)[1]).sum(axis=0)
assert np.allclose(_found, _expected, rtol=0.05, atol=20 / _volume), (
    "a gel that is denser below than above must stay so: slabs run from -reach_nm (first) to +reach_nm (last)"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Read a gel that is heated (2 points, 10 minutes)
#
# The shipped SoftPointFlow runs in the page. The same gel at every temperature: its latent numbers stay, only the temperature that the model is told changes. The sentence below the pictures gives the radius that holds half of the localisations.

# %% nbgrader={"grade_id": "settings", "locked": true}
print(f"your gel: {gel}, the other one: {other_gel}; cold: {cold_C} °C, hot: {hot_C} °C")

# %% nbgrader={"grade_id": "explorer", "locked": true}
shipped = softpointflow.load("microgels")
(prior, prior_bytes), (decoder, decoder_bytes) = (flow_weights(f) for f in (shipped.prior_flow, shipped.decoder_flow))
GelExplorer(prior=prior, decoder=decoder, data=prior_bytes + decoder_bytes)

# %% [markdown]
# Read off, with the settings printed above, and enter:
#
# - `r_cold_nm`, `r_hot_nm`: the radius of your gel in the cold and in the heat;
# - `r_other_nm`: that of the other gel in the cold;
# - `T_half_C`: the temperature on the slider at which the radius of your gel is nearest to the mean of `r_cold_nm` and `r_hot_nm`;
# - `deswelling`: the factor by which the *volume* that holds half of the localisations falls, from these readings.
#
# The self-checks ask for plausible numbers. The hidden tests compute what the widget shows. A reading may be off by 2 nm, `T_half_C` by 1 °C.

# %% nbgrader={"grade_id": "reading", "solution": true}
### BEGIN SOLUTION
# The widget's own random numbers, so that the answer follows the settings of every student.


def browser_normals(seed, n):
    state = (seed + 0x6D2B79F5 * np.arange(1, n + 1)).astype(np.uint32)
    t = (state ^ (state >> 15)) * (state | 1)
    t ^= t + (t ^ (t >> 7)) * (t | 61)
    a, b = ((t ^ (t >> 14)) + 0.5).reshape(-1, 2).T / 2**32
    return (np.sqrt(-2 * np.log(a)) * [np.cos(2 * np.pi * b), np.sin(2 * np.pi * b)]).T.ravel()


def sentence_nm(T_C, number):
    told = torch.tensor([[float(softpointflow.collapse(T_C))]])
    shape = torch.tensor(browser_normals(1000 + number, shipped.shape_dim), dtype=torch.float32)[None]
    latent = torch.tensor(browser_normals(7, 4500).reshape(1500, 3), dtype=torch.float32)
    with torch.no_grad():
        context = torch.cat([shipped.prior_flow.inverse(shape, told), told, 0 * told], dim=1).expand(1500, -1)
        points = 100 * shipped.decoder_flow.inverse(latent, context).numpy()
    return round(float(np.median(np.linalg.norm(clouds.centred(points), axis=1))))


r_cold_nm, r_hot_nm, r_other_nm = sentence_nm(cold_C, gel), sentence_nm(hot_C, gel), sentence_nm(cold_C, other_gel)
T_half_C = min(range(28, 44), key=lambda T: abs(sentence_nm(T, gel) - (r_cold_nm + r_hot_nm) / 2))
deswelling = (r_cold_nm / r_hot_nm) ** 3
### END SOLUTION

# %% nbgrader={"grade_id": "reading-tests", "grade": true, "points": 1, "locked": true}
for _name, _r in (("r_cold_nm", r_cold_nm), ("r_hot_nm", r_hot_nm), ("r_other_nm", r_other_nm)):
    assert 20 < _r < 500, f"{_name} = {_r} is no radius of a gel in nm"
assert r_cold_nm > r_hot_nm, "a gel of this polymer is larger in the cold than in the heat"
### BEGIN HIDDEN TESTS


def _normals(seed, n):  # those of the page
    _uniform, _state = [], seed
    for _ in range(n):
        _state = (_state + 0x6D2B79F5) % 2**32
        _t = ((_state ^ (_state >> 15)) * (_state | 1)) % 2**32
        _t ^= (_t + (_t ^ (_t >> 7)) * (_t | 61)) % 2**32
        _uniform.append(((_t ^ (_t >> 14)) + 0.5) / 2**32)
    _a, _b = np.reshape(_uniform, (-1, 2)).T
    return (np.sqrt(-2 * np.log(_a)) * [np.cos(2 * np.pi * _b), np.sin(2 * np.pi * _b)]).T.ravel()


_model = softpointflow.load("microgels")
_latent = torch.tensor(_normals(7, 4500).reshape(1500, 3), dtype=torch.float32)


def _shown_nm(T_C, number):
    _told = torch.tensor([[float(softpointflow.collapse(T_C))]])
    _shape = torch.tensor(_normals(1000 + number, 4), dtype=torch.float32)[None]
    with torch.no_grad():
        _context = torch.cat([_model.prior_flow.inverse(_shape, _told), _told, 0 * _told], dim=1).expand(1500, -1)
        _points = 100 * _model.decoder_flow.inverse(_latent, _context).numpy()
    return np.median(np.linalg.norm(clouds.centred(_points), axis=1))


_rng = students.rng(STUDENT_ID, "a03")
_gel, _other = (int(_number) for _number in 2 + _rng.choice(11, 2, replace=False))
_cold, _hot = int(_rng.integers(21, 25)), int(_rng.integers(48, 54))
for _name, _mine, _settings in (
    ("r_cold_nm", r_cold_nm, (_cold, _gel)),
    ("r_hot_nm", r_hot_nm, (_hot, _gel)),
    ("r_other_nm", r_other_nm, (_cold, _other)),
):
    _nm, _at = _shown_nm(*_settings), f"gel {_settings[1]} at {_settings[0]} °C"
    assert abs(_mine / _nm - 2) > 0.25, f"{_name} is a diameter; the sentence gives the radius of {_at}"
    assert abs(_mine - _nm) < 2.6, f"{_name} = {_mine:.0f} nm is not what the widget shows for {_at}"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "reading-tests-2", "grade": true, "points": 1, "locked": true}
assert 20 <= T_half_C <= 55, "T_half_C is a temperature of the slider, 20 to 55 °C"
assert deswelling > 1, "deswelling is a factor larger than 1: the volume in the cold over that in the heat"
### BEGIN HIDDEN TESTS
_nm = {T: _shown_nm(T, _gel) for T in (_cold, _hot, T_half_C - 1, T_half_C + 1)}
_ratio, _middle = _nm[_cold] / _nm[_hot], (_nm[_cold] + _nm[_hot]) / 2
assert abs(T_half_C - (_cold + _hot) / 2) > 1.1 or _nm[T_half_C - 1] > _middle - 2, (
    "T_half_C is the middle of the two temperatures; the radius is half-way at another one: a gel collapses in a step"
)
assert _nm[T_half_C + 1] < _middle + 2, f"at {T_half_C} °C the radius is still above the mean of your two readings"
assert _nm[T_half_C - 1] > _middle - 2, f"at {T_half_C} °C the radius is already below the mean of your two readings"
assert abs(deswelling / _ratio - 1) > 0.2, "deswelling is your ratio of radii: a volume falls by its third power"
assert abs(deswelling / _ratio**2 - 1) > 0.25, "deswelling is your ratio of areas: a volume falls by the third power"
assert abs(deswelling / _ratio**3 - 1) < 0.15, (
    f"deswelling = {deswelling:.3g} is not the third power of the ratio of radii that the widget shows, {_ratio:.2f}"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Ask four models whether they listen (5 points, 25 minutes)
#
# A model that is told a temperature may use it, or not. Here are four models, A to D. Each is *fitted* to gels and their temperatures; `fit(gels_nm, temperatures_C)` returns a function `model(T_C, rng)`, and this returns an array of new gels at that temperature, 200 of 100 localisations, of shape (200, 100, 3). Some models give their gels the size that belongs to the temperature, some the shape, some both, some nothing.

# %% nbgrader={"grade_id": "models", "locked": true}
from functools import partial


def distances_nm(gels_nm):
    """Return the distances (n, N) of the localisations of gels (n, N, 3) from the per-axis median of their gel."""
    return np.linalg.norm(gels_nm - np.median(gels_nm, axis=1, keepdims=True), axis=2)


def sizes_nm(gels_nm):
    """Return the size of each gel (n,): the distance that holds 95 % of its localisations."""
    return np.quantile(distances_nm(gels_nm), 0.95, axis=1)


def size_gap(a_nm, b_nm):
    """Return |log(mean size in a / mean size in b)| of two arrays of gels, 0 for equal sizes."""
    return abs(np.log(sizes_nm(a_nm).mean() / sizes_nm(b_nm).mean()))


def fit(shape_follows, size_follows, gels_nm, temperatures_C, n_new=200):
    """Return model(T_C, rng), which draws shapes and sizes of known gels, near T_C or from all."""
    centred = gels_nm - np.median(gels_nm, axis=1, keepdims=True)
    sizes = np.quantile(np.linalg.norm(centred, axis=2), 0.95, axis=1)[:, None, None]
    shapes = centred / sizes

    def model(T_C, rng):
        near = np.exp(-((np.asarray(temperatures_C) - T_C) ** 2) / 8)
        shares = [near / near.sum() if follows else None for follows in (shape_follows, size_follows)]
        chosen = [rng.choice(len(shapes), n_new, p=share) for share in shares]
        return shapes[chosen[0]] * sizes[chosen[1]]

    return model


kinds = [(True, True), (True, False), (False, True), (False, False)]
order = students.rng(STUDENT_ID, "a03-models").permutation(4)
models = {letter: partial(fit, *kinds[k]) for letter, k in zip("ABCD", order, strict=True)}


# %% [markdown]
# First look: $F(r)$, the share of the localisations within $r$, of gels that the models make at 21 and at 53 °C. Which would you say listen? Where the curves are one, nothing has changed. Where they differ, it may be by size alone.

# %% nbgrader={"grade_id": "models-figure", "locked": true}
fig, axes = plotting.figure(1, 4, 7, 2.6, sharey=True)
for ax, (letter, one) in zip(axes, models.items(), strict=True):
    model = one(gels_nm, temperatures_C)
    for T_C, look in ((21, "classical"), (53, "network")):
        r_nm, F = density.radial_cmf(model(T_C, np.random.default_rng(4)).reshape(-1, 3))
        ax.plot(r_nm, F, **plotting.role(look, marker="", label=f"{T_C} °C"))
    ax.set(title=letter, xlabel="r (nm)", xlim=(0, 450))
axes[0].set(ylabel="F(r), share of localisations")
axes[0].legend(loc="lower right", fontsize=8, handlelength=1.2)
plt.show()

# %% [markdown]
# Eyes are not a test. Write three things.
#
# 1. `shape_gap(a_nm, b_nm)`, the difference of two sets of gels when size is taken away. Take the distances of every gel from its per-axis median, divide them by the size of *this* gel, pool all gels of a set (`distances_nm` and `sizes_nm` above help), and return the largest difference of the two cumulative mass functions.
# 2. `temperature_effect(...)`. The *effect* is the gap between gels that a model makes in the cold and in the heat. It means nothing without a *control*: the same model, fitted to the same gels with their temperatures shuffled, once for every control. What the control shows is chance.
# 3. `follows`, your verdict on `models`, with `gels_nm` and `temperatures_C`, at 21 and 53 °C: a dictionary from the letter to `(shape follows, size follows)`, such as `{"A": (True, True), ...}`. Take 19 shuffles. Say True where the effect is more than twice the largest control: an effect that is only just the largest of twenty happens by chance in one case of twenty.
#
# The self-checks look at types and at a gel compared with itself. The hidden tests use gels whose gap is known, and a `fit` that keeps a diary of what it was given.


# %% nbgrader={"grade_id": "control", "solution": true}
def shape_gap(a_nm, b_nm):
    """Return the largest difference, 0..1, of F(r) of two sets of gels, arrays (n, N, 3), with size taken away."""
    ### BEGIN SOLUTION
    a, b = (np.sort((distances_nm(one) / sizes_nm(one)[:, None]).ravel()) for one in (a_nm, b_nm))
    at = np.concatenate([a, b])
    F_a, F_b = (np.searchsorted(r, at, side="right") / len(r) for r in (a, b))
    return np.abs(F_a - F_b).max()
    ### END SOLUTION


def temperature_effect(fit, gels_nm, temperatures_C, cold_C, hot_C, gap, n_shuffles, rng):
    """Return the effect (a number) and the controls, an array (n_shuffles,).

    fit(gels_nm, temperatures_C) returns model(T_C, rng), which returns new gels; gap(a, b) of two sets is a number.
    gels_nm: gels (n, N, 3); temperatures_C: the temperature of each (n,), an array which must stay as it is.
    """
    ### BEGIN SOLUTION
    told = [temperatures_C, *(rng.permutation(temperatures_C) for _ in range(n_shuffles))]
    fitted = [fit(gels_nm, one) for one in told]
    effect, *controls = [gap(model(cold_C, rng), model(hot_C, rng)) for model in fitted]
    return effect, np.array(controls)
    ### END SOLUTION


### BEGIN SOLUTION
follows = {}
for letter, one in models.items():
    verdict = []
    for gap in (shape_gap, size_gap):
        effect, controls = temperature_effect(
            one, gels_nm, temperatures_C, 21, 53, gap, 19, np.random.default_rng([5, ord(letter)])
        )
        verdict.append(bool(effect > 2 * controls.max()))
    follows[letter] = tuple(verdict)
### END SOLUTION

# %% nbgrader={"grade_id": "control-tests", "grade": true, "points": 2, "locked": true}
_gap = shape_gap(gels_nm[:5], gels_nm[:5])
assert np.ndim(_gap) == 0, "one number is wanted, the largest difference"
assert np.isclose(_gap, 0), f"gels do not differ from themselves, yours by {_gap:.3g}"
### BEGIN HIDDEN TESTS
from scipy import stats as _stats

_rng = np.random.default_rng()
_balls = clouds.fuzzy_sphere(30_000, 100, 0, _rng).reshape(12, 2500, 3)
_normal = _rng.standard_normal((9, 3000, 3)) * 50
_at = np.linspace(0, 3, 3001)
_F = np.minimum(0.95 * _at**3, 1), _stats.chi(3).cdf(_at * _stats.chi(3).ppf(0.95))
_expected, _found = np.abs(_F[0] - _F[1]).max(), shape_gap(_balls, _normal)
assert not np.isclose(_found, np.abs(_F[0] - _F[1])[_at < 1.3].mean(), atol=0.05), (
    f"your gap between balls and normal clouds is {_found:.2f}, a mean difference; the largest is {_expected:.2f}"
)
_larger = _balls * _rng.uniform(1.5, 6, (12, 1, 1))
_words = "every gel grown by its own factor has the same shape"
assert abs(shape_gap(_larger, _normal) - _found) < 0.01, f"{_words}: divide the distances of each gel by its own size"
_elsewhere = _balls + _rng.uniform(-900, 900, (12, 1, 3))
assert abs(shape_gap(_elsewhere, _normal) - _found) < 0.01, "gels lie anywhere: centre each of them on its median"
assert abs(shape_gap(_normal, _balls) - _found) < 1e-3, (
    "the gap of a to b is that of b to a: without the absolute value one sign of the difference is lost"
)
assert abs(_found - _expected) < 0.025, (
    f"balls and normal clouds differ by {_expected:.3f} when size is taken away, yours says {_found:.3f}"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "control-tests-2", "grade": true, "points": 2, "locked": true}
_effect, _controls = temperature_effect(
    models["A"], gels_nm, temperatures_C.copy(), 21, 53, size_gap, 3, np.random.default_rng(6)
)
assert np.ndim(_effect) == 0, "the effect is one number"
assert np.shape(_controls) == (3,), f"three shuffles give three controls, yours have the shape {np.shape(_controls)}"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng()
_told = np.repeat([21.0, 33.0, 35.0, 38.0, 43.0, 53.0], 10)[_rng.permutation(60)]
_slope = _rng.uniform(1, 3)
_gels, _diary, _asked = np.array([np.full((5, 3), _slope * T) for T in _told]), [], []


def _line(gels, told):  # a straight line through size against temperature
    _sizes = np.array([np.mean(one) for one in gels])
    _diary.append((_sizes, np.array(told, float)))
    _k, _number = np.polyfit(np.array(told, float), _sizes, 1)[0], len(_diary)

    def _model(T_C, rng):
        _asked.append((_number, float(T_C)))
        return np.full((1, 5, 3), _k * T_C)

    return _model


_given = _told.copy()
_effect, _controls = temperature_effect(
    _line, _gels, _given, 22, 50, lambda a, b: abs(float(np.mean(a) - np.mean(b))), 4, np.random.default_rng(7)
)
assert np.array_equal(_given, _told), "the temperatures that were handed over are shuffled afterwards: work on a copy"
assert {T for _, T in _asked} == {22.0, 50.0}, (
    "shuffle what the model is fitted to, not what it is asked: every model is asked for cold_C and hot_C"
)
assert len(_diary) >= 5, f"each control is fitted again, five fits in all; yours has {len(_diary)}"
_true = [np.allclose(_sizes, _slope * T) for _sizes, T in _diary]
assert any(_true), "one model must be fitted to the true temperatures"
assert sum(_true) < 5, "in your controls every gel still carries its own temperature: shuffle temperatures, not gels"
assert all(np.array_equal(np.sort(T), np.sort(_told)) for _, T in _diary), (
    "a shuffle keeps how many gels each temperature has; yours draws temperatures anew"
)
assert len({tuple(_s / _slope - T) for _s, T in _diary}) == len(_diary), "every control needs a shuffle of its own"
assert np.isclose(_effect, 28 * _slope), (
    f"the effect of a model that follows is {28 * _slope:.0f} here, not {_effect:.3g}"
)
assert np.max(_controls) < 0.9 * _effect, "the controls of a model that follows are small beside its effect"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "control-tests-3", "grade": true, "points": 1, "locked": true}
assert set(follows) == set("ABCD"), "follows has the keys A, B, C and D"
assert all(len(_pair) == 2 for _pair in follows.values()), "each verdict is a pair: (shape follows, size follows)"
### BEGIN HIDDEN TESTS
_order = students.rng(STUDENT_ID, "a03-models").permutation(4)
_true = dict(
    zip("ABCD", [[(True, True), (True, False), (False, True), (False, False)][k] for k in _order], strict=True)
)
_mine = {letter: tuple(bool(one) for one in pair) for letter, pair in follows.items()}
_size_only = next(letter for letter, pair in _true.items() if pair == (False, True))
assert not all(_mine[letter] == _true[letter][::-1] for letter in _true), (
    "the first of a pair is shape, the second size"
)
assert not _mine[_size_only][0], f"the gels of {_size_only} change in size alone: take the size away before you compare"
assert _mine == _true, f"not all four verdicts are right; look again at {[k for k in _true if _mine[k] != _true[k]]}"
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Say why nobody noticed (4 points, 15 minutes)
#
# The published model of microgels was said to be told the temperature, and its clouds did shrink when heated. Write about 150 words, in four steps.
#
# (a) What was done with the temperature in the code, and why could it not change the other points? (b) Why did the clouds shrink all the same, and which of your four models behaves like this? (c) Name a test on clouds alone that would have shown it, with the result that you expect for the model and for its control. (d) Why does neither the falling loss nor a small distance of $F(r)$, with each cloud stretched to its real gel, show it?

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# (a) The temperature was appended to the cloud as one more point, $(\vartheta, \vartheta, \vartheta)$, and by a slip always that of 21 °C. The flow transforms points one by one, so no point sees another: the derivative of all other points with respect to the extra one is zero. (b) Each generated cloud was stretched afterwards to the box of a real gel of that temperature. Size came from the data, not from the model. The model of task 5 whose size follows and whose shape does not behaves like this. (c) Take size away and compare gels made at 21 and at 53 °C: the largest difference of $F$. A model that listens gives a large gap, as between real gels; fitted to shuffled temperatures, the same model gives a gap of chance. For the published model both are of chance. (Also right: the same latent numbers at two temperatures must give two clouds; or a held-out gel must be less probable at a wrong temperature; or the derivative with respect to the temperature.) (d) The loss falls because the model learns the mean cloud of all temperatures; nothing in it says how much came from the temperature. And $F(r)$ after stretching has the size of the real gel put in by hand, so a small distance is partly given, and the remaining difference of shape was never compared with a control.
#
# **Marking scheme.** 1 point for (a): an extra point and points treated one by one (half a point for one of the two). 1 point for (b): stretched afterwards to real gels, and the letter of the model with size only. 1 point for (c): a test that can fail, with both expected results; half a point for a test without a control. 1 point for (d): the loss can fall by learning the mean cloud, and the size was put in by the stretch (half a point each).

# %% [markdown]
# ## How marks are given
#
# Tasks 1 to 5 (16 points) are marked by the tests, the visible ones and some that you see in the feedback only. Every cell of tests is marked by itself, so half a task can earn points. Task 6 (4 points) is marked by hand. The last cell gives no points; it looks whether Python and the helpers are as they were installed. Before you hand in: restart the kernel and run all cells.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
