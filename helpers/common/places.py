"""Where things lie in a checkout. Every path of the project is derived here, none is written down elsewhere."""

from pathlib import Path

__all__ = ["BOOK", "BUILD", "CHECKPOINTS", "DATA", "NOTEBOOKS", "RESULTS", "ROOT", "SAMPLES"]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
BOOK = ROOT / "book"
BUILD = ROOT / "build"
DATA = ROOT / "data"
CHECKPOINTS = DATA / "checkpoints"
RESULTS = DATA / "results"
SAMPLES = DATA / "samples"
