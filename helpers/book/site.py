"""The book as a web site: staged from book/, generated pages and executed notebooks, then built by Jupyter Book."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import metadata, resources
from pathlib import Path

import yaml

from helpers.book import executed as executed_lessons
from helpers.book import pages
from helpers.common import atomic
from helpers.common.places import BOOK, BUILD, ROOT
from helpers.course import releases, sources

__all__ = ["EXECUTED", "STAGE", "BookFailed", "build", "finished", "repository", "stage_site"]

EXECUTED = BUILD / "executed"
STAGE = BUILD / "site"
SEAL = "built.json"
BUILDERS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme", "sphinx-exercise")


class BookFailed(RuntimeError):
    """The book cannot be built; the message says why and where the log lies."""


def build(executed: Path = EXECUTED, stage: Path = STAGE) -> Path:
    """Build the book from the executed lessons in ``executed`` inside ``stage`` and return the path of its index.

    Nothing is built when the staged files equal those of the last finished build. Raises BookFailed.
    """
    stage = Path(stage)
    fresh = stage.with_name(f".{stage.name}.fresh")
    left_out = stage_site(Path(executed), fresh)
    if left_out:
        print(f"Book: left out, because not executed yet: {', '.join(left_out)}")
    key = _fingerprint(fresh)
    index = finished(stage)
    if index and json.loads((stage / SEAL).read_text())["key"] == key:
        shutil.rmtree(fresh)
        print("Book: nothing changed since the last build")
        return index
    shutil.rmtree(stage, ignore_errors=True)
    fresh.rename(stage)
    _run_jupyter_book(stage)
    atomic.write_json(stage / SEAL, {"key": key})
    return finished(stage)


def finished(stage: Path = STAGE) -> Path | None:
    """Return the index of a completely built site, or None: a build that broke off does not count."""
    index = Path(stage) / "_build" / "html" / "index.html"
    return index if index.is_file() and (Path(stage) / SEAL).is_file() else None


def stage_site(executed: Path, stage: Path) -> list[str]:
    """Write every source of the book into the new folder ``stage``; return the lessons of the contents not yet run."""
    lessons = executed_lessons.read_lessons(executed)
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(BOOK, stage / "book", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    anywidget = resources.files("anywidget") / "nbextension" / "index.js"
    atomic.write_bytes(stage / "book" / "vendor" / "anywidget.js", anywidget.read_bytes())
    for lesson in lessons:
        atomic.write_json(stage / "notebooks" / f"{lesson.name}.ipynb", executed_lessons.page(lesson))
    _add_assignments(stage / "book" / "downloads" / "assignments.zip")
    pages.write(stage / "book", lessons)
    _patch_config(stage / "book" / "_config.yml", repository())
    return _patch_toc(stage / "book" / "_toc.yml", {lesson.name for lesson in lessons})


def _add_assignments(path: Path) -> None:
    """Write the archive of all releases; they are made again only where one changed."""
    made_of = [*map(sources.master, sources.assignments()), Path(sources.__file__), Path(releases.__file__)]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in made_of)).hexdigest()[:16]
    archive = BUILD / "assignments" / f"{key}.zip"
    if not archive.is_file():
        with tempfile.TemporaryDirectory() as folder:
            releases.release(into=Path(folder))
            releases.bundle(archive, Path(folder))
    atomic.write_bytes(path, archive.read_bytes())


def repository(folder: Path = ROOT) -> str | None:
    """Return the https address of the GitHub repository that ``folder``'s origin points to, or None."""
    try:
        answer = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=folder, capture_output=True, text=True, check=False
        )
    except OSError:  # no git on this machine
        return None
    return _github(answer.stdout.strip())


def _github(url: str) -> str | None:
    """Turn any way of writing a GitHub remote into its https address; None for every other host."""
    found = re.fullmatch(r"(?:https?://(?:[^@/]*@)?|ssh://git@|git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?", url)
    return f"https://github.com/{found[1]}" if found else None


def _patch_config(path: Path, address: str | None) -> None:
    """Switch the repository and Colab buttons on where a public address is known."""
    if address is None:
        return
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["sphinx"]["config"]["html_theme_options"] |= {
        "repository_url": address,
        "repository_branch": "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com", "notebook_interface": "jupyterlab"},
    }
    atomic.write_text(path, yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


def _patch_toc(path: Path, executed: set[str]) -> list[str]:
    """Drop lessons that were not executed, and parts left empty, from the table of contents; return the dropped."""
    toc = yaml.safe_load(path.read_text(encoding="utf-8"))
    listed = [name for part in toc["parts"] for name in _lesson_names(part)]
    if unlisted := sorted(executed - set(listed)):
        raise BookFailed(f"no line in book/_toc.yml for the executed notebook {', '.join(unlisted)}: add one")
    for part in toc["parts"]:
        dropped = set(_lesson_names(part)) - executed
        part["chapters"] = [c for c in part["chapters"] if c["file"].removeprefix("notebooks/") not in dropped]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    atomic.write_text(path, yaml.safe_dump(toc, allow_unicode=True, sort_keys=False))
    return [name for name in listed if name not in executed]


def _lesson_names(part: dict) -> list[str]:
    files = [chapter["file"] for chapter in part["chapters"]]
    return [file.removeprefix("notebooks/") for file in files if file.startswith("notebooks/")]


def _fingerprint(stage: Path) -> str:
    """Return a hash of every staged file, its name, and the versions of the programs that build the book."""
    digest = hashlib.sha256(sys.version.encode())
    for builder in BUILDERS:
        digest.update(f"{builder} {metadata.version(builder)}\n".encode())
    for path in sorted(path for path in stage.rglob("*") if path.is_file()):
        digest.update(path.relative_to(stage).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _run_jupyter_book(stage: Path) -> None:
    """Run Jupyter Book inside ``stage`` with its words going to build.log; raise BookFailed with its warnings."""
    log = stage / "build.log"
    sources = ["--config", "book/_config.yml", "--toc", "book/_toc.yml", "--path-output", "."]
    main = "from jupyter_book.cli.main import main; main()"
    print("Book: building ...", end=" ", flush=True)
    start = time.monotonic()
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", main, "build", ".", *sources, "--all", "-W", "--keep-going"],
            cwd=stage,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"NO_COLOR": "1", "TERM": "dumb"},
            check=False,
        )
    print(f"{time.monotonic() - start:.0f} s")
    if done.returncode or not (stage / "_build" / "html" / "index.html").is_file():
        raise BookFailed(_complaint(log))


def _complaint(log: Path) -> str:
    """Return the warning and error lines of a log and where it lies; its last lines where it has none."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8")).splitlines()
    named = list(dict.fromkeys(line for line in lines if re.search(r"\b(WARNING|ERROR|CRITICAL|Error)\b", line)))
    return "\n".join(["the book did not build:", *(named or lines)[-20:], f"everything Sphinx said: {log}"])
