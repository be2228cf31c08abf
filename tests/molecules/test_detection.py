"""Detection: molecules of a simulated field are found, few others are, and crops are the windows they claim to be."""

import numpy as np
import pytest

from helpers.molecules import detection, movies


def test_recall_and_precision_on_simulated_fields():
    true = found = hits = 0
    error = []
    for k in range(6):
        field = detection.simulate_field(1.0, 20, rng=np.random.default_rng(k))
        truth = field.tracks_px[:, 0].mean(axis=1)
        spots = detection.detect(field.images[0], 1.1)
        pairs = detection.match(spots.positions, truth)
        true, found, hits = true + len(truth), found + len(spots.positions), hits + len(pairs)
        error.extend(np.linalg.norm(spots.positions[pairs[:, 0]] - truth[pairs[:, 1]], axis=1))
    assert hits / true > 0.93  # the missing ones overlap, or have left the field
    assert hits / found > 0.97
    assert np.sqrt(np.mean(np.square(error))) < 0.3


def test_noise_alone_is_not_a_spot_and_an_even_image_has_none():
    noise = movies.add_noise(np.zeros((20, 128, 128)), background=20.0, rng=np.random.default_rng(1))
    assert sum(len(detection.detect(image, 1.0).score) for image in noise) <= 1
    assert len(detection.detect(np.ones((32, 32)), 1.0).score) == 0


def test_positions_are_in_edge_coordinates_and_sorted_by_brightness():
    places = np.array([[20.3, 40.8], [45.5, 11.1]])
    images = [movies.render(np.zeros((1, 1, 2)), light, 0.12, start_um=0.1 * (place - 32))
              for place, light in zip(places, (2000.0, 900.0), strict=True)]  # fmt: skip
    spots = detection.detect(movies.add_noise(sum(images)[0], background=5.0, rng=np.random.default_rng(2)), 1.2)
    assert len(spots.score) == 2
    np.testing.assert_allclose(spots.positions, places, atol=0.15)
    assert spots.score[0] > spots.score[1]


def test_a_gradient_of_light_does_not_make_spots():
    uneven = np.linspace(10, 100, 128) + np.zeros((128, 1))
    image = movies.add_noise(np.zeros((128, 128)), background=uneven, rng=np.random.default_rng(3))
    assert len(detection.detect(image, 1.0, threshold=6).score) <= 1


def test_crops_lie_fully_inside_and_are_centred():
    stack = np.arange(2 * 100 * 120, dtype=float).reshape(2, 100, 120)
    positions = np.array([[50.2, 60.4], [10.0, 60.0], [32.0, 32.0], [68.0, 88.0], [68.6, 88.0]])
    cut = detection.crop(stack, positions)
    np.testing.assert_array_equal(cut.kept, [True, False, True, True, False])
    np.testing.assert_array_equal(cut.corners, [[18, 28], [0, 0], [36, 56]])
    np.testing.assert_array_equal(cut.images[0], stack[:, 18:82, 28:92])
    assert detection.crop(stack, np.empty((0, 2))).images.shape == (0, 2, 64, 64)
    assert detection.crop(stack, positions[:1], size=9).images.shape == (1, 2, 9, 9)


def test_a_crop_of_a_field_is_a_movie_of_its_molecule():
    field = detection.simulate_field(0.5, 6, n_pixels=192, photons=3000.0, rng=np.random.default_rng(9))
    spots = detection.detect(field.images[0], 1.2)
    cut = detection.crop(field.images, spots.positions)
    assert cut.kept.any()
    paths = field.tracks_px.mean(axis=2)
    for movie, corner, first in zip(cut.images, cut.corners, spots.positions[cut.kept], strict=True):
        nearest = np.linalg.norm(paths[:, 0] - first, axis=1).argmin()
        assert (
            np.linalg.norm(detection.detect(movie[-1], 1.2).positions - paths[nearest, -1] + corner, axis=1).min() < 0.5
        )


def test_match_uses_each_point_once():
    pairs = detection.match([[0.0, 0.0], [0.0, 1.0]], [[0.0, 0.4], [9.0, 9.0]])
    np.testing.assert_array_equal(pairs, [[0, 0]])
    assert detection.match(np.empty((0, 2)), [[1.0, 1.0]]).shape == (0, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: detection.detect(np.ones((2, 4, 4)), 1.0), "image must have shape"),
        (lambda: detection.detect(np.full((4, 4), np.nan), 1.0), "image must be finite"),
        (lambda: detection.detect(np.ones((4, 4)), 0.0), "psf_sigma_px must be > 0"),
        (lambda: detection.detect(np.ones((4, 4)), 1.0, threshold=-1), "threshold must be > 0"),
        (lambda: detection.crop(np.ones((4, 4)), [[1.0, 1.0]]), "stack must have shape"),
        (lambda: detection.crop(np.ones((1, 4, 4)), [1.0, 1.0]), "positions must have shape"),
        (lambda: detection.simulate_field(1.0, 0), "n_molecules must be a whole number"),
        (lambda: detection.simulate_field(-1.0, 2), "D_um2_s must be > 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
