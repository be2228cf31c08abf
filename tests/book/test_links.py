"""Links between the pages of the built book lead somewhere, to the very place they name."""

import re
from html import unescape
from pathlib import Path

import pytest

PAGES = ["intro", "scoreboard", "speed", "word_index", "glossary", "about"]


@pytest.fixture(scope="module")
def places():
    """Return a function that gives the ids of a built page, or None where there is no page."""
    known: dict[Path, set | None] = {}

    def ids(path: Path):
        if path not in known:
            text = path.read_text(encoding="utf-8") if path.is_file() else None
            known[path] = None if text is None else set(re.findall(r'\bid="([^"]+)"', text))
        return known[path]

    return ids


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_their_place(site_folder, places, name):
    page = site_folder / "book" / f"{name}.html"
    links = re.findall(r'<a [^>]*href="([^"]+)"', page.read_text(encoding="utf-8"))
    local = {unescape(link) for link in links if not re.match(r"\w+:|//", link)}
    assert local
    lost = []
    for link in local:
        path, _, place = link.partition("#")
        there = places((page.parent / path).resolve() if path else page)
        if there is None or (place and place not in there):
            lost.append(link)
    assert lost == []
