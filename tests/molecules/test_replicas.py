"""The original's networks: as many parameters as it reports, its inputs and its label."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.molecules import networks, original, replica_training, replicas, worlds

SIZES = [(replicas.ParkCNN, 2_160_145), (replicas.ResNet2D, 4_908_993), (replicas.ResNet3D, 3_611_841)]


@pytest.mark.parametrize(("build", "n_parameters"), SIZES)
def test_the_number_of_parameters_is_the_original_one(build, n_parameters):
    model = training.initialise(build, 0).eval()
    assert sum(p.numel() for p in model.parameters()) == n_parameters
    with torch.no_grad():
        assert model(torch.zeros(2, 16, 64, 64)).shape == (2,)
    with pytest.raises(ValueError, match="movies must have shape"):
        model(torch.zeros(2, 15, 64, 64))


def mixes_time(model):
    """Whether the answer knows which frames are neighbours: shuffle the input channels of the stem with the frames."""
    first = model.layers[0].weight
    movies = torch.rand(2, 16, 64, 64, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = model(movies)
        if first.shape[1] == 16:
            first.copy_(first[:, order])
        return not torch.allclose(model(movies[:, order]), before, atol=1e-5)


def test_frames_as_channels_have_no_neighbours_and_the_temporal_network_has():
    assert not mixes_time(training.initialise(replicas.ResNet3D, 0).eval())
    assert not mixes_time(training.initialise(replicas.ResNet2D, 0).eval())
    assert mixes_time(training.initialise(lambda: replicas.ResNet3D(temporal=True), 0).eval())


def test_batches_hold_movies_of_one_d_and_their_effective_d():
    movies, label = replicas.batches(64)(np.random.default_rng(0), 0)
    assert movies.shape == (64, 16, 64, 64)
    assert 0.09 < movies.mean() < 0.12  # about 100 counts / 1000
    assert 8 < label.mean() < 32  # the label spreads by 83 % about D = 20
    assert label.std() > 8


def test_a_fixed_set_is_used_again_and_fresh_movies_are_not():
    fixed, fresh = replicas.batches(8, n_fixed=12), replicas.batches(8)
    labels = {
        kind: {x for step in range(6) for x in make(np.random.default_rng([1, step]), step)[1].tolist()}
        for kind, make in (("fixed", fixed), ("fresh", fresh))
    }
    assert len(labels["fixed"]) <= 12
    assert len(labels["fresh"]) == 48


def test_the_loss_is_the_mean_square():
    model = training.initialise(replicas.ParkCNN, 0).eval()
    movies, label = replicas.batches(4)(np.random.default_rng(2), 0)
    with torch.no_grad():
        expected = ((model(movies) - label) ** 2).mean()
        assert replicas.squared_error(model, movies, label) == pytest.approx(expected.item())


def test_predict_divides_by_1000_and_averages_four_turns():
    model = training.initialise(replicas.ParkCNN, 0).eval()
    images = original.emulate(original.tracks(20.0, 3, np.random.default_rng(3)), np.random.default_rng(4))
    with torch.no_grad():
        one = model(torch.as_tensor(images / 1000, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(networks.predict(model, images), one * worlds.UNIT, rtol=1e-4)
    turned = np.rot90(images, axes=(2, 3)).copy()
    averaged = networks.predict(model, images, turns=True)
    np.testing.assert_allclose(networks.predict(model, turned, turns=True), averaged, rtol=0, atol=1e-6)
    assert np.abs(networks.predict(model, turned) - networks.predict(model, images)).max() > 5e-6


@pytest.fixture
def own_tracks(monkeypatch):
    """Six tracks in place of the original's 250."""
    paths = original.tracks(20.0, 6, np.random.default_rng(5))
    monkeypatch.setattr(replica_training.data, "available", lambda _: False)
    monkeypatch.setattr(original, "validation_tracks", lambda _: paths)
    return paths


def test_a_perfect_answer_has_no_error_and_noise_differs_from_draw_to_draw(own_tracks):
    label, seen = original.effective_D(own_tracks), []

    def answer(images):
        seen.append(images.mean())
        return label

    assert replica_training.validate(answer, n_draws=3)["rmse_draws"] == [0, 0, 0]
    assert len(set(seen)) == 3
    again = replica_training.validate(lambda _: label + 2, n_draws=1)
    assert again["rmse"] == pytest.approx(2)
    assert again["mae"] == pytest.approx(2)


def test_without_the_data_the_tracks_are_our_own(own_tracks):
    assert replica_training.source_of_tracks() == "simulated"
    assert replica_training.validation_tracks() is own_tracks


def test_errors_of_many_draws_hold_all_of_them(own_tracks):
    label, shifts = original.effective_D(own_tracks), iter([1.0, 3.0])
    found = replica_training.validate(lambda _: label + next(shifts), n_draws=2)
    assert found["rmse"] == pytest.approx(np.sqrt(5))
    assert found["mae"] == pytest.approx(2)
    assert found["rmse_draws"] == pytest.approx([1, 3])
    assert found["rmse_interval"] == pytest.approx([np.sqrt(5)] * 2)
    assert all(part["mae"] == pytest.approx(2) for part in found["bins"])
    assert len(found["bins"]) == len(set(label // 10 * (label < 50)))


@pytest.mark.usefixtures("own_tracks")
def test_brighter_movies_are_the_same_movies():
    rows = replica_training.scaled(lambda images: images.sum(axis=(1, 2, 3)) / 1e6)
    light = {row["factor"]: row["median"] for row in rows}
    assert light[2.0] == pytest.approx(4 * light[0.5])
    assert light[1.0] == pytest.approx(2 * light[0.5])


@pytest.mark.usefixtures("own_tracks")
@pytest.mark.parametrize("name", ["park", "resnet3d"])
def test_a_network_of_the_original_trains_and_is_scored(name, tmp_path, monkeypatch):
    monkeypatch.setattr(replica_training, "BUILD", tmp_path)
    monkeypatch.setattr(replicas, "batches", lambda: lambda *_: (torch.rand(2, 16, 64, 64), torch.rand(2)))
    monkeypatch.setitem(replica_training.MOVIES, name, 320)
    recorded = {}
    monkeypatch.setattr(replica_training.results, "record", lambda name, values, **_: recorded.update({name: values}))
    replica_training.train_replica(name)
    values = recorded[f"replica-{name}"]
    assert values["movies"] == 320
    assert values["parameters"] == sum(part.numel() for part in replica_training.NETWORKS[name]().parameters())
    assert len(values["scaled"]) == len(replica_training.FACTORS)
    assert values["cpu_s"] >= 0
