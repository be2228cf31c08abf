"""The decoder in the page is the decoder of the package."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.nanoparticles import widgets
from helpers.nanoparticles.ssrvae import SSRVAE


@pytest.fixture(scope="module")
def page(module):
    return module("helpers/nanoparticles/latent.js")


@pytest.fixture(scope="module")
def model():
    """Return a model whose weights are 16-bit floats, so that page and package know the same ones."""
    model = training.initialise(lambda: SSRVAE(4, size=16, hidden=32), 0)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.copy_((4 * parameter).half().float())
    return model.eval()


def test_sixteen_bit_floats_are_read(page):
    numbers = np.array([0, -0.0, 1, -1.5, 65504, 6.1e-5, 5.96e-8, -3e-6, 0.1, np.inf], "<f2")
    found = page("(m, b) => [...m.halves(new Uint8Array(b))].map(String)", list(numbers.tobytes()))
    np.testing.assert_array_equal([float(value.replace("Infinity", "inf")) for value in found], numbers.astype(float))


@pytest.mark.parametrize("y", range(4))
@pytest.mark.parametrize("angle", [0.0, 0.5, -2.2, np.pi / 2])
def test_an_object_is_the_same_in_the_page(page, model, y, angle):
    sizes, data = widgets.decoder_weights(model)
    z, shift = [0.7, -1.3], [0.08, -0.05]
    call = """(m, sizes, bytes, z, y, angle, shift) => {
      const decoder = m.layers(sizes, m.halves(new Uint8Array(bytes)));
      return [...m.posed(m.template(decoder, z, y, 4), angle, shift)];
    }"""
    found = page(call, sizes, list(data), z, y, angle, shift)
    expected = model.decode(np.array(z), y, angle, np.array(shift))[0]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(np.reshape(found, (16, 16)), expected, atol=1e-4)


def test_a_finer_grid_shows_the_same_object(page):
    logits = np.add.outer(np.arange(8.0), np.arange(8.0)).ravel().tolist()
    coarse, fine = (page("(m, l, n) => [...m.posed(l, 0, [0, 0], n)]", logits, n) for n in (8, 24))
    np.testing.assert_allclose(np.reshape(fine, (24, 24))[1::3, 1::3].ravel(), coarse, atol=1e-6)


def test_only_a_template_decoder_goes_into_the_page():
    with pytest.raises(ValueError, match="decoder 'template'"):
        widgets.decoder_weights(SSRVAE(4, size=8, decoder="coordinate"))
    assert repr(widgets.LatentPlane()) == "LatentPlane()"
