"""Every block: its inverse, its log-determinant against autograd, its density; zuko is the oracle."""

import numpy as np
import pytest
import torch
import zuko

from helpers.common import training
from helpers.microgels import flows
from helpers.microgels.continuous import (
    ContinuousBlock,
    exact_trace,
    flow_matching,
    hutchinson_trace,
    runge_kutta,
)
from helpers.microgels.splines import rational_quadratic

DIM, CONTEXT = 3, 2
BLOCKS = {
    "actnorm": lambda: flows.ActNorm(DIM),
    "linear": lambda: flows.InvertibleLinear(DIM),
    "coupling": lambda: flows.AffineCoupling(DIM, CONTEXT),
    "affine": lambda: flows.AutoregressiveAffine(DIM, CONTEXT),
    "spline": lambda: flows.AutoregressiveSpline(DIM, CONTEXT),
    "continuous": lambda: ContinuousBlock(DIM, CONTEXT, n_steps=40),
    "coupling flow": lambda: flows.stack("coupling", DIM, 6, CONTEXT),
    "affine flow": lambda: flows.stack("affine", DIM, 6, CONTEXT),
    "spline flow": lambda: flows.stack("spline", DIM, 4, CONTEXT),
}


def awake(build, size=0.08, dtype=torch.float32, seed=0):
    """A block whose parameters are moved away from the identity."""
    block, generator = training.initialise(build, seed), torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))
    return block.to(dtype).eval()


def some(n=60, dim=DIM, context=CONTEXT, dtype=torch.float32, scale=1.5, seed=2):
    generator = torch.Generator().manual_seed(seed)
    x = scale * torch.randn(n, dim, generator=generator, dtype=dtype)
    return x, torch.rand(n, context, generator=generator, dtype=dtype)


def jacobians(block, x, context):
    one = torch.func.jacrev(lambda a, c: block(a[None], c[None])[0][0])
    return torch.stack([one(a, c) for a, c in zip(x, context, strict=True)])


@pytest.mark.parametrize(
    ("dtype", "inverse", "logdet"), [(torch.float32, 1e-4, 1e-5), (torch.float64, 1e-10, 1e-10)], ids=["32", "64"]
)
@pytest.mark.parametrize("name", [name for name in BLOCKS if name != "continuous"])
def test_inverse_and_log_determinant(name, dtype, inverse, logdet):
    block, (x, context) = awake(BLOCKS[name], dtype=dtype), some(dtype=dtype)
    context[:20, 0] = 0  # noise c = 0 is where one samples
    with torch.no_grad():
        z, found = block(x, context)
        assert (block.inverse(z, context) - x).abs().max() < inverse
        assert (block(block.inverse(x, context), context)[0] - x).abs().max() < inverse
    expected = torch.linalg.slogdet(jacobians(block, x, context))[1]
    assert expected.std() > 0.01 or name in ("actnorm", "linear")
    assert expected.abs().max() > 1e-4
    assert (found - expected).abs().max() < logdet


def test_the_continuous_block_within_the_error_of_its_steps():
    block, (x, context) = awake(BLOCKS["continuous"]), some()
    z, found = block(x, context)
    assert (block.inverse(z, context) - x).abs().max() < 1e-4
    expected = torch.linalg.slogdet(jacobians(block, x[:20], context[:20]))[1]
    assert expected.abs().max() > 0.01
    assert (found[:20] - expected).abs().max() < 1e-3


