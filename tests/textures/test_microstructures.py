"""Microstructures: lengths that are what they say, and errors that vanish for the image itself."""

import numpy as np
import pytest

from helpers.textures import microstructures, statistics
from helpers.textures.microstructures import FAMILIES


@pytest.fixture(scope="module")
def made():
    return microstructures.mixed(240, rng=np.random.default_rng(0))


def test_every_family_comes_as_often_with_both_states(made):
    images, truth = made
    assert np.bincount(truth.family).tolist() == [80, 80, 80]
    phi = images.mean((1, 2))
    assert ((phi > 0.05) & (phi < 0.95)).all()
    assert np.isfinite(truth.log_length).all()


@pytest.mark.parametrize("family", range(3))
def test_longer_lengths_have_less_border(made, family):
    images, truth = made
    own = truth.family == family
    surface = statistics.specific_surface(statistics.two_point(images[own]))
    assert np.corrcoef(np.log(surface), truth.log_length[own])[0, 1] < -0.7


def test_lengths_do_not_follow_the_order_of_the_rows(made):
    _, truth = made
    for family in range(3):
        lengths = truth.log_length[truth.family == family]
        assert abs(np.corrcoef(np.arange(len(lengths)), lengths)[0, 1]) < 0.4


def test_an_image_comes_back_as_itself_and_as_its_shift(made):
    images = made[0][:10]
    for found in (images, np.roll(images, (3, 9), (1, 2))):
        assert max(microstructures.fidelity(images, found)) == pytest.approx(0, abs=1e-3)
    other = microstructures.fidelity(images, 1 - images)
    assert other.specific_surface_error == pytest.approx(0, abs=1e-3)  # a border has two sides
    assert other.volume_fraction_error > 5


def test_the_share_told_is_one_for_the_truth_and_none_for_noise(made):
    truth = made[1]
    told = microstructures.share_told(np.column_stack([truth.log_length, truth.family]), truth, 150)
    assert told.shape == (3,)
    assert (told > 0.99).all()
    noise = microstructures.share_told(np.random.default_rng(1).normal(size=(240, 2)), truth, 150)
    assert (noise < 0.3).all()


def test_no_image_holds_one_state_alone():
    images, _ = microstructures.mixed(100, 20, ("discs",), np.random.default_rng(0))  # often without any disc
    assert images.any((1, 2)).all()
    assert not images.all((1, 2)).any()


def test_one_family_alone_and_unknown_families():
    _, truth = microstructures.mixed(6, 32, ("discs",), np.random.default_rng(0))
    assert (truth.family == FAMILIES.index("discs")).all()
    with pytest.raises(ValueError, match="families"):
        microstructures.mixed(6, families=("foam",))
