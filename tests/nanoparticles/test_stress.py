"""Stress: the width of the noise, the share of replaced pixels and their value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.nanoparticles import stress

NAN = float("nan")
IMAGES = np.random.default_rng(0).random((50, 40, 40), dtype=np.float32)


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("sd", [0.05, 0.4, 10.0])
def test_noise_is_gaussian_independent_and_not_clipped(sd):
    noisy = stress.add_noise(IMAGES, sd, rng())
    assert noisy.dtype == np.float32
    added = (noisy - IMAGES).astype(float)
    n = added.size
    assert added.mean() == pytest.approx(0, abs=5 * sd / np.sqrt(n))
    assert added.std() == pytest.approx(sd, rel=5 / np.sqrt(2 * n))
    assert stats.kstest(added.ravel()[::7] / sd, "norm").pvalue > 1e-3
    for axis in (0, 1, 2):
        assert abs((added * np.roll(added, 1, axis)).mean()) < 5 * sd**2 / np.sqrt(n)
    assert noisy.min() < 0
    assert noisy.max() > 1


@pytest.mark.parametrize("density", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("intensity", [0.0, 0.3, 1.0, -2.5])
def test_contamination_replaces_a_binomial_share_by_one_value(density, intensity):
    images = IMAGES + 3  # no pixel has the value by itself
    hit = stress.contaminate(images, density, intensity, rng())
    assert hit.dtype == np.float32
    replaced = hit != images
    assert (hit[replaced] == np.float32(intensity)).all()
    per_image, pixels = replaced.sum(axis=(1, 2)), 1600
    spread = np.sqrt(density * (1 - density))
    assert replaced.mean() == pytest.approx(density, abs=5 * spread / np.sqrt(images.size))
    assert per_image.std() == pytest.approx(spread * np.sqrt(pixels), rel=0.45)
    rows = replaced.mean(axis=(0, 2))
    assert np.abs(rows - density).max() < 5 * spread / np.sqrt(50 * 40)


@given(seed=st.integers(0, 99))
def test_nothing_and_everything(seed):
    np.testing.assert_array_equal(stress.add_noise(IMAGES[:2], 0, rng(seed)), IMAGES[:2])
    np.testing.assert_array_equal(stress.contaminate(IMAGES[:2], 0, 1, rng(seed)), IMAGES[:2])
    assert (stress.contaminate(IMAGES[:2], 1, 0.25, rng(seed)) == 0.25).all()


@pytest.mark.parametrize("act", [stress.add_noise, lambda x, sd, rng=None: stress.contaminate(x, sd, 1.0, rng)])
def test_seeds_shapes_and_the_input_are_kept(act):
    before = IMAGES.copy()
    np.testing.assert_array_equal(act(IMAGES, 0.3, rng(7)), act(IMAGES, 0.3, rng(7)))
    assert not np.array_equal(act(IMAGES, 0.3, rng(7)), act(IMAGES, 0.3, rng(8)))
    assert not np.array_equal(act(IMAGES, 0.3), act(IMAGES, 0.3))
    np.testing.assert_array_equal(IMAGES, before)
    assert act(IMAGES[0], 0.3).shape == (40, 40)
    assert act(np.zeros((2, 3, 4, 5)), 0.3).shape == (2, 3, 4, 5)
    assert act(np.zeros((0, 8, 8)), 0.3).shape == (0, 8, 8)
    assert act([[0, 1], [1, 0]], 0.3).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stress.add_noise(np.zeros(5), 0.1), r"images must have shape \(..., H, W\), got \(5,\)"),
        (lambda: stress.add_noise(np.zeros((3, 0, 5)), 0.1), r"images must have shape \(..., H, W\)"),
        (lambda: stress.add_noise(IMAGES * NAN, 0.1), "images must be finite"),
        (lambda: stress.add_noise(IMAGES.astype(float) * NAN, 0.1), "images must be finite"),
        (lambda: stress.add_noise("cards", 0.1), "images must be a number or an array of numbers"),
        (lambda: stress.add_noise(IMAGES, -0.1), "sd must be >= 0"),
        (lambda: stress.add_noise(IMAGES, NAN), "sd must be finite"),
        (lambda: stress.add_noise(IMAGES, [0.1, 0.2]), "sd must be one number"),
        (lambda: stress.contaminate(np.zeros(5), 0.1, 1), "images must have shape"),
        (lambda: stress.contaminate(IMAGES, -0.1, 1), "density must be >= 0"),
        (lambda: stress.contaminate(IMAGES, 35, 1), "density must be <= 1"),
        (lambda: stress.contaminate(IMAGES, 0.1, NAN), "intensity must be finite"),
        (lambda: stress.contaminate(IMAGES, 0.1, (0, 1)), "intensity must be one number"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
