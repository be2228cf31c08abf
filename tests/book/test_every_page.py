"""What holds on every page of the built book, whoever wrote it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

# Ways in which a page may name a folder of the machine that made it.
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|tmp|root|home|Users)/[\w.-]")
ALT_LENGTH = 15


def test_loads_without_an_error_and_without_another_host(visit):
    assert visit.foreign == []
    assert visit.failed == []
    assert visit.errors == []


def test_every_image_says_what_it_shows(visit):
    images = visit.page.eval_on_selector_all(
        "img", "all => all.map(i => [i.getAttribute('alt'), i.getAttribute('src'), !!i.closest('.cell_output')])"
    )
    for alt, source, figure in images:
        assert alt, f"no alt text: {source}"
        assert not re.search(r"\.(png|svg|jpe?g|gif)$|^<?Figure size|_build", alt), f"alt text is a file name: {alt}"
        assert not figure or len(alt) >= ALT_LENGTH, f"alt text of a figure is too short: {alt!r}"


def test_shows_no_traceback_and_no_path_of_the_machine(visit):
    html = visit.page.content()
    assert "Traceback (most recent call last)" not in html
    assert MACHINE_PATH.findall(html) == []


@pytest.mark.usefixtures("colours")
def test_is_accessible(visit):
    found = Axe().run(visit.page).response["violations"]
    severe = [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
        if violation["impact"] in ("critical", "serious")
    ]
    assert severe == [], "\n".join(severe)


def test_fits_a_phone(narrow):
    narrow.wait_for_timeout(50)
    width = narrow.evaluate("document.documentElement.scrollWidth")
    assert width <= 375, f"{_widest(narrow)} is {width} px wide"


def _widest(page) -> str:
    """Return the start of the element that sticks out furthest, leaving out what scrolls inside its own box."""
    return page.evaluate("""() => {
        const scrolls = e => e && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
        const out = [...document.querySelectorAll('body *')].filter(e => !scrolls(e.parentElement));
        out.sort((a, b) => b.getBoundingClientRect().right - a.getBoundingClientRect().right);
        return out[0].outerHTML.slice(0, 200);
    }""")
