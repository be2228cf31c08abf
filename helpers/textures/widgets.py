"""The live figures of the textures wing."""

import torch
import traitlets

from helpers.common.widgets import Widget
from helpers.textures.vae import StatisticsVAE

__all__ = ["LatentWalk", "TexturePainter", "walk_weights"]

_N_LATENTS = 9
_MOST_BYTES = 200_000


class TexturePainter(Widget):
    """A periodic texture of 64 x 64 pixels, painted or drawn at random, and its two-point statistics, in the page.

    ``generator`` is one of "one", "four" (lines), "discs", "field", "board", "noise" and "blank"; ``size`` (px) its
    thickness, radius, correlation length or cell, ``stretch`` the ratio of its lengths along x and y. ``phase`` is
    "drawn" or "swapped", ``shift`` px go right and down, ``transform`` is "power" (of |F|^2) or "magnitude" (of |F|);
    ``pen`` is "paint" or "erase", ``brush`` its diameter (px).
    """

    script = "painter.js"
    settings = traitlets.Dict(
        {
            "generator": "field",
            "size": 4,
            "stretch": 1,
            "phase": "drawn",
            "shift": 0,
            "transform": "power",
            "pen": "paint",
            "brush": 5,
            "seed": 1,
        }
    ).tag(sync=True)


def walk_weights(model: StatisticsVAE) -> tuple[dict, bytes]:
    """Return what ``walk.js`` needs of a model that decodes statistics with nine latents: its sizes, its weights.

    The weights are 16-bit floats, a relative error of 5e-4 at most: the layers of the decoder, the components of |F|
    times their scale, and the mean of |F|. Level and spread of the logarithms of the counts stand among the sizes, in
    full: rounded to 16 bits they would move a count by 2e-3. ValueError for an image decoder, a size that is no power
    of 2, another number of latents, and a model too large for a page.
    """
    if model.decoder_kind != "statistics":
        raise ValueError("model must have the decoder 'statistics'")
    if model.size & (model.size - 1):
        raise ValueError(f"model must have a size that is a power of 2, got {model.size}")
    if model.latent_dim != _N_LATENTS:
        raise ValueError(f"model must have {_N_LATENTS} latents, got {model.latent_dim}")
    layers, features = [part for part in model.decoder if isinstance(part, torch.nn.Linear)], model.features
    parts = [weights for layer in layers for weights in (layer.weight, layer.bias)]
    parts += [features.components * features.scale, features.mean]
    data = torch.cat([part.detach().flatten() for part in parts]).numpy().astype("<f2").tobytes()
    if len(data) > _MOST_BYTES:
        raise ValueError(f"model must be at most {_MOST_BYTES} bytes large in 16-bit floats, got {len(data)}")
    sizes = {
        "size": model.size,
        "band": features.band,
        "components": features.n_components,
        "layers": [[layer.in_features, layer.out_features] for layer in layers],
        "count_mean": features.count_mean.tolist(),
        "count_sd": features.count_sd.tolist(),
    }
    return sizes, data


class LatentWalk(Widget):
    """Statistics that a trained decoder gives for nine latents, and an image retrieved from them, in the page.

    ``sizes`` and ``data`` come from ``walk_weights``; ``order`` are the latents (0..8) as their sliders shall follow
    each other, by their KL for example. ``seed`` belongs to the start of the retrieval and to the random latents.
    """

    script = "walk.js"
    settings = traitlets.Dict({**{f"z{k + 1}": 0.0 for k in range(_N_LATENTS)}, "seed": 1}).tag(sync=True)
    sizes = traitlets.Dict().tag(sync=True)
    order = traitlets.List(traitlets.Int()).tag(sync=True)
