"""Sets of gels compared gel by gel: are generated ones told from real ones, and are they copies?"""

import numpy as np
from scipy.spatial import cKDTree

from helpers.common import check
from helpers.microgels.clouds import centred, check_cloud, check_clouds, thinned

__all__ = ["chamfer", "minimum_chamfer", "one_nearest_neighbour_accuracy"]


def chamfer(a, b) -> float:
    """Return the Chamfer distance of two clouds (N, 3) and (M, 3), in nm^2, as they lie.

    mean_i min_j |a_i - b_j|^2 + mean_j min_i |a_i - b_j|^2. It falls as the number of points grows: compare distances
    between equal numbers only. Source: Fan, Su & Guibas 2017.
    """
    return _chamfer(_tree(check_cloud("a", a)), _tree(check_cloud("b", b)))


def _tree(points: np.ndarray) -> cKDTree:
    return cKDTree(points)


def _chamfer(a: cKDTree, b: cKDTree) -> float:
    return float((b.query(a.data)[0] ** 2).mean() + (a.query(b.data)[0] ** 2).mean())


def one_nearest_neighbour_accuracy(
    real, generated, n_points: int = 512, rng: np.random.Generator | None = None
) -> float:
    """Return the share of gels whose nearest other gel, by Chamfer distance, is of their own kind, 0..1.

    Both lists hold equally many clouds. Each is centred on its median and thinned to ``n_points``, drawn by ``rng``
    (default: seed 0). About 1/2 where nobody can tell the two kinds apart, 1 where everybody can; well below 1/2 where
    one copies the other.
    Source: Lopez-Paz & Oquab 2017; for clouds Yang et al. 2019 (PointFlow).
    """
    real, generated = check_clouds("real", real, at_least=2), check_clouds("generated", generated, at_least=2)
    if len(real) != len(generated):
        raise ValueError(f"generated must hold as many clouds as real ({len(real)}), got {len(generated)}")
    n_points, clouds = check.whole("n_points", n_points), real + generated
    if min(map(len, clouds)) < n_points:
        raise ValueError(f"n_points must be <= the smallest cloud ({min(map(len, clouds))}), got {n_points}")
    rng = np.random.default_rng(0) if rng is None else rng
    trees = [_tree(thinned(centred(cloud), n_points, rng)) for cloud in clouds]
    distance = np.full((len(trees), len(trees)), np.inf)
    for i, j in zip(*np.triu_indices(len(trees), k=1), strict=True):
        distance[i, j] = distance[j, i] = _chamfer(trees[i], trees[j])
    is_real = np.arange(len(trees)) < len(real)
    return float((is_real[distance.argmin(axis=1)] == is_real).mean())


def minimum_chamfer(generated, training) -> np.ndarray:
    """Return the Chamfer distance of each generated gel to the nearest training gel, (n_generated,) in nm^2.

    Every cloud is centred on its median and used whole. A memorised gel lies far nearer than a gel that was held out:
    compare with held-out gels of as many points.
    """
    kinds = check_clouds("generated", generated), check_clouds("training", training)
    ours, theirs = ([_tree(centred(cloud)) for cloud in kind] for kind in kinds)
    return np.array([min(_chamfer(tree, other) for other in theirs) for tree in ours])
