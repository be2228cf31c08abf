"""Augmentation: the ranges it promises, one pose per image, and full resolution before pooling."""

import numpy as np
import pytest
import torch

from helpers.nanoparticles import cards, poses
from helpers.nanoparticles.augmentation import Augmentation, noisy

X = torch.from_numpy(np.repeat(cards.draw("spade", size=48)[None], 200, axis=0))


def rng(seed=0):
    return np.random.default_rng(seed)


def centroid(images):
    at = (torch.arange(48) + 0.5) / 48 - 0.5
    mass = images.sum(dim=(1, 2))
    return torch.stack([images.sum(dim=1) @ at / mass, images.sum(dim=2) @ at / mass], dim=1)


def test_nothing_is_done_where_nothing_may_happen():
    torch.testing.assert_close(Augmentation(angle_deg=0, translate=0)(X, rng()), X, atol=1e-5, rtol=0)


def test_every_image_gets_a_pose_of_its_own_that_depends_on_the_seed_alone():
    posed = Augmentation()(X, rng(1))
    assert posed.shape == X.shape
    assert len(torch.unique(posed.flatten(1), dim=0)) == len(X)
    assert (posed == Augmentation()(X, rng(1))).all()
    assert (posed != Augmentation()(X, rng(2))).any()


def test_shifts_fill_their_range_and_angles_turn_all_round():
    moved = centroid(Augmentation(angle_deg=0, translate=0.1)(X, rng())) - centroid(X)
    assert moved.abs().max() < 0.1 + 1e-4
    assert (moved.amax(dim=0) > 0.09).all()
    assert (moved.amin(dim=0) < -0.09).all()
    half = Augmentation(angle_deg=90, translate=0)(X, rng())
    stem_up = half[:, :24].sum(dim=(1, 2)) > half[:, 24:].sum(dim=(1, 2))
    everywhere = Augmentation(translate=0)(X, rng())
    up = everywhere[:, :24].sum(dim=(1, 2)) > everywhere[:, 24:].sum(dim=(1, 2))
    upright = bool(X[0, :24].sum() > X[0, 24:].sum())
    assert (stem_up == upright).float().mean() > 0.95
    assert 0.35 < up.float().mean() < 0.65


def test_scale_changes_the_area_by_its_square():
    area = Augmentation(0, 0, scale=(0.8, 1.2))(X, rng()).sum(dim=(1, 2)) / X[0].sum()
    assert 0.62 < area.min() < 0.70
    assert 1.36 < area.max() < 1.46


def test_a_mirror_turns_half_of_the_images_over():
    leaning = torch.from_numpy(np.repeat(cards.draw("club", 0, 20)[None], 400, axis=0))
    seen = Augmentation(0, 0, mirror=True)(leaning, rng())
    flipped = ((seen - leaning).abs().amax(dim=(1, 2)) > 0.1).float().mean()
    assert 0.4 < flipped < 0.6


def test_noise_hits_a_third_and_contamination_another():
    flat = torch.full((3000, 16, 16), 2.0)
    seen = noisy(flat, 0.5, 0.3, rng())
    changed = (seen != flat).flatten(1).float().mean(dim=1)
    clean, noise = (changed == 0).float().mean(), (changed > 0.99).float().mean()
    assert 0.29 < clean < 0.38
    assert 0.29 < noise < 0.38
    sd = seen[changed > 0.99].flatten(1).std(dim=1)
    assert 0.45 < sd.max() < 0.57
    some = changed[(changed > 0) & (changed < 0.99)]
    assert 0.29 < some.max() < 0.42
    assert noisy(flat, 0, 0, rng()) is flat


def test_posing_before_pooling_blurs_once():
    once = poses.pool(Augmentation(translate=0)(X, rng(3)), 24)
    twice = Augmentation(translate=0)(poses.pool(X, 24), rng(3))
    sharp = [images.square().sum(dim=(1, 2)).mean() for images in (once, twice)]
    assert sharp[0] > 1.02 * sharp[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"angle_deg": -1}, "angle_deg must be >= 0"),
        ({"scale": (1.2, 1.0)}, "scale must be"),
        ({"scale": (0.0, 1.0)}, "scale must be > 0"),
        ({"scale": 1.0}, "scale must be a pair"),
        ({"contamination": 1.5}, "contamination must be <= 1"),
        ({"noise_sd": float("nan")}, "noise_sd must be finite"),
        ({"edge": "wrap"}, "edge must be one of"),
    ],
)
def test_wrong_settings_are_named(options, words):
    with pytest.raises(ValueError, match=words) as error:
        Augmentation(**options)
    assert "\n" not in str(error.value)
