"""The live figures of the molecules wing."""

import traitlets

from helpers.common.widgets import Widget

__all__ = ["DiffusionExplorer", "Microscope", "MoleculeReader"]


class DiffusionExplorer(Widget):
    """Walkers, their MSD and four estimators of D against the bound, simulated in the page."""

    script = "diffusion.js"
    settings = traitlets.Dict({"D": 1.0, "frames": 16, "sigmaNm": 40, "m": 10, "seed": 1}).tag(sync=True)


class Microscope(Widget):
    """One molecule under a microscope: its walk, the light on the pixels, and the counts of a camera, in the page."""

    script = "microscope.js"
    settings = traitlets.Dict(
        {
            "D": 1.0,
            "photons": 500,
            "psfNm": 95,
            "background": 5,
            "gain": 10,
            "m": 10,
            "frame": 1,
            "camera": "plain",
            "seed": 1,
        }
    ).tag(sync=True)


class MoleculeReader(Widget):
    """Recorded molecules: their windows, their tracks, and what each method says of D.

    ``molecules`` is a list of {"D", "photons", "track": [[y, x], ...], "answers": [[name, value, low, high], ...]} with
    every pair of D and photons once; ``data`` the 16 windows of 24 x 24 pixels of each, one byte per pixel.
    """

    script = "reader.js"
    settings = traitlets.Dict({"speed": 3, "light": 2}).tag(sync=True)
    molecules = traitlets.List().tag(sync=True)
