"""Photon transfer: the line is recovered without bias, and what closes the system is what is needed."""

import numpy as np
import pytest

from helpers.molecules import movies, transfer


def background_movies(em, gain, photons, read_noise, n=24, offset=500.0, seed=1, size=64):
    """Movies of an uneven background, some with a molecule, from a camera whose every number is known."""
    rng = np.random.default_rng(seed)
    level = photons * rng.uniform(0.8, 1.2, (n, 1, 1, 1)) * np.linspace(0.9, 1.1, size)
    images = np.broadcast_to(level, (n, 16, size, size)).copy()
    tracks = rng.uniform(-1, 1, (n // 2, 1, 1, 2)) + np.zeros((n // 2, 16, 1, 2))
    images[: n // 2] += movies.render(tracks, 60 * np.sqrt(photons), 0.12, n_pixels=size)
    return movies.add_noise(images, gain=gain, offset=offset, read_noise=read_noise, em=em, rng=rng)


def within(value, error, truth, sigmas=4):
    assert error > 0
    assert abs(value - truth) < sigmas * error


@pytest.mark.parametrize(
    ("em", "gain", "photons", "read_noise"),
    [(False, 3.0, 20.0, 4.0), (True, 55.0, 15.0, 0.5), (True, 20.0, 150.0, 3.0)],
)
def test_the_line_is_recovered_within_its_errors(em, gain, photons, read_noise):
    excess = 2.0 if em else 1.0
    found = movies.photon_transfer(background_movies(em, gain, photons, read_noise), excess=excess)
    within(found.slope, found.slope_se, excess * gain)
    within(found.gain, found.gain_se, gain)
    within(found.zero_variance_level, found.zero_variance_level_se, 500 - gain * read_noise**2 / excess)
    assert found.slope_se < 0.06 * found.slope
    assert found.offset is None
    assert found.read_noise is None


def test_standard_errors_are_those_of_repeats():
    found = [movies.photon_transfer(background_movies(True, 30.0, 10.0, 1.0, n=8, seed=k, size=40)) for k in range(24)]
    scatter = np.std([f.slope for f in found], ddof=1)
    assert 0.6 < np.mean([f.slope_se for f in found]) / scatter < 1.7


def test_the_third_cumulant_tells_an_em_camera_from_a_plain_one():
    for em, ratio in ((False, 1.0), (True, 1.5)):
        found = movies.photon_transfer(background_movies(em, 30.0, 15.0, 0.5))
        assert found.skew_ratio == pytest.approx(ratio, abs=0.1)


def test_a_plain_fit_over_pixels_is_biased_where_ours_is_not():
    stack = background_movies(True, 55.0, 15.0, 0.5).astype(float)
    mask = transfer.background_mask(stack)
    naive = np.polyfit(stack.mean(axis=1)[mask], stack.var(axis=1, ddof=1)[mask], 1)[0]
    assert naive > 1.1 * 110
    assert movies.photon_transfer(stack).slope == pytest.approx(110, rel=0.05)


def test_read_noise_offset_or_dark_frames_close_the_system():
    gain, read_noise = 3.0, 4.0
    stack = background_movies(False, gain, 20.0, read_noise)
    with_read = movies.photon_transfer(stack, read_noise=read_noise)
    within(with_read.offset, with_read.offset_se, 500)
    assert movies.photon_transfer(stack, offset=500.0).read_noise == pytest.approx(read_noise, rel=0.25)
    dark = movies.add_noise(
        np.zeros((10, 64, 64)), gain=gain, offset=500, read_noise=read_noise, rng=np.random.default_rng(3)
    )
    with_dark = movies.photon_transfer(stack, dark=dark)
    within(with_dark.offset, with_dark.offset_se, 500)
    within(with_dark.gain, with_dark.gain_se, gain)
    assert with_dark.read_noise == pytest.approx(read_noise, rel=0.03)
    assert with_dark.slope_se < movies.photon_transfer(stack).slope_se


def test_molecules_are_left_out_of_the_background():
    stack = background_movies(False, 3.0, 20.0, 1.0, n=4)
    clean = movies.photon_transfer(stack)
    everything = movies.photon_transfer(stack, mask=np.ones((4, 64, 64), dtype=bool))
    mask = transfer.background_mask(stack)
    assert mask[2:].mean() > 0.97
    assert not mask[:2].all(axis=(1, 2)).any()
    assert clean.n_blocks < everything.n_blocks


@pytest.mark.parametrize(
    ("stack", "change", "message"),
    [
        (np.zeros((64, 64)), {}, "stack must have shape"),
        (np.full((4, 8, 8), np.nan), {}, "stack must be finite"),
        (np.ones((1, 8, 16, 16)), {}, "stack shows only"),
        (np.ones((2, 8, 64, 64)), {}, "stack must show backgrounds of different brightness"),
        (np.ones((2, 8, 64, 64)), {"excess": 0}, "excess must be > 0"),
        (np.ones((2, 8, 64, 64)), {"mask": np.ones((64, 64))}, "mask must have shape"),
        (np.ones((2, 8, 64, 64)), {"dark": np.ones(3)}, "dark must hold at least"),
        (np.ones((2, 8, 64, 64)), {"read_noise": -1.0}, "read_noise must be >= 0"),
    ],
)
def test_photon_transfer_refuses(stack, change, message):
    with pytest.raises(ValueError, match=message):
        movies.photon_transfer(stack, **change)
