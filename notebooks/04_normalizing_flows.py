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
#     full: the same cells with longer trainings, 6 minutes
#     question: How do I write down a density that I can sample?
#     quick_cpu_s: 55
#     title: Normalizing flows
# ---

# %% [markdown]
# # Write down a density that you can sample
#
# **The question.** Lesson 03 ended with a distribution of one number. A microgel is a cloud of thousands of points in space. How do I write down a density of points that I can evaluate, fit to data, and sample?
#
# **You will do.** Bend a simple density into a complicated one and keep track of volume. Take five invertible layers apart, test each of them at once, and train chains of them. Then meet data that fill no volume, where the likelihood breaks.
#
# **You will learn.** The change of variables. Why layers are built so that their determinant is cheap. What a continuous flow is. What SoftFlow repairs, and what it does not.
#
# **You need.** Derivatives of functions of several variables, and {doc}`03_reading_diffusion_from_movies` for the negative log-likelihood.
#
# **Time.** Quick: about 55 CPU seconds. Full: about 6 minutes.

# %% tags=["parameters"]
PROFILE = "quick"
SEED = 0

# %%
import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
import zuko

# %%
from helpers.common import plotting, profiles, results, training
from helpers.common.claims import claim
from helpers.common.plotting import role
from helpers.microgels import continuous, flow_plots, flow_records, flows, softflow, splines, toys
from helpers.microgels.widgets import FlowWarp, flow_weights

# %%
profile = profiles.get(PROFILE)
rng = np.random.default_rng(SEED)
generator = torch.Generator().manual_seed(SEED)

# %% [markdown]
# ## 1. The change of variables
#
# Sizes of particles are often log-normal: $x = x_0\, e^{h z}$ with $z$ standard normal. To sample $x$, draw $z$ and apply the formula. To find its density, go back from $x$ to $z$, and do not forget that the map stretches. A piece $dz$ with probability $p(z)\,dz$ becomes a piece $dx$ with the *same* probability:
#
# ```{math}
# :label: eq-change
# p(x) = p(z) \left|\frac{dz}{dx}\right|, \qquad \log p(\boldsymbol x) = \log p(\boldsymbol z) + \log\left|\det\frac{\partial \boldsymbol z}{\partial \boldsymbol x}\right| .
# ```
#
# On the left in one dimension, on the right in any. Where the map stretches, the density is diluted.

# %%
x0, h = 120.0, 0.35  # nm, 1
radius = x0 * np.exp(h * rng.standard_normal(profile.pick(quick=20_000, full=200_000)))
at = np.linspace(1, 500, 2000)
z = np.log(at / x0) / h
base = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
density = base / (h * at)  # dz/dx = 1 / (h x)

# %% mystnb={"image": {"alt": "Histogram of log-normal radii with its density on top; the curve without the slope, scaled to the same height, has its peak at 120 instead of 106 nanometres."}, "figure": {"name": "fig-one-dimension", "caption": "A density must be divided by the stretch. Histogram of sampled radii, the density with the slope of the map (dashed), and without it, scaled to the same height: its peak stands in the wrong place."}}
flow_plots.one_dimension(radius, at, density, base * density.max() / base.max())
plt.show()

# %%
claim(
    "one-dimension-mass", measured=np.trapezoid(density, at), expected=1, tolerance=0.002, source="a density has mass 1"
)
mean = x0 * np.exp(h**2 / 2)  # of a log-normal number
claim("one-dimension-mean", measured=np.trapezoid(at * density, at), expected=mean, tolerance=0.5, unit="nm")
error = radius.std() / radius.size**0.5
claim("sampled-mean", measured=radius.mean(), expected=mean, tolerance=4 * error, unit="nm", source="x₀ exp(h²/2)")

# %% [markdown]
# In two dimensions the stretch is an area. Take the map $x_1 = z_1$, $x_2 = z_2\, e^{z_1/2} + z_1^2/2$. Its inverse is $z_2 = (x_2 - x_1^2/2)\, e^{-x_1/2}$, and the determinant of $\partial \boldsymbol z/\partial \boldsymbol x$ is $e^{-x_1/2}$. So areas must grow by $e^{z_1/2}$ from left to right. We measure this with small squares.


# %%
def bend(z):
    return np.stack([z[..., 0], z[..., 1] * np.exp(z[..., 0] / 2) + z[..., 0] ** 2 / 2], axis=-1)


def area(polygon):
    x, y = polygon[..., 0], polygon[..., 1]
    return np.abs((x * np.roll(y, -1, axis=-1) - y * np.roll(x, -1, axis=-1)).sum(axis=-1)) / 2


side = np.linspace(0, 0.25, 12, endpoint=False)
flat = np.zeros(12)
outline = np.concatenate(
    [np.stack(p, axis=1) for p in ((side, flat), (flat + 0.25, side), (0.25 - side, flat + 0.25), (flat, 0.25 - side))]
)
corners = np.stack(np.meshgrid(np.linspace(-1, 0.75, 8), np.linspace(-1, 0.75, 8)), axis=-1).reshape(-1, 1, 2)
squares = corners + outline

# %% mystnb={"image": {"alt": "A chessboard of squares, and the same board bent into a fan: squares on the left are flat, on the right they are tall."}, "figure": {"name": "fig-squares", "caption": "A flow bends the plane. Squares of equal area in the latent plane (left) and where the map carries them (right): flat on the left, tall on the right. This is $f^{-1}$, the way of the samples."}}
flow_plots.bent_squares(squares, bend(squares))
plt.show()

