"""The live figures of the microgels wing."""

import numpy as np
import torch
import traitlets

from helpers.common.widgets import Widget
from helpers.microgels import flows, softflow

__all__ = ["FlowWarp", "GelExplorer", "flow_weights"]


def flow_weights(flow: flows.Flow) -> tuple[list[dict], bytes]:
    """Return what ``flows.js`` needs of an autoregressive flow: its small numbers as a list, its weights as bytes.

    The flow must be one of ``flows.stack("spline" or "affine", ...)``.
    """
    kinds = {flows.AutoregressiveSpline: "spline", flows.AutoregressiveAffine: "affine"}
    if any(type(block) not in kinds for block in flow.blocks[2::3]):
        raise ValueError("flow must be autoregressive: flows.stack('spline', ...) or flows.stack('affine', ...)")
    described, weights = [], []
    for norm, linear, layer in zip(*(flow.blocks[first::3] for first in range(3)), strict=True):
        matrix = linear.matrix().detach().double().numpy()
        networks = [part for part in layer.network if isinstance(part, torch.nn.Linear)]
        described.append(
            {
                "kind": kinds[type(layer)],
                "bound": getattr(layer, "bound", 0.0),
                "shift": norm.shift.tolist(),
                "scale": norm.log_scale.exp().tolist(),
                "matrix": matrix.tolist(),
                "inverse": np.linalg.inv(matrix).tolist(),
                "logdet": float(np.linalg.slogdet(matrix)[1]),
                "sizes": [[part.in_features, part.out_features] for part in networks],
            }
        )
        weights += [part.detach().flatten() for net in networks for part in (net.weight * net.mask, net.bias)]
    return described, torch.cat(weights).numpy().astype("<f4").tobytes()


class FlowWarp(Widget):
    """A soft flow of the plane: samples and the bent grid after every layer, and the density, at any noise c.

    ``blocks`` and ``data`` come from ``flow_weights``; ``target`` is a list of pieces of the curve, points [x, y].
    """

    script = "warp.js"
    settings = traitlets.Dict({"stage": 12, "noise": 0.05}).tag(sync=True)
    blocks = traitlets.List().tag(sync=True)
    target = traitlets.List().tag(sync=True)
    largest_noise = traitlets.Float(softflow.LARGEST_NOISE).tag(sync=True)


class GelExplorer(Widget):
    """Gels of a SoftPointFlow at any temperature: the cloud, its density map and its radial profile, in the page.

    ``prior`` and ``decoder`` are the first results of ``flow_weights`` of its two flows, ``data`` the bytes of both.
    """

    script = "gel.js"
    settings = traitlets.Dict({"temperature": 33, "turn": 30, "gel": 1}).tag(sync=True)
    prior = traitlets.List().tag(sync=True)
    decoder = traitlets.List().tag(sync=True)
