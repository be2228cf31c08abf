"""Whole lines: the spectrum of rectangles in closed form, and lines found again from their statistics."""

import numpy as np
import pytest
import torch

from helpers.textures import generators, scoring, statistics, whole_lines
from helpers.textures.whole_lines import Rectangles


def measured(images, band):
    x = torch.from_numpy(images).double()
    zero, along_x, along_y = statistics.three_lags(statistics.two_point(x))
    counts = torch.stack([zero - along_x, zero - along_y, zero], dim=1) * x[0].numel()
    return whole_lines.crop(statistics.amplitude(x), band).float(), counts.float()


@pytest.mark.parametrize("size", [56, 57])
def test_the_spectrum_of_rectangles_is_that_of_their_picture(size):
    rectangles = Rectangles(
        torch.tensor([[[10.0, 20.5], [40.5, 30.0]]]), torch.tensor([[[3.0, 20.0], [4.0, 11.0]]]), None
    )
    picture = torch.from_numpy(whole_lines.draw(rectangles, size)).double()
    assert picture.sum() == 3 * 20 + 4 * 11
    F = torch.fft.rfft2(picture)
    band = size // 2 - 1
    cropped = torch.cat([F[:, -band:, : band + 1], F[:, : band + 1, : band + 1]], dim=1)
    assert torch.allclose(whole_lines.spectrum(*rectangles[:2], size, band).to(F), cropped, atol=1e-3)


def test_crop_puts_frequency_zero_in_the_middle_row():
    A = torch.arange(8 * 5.0).reshape(1, 8, 5)
    assert whole_lines.crop(A, 2)[0, :, 0].tolist() == [30, 35, 0, 5, 10]


def test_the_counts_of_a_picture_are_its_heights_widths_and_area():
    image = np.zeros((1, 56, 56), np.uint8)
    image[0, 5:8, 10:40] = image[0, 20:24, 3:23] = 1
    _, counts = measured(image, 20)
    assert counts[0].tolist() == pytest.approx([3 + 4, 30 + 20, 90 + 80])


def test_lines_are_found_again_from_exact_statistics():
    images, truth = generators.lines(40, 112, rng=np.random.default_rng(3))
    A, counts = measured(images, 48)
    found = whole_lines.retrieve(A, counts, 112)
    right = whole_lines.number_of_lines(counts).numpy() == truth.count
    scores = scoring.score(images, found)
    assert scores.orientation.all()
    assert scores.volume_fraction_error.mean() < 1
    assert (scores.count[right]).mean() > 0.9
    assert (found == whole_lines.retrieve(A, counts, 112)).all()  # the same seed, the same lines


def test_a_gap_stays_between_lines():
    images, _ = generators.lines(20, 112, n_lines=(3, 4), rng=np.random.default_rng(4))
    A, counts = measured(images, 48)
    found = whole_lines.retrieve(A, counts, 112)
    assert (scoring.count(found) == whole_lines.number_of_lines(counts).numpy()).mean() >= 0.8


def test_lengths_make_up_the_area():
    images, _ = generators.lines(10, 112, orientation="vertical", rng=np.random.default_rng(5))
    A, counts = measured(images, 30)
    limits = ((2, 10), (20, 84))
    rectangles = whole_lines.fit(A, counts, 112, limits, 2, n_starts=4)
    assert torch.allclose(rectangles.sides_px.prod(-1).sum(-1), counts[:, 2], rtol=1e-3)
    there = rectangles.sides_px[..., 1] > 0
    thick = rectangles.sides_px[..., 1][there]
    assert (thick == thick.round()).all()
    assert (rectangles.sides_px[..., 0][there] > thick).all()  # vertical: rows are the long side


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="A and counts"):
        whole_lines.fit(torch.ones(1, 5, 5), torch.ones(1, 3), 56, ((1, 2), (3, 4)), 1)
    with pytest.raises(ValueError, match="n_starts"):
        whole_lines.fit(torch.ones(1, 9, 5), torch.ones(1, 3), 56, ((1, 2), (3, 4)), 1, n_starts=0)
