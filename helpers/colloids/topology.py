"""Topological clusters of particles: who is bonded to whom, and which small clusters the bonds form.

Positions (N, 3) in particle diameters, axes (z, y, x). ``box``: None, or the side or three sides of a periodic box.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from helpers.common import check

__all__ = ["Clusters", "bonds", "checked", "clusters", "pairs"]

KINDS = ("sp5c", "9B", "10B", "13A")
_PART = 2**21  # pairs of neighbours that are compared at a time


def checked(positions, box=None, reach: float = 0.0, name: str = "r_cut") -> tuple[np.ndarray, np.ndarray | None]:
    """Return positions (N, 3), wrapped into a periodic box if there is one, and the sides (3,) of the box or None.

    ValueError unless positions are finite and (N, 3), box is > 0 with one or three sides, and ``reach``, which the
    message calls ``name``, is at most half the smallest side: beyond it a particle meets two images of another.
    """
    positions = check.finite("positions", positions)
    positions = positions.reshape(0, 3) if positions.shape == (0,) else positions
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ValueError(f"positions must have shape (N, 3), got {positions.shape}")
    if box is None:
        return positions, None
    sides = check.positive("box", box)
    if sides.shape not in [(), (3,)]:
        raise ValueError(f"box must be one side or three, got shape {sides.shape}")
    sides = np.broadcast_to(sides, 3).astype(float)
    half = sides.min() / 2
    if reach > half * (1 + 1e-12):
        raise ValueError(f"{name} must be at most half the smallest side of the box, {half:g}, got {reach:g}")
    wrapped = positions % sides
    return np.where(wrapped < sides, wrapped, 0.0), sides


def pairs(positions, r_cut: float, box=None) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs i < j (n, 2) of particles at most r_cut apart, sorted, and the vectors (n, 3) from i to j.

    In a periodic box the vector leads to the nearest image. ValueError for r_cut <= 0 or more than half a side.
    """
    r_cut = check.positive_number("r_cut", r_cut)
    positions, sides = checked(positions, box, r_cut)
    if len(positions) < 2:
        return np.empty((0, 2), int), np.empty((0, 3))
    found = cKDTree(positions, boxsize=sides).query_pairs(r_cut, output_type="ndarray")
    found = found[np.lexsort((found[:, 1], found[:, 0]))].astype(int)
    step = positions[found[:, 1]] - positions[found[:, 0]]
    return found, step if sides is None else step - sides * np.round(step / sides)


