"""Particles: clusters that touch, the yield and the shadow of a sphere in closed form, counting noise, a library."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from helpers.nanoparticles import particles

NAN = float("nan")
RNG = np.random.default_rng(0)


def rng(seed=1):
    return np.random.default_rng(seed)


# ---- clusters ----


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 7), radius=st.floats(1, 50), spread=st.floats(0, 0.2), seed=st.integers(0, 999))
def test_spheres_touch_and_do_not_overlap(n, radius, spread, seed):
    centres, radii = particles.pack(n, radius, spread, rng(seed))
    assert (centres.shape, radii.shape) == ((n, 2), (n,))
    gap = squareform(pdist(centres)) / (radii + radii[:, None]) if n > 1 else np.zeros((1, 1))
    np.fill_diagonal(gap, np.inf)
    assert gap.min() >= 0.95 - 1e-9
    for placed in range(1, n):  # each touches an earlier one: the cluster holds together
        assert np.abs(gap[placed, :placed] - 1).min() < 1e-9
    np.testing.assert_allclose((radii**2) @ centres, 0, atol=1e-9 * radius**3 * n)


def test_radii_and_directions_follow_their_laws():
    generator = rng()
    clusters = [particles.pack(2, 4.5, 0.05, generator) for _ in range(2000)]
    radii = np.array([radii for _, radii in clusters])
    assert radii.mean() == pytest.approx(4.5, abs=5 * 0.05 * 4.5 / np.sqrt(radii.size))
    assert radii.std() / 4.5 == pytest.approx(0.05, rel=0.06)
    assert abs(np.corrcoef(radii.T)[0, 1]) < 0.1
    steps = np.array([centres[1] - centres[0] for centres, _ in clusters])
    directions = np.arctan2(-steps[:, 0], steps[:, 1])
    assert stats.kstest(directions, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


def test_trimers_are_chains_of_every_bend_and_tetramers_branch():
    """The angle at the middle of a trimer is uniform between contact of the outer two and a straight chain."""
    generator = rng()
    bends, branched = [], 0
    for _ in range(1500):
        a, b, c = particles.pack(3, 1, 0, generator)[0]
        middle, *outer = sorted((a, b, c), key=lambda p: sum(np.linalg.norm(p - q) for q in (a, b, c)))
        one, other = (p - middle for p in outer)
        bends.append(np.degrees(np.arccos(np.clip(one @ other / 4, -1, 1))))
        distances = squareform(pdist(particles.pack(4, 1, 0, generator)[0]))
        branched += (np.abs(distances - 2) < 1e-9).sum(axis=0).max() == 3
    closest = 2 * np.degrees(np.arcsin(0.95 / 2))
    assert min(bends) >= closest - 1e-6
    wide = [bend for bend in bends if bend > 62]  # below, all three touch, and the middle one is a matter of rounding
    assert stats.kstest(wide, stats.uniform(62, 118).cdf).pvalue > 1e-3
    assert 0.05 < branched / 1500 < 0.5


@given(n=st.integers(2, 9), angle=st.floats(1, 179), radius=st.floats(0.5, 20))
def test_the_axis_of_a_chain(n, angle, radius):
    """Along the chain the variance is 4 r^2 (n^2 - 1) / 12 + r^2 / 4, across it r^2 / 4."""
    along = 2 * radius * np.arange(n)
    turn = np.radians(angle)
    centres = np.stack([7 - along * np.sin(turn), 3 + along * np.cos(turn)], axis=-1)
    found, anisotropy = particles.inertia(centres, np.full(n, radius))
    chain = (n**2 - 1) / 3
    assert found == pytest.approx(angle, abs=1e-6)
    assert anisotropy == pytest.approx(chain / (chain + 1 / 2), rel=1e-9)


def test_axes_to_the_right_upwards_and_none():
    radii = np.array([2.0, 2.0])
    assert particles.inertia([[5, 3], [5, 7]], radii) == pytest.approx((0, 2 / 3))
    assert particles.inertia([[5, 3], [9, 3]], radii) == pytest.approx((90, 2 / 3))
    assert particles.inertia([[9, 3], [5, 7]], radii)[0] == pytest.approx(45)
    corners = np.exp(2j * np.pi * np.arange(3) / 3)
    assert particles.inertia(np.stack([corners.real, corners.imag], -1), np.ones(3))[1] == pytest.approx(0, abs=1e-12)
    angle, anisotropy = particles.inertia([[4, 4]], [3])
    assert np.isnan(angle)
    assert anisotropy == 0
    heavy = particles.inertia([[0, 0], [0, 4], [3, 4]], [2, 2, 0.1])[0]
    assert min(heavy, 180 - heavy) < 0.5


def test_the_axis_is_that_of_the_pixels_of_gold():
    at = np.arange(160.0)
    for seed in range(5):
        centres, radii = particles.pack(4, 16, 0.05, rng(seed))
        gold, _ = particles.specimen(centres + 79.5, radii, (160, 160))
        mask = gold > 0
        x, y = np.broadcast_to(at, mask.shape)[mask], -np.broadcast_to(at[:, None], mask.shape)[mask]
        values, vectors = np.linalg.eigh(np.cov(x, y))
        angle, anisotropy = particles.inertia(centres, radii)
        difference = angle - np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
        assert abs((difference + 90) % 180 - 90) < 3
        assert anisotropy == pytest.approx((values[1] - values[0]) / values.sum(), abs=0.03)


# ---- the specimen ----


def test_the_yield_of_one_sphere():
    """1 / cos(theta) over the disc, cut at 4: its integral is 2 pi r^2 (1 - 1/4) + 4 pi r^2 / 16 = 7/4 pi r^2."""
    r, size = 60.0, 161
    gold, sky = particles.specimen([[80, 80]], [r], (size, size))
    assert gold.sum() == pytest.approx(7 / 4 * np.pi * r**2, rel=2e-3)
    assert gold[80, 80] == pytest.approx(1, abs=1e-3)
    d = np.arange(55)
    np.testing.assert_allclose(gold[80, 80 + d], 1 / np.sqrt(1 - (d / r) ** 2), rtol=0.01)
    np.testing.assert_allclose(gold, gold.T, rtol=1e-5)
    assert gold.max() == particles.EDGE_LIMIT
    at = np.hypot(*np.meshgrid(np.arange(size) - 80, np.arange(size) - 80))
    assert (gold[at > r + 1] == 0).all()
    assert (sky[at < r - 1] == 0).all()
    assert ((gold > 0) | (sky > 0)).all()


def test_the_sky_beside_one_sphere():
    r = 6.0
    _, sky = particles.specimen([[10, 10]], [r], (21, 120))
    d = np.arange(8, 110)
    np.testing.assert_allclose(sky[10, 10 + d], 1 - (r**2 / (r**2 + d**2)) ** 1.5, rtol=2e-3)
    _, two = particles.specimen([[10, 10], [10, 80]], [r, r], (21, 120))
    d, other = d[:50], 80 - (10 + d[:50])
    shade = sum((r**2 / (r**2 + x**2)) ** 1.5 for x in (d, other))
    np.testing.assert_allclose(two[10, 10 + d], 1 - shade, rtol=2e-3)


@pytest.mark.parametrize("d", [1.0, 1.5, 3.0])
def test_the_shadow_is_the_share_of_lambert_rays_that_hit_a_sphere_on_the_substrate(d):
    """Rays from (d, 0, 0), their density proportional to the cosine with z, against a unit sphere about (0, 0, 1)."""
    n = 200_000
    share, phi = RNG.random(n), RNG.uniform(0, 2 * np.pi, n)
    rays = np.stack([np.sqrt(share) * np.cos(phi), np.sqrt(share) * np.sin(phi), np.sqrt(1 - share)], axis=-1)
    along = rays @ [-d, 0, 1]
    hit = (d**2 + 1 - along**2 <= 1) & (along > 0)
    expected = (1 / (1 + d**2)) ** 1.5
    assert hit.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / n))


def test_the_order_of_spheres_is_no_matter_and_the_upper_one_is_seen():
    centres, radii = np.array([[20.0, 18], [20, 22], [26, 20]]), np.array([6.0, 3, 4])
    one, other = (particles.specimen(centres[order], radii[order], (40, 40)) for order in ([0, 1, 2], [2, 1, 0]))
    np.testing.assert_allclose(one[0], other[0])
    np.testing.assert_allclose(one[1], other[1], atol=1e-6)
    alone, _ = particles.specimen(centres[:1], radii[:1], (40, 40))
    np.testing.assert_allclose(one[0][15:20, 14:20], alone[15:20, 14:20])


def test_specimens_move_by_whole_pixels_and_are_transposed():
    centres, radii = particles.pack(3, 4.5, 0.05, rng())
    gold, sky = particles.specimen(centres + 20, radii, (40, 50))
    moved = particles.specimen(centres + np.array([23, 25]), radii, (40, 50))
    turned = particles.specimen((centres + 20)[:, ::-1], radii, (50, 40))
    for one, two, three in zip((gold, sky), moved, turned, strict=True):
        np.testing.assert_allclose(two[3:, 5:], one[:-3, :-5], atol=0.03)
        np.testing.assert_allclose(three, one.T, atol=1e-6)


# ---- the picture ----


@pytest.mark.parametrize("dose", [0.5, 30.0, 100.0])
def test_counts_have_the_mean_and_variance_of_poisson(dose):
    signal = np.repeat([[0.1], [0.5], [1.0]], 60_000, axis=1)
    seen = particles.expose(signal, dose, rng()).astype(float)
    assert seen.mean(axis=1) == pytest.approx(signal[:, 0], abs=5 * np.sqrt(1 / dose / 60_000))
    np.testing.assert_allclose(seen.var(axis=1), signal[:, 0] / dose, rtol=0.06)
    np.testing.assert_allclose(seen * dose, np.round(seen * dose), atol=1e-4)
    assert (particles.expose(-signal, dose, rng()) == 0).all()


@pytest.fixture(scope="module")
def library():
    return particles.make(rng=rng(2))


def test_the_library_has_the_counts_of_the_original_in_random_order(library):
    images, labels, truth = library
    assert (images.shape, images.dtype, labels.dtype) == ((477, 40, 40), np.float32, np.int64)
    assert 0 <= images.min() < images.max() <= 1
    assert tuple(np.bincount(labels)) == particles.COUNTS == (304, 93, 49, 31)
    np.testing.assert_array_equal(truth.n, labels + 1)
    assert len(set(labels[:60])) == 4
    assert all(len(values) == 477 for values in truth)
    there = np.arange(4) < truth.n[:, None]
    np.testing.assert_array_equal(np.isfinite(truth.radii_px), there)
    np.testing.assert_array_equal(np.isfinite(truth.centres_px).all(axis=2), there)


def test_clusters_of_the_library_follow_their_laws(library):
    _, _, truth = library
    weights = np.nan_to_num(truth.radii_px**2)
    middle = np.einsum("ni,nij->nj", weights, np.nan_to_num(truth.centres_px)) / weights.sum(axis=1)[:, None] - 19.5
    uniform = [(middle[:, axis], -1.5, 1.5) for axis in (0, 1)]
    uniform += [(truth.background, 0.05, 0.30), (truth.dose, 30, 100), (truth.blur_px, 0.5, 1.0)]
    for values, low, high in uniform:
        assert low <= values.min() < values.max() <= high
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert stats.kstest(truth.radius_px, stats.norm(4.5, 0.5).cdf).pvalue > 1e-3
    assert np.abs(truth.radius_px - 4.5).max() <= 1.5
    several = truth.n > 1
    assert np.isnan(truth.angle_deg[~several]).all()
    assert stats.kstest(truth.angle_deg[several], stats.uniform(0, 180).cdf).pvalue > 1e-3
    row = np.flatnonzero(truth.n == 3)[0]
    expected = particles.inertia(truth.centres_px[row, :3], truth.radii_px[row, :3])
    assert (truth.angle_deg[row], truth.anisotropy[row]) == pytest.approx(expected)


def test_gold_lies_where_the_truth_says(library):
    images, _, truth = library
    rows, columns = np.mgrid[:40, :40]
    for row in range(0, 477, 7):
        gold, _ = particles.specimen(
            truth.centres_px[row, : truth.n[row]], truth.radii_px[row, : truth.n[row]], (40, 40)
        )
        assert np.corrcoef(gold.ravel(), images[row].ravel())[0, 1] > 0.5
        bright = images[row] > (images[row][gold > 0].mean() + images[row][gold == 0].mean()) / 2
        weight = bright * (gold > 0)
        centre = [(weight * place).sum() / weight.sum() for place in (rows, columns)]
        radii = np.nan_to_num(truth.radii_px[row])
        expected = np.average(np.nan_to_num(truth.centres_px[row]), axis=0, weights=radii**2)
        inside = (np.abs(truth.centres_px[row, : truth.n[row]] - 19.5).max() + radii.max()) < 20
        if inside:
            assert np.abs(centre - expected).max() < 1.5


def corners(images):
    return np.concatenate([images[:, :9], images[:, -9:]], axis=1)


def settled(**settings):
    fixed = {"radius_px": 3, "radius_sd_px": 0, "offset_px": 0, "blur_px": (0.7, 0.7)} | settings
    return particles.make([300, 0, 0, 0], rng=rng(3), **fixed)[0].astype(float)


def test_the_background_has_its_level_and_its_noise():
    """Along a row far from a sphere: Poisson noise level / dose, the tilt, and the grain that the beam has smoothed."""
    grain = (0.12 * 0.3) ** 2 * 0.8**2 / (0.8**2 + 0.7**2)
    for dose in (20.0, 100.0):
        seen = corners(settled(background=(0.3, 0.3), dose=(dose, dose)))
        assert seen.mean() == pytest.approx(0.3, abs=0.01)  # less what the sphere shadows
        lines = seen.mean(axis=2, keepdims=True)
        within = ((seen - lines) ** 2).mean() * 40 / 39
        assert within == pytest.approx(0.3 / dose + 0.04**2 / 12 + grain, rel=0.05)
    assert corners(settled(background=(0.1, 0.1))).mean() == pytest.approx(0.1, abs=0.01)


def test_line_noise_runs_along_rows_and_the_tilt_along_both():
    seen = settled(background=(0.3, 0.3), dose=(1e5, 1e5))[:, :10]
    jump = np.diff(seen.mean(axis=2), axis=1)
    assert jump.std() == pytest.approx(0.03 * np.sqrt(2), rel=0.1)
    assert np.diff(seen.mean(axis=1), axis=1).std() < 0.01
    right = seen[:, :, 20:].mean(axis=(1, 2)) - seen[:, :, :20].mean(axis=(1, 2))
    assert right.std() == pytest.approx(0.04 * 20 / 39, rel=0.15)


def test_a_wider_beam_flattens_the_rim_and_bright_gold_saturates():
    quiet = {"background": (0.1, 0.1), "dose": (1e5, 1e5), "radius_px": 8}
    sharp, wide = settled(blur_px=(0, 0), **quiet), settled(blur_px=(3, 3), **quiet)
    assert sharp.max() == 1
    assert wide.max() < 0.85
    middle = sharp[:, 19:21, 19:21].mean()
    assert middle == pytest.approx(0.5, abs=0.02)


def test_seeds_sizes_and_numbers():
    one, other = (particles.make(2, rng=rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[2].centres_px, other[2].centres_px)
    assert not np.array_equal(one[0], particles.make(2, rng=rng(6))[0])
    assert not np.array_equal(particles.make(1)[0], particles.make(1)[0])
    images, labels, truth = particles.make((0, 0, 2, 1), size=64, rng=rng(5))
    assert images.shape == (3, 64, 64)
    assert sorted(labels) == [2, 2, 3]
    assert np.abs(np.nanmean(truth.centres_px, axis=1) - 31.5).max() < 4


# ---- the field and its library ----


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_field_is_cut_into_its_clusters(seed):
    field = particles.field(60, 512, rng(seed))
    assert (field.image.shape, field.image.dtype) == ((512, 512), np.float32)
    assert (len(field.centres_px), len(field.labels), len(field.angle_deg)) == (60, 60, 60)
    patches = particles.segment(field.image)
    assert patches.images.shape == (60, 40, 40)
    away = np.linalg.norm(patches.centres_px[:, None] - field.centres_px, axis=2)
    nearest = away.argmin(axis=1)
    assert sorted(nearest) == list(range(60))
    assert away.min(axis=1).max() < 1.2
    assert (np.diff(patches.centres_px[:, 0]) > -40).all()
    for image, centre in zip(patches.images, patches.centres_px, strict=True):
        row, column = np.round(centre - 19.5).astype(int)
        np.testing.assert_array_equal(image, field.image[row : row + 40, column : column + 40])
    assert np.corrcoef(patches.area_px, field.labels[nearest])[0, 1] > 0.85


def test_clusters_of_a_field_keep_out_of_the_squares_of_others():
    field = particles.field(70, 600, rng(5))
    apart = np.abs(field.centres_px[:, None] - field.centres_px).max(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 20 + 4.5 - 1.5
    assert (field.centres_px >= 20).all()
    assert (field.centres_px <= 579).all()
    assert np.isnan(field.angle_deg[field.labels == 0]).all()
    assert ((field.angle_deg[field.labels > 0] >= 0) & (field.angle_deg[field.labels > 0] < 180)).all()
    again = particles.field(70, 600, rng(5))
    np.testing.assert_array_equal(field.image, again.image)
    shares = np.bincount(np.concatenate([particles.field(60, 700, rng(seed)).labels for seed in (6, 7, 8)]))
    assert stats.chisquare(shares, 180 * np.array(particles.COUNTS) / 477).pvalue > 1e-3


def test_a_cluster_at_the_edge_is_left_out_and_an_empty_image_has_none():
    field = particles.field(20, 400, rng(9))
    for cut in (60, 150, 300):
        left = len(particles.segment(field.image[cut:]).images)
        below = field.centres_px[:, 0] - cut
        assert (below > 21.5).sum() <= left <= (below > 17.5).sum() < 20
    assert particles.segment(np.full((90, 80), 0.2)).images.shape == (0, 40, 40)
    assert particles.segment(field.image, min_area_px=1e6).centres_px.shape == (0, 2)
    assert particles.segment(field.image, size=31).images.shape == (20, 31, 31)


# ---- bad input ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: particles.make(0), "n_per_class must be a whole number >= 1"),
        (lambda: particles.make((1, 2, 3)), "n_per_class must be one whole number or 4"),
        (lambda: particles.make((1, 2, 3, -1)), "n_per_class must be a whole number >= 0"),
        (lambda: particles.make((1, 2, 3, 0.5)), "n_per_class must be a whole number"),
        (lambda: particles.make((0, 0, 0, 0)), "n_per_class must ask for at least one image"),
        (lambda: particles.make(1, radius_px=0), "radius_px must be > 0"),
        (lambda: particles.make(1, radius_sd_px=-1), "radius_sd_px must be >= 0"),
        (lambda: particles.make(1, radius_sd_px=1.5), "radius_sd_px must be below a third of radius_px"),
        (lambda: particles.make(1, polydispersity=0.4), "polydispersity must be <= 0.3"),
        (lambda: particles.make(1, background=0.2), r"background must be a pair \(lowest, highest\)"),
        (lambda: particles.make(1, background=(-0.1, 0.2)), "background must be >= 0"),
        (lambda: particles.make(1, dose=(100, 30)), r"dose must be a pair \(lowest, highest\)"),
        (lambda: particles.make(1, dose=(0, 30)), "dose must be > 0"),
        (lambda: particles.make(1, blur_px=(0, NAN)), "blur_px must be finite"),
        (lambda: particles.make(1, offset_px=-1), "offset_px must be >= 0"),
        (lambda: particles.make(1, size=7), "size must be a whole number >= 8"),
        (lambda: particles.pack(0, 4.5), "n must be a whole number >= 1"),
        (lambda: particles.pack(2, -4.5), "radius_px must be > 0"),
        (lambda: particles.inertia(np.zeros((2, 3)), np.ones(2)), r"centres_px must have shape \(n, 2\)"),
        (lambda: particles.inertia(np.zeros((2, 2)), np.ones(3)), r"radii_px must have shape \(2,\)"),
        (lambda: particles.specimen(np.zeros((0, 2)), [], (9, 9)), "radii_px must|centres_px must have shape"),
        (lambda: particles.specimen([[NAN, 0]], [1], (9, 9)), "centres_px must be finite"),
        (lambda: particles.specimen([[0, 0]], [0], (9, 9)), "radii_px must be > 0"),
        (lambda: particles.specimen([[0, 0]], [1], (9, 0)), "shape must be a whole number"),
        (lambda: particles.expose([[0.1]], 0), "dose must be > 0"),
        (lambda: particles.expose([[NAN]], 10), "signal must be finite"),
        (lambda: particles.field(0), "n_clusters must be a whole number"),
        (lambda: particles.field(3, 79), "size must be a whole number >= 80"),
        (lambda: particles.field(40, 100, rng()), "n_clusters must be smaller: 40 clusters find no place in 100 x 100"),
        (lambda: particles.segment(np.zeros((2, 50, 50))), r"field_image must have shape \(H, W\)"),
        (lambda: particles.segment(np.full((50, 50), NAN)), "field_image must be finite"),
        (lambda: particles.segment(np.zeros((50, 50)), size=0), "size must be a whole number"),
        (lambda: particles.segment(np.zeros((50, 50)), smooth_px=-1), "smooth_px must be >= 0"),
        (lambda: particles.segment(np.zeros((50, 50)), min_area_px=NAN), "min_area_px must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
