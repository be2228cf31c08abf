"""The stack, the scores and the g(r) in the page are those of the package."""

import re

import numpy as np
import pytest

from helpers.colloids import confocal, io, scoring, structure, suspension, widgets
from helpers.common.places import ROOT

D, PSF, BACKGROUND, SEED = 10.0, (4.0, 1.5, 1.5), 0.1, 7
SHAPE = (60, 55, 65)
WAYS, SNRS = ("deconvolution", "3D U-Net"), (5, 2.5)
EDGES = (0.5 + np.arange(41) / 20).tolist()


@pytest.fixture(scope="module")
def page(module):
    return module("helpers/colloids/slices.js")


@pytest.fixture(scope="module")
def centres():
    """Return the spheres that are seen in a stack, and some that are not, (n, 3) px."""
    known = io.configuration("phi52")
    return D * suspension.images_within(known.positions, known.box, -np.full(3, 3.5), np.array(SHAPE) / D + 3.5)[1]


def within(centres):
    return centres[((centres >= -0.5) & (centres <= np.array(SHAPE) - 0.5)).all(1)]


def drawn(centres, n_false, rng):
    """Return places (k, 3) px and heights (k,): true spheres, displaced and some lost, and false ones."""
    true = within(centres)
    true = true[rng.random(len(true)) < 0.95] + rng.normal(0, 1.5, 3)
    places = np.concatenate([true, rng.uniform(0, np.array(SHAPE) - 1, (n_false, 3))])
    return places, np.concatenate([rng.normal(1, 0.4, len(true)), rng.normal(0.4, 0.2, n_false)])


@pytest.fixture(scope="module")
def candidates(centres):
    rng = np.random.default_rng(3)
    return {(way, snr): drawn(centres, round(200 / snr), rng) for way in WAYS for snr in SNRS}


def packed(centres, found, **changes):
    r = np.linspace(0.5, 2.5, 101)
    given = {"centres_px": centres, "diameters_px": D, "psf_sigma_px": PSF, "shape": SHAPE, "background": BACKGROUND}
    given |= {"candidates": found, "theory": (r, structure.percus_yevick_g(r, 0.52)), "seed": SEED}
    return widgets.slices_data(**(given | changes))


@pytest.fixture(scope="module")
def record(centres, candidates):
    """Return the record as the page gets it: sizes and a list of bytes."""
    sizes, data = packed(centres, candidates)
    return sizes, list(data)


# --- the stack ------------------------------------------------------------------------------------------------------


def test_noise_is_made_of_the_uniform_numbers_of_the_page(page):
    draw = "(m, seed, n) => { const u = m.uniform(seed); return Array.from({ length: n }, u); }"
    for seed in (0, 1, 2**32 - 1):
        assert page(draw, seed, 50) == widgets._uniform(seed, np.arange(50)).tolist()


@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 3, 5)])
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_noise_is_the_same_in_the_page(page, shape, seed):
    call = "(m, shape, seed, z) => [...m.noise(shape, seed, z)]"
    found = np.reshape([page(call, shape, seed, z) for z in range(shape[0])], shape)
    np.testing.assert_allclose(found, widgets.page_noise(shape, seed), rtol=1e-11, atol=1e-14)


def test_noise_far_down_a_large_stack_is_the_same(page):
    shape, z = (400, 301, 299), 399
    found = page("(m, shape, z) => [...m.noise(shape, 5, z)].slice(-7)", shape, z)
    np.testing.assert_allclose(found, widgets.page_noise(shape, 5, (z, z + 1)).ravel()[-7:], rtol=1e-11)


def test_noise_is_standard_normal_and_a_part_of_it_is_that_part():
    whole = widgets.page_noise((41, 41, 41), 1)
    assert whole.mean() == pytest.approx(0, abs=4 / np.sqrt(whole.size))
    assert whole.var() == pytest.approx(1, abs=4 * np.sqrt(2 / whole.size))
    assert abs(np.corrcoef(whole[:, :, 1:].ravel(), whole[:, :, :-1].ravel())[0, 1]) < 4 / np.sqrt(whole.size)
    for part in ((0, 41), (0, 1), (3, 8), (40, 41)):
        np.testing.assert_array_equal(widgets.page_noise((41, 41, 41), 1, part), whole[slice(*part)])
    assert not np.isin(widgets.page_noise((5, 41, 41), 2), whole).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (((4, 5), 1), r"shape must be \(Z, Y, X\)"),
        (((4, 5, 0), 1), "whole number >= 1, got 0"),
        (((4, 5, 6), -1), "whole number >= 0, got -1"),
        (((4, 5, 6), 2**32), "below 2"),
        (((4, 5, 6), 1, (2, 5)), r"of 0\.\.4, got \(2, 5\)"),
        (((4, 5, 6), 1, (2, 2)), r"got \(2, 2\)"),
    ],
)
def test_noise_of_no_stack_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        widgets.page_noise(*given)


