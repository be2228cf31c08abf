"""Movies: photons are conserved, blur and noise follow their formulas, and every movie has its own random stream."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from helpers.molecules import brownian, camera, movies


def naive(tracks_px, photons, sigma, n):
    """Expected photons, pixel by pixel in float64; positions in edge coordinates, (T, n_sub, 2)."""
    edges = np.arange(n + 1)
    images = np.zeros((len(tracks_px), n, n))
    for t, frame in enumerate(tracks_px):
        for y, x in frame:
            in_y, in_x = (np.diff(special.erf((edges - p) / (np.sqrt(2) * sigma))) / 2 for p in (y, x))
            for i in range(n):
                for j in range(n):
                    images[t, i, j] += photons / len(frame) * in_y[i] * in_x[j]
    return images


def still(*yx_um, n_sub=1):
    return np.broadcast_to(np.array(yx_um, dtype=float), (1, n_sub, 2))


def test_photons_are_conserved_and_the_central_pixel_holds_its_share():
    image = movies.render(still(0.05, 0.05), 1000.0, psf_sigma_um=0.1)[0]  # centre of pixel (32, 32), sigma = 1 px
    assert image.sum() == pytest.approx(1000, rel=1e-4)
    assert image[32, 32] / 1000 == pytest.approx(0.14663, abs=1e-4)
    assert np.unravel_index(image.argmax(), image.shape) == (32, 32)


def test_the_centre_of_the_field_lies_between_two_pixels():
    image = movies.render(still(0.0, 0.0), 1.0, psf_sigma_um=0.1)[0]
    np.testing.assert_allclose(image, image[::-1, ::-1], atol=1e-7)
    assert image[31, 31] == image.max()


@pytest.mark.parametrize("sigma_px", [0.8, 1.0, 2.5])
def test_variance_of_an_image_is_that_of_the_psf_plus_that_of_the_pixel(sigma_px):
    image = movies.render(still(0.013, -0.027), 1.0, psf_sigma_um=0.1 * sigma_px)[0].astype(float)
    i = np.arange(64) + 0.5
    for axis, position in ((1, 32.13), (0, 31.73)):
        profile = image.sum(axis=axis)
        mean = (profile * i).sum()
        assert mean == pytest.approx(position, abs=2e-4)
        assert (profile * (i - mean) ** 2).sum() == pytest.approx(sigma_px**2 + 1 / 12, rel=2e-3)


def test_render_agrees_with_a_loop_over_pixels():
    rng = np.random.default_rng(1)
    tracks = brownian.simulate_tracks(4.0, 2, n_frames=2, n_sub=4, rng=rng)
    start = np.array([[0.3, -0.2], [1.4, 0.1]])
    fast = movies.render(tracks, 700.0, 0.13, pixel_um=0.1, n_pixels=24, start_um=start)
    for k in range(2):
        slow = naive((tracks[k] + start[k]) / 0.1 + 12, 700.0, 1.3, 24)
        np.testing.assert_allclose(fast[k], slow, atol=700 * 1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(-9, 9), st.integers(-9, 9))
def test_turning_mirroring_and_shifting_the_path_does_so_to_the_image(seed, dy, dx):
    track = brownian.simulate_tracks(2.0, 1, n_frames=2, n_sub=3, rng=np.random.default_rng(seed))[0].clip(-1, 1)
    image = movies.render(track, 100.0, 0.1)
    turned = np.stack([track[..., 1], -track[..., 0]], axis=-1)
    np.testing.assert_allclose(movies.render(turned, 100.0, 0.1), np.rot90(image, -1, axes=(1, 2)), atol=2e-4)
    np.testing.assert_allclose(movies.render(track * [-1, 1], 100.0, 0.1), image[:, ::-1], atol=2e-4)
    shifted = movies.render(track, 100.0, 0.1, start_um=(0.1 * dy, 0.1 * dx))
    np.testing.assert_allclose(shifted, np.roll(image, (dy, dx), axis=(1, 2)), atol=2e-4)


def test_light_outside_the_field_is_lost_and_does_not_wrap():
    at_edge = movies.render(still(3.2, 0.0), 100.0, 0.1)[0]
    assert at_edge.sum() == pytest.approx(50, rel=1e-3)
    assert at_edge[:32].sum() == 0
    assert movies.render(still(5.0, 0.0), 100.0, 0.1).sum() == 0


def test_frame_means_move_as_theory_says():
    n, D, dt = 10, 2.0, 0.01
    tracks = brownian.simulate_tracks(D, 4000, n_frames=16, dt_s=dt, n_sub=n, rng=np.random.default_rng(2))
    steps = np.diff(brownian.frame_positions(tracks), axis=1)
    assert steps.var() == pytest.approx(2 * D * dt * (2 * n**2 + 1) / (3 * n**2), rel=0.015)


def test_brightness_per_movie_and_per_frame_and_a_batch_in_front():
    tracks = np.zeros((2, 3, 4, 5, 2))
    per_movie = np.arange(1.0, 7.0).reshape(2, 3)
    images = movies.render(tracks, per_movie, 0.1)
    assert images.shape == (2, 3, 4, 64, 64)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images.sum(axis=(-2, -1)), np.repeat(per_movie[..., None], 4, axis=-1), rtol=1e-4)
    bleaching = np.array([4.0, 3.0, 2.0, 1.0])
    np.testing.assert_allclose(movies.render(tracks[0, 0], bleaching, 0.1).sum(axis=(-2, -1)), bleaching, rtol=1e-4)


NOISES = [
    dict(background=9.0),
    dict(background=0.3, read_noise=1.2),
    dict(background=9.0, read_noise=1.2),
    dict(background=4.0, em=True),
    dict(background=4.0, read_noise=0.7, em=True),
    dict(background=300.0, read_noise=3.0, em=True),
]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("light", [0.0, 0.02, 25.0])
def test_mean_and_variance_of_the_noise(noise, light, exact):
    expected = np.full((8, 128, 128), light, dtype=np.float32)
    counts = movies.add_noise(
        expected, **noise, gain=3.0, offset=100.0, exact=exact, rng=np.random.default_rng(3)
    ).astype(float)
    electrons = (counts - 100) / 3
    mean = light + noise["background"]
    variance = (2 if noise.get("em") else 1) * mean + noise.get("read_noise", 0) ** 2
    assert electrons.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / counts.size))
    kurtosis = stats.kurtosis(electrons, axis=None)
    assert electrons.var() == pytest.approx(variance, rel=4 * np.sqrt((kurtosis + 2) / counts.size) + 1e-3)


@pytest.mark.parametrize("noise", [noise for noise in NOISES if noise.get("read_noise") or not noise.get("em")])
def test_the_table_has_the_exact_distribution(noise):
    expected = np.zeros((4, 128, 128), dtype=np.float32)
    expected[2:] = 3.0
    draws = [movies.add_noise(expected, **noise, exact=e, rng=np.random.default_rng(4 + e)) for e in (True, False)]
    for part in (slice(0, 2), slice(2, 4)):
        assert stats.ks_2samp(draws[0][part].ravel(), draws[1][part].ravel()).pvalue > 1e-3


def test_poisson_counts_follow_the_poisson_law():
    for rate in (0.2, 9.0, 400.0):
        counts = movies.add_noise(np.zeros((512, 512)), background=rate, rng=np.random.default_rng(5))
        values, seen = np.unique(counts, return_counts=True)
        wanted = counts.size * stats.poisson.pmf(values, rate)
        enough = wanted > 20
        chi2 = ((seen - wanted) ** 2 / wanted)[enough].sum()
        assert chi2 < stats.chi2.ppf(0.999, enough.sum())


@pytest.mark.parametrize("rates", [(0.004, 0.02), (0.02, 0.3), (0.05, 9.0)])
def test_faint_and_bright_pixels_are_independent_poisson(rates):
    signal = np.tile(np.array(rates, dtype=np.float32), (300_000, 1))
    lit, counts = camera.poisson_where_lit(signal, np.random.default_rng(6))
    counts = counts.reshape(signal.shape)
    assert len(lit) == signal.size
    for rate, seen in zip(rates, counts.T, strict=True):
        assert seen.mean() == pytest.approx(rate, abs=4 * np.sqrt(rate / len(signal)))
        assert seen.var() == pytest.approx(rate, rel=4 * np.sqrt((2 + 1 / rate) / len(signal)))
    assert abs(np.corrcoef(counts.T)[0, 1]) < 5 / np.sqrt(len(signal))


@pytest.mark.parametrize("exact", [True, False])
def test_the_noise_of_a_pixel_does_not_depend_on_other_pixels(exact):
    dark, lit = np.zeros((400, 8, 8), dtype=np.float32), np.zeros((400, 8, 8), dtype=np.float32)
    lit[:, 3, 3] = 5000.0
    noise = dict(background=5.0, read_noise=1.0, exact=exact)
    one, other = (movies.add_noise(image, **noise, rng=np.random.default_rng(7)) for image in (dark, lit))
    mask = np.ones((8, 8), dtype=bool)
    mask[3, 3] = False
    assert np.array_equal(one[:, mask], other[:, mask])
    assert abs(np.corrcoef(other[:, 3, 3], other[:, 3, 4])[0, 1]) < 0.2


def test_background_and_read_noise_may_vary_over_the_sensor():
    background = np.array([[1.0, 10.0], [100.0, 2e5]])
    counts = movies.add_noise(
        np.zeros((20_000, 2, 2)), background=background, read_noise=background / 10, rng=np.random.default_rng(10)
    )
    np.testing.assert_allclose(counts.mean(axis=0), background, rtol=0.03)
    np.testing.assert_allclose(counts.var(axis=0), background + background**2 / 100, rtol=0.08)
    with pytest.raises(ValueError, match="background must be one number"):
        movies.add_noise(np.zeros((3, 2, 2)), background=background, exact=False)
    with pytest.raises(ValueError, match="read_noise must be one number"):
        movies.add_noise(np.zeros((3, 2, 2)), read_noise=background, exact=False)


@pytest.mark.parametrize("exact", [True, False])
def test_the_same_movies_for_any_batch_split(exact):
    D = np.linspace(1, 20, 9)
    settings = dict(n_frames=3, read_noise=1.0, exact=exact, brightness_spread=0.3, start_spread_um=0.05, offset=100.0)
    whole = movies.simulate(D, 9, rng=np.random.default_rng(8), **settings)
    for size in (1, 4, 9):
        parts = list(movies.stream(D, 9, batch_size=size, rng=np.random.default_rng(8), **settings))
        for name in ("images", "tracks_um", "D_um2_s", "photons"):
            assert np.array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
    assert np.array_equal(movies.simulate(D[:4], 4, rng=np.random.default_rng(8), **settings).images, whole.images[:4])
    assert not np.array_equal(whole.images[0], whole.images[1])


def test_settings_reach_the_movies():
    spread = movies.simulate(
        0.01, 400, n_frames=1, n_sub=2, photons=300.0, brightness_spread=0.3, start_spread_um=0.4, n_pixels=16,
        background=0.0, gain=2.0, offset=50.0, rng=np.random.default_rng(9),
    )  # fmt: skip
    assert spread.images.shape == (400, 1, 16, 16)
    assert spread.photons.mean() == pytest.approx(300, rel=0.05)
    assert spread.photons.std() / spread.photons.mean() == pytest.approx(0.3, rel=0.15)
    assert spread.tracks_um.std() == pytest.approx(0.4 / np.sqrt(3), rel=0.1)
    light = ((spread.images - 50) / 2).sum(axis=(1, 2, 3))
    assert np.corrcoef(light, spread.photons)[0, 1] > 0.95


def test_memory_of_a_stream_does_not_grow():
    def peak(n):
        tracemalloc.start()
        for batch in movies.stream(5.0, n, batch_size=8, n_frames=4, n_pixels=32, rng=np.random.default_rng(0)):
            assert len(batch) == 8
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(16)
    assert peak(400) < 1.1 * peak(40)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(tracks_um=np.zeros((3, 2))), "tracks_um must have shape"),
        (dict(tracks_um=np.full((1, 2, 2), np.nan)), "tracks_um must be finite"),
        (dict(photons=-1.0), "photons must be >= 0"),
        (dict(photons=[1.0, 2.0]), "photons must be one number"),
        (dict(psf_sigma_um=0.0), "psf_sigma_um must be > 0"),
        (dict(pixel_um=-1.0), "pixel_um must be > 0"),
        (dict(n_pixels=1.5), "n_pixels must be a whole number"),
        (dict(start_um=(1.0, 2.0, 3.0)), "start_um must be one pair"),
    ],
)
def test_render_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        movies.render(**{"tracks_um": np.zeros((1, 2, 2)), "photons": 1.0, "psf_sigma_um": 0.1, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(expected=[[-1.0]]), "expected must be >= 0"),
        (dict(expected=[[np.nan]]), "expected must be finite"),
        (dict(background=-1.0), "background must be >= 0"),
        (dict(background=np.ones(3)), "background has shape"),
        (dict(gain=0.0), "gain must be > 0"),
        (dict(offset=np.inf), "offset must be finite"),
        (dict(read_noise=-0.1), "read_noise must be >= 0"),
        (dict(background=1e6, exact=False), "background must be <= 10000"),
    ],
)
def test_add_noise_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        movies.add_noise(**{"expected": np.zeros((4, 4)), **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(D_um2_s=0.0), "D_um2_s must be > 0"),
        (dict(D_um2_s=[1.0, 2.0, 3.0]), "D_um2_s must be one number or one per movie"),
        (dict(n_movies=0), "n_movies must be a whole number"),
        (dict(photon=5.0), "unknown setting 'photon'"),
        (dict(background=[1.0, 2.0]), "background must be one number"),
        (dict(dt_s=-1.0), "dt_s must be > 0"),
        (dict(em=2), "em must be one of"),
    ],
)
def test_simulate_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        movies.simulate(**{"D_um2_s": 1.0, "n_movies": 2, **change})