# %%
grown = area(bend(squares)) / area(squares)
middle = corners[:, 0, 0] + 0.125
expected_growth = np.exp(middle / 2)
error = np.abs(grown / expected_growth - 1).max()
claim("area", measured=error, at_most=0.01, source="measured growth of area / |det| in the middle of each square")

# %% [markdown]
# ## 2. Layers that can be inverted
#
# A {term}`normalizing flow` is a chain of such maps, $\boldsymbol z = f(\boldsymbol x)$, from data to standard normal numbers. (Papers that write $f$ from $\boldsymbol z$ to $\boldsymbol x$ have a minus in front of the log-determinant. It is the same density.) Each layer must be easy to invert, and its determinant must be cheap: for a general matrix of $d$ axes it costs $d^3$ operations, and for a general network there is no inverse at all. A layer may also read a number $c$ that is given and not transformed, a *condition*; then the flow gives $p(\boldsymbol x \mid c)$. We need it in section 5.
#
# Every layer has to pass the same three tests, at once and not at the end: the inverse brings back $\boldsymbol x$; the log-determinant is that of the derivatives which `torch` computes; the density has mass 1.


# %%
def awake(build, dim, dtype=torch.float64, size=0.08):
    block = training.initialise(partial(build, dim), SEED)
    for parameter in block.parameters():  # away from the identity, where every mistake would be hidden
        parameter.data += size * torch.randn(parameter.shape, generator=generator)
    return block.to(dtype)


def errors_of(block, dtype, n=100):
    x = 1.5 * torch.randn(n, 3, generator=generator, dtype=dtype)
    c = torch.rand(n, 1, generator=generator, dtype=dtype)
    z, logdet = block(x, c)
    derivatives = [
        torch.autograd.functional.jacobian(lambda a, c=b: block(a[None], c[None])[0][0], x_)
        for x_, b in zip(x, c, strict=True)
    ]
    exact = torch.linalg.slogdet(torch.stack(derivatives))[1]
    return [float(error.detach().abs().max()) for error in (block.inverse(z, c) - x, logdet - exact)]


# %%
line = torch.linspace(-8, 8, 241, dtype=torch.float64)
square = torch.cartesian_prod(line, line)


def check_layer(name, build, inverse_64=1e-10):
    for digits, dtype, most in ((32, torch.float32, (1e-4, 1e-5)), (64, torch.float64, (inverse_64, 1e-10))):
        inverse, logdet = errors_of(awake(build, 3, dtype), dtype)
        claim(f"inverse-{name}-{digits}", measured=inverse, at_most=most[0], source="largest |f⁻¹(f(x)) - x|")
        claim(f"logdet-{name}-{digits}", measured=logdet, at_most=most[1], source="determinant from autograd")
    with torch.no_grad():
        z, logdet = awake(build, 2)(square, torch.ones(len(square), 1, dtype=torch.float64))
    mass = float((flows.standard_normal(z) + logdet).exp().sum() * (line[1] - line[0]) ** 2)
    claim(f"mass-{name}", measured=mass, expected=1, tolerance=0.01, source="sum over the plane")


# %% [markdown]
# **ActNorm** shifts and scales every axis: $z_i = (x_i - m_i)\, e^{-a_i}$, so $\log\lvert\det\rvert = -\sum_i a_i$.

# %%
x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
norm = awake(flows.ActNorm, 3)
assert torch.allclose((x - norm.shift) * torch.exp(-norm.log_scale), norm(x)[0])
assert torch.allclose(-norm.log_scale.sum(), norm(x)[1][0])
check_layer("actnorm", flows.ActNorm)

# %% [markdown]
# **Linear** mixes the axes by a matrix $W = P\,T\,(U + \mathrm{diag}\,\lambda)$ {cite}`kingma2018`. $P$ permutes. $T$ is lower triangular with ones on its diagonal, $U$ is upper triangular with zeros there. So $\lvert\det W\rvert = \prod_i \lvert\lambda_i\rvert$, and the inverse takes two triangular systems.

# %%
linear = awake(flows.InvertibleLinear, 3)
lower = linear.lower.tril(-1) + torch.eye(3)
upper = linear.upper.triu(1) + torch.diag(linear.sign * linear.log_scale.exp())
W = linear.permutation @ lower @ upper
assert torch.allclose(x @ W.T, linear(x)[0])
assert torch.allclose(torch.linalg.slogdet(W)[1], linear(x)[1][0])
check_layer("linear", flows.InvertibleLinear)

# %% [markdown]
# **Affine coupling** {cite}`dinh2017` leaves some of the axes alone, $\boldsymbol z_1 = \boldsymbol x_1$. A network of any kind reads $\boldsymbol x_1$ and says how to shift and scale the others. The network is never inverted: the inverse can read $\boldsymbol x_1$ as well. The matrix of derivatives is triangular, so its determinant is the product of the scales.

