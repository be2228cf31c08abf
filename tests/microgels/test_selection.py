"""Selection: the ranking of the original number by number, and which outliers it finds."""

import numpy as np
import pytest

from helpers.common import data
from helpers.microgels import clouds, io, selection
from helpers.microgels.density import toroid_density

NAN = float("nan")

# the last two files of the original's ranking, where its figures name them
BOTTOM = {21: [10, 2], 35: [2, 18], 43: [10, 13], 53: [6, 19]}


@pytest.mark.real_data
@pytest.mark.parametrize("temperature", selection.PUBLISHED)
def test_the_published_ranking_comes_back_number_by_number(temperature):
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    order, sums = selection.rank(io.gels(data.fetch("microgels_paint"), temperature))
    highest, lowest, selected = selection.PUBLISHED[temperature]
    files = (order + 1).tolist()
    assert selected is None or files[:10] == list(selected)
    assert temperature not in BOTTOM or files[-2:] == BOTTOM[temperature]
    assert sums[order[0]] == sums.max() == pytest.approx(highest, abs=1e-9)
    assert sums[order[-1]] == sums.min() == pytest.approx(lowest, abs=1e-9)


def test_the_published_numbers_are_of_twenty_gels_at_each_temperature():
    assert tuple(selection.PUBLISHED) == io.TEMPERATURES_C
    for highest, lowest, selected in selection.PUBLISHED.values():
        assert 1 <= lowest < highest <= 20
        assert selected is None or (len(set(selected)) == 10 and set(selected) <= set(range(1, 21)))


def gels(n=6, seed=0, temperature=35, n_points=None):
    return clouds.simulate(temperature, n, np.random.default_rng(seed), n_points)


def test_the_published_ranking_is_a_sum_of_correlations_of_the_density():
    several = gels()
    order, sums = selection.rank(several)
    features = [toroid_density(gel).ravel() for gel in several]
    expected = [sum(np.corrcoef(a, b)[0, 1] for b in features) for a in features]
    np.testing.assert_allclose(sums, expected)
    assert order.tolist() == sorted(range(6), key=lambda i: -expected[i])
    assert (np.diff(sums[order]) <= 0).all()


@pytest.mark.parametrize("method", ["published", "robust"])
def test_equal_gels_correlate_fully_and_places_do_not_matter(method):
    gel = np.round(gels(1)[0] * 1024) / 1024
    order, sums = selection.rank([gel, gel + 2048.0, gel - [512.0, 0, 0]], method, np.random.default_rng(0))
    if method == "published":
        np.testing.assert_allclose(sums, 3)
        assert order.tolist() == [0, 1, 2]  # ties stay in the order given
    assert sums.max() <= 3 + 1e-12


@pytest.mark.parametrize("method", ["published", "robust"])
def test_the_order_of_the_list_does_not_matter(method):
    several = gels(8, n_points=900)  # equal numbers: nothing is thinned away
    _, sums = selection.rank(several, method)
    _, reversed_sums = selection.rank(several[::-1], method)
    np.testing.assert_allclose(reversed_sums[::-1], sums)


def test_the_robust_ranking_is_the_same_each_time_and_follows_a_generator():
    several = gels(8)
    one, other = selection.rank(several, "robust"), selection.rank(several, "robust")
    np.testing.assert_array_equal(one[1], other[1])
    drawn = selection.rank(several, "robust", np.random.default_rng(5))
    assert not np.array_equal(drawn[1], one[1])
    np.testing.assert_array_equal(drawn[1], selection.rank(several, "robust", np.random.default_rng(5))[1])


def test_the_robust_feature_is_the_root_of_the_density_of_equally_many_points_in_wide_bins():
    several = [gel[:700] for gel in gels(5, n_points=700)]
    _, sums = selection.rank(several, "robust")
    features = [np.sqrt(toroid_density(gel, 20, 40, 20.0)).ravel() for gel in several]
    np.testing.assert_allclose(sums, np.corrcoef(features).sum(axis=0))
    unequal = [*several, gels(1, seed=9, n_points=3000)[0]]
    np.testing.assert_allclose(
        np.corrcoef([*features, np.sqrt(toroid_density(unequal[5][:700], 20, 40, 20.0)).ravel()]).sum(axis=0),
        selection.rank(unequal, "robust")[1],
        atol=0.25,  # other 700 points of the last one were drawn
    )
    tiny = [*several, several[0][:60]]  # one small cloud does not thin the others below 500
    assert selection.rank(tiny, "robust")[0][-1] == 5
    assert selection.rank(tiny, "robust")[1][:5] == pytest.approx(sums, rel=0.25)


PLANTED = {  # mean number of spoilt gels among the worst three, published and robust
    "half as high": ((0, 1.5), (2.5, 3)),
    "two thirds as large": ((0, 0.5), (2.5, 3)),
    "1.5 times as large": ((2.5, 3), (2.5, 3)),
    "two gels": ((0.5, 3), (2.5, 3)),
    "30 % background": ((0, 2), (2.5, 3)),
    "800 localisations": ((2.5, 3), (0, 1.5)),
}


