"""Three lines from a stack to a table: exact where an exact answer is known, and one clear line where input is bad."""

import numpy as np
import pandas as pd
import pytest

from helpers.colloids import confocal, fit, io, preprocess, refine, track
from helpers.colloids.optics import Optics
from helpers.colloids.tracking import AXES, COLUMNS

PSF = (3.0, 1.2, 1.2)
OPTICS = Optics(8.0, PSF, 0.1, 1.0, 0.05, 0.1, 0.1)


def crowd(name="phi45", side=64, snr=20, diameter=8.0, seed=1, **options):
    """Return true places (n, 3) px with those up to half a diameter outside, and their image."""
    sample = io.configuration(name)
    positions = sample.positions * diameter - (sample.box * diameter - side) / 2
    near = (np.abs(positions - (side - 1) / 2) < side / 2 + 2 * diameter).all(1)
    rng = np.random.default_rng(seed)
    d = sample.diameters[near] * diameter
    return positions[near], confocal.image(positions[near], d, PSF, (side,) * 3, snr, rng, **options)


def matched(found, true, diameter, side, edge=1.5):
    """Return recall, precision and the rms error along each axis in diameters, of the inner spheres."""
    apart = np.linalg.norm(found[:, None] - true, axis=2)
    pairs = [(i, apart[i].argmin()) for i in range(len(found)) if apart[i].min() < diameter / 2]
    pairs = [(i, j) for i, j in pairs if apart[:, j].argmin() == i]
    inner = lambda p: ((p > edge * diameter) & (p < side - 1 - edge * diameter)).all(1)  # noqa: E731
    rows, columns = np.array(pairs).T
    recall = np.isin(np.flatnonzero(inner(true)), columns).mean()
    precision = np.isin(np.flatnonzero(inner(found)), rows).mean()
    error = (found[rows] - true[columns])[inner(true[columns])] / diameter
    return recall, precision, np.sqrt((error**2).mean(0))


@pytest.fixture(scope="module")
def dense():
    true, image = crowd()
    tracked = track(image)
    return true, image, tracked, refine(tracked)


def test_the_three_lines_run():
    _, image = crowd("phi30", 48)
    data = preprocess(image)
    result = track(data)
    refined = refine(result)
    assert list(refined.columns) == list(COLUMNS)
    assert len(refined) > 30


def test_every_sphere_of_a_dense_stack_is_found_with_optics_from_the_stack(dense):
    true, _, tracked, refined = dense
    recall, precision, _ = matched(tracked[list(AXES)].to_numpy(), true, 8, 64)
    assert (recall, precision) >= (0.97, 0.95)
    recall, precision, rms = matched(refined[list(AXES)].to_numpy(), true, 8, 64)
    assert (recall, precision) == (1, 1)
    assert rms[0] < 0.015
    assert max(rms[1:]) < 0.006
    found = refined.attrs["optics"]
    assert found.diameter_px == pytest.approx(8, rel=0.02)
    assert found.psf_sigma_px == pytest.approx(PSF, rel=0.05)


def test_an_isolated_sphere_is_found_to_a_hundredth_of_a_pixel_without_noise():
    rng, errors = np.random.default_rng(3), []
    for _ in range(6):
        centre = 20 + rng.uniform(-0.5, 0.5, 3)
        image = confocal.image([centre], 8, PSF, (41, 41, 41), None)
        joint = fit.JointFit(image, OPTICS._replace(noise=0.01), [centre + rng.uniform(-1, 1, 3)])
        joint.sweep(15)
        errors.append(joint.own[0, :3] - centre)
    assert np.sqrt(np.mean(np.square(errors))) < 0.01


def test_an_isolated_sphere_with_noise_scatters_as_its_stated_errors():
    rng, pulls = np.random.default_rng(4), []
    for _ in range(25):
        centre = 16 + rng.uniform(-0.5, 0.5, 3)
        image = confocal.image([centre], 8, PSF, (33, 33, 33), 20, rng)
        joint = fit.JointFit(image, OPTICS._replace(noise=0.05), [centre + 0.5])
        joint.sweep(10)
        pulls.append((joint.own[0, :3] - centre) / joint.errors[0, :3])
        assert joint.errors[0, :3].max() < 0.05
    assert np.std(pulls, axis=0) == pytest.approx(np.ones(3), abs=0.4)


def test_stated_errors_are_the_cramer_rao_bound():
    centre = np.array([16.2, 15.7, 16.4])
    image = confocal.image([centre], 8, PSF, (33, 33, 33), None)
    joint = fit.JointFit(image, OPTICS._replace(brightness_spread=10.0), [centre])
    joint.sweep(3)
    step = 0.05
    J = [
        (confocal.image([centre + e], 8, PSF, (33,) * 3, None) - confocal.image([centre - e], 8, PSF, (33,) * 3, None))
        for e in step * np.eye(3)
    ]
    J = np.stack([*(j.ravel() / (2 * step) for j in J), (image - 0.1).ravel()]).astype(float)
    bound = np.sqrt(np.diag(np.linalg.inv(J @ J.T / OPTICS.noise**2)))[:3]
    assert joint.errors[0, :3] == pytest.approx(bound, rel=0.03)


def test_two_touching_spheres_along_z_come_apart():
    true = np.array([[20.0, 20, 20], [28.2, 20.5, 20]])
    image = confocal.image(true, 8, PSF, (49, 41, 41), 20, np.random.default_rng(0))
    joint = fit.JointFit(image, OPTICS, true + np.array([[2.0, 1, 1], [-1, 0, -1]]))
    joint.sweep(30)
    assert joint.own[:, :3] == pytest.approx(true, abs=0.12)


