"""Shipped configurations are fluids without overlaps and come back from their seed; others are refused by name."""

import numpy as np
import pytest
import tifffile
from scipy.spatial import cKDTree
from scipy.special import sph_harm_y

from helpers.colloids import io, samples, suspension
from helpers.common import data, places


def q6(positions, box):
    """Return the global Q6 of the bonds shorter than 1.4 diameters, by spherical harmonics."""
    pairs = cKDTree(positions, boxsize=box).query_pairs(1.4, output_type="ndarray")
    z, y, x = (lambda d: (d - box * np.round(d / box)).T)(positions[pairs[:, 0]] - positions[pairs[:, 1]])
    theta, angle = np.arccos(z / np.sqrt(x**2 + y**2 + z**2)), np.arctan2(y, x)
    means = np.array([sph_harm_y(6, m, theta, angle).mean() for m in range(-6, 7)])
    return np.sqrt(4 * np.pi / 13 * (np.abs(means) ** 2).sum())


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_shipped_configuration_is_a_fluid(name):
    found, sample = io.configuration(name), samples.SAMPLES[name]
    assert found.positions.shape == (2048, 3)
    assert found.positions.dtype == found.diameters.dtype == found.box.dtype == float
    assert found.phi == pytest.approx(sample.phi, abs=1e-8)
    np.testing.assert_allclose(found.diameters, suspension.diameters(2048, sample.polydispersity), atol=1e-7)
    assert ((found.positions >= 0) & (found.positions <= found.box)).all()
    assert suspension.overlaps(*found[:3]) == 0
    assert q6(found.positions, found.box) < 0.05
    assert (places.SAMPLES / f"{name}.npz").stat().st_size < 40_000


def test_a_configuration_comes_back_from_its_seed(tmp_path):
    path = samples.make("phi30", tmp_path / "new")
    with np.load(path) as made, np.load(places.SAMPLES / "phi30.npz") as shipped:
        assert made["positions"].dtype == np.float32
        for key in ("positions", "box", "diameters"):
            np.testing.assert_array_equal(made[key], shipped[key])
    assert [file.name for file in path.parent.iterdir()] == ["phi30.npz"]
    with pytest.raises(ValueError, match="name must be one of 'phi30', 'phi45', 'phi52', 'phi55', got 'phi60'"):
        samples.make("phi60")


def test_rounding_makes_no_overlaps(tmp_path, monkeypatch):
    monkeypatch.setitem(samples.SAMPLES, "small", samples.Sample(64, 0.5, 0.0, 0))
    asked = []
    monkeypatch.setattr(suspension, "overlaps", lambda *given: asked.append(given) or len(asked) == 1)
    fluid = suspension._lattice(np.ones(64), 0.3, np.random.default_rng(0))
    monkeypatch.setattr(suspension, "hard_spheres", lambda *_: fluid)
    monkeypatch.setattr(suspension, "settle", lambda positions, *_, **__: positions + 1)
    with np.load(samples.make("small", tmp_path)) as made:
        np.testing.assert_array_equal(made["positions"], (fluid[0] + 1).astype(np.float32))
    assert asked[0][0].dtype == np.float32


def test_other_configurations_are_refused_by_name(tmp_path, monkeypatch):
    whole = (places.SAMPLES / "phi45.npz").read_bytes()
    arrays = dict(np.load(places.SAMPLES / "phi45.npz"))
    monkeypatch.setattr(places, "SAMPLES", tmp_path)
    with pytest.raises(ValueError, match="name must be one of 'phi30'"):
        io.configuration("phi46")
    again = r"; make it again with helpers\.colloids\.samples\.make\('phi45'\)$"
    with pytest.raises(FileNotFoundError, match=r"^phi45\.npz: no such file" + again):
        io.configuration("phi45")
    path = tmp_path / "phi45.npz"
    altered = whole[:9000] + bytes([whole[9000] ^ 255]) + whole[9001:]
    for damaged in (whole[:-100], whole[:1000], b"", b"no archive", altered):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^phi45\.npz: damaged \(.*\)" + again) as caught:
            io.configuration("phi45")
        assert "\n" not in str(caught.value)
    for changed, message in (
        ({"box": 1.01 * arrays["box"]}, "found 2048 at 0.436766 with 0"),
        ({"positions": arrays["positions"][:, :2]}, "positions must have shape"),
        ({"positions": arrays["positions"][:-1]}, "diameters must have one entry"),
        ({key: arrays[key][:-1] for key in ("positions", "diameters")}, "found 2047 at 0.44978 with 0"),
        ({"positions": np.zeros((2048, 3))}, "found 2048 at 0.45 with 2096128"),
        ({"positions": np.full((2048, 3), np.nan)}, "positions must be finite"),
    ):
        np.savez(path, **(arrays | changed))
        with pytest.raises(ValueError, match=r"^phi45\.npz: .*" + message + ".*" + again):
            io.configuration("phi45")
    np.savez(path, positions=arrays["positions"])
    with pytest.raises(ValueError, match=r"^phi45\.npz: damaged \(.*box" + ".*" + again):
        io.configuration("phi45")


# --- stacks ---------------------------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_three_stacks():
    if not data.available("confocal"):
        pytest.skip("the stacks are not on this machine (python -m helpers data fetch confocal)")
    found = {name: io.confocal_stack(name) for name in io.STACKS}
    assert {name: stack.shape for name, stack in found.items()} == {
        "katherine": (64, 128, 128),
        "abraham": (46, 128, 128),
        "small_confocal_image": (48, 64, 64),
    }
    assert {stack.dtype for stack in found.values()} == {np.dtype(np.uint8)}
    assert min(np.ptp(stack) for stack in found.values()) > 100


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_stack_comes_back_as_written(tmp_path, dtype):
    stack = np.random.default_rng(0).integers(0, 255, (5, 16, 4), dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    found = io.confocal_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(found, stack)
    assert found.dtype == dtype


def test_other_stacks_are_refused_by_name(tmp_path):
    path = tmp_path / "bad.tif"
    with pytest.raises(FileNotFoundError, match=r"^bad\.tif: no such file, and none of the stacks katherine, abraham"):
        io.confocal_stack(str(path))
    stack = np.zeros((6, 8, 9), np.uint8)
    for bad, kind, message in (
        (stack[0], "minisblack", r"uint8 \(8, 9\)"),
        (stack.astype(np.float32), "minisblack", r"float32 \(6, 8, 9\)"),
        (stack[..., :3], "rgb", r"uint8 \(6, 8, 3\)"),
        (np.stack([stack, stack]), "minisblack", r"uint8 \(2, 6, 8, 9\)"),
    ):
        tifffile.imwrite(path, bad, photometric=kind)
        with pytest.raises(ValueError, match=rf"^bad\.tif: expected a grey .* stack \(Z, Y, X\), found {message}$"):
            io.confocal_stack(path)
    tifffile.imwrite(path, stack, photometric="minisblack")
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:20], b"", b"no image"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^bad\.tif: not a readable tif file") as caught:
            io.confocal_stack(path)
        assert "\n" not in str(caught.value)


def test_damaged_data_are_no_stack(tmp_path, monkeypatch):
    (tmp_path / "confocal").mkdir()
    for file in data.files("confocal"):
        (tmp_path / file.local_path).write_bytes(b"\0" * file.bytes)
    monkeypatch.setenv("HELPERS_DATA_MIRROR", str(tmp_path))
    with pytest.raises(data.DamagedData, match="truncated or altered"):
        io.confocal_stack("katherine")
