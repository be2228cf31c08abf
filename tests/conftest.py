"""What tests of every wing share: the widgets' JavaScript, evaluated by the engine that will run it, a browser's.

>>> js = module("helpers/molecules/diffusion.js")       # a path from the root of the checkout
>>> js("blurCoefficient", 10)                           # an exported function with JSON arguments
0.165
>>> js("(m, seed) => m.uniform(seed)()", 1)             # or any function of the module and arguments
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings

from helpers import doctor
from helpers.common.places import ROOT
from helpers.common.widgets import esm

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

_EVALUATE = """async ([code, expression, given]) => {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const m = await import(address);
  const act = expression.includes("=>") ? eval(expression) : (m, ...rest) => m[expression](...rest);
  return act(m, ...given);
}"""


@pytest.fixture(scope="session")
def _evaluate():
    """Return a function that evaluates in a page without a window, all in one thread of its own.

    Playwright allows one session a thread, and the tests of the built book have theirs in the main one.
    """
    program = doctor.browser()
    if program is None:
        reason = "NO CHROMIUM ON THIS MACHINE: the JavaScript of the widgets is not tested (install chromium)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with ThreadPoolExecutor(max_workers=1) as thread:
        playwright = thread.submit(lambda: sync_playwright().start()).result()
        try:
            chromium = thread.submit(
                playwright.chromium.launch, executable_path=program, args=["--no-sandbox", "--disable-gpu"]
            ).result()
            page = thread.submit(chromium.new_page).result()
            yield lambda *given: thread.submit(page.evaluate, _EVALUATE, list(given)).result()
            thread.submit(chromium.close).result()
        finally:
            thread.submit(playwright.stop).result()


@pytest.fixture(scope="session")
def module(_evaluate):
    """Return ``module(path)``, which gives a function that calls what the widget at ``path`` exports."""

    def load(path: str):
        code = esm(ROOT / path)
        return lambda expression, *given: _evaluate(code, expression, list(given))

    return load
