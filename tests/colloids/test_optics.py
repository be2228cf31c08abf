"""What an image says of its own optics, and where its spheres are: closed forms, and stacks with known optics."""

import numpy as np
import pytest
from scipy import special

from helpers.colloids import confocal, io, optics, suspension
from helpers.colloids.optics import Optics

PSF = (4.0, 1.5, 1.5)
TRUE = Optics(10.0, PSF, 0.1, 1.0, 0.05, 0.30)


def stack(phi="phi30", side=110, snr=20, **options):
    sample = io.configuration(phi)
    positions = sample.positions * 10 - (sample.box * 10 - side) / 2
    return confocal.image(positions, sample.diameters * 10, PSF, (side,) * 3, snr, np.random.default_rng(1), **options)


def test_white_noise_has_the_same_power_in_every_wave():
    noise = np.random.default_rng(0).normal(3.0, 0.5, (40, 48, 56)).astype(np.float32)
    k_z, k_rho, power, n = optics.spectrum(noise)
    assert np.average(power, weights=n) == pytest.approx(0.25, rel=0.02)
    far = np.hypot(k_z, k_rho) > 2
    assert np.average(power[far], weights=n[far]) == pytest.approx(0.25, rel=0.02)


def test_one_ball_has_the_power_of_its_transform():
    image = confocal.image([[32, 32, 32]], 9, (2, 1.2, 1.2), (64, 64, 64), None, background=0)
    k_z, k_rho, power, _ = optics.spectrum(image)
    windows = np.hanning(66)[1:-1]
    expected = confocal.ball_transform(k_z, k_rho, 9, (2, 1.2, 1.2)) ** 2 / (windows**2).sum() ** 3
    strong = expected > 0.02 * expected.max()
    assert power[strong] == pytest.approx(expected[strong], rel=0.25)


def test_the_spectrum_knows_z_from_x():
    image = stack(side=64)
    k_z, k_rho, power, _ = optics.spectrum(image)
    along_z = np.average(power[(k_rho < 0.1) & (k_z > 0.6) & (k_z < 0.8)])
    across = np.average(power[(k_z < 0.1) & (k_rho > 0.6) & (k_rho < 0.8)])
    assert across > 5 * along_z


def test_diameter_blur_and_noise_are_read_off_a_stack():
    found = optics.estimate(stack())
    assert found.diameter_px == pytest.approx(10, rel=0.03)
    assert found.psf_sigma_px == pytest.approx(PSF, rel=0.06)
    assert found.noise == pytest.approx(0.05, rel=0.03)
    assert found.phi == pytest.approx(0.30, abs=0.04)
    assert found.gain == pytest.approx(1.0, rel=0.15)


def test_what_is_given_is_not_fitted():
    found = optics.estimate(stack(side=64), diameter_px=9.5, psf_sigma_px=(3.9, 1.4, 1.4))
    assert found.diameter_px == pytest.approx(9.5)
    assert found.psf_sigma_px == pytest.approx((3.9, 1.4, 1.4))


def test_a_brighter_stack_has_the_same_lengths():
    image = stack(side=72)
    one, two = optics.estimate(image), optics.estimate(500 * image + 40)
    assert two.diameter_px == pytest.approx(one.diameter_px, rel=0.02)
    assert two.gain == pytest.approx(500 * one.gain, rel=0.05)
    assert two.noise == pytest.approx(500 * one.noise, rel=0.02)


def test_deconvolution_gives_one_peak_of_height_one_at_the_centre():
    centre = [32.3, 30.6, 31.2]
    image = confocal.image([centre], 10, PSF, (64, 64, 64), None, background=0.1)
    places, heights = optics.peaks(optics.deconvolve(image, TRUE._replace(phi=0.05)), 0.5)
    assert len(places) == 1
    assert places[0] == pytest.approx(centre, abs=0.1)
    assert heights[0] == pytest.approx(1, abs=0.15)


def test_a_piece_of_a_stack_is_deconvolved_like_the_whole():
    image = stack(side=110)
    reach = optics.inverse_kernel(TRUE).shape[0] // 2
    whole = optics.deconvolve(image, TRUE)
    piece = optics.deconvolve(image[10 : 40 + 2 * reach], TRUE)
    assert (piece[reach:-reach] == whole[10 + reach : 40 + reach]).all()


def test_a_kernel_sums_what_it_covers():
    rng = np.random.default_rng(0)
    volume, kernel = rng.normal(size=(9, 10, 11)), rng.normal(size=(3, 5, 3))
    found = optics.convolve(volume, kernel)
    direct = sum(
        kernel[dz, dy, dx] * volume[5 - dz + 1, 5 - dy + 2, 5 - dx + 1]
        for dz in range(3)
        for dy in range(5)
        for dx in range(3)
    )
    assert found.shape == volume.shape
    assert found[5, 5, 5] == pytest.approx(direct)


def test_peaks_of_parabolas_are_exact():
    z, y, x = np.meshgrid(*map(np.arange, (12, 14, 16)), indexing="ij")
    volume = 5 - (z - 4.3) ** 2 - (y - 6.8) ** 2 - 0.5 * (x - 8.4) ** 2
    places, heights = optics.peaks(volume, 0)
    assert places == pytest.approx(np.array([[4.3, 6.8, 8.4]]), abs=1e-6)
    assert heights == pytest.approx([volume.max()])
    assert len(optics.peaks(volume, 6)[0]) == 0


@pytest.mark.parametrize("sigma_px", [0.7, 2.0, 4.0])
def test_the_middle_of_a_round_blur_has_its_closed_form(sigma_px):
    u = 5 / sigma_px
    expected = special.erf(u / np.sqrt(2)) - np.sqrt(2 / np.pi) * u * np.exp(-(u**2) / 2)
    assert optics.middle_of_ball(10, (sigma_px,) * 3) == pytest.approx(expected, abs=1e-6)


def test_the_middle_of_a_ball_is_that_of_its_image():
    o = optics.Optics(10.0, (4.0, 1.5, 1.5), 0.1, 1.0, 0.1, 0.3)
    assert optics.middle_of_ball(10, (4, 1.5, 1.5)) == pytest.approx(optics.ball_on_grid(o).max(), abs=1e-4)


@pytest.mark.parametrize("phi", [0.15, 0.4])
def test_few_large_spheres_are_not_taken_for_bright_ones(phi):
    positions, box = suspension.hard_spheres(300, phi, rng=np.random.default_rng(3))
    where = suspension.images_within(positions * 20, box * 20, np.full(3, -25.0), np.full(3, 105.0))[1]
    image = confocal.image(where, 20, (8, 3, 3), (80,) * 3, 5, np.random.default_rng(4))
    found = optics.estimate(image)
    assert found.diameter_px == pytest.approx(20, rel=0.15)
    assert 0.75 < found.gain < 1.3
