"""Structure of suspensions: ideal gas, crystals, freud, Percus-Yevick against itself, Brownian motion, refusals."""

import itertools

import freud
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy.spatial.transform import Rotation

from helpers.colloids import structure

BOX = np.array([6.0, 7.5, 9.0])
THREE = {
    "sc": ([[0, 0, 0]], np.ones(3), (5, 6, 7)),
    "bcc": ([[0, 0, 0], [0.5, 0.5, 0.5]], np.full(3, 2 / 3**0.5), (4, 5, 6)),
    "fcc": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], np.full(3, 2**0.5), (4, 4, 5)),
    "hcp": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 1 / 6, 0.5], [0.5, 2 / 3, 0]], np.array([8 / 3, 3, 1]) ** 0.5, (3, 3, 6)),
}


def rng(seed=0):
    return np.random.default_rng(seed)


def gas(n, sides=BOX, seed=0):
    return rng(seed).uniform(0, 1, (n, 3)) * sides


def crystal(name):
    """Return the positions and the box of a crystal, nearest neighbours at 1."""
    basis, cell, repeats = THREE[name]
    corners = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), -1).reshape(-1, 1, 3)
    return ((corners + np.array(basis)) * cell).reshape(-1, 3), np.array(repeats) * cell


def fluid(seed=0, sides=BOX, n=300):
    """Return a gas whose particles were pushed apart a little: no crystal, no gas."""
    x = gas(n, sides, seed)
    for _ in range(20):
        step = x[:, None] - x
        step -= sides * np.round(step / sides)
        length = np.linalg.norm(step, axis=2) + 9 * np.eye(n)
        x = (x + 0.3 * (step / length[..., None] * np.clip(1 - length, 0, None)[..., None]).sum(1)) % sides
    return x


def for_freud(x, box):
    """Return box and points as freud wants them: (x, y, z), the origin in the middle, single precision."""
    return freud.box.Box(*box[::-1]), (x - box / 2)[:, ::-1].astype(np.float32)


def shared_volume(r, sides, directions):
    """Return the volume that a cuboid shares with itself moved by r, mean over directions."""
    return np.prod(sides - r * np.abs(directions), axis=1).mean()


def sphere(n=200_000):
    """Return evenly spread directions (n, 3)."""
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (1 + 5**0.5) * np.arange(n)
    return np.stack([z, np.sqrt(1 - z**2) * np.sin(turn), np.sqrt(1 - z**2) * np.cos(turn)], 1)


# ---- g(r) ----


@pytest.mark.parametrize("window", [False, True])
def test_an_ideal_gas_has_no_structure(window):
    r = np.linspace(0, BOX.min() * (1 if window else 0.5), 16)
    g = [structure.g_of_r(gas(600, seed=k), r, **({"window": BOX} if window else {"box": BOX})) for k in range(40)]
    error = np.std(g, axis=0, ddof=1) / np.sqrt(len(g))
    assert (np.abs(np.mean(g, axis=0) - 1) < 4 * error).all()
    assert (error[3:] < 0.01).all()


def test_the_window_counts_as_the_volume_it_shares_with_itself():
    """Two particles give g = V^2 / int 4 pi r^2 gamma dr in their bin: gamma from many directions."""
    sides, edges, directions = np.array([2.0, 3.0, 5.0]), np.array([0.0, 0.4, 1.1, 1.7, 2.0]), sphere()
    for low, high in itertools.pairwise(edges):
        x = np.array([[0.0, 0, 0], [0, 0, (low + high) / 2]])
        volume = integrate.quad(lambda r: 4 * np.pi * r**2 * shared_volume(r, sides, directions), low, high)[0]
        g = structure.g_of_r(x, edges, window=sides)
        np.testing.assert_allclose(g[edges[:-1] == low], sides.prod() ** 2 / volume, rtol=1e-4)
        assert np.count_nonzero(g) == 1


def test_a_window_by_hand():
    """Four particles in the unit cube, counted both ways over twelve ordered pairs."""
    x = np.array([[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0], [0.9, 0.9, 0.9]])
    whole = 4 * np.pi * (1 / 3 - 3 / 8 + 2 / (5 * np.pi) - 1 / (24 * np.pi))  # to r = 1
    found = structure.g_of_r(x, [0, 1], window=1.0)
    assert found == pytest.approx([6 / 12 / whole])


