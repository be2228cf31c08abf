"""How models of gels are judged: nothing is held out twice, and equal gels have no distance."""

import numpy as np
import pytest

from helpers.common import data, training
from helpers.microgels import clouds, gel_records, generation
from helpers.microgels.softpointflow import SoftPointFlow, collapse

GELS = generation.collect("simulated", n_gels=10)


def test_gels_are_collected_at_six_temperatures_and_differ():
    assert sorted(GELS) == [21, 33, 35, 38, 43, 53]
    assert all(len(some) == 10 for some in GELS.values())
    assert (GELS[21][0][:50] != GELS[33][0][:50]).any()
    assert (generation.collect("simulated", 2, seed=1)[21][0][:50] != GELS[21][0][:50]).any()
    with pytest.raises(ValueError, match="source"):
        generation.collect("imagined")


def test_a_split_holds_every_gel_once():
    train_on, held_out = generation.split(GELS, seed=3)
    for T, some in GELS.items():
        assert (len(train_on[T]), len(held_out[T])) == (6, 4)
        assert {id(c) for c in train_on[T]} | {id(c) for c in held_out[T]} == {id(c) for c in some}
    other, _ = generation.split(GELS, seed=4)
    assert {id(c) for c in other[21]} != {id(c) for c in train_on[21]}


@pytest.mark.real_data
def test_the_real_gels_are_twenty_at_each_temperature():
    if not data.available("microgels_paint"):
        pytest.skip(data.how_to_get("microgels_paint"))
    assert {T: len(some) for T, some in generation.collect("real").items()} == dict.fromkeys(GELS, 20)


def test_equal_gels_have_no_distance():
    gels = GELS[35]
    found = generation.judge(gels, gels, gels)
    assert found["cmf"] == found["floor_cmf"] == 0
    assert found["median_radius"] == found["hull_radius"] == pytest.approx(0)
    assert found["density"] == pytest.approx(1)
    assert 0.9 < found["spread"] <= 1  # the given gels are counted twice there


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_larger_gels_have_larger_radii_by_that_much(factor):
    gels = GELS[33]
    found = generation.judge([factor * cloud for cloud in gels], gels, gels)
    assert found["median_radius"] == pytest.approx(abs(factor - 1), rel=1e-6)
    assert found["hull_radius"] == pytest.approx(abs(factor - 1), rel=1e-6)
    assert found["cmf"] > 0.1
    assert found["floor_cmf"] == 0
    assert found["spread"] == pytest.approx(factor, rel=0.1)


def test_flat_gels_have_another_density():
    gels = GELS[43]
    swapped = generation.judge([cloud[:, [2, 1, 0]] for cloud in gels], gels, gels)
    assert swapped["cmf"] < 1e-3  # the distance from the centre does not know x from z
    assert swapped["density"] < 0.99


def test_a_gel_with_many_points_counts_once():
    few, many = GELS[21][:3], [np.tile(clouds.centred(GELS[53][0]), (20, 1))]
    assert generation.judge(few + many, few, few)["cmf"] < 0.3


def test_the_mixture_lies_between_its_neighbours():
    known = {T: GELS[T] for T in (33, 43)}
    sizes = [
        np.median([generation.median_radius(c) for c in gel_records.mixture(known, T, np.random.default_rng(0))])
        for T in (20, 33, 36, 40, 43, 50)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
    assert sizes[1] > sizes[2] > sizes[3] > sizes[4]
    assert sizes[4] == pytest.approx(sizes[5], rel=0.05)
    assert sizes[1] == pytest.approx(np.median([generation.median_radius(c) for c in GELS[33]]), rel=0.05)


def test_the_unit_box_takes_size_and_place_away():
    points = np.random.default_rng(0).normal(size=(500, 3))
    boxed = gel_records.unit_box(points)
    np.testing.assert_allclose([boxed.min(axis=0), boxed.max(axis=0)], [[0] * 3, [1] * 3])
    np.testing.assert_allclose(gel_records.unit_box(7 * points + 11), boxed)


def test_a_mixture_may_be_weighted_by_state():
    known = {T: [T * np.random.default_rng(T).standard_normal((1200, 3))] for T in (21, 43)}
    cold, hot = (clouds.centred(known[T][0]).var() for T in (21, 43))
    rng, shares = np.random.default_rng(0), []
    for scale in (float, collapse):
        mixed = np.concatenate(gel_records.mixture(known, 35, rng, n_gels=40, scale=scale))
        shares.append((mixed.var() - cold) / (hot - cold))
    low, here, high = collapse([21, 35, 43])
    assert shares == pytest.approx([14 / 22, (here - low) / (high - low)], abs=0.01)


def test_the_terms_that_are_watched_add_up_to_the_loss():
    model = training.initialise(SoftPointFlow, 0)
    evaluate = gel_records.watched({T: GELS[T][:2] for T in (21, 43)}, seed=1, n_batches=2)
    found = evaluate(model)
    assert found == evaluate(model)  # the same batches every time
    assert found["loss"] == pytest.approx(-found["points"] - found["shape"] - found["entropy"])
