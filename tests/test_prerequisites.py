"""The map of prerequisites says what the notebooks say."""

import re

import pytest

from helpers.book import lessons, prerequisites
from helpers.common import places

NOTEBOOKS = {path.stem: lessons.read(path) for path in sorted(places.NOTEBOOKS.glob("*.py"))}


def notebook(text):
    return {"cells": [{"cell_type": "code", "source": "{doc}`99_code`"}, {"cell_type": "markdown", "source": text}]}


def test_what_a_lesson_needs_stands_in_one_paragraph():
    text = "**You need.** {doc}`02_b` for blur, {doc}`01_a`. Helpful: {doc}`00_start`.\n\n**Time.** {doc}`03_c`"
    assert prerequisites.needs(notebook(text)) == (["01_a", "02_b"], ["00_start"])
    assert prerequisites.needs(notebook("**You need.** Nothing.")) == ([], [])
    assert prerequisites.needs(notebook("No such sentence.")) == ([], [])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_lesson_says_what_it_needs_and_needs_only_earlier_ones(name):
    notebook = NOTEBOOKS[name]
    assert "**You need.**" in "".join(cell["source"] for cell in notebook["cells"])
    needed, helpful = prerequisites.needs(notebook)
    assert all(other in NOTEBOOKS and other < name for other in needed + helpful)


def test_the_map_names_every_lesson_and_draws_every_arc():
    text = prerequisites.chart({name: (f"Title of {name}", notebook) for name, notebook in NOTEBOOKS.items()}, "../../")
    for name in NOTEBOOKS:
        assert f'<a href="../../notebooks/{name}.html">{name[:2]} Title of {name}</a>' in text
    known = [prerequisites.needs(notebook) for notebook in NOTEBOOKS.values()]
    arcs = re.findall(r' d="M[^"]*C', text)
    assert len(arcs) == sum(len(needed) + len(helpful) for needed, helpful in known) > 0
    assert text.count('class="lsm-helps"') == sum(len(helpful) for _, helpful in known)
    assert text.count("<circle") == text.count("<li>") == len(NOTEBOOKS)
    assert re.search(r'<svg role="img" aria-label="[^"]{15,}"', text)


def test_the_map_leaves_out_what_is_not_in_the_book_and_quotes_titles():
    needs_two = notebook("**You need.** {doc}`01_a`, {doc}`02_b`.")
    text = prerequisites.chart({"01_a": ("A < B", notebook("")), "03_c": ("C", needs_two)})
    assert "A &lt; B" in text
    assert "needs 01</span>" in text
    assert "02" not in text


def test_the_first_page_asks_for_the_map_and_shows_four_paths():
    text = (places.BOOK / "intro.md").read_text(encoding="utf-8")
    assert "<!-- prerequisites -->" in text
    assert "<!-- lessons -->" in text
    assert re.findall(r"grid-item-card\} (\w+)", text) == ["Read", "Run", "Teach", "Research"]
