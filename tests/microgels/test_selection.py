"""Selection: the ranking of the original number by number, and which outliers it finds."""

import numpy as np
import pytest

from helpers.common import data
from helpers.microgels import clouds, io, selection
from helpers.microgels.density import toroid_density

NAN = float("nan")

# files in the order of the original's ranking (first ten; last two), and the first and the last sum of correlations
PUBLISHED = {
    21: ([16, 11, 6, 8, 9, 3, 17, 15, 7, 1], [10, 2], 11.2595558596271, 7.89457152229301),
    33: (None, None, 12.8769770504368, 10.507834704063),
    35: ([20, 17, 16, 10, 15, 19, 3, 4, 12, 6], [2, 18], 16.0050285897988, 13.7498021217714),
    38: (None, None, 17.8683275375425, 15.2282343580361),
    43: (None, [10, 13], 18.7398392666843, 16.9970822653963),
    53: ([10, 11, 7, 4, 8, 9, 13, 12, 2, 14], [6, 19], 18.9380389476814, 17.1150358980071),
}


@pytest.mark.real_data
@pytest.mark.parametrize("temperature", PUBLISHED)
def test_the_published_ranking_comes_back_number_by_number(temperature):
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    order, sums = selection.rank(io.gels(data.fetch("microgels_paint"), temperature))
    top, bottom, first, last = PUBLISHED[temperature]
    files = (order + 1).tolist()
    assert top is None or files[:10] == top
    assert bottom is None or files[-2:] == bottom
    assert sums[order[0]] == pytest.approx(first, abs=1e-9)
    assert sums[order[-1]] == pytest.approx(last, abs=1e-9)


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


def double(gel, rng):
    return np.concatenate([gel, clouds.simulate(35, 1, rng, len(gel))[0] + [250.0, 0, 0]])


def in_background(gel, rng):
    """Replace 30 % of the points by points spread evenly over the whole cylinder."""
    n = int(0.3 * len(gel))
    d, angle = 400 * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    spread = np.stack([d * np.cos(angle), d * np.sin(angle), rng.uniform(-400, 400, n)], axis=1)
    return np.concatenate([gel[n:], spread])


PLANTED = {  # what is done to three gels, then: mean number among the worst three, published and robust
    "squashed": (lambda gel, _: gel * [1, 1, 0.5], (0, 1.5), (2.5, 3)),
    "small": (lambda gel, _: gel * 0.67, (0, 0.5), (2.5, 3)),
    "large": (lambda gel, _: gel * 1.5, (2.5, 3), (2.5, 3)),
    "double": (double, (0.5, 3), (2.5, 3)),
    "in background": (in_background, (0, 2), (2.5, 3)),
    "few localisations": (lambda gel, _: gel[:800], (2.5, 3), (0, 1.5)),
}


def found_among_the_worst(spoil, method, n_seeds=4):
    """Return how many of 3 spoilt gels beside 17 whole ones are among the last 3, averaged over seeds."""
    found = []
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        several = clouds.simulate(35, 17, rng) + [spoil(gel, rng) for gel in clouds.simulate(35, 3, rng)]
        found.append((selection.rank(several, method)[0][-3:] >= 17).sum())
    return np.mean(found)


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_outliers_are_found_by_the_robust_ranking_and_often_missed_by_the_published_one(kind):
    spoil, published, robust = PLANTED[kind]
    for method, (low, high) in {"published": published, "robust": robust}.items():
        assert low <= found_among_the_worst(spoil, method) <= high, method


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
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