# %%
coupling = awake(partial(flows.AffineCoupling, context_dim=1), 3)
c = torch.rand(5, 1, generator=generator, dtype=torch.float64)  # the condition; the network sees it, too
kept, moved = x[:, :1], x[:, 1:]
shift, raw = coupling.network(torch.cat([kept, c], dim=1)).chunk(2, dim=1)
a = 3 * torch.tanh(raw / 3)  # keeps the scales between e^-3 and e^3
z = torch.cat([kept, (moved - shift) * torch.exp(-a)], dim=1)
assert torch.allclose(z, coupling(x, c)[0])
assert torch.allclose(-a.sum(dim=1), coupling(x, c)[1])
check_layer("coupling", partial(flows.AffineCoupling, context_dim=1))

# %% [markdown]
# An {term}`autoregressive` layer goes further: axis $i$ is shifted and scaled by functions of *all* axes before it {cite}`papamakarios2017`. Masks in the network see to that, so one pass gives all parameters. The way back takes $d$ passes, one axis after the other, because $x_2$ needs $x_1$ first. In three dimensions this costs little.

# %%
layer = awake(partial(flows.AutoregressiveAffine, context_dim=1), 3)
z, logdet = layer(x, c)
back = torch.zeros_like(z)
for axis in range(3):
    shift, raw = layer.network(torch.cat([back, c], dim=1)).reshape(5, 3, 2).unbind(dim=2)
    back[:, axis] = z[:, axis] * torch.exp(3 * torch.tanh(raw[:, axis] / 3)) + shift[:, axis]
assert torch.allclose(back, x)
assert torch.allclose(back, layer.inverse(z, c))
check_layer("autoregressive", partial(flows.AutoregressiveAffine, context_dim=1))

# %% [markdown]
# Shift and scale are a straight line per axis. A **spline** is a bent one: between $-4$ and $4$ a monotone curve through $K + 1$ knots, made of ratios of parabolas {cite}`durkan2019`. Such a piece has a closed inverse (a quadratic equation) and a closed slope. A network gives it $3K - 1$ numbers: $K$ widths and $K$ heights of the pieces, and the slopes at the $K - 1$ inner knots; at both ends the slope is 1.

# %%
numbers = 0.5 * torch.randn(3 * 8 - 1, generator=generator, dtype=torch.float64)
along = torch.linspace(-5, 5, 1001, dtype=torch.float64)
bent, log_slope = splines.rational_quadratic(along, numbers.expand(1001, -1), bound=4.0)

# %% mystnb={"image": {"alt": "A monotone curve with several bends between minus four and four, straight outside, and beside it its slope, always positive."}, "figure": {"name": "fig-spline", "caption": "One axis through a spline. The curve (left) rises everywhere, so it can be inverted; outside of the knots it is the identity. Right: its slope from the formula, and by differences (dots)."}}
fig, (left, right) = plotting.figure(1, 2, 7, 3.2)
left.plot(along, bent, **role("network", marker=""))
left.plot(along, along, **role("theory"))
left.set(xlabel="x", ylabel="z")
right.plot(along, log_slope.exp(), **role("network", marker="", label="formula"))
by_differences = np.gradient(bent.numpy(), along.numpy())
right.plot(along[::25], by_differences[::25], **role("data", linestyle="", markersize=3, label="differences"))
right.set(xlabel="x", ylabel="slope dz/dx", yscale="log")
right.legend()
plt.show()

# %%
check_layer("spline", partial(flows.AutoregressiveSpline, context_dim=1), inverse_64=1e-8)

# %% [markdown]
# ## 3. A chain of layers, and its training
#
# A coupling alone never moves $\boldsymbol x_1$, so axes must be mixed in between. A *block* here is three layers: ActNorm, a linear layer, and a bent one. Layers follow each other, and their log-determinants add up. Before training, every ActNorm is set from one batch, so that what leaves it has mean 0 and standard deviation 1. To sample, draw $\boldsymbol z$ and go backwards. To train, raise the likelihood of the data: lower $\mathcal L = -\langle \log p(\boldsymbol x)\rangle$.
#
# How good can it get? $\mathcal L$ is at least the {term}`entropy` of the data, and the difference is the {term}`Kullback-Leibler divergence` between data and flow. So we choose data whose density we know: two spirals with a thickness of 0.1, a sum of many small Gaussians. We train three flows on them: affine couplings, our splines, and the spline flow of the library `zuko` {cite}`rozet2022`, which has the same kind of spline layers, and permutations in place of ActNorm and linear layers. Each has four blocks, one seed, and sees the same batches.

# %%
THICK = 0.1
centres = toys.curve("spirals")[::20]


def thick_spirals(n, rng):
    return toys.sample("spirals", n, rng) + THICK * rng.standard_normal((n, 2))


def exact_log_p(points):
    squared = ((points[:, None] - centres) ** 2).sum(axis=2) / THICK**2
    return np.log(np.exp(-squared / 2).mean(axis=1) + 1e-300) - np.log(2 * np.pi * THICK**2)


def thick_batch(rng, step):
    return (torch.as_tensor(thick_spirals(256, rng), dtype=torch.float32),)


test = thick_spirals(profile.pick(quick=2000, full=10_000), rng)
entropy = -exact_log_p(test).mean()
entropy_error = exact_log_p(test).std() / len(test) ** 0.5
print(f"entropy of the data: {entropy:.3f} +- {entropy_error:.3f}")

# %%
n_steps = profile.pick(quick=700, full=6000)
candidates = {
    "affine couplings": partial(flows.stack, "coupling", 2, 4),
    "splines": partial(flows.stack, "spline", 2, 4),
    "zuko's splines": lambda: zuko.flows.NSF(2, transforms=4, hidden_features=(64, 64), randperm=True),
}