@pytest.mark.parametrize("kind", flows.KINDS)
def test_a_density_integrates_to_one(kind):
    flow = awake(lambda: flows.stack(kind, 2, 3, 1), dtype=torch.float64)
    axis = torch.linspace(-12, 12, 361, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    for c in (0.0, 1.0):
        with torch.no_grad():
            density = flow.log_prob(grid, torch.full((len(grid), 1), c, dtype=torch.float64)).exp()
        assert density.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("kind", flows.KINDS)
def test_samples_follow_the_density(kind):
    flow = awake(lambda: flows.stack(kind, 2, 3, 1), dtype=torch.float64)
    context = torch.ones(20_000, 1, dtype=torch.float64)
    x = flow.sample(20_000, context, torch.Generator().manual_seed(0))
    assert (x == flow.sample(20_000, context, torch.Generator().manual_seed(0))).all()
    axis = torch.linspace(-8, 8, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        weight = flow.log_prob(grid, context[:1].expand(len(grid), 1)).exp()
    mean = (weight[:, None] * grid).sum(dim=0) / weight.sum()
    spread = ((weight[:, None] * (grid - mean) ** 2).sum(dim=0) / weight.sum()).sqrt()
    error = x.std(dim=0) / len(x) ** 0.5
    assert ((x.mean(dim=0) - mean).abs() < 5 * error).all()
    torch.testing.assert_close(x.std(dim=0), spread, rtol=0.05, atol=0)


@pytest.mark.parametrize("kind", flows.KINDS)
def test_a_new_flow_is_a_rotation_of_the_normal_density(kind):
    flow, (x, context) = training.initialise(lambda: flows.stack(kind, DIM, 3, CONTEXT), 0), some()
    normal = torch.distributions.Normal(0, 1).log_prob(x).sum(dim=1)
    torch.testing.assert_close(flow.log_prob(x, context), normal, atol=1e-4, rtol=0)


def test_actnorm_makes_mean_zero_and_spread_one():
    x = some(500)[0] * torch.tensor([3.0, 0.1, 1.0]) + 5
    block = flows.ActNorm(DIM)
    block.initialise(x)
    z, logdet = block(x)
    torch.testing.assert_close(z.mean(dim=0), torch.zeros(DIM), atol=1e-5, rtol=0)
    torch.testing.assert_close(z.std(dim=0), torch.ones(DIM))
    torch.testing.assert_close(logdet, -x.std(dim=0).log().sum().expand(500))


def test_initialise_reaches_every_actnorm():
    flow = awake(lambda: flows.stack("coupling", DIM, 4, CONTEXT))
    x, context = some(400)
    flow.initialise(x, context)
    for block in flow.blocks:
        y, _ = block(x, context)
        if isinstance(block, flows.ActNorm):
            torch.testing.assert_close(y.std(dim=0), torch.ones(DIM))
        x = y


def test_invertible_linear_starts_as_a_rotation():
    block = training.initialise(BLOCKS["linear"], 3)
    x = some()[0]
    torch.testing.assert_close(block(x)[0].norm(dim=1), x.norm(dim=1))
    torch.testing.assert_close(block(x)[1], torch.zeros(len(x)), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["affine", "spline"])
def test_autoregressive_axes_see_only_those_before_them(name):
    block, (x, context) = awake(BLOCKS[name]), some(5)
    J = jacobians(block, x, context)
    upper = torch.triu(torch.ones(DIM, DIM, dtype=torch.bool), 1)
    assert (J[:, upper] == 0).all()
    assert (J[:, upper.T].abs() > 1e-6).any(dim=0).all()  # and they do see those


@pytest.mark.parametrize("name", ["coupling", "affine", "spline", "continuous"])
def test_the_context_matters(name):
    block, (x, context) = awake(BLOCKS[name]), some()
    with torch.no_grad():
        change = (block(x, context)[0] - block(x, context + 1)[0]).abs()
    assert (change.max(dim=0).values[DIM // 2 if name == "coupling" else 0 :] > 1e-3).all()


def test_the_kept_half_of_a_coupling_stays():
    block, (x, context) = awake(BLOCKS["coupling"]), some()
    assert (block(x, context)[0][:, :1] == x[:, :1]).all()


def test_spline_in_double_precision_is_inverted_to_1e_8_and_agrees_with_zuko():
    generator = torch.Generator().manual_seed(0)
    K, bound = 8, 4.0
    parameters = 2 * torch.randn(4000, 3 * K - 1, generator=generator, dtype=torch.float64)
    x = (10 * torch.rand(4000, generator=generator, dtype=torch.float64) - 5).sort().values
    y, log_slope = rational_quadratic(x, parameters, bound)
    back, log_back = rational_quadratic(y, parameters, bound, inverse=True)
    assert (back - x).abs().max() < 1e-8
    assert (log_back + log_slope).abs().max() < 1e-6
    outside = x.abs() >= bound
    assert (y[outside] == x[outside]).all()
    same = parameters[:1].expand(4000, -1)
    assert (rational_quadratic(x, same, bound)[0].diff() > 0).all()
    theirs = zuko.transforms.MonotonicRQSTransform(
        torch.zeros(K, dtype=torch.float64), torch.zeros(K, dtype=torch.float64), torch.zeros(K - 1), bound=bound
    )
    straight = rational_quadratic(x, torch.zeros(4000, 3 * K - 1, dtype=torch.float64), bound)[0]
    torch.testing.assert_close(straight, theirs(x).double(), atol=1e-7, rtol=0)


def test_splines_are_those_of_zuko():
    """Its knots come from the softmax of the same numbers up to their least width, so those are made equal."""
    from helpers.microgels import splines

    generator = torch.Generator().manual_seed(1)
    K, bound = 6, 4.0
    x = 6 * torch.rand(300, generator=generator, dtype=torch.float64) - 3
    parameters = torch.randn(3 * K - 1, generator=generator, dtype=torch.float64)
    xs, ys, slopes = splines._knots(parameters, K, bound)
    theirs = zuko.transforms.MonotonicRQSTransform.__new__(zuko.transforms.MonotonicRQSTransform)
    torch.distributions.Transform.__init__(theirs)
    theirs.horizontal, theirs.vertical, theirs.derivatives = xs, ys, slopes
    y, log_slope = rational_quadratic(x, parameters.expand(300, -1), bound)
    expected, expected_log = theirs.call_and_ladj(x)
    torch.testing.assert_close(y, expected, atol=1e-9, rtol=0)
    torch.testing.assert_close(log_slope, expected_log, atol=1e-8, rtol=0)


# --- continuous time ------------------------------------------------------------------------------------------------


def test_runge_kutta_is_of_fourth_order():
    """Halving the step of dx/dt = x must divide the error by 16."""
    one = (torch.ones(1, 1, dtype=torch.float64),)
    errors = [
        abs(runge_kutta(lambda state, t: (state[0],), one, 0.0, 1.0, n)[0].item() - np.e)  # noqa: ARG005
        for n in (8, 16)
    ]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.15)
    ramp = runge_kutta(lambda state, t: (torch.full_like(state[0], t),), one, 0.0, 2.0, 3)[0]
    assert ramp.item() == pytest.approx(3)  # the slope sees the time: 1 + 2^2 / 2


def test_a_linear_velocity_gives_the_matrix_exponential():
    A = torch.tensor([[0.3, -0.8], [0.5, 0.2]], dtype=torch.float64)
    block = ContinuousBlock(2, n_steps=60).double()
    block.velocity = lambda x, t, context=None: x @ A.T  # noqa: ARG005
    x = some(10, 2, dtype=torch.float64)[0]
    z, logdet = block(x)
    torch.testing.assert_close(z.detach(), x @ torch.linalg.matrix_exp(-A).T, atol=1e-8, rtol=0)
    torch.testing.assert_close(logdet.detach(), torch.full((10,), -A.trace().item(), dtype=torch.float64))


def test_hutchinson_is_right_on_average_and_has_the_stated_variance():
    A = torch.tensor([[0.3, -0.8, 0.1], [0.5, 0.2, 0.4], [0.0, 0.9, -1.0]], dtype=torch.float64)
    n, x = 40_000, torch.zeros(40_000, 3, dtype=torch.float64)
    signs = 2.0 * torch.randint(0, 2, (n, 3), generator=torch.Generator().manual_seed(0)).double() - 1
    _, found = hutchinson_trace(lambda y: y @ A.T, x, signs)
    off = A - torch.diag(A.diagonal())
    variance = (off * (off + off.T)).sum()
    assert found.mean().item() == pytest.approx(A.trace().item(), abs=5 * (variance / n).sqrt().item())
    assert found.var().item() == pytest.approx(variance.item(), rel=0.03)
    assert exact_trace(lambda y: y @ A.T, x[:3])[1].tolist() == pytest.approx([A.trace().item()] * 3)


def test_the_probe_gives_the_log_determinant_on_average():
    block, (x, context) = awake(lambda: ContinuousBlock(DIM, CONTEXT, n_steps=6)), some(30)
    generator = torch.Generator().manual_seed(0)
    probes = 2.0 * torch.randint(0, 2, (200, 30, DIM), generator=generator) - 1
    found = torch.stack([block(x, context, probe)[1].detach() for probe in probes])
    exact = block(x, context)[1].detach()
    assert ((found.mean(dim=0) - exact).abs() < 5 * found.std(dim=0) / 200**0.5 + 1e-5).all()


def test_flow_matching_learns_to_move_a_gaussian():
    """From N(0, 1) to N(m, s): the best velocity is known, and its samples have that mean and spread."""
    mean, spread = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 1.5])

    def make_batch(rng, step):  # noqa: ARG001
        x, z = torch.as_tensor(rng.standard_normal((2, 256, 2)), dtype=torch.float32)
        return mean + spread * x, z, torch.as_tensor(rng.random((256, 1)), dtype=torch.float32)

    block = training.initialise(lambda: ContinuousBlock(2), 0)
    training.fit(block, make_batch, flow_matching, n_steps=400, learning_rate=1e-2, seed=0)
    x = flows.Flow([block], 2).sample(5000, None, torch.Generator().manual_seed(0))
    torch.testing.assert_close(x.mean(dim=0), mean, atol=0.1, rtol=0)
    torch.testing.assert_close(x.std(dim=0), spread, atol=0.1, rtol=0)


def test_gradients_pass_through_the_log_density_of_a_continuous_flow():
    flow = flows.Flow([awake(lambda: ContinuousBlock(2, n_steps=4))], 2)
    (-flow.log_prob(some(8, 2)[0]).mean()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in flow.parameters())


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "context", "words"),
    [
        (torch.zeros(4, 2), torch.zeros(4, 2), "x must have shape"),
        (torch.zeros(4), torch.zeros(4, 2), "x must have shape"),
        (torch.zeros(4, 3), None, "context must have shape"),
        (torch.zeros(4, 3), torch.zeros(3, 2), "context must have shape"),
        (torch.zeros(4, 3), torch.zeros(4, 1), "context must have shape"),
    ],
)
def test_wrong_shapes_are_named(x, context, words):
    flow = flows.stack("affine", DIM, 1, CONTEXT)
    with pytest.raises(ValueError, match=words):
        flow.log_prob(x, context)


def test_unknown_kinds_and_counts_are_named():
    with pytest.raises(ValueError, match="kind"):
        flows.stack("glow", 2, 3)
    with pytest.raises(ValueError, match="n_blocks"):
        flows.stack("affine", 2, 0)
    with pytest.raises(ValueError, match="n must"):
        flows.stack("affine", 2, 1).sample(0)