def test_windows_as_sides_and_bounds_and_by_default():
    x, r = gas(900, seed=1), np.linspace(0, 3, 7)
    by_sides = structure.g_of_r(x, r, window=BOX)
    corner = np.array([5, -3, 100])
    bounds = np.stack([corner, BOX + corner], 1)
    np.testing.assert_allclose(structure.g_of_r(x + corner, r, window=bounds), by_sides, rtol=1e-9)
    np.testing.assert_allclose(structure.g_of_r(np.concatenate([x, x + BOX]), r, window=BOX), by_sides, rtol=1e-9)
    extent = np.stack([x.min(0), x.max(0)], 1)
    default = structure.g_of_r(x, r)
    np.testing.assert_array_equal(default, structure.g_of_r(x, r, window=extent))
    assert (default < by_sides).all()
    np.testing.assert_allclose(default, by_sides, rtol=0.05)


def test_a_window_in_a_large_periodic_fluid_sees_the_same_structure():
    sides = np.array([9.0, 10.0, 11.0])
    x, r = fluid(2, sides, 900), np.linspace(0.8, 2.8, 21)
    inside = np.stack([0 * sides + 0.5, sides - 0.5], 1)
    one, other = structure.g_of_r(x, r, box=sides), structure.g_of_r(x, r, window=inside)
    assert np.ptp(one) > 1
    np.testing.assert_allclose(other, one, atol=0.12)


@pytest.mark.parametrize("name", THREE)
def test_shells_of_crystals(name):
    shells = {
        "sc": {1: 6, 2**0.5: 12, 3**0.5: 8},
        "bcc": {1: 8, 2 / 3**0.5: 6, (8 / 3) ** 0.5: 12},
        "fcc": {1: 12, 2**0.5: 6, 3**0.5: 24},
        "hcp": {1: 12, 2**0.5: 6, (8 / 3) ** 0.5: 2, 3**0.5: 18},
    }[name]
    x, box = crystal(name)
    r = np.sort(np.concatenate([[0.2], [d + e for d in shells for e in (-0.01, 0.01)]]))
    g = structure.g_of_r(x, r, box=box)
    neighbours = g * 4 / 3 * np.pi * np.diff(r**3) * (len(x) - 1) / box.prod()
    expected = np.zeros(len(r) - 1)
    expected[1::2] = [shells[d] for d in sorted(shells)]
    np.testing.assert_allclose(neighbours, expected, atol=1e-9)


@pytest.mark.parametrize("box", [BOX, np.full(3, 7.0)])
def test_g_of_another_library(box):
    x, r = fluid(3, box), np.linspace(0, 2.87, 30)
    theirs = freud.density.RDF(29, 2.87, normalization_mode="finite_size")
    theirs.compute(for_freud(x, box))
    g = structure.g_of_r(x, r, box=box)
    one_pair = 2 * box.prod() / (300 * 299 * 4 / 3 * np.pi * np.diff(r**3))
    assert (np.abs(g - theirs.rdf) < 1.01 * one_pair)[r[1:] > 0.5].all()  # single precision moves a pair over an edge
    assert np.abs(g - theirs.rdf)[r[1:] > 0.5].mean() < 0.2 * one_pair[r[1:] > 0.5].mean()
    assert np.ptp(g) > 1


@pytest.mark.parametrize("periodic", [True, False])
def test_g_by_brute_force_in_parts(periodic, monkeypatch):
    x, r = gas(200, seed=4), np.linspace(0, 3, 11)
    step = x[:, None] - x
    step -= periodic * BOX * np.round(step / BOX)
    counts = np.histogram(np.linalg.norm(step, axis=2)[~np.eye(200, dtype=bool)], r)[0]
    given = {"box": BOX} if periodic else {"window": BOX}
    g = structure.g_of_r(x, r, **given)
    directions = sphere(5000)
    gamma = np.array([BOX.prod() if periodic else shared_volume(s, BOX, directions) for s in (r[1:] + r[:-1]) / 2])
    expected = counts * BOX.prod() ** 2 / (200 * 199 * 4 / 3 * np.pi * np.diff(r**3) * gamma)
    np.testing.assert_allclose(g[1:], expected[1:], rtol=1e-10 if periodic else 0.01)
    monkeypatch.setattr(structure, "_PART", 17)
    np.testing.assert_allclose(structure.g_of_r(x, r, **given), g, rtol=1e-12)


