"""Every way to learn trains on its lesson, and no test image was ever learnt from or chosen on."""

import numpy as np
import pytest

from helpers.nanoparticles import cards, records, trials

TREES = (
    "polar features",
    "random forest, turned copies",
    "random forest",
    "boosted trees",
    "decision tree",
)  # no steps
SMALL = trials.Lesson(*cards.make(5, 4, rng=np.random.default_rng(0))[:2], trials.unseen_suits(4)[0])


def test_the_lesson_of_the_original():
    lesson = trials.lesson_of_suits(60, seed=3, n_labels=5)
    assert lesson.labelled.shape == (20, 48, 48)
    np.testing.assert_array_equal(np.bincount(lesson.labels), [5] * 4)
    assert len(lesson.unlabelled) == 12_000
    upright = [cards.draw(cards.SUITS[y]) for y in lesson.labels]
    centre = (lesson.labelled * np.arange(48)).sum(axis=(1, 2)) / lesson.labelled.sum(axis=(1, 2))
    expected = [(one * np.arange(48)).sum() / one.sum() for one in upright]
    assert np.abs(centre - expected).max() < 1.5  # not shifted
    other = trials.lesson_of_suits(60, seed=3, n_labels=5, shifted=False)
    centre = (other.labelled * np.arange(48)).sum(axis=(1, 2)) / other.labelled.sum(axis=(1, 2))
    assert np.abs(centre - 23.5).max() > 2


def test_particles_are_labelled_in_the_numbers_of_the_original():
    lesson = trials.lesson_of_particles(0)
    np.testing.assert_array_equal(np.bincount(lesson.labels), [15] * 4)
    assert lesson.unlabelled.shape == (477 - 60, 40, 40)
    first = lesson.labelled.reshape(60, -1)
    assert not (lesson.unlabelled.reshape(417, 1, -1)[:, :, :50] == first[:, :50]).all(axis=2).any()


@pytest.mark.parametrize("make", [trials.unseen_suits, trials.unseen_particles])
def test_what_was_chosen_on_is_not_what_is_tested_on(make):
    tested, labels = make(3)
    chosen, _ = make(3, validation=True)
    assert tested.shape[0] == len(labels) == 12
    assert not any((one == other).all() for one in tested for other in chosen)
    np.testing.assert_array_equal(tested, make(3)[0])


def test_every_angle_and_shear_has_cards_of_its_own():
    sets = [trials.unseen_suits(2, angle_deg=a, shear_deg=s)[0] for a in (30, 60) for s in (15, 30)]
    assert not any((a == b).all() for i, a in enumerate(sets) for b in sets[:i])


@pytest.mark.parametrize("name", trials.LEARNERS)
def test_every_learner_of_suits_names_images(name):
    found = trials.train(name, SMALL, **({} if name in TREES else {"n_steps": 2})).classify(trials.unseen_suits(2)[0])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert found.shape == (8, 4)


@pytest.mark.parametrize("name", trials.PARTICLE_LEARNERS)
def test_every_learner_of_particles_names_images(name):
    images, labels = trials.unseen_particles(5)
    short = {} if name in TREES else {"n_steps": 2}
    found = trials.train(name, trials.Lesson(images, labels, images), kind="particles", **short)
    recall = trials.recalls(found.classify, images, labels)
    assert recall.shape == (4,)
    assert ((recall >= 0) & (recall <= 1)).all()


def test_recall_is_that_of_each_class():
    answers = np.eye(4)[[0, 0, 1, 2, 2, 2]]
    found = trials.recalls(lambda _: answers, np.zeros((6, 2, 2)), np.array([0, 1, 1, 2, 3, 3]))
    np.testing.assert_array_equal(found, [1, 0.5, 1, 0])


def test_wrong_names_are_named():
    lesson = trials.Lesson(np.zeros((4, 48, 48)), np.arange(4), np.zeros((4, 48, 48)))
    with pytest.raises(ValueError, match="name must be one of"):
        trials.train("oracle", lesson)
    with pytest.raises(ValueError, match="kind must be one of"):
        trials.train("CNN", lesson, kind="molecules")


def test_a_judge_counts_what_was_named():
    unseen = {angle: trials.unseen_suits(2, angle_deg=angle) for angle in trials.ANGLES_DEG}
    answers = {images.tobytes(): np.eye(4)[(labels + (angle == 90)) % 4] for angle, (images, labels) in unseen.items()}
    trained = trials.Trained(None, lambda images: answers[images.tobytes()], 1.0)
    row = records._judge_suits(trained, unseen)
    assert row["accuracy"] == {"30": 1.0, "60": 1.0, "90": 0.0, "180": 1.0}
    np.testing.assert_array_equal(row["confusion"], 2 * np.eye(4))
