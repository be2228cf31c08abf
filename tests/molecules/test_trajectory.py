"""Trajectory-D: the fit finds spots, and its D is the functional that the original calls effective D."""

import numpy as np
import pytest

from helpers.molecules import movies, original, trajectory


@pytest.mark.parametrize("at_px", [(32.0, 32.0), (20.3, 44.8)])
def test_the_fit_finds_the_spot_in_edge_coordinates(at_px):
    track = np.broadcast_to((np.asarray(at_px) - 32) * 0.1, (8, 1, 1, 2))
    images = movies.add_noise(movies.render(track, 3000.0, 0.12), 9.0, rng=np.random.default_rng(0))
    found = trajectory.fit_spots(images)
    assert found.shape == (8, 1, 2)
    np.testing.assert_allclose(found[:, 0].mean(axis=0), at_px, atol=0.05)


def test_an_elongated_and_turned_spot_has_its_own_centre():
    y, x = np.indices((64, 64)) + 0.5
    along, across = (y - 30.2 + x - 35.7) / np.sqrt(2), (x - 35.7 - y + 30.2) / np.sqrt(2)
    image = 50 * np.exp(-(along**2) / 32 - across**2 / 2) + 7
    np.testing.assert_allclose(trajectory.fit_spots(image[None, None])[0, 0], [30.2, 35.7], atol=1e-3)


def test_trajectory_d_of_the_true_centres_is_nearly_the_label():
    """The label of the original is the trajectory method's own functional: with perfect tracks they agree."""
    paths = original.tracks(4.0, 400, np.random.default_rng(1))
    label = original.effective_D(paths)
    found = trajectory.trajectory_D(paths.mean(axis=2) / original.PIXEL_NM + 32)
    assert np.corrcoef(found, label)[0, 1] > 0.995
    assert np.mean(found / label) == pytest.approx(0.95, abs=0.02)  # the mean over a frame takes a little off


def test_answers_are_cut_and_failed_fits_left_out():
    far = np.zeros((2, 16, 2))
    far[0] = np.arange(16)[:, None] * 30.0
    far[1, 3] = np.nan
    found = trajectory.trajectory_D(far)
    assert found[0] == trajectory.HIGHEST
    assert found[1] == 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="images must have shape"):
        trajectory.fit_spots(np.zeros((64, 64)))
    with pytest.raises(ValueError, match="positions_px must have shape"):
        trajectory.trajectory_D(np.zeros((16, 2)))
