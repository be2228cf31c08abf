"""The rotation-invariant VAE: its symmetry is exact, its bound is the sum it claims to be, and it learns."""

import itertools
import math

import numpy as np
import pytest
import torch

from helpers.common import checkpoints, training
from helpers.nanoparticles import angles, cards, poses, ssrvae, vae_objective, vae_parts
from helpers.nanoparticles.augmentation import Augmentation
from helpers.nanoparticles.ssrvae import SSRVAE
from helpers.nanoparticles.vae_objective import Objective, batches

LABELLED, LABELS, _ = cards.make(10, 4, translate=0, rng=np.random.default_rng(0))
UNLABELLED, TRUTH, _ = cards.make(15, 60, rng=np.random.default_rng(1))


def make(n_classes=4, seed=0, **options):
    return training.initialise(lambda: SSRVAE(n_classes, **{"size": 12, "hidden": 16} | options), seed)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=seeded(seed))


def stir(model):
    """Move every weight, so that no gradient vanishes by chance."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * normal(*parameter.shape, seed=parameter.numel()))
    return model


X = poses.pool(torch.from_numpy(UNLABELLED[:6]), 12)


# --- symmetry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decoder", vae_parts.DECODERS)
@pytest.mark.parametrize("k", range(-2, 4))
def test_a_quarter_turn_of_the_latent_angle_turns_the_image(decoder, k):
    model = stir(make(decoder=decoder, size=24))
    z = normal(8, 2).numpy()
    y = np.arange(8) % 4
    for angle in (0.0, 0.3):
        before = model.decode(z, y, angle)
        np.testing.assert_allclose(
            model.decode(z, y, angle + k * np.pi / 2), np.rot90(before, k, (1, 2)), atol=1e-5, rtol=0
        )
    assert np.ptp(before) > 0.05


@pytest.mark.parametrize("decoder", vae_parts.DECODERS)
def test_a_shift_of_whole_pixels_moves_the_image(decoder):
    model = stir(make(decoder=decoder))
    z = normal(3, 2).numpy()
    still, moved = model.decode(z, 1), model.decode(z, 1, shift=(2 / 12, -3 / 12))
    np.testing.assert_allclose(moved[:, :-3, 2:], still[:, 3:, :-2], atol=1e-5)


@pytest.mark.parametrize("decoder", vae_parts.DECODERS)
def test_angles_of_a_batch_that_sum_to_zero_are_all_used(decoder):
    model = stir(make(decoder=decoder))
    z = np.repeat(normal(1, 2).numpy(), 2, axis=0)
    both = model.decode(z, 2, angle=[0.5, -0.5])
    np.testing.assert_allclose(both[0], model.decode(z[0], 2, angle=0.5)[0], atol=1e-6)
    assert np.abs(both[0] - both[1]).max() > 1e-3
    assert np.abs(both[0] - model.decode(z[0], 2)[0]).max() > 1e-3


def test_the_pose_found_from_a_start_is_that_of_the_image():
    """An encoder that knows upright objects only finds all of them by its starts."""
    model = stir(make(starts=4, size=24))
    z, y = np.zeros((4, 2)), np.zeros(4, int)
    model.decoder.layers[4].weight.data *= 20
    with torch.no_grad():
        model.z_encoder.image.weight.zero_()
        model.z_encoder.rest[3].weight.zero_()
        model.z_encoder.rest[3].bias.zero_()
        model.z_encoder.rest[3].bias[2] = 0.8  # everything lies a little to the right of the middle
    shift = 0.8 * model.shift_sd
    images = np.concatenate([np.rot90(model.decode(z[:1], 0, shift=(shift, 0)), k, (1, 2)) for k in range(4)])
    found = model.encode(images, y)
    np.testing.assert_allclose(np.cos(found.angle - np.arange(4) * np.pi / 2), 1, atol=1e-5)
    np.testing.assert_allclose(found.shift, shift * np.array([[1, 0], [0, -1], [-1, 0], [0, 1]]), atol=1e-5)
    np.testing.assert_allclose(model.reconstruct(images, y), images, atol=1e-4)


# --- the objective ----------------------------------------------------------------------------------------------------


def test_the_enumerated_bound_is_the_sum_over_classes_one_by_one():
    model = stir(make(3, invariances=("r", "t", "s"), likelihood="bernoulli"))
    noise = normal(6, 3, model.n_noise)
    loss, log_q, weight = vae_objective.unlabelled(model, X, noise)
    expected = torch.zeros(6)
    for row, y in itertools.product(range(6), range(3)):
        one_hot = torch.eye(3)[y][None]
        raw = model.z_encoder(X[row][None, None], one_hot[None])[0]
        pose, z, _ = model.split(raw, noise[row, y][None])
        mean = model.decoder(z, one_hot, pose)[0].sigmoid()
        log_p = torch.distributions.Bernoulli(mean, validate_args=False).log_prob(X[row]).sum()
        raw, eps = raw[0], noise[row, y]
        means, sds = torch.cat([raw[:1], raw[2:7]]), angles.spread(torch.cat([raw[1:2], raw[7:]]))
        q, p = torch.distributions.Normal(means, sds), torch.distributions.Normal(0.0, 1.0)
        kl = torch.distributions.kl_divergence(q, p).sum()
        drawn = means + sds * torch.cat([eps[:1], eps[2:]])
        torch.testing.assert_close(pose.angle[0], drawn[0])
        torch.testing.assert_close(pose.shift[0], model.shift_sd * drawn[1:3])
        torch.testing.assert_close(pose.scale[0], (model.scale_sd * drawn[3]).exp())
        torch.testing.assert_close(z[0], drawn[4:])
        q_y = log_q[row].exp()[y]
        expected[row] += q_y * (-log_p + kl + q_y.log() + math.log(3))
    torch.testing.assert_close(loss, expected, atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(weight, log_q.exp())


def test_exact_inference_is_the_least_value_the_loss_can_take():
    model = stir(make(3))
    noise = normal(6, 3, model.n_noise)
    exact, _, weight = vae_objective.unlabelled(model, X, noise, inference="exact")
    amortised, *_ = vae_objective.unlabelled(model, X, noise)
    assert (exact <= amortised + 1e-4).all()
    bounds = model.bounds(X, torch.eye(3).expand(6, -1, -1), noise)
    least = (weight * (weight.clamp(min=1e-30).log() - bounds)).sum(dim=1) + math.log(3)
    torch.testing.assert_close(exact, least, atol=1e-3, rtol=1e-5)


def test_a_labelled_image_costs_the_bound_of_its_class():
    model = stir(make())
    y, noise = torch.tensor([0, 1, 2, 3, 1, 0]), normal(6, 1, model.n_noise)
    loss = vae_objective.labelled(model, X, y, noise)
    every = model.bounds(X, torch.eye(4).expand(6, -1, -1), noise.expand(-1, 4, -1))
    torch.testing.assert_close(loss, math.log(4) - every[torch.arange(6), y], atol=1e-3, rtol=1e-5)


def test_of_several_starts_the_best_counts():
    model = stir(make(2, starts=3))
    y, noise = torch.eye(2).expand(6, -1, -1), normal(6, 2, model.n_noise)
    each = []
    for angle in poses.starts(3):
        turned = poses.move(X, -angle)[:, None]
        each.append(model._from(X, turned, y, noise, 1.0, angle.expand(6, 2))[0])
    torch.testing.assert_close(model.bounds(X, y, noise), torch.stack(each).amax(dim=0) - math.log(3))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_likelihood_is_the_one_it_says(likelihood):
    model = make(likelihood=likelihood, noise_sd=0.3)
    logits = 3 * normal(6, 12, 12)
    if likelihood == "bernoulli":
        p = torch.distributions.Bernoulli(logits=logits, validate_args=False)
    else:
        p = torch.distributions.Normal(logits.sigmoid(), 0.3)
    expected = p.log_prob(X).sum(dim=(1, 2))
    torch.testing.assert_close(model.log_likelihood(logits, X), expected, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("inference", vae_objective.INFERENCES)
@pytest.mark.parametrize("options", [{}, {"starts": 3}, {"angle": "von mises"}, {"decoder": "coordinate"}])
def test_the_gradient_reaches_every_network(inference, options):
    model = stir(make(invariances=("r", "t", "s"), **options))
    parts = batches(model, LABELLED, LABELS, UNLABELLED, 8, Augmentation(), two_views=True)(np.random.default_rng(0), 0)
    Objective(consistency=1.0, inference=inference)(model, *parts).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_the_objective_is_the_sum_of_its_weighted_terms():
    model = stir(make())
    parts = batches(model, LABELLED, LABELS, UNLABELLED, 8, Augmentation(), two_views=True)(np.random.default_rng(0), 5)

    def value(**weights):
        return Objective(**{"multiplier": 0.0} | weights)(model, *parts).item()

    plain = value()
    entropy = -(model.log_q_y(parts.posed)[torch.arange(8), parts.y]).mean().item()
    assert value(multiplier=7.0) == pytest.approx(plain + 7 * entropy, rel=1e-5)
    before = -(model.log_q_y(parts.seen).exp() * model.log_q_y(parts.again)).sum(dim=1).mean().item()
    assert value(consistency=5.0) == pytest.approx(plain + 5 * before, rel=1e-5)
    only_labelled = vae_objective.labelled(model, parts.given, parts.y, parts.noise_given).mean().item()
    assert value(first=6) == pytest.approx(only_labelled, rel=1e-6)
    assert value(first=5) == pytest.approx(plain, rel=1e-6)


# --- batches ----------------------------------------------------------------------------------------------------------


def test_more_labelled_than_unlabelled_images_still_give_supervised_steps():
    model = make()
    make_batch = batches(model, LABELLED, LABELS, UNLABELLED[:3], n=16)
    for step in range(5):
        batch = make_batch(np.random.default_rng(step), step)
        assert batch.given.shape == batch.seen.shape == (16, 12, 12)
        assert len(batch.y.unique()) > 1
    before = model.classify(LABELLED)
    model.fit(LABELLED, LABELS, UNLABELLED[:3], n_steps=30, batch=16)
    rows = np.arange(len(LABELS))
    assert model.classify(LABELLED)[rows, LABELS].mean() > before[rows, LABELS].mean() + 0.1


def test_images_are_posed_before_they_are_averaged_down_and_only_for_the_classification():
    model, augment = make(size=24), Augmentation(angle_deg=180, translate=0)
    batch = batches(model, LABELLED, LABELS, None, 8, augment)(np.random.default_rng(3), 0)
    rng = np.random.default_rng(3)
    rows = rng.integers(len(LABELLED), size=8)
    full = torch.from_numpy(LABELLED[rows])
    rng.standard_normal((8, 1, model.n_noise), np.float32)
    assert (batch.given == poses.pool(full, 24)).all()
    assert (batch.posed == poses.pool(augment(full, rng), 24)).all()
    assert batch.y.tolist() == LABELS[rows].tolist()
    assert batch.seen.shape == (8, 0)


# --- training and use -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    labelled, labels, _ = cards.make(50, 4, translate=0, rng=np.random.default_rng(10))
    seen, _, _ = cards.make(100, 60, rng=np.random.default_rng(11))
    model = training.initialise(lambda: SSRVAE(4, size=16, hidden=64), 0)
    model.fit(labelled, labels, seen, n_steps=200, batch=32, augment=Augmentation(), learning_rate=4e-3)
    return model


def test_a_short_training_rises_well_above_chance(trained):
    images, labels, _ = cards.make(100, 60, rng=np.random.default_rng(12))
    share = (trained.classify(images).argmax(axis=1) == labels).mean()
    assert share > 0.6  # chance is 0.25
    probabilities = trained.classify(images, inference="exact")
    assert probabilities.shape == (400, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_asking_never_trains_and_does_not_depend_on_the_other_images(trained):
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    first = trained.classify(UNLABELLED)
    trained.classify(UNLABELLED, "exact")
    trained.reconstruct(UNLABELLED)
    trained.manifold(1, 3)
    assert all((before[name] == tensor).all() for name, tensor in trained.state_dict().items())
    order = np.argsort(TRUTH)
    np.testing.assert_allclose(trained.classify(UNLABELLED[order]), first[order], atol=1e-5)
    np.testing.assert_allclose(trained.classify(UNLABELLED[:1]), first[:1], atol=1e-5)


def test_encode_decode_and_manifold_fit_each_other(trained):
    found = trained.encode(UNLABELLED)
    n = len(UNLABELLED)
    assert [part.shape for part in found] == [(n,), (n,), (n, 2), (n,), (n, 2)]
    assert (found.y == trained.classify(UNLABELLED).argmax(axis=1)).all()
    assert (found.scale == 1).all()
    again = trained.decode(found.z, found.y, found.angle, found.shift)
    np.testing.assert_array_equal(trained.reconstruct(UNLABELLED), again)
    assert again.shape == (n, 16, 16)
    assert again.min() >= 0
    assert again.max() <= 1
    small = poses.pool(torch.from_numpy(UNLABELLED), 16).numpy()
    assert ((again - small) ** 2).mean() < 0.6 * small.var()
    np.testing.assert_array_equal(trained.encode(UNLABELLED, TRUTH).y, TRUTH)
    np.testing.assert_array_equal(trained.encode(small, 2).z, trained.encode(UNLABELLED, 2).z)  # averaged down inside
    plane = trained.manifold(2, 5)
    assert plane.shape == (5, 5, 16, 16)
    np.testing.assert_allclose(plane[2, 2], trained.decode(np.zeros(2), 2)[0], atol=1e-6)
    np.testing.assert_allclose(plane[0, 2], trained.decode([-1.6448536, 0], 2)[0], atol=1e-6)


@pytest.mark.parametrize("invariances", [(), ("r",), ("t", "s"), ("s", "r", "t")])
def test_invariances_are_chosen_freely(invariances):
    model = make(invariances=invariances)
    model.fit(LABELLED, LABELS, UNLABELLED, n_steps=2, batch=8)
    found = model.encode(UNLABELLED[:5])
    assert (found.angle != 0).any() == ("r" in invariances)
    assert (found.shift != 0).any() == ("t" in invariances)
    assert (found.scale != 1).any() == ("s" in invariances)
    assert found.z.shape == (5, 2)


def test_one_class_needs_no_labels():
    model = make(1)
    assert model.y_encoder is None
    history = model.fit(unlabelled=UNLABELLED, n_steps=60, batch=32)
    assert np.mean(history.losses[-5:]) < np.mean(history.losses[:5]) - 5
    np.testing.assert_array_equal(model.classify(UNLABELLED[:3]), np.ones((3, 1)))
    assert model.manifold(0, 3).shape == (3, 3, 12, 12)


def test_labels_alone_are_enough():
    history = make().fit(LABELLED, LABELS, n_steps=3, batch=8)
    assert len(history.losses) == 3


def test_the_same_seed_gives_the_same_model():
    first, second, other = (make(seed=seed) for seed in (0, 0, 0))
    first.fit(LABELLED, LABELS, UNLABELLED, n_steps=3, batch=8, seed=5)
    second.fit(LABELLED, LABELS, UNLABELLED, n_steps=3, batch=8, seed=5)
    other.fit(LABELLED, LABELS, UNLABELLED, n_steps=3, batch=8, seed=6)
    np.testing.assert_array_equal(first.classify(UNLABELLED), second.classify(UNLABELLED))
    assert (first.classify(UNLABELLED) != other.classify(UNLABELLED)).any()


def test_a_saved_model_comes_back(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints.places, "CHECKPOINTS", tmp_path)
    card = {"description": "test", "command": "none", "seed": 0, "metrics": {}, "known_failures": []}
    checkpoints.save("cards", trained, card | {"settings": trained.settings})
    back = ssrvae.load("cards")
    np.testing.assert_array_equal(back.classify(UNLABELLED), trained.classify(UNLABELLED))
    np.testing.assert_array_equal(back.reconstruct(UNLABELLED), trained.reconstruct(UNLABELLED))
    assert back.settings == trained.settings


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: SSRVAE(4, invariances=("r", "sc")), "invariances must be one of 'r', 't', 's', got 'sc'"),
        (lambda: SSRVAE(4, invariances=("r", "r")), "invariances must name"),
        (lambda: SSRVAE(0), "n_classes must be a whole number"),
        (lambda: SSRVAE(4, latent_dim=0), "latent_dim must be a whole number"),
        (lambda: SSRVAE(4, angle="wrapped"), "angle must be one of"),
        (lambda: SSRVAE(4, angle_sd=0), "angle_sd must be > 0"),
        (lambda: SSRVAE(4, y_encoder="transformer"), "y_encoder must be one of"),
        (lambda: SSRVAE(4, decoder="flow"), "decoder must be one of"),
        (lambda: SSRVAE(4, likelihood="poisson"), "likelihood must be one of"),
        (lambda: SSRVAE(4, invariances=("t",), starts=4), "starts > 1 needs"),
        (lambda: SSRVAE(4, angle="von mises", starts=4), "starts > 1 needs"),
        (lambda: make().fit(LABELLED, None, UNLABELLED), "labelled and labels must be given together"),
        (lambda: make().fit(), "labelled or unlabelled images must be given"),
        (lambda: make().fit(unlabelled=UNLABELLED), "labelled must be given for more than one class"),
        (lambda: make(1).fit(LABELLED, LABELS), "labels must be left out"),
        (lambda: make().fit(LABELLED, LABELS + 1, UNLABELLED), "labels must lie in 0..3"),
        (lambda: make().fit(LABELLED, LABELS[:-1], UNLABELLED), "labels must have one entry per image"),
        (lambda: make().fit(LABELLED, LABELS * 1.0, UNLABELLED), "labels must be whole numbers"),
        (lambda: make().fit(LABELLED, LABELS, UNLABELLED[:, :, :10]), "unlabelled must have shape"),
        (lambda: make().fit(LABELLED * 2, LABELS, UNLABELLED), "labelled must lie in 0..1"),
        (lambda: make().fit(LABELLED, LABELS, UNLABELLED * np.nan), "unlabelled must be finite"),
        (lambda: make().fit(LABELLED, LABELS, UNLABELLED, inference="guess"), "inference must be one of"),
        (lambda: make().fit(LABELLED, LABELS, UNLABELLED, multiplier=-1), "multiplier must be >= 0"),
        (lambda: make().fit(LABELLED, LABELS, UNLABELLED, labelled_first=1), "labelled_first must be a fraction"),
        (lambda: make().fit(LABELLED, LABELS, UNLABELLED, batch=0), "batch must be a whole number"),
        (lambda: make().classify(UNLABELLED[:, :20, :20]), "images must have shape"),
        (lambda: make().classify(UNLABELLED, "guess"), "inference must be one of"),
        (lambda: make().encode(UNLABELLED, 4), "y must be one class 0..3"),
        (lambda: make().decode(np.zeros(3), 0), "z must have shape"),
        (lambda: make().decode(np.zeros((5, 2)), 0, angle=np.zeros(4)), "must have shape"),
        (lambda: make().decode(np.zeros(2), 0.5), "y must be one class"),
        (lambda: make().decode(np.zeros(2), 0, scale=-1), "scale must be > 0"),
        (lambda: make().manifold(4, 3), "y must be one class"),
        (lambda: make().manifold(0, 1), "n must be a whole number"),
    ],
)
def test_wrong_arguments_are_named(act, words):
    with pytest.raises(ValueError, match=words) as error:
        act()
    assert "\n" not in str(error.value)
