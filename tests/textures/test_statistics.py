"""Two-point statistics: loops, an independent library, exact identities, borders, masks, gradients."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import graycomatrix

from helpers.textures import generators, media, retrieval, statistics

SHAPES = [(6, 6), (5, 7), (4, 9), (7, 4), (1, 5), (6, 1), (1, 1)]


def rng(seed=0):
    return np.random.default_rng(seed)


def noise(*shape, seed=0):
    return (rng(seed).random(shape) < 0.4).astype(float)


def lags(height, width, periodic):
    """Return the lags (row, column) on the grid of ``two_point``, centred."""
    sides = ((height, width) if periodic else (2 * height - 1, 2 * width - 1),)
    return [np.arange(n) - n // 2 for n in sides[0]]


def loops(m1, m2, periodic=True, mask=None):
    """Return f of single images by the definition, pair after pair."""
    height, width = m1.shape
    seen = np.ones(m1.shape) if mask is None else mask
    rows, columns = lags(height, width, periodic)
    f = np.full((len(rows), len(columns)), np.nan)
    for (i, dy), (j, dx) in itertools.product(enumerate(rows), enumerate(columns)):
        total = pairs = 0
        for y, x in itertools.product(range(height), range(width)):
            to = (y + dy) % height, (x + dx) % width
            inside = periodic or to == (y + dy, x + dx)
            if inside and seen[y, x] and seen[to]:
                total, pairs = total + m1[y, x] * m2[to], pairs + 1
        if pairs:
            f[i, j] = total / pairs
    return f


# ---- the definition ----


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_loops(shape, periodic, masked):
    m1, m2 = rng(1).random((2, *shape))
    mask = noise(*shape, seed=2) if masked else None
    if masked:
        mask[0, 0] = 1
    for other in (None, m2):
        f = statistics.two_point(m1, other, periodic, mask)
        assert f.dtype == np.float64
        np.testing.assert_allclose(f, loops(m1, m1 if other is None else other, periodic, mask), rtol=0, atol=1e-12)


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)), seed=st.integers(0, 999), periodic=st.booleans(),
    masked=st.booleans()
)  # fmt: skip
def test_loops_on_any_shape(shape, seed, periodic, masked):
    m1, m2 = rng(seed).normal(size=(2, *shape))
    mask = noise(*shape, seed=seed) if masked else None
    f = statistics.two_point(m1, m2, periodic, mask)
    np.testing.assert_allclose(f, loops(m1, m2, periodic, mask), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(13, 18), (16, 16)])
def test_the_co_occurrence_matrix_of_another_library(shape):
    m = noise(*shape).astype(np.uint8)
    f = statistics.two_point(m, periodic=False)
    for dy, dx in itertools.product(range(shape[0]), range(shape[1])):
        if dy or dx:  # its angle runs from the columns to the rows
            distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
            theirs = graycomatrix(m, [distance], [angle], levels=2, symmetric=False, normed=True)[1, 1, 0, 0]
            assert f[shape[0] - 1 + dy, shape[1] - 1 + dx] == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("periodic", [True, False])
def test_sign_of_the_lag(periodic):
    m1, m2 = np.zeros((2, 8, 9))
    m1[3, 4] = m2[4, 6] = 1  # m2 lies one row below and two columns right of m1
    f = statistics.two_point(m1, m2, periodic)
    row, column = (side // 2 for side in f.shape)
    assert np.argwhere(f > 1e-9).tolist() == [[row + 1, column + 2]]
    assert f[row + 1, column + 2] == pytest.approx(1 / (8 * 9 if periodic else 7 * 7))


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (8, 5)])
def test_every_lag_stands_once_and_where_it_is_said(shape, periodic):
    m = rng(3).random(shape)
    f, corner = (statistics.two_point(m, periodic=periodic, shift=shift) for shift in (True, False))
    assert f.shape == (shape if periodic else tuple(2 * n - 1 for n in shape))
    np.testing.assert_array_equal(np.fft.ifftshift(f), corner)
    assert not periodic or np.argmax(corner) == 0
    assert corner[0, 0] == pytest.approx((m**2).mean())
    pairs, pairs_corner = (statistics.pair_count(shape, periodic, shift=shift) for shift in (True, False))
    np.testing.assert_array_equal(np.fft.ifftshift(pairs), pairs_corner)
    rows, columns = lags(*shape, periodic)
    away = np.abs(rows)[:, None], np.abs(columns)
    expected = np.full(shape, np.prod(shape)) if periodic else (shape[0] - away[0]) * (shape[1] - away[1])
    np.testing.assert_array_equal(pairs, expected)


# ---- batches, kinds and precisions ----


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("masked", [False, True])
def test_batches_are_answered_image_by_image(periodic, masked):
    m1, m2 = rng(4).random((2, 2, 3, 6, 5))
    mask = noise(6, 5, seed=5) if masked else None
    for other in (None, m2):
        f = statistics.two_point(m1, other, periodic, mask)
        for k in itertools.product(range(2), range(3)):
            one = statistics.two_point(m1[k], None if other is None else other[k], periodic, mask)
            np.testing.assert_allclose(f[k], one, rtol=0, atol=1e-15)
    states = statistics.two_point(m1[0][:, None], m1[0][None], periodic, mask)  # all pairs of three
    assert states.shape[:2] == (3, 3)
    np.testing.assert_allclose(states[1, 2], statistics.two_point(m1[0, 1], m1[0, 2], periodic, mask), atol=1e-15)


@pytest.mark.parametrize("periodic", [True, False])
def test_large_batches_go_in_parts(periodic, monkeypatch):
    m1, m2 = rng(5).random((2, 3, 5, 6, 7))
    whole = [statistics.two_point(m1, other, periodic) for other in (None, m2)]
    gradients = []
    for part in (2**18, 4 * 6 * 7):
        monkeypatch.setattr(statistics, "_PART_PX", part)
        x = torch.from_numpy(m1).requires_grad_()
        found = statistics.two_point(x, torch.from_numpy(m2), periodic)
        gradients.append(torch.autograd.grad(found.square().sum(), x)[0].numpy())
        np.testing.assert_allclose(found.detach(), whole[1], rtol=0, atol=1e-14)
        np.testing.assert_allclose(statistics.two_point(m1, None, periodic), whole[0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(gradients[1], gradients[0], atol=1e-13)


@pytest.mark.parametrize("periodic", [True, False])
def test_arrays_and_tensors_agree(periodic):
    m1, m2 = rng(6).random((2, 3, 9, 8))
    mask = noise(9, 8, seed=7)
    f = statistics.two_point(m1, m2, periodic, mask)
    single, double = (
        statistics.two_point(*(torch.tensor(m, dtype=kind) for m in (m1, m2)), periodic, torch.tensor(mask))
        for kind in (torch.float32, torch.float64)
    )
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    np.testing.assert_allclose(double, f, rtol=0, atol=1e-14)
    np.testing.assert_allclose(single, f, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "kind", [torch.float16, torch.bfloat16, torch.uint8, torch.int64, torch.bool, np.uint8, np.float16, bool, "lists"]
)
def test_other_kinds_of_numbers(kind):
    m = noise(2, 6, 7)
    given = m.tolist() if kind == "lists" else m.astype(kind) if isinstance(kind, type) else torch.tensor(m).to(kind)
    f = statistics.two_point(given, mask=np.ones((6, 7), bool))
    assert f.dtype == (torch.float32 if isinstance(given, torch.Tensor) else np.float64)
    np.testing.assert_allclose(f, statistics.two_point(m), rtol=0, atol=1e-6)
    np.testing.assert_allclose(statistics.volume_fraction(given), m.mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(statistics.amplitude(given), np.abs(np.fft.rfft2(m)), atol=1e-5)


def test_float32_is_near_float64():
    m = generators.lines(4, 128, rng=rng())[0]
    single, double = (statistics.two_point(torch.from_numpy(m).to(kind)) for kind in (torch.float32, torch.float64))
    assert (single - double).abs().max() < 3e-7


# ---- identities ----


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(2, 12), st.integers(2, 12)),
    share=st.floats(0, 1),
    seed=st.integers(0, 999),
)
def test_identities_of_a_binary_image(shape, share, seed):
    m = (rng(seed).random(shape) < share).astype(float)
    f, vf = statistics.two_point(m), statistics.volume_fraction(m)
    centre = shape[0] // 2, shape[1] // 2
    assert f[centre] == pytest.approx(vf, abs=1e-12)
    assert f.mean() == pytest.approx(vf**2, abs=1e-12)
    assert f.max() <= f[centre] + 1e-12
    assert f.min() >= max(0, 2 * vf - 1) - 1e-12
    np.testing.assert_allclose(f, np.roll(f[::-1, ::-1], (1 - shape[0] % 2, 1 - shape[1] % 2), (0, 1)), atol=1e-12)
    zero, along_x, along_y = statistics.three_lags(f)
    assert zero - along_x == pytest.approx((m != np.roll(m, 1, 1)).mean() / 2, abs=1e-12)
    assert zero - along_y == pytest.approx((m != np.roll(m, 1, 0)).mean() / 2, abs=1e-12)
    moved = np.roll(m, (3, 5), (0, 1))
    for same in (moved, m[::-1, ::-1]):
        np.testing.assert_allclose(statistics.two_point(same), f, atol=1e-12)


def three_states(height, width, seed=0):
    state = rng(seed).choice(3, (height, width), p=(0.5, 0.3, 0.2))
    return np.stack([state == h for h in range(3)]).astype(float)


@pytest.mark.parametrize("shape", [(9, 11), (8, 12), (16, 16)])
def test_identities_of_three_states(shape):
    m = three_states(*shape)
    f = statistics.two_point(m[:, None], m[None])  # (3, 3, H, W)
    vf = statistics.volume_fraction(m)
    expected = np.broadcast_to(vf[:, None, None], (3, *shape))
    np.testing.assert_allclose(f.sum(1), expected, atol=1e-12)
    np.testing.assert_allclose(f.sum(0), expected, atol=1e-12)
    np.testing.assert_allclose(f.sum((0, 1)), 1, atol=1e-12)
    np.testing.assert_allclose(f.mean((2, 3)), np.outer(vf, vf), atol=1e-12)
    turned = np.roll(f[..., ::-1, ::-1], (1 - shape[0] % 2, 1 - shape[1] % 2), (2, 3))
    np.testing.assert_allclose(f, turned.swapaxes(0, 1), atol=1e-12)
    assert np.abs(f[0, 1] - f[1, 0]).max() > 1e-3  # a cross-correlation is not even
    F = np.fft.fft2(np.fft.ifftshift(f, axes=(2, 3)))
    np.testing.assert_allclose(F[1, 2], F[0, 1].conj() * F[0, 2] / F[0, 0], atol=1e-9)  # the others follow from a row


def test_not_periodic_cross_correlations_are_point_symmetric_too():
    a, b = rng(8).random((2, 6, 9))
    one, other = statistics.two_point(a, b, periodic=False), statistics.two_point(b, a, periodic=False)
    np.testing.assert_allclose(one, other[::-1, ::-1], atol=1e-12)


def test_two_states_have_one_independent_function():
    m0 = noise(12, 15)
    f00, f01, f11 = (statistics.two_point(a, b) for a, b in ((m0, m0), (m0, 1 - m0), (1 - m0, 1 - m0)))
    np.testing.assert_allclose(f01, m0.mean() - f00, atol=1e-12)
    np.testing.assert_allclose(f11, 1 - 2 * m0.mean() + f00, atol=1e-12)


@pytest.mark.parametrize("shape", [(9, 11), (8, 12), (3, 10, 7)])
def test_amplitude_and_autocorrelation_say_the_same(shape):
    m = rng(9).random(shape)
    f, A = statistics.two_point(m, shift=False), statistics.amplitude(m)
    assert A.shape == (*shape[:-1], shape[-1] // 2 + 1)
    pixels = shape[-2] * shape[-1]
    np.testing.assert_allclose(np.fft.rfft2(f) * pixels, A**2, atol=1e-9)
    np.testing.assert_allclose(A[..., 0, 0], m.sum((-2, -1)), atol=1e-9)
    whole = np.abs(np.fft.fft2(m))
    np.testing.assert_allclose((f**2).sum((-2, -1)), (whole**4).sum((-2, -1)) / pixels**3, rtol=1e-12)  # Parseval
    np.testing.assert_allclose((whole**2).sum((-2, -1)) / pixels, (m**2).sum((-2, -1)), rtol=1e-12)


# ---- masks ----


def test_a_mask_of_ones_changes_nothing_and_what_is_not_seen_does_not_count():
    m = rng(10).random((7, 8))
    for periodic in (True, False):
        f = statistics.two_point(m, periodic=periodic, mask=np.ones((7, 8)))
        np.testing.assert_allclose(f, statistics.two_point(m, periodic=periodic), atol=1e-12)
        mask = noise(7, 8, seed=11)
        one, other = (statistics.two_point(x, periodic=periodic, mask=mask) for x in (m, m + 5 * (1 - mask)))
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_lags_without_pairs_are_nan():
    mask = np.zeros((6, 8))
    mask[2:4, 3:6] = 1
    for kind in (np.asarray, torch.from_numpy):
        f = np.asarray(statistics.two_point(kind(np.ones((6, 8))), periodic=False, mask=mask))
        pairs = statistics.pair_count((6, 8), False, mask)
        assert np.isnan(f).tolist() == (pairs == 0).tolist()
        rows, columns = lags(6, 8, False)
        assert (pairs > 0).tolist() == ((np.abs(rows) < 2)[:, None] & (np.abs(columns) < 3)).tolist()
        np.testing.assert_allclose(f[pairs > 0], 1, atol=1e-12)
    assert not np.isnan(statistics.two_point(np.ones((6, 8)), periodic=False)).any()
    assert np.isnan(statistics.two_point(np.ones((6, 8)), mask=np.zeros((6, 8)))).all()


# ---- gradients ----


@pytest.mark.parametrize("periodic", [True, False])
def test_gradients(periodic):
    m1, m2 = (torch.from_numpy(m).requires_grad_() for m in rng(12).random((2, 2, 4, 5)))
    mask = np.ones((4, 5))
    mask[1, 2:] = 0
    assert torch.autograd.gradcheck(lambda m: statistics.two_point(m, periodic=periodic), m1)
    assert torch.autograd.gradcheck(lambda a, b: statistics.two_point(a, b, periodic=periodic), (m1, m2))
    assert torch.autograd.gradcheck(lambda m: statistics.two_point(m, mask=mask), m1)
    for function in (statistics.amplitude, statistics.volume_fraction):
        assert torch.autograd.gradcheck(function, m1)
    for function in (statistics.specific_surface, statistics.count_lines):
        assert torch.autograd.gradcheck(lambda m: function(statistics.two_point(m)), m1)  # noqa: B023


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("periodic", [True, False])
def test_gradients_of_flat_images_are_finite(value, periodic):
    m = torch.full((2, 8, 8), value, requires_grad=True)
    mask = np.zeros((8, 8))
    mask[:3] = 1
    f, seen = statistics.two_point(m, periodic=periodic), statistics.two_point(m, periodic=periodic, mask=mask)
    parts = [f.sum(), statistics.amplitude(m).sum(), seen.nansum()]
    parts += [statistics.count_lines(f).sum(), statistics.specific_surface(f).sum()]
    for part in parts:
        assert torch.autograd.grad(part, m, retain_graph=True)[0].isfinite().all()


# ---- numbers read from f ----


def test_radial_average_by_hand():
    f = np.arange(25.0).reshape(5, 5)
    lag, mean = statistics.radial_average(f)
    assert mean[0] == 12
    assert lag[0] == 0
    np.testing.assert_allclose(mean[1], np.mean([6, 7, 8, 11, 13, 16, 17, 18]))  # |r| = 1 and sqrt 2 < 3/2
    np.testing.assert_allclose(lag[1], (1 + np.sqrt(2)) / 2)
    assert len(mean) == 3
    np.testing.assert_allclose(lag[2], (4 * 2 + 8 * np.sqrt(5)) / 12)  # sqrt 8 lies in the next ring
    pairs = np.ones((5, 5))
    pairs[1, 2], f[3, 2] = 3, np.nan
    weighted = statistics.radial_average(f, pairs)[1]
    np.testing.assert_allclose(weighted[1], np.average([6, 7, 8, 11, 13, 16, 18], weights=[1, 3, 1, 1, 1, 1, 1]))


@given(height=st.integers(1, 12), width=st.integers(1, 12))
def test_rings_lie_in_the_grid_and_are_point_symmetric(height, width):
    rows, columns = lags(height, width, True)
    distance = np.hypot(rows[:, None], columns)
    lag, mean = statistics.radial_average(distance)
    assert len(lag) == (min(height, width) - 1) // 2 + 1
    np.testing.assert_allclose(lag, mean)
    assert (np.abs(lag - np.arange(len(lag))) <= 0.5).all()
    odd = statistics.radial_average(rows[:, None] + 0.3 * columns)[1]
    np.testing.assert_allclose(odd, 0, atol=1e-12)
    empty = statistics.radial_average(np.full((height, width), np.nan))
    assert np.isnan(empty).all()


def test_radial_average_of_a_tensor_that_needs_a_gradient():
    f = statistics.two_point(torch.rand((8, 8), generator=torch.Generator().manual_seed(0), requires_grad=True))
    np.testing.assert_allclose(statistics.radial_average(f)[1], statistics.radial_average(f.detach().numpy())[1])


def test_specific_surface_of_one_disc():
    """Rows and columns count the border of a disc as 8 R; pi / 4 of it is the circumference."""
    size, radius = 128, 30.3
    at = np.arange(size) - size / 2 + 0.2
    disc = (np.hypot(at[:, None], at) < radius).astype(float)
    found = statistics.specific_surface(statistics.two_point(disc))
    assert found == pytest.approx(2 * np.pi * radius / size**2, rel=0.02)


def test_specific_surface_of_random_media():
    """Discs: s = 2 phi rho pi R; a Gaussian field cut at its median: s = 1 / 2 l, less what the pixels cut off."""
    phi, radius = 0.5, 12
    images = generators.overlapping_discs(12, 256, radius, phi, rng(13))
    found = statistics.specific_surface(statistics.two_point(images))
    error = found.std(ddof=1) / np.sqrt(12)
    curved = np.pi * (media.discs(0, radius, phi) - media.discs(1, radius, phi))
    assert found.mean() == pytest.approx(2 * phi * -np.log(phi) / radius, rel=0.03, abs=4 * error)
    assert found.mean() == pytest.approx(curved, abs=4 * error)
    assert 4 * error < 0.1 * curved
    images = generators.gaussian_field(12, 256, 8, rng=rng(14))
    found = statistics.specific_surface(statistics.two_point(images))
    error = found.std(ddof=1) / np.sqrt(12)
    assert found.mean() == pytest.approx(1 / 16, abs=4 * error + 0.01 / 16)
    assert 4 * error < 0.1 / 16


def rectangles(sides, size=64):
    """Return an image of rectangles (height, width), none of which touch."""
    image, row = np.zeros((size, size)), 1
    for height, width in sides:
        image[row : row + height, 3 : 3 + width] = 1
        row += height + 1
    return image


def counted(sides):
    return statistics.count_lines(statistics.two_point(rectangles(sides)))


@settings(max_examples=40)
@given(same=st.integers(1, 8), other=st.lists(st.integers(1, 8), min_size=1, max_size=6))
def test_lines_are_counted_exactly_if_all_share_thickness_or_length(same, other):
    assert counted([(same, width) for width in other]) == pytest.approx(len(other), rel=1e-9)
    assert counted([(height, same) for height in other]) == pytest.approx(len(other), rel=1e-9)


@settings(max_examples=40)
@given(sides=st.lists(st.tuples(st.integers(1, 8), st.integers(1, 30)), min_size=1, max_size=6))
def test_lines_are_else_counted_too_low_or_too_high_by_their_covariance(sides):
    h, w = np.array(sides).T
    expected = len(sides) * (1 - np.cov(h, w, ddof=0)[0, 1] / (h * w).mean()) if len(sides) > 1 else 1
    assert counted(sides) == pytest.approx(expected, rel=1e-9)
    assert counted([(2, 10), (5, 30)]) < 2 < counted([(5, 10), (2, 30)])
    assert counted([(2, 10), (2, 30), (5, 10), (5, 30)]) == pytest.approx(4)  # not alike, but not correlated


def test_nothing_has_no_lines_and_batches_are_counted_one_by_one():
    assert counted([]) == 0
    images = np.stack([rectangles([(2, 9)] * n) for n in range(5)])
    np.testing.assert_allclose(statistics.count_lines(statistics.two_point(images)), range(5), atol=1e-9)
    found = statistics.count_lines(statistics.two_point(torch.from_numpy(images)))
    np.testing.assert_allclose(found, range(5), atol=1e-9)


def test_most_line_images_are_counted_by_three_lags():
    images, truth = generators.lines(400, 64, rng=rng(15))
    found = np.round(statistics.count_lines(statistics.two_point(images)))
    assert (found == truth.count).mean() > 0.6
    assert (found[truth.count == 1] == 1).all()


# ---- straight paths ----


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 9)), axis=st.sampled_from([0, 1, -1, -2]), seed=st.integers(0, 99)
)
def test_paths_and_chords_by_brute_force(shape, axis, seed):
    m = (rng(seed).random(shape) < 0.6).astype(int)
    rows = m if axis in (1, -1) else m.T
    width = rows.shape[1]
    expected = [np.mean([row[k : k + z + 1].all() for row in rows for k in range(width - z)]) for z in range(width)]
    np.testing.assert_allclose(statistics.lineal_path(m, axis), expected, atol=1e-12)
    chords = []
    for row in rows:
        runs = [(key, list(group)) for key, group in itertools.groupby(row)]
        chords += [len(group) for key, group in runs[1:-1] if key]
    assert statistics.chord_lengths(m, axis).tolist() == chords


def test_paths_of_a_batch_and_of_flat_images():
    m = noise(3, 6, 8).astype(bool)
    each = [statistics.lineal_path(torch.from_numpy(image)) for image in m]
    np.testing.assert_allclose(statistics.lineal_path(m), np.mean(each, axis=0))
    assert statistics.lineal_path(m)[0] == m.mean()
    np.testing.assert_array_equal(statistics.lineal_path(np.ones((4, 5))), 1)
    np.testing.assert_array_equal(statistics.lineal_path(np.zeros((4, 5)).tolist()), 0)
    assert statistics.chord_lengths(np.ones((4, 5))).size == 0
    assert statistics.chord_lengths([[0, 1, 1, 0, 1]]).tolist() == [2]


@pytest.mark.parametrize("axis", [-1, -2])
def test_paths_and_chords_in_the_void_between_discs(axis):
    phi, radius = 0.6, 8
    images = generators.overlapping_discs(16, 256, radius, phi, rng(16))
    each = np.array([statistics.lineal_path(image, axis)[:40] for image in images])
    error = each.std(0, ddof=1) / 4
    # a disc may slip between the pixels of a path: 1 % more paths
    expected = media.discs_lineal_path(np.arange(40), radius, phi)
    assert (np.abs(each.mean(0) - expected) < 4 * error + 0.01 * expected).all()
    assert error.max() < 0.02
    # in whole pixels chords are geometric; one of length z lies in 256 pixels, free of the border, in 255 - z ways
    z = np.arange(1, 255)
    weight = np.exp(-2 * radius * -np.log(phi) / (np.pi * radius**2) * z) * (255 - z)
    assert statistics.chord_lengths(images, axis).mean() == pytest.approx(np.average(z, weights=weight), rel=0.06)


# ---- refusal ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: statistics.two_point(np.ones(5)), "m1 must have shape"),
        (lambda: statistics.two_point(np.ones((3, 0))), "m1 must have shape"),
        (lambda: statistics.two_point(np.ones((1, 1)) * 1j), "m1 must be a number or an array of numbers"),
        (lambda: statistics.two_point(torch.ones((3, 3)) * 1j), "m1 must be real"),
        (lambda: statistics.two_point([["a"]]), "m1 must be a number or an array of numbers"),
        (lambda: statistics.two_point([[1, np.nan]]), "m1 must be finite"),
        (lambda: statistics.two_point(np.ones((3, 3)), np.ones((3, 4))), "m1 and m2 must have the same rows"),
        (lambda: statistics.two_point(np.ones((2, 3, 3)), np.ones((4, 3, 3))), "m1 and m2 must have batches"),
        (lambda: statistics.two_point(np.ones((3, 3)), torch.ones((3, 3))), "m1 and m2 must both be"),
        (lambda: statistics.two_point(np.ones((3, 3)), mask=np.ones((3, 4))), "mask must have shape"),
        (lambda: statistics.two_point(np.ones((3, 3)), mask=np.full((3, 3), 0.5)), "mask must have shape"),
        (lambda: statistics.pair_count(5), "size must be"),
        (lambda: statistics.pair_count((5, 0)), "size must be a whole number"),
        (lambda: statistics.pair_count((5, 5, 5)), "size must be"),
        (lambda: statistics.amplitude(np.ones(4)), "m must have shape"),
        (lambda: statistics.volume_fraction(np.ones(4)), "m must have shape"),
        (lambda: statistics.three_lags(np.ones(4)), "f must have shape"),
        (lambda: statistics.count_lines([[1.0]]), "f must have shape"),
        (lambda: statistics.radial_average(np.ones((2, 3, 3))), "f must have shape"),
        (lambda: statistics.radial_average(np.ones((3, 3)), np.ones((3, 4))), "pairs must have the shape of f"),
        (lambda: statistics.radial_average(np.ones((3, 3)), -np.ones((3, 3))), "pairs must be >= 0"),
        (lambda: statistics.chord_lengths([0, 2]), "m must be an image that holds only 0 and 1"),
        (lambda: statistics.chord_lengths([0, np.nan]), "m must be finite"),
        (lambda: statistics.lineal_path(np.ones((0, 3))), "m must be an image"),
        (lambda: statistics.lineal_path(np.ones((2, 3)), axis=2), "axis must be one of the 2 axes"),
        (lambda: statistics.lineal_path(np.ones((2, 3)), axis=-3), "axis must be a whole number >= -2"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)


def test_retrieval_is_reached_from_here():
    assert statistics.retrieve is retrieval.retrieve
