"""The flow in the page is the flow of the package."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.microgels import flow_records, flows, splines, widgets


@pytest.fixture(scope="module")
def page(module):
    return module("helpers/microgels/flow.js")


@pytest.fixture(scope="module")
def flow():
    flow, generator = training.initialise(lambda: flow_records.build("spline", soft=True), 0), torch.Generator()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.08 * torch.randn(parameter.shape, generator=generator.manual_seed(parameter.numel())))
    return flow.eval()


def described(flow):
    blocks, data = widgets.flow_weights(flow)
    return blocks, np.frombuffer(data, "<f4").tolist()


@pytest.mark.parametrize("c", [0.0, 2.0])
def test_the_density_is_the_same(page, flow, c):
    x = 1.5 * torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    call = "(m, b, w, xs, c) => { const f = m.unpack(b, w); return xs.map((x) => m.logDensity(f, x, c)); }"
    found = page(call, *described(flow), x.tolist(), c)
    with torch.no_grad():
        expected = flow.log_prob(x, torch.full((20, 1), c))
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("c", [0.0, 2.0])
def test_every_layer_gives_the_same_points(page, flow, c):
    z = torch.randn(20, 2, generator=torch.Generator().manual_seed(1))
    call = "(m, b, w, zs, c) => { const f = m.unpack(b, w); return zs.map((z) => m.path(f, z, c)); }"
    found = np.array(page(call, *described(flow), z.tolist(), c))
    x, stages = z, [z]
    with torch.no_grad():
        for block in reversed(flow.blocks):
            x = block.inverse(x, torch.full((20, 1), c))
            stages.append(x)
    np.testing.assert_allclose(found, torch.stack(stages, dim=1), atol=2e-4)
    np.testing.assert_allclose(found[:, -1], flow.inverse(z, torch.full((20, 1), c)).detach(), atol=2e-4)


def test_splines_are_the_same_both_ways(page):
    generator = np.random.default_rng(0)
    numbers, xs = generator.normal(size=23), np.linspace(-5, 5, 41)
    for inverse in (False, True):
        found = np.array(
            page("(m, xs, n, i) => xs.map((x) => m.spline(x, n, 4, i))", xs.tolist(), numbers.tolist(), inverse)
        )
        expected = splines.rational_quadratic(
            torch.as_tensor(xs), torch.as_tensor(numbers).expand(41, -1), 4.0, inverse=inverse
        )
        np.testing.assert_allclose(found.T, torch.stack(expected), atol=1e-9)


def test_only_stacks_of_splines_can_be_shown():
    with pytest.raises(ValueError, match="spline flow"):
        widgets.flow_weights(flows.stack("affine", 2, 2, 1))


def test_the_shipped_flow_fits_into_a_page():
    _, data = widgets.flow_weights(flow_records.load())
    assert len(data) < 250_000
