"""SoftPointFlow: what must not matter does not, what must matter does, and the objective is the one of Eq. 12."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.microgels import clouds, softpointflow
from helpers.microgels.density import cmf_distance

TEMPERATURES_C = (21.0, 33.0, 43.0)


def gels(n=3, seed=0):
    rng = np.random.default_rng(seed)
    pairs = [(cloud, T) for T in TEMPERATURES_C for cloud in clouds.simulate(T, n, rng, n_points=600)]
    return [cloud for cloud, _ in pairs], [T for _, T in pairs]


def small(**options):
    return softpointflow.SoftPointFlow(**{"shape_dim": 2, "n_blocks": 2, "hidden": (16,)} | options)


@pytest.fixture(scope="module")
def trained():
    model = training.initialise(lambda: softpointflow.SoftPointFlow(n_blocks=2, hidden=(32, 32)), 0)
    history = model.fit(*gels(8), n_steps=250, label="test")
    return model, history


@pytest.fixture
def batch():
    return softpointflow.batches(*gels(), shape_dim=2, largest_noise_nm=20.0)(np.random.default_rng(0), 0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_encoder_does_not_see_the_order_and_takes_any_number_of_points():
    encoder = training.initialise(lambda: softpointflow.Encoder(4), 0)
    cloud = torch.randn(2, 300, 3, generator=seeded())
    order = torch.randperm(300, generator=seeded())
    for one, other in zip(encoder(cloud), encoder(cloud[:, order]), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    for one, other in zip(encoder(cloud), encoder(cloud.repeat(1, 2, 1)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)  # the same cloud twice is the same shape
    assert (encoder(cloud)[0] - encoder(2 * cloud)[0]).abs().max() > 1e-3


def test_the_objective_is_the_sum_of_its_terms_and_each_term_is_what_it_says(batch):
    model = training.initialise(small, 0)
    clouds_, noisy, noise, temperature, eps = batch
    terms = model(*batch)
    assert softpointflow.negative_bound(model, *batch).item() == pytest.approx(-sum(terms).mean().item())
    mean, log_sd = model.encoder(clouds_)
    q = torch.distributions.Normal(mean, log_sd.exp())
    torch.testing.assert_close(terms.entropy * softpointflow.N_FULL, q.entropy().sum(dim=1))
    shape = mean + log_sd.exp() * eps
    expected = model.prior_flow.log_prob(shape, temperature)
    torch.testing.assert_close(terms.shape * softpointflow.N_FULL, expected)
    told = torch.cat([shape[3], temperature[3]]).expand(noise.shape[1], -1)
    points = model.decoder_flow.log_prob(noisy[3], torch.cat([told, noise[3]], dim=1))
    assert terms.points[3].item() == pytest.approx(points.mean().item(), abs=1e-5)


def test_every_gradient_reaches_its_network(batch):
    model = training.initialise(small, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=seeded(parameter.numel())))
    softpointflow.negative_bound(model, *batch).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_batches_are_noisy_clouds_of_the_right_temperature():
    given, temperature_C = gels()
    points, noisy, noise, told, eps = softpointflow.batches(given, temperature_C, 2, 20.0)(np.random.default_rng(0), 0)
    assert points.shape == (12, 1000, 3)
    assert noisy.shape == (12, 256, 3)
    assert eps.shape == (12, 2)
    assert sorted(set(told[:, 0].tolist())) == pytest.approx(
        softpointflow.collapse(sorted(set(temperature_C))).tolist()
    )
    assert (told[:, 0].round(decimals=3).unique(return_counts=True)[1] == 4).all()  # as many of each
    assert noise.min() >= 0
    assert noise.max() <= 2
    off = (noisy - points[:, :256]) / (noise / 2 * 0.2)
    assert off.std().item() == pytest.approx(1, rel=0.03)
    size = points.norm(dim=2).median(dim=1).values
    assert size[told[:, 0] < -0.4].mean() > 1.3 * size[told[:, 0] > 0.4].mean()  # cold gels are large


def test_turning_is_about_z_and_keeps_lengths():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5, 40, 3)) * [1, 2, 3]
    turned = softpointflow._turned(points, rng)
    np.testing.assert_allclose(turned[..., 2], points[..., 2])
    np.testing.assert_allclose(np.hypot(turned[..., 0], turned[..., 1]), np.hypot(points[..., 0], points[..., 1]))
    assert np.abs(turned - points).max() > 0.5
    angle = np.arctan2(turned[..., 1], turned[..., 0]) - np.arctan2(points[..., 1], points[..., 0])
    assert len({round(float(np.cos(a[0])), 6) for a in angle}) == 5


def test_samples_have_the_shape_the_unit_and_the_seed(trained):
    model, _ = trained
    first = model.sample(33, 700, 3, generator=seeded(1))
    assert [cloud.shape for cloud in first] == [(700, 3)] * 3
    assert all((a == b).all() for a, b in zip(first, model.sample(33, 700, 3, generator=seeded(1)), strict=True))
    assert (first[0] != first[1]).any()
    radius = np.median(np.linalg.norm(np.concatenate(first), axis=1))
    assert 80 < radius < 200  # nm
    (one,) = model.sample(33, 50, generator=seeded())
    assert one.shape == (50, 3)


def test_temperature_reaches_the_model(trained):
    model, history = trained
    assert history.losses[-1] < history.losses[0] - 0.2
    cold, hot = (model.sample(T, 500, 20, generator=seeded()) for T in (21, 43))
    real_cold, real_hot = (clouds.simulate(T, 20, np.random.default_rng(5), n_points=500) for T in (21, 43))
    assert cmf_distance(cold, hot) > 0.35
    assert cmf_distance(cold, real_cold) < 0.2
    assert cmf_distance(hot, real_hot) < 0.2


def test_the_model_is_told_the_state_and_not_the_reading():
    told = softpointflow.collapse(np.array([15, 33, 37, 60]))
    np.testing.assert_allclose(told[1:3], [0, 0.5 * np.tanh(0.5)])
    assert told[0] == pytest.approx(-0.5, abs=0.02)
    assert told[3] == pytest.approx(0.5, abs=0.02)


def test_shapes_tell_gels_apart_from_the_first_step():
    clouds_nm, temperature = gels(8)
    batch = softpointflow.batches(clouds_nm, temperature, shape_dim=3, largest_noise_nm=20.0)
    points = batch(np.random.default_rng(0), 0)[0]
    encoder = training.initialise(lambda: softpointflow.Encoder(3), 0)
    _, before = encoder(points)
    encoder.initialise(points)
    mean, log_sd = encoder(points)
    torch.testing.assert_close(mean.mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(mean.std(dim=0), torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(log_sd, before)


def test_the_shape_says_something_about_the_gel(trained):
    model, _ = trained
    batch = softpointflow.batches(*gels(8), shape_dim=4, largest_noise_nm=20.0)
    nats = []
    for step in range(20):
        with torch.no_grad():
            terms = model(*batch(np.random.default_rng(step), step))
        nats.append(-softpointflow.N_FULL * float((terms.shape + terms.entropy).mean()))
    assert np.mean(nats) > 0.5  # the mean of KL(q(s | X) || p(s | T)); about 0 where the shape is ignored


def test_noise_widens_the_cloud(trained):
    model, _ = trained
    thin, wide = (np.concatenate(model.sample(43, 4000, 4, noise=c, generator=seeded())) for c in (0.0, 20.0))
    assert wide.std() > thin.std()


def test_log_prob_knows_the_temperature_and_the_unit(trained):
    model, _ = trained
    gel = {T: clouds.simulate(T, 1, np.random.default_rng(9), n_points=800)[0] for T in (21, 43)}
    nats = {(T, told): 800 * model.log_prob(gel[T], told, generator=seeded()) for T in gel for told in gel}
    assert nats[21, 21] > nats[21, 43] + 10
    assert nats[43, 43] > nats[43, 21] + 10
    entropy = -np.log(4 / 3 * np.pi * 200**3)  # a ball of 200 nm has this log density, in 1/nm^3
    assert nats[21, 21] / 800 == pytest.approx(entropy, abs=2)


def test_more_draws_do_not_lower_the_bound(trained):
    model, _ = trained
    (cloud,) = clouds.simulate(33, 1, np.random.default_rng(9), n_points=200)
    few = np.mean([model.log_prob(cloud, 33, 1, seeded(k)) for k in range(20)])
    many = np.mean([model.log_prob(cloud, 33, 50, seeded(k)) for k in range(5)])
    assert many > few


def test_outside_of_the_trained_temperatures_it_says_so(trained):
    model, _ = trained
    with pytest.warns(UserWarning, match="from 21 to 43"):
        model.sample(55, 60, generator=seeded())
    with pytest.warns(UserWarning, match="not trained"):
        training.initialise(small, 0).sample(30, 60, generator=seeded())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c, T: ([*c[:-1], c[-1][:40]], T), "at least 50 points"),
        (lambda c, T: ([*c[:-1], c[-1][:, :2]], T), "shape"),
        (lambda c, T: ([*c[:-1], np.where(c[-1] > 0, np.nan, c[-1])], T), "NaN"),
        (lambda c, T: (c, T[:-1]), "one value per cloud"),
        (lambda c, T: (c, [np.nan, *T[1:]]), "temperature_C"),
        (lambda c, T: ([], []), "one value per cloud"),  # noqa: ARG005
    ],
    ids=["few", "columns", "nan", "temperatures", "nan temperature", "nothing"],
)
def test_bad_clouds_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        training.initialise(small, 0).fit(*change(*gels(1)), n_steps=1)


def test_bad_settings_are_named(trained):
    with pytest.raises(ValueError, match="shape_dim"):
        small(shape_dim=0)
    with pytest.raises(ValueError, match="largest_noise_nm"):
        small(largest_noise_nm=-1)
    with pytest.raises(ValueError, match="n_points"):
        trained[0].sample(30, 0)
    with pytest.raises(ValueError, match="noise"):
        trained[0].sample(30, 10, noise=-1)
