"""The first page: one live picture per wing, a map of the lessons, and few enough bytes."""

import re

import pytest

WINGS = ("microgels", "nanoparticles", "textures", "colloids")
LANDING = "book/intro.html"
HEAVIEST = 3e6  # bytes of the first visit; the page has no widget that needs a runtime
PICTURES = "w => [...w.querySelectorAll('canvas')].map(c => c.toDataURL())"
SHADES = """w => [...w.querySelectorAll('canvas')].map(c => {
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
    return new Set(new Uint32Array(data.buffer)).size;
})"""


@pytest.fixture(scope="module")
def opened(tab, address):
    tab.goto(address + LANDING, wait_until="load")
    return tab


@pytest.fixture
def landing(opened):
    """The first page on a wide screen, in light colours."""
    opened.set_viewport_size({"width": 1440, "height": 900})
    opened.evaluate("() => { document.documentElement.dataset.theme = 'light' }")
    yield opened
    opened.set_viewport_size({"width": 1440, "height": 900})


@pytest.fixture(params=WINGS)
def wing(request, landing):
    """The picture of one wing, in view and drawn."""
    return drawn(landing, request.param)


def drawn(page, name):
    picture = page.locator(f"[data-wing={name}]")
    picture.scroll_into_view_if_needed()
    page.locator(f"[data-wing={name}][data-ready=true]").wait_for(state="attached")
    page.wait_for_timeout(200)
    return picture


def changed(page, picture, before) -> bool:
    """Return True when all canvases that may change have done so within two seconds."""
    for _ in range(20):
        page.wait_for_timeout(100)
        now = picture.evaluate(PICTURES)
        if sum(new != old for new, old in zip(now, before, strict=True)) >= 2:
            return True
    return False


def test_every_wing_is_drawn(wing):
    assert min(wing.evaluate(SHADES)) > 1, "a canvas is blank"
    assert re.search(r"\d", wing.locator("p").inner_text())


def test_the_arrow_keys_move_every_picture(landing, wing):
    before, words = wing.evaluate(PICTURES), wing.locator("p").inner_text()
    slider = wing.locator("input")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    assert changed(landing, wing, before)
    assert wing.locator("p").inner_text() != words
    assert slider.get_attribute("aria-valuetext") == wing.locator("output").inner_text()


def test_a_finger_moves_every_picture(landing, wing, finger):
    before, slider = wing.evaluate(PICTURES), wing.locator("input")
    box = slider.bounding_box()
    right = slider.evaluate("s => 2 * s.value < +s.max + +s.min")
    finger([(box["x"] + (0.9 if right else 0.1) * box["width"], box["y"] + box["height"] / 2)])
    assert changed(landing, wing, before)


def test_the_pictures_know_the_dark(landing, wing):
    light = wing.evaluate(PICTURES)
    landing.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    assert any(_differs(landing, wing, light) for _ in range(20))


def _differs(page, picture, before) -> bool:
    page.wait_for_timeout(100)
    return picture.evaluate(PICTURES)[2] != before[2]  # the curve, in ink


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_ink_stands_out_from_the_page(landing, wing, theme):
    landing.evaluate("t => { document.documentElement.dataset.theme = t }", theme)
    landing.wait_for_timeout(300)
    ink = wing.evaluate("""w => {
        const c = w.querySelectorAll('canvas')[2];
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        const solid = [...data.keys()].filter(i => i % 4 === 3 && data[i] === 255);
        return solid.reduce((sum, i) => sum + data[i - 1] + data[i - 2] + data[i - 3], 0) / solid.length / 3;
    }""")
    assert ink > 150 if theme == "dark" else ink < 110


def test_a_phone_shows_them_without_scrolling_sideways(landing):
    landing.set_viewport_size({"width": 375, "height": 800})
    for name in WINGS:
        picture = drawn(landing, name)
        boxes = [canvas.bounding_box() for canvas in picture.locator("canvas").all()]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 375 and box["width"] >= 130 for box in boxes)
        assert min(picture.evaluate(SHADES)) > 1
    assert landing.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_map_links_every_lesson_that_the_contents_link(landing):
    links = landing.locator(".lsm-map a").evaluate_all("all => all.map(a => a.href)")
    contents = landing.locator(".bd-sidebar-primary a[href*='notebooks/']").evaluate_all("all => all.map(a => a.href)")
    assert links == list(dict.fromkeys(contents))
    rows = landing.locator(".lsm-map li").evaluate_all("all => all.map(r => r.scrollHeight - r.clientHeight)")
    assert max(rows) <= 0


def test_the_first_visit_is_light(browser, address):
    context = browser.new_context()
    page, sizes = context.new_page(), []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto(address + LANDING, wait_until="networkidle")
    page.wait_for_timeout(200)
    context.close()
    assert 1e4 < sum(sizes) <= HEAVIEST


def test_the_gel_turns_for_a_few_seconds_and_rests(browser, address):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address + LANDING, wait_until="load")
    gel = drawn(page, "microgels")
    first = gel.evaluate(PICTURES)
    page.wait_for_timeout(400)
    second = gel.evaluate(PICTURES)
    page.wait_for_timeout(6000)
    third = gel.evaluate(PICTURES)
    page.wait_for_timeout(400)
    fourth = gel.evaluate(PICTURES)
    context.close()
    assert second[0] != first[0]
    assert second[1:] == first[1:]
    assert fourth == third


def test_nothing_moves_by_itself_for_those_who_ask(landing):
    gel = drawn(landing, "microgels")
    before = gel.evaluate(PICTURES)
    landing.wait_for_timeout(500)
    assert gel.evaluate(PICTURES) == before