def test_axes_of_the_box_and_nearest_images():
    """Along each axis two particles meet through the nearest faces of that axis."""
    for axis in range(3):
        x = np.full((2, 3), 1.0)
        x[:, axis] = 0.25, BOX[axis] - 0.25
        g = structure.g_of_r(x, [0.45, 0.55, 2.9], box=BOX)
        assert g[0] == pytest.approx(BOX.prod() / (4 / 3 * np.pi * (0.55**3 - 0.45**3)))
        assert g[1] == 0
    x, r = fluid(5), np.linspace(0, 3, 13)
    whole = structure.g_of_r(x, r, box=BOX)
    np.testing.assert_allclose(structure.g_of_r(x + np.array([2, -30, 7]), r, box=BOX), whole, atol=1e-9)
    np.testing.assert_allclose(structure.g_of_r(x[:, ::-1], r, box=BOX[::-1]), whole, atol=1e-9)
    np.testing.assert_allclose(structure.g_of_r(-x[::-1], r, box=BOX), whole, atol=1e-9)
    assert np.abs(structure.g_of_r(x, r, box=BOX[::-1]) - whole).max() > 0.1


def test_particles_at_one_place_are_a_pair_and_one_particle_is_none():
    x = np.array([[1.0, 1, 1], [1, 1, 1], [1, 1, 2]])
    g = structure.g_of_r(x, [0, 0.5, 1.5], box=6)
    volumes = 4 / 3 * np.pi * np.array([0.5**3, 1.5**3 - 0.5**3])
    np.testing.assert_allclose(g, 216 / 6 * np.array([2, 4]) / volumes)
    for few in ([], x[:1]):
        assert np.isnan(structure.g_of_r(few, [0, 1, 2], box=6)).all()
        assert np.isnan(structure.g_of_r(few, [0, 1, 2])).all()
        assert np.isnan(structure.g_of_r(few, [0, 1, 2], window=6)).all()


# ---- S(k) ----


def test_structure_factor_by_the_definition():
    x, k_max = gas(40, seed=6), 2.5
    expected = {}
    for n in np.stack(np.meshgrid(*[np.arange(-5, 6)] * 3, indexing="ij"), -1).reshape(-1, 3):
        k = 2 * np.pi * n / BOX
        if 0 < np.linalg.norm(k) <= k_max:
            S = abs(np.exp(-1j * x @ k).sum()) ** 2 / 40
            expected.setdefault(round(np.linalg.norm(k), 9), []).append(S)
    k, S = structure.structure_factor(x, BOX, k_max)
    np.testing.assert_allclose(k, sorted(expected), atol=1e-8)
    np.testing.assert_allclose(S, [np.mean(expected[key]) for key in sorted(expected)], rtol=1e-9)
    every = [(key, value) for key in expected for value in expected[key]]
    k, S = structure.structure_factor(x, BOX, k_max, width=0.7)
    shells = [[pair for pair in every if 0.7 * m <= pair[0] < 0.7 * (m + 1)] for m in range(4)]
    np.testing.assert_allclose(np.stack([k, S], 1), [np.mean(shell, axis=0) for shell in shells], rtol=1e-8)


def test_structure_factor_of_an_ideal_gas_is_one():
    S = [structure.structure_factor(gas(200, seed=k), BOX, 8.0, width=0.5)[1] for k in range(40)]
    error = np.std(S, axis=0, ddof=1) / np.sqrt(len(S))
    assert (np.abs(np.mean(S, axis=0) - 1) < 4 * error).all()
    assert error[-1] < 0.02


def test_structure_factor_of_a_crystal():
    """Simple cubic, lattice constant 1: N at the vectors 2 pi (h, k, l), nothing between."""
    x, box = crystal("sc")
    k, S = structure.structure_factor(x + 0.3, box, 2 * np.pi * 1.01)
    at = np.abs(k - 2 * np.pi) < 1e-6
    assert at.sum() == 1
    every = 2 * np.pi * np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3, indexing="ij"), -1).reshape(-1, 3) / box
    same = np.abs(np.linalg.norm(every, axis=1) - 2 * np.pi) < 1e-6  # the shell holds six of the lattice, and others
    np.testing.assert_allclose(S[at], len(x) * 6 / same.sum())
    np.testing.assert_allclose(S[~at], 0, atol=1e-9)


