"""Poses: turning is turning pixels, the convention is that of the cards, and every angle of a batch is used."""

import numpy as np
import pytest
import torch

from helpers.nanoparticles import cards, poses

IMAGES, _, _ = cards.make(2, 40, rng=np.random.default_rng(0))
X = torch.from_numpy(IMAGES)
NAN = float("nan")


@pytest.mark.parametrize("k", range(-4, 5))
@pytest.mark.parametrize("edge", poses.EDGES)
@pytest.mark.parametrize("size", [24, 47, 48])
def test_a_quarter_turn_is_that_of_the_pixels(k, edge, size):
    x = X[:, :size, :size]
    turned = np.rot90(x.numpy(), k, (1, 2))
    np.testing.assert_allclose(poses.move(x, k * np.pi / 2, edge=edge).numpy(), turned, atol=1e-5)


def test_quarter_turns_are_exact():
    for k, turned in enumerate(poses.quarter_turns(X)):
        np.testing.assert_array_equal(turned.numpy(), np.rot90(IMAGES, k, (1, 2)))


def test_shifts_go_right_and_down_by_widths_of_the_frame():
    moved = poses.move(X, 0.0, (5 / 48, -3 / 48), edge="zeros").numpy()
    np.testing.assert_allclose(moved[:, :-3, 5:], IMAGES[:, 3:, :-5], atol=1e-5)
    assert np.abs(moved[:, -3:]).max() < 1e-5
    assert np.abs(moved[:, :, :5]).max() < 1e-5


@pytest.mark.parametrize("suit", cards.SUITS)
@pytest.mark.parametrize("pose", [(35, 0.1, -0.05, 1.2), (-120, -0.08, 0.02, 0.9), (10, 0.0, 0.1, 1.3)])
def test_the_pose_is_that_of_the_cards(suit, pose):
    angle_deg, x, y, scale = pose
    drawn = cards.draw(suit, angle_deg, shift_x=x, shift_y=y, scale=scale, size=96)
    upright = torch.from_numpy(cards.draw(suit, size=96))[None]
    moved = poses.move(upright, np.radians(angle_deg), (x, y), scale)[0].numpy()
    assert np.abs(moved - drawn).mean() < 0.012  # the pixels of the outline, interpolated
    other = poses.move(upright, np.radians(-angle_deg), (x, y), scale)[0].numpy()
    assert np.abs(other - drawn).mean() > 0.02


def test_angles_that_sum_to_zero_turn_each_image():
    angles = torch.tensor([0.5, -0.5])
    both = poses.move(X[:2], angles)
    for image, angle, moved in zip(X, angles, both, strict=False):
        torch.testing.assert_close(poses.move(image[None], angle[None])[0], moved)
        assert (moved - image).abs().max() > 0.5
    points = poses.upright(poses.grid(8), angles, torch.zeros(2, 2), torch.ones(2))
    assert (points - poses.grid(8)).abs().amax(dim=(1, 2, 3)).min() > 0.1


def test_the_grid_holds_the_centres_of_the_pixels():
    grid = poses.grid(4)
    np.testing.assert_allclose(grid[0, :, 0], [-0.375, -0.125, 0.125, 0.375])
    np.testing.assert_allclose(grid[:, 0, 1], [-0.375, -0.125, 0.125, 0.375])


def test_upright_undoes_turn_shift_and_scale():
    gen = torch.Generator().manual_seed(0)
    angle, shift = torch.randn(5, generator=gen), 0.1 * torch.randn(5, 2, generator=gen)
    scale = 1 + torch.rand(5, generator=gen)
    grid = poses.grid(6)
    points = poses.upright(grid, angle, shift, scale)
    back = poses.turn(points * scale[:, None, None, None], angle[:, None, None]) + shift[:, None, None]
    torch.testing.assert_close(back, grid.expand(5, -1, -1, -1), atol=1e-6, rtol=0)


def test_turn_is_counter_clockwise_as_seen():
    right = torch.tensor([1.0, 0.0])
    up = poses.turn(right, torch.tensor(np.pi / 2))
    np.testing.assert_allclose(up, [0, -1], atol=1e-6)  # y points down


def test_two_turns_are_one():
    points = poses.grid(5)
    a, b = torch.tensor(0.4), torch.tensor(-1.3)
    torch.testing.assert_close(poses.turn(poses.turn(points, a), b), poses.turn(points, a + b))


def test_gradients_reach_every_part_of_a_pose():
    pose = [torch.full(shape, 0.1, requires_grad=True) for shape in [(8,), (8, 2)]] + [
        torch.full((8,), 1.1, requires_grad=True)
    ]
    (poses.move(X, *pose) * torch.linspace(0, 1, 48)).sum().backward()
    assert all((part.grad != 0).all() for part in pose)


def test_pooling_takes_means_and_commutes_with_quarter_turns():
    pooled = poses.pool(X, 24)
    np.testing.assert_allclose(pooled[:, 3, 5], IMAGES[:, 6:8, 10:12].mean(axis=(1, 2)), atol=1e-6)
    assert poses.pool(X, 48) is X
    torch.testing.assert_close(poses.pool(X.rot90(1, (1, 2)), 24), pooled.rot90(1, (1, 2)))


def test_starts_divide_the_circle():
    np.testing.assert_allclose(poses.starts(4), [0, np.pi / 2, -np.pi, -np.pi / 2], atol=1e-6)
    assert poses.starts(1).tolist() == [0]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: poses.move(X[0], 0.0), "images must have shape"),
        (lambda: poses.move(X[:, :10], 0.0), "images must have shape"),
        (lambda: poses.move(X, 0.0, edge="wrap"), "edge must be one of"),
        (lambda: poses.move(X, NAN), "angle must be finite"),
        (lambda: poses.move(X, torch.zeros(3)), "angle must have shape"),
        (lambda: poses.move(X, 0.0, (0.1, 0.2, 0.3)), "shift must have shape"),
        (lambda: poses.move(X, 0.0, scale=0.0), "scale must be > 0"),
        (lambda: poses.pool(X, 20), "images must have shape"),
        (lambda: poses.grid(0), "size must be a whole number"),
        (lambda: poses.starts(0), "n must be a whole number"),
    ],
)
def test_wrong_arguments_are_named(act, words):
    with pytest.raises(ValueError, match=words) as error:
        act()
    assert "\n" not in str(error.value)
