"""Reading an archive: what is one comes back with its report, what is not is named in one line."""

import hashlib
import zipfile

import numpy as np
import pytest

from helpers.nanoparticles import io, particles

IMAGES = np.random.default_rng(0).random((8, 6, 7)).astype(np.float32)
LABELS = np.array([1, 2, 3, 4, 1, 2, 1, 1])


def write(path, images=IMAGES, labels=LABELS, **more):
    np.savez(path, images=images, labels=labels, **more)
    return path


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32])
def test_an_archive_comes_back_with_its_report(tmp_path, first, kind):
    path = write(tmp_path / "gold, é.npz", labels=(LABELS - 1 + first).astype(kind), other=np.zeros(3))
    images, labels, report = io.read_archive(path)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS - 1)
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)
    assert report.shape == (8, 6, 7)
    assert report.counts == (4, 2, 1, 1)
    assert (report.dtype, report.lowest, report.highest) == ("float32", IMAGES.min(), IMAGES.max())
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.as_published is False


def test_the_counts_of_the_original_are_known(tmp_path):
    labels = np.repeat([1, 2, 3, 4], particles.COUNTS)
    _, _, report = io.read_archive(write(tmp_path / "gold.npz", np.zeros((len(labels), 2, 2)), labels))
    assert report.counts == (304, 93, 49, 31)
    assert report.as_published is True


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.int32, 1), (np.float64, 1)])
def test_unsigned_integers_become_shares_of_full_scale(tmp_path, kind, full):
    stored = np.arange(8 * 4).reshape(8, 2, 2).astype(kind)
    images, _, report = io.read_archive(write(tmp_path / "gold.npz", stored))
    np.testing.assert_allclose(images, np.arange(32).reshape(8, 2, 2) / full, rtol=1e-6)
    assert (report.lowest, report.highest) == (0, 31)


def test_simulated_images_survive_a_round_trip(tmp_path):
    images, labels, _ = particles.make(3, rng=np.random.default_rng(1))
    found = io.read_archive(write(tmp_path / "gold.npz", images, labels + 1))
    np.testing.assert_array_equal(found[0], images)
    np.testing.assert_array_equal(found[1], labels)


def test_labels_that_may_count_from_0_or_1_need_a_word(tmp_path):
    path = write(tmp_path / "gold.npz", labels=np.array([1, 2, 3, 3, 1, 2, 1, 1]))
    with pytest.raises(ValueError, match=r"^gold\.npz: labels 1\.\.3 may count from 0 or from 1; give first_label"):
        io.read_archive(path)
    assert io.read_archive(path, first_label=1)[2].counts == (4, 2, 2, 0)
    assert io.read_archive(path, first_label=0)[2].counts == (0, 4, 2, 2)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": LABELS}, "holds no array 'images', found labels"),
        ({"images": IMAGES, "y": LABELS}, "holds no array 'labels', found images, y"),
        ({}, "holds no array 'images', found nothing"),
        ({"images": IMAGES[0], "labels": LABELS}, r"images must have shape \(N, H, W\), found \(6, 7\)"),
        ({"images": IMAGES[..., None], "labels": LABELS}, r"images must have shape \(N, H, W\), found \(8, 6, 7, 1\)"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, r"images must have shape \(N, H, W\), found \(0, 6, 7\)"),
        ({"images": IMAGES, "labels": LABELS[1:]}, r"labels must have shape \(8,\), found \(7,\)"),
        ({"images": IMAGES, "labels": np.eye(8)}, r"labels must have shape \(8,\), found \(8, 8\)"),
        ({"images": IMAGES + 1j, "labels": LABELS}, "images must be real numbers, found type complex"),
        ({"images": np.full((8, 2, 2), "x"), "labels": LABELS}, "images must be real numbers, found type <U1"),
        ({"images": np.where(IMAGES < 0.5, np.nan, IMAGES), "labels": LABELS}, "images hold NaN or infinity"),
        ({"images": np.where(IMAGES < 0.5, np.inf, IMAGES), "labels": LABELS}, "images hold NaN or infinity"),
        ({"images": IMAGES, "labels": LABELS + 1}, r"labels must lie within 1\.\.4, found 2\.\.5"),
        ({"images": IMAGES, "labels": LABELS - 2}, r"labels must lie within 0\.\.3, found -1\.\.2"),
        ({"images": IMAGES, "labels": (LABELS > 1) * 4}, r"labels must lie within 0\.\.3, found 0\.\.4"),
        ({"images": IMAGES, "labels": LABELS + 0.5}, r"labels must be whole numbers, 1\.\.4 or 0\.\.3"),
        ({"images": IMAGES, "labels": LABELS * np.nan}, r"labels must be whole numbers"),
        ({"images": IMAGES, "labels": LABELS.astype(str)}, r"labels must be whole numbers"),
        ({"images": IMAGES, "labels": LABELS.astype(object)}, r"not a readable npz file \(Object arrays"),
    ],
)
def test_what_an_archive_lacks_is_named_in_one_line(tmp_path, arrays, message):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"^bad\.npz: {message}") as caught:
        io.read_archive(path)
    assert "\n" not in str(caught.value)


def test_other_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "bad.npz"
    for content in (b"", b"PK\x03\x04 no archive", b"\x93NUMPY" + bytes(200)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^bad\.npz: not a readable npz file"):
            io.read_archive(path)
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"^bad\.npz: not a readable npz file"):
        io.read_archive(path)
    path.write_bytes(whole[:300] + bytes(400) + whole[700:])  # images overwritten with zeros: the checksum tells
    with pytest.raises(ValueError, match=r"^bad\.npz: not a readable npz file \(Bad CRC-32") as caught:
        io.read_archive(path)
    assert "\n" not in str(caught.value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"no array")
        archive.writestr("labels.npy", b"no array")
    with pytest.raises(ValueError, match=r"^bad\.npz: images must have shape"):
        io.read_archive(path)
    with pytest.raises(FileNotFoundError, match=r"^none\.npz: no such file"):
        io.read_archive(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="first_label must be one of None, 0, 1, got 4"):
        io.read_archive(tmp_path / "none.npz", first_label=4)