def test_structure_factor_does_not_know_the_origin_or_the_order_of_axes():
    x = fluid(7)
    k, S = structure.structure_factor(x, BOX, 9.0)
    for y, box in [(x + np.array([1, -20, 3]), BOX), (x[:, ::-1], BOX[::-1]), (-x[::-1], BOX)]:
        for one, other in zip(structure.structure_factor(y, box, 9.0), (k, S), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    assert k[0] == pytest.approx(2 * np.pi / BOX.max())
    assert k[-1] <= 9.0
    few = structure.structure_factor([], BOX, 1.0)
    assert np.isnan(few[1]).all()


def test_structure_factor_and_g_belong_together():
    """S(k) = 1 + sum over pairs of sin(kr) / (kr) / N for particles far from the faces of an empty box."""
    x = gas(60, np.full(3, 6.0), seed=8)
    k, S = structure.structure_factor(x, np.full(3, 150.0), 1.0, width=0.02)
    r = np.linalg.norm(x[:, None] - x, axis=2)
    expected = [np.sinc(q * r / np.pi).sum() / 60 for q in k]
    np.testing.assert_allclose(S[5:], expected[5:], rtol=0.01)
    assert S[5] > 3 * S[-1]


# ---- Percus-Yevick ----


@pytest.mark.parametrize(("phi", "zero"), [(0.30, 0.09378906), (0.45, 0.02534799)])
def test_percus_yevick_at_small_k(phi, zero):
    assert (1 - phi) ** 4 / (1 + 2 * phi) ** 2 == pytest.approx(zero, abs=1e-8)
    np.testing.assert_allclose(structure.percus_yevick_s([0, 1e-9, 1e-4], phi), zero, rtol=1e-6)


def test_percus_yevick_main_peak():
    k = np.linspace(5, 9, 4001)
    S = structure.percus_yevick_s(k, 0.45)
    assert S.max() == pytest.approx(2.514, abs=5e-4)
    assert k[S.argmax()] == pytest.approx(6.81, abs=0.01)


@pytest.mark.parametrize("phi", [0.01, 0.3, 0.55])
def test_percus_yevick_s_by_quadrature(phi):
    """Against the integral over the direct correlation function, across the change of method at k = 2."""
    A, B = (1 + 2 * phi) ** 2 / (1 - phi) ** 4, -((1 + phi / 2) ** 2) / (1 - phi) ** 4
    t, w = np.polynomial.legendre.leggauss(100)
    r, w = (t + 1) / 2, w / 2
    k = np.concatenate([[0, 1e-3, 0.5, 1.999999, 2, 2.000001], np.linspace(3, 80, 40)])
    c = -(A + 6 * phi * B * r + phi / 2 * A * r**3)
    rho_c = 24 * phi * (w * c * r**2 * np.sinc(k[:, None] * r / np.pi)).sum(1)
    np.testing.assert_allclose(structure.percus_yevick_s(k, phi), 1 / (1 - rho_c), rtol=1e-9)
    assert structure.percus_yevick_s(k.reshape(2, -1), phi).shape == (2, 23)


@pytest.mark.parametrize("phi", [0.05, 0.30, 0.45, 0.58])
def test_percus_yevick_g_and_s_belong_together(phi):
    """S(k) = 1 + 4 pi rho int (g - 1) r^2 sin(kr) / (kr) dr, the hole r < 1 in closed form."""
    r = np.linspace(1, 60, 59 * 1000 + 1)
    h = structure.percus_yevick_g(r, phi) - 1
    for k in (0.7, 3.0, 6.9, 7.1, 11.0, 25.0):
        inside = (k * np.cos(k) - np.sin(k)) / k**3
        outside = integrate.simpson(h * r * np.sin(k * r) / k, x=r)
        found = 1 + 24 * phi * (inside + outside)
        assert found == pytest.approx(structure.percus_yevick_s(k, phi), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("phi", [0.01, 0.30, 0.45, 0.60])
def test_percus_yevick_g_jumps_at_contact(phi):
    contact = structure.contact_value(phi, "percus-yevick")
    g = structure.percus_yevick_g([0, 0.5, 0.999999, 1, 1.0001, 40], phi)
    assert (g[:3] == 0).all()
    assert g[3] == pytest.approx(contact, rel=1e-9)
    assert g[4] == pytest.approx(contact, rel=5e-3)
    assert g[5] == pytest.approx(1, abs=1e-3)
    assert (structure.percus_yevick_g([0.2, 0.9], phi) == 0).all()
    assert structure.percus_yevick_g(np.ones((2, 3)), phi).shape == (2, 3)
    assert structure.percus_yevick_g(np.array([]), phi).shape == (0,)


def test_percus_yevick_g_is_the_second_virial_term_when_dilute():
    """To first order in phi, g = 1 + rho (overlap of two spheres of radius 1) = 1 + phi (8 - 6 r + r^3 / 2), r < 2."""
    r, phi = np.array([1.0, 1.2, 1.5, 1.9, 2.0, 2.5]), 1e-4
    expected = np.where(r < 2, 8 - 6 * r + r**3 / 2, 0)
    np.testing.assert_allclose((structure.percus_yevick_g(r, phi) - 1) / phi, expected, atol=5e-3)


# ---- contact values ----


def test_contact_values():
    for phi, percus, carnahan in [(0.30, 2.347, 2.478), (0.45, 4.050, 4.658)]:
        assert structure.contact_value(phi, "percus-yevick") == pytest.approx(percus, abs=5e-4)
        assert structure.contact_value(phi) == pytest.approx(carnahan, abs=5e-4)
    assert structure.compressibility_factor(0.45) == pytest.approx(9.385, abs=5e-4)
    phi = np.linspace(0.01, 0.6, 9)
    textbook = (1 + phi + phi**2 - phi**3) / (1 - phi) ** 3
    np.testing.assert_allclose(structure.compressibility_factor(phi), textbook, rtol=1e-12)
    virial = structure.compressibility_factor(1e-6, "percus-yevick")
    assert (virial - 1) / 1e-6 == pytest.approx(4, rel=1e-4)  # the second virial coefficient


@pytest.mark.parametrize("fit", [(1.0, 1.1), (1.05, 1.15)])
def test_measured_contact_value_is_exact_for_the_exponential_of_a_quadratic(fit):
    r = np.linspace(0.9, 1.3, 81)
    g = np.where(r < 1, 0, 4.6 * np.exp(-5 * (r - 1) + 7 * (r - 1) ** 2))
    value, error = structure.measured_contact_value(r, g, fit)
    assert value == pytest.approx(4.6, rel=1e-9)
    assert error == pytest.approx(0, abs=1e-9)


def test_measured_contact_value_of_theory():
    r = np.linspace(1.0025, 1.2975, 60)
    for phi in (0.3, 0.45):
        value, _ = structure.measured_contact_value(r, structure.percus_yevick_g(r, phi))
        assert value == pytest.approx(structure.contact_value(phi, "percus-yevick"), rel=1e-3)


def test_the_error_of_a_measured_contact_value_is_its_scatter():
    r = np.linspace(1, 1.1, 26)
    noise = np.exp(0.03 * rng(9).standard_normal((400, 26)))
    value, error = np.array([structure.measured_contact_value(r, 3 * np.exp(-4 * (r - 1)) * one) for one in noise]).T
    assert value.mean() == pytest.approx(3, abs=4 * value.std() / 20)
    assert np.sqrt((error**2).mean()) == pytest.approx(value.std(), rel=0.12)
    assert np.isnan(structure.measured_contact_value([1, 1.02, 1.05], [3, 2.8, 2.5])[1])


# ---- bond order ----


@pytest.mark.parametrize(
    ("name", "l", "r_cut", "expected"),
    [
        ("sc", 6, 1.2, 0.35355),
        ("sc", 4, 1.2, 0.76376),
        ("fcc", 6, 1.2, 0.57452),
        ("fcc", 4, 1.2, 0.19094),
        ("hcp", 6, 1.2, 0.48476),
        ("hcp", 4, 1.2, 0.09722),
        ("bcc", 6, 1.4, 0.51069),
        ("bcc", 4, 1.4, 0.03637),
        ("fcc", 0, 1.2, 1.0),
    ],
)
def test_bond_order_of_crystals(name, l, r_cut, expected):  # noqa: E741
    x, box = crystal(name)
    assert structure.bond_order(x, l, r_cut, box) == pytest.approx(expected, abs=1e-5)
    if l:
        theirs = freud.order.Steinhardt(l)
        theirs.compute(for_freud(x, box), neighbors={"r_max": r_cut})
        assert structure.bond_order(x, l, r_cut, box) == pytest.approx(theirs.order, abs=1e-5)
    assert structure.bond_order(x, l, r_cut) == pytest.approx(expected, abs=0.06)  # bonds at the faces are missing


def test_bond_order_of_a_fluid_is_small_and_near_that_of_another_library():
    """freud averages over the bonds of a particle before it averages over particles."""
    sides = np.array([9.0, 10.0, 11.0])
    x = fluid(10, sides, 900)
    found = structure.bond_order(x, 6, 1.4, sides)
    theirs = freud.order.Steinhardt(6)
    theirs.compute(for_freud(x, sides), neighbors={"r_max": 1.4})
    assert 0 < found < 0.05
    assert found == pytest.approx(theirs.order, abs=0.015)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), l=st.sampled_from([2, 4, 6, 8]))
