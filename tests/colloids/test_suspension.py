"""Hard spheres: none overlap, phi is exact, contact value and pressure are the known ones, free spheres diffuse."""

import functools

import numpy as np
import pytest
from scipy.spatial import cKDTree

from helpers.colloids import suspension

MEAN_LENGTH = 0.960592  # of a displacement drawn from a cube of half-side 1
EDGES = np.linspace(1, 1.1, 11)


@functools.cache
def fluid(n, phi, polydispersity=0.0, seed=0):
    positions, box = suspension.hard_spheres(n, phi, polydispersity, np.random.default_rng(seed))
    return positions, box, suspension.diameters(n, polydispersity)


def carnahan_starling(phi):
    return (1 - phi / 2) / (1 - phi) ** 3


def fraction(box, sizes):
    return np.pi / 6 * (sizes**3).sum() / box.prod()


# --- diameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 100, 2048])
@pytest.mark.parametrize("spread", [0, 0.06, 0.2])
def test_diameters_have_mean_and_spread(n, spread):
    sizes = suspension.diameters(n, spread)
    assert sizes.shape == (n,)
    np.testing.assert_allclose([sizes.mean(), sizes.std()], [1, spread], rtol=1e-14, atol=1e-14)
    assert (np.diff(sizes) >= 0).all()
    np.testing.assert_allclose(sizes + sizes[::-1], 2, rtol=1e-13)


def test_diameters_are_normal():
    sizes = suspension.diameters(2001, 0.1)
    share = (np.abs(sizes - 1) < 0.1).mean()
    assert share == pytest.approx(0.6827, abs=0.002)


# --- configurations -------------------------------------------------------------------------------------------------

