"""What lesson 03 records about real movies: which are usable, whether they look familiar, and how far tracks agree."""

import numpy as np
import pytest

from helpers.common import training
from helpers.molecules import reader, reader_records, worlds


@pytest.fixture(scope="module")
def model():
    return training.initialise(lambda: reader.TrackAndBlob(world="recordings"), 0).eval()


@pytest.fixture(scope="module")
def images():
    return worlds.film("physical", np.full(30, 1.0), np.random.default_rng(0))[0]


def test_network_and_track_are_asked_about_the_same_movies(model, images):
    found = reader_records.read_both(model, images)
    assert found["usable"].mean() > 0.9
    assert np.median(found["mle"][found["usable"]]) == pytest.approx(1.0, rel=0.3)
    assert (found["low"] < found["high"]).all()


def test_a_jump_to_another_molecule_is_not_usable(model, images):
    jumping = images.copy()
    jumping[:, 8:] = np.roll(images[:, 8:], 14, axis=3)
    assert reader_records.read_both(model, jumping)["usable"].mean() < 0.1
    lost = images.copy()
    lost[:, 5:] = np.random.default_rng(1).permutation(images[:, 5:].reshape(-1)).reshape(images[:, 5:].shape)
    assert reader_records.read_both(model, lost)["usable"].mean() < 0.1


def test_disagreement_is_median_and_width_of_the_log_ratio():
    rng = np.random.default_rng(2)
    mle = np.exp(rng.normal(0, 1, 20_000))
    found = {"mle": mle, "log_mean": mle * np.exp(rng.normal(0.2, 0.3, mle.size)), "usable": np.ones(mle.size, bool)}
    said = reader_records.disagreement(found)
    assert said["median"] == pytest.approx(0.2, abs=0.01)
    assert said["spread"] == pytest.approx(0.3, rel=0.03)
    found["mle"][:100], found["usable"][100:300] = 0, False
    assert reader_records.disagreement(found)["n"] == mle.size - 300


def test_familiar_movies_are_inside_and_strange_ones_are_not(model):
    rng = np.random.default_rng(3)

    def draw(n):
        return worlds.film("physical", rng.uniform(0.4, 20, n), rng, exact=False)[0]

    familiar = reader_records.Familiar(model, draw(600))
    assert familiar.share_inside(draw(200)) == pytest.approx(0.95, abs=0.05)
    doubled = draw(40)
    doubled += np.roll(doubled, 4, axis=3)  # a second spot beside each
    assert familiar.share_inside(doubled) < 0.8