def bonds(positions, r_cut: float = 2.0, fc: float = 0.82, box=None) -> np.ndarray:
    """Return the bonded pairs i < j, (n_bonds, 2), by the modified Voronoi rule in its simplified form.

    Particles at most r_cut apart are bonded, unless some k is nearer to i than j (or nearer to j than i) and
    r_ij^2 > fc (r_ik^2 + r_jk^2). fc = 1 is the Gabriel graph, in which noise decides about the diagonals of a square
    of particles; fc < 1 cuts them. ValueError unless 0 < fc <= 1, and as ``pairs``.
    Source: Malins, Williams, Eggers & Royall 2013 (J. Chem. Phys. 139, 234506).
    """
    fc = check.positive_number("fc", fc)
    if fc > 1:
        raise ValueError(f"fc must be at most 1, got {fc:g}")
    found, step = pairs(positions, r_cut, box)
    n = len(found)
    if not n:
        return found
    centre, step = np.concatenate(found.T), np.concatenate([step, -step])
    order = np.argsort(centre, kind="stable")
    pair, step = order % n, step[order]
    particle, first, count = np.unique(centre[order], return_index=True, return_counts=True)
    kept = np.ones(n, bool)
    at_once = max(1, _PART // count.max() ** 2)
    for start in range(0, len(particle), at_once):
        part = slice(start, start + at_once)
        column = np.arange(count[part].max())
        present = column < count[part, None]
        row = np.where(present, first[part, None] + column, 0)
        kept[pair[row[_cut(step[row], present, fc)]]] = False
    return found[kept]


def _cut(step, present, fc):
    """Return which vectors (n, K) from n particles to K neighbours j are cut by another neighbour k."""
    r2 = np.where(present, (step**2).sum(2), np.inf)
    step = np.where(present[..., None], step, 0.0)
    between = ((step[:, :, None] - step[:, None]) ** 2).sum(3)  # (n, j, k)
    nearer = r2[:, None] < r2[:, :, None]
    return (nearer & (r2[:, :, None] > fc * (r2[:, None] + between))).any(2) & present


@dataclass(frozen=True)
class Clusters:
    """The clusters of each kind "sp5c", "9B", "10B", "13A": counts, and the particles that are in at least one.

    ``counts[kind]`` is a number of clusters, ``members[kind]`` a mask (N,) and ``fractions[kind]`` its mean, 0 without
    particles. The fraction of the particles away from the faces is ``members[kind][inside].mean()``.
    """

    counts: dict[str, int]
    members: dict[str, np.ndarray]

    @property
    def fractions(self) -> dict[str, float]:
        """The share of particles in at least one cluster of each kind, 0..1."""
        return {kind: float(mask.mean()) if mask.size else 0.0 for kind, mask in self.members.items()}


def clusters(positions, r_cut: float = 2.0, fc: float = 0.82, box=None) -> Clusters:
    """Return the clusters sp5c, 9B, 10B and 13A of the network of ``bonds``.

    sp5c (pentagonal bipyramid, 7 particles): a chordless ring of five bonds and exactly two particles, the spindles,
    bonded to all five. 9B: two sp5c that share one spindle; the other spindle of each lies in the ring of the other,
    and the rings share two particles. 10B (defective icosahedron): a 9B and a third sp5c about the same spindle, whose
    other spindle is in the 9B and bonded to both others; these lie in its ring, and it brings one new particle.
    13A (icosahedron): a spindle of 12 or more sp5c and their particles; trust it at fc = 0.82 only.
    ValueError as ``bonds``. Source: Malins, Williams, Eggers & Royall 2013.
    """
    positions, _ = checked(positions, box)
    n = len(positions)
    near = [set() for _ in range(n)]
    for i, j in bonds(positions, r_cut, fc, box).tolist():
        near[i].add(j)
        near[j].add(i)
    found = dict(zip(KINDS, _grow(_bipyramids(near), near), strict=True))
    members = {kind: np.zeros(n, bool) for kind in KINDS}
    for kind, sets in found.items():
        members[kind][list(set().union(*sets))] = True
    return Clusters({kind: len(sets) for kind, sets in found.items()}, members)


def _bipyramids(near):
    """Return all sp5c as (spindles, ring), both frozen sets."""
    n = len(near)
    columns = [j for others in near for j in others]
    ends = np.cumsum([0] + [len(others) for others in near])
    bonded = sparse.csr_array((np.ones(len(columns), int), columns, ends), shape=(n, n))
    shared = sparse.triu(bonded @ bonded, k=1, format="coo")
    found = []
    for i, j in zip(*(axis[shared.data >= 5].tolist() for axis in shared.coords), strict=True):
        for ring in _rings(near[i] & near[j], near):
            if len(set.intersection(*(near[k] for k in ring))) == 2:
                found.append((frozenset((i, j)), frozenset(ring)))
    return found


def _rings(particles, near):
    """Yield all chordless rings a b c d e of bonds among some particles, a the lowest number, each once."""
    for a in particles:
        later = {k for k in particles if k > a}
        far = later - near[a]
        for b, e in itertools.combinations(later & near[a], 2):
            if e not in near[b]:
                for c in (far & near[b]) - near[e]:
                    for d in (far & near[c] & near[e]) - near[b]:
                        yield {a, b, c, d, e}


def _grow(bipyramids, near):
    """Return the particles of all sp5c, 9B, 10B and 13A, four lists of frozen sets."""
    body = [spindles | ring for spindles, ring in bipyramids]
    about, between = {}, {}  # the numbers of the sp5c about one spindle, and between two
    for a, (spindles, _) in enumerate(bipyramids):
        between.setdefault(spindles, []).append(a)
        for s in spindles:
            about.setdefault(s, []).append(a)
    nine, ten = {}, {}
    for s, numbers in about.items():
        for a in numbers:
            (p,), ring = bipyramids[a][0] - {s}, bipyramids[a][1]
            for q in ring:
                for b in between.get(frozenset((s, q)), []):
                    if p in bipyramids[b][1] and len(ring & bipyramids[b][1]) == 2:
                        nine[frozenset((a, b))] = body[a] | body[b]
                        _add_tens(ten, s, (a, b), (p, q), bipyramids, between, near)
    icosahedra = [frozenset().union(*(body[a] for a in about[s])) for s in about if len(about[s]) >= 12]
    return body, list(nine.values()), list(ten.values()), icosahedra


def _add_tens(ten, s, pair, others, bipyramids, between, near):
    """Add to ten, keyed by three numbers of sp5c, all 10B that the 9B of a pair about s belongs to."""
    a, b = pair
    shell = frozenset().union(*bipyramids[a], *bipyramids[b])
    p, q = others
    for r in shell & near[p] & near[q]:
        for c in between.get(frozenset((s, r)), []):
            body = bipyramids[c][0] | bipyramids[c][1]
            if {p, q} <= bipyramids[c][1] and len(body - shell) == 1:
                ten[frozenset((a, b, c))] = shell | body