def test_bond_order_does_not_know_directions(seed, l):  # noqa: E741
    x = gas(40, np.full(3, 3.0), seed)
    whole = structure.bond_order(x, l)
    assert 0 < whole < 1
    turned = x @ Rotation.random(rng=rng(seed)).as_matrix().T
    for same in (turned, x[:, ::-1], -x, x[::-1], x + 7):
        assert structure.bond_order(same, l) == pytest.approx(whole, abs=1e-9)
    theirs = structure.bond_order(gas(3, np.ones(3), seed)[:2], l, r_cut=3)
    assert theirs == pytest.approx(1)  # one bond


def test_bond_order_without_bonds_is_not_a_number():
    for x in ([], [[0, 0, 0]], [[0, 0, 0], [0, 0, 5]], [[1, 1, 1], [1, 1, 1]]):
        assert np.isnan(structure.bond_order(x))


# ---- damage ----


def test_damage():
    x = gas(1000, seed=11)
    same = structure.damage(x, 0, 0, rng())
    np.testing.assert_array_equal(same, x)
    fewer = structure.damage(x, 0.1, 0, rng())
    assert len(fewer) == 900
    kept = np.flatnonzero((x[:, None] == fewer).all(2).any(1))
    np.testing.assert_array_equal(x[kept], fewer)
    assert not (np.diff(kept) == 1).all()
    moved = structure.damage(x, 0, [0.1, 0.02, 0.01], rng()) - x
    np.testing.assert_allclose(moved.std(0), [0.1, 0.02, 0.01], rtol=0.1)
    assert structure.damage(x, 0, 0.05, rng()).tolist() == structure.damage(x, 0, 0.05, rng()).tolist()
    assert structure.damage(x, 1, 0, rng()).shape == structure.damage([], 0.5, 0.1, rng()).shape == (0, 3)


