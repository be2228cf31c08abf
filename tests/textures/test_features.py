"""Features of statistics: exact where nothing is cut off, and blind to shift and inversion."""

import numpy as np
import pytest
import torch

from helpers.textures import generators, statistics
from helpers.textures.features import StatisticsFeatures
from helpers.textures.whole_lines import crop


@pytest.fixture(scope="module")
def images():
    return generators.lines(700, 32, rng=np.random.default_rng(0))[0]


@pytest.fixture(scope="module")
def features(images):
    return StatisticsFeatures(32, 300).fit(images)


def test_within_the_band_nothing_is_lost_with_enough_components(images):
    whole = StatisticsFeatures(32, 31 * 16).fit(images)
    A, counts = whole.decode(whole.encode(images[:20]))
    exact = statistics.amplitude(torch.from_numpy(images[:20]).float())
    assert torch.allclose(A, crop(exact, whole.band), atol=0.05 * exact.max())
    assert counts[:, 2].numpy() == pytest.approx(images[:20].sum((1, 2)), rel=1e-3)


def test_features_have_variance_one(features, images):
    X = features.encode(images)
    assert X[:, :-3].square().sum(1).mean() == pytest.approx(1, abs=0.02)
    assert X[:, -3:].std(0).tolist() == pytest.approx([1, 1, 1], abs=1e-3)
    assert X.mean(0).abs().max() < 0.01


def test_shift_and_inversion_leave_the_features_as_they_are(features, images):
    some = images[:5]
    for other in (np.roll(some, (5, 11), (1, 2)), some[:, ::-1, ::-1].copy()):
        assert torch.allclose(features.encode(other), features.encode(some), atol=1e-4)
    turned = np.rot90(some, axes=(1, 2)).copy()
    assert not torch.allclose(features.encode(turned), features.encode(some), atol=0.1)


def test_beyond_the_band_stands_the_mean(images):
    narrow = StatisticsFeatures(32, 20, band=5).fit(images)
    A, _ = narrow.decode(narrow.encode(images[:3]))
    whole = narrow.amplitude(A)
    assert torch.equal(crop(whole, 5), A)
    beyond = narrow.mean.clone()
    beyond[-5:, :6] = beyond[:6, :6] = 0
    outside = whole.clone()
    outside[:, -5:, :6] = outside[:, :6, :6] = 0
    assert torch.equal(outside, beyond.expand(3, -1, -1))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: StatisticsFeatures(32, 20, band=16), "band"),
        (lambda: StatisticsFeatures(32, 600).fit(np.ones((10, 32, 32))), "both states"),
        (lambda: StatisticsFeatures(32, 20).fit(np.eye(32)[None]), "more than the 20"),
        (lambda: StatisticsFeatures(32, 20).fit(np.ones((30, 16, 16))), "shape"),
    ],
)
def test_what_cannot_work_is_refused(make, word):
    with pytest.raises(ValueError, match=word):
        make()
