"""Topological clusters: the bond rule and the clusters by brute force, exact counts of crystals, invariances."""

import functools
import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from helpers.colloids import structure, topology

BOX = np.array([4.3, 5.0, 5.9])
KINDS = ["sp5c", "9B", "10B", "13A"]


def rng(seed=0):
    return np.random.default_rng(seed)


def nearest(step, box):
    return step if box is None else step - box * np.round(step / box)


@functools.cache
def packing(seed, n=150):
    """Return spheres of diameter 1 in a periodic box, their overlaps pushed apart for a while: a dense disorder."""
    x = rng(seed).uniform(0, 1, (n, 3)) * BOX
    for _ in range(300):
        step = nearest(x[:, None] - x, BOX)
        length = np.linalg.norm(step, axis=2) + 9 * np.eye(n)
        push = np.clip(1 - length, 0, None)
        x = (x + 0.3 * (step / length[..., None] * push[..., None]).sum(1)) % BOX
    x.flags.writeable = False
    return x


def lattice(basis, cell, repeats):
    corners = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), -1).reshape(-1, 1, 3)
    return ((corners + np.array(basis)) * cell).reshape(-1, 3), np.array(repeats) * cell


def crystal(name):
    """Return the positions and the box of a crystal, nearest neighbours at 1."""
    if name == "sc":
        return lattice([[0, 0, 0]], np.ones(3), (6, 5, 7))
    if name == "bcc":
        return lattice([[0, 0, 0], [0.5, 0.5, 0.5]], np.full(3, 2 / 3**0.5), (7, 7, 7))
    if name == "fcc":
        return lattice([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], np.full(3, 2**0.5), (5, 5, 5))
    basis = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 1 / 6, 0.5], [0.5, 2 / 3, 0]]
    return lattice(basis, np.array([8 / 3, 3, 1]) ** 0.5, (4, 5, 10))  # hcp


def icosahedron():
    """Return 13 particles, the centre first, the shell at 1."""
    golden = (1 + 5**0.5) / 2
    corners = [np.roll([0, a, b], k) for a in (1, -1) for b in (golden, -golden) for k in range(3)]
    return np.concatenate([[[0, 0, 0]], np.array(corners) / np.hypot(1, golden)])


def double_icosahedron():
    """Return 19 particles: two icosahedra that share seven, each with its centre in the shell of the other."""
    one = icosahedron()
    axis = one[1]
    height = one @ axis
    half, ring = one[height < 0.1], one[(height > 0.1) & (height < 0.9)]
    shared = ring + np.outer(0.5 - ring @ axis, axis)
    return np.concatenate([half, shared, half + 2 * np.outer(0.5 - half @ axis, axis)])


def brute_bonds(x, r_cut, fc, box=None):
    step = nearest(x[None] - x[:, None], box)
    r2 = (step**2).sum(2)
    kept = []
    for i, j in itertools.combinations(range(len(x)), 2):
        others = [k for k in range(len(x)) if k not in (i, j) and min(r2[i, k], r2[j, k]) < r2[i, j]]
        if r2[i, j] <= r_cut**2 and not any(r2[i, j] > fc * (r2[i, k] + r2[j, k]) for k in others):
            kept.append((i, j))
    return np.array(kept).reshape(-1, 2)


def brute_clusters(n, bonds):
    """Return the sets of particles of each kind by the definitions, all combinations tried."""
    A = np.zeros((n, n), int)
    A[tuple(bonds.T)] = A[tuple(bonds.T[::-1])] = 1
    walks = np.arange(n)[:, None]
    for _ in range(4):
        row, following = np.nonzero(A[walks[:, -1]])
        walks = np.column_stack([walks[row], following])[following > walks[row, 0]]
    walks = walks[(A[walks[:, :, None], walks[:, None]].sum(2) == 2).all(1)]
    rings = {ring for ring in map(frozenset, walks.tolist()) if len(ring) == 5}
    found = [(set(np.flatnonzero(A[list(ring)].sum(0) == 5).tolist()), ring) for ring in rings]
    sp5c = [(spindles, ring) for spindles, ring in found if len(spindles) == 2]
    nine, ten = [], {}
    for (i, (sa, ra)), (j, (sb, rb)) in itertools.combinations(enumerate(sp5c), 2):
        if len(sa & sb) == 1 and sa - sb <= rb and sb - sa <= ra and len(ra & rb) == 2:
            nine.append(sa | sb | ra | rb)
            s, p, q = sa & sb, *(sa - sb), *(sb - sa)
            for k, (sc, rc) in enumerate(sp5c):
                (r,) = sc - s if s <= sc else (None,)
                if r in nine[-1] and A[r, p] and A[r, q] and {p, q} <= rc and len((sc | rc) - nine[-1]) == 1:
                    ten[frozenset((i, j, k))] = nine[-1] | sc | rc
    each = [[spindles | ring for spindles, ring in sp5c if s in spindles] for s in range(n)]
    icosahedra = [set().union(*mine) for mine in each if len(mine) >= 12]
    return dict(zip(KINDS, [[a | b for a, b in sp5c], nine, list(ten.values()), icosahedra], strict=True))


