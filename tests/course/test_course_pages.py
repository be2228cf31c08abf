"""Every lesson has its cheat-sheet, quiz and page for teachers, each in the form that readers rely on."""

import re

import pytest

from helpers.book.lessons import lessons
from helpers.common.places import BOOK

NUMBERS = [lesson.name[:2] for lesson in lessons() if not lesson.name.startswith("00")]
HEADINGS = ["Prerequisites", "Minutes", "Misconceptions", "Discussion", "Marking"]


def page(kind, number):
    return (BOOK / kind / f"{number}.md").read_text(encoding="utf-8")


def test_there_are_lessons():
    assert len(NUMBERS) == 9


@pytest.mark.parametrize("kind", ["cheatsheets", "quizzes", "instructor"])
def test_every_lesson_has_its_page_and_a_line_in_the_contents(kind):
    contents = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    assert [n for n in NUMBERS if f"book/{kind}/{n}\n" not in contents or not (BOOK / kind / f"{n}.md").exists()] == []


@pytest.mark.parametrize("number", NUMBERS)
def test_a_question_has_one_right_answer_and_every_answer_is_explained(number):
    first, *questions = re.split(r"^## ", page("quizzes", number), flags=re.MULTILINE)
    assert first.startswith(f"# Quiz {number}: ")
    assert len(questions) >= 3
    for question in questions:
        answers = re.findall(r"^:::\{dropdown\} (.+?)\n(.+?)^:::$", question, flags=re.MULTILINE | re.DOTALL)
        assert len(answers) >= 3, question
        assert len({words for words, _ in answers}) == len(answers), question
        assert all(re.search(r"\w", re.sub(r"\$[^$]*\$", "", words)) for words, _ in answers), "a formula is no name"
        assert sum(feedback.lstrip().startswith("Right.") for _, feedback in answers) == 1, question
        assert all(len(feedback.split()) >= 8 for _, feedback in answers), question


def test_right_answers_do_not_always_stand_at_the_same_place():
    places = []
    for number in NUMBERS:
        for question in page("quizzes", number).split("\n## ")[1:]:
            feedback = re.findall(r"^:::\{dropdown\} .+?\n(.+?)^:::$", question, flags=re.MULTILINE | re.DOTALL)
            places.append(next(i for i, words in enumerate(feedback) if words.lstrip().startswith("Right.")))
    assert max(places.count(i) for i in set(places)) <= 0.6 * len(places)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_page_for_teachers_says_what_a_teacher_asks(number):
    text = page("instructor", number)
    assert text.startswith(f"# Teaching lesson {number}: ")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == HEADINGS
    figures = re.findall(r"\{numref\}`(?:[^`<]*<)?(fig-[\w-]+)>?`", text)
    assert len(set(figures)) >= 3, "three misconceptions at least, each with the figure that cures it"
    lesson = next(lesson for lesson in lessons() if lesson.name.startswith(number))
    assert [name for name in figures if f'"name": "{name}"' not in lesson.py.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("number", NUMBERS)
def test_the_minutes_of_a_lesson_fit_its_session(number):
    cell = r"\s*(\d*)[^|\d]*\|"
    rows = re.findall(rf"^\|[^|]*\|{cell}{cell}{cell}\s*$", page("instructor", number), re.MULTILINE)
    minutes = [int(x) for row in rows for x in row if x]
    assert 40 <= sum(minutes) <= 190, "the parts, and perhaps their sum"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_cheat_sheet_has_formulas_and_names(number):
    text = page("cheatsheets", number)
    assert text.startswith(f"# Cheat-sheet {number}: ")
    assert len(re.findall(r"(?<!\$)\$(?!\$)[^$]+\$|\$\$.+?\$\$", text, flags=re.DOTALL)) >= 6
    assert "`" in text, "no name of helpers"
