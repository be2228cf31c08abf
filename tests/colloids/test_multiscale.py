"""Spheres as peaks in position and scale: their radii in closed form, and spheres of different sizes at once."""

import numpy as np
import pytest
from scipy import special

from helpers.colloids import confocal, multiscale


def at_the_middle(radius, sigma):
    """Return G(s) * ball at the middle of a ball, in closed form."""
    u = radius / sigma
    return special.erf(u / np.sqrt(2)) - np.sqrt(2 / np.pi) * u * np.exp(-(u**2) / 2)


def test_the_radius_is_where_the_closed_form_answers_most():
    sigma = np.linspace(1, 8, 70_001)
    a = 2 ** (1 / multiscale.SCALES_PER_OCTAVE)
    best = sigma[np.argmax(at_the_middle(6, sigma) - at_the_middle(6, a * sigma))]
    assert multiscale.radius_of(best) == pytest.approx(6, rel=1e-3)
    assert best == pytest.approx(6 / np.sqrt(3), rel=0.1)


def test_the_differences_are_those_of_the_closed_form():
    image = confocal.image([[24, 24, 24]], 12, (0.3, 0.3, 0.3), (49,) * 3, None, background=0)
    D = multiscale.differences(image, 2, 4)
    widths = 2 * 2 ** (np.arange(5) / multiscale.SCALES_PER_OCTAVE)
    middle = at_the_middle(6, np.hypot(widths, 0.3))
    np.testing.assert_allclose(D[:, 24, 24, 24], middle[:-1] - middle[1:], atol=5e-3)


def test_spheres_of_different_sizes_are_found_and_measured_together():
    centres, sizes = np.array([[20, 20, 20], [20, 21, 50.3], [50, 20.4, 35]]), np.array([8, 11, 15.0])
    image = confocal.image(centres, sizes, (0.5, 0.5, 0.5), (70, 50, 70), 50, np.random.default_rng(0))
    where, radius = multiscale.find(image, 1.3, 10, 0.08)
    order = np.argsort(radius)
    np.testing.assert_allclose(where[order], centres, atol=0.1)
    np.testing.assert_allclose(2 * radius[order], sizes, rtol=0.05)


def test_noise_and_nothing_give_nothing_above_the_threshold():
    assert not len(multiscale.find(np.zeros((20, 20, 20)), 1.5, 5, 0.05)[0])
    noise = 0.2 * np.random.default_rng(0).standard_normal((40, 40, 40))
    assert not len(multiscale.find(noise, 1.5, 5, 0.08)[0])


def test_too_few_scales_are_refused():
    with pytest.raises(ValueError, match="at least 3"):
        multiscale.find(np.zeros((20, 20, 20)), 1.5, 2, 0.1)
