"""Angles: every divergence against quadrature, every sample against its distribution, every gradient against both."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from helpers.nanoparticles import angles

DOUBLE = torch.double


def tensor(*values):
    return torch.tensor(values, dtype=DOUBLE)


def on_circle(function, centre, width):
    points = [p for p in centre + np.array([-8, -3, 0, 3, 8]) * width if abs(p - centre) < np.pi]
    return integrate.quad(function, centre - np.pi, centre + np.pi, points=points, limit=400, epsabs=1e-12)[0]


@pytest.mark.parametrize("mean", [-2.0, 0.0, 0.7])
@pytest.mark.parametrize("sd", [0.01, 0.5, 3.0])
@pytest.mark.parametrize("prior_sd", [0.4, 1.0])
def test_kl_of_normals_against_quadrature(mean, sd, prior_sd):
    q, p = stats.norm(mean, sd), stats.norm(0, prior_sd)
    expected = integrate.quad(lambda t: q.pdf(t) * (q.logpdf(t) - p.logpdf(t)), mean - 12 * sd, mean + 12 * sd)[0]
    assert angles.kl_normal(tensor(mean), tensor(sd), prior_sd).item() == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("kappa", [1e-3, 0.5, 3.0, 30.0, 900.0, 9000.0])
def test_kl_of_von_mises_against_quadrature(kappa):
    q = stats.vonmises(kappa)
    expected = on_circle(lambda t: q.pdf(t) * (q.logpdf(t) + np.log(2 * np.pi)), 0, 1 / np.sqrt(kappa + 1))
    assert angles.kl_von_mises(tensor(kappa)).item() == pytest.approx(expected, abs=1e-6)
    assert angles.kl_von_mises(torch.tensor(kappa)).item() == pytest.approx(expected, abs=1e-6)  # 32 bits


@pytest.mark.parametrize("kappa", [1e-3, 0.5, 3.0, 30.0, 900.0, 9000.0])
def test_von_mises_samples_invert_the_distribution(kappa):
    uniform = torch.linspace(0.001, 0.999, 301, dtype=DOUBLE)
    theta = angles.sample_von_mises(torch.full_like(uniform, kappa), uniform)
    np.testing.assert_allclose(stats.vonmises.cdf(theta.numpy(), kappa), uniform, atol=1e-6)


@pytest.mark.parametrize("kappa", [0.5, 3.0, 30.0, 900.0])
def test_gradients_of_von_mises_samples_are_those_of_differences(kappa):
    uniform = torch.linspace(0.01, 0.99, 99, dtype=DOUBLE)
    k = torch.full_like(uniform, kappa, requires_grad=True)
    angles.sample_von_mises(k, uniform).sum().backward()
    step = 1e-4 * kappa
    with torch.no_grad():
        rise = angles.sample_von_mises(k + step, uniform) - angles.sample_von_mises(k - step, uniform)
    torch.testing.assert_close(k.grad, rise / (2 * step), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("mean", [(0.0, 0.0), (1.0, 0.5), (-6.0, 3.0), (25.0, 0.0)])
def test_the_projected_normal_is_a_density_and_its_samples_follow_it(mean):
    m, centre = tensor(*mean), np.arctan2(mean[1], mean[0])

    def density(t):
        return angles.log_projected_normal(tensor(t)[0], m).exp().item()

    width = 1 / (1 + np.hypot(*mean))
    assert on_circle(density, centre, width) == pytest.approx(1, abs=1e-8)
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    drawn = angles.projected_normal(m.expand(20_000, 2), noise).numpy()
    about = np.remainder(drawn - centre + np.pi, 2 * np.pi) - np.pi
    grid = np.linspace(-np.pi, np.pi, 4001)
    q = angles.log_projected_normal(torch.from_numpy(grid + centre), m.expand(4001, 2)).exp().numpy()
    F = integrate.cumulative_trapezoid(q, grid, initial=0)
    assert stats.kstest(about, lambda t: np.interp(t, grid, F)).pvalue > 1e-3


@pytest.mark.parametrize("mean", [(0.0, 0.0), (1.0, 0.5), (6.0, -3.0)])
def test_the_projected_normal_has_the_right_divergence_on_average(mean):
    m = tensor(*mean)

    def term(t):
        log_q = angles.log_projected_normal(tensor(t)[0], m).item()
        return np.exp(log_q) * (log_q + np.log(2 * np.pi))

    expected = on_circle(term, np.arctan2(mean[1], mean[0]), 1 / (1 + np.hypot(*mean)))
    noise = torch.randn(40_000, 2, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    kl = angles.posterior("projected normal", m.expand(40_000, 2), noise).kl
    assert kl.mean().item() == pytest.approx(expected, abs=5 * kl.std().item() / 200 + 1e-9)


def test_far_from_its_mean_the_projected_normal_stays_finite():
    mean = torch.tensor([[300.0, 0.0]], requires_grad=True)
    log_q = angles.log_projected_normal(torch.tensor([3.0]), mean)
    log_q.sum().backward()
    assert log_q.isfinite().all()
    assert mean.grad.isfinite().all()
    assert log_q.item() < -1e4


@pytest.mark.parametrize("kind", angles.PRIORS)
def test_a_posterior_has_gradients_and_a_mean_among_its_samples(kind):
    raw = torch.tensor([[1.5, 1.0]], requires_grad=True)
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    known = angles.posterior(kind, raw.expand(4000, 2), noise)
    assert known.mean.shape == known.sample.shape == known.kl.shape == (4000,)
    away = torch.remainder(known.sample - known.mean + np.pi, 2 * np.pi) - np.pi
    assert abs(away.mean().item()) < 0.1
    assert known.kl.mean() > 0
    (known.sample.square().mean() + known.kl.mean()).backward()
    assert (raw.grad != 0).all()
    assert raw.grad.isfinite().all()


def test_a_circle_has_no_seam():
    noise = torch.zeros(2, 2)
    raw = torch.tensor([[-5.0, 0.01], [-5.0, -0.01]])
    for kind in ("von mises", "projected normal"):
        known = angles.posterior(kind, raw, noise)
        apart = known.sample[0] - known.sample[1]
        assert abs(np.cos(apart.item()) - 1) < 1e-4
        assert known.kl[0].item() == pytest.approx(known.kl[1].item(), abs=1e-4)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind must be one of 'normal', 'von mises', 'projected normal'"):
        angles.posterior("wrapped", torch.zeros(1, 2), torch.zeros(1, 2))


def test_errors_know_offset_and_symmetry_and_find_what_is_off():
    rng = np.random.default_rng(0)
    true, noise = rng.uniform(-np.pi, np.pi, 400), 0.02 * rng.standard_normal(400)
    found = true + 2.2 + noise
    np.testing.assert_allclose(angles.errors(found, true), np.abs(noise), atol=0.01)
    found[:100] += np.pi  # a quarter upside down: wrong for a heart, right for a diamond
    assert (angles.errors(found, true) > 3).mean() == 0.25
    np.testing.assert_allclose(angles.errors(found, true, n_fold=2), np.abs(noise), atol=0.01)
    assert np.median(angles.errors(-found, true)) > 0.1  # a wrong sense of rotation is no offset
