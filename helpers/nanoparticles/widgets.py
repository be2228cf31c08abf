"""The live figure of the nanoparticles wing."""

import torch
import traitlets

from helpers.common.widgets import Widget
from helpers.nanoparticles.ssrvae import SSRVAE
from helpers.nanoparticles.vae_parts import TemplateDecoder

__all__ = ["LatentPlane", "decoder_weights"]


def decoder_weights(model: SSRVAE) -> tuple[list[list[int]], bytes]:
    """Return what ``latent.js`` needs of a model with template decoder: [columns, rows] of its layers, their weights.

    The weights are 16-bit floats, a relative error of 5e-4 at most, so that they fit into a page.
    """
    if not isinstance(model.decoder, TemplateDecoder):
        raise ValueError("model must have the decoder 'template'")
    parts = [layer for layer in model.decoder.layers if isinstance(layer, torch.nn.Linear)]
    weights = torch.cat([part.detach().flatten() for layer in parts for part in (layer.weight, layer.bias)])
    return [[layer.in_features, layer.out_features] for layer in parts], weights.numpy().astype("<f2").tobytes()


class LatentPlane(Widget):
    """Templates of a class over its latent plane, and the object under the pointer at any angle, in the page.

    ``sizes`` and ``data`` come from ``decoder_weights`` of a model of the four suits with two contents.
    """

    script = "latent.js"
    settings = traitlets.Dict({"suit": "spade", "first": 0.0, "second": 0.0, "angle": 30}).tag(sync=True)
    sizes = traitlets.List().tag(sync=True)