# ---- slow motion ----


def test_self_intermediate_of_brownian_motion():
    """exp(-k^2 D t), D = sigma^2 / 2 per step."""
    walks = np.cumsum(0.1 * rng(12).standard_normal((120, 600, 3)), axis=0)
    lags, k, D = np.array([0, 1, 3, 10, 20]), 2 * np.pi / 1.5, 0.1**2 / 2
    F = structure.self_intermediate(walks, k, lags)
    np.testing.assert_allclose(F, np.exp(-(k**2) * D * lags), atol=0.01)
    every = np.arange(40)
    tau = structure.relaxation_time(every, structure.self_intermediate(walks, k, every))
    assert tau == pytest.approx(1 / (k**2 * D), rel=0.03)


def test_self_intermediate_by_hand():
    """Steps of 2 along one axis: all starting frames count; k d = pi gives 0, k d = pi / 2 gives 2 / pi."""
    walk = np.zeros((4, 1, 3))
    walk[:, 0, 1] = [0, 2, 4, 4]
    first, second, third = structure.self_intermediate(walk, np.pi / 4, [1, 2, 3])
    assert first == pytest.approx((2 / np.pi + 2 / np.pi + 1) / 3)
    assert second == pytest.approx((0 + 2 / np.pi) / 2)
    assert third == pytest.approx(0, abs=1e-12)
    assert structure.self_intermediate(walk, 5.0, [0]) == 1


def test_self_intermediate_is_the_mean_over_directions_of_k():
    walk, k = rng(13).normal(size=(2, 5, 3)), 3.0
    directed = np.cos(k * (walk[1] - walk[0]) @ sphere(20_000).T).mean()
    assert structure.self_intermediate(walk, k, [1])[0] == pytest.approx(directed, abs=1e-6)