def as_sets(bonds):
    return {frozenset(pair) for pair in np.asarray(bonds).tolist()}


def same(one, other):
    assert one.counts == other.counts
    for kind in KINDS:
        np.testing.assert_array_equal(one.members[kind], other.members[kind])


# ---- pairs and bonds ----


@pytest.mark.parametrize("box", [None, BOX])
def test_pairs_by_brute_force(box):
    x = rng(1).uniform(-9, 9, (60, 3))
    found, step = topology.pairs(x, 2.1, box)
    every = nearest(x[None] - x[:, None], box)
    expected = [(i, j) for i, j in itertools.combinations(range(60), 2) if np.linalg.norm(every[i, j]) <= 2.1]
    assert found.tolist() == [list(pair) for pair in expected]
    np.testing.assert_allclose(step, [every[pair] for pair in expected], atol=1e-12)
    assert len(expected) > 5


def test_one_side_is_a_cube():
    x = rng(2).uniform(0, 5, (50, 3))
    assert topology.pairs(x, 1.5, 5)[0].tolist() == topology.pairs(x, 1.5, [5, 5, 5])[0].tolist()


@pytest.mark.parametrize("box", [None, BOX * 1.3])
@pytest.mark.parametrize("fc", [0.3, 0.5, 0.82, 1.0])
@pytest.mark.parametrize("r_cut", [1.2, 1.6])
def test_bonds_by_brute_force(r_cut, fc, box, monkeypatch):
    x = rng(3).uniform(0, 1, (90, 3)) * BOX * 1.3
    expected = as_sets(brute_bonds(x, r_cut, fc, box))
    found = topology.bonds(x, r_cut, fc, box)
    assert as_sets(found) == expected
    assert (found[:, 0] < found[:, 1]).all()
    assert 0 < len(found) == len(expected)
    monkeypatch.setattr(topology, "_PART", 5)  # one particle at a time
    np.testing.assert_array_equal(topology.bonds(x, r_cut, fc, box), found)


def test_fc_one_is_the_gabriel_graph():
    """No other particle lies in the ball whose diameter is the bond."""
    x = rng(4).uniform(0, 4, (80, 3))
    expected = set()
    for i, j in itertools.combinations(range(80), 2):
        away = np.linalg.norm(x - (x[i] + x[j]) / 2, axis=1)
        if (np.delete(away, [i, j]) >= np.linalg.norm(x[i] - x[j]) / 2).all():
            expected.add(frozenset((i, j)))
    assert as_sets(topology.bonds(x, 9.0, fc=1.0)) == expected


def test_an_obtuse_triangle_loses_its_longest_bond():
    """A right angle is the border at fc = 1; with fc = 0.82 it is where r^2 = 0.82 (1 + 1)."""
    for degrees, fc, n_bonds in [(89, 1, 3), (91, 1, 2), (79, 0.82, 3), (81, 0.82, 2)]:
        angle = np.radians(degrees)
        x = [[0, 0, 0], [0, 0, 1], [0, np.sin(angle), np.cos(angle)]]
        assert len(topology.bonds(x, fc=fc)) == n_bonds


@pytest.mark.parametrize(("name", "n", "each"), [("sc", 210, 6), ("bcc", 686, 14), ("fcc", 500, 12), ("hcp", 800, 12)])
def test_crystals(name, n, each):
    x, box = crystal(name)
    bonds = topology.bonds(x, box=box)
    assert len(x) == n
    assert (np.bincount(bonds.ravel(), minlength=n) == each).all()
    found = topology.clusters(x, box=box)
    assert found.counts["10B"] == found.counts["13A"] == 0
    if name != "bcc":
        assert found.counts == dict.fromkeys(KINDS, 0)


def test_bonds_of_a_noisy_crystal_hold_at_the_smaller_fc():
    x, box = crystal("fcc")
    x = x + 0.05 * rng(5).standard_normal(x.shape)
    kept = [(np.bincount(topology.bonds(x, fc=fc, box=box).ravel()) == 12).mean() for fc in (0.82, 1.0)]
    assert kept[0] > 0.97
    assert kept[1] < 0.8


