"""Trials of line images: sets that stay apart, and verdicts with known answers."""

import numpy as np
import pytest

from helpers.textures import generators, scoring, vae, vae_trials


def test_the_test_set_is_always_the_same_and_not_the_validation_set():
    first, second = (vae_trials.line_images(5, 32) for _ in range(2))
    assert (first == second).all()
    assert (first != vae_trials.line_images(5, 32, validation=True)).any()


def test_the_verdict_on_the_image_itself_and_on_another():
    images, truth = generators.lines(40, 56, rng=np.random.default_rng(0))
    verdict = vae_trials.judge(images, np.roll(images, 5, 1))
    assert verdict.orientation == 1
    assert verdict.count == {"0.5": 1, "1.0": 1, "2.0": pytest.approx(1, abs=0.2)}
    assert verdict.count_of == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert verdict.counted == truth.count.tolist()
    assert max(verdict.volume_fraction_error, verdict.statistics_error) == pytest.approx(0, abs=1e-5)
    turned = vae_trials.judge(images, images.transpose(0, 2, 1))
    assert turned.orientation == 0
    assert turned.statistics_error > 0.3


def test_exact_statistics_give_the_image_back():
    images = generators.lines(12, 56, rng=np.random.default_rng(0))[0]
    verdict = vae_trials.judge(images, vae_trials.exact(images))
    assert (verdict.orientation, verdict.volume_fraction_error) == (1, 0)
    assert verdict.count["1.0"] >= 0.9


def test_the_volume_fraction_tells_half_of_the_counts():
    images, truth = generators.lines(600, 56, rng=np.random.default_rng(1))
    right = (vae_trials.by_volume_fraction(images, 56, n=2000) == truth.count).mean()
    assert 0.4 < right < 0.6


def test_principal_components_come_back_in_three_ways():
    images = generators.lines(6, 56, rng=np.random.default_rng(2))[0]
    found = vae_trials.principal(images, 9, 56, n=600)
    assert set(found) == {"f", "|F|", "features, whole lines"}
    for reconstructed in found.values():
        assert reconstructed.shape == images.shape
    assert scoring.score(images, found["features, whole lines"]).orientation.mean() >= 0.8


def test_unknown_learners_are_refused():
    with pytest.raises(ValueError, match="name"):
        vae_trials.train("GAN")


@pytest.mark.parametrize(("name", "latent_dim"), [("textures", 9), ("textures-wide", 32)])
def test_shipped_models_keep_orientation_number_and_amount(name, latent_dim):
    model, images = vae.load(name), vae_trials.line_images(60, validation=True)
    z = model.encode(images)
    assert z.shape == (60, latent_dim)
    verdict = vae_trials.judge(images, model.draw(z))
    guessed = (vae_trials.by_volume_fraction(images) == scoring.count(images)).mean()
    assert verdict.orientation == 1
    assert verdict.count["1.0"] >= guessed + 0.12
    assert verdict.volume_fraction_error <= 3
