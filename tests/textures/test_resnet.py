"""ResNet-152: torchvision's names, shapes and features; frozen or not; weights that are whole, damaged or others'."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from helpers.common import data
from helpers.textures import resnet
from helpers.textures.resnet import ImageNetEncoder, ResNet152


def published():
    """Return {name: shape} of every entry of torchvision's resnet152, in order, from its published layout."""
    shapes = {}

    def layer(conv, norm, n_out, n_in, size):
        shapes[f"{conv}.weight"] = (n_out, n_in, size, size)
        shapes.update({f"{norm}.{entry}": (n_out,) for entry in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{norm}.num_batches_tracked"] = ()

    layer("conv1", "bn1", 64, 3, 7)
    n_in = 64
    for stage, (n_blocks, width) in enumerate([(3, 64), (8, 128), (36, 256), (3, 512)], 1):
        for block in range(n_blocks):
            name = f"layer{stage}.{block}"
            layer(f"{name}.conv1", f"{name}.bn1", width, n_in, 1)
            layer(f"{name}.conv2", f"{name}.bn2", width, width, 3)
            layer(f"{name}.conv3", f"{name}.bn3", 4 * width, width, 1)
            if block == 0:
                layer(f"{name}.downsample.0", f"{name}.downsample.1", 4 * width, n_in, 1)
            n_in = 4 * width
    return shapes | {"fc.weight": (1000, 2048), "fc.bias": (1000,)}


def pattern(shape, shift):
    """Return numbers within +-1/2 that look random and are the same everywhere: (i^2 + shift) mod a prime."""
    i = np.arange(np.prod(shape, dtype=int))
    return torch.from_numpy(((i * i + shift) % 1_000_003) / 1_000_003 - 0.5).float().reshape(shape)


def patterned():
    """Return a whole state dict of patterns, scaled so that the signal stays finite on its way through."""
    state = {}
    for k, (name, shape) in enumerate(published().items()):
        if name.endswith(("running_mean", "bias")):
            state[name] = pattern(shape, k)
        elif len(shape) == 1:
            state[name] = torch.full(shape, 0.2 if name.endswith("bn3.weight") else 1.0)
        else:
            scale = (24 / np.prod(shape[1:])) ** 0.5 if len(shape) == 4 else 0.1
            state[name] = pattern(shape, k) * scale if shape else torch.tensor(0)
    return state


def small(**others):
    """Return a state dict with every shape right and one stored number per entry, so that its file is small."""
    return {name: torch.full((), 0.5).expand(shape) for name, shape in published().items()} | others


IMAGES = pattern((2, 48, 56), 7) + 0.5


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """Return a frozen encoder with the patterned weights, read from a file."""
    path = tmp_path_factory.mktemp("weights") / "patterned.pth"
    torch.save(patterned(), path)
    encoder = ImageNetEncoder(path)
    path.unlink()
    return encoder


@pytest.fixture(scope="module")
def learner():
    """Return an encoder with random weights that learns."""
    return ImageNetEncoder(frozen=False)


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves something as weights.pth and returns the path."""

    def save(content):
        torch.save(content, tmp_path / "weights.pth")
        return tmp_path / "weights.pth"

    return save


# --- the network ----------------------------------------------------------------------------------------------------


def test_names_shapes_and_order_are_those_published():
    with torch.device("meta"):
        network = ResNet152()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert list(shapes.items()) == list(published().items())
    assert len(shapes) == 932
    assert sum(parameter.numel() for parameter in network.parameters()) == 60_192_808
    with torch.device("meta"):
        assert network(torch.empty(3, 3, 224, 224)).shape == (3, 1000)


def test_features_are_those_of_torchvision(encoder):
    # torchvision 0.28.0: resnet152 in evaluation with these weights, its normalize(), these images as three channels
    expected = [
        [0.0, 8993.427734375, 0.0, 7474.412109375, 7218.67822265625, 114.96989440917969],
        [0.0, 5471.9248046875, 0.0, 4458.9375, 3023.974365234375, 122.74656677246094],
    ]
    with torch.no_grad():
        features = encoder(IMAGES)
        colours = (IMAGES[:, None].repeat(1, 3, 1, 1) - encoder.mean) / encoder.sd
        torch.testing.assert_close(encoder.network.features(colours), features)
    assert features.shape == (2, 2048)
    np.testing.assert_allclose(features[:, :6], expected, rtol=1e-3)
    np.testing.assert_allclose(features.mean(dim=1), [6703.6591796875, 3903.951171875], rtol=1e-3)


def test_a_state_dict_returns_from_its_file_as_it_was(encoder):
    stored = encoder.network.state_dict()
    wanted = {name: tensor for name, tensor in patterned().items() if not name.startswith("fc.")}
    assert stored.keys() == wanted.keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in wanted.items())
    assert {name.partition(".")[0] for name in encoder.state_dict()} == {"network"}


def test_random_weights_have_the_spread_of_he_et_al(learner):
    for name in ("conv1", "layer2.0.conv2", "layer4.2.conv3"):
        weight = learner.network.get_submodule(name).weight
        n_out, _, size, _ = weight.shape
        assert weight.std().item() == pytest.approx((2 / (n_out * size**2)) ** 0.5, rel=0.05)


# --- frozen or not --------------------------------------------------------------------------------------------------


def test_frozen_means_no_gradient_and_the_same_batch_norms(encoder):
    before = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    assert encoder.train().training
    assert not any(module.training for module in encoder.network.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    features = encoder(IMAGES)
    assert not features.requires_grad
    assert all(torch.equal(buffer, before[name]) for name, buffer in encoder.named_buffers())
    assert torch.equal(features, encoder.eval()(IMAGES))


def test_a_model_around_a_frozen_encoder_may_train(encoder):
    model = torch.nn.Sequential(encoder, torch.nn.Linear(2048, 1)).train()
    assert model[1].training
    assert not encoder.network.bn1.training


def test_gradients_reach_the_images_through_frozen_weights(encoder):
    images = IMAGES[:, :32, :32].clone().requires_grad_()
    encoder(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_every_weight_of_an_encoder_that_is_not_frozen_learns(learner):
    learner.train()
    features = learner(pattern((2, 64, 64), 1) + 0.5)
    assert features.shape == (2, 2048)
    assert features.isfinite().all()
    features.square().mean().backward()
    parameters = dict(learner.named_parameters())
    assert sum(parameter.numel() for parameter in parameters.values()) == 60_192_808 - 2049 * 1000
    assert all(parameter.grad.isfinite().all() for parameter in parameters.values())
    assert parameters["network.conv1.weight"].grad.abs().max() > 0
    assert learner.network.bn1.num_batches_tracked == 1
    assert learner.network.bn1.running_mean.abs().max() > 0
    learner.zero_grad()
    assert not any(module.training for module in learner.eval().modules())


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        (torch.zeros(2, 1, 32, 32), r"images must have shape \(N, H, W\), got \(2, 1, 32, 32\)"),
        (torch.zeros(32, 32), r"shape \(N, H, W\), got \(32, 32\)"),
        (torch.zeros(0, 32, 32), r"shape \(N, H, W\), got \(0, 32, 32\)"),
        (torch.zeros(2, 32, 32, dtype=torch.uint8), r"floating-point numbers in 0..1, got torch.uint8"),
    ],
)
def test_other_images_are_refused(encoder, images, fault):
    with pytest.raises(ValueError, match=fault):
        encoder(images)


def test_double_precision_is_taken(encoder):
    with torch.no_grad():
        torch.testing.assert_close(encoder(IMAGES[:1].double()), encoder(IMAGES[:1]), rtol=1e-4, atol=1e-2)


# --- weights from a file --------------------------------------------------------------------------------------------


def one_line(error, *words):
    text = str(error.value)
    assert "\n" not in text
    assert "weights.pth" in text
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("layer3.35.bn3.bias"), ["lacks 1 entries (layer3.35.bn3.bias"]),
        (lambda state: state.update(extra=torch.zeros(2)), ["has besides 1 entries (extra"]),
        (lambda state: state.update({"fc.bias": torch.zeros(10)}), ["in another shape 1 entries (fc.bias"]),
        (lambda state: state.update({"fc.bias": 1.0}), ["in another shape 1 entries (fc.bias"]),
        (lambda state: state.update(model=state.pop("conv1.weight")), ["lacks 1 entries (conv1.weight", "(model"]),
    ],
)
def test_a_state_dict_that_does_not_fit_is_named(saved, change, words):
    state = small()
    change(state)
    with pytest.raises(ValueError, match="is no state dict of torchvision's resnet152") as error:
        ImageNetEncoder(saved(state))
    one_line(error, "torch.save(model.state_dict(), path)", *words)


def test_a_file_with_something_else_is_named(saved):
    with pytest.raises(ValueError, match="must hold a state dict, found a Tensor") as error:
        ImageNetEncoder(saved(torch.zeros(3)))
    one_line(error)


@pytest.mark.parametrize("damage", [lambda content: content[:-1000], lambda content: b"<html>", lambda content: b""])  # noqa: ARG005
def test_a_damaged_file_is_named(saved, damage):
    path = saved(small())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(data.DamagedData, match="cannot be read as a state dict") as error:
        ImageNetEncoder(path)
    one_line(error, "copy it again")
    assert path.exists()


def test_a_file_that_could_run_code_is_not_read(saved):
    with pytest.raises(data.DamagedData, match="holds more than tensors") as error:
        ImageNetEncoder(saved(small() | {"hook": ResNet152}))
    one_line(error)


def test_older_files_have_no_counters_and_half_precision_is_taken(saved):
    state = {name: value.half() for name, value in small().items() if not name.endswith("num_batches_tracked")}
    encoder = ImageNetEncoder(str(saved(state)))
    assert encoder.network.conv1.weight.dtype == torch.float32
    assert encoder.network.conv1.weight.unique().tolist() == [0.5]
    assert encoder.network.bn1.num_batches_tracked == 0


@pytest.mark.parametrize("weights", ["imagnet", "", 3, True])
def test_unknown_weights_are_refused(weights):
    with pytest.raises(ValueError, match=r"weights must be None, 'imagenet' or the path of a file that exists, got"):
        ImageNetEncoder(weights)


# --- the published weights, from a server on this machine -----------------------------------------------------------


@pytest.fixture
def server(monkeypatch, tmp_path, saved):
    """Return a function that serves a file (by default small weights) under a name that carries its hash."""
    whole = saved(small()).read_bytes()
    name = f"resnet152-{hashlib.sha256(whole).hexdigest()[:8]}.pth"
    answer = {"content": whole, "status": 200, "promised": len(whole), "asked": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer["asked"] += 1
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(answer["promised"]))
            self.end_headers()
            self.wfile.write(answer["content"])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(resnet, "URL", f"http://127.0.0.1:{server.server_port}/models/{name}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HELPERS_DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HELPERS_RUN_DIR", raising=False)
    answer["path"] = tmp_path / "cache" / "imagenet" / name
    yield answer
    server.shutdown()
    server.server_close()


def test_the_published_name_carries_a_hash():
    assert resnet.URL == "https://download.pytorch.org/models/resnet152-f82ba261.pth"
    stated = 230.474 * 2**20  # torchvision
    assert pytest.approx(stated, rel=1e-4) == resnet.BYTES
    assert resnet.BYTES > 4 * 60_192_808


def test_the_published_weights_are_downloaded_once_with_notice(server, capsys):
    encoder = ImageNetEncoder("imagenet")
    assert encoder.network.conv1.weight.unique().tolist() == [0.5]
    out = capsys.readouterr().out
    announced, bar = out.index(f"242 MB from {resnet.URL}"), out.index("downloading resnet152-")
    assert announced < bar
    assert "100%" in out
    assert [path.name for path in server["path"].parent.iterdir()] == [server["path"].name]
    assert resnet.imagenet_file() == server["path"]
    assert server["asked"] == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"something else", b""])
def test_a_file_with_another_hash_is_deleted(server, content):
    whole = server["content"]
    server.update(content=content, promised=len(content))
    with pytest.raises(data.DamagedData, match=r"is not the published file \(its sha256 begins with") as error:
        ImageNetEncoder("imagenet")
    assert "\n" not in str(error.value)
    assert "try again" in str(error.value)
    assert list(server["path"].parent.iterdir()) == []
    server.update(content=whole, promised=len(whole))
    assert resnet.imagenet_file() == server["path"]


def test_a_file_damaged_in_the_cache_is_deleted(server):
    path = resnet.imagenet_file()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(data.DamagedData, match="it was deleted"):
        resnet.imagenet_file()
    assert not path.exists()
    assert server["asked"] == 1


@pytest.mark.parametrize("fault", ["status", "breaks off", "no network", "no place"])
def test_a_download_that_fails_is_one_clear_line_and_leaves_nothing(server, fault, monkeypatch, tmp_path):
    if fault == "status":
        server.update(status=404)
    elif fault == "breaks off":
        server.update(promised=server["promised"] + 100)
    elif fault == "no network":
        monkeypatch.setattr(resnet, "URL", f"http://127.0.0.1:9/{server['path'].name}")
    else:
        (tmp_path / "cache").write_text("a file, no folder")
    with pytest.raises(data.DataUnavailable, match="cannot be downloaded") as error:
        ImageNetEncoder("imagenet")
    assert "\n" not in str(error.value)
    assert "try again when the network is back" in str(error.value)
    assert "give its path as weights" in str(error.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("cache", "weights.pth")]