def log_prob(model, x):
    return model.log_prob(x) if isinstance(model, flows.Flow) else model().log_prob(x)


def loss(model, x):
    return -log_prob(model, x).mean()


trained, above = {}, {}
for name, build in candidates.items():
    model = training.initialise(build, SEED)
    if isinstance(model, flows.Flow):
        model.initialise(*thick_batch(rng, 0))
    training.fit(model, thick_batch, loss, n_steps=n_steps, learning_rate=5e-3, seed=SEED, label=name)
    with torch.no_grad():
        above[name] = float(-log_prob(model, torch.as_tensor(test, dtype=torch.float32)).mean()) - entropy
    trained[name] = model

# %%
for name, nats in above.items():
    print(f"{name:17s} {nats:.3f} above the entropy")

# %% mystnb={"image": {"alt": "Three maps of log density on the plane: the exact two spirals, the spline flow, which follows them, and affine couplings, a blurred blot."}, "figure": {"name": "fig-densities", "caption": "After this training splines follow the spirals, four affine couplings do not. The exact log density, and what two of the flows have learned of it."}}
axis = np.linspace(-2.5, 2.5, 80)
plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
maps = {"exact": exact_log_p(plane)}
with torch.no_grad():
    for name in ("splines", "affine couplings"):
        maps[name] = log_prob(trained[name], torch.as_tensor(plane, dtype=torch.float32)).numpy()
flow_plots.densities({name: values.reshape(80, 80) for name, values in maps.items()}, reach=2.5)
plt.show()

# %%
drawn = trained["splines"].sample(3000, generator=generator).numpy()
off = toys.distance("spirals", drawn).mean() / toys.distance("spirals", test).mean()
claim(
    "flow-mass",
    measured=np.exp(maps["splines"]).sum() * (axis[1] - axis[0]) ** 2,
    expected=1,
    tolerance=0.03,
    source="sum over the map",
)
claim("flow-above-entropy", measured=above["splines"], at_least=-0.05, source="entropy of the data, 2000 points")
claim("flow-near-entropy", measured=above["splines"], at_most=0.15, source="entropy of the data")
claim("zuko-near-entropy", measured=above["zuko's splines"], at_most=0.2, source="the library's flow, same batches")
claim("samples-near-data", measured=off, at_most=1.5, source="mean distance from the spirals, samples / data")

# %% [markdown]
# ## 4. Flows in continuous time
#
# Let the layers become infinitely many and infinitely thin. Then a point follows a velocity field, $d\boldsymbol x/dt = \boldsymbol v(\boldsymbol x, t)$, from noise at $t = 0$ to data at $t = 1$. The field may come from any network, for paths of a smooth field never cross: the way back is the same equation backwards. Volume changes by the divergence, because $\det(1 + \epsilon J) \approx 1 + \epsilon \operatorname{tr} J$ {cite}`chen2018`:
#
# ```{math}
# :label: eq-instantaneous
# \frac{d \log p(\boldsymbol x(t))}{dt} = -\operatorname{tr}\frac{\partial \boldsymbol v}{\partial \boldsymbol x} .
# ```
#
# Integrated from noise to data, $\log p(\boldsymbol x) = \log p(\boldsymbol z) - \int_0^1 \operatorname{tr}(\partial \boldsymbol v/\partial \boldsymbol x)\, dt$: the log-determinant is minus the integral.
#
# The first test is a field whose solution is known: $\boldsymbol v = A\boldsymbol x$ moves points by $e^{At}$ and changes $\log p$ by $-t \operatorname{tr} A$.

# %%
A = torch.tensor([[0.3, -1.2], [0.9, -0.5]], dtype=torch.float64)


def turning(state, t):
    return continuous.exact_trace(lambda x: x @ A.T, state[0])


start = torch.randn(50, 2, generator=generator, dtype=torch.float64)
moved, total = continuous.runge_kutta(turning, (start, torch.zeros(50, dtype=torch.float64)), 0.0, 1.0, 20)
claim(
    "ode-path",
    measured=float((moved - start @ torch.linalg.matrix_exp(A).T).detach().abs().max()),
    at_most=1e-6,
    source="exp(At)",
)
claim("ode-volume", measured=float((total - A.trace()).detach().abs().max()), at_most=1e-10, source="tr A")

# %% [markdown]
# In $d$ dimensions the trace takes $d$ derivatives. {term}`Hutchinson's estimator` {cite}`hutchinson1989` takes one: for random signs $\boldsymbol u$, $\boldsymbol u^\top J \boldsymbol u$ is $\operatorname{tr} J$ on average, because $\langle u_i u_j\rangle = \delta_{ij}$. It is noisy: its variance is $\sum_{i \ne j} J_{ij}(J_{ij} + J_{ji})$. For a symmetric $J$ this is twice the squared weight beside the diagonal; for an antisymmetric one it is zero.