@pytest.mark.parametrize("blur", [PSF, (3.0, 2.0, 2.0), (1.0, 1.0, 1.0)])
def test_a_slice_is_that_of_the_stack(page, centres, candidates, blur):
    sizes, data = packed(centres, candidates, psf_sigma_px=blur)
    stack = confocal.image(centres, D, blur, SHAPE, None, background=BACKGROUND) + widgets.page_noise(SHAPE, SEED) / 5
    call = "(m, sizes, bytes, zs) => zs.map((z) => [...m.slice(m.unpack(sizes, new Uint8Array(bytes)), 5, z)])"
    zs = [0, 1, 30, 59]
    found = np.reshape(page(call, sizes, list(data), zs), (len(zs), *SHAPE[1:]))
    np.testing.assert_allclose(found, stack[zs], atol=2e-3)


# --- what was found -------------------------------------------------------------------------------------------------

SCORES = """(m, sizes, bytes, k, thresholds) => {
  const record = m.unpack(sizes, new Uint8Array(bytes));
  const these = m.prepared(record, record.found[k]);
  const scores = thresholds.map((threshold) => m.score(these, threshold));
  return { scores, places: [...these.places], heights: [...these.heights], centres: [...record.centres] };
}"""


def test_candidates_come_in_the_order_of_ways_and_snrs(page, record, candidates, centres):
    sizes, data = record
    assert (sizes["ways"], sizes["snrs"], sizes["networks"]) == (list(WAYS), ["5", "2.5"], ["3D U-Net"])
    for k, (places, heights) in enumerate(candidates[way, snr] for way in WAYS for snr in SNRS):
        found = page(SCORES, sizes, data, k, [])
        np.testing.assert_allclose(np.reshape(found["places"], (-1, 3)), places, atol=2e-3)
        np.testing.assert_allclose(found["heights"], np.clip(heights, 0, 2), atol=2e-5)
        np.testing.assert_allclose(np.reshape(found["centres"], (-1, 3)), within(centres), atol=2e-3)


@pytest.mark.parametrize("k", range(4))
def test_matches_and_scores_are_those_of_the_package(page, record, k):
    thresholds = [0.0, 0.3, 0.5, 0.9, 1.5, 3.0]
    found = page(SCORES, *record, k, thresholds)
    places, centres = (np.reshape(found[name], (-1, 3)) for name in ("places", "centres"))
    seen = []
    for threshold, ours in zip(thresholds, found["scores"], strict=True):
        kept = np.flatnonzero(np.array(found["heights"]) >= threshold)
        pairs = scoring.match(places[kept], centres, D / 2)
        pairs[:, 0] = kept[pairs[:, 0]]
        assert sorted(ours["pairs"]) == sorted(pairs.tolist())
        theirs = scoring.score(places[kept], centres, D, SHAPE)
        assert (ours["n"], ours["nFound"]) == (theirs.n, theirs.n_found)
        assert (ours["recall"], ours["precision"]) == pytest.approx(theirs[:2], abs=1e-12)
        assert ours["hits"] == pytest.approx(theirs.recall * theirs.n)
        assert ours["real"] == pytest.approx(theirs.precision * theirs.n_found)
        seen.append(theirs[:2])
    assert seen[-1] == (0, 0)
    assert len(set(seen)) >= 5


def test_the_nearest_are_matched_first_and_one_to_one(page):
    """Candidates so dense that each is near several centres."""
    rng = np.random.default_rng(1)
    centres, found = rng.uniform(0, 20, (60, 3)), rng.uniform(0, 20, (80, 3))
    call = "(m, found, centres) => m.matched(m.neighbours(found, centres, 5), found.map(() => 1), 0)"
    pairs = page(call, found.ravel().tolist(), centres.ravel().tolist())
    assert sorted(pairs) == sorted(scoring.match(found, centres, 5).tolist())
    assert len(pairs) > 30


