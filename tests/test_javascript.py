"""The physics in the widgets is the physics of the package: the same numbers from the browser as from Python."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats

from helpers.molecules import bounds, brownian, estimators

DT = 0.01


@pytest.fixture(scope="module")
def diffusion(module):
    return module("helpers/molecules/diffusion.js")


@pytest.fixture(scope="module")
def intervals(module):
    return module("helpers/common/intervals.js")


@pytest.fixture(scope="module")
def reader(module):
    return module("helpers/molecules/reader.js")


def tracks(n, n_frames=16, sigma=0.05, seed=0):
    """Return positions (n, T, 2), and the same as the browser knows them."""
    rng = np.random.default_rng(seed)
    positions = brownian.observe(brownian.simulate_tracks(1.3, n, n_frames, DT, rng=rng), sigma, rng)
    return positions, [{"x": p[:, 0].tolist(), "y": p[:, 1].tolist()} for p in positions]


# ---- random numbers ----


def test_uniform_numbers_are_uniform_and_belong_to_their_seed(diffusion):
    draw = "(m, seed, n) => { const u = m.uniform(seed); return Array.from({ length: n }, u); }"
    values = np.array(diffusion(draw, 1, 40_000))
    assert values.tolist() == diffusion(draw, 1, 40_000)
    assert not np.isin(values[:1000], diffusion(draw, 2, 1000)).any()
    assert 0 < values.min() < values.max() < 1
    assert stats.kstest(values, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 5 / np.sqrt(values.size)
    first = np.array(diffusion("(m) => Array.from({ length: 3000 }, (_, seed) => m.uniform(seed)())"))
    assert stats.kstest(first, "uniform").pvalue > 1e-3  # neighbouring seeds start far from each other


def test_uniform_numbers_are_those_of_mulberry32(diffusion):
    """The generator written once more, in Python's whole numbers."""

    def mulberry32(state, n):
        for _ in range(n):
            state = (state + 0x6D2B79F5) % 2**32
            t = (state ^ (state >> 15)) * (state | 1) % 2**32
            t = t ^ (t + (t ^ (t >> 7)) * (t | 61) % 2**32) % 2**32
            yield ((t ^ (t >> 14)) + 0.5) / 2**32

    draw = "(m, seed) => { const u = m.uniform(seed); return Array.from({ length: 20 }, u); }"
    for seed in (0, 1, 2**32 - 1):
        assert diffusion(draw, seed) == list(mulberry32(seed, 20))


def test_normal_numbers_are_normal(diffusion):
    draw = "(m, seed, n) => { const g = m.normal(m.uniform(seed)); return Array.from({ length: n }, g); }"
    values = np.array(diffusion(draw, 3, 40_000))
    assert values.tolist() == diffusion(draw, 3, 40_000)
    assert stats.kstest(values, "norm").pvalue > 1e-3
    assert abs(values.mean()) < 4 / np.sqrt(values.size)
    assert values.var() == pytest.approx(1, abs=4 * np.sqrt(2 / values.size))
    assert abs(np.corrcoef(values[::2], values[1::2])[0, 1]) < 5 / np.sqrt(values.size / 2)  # both of one pair


# ---- walks ----


@pytest.mark.parametrize(("m", "sigma"), [(10, 0.0), (10, 0.05), (5, 0.0), (1, 0.1)])
def test_simulated_tracks_have_the_displacements_of_theory(diffusion, m, sigma):
    D, n = 2.0, 6000
    found = diffusion(
        """(m, n, settings) => {
          const gauss = m.normal(m.uniform(5));
          return Array.from({ length: n }, () => { const t = m.simulateTrack(gauss, settings); return [t.x, t.y]; });
        }""",
        n,
        {"D": D, "frames": 5, "m": m, "sigma": sigma, "dt": DT},
    )
    steps = np.diff(np.array(found), axis=-1)
    covariance = bounds.displacement_covariance(D, 5, DT, sigma, brownian.blur_coefficient(m, m / 10))
    ours = np.einsum("nai,naj->ij", steps, steps) / (2 * n)
    error = 5 * covariance[0, 0] * np.sqrt(2 / (2 * n))
    assert np.allclose(ours, covariance, atol=error)
    assert abs((steps[:, 0] * steps[:, 1]).mean()) < error, "x and y walk together"
    start = np.array(found)[:, :, 0]
    expected = 2 * D * DT / 10 * ((2 * m + 1) * (m + 1) / (6 * m)) + sigma**2  # the mean of m steps of a walk from 0
    assert start.var() == pytest.approx(expected, rel=5 * np.sqrt(2 / (2 * n)))