# ---- clusters ----


def test_an_icosahedron():
    found = topology.clusters(icosahedron())
    assert found.counts == {"sp5c": 12, "9B": 30, "10B": 20, "13A": 1}
    assert found.fractions == dict.fromkeys(KINDS, 1.0)


def test_an_icosahedron_without_one_particle_of_its_shell():
    found = topology.clusters(icosahedron()[:-1])
    assert found.counts == {"sp5c": 6, "9B": 10, "10B": 5, "13A": 0}
    assert found.fractions["10B"] == 1


def test_an_icosahedron_without_its_centre_is_empty():
    """Its shell has rings of five, but each has one particle bonded to all of it, not two."""
    assert topology.clusters(icosahedron()[1:]).counts == dict.fromkeys(KINDS, 0)


def test_two_icosahedra_and_a_stranger():
    x = double_icosahedron()
    assert len(x) == 19
    found = topology.clusters(np.concatenate([x, [[9, 0, 0]]]))
    assert found.counts["13A"] == 2
    for kind in KINDS:
        assert found.members[kind].tolist() == [True] * 19 + [False]
        assert found.fractions[kind] == pytest.approx(19 / 20)


def test_a_pentagonal_bipyramid():
    angle = 2 * np.pi * np.arange(5) / 5
    ring = np.stack([0 * angle, np.sin(angle), np.cos(angle)], 1) / (2 * np.sin(np.pi / 5))
    x = np.concatenate([ring, [[0.53, 0, 0], [-0.53, 0, 0]]])
    assert topology.clusters(x).counts == {"sp5c": 1, "9B": 0, "10B": 0, "13A": 0}
    assert topology.clusters(x[:-1]).counts["sp5c"] == 0  # one spindle
    assert topology.clusters(x[1:]).counts["sp5c"] == 0  # a ring of four


