"""The live figures of the molecules wing."""

import traitlets

from helpers.common.widgets import Widget

__all__ = ["DiffusionExplorer"]


class DiffusionExplorer(Widget):
    """Walkers, their MSD and four estimators of D against the bound, simulated in the page."""

    script = "diffusion.js"
    settings = traitlets.Dict({"D": 1.0, "frames": 16, "sigmaNm": 40, "m": 10, "seed": 1}).tag(sync=True)
