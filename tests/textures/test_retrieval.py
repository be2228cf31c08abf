"""Phase retrieval: exact for line images up to a shift and an inversion; the projections are projections."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.textures import generators, retrieval, statistics


def rng(seed=0):
    return np.random.default_rng(seed)


def same(one, other):
    """Return whether two images agree up to a cyclic shift and a point inversion, by their cross-correlation."""
    F, G = np.fft.fft2(one), np.fft.fft2(other)
    most = max(np.fft.ifft2(F * turned).real.max() for turned in (G, G.conj()))
    return one.sum() == other.sum() and most > one.sum() - 0.5


def test_the_yardstick():
    image = generators.lines(1, 32, (3, 3), rng=rng())[0][0].astype(float)
    assert same(image, np.roll(image, (3, 8), (0, 1)))
    assert same(image, np.roll(image[::-1, ::-1], 5, 0))
    broken = image.copy()
    broken.flat[[np.argmax(image), np.argmin(image)]] = 0, 1
    assert not same(image, broken)
    assert not same(image, image.T)


@pytest.mark.parametrize(("size", "n", "starts", "share"), [(32, 60, 4, 0.97), (64, 12, 2, 0.9)])
def test_line_images_come_back_exactly(size, n, starts, share):
    """All of one line at once, and most of four; the others stop short of the truth, and say so by their misfit."""
    images, truth = generators.lines(n, size, rng=rng(1))
    A, n_on = statistics.amplitude(images), images.sum((1, 2))
    found = retrieval.retrieve(A, n_on, starts, rng=rng(2))
    assert found.dtype == np.uint8
    assert found.shape == images.shape
    np.testing.assert_array_equal(found.sum((1, 2)), n_on)
    exact = np.array([same(*pair) for pair in zip(images.astype(float), found.astype(float), strict=True)])
    assert exact.mean() >= share
    assert exact[truth.count == 1].all()
    misfit = retrieval.misfit(torch.from_numpy(found).float(), torch.from_numpy(A).float()).numpy()
    assert ((misfit < retrieval.EXACT) == exact).all()


def test_a_random_texture_comes_back_too():
    image = generators.overlapping_discs(1, 32, 4, 0.8, rng(3))[0]
    found = retrieval.retrieve(statistics.amplitude(1 - image), (1 - image).sum(), 3, 800, rng(4))
    assert same(1.0 - image, found.astype(float))


def test_one_image_and_a_batch_arrays_and_tensors():
    images = generators.lines(3, 32, (1, 2), rng=rng(5))[0]
    A, n_on = statistics.amplitude(images), images.sum((1, 2))
    single = retrieval.retrieve(A[0], n_on[0], rng=rng(6))
    assert single.shape == (32, 32)
    np.testing.assert_array_equal(single, retrieval.retrieve(A[:1], n_on[:1], rng=rng(6))[0])
    tensor = statistics.amplitude(torch.from_numpy(images).double().requires_grad_())
    one, other = (retrieval.retrieve(a, n, 2, 60, rng(6)) for a, n in ((A, n_on), (tensor, torch.from_numpy(n_on))))
    np.testing.assert_array_equal(one, other)
    odd = np.zeros((33, 33))
    odd[4:7, 3:20] = 1
    assert same(odd, retrieval.retrieve(statistics.amplitude(odd), odd.sum(), 3, rng=rng(7)).astype(float))


def test_a_generator_decides_and_more_starts_are_no_worse():
    images = generators.lines(12, 32, (3, 4), rng=rng(8))[0]
    A, n_on = statistics.amplitude(images), images.sum((1, 2))
    one, other, third = (retrieval.retrieve(A, n_on, 1, 40, rng(seed)) for seed in (9, 9, 10))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()
    more = retrieval.retrieve(A, n_on, 4, 40, rng(9))
    few, many = (
        retrieval.misfit(torch.from_numpy(x).float(), torch.from_numpy(A).float()).numpy() for x in (one, more)
    )
    assert (many <= few + 1e-9).all()
    assert many.mean() < few.mean()


def test_empty_and_full_images_beside_others():
    images = np.stack([np.zeros((32, 32)), np.ones((32, 32)), generators.lines(1, 32, (1, 1), rng=rng(11))[0][0]])
    found = retrieval.retrieve(statistics.amplitude(images), images.sum((1, 2)), 2, rng=rng(12))
    np.testing.assert_array_equal(found[:2], images[:2])
    assert same(images[2], found[2].astype(float))
    np.testing.assert_array_equal(retrieval.retrieve(np.zeros((2, 8, 5)), 0, rng=rng()), np.zeros((2, 8, 8)))
    assert retrieval.retrieve(statistics.amplitude(images[2]), 17.4, n_iterations=1, rng=rng()).sum() == 17


# ---- the two projections ----


@settings(max_examples=30)
@given(size=st.integers(3, 12), seed=st.integers(0, 999))
def test_projections(size, seed):
    generator = rng(seed)
    x = torch.from_numpy(generator.normal(size=(2, size, size)))
    A = statistics.amplitude(torch.from_numpy(generator.random((2, size, size))))
    near = retrieval.with_amplitude(x, A)
    torch.testing.assert_close(statistics.amplitude(near), A, atol=1e-9, rtol=0)
    torch.testing.assert_close(retrieval.with_amplitude(near, A), near, atol=1e-9, rtol=0)
    others = torch.from_numpy(generator.normal(size=(2, size, size)))
    least, more = ((y - x).square().sum((1, 2)) for y in (near, retrieval.with_amplitude(others, A)))
    assert (least <= more + 1e-9).all()
    n_on = generator.integers(0, size**2 + 1, 2)
    cut = retrieval.binary(x, n_on)
    assert cut.flatten(1).sum(1).tolist() == n_on.tolist()
    assert cut.dtype == x.dtype
    for image, values, n in zip(cut, x, n_on, strict=True):
        assert set(image.unique().tolist()) <= {0, 1}
        if 0 < n < size**2:
            assert values[image == 1].min() >= values[image == 0].max()
    torch.testing.assert_close(retrieval.binary(cut, n_on), cut)


def test_misfit():
    x = torch.from_numpy(rng(13).random((3, 8, 8)))
    A = statistics.amplitude(x)
    assert retrieval.misfit(x, A).max() < 1e-20
    torch.testing.assert_close(retrieval.misfit(2 * x, A), torch.ones(3, dtype=x.dtype))
    torch.testing.assert_close(retrieval.misfit(x.roll(3, -1), A), torch.zeros(3, dtype=x.dtype), atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_one_pixel_that_moved_is_not_exact(size):
    image = generators.lines(1, size, (4, 4), rng=rng(14))[0][0]
    A = torch.from_numpy(statistics.amplitude(image))[None].float()
    moved = image.copy()
    moved.flat[[np.argmax(image), np.argmin(image)]] = 0, 1
    assert retrieval.misfit(torch.from_numpy(moved)[None].float(), A) > 10 * retrieval.EXACT
    assert retrieval.misfit(torch.from_numpy(image)[None].float(), A) < retrieval.EXACT / 100


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: retrieval.retrieve(np.ones((2, 8, 8)), 3), "amplitude must have shape"),
        (lambda: retrieval.retrieve(np.ones(8), 3), "amplitude must have shape"),
        (lambda: retrieval.retrieve(np.ones((2, 2, 8, 5)), 3), "amplitude must have shape"),
        (lambda: retrieval.retrieve(-np.ones((8, 5)), 3), "amplitude must be >= 0"),
        (lambda: retrieval.retrieve(np.full((8, 5), np.inf), 3), "amplitude must be finite"),
        (lambda: retrieval.retrieve(np.ones((8, 5)), 65), "n_on must lie between 0 and 64"),
        (lambda: retrieval.retrieve(np.ones((8, 5)), -1), "n_on must lie between"),
        (lambda: retrieval.retrieve(np.ones((2, 8, 5)), [1, 2, 3]), "n_on must be one number or 2"),
        (lambda: retrieval.retrieve(np.ones((8, 5)), 3, 0), "n_starts must be a whole number"),
        (lambda: retrieval.retrieve(np.ones((8, 5)), 3, n_iterations=0), "n_iterations must be a whole number"),
        (lambda: retrieval.relaxed_reflections(torch.ones(2, 8, 5), [1], torch.ones(2, 8, 8)), "A, n_on and start"),
        (lambda: retrieval.relaxed_reflections(torch.ones(1, 8, 8), [1], torch.ones(1, 8, 8)), "A, n_on and start"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
