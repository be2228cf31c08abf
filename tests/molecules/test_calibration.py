"""Calibration: a simulated recording gives back the settings it was made with, and so do the real ones' twins."""

import numpy as np
import pytest

from helpers.common import data
from helpers.molecules import calibration, io, movies

TRUE = dict(photons=600.0, background=15.0, psf_sigma_um=0.12, gain=50.0, offset=500.0, em=True)


def recording(n=24, seed=1, **change):
    """Movies of one slow molecule each, on backgrounds that differ between and within movies, from a known camera."""
    rng = np.random.default_rng(seed)
    settings = {**TRUE, **change}
    level = settings["background"] * rng.uniform(0.85, 1.15, (n, 1, 1, 1)) * np.linspace(0.95, 1.05, 64)
    clean = movies.simulate(
        0.05, n, photons=settings["photons"], background=0.0, psf_sigma_um=settings["psf_sigma_um"], rng=rng
    )
    light = movies.render(clean.tracks_um, settings["photons"], settings["psf_sigma_um"])
    return movies.add_noise(
        light, np.broadcast_to(level, light.shape), settings["gain"], settings["offset"], em=settings["em"], rng=rng
    )


@pytest.fixture(scope="module")
def stack():
    return recording()


def test_calibration_gives_back_the_settings(stack):
    found = calibration.calibrate(stack)
    settings, transfer = found.settings, found.transfer
    assert abs(settings["gain"] - 50) < 4 * transfer.gain_se
    assert abs(settings["offset"] - 500) < 4 * transfer.offset_se
    assert settings["background"] == pytest.approx(15, rel=0.1)
    assert settings["photons"] == pytest.approx(600, rel=0.1)
    assert settings["psf_sigma_um"] == pytest.approx(0.12, rel=0.05)
    assert settings["em"] is True
    twin = movies.simulate(0.05, 2, rng=np.random.default_rng(0), **settings)
    assert twin.images.shape == (2, 16, 64, 64)


def test_spot_width_is_that_of_the_psf(stack):
    found = calibration.psf_width(stack, max_spots=100)
    assert found.n_spots == 100
    assert abs(found.sigma_px - 1.2) < 4 * found.sigma_px_se
    assert found.sigma_px_se < 0.05
    assert found.counts == pytest.approx(600 * 50, rel=0.1)
    wide = calibration.psf_width(recording(6, psf_sigma_um=0.2, photons=1500.0), sigma_px=1.8)
    assert wide.sigma_px == pytest.approx(2.0, rel=0.05)


def test_background_level_and_its_unevenness(stack):
    found = calibration.background_level(stack)
    assert found.level == pytest.approx(500 + 50 * 15, rel=0.05)
    assert found.between_movies == pytest.approx(0.3 / np.sqrt(12) * 750 / 1250, rel=0.3)
    assert found.within_movies == pytest.approx(0.1 / np.sqrt(12) * 750 / 1250, rel=0.25)
    even = calibration.background_level(
        movies.add_noise(np.zeros((4, 8, 64, 64)), background=9.0, rng=np.random.default_rng(2))
    )
    assert even.within_movies < 0.01
    assert even.level == pytest.approx(9, rel=0.01)


def test_a_twin_of_a_recording_has_its_statistics(stack):
    found = calibration.calibrate(stack)
    twin = calibration.simulate_recording(found, 0.05, 24, rng=np.random.default_rng(3))
    assert twin.shape == stack.shape
    again = calibration.calibrate(twin)
    assert again.transfer.slope == pytest.approx(found.transfer.slope, rel=0.1)
    assert again.spots.sigma_px == pytest.approx(found.spots.sigma_px, rel=0.07)
    real = calibration.image_statistics(stack)
    simulated = calibration.image_statistics(twin, real.edges)
    distance = 0.5 * (np.abs(real.histogram - simulated.histogram) * np.diff(real.edges)).sum()
    assert distance < 0.08
    np.testing.assert_allclose(simulated.power[-5:], real.power[-5:], rtol=0.1)


def test_light_is_measured_on_moving_spots_too():
    """A fast bright molecule beside slow faint ones: the light of a recording is not that of the slow ones alone."""
    slow, fast = recording(12, seed=5), movies.simulate(1.5, 12, photons=1200.0, background=0.0, psf_sigma_um=0.12)
    bright = movies.add_noise(
        movies.render(fast.tracks_um, 1200.0, 0.12), 15.0, 50.0, 500.0, em=True, rng=np.random.default_rng(6)
    )
    found = calibration.psf_width(np.concatenate([slow, bright]))
    assert found.counts > 1.2 * 600 * 50
    assert found.sigma_px == pytest.approx(1.2, rel=0.06)