def test_what_is_seen_in_a_slice_is_near_it(page, record):
    call = """(m, sizes, bytes, z, threshold) => {
      const record = m.unpack(sizes, new Uint8Array(bytes));
      const these = m.prepared(record, record.found[1]);
      const { pairs } = m.score(these, threshold);
      const [places, centres] = [these.places, record.centres].map((x) => [...x]);
      return { ...m.seenIn(record, these, pairs, threshold, z), pairs, places, centres, heights: [...these.heights] };
    }"""
    found = page(call, *record, 30, 0.5)
    places, centres = (np.reshape(found[name], (-1, 3)) for name in ("places", "centres"))
    hit, taken = (
        np.isin(np.arange(n), column)
        for n, column in zip(map(len, (places, centres)), np.transpose(found["pairs"]), strict=True)
    )
    near, kept = abs(places[:, 0] - 30) <= D / 2, np.array(found["heights"]) >= 0.5
    for name, expected in [
        ("hits", places[near & kept & hit]),
        ("wrong", places[near & kept & ~hit]),
        ("missed", centres[(abs(centres[:, 0] - 30) <= D / 2) & ~taken]),
    ]:
        np.testing.assert_array_equal(found[name], expected[:, 1:])
        assert len(expected), name


@pytest.mark.parametrize("n", [0, 1, 2, 400])
def test_pair_correlation_is_that_of_the_package(page, n):
    places = np.random.default_rng(2).uniform(-1, 8, (n, 3))
    bounds = [[0.5, 6.0], [0.0, 4.0], [1.0, 7.5]]
    if n == 2:
        places[:] = [[2, 2, 2], [2, 3, 2]]
    call = "(m, places, r, bounds) => [...m.pairCorrelation(Float64Array.from(places), r, bounds)].map(String)"
    found = np.array(page(call, places.ravel().tolist(), EDGES, bounds), float)
    np.testing.assert_allclose(found, structure.g_of_r(places, EDGES, window=bounds), rtol=1e-9)
    assert np.isnan(found).all() == (n < 2)


def test_pair_correlation_of_the_true_spheres(page, record):
    bounds = [[1, (side - 1) / D - 1] for side in SHAPE]
    call = """(m, sizes, bytes, r, bounds) => {
      const { centres } = m.unpack(sizes, new Uint8Array(bytes));
      return [[...centres], [...m.pairCorrelation(centres.map((value) => value / 10), r, bounds)]];
    }"""
    centres, found = page(call, *record, EDGES, bounds)
    expected = structure.g_of_r(np.reshape(centres, (-1, 3)) / D, EDGES, window=bounds)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert expected[9] < 1 < 3 < expected[10:12].max()


# --- the data -------------------------------------------------------------------------------------------------------


