"""An exported classifier answers as the one it was made from, for any number of images."""

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.nanoparticles import cards, deploy, stress
from helpers.nanoparticles.classifiers import ImageClassifier

IMAGES = stress.add_noise(cards.make(3, 180, rng=np.random.default_rng(0))[0], 0.3, np.random.default_rng(1))


@pytest.fixture(scope="module")
def classifier():
    return training.initialise(lambda: ImageClassifier(4, size=12), 0).eval()


@pytest.fixture(scope="module")
def exported(classifier, tmp_path_factory):
    return deploy.read(deploy.export(classifier, tmp_path_factory.mktemp("out") / "suits.pt2", 48))


@pytest.mark.parametrize("n", [1, 2, 12])
def test_a_round_trip_changes_no_answer(classifier, exported, n):
    found = exported(torch.from_numpy(IMAGES[:n])).detach().numpy()
    np.testing.assert_allclose(found, classifier.classify(IMAGES[:n]), atol=1e-6)


def test_turning_an_image_by_a_quarter_changes_nothing(exported):
    upright, turned = (torch.from_numpy(np.rot90(IMAGES, k, (1, 2)).copy()) for k in (0, 1))
    np.testing.assert_array_equal(exported(upright).detach(), exported(turned).detach())


def test_wrong_files_are_named(classifier, tmp_path):
    with pytest.raises(ValueError, match=r"must end with \.pt2"):
        deploy.export(classifier, tmp_path / "suits.onnx", 48)
    with pytest.raises(ValueError, match="images must have shape"):
        deploy.export(classifier, tmp_path / "suits.pt2", 47)
    with pytest.raises(FileNotFoundError, match=r"none\.pt2"):
        deploy.read(tmp_path / "none.pt2")
    (tmp_path / "bad.pt2").write_bytes(b"no program")
    with pytest.raises(ValueError, match=r"bad\.pt2: not a readable"):
        deploy.read(tmp_path / "bad.pt2")
