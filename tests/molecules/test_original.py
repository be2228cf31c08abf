"""The original's generator: the fast version has the loop's statistics, and its light and labels are as computed."""

import numpy as np
import pytest
from skimage.util import random_noise

from helpers.common import data
from helpers.molecules import movies, original


def test_a_pixel_is_five_units_wide_and_the_psf_just_under_one_pixel():
    assert pytest.approx(4.984, abs=1e-3) == original.PIXEL_NM
    assert pytest.approx(0.943, abs=1e-3) == original.PSF_SIGMA_PX
    assert pytest.approx(5587, abs=1) == original.SIGNAL_COUNTS


def test_the_integrated_psf_emulates_the_grid():
    tracks = original.tracks([1.0, 20.0, 50.0], 3, np.random.default_rng(1))[:, :5]
    loop = original.render_on_grid(tracks)
    fast = original._render(tracks)
    assert np.abs(loop - fast).max() < 0.005 * loop.max()
    np.testing.assert_allclose(loop.sum(axis=(2, 3)), fast.sum(axis=(2, 3)), rtol=1e-4, atol=1.0)


def test_emulated_movies_have_the_statistics_of_generated_ones():
    tracks = original.tracks(20.0, 6, np.random.default_rng(2))
    slow = original.generate(tracks, np.random.default_rng(3))
    fast = original.emulate(tracks, np.random.default_rng(4))
    assert fast.mean() == pytest.approx(slow.mean(), rel=0.005)
    assert fast.std() == pytest.approx(slow.std(), rel=0.01)
    np.testing.assert_allclose(
        np.quantile(fast, [0.05, 0.5, 0.95, 0.999]), np.quantile(slow, [0.05, 0.5, 0.95, 0.999]), rtol=0.03
    )
    assert fast.max(axis=(2, 3)).mean() == pytest.approx(slow.max(axis=(2, 3)).mean(), rel=0.03)


@pytest.mark.parametrize("D", [1e-3, 20.0, 200.0])
def test_noise_from_tables_has_the_distribution_of_the_exact_noise(D):
    images = np.repeat(original._render(original.tracks(D, 20, np.random.default_rng(12))), 3, axis=0)
    exact = original.noise(images, np.random.default_rng(13))
    fast = original.noise(images, np.random.default_rng(14), exact=False)
    assert fast.mean() == pytest.approx(exact.mean(), rel=1e-3)
    assert fast.var() == pytest.approx(exact.var(), rel=0.015)
    assert (fast - images).var() == pytest.approx((exact - images).var(), rel=0.01)
    quantiles = [0.01, 0.1, 0.5, 0.9, 0.99]
    np.testing.assert_allclose(np.quantile(fast, quantiles), np.quantile(exact, quantiles), rtol=0.01)
    tops = [a.max(axis=(2, 3)) for a in (fast, exact)]
    assert tops[0].mean() == pytest.approx(tops[1].mean(), rel=0.01)
    bright = images > 0.5 * images.max(axis=(2, 3), keepdims=True)
    fast, exact = (fast - images)[bright], (exact - images)[bright]
    assert fast.mean() == pytest.approx(exact.mean(), abs=4 * exact.std() * np.sqrt(2 / exact.size))
    assert fast.var() == pytest.approx(exact.var(), rel=4 * np.sqrt(4 / exact.size))


@pytest.mark.parametrize("D", [1.0, 50.0])
def test_the_brightest_pixel_always_has_41_photons(D):
    images = original._render(original.tracks(D, 20, np.random.default_rng(5))) + 100.0
    photons = images.max(axis=(2, 3)) * original.equivalent_gain(images)
    np.testing.assert_allclose(photons, 40.96, rtol=1e-6)


def test_fast_molecules_are_given_more_light():
    """Medians over frames; 5 units of D already get more than a molecule at rest, 50 units get 2.6 times as much."""
    rng = np.random.default_rng(6)
    medians = []
    for D in (1e-6, 1.0, 5.0, 20.0, 50.0):
        images = original._render(original.tracks(D, 150, rng))
        lit = images + rng.normal(100, 10, images.shape).clip(0, 130)
        medians.append(np.median(original.SIGNAL_COUNTS * original.equivalent_gain(lit)))
    np.testing.assert_allclose(medians, [280, 268, 350, 540, 715], rtol=0.04)


