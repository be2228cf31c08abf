"""ResNet-152 as an encoder of grey images: our own network under the published parameter names, so that weights fit.

The bottleneck network of He et al. 2016 (arXiv:1512.03385) in the form that torchvision publishes ("v1.5": the stride
stands in the 3x3 convolution). Random weights need nothing; those trained on ImageNet are downloaded once, only when
``weights="imagenet"`` asks for them. The book and its tests never do.
"""

import hashlib
import os
import re
from pathlib import Path

import pooch
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.common import places, progress
from helpers.common.data import DamagedData, DataUnavailable

__all__ = ["ImageNetEncoder", "ResNet152", "imagenet_file"]

URL = "https://download.pytorch.org/models/resnet152-f82ba261.pth"  # the name ends in the first digits of its sha256
BYTES = 241_670_000  # 230.474 MiB, as torchvision states; it holds 60,192,808 parameters, trained by its recipe "V2"
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green, blue in 0..1


class _Bottleneck(nn.Module):
    """relu(x + f(x)), f three convolutions: 1x1 to ``width`` channels, 3x3 with the stride, 1x1 to 4 ``width``."""

    def __init__(self, n_in: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = _convolution(n_in, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _convolution(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = nn.Identity()
        if stride > 1 or n_in != 4 * width:
            self.downsample = nn.Sequential(_convolution(n_in, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        f = self.bn1(self.conv1(x)).relu()
        f = self.bn2(self.conv2(f)).relu()
        return (self.bn3(self.conv3(f)) + self.downsample(x)).relu()


class ResNet152(nn.Module):
    """ResNet-152: a stem, stages of 3, 8, 36 and 3 bottlenecks, the mean over the image, and 1000 classes.

    Weights are random, drawn as torchvision does (He et al. 2015); ``training.initialise`` gives them a seed.
    """

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = _convolution(3, 64, 7, stride=2), nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, 3, stride=1)
        self.layer2 = _stage(256, 128, 8, stride=2)
        self.layer3 = _stage(512, 256, 36, stride=2)
        self.layer4 = _stage(1024, 512, 3, stride=2)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, 1000) for normalised images (N, 3, H, W)."""
        return self.fc(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the 2048 features (N, 2048) under the last layer for normalised images (N, 3, H, W)."""
        x = functional.max_pool2d(self.bn1(self.conv1(images)).relu(), 3, stride=2, padding=1)  # (N, 64, H/4, W/4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (N, 2048, H/32, W/32)
        return x.mean(dim=(2, 3))


def _convolution(n_in: int, n_out: int, size: int, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(n_in, n_out, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


def _stage(n_in: int, width: int, n_blocks: int, stride: int) -> nn.Sequential:
    first = _Bottleneck(n_in, width, stride)
    return nn.Sequential(first, *(_Bottleneck(4 * width, width, 1) for _ in range(n_blocks - 1)))


class ImageNetEncoder(nn.Module):
    """Grey images (N, H, W) in 0..1 -> features (N, 2048): three equal colours, normalised as for ImageNet, ResNet-152.

    ``weights``: None (random), "imagenet" (see ``imagenet_file``), or the path of a state dict under the names of
    torchvision's resnet152. ``frozen``: its parameters want no gradient and its batch norms stay as they are in
    ``train()`` too; gradients still reach the images. Without ``frozen`` everything but the unused last layer learns.
    Random weights are to be trained, with ``frozen=False``: until the batch norms have seen images, features in
    evaluation are of the order of 1e8. The published weights learnt from crops of 176 pixels and are scored on 224.

    ValueError for weights that are none of these or do not fit; ``DamagedData`` for a file that cannot be read, or is
    not the published one; ``DataUnavailable`` if that cannot be downloaded.
    """

    def __init__(self, weights: str | Path | None = None, frozen: bool = True):
        super().__init__()
        self.frozen = frozen
        self.network = ResNet152() if weights is None else _filled(_file(weights))
        self.network.fc = nn.Identity()  # the classes of ImageNet are of no use here
        self.requires_grad_(not frozen)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(SD).view(3, 1, 1), persistent=False)
        self.train()

    def train(self, mode: bool = True) -> "ImageNetEncoder":
        """Switch to training, or back; the network of a frozen encoder stays in evaluation."""
        super().train(mode)
        self.network.train(mode and not self.frozen)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, 2048) for images (N, H, W) in 0..1; ValueError for other shapes or whole numbers."""
        if images.ndim != 3 or 0 in images.shape:
            raise ValueError(f"images must have shape (N, H, W), got {tuple(images.shape)}")
        if not images.is_floating_point():
            raise ValueError(f"images must be floating-point numbers in 0..1, got {images.dtype}")
        colours = images[:, None].to(self.mean.dtype)  # (N, 1, H, W)
        return self.network.features((colours - self.mean) / self.sd)


def imagenet_file() -> Path:
    """Return the file of ResNet-152's published ImageNet weights in the user's cache; download it if it is not there.

    Its 242 MB are announced first and shown as they come. The file is checked, also later, against the digits of its
    sha256 that its name carries, as ``torch.hub`` does; a wrong one is deleted. The cache is that of ``common.data``.
    ``DataUnavailable`` if the download fails, ``DamagedData`` if the file is not the published one.
    """
    named = os.environ.get("HELPERS_DATA_CACHE")
    cache = places.ROOT / named if named else Path(pooch.os_cache("learning-to-see-soft-matter"))
    path = cache / "imagenet" / URL.rpartition("/")[2]
    if not path.is_file():
        _download(path)
    expected = re.search(r"-([0-9a-f]+)\.", path.name)[1]
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(expected):
        path.unlink()
        raise DamagedData(
            f"{path.name} from {URL} is not the published file (its sha256 begins with {found[: len(expected)]}, not "
            f"{expected}); it was deleted: try again to download it anew"
        )
    return path


def _download(path: Path) -> None:
    """Download the published weights to ``path``; what has not arrived whole is not kept."""
    size = f"{BYTES / 1e6:.0f} MB"
    print(f"The ImageNet weights of ResNet-152 are downloaded once: {size} from {URL} to {path.parent}", flush=True)
    pooch.get_logger().setLevel("WARNING")
    bar = progress.bar(f"downloading {path.name}", total=BYTES, unit="B")
    bar.unit_scale = True
    downloader = pooch.HTTPDownloader(progressbar=bar, timeout=30, chunk_size=2**16)
    try:
        pooch.retrieve(URL, None, path.name, path.parent, downloader=downloader)
    except OSError as error:  # no network, among them every error of requests; no space left
        raise DataUnavailable(
            f"{URL} cannot be downloaded to {path.parent} ({type(error).__name__}); try again when the network is back "
            f"and {size} are free, or get the file elsewhere and give its path as weights"
        ) from error
    finally:
        bar.close()


def _file(weights: str | Path) -> Path:
    """Return the file that ``weights`` names; ValueError if there is none."""
    if weights == "imagenet":
        return imagenet_file()
    if not isinstance(weights, (str, Path)) or not Path(weights).is_file():
        raise ValueError(f"weights must be None, 'imagenet' or the path of a file that exists, got {weights!r}")
    return Path(weights)


def _filled(path: Path) -> ResNet152:
    """Return the network with the state dict in ``path``; all of it is compared before a network is made."""
    with torch.device("meta"):
        network = ResNet152()  # names and shapes only
    wanted, stored = network.state_dict(), _state(path)
    counters = [name for name in wanted if name.endswith(".num_batches_tracked")]
    stored = dict.fromkeys(counters, torch.tensor(0)) | stored  # older files have none
    faults = {
        "lacks": [name for name in wanted if name not in stored],
        "has besides": [name for name in stored if name not in wanted],
        "has in another shape": [name for name in wanted if name in stored and not _fits(stored[name], wanted[name])],
    }
    if found := [f"{fault} {len(names)} entries ({names[0]}, ...)" for fault, names in faults.items() if names]:
        raise ValueError(
            f"weights: {path.name} is no state dict of torchvision's resnet152 with its 1000 classes: it "
            f"{', '.join(found)}; give one saved by torch.save(model.state_dict(), path)"
        )
    network.to_empty(device="cpu").load_state_dict(stored)
    return network


def _fits(stored: object, wanted: Tensor) -> bool:
    return isinstance(stored, Tensor) and stored.shape == wanted.shape


def _state(path: Path) -> dict:
    """Return the state dict in ``path``; ``DamagedData`` if torch cannot read one there, safely."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on damaged files
        raise DamagedData(
            f"weights: {path.name} cannot be read as a state dict of torch ({type(error).__name__}): it is damaged or "
            "holds more than tensors; copy it again, or save it by torch.save(model.state_dict(), path)"
        ) from error
    if not isinstance(state, dict):
        raise ValueError(f"weights: {path.name} must hold a state dict, found a {type(state).__name__}")
    return state