def test_relaxation_time():
    lags = np.geomspace(1, 1000, 60)
    assert structure.relaxation_time(lags, np.exp(-lags / 70)) == pytest.approx(70, rel=0.01)
    assert structure.relaxation_time([1, 100], np.exp([0, -2])) == pytest.approx(
        100 ** ((1 - 1 / np.e) / (1 - np.exp(-2)))
    )
    assert structure.relaxation_time([0, 10], [1, 0]) == pytest.approx(10 * (1 - 1 / np.e))
    assert structure.relaxation_time([2, 4, 8, 9], [1, 0.2, 0.5, 0.1]) < 4  # the first time
    assert structure.relaxation_time([2, 4], np.exp([-1.0, -1.5])) == 2
    assert np.isnan(structure.relaxation_time([1, 2, 3], [1, 0.9, 0.4]))
    assert np.isnan(structure.relaxation_time([1, 2, 3], [0.3, 0.2, 0.1]))
    assert np.isnan(structure.relaxation_time([], []))


def test_vft():
    assert structure.vft(0.5, 2.0, 0.4, 0.6) == pytest.approx(2 * np.exp(2))
    np.testing.assert_array_equal(structure.vft([0.6, 0.7], 2.0, 0.4, 0.6), np.inf)


@settings(max_examples=30, deadline=None)
@given(tau0=st.floats(1e-3, 1e3), delta=st.floats(0.1, 3), phi0=st.floats(0.57, 0.7))
def test_vft_fit_finds_its_numbers(tau0, delta, phi0):
    phi = np.linspace(0.25, 0.56, 8)
    found = structure.fit_vft(phi, structure.vft(phi, tau0, delta, phi0))
    np.testing.assert_allclose(found, (tau0, delta, phi0), rtol=1e-4)


def test_vft_fit_of_noisy_times_in_any_order():
    phi, order = np.linspace(0.3, 0.58, 15), rng(14).permutation(15)
    tau = structure.vft(phi, 0.5, 0.6, 0.62) * np.exp(0.05 * rng(15).standard_normal(15))
    found = structure.fit_vft(phi, tau)
    np.testing.assert_allclose(found, (0.5, 0.6, 0.62), rtol=0.25)
    assert found[2] == pytest.approx(0.62, abs=0.01)
    np.testing.assert_allclose(structure.fit_vft(phi[order], tau[order]), found, rtol=1e-5)
    misfit = [np.log(tau / structure.vft(phi, *numbers)).std() for numbers in (found, (0.5, 0.6, 0.62))]
    assert misfit[0] < misfit[1]


# ---- refusal ----