CASES = {
    "periodic": lambda: (packing(seed=6), BOX),
    "open": lambda: (packing(seed=7), None),
    "icosahedron": lambda: (icosahedron() + 0.08 * rng(8).standard_normal((13, 3)), None),
    "double": lambda: (double_icosahedron() + 0.04 * rng(9).standard_normal((19, 3)), None),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("fc", [0.82, 1.0])
def test_clusters_by_brute_force(case, fc):
    x, box = CASES[case]()
    expected = brute_clusters(len(x), topology.bonds(x, fc=fc, box=box))
    found = topology.clusters(x, fc=fc, box=box)
    assert found.counts == {kind: len(sets) for kind, sets in expected.items()}
    for kind, sets in expected.items():
        assert set(np.flatnonzero(found.members[kind]).tolist()) == set().union(*sets)
        assert found.fractions[kind] == pytest.approx(len(set().union(*sets)) / len(x))
    assert found.counts["sp5c"] > 0
    assert found.counts["10B"] > 0 or (case, fc) == ("open", 0.82)


@pytest.mark.parametrize("seed", range(60))
def test_clusters_of_any_network_by_brute_force(seed, monkeypatch):
    """A few bonds drawn or cut at random break the conditions that packings of spheres keep by themselves."""
    x = double_icosahedron() if seed % 2 else icosahedron()
    n = len(x) + 2  # and two strangers
    A = np.zeros((n, n), bool)
    A[tuple(topology.bonds(x).T)] = True
    changed = np.argwhere(np.triu(np.ones((n, n)), 1))
    A[tuple(rng(seed).permutation(changed)[: 1 + seed // 4].T)] ^= True
    network = np.argwhere(A)
    monkeypatch.setattr(topology, "bonds", lambda *_: network)
    found, expected = topology.clusters(np.zeros((n, 3))), brute_clusters(n, network)
    assert found.counts == {kind: len(sets) for kind, sets in expected.items()}
    for kind, sets in expected.items():
        assert set(np.flatnonzero(found.members[kind]).tolist()) == set().union(*sets)


def test_a_third_particle_bonded_to_a_ring_undoes_its_bipyramid(monkeypatch):
    """One more particle over a corner of an icosahedron, bonded to the five about it: its centre keeps eleven."""
    x = icosahedron()
    network = topology.bonds(x)
    ring = [k for k in range(2, 13) if np.linalg.norm(x[k] - x[1]) < 1.2]
    more = np.concatenate([network, [(k, 13) for k in ring]])
    monkeypatch.setattr(topology, "bonds", lambda *_: more)
    found, expected = topology.clusters(np.zeros((14, 3))), brute_clusters(14, more)
    assert len(ring) == 5
    assert found.counts == {kind: len(sets) for kind, sets in expected.items()}
    assert found.counts["13A"] == 0
    assert found.counts["sp5c"] == 11


def test_numbers_in_a_dense_disorder_differ_by_kind():
    found = topology.clusters(packing(seed=6), box=BOX)
    assert found.counts["sp5c"] > found.counts["10B"] > 0
    assert 1 >= found.fractions["sp5c"] > found.fractions["9B"] > found.fractions["10B"] > found.fractions["13A"]


# ---- invariance ----


@pytest.mark.parametrize("seed", range(3))
def test_turning_mirroring_and_moving_change_nothing(seed):
    x = packing(seed=10)
    whole = topology.clusters(x)
    turned = x @ Rotation.random(rng=rng(seed)).as_matrix().T + rng(seed).normal(size=3)
    same(topology.clusters(turned), whole)
    same(topology.clusters(x * [1, -1, 1]), whole)
    assert as_sets(topology.bonds(turned)) == as_sets(topology.bonds(x))


@pytest.mark.parametrize("seed", range(3))
def test_a_periodic_shift_changes_nothing(seed):
    x = packing(seed=10)
    moved = x + rng(seed).normal(0, 20, 3) + BOX * rng(seed).integers(-3, 4, (len(x), 3))
    same(topology.clusters(moved, box=BOX), topology.clusters(x, box=BOX))
    assert topology.clusters(x, box=BOX).counts != topology.clusters(x).counts


def test_the_order_of_particles_does_not_matter():
    x, order = packing(seed=10), rng(1).permutation(150)
    whole, mixed = topology.clusters(x, box=BOX), topology.clusters(x[order], box=BOX)
    assert whole.counts == mixed.counts
    for kind in KINDS:
        np.testing.assert_array_equal(mixed.members[kind], whole.members[kind][order])


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_the_order_of_axes_does_not_matter_if_the_box_goes_along(axes):
    x, axes = packing(seed=10), list(axes)
    same(topology.clusters(x[:, axes], box=BOX[axes]), topology.clusters(x, box=BOX))


# ---- little and bad input ----


@pytest.mark.parametrize("box", [None, 5.0])
@pytest.mark.parametrize("n", range(7))
def test_few_particles_have_no_clusters(n, box):
    x = rng(n).uniform(0, 2, (n, 3))
    found = topology.clusters(x, box=box)
    assert found.counts == dict.fromkeys(KINDS, 0)
    assert found.fractions == dict.fromkeys(KINDS, 0.0)
    assert all(mask.shape == (n,) and mask.dtype == bool for mask in found.members.values())
    assert topology.bonds(x, box=box).shape[1] == 2
    assert topology.bonds(x, box=box).dtype.kind == "i"


def test_no_particles_as_a_list_and_particles_that_are_apart():
    assert topology.clusters([]).counts == dict.fromkeys(KINDS, 0)
    assert topology.bonds([[0, 0, 0], [0, 0, 5]]).shape == (0, 2)


def test_input_is_left_as_it_was():
    x = packing(seed=10) - 3
    copy = x.copy()
    topology.clusters(x, box=BOX)
    np.testing.assert_array_equal(x, copy)


@pytest.mark.parametrize("function", [topology.bonds, topology.clusters])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"positions": np.ones((4, 2))}, "positions must have shape"),
        ({"positions": np.ones(3)}, "positions must have shape"),
        ({"positions": [[0, 0, np.nan]]}, "positions must be finite"),
        ({"positions": [["a", "b", "c"]]}, "positions must be a number or an array of numbers"),
        ({"r_cut": 0}, "r_cut must be > 0"),
        ({"r_cut": np.inf}, "r_cut must be finite"),
        ({"r_cut": 2.6, "box": 5}, "r_cut must be at most half the smallest side of the box"),
        ({"r_cut": 2.6, "box": (9, 9, 5)}, "r_cut must be at most half the smallest side of the box"),
        ({"fc": 0}, "fc must be > 0"),
        ({"fc": 1.1}, "fc must be at most 1"),
        ({"box": 0}, "box must be > 0"),
        ({"box": [5, 5, -5]}, "box must be > 0"),
        ({"box": [5, 5]}, "box must be one side or three"),
        ({"box": np.nan}, "box must be finite"),
    ],
)
def test_bad_input_is_refused(function, given, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        function(**({"positions": np.eye(3)} | given))


def test_bonds_and_clusters_are_reached_from_structure():
    assert structure.bonds is topology.bonds
    assert structure.clusters is topology.clusters