# %%
n_probes, d = profile.pick(quick=20_000, full=200_000), 20
J = torch.randn(d, d, generator=generator, dtype=torch.float64) / d**0.5
signs = 2.0 * torch.randint(0, 2, (n_probes, d), generator=generator).double() - 1
_, estimates = continuous.hutchinson_trace(lambda x: x @ J.T, torch.zeros_like(signs), signs)
estimates = estimates.detach()
off_diagonal = J - torch.diag(J.diagonal())
deviation = float((off_diagonal * (off_diagonal + off_diagonal.T)).sum().sqrt())
standard_error = deviation / n_probes**0.5
print(f"trace {J.trace():.2f}; mean of all probes {estimates.mean():.2f} +- {standard_error:.2f}")
print(f"standard deviation of one probe {estimates.std():.2f}")
claim(
    "hutchinson-mean",
    measured=float(estimates.mean() - J.trace()),
    expected=0,
    tolerance=4 * standard_error,
    source="tr J",
)
claim(
    "hutchinson-spread",
    measured=float(estimates.std()) / deviation,
    expected=1,
    tolerance=0.06,
    source="its variance in closed form",
)

# %% [markdown]
# One probe says little about one point. It serves in training, where many points and times are averaged.
#
# Still, to train such a flow by its likelihood, one must solve the equation in every step. {term}`Flow matching <flow matching>` {cite}`lipman2023` does not. Take a data point $\boldsymbol x$ and a noise point $\boldsymbol z$, and connect them by a straight line $\boldsymbol x_t = (1 - t)\boldsymbol z + t \boldsymbol x$. On this line the velocity is $\boldsymbol x - \boldsymbol z$. Let the network predict it from $\boldsymbol x_t$ and $t$, uniform in 0 to 1, by least squares. It cannot know which line it is on, so it learns the mean velocity. That is enough: a density changes by the divergence of its current, and the current through a place is the density there times the *mean* velocity. So the mean field moves the whole density as the lines do. The lines cross, its paths do not.


# %%
def matching_loss(block, x, z, t):
    between = (1 - t) * z + t * x
    return ((block.velocity(between, t) - (x - z)) ** 2).sum(dim=1).mean()


def matching_batch(rng, step):
    points = thick_spirals(256, rng), rng.standard_normal((256, 2)), rng.random((256, 1))
    return tuple(torch.as_tensor(part, dtype=torch.float32) for part in points)


block = training.initialise(partial(continuous.ContinuousBlock, 2, hidden=(64, 64, 64), n_steps=30), SEED)
steps = profile.pick(quick=8000, full=40_000)
history = training.fit(
    block, matching_batch, matching_loss, n_steps=steps, learning_rate=5e-3, seed=SEED, label="flow matching"
)
batch = matching_batch(rng, 0)
assert torch.allclose(matching_loss(block, *batch), continuous.flow_matching(block, *batch))

# %%
flowing = flows.Flow([block], 2)
some = torch.as_tensor(test[:1000], dtype=torch.float32)
above["flow matching"] = float(-flowing.log_prob(some).detach().mean() + exact_log_p(test[:1000]).mean())
z, logdet = block(some[:20])
derivatives = [torch.autograd.functional.jacobian(lambda a: block(a[None])[0][0], x_) for x_ in some[:20]]
exact = torch.linalg.slogdet(torch.stack(derivatives))[1]
carried = flowing.sample(3000, generator=generator).numpy()
print(f"flow matching: {above['flow matching']:.3f} above the entropy")
ratio = above["flow matching"] / above["affine couplings"]
claim("matching-beats-couplings", measured=ratio, at_most=0.8, source="above the entropy")
claim(
    "ode-logdet",
    measured=float((logdet - exact).detach().abs().max()),
    at_most=1e-3,
    source="determinant of the whole map, by autograd",
)
claim(
    "ode-inverse",
    measured=float((block.inverse(z) - some[:20]).detach().abs().max()),
    at_most=1e-3,
    source="there and back",
)

# %% mystnb={"image": {"alt": "Three panels of points: the thick spirals of the data, samples of the spline flow, and samples of flow matching, whose inner arms are blurred into a disc."}, "figure": {"name": "fig-flow-samples", "caption": "Flow matching is not there yet. Data, the spline flow of section 3, and flow matching: its outer arms are right, the inner ones have run together."}}
flow_plots.samples({"data": test[:2000], "splines": drawn[:2000], "flow matching": carried[:2000]})
plt.show()


# %%
def seconds(model, objective, given, n):
    start = time.process_time()
    for _ in range(n):
        objective(model, *given).backward()
    return (time.process_time() - start) / n


batch = matching_batch(rng, 0)
step_ms = {
    "flow matching": 1000 * seconds(block, matching_loss, batch, 50),
    "likelihood": 1000 * seconds(flowing, loss, batch[:1], 2),
}
print("one step of training:", ", ".join(f"{name} {ms:.1f} ms" for name, ms in step_ms.items()))
claim(
    "matching-is-cheap",
    measured=step_ms["likelihood"] / step_ms["flow matching"],
    at_least=50,
    source="same network, same batch",
)

