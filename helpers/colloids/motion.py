"""Motion of tracked spheres: the linking and the mean squared displacements of trackpy, for our tables.

``link`` needs the column ``frame``, which ``track`` sets to 0: number the tables of a series and put them together.
"""

from trackpy import emsd, imsd, link

__all__ = ["emsd", "imsd", "link"]
