"""Frames written once, as a venue's documentation prints them, with holes for what differs.

Others take `Frame`, `wrapped`, `compiled` and `ShapeError`; `tree` for samples that are matched in
Python. Uses nothing of this house; the engine reads the tables that come out of it.
"""

from feedhandler.shape.compiled import compiled
from feedhandler.shape.errors import ShapeError
from feedhandler.shape.frame import Frame, wrapped

__all__ = ["Frame", "ShapeError", "compiled", "wrapped"]