def test_the_noise_is_that_of_scikit_image_after_division_by_the_maximum():
    image = original._render(original.tracks(20.0, 1, np.random.default_rng(7)))[0, 0].astype(float) + 100
    image += np.random.default_rng(8).normal(0, 1e-3, image.shape)  # all values differ, so it counts 4096 levels
    theirs = (
        np.stack([random_noise(image / image.max() / 100, mode="poisson", rng=k) for k in range(300)])
        * image.max()
        * 100
    )
    gain = original.equivalent_gain(image)
    np.testing.assert_allclose(theirs.mean(axis=0).mean(), image.mean(), rtol=2e-3)
    np.testing.assert_allclose((theirs.var(axis=0) / image).mean(), 1 / gain, rtol=0.01)
    ours = original.noise(np.broadcast_to((image - 100).clip(0), (300, 64, 64)), np.random.default_rng(9))
    spread = 1 / gain + 100 / image  # Poisson, and its Gaussian background of sd 10
    np.testing.assert_allclose((ours.var(axis=0) / image).mean(), spread.mean(), rtol=0.04)


def test_the_label_is_unbiased_but_as_uncertain_as_the_value_itself():
    label = original.effective_D(original.tracks(20.0, 4000, np.random.default_rng(10))) / 20
    assert label.mean() == pytest.approx(1.0, abs=0.05)
    assert label.std() == pytest.approx(0.835, abs=0.06)
    assert np.median(label) == pytest.approx(0.75, abs=0.03)


def test_the_label_of_a_straight_path_is_known():
    """r = v t has MSD v^2 tau^2, so the slope is v^2 sum(k^3) / sum(k^2) substeps."""
    path = np.zeros((1, 160, 2))
    path[0, :, 0] = 3.0 * np.arange(160)
    k = np.arange(1, 160.0)
    slope = 9 * (k**3).sum() / (k**2).sum() / 1e-3
    assert original.effective_D(path.reshape(1, 16, 10, 2)) == pytest.approx(slope / 4 / 1000)


def test_units_agree_with_the_simulator():
    tracks_nm = original.tracks(30.0, 2, np.random.default_rng(11))
    same = movies.render(tracks_nm / 1000, original.SIGNAL_COUNTS, 4.7e-3, original.PIXEL_NM / 1000)
    np.testing.assert_allclose(original._render(tracks_nm), same, atol=0.05)


@pytest.mark.real_data
def test_labels_of_its_validation_tracks_fill_the_bins_0_to_50():
    if not data.available("molecule_movies"):
        pytest.skip("its validation tracks are not on this machine (python -m helpers data fetch molecule_movies)")
    tracks = np.load(data.fetch("molecule_movies") / "validation_trajectories.npy")  # (50, 5, 160, 2)
    label = original.effective_D(tracks.reshape(250, 16, 10, 2)).reshape(50, 5)
    np.testing.assert_array_equal(np.floor(label), np.arange(50)[:, None] + np.zeros(5))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="D_units must be > 0"):
        original.tracks(-1.0, 2)
    with pytest.raises(ValueError, match="tracks_nm must have shape"):
        original.emulate(np.zeros((16, 10, 2)))
    with pytest.raises(ValueError, match="images must be >= 0"):
        original.noise(np.full((4, 4), -1.0))
    with pytest.raises(ValueError, match="images must have shape"):
        original.noise(np.ones(4))


def test_our_validation_tracks_are_like_those_of_the_original():
    paths = original.validation_tracks(np.random.default_rng(0))
    assert paths.shape == (250, 16, 10, 2)
    assert (np.bincount(original.effective_D(paths).astype(int)) == 5).all()
    assert (original.validation_tracks(np.random.default_rng(0)) == paths).all()
    steps = np.diff(paths.reshape(250, 160, 2)[5:], axis=1)  # all but the first bin come from one D
    expected = 2 * 20.0 * original.UNIT_NM2_S * original.FRAME_S / original.N_SUB
    assert (steps**2).mean() == pytest.approx(expected, rel=0.05)  # labels do not change the steps much