def test_the_experiment_shows_what_it_says(diffusion):
    settings = {"D": 0.8, "frames": 12, "sigmaNm": 40, "m": 7, "seed": 11}
    found = diffusion("experiment", settings)
    assert found["sigma"] == 0.04
    assert found["R"] == pytest.approx(brownian.blur_coefficient(7, 0.7))
    assert found["bound"] == pytest.approx(bounds.cramer_rao(0.8, 12, DT, 0.04, found["R"]), rel=1e-9)
    positions = np.array([[t["x"], t["y"]] for t in found["tracks"]]).transpose(0, 2, 1)
    assert positions.shape == (240, 12, 2)
    assert np.allclose(found["curves"], brownian.msd(positions))
    expected = {
        "all lags": estimators.fit_msd(positions, DT, 11, intercept=False),
        "two lags": estimators.fit_msd(positions, DT, 2),
        "CVE": estimators.cve(positions, DT),
        "MLE": estimators.mle(positions, DT, found["R"], 0.04),
    }
    assert set(found["estimates"]) == set(expected)
    for name, D in expected.items():
        assert np.allclose(found["estimates"][name], D / 0.8, rtol=1e-4, atol=1e-6), name
    assert diffusion("experiment", settings) == found
    assert diffusion("experiment", {**settings, "seed": 12})["tracks"] != found["tracks"]


# ---- estimators and bounds ----


@pytest.mark.parametrize("m", range(1, 11))
def test_blur_coefficient(diffusion, m):
    assert diffusion("blurCoefficient", m) == pytest.approx(brownian.blur_coefficient(m, m / 10), rel=1e-12)


@pytest.mark.parametrize("n_frames", [3, 4, 16, 64])
def test_msd_fits_and_cve(diffusion, n_frames):
    positions, paths = tracks(5, n_frames)
    curves = diffusion("(m, tracks) => tracks.map(m.msd)", paths)
    assert np.allclose(curves, brownian.msd(positions), rtol=1e-9)
    for count, intercept in {(2, True), (2, False), (n_frames - 1, True), (n_frames - 1, False), (1, False)}:
        ours = [diffusion("fitMsd", curve, count, intercept, DT) for curve in curves]
        assert np.allclose(ours, estimators.fit_msd(positions, DT, count, intercept), rtol=1e-9)
    cve = diffusion("(m, tracks, dt) => tracks.map((t) => m.cve(t, dt))", paths, DT)
    assert np.allclose(cve, estimators.cve(positions, DT), rtol=1e-9)


