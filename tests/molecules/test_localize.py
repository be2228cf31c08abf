"""Localisation: where the spot is, when it is lost, and how close to the bound of its photons."""

import numpy as np
import pytest

from helpers.molecules import localize, movies


def still(at_px, photons=2000.0, background=9.0, n=200, seed=0, sigma_um=0.12):
    """Movies (n, 1, 64, 64) of a molecule that stays at ``at_px`` (y, x), edge coordinates."""
    track = np.broadcast_to((np.asarray(at_px, float) - 32) * 0.1, (n, 1, 1, 2))
    light = movies.render(track, photons, sigma_um)
    return movies.add_noise(light, background, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("at_px", [(32.0, 32.0), (20.3, 40.8), (50.9, 9.5)])
def test_the_position_is_that_of_the_molecule_in_edge_coordinates_y_first(at_px):
    found = localize.localize(still(at_px)).positions[:, 0]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.mean(axis=0), at_px, atol=0.05)
    assert found.std(axis=0).max() < 0.15


def test_the_error_lies_above_the_bound_of_the_photons_and_near_it_without_background():
    """Without background sigma / sqrt(N) is the bound of every estimator (Mortensen et al. 2010, wide pixels aside)."""
    found = localize.localize(still((32.2, 31.7), photons=300.0, background=0.0, n=1000)).positions[:, 0]
    bound = np.sqrt(1.2**2 + 1 / 12) / np.sqrt(300)
    assert bound * 0.95 < found.std(axis=0).min()
    assert found.std(axis=0).max() < 1.25 * bound


def test_a_frame_without_a_molecule_is_lost_and_one_with_a_molecule_is_not():
    rng = np.random.default_rng(1)
    empty = movies.add_noise(np.zeros((200, 4, 64, 64)), 9.0, rng=rng)
    found = localize.localize(empty)
    assert np.isnan(found.positions).all(axis=2).mean() > 0.99
    assert (found.score < 6).mean() > 0.99
    assert np.isfinite(localize.localize(still((32, 32), photons=500.0)).positions).all()


def test_a_molecule_that_leaves_the_field_is_lost_then():
    track = np.zeros((1, 2, 1, 2))
    track[0, 1] = 5.0
    light = movies.add_noise(movies.render(track, 1000.0, 0.12), 9.0, rng=np.random.default_rng(2))
    seen = np.isfinite(localize.localize(light).positions).all(axis=2)
    assert seen.tolist() == [[True, False]]


@pytest.mark.parametrize(("factor", "offset"), [(0.5, 0.0), (40.0, 500.0)])
def test_gain_and_offset_change_nothing(factor, offset):
    images = still((30.4, 33.3), n=20)
    one, other = localize.localize(images), localize.localize(factor * images + offset)
    np.testing.assert_allclose(one.positions, other.positions, atol=0.01)
    np.testing.assert_allclose(one.score, other.score, rtol=0.01)


def test_turning_the_field_turns_the_position():
    images = still((25.2, 41.6), n=20)
    y, x = np.moveaxis(localize.localize(images).positions[:, 0], -1, 0)
    turned = localize.localize(np.rot90(images, axes=(2, 3)).copy()).positions[:, 0]
    np.testing.assert_allclose(turned, np.stack([64 - x, y], axis=1), atol=0.03)


def test_the_batch_does_not_matter():
    images = np.random.default_rng(3).poisson(9, (70, 16, 64, 64)).astype(np.float32)
    images[:, :, 30:33, 30:33] += 40
    whole, one = localize.localize(images), localize.localize(images[64:65])
    np.testing.assert_allclose(whole.positions[64:65], one.positions, atol=1e-4)


def test_the_robust_noise_of_a_movie_is_the_standard_deviation_of_its_pixels():
    noise = np.random.default_rng(5).normal(
        100.0, [[[[2.0]]], [[[7.0]]]], (2, 40, 64, 64)
    )  # 10,240 pixels are looked at
    level, spread = localize.background(noise)
    assert level == pytest.approx([100, 100], abs=0.4)
    assert spread == pytest.approx([2, 7], rel=0.05)


def test_a_constant_movie_has_no_spot():
    found = localize.localize(np.full((2, 3, 64, 64), 7.0))
    assert (found.score < 1).all()
    assert np.isnan(found.positions).all()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((16, 64, 64)), "images must have shape"),
        (np.zeros((1, 16, 8, 64)), "images must have shape"),
        (np.full((1, 2, 64, 64), np.nan), "images must be finite"),
        ("movie", "images must be a number"),
    ],
)
def test_bad_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        localize.localize(images)


def test_bad_numbers_are_refused():
    for name in ("psf_sigma_px", "threshold"):
        with pytest.raises(ValueError, match=name):
            localize.localize(np.zeros((1, 1, 64, 64)), **{name: 0})