KINDS = [(256, 0.3, 0), (300, 0.5, 0), (150, 0.55, 0.1), (100, 0.01, 0.2), (32, 0.58, 0.2), (33, 0.45, 0)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_spheres_overlap_and_phi_is_exact(kind):
    positions, box, sizes = fluid(*kind)
    assert positions.shape == (kind[0], 3)
    assert box.shape == (3,)
    assert len(set(box)) == 1
    assert ((positions >= 0) & (positions < box)).all()
    assert suspension.overlaps(positions, box, sizes) == 0
    assert fraction(box, sizes) == pytest.approx(kind[1], rel=1e-12)


def test_the_seed_decides():
    again = [suspension.hard_spheres(64, 0.4, 0.05, np.random.default_rng(seed))[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(again[0], again[1])
    assert np.abs(again[0] - again[2]).max() > 0.1
    start = fluid(256, 0.3)
    before = start[0].copy()
    moved = [suspension.settle(*start, 5, 0.2, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    paths = [suspension.dynamics(*start, 3, 5, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    for first, same, other in (moved, paths):
        np.testing.assert_array_equal(first, same)
        assert (first != other).any()
    np.testing.assert_array_equal(start[0], before)
    assert suspension.settle(*start, 1).shape == suspension.dynamics(*start, 1, 1)[0].shape  # no rng given


def test_overlaps_are_counted_across_the_border():
    box, sizes = np.array([4.0, 5.0, 6.0]), np.array([1.0, 1.0, 0.5])
    positions = np.array([[0.1, 2, 3], [3.2, 2, 3], [0.1, 2.74, 3]])  # at 0.9 through the border, and at 0.74 < 0.75
    assert suspension.overlaps(positions, box, sizes) == 2
    assert suspension.overlaps(positions, box, sizes, tolerance=0.05) == 1
    assert suspension.overlaps(positions + np.array([4, -5, 60]), box, sizes) == 2
    assert suspension.overlaps(positions, box, 0.85 * sizes) == 0


def test_a_brute_count_of_overlaps_agrees():
    rng = np.random.default_rng(0)
    box, sizes = np.array([4.0, 5.0, 6.0]), rng.uniform(0.5, 1.5, 80)
    positions = rng.uniform(-10, 10, (80, 3))
    apart = positions[:, None] - positions
    apart -= box * np.round(apart / box)
    touching = np.linalg.norm(apart, axis=-1) < (sizes[:, None] + sizes) / 2
    assert suspension.overlaps(positions, box, sizes) == (touching.sum() - 80) // 2


def test_crystals_are_recognised():
    rng = np.random.default_rng(0)
    for n in (32, 256, 2048):
        side = np.ceil((n / 4) ** (1 / 3)) * np.sqrt(2)
        corners = np.argwhere(np.ones(3 * [round(side / np.sqrt(2))]))[:, None]
        sites = (corners + np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2).reshape(-1, 3) * np.sqrt(2)
        box = np.full(3, side)
        shaken = (sites + 0.05 * rng.standard_normal(sites.shape)) % box
        assert suspension._crystalline(shaken, box)
        assert not suspension._crystalline(rng.uniform(0, side, sites.shape), box)


def test_a_crystal_is_no_fluid(monkeypatch):
    monkeypatch.setattr(suspension, "_crystalline", lambda *_: True)
    with pytest.raises(RuntimeError, match=r"^phi = 0\.1 gave no fluid in 3 attempts: take a polydispersity >= 0\.06"):
        suspension.hard_spheres(32, 0.1)


# --- equilibrium ----------------------------------------------------------------------------------------------------


@functools.cache
def frames(phi, n_frames=120, between=40):
    """Return densities of pairs (frames, bins) over that of an ideal gas, and the share of short steps refused."""
    positions, box, sizes = fluid(500, phi)
    rng = np.random.default_rng(1)
    shells = 4 / 3 * np.pi * np.diff(EDGES**3) * len(sizes) / box.prod()
    pairs, refused = [], []
    for _ in range(n_frames):
        positions = suspension.settle(positions, box, sizes, between, 0.15, rng)
        tree = cKDTree(positions, boxsize=box)
        pairs.append(np.diff(tree.count_neighbors(tree, EDGES)) / len(sizes) / shells)
        refused.append(1 - suspension._run(positions, box, sizes, 10, 0.002, rng))
    return np.array(pairs), np.array(refused)


def contact(pairs):
    """Return g(1) by a parabola through log g on [1, 1.1]."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    return np.exp(np.polyfit(middle - 1, np.log(pairs.mean(0)), 2)[-1])


@pytest.mark.parametrize("phi", [0.3, 0.45])
def test_the_contact_value_is_that_of_carnahan_and_starling(phi):
    pairs, _ = frames(phi)
    blocks = np.array_split(np.arange(len(pairs)), 10)
    without = [contact(np.delete(pairs, block, axis=0)) for block in blocks]
    error = 3 * np.std(without)  # jackknife over 10 blocks
    assert error < 0.03 * carnahan_starling(phi)
    assert contact(pairs) == pytest.approx(carnahan_starling(phi), abs=4 * error)


@pytest.mark.parametrize("phi", [0.3, 0.45])
def test_the_pressure_is_the_virial_of_the_contacts(phi):
    pairs, refused = frames(phi)
    measured = 1 + 2 / 3 * refused / (MEAN_LENGTH * 0.002)  # 1 - a = 6 phi g <l>, Z = 1 + 4 phi g
    error = measured.std() / np.sqrt(len(measured))
    expected = (1 + phi + phi**2 - phi**3) / (1 - phi) ** 3
    assert error < 0.04 * expected
    assert measured.mean() == pytest.approx(expected, abs=4 * error)
    assert 1 + 4 * phi * contact(pairs) == pytest.approx(expected, rel=0.06)


def test_two_spheres_visit_all_that_is_free():
    sizes, box = np.array([1.4, 0.6]), np.array([3.0, 3.5, 4.0])
    start = np.array([[0.5, 0.5, 0.5], [2.0, 2.0, 2.0]])
    path = suspension.dynamics(start, box, sizes, 20_000, 8, step=1.5, rng=np.random.default_rng(0))
    apart = path[:, 0] - path[:, 1]
    apart -= box * np.round(apart / box)
    r = np.linalg.norm(apart, axis=1)
    assert r.min() >= 1
    radii = np.array([1.05, 1.2, 1.4])
    expected = 4 / 3 * np.pi * (radii**3 - 1) / (box.prod() - 4 / 3 * np.pi)
    np.testing.assert_allclose((r[:, None] < radii).mean(0), expected, rtol=0.05)
    share = np.histogramdd(path[:, 0] % box, bins=2, range=[(0, side) for side in box])[0] / len(path)
    np.testing.assert_allclose(share, 1 / 8, atol=0.01)


def test_spheres_that_overlap_part_and_stay_apart():
    rng = np.random.default_rng(0)
    box, sizes = np.full(3, 6.0), suspension.diameters(60, 0.1)
    positions = rng.uniform(0, 6, (60, 3))
    number = suspension.overlaps(positions, box, sizes)
    assert number > 10
    for _ in range(20):
        suspension._run(positions, box, sizes, 20, 0.1, rng)
        before, number = number, suspension.overlaps(positions, box, sizes)
        assert number <= before
    assert number == 0


# --- motion ---------------------------------------------------------------------------------------------------------


@functools.cache
def dilute():
    positions, box, sizes = fluid(500, 0.001)
    return suspension.dynamics(positions, box, sizes, 41, 20, step=0.1, rng=np.random.default_rng(3))


def test_free_spheres_diffuse():
    squares = (np.diff(dilute(), axis=0) ** 2).sum(axis=-1).ravel()  # in 20 sweeps
    D = 0.1**2 / 6
    assert squares.mean() == pytest.approx(
        6 * D * 20, abs=4 * squares.std() / np.sqrt(squares.size) + 2e-3 * 6 * D * 20
    )
    far = ((dilute()[-1] - dilute()[0]) ** 2).sum(axis=-1)
    assert far.mean() == pytest.approx(6 * D * 800, abs=4 * far.std() / np.sqrt(len(far)))


def test_the_scattering_function_of_free_spheres():
    k = np.array([2.0, 7.0])
    seen = np.cos(np.diff(dilute(), axis=0)[..., None] * k).reshape(-1, len(k))
    per_sweep = np.sin(k * 0.1) / (k * 0.1) - 1  # a sphere is drawn once a sweep on average
    np.testing.assert_allclose(seen.mean(0), np.exp(20 * per_sweep), atol=4 * seen.std(0).max() / np.sqrt(len(seen)))
    np.testing.assert_allclose(np.exp(20 * per_sweep), np.exp(-(k**2) * 0.1**2 / 6 * 20), rtol=0.05)


def test_motion_is_alike_along_all_axes():
    start = fluid(500, 0.45)
    path = suspension.dynamics(*start, 101, 20, rng=np.random.default_rng(2))
    squares = np.diff(path[::10], axis=0) ** 2
    error = squares.std((0, 1)) / np.sqrt(squares.shape[0] * squares.shape[1])
    np.testing.assert_allclose(squares.mean((0, 1)), squares.mean(), atol=5 * error.max())
    drift = np.diff(path[::10], axis=0).mean((0, 1))
    np.testing.assert_allclose(drift, 0, atol=5 * np.sqrt(squares.mean() / squares[..., 0].size))


def test_crowding_slows_spheres_down():
    start = fluid(500, 0.45)
    path = suspension.dynamics(*start, 21, 10, rng=np.random.default_rng(2))
    squares = ((path[1:] - path[0]) ** 2).sum(-1).mean(-1)
    free = 0.05**2 * 10 * np.arange(1, 21)
    assert (squares < free).all()
    assert squares[-1] / free[-1] < 0.6 * squares[0] / free[0]


def test_a_path_begins_at_the_positions_and_does_not_jump():
    positions, box, sizes = fluid(256, 0.3)
    outside = positions + box * np.array([3, -2, 0])
    path = suspension.dynamics(outside, box, sizes, 30, 1, step=0.2, rng=np.random.default_rng(0))
    assert path.shape == (30, 256, 3)
    np.testing.assert_array_equal(path[0], outside)
    assert 0.1 < np.abs(np.diff(path, axis=0)).max() < 3
    for frame in path:
        assert suspension.overlaps(frame, box, sizes) == 0
    ends = suspension.settle(outside, box, sizes, 29, 0.2, np.random.default_rng(0))
    apart = (path[-1] - ends) / box
    np.testing.assert_allclose(apart, np.round(apart), atol=1e-12)


def test_positions_rounded_to_float32_are_taken():
    positions, box, sizes = fluid(300, 0.5)
    rounded = positions.astype(np.float32)
    assert suspension.overlaps(rounded, box, sizes, tolerance=1e-5) == 0
    moved = suspension.settle(rounded, box, sizes, 50, rng=np.random.default_rng(0))
    assert suspension.overlaps(moved, box, sizes) == 0


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((31, 0.3), "n must be a whole number >= 32"),
        ((64.0, 0.3), "n must be a whole number"),
        ((64, 0), "phi must be > 0"),
        ((64, 0.6), r"phi must be at most 0\.58, got 0\.6"),
        ((64, np.nan), "phi must be finite"),
        ((64, 0.3, -0.1), "polydispersity must be >= 0"),
        ((64, 0.3, 0.3), r"polydispersity must be at most 0\.2, got 0\.3"),
    ],
)
def test_no_such_fluid(given, message):
    with pytest.raises(ValueError, match=message):
        suspension.hard_spheres(*given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"positions": np.zeros((4, 2))}, r"positions must have shape \(n, 3\), got \(4, 2\)"),
        ({"positions": np.zeros((0, 3))}, r"positions must have shape \(n, 3\), got \(0, 3\)"),
        ({"positions": np.full((2, 3), np.nan)}, "positions must be finite"),
        ({"positions": np.ones((2, 3))}, "positions must not overlap, but 1 pairs are nearer"),
        ({"diameters": np.ones(3)}, r"diameters must have one entry per position \(2\), got shape \(3,\)"),
        ({"diameters": np.array([1, -1])}, "diameters must be > 0"),
        ({"box": 5.0}, "box must be three sides"),
        ({"box": np.array([5, 5, 1.9])}, "box must be three sides of two largest diameters or more, 2, got"),
        ({"step": 0}, "step must be > 0"),
        ({"step": 3}, r"step must be at most half of the box, 2\.5, got 3"),
    ],
)
def test_no_such_motion(changed, message):
    given = {"positions": [[0, 0, 0], [2, 2, 2]], "box": np.full(3, 5.0), "diameters": np.ones(2), "step": 0.1}
    given |= changed
    with pytest.raises(ValueError, match=message):
        suspension.settle(**given, n_sweeps=1)
    with pytest.raises(ValueError, match=message):
        suspension.dynamics(**given, n_frames=2, sweeps_per_frame=1)


def test_no_such_number_of_sweeps():
    start = [[0, 0, 0], [2, 2, 2]], np.full(3, 5.0), np.ones(2)
    for function, name in ((suspension.settle, "n_sweeps"), (suspension.dynamics, "n_frames")):
        with pytest.raises(ValueError, match=f"{name} must be a whole number >= 1"):
            function(*start, 0, 1)
    with pytest.raises(ValueError, match="sweeps_per_frame must be a whole number >= 1"):
        suspension.dynamics(*start, 1, 0)
    with pytest.raises(ValueError, match="tolerance must be >= 0"):
        suspension.overlaps(*start, tolerance=-1)
    with pytest.raises(ValueError, match="n must be a whole number >= 2"):
        suspension.diameters(1)


def test_periodic_images_fill_any_cuboid_evenly():
    rng = np.random.default_rng(3)
    box = np.array([4.0, 5, 6])
    positions = rng.random((40, 3)) * box
    index, places = suspension.images_within(positions, box, (-7, 2, -1), (9, 17, 11 - 1e-9))
    assert len(index) == 40 * 4 * 3 * 2
    np.testing.assert_allclose(
        (places - positions[index]) / box, np.round((places - positions[index]) / box), atol=1e-9
    )
    assert ((places >= (-7, 2, -1)) & (places <= (9, 17, 11))).all()