@pytest.mark.parametrize("n_frames", [4, 16, 64])
@pytest.mark.parametrize(("sigma", "m"), [(0.0, 1), (0.0, 10), (0.05, 10), (0.2, 4)])
def test_mle(diffusion, n_frames, sigma, m):
    """To 1e-4: the page stops its search earlier than Python does."""
    positions, paths = tracks(25, n_frames, sigma, seed=m)
    R = brownian.blur_coefficient(m, m / 10)
    ours = diffusion("(m, tracks, s) => tracks.map((t) => m.mle(t, s))", paths, {"dt": DT, "sigma": sigma, "R": R})
    assert np.allclose(ours, estimators.mle(positions, DT, R, sigma), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_frames", [2, 4, 16, 64])
def test_modes_and_bound(diffusion, n_frames):
    lam = estimators.modes(np.zeros((1, n_frames, 2))).lam[0]
    assert np.allclose(diffusion("eigenvalues", n_frames), lam, atol=1e-9)
    for D, sigma, R in [(0.05, 0.2, 0.165), (1, 0, 0), (5, 0.05, 1 / 6)]:
        settings = {"D": D, "frames": n_frames, "dt": DT, "sigma": sigma, "R": R}
        assert diffusion("cramerRao", settings) == pytest.approx(bounds.cramer_rao(D, n_frames, DT, sigma, R), rel=1e-9)


# ---- pictures ----


def test_cividis_is_matplotlibs(diffusion):
    t = np.linspace(0, 1, 41)
    ours = np.array(diffusion("(m, t) => t.map(m.cividis)", t.tolist()))
    theirs = 255 * mpl.colormaps["cividis"](t)[:, :3]
    assert np.abs(ours[[0, -1]] - theirs[[0, -1]]).max() <= 2
    assert np.abs(ours - theirs).max() <= 15  # straight lines between ten knots
    knots = np.array(diffusion("(m, t) => t.map(m.cividis)", np.linspace(0, 1, 10).tolist()))
    assert np.abs(knots - 255 * mpl.colormaps["cividis"](np.linspace(0, 1, 10))[:, :3]).max() <= 1
    assert diffusion("(m) => [-1, 2].map(m.cividis)") == ours[[0, -1]].tolist()  # clipped
    assert (np.diff(ours @ [0.2126, 0.7152, 0.0722]) > 0).all()  # brighter means more


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0, 10, False, [0, 2, 4, 6, 8, 10]),
        (-1, 1, False, [-1, -0.5, 0, 0.5, 1]),
        (0.01, 10, True, [0.01, 0.1, 1, 10]),
        (0.3, 0.9, True, []),
        (10, 0, False, [0, 2, 4, 6, 8, 10]),  # an axis that runs downwards
    ],
)
def test_ticks_are_round_and_inside(diffusion, low, high, log, expected):
    assert diffusion("ticks", low, high, log, 5) == pytest.approx(expected)


def test_summary_is_mean_and_sd(diffusion):
    values = [1.0, 4.0, 4.0, 9.0]
    assert diffusion("summary", values) == pytest.approx({"mean": np.mean(values), "sd": np.std(values)})


# ---- intervals ----


def test_intervals_hold_the_truth_as_often_as_they_promise(intervals):
    found = intervals("measurements", {"n": 1000, "repeats": 2000, "seed": 1})
    estimate, low, high = (np.array([f[key] for f in found]) for key in ("estimate", "low", "high"))
    holds = ((low <= 1) & (high >= 1)).mean()
    exact = np.diff(stats.chi2(1000).cdf(1000 / (1 + 1.96 * np.sqrt(2 / 1000) * np.array([1, -1]))))[0]
    assert exact == pytest.approx(0.95, abs=0.005)
    assert holds == pytest.approx(exact, abs=4 * np.sqrt(0.05 * 0.95 / 2000))
    assert estimate.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 1000 / 2000))
    assert estimate.std() == pytest.approx(np.sqrt(2 / 1000), rel=0.07)
    assert np.allclose(high - low, 2 * 1.96 * estimate * np.sqrt(2 / 1000))


def test_measuring_again_with_the_same_seed_gives_the_same(intervals):
    one, same, other = (intervals("measurements", {"n": 50, "repeats": 40, "seed": seed}) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert len(one) == 40


def test_every_widget_can_be_drawn(diffusion, intervals):
    for js in (diffusion, intervals):
        assert js("(m) => typeof m.default.render") == "function"


# ---- recorded molecules ----


def test_a_molecule_is_found_by_its_d_and_its_photons(reader):
    molecules = [{"D": D, "photons": n} for n in (800, 300) for D in (5.0, 0.5, 2.0)]
    found = reader("pick", molecules, 2, 1)
    assert found["speeds"] == [0.5, 2.0, 5.0]
    assert found["lights"] == [300, 800]
    assert molecules[found["index"]] == {"D": 2.0, "photons": 300}


def test_windows_are_cut_from_the_bytes_in_order(reader):
    data = [(i // 576) % 256 for i in range(3 * 16 * 576)]
    frames = reader("windows", data, 2)
    assert [frame[0] for frame in frames] == [32 + t for t in range(16)]
    assert {len(frame) for frame in frames} == {576}