# %% [markdown]
# A step of flow matching costs a small part of a likelihood step through the same network. But it takes many: after 8000 of them the flow is farther from the data than the splines after 700. Its loss has no zero, either. The spread of the lines remains unexplained, so the loss cannot be read as a distance from the data.
#
# ## 5. What breaks on thin data
#
# Now take the thickness away. Points on a curve fill no area: their density is infinite on the curve and zero beside it. A flow can squeeze its samples into a band of width $w$ around the curve, and the log-likelihood grows like $\log(1/w)$, without end. The number that training drives down has no floor, and says less and less about how evenly the curve is covered.
#
# {term}`SoftFlow` {cite}`kim2020` gives the floor back. To every point it adds $c\,\boldsymbol g$, with $\boldsymbol g$ standard normal and a random size $c \sim U[0, c_\mathrm{max}]$, and *tells* the flow this size (as $2c/c_\mathrm{max}$). The flow learns a whole family of densities, $\mathcal L_\mathrm{soft} = -\langle \log p(\boldsymbol x + c\,\boldsymbol g \mid c)\rangle$. To sample the curve, ask for $c = 0$.
#
# The floor can be computed if $c$ is small beside all bends and gaps. Then a curve of length $\ell$ with noise $c$ is a band with entropy $\log \ell + \frac12\log(2\pi e c^2)$. The mean of $\log c$ is $\log c_\mathrm{max} - 1$, so
#
# ```{math}
# :label: eq-floor
# \mathcal L_\mathrm{soft} \gtrsim \log \ell + \tfrac12 \log(2 \pi e) + \log c_\mathrm{max} - 1 .
# ```
#
# For two circles with $\ell = 2\pi(0.8 + 1.6)$ and $c_\mathrm{max} = 0.1$ this is 0.83. (Where curves cross, bands overlap, and the floor lies lower.)

# %%
runs = {}
n_thin = profile.pick(quick=500, full=3000)
for name, soft in (("plain", False), ("soft", True)):
    _, history = flow_records.fit("spline", "circles", soft, SEED, n_steps=n_thin)
    runs[name] = np.array(history.losses)
floor = softflow.lowest_loss(toys.length("circles"))
print({name: f"last 50 steps {losses[-50:].mean():.2f}" for name, losses in runs.items()}, f"floor {floor:.2f}")

# %% mystnb={"image": {"alt": "Negative log-likelihood against training step: the plain flow falls through the floor of the soft objective, the soft flow comes down towards it and stays above."}, "figure": {"name": "fig-floor", "caption": "Without noise the negative log-likelihood has no floor. Training loss (mean over 25 steps) of a plain and a soft flow on two circles; dashed: the least value that the soft objective can have."}}
flow_plots.losses(runs, floor)
plt.show()

# %%
record = results.read("softflow")["values"]
rows = [row for row in record["rows"] if row["curve"] == "circles" and row["kind"] == "spline"]
soft_last = min(row["loss"] for row in rows if row["soft"])
soft_worst = max(row["loss"] for row in rows if row["soft"])
plain_last = max(row["loss"] for row in rows if not row["soft"])
claim("soft-near-floor", measured=soft_worst - floor, at_most=0.25, source="record of three trainings, the highest")
claim("soft-above-floor", measured=runs["soft"][-50:].mean(), at_least=floor, source="closed form of the floor")
claim("soft-above-floor-recorded", measured=soft_last, at_least=floor, source="record of three trainings, the lowest")
claim("plain-below-floor", measured=plain_last, at_most=floor - 1, source="record of three trainings, the highest")

# %% [markdown]
# Both curves flatten at the end because the learning rate goes to zero there, not because a floor is reached: after 500 steps the plain flow is near -0.3, after 3000 steps (recorded) below -2. The two losses belong to different data, so their heights cannot be compared. What differs is that one has a lowest value.
#
# The soft flow can be asked for any $c$. For that we ship one that was trained longer, on two spirals. Gaussian noise of size $c$ leaves half of the points within $0.674\, c$ of a curve. Do the samples?

# %%
shipped = flow_records.load()
noises = np.array([0.0, 0.025, 0.05, 0.075, 0.1])
levels = {c: softflow.sample(shipped, profile.pick(quick=3000, full=20_000), c, generator) for c in noises}
distances = [toys.distance("spirals", points) for points in levels.values()]
medians, means = (np.array([middle(one) for one in distances]) for middle in (np.median, np.mean))

# %% mystnb={"image": {"alt": "Distance of samples from the spirals against the noise that the flow was told: medians near the dashed line through the origin, means above their own line, most of all at small noise."}, "figure": {"name": "fig-noise", "caption": "The bulk of the samples obeys c, a few stray. Median and mean distance from the spirals against the noise asked for; dashed and dotted: those of Gaussian noise."}}
flow_plots.noise_levels(noises, medians, means)
plt.show()

# %% mystnb={"image": {"alt": "Three panels of samples of the soft flow for noise zero, one twentieth and one tenth: thin spirals that become wider."}, "figure": {"name": "fig-widths", "caption": "One flow, many widths. Samples of the shipped soft flow at c = 0, 0.05 and 0.1."}}
flow_plots.samples({f"c = {c:g}": levels[c][:2000] for c in (0.0, 0.05, 0.1)}, size=1.5)
plt.show()

# %%
for c, median in zip(noises[1:], medians[1:], strict=True):
    claim(f"noise-{1000 * c:.0f}", measured=median / c, expected=0.6745, tolerance=0.08, source="median of |N(0, 1)|")
claim("thin-at-zero", measured=medians[0], at_most=0.01, source="median distance at c = 0")