def test_what_is_missing_is_added_and_what_is_not_there_is_dropped(dense):
    true, image, _, _ = dense
    inner = ((true > 0) & (true < 63)).all(1)
    seeds = np.concatenate([true[inner][3:], true[inner][:1] + 2.0])
    joint = fit.JointFit(image, OPTICS, seeds)
    joint.sweep(2)
    joint.prune()
    joint.add()
    joint.sweep(5)
    joint.prune()
    recall, precision, _ = matched(joint.own[:, :3], true, 8, 64)
    assert (recall, precision) == (1, 1)


def test_the_residual_is_the_image_minus_the_model(dense):
    true, image, _, _ = dense
    joint = fit.JointFit(image, OPTICS, true)
    joint.sweep(3)
    joint.prune()
    kept = joint.residual.copy()
    joint.take(joint.optics)
    assert np.abs(kept - joint.residual).max() < 1e-3
    inside = (slice(14, -14),) * 3
    assert kept[inside].std() == pytest.approx(0.05, rel=0.1)


def test_mirrors_and_swapped_axes_move_the_answer_with_the_image():
    image = crowd("phi30", 48)[1]
    tables = [track(a, 8.0, PSF)[list(AXES)].to_numpy() for a in (image, image[:, ::-1], image.transpose(0, 2, 1))]
    turned = tables[1] * [1, -1, 1] + [0, 47, 0]
    for other in (turned, tables[2][:, [0, 2, 1]]):
        assert matched(other, tables[0], 8, 48, edge=1)[:2] == (1, 1)


def test_a_stack_of_bytes_is_tracked_like_the_same_stack_of_floats():
    _, image = crowd("phi30", 48)
    scaled = np.clip(60 + 120 * image, 0, 255)
    whole = track(scaled.astype(np.float32))
    rounded = track(scaled.astype(np.uint8))
    assert abs(len(whole) - len(rounded)) <= 0.03 * len(whole)


def test_spheres_of_very_different_sizes_are_fitted():
    true, diameters = np.array([[15.8, 14, 14], [16.2, 32, 32]]), np.array([8.5, 11.5])
    image = confocal.image(true, diameters, PSF, (33, 47, 47), 20, np.random.default_rng(2))
    known = Optics(10.0, PSF, 0.1, 1.0, 0.05, 0.05, diameter_spread=0.3)
    found = refine(pd.DataFrame(true + 0.4, columns=AXES), image, known)
    assert found[[*AXES]].to_numpy() == pytest.approx(true, abs=0.1)
    assert found.diameter.to_numpy() == pytest.approx(diameters, rel=0.03)


@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_empty_stacks_give_empty_tables(constant):
    image = np.full((24, 24, 24), constant)
    table = track(image)
    assert len(table) == len(refine(table)) == len(track(preprocess(image))) == 0
    assert list(table.columns) == list(COLUMNS)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_holds_no_sphere(seed):
    image = np.random.default_rng(seed).normal(0.3, 0.1, (64, 64, 64))
    table = track(image)
    assert len(refine(table)) == 0
    assert list(refine(table).columns) == list(COLUMNS)


def test_bleaching_is_taken_out():
    _, image = crowd("phi30", 64, bleaching=0.5)
    level = preprocess(image).mean((1, 2))
    assert level[:10].mean() == pytest.approx(level[-10:].mean(), rel=0.15)
    bleached = preprocess(image, bleaching=False).mean((1, 2))
    assert bleached[-10:].mean() < 0.7 * bleached[:10].mean()


def test_tables_can_be_copied_sliced_and_joined(dense):
    refined = dense[3]
    both = pd.concat([refined.assign(frame=0), refined.assign(frame=1)])
    assert len(both) == 2 * len(refined)
    gone = [200, 220, 240]
    again = refine(refined.drop(index=gone).copy())[list(AXES)].to_numpy()
    assert matched(again, dense[0], 8, 64)[1] == 1
    given = refined.drop(index=gone)[list(AXES)].to_numpy()
    inner = ((given > 12) & (given < 51)).all(1)  # what is gone may stay lost, its neighbours slide into the hole
    assert np.linalg.norm(again[:, None] - given[inner], axis=2).min(0).max() < 4


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((20, 20)), "stack"),
        (np.zeros((4, 20, 20)), "stack"),
        (np.full((20, 20, 20), np.nan), "finite"),
        (np.zeros((9, 9, 9), dtype=complex), "real"),
        ("stack.tif", "stack"),
    ],
)
@pytest.mark.parametrize("function", [preprocess, track])
def test_bad_stacks_are_refused(function, image, word):
    with pytest.raises(ValueError, match=f"image.*{word}"):
        function(image)


@pytest.mark.parametrize("diameter", [0, -3, np.nan, 1.0, 50])
def test_bad_diameters_are_refused(diameter):
    with pytest.raises(ValueError, match="diameter"):
        track(np.random.default_rng(0).normal(size=(20, 20, 20)), diameter)


def test_tables_without_image_or_positions_are_refused():
    with pytest.raises(ValueError, match="image"):
        refine(pd.DataFrame({"z": [1.0], "y": [1.0], "x": [1.0]}))
    with pytest.raises(ValueError, match="x is missing"):
        refine(pd.DataFrame({"z": [1.0], "y": [1.0]}), np.zeros((20, 20, 20)))
