"""Shipped weights: a safetensors file and, beside it, a card that says where it comes from and what it can do."""

import hashlib
import json
import re
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from helpers.common import atomic, places, ranks

__all__ = ["DamagedCheckpoint", "load", "names", "plain", "save", "verify", "weights_file"]

REQUIRED = ("description", "command", "seed", "metrics", "known_failures")


class DamagedCheckpoint(RuntimeError):
    """Weights and card do not belong together, or one of them is missing or broken."""


def plain(name: str, content: object) -> object:
    """Return ``content`` as JSON holds it (arrays and tensors as lists); ValueError naming ``name`` if it cannot."""
    try:
        return json.loads(json.dumps(content, allow_nan=False, default=lambda value: value.tolist()))
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{name} must be made of numbers, text, lists and dicts, without NaN: {error}") from error


def weights_file(name: str, folder: Path | None = None) -> Path:
    """Return where the weights called ``name`` lie, or would lie; ValueError for a name not made of a-z 0-9 _ -."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_-]+", name):
        raise ValueError(f"name must be made of a-z, 0-9, _ and -, got {name!r}")
    return (folder or places.CHECKPOINTS) / f"{name}.safetensors"


def names(folder: Path | None = None) -> list[str]:
    """Return the names of all checkpoints in ``folder`` (data/checkpoints), whole or not."""
    files = (folder or places.CHECKPOINTS).glob("*")
    return sorted({path.stem for path in files if path.suffix in (".safetensors", ".json") and path.name[0] != "."})


def save(name: str, model: nn.Module | dict[str, Tensor], card: dict, folder: Path | None = None) -> Path:
    """Write the weights of ``model`` (a module or a state dict) and their card; return the path of the weights.

    ``card`` holds at least description, command (that rebuilds the weights), seed, metrics and known_failures. Added to
    it: sha256 and bytes of the file, and parameters, the count of numbers (a module's parameters, a state dict's all).
    ValueError if the card lacks an entry. The card is written last, so that a crash in between shows as a mismatch.
    Of several processes only the first writes.
    """
    path = weights_file(name, folder)
    missing = [key for key in REQUIRED if key not in card]
    if missing:
        raise ValueError(f"card lacks {', '.join(missing)}")
    card = plain("card", card)
    counted = model.parameters() if isinstance(model, nn.Module) else model.values()
    n_parameters = sum(tensor.numel() for tensor in counted)
    state = model.state_dict() if isinstance(model, nn.Module) else model
    content = safetensors.torch.save({key: tensor.detach().cpu().clone().contiguous() for key, tensor in state.items()})
    card |= {"parameters": n_parameters, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if ranks.first():
        atomic.write_bytes(path, content)
        atomic.write_json(path.with_suffix(".json"), card)
    return path


def load(name: str, folder: Path | None = None) -> tuple[dict[str, Tensor], dict]:
    """Return the state dict (on the CPU) and the card of checkpoint ``name``.

    ValueError for an unknown name; ``DamagedCheckpoint``, with the command that rebuilds it, unless the weights are
    byte for byte those the card was written for.
    """
    path = weights_file(name, folder)
    if name not in names(folder):
        raise ValueError(f"name must be one of {', '.join(names(folder)) or '(there are none)'}, got {name!r}")
    card = _card(name, path)
    rebuild = f"rebuild it with: {card['command']}"
    if not path.exists():
        raise DamagedCheckpoint(f"checkpoint {name}: {path.name} is missing; {rebuild}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != card["sha256"]:
        raise DamagedCheckpoint(f"checkpoint {name}: {path.name} is not the file its card describes; {rebuild}")
    return safetensors.torch.load(content), card


def verify(folder: Path | None = None) -> list[tuple[str, bool, str]]:
    """Return (name, whole or not, what was found) for every checkpoint in ``folder`` (data/checkpoints)."""
    found = []
    for name in names(folder):
        try:
            _, card = load(name, folder)
            found.append((name, True, f"{card['parameters']} parameters, {card['bytes']} bytes"))
        except (DamagedCheckpoint, ValueError) as error:
            found.append((name, False, str(error)))
    return found


def _card(name: str, path: Path) -> dict:
    """Return the card beside the weights at ``path``; ``DamagedCheckpoint`` if it is missing, broken or incomplete."""
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        missing = [key for key in (*REQUIRED, "sha256", "bytes", "parameters") if key not in card]
        reason = f"lacks {', '.join(missing)}" if missing else ""
    except FileNotFoundError:
        reason = "is missing"
    except (ValueError, TypeError):
        reason = "is no card"
    if reason:
        raise DamagedCheckpoint(
            f"checkpoint {name}: {name}.json {reason}; `python -m helpers checkpoints verify` lists what is whole"
        )
    return card
