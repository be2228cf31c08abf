"""The index leads from every word of the glossary to the sections that speak of it."""

from helpers.book import word_index
from helpers.book.executed import Lesson

GLOSSARY = """# Glossary

```{glossary}
:sorted:

motion blur
  What the shutter does, see {term}`photon`.

photon
photons of light
  The unit of light.

nat
  A unit of information.
```
"""


def lesson(name, *texts):
    return Lesson(name, {"cells": [{"cell_type": "markdown", "source": text} for text in texts], "metadata": {}})


def test_words_are_those_of_the_glossary_in_order():
    assert word_index.words(GLOSSARY) == ["motion blur", "nat", "photon", "photons of light"]


def test_a_word_leads_to_its_sections():
    first = lesson(
        "01_walk", "# Walk\nPhotons", "## 2. Why *blur*?\nThe motion\nblur of {term}`photons`.", "## Summary\nnat"
    )
    second = lesson("02_see", "No word of it, naturally.", "## 1. See\nA nature photon-counter.")
    lines = word_index.page([first, second], GLOSSARY).splitlines()
    section = '<a href="../notebooks/01_walk.html#why-blur" title="Why *blur*?">01&nbsp;§2</a>'
    assert f"- {{term}}`motion blur`: {section}" in lines
    assert (
        f"- {{term}}`photon`: {section}" in lines
    )  # the first page has no number, and a numbered section has the word
    assert '- {term}`nat`: <a href="../notebooks/01_walk.html">01</a>' in lines
    assert "- {term}`photons of light`: only in the glossary" in lines
