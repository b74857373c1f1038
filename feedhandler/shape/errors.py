"""What is wrong with a shape."""


class ShapeError(ValueError):
    """A shape that means nothing, or two things; the text names the place."""