X = gas(20)
R = np.linspace(0, 2, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: structure.g_of_r(np.ones((4, 2)), R), "positions must have shape"),
        (lambda: structure.g_of_r([[0, 0, np.nan]], R), "positions must be finite"),
        (lambda: structure.g_of_r(X, [0, 1, 1]), "r must be increasing"),
        (lambda: structure.g_of_r(X, [1, 0]), "r must be increasing"),
        (lambda: structure.g_of_r(X, [1]), "r must be increasing"),
        (lambda: structure.g_of_r(X, 2), "r must be increasing"),
        (lambda: structure.g_of_r(X, [-1, 1]), "r must be >= 0"),
        (lambda: structure.g_of_r(X, [0, np.nan]), "r must be finite"),
        (lambda: structure.g_of_r(X, [0, 3.1], box=BOX), "r must be at most half the smallest side of the box, 3"),
        (lambda: structure.g_of_r(X, [0, 6.1], window=BOX), "r must be at most the smallest side of the window, 6"),
        (lambda: structure.g_of_r(X * [1, 1, 0], R), "r must be at most the smallest side of the window, 0"),
        (lambda: structure.g_of_r(X, R, window=[[6, 0]] * 3), "r must be at most the smallest side of the window, -6"),
        (lambda: structure.g_of_r(X, R, window=[6, 6]), "window must be sides"),
        (lambda: structure.g_of_r(X, R, window=[6, 6, np.nan]), "window must be finite"),
        (lambda: structure.g_of_r(X, R, box=BOX, window=BOX), "window must be None"),
        (lambda: structure.g_of_r(X, R, box=0), "box must be > 0"),
        (lambda: structure.g_of_r(X, R, box=[6, 6, -6]), "box must be > 0"),
        (lambda: structure.g_of_r(X, R, box=[6, 6]), "box must be one side or three"),
        (lambda: structure.structure_factor(X, None, 3), "box must be the side"),
        (lambda: structure.structure_factor(X, -1, 3), "box must be > 0"),
        (lambda: structure.structure_factor(X, BOX, 0), "k_max must be > 0"),
        (lambda: structure.structure_factor(X, BOX, 0.5), "k_max must be at least"),
        (lambda: structure.structure_factor(X, BOX, 3, width=0), "width must be > 0"),
        (lambda: structure.percus_yevick_s(-1, 0.3), "k must be >= 0"),
        (lambda: structure.percus_yevick_s(1, 0), "phi must lie between 0 and 1"),
        (lambda: structure.percus_yevick_s(1, [0.3, 0.4]), "phi must be one number"),
        (lambda: structure.percus_yevick_g(1, 1), "phi must lie between 0 and 1"),
        (lambda: structure.percus_yevick_g(-1, 0.3), "r must be >= 0"),
        (lambda: structure.percus_yevick_g(np.inf, 0.3), "r must be finite"),
        (lambda: structure.contact_value(-0.1), "phi must lie between 0 and 1"),
        (lambda: structure.contact_value(np.nan), "phi must be finite"),
        (lambda: structure.contact_value(0.3, "virial"), "theory must be one of"),
        (lambda: structure.compressibility_factor([0.3, 1]), "phi must lie between 0 and 1"),
        (lambda: structure.measured_contact_value([1, 1.05], [2, 3, 4]), "g must have the shape"),
        (lambda: structure.measured_contact_value([1, 1.05], [2, 3]), "g must be > 0 in three or more bins"),
        (lambda: structure.measured_contact_value([1, 1.05, 1.1], [2, 0, 3]), "g must be > 0 in three or more bins"),
        (lambda: structure.measured_contact_value([1, 1.05, 1.1], [2, np.nan, 3]), "g must be > 0 in three"),
        (lambda: structure.measured_contact_value([1, 1.05, 1.1], [2, 2, 3], (1.1, 1)), "fit must be a pair"),
        (lambda: structure.bond_order(X, 3), "l must be even"),
        (lambda: structure.bond_order(X, 6.0), "l must be a whole number"),
        (lambda: structure.bond_order(X, r_cut=-1), "r_cut must be > 0"),
        (lambda: structure.bond_order(X, box=2.5), "r_cut must be at most half"),
        (lambda: structure.damage(X, 1.1, 0, rng()), "missing must be a share"),
        (lambda: structure.damage(X, -0.1, 0, rng()), "missing must be >= 0"),
        (lambda: structure.damage(X, 0, -1, rng()), "error must be >= 0"),
        (lambda: structure.damage(X, 0, [1, 1], rng()), "error must be one number"),
        (lambda: structure.self_intermediate(X, 1, [1]), "trajectory must have shape"),
        (lambda: structure.self_intermediate(X[None] * np.nan, 1, [0]), "trajectory must be finite"),
        (lambda: structure.self_intermediate(X[None], 0, [0]), "k must be > 0"),
        (lambda: structure.self_intermediate(X[None], 1, [1]), "lags must be whole numbers"),
        (lambda: structure.self_intermediate(X[None], 1, [-1]), "lags must be whole numbers"),
        (lambda: structure.self_intermediate(X[None], 1, [0.5]), "lags must be whole numbers"),
        (lambda: structure.self_intermediate(X[None], 1, 0), "lags must be whole numbers"),
        (lambda: structure.relaxation_time([2, 1], [1, 0]), "lags must be increasing"),
        (lambda: structure.relaxation_time([-2, 1], [1, 0]), "lags must be >= 0"),
        (lambda: structure.relaxation_time([1, 2], [1, 0, 0]), "F must have the shape of lags"),
        (lambda: structure.relaxation_time([1, 2], [1, np.nan]), "F must be finite"),
        (lambda: structure.vft(1.2, 1, 1, 0.6), "phi must lie between 0 and 1"),
        (lambda: structure.vft(0.5, 0, 1, 0.6), "tau0 must be > 0"),
        (lambda: structure.vft(0.5, 1, -1, 0.6), "delta must be > 0"),
        (lambda: structure.vft(0.5, 1, 1, np.nan), "phi0 must be finite"),
        (lambda: structure.fit_vft([0.3, 0.4], [1, 2]), "phi must hold three different"),
        (lambda: structure.fit_vft([0.3, 0.4, 0.5], [1, 2]), "tau must have the shape"),
        (lambda: structure.fit_vft([0.3, 0.4, 0.5], [1, 2, np.nan]), "tau must be finite"),
        (lambda: structure.fit_vft([0.3, 0.4, 0.5], [1, 2, 0]), "tau must be > 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
