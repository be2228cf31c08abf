"""Every student has data of their own: random numbers that follow from the name and the assignment."""

import hashlib
import re

import numpy as np

__all__ = ["check_id", "rng"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,39}")


def check_id(student_id) -> str:
    """Return the id; ValueError unless it is 2 to 40 letters, digits, and . _ - after the first."""
    if not isinstance(student_id, str) or not NAME.fullmatch(student_id):
        raise ValueError(
            f"STUDENT_ID must be the name of your folder, 2 to 40 letters, digits, '.', '_' or '-', got {student_id!r}"
        )
    return student_id


def rng(student_id: str, assignment: str) -> np.random.Generator:
    """Return the generator of one student in one assignment: the same on every machine, another for every student."""
    digest = hashlib.sha256(f"{assignment}/{check_id(student_id)}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
