"""Local maxima and centroids: what trackpy gives, where they are right, and what touching spheres do to them."""

import numpy as np
import pytest
import trackpy

from helpers.colloids import confocal, local_maxima

RNG_SEED = 5
SPREAD = np.array([[20, 20, 20], [20, 22.3, 45.4], [21.6, 45, 19.7], [46.2, 44.1, 44.8]])


def stack(centres=SPREAD, snr=None, psf=(1.5, 1.5, 1.5), side=66):
    return confocal.image(centres, 8, psf, (side,) * 3, snr, np.random.default_rng(RNG_SEED))


def test_a_constant_image_has_no_bright_place():
    flat = local_maxima.band_pass(np.full((20, 20, 20), 3.0), 1, 9)
    assert np.abs(flat).max() < 1e-12
    assert not len(local_maxima.find(flat, 5, 1e-9))


def test_the_band_pass_takes_slow_changes_away_and_noise_down():
    slope = np.linspace(0, 1, 40)[:, None, None] + np.zeros((40, 40, 40))
    assert local_maxima.band_pass(slope, 1, 9)[10:-10].max() < 1e-9
    noise = np.random.default_rng(0).standard_normal((40, 40, 40))
    assert local_maxima.band_pass(noise, 1.5, 31).std() < 0.2


def test_isolated_spheres_are_found_to_a_tenth_of_a_voxel():
    flat = local_maxima.band_pass(stack(), 1, 13)
    where, mass, m2 = local_maxima.centroids(flat, local_maxima.find(flat, 9, 0.2), 11)
    nearest = np.linalg.norm(where[:, None] - SPREAD, axis=2)
    assert where.shape == (4, 3)
    assert nearest.min(0).max() < 0.15
    assert mass.std() / mass.mean() < 0.02
    assert ((m2 > 0.1) & (m2 < 0.6)).all()


def test_places_are_those_of_trackpy():
    image = stack(snr=10)
    flat = local_maxima.band_pass(image, 1, 13)
    theirs = trackpy.locate(flat, 11, separation=9, preprocess=False, percentile=99, minmass=flat.max())
    ours = local_maxima.centroids(flat, local_maxima.find(flat, 9, 0.3), 11)[0]
    gap = np.linalg.norm(theirs[["z", "y", "x"]].to_numpy()[:, None] - ours, axis=2)
    assert gap.shape == (4, 4)
    assert gap.min(0).max() < 0.05


def test_depth_is_the_first_axis():
    flat = local_maxima.band_pass(stack(psf=(4, 1.5, 1.5)), 1, (25, 13, 13))
    places = local_maxima.find(flat, (9, 9, 9), 0.2)
    long, round_ = (local_maxima.centroids(flat, places, d)[1] for d in ((21, 11, 11), (11, 11, 21)))
    assert (long > round_).all()


def test_two_that_touch_along_z_are_seen_as_one():
    pair = np.array([[29, 33, 33], [37, 33, 33.0]])
    apart = np.array([[33, 33, 29], [33, 33, 37.0]])
    for centres, n in ((pair, 1), (apart, 2)):
        flat = local_maxima.band_pass(stack(centres, psf=(4.5, 1, 1)), 0.5, (25, 11, 11))
        assert len(local_maxima.find(flat, (5, 5, 5), 0.3)) == n


def test_the_moments_of_a_uniform_ball():
    z, y, x = np.ogrid[-10:11, -10:11, -10:11]
    ball = (z**2 + y**2 + x**2 <= 8.5**2).astype(float)
    where, mass, m2 = local_maxima.centroids(ball, [[10, 10, 10]], 17)
    assert mass[0] == pytest.approx(np.pi / 6 * 16**3, rel=0.03)
    assert m2[0] == pytest.approx(3 / 5, rel=0.02)
    np.testing.assert_allclose(where, 10)


def test_untypical_rows_are_told_from_the_rest():
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.normal(0, 1, (400, 2)) @ [[2, 0.5], [0, 1]], rng.normal(9, 1, (60, 2))])
    kept = local_maxima.typical(rows)
    assert not kept[400:].any()
    assert kept[:400].mean() > 0.95
    assert (local_maxima.typical(rows * [100, 0.01]) == kept).all()
