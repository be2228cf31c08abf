"""Toy curves of known length, and what noise of a known size does to the objective."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.microgels import flow_records, flows, softflow, toys

LENGTHS = {
    "circles": 2 * np.pi * 2.4,
    "target": 2 * np.pi * 3.9 + 1.6,
    "sines": 2 * 9.2144,  # 4 E(-pi^2) / pi per period of sin(pi x), two periods
}


@pytest.mark.parametrize("name", toys.CURVES)
def test_points_are_equally_spaced_on_the_pieces(name):
    points = toys.curve(name)
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    jumps = (gaps > 2 * np.median(gaps)).sum()
    assert jumps == len(toys.CURVES[name]) - 1
    assert np.sort(gaps)[: -jumps or None].std() < 0.02 * np.median(gaps)
    assert np.abs(points).max() <= 2.01


@pytest.mark.parametrize("name", LENGTHS)
def test_length(name):
    assert toys.length(name) == pytest.approx(LENGTHS[name], rel=1e-3)


def test_samples_lie_on_the_curve_and_cover_it():
    for name in toys.CURVES:
        x = toys.sample(name, 20_000, np.random.default_rng(0))
        assert toys.distance(name, x).max() == 0
        assert toys.coverage(name, x) > 0.95


def test_distance_and_coverage_of_known_points():
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(toys.distance("circles", 1.0 * ring), 0.2, atol=1e-3)
    np.testing.assert_allclose(toys.distance("circles", 2.0 * ring), 0.4, atol=1e-3)
    assert toys.coverage("circles", 0.8 * ring) == pytest.approx(1 / 3, abs=0.02)  # the small ring is a third


def test_noise_has_the_stated_size():
    x, context = softflow.batches("circles", soft=True, size=40_000)(np.random.default_rng(0), 0)
    noise = context[:, 0].numpy() / 2 * softflow.LARGEST_NOISE
    assert noise.min() >= 0
    assert noise.max() == pytest.approx(softflow.LARGEST_NOISE, rel=1e-3)
    assert noise.mean() == pytest.approx(softflow.LARGEST_NOISE / 2, rel=0.02)
    radius = np.linalg.norm(x.numpy(), axis=1)
    off = radius - np.where(radius < 1.2, 0.8, 1.6)
    assert (off / noise).std() == pytest.approx(1, rel=0.03)  # sigma, not variance
    (plain,) = softflow.batches("circles", soft=False)(np.random.default_rng(0), 0)
    assert toys.distance("circles", plain.numpy()).max() < 1e-6


def test_lowest_loss_is_the_entropy_of_the_band():
    """A straight line of length 50 has the exact density exp(-y^2 / 2 c^2) / (50 c sqrt(2 pi))."""
    rng = np.random.default_rng(0)
    c = 0.1 * rng.random(400_000)
    entropy = (np.log(50 * c * np.sqrt(2 * np.pi)) + rng.standard_normal(c.size) ** 2 / 2).mean()
    assert softflow.lowest_loss(50.0, 0.1) == pytest.approx(entropy, abs=0.01)


def test_a_soft_flow_learns_the_width_it_is_told():
    flow, history = flow_records.fit("spline", "circles", soft=True, n_steps=500)
    floor = softflow.lowest_loss(toys.length("circles"))
    assert floor < np.mean(history.losses[-50:]) < history.losses[0]
    wide, thin = (
        toys.distance("circles", softflow.sample(flow, 2000, c, torch.Generator().manual_seed(0))).mean()
        for c in (0.1, 0.0)
    )
    assert wide > 1.1 * thin


def test_a_plain_flow_is_sampled_without_noise():
    flow = training.initialise(lambda: flow_records.build("affine", soft=False), 0)
    points = softflow.sample(flow, 100, None, torch.Generator().manual_seed(0))
    assert points.shape == (100, 2)
    assert isinstance(flow, flows.Flow)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="name"):
        toys.curve("square")
    with pytest.raises(ValueError, match="points"):
        toys.distance("circles", [[np.nan, 0]])
    with pytest.raises(ValueError, match="length"):
        softflow.lowest_loss(0)
    with pytest.raises(ValueError, match="noise"):
        softflow.sample(flow_records.build("affine", soft=True), 5, -1, torch.Generator())
