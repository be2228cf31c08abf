"""The 3D U-Net: local, blind to nothing in the dark, found spheres are true ones, and its training is reproducible."""

import functools

import numpy as np
import pytest
import torch

from helpers.colloids import confocal, refine, scoring, suspension, tracking, unet, unet_training
from helpers.common import training

MIXTURE = ((64, 0.3, 0.0), (64, 0.45, 0.06))


@functools.cache
def untrained():
    return training.initialise(unet.UNet3D, 0).eval()


@functools.cache
def shipped():
    return unet.load()


@functools.cache
def dense(side=60, diameter_px=9.0):
    positions, box = suspension.hard_spheres(256, 0.45, rng=np.random.default_rng(7))
    assert box[0] * diameter_px > side
    return confocal.image(
        positions * diameter_px, diameter_px, (3.5, 1.4, 1.4), (side,) * 3, 10, np.random.default_rng(8)
    ), positions * diameter_px


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return unet_training.configurations(MIXTURE, tmp_path_factory.mktemp("configurations"))


def noise(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# --- the network ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 10, 11), (16, 33, 21)])
def test_a_map_has_the_shape_of_its_stack(shape):
    assert untrained()(torch.zeros(2, *shape)).shape == (2, *shape)
    heat = unet.heatmap(untrained(), noise(shape))
    assert (heat.shape, heat.dtype) == (shape, np.float32)


def test_it_is_small():
    assert sum(p.numel() for p in untrained().parameters()) < 100_000


@pytest.mark.parametrize("shape", [(70, 37, 21), (17, 90, 41)])
@pytest.mark.parametrize("model", [untrained, shipped])
def test_tiles_give_what_the_whole_gives(shape, model):
    image = noise(shape)
    whole = unet.heatmap(model(), image, tile=128)
    np.testing.assert_allclose(unet.heatmap(model(), image, tile=32), whole, atol=1e-5 * max(1, np.abs(whole).max()))


def test_nothing_beyond_the_halo_is_seen():
    model = training.initialise(unet.UNet3D, 1).eval()
    image, changed = noise((96, 12, 12)), noise((96, 12, 12))
    for at in range(40, 44):
        changed[:] = image
        changed[at + unet.HALO :] += 3
        one, other = (unet.heatmap(model, x, unet.Levels(0, 1)) for x in (image, changed))
        np.testing.assert_array_equal(one[: at + 1], other[: at + 1])
    assert (one != other).any()


# --- grey levels ----------------------------------------------------------------------------------------------------


def test_levels_follow_offset_and_gain():
    image, _ = dense()
    dark, scale = unet.levels(image)
    np.testing.assert_allclose(unet.levels(40 * image + 7), (40 * dark + 7, 40 * scale), rtol=1e-3)
    np.testing.assert_allclose(
        unet.heatmap(shipped(), 40 * image + 7), unet.heatmap(shipped(), image), atol=1e-2
    )  # float32


def test_levels_of_noise_alone_leave_it_large():
    assert unet.levels(4 * noise((64, 64, 64))).scale == pytest.approx(4 * unet.NOISE_SHARE, rel=0.1)


@pytest.mark.parametrize("snr", [2, 20])
def test_spheres_have_the_same_size_at_any_noise(snr):
    positions = dense()[1]
    clean, noisy = (
        confocal.image(positions, 9, (3.5, 1.4, 1.4), (60,) * 3, s, np.random.default_rng(0)) for s in (None, snr)
    )
    expected = np.hypot(clean.std(), unet.NOISE_SHARE / snr)
    assert unet.levels(noisy).scale == pytest.approx(expected, rel=0.03)


# --- tables ---------------------------------------------------------------------------------------------------------


def test_the_shipped_network_finds_the_spheres_of_a_dense_stack():
    image, centres = dense()
    found = unet.track(image, shipped())
    score = scoring.score(found[list("zyx")], centres, 9, image.shape)
    assert score.n >= 25
    assert min(score.recall, score.precision) >= 0.98
    assert max(score.rms_xy, score.rms_z) < 0.06


def test_a_table_is_one_of_tracking_and_can_be_refined():
    image, centres = dense()
    found = unet.track(image, shipped())
    assert tuple(found.columns) == tracking.COLUMNS
    assert found[["ep_z", "ep_y", "ep_x", "diameter", "size_z"]].isna().all(axis=None)
    assert found["mass"].between(unet.THRESHOLD, 1.5).all()
    assert found["signal"].median() == pytest.approx(0.4, abs=0.3)
    assert (found["frame"] == 0).all()
    better = refine(found)
    before, after = (scoring.score(t[list("zyx")], centres, 9, image.shape) for t in (found, better))
    assert (after.recall, after.precision) == (1, 1)
    assert after.rms_z < before.rms_z


def test_a_sphere_alone_is_found():
    image = confocal.image([[32.3, 31.6, 30.2]], 10, (4, 1.5, 1.5), (64,) * 3, 10, np.random.default_rng(0))
    found = unet.track(image, shipped())
    np.testing.assert_allclose(found[list("zyx")], [[32.3, 31.6, 30.2]], atol=0.6)


@pytest.mark.parametrize(
    "image",
    [noise((64, 64, 64)), 900 + 30 * noise((64, 64, 64), 1), np.random.default_rng(2).poisson(3, (64, 64, 64))],
    ids=["noise", "bright noise", "photons"],
)
def test_noise_gives_no_particle(image):
    found = unet.track(image, shipped())
    assert len(found) == 0
    assert tuple(found.columns) == tracking.COLUMNS
    assert len(refine(found)) == 0


@pytest.mark.parametrize("value", [0, 7.5])
def test_a_constant_stack_gives_no_particle(value):
    image = np.full((64, 64, 64), value)
    found = unet.track(image, shipped())
    assert (len(found), tuple(found.columns)) == (0, tracking.COLUMNS)
    assert (unet.heatmap(shipped(), image) == 0).all()


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: unet.track(np.zeros((8, 8)), untrained()), "image"),
        (lambda: unet.track(np.zeros((7, 20, 20)), untrained()), "image"),
        (lambda: unet.track(np.full((8, 8, 8), np.nan), untrained()), "image"),
        (lambda: unet.track(noise((8, 8, 8)), untrained(), threshold=0), "threshold"),
        (lambda: unet.heatmap(untrained(), noise((8, 8, 8)), tile=30), "tile"),
        (lambda: unet.heatmap(untrained(), noise((8, 8, 8)), tile=0), "tile"),
        (lambda: unet.UNet3D((8, 16)), "channels"),
        (lambda: unet.UNet3D((8, 16, 0)), "channels"),
        (lambda: unet.load("no-such-network"), "name"),
    ],
)
def test_bad_input_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()