def test_the_data_fit_into_a_page():
    """A stack of 100 px with three ways at two SNRs, 1500 candidates each."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-40, 140, (5800, 3))
    found = rng.uniform(0, 99, (1500, 3)), rng.uniform(0, 1.2, 1500)
    many = {(way, snr): found for way in "abc" for snr in (5, 2)}
    sizes, data = packed(centres, many, shape=(100, 100, 100))
    assert len(data) < 120_000
    n_profile = sizes["profile"]["rows"] * sizes["profile"]["columns"]
    assert len(data) == 2 * (n_profile + 3 * sizes["centres"][1] + 4 * sum(sizes["candidates"]))
    assert sizes["centres"][0] < sizes["centres"][1] < 3000, "spheres are kept that are not seen"


def test_equal_diameters_may_be_given_one_by_one(centres, candidates):
    assert packed(centres, candidates, diameters_px=np.full(len(centres), D)) == packed(centres, candidates)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"diameters_px": [10.0, 10.5]}, "the same for all"),
        ({"diameters_px": []}, "the same for all"),
        ({"centres_px": np.zeros((5, 2))}, r"centres_px must have shape \(n, 3\)"),
        ({"centres_px": np.full((5, 3), 2.0)}, "two spheres 1.5 diameters away"),
        ({"shape": (60, 60)}, r"shape must be \(Z, Y, X\)"),
        ({"shape": (60, 45, 60)}, "at least 46 px"),
        ({"background": -1}, "background must be >= 0"),
        ({"psf_sigma_px": (4, 1, 2)}, "y = x"),
        ({"candidates": {}}, "must map"),
        ({"candidates": {"deconvolution": ()}}, "must map"),
        ({"candidates": {("a", 0): (np.zeros((1, 3)), [1])}}, "snr must be > 0"),
        ({"candidates": {("a", 5): (np.zeros((1, 3)), [1, 2])}}, r"heights of \('a', 5\) must have shape \(1,\)"),
        ({"candidates": {("a", 5): (np.zeros(3), [1])}}, r"places of \('a', 5\) must have shape"),
        ({"candidates": {("a", None): (np.zeros((1, 3)), [1])}}, "snr must be finite"),
        ({"edge": 4}, "two spheres 4 diameters away"),
        ({"candidates": {key: (np.zeros((1, 3)), [1]) for key in [("a", 5), ("b", 2)]}}, r"\('a', 2\) is missing"),
        ({"candidates": {("a", 5): (np.zeros((30_000, 3)), np.zeros(30_000))}}, "at most 200000 bytes"),
        ({"theory": ([1, 2], [1])}, "theory must be"),
        ({"seed": 2**32}, "below 2"),
    ],
)
def test_bad_input_is_refused_in_one_line(centres, candidates, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        packed(centres, candidates, **changes)
    assert "\n" not in str(caught.value)


# --- the figure -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(use, record):
    return lambda *steps: look(use, *record, steps)


def look(use, sizes, data, steps=()):
    start = widgets.TrackedSlices().settings
    return use("helpers/colloids/slices.js", {"settings": start, "sizes": sizes, "data": list(data)}, steps)


def numbers(seen):
    return [float(x) for x in re.findall(r"\d+(?:\.\d+)?", seen["words"])]


def test_the_reader_is_told_recall_and_precision(live, page, record):
    settings = [("deconvolution", "5", 0.5), ("3D U-Net", "2.5", 0.8), ("3D U-Net", "5", 1.0)]
    seen = live(*({"way": way, "snr": snr, "threshold": threshold} for way, snr, threshold in settings))[1:]
    for (way, snr, threshold), at in zip(settings, seen, strict=True):
        k = 2 * WAYS.index(way) + ["5", "2.5"].index(snr)
        (s,) = page(SCORES, *record, k, [threshold])["scores"]
        shares = [pytest.approx(s[name], abs=0.00501) for name in ("recall", "precision")]
        assert numbers(at) == [s["n"], 1.5, s["hits"], shares[0], s["nFound"], s["real"], shares[1]]


def test_every_control_changes_a_picture(live):
    """Also the smallest step of the threshold: its line moves."""
    steps = [{"z": 41}, {"threshold": 0.51}, {"snr": "2.5"}, {"way": "3D U-Net"}]
    seen = live(*steps)
    for step, before, after in zip(steps, seen[:-1], seen[1:], strict=True):
        assert before["pictures"] != after["pictures"], step
    assert seen[0]["pictures"][1:] == seen[1]["pictures"][1:], "the slice changes g(r) or the score"
    assert all(len(words) > 30 for at in seen for words, _ in at["pictures"])


def test_settings_that_the_record_does_not_know_show_something(live):
    steps = {"way": "none", "snr": "7"}, {"z": 59}, {"z": 1000}, {"way": WAYS[0], "snr": "5", "z": 40}
    start, *seen = [(at["words"], at["pictures"]) for at in live(*steps)]
    assert seen[0] == seen[3] == start
    assert seen[1] == seen[2]


def test_nothing_above_the_threshold_is_said(use, candidates, centres):
    low = {key: (places, np.zeros(len(places))) for key, (places, _) in candidates.items()}
    sizes, data = packed(centres, low)
    (seen,) = look(use, sizes, data)
    assert numbers(seen)[2:] == [0, 0, 0, 0, 0]
    assert "fewer than two" in seen["pictures"][1][0]


def test_the_scripts_controls_have_start_values():
    script = (ROOT / "helpers/colloids" / widgets.TrackedSlices.script).read_text(encoding="utf-8")
    controls = re.findall(r"panel\.(?:range|select)\(\{ name: \"(\w+)\"", script)
    assert sorted(controls) == sorted(widgets.TrackedSlices().settings)
    assert repr(widgets.TrackedSlices()) == "TrackedSlices()"
