"""The live figures of the microgels wing."""

import numpy as np
import torch
import traitlets

from helpers.common.widgets import Widget
from helpers.microgels import flows, softflow

__all__ = ["FlowWarp", "flow_weights"]


def flow_weights(flow: flows.Flow) -> tuple[list[dict], bytes]:
    """Return what ``flow.js`` needs of a spline flow of the plane: its small numbers as a list, its weights as bytes.

    The flow must be made of ActNorm, InvertibleLinear and AutoregressiveSpline in turn, as ``flows.stack`` does.
    """
    kinds = (flows.ActNorm, flows.InvertibleLinear, flows.AutoregressiveSpline)
    if flow.dim != 2 or any(type(block) is not kinds[i % 3] for i, block in enumerate(flow.blocks)):
        raise ValueError("flow must be a spline flow of the plane: flows.stack('spline', 2, ...)")
    described, weights = [], []
    for norm, linear, spline in zip(*(flow.blocks[first::3] for first in range(3)), strict=True):
        matrix = linear.matrix().detach().double().numpy()
        layers = [layer for layer in spline.network if isinstance(layer, torch.nn.Linear)]
        described.append(
            {
                "shift": norm.shift.tolist(),
                "scale": norm.log_scale.exp().tolist(),
                "matrix": matrix.tolist(),
                "inverse": np.linalg.inv(matrix).tolist(),
                "bound": spline.bound,
                "sizes": [[layer.in_features, layer.out_features] for layer in layers],
            }
        )
        weights += [part.detach().flatten() for layer in layers for part in (layer.weight * layer.mask, layer.bias)]
    return described, torch.cat(weights).numpy().astype("<f4").tobytes()


class FlowWarp(Widget):
    """A soft flow of the plane: samples and the bent grid after every layer, and the density, at any noise c.

    ``blocks`` and ``data`` come from ``flow_weights``; ``target`` is a list of pieces of the curve, points [x, y].
    """

    script = "flow.js"
    settings = traitlets.Dict({"stage": 12, "noise": 0.0}).tag(sync=True)
    blocks = traitlets.List().tag(sync=True)
    target = traitlets.List().tag(sync=True)
    largest_noise = traitlets.Float(softflow.LARGEST_NOISE).tag(sync=True)
