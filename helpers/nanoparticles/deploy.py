"""A classifier on its own: one file that takes images as they come from the microscope and needs none of our code."""

from pathlib import Path

import torch
from torch import Tensor, nn

from helpers.common import check
from helpers.nanoparticles import poses
from helpers.nanoparticles.classifiers import ImageClassifier, over_turns

__all__ = ["Deployed", "export", "read"]


class Deployed(nn.Module):
    """A trained classifier with all that happens before and after it: averaging down, four quarter turns, their mean.

    Takes images (N, H, H) in 0..1, H a multiple of the classifier's ``size``; returns probabilities (N, C).
    """

    def __init__(self, classifier: ImageClassifier):
        super().__init__()
        self.classifier = classifier.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean probabilities over four quarter turns, (N, C)."""
        return over_turns(self._ask, images)

    def _ask(self, images: Tensor) -> Tensor:
        """Average down after the turn: a sum of pixels in another order would round differently."""
        return self.classifier.probabilities(poses.pool(images, self.classifier.size))


def export(classifier: ImageClassifier, path: str | Path, height: int) -> Path:
    """Write ``Deployed`` for any number of images of ``height`` pixels to ``path`` (.pt2), and return it.

    ``torch.export`` stores the computation itself, so that reading it back needs torch alone.
    """
    path, height = Path(path), check.whole("height", height)
    if path.suffix != ".pt2":
        raise ValueError(f"path must end with .pt2, got {path.name}")
    example = torch.zeros(2, height, height)
    program = torch.export.export(
        Deployed(classifier).eval(), (example,), dynamic_shapes=({0: torch.export.Dim("n", min=1)},)
    )
    torch.export.save(program, path)
    return path


def read(path: str | Path) -> nn.Module:
    """Return an exported classifier; FileNotFoundError if there is no such file, ValueError if it is damaged."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such file")
    try:
        return torch.export.load(path).module()
    except Exception as error:  # whatever torch finds wrong with a file that is no program
        raise ValueError(f"{path.name}: not a readable exported program ({type(error).__name__})") from error