# %% [markdown]
# The median follows $c$. A few samples fall on the bridges between the arms, which the median does not notice. At small $c$ the mean does: it lies above the $0.80\,c$ of Gaussian noise.
#
# ## 6. Is soft better?
#
# The paper shows pictures in which SoftFlow follows thin curves and a plain flow does not. We measure it, with the same layers and the same number of steps for both: 3000 steps, three seeds, five curves, splines and affine layers. *Distance* is the mean distance of samples from the curve. {term}`Coverage <coverage>` compares the share of the samples that are nearest to each of 50 equal stretches of the curve with 1/50. It is blind to distance, so read both together. Two levels help: perfect samples, which stay below 1 because counts fluctuate, and one Gaussian blob with the mean and covariance of the curve, which knows nothing of the curve.


# %%
def blob(curve, n=5000):
    points = toys.curve(curve)
    return rng.multivariate_normal(points.mean(axis=0), np.cov(points.T), n)


perfect = {curve: toys.coverage(curve, toys.sample(curve, 5000, rng)) for curve in toys.CURVES}
from_blob = {curve: toys.coverage(curve, blob(curve)) for curve in toys.CURVES}
for curve in toys.CURVES:
    print(f"{curve:10s} coverage of perfect samples {perfect[curve]:.3f}, of a blob {from_blob[curve]:.3f}")

# %% mystnb={"image": {"alt": "Two by two panels: distance and coverage for splines and affine layers on five curves, plain and soft flows with three seeds each."}, "figure": {"name": "fig-soft-plain", "caption": "Soft splines cover curves more evenly; nearer they are not. Mean distance from five curves (top) and coverage (bottom) of plain flows and of soft ones at c = 0, for spline layers (left) and affine layers (right); every marker is a training."}}
levels = {"perfect": list(perfect.values()), "one blob": list(from_blob.values())}
flow_plots.soft_and_plain(record["rows"], levels)
plt.show()


# %%
def compare(kind):
    def score(row):
        return np.log(row["samples"][0]["distance"]), row["samples"][0]["coverage"]

    rows = {(row["curve"], row["seed"], row["soft"]): score(row) for row in record["rows"] if row["kind"] == kind}
    gains = [
        np.mean([np.subtract(rows[curve, seed, True], rows[curve, seed, False]) for seed in flow_records.SEEDS], axis=0)
        for curve in toys.CURVES
    ]
    return np.mean(gains, axis=0), 2.78 * np.std(gains, axis=0, ddof=1) / len(gains) ** 0.5  # 95 %, five curves


for kind in flow_records.SHAPES:
    (distance, evenness), (distance_error, evenness_error) = compare(kind)
    ratio, low, high = np.exp([distance, distance - distance_error, distance + distance_error])
    print(f"{kind} layers, soft against plain, 95 % intervals over five curves")
    print(f"  distance x {ratio:.2f} [{low:.2f}, {high:.2f}], coverage {evenness:+.3f} +- {evenness_error:.3f}")
    if kind == "spline":
        claim("soft-covers-better", measured=evenness - evenness_error, at_least=0.01, source="record, lower end")
        claim("distance-undecided", measured=abs(distance) / distance_error, at_most=1.0, source="record, log ratio")

# %%
spline = [row for row in record["rows"] if row["kind"] == "spline"]
soft = [row["samples"] for row in spline if row["soft"]]
plain = np.mean([row["samples"][0]["coverage"] for row in spline if not row["soft"]])
print(f"coverage of plain splines: {plain:.3f}; of perfect samples: {np.mean(list(perfect.values())):.3f}")
even = {found["noise"]: np.mean([row[k]["coverage"] for row in soft]) for k, found in enumerate(soft[0])}
print("coverage of soft splines:", ", ".join(f"c = {c:g}: {value:.3f}" for c, value in even.items()))
claim("even-with-noise", measured=even[0.05] - even[0.0], at_least=0.02, source="record, c = 0.05 and c = 0")

# %% [markdown]
# With splines the answer has two parts. Soft flows cover the curves more evenly, on all five of them: 0.89 in place of 0.85, a third of the way to perfect samples. They are not measurably nearer: the interval of the ratio allows both. Soft is farther on circles and swiss roll with every seed, and nearer on sines and target with two seeds of three.
# Asked for some noise, the soft flows are more even still. Training never shows $c = 0$: it is the edge of the interval, where the density diverges. So the flow is best inside the range that it was trained on, and $c = 0$ is a step to its edge.
# Affine layers fail on these curves, plain or soft: their samples lie 0.09 to 0.35 away. Which layers you take matters more than whether they are soft. (The authors' code trains 36,000 steps on batches of 100, with continuous flows; this says what 3000 steps on 256 points can do with ours.)
#
# Bend the plane yourself. Where does the flow stretch the colours farthest apart, and what does it leave in the gap? What changes from $c = 0$ to $c = 0.1$?

# %%
blocks_shown, weights = flow_weights(shipped)
ends = (toys.curve("spirals")[:10_000:100], toys.curve("spirals")[10_000::100])

# %% mystnb={"image": {"alt": "Live figure: samples of a soft flow after every layer with the bent grid of the latent plane, and its density"}}
FlowWarp(blocks=blocks_shown, data=weights, target=[piece.round(3).tolist() for piece in ends])

