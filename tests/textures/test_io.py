"""Reading micrographs: those of the registry as their card says, others refused by name; pieces that do not overlap."""

import numpy as np
import pytest

from helpers.common import data
from helpers.textures import io


@pytest.mark.real_data
def test_the_seven_micrographs():
    if not data.available("micrographs"):
        pytest.skip("the micrographs are not on this machine (python -m helpers data fetch micrographs)")
    found = io.micrographs()
    assert tuple(found) == io.MICROGRAPHS
    for image in found.values():
        assert image.shape == (io.SIDE, io.SIDE)
        assert image.dtype == np.uint8
    shares = {name: round(float((image == 1).mean()), 3) for name, image in found.items()}
    assert shares == {
        "alloy": 0.865,
        "carbonate": 0.139,
        "ceramics": 0.391,
        "composite": 0.269,
        "copolymer": 0.521,
        "pmma": 0.026,
        "sandstone": 0.197,
    }
    assert {name for name, image in found.items() if image.max() == 2} == {"composite"}


def test_a_micrograph_comes_back_as_written(tmp_path):
    image = np.random.default_rng(0).integers(0, 3, (256, 256), dtype=np.uint8)
    np.save(tmp_path / "a.npy", image)
    np.testing.assert_array_equal(io.read_micrograph(tmp_path / "a.npy"), image)


def test_other_files_are_refused_by_name(tmp_path):
    path = tmp_path / "bad.npy"
    with pytest.raises(FileNotFoundError, match=r"^bad\.npy: no such file$"):
        io.read_micrograph(path)
    good = np.eye(256, dtype=np.uint8)
    for bad, message in (
        (good[:255], r"expected uint8 numbers of shape \(256, 256\), found uint8 \(255, 256\)"),
        (good[None], r"expected uint8 numbers of shape \(256, 256\), found uint8 \(1, 256, 256\)"),
        (good.astype(float), r"expected uint8 numbers of shape \(256, 256\), found float64"),
        (2 * good, "expected phases 0, 1, ..., found 0, 2"),
        (0 * good, "expected phases 0, 1, ..., found 0$"),
        (good + 1, "expected phases 0, 1, ..., found 1, 2"),
    ):
        np.save(path, bad)
        with pytest.raises(ValueError, match=rf"^bad\.npy: {message}"):
            io.read_micrograph(path)
    np.save(path, good)
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:20], b"", b"no array"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^bad\.npy: not a readable array") as caught:
            io.read_micrograph(path)
        assert "\n" not in str(caught.value)
    np.savez(tmp_path / "several.npz", a=good)
    with pytest.raises(ValueError, match=r"^several\.npz: expected uint8 numbers .* found an archive"):
        io.read_micrograph(tmp_path / "several.npz")


def test_damaged_data_are_no_micrographs(tmp_path, monkeypatch):
    (tmp_path / "micrographs").mkdir()
    for file in data.files("micrographs"):
        (tmp_path / file.local_path).write_bytes(b"\0" * file.bytes)
    monkeypatch.setenv("HELPERS_DATA_MIRROR", str(tmp_path))
    with pytest.raises(data.DamagedData, match="truncated or altered"):
        io.micrographs()


@pytest.mark.parametrize(("shape", "size", "n"), [((8, 8), 4, 4), ((9, 14), 4, 6), ((5, 5), 5, 1), ((6, 3), 1, 18)])
def test_regions_are_pieces_that_do_not_overlap(shape, size, n):
    image = np.arange(np.prod(shape)).reshape(shape)
    pieces = io.regions(image, size)
    assert pieces.shape == (n, size, size)
    assert len(np.unique(pieces)) == pieces.size
    columns = shape[1] // size
    for k, piece in enumerate(pieces):
        row, column = k // columns * size, k % columns * size
        np.testing.assert_array_equal(piece, image[row : row + size, column : column + size])


@pytest.mark.parametrize(
    ("image", "size", "message"),
    [
        (np.ones(5), 2, "image must have shape"),
        (np.ones((3, 4, 4)), 2, "image must have shape"),
        (np.ones((4, 9)), 5, "size must be at most the sides"),
        (np.ones((4, 9)), 0, "size must be a whole number"),
    ],
)
def test_bad_input_is_refused(image, size, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        io.regions(image, size)
