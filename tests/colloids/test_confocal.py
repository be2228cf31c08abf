"""The image of a sphere: closed forms of the blurred ball, light that is conserved, and noise of the right size."""

import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import ncx2, norm

from helpers.colloids import confocal

PSF = (4.0, 1.5, 1.5)


def blurred_ball(z, rho, diameter, psf):
    """Return T by quadrature over the discs of a ball: a blurred disc is a non-central chi-square distribution."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    at, radius2 = nodes * diameter / 2, (1 - nodes**2) * diameter**2 / 4
    disc = ncx2.cdf(radius2 / psf[1] ** 2, 2, rho**2 / psf[1] ** 2 + 1e-12)
    return (weights * diameter / 2 * norm.pdf(z - at, scale=psf[0]) * disc).sum()


@pytest.mark.parametrize("diameter", [6.0, 10.0, 21.0])
@pytest.mark.parametrize(("z", "rho"), [(0, 0), (3, 2), (6, 4), (10, 1), (0, 7.5)])
def test_a_profile_is_the_blurred_ball(diameter, z, rho):
    shape_of = confocal.profile(diameter, PSF)
    tabulated = shape_of.values[0, round(z / shape_of.step_px), round(rho / shape_of.step_px)]
    assert tabulated == pytest.approx(blurred_ball(z, rho, diameter, PSF), abs=1e-9)


def test_the_middle_of_a_large_ball_is_one_and_its_half_height_is_its_radius():
    shape_of = confocal.profile(40.0, (1.0, 1.0, 1.0))
    assert shape_of.values[0, 0, 0] == pytest.approx(1, abs=1e-9)
    assert shape_of.values[0, 200, 0] == pytest.approx(0.5, abs=0.03)


def test_a_transform_at_zero_is_the_volume_and_falls_as_a_gaussian_along_each_axis():
    assert confocal.ball_transform(0, 0, 10, PSF) == pytest.approx(np.pi / 6 * 1000, rel=1e-4)
    along_z, across = (confocal.ball_transform(*k, 10, PSF) for k in ((0.3, 0), (0, 0.3)))
    assert np.log(across / along_z) == pytest.approx((PSF[0] ** 2 - PSF[1] ** 2) * 0.09 / 2)


def test_a_small_ball_is_a_gaussian_of_the_same_volume():
    image = confocal.image([[20, 20, 20]], 1.0, (3, 2, 2), (41, 41, 41), None, background=0)
    line = image[20, 20, :] / image[20, 20, 20]
    width2 = 4 + 1 / 20
    assert line == pytest.approx(np.exp(-((np.arange(41) - 20) ** 2) / 2 / width2), abs=2e-3)
    expected = np.pi / 6 * erf(1 / np.sqrt(8) / 3) * erf(1 / np.sqrt(8) / 2) ** 2
    assert image[20, 20, 20] == pytest.approx(expected, rel=0.03)


def test_light_is_volume_and_the_image_is_blurred_along_z():
    image = confocal.image([[30.3, 20.1, 20.7]], 10, PSF, (61, 41, 41), None, background=0).astype(float)
    assert image.sum() == pytest.approx(np.pi / 6 * 1000, rel=2e-3)
    grids = np.meshgrid(*map(np.arange, image.shape), indexing="ij")
    centre = [(image * g).sum() / image.sum() for g in grids]
    assert centre == pytest.approx([30.3, 20.1, 20.7], abs=0.01)
    widths = [(image * (g - c) ** 2).sum() / image.sum() for g, c in zip(grids, centre, strict=True)]
    assert widths == pytest.approx([5 + 16, 5 + 2.25, 5 + 2.25], rel=0.03)  # d^2 / 20 of a ball, plus the blur


def test_spheres_add_and_those_outside_shine_in():
    shape = (30, 30, 30)
    one, two = ([10.0, 12.0, 14.0], [20.0, 12.5, -3.0])
    images = [confocal.image(p, 8, (2, 1, 1), shape, None, background=0) for p in ([one], [two], [one, two])]
    assert images[0] + images[1] == pytest.approx(images[2], abs=1e-5)
    assert images[1].max() > 0.2


def test_diameter_brightness_and_bleaching_are_those_of_each_sphere():
    positions = [[15, 15, 15], [15, 15, 40]]
    image = confocal.image(positions, [6, 12], (1, 1, 1), (31, 31, 56), None, brightness=[2, 1], background=0)
    assert image[15, 15, 15] == pytest.approx(2 * blurred_ball(0, 0, 6, (1, 1)), abs=1e-3)
    assert image[15, 15, 40] == pytest.approx(blurred_ball(0, 0, 12, (1, 1)), abs=1e-3)
    faded = confocal.image(positions, 8, (1, 1, 1), (31, 31, 56), None, bleaching=0.75)
    whole = confocal.image(positions, 8, (1, 1, 1), (31, 31, 56), None)
    assert faded[30] == pytest.approx(0.25 * whole[30])
    assert faded[15] == pytest.approx(0.5 * whole[15])


def test_noise_is_white_with_the_stated_size_or_poisson():
    rng = np.random.default_rng(0)
    empty = np.zeros((0, 3))
    noise = confocal.image(empty, 10, PSF, (40, 40, 40), 5, rng, background=0.3)
    assert noise.mean() == pytest.approx(0.3, abs=0.004)
    assert noise.std() == pytest.approx(0.2, rel=0.02)
    photons = confocal.image(empty, 10, PSF, (40, 40, 40), 5, rng, background=0.3, photons=True)
    assert photons.var() == pytest.approx(0.3 / 25, rel=0.05)
    assert photons * 25 == pytest.approx(np.round(photons * 25), abs=1e-3)


def test_one_seed_gives_one_image():
    make = lambda seed: confocal.image([[5, 5, 5]], 6, (1, 1, 1), (12, 12, 12), 3, np.random.default_rng(seed))  # noqa: E731
    assert (make(1) == make(1)).all()
    assert (make(1) != make(2)).any()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("positions_px", {"positions_px": [1.0, 2, 3]}),
        ("positions_px", {"positions_px": [[1.0, 2, np.nan]]}),
        ("diameter_px", {"diameter_px": 0}),
        ("diameter_px", {"diameter_px": [3, 3]}),
        ("psf_sigma_px", {"psf_sigma_px": (1, 2, 3)}),
        ("psf_sigma_px", {"psf_sigma_px": 2.0}),
        ("shape", {"shape": (10, 10)}),
        ("snr", {"snr": 0}),
        ("brightness", {"brightness": -1}),
        ("background", {"background": np.inf}),
        ("bleaching", {"bleaching": 1.0}),
    ],
)
def test_bad_input_is_refused(name, change):
    good = {"positions_px": [[5.0, 5, 5]], "diameter_px": 6, "psf_sigma_px": (1, 1, 1), "shape": (9, 9, 9), "snr": 5}
    with pytest.raises(ValueError, match=name):
        confocal.image(**(good | change))
