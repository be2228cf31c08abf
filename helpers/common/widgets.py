"""The base of every live widget: physics in the browser, so that it lives in a page without a kernel.

A widget is one Python class and one ``.js`` file beside it. The file exports its pure functions by name, for the tests,
and ends with ``export default { render }``. ``widget.js`` (controls, axes, random numbers) is joined in front, and so
is the file that its first line names, as in ``// after flows.js``.
"""

import inspect
import re
from pathlib import Path
from typing import ClassVar

import anywidget
import traitlets

__all__ = ["IntervalExplorer", "Widget", "esm"]

_BASE = Path(__file__).with_name("widget.js")
_STYLE = Path(__file__).with_name("widget.css")


def esm(script: str | Path) -> str:
    """Return the JavaScript module of a widget: the common base, then what its file stands on, then its own file."""
    own = Path(script).read_text(encoding="utf-8")
    below = re.match(r"// after (\S+\.js)\n", own)
    return (esm(Path(script).with_name(below[1])) if below else _BASE.read_text(encoding="utf-8")) + "\n" + own


class Widget(anywidget.AnyWidget):
    """A live figure. Subclasses set ``script``, the name of the ``.js`` file that lies beside their module.

    ``settings`` holds the start values of the controls, ``data`` raw bytes (float32) for widgets that show a record.
    """

    script: ClassVar[str | None] = None
    settings = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)

    def __init_subclass__(cls, **options):
        if "script" in vars(cls):  # not for the classes that traitlets derives when traits are added
            cls._esm = esm(Path(inspect.getfile(cls)).with_name(cls.script))
            cls._css = _STYLE.read_text(encoding="utf-8")
        super().__init_subclass__(**options)

    def __repr__(self) -> str:
        """Return the class name alone: the default holds an address, which changes from run to run."""
        return f"{type(self).__name__}()"


class IntervalExplorer(Widget):
    """Forty measurements of one number with their 95 % intervals, drawn anew for any sample size."""

    script = "intervals.js"
    settings = traitlets.Dict({"n": 100, "seed": 1}).tag(sync=True)
