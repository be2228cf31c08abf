"""Every widget of the built book is alive without a kernel: it answers the mouse, the keyboard and the finger."""

import pytest

PICTURE = "canvas => canvas.toDataURL()"
NEXT_STROKE = "Pen"  # the one choice that shows nothing by itself: it says what the next stroke does


def test_every_widget_answers_mouse_and_keyboard(visit):
    views = visit.page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    widgets = visit.page.locator(".lsm-widget").all()
    assert len(widgets) >= views, f"{views} widgets are stored in the page, {len(widgets)} are drawn"
    for widget in widgets:
        _ready(widget)
        for slider in _sliders(widget):
            name = _name(slider)
            assert _changes(visit.page, widget, lambda slider=slider: _arrow(slider)), (
                f"{name}: an arrow key changes no picture"
            )
            assert _changes(visit.page, widget, lambda slider=slider: _drag(visit.page, slider)), (
                f"{name}: the mouse changes no picture"
            )
        _use_the_rest(visit.page, widget, lambda control: control.press("Enter"))


def test_every_widget_answers_a_finger_on_a_dark_phone(phone, finger):
    for widget in phone.locator(".lsm-widget").all():
        _ready(widget)
        for slider in _sliders(widget):
            stroke = [_thumb(slider), _far_side(slider)]
            assert _changes(phone, widget, lambda stroke=stroke: finger(stroke)), f"{_name(slider)}: touch does nothing"
        _use_the_rest(phone, widget, lambda button: finger([_middle(button)]))
        for canvas in widget.locator("canvas").all():
            if canvas.evaluate("c => c.style.touchAction === 'none'"):
                canvas.scroll_into_view_if_needed()
                stroke = [_inside(canvas, 0.3, 0.4), _inside(canvas, 0.7, 0.6)]
                assert _changes(phone, widget, lambda stroke=stroke: finger(stroke)), "a stroke on it does nothing"


@pytest.fixture
def phone(visit):
    """The page in dark colours on a screen that is as wide as a phone's."""
    visit.page.set_viewport_size({"width": 375, "height": 800})
    visit.page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    yield visit.page
    visit.page.evaluate("() => { document.documentElement.dataset.theme = 'light' }")
    visit.page.set_viewport_size({"width": 1440, "height": 900})


def _ready(widget):
    """Bring ``widget`` into view and wait until it is drawn; every picture of it says what it shows."""
    widget.scroll_into_view_if_needed()
    widget.locator("xpath=self::*[@data-ready='true']").wait_for(state="attached")
    canvases = widget.locator("canvas")
    assert canvases.count() > 0, "a widget without a canvas"
    for canvas in canvases.all():
        assert canvas.get_attribute("role") == "img"
        assert len(canvas.get_attribute("aria-label") or "") >= 15, "a canvas does not say what it shows"


def _sliders(widget):
    """Yield the sliders a reader can see, each in view; there is at least one."""
    sliders = widget.locator("input[type=range]:visible").all()
    assert sliders, "a widget without a slider"
    for slider in sliders:
        slider.scroll_into_view_if_needed()
        yield slider


def _name(slider) -> str:
    name = slider.evaluate("s => s.labels?.[0]?.textContent || s.getAttribute('aria-label')")
    assert name, "a slider without a label"
    return name


def _use_the_rest(page, widget, push):
    """Choose the next entry of every list, then ``push`` every button: each changes what is seen."""
    for choice in widget.locator("select:visible").all():
        if _name(choice).startswith(NEXT_STROKE):
            continue
        other = choice.evaluate("s => (s.selectedIndex + 1) % s.length")
        assert _changes(page, widget, lambda choice=choice, other=other: choice.select_option(index=other)), (
            f"{_name(choice)}: the next choice changes no picture"
        )
    for button in widget.locator("button:visible").all():
        button.scroll_into_view_if_needed()
        words = button.inner_text()
        assert _changes(page, widget, lambda button=button: push(button)), f"{words}: pushing it changes no picture"
        if button.inner_text() != words:  # what was started is stopped again
            push(button)


def _changes(page, widget, act) -> bool:
    """Return True when ``act`` changes a picture of ``widget`` within two seconds."""
    before = _resting(page, widget)
    act()
    return any(_later(page, widget) != before for _ in range(20))


def _resting(page, widget) -> list[str]:
    """Return the pictures of ``widget`` once they stand still, as this reader, who asked for less motion, expects."""
    pictures = _pictures(widget)
    for _ in range(20):
        now = _later(page, widget)
        if now == pictures:
            return now
        pictures = now
    raise AssertionError("a widget that moves by itself must rest under prefers-reduced-motion")


def _later(page, widget) -> list[str]:
    page.wait_for_timeout(100)
    return _pictures(widget)


def _pictures(widget) -> list[str]:
    return widget.locator("canvas").evaluate_all(f"all => all.map({PICTURE})")


def _arrow(slider):
    slider.focus()
    at_end = slider.evaluate("s => +s.value >= +s.max")
    slider.press("ArrowLeft" if at_end else "ArrowRight")


def _drag(page, slider):
    """Pull the slider's thumb from where it stands to the far side."""
    page.mouse.move(*_thumb(slider))
    page.mouse.down()
    page.mouse.move(*_far_side(slider), steps=4)
    page.mouse.up()


def _thumb(slider) -> tuple[float, float]:
    return _along(slider, _value(slider))


def _far_side(slider) -> tuple[float, float]:
    return _along(slider, 0.2 if _value(slider) > 0.5 else 0.8)


def _value(slider) -> float:
    """Return where the thumb of ``slider`` stands, 0 left to 1 right."""
    return slider.evaluate("s => (s.value - (s.min || 0)) / ((s.max || 100) - (s.min || 0))")


def _along(slider, where: float) -> tuple[float, float]:
    box = slider.bounding_box()
    return box["x"] + 8 + where * (box["width"] - 16), box["y"] + box["height"] / 2


def _inside(item, x: float, y: float) -> tuple[float, float]:
    """Return the place on the screen at the share ``x`` from the left and ``y`` from the top of ``item``."""
    box = item.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def _middle(item) -> tuple[float, float]:
    return _inside(item, 0.5, 0.5)
