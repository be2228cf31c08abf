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

_LIVE = """async (m, given, steps) => {
  const [values, ears] = [{ ...given }, []];
  if (given.data) values.data = new DataView(new Uint8Array(given.data).buffer);
  const model = { get: (name) => values[name], save_changes: () => {}, on: (_, ear) => ears.push(ear),
    set: (name, value) => { values[name] = value; ears.forEach((ear) => ear()); } };
  const el = document.createElement("div");
  document.body.append(el);
  const all = (kind) => [...el.querySelectorAll(kind)];
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const drag = (places) => {
    const [canvas] = all("canvas"), box = canvas.getBoundingClientRect();
    for (const [x, y] of places) {
      const [clientX, clientY] = [box.left + x * box.width, box.top + y * box.height];
      canvas.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, buttons: 1, bubbles: true }));
    }
    canvas.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  };
  const slide = ([index, value]) => {
    const slider = all("input")[index];
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
  };
  const close = m.default.render({ model, el });
  await frame();
  const seen = [];
  const look = () => seen.push({
    words: el.querySelector(".lsm-status").textContent,
    sliders: all("input").filter((s) => s.offsetParent).map((s) => [s.labels[0].textContent, Number(s.value)]),
    pictures: all("canvas").map((c) => [c.getAttribute("aria-label"), c.toDataURL()]),
    settings: values.settings,
  });
  look();
  for (const step of steps) {
    if (step === "rest") await new Promise((done) => setTimeout(done, 700));
    else if (typeof step === "string") all("button").find((b) => b.textContent === step).click();
    else if (step.drag) drag(step.drag);
    else if (step.slide) slide(step.slide);
    else model.set("settings", { ...values.settings, ...step });
    await frame();
    look();
  }
  close();
  el.remove();
  return seen;
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


@pytest.fixture(scope="session")
def use(module):
    """Return ``use(path, given, steps)``: what a reader sees of a widget at first and after every step.

    ``given``: its traits, ``data`` as a list of bytes. A step is the text of a button, {"drag": [(x, y), ...]} over
    the first canvas in units of its sides, {"slide": (number of the slider, value)}, "rest", or other settings. Seen
    are words, sliders, pictures and settings.
    """
    return lambda path, given, steps=(): module(path)(_LIVE, given, list(steps))
