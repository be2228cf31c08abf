import numpy as np
import pytest
import torch

from helpers.common import checkpoints, training
from helpers.molecules import brownian, estimators, networks
from helpers.molecules import training as recipes

DT = recipes.DT_S


@pytest.fixture(scope="module")
def shipped():
    return networks.load("tracks")


@pytest.fixture(scope="module")
def fresh():
    """Tracks that nobody has seen, and their true D."""
    return recipes.simulate(5000, np.random.default_rng(987_654))


def test_features_are_the_logarithms_of_the_mode_energies(fresh):
    positions = fresh[0][:50]
    features = networks.track_features(positions, DT)
    assert features.shape == (50, 15)
    assert features.dtype == torch.float32
    assert np.allclose(np.expm1(features.numpy().astype(float)) * 2 * DT, estimators.modes(positions).square, rtol=1e-4)


def test_features_do_not_care_where_and_how_a_track_lies(fresh):
    positions = fresh[0][:50]
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    expected = networks.track_features(positions, DT)
    for moved in (positions + 5, positions @ turn, positions[..., ::-1], positions[:, ::-1], -positions):
        assert torch.allclose(networks.track_features(moved, DT), expected, atol=1e-5)
    assert torch.equal(networks.track_features(positions[::-1], DT), expected.flip(0))


@pytest.mark.parametrize("s", [0.5, 3.0])
def test_twice_the_length_is_four_times_the_energy_as_is_a_quarter_of_the_time(fresh, s):
    positions = fresh[0][:50]
    energy = torch.expm1(networks.track_features(positions, DT).double())
    assert torch.allclose(torch.expm1(networks.track_features(s * positions, DT).double()), s**2 * energy, rtol=1e-4)
    assert torch.allclose(torch.expm1(networks.track_features(positions, DT / s**2).double()), s**2 * energy, rtol=1e-4)


def test_the_shipped_network_is_as_good_as_its_card_says(shipped, fresh):
    positions, D = fresh
    metrics = checkpoints.load("tracks")[1]["metrics"]
    squared = (networks.predict_tracks(shipped, positions, DT) - D) ** 2
    low, high = metrics["rmse_interval"]
    sampling = 4 * squared.std() / np.sqrt(squared.size) / (2 * np.sqrt(squared.mean()))
    assert low - sampling < np.sqrt(squared.mean()) < high + sampling
    assert sampling < 0.15  # else this test would check nothing


def test_the_shipped_network_is_near_the_best_there_is_and_beats_the_mle(shipped, fresh):
    positions, D = fresh
    prior = estimators.uniform_prior(recipes.LOW_UM2_S, recipes.HIGH_UM2_S)
    blur, sigma = estimators.blur_coefficient(10), recipes.SIGMA_UM
    answers = {
        "network": networks.predict_tracks(shipped, positions, DT),
        "bayes": estimators.bayes_mean(positions, DT, prior, blur, sigma),
        "mle": estimators.mle(positions, DT, blur, sigma),
    }
    rmse = {name: np.sqrt(((answer - D) ** 2).mean()) for name, answer in answers.items()}
    assert 0.99 * rmse["bayes"] < rmse["network"] < 1.03 * rmse["bayes"]
    assert rmse["network"] < 0.9 * rmse["mle"]


def test_an_answer_belongs_to_its_track(shipped, fresh):
    positions = fresh[0][:40]
    together = networks.predict_tracks(shipped, positions, DT)
    assert together.shape == (40,)
    assert together.dtype == float
    assert np.allclose(together, [networks.predict_tracks(shipped, p[None], DT)[0] for p in positions], rtol=1e-4)
    assert (together > 0).all()
    assert networks.predict_tracks(shipped, positions[:0], DT).shape == (0,)


def test_faster_molecules_get_larger_answers(shipped):
    D = np.repeat([1.0, 4.0, 16.0], 300)
    rng = np.random.default_rng(3)
    positions = brownian.observe(brownian.simulate_tracks(D, D.size, dt_s=DT, rng=rng), recipes.SIGMA_UM, rng)
    means = networks.predict_tracks(shipped, positions, DT).reshape(3, 300).mean(axis=1)
    assert (np.diff(means) > 0).all()


def test_training_tracks_are_what_the_card_says():
    positions, D = recipes.simulate(20_000, np.random.default_rng(4))
    assert positions.shape == (20_000, 16, 2)
    assert recipes.LOW_UM2_S <= D.min() < D.max() <= recipes.HIGH_UM2_S
    assert D.mean() == pytest.approx((0.4 + 20) / 2, rel=0.02)
    assert D.std() == pytest.approx((20 - 0.4) / np.sqrt(12), rel=0.02)
    blur = estimators.blur_coefficient(10)
    relative = estimators.cve(positions, DT, blur, recipes.SIGMA_UM) / D
    assert np.mean(relative) == pytest.approx(1, abs=0.02)


def test_a_batch_belongs_to_its_generator_and_its_loss_is_the_mean_square():
    features, D = recipes.track_batch(np.random.default_rng(5), 0, size=8)
    again, same = recipes.track_batch(np.random.default_rng(5), 1, size=8)
    assert torch.equal(features, again)
    assert torch.equal(D, same)
    assert (features.shape, D.shape) == ((8, 15), (8,))
    model = training.initialise(networks.TrackNetwork, 0)
    answers = model(features)
    assert answers.shape == (8,)
    expected = ((answers - D) ** 2).sum().item() / 8
    assert recipes.squared_error(model, features, D).item() == pytest.approx(expected, rel=1e-5)


def test_the_network_is_as_small_as_it_says():
    model = training.initialise(networks.TrackNetwork, 0)
    n = sum(p.numel() for p in model.parameters())
    assert n == 15 * 64 + 64 + 64 * 64 + 64 + 64 + 1
    assert n == checkpoints.load("tracks")[1]["parameters"]
    assert not networks.load("tracks").training


@pytest.mark.parametrize(
    "shape", [(16, 2), (5, 15, 2), (5, 17, 2), (5, 16, 3), (5, 16, 1), (5, 16), (2, 5, 16, 2)], ids=str
)
def test_tracks_of_another_shape_are_refused(shipped, shape):
    with pytest.raises(ValueError, match=r"^positions_um must have shape \(n, 16, 2\), got"):
        networks.predict_tracks(shipped, np.zeros(shape), DT)


@pytest.mark.parametrize("shape", [(15,), (4, 14), (4, 15, 1)], ids=str)
def test_features_of_another_shape_are_refused(shipped, shape):
    with pytest.raises(ValueError, match=r"^features must have shape \(N, 15\), got"):
        shipped(torch.zeros(shape))


@pytest.mark.parametrize("dt", [0, -1, float("nan"), [DT, DT]])
def test_times_must_be_possible(shipped, dt):
    with pytest.raises(ValueError, match=r"^dt_s must be"):
        networks.predict_tracks(shipped, np.zeros((5, 16, 2)), dt)


def test_lost_frames_are_refused_and_not_answered_with_nan(shipped, fresh):
    positions = fresh[0][:2].copy()
    positions[1, 3] = np.nan
    with pytest.raises(ValueError, match=r"^positions_um holds NaN"):
        networks.predict_tracks(shipped, positions, DT)


def test_an_unknown_network_is_an_error_that_names_those_there_are():
    with pytest.raises(ValueError, match=r"^name must be one of (.+, )?tracks, got 'track'$"):
        networks.load("track")
