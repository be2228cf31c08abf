"""The variants: they differ from the network in what they should and in nothing else."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.molecules import ablations, reader, views, worlds


@pytest.fixture(scope="module")
def seen():
    images, _ = worlds.film("physical", np.full(8, 2.0), np.random.default_rng(0))
    return views.look(images)


def awake(build):
    """A network whose last layer does not start at zero."""
    model = training.initialise(build, 0)
    with torch.no_grad():
        model.head[-1].weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    return model.eval()


def shuffled(seen):
    """The same frames in another order, each with its own step."""
    order = torch.tensor([3, 0, 9, 1, 15, 7, 2, 12, 4, 14, 6, 8, 5, 10, 13, 11])
    return views.Views(*(part[:, order] for part in seen))


def test_without_time_order_matters_only_through_the_next_step(seen):
    still = seen._replace(steps=torch.zeros_like(seen.steps))
    for build, changes in ((ablations.WithoutTime, False), (reader.TrackAndBlob, True)):
        model = awake(build)
        difference = (reader.mixtures(model, [still]) - reader.mixtures(model, [shuffled(still)])).abs().max()
        assert (difference > 1e-3) == changes


def test_without_the_anchor_a_fresh_network_answers_the_same_for_every_movie(seen):
    mixture = reader.mixtures(training.initialise(ablations.WithoutAnchor, 0), [seen])
    torch.testing.assert_close(mixture, mixture[:1].expand_as(mixture))
    step = seen._replace(steps=2 * seen.steps)
    woken = awake(ablations.WithoutAnchor)
    assert (reader.mixtures(woken, [seen]) - reader.mixtures(woken, [step])).abs().max() > 1e-3  # it is still shown


def test_the_transformer_does_not_look_at_lost_frames(seen):
    model = awake(ablations.TemporalTransformer)
    mask = torch.ones_like(seen.seen)
    mask[:, [2, 9]] = 0
    lost = views.Views(*(part * mask.reshape(*mask.shape, *(1,) * (part.ndim - 2)) for part in seen))
    other = lost._replace(place=lost.place + 5 * (1 - mask)[..., None])
    torch.testing.assert_close(reader.mixtures(model, [lost]), reader.mixtures(model, [other]))
    blind = views.Views(*(torch.zeros_like(part) for part in seen))
    assert reader.mixtures(model, [blind]).isfinite().all()


def test_a_student_that_equals_its_teacher_has_the_least_loss(seen):
    teacher = awake(reader.TrackAndBlob)
    loss, D = ablations.distil([teacher, teacher]), torch.ones(8)
    least = loss(teacher, *seen, D)
    for width in (33, 34, 35):
        student = awake(lambda width=width: reader.TrackAndBlob(width=width))
        assert loss(student, *seen, D) > least


def test_pooled_mixtures_are_the_mean_density(seen):
    one, other = (reader.mixtures(awake(lambda w=w: reader.TrackAndBlob(width=w)), [seen]) for w in (32, 48))
    grid = torch.linspace(-3, 4, 50)
    mean = (reader.log_density(one, grid).exp() + reader.log_density(other, grid).exp()) / 2
    torch.testing.assert_close(reader.log_density(reader.pool([one, other]), grid).exp(), mean)
