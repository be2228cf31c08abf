"""The flow in the page is the flow of the package."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.microgels import clouds, density, flow_records, flows, splines, widgets
from helpers.microgels.softpointflow import SoftPointFlow


@pytest.fixture(scope="module")
def page(module):
    return module("helpers/microgels/flows.js")


@pytest.fixture(scope="module", params=["spline, 2", "affine, 2", "spline, 3", "affine, 4"])
def flow(request):
    kind, dim = request.param.split(", ")
    flow, generator = training.initialise(lambda: flows.stack(kind, int(dim), 3, 2), 0), torch.Generator()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.08 * torch.randn(parameter.shape, generator=generator.manual_seed(parameter.numel())))
    return flow.eval()


def described(flow):
    blocks, data = widgets.flow_weights(flow)
    return blocks, np.frombuffer(data, "<f4").tolist()


CONTEXTS = [[0.0, 0.0], [2.0, -0.5]]


@pytest.mark.parametrize("c", CONTEXTS)
def test_the_density_is_the_same(page, flow, c):
    x = 1.5 * torch.randn(20, flow.dim, generator=torch.Generator().manual_seed(0))
    call = "(m, b, w, xs, c) => { const f = m.unpack(b, w); return xs.map((x) => m.logDensity(f, x, c)); }"
    found = page(call, *described(flow), x.tolist(), c)
    with torch.no_grad():
        expected = flow.log_prob(x, torch.tensor(c).expand(20, 2))
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("c", CONTEXTS)
def test_every_layer_gives_the_same_points(page, flow, c):
    z = torch.randn(20, flow.dim, generator=torch.Generator().manual_seed(1))
    call = "(m, b, w, zs, c) => { const f = m.unpack(b, w); return zs.map((z) => m.path(f, z, c)); }"
    found = np.array(page(call, *described(flow), z.tolist(), c))
    x, stages = z, [z]
    with torch.no_grad():
        for block in reversed(flow.blocks):
            x = block.inverse(x, torch.tensor(c).expand(20, 2))
            stages.append(x)
    np.testing.assert_allclose(found, torch.stack(stages, dim=1), atol=3e-4)
    np.testing.assert_allclose(found[:, -1], flow.inverse(z, torch.tensor(c).expand(20, 2)).detach(), atol=3e-4)


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


def test_only_autoregressive_stacks_can_be_shown():
    with pytest.raises(ValueError, match="autoregressive"):
        widgets.flow_weights(flows.stack("coupling", 2, 2, 1))


def test_the_shipped_flow_fits_into_a_page():
    _, data = widgets.flow_weights(flow_records.load())
    assert len(data) < 250_000


# --- the gel --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gel(module):
    return module("helpers/microgels/gel.js")


def test_the_gel_in_the_page_is_the_gel_of_the_model(gel):
    model = training.initialise(lambda: SoftPointFlow(shape_dim=3, n_blocks=2, hidden=(16, 16)), 0)
    generator = torch.Generator()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator.manual_seed(parameter.numel())))
    model.trained_C = torch.tensor([21.0, 53.0])
    generator.manual_seed(3)
    shape = torch.randn(1, 3, generator=generator)
    latent = torch.randn(60, 3, generator=generator)
    (expected,) = model.sample(30, 60, generator=generator.manual_seed(3))
    call = """(m, p, pw, d, dw, T, s, zs) => m.gel(m.unpack(p, pw), m.unpack(d, dw), T, s, zs)"""
    flows_ = *described(model.prior_flow), *described(model.decoder_flow)
    found = gel(call, *flows_, 30, shape[0].tolist(), latent.tolist())
    np.testing.assert_allclose(found, expected, atol=0.05)  # nm


def test_density_map_and_profile_are_those_of_the_package(gel):
    points = 90 * np.random.default_rng(0).normal(size=(801, 3)) * [1, 1, 1.3]
    centred = np.array(gel("centred", points.tolist()))
    np.testing.assert_allclose(centred, clouds.centred(points), atol=1e-9)
    ours = density.toroid_density(points, 16, 32, 20.0)
    found = np.array(gel("densityMap", centred.tolist()))
    np.testing.assert_allclose(found[::-1, 16:].T, ours, rtol=1e-9)
    np.testing.assert_allclose(found[:, 15::-1], found[:, 16:])
    r, rho = np.array(gel("radialProfile", centred.tolist())).T
    expected_r, expected_rho = density.radial_profile(points, 20.0, 16)
    np.testing.assert_allclose(r, expected_r, rtol=1e-9)
    np.testing.assert_allclose(rho, expected_rho, rtol=1e-9)
