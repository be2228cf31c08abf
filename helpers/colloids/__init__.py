"""Colloids: hard spheres, confocal images of them, where each sphere is, and what the arrangement says."""

from helpers.colloids.tracking import preprocess, refine, track

__all__ = ["preprocess", "refine", "track"]
