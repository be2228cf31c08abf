"""What a visitor reads first agrees with what is there."""

import re

import pytest
import yaml
from matplotlib.image import imread

from helpers.book import picture, readme
from helpers.book.lessons import lessons
from helpers.common.places import ROOT

TEXT = readme.README.read_text(encoding="utf-8")


def rows():
    return [line for line in TEXT.splitlines() if line.startswith("| [")]


def test_the_table_is_the_generated_one():
    assert readme.table() in TEXT, "python -m helpers bench times writes the table"
    assert len(rows()) == len(lessons())


def test_refresh_needs_its_marks(tmp_path, monkeypatch):
    monkeypatch.setattr(readme, "README", tmp_path / "README.md")
    readme.README.write_text("no marks")
    with pytest.raises(ValueError, match="end of lessons"):
        readme.refresh()
    readme.README.write_text(f"before\n{readme.FIRST}old\n{readme.LAST}after\n")
    readme.refresh()
    assert readme.README.read_text() == f"before\n{readme.FIRST}{readme.table()}{readme.LAST}after\n"


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert links
    assert not [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]


def test_commands_exist():
    targets = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split())
    assert set(re.findall(r"^make (\w+)", TEXT, re.M)) <= targets
    assert {"make book", "make test", "make lab"} <= set(re.findall(r"^make \w+", TEXT, re.M))


def test_the_picture_is_small_and_drawn_by_its_script(tmp_path):
    drawn, stored = imread(picture.draw(tmp_path / "again.png")), imread(picture.PICTURE)
    assert picture.PICTURE.stat().st_size <= 100_000
    assert stored.shape[-1] == 4  # transparent, for light and dark pages
    assert drawn.shape == pytest.approx(stored.shape, abs=10)  # fonts differ a little between machines


def test_nothing_shouts():
    prose = re.sub(r"```.*?```|!\[", "", TEXT, flags=re.S)
    assert "!" not in prose.replace("<!--", "")


def test_citation_and_licences():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["authors"] == [{"name": "Learning to See Soft Matter contributors"}]
    assert not {"url", "repository-code", "repository"} & citation.keys()  # the address comes from the git remote
    assert "Permission is hereby granted" in (ROOT / "LICENSE").read_text()
    assert (ROOT / "LICENSE-CONTENT").read_text().startswith("Attribution 4.0 International")
