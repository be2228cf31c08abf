"""A probe finds what is there, and only that; turn and shear are told apart."""

import numpy as np
import pytest

from helpers.common import training
from helpers.nanoparticles import cards, probes
from helpers.nanoparticles.ssrvae import SSRVAE


def some(n=400, **changes):
    rng = np.random.default_rng(0)
    zero = dict.fromkeys(cards.Factors._fields, np.zeros(n)) | {"scale": np.ones(n)}
    drawn = {name: values(rng, n) if callable(values) else np.full(n, values) for name, values in changes.items()}
    return cards.Factors(**(zero | drawn))


def test_a_pure_turn_has_no_shear():
    found = probes.factors(some(angle_deg=lambda rng, n: rng.uniform(-60, 60, n), scale=1.2))
    given = some(angle_deg=lambda rng, n: rng.uniform(-60, 60, n))
    np.testing.assert_allclose(found[:, 0], np.radians(given.angle_deg), atol=1e-12)
    np.testing.assert_allclose(found[:, 3], 1.2, atol=1e-12)
    np.testing.assert_allclose(found[:, 4], 0, atol=1e-12)


def test_opposite_shears_are_a_turn_and_equal_ones_are_not():
    turned = probes.factors(some(shear_x_deg=-3.0, shear_y_deg=3.0))
    np.testing.assert_allclose(turned[:, 0], np.radians(3), atol=1e-3)
    np.testing.assert_allclose(turned[:, 4], 0, atol=2e-3)
    sheared = probes.factors(some(shear_x_deg=3.0, shear_y_deg=3.0))
    np.testing.assert_allclose(sheared[:, 0], 0, atol=2e-3)
    np.testing.assert_allclose(sheared[:, 4], np.tan(np.radians(3)), atol=1e-3)


def test_the_decomposition_is_that_of_the_map():
    rng = np.random.default_rng(1)
    angle, a, b, scale = rng.uniform(-1, 1, (4, 50)) * [[170], [15], [15], [0.1]] + [[0], [0], [0], [1.1]]
    turn, _, _, s, p = probes.factors(cards.Factors(angle, a, b, 0 * a, 0 * a, scale)).T
    A = cards.affine(angle, a, b, scale)
    np.testing.assert_allclose(s, np.sqrt(np.linalg.det(A)))
    np.testing.assert_allclose(s, scale)
    symmetric = np.einsum("nji,njk->nik", A, A) / s[:, None, None] ** 2  # P^2 of trace t: P = (P^2 + 1) / sqrt(t + 2)
    np.testing.assert_allclose(p, symmetric[:, 0, 1] / np.sqrt(np.trace(symmetric, axis1=1, axis2=2) + 2))
    P = np.stack([np.stack([np.sqrt(1 + p**2), p], -1), np.stack([p, np.sqrt(1 + p**2)], -1)], -2)
    near = cards.affine(np.degrees(turn), 0, 0, scale) @ P  # exact but for the stretch along the axes, of second order
    assert np.abs(near - A).max() < 0.1


def test_a_linear_probe_finds_what_is_there_and_nothing_else():
    rng = np.random.default_rng(2)
    true = rng.standard_normal((2000, 3))
    latents = np.column_stack([2 * true[:, 0] - true[:, 1] + 5, true[:, 1]])
    found = probes.linear(latents, true)
    np.testing.assert_allclose(found[:2], 1, atol=1e-10)
    assert abs(found[2]) < 0.02
    noisy = probes.linear(true[:, :1] + rng.standard_normal((2000, 1)), true)
    assert noisy[0] == pytest.approx(0.5, abs=0.05)


def test_a_model_without_invariances_has_no_angle_to_probe():
    model = training.initialise(lambda: SSRVAE(4, invariances=(), size=12), 0)
    images, labels, given = cards.make(20, 60, rng=np.random.default_rng(3))
    found = probes.table(model, images, labels, given)
    assert found.shape == (len(probes.LATENTS), len(probes.FACTORS))
    assert (found[:3] < 0.15).all()


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"must have shapes \(N, d\)"):
        probes.linear(np.zeros(5), np.zeros((5, 1)))
