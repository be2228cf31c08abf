"""Real data, downloaded from its source when asked for: the registry, the mirror, the cache, and nothing unverified.

``data/registry.csv`` names every file by repository, commit, path, sha256, size and licence. A data set is taken from
the mirror folder named by ``HELPERS_DATA_MIRROR`` where that holds it, else from the cache (the user's, or the folder
named by ``HELPERS_DATA_CACHE``), which ``fetch`` fills. Relative folders count from the root of the checkout.
"""

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pooch

from helpers.common import check, places, progress

__all__ = [
    "DamagedData",
    "DataUnavailable",
    "File",
    "available",
    "datasets",
    "fetch",
    "files",
    "how_to_get",
    "verify",
]

REGISTRY = places.DATA / "registry.csv"
_HOST = "https://raw.githubusercontent.com"


class DataUnavailable(RuntimeError):
    """A data set is not on this machine and cannot be downloaded now."""


class DamagedData(RuntimeError):
    """A file is not, byte for byte, the one that the registry names."""


@dataclass(frozen=True)
class File:
    """One line of the registry; ``local_path`` is relative to a mirror or cache folder and begins with the data set."""

    dataset: str
    repository: str
    commit: str
    upstream_path: str
    local_path: str
    sha256: str
    bytes: int
    licence: str

    @property
    def url(self) -> str:
        """Where the file is downloaded from."""
        return f"{_HOST}/{self.repository}/{self.commit}/{quote(self.upstream_path)}"

    def complete(self, root: Path) -> bool:
        """Return True if the file lies below ``root`` with the right number of bytes (a quick look)."""
        path = root / self.local_path
        return path.is_file() and path.stat().st_size == self.bytes

    def whole(self, root: Path) -> bool:
        """Return True if the file lies below ``root`` with the right content (its sha256)."""
        return self.complete(root) and hashlib.sha256((root / self.local_path).read_bytes()).hexdigest() == self.sha256


def datasets() -> list[str]:
    """Return the names of all data sets in the registry."""
    return sorted({file.dataset for file in _registry()})


def files(dataset: str) -> list[File]:
    """Return the files of ``dataset``; ValueError for an unknown name."""
    check.choice("dataset", dataset, datasets())
    return [file for file in _registry() if file.dataset == dataset]


def available(dataset: str) -> bool:
    """Return True if every file of ``dataset`` is on this machine, judged by its size; the network is not used."""
    wanted = files(dataset)
    root = _root(wanted)
    return all(file.complete(root) for file in wanted)


def how_to_get(dataset: str) -> str:
    """Return one line that says how to get ``dataset``."""
    wanted = files(dataset)
    return (
        f"`python -m helpers data fetch {dataset}` downloads it ({len(wanted)} files, {_megabytes(wanted)}); "
        "or set HELPERS_DATA_MIRROR to a folder that holds it"
    )


def fetch(dataset: str) -> Path:
    """Return the folder that holds the files of ``dataset``, each of them verified; download those the cache lacks.

    A file that is whole is never downloaded again, so a download that broke off, or was stopped by Ctrl-C, continues.
    ``DataUnavailable`` if a download fails, ``DamagedData`` if a file is not the one in the registry; ValueError for an
    unknown name.
    """
    wanted = files(dataset)
    root = _root(wanted)
    if root == _mirror():
        return verify(dataset)
    _download([file for file in wanted if not file.whole(root)], root)
    return root / dataset


def verify(dataset: str) -> Path:
    """Return the folder of ``dataset`` after reading every byte of it; the network is not used.

    ``DataUnavailable`` if a file is missing, ``DamagedData`` naming the files that are truncated or altered.
    """
    wanted = files(dataset)
    root = _root(wanted)
    missing = [file for file in wanted if not (root / file.local_path).is_file()]
    if missing:
        raise DataUnavailable(
            f"{dataset}: {len(missing)} of {len(wanted)} files are not on this machine: {how_to_get(dataset)}"
        )
    damaged = [file.local_path for file in wanted if not file.whole(root)]
    if damaged:
        raise DamagedData(f"{dataset}: truncated or altered in {root}: {', '.join(damaged)}")
    return root / dataset


def _download(missing: list[File], root: Path) -> None:
    """Download files to ``root``, one after the other, each moved into place once its hash is right."""
    if not missing:
        return
    from requests.exceptions import RequestException  # slow to import, and needed here only

    pooch.get_logger().setLevel("WARNING")
    bar = progress.bar(f"downloading {missing[0].dataset}", total=len(missing), unit="file")
    try:
        for file in missing:
            path = root / file.local_path
            downloader = pooch.HTTPDownloader(timeout=30, chunk_size=2**16)
            pooch.retrieve(file.url, f"sha256:{file.sha256}", path.name, path.parent, downloader=downloader)
            bar.update()
    except RequestException as error:
        raise DataUnavailable(
            f"{file.dataset}: {file.url} cannot be downloaded ({type(error).__name__}); what has arrived is kept. "
            f"Try again when the network is back: {how_to_get(file.dataset)}"
        ) from error
    except ValueError as error:
        raise DamagedData(
            f"{file.dataset}: {file.url} is not the file in the registry (its sha256 differs) and was not kept"
        ) from error
    finally:
        bar.close()


def _registry() -> list[File]:
    with REGISTRY.open(newline="", encoding="utf-8") as stream:
        return [File(**{**row, "bytes": int(row["bytes"])}) for row in csv.DictReader(stream)]


def _root(wanted: list[File]) -> Path:
    """Return the mirror if it has every one of these files, in whatever condition, else the cache."""
    mirror = _mirror()
    if mirror is not None and all((mirror / file.local_path).is_file() for file in wanted):
        return mirror
    named = os.environ.get("HELPERS_DATA_CACHE")
    return places.ROOT / named if named else Path(pooch.os_cache("learning-to-see-soft-matter"))


def _mirror() -> Path | None:
    """Return the folder named by HELPERS_DATA_MIRROR, or None; ValueError if there is no such folder."""
    named = os.environ.get("HELPERS_DATA_MIRROR")
    if not named:
        return None
    if not (places.ROOT / named).is_dir():
        raise ValueError(f"HELPERS_DATA_MIRROR must name a folder, got {named!r}")
    return places.ROOT / named


def _megabytes(wanted: list[File]) -> str:
    return f"{sum(file.bytes for file in wanted) / 1e6:.1f} MB"
