"""Statistics VAEs: losses with closed forms, training that learns, the same interface for both decoders."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from helpers.common import training
from helpers.textures import generators, scoring, statistics, vae
from helpers.textures.vae import StatisticsVAE

SMALL = {"n_components": 40, "hidden": 32}


def draw(n, rng):
    return generators.lines(n, 32, rng=rng)[0]


@pytest.fixture(scope="module")
def trained():
    model = training.initialise(lambda: StatisticsVAE(32, 9, n_components=128, hidden=128), 0)
    model.fit(draw, 600, n_images=3000, seed=0)
    return model


def test_kl_is_that_of_torch():
    mean, log_variance = torch.randn(5, 9), torch.randn(5, 9)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(vae.kl_divergence(mean, log_variance), expected, atol=1e-5)
    assert vae.kl_divergence(torch.zeros(1, 9), torch.zeros(1, 9)) == 0


def test_losses_vanish_for_the_image_itself_and_for_its_shifts_but_for_pixels():
    images = torch.from_numpy(draw(4, np.random.default_rng(0))).float()
    logits = (images - 0.5) * 100
    shifted = logits.roll((3, 5), (1, 2))
    for kind in ("f", "amplitude"):
        assert vae.image_loss(logits, images, kind).max() < 1e-6
        assert vae.image_loss(shifted, images, kind).max() < 1e-6
        assert vae.image_loss(logits.transpose(1, 2), images, kind).min() > 1e-4
    assert vae.image_loss(logits, images, "pixels").max() < 1e-6
    assert vae.image_loss(shifted, images, "pixels").min() > 10


def test_the_loss_in_f_is_a_sum_of_squares_over_lags():
    images = torch.from_numpy(draw(2, np.random.default_rng(0))).float()
    drawn = torch.full_like(images, 0.25)  # f = 1/16 at every lag
    expected = (statistics.two_point(images) - 1 / 16).square().sum((1, 2))
    assert torch.allclose(vae.image_loss(torch.logit(drawn), images, "f"), expected, rtol=1e-4)


def test_a_short_training_finds_orientation_volume_and_most_counts(trained):
    images = draw(60, np.random.default_rng(99))
    scores = scoring.score(images, trained.reconstruct(images))
    assert scores.orientation.mean() >= 0.95
    assert scores.volume_fraction_error.mean() < 15
    assert scores.count.mean() > 0.4  # a guess is right once in four
    mean, log_variance = trained.posterior(images)
    assert vae.kl_divergence(mean, log_variance).mean() > 5  # the latents are used
    shuffled = trained.draw(mean.roll(1, 0))
    assert (scoring.orientation(shuffled) == scoring.orientation(images)).mean() < 0.8


def test_both_priors_keep_the_volume_fraction(trained):
    z = trained.encode(draw(3, np.random.default_rng(5)))
    area = trained.decode(z)[1][:, 2].numpy()
    assert trained.draw(z, prior="binary").sum((1, 2)) == pytest.approx(area, abs=1)
    assert trained.draw(z, prior="lines").sum((1, 2)) == pytest.approx(area, rel=0.25)
    with pytest.raises(ValueError, match="prior"):
        trained.draw(z, prior="none")


@pytest.mark.parametrize(
    "settings",
    [
        {"decoder": "image"},
        {"decoder": "image", "sees": "image", "loss": "f", "beta": 1.0},
        {"decoder": "image", "loss": "pixels", "greyness": 0.1, "anneal": 0.5},
        {"sees": "image"},
        {},
    ],
)
def test_every_kind_trains_and_reconstructs(settings):
    model = training.initialise(lambda: StatisticsVAE(32, 4, **(SMALL | settings)), 1)
    history = model.fit(draw, 4, batch=8, n_images=520, seed=1)
    images = draw(3, np.random.default_rng(0))
    assert np.isfinite(history.losses).all()
    assert model.encode(images).shape == (3, 4)
    found = model.reconstruct(images)
    assert (found.shape, found.dtype) == ((3, 32, 32), np.uint8)


def test_training_on_given_images_is_reproducible():
    images = draw(300, np.random.default_rng(0))
    losses = [
        training.initialise(lambda: StatisticsVAE(32, 4, **SMALL), 0).fit(images, 3, batch=16, seed=2).losses
        for _ in range(2)
    ]
    assert losses[0] == losses[1]


def test_annealing_starts_without_kl():
    kept, annealed = (
        training.initialise(lambda a=a: StatisticsVAE(32, 4, beta=10.0, anneal=a, **SMALL), 0) for a in (0.0, 0.9)
    )
    first = [model.fit(draw, 10, batch=16, n_images=200, seed=0).losses[0] for model in (kept, annealed)]
    assert first[1] < first[0]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"decoder": "both"}, "decoder"),
        ({"encoder": "vgg"}, "encoder"),
        ({"encoder": "resnet152"}, "sees must be 'image'"),
        ({"weights": "imagenet"}, "weights"),
        ({"loss": "mse"}, "loss"),
        ({"anneal": 1.0}, "anneal"),
        ({"beta": -1.0}, "beta"),
        ({"latent_dim": 0}, "latent_dim"),
    ],
)
def test_wrong_settings_are_refused(settings, word):
    with pytest.raises(ValueError, match=word):
        StatisticsVAE(32, **({"latent_dim": 4} | settings))


def test_the_published_encoder_fits_in():
    model = training.initialise(lambda: StatisticsVAE(32, 4, "image", "resnet152", sees="image", hidden=16), 0)
    assert model.encode(draw(2, np.random.default_rng(0))).shape == (2, 4)
