"""What TrackAndBlob sees and says: views, symmetries, mixtures, posteriors under any prior."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.molecules import brownian, localize, networks, reader, reader_training, scores, views, worlds
from helpers.molecules.estimators import Prior
from helpers.molecules.localize import Localizations


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(0)
    images, paths_px = worlds.film("physical", np.full(24, 2.0), rng)
    return images, paths_px, views.look(images)


@pytest.fixture(scope="module")
def model():
    made = training.initialise(reader.TrackAndBlob, 0)
    with torch.no_grad():
        for parameter in made.parameters():  # also the last layer, which starts at zero
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return made.eval()


# ---- worlds ----


@pytest.mark.parametrize("world", worlds.WORLDS)
def test_paths_are_where_the_light_is_and_their_steps_have_their_d(world):
    images, paths = worlds.film(world, np.full(60, 1.5), np.random.default_rng(1), exact=False)
    assert images.dtype == np.float32
    assert images.shape == (60, 16, 64, 64)
    frames = paths.mean(axis=2)
    steps = np.diff(frames, axis=1)
    assert (steps**2).mean() / 2 / (1 - 2 * 0.165) == pytest.approx(1.5, rel=0.12)  # 2 D (1 - 2 R) per axis
    found = localize.localize(images).positions
    assert np.isfinite(found).mean() > 0.6  # some of the recordings are faint
    assert (np.nanmedian(np.abs(found - frames), axis=(0, 1)) < 0.5).all()


def test_one_unit_of_the_original_in_pixels():
    assert pytest.approx(0.4026, abs=5e-4) == worlds.UNIT
    assert pytest.approx(20.13, abs=0.02) == worlds.HIGH


@pytest.mark.parametrize("world", worlds.WORLDS)
def test_training_prior_is_the_law_of_the_training_d(world):
    D = worlds.training_D(200_000, np.random.default_rng(2), world)
    prior = worlds.training_prior(world)
    assert prior.weight.sum() == pytest.approx(1)
    for power in (1, 2):
        assert prior.weight @ prior.D_um2_s**power == pytest.approx((D**power).mean(), rel=0.01)
    assert prior.weight @ np.log(prior.D_um2_s) == pytest.approx(np.log(D).mean(), abs=0.01)


def test_comparison_prior_is_flat_in_d():
    flat = worlds.comparison_prior()
    assert flat.weight @ flat.D_um2_s == pytest.approx((worlds.LOW + worlds.HIGH) / 2, rel=0.01)


def test_effective_d_of_a_world_is_the_label_of_the_original():
    _, paths = worlds.film("original", np.full(400, 20 * worlds.UNIT), np.random.default_rng(3), exact=False)
    label = worlds.effective_D(paths) / worlds.UNIT
    assert label.mean() == pytest.approx(20, abs=4 * 0.83 * 20 / np.sqrt(400))
    D = worlds.effective_training_D(10_000, np.random.default_rng(4)) / worlds.UNIT
    assert (np.isclose(D, 20)).mean() == pytest.approx(0.7, abs=0.02)
    assert D.min() > 0.29
    assert D.max() < 60.1
    with pytest.raises(ValueError, match="n_frames must be 16"):
        worlds.film("original", np.ones(2), np.random.default_rng(5), n_frames=8)
    with pytest.raises(ValueError, match="world must be one of"):
        worlds.film("mars", np.ones(2), np.random.default_rng(5))


# ---- views ----


def test_a_crop_is_centred_and_its_place_says_where(seen):
    found = seen[2]
    assert found.crops.shape == (24, 16, 24, 24)
    assert found.place.abs().max() <= 0.5001
    moments = found.crops.clamp(min=0.4).sub(0.4)
    total = moments.sum((2, 3))
    y = (moments.sum(3) @ (torch.arange(24) + 0.5)) / total
    ok = found.seen.bool()
    assert (y - 12 - found.place[..., 0])[ok].abs().median() < 0.5


def test_steps_are_differences_of_positions_and_zero_where_a_frame_is_lost():
    positions = np.full((1, 5, 2), 30.0) + np.arange(5)[:, None] * [1.0, 2.0]
    positions[0, 2] = np.nan
    found = views.look(
        np.random.default_rng(3).normal(size=(1, 5, 64, 64)), found=Localizations(positions, np.full((1, 5), 9.0))
    )
    assert found.seen.tolist() == [[1, 1, 0, 1, 1]]
    np.testing.assert_allclose(found.steps[0], [[0, 0], [1, 2], [0, 0], [0, 0], [1, 2]], atol=1e-5)
    assert found.crops[0, 2].abs().max() == 0
    assert found.score[0, 2] == 0


def test_views_in_units_of_noise_do_not_know_gain_and_offset(seen):
    images, _, found = seen
    for one, other in zip(found, views.look(7 * images + 300), strict=True):
        torch.testing.assert_close(one, other, atol=2e-2, rtol=1e-3)


def test_views_in_units_of_the_background_know_the_brightness(seen):
    images, _, _ = seen
    one, other = (views.look(x, "background").crops for x in (images, 3 * images))
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    brighter = views.look(images + 9.0, "background").crops
    assert brighter.abs().mean() < 0.6 * one.abs().mean()


def test_beyond_the_field_there_is_nothing():
    images = np.random.default_rng(4).normal(10, 1, (1, 1, 64, 64))
    corner = Localizations(np.array([[[1.0, 63.0]]]), np.array([[9.0]]))
    crop = views.look(images, found=corner).crops[0, 0]
    assert (crop[:11] == 0).all()
    assert (crop[:, 13:] == 0).all()
    assert (crop[11:, :13] != 0).all()


@pytest.mark.parametrize(("quarter_turns", "mirror"), [(1, False), (2, False), (3, True), (0, True)])
def test_turned_views_are_the_views_of_turned_movies(seen, quarter_turns, mirror):
    images, _, found = seen
    moved = images[..., ::-1] if mirror else images
    moved = np.rot90(moved, quarter_turns, axes=(2, 3)).copy()
    expected, turned = views.look(moved), views.turn(found, quarter_turns, mirror)
    torch.testing.assert_close(turned.steps, expected.steps, atol=0.1, rtol=0)
    torch.testing.assert_close(turned.seen, expected.seen)
    difference = (turned.crops - expected.crops).abs().flatten(2).median(dim=2).values
    assert (difference < 0.05).float().mean() > 0.85  # a centroid on the edge of a pixel may shift a crop by one


def test_backwards_is_the_view_of_the_movie_played_backwards(seen):
    images, _, found = seen
    for one, other in zip(views.turn(found, backwards=True), views.look(images[:, ::-1].copy()), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_every_symmetry_undone_gives_the_views_back(seen):
    _, _, found = seen
    there = views.turn(views.turn(views.turn(found, 1), mirror=True), backwards=True)
    back = views.turn(views.turn(views.turn(there, backwards=True), mirror=True), 3)
    for one, other in zip(found, back, strict=True):
        torch.testing.assert_close(one, other)


# ---- network and likelihood ----


def test_the_anchor_is_the_known_blur_estimate_of_d():
    positions = np.cumsum(np.random.default_rng(5).normal(0, np.sqrt(2 * 3.0 * 0.67), (500, 16, 2)), axis=1)
    steps = torch.as_tensor(np.diff(positions, axis=1, prepend=positions[:, :1]), dtype=torch.float32)
    seen = torch.ones(500, 16)
    parts = views.Views(torch.zeros(500, 16, 24, 24), torch.zeros(500, 16, 2), steps, seen, seen)
    assert reader.anchor(parts).exp().mean() == pytest.approx(3.0, rel=0.03)


def test_a_fresh_network_answers_with_the_classical_estimate(seen):
    found = seen[2]
    mixture = reader.mixtures(training.initialise(reader.TrackAndBlob, 3), [found])
    centre = (mixture[:, 0].exp() * mixture[:, 1]).sum(dim=1)
    torch.testing.assert_close(centre, reader.anchor(found), atol=1e-4, rtol=0)


def test_the_density_integrates_to_one():
    mixture = torch.tensor([[[-0.5, -0.93], [0.3, 1.4], [-1.0, 0.2]], [[-0.2, -1.7], [0.0, -2.0], [-2.0, -0.5]]])
    mixture[:, 0] = mixture[:, 0].log_softmax(dim=1)
    grid = torch.linspace(-12, 12, 20_001)
    area = torch.trapezoid(reader.log_density(mixture, grid).exp(), grid, dim=1)
    torch.testing.assert_close(area, torch.ones(2), atol=1e-4, rtol=0)


def test_the_density_is_that_of_its_parts():
    mixture = torch.tensor([[[0.0, -50.0], [0.7, 0.0], [np.log(0.2), 0.0]]])
    value = reader.log_density(mixture, torch.tensor([[0.9]])).item()
    assert value == pytest.approx(-0.5 * (0.2 / 0.2) ** 2 - np.log(0.2) - 0.5 * np.log(2 * np.pi), abs=1e-5)


@pytest.mark.parametrize("n_frames", [4, 16, 40])
def test_any_number_of_frames(model, n_frames):
    images, _ = worlds.film("physical", np.full(3, 2.0), np.random.default_rng(6), n_frames=n_frames)
    assert reader.mixtures(model, [views.look(images)]).shape == (3, 3, 2)


def answers(cues, *many):
    """Mixtures of one network that is shown these cues, for several views."""
    model = training.initialise(lambda: reader.TrackAndBlob(cues=cues), 0)
    with torch.no_grad():
        model.head[-1].weight.normal_(generator=torch.Generator().manual_seed(0))
    return [reader.mixtures(model, [found]) for found in many]


def test_a_cue_that_is_not_shown_changes_nothing(seen):
    found = seen[2]
    other_light = found._replace(crops=torch.randn_like(found.crops), score=found.score + 1)
    other_track = found._replace(steps=torch.randn_like(found.steps), place=found.place * 0)
    torch.testing.assert_close(*answers(("track",), found, other_light))
    torch.testing.assert_close(*answers(("shape", "brightness"), found, other_track))
    upright = found._replace(crops=found.crops.transpose(2, 3))
    torch.testing.assert_close(*answers(("brightness",), found, upright), atol=1e-4, rtol=1e-4)
    one, other = answers(reader.CUES, found, other_light)
    assert (one - other).abs().max() > 0.1
    one, other = answers(("shape",), found, upright)
    assert (one - other).abs().max() > 1e-3
    with pytest.raises(ValueError, match="cues must be one of"):
        reader.TrackAndBlob(cues=("smell",))


def test_shape_alone_does_not_see_the_brightness():
    rng = np.random.default_rng(9)
    spot = np.exp(-((np.indices((24, 24)) - 11.5) ** 2).sum(axis=0) / 8)
    crops = torch.as_tensor(spot * rng.uniform(40, 60, (5, 16, 1, 1)), dtype=torch.float32)
    steps, one = torch.zeros(5, 16, 2), torch.ones(5, 16)
    dim, bright = (views.Views(factor * crops, steps, steps, factor * one, one) for factor in (1, 2))
    one, other = answers(("shape",), dim, bright)
    torch.testing.assert_close(one, other, atol=0.02, rtol=0)  # the floor of the light moves a little
    one, other = answers(("brightness",), dim, bright)
    assert (one - other).abs().max() > 0.05


def test_the_anchor_of_effective_d_is_the_functional_of_the_original():
    positions = np.cumsum(np.random.default_rng(10).normal(0, 2, (50, 16, 2)), axis=1)
    steps = torch.as_tensor(np.diff(positions, axis=1, prepend=positions[:, :1]), dtype=torch.float32)
    seen = torch.ones(50, 16)
    parts = views.Views(torch.zeros(50, 16, 24, 24), torch.zeros(50, 16, 2), steps, seen, seen)
    lags, weights = brownian.slope_weights(15, 16, intercept=False)
    expected = brownian.msd(positions)[:, lags - 1] @ weights / 4
    np.testing.assert_allclose(reader.anchor(parts, "effective D").exp(), expected, rtol=1e-4)


# ---- posterior ----


def gaussian(centres, width):
    """Mixtures of one Gaussian in log D."""
    centres = torch.as_tensor(centres, dtype=torch.float32)
    n = len(centres)
    flat = torch.full((n,), float(np.log(width)))
    return torch.stack([torch.tensor([[0.0, -50.0]] * n), centres[:, None].expand(n, 2), flat[:, None].expand(n, 2)], 1)


def test_under_the_training_prior_the_posterior_is_the_mixture():
    prior = worlds.training_prior()
    known = reader.posterior(gaussian([1.0], 0.15), prior, prior)
    assert known.log_mean[0] == pytest.approx(np.e, rel=2e-3)
    assert known.mean[0] == pytest.approx(np.exp(1 + 0.15**2 / 2), rel=2e-3)
    assert np.log(known.high[0] / known.low[0]) == pytest.approx(2 * 0.9945 * 0.15, rel=0.06)


def test_another_prior_is_put_in_by_bayes_rule():
    """A likelihood exp(-(log D - m)^2 / 2 s^2) under both priors, by hand."""
    trained, wanted = worlds.training_prior(), worlds.comparison_prior()
    grid, m, s = worlds.GRID, np.log(5.0), 0.4
    likelihood = np.exp(-((np.log(grid) - m) ** 2) / (2 * s**2))
    by_hand = (likelihood * wanted.weight) @ grid / (likelihood * wanted.weight).sum()
    # the mixture must be q(log D) ~ likelihood x trained(log D); near D = 5 trained is smooth: compare two Gaussians
    density = trained.weight / np.gradient(grid) * grid
    slope = np.gradient(np.log(np.maximum(density, 1e-9)), np.log(grid))[np.searchsorted(grid, 5.0)]
    known = reader.posterior(gaussian([m + slope * s**2], s), trained, wanted)
    assert known.mean[0] == pytest.approx(by_hand, rel=0.02)


def test_outside_a_prior_there_is_nothing():
    prior = worlds.comparison_prior(1.0, 3.0)
    known = reader.posterior(gaussian([-1.0, 4.0], 0.5), worlds.training_prior(), prior)
    for part in known:
        assert ((part > 0.95) & (part < 3.05)).all()


def test_priors_that_do_not_fit_are_refused():
    trained = worlds.training_prior()
    with pytest.raises(ValueError, match="same D_um2_s"):
        reader.posterior(gaussian([0.0], 1.0), trained, Prior(trained.D_um2_s * 2, trained.weight))
    with pytest.raises(ValueError, match="never saw"):
        reader.posterior(gaussian([0.0], 1.0), worlds.comparison_prior(), trained)


# ---- asking ----


def test_the_answer_does_not_change_under_a_symmetry_when_all_are_averaged(model, seen):
    images = seen[0][:6]
    here = networks.read(model, images, turns=True)
    turned = networks.read(model, np.rot90(images[:, ::-1], axes=(2, 3)).copy(), turns=True)
    np.testing.assert_allclose(turned.log_mean, here.log_mean, rtol=0.02)  # crops may shift by a pixel


def test_predict_is_in_um2_per_s(model, seen):
    D = networks.predict(model, seen[0][:4])
    assert networks.predict(model, seen[0][:4], pixel_um=0.2, dt_s=0.02) == pytest.approx(2 * D)


def test_brightness_of_the_recording_does_not_move_the_answer(model, seen):
    D = networks.predict(model, seen[0][:8])
    for factor in (0.5, 2.0):
        np.testing.assert_allclose(networks.predict(model, factor * seen[0][:8]), D, rtol=1e-3)


def test_an_empty_movie_gives_nan_and_says_why(model, seen):
    images = seen[0][:2].copy()
    images[1] = np.random.default_rng(7).poisson(9, images[1].shape)
    with pytest.warns(UserWarning, match="1 of 2 movies show no molecule"):
        D = networks.predict(model, images)
    assert np.isnan(D).tolist() == [False, True]


def test_wrong_shapes_and_raw_counts_are_refused(model):
    with pytest.raises(ValueError, match="images must have shape"):
        networks.predict(model, np.zeros((16, 64, 64)))
    original = training.initialise(networks.ParkCNN, 0)
    with pytest.raises(ValueError, match="movies must have shape"):
        networks.predict(original, np.zeros((1, 8, 64, 64)))
    with pytest.raises(ValueError, match="scale other movies first"):
        networks.predict(original, np.full((1, 16, 64, 64), 2e5))


# ---- training and scores ----


def test_batches_are_pure_and_each_movie_is_used_three_times(monkeypatch):
    monkeypatch.setattr(reader_training, "POOL", 32)
    make, again = (reader_training.batches("physical", 5) for _ in range(2))
    first = [make(np.random.default_rng([5, step]), step) for step in range(6)]
    late = again(np.random.default_rng([5, 4]), 4)
    for one, other in zip(first[4], late, strict=True):
        torch.testing.assert_close(one, other)
    D = [set(batch[-1].tolist()) for batch in first]
    assert D[0] == D[1] == D[2]
    assert not D[0] & D[3]
    assert D[3] == D[5]


@pytest.mark.parametrize("cues", [reader.CUES, ("shape",)])
def test_the_network_can_learn(cues):
    make = reader_training.batches("physical", 6)
    batch = make(np.random.default_rng(0), 0)
    model = training.initialise(lambda: reader.TrackAndBlob(cues=cues), 0).train()
    adam, losses = torch.optim.Adam(model.parameters(), lr=3e-3), []
    for _ in range(80):
        loss = reader.negative_log_likelihood(model, *batch)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert min(losses) < losses[0] - 0.3


def test_errors_of_a_known_law():
    rng = np.random.default_rng(8)
    D = np.full(20_000, 2.0)
    guess = D * np.exp(rng.normal(0, 0.1, D.size))
    found = scores.errors(D, guess, low=guess * np.exp(-0.0994), high=guess * np.exp(0.0994))
    assert found["rms_log"] == pytest.approx(0.1, rel=0.03)
    assert found["rmse"] == pytest.approx(0.2, rel=0.05)
    assert found["mae"] == pytest.approx(0.2 * np.sqrt(2 / np.pi), rel=0.05)
    assert found["coverage"] == pytest.approx(0.68, abs=0.015)
    for name in ("rmse", "mae", "rms_log", "coverage"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    with pytest.raises(ValueError, match="one shape"):
        scores.errors(D, guess[:5])


@pytest.mark.parametrize("task", worlds.TASKS)
def test_every_task_gives_movies_of_its_own_length_and_a_network_that_reads_them(task, monkeypatch):
    monkeypatch.setattr(reader_training, "POOL", 64)
    make = reader_training.batches(task, 7)
    lengths = {make(np.random.default_rng(0), step)[0].shape[1] for step in (0, 6, 12, 18)}
    assert (lengths == {16}) if task != "frames" else (len(lengths) > 1 and lengths <= set(range(4, 65)))
    model, _ = reader_training.train(task, 2)
    assert (model.world, model.target) == worlds.TASKS[task][:2]
    found = reader_training.evaluate(model, 40)
    assert found["rms_log"] < 1.6
    with pytest.raises(ValueError, match="task must be one of"):
        reader_training.batches("mars", 0)


def test_the_network_runs_on_the_device_that_it_is_moved_to():
    device = torch.device("meta")  # has shapes but no numbers, and refuses to be mixed with the CPU
    views = [torch.zeros(shape, device=device) for shape in ((2, 5, 24, 24), (2, 5, 2), (2, 5, 2), (2, 5), (2, 5))]
    for target in reader.TARGETS:
        made = reader.TrackAndBlob(target=target).to(device)
        assert reader.negative_log_likelihood(made, *views, torch.ones(2, device=device)).device == device
