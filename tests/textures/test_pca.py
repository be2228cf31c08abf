"""Principal components of statistics: those of the textbook, exact with all of them, and back to images."""

import numpy as np
import pytest
import torch

from helpers.textures import generators, pca, retrieval, statistics
from helpers.textures.pca import StatisticsPCA


def images(n=60, size=32, seed=0):
    return generators.lines(n, size, rng=np.random.default_rng(seed))[0]


def rows(kind, x):
    found = statistics.two_point(x) if kind == "f" else statistics.amplitude(x)
    return found.reshape(len(x), -1)


@pytest.mark.parametrize("kind", pca.KINDS)
@pytest.mark.parametrize("k", [5, 40])  # the iterative and the full decomposition
def test_the_components_are_those_of_the_covariance(kind, k):
    x = images()
    model = StatisticsPCA(k, kind).fit(x)
    X = rows(kind, x)
    centred = X - X.mean(0)
    values = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(model.explained, values[:k] ** 2 / (values**2).sum(), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(model.mean, X.mean(0), atol=1e-5 * np.abs(X).max())
    np.testing.assert_allclose(model.components @ model.components.T, np.eye(k), atol=1e-4)
    scores = model.encode(x)
    np.testing.assert_allclose(scores, centred @ model.components.T, atol=1e-4 * np.abs(scores).max())
    covariance = scores.T @ scores
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-4 * covariance[0, 0])
    np.testing.assert_allclose(np.diag(covariance) / values[0] ** 2, (values[:k] / values[0]) ** 2, atol=1e-4)
    assert (np.diff(model.explained) <= 1e-9).all()
    assert 0 < model.explained.sum() <= 1 + 1e-6
    np.testing.assert_allclose(scores.mean(0), 0, atol=1e-4 * np.abs(scores).max())


@pytest.mark.parametrize("kind", pca.KINDS)
def test_all_components_give_a_training_image_back(kind):
    x = images(24)
    model = StatisticsPCA(23, kind).fit(x)
    A, true = model.decode(model.encode(x)), statistics.amplitude(x)
    assert A.shape == (24, 32, 17)
    assert model.explained.sum() == pytest.approx(1, abs=1e-4)
    if kind == "amplitude":
        np.testing.assert_allclose(A, true, atol=2e-4 * true.max())
    else:  # the root of |F|^2: zeros of F are as exact as a root of round-off
        np.testing.assert_allclose(A**2, true**2, atol=2e-4 * true.max() ** 2)
    found = model.reconstruct(x, rng=np.random.default_rng(1), n_starts=4)
    np.testing.assert_array_equal(found.sum((1, 2)), x.sum((1, 2)))
    misfit = retrieval.misfit(torch.from_numpy(found).float(), torch.from_numpy(true).float()).numpy()
    assert (misfit < retrieval.EXACT).mean() > 0.8


def test_shifts_and_inversions_have_the_same_scores_and_more_components_are_nearer():
    x, unseen = images(200), images(20, seed=1)
    errors = []
    for k in (2, 9, 40):
        model = StatisticsPCA(k, "amplitude").fit(x)
        scores = model.encode(unseen)
        assert scores.shape == (20, k)
        np.testing.assert_allclose(model.encode(np.roll(unseen, 5, 2)[:, ::-1, ::-1]), scores, atol=1e-3)
        errors.append(np.square(model.decode(scores) - statistics.amplitude(unseen)).sum())
    assert errors[0] > errors[1] > errors[2]


def test_decoded_amplitudes_are_not_negative_and_the_way_back_keeps_the_orientation():
    x, unseen = images(300), images(12, seed=2)
    for kind in pca.KINDS:
        model = StatisticsPCA(9, kind).fit(x)
        assert model.decode(10 * model.encode(unseen)).min() >= 0
        found = model.reconstruct(unseen, np.random.default_rng(3), n_iterations=100)
        again = model.reconstruct(unseen, np.random.default_rng(3), n_iterations=100)
        np.testing.assert_array_equal(found, again)
        assert found.shape == unseen.shape
        for one, other in zip(unseen, found, strict=True):
            upright = [np.subtract(*statistics.three_lags(statistics.two_point(m))[1:]) < 0 for m in (one, other)]
            assert upright[0] == upright[1]


def test_the_same_images_give_the_same_components_and_parts_do_not_matter(monkeypatch):
    x = images(50)
    one = StatisticsPCA(4).fit(x)
    monkeypatch.setattr(pca, "_PART", 7)
    other = StatisticsPCA(4).fit(x.tolist())
    np.testing.assert_allclose(one.components, other.components, atol=1e-5)


def test_images_that_come_twice():
    x = np.concatenate(20 * [images(4)])
    model = StatisticsPCA(3, "amplitude").fit(x)
    assert np.isfinite(model.components).all()
    assert model.explained.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StatisticsPCA(0), "n_components must be a whole number"),
        (lambda: StatisticsPCA(3, "g"), "of must be one of 'f', 'amplitude'"),
        (lambda: StatisticsPCA(9).fit(images(9)), "images must be more than n_components = 9"),
        (lambda: StatisticsPCA(9).fit(np.ones((12, 2, 2))), "images must be more than n_components = 9"),
        (lambda: StatisticsPCA(3).fit(images(9)[:, :, 1:]), "images must have shape"),
        (lambda: StatisticsPCA(3).fit(images(9)[0]), "images must have shape"),
        (lambda: StatisticsPCA(3).fit(np.full((9, 8, 8), np.nan)), "images must be finite"),
        (lambda: StatisticsPCA(3).fit(np.stack([np.roll(np.eye(8), k, 0) for k in range(8)])), "images must differ"),
        (lambda: StatisticsPCA(3).fit(np.zeros((9, 8, 8))), "images must differ"),
        (lambda: StatisticsPCA(3).encode(images(2)), "StatisticsPCA knows no components yet"),
        (lambda: StatisticsPCA(3).decode(np.ones((1, 3))), "StatisticsPCA knows no components yet"),
        (lambda: StatisticsPCA(3).fit(images(9)).encode(images(2, 64)), "images must have shape \\(N, 32, 32\\)"),
        (lambda: StatisticsPCA(3).fit(images(9)).decode(np.ones((2, 4))), "scores must have shape \\(N, 3\\)"),
        (lambda: StatisticsPCA(3).fit(images(9)).decode(np.ones(3)), "scores must have shape \\(N, 3\\)"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
