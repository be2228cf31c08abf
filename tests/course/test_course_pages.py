"""The quizzes as a whole; the rules of single pages are those of ``helpers.book.companions``."""

from helpers.book.companions import questions
from helpers.book.lessons import lessons
from helpers.common.places import BOOK


def test_right_answers_do_not_always_stand_at_the_same_place():
    places = []
    for lesson in lessons():
        page = BOOK / "quizzes" / f"{lesson.name[:2]}.md"
        for answers in questions(page.read_text(encoding="utf-8")) if page.exists() else []:
            places.append(next(i for i, (_, said) in enumerate(answers) if said.lstrip().startswith("Right.")))
    assert len(places) >= 27
    assert max(places.count(i) for i in set(places)) <= 0.6 * len(places)
