"""The built book, served below a sub-path as on a project's public pages, and one headless browser to read it with.

``HELPERS_SITE`` names another folder with a built site than build/site.
"""

import functools
import http.server
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from helpers.book import site

STAGE = Path(os.environ.get("HELPERS_SITE", site.STAGE))
HTML = STAGE / "_build" / "html"
PREFIX = "/book/"
LAUNCH = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def pages() -> list[str]:
    """Return the address below the site's root of every page that a reader can open."""
    if site.finished(STAGE) is None:
        return []
    found = (path.relative_to(HTML) for path in HTML.rglob("*.html"))
    return sorted(path.as_posix() for path in found if path.parts[0] != "_static")  # the theme's templates lie there


def pytest_generate_tests(metafunc):
    """Run every test that opens a page on every page; with no page at all it runs once, and fails."""
    if "visit" in metafunc.fixturenames:
        metafunc.parametrize("visit", pages() or [None], indirect=True, scope="module", ids=str)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith(PREFIX):
            return self.send_error(404)
        self.path = "/" + self.path.removeprefix(PREFIX)
        return super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site_folder():
    """The folder that holds the pages of the built site."""
    return HTML


@pytest.fixture(scope="session")
def address():
    """The http address of the built site on a free port of this machine."""
    handler = functools.partial(_Handler, directory=HTML)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """An installed chromium without a window; where there is none the tests are skipped, but never in CI."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), MAC if MAC.exists() else None)
    if program is None:
        reason = "NO CHROMIUM ON THIS MACHINE: the pages of the book are not tested (install chromium)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(program), args=LAUNCH)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """One page, open in the browser, and everything it complained about while it loaded."""

    name: str
    page: object
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def tab(browser, address):
    """The browser tab that visits the pages one after the other; it reaches no host but the test's own server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.visit = Visit("", page)

    def gate(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            return route.continue_()
        page.visit.foreign.append(route.request.url)
        return route.abort()

    context.route("**/*", gate)
    page.on("pageerror", lambda error: page.visit.errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and page.visit.errors.append(line.text))
    page.on("response", lambda answer: answer.status >= 400 and page.visit.failed.append(answer.url))
    page.on("requestfailed", lambda request: page.visit.failed.append(request.url))
    yield page
    context.close()


@pytest.fixture(scope="module")
def visit(request, tab, address):
    """One page of the book, loaded, in light colours and on a wide screen, its widgets and formulas drawn."""
    if request.param is None:
        pytest.fail(f"no built book in {STAGE}: build it with `python -m helpers book`")
    tab.visit = Visit(request.param, tab)
    tab.set_viewport_size({"width": 1440, "height": 900})
    tab.goto(address + request.param, wait_until="load")
    if request.param == "index.html":
        tab.wait_for_url("**/intro.html")
    tab.wait_for_load_state("load")
    tab.evaluate("async () => { if (window.MathJax?.startup) await window.MathJax.startup.promise }")
    if tab.locator('script[type="application/vnd.jupyter.widget-view+json"]').count():
        tab.wait_for_selector('.lsm-widget[data-ready="true"], .jupyter-widgets', state="attached")
    return tab.visit


@pytest.fixture(params=["light", "dark"])
def colours(request, visit):
    """The page in light, then in dark colours."""
    visit.page.add_style_tag(content="* { transition: none !important }")
    visit.page.evaluate("mode => { document.documentElement.dataset.theme = mode }", request.param)
    yield request.param
    visit.page.evaluate("() => { document.documentElement.dataset.theme = 'light' }")


@pytest.fixture
def narrow(visit):
    """The page as wide as a phone."""
    visit.page.set_viewport_size({"width": 375, "height": 800})
    yield visit.page
    visit.page.set_viewport_size({"width": 1440, "height": 900})


@pytest.fixture
def finger(tab):
    """A function that puts one finger on the first place of a stroke, draws it along, and lifts it."""
    browser = tab.context.new_cdp_session(tab)
    browser.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})

    def draw(stroke):
        for kind, place in zip(["touchStart"] + ["touchMove"] * (len(stroke) - 1), stroke, strict=True):
            touch = {"x": place[0], "y": place[1]}
            browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [touch]})
        browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    yield draw
    browser.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    browser.detach()
