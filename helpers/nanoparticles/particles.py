"""Particles: clusters of touching gold spheres, seen by a scanning electron microscope, one by one or in a field."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from helpers.common import check
from helpers.nanoparticles.images import check_images

__all__ = [
    "COUNTS",
    "EDGE_LIMIT",
    "SIZE",
    "Clusters",
    "Field",
    "Patches",
    "expose",
    "field",
    "inertia",
    "make",
    "pack",
    "segment",
    "specimen",
]

COUNTS = (304, 93, 49, 31)  # images of 1, 2, 3 and 4 particles in the original
SIZE = 40  # pixels along each side of an image
EDGE_LIMIT = 4.0  # largest yield of a grazing surface, that of a flat one being 1

_MOST = len(COUNTS)
_FINE = 4  # sub-samples of a pixel along each axis
_CONTACT = 0.95  # spheres may come this near, in units of contact: a projection of spheres at slightly different height
_GOLD = 0.5  # signal of flat gold, of full scale
_GRAIN, _GRAIN_PX = 0.12, 0.8  # relative sd of the substrate's texture and the sd of the Gaussian that smooths it
_TILT = 0.04  # sd of the change of the signal across the frame (charging)
_LINES = 0.03  # sd of the offset of a scan line (charging)


class Clusters(NamedTuple):
    """The truth behind N images of clusters, arrays with N rows.

    ``n`` particles; their mean radius ``radius_px``; ``radii_px`` (N, 4) and ``centres_px`` (N, 4, 2) as (row, column),
    pixel (i, j) having its centre at (i, j), NaN where there is no particle; ``angle_deg`` and ``anisotropy`` as in
    ``inertia``; ``background`` in units of full scale; ``dose``, electrons per pixel at full scale; ``blur_px``, the sd
    of the beam.
    """

    n: np.ndarray
    radius_px: np.ndarray
    radii_px: np.ndarray
    centres_px: np.ndarray
    angle_deg: np.ndarray
    anisotropy: np.ndarray
    background: np.ndarray
    dose: np.ndarray
    blur_px: np.ndarray


class Field(NamedTuple):
    """A micrograph (size, size) in 0..1 and its M clusters: centroids (M, 2) as (row, column), labels, angles."""

    image: np.ndarray
    centres_px: np.ndarray
    labels: np.ndarray
    angle_deg: np.ndarray


class Patches(NamedTuple):
    """Pieces of a micrograph (N, size, size), the points (N, 2) (row, column) they are centred on, and their areas."""

    images: np.ndarray
    centres_px: np.ndarray
    area_px: np.ndarray


def make(
    n_per_class=COUNTS,
    radius_px=4.5,
    radius_sd_px=0.5,
    polydispersity=0.05,
    background=(0.05, 0.30),
    dose=(30, 100),
    blur_px=(0.5, 1.0),
    offset_px=1.5,
    size=SIZE,
    rng=None,
) -> tuple[np.ndarray, np.ndarray, Clusters]:
    """Return simulated images (N, size, size) float32 in 0..1, labels 0..3 for 1-4 particles, and the ``Clusters``.

    ``n_per_class`` is one number, or four (default: those of the original); the order is random. Per image: the mean
    radius is Gaussian (``radius_px``, ``radius_sd_px``, kept within 3 sd), single radii differ by the relative sd
    ``polydispersity``; background, dose and width of the beam are uniform in their pairs; the centroid lies within
    +-``offset_px`` of the middle along each axis. Long clusters may be cut by the edge of the frame.

    Signal = beam * [gold / 2 + background sky (1 + grain) + tilt] + line offsets, with ``specimen`` for gold and sky;
    then ``expose``, and the detector saturates at 1. Source: facts of SEM in Goldstein et al. 2018; the numbers are
    plausible, not fitted, as the images of the original are not public.
    """
    counts = _counts(n_per_class)
    mean, sd = check.positive_number("radius_px", radius_px), check.non_negative_number("radius_sd_px", radius_sd_px)
    if 3 * sd >= mean:
        raise ValueError(f"radius_sd_px must be below a third of radius_px, got {sd:g} and {mean:g}")
    spread, offset = _polydispersity(polydispersity), check.non_negative_number("offset_px", offset_px)
    size, dose = check.whole("size", size, at_least=8), check.interval("dose", dose, check.positive)
    background = check.interval("background", background, check.non_negative)
    blur = check.interval("blur_px", blur_px, check.non_negative)
    rng = np.random.default_rng() if rng is None else rng
    labels = rng.permutation(np.repeat(np.arange(_MOST), counts))
    radius = mean + sd * np.clip(rng.standard_normal(len(labels)), -3, 3)
    radii, centres = np.full((len(labels), _MOST), np.nan), np.full((len(labels), _MOST, 2), np.nan)
    for row, n in enumerate(labels + 1):
        where, radii[row, :n] = pack(n, radius[row], spread, rng)
        centres[row, :n] = where + (size - 1) / 2 + rng.uniform(-offset, offset, 2)
    angle, anisotropy = _inertia(centres, radii)
    seen = [rng.uniform(*pair, len(labels)) for pair in (background, dose, blur)]
    clusters = Clusters(labels + 1, radius, radii, centres, angle, anisotropy, *seen)
    images = np.empty((len(labels), size, size), np.float32)
    for row, n in enumerate(labels + 1):
        gold, sky = specimen(centres[row, :n], radii[row, :n], (size, size))
        images[row] = _micrograph(gold, sky, *(values[row] for values in seen), rng)
    return images, labels, clusters


def pack(n: int, radius_px: float, polydispersity=0.05, rng=None) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres (n, 2) of n touching spheres about their centroid, weighted by area, and their radii (n,).

    Each sphere after the first touches a random earlier one, |c_i - c_j| = r_i + r_j, in a random direction, and comes
    no nearer to the others than 95 % of contact. Radii are Gaussian with this relative sd, kept within 3 sd.
    """
    n, radius = check.whole("n", n), check.positive_number("radius_px", radius_px)
    spread = _polydispersity(polydispersity)
    rng = np.random.default_rng() if rng is None else rng
    radii = radius * (1 + spread * np.clip(rng.standard_normal(n), -3, 3))
    centres = np.zeros((n, 2))
    placed = 1
    while placed < n:
        to, direction = rng.integers(placed), rng.uniform(0, 2 * np.pi)
        reach = radii[placed] + radii[:placed]
        centre = centres[to] + reach[to] * np.array([np.sin(direction), np.cos(direction)])
        if (np.linalg.norm(centres[:placed] - centre, axis=1) >= _CONTACT * reach).all():
            centres[placed] = centre
            placed += 1
    return centres - np.average(centres, axis=0, weights=radii**2), radii


