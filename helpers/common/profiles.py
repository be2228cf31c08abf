"""Two ways to run every lesson: ``quick`` for a laptop and for CI, ``full`` to rebuild what is shipped."""

from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Profile", "get", "names"]

T = TypeVar("T")


@dataclass(frozen=True)
class Profile:
    """One way to run a lesson: its name and the CPU seconds it may take (None: no limit)."""

    name: str
    cpu_limit_s: float | None

    def pick(self, *, quick: T, full: T) -> T:
        """Return the value meant for this profile: ``n_tracks = profile.pick(quick=2000, full=20000)``."""
        return quick if self.name == "quick" else full


_PROFILES = {"quick": Profile("quick", cpu_limit_s=120.0), "full": Profile("full", cpu_limit_s=None)}


def names() -> list[str]:
    """Return the names of all profiles."""
    return list(_PROFILES)


def get(name: str) -> Profile:
    """Return the profile called ``name`` ("quick" or "full"); anything else is a ValueError."""
    if name not in _PROFILES:
        raise ValueError(f"PROFILE must be one of {', '.join(map(repr, _PROFILES))}, got {name!r}")
    return _PROFILES[name]
