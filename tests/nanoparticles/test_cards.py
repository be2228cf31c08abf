"""Cards: areas, moments and symmetries of the suits against closed forms, and the disorder against its law."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers.nanoparticles import cards

NAN = float("nan")
EXTENTS = {"club": (31, 30), "spade": (25, 29), "heart": (26, 27), "diamond": (22, 28)}
ONE_SAMPLE = 1 / 16  # of the 4 x 4 of a pixel


def same(one, other):
    """Two pictures of one shape: rounding may decide about a few points that lie on the outline."""
    assert one.shape == other.shape
    difference = np.abs(one - other)
    assert difference.max() <= 4 * ONE_SAMPLE + 1e-6
    assert difference.sum() <= 8 * ONE_SAMPLE * np.prod(one.shape[:-2])


# ---- the suits ----


def chord_of_disc(y, centre, radius):
    half = np.sqrt(np.maximum(radius**2 - (y - centre[1]) ** 2, 0))
    return centre[0] - half, centre[0] + half


def chord_of_polygon(y, corners):
    """Return where horizontal lines enter and leave a convex polygon."""
    low, high = np.full(y.shape, np.inf), np.full(y.shape, -np.inf)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:
            share = (y - y0) / (y1 - y0)
            x = np.where((share >= 0) & (share <= 1), x0 + share * (x1 - x0), np.nan)
            low, high = np.fmin(low, x), np.fmax(high, x)
    return np.where(low <= high, low, 0), np.where(low <= high, high, 0)


def chord_of_stem(y, bottom, top, waist=1.0, foot=5.0):
    """The side is the arc of a circle whose lowest point (waist, top) is vertical and that passes (foot, bottom)."""
    radius = ((top - bottom) ** 2 + (foot - waist) ** 2) / (2 * (foot - waist))
    half = waist + radius - np.sqrt(radius**2 - np.clip(top - y, 0, radius) ** 2)
    return 0 * y, np.where((y >= bottom) & (y <= top), half, 0)


def area(chords, y):
    """Return twice the area of the union of chords in x >= 0."""
    chords = np.maximum(np.array(chords), 0)  # (parts, 2, lines)
    order = np.argsort(chords[:, 0], axis=0)
    low, high = (np.take_along_axis(chords[:, side], order, axis=0) for side in (0, 1))
    reached = np.maximum.accumulate(high, axis=0)
    before = np.vstack([np.zeros_like(y), reached[:-1]])
    return 2 * np.maximum(high - np.maximum(low, before), 0).sum() * (y[1] - y[0])


def tangent_point(lobe, radius, tip_y):
    """The point of a circle, on its outer side, whose radius is perpendicular to the line from (0, tip_y)."""
    angle = math.atan2(tip_y - lobe[1], -lobe[0])  # from the lobe to the tip
    turn = math.acos(radius / math.hypot(lobe[0], lobe[1] - tip_y)) * math.copysign(1, lobe[1] - tip_y)
    return lobe[0] + radius * math.cos(angle + turn), lobe[1] + radius * math.sin(angle + turn)


def reference_area(suit):
    y = np.linspace(-16, 16, 64_001)
    if suit == "diamond":
        return 2 * 11 * 14
    if suit == "club":
        leaf, top = (8.0, -3.2), (0.0, 7.5)
        discs = [chord_of_disc(y, leaf, 7.5), chord_of_disc(y, top, 7.5)]
        return area([*discs, chord_of_polygon(y, [top, leaf, (0, leaf[1])]), chord_of_stem(y, -15, -3)], y)
    lobe, radius, tip = ((5.9, -3.4), 6.6, 14.5) if suit == "spade" else ((6.0, 6.5), 7.0, -13.5)
    wedge = [(0, tip), tangent_point(lobe, radius, tip), lobe, (0, lobe[1])]
    stem = [chord_of_stem(y, -14.5, -3)] if suit == "spade" else []
    return area([chord_of_disc(y, lobe, radius), chord_of_polygon(y, wedge), *stem], y)


def test_the_heart_has_its_closed_form_area():
    """Upper half discs cut at the axis, the sectors down to the tangent points, and the wedge below."""
    (c, h), r, tip = (6.0, 6.5), 7.0, -13.5
    touch = tangent_point((c, h), r, tip)
    beyond = r**2 * math.acos(c / r) - c * math.sqrt(r**2 - c**2)
    sector = r**2 / 2 * math.asin((h - touch[1]) / r)
    corners = np.array([(0, tip), touch, (c, h), (0, h)])
    x, y = corners.T
    wedge = (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    closed = 2 * ((math.pi * r**2 - beyond) / 2 + sector + wedge)
    assert reference_area("heart") == pytest.approx(closed, rel=1e-5)


@pytest.mark.parametrize("suit", cards.SUITS)
def test_a_suit_has_the_area_of_its_parts(suit):
    image = cards.draw(suit, size=480)
    assert image.sum() / 100 == pytest.approx(reference_area(suit), rel=5e-4)
    assert cards.draw(suit).sum() == pytest.approx(reference_area(suit), rel=4e-3)


@pytest.mark.parametrize("suit", cards.SUITS)
def test_a_suit_has_its_extents_and_its_centre(suit):
    rows, columns = np.nonzero(cards.draw(suit, size=960))
    for found, middle, expected in zip((columns, rows), (479.5, 479.5), EXTENTS[suit], strict=True):
        assert (np.ptp(found) + 1) / 20 == pytest.approx(expected, abs=0.15)
        assert (found.min() + found.max()) / 2 == pytest.approx(middle, abs=2)


@pytest.mark.parametrize("suit", cards.SUITS)
def test_a_suit_is_its_own_mirror_image_and_only_the_diamond_stands_on_its_head(suit):
    image = cards.draw(suit)
    np.testing.assert_array_equal(image, image[:, ::-1])
    upside_down = np.abs(image - image[::-1]).sum() / image.sum()
    assert upside_down == 0 if suit == "diamond" else upside_down > 0.2


@given(
    suit=st.sampled_from(cards.SUITS),
    one=st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    step=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
)
def test_the_outline_never_changes_faster_than_the_distance(suit, one, step):
    """Hence |f| <= distance to the outline, so a pixel with |f| above its half diagonal is all in or all out."""
    here, there = cards.outline(suit, *one), cards.outline(suit, one[0] + step[0], one[1] + step[1])
    assert abs(here - there) <= math.hypot(*step) + 1e-9


@pytest.mark.parametrize("suit", cards.SUITS)
@pytest.mark.parametrize("size", [16, 48, 50])
def test_drawing_is_what_counting_every_sub_sample_gives(suit, size):
    angle, sx, sy, shift_x, shift_y, scale = pose = (37.0, 12.0, -8.0, 0.06, -0.03, 1.2)
    fine = ((np.arange(4 * size) + 0.5) / (4 * size) - 0.5) * 48
    x, y = np.meshgrid(fine - 48 * shift_x, -fine + 48 * shift_y)
    x, y = np.einsum("ij,jhw->ihw", np.linalg.inv(cards.affine(angle, sx, sy, scale)), [x, y])
    inside = (cards.outline(suit, x, y) < 0).reshape(size, 4, size, 4).mean(axis=(1, 3))
    same(cards.draw(suit, *pose, size=size), inside.astype(np.float32))


# ---- the affine map ----

angles = st.floats(-180, 180)
shears = st.floats(-30, 30)


@given(angle=angles, a=shears, b=shears, scale=st.floats(0.2, 3))
def test_shears_and_turns_keep_the_area(angle, a, b, scale):
    assert np.linalg.det(cards.affine(angle, a, b, scale)) == pytest.approx(scale**2, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(suit=st.sampled_from(cards.SUITS), angle=angles, a=shears, b=shears, scale=st.floats(0.4, 0.9))
def test_the_area_of_a_card_grows_with_the_square_of_its_scale(suit, angle, a, b, scale):
    places = np.random.default_rng(0).random((2, 64)) / cards.FRAME_PX  # or straight edges can miss a row
    images = cards.draw(suit, angle, a, b, *places, scale=scale, size=96)
    assert images.sum() / 64 / 4 == pytest.approx(scale**2 * reference_area(suit), rel=8e-3)


@pytest.mark.parametrize("suit", cards.SUITS)
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_that_of_the_image(suit, quarters):
    same(cards.draw(suit, 90 * quarters), np.rot90(cards.draw(suit), quarters))
    pose, turned = {"shear_x_deg": 14.0, "shear_y_deg": -6.0, "scale": 1.1}, 25.0 + 90 * quarters
    same(cards.draw(suit, turned, **pose), np.rot90(cards.draw(suit, 25.0, **pose), quarters))


@pytest.mark.parametrize("suit", cards.SUITS)
def test_the_shift_comes_last_and_does_not_turn(suit):
    moved = cards.draw(suit, 30.0, shift_x=5 / 48, shift_y=-2 / 48)
    same(moved, np.roll(cards.draw(suit, 30.0), (-2, 5), axis=(0, 1)))
    same(cards.draw(suit, 120.0, shift_x=-2 / 48, shift_y=-5 / 48), np.rot90(moved))


@pytest.mark.parametrize("angle", [0.0, 20.0, -75.0])
def test_a_sheared_diamond_has_the_period_of_half_a_turn_and_the_others_have_not(angle):
    for suit in cards.SUITS:
        one, other = (cards.draw(suit, angle + turn, 10.0, -5.0) for turn in (0, 180))
        if suit == "diamond":
            same(one, other)
        else:
            assert np.abs(one - other).sum() > 0.2 * one.sum()


@pytest.mark.parametrize("suit", cards.SUITS)
def test_a_shear_along_x_moves_rows_and_one_along_y_moves_columns(suit):
    """Upper rows go right by their height, right columns go up by their distance, times tan(20 deg)."""
    size, slope = 192, math.tan(math.radians(20))
    right = np.arange(size) - (size - 1) / 2
    upright = cards.draw(suit, size=size)
    leaning = cards.draw(suit, shear_x_deg=20.0, size=size)
    lifted = cards.draw(suit, shear_y_deg=20.0, size=size)
    rows, columns = upright.sum(axis=1), upright.sum(axis=0)
    np.testing.assert_allclose(leaning.sum(axis=1), rows, atol=0.6)
    np.testing.assert_allclose(lifted.sum(axis=0), columns, atol=0.6)
    full = rows > 20
    np.testing.assert_allclose(((leaning - upright) @ right)[full] / rows[full], slope * -right[full], atol=0.5)
    full = columns > 20
    np.testing.assert_allclose((-right @ (lifted - upright))[full] / columns[full], slope * right[full], atol=0.5)


@pytest.mark.parametrize("suit", cards.SUITS)
def test_the_size_of_the_image_is_a_matter_of_pixels_only(suit):
    pose = (15.0, 5.0, 3.0, 0.02, 0.05)
    small, large = cards.draw(suit, *pose), cards.draw(suit, *pose, size=96)
    pooled = large.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    assert np.abs(small - pooled).max() <= 0.25
    assert np.abs(small - pooled).sum() < 0.02 * small.sum()
    same(cards.draw(suit, 15.0, scale=2), cards.draw(suit, 15.0, size=96)[24:72, 24:72])


# ---- the disorder ----


@pytest.fixture(scope="module")
def deck():
    return cards.make(500, 60, rng=np.random.default_rng(1))


def test_a_deck_holds_every_suit_as_often_in_random_order(deck):
    images, labels, factors = deck
    assert (images.shape, images.dtype) == ((2000, 48, 48), np.float32)
    assert (labels.shape, labels.dtype) == ((2000,), np.int64)
    assert all(factor.shape == (2000,) for factor in factors)
    assert images.min() == 0
    assert images.max() == 1
    assert np.bincount(labels).tolist() == [500] * 4
    assert all(np.bincount(labels[:400], minlength=4) > 60)
    assert (np.diff(labels) != 0).mean() == pytest.approx(0.75, abs=0.05)


def test_the_disorder_is_uniform_in_its_ranges_and_independent(deck):
    _, labels, factors = deck
    ranges = [(-60, 60), (-15, 15), (-15, 15), (-0.1, 0.1), (-0.1, 0.1), (1, 1.3)]
    for (low, high), values in zip(ranges, factors, strict=True):
        assert low <= values.min() < low + 0.02 * (high - low)
        assert high >= values.max() > high - 0.02 * (high - low)
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    correlation = np.corrcoef([*factors, labels])
    assert np.abs(correlation - np.eye(7)).max() < 0.1


def test_every_image_is_its_suit_moved_by_its_factors(deck):
    images, labels, factors = deck
    for label, suit in enumerate(cards.SUITS):
        rows = np.flatnonzero(labels == label)[:5]
        np.testing.assert_array_equal(images[rows], cards.draw(suit, *(factor[rows] for factor in factors)))


def moments(images):
    """Return area (N,), centroid (N, 2) and covariance (N, 2, 2) along x (right) and y (up) from the middle, in px."""
    at = np.arange(images.shape[-1]) - (images.shape[-1] - 1) / 2
    x, y = np.broadcast_to(at, images.shape[1:]), np.broadcast_to(-at[:, None], images.shape[1:])
    area = images.sum(axis=(1, 2))
    mean = np.stack([(images * c).sum(axis=(1, 2)) for c in (x, y)], axis=-1) / area[:, None]
    second = [[(images * a * b).sum(axis=(1, 2)) / area for a in (x, y)] for b in (x, y)]
    return area, mean, np.moveaxis(np.array(second), -1, 0) - mean[:, :, None] * mean[:, None, :]


def test_area_centroid_and_covariance_follow_the_map(deck):
    """The map written out once more: a point is sheared along x, then along y, enlarged, turned, and shifted."""
    images, labels, factors = deck
    frame = images.copy()
    frame[:, 1:-1, 1:-1] = 0
    whole = frame.sum(axis=(1, 2)) == 0
    assert whole.sum() > 1000
    turn = np.exp(1j * factors.angle_deg / 180 * np.pi)
    tan_x, tan_y = (np.tan(shear / 180 * np.pi) for shear in (factors.shear_x_deg, factors.shear_y_deg))

    def move(x, y):
        x = x + tan_x * y
        y = y + tan_y * x
        z = factors.scale * (x + 1j * y) * turn
        return np.stack([z.real, z.imag], axis=-1)

    matrix = np.stack([move(1.0, 0.0), move(0.0, 1.0)], axis=-1)
    for label, suit in enumerate(cards.SUITS):
        rows = whole & (labels == label)
        area, mean, covariance = (found[0] for found in moments(cards.draw(suit, size=480)[None]))
        area, mean, covariance = area / 100, mean / 10, covariance / 100
        found = moments(images[rows])
        shift = 48 * np.stack([factors.shift_x, -factors.shift_y], axis=-1)[rows]
        np.testing.assert_allclose(found[0], area * factors.scale[rows] ** 2, rtol=0.01)
        np.testing.assert_allclose(found[1], matrix[rows] @ mean + shift, atol=0.15)  # a straight side, 1/8 px off
        expected = matrix[rows] @ covariance @ matrix[rows].transpose(0, 2, 1)
        np.testing.assert_allclose(found[2], expected + np.eye(2) / 12, atol=0.7)  # a pixel is 1 wide


def test_labelled_cards_lie_still_and_seeds_are_kept():
    first = cards.make(3, 5, translate=0, rng=np.random.default_rng(4))
    again = cards.make(3, 5, translate=0, rng=np.random.default_rng(4))
    other = cards.make(3, 5, translate=0, rng=np.random.default_rng(5))
    assert not first[2].shift_x.any()
    assert not first[2].shift_y.any()
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(cards.make(1, 180)[0], cards.make(1, 180)[0])
    upright, labels, _ = cards.make(2, 0, 0, 0, (1, 1), size=24)
    assert upright.shape == (8, 24, 24)
    same(upright, np.stack([cards.draw(cards.SUITS[label], size=24) for label in labels]))


def test_factors_fit_each_other():
    grid = cards.draw("club", np.zeros((3, 1)), scale=np.ones(2), size=8)
    assert grid.shape == (3, 2, 8, 8)
    assert cards.draw("club", np.zeros(0), size=8).shape == (0, 8, 8)
    assert cards.affine(np.zeros((3, 1)), scale=np.ones(2)).shape == (3, 2, 2, 2)


# ---- bad input ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cards.make(0, 60), "n_per_class must be a whole number >= 1"),
        (lambda: cards.make(2.0, 60), "n_per_class must be a whole number"),
        (lambda: cards.make(1, -1), "angle_deg must be >= 0"),
        (lambda: cards.make(1, 181), "angle_deg must be <= 180"),
        (lambda: cards.make(1, NAN), "angle_deg must be finite"),
        (lambda: cards.make(1, (-60, 60)), "angle_deg must be"),
        (lambda: cards.make(1, 60, 61), "shear_deg must be <= 60"),
        (lambda: cards.make(1, 60, translate=-0.1), "translate must be >= 0"),
        (lambda: cards.make(1, 60, translate=10), "translate must be <= 1"),
        (lambda: cards.make(1, 60, translate=None), "translate must be finite"),
        (lambda: cards.make(1, 60, scale=1.3), r"scale must be a pair \(lowest, highest\)"),
        (lambda: cards.make(1, 60, scale=(1.3, 1)), r"scale must be a pair \(lowest, highest\)"),
        (lambda: cards.make(1, 60, scale=(0, 1)), "scale must be > 0"),
        (lambda: cards.make(1, 60, size=0), "size must be a whole number"),
        (lambda: cards.draw("spades"), "suit must be one of 'club', 'spade', 'heart', 'diamond', got 'spades'"),
        (lambda: cards.draw("club", NAN), "angle_deg must be finite"),
        (lambda: cards.draw("club", shear_x_deg=90), "shear_x_deg must lie within -90..90 degrees"),
        (lambda: cards.draw("club", shear_y_deg=-100), "shear_y_deg must lie within -90..90 degrees"),
        (lambda: cards.draw("club", scale=0), "scale must be > 0"),
        (lambda: cards.draw("club", shift_x="right"), "shift_x must be a number"),
        (lambda: cards.draw("club", np.zeros(2), np.zeros(3)), "the factors must be numbers or arrays that fit"),
        (lambda: cards.draw("club", size=4.5), "size must be a whole number"),
        (lambda: cards.outline("joker", 0, 0), "suit must be one of"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
