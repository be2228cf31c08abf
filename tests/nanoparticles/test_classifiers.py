"""Classifiers: four turns are exactly invariant, features nearly are, and training rises well above chance."""

import numpy as np
import pytest
import torch

from helpers.common import checkpoints, training
from helpers.nanoparticles import cards, classifiers
from helpers.nanoparticles.augmentation import Augmentation
from helpers.nanoparticles.classifiers import ImageClassifier

LABELLED, LABELS, _ = cards.make(40, 4, translate=0, rng=np.random.default_rng(0))
TEST, TRUTH, _ = cards.make(50, 180, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def trained():
    model = training.initialise(lambda: ImageClassifier(4), 0)
    history = model.fit(LABELLED, LABELS, n_steps=200, batch=32)
    return model, history


def test_a_short_training_rises_well_above_chance(trained):
    model, history = trained
    assert len(history.losses) == 200
    share = (model.classify(TEST).argmax(axis=1) == TRUTH).mean()
    assert share > 0.55  # chance is 0.25
    np.testing.assert_allclose(model.classify(TEST).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_four_turns_are_exactly_invariant(trained, k):
    model, _ = trained
    turned = np.rot90(TEST, k, (1, 2))
    np.testing.assert_array_equal(model.classify(turned), model.classify(TEST))
    assert np.abs(model.classify(turned, turns=False) - model.classify(TEST, turns=False)).max() > 1e-3


def test_one_answer_is_that_of_the_network_and_four_are_its_mean(trained):
    model, _ = trained
    x = torch.from_numpy(TEST).reshape(-1, 24, 2, 24, 2).mean(dim=(2, 4))
    with torch.no_grad():
        each = [model(x.rot90(k, (1, 2))).softmax(dim=1).numpy() for k in range(4)]
    np.testing.assert_allclose(model.classify(TEST, turns=False), each[0], atol=1e-5)
    np.testing.assert_allclose(model.classify(TEST), np.mean(each, axis=0), atol=1e-5)


def test_asking_never_trains_and_the_order_does_not_matter(trained):
    model, _ = trained
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    order = np.argsort(TRUTH)
    np.testing.assert_allclose(model.classify(TEST[order]), model.classify(TEST)[order], atol=1e-6)
    assert all((before[name] == tensor).all() for name, tensor in model.state_dict().items())


def test_every_class_is_shown_as_often_whatever_its_share():
    model = training.initialise(lambda: ImageClassifier(2, size=12), 0)
    images = np.concatenate([np.zeros((95, 24, 24)), np.ones((5, 24, 24))]).astype(np.float32)
    seen = []
    model.register_forward_pre_hook(lambda _, given: seen.append(given[0].mean().item()) if model.training else None)
    model.fit(images, np.repeat([0, 1], [95, 5]), augment=None, n_steps=4, batch=10)
    assert seen == pytest.approx([0.5] * 4, abs=1e-6)


def test_unlabelled_images_join_late_and_teach_what_is_sure(monkeypatch):
    stored = cards.make(50, 60, rng=np.random.default_rng(5))[0]
    shown = []
    monkeypatch.setattr(classifiers, "over_turns", lambda ask, x: shown.append(len(x)) or ask(x))
    model = training.initialise(lambda: ImageClassifier(4, size=12), 0)
    model.fit(LABELLED, LABELS, unlabelled=stored, n_steps=10, batch=8, labelled_first=0.6)
    assert shown == [8] * 4
    model = training.initialise(lambda: ImageClassifier(4, size=12), 0)
    sure = model.fit(LABELLED, LABELS, unlabelled=stored, n_steps=2, batch=8, labelled_first=0, confident=0.0)
    unsure = training.initialise(lambda: ImageClassifier(4, size=12), 0).fit(
        LABELLED, LABELS, unlabelled=stored, n_steps=2, batch=8, labelled_first=0, confident=0.999
    )
    assert sure.losses[0] > unsure.losses[0] + 0.5  # a new network is sure of nothing


def test_augmentation_is_what_makes_the_difference():
    model = training.initialise(lambda: ImageClassifier(4, size=16), 0)
    model.fit(LABELLED, LABELS, augment=None, n_steps=100, batch=32)
    assert (model.classify(LABELLED, turns=False).argmax(axis=1) == LABELS).mean() > 0.95
    assert (model.classify(TEST, turns=False).argmax(axis=1) == TRUTH).mean() < 0.65


def test_the_same_seed_gives_the_same_network():
    def answer(seed):
        model = training.initialise(lambda: ImageClassifier(4, size=12), 0)
        model.fit(LABELLED, LABELS, Augmentation(noise_sd=0.2, contamination=0.1), n_steps=3, batch=8, seed=seed)
        return model.classify(TEST[:5])

    np.testing.assert_array_equal(answer(1), answer(1))
    assert (answer(1) != answer(2)).any()


def test_polar_features_hardly_change_when_the_object_is_turned_moved_or_enlarged():
    pose = {
        "angle_deg": [0, 37, -140],
        "shift_x": [0, 0.05, -0.08],
        "shift_y": [0, -0.06, 0.03],
        "scale": [1, 1.2, 1.1],
    }
    features = {suit: classifiers.polar_fourier(cards.draw(suit, **pose)) for suit in cards.SUITS}
    assert features["club"].shape == (3, 12 * 13)
    within = max(np.linalg.norm(f[1:] - f[0], axis=1).max() for f in features.values())
    first = np.stack([f[0] for f in features.values()])
    between = np.linalg.norm(first[:, None] - first, axis=2)[np.triu_indices(4, 1)].min()
    assert within < 0.7 * between
    turned = classifiers.polar_fourier(np.rot90(TEST, 1, (1, 2)))
    np.testing.assert_allclose(turned, classifiers.polar_fourier(TEST), atol=1e-4)


@pytest.mark.parametrize("kind", classifiers.FEATURES)
def test_classical_baselines_know_upright_cards(kind):

    upright, labels, _ = cards.make(30, 4, translate=0, rng=np.random.default_rng(2))
    model = classifiers.baseline(kind, LABELLED, LABELS, size=12)
    probabilities = model.classify(upright)
    assert probabilities.shape == (120, 4)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.7
    if kind == "polar":
        assert (model.classify(TEST).argmax(axis=1) == TRUTH).mean() > 0.5
    else:
        assert (model.classify(TEST).argmax(axis=1) == TRUTH).mean() < 0.65


def test_a_saved_classifier_comes_back(trained, tmp_path, monkeypatch):
    model, _ = trained
    monkeypatch.setattr(checkpoints.places, "CHECKPOINTS", tmp_path)
    card = {"description": "test", "command": "none", "seed": 0, "metrics": {}, "known_failures": []}
    checkpoints.save("cnn", model, card | {"settings": model.settings})
    np.testing.assert_array_equal(classifiers.load("cnn").classify(TEST), model.classify(TEST))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: ImageClassifier(1), "n_classes must be a whole number >= 2"),
        (lambda: ImageClassifier(4, network="resnet"), "network must be one of"),
        (lambda: ImageClassifier(4, size=4), "size must be a whole number >= 8"),
        (lambda: ImageClassifier(4).fit(LABELLED, LABELS + 1), "labels must lie in 0..3"),
        (lambda: ImageClassifier(4).fit(LABELLED, LABELS[:3]), "labels must have one entry per image"),
        (lambda: ImageClassifier(4).fit(LABELLED[:, :40, :40], LABELS), "images must have shape"),
        (lambda: ImageClassifier(4).fit(LABELLED, LABELS, batch=0), "batch must be a whole number"),
        (lambda: ImageClassifier(4).fit(LABELLED, LABELS, smoothing=1), "smoothing must be a fraction"),
        (lambda: ImageClassifier(4).fit(LABELLED, LABELS, confident=1.5), "confident must be a fraction"),
        (lambda: ImageClassifier(4).fit(LABELLED, LABELS, unlabelled=LABELLED[0]), "unlabelled must have shape"),
        (lambda: ImageClassifier(4).classify(LABELLED[0]), "images must have shape"),
        (lambda: ImageClassifier(4).classify(LABELLED * np.nan), "images must be finite"),
        (lambda: classifiers.baseline("bayes", LABELLED, LABELS), "kind must be one of"),
        (lambda: classifiers.baseline("tree", LABELLED, LABELS - 1), "labels must lie in 0"),
        (lambda: classifiers.polar_fourier(np.zeros((2, 8, 8))), "images must not be black"),
    ],
)
def test_wrong_arguments_are_named(act, words):
    with pytest.raises(ValueError, match=words) as error:
        act()
    assert "\n" not in str(error.value)
