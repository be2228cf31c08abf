"""Reading movies: what is a stack comes back as it was written, what is not is named."""

import numpy as np
import pytest
import tifffile

from helpers.common import data
from helpers.molecules import io, original


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 65535, (16, 64, 64), dtype=np.uint16)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, array, imagej=array.dtype != np.int32)
    return path


def test_a_stack_comes_back_as_written(tmp_path, stack):
    movie = io.read_movie(write(tmp_path / "a movie, é.tif", stack), shape=(16, 64, 64))
    assert movie.dtype == np.float32
    np.testing.assert_array_equal(movie, stack)


def test_a_recording_skips_and_names_what_does_not_fit(tmp_path, stack):
    write(tmp_path / "rec" / "b.tif", stack)
    write(tmp_path / "rec" / "a.tif", stack[::-1].copy())
    write(tmp_path / "rec" / "short.tif", stack[:4])
    write(tmp_path / "rec" / "colour.tif", np.zeros((64, 64, 3), dtype=np.uint8))
    (tmp_path / "rec" / "broken.tif").write_bytes(b"II*\x00" + bytes(20))
    (tmp_path / "rec" / "notes.txt").write_text("not a movie")
    (tmp_path / "empty").mkdir()
    found = io.read_recording(tmp_path / "rec")
    assert found.names == ["a.tif", "b.tif"]
    assert found.images.shape == (2, 16, 64, 64)
    np.testing.assert_array_equal(found.images[1], stack)
    assert sorted(found.skipped) == ["broken.tif", "colour.tif", "short.tif"]
    assert all(name in why for name, why in found.skipped.items())
    assert io.recordings(tmp_path) == ["rec"]


def test_damaged_and_misshapen_files_are_one_line_naming_the_file(tmp_path, stack):
    path = write(tmp_path / "cut.tif", stack)
    path.write_bytes(path.read_bytes()[:20_000])
    single = write(tmp_path / "single.tif", stack[0])
    for bad in (path, single):
        with pytest.raises(ValueError, match=bad.name) as caught:
            io.read_movie(bad)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"expected shape \(8, 64, 64\), found \(16, 64, 64\)"):
        io.read_movie(write(tmp_path / "whole.tif", stack), shape=(8, 64, 64))


def test_what_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.tif"):
        io.read_movie(tmp_path / "none.tif")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        io.read_recording(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        io.recordings(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no movie"):
        io.read_recording(tmp_path)


@pytest.mark.real_data
def test_the_three_recordings():
    if not data.available("molecule_movies"):
        pytest.skip("the recordings are not on this machine (python -m helpers data fetch molecule_movies)")
    folder = data.fetch("molecule_movies")
    medians = {}
    for name in io.recordings(folder):
        found = io.read_recording(folder / name)
        assert len(found.images) == 50
        assert not found.skipped
        medians[name.split("64x64x16_")[1]] = float(np.median(found.images))
    assert medians == pytest.approx({"70_01": 1334, "83_01": 4561, "104_01": 1115})


def test_validation_tracks_are_read_and_damaged_ones_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^validation_trajectories.npy: no such file$"):
        io.read_validation(tmp_path)
    path, tracks = tmp_path / "validation_trajectories.npy", np.random.default_rng(0).normal(size=(50, 5, 160, 2))
    np.save(path, tracks)
    np.testing.assert_array_equal(io.read_validation(tmp_path)[7, 0, :, 1], tracks[1, 2, :10, 1])
    np.save(path, tracks[:3])
    with pytest.raises(ValueError, match="expected finite numbers of shape"):
        io.read_validation(tmp_path)
    path.write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"^validation_trajectories.npy: not a readable array"):
        io.read_validation(tmp_path)


@pytest.mark.real_data
def test_the_validation_set_of_the_original_has_five_tracks_per_unit():
    if not data.available("molecule_movies"):
        pytest.skip("the tracks are not on this machine (python -m helpers data fetch molecule_movies)")
    paths = io.read_validation(data.fetch("molecule_movies"))
    assert (np.bincount(original.effective_D(paths).astype(int)) == 5).all()