def inertia(centres_px, radii_px) -> tuple[float, float]:
    """Return the angle of the long axis of a cluster in degrees, 0..180, and its anisotropy, 0..1.

    M = sum_i a_i (d_i d_i^T + r_i^2 / 4) / sum_i a_i with a_i = r_i^2 and d_i from the centroid; the angle is that of
    its first eigenvector, counter-clockwise as seen, 0 pointing right; the anisotropy (l1 - l2) / (l1 + l2) of its
    eigenvalues is 2/3 for an equal dimer, and where it is near 0 the angle means nothing. One particle has no axis:
    NaN and 0. Centres (n, 2) (row, column), radii (n,).
    """
    centres, radii = _spheres(centres_px, radii_px)
    angle, anisotropy = _inertia(centres[None], radii[None])
    return float(angle[0]), float(anisotropy[0])


def _inertia(centres, radii):
    """Return angles and anisotropies (N,) of clusters (N, n, 2), (N, n) padded with NaN."""
    area = np.nan_to_num(radii**2)
    share = area / area.sum(axis=1, keepdims=True)
    x, y = np.nan_to_num(centres[..., 1]), -np.nan_to_num(centres[..., 0])
    x, y = (c - (share * c).sum(axis=1, keepdims=True) for c in (x, y))
    xx, yy, xy = ((share * product).sum(axis=1) for product in (x * x, y * y, x * y))
    own = (share * area).sum(axis=1) / 4
    angle = np.degrees(np.arctan2(2 * xy, xx - yy)) / 2 % 180
    angle[(area > 0).sum(axis=1) == 1] = np.nan
    return angle, np.hypot(2 * xy, xx - yy) / (xx + yy + 2 * own)


