"""Files that are either whole or absent: written beside their place, flushed to disk, then renamed into it."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["write", "write_bytes", "write_json", "write_text"]


def write(path: str | Path, fill: Callable[[Path], None]) -> Path:
    """Let ``fill(temporary_path)`` write a file, then move it to ``path`` in one step.

    A reader, or a process killed half-way, never meets a half-written file. Returns ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        fill(temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` in one step."""
    return write(path, lambda temporary: temporary.write_bytes(content))


def write_text(path: str | Path, content: str) -> Path:
    """Write UTF-8 text to ``path`` in one step."""
    return write_bytes(path, content.encode())


def write_json(path: str | Path, content: object) -> Path:
    """Write ``content`` as indented JSON to ``path`` in one step; NaN is refused."""
    return write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
