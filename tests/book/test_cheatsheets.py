"""A cheat-sheet prints on one page of A4, without the controls of the site."""

import re

from helpers.book.lessons import lessons
from helpers.common.places import NOTEBOOKS

MARGINS = dict.fromkeys(("top", "right", "bottom", "left"), "12mm")


def test_every_cheat_sheet_prints_on_one_page(tab, address):
    numbers = [lesson.name[:2] for lesson in lessons() if lesson.name[:2] != "00"]
    assert numbers, f"no lesson in {NOTEBOOKS}"
    sheets = {}
    for number in numbers:
        tab.goto(f"{address}book/cheatsheets/{number}.html", wait_until="load")
        tab.evaluate("async () => { await window.MathJax.startup.promise }")
        pdf = tab.pdf(format="A4", margin=MARGINS, print_background=False)
        sheets[number] = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert sheets == dict.fromkeys(numbers, 1)