def specimen(centres_px, radii_px, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return what a sharp beam finds: the yield of the gold and the sky that the substrate sees, (H, W) each.

    Gold: the secondary-electron yield 1 / cos(theta) = (1 - d^2 / r^2)^(-1/2) of the uppermost sphere at distance d
    from its centre, flat gold being 1, and at most 4 (a finite escape depth); 0 beside the spheres.
    Sky: beside the spheres 1 - sum_i [r_i^2 / (r_i^2 + d_i^2)]^(3/2), at least 0, the share of electrons with a Lambert
    distribution that spheres lying on the substrate do not catch; 0 under them. Both are means over 4 x 4 points of a
    pixel. Centres (n, 2) (row, column), radii (n,). Source: Seiler 1983 (yield), Howell (view factor of a sphere).
    """
    centres, radii = _spheres(centres_px, radii_px)
    height, width = (check.whole("shape", side) for side in shape)
    row, column = (((np.arange(_FINE * side) + 0.5) / _FINE - 0.5).astype(np.float32) for side in (height, width))
    top = np.zeros((len(row), len(column)), np.float32)
    gold, shade = np.zeros_like(top), np.zeros_like(top)
    for centre, radius in zip(centres.astype(np.float32), radii.astype(np.float32), strict=True):
        d2 = ((row - centre[0]) ** 2)[:, None] + (column - centre[1]) ** 2
        shade += (radius**2 / (radius**2 + d2)) ** np.float32(1.5)
        cos = np.sqrt(np.maximum(1 - d2 / radius**2, 0))
        over = (cos > 0) & (radius * (1 + cos) > top)
        top[over] = (radius * (1 + cos))[over]
        gold[over] = np.minimum(1 / cos[over], np.float32(EDGE_LIMIT))
    sky = np.where(top > 0, 0, np.maximum(1 - shade, 0))
    return tuple(fine.reshape(height, _FINE, width, _FINE).mean(axis=(1, 3)) for fine in (gold, sky))


def expose(signal, dose, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return Poisson(dose signal) / dose, float32: mean signal, variance signal / dose; what is negative counts as 0.

    ``dose`` is the number of electrons of a pixel at signal 1, one number or an array that fits the signal.
    """
    signal, dose = check.finite("signal", signal), check.positive("dose", dose)
    rng = np.random.default_rng() if rng is None else rng
    return (rng.poisson(dose * np.maximum(signal, 0)) / dose).astype(np.float32)


def _micrograph(gold, sky, background, dose, blur, rng):
    """Return the picture (H, W) in 0..1 of a specimen."""
    height, width = gold.shape
    tilt = rng.normal(0, _TILT, 2)
    slope = tilt[0] * np.linspace(-0.5, 0.5, height)[:, None] + tilt[1] * np.linspace(-0.5, 0.5, width)
    substrate = background * (1 + _GRAIN * _grain(gold.shape, rng))
    signal = ndimage.gaussian_filter(_GOLD * gold + substrate * sky + slope, blur, mode="nearest")
    signal += rng.normal(0, _LINES, (height, 1))
    return np.minimum(expose(signal, dose, rng), 1)


def _grain(shape, rng):
    """Return a Gaussian random texture of mean 0 and variance 1."""
    kernel = ndimage.gaussian_filter(np.pad([[1.0]], 6), _GRAIN_PX)
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape), _GRAIN_PX, mode="wrap")
    return smooth / np.sqrt((kernel**2).sum())


# --- a field and its library ------------------------------------------------------------------------------------------


def field(n_clusters: int, size: int = 512, rng: np.random.Generator | None = None) -> Field:
    """Return a simulated micrograph of separate clusters with its truth, a ``Field``.

    Background, dose and beam are drawn once, the clusters as in ``make``, their classes with the shares of ``COUNTS``.
    No cluster reaches into the square of 40 px about the centroid of another. ValueError if they find no place.
    """
    n_clusters, size = check.whole("n_clusters", n_clusters), check.whole("size", size, at_least=2 * SIZE)
    rng = np.random.default_rng() if rng is None else rng
    labels = rng.choice(_MOST, n_clusters, p=np.array(COUNTS) / sum(COUNTS))
    clusters = [pack(n, 4.5 + 0.5 * np.clip(rng.standard_normal(), -3, 3), rng=rng) for n in labels + 1]
    extents = [(np.abs(centres).max(axis=1) + radii).max() for centres, radii in clusters]
    centroids = _apart(extents, size, rng)
    gold, sky = np.zeros((size, size)), np.ones((size, size))
    for (centres, radii), centroid in zip(clusters, centroids, strict=True):
        low = np.maximum(np.round(centroid).astype(int) - SIZE, 0)
        high = np.minimum(low + 2 * SIZE, size)
        part = np.s_[low[0] : high[0], low[1] : high[1]]
        more, left = specimen(centres + centroid - low, radii, tuple(high - low))
        gold[part] += more
        sky[part] *= left
    image = _micrograph(gold, sky, rng.uniform(0.05, 0.30), rng.uniform(30, 100), rng.uniform(0.5, 1.0), rng)
    angles = np.array([inertia(*cluster)[0] for cluster in clusters])
    return Field(image, centroids, labels, angles)