@pytest.mark.parametrize("D_px2_frame", [0.1, 0.5, 2.0])
def test_motion_gives_back_the_speed_and_the_number_of_spots(D_px2_frame):
    batch = movies.simulate(
        D_px2_frame, 120, photons=2000.0, background=3.0, psf_sigma_um=0.13, rng=np.random.default_rng(7)
    )
    found = calibration.motion(batch.images, reach_px=12.0)
    assert found.spots_per_frame == pytest.approx(1, abs=0.03)
    assert found.n_steps == pytest.approx(120 * 15, rel=0.03)
    error = D_px2_frame / np.sqrt(found.n_steps)  # squared steps in 2D are exponential
    assert abs(np.nanmean(found.D_px2_frame) - D_px2_frame) < 4 * error + 0.005  # 0.005: localisation error


def test_motion_is_that_of_each_movie():
    D = np.array([0.05, 4.0])
    batch = movies.simulate(D, 2, photons=2000.0, background=3.0, psf_sigma_um=0.13, rng=np.random.default_rng(8))
    slow, fast = calibration.motion(batch.images, reach_px=15.0).D_px2_frame
    assert slow < 0.2 < 1.5 < fast
    dark = np.random.default_rng(9).normal(10, 1, (1, 16, 64, 64))
    assert np.isnan(calibration.motion(np.concatenate([batch.images, dark])).D_px2_frame[2])


def test_molecules_of_a_twin_start_where_they_are_told(stack):
    found = calibration.calibrate(stack)
    dim = found._replace(settings={**found.settings, "photons": 5000.0, "brightness_spread": 0.0})
    near, anywhere = (
        calibration.simulate_recording(dim, 0.01, 20, start_spread_px=spread, rng=np.random.default_rng(10))
        for spread in (0.0, None)
    )
    brightest = [np.indices((64, 64))[:, m[0] == m[0].max()].mean(axis=1) for m in near]
    assert np.abs(np.array(brightest) - 31.5).max() < 3
    brightest = [np.indices((64, 64))[:, m[0] == m[0].max()].mean(axis=1) for m in anywhere]
    assert np.std(brightest) > 10
    empty = calibration.simulate_recording(dim, 0.01, 4, n_molecules=0, rng=np.random.default_rng(10))
    assert empty.max() < near.max() / 3


def test_spectrum_of_white_noise_is_its_variance_and_the_histogram_integrates_to_one():
    noise = np.random.default_rng(4).normal(100, 5, (40, 64, 64))
    found = calibration.image_statistics(noise)
    np.testing.assert_allclose(found.power, 25, rtol=0.15)
    assert (found.histogram * np.diff(found.edges)).sum() == pytest.approx(1, abs=1e-3)
    assert found.frequency[-1] == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calibration.psf_width(np.zeros((64, 64))), "stack must have shape"),
        (lambda: calibration.psf_width(np.ones((2, 4, 64, 64))), "stack shows only 0 bright"),
        (lambda: calibration.psf_width(np.ones((4, 64, 64)), max_step_px=0.0), "max_step_px must be > 0"),
        (lambda: calibration.motion(np.ones((4, 64, 64))), "stack must have shape"),
        (lambda: calibration.motion(np.ones((2, 4, 64, 64))), "stack shows only 0 steps"),
        (lambda: calibration.motion(np.ones((2, 4, 64, 64)), reach_px=-1), "reach_px must be > 0"),
        (lambda: calibration.simulate_recording(None, [1.0, 2.0], 3), "D_um2_s must be one number or one per movie"),
        (lambda: calibration.background_level(np.full((4, 8, 8), np.nan)), "stack must be finite"),
        (lambda: calibration.image_statistics(np.ones((2, 2))), "stack must have shape"),
        (lambda: calibration.image_statistics(np.ones((8, 8))), "edges must increase"),
        (lambda: calibration.calibrate(np.ones((2, 8, 64, 64)), excess=-1), "excess must be > 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "slope", "level", "sigma_px"),
    [("70_01", 110.7, 510, 1.23), ("83_01", 47.8, 602, 1.0), ("104_01", 116.6, 512, 1.37)],
)
def test_the_real_recordings(name, slope, level, sigma_px):
    if not data.available("molecule_movies"):
        pytest.skip("the recordings are not on this machine (python -m helpers data fetch molecule_movies)")
    folder = data.fetch("molecule_movies") / f"blocks_64x64x16_{name}"
    found = calibration.calibrate(io.read_recording(folder).images)
    assert found.transfer.slope == pytest.approx(slope, rel=0.03)
    assert found.transfer.zero_variance_level == pytest.approx(level, abs=20)
    assert found.transfer.skew_ratio == pytest.approx(1.54, abs=0.05)  # 3/2 behind EM gain, 1 without
    assert found.spots.sigma_px == pytest.approx(sigma_px, abs=0.06)