# %% [markdown]
# A flow is continuous in both directions: it can stretch the plane, but it cannot cut it. One round blob of noise becomes two spirals only by way of thin bridges between them.
#
# ## What the paper said and what we found
#
# The original of lessons 04 and 05 is a draft on microgels {cite}`azad`; its model comes from SoftFlow {cite}`kim2020`.
#
# | Original and SoftFlow | Their number | Ours | Why they differ |
# |---|---|---|---|
# | Log-likelihood of a flow (Eqs. 2, 7, 12 of the draft) | minus the log-determinant | plus | their $f$ goes from $\boldsymbol z$ to $\boldsymbol x$; the density is the same |
# | Training on two circles | noise lets networks "be trained properly" | plain: -0.3 after 500 steps, below -2.0 after 3000; soft: 0.96 to 0.99, floor 0.83 | no floor without noise, {eq}`eq-floor` with it |
# | SoftFlow at $c = 0$ | pictures, 36,000 steps | coverage 0.04 higher, distance x 1.2 [0.8, 1.9] | other layers and fewer steps; three seeds and five curves instead of a picture |
#
# ## Exercises
#
# ```{exercise} Only linear layers
# :label: ex-only-linear
# Build a flow of ActNorm and linear layers alone. Which densities can it represent? What is the lowest $\mathcal L$ that it can reach on the thick spirals, and how far is this above the entropy?
# ```
#
# ````{solution-start} ex-only-linear
# :class: dropdown
# ````

# %%
covariance = np.cov(test.T)
gaussian = 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * covariance))
one = flows.Flow([flows.ActNorm(2), training.initialise(partial(flows.InvertibleLinear, 2), SEED)], 2)
straight = partial(training.fit, one, thick_batch, loss, n_steps=200, learning_rate=2e-2, seed=SEED, label="linear")
straight()
reached = float(loss(one, torch.as_tensor(test, dtype=torch.float32)).detach())
assert reached >= gaussian - 0.01
print(f"lowest: {gaussian:.3f}, {gaussian - entropy:.2f} above the entropy; reached: {reached:.3f}")

# %% [markdown]
# A linear map of a Gaussian is a Gaussian. The best one has the mean and the covariance $\Sigma$ of the data, and $\mathcal L = \frac12 \log\det(2\pi e \Sigma)$. Everything that a flow gains beyond this, its bent layers have done.
#
# ````{solution-end}
# ````
#
# ```{exercise} The other sign
# :label: ex-other-sign
# Compute the "density" of the spline flow with $-\log|\det|$ in place of $+\log|\det|$, and add it up over the plane. Why would a training not notice this mistake, and how do its samples look?
# ```
#
# ````{solution-start} ex-other-sign
# :class: dropdown
# ````

# %%
with torch.no_grad():
    z, logdet = trained["splines"](torch.as_tensor(plane, dtype=torch.float32))
cell = (axis[1] - axis[0]) ** 2
masses = [float((flows.standard_normal(z) + sign * logdet).exp().sum()) * cell for sign in (1, -1)]
print(f"mass with the right sign {masses[0]:.2f}, with the wrong one {masses[1]:.2f}")
assert abs(masses[1] - 1) > 0.1

# %% [markdown]
# It is no density any more. Take $\boldsymbol z = \epsilon \boldsymbol x$: with the wrong sign the objective is $\frac12\epsilon^2\langle \lvert\boldsymbol x\rvert^2\rangle + d\log\epsilon$ plus a constant, which falls without end as $\epsilon \to 0$. So training shrinks all data to one point and looks better and better, and its samples $\boldsymbol z/\epsilon$ lie far outside. A falling loss does not find this mistake; the mass does.
#
# ````{solution-end}
# ````
#
# ```{exercise} A thread in space
# :label: ex-thread
# Which floor has the soft objective for a curve of length $\ell$ in *three* dimensions? What happens to the floor in two and in three dimensions when $c_\mathrm{max}$ is halved? Check the first answer with random numbers.
# ```
#
# ````{solution-start} ex-thread
# :class: dropdown
# ````

# %%
length, largest = 20.0, 0.1
c = largest * rng.random(100_000)
off_axis = c[:, None] * rng.standard_normal((100_000, 2))  # two directions leave the curve
log_p = -np.log(length) - 2 * np.log(c * np.sqrt(2 * np.pi)) - (off_axis**2).sum(axis=1) / (2 * c**2)
by_formula = np.log(length) + np.log(2 * np.pi * np.e) + 2 * (np.log(largest) - 1)
assert abs(-log_p.mean() - by_formula) < 0.02
print(f"random numbers {-log_p.mean():.3f}, formula {by_formula:.3f}")

# %% [markdown]
# Noise leaves the curve in $d - 1$ directions, so the floor is $\log \ell + (d - 1)[\frac12\log(2\pi e) + \log c_\mathrm{max} - 1]$. Half the noise lowers it by $(d - 1)\log 2$. Without noise the last term is $-\infty$: the thinner the data, the worse the trouble.
#
# ````{solution-end}
# ````
#
# ## Summary
#
# How do I write down a density that I can sample? Take normal numbers through invertible layers and account for volume in every one of them. Test inverse, determinant and mass at once. On data that fill no volume, add noise of a known size and tell the flow: this gives a floor to the objective and more even samples, not nearer ones.
#
# A flow is a density of points. **Can it learn the shape of a real object**, one that swells and shrinks with temperature? That is lesson 05: {doc}`05_microgels_with_softpointflow`.
#
# ## References
#
# The works cited here stand in the {doc}`bibliography </book/bibliography>`. Read first {cite}`papamakarios2021`, a review of flows that reads like a textbook, and {cite}`kim2020`.
