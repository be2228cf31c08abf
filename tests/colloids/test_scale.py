"""A stack in pieces gives what the whole gives, wherever it lies, whoever does the work, and after a stop."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import dask.array
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster
from scipy.spatial import cKDTree

from helpers.colloids import confocal, io, scale, tracking
from helpers.colloids.optics import Optics

OPTICS = Optics(6.0, (1.8, 0.9, 0.9), 0.1, 1.0, 0.05, 0.30)
SIDE = 60


@pytest.fixture(scope="module")
def image():
    sample = io.configuration("phi30")
    positions = sample.positions * 6 - (sample.box * 6 - SIDE) / 2
    near = (np.abs(positions - SIDE / 2) < SIDE / 2 + 12).all(1)
    return confocal.image(positions[near], 6, OPTICS.psf_sigma_px, (SIDE,) * 3, 20, np.random.default_rng(0))


@pytest.fixture(scope="module")
def whole(image):
    return tracking.candidates(image, OPTICS)


def rows(a):
    return a[np.lexsort(a.T)]


@pytest.mark.parametrize("chunks", [(30, 30, 30), (17, 60, 40)])
def test_cores_tile_the_stack_and_margins_stay_inside(chunks):
    seen = np.zeros((60, 60, 60), dtype=int)
    for core, outer in scale.pieces(seen.shape, chunks, 7):
        seen[core] += 1
        for c, o in zip(core, outer, strict=True):
            assert o.start == max(0, c.start - 7)
            assert o.stop == min(60, c.stop + 7)
    assert (seen == 1).all()


def test_a_sphere_between_two_pieces_belongs_to_one_of_them():
    shape = (12, 10, 9)
    halves = np.stack(np.meshgrid(*(np.arange(-0.5, n - 0.5, 0.5) for n in shape), indexing="ij"), -1).reshape(-1, 3)
    kept = np.concatenate([scale._within(halves, core) for core, _ in scale.pieces(shape, (5, 4, 3), 2)])
    assert len(kept) == len(halves) == len(np.unique(kept, axis=0))


@pytest.mark.parametrize("chunks", [(30, 30, 30), (23, 60, 31)])
def test_detection_in_pieces_is_that_of_the_whole_to_the_last_digit(image, whole, chunks):
    found = scale.detect_chunked(image, OPTICS, chunks)
    assert len(whole) > 200
    assert np.abs(rows(found) - rows(whole)).max() == 0


def test_refined_spheres_in_pieces_are_those_of_the_whole(image, whole):
    fit = tracking.joint(image, OPTICS, whole)
    table = tracking.table(fit.own, fit.errors, OPTICS, image.shape)
    found = scale.track_chunked(image, optics=OPTICS, chunks=(30, 60, 60))
    apart = cKDTree(table[["z", "y", "x"]]).query(found[["z", "y", "x"]])[0]
    assert len(found) == len(table)
    assert apart.max() < 0.01


@pytest.mark.parametrize("kind", ["memmap", "zarr", "dask", "uint16"])
def test_stacks_may_lie_anywhere(image, whole, kind, tmp_path):
    if kind == "memmap":
        np.save(tmp_path / "stack.npy", image)
        array = np.load(tmp_path / "stack.npy", mmap_mode="r")
    elif kind == "zarr":
        array = zarr.create_array(tmp_path / "stack.zarr", shape=image.shape, chunks=(20,) * 3, dtype="float32")
        array[:] = image
    elif kind == "dask":
        array = dask.array.from_array(image, chunks=(25, 25, 25))
    else:
        array = np.round((image - image.min()) * 2000).astype(np.uint16)
        optics = OPTICS._replace(gain=2000.0, background=200 - 2000 * image.min(), noise=100.0)
        assert abs(len(scale.detect_chunked(array, optics, (30, 60, 60))) - len(whole)) <= 0.05 * len(whole)
        return
    assert np.abs(rows(scale.detect_chunked(array, OPTICS, (30, 60, 60))) - rows(whole)).max() == 0


def test_a_part_of_a_memory_map_is_that_part(image, tmp_path):
    np.save(tmp_path / "stack.npy", image)
    part = np.load(tmp_path / "stack.npy", mmap_mode="r")[5:50, 10:, 3:57]
    found = scale.detect_chunked(part, OPTICS, (30, 30, 60))
    assert np.abs(rows(found) - rows(tracking.candidates(np.array(part), OPTICS))).max() == 0


def test_threads_executors_and_a_cluster_do_the_same(image, whole, tmp_path):
    np.save(tmp_path / "stack.npy", image)
    array = np.load(tmp_path / "stack.npy", mmap_mode="r")
    with ThreadPoolExecutor(2) as pool:
        results = [scale.detect_chunked(array, OPTICS, (30, 30, 60), client) for client in (2, pool)]
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        results += [scale.detect_chunked(array, OPTICS, (30, 30, 60), c) for c in (client, cluster.scheduler_address)]
    for found in results:
        assert np.abs(rows(found) - rows(whole)).max() == 0


def test_a_stopped_run_goes_on_from_its_finished_pieces(image, whole, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    done, detect = [], scale._detect

    def until_two(*arguments):
        done.append(1)
        return detect(*arguments) if len(done) <= 2 else stop()

    until_two.__name__ = "_detect"
    monkeypatch.setattr(scale, "_detect", until_two)
    with pytest.raises(KeyboardInterrupt):
        scale.detect_chunked(image, OPTICS, (30, 30, 60), folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    done.clear()
    monkeypatch.setattr(scale, "_detect", detect)
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    found = scale.detect_chunked(image, OPTICS, (30, 30, 60), folder=tmp_path)
    assert np.abs(rows(found) - rows(whole)).max() == 0
    assert len(list(tmp_path.iterdir())) == 4
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())][: len(times)] == times


def test_other_settings_do_not_meet_old_pieces(image, tmp_path):
    scale.detect_chunked(image, OPTICS, (30, 60, 60), folder=tmp_path)
    scale.detect_chunked(image, OPTICS._replace(noise=0.06), (30, 60, 60), folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_failing_piece_is_named_and_the_others_are_kept(image, whole):
    broken = image.copy()
    broken[58, 5, 5] = np.nan
    with pytest.warns(scale.ChunkFailed, match=r"piece 1 \(z 30-60.*finite"):
        found = scale.detect_chunked(broken, OPTICS, (30, 60, 60))
    assert 0 < len(found) < len(whole)


def test_memory_grows_with_the_piece_and_not_with_the_stack(image):
    reads = []

    class Counted:
        shape, ndim, dtype = image.shape, 3, image.dtype

        def __getitem__(self, part):
            reads.append(np.prod([s.stop - s.start for s in part]))
            return image[part]

    scale.detect_chunked(Counted(), OPTICS, (20, 20, 20))
    assert max(reads) <= (20 + 2 * 20) ** 3


def test_the_peak_of_memory_does_not_grow_with_the_stack(tmp_path):
    optics = Optics(4.0, (1.0, 0.7, 0.7), 0.1, 1.0, 0.05, 0.30)
    rng = np.random.default_rng(1)
    tile = confocal.image(64 * rng.random((500, 3)), 4, optics.psf_sigma_px, (64,) * 3, 20, rng)
    stack = np.lib.format.open_memmap(tmp_path / "stack.npy", "w+", np.float32, (256,) * 3)
    for z in range(0, 256, 64):
        stack[z : z + 64] = np.tile(tile, (1, 4, 4))
    stack.flush()
    array, peaks, found = np.load(tmp_path / "stack.npy", mmap_mode="r"), [], []
    assert array.nbytes == 64 * 2**20
    for part in (array[:192, :192, :192], array):
        tracemalloc.start()
        found.append(len(scale.detect_chunked(part, optics, (64, 64, 64))))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert found[1] == pytest.approx(found[0] * 64 / 27, rel=0.05)
    assert peaks[1] < 1.1 * peaks[0] + 48 * found[1]


def test_optics_come_from_the_middle_and_bad_input_is_refused(image):
    found = scale.global_optics(image)
    assert found.diameter_px == pytest.approx(6, rel=0.03)
    with pytest.raises(ValueError, match="array"):
        scale.track_chunked(np.zeros((20, 20)))
    with pytest.raises(ValueError, match="chunks"):
        scale.detect_chunked(image, OPTICS, (0, 10, 10))
    with pytest.raises(ValueError, match="array"):
        scale.track_chunked(np.random.default_rng(0).normal(size=(60, 60, 60)))
