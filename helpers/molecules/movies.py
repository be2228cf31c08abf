"""Movies of diffusing molecules: from paths to expected photons to camera counts, one movie or a stream of millions."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch

from helpers.common import check
from helpers.molecules import brownian, camera
from helpers.molecules.camera import add_noise
from helpers.molecules.transfer import PhotonTransfer, photon_transfer

__all__ = ["Movies", "PhotonTransfer", "Settings", "add_noise", "photon_transfer", "render", "simulate", "stream"]

_CHUNK_FRAMES = 256  # frames rendered at a time: the work space stays within the processor's cache


def render(tracks_um, photons, psf_sigma_um, pixel_um=0.1, n_pixels=64, start_um=(0, 0)) -> np.ndarray:
    """Return the expected photons per pixel of each frame, (..., T, H, W) float32, without noise.

    A molecule at (y, x) puts into pixel (i, j) the integral of a Gaussian PSF over that pixel, E_i(y) E_j(x) with
    E_i(y) = [erf((i + 1 - y) / (sqrt(2) sigma)) - erf((i - y) / (sqrt(2) sigma))] / 2, lengths in pixels. The
    photons of a frame are shared equally by its sub-positions, so the sum over them is a matrix product.

    ``tracks_um`` (..., T, n_sub, 2) holds (y, x) in um from the point ``start_um``, itself measured from the centre
    of the field, which lies between pixels n_pixels/2 - 1 and n_pixels/2; ``start_um`` is one pair or one per
    movie (..., 2). ``photons`` per frame: one number, one per movie (...) or one per frame (..., T).
    Light that falls outside the field is lost; nothing wraps. Source: Smith et al. 2010 (pixel-integrated PSF).
    """
    tracks = check.finite("tracks_um", tracks_um)
    if tracks.ndim < 3 or tracks.shape[-1] != 2 or 0 in tracks.shape:
        raise ValueError(f"tracks_um must have shape (..., T, n_sub, 2), got {tracks.shape}")
    photons = check.non_negative("photons", photons)
    start = check.finite("start_um", start_um)
    sigma, pixel = float(check.positive("psf_sigma_um", psf_sigma_um)), float(check.positive("pixel_um", pixel_um))
    n_pixels = check.whole("n_pixels", n_pixels)
    movies, n_frames = tracks.shape[:-3], tracks.shape[-3]
    if photons.shape not in [(), movies, (*movies, n_frames)]:
        raise ValueError(f"photons must be one number, {movies} or {(*movies, n_frames)}, got shape {photons.shape}")
    if start.shape not in [(2,), (*movies, 2)]:
        raise ValueError(f"start_um must be one pair (y, x) or one per movie {(*movies, 2)}, got shape {start.shape}")
    if photons.shape == movies:
        photons = photons[..., None]
    start = np.broadcast_to(start, (*movies, 2))[..., None, None, :]
    images = _images((tracks + start) / pixel, np.broadcast_to(photons, (*movies, n_frames)), sigma / pixel, n_pixels)
    return images.reshape(*movies, n_frames, n_pixels, n_pixels)


def _images(positions_px, photons, sigma_px, n_pixels):
    """Return images (M, H, W) for positions (..., n_sub, 2) from the field centre and as many photon numbers."""
    n_sub = positions_px.shape[-2]
    scale = 1 / (np.sqrt(2) * sigma_px)
    positions = (positions_px.reshape(-1, n_sub, 2) * scale).astype(np.float32)
    weights = (photons.reshape(-1) / (4 * n_sub)).astype(np.float32)
    edges = ((np.arange(n_pixels + 1) - n_pixels / 2) * scale).astype(np.float32)
    images = np.empty((len(positions), n_pixels, n_pixels), dtype=np.float32)
    for first in range(0, len(positions), _CHUNK_FRAMES):
        part = slice(first, first + _CHUNK_FRAMES)
        scaled = torch.from_numpy(edges - positions[part].transpose(2, 0, 1)[..., None])  # (2, m, n_sub, n_pixels + 1)
        shares_y, shares_x = torch.erf_(scaled).diff(dim=-1).numpy()
        shares_y *= weights[part, None, None]
        np.matmul(shares_y.transpose(0, 2, 1), shares_x, out=images[part])
    return images


@dataclass(frozen=True)
class Settings:
    """Everything that describes a simulated recording; a bad value is a ValueError that names it.

    Per molecule: ``photons`` per frame, times a lognormal factor of mean 1 and relative spread
    ``brightness_spread``; the walk starts anywhere within ``start_spread_um`` of the field centre along each axis.
    Noise as in ``add_noise``: background in photons per pixel, read noise in electrons, gain in counts per photon.
    """

    n_frames: int = 16
    dt_s: float = 0.01
    n_sub: int = 10
    photons: float = 500.0
    brightness_spread: float = 0.0
    start_spread_um: float = 0.0
    background: float = 9.0
    psf_sigma_um: float = 0.1
    pixel_um: float = 0.1
    n_pixels: int = 64
    gain: float = 1.0
    offset: float = 0.0
    read_noise: float = 0.0
    em: bool = False
    exact: bool = True

    def __post_init__(self):
        for name in ("n_frames", "n_sub", "n_pixels"):
            check.whole(name, getattr(self, name))
        for name in ("dt_s", "psf_sigma_um", "pixel_um", "gain"):
            self._number(name, check.positive)
        for name in ("photons", "brightness_spread", "start_spread_um", "background", "read_noise"):
            self._number(name, check.non_negative)
        self._number("offset", check.finite)
        for name in ("em", "exact"):
            check.choice(name, getattr(self, name), [True, False])

    def _number(self, name, kind):
        if kind(name, getattr(self, name)).shape != ():
            raise ValueError(f"{name} must be one number, got shape {np.shape(getattr(self, name))}")


@dataclass(frozen=True)
class Movies:
    """A batch of simulated movies with the truth behind it.

    ``images`` (n, T, H, W) float32 counts; ``tracks_um`` (n, T, n_sub, 2) positions (y, x) from the field centre;
    ``D_um2_s`` (n,); ``photons`` per frame (n,); the ``settings`` they share.
    """

    images: np.ndarray
    tracks_um: np.ndarray
    D_um2_s: np.ndarray
    photons: np.ndarray
    settings: Settings

    def __len__(self):
        return len(self.images)


def simulate(D_um2_s, n_movies: int, *, rng: np.random.Generator | None = None, **settings) -> Movies:
    """Return ``n_movies`` movies of one molecule each; ``D_um2_s`` is one number or one per movie.

    Keywords are those of ``Settings``. Movie i is a function of the state of ``rng`` and of i alone, so fewer or
    more movies, or the batches of ``stream``, begin with the same movies.
    """
    return next(stream(D_um2_s, n_movies, batch_size=n_movies, rng=rng, **settings))


def stream(D_um2_s, n_movies: int, *, batch_size: int = 128, rng=None, **settings) -> Iterator[Movies]:
    """Yield the movies of ``simulate`` in batches; memory does not grow with ``n_movies``.

    Each movie has its own random stream (SFC64, keyed by its number), so the batch size changes nothing.
    """
    unknown = sorted(set(settings) - {field.name for field in fields(Settings)})
    if unknown:
        raise ValueError(f"unknown setting {unknown[0]!r}; choose from {', '.join(f.name for f in fields(Settings))}")
    settings = Settings(**settings)
    n_movies, batch_size = check.whole("n_movies", n_movies), check.whole("batch_size", batch_size)
    D = check.positive("D_um2_s", D_um2_s)
    if D.shape not in [(), (n_movies,)]:
        raise ValueError(f"D_um2_s must be one number or one per movie ({n_movies}), got shape {D.shape}")
    rng = np.random.default_rng() if rng is None else rng
    root = int(rng.integers(2**63))
    D = np.broadcast_to(D, (n_movies,))
    return (_batch(D, range(i, min(i + batch_size, n_movies)), settings, root) for i in range(0, n_movies, batch_size))


def _batch(D, numbers, settings, root):
    """Return the movies with these numbers; every draw of movie i comes from the child stream i of ``root``."""
    streams = [np.random.Generator(np.random.SFC64(np.random.SeedSequence(root, spawn_key=(i,)))) for i in numbers]
    molecules = [_molecule(D[i], settings, rng) for i, rng in zip(numbers, streams, strict=True)]
    tracks = np.stack([track for track, _ in molecules])
    photons = np.array([light for _, light in molecules])
    images = render(tracks, photons, settings.psf_sigma_um, settings.pixel_um, settings.n_pixels)
    draw = camera.electrons if settings.exact else camera.electrons_from_table
    for image, rng in zip(images, streams, strict=True):
        image[...] = draw(image, settings.background, settings.read_noise, rng, settings.em)
    images *= np.float32(settings.gain)
    images += np.float32(settings.offset)
    return Movies(images, tracks, D[numbers.start : numbers.stop].copy(), photons, settings)


def _molecule(D, settings, rng):
    """Return one path (T, n_sub, 2) in um from the field centre, and its photons per frame."""
    start = settings.start_spread_um * rng.uniform(-1, 1, 2)
    width = np.sqrt(np.log1p(settings.brightness_spread**2))
    photons = settings.photons * np.exp(width * rng.standard_normal() - width**2 / 2)
    track = brownian.simulate_tracks(D, 1, settings.n_frames, settings.dt_s, settings.n_sub, rng=rng)[0]
    return track + start, photons