# --- its training ---------------------------------------------------------------------------------------------------


def test_a_batch_is_a_function_of_seed_and_step(known):
    def batch(*seed):
        return unet_training.make_batch(known, np.random.default_rng(seed), seed[1], 3, 24)

    first, again, other = batch(0, 5), batch(0, 5), batch(0, 6)
    for a, b, c in zip(first[:2], again[:2], other[:2], strict=True):
        assert a.shape == (3, 24, 24, 24)
        assert a.dtype == torch.float32
        assert (a == b).all()
        assert (a != c).any()
    assert 0 <= first[1].min() <= first[1].max() <= 1


def test_empty_stacks_weigh_as_much_as_peaks_late(known):
    for step, expected in ((0, 1), (unet_training.LATE, 11)):
        _, maps, weights = unet_training.make_batch(known, np.random.default_rng(1), step, 24, 16)
        empty = maps.amax((1, 2, 3)) == 0
        assert empty.any()
        assert (weights[empty] == expected).all()
        assert (weights[maps.amax((1, 2, 3)) > 0.9] == 1).all()


def test_configurations_are_made_once_and_are_no_test_configurations(known, tmp_path):
    assert unet_training.FIRST_SEED >= 9_000
    again = unet_training.configurations(MIXTURE[:1], tmp_path)[0]
    kept = unet_training.configurations(MIXTURE[:1], tmp_path)[0]
    for a, b, c in zip(again, kept, known[0], strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    assert len(list(tmp_path.iterdir())) == 1


def test_spheres_of_the_training_do_not_overlap_and_fill_the_stacks(known):
    _, centres = unet_training.draw(known, 40, np.random.default_rng(0))
    n = [len(c) for c in centres]
    assert n.count(0) >= 1
    assert max(n) > 30
    for c in centres:
        assert ((c >= -0.5) & (c <= unet_training.SIDE - 0.5)).all()
        apart = np.linalg.norm(c[:, None] - c, axis=-1)[np.triu_indices(len(c), 1)]
        assert (apart > 8 * 0.8).all()


def test_the_map_has_a_peak_of_one_at_each_centre():
    y = unet_training.target([[5, 6, 7], [20.5, 12, 12]], 24)
    assert y[5, 6, 7] == 1
    assert y[5, 6, 9] == pytest.approx(np.exp(-(2**2) / (2 * unet_training.WIDTH_PX**2)), rel=1e-5)
    assert y[20, 12, 12] == y[21, 12, 12] == pytest.approx(np.exp(-1 / (8 * unet_training.WIDTH_PX**2)), rel=1e-5)
    assert not unet_training.target(np.zeros((0, 3)), 24).any()


def test_ten_steps_lower_the_loss_and_resume_bit_by_bit(known, tmp_path):
    def killed(_):
        raise RuntimeError("killed")

    options = {"known": known, "side": 24, "save_every": 5, "evaluate_every": 7}
    with pytest.raises(RuntimeError, match="killed"):
        unet_training.train(10, run_dir=tmp_path, evaluate=killed, **options)
    resumed, _ = unet_training.train(10, run_dir=tmp_path, resume=True, evaluate=lambda _: {"loss": 0}, **options)
    whole, history = unet_training.train(10, **options)
    for a, b in zip(resumed.state_dict().values(), whole.state_dict().values(), strict=True):
        assert (a == b).all()
    assert len(history.losses) == 10
    held = unet_training.make_batch(known, np.random.default_rng(99), 0, 4, 24)
    with torch.no_grad():
        before, after = (
            float(unet_training.loss(model.train(), *held)) for model in (training.initialise(unet.UNet3D, 0), whole)
        )
    assert after < before / 2