def _apart(extents, size, rng, tries=2000):
    """Return centroids (M, 2) so that no cluster reaches into the square about another, the largest placed first."""
    centroids = np.full((len(extents), 2), np.nan)
    extents, half = np.asarray(extents), SIZE / 2
    for number in np.argsort(-extents, kind="stable"):
        free = half + np.maximum(extents, extents[number]) + 1
        for trial in rng.uniform(half + 1, size - 2 - half, (tries, 2)):
            if not (np.abs(centroids - trial).max(axis=1) < free).any():  # false for those that have no place yet
                centroids[number] = trial
                break
        else:
            raise ValueError(f"n_clusters must be smaller: {len(extents)} clusters find no place in {size} x {size} px")
    return centroids


def segment(field_image, size: int = SIZE, smooth_px: float = 1.0, min_area_px: float = 20) -> Patches:
    """Return the ``Patches`` of a micrograph (H, W), one about each cluster, from the top to the bottom.

    The median of each row is taken off (line offsets), the rest smoothed, cut at Otsu's threshold and filled; each
    8-connected part of at least ``min_area_px`` pixels is a cluster. A patch is cut from the image as it was, on whole
    pixels, so that the centre of the part lies within half a pixel of its middle; patches that would leave the image
    are left out.
    Otsu's threshold always divides: an image without clusters gives parts of its noise. Source: Otsu 1979.
    """
    image = check_images("field_image", field_image)
    if image.ndim != 2:
        raise ValueError(f"field_image must have shape (H, W), got {image.shape}")
    size, smooth = check.whole("size", size), check.non_negative_number("smooth_px", smooth_px)
    least = check.non_negative_number("min_area_px", min_area_px)
    level = ndimage.gaussian_filter(image - np.median(image, axis=1, keepdims=True), smooth)
    gold = (
        ndimage.binary_fill_holes(level > threshold_otsu(level)) if np.ptp(level) > 0 else np.zeros(image.shape, bool)
    )
    parts, n = ndimage.label(gold, np.ones((3, 3)))
    numbers = np.arange(1, n + 1)
    area = ndimage.sum_labels(gold, parts, numbers)
    centres = np.array(ndimage.center_of_mass(gold, parts, numbers)).reshape(-1, 2)
    first = np.round(centres - (size - 1) / 2).astype(int)
    kept = (area >= least) & (first >= 0).all(axis=1) & (first + size <= image.shape).all(axis=1)
    patches = [image[row : row + size, column : column + size] for row, column in first[kept]]
    images = np.stack(patches) if patches else np.empty((0, size, size), np.float32)
    return Patches(images, centres[kept], area[kept])


# --- checks -----------------------------------------------------------------------------------------------------------


def _counts(n_per_class):
    """Return four whole numbers, at least one of them > 0."""
    if np.ndim(n_per_class) == 0:
        return [check.whole("n_per_class", n_per_class)] * _MOST
    if np.shape(n_per_class) != (_MOST,):
        raise ValueError(f"n_per_class must be one whole number or {_MOST}, got {n_per_class!r}")
    counts = [check.whole("n_per_class", n, at_least=0) for n in np.asarray(n_per_class)]
    if not any(counts):
        raise ValueError("n_per_class must ask for at least one image")
    return counts


def _polydispersity(value):
    value = check.non_negative_number("polydispersity", value)
    if value > 0.3:
        raise ValueError(f"polydispersity must be <= 0.3, got {value:g}")
    return value


def _spheres(centres_px, radii_px):
    """Return centres (n, 2) and radii (n,) as floats."""
    centres, radii = check.finite("centres_px", centres_px), check.positive("radii_px", radii_px)
    if centres.ndim != 2 or centres.shape[1] != 2 or len(centres) == 0:
        raise ValueError(f"centres_px must have shape (n, 2), got {centres.shape}")
    if radii.shape != centres.shape[:1]:
        raise ValueError(f"radii_px must have shape {centres.shape[:1]}, got {radii.shape}")
    return centres, radii