@pytest.mark.parametrize("kind", selection.SPOILS)
def test_planted_outliers_are_found_by_the_robust_ranking_and_often_missed_by_the_published_one(kind):
    for method, (low, high) in zip(("published", "robust"), PLANTED[kind], strict=True):
        last, top = selection.plant(kind, method, n_trials=4)
        assert low <= last <= high, method
        assert 0 <= top <= 3 - last + 1e-12, method
    assert (top > 0.4) == (kind == "800 localisations")  # of the robust ranking: the right shape gets in


def test_gels_are_spoilt_as_their_names_say():
    gel, rng = gels(1, n_points=4000)[0], np.random.default_rng(3)
    spoilt = {kind: spoil(gel.copy(), rng) for kind, spoil in selection.SPOILS.items()}
    np.testing.assert_allclose(spoilt["half as high"], gel * [1, 1, 0.5])
    np.testing.assert_allclose(spoilt["two thirds as large"] * 1.5, gel)
    np.testing.assert_allclose(spoilt["1.5 times as large"] / 1.5, gel)
    np.testing.assert_array_equal(spoilt["800 localisations"], gel[:800])
    first, second = np.split(spoilt["two gels"], 2)
    np.testing.assert_allclose(second - first, np.tile([250.0, 0, 0], (4000, 1)))
    background = spoilt["30 % background"]
    assert background.shape == gel.shape
    np.testing.assert_array_equal(background[:2800], gel[1200:])
    spread = background[2800:]
    assert np.abs(spread).max() <= 400
    np.testing.assert_allclose(spread.std(axis=0), 800 / np.sqrt(12), rtol=0.05)


def test_planted_gels_are_counted_at_both_ends():
    """The planted gels are the last three of the list: a ranking that knows it finds all of them."""
    seen = []

    def knows(clouds):
        seen.append([len(cloud) for cloud in clouds])
        return -np.arange(len(clouds))

    assert selection.plant("800 localisations", knows, n_trials=3) == (3, 0)
    assert selection.plant("800 localisations", lambda clouds: np.arange(len(clouds)), n_trials=3) == (0, 3)
    middle = [*range(9), *range(12, 20), 9, 10, 11]  # places 10 to 12 of 20, so one of them is in the top 10
    assert selection.plant("two gels", lambda _: -np.array(middle), n_trials=1) == (0, 1)
    late = [*range(15), 18, 19, 15, 16, 17]  # places 16 to 18 of 20: one of them is among the last 3
    assert selection.plant("two gels", lambda _: -np.array(late), n_trials=1) == (1, 0)
    assert len(seen) == 3
    assert all(len(numbers) == 20 and max(numbers[17:]) <= 800 < min(numbers[:17]) for numbers in seen)
    assert seen[0] != seen[1]


def test_by_chance_three_of_twenty_gels_are_seldom_the_last():
    rng = np.random.default_rng(7)
    last, top = selection.plant("800 localisations", lambda clouds: rng.random(len(clouds)), n_trials=100)
    assert last == pytest.approx(0.45, abs=4 * np.sqrt(0.343 / 100))  # hypergeometric: variance 0.343
    assert top == pytest.approx(1.5, abs=4 * np.sqrt(0.671 / 100))


def test_a_seed_plants_the_same_gels():
    def largest(clouds):
        return [np.abs(cloud).max() for cloud in clouds]

    one = selection.plant("two gels", largest, 6, seed=1)
    assert one == selection.plant("two gels", largest, 6, seed=1)
    places = [selection.plant("half as high", largest, 6, seed) for seed in range(4)]
    assert len(set(places)) > 1
    by_name = selection.plant("two thirds as large", "robust", 2, seed=5)
    assert by_name == selection.plant("two thirds as large", lambda gels: selection.rank(gels, "robust")[1], 2, seed=5)


def test_the_published_ranking_follows_the_number_of_localisations_and_the_robust_one_does_not():
    """Gels of one kind: nothing but chance and N tells them apart."""
    numbers = np.linspace(600, 6000, 16).astype(int)
    several = [clouds.simulate(35, 1, np.random.default_rng(seed), int(n))[0] for seed, n in enumerate(numbers)]
    rank_of_n = {m: np.corrcoef(np.arange(16), selection.rank(several, m)[1])[0, 1] for m in ("published", "robust")}
    assert rank_of_n["published"] > 0.8
    assert abs(rank_of_n["robust"]) < 0.6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: selection.rank(gels(2)), "clouds must hold at least 3 clouds, got 2"),
        (lambda: selection.rank(gels(1)[0]), "clouds must be a list of clouds"),
        (lambda: selection.rank([]), "clouds must be a list of clouds"),
        (lambda: selection.rank(gels(3), "best"), "method must be one of 'published', 'robust', got 'best'"),
        (lambda: selection.rank([*gels(3), np.full((9, 3), NAN)]), r"clouds\[3\] must be finite"),
        (lambda: selection.rank([*gels(3), np.zeros((9, 3))]), r"clouds\[3\] has no localisation within 400 nm"),
        (lambda: selection.rank([np.zeros((9, 3)), *gels(3)], "robust"), r"clouds\[0\] has no localisation"),
        (lambda: selection.plant("round"), "kind must be one of 'half as high', 'two thirds as large'"),
        (lambda: selection.plant("two gels", "best"), "method must be one of 'published', 'robust', got 'best'"),
        (lambda: selection.plant("two gels", n_trials=0), "n_trials must be a whole number >= 1, got 0"),
        (lambda: selection.plant("two gels", lambda _: [1, 2]), r"method must return one number .* got shape \(2,\)"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
