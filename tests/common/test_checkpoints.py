import json

import numpy as np
import pytest
import torch
from torch import nn

from helpers.common import atomic, checkpoints

CARD = {
    "description": "a test",
    "command": "python -m helpers train small --profile full",
    "seed": 0,
    "metrics": {"rms": {"value": np.float32(0.5), "interval": np.array([0.25, 0.75])}},
    "known_failures": ["none looked for"],
}


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_weights_and_card_come_back(tmp_path, model):
    path = checkpoints.save("small", model, CARD, tmp_path)
    assert path == tmp_path / "small.safetensors"
    state, card = checkpoints.load("small", tmp_path)
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    model.load_state_dict(state)
    assert card["parameters"] == 3 * 4 + 4 + 2 * 4
    assert card["bytes"] == path.stat().st_size
    assert card["metrics"] == {"rms": {"value": 0.5, "interval": [0.25, 0.75]}}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["small.json", "small.safetensors"]
    assert checkpoints.verify(tmp_path) == [("small", True, f"24 parameters, {card['bytes']} bytes")]


def test_a_state_dict_of_views_and_half_floats_comes_back(tmp_path):
    base = torch.arange(12.0).reshape(3, 4)
    checkpoints.save("views", {"a": base.T, "b": base, "c": base.half()}, CARD, tmp_path)
    state, card = checkpoints.load("views", tmp_path)
    assert torch.equal(state["a"], base.T)
    assert state["c"].dtype == torch.float16
    assert card["parameters"] == 36


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("small.safetensors", flip, "not the file its card describes; rebuild it with: python -m helpers train small"),
        ("small.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-9]), "rebuild it with: python"),
        ("small.safetensors", lambda path: path.unlink(), "is missing; rebuild it with: python -m helpers train small"),
        ("small.json", lambda path: path.unlink(), "small.json is missing; `python -m helpers checkpoints verify`"),
        ("small.json", lambda path: path.write_text("{"), "small.json is no card; `python -m helpers checkpoints"),
        ("small.json", lambda path: path.write_bytes(b"\xff\xfe"), "is no card"),
        ("small.json", lambda path: path.write_text("3"), "is no card"),
        ("small.json", lambda path: path.write_text(json.dumps(CARD, default=str)), "lacks sha256"),
    ],
)
def test_damage_is_named_with_its_cure(tmp_path, model, file, damage, said):
    checkpoints.save("small", model, CARD, tmp_path)
    checkpoints.save("whole", model, CARD, tmp_path)
    damage(tmp_path / file)
    with pytest.raises(checkpoints.DamagedCheckpoint) as error:
        checkpoints.load("small", tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert [(name, ok) for name, ok, _ in checkpoints.verify(tmp_path)] == [("small", False), ("whole", True)]


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_between_weights_and_card_is_seen(tmp_path, model, monkeypatch, before):
    if before:
        checkpoints.save("small", model, CARD, tmp_path)

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "write_json", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save("small", nn.Linear(3, 4), CARD, tmp_path)
    with pytest.raises(checkpoints.DamagedCheckpoint):
        checkpoints.load("small", tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path, model):
    with pytest.raises(ValueError, match="there are none"):
        checkpoints.load("small", tmp_path)
    checkpoints.save("small", model, CARD, tmp_path)
    checkpoints.save("big-2", model, CARD, tmp_path)
    with pytest.raises(ValueError, match="name must be one of big-2, small, got 'smal'"):
        checkpoints.load("smal", tmp_path)


@pytest.mark.parametrize("name", ["", "Small", "a/b", "../a", "a.b", "a b", None])
def test_bad_names_are_refused(tmp_path, model, name):
    with pytest.raises(ValueError, match="name"):
        checkpoints.save(name, model, CARD, tmp_path)
    with pytest.raises(ValueError, match="name"):
        checkpoints.load(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", checkpoints.REQUIRED)
def test_a_card_must_be_complete(tmp_path, model, missing):
    with pytest.raises(ValueError, match=f"card lacks {missing}"):
        checkpoints.save("small", model, {key: value for key, value in CARD.items() if key != missing}, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_a_card_must_be_plain(tmp_path, model, value):
    with pytest.raises(ValueError, match="card must be made of"):
        checkpoints.save("small", model, {**CARD, "metrics": value}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_shipped_checkpoint_is_whole():
    if not checkpoints.names():
        pytest.skip("no weights are shipped yet")
    assert [message for _, ok, message in checkpoints.verify() if not ok] == []
