"""Reading gels: what is a cloud comes back as it was written, what is not is named with its line."""

import numpy as np
import pytest

from helpers.common import data
from helpers.microgels import io


def lines(n=60, seed=0):
    rows = np.random.default_rng(seed).uniform(0, 20_000, (n, 5)).round(1)
    return ["\t".join(f"{value:.1f}" for value in row) for row in rows]


def write(path, rows, end="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((end.join(rows) + end).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_gel_comes_back_as_written_without_intensity_and_frame(tmp_path, end):
    rows = lines()
    cloud = io.read_3d(write(tmp_path / "a gel, é.3d", rows, end))
    assert cloud.shape == (60, 3)
    expected = [[float(value) for value in row.split("\t")[:3]] for row in rows]
    np.testing.assert_array_equal(cloud, expected)


def test_gels_come_in_the_order_of_their_numbers(tmp_path):
    for number in range(1, 21):
        write(tmp_path / "35C" / f"{number}.3d", [f"{number}\t0\t0\t1\t1"] * 50)
    found = io.gels(tmp_path, 35)
    assert [gel[0, 0] for gel in found] == list(range(1, 21))
    (tmp_path / "35C" / "7.3d").unlink()
    with pytest.raises(FileNotFoundError, match=r"^7\.3d: no such file"):
        io.gels(tmp_path, 35)
    with pytest.raises(ValueError, match=r"^temperature_C must be one of 21, 33, 35, 38, 43, 53, got 24"):
        io.gels(tmp_path, 24)


def test_a_recording_is_the_same_cloud_with_its_frames(tmp_path):
    rng = np.random.default_rng(1)
    for number in range(1, 21):
        rows = ["\t".join(f"{x:.1f}" for x in rng.uniform(0, 9e3, 4)) + f"\t{rng.integers(60_000)}" for _ in range(55)]
        write(tmp_path / "43C" / f"{number}.3d", rows)
    found, gels = io.recordings(tmp_path, 43), io.gels(tmp_path, 43)
    assert len(found) == 20
    for number, ((points, frames), gel) in enumerate(zip(found, gels, strict=True), 1):
        np.testing.assert_array_equal(points, gel)
        lines = (tmp_path / "43C" / f"{number}.3d").read_text().splitlines()
        assert frames.tolist() == [int(line.split("\t")[4]) for line in lines]
        assert frames.dtype.kind == "i"
    with pytest.raises(ValueError, match=r"^temperature_C must be one of 21, 33, 35, 38, 43, 53, got 24"):
        io.recordings(tmp_path, 24)
    half = ["1\t2\t3\t4\t5"] * 50 + ["1\t2\t3\t4\t5.5"]
    write(tmp_path / "43C" / "7.3d", half)
    with pytest.raises(ValueError, match=r"^7\.3d, line 51: the frame must be a whole number, found 5\.5"):
        io.recordings(tmp_path, 43)
    assert io.gels(tmp_path, 43)[6].shape == (51, 3)  # nobody asked for the frame
    (tmp_path / "43C" / "7.3d").unlink()
    with pytest.raises(FileNotFoundError, match=r"^7\.3d: no such file"):
        io.recordings(tmp_path, 43)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("1.0\t2.0\t3.0\t4.0", "expected 5 columns separated by tabs, found 4"),
        ("1.0\t2.0\t3.0\t4.0\t5\t6", "expected 5 columns separated by tabs, found 6"),
        ("1.0 2.0 3.0 4.0 5", "expected 5 columns separated by tabs, found 1"),
        ("", "expected 5 columns separated by tabs, found 1"),
        ("1.0\t2.0\tabout 3\t4.0\t5", "holds something other than numbers"),
        ("1.0\t2.0\t\t4.0\t5", "holds something other than numbers"),
        ("1.0\tnan\t3.0\t4.0\t5", "holds NaN or infinity"),
        ("1.0\t2.0\tinf\t4.0\t5", "holds NaN or infinity"),
    ],
)
@pytest.mark.parametrize("place", [1, 17, 61])
def test_a_damaged_line_is_named(tmp_path, bad, message, place):
    rows = lines()
    path = write(tmp_path / "bad.3d", [*rows[: place - 1], bad, *rows[place - 1 :]])
    with pytest.raises(ValueError, match=rf"^bad\.3d, line {place}: {message}") as caught:
        io.read_3d(path)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.3d"
    path.write_bytes(b"ply\nformat binary\xff\xfe\x00\x00\n" * 30)
    with pytest.raises(ValueError, match=r"^other\.3d, line 1: expected 5 columns"):
        io.read_3d(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^other\.3d: holds 0 localisations, at least 50 are needed"):
        io.read_3d(path)
    with pytest.raises(ValueError, match="holds 49 localisations"):
        io.read_3d(write(path, lines(49)))
    assert len(io.read_3d(write(path, lines(50)))) == 50
    with pytest.raises(FileNotFoundError, match=r"^none\.3d: no such file"):
        io.read_3d(tmp_path / "none.3d")
    cut = write(tmp_path / "cut.3d", lines())
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"^cut\.3d, line 60"):
        io.read_3d(cut)


@pytest.mark.real_data
def test_the_real_gels():
    if not data.available("microgels_paint"):
        pytest.skip("the gels are not on this machine (python -m helpers data fetch microgels_paint)")
    folder = data.fetch("microgels_paint")
    found = {}
    for temperature in io.TEMPERATURES_C:
        numbers = [len(gel) for gel in io.gels(folder, temperature)]
        assert len(numbers) == 20
        found[temperature] = min(numbers), max(numbers)
        last = [frames.max() for _, frames in io.recordings(folder, temperature)]
        assert 1e3 < min(last) <= max(last) < 1e5
    assert found == {
        21: (1174, 4275),
        33: (1020, 3023),
        35: (1366, 4775),
        38: (1410, 5564),
        43: (1696, 12630),
        53: (1379, 13641),
    }
