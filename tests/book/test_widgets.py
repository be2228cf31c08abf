"""Every widget of the built book is alive without a kernel: it answers the mouse and the keyboard."""

PICTURE = "canvas => canvas.toDataURL()"


def test_every_widget_answers_mouse_and_keyboard(visit):
    views = visit.page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    widgets = visit.page.locator(".lsm-widget").all()
    assert len(widgets) >= views, f"{views} widgets are stored in the page, {len(widgets)} are drawn"
    for widget in widgets:
        _press(visit.page, widget)


def _press(page, widget):
    widget.scroll_into_view_if_needed()
    widget.locator("xpath=self::*[@data-ready='true']").wait_for(state="attached")
    canvases = widget.locator("canvas")
    assert canvases.count() > 0, "a widget without a canvas"
    for canvas in canvases.all():
        assert canvas.get_attribute("role") == "img"
        assert len(canvas.get_attribute("aria-label") or "") >= 15, "a canvas does not say what it shows"
    sliders = widget.locator("input[type=range]:visible").all()
    assert sliders, "a widget without a slider"
    for slider in sliders:
        name = slider.evaluate("s => s.labels?.[0]?.textContent || s.getAttribute('aria-label')")
        assert name, "a slider without a label"
        assert _changes(page, widget, lambda slider=slider: _arrow(slider)), f"{name}: an arrow key changes no picture"
        assert _changes(page, widget, lambda slider=slider: _drag(page, slider)), (
            f"{name}: the mouse changes no picture"
        )


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
    box = slider.bounding_box()
    where = slider.evaluate("s => (s.value - (s.min || 0)) / ((s.max || 100) - (s.min || 0))")
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8 + where * (box["width"] - 16), middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (0.2 if where > 0.5 else 0.8), middle, steps=4)
    page.mouse.up()
