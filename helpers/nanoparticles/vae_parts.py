"""The networks of the rotation-invariant VAE: two encoders, and two decoders that draw an object in a given pose.

All take and return tensors. Images (N, H, H), classes y as one-hot rows or any weights (N, m, C): m classes asked about
each image. Source: Ziatdinov et al. 2024 and pyroVED 0.3 (MLP encoders, coordinate decoder); the template decoder, made
of the same parts as a spatial transformer (Jaderberg et al. 2015), is ours.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from helpers.nanoparticles import poses

__all__ = ["DECODERS", "Y_ENCODERS", "CoordinateDecoder", "Pose", "TemplateDecoder", "ZEncoder", "cnn", "mlp"]


class Pose(NamedTuple):
    """How N objects lie: ``angle`` (N,) in rad, ``shift`` (N, 2) in widths of the frame, ``scale`` (N,)."""

    angle: Tensor
    shift: Tensor
    scale: Tensor


def mlp(size: int, n_outputs: int, hidden: int = 128) -> nn.Sequential:
    """Return the y-encoder of the original: size^2 -> 128 -> 128 -> n_outputs with tanh."""
    first, second = nn.Linear(size * size, hidden), nn.Linear(hidden, hidden)
    return nn.Sequential(nn.Flatten(), first, nn.Tanh(), second, nn.Tanh(), nn.Linear(hidden, n_outputs))


def cnn(size: int, n_outputs: int, hidden: int = 64) -> nn.Sequential:  # noqa: ARG001
    """Return a small convolutional network: three 3 x 3 layers of 16, 32, 32 channels, then 288 -> 64 -> n_outputs.

    GroupNorm, not BatchNorm: its answer for an image does not depend on the others in the batch.
    """
    layers: list[nn.Module] = [nn.Unflatten(1, (1, -1))]
    for n_in, n_out, last in [(1, 16, nn.MaxPool2d(2)), (16, 32, nn.MaxPool2d(2)), (32, 32, nn.AdaptiveAvgPool2d(3))]:
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), last, nn.GroupNorm(4, n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(288, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs))


class ZEncoder(nn.Module):
    """q(z | x, y): size^2 + C -> 128 -> 128 -> the numbers that describe the posterior of the latent."""

    def __init__(self, size: int, n_classes: int, n_outputs: int, hidden: int = 128):
        super().__init__()
        self.image = nn.Linear(size * size, hidden)
        self.kind = nn.Linear(n_classes, hidden, bias=False)
        self.rest = nn.Sequential(nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, n_outputs))

    def forward(self, images: Tensor, y: Tensor) -> Tensor:
        """Return (N, m, n_outputs) for images (N, m or 1, H, H) and classes (N, m, C)."""
        return self.rest(self.image(images.flatten(2)) + self.kind(y))


class TemplateDecoder(nn.Module):
    """An upright template from content and class, then turned, shifted and enlarged as an image.

    The network runs once for an object, so it costs about a hundredth of the coordinate decoder.
    """

    def __init__(self, size: int, latent_dim: int, n_classes: int, hidden: int = 128):
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(
            nn.Linear(latent_dim + n_classes, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
            nn.Linear(hidden, size * size),
        )
        self.register_buffer("grid", poses.grid(size), persistent=False)

    def forward(self, content: Tensor, y: Tensor, pose: Pose | None) -> Tensor:
        """Return logits (N, H, H) of objects with content (N, d) and class (N, C); without a pose the templates."""
        templates = self.layers(torch.cat([content, y], dim=1)).reshape(-1, self.size, self.size)
        return templates if pose is None else poses.sample(templates, poses.upright(self.grid, *pose))


class CoordinateDecoder(nn.Module):
    """The decoder of the original: a network asked about every pixel, told where the pixel lies in the object's frame.

    h = tanh(W_c p' + b + W_z [z, y]), two further tanh layers, one logit; p' in half widths of the frame.
    """

    def __init__(self, size: int, latent_dim: int, n_classes: int, hidden: int = 128):
        super().__init__()
        self.size = size
        self.place = nn.Linear(2, hidden)
        self.told = nn.Linear(latent_dim + n_classes, hidden, bias=False)
        layers = [nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh()]
        self.rest = nn.Sequential(*layers, nn.Linear(hidden, 1))
        self.register_buffer("grid", poses.grid(size), persistent=False)

    def forward(self, content: Tensor, y: Tensor, pose: Pose | None) -> Tensor:
        """Return logits (N, H, H) of objects with content (N, d) and class (N, C)."""
        n = len(content)
        points = self.grid.expand(n, -1, -1, -1) if pose is None else poses.upright(self.grid, *pose)
        h = self.place(2 * points.reshape(n, -1, 2)) + self.told(torch.cat([content, y], dim=1))[:, None]
        return self.rest(h).reshape(n, self.size, self.size)


Y_ENCODERS = {"mlp": mlp, "cnn": cnn}
DECODERS = {"template": TemplateDecoder, "coordinate": CoordinateDecoder}
