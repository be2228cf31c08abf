"""Matching noise: the likelihood finds its width and its shape; comparing pixels finds no noise at all."""

import numpy as np
import pytest
from scipy import integrate

from helpers.molecules import matching, movies


@pytest.fixture(scope="module")
def em_counts():
    return movies.add_noise(
        np.zeros((4, 32, 32)), background=15.0, gain=55.0, offset=500.0, em=True, rng=np.random.default_rng(1)
    ).astype(float)


@pytest.mark.parametrize("model", ["gaussian", "laplace"])
def test_standard_noise_has_mean_0_and_variance_1(model):
    draws = matching.standard_noise(model, 200_000, np.random.default_rng(2))
    assert draws.mean() == pytest.approx(0, abs=0.01)
    assert draws.var() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("model", matching.MODELS)
def test_every_likelihood_is_that_of_a_density(model):
    def density(x):
        return np.exp(-matching.noise_likelihood(np.array([x]), 1300.0, 300.0, model, offset=500.0))

    x = np.linspace(500.01, 6000, 20_001) if model == "em" else np.linspace(-3000, 6000, 20_001)
    p = np.array([density(v) for v in x])
    assert integrate.trapezoid(p, x) == pytest.approx(1, abs=2e-3)
    assert integrate.trapezoid(p * x, x) == pytest.approx(1300, rel=2e-3)
    assert integrate.trapezoid(p * (x - 1300) ** 2, x) == pytest.approx(300**2, rel=5e-3)


def test_likelihood_finds_mean_and_sd_and_knows_the_camera(em_counts):
    found = {model: matching.match_noise(em_counts, model, offset=500.0) for model in matching.MODELS}
    assert found["gaussian"].level == pytest.approx(em_counts.mean(), rel=1e-3)
    assert found["gaussian"].scale == pytest.approx(em_counts.std(), rel=1e-3)
    assert found["laplace"].level == pytest.approx(np.median(em_counts), rel=2e-3)
    assert found["em"].scale == pytest.approx(55 * np.sqrt(30), rel=0.05)
    assert found["em"].value < found["gaussian"].value - 0.005 < found["laplace"].value - 0.03


def test_quantiles_with_common_random_numbers_find_it_too(em_counts):
    found = matching.match_noise(em_counts, "gaussian", "quantiles", rng=np.random.default_rng(3))
    assert found.level == pytest.approx(em_counts.mean(), rel=0.02)
    assert found.scale == pytest.approx(em_counts.std(), rel=0.05)


@pytest.mark.parametrize("objective", ["mse", "psnr", "ssim"])
def test_comparing_pixels_finds_too_little_noise(em_counts, objective):
    found = matching.match_noise(em_counts, "gaussian", objective, rng=np.random.default_rng(4))
    assert found.scale < 0.3 * em_counts.std()


def test_common_random_numbers_make_the_objective_smooth(em_counts):
    scales = em_counts.std() * np.linspace(0.9, 1.1, 21)
    rng = np.random.default_rng(5)
    fixed = matching.standard_noise("gaussian", em_counts.shape, rng)

    def curve(draws):
        return [
            matching.noise_objective(em_counts, em_counts.mean(), s, "gaussian", "quantiles", draws()) for s in scales
        ]

    smooth = np.abs(np.diff(curve(lambda: fixed), 3)).max()
    rough = np.abs(np.diff(curve(lambda: matching.standard_noise("gaussian", em_counts.shape, rng)), 3)).max()
    assert rough > 100 * smooth


def test_redrawn_numbers_give_another_answer_every_time(em_counts):
    kind = dict(model="gaussian", objective="quantiles")
    fixed = [matching.match_noise(em_counts, **kind, rng=np.random.default_rng(k)).scale for k in range(2)]
    redrawn = matching.match_noise(em_counts, **kind, redraw=True, rng=np.random.default_rng(0))
    assert redrawn.n_evaluations > 150
    assert np.std(fixed) < 0.03 * em_counts.std()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(counts=np.ones((4, 4))), "counts must be images"),
        (dict(counts=np.arange(4.0)), "counts must be images"),
        (dict(counts=np.full((4, 4), np.nan)), "counts must be finite"),
        (dict(model="poisson"), "model must be one of"),
        (dict(objective="likeness"), "objective must be one of"),
        (dict(model="em", objective="mse"), "model must be one of 'gaussian', 'laplace'"),
        (dict(model="em"), "offset must be given"),
        (dict(start=(1.0, -1.0)), "start must be a pair"),
    ],
)
def test_bad_input_is_refused(change, message):
    counts = np.random.default_rng(6).normal(10, 2, (16, 16))
    with pytest.raises(ValueError, match=message):
        matching.match_noise(**{"counts": counts, **change})
