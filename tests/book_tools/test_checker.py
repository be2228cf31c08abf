"""A whole lesson keeps the rules; one that lacks a thing is told which, as are the lessons of the book."""

import json
import shutil

import nbformat
import pytest

from helpers import __main__ as command_line
from helpers.book import checker, companions, lessons, pairs, template

QUIZ = "# Quiz 10: Count\n\n" + 3 * (
    "## How?\n\n:::{dropdown} Yes\nRight. One two three four five six seven eight.\n:::\n\n"
    ":::{dropdown} No\nNo. One two three four five six seven eight.\n:::\n\n"
    ":::{dropdown} Perhaps\nNo. One two three four five six seven eight.\n:::\n\n"
)
TEACHING = """\
# Teaching lesson 10: Count

## Prerequisites

## Minutes

| Part | Talk | Demo | Exercise |
|---|---|---|---|
| All | 40 | 5 | 20 |

## Misconceptions

{numref}`fig-photon-mean`, {numref}`this <fig-one>`, {numref}`fig-two`

## Discussion

## Marking
"""
PAGES = {
    "cheatsheets": "# Cheat-sheet 10: Count\n\n`helpers` $a$ $b$ $c$ $d$ $e$ $$f$$\n",
    "quizzes": QUIZ,
    "instructor": TEACHING,
}
CONTENTS = "".join(f"  - file: {page}\n" for page in ["notebooks/10_see", *(f"book/{kind}/10" for kind in PAGES)])


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a folder with one whole lesson, its pair and its pages; the checker works in it."""
    notebooks, book = tmp_path / "notebooks", tmp_path / "book"
    shutil.copytree(template.TEMPLATE.parent, notebooks / "template")
    for module in (lessons, pairs, template):
        monkeypatch.setattr(module, "NOTEBOOKS", notebooks)
    for module in (checker, companions):
        monkeypatch.setattr(module, "BOOK", book)
    monkeypatch.setattr(checker.results, "read", lambda _: {"values": {"lessons": {"10_see": 6.0, "11_other": 1.0}}})
    path = template.new("10_see", "See")
    words = path.read_text().replace("How long must we look at a faint lamp?", "What is seen?")
    words = words.replace(
        "# ## Summary\n", "# ## Summary\n# {term}`MSD`, {term}`gels <Gel>`, {cite}`one2000,two2001`\n"
    )
    path.write_text(words + '# fig: \'name\': \n# "name": "fig-one", "name": "fig-two"\n')
    for kind, text in PAGES.items():
        (book / kind).mkdir(parents=True)
        (book / kind / "10.md").write_text(text)
    (book / "_toc.yml").write_text(CONTENTS)
    (book / "glossary.md").write_text("```{glossary}\nMSD\n  A mean.\n\ngel\n  A net.\n```\n")
    (book / "references.bib").write_text("@article{one2000,\n}\n@book{two2001,\n}\n")
    store(path)
    return tmp_path


def store(path):
    """Write the pair of a lesson as if it had run."""
    master = lessons.read(path)
    path.with_suffix(".ipynb").write_text(nbformat.writes(pairs._clean(lessons.read(path), master)))


def replace(path, old, new):
    def change(root):
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new, 1))
        if path.endswith("10_see.py"):
            store(root / path)

    return change


def remove(path):
    return lambda root: (root / path).unlink()


def picture(root):
    path = root / "notebooks/10_see.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].outputs = [nbformat.v4.new_output("display_data", {"image/png": "x"})]
    path.write_text(nbformat.writes(notebook))


def in_notebook(key, value):
    def change(root):
        path = root / "notebooks/10_see.ipynb"
        content = json.loads(path.read_text())
        content["metadata"][key] = value
        path.write_text(json.dumps(content))

    return change


def another(root):
    formula = "# %% [markdown]\n# ```{math}\n# :label: eq-photon-mean\n# a\n# ```\n\n"
    figure = '# %% mystnb={"figure": {"name": "fig-photon-mean"}}\n1\n'
    (root / "notebooks/11_other.py").write_text(formula + figure)


MASTER, CHEATSHEET, QUIZZES, TEACHERS = "notebooks/10_see.py", *(f"book/{kind}/10.md" for kind in PAGES)
BROKEN = [
    (
        replace(MASTER, "question: What is seen?", "question: How long must we look at a faint lamp?"),
        "the question in the header is still that of the template",
    ),
    (replace(MASTER, "# ## Summary", "# ## The end"), "there is no section `## Summary`"),
    (replace(MASTER, "{term}`MSD`", "{term}`flow`"), "book/glossary.md does not explain 'flow'"),
    (replace(MASTER, "one2000", "three2002"), "book/references.bib has no entry 'three2002'"),
    (replace(MASTER, "quick_cpu_s: 3", "quick_cpu_s: 13"), "quick_cpu_s in the header is 13, recorded are 6 s"),
    (remove("notebooks/10_see.ipynb"), "there is no 10_see.ipynb; run `make notebooks`"),
    (in_notebook("code_sha256", "0"), "the outputs belong to other code; run `make notebooks`"),
    (in_notebook("widgets", {}), "10_see.ipynb holds the state of widgets; run `make notebooks`"),
    (in_notebook("filler", "x" * 1_600_000), "10_see.ipynb has 1.6 MB, 1.5 are the most"),
    (picture, "cell 3 shows a picture without an alt text"),
    (
        replace("book/_toc.yml", "- file: notebooks/10_see\n", "\n"),
        "book/_toc.yml has no line `- file: notebooks/10_see`",
    ),
    (
        replace("book/_toc.yml", "- file: book/quizzes/10\n", "\n"),
        "book/_toc.yml has no line `- file: book/quizzes/10`",
    ),
    (remove(CHEATSHEET), "there is no page book/cheatsheets/10.md"),
    (
        replace(CHEATSHEET, "# Cheat-sheet 10: ", "# Sheet 10: "),
        f"{CHEATSHEET}: the title does not begin with `# Cheat-sheet 10: `",
    ),
    (replace(CHEATSHEET, "$a$", "a"), f"{CHEATSHEET}: at least 6 formulas are wanted, found 5"),
    (replace(CHEATSHEET, "`helpers`", "helpers"), f"{CHEATSHEET}: no name of helpers stands in it"),
    (remove(QUIZZES), "there is no page book/quizzes/10.md"),
    (replace(QUIZZES, "## How?", "How?"), f"{QUIZZES}: at least 3 questions are wanted, found 2"),
    (replace(QUIZZES, "Right.", "No."), f"{QUIZZES}: question 1 has 0 answers that begin with `Right.`, one is wanted"),
    (
        replace(QUIZZES, "{dropdown} Perhaps", "{note} Perhaps"),
        f"{QUIZZES}: question 1 has 2 answers, at least 3 are wanted",
    ),
    (replace(QUIZZES, "{dropdown} Perhaps", "{dropdown} No"), f"{QUIZZES}: question 1 has the same answer twice"),
    (
        replace(QUIZZES, "{dropdown} Perhaps", "{dropdown} $x^2$"),
        f"{QUIZZES}: question 1 has an answer that is only a formula: add a word, it is the name of a button",
    ),
    (
        replace(QUIZZES, "No. One two three", "No."),
        f"{QUIZZES}: question 1 has an answer that is explained in less than 8 words",
    ),
    (remove(TEACHERS), "there is no page book/instructor/10.md"),
    (
        replace(TEACHERS, "# Teaching lesson 10: ", "# Lesson 10: "),
        f"{TEACHERS}: the title does not begin with `# Teaching lesson 10: `",
    ),
    (
        replace(TEACHERS, "## Discussion\n", ""),
        f"{TEACHERS}: the headings are not Prerequisites, Minutes, Misconceptions, Discussion, Marking",
    ),
    (
        replace(TEACHERS, "{numref}`fig-two`", "fig-two"),
        f"{TEACHERS}: at least 3 misconceptions, each with the figure that cures it, are wanted, found 2",
    ),
    (replace(TEACHERS, "fig-two", "fig-three"), f"{TEACHERS}: the lesson has no figure fig-three"),
    (replace(TEACHERS, "| 40 |", "| 10 |"), f"{TEACHERS}: the table of minutes adds up to 35, 40 to 95 are wanted"),
]


@pytest.mark.usefixtures("place")
def test_a_whole_lesson_keeps_the_rules():
    assert checker.report(["10"]) == (["10_see keeps the rules"], True)


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=[sentence for _, sentence in BROKEN])
def test_what_is_lacking_is_said_and_nothing_else(place, change, sentence):
    change(place)
    assert checker.report(["10"]) == ([f"10_see: {sentence}"], False)


def test_two_lessons_may_not_share_a_label(place):
    another(place)
    assert checker.report(["10"])[0] == [
        "10_see: 11_other has the label 'eq-photon-mean', too",
        "10_see: 11_other has the label 'fig-photon-mean', too",
    ]


def test_a_fresh_copy_is_told_all_that_is_to_do(place, capsys, monkeypatch):
    monkeypatch.setattr(command_line, "ROOT", place)
    assert command_line.main(["new", "12_look", "Look at light"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("notebooks/12_look.py\n")
    assert "python -m helpers check 12 " in out
    (place / "notebooks/10_see.py").unlink()
    assert command_line.main(["check", "12"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("12_look: ") for line in lines)
    assert len(lines) == 10


@pytest.mark.usefixtures("place")
def test_the_command_says_so_where_nothing_lacks(capsys):
    assert command_line.main(["check", "10"]) == 0
    assert capsys.readouterr().out == "10_see keeps the rules\n"


def test_all_lessons_of_the_book_keep_the_rules():
    lines, whole = checker.report()
    assert whole, [line for line in lines if not line.endswith(" keeps the rules")]
    assert len(lines) >= 10
